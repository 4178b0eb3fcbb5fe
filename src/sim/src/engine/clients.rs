//! Clients at work: when requests are sent, and what happens when they have ended.

use std::sync::Arc;

use super::Engine;
use super::faults::paced;
use crate::arrivals::{ArrivalState, Arriving};
use crate::calendar::Due;
use crate::event::Event;
use crate::frame::{NOBODY, NONE, Outcome, Request, RequestId};
use crate::model::{Model, Role};
use crate::probe::Probe;
use crate::time::Time;

/// A client's state.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct ClientState {
    /// Open-loop requests sent so far.
    pub sent: u64,
    /// Counts the plans this client has had, so that an arrival planned under an older one is void.
    pub edition: u32,
    /// When the last open-loop request came.
    pub last: Time,
    /// How fast it sends, in thousandths of its usual pace.
    pub pace: u32,
    /// What the arrival process remembers.
    pub arrivals: ArrivalState,
    users: Vec<User>,
}

/// A user of a closed loop.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct User {
    /// Requests sent so far.
    rounds: u64,
    /// Whether it thinks or has a request under way. One who was taken away stops only after that, and if it is wanted again
    /// before, it must not come twice.
    there: bool,
}

impl Default for ClientState {
    fn default() -> Self {
        Self {
            sent: 0,
            edition: 0,
            last: Time::ZERO,
            pace: 1000,
            arrivals: ArrivalState::default(),
            users: Vec::new(),
        }
    }
}

impl<P: Probe> Engine<P> {
    /// Plans a client's first request, or those of its users that are not there yet.
    pub(super) fn open(&mut self, at: u16) {
        let model = Arc::clone(&self.model);
        let Role::Client(client) = &model.components[usize::from(at)].role else {
            return;
        };
        if let Arriving::Closed { users, .. } = client.arrivals {
            let known = &mut self.clients[usize::from(at)].users;
            if known.len() < users as usize {
                known.resize(users as usize, User::default());
            }
            for user in 0..users {
                if !self.clients[usize::from(at)].users[user as usize].there {
                    self.think(&model, at, user);
                }
            }
        } else {
            self.plan_arrival(&model, at);
        }
    }

    /// The next arrival of an open loop is planned anew, from this moment on: its process has changed. A memoryless process
    /// starts anew at any moment; the others count from now.
    pub(super) fn plan_anew(&mut self, at: u16) {
        let model = Arc::clone(&self.model);
        let state = &mut self.clients[usize::from(at)];
        state.edition += 1;
        state.last = self.now;
        state.arrivals = ArrivalState::default();
        self.plan_arrival(&model, at);
    }

    fn plan_arrival(&mut self, model: &Model, at: u16) {
        let Role::Client(client) = &model.components[usize::from(at)].role else {
            return;
        };
        let state = &mut self.clients[usize::from(at)];
        if let Some(time) = client.arrivals.after(
            &mut state.arrivals,
            state.last,
            state.sent,
            client.arrival_key,
        ) {
            let edition = state.edition;
            let time = paced(state.last, time, state.pace);
            self.calendar.plan(
                time,
                Due::Arrival {
                    client: at,
                    edition,
                },
            );
        }
    }

    /// A user of a closed loop thinks of its next request, if it is still wanted.
    fn think(&mut self, model: &Model, at: u16, user: u32) {
        let Role::Client(client) = &model.components[usize::from(at)].role else {
            return;
        };
        let state = &mut self.clients[usize::from(at)];
        let known = &mut state.users[user as usize];
        known.there = false;
        let Arriving::Closed { users, think_time } = &client.arrivals else {
            return;
        };
        if user >= *users {
            return;
        }
        known.there = true;
        let key = client.arrival_key.with(u64::from(user)).with(known.rounds);
        let time = self.now + think_time.draw(&mut key.draws());
        let time = paced(self.now, time, state.pace);
        self.calendar.plan(time, Due::Thought { client: at, user });
    }

    pub(super) fn arrive(&mut self, at: u16, edition: u32) {
        let state = &mut self.clients[usize::from(at)];
        if state.edition != edition {
            return;
        }
        let number = state.sent;
        state.sent += 1;
        state.last = self.now;
        let model = Arc::clone(&self.model);
        self.plan_arrival(&model, at);
        self.send(&model, at, None, number);
    }

    pub(super) fn thought(&mut self, at: u16, user: u32) {
        let model = Arc::clone(&self.model);
        if let Role::Client(client) = &model.components[usize::from(at)].role
            && let Arriving::Closed { users, .. } = client.arrivals
            && user < users
        {
            let rounds = &mut self.clients[usize::from(at)].users[user as usize].rounds;
            let number = (u64::from(user) << 40) | *rounds;
            *rounds += 1;
            self.send(&model, at, Some(user), number);
        } else {
            self.clients[usize::from(at)].users[user as usize].there = false;
        }
    }

    /// A client sends its request number `number`; in a closed loop, for `user`.
    fn send(&mut self, model: &Model, at: u16, user: Option<u32>, number: u64) {
        let Role::Client(client) = &model.components[usize::from(at)].role else {
            return;
        };
        let key = client.request_key.with(number);
        let asked = client.asking.draw(number, key);
        let looped = user.is_some();
        let user = user.unwrap_or(asked.user);
        let id = self.totals.sent;
        self.totals.sent += 1;
        let request = self.requests.insert(Request {
            id,
            client: at,
            user,
            looped,
            priority: client.priority,
            degraded: false,
            over: false,
            written: 0,
            open: 0,
            sent: self.now,
        });
        let site = client.site + u32::from(asked.operation);
        let operation = model.sites[site as usize].operation;
        self.client_call(model, request, site, key, asked.key, |engine, child| {
            let sent = Event::Sent {
                client: at,
                operation,
                user,
                key: asked.key,
                child,
            };
            engine.tell(request, NONE, &sent);
        });
    }

    /// The client's own call has come to its end.
    #[inline(always)]
    pub(super) fn end(&mut self, id: RequestId, outcome: Outcome) {
        let request = &mut self.requests[id];
        request.over = true;
        let (client, user, degraded) = (request.client, request.user, request.degraded);
        let looped = request.looped;
        let latency = self.now.since(request.sent);
        if client == NOBODY {
            return;
        }
        let event = match outcome {
            Ok(_) => {
                self.totals.completed += 1;
                Event::Completed {
                    client,
                    latency,
                    degraded,
                }
            }
            Err(failure) => {
                self.totals.lost += 1;
                Event::Lost {
                    client,
                    reason: failure.reason,
                    station: failure.station,
                    latency,
                }
            }
        };
        self.tell(id, NONE, &event);
        if looped {
            let model = Arc::clone(&self.model);
            self.think(&model, client, user);
        }
    }
}
