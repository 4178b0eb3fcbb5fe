//! Settings, and what can be done with one's progress.

use scale_course::Progress;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{HtmlDialogElement, HtmlInputElement};
use yew::prelude::*;

use super::{MOTIONS, THEMES};
use crate::browser;
use crate::state::{Action, Shared};
use crate::store::Settings;

fn choice<T: Copy + PartialEq + 'static>(
    shared: &Shared,
    title: &'static str,
    name: &'static str,
    options: &[(T, &'static str)],
    now: T,
    set: impl Fn(Settings, T) -> Settings + Copy + 'static,
) -> Html {
    let option = |(value, words): &(T, &'static str)| {
        let (shared, value) = (shared.clone(), *value);
        let onchange = Callback::from(move |_: Event| {
            shared.dispatch(Action::Set(set(shared.settings, value)));
        });
        html! {
            <label><input type="radio" {name} checked={value == now} {onchange} /><span>{ *words }</span></label>
        }
    };
    html! {
        <fieldset class="segmented">
            <legend>{ title }</legend>
            <div>{ for options.iter().map(option) }</div>
        </fieldset>
    }
}

/// A number of things.
fn counted(number: usize, thing: &str, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural} {what}")
}

/// Properties of [`SettingsPage`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// What the page shares.
    pub shared: Shared,
}

/// Settings and progress.
#[component]
pub fn SettingsPage(props: &Props) -> Html {
    let shared = props.shared.clone();
    let settings = shared.settings;
    let dialog = use_node_ref();
    let imported = use_state(|| None::<Result<Progress, String>>);
    let steps: usize = shared
        .progress
        .lessons
        .values()
        .map(|lesson| lesson.steps.len())
        .sum();
    let questions: u32 = shared
        .progress
        .lessons
        .values()
        .flat_map(|l| l.questions.values())
        .map(|q| q.right)
        .sum();
    let export = {
        let shared = shared.clone();
        Callback::from(move |_: MouseEvent| {
            browser::download(
                "scale-lab-progress.json",
                "application/json",
                &shared.progress.write(),
            );
        })
    };
    let choose = {
        let imported = imported.clone();
        Callback::from(move |event: Event| {
            let input: HtmlInputElement = event.target_unchecked_into();
            let Some(file) = input.files().and_then(|files| files.get(0)) else {
                return;
            };
            // The same file can be chosen again once it is mended.
            input.set_value("");
            let imported = imported.clone();
            spawn_local(async move {
                let name = file.name();
                let text = JsFuture::from(file.text())
                    .await
                    .ok()
                    .and_then(|text| text.as_string());
                imported.set(Some(match text {
                    Some(text) => Progress::read(&text).map_err(|why| format!("{name}: {why}")),
                    None => Err(format!("{name} could not be read.")),
                }));
            });
        })
    };
    let open = {
        let dialog = dialog.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                // Fails only if it is open already.
                let _ = dialog.show_modal();
            }
        })
    };
    let close = {
        let dialog = dialog.clone();
        move || {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                dialog.close();
            }
        }
    };
    let reset = {
        let (shared, close) = (shared.clone(), close.clone());
        Callback::from(move |_: MouseEvent| {
            shared.dispatch(Action::Replace(
                Progress::default(),
                "Your progress was reset.".to_owned(),
            ));
            close();
        })
    };
    let take_in = |merge: bool, progress: &Progress| {
        let (shared, imported, progress) = (shared.clone(), imported.clone(), progress.clone());
        Callback::from(move |_: MouseEvent| {
            let mut next = if merge {
                shared.progress.clone()
            } else {
                Progress::default()
            };
            next.merge(&progress);
            shared.dispatch(Action::Replace(
                next,
                "The progress was imported.".to_owned(),
            ));
            imported.set(None);
        })
    };
    html! {
        <div class="page narrow">
            <h1>{ "Settings" }</h1>
            { choice(&shared, "Colours", "theme", &THEMES, settings.theme, |settings, theme| Settings { theme, ..settings }) }
            { choice(&shared, "Motion", "motion", &MOTIONS, settings.motion, |settings, motion| Settings { motion, ..settings }) }
            <section>
            <h2>{ "Your progress" }</h2>
            <p>{ match steps {
                0 => "Nothing yet: it is kept in this browser as you go.".to_owned(),
                _ => format!("{}, {}. It is kept in this browser.", counted(steps, "step", "done"), counted(questions as usize, "question", "answered rightly")),
            } }</p>
            <div class="row">
                <button class="button" onclick={export}>{ "Export" }</button>
                <label class="button file">{ "Import" }<input type="file" accept="application/json,.json" onchange={choose} /></label>
                <button class="button danger" onclick={open} disabled={shared.progress.lessons.is_empty()}>{ "Reset" }</button>
            </div>
            { match &*imported {
                None => html! {},
                Some(Err(why)) => html! { <p class="bad" role="alert">{ why }{ " Nothing was changed." }</p> },
                Some(Ok(progress)) => html! {
                    <div class="callout" role="alert">
                        <p>{ format!("This file holds progress in {} lessons.", progress.lessons.len()) }</p>
                        <div class="row">
                            <button class="button primary" onclick={take_in(true, progress)}>{ "Add it to mine" }</button>
                            <button class="button" onclick={take_in(false, progress)}>{ "Put it in place of mine" }</button>
                        </div>
                    </div>
                },
            } }
            <dialog ref={dialog} aria-labelledby="reset-title">
                <h2 id="reset-title">{ "Reset your progress?" }</h2>
                <p>{ "All steps, predictions and answers are forgotten. You can undo it until you leave the page." }</p>
                <div class="row">
                    <button class="button danger" onclick={reset}>{ "Reset" }</button>
                    <button class="button" onclick={Callback::from(move |_: MouseEvent| close())}>{ "Keep it" }</button>
                </div>
            </dialog>
            </section>
        </div>
    }
}
