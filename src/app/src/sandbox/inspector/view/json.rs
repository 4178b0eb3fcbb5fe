//! The JSON of what is looked at, to be read, copied and written.

use scale_sim::write_json;
use serde_json::Value;
use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use super::super::change::Change;
use super::super::source;
use super::id_of;
use crate::handle::Handle;

/// Properties of [`JsonForm`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// The whole scenario.
    pub design: Handle<Value>,
    /// The part that is written.
    pub pointer: String,
    /// Told of the changes once they fit.
    pub on_edit: Callback<Vec<Change>>,
}

/// A part of a design as JSON.
#[component]
pub fn JsonForm(props: &Props) -> Html {
    let draft = use_state(|| None::<String>);
    let told = use_state(|| None::<Result<(), String>>);
    let part = props.design.pointer(&props.pointer);
    let now = part.map(write_json).unwrap_or_default();
    let oninput = {
        let (draft, told) = (draft.clone(), told.clone());
        Callback::from(move |event: InputEvent| {
            let area: HtmlTextAreaElement = event.target_unchecked_into();
            draft.set(Some(area.value()));
            told.set(None);
        })
    };
    let apply = {
        let (draft, told, now, props) = (draft.clone(), told.clone(), now.clone(), props.clone());
        Callback::from(move |_: MouseEvent| {
            let text = draft.as_ref().unwrap_or(&now);
            match source::read(&props.design, &props.pointer, text) {
                Ok(changes) => {
                    told.set(Some(Ok(())));
                    draft.set(None);
                    if !changes.is_empty() {
                        props.on_edit.emit(changes);
                    }
                }
                Err(why) => told.set(Some(Err(why))),
            }
        })
    };
    let discard = {
        let (draft, told) = (draft.clone(), told.clone());
        Callback::from(move |_: MouseEvent| {
            draft.set(None);
            told.set(None);
        })
    };
    let id = format!("{}-source", id_of(&props.pointer));
    let changed = draft.as_ref().is_some_and(|text| *text != now);
    let rows = now.lines().count().clamp(6, 24).to_string();
    let value = draft.as_ref().unwrap_or(&now).clone();
    html! {
        <div class="inspector-json">
            <label for={id.clone()}>{ "The part as files have it" }</label>
            <textarea {id} {rows} spellcheck="false" autocomplete="off" {value} {oninput}
                aria-describedby="inspector-json-told" aria-invalid={matches!(&*told, Some(Err(_))).then_some("true")} />
            <div class="row">
                <button type="button" class="button small" onclick={apply} disabled={!changed}>{ "Apply" }</button>
                <button type="button" class="button quiet small" onclick={discard} disabled={draft.is_none()}>{ "Back to what it is" }</button>
            </div>
            <div id="inspector-json-told" aria-live="polite">
                { match &*told {
                    None => html! {},
                    Some(Ok(())) => html! { <p class="inspector-note">{ "Applied." }</p> },
                    Some(Err(why)) => html! { <p class="inspector-problem">{ why }{ " Nothing was changed." }</p> },
                } }
            </div>
        </div>
    }
}
