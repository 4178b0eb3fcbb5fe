//! Databases in the engine: what was recorded of real ones comes out of whole runs, and what must hold holds in any.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeMap;

use proptest::prelude::*;
use scale_sim::{
    Condition, DatabaseFigures, Doing, Duration, Engine, Event, Files, Loss, Measure, Model,
    NoProbe, Outcome, Probe, RequestRef, Scenario, Time, run,
};
use scale_tests::{engine, oracle, scenario};

/// Runs components with a fault or two, and links.
fn outcome(horizon_s: f64, components: &str, rest: &str) -> Outcome {
    run(&whole(3, horizon_s, components, rest), &Files::new()).expect("it is valid")
}

fn whole(seed: u64, horizon_s: f64, components: &str, rest: &str) -> Scenario {
    let text = format!(
        r#"{{"version":1,"seed":{seed},"horizon_s":{horizon_s},"components":{{{components}}}{rest}}}"#
    );
    Scenario::from_json(&text).unwrap_or_else(|problems| panic!("{problems:?} in {text}"))
}

fn sample(name: &str) -> Outcome {
    let path = format!("{}/scenarios/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("it is there");
    let scenario = Scenario::from_json(&text).expect("it is valid");
    run(&scenario, &Files::new()).expect("it is valid")
}

fn measure(outcome: &Outcome, metric: &str, of: &str) -> f64 {
    let text = format!(r#"{{"measure":"{metric}","of":"{of}"}}"#);
    let measure: Measure = scale_sim::read_json(&text).expect("it is a measure");
    outcome
        .value(&measure)
        .expect("there is something to measure")
}

fn node(outcome: &Outcome, name: &str) -> DatabaseFigures {
    let at = { outcome.model.stations() }.position(|station| station.name == name);
    outcome.figures.stations[at.expect("there is that node")].database
}

fn lost(outcome: &Outcome, reason: Loss) -> u64 {
    let losses = outcome.figures.losses.iter();
    losses
        .filter(|l| Loss::ALL[usize::from(l.reason)] == reason)
        .map(|l| l.count)
        .sum()
}

/// A client that sends so many requests of an operation, one after the other.
fn one_user(operation: &str, target: &str, think_ms: f64) -> String {
    format!(
        r#""u":{{"client":{{"operation":"{operation}","target":"{target}","arrivals":{{"closed":{{"users":1,
            "think_time":{{"constant":{{"mean_ms":{think_ms}}}}}}}}}}}}}"#
    )
}

#[test]
fn n_plus_one_makes_as_many_queries_as_were_recorded_and_takes_as_long() {
    let table = oracle("db/n_plus_1.csv");
    for row in table.rows() {
        let (n, method): (u64, &str) = (row.number("parents_N"), row.get("method"));
        let plan = match method {
            "n_plus_1" => format!(
                r#"{{"call":{{"to":"db","operation":"parents"}}}},{{"call":{{"to":"db","operation":"child","times":{n}}}}}"#
            ),
            "batch_in" => r#"{"call":{"to":"db","operation":"parents"}},{"call":{"to":"db","operation":"children"}}"#.to_owned(),
            "join" => r#"{"call":{"to":"db","operation":"both"}}"#.to_owned(),
            other => panic!("no method {other}"),
        };
        let components = format!(
            r#"{},"app":{{"service":{{"workers":1,"plans":{{"*":[{plan}]}}}}}},
               "db":{{"database":{{"connections":1,"tables":{{"t":{{"rows":1000000,"row_bytes":109}}}},"statements":{{
                   "parents":{{"find":{{"table":"t","indexed":true,"rows":{n}}}}},
                   "child":{{"find":{{"table":"t","indexed":true}}}},
                   "children":{{"batch":{{"table":"t","keys":{n}}}}},
                   "both":{{"join":{{"table":"t","rows":{n},"with":"t"}}}}}}}}}}"#,
            one_user("page", "app", 1000.0)
        );
        let outcome = outcome(10.5, &components, "");
        let pages = outcome.totals.completed;
        assert!(pages >= 8, "{pages}");
        let queries = outcome.figures.stations[1].left;
        assert_eq!(
            queries / pages,
            row.number::<u64>("queries"),
            "{method} {n}"
        );
        let ms = outcome.figures.latency.expect("there were answers").mean_ms;
        let measured: f64 = row.number("median_ms_loopback");
        assert!(
            (measured / 3.0..measured * 3.0).contains(&ms),
            "{method} {n}: {ms} against {measured}"
        );
        let examined = node(&outcome, "db").rows_examined / pages;
        assert_eq!(examined, 2 * n, "{method} {n}");
    }
}

#[test]
fn pages_examine_the_rows_that_were_recorded() {
    for row in oracle("db/pagination.csv").rows() {
        let (by, size, page) = (row.get("method"), row.get("page_size"), row.get("page"));
        let components = format!(
            r#"{},"db":{{"database":{{"connections":1,"tables":{{"t":{{"rows":1000000,"row_bytes":109}}}},
                "statements":{{"list":{{"page":{{"table":"t","size":{size},"page":{page},"by":"{by}"}}}}}}}}}}"#,
            one_user("list", "db", 1000.0)
        );
        let outcome = outcome(3.5, &components, "");
        let each = node(&outcome, "db").rows_examined / outcome.totals.completed;
        assert_eq!(
            each,
            row.number::<u64>("rows_scanned"),
            "{by} {size} {page}"
        );
    }
}

#[test]
fn without_care_a_stock_is_oversold_and_with_any_care_it_is_not() {
    for row in oracle("db/oversell.csv").rows() {
        let care = match row.get("method") {
            "read_then_write_read_committed" => "read_then_write",
            "atomic_update" => "atomic_update",
            "select_for_update" => "select_for_update",
            _ => "compare_version",
        };
        let buyers: u32 = row.number("buyers");
        let stock: i64 = row.number("stock_start");
        let components = format!(
            r#""buyers":{{"client":{{"operation":"buy","target":"db","arrivals":{{"closed":{{"users":{buyers},
                   "think_time":{{"constant":{{"mean_ms":500}}}}}}}}}}}},
               "db":{{"database":{{"connections":100,"tables":{{"stock":{{"rows":1,"value":{stock}}}}},
                   "statements":{{"buy":{{"change":{{"table":"stock","by":-1,"care":"{care}","retries":1000,
                       "think":{{"constant":{{"mean_ms":5}}}}}}}}}}}}}}"#
        );
        let mut engine = engine(&scenario(1, 1.0, 0.0, &components), Watch::default());
        // Each buys once in the first 0.99 s.
        engine.run_until(Time::from_secs(0.99));
        let database = engine.model().component_named("db").expect("it is there");
        assert_eq!(
            engine.row_value(database, "buy", 0),
            Some(row.number("stock_end")),
            "{care}"
        );
        let watch = engine.into_probe();
        assert_eq!(
            watch.committed,
            row.number::<u64>("sales_confirmed"),
            "{care}"
        );
        assert_eq!(watch.conflicts, row.number::<u64>("retries"), "{care}");
    }
}

#[test]
fn a_replica_half_a_second_late_is_stale_for_as_long() {
    for row in oracle("db/replica_lag.csv").rows() {
        let case = row
            .get("case")
            .strip_prefix("apply_delay_500ms_read_after_");
        let Some(after) = case.and_then(|case| case.strip_suffix("ms")) else {
            continue;
        };
        // Each user writes, waits, and reads its own row.
        let components = format!(
            r#"{},"app":{{"service":{{"workers":10,"plans":{{"*":[
                   {{"call":{{"to":"db","operation":"write"}}}},
                   {{"work":{{"constant":{{"mean_ms":{after}}}}}}},
                   {{"call":{{"to":"db","operation":"read"}}}}]}}}}}},
               "db":{{"database":{{"connections":10,"tables":{{"t":{{"rows":10}}}},
                   "statements":{{"read":{{"read":{{"table":"t"}}}},"write":{{"write":{{"table":"t"}}}}}},
                   "replication":{{"replicas":1,"reads":{{"replicas":{{}}}},"apply_delay":{{"constant":{{"mean_ms":500}}}}}}}}}}"#,
            one_user("both", "app", 5000.0)
        );
        let outcome = outcome(62.0, &components, "");
        let replica = node(&outcome, "db.replica-1");
        assert!(replica.replica_reads >= 8);
        let stale = replica.stale_reads as f64 / replica.replica_reads as f64;
        assert!(
            (stale - row.number::<f64>("stale_first_read_fraction")).abs() < 1e-9,
            "{after}"
        );
        // It is the user's own write that is missed.
        assert_eq!(replica.own_missed, replica.stale_reads);
        assert!(replica.stale_max_ms <= 501.0, "{replica:?}");
    }
}

#[test]
fn writes_that_come_through_a_cache_or_a_gateway_go_to_the_primary() {
    // Both pass on what they were asked for: their call names no operation of its own.
    let between = [
        r#""between":{"cache":{"mode":"write_through","capacity_entries":9,"writes":["write"],"target":"db"}}"#,
        r#""between":{"gateway":{"target":"db"}}"#,
    ];
    for between in between {
        let components = format!(
            r#"{},{between},"db":{{"database":{{"connections":4,"writes":["write"],"replication":{{"replicas":2,"reads":{{"replicas":{{}}}}}},
                "queries":{{"write":{{"constant":{{"mean_ms":1}}}}}}}}}}"#,
            one_user("write", "between", 10.0)
        );
        let outcome = outcome(1.0, &components, "");
        assert_eq!(lost(&outcome, Loss::ReadOnly), 0, "{between}");
        assert!(outcome.totals.completed > 80, "{between}");
    }
}

#[test]
fn users_read_what_they_wrote_where_reads_see_to_it() {
    let with = |reads: &str| {
        let path = format!(
            "{}/scenarios/replica-reads.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(path).expect("it is there");
        let text = text.replace(
            r#""reads": { "replicas": {} }"#,
            &format!(r#""reads": {reads}"#),
        );
        let scenario = Scenario::from_json(&text).expect("it is valid");
        run(&scenario, &Files::new()).expect("it is valid")
    };
    let own = |outcome: &Outcome| measure(outcome, "own_missed", "db");
    assert!(own(&with(r#"{"replicas":{}}"#)) > 20.0);
    assert!(measure(&with(r#"{"replicas":{}}"#), "stale_reads", "db") > 1000.0);
    assert!(own(&with(r#"{"sticky_after_write":{"for_ms":1000}}"#)) < 0.5);
    let waits = with(r#"{"wait_for_position":{"timeout_ms":2000}}"#);
    assert!(own(&waits) < 0.5);
    // Those reads take as long as the replica needs.
    let longest = waits.stories.slowest().first().expect("there is one");
    let followed = longest
        .spans
        .iter()
        .filter(|span| span.doing == Doing::Following);
    let followed: f64 = followed.map(|span| span.length().millis()).sum();
    assert!((300.0..600.0).contains(&followed), "{followed}");
    // If that is too long, the primary is asked.
    let hasty = with(r#"{"wait_for_position":{"timeout_ms":1}}"#);
    assert!(own(&hasty) < 0.5);
    assert!(hasty.figures.latency.expect("answers").max_ms < 100.0);
    assert!(measure(&with(r#""primary""#), "stale_reads", "db") < 0.5);
}

#[test]
fn a_connection_per_request_takes_what_it_takes_and_a_pool_saves_it() {
    let without = sample("connection-per-request")
        .figures
        .latency
        .expect("answers");
    // 100 to 200 ms to set it up, 10 to 50 for the query, 50 to 100 to close it, a millisecond or so each way.
    assert!(
        without.mean_ms > 250.0 && without.mean_ms < 265.0,
        "{without:?}"
    );
    assert!(without.max_ms <= 353.0 && without.p50_ms > 160.0);
    let pooled = sample("connection-pool");
    let latency = pooled.figures.latency.expect("answers");
    // The query, the ways, and hardly any wait.
    assert!(
        latency.mean_ms > 30.0 && latency.mean_ms < 36.0,
        "{latency:?}"
    );
    assert!(latency.p95_ms < 56.0, "{latency:?}");
    assert!(node(&pooled, "db").connects < 20);
    assert!(measure(&pooled, "connect_ms", "db") < 4.0);
}

#[test]
fn recorded_connections_agree_with_the_mechanism() {
    let table = oracle("db/connect_vs_pool.csv");
    let rows = table.rows();
    let ms = |at: usize| rows[at].number::<f64>("median_ms");
    let connect = ms(0) - ms(1);
    let run = |pool: &str| {
        let components = format!(
            r#"{},"db":{{"database":{{"connections":5,"tables":{{"t":{{"rows":1000}}}},"statements":{{"x":{{"read":{{"table":"t"}}}}}},
                "connect":{{"constant":{{"mean_ms":{connect}}}}}{pool}}}}}"#,
            one_user("x", "db", 10.0)
        );
        outcome(20.0, &components, "")
            .figures
            .latency
            .expect("answers")
            .p50_ms
    };
    let (without, pooled) = (run(""), run(r#","pool":{"min":0,"max":1}"#));
    assert!((0.5..2.0).contains(&(without / ms(0))), "{without}");
    assert!((1.0 / 3.0..3.0).contains(&(pooled / ms(1))), "{pooled}");
    let speedup: f64 = rows[1].number("speedup_median");
    assert!((1.0 / 3.0..3.0).contains(&(without / pooled / speedup)));
}

#[test]
fn who_waits_too_long_for_a_connection_is_refused_and_who_is_given_up_leaves_the_line() {
    let components = |guard: &str| {
        format!(
            r#""u":{{"client":{{"operation":"x","target":"db","arrivals":{{"constant":{{"rate_per_s":100}}}}{guard}}}}},
               "db":{{"database":{{"connections":10,"queries":{{"*":{{"constant":{{"mean_ms":20}}}}}},
                   "pool":{{"min":0,"max":1,"wait_timeout_ms":100}}}}}}"#
        )
    };
    let patient = outcome(10.0, &components(""), "");
    // One connection carries 50 a second; the others wait 100 ms for nothing.
    let refused = lost(&patient, Loss::PoolTimeout);
    assert!(refused > 450 && refused < 510, "{refused}");
    let story = &patient.stories.lost()[0];
    assert_eq!(story.spans[0].doing, Doing::Pooled);
    assert!((story.latency.millis() - 100.0).abs() < 1e-6);
    let hasty = outcome(10.0, &components(r#","resilience":{"timeout_ms":50}"#), "");
    assert!(lost(&hasty, Loss::TimedOut) > 400);
    assert_eq!(lost(&hasty, Loss::PoolTimeout), 0);
    // Nobody is left in line, and the connection is there.
    let mut engine = engine(
        &scenario(
            1,
            20.0,
            0.0,
            &components(r#","resilience":{"timeout_ms":50}"#),
        ),
        NoProbe,
    );
    engine.run_until(Time::from_secs(10.0));
    let (open, waiting) = engine.connections(0);
    assert!(open <= 1 && waiting <= 5, "{open} {waiting}");
}

#[test]
fn idle_connections_are_closed() {
    let components = r#""u":{"client":{"operation":"x","target":"db","arrivals":{"profile":{"points":[[0,500],[1,500],[1.001,0]]}}}},
        "db":{"database":{"connections":50,"queries":{"*":{"constant":{"mean_ms":20}}},"connect":{"constant":{"mean_ms":5}},
            "pool":{"min":2,"max":20,"idle_timeout_ms":1000}}}"#;
    let mut engine = engine(&scenario(1, 10.0, 0.0, components), NoProbe);
    assert_eq!(engine.connections(0), (0, 0));
    engine.run_until(Time::from_secs(1.0));
    assert!(engine.connections(0).0 > 8);
    engine.run_until(Time::from_secs(3.0));
    assert_eq!(engine.connections(0), (2, 0));
}

#[test]
fn a_pool_that_is_widened_while_it_runs_lets_in_who_waits() {
    let components = |max: u32| {
        format!(
            r#""u":{{"client":{{"operation":"x","target":"db","arrivals":{{"constant":{{"rate_per_s":100}}}}}}}},
               "db":{{"database":{{"connections":10,"queries":{{"*":{{"constant":{{"mean_ms":20}}}}}},
                   "pool":{{"min":0,"max":{max}}}}}}}"#
        )
    };
    let mut engine = engine(&scenario(1, 9.0, 0.0, &components(1)), NoProbe);
    engine.run_until(Time::from_secs(1.0));
    assert!(engine.connections(0).1 > 40);
    let wider = scenario(1, 9.0, 0.0, &components(9));
    engine
        .reconfigure(&wider, &Files::new())
        .expect("only numbers differ");
    engine.run_until(Time::from_secs(2.0));
    assert_eq!(engine.connections(0).1, 0);
    let before = engine.totals().completed;
    engine.run_until(Time::from_secs(3.0));
    assert!(engine.totals().completed > before + 98);
    // Nodes cannot come or go in a run.
    let more = components(9).replace(r#""pool""#, r#""replication":{"replicas":1},"pool""#);
    let more = scenario(1, 9.0, 0.0, &more);
    assert!(engine.reconfigure(&more, &Files::new()).is_err());
}

#[test]
fn callers_that_crash_lose_their_connections_and_so_does_a_database() {
    for crashes in ["app", "db"] {
        let components = r#""u":{"client":{"operation":"x","target":"app","arrivals":{"poisson":{"rate_per_s":200}}}},
            "app":{"service":{"workers":50,"plans":{"*":[{"call":{"to":"db"}}]}}},
            "db":{"database":{"connections":50,"queries":{"*":{"exponential":{"mean_ms":20}}},"connect":{"constant":{"mean_ms":5}},
                "pool":{"min":0,"max":3,"wait_timeout_ms":500}}}"#;
        let rest = format!(
            r#","faults":[{{"what":{{"crash":{{"component":"{crashes}"}}}},"at_s":2,"for_s":1}}]"#
        );
        let mut engine = engine(&whole(5, 6.0, components, &rest), NoProbe);
        engine.run_until(Time::from_secs(1.9));
        assert_eq!(engine.connections(1).0, 3);
        engine.run_until(Time::from_secs(2.9));
        assert_eq!(engine.connections(1), (0, 0), "{crashes}");
        engine.run_until(Time::from_secs(4.0));
        assert_eq!(engine.connections(1).0, 3, "{crashes}");
        let before = engine.totals().completed;
        engine.run_until(Time::from_secs(6.0));
        assert!(engine.totals().completed > before + 200, "{crashes}");
    }
}

#[test]
fn an_asynchronous_failover_loses_what_a_semi_synchronous_one_keeps() {
    let asynchronous = sample("failover");
    let lost_writes = measure(&asynchronous, "lost_writes", "db");
    assert!(lost_writes > 0.0 && lost_writes < 40.0, "{lost_writes}");
    // For five seconds there is no primary.
    let down = lost(&asynchronous, Loss::Down);
    assert!((1900..2100).contains(&down), "{down}");
    let semi = sample("failover-semi-synchronous");
    assert!(measure(&semi, "lost_writes", "db") < 0.5);
    // Afterwards another node is the primary, and the old one follows it.
    let written = |name: &str| node(&semi, name).rows_written;
    assert!(written("db") > 7_000 && written("db") < 9_000);
    assert!(written("db.replica-1") + written("db.replica-2") > 13_000);
    let waits = semi.stories.slowest().iter();
    assert!({ waits }.any(|story| {
        story
            .spans
            .iter()
            .any(|span| span.doing == Doing::Replicating)
    }));
}

#[test]
fn a_replica_that_is_back_has_what_commits_wait_for() {
    // Writes that the only replica does not receive: it is down for a second. No later write comes to bring the news.
    let components = r#""u":{"client":{"operation":"write","target":"db","arrivals":{"spike":{"base_per_s":0,"peak_per_s":100,"at_s":0.1,"for_s":0.1}}}},
        "db":{"database":{"connections":99,"writes":["write"],"queries":{"write":{"constant":{"mean_ms":1}}},
            "replication":{"replicas":1,"commits":{"semi_synchronous":{"acks":1}}}}}"#;
    let fault =
        r#","faults":[{"what":{"crash":{"component":"db","instance":2}},"at_s":0,"for_s":1}]"#;
    let outcome = outcome(2.0, components, fault);
    assert!(outcome.totals.sent > 0);
    assert_eq!(outcome.totals.completed, outcome.totals.sent);
    let slowest = outcome.stories.slowest()[0].latency;
    assert!(slowest > Duration::from_secs(0.8), "{slowest:?}");
}

#[test]
fn writes_that_come_to_a_former_primary_are_refused() {
    // They are on the wire for 50 ms. Meanwhile the primary crashes, a replica takes its place, and it is back as a replica.
    let components = r#""u":{"client":{"operation":"write","target":"db","arrivals":{"constant":{"rate_per_s":100}}}},
        "db":{"database":{"connections":99,"writes":["write"],"queries":{"write":{"constant":{"mean_ms":1}}},
            "replication":{"replicas":1,"failover_after_ms":10}}}"#;
    let rest = r#","links":[{"from":"u","to":"db","latency":{"constant":{"mean_ms":50}}}],
        "faults":[{"what":{"crash":{"component":"db","instance":1}},"at_s":1.001,"for_s":0.02}]"#;
    let outcome = outcome(2.0, components, rest);
    assert_eq!(
        lost(&outcome, Loss::ReadOnly),
        4,
        "those that come after it is back, and were sent before the failover"
    );
}

#[test]
fn a_primary_that_is_back_in_time_stays_the_primary() {
    let text = std::fs::read_to_string(format!(
        "{}/scenarios/failover.json",
        env!("CARGO_MANIFEST_DIR")
    ));
    let text = text
        .expect("it is there")
        .replace(r#""for_s": 20"#, r#""for_s": 2"#);
    let outcome = run(&Scenario::from_json(&text).expect("valid"), &Files::new()).expect("valid");
    assert!(measure(&outcome, "lost_writes", "db") < 0.5);
    assert_eq!(node(&outcome, "db.replica-1").rows_written, 0);
    assert!(node(&outcome, "db").rows_written > 22_000);
}

#[test]
fn locks_are_waited_for_in_spans_of_their_own_and_not_for_ever() {
    let components = |settings: &str| {
        format!(
            r#""u":{{"client":{{"operation":"x","target":"db","arrivals":{{"constant":{{"rate_per_s":20}}}}}}}},
               "db":{{"database":{{"connections":50,"queue":0,"tables":{{"t":{{"rows":1,"value":1000000}}}},"statements":{{"x":{{"change":{{
                   "table":"t","by":-1,"care":"select_for_update","think":{{"constant":{{"mean_ms":100}}}}}}}}}}{settings}}}}}"#
        )
    };
    let outcome1 = outcome(10.0, &components(r#","lock_timeout_ms":300"#), "");
    assert!(lost(&outcome1, Loss::LockTimeout) > 50);
    let story = &outcome1.stories.lost()[0];
    let locked = story.spans.iter().find(|span| span.doing == Doing::Locked);
    assert!((locked.expect("it waited").length().millis() - 300.0).abs() < 1e-6);
    let figures = node(&outcome1, "db");
    assert!(figures.lock_wait_ms > 100.0 && figures.lock_wait_ms <= 300.0);
    // Without a bound, all connections come to wait for the one lock.
    let outcome2 = outcome(10.0, &components(""), "");
    assert!(lost(&outcome2, Loss::QueueFull) > 20);
}

#[test]
fn transactions_that_wait_for_each_other_are_found() {
    // Three rows in a ring, two a statement: (0, 1), (1, 2), (2, 0).
    let components = |deadlock: &str| {
        format!(
            r#""u":{{"client":{{"operation":"x","target":"db","arrivals":{{"poisson":{{"rate_per_s":400}}}},"keys":{{"uniform":{{"count":3}}}}}}}},
               "db":{{"database":{{"connections":20,"tables":{{"t":{{"rows":3}}}},"statements":{{"x":{{"write":{{"table":"t","rows":2}}}}}},
                   "costs":{{"write_us":2000}}{deadlock}}}}}"#
        )
    };
    let at_once = outcome(10.0, &components(r#","deadlock_timeout_ms":0"#), "");
    assert!(
        lost(&at_once, Loss::Deadlock) > 10,
        "{:?}",
        at_once.figures.losses
    );
    let late = outcome(10.0, &components(""), "");
    assert!(lost(&late, Loss::Deadlock) > 0);
    assert!(late.totals.completed < at_once.totals.completed);
}

#[test]
fn a_full_disk_refuses_writes_and_a_held_up_replica_falls_behind() {
    let text = std::fs::read_to_string(format!(
        "{}/scenarios/replica-reads.json",
        env!("CARGO_MANIFEST_DIR")
    ));
    let with = |fault: &str| {
        let text = text.as_ref().expect("it is there").replace("500", "0");
        let end = text.rfind('}').expect("it is an object");
        let text = format!(
            r#"{},"faults":[{{"what":{{"{fault}":{{"component":"db"}}}},"at_s":20,"for_s":10}}]}}"#,
            &text[..end]
        );
        run(&Scenario::from_json(&text).expect("valid"), &Files::new()).expect("valid")
    };
    let full = with("disk_full");
    let refused = lost(&full, Loss::DiskFull);
    assert!((300..500).contains(&refused), "{refused}");
    assert_eq!(refused, full.totals.lost);
    let behind = with("replica_lag");
    let lag = measure(&behind, "lag_max_ms", "db");
    assert!((9_000.0..10_500.0).contains(&lag), "{lag}");
    // It catches up afterwards.
    let last = behind.series.last().expect("there are windows");
    let replicas = &last.stations[1..3];
    assert!(
        replicas
            .iter()
            .all(|station| station.database.lag_max_ms < 20.0)
    );
}

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    let refused = |components: &str| {
        let text = format!(r#"{{"version":1,"horizon_s":1,"components":{{{components}}}}}"#);
        let problems = Scenario::from_json(&text).expect_err("it is not valid");
        problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let client = |target: &str| {
        format!(
            r#""u":{{"client":{{"operation":"x","target":"{target}","arrivals":{{"constant":{{"rate_per_s":1}}}}}}}}"#
        )
    };
    let said = refused(&format!(
        r#"{},"lb":{{"balancer":{{"policy":"round_robin","targets":["db"]}}}},
           "db":{{"database":{{"connections":1,"queries":{{"x":{{"constant":{{"mean_ms":1}}}}}},"pool":{{}}}}}}"#,
        client("lb")
    ));
    assert!(
        said.contains("components.lb.balancer.targets[0]: 'db' has replicas or sets up"),
        "{said}"
    );
    let said = refused(&format!(
        r#"{},"db":{{"database":{{"connections":1,"tables":{{"t":{{"rows":1}}}},"statements":{{"y":{{"read":{{"table":"t"}}}}}},"writes":["z"]}}}}"#,
        client("db")
    ));
    assert!(
        said.contains("components.db.database.writes[0]: 'z' is not in 'queries'"),
        "{said}"
    );
    let said = refused(&format!(
        r#"{},"db":{{"database":{{"connections":1,"tables":{{"t":{{"rows":1}}}},"statements":{{"y":{{"read":{{"table":"t"}}}}}}}}}}"#,
        client("db")
    ));
    assert!(said.contains("it answers y"), "{said}");
    let condition: Condition =
        scale_sim::read_json(r#"{"measure":"stale_reads","of":"u","above":1}"#).expect("it is one");
    let whole = scenario(
        1,
        1.0,
        0.0,
        &format!(
            r#"{},"db":{{"database":{{"connections":1,"queries":{{"*":{{"constant":{{"mean_ms":1}}}}}}}}}}"#,
            client("db")
        ),
    );
    assert!(
        condition.problems(&whole)[0]
            .message
            .contains("is measured at databases")
    );
}

/// Sees what must not happen.
#[derive(Clone, Debug, Default)]
struct Watch {
    committed: u64,
    conflicts: u64,
    lost: u64,
    /// By frame: the one between its lock and its end.
    waits: BTreeMap<u32, Time>,
}

impl Probe for Watch {
    fn event(&mut self, _: &Model, now: Time, request: RequestRef, event: &Event) {
        match *event {
            Event::Committed { rows, .. } => self.committed += u64::from(rows),
            Event::Conflicted { .. } => self.conflicts += 1,
            Event::Promoted { lost, .. } => self.lost += u64::from(lost),
            Event::Locking { .. } => {
                self.waits.insert(request.frame, now);
            }
            Event::Locked { waited, .. } => {
                let since = self.waits.remove(&request.frame).expect("it waited");
                assert_eq!(now.since(since), waited);
            }
            _ => {}
        }
    }
}

/// A shop before a database of any kind.
fn any_database() -> impl Strategy<Value = (String, String)> {
    let care = prop_oneof![
        Just("atomic_update"),
        Just("select_for_update"),
        Just("compare_version")
    ];
    let commits = prop_oneof![
        Just(r#""asynchronous""#),
        Just(r#"{"semi_synchronous":{"acks":1}}"#),
        Just(r#"{"semi_synchronous":{"acks":2,"timeout_ms":3}}"#),
        Just(r#""synchronous""#),
    ];
    let reads = prop_oneof![
        Just(r#""primary""#),
        Just(r#"{"replicas":{"choice":"least_lag"}}"#),
        Just(r#"{"sticky_after_write":{"for_ms":30}}"#),
        Just(r#"{"wait_for_position":{"timeout_ms":20}}"#),
    ];
    let pool = prop_oneof![
        Just(String::new()),
        Just(r#","disconnect":{"constant":{"mean_ms":2}}"#.to_owned()),
        (0..3_u32, 0..3_u32, 1.0..60.0).prop_map(|(min, more, wait)| format!(
            r#","pool":{{"min":{min},"max":{},"wait_timeout_ms":{wait},"idle_timeout_ms":40}}"#,
            min + more + 1
        )),
    ];
    let guard = prop_oneof![
        Just(""),
        Just(
            r#","resilience":{"timeout_ms":25,"retry":{"attempts":3,"backoff":{"fixed":{"wait_ms":5}}}}"#
        )
    ];
    let fault = prop_oneof![
        Just(""),
        Just(r#"{"what":{"crash":{"component":"db","instance":1}},"at_s":1,"for_s":1}"#),
        Just(
            r#"{"what":{"crash":{"component":"db"}},"random":{"mean_up_s":0.5,"mean_down_s":0.2}}"#
        ),
        Just(
            r#"{"what":{"crash":{"component":"shop","instance":1}},"random":{"mean_up_s":0.5,"mean_down_s":0.2}}"#
        ),
        Just(r#"{"what":{"replica_lag":{"component":"db"}},"at_s":1,"for_s":1}"#),
        Just(r#"{"what":{"zone_outage":{"zone":1}},"random":{"mean_up_s":0.7,"mean_down_s":0.3}}"#),
    ];
    let link = any::<bool>();
    (care, commits, reads, pool, guard, fault, link, 20.0..400.0).prop_map(
        |(care, commits, reads, pool, guard, fault, link, rate)| {
            let components = format!(
                r#""users":{{"client":{{"mix":{{"read":5,"write":2,"buy":2,"plain":1,"note":1}},"target":"lb","users":5,"keys":{{"zipf":{{"count":5,"exponent":1}}}},
                       "arrivals":{{"poisson":{{"rate_per_s":{rate}}}}}}}}},
                   "lb":{{"balancer":{{"policy":"round_robin","targets":["shop"]}}}},
                   "shop":{{"service":{{"instances":2,"workers":4,"queue":20,"plans":{{"*":[{{"call":{{"to":"db"{guard}}}}}]}}}}}},
                   "db":{{"database":{{"connections":3,"queue":10,"tables":{{"t":{{"rows":5,"value":1000}}}},"writes":["note"],
                       "queries":{{"plain":{{"exponential":{{"mean_ms":3}}}},"note":{{"exponential":{{"mean_ms":3}}}}}},
                       "statements":{{"read":{{"read":{{"table":"t"}}}},"write":{{"write":{{"table":"t","rows":2}}}},
                           "buy":{{"change":{{"table":"t","by":-1,"care":"{care}","think":{{"exponential":{{"mean_ms":2}}}}}}}}}},
                       "lock_timeout_ms":40,"deadlock_timeout_ms":10,"connect":{{"exponential":{{"mean_ms":4}}}}{pool},
                       "replication":{{"replicas":2,"commits":{commits},"reads":{reads},"failover_after_ms":200,
                           "ship":{{"exponential":{{"mean_ms":2}}}},"apply":{{"exponential":{{"mean_ms":2}}}}}}}}}}"#
            );
            let links = if link { r#","links":[{"from":"shop","to":"db","latency":{"exponential":{"mean_ms":1}}}]"# } else { "" };
            (components, format!(r#","zones":2{links},"faults":[{fault}]"#))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_unaccounted_for((components, rest) in any_database(), seed in any::<u32>()) {
        let scenario = whole(u64::from(seed), 4.0, &components, &rest);
        let mut engine: Engine<(scale_sim::Recorder, Watch)> = {
            let model = std::sync::Arc::new(Model::new(&scenario, &Files::new()).expect("valid"));
            let recorder = scale_sim::Recorder::new(&model);
            Engine::new(model, (recorder, Watch::default()))
        };
        for i in 1..=4 {
            engine.run_until(Time::from_secs(f64::from(i)));
            let totals = engine.totals();
            prop_assert_eq!(totals.sent, totals.completed + totals.lost + totals.under_way);
        }
        let stories = engine.probe().0.stories();
        for story in stories.slowest().iter().chain(stories.lost()) {
            let mut at = story.sent;
            for span in &story.spans {
                prop_assert_eq!(span.from, at);
                at = span.to;
            }
            prop_assert_eq!(at, story.sent + story.latency);
        }
        // A snapshot goes on as the run does.
        let mut copy = engine.clone();
        copy.run_until(Time::from_secs(5.0));
        engine.run_until(Time::from_secs(5.0));
        prop_assert_eq!(copy.state_hash(), engine.state_hash());
    }

    #[test]
    fn what_is_sold_is_what_is_missing((components, rest) in any_database(), seed in any::<u32>()) {
        // Without failovers: with them, what is lost is sold and not missing.
        let components = components.replace(r#""failover_after_ms":200,"#, "");
        let only = components.replace(r#""mix":{"read":5,"write":2,"buy":2,"plain":1,"note":1}"#, r#""operation":"buy""#);
        let crashes = rest.contains("crash") || rest.contains("zone_outage");
        let mut engine = engine(&whole(u64::from(seed), 4.0, &only, &rest), Watch::default());
        engine.run_until(Time::from_secs(4.0));
        let database = engine.model().component_named("db").expect("it is there");
        let sold: i64 = (0..5).map(|key| 1000 - engine.row_value(database, "buy", key).expect("a number")).sum();
        let confirmed = engine.probe().committed.cast_signed();
        // What a crash has left undecided may have been sold.
        prop_assert!(sold >= confirmed, "{} {}", sold, confirmed);
        if !crashes {
            prop_assert_eq!(sold, confirmed);
        }
        prop_assert_eq!(engine.probe().lost, 0);
    }

    #[test]
    fn what_a_replica_has_acknowledged_survives((components, rest) in any_database(), seed in any::<u32>()) {
        // One replica, so that it is the one that is promoted.
        let one = components
            .replace(r#""replicas":2"#, r#""replicas":1"#)
            .replace(r#""acks":2,"timeout_ms":3"#, r#""acks":1"#)
            .replace(r#""commits":"asynchronous""#, r#""commits":"synchronous""#);
        prop_assume!(!rest.contains("random"));
        let rest = rest.replace(r#""faults":[]"#, r#""faults":[{"what":{"crash":{"component":"db","instance":1}},"at_s":1,"for_s":1}]"#);
        let mut engine = engine(&whole(u64::from(seed), 4.0, &one, &rest), Watch::default());
        engine.run_until(Time::from_secs(4.0));
        prop_assert_eq!(engine.probe().lost, 0);
    }
}
