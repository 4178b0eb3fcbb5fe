//! Load shedding and waiting lines against theory and a recorded proxy.
#![cfg(not(target_arch = "wasm32"))]

use std::fmt::Write;
use std::sync::Arc;

use proptest::prelude::*;
use scale_sim::{Engine, Files, Loss, Model, Scenario, run};
use scale_tests::{Visits, engine, estimate, four_errors, replications, scenario, watched};

/// The rows of a file of the oracle as numbers, without its head line.
fn rows(text: &str) -> impl Iterator<Item = Vec<f64>> {
    text.lines().skip(1).map(|line| {
        let cells = line.split(',').map(|cell| cell.parse().unwrap_or(f64::NAN));
        cells.collect()
    })
}

/// The mean service time of tables in units of it.
const SERVICE_MS: f64 = 10.0;

/// A pool of `c` servers at `rho` of its capacity, whose line is left after `max_wait`.
fn pool(c: f64, rho: f64, max_wait: &str) -> Scenario {
    let rate = c * rho * 1000.0 / SERVICE_MS;
    let horizon_s = 12_000.0 / rate;
    let components = format!(
        r#""users": {{ "client": {{ "operation": "x", "target": "pool", "arrivals": {{ "poisson": {{ "rate_per_s": {rate} }} }} }} }},
           "pool": {{ "database": {{ "connections": {c}, "shedding": {{ "max_wait": {max_wait} }},
               "queries": {{ "*": {{ "exponential": {{ "mean_ms": {SERVICE_MS} }} }} }} }} }}"#
    );
    scenario(0, horizon_s, horizon_s / 6.0, &components)
}

/// Checks the share that leaves and the throughput of a row; gives the runs for more.
fn check_pool(row: &[f64], max_wait: &str) -> Vec<scale_sim::Outcome> {
    let what = format!("c = {}, rho = {}, {max_wait}", row[0], row[1]);
    let outcomes = replications(&pool(row[0], row[1], max_wait), 300..316);
    let lost = |o: &scale_sim::Outcome| o.figures.lost as f64 / o.figures.sent as f64;
    let through = |o: &scale_sim::Outcome| {
        o.figures.completed as f64 / o.figures.seconds() * SERVICE_MS / 1000.0
    };
    let lost: Vec<f64> = outcomes.iter().map(lost).collect();
    let through: Vec<f64> = outcomes.iter().map(through).collect();
    four_errors(&format!("{what}: lost"), &lost, row[3], 0.5);
    four_errors(&format!("{what}: throughput"), &through, row[4], 0.05);
    outcomes
}

#[test]
fn a_pool_with_a_wait_timeout_is_a_queue_with_fixed_patience() {
    let table = include_str!("../oracle/queueing/mmc_queue_timeout_D.csv");
    // Where fewer than one in a hundred gives up, so short a run shows nothing.
    let rows = rows(table).filter(|row| row[3] > 0.01);
    for row in rows.step_by(4) {
        let wait = format!(
            r#"{{ "constant": {{ "mean_ms": {} }} }}"#,
            row[2] * SERVICE_MS
        );
        let outcomes = check_pool(&row, &wait);
        // The oracle's wait is that of those who were served.
        let waits = |o: &scale_sim::Outcome| o.figures.stations[0].wait_ms / SERVICE_MS;
        let waits: Vec<f64> = outcomes.iter().map(waits).collect();
        four_errors("wait of those served", &waits, row[5], 0.3);
    }
}

#[test]
fn patience_that_differs_from_one_to_the_other_is_erlang_a() {
    let rows = rows(include_str!("../oracle/queueing/mmc_erlangA.csv"));
    for row in rows.filter(|row| row[3] > 0.01).step_by(4) {
        let wait = format!(
            r#"{{ "exponential": {{ "mean_ms": {} }} }}"#,
            SERVICE_MS / row[2]
        );
        let outcomes = check_pool(&row, &wait);
        // The wait of all, whether they were served or left, by Little's law from the line's length.
        let waits = |o: &scale_sim::Outcome| {
            o.figures.stations[0].waiting * o.figures.seconds() / o.figures.sent as f64 * 1000.0
                / SERVICE_MS
        };
        let waits: Vec<f64> = outcomes.iter().map(waits).collect();
        four_errors("wait of all", &waits, row[5], 0.3);
    }
}

#[test]
fn a_servers_slots_and_queue_timeout_are_haproxys() {
    let table = include_str!("../oracle/lb/haproxy_maxconn_queue_2.csv");
    let recorded: Vec<Vec<f64>> = rows(table).collect();
    let services = [40, 80, 120, 160, 240, 320];
    let (mut components, mut plans) = (String::new(), String::new());
    let mut files = Files::new();
    // Replays count from their first arrival: each client sends one more request long before the others.
    let before_s = 10.0;
    let sent_s = |row: &[f64]| before_s + row[1] / 1e3 + row[0] * 1e-6;
    for service in services {
        // A client for each service time; a microsecond a request keeps those of one millisecond in order.
        let mut times = "0\n".to_owned();
        for row in recorded.iter().filter(|row| row[2] as u32 == service) {
            let _ = writeln!(times, "{:.6}", sent_s(row));
        }
        files.insert(format!("{service}.csv"), times);
        let _ = write!(
            components,
            r#""u{service}": {{ "client": {{ "operation": "s{service}", "target": "server", "arrivals": {{ "replay": {{ "file": "{service}.csv", "format": "csv" }} }} }} }},"#
        );
        let comma = if service == 40 { "" } else { "," };
        let _ = write!(
            plans,
            r#"{comma}"s{service}": [ {{ "work": {{ "constant": {{ "mean_ms": {service} }} }} }} ]"#
        );
    }
    let _ = write!(
        components,
        r#""server": {{ "service": {{ "workers": 2, "shedding": {{ "max_wait": {{ "constant": {{ "mean_ms": 400 }} }} }}, "plans": {{ {plans} }} }} }}"#
    );
    let scenario = scenario(0, 60.0, 0.0, &components);
    let model = Model::new(&scenario, &files).expect("valid");
    let mut engine = Engine::new(Arc::new(model), Visits::default());
    let horizon = engine.model().horizon();
    engine.run_until(horizon);
    let seen = engine.into_probe();
    assert_eq!(seen.requests.len(), services.len() + recorded.len());
    let mut differences = Vec::new();
    for row in &recorded {
        let number = (services.len() - 1) as u64 + row[0] as u64;
        let sent = seen.requests[number as usize];
        assert!((sent.sent.secs() - sent_s(row)).abs() < 1e-6);
        let lost = sent.end.expect("all are over").2;
        let expected = (row[3] as u32 == 503).then_some(Loss::Shed);
        assert_eq!(lost, expected, "request {}", row[0]);
        let visit = seen.visits.iter().find(|visit| visit.request == number);
        let visit = visit.expect("it came");
        let until = visit.started.or(visit.left).expect("it got on");
        differences.push((until.since(visit.came).millis() - row[4]).abs());
    }
    differences.sort_by(f64::total_cmp);
    assert!(
        differences[differences.len() / 2] <= 12.0,
        "{differences:?}"
    );
    assert!(
        differences[differences.len() - 1] <= 40.0,
        "{differences:?}"
    );
}

#[test]
fn the_eager_bound_frees_the_line_and_the_lazy_one_does_not() {
    // One who works for a second; three come meanwhile. Eagerly they leave at 100 ms; lazily when their turn has come.
    let with = |shedding: &str| {
        let components = format!(
            r#""users": {{ "client": {{ "operation": "x", "target": "shop", "arrivals": {{ "profile": {{ "points": [[0, 100], [0.05, 100], [0.05, 0]] }} }} }} }},
               "shop": {{ "service": {{ "workers": 1, "shedding": {shedding}, "plans": {{ "*": [ {{ "work": {{ "constant": {{ "mean_ms": 1000 }} }} }} ] }} }} }}"#
        );
        watched::<Visits>(&scenario(0, 10.0, 0.0, &components), 0..1).remove(0)
    };
    for (rule, eager) in [
        (
            r#"{ "max_wait": { "constant": { "mean_ms": 100 } } }"#,
            true,
        ),
        (r#"{ "queue_timeout_ms": 100 }"#, false),
    ] {
        let seen = with(rule);
        let (first, rest) = seen.requests.split_first().expect("some came");
        assert!(!rest.is_empty() && first.end.expect("over").2.is_none());
        let done = first.end.expect("over").0;
        for sent in rest {
            let (at, latency, lost) = sent.end.expect("over");
            assert_eq!(lost, Some(Loss::Shed));
            if eager {
                assert_eq!(latency, 100_000_000);
            } else {
                assert_eq!(at, done);
            }
        }
    }
}

#[test]
fn nobody_is_served_after_its_deadline_or_the_queue_timeout() {
    let components = r#""users": { "client": { "operation": "x", "target": "shop", "deadline_ms": 200, "arrivals": { "poisson": { "rate_per_s": 150 } } } },
        "shop": { "service": { "workers": 1, "shedding": { "deadline": true }, "plans": { "*": [ { "work": { "exponential": { "mean_ms": 10 } } } ] } } }"#;
    let seen = watched::<Visits>(&scenario(1, 60.0, 0.0, components), 1..2).remove(0);
    let waits: Vec<f64> = seen
        .visits
        .iter()
        .filter_map(scale_tests::Visit::wait_ms)
        .collect();
    assert!(waits.iter().all(|wait| *wait < 200.0));
    assert!(waits.iter().any(|wait| *wait > 190.0));
    let shed = seen
        .requests
        .iter()
        .filter(|r| r.end.is_some_and(|e| e.2 == Some(Loss::Shed)));
    assert!(shed.count() > 2_000);
}

#[test]
fn controlled_delay_keeps_a_standing_queue_short() {
    let with = |shedding: &str| {
        let components = format!(
            r#""users": {{ "client": {{ "operation": "x", "target": "shop", "arrivals": {{ "poisson": {{ "rate_per_s": 120 }} }} }} }},
               "shop": {{ "service": {{ "workers": 1, "shedding": {shedding}, "plans": {{ "*": [ {{ "work": {{ "exponential": {{ "mean_ms": 10 }} }} }} ] }} }} }}"#
        );
        replications(&scenario(0, 120.0, 60.0, &components), 1..6)
    };
    let wait = |outcomes: &[scale_sim::Outcome]| {
        estimate(outcomes, r#"{"measure":"wait_ms","of":"shop"}"#).mean
    };
    let (without, inverse, slough) = (
        wait(&with("{}")),
        wait(&with(
            r#"{ "codel": { "target_ms": 20, "interval_ms": 200 } }"#,
        )),
        wait(&with(
            r#"{ "codel": { "target_ms": 20, "interval_ms": 200, "law": "slough" } }"#,
        )),
    );
    assert!(without > 5_000.0, "{without}");
    assert!(inverse < 500.0, "{inverse}");
    assert!(slough < 60.0, "{slough}");
}

#[test]
fn an_overload_that_feeds_itself_ends_where_the_late_are_shed() {
    // For ten seconds twice the load that the service can carry, at half of it before and after; who is not answered in time
    // tries again. Without shedding the service works for callers who have left, long after the spike.
    let with = |shedding: &str| {
        let components = format!(
            r#""users": {{ "client": {{ "operation": "x", "target": "shop", "deadline_ms": 500, "arrivals": {{ "spike": {{ "base_per_s": 80, "peak_per_s": 250, "at_s": 20, "for_s": 10 }} }},
                  "resilience": {{ "timeout_ms": 500, "retry": {{ "attempts": 4, "backoff": {{ "fixed": {{ "wait_ms": 100 }} }} }} }} }} }},
               "shop": {{ "service": {{ "workers": 1, "shedding": {shedding}, "plans": {{ "*": [ {{ "work": {{ "exponential": {{ "mean_ms": 8 }} }} }} ] }} }} }}"#
        );
        let scenario = scenario(5, 120.0, 60.0, &components);
        let outcome = run(&scenario, &Files::new()).expect("valid");
        outcome.figures.good as f64 / outcome.figures.sent as f64
    };
    let (without, lazy, eager) = (
        with("{}"),
        with(r#"{ "queue_timeout_ms": 400 }"#),
        with(r#"{ "max_wait": { "constant": { "mean_ms": 400 } } }"#),
    );
    assert!(without < 0.1, "{without}");
    assert!(lazy > 0.9 && eager > 0.9, "{lazy} {eager}");
}

/// One server with two clients whose requests have these fields.
fn two_clients(discipline: &str, first: &str, second: &str) -> Scenario {
    let client = |name: &str, fields: &str, rate: f64| {
        format!(
            r#""{name}": {{ "client": {{ "operation": "{name}", "target": "shop", "arrivals": {{ "poisson": {{ "rate_per_s": {rate} }} }}{fields} }} }}"#
        )
    };
    let components = format!(
        r#"{}, {}, "shop": {{ "service": {{ "workers": 1, "discipline": "{discipline}", "plans": {{ "*": [ {{ "work": {{ "exponential": {{ "mean_ms": 10 }} }} }} ] }} }} }}"#,
        client("a", first, 30.0),
        client("b", second, 40.0)
    );
    scenario(0, 400.0, 0.0, &components)
}

/// The mean over the waits of a client's requests of some function of them, in each run.
fn waits(runs: &[Visits], client: u16, of: impl Fn(f64) -> f64) -> Vec<f64> {
    let mean = |run: &Visits| {
        let visits = run.visits.iter();
        let own = visits.filter(|v| run.requests[v.request as usize].client == client);
        let waits: Vec<f64> = own
            .filter_map(scale_tests::Visit::wait_ms)
            .map(&of)
            .collect();
        waits.iter().sum::<f64>() / waits.len() as f64
    };
    runs.iter().map(mean).collect()
}

#[test]
fn priorities_wait_as_cobham_says() {
    // Cobham, Operations Research 2(1), 1954: W_k = W_0 / ((1 - s_(k-1)) (1 - s_k)), without preemption.
    let scenario = two_clients("priority", r#", "priority": 1"#, r#", "priority": 6"#);
    let runs = watched::<Visits>(&scenario, 500..520);
    let (first, both) = (0.3, 0.7);
    let residual_ms = both * 10.0;
    four_errors(
        "urgent",
        &waits(&runs, 0, |w| w),
        residual_ms / (1.0 - first),
        0.1,
    );
    let expected = residual_ms / (1.0 - first) / (1.0 - both);
    four_errors("other", &waits(&runs, 1, |w| w), expected, 0.1);
}

#[test]
fn last_come_first_served_waits_as_long_on_average_but_more_unevenly() {
    // M/M/1: the means agree; the second moment of LIFO is that of FIFO, 2 rho / (mu^2 (1 - rho)^2), over 1 - rho (Takács,
    // Operations Research 11(5), 1963).
    let (rho, service_ms) = (0.7, 10.0);
    let mean_ms = rho * service_ms / (1.0 - rho);
    let second = 2.0 * rho * service_ms * service_ms / ((1.0 - rho) * (1.0 - rho));
    for (discipline, second) in [("fifo", second), ("lifo", second / (1.0 - rho))] {
        let runs = watched::<Visits>(&two_clients(discipline, "", ""), 600..620);
        four_errors(discipline, &waits(&runs, 0, |w| w), mean_ms, 0.15);
        four_errors(discipline, &waits(&runs, 0, |w| w * w), second, 0.6);
    }
}

#[test]
fn a_flood_of_one_operation_leaves_the_others_their_workers() {
    let with = |bulkheads: &str| {
        let components = format!(
            r#""flood": {{ "client": {{ "operation": "report", "target": "shop", "arrivals": {{ "poisson": {{ "rate_per_s": 500 }} }} }} }},
               "users": {{ "client": {{ "operation": "buy", "target": "shop", "arrivals": {{ "poisson": {{ "rate_per_s": 100 }} }} }} }},
               "shop": {{ "service": {{ "workers": 4, "bulkheads": {bulkheads}, "plans": {{ "*": [ {{ "work": {{ "exponential": {{ "mean_ms": 10 }} }} }} ] }} }} }}"#
        );
        waits(
            &watched::<Visits>(&scenario(0, 60.0, 0.0, &components), 700..710),
            1,
            |w| w,
        )
    };
    // The flood holds its two all the time, so the others have an M/M/2 of their own, half loaded.
    let (rho, service_ms) = (0.5, 10.0);
    let chance = 2.0 * rho * rho / (1.0 + rho);
    four_errors(
        "others",
        &with(r#"{ "report": 2 }"#),
        chance * service_ms / (2.0 * (1.0 - rho)),
        0.2,
    );
    assert!(with("{}").iter().all(|wait| *wait > 1_000.0));
}

#[test]
fn bulkheads_that_tie_are_served_in_the_order_of_coming() {
    // Both come at the same moment, the one of the later bulkhead first.
    let client = |name: &str| {
        format!(
            r#""{name}": {{ "client": {{ "operation": "{name}", "target": "shop", "arrivals": {{ "constant": {{ "rate_per_s": 1 }} }} }} }}"#
        )
    };
    let components = format!(
        r#"{}, {}, {}, "shop": {{ "service": {{ "workers": 1, "bulkheads": {{ "a": 1, "b": 1 }}, "plans": {{ "*": [ {{ "work": {{ "constant": {{ "mean_ms": 10 }} }} }} ] }} }} }}"#,
        client("z"),
        client("b"),
        client("a")
    );
    let seen = watched::<Visits>(&scenario(0, 5.0, 0.0, &components), 0..1).remove(0);
    let order: Vec<u64> = seen.visits.iter().map(|visit| visit.request).collect();
    assert_eq!(order, (0..order.len() as u64).collect::<Vec<_>>());
    assert!(order.len() >= 12);
}

/// A line rule with what it needs to know: the discipline, the workers, and how many of them operations `a` and `b` may hold.
#[derive(Clone, Debug)]
struct Rule {
    discipline: &'static str,
    workers: u32,
    queue: u32,
    bulkheads: [Option<u32>; 2],
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let discipline = prop_oneof![Just("fifo"), Just("fifo"), Just("lifo"), Just("priority")];
    let bulkhead = || proptest::option::of(1..4_u32);
    (discipline, 1..5_u32, 0..30_u32, bulkhead(), bulkhead()).prop_map(
        |(discipline, workers, queue, a, b)| Rule {
            discipline,
            workers,
            queue,
            bulkheads: if discipline == "fifo" {
                [a, b]
            } else {
                [None; 2]
            },
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// At every moment who is served next is whom the rule names, servers are idle only if nobody may have them, and no
    /// bulkhead holds more than its own.
    #[test]
    fn lines_keep_their_order_and_their_bounds(rule in any_rule(), rates in (5.0..120.0_f64, 5.0..120.0_f64, 5.0..120.0_f64), seed in any::<u32>()) {
        let client = |name: &str, rate: f64, priority: u8| {
            format!(r#""{name}": {{ "client": {{ "operation": "{name}", "target": "shop", "priority": {priority}, "arrivals": {{ "batch": {{ "rate_per_s": {rate}, "size": {{ "geometric": {{ "mean": 2 }} }} }} }} }} }}"#)
        };
        let bulkheads: Vec<String> = ["a", "b"].iter().zip(rule.bulkheads)
            .filter_map(|(name, most)| Some(format!(r#""{name}": {}"#, most?))).collect();
        let components = format!(
            r#"{}, {}, {}, "shop": {{ "service": {{ "workers": {}, "queue": {}, "discipline": "{}", "bulkheads": {{ {} }}, "plans": {{ "*": [ {{ "work": {{ "exponential": {{ "mean_ms": 20 }} }} }} ] }} }} }}"#,
            client("a", rates.0, 2), client("b", rates.1, 0), client("c", rates.2, 2),
            rule.workers, rule.queue, rule.discipline, bulkheads.join(", ")
        );
        let scenario = scenario(u64::from(seed), 4.0, 0.0, &components);
        let mut engine = engine(&scenario, (Visits::default(), scale_sim::Log::default()));
        let horizon = engine.model().horizon();
        engine.run_until(horizon);
        let log = engine.probe_mut().1.take();
        check_lines(&log, &engine.probe().0, &rule)?;
    }
}

/// Replays the log of a run against the rule.
fn check_lines(log: &str, seen: &Visits, rule: &Rule) -> Result<(), TestCaseError> {
    // The waiting, in the order of coming, and the busy by client.
    let mut waiting: Vec<u64> = Vec::new();
    let mut busy = [0_u32; 3];
    let client = |request: u64| usize::from(seen.requests[request as usize].client);
    let most = |client: usize| {
        rule.bulkheads
            .get(client)
            .copied()
            .flatten()
            .unwrap_or(u32::MAX)
    };
    let mut moment = "";
    for line in log.lines() {
        let cells: Vec<&str> = line.split(',').collect();
        if cells[0] != moment {
            // All that belongs to the moment before has happened.
            let free = busy.iter().sum::<u32>() < rule.workers;
            let starved = waiting.iter().any(|w| busy[client(*w)] < most(client(*w)));
            prop_assert!(!(free && starved), "idle before {line}");
            moment = cells[0];
        }
        let Ok(request) = cells[1].parse::<u64>() else {
            continue;
        };
        match cells[2] {
            "queued" => {
                waiting.push(request);
                // Each bulkhead has places of its own, and so have those without one.
                let place = |w: u64| {
                    rule.bulkheads
                        .get(client(w))
                        .copied()
                        .flatten()
                        .map(|_| client(w))
                };
                let beside = waiting.iter().filter(|w| place(**w) == place(request));
                prop_assert!(beside.count() <= rule.queue as usize);
            }
            "started" => {
                if let Some(at) = waiting.iter().position(|w| *w == request) {
                    let mut may = waiting
                        .iter()
                        .copied()
                        .filter(|w| busy[client(*w)] < most(client(*w)));
                    let next = match rule.discipline {
                        "lifo" => may.next_back(),
                        // Client b is the most urgent.
                        "priority" => may.clone().find(|w| client(*w) == 1).or_else(|| may.next()),
                        _ => may.next(),
                    };
                    prop_assert_eq!(next, Some(request), "{}", line);
                    waiting.remove(at);
                }
                busy[client(request)] += 1;
                prop_assert!(busy[client(request)] <= most(client(request)));
                prop_assert!(busy.iter().sum::<u32>() <= rule.workers);
            }
            "left" => busy[client(request)] -= 1,
            _ => {}
        }
    }
    Ok(())
}
