//! Shards in the engine: who is asked, what comes of keys that move under load, and of answers that are missing.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeMap;

use proptest::prelude::*;
use scale_sim::hash::ketama::Ketama;
use scale_sim::{
    Engine, Event, Figures, Files, Measure, Model, NoProbe, Outcome, Probe, RequestRef, Scenario,
    ShardEvent, Time, run,
};
use scale_tests::engine;

fn whole(seed: u64, horizon_s: f64, components: &str, rest: &str) -> Scenario {
    let text = format!(
        r#"{{"version":1,"seed":{seed},"horizon_s":{horizon_s},"components":{{{components}}}{rest}}}"#
    );
    Scenario::from_json(&text).unwrap_or_else(|problems| panic!("{problems:?} in {text}"))
}

fn outcome(horizon_s: f64, components: &str) -> Outcome {
    run(&whole(3, horizon_s, components, ""), &Files::new()).expect("it is valid")
}

fn measured(model: &Model, figures: &Figures, metric: &str, of: &str) -> f64 {
    let text = format!(r#"{{"measure":"{metric}","of":"{of}"}}"#);
    let measure: Measure = scale_sim::read_json(&text).expect("it is a measure");
    let value = measure.value(model, figures);
    value.expect("there is something to measure")
}

fn measure(outcome: &Outcome, metric: &str, of: &str) -> f64 {
    measured(&outcome.model, &outcome.figures, metric, of)
}

const STORE: &str = r#"{"database":{"connections":8,"tables":{"t":{"rows":1000}},"statements":{
    "get":{"read":{"table":"t"}},"add":{"change":{"table":"t","by":1,"care":"atomic_update"}}}}}"#;

/// Clients that read and add to 200 keys, so many times a second, and shards of which one comes at second 1.
fn moving(rate: u32, policy: &str, partitioning: &str, settings: &str) -> String {
    format!(
        r#""users":{{"client":{{"mix":{{"get":1,"add":1}},"target":"router","keys":{{"zipf":{{"count":200,"exponent":0.8}}}},
                "arrivals":{{"poisson":{{"rate_per_s":{rate}}}}}}}}},
           "router":{{"shards":{{"targets":["a","b"],"partitioning":{partitioning},
                "reshard":{{"at_s":1,"targets":["a","b","c"],"policy":"{policy}"{settings}}}}}}},
           "a":{STORE},"b":{STORE},"c":{STORE}"#
    )
}

const POLICIES: [&str; 4] = ["at_once", "hold_writes", "dual_writes", "dual_reads"];
const SLOW: &str = r#","keys_per_s":100,"batch":10,"write":{"exponential":{"mean_ms":5}}"#;

/// How often each key was added to, as clients know it.
#[derive(Clone, Debug, Default)]
struct Tally {
    under_way: BTreeMap<u64, (u64, bool)>,
    /// By key: sent, and answered.
    adds: BTreeMap<u64, (i64, i64)>,
    held: u64,
    redirected: u64,
    misread: u64,
    lost: u64,
    moved: u64,
}

impl Probe for Tally {
    fn event(&mut self, model: &Model, _: Time, request: RequestRef, event: &Event) {
        match *event {
            Event::Sent { key, operation, .. } => {
                let adds = model.operation_name(operation) == "add";
                self.under_way.insert(request.id, (key, adds));
                if adds {
                    self.adds.entry(key).or_default().0 += 1;
                }
            }
            Event::Completed { .. } => {
                if let Some((key, true)) = self.under_way.remove(&request.id) {
                    self.adds.entry(key).or_default().1 += 1;
                }
            }
            Event::Shard(ShardEvent::Held { .. }) => self.held += 1,
            Event::Shard(ShardEvent::Redirected { .. }) => self.redirected += 1,
            Event::Shard(ShardEvent::Misread { .. }) => self.misread += 1,
            Event::Shard(ShardEvent::Lost { writes, .. }) => self.lost += u64::from(writes),
            Event::Shard(ShardEvent::Moved { keys, .. }) => self.moved += u64::from(keys),
            _ => {}
        }
    }
}

/// What of the acknowledged adds is not in the rows, over all keys; no row may have more than was sent.
fn missing(engine: &Engine<Tally>, router: &str) -> i64 {
    let model = engine.model();
    let router = model.component_named(router).expect("it is there");
    let mut missing = 0;
    for (&key, &(sent, answered)) in &engine.probe().adds {
        let home = engine.home(router, key).expect("it is a router");
        let value = engine.row_value(home, "add", key).expect("it has rows");
        assert!(value <= sent, "key {key} has {value} of {sent}");
        missing += (answered - value).max(0);
    }
    missing
}

fn watched(scenario: &Scenario) -> Engine<Tally> {
    let mut engine = engine(scenario, Tally::default());
    engine.run_until(Time::from_secs(scenario.horizon_s));
    engine
}

#[test]
fn each_request_goes_to_the_owner_of_its_key() {
    for (partitioning, expected) in [
        (r#"{"range":{"bounds":[10,20]}}"#, [0.1, 0.1, 0.8]),
        (r#"{"slots":{}}"#, [1.0 / 3.0; 3]),
        (r#"{"slots":{"bounds":[4096,8192]}}"#, [0.25, 0.25, 0.5]),
        (r#"{"ring":{"points":2000}}"#, [1.0 / 3.0; 3]),
        (r#""jump""#, [1.0 / 3.0; 3]),
        (r#""rendezvous""#, [1.0 / 3.0; 3]),
        (r#""modulo""#, [1.0 / 3.0; 3]),
        (
            r#"{"directory":{"keys":[{"from":50,"to":99,"at":"b"}],"default":"c"}}"#,
            [0.0, 0.5, 0.5],
        ),
    ] {
        // Ranges are of 100 keys, hashes need more.
        let keys = if partitioning.contains("slots")
            || !partitioning.contains(':')
            || partitioning.contains("ring")
        {
            1_000_000
        } else {
            100
        };
        let outcome = outcome(
            30.0,
            &format!(
                r#""users":{{"client":{{"operation":"get","target":"router","keys":{{"uniform":{{"count":{keys}}}}},
                        "arrivals":{{"poisson":{{"rate_per_s":1000}}}}}}}},
                   "router":{{"shards":{{"targets":["a","b","c"],"partitioning":{partitioning}}}}},
                   "a":{STORE},"b":{STORE},"c":{STORE}"#
            ),
        );
        let shares = ["a", "b", "c"].map(|shard| measure(&outcome, "completed", shard));
        let all: f64 = shares.iter().sum();
        for (share, expected) in shares.iter().zip(expected) {
            let off = share / all - expected;
            assert!(off.abs() < 0.025, "{partitioning}: {shares:?}");
        }
    }
}

#[test]
fn a_rings_balance_by_virtual_nodes_is_that_of_the_literature() {
    for nodes in [3_u32, 4, 10, 100] {
        for points in [1_u32, 4, 16, 64, 160] {
            let rings = if nodes == 100 { 20 } else { 200 };
            let mut squares = 0.0;
            for ring in 0..rings {
                let names: Vec<String> = (0..nodes).map(|i| format!("{ring}-node-{i}")).collect();
                let ring = Ketama::with_points(&names, points);
                let mean = 1.0 / f64::from(nodes);
                squares += (0..nodes)
                    .map(|node| (ring.ring().share(node) / mean - 1.0).powi(2))
                    .sum::<f64>();
            }
            let cv = (squares / f64::from(rings * nodes)).sqrt();
            let (n, v) = (f64::from(nodes), f64::from(points));
            let expected = ((n - 1.0) / (n * v + 1.0)).sqrt();
            let ratio = cv / expected;
            assert!(
                (0.88..1.14).contains(&ratio),
                "{nodes}, {points}: {cv} of {expected}"
            );
        }
    }
}

#[test]
fn no_write_is_lost_with_the_right_policy_and_many_are_at_once() {
    for policy in POLICIES {
        let (mut all_missing, mut told, mut held, mut redirected, mut misread) = (0, 0, 0, 0, 0);
        for seed in 0..12 {
            for partitioning in [r#""modulo""#, r#"{"slots":{}}"#] {
                let scenario = whole(seed, 5.0, &moving(2_000, policy, partitioning, SLOW), "");
                let engine = watched(&scenario);
                let router = engine
                    .model()
                    .component_named("router")
                    .expect("it is there");
                let (moved, done) = engine.keys_moved(router).expect("keys move");
                assert!(done && moved == engine.probe().moved, "{policy} {seed}");
                let missing = missing(&engine, "router");
                assert!(
                    missing.cast_unsigned() <= engine.probe().lost,
                    "{policy} {seed}: {missing}"
                );
                all_missing += missing;
                told += engine.probe().lost;
                held += engine.probe().held;
                redirected += engine.probe().redirected;
                misread += engine.probe().misread;
            }
        }
        let case = format!("{policy}: {all_missing} {told} {held} {redirected} {misread}");
        if policy == "at_once" {
            assert!(all_missing > 1_000 && misread > 1_000, "{case}");
            assert_eq!((held, redirected), (0, 0), "{case}");
            // What is told is what is gone, but for adds that were under way at the end.
            assert!(told.cast_signed() - all_missing < 100, "{case}");
        } else {
            assert_eq!((all_missing, told, misread), (0, 0, 0), "{case}");
            assert_eq!(redirected > 1_000, policy == "dual_reads", "{case}");
            assert!(held > 0 || policy == "dual_writes", "{case}");
        }
    }
}

#[test]
fn crashes_of_the_router_and_of_shards_lose_nothing_and_end_no_move() {
    let faults = r#","faults":[
        {"what":{"crash":{"component":"router"}},"random":{"mean_up_s":0.4,"mean_down_s":0.1}},
        {"what":{"crash":{"component":"a"}},"random":{"mean_up_s":0.7,"mean_down_s":0.1}},
        {"what":{"crash":{"component":"c"}},"random":{"mean_up_s":0.7,"mean_down_s":0.1}}]"#;
    for policy in &POLICIES[1..] {
        for seed in 0..10 {
            let scenario = whole(seed, 8.0, &moving(1_000, policy, r#""jump""#, SLOW), faults);
            let engine = watched(&scenario);
            let router = engine
                .model()
                .component_named("router")
                .expect("it is there");
            let (_, done) = engine.keys_moved(router).expect("keys move");
            assert!(done, "{policy} {seed}");
            assert_eq!(missing(&engine, "router"), 0, "{policy} {seed}");
        }
    }
}

#[test]
fn the_copy_takes_its_time_and_is_work_for_both_stores() {
    let components = moving(
        1,
        "hold_writes",
        r#""jump""#,
        r#","keys_per_s":50,"batch":5"#,
    );
    let outcome = outcome(4.0, &components);
    let moved = measure(&outcome, "keys_moved", "router");
    assert!((50.0..90.0).contains(&moved), "{moved}");
    let series = &outcome.series;
    let by = |seconds: f64| -> f64 {
        let windows = series.iter().filter(|window| window.to_s <= seconds + 1e-9);
        windows
            .map(|window| measured(&outcome.model, window, "keys_moved", "router"))
            .sum()
    };
    // Fifty a second, in batches of five.
    assert!(by(1.0) < 0.5);
    let half = by(1.5);
    assert!((20.0..=30.0).contains(&half), "{half}");
    // Each key is a visit at its old owner and one at its new.
    let visits: f64 = ["a", "b", "c"]
        .map(|shard| measure(&outcome, "completed", shard))
        .iter()
        .sum();
    let asked = outcome.figures.completed as f64;
    assert!((visits - asked - 2.0 * moved).abs() < 0.5);
}

#[test]
fn a_lost_shards_rows_go_to_the_others() {
    let components = moving(1_000, "dual_writes", r#""rendezvous""#, SLOW)
        .replace(r#""targets":["a","b"],"#, r#""targets":["a","b","c"],"#)
        .replace(
            r#""targets":["a","b","c"],"policy""#,
            r#""targets":["a","c"],"policy""#,
        );
    let engine = watched(&whole(5, 5.0, &components, ""));
    let router = engine
        .model()
        .component_named("router")
        .expect("it is there");
    assert!(
        engine
            .keys_moved(router)
            .is_some_and(|(moved, done)| done && moved > 40)
    );
    assert_eq!(missing(&engine, "router"), 0);
    let b = engine.model().component_named("b");
    assert!((0..200).all(|key| engine.home(router, key) != b));
}

#[test]
fn held_writes_cannot_keep_the_copy_from_a_worker() {
    let components = moving(500, "hold_writes", r#""jump""#, SLOW).replace(
        r#""partitioning":"jump""#,
        r#""partitioning":"jump","workers":1,"queue":10"#,
    );
    let engine = watched(&whole(1, 5.0, &components, ""));
    let router = engine
        .model()
        .component_named("router")
        .expect("it is there");
    assert!(engine.keys_moved(router).is_some_and(|(_, done)| done));
    assert_eq!(missing(&engine, "router"), 0);
}

/// Four shards of which the last is slow, and an operation that asks all.
fn scattering(scatter: &str) -> String {
    let store = |ms: u32| {
        format!(
            r#"{{"database":{{"connections":100,"queries":{{"*":{{"constant":{{"mean_ms":{ms}}}}}}}}}}}"#
        )
    };
    let (quick, slow) = (store(10), store(200));
    format!(
        r#""users":{{"client":{{"operation":"search","target":"router","arrivals":{{"constant":{{"rate_per_s":20}}}}}}}},
           "router":{{"shards":{{"targets":["a","b","c","d"],"partitioning":"jump","scatter":{{"search":{scatter}}}}}}},
           "a":{quick},"b":{quick},"c":{quick},"d":{slow}"#
    )
}

#[test]
fn all_shards_are_asked_and_enough_answers_will_do() {
    let of = |scatter: &str| {
        let outcome = outcome(10.0, &scattering(scatter));
        let figures = &outcome.figures;
        let latency = figures.latency.map_or(0.0, |latency| latency.p50_ms);
        let partial = measure(&outcome, "partial_answers", "router");
        assert!((figures.degraded as f64 - partial).abs() < 0.5);
        (
            figures.completed > 150,
            figures.lost > 150,
            latency.round(),
            partial > 150.0,
        )
    };
    assert_eq!(of("{}"), (true, false, 200.0, false));
    // Three are enough, but all are waited for as long as there is time.
    assert_eq!(of(r#"{"need":3}"#), (true, false, 200.0, false));
    assert_eq!(
        of(r#"{"need":3,"timeout_ms":50}"#),
        (true, false, 50.0, true)
    );
    assert_eq!(
        of(r#"{"need":4,"timeout_ms":50}"#),
        (false, true, 0.0, false)
    );
    assert_eq!(
        of(r#"{"need":3,"timeout_ms":250}"#),
        (true, false, 200.0, false)
    );
}

#[test]
fn shards_that_are_down_are_left_out_if_enough_are_up() {
    let of = |need: u32, down: &[&str]| {
        let faults = down
            .iter()
            .map(|shard| format!(r#"{{"what":{{"crash":{{"component":"{shard}"}}}},"at_s":0}}"#));
        let faults = faults.collect::<Vec<_>>().join(",");
        let scenario = whole(
            1,
            5.0,
            &scattering(&format!(r#"{{"need":{need}}}"#)),
            &format!(r#","faults":[{faults}]"#),
        );
        let figures = run(&scenario, &Files::new()).expect("valid").figures;
        (
            figures.completed > 50,
            figures.degraded > 50,
            figures.lost > 50,
        )
    };
    assert_eq!(of(3, &["a"]), (true, true, false));
    assert_eq!(of(3, &["a", "d"]), (false, false, true));
    assert_eq!(of(2, &["a", "d"]), (true, true, false));
    assert_eq!(of(1, &["a", "b", "c", "d"]), (false, false, true));
}

#[test]
fn a_snapshot_goes_on_alike_in_the_middle_of_a_move() {
    for policy in POLICIES {
        let scenario = whole(2, 4.0, &moving(1_000, policy, r#"{"ring":{}}"#, SLOW), "");
        let mut first = engine(&scenario, NoProbe);
        first.run_until(Time::from_secs(1.2));
        let mut second = first.clone();
        assert_eq!(first.state_hash(), second.state_hash());
        first.run_until(Time::from_secs(4.0));
        while second
            .next_time()
            .is_some_and(|time| time <= Time::from_secs(4.0))
        {
            second.step();
        }
        second.run_until(Time::from_secs(4.0));
        assert_eq!(first.state_hash(), second.state_hash(), "{policy}");
    }
}

#[test]
fn the_pace_may_change_under_way() {
    let of = |pace: &str| whole(2, 6.0, &moving(500, "dual_reads", r#""jump""#, pace), "");
    let mut engine = engine(&of(r#","keys_per_s":1,"batch":10"#), Tally::default());
    engine.run_until(Time::from_secs(2.0));
    let quick = of(r#","keys_per_s":1000,"batch":10"#);
    engine
        .reconfigure(&quick, &Files::new())
        .expect("only numbers change");
    engine.run_until(Time::from_secs(30.0));
    let router = engine
        .model()
        .component_named("router")
        .expect("it is there");
    assert!(engine.keys_moved(router).is_some_and(|(_, done)| done));
    assert_eq!(missing(&engine, "router"), 0);
    let other = whole(2, 6.0, &moving(500, "hold_writes", r#""jump""#, ""), "");
    assert!(engine.reconfigure(&other, &Files::new()).is_err());
}

prop_compose! {
    fn any_move()(
        policy in 1..4_usize,
        (from, to) in prop::sample::select(vec![
            (r#""modulo""#, r#""modulo""#),
            (r#""jump""#, r#""rendezvous""#),
            (r#"{"slots":{}}"#, r#"{"slots":{}}"#),
            (r#"{"ring":{"points":40}}"#, r#"{"ring":{"points":80}}"#),
            (r#"{"range":{"bounds":[100]}}"#, r#"{"range":{"bounds":[20,150]}}"#),
            (r#""jump""#, r#"{"directory":{"keys":[{"from":0,"to":0,"at":"c"}],"default":"b"}}"#),
        ]),
        rate in 10..3_000_u32,
        batch in 1..60_u32,
        keys_per_s in 20..5_000_u32,
        copiers in 1..20_u32,
        workers in prop_oneof![Just(10_000_u32), 1..20_u32],
        connections in 1..10_u32,
        replicas in 0..2_u32,
        crash in any::<bool>(),
        wired in any::<bool>(),
        seed in any::<u32>(),
    ) -> Scenario {
        let replication = match replicas {
            0 => "",
            _ => r#","replication":{"replicas":1},"pool":{"min":1,"max":4},"connect":{"constant":{"mean_ms":1}}"#,
        };
        let settings = format!(
            r#","partitioning":{to},"batch":{batch},"keys_per_s":{keys_per_s},"copiers":{copiers}"#
        );
        let components = moving(rate, POLICIES[policy], from, &settings)
            .replace(r#""reshard""#, &format!(r#""workers":{workers},"reshard""#))
            .replace(r#""connections":8"#, &format!(r#""connections":{connections}{replication}"#));
        let faults = if crash {
            r#","faults":[{"what":{"crash":{"component":"router"}},"random":{"mean_up_s":0.5,"mean_down_s":0.05}},
                {"what":{"slow":{"component":"c","factor":5}},"random":{"mean_up_s":0.3,"mean_down_s":0.3}},
                {"what":{"errors":{"component":"b","share":0.1}},"random":{"mean_up_s":0.3,"mean_down_s":0.3}}]"#
        } else {
            ""
        };
        let links = ["a", "b", "c"].map(|shard| {
            format!(r#"{{"from":"router","to":"{shard}","latency":{{"exponential":{{"mean_ms":2}}}},"loss":0.05}}"#)
        });
        let links = if wired { format!(r#","links":[{}]"#, links.join(",")) } else { String::new() };
        whole(u64::from(seed), 2.0, &components, &format!("{faults}{links}"))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whatever_the_settings_nothing_acknowledged_is_lost(scenario in any_move()) {
        let mut engine = engine(&scenario, Tally::default()).with_budget(200_000);
        engine.run_until(Time::from_secs(1.1));
        let mut twin = engine.clone();
        engine.run_until(Time::from_secs(2.0));
        twin.run_until(Time::from_secs(2.0));
        prop_assert_eq!(engine.state_hash(), twin.state_hash());
        let totals = engine.totals();
        prop_assert_eq!(totals.sent, totals.completed + totals.lost + totals.under_way);
        prop_assert_eq!(missing(&engine, "router"), 0);
        prop_assert_eq!(engine.probe().misread, 0);
    }
}
