//! What a report says of invariants.

use schemars::JsonSchema;
use serde::Serialize;

use scale_sim::Violation;

use crate::report::{Figure, Run, Runs};

/// An invariant of the scenario.
#[derive(Serialize, JsonSchema, Debug)]
pub struct InvariantReport {
    /// Its name, such as `no_lost_updates`.
    pub invariant: &'static str,
    /// What it is about: a component, or tables.
    pub of: String,
    /// How often it was violated, from the very start.
    pub violations: Figure,
}

/// Something that must not happen, and did.
#[derive(Serialize, JsonSchema, Debug)]
pub struct ViolationReport {
    /// The seed of the run.
    pub seed: u64,
    /// When it was noticed, in simulated seconds.
    pub at_s: f64,
    /// The invariant.
    pub invariant: &'static str,
    /// The request, if it is about one.
    pub request: Option<u64>,
    /// The row or key, if it is about one, as the event log writes it.
    pub row: Option<u64>,
    /// What happened.
    pub sentence: String,
}

/// The invariants, which all runs share.
pub fn invariants(runs: &Runs<'_>) -> Vec<InvariantReport> {
    let first = runs.0.first().map(|run| &run.findings.invariants);
    let reports = first.into_iter().flatten().enumerate();
    let reports = reports.map(|(at, finding)| InvariantReport {
        invariant: finding.name,
        of: finding.about.clone(),
        violations: runs.count(|run| run.findings.invariants[at].violations),
    });
    reports.collect()
}

/// The first violations of each run.
pub fn violations(runs: &[Run]) -> Vec<ViolationReport> {
    let of_run = |run: &Run| {
        let seed = run.seed;
        let first = run.findings.first.iter().cloned();
        let report = move |violation: Violation| ViolationReport {
            seed,
            at_s: violation.at.secs(),
            invariant: violation.name,
            request: violation.request,
            row: violation.row,
            sentence: violation.sentence,
        };
        first.map(report).collect::<Vec<_>>()
    };
    runs.iter().flat_map(of_run).collect()
}
