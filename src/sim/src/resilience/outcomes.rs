//! The last outcomes of calls, as a circuit breaker's window of them: the last so many calls, or the last so many seconds.
//!
//! The window over time holds whole seconds of the clock, the present one among them, as resilience4j's does.

use crate::time::Time;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// How many calls there were, and of which kind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Tally {
    pub calls: u32,
    pub failures: u32,
    pub slow: u32,
}

impl Tally {
    pub const fn of(failed: bool, slow: bool) -> Self {
        Self {
            calls: 1,
            failures: failed as u32,
            slow: slow as u32,
        }
    }

    pub const fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.failures += other.failures;
        self.slow += other.slow;
    }

    const fn remove(&mut self, other: Self) {
        self.calls -= other.calls;
        self.failures -= other.failures;
        self.slow -= other.slow;
    }
}

/// A sliding window of outcomes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Outcomes {
    Calls(LastCalls),
    Seconds(LastSeconds),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct LastCalls {
    /// Each call: bit 0 if it failed, bit 1 if it was slow. Full once it has as many as fit.
    ring: Vec<u8>,
    size: u32,
    next: u32,
    sum: Tally,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct LastSeconds {
    ring: Vec<Tally>,
    second: u64,
    sum: Tally,
}

impl Outcomes {
    pub fn last_calls(size: u32) -> Self {
        Self::Calls(LastCalls {
            ring: Vec::with_capacity(size as usize),
            size,
            next: 0,
            sum: Tally::default(),
        })
    }

    pub fn last_seconds(size: u32) -> Self {
        Self::Seconds(LastSeconds {
            ring: vec![Tally::default(); size as usize],
            second: 0,
            sum: Tally::default(),
        })
    }

    /// Whether the window is of that kind and length.
    pub fn same_shape(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Calls(a), Self::Calls(b)) => a.size == b.size,
            (Self::Seconds(a), Self::Seconds(b)) => a.ring.len() == b.ring.len(),
            _ => false,
        }
    }

    /// The sum of the window when it was last added to.
    pub const fn sum(&self) -> Tally {
        match self {
            Self::Calls(calls) => calls.sum,
            Self::Seconds(seconds) => seconds.sum,
        }
    }

    pub fn clear(&mut self) {
        match self {
            Self::Calls(calls) => {
                calls.ring.clear();
                (calls.next, calls.sum) = (0, Tally::default());
            }
            Self::Seconds(seconds) => {
                seconds.ring.fill(Tally::default());
                seconds.sum = Tally::default();
            }
        }
    }

    /// Adds one outcome; gives the sum of the window.
    pub fn add(&mut self, now: Time, failed: bool, slow: bool) -> Tally {
        match self {
            Self::Calls(calls) => calls.add(failed, slow),
            Self::Seconds(seconds) => seconds.add(now, Tally::of(failed, slow)),
        }
    }
}

impl LastCalls {
    fn add(&mut self, failed: bool, slow: bool) -> Tally {
        let bits = u8::from(failed) | u8::from(slow) << 1;
        if self.ring.len() < self.size as usize {
            self.ring.push(bits);
        } else {
            let old = core::mem::replace(&mut self.ring[self.next as usize], bits);
            self.sum.remove(Tally::of(old & 1 != 0, old & 2 != 0));
            self.next = (self.next + 1) % self.size;
        }
        self.sum.add(Tally::of(failed, slow));
        self.sum
    }
}

impl LastSeconds {
    fn add(&mut self, now: Time, outcome: Tally) -> Tally {
        let length = self.ring.len() as u64;
        let second = now.nanos() / NANOS_PER_SECOND;
        let passed = second.saturating_sub(self.second).min(length);
        for old in 1..=passed {
            let tally = &mut self.ring[((self.second + old) % length) as usize];
            self.sum.remove(core::mem::take(tally));
        }
        self.second = self.second.max(second);
        self.ring[(self.second % length) as usize].add(outcome);
        self.sum.add(outcome);
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_call_makes_room() {
        let mut window = Outcomes::last_calls(3);
        let failures = [true, false, false, false, true]
            .map(|failed| window.add(Time::ZERO, failed, !failed).failures);
        assert_eq!(failures, [1, 1, 1, 0, 1]);
        let sum = window.add(Time::ZERO, false, false);
        assert_eq!((sum.calls, sum.failures, sum.slow), (3, 1, 1));
    }

    #[test]
    fn seconds_leave_the_window_whole() {
        let mut window = Outcomes::last_seconds(3);
        let calls = [0.9, 1.0, 2.9, 3.0, 3.9, 5.5, 900.0]
            .map(|at| window.add(Time::from_secs(at), true, false).calls);
        assert_eq!(calls, [1, 2, 3, 3, 4, 3, 1]);
    }
}
