//! Single flight: one fetches, the others wait for what it brings.
//!
//! Models: Go's `singleflight`, nginx's `proxy_cache_lock`, the leases of memcached (Nishtala and others, *Scaling Memcache
//! at Facebook*, NSDI 2013, section 3.2.1) as far as they stop stampedes: while a key is being fetched, those who miss it
//! join a line. The fetcher may give up, and then the first of the line takes its place.
//! Does not model: whom the outcome concerns; the caller knows its waiters by tokens of its own.

use crate::index::{Index, NONE};
use crate::list::{Linked, Links, List, Pool};

/// Whether a request that missed has to fetch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Join {
    /// It is the first: it fetches, and calls [`Flights::land`] when it is done.
    Leads,
    /// Another fetches: it waits, and is told when that is done.
    Waits(Waiter),
}

/// A place in a line of those who wait, good until it is left or the flight lands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Waiter(pub(crate) u32);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Flight {
    key: u64,
    line: List,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Place {
    token: u64,
    flight: u32,
    links: Links,
}

impl Linked for Place {
    fn links(&self) -> Links {
        self.links
    }

    fn links_mut(&mut self) -> &mut Links {
        &mut self.links
    }
}

/// The keys that are being fetched, with those who wait for them.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Flights {
    open: Pool<Flight>,
    index: Index,
    places: Pool<Place>,
    under_way: u32,
    waiting: u32,
}

impl Flights {
    /// Keys that are being fetched.
    pub const fn under_way(&self) -> u32 {
        self.under_way
    }

    /// Requests that wait, over all keys.
    pub const fn waiting(&self) -> u32 {
        self.waiting
    }

    fn find(&self, key: u64) -> Option<u32> {
        self.index.get(key, |at| self.open[at].key)
    }

    /// Requests that wait for `key`; `None` if nobody fetches it.
    pub fn waiting_for(&self, key: u64) -> Option<u32> {
        self.find(key).map(|at| self.open[at].line.len)
    }

    /// A request needs `key`. `token` is what the caller will know it by.
    pub fn join(&mut self, key: u64, token: u64) -> Join {
        if let Some(flight) = self.find(key) {
            let at = self.places.add(Place {
                token,
                flight,
                links: Links::ALONE,
            });
            let line = &mut self.open[flight].line;
            line.push_back(self.places.all_mut(), at);
            self.waiting += 1;
            return Join::Waits(Waiter(at));
        }
        let at = self.open.add(Flight {
            key,
            line: List::default(),
        });
        self.index.insert(key, at);
        self.under_way += 1;
        Join::Leads
    }

    /// One who waits goes away, for example because its time is out. Gives its token.
    pub fn leave(&mut self, waiter: Waiter) -> u64 {
        let Place { token, flight, .. } = self.places[waiter.0];
        let line = &mut self.open[flight].line;
        line.remove(self.places.all_mut(), waiter.0);
        self.places.free(waiter.0);
        self.waiting -= 1;
        token
    }

    /// The fetch of `key` is over, well or badly: adds to `tokens` all who waited for it, first come first. The next to miss
    /// fetches anew.
    pub fn land(&mut self, key: u64, tokens: &mut Vec<u64>) {
        while let Some(token) = self.hand_over(key) {
            tokens.push(token);
        }
    }

    /// Who fetches `key` gives up: the first of those who wait takes its place, and its token is given; if nobody waits, the
    /// flight is over.
    pub fn hand_over(&mut self, key: u64) -> Option<u64> {
        let flight = self.find(key)?;
        match self.open[flight].line.front {
            NONE => {
                self.index.remove(key, |at| self.open[at].key);
                self.open.free(flight);
                self.under_way -= 1;
                None
            }
            first => Some(self.leave(Waiter(first))),
        }
    }

    /// A crash: forgets everything. Whoever waits has to be told by the caller.
    pub fn clear(&mut self) {
        self.open.clear();
        self.places.clear();
        self.index.clear();
        self.under_way = 0;
        self.waiting = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_fetches_and_the_others_wait_in_line() {
        let mut flights = Flights::default();
        assert_eq!(flights.join(5, 100), Join::Leads);
        assert_eq!(flights.join(6, 200), Join::Leads);
        for token in 101..104 {
            assert!(matches!(flights.join(5, token), Join::Waits(_)));
        }
        assert_eq!((flights.under_way(), flights.waiting()), (2, 3));
        assert_eq!(flights.waiting_for(5), Some(3));
        let mut tokens = Vec::new();
        flights.land(5, &mut tokens);
        assert_eq!(tokens, [101, 102, 103]);
        assert_eq!((flights.under_way(), flights.waiting()), (1, 0));
        assert_eq!(flights.join(5, 104), Join::Leads);
    }

    #[test]
    fn one_who_waits_may_leave() {
        let mut flights = Flights::default();
        flights.join(5, 1);
        flights.join(5, 2);
        let Join::Waits(waiter) = flights.join(5, 3) else {
            panic!("another fetches");
        };
        flights.join(5, 4);
        assert_eq!(flights.leave(waiter), 3);
        let mut tokens = Vec::new();
        flights.land(5, &mut tokens);
        assert_eq!(tokens, [2, 4]);
    }

    #[test]
    fn the_first_in_line_takes_over_from_one_who_gives_up() {
        let mut flights = Flights::default();
        flights.join(5, 1);
        flights.join(5, 2);
        assert_eq!(flights.hand_over(5), Some(2));
        assert!(matches!(flights.join(5, 3), Join::Waits(_)));
        assert_eq!(flights.hand_over(5), Some(3));
        assert_eq!(flights.hand_over(5), None);
        assert_eq!(flights.under_way(), 0);
        flights.land(9, &mut Vec::new());
    }

    #[test]
    fn places_are_used_again() {
        let mut flights = Flights::default();
        let mut tokens = Vec::with_capacity(4);
        for round in 0..1_000 {
            for token in 0..5 {
                flights.join(round, token);
            }
            tokens.clear();
            flights.land(round, &mut tokens);
        }
        assert!(flights.places.all_mut().len() == 4 && flights.open.all_mut().len() == 1);
    }
}
