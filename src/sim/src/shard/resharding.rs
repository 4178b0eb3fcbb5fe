//! Keys on the move: one rule takes another's place while the keys are served.
//!
//! Models: the keys that change their owner are copied in the order of their numbers, a batch after the other; so two numbers
//! say where the move has come to, and only the batch at hand takes memory. Before a batch is copied, the writes that are
//! under way when it is marked must have ended (as Vitess waits for transactions before it stops writes, and `MongoDB` for a
//! range's critical section). What becomes of requests meanwhile is the [`Policy`].
//! Does not model: the work of deleting rows at their old owner, where they count as gone; or a move that is given up.

use serde::{Deserialize, Serialize};

use super::placement::Placement;
use crate::index::Index;

/// What becomes of requests for keys that are on the move.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// All go to the new owner at once, and the copy follows, over whatever is there by then: reads find nothing until it
    /// comes, and it undoes the writes that were quicker. This is what a changed list of servers does.
    AtOnce,
    /// The old owner serves a key until its batch is there; writes to keys of the batch at hand are held until then, as
    /// `MongoDB` holds them in the critical section of a migration and Vitess while it switches.
    HoldWrites,
    /// The old owner serves a key until its batch is there; writes to keys of the batch at hand are answered once both owners
    /// have them (dual writes). They are held only for the moment of the switch.
    DualWrites,
    /// Each key has its new owner as soon as its own copy is there. A read asks the new owner and, if that has nothing, the
    /// old one; writes go to whoever has the key, and are held only while that key itself is copied. So it is while Redis
    /// Cluster moves a slot (MIGRATING and ASK), though its clients ask the old owner first.
    DualReads,
}

impl Policy {
    /// Whether each key has its new owner as soon as it is there.
    const fn is_by_key(self) -> bool {
        matches!(self, Self::AtOnce | Self::DualReads)
    }
}

/// One rule taking another's place.
#[derive(Clone, PartialEq, Debug)]
pub struct Handover {
    /// Who has keys before.
    pub before: Placement,
    /// Who has them after.
    pub after: Placement,
    /// How many keys there are, from 0 on.
    pub keys: u64,
    /// How many are copied before the next are.
    pub batch: u32,
    /// What becomes of requests meanwhile.
    pub policy: Policy,
}

/// Where a request goes, by the numbers of shards.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Route {
    /// To this one.
    To(u16),
    /// To the first, and what it wrote to the second before it is answered.
    Both(u16, u16),
    /// Nowhere yet.
    Hold,
}

/// What comes next of a move.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Turn {
    /// It waits: for writes to end, or for copies to be there.
    Wait,
    /// The batch is to be copied.
    Copy,
    /// The batch is over: so many keys have their new owner.
    Switched(u32),
}

/// A key of the batch at hand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Moving {
    /// The key.
    pub key: u64,
    /// Its old owner.
    pub from: u16,
    /// Its new owner.
    pub to: u16,
    /// How often its copy has failed.
    pub failures: u32,
    /// The newest version of its old owner that the new one has; 0 if none.
    applied: u64,
    state: Copying,
    /// Writes to it that set out since the batch was marked.
    writes: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Copying {
    Todo,
    UnderWay,
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Phase {
    /// Nothing has begun.
    Before,
    /// Between two batches.
    Pausing,
    /// The batch is marked, and earlier writes end.
    Draining,
    /// The batch is copied.
    Copying,
    /// The batch is copied, and the last writes to both owners end.
    Switching,
    /// All keys have their new owners.
    Done,
}

/// How far a move has come.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Resharding {
    phase: Phase,
    /// Keys below this have their new owners.
    moved: u64,
    /// Keys below this have, or are in the batch at hand.
    marked: u64,
    /// The keys of the batch that move, in order.
    batch: Vec<Moving>,
    /// Which of the two counts new writes are in.
    epoch: u8,
    /// Writes under way, by epoch: those of before a moment end, however many come after it.
    writes: [u32; 2],
    /// How many keys have moved.
    keys_moved: u64,
    /// Writes that came to new owners before the copies: how many for which key. Only of [`Policy::AtOnce`].
    early: Early,
}

/// Counts by key.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Early {
    index: Index,
    counts: Vec<(u64, u32)>,
}

impl Early {
    fn at(&self, key: u64) -> Option<usize> {
        let found = self.index.get(key, |at| self.counts[at as usize].0);
        found.map(|at| at as usize)
    }

    fn add(&mut self, key: u64) {
        if let Some(at) = self.at(key) {
            self.counts[at].1 += 1;
        } else {
            self.index.insert(key, self.counts.len() as u32);
            self.counts.push((key, 1));
        }
    }

    fn take(&mut self, key: u64) -> u32 {
        let at = self.at(key);
        at.map_or(0, |at| core::mem::take(&mut self.counts[at].1))
    }
}

/// Keys that are looked at, at most, to find those of one batch.
const SCANNED: u64 = 20_000;

impl Default for Resharding {
    fn default() -> Self {
        Self {
            phase: Phase::Before,
            moved: 0,
            marked: 0,
            batch: Vec::new(),
            epoch: 0,
            writes: [0; 2],
            keys_moved: 0,
            early: Early::default(),
        }
    }
}

impl Resharding {
    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.phase != Phase::Before
    }

    /// Whether it is over.
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// How many keys have moved.
    pub const fn keys_moved(&self) -> u64 {
        self.keys_moved
    }

    fn find(&self, key: u64) -> Option<usize> {
        let at = self.batch.partition_point(|moving| moving.key < key);
        (self.batch.get(at)?.key == key).then_some(at)
    }

    /// Whether a key that changes its owner is with the new one.
    fn has_moved(&self, handover: &Handover, key: u64) -> bool {
        let is_copied = |at: usize| self.batch[at].state == Copying::Done;
        self.is_done()
            || key < self.moved
            || (handover.policy.is_by_key() && self.find(key).is_some_and(is_copied))
    }

    fn is_under_way(&self, key: u64) -> bool {
        let at = self.find(key);
        at.is_some_and(|at| self.batch[at].state == Copying::UnderWay)
    }

    /// The shard that has the data of `key`.
    pub fn home(&self, handover: &Handover, key: u64) -> u16 {
        let to = handover.after.owner(key);
        if self.is_done() {
            return to;
        }
        let from = handover.before.owner(key);
        if from != to && self.has_begun() && self.has_moved(handover, key) {
            to
        } else {
            from
        }
    }

    /// Where a request for `key` goes.
    pub fn route(&self, handover: &Handover, key: u64, writes: bool) -> Route {
        if self.is_done() {
            return Route::To(handover.after.owner(key));
        }
        let from = handover.before.owner(key);
        if !self.has_begun() {
            return Route::To(from);
        }
        let to = handover.after.owner(key);
        if from == to || self.has_moved(handover, key) {
            return Route::To(to);
        }
        let at_hand = key < self.marked;
        match handover.policy {
            Policy::AtOnce => Route::To(to),
            Policy::DualReads if !writes => Route::To(to),
            Policy::HoldWrites if writes && at_hand => Route::Hold,
            Policy::DualReads if self.is_under_way(key) => Route::Hold,
            Policy::DualWrites if writes && at_hand => match self.phase {
                Phase::Switching => Route::Hold,
                _ => Route::Both(from, to),
            },
            _ => Route::To(from),
        }
    }

    /// A write to `key` sets out. Gives what to say when it ends.
    pub fn begin_write(&mut self, key: u64) -> u8 {
        self.writes[usize::from(self.epoch)] += 1;
        if let Some(at) = self.find(key) {
            self.batch[at].writes += 1;
        }
        self.epoch
    }

    /// A write to `key` has ended, well or not.
    pub fn end_write(&mut self, epoch: u8, key: u64) {
        self.writes[usize::from(epoch)] -= 1;
        // Those of before the batch was marked are not counted there.
        if let Some(at) = self.find(key) {
            let writes = &mut self.batch[at].writes;
            *writes = writes.saturating_sub(u32::from(epoch == self.epoch));
        }
    }

    /// A write has been shown at `shard`; tells how many acknowledged writes are lost by it: it came too late to be copied.
    pub fn written(&mut self, handover: &Handover, key: u64, shard: u16) -> u32 {
        if !self.has_begun() {
            return 0;
        }
        let home = self.home(handover, key);
        if home == shard {
            return 0;
        }
        let is_early = handover.policy == Policy::AtOnce && shard == handover.after.owner(key);
        if is_early {
            self.early.add(key);
        }
        u32::from(!is_early)
    }

    /// Time for the next batch: marks it, unless one is at hand. The writes that are under way must end before it is copied.
    pub fn mark(&mut self, handover: &Handover) -> bool {
        if !matches!(self.phase, Phase::Before | Phase::Pausing) {
            return false;
        }
        self.batch.clear();
        let end = handover.keys.min(self.marked.saturating_add(SCANNED));
        while self.marked < end && self.batch.len() < handover.batch as usize {
            let key = self.marked;
            let (from, to) = (handover.before.owner(key), handover.after.owner(key));
            if from != to {
                self.batch.push(Moving {
                    key,
                    from,
                    to,
                    failures: 0,
                    applied: 0,
                    state: Copying::Todo,
                    writes: 0,
                });
            }
            self.marked += 1;
        }
        self.epoch ^= 1;
        self.phase = Phase::Draining;
        true
    }

    /// What comes next; to be asked after anything has ended.
    pub fn turn(&mut self, handover: &Handover) -> Turn {
        let earlier = usize::from(self.epoch ^ 1);
        match self.phase {
            Phase::Draining if self.writes[earlier] == 0 => {
                self.phase = Phase::Copying;
                if self.batch.is_empty() {
                    return self.switch(handover);
                }
                Turn::Copy
            }
            Phase::Copying if self.batch.iter().all(|m| m.state == Copying::Done) => {
                if handover.policy != Policy::DualWrites {
                    return self.switch(handover);
                }
                // The epoch that new writes now are in was drained before the batch was copied.
                self.epoch ^= 1;
                self.phase = Phase::Switching;
                self.turn(handover)
            }
            Phase::Switching if self.writes[earlier] == 0 => self.switch(handover),
            _ => Turn::Wait,
        }
    }

    fn switch(&mut self, handover: &Handover) -> Turn {
        let count = self.batch.len() as u32;
        self.keys_moved += u64::from(count);
        self.moved = self.marked;
        self.batch.clear();
        self.phase = if self.moved >= handover.keys {
            Phase::Done
        } else {
            Phase::Pausing
        };
        Turn::Switched(count)
    }

    /// The next key to copy, with its place in the batch; nothing if all are copied or under way, or none may be yet.
    pub fn next_copy(&mut self, handover: &Handover) -> Option<(u32, Moving)> {
        if self.phase != Phase::Copying {
            return None;
        }
        // Where writes go on until a key itself is copied, it is copied between two of them.
        let waits = handover.policy == Policy::DualReads;
        let may = |m: &Moving| m.state == Copying::Todo && !(waits && m.writes > 0);
        let at = self.batch.iter().position(may)?;
        self.batch[at].state = Copying::UnderWay;
        Some((at as u32, self.batch[at]))
    }

    /// The key of the batch that is copied at `place`.
    pub fn moving(&self, place: u32) -> Option<Moving> {
        self.batch.get(place as usize).copied()
    }

    /// A copy is there.
    pub fn copied(&mut self, place: u32) {
        if let Some(moving) = self.batch.get_mut(place as usize) {
            moving.state = Copying::Done;
        }
    }

    /// A copy has failed: it is made anew.
    pub fn failed(&mut self, place: u32) {
        if let Some(moving) = self.batch.get_mut(place as usize)
            && moving.state == Copying::UnderWay
        {
            moving.state = Copying::Todo;
            moving.failures += 1;
        }
    }

    /// A row comes to its key's new owner, as it was at version `version` of the old one (0: never written). Tells whether it
    /// takes the place of what is there, and how many writes are undone by it.
    pub fn arrives(&mut self, handover: &Handover, key: u64, version: u64) -> (bool, u32) {
        let Some(at) = self.find(key) else {
            return (false, 0);
        };
        let early = self.early.take(key);
        if handover.policy == Policy::AtOnce {
            return (version > 0 || early > 0, early);
        }
        // A copy must not undo a later write that was forwarded and was quicker.
        let is_newer = version > self.batch[at].applied;
        if is_newer {
            self.batch[at].applied = version;
        }
        (is_newer, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::placement::Partitioning;
    use super::*;

    /// Keys 0 to 9 belong to 0, and those from 5 on are to belong to 1.
    fn handover(policy: Policy) -> Handover {
        let shards = [("a".to_owned(), 0), ("b".to_owned(), 1)];
        let range = |bound| Partitioning::Range {
            bounds: vec![bound],
        };
        Handover {
            before: Placement::new(&range(100), &shards, None),
            after: Placement::new(&range(5), &shards, None),
            keys: 10,
            batch: 3,
            policy,
        }
    }

    /// Copies all keys of the batch at hand.
    fn copy(state: &mut Resharding, handover: &Handover) {
        while let Some((place, _)) = state.next_copy(handover) {
            state.copied(place);
        }
    }

    const ALL: [Policy; 4] = [
        Policy::AtOnce,
        Policy::HoldWrites,
        Policy::DualWrites,
        Policy::DualReads,
    ];

    #[test]
    fn keys_move_batch_by_batch_and_nothing_else_does() {
        for policy in ALL {
            let handover = handover(policy);
            let mut state = Resharding::default();
            assert_eq!(state.route(&handover, 7, true), Route::To(0));
            let mut switched = Vec::new();
            while !state.is_done() {
                state.mark(&handover);
                assert_eq!(state.turn(&handover), Turn::Copy);
                copy(&mut state, &handover);
                let Turn::Switched(keys) = state.turn(&handover) else {
                    panic!("{policy:?}")
                };
                switched.push((keys, state.home(&handover, 7), state.home(&handover, 8)));
            }
            assert_eq!(switched, [(3, 1, 0), (2, 1, 1)], "{policy:?}");
            assert_eq!(state.keys_moved(), 5);
            for key in 0..10 {
                let home = u16::from(key >= 5);
                assert_eq!(state.home(&handover, key), home);
                assert_eq!(state.route(&handover, key, true), Route::To(home));
            }
        }
    }

    #[test]
    fn what_becomes_of_requests_is_the_policys() {
        // A read and a write to a key of the batch at hand, and to one that comes later.
        let expected = [
            [Route::To(1), Route::To(1), Route::To(1), Route::To(1)],
            [Route::To(0), Route::Hold, Route::To(0), Route::To(0)],
            [Route::To(0), Route::Both(0, 1), Route::To(0), Route::To(0)],
            [Route::To(1), Route::To(0), Route::To(1), Route::To(0)],
        ];
        for (policy, expected) in ALL.into_iter().zip(expected) {
            let handover = handover(policy);
            let mut state = Resharding::default();
            state.mark(&handover);
            assert_eq!(state.turn(&handover), Turn::Copy);
            let routes = [(6, false), (6, true), (9, false), (9, true)];
            let routes = routes.map(|(key, writes)| state.route(&handover, key, writes));
            assert_eq!(routes, expected, "{policy:?}");
            assert_eq!(state.route(&handover, 2, true), Route::To(0));
        }
    }

    #[test]
    fn a_batch_waits_for_the_writes_of_before_it_was_marked() {
        for policy in ALL {
            let handover = handover(policy);
            let mut state = Resharding::default();
            let first = state.begin_write(6);
            state.mark(&handover);
            assert_eq!(state.turn(&handover), Turn::Wait);
            assert_eq!(state.next_copy(&handover), None);
            let second = state.begin_write(9);
            state.end_write(first, 6);
            assert_eq!(state.turn(&handover), Turn::Copy, "{policy:?}");
            copy(&mut state, &handover);
            if policy == Policy::DualWrites {
                // One that goes to both owners ends before the switch.
                assert_eq!(state.turn(&handover), Turn::Wait);
                assert_eq!(state.route(&handover, 6, true), Route::Hold);
                state.end_write(second, 9);
                assert_eq!(state.turn(&handover), Turn::Switched(3));
            } else {
                assert_eq!(state.turn(&handover), Turn::Switched(3), "{policy:?}");
                state.mark(&handover);
                assert_eq!(state.turn(&handover), Turn::Wait);
                state.end_write(second, 9);
                assert_eq!(state.turn(&handover), Turn::Copy);
            }
        }
    }

    #[test]
    fn a_copy_does_not_undo_a_forwarded_write_but_a_naive_one_does() {
        let dual = handover(Policy::DualWrites);
        let mut state = Resharding::default();
        state.mark(&dual);
        state.turn(&dual);
        assert_eq!(state.arrives(&dual, 6, 9), (true, 0));
        assert_eq!(state.arrives(&dual, 6, 8), (false, 0));
        assert_eq!(state.arrives(&dual, 7, 0), (false, 0));
        assert_eq!(state.written(&dual, 6, 0), 0);

        let naive = handover(Policy::AtOnce);
        let mut state = Resharding::default();
        state.mark(&naive);
        state.turn(&naive);
        for _ in 0..2 {
            assert_eq!(state.written(&naive, 6, 1), 0);
        }
        assert_eq!(state.arrives(&naive, 6, 0), (true, 2));
        assert_eq!(state.arrives(&naive, 7, 0), (false, 0));
        copy(&mut state, &naive);
        // The old owner's time is over.
        assert_eq!(state.written(&naive, 6, 0), 1);
        assert_eq!(state.written(&naive, 6, 1), 0);
    }

    #[test]
    fn with_dual_reads_a_key_is_copied_between_two_writes() {
        let handover = handover(Policy::DualReads);
        let mut state = Resharding::default();
        state.mark(&handover);
        state.turn(&handover);
        let write = state.begin_write(5);
        let other = state.begin_write(0);
        let first = state.next_copy(&handover).map(|(_, moving)| moving.key);
        assert_eq!(first, Some(6));
        assert_eq!(state.route(&handover, 6, true), Route::Hold);
        assert_eq!(state.route(&handover, 6, false), Route::To(1));
        assert_eq!(state.route(&handover, 5, true), Route::To(0));
        assert_eq!(state.next_copy(&handover).map(|(_, m)| m.key), Some(7));
        assert_eq!(state.next_copy(&handover), None);
        state.end_write(write, 5);
        assert_eq!(state.next_copy(&handover).map(|(_, m)| m.key), Some(5));
        state.copied(0);
        assert_eq!(state.route(&handover, 5, true), Route::To(1));
        state.end_write(other, 0);
    }

    #[test]
    fn a_copy_that_failed_is_made_anew() {
        let handover = handover(Policy::HoldWrites);
        let mut state = Resharding::default();
        state.mark(&handover);
        state.turn(&handover);
        let (place, moving) = state.next_copy(&handover).expect("the first");
        state.failed(place);
        assert_eq!(
            state.next_copy(&handover).map(|(_, again)| again.key),
            Some(moving.key)
        );
        state.copied(place);
        assert_eq!(
            state.moving(place).map(|m| (m.key, m.from, m.to)),
            Some((5, 0, 1))
        );
        assert_eq!(state.turn(&handover), Turn::Wait);
    }
}
