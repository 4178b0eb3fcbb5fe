//! The engine against queueing theory: closed forms must lie in the run's own 99% confidence interval.
//!
//! Formulas: Kleinrock, *Queueing Systems I* (1975), chapters 3 and 5; mean value analysis: Reiser and Lavenberg, JACM 27(2), 1980.
#![cfg(not(target_arch = "wasm32"))]

use scale_sim::Outcome;
use scale_tests::{estimate, replications, scenario};

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

/// The chance to wait, with `c` servers and `a` of offered load (Erlang's C formula).
fn erlang_c(c: u32, a: f64) -> f64 {
    let b = erlang_b(c, a);
    let c = f64::from(c);
    b / (1.0 - a / c * (1.0 - b))
}

/// The chance to be lost, with `c` servers and no queue (Erlang's B formula, by its recursion).
fn erlang_b(c: u32, a: f64) -> f64 {
    (1..=c).fold(1.0, |b, n| a * b / (f64::from(n) + a * b))
}

fn check_mmc(rate_per_s: f64, c: u32, mean_ms: f64) {
    let outcomes = station(
        rate_per_s,
        c,
        ENDLESS,
        &format!(r#"{{ "exponential": {{ "mean_ms": {mean_ms} }} }}"#),
    );
    let service_s = mean_ms / 1000.0;
    let a = rate_per_s * service_s;
    let wait_s = erlang_c(c, a) * service_s / (f64::from(c) - a);
    check(
        &outcomes,
        r#"{"measure":"wait_ms","of":"shop"}"#,
        wait_s * 1000.0,
    );
    check(
        &outcomes,
        r#"{"measure":"queue_length","of":"shop"}"#,
        rate_per_s * wait_s,
    );
    check(
        &outcomes,
        r#"{"measure":"utilisation","of":"shop"}"#,
        a / f64::from(c),
    );
    check(
        &outcomes,
        r#"{"measure":"mean_ms"}"#,
        wait_s * 1000.0 + mean_ms,
    );
    check(
        &outcomes,
        r#"{"measure":"in_system"}"#,
        rate_per_s * (wait_s + service_s),
    );
}

#[test]
fn one_memoryless_server() {
    check_mmc(70.0, 1, 10.0);
}

#[test]
fn four_memoryless_servers() {
    check_mmc(80.0, 4, 40.0);
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
fn a_server_with_any_service_time() {
    // Pollaczek and Khinchine: the wait grows with the variance of the service time.
    let (rate_per_s, mean_s) = (80.0, 0.010);
    for (work, scv) in [
        (r#"{ "constant": { "mean_ms": 10 } }"#, 0.0),
        (r#"{ "erlang": { "mean_ms": 10, "stages": 4 } }"#, 0.25),
        (r#"{ "uniform": { "min_ms": 0, "max_ms": 20 } }"#, 1.0 / 3.0),
        (r#"{ "log_normal": { "mean_ms": 10, "cv": 1.5 } }"#, 2.25),
    ] {
        let rho = rate_per_s * mean_s;
        let wait_s = rho * mean_s * (1.0 + scv) / 2.0 / (1.0 - rho);
        let outcomes = station(rate_per_s, 1, ENDLESS, work);
        check(
            &outcomes,
            r#"{"measure":"wait_ms","of":"shop"}"#,
            wait_s * 1000.0,
        );
    }
}

#[test]
fn a_bounded_line_turns_requests_away() {
    // M/M/1/K: K places with the one at the server.
    let (rho, places) = (1.2_f64, 6);
    let blocked = (1.0 - rho) * rho.powi(places) / (1.0 - rho.powi(places + 1));
    let outcomes = station(
        120.0,
        1,
        places as u32 - 1,
        r#"{ "exponential": { "mean_ms": 10 } }"#,
    );
    check(&outcomes, r#"{"measure":"lost_per_s"}"#, 120.0 * blocked);
    check(
        &outcomes,
        r#"{"measure":"throughput_per_s"}"#,
        120.0 * (1.0 - blocked),
    );
    // M/M/4/4: no line at all.
    let outcomes = station(100.0, 4, 0, r#"{ "exponential": { "mean_ms": 30 } }"#);
    check(
        &outcomes,
        r#"{"measure":"lost_per_s"}"#,
        100.0 * erlang_b(4, 3.0),
    );
}

#[test]
fn a_line_of_two_stations() {
    // Jackson: each station of a memoryless line is an M/M/1 of its own. The first holds no server while the second works
    // only if it makes no call; a client's second request cannot stand for that, so both are called by an idle front.
    let components = r#""users": { "client": { "operation": "x", "target": "front", "arrivals": { "poisson": { "rate_per_s": 60 } } } },
        "front": { "service": { "workers": 10000, "plans": { "*": [ { "call": { "to": "a" } }, { "call": { "to": "b" } } ] } } },
        "a": { "database": { "connections": 1, "queries": { "*": { "exponential": { "mean_ms": 10 } } } } },
        "b": { "database": { "connections": 1, "queries": { "*": { "exponential": { "mean_ms": 12 } } } } }"#;
    let outcomes = replications(&scenario(0, 700.0, 100.0, components), REPLICATIONS);
    let response_ms = 1000.0 / (100.0 - 60.0) + 1000.0 / (1000.0 / 12.0 - 60.0);
    check(&outcomes, r#"{"measure":"mean_ms"}"#, response_ms);
}

/// Mean value analysis of `users` who think, then visit one memoryless server: throughput a second and response in seconds.
fn mva(users: u32, think_s: f64, demand_s: f64) -> (f64, f64) {
    let (mut queue, mut throughput, mut response_s) = (0.0, 0.0, 0.0);
    for n in 1..=users {
        response_s = demand_s * (1.0 + queue);
        throughput = f64::from(n) / (think_s + response_s);
        queue = throughput * response_s;
    }
    (throughput, response_s)
}

#[test]
fn a_closed_loop_of_users() {
    for users in [1, 5, 12, 30] {
        let components = format!(
            r#""users": {{ "client": {{ "operation": "x", "target": "shop", "arrivals": {{ "closed": {{ "users": {users}, "think_time": {{ "exponential": {{ "mean_ms": 100 }} }} }} }} }} }},
               "shop": {{ "service": {{ "workers": 1, "plans": {{ "*": [ {{ "work": {{ "exponential": {{ "mean_ms": 10 }} }} }} ] }} }} }}"#
        );
        let outcomes = replications(&scenario(0, 300.0, 20.0, &components), REPLICATIONS);
        let (throughput, response_s) = mva(users, 0.1, 0.01);
        check(&outcomes, r#"{"measure":"throughput_per_s"}"#, throughput);
        check(&outcomes, r#"{"measure":"mean_ms"}"#, response_s * 1000.0);
    }
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
            mva(workers, 0.015, 0.005).0,
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
