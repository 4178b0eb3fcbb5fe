//! A log that was dropped: what is in it, and how it becomes a client's load.

use std::rc::Rc;

use scale_design::{Change, Edit, below};
use scale_sim::{Component, limits};
use serde_json::json;
use yew::prelude::*;

use super::super::deed::Deed;
use super::super::words::{count, number};
use super::axis::{moment, tidy};
use super::field::{Fields, select};
use super::log::{self, Log};
use super::mix;
use crate::browser;
use crate::handle::Handle;

/// What is taken of a log.
#[expect(clippy::struct_excessive_bools, reason = "each is a box to tick")]
#[derive(Clone, PartialEq, Debug)]
pub struct Taken {
    /// The client that gets it.
    pub client: String,
    /// Every request at its moment, rather than a curve.
    pub exactly: bool,
    /// Its reads and writes.
    pub mix: bool,
    /// How many keys, and how uneven.
    pub keys: bool,
    /// Its length.
    pub length: bool,
}

/// What changes in the design.
pub fn changes(log: &Log, taken: &Taken, fields: &Fields) -> Vec<Change> {
    let scenario = fields.design.scenario();
    let Some(Component::Client(client)) = scenario.components.get(&taken.client) else {
        return Vec::new();
    };
    let at = below(&below("/components", &taken.client), "client");
    let recording = log.recording().filter(|_| taken.exactly);
    let arrivals = recording.unwrap_or_else(|| log::curve(log));
    let mut changes = vec![Change::set(below(&at, "arrivals"), json!(arrivals))];
    if taken.mix
        && let Some(shares) = log::shares(log)
    {
        changes.extend(mix::changes(&taken.client, client, &shares));
    }
    if taken.keys
        && let Some(keys) = &log.keys
    {
        changes.push(Change::set(below(&at, "keys"), json!(keys)));
    }
    if taken.length {
        let run_s = log.run_s();
        changes.push(Change::set("/horizon_s", run_s));
        if scenario.warmup_s >= run_s {
            changes.push(Change::set("/warmup_s", tidy(run_s / 10.0)));
        }
    }
    changes
}

/// Properties of [`Recorded`].
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The log.
    pub log: Handle<Log>,
    /// The fields of the page.
    pub design: scale_design::Design,
    /// What is done.
    pub act: Callback<Deed>,
}

/// The log, and what to take of it.
#[component]
pub fn Recorded(props: &Props) -> Html {
    let (log, design) = (&props.log, &props.design);
    let fields = Fields::new(design, &props.act);
    let components = design.scenario().components.iter();
    let clients = components.filter(|(_, component)| matches!(component, Component::Client(_)));
    let clients: Vec<(String, String)> = clients
        .map(|(name, _)| (name.clone(), design.label(name).to_owned()))
        .collect();
    // It may be out of sight.
    use_effect_with(log.clone(), |_| {
        browser::focus(&["#traffic-log".to_owned()]);
    });
    let fits = use_memo(log.clone(), |log| log.recording().is_some());
    let chosen = use_state(|| None::<Taken>);
    let start = Taken {
        client: clients
            .first()
            .map(|(name, _)| name.clone())
            .unwrap_or_default(),
        exactly: *fits,
        mix: false,
        keys: log.keys.is_some(),
        length: true,
    };
    // A mix that nobody answers would keep the design from being run.
    let answered = {
        let before = design.problems().len();
        let with = Taken {
            mix: true,
            ..start.clone()
        };
        let after = Edit::Change(changes(log, &with, &fields)).apply(design);
        after.is_ok_and(|after| after.design.problems().len() <= before)
    };
    let taken = (*chosen).clone().unwrap_or(Taken {
        mix: answered && log.kinds.is_some(),
        ..start
    });
    let set = |does: fn(&mut Taken)| {
        let (chosen, taken) = (chosen.clone(), taken.clone());
        Callback::from(move |_: Event| {
            let mut taken = taken.clone();
            does(&mut taken);
            chosen.set(Some(taken));
        })
    };
    let on_client = {
        let (chosen, taken) = (chosen.clone(), taken.clone());
        Callback::from(move |client: String| {
            chosen.set(Some(Taken {
                client,
                ..taken.clone()
            }));
        })
    };
    let take = {
        let (log, taken, fields) = (log.clone(), taken.clone(), fields.clone());
        Callback::from(move |_: MouseEvent| {
            let words = fields.design.label(&taken.client).to_owned();
            fields.act.emit(Deed::Log(None));
            fields
                .act
                .emit(Deed::Edit(Edit::Change(changes(&log, &taken, &fields))));
            fields
                .act
                .emit(Deed::Tell(format!("{words} sends what is in {}", log.name)));
        })
    };
    let leave = props.act.reform(|_: MouseEvent| Deed::Log(None));
    let check = |on: bool, words: String, does: fn(&mut Taken)| {
        html! {
            <label class="traffic-check"><input type="checkbox" checked={on} onchange={set(does)} />{ words }</label>
        }
    };
    let kinds = log.kinds.map(|[reads, writes]| {
        format!(
            "{} read and {} write.",
            number(reads as f64),
            number(writes as f64)
        )
    });
    let way = if *fits {
        html! {
            <fieldset>
                <legend>{ "How" }</legend>
                <label class="traffic-check"><input type="radio" name="log-way" checked={taken.exactly} onchange={set(|taken| taken.exactly = true)} />
                    { "As it is: every request at its moment. Only the moments are kept in the design, no addresses and no paths." }</label>
                <label class="traffic-check"><input type="radio" name="log-way" checked={!taken.exactly} onchange={set(|taken| taken.exactly = false)} />
                    { format!("As a curve, to be changed: as many requests on the whole, evened out over {}.", moment(log::blurred_s(log))) }</label>
            </fieldset>
        }
    } else {
        html! {
            <p class="notice">{ format!("It is too large to be kept in the design as it is ({} bytes at most). It becomes a curve: as many requests on the whole, evened out over {}. Bursts shorter than that are lost.",
                number(limits::RECORDING as f64), moment(log::blurred_s(log))) }</p>
        }
    };
    html! {
        <section class="traffic-card recorded" aria-labelledby="traffic-log">
            <h3 id="traffic-log" tabindex="-1">{ format!("Found in {}", log.name) }</h3>
            <p>{ format!("{} over {}: {} a second on average, {} in the busiest second. ",
                count(log.times.len() as u64, "request"), moment(log.length_s()), number((log.mean_per_s() * 100.0).round() / 100.0), number(log.most_per_s() as f64)) }
                { kinds.unwrap_or_default() }
            </p>
            if clients.is_empty() {
                <p class="notice">{ "There is no client that could send it: add one to the design first." }</p>
            } else {
                { way }
                { select("It becomes the load of", &clients, &taken.client, on_client) }
                { check(taken.length, format!("Make the run as long: {}", moment(log.run_s())), |taken| taken.length = !taken.length) }
                if let Some(shares) = log::shares(log) {
                    { check(taken.mix, format!("Ask for {}{}", shares.iter().map(|(name, share)| format!("{name} ({} %)", number(*share))).collect::<Vec<_>>().join(" and "),
                        if answered { "" } else { ", though not everything is answered by that name yet" }), |taken| taken.mix = !taken.mix) }
                }
                if let Some(keys) = &log.keys {
                    { check(taken.keys, format!("{}, asked for as unevenly as its paths were", count(keys.count(), "key")), |taken| taken.keys = !taken.keys) }
                }
            }
            <div class="row">
                if !clients.is_empty() { <button class="button primary" onclick={take}>{ "Use it" }</button> }
                <button class="button" onclick={leave}>{ "Leave it" }</button>
            </div>
        </section>
    }
}

/// A log as the page keeps it.
pub fn kept(log: Log) -> Handle<Log> {
    Handle::from(Rc::new(log))
}
