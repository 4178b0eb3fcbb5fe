//! The latest writes of a database: who wrote which version, and when.

use std::collections::VecDeque;

use super::accounts::Effect;
use crate::event::RequestRef;
use crate::time::Time;

/// One write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Write {
    /// The version that it gave its row.
    pub version: u64,
    pub request: RequestRef,
    pub effect: Effect,
    /// By how much the row's number became greater.
    pub moved: i64,
    pub at: Time,
}

/// Writes in the order of their versions; of those, the latest.
#[derive(Clone, Debug)]
pub(super) struct Writes {
    latest: VecDeque<Write>,
    most: usize,
}

impl Writes {
    pub fn new(most: usize) -> Self {
        Self {
            latest: VecDeque::new(),
            most: most.max(1),
        }
    }

    /// A write, with a version greater than all before.
    pub fn note(&mut self, write: Write) {
        if self.latest.len() >= self.most {
            self.latest.pop_front();
        }
        self.latest.push_back(write);
    }

    /// The write that made a version.
    pub fn get(&self, version: u64) -> Option<Write> {
        let at = self
            .latest
            .binary_search_by_key(&version, |write| write.version);
        Some(self.latest[at.ok()?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_found_by_their_versions() {
        let mut writes = Writes::new(3);
        for version in [2, 5, 6, 9] {
            writes.note(Write {
                version,
                request: RequestRef::NONE,
                effect: Effect {
                    database: 0,
                    operation: 0,
                    row: version * 10,
                },
                moved: 0,
                at: Time::ZERO,
            });
        }
        let row = |version| writes.get(version).map(|write| write.effect.row);
        assert_eq!([2, 5, 7, 9].map(row), [None, Some(50), None, Some(90)]);
    }
}
