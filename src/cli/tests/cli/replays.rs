//! Recorded arrivals.

use std::fs;
use std::path::Path;

use crate::common::{run, sample, samples};

/// When each `sent` of a log happened, in order, in seconds; the requests must be numbered in order too.
fn sent(scenario: &Path) -> Vec<f64> {
    let log = run(scenario, &["--events", "-"]).out;
    let sent: Vec<Vec<&str>> = log
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>())
        .filter(|f| f[2] == "sent")
        .collect();
    for (at, fields) in sent.iter().enumerate() {
        assert_eq!(fields[1], at.to_string());
    }
    sent.iter()
        .map(|fields| fields[0].parse::<f64>().expect("a number") / 1e9)
        .collect()
}

/// The second of a line of `tests/scenarios/logs/access.log`, from the midnight before its first.
fn second(line: &str) -> i64 {
    let (_, rest) = line.split_once('[').expect("a time");
    let day: i64 = rest[..2].parse().expect("a day");
    let clock: Vec<i64> = rest[12..20]
        .split(':')
        .map(|part| part.parse().expect("a number"))
        .collect();
    (day - 9) * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
}

#[test]
fn an_access_log_is_replayed_line_by_line_in_order() {
    let text = fs::read_to_string(samples().join("logs/access.log")).expect("readable");
    let stamps: Vec<i64> = text.lines().map(second).collect();
    // The sample has what makes real logs awkward.
    assert!(stamps.len() >= 600, "hundreds of lines");
    assert!(
        stamps.windows(2).any(|pair| pair[0] == pair[1]),
        "several lines of one second"
    );
    assert!(
        stamps.windows(2).any(|pair| pair[0] > pair[1]),
        "lines out of order"
    );
    let sent = sent(&sample("replay-access-log.json"));
    assert_eq!(sent.len(), stamps.len(), "one request a line");
    assert!(sent.is_sorted(), "in the order of the lines");
    let mut latest = stamps[0];
    for (at, (stamp, time)) in stamps.iter().zip(&sent).enumerate() {
        latest = latest.max(*stamp);
        assert_eq!(
            time.floor() as i64,
            latest - stamps[0],
            "line {}: {time}",
            at + 1
        );
    }
}

#[test]
fn a_column_of_times_is_replayed_to_the_millisecond() {
    let text = fs::read_to_string(samples().join("logs/arrivals.csv")).expect("readable");
    let times: Vec<f64> = text
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
    let sent = sent(&sample("replay-csv.json"));
    assert_eq!(sent.len(), times.len());
    assert!(times.len() >= 300);
    for (time, sent) in times.iter().zip(&sent) {
        assert!((time - times[0] - sent).abs() < 1e-6, "{time}: {sent}");
    }
}

#[test]
fn what_a_short_run_leaves_out_of_a_recording_is_told() {
    let done = run(&sample("replay-csv.json"), &["--until", "10"]);
    assert_eq!(done.code, Some(0));
    assert!(
        done.err.starts_with("note: 'visitors' plays "),
        "{}",
        done.err
    );
    assert!(
        done.err
            .contains(" of the 400 requests in logs/arrivals.csv: the run ends at 10 s"),
        "{}",
        done.err
    );
    assert_eq!(run(&sample("replay-csv.json"), &[]).err, "");
}

#[test]
fn a_recording_in_the_scenario_is_the_same_run_as_one_in_a_file() {
    let text = fs::read_to_string(sample("replay-csv.json")).expect("readable");
    let times = fs::read_to_string(samples().join("logs/arrivals.csv")).expect("readable");
    let column: Vec<&str> = { times.lines().skip(1) }
        .map(|line| line.split(',').next().expect("a time").trim())
        .collect();
    let mut scenario: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let arrivals = &mut scenario["components"]["visitors"]["client"]["arrivals"];
    assert!(arrivals["replay"].is_object());
    *arrivals = serde_json::json!({ "recording": { "times_s": column.join("\n") } });
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("recording.json");
    fs::write(&path, scenario.to_string()).expect("writable");
    let (here, there) = (sent(&path), sent(&sample("replay-csv.json")));
    assert_eq!(here.len(), there.len());
    // In a file, moments are read as floating point.
    assert!(here.iter().zip(&there).all(|(a, b)| (a - b).abs() < 1e-6));
    let short = run(&path, &["--until", "10"]);
    assert!(
        short.err.contains(" of the 400 requests in its recording:"),
        "{}",
        short.err
    );
}
