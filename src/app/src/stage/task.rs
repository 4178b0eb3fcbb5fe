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
        let holds = gauge.is_some_and(|gauge| gauge.held_s > 0.0);
        html! {
            <li class={classes!(holds.then_some("holds"))}>
                <span class="gauge-name">{ name(run, condition) }</span>
                <b>{ gauge.and_then(|gauge| gauge.value).map_or_else(|| "–".to_owned(), |value| amount(condition.metric, value)) }</b>
                <span class="gauge-wanted">{ wanted(condition) }{ gauge.and_then(|gauge| held(condition, gauge)) }</span>
            </li>
        }
    };
    html! {
        <ul class="gauges" aria-label="What the task asks for, and what is measured">
            { for task.iter().enumerate().map(one) }
        </ul>
    }
}

/// What is measured, and where.
fn name(run: &Run, condition: &Condition) -> String {
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
    match metric.unit() {
        "" => number(value),
        unit => format!("{} {unit}", number(value)),
    }
}

/// The bounds that it must keep, and for how long.
fn wanted(condition: &Condition) -> String {
    let bound = |word: &str, value: Option<f64>| {
        value.map(|value| format!("{word} {}", amount(condition.metric, value)))
    };
    let bounds = [
        bound("above", condition.above),
        bound("below", condition.below),
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
        let gauge = |held_s| Gauge {
            value: Some(1.0),
            held_s,
        };
        assert_eq!(held(&latency, &gauge(4.0)).as_deref(), Some(", held 4.0 s"));
        assert_eq!(held(&latency, &gauge(0.0)), None);
        assert_eq!(held(&busy, &gauge(4.0)), None);
    }
}
