//! What is said of what is selected, and what can be changed there.

use core::cell::RefCell;
use std::rc::Rc;

use scale_design::wiring::{self, Wiring};
use scale_design::{Align, Change, Design, Edit};
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::challenge::{refusal_list, use_challenge};
use super::cost::Cost;
use super::deed::Deed;
use super::inspector::{Inspector, Subject};
use super::judging::Judging;
use super::promises::Promises;
use crate::handle::Handle;
use crate::icon::{Sign, icon};

/// Properties of [`Panel`].
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The design.
    pub design: Design,
    /// Selected components, by name.
    pub selected: Rc<Vec<String>>,
    /// The selected connection.
    pub wire: Option<(String, String)>,
    /// What its runs came to.
    pub judging: Handle<RefCell<Judging>>,
    /// Called when there is news of them.
    pub heard: Callback<()>,
    /// What is done.
    pub act: Callback<Deed>,
}

/// The panel.
#[component]
pub fn Panel(props: &Props) -> Html {
    let Props {
        design,
        selected,
        wire,
        act,
        ..
    } = props;
    // What is open and half written here belongs to what is selected, also when it gets another name: so by its place among all.
    let place = |name: &String| design.scenario().components.get_index_of(name);
    let (key, content) = match (wire, &selected[..]) {
        (Some((from, to)), _) => (
            format!("{:?}>{:?}", place(from), place(to)),
            connection(design, from, to, act),
        ),
        (None, []) => (String::new(), whole(props)),
        (None, [one]) => (format!("{:?}", place(one)), component(design, one, act)),
        (None, many) => ("many".to_owned(), several(design, many, act)),
    };
    html! {
        <aside class="panel" aria-label="What is selected" {key}>{ content }</aside>
    }
}

/// What can be set of a part of the design.
fn settings(design: &Design, of: Subject, act: &Callback<Deed>) -> Html {
    let on_edit = act.reform(|changes: Vec<Change>| match &changes[..] {
        // Turns of the same knob are one step.
        [Change::Set { pointer, value }] if value.is_number() => {
            let name = pointer.clone();
            Deed::GoOn(Edit::Change(changes), name)
        }
        _ => Deed::Edit(Edit::Change(changes)),
    });
    let tree = Handle::from(Rc::clone(design.tree()));
    let problems = Handle::from(Rc::clone(design.problems()));
    html! { <Inspector design={tree} {of} {problems} {on_edit} /> }
}

/// A list of what keeps the design from being run; each leads to its component.
pub fn problems(design: &Design, act: &Callback<Deed>) -> Html {
    let line = |problem: &scale_sim::Problem| match design.about(problem) {
        Some(name) => {
            let name = name.to_owned();
            let label = design.label(&name).to_owned();
            let onclick = {
                let (act, name) = (act.clone(), name.clone());
                Callback::from(move |_: MouseEvent| {
                    act.emit(Deed::Show(super::Side::Build));
                    act.emit(Deed::Select(vec![name.clone()]));
                })
            };
            html! { <li><button class="problem" {onclick}><b>{ label }</b>{ said(problem) }</button></li> }
        }
        None => html! { <li class="problem">{ said(problem) }</li> },
    };
    html! { <ul class="problems">{ for design.problems().iter().take(20).map(line) }</ul> }
}

/// A problem in the words of the board.
fn said(problem: &scale_sim::Problem) -> String {
    if problem.message.starts_with("there is no component ''") {
        return "Connect it to what it sends to.".to_owned();
    }
    if problem.message.starts_with("no client") {
        return "Nobody sends requests yet: add a client.".to_owned();
    }
    problem.message.clone()
}

fn whole(props: &Props) -> Html {
    let Props {
        design,
        judging,
        heard,
        act,
        ..
    } = props;
    html! {
        <>
            <h2>{ "The design" }</h2>
            if design.is_empty() {
                <p class="quiet">{ "Select a component to see and change what it is." }</p>
            } else if design.problems().is_empty() {
                <p class="ready">{ icon(Sign::Check) }{ "Ready to run." }</p>
                <Refused design={design.clone()} act={act.clone()} />
            } else {
                <h3>{ "Before it can run" }</h3>
                { problems(design, act) }
            }
            if !design.is_empty() {
                // What counts in a challenge is what that wants.
                if design.challenge().is_none() { <Promises design={design.clone()} judging={judging.clone()} heard={heard.clone()} act={act.clone()} /> }
                <Cost design={design.clone()} />
                { settings(design, Subject::Whole, act) }
            }
        </>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct RefusedProps {
    design: Design,
    act: Callback<Deed>,
}

/// What the challenge that a design is to take says of it, before that day comes.
#[component]
fn Refused(props: &RefusedProps) -> Html {
    let challenge = use_challenge(props.design.challenge().map(|id| id.to_owned().into()));
    let Some(Ok(challenge)) = challenge else {
        return html! {};
    };
    let refusals = challenge.refusals(props.design.scenario());
    if refusals.is_empty() {
        return html! {};
    }
    html! {
        <>
            <h3>{ "The challenge does not take it yet" }</h3>
            { refusal_list(&props.design, &refusals, &props.act) }
        </>
    }
}

fn component(design: &Design, name: &str, act: &Callback<Deed>) -> Html {
    let Some(kind) = design.kind(name) else {
        return html! {};
    };
    let (words, about) = scale_design::palette::words(kind);
    let on_label = {
        let (act, name) = (act.clone(), name.to_owned());
        Callback::from(move |event: Event| {
            let field: HtmlInputElement = event.target_unchecked_into();
            let (name, label) = (name.clone(), field.value());
            act.emit(Deed::Edit(Edit::Rename { name, label }));
        })
    };
    let own = design.problems().iter();
    let own = own.filter(|problem| design.about(problem) == Some(name));
    let own: Vec<Html> = own
        .map(|problem| html! { <li>{ said(problem) }</li> })
        .collect();
    html! {
           <>
               <div class={classes!("panel-head", format!("kind-{}", kind.name()))}>
                   { icon(Sign::from(kind)) }
                   <div><h2 class="panel-kind">{ words }</h2><p class="quiet">{ about }</p></div>
               </div>
               <label class="panel-name"><span>{ "Name" }</span>
                   <input type="text" maxlength="40" value={design.label(name).to_owned()} onchange={on_label} />
               </label>
    { group(design, &[name.to_owned()], act) }
               if !own.is_empty() { <ul class="problems own" role="status">{ for own }</ul> }
               { wires(design, name, act) }
               { settings(design, Subject::Component(name.to_owned()), act) }
               <div class="row">
                   <button class="button" onclick={act.reform(|_: MouseEvent| Deed::Duplicate)}>{ "Duplicate" }</button>
                   <button class="button danger" onclick={act.reform(|_: MouseEvent| Deed::Delete(None))}>{ "Delete" }</button>
               </div>
           </>
       }
}

/// The name of the group that these belong to, if they do.
fn group(design: &Design, names: &[String], act: &Callback<Deed>) -> Html {
    let mut groups = design.groups().iter();
    let group = groups.find(|group| names.iter().any(|name| group.members.contains(name)));
    let Some(group) = group else {
        return html! {};
    };
    let onchange = {
        let (act, members) = (act.clone(), group.members.clone());
        Callback::from(move |event: Event| {
            let field: HtmlInputElement = event.target_unchecked_into();
            let (name, members) = (field.value(), members.clone());
            act.emit(Deed::Edit(Edit::Group { name, members }));
        })
    };
    html! {
        <label class="panel-name"><span>{ "Group" }</span>
            <input type="text" maxlength="60" value={group.name.clone()} {onchange} />
        </label>
    }
}

/// Whom it calls, who calls it, and what it could call.
fn wires(design: &Design, name: &str, act: &Callback<Deed>) -> Html {
    let scenario = design.scenario();
    let all = wiring::connections(scenario);
    let link = |from: &str, to: &str, other: &str| {
        let (a, b) = (from.to_owned(), to.to_owned());
        let select = {
            let (a, b) = (a.clone(), b.clone());
            act.reform(move |_: MouseEvent| Deed::SelectWire(a.clone(), b.clone()))
        };
        let label = design.label(other).to_owned();
        let cut = act.reform(move |_: MouseEvent| {
            Deed::Edit(Edit::Disconnect {
                from: a.clone(),
                to: b.clone(),
            })
        });
        html! {
            <li>
                <button class="wire-name" onclick={select}>{ &label }</button>
                <button class="button quiet" aria-label={format!("Disconnect {label}")} onclick={cut}>{ icon(Sign::Cross) }</button>
            </li>
        }
    };
    let calls: Vec<Html> = { all.iter() }
        .filter(|(from, _)| *from == name)
        .map(|(from, to)| link(from, to, to))
        .collect();
    let called: Vec<Html> = { all.iter() }
        .filter(|(_, to)| *to == name)
        .map(|(from, to)| link(from, to, from))
        .collect();
    let onchange = {
        let (act, from) = (act.clone(), name.to_owned());
        Callback::from(move |event: Event| {
            let field: HtmlSelectElement = event.target_unchecked_into();
            let to = field.value();
            field.set_selected_index(0);
            if !to.is_empty() {
                act.emit(Deed::Connect(from.clone(), to));
            }
        })
    };
    let others = scenario.components.keys().filter(|other| *other != name);
    let wiring = Wiring::new(scenario);
    let options = others.map(|other| {
        let refused = wiring.refusal(scenario, name, other);
        let words = match &refused {
            Some(why) => format!("{}: {why}", design.label(other)),
            None => design.label(other).to_owned(),
        };
        html! { <option value={other.clone()} disabled={refused.is_some()}>{ words }</option> }
    });
    html! {
        <section class="panel-wires">
            if !called.is_empty() { <h3>{ "Called by" }</h3><ul>{ for called }</ul> }
            if !calls.is_empty() { <h3>{ "Calls" }</h3><ul>{ for calls }</ul> }
            <label><span class="unseen">{ "Connect it to" }</span>
                <select {onchange}>
                    <option value="" selected=true>{ "Connect it to …" }</option>
                    { for options }
                </select>
            </label>
        </section>
    }
}

fn connection(design: &Design, from: &str, to: &str, act: &Callback<Deed>) -> Html {
    let cut = {
        let (from, to) = (from.to_owned(), to.to_owned());
        act.reform(move |_: MouseEvent| {
            Deed::Edit(Edit::Disconnect {
                from: from.clone(),
                to: to.clone(),
            })
        })
    };
    html! {
        <>
            <h2>{ format!("{} → {}", design.label(from), design.label(to)) }</h2>
            { settings(design, Subject::Connection { from: from.to_owned(), to: to.to_owned() }, act) }
            <div class="row"><button class="button danger" onclick={cut}>{ "Disconnect" }</button></div>
        </>
    }
}

fn several(design: &Design, names: &[String], act: &Callback<Deed>) -> Html {
    let grouped = design.groups().iter();
    let grouped = grouped.filter(|group| names.iter().any(|name| group.members.contains(name)));
    let button = |words: &'static str, deed: Deed| html! { <button class="button" onclick={act.reform(move |_: MouseEvent| deed.clone())}>{ words }</button> };
    html! {
        <>
            <h2>{ format!("{} components", names.len()) }</h2>
            <p class="quiet">{ names.iter().map(|name| design.label(name)).collect::<Vec<_>>().join(", ") }</p>
            { group(design, names, act) }
            <h3>{ "Put in line" }</h3>
            <div class="row">
                { button("One column", Deed::Align(Align::Column)) }
                { button("One row", Deed::Align(Align::Row)) }
                { button("Spread across", Deed::Align(Align::Across)) }
                { button("Spread down", Deed::Align(Align::Down)) }
            </div>
            <div class="row">
                { button("Group", Deed::Group) }
                if grouped.count() > 0 { { button("Ungroup", Deed::Ungroup) } }
                { button("Duplicate", Deed::Duplicate) }
                <button class="button danger" onclick={act.reform(|_: MouseEvent| Deed::Delete(None))}>{ "Delete" }</button>
            </div>
        </>
    }
}
