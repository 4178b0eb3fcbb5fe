//! Traffic and faults: what comes to the design over the run, and what goes wrong in it, drawn on one axis of time.
//!
//! [`shape`] knows the shapes of load and [`grip`] what of them can be taken hold of; [`mix`] shares of operations, [`log`] what is in an
//! access log, [`trouble`] what can go wrong with what, [`axis`] round numbers. None of them knows a page: that are [`plot`] with what
//! [`hold`] makes of a hand, and the sections [`load`], [`asks`], [`recorded`] and [`timeline`].

mod asks;
mod axis;
mod field;
mod grip;
mod hold;
mod load;
pub mod log;
mod mix;
mod plot;
mod recorded;
mod shape;
mod timeline;
mod trouble;

use scale_design::Design;
use scale_sim::{Arrivals, Client, Component};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::deed::{Deed, Side};
use super::dialog;
use super::words::{count, number};
use crate::handle::Handle;
use crate::icon::{Sign, icon};
use field::Fields;
use log::Log;
use plot::{Line, Plot, Span};
use recorded::Recorded;

pub use recorded::kept;

/// Clients that are open at first.
const OPEN: usize = 4;
/// Clients that have a line of their own in the picture of all.
const LINES: usize = 8;

/// Properties of [`Traffic`].
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The design.
    pub design: Design,
    /// A log that was dropped.
    pub log: Option<Handle<Log>>,
    /// What is done.
    pub act: Callback<Deed>,
}

/// The traffic of a design and its faults.
#[component]
pub fn Traffic(props: &Props) -> Html {
    let (design, act) = (&props.design, &props.act);
    let fields = Fields::new(design, act);
    let scenario = design.scenario();
    // What is not allowed is drawn as a run of a second: the field beside it says why.
    let horizon_s = scenario.horizon_s;
    let horizon_s = if horizon_s.is_finite() && horizon_s > 0.0 {
        horizon_s
    } else {
        1.0
    };
    let span = Span {
        horizon_s,
        warmup_s: scenario.warmup_s.clamp(0.0, horizon_s),
    };
    let clients: Vec<(&String, &Client)> = { scenario.components.iter() }
        .filter_map(|(name, component)| match component {
            Component::Client(client) => Some((name, client)),
            _ => None,
        })
        .collect();
    let cards = clients.iter().enumerate().map(|(i, (name, client))| {
        let label = design.label(name).to_owned();
        let select = {
            let (act, name) = (act.clone(), (*name).clone());
            Callback::from(move |_: MouseEvent| {
                act.emit(Deed::Show(Side::Build));
                act.emit(Deed::Select(vec![name.clone()]));
            })
        };
        let own = design.problems().iter().filter(|problem| design.about(problem) == Some(name.as_str()));
        let problems: Vec<Html> = own.map(|problem| html! { <p class="traffic-problem">{ &problem.message }</p> }).collect();
        html! {
            <details class="traffic-card kind-client" key={(*name).clone()} open={clients.len() <= OPEN || i == 0}>
                <summary><h3>{ icon(Sign::Client) }{ label.clone() }</h3></summary>
                { load::load(&fields, name, client, span) }
                { for problems }
                { asks::asks(&fields, name, client) }
                <button class="button small" onclick={select}>{ format!("More about {label}") }</button>
            </details>
        }
    });
    let take_file = {
        let act = act.clone();
        Callback::from(move |event: Event| {
            let field: HtmlInputElement = event.target_unchecked_into();
            if let Some(file) = field.files().and_then(|files| files.get(0)) {
                dialog::take_log(file, &act);
            }
            field.set_value("");
        })
    };
    html! {
        <div class="traffic">
            <div class="traffic-page">
                <h2>{ "Traffic and faults" }</h2>
                if let Some(log) = &props.log { <Recorded log={log.clone()} design={design.clone()} act={act.clone()} /> }
                <div class="traffic-fields run-length">
                    { fields.number("horizon_s", "Length of the run", "seconds", scenario.horizon_s) }
                    { fields.number("warmup_s", "Warm-up, not measured", "seconds", scenario.warmup_s) }
                    <label class="button file">{ "Open an access log" }<input type="file" accept=".log,.csv,.txt,text/plain,text/csv" onchange={take_file} /></label>
                </div>
                if clients.is_empty() {
                    <div class="not-yet">
                        <h3>{ "Nobody sends requests yet" }</h3>
                        <button class="button primary" onclick={act.reform(|_: MouseEvent| Deed::Place(scale_sim::Kind::Client, None))}>{ "Add a client" }</button>
                    </div>
                }
                { for cards }
                { together(design, &clients, span) }
                if !design.is_empty() { { timeline::timeline(&fields, span) } }
            </div>
        </div>
    }
}

/// All clients in one picture, with the faults that make them send more.
fn together(design: &Design, clients: &[(&String, &Client)], span: Span) -> Html {
    let faults = &design.scenario().faults;
    let open: Vec<(&String, Vec<[f64; 2]>)> = { clients.iter() }
        .filter(|(_, client)| !matches!(client.arrivals, Arrivals::Closed { .. }))
        .map(|(name, client)| {
            let line = shape::curve(&client.arrivals, span.horizon_s);
            (*name, spiked(line, faults, name, span))
        })
        .collect();
    let spikes = faults
        .iter()
        .any(|fault| matches!(fault.what, scale_sim::Trouble::TrafficSpike(_)));
    if open.is_empty() || (clients.len() < 2 && !spikes) {
        return html! {};
    }
    let curves: Vec<Vec<[f64; 2]>> = open.iter().map(|(_, line)| line.clone()).collect();
    let total = shape::sum(&curves, span.horizon_s);
    let peak = total.iter().map(|point| point[1]).fold(0.0, f64::max);
    let mut lines = vec![Line {
        class: "total",
        points: total,
    }];
    let own = open.iter().take(LINES).enumerate();
    if open.len() > 1 {
        lines.extend(own.clone().map(|(i, (_, line))| Line {
            class: load::line_class(i),
            points: line.clone(),
        }));
    }
    let users: u64 = { clients.iter() }
        .map(|(_, client)| match client.arrivals {
            Arrivals::Closed { users, .. } => u64::from(users),
            _ => 0,
        })
        .sum();
    html! {
        <section class="traffic-card" aria-labelledby="traffic-all">
            <h3 id="traffic-all">{ "All clients together" }</h3>
            <p class="traffic-about">{ format!("{} requests a second at the peak.", number(peak.round())) }
                if users > 0 { { format!(" Besides, {} who wait for answers: how much they send depends on these.", count(users, "user")) } }
            </p>
            <Plot label="Load of all clients over the run" {span} {lines} unit="requests a second" />
            if open.len() > 1 {
                <ul class="plot-key"><li class="total">{ "All" }</li>{ for own.map(|(i, (name, _))| html! { <li class={load::line_class(i)}>{ design.label(name).to_owned() }</li> }) }</ul>
            }
        </section>
    }
}

/// A client's line with the faults that make it send more.
fn spiked(
    line: Vec<[f64; 2]>,
    faults: &[scale_sim::Fault],
    client: &str,
    span: Span,
) -> Vec<[f64; 2]> {
    let own = faults.iter().filter(|fault| {
        trouble::target(&fault.what) == trouble::Target::Component(client.to_owned())
    });
    let edges: Vec<f64> = own
        .filter(|fault| matches!(fault.what, scale_sim::Trouble::TrafficSpike(_)))
        .filter_map(trouble::times)
        .flat_map(|(at, end)| [at, end.unwrap_or(span.horizon_s)])
        .filter(|at| *at > 0.0 && *at < span.horizon_s)
        .collect();
    if edges.is_empty() {
        let factor = trouble::spiked(faults, client, 0.0);
        return line
            .into_iter()
            .map(|[at, value]| [at, value * factor])
            .collect();
    }
    shape::cut(&line, &edges)
        .into_iter()
        .map(|(at, value, within)| [at, value * trouble::spiked(faults, client, within)])
        .collect()
}
