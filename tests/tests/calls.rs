//! Calls of every kind against closed forms: at once, tried again, hedged, without waiting, and with a substitute.
#![cfg(not(target_arch = "wasm32"))]

use proptest::prelude::*;
use scale_sim::{Event, Model, Outcome, Probe, RequestRef, Scenario, Time};
use scale_tests::{Visits, estimate, four_errors, replications, scenario, watched};

/// The rows of a file of the oracle, without its head line.
fn rows(text: &str) -> impl Iterator<Item = Vec<f64>> {
    text.lines().skip(1).map(|line| {
        let cells = line.split(',').map(|cell| cell.parse().expect("a number"));
        cells.collect()
    })
}

/// A front with room for everyone that runs `plan`, and a component behind it.
fn front(rate_per_s: f64, horizon_s: f64, plan: &str, behind: &str) -> Scenario {
    let components = format!(
        r#""users": {{ "client": {{ "operation": "x", "target": "front", "arrivals": {{ "constant": {{ "rate_per_s": {rate_per_s} }} }} }} }},
           "front": {{ "service": {{ "workers": 10000, "plans": {{ "*": [ {plan} ] }} }} }}, {behind}"#
    );
    scenario(0, horizon_s, 0.0, &components)
}

/// A component that everyone finds idle and that takes an exponential time with a mean of 100 ms.
const LEAF: &str = r#""leaf": { "service": { "workers": 10000, "plans": { "*": [ { "work": { "exponential": { "mean_ms": 100 } } } ] } } }"#;
const MEAN_MS: f64 = 100.0;

/// Latencies of the answered, in units of the leaf's mean, of each run.
fn latencies(scenario: &Scenario, seeds: core::ops::Range<u64>) -> Vec<Vec<f64>> {
    let runs = watched::<Latencies>(scenario, seeds);
    runs.into_iter().map(|run| run.0).collect()
}

/// Keeps the latencies of the answered.
#[derive(Clone, Debug, Default)]
struct Latencies(Vec<f64>);

impl Probe for Latencies {
    fn event(&mut self, _: &Model, _: Time, _: RequestRef, event: &Event) {
        if let Event::Completed { latency, .. } = event {
            self.0.push(latency.millis() / MEAN_MS);
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The part of the values above `limit`.
fn above(values: &[f64], limit: f64) -> f64 {
    values.iter().filter(|value| **value > limit).count() as f64 / values.len() as f64
}

fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * q) as usize]
}

/// `of` each run's latencies against `expected`.
fn check(what: &str, runs: &[Vec<f64>], of: impl Fn(&[f64]) -> f64, expected: f64, part: f64) {
    let values: Vec<f64> = runs.iter().map(|run| of(run)).collect();
    four_errors(what, &values, expected, part);
}

#[test]
fn the_slowest_of_many_is_as_slow_as_the_table_says() {
    for row in rows(include_str!("../oracle/queueing/fanout_tail.csv")) {
        let n = row[0] as u32;
        let plan =
            format!(r#"{{ "parallel": {{ "calls": [ {{ "to": "leaf", "times": {n} }} ] }} }}"#);
        let runs = latencies(&front(20.0, 500.0 / row[0].sqrt(), &plan, LEAF), 1..21);
        for (share, expected) in [(0.001_f64, row[1]), (0.01, row[2]), (0.05, row[3])] {
            // The time that one call exceeds with this chance.
            let limit = -share.ln();
            // Of 200 one is as good as always slower than the median of a few.
            if expected < 0.999 {
                check(
                    &format!("{n}: slower than {limit}"),
                    &runs,
                    |r| above(r, limit),
                    expected,
                    0.8,
                );
            }
        }
        check(&format!("{n}: mean"), &runs, mean, row[4], 0.05);
        check(
            &format!("{n}: median"),
            &runs,
            |r| quantile(r, 0.5),
            row[5],
            0.05,
        );
        check(
            &format!("{n}: p99"),
            &runs,
            |r| quantile(r, 0.99),
            row[6],
            0.1,
        );
    }
}

#[test]
fn enough_answers_are_waited_for_and_no_more() {
    // The k-th of n exponential times has the mean 1/n + 1/(n-1) + ... down to 1/(n-k+1).
    for (n, need) in [(3, 1), (3, 2), (5, 3), (10, 9)] {
        let plan = format!(
            r#"{{ "parallel": {{ "calls": [ {{ "to": "leaf", "times": {n} }} ], "need": {need} }} }}"#
        );
        let runs = latencies(&front(20.0, 500.0, &plan, LEAF), 20..32);
        let expected: f64 = (0..need).map(|i| 1.0 / f64::from(n - i)).sum();
        check(&format!("{need} of {n}"), &runs, mean, expected, 0.05);
    }
}

#[test]
fn a_hedge_cuts_the_tail() {
    // Beyond the delay d a second one runs beside: P(T > t) = exp(-t) up to d, then exp(-t) exp(-(t - d)).
    for delay in [0.5_f64, 1.0, 2.0] {
        let plan = format!(
            r#"{{ "call": {{ "to": "leaf", "resilience": {{ "hedge": {{ "after_ms": {} }} }} }} }}"#,
            delay * MEAN_MS
        );
        let runs = latencies(&front(20.0, 1_000.0, &plan, LEAF), 40..52);
        let expected = 1.0 - (-delay).exp() + (-delay).exp() / 2.0;
        check(
            &format!("hedged after {delay}: mean"),
            &runs,
            mean,
            expected,
            0.05,
        );
        let p99 = f64::midpoint(-0.01_f64.ln(), delay);
        check(
            &format!("hedged after {delay}: p99"),
            &runs,
            |r| quantile(r, 0.99),
            p99,
            0.05,
        );
    }
}

/// `scenario` where calls of each of `components` fail with the chance `share`.
fn failing(scenario: Scenario, components: &[&str], share: f64) -> Scenario {
    let fault = |name: &&str| {
        format!(
            r#"{{ "what": {{ "errors": {{ "component": "{name}", "share": {share} }} }}, "at_s": 0 }}"#
        )
    };
    let faults: Vec<String> = components.iter().map(fault).collect();
    let faults = scale_sim::read_json(&format!("[{}]", faults.join(","))).expect("of the format");
    Scenario { faults, ..scenario }.checked().expect("valid")
}

/// A guard with so many attempts.
fn attempts(most: u32) -> String {
    if most == 1 {
        "{}".to_owned()
    } else {
        format!(
            r#"{{ "retry": {{ "attempts": {most}, "backoff": {{ "fixed": {{ "wait_ms": 1 }} }} }} }}"#
        )
    }
}

const QUICK: &str = r#"[ { "work": { "constant": { "mean_ms": 0.001 } } } ]"#;

/// Visits to `station` for each request, of each run.
fn visits_each(outcomes: &[Outcome], station: usize) -> Vec<f64> {
    let each = |o: &Outcome| o.figures.stations[station].started as f64 / o.figures.sent as f64;
    outcomes.iter().map(each).collect()
}

#[test]
fn retries_multiply_the_load_as_the_table_says() {
    for row in rows(include_str!("../oracle/queueing/retry_amplification.csv")) {
        let (most, share) = (row[0] as u32, row[1]);
        // The client's calls fail at "guard", which is asked after "leaf"; the front's calls of the leaf fail by themselves,
        // but the front goes on without them: so both layers fail independently, with the same chance.
        let components = format!(
            r#""users": {{ "client": {{ "operation": "x", "target": "front", "resilience": {client}, "arrivals": {{ "constant": {{ "rate_per_s": 100 }} }} }} }},
               "front": {{ "service": {{ "workers": 10000, "plans": {{ "*": [
                   {{ "call": {{ "to": "leaf", "resilience": {client}, "fallback": {QUICK} }} }}, {{ "call": {{ "to": "guard" }} }} ] }} }} }},
               "leaf": {{ "service": {{ "workers": 10000, "plans": {{ "*": {QUICK} }} }} }},
               "guard": {{ "service": {{ "workers": 10000, "plans": {{ "*": {QUICK} }} }} }}"#,
            client = attempts(most)
        );
        let scenario = failing(
            scenario(0, 16.0, 0.0, &components),
            &["leaf", "guard"],
            share,
        );
        // All is over at the end.
        let scenario = stop_at(scenario, 100.0, 15.0);
        let outcomes = replications(&scenario, 60..90);
        let what = format!("{most} attempts that fail with {share}");
        four_errors(
            &format!("{what}: one layer"),
            &visits_each(&outcomes, 0),
            row[2],
            0.05,
        );
        four_errors(
            &format!("{what}: two layers"),
            &visits_each(&outcomes, 1),
            row[4],
            0.05,
        );
        let lost =
            |o: &Outcome| o.figures.lost as f64 / (o.figures.lost + o.figures.completed) as f64;
        let lost: Vec<f64> = outcomes.iter().map(lost).collect();
        // What is too rare to be seen is not looked for.
        if (1.0 - row[3]) > 0.002 {
            four_errors(&format!("{what}: lost"), &lost, 1.0 - row[3], 0.5);
        }
    }
}

#[test]
fn a_budget_bounds_what_retries_add() {
    let with = |budget: &str| {
        let plan = format!(
            r#"{{ "call": {{ "to": "leaf", "resilience": {{ "retry": {{ "attempts": 4, "backoff": {{ "fixed": {{ "wait_ms": 1 }} }}{budget} }} }} }} }}"#
        );
        let leaf = format!(
            r#""leaf": {{ "service": {{ "workers": 10000, "plans": {{ "*": {QUICK} }} }} }}"#
        );
        let scenario = failing(front(200.0, 100.0, &plan, &leaf), &["leaf"], 1.0);
        mean(&visits_each(&replications(&scenario, 1..4), 1))
    };
    assert!((with("") - 4.0).abs() < 0.01);
    let bounded = with(r#", "budget": { "ratio": 0.2, "min_per_s": 1, "window_s": 10 }"#);
    assert!((1.15..1.25).contains(&bounded), "{bounded}");
}

#[test]
fn a_substitute_answers_what_failed() {
    let plan = r#"{ "call": { "to": "leaf", "fallback": [ { "work": { "constant": { "mean_ms": 5 } } } ] } }"#;
    let leaf = r#""leaf": { "service": { "workers": 100, "plans": { "*": [ { "work": { "constant": { "mean_ms": 20 } } } ] } } }"#;
    let scenario = failing(front(100.0, 100.0, plan, leaf), &["leaf"], 0.3);
    let outcomes = replications(&scenario, 80..92);
    let degraded = |o: &Outcome| o.figures.degraded as f64 / o.figures.completed as f64;
    let degraded: Vec<f64> = outcomes.iter().map(degraded).collect();
    four_errors("degraded", &degraded, 0.3, 0.1);
    assert!(outcomes.iter().all(|o| o.figures.lost == 0));
    let mean_ms = |o: &Outcome| o.figures.latency.expect("many").mean_ms;
    let mean_ms: Vec<f64> = outcomes.iter().map(mean_ms).collect();
    four_errors("mean latency", &mean_ms, 0.7 * 20.0 + 0.3 * 5.0, 0.1);
}

#[test]
fn nobody_waits_for_an_asynchronous_call_and_it_is_made_all_the_same() {
    let plan = r#"{ "call": { "to": "leaf", "times": 3, "asynchronous": true } }, { "work": { "constant": { "mean_ms": 2 } } }"#;
    let outcomes = replications(&front(50.0, 100.0, plan, LEAF), 1..3);
    let latency = estimate(&outcomes, r#"{"measure":"max_ms"}"#);
    assert!((latency.mean - 2.0).abs() < 1e-9, "{latency:?}");
    for outcome in outcomes {
        assert_eq!(
            outcome.figures.stations[1].started,
            3 * outcome.figures.sent
        );
        assert_eq!(outcome.figures.lost, 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Of calls made at once: the answer comes with the last that is needed, fails as soon as too many have failed, and every
    /// branch is carried out to its end all the same.
    #[test]
    fn a_fan_out_ends_with_the_branch_that_decides(width in 1..8_u32, need in 1..8_u32, share in 0.0..0.6_f64, seed in any::<u32>()) {
        let need = need.min(width);
        let plan = format!(r#"{{ "parallel": {{ "calls": [ {{ "to": "leaf", "times": {width} }} ], "need": {need} }} }}"#);
        let scenario = failing(front(20.0, 20.0, &plan, LEAF), &["leaf"], share);
        let seed = u64::from(seed);
        let seen = watched::<Visits>(&Scenario { horizon_s: 60.0, ..stop_at(scenario, 20.0, 20.0) }, seed..seed + 1).remove(0);
        for (number, sent) in seen.requests.iter().enumerate() {
            let branches = || seen.visits.iter().filter(|v| v.station == 1 && v.request == number as u64);
            let Some((_, latency, lost)) = sent.end else {
                return Err(TestCaseError::fail("all are over"));
            };
            prop_assert!(branches().all(|v| v.left.is_some()));
            // A failure takes no time; an answer does.
            let took = |v: &scale_tests::Visit| v.left.map_or(0, |left| left.since(v.came).nanos());
            let mut answers: Vec<u64> = branches().map(took).filter(|took| *took > 0).collect();
            answers.sort_unstable();
            if lost.is_none() {
                prop_assert_eq!(latency, answers[need as usize - 1]);
            } else {
                prop_assert_eq!(latency, 0);
                prop_assert!((answers.len() as u32) < need);
            }
        }
    }
}

/// The scenario with so many arrivals a second, and none from `at_s` on.
fn stop_at(mut scenario: Scenario, rate_per_s: f64, at_s: f64) -> Scenario {
    for component in scenario.components.values_mut() {
        if let scale_sim::Component::Client(client) = component {
            let points = vec![[0.0, rate_per_s], [at_s, rate_per_s], [at_s, 0.0]];
            client.arrivals = scale_sim::Arrivals::Profile {
                points,
                repeat: false,
            };
        }
    }
    scenario
}
