//! Sessions: what stateful instances keep of the users that they have served.
//!
//! Models: state of a user (a login, a basket, a warm working set) that lives in the memory of one instance, as in servers with
//! sessions in the process (Fowler, *Patterns of Enterprise Application Architecture*, 2002, "Server Session State"). A user who
//! comes to an instance that does not know it, though it has a session somewhere or had one, either costs the work of making
//! it anew or is logged out. So sticky sessions (session affinity) pay off, and a crash, a scaled-in instance or a balancer that
//! moves users shows. An instance that is short of room forgets whoever came least recently.
//! Does not model: sessions that expire by time, that are shared in a store or copied between instances (call a cache or a
//! database for that), or that differ in size. The service knows users by the client that they came from and their number;
//! one whom it has not seen for so long that as many others came since as all instances can remember counts as new.

use serde::{Deserialize, Serialize};

use crate::component::Component;
use crate::distribution::Distribution;
use crate::index::Index;
use crate::limits;
use crate::list::{Linked, Links, List, Pool};
use crate::problem::Problems;
use crate::scenario::Scenario;

/// What each instance of a service keeps of its users.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// What happens to a request whose user has no session here, but had one.
    pub lost: LostSession,
    /// Users that one instance remembers; whoever came least recently is forgotten.
    #[serde(default = "thousand")]
    pub capacity: u32,
}

/// What happens to a request whose user's session was lost or is kept elsewhere.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LostSession {
    /// The session is made anew here: work before the plan.
    Rebuild(Distribution),
    /// The request fails and the user has to begin a new session, which the next request does.
    Fail,
}

const fn thousand() -> u32 {
    1_000
}

impl Sessions {
    pub(crate) fn check(&self, p: &mut Problems) {
        p.count("capacity", u64::from(self.capacity), 1, limits::SESSIONS);
        if let LostSession::Rebuild(time) = &self.lost {
            p.within("lost", |p| p.within("rebuild", |p| time.check(p)));
        }
    }
}

/// Notes it if all services together remember more users than a run may hold.
pub(crate) fn check_total(scenario: &Scenario, p: &mut Problems) {
    let users = |component: &Component| match component {
        Component::Service(service) => service.sessions.as_ref().map_or(0, |sessions| {
            u64::from(sessions.capacity) * u64::from(service.most_instances())
        }),
        _ => 0,
    };
    let total: u64 = scenario.components.values().map(users).sum();
    if total > limits::SESSIONS {
        p.note_at(
            "components",
            format!(
                "{total} users remembered by all instances together: at most {} are allowed, so lower a \"capacity\" of \"sessions\"",
                limits::SESSIONS
            ),
        );
    }
}

/// A user with the number of a session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Seat {
    user: u64,
    session: u64,
    links: Links,
}

impl Linked for Seat {
    fn links(&self) -> Links {
        self.links
    }

    fn links_mut(&mut self) -> &mut Links {
        &mut self.links
    }
}

/// Sessions by user, the most recently used first. It grows to its bound and then allocates nothing.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Users {
    index: Index,
    seats: Pool<Seat>,
    order: List,
}

impl Users {
    fn find(&self, user: u64) -> Option<u32> {
        self.index.get(user, |at| self.seats[at].user)
    }

    /// The session of `user`, who is the most recent from now on.
    fn touch(&mut self, user: u64) -> Option<u64> {
        let at = self.find(user)?;
        self.order.move_to_front(self.seats.all_mut(), at);
        Some(self.seats[at].session)
    }

    /// Notes the session of `user`, forgetting the least recent beyond `most`.
    fn set(&mut self, user: u64, session: u64, most: usize) {
        if let Some(at) = self.find(user) {
            self.seats[at].session = session;
            self.order.move_to_front(self.seats.all_mut(), at);
            return;
        }
        while self.order.len as usize >= most.max(1) {
            let last = self.seats[self.order.back].user;
            self.remove(last);
        }
        let links = Links::ALONE;
        let at = self.seats.add(Seat {
            user,
            session,
            links,
        });
        self.order.push_front(self.seats.all_mut(), at);
        self.index.insert(user, at);
    }

    fn remove(&mut self, user: u64) {
        let seats = &self.seats;
        if let Some(at) = self.index.remove(user, |at| seats[at].user) {
            self.order.remove(self.seats.all_mut(), at);
            self.seats.free(at);
        }
    }

    /// Forgets all, and tells how many.
    fn clear(&mut self) -> u32 {
        let count = self.order.len;
        if count > 0 {
            self.index.clear();
            self.seats.clear();
            self.order = List::default();
        }
        count
    }
}

/// What an instance finds when a user comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Visit {
    /// Its session.
    Kept,
    /// A user without any session: a new one begins.
    New,
    /// A user whose session is not here.
    Lost,
}

/// The sessions of all instances of one service.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct SessionsState {
    capacity: u32,
    /// Sessions begun so far.
    begun: u64,
    /// The session that each user believes to have.
    known: Users,
    /// What each instance keeps.
    kept: Vec<Users>,
}

impl SessionsState {
    /// Of `instances` instances that have served nobody yet.
    pub fn new(capacity: u32, instances: usize) -> Self {
        Self {
            capacity,
            begun: 0,
            known: Users::default(),
            kept: vec![Users::default(); instances],
        }
    }

    /// Takes on changed numbers. An instance that is short of room now forgets as others come.
    pub fn reconfigure(&mut self, capacity: u32, instances: usize) {
        self.capacity = capacity;
        if self.kept.len() < instances {
            self.kept.resize(instances, Users::default());
        }
    }

    /// `user` comes to `instance`, which keeps its session from now on.
    pub fn visit(&mut self, instance: u32, user: u64) -> Visit {
        let most = self.capacity as usize;
        let everybody = most.saturating_mul(self.kept.len());
        let kept = &mut self.kept[instance as usize];
        let Some(session) = self.known.touch(user) else {
            self.begun += 1;
            self.known.set(user, self.begun, everybody);
            kept.set(user, self.begun, most);
            return Visit::New;
        };
        // A session that the user has since been logged out of is as good as none.
        if kept.touch(user) == Some(session) {
            return Visit::Kept;
        }
        kept.set(user, session, most);
        Visit::Lost
    }

    /// `user` was told that it has no session any more.
    pub fn log_out(&mut self, user: u64) {
        self.known.remove(user);
    }

    /// `instance` loses what it keeps; tells how many sessions.
    pub fn forget(&mut self, instance: u32) -> u32 {
        self.kept.get_mut(instance as usize).map_or(0, Users::clear)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_kept_where_it_was_made() {
        let mut state = SessionsState::new(10, 2);
        assert_eq!(state.visit(0, 7), Visit::New);
        assert_eq!(state.visit(0, 7), Visit::Kept);
        assert_eq!(state.visit(1, 7), Visit::Lost);
        // Made anew there, it is kept in both.
        assert_eq!(state.visit(1, 7), Visit::Kept);
        assert_eq!(state.visit(0, 7), Visit::Kept);
        assert_eq!(state.visit(1, 8), Visit::New);
        assert_eq!(state.forget(1), 2);
        assert_eq!(state.visit(1, 8), Visit::Lost);
        assert_eq!(state.visit(0, 7), Visit::Kept);
    }

    #[test]
    fn who_is_logged_out_begins_a_new_session_and_old_ones_are_void() {
        let mut state = SessionsState::new(10, 3);
        assert_eq!(state.visit(0, 7), Visit::New);
        assert_eq!(state.visit(1, 7), Visit::Lost);
        state.log_out(7);
        assert_eq!(state.visit(2, 7), Visit::New);
        assert_eq!(state.visit(0, 7), Visit::Lost);
        state.log_out(7);
        assert_eq!(state.visit(0, 7), Visit::New);
        assert_eq!(state.visit(0, 7), Visit::Kept);
    }

    #[test]
    fn short_of_room_the_least_recent_goes() {
        let mut state = SessionsState::new(2, 2);
        for user in [1, 2, 1, 3] {
            state.visit(0, user);
        }
        assert_eq!(state.visit(0, 1), Visit::Kept);
        assert_eq!(state.visit(0, 2), Visit::Lost);
        // Five others came, and all instances together remember four.
        for user in 10..15 {
            state.visit(1, user);
        }
        assert_eq!(state.visit(0, 2), Visit::New);
    }

    #[test]
    fn it_agrees_with_a_plain_model_and_stays_within_its_bounds() {
        // A list of (user, session), most recent first.
        fn set(list: &mut Vec<(u64, u64)>, user: u64, session: u64, most: usize) {
            list.retain(|(u, _)| *u != user);
            list.insert(0, (user, session));
            list.truncate(most);
        }
        let mut state = SessionsState::new(4, 3);
        let (mut known, mut kept) = (Vec::new(), vec![Vec::new(); 3]);
        let mut begun = 0;
        let mut draws = crate::random::Key::root(5).draws();
        let mut seen = [0; 3];
        for _ in 0..20_000 {
            let (instance, user) = (draws.below(3), u64::from(draws.below(16)));
            let at = instance as usize;
            if draws.below(50) == 0 {
                assert_eq!(state.forget(instance) as usize, kept[at].len());
                kept[at].clear();
            }
            let found = |list: &[(u64, u64)]| list.iter().find(|(u, _)| *u == user).map(|f| f.1);
            let expected = match (found(&known), found(&kept[at])) {
                (None, _) => {
                    begun += 1;
                    Visit::New
                }
                (Some(a), Some(b)) if a == b => Visit::Kept,
                _ => Visit::Lost,
            };
            let session = found(&known).unwrap_or(begun);
            set(&mut known, user, session, 12);
            set(&mut kept[at], user, session, 4);
            assert_eq!(state.visit(instance, user), expected);
            seen[expected as usize] += 1;
            if expected == Visit::Lost && draws.below(2) == 0 {
                state.log_out(user);
                known.retain(|(u, _)| *u != user);
            }
        }
        assert!(seen.iter().all(|count| *count > 500), "{seen:?}");
    }
}
