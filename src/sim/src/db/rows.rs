//! Rows by key: which version each has, since when, and one whole number that it holds (a stock, a balance).
//!
//! Models: what others may see, that is, what is committed. Only rows that were written take memory, so a table may have
//! any number of them. Versions come from one counter for the whole database and are never used twice, like the log
//! positions of `PostgreSQL` and `MySQL`: of two versions of a row the greater is the newer, also after a failover.
//! Does not model: older versions (see the log in [`Replication`](super::Replication)), or what columns a row has.

use crate::index::Index;
use crate::time::Time;

/// What is committed of one row.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Row {
    /// The version; 0 for a row that was never written.
    pub version: u64,
    /// The number that it holds.
    pub value: i64,
    /// When this version was committed.
    pub since: Time,
}

/// What a commit did.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Written {
    /// The row.
    pub key: u64,
    /// What it is now.
    pub after: Row,
    /// What it was before.
    pub before: Row,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Slot {
    key: u64,
    row: Row,
}

/// The rows of one database that were written.
///
/// It keeps as many as it was made for. A row written beyond that is not kept: it goes on reading as before, and
/// [`Rows::untracked`] counts how often that was.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Rows {
    index: Index,
    slots: Vec<Slot>,
    most: u32,
    /// The version given last.
    last: u64,
    untracked: u64,
}

impl Rows {
    /// No row written yet; at most `most` will be kept.
    pub fn new(most: u32) -> Self {
        Self {
            index: Index::default(),
            slots: Vec::new(),
            most,
            last: 0,
            untracked: 0,
        }
    }

    fn find(&self, key: u64) -> Option<u32> {
        self.index.get(key, |at| self.slots[at as usize].key)
    }

    /// What is committed of row `key`, which held `initial` at the start.
    pub fn get(&self, key: u64, initial: i64) -> Row {
        let never = Row {
            value: initial,
            ..Row::default()
        };
        self.find(key)
            .map_or(never, |at| self.slots[at as usize].row)
    }

    /// The version of row `key`; 0 if it was never written.
    pub fn read(&self, key: u64) -> u64 {
        self.get(key, 0).version
    }

    /// Gives row `key`, which held `initial` at the start, a new version that holds `value`.
    pub fn commit(&mut self, key: u64, initial: i64, value: i64, now: Time) -> Written {
        let written = self.prepare(key, initial, value, now);
        self.publish(&written);
        written
    }

    /// The same, but nobody sees it until [`Rows::publish`]: `MySQL`'s `AFTER_SYNC` and `PostgreSQL` show a write when the
    /// replicas that it waits for have it. The row must not be written in between; its lock sees to that.
    pub fn prepare(&mut self, key: u64, initial: i64, value: i64, now: Time) -> Written {
        self.last += 1;
        let after = Row {
            version: self.last,
            value,
            since: now,
        };
        let before = self.get(key, initial);
        Written { key, after, before }
    }

    /// Shows what was prepared.
    pub fn publish(&mut self, written: &Written) {
        self.put(written.key, written.after);
    }

    /// Makes a row what it was before `written`, whose write is lost. Later writes of the row must have been undone first.
    pub fn undo(&mut self, written: &Written) {
        self.put(written.key, written.before);
    }

    fn put(&mut self, key: u64, row: Row) {
        if let Some(at) = self.find(key) {
            self.slots[at as usize].row = row;
        } else if self.slots.len() < self.most as usize {
            self.index.insert(key, self.slots.len() as u32);
            self.slots.push(Slot { key, row });
        } else {
            self.untracked += 1;
        }
    }

    /// The version given last: how many writes there were.
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// Writes of rows for which there was no room.
    pub const fn untracked(&self) -> u64 {
        self.untracked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_rise_over_all_rows_and_are_never_used_twice() {
        let mut rows = Rows::new(10);
        assert_eq!(
            rows.get(7, 10),
            Row {
                value: 10,
                ..Row::default()
            }
        );
        let now = Time::from_secs(1.0);
        assert_eq!(rows.commit(7, 10, 9, now).before.value, 10);
        let second = rows.commit(8, 0, 1, now);
        let third = rows.commit(7, 10, 8, now);
        assert_eq!((second.after.version, third.before.version), (2, 1));
        assert_eq!((rows.read(7), rows.read(8), rows.read(9)), (3, 2, 0));
        rows.undo(&third);
        assert_eq!((rows.read(7), rows.get(7, 10).value), (1, 9));
        assert_eq!(rows.commit(7, 10, 0, now).after.version, 4);
    }

    #[test]
    fn beyond_its_bound_a_write_is_counted_and_not_kept() {
        let mut rows = Rows::new(2);
        for key in 0..5 {
            rows.commit(key, 0, 1, Time::ZERO);
        }
        rows.commit(1, 0, 2, Time::ZERO);
        assert_eq!((rows.untracked(), rows.last(), rows.slots.len()), (3, 6, 2));
        assert_eq!((rows.read(1), rows.read(4)), (6, 0));
    }
}
