//! The event log.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::common::{all_samples, command, count, folder, json, run, sample};

/// The event log of a run.
fn log(scenario: &Path, arguments: &[&str]) -> String {
    let folder = folder();
    let file = folder.path().join("log.csv");
    let all = ["--events", file.to_str().expect("a plain path")];
    let done = run(scenario, &[&all, arguments].concat());
    assert_eq!(done.code, Some(0), "{}", done.err);
    fs::read_to_string(&file).expect("written")
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for path in all_samples() {
        let arguments: &[&str] = if path.ends_with("eight-servers.json") {
            &["--until", "30"]
        } else {
            &["--until", "150"]
        };
        let first = log(&path, arguments);
        assert!(first.lines().count() > 100, "{}", path.display());
        assert!(first == log(&path, arguments), "{}", path.display());
        // In the flash sale nothing is drawn: all come at once and think for the same time.
        let drawn = !path.ends_with("flash-sale.json");
        let other = log(&path, &[arguments, &["--seed", "99"]].concat());
        assert!((first != other) == drawn, "{}", path.display());
    }
}

#[test]
fn watching_changes_nothing() {
    let scenario = sample("shop-copies.json");
    let folder = folder();
    let file = folder.path().join("log.csv");
    let watched = json(
        &scenario,
        &["--events", file.to_str().expect("a plain path")],
    );
    assert_eq!(watched, json(&scenario, &[]));
}

#[test]
fn a_dash_is_the_standard_output_and_the_figures_go_to_the_other() {
    let scenario = sample("shop-one.json");
    let done = run(&scenario, &["--events", "-", "--json"]);
    assert_eq!(done.code, Some(0));
    assert_eq!(done.out, log(&scenario, &[]));
    let report: Value = serde_json::from_str(&done.err).expect("the figures alone");
    assert_eq!(report, json(&scenario, &[]));
}

#[test]
fn the_log_tells_what_the_totals_say() {
    let scenario = sample("shop-one.json");
    let (log, report) = (log(&scenario, &[]), json(&scenario, &[]));
    let told = |name: &str| {
        log.lines()
            .filter(|line| line.split(',').nth(2) == Some(name))
            .count() as u64
    };
    for name in ["sent", "completed", "lost"] {
        assert_eq!(
            told(name),
            count(&report, &format!("/requests/{name}")),
            "{name}"
        );
    }
    let times: Vec<u64> = log
        .lines()
        .skip(1)
        .map(|line| {
            line.split(',')
                .next()
                .expect("a time")
                .parse()
                .expect("a number")
        })
        .collect();
    assert!(times.is_sorted());
}

/// Whoever reads only the start of a long log leaves a run that ends at once and in silence.
#[test]
fn nobody_reading_any_more_is_no_error() {
    let mut child = command()
        .args([
            "run".as_ref(),
            sample("eight-servers.json").as_os_str(),
            "--events".as_ref(),
            "-".as_ref(),
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("lab starts");
    let mut first = String::new();
    BufReader::new(child.stdout.take().expect("piped"))
        .read_line(&mut first)
        .expect("a line");
    let done = child.wait_with_output().expect("lab ends");
    assert_eq!(first, "time_ns,request,event,at,detail\n");
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
}

#[test]
fn a_trace_holds_the_requests_of_the_run() {
    let folder = folder();
    let file = folder.path().join("trace.json");
    let path = file.to_str().expect("a plain path");
    let done = run(
        &sample("mm1.json"),
        &["--until", "150", "--json", "--trace", path],
    );
    assert_eq!(done.code, Some(0), "{}", done.err);
    let report: Value = serde_json::from_str(&done.out).expect("a report");
    let text = fs::read_to_string(&file).expect("written");
    let trace: Value = serde_json::from_str(&text).expect("a trace is JSON");
    let events = trace["traceEvents"].as_array().expect("a list");
    let begun = events.iter().filter(|event| event["ph"] == "b").count();
    let sent = &report["requests"]["sent"];
    assert_eq!(sent.as_u64(), Some(begun as u64), "{report}");
}
