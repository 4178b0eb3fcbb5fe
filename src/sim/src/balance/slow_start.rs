//! Slow start: a member that has come into service gets its weight bit by bit.
//!
//! As Envoy's `slow_start_config` with an aggression of 1: the share rises evenly with time, from a tenth. `HAProxy`'s
//! `slowstart` and nginx's `slow_start` are much alike. It works through weights, so policies that do not count them
//! ignore it, and so do rings. Members that are there when the run starts are warm.

use crate::time::{Duration, Time};

/// A share that is all of the weight, in percent.
pub(super) const FULL: u32 = 100;
/// The share to start with.
const FIRST: u32 = 10;

/// One member's way to its full weight.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SlowStart {
    since: Time,
    over: Duration,
}

impl SlowStart {
    /// A start at `since` that takes `over`.
    pub const fn new(since: Time, over: Duration) -> Self {
        Self { since, over }
    }

    /// The share of the weight at `now`, in percent, and when it is next another; no such moment once it is full.
    pub fn share(&self, now: Time) -> (u32, Option<Time>) {
        let (passed, over) = (
            u128::from(now.since(self.since).nanos()),
            u128::from(self.over.nanos()),
        );
        if passed >= over {
            return (FULL, None);
        }
        // Less than FULL, as `passed` is less than `over`.
        let share = ((passed * u128::from(FULL) / over) as u32).max(FIRST);
        let next = (over * u128::from(share + 1)).div_ceil(u128::from(FULL)) as u64;
        (share, Some(self.since + Duration::from_nanos(next)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_rises_evenly_from_a_tenth() {
        let start = SlowStart::new(Time::from_secs(5.0), Duration::from_secs(30.0));
        let share = |at| start.share(Time::from_secs(at)).0;
        assert_eq!(
            [5.0, 7.9, 8.3, 20.0, 34.99, 35.0].map(share),
            [10, 10, 11, 50, 99, 100]
        );
        // Each next moment is the first of the next share.
        let mut now = Time::from_secs(5.0);
        let mut steps = 0;
        while let (before, Some(next)) = start.share(now) {
            let early = start.share(next - Duration::from_nanos(1)).0;
            assert_eq!((early, start.share(next).0), (before, before + 1));
            now = next;
            steps += 1;
        }
        assert_eq!(steps, 90);
        assert_eq!(now, Time::from_secs(35.0));
    }

    #[test]
    fn no_time_is_no_slow_start() {
        assert_eq!(
            SlowStart::new(Time::ZERO, Duration::ZERO).share(Time::ZERO),
            (FULL, None)
        );
    }
}
