//! Which node a read goes to, and whether a user reads what the user wrote.
//!
//! Models: the four ways of [`Reads`]. For read-your-writes the router remembers each user's latest write: its moment, for a
//! user who sticks to the primary for a while (as Rails' `DatabaseSelector` does, 2 s), or its position, for a replica that
//! must have applied it first (`MySQL`'s `WAIT_FOR_EXECUTED_GTID_SET`, `ProxySQL`'s causal reads).
//! Does not model: several routers that do not know of each other's users.

use super::replication::Replication;
use crate::component::{Choice, Reads};
use crate::index::Index;
use crate::list::{Linked, Links, List, Pool};
use crate::time::{Duration, Time};

/// A user's latest write.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LatestWrite {
    /// Its position in the log.
    pub position: u64,
    /// When it was answered.
    pub at: Time,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Session {
    user: u64,
    write: LatestWrite,
    links: Links,
}

impl Linked for Session {
    fn links(&self) -> Links {
        self.links
    }

    fn links_mut(&mut self) -> &mut Links {
        &mut self.links
    }
}

/// The latest writes of users: of so many at most; of more, those who wrote longest ago are forgotten.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Sessions {
    index: Index,
    users: Pool<Session>,
    /// Who wrote longest ago is in front.
    order: List,
    most: u32,
}

impl Sessions {
    /// Nobody has written yet; `most` users, at least 1, will be remembered.
    pub fn new(most: u32) -> Self {
        Self {
            index: Index::default(),
            users: Pool::default(),
            order: List::default(),
            most,
        }
    }

    fn find(&self, user: u64) -> Option<u32> {
        self.index.get(user, |at| self.users[at].user)
    }

    /// A user's write has been answered.
    pub fn wrote(&mut self, user: u64, position: u64, now: Time) {
        let write = LatestWrite { position, at: now };
        let at = if let Some(at) = self.find(user) {
            self.order.remove(self.users.all_mut(), at);
            self.users[at].write.at = now;
            // Writes may be answered in another order than they were logged in.
            let latest = &mut self.users[at].write.position;
            *latest = position.max(*latest);
            at
        } else {
            if self.order.len >= self.most {
                self.forget_oldest();
            }
            let at = self.users.add(Session {
                user,
                write,
                links: Links::ALONE,
            });
            self.index.insert(user, at);
            at
        };
        self.order.push_back(self.users.all_mut(), at);
    }

    /// Forgets the oldest writes that lie up to `position`.
    pub fn forget_until(&mut self, position: u64) {
        while !self.is_empty() && self.users[self.order.front].write.position <= position {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let oldest = self.order.front;
        let user = self.users[oldest].user;
        self.order.remove(self.users.all_mut(), oldest);
        self.index.remove(user, |at| self.users[at].user);
        self.users.free(oldest);
    }

    /// A user's latest write, if it is remembered.
    pub fn latest(&self, user: u64) -> Option<LatestWrite> {
        self.find(user).map(|at| self.users[at].write)
    }

    /// How many users are remembered.
    pub const fn len(&self) -> u32 {
        self.order.len
    }

    /// Whether nobody is.
    pub const fn is_empty(&self) -> bool {
        self.order.len == 0
    }
}

/// Where a read goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Route {
    /// To this node.
    To(u16),
    /// To this node when it has applied a position; see [`Replication::wait_for`]. To the primary when that takes too long.
    After {
        /// The node.
        node: u16,
        /// The position.
        position: u64,
    },
}

/// The state of the router before a replicated database.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Router {
    /// Whose turn comes next.
    turn: u16,
    sessions: Sessions,
}

impl Router {
    /// A router that remembers the latest writes of `most` users.
    pub fn new(most: u32) -> Self {
        Self {
            turn: 0,
            sessions: Sessions::new(most),
        }
    }

    /// The latest writes of users.
    pub const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// A user's write has been answered. Does nothing where nobody will ask.
    pub fn wrote(&mut self, reads: &Reads, user: u64, position: u64, now: Time) {
        match reads {
            Reads::Primary | Reads::Replicas { .. } => {}
            Reads::StickyAfterWrite { .. } | Reads::WaitForPosition { .. } => {
                self.sessions.wrote(user, position, now);
            }
        }
    }

    /// Where a user's read goes. `up` tells which nodes answer; where no replica does, the primary is asked.
    pub fn route<T: Copy>(
        &mut self,
        reads: &Reads,
        user: u64,
        now: Time,
        replication: &Replication<T>,
        up: impl Fn(u16) -> bool,
    ) -> Route {
        let primary = Route::To(replication.primary());
        let latest = self.sessions.latest(user);
        let (choice, position) = match reads {
            Reads::Primary => return primary,
            Reads::Replicas { choice } => (*choice, 0),
            Reads::StickyAfterWrite { for_ms, choice } => {
                let sticks = Duration::from_millis(*for_ms);
                if latest.is_some_and(|write| now.since(write.at) < sticks) {
                    return primary;
                }
                (*choice, 0)
            }
            Reads::WaitForPosition { choice, .. } => (*choice, latest.map_or(0, |w| w.position)),
        };
        match self.choose(choice, replication, up) {
            None => primary,
            Some(node) if replication.applied(node) < position => Route::After { node, position },
            Some(node) => Route::To(node),
        }
    }

    fn choose<T: Copy>(
        &mut self,
        choice: Choice,
        replication: &Replication<T>,
        up: impl Fn(u16) -> bool,
    ) -> Option<u16> {
        let able = || replication.replicas().filter(|node| up(*node));
        // The next in turn, counted from the node of the last turn.
        let turn = self.turn;
        let in_turn = |node: &u16| (*node < turn, *node);
        let node = match choice {
            Choice::RoundRobin => able().min_by_key(in_turn),
            Choice::LeastLag => {
                able().min_by_key(|node| (u64::MAX - replication.applied(*node), in_turn(node)))
            }
        }?;
        self.turn = node + 1;
        Some(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Rows, Timing};
    use crate::random::Key;

    fn ms(millis: f64) -> Time {
        Time::ZERO + Duration::from_millis(millis)
    }

    /// Two replicas; a write at 0 that has reached neither, or only node 2.
    fn written(only_node_2: bool) -> Replication<u64> {
        let settings = crate::read_json(r#"{"replicas":2}"#).expect("it can be read");
        let timing = Timing::new(&settings, Key::root(1));
        let mut replication = Replication::new(2);
        let row = Rows::new(1).commit(1, 0, 0, Time::ZERO);
        replication.set_linked(&timing, 1, !only_node_2, Time::ZERO);
        replication.commit(&timing, row, 0);
        let until = ms(if only_node_2 { 10.0 } else { 0.0 });
        replication.advance(&timing, until, &mut Vec::new());
        replication
    }

    #[test]
    fn reads_go_to_replicas_in_turn_or_to_the_one_that_has_most() {
        let replication = written(true);
        let mut router = Router::new(10);
        let mut go = |choice, up: &dyn Fn(u16) -> bool| {
            router.route(&Reads::Replicas { choice }, 1, ms(0.0), &replication, up)
        };
        let turns: Vec<Route> = (0..4).map(|_| go(Choice::RoundRobin, &|_| true)).collect();
        assert_eq!(turns, [1, 2, 1, 2].map(Route::To));
        assert_eq!(go(Choice::LeastLag, &|_| true), Route::To(2));
        assert_eq!(go(Choice::LeastLag, &|_| true), Route::To(2));
        assert_eq!(go(Choice::LeastLag, &|node| node != 2), Route::To(1));
        assert_eq!(go(Choice::RoundRobin, &|_| false), Route::To(0));
    }

    #[test]
    fn a_user_sticks_to_the_primary_for_a_while_after_a_write() {
        let replication = written(false);
        let reads = Reads::StickyAfterWrite {
            for_ms: 100.0,
            choice: Choice::RoundRobin,
        };
        let mut router = Router::new(10);
        router.wrote(&reads, 1, 1, ms(0.0));
        let mut go = |user, at| router.route(&reads, user, ms(at), &replication, |_| true);
        assert_eq!(go(1, 99.0), Route::To(0));
        assert_eq!(go(2, 99.0), Route::To(1));
        assert_eq!(go(1, 100.0), Route::To(2));
    }

    #[test]
    fn a_user_waits_for_a_replica_to_have_the_write() {
        let reads = Reads::WaitForPosition {
            timeout_ms: 10.0,
            choice: Choice::RoundRobin,
        };
        let mut router = Router::new(10);
        router.wrote(&reads, 1, 1, ms(0.0));
        let mut go =
            |user, at: &Replication<u64>| router.route(&reads, user, ms(0.0), at, |_| true);
        let (none, one) = (written(false), written(true));
        let waits = |node| Route::After { node, position: 1 };
        assert_eq!(go(1, &none), waits(1));
        assert_eq!(go(1, &none), waits(2));
        assert_eq!(go(2, &none), Route::To(1));
        assert_eq!(go(1, &one), Route::To(2));
        assert_eq!(go(1, &one), waits(1));
    }

    #[test]
    fn those_who_wrote_longest_ago_are_forgotten_first() {
        let mut sessions = Sessions::new(3);
        for (user, position) in [(1, 1), (2, 2), (3, 3), (1, 4), (4, 5), (5, 6)] {
            sessions.wrote(user, position, Time::from_nanos(position));
        }
        let known: Vec<u64> = (1..=5)
            .filter(|user| sessions.latest(*user).is_some())
            .collect();
        assert_eq!((known, sessions.len()), (vec![1, 4, 5], 3));
        sessions.wrote(5, 2, Time::from_nanos(9));
        assert_eq!(sessions.latest(5).map(|write| write.position), Some(6));
        assert_eq!(sessions.users.all_mut().len(), 3);
    }
}
