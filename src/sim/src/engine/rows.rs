//! Rows of databases by key: which version each has, and since when.
//!
//! Models: what others may see, that is, what is committed. Only rows that were written take memory. Versions come from one
//! counter for the whole database and are never used twice, like the log positions of `PostgreSQL` and `MySQL`: of two versions
//! of a row the greater is the newer.

use super::Engine;
use crate::calendar::Due;
use crate::frame::{FrameId, Value};
use crate::index::Index;
use crate::probe::Probe;
use crate::time::Time;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Slot {
    key: u64,
    version: u64,
    since: Time,
}

/// The rows of one database that were written.
///
/// It keeps as many as it was made for. A row written beyond that goes on reading as before.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Rows {
    index: Index,
    slots: Vec<Slot>,
    most: u32,
    /// The version given last.
    last: u64,
}

impl Rows {
    /// No row written yet; at most `most` will be kept.
    pub fn new(most: u32) -> Self {
        Self {
            index: Index::default(),
            slots: Vec::new(),
            most,
            last: 0,
        }
    }

    fn find(&self, key: u64) -> Option<u32> {
        self.index.get(key, |at| self.slots[at as usize].key)
    }

    /// The version of row `key`; 0 if it was never written.
    pub fn read(&self, key: u64) -> u64 {
        self.find(key)
            .map_or(0, |at| self.slots[at as usize].version)
    }

    /// Since when row `key` has its version.
    pub fn since(&self, key: u64) -> Time {
        self.find(key)
            .map_or(Time::ZERO, |at| self.slots[at as usize].since)
    }

    /// Gives row `key` a new version, and tells which.
    pub fn commit(&mut self, key: u64, now: Time) -> u64 {
        self.last += 1;
        let slot = Slot {
            key,
            version: self.last,
            since: now,
        };
        if let Some(at) = self.find(key) {
            self.slots[at as usize] = slot;
        } else if self.slots.len() < self.most as usize {
            self.index.insert(key, self.slots.len() as u32);
            self.slots.push(slot);
        }
        self.last
    }
}

impl<P: Probe> Engine<P> {
    /// A frame at a database reads the row that it is about, or gives it a new version.
    pub(super) fn row(&mut self, id: FrameId, write: bool) {
        let frame = &mut self.frames[id];
        let key = frame.data;
        let source = self.model.stations[frame.station as usize].component;
        let rows = &mut self.rows[usize::from(source)];
        let database = &self.model.components[usize::from(source)];
        let version = if write {
            rows.commit(key, self.now)
        } else {
            rows.read(key)
        };
        frame.outcome = Ok(Value {
            version,
            source,
            absent: version == 0 && key >= database.rows,
            ..Value::default()
        });
        frame.step += 1;
        if write {
            for &cache in &database.told {
                let told = self.model.components[usize::from(cache)].cache.as_ref();
                if let Some(delay) = told.and_then(|cache| cache.told_after) {
                    self.caches.news[usize::from(cache)].push_back((key, version));
                    self.calendar.plan(self.now + delay, Due::Told { cache });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_rise_over_all_rows_and_are_never_used_twice() {
        let mut rows = Rows::new(2);
        let at = Time::from_secs;
        assert_eq!((rows.commit(7, at(1.0)), rows.commit(8, at(2.0))), (1, 2));
        assert_eq!(rows.commit(7, at(3.0)), 3);
        assert_eq!((rows.read(7), rows.read(8), rows.read(9)), (3, 2, 0));
        assert_eq!((rows.since(7), rows.since(9)), (at(3.0), Time::ZERO));
        // Beyond its bound a write is not kept, but its version is not used again.
        rows.commit(9, at(4.0));
        assert_eq!((rows.read(9), rows.commit(8, at(5.0))), (0, 5));
    }
}
