//! The command line as a user meets it: help, figures, events, replays, checks, schemas.

#[path = "../common/mod.rs"]
mod common;

mod checks;
mod events;
mod figures;
mod help;
mod hunts;
mod queueing;
mod replays;
mod sweeps;
mod trusts;

use common::{folder, lab, run, write};
use serde_json::Value;

#[test]
fn a_run_that_has_to_be_stopped_says_so_after_its_figures() {
    let folder = folder();
    let scenario = r#"{ "version": 1, "horizon_s": 100, "components": {
        "flood": { "client": { "operation": "x", "target": "sink", "arrivals": { "constant": { "rate_per_s": 1000000 } } } },
        "sink": { "database": { "connections": 1, "queries": { "*": { "constant": { "mean_ms": 1000 } } } } } } }"#;
    let path = write(folder.path(), "flood.json", scenario);
    let done = run(&path, &[]);
    assert_eq!(done.code, Some(1));
    assert!(
        done.out.contains("stopped at 1.") && done.out.contains("From the start: 1000000 sent"),
        "{}",
        done.out
    );
    assert_eq!(
        done.err,
        "seed 0: the run was stopped with 1000000 requests under way, the most it may hold: bound the queues or lower the load\n"
    );
    let done = run(&path, &["--json"]);
    assert_eq!(done.code, Some(1));
    let report: Value =
        serde_json::from_str(&done.out).expect("the figures are printed all the same");
    assert!(
        report["runs"][0]["stopped"]
            .as_str()
            .is_some_and(|why| why.contains("requests under way"))
    );
}

#[test]
fn every_schema_is_a_schema() {
    for format in [
        "scenario",
        "lesson",
        "quiz",
        "catalog",
        "challenge",
        "attempt",
        "report",
    ] {
        let done = lab(["schema", format]);
        assert_eq!(done.code, Some(0));
        let schema: Value = serde_json::from_str(&done.out).expect("JSON");
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        assert!(
            schema["properties"]
                .as_object()
                .is_some_and(|p| p.len() > 1),
            "{format}"
        );
        assert!(schema["description"].is_string(), "{format}");
    }
    assert_eq!(lab(["schema"]).out, lab(["schema", "scenario"]).out);
}

/// The sandbox makes its forms of the schema, and has a copy, for it is no work for a page to make one.
#[test]
fn the_sandbox_has_the_schema_as_it_is() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../app/src/sandbox/scenario.schema.json"
    );
    let schema: Value = serde_json::from_str(&lab(["schema", "scenario"]).out).expect("JSON");
    let current = format!("{schema}\n");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &current).expect("the repository can be written");
    }
    let kept = std::fs::read_to_string(path).expect("the sandbox has a schema");
    assert!(
        kept == current,
        "scenario.schema.json is not that of today: UPDATE_SCHEMA=1 cargo test -p lab --test cli writes it anew"
    );
}
