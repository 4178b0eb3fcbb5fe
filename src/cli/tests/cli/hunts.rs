//! `lab hunt`: what it finds, and that it can be seen again.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{Done, count, folder, lab, sample, write};

/// Runs `lab hunt` on `scenario` with further `arguments`.
fn hunt(scenario: &Path, arguments: &[&str]) -> Done {
    lab([OsStr::new("hunt"), scenario.as_os_str()]
        .into_iter()
        .chain(arguments.iter().map(OsStr::new)))
}

/// The line after the one that reads `head`.
fn after<'a>(text: &'a str, head: &str) -> &'a str {
    let mut lines = text.lines().skip_while(|line| *line != head);
    lines
        .nth(1)
        .unwrap_or_else(|| panic!("{head} in\n{text}"))
        .trim()
}

/// Types the command that replays what was found, with `more`, into a shell.
fn replay(found: &Done, more: &str) -> String {
    let command = after(&found.out, "Replay:").replacen(
        "lab run",
        &format!("{} run", env!("CARGO_BIN_EXE_lab")),
        1,
    );
    let output = Command::new("sh")
        .args(["-c", &format!("{command} {more}")])
        .output()
        .expect("a shell");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {errors}");
    String::from_utf8(output.stdout).expect("lab writes UTF-8")
}

/// Hunts, and checks that the replay breaks the same invariant in the same way, and leaves the same log and the same state.
#[cfg(unix)]
fn check_found(name: &str, arguments: &[&str], invariant: &str) -> Done {
    let begin = Instant::now();
    let found = hunt(&sample(name), arguments);
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{name} took {:?}",
        begin.elapsed()
    );
    assert_eq!(found.code, Some(1), "{name}: {}{}", found.out, found.err);
    let first = found.out.lines().next().unwrap_or_default();
    assert!(
        first.starts_with(&format!("Violated: {{\"{invariant}\":")),
        "{first}"
    );
    let report: Value = serde_json::from_str(&replay(&found, "--json")).expect("JSON");
    let sentence = report
        .pointer("/violations/0/sentence")
        .and_then(Value::as_str);
    let sentence = sentence.unwrap_or_else(|| panic!("{name}: no violation in {report:#}"));
    assert!(
        found.out.contains(&format!("\n  {sentence}\n")),
        "{sentence}\n{}",
        found.out
    );
    let state = report.pointer("/runs/0/state_hash").and_then(Value::as_str);
    let told = found
        .out
        .lines()
        .find_map(|line| line.strip_prefix("  ends in state "));
    assert_eq!(state, told, "{name}");
    let events = count(&report, "/runs/0/events");
    assert!(
        found.out.contains(&format!(" after {events} events")),
        "{events}\n{}",
        found.out
    );
    assert_eq!(replay(&found, "--events -"), replay(&found, "--events -"));
    found
}

#[cfg(unix)]
#[test]
fn every_break_is_found_within_seconds_and_can_be_replayed() {
    for (name, invariant) in [
        ("stale-read.json", "no_stale_reads"),
        ("stale-cache.json", "no_stale_reads"),
        ("lost-update.json", "no_lost_updates"),
        ("lost-write.json", "no_lost_writes"),
        ("lost-write-behind.json", "no_lost_writes"),
        ("double-effect.json", "no_double_effects"),
        ("transfer.json", "conserved"),
        ("in-order.json", "in_order"),
        ("served-once.json", "served_once"),
        ("saga-half-done.json", "sagas_end"),
        ("lost-message.json", "no_lost_messages"),
        ("dual-write.json", "no_lost_messages"),
    ] {
        check_found(name, &[], invariant);
    }
}

#[cfg(unix)]
#[test]
fn where_no_seed_breaks_it_a_crash_after_the_right_event_does() {
    let none = ["--set", "/faults=[]", "--seeds", "20"];
    for (name, invariant, component) in [
        ("lost-write.json", "no_lost_writes", "db"),
        ("lost-write-behind.json", "no_lost_writes", "cache"),
        // Who gives money back must be there to do so.
        ("transfer-compensated.json", "conserved", "shop"),
    ] {
        let found = check_found(name, &none, invariant);
        let fault: Value =
            serde_json::from_str(after(&found.out, "Fault to add:")).expect("a fault");
        let at = fault
            .pointer("/what/crash/component")
            .and_then(Value::as_str);
        assert_eq!(at, Some(component), "{name}: {fault}");
        // It is the first event after which that is so.
        let events = count(&fault, "/after_events");
        assert!(events <= 20, "{name}: {events}");
        // The fault is needed: the seeds alone found nothing.
        let mut seeds = none.to_vec();
        seeds.push("--no-faults");
        let nothing = hunt(&sample(name), &seeds);
        assert_eq!(nothing.code, Some(0), "{}", nothing.out);
        assert!(
            nothing.out.contains(": no violation in 20 runs"),
            "{}",
            nothing.out
        );
    }
}

/// No crash helps against what the bank keeps together with the change, what goes on from a log, or what a queue keeps until it
/// is done.
#[test]
fn the_right_patterns_withstand_the_hunt() {
    for name in [
        "double-effect-once.json",
        "transfer-saga.json",
        "transfer-two-phase.json",
        "saga-compensated.json",
        "saga-choreographed.json",
        "lost-message-kept.json",
        "in-order-partitioned.json",
    ] {
        let found = hunt(&sample(name), &["--time", "1"]);
        assert_eq!(found.code, Some(0), "{}", found.out);
    }
}

#[test]
fn fewer_users_are_enough() {
    let folder = folder();
    let scenario = write(
        folder.path(),
        "sale.json",
        r#"{"version": 1, "horizon_s": 1, "invariants": [{"no_lost_updates": {"at": "db"}}], "components": {
            "buyers": {"client": {"operation": "buy", "target": "db", "arrivals": {"closed": {"users": 50, "think_time": {"exponential": {"mean_ms": 100}}}}}},
            "db": {"database": {"connections": 100, "tables": {"stock": {"rows": 1, "value": 1000}},
                "statements": {"buy": {"change": {"table": "stock", "by": -1, "care": "read_then_write", "think": {"constant": {"mean_ms": 5}}}}}}}}}"#,
    );
    let found = hunt(&scenario, &[]);
    let users = found
        .out
        .split_once("/components/buyers/client/arrivals/closed/users=");
    let (_, users) = users.unwrap_or_else(|| panic!("{}", found.out));
    let users: u32 = users
        .split_whitespace()
        .next()
        .and_then(|n| n.parse().ok())
        .expect("a number");
    // Two can be in each other's way; one cannot.
    assert!((2..10).contains(&users), "{users}");
}

#[test]
fn what_was_found_is_saved_as_a_scenario() {
    let folder = folder();
    let file = folder.path().join("found.json");
    let path = file.display().to_string();
    let found = hunt(&sample("transfer.json"), &["--save", &path]);
    assert!(
        found.out.contains("Saved as "),
        "{}{}",
        found.out,
        found.err
    );
    let report = crate::common::json(&file, &[]);
    assert_eq!(count(&report, "/invariants/0/violations"), 1);
    // Not over what it was found in.
    let text = fs::read_to_string(&file).expect("it is there");
    let again = hunt(&file, &["--save", &path]);
    assert_eq!(again.code, Some(1));
    assert!(
        again.err.contains("would be written over an input"),
        "{}",
        again.err
    );
    assert_eq!(fs::read_to_string(&file).expect("it is there"), text);
}

#[test]
fn what_cannot_be_hunted_is_said() {
    let nothing = hunt(&sample("mm1.json"), &[]);
    assert_eq!(nothing.code, Some(1));
    assert!(
        nothing.err.contains("there is nothing to hunt for"),
        "{}",
        nothing.err
    );
    assert_eq!(
        hunt(&sample("transfer.json"), &["--time", "0"]).code,
        Some(2)
    );
    let run = lab([
        "run".as_ref(),
        sample("mm1.json").as_os_str(),
        "--fault".as_ref(),
        "{\"what\":1}".as_ref(),
    ]);
    assert_eq!(run.code, Some(2));
}

/// The figures of a run name what held and what did not, and the first violations in words.
#[test]
fn a_run_shows_its_violations() {
    let done = crate::common::run(&sample("lost-update.json"), &[]);
    assert_eq!(done.code, Some(0));
    for expected in [
        "Invariants",
        "no_lost_updates",
        "db.stock + db.orders",
        "First violations",
        "is lost",
    ] {
        assert!(
            done.out.contains(expected),
            "{expected} is missing in\n{}",
            done.out
        );
    }
    let done = crate::common::run(&sample("lost-update.json"), &["--replications", "3"]);
    assert!(done.out.contains("  seed 1,"), "{}", done.out);
}
