//! Circuit breakers: stop calling what fails, and try again after a while (Nygard, *Release It!*, 2007).
//!
//! Models: a breaker that opens after failures in a row, as pybreaker, gobreaker and cockatiel's `ConsecutiveBreaker` do, and one
//! that opens at a rate of failures or slow calls over a sliding window, as resilience4j does. Their rules differ at the
//! edges: whether the wait must be over or passed (`strictly_after`), and how trials are judged (`trial`).
//! Does not model: a breaker shared over a network, or one forced open by hand.

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::problem::Problems;

/// A circuit breaker. While open it refuses every call; then it lets some through on trial (half-open), and their outcomes
/// close it or open it again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Breaker {
    /// Opens after failures in a row.
    Consecutive(ConsecutiveBreaker),
    /// Opens at a rate of failures among the last calls.
    Window(WindowBreaker),
}

/// Opens after failures in a row. Closes after successes in a row on trial; one failure on trial opens it again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConsecutiveBreaker {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open, in milliseconds.
    pub open_ms: f64,
    /// Calls let through on trial; as many successes close it.
    #[serde(default = "super::one")]
    pub half_open_calls: u32,
    /// Whether the first trial comes only after `open_ms` have passed, and not yet at that moment (as with pybreaker and
    /// cockatiel).
    #[serde(default)]
    pub strictly_after: bool,
}

/// Opens when the rate of failures, or of slow calls, among the last calls reaches a bound.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WindowBreaker {
    /// How many calls, or seconds, the window holds.
    pub size: u32,
    /// What the window holds.
    #[serde(default)]
    pub unit: WindowUnit,
    /// Calls that must be in the window before their rates mean anything; a window of calls judges at the latest when full.
    #[serde(default = "super::one")]
    pub min_calls: u32,
    /// The part of failures, above 0 to 1, that opens it.
    pub failure_rate: f64,
    /// A call that takes longer is slow, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_call_ms: Option<f64>,
    /// The part of slow calls, above 0 to 1, that opens it; goes with `slow_call_ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_rate: Option<f64>,
    /// How long it stays open, in milliseconds.
    pub open_ms: f64,
    /// Calls let through on trial.
    #[serde(default = "super::one")]
    pub half_open_calls: u32,
    /// How the trial is judged.
    #[serde(default)]
    pub trial: Trial,
    /// Whether the first trial comes only after `open_ms` have passed (resilience4j) and not yet at that moment (cockatiel).
    #[serde(default)]
    pub strictly_after: bool,
}

/// What a breaker's window holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum WindowUnit {
    /// The last calls.
    #[default]
    Calls,
    /// The calls of the last whole seconds, the present one among them.
    Seconds,
}

/// How the calls on trial are judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Trial {
    /// By their rates, once all have ended; closing begins an empty window (resilience4j).
    #[default]
    Together,
    /// One failed or slow call opens the breaker again; if all succeed, they are the first of the new window (cockatiel).
    OneByOne,
}

impl Breaker {
    pub(crate) fn check(&self, p: &mut Problems) {
        match self {
            Self::Consecutive(breaker) => p.within("consecutive", |p| breaker.check(p)),
            Self::Window(breaker) => p.within("window", |p| breaker.check(p)),
        }
    }
}

impl ConsecutiveBreaker {
    fn check(&self, p: &mut Problems) {
        let calls = limits::BREAKER_CALLS;
        p.count("failures", u64::from(self.failures), 1, calls);
        p.number("open_ms", self.open_ms, 1e-3, limits::WORK_MS);
        p.count("half_open_calls", u64::from(self.half_open_calls), 1, calls);
    }
}

impl WindowBreaker {
    fn check(&self, p: &mut Problems) {
        let calls = limits::BREAKER_CALLS;
        let size = match self.unit {
            WindowUnit::Calls => calls,
            WindowUnit::Seconds => limits::BREAKER_SECONDS,
        };
        p.count("size", u64::from(self.size), 1, size);
        p.count("min_calls", u64::from(self.min_calls), 1, calls);
        p.number("failure_rate", self.failure_rate, 1e-6, 1.0);
        match (self.slow_call_ms, self.slow_rate) {
            (Some(slow_call_ms), Some(slow_rate)) => {
                p.number("slow_call_ms", slow_call_ms, 0.0, limits::WORK_MS);
                p.number("slow_rate", slow_rate, 1e-6, 1.0);
            }
            (Some(_), None) => p.note_at("slow_call_ms", "it needs a slow_rate beside it"),
            (None, Some(_)) => p.note_at("slow_rate", "it needs a slow_call_ms beside it"),
            (None, None) => {}
        }
        p.number("open_ms", self.open_ms, 1e-3, limits::WORK_MS);
        p.count("half_open_calls", u64::from(self.half_open_calls), 1, calls);
    }
}
