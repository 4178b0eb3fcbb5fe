//! Services: a pool of workers in front of a plan.
//!
//! Models: identical instances, each with its own workers and its own bounded waiting line, first come first served; a
//! worker that is held from the first step of a plan to the last, also while it waits for an answer, as a thread of a
//! blocking server is. So exhausted threads appear by themselves.
//! Does not model: processor sharing among workers, memory, start-up or failure of an instance.

use serde::{Deserialize, Serialize};
use vecmap::VecMap;

use super::{check_operation, check_target};
use crate::distribution::Distribution;
use crate::limits;
use crate::problem::Problems;
use crate::scenario::Scenario;

/// Identical instances that work on requests.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// How many copies there are.
    #[serde(default = "one")]
    pub instances: u32,
    /// Requests that one instance works on at once.
    pub workers: u32,
    /// Requests that may wait at one instance; the next is refused.
    #[serde(default = "no_bound")]
    pub queue: u32,
    /// What it does, by operation; `*` is for any operation not named.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, Vec<Instruction>>")
    )]
    pub plans: VecMap<String, Vec<Instruction>>,
}

/// One step of a plan.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Instruction {
    /// Work for a time drawn anew for each request.
    Work(Distribution),
    /// Ask another component and wait for its answer; if it is refused, so is this request.
    Call(Call),
}

/// A call to another component.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The component to ask.
    pub to: String,
    /// The operation to ask for; the request's own if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
}

const fn one() -> u32 {
    1
}

pub(super) const fn no_bound() -> u32 {
    limits::QUEUE as u32
}

impl Service {
    pub(crate) fn check(&self, scenario: &Scenario, p: &mut Problems) {
        p.count("instances", u64::from(self.instances), 1, limits::INSTANCES);
        p.count("workers", u64::from(self.workers), 1, limits::WORKERS);
        p.count("queue", u64::from(self.queue), 0, limits::QUEUE);
        if self.plans.is_empty() {
            p.note_at("plans", "a service needs at least one plan");
        }
        p.within("plans", |p| {
            for (operation, plan) in &self.plans {
                check_operation(operation, operation, p);
                p.count(operation, plan.len() as u64, 1, limits::PLAN);
                p.within(operation, |p| {
                    for (i, instruction) in plan.iter().enumerate() {
                        p.within(format!("[{i}]"), |p| match instruction {
                            Instruction::Work(time) => p.within("work", |p| time.check(p)),
                            Instruction::Call(call) => p.within("call", |p| {
                                check_target("to", &call.to, scenario, p);
                                if let Some(operation) = &call.operation {
                                    check_operation("operation", operation, p);
                                }
                            }),
                        });
                    }
                });
            }
        });
    }
}
