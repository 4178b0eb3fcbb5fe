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
    /// Requests sent so far by each user of a closed loop.
    rounds: Vec<u64>,
}

impl Default for ClientState {
    fn default() -> Self {
        Self {
            sent: 0,
            edition: 0,
            last: Time::ZERO,
            pace: 1000,
            arrivals: ArrivalState::default(),
            rounds: Vec::new(),
        }
    }
}

impl<P: Probe> Engine<P> {
    /// Plans a client's first request, or those of its users from number `from` on.
    pub(super) fn open(&mut self, at: u16, from: u32) {
        let model = Arc::clone(&self.model);
        let Role::Client(client) = &model.components[usize::from(at)].role else {
            return;
        };
        if let Arriving::Closed { users, .. } = client.arrivals {
            let rounds = &mut self.clients[usize::from(at)].rounds;
            if rounds.len() < users as usize {
                rounds.resize(users as usize, 0);
            }
            for user in from..users {
                self.think(&model, at, user);
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

    fn think(&mut self, model: &Model, at: u16, user: u32) {
        let Role::Client(client) = &model.components[usize::from(at)].role else {
            return;
        };
        let Arriving::Closed { users, think_time } = &client.arrivals else {
            return;
        };
        // A user who was taken away does not come back.
        if user >= *users {
            return;
        }
        let round = self.clients[usize::from(at)].rounds[user as usize];
        let key = client.arrival_key.with(u64::from(user)).with(round);
        let time = self.now + think_time.draw(&mut key.draws());
        let time = paced(self.now, time, self.clients[usize::from(at)].pace);
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
            let round = &mut self.clients[usize::from(at)].rounds[user as usize];
            let number = (u64::from(user) << 40) | *round;
            *round += 1;
            self.send(&model, at, Some(user), number);
        }
    }

    /// A client sends its request number `number`; in a closed loop, for `user`.
    fn send(&mut self, model: &Model, at: u16, user: Option<u32>, number: u64) {
        let Role::Client(client) = &model.components[usize::from(at)].role else {
            return;
        };
        let key = client.request_key.with(number);
        let asked = client.asking.draw(number, key);
        let user = user.unwrap_or(asked.user);
        let id = self.totals.sent;
        self.totals.sent += 1;
        let request = self.requests.insert(Request {
            id,
            client: at,
            user,
            priority: client.priority,
            degraded: false,
            over: false,
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
    pub(super) fn end(&mut self, id: RequestId, outcome: Outcome) {
        let request = &mut self.requests[id];
        request.over = true;
        let (client, user, degraded) = (request.client, request.user, request.degraded);
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
        // A user of a closed loop now thinks of the next.
        if let Role::Client(closed) = &self.model.components[usize::from(client)].role
            && matches!(closed.arrivals, Arriving::Closed { .. })
        {
            let model = Arc::clone(&self.model);
            self.think(&model, client, user);
        }
    }
}
