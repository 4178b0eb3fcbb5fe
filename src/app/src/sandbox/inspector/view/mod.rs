//! The inspector on the page: a sheet of fields, presets, and the JSON for those who want it.

mod fields;
pub(in crate::sandbox) mod inputs;
mod json;
mod plan;

use std::cell::RefCell;
use std::rc::Rc;

use scale_sim::{Kind, Problem};
use serde_json::Value;
use yew::prelude::*;

use super::change::Change;
use super::fresh::Around;
use super::presets::presets;
use super::settle::settled;
use super::subject::{Section, Sheet, Subject, alike};
use crate::browser;
use crate::handle::Handle;
use crate::icon::icon;
use fields::{all, problems};
use inputs::Disclosure;
use json::JsonForm;

/// Properties of [`Inspector`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// The whole scenario as JSON. It has the form of one, and may have problems.
    pub design: Handle<Value>,
    /// What to look at.
    pub of: Subject,
    /// What is wrong with the scenario.
    pub problems: Handle<Vec<Problem>>,
    /// Told of what is to change, as one step.
    pub on_edit: Callback<Vec<Change>>,
}

/// What all parts of an inspector share.
#[derive(Clone)]
pub(super) struct Ctx {
    design: Handle<Value>,
    within: Option<String>,
    around: Rc<Around>,
    on_edit: Callback<Vec<Change>>,
    /// Where the keyboard's focus is to be once a change has been made: the page may lose it with what is gone.
    focus: Rc<RefCell<Vec<String>>>,
}

impl PartialEq for Ctx {
    fn eq(&self, other: &Self) -> bool {
        self.design == other.design && self.within == other.within && self.on_edit == other.on_edit
    }
}

impl Ctx {
    /// Asks for changes; the focus goes to the first of `then` that is there afterwards.
    fn edit(&self, changes: Vec<Change>, then: Vec<String>) {
        self.focus.replace(then);
        self.on_edit.emit(changes);
    }

    /// Asks for something new, with the names in it that fit best.
    fn add(&self, changes: Vec<Change>, then: Vec<String>) {
        let changes = settled(&self.design, changes, self.within.as_deref());
        self.edit(changes, then);
    }

    /// Whether the focus is about to go to an element.
    fn awaits(&self, id: &str) -> bool {
        self.focus.borrow().contains(&selector(id))
    }
}

/// The id of the element for a place in the design: letters and digits as they are, all else told apart.
pub(super) fn id_of(pointer: &str) -> String {
    let told = pointer.chars().map(|c| match c {
        '/' => "_".to_owned(),
        c if c.is_ascii_alphanumeric() || c == '-' => c.to_string(),
        c => format!(":{:x}:", u32::from(c)),
    });
    core::iter::once("in".to_owned()).chain(told).collect()
}

/// A selector of the element with this id.
pub(super) fn selector(id: &str) -> String {
    format!("[id=\"{id}\"]")
}

/// A part of a design, to be looked at and changed.
#[component]
pub fn Inspector(props: &Props) -> Html {
    let focus = use_mut_ref(Vec::<String>::new);
    {
        let focus = focus.clone();
        use_effect_with(props.design.clone(), move |_| browser::focus(&focus.take()));
    }
    // While components are only moved about, the sheet need not be made anew.
    let drawn = use_mut_ref(|| props.design.clone());
    if !alike(&drawn.borrow(), &props.design) {
        drawn.replace(props.design.clone());
    }
    let drawn = drawn.borrow().clone();
    let sheet = use_memo(
        (drawn.clone(), Vec::clone(&props.problems), props.of.clone()),
        |(design, problems, of)| of.sheet(design, problems),
    );
    let around = use_memo((drawn, props.of.clone()), |(design, of)| {
        Around::of(design, of.within())
    });
    let ctx = Ctx {
        around,
        design: props.design.clone(),
        within: props.of.within().map(str::to_owned),
        on_edit: props.on_edit.clone(),
        focus,
    };
    let Some(sheet) = &*sheet else {
        return html! { <p class="waiting">{ "What was looked at here is not there any more." }</p> };
    };
    html! {
        <section class="inspector" aria-labelledby="inspector-title">
            { head(sheet) }
            { chooser(&ctx, sheet) }
            { for sheet.sections.iter().map(|part| section(&ctx, part)) }
            if let Some(pointer) = &sheet.json {
                <Disclosure id={format!("{}-json", id_of(pointer))} label="As JSON" class="inspector-more">
                    <JsonForm design={props.design.clone()} pointer={pointer.clone()} on_edit={props.on_edit.clone()} />
                </Disclosure>
            }
        </section>
    }
}

fn head(sheet: &Sheet) -> Html {
    let kind = sheet.kind.as_deref();
    let sign = kind.and_then(Kind::named).map(|kind| icon(kind.into()));
    let class = kind.map(|kind| format!("kind-{kind}"));
    html! {
        <header class={classes!("inspector-head", class)}>
            <h2 id="inspector-title">{ sign }{ &sheet.title }</h2>
            <p>{ &sheet.says }</p>
        </header>
    }
}

/// The presets of a component.
fn chooser(ctx: &Ctx, sheet: &Sheet) -> Html {
    let (Some(kind), Some(pointer)) = (&sheet.kind, &sheet.json) else {
        return html! {};
    };
    let Some(own) = ctx.design.pointer(pointer) else {
        return html! {};
    };
    let offered = presets(kind, pointer, own);
    let button = offered
        .into_iter()
        .filter(|preset| !preset.changes.is_empty())
        .map(|preset| {
            let (ctx, changes) = (ctx.clone(), preset.changes);
            let onclick =
                Callback::from(move |_: MouseEvent| ctx.edit(changes.clone(), Vec::new()));
            html! {
                <li>
                    <button type="button" class="inspector-preset" {onclick}>
                        <span>{ preset.name }</span><small>{ preset.says }</small>
                    </button>
                </li>
            }
        });
    html! {
        <Disclosure id="inspector-presets" label="Presets" summary="usual settings" class="inspector-more">
            <ul class="inspector-menu">{ for button }</ul>
        </Disclosure>
    }
}

fn section(ctx: &Ctx, section: &Section) -> Html {
    let act = section.act.as_ref().map(|(label, changes)| {
        let (ctx, changes) = (ctx.clone(), changes.clone());
        let onclick = Callback::from(move |_: MouseEvent| {
            ctx.edit(changes.clone(), vec![".inspector-act".to_owned()]);
        });
        html! { <button type="button" class="button quiet small inspector-act" {onclick}>{ *label }</button> }
    });
    html! {
        <div class="inspector-section">
            if let Some(heading) = &section.heading { <h3>{ heading }</h3> }
            { problems("inspector", &section.problems) }
            { all(ctx, &section.fields) }
            { act }
        </div>
    }
}
