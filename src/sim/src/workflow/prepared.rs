//! What a database has promised: transactions that are prepared and wait to hear how they were decided.
//!
//! Models: `PREPARE TRANSACTION` of `PostgreSQL` and `XA PREPARE`: what a branch is to write, durable, with its row locks, kept
//! apart from the connection that it came over. So it outlives its caller and a crash, and only `COMMIT PREPARED` or
//! `ROLLBACK PREPARED` ends it. Until then it is *in doubt*: the database can't know, and must keep the locks.
//! Does not model: heuristic decisions (an operator who commits or rolls back by hand), or more than one change of a branch
//! in one database.

use super::Part;
use crate::db::Transaction;
use crate::index::Index;
use crate::list::Pool;
use crate::time::Time;

/// What a branch writes if it is committed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Intent {
    /// The statement, as the caller numbers them, and the key that it is about.
    pub statement: u32,
    /// The request's key.
    pub data: u64,
    /// Rows that it writes.
    pub rows: u32,
    /// The number that the row will hold, and the version from which it was worked out; `None` if it stays.
    pub value: Option<(i64, u64)>,
    /// Its locks.
    pub transaction: Option<Transaction>,
    /// Since when it is prepared.
    pub since: Time,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Held {
    place: u64,
    intent: Intent,
}

/// The prepared transactions of one database, by transaction and branch.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Prepared {
    index: Index,
    held: Pool<Held>,
    count: u32,
}

impl Prepared {
    /// Keeps what a branch is to write. It must not be prepared yet.
    pub fn keep(&mut self, part: Part, intent: Intent) {
        let place = part.place();
        debug_assert!(self.get(part).is_none(), "a branch is prepared once");
        let at = self.held.add(Held { place, intent });
        self.index.insert(place, at);
        self.count += 1;
    }

    /// What a branch has promised, if it is still to be decided.
    pub fn get(&self, part: Part) -> Option<Intent> {
        let at = self.index.get(part.place(), |at| self.held[at].place)?;
        Some(self.held[at].intent)
    }

    /// Ends a branch's promise.
    pub fn take(&mut self, part: Part) -> Option<Intent> {
        let held = &self.held;
        let at = self.index.remove(part.place(), |at| held[at].place)?;
        let intent = self.held[at].intent;
        self.held.free(at);
        self.count -= 1;
        Some(intent)
    }

    /// How many there are.
    pub const fn len(&self) -> u32 {
        self.count
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::Role;

    #[test]
    fn a_promise_is_kept_until_it_is_decided_and_then_it_is_gone() {
        let part = |workflow, step, role| Part {
            workflow,
            step,
            role,
        };
        let intent = Intent {
            statement: 2,
            data: 7,
            rows: 1,
            value: Some((5, 1)),
            transaction: None,
            since: Time::ZERO,
        };
        let mut prepared = Prepared::default();
        prepared.keep(part(1, 0, Role::Prepare), intent);
        prepared.keep(part(1, 1, Role::Prepare), Intent { rows: 2, ..intent });
        assert_eq!(prepared.len(), 2);
        // Whatever is said about it, it is the same branch.
        assert_eq!(prepared.get(part(1, 0, Role::Abort)), Some(intent));
        let other = prepared.take(part(1, 1, Role::Commit));
        assert_eq!(other.map(|intent| intent.rows), Some(2));
        assert_eq!(prepared.take(part(1, 1, Role::Commit)), None);
        assert_eq!(prepared.get(part(2, 0, Role::Commit)), None);
        assert_eq!(prepared.take(part(1, 0, Role::Commit)), Some(intent));
        assert!(prepared.is_empty());
    }
}
