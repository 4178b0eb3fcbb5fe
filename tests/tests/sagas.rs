//! What the audit says of sagas, orchestrated and choreographed: it judges by what the databases hold.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeSet;

use scale_sim::{
    Auditor, Event, Files, MessageEvent, Model, Outcome, Probe, RequestRef, RowEvent, Scenario,
    Stop, Time, run,
};
use scale_tests::engine;

fn parsed(text: &str) -> Scenario {
    Scenario::from_json(text).unwrap_or_else(|problems| panic!("{problems:?} in {text}"))
}

/// One saga of two steps a second, in databases `a` and `b`, with `faults`.
fn two_steps(saga: &str, of_b: &str, faults: &str) -> Outcome {
    let change = |by| format!(r#"{{"change":{{"table":"t","by":{by},"care":"atomic_update"}}}}"#);
    let statements = format!(r#"{{"do":{},"undo":{}}}"#, change(-1), change(1));
    let database = format!(
        r#""connections":9,"tables":{{"t":{{"rows":1,"value":1000}}}},"statements":{statements}"#
    );
    let text = format!(
        r#"{{"version":1,"horizon_s":30,"invariants":[{{"sagas_end":{{"within_ms":5000,"steps":[
                {{"database":"a","operation":"do"}},{{"database":"b","operation":"do"}}]}}}}],"components":{{
            "u":{{"client":{{"operation":"x","target":"s","arrivals":{{"profile":{{"points":[[0,1],[5,1],[5.001,0]]}}}}}}}},
            "s":{{"service":{{"workers":9,"plans":{{"*":[{{"saga":{{"steps":[
                {{"do":{{"to":"a","operation":"do"}},"undo":{{"to":"a","operation":"undo"}}}},
                {{"do":{{"to":"b","operation":"do"}},"undo":{{"to":"b","operation":"undo"}}}}]{saga}}}}}]}}}}}},
            "a":{{"database":{{{database}}}}},"b":{{"database":{{{database}{of_b}}}}}}},"faults":[{faults}]}}"#
    );
    run(&parsed(&text), &Files::new()).expect("it is valid")
}

/// How many violations there were, and the first in words.
fn said(outcome: &Outcome) -> (u64, &str) {
    let first = outcome.findings.first.first();
    let violations = outcome.findings.invariants[0].violations;
    (violations, first.map_or("", |first| &first.sentence))
}

#[test]
fn a_saga_that_nobody_takes_over_is_noticed_though_nothing_happens_any_more() {
    // The second step takes 1.2 s, and the only instance is gone for good.
    let slow = r#"{"what":{"slow":{"component":"b","factor":1000}},"at_s":0},"#;
    let crash = r#"{"what":{"crash":{"component":"s"}},"at_s":2.5}"#;
    let outcome = two_steps("", "", &format!("{slow}{crash}"));
    let (count, first) = said(&outcome);
    assert!(count > 0, "nobody had one under way");
    let expected = "has not come to an end for 5000.0 ms, and nobody runs it: -1 of -1 in a.t, -1 of -1 in b.t";
    assert!(first.ends_with(expected), "{first}");
    // At the moment when its time is over, though nothing happens then.
    let first = &outcome.findings.first;
    assert!(first.is_sorted_by_key(|violation| violation.at));
    let until = first[0].at.secs();
    assert!((5.0..7.6).contains(&until), "{until}");
    // Somebody is there again in time.
    let back = crash.replace("2.5}", "2.5,\"for_s\":1}");
    let outcome = two_steps("", "", &format!("{slow}{back}"));
    assert_eq!(said(&outcome), (0, ""));
}

#[test]
fn a_saga_that_needs_a_person_is_noticed_at_once() {
    let gone = r#"{"what":{"crash":{"component":"b"}},"at_s":0}"#;
    let persist = r#","persist":{"retries":2,"backoff":{"fixed":{"wait_ms":10}}}"#;
    let outcome = two_steps(persist, "", gone);
    let (count, first) = said(&outcome);
    assert_eq!(count, outcome.totals.sent);
    let expected = "the saga of request 0 can't go on at its step 2: a person must see to it";
    assert_eq!(first, expected);
}

#[test]
fn a_failover_that_undoes_a_step_leaves_half_a_saga() {
    let replicas = |ship_ms: u32| {
        format!(
            r#","replication":{{"replicas":1,"failover_after_ms":100,"ship":{{"constant":{{"mean_ms":{ship_ms}}}}}}}"#
        )
    };
    let crash = r#"{"what":{"crash":{"component":"b","instance":1}},"at_s":7,"for_s":1}"#;
    // All that was done long ago is undone by replicas that are an hour behind; not by one that is up to date.
    let outcome = two_steps("", &replicas(3_600_000), crash);
    let (count, first) = said(&outcome);
    assert_eq!(count, outcome.totals.completed);
    assert!(count > 1, "{count}");
    let expected =
        "the failover undid a part of the saga of request 0: 0 of -1 in a.t, -1 of -1 in b.t";
    assert_eq!(first, expected);
    let outcome = two_steps("", &replicas(10), crash);
    assert_eq!(said(&outcome), (0, ""));
}

/// What happened in runs of the choreographed saga.
#[derive(Clone, Debug, Default)]
struct Seen {
    placed: i64,
    messages: u32,
    delivered_again: u32,
    repeated: u32,
    undone_empty: u32,
    moments: BTreeSet<Time>,
}

impl Probe for Seen {
    fn event(&mut self, model: &Model, now: Time, _: RequestRef, event: &Event) {
        self.moments.insert(now);
        let Event::Message(event) = event else {
            match event {
                Event::Row(RowEvent::Repeated { .. }) => self.repeated += 1,
                Event::Row(RowEvent::UndoneEmpty { .. }) => self.undone_empty += 1,
                _ => {}
            }
            return;
        };
        match *event {
            MessageEvent::Published { station, .. } => {
                let at = model.stations().nth(station as usize).expect("it is there");
                self.placed += i64::from(at.name == "placed");
                self.messages += 1;
            }
            MessageEvent::Delivered { delivery, .. } => {
                self.delivered_again += u32::from(delivery > 1);
            }
            _ => {}
        }
    }
}

const CHOREOGRAPHED: &str = include_str!("../scenarios/saga-choreographed.json");

/// Some orders in the first tenth of a second, of three buyers with money for two each.
fn orders(text: &str, seed: u64, faults: &str) -> Scenario {
    let mut text = text.to_owned();
    for (from, to) in [
        (r#""count": 20"#, r#""count": 3"#),
        (r#""rows": 20, "value": 300"#, r#""rows": 3, "value": 60"#),
        (
            r#""poisson": { "rate_per_s": 10 }"#,
            r#""profile": {"points": [[0,60],[0.1,60],[0.1001,0]]}"#,
        ),
    ] {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let mut scenario = parsed(&text);
    scenario.seed = seed;
    scenario.faults = scale_sim::read_json(&format!("[{faults}]")).expect("they are right");
    scenario
}

/// Runs orders to the end. Gives what was seen, how many orders were done in full, whether each is done in full or not at all,
/// and what the audit says.
fn choreographed(scenario: &Scenario) -> (Seen, i64, bool, Vec<String>) {
    let auditor = Auditor::new(&Model::new(scenario, &Files::new()).expect("it is valid"));
    let mut engine = engine(scenario, (Seen::default(), auditor));
    let horizon = engine.model().horizon();
    assert_eq!(engine.run_until(horizon), Stop::Reached);
    let seed = scenario.seed;
    assert_eq!(engine.parts(), scale_sim::Parts::default(), "seed {seed}");
    let sum = |of: &str, operation: &str| -> i64 {
        let component = engine.model().component_named(of).expect("it is there");
        let row = |key| engine.row_value(component, operation, key).expect("a row");
        (0..3).map(row).sum()
    };
    let sold = sum("parcels", "ship");
    let whole = 3_000 - sum("stock", "reserve") == sold
        && 180 - sum("accounts", "charge") == 30 * sold
        && 3_000 - sum("stock", "redeem") == sold;
    let (watch, auditor) = engine.into_probe();
    let said = auditor.first().iter().map(|v| v.sentence.clone());
    (watch, sold, whole, said.collect())
}

const WHO: [&str; 12] = [
    "inventory",
    "payments",
    "coupons",
    "shipping",
    "stock",
    "accounts",
    "parcels",
    "placed",
    "reserved",
    "paid",
    "redeemed",
    "failed",
];

fn crash(of: &str, at_s: f64, for_s: f64) -> String {
    format!(r#"{{"what":{{"crash":{{"component":"{of}"}}}},"at_s":{at_s},"for_s":{for_s}}}"#)
}

/// One to three crashes, and sometimes a slow or failing database.
fn drawn_faults(seed: u64) -> String {
    let mut draws = scale_sim::Key::root(seed).named("faults").draws();
    let mut faults = Vec::new();
    for _ in 0..=draws.below(3) {
        let of = WHO[draws.below(12) as usize];
        faults.push(crash(of, 0.15 * draws.unit(), 0.5 * draws.unit()));
    }
    let of = WHO[4 + draws.below(3) as usize];
    match draws.below(3) {
        0 => faults.push(format!(
            r#"{{"what":{{"slow":{{"component":"{of}","factor":200}}}},"at_s":0,"for_s":0.2}}"#
        )),
        1 => faults.push(format!(
            r#"{{"what":{{"errors":{{"component":"{of}","share":0.3}}}},"at_s":0,"for_s":0.2}}"#
        )),
        _ => {}
    }
    faults.join(",")
}

#[test]
fn a_choreographed_saga_is_done_in_full_or_not_at_all_over_10_000_seeds() {
    let mut all = Seen::default();
    let (mut done, mut undone) = (0, 0);
    for seed in 0..10_000 {
        let scenario = orders(CHOREOGRAPHED, seed, &drawn_faults(seed));
        let (watch, sold, whole, said) = choreographed(&scenario);
        assert!(whole && said.is_empty(), "seed {seed}: {said:?}");
        done += sold;
        undone += watch.placed - sold;
        all.delivered_again += watch.delivered_again;
        all.repeated += watch.repeated;
        all.undone_empty += watch.undone_empty;
    }
    for (what, count) in [
        ("orders in full", done),
        ("orders undone", undone),
        ("second deliveries", i64::from(all.delivered_again)),
        ("repeated changes", i64::from(all.repeated)),
        (
            "compensations before their step",
            i64::from(all.undone_empty),
        ),
    ] {
        assert!(count > 1_000, "only {count} {what}");
    }
}

#[test]
fn a_crash_right_after_any_event_leaves_no_choreographed_saga_half_done() {
    let seed = 4;
    let (base, sold, ..) = choreographed(&orders(CHOREOGRAPHED, seed, ""));
    assert!(sold > 2 && base.placed > sold, "{sold} of {}", base.placed);
    assert!(base.moments.len() > 50, "{}", base.moments.len());
    let mut delivered_again = 0;
    for at in &base.moments {
        for of in WHO {
            // A fault that was planned at the start comes first at its moment: a nanosecond later it comes after all.
            let at_s = (at.nanos() + 1) as f64 / 1e9;
            let scenario = orders(CHOREOGRAPHED, seed, &crash(of, at_s, 0.2));
            let (watch, _, whole, said) = choreographed(&scenario);
            assert!(whole && said.is_empty(), "{of} crashes at {at_s}: {said:?}");
            delivered_again += watch.delivered_again;
        }
    }
    assert!(delivered_again > 100, "{delivered_again}");
}

/// How many of some seeds show something wrong; the audit must say so of each, and of no other. Gives what it says, too.
fn caught(text: &str) -> (u32, String) {
    let (mut wrong, mut all) = (0, String::new());
    for seed in 0..200 {
        let (_, _, whole, said) = choreographed(&orders(text, seed, &drawn_faults(seed)));
        assert!(whole || !said.is_empty(), "seed {seed}");
        wrong += u32::from(!said.is_empty());
        all += &said.join("\n");
    }
    (wrong, all)
}

fn without(from: &str, to: &str) -> String {
    assert!(CHOREOGRAPHED.contains(from), "{from}");
    CHOREOGRAPHED.replace(from, to)
}

#[test]
fn a_compensation_that_is_left_out_or_comes_before_its_step_is_caught() {
    // Nobody gives the money back.
    let refund =
        r#""refund": [{ "call": { "to": "accounts", "resilience": { "timeout_ms": 100 } } }]"#;
    let (wrong, said) = caught(&without(refund, r#""refund": ["end"]"#));
    assert!(wrong > 20, "{wrong}");
    assert!(
        said.contains("is done in part") && said.contains("-30 of -30 in accounts.accounts"),
        "{said}"
    );
    // Compensations that do not ask whether their step was made.
    for undone in ["reserve", "charge", "redeem", "ship"] {
        let undoes = format!(r#""undoes": "{undone}""#);
        let (wrong, said) = caught(&without(&undoes, r#""once": true"#));
        assert!(wrong > 0, "{undone}");
        if undone != "reserve" {
            assert!(said.contains("took back"), "{undone}: {said}");
        }
    }
    // Steps that are done again with each delivery.
    let (wrong, said) = caught(
        &without(
            r#""by": -30, "care": "atomic_update", "once": true"#,
            r#""by": -30, "care": "atomic_update""#,
        )
        .replace(r#""undoes": "charge""#, r#""once": true"#),
    );
    assert!(wrong > 20 && said.contains("-60 of -30"), "{wrong}: {said}");
}

#[test]
fn with_and_without_an_orchestrator_the_same_orders_are_done() {
    let orchestrated = include_str!("../scenarios/saga-compensated.json");
    let mut ends = Vec::new();
    for (text, own) in [(orchestrated, "orders"), (CHOREOGRAPHED, "placed")] {
        let mut scenario = parsed(text);
        scenario.faults.clear();
        scenario.horizon_s = 60.0;
        let scenario = scale_sim::write_json(&scenario);
        // Three orders for each of twenty buyers can be paid; some 200 come in the first twenty seconds.
        let scenario = scenario.replace(r#""value": 300"#, r#""value": 90"#);
        let mut scenario = parsed(&scenario);
        let Some(scale_sim::Component::Client(buyers)) = scenario.components.get_mut("buyers")
        else {
            panic!("there are buyers")
        };
        let arrivals = r#"{"profile":{"points":[[0,10],[20,10],[20.001,0]]}}"#;
        buyers.arrivals = scale_sim::read_json(arrivals).expect("it is right");
        let mut engine = engine(&scenario, (Seen::default(), scale_sim::Log::default()));
        engine.run_until(Time::from_secs(60.0));
        assert_eq!(engine.parts(), scale_sim::Parts::default());
        let row = |of: &str, operation: &str| -> Vec<i64> {
            let component = engine.model().component_named(of).expect("it is there");
            let row = |key| engine.row_value(component, operation, key).expect("a row");
            (0..20).map(row).collect()
        };
        let rows = [
            row("stock", "reserve"),
            row("accounts", "charge"),
            row("stock", "redeem"),
            row("parcels", "ship"),
        ];
        let messages = engine.probe().0.messages;
        let log = engine.probe_mut().1.take();
        let started = log
            .lines()
            .filter(|line| line.contains(",saga_started,"))
            .count();
        assert!(log.contains(&format!(",{own}")));
        ends.push((rows, messages, started, engine.totals().sent));
    }
    let [
        (orchestrated, none, sagas, sent),
        (choreographed, messages, no_sagas, placed),
    ] = &ends[..]
    else {
        panic!("there are two")
    };
    assert_eq!(orchestrated, choreographed);
    assert!(
        orchestrated[3].iter().sum::<i64>() >= 50,
        "{orchestrated:?}"
    );
    assert_eq!((sent, *sagas as u64), (placed, *sent));
    // Nobody runs them; each step tells the next.
    assert_eq!((*none, *no_sagas), (0, 0));
    assert!(u64::from(*messages) > 3 * placed, "{messages} for {placed}");
}

/// One request a second that asks a database for these operations, one after the other, and goes on when one fails. Gives what
/// the row holds in the end, and the event log.
fn asked(operations: &[&str]) -> (i64, String) {
    let call = |operation: &&str| {
        format!(
            r#"{{"call":{{"to":"db","operation":"{operation}","fallback":[{{"work":{{"constant":{{"mean_ms":1}}}}}}]}}}}"#
        )
    };
    let plan: Vec<String> = operations.iter().map(call).collect();
    let text = format!(
        r#"{{"version":1,"horizon_s":10,"components":{{
            "u":{{"client":{{"operation":"x","target":"s","arrivals":{{"profile":{{"points":[[0,1],[1.5,1],[1.501,0]]}}}}}}}},
            "s":{{"service":{{"workers":1,"plans":{{"*":[{}]}}}}}},
            "db":{{"database":{{"connections":9,"tables":{{"t":{{"rows":1,"value":100}}}},"statements":{{
                "do":{{"change":{{"table":"t","by":-1,"care":"atomic_update","once":true}}}},
                "undo":{{"change":{{"table":"t","by":1,"care":"select_for_update","undoes":"do"}}}}}}}}}}}}}}"#,
        plan.join(",")
    );
    let scenario = parsed(&text);
    let mut engine = engine(&scenario, scale_sim::Log::default());
    engine.run_until(Time::from_secs(10.0));
    assert_eq!(engine.totals().lost, 0);
    let db = engine.model().component_named("db").expect("it is there");
    let row = engine.row_value(db, "do", 0).expect("a row");
    (row, engine.probe_mut().take())
}

#[test]
fn a_change_is_taken_back_once_if_it_was_made_and_refused_when_it_comes_after_that() {
    let count = |log: &str, event: &str| log.lines().filter(|line| line.contains(event)).count();
    let (done, log) = asked(&["do"]);
    let requests = count(&log, ",changed,");
    assert!(requests > 0);
    assert_eq!(i64::try_from(requests), Ok(100 - done));
    for (operations, changed, repeated, empty, refused) in [
        (&["do", "undo"][..], 2, 0, 0, 0),
        (&["do", "undo", "undo"], 2, 1, 0, 0),
        (&["do", "undo", "do"], 2, 0, 0, 1),
        (&["undo", "do"], 0, 0, 1, 1),
        (&["undo", "undo", "do", "do"], 0, 1, 1, 2),
        (&["do", "do", "undo"], 2, 1, 0, 0),
    ] {
        let (row, log) = asked(operations);
        assert_eq!(row, 100, "{operations:?}");
        let found =
            [",changed,", ",repeated,", ",undone_empty,", "too_late"].map(|e| count(&log, e));
        let expected = [changed, repeated, empty, refused].map(|each| each * requests);
        assert_eq!(found, expected, "{operations:?}:\n{log}");
    }
}

#[test]
fn only_what_is_made_once_can_be_taken_back() {
    let refused = |statements: &str| {
        let text = format!(
            r#"{{"version":1,"horizon_s":1,"components":{{
                "u":{{"client":{{"operation":"do","target":"db","arrivals":{{"constant":{{"rate_per_s":1}}}}}}}},
                "db":{{"database":{{"connections":1,"tables":{{"t":{{"rows":1}},"other":{{"rows":1}}}},"statements":{{{statements}}}}}}}}}}}"#
        );
        Scenario::from_json(&text)
            .map_or_else(|problems| problems[0].to_string(), |_| String::new())
    };
    let change = |name: &str, table: &str, more: &str| {
        format!(
            r#""{name}":{{"change":{{"table":"{table}","by":1,"care":"atomic_update"{more}}}}}"#
        )
    };
    let undo = change("undo", "t", r#","undoes":"do""#);
    let right = change("do", "t", r#","once":true"#) + "," + &undo;
    assert_eq!(refused(&right), "");
    for wrong in [
        change("do", "t", ""),
        change("do", "other", r#","once":true"#),
        r#""do":{"read":{"table":"t"}}"#.to_owned(),
    ] {
        let said = refused(&(wrong + "," + &undo));
        let expected = "components.db.database.statements.undo.change.undoes: there is no change 'do' of its table that is made";
        assert!(said.starts_with(expected), "{said}");
    }
}
