//! What the task asks for, as it is at the moment shown: each condition with its present value.

use scale_sim::{Condition, Metric};
use yew::prelude::*;

use super::chart::number;
use super::run::Run;
use crate::protocol::Gauge;

/// The conditions of the task, each with what was measured last.
pub fn gauges(run: &Run, task: &[Condition]) -> Html {
    if task.is_empty() {
        return html! {};
    }
    let gauges = run.gauges();
    let one = |(at, condition): (usize, &Condition)| {
        let gauge = gauges.get(at);
        // What was done stays done, whatever the run does then.
        let holds = run.task_is_done() || gauge.is_some_and(|gauge| gauge.held_s > 0.0);
        html! {
            <li class={classes!(holds.then_some("holds"))}>
                <span class="gauge-name">{ name(run, condition) }</span>
                <b>{ gauge.and_then(|gauge| gauge.value).map_or_else(|| "–".to_owned(), |value| amount(condition.metric, value)) }</b>
                <small>{ so_far(run, at, condition.metric) }</small>
                <span class="gauge-wanted">{ wanted(condition) }{ gauge.and_then(|gauge| held(condition, gauge)) }</span>
            </li>
        }
    };
    html! {
        <ul class="gauges" aria-label="What the task asks for, and what is measured">
            { for task.iter().enumerate().map(one) }
            if is_too_late(run, task) { <li>{ "Too little is left of this run. Begin it again: the knobs stay." }</li> }
        </ul>
    }
}

/// Whether what must hold for a while cannot any more before the run ends.
fn is_too_late(run: &Run, task: &[Condition]) -> bool {
    let left_s = run.scene.horizon_s - run.now_s();
    let gauges = run.gauges();
    let lacks_s = task.iter().enumerate().filter_map(|(at, condition)| {
        let held_s = gauges.get(at).map_or(0.0, |gauge| gauge.held_s);
        Some(condition.for_s? - held_s)
    });
    !run.task_is_done() && lacks_s.fold(0.0, f64::max) > left_s
}

/// What it came to since the run began, where that can be said.
fn so_far(run: &Run, at: usize, metric: Metric) -> Option<String> {
    let value = number(run.so_far(at, metric)?);
    Some(if metric.adds_up() {
        format!("{value} in all")
    } else {
        format!("{value} at most")
    })
}

/// What is measured, and where.
pub fn name(run: &Run, condition: &Condition) -> String {
    let words = condition.metric.words();
    let Some(of) = &condition.of else {
        return words.to_owned();
    };
    let component = run.scene.components.iter().find(|own| own.name == *of);
    let label = component.map_or(of.as_str(), |own| &own.label);
    format!("{words}, {label}")
}

/// A value with its unit.
fn amount(metric: Metric, value: f64) -> String {
    if matches!(metric, Metric::Utilisation | Metric::HitRatio) {
        return format!("{:.0}%", value * 100.0);
    }
    let value = if metric.adds_up() {
        format!("{value:.0}")
    } else {
        number(value)
    };
    match metric.unit() {
        "" => value,
        unit => format!("{value} {unit}"),
    }
}

/// The bounds that it must keep, and for how long.
fn wanted(condition: &Condition) -> String {
    let bound = |words: [&str; 2], value: Option<f64>, whole: fn(f64) -> f64| {
        let value = value?;
        // Half an instance is none: what is above 2.5 is 3 at least.
        let [word, value] = match condition.metric {
            Metric::Instances => [words[1], &format!("{:.0} instances", whole(value))],
            _ => [words[0], &amount(condition.metric, value)],
        };
        Some(format!("{word} {value}"))
    };
    let bounds = [
        bound(["above", "at least"], condition.above, f64::ceil),
        bound(["below", "at most"], condition.below, f64::floor),
    ];
    let bounds: Vec<String> = bounds.into_iter().flatten().collect();
    let lasts = condition
        .for_s
        .map_or_else(String::new, |for_s| format!(" for {for_s} s"));
    format!("wanted {}{lasts}", bounds.join(" and "))
}

/// For how long it has held, if it must for a while.
fn held(condition: &Condition, gauge: &Gauge) -> Option<String> {
    let for_s = condition.for_s?;
    let held_s = gauge.held_s.min(for_s);
    (held_s > 0.0).then(|| format!(", held {}", number(held_s)) + " s")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(text: &str) -> Condition {
        scale_sim::read_json(text).expect("of the format")
    }

    #[test]
    fn a_condition_is_told_in_its_unit() {
        let latency = condition(r#"{"measure":"p99_ms","below":500,"for_s":10}"#);
        assert_eq!(wanted(&latency), "wanted below 500 ms for 10 s");
        let busy = condition(r#"{"measure":"utilisation","of":"shop","above":0.5,"below":0.8}"#);
        assert_eq!(wanted(&busy), "wanted above 50% and below 80%");
        let few = condition(r#"{"measure":"instances","of":"shop","below":2.5}"#);
        assert_eq!(wanted(&few), "wanted at most 2 instances");
        let none = condition(r#"{"measure":"violations","below":1}"#);
        assert_eq!(wanted(&none), "wanted below 1 violations");
        let gauge = |held_s| Gauge {
            value: Some(1.0),
            held_s,
        };
        assert_eq!(held(&latency, &gauge(4.0)).as_deref(), Some(", held 4.0 s"));
        assert_eq!(held(&latency, &gauge(0.0)), None);
        assert_eq!(held(&busy, &gauge(4.0)), None);
    }
}
