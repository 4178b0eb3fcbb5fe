//! Invariants: each is broken by a scenario, and held by its twin with the right pattern; changes made once; faults at an
//! exact event. The samples themselves are in `tests/scenarios`.
#![cfg(not(target_arch = "wasm32"))]

use std::sync::Arc;

use proptest::prelude::*;
use scale_sim::{
    Auditor, Engine, Event, Fault, Files, Finding, Log, Model, Outcome, Place, Probe, RequestRef,
    RowEvent, Scenario, Stop, Time, Trouble, Violation, run,
};
use scale_tests::{engine, log, replications, watched};

fn sample(name: &str) -> Scenario {
    let file = format!("{}/scenarios/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(file).expect("the sample is there");
    Scenario::from_json(&text).expect("samples are valid")
}

/// A database that changes one row for a shop which tries again after `timeout_ms`, and the client in front.
fn retried(seed: u64, change: &str, rest: &str) -> Scenario {
    let text = format!(
        r#"{{"version":1,"seed":{seed},"horizon_s":2,"invariants":[{{"no_double_effects":{{"at":"bank"}}}},{{"no_lost_updates":{{"at":"bank"}}}}],
        "components":{{
            "users":{{"client":{{"operation":"pay","target":"shop","arrivals":{{"poisson":{{"rate_per_s":100}}}},"keys":{{"uniform":{{"count":5}}}}}}}},
            "shop":{{"service":{{"workers":100,"plans":{{"*":[{{"call":{{"to":"bank","resilience":{{"timeout_ms":12,"retry":{{"attempts":6,"backoff":{{"fixed":{{"wait_ms":3}}}}}}}}}}}}]}}}}}},
            "bank":{{"database":{{"connections":40,"tables":{{"accounts":{{"rows":5,"value":1000}}}},
                "statements":{{"pay":{{"change":{{"table":"accounts","by":-1,"care":"atomic_update"{change}}}}}}},
                "costs":{{"commit":{{"exponential":{{"mean_ms":6}}}}}}{rest}}}}}}}}}"#
    );
    Scenario::from_json(&text).unwrap_or_else(|problems| panic!("{problems:?} in {text}"))
}

fn found(outcome: &Outcome) -> Vec<(&'static str, u64)> {
    let invariants = outcome.findings.invariants.iter();
    invariants.map(|f| (f.name, f.violations)).collect()
}

/// Of so many seeds, how often each invariant was violated.
fn violations(scenario: &Scenario, seeds: u64) -> Vec<(&'static str, u64)> {
    let outcomes = replications(scenario, scenario.seed..scenario.seed + seeds);
    let mut sums = found(&outcomes[0]);
    for outcome in &outcomes[1..] {
        for (sum, (_, count)) in sums.iter_mut().zip(found(outcome)) {
            sum.1 += count;
        }
    }
    sums
}

/// Scenarios that break all of their invariants within a few seeds.
const BROKEN: [&str; 12] = [
    "stale-read",
    "stale-cache",
    "lost-update",
    "lost-write",
    "lost-write-behind",
    "double-effect",
    "transfer",
    "in-order",
    "served-once",
    "saga-half-done",
    "lost-message",
    "dual-write",
];

/// Their twins, which never do.
const TWINS: [&str; 18] = [
    "stale-read-primary",
    "own-write-sticky",
    "stale-cache-invalidated",
    "lost-update-versioned",
    "lost-update-atomic",
    "lost-write-semi-synchronous",
    "lost-write-through",
    "double-effect-once",
    "transfer-compensated",
    "transfer-saga",
    "transfer-two-phase",
    "in-order-partitioned",
    "in-order-one-worker",
    "served-once-plain",
    "saga-compensated",
    "saga-choreographed",
    "lost-message-kept",
    "outbox",
];

#[test]
fn every_invariant_is_broken_by_its_scenario() {
    for name in BROKEN {
        let counts = violations(&sample(name), 10);
        assert!(!counts.is_empty(), "{name}");
        for (invariant, count) in counts {
            assert!(count > 0, "{name} does not break {invariant}");
        }
    }
}

#[test]
fn its_twin_breaks_it_with_none_of_a_thousand_seeds() {
    for name in TWINS {
        let mut twin = sample(name);
        // Enough for what is to happen; the longest samples are there for other reasons.
        twin.horizon_s = twin.horizon_s.min(10.0);
        for (invariant, count) in violations(&twin, 1_000) {
            assert_eq!(count, 0, "{name}: {invariant}");
        }
    }
}

/// What an auditor says is what the system's own end shows: money that is there and should not be, or the other way round.
#[test]
fn money_is_missing_exactly_where_it_is_said_to_be() {
    for name in ["transfer", "transfer-compensated", "lost-update"] {
        for seed in 1..20 {
            let mut scenario = Scenario {
                seed,
                ..sample(name)
            };
            let probe = Auditor::new(&Model::new(&scenario, &Files::new()).expect("valid"));
            let mut engine = engine(&scenario, probe);
            engine.run_until(engine.model().horizon());
            // Nobody comes any more, and all that is under way ends.
            for component in scenario.components.values_mut() {
                if let scale_sim::Component::Client(client) = component {
                    client.arrivals = scale_sim::Arrivals::Poisson { rate_per_s: 0.0 };
                }
            }
            engine.reconfigure(&scenario, &Files::new()).expect("valid");
            engine.run_until(Time::from_secs(60.0));
            assert_eq!(engine.parts().requests, 0);
            let sum = |component: &str, operation: &str, keys: u64| -> i64 {
                let at = engine.model().component_named(component).expect("there");
                let row = |key| engine.row_value(at, operation, key).expect("a row");
                (0..keys).map(row).sum()
            };
            let (before, after) = if name == "lost-update" {
                (20_000, sum("db", "take", 2) + sum("db", "order", 2))
            } else {
                let all = sum("bank-a", "take", 100) + sum("bank-b", "put", 100);
                (200 * 100_000, all)
            };
            let conserved = engine
                .probe()
                .findings()
                .invariants
                .pop()
                .expect("conserved");
            let difference = (after - before).unsigned_abs();
            let each = if name == "lost-update" { 1 } else { 10 };
            // A lost update may wipe out several changes of others: what each request is said to have added adds up.
            assert_eq!(conserved.name, "conserved");
            if name == "lost-update" {
                assert_eq!(conserved.violations > 0, difference > 0, "seed {seed}");
            } else {
                assert_eq!(conserved.violations * each, difference, "seed {seed}");
            }
        }
    }
}

#[test]
fn an_audit_steers_nothing() {
    for name in BROKEN {
        let with = sample(name);
        let without = Scenario {
            invariants: Vec::new(),
            ..with.clone()
        };
        assert_eq!(log(&with), log(&without), "{name}");
        let (with, without) = (run(&with, &Files::new()), run(&without, &Files::new()));
        let (with, without) = (with.expect("valid"), without.expect("valid"));
        assert_eq!(with.state_hash, without.state_hash);
        assert_eq!(without.findings.invariants, []);
        let measured = with.figures.violations;
        let counted: u64 = found(&with).iter().map(|(_, count)| count).sum();
        assert_eq!(measured, counted);
    }
}

#[test]
fn a_violation_says_what_when_and_who() {
    let outcome = run(&sample("lost-update"), &Files::new()).expect("valid");
    let first = &outcome.findings.first;
    assert_eq!(first.len(), 20);
    assert!(first.is_sorted_by_key(|violation| violation.at));
    let Violation {
        invariant,
        name,
        request,
        row,
        sentence,
        ..
    } = &first[0];
    assert_eq!((*invariant, *name), (0, "no_lost_updates"));
    assert_eq!((*request, *row), (Some(4), Some(0)));
    let expected =
        "request 4 wrote row 0 of 'stock' from an old version: the change that request 3 made ";
    assert!(sentence.starts_with(expected), "{sentence}");
    let Finding { about, .. } = &outcome.findings.invariants[1];
    assert_eq!(about, "db.stock + db.orders");
}

/// Counts what a database did for retries.
#[derive(Clone, Debug, Default)]
struct Effects {
    changed: u64,
    repeated: u64,
    answered: u64,
}

impl Probe for Effects {
    fn event(&mut self, _: &Model, _: Time, _: RequestRef, event: &Event) {
        match event {
            Event::Row(RowEvent::Changed { .. }) => self.changed += 1,
            Event::Row(RowEvent::Repeated { .. }) => self.repeated += 1,
            Event::Completed { .. } => self.answered += 1,
            _ => {}
        }
    }
}

#[test]
fn a_change_made_once_is_made_once_and_retries_are_answered() {
    for care in ["atomic_update", "select_for_update", "compare_version"] {
        let change = |once: bool| format!(r#","once":{once}"#);
        let with = |once: bool| {
            let scenario = retried(1, &change(once), "");
            let text = scale_sim::write_json(&scenario);
            let text = text.replace("atomic_update", care);
            Scenario::from_json(&text).expect("valid")
        };
        let (mut changed, mut repeated, mut answered) = (0, 0, 0);
        for seen in watched::<Effects>(&with(true), 1..30) {
            changed += seen.changed;
            repeated += seen.repeated;
            answered += seen.answered;
        }
        assert!(repeated > 100, "{care}: {repeated}");
        // Whoever is answered has paid; some have paid and given up before they heard.
        assert!(changed >= answered, "{care}: {changed} and {answered}");
        let counts = violations(&with(true), 30);
        assert_eq!(
            counts,
            [("no_double_effects", 0), ("no_lost_updates", 0)],
            "{care}"
        );
        let counts = violations(&with(false), 30);
        assert!(counts[0].1 > 100, "{care}: {counts:?}");
    }
}

#[test]
fn what_is_remembered_is_forgotten_after_its_time() {
    // A retry that comes later than the identity is kept is made again, as with Stripe after 24 hours.
    let short = retried(1, r#","once":true"#, r#","once_kept_s":0.001"#);
    assert!(violations(&short, 30)[0].1 > 0);
}

#[test]
fn a_failover_takes_the_identity_back_with_the_change() {
    // The first attempt's change is lost with the primary, and the retry makes it again: nobody is answered without having paid.
    let text = r#"{"version":1,"seed":1,"horizon_s":3,"invariants":[{"no_double_effects":{"at":"bank"}}],"components":{
        "users":{"client":{"operation":"pay","target":"bank","arrivals":{"poisson":{"rate_per_s":200}},"keys":{"uniform":{"count":50}},
            "resilience":{"timeout_ms":600,"retry":{"attempts":5,"backoff":{"fixed":{"wait_ms":100}}}}}},
        "bank":{"database":{"connections":40,"tables":{"accounts":{"rows":50,"value":1000}},
            "statements":{"pay":{"change":{"table":"accounts","by":-1,"care":"atomic_update","once":true}}},
            "replication":{"replicas":1,"ship":{"constant":{"mean_ms":60}},"commits":{"semi_synchronous":{"acks":1}},"failover_after_ms":100}}}},
        "faults":[{"what":{"crash":{"component":"bank","instance":1}},"at_s":1,"for_s":0.3}]}"#;
    let scenario = Scenario::from_json(text).expect("valid");
    let mut unacknowledged = 0;
    for seed in 1..20 {
        let scenario = Scenario {
            seed,
            ..scenario.clone()
        };
        let (log, _) = log(&scenario);
        unacknowledged += log.lines().filter(|line| line.contains(",undone,")).count();
        let outcome = run(&scenario, &Files::new()).expect("valid");
        assert_eq!(found(&outcome), [("no_double_effects", 0)]);
        assert!(outcome.figures.completed > 400, "{:?}", outcome.totals);
    }
    assert!(unacknowledged > 50, "{unacknowledged}");
}

fn crash(component: &str, after_events: u64, for_s: f64) -> Fault {
    Fault {
        what: Trouble::Crash(Place {
            component: component.to_owned(),
            instance: None,
        }),
        at_s: None,
        after_events: Some(after_events),
        for_s: Some(for_s),
        random: None,
    }
}

#[test]
fn a_fault_comes_after_the_event_that_it_counts_and_changes_nothing_before() {
    let base = sample("double-effect");
    let (plain, _) = log(&base);
    for events in [1, 7, 100, 333] {
        let faults = vec![crash("bank", events, 0.05)];
        let scenario = Scenario {
            faults,
            ..base.clone()
        };
        let mut engine = engine(&scenario, Log::default());
        for _ in 1..events {
            engine.step();
        }
        assert_eq!(engine.active_faults().count(), 0);
        engine.step();
        assert_eq!(
            (engine.events(), engine.active_faults().count()),
            (events, 1)
        );
        engine.run_until(engine.model().horizon());
        assert_eq!(engine.active_faults().count(), 0);
        let struck = engine.probe_mut().take();
        let (before, _) = struck.split_once(",,fault,0,on").expect("it came");
        let before = before.rsplit_once('\n').map_or("", |(before, _)| before);
        assert!(plain.starts_with(before), "after {events} events");
        // However the run is cut into pieces, the moment is the same.
        let mut pieces = scale_tests::engine(&scenario, Log::default());
        for slice in 1..=1_000 {
            pieces.run_until(Time::from_nanos(
                pieces.model().horizon().nanos() / 1_000 * slice,
            ));
        }
        assert_eq!(pieces.probe_mut().take(), struck);
    }
}

#[test]
fn a_fault_that_counts_events_is_read_with_its_faults() {
    let problems = |fields: &str| {
        let text = r#"{"version":1,"horizon_s":1,"components":{
            "users":{"client":{"operation":"x","target":"db","arrivals":{"poisson":{"rate_per_s":1}}}},
            "db":{"database":{"connections":1,"queries":{"*":{"constant":{"mean_ms":1}}}}}},
            "faults":[{"what":{"crash":{"component":"db"}},FIELDS}]}"#;
        let read = Scenario::from_json(&text.replace("FIELDS", fields));
        let problems = read.err().unwrap_or_default();
        problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(problems(r#""after_events":5,"for_s":1"#), "");
    assert!(
        problems(r#""after_events":0"#)
            .contains("faults[0].after_events: 0 is out of range: 1 to 200000000")
    );
    assert!(
        problems(r#""after_events":1,"at_s":1"#)
            .contains("at a moment or after an event, not both")
    );
    assert!(problems(r#""for_s":1"#).contains("\"at_s\" or \"after_events\""));
    let both = r#""after_events":1,"random":{"mean_up_s":1,"mean_down_s":1}"#;
    assert!(problems(both).contains("once or again and again, not both"));
}

/// Bounded by what is under way: a long run does not remember more than a short one, and stays right.
#[test]
fn what_is_forgotten_makes_no_violation_up() {
    let long = Scenario {
        horizon_s: 80.0,
        ..sample("lost-update-atomic")
    };
    let outcome = run(&long, &Files::new()).expect("valid");
    assert_eq!(outcome.stop, Stop::Reached);
    assert_eq!(found(&outcome), [("no_lost_updates", 0), ("conserved", 0)]);
}

/// Jobs for one worker that is too slow for them, over a broker `q` of some kind.
fn jobs(broker: &str, of_dead: &str, faults: &str) -> Outcome {
    let text = format!(
        r#"{{"version":1,"horizon_s":4,"invariants":[{{"no_lost_messages":{{"at":"q"}}}},{{"no_lost_messages":{{"at":"dead"}}}}],"components":{{
            "u":{{"client":{{"operation":"x","target":"q","keys":{{"uniform":{{"count":50}}}},"arrivals":{{"constant":{{"rate_per_s":50}}}}}}}},
            "q":{{{broker}}},"dead":{{"queue":{{{of_dead}}}}},
            "w":{{"service":{{"workers":1,"plans":{{"*":[{{"work":{{"constant":{{"mean_ms":30}}}}}}]}}}}}}}},"faults":[{faults}]}}"#
    );
    let scenario = Scenario::from_json(&text);
    let scenario = scenario.unwrap_or_else(|problems| panic!("{problems:?} in {text}"));
    run(&scenario, &Files::new()).expect("valid")
}

#[test]
fn every_way_to_lose_a_message_is_noticed_at_its_broker() {
    let errors = r#"{"what":{"errors":{"component":"w","share":0.5}},"at_s":0}"#;
    let crash = r#"{"what":{"crash":{"component":"q"}},"at_s":2,"for_s":0.1}"#;
    let down = r#"{"what":{"crash":{"component":"dead"}},"at_s":0}"#.to_owned() + "," + errors;
    for (broker, of_dead, faults, expected) in [
        (
            r#""queue":{"to":"w","capacity":5,"full":"drop_oldest"}"#,
            "",
            "",
            "had to make room",
        ),
        (
            r#""queue":{"to":"w","durable":false}"#,
            "",
            crash,
            "was not kept any more",
        ),
        (
            r#""queue":{"to":"w","delivery":"at_most_once"}"#,
            "",
            errors,
            "was not kept any more",
        ),
        (
            r#""queue":{"to":"w","max_deliveries":1}"#,
            "",
            errors,
            "no queue has it as a dead letter",
        ),
        // The queue of dead letters is full, or down.
        (
            r#""queue":{"to":"w","max_deliveries":1,"dead_letters":"dead"}"#,
            r#""capacity":5"#,
            errors,
            "no queue has it as a dead letter",
        ),
        (
            r#""queue":{"to":"w","max_deliveries":1,"dead_letters":"dead"}"#,
            "",
            &down,
            "no queue has it as a dead letter",
        ),
        (
            r#""topic":{"retention":10,"subscriptions":{"a":{"to":"w"}}}"#,
            "",
            "",
            "had to make room",
        ),
        (
            r#""topic":{"subscriptions":{"a":{"to":"w","delivery":"at_most_once"}}}"#,
            "",
            errors,
            "was not kept any more",
        ),
    ] {
        let outcome = jobs(broker, of_dead, faults);
        let [(_, at_q), (_, at_dead)] = found(&outcome)[..] else {
            panic!("there are two invariants")
        };
        assert!(at_q > 5, "{broker}: {at_q}");
        assert_eq!(at_dead, 0, "{broker}");
        let said = &outcome.findings.first[0].sentence;
        assert!(
            said.contains("that 'q' had accepted is lost") && said.contains(expected),
            "{broker}: {said}"
        );
    }
    // Who is refused, or has to wait, has lost nothing; what fails is tried again, or is with the dead letters.
    for (broker, of_dead, faults) in [
        (r#""queue":{"to":"w","capacity":5}"#, "", ""),
        (
            r#""queue":{"to":"w","capacity":5,"full":"block"}"#,
            "",
            crash,
        ),
        (r#""queue":{"to":"w","retry_ms":10}"#, "", errors),
        (
            r#""queue":{"to":"w","max_deliveries":1,"dead_letters":"dead"}"#,
            "",
            errors,
        ),
        (
            r#""topic":{"subscriptions":{"a":{"to":"w","retry_ms":10}}}"#,
            "",
            errors,
        ),
    ] {
        let outcome = jobs(broker, of_dead, faults);
        assert_eq!(found(&outcome), [("no_lost_messages", 0); 2], "{broker}");
    }
    // Dead letters that have to make room for others are lost there.
    let dead = r#""queue":{"to":"w","max_deliveries":1,"dead_letters":"dead"}"#;
    let outcome = jobs(dead, r#""capacity":5,"full":"drop_oldest""#, errors);
    let [(_, at_q), (_, at_dead)] = found(&outcome)[..] else {
        panic!("there are two invariants")
    };
    assert!(at_q == 0 && at_dead > 5, "{at_q} {at_dead}");
}

/// A failover takes a write back together with the message that it left; nobody is to blame for that message.
#[test]
fn a_write_that_a_failover_undoes_asks_for_no_message() {
    let text = r#"{"version":1,"horizon_s":4,"invariants":[{"no_lost_messages":{"at":"q","writes_at":"db"}}],"components":{
        "u":{"client":{"operation":"x","target":"db","keys":{"uniform":{"count":50}},"arrivals":{"constant":{"rate_per_s":50}}}},
        "db":{"database":{"connections":5,"writes":["x"],"queries":{"*":{"constant":{"mean_ms":1}}},"outbox":{"operations":["x"],"to":"q","poll_ms":500},
            "replication":{"replicas":1,"failover_after_ms":100,"ship":{"constant":{"mean_ms":200}}}}},
        "q":{"queue":{}}},"faults":[{"what":{"crash":{"component":"db","instance":1}},"at_s":1.9,"for_s":1}]}"#;
    let scenario = Scenario::from_json(text).expect("valid");
    let (log, _) = log(&scenario);
    assert!(log.lines().filter(|line| line.contains(",undone,")).count() > 5);
    let outcome = run(&scenario, &Files::new()).expect("valid");
    assert_eq!(found(&outcome), [("no_lost_messages", 0)]);
    // Without the outbox each write asks for its message in vain.
    let text = text.replace(
        r#""outbox":{"operations":["x"],"to":"q","poll_ms":500},"#,
        "",
    );
    let scenario = Scenario::from_json(&text).expect("valid");
    let outcome = run(&scenario, &Files::new()).expect("valid");
    assert!(found(&outcome)[0].1 > 100, "{:?}", found(&outcome));
    let said = &outcome.findings.first[0].sentence;
    let expected = "nothing is left of request 0, which wrote in 'db' and left no message in 'q'";
    assert_eq!(said, expected);
}

fn any_care() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "read_then_write",
        "atomic_update",
        "select_for_update",
        "compare_version",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever crashes after whichever event: a change made once is made once, who looks at what it overwrites loses nothing
    /// of others, requests are conserved, and a snapshot goes on as the run does.
    #[test]
    fn crashes_at_any_event_break_no_change_made_once(
        seed in 0..1_000_u64,
        care in any_care(),
        (events, for_ms) in (1..2_000_u64, 1..300_u32),
        replicas in 0..3_u32,
        of_shop in any::<bool>(),
    ) {
        let rest = if replicas == 0 { String::new() } else {
            format!(r#","replication":{{"replicas":{replicas},"ship":{{"exponential":{{"mean_ms":5}}}},"failover_after_ms":20}}"#)
        };
        let text = scale_sim::write_json(&retried(seed, r#","once":true"#, &rest));
        let mut scenario = Scenario::from_json(&text.replace("atomic_update", care)).expect("valid");
        let component = if of_shop { "shop" } else { "bank" };
        scenario.faults.push(crash(component, events, f64::from(for_ms) / 1e3));
        let model = Arc::new(Model::new(&scenario, &Files::new()).expect("valid"));
        let mut engine = Engine::new(Arc::clone(&model), Auditor::new(&model));
        engine.run_until(Time::from_secs(0.7));
        let mut snapshot = engine.clone();
        prop_assert_eq!(snapshot.state_hash(), engine.state_hash());
        for run in [&mut engine, &mut snapshot] {
            run.run_until(model.horizon());
            let totals = run.totals();
            prop_assert_eq!(totals.sent, totals.completed + totals.lost + totals.under_way);
        }
        prop_assert_eq!(snapshot.state_hash(), engine.state_hash());
        let findings = engine.probe().findings();
        prop_assert_eq!(&findings, &snapshot.probe().findings());
        prop_assert_eq!(findings.invariants[0].violations, 0, "{:?}", findings.first);
        if care != "read_then_write" {
            prop_assert_eq!(findings.invariants[1].violations, 0, "{:?}", findings.first);
        }
    }
}
