//! The way to a database: which node a call goes to, and the connection that it needs.
//!
//! Models: each calling instance keeps a pool of connections to each node ([`Pool`](crate::component::Pool)), or sets one up
//! and closes it for each call. A read that has to wait until a replica has what its user wrote waits before it takes a
//! connection. A node that crashes breaks its connections, and so does a caller; who has been given up while it waited leaves
//! the line.
//! Does not model: a query that is cancelled when its caller goes away, or pools between callers and database.

use std::sync::Arc;

use super::Engine;
use super::databases::{Stage, Visit};
use crate::calendar::Due;
use crate::component::Reads;
use crate::db::{Connection, ConnectionPool, Next, Route};
use crate::event::{Event, Loss};
use crate::frame::{Failure, FrameId, State};
use crate::model::{DatabaseModel, Model, Site};
use crate::policy_state::PolicyState;
use crate::probe::Probe;
use crate::time::{Duration, Time};
use crate::workflow::Role;

/// The connections of one instance to one node.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Lane {
    pool: ConnectionPool<FrameId>,
    /// Counts the caller's crashes, so that a connection of an earlier life is not given back.
    epoch: u32,
    /// When idle connections will be looked at next.
    alarm: Option<Time>,
}

/// The connection that a frame has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Held {
    Nothing,
    /// One of its own, to be closed when the answer is there.
    Own,
    /// One of a pool, by its place in the approach's list.
    Of {
        lane: u32,
        epoch: u32,
    },
}

impl<P: Probe> Engine<P> {
    /// A frame is to set out to a database that has replicas, or whose connections have to be set up.
    pub(super) fn approach(&mut self, model: &Model, site: &Site, instance: u32, id: FrameId) {
        let visit = Visit {
            approach: site.approach,
            instance,
            called: self.now,
            link: site.link,
            bytes: site.bytes,
            ..Visit::new()
        };
        self.databases.visits.insert(id, visit);
        let component = &model.components[usize::from(site.to)];
        let Some(database) = &component.database else {
            return;
        };
        // Not the call's operation: that may be "the caller's own".
        let statement = database.statement(self.frames[id].operation);
        let writes = statement.is_some_and(|number| model.statements[number].writes);
        if database.replication.is_none() {
            return self.head_for(model, id, 0);
        }
        self.follow(site.to);
        let user = self.user(id);
        let now = self.now;
        let Some((replicas, settings)) = self.databases.replicated(model, site.to) else {
            return;
        };
        if writes {
            let primary = replicas.log.primary();
            return self.head_for(model, id, primary);
        }
        let stations = &self.stations;
        let up = |node: u16| stations[component.stations[usize::from(node)] as usize].up;
        let route = { &mut replicas.router }.route(&settings.reads, user, now, &replicas.log, up);
        match route {
            Route::To(node) => self.head_for(model, id, node),
            Route::After { node, position } => {
                let Some(ticket) = replicas.log.wait_for(node, position, id) else {
                    return self.head_for(model, id, node);
                };
                let station = component.stations[usize::from(node)];
                let visit = &mut self.databases.visits[id];
                visit.node = node;
                let wait = visit.waits(Stage::Following(ticket), now);
                if let Reads::WaitForPosition { timeout_ms, .. } = settings.reads {
                    let due = Due::Waited { frame: id, wait };
                    let time = now + Duration::from_millis(timeout_ms);
                    self.calendar.plan(time, due);
                }
                let request = self.frames[id].request;
                self.tell(request, id.slot(), &Event::Following { station });
                self.watch(site.to);
            }
        }
    }

    /// The user on whose behalf a frame works; each client has users of its own.
    pub(super) fn user(&self, id: FrameId) -> u64 {
        let request = &self.requests[self.frames[id].request];
        u64::from(request.client) << 32 | u64::from(request.user)
    }

    /// A frame knows its node, and needs a connection to it.
    fn head_for(&mut self, model: &Model, id: FrameId, node: u16) {
        let now = self.now;
        let frame = &mut self.frames[id];
        let component = &model.components[usize::from(frame.component)];
        frame.station = component.stations[usize::from(node)];
        let (request, station) = (frame.request, frame.station);
        let Some(database) = &component.database else {
            return;
        };
        let visit = &mut self.databases.visits[id];
        visit.node = node;
        let Some(pool) = &database.pool else {
            if database.connect.is_none() && database.disconnect.is_none() {
                return self.depart(model, id);
            }
            visit.held = Held::Own;
            visit.since = now;
            return self.connect(model, id);
        };
        let approach = visit.approach as usize;
        let lane = visit.instance as usize * usize::from(database.nodes) + usize::from(node);
        let lanes = &mut self.databases.lanes[approach];
        while lanes.len() <= lane {
            lanes.push(Lane {
                pool: ConnectionPool::new(&pool.bounds, Time::ZERO),
                epoch: 0,
                alarm: None,
            });
        }
        visit.since = now;
        visit.held = Held::Of {
            lane: lane as u32,
            epoch: lanes[lane].epoch,
        };
        match lanes[lane].pool.acquire(&pool.bounds, id) {
            Connection::Ready => self.depart(model, id),
            Connection::Open => self.connect(model, id),
            Connection::Wait(ticket) => {
                let wait = visit.waits(Stage::Pooled(ticket), now);
                let due = Due::Waited { frame: id, wait };
                self.calendar.plan(now + pool.wait, due);
                self.tell(request, id.slot(), &Event::Pooled { station });
            }
        }
    }

    /// A frame sets a connection up. Where nobody listens it is refused at once.
    fn connect(&mut self, model: &Model, id: FrameId) {
        let frame = &self.frames[id];
        let (request, station, key) = (frame.request, frame.station, frame.key);
        let database = &model.components[usize::from(frame.component)].database;
        self.databases.visits[id].stage = Stage::Connecting;
        let takes = match database.as_ref().and_then(|d| d.connect.as_ref()) {
            Some(time) if self.stations[station as usize].up => {
                time.draw(&mut key.named("connect").draws())
            }
            _ => Duration::ZERO,
        };
        self.tell(request, id.slot(), &Event::Connecting { station });
        let due = Due::Proceed { frame: id };
        self.calendar.plan(self.now + takes, due);
    }

    /// A frame has all that it needs, and sets out.
    fn depart(&mut self, model: &Model, id: FrameId) {
        let visit = &mut self.databases.visits[id];
        visit.stage = Stage::OnItsWay;
        let (link, bytes) = (visit.link, visit.bytes);
        self.leave_for(model, id, link, bytes);
    }

    /// What a frame has waited for on its way, or at its node, has come.
    pub(super) fn proceed(&mut self, id: FrameId) {
        let Some(visit) = self.databases.visits.get(id) else {
            return;
        };
        let (stage, node, since) = (visit.stage, visit.node, visit.since);
        let model = Arc::clone(&self.model);
        let Some(frame) = self.frames.get(id) else {
            return;
        };
        let (request, station) = (frame.request, frame.station);
        match stage {
            Stage::Following(_) => {
                self.tell(request, id.slot(), &Event::Followed);
                self.head_for(&model, id, node);
            }
            Stage::Connecting => {
                let up = self.stations[station as usize].up;
                self.set_up(&model, id, up);
                let waited = self.now.since(since);
                let connected = Event::Connected {
                    station,
                    waited,
                    new: up,
                };
                self.tell(request, id.slot(), &connected);
                if up {
                    self.depart(&model, id);
                } else {
                    self.databases.visits[id].stage = Stage::OnItsWay;
                    self.refuse(id, Loss::Down);
                }
            }
            Stage::Connected => {
                let waited = self.now.since(since);
                let connected = Event::Connected {
                    station,
                    waited,
                    new: false,
                };
                self.tell(request, id.slot(), &connected);
                self.depart(&model, id);
            }
            Stage::Committing => {
                self.databases.visits[id].stage = Stage::OnItsWay;
                self.frames[id].state = State::Working;
                self.ready.push_back(id);
            }
            Stage::OnItsWay | Stage::Pooled(_) | Stage::Locking => {}
        }
    }

    /// Setting a connection up has succeeded, or failed.
    fn set_up(&mut self, model: &Model, id: FrameId, well: bool) {
        let visit = &mut self.databases.visits[id];
        let held = visit.held;
        if !well {
            visit.held = Held::Nothing;
        }
        let approach = visit.approach;
        if let Some((lane, settings)) = self.lane(model, approach, held) {
            let bounds = settings.pool.map(|pool| pool.bounds);
            if well {
                lane.pool.opened();
            } else if let Some(bounds) = bounds
                && let Some(next) = lane.pool.failed(&bounds)
            {
                self.next(model, held, next);
            }
        }
    }

    /// The pool of a connection, unless its caller has crashed since.
    fn lane<'a>(
        &'a mut self,
        model: &'a Model,
        approach: u32,
        held: Held,
    ) -> Option<(&'a mut Lane, &'a DatabaseModel)> {
        let Held::Of { lane, epoch } = held else {
            return None;
        };
        let database = model.approaches[approach as usize].database;
        let settings = model.components[usize::from(database)]
            .database
            .as_deref()?;
        let lane = &mut self.databases.lanes[approach as usize][lane as usize];
        (lane.epoch == epoch).then_some((lane, settings))
    }

    /// The next in a pool's line gets a connection, or leave to set one up.
    fn next(&mut self, model: &Model, held: Held, next: Next<FrameId>) {
        let (Next::Ready(id) | Next::Open(id)) = next;
        let visit = &mut self.databases.visits[id];
        visit.held = held;
        if let Next::Open(_) = next {
            return self.connect(model, id);
        }
        visit.stage = Stage::Connected;
        // By way of the calendar, so that a line which nobody serves is not worked off in one go.
        self.calendar.plan(self.now, Due::Proceed { frame: id });
    }

    /// A frame's answer is with its caller: its connection is given back, or closed. Tells whether that is done.
    #[inline]
    pub(super) fn part(&mut self, id: FrameId) -> bool {
        !self.databases.visits.contains_key(id) || self.give_connection_back(id)
    }

    #[inline(never)]
    fn give_connection_back(&mut self, id: FrameId) -> bool {
        let Some(visit) = self.databases.visits.get_mut(id) else {
            return true;
        };
        let (held, approach) = (visit.held, visit.approach);
        visit.held = Held::Nothing;
        let frame = &self.frames[id];
        let (request, station, database) = (frame.request, frame.station, frame.component);
        let broken = frame.outcome.err().is_some_and(|failure| {
            matches!(
                failure.reason,
                Loss::Crashed | Loss::Down | Loss::Unreachable
            )
        });
        let key = frame.key;
        let now = self.now;
        match held {
            Held::Nothing => {}
            Held::Own => {
                let settings = &self.model.components[usize::from(database)].database;
                let closing = settings.as_ref().and_then(|d| d.disconnect.as_ref());
                if let Some(closing) = closing
                    && !broken
                {
                    let takes = closing.draw(&mut key.named("disconnect").draws());
                    self.calendar.plan(now + takes, Due::Answered { frame: id });
                    self.tell(request, id.slot(), &Event::Disconnecting { station });
                    return false;
                }
            }
            Held::Of { lane: at, .. } => {
                let model = Arc::clone(&self.model);
                if let Some((lane, settings)) = self.lane(&model, approach, held)
                    && let Some(settings) = &settings.pool
                {
                    let next = if broken {
                        lane.pool.discard(&settings.bounds)
                    } else {
                        lane.pool.release(&settings.bounds, now)
                    };
                    match next {
                        Some(next) => self.next(&model, held, next),
                        None => self.plan_idle(&model, approach, at),
                    }
                }
            }
        }
        self.databases.visits.remove(id);
        true
    }

    /// Plans to close connections that nobody uses, if there are any to close.
    fn plan_idle(&mut self, model: &Model, approach: u32, lane: u32) {
        let database = model.approaches[approach as usize].database;
        let settings = model.components[usize::from(database)].database.as_ref();
        let Some(pool) = settings.and_then(|database| database.pool.as_ref()) else {
            return;
        };
        let at = &mut self.databases.lanes[approach as usize][lane as usize];
        if at.alarm.is_none()
            && let Some(time) = at.pool.next_expiry(&pool.bounds)
        {
            let time = time.max(self.now);
            at.alarm = Some(time);
            self.calendar.plan(time, Due::Idle { approach, lane });
        }
    }

    /// Connections of a pool may have been idle for too long.
    pub(super) fn idle(&mut self, approach: u32, lane: u32) {
        let model = Arc::clone(&self.model);
        let database = model.approaches[approach as usize].database;
        let settings = model.components[usize::from(database)].database.as_ref();
        let at = &mut self.databases.lanes[approach as usize][lane as usize];
        at.alarm = None;
        if let Some(pool) = settings.and_then(|database| database.pool.as_ref()) {
            at.pool.expire(&pool.bounds, self.now);
        }
        self.plan_idle(&model, approach, lane);
    }

    /// A frame that still waits to set out is given up: it leaves the line.
    pub(super) fn withdraw(&mut self, id: FrameId, failure: Failure) {
        let Some(visit) = self.databases.visits.get_mut(id) else {
            return;
        };
        let Some(frame) = self.frames.get(id) else {
            return;
        };
        let (stage, held, approach, to) =
            (visit.stage, visit.held, visit.approach, frame.component);
        match stage {
            Stage::Pooled(ticket) => {
                visit.held = Held::Nothing;
                let model = Arc::clone(&self.model);
                if let Some((lane, _)) = self.lane(&model, approach, held) {
                    lane.pool.leave(ticket);
                }
            }
            Stage::Following(ticket) => {
                if let Some((replicas, _)) = self.databases.replicated(&self.model, to)
                    && !replicas.log.give_up(ticket)
                {
                    return;
                }
            }
            // Its coordinator rolls it back.
            Stage::Locking if frame.part.role == Role::Prepare => {
                return self.finish(id, Err(failure));
            }
            _ => return,
        }
        self.databases.visits[id].stage = Stage::OnItsWay;
        self.send_back(id, Err(failure));
    }

    /// A frame has waited for as long as it may.
    pub(super) fn waited(&mut self, id: FrameId, wait: u32) {
        let Some(visit) = self.databases.visits.get_mut(id) else {
            return;
        };
        if visit.waits != wait {
            return;
        }
        let Some(frame) = self.frames.get(id) else {
            return;
        };
        let (station, to) = (frame.station, frame.component);
        let failure = |reason| Failure { reason, station };
        match visit.stage {
            Stage::Following(ticket) => {
                let mut primary = None;
                if let Some((replicas, _)) = self.databases.replicated(&self.model, to)
                    && replicas.log.give_up(ticket)
                {
                    primary = Some(replicas.log.primary());
                }
                if let Some(primary) = primary {
                    self.databases.visits[id].node = primary;
                    self.proceed(id);
                }
            }
            Stage::Pooled(ticket) => {
                let (held, approach) = (visit.held, visit.approach);
                visit.held = Held::Nothing;
                visit.stage = Stage::OnItsWay;
                let model = Arc::clone(&self.model);
                if let Some((lane, _)) = self.lane(&model, approach, held) {
                    lane.pool.leave(ticket);
                }
                self.refuse(id, Loss::PoolTimeout);
            }
            Stage::Locking => self.finish(id, Err(failure(Loss::LockTimeout))),
            Stage::Committing if visit.missing > 0 => {
                visit.missing = 0;
                let (first, rows) = (visit.first, visit.rows);
                self.stop_waiting(to, first, rows);
                self.proceed(id);
            }
            Stage::OnItsWay | Stage::Connecting | Stage::Connected | Stage::Committing => {}
        }
    }

    /// A node has crashed: connections to it that nobody uses are gone. Those in use break when their frames hear of it.
    pub(super) fn forget_connections(&mut self, database: u16, node: u16) {
        let model = Arc::clone(&self.model);
        let nodes = { &model.components[usize::from(database)].database }
            .as_ref()
            .map_or(1, |database| usize::from(database.nodes));
        for (approach, lanes) in model.approaches.iter().zip(&mut self.databases.lanes) {
            if approach.database == database {
                for lane in lanes.iter_mut().skip(usize::from(node)).step_by(nodes) {
                    lane.pool.drop_idle();
                }
            }
        }
    }

    /// An instance has crashed: its connections are gone, and those who waited for one are turned away.
    pub(super) fn sever(&mut self, station: u32) {
        let model = Arc::clone(&self.model);
        let place = &model.stations[station as usize];
        let mut cut = false;
        for (at, approach) in model.approaches.iter().enumerate() {
            let settings = model.components[usize::from(approach.database)]
                .database
                .as_ref();
            let Some(settings) = settings else { continue };
            let Some(pool) = &settings.pool else { continue };
            if approach.caller != place.component {
                continue;
            }
            let nodes = usize::from(settings.nodes);
            let lanes = &mut self.databases.lanes[at];
            let first = place.instance as usize * nodes;
            for lane in lanes.iter_mut().skip(first).take(nodes) {
                lane.pool = ConnectionPool::new(&pool.bounds, self.now);
                lane.epoch += 1;
                cut = true;
            }
        }
        if !cut {
            return;
        }
        let lanes = &self.databases.lanes;
        let waits = |(_, visit): &(FrameId, &Visit)| match (visit.stage, visit.held) {
            (Stage::Pooled(_), Held::Of { lane, epoch }) => {
                lanes[visit.approach as usize][lane as usize].epoch != epoch
            }
            _ => false,
        };
        let gone: Vec<FrameId> = { &self.databases.visits }
            .iter()
            .filter(waits)
            .map(|(id, _)| id)
            .collect();
        for id in gone {
            let reason = Loss::Crashed;
            self.withdraw(id, Failure { reason, station });
        }
    }

    /// Pools with raised bounds let in who waits.
    pub(super) fn widen_pools(&mut self) {
        let model = Arc::clone(&self.model);
        for (at, approach) in (0..).zip(&model.approaches) {
            let settings = model.components[usize::from(approach.database)]
                .database
                .as_ref();
            let Some(pool) = settings.and_then(|database| database.pool.as_ref()) else {
                continue;
            };
            for lane in 0..self.databases.lanes[at as usize].len() {
                let epoch = self.databases.lanes[at as usize][lane].epoch;
                let held = Held::Of {
                    lane: lane as u32,
                    epoch,
                };
                while let Some(next) = self.databases.lanes[at as usize][lane]
                    .pool
                    .admit(&pool.bounds)
                {
                    self.next(&model, held, next);
                }
            }
        }
    }

    /// Connections to a station's node that are open or being set up, over all callers, and calls that wait for one.
    pub fn connections(&self, station: usize) -> (u32, u32) {
        let station = &self.model.stations[station];
        let settings = &self.model.components[usize::from(station.component)].database;
        let nodes = settings
            .as_ref()
            .map_or(1, |database| usize::from(database.nodes));
        let mut total = (0, 0);
        for (approach, lanes) in self.model.approaches.iter().zip(&self.databases.lanes) {
            if approach.database == station.component {
                for lane in lanes.iter().skip(station.instance as usize).step_by(nodes) {
                    total.0 += lane.pool.open();
                    total.1 += lane.pool.waiting();
                }
            }
        }
        total
    }

    /// What pools know at a component that calls, or at the database that is called, to be shown.
    pub(super) fn pools(&self, component: u16) -> impl Iterator<Item = PolicyState> {
        let approaches = self.model.approaches.iter().zip(&self.databases.lanes);
        let own = approaches
            .filter(move |(approach, _)| [approach.caller, approach.database].contains(&component));
        own.flat_map(|(approach, lanes)| {
            let database = &self.model.components[usize::from(approach.database)];
            let settings = database.database.as_ref();
            let most =
                { settings.and_then(|database| database.pool.as_ref()) }.map(|p| p.bounds.max);
            let nodes = settings.map_or(1, |database| usize::from(database.nodes));
            lanes.iter().enumerate().filter_map(move |(at, lane)| {
                Some(PolicyState::Connections {
                    caller: approach.caller,
                    instance: (at / nodes) as u32,
                    node: database.stations[at % nodes],
                    connections: [lane.pool.busy(), lane.pool.open(), most?],
                    waiting: lane.pool.waiting(),
                })
            })
        })
    }
}
