//! Sagas and two-phase commit in the engine: whatever crashes, and whenever, all is done or all is taken back.
#![cfg(not(target_arch = "wasm32"))]
#![expect(
    clippy::float_cmp,
    reason = "counts are whole numbers, and of one branch the mean and the maximum are the same"
)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use scale_sim::{
    Auditor, Engine, Event, Files, Loss, Measure, Model, Outcome, Probe, RequestRef, Scenario,
    Stop, Time, WorkflowEvent, run,
};
use scale_tests::engine;

/// What became of sagas and transactions, and how often what happened on the way.
#[derive(Clone, Debug, Default)]
struct Ends {
    started: u32,
    finished: u32,
    compensated: u32,
    stuck: u32,
    repeated: u32,
    empty: u32,
    too_late: u32,
    orphaned: u32,
    recovered: u32,
    /// By transaction: how it was decided.
    decided: BTreeMap<u32, bool>,
    prepared: u32,
    /// By transaction and branch: how it ended.
    resolved: BTreeMap<(u32, u8), bool>,
    completed: u32,
    lost: u32,
}

impl Probe for Ends {
    fn event(&mut self, _: &Model, _: Time, _: RequestRef, event: &Event) {
        let event = match event {
            Event::Workflow(event) => event,
            Event::Completed { .. } => return self.completed += 1,
            Event::Lost { .. } => return self.lost += 1,
            _ => return,
        };
        match *event {
            WorkflowEvent::SagaStarted { .. } => self.started += 1,
            WorkflowEvent::SagaFinished { .. } => self.finished += 1,
            WorkflowEvent::SagaCompensated { .. } => self.compensated += 1,
            WorkflowEvent::SagaStuck { .. } => self.stuck += 1,
            WorkflowEvent::Repeated { .. } => self.repeated += 1,
            WorkflowEvent::UndoneEmpty { .. } => self.empty += 1,
            WorkflowEvent::TooLate { .. } => self.too_late += 1,
            WorkflowEvent::Orphaned { .. } => self.orphaned += 1,
            WorkflowEvent::Recovered { .. } => self.recovered += 1,
            WorkflowEvent::Prepared { .. } => self.prepared += 1,
            WorkflowEvent::Decided {
                transaction,
                commit,
                ..
            } => {
                let before = self.decided.insert(transaction, commit);
                assert!(before.is_none_or(|before| before == commit), "{event:?}");
            }
            WorkflowEvent::Resolved {
                transaction,
                branch,
                commit,
                ..
            } => {
                let before = self.resolved.insert((transaction, branch), commit);
                assert_eq!(before, None, "{event:?}");
            }
            _ => {}
        }
    }
}

/// The moments at which something happens.
#[derive(Clone, Debug, Default)]
struct Moments(std::collections::BTreeSet<Time>);

impl Probe for Moments {
    fn event(&mut self, _: &Model, now: Time, _: RequestRef, _: &Event) {
        self.0.insert(now);
    }
}

fn parsed(text: &str) -> Scenario {
    Scenario::from_json(text).unwrap_or_else(|problems| panic!("{problems:?} in {text}"))
}

/// A crash of a component, as faults have it.
fn crash(of: &str, at_s: f64, for_s: f64) -> String {
    let component = of.split('.').next().unwrap_or(of);
    let instance = of
        .split_once('.')
        .map_or(String::new(), |(_, n)| format!(r#","instance":{n}"#));
    format!(
        r#"{{"what":{{"crash":{{"component":"{component}"{instance}}}}},"at_s":{at_s},"for_s":{for_s}}}"#
    )
}

/// A service that does `plan`, with a queue whose consumer does `job`, and a database behind balancers.
fn behind(plan: &str, job: &str) -> Result<Scenario, String> {
    let text = format!(
        r#"{{"version":1,"horizon_s":1,"components":{{
            "u":{{"client":{{"operation":"x","target":"s","arrivals":{{"constant":{{"rate_per_s":1}}}}}}}},
            "s":{{"service":{{"workers":1,"plans":{{"*":[{plan}]}}}}}},
            "q":{{"queue":{{"to":"w"}}}},"w":{{"service":{{"workers":1,"plans":{{"*":[{job}]}}}}}},
            "both":{{"balancer":{{"policy":"round_robin","targets":["a","b"]}}}},
            "one":{{"balancer":{{"policy":"round_robin","targets":["a"]}}}},
            "a":{{"database":{{"connections":1,"queries":{{"*":{{"constant":{{"mean_ms":1}}}}}}}}}},
            "b":{{"database":{{"connections":1,"writes":["*"],"queries":{{"*":{{"constant":{{"mean_ms":1}}}}}},
                "outbox":{{"operations":["*"],"to":"q"}}}}}}}}}}"#
    );
    let all = |problems: Vec<scale_sim::Problem>| problems[0].to_string();
    Scenario::from_json(&text).map_err(all)
}

#[test]
fn a_branch_is_at_one_database_that_hears_how_it_was_decided() {
    let work = r#"{"work":{"constant":{"mean_ms":1}}}"#;
    let branch = |to: &str| format!(r#"{{"transaction":{{"branches":[{{"to":"{to}"}}]}}}}"#);
    assert!(behind(&branch("a"), work).is_ok() && behind(&branch("one"), work).is_ok());
    // The balancer could send the decision to the other, and what was prepared would stay in doubt for ever.
    let said = behind(&branch("both"), work).expect_err("must be refused");
    assert!(said.contains("'both' chooses anew each time"), "{said}");
    let said = behind(&branch("b"), work).expect_err("must be refused");
    assert!(said.contains("would leave a message for 'q'"), "{said}");
}

#[test]
fn what_comes_of_a_message_is_no_part_of_the_step_that_left_it() {
    let saga = |to: &str| format!(r#"{{"saga":{{"steps":[{{"do":{{"to":"{to}"}}}}]}}}}"#);
    assert!(behind(&saga("q"), &saga("a")).is_ok());
    let called = behind(&saga("w"), &saga("a")).expect_err("must be refused");
    assert!(
        called.contains("a step of a saga leads to another"),
        "{called}"
    );
}

/// Some orders in the first tenth of a second: stock, account, coupon and shipment, four steps. Accounts have money for two.
fn orders(seed: u64, refund: bool, faults: &str) -> Scenario {
    let step = |to: &str, does: &str, undo: Option<&str>| {
        let guard = r#""resilience":{"timeout_ms":12}"#;
        let undo = undo.map_or(String::new(), |undo| {
            format!(r#","undo":{{"to":"{to}","operation":"{undo}",{guard}}}"#)
        });
        format!(r#"{{"do":{{"to":"{to}","operation":"{does}",{guard}}}{undo}}}"#)
    };
    let steps = [
        step("stock", "reserve", Some("release")),
        step("payments", "charge", refund.then_some("refund")),
        step("stock", "coupon", Some("coupon-back")),
        step("stock", "ship", Some("return")),
    ]
    .join(",");
    let change = |table: &str, by: i32| {
        format!(r#"{{"change":{{"table":"{table}","by":{by},"care":"atomic_update"}}}}"#)
    };
    parsed(&format!(
        r#"{{"version":1,"seed":{seed},"horizon_s":60,"invariants":[{{"sagas_end":{{"within_ms":20000,"steps":[
            {{"database":"stock","operation":"reserve"}},{{"database":"accounts","operation":"charge"}},
            {{"database":"stock","operation":"coupon"}},{{"database":"stock","operation":"ship"}}]}}}}],"components":{{
            "u":{{"client":{{"operation":"order","target":"lb","keys":{{"uniform":{{"count":3}}}},
                "arrivals":{{"profile":{{"points":[[0,60],[0.1,60],[0.1001,0]]}}}}}}}},
            "lb":{{"balancer":{{"policy":"round_robin","targets":["orders"]}}}},
            "orders":{{"service":{{"instances":2,"workers":4,"plans":{{"*":[{{"saga":{{"steps":[{steps}],
                "log":{{"exponential":{{"mean_ms":1}}}},"recover_after_ms":300,
                "persist":{{"backoff":{{"exponential":{{"base_ms":50,"cap_ms":1000}}}},"retries":1000}}}}}}]}}}}}},
            "payments":{{"service":{{"workers":2,"plans":{{"*":[{{"work":{{"exponential":{{"mean_ms":5}}}}}},{{"call":{{"to":"accounts"}}}}]}}}}}},
            "accounts":{{"database":{{"connections":4,"tables":{{"accounts":{{"rows":3,"value":60}}}},
                "statements":{{"charge":{},"refund":{}}}}}}},
            "stock":{{"database":{{"connections":4,"costs":{{"commit":{{"exponential":{{"mean_ms":2}}}}}},
                "tables":{{"items":{{"rows":3,"value":100}},"coupons":{{"rows":3,"value":100}},"shipped":{{"rows":3}}}},
                "statements":{{"reserve":{},"release":{},"coupon":{},"coupon-back":{},"ship":{},"return":{}}}}}}}
        }},"faults":[{faults}]}}"#,
        change("accounts", -30),
        change("accounts", 30),
        change("items", -1),
        change("items", 1),
        change("coupons", -1),
        change("coupons", 1),
        change("shipped", 1),
        change("shipped", -1),
    ))
}

/// What the rows hold in all that an operation would change.
fn sum<P: Probe>(engine: &Engine<P>, of: &str, operation: &str, keys: u64) -> i64 {
    let component = engine
        .model()
        .component_named(of)
        .expect("there is that component");
    let value = |key| engine.row_value(component, operation, key);
    (0..keys)
        .map(|key| value(key).expect("the database keeps rows"))
        .sum()
}

/// Runs orders to the end; gives what became of them, and what is wrong with the rows, if anything is. The audit must say the
/// same: for each saga that is not whole, and only then.
fn ordered(scenario: &Scenario) -> (Ends, Option<String>) {
    let auditor = Auditor::new(&Model::new(scenario, &Files::new()).expect("it is valid"));
    let mut engine = engine(scenario, (Ends::default(), auditor));
    let horizon = engine.model().horizon();
    assert_eq!(engine.run_until(horizon), Stop::Reached);
    let left = engine.parts();
    assert_eq!(left, scale_sim::Parts::default(), "seed {}", scenario.seed);
    let sold = i64::from(engine.probe().0.finished);
    let found = [
        300 - sum(&engine, "stock", "reserve", 3),
        (180 - sum(&engine, "accounts", "charge", 3)) / 30,
        300 - sum(&engine, "stock", "coupon", 3),
        sum(&engine, "stock", "ship", 3),
    ];
    let right = found == [sold; 4];
    let wrong = (!right).then(|| format!("sold {sold}, but {found:?}"));
    let (ends, auditor) = engine.into_probe();
    let off: i64 = found.iter().map(|found| (found - sold).abs()).sum();
    assert_eq!(
        i64::try_from(auditor.total()),
        Ok(off),
        "seed {}: {:?}",
        scenario.seed,
        auditor.first()
    );
    assert_eq!(ends.started, ends.finished + ends.compensated, "{ends:?}");
    assert_eq!(ends.stuck, 0, "{ends:?}");
    (ends, wrong)
}

/// One or two crashes at moments that a seed draws, of what it draws; and the payments may be slow, so that calls come late.
fn drawn_faults(seed: u64) -> String {
    let mut draws = scale_sim::Key::root(seed).named("faults").draws();
    let mut faults = Vec::new();
    for _ in 0..=draws.below(2) {
        let of = ["orders.1", "orders.2", "payments", "accounts", "stock"];
        let of = of[draws.below(5) as usize];
        let at_s = 0.14 * draws.unit();
        faults.push(crash(of, at_s, 0.5 * draws.unit()));
    }
    if draws.below(2) == 0 {
        let slow = r#"{"what":{"slow":{"component":"payments","factor":4}},"at_s":0,"for_s":0.2}"#;
        faults.push(slow.to_owned());
    }
    faults.join(",")
}

#[test]
fn a_saga_of_four_steps_ends_finished_or_compensated_over_10_000_seeds() {
    let mut all = Ends::default();
    for seed in 0..10_000 {
        let (ends, wrong) = ordered(&orders(seed, true, &drawn_faults(seed)));
        assert_eq!(wrong, None, "seed {seed}");
        all.finished += ends.finished;
        all.compensated += ends.compensated;
        all.repeated += ends.repeated;
        all.empty += ends.empty;
        all.too_late += ends.too_late;
        all.orphaned += ends.orphaned;
        all.lost += ends.lost;
    }
    // All that can happen has happened often.
    for (what, count) in [
        ("finished", all.finished),
        ("compensated", all.compensated),
        ("repeated", all.repeated),
        ("empty compensations", all.empty),
        ("steps too late", all.too_late),
        ("orphans", all.orphaned),
    ] {
        assert!(count > 100, "only {count} {what}: {all:?}");
    }
    assert!(all.lost > all.compensated, "answers were lost: {all:?}");
}

#[test]
fn a_saga_that_lacks_a_compensation_is_caught() {
    let seeds = 0..200_u64;
    let wrong = { seeds.clone() }.filter(|seed| {
        let (_, wrong) = ordered(&orders(*seed, false, &drawn_faults(*seed)));
        wrong.is_some()
    });
    let wrong = wrong.count();
    // Whenever a step behind the payment fails, money is gone.
    assert!(wrong > 20, "only {wrong} of 200 seeds show it");
}

#[test]
fn a_crash_right_after_any_event_of_a_run_leaves_no_saga_half_done() {
    let seed = 5;
    let mut base = engine(&orders(seed, true, ""), Moments::default());
    let horizon = base.model().horizon();
    base.run_until(horizon);
    let moments = base.into_probe().0;
    assert!(moments.len() > 100, "{}", moments.len());
    let (mut orphaned, mut repeated) = (0, 0);
    for at in moments {
        for of in ["orders.1", "orders.2", "payments", "accounts", "stock"] {
            // A fault that was planned at the start comes first at its moment: a nanosecond later it comes after all.
            let at_s = (at.nanos() + 1) as f64 / 1e9;
            let (ends, wrong) = ordered(&orders(seed, true, &crash(of, at_s, 0.2)));
            assert_eq!(wrong, None, "{of} crashes at {at_s}");
            orphaned += ends.orphaned;
            repeated += ends.repeated;
        }
    }
    assert!(orphaned > 100 && repeated > 10, "{orphaned} {repeated}");
}

#[test]
fn an_orphan_is_taken_over_by_another_instance_when_its_time_has_come() {
    // One order; its instance crashes for good while the payment is under way.
    let faults =
        r#"{"what":{"slow":{"component":"payments","factor":1000}},"at_s":0,"for_s":0.19},"#
            .to_owned()
            + r#"{"what":{"crash":{"component":"orders","instance":1}},"at_s":0.1001}"#;
    let mut scenario = orders(3, true, &faults);
    if let Some(scale_sim::Component::Client(client)) = scenario.components.get_mut("u") {
        let text = r#"{"profile":{"points":[[0,0],[0.09,0],[0.09,400],[0.1,400],[0.1001,0]]}}"#;
        client.arrivals = scale_sim::read_json(text).expect("it is right");
    }
    let mut engine = engine(&scenario, Ends::default());
    engine.run_until(Time::from_secs(0.4));
    let before = engine.probe().clone();
    assert!(before.orphaned > 0 && before.recovered == 0, "{before:?}");
    assert!(
        before.lost >= before.orphaned,
        "their clients hear of the crash: {before:?}"
    );
    assert!(engine.parts().workflows > 0);
    engine.run_until(Time::from_secs(0.402));
    let after = engine.probe().clone();
    assert_eq!(after.recovered, before.orphaned, "{after:?}");
    let horizon = engine.model().horizon();
    engine.run_until(horizon);
    let end = engine.probe();
    assert_eq!(end.started, end.finished + end.compensated, "{end:?}");
    assert_eq!(engine.parts().workflows, 0);
}

#[test]
fn a_compensation_that_never_succeeds_needs_a_person() {
    let text = r#"{"version":1,"horizon_s":100,"components":{
        "u":{"client":{"operation":"x","target":"o","arrivals":{"closed":{"users":1,"think_time":{"constant":{"mean_ms":30000}}}}}},
        "o":{"service":{"workers":1,"plans":{"*":[{"saga":{"persist":{"retries":3,"backoff":{"fixed":{"wait_ms":1000}}},"steps":[
            {"do":{"to":"a"},"undo":{"to":"gone"}},{"do":{"to":"gone"}}]}}]}}},
        "a":{"service":{"workers":1,"plans":{"*":[{"work":{"constant":{"mean_ms":1}}}]}}},
        "gone":{"service":{"workers":1,"plans":{"*":[{"work":{"constant":{"mean_ms":1}}}]}}}},
        "faults":[{"what":{"crash":{"component":"gone"}},"at_s":0}]}"#;
    let outcome = run(&parsed(text), &Files::new()).expect("it is valid");
    // Each: four records of 1 ms, the step, and three waits of a second.
    let story = &outcome.stories.lost()[0];
    assert!((story.latency.millis() - 3_005.0).abs() < 1e-6, "{story:?}");
    assert_eq!(story.lost.map(|lost| lost.0), Some(Loss::Stuck));
    assert_eq!(measure(&outcome, "sagas_stuck", "o"), 3.0);
    assert_eq!(measure(&outcome, "sagas_finished", "o"), 0.0);
}

fn measure(outcome: &Outcome, metric: &str, of: &str) -> f64 {
    let text = format!(r#"{{"measure":"{metric}","of":"{of}"}}"#);
    let measure: Measure = scale_sim::read_json(&text).expect("it is a measure");
    outcome
        .value(&measure)
        .expect("there is something to measure")
}

/// Some transfers in the first tenth of a second, from accounts with money for two.
fn transfers(seed: u64, faults: &str) -> Scenario {
    parsed(&format!(
        r#"{{"version":1,"seed":{seed},"horizon_s":60,"components":{{
            "u":{{"client":{{"operation":"x","target":"lb","keys":{{"uniform":{{"count":3}}}},
                "arrivals":{{"profile":{{"points":[[0,60],[0.1,60],[0.1001,0]]}}}}}}}},
            "lb":{{"balancer":{{"policy":"round_robin","targets":["bank"]}}}},
            "bank":{{"service":{{"instances":2,"workers":4,"plans":{{"*":[{{"transaction":{{
                "branches":[{{"to":"east","operation":"take"}},{{"to":"west","operation":"give"}}],
                "log":{{"exponential":{{"mean_ms":1}}}},"timeout_ms":40,"recover_after_ms":300}}}}]}}}}}},
            "east":{{"database":{{"connections":4,"connect":{{"constant":{{"mean_ms":1}}}},"pool":{{"min":0,"max":3}},"costs":{{"commit":{{"exponential":{{"mean_ms":2}}}}}},
                "tables":{{"t":{{"rows":3,"value":20}}}},
                "statements":{{"take":{{"change":{{"table":"t","by":-10,"care":"atomic_update"}}}}}}}}}},
            "west":{{"database":{{"connections":4,"tables":{{"t":{{"rows":3}}}},
                "statements":{{"give":{{"change":{{"table":"t","by":10,"care":"select_for_update","think":{{"exponential":{{"mean_ms":3}}}}}}}}}}}}}}
        }},"links":[{{"from":"bank","to":"east","latency":{{"exponential":{{"mean_ms":1}}}}}}],"faults":[{faults}]}}"#
    ))
}

/// Runs transfers to the end: both sides have done it or neither, and nothing is left.
fn transferred(scenario: &Scenario) -> Ends {
    let mut engine = engine(scenario, Ends::default());
    let horizon = engine.model().horizon();
    assert_eq!(engine.run_until(horizon), Stop::Reached);
    let seed = scenario.seed;
    assert_eq!(engine.parts(), scale_sim::Parts::default(), "seed {seed}");
    for of in ["east", "west"] {
        let component = engine.model().component_named(of).expect("it is there");
        assert_eq!(engine.in_doubt(component), (0, 0), "seed {seed}");
    }
    let committed = { engine.probe().decided.values() }.filter(|commit| **commit);
    let moved: i64 = committed.map(|_| 10).sum();
    assert_eq!(sum(&engine, "east", "take", 3), 60 - moved, "seed {seed}");
    assert_eq!(sum(&engine, "west", "give", 3), moved, "seed {seed}");
    let ends = engine.into_probe();
    for ((transaction, _), commit) in &ends.resolved {
        assert_eq!(ends.decided[transaction], *commit, "seed {seed}: {ends:?}");
    }
    assert_eq!(ends.resolved.len() as u32, ends.prepared, "seed {seed}");
    ends
}

#[test]
fn a_transaction_is_committed_at_both_or_at_none_over_many_seeds() {
    let (mut committed, mut aborted, mut orphaned, mut late) = (0, 0, 0, 0);
    for seed in 0..3_000 {
        let mut draws = scale_sim::Key::root(seed).named("faults").draws();
        let mut faults = Vec::new();
        for _ in 0..draws.below(3) {
            let of = ["bank.1", "bank.2", "east", "west"][draws.below(4) as usize];
            faults.push(crash(of, 0.13 * draws.unit(), 0.5 * draws.unit()));
        }
        let ends = transferred(&transfers(seed, &faults.join(",")));
        let commits = ends.decided.values().filter(|commit| **commit).count();
        committed += commits;
        aborted += ends.decided.len() - commits;
        orphaned += ends.orphaned;
        late += ends.too_late;
    }
    assert!(
        committed > 1_000 && aborted > 1_000,
        "{committed} {aborted}"
    );
    assert!(orphaned > 100 && late > 0, "{orphaned} {late}");
}

#[test]
fn a_crash_right_after_any_event_of_a_run_leaves_no_transaction_half_done() {
    let seed = 2;
    let mut base = engine(&transfers(seed, ""), Moments::default());
    let horizon = base.model().horizon();
    base.run_until(horizon);
    let moments = base.into_probe().0;
    assert!(moments.len() > 50, "{}", moments.len());
    let mut orphaned = 0;
    for at in moments {
        for of in ["bank.1", "bank.2", "east", "west"] {
            let at_s = (at.nanos() + 1) as f64 / 1e9;
            orphaned += transferred(&transfers(seed, &crash(of, at_s, 0.2))).orphaned;
        }
    }
    assert!(orphaned > 20, "{orphaned}");
}

/// A transfer at 10.01 s, whose coordinator crashes before it has heard of the second branch; and another client of the row.
fn in_doubt(for_s: &str) -> Scenario {
    parsed(&format!(
        r#"{{"version":1,"horizon_s":20,"components":{{
            "u":{{"client":{{"operation":"x","target":"bank","arrivals":{{"closed":{{"users":1,"think_time":{{"constant":{{"mean_ms":10010}}}}}}}}}}}},
            "v":{{"client":{{"operation":"cash","target":"east","arrivals":{{"constant":{{"rate_per_s":1}}}}}}}},
            "bank":{{"service":{{"workers":1,"plans":{{"*":[{{"transaction":{{"branches":[{{"to":"east","operation":"take"}},{{"to":"west"}}],"recover_after_ms":3000}}}}]}}}}}},
            "east":{{"database":{{"connections":100,"tables":{{"t":{{"rows":1,"value":100}}}},"statements":{{
                "take":{{"change":{{"table":"t","by":-10,"care":"atomic_update"}}}},
                "cash":{{"change":{{"table":"t","by":-1,"care":"atomic_update"}}}}}}}}}},
            "west":{{"database":{{"connections":100,"tables":{{"t":{{"rows":1}}}},"statements":{{
                "*":{{"change":{{"table":"t","by":10,"care":"atomic_update"}}}}}}}}}}
        }},"links":[{{"from":"bank","to":"west","latency":{{"constant":{{"mean_ms":50}}}}}}],
        "faults":[{{"what":{{"crash":{{"component":"bank"}}}},"at_s":10.05{for_s}}}]}}"#
    ))
}

#[test]
fn locks_in_doubt_are_waited_for_until_the_coordinator_is_back() {
    let outcome = run(&in_doubt(r#","for_s":5"#), &Files::new()).expect("it is valid");
    // Cash is asked for each second: five times while in doubt, and the first of these waits longest.
    let east = { outcome.model.stations() }.position(|station| station.name == "east");
    let east = outcome.figures.stations[east.expect("it is there")].database;
    assert_eq!(east.lock_waits, 5, "{east:?}");
    // They waited from 11, 12, 13, 14 and 15 s to 15.05 s and what the abort takes; then each takes its turn of 1 ms and more.
    let waited = (15.05 * 5.0 - 65.0) / 5.0 * 1e3;
    assert!(
        (waited..waited + 5.0).contains(&east.lock_wait_ms),
        "{east:?}"
    );
    assert!(
        (5_030.0..5_050.0).contains(&east.in_doubt_max_ms),
        "{east:?}"
    );
    assert_eq!(
        measure(&outcome, "in_doubt_ms", "east"),
        east.in_doubt_max_ms
    );
}

#[test]
fn without_its_coordinator_a_branch_stays_in_doubt_for_good() {
    let mut engine = engine(&in_doubt(""), Ends::default());
    let horizon = engine.model().horizon();
    engine.run_until(horizon);
    let component = engine.model().component_named("east").expect("it is there");
    assert_eq!(engine.in_doubt(component), (1, 1));
    assert_eq!(sum(&engine, "east", "cash", 1), 90, "nobody gets the row");
    // West answers to nobody.
    assert_eq!(engine.probe().prepared, 2);
    assert_eq!(engine.probe().decided, BTreeMap::new());
}

#[test]
fn a_promise_outlives_a_crash_of_its_database() {
    // West is 50 ms away: it prepares at 10.061 s, crashes while in doubt, and is down when the decision comes first.
    let mut scenario = in_doubt("");
    let text = format!("[{}]", crash("west", 10.08, 0.5));
    scenario.faults = scale_sim::read_json(&text).expect("it is right");
    let mut engine = engine(&scenario, Ends::default());
    engine.run_until(Time::from_secs(11.0));
    let west = engine.model().component_named("west").expect("it is there");
    assert_eq!(engine.in_doubt(west), (1, 1));
    // The bank has its log: it is committed, and its client has heard so, although west has not.
    assert_eq!(engine.probe().decided.values().collect::<Vec<_>>(), [&true]);
    let horizon = engine.model().horizon();
    engine.run_until(horizon);
    assert_eq!(engine.in_doubt(west), (0, 0));
    assert_eq!(sum(&engine, "west", "x", 1), 10);
}

/// Sales of one row by many users over a wire, by a saga or by a transaction.
fn hot_row(plan: &str) -> Outcome {
    let change = |by| format!(r#"{{"change":{{"table":"t","by":{by},"care":"atomic_update"}}}}"#);
    let text = format!(
        r#"{{"version":1,"horizon_s":60,"warmup_s":5,"components":{{
            "u":{{"client":{{"operation":"x","target":"shop","arrivals":{{"closed":{{"users":30,"think_time":{{"constant":{{"mean_ms":1}}}}}}}}}}}},
            "shop":{{"service":{{"workers":30,"plans":{{"*":[{plan}]}}}}}},
            "a":{{"database":{{"connections":100,"tables":{{"t":{{"rows":1,"value":1000000000}}}},"statements":{{"do":{},"undo":{}}}}}}},
            "b":{{"database":{{"connections":100,"tables":{{"t":{{"rows":1,"value":1000000000}}}},"statements":{{"do":{},"undo":{}}}}}}}
        }},"links":[{{"from":"shop","to":"a","latency":{{"constant":{{"mean_ms":5}}}}}},{{"from":"shop","to":"b","latency":{{"constant":{{"mean_ms":5}}}}}}]}}"#,
        change(-1),
        change(1),
        change(-1),
        change(1),
    );
    run(&parsed(&text), &Files::new()).expect("it is valid")
}

#[test]
fn a_hot_row_is_held_across_the_wire_by_two_phase_commit_and_not_by_a_saga() {
    let per_s = |outcome: &Outcome| {
        let measure = r#"{"measure":"throughput_per_s"}"#;
        let measure: Measure = scale_sim::read_json(measure).expect("it is a measure");
        outcome.value(&measure).expect("there are some")
    };
    let saga = hot_row(
        r#"{"saga":{"steps":[{"do":{"to":"a","operation":"do"},"undo":{"to":"a","operation":"undo"}},{"do":{"to":"b","operation":"do"},"undo":{"to":"b","operation":"undo"}}]}}"#,
    );
    let transaction = hot_row(
        r#"{"transaction":{"branches":[{"to":"a","operation":"do"},{"to":"b","operation":"do"}],"timeout_ms":10000}}"#,
    );
    // Under a saga the row is locked while it is written and made durable: 14.08 µs and 1 ms.
    let written = 4.0 + 0.08 + 10.0;
    let expected = 1e6 / (written + 1_000.0);
    let found = per_s(&saga);
    assert!((found / expected - 1.0).abs() < 0.01, "{found} {expected}");
    // Two-phase commit keeps it for the way back, the record of the decision, the way there, and a commit with its statement.
    let expected = 1e6 / (written + 1_000.0 + 5_000.0 + 1_000.0 + 5_000.0 + 150.0 + 1_000.0);
    let found = per_s(&transaction);
    assert!((found / expected - 1.0).abs() < 0.01, "{found} {expected}");
}

#[test]
fn a_run_goes_on_alike_from_a_snapshot_with_orphans_and_promises() {
    for scenario in [
        orders(
            1,
            true,
            &(crash("orders.1", 0.05, 1.0) + "," + &crash("stock", 0.08, 0.05)),
        ),
        transfers(
            1,
            &(crash("bank.1", 0.05, 1.0) + "," + &crash("west", 0.08, 0.05)),
        ),
    ] {
        let mut engine = engine(&scenario, Ends::default());
        let mut seen = 0;
        for ms in 1..200 {
            engine.run_until(Time::from_secs(f64::from(ms) / 1e3));
            seen = seen.max(engine.parts().workflows);
            let mut copy = engine.clone();
            assert_eq!(copy.state_hash(), engine.state_hash());
            let later = Time::from_secs(f64::from(ms) / 1e3 + 0.3);
            copy.run_until(later);
            let mut again = engine.clone();
            again
                .reconfigure(&scenario, &Files::new())
                .expect("it is the same");
            again.run_until(later);
            assert_eq!(copy.state_hash(), again.state_hash(), "at {ms} ms");
        }
        assert!(seen > 2, "{seen}");
    }
}

#[test]
fn a_plan_can_stop_where_a_call_has_failed() {
    let text = r#"{"version":1,"horizon_s":10,"components":{
        "u":{"client":{"operation":"x","target":"pay","keys":{"uniform":{"count":1}},"arrivals":{"closed":{"users":1,"think_time":{"constant":{"mean_ms":100}}}}}},
        "pay":{"service":{"workers":1,"plans":{"*":[
            {"call":{"to":"accounts","fallback":[{"call":{"to":"failed"}},"end"]}},{"call":{"to":"paid"}}],
            "no":["fail"]}}},
        "accounts":{"database":{"connections":1,"tables":{"t":{"rows":1,"value":90}},
            "statements":{"*":{"change":{"table":"t","by":-30,"care":"atomic_update","or_fail":true}}}}},
        "failed":{"service":{"workers":1,"plans":{"*":[{"work":{"constant":{"mean_ms":1}}}]}}},
        "paid":{"service":{"workers":1,"plans":{"*":[{"work":{"constant":{"mean_ms":1}}}]}}}}}"#;
    let outcome = run(&parsed(text), &Files::new()).expect("it is valid");
    assert_eq!(measure(&outcome, "completed", "paid"), 3.0);
    let failed = measure(&outcome, "completed", "failed");
    assert_eq!(outcome.figures.completed as f64, 3.0 + failed);
    assert!(failed > 50.0, "{failed}");
    let fails = text.replace(
        r#""operation":"x","target":"pay""#,
        r#""operation":"no","target":"pay""#,
    );
    let outcome = run(&parsed(&fails), &Files::new()).expect("it is valid");
    let losses = &outcome.figures.losses;
    assert_eq!(losses.len(), 1);
    assert_eq!(Loss::ALL[usize::from(losses[0].reason)], Loss::Failed);
    assert_eq!(outcome.figures.completed, 0);
}

#[test]
fn what_a_saga_or_a_transaction_cannot_be_is_said_with_its_place() {
    let refused = |plan: &str| {
        let text = format!(
            r#"{{"version":1,"horizon_s":1,"components":{{
                "u":{{"client":{{"operation":"x","target":"s","arrivals":{{"constant":{{"rate_per_s":1}}}}}}}},
                "s":{{"service":{{"workers":1,"plans":{{"*":[{plan}]}}}}}},
                "t":{{"service":{{"workers":1,"plans":{{"*":[{{"saga":{{"steps":[{{"do":{{"to":"db"}}}}]}}}}]}}}}}},
                "replicated":{{"database":{{"connections":1,"queries":{{"*":{{"constant":{{"mean_ms":1}}}}}},"replication":{{"replicas":1}}}}}},
                "db":{{"database":{{"connections":1,"queries":{{"*":{{"constant":{{"mean_ms":1}}}}}}}}}}}}}}"#
        );
        let problems = Scenario::from_json(&text).expect_err("it must be refused");
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        lines.join("\n")
    };
    let place = "components.s.service.plans.*.[0]";
    for (plan, expected) in [
        (
            r#"{"saga":{"steps":[]}}"#,
            "saga.steps: 0 is out of range: 1 to 100 is allowed",
        ),
        (
            r#"{"saga":{"steps":[{"do":{"to":"db","asynchronous":true},"undo":{"to":"db","times":2}}],"recover_after_ms":0}}"#,
            "saga.recover_after_ms: 0 is out of range",
        ),
        (
            r#"{"saga":{"steps":[{"do":{"to":"db","times":2}}]}}"#,
            "do.times: it is made once",
        ),
        (
            r#"{"saga":{"steps":[{"do":{"to":"t"}}]}}"#,
            "leads to another saga or transaction",
        ),
        (
            r#"{"transaction":{"branches":[{"to":"db","resilience":{"hedge":{"after_ms":1}}}]}}"#,
            "branches.[0].resilience: a branch prepares once",
        ),
        (
            r#"{"transaction":{"branches":[{"to":"t"}]}}"#,
            "'t' is a service: a branch",
        ),
        (
            r#"{"transaction":{"branches":[{"to":"replicated"}]}}"#,
            "'replicated' has replicas",
        ),
        (
            r#"{"transaction":{"branches":[{"to":"db"}],"protocol":"none"}}"#,
            "two_phase_commit",
        ),
    ] {
        let said = refused(plan);
        assert!(
            said.replace("plans.*[", "plans.*.[")
                .contains(expected.trim_start_matches(place))
                || said.replace('[', ".[").contains(expected),
            "{expected} is not in\n{said}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever the settings: every request ends, every saga ends, and what is sold is paid for.
    #[test]
    fn nothing_is_left_half_done_under_any_settings(
        seed in 0..1_000_000_u64,
        log_us in 0..3_000_u32,
        recover_after_ms in 1..2_000_u32,
        workers in 1..6_u32,
        timeout_ms in 1..50_u32,
        loss in 0..30_u32,
        retriable in any::<bool>(),
        transaction in any::<bool>(),
    ) {
        let faults = if transaction { String::new() } else { drawn_faults(seed) };
        let mut text = if transaction {
            scale_sim::write_json(&transfers(seed, &crash("bank.1", f64::from(loss) / 300.0, 0.3)))
        } else {
            scale_sim::write_json(&orders(seed, true, &faults))
        };
        let (log, recover) = (f64::from(log_us) / 1e3, recover_after_ms);
        for (from, to) in [
            (r#""log": {"exponential": {"mean_ms": 1}}"#, format!(r#""log": {{"exponential": {{"mean_ms": {log}}}}}"#)),
            (r#""recover_after_ms": 300"#, format!(r#""recover_after_ms": {recover}"#)),
            (r#""timeout_ms": 12"#, format!(r#""timeout_ms": {timeout_ms}"#)),
            (r#""timeout_ms": 40"#, format!(r#""timeout_ms": {timeout_ms}"#)),
            (r#""workers": 4"#, format!(r#""workers": {workers}"#)),
        ] {
            text = text.replace(from, &to).replace(&from.replace(": ", ":"), &to);
        }
        let mut scenario = parsed(&text);
        if retriable && !transaction && let Some(scale_sim::Component::Service(orders)) = scenario.components.get_mut("orders") {
            for plan in orders.plans.values_mut() {
                for instruction in plan {
                    if let scale_sim::Instruction::Saga(saga) = instruction {
                        saga.steps[3].retriable = true;
                    }
                }
            }
        }
        if transaction {
            transferred(&scenario);
        } else {
            let (_, wrong) = ordered(&scenario);
            prop_assert_eq!(wrong, None);
        }
    }
}
