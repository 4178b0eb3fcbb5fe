//! Retries: how often a failed call is tried again, and how long to wait before each try.
//!
//! Models: a fixed wait and capped exponential back-off, plain or with the jitters of Brooker, *Exponential backoff and
//! jitter* (AWS Architecture Blog, 2015); an optional retry budget shared by all calls from one place. The waits are those of
//! tenacity's `wait_exponential` and `wait_random_exponential`, and with `immediate_first` of urllib3's `Retry`.
//! Does not model: answers that tell when to come back (`Retry-After`), or failures that are not worth a retry.

use serde::{Deserialize, Serialize};

use super::RetryBudget;
use crate::limits;
use crate::problem::Problems;
use crate::random::Draws;
use crate::time::Duration;

/// Tries a failed call again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Tries in all, the first among them: 2 to 10.
    pub attempts: u32,
    /// How long to wait before each further try.
    pub backoff: Backoff,
    /// How many retries there may be for all the calls that share these settings. Without it, every failure is retried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<RetryBudget>,
}

/// How long to wait before a retry.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Backoff {
    /// Always as long.
    Fixed {
        /// The wait, in milliseconds; 0 for none.
        wait_ms: f64,
    },
    /// Twice as long each time, up to a cap.
    Exponential {
        /// The wait before the first retry, in milliseconds.
        base_ms: f64,
        /// The longest wait, in milliseconds.
        cap_ms: f64,
        /// How the waits of many callers are spread out.
        #[serde(default)]
        jitter: Jitter,
        /// Whether the first retry goes at once; the second then waits as it would anyway.
        #[serde(default)]
        immediate_first: bool,
    },
}

/// How the waits of many callers are spread out, so that they don't all come back at once. The capped exponential wait is `w`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// Not at all: `w`.
    #[default]
    None,
    /// Evenly between 0 and `w`.
    Full,
    /// Evenly between `w`/2 and `w`.
    Equal,
    /// Evenly between the base and three times the wait before, up to the cap.
    Decorrelated,
}

impl Retry {
    pub(crate) fn check(&self, p: &mut Problems) {
        p.count("attempts", u64::from(self.attempts), 2, limits::ATTEMPTS);
        p.within("backoff", |p| self.backoff.check(p));
        if let Some(budget) = &self.budget {
            p.within("budget", |p| budget.check(p));
        }
    }
}

impl Backoff {
    pub(crate) fn check(&self, p: &mut Problems) {
        match self {
            Self::Fixed { wait_ms } => {
                p.within("fixed", |p| {
                    p.number("wait_ms", *wait_ms, 0.0, limits::WORK_MS);
                });
            }
            Self::Exponential {
                base_ms, cap_ms, ..
            } => p.within("exponential", |p| {
                p.number("base_ms", *base_ms, 1e-3, limits::WORK_MS);
                p.number("cap_ms", *cap_ms, *base_ms, limits::WORK_MS);
            }),
        }
    }

    /// The wait before retry number `retry` (the first is 1), after one of `previous` (zero before the first).
    pub fn wait(&self, retry: u32, previous: Duration, draws: &mut Draws) -> Duration {
        let (base_ms, cap_ms, jitter) = match *self {
            Self::Fixed { wait_ms } => return Duration::from_millis(wait_ms),
            Self::Exponential {
                immediate_first: true,
                ..
            } if retry <= 1 => return Duration::ZERO,
            Self::Exponential {
                base_ms,
                cap_ms,
                jitter,
                ..
            } => (base_ms, cap_ms, jitter),
        };
        let base = Duration::from_millis(base_ms).nanos();
        let cap = Duration::from_millis(cap_ms).nanos();
        let doubled = 1_u64.checked_shl(retry.saturating_sub(1));
        let wait = base.saturating_mul(doubled.unwrap_or(u64::MAX)).min(cap);
        let nanos = match jitter {
            Jitter::None => wait,
            Jitter::Full => between(0, wait, draws),
            Jitter::Equal => between(wait / 2, wait, draws),
            Jitter::Decorrelated => {
                let before = previous.nanos().max(base);
                between(base, before.saturating_mul(3), draws).min(cap)
            }
        };
        Duration::from_nanos(nanos)
    }
}

/// A uniform draw between two lengths in nanoseconds, rounded once.
fn between(low: u64, high: u64, draws: &mut Draws) -> u64 {
    low + libm::rint((high - low) as f64 * draws.unit()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    fn exponential(jitter: Jitter) -> Backoff {
        Backoff::Exponential {
            base_ms: 100.0,
            cap_ms: 5_000.0,
            jitter,
            immediate_first: false,
        }
    }

    /// Least, mean and greatest wait in milliseconds of many draws of one retry.
    fn spread(jitter: Jitter, retry: u32, previous_ms: f64) -> [f64; 3] {
        let n = 50_000;
        let mut sum = 0.0;
        let (mut least, mut greatest) = (f64::MAX, 0.0_f64);
        for i in 0..n {
            let mut draws = Key::root(4).with(i).draws();
            let previous = Duration::from_millis(previous_ms);
            let wait = exponential(jitter).wait(retry, previous, &mut draws);
            let wait = wait.millis();
            sum += wait;
            least = least.min(wait);
            greatest = greatest.max(wait);
        }
        [least, sum / n as f64, greatest]
    }

    #[track_caller]
    fn near(found: [f64; 3], expected: [f64; 3]) {
        let width = expected[2] - expected[0];
        for (found, expected) in found.into_iter().zip(expected) {
            assert!(
                (found - expected).abs() < 0.01 * width,
                "{found} {expected}"
            );
        }
    }

    #[test]
    fn jitters_spread_as_they_say() {
        near(spread(Jitter::Full, 3, 0.0), [0.0, 200.0, 400.0]);
        near(spread(Jitter::Equal, 3, 0.0), [200.0, 300.0, 400.0]);
        // The first time, the wait before counts as the base.
        near(spread(Jitter::Decorrelated, 1, 0.0), [100.0, 200.0, 300.0]);
        near(
            spread(Jitter::Decorrelated, 5, 700.0),
            [100.0, 1_100.0, 2_100.0],
        );
        let [least, _, greatest] = spread(Jitter::Decorrelated, 9, 4_000.0);
        assert!(least >= 100.0 && (greatest - 5_000.0).abs() < 1e-9);
    }

    #[test]
    fn no_number_of_a_retry_overflows() {
        let mut draws = Key::root(1).draws();
        for retry in [0, 40, 64, u32::MAX] {
            let wait = exponential(Jitter::None).wait(retry, Duration::MAX, &mut draws);
            assert!(wait <= Duration::from_millis(5_000.0));
        }
        let wait = exponential(Jitter::Decorrelated).wait(3, Duration::MAX, &mut draws);
        assert!(wait <= Duration::from_millis(5_000.0));
    }
}
