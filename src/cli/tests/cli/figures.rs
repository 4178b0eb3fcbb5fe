//! The figures, as JSON and as tables.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::common::{all_samples, count, folder, json, lab, number, run, sample, write};

/// The paths of all fields of a report, each list standing for its elements.
fn fields(value: &Value, path: &str, all: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                fields(value, &format!("{path}/{name}"), all);
            }
        }
        Value::Array(list) => list
            .iter()
            .for_each(|value| fields(value, &format!("{path}/*"), all)),
        _ => {
            all.insert(path.to_owned());
        }
    }
}

/// Programs read these names: change them only with the report's version.
const FIELDS: &str = "\
/losses/*/lost
/losses/*/lost_per_s
/losses/*/reason
/losses/*/station
/requests/completed
/requests/lost
/requests/sent
/requests/under_way
/runs/*/ended_s
/runs/*/events
/runs/*/seed
/runs/*/state_hash
/runs/*/stopped
/scenario
/stations/*/lost_per_s
/stations/*/queue_length
/stations/*/queue_max
/stations/*/servers
/stations/*/station
/stations/*/throughput_per_s
/stations/*/utilisation
/stations/*/wait_ms
/system/degraded_per_s
/system/goodput_per_s
/system/in_system
/system/lost_per_s
/system/max_ms
/system/mean_ms
/system/offered_per_s
/system/p50_ms
/system/p95_ms
/system/p99_ms
/system/throughput_per_s
/title
/until_s
/version
/warmup_s";

#[test]
fn the_fields_of_the_json_are_stable() {
    let mut found = BTreeSet::new();
    fields(&json(&sample("shop-one.json"), &[]), "", &mut found);
    assert_eq!(found.into_iter().collect::<Vec<_>>().join("\n"), FIELDS);
}

#[test]
fn several_runs_give_an_interval_in_place_of_each_number() {
    let figures = |path: &str| {
        let counted = ["/requests/", "/system/", "/stations/*/", "/losses/*/"];
        let words = ["/station", "/servers", "/reason"];
        counted.iter().any(|start| path.starts_with(start))
            && !words.iter().any(|end| path.ends_with(end))
    };
    let mut expected = BTreeSet::new();
    for path in FIELDS.lines() {
        if figures(path) {
            expected
                .extend(["mean", "half_width", "level", "n"].map(|part| format!("{path}/{part}")));
        } else {
            expected.insert(path.to_owned());
        }
    }
    let mut found = BTreeSet::new();
    fields(
        &json(&sample("shop-one.json"), &["--replications", "2"]),
        "",
        &mut found,
    );
    assert_eq!(found, expected);
}

#[test]
fn every_field_is_described_by_the_schema() {
    let schema = lab(["schema", "report"]).out;
    for field in FIELDS
        .lines()
        .flat_map(|path| path.split('/'))
        .filter(|name| !["", "*"].contains(name))
    {
        assert!(schema.contains(&format!("\"{field}\": {{\n")), "{field}");
    }
}

#[test]
fn requests_are_conserved_in_every_sample() {
    for path in all_samples() {
        let report = json(&path, &[]);
        let of = |name: &str| count(&report, &format!("/requests/{name}"));
        assert!(of("sent") > 0, "{}", path.display());
        assert_eq!(
            of("sent"),
            of("completed") + of("lost") + of("under_way"),
            "{}",
            path.display()
        );
    }
}

#[test]
fn replications_are_the_single_runs_taken_together() {
    let scenario = sample("shop-one.json");
    let pointer = "/system/mean_ms";
    let singles: Vec<f64> = ["7", "8", "9"]
        .map(|seed| number(&json(&scenario, &["--seed", seed]), pointer))
        .into();
    let together = json(&scenario, &["--replications", "3"]);
    let mean = singles.iter().sum::<f64>() / 3.0;
    let spread = (singles.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
    // Student's t, 0.995 and two degrees of freedom, from the printed table.
    let half_width = 9.925 * spread / 3_f64.sqrt();
    assert!((number(&together, &format!("{pointer}/mean")) - mean).abs() < 1e-9 * mean);
    assert!((number(&together, &format!("{pointer}/half_width")) / half_width - 1.0).abs() < 1e-3);
    let seeds: Vec<u64> = (0..3)
        .map(|at| count(&together, &format!("/runs/{at}/seed")))
        .collect();
    assert_eq!(seeds, [7, 8, 9]);
}

#[test]
fn the_table_says_what_the_json_says() {
    let scenario = sample("shop-one.json");
    let (table, report) = (run(&scenario, &[]), json(&scenario, &[]));
    assert_eq!((table.code, table.err.as_str()), (Some(0), ""));
    let requests = ["sent", "completed", "lost", "under_way"]
        .map(|name| count(&report, &format!("/requests/{name}")));
    let [sent, completed, lost, under_way] = requests;
    let line = format!(
        "From the start: {sent} sent = {completed} answered + {lost} lost + {under_way} under way"
    );
    assert_eq!(table.out.lines().last(), Some(line.as_str()));
    let row = |start: &str| {
        table
            .out
            .lines()
            .find(|line| line.trim_start().starts_with(start))
            .expect("a row")
    };
    let shop: Vec<&str> = row("shop.1").split_whitespace().collect();
    assert_eq!(shop.len(), 8);
    assert!(
        (shop[3].parse::<f64>().expect("a number")
            - 100.0 * number(&report, "/stations/0/utilisation"))
        .abs()
            < 0.05
    );
    assert!(
        (shop[6].parse::<f64>().expect("a number") - number(&report, "/stations/0/wait_ms")).abs()
            < 0.05
    );
    let (_, losses) = table.out.split_once("\nLosses\n").expect("losses");
    let cells: Vec<&str> = losses
        .lines()
        .nth(3)
        .expect("a row")
        .split_whitespace()
        .collect();
    assert_eq!(cells[..2], ["shop.1", "queue_full"]);
    assert_eq!(cells[2], count(&report, "/losses/0/lost").to_string());
}

#[test]
fn options_change_what_they_name() {
    let scenario = sample("shop-one.json");
    let hash = |arguments: &[&str]| json(&scenario, arguments)["runs"][0]["state_hash"].clone();
    let folder = folder();
    let text = fs::read_to_string(&scenario).expect("readable");
    let edited = text
        .replace("\"seed\": 7", "\"seed\": 8")
        .replace("\"horizon_s\": 60", "\"horizon_s\": 30")
        .replace("\"workers\": 2", "\"workers\": 3");
    let edited = write(folder.path(), "edited.json", edited);
    let expected = json(&edited, &[])["runs"][0]["state_hash"].clone();
    let workers = "/components/shop/service/workers=3";
    assert_eq!(
        hash(&["--seed", "8", "--until", "30", "--set", workers]),
        expected
    );
    assert_eq!(
        hash(&[
            "--set",
            "/seed=8",
            "--set",
            "/horizon_s=30",
            "--set",
            workers
        ]),
        expected
    );
    assert_ne!(hash(&["--seed", "8", "--until", "30"]), expected);
    assert_ne!(hash(&["--until", "30", "--set", workers]), expected);
}
