//! The engine: takes the next planned event, changes the state, plans what follows.
//!
//! A request runs plans. Each component that works on it holds a *frame* (station, plan, position); a call opens a frame on
//! top, and the caller's server stays held until the answer. Steps that take no time happen at once, in the order in which
//! they became possible; only work and arrivals go through the calendar.

use core::fmt;
use core::hash::{Hash, Hasher};
use std::collections::VecDeque;
use std::sync::Arc;

use slab::Slab;

use crate::arrivals::Arriving;
use crate::balance::{Ask, BalancerState};
use crate::calendar::{Calendar, Due};

use crate::component::station::{NONE, Station};
use crate::event::{Event, Loss, RequestRef};
use crate::limits;
use crate::model::{Files, Model, Role, Step};
use crate::probe::{NoProbe, Probe};
use crate::problem::Problem;
use crate::random::Key;
use crate::scenario::Scenario;
use crate::state_hash::StateHasher;
use crate::time::Time;

/// What a balancer's draws are for.
const CHOICE: u64 = 0xc401_ce00;

/// One component's part in a request under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Frame {
    request: u32,
    /// The frame that called, or [`NONE`] for the client's own call.
    parent: u32,
    station: u32,
    /// The balancer that chose the station, or `u16::MAX`.
    balancer: u16,
    /// The next step of the plan.
    step: u32,
    /// What this visit's draws derive from: the request and the way it came, not the moment or the instance.
    key: Key,
    /// The next in the station's waiting line.
    pub next: u32,
}

/// A request under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Request {
    id: u64,
    client: u16,
    /// The user of a closed-loop client who sent it.
    user: u32,
    sent: Time,
}

/// A client's state.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct ClientState {
    /// Open-loop requests sent so far.
    sent: u64,
    /// Counts the plans this client has had, so that an arrival planned under an older one is void.
    edition: u32,
    /// When the last open-loop request came.
    last: Time,
    /// Requests sent so far by each user of a closed loop.
    rounds: Vec<u64>,
}

/// Why a run is not over yet, or why it had to be stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// It has come to the moment asked for.
    Reached,
    /// It has handled as many events as its budget allows.
    EventBudget {
        /// The budget.
        events: u64,
    },
    /// More requests are under way than a run may hold.
    InFlight {
        /// How many may be.
        requests: usize,
    },
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reached => write!(f, "the run came to its end"),
            Self::EventBudget { events } => {
                write!(
                    f,
                    "the run was stopped after {events} events, its budget: shorten it or lower the load"
                )
            }
            Self::InFlight { requests } => write!(
                f,
                "the run was stopped with {requests} requests under way, the most it may hold: bound the queues or lower the load"
            ),
        }
    }
}

/// How many requests came, and what became of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Totals {
    /// Sent by clients.
    pub sent: u64,
    /// Returned.
    pub completed: u64,
    /// Lost.
    pub lost: u64,
    /// Still under way.
    pub under_way: u64,
}

/// A run of a model, watched by a probe. A clone is a snapshot: both go on alike.
#[derive(Clone, Debug)]
pub struct Engine<P = NoProbe> {
    model: Arc<Model>,
    now: Time,
    calendar: Calendar,
    requests: Slab<Request>,
    frames: Slab<Frame>,
    /// Frames that can take their next step now.
    ready: VecDeque<u32>,
    stations: Vec<Station>,
    /// By component; empty where the component is no balancer.
    balancers: Vec<BalancerState>,
    /// By component; empty where the component is no client.
    clients: Vec<ClientState>,
    totals: Totals,
    events: u64,
    budget: u64,
    probe: P,
}

impl<P: Probe> Engine<P> {
    /// A run at its start, with nothing happened yet.
    pub fn new(model: Arc<Model>, probe: P) -> Self {
        let mut engine = Self {
            now: Time::ZERO,
            calendar: Calendar::default(),
            requests: Slab::new(),
            frames: Slab::new(),
            ready: VecDeque::new(),
            stations: vec![Station::new(); model.stations.len()],
            balancers: vec![BalancerState::default(); model.components.len()],
            clients: vec![ClientState::default(); model.components.len()],
            totals: Totals::default(),
            events: 0,
            budget: limits::EVENTS,
            probe,
            model,
        };
        for (component, state) in engine.model.components.iter().zip(&mut engine.balancers) {
            if let Role::Balancer(balancing) = &component.role {
                state.follow(balancing, Time::ZERO);
            }
        }
        for client in 0..engine.model.components.len() {
            engine.open(client as u16, 0);
        }
        engine.probe.reconfigured(&engine.model, Time::ZERO);
        engine
    }

    /// Lets the run handle at most `events` events in all.
    #[must_use]
    pub fn with_budget(mut self, events: u64) -> Self {
        self.budget = events;
        self
    }

    /// The model.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The moment the run has come to.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Events handled so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Requests so far. `sent` is always the sum of the others.
    pub fn totals(&self) -> Totals {
        Totals {
            under_way: self.requests.len() as u64,
            ..self.totals
        }
    }

    /// The probe.
    pub fn probe(&self) -> &P {
        &self.probe
    }

    /// The probe, to take out of it what it has gathered.
    pub fn probe_mut(&mut self) -> &mut P {
        &mut self.probe
    }

    /// The probe, at the end of the run.
    pub fn into_probe(self) -> P {
        self.probe
    }

    /// Servers that are busy at a station, and requests that wait there.
    ///
    /// # Panics
    ///
    /// If the model has no such station.
    pub fn station(&self, station: usize) -> (u32, u32) {
        (self.stations[station].busy, self.stations[station].waiting)
    }

    /// A hash of the whole state (not of the probe): equal states have equal hashes, native and in Wasm.
    pub fn state_hash(&self) -> u64 {
        let mut hasher = StateHasher::default();
        self.now.hash(&mut hasher);
        self.totals.hash(&mut hasher);
        self.events.hash(&mut hasher);
        for (time, sequence, due) in self.calendar.in_order() {
            (time, sequence, due).hash(&mut hasher);
        }
        for (slot, request) in &self.requests {
            (slot, request).hash(&mut hasher);
        }
        for (slot, frame) in &self.frames {
            (slot, frame).hash(&mut hasher);
        }
        self.stations.hash(&mut hasher);
        self.balancers.hash(&mut hasher);
        self.clients.hash(&mut hasher);
        hasher.finish()
    }

    /// Runs up to and including `until`.
    pub fn run_until(&mut self, until: Time) -> Stop {
        while let Some(time) = self.calendar.next_time()
            && time <= until
        {
            if self.events >= self.budget {
                return Stop::EventBudget {
                    events: self.budget,
                };
            }
            if self.requests.len() >= limits::IN_FLIGHT {
                return Stop::InFlight {
                    requests: limits::IN_FLIGHT,
                };
            }
            self.step();
        }
        self.now = self.now.max(until);
        self.probe.advanced(&self.model, self.now);
        Stop::Reached
    }

    /// When the next event is due; `None` if nothing will ever happen again.
    pub fn next_time(&self) -> Option<Time> {
        self.calendar.next_time()
    }

    /// Handles the next event, with all that follows from it at once. Tells whether there was one.
    pub fn step(&mut self) -> bool {
        let Some((time, due)) = self.calendar.next() else {
            return false;
        };
        debug_assert!(time >= self.now, "the calendar never goes back");
        self.now = time;
        self.events += 1;
        match due {
            Due::Arrival { client, edition } => self.arrive(client, edition),
            Due::Thought { client, user } => self.thought(client, user),
            Due::Worked { frame } => self.advance(frame),
        }
        while let Some(frame) = self.ready.pop_front() {
            self.advance(frame);
        }
        true
    }

    /// Changes the system while it runs: rates, times, numbers of instances, workers and connections, lengths of lines.
    /// What is under way goes on; an instance that is taken away finishes what it has.
    ///
    /// # Errors
    ///
    /// The scenario's problems; or that it is not the same system: other components, operations or plans.
    pub fn reconfigure(&mut self, scenario: &Scenario, files: &Files) -> Result<(), Vec<Problem>> {
        let model = Model::following(Some(&self.model), scenario, files)?;
        if !model.same_shape(&self.model) {
            return Err(vec![Problem::new(
                "components",
                "other components or plans than before: this change needs a new run",
            )]);
        }
        let before = core::mem::replace(&mut self.model, Arc::new(model));
        let model = Arc::clone(&self.model);
        self.stations.resize(model.stations.len(), Station::new());
        for (at, component) in model.components.iter().enumerate() {
            match (&component.role, &before.components[at].role) {
                (Role::Balancer(balancing), _) => {
                    self.balancers[at].follow(balancing, self.now);
                }
                (Role::Client(new), Role::Client(old)) if new.arrivals != old.arrivals => {
                    let users = match &old.arrivals {
                        Arriving::Closed { users, .. } => *users,
                        _ => 0,
                    };
                    self.clients[at].edition += 1;
                    // A memoryless process starts anew at any moment; the others count from now.
                    self.clients[at].last = self.now;
                    self.open(at as u16, users);
                }
                _ => {}
            }
        }
        for station in 0..model.stations.len() as u32 {
            self.serve_waiting(station);
        }
        while let Some(frame) = self.ready.pop_front() {
            self.advance(frame);
        }
        self.probe.reconfigured(&self.model, self.now);
        Ok(())
    }

    /// Plans a client's first request, or those of its users from number `from` on.
    fn open(&mut self, at: u16, from: u32) {
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

    fn plan_arrival(&mut self, model: &Model, at: u16) {
        let Role::Client(client) = &model.components[usize::from(at)].role else {
            return;
        };
        let state = &self.clients[usize::from(at)];
        if let Some(time) = client
            .arrivals
            .after(state.last, state.sent, client.arrival_key)
        {
            let edition = state.edition;
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
        self.calendar.plan(time, Due::Thought { client: at, user });
    }

    fn arrive(&mut self, at: u16, edition: u32) {
        let state = &mut self.clients[usize::from(at)];
        if state.edition != edition {
            return;
        }
        let number = state.sent;
        state.sent += 1;
        state.last = self.now;
        let model = Arc::clone(&self.model);
        self.plan_arrival(&model, at);
        self.send(&model, at, 0, number);
    }

    fn thought(&mut self, at: u16, user: u32) {
        let model = Arc::clone(&self.model);
        if let Role::Client(client) = &model.components[usize::from(at)].role
            && let Arriving::Closed { users, .. } = client.arrivals
            && user < users
        {
            let round = &mut self.clients[usize::from(at)].rounds[user as usize];
            let number = (u64::from(user) << 40) | *round;
            *round += 1;
            self.send(&model, at, user, number);
        }
    }

    /// A client sends its request number `number`.
    fn send(&mut self, model: &Model, at: u16, user: u32, number: u64) {
        let Role::Client(client) = &model.components[usize::from(at)].role else {
            return;
        };
        let id = self.totals.sent;
        self.totals.sent += 1;
        let slot = self.requests.insert(Request {
            id,
            client: at,
            user,
            sent: self.now,
        }) as u32;
        self.tell(
            slot,
            &Event::Sent {
                client: at,
                operation: client.operation,
            },
        );
        self.enter(
            model,
            slot,
            NONE,
            client.target,
            client.operation,
            client.request_key.with(number),
        );
    }

    /// A call comes to component `to`.
    fn enter(
        &mut self,
        model: &Model,
        request: u32,
        parent: u32,
        to: u16,
        operation: u16,
        key: Key,
    ) {
        let component = &model.components[usize::from(to)];
        let (station, balancer) = match component.role {
            Role::Balancer(_) => {
                let ask = Ask {
                    now: self.now,
                    key: key.with(CHOICE),
                    data: key.bits(),
                    user: u64::from(self.requests[request as usize].user),
                    tried: &[],
                };
                let station = self.balancers[usize::from(to)].choose(&ask);
                // Nothing tells a balancer of failures or probes yet, so it leaves nobody out.
                let station = station.expect("a balancer has members");
                self.tell(
                    request,
                    &Event::Routed {
                        balancer: to,
                        station,
                    },
                );
                (station, to)
            }
            Role::Client(_) | Role::Station => (component.stations[0], u16::MAX),
        };
        let place = &model.stations[station as usize];
        let state = &mut self.stations[station as usize];
        let free = state.busy < place.servers;
        if !free && state.waiting >= place.queue {
            let reason = Loss::QueueFull;
            self.tell(request, &Event::Refused { station, reason });
            self.let_go(balancer, station);
            self.fail(request, parent, reason, station);
            return;
        }
        let step = model.components[usize::from(place.component)].plans[usize::from(operation)];
        let frame = self.frames.insert(Frame {
            request,
            parent,
            station,
            balancer,
            step: step.expect("every call was checked to have a plan"),
            key,
            next: NONE,
        }) as u32;
        if free {
            self.start(frame, request, station);
        } else {
            state.join(frame, &mut self.frames);
            let waiting = state.waiting;
            self.tell(request, &Event::Queued { station, waiting });
        }
    }

    /// `frame` gets a server.
    fn start(&mut self, frame: u32, request: u32, station: u32) {
        let state = &mut self.stations[station as usize];
        state.busy += 1;
        let (busy, waiting) = (state.busy, state.waiting);
        self.tell(
            request,
            &Event::Started {
                station,
                busy,
                waiting,
            },
        );
        self.ready.push_back(frame);
    }

    /// `frame` takes its next step.
    fn advance(&mut self, frame: u32) {
        let at = frame as usize;
        let step = self.frames[at].step as usize;
        // Borrowing the model through a second handle would count references on each step; indexing is free.
        match &self.model.code[step] {
            Step::Work { time, key } => {
                let duration = time.draw(&mut self.frames[at].key.with(*key).draws());
                self.frames[at].step += 1;
                self.calendar
                    .plan(self.now + duration, Due::Worked { frame });
            }
            Step::Call { to, operation, key } => {
                let (to, operation) = (*to, *operation);
                let key = self.frames[at].key.with(*key);
                let caller = &mut self.frames[at];
                caller.step += 1;
                let (request, station) = (caller.request, caller.station);
                self.tell(request, &Event::Called { station, to });
                let model = Arc::clone(&self.model);
                self.enter(&model, request, frame, to, operation, key);
            }
            Step::End => self.finish(frame),
        }
    }

    /// `frame` has run its plan: its answer goes back.
    fn finish(&mut self, frame: u32) {
        let Frame {
            request, parent, ..
        } = self.leave(frame);
        if parent == NONE {
            let done = self.requests.remove(request as usize);
            self.totals.completed += 1;
            let reference = RequestRef {
                id: done.id,
                slot: request,
            };
            let event = Event::Completed {
                client: done.client,
                latency: self.now.since(done.sent),
            };
            self.probe.event(&self.model, self.now, reference, &event);
            self.ended(done.client, done.user);
        } else {
            let station = self.frames[parent as usize].station;
            self.tell(request, &Event::Returned { station });
            self.ready.push_back(parent);
        }
    }

    /// A call of `request` was refused at `station`: every caller up to the client gives up.
    fn fail(&mut self, request: u32, mut parent: u32, reason: Loss, station: u32) {
        while parent != NONE {
            let station = self.frames[parent as usize].station;
            self.tell(request, &Event::Returned { station });
            parent = self.leave(parent).parent;
        }
        let lost = self.requests.remove(request as usize);
        self.totals.lost += 1;
        let reference = RequestRef {
            id: lost.id,
            slot: request,
        };
        let event = Event::Lost {
            client: lost.client,
            reason,
            station,
            latency: self.now.since(lost.sent),
        };
        self.probe.event(&self.model, self.now, reference, &event);
        self.ended(lost.client, lost.user);
    }

    /// `frame` lets go of its server, and whoever waits there gets it.
    fn leave(&mut self, frame: u32) -> Frame {
        let frame = self.frames.remove(frame as usize);
        let state = &mut self.stations[frame.station as usize];
        state.busy -= 1;
        let busy = state.busy;
        self.tell(
            frame.request,
            &Event::Left {
                station: frame.station,
                busy,
            },
        );
        self.let_go(frame.balancer, frame.station);
        self.serve_waiting(frame.station);
        frame
    }

    fn serve_waiting(&mut self, station: u32) {
        let servers = self.model.stations[station as usize].servers;
        while self.stations[station as usize].busy < servers {
            let Some(frame) = self.stations[station as usize].take(&mut self.frames) else {
                return;
            };
            let request = self.frames[frame as usize].request;
            self.start(frame, request, station);
        }
    }

    fn let_go(&mut self, balancer: u16, station: u32) {
        if balancer != u16::MAX {
            self.balancers[usize::from(balancer)].ended(station);
        }
    }

    /// A request of `client` has ended; a user of a closed loop now thinks of the next.
    fn ended(&mut self, client: u16, user: u32) {
        if let Role::Client(closed) = &self.model.components[usize::from(client)].role
            && matches!(closed.arrivals, Arriving::Closed { .. })
        {
            let model = Arc::clone(&self.model);
            self.think(&model, client, user);
        }
    }

    #[inline]
    fn tell(&mut self, slot: u32, event: &Event) {
        let id = self.requests[slot as usize].id;
        self.probe
            .event(&self.model, self.now, RequestRef { id, slot }, event);
    }
}
