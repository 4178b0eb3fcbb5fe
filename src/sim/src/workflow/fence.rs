//! What a database remembers of sagas and transactions, so that their calls may come twice, too late, or without their step.
//!
//! Models: a table of marks beside the rows, written in the same commit as the change that it is about. A step whose mark is
//! there is not done again (an idempotency key). A compensation of a step that has no mark changes nothing, and leaves a mark
//! that keeps the step out should it still come: the *empty compensation* and *suspension* of Seata's `tcc_fence_log`; Helland,
//! *Life beyond Distributed Transactions* (CIDR 2007), asks for the same of activities. An abort that overtakes its
//! transaction's first phase is kept in the same way.
//! Does not model: marks for ever. So many are kept, and the oldest are forgotten, as Seata cleans its table after a day.
//! A mark's key is a hash of 64 bits; of a full table one in a billion has two of the same.

use crate::index::{Index, mixed};

use super::{Part, Role};

/// What is to be done with a change that is part of a saga or transaction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// It is made.
    Apply,
    /// It has been made before.
    Repeated,
    /// There is nothing to take back.
    Empty,
    /// It was taken back before it came.
    TooLate,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Mark {
    key: u64,
    /// The version of the row that was written with it.
    version: u64,
}

/// What a mark is about.
#[derive(Clone, Copy)]
enum About {
    /// The step has done something here.
    Done,
    /// The step was taken back here, and must not be done any more.
    Undone,
    /// This change of a row was made, for the step or for its compensation.
    Change {
        role: Role,
        row: u64,
        operation: u16,
    },
}

/// The marks of one database.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Fence {
    index: Index,
    marks: Vec<Mark>,
    most: u32,
    /// Where the next mark goes, once there are so many.
    next: u32,
}

impl Fence {
    /// No mark yet; at most `most` will be kept.
    pub fn new(most: u32) -> Self {
        Self {
            index: Index::default(),
            marks: Vec::new(),
            most: most.max(1),
            next: 0,
        }
    }

    fn key(part: Part, about: About) -> u64 {
        let place = mixed(part.place());
        match about {
            About::Done => place ^ 1,
            About::Undone => place ^ 2,
            About::Change {
                role,
                row,
                operation,
            } => {
                let what = u64::from(operation) << 3 | role as u64;
                mixed(mixed(place ^ what).wrapping_add(row))
            }
        }
    }

    fn has(&self, part: Part, about: About) -> bool {
        let key = Self::key(part, about);
        self.index
            .get(key, |at| self.marks[at as usize].key)
            .is_some()
    }

    fn put(&mut self, part: Part, about: About, version: u64) {
        if self.has(part, about) {
            return;
        }
        let mark = Mark {
            key: Self::key(part, about),
            version,
        };
        if self.marks.len() < self.most as usize {
            self.index.insert(mark.key, self.marks.len() as u32);
            self.marks.push(mark);
            return;
        }
        let at = self.next;
        let marks = &self.marks;
        self.index
            .remove(marks[at as usize].key, |at| marks[at as usize].key);
        self.marks[at as usize] = mark;
        self.index.insert(mark.key, at);
        self.next = (at + 1) % self.most;
    }

    /// What is to be done with a change of `row` by `operation`. To be asked at the moment of its commit, under the row's lock:
    /// an earlier answer may be out of date.
    pub fn asks(&self, part: Part, operation: u16, row: u64) -> Verdict {
        let made = || {
            let role = part.role;
            let change = About::Change {
                role,
                row,
                operation,
            };
            self.has(part, change)
        };
        match part.role {
            Role::Undo if made() => Verdict::Repeated,
            Role::Undo if !self.has(part, About::Done) => Verdict::Empty,
            Role::Do | Role::Prepare if self.has(part, About::Undone) => Verdict::TooLate,
            Role::Do if made() => Verdict::Repeated,
            _ => Verdict::Apply,
        }
    }

    /// Notes a change that is committed now, with the row's new version.
    pub fn made(&mut self, part: Part, operation: u16, row: u64, version: u64) {
        let about = match part.role {
            Role::Do => About::Done,
            _ => About::Undone,
        };
        self.put(part, about, version);
        let role = part.role;
        let change = About::Change {
            role,
            row,
            operation,
        };
        self.put(part, change, version);
    }

    /// Keeps a step out that has not come, from now on.
    pub fn suspend(&mut self, part: Part, version: u64) {
        self.put(part, About::Undone, version);
    }

    /// Writes after this version are lost, and their marks with them.
    pub fn forget_after(&mut self, version: u64) {
        let all = core::mem::take(&mut self.marks);
        let (before, after) = all.split_at((self.next as usize).min(all.len()));
        self.index = Index::default();
        self.next = 0;
        // From the oldest on.
        for mark in after.iter().chain(before) {
            if mark.version <= version {
                self.index.insert(mark.key, self.marks.len() as u32);
                self.marks.push(*mark);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(workflow: u32, step: u8, role: Role) -> Part {
        Part {
            workflow,
            step,
            role,
        }
    }

    /// Seata's cases of its fence: commit and rollback in order, twice, the rollback alone, and the try after it.
    #[test]
    fn a_step_and_its_compensation_take_effect_once_and_in_order() {
        let mut fence = Fence::new(100);
        let (does, undoes) = (part(1, 0, Role::Do), part(1, 0, Role::Undo));
        assert_eq!(fence.asks(does, 3, 7), Verdict::Apply);
        fence.made(does, 3, 7, 1);
        assert_eq!(fence.asks(does, 3, 7), Verdict::Repeated);
        // Another row, or another operation, of the same step is not the same change.
        assert_eq!(fence.asks(does, 3, 8), Verdict::Apply);
        assert_eq!(fence.asks(does, 4, 7), Verdict::Apply);
        assert_eq!(fence.asks(undoes, 5, 7), Verdict::Apply);
        fence.made(undoes, 5, 7, 2);
        assert_eq!(fence.asks(undoes, 5, 7), Verdict::Repeated);
        assert_eq!(fence.asks(does, 3, 7), Verdict::TooLate);
        // Other steps and other sagas are others.
        assert_eq!(fence.asks(part(1, 1, Role::Do), 3, 7), Verdict::Apply);
        assert_eq!(fence.asks(part(2, 0, Role::Do), 3, 7), Verdict::Apply);
    }

    #[test]
    fn a_compensation_without_its_step_is_empty_and_keeps_the_step_out() {
        let mut fence = Fence::new(100);
        let (does, undoes) = (part(1, 0, Role::Do), part(1, 0, Role::Undo));
        assert_eq!(fence.asks(undoes, 5, 7), Verdict::Empty);
        fence.suspend(undoes, 0);
        assert_eq!(fence.asks(does, 3, 7), Verdict::TooLate);
        assert_eq!(fence.asks(undoes, 5, 7), Verdict::Empty);
    }

    #[test]
    fn the_oldest_marks_are_forgotten_and_lost_writes_take_theirs_along() {
        let mut fence = Fence::new(6);
        for saga in 1..=4 {
            fence.made(part(saga, 0, Role::Do), 0, 0, u64::from(saga));
        }
        let asks = |fence: &Fence, saga| fence.asks(part(saga, 0, Role::Do), 0, 0);
        assert_eq!(asks(&fence, 1), Verdict::Apply);
        for saga in 2..=4 {
            assert_eq!(asks(&fence, saga), Verdict::Repeated);
        }
        fence.forget_after(3);
        assert_eq!(asks(&fence, 4), Verdict::Apply);
        assert_eq!(asks(&fence, 3), Verdict::Repeated);
        // It fills up again from the oldest on.
        for saga in 5..=6 {
            fence.made(part(saga, 0, Role::Do), 0, 0, u64::from(saga));
        }
        assert_eq!(asks(&fence, 2), Verdict::Apply);
        assert_eq!(asks(&fence, 3), Verdict::Repeated);
    }
}
