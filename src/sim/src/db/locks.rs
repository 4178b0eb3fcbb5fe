//! Row locks: who may change a row, and who waits for it.
//!
//! Models: exclusive locks by key that a transaction holds until its end, as an `UPDATE` or `SELECT … FOR UPDATE` takes them
//! in `PostgreSQL` and `InnoDB`; a line for each lock, first come first served; a transaction that holds a lock gets it again.
//! A transaction waits for at most one lock, and a lock has one holder, so the wait-for graph is a set of paths and finding
//! a deadlock is a walk along one: [`Locks::deadlocked`]. `InnoDB` asks at each wait, `PostgreSQL` when a wait has lasted for
//! `deadlock_timeout`, 1 s; when to ask, and how long to wait at all, is the caller's.
//! Does not model: shared locks, gaps between rows, tables. Plain reads take no locks: they see what is committed.

use crate::index::{Index, NONE};
use crate::list::{Linked, Links, List, Pool};

/// A transaction under way, good until it has ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Transaction(u32);

/// What came of asking for a lock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Acquired {
    /// The transaction has it now.
    Granted,
    /// The transaction had it before.
    Already,
    /// Another has it: the transaction waits in line, and must do nothing else until it is granted or gives up.
    Waits,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Lock {
    key: u64,
    holder: u32,
    line: List,
    /// The next lock of the same holder.
    next: u32,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Member<T> {
    token: T,
    /// The first of the locks that it holds.
    locks: u32,
    /// The lock that it waits for.
    waits_for: u32,
    /// Its place in that lock's line.
    links: Links,
}

impl<T> Linked for Member<T> {
    fn links(&self) -> Links {
        self.links
    }

    fn links_mut(&mut self) -> &mut Links {
        &mut self.links
    }
}

/// The row locks of one database. `T` is what the caller knows a transaction by.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Locks<T> {
    index: Index,
    taken: Pool<Lock>,
    members: Pool<Member<T>>,
    transactions: u32,
    held: u32,
    waiting: u32,
}

impl<T> Default for Locks<T> {
    fn default() -> Self {
        Self {
            index: Index::default(),
            taken: Pool::default(),
            members: Pool::default(),
            transactions: 0,
            held: 0,
            waiting: 0,
        }
    }
}

impl<T: Copy> Locks<T> {
    /// A transaction begins; it is told of by `token`.
    pub fn begin(&mut self, token: T) -> Transaction {
        self.transactions += 1;
        Transaction(self.members.add(Member {
            token,
            locks: NONE,
            waits_for: NONE,
            links: Links::ALONE,
        }))
    }

    fn find(&self, key: u64) -> Option<u32> {
        self.index.get(key, |at| self.taken[at].key)
    }

    /// A transaction asks for the lock of row `key`.
    pub fn acquire(&mut self, by: Transaction, key: u64) -> Acquired {
        let Some(lock) = self.find(key) else {
            let lock = self.taken.add(Lock {
                key,
                holder: by.0,
                line: List::default(),
                next: NONE,
            });
            self.index.insert(key, lock);
            self.held += 1;
            self.give(lock, by.0);
            return Acquired::Granted;
        };
        if self.taken[lock].holder == by.0 {
            return Acquired::Already;
        }
        debug_assert!(self.members[by.0].waits_for == NONE, "it waits already");
        self.members[by.0].waits_for = lock;
        let line = &mut self.taken[lock].line;
        line.push_back(self.members.all_mut(), by.0);
        self.waiting += 1;
        Acquired::Waits
    }

    fn give(&mut self, lock: u32, to: u32) {
        let member = &mut self.members[to];
        self.taken[lock].holder = to;
        self.taken[lock].next = member.locks;
        member.locks = lock;
    }

    /// A transaction leaves the line in which it waits, if it does: its time is out, or it is the victim of a deadlock. It
    /// keeps the locks that it holds.
    pub fn give_up(&mut self, by: Transaction) {
        let lock = core::mem::replace(&mut self.members[by.0].waits_for, NONE);
        if lock != NONE {
            let line = &mut self.taken[lock].line;
            line.remove(self.members.all_mut(), by.0);
            self.waiting -= 1;
        }
    }

    /// A transaction ends, well or badly. Each of its locks goes to the first who waits for it; the tokens of those are
    /// added to `granted`.
    pub fn end(&mut self, by: Transaction, granted: &mut Vec<T>) {
        self.give_up(by);
        let mut lock = self.members[by.0].locks;
        while lock != NONE {
            let next = self.taken[lock].next;
            let first = self.taken[lock].line.front;
            if first == NONE {
                let key = self.taken[lock].key;
                self.index.remove(key, |at| self.taken[at].key);
                self.taken.free(lock);
                self.held -= 1;
            } else {
                self.give_up(Transaction(first));
                self.give(lock, first);
                granted.push(self.members[first].token);
            }
            lock = next;
        }
        self.members.free(by.0);
        self.transactions -= 1;
    }

    /// Whether a transaction waits for itself: its lock's holder waits for a lock whose holder waits, and so on round to it.
    /// Takes as many steps as that way is long.
    pub fn deadlocked(&self, by: Transaction) -> bool {
        let mut at = by.0;
        // The way may also lead into a round that `by` is not part of.
        for _ in 0..self.transactions {
            let lock = self.members[at].waits_for;
            if lock == NONE {
                return false;
            }
            at = self.taken[lock].holder;
            if at == by.0 {
                return true;
            }
        }
        false
    }

    /// Whether a transaction waits for a lock.
    pub fn waits(&self, by: Transaction) -> bool {
        self.members[by.0].waits_for != NONE
    }

    /// Who holds the lock of row `key`.
    pub fn holder(&self, key: u64) -> Option<T> {
        let holder = self.taken[self.find(key)?].holder;
        Some(self.members[holder].token)
    }

    /// How many wait for the lock of row `key`.
    pub fn waiting_for(&self, key: u64) -> u32 {
        self.find(key).map_or(0, |lock| self.taken[lock].line.len)
    }

    /// Locks that are held.
    pub const fn held(&self) -> u32 {
        self.held
    }

    /// Transactions that wait, over all locks.
    pub const fn waiting(&self) -> u32 {
        self.waiting
    }

    /// Transactions that have begun and not ended.
    pub const fn transactions(&self) -> u32 {
        self.transactions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(locks: &mut Locks<u64>, by: Transaction) -> Vec<u64> {
        let mut granted = Vec::new();
        locks.end(by, &mut granted);
        granted
    }

    #[test]
    fn a_lock_goes_down_its_line() {
        let mut locks = Locks::default();
        let [a, b, c] = [1, 2, 3].map(|token| locks.begin(token));
        assert_eq!(locks.acquire(a, 7), Acquired::Granted);
        assert_eq!(locks.acquire(a, 7), Acquired::Already);
        assert_eq!(locks.acquire(b, 7), Acquired::Waits);
        assert_eq!(locks.acquire(c, 7), Acquired::Waits);
        assert_eq!((locks.holder(7), locks.waiting_for(7)), (Some(1), 2));
        assert_eq!(ended(&mut locks, a), [2]);
        assert_eq!(locks.holder(7), Some(2));
        assert!(!locks.waits(b) && locks.waits(c));
        assert_eq!(ended(&mut locks, b), [3]);
        assert!(ended(&mut locks, c).is_empty());
        assert_eq!((locks.held(), locks.waiting()), (0, 0));
    }

    #[test]
    fn one_who_gives_up_keeps_what_it_holds() {
        let mut locks = Locks::default();
        let [a, b, c] = [1, 2, 3].map(|token| locks.begin(token));
        locks.acquire(a, 1);
        locks.acquire(b, 2);
        locks.acquire(b, 1);
        locks.acquire(c, 1);
        locks.give_up(b);
        assert_eq!((locks.holder(2), locks.waiting_for(1)), (Some(2), 1));
        assert_eq!(ended(&mut locks, a), [3]);
        assert!(ended(&mut locks, b).is_empty());
    }

    #[test]
    fn a_round_of_three_is_a_deadlock_and_a_path_is_none() {
        let mut locks = Locks::default();
        let [a, b, c, d] = [1, 2, 3, 4].map(|token| locks.begin(token));
        for (by, key) in [(a, 1), (b, 2), (c, 3)] {
            locks.acquire(by, key);
        }
        locks.acquire(a, 2);
        locks.acquire(b, 3);
        assert!(!locks.deadlocked(a) && !locks.deadlocked(b));
        locks.acquire(c, 1);
        assert!(locks.deadlocked(a) && locks.deadlocked(b) && locks.deadlocked(c));
        // Waits for the round, and is no part of it.
        locks.acquire(d, 1);
        assert!(!locks.deadlocked(d));
        // The victim rolls back; the others go on.
        assert_eq!(ended(&mut locks, c), [2]);
        assert!(!locks.deadlocked(a));
        assert_eq!(ended(&mut locks, b), [1]);
    }

    #[test]
    fn memory_is_used_again() {
        let mut locks = Locks::default();
        let mut granted = Vec::new();
        for round in 0..1_000 {
            let [a, b] = [0, 1].map(|token: u64| locks.begin(token));
            for key in 0..5 {
                locks.acquire(a, round * 10 + key);
            }
            locks.acquire(b, round * 10);
            locks.end(a, &mut granted);
            locks.end(b, &mut granted);
        }
        assert_eq!(locks.members.all_mut().len(), 2);
        assert_eq!(locks.taken.all_mut().len(), 5);
    }
}
