//! A connection pool: connections that are kept, so that not every request has to set one up.
//!
//! Models: node-postgres' pool (`pg-pool`): the connection used last is taken first; if none is idle and there are fewer than
//! `max`, the one who asks sets one up; otherwise it waits, first come first served; a connection idle for too long is
//! closed, down to `min`. The `min` are open from the start, as `HikariCP` has it (`minimumIdle`).
//! Does not model: how long setting up and closing take, or when a wait is too long: these are the caller's times; checks
//! whether a connection still lives; a longest life of a connection.

use std::collections::VecDeque;

use crate::time::{Duration, Time};

/// The bounds of a pool.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PoolBounds {
    /// Connections that stay open however long they are idle.
    pub min: u32,
    /// Connections that may be open at once.
    pub max: u32,
    /// How long one may be idle.
    pub idle: Duration,
}

/// What one who asks for a connection gets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Connection {
    /// One that is open.
    Ready,
    /// Leave to set one up: it calls [`ConnectionPool::opened`] when that is done, or [`ConnectionPool::failed`].
    Open,
    /// A place in line; the ticket is for [`ConnectionPool::leave`].
    Wait(u64),
}

/// Who gets on because a connection, or room for one, has become free.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Next<T> {
    /// It has the connection.
    Ready(T),
    /// It may set one up.
    Open(T),
}

/// The state of a pool. `T` is what the caller knows those who wait by.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ConnectionPool<T> {
    /// Since when each idle connection has been idle; the longest first.
    idle: VecDeque<Time>,
    busy: u32,
    opening: u32,
    /// Tickets and tokens, in order of tickets.
    waiting: VecDeque<(u64, T)>,
    tickets: u64,
}

impl<T: Copy> ConnectionPool<T> {
    /// A pool with its least number of connections open.
    pub fn new(bounds: &PoolBounds, now: Time) -> Self {
        Self {
            idle: core::iter::repeat_n(now, bounds.min as usize).collect(),
            busy: 0,
            opening: 0,
            waiting: VecDeque::new(),
            tickets: 0,
        }
    }

    /// Someone asks for a connection.
    pub fn acquire(&mut self, bounds: &PoolBounds, token: T) -> Connection {
        // Who waits goes first; an idle connection and a line are never there at once, unless bounds were changed.
        if self.waiting.is_empty() {
            if self.idle.pop_back().is_some() {
                self.busy += 1;
                return Connection::Ready;
            }
            if self.open() < bounds.max {
                self.opening += 1;
                return Connection::Open;
            }
        }
        self.tickets += 1;
        self.waiting.push_back((self.tickets, token));
        Connection::Wait(self.tickets)
    }

    /// A connection has been set up; the one who did so has it.
    pub fn opened(&mut self) {
        self.opening -= 1;
        self.busy += 1;
    }

    /// Setting a connection up has failed. The first who waits may try.
    pub fn failed(&mut self, bounds: &PoolBounds) -> Option<Next<T>> {
        self.opening -= 1;
        self.admit(bounds)
    }

    /// A connection is given back: the first who waits gets it.
    pub fn release(&mut self, bounds: &PoolBounds, now: Time) -> Option<Next<T>> {
        if self.open() > bounds.max {
            // The bound was lowered.
            self.busy -= 1;
            return None;
        }
        if let Some((_, token)) = self.waiting.pop_front() {
            return Some(Next::Ready(token));
        }
        self.busy -= 1;
        self.idle.push_back(now);
        None
    }

    /// A connection is given back and is broken, or is to be closed. The first who waits may set one up.
    pub fn discard(&mut self, bounds: &PoolBounds) -> Option<Next<T>> {
        self.busy -= 1;
        self.admit(bounds)
    }

    /// The first who waits gets on, if there is a connection or room for one: to be called until it gives nobody after the
    /// bounds were raised.
    pub fn admit(&mut self, bounds: &PoolBounds) -> Option<Next<T>> {
        if self.waiting.is_empty() {
            return None;
        }
        if self.idle.pop_back().is_some() {
            self.busy += 1;
            return self
                .waiting
                .pop_front()
                .map(|(_, token)| Next::Ready(token));
        }
        if self.open() >= bounds.max {
            return None;
        }
        self.opening += 1;
        self.waiting.pop_front().map(|(_, token)| Next::Open(token))
    }

    /// One who waits goes away, for example because its time is out. Tells whether it still waited.
    pub fn leave(&mut self, ticket: u64) -> bool {
        let found = self.waiting.binary_search_by_key(&ticket, |(t, _)| *t);
        found.is_ok_and(|at| self.waiting.remove(at).is_some())
    }

    /// Closes what has been idle for too long, and tells how many that were.
    pub fn expire(&mut self, bounds: &PoolBounds, now: Time) -> u32 {
        let mut closed = 0;
        while self.next_expiry(bounds).is_some_and(|due| due <= now) {
            self.idle.pop_front();
            closed += 1;
        }
        closed
    }

    /// When the next connection has been idle for too long; `None` if none ever will unless something happens.
    pub fn next_expiry(&self, bounds: &PoolBounds) -> Option<Time> {
        let longest = self.idle.front().filter(|_| self.open() > bounds.min)?;
        Some(*longest + bounds.idle)
    }

    /// The server has gone: closes all idle connections, and tells how many those were. Those in use are to be discarded.
    pub fn drop_idle(&mut self) -> u32 {
        let closed = self.idle.len() as u32;
        self.idle.clear();
        closed
    }

    /// Connections that are open or being set up: what counts against `max`, and what the server has to hold.
    pub fn open(&self) -> u32 {
        self.busy + self.opening + self.idle.len() as u32
    }

    /// Connections in use.
    pub const fn busy(&self) -> u32 {
        self.busy
    }

    /// Connections being set up.
    pub const fn opening(&self) -> u32 {
        self.opening
    }

    /// Connections that nobody uses.
    pub fn idle(&self) -> u32 {
        self.idle.len() as u32
    }

    /// How many wait.
    pub fn waiting(&self) -> u32 {
        self.waiting.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: PoolBounds = PoolBounds {
        min: 1,
        max: 2,
        idle: Duration::from_nanos(30),
    };

    fn at(nanos: u64) -> Time {
        Time::from_nanos(nanos)
    }

    #[test]
    fn opens_up_to_its_bound_then_lets_wait_in_order() {
        let mut pool = ConnectionPool::new(&BOUNDS, at(0));
        assert_eq!(pool.acquire(&BOUNDS, 'a'), Connection::Ready);
        assert_eq!(pool.acquire(&BOUNDS, 'b'), Connection::Open);
        let Connection::Wait(c) = pool.acquire(&BOUNDS, 'c') else {
            panic!("both are taken");
        };
        pool.acquire(&BOUNDS, 'd');
        pool.acquire(&BOUNDS, 'e');
        pool.opened();
        assert!(pool.leave(c) && !pool.leave(c));
        assert_eq!(pool.release(&BOUNDS, at(1)), Some(Next::Ready('d')));
        assert_eq!(pool.discard(&BOUNDS), Some(Next::Open('e')));
        assert_eq!(pool.failed(&BOUNDS), None);
        assert_eq!(pool.release(&BOUNDS, at(2)), None);
        assert_eq!((pool.open(), pool.idle(), pool.waiting()), (1, 1, 0));
    }

    #[test]
    fn closes_what_is_idle_for_long_but_keeps_its_least() {
        let mut pool = ConnectionPool::new(&BOUNDS, at(0));
        pool.acquire(&BOUNDS, 'a');
        pool.acquire(&BOUNDS, 'b');
        pool.opened();
        assert_eq!(pool.next_expiry(&BOUNDS), None);
        pool.release(&BOUNDS, at(10));
        pool.release(&BOUNDS, at(15));
        assert_eq!(pool.next_expiry(&BOUNDS), Some(at(40)));
        assert_eq!(pool.expire(&BOUNDS, at(39)), 0);
        // The one used last is taken first, so the other goes on ageing.
        assert_eq!(pool.acquire(&BOUNDS, 'a'), Connection::Ready);
        pool.release(&BOUNDS, at(38));
        assert_eq!(pool.expire(&BOUNDS, at(40)), 1);
        assert_eq!((pool.open(), pool.next_expiry(&BOUNDS)), (1, None));
    }

    #[test]
    fn follows_changed_bounds() {
        let wide = PoolBounds { max: 3, ..BOUNDS };
        let mut pool = ConnectionPool::new(&BOUNDS, at(0));
        for token in 'a'..='d' {
            pool.acquire(&BOUNDS, token);
        }
        assert_eq!(pool.admit(&wide), Some(Next::Open('c')));
        assert_eq!(pool.admit(&wide), None);
        pool.opened();
        pool.opened();
        // Back to two: one is closed when it is given back.
        assert_eq!(pool.release(&BOUNDS, at(1)), None);
        assert_eq!(pool.release(&BOUNDS, at(1)), Some(Next::Ready('d')));
        assert_eq!(pool.open(), 2);
    }

    #[test]
    fn a_server_that_is_gone_takes_the_idle_ones_along() {
        let mut pool = ConnectionPool::new(&BOUNDS, at(0));
        assert_eq!(pool.drop_idle(), 1);
        assert_eq!(pool.acquire(&BOUNDS, 'a'), Connection::Open);
    }
}
