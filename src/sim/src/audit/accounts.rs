//! What requests under way have done so far.
//!
//! Requests are known by their places in the engine's table, which are small and used again; so the memory is bounded by how
//! many may be under way, and nothing is looked up.

use crate::event::RequestRef;

/// So much is remembered of what one request does; what is more is not held against what comes after it.
const MOST: usize = 64;

/// What a request has done to a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Effect {
    pub database: u16,
    pub operation: u16,
    pub row: u64,
}

impl Effect {
    /// Whether the row is in one of these tables; see [`Prepared::row`](crate::db::Prepared::row).
    pub fn is_in(&self, tables: &[(u16, u64)]) -> bool {
        tables.contains(&(self.database, self.row >> 40))
    }
}

/// What one request has done.
#[derive(Clone, Debug, Default)]
struct Account {
    id: u64,
    open: bool,
    key: u64,
    /// By invariant: what it has really added to the tables that this is about, or how many rows it has written for which
    /// this asks a message. Empty while that is nothing.
    nets: Vec<i64>,
    effects: Vec<Effect>,
    /// Components where it was done, and brokers where it left a message.
    served: Vec<u16>,
}

/// What all requests under way have done.
#[derive(Clone, Debug)]
pub(super) struct Accounts {
    by_slot: Vec<Account>,
    invariants: usize,
}

impl Accounts {
    pub fn new(invariants: usize) -> Self {
        Self {
            by_slot: Vec::new(),
            invariants,
        }
    }

    /// The account of a request, which begins empty.
    fn of(&mut self, request: RequestRef) -> &mut Account {
        let slot = request.slot as usize;
        if slot >= self.by_slot.len() {
            self.by_slot.resize_with(slot + 1, Account::default);
        }
        let account = &mut self.by_slot[slot];
        if !account.open || account.id != request.id {
            (account.id, account.open, account.key) = (request.id, true, 0);
            account.nets.clear();
            account.effects.clear();
            account.served.clear();
        }
        account
    }

    /// The account of a request that may have none.
    fn known(&mut self, request: RequestRef) -> Option<&mut Account> {
        let account = self.by_slot.get_mut(request.slot as usize)?;
        (account.open && account.id == request.id).then_some(account)
    }

    /// A request comes, about `key`.
    pub fn open(&mut self, request: RequestRef, key: u64) {
        self.of(request).key = key;
    }

    /// Nothing is left of a request.
    pub fn close(&mut self, request: RequestRef) {
        if let Some(account) = self.known(request) {
            account.open = false;
        }
    }

    pub fn key(&mut self, request: RequestRef) -> u64 {
        self.known(request).map_or(0, |account| account.key)
    }

    /// A request has an effect. Tells whether it is the first such.
    pub fn apply(&mut self, request: RequestRef, effect: Effect) -> bool {
        note(&mut self.of(request).effects, effect)
    }

    /// An effect of a request is gone. Tells whether anything is left of the request.
    pub fn withdraw(&mut self, request: RequestRef, effect: Effect) -> bool {
        let Some(account) = self.known(request) else {
            return false;
        };
        account.effects.retain(|other| *other != effect);
        true
    }

    /// A request has been done at a component. Tells whether for the first time.
    pub fn serve(&mut self, request: RequestRef, component: u16) -> bool {
        note(&mut self.of(request).served, component)
    }

    /// Whether a request has been done at a component, as far as that is remembered.
    pub fn may_have_been_at(&mut self, request: RequestRef, component: u16) -> bool {
        let account = self.known(request);
        account.is_some_and(|account| {
            account.served.contains(&component) || account.served.len() >= MOST
        })
    }

    /// A request has really added so much to the tables of an invariant.
    pub fn add(&mut self, request: RequestRef, invariant: usize, moved: i64) {
        let invariants = self.invariants;
        let account = self.of(request);
        account.nets.resize(invariants, 0);
        account.nets[invariant] = account.nets[invariant].wrapping_add(moved);
    }

    /// What a request has added to the tables of an invariant in all.
    pub fn net(&mut self, request: RequestRef, invariant: usize) -> i64 {
        let account = self.known(request);
        account.map_or(0, |account| {
            account.nets.get(invariant).copied().unwrap_or(0)
        })
    }
}

/// Adds `item` unless it is there. Tells whether it was not.
fn note<T: PartialEq>(items: &mut Vec<T>, item: T) -> bool {
    let new = !items.contains(&item);
    if new && items.len() < MOST {
        items.push(item);
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(id: u64, slot: u32) -> RequestRef {
        RequestRef {
            id,
            slot,
            frame: u32::MAX,
        }
    }

    #[test]
    fn a_place_that_is_used_again_begins_empty() {
        let mut accounts = Accounts::new(2);
        let effect = Effect {
            database: 1,
            operation: 0,
            row: 7,
        };
        accounts.open(request(5, 3), 42);
        accounts.add(request(5, 3), 1, -10);
        assert!(accounts.apply(request(5, 3), effect));
        assert!(!accounts.apply(request(5, 3), effect));
        assert_eq!(accounts.net(request(5, 3), 1), -10);
        assert_eq!(accounts.net(request(5, 3), 0), 0);
        assert_eq!(accounts.key(request(5, 3)), 42);
        // The next request in this place knows nothing of it, and the first is not found any more.
        accounts.open(request(9, 3), 1);
        assert_eq!(accounts.net(request(9, 3), 1), 0);
        assert_eq!(accounts.net(request(5, 3), 1), 0);
        assert!(accounts.apply(request(9, 3), effect));
    }

    #[test]
    fn what_is_undone_may_be_done_again() {
        let mut accounts = Accounts::new(1);
        let effect = Effect {
            database: 0,
            operation: 4,
            row: 1,
        };
        assert!(accounts.apply(request(1, 0), effect));
        assert!(accounts.withdraw(request(1, 0), effect));
        assert!(accounts.apply(request(1, 0), effect));
        accounts.close(request(1, 0));
        assert!(!accounts.withdraw(request(1, 0), effect));
    }

    #[test]
    fn it_does_not_grow_with_what_one_request_does() {
        let mut accounts = Accounts::new(0);
        for row in 0..1_000 {
            let effect = Effect {
                database: 0,
                operation: 0,
                row,
            };
            assert!(accounts.apply(request(1, 0), effect));
        }
        assert_eq!(accounts.by_slot[0].effects.len(), MOST);
    }
}
