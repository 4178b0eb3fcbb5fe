//! What a design promises: its service level objectives, and how much of their error budgets some runs of it used.

use core::cell::RefCell;
use std::rc::Rc;

use scale_capacity::{Challenge, Measured, Objective, Slos, Verdict, cost, cost_of_run};
use scale_design::{Design, Edit};
use scale_sim::Scenario;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::cost::{money, prices};
use super::deed::Deed;
use super::judging::{Judge, Judging, RUNS, budget_used, used, value};
use super::words::number;
use crate::handle::Handle;
use crate::icon::{Sign, icon};

/// Properties of [`Promises`].
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The design.
    pub design: Design,
    /// What its runs came to. It outlives what is drawn of it.
    pub judging: Handle<RefCell<Judging>>,
    /// Called when there is news of them.
    pub heard: Callback<()>,
    /// What is done.
    pub act: Callback<Deed>,
}

/// What a design promises, and what it keeps of it.
#[component]
pub fn Promises(props: &Props) -> Html {
    let Props {
        design, heard, act, ..
    } = props;
    let slos = *design.slos();
    let measure = {
        let props = props.clone();
        Callback::from(move |_: MouseEvent| begin(&props))
    };
    let cancel = {
        let (judging, heard) = (props.judging.clone(), heard.clone());
        Callback::from(move |_: MouseEvent| {
            judging.replace(Judging::default());
            heard.emit(());
        })
    };
    let judging = props.judging.borrow();
    let fresh = judging.design.as_ref() == Some(design) && !judging.is_under_way();
    let runs = judging.verdicts().count();
    let rows = slos.promised().map(|(objective, bound)| {
        let mut found = judging.objectives().into_iter();
        let found = found.find(|(worst, _)| fresh && worst.objective == objective);
        promise(objective, bound, found, runs, act)
    });
    let others = Objective::ALL
        .into_iter()
        .filter(|objective| !slos.promised().any(|(other, _)| other == *objective));
    let options = others
        .map(|objective| html! { <option value={objective.name()}>{ objective.words() }</option> });
    let more = {
        let (act, design) = (act.clone(), design.clone());
        Callback::from(move |event: Event| {
            let field: HtmlSelectElement = event.target_unchecked_into();
            let chosen = field.value();
            field.set_value("");
            let mut all = Objective::ALL.into_iter();
            if let Some(objective) = all.find(|objective| objective.name() == chosen) {
                act.emit(promised(objective, Some(to_begin(objective, &design))));
            }
        })
    };
    let runnable = design.problems().is_empty();
    html! {
        <section class="promises" aria-labelledby="promises-title">
            <h3 id="promises-title">{ "What it promises" }</h3>
            <p class="quiet">{ "Its service level objectives." }</p>
            <ul>{ for rows }</ul>
            <label class="promise-more"><span class="unseen">{ "Promise more" }</span>
                <select onchange={more}><option value="" selected={true}>{ "Promise more …" }</option>{ for options }</select></label>
            if judging.is_under_way() {
                <progress max={judging.runs.len().to_string()} value={runs.to_string()} aria-label="Runs that are done"></progress>
                <button class="button" onclick={cancel}>{ "Cancel" }</button>
            } else {
                <button class="button" disabled={!runnable || slos == Slos::NONE} onclick={measure}>{ format!("Hold {RUNS} runs against it") }</button>
            }
            <div role="status">{ outcome(&judging, fresh, runs) }</div>
        </section>
    }
}

/// What came of the runs as a whole.
fn outcome(judging: &Judging, fresh: bool, runs: usize) -> Html {
    if let Some(why) = &judging.failed {
        return html! { <p class="failed">{ format!("The runs could not be made: {why}") }</p> };
    }
    let Some(first) = judging.verdicts().next() else {
        return html! {};
    };
    if judging.is_under_way() {
        return html! {};
    }
    if !fresh {
        return html! { <p class="quiet">{ "The design has changed since it was held against what it promises." }</p> };
    }
    let kept = judging
        .verdicts()
        .filter(|verdict| verdict.passed())
        .count();
    let per_million = judging
        .verdicts()
        .filter_map(|verdict| verdict.per_million)
        .fold(0.0, f64::max);
    let stopped = judging
        .verdicts()
        .find_map(|verdict| verdict.stopped.clone());
    html! {
        <>
            <p class={classes!("promises-kept", if kept == runs { "right" } else { "wrong" })}>
                { icon(if kept == runs { Sign::Check } else { Sign::Cross }) }
                { if kept == runs { format!("All of it is kept, in each of {runs} runs.") } else { format!("All of it is kept in {kept} of {runs} runs.") } }
            </p>
            if let Some(why) = stopped { <p class="bad">{ format!("A run had to be broken off: {why}") }</p> }
            if per_million > 0.0 { <p class="quiet">{ format!("A million answered requests cost {}.", money(&first.bill.currency, per_million)) }</p> }
        </>
    }
}

/// One promise: its bound, which can be changed, and what was kept of it.
fn promise(
    objective: Objective,
    bound: f64,
    found: Option<(Measured, usize)>,
    runs: usize,
    act: &Callback<Deed>,
) -> Html {
    // Shares are written in per cent.
    let scale = if objective.is_share() { 100.0 } else { 1.0 };
    let shown = (bound * scale * 1e6).round() / 1e6;
    let onchange = {
        let act = act.clone();
        Callback::from(move |event: Event| {
            let field: HtmlInputElement = event.target_unchecked_into();
            // A share in per cent is no longer for that.
            let value = (field.value_as_number() / scale * 1e9).round() / 1e9;
            if value.is_nan() {
                field.set_value(&shown.to_string());
                act.emit(Deed::Refuse(format!(
                    "{}: a number is needed.",
                    objective.words()
                )));
                return;
            }
            let most = objective.most();
            if !(0.0..=most).contains(&value) {
                field.set_value(&shown.to_string());
            }
            act.emit(promised(objective, Some(value)));
        })
    };
    let drop = {
        let deed = promised(objective, None);
        act.reform(move |_: MouseEvent| deed.clone())
    };
    let unit = match objective {
        Objective::CostPerH => prices().currency,
        _ if objective.is_share() => "%".to_owned(),
        _ => objective.unit().to_owned(),
    };
    let most = objective.most() * scale;
    let words = objective.words();
    let least = if objective.is_least() {
        "at least"
    } else {
        "at most"
    };
    html! {
        <li key={objective.name()} class="promise">
            <label><span class="promise-name">{ words }</span><span class="promise-bound">{ least }
                <input type="number" min="0" max={most.to_string()} step="any" value={shown.to_string()} {onchange} />{ unit }</span></label>
            <button class="button quiet" aria-label={format!("Do not promise: {words}")} title="Do not promise it" onclick={drop}>{ icon(Sign::Cross) }</button>
            if let Some((worst, met)) = found { { kept(&worst, met, runs) } }
        </li>
    }
}

/// What was kept of a promise, in the run that kept it least.
fn kept(worst: &Measured, met: usize, runs: usize) -> Html {
    let currency = prices().currency;
    let all = met == runs;
    let measured = worst.value.map_or_else(
        || "nothing to measure".to_owned(),
        |is| value(worst.objective, is, &currency),
    );
    let used = used(worst);
    // Money that may be spent is no room for errors.
    let budget = match worst.objective {
        Objective::CostPerH => "budget",
        _ => "error budget",
    };
    let budget = used.map(|used| format!(", {} of the {budget}", budget_used(used)));
    let missed =
        (!all).then(|| format!(", missed in {} of {runs} runs", number((runs - met) as f64)));
    // A budget that is overdrawn fills the bar.
    let fill = used
        .or_else(|| worst.budget.map(|_| 1.0))
        .map(|used| used.clamp(0.0, 1.0));
    html! {
        <p class={classes!("promise-kept", if all { "met" } else { "missed" })}>
            if let Some(fill) = fill {
                <span class="budget" aria-hidden="true"><span ~style={format!("width: {:.1}%", fill * 100.0)}></span></span>
            }
            <span>{ format!("At worst {measured}{}{}.", budget.unwrap_or_default(), missed.unwrap_or_default()) }</span>
        </p>
    }
}

/// Promising something else; turns of the same number are one step.
pub fn promised(objective: Objective, bound: Option<f64>) -> Deed {
    let edit = Edit::Promise(objective, bound);
    match bound {
        Some(_) => Deed::GoOn(edit, format!("promise {}", objective.name())),
        None => Deed::Edit(edit),
    }
}

/// What is promised before a learner has said how much: of the size that is usual, and of the cost what it costs now.
fn to_begin(objective: Objective, design: &Design) -> f64 {
    match objective {
        Objective::Availability => 0.99,
        Objective::GoodputPerS => 100.0,
        Objective::P99Ms => 500.0,
        Objective::DegradedShare | Objective::StaleShare => 0.01,
        Objective::StaleMs => 1_000.0,
        Objective::BackgroundP99Ms => 10_000.0,
        Objective::UndoneShare => 0.001,
        Objective::LostWritesShare | Objective::Violations => 0.0,
        Objective::CostPerH => cost(design.scenario(), &prices()).per_hour.ceil(),
    }
}

/// Runs the design as it is, with several seeds.
fn begin(props: &Props) {
    let design = &props.design;
    let seeds = Challenge::plan(design.scenario().seed, RUNS);
    let runs = seeds.into_iter().map(|seed| {
        Scenario {
            seed,
            ..(**design.scenario()).clone()
        }
        .checked()
    });
    let (slos, prices) = (*design.slos(), prices());
    let judge: Judge = Rc::new(move |run, stopped| {
        let bill = cost_of_run(run, &prices);
        Verdict::new(&slos, bill, run, stopped)
    });
    let judging = props.judging.rc();
    Judging::begin(&judging, design, runs.collect(), &judge, &props.heard);
    props.heard.emit(());
}
