//! Faults on the run's axis of time.

use std::rc::Rc;

use scale_design::{Change, Design, Edit};
use scale_sim::{Fault, Trouble, limits};
use serde_json::json;
use yew::prelude::*;

use super::super::deed::Deed;
use super::super::words::number;
use super::axis::{moment, snapped, tidy};
use super::field::{Fields, select};
use super::hold::{Held, Hold};
use super::plot::{Span, times, warmup};
use super::trouble::{self, Edge, KINDS, Target};
use crate::browser;
use crate::icon::{Sign, icon};

/// All faults of the design, and what can be added.
pub fn timeline(fields: &Fields, span: Span) -> Html {
    let faults = &fields.design.scenario().faults;
    let row = |(at, fault): (usize, &Fault)| {
        let row = Row {
            fields: fields.clone(),
            fault: fault.clone(),
            at,
            span,
        };
        html! { <FaultRow key={at} {row} /> }
    };
    html! {
        <section class="traffic-card faults" aria-labelledby="traffic-faults">
            <h3 id="traffic-faults">{ "What goes wrong" }</h3>
            if faults.is_empty() {
                <p class="quiet">{ "Nothing yet. Add a fault, then drag it to its moment." }</p>
            } else {
                <ol class="fault-rows">{ for faults.iter().enumerate().map(row) }</ol>
                { times(span) }
            }
            <Menu design={fields.design.clone()} act={fields.act.clone()} />
        </section>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct MenuProps {
    design: Design,
    act: Callback<Deed>,
}

/// What can be added. A choice alone adds nothing: with the arrow keys one goes over all of them.
#[component]
fn Menu(props: &MenuProps) -> Html {
    let MenuProps { design, act } = props;
    let chosen = use_state(|| None::<usize>);
    let full = design.scenario().faults.len() as u64 >= limits::FAULTS;
    let onchange = {
        let chosen = chosen.clone();
        Callback::from(move |event: Event| {
            let field: web_sys::HtmlSelectElement = event.target_unchecked_into();
            chosen.set(field.value().parse().ok());
        })
    };
    let first = chosen
        .and_then(|at| KINDS.get(at))
        .and_then(|kind| Some((kind, trouble::targets(kind, design).into_iter().next()?)));
    let disabled = full || first.is_none();
    let onclick = {
        let (design, act, chosen) = (design.clone(), act.clone(), chosen.clone());
        Callback::from(move |_: MouseEvent| {
            if let Some((kind, target)) = &first {
                let changes = trouble::added(kind, target, &design);
                act.emit(Deed::Edit(Edit::Change(changes)));
                let words = target.words(&design);
                act.emit(Deed::Tell(format!(
                    "Added a fault: {} of {words}",
                    kind.name
                )));
                chosen.set(None);
                focus(".fault-row:last-child .hold");
            }
        })
    };
    let option = |(i, kind): (usize, &trouble::Kind)| {
        let none = trouble::targets(kind, design).is_empty();
        let words = if none {
            trouble::nothing(kind)
        } else {
            kind.about
        };
        html! {
            <option value={i.to_string()} disabled={none} selected={*chosen == Some(i)}>{ format!("{}: {words}", kind.name) }</option>
        }
    };
    html! {
        <div class="fault-add">
            <select aria-label="What is to go wrong" {onchange} disabled={full}>
                <option value="" selected={chosen.is_none()}>{ if full { "No more faults fit in" } else { "What is to go wrong?" } }</option>
                { for KINDS.iter().enumerate().map(option) }
            </select>
            <button class="button" {disabled} {onclick}>{ "Add the fault" }</button>
        </div>
    }
}

/// Gives the keyboard's place to something once it is drawn.
fn focus(selector: &'static str) {
    gloo::timers::callback::Timeout::new(0, move || browser::focus(&[selector.to_owned()]))
        .forget();
}

/// What a row knows.
#[derive(Clone)]
struct Row {
    fields: Fields,
    fault: Fault,
    at: usize,
    span: Span,
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at && self.span == other.span && self.fields.design == other.fields.design
    }
}

#[derive(Clone, PartialEq, Properties)]
struct RowProps {
    row: Row,
}

impl Row {
    fn set(&self, fault: &Fault, going_on: Option<String>) {
        if *fault == self.fault {
            return;
        }
        let edit = Edit::Change(vec![Change::set(
            format!("/faults/{}", self.at),
            json!(fault),
        )]);
        self.fields.act.emit(match going_on {
            Some(going_on) => Deed::GoOn(edit, going_on),
            None => Deed::Edit(edit),
        });
    }

    fn remove(&self) {
        let change = Change::remove(format!("/faults/{}", self.at));
        self.fields.act.emit(Deed::Edit(Edit::Change(vec![change])));
        focus(".fault-add select");
    }

    fn path(&self, part: &str) -> String {
        format!("faults[{}].{part}", self.at)
    }
}

/// One fault.
#[component]
fn FaultRow(props: &RowProps) -> Html {
    let row = &props.row;
    let turn = use_mut_ref(|| 0_u32);
    let (fault, span) = (&row.fault, row.span);
    let design = &row.fields.design;
    let kind = &KINDS[trouble::kind(&fault.what)];
    let target = trouble::target(&fault.what);
    let words = format!("{}, {}", kind.name, target.words(design));
    let remove = {
        let row = row.clone();
        Callback::from(move |_: MouseEvent| row.remove())
    };
    let track = match trouble::times(fault) {
        Some((at, end)) => {
            let on_held = |edge: Edge, now: f64| {
                let (row, turn) = (row.clone(), Rc::clone(&turn));
                Callback::from(move |held: Held| {
                    let put = |to: f64| {
                        let name = format!("fault-{}-{edge:?}-{}", row.at, turn.borrow());
                        row.set(
                            &trouble::shifted(&row.fault, edge, to, row.span.horizon_s),
                            Some(name),
                        );
                    };
                    match held {
                        Held::Begin => *turn.borrow_mut() += 1,
                        Held::At(right, _) => {
                            put(snapped(right * row.span.horizon_s, row.span.grain_s()));
                        }
                        Held::Steps(right, up) => put(tidy(now + (right + up) * row.span.step_s())),
                        Held::Remove => row.remove(),
                        Held::End | Held::Another => {}
                    }
                })
            };
            let shown_end = end
                .unwrap_or(span.horizon_s)
                .min(span.horizon_s)
                .max(at.min(span.horizon_s));
            let (left, right) = (span.percent(at), span.percent(shown_end));
            let whole = format!("left:{left:.3}%;width:{:.3}%", right - left);
            let most = span.horizon_s;
            let ends = match end {
                Some(end) => moment(tidy(end)),
                None => "the end of the run".to_owned(),
            };
            html! {
                <>
                    <Hold class={classes!("fault-bar", end.is_none().then_some("open"))} style={whole} label={format!("{words}: when")} words={trouble::when(fault)} now={at} {most}
                        anchor=0.0 on_held={on_held(Edge::Whole, at)} />
                    <Hold class="fault-edge start" style={format!("left:{left:.3}%")} label={format!("{words}: begins")} words={moment(at)} now={at} {most}
                        anchor=1.0 on_held={on_held(Edge::Start, at)} />
                    <Hold class="fault-edge end" style={format!("left:{right:.3}%")} label={format!("{words}: ends")} words={ends} now={shown_end} {most}
                        anchor=0.0 on_held={on_held(Edge::End, end.unwrap_or(span.horizon_s))} />
                </>
            }
        }
        None => html! { <span class="fault-random">{ trouble::when(fault) }</span> },
    };
    html! {
        <li class="fault-row">
            <div class="fault-head">
                <b>{ kind.name }</b><span>{ target.words(design) }</span><span class="quiet">{ trouble::when(fault) }</span>
                <button class="button quiet" aria-label={format!("Delete: {words}")} onclick={remove}>{ icon(Sign::Cross) }</button>
            </div>
            <div class="fault-track" data-track="">{ warmup(span) }{ track }</div>
            { settings(row, kind, &target) }
        </li>
    }
}

/// What can be set of a fault.
#[expect(clippy::too_many_lines, reason = "one arm a kind of trouble")]
fn settings(row: &Row, kind: &'static trouble::Kind, target: &Target) -> Html {
    let (fault, fields, at) = (&row.fault, &row.fields, row.at);
    let design = &fields.design;
    let targets = trouble::targets(kind, design);
    let mut options: Vec<(String, String)> = targets
        .iter()
        .enumerate()
        .map(|(i, target)| (i.to_string(), target.words(design)))
        .collect();
    let chosen = targets.iter().position(|other| other == target);
    if chosen.is_none() {
        options.insert(
            0,
            (
                String::new(),
                format!("{} (it does not fit)", target.words(design)),
            ),
        );
    }
    let on_target = {
        let fields = fields.clone();
        Callback::from(move |value: String| {
            if let Some(target) = value.parse::<usize>().ok().and_then(|i| targets.get(i)) {
                let changes = trouble::aimed(at, target, &fields.design);
                fields.act.emit(Deed::Edit(Edit::Change(changes)));
            }
        })
    };
    let chosen = chosen.map(|i| i.to_string()).unwrap_or_default();
    let instance = |tag: &str, instance: Option<u32>| {
        let path = row.path(&format!("what.{tag}.instance"));
        fields.optional(
            &path,
            "Instance",
            "",
            instance.map(f64::from),
            "all of them",
        )
    };
    let own = match &fault.what {
        Trouble::Crash(place) => instance("crash", place.instance),
        Trouble::MissedHealthChecks(place) => instance("missed_health_checks", place.instance),
        Trouble::CacheFlush(place) => instance("cache_flush", place.instance),
        Trouble::DiskFull(place) => instance("disk_full", place.instance),
        Trouble::ReplicaLag(place) => instance("replica_lag", place.instance),
        Trouble::Slow(slow) => html! {
            <>
                { fields.number(&row.path("what.slow.factor"), "Work takes", "times as long", slow.factor) }
                { instance("slow", slow.instance) }
            </>
        },
        Trouble::Errors(errors) => html! {
            <>
                { fields.number(&row.path("what.errors.share"), "Share that fails", "0 to 1", errors.share) }
                { instance("errors", errors.instance) }
            </>
        },
        Trouble::ReducedCapacity(reduced) => html! {
            <>
                { fields.number(&row.path("what.reduced_capacity.servers"), "Out of order", "of each instance", reduced.servers.into()) }
                { instance("reduced_capacity", reduced.instance) }
            </>
        },
        Trouble::PacketLoss(lossy) => fields.number(
            &row.path("what.packet_loss.loss"),
            "Chance to be lost",
            "0 to 0.5",
            lossy.loss,
        ),
        Trouble::TrafficSpike(spike) => fields.number(
            &row.path("what.traffic_spike.factor"),
            "It sends",
            "times as many",
            spike.factor,
        ),
        Trouble::Partition(_) | Trouble::ZoneOutage(_) => html! {},
    };
    let when = match (&fault.random, fault.at_s) {
        (Some(random), _) => html! {
            <>
                { fields.number(&row.path("random.mean_up_s"), "Comes after", "s on average", random.mean_up_s) }
                { fields.number(&row.path("random.mean_down_s"), "Lasts", "s on average", random.mean_down_s) }
            </>
        },
        (None, Some(at_s)) => html! {
            <>
                { fields.number(&row.path("at_s"), "Begins at", "seconds", at_s) }
                { fields.optional(&row.path("for_s"), "Lasts", "seconds", fault.for_s, "to the end") }
            </>
        },
        (None, None) => html! {},
    };
    let random = fault.random.is_some();
    let on_random = {
        let row = row.clone();
        Callback::from(move |_: Event| {
            row.set(
                &trouble::turned(&row.fault, !random, row.span.horizon_s),
                None,
            );
        })
    };
    let path = format!("faults[{at}]");
    let own_problems = design
        .problems()
        .iter()
        .filter(|problem| problem.path.starts_with(&path));
    let problems: Vec<Html> = own_problems
        .map(|problem| html! { <p class="traffic-problem">{ &problem.message }</p> })
        .collect();
    let summary = match &fault.what {
        Trouble::Slow(slow) => format!("Settings: {} times as long", number(slow.factor)),
        Trouble::Errors(errors) => format!("Settings: {} % fail", number(errors.share * 100.0)),
        _ => "Settings".to_owned(),
    };
    html! {
        <details class="fault-settings" open={!problems.is_empty()}>
            <summary>{ summary }</summary>
            <p class="quiet">{ kind.about }</p>
            <div class="traffic-fields">
                { select("It strikes", &options, &chosen, on_target) }
                { own }{ when }
                <label class="traffic-check"><input type="checkbox" checked={random} onchange={on_random} />{ "Again and again, at random" }</label>
            </div>
            { for problems }
        </details>
    }
}
