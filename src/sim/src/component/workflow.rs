//! Sagas and distributed transactions in plans, as a scenario describes them.
//! The mechanisms, and what they do not model, are in `workflow/saga.rs`, `workflow/two_phase.rs` and `workflow/fence.rs`.

use serde::{Deserialize, Serialize};

use super::Call;
use crate::distribution::Distribution;
use crate::limits;
use crate::problem::Problems;
use crate::resilience::{Backoff, Jitter};
use crate::scenario::Scenario;

/// Steps that end all done or all taken back, one after the other, run by the service whose plan it is (the orchestrator).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Saga {
    /// The steps, in order.
    pub steps: Vec<SagaStep>,
    /// How long it takes to make a record of the log durable; 1 ms if it is not given. No step is begun before the record of
    /// the last is there.
    #[serde(default = "log")]
    pub log: Distribution,
    /// How compensations are tried again, and steps that are retriable.
    #[serde(default)]
    pub persist: Persist,
    /// How long after its instance has crashed another takes it over, in milliseconds; 10,000, as long as Temporal waits for
    /// a worker, if it is not given. The instance itself goes on as soon as it is back.
    #[serde(default = "recover_after_ms")]
    pub recover_after_ms: f64,
}

/// One step of a saga.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SagaStep {
    /// What it does.
    #[serde(rename = "do")]
    pub does: Call,
    /// What takes it back (its compensation); without it there is nothing to take back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Call>,
    /// Whether it is tried again until it succeeds, as compensations are, instead of turning the saga back.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub retriable: bool,
}

/// How often, and after which waits, what must succeed is tried again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Persist {
    /// The waits; if they are not given 1 s, then twice as long each time up to 100 s, as activities of Temporal.
    #[serde(default = "backoff")]
    pub backoff: Backoff,
    /// How often it is tried again before a person is needed, 0 to 1,000; 20 if it is not given.
    #[serde(default = "retries")]
    pub retries: u32,
}

/// Changes in several databases that are all committed or all taken back, coordinated by the service whose plan it is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Transaction {
    /// How they come to the same decision; two-phase commit if it is not given.
    #[serde(default)]
    pub protocol: Protocol,
    /// What is done in each database, all at once: calls that lead to a database without replicas, over a balancer of it alone
    /// or not.
    pub branches: Vec<Call>,
    /// How long it takes to make the decision durable; 1 ms if it is not given.
    #[serde(default = "log")]
    pub log: Distribution,
    /// How long a branch may take to prepare, or to acknowledge the decision, in milliseconds; 1,000 if it is not given.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: f64,
    /// How long it takes until branches that have not acknowledged are told again, and until another instance takes over
    /// from one that has crashed, in milliseconds; 10,000 if it is not given. The instance itself goes on as soon as it is back.
    #[serde(default = "recover_after_ms")]
    pub recover_after_ms: f64,
}

/// How databases come to the same decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// All prepare, then all commit or all abort.
    #[default]
    TwoPhaseCommit,
}

const fn log() -> Distribution {
    Distribution::Constant { mean_ms: 1.0 }
}

const fn recover_after_ms() -> f64 {
    10_000.0
}

const fn timeout_ms() -> f64 {
    1_000.0
}

const fn backoff() -> Backoff {
    Backoff::Exponential {
        base_ms: 1_000.0,
        cap_ms: 100_000.0,
        jitter: Jitter::None,
        immediate_first: false,
    }
}

const fn retries() -> u32 {
    20
}

impl Default for Persist {
    fn default() -> Self {
        Self {
            backoff: backoff(),
            retries: retries(),
        }
    }
}

impl Saga {
    /// All calls that it may make.
    pub(crate) fn calls(&self) -> impl Iterator<Item = &Call> {
        let steps = self.steps.iter();
        steps.flat_map(|step| core::iter::once(&step.does).chain(&step.undo))
    }

    pub(crate) fn check(&self, scenario: &Scenario, p: &mut Problems, depth: usize) {
        p.count("steps", self.steps.len() as u64, 1, limits::WORKFLOW_STEPS);
        p.within("steps", |p| {
            for (i, step) in self.steps.iter().enumerate() {
                p.within(format!("[{i}]"), |p| {
                    check_call("do", &step.does, scenario, p, depth);
                    if let Some(undo) = &step.undo {
                        check_call("undo", undo, scenario, p, depth);
                    }
                });
            }
        });
        p.within("log", |p| self.log.check(p));
        p.within("persist", |p| {
            p.within("backoff", |p| self.persist.backoff.check(p));
            let retries = u64::from(self.persist.retries);
            p.count("retries", retries, 0, limits::CHANGE_RETRIES);
        });
        p.number(
            "recover_after_ms",
            self.recover_after_ms,
            1.0,
            limits::WORK_MS,
        );
    }
}

impl Transaction {
    pub(crate) fn check(&self, scenario: &Scenario, p: &mut Problems, depth: usize) {
        p.count("branches", self.branches.len() as u64, 1, limits::BRANCHES);
        p.within("branches", |p| {
            for (i, call) in self.branches.iter().enumerate() {
                let place = format!("[{i}]");
                check_call(&place, call, scenario, p, depth);
                if call.resilience.retry.is_some() || call.resilience.hedge.is_some() {
                    p.note_at(
                        format!("{place}.resilience"),
                        "a branch prepares once: leave out 'retry' and 'hedge'",
                    );
                }
            }
        });
        p.within("log", |p| self.log.check(p));
        for (field, ms) in [
            ("timeout_ms", self.timeout_ms),
            ("recover_after_ms", self.recover_after_ms),
        ] {
            p.number(field, ms, 1.0, limits::WORK_MS);
        }
    }
}

/// A call that is made once, waited for, and has no other way out than to fail.
fn check_call(field: &str, call: &Call, scenario: &Scenario, p: &mut Problems, depth: usize) {
    p.within(field, |p| {
        call.check(scenario, p, depth);
        if call.times > 1 {
            p.note_at("times", "it is made once: give each call a step of its own");
        }
        if call.asynchronous {
            p.note_at("asynchronous", "it must be waited for: leave it out");
        }
        if call.fallback.is_some() {
            p.note_at("fallback", "it must fail if it fails: leave it out");
        }
    });
}
