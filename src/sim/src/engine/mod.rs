//! The engine: takes the next planned event, changes the state, plans what follows.
//!
//! A request runs plans. Each component that works on it holds a *frame* (station, plan, position); a call opens a frame, and
//! the caller's server stays held until the answer. Who waits for an answer is named by a key, so whoever has gone away in the
//! meantime (a caller that timed out or crashed) is simply not found, and the work goes on for nobody. Steps that take no time
//! happen at once, in the order in which they became possible; all else goes through the calendar.

mod balancing;
mod branches;
mod caches;
mod call;
mod changes;
mod clients;
mod connections;
mod databases;
mod event_stores;
mod faults;
mod gateways;
mod guard;
mod messages;
mod moves;
mod policy_states;
mod relays;
mod scaling;
mod scatter;
mod sessions;
mod shards;
mod shedding;
mod sourcing;
mod statements;
mod subscriptions;
mod views;
mod visit;
mod workflows;

use core::fmt;
use core::hash::{Hash, Hasher};
use std::collections::VecDeque;
use std::sync::Arc;

use slotmap::SlotMap;

use crate::arrivals::Arriving;
use crate::balance::BalancerState;
use crate::calendar::{Calendar, Due};
use crate::component::station::{Line, Station};
use crate::event::{Event, RequestRef};
use crate::frame::{CallId, Frame, FrameId, Request, RequestId, State};
use crate::limits;
use crate::model::{Files, Model, Role};
use crate::probe::{NoProbe, Probe};
use crate::problem::Problem;
use crate::resilience::AutoscaleState;
use crate::scenario::Scenario;
use crate::sessions::SessionsState;
use crate::state_hash::StateHasher;
use crate::time::Time;
use crate::wire::WireState;

use balancing::Check;
use caches::Caches;
use call::Pending;
use clients::ClientState;
use databases::Databases;
use faults::FaultState;
use gateways::LimitState;
use guard::GuardState;
use messages::Messaging;
use shards::Routers;
use sourcing::Sourcing;
use workflows::Workflows;

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
    /// As many requests, or parts of requests, are under way as a run may hold.
    InFlight {
        /// How many requests are.
        requests: usize,
    },
    /// As many events are planned as a run may hold.
    Planned {
        /// How many.
        events: usize,
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
            Self::Planned { events } => write!(
                f,
                "the run was stopped with {events} events planned, the most it may hold: shorten timeouts and delays or lower the load"
            ),
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

/// What a run holds just now, also of requests whose clients have their answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Parts {
    /// Requests of which anything is left.
    pub requests: usize,
    /// Components at work on them, or on the way to or from one.
    pub frames: usize,
    /// Calls that are tried or branch.
    pub calls: usize,
    /// Sagas and transactions that have not ended.
    pub workflows: usize,
}

/// A run of a model, watched by a probe. A clone is a snapshot: both go on alike.
#[derive(Clone, Debug)]
pub struct Engine<P = NoProbe> {
    model: Arc<Model>,
    now: Time,
    calendar: Calendar,
    requests: SlotMap<RequestId, Request>,
    frames: SlotMap<FrameId, Frame>,
    calls: SlotMap<CallId, Pending>,
    /// Frames that can take their next step now.
    ready: VecDeque<FrameId>,
    stations: Vec<Station>,
    /// By component; empty where the component is no balancer.
    balancers: Vec<BalancerState>,
    /// Members of balancers that are probed.
    checks: Vec<Check>,
    /// By component, where there is one.
    scalers: Vec<Option<AutoscaleState>>,
    /// By component, where instances keep sessions.
    sessions: Vec<Option<SessionsState>>,
    /// By component; empty where the component is no client.
    clients: Vec<ClientState>,
    /// By guard of the model, then by instance of the caller.
    guards: Vec<Vec<GuardState>>,
    /// By link of the model: there and back.
    wires: Vec<[WireState; 2]>,
    faults: Vec<FaultState>,
    caches: Caches,
    /// By station; without limits where there is no gateway.
    limits: Vec<LimitState>,
    databases: Databases,
    routers: Routers,
    workflows: Workflows,
    messaging: Messaging,
    sourcing: Sourcing,
    totals: Totals,
    events: u64,
    /// After so many events the next of the faults comes that count them.
    strikes_after: u64,
    budget: u64,
    probe: P,
}

impl<P: Probe> Engine<P> {
    /// A run at its start, with nothing happened yet.
    pub fn new(model: Arc<Model>, probe: P) -> Self {
        let mut engine = Self {
            now: Time::ZERO,
            calendar: Calendar::default(),
            requests: SlotMap::with_key(),
            frames: SlotMap::with_key(),
            calls: SlotMap::with_key(),
            ready: VecDeque::new(),
            stations: Vec::new(),
            balancers: vec![BalancerState::default(); model.components.len()],
            checks: Vec::new(),
            scalers: Vec::new(),
            sessions: Vec::new(),
            clients: vec![ClientState::default(); model.components.len()],
            guards: vec![Vec::new(); model.guards as usize],
            wires: vec![Default::default(); model.wires.len()],
            faults: vec![FaultState::default(); model.faults.len()],
            caches: Caches::default(),
            limits: Vec::new(),
            databases: Databases::new(&model),
            routers: Routers::new(&model),
            workflows: Workflows::default(),
            messaging: Messaging::new(&model),
            sourcing: Sourcing::new(&model),
            totals: Totals::default(),
            events: 0,
            strikes_after: u64::MAX,
            budget: limits::EVENTS,
            probe,
            model,
        };
        engine.scalers = engine.new_scalers();
        engine.sessions = engine.new_sessions();
        engine.add_stations();
        for client in 0..engine.model.components.len() {
            engine.open(client as u16);
        }
        engine.plan_checks();
        engine.plan_faults();
        engine.plan_resharding();
        engine.plan_scaling();
        engine.plan_rebuilds();
        engine.all_members_changed();
        engine.start_messaging();
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
            under_way: self.totals.sent - self.totals.completed - self.totals.lost,
            ..self.totals
        }
    }

    /// What a run holds: all of it is gone once the last request has ended and nothing is done for nobody any more.
    pub fn parts(&self) -> Parts {
        Parts {
            requests: self.requests.len(),
            frames: self.frames.len(),
            calls: self.calls.len(),
            workflows: self.workflows.len(),
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
        for entry in &self.requests {
            entry.hash(&mut hasher);
        }
        for entry in &self.frames {
            entry.hash(&mut hasher);
        }
        for entry in &self.calls {
            entry.hash(&mut hasher);
        }
        self.stations.hash(&mut hasher);
        self.balancers.hash(&mut hasher);
        self.checks.hash(&mut hasher);
        self.scalers.hash(&mut hasher);
        self.sessions.hash(&mut hasher);
        self.clients.hash(&mut hasher);
        self.guards.hash(&mut hasher);
        self.wires.hash(&mut hasher);
        self.faults.hash(&mut hasher);
        self.caches.hash(&mut hasher);
        self.limits.hash(&mut hasher);
        if !self.databases.is_empty() {
            self.databases.hash(&mut hasher);
        }
        if !self.routers.is_empty() {
            self.routers.hash(&mut hasher);
        }
        self.workflows.hash(&mut hasher);
        if !self.messaging.is_empty() {
            self.messaging.hash(&mut hasher);
        }
        self.sourcing.hash(&mut hasher);
        hasher.finish()
    }

    /// Runs up to and including `until`.
    pub fn run_until(&mut self, until: Time) -> Stop {
        while self.calendar.is_due(until) {
            if self.events >= self.budget {
                return Stop::EventBudget {
                    events: self.budget,
                };
            }
            if self.requests.len() >= limits::IN_FLIGHT
                || self.frames.len() >= limits::FRAMES
                || self.calls.len() >= limits::CALLS
            {
                return Stop::InFlight {
                    requests: self.requests.len(),
                };
            }
            if self.calendar.is_over() {
                return Stop::Planned {
                    events: self.calendar.len(),
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
            Due::Worked { frame } => self.worked(frame),
            Due::Arrived { frame } => self.arrived(frame),
            Due::Answered { frame } => self.answered(frame),
            Due::Thought { client, user } => self.thought(client, user),
            Due::Retry { call } => self.retry(call),
            Due::Timeout { call, attempt } => self.timeout(call, attempt),
            Due::Hedge { call, attempt } => self.hedge(call, attempt),
            Due::Check { check } => self.check(check),
            Due::CheckTimeout { check, sent } => self.check_timeout(check, sent),
            Due::Fault { fault } => self.fault(fault),
            Due::Resent { frame, link } => self.resent(frame, link),
            Due::Unreachable { frame } => self.unreachable(frame),
            Due::Passed { frame } => self.passed(frame),
            Due::Flush { station } => self.flush(station),
            Due::Told { cache } => self.told(cache),
            Due::Impatient { frame } => self.impatient(frame),
            Due::Scale { component } => self.scale(component),
            Due::Warmed { station } => self.warmed(station),
            Due::Proceed { frame } => self.proceed(frame),
            Due::Waited { frame, wait } => self.waited(frame, wait),
            Due::Deadlock { frame, wait } => self.deadlock(frame, wait),
            Due::Replicated { database, turn } => self.replicated(database, turn),
            Due::FailOver { database, crash } => self.fail_over(database, crash),
            Due::Idle { approach, lane } => self.idle(approach, lane),
            Due::Reshard { router, turn } => self.reshard(router, turn),
            Due::Gathered { call } => self.gathered(call),
            Due::Recover { workflow, turn } => self.recover(workflow, turn),
            Due::Message {
                broker,
                slot,
                receipt,
            } => self.message_due(broker, slot, receipt),
            Due::Rebalance {
                broker,
                group,
                turn,
            } => self.rebalance(broker, group, turn),
            Due::Relay { database } => self.relay(database),
            Due::Follow { view, build, turn } => self.followed(view, build, turn),
            Due::Rebuild { view, rebuild } => self.rebuild(view, rebuild),
        }
        while let Some(frame) = self.ready.pop_front() {
            self.advance(frame);
        }
        if self.events == self.strikes_after {
            self.strike_counted();
        }
        if self.calendar.is_full() {
            self.tidy();
        }
        true
    }

    /// Takes what is void out of the calendar, which would otherwise grow with the longest timeout.
    #[inline(never)]
    fn tidy(&mut self) {
        let (calls, frames, visits) = (&self.calls, &self.frames, &self.databases.visits);
        let (clients, stations, databases) = (&self.clients, &self.stations, &self.databases);
        let routers = &self.routers;
        let workflows = &self.workflows;
        let messaging = &self.messaging;
        let views = &self.sourcing.views;
        self.calendar.keep(|time, due| match *due {
            Due::Timeout { call, attempt } | Due::Hedge { call, attempt } => {
                calls.get(call).is_some_and(|call| call.awaits(attempt))
            }
            Due::Retry { call } | Due::Gathered { call } => calls.contains_key(call),
            Due::Impatient { frame } => {
                let frame = frames.get(frame);
                frame.is_some_and(|frame| frame.state == State::Waiting)
            }
            Due::Waited { frame, wait } | Due::Deadlock { frame, wait } => {
                frames.contains_key(frame) && visits.get(frame).is_some_and(|v| v.awaits(wait))
            }
            Due::Worked { frame }
            | Due::Arrived { frame }
            | Due::Answered { frame }
            | Due::Resent { frame, .. }
            | Due::Unreachable { frame }
            | Due::Passed { frame }
            | Due::Proceed { frame } => frames.contains_key(frame),
            Due::Arrival { client, edition } => clients[usize::from(client)].edition == edition,
            Due::Warmed { station } => stations[station as usize].is_ready_at(time),
            Due::Replicated { database, turn } => databases.is_alarm(database, turn),
            Due::FailOver { database, crash } => databases.is_gone(database, crash),
            Due::Reshard { router, turn } => routers.is_planned(router, turn),
            Due::Recover { workflow, turn } => workflows.is_orphan(workflow, turn),
            Due::Message {
                broker,
                slot,
                receipt,
            } => messaging.awaits(broker, slot, receipt),
            Due::Rebalance {
                broker,
                group,
                turn,
            } => messaging.is_at(broker, group, turn),
            Due::Follow { view, build, turn } => {
                let view = views[usize::from(view)].as_ref();
                view.is_some_and(|view| view.is_planned(build, turn))
            }
            // Of these there are only so many for each user, component, check, fault, rebuild or row that was written.
            Due::Thought { .. }
            | Due::Check { .. }
            | Due::CheckTimeout { .. }
            | Due::Fault { .. }
            | Due::Flush { .. }
            | Due::Scale { .. }
            | Due::Told { .. }
            | Due::Relay { .. }
            | Due::Rebuild { .. }
            | Due::Idle { .. } => true,
        });
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
        self.add_stations();
        // Before anything happens at a station that is new.
        self.probe.reconfigured(&self.model, self.now);
        self.reconfigure_scaling();
        self.reconfigure_shedding();
        self.reconfigure_sessions();
        self.reconfigure_messaging(&before);
        for guard in model.sites.iter().filter_map(|site| site.guard.as_ref()) {
            for state in &mut self.guards[guard.number as usize] {
                state.reconfigure(guard);
            }
        }
        for (at, component) in model.components.iter().enumerate() {
            match (&component.role, &before.components[at].role) {
                (Role::Client(new), Role::Client(old)) if new.arrivals != old.arrivals => {
                    self.plan_anew(at as u16);
                    if let Arriving::Closed { .. } = new.arrivals {
                        self.open(at as u16);
                    }
                }
                _ => {}
            }
        }
        self.plan_checks();
        self.widen_pools();
        self.strike_all(&model);
        while let Some(frame) = self.ready.pop_front() {
            self.advance(frame);
        }
        self.tell_capacities();
        Ok(())
    }

    /// Gives every station of the model its state.
    fn add_stations(&mut self) {
        for station in self.stations.len()..self.model.stations.len() {
            let lines = self.model.lines(station as u32).most.len();
            let mut state = Station::new(lines);
            self.equip_for_scaling(station as u32, &mut state);
            self.equip_for_shedding(station as u32, &mut state);
            self.stations.push(state);
        }
        let model = Arc::clone(&self.model);
        self.set_caches(&model);
        self.set_limits(&model);
    }

    /// Tells the probe what happened to `request` at `frame`.
    #[inline]
    fn tell(&mut self, request: RequestId, frame: u32, event: &Event) {
        // Not by index: what cannot panic goes away where the probe does not look at it.
        let id = self.requests.get(request).map_or(u64::MAX, |r| r.id);
        let about = RequestRef {
            id,
            slot: request.slot(),
            frame,
        };
        self.probe.event(&self.model, self.now, about, event);
    }
}
