//! Changing a number in a row that others change too: buying from a stock, drawing from an account.
//!
//! Models: four ways to do it (see [`Care`]) as the steps that each takes, in `PostgreSQL`'s terms. What a step sees and does
//! is what is committed, and its lock, at the moment it ends; so whether more is sold than there was follows from how the
//! steps of several buyers interleave, and not from a probability.
//! Does not model: how long a step takes, or who waits for a lock: those are the caller's, with [`Locks`](super::Locks).

use super::rows::{Row, Rows, Written};
use crate::component::Care;
use crate::time::Time;

/// What a change asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rule {
    /// The row.
    pub key: u64,
    /// What it held at the start of the run.
    pub initial: i64,
    /// What is added; negative to take.
    pub by: i64,
    /// What must be left.
    pub least: i64,
    /// Attempts after the first, if another changed the row in the meantime.
    pub retries: u32,
}

/// What a change does next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Step {
    /// Reads the row.
    Read,
    /// The application works out the new value.
    Think,
    /// Takes the row's lock.
    Lock,
    /// Writes the row and commits; then the lock, if it has one, is free.
    Write,
}

/// What came of a step.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stepped {
    /// There is a next one.
    On,
    /// Another changed the row in the meantime: all begins anew, without the lock.
    Again,
    /// It is done.
    Changed(Written),
    /// There was too little, and nothing was changed.
    TooLittle,
    /// Others were quicker too often; nothing was changed.
    Conflict,
}

/// One change under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Change {
    care: Care,
    step: u8,
    seen: Row,
    attempts: u32,
}

impl Change {
    /// A change at its first step.
    pub fn new(care: Care) -> Self {
        Self {
            care,
            step: 0,
            seen: Row::default(),
            attempts: 0,
        }
    }

    fn steps(&self) -> &'static [Step] {
        match self.care {
            Care::ReadThenWrite | Care::CompareVersion => {
                &[Step::Read, Step::Think, Step::Lock, Step::Write]
            }
            Care::AtomicUpdate => &[Step::Lock, Step::Write],
            Care::SelectForUpdate => &[Step::Lock, Step::Read, Step::Think, Step::Write],
        }
    }

    /// What it does next.
    pub fn step(&self) -> Step {
        self.steps()[usize::from(self.step)]
    }

    /// The row as it was when the new number was worked out from it.
    pub const fn seen(&self) -> Row {
        self.seen
    }

    /// How often it began anew.
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The step that it was at has ended.
    pub fn stepped(&mut self, rule: &Rule, rows: &mut Rows, now: Time) -> Stepped {
        let step = self.step();
        self.step += 1;
        match step {
            Step::Think | Step::Lock => Stepped::On,
            Step::Read => {
                self.seen = rows.get(rule.key, rule.initial);
                if rule.allows(self.seen) {
                    Stepped::On
                } else {
                    Stepped::TooLittle
                }
            }
            Step::Write => self.write(rule, rows, now),
        }
    }

    /// What a write would start from; `None` if the row has changed since it was read.
    fn from(&self, rule: &Rule, rows: &Rows) -> Option<Row> {
        let current = rows.get(rule.key, rule.initial);
        match self.care {
            // What was read may be out of date; nobody looks.
            Care::ReadThenWrite | Care::SelectForUpdate => Some(self.seen),
            Care::AtomicUpdate => Some(current),
            Care::CompareVersion => (current.version == self.seen.version).then_some(current),
        }
    }

    /// Whether a write that ended now would change the row. If not, there is nothing to make durable.
    pub fn would_write(&self, rule: &Rule, rows: &Rows) -> bool {
        self.from(rule, rows).is_some_and(|row| rule.allows(row))
    }

    fn write(&mut self, rule: &Rule, rows: &mut Rows, now: Time) -> Stepped {
        let Some(from) = self.from(rule, rows) else {
            if self.attempts >= rule.retries {
                return Stepped::Conflict;
            }
            self.attempts += 1;
            self.step = 0;
            return Stepped::Again;
        };
        if !rule.allows(from) {
            return Stepped::TooLittle;
        }
        self.seen = from;
        let value = from.value.saturating_add(rule.by);
        Stepped::Changed(rows.prepare(rule.key, rule.initial, value, now))
    }
}

impl Rule {
    fn allows(&self, row: Row) -> bool {
        row.value.saturating_add(self.by) >= self.least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule {
        key: 7,
        initial: 1,
        by: -1,
        least: 0,
        retries: 1,
    };

    /// Takes all steps of a change; before its write another buyer may be quicker.
    fn run(care: Care, rows: &mut Rows, rule: &Rule, mut others: u32) -> (Stepped, u32) {
        let mut change = Change::new(care);
        loop {
            if change.step() == Step::Write && others > 0 {
                others -= 1;
                let value = rows.get(rule.key, rule.initial).value - 1;
                rows.commit(rule.key, rule.initial, value, Time::ZERO);
            }
            let stepped = change.stepped(rule, rows, Time::ZERO);
            if let Stepped::Changed(written) = stepped {
                rows.publish(&written);
            }
            if !matches!(stepped, Stepped::On | Stepped::Again) {
                return (stepped, change.attempts());
            }
        }
    }

    #[test]
    fn one_alone_takes_the_last_and_the_next_finds_too_little() {
        for care in [
            Care::ReadThenWrite,
            Care::AtomicUpdate,
            Care::SelectForUpdate,
            Care::CompareVersion,
        ] {
            let mut rows = Rows::new(1);
            let first = run(care, &mut rows, &RULE, 0).0;
            assert!(matches!(first, Stepped::Changed(written) if written.after.value == 0));
            assert_eq!(run(care, &mut rows, &RULE, 0).0, Stepped::TooLittle);
            assert_eq!(rows.get(7, 1).value, 0);
        }
    }

    #[test]
    fn who_does_not_look_again_overwrites_what_another_did() {
        let mut rows = Rows::new(1);
        let sold = run(Care::ReadThenWrite, &mut rows, &RULE, 1).0;
        assert!(matches!(sold, Stepped::Changed(written) if written.after.value == 0));
        let mut rows = Rows::new(1);
        let refused = run(Care::AtomicUpdate, &mut rows, &RULE, 1).0;
        assert_eq!(refused, Stepped::TooLittle);
    }

    #[test]
    fn a_changed_version_makes_it_begin_anew_so_often() {
        let plenty = Rule {
            initial: 10,
            ..RULE
        };
        let mut rows = Rows::new(1);
        let (sold, attempts) = run(Care::CompareVersion, &mut rows, &plenty, 1);
        assert!(matches!(sold, Stepped::Changed(written) if written.after.value == 8));
        assert_eq!(attempts, 1);
        let (conflict, attempts) = run(Care::CompareVersion, &mut rows, &plenty, 2);
        assert_eq!((conflict, attempts), (Stepped::Conflict, 1));
    }
}
