//! Services whose instances come and go, remember users, and crash.
#![cfg(not(target_arch = "wasm32"))]

use proptest::prelude::*;
use scale_sim::{
    Duration, Engine, Event, Files, Log, Loss, Model, NoProbe, Probe, Recorder, RequestRef,
    Scenario, Time,
};
use scale_tests::{Visits, engine, estimate, four_errors, log, replications, scenario, watched};

/// `components` with faults.
fn with_faults(scenario: Scenario, faults: &str) -> Scenario {
    let faults = scale_sim::read_json(faults).expect("of the format");
    Scenario { faults, ..scenario }.checked().expect("valid")
}

/// A service behind a balancer under steady load, each request 10 ms of one worker's time.
fn scaled(rate_per_s: f64, instances: u32, autoscale: &str) -> Scenario {
    let components = format!(
        r#""users": {{ "client": {{ "operation": "x", "target": "lb", "arrivals": {{ "constant": {{ "rate_per_s": {rate_per_s} }} }} }} }},
           "lb": {{ "balancer": {{ "policy": "round_robin", "targets": ["shop"] }} }},
           "shop": {{ "service": {{ "instances": {instances}, "workers": 1, "autoscale": {autoscale}, "plans": {{ "*": [ {{ "work": {{ "constant": {{ "mean_ms": 10 }} }} }} ] }} }} }}"#
    );
    scenario(3, 200.0, 0.0, &components)
}

/// The autoscaler's decisions: when, in seconds, and how many instances.
fn decisions(scenario: &Scenario) -> Vec<(u64, u32)> {
    let (log, _) = log(scenario);
    let scaled = log.lines().filter(|line| line.contains(",scaled,"));
    let read = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let time: u64 = cells[0].parse().expect("nanoseconds");
        (time / 1_000_000_000, cells[4].parse().expect("a number"))
    };
    scaled.map(read).collect()
}

#[test]
fn a_target_is_reached_as_kubernetes_would() {
    // 300 requests a second keep three workers busy: six are busy for half of the time. From one instance, busy all the
    // time, it doubles twice, and then three quarters of four are busy.
    let autoscale = r#"{ "metric": "utilisation", "min": 1, "max": 20, "interval_s": 10,
        "rule": { "target": { "value": 0.5 } } }"#;
    let scenario = scaled(300.0, 1, autoscale);
    let decisions = decisions(&scenario);
    assert_eq!(decisions[..2], [(10, 2), (20, 4)]);
    // What waited at the first ones is worked off first.
    let outcomes = replications(
        &Scenario {
            warmup_s: 150.0,
            ..scenario
        },
        0..1,
    );
    let mean = |measure| estimate(&outcomes, measure).mean;
    let instances = mean(r#"{"measure":"instances","of":"shop"}"#);
    let utilisation = mean(r#"{"measure":"utilisation","of":"shop"}"#);
    assert!(
        (instances * utilisation - 3.0).abs() < 0.1,
        "{instances} × {utilisation}"
    );
    assert!((6.0..=8.0).contains(&instances), "{instances}");
}

#[test]
fn steps_warm_up_cool_down_and_drain() {
    // Load comes at 30 s and goes at 90 s. Ten requests a second and instance are the threshold.
    let components = r#""users": { "client": { "operation": "x", "target": "lb", "arrivals": { "profile": { "points": [[0, 5], [30, 5], [30, 60], [90, 60], [90, 5]] } } } },
        "lb": { "balancer": { "policy": "least_connections", "targets": ["shop"] } },
        "shop": { "service": { "instances": 1, "workers": 10, "plans": { "*": [ { "work": { "constant": { "mean_ms": 50 } } } ] }, "autoscale": {
            "metric": "requests_per_instance", "min": 1, "max": 3, "interval_s": 10, "warm_up_s": 15, "cooldown_up_s": 10, "cooldown_down_s": 20,
            "rule": { "steps": { "up": [{ "above": 20, "add": 1 }], "down": [{ "below": 10, "remove": 1 }] } } } } }"#;
    let scenario = scenario(1, 200.0, 0.0, components);
    // A second one is asked for at 40 s and serves from 55 s; while it warms up it counts. At 60 s it has had five seconds and
    // some 30 requests a second each: a third, from 75 s on. Three have 20 a second each. From 100 s on there is too little.
    let decisions = decisions(&scenario);
    assert_eq!(decisions, [(40, 2), (60, 3), (100, 2), (120, 1)]);
    let (log, _) = log(&scenario);
    assert!(!log.contains(",lost,"), "nobody is lost by scaling");
    let first = |station: &str| {
        let line = log
            .lines()
            .find(|l| l.contains(",routed,") && l.ends_with(station));
        let time = line.and_then(|l| l.split(',').next()).expect("routed");
        time.parse::<u64>().expect("nanoseconds") as f64 / 1e9
    };
    assert!(
        (55.0..55.5).contains(&first("shop.2")),
        "{}",
        first("shop.2")
    );
    assert!((75.0..75.5).contains(&first("shop.3")));
    let after: Vec<&str> = log
        .lines()
        .filter(|l| {
            l.split(',')
                .next()
                .is_some_and(|t| t.parse().unwrap_or(0) > 120_000_000_000_u64)
        })
        .collect();
    assert!(after.iter().any(|l| l.ends_with("shop.1")));
    assert!(
        !after
            .iter()
            .any(|l| l.contains(",routed,") && !l.ends_with("shop.1"))
    );
}

#[test]
fn who_is_down_goes_first_and_then_the_latest() {
    let autoscale = r#"{ "metric": "utilisation", "min": 1, "max": 10, "interval_s": 10,
        "rule": { "target": { "value": 0.5, "stabilise_down_s": 5 } } }"#;
    let crash = r#"[{ "what": { "crash": { "component": "shop", "instance": 1 } }, "at_s": 5 }]"#;
    let scenario = with_faults(scaled(20.0, 3, autoscale), crash);
    let mut engine = engine(&scenario, NoProbe);
    engine.run_until(Time::from_secs(9.0));
    let serving = |engine: &Engine| [0, 1, 2].map(|station| engine.serves(station));
    assert_eq!(serving(&engine), [true; 3]);
    engine.run_until(Time::from_secs(25.0));
    assert_eq!(serving(&engine), [false, true, false]);
}

/// What an instance of `N` of them finds of closed-loop users who go round.
fn sessions(instances: u32, lost: &str, users: u32, horizon_s: f64) -> Scenario {
    let components = format!(
        r#""users": {{ "client": {{ "operation": "x", "target": "lb", "arrivals": {{ "closed": {{ "users": {users}, "think_time": {{ "exponential": {{ "mean_ms": 500 }} }} }} }} }} }},
           "lb": {{ "balancer": {{ "policy": "round_robin", "targets": ["shop"] }} }},
           "shop": {{ "service": {{ "instances": {instances}, "workers": 50, "sessions": {{ "lost": {lost} }}, "plans": {{ "*": [ {{ "work": {{ "constant": {{ "mean_ms": 5 }} }} }} ] }} }} }}"#
    );
    scenario(8, horizon_s, 0.0, &components)
}

const REBUILD: &str = r#"{ "rebuild": { "constant": { "mean_ms": 100 } } }"#;

#[test]
fn without_affinity_every_user_is_made_known_everywhere() {
    let outcomes = replications(&sessions(4, REBUILD, 30, 120.0), 0..1);
    let rebuilt: u64 = outcomes[0].figures.stations.iter().map(|s| s.rebuilt).sum();
    assert_eq!(rebuilt, 30 * 3);
    let latency = outcomes[0].figures.latency.expect("many");
    assert!((5.0..5.01).contains(&latency.p50_ms) && (latency.max_ms - 105.0).abs() < 1e-9);
    // One place knows everyone.
    let outcomes = replications(&sessions(1, REBUILD, 30, 120.0), 0..1);
    assert_eq!(outcomes[0].figures.stations[0].rebuilt, 0);
}

#[test]
fn a_crash_forgets_who_was_known() {
    let crash = r#"[{ "what": { "crash": { "component": "shop" } }, "at_s": 60, "for_s": 1 }]"#;
    let scenario = with_faults(sessions(1, REBUILD, 30, 120.0), crash);
    let outcome = replications(&scenario, 0..1).remove(0);
    let shop = &outcome.figures.stations[0];
    assert_eq!((shop.forgotten, shop.rebuilt), (30, 30));
}

#[test]
fn who_goes_round_is_logged_out_every_other_time() {
    // One user, two instances in turn: a session begins at the first, is not known at the second, begins again at the first.
    let seen = watched::<Visits>(&sessions(2, r#""fail""#, 1, 60.0), 0..1).remove(0);
    let lost: Vec<bool> = seen
        .requests
        .iter()
        .filter_map(|r| r.end)
        .map(|e| e.2.is_some())
        .collect();
    assert!(lost.len() > 50);
    assert!(
        lost.iter()
            .enumerate()
            .all(|(i, lost)| *lost == (i % 2 == 1))
    );
    let reasons = seen.requests.iter().filter_map(|r| r.end?.2);
    assert!(reasons.into_iter().all(|reason| reason == Loss::LoggedOut));
}

#[test]
fn all_that_a_crashed_instance_has_is_lost_once_and_at_once() {
    // The shop holds four workers at a slow database and a line; half of the calls have a substitute.
    let components = r#""users": { "client": { "operation": "x", "target": "front", "arrivals": { "poisson": { "rate_per_s": 60 } } } },
        "front": { "service": { "workers": 10000, "plans": { "*": [
            { "call": { "to": "shop" } } ] } } },
        "shop": { "service": { "workers": 4, "plans": { "*": [ { "work": { "exponential": { "mean_ms": 30 } } }, { "call": { "to": "db" } } ] } } },
        "db": { "database": { "connections": 10, "queries": { "*": { "exponential": { "mean_ms": 40 } } } } }"#;
    let crash = r#"[{ "what": { "crash": { "component": "shop" } }, "at_s": 5, "for_s": 2 }]"#;
    let scenario = with_faults(scenario(4, 20.0, 0.0, components), crash);
    let mut engine = engine(&scenario, Visits::default());
    engine.run_until(Time::from_nanos(4_999_999_999));
    let (front, (busy, waiting), db) =
        (engine.station(0).0, engine.station(1), engine.station(2).0);
    assert!(busy == 4 && waiting > 5 && db > 0, "{busy} {waiting} {db}");
    assert_eq!(front, busy + waiting);
    engine.run_until(Time::from_secs(5.0));
    assert_eq!(engine.station(1), (0, 0));
    assert_eq!(engine.station(0), (0, 0), "callers hear at once");
    // What the crashed instance had asked for goes on.
    assert_eq!(engine.station(2).0, db);
    engine.run_until(Time::from_secs(20.0));
    let seen = engine.probe();
    let lost = |reason| {
        let ends = seen.requests.iter().filter_map(|r| r.end);
        ends.filter(|end| end.2 == Some(reason)).collect::<Vec<_>>()
    };
    let crashed = lost(Loss::Crashed);
    assert_eq!(crashed.len() as u32, busy + waiting);
    assert!(crashed.iter().all(|end| end.0 == Time::from_secs(5.0)));
    let down = lost(Loss::Down);
    assert!(down.len() > 60 && down.iter().all(|end| end.1 == 0));
    let orphans = seen
        .visits
        .iter()
        .filter(|v| v.station == 2 && v.came < Time::from_secs(5.0));
    assert!(orphans.into_iter().all(|v| v.left.is_some()));
}

#[test]
fn a_long_line_that_fails_at_once_is_no_deep_recursion() {
    // A hundred thousand wait when errors begin: each then fails as soon as it has its server.
    let components = r#""users": { "client": { "operation": "x", "target": "shop", "arrivals": { "batch": { "rate_per_s": 100000, "size": { "constant": { "size": 10000 } } } } } },
        "shop": { "service": { "workers": 1, "plans": { "*": [ { "work": { "constant": { "mean_ms": 5000 } } } ] } } }"#;
    let errors = r#"[{ "what": { "errors": { "component": "shop", "share": 1 } }, "at_s": 1 }]"#;
    let scenario = with_faults(scenario(4, 6.0, 0.0, components), errors);
    let mut engine = engine(&scenario, NoProbe);
    engine.run_until(Time::from_secs(2.0));
    assert!(engine.station(0).1 > 100_000);
    engine.run_until(Time::from_secs(6.0));
    assert_eq!(engine.station(0), (0, 0));
    let totals = engine.totals();
    assert!(totals.lost > 100_000 && totals.completed == 1);
}

/// The share of requests answered by `plan` over replicas that are up a part `a` of the time.
fn availability(a: f64, plan: &str) -> Vec<f64> {
    let replica = |name: &str| {
        format!(
            r#""{name}": {{ "service": {{ "workers": 100, "plans": {{ "*": [ {{ "work": {{ "constant": {{ "mean_ms": 0.001 }} }} }} ] }} }} }}"#
        )
    };
    let names = ["a", "b", "c", "d", "e"];
    let replicas: Vec<String> = names.iter().map(|name| replica(name)).collect();
    let components = format!(
        r#""users": {{ "client": {{ "operation": "x", "target": "front", "arrivals": {{ "constant": {{ "rate_per_s": 1 }} }} }} }},
           "front": {{ "service": {{ "workers": 100, "plans": {{ "*": [ {plan} ] }} }} }}, {}"#,
        replicas.join(", ")
    );
    let (down_s, up_s) = (1.0, a / (1.0 - a));
    let fault = |name: &&str| {
        format!(
            r#"{{ "what": {{ "crash": {{ "component": "{name}" }} }}, "random": {{ "mean_up_s": {up_s}, "mean_down_s": {down_s} }} }}"#
        )
    };
    let faults: Vec<String> = names.iter().map(fault).collect();
    let scenario = with_faults(
        scenario(0, 20_000.0, 500.0, &components),
        &format!("[{}]", faults.join(", ")),
    );
    let outcomes = replications(&scenario, 800..812);
    let lost = |o: &scale_sim::Outcome| o.figures.lost as f64 / o.figures.sent as f64;
    outcomes.iter().map(lost).collect()
}

#[test]
fn availability_in_series_and_in_parallel_is_as_the_table_says() {
    let table = include_str!("../oracle/queueing/availability.csv");
    let series = |names: &[&str]| {
        let calls: Vec<String> = names
            .iter()
            .map(|n| format!(r#"{{ "call": {{ "to": "{n}" }} }}"#))
            .collect();
        calls.join(", ")
    };
    let parallel = |names: &[&str], need: u32| {
        let calls: Vec<String> = names
            .iter()
            .map(|n| format!(r#"{{ "to": "{n}" }}"#))
            .collect();
        format!(
            r#"{{ "parallel": {{ "calls": [ {} ], "need": {need} }} }}"#,
            calls.join(", ")
        )
    };
    let all = ["a", "b", "c", "d", "e"];
    let plans = [
        series(&all[..2]),
        series(&all[..3]),
        series(&all),
        parallel(&all[..2], 1),
        parallel(&all[..3], 1),
        parallel(&all[..3], 2),
        parallel(&all, 3),
    ];
    for line in table.lines().skip(1) {
        let cells: Vec<f64> = line
            .split(',')
            .map(|cell| cell.parse().expect("a number"))
            .collect();
        for (plan, expected) in plans.iter().zip(&cells[1..]) {
            // Rarer outages are too rare to be seen in this time.
            let lost = 1.0 - expected;
            if lost > 1e-3 {
                let what = format!("availability {} of {plan}", cells[0]);
                four_errors(&what, &availability(cells[0], plan), lost, 0.7);
            }
        }
    }
}

/// A system with all that services can do, at any load.
fn any_system() -> impl Strategy<Value = Scenario> {
    let shedding = prop_oneof![
        Just(String::new()),
        (5.0..200.0_f64).prop_map(|ms| format!(
            r#""shedding": {{ "max_wait": {{ "exponential": {{ "mean_ms": {ms} }} }} }},"#
        )),
        (0.0..200.0_f64).prop_map(|ms| format!(
            r#""shedding": {{ "queue_timeout_ms": {ms}, "deadline": true }},"#
        )),
        Just(r#""shedding": { "codel": { "target_ms": 10, "interval_ms": 50 } },"#.to_owned()),
        Just(r#""shedding": { "codel": { "law": "slough", "target_ms": 10 } },"#.to_owned()),
    ];
    let line = prop_oneof![
        Just(""),
        Just(r#""discipline": "lifo","#),
        Just(r#""discipline": "priority","#),
        Just(r#""bulkheads": { "b": 1 },"#),
    ];
    let autoscale = prop_oneof![
        Just(String::new()),
        (0.2..0.9_f64, 0.0..2.0_f64).prop_map(|(value, warm)| format!(
            r#""autoscale": {{ "metric": "utilisation", "min": 1, "max": 6, "interval_s": 0.5, "warm_up_s": {warm}, "rule": {{ "target": {{ "value": {value}, "stabilise_down_s": 1 }} }} }},"#
        )),
        (1..9_u32).prop_map(|above| format!(
            r#""autoscale": {{ "metric": "queue_length", "min": 1, "max": 5, "interval_s": 0.3, "rule": {{ "steps": {{ "up": [{{ "above": {above}, "add": 2 }}], "down": [{{ "below": 0.5, "remove": 1 }}] }} }} }},"#
        )),
    ];
    let sessions = prop_oneof![
        Just(String::new()),
        Just(r#""sessions": { "lost": "fail", "capacity": 5 },"#.to_owned()),
        (1.0..50.0_f64).prop_map(|ms| format!(r#""sessions": {{ "lost": {{ "rebuild": {{ "exponential": {{ "mean_ms": {ms} }} }} }}, "capacity": 8 }},"#)),
    ];
    let call = prop_oneof![
        Just(r#"{ "call": { "to": "db" } }"#),
        Just(r#"{ "call": { "to": "db", "asynchronous": true } }"#),
        Just(
            r#"{ "call": { "to": "db", "fallback": [ { "work": { "constant": { "mean_ms": 2 } } } ] } }"#
        ),
        Just(r#"{ "parallel": { "calls": [ { "to": "db", "times": 3 } ], "need": 2 } }"#),
        Just(
            r#"{ "call": { "to": "db", "resilience": { "timeout_ms": 60, "hedge": { "after_ms": 20 }, "retry": { "attempts": 3, "backoff": { "fixed": { "wait_ms": 5 } } } } } }"#
        ),
    ];
    let faults = prop_oneof![
        Just(String::new()),
        Just(r#"{ "what": { "crash": { "component": "shop", "instance": 1 } }, "at_s": 1.5, "for_s": 1 }"#.to_owned()),
        (0.2..2.0_f64, 0.1..1.0_f64).prop_map(|(up, down)| format!(
            r#"{{ "what": {{ "crash": {{ "component": "shop" }} }}, "random": {{ "mean_up_s": {up}, "mean_down_s": {down} }} }},
               {{ "what": {{ "errors": {{ "component": "db", "share": 0.3 }} }}, "at_s": 1 }}"#
        )),
    ];
    (shedding, line, autoscale, sessions, call, faults, (20.0..250.0_f64, 1..4_u32, 0..30_u32, any::<u32>())).prop_map(
        |(shedding, line, autoscale, sessions, call, faults, (rate, workers, queue, seed))| {
            let client = |name: &str, operation: &str, priority: u8| format!(
                r#""{name}": {{ "client": {{ "operation": "{operation}", "target": "lb", "users": 12, "priority": {priority}, "deadline_ms": 150, "arrivals": {{ "poisson": {{ "rate_per_s": {} }} }} }} }}"#, rate / 2.0);
            let components = format!(
                r#"{}, {},
                   "lb": {{ "balancer": {{ "policy": "round_robin", "targets": ["shop"] }} }},
                   "shop": {{ "service": {{ "instances": 2, "workers": {workers}, "queue": {queue}, {shedding} {line} {autoscale} {sessions} "plans": {{ "*": [
                       {{ "work": {{ "exponential": {{ "mean_ms": 10 }} }} }}, {call} ] }} }} }},
                   "db": {{ "database": {{ "connections": 3, "queue": 20, "shedding": {{ "queue_timeout_ms": 50 }}, "queries": {{ "*": {{ "exponential": {{ "mean_ms": 12 }} }} }} }} }}"#,
                client("one", "a", 1), client("two", "b", 5)
            );
            with_faults(scenario(u64::from(seed), 5.0, 0.0, &components), &format!("[{faults}]"))
        },
    )
}

/// Where requests were sent, and what was told of capacities and sizes.
#[derive(Clone, Debug, Default)]
struct Routes(Vec<(Time, u32)>);

impl Probe for Routes {
    fn event(&mut self, _: &Model, now: Time, _: RequestRef, event: &Event) {
        if let Event::Routed { station, .. } = *event {
            self.0.push((now, station));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_request_ends_once_and_its_spans_add_up(scenario in any_system()) {
        let model = Model::new(&scenario, &Files::new()).expect("valid");
        let recorder = Recorder::new(&model);
        let mut engine = Engine::new(model.into(), (recorder, Visits::default()));
        for second in 1..=5 {
            engine.run_until(Time::from_secs(f64::from(second)));
            let totals = engine.totals();
            prop_assert_eq!(totals.sent, totals.completed + totals.lost + totals.under_way);
        }
        let (recorder, visits) = engine.probe();
        let ended = visits.requests.iter().filter(|r| r.end.is_some()).count() as u64;
        prop_assert_eq!(ended, engine.totals().completed + engine.totals().lost);
        let stories = recorder.stories();
        for story in stories.slowest().iter().chain(stories.lost()) {
            let sum: Duration = story.spans.iter().map(scale_sim::Span::length).fold(Duration::ZERO, |a, b| a + b);
            prop_assert_eq!(sum, story.latency, "{:?}", story);
            prop_assert!(story.spans.windows(2).all(|pair| pair[0].to == pair[1].from));
        }
    }

    #[test]
    fn a_snapshot_goes_on_as_the_run_itself_and_watching_changes_nothing(scenario in any_system(), part in 0.0..1.0_f64) {
        let (whole, hash) = log(&scenario);
        let mut engine = engine(&scenario, Log::default());
        let horizon = engine.model().horizon();
        engine.run_until(Time::from_secs(horizon.secs() * part));
        let mut restored = engine.clone();
        restored.run_until(horizon);
        prop_assert_eq!(restored.state_hash(), hash);
        prop_assert_eq!(restored.probe_mut().take(), whole);
        let mut unwatched = scale_tests::engine(&scenario, NoProbe);
        unwatched.run_until(horizon);
        prop_assert_eq!(unwatched.state_hash(), hash);
    }

    #[test]
    fn requests_go_only_where_an_instance_serves(scenario in any_system()) {
        let mut engine = engine(&scenario, Routes::default());
        let horizon = engine.model().horizon();
        let stations = engine.model().stations().len();
        while engine.next_time().is_some_and(|time| time <= horizon) {
            let before: Vec<bool> = (0..stations).map(|at| engine.serves(at)).collect();
            engine.step();
            for (_, station) in core::mem::take(&mut engine.probe_mut().0) {
                prop_assert!(before[station as usize]);
            }
        }
        let members = (0..stations).filter(|at| engine.serves(*at));
        prop_assert!(members.count() >= 2, "the shop and the database");
    }

    #[test]
    fn a_change_under_way_loses_no_request(scenario in any_system(), instances in 1..5_u32, workers in 1..5_u32) {
        let mut engine = engine(&scenario, NoProbe);
        engine.run_until(Time::from_secs(1.3));
        let mut changed = scenario.clone();
        if let Some(scale_sim::Component::Service(shop)) = changed.components.get_mut("shop") {
            (shop.instances, shop.workers) = (instances, workers);
            if let Some(autoscale) = &mut shop.autoscale {
                autoscale.max = instances.max(2);
            }
            shop.shedding.queue_timeout_ms = Some(20.0);
        }
        if changed.problems().is_empty() {
            engine.reconfigure(&changed, &Files::new()).expect("only numbers differ");
        }
        for second in 2..=5 {
            engine.run_until(Time::from_secs(f64::from(second)));
            let totals = engine.totals();
            prop_assert_eq!(totals.sent, totals.completed + totals.lost + totals.under_way);
        }
        engine.reconfigure(&scenario, &Files::new()).expect("only numbers differ");
        engine.run_until(Time::from_secs(6.0));
    }
}
