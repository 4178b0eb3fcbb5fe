//! A log of changes of numbered rows (or streams), which can be followed from any position, and read as of any moment.
//!
//! Models: positions from 1, each with its row's version, the number that the row holds since, and its time. The log begins
//! with a *history*: as many changes of each row as its maker says, of before the run, row by row in turn.
//! Memory is bounded: of a log longer than it may keep, the oldest changes are *folded* into their rows. They still have
//! their positions, so who follows from the start has them to go through; but they tell no more than their sum, and moments
//! before them can't be read any more.
//! Does not model: several writers' logs that are merged, or a log that loses what it had (a failover).
//! Source: a log as the source of what follows it: Kreps, *The Log* (2013); `PostgreSQL`'s logical decoding and Debezium.
//! Chains of one row's changes are searched by jumps: Myers, *An applicative random-access stack* (Information Processing
//! Letters 17, 1983).

use std::collections::VecDeque;

use crate::time::Time;

/// A row as somebody sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Seen {
    /// The version; 0 for a row without any change.
    pub version: u64,
    /// The number that it holds.
    pub value: i64,
}

/// One change.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Change {
    /// The row.
    pub row: u32,
    /// What it is since.
    pub seen: Seen,
    /// When it happened; what is of before the run counts as of its start.
    pub time: Time,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Entry {
    change: Change,
    /// The position of the row's change before this one, and of one further back, or that one; 0 for none.
    before: u64,
    jump: u64,
    /// How many kept changes of this row lay before it.
    depth: u32,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Row {
    latest: Seen,
    /// The position of its latest change since the start of the run; 0 for none.
    position: u64,
    /// What its folded changes come to, and the time of the last of them.
    folded: Seen,
    folded_at: Time,
}

/// The changes of a set of rows, in order.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ChangeLog {
    entries: VecDeque<Entry>,
    rows: Vec<Row>,
    /// Changes of each row before the run, and what they come to.
    each: u64,
    value: i64,
    /// Changes up to this position are not kept one by one.
    folded: u64,
    most: usize,
}

impl ChangeLog {
    /// A log of `rows` rows (at least one), each with `each` changes before the run which come to `value`.
    pub fn new(rows: u32, each: u64, value: i64) -> Self {
        let start = Seen {
            version: each,
            value,
        };
        let row = Row {
            latest: start,
            position: 0,
            folded: start,
            folded_at: Time::ZERO,
        };
        Self {
            entries: VecDeque::new(),
            rows: vec![row; rows.max(1) as usize],
            each,
            value,
            folded: u64::from(rows) * each,
            most: crate::limits::CHANGES_KEPT,
        }
    }

    /// Keeps at most `most` changes one by one.
    #[must_use]
    pub fn keeping(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// The position of the latest change.
    pub fn head(&self) -> u64 {
        self.folded + self.entries.len() as u64
    }

    /// The last position of the history.
    pub fn history(&self) -> u64 {
        self.rows.len() as u64 * self.each
    }

    /// How many rows there are.
    pub fn rows(&self) -> u32 {
        self.rows.len() as u32
    }

    /// The row that a request's key names; keys beyond the last begin again at the first.
    pub fn row_of(&self, key: u64) -> u32 {
        (key % self.rows.len() as u64) as u32
    }

    /// A row as it is now.
    pub fn latest(&self, row: u32) -> Seen {
        self.rows[row as usize].latest
    }

    /// What the folded changes of a row come to, its history among them.
    pub fn folded_row(&self, row: u32) -> Seen {
        self.rows[row as usize].folded
    }

    /// Up to which position changes are folded, those of the history apart.
    pub fn folded(&self) -> u64 {
        self.folded
    }

    fn get(&self, position: u64) -> Option<&Entry> {
        let at = position.checked_sub(self.folded + 1)?;
        self.entries.get(at as usize)
    }

    /// The change at `position`; nothing if it is folded, or not there yet.
    pub fn change(&self, position: u64) -> Option<Change> {
        if let Some(entry) = self.get(position) {
            return Some(entry.change);
        }
        if !(1..=self.history()).contains(&position) {
            return None;
        }
        // Row by row in turn, each change as large as the others but for rounding.
        let rows = self.rows.len() as u64;
        let version = (position - 1) / rows + 1;
        let value = i128::from(self.value) * i128::from(version) / i128::from(self.each);
        Some(Change {
            row: ((position - 1) % rows) as u32,
            seen: Seen {
                version,
                value: value as i64,
            },
            time: Time::ZERO,
        })
    }

    /// Puts a change at the end; gives its position.
    pub fn append(&mut self, change: Change) -> u64 {
        let row = &self.rows[change.row as usize];
        debug_assert!(
            change.seen.version > row.latest.version,
            "versions of a row only rise"
        );
        let before = row.position;
        let (mut jump, mut depth) = (before, 0);
        if let Some(previous) = self.get(before) {
            depth = previous.depth + 1;
            if let Some(second) = self.get(previous.jump) {
                let third = self.get(second.jump).map_or(0, |entry| entry.depth);
                if previous.depth - second.depth == second.depth.saturating_sub(third) {
                    jump = second.jump;
                }
            }
        }
        self.entries.push_back(Entry {
            change,
            before,
            jump,
            depth,
        });
        let position = self.head();
        let row = &mut self.rows[change.row as usize];
        (row.latest, row.position) = (change.seen, position);
        while self.entries.len() > self.most
            && let Some(Entry { change, .. }) = self.entries.pop_front()
        {
            self.folded += 1;
            let row = &mut self.rows[change.row as usize];
            (row.folded, row.folded_at) = (change.seen, change.time);
        }
        position
    }

    /// The first kept change of a row for which `later` holds, as it does for all that follow it.
    fn first(&self, row: u32, later: impl Fn(&Change) -> bool) -> Option<&Entry> {
        let mut found = None;
        let mut at = self.rows[row as usize].position;
        while let Some(entry) = self.get(at)
            && later(&entry.change)
        {
            found = Some(entry);
            at = match self.get(entry.jump) {
                Some(far) if later(&far.change) => entry.jump,
                _ => entry.before,
            };
        }
        found
    }

    /// A row as it was at a moment, with what happened at that very moment; nothing if changes after it are folded.
    pub fn as_of(&self, row: u32, moment: Time) -> Option<Seen> {
        let state = &self.rows[row as usize];
        let Some(next) = self.first(row, |change| change.time > moment) else {
            let kept = self.get(state.position).is_some();
            return (kept || state.folded_at <= moment).then_some(state.latest);
        };
        match self.get(next.before) {
            Some(entry) => Some(entry.change.seen),
            None => (state.folded_at <= moment).then_some(state.folded),
        }
    }

    /// Since when there is a later version of a row than `version`. If that is folded, since the last folded one at the
    /// least.
    pub fn outdated(&self, row: u32, version: u64) -> Option<Time> {
        let state = &self.rows[row as usize];
        if state.latest.version <= version {
            return None;
        }
        if state.folded.version > version {
            return Some(state.folded_at);
        }
        let next = self.first(row, |change| change.seen.version > version);
        next.map(|entry| entry.change.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;
    use crate::time::Duration;

    fn at(millis: u64) -> Time {
        Time::ZERO + Duration::from_nanos(millis * 1_000_000)
    }

    fn put(log: &mut ChangeLog, row: u32, by: i64, millis: u64) {
        let Seen { version, value } = log.latest(row);
        log.append(Change {
            row,
            seen: Seen {
                version: version + 1,
                value: value + by,
            },
            time: at(millis),
        });
    }

    #[test]
    fn history_lies_before_the_run_row_by_row() {
        let log = ChangeLog::new(3, 4, 100);
        assert_eq!((log.head(), log.history(), log.folded()), (12, 12, 12));
        let change = log.change(5).expect("of the history");
        assert_eq!(
            (change.row, change.seen.version, change.seen.value),
            (1, 2, 50)
        );
        assert_eq!(log.change(0), None);
        assert_eq!(log.change(13), None);
        assert_eq!(log.as_of(2, at(0)).map(|seen| seen.value), Some(100));
    }

    #[test]
    fn a_row_is_read_as_of_any_moment_as_a_list_has_it() {
        let mut log = ChangeLog::new(4, 2, 10);
        let mut list = vec![vec![(0, 2, 10_i64)]; 4];
        let mut draws = Key::root(3).draws();
        let mut now = 0;
        for _ in 0..3_000 {
            now += u64::from(draws.below(3));
            let row = draws.below(4).min(draws.below(4));
            put(&mut log, row, i64::from(draws.below(9)) - 4, now);
            let Seen { version, value } = log.latest(row);
            list[row as usize].push((now, version, value));
        }
        for _ in 0..3_000 {
            let (row, moment) = (draws.below(4), u64::from(draws.below(now as u32 + 2)));
            let own = &list[row as usize];
            let expected = own.iter().rfind(|(time, ..)| *time <= moment);
            let seen = log.as_of(row, at(moment)).expect("all is kept");
            assert_eq!(
                expected.map(|e| (e.1, e.2)),
                Some((seen.version, seen.value))
            );
            let version = u64::from(draws.below(seen.version as u32 + 2));
            let next = own.iter().find(|(_, other, _)| *other > version);
            assert_eq!(log.outdated(row, version), next.map(|e| at(e.0)));
        }
    }

    #[test]
    fn a_long_chain_is_searched_in_few_steps() {
        let mut log = ChangeLog::new(1, 0, 0);
        for millis in 0..100_000 {
            put(&mut log, 0, 1, millis);
        }
        let steps = core::cell::Cell::new(0);
        for moment in [0, 1, 31_234, 65_535, 99_998] {
            steps.set(0);
            log.first(0, |change| {
                steps.set(steps.get() + 1);
                change.time > at(moment)
            });
            assert!(steps.get() < 120, "{} steps", steps.get());
        }
    }

    #[test]
    fn what_is_folded_keeps_its_sum_and_loses_its_moments() {
        let mut log = ChangeLog::new(2, 0, 0).keeping(10);
        for millis in 0..30 {
            put(&mut log, u32::from(millis % 3 == 0), 1, millis);
        }
        assert_eq!((log.head(), log.folded()), (30, 20));
        assert_eq!(
            log.folded_row(1),
            Seen {
                version: 7,
                value: 7
            }
        );
        assert_eq!(log.as_of(1, at(18)).map(|seen| seen.value), Some(7));
        assert_eq!(log.as_of(1, at(17)), None);
        assert_eq!(log.as_of(1, at(29)).map(|seen| seen.value), Some(10));
        assert_eq!(log.outdated(1, 7), Some(at(21)));
        assert_eq!(log.outdated(1, 3), Some(at(18)));
        assert_eq!(log.change(20), None);
        assert_eq!(log.change(21).map(|change| change.time), Some(at(20)));
    }
}
