//! What keeps calls and places alive under trouble, one file each: settings as scenario types, and what they remember as
//! pure state machines. Time comes in as `now`, randomness as draws; the engine carries out what they decide.

mod autoscale;
mod autoscale_state;
mod breaker;
mod breaker_state;
mod concurrency;
mod keyed;
mod outcomes;
mod rate_limit;
mod retry;
mod retry_budget;
mod shedding;

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::problem::Problems;

pub use autoscale::{Autoscale, ScalingMetric, ScalingRule, StepDown, StepUp};
pub use autoscale_state::AutoscaleState;
pub use breaker::{Breaker, ConsecutiveBreaker, Trial, WindowBreaker, WindowUnit};
pub use breaker_state::{BreakerState, BreakerView, Permit, Phase, Threshold};
pub use concurrency::{ConcurrencyLimit, ConcurrencyState};
pub use rate_limit::{Admit, RateLimit, RateLimitState};
pub use retry::{Backoff, Jitter, Retry};
pub use retry_budget::{RetryBudget, RetryBudgetState};
pub use shedding::{Codel, CodelLaw, Shed, Shedding, SheddingState};

/// How a caller guards itself against the one it calls. Everything is optional; without any of it a call waits for ever and
/// is made once.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Resilience {
    /// How long one try waits for its answer, in milliseconds; a later answer is ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<f64>,
    /// Whether and when a failed try is made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// Whether a slow try gets company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hedge: Option<Hedge>,
    /// When to stop trying for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
}

/// Hedged requests: a try that takes long is sent once more, and the first answer counts (Dean and Barroso, *The tail at
/// scale*, Communications of the ACM 56(2), 2013).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Hedge {
    /// How long to wait for an answer before each further copy, in milliseconds; the paper takes the 95th percentile.
    pub after_ms: f64,
    /// How many further copies there may be, 1 to 5.
    #[serde(default = "one")]
    pub at_most: u32,
}

const fn one() -> u32 {
    1
}

impl Resilience {
    /// Whether it guards against nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn check(&self, p: &mut Problems) {
        if let Some(timeout) = self.timeout_ms {
            p.number("timeout_ms", timeout, 1e-3, limits::WORK_MS);
        }
        if let Some(retry) = &self.retry {
            p.within("retry", |p| retry.check(p));
        }
        if let Some(hedge) = &self.hedge {
            p.within("hedge", |p| {
                p.number("after_ms", hedge.after_ms, 0.0, limits::WORK_MS);
                p.count("at_most", u64::from(hedge.at_most), 1, limits::HEDGES);
                if let Some(timeout) = self.timeout_ms
                    && hedge.after_ms >= timeout
                {
                    p.note_at(
                        "after_ms",
                        format!(
                            "{} never comes: it must be less than the timeout of {timeout} ms",
                            hedge.after_ms
                        ),
                    );
                }
            });
        }
        if let Some(breaker) = &self.breaker {
            p.within("breaker", |p| breaker.check(p));
        }
    }
}

/// A setting with a fraction inside a state: compared and hashed by its bits, so that states have equality.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Number(u64);

impl Number {
    const fn new(value: f64) -> Self {
        Self(value.to_bits())
    }

    const fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a check finds, as text.
    pub fn problems(check: impl FnOnce(&mut Problems)) -> Vec<String> {
        let mut problems = Problems::default();
        check(&mut problems);
        let found = problems.or(()).err().unwrap_or_default();
        found.iter().map(ToString::to_string).collect()
    }

    fn problems_of(text: &str) -> Vec<String> {
        let resilience: Resilience = crate::read_json(text).expect("of the format");
        problems(|p| resilience.check(p))
    }

    #[test]
    fn everything_is_optional() {
        assert_eq!(problems_of("{}"), [""; 0]);
        let full = r#"{ "timeout_ms": 200, "hedge": { "after_ms": 50 },
            "retry": { "attempts": 3, "backoff": { "exponential": { "base_ms": 20, "cap_ms": 500, "jitter": "full" } }, "budget": {} },
            "breaker": { "window": { "size": 20, "failure_rate": 0.5, "open_ms": 5000 } } }"#;
        assert_eq!(problems_of(full), [""; 0]);
    }

    #[test]
    fn every_problem_has_its_path() {
        let wrong = r#"{ "timeout_ms": 0, "hedge": { "after_ms": 50, "at_most": 9 },
            "retry": { "attempts": 1, "backoff": { "exponential": { "base_ms": 20, "cap_ms": 5, "jitter": "full" } }, "budget": { "ratio": -1 } },
            "breaker": { "consecutive": { "failures": 0, "open_ms": 5000, "half_open_calls": 0 } } }"#;
        assert_eq!(
            problems_of(wrong),
            [
                "timeout_ms: 0 is out of range: 0.001 to 3600000 is allowed",
                "retry.attempts: 1 is out of range: 2 to 10 is allowed",
                "retry.backoff.exponential.cap_ms: 5 is out of range: 20 to 3600000 is allowed",
                "retry.budget.ratio: -1 is out of range: 0 to 10 is allowed",
                "hedge.at_most: 9 is out of range: 1 to 5 is allowed",
                "hedge.after_ms: 50 never comes: it must be less than the timeout of 0 ms",
                "breaker.consecutive.failures: 0 is out of range: 1 to 1000 is allowed",
                "breaker.consecutive.half_open_calls: 0 is out of range: 1 to 1000 is allowed",
            ]
        );
    }
}
