//! A primary's log: the writes that some replica has not applied yet.
//!
//! Besides its order it knows, for each write, the earlier one of the same row, so that a row can be read as of any position
//! in the log. A hot row has long chains while a replica is held up, so each entry also has a jump to a write further back,
//! set as in Myers, *An applicative random-access stack* (Information Processing Letters 17, 1983): a chain of n writes is
//! searched in some log n steps.

use std::collections::VecDeque;

use super::rows::{Row, Written};
use crate::time::Time;

/// One write.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Entry {
    pub written: Written,
    /// A version of the same row further back than `written.before`, or that one.
    jump: u64,
    /// How many writes of this row lie before it in the chain.
    depth: u32,
    /// Whether its client has been told that it is done.
    pub acknowledged: bool,
    /// It was lost in a failover. Its position stays, so that positions can be counted on.
    pub void: bool,
}

/// The writes after the oldest position that is still needed.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Log {
    entries: VecDeque<Entry>,
    /// Positions up to here are not kept.
    trimmed: u64,
}

/// A row as of a position.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Seen {
    /// The row.
    pub row: Row,
    /// When it was overwritten, if it was: how stale it is counts from here.
    pub overwritten: Option<Time>,
}

impl Log {
    /// The position of the latest write.
    pub fn head(&self) -> u64 {
        self.trimmed + self.entries.len() as u64
    }

    /// How many writes are kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    fn get(&self, position: u64) -> Option<&Entry> {
        let at = position.checked_sub(self.trimmed + 1)?;
        self.entries.get(at as usize)
    }

    /// The write at `position`, which must be kept.
    pub fn entry(&self, position: u64) -> &Entry {
        self.get(position)
            .expect("nothing is trimmed that a replica needs")
    }

    /// The same, to be changed.
    pub fn entry_mut(&mut self, position: u64) -> Option<&mut Entry> {
        let at = position.checked_sub(self.trimmed + 1)?;
        self.entries.get_mut(at as usize)
    }

    /// Puts a write at the end. Its version is its position.
    pub fn append(&mut self, written: Written, acknowledged: bool) {
        debug_assert_eq!(
            written.after.version,
            self.head() + 1,
            "each write is logged"
        );
        let before = written.before.version;
        let (mut jump, mut depth) = (before, 0);
        if let Some(previous) = self.get(before) {
            depth = previous.depth + 1;
            if let Some(second) = self.get(previous.jump) {
                let third = self.get(second.jump).map_or(0, |entry| entry.depth);
                if previous.depth - second.depth == second.depth - third {
                    jump = second.jump;
                }
            }
        }
        self.entries.push_back(Entry {
            written,
            jump,
            depth,
            acknowledged,
            void: false,
        });
    }

    /// Forgets what lies up to `position`.
    pub fn trim(&mut self, position: u64) {
        while self.trimmed < position && self.entries.pop_front().is_some() {
            self.trimmed += 1;
        }
    }

    /// A row, of which `newest` is the latest, as of `position`. All after that position must be kept.
    pub fn seen(&self, newest: Row, position: u64) -> Seen {
        let mut seen = Seen {
            row: newest,
            overwritten: None,
        };
        while seen.row.version > position {
            // A row for which there was no room has no chain.
            let Some(entry) = self.get(seen.row.version) else {
                break;
            };
            if entry.jump > position {
                seen.row.version = entry.jump;
            } else {
                seen.row = entry.written.before;
                seen.overwritten = Some(entry.written.after.since);
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::rows::Rows;

    #[test]
    fn a_row_reads_as_of_any_position_that_is_kept() {
        let mut rows = Rows::new(10);
        let mut log = Log::default();
        // Row 0 is written 600 times in 1,000; what each row was after each position is noted.
        let mut history = vec![[Row::default(); 3]];
        for i in 0..1_000_u64 {
            let key = [0, 1, 0, 2, 0][(i % 5) as usize];
            let written = rows.commit(key, 0, i.cast_signed(), Time::from_nanos(i));
            log.append(written, true);
            let mut now = *history.last().expect("not empty");
            now[key as usize] = written.after;
            history.push(now);
        }
        log.trim(100);
        assert_eq!((log.len(), log.head()), (900, 1000));
        for position in 100..=1000 {
            for key in 0..3 {
                let seen = log.seen(rows.get(key, 0), position);
                let expected = history[position as usize][key as usize];
                assert_eq!(seen.row, expected, "{key} at {position}");
                let later = history[position as usize..]
                    .iter()
                    .find(|rows| rows[key as usize] != expected)
                    .map(|rows| rows[key as usize].since);
                assert_eq!(seen.overwritten, later);
            }
        }
    }

    #[test]
    fn long_chains_are_searched_in_few_steps() {
        let mut rows = Rows::new(1);
        let mut log = Log::default();
        for i in 0..100_000 {
            log.append(rows.commit(0, 0, i, Time::ZERO), true);
        }
        for position in [1, 2, 1_000, 50_000, 99_999] {
            let (mut at, mut steps) = (100_000, 0);
            while at > position {
                let entry = log.entry(at);
                at = if entry.jump > position {
                    entry.jump
                } else {
                    entry.written.before.version
                };
                steps += 1;
            }
            assert!(
                at == position && steps <= 3 * 17,
                "{steps} steps to {position}"
            );
        }
    }
}
