//! What the audit says of sagas, orchestrated and choreographed: it judges by what the databases hold.
#![cfg(not(target_arch = "wasm32"))]

use scale_sim::{Files, Outcome, Scenario, run};

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
