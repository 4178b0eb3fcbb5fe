//! Databases at work: what is known of a visit, what nodes hold and follow, and what becomes of that when nodes fail.

use std::collections::VecDeque;
use std::sync::Arc;

use slotmap::SecondaryMap;

use super::Engine;
use super::connections::{Held, Lane};
use crate::calendar::Due;
use crate::component::Reads;
use crate::component::station::FULL_SPEED;
use crate::db::{
    Change, Committed, Locks, Once, Reached, Replication, Router, Rows, Seen, Sessions, Ticket,
    Transaction, Written,
};
use crate::event::{Event, RequestRef, RowEvent};
use crate::frame::{FrameId, NONE, State};
use crate::index::mixed;
use crate::limits;
use crate::model::{DatabaseModel, Model, ReplicationModel};
use crate::policy_state::PolicyState;
use crate::probe::Probe;
use crate::time::Time;
use crate::workflow::{Fence, Prepared};

/// What databases hold, and what is under way there.
#[derive(Clone, Debug, Default)]
pub(super) struct Databases {
    /// By component.
    states: Vec<Option<Box<DatabaseState>>>,
    /// Of frames that are on their way to a database, or write there.
    pub visits: SecondaryMap<FrameId, Visit>,
    /// By approach of the model, then by instance of the caller and node.
    pub lanes: Vec<Vec<Lane>>,
    /// Empty between events.
    pub granted: Vec<FrameId>,
    reached: Vec<Reached<FrameId>>,
}

/// One database.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct DatabaseState {
    pub rows: Rows,
    /// Locks of rows; all of the primary.
    pub locks: Locks<FrameId>,
    /// Changes that are not to be made again.
    pub once: Once,
    /// What has been done for sagas and transactions.
    pub fence: Fence,
    /// Branches of transactions that are in doubt.
    pub prepared: Prepared,
    pub replicas: Option<Replicas>,
}

/// What replicas add to a database.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Replicas {
    pub log: Replication<FrameId>,
    pub router: Router,
    /// The latest write of a user to a row: whether users read what they wrote.
    own: Sessions,
    /// Writes that nobody sees yet, in the order of the log.
    unshown: VecDeque<Unshown>,
    /// When the log will be looked at next.
    alarm: Option<Time>,
    /// How often such a moment was set.
    turns: u32,
    /// From when on the primary takes requests.
    ready: Time,
    /// How often the primary has gone.
    crashes: u32,
    /// By node: whether it is kept from applying.
    held_up: Vec<bool>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Unshown {
    written: Written,
    ticket: Ticket,
    shown: bool,
}

/// A frame's part at a database.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Visit {
    pub stage: Stage,
    /// Counts its waits, so that a timer of an earlier one is void.
    pub waits: u32,
    /// Since when it waits.
    pub since: Time,
    /// When it was called.
    pub called: Time,
    /// The connection that it has, or will have.
    pub held: Held,
    /// The way that it takes, for which instance of the caller, to which node.
    pub approach: u32,
    pub instance: u32,
    pub node: u16,
    /// The wire that it will set out over, and what it will carry.
    pub link: u32,
    pub bytes: u32,
    pub transaction: Option<Transaction>,
    pub change: Option<Change>,
    /// A change that has just taken its lock goes on in the same statement.
    pub goes_on: bool,
    /// What a change is to write has been made durable.
    pub flushed: bool,
    /// Pieces of work so far: each has draws of its own.
    pub works: u32,
    /// Rows that it has written so far.
    pub rows: u32,
    /// The position of the first of them in the log.
    pub first: u64,
    /// How many of them replicas have not confirmed.
    pub missing: u32,
}

/// What a frame waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Stage {
    /// For nothing here.
    OnItsWay,
    /// For a replica to have applied what its user wrote.
    Following(Ticket),
    /// For a connection, in the pool's line.
    Pooled(u64),
    /// For a connection to be set up.
    Connecting,
    /// It has a connection and is about to set out.
    Connected,
    /// For a row's lock.
    Locking,
    /// For replicas to have what it wrote.
    Committing,
}

impl Visit {
    pub fn new() -> Self {
        Self {
            stage: Stage::OnItsWay,
            waits: 0,
            since: Time::ZERO,
            called: Time::ZERO,
            held: Held::Nothing,
            approach: NONE,
            instance: 0,
            node: 0,
            link: NONE,
            bytes: 0,
            transaction: None,
            change: None,
            goes_on: false,
            flushed: false,
            works: 0,
            rows: 0,
            first: 0,
            missing: 0,
        }
    }

    /// Whether it is still at that wait.
    pub fn awaits(&self, wait: u32) -> bool {
        self.waits == wait && self.stage != Stage::OnItsWay
    }

    /// It begins to wait.
    pub fn waits(&mut self, stage: Stage, now: Time) -> u32 {
        self.stage = stage;
        self.since = now;
        self.waits += 1;
        self.waits
    }
}

impl Databases {
    /// All databases of a model at their start.
    pub fn new(model: &Model) -> Self {
        let all = || model.components.iter().map(|c| c.database.as_deref());
        let count = all().flatten().count().max(1);
        let replicated = all().flatten().filter(|d| d.replication.is_some()).count();
        let state = |database: &DatabaseModel| {
            let sessions = limits::WRITERS / replicated.max(1) as u32;
            Box::new(DatabaseState {
                rows: Rows::new(limits::ROWS / count as u32),
                locks: Locks::default(),
                once: Once::new(limits::IDENTITIES / count as u32),
                fence: Fence::new(limits::MARKS / count as u32),
                prepared: Prepared::default(),
                replicas: database.replication.as_ref().map(|_| Replicas {
                    log: Replication::new(database.nodes - 1)
                        .keeping(limits::LOG / replicated.max(1)),
                    router: Router::new(sessions),
                    own: Sessions::new(sessions),
                    unshown: VecDeque::new(),
                    alarm: None,
                    turns: 0,
                    ready: Time::ZERO,
                    crashes: 0,
                    held_up: vec![false; usize::from(database.nodes)],
                }),
            })
        };
        Self {
            states: all().map(|database| database.map(state)).collect(),
            lanes: vec![Vec::new(); model.approaches.len()],
            ..Self::default()
        }
    }

    /// Whether there is anything in it that can change.
    pub fn is_empty(&self) -> bool {
        self.states.iter().all(Option::is_none)
    }

    pub fn get(&mut self, database: u16) -> Option<&mut DatabaseState> {
        self.states.get_mut(usize::from(database))?.as_deref_mut()
    }

    pub fn state(&self, component: usize) -> Option<&DatabaseState> {
        self.states.get(component)?.as_deref()
    }

    /// A row of a database, as it is committed.
    pub fn row(&self, database: u16, row: u64) -> Option<crate::db::Row> {
        let state = self.states.get(usize::from(database))?.as_ref()?;
        Some(state.rows.get(row, 0))
    }

    fn replicas(&self, database: u16) -> Option<&Replicas> {
        let state = self.states.get(usize::from(database))?.as_ref()?;
        state.replicas.as_ref()
    }

    /// Whether the log is to be looked at because of what was planned then.
    pub fn is_alarm(&self, database: u16, turn: u32) -> bool {
        let replicas = self.replicas(database);
        replicas.is_some_and(|replicas| replicas.alarm.is_some() && replicas.turns == turn)
    }

    /// Whether the primary is still gone since its so manieth crash.
    pub fn is_gone(&self, database: u16, crash: u32) -> bool {
        let replicas = self.replicas(database);
        replicas.is_some_and(|replicas| replicas.crashes == crash)
    }

    /// Which node of a database is its primary.
    pub fn primary(&self, database: u16) -> u16 {
        self.replicas(database)
            .map_or(0, |replicas| replicas.log.primary())
    }

    /// Whether all may see what was written at a position of the log.
    pub fn is_shown(&self, database: u16, position: u64) -> bool {
        let Some(replicas) = self.replicas(database) else {
            return true;
        };
        let unshown = &replicas.unshown;
        let at = unshown.partition_point(|u| u.written.after.version < position);
        let found = unshown.get(at);
        found.is_none_or(|u| u.shown || u.written.after.version != position)
    }

    /// The replicas of a database, with their settings.
    pub fn replicated<'a, 'm>(
        &'a mut self,
        model: &'m Model,
        database: u16,
    ) -> Option<(&'a mut Replicas, &'m ReplicationModel)> {
        let settings = &model.components[usize::from(database)].database;
        let settings = settings.as_ref()?.replication.as_ref()?;
        let replicas = self.get(database)?.replicas.as_mut()?;
        Some((replicas, settings))
    }
}

impl core::hash::Hash for Databases {
    fn hash<H: core::hash::Hasher>(&self, hasher: &mut H) {
        self.states.hash(hasher);
        for visit in &self.visits {
            visit.hash(hasher);
        }
        self.lanes.hash(hasher);
    }
}

impl Replicas {
    /// From when on the primary takes requests.
    pub const fn ready(&self) -> Time {
        self.ready
    }

    /// Remembers a user's write to a row.
    pub fn wrote(&mut self, reads: &Reads, user: u64, row: u64, position: u64, now: Time) {
        self.router.wrote(reads, user, position, now);
        if !matches!(reads, Reads::Primary) {
            self.own.wrote(mixed(user) ^ row, position, now);
            // What all have applied is missed nowhere; only a failover loses what was there.
            if self.crashes == 0 {
                let applied = self.log.replicas().map(|at| self.log.applied(at)).min();
                self.own.forget_until(applied.unwrap_or(0));
            }
        }
    }

    /// Whether what is seen of a row lacks what this user had written to it by the time of the call.
    pub fn misses_own(&self, user: u64, row: u64, seen: &Seen, called: Time) -> bool {
        let latest = self.own.latest(mixed(user) ^ row);
        latest.is_some_and(|write| write.at <= called && write.position > seen.row.version)
    }
}

impl<P: Probe> Engine<P> {
    /// The version of the row of `key` that is committed at a database, as a query for `operation` would see it on the
    /// primary; 0 if it was never written.
    pub fn row_version(&self, component: usize, operation: &str, key: u64) -> u64 {
        self.row(component, operation, key)
            .map_or(0, |row| row.version)
    }

    /// The number that the row of `key` holds at a database, as a query for `operation` would see it on the primary.
    pub fn row_value(&self, component: usize, operation: &str, key: u64) -> Option<i64> {
        Some(self.row(component, operation, key)?.value)
    }

    fn row(&self, component: usize, operation: &str, key: u64) -> Option<crate::db::Row> {
        let state = self.databases.states.get(component)?.as_ref()?;
        let database = self.model.components[component].database.as_ref()?;
        let operation = self.model.operations.iter().position(|o| o == operation)?;
        let statement = database.statement(operation as u16)?;
        let statement = &self.model.statements[statement];
        Some(state.rows.get(statement.row(key, 0), statement.initial()))
    }

    /// How far a database's node is behind its primary when it was last looked at: in writes, and in the age of the first
    /// write that its readers do not see. `None` if the station is not a node of a replicated database.
    pub fn replica_lag(&self, station: usize) -> Option<(u64, crate::time::Duration)> {
        let station = self.model.stations.get(station)?;
        let state = self.databases.states[usize::from(station.component)].as_ref()?;
        let replicas = state.replicas.as_ref()?;
        Some(replicas.log.lag(station.instance as u16, self.now))
    }

    /// Where a replicated database's reads go, to be shown.
    pub(super) fn routing(&self, component: u16) -> Option<PolicyState> {
        let component = usize::from(component);
        let settings = &self.model.components[component];
        let replication = settings.database.as_ref()?.replication.as_ref()?;
        let replicas = self.databases.states[component]
            .as_ref()?
            .replicas
            .as_ref()?;
        let station = |node: u16| settings.stations[usize::from(node)];
        let nodes = replicas.log.replicas().map(|node| {
            let (writes, lag) = replicas.log.lag(node, self.now);
            (station(node), writes, lag)
        });
        Some(PolicyState::Routing {
            reads: replication.reads,
            primary: station(replicas.log.primary()),
            replicas: nodes.collect(),
        })
    }

    /// Works off what replicas have done up to now; must be called before anything is asked of a log or put into it.
    pub(super) fn follow(&mut self, database: u16) {
        let mut reached = core::mem::take(&mut self.databases.reached);
        if let Some((replicas, settings)) = self.databases.replicated(&self.model, database) {
            replicas
                .log
                .advance(&settings.timing, self.now, &mut reached);
        }
        for Reached { token, after } in reached.drain(..) {
            let Some(visit) = self.databases.visits.get_mut(token) else {
                continue;
            };
            match visit.stage {
                Stage::Committing => visit.missing = visit.missing.saturating_sub(1),
                Stage::Following(_) => {}
                _ => continue,
            }
            if visit.missing == 0 {
                let due = Due::Proceed { frame: token };
                self.calendar.plan(self.now + after, due);
            }
        }
        self.databases.reached = reached;
    }

    /// Plans to look at a log again, if anybody waits for what will happen there.
    pub(super) fn watch(&mut self, database: u16) {
        if let Some((replicas, _)) = self.databases.replicated(&self.model, database)
            && replicas.log.waiting() != (0, 0)
            && let Some(due) = replicas.log.next_due()
            && replicas.alarm.is_none_or(|alarm| due < alarm)
        {
            replicas.alarm = Some(due);
            replicas.turns = replicas.turns.wrapping_add(1);
            let turn = replicas.turns;
            self.calendar
                .plan(due.max(self.now), Due::Replicated { database, turn });
        }
    }

    /// Something has happened in a log for which somebody waits.
    pub(super) fn replicated(&mut self, database: u16, turn: u32) {
        if !self.databases.is_alarm(database, turn) {
            return;
        }
        if let Some((replicas, _)) = self.databases.replicated(&self.model, database) {
            replicas.alarm = None;
        }
        self.follow(database);
        self.watch(database);
    }

    /// Puts a write into the log. Tells whether replicas must have it before anybody may see it.
    pub(super) fn put(&mut self, id: FrameId, database: u16, written: Written) -> bool {
        let model = &self.model;
        let settings = &model.components[usize::from(database)].database;
        let settings = settings.as_ref().and_then(|d| d.replication.as_ref());
        let Some(state) = self.databases.get(database) else {
            return false;
        };
        if let (Some(replicas), Some(settings)) = (&mut state.replicas, settings)
            && let Committed::Waits(ticket) = replicas.log.commit(&settings.timing, written, id)
        {
            replicas.unshown.push_back(Unshown {
                written,
                ticket,
                shown: false,
            });
            return true;
        }
        state.rows.publish(&written);
        if !self.model.components[usize::from(database)]
            .feeds
            .is_empty()
        {
            self.feed(database, &written);
        }
        false
    }

    /// Lets everybody see what was written at the positions from `first` on.
    pub(super) fn show(&mut self, database: u16, first: u64, count: u32) {
        let Some(DatabaseState {
            rows,
            replicas: Some(replicas),
            ..
        }) = self.databases.get(database)
        else {
            return;
        };
        let unshown = &mut replicas.unshown;
        let at = unshown.partition_point(|u| u.written.after.version < first);
        let last = first + u64::from(count);
        for entry in unshown.range_mut(at..) {
            if entry.written.after.version >= last {
                break;
            }
            if !core::mem::replace(&mut entry.shown, true) {
                rows.publish(&entry.written);
            }
        }
        while unshown.front().is_some_and(|first| first.shown) {
            unshown.pop_front();
        }
    }

    /// A commit has waited long enough for replicas.
    pub(super) fn stop_waiting(&mut self, database: u16, first: u64, count: u32) {
        let Some(state) = self.databases.get(database) else {
            return;
        };
        if let Some(replicas) = &mut state.replicas {
            let at = { &replicas.unshown }.partition_point(|u| u.written.after.version < first);
            for entry in { &replicas.unshown }.range(at..).take(count as usize) {
                replicas.log.give_up(entry.ticket);
            }
        }
    }

    /// What faults have done to a station: if it is a database's node, its data and its replicas are concerned.
    pub(super) fn struck(&mut self, station: u32, crashed: bool, recovered: bool, held_up: bool) {
        let place = &self.model.stations[station as usize];
        let (database, node) = (place.component, place.instance as u16);
        if self.databases.get(database).is_none() {
            return;
        }
        self.follow(database);
        if crashed {
            self.forget_connections(database, node);
            self.node_gone(database, node);
        }
        if let Some((replicas, _)) = self.databases.replicated(&self.model, database) {
            replicas.held_up[usize::from(node)] = held_up;
            if recovered && replicas.log.primary() == node {
                replicas.crashes += 1;
            }
            self.tend(database);
            self.follow(database);
            self.watch(database);
        }
    }

    /// A node has crashed.
    fn node_gone(&mut self, database: u16, node: u16) {
        let model = Arc::clone(&self.model);
        let now = self.now;
        let Some(state) = self.databases.get(database) else {
            return;
        };
        let Some(replicas) = &mut state.replicas else {
            return;
        };
        let settings = &model.components[usize::from(database)].database;
        let Some(settings) = settings.as_ref().and_then(|d| d.replication.as_ref()) else {
            return;
        };
        if node == replicas.log.primary() {
            // What is in the log is there after a restart, whether anybody was told so or not.
            for entry in replicas.unshown.drain(..).filter(|entry| !entry.shown) {
                state.rows.publish(&entry.written);
            }
            for other in 0..replicas.held_up.len() as u16 {
                replicas.log.set_linked(&settings.timing, other, false, now);
            }
            replicas.crashes += 1;
            if let Some(after) = settings.failover_after {
                let crash = replicas.crashes;
                self.calendar
                    .plan(now + after, Due::FailOver { database, crash });
            }
        } else {
            replicas.log.remove(node);
            self.send_readers_on(database, node);
        }
    }

    /// Those who wait for a node wait no longer.
    fn send_readers_on(&mut self, database: u16, node: u16) {
        let mut readers = Vec::new();
        let mut primary = node;
        if let Some((replicas, _)) = self.databases.replicated(&self.model, database) {
            replicas.log.take_reads(node, &mut readers);
            primary = replicas.log.primary();
        }
        for id in readers {
            if let Some(visit) = self.databases.visits.get_mut(id) {
                visit.node = primary;
                self.calendar.plan(self.now, Due::Proceed { frame: id });
            }
        }
    }

    /// Links, speeds and absences of nodes as they should be now.
    fn tend(&mut self, database: u16) {
        let model = Arc::clone(&self.model);
        let now = self.now;
        let stations = &model.components[usize::from(database)].stations;
        let states = &self.stations;
        let up = |node: u16| states[stations[usize::from(node)] as usize].up;
        let Some((replicas, settings)) = self.databases.replicated(&model, database) else {
            return;
        };
        let (timing, log) = (&settings.timing, &mut replicas.log);
        if up(log.primary()) {
            for node in 0..stations.len() as u16 {
                if up(node) && !replicas.held_up[usize::from(node)] {
                    log.rejoin(node, now);
                }
                log.set_linked(timing, node, true, now);
            }
        }
        for node in 0..stations.len() as u16 {
            let speed = states[stations[usize::from(node)] as usize].speed;
            let held_up = replicas.held_up[usize::from(node)];
            log.set_applying(
                timing,
                node,
                if held_up { 0 } else { speed.min(FULL_SPEED) },
                now,
            );
        }
    }

    /// A primary has been gone for so long that a replica takes its place, if there is one.
    pub(super) fn fail_over(&mut self, database: u16, crash: u32) {
        let model = Arc::clone(&self.model);
        let now = self.now;
        self.follow(database);
        if !self.databases.is_gone(database, crash) {
            return;
        }
        let Some(settings) = &model.components[usize::from(database)].database else {
            return;
        };
        let Some(settings) = &settings.replication else {
            return;
        };
        let stations = &model.components[usize::from(database)].stations;
        let Some(DatabaseState {
            rows,
            once,
            fence,
            replicas: Some(replicas),
            ..
        }) = self.databases.get(database)
        else {
            return;
        };
        for node in 0..stations.len() as u16 {
            replicas.log.set_linked(&settings.timing, node, true, now);
        }
        let log = &replicas.log;
        let kept = log.replicas().map(|at| log.received(at)).max();
        let (mut lost, mut failed) = (Vec::new(), Vec::new());
        let log = &replicas.log;
        let received = log.replicas().map(|at| log.received(at)).max().unwrap_or(0);
        let Some(promotion) =
            { &mut replicas.log }.fail_over(&settings.timing, rows, now, &mut lost, &mut failed)
        else {
            return;
        };
        replicas.ready = promotion.ready;
        if let Some(first) = lost.first() {
            once.undo(first.version);
        }
        let station = stations[usize::from(promotion.node)];
        for gone in &lost {
            let told = Event::Row(RowEvent::Undone {
                station,
                row: gone.key,
                version: gone.version,
                moved: gone.moved,
                acknowledged: gone.acknowledged,
            });
            self.probe.event(&model, now, RequestRef::NONE, &told);
        }
        fence.forget_after(kept.unwrap_or(u64::MAX));
        let told = Event::Promoted {
            station,
            lost: lost.iter().filter(|gone| gone.acknowledged).count() as u32,
        };
        self.probe.event(&model, now, RequestRef::NONE, &told);
        self.lose_recorded(database, |position| position > received);
        self.send_readers_on(database, promotion.node);
        self.tend(database);
        self.watch(database);
    }

    /// Those to whom a lock has been given go on.
    pub(super) fn grant(&mut self, granted: Vec<FrameId>) {
        let mut granted = granted;
        for id in granted.drain(..) {
            let (Some(frame), Some(visit)) =
                (self.frames.get_mut(id), self.databases.visits.get_mut(id))
            else {
                continue;
            };
            visit.stage = Stage::OnItsWay;
            frame.state = State::Working;
            let (request, station) = (frame.request, frame.station);
            let waited = self.now.since(visit.since);
            self.tell(request, id.slot(), &Event::Locked { station, waited });
            self.ready.push_back(id);
        }
        self.databases.granted = granted;
    }

    /// A frame's transaction ends, if it has one: its locks go to those who wait.
    #[inline]
    pub(super) fn conclude(&mut self, id: FrameId) {
        if self.databases.visits.contains_key(id) {
            self.end_transaction(id);
        }
    }

    #[inline(never)]
    fn end_transaction(&mut self, id: FrameId) {
        let Some(visit) = self.databases.visits.get_mut(id) else {
            return;
        };
        visit.stage = Stage::OnItsWay;
        if let Some(transaction) = visit.transaction.take() {
            let database = self.frames[id].component;
            let mut granted = core::mem::take(&mut self.databases.granted);
            if let Some(state) = self.databases.get(database) {
                state.locks.end(transaction, &mut granted);
            }
            self.grant(granted);
        }
    }
}
