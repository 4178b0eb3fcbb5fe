//! Changes that are made once, however often they are asked for: what a database remembers of those that it has made.
//!
//! Models: an identity that comes with the change and is kept in the same transaction, in a table with a unique index: the
//! idempotency keys of Stripe's API (kept for at least 24 hours) and the transactional inbox (Richardson, *Microservices
//! Patterns*, 2018, section 3.3: "tracking message ids in a table"). Who comes second waits for the first, whose row is
//! locked, and then finds the identity there. What a failover undoes takes its identity with it, for both were written by
//! one transaction. The oldest are forgotten, by age and where there is no more room.
//! Does not model: an identity that comes with another change than before, which Stripe refuses.

use std::collections::VecDeque;

use crate::index::Index;
use crate::time::{Duration, Time};

/// One change that was made.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Made {
    identity: u64,
    /// The version that it gave its row.
    version: u64,
    at: Time,
}

/// The identities of changes that were made, in the order of their versions.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Once {
    index: Index,
    made: VecDeque<Made>,
    /// The number of the first in `made`, counted over the whole run; it may wrap around.
    first: u32,
    most: u32,
}

impl Once {
    /// Nothing made yet; at most `most` will be remembered.
    pub fn new(most: u32) -> Self {
        Self {
            index: Index::default(),
            made: VecDeque::new(),
            first: 0,
            most: most.max(1),
        }
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.made.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.made.is_empty()
    }

    /// The version that the change with this identity gave its row, if it was made within the last `kept`.
    pub fn get(&self, identity: u64, kept: Duration, now: Time) -> Option<u64> {
        let (made, first) = (&self.made, self.first);
        let at = self.index.get(identity, |number| {
            made[number.wrapping_sub(first) as usize].identity
        })?;
        let made = &made[at.wrapping_sub(first) as usize];
        (made.at + kept >= now).then_some(made.version)
    }

    /// Remembers a change that is made now, unless it is remembered already.
    pub fn keep(&mut self, identity: u64, version: u64, kept: Duration, now: Time) {
        while self
            .made
            .front()
            .is_some_and(|oldest| oldest.at + kept < now)
            || self.made.len() >= self.most as usize
        {
            self.forget_oldest();
        }
        if self.get(identity, kept, now).is_some() {
            return;
        }
        let number = self.first.wrapping_add(self.made.len() as u32);
        self.index.insert(identity, number);
        self.made.push_back(Made {
            identity,
            version,
            at: now,
        });
    }

    /// A failover has undone all from `version` on.
    pub fn undo(&mut self, version: u64) {
        while self.made.back().is_some_and(|last| last.version >= version) {
            let (made, first) = (&self.made, self.first);
            if let Some(last) = made.back() {
                self.index.remove(last.identity, |number| {
                    made[number.wrapping_sub(first) as usize].identity
                });
            }
            self.made.pop_back();
        }
    }

    fn forget_oldest(&mut self) {
        let (made, first) = (&self.made, self.first);
        if let Some(oldest) = made.front() {
            self.index.remove(oldest.identity, |number| {
                made[number.wrapping_sub(first) as usize].identity
            });
        }
        self.made.pop_front();
        self.first = self.first.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use crate::random::Key;

    const DAY: Duration = Duration::from_nanos(86_400_000_000_000);

    fn at(secs: f64) -> Time {
        Time::from_secs(secs)
    }

    #[test]
    fn what_was_made_is_found_until_it_is_forgotten() {
        let mut once = Once::new(2);
        once.keep(7, 1, DAY, at(0.0));
        once.keep(8, 2, DAY, at(10.0));
        assert_eq!(once.get(7, DAY, at(20.0)), Some(1));
        assert_eq!(once.get(9, DAY, at(20.0)), None);
        // A day after the first, only the second is known; and there is room for two.
        assert_eq!(once.get(7, DAY, at(86_401.0)), None);
        assert_eq!(once.get(8, DAY, at(86_401.0)), Some(2));
        once.keep(9, 3, DAY, at(20.0));
        assert_eq!((once.len(), once.get(7, DAY, at(20.0))), (2, None));
        assert_eq!(once.get(8, DAY, at(20.0)), Some(2));
    }

    #[test]
    fn a_failover_takes_identities_back_with_their_changes() {
        let mut once = Once::new(10);
        for number in 1..=5 {
            once.keep(100 + number, number, DAY, at(1.0));
        }
        once.undo(4);
        let known = |once: &Once| (101..=105).map(|i| once.get(i, DAY, at(1.0))).collect();
        let expected = vec![Some(1), Some(2), Some(3), None, None];
        let found: Vec<Option<u64>> = known(&once);
        assert_eq!(found, expected);
        once.keep(105, 6, DAY, at(2.0));
        assert_eq!(once.get(105, DAY, at(2.0)), Some(6));
    }

    #[test]
    fn agrees_with_a_map_over_a_long_run() {
        let mut once = Once::new(50);
        let mut draws = Key::root(1).draws();
        let mut versions: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for step in 1..20_000_u64 {
            let identity = u64::from(draws.below(200));
            let (kept, now) = (Duration::from_nanos(300), Time::from_nanos(step * 7));
            let expected = versions
                .get(&identity)
                .filter(|(_, at)| at + 300 >= now.nanos())
                .map(|(version, _)| *version);
            // Of 50 and 300 ns at 7 ns a step, age comes first: 43 steps.
            assert_eq!(once.get(identity, kept, now), expected, "step {step}");
            if expected.is_none() {
                once.keep(identity, step, kept, now);
                versions.insert(identity, (step, now.nanos()));
            }
            assert!(once.len() <= 50);
        }
    }
}
