//! Concurrency limits: how many requests may be under way at once; the next is refused.
//!
//! Models: a fixed limit (a semaphore without a line), and one that finds its own size by additive increase and
//! multiplicative decrease, as `AIMDLimit` of Netflix's concurrency-limits does: one more after each success while at least
//! half of the limit is in use, a tenth less after each failure or slow answer.
//! Does not model: its limits by gradient of latency (`GradientLimit`, `VegasLimit`). Use is taken when a request ends, not when
//! it began.

use serde::{Deserialize, Serialize};

use super::Number;
use crate::limits;
use crate::problem::Problems;
use crate::time::Duration;

/// A limit on requests under way.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ConcurrencyLimit {
    /// Always as many.
    Fixed {
        /// Requests under way at most.
        most: u32,
    },
    /// More while all goes well, fewer when it does not.
    Aimd {
        /// The limit at the start.
        #[serde(default = "ten")]
        initial: u32,
        /// The highest that the limit can become.
        #[serde(default = "two_hundred")]
        most: u32,
        /// What a failure multiplies the limit by, 0.5 to below 1.
        #[serde(default = "nine_tenths")]
        back_off: f64,
        /// An answer that takes longer counts as a failure, in milliseconds.
        timeout_ms: f64,
    },
}

const fn ten() -> u32 {
    10
}

const fn two_hundred() -> u32 {
    200
}

const fn nine_tenths() -> f64 {
    0.9
}

impl ConcurrencyLimit {
    pub(crate) fn check(&self, p: &mut Problems) {
        match *self {
            Self::Fixed { most } => p.within("fixed", |p| {
                p.count("most", u64::from(most), 1, limits::QUEUE);
            }),
            Self::Aimd {
                initial,
                most,
                back_off,
                timeout_ms,
            } => p.within("aimd", |p| {
                p.count("most", u64::from(most), 1, limits::QUEUE);
                p.count("initial", u64::from(initial), 1, u64::from(most));
                p.number("back_off", back_off, 0.5, 0.999);
                p.number("timeout_ms", timeout_ms, 1e-3, limits::WORK_MS);
            }),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Aimd {
    most: u32,
    back_off: Number,
    timeout: Duration,
}

/// What a concurrency limit remembers.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ConcurrencyState {
    limit: u32,
    under_way: u32,
    aimd: Option<Aimd>,
}

impl ConcurrencyState {
    /// A limit with nothing under way.
    pub fn new(limit: &ConcurrencyLimit) -> Self {
        let mut state = Self {
            limit: 0,
            under_way: 0,
            aimd: None,
        };
        state.reconfigure(limit);
        state
    }

    /// Takes on changed settings. What is under way stays; a limit that had found its size keeps it.
    pub fn reconfigure(&mut self, limit: &ConcurrencyLimit) {
        match *limit {
            ConcurrencyLimit::Fixed { most } => (self.limit, self.aimd) = (most, None),
            ConcurrencyLimit::Aimd {
                initial,
                most,
                back_off,
                timeout_ms,
            } => {
                let found = self.aimd.map_or(initial, |_| self.limit);
                self.limit = found.min(most);
                self.aimd = Some(Aimd {
                    most,
                    back_off: Number::new(back_off),
                    timeout: Duration::from_millis(timeout_ms),
                });
            }
        }
    }

    /// How many may be under way now.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// How many are under way now.
    pub const fn under_way(&self) -> u32 {
        self.under_way
    }

    /// Asks for a request to come in; if it may, [`Self::leave`] must follow.
    pub const fn enter(&mut self) -> bool {
        let may = self.under_way < self.limit;
        self.under_way += may as u32;
        may
    }

    /// A request that came in has ended after `took`, well or not.
    pub fn leave(&mut self, ok: bool, took: Duration) {
        if let Some(aimd) = self.aimd {
            if !ok || took > aimd.timeout {
                let less = f64::from(self.limit) * aimd.back_off.get();
                self.limit = (less as u32).min(self.limit - 1).max(1);
            } else if self.under_way * 2 >= self.limit {
                self.limit = (self.limit + 1).min(aimd.most);
            }
        }
        self.under_way -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::problems;
    use super::*;

    #[test]
    fn settings_have_bounds() {
        let limit = r#"{ "aimd": { "most": 5, "back_off": 1, "timeout_ms": 0 } }"#;
        let limit: ConcurrencyLimit = crate::read_json(limit).expect("of the format");
        assert_eq!(
            problems(|p| limit.check(p)),
            [
                "aimd.initial: 10 is out of range: 1 to 5 is allowed",
                "aimd.back_off: 1 is out of range: 0.5 to 0.999 is allowed",
                "aimd.timeout_ms: 0 is out of range: 0.001 to 3600000 is allowed",
            ]
        );
    }

    #[test]
    fn no_more_than_the_limit_are_under_way() {
        let mut state = ConcurrencyState::new(&ConcurrencyLimit::Fixed { most: 2 });
        assert!(state.enter() && state.enter() && !state.enter());
        state.leave(false, Duration::ZERO);
        assert!(state.enter() && !state.enter());
        assert_eq!((state.limit(), state.under_way()), (2, 2));
    }

    #[test]
    fn it_grows_by_one_under_load_and_shrinks_by_a_part() {
        let mut state = ConcurrencyState::new(&ConcurrencyLimit::Aimd {
            initial: 10,
            most: 12,
            back_off: 0.9,
            timeout_ms: 100.0,
        });
        let quick = Duration::from_millis(100.0);
        for _ in 0..5 {
            assert!(state.enter());
        }
        state.leave(true, quick);
        assert_eq!(state.limit(), 11);
        // Four of eleven are not half of it.
        state.leave(true, quick);
        assert_eq!(state.limit(), 11);
        state.leave(true, Duration::from_millis(101.0));
        assert_eq!(state.limit(), 9);
        state.leave(false, quick);
        assert_eq!(state.limit(), 8);
        state.leave(false, quick);
        for _ in 0..100 {
            assert!(state.enter());
            state.leave(false, quick);
        }
        assert_eq!(state.limit(), 1);
        for _ in 0..100 {
            while state.enter() {}
            state.leave(true, quick);
        }
        assert_eq!(state.limit(), 12);
    }
}
