//! Services: a pool of workers in front of a plan.
//!
//! Models: identical instances, each with its own workers and its own bounded waiting line, first come first served; a
//! worker that is held from the first step of a plan to the last, also while it waits for an answer, as a thread of a
//! blocking server is. So exhausted threads appear by themselves. Load shedding, autoscaling and sessions are optional, each
//! in a file of its own.
//! Does not model: processor sharing among workers, or memory.

use serde::{Deserialize, Serialize};
use vecmap::VecMap;

use super::{Cached, Invalidate, Saga, Transaction, VersionOf, check_operation, check_target};
use crate::distribution::Distribution;
use crate::limits;
use crate::payload::Payload;
use crate::problem::Problems;
use crate::resilience::{Autoscale, Resilience, Shedding};
use crate::scenario::Scenario;
use crate::sessions::Sessions;

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
    /// Requests that may wait at one instance, of each bulkhead apart; the next is refused.
    #[serde(default = "no_bound")]
    pub queue: u32,
    /// Who of those that wait is next.
    #[serde(default, skip_serializing_if = "Discipline::is_fifo")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = Discipline::default())))]
    pub discipline: Discipline,
    /// Workers of one instance that an operation may hold at most, so that it cannot starve the others (bulkheads: Nygard,
    /// *Release It!*, 2007); its requests wait in a line of their own.
    #[serde(default, skip_serializing_if = "VecMap::is_empty")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, u32>")
    )]
    pub bulkheads: VecMap<String, u32>,
    /// Whom to turn away from the waiting line.
    #[serde(default, skip_serializing_if = "Shedding::is_empty")]
    pub shedding: Shedding,
    /// Changes the number of instances with the load; `instances` is then the number at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscale: Option<Autoscale>,
    /// What each instance keeps of the users that it has served. Without it instances are stateless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Sessions>,
    /// What it does, by operation; `*` is for any operation not named.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, Vec<Instruction>>")
    )]
    pub plans: VecMap<String, Vec<Instruction>>,
}

/// Who of those that wait is next (the queue discipline).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Discipline {
    /// First come, first served.
    #[default]
    Fifo,
    /// Last come, first served.
    Lifo,
    /// The most urgent first (priority 0), first come first served within a priority. Who is served is not interrupted.
    Priority,
}

impl Discipline {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn is_fifo(&self) -> bool {
        *self == Self::Fifo
    }
}

/// Priorities that there are: 0, the most urgent, to 7.
pub(crate) const PRIORITIES: u8 = 8;

/// One step of a plan.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Instruction {
    /// Work for a time drawn anew for each request.
    Work(Distribution),
    /// Ask another component and wait for its answer; if it is refused, so is this request.
    Call(Call),
    /// Several calls at once; go on when enough of them have been answered.
    Parallel(Parallel),
    /// What is answered has so many bytes; to compress it is work.
    Reply(Payload),
    /// Ask a cache, and only if it has nothing do something else and put what comes of it there (cache-aside).
    Cached(Cached),
    /// Drop the key in a cache.
    Invalidate(Invalidate),
    /// Steps that end all done or all taken back, whatever crashes in between.
    Saga(Saga),
    /// Changes in several databases that are all committed or all taken back.
    Transaction(Transaction),
    /// Stop here: what has come so far is the answer. In the fallback of a call it ends the whole plan.
    End,
    /// Stop here: the request has failed.
    Fail,
}

impl Instruction {
    /// The calls that this step makes, without those of their fallbacks; those of a saga are its own (`Saga::calls`).
    pub(crate) fn calls(&self) -> &[Call] {
        match self {
            Self::Work(_)
            | Self::Reply(_)
            | Self::Cached(_)
            | Self::Invalidate(_)
            | Self::Saga(_)
            | Self::End
            | Self::Fail => &[],
            Self::Call(call) => core::slice::from_ref(call),
            Self::Parallel(parallel) => &parallel.calls,
            Self::Transaction(transaction) => &transaction.branches,
        }
    }
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
    /// How often it is made, one after the other: 1,000 for the 1,000 queries after the first of an N+1 page.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = one())))]
    pub times: u32,
    /// Whether to go on at once, without the answer.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub asynchronous: bool,
    /// Bytes of the request on the wire.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = 0)))]
    pub bytes: u64,
    /// How the caller guards itself against a slow or failing component.
    #[serde(default, skip_serializing_if = "Resilience::is_empty")]
    pub resilience: Resilience,
    /// What to do instead if the call fails: the request goes on, with a substitute for the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Vec<Instruction>>,
}

/// Calls that are made at the same moment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parallel {
    /// The calls. A call with `times` is made so often at once.
    pub calls: Vec<Call>,
    /// How many answers are enough; all if none is named. The others are not waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<u32>,
}

impl Parallel {
    /// How many calls are made at once.
    pub(crate) fn width(&self) -> u64 {
        self.calls.iter().map(|call| u64::from(call.times)).sum()
    }
}

pub(crate) const fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
pub(crate) const fn is_one(count: &u32) -> bool {
    *count == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

pub(crate) const fn no_bound() -> u32 {
    limits::QUEUE as u32
}

impl Service {
    /// The components that its plans call, in the order of the file; one that is called twice comes twice.
    pub fn called(&self) -> impl Iterator<Item = &String> {
        let mut all = Vec::new();
        for plan in self.plans.values() {
            called_by(plan, &mut all);
        }
        all.into_iter()
    }

    /// How many instances there can be.
    pub fn most_instances(&self) -> u32 {
        let scaled = self.autoscale.as_ref().map_or(0, |scale| scale.max);
        scaled.max(self.instances)
    }

    pub(crate) fn check(&self, scenario: &Scenario, p: &mut Problems) {
        p.count("instances", u64::from(self.instances), 1, limits::INSTANCES);
        p.count("workers", u64::from(self.workers), 1, limits::WORKERS);
        p.count("queue", u64::from(self.queue), 0, limits::QUEUE);
        p.within("bulkheads", |p| {
            if self.discipline != Discipline::Fifo && !self.bulkheads.is_empty() {
                p.note("bulkheads have lines of their own: leave the discipline at fifo");
            }
            p.count("", self.bulkheads.len() as u64, 0, limits::BULKHEADS);
            for (operation, most) in &self.bulkheads {
                check_operation(operation, operation, p);
                p.count(operation, u64::from(*most), 1, limits::WORKERS);
            }
        });
        p.within("shedding", |p| self.shedding.check(p));
        if let Some(autoscale) = &self.autoscale {
            p.within("autoscale", |p| autoscale.check(p));
            let (min, max) = (u64::from(autoscale.min), u64::from(autoscale.max));
            if min <= max {
                p.count("instances", u64::from(self.instances), min, max);
            }
        }
        if let Some(sessions) = &self.sessions {
            p.within("sessions", |p| sessions.check(p));
        }
        if self.plans.is_empty() {
            p.note_at("plans", "a service needs at least one plan");
        }
        p.within("plans", |p| {
            for (operation, plan) in &self.plans {
                check_operation(operation, operation, p);
                check_plan(operation, plan, scenario, p, 0);
            }
        });
    }
}

fn called_by<'a>(plan: &'a [Instruction], all: &mut Vec<&'a String>) {
    for instruction in plan {
        match instruction {
            Instruction::Cached(cached) => {
                if let Some(VersionOf::Call(call)) = &cached.version {
                    all.push(&call.to);
                    called_by(call.fallback.as_deref().unwrap_or_default(), all);
                }
                all.push(&cached.cache);
                called_by(&cached.miss, all);
            }
            Instruction::Invalidate(invalidate) => all.push(&invalidate.cache),
            Instruction::Saga(saga) => all.extend(saga.calls().map(|call| &call.to)),
            _ => {}
        }
        for call in instruction.calls() {
            all.push(&call.to);
            if let Some(fallback) = &call.fallback {
                called_by(fallback, all);
            }
        }
    }
}

/// Checks the steps of a plan; `depth` counts the fallbacks around it.
pub(super) fn check_plan(
    field: &str,
    plan: &[Instruction],
    scenario: &Scenario,
    p: &mut Problems,
    depth: usize,
) {
    p.count(field, plan.len() as u64, 1, limits::PLAN);
    p.within(field, |p| {
        if depth > limits::FALLBACK_DEPTH {
            p.note(format!(
                "fallbacks of fallbacks: at most {} deep are allowed",
                limits::FALLBACK_DEPTH
            ));
            return;
        }
        for (i, instruction) in plan.iter().enumerate() {
            p.within(format!("[{i}]"), |p| match instruction {
                Instruction::Work(time) => p.within("work", |p| time.check(p)),
                Instruction::Call(call) => {
                    p.within("call", |p| call.check(scenario, p, depth));
                }
                Instruction::Parallel(parallel) => p.within("parallel", |p| {
                    parallel.check(scenario, p, depth);
                }),
                Instruction::Reply(payload) => p.within("reply", |p| payload.check(p)),
                Instruction::Cached(cached) => {
                    p.within("cached", |p| cached.check(scenario, p, depth));
                }
                Instruction::Invalidate(invalidate) => {
                    p.within("invalidate", |p| invalidate.check(scenario, p));
                }
                Instruction::Saga(saga) => {
                    p.within("saga", |p| saga.check(scenario, p, depth));
                }
                Instruction::Transaction(transaction) => {
                    p.within("transaction", |p| transaction.check(scenario, p, depth));
                }
                Instruction::End | Instruction::Fail => {}
            });
        }
    });
}

impl Call {
    pub(super) fn check(&self, scenario: &Scenario, p: &mut Problems, depth: usize) {
        check_target("to", &self.to, scenario, p);
        if let Some(operation) = &self.operation {
            check_operation("operation", operation, p);
        }
        p.count("times", u64::from(self.times), 1, limits::TIMES);
        p.count("bytes", self.bytes, 0, limits::PAYLOAD_BYTES);
        p.within("resilience", |p| self.resilience.check(p));
        if let Some(fallback) = &self.fallback {
            if self.asynchronous {
                p.note_at(
                    "fallback",
                    "nobody waits for this call, so nothing can be done instead",
                );
            }
            check_plan("fallback", fallback, scenario, p, depth + 1);
        }
    }
}

impl Parallel {
    fn check(&self, scenario: &Scenario, p: &mut Problems, depth: usize) {
        p.count("calls", self.calls.len() as u64, 1, limits::PLAN);
        let width = self.width();
        if width > limits::FAN_OUT {
            p.note(format!(
                "{width} calls at once: at most {} are allowed",
                limits::FAN_OUT
            ));
        }
        if let Some(need) = self.need {
            p.count("need", u64::from(need), 1, width);
        }
        p.within("calls", |p| {
            for (i, call) in self.calls.iter().enumerate() {
                p.within(format!("[{i}]"), |p| {
                    call.check(scenario, p, depth);
                    if call.asynchronous {
                        p.note_at(
                            "asynchronous",
                            "calls made at once are waited for: use \"need\", or a call of its own",
                        );
                    }
                    if call.fallback.is_some() {
                        p.note_at("fallback", "calls made at once share one end: leave it out");
                    }
                });
            }
        });
    }
}
