//! A projection: a table that follows a log of changes at its own pace.
//!
//! Models: one projector that takes changes in order, each when it has been delivered, up to a batch at once; what a batch did
//! is seen when it is committed. A checkpoint says how far it has come; after a crash it goes on from there, and what it
//! applies again changes nothing, because each row knows its version. A projection that starts from nothing goes through the
//! whole log.
//! Does not model: several projectors that share a log by key, changes that fail, or a log that is read slowly.
//! Sources: Young, *CQRS Documents* (2010); Axon's tracking event processors (tokens, batches, replays), Marten's async
//! daemon (high water, progress by shard), Debezium's offsets.
//! Nothing here plans events: [`Projection::due`] tells when something can be done, [`Projection::begin`] and
//! [`Projection::done`] do it.

use super::change_log::{ChangeLog, Seen};
use crate::time::{Duration, Time};

/// How a projection follows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Pace {
    /// Changes that it applies at once, at most.
    pub batch: u32,
    /// How long after it happened a change is delivered.
    pub delay: Duration,
    /// After how many changes it notes how far it has come; 1 for each time.
    pub checkpoint_every: u32,
}

/// What its projector is at.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Task {
    /// Nothing.
    Idle,
    /// It waits for a change to be delivered.
    Waiting,
    /// It applies so many changes.
    Applying(u32),
}

/// What came of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Done {
    /// Changes that it went through.
    pub changes: u32,
    /// Of these, those that had been applied before.
    pub again: u32,
    /// Of these, those that are seen for the first time.
    pub fresh: u32,
    /// How long ago those happened, added up.
    pub lags: Duration,
    /// How long ago at most.
    pub longest: Duration,
}

/// A table that follows a log.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Projection {
    rows: Vec<Seen>,
    /// Up to where it has applied since it started last.
    cursor: u64,
    /// Where it goes on after a crash.
    checkpoint: u64,
    /// Up to where it has ever applied.
    applied: u64,
    /// Up to where changes have been seen by those who ask, also before it was cleared.
    shown: u64,
    since_checkpoint: u32,
    task: Task,
    /// How often its task has changed, so that what was planned for an earlier one is void.
    turn: u32,
}

impl Projection {
    /// One that has all that `log` has.
    pub fn current(log: &ChangeLog) -> Self {
        let head = log.head();
        Self {
            rows: (0..log.rows()).map(|row| log.latest(row)).collect(),
            cursor: head,
            checkpoint: head,
            applied: head,
            shown: head,
            ..Self::empty(log)
        }
    }

    /// One that has nothing yet, and that nobody asks before it has taken another's place.
    pub fn empty(log: &ChangeLog) -> Self {
        Self {
            rows: vec![Seen::default(); log.rows() as usize],
            cursor: 0,
            checkpoint: 0,
            applied: 0,
            shown: u64::MAX,
            since_checkpoint: 0,
            task: Task::Idle,
            turn: 0,
        }
    }

    /// Forgets all, and begins at the start of the log.
    pub fn clear(&mut self) {
        self.rows.fill(Seen::default());
        (self.cursor, self.checkpoint, self.applied) = (0, 0, 0);
        self.since_checkpoint = 0;
        self.set(Task::Idle);
    }

    /// It answers from now on, instead of `other`.
    pub fn take_over(&mut self, other: &Self) {
        self.shown = other.shown.max(self.applied);
    }

    /// A row as those who ask see it.
    pub fn row(&self, row: u32) -> Seen {
        self.rows[row as usize]
    }

    /// Up to where it has ever applied the log.
    pub const fn applied(&self) -> u64 {
        self.applied
    }

    /// What its projector is at, and which turn of its work that is.
    pub const fn task(&self) -> (Task, u32) {
        (self.task, self.turn)
    }

    fn set(&mut self, task: Task) {
        self.task = task;
        self.turn = self.turn.wrapping_add(1);
    }

    /// How far those who ask are behind: in changes, and since when the first of them lacks.
    pub fn behind(&self, log: &ChangeLog, now: Time) -> (u64, Duration) {
        let behind = log.head().saturating_sub(self.applied);
        // What is folded is older than all that is kept.
        let next = (self.applied + 1).max(log.folded() + 1);
        let first = log.change(if behind > 0 { next } else { 0 });
        (
            behind,
            first.map_or(Duration::ZERO, |change| now.since(change.time)),
        )
    }

    /// When the next change will have been delivered; `None` if it has all there are.
    pub fn due(&self, log: &ChangeLog, pace: &Pace) -> Option<Time> {
        let next = self.cursor + 1;
        if next > log.head() {
            return None;
        }
        Some(log.change(next).map_or(Time::ZERO, |change| change.time) + pace.delay)
    }

    /// Its projector waits for the next change.
    pub fn wait(&mut self) {
        self.set(Task::Waiting);
    }

    /// Its projector takes what has been delivered: gives the positions, of which there is at least one if the next is due.
    pub fn begin(&mut self, log: &ChangeLog, pace: &Pace, now: Time) -> core::ops::Range<u64> {
        let first = self.cursor + 1;
        let most = first + u64::from(pace.batch);
        let mut end = first;
        while end < most
            && end <= log.head()
            && log
                .change(end)
                .is_none_or(|change| change.time + pace.delay <= now)
        {
            end += 1;
        }
        self.set(if end > first {
            Task::Applying((end - first) as u32)
        } else {
            Task::Idle
        });
        first..end
    }

    /// What it has been at is committed, and seen from now on.
    pub fn done(&mut self, log: &ChangeLog, pace: &Pace, now: Time) -> Done {
        let Task::Applying(changes) = self.task else {
            return Done::default();
        };
        let mut done = Done {
            changes,
            ..Done::default()
        };
        let first = self.cursor + 1;
        self.cursor += u64::from(changes);
        for position in first..=self.cursor {
            let change = log.change(position);
            if let Some(change) = change {
                self.see(change.row, change.seen);
            }
            if position <= self.applied {
                done.again += 1;
            } else if let Some(change) = change
                && position > self.shown
            {
                let lag = now.since(change.time);
                done.fresh += 1;
                done.lags += lag;
                done.longest = done.longest.max(lag);
            }
        }
        // Of what is folded only the sum is known.
        if first <= log.folded() && self.cursor >= log.folded() && log.folded() > log.history() {
            for row in 0..log.rows() {
                self.see(row, log.folded_row(row));
            }
        }
        self.applied = self.applied.max(self.cursor);
        self.shown = self.shown.max(self.applied);
        self.since_checkpoint = self.since_checkpoint.saturating_add(changes);
        if self.since_checkpoint >= pace.checkpoint_every {
            (self.checkpoint, self.since_checkpoint) = (self.cursor, 0);
        }
        self.set(Task::Idle);
        done
    }

    fn see(&mut self, row: u32, seen: Seen) {
        let own = &mut self.rows[row as usize];
        if seen.version > own.version {
            *own = seen;
        }
    }

    /// Its projector stops in the middle of what it is at.
    pub fn stop(&mut self) {
        self.set(Task::Idle);
    }

    /// Its projector starts again where it knows that it has been; tells how many changes it will apply again.
    pub fn restart(&mut self) -> u64 {
        self.set(Task::Idle);
        self.cursor = self.checkpoint;
        self.since_checkpoint = 0;
        self.applied - self.cursor
    }
}

#[cfg(test)]
mod tests {
    use super::super::change_log::Change;
    use super::*;
    use crate::random::Key;

    fn at(millis: u64) -> Time {
        Time::ZERO + Duration::from_nanos(millis * 1_000_000)
    }

    fn put(log: &mut ChangeLog, row: u32, millis: u64) {
        let Seen { version, value } = log.latest(row);
        log.append(Change {
            row,
            seen: Seen {
                version: version + 1,
                value: value + 1,
            },
            time: at(millis),
        });
    }

    fn pace(batch: u32, delay: u64, checkpoint_every: u32) -> Pace {
        Pace {
            batch,
            delay: Duration::from_nanos(delay * 1_000_000),
            checkpoint_every,
        }
    }

    #[test]
    fn it_takes_what_has_been_delivered_up_to_a_batch() {
        let mut log = ChangeLog::new(10, 1, 5);
        let mut projection = Projection::current(&log);
        assert_eq!(
            projection.row(3),
            Seen {
                version: 1,
                value: 5
            }
        );
        let pace = pace(3, 2, 1);
        assert_eq!(projection.due(&log, &pace), None);
        for n in 0..5 {
            put(&mut log, n, u64::from(n));
        }
        assert_eq!(projection.due(&log, &pace), Some(at(2)));
        assert_eq!(projection.begin(&log, &pace, at(3)), 11..13);
        // Nobody sees it yet.
        assert_eq!(projection.row(0).version, 1);
        assert_eq!(
            projection.behind(&log, at(4)),
            (5, Duration::from_millis(4.0))
        );
        let done = projection.done(&log, &pace, at(7));
        assert_eq!((done.changes, done.fresh, done.again), (2, 2, 0));
        assert_eq!(
            (done.lags, done.longest),
            (Duration::from_millis(13.0), Duration::from_millis(7.0))
        );
        assert_eq!(
            projection.row(1),
            Seen {
                version: 2,
                value: 6
            }
        );
        assert_eq!(projection.begin(&log, &pace, at(7)), 13..16);
    }

    #[test]
    fn after_a_crash_it_applies_again_what_came_after_its_checkpoint() {
        let mut log = ChangeLog::new(2, 0, 0);
        let mut projection = Projection::current(&log);
        let pace = pace(1, 0, 4);
        for n in 0..7 {
            put(&mut log, 0, n);
            projection.begin(&log, &pace, at(n));
            projection.done(&log, &pace, at(n));
        }
        put(&mut log, 0, 9);
        projection.begin(&log, &pace, at(9));
        assert_eq!(projection.restart(), 3);
        // What it has shown stays.
        assert_eq!(projection.row(0).version, 7);
        let mut again = 0;
        while projection.due(&log, &pace).is_some() {
            projection.begin(&log, &pace, at(20));
            again += projection.done(&log, &pace, at(20)).again;
            assert!(projection.row(0).version >= 7);
        }
        assert_eq!((again, projection.row(0).version), (3, 8));
    }

    #[test]
    fn whatever_happens_to_it_it_comes_to_what_the_log_has() {
        for seed in 0..200 {
            let mut draws = Key::root(seed).draws();
            let mut log = ChangeLog::new(5, u64::from(draws.below(4)), 12).keeping(30);
            let mut projection = Projection::current(&log);
            let pace = pace(1 + draws.below(7), 0, 1 + draws.below(9));
            let mut now = 0;
            for _ in 0..300 {
                now += 1;
                match draws.below(10) {
                    0..=4 => put(&mut log, draws.below(5), now),
                    5 | 6 if projection.task().0 == Task::Idle => {
                        projection.begin(&log, &pace, at(now));
                    }
                    5..=7 => {
                        projection.done(&log, &pace, at(now));
                    }
                    8 => {
                        projection.restart();
                    }
                    _ if draws.below(20) == 0 => projection.clear(),
                    _ => projection.stop(),
                }
            }
            while projection.due(&log, &pace).is_some() {
                projection.begin(&log, &pace, at(now));
                projection.done(&log, &pace, at(now));
            }
            for row in 0..5 {
                assert_eq!(projection.row(row), log.latest(row), "seed {seed}");
            }
            assert_eq!(projection.behind(&log, at(now)), (0, Duration::ZERO));
        }
    }
}
