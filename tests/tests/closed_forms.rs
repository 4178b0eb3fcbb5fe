//! The engine against queueing theory, beyond the claims of `scale-trust`: closed forms must lie in the run's own 99% confidence interval.
//!
//! Formulas: Kleinrock, *Queueing Systems I* (1975), chapters 3 and 5; mean value analysis: Reiser and Lavenberg, JACM 27(2), 1980.
#![cfg(not(target_arch = "wasm32"))]

use scale_sim::Outcome;
use scale_tests::{estimate, replications, scenario};
use scale_trust::theory;

/// One interval in a hundred misses by design; seeds are fixed, so those that pass today pass always.
const REPLICATIONS: core::ops::Range<u64> = 201..241;

/// One station with Poisson arrivals.
fn station(rate_per_s: f64, workers: u32, queue: u32, work: &str) -> Vec<Outcome> {
    let components = format!(
        r#""users": {{ "client": {{ "operation": "x", "target": "shop", "arrivals": {{ "poisson": {{ "rate_per_s": {rate_per_s} }} }} }} }},
           "shop": {{ "service": {{ "workers": {workers}, "queue": {queue}, "plans": {{ "*": [ {{ "work": {work} }} ] }} }} }}"#
    );
    replications(&scenario(0, 700.0, 100.0, &components), REPLICATIONS)
}

const ENDLESS: u32 = 1_000_000;

/// The closed form `expected` of `measure` lies in the interval, and the interval is narrow enough to mean something.
fn check(outcomes: &[Outcome], measure: &str, expected: f64) {
    let estimate = estimate(outcomes, measure);
    let half_width = estimate.half_width.expect("there are many replications");
    assert!(
        estimate.covers(expected),
        "{measure}: {} ± {half_width}, expected {expected}",
        estimate.mean
    );
    assert!(
        half_width < 0.08 * expected.abs(),
        "{measure}: ± {half_width} of {expected} shows nothing"
    );
}

#[test]
fn quantiles_of_one_memoryless_server() {
    // Response times of M/M/1 are exponential with rate mu - lambda.
    let outcomes = station(60.0, 1, ENDLESS, r#"{ "exponential": { "mean_ms": 10 } }"#);
    let quantile = |q: f64| -(1.0 - q).ln() / 40.0 * 1000.0;
    check(&outcomes, r#"{"measure":"p50_ms"}"#, quantile(0.50));
    check(&outcomes, r#"{"measure":"p95_ms"}"#, quantile(0.95));
    check(&outcomes, r#"{"measure":"p99_ms"}"#, quantile(0.99));
}

#[test]
fn workers_that_wait_for_a_database() {
    // Workers who are never idle are the users of a closed loop: their own work is the thinking, the database the server.
    for workers in [1, 3, 6, 12] {
        let components = format!(
            r#""users": {{ "client": {{ "operation": "x", "target": "shop", "arrivals": {{ "poisson": {{ "rate_per_s": 1000 }} }} }} }},
               "shop": {{ "service": {{ "workers": {workers}, "queue": 100, "plans": {{ "*": [ {{ "work": {{ "exponential": {{ "mean_ms": 15 }} }} }}, {{ "call": {{ "to": "db" }} }} ] }} }} }},
               "db": {{ "database": {{ "connections": 1, "queries": {{ "*": {{ "exponential": {{ "mean_ms": 5 }} }} }} }} }}"#
        );
        let outcomes = replications(&scenario(0, 100.0, 5.0, &components), REPLICATIONS);
        check(
            &outcomes,
            r#"{"measure":"throughput_per_s"}"#,
            theory::closed_loop(workers, 0.015, 0.005).0,
        );
    }
}

#[test]
fn littles_law_holds_in_every_single_run() {
    // L = lambda W, up to what is under way at the two ends of the measurement.
    for outcome in station(
        80.0,
        4,
        20,
        r#"{ "log_normal": { "mean_ms": 40, "cv": 2 } }"#,
    ) {
        let figures = &outcome.figures;
        let latency_s = figures.latency.expect("many were answered").mean_ms / 1000.0;
        let through = figures.completed as f64 / figures.seconds();
        assert!(
            (figures.in_system - through * latency_s).abs() < 0.02 * figures.in_system,
            "{figures:?}"
        );
    }
}
