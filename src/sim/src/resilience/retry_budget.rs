//! The retry budget: retries may only be a part of the calls, so that they don't multiply an overload.
//!
//! Models: Finagle's `RetryBudget`, a token bucket in which each first try deposits `ratio` of a retry and each retry withdraws
//! one; deposits and withdrawals are forgotten after a window, in slices of a tenth of it; a reserve lets rare callers retry.
//! Does not model: gRPC's retry throttling (RFC A6), which counts failures against successes.

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::problem::Problems;
use crate::time::{Duration, Time};

/// How many retries there may be, as a part of the calls. The defaults are Finagle's.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RetryBudget {
    /// Retries for each first try, 0 to 10: 0.2 allows one retry for five calls.
    #[serde(default = "ratio")]
    pub ratio: f64,
    /// Retries a second that are allowed besides, for callers that have just begun or call rarely.
    #[serde(default = "min_per_s")]
    pub min_per_s: f64,
    /// How long a call counts, in seconds: 1 to 60.
    #[serde(default = "window_s")]
    pub window_s: f64,
}

const fn ratio() -> f64 {
    0.2
}

const fn min_per_s() -> f64 {
    10.0
}

const fn window_s() -> f64 {
    10.0
}

impl RetryBudget {
    pub(crate) fn check(&self, p: &mut Problems) {
        p.number("ratio", self.ratio, 0.0, 10.0);
        p.number("min_per_s", self.min_per_s, 0.0, limits::RATE_PER_S);
        p.number("window_s", self.window_s, 1.0, 60.0);
    }
}

/// Slices of the window.
const SLICES: u64 = 10;
/// What one retry costs; in whole numbers, so that a ratio adds up without error.
const RETRY: i64 = 1_000_000;

/// What a budget remembers.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RetryBudgetState {
    slice: u64,
    deposit: i64,
    reserve: i64,
    /// Deposits less withdrawals, by slice.
    sums: [i64; SLICES as usize],
    /// Their sum.
    balance: i64,
    /// The number of the slice under way.
    at: u64,
}

impl RetryBudgetState {
    /// A budget that has seen no call yet.
    pub fn new(budget: &RetryBudget) -> Self {
        let mut state = Self {
            slice: 1,
            deposit: 0,
            reserve: 0,
            sums: [0; SLICES as usize],
            balance: 0,
            at: 0,
        };
        state.reconfigure(budget);
        state
    }

    /// Takes on changed settings; what is on account stays, unless the window is another.
    pub fn reconfigure(&mut self, budget: &RetryBudget) {
        let slice = Duration::from_secs(budget.window_s / SLICES as f64).nanos();
        if slice != self.slice {
            (self.sums, self.balance, self.at) = ([0; SLICES as usize], 0, 0);
        }
        self.slice = slice.max(1);
        self.deposit = libm::rint(budget.ratio * RETRY as f64) as i64;
        self.reserve = libm::rint(budget.min_per_s * budget.window_s * RETRY as f64) as i64;
    }

    /// A call was tried for the first time.
    pub fn sent(&mut self, now: Time) {
        self.add(now, self.deposit);
    }

    /// So many retries could be made now.
    pub fn retries(&self, now: Time) -> u64 {
        let mut then = self.clone();
        then.add(now, 0);
        ((then.balance + then.reserve) / RETRY).max(0) as u64
    }

    /// Whether a retry may be made now; if so it is paid for.
    pub fn may_retry(&mut self, now: Time) -> bool {
        self.add(now, 0);
        let may = self.balance + self.reserve >= RETRY;
        if may {
            self.add(now, -RETRY);
        }
        may
    }

    fn add(&mut self, now: Time, amount: i64) {
        let slice = now.nanos() / self.slice;
        let passed = slice.saturating_sub(self.at).min(SLICES);
        for old in 1..=passed {
            let sum = &mut self.sums[((self.at + old) % SLICES) as usize];
            self.balance -= core::mem::take(sum);
        }
        self.at = self.at.max(slice);
        self.sums[(self.at % SLICES) as usize] += amount;
        self.balance += amount;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(ratio: f64, min_per_s: f64) -> RetryBudgetState {
        RetryBudgetState::new(&RetryBudget {
            ratio,
            min_per_s,
            window_s: 10.0,
        })
    }

    #[test]
    fn five_calls_pay_for_one_retry() {
        let mut budget = budget(0.2, 0.0);
        let now = Time::from_secs(3.0);
        for _ in 0..4 {
            budget.sent(now);
            assert!(!budget.may_retry(now));
        }
        budget.sent(now);
        assert!(budget.may_retry(now));
        assert!(!budget.may_retry(now));
    }

    #[test]
    fn calls_are_forgotten_after_the_window() {
        let mut budget = budget(1.0, 0.0);
        budget.sent(Time::from_secs(0.5));
        let mut later = budget.clone();
        assert!(budget.may_retry(Time::from_secs(9.9)));
        assert!(!later.may_retry(Time::from_secs(10.1)));
    }

    #[test]
    fn the_reserve_is_for_each_window() {
        let mut budget = budget(0.0, 2.0);
        let granted = |budget: &mut RetryBudgetState, at: f64| {
            (0..100)
                .filter(|_| budget.may_retry(Time::from_secs(at)))
                .count()
        };
        assert_eq!(granted(&mut budget, 0.0), 20);
        assert_eq!(granted(&mut budget, 9.9), 0);
        assert_eq!(granted(&mut budget, 10.0), 20);
        assert_eq!(granted(&mut budget, 500.0), 20);
    }
}
