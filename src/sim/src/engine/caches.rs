//! Caches at work: look-ups, fills, single flight, writes that go on later, and what of all this a flush or a crash destroys.
//! What caches hold is in `cache`; here is who waits for whom.
//!
//! One who leads a flight and fails lands it with the failure, for all who wait, as Go's `singleflight` does. A write behind
//! has a version of the cache's own until the database has given it one; so it is newer than all that the database has.

use std::collections::VecDeque;
use std::sync::Arc;

use slotmap::{Key as _, KeyData};

use super::Engine;
use crate::cache::{self, CacheStore, Dirty, Flights, Join, Lookup, WriteBehind, Written};
use crate::calendar::Due;
use crate::event::{Child, Event, Loss, RequestRef, RowEvent};
use crate::frame::{Entry, Errand, Failure, FrameId, NONE, Outcome, State, Value, Waiter};
use crate::index::mixed;
use crate::model::{CacheModel, CacheStep, Model, Step};
use crate::probe::Probe;
use crate::random::Key;

/// What a run's caches hold and remember.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Caches {
    /// By station; none where there is no cache.
    stores: Vec<Option<Box<Store>>>,
    /// By station: who fetches what there.
    flights: Vec<Flights>,
    /// By component: changes that the cache has still to learn of, in the order in which it will.
    pub news: Vec<VecDeque<(u64, u64)>>,
}

/// What one cache, in one region, holds.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Store {
    held: CacheStore,
    behind: WriteBehind,
    /// Whether the time to send writes on is planned.
    flushing: bool,
    /// Writes that were sent on and have not arrived, by the place that their frames know.
    sent: Vec<Option<Dirty>>,
    /// Places there that are free.
    free: Vec<u32>,
    /// Writes kept so far.
    writes: u64,
}

/// The lowest version of a cache's own. Below it there is room for the operation and a count of writes.
const OWN_VERSION: u64 = 1 << 63;
/// Where in a version of a cache's own the operation stands.
const OPERATION_SHIFT: u32 = 47;

impl Store {
    fn new(model: &CacheModel) -> Self {
        let mut held = CacheStore::new(model.eviction, model.capacity);
        // The most popular come last, so that they stand in front.
        for &key in model.warm.iter().rev() {
            let mut draws = model.key.with(key).draws();
            let value = cache::Value {
                source: model.home,
                row: key,
                bytes: model.value_bytes,
                ..cache::Value::default()
            };
            let ttl = model.lifetimes.draw(false, &mut draws);
            held.put(key, value, crate::time::Time::ZERO, ttl);
        }
        Self {
            held,
            behind: WriteBehind::new(model.max_dirty),
            flushing: false,
            sent: Vec::new(),
            free: Vec::new(),
            writes: 0,
        }
    }

    /// Takes on changed settings. Another policy starts with what is held, in its order.
    fn reconfigure(&mut self, model: &CacheModel) {
        if self.held.eviction() != model.eviction {
            let mut held = CacheStore::new(model.eviction, self.held.capacity());
            let items: Vec<cache::Item> = self.held.items().collect();
            for item in items.iter().rev() {
                held.insert(item.key, item.entry);
            }
            self.held = held;
        }
        if self.held.capacity() != model.capacity {
            self.held.resize(model.capacity);
        }
    }

    fn note_sent(&mut self, dirty: Dirty) -> u32 {
        if let Some(at) = self.free.pop() {
            self.sent[at as usize] = Some(dirty);
            at
        } else {
            self.sent.push(Some(dirty));
            self.sent.len() as u32 - 1
        }
    }

    fn take_sent(&mut self, at: u32) -> Option<Dirty> {
        let dirty = self.sent[at as usize].take();
        self.free.push(at);
        dirty
    }
}

/// The settings of a station's cache.
fn settings(model: &Model, station: u32) -> Option<&CacheModel> {
    let component = model.stations[station as usize].component;
    model.components[usize::from(component)].cache.as_deref()
}

/// What is answered from a cache.
fn answer(value: cache::Value) -> Value {
    Value {
        version: value.version,
        source: value.source,
        row: value.row,
        absent: value.negative,
        bytes: value.bytes,
        ..Value::default()
    }
}

impl<P: Probe> Engine<P> {
    /// Gives every station of a cache its store, or changes it.
    pub(super) fn set_caches(&mut self, model: &Model) {
        self.caches
            .news
            .resize(model.components.len(), VecDeque::new());
        self.caches
            .flights
            .resize(model.stations.len(), Flights::default());
        for station in 0..model.stations.len() as u32 {
            let settings = settings(model, station);
            match (self.caches.stores.get_mut(station as usize), settings) {
                (Some(Some(store)), Some(settings)) => store.reconfigure(settings),
                (Some(_), _) => {}
                (None, settings) => {
                    let store = settings.map(|settings| Box::new(Store::new(settings)));
                    self.caches.stores.push(store);
                }
            }
        }
    }

    /// The entries of a station's cache, in the order of its policy; none if it has no cache.
    pub fn cache(&self, station: usize) -> Option<&CacheStore> {
        self.caches.stores[station]
            .as_ref()
            .map(|store| &store.held)
    }

    fn store(&mut self, station: u32) -> Option<&mut Store> {
        self.caches.stores[station as usize].as_deref_mut()
    }

    /// The key under which a cache knows what a frame is about.
    fn cache_key(&self, id: FrameId, settings: &CacheModel) -> u64 {
        let frame = &self.frames[id];
        if settings.private {
            let request = &self.requests[frame.request];
            mixed(u64::from(request.client) << 32 | u64::from(request.user)) ^ frame.data
        } else {
            frame.data
        }
    }

    /// The key under which a frame fetches for `cache`. At one service, several caches may be asked.
    fn flight_key(&self, id: FrameId, model: &Model, cache: u16) -> u64 {
        let settings = model.components[usize::from(cache)].cache.as_deref();
        let key = settings.map_or(0, |settings| self.cache_key(id, settings));
        let key = self.sourcing.versioned(id, key);
        mixed(u64::from(cache)) ^ key
    }

    /// A frame takes a step about a cache. Tells whether it can take the next.
    #[inline(never)]
    pub(super) fn cache_step(&mut self, id: FrameId, step: CacheStep) -> bool {
        let model = Arc::clone(&self.model);
        match step {
            CacheStep::Look { hit, refresh } => self.look(&model, id, hit, refresh),
            CacheStep::Nothing => {
                let frame = &mut self.frames[id];
                frame.outcome = Ok(Value {
                    missed: true,
                    ..Value::default()
                });
                frame.step += 1;
            }
            CacheStep::Fill => {
                self.fill(&model, id);
                self.frames[id].step += 1;
            }
            CacheStep::Drop => {
                self.drop_key(&model, id);
                self.frames[id].step += 1;
            }
            CacheStep::Behind { full } => self.write_behind(&model, id, full),
            CacheStep::Sent => self.arrived_behind(id),
            CacheStep::Found { found } => {
                let frame = &mut self.frames[id];
                if frame.outcome.is_ok_and(|value| value.missed) {
                    frame.outcome = Ok(Value::default());
                    frame.step += 1;
                } else {
                    frame.step = found;
                }
            }
            CacheStep::Join { cache, .. } => return !self.join(&model, id, cache),
            CacheStep::Know => {
                let value = self.frames[id].outcome.unwrap_or_default();
                self.sourcing.versions.insert(id, value.version);
                self.frames[id].step += 1;
            }
            CacheStep::Unknow => {
                self.sourcing.versions.remove(id);
                self.frames[id].step += 1;
            }
            CacheStep::Land { cache } => {
                let outcome = self.frames[id].outcome;
                self.land(&model, id, cache, outcome);
                self.frames[id].step += 1;
            }
        }
        true
    }

    /// A frame at a cache looks for its key.
    fn look(&mut self, model: &Model, id: FrameId, hit: u32, refresh: u32) {
        let frame = &self.frames[id];
        let (request, station, row) = (frame.request, frame.station, frame.data);
        let Some(settings) = settings(model, station) else {
            return;
        };
        let key = self.cache_key(id, settings);
        let now = self.now;
        let Some(store) = self.store(station) else {
            return;
        };
        let found = store.held.get(key, now, &settings.lifetimes);
        let (value, due) = match found {
            Lookup::Hit { entry, refresh } => (Some(entry.value), refresh),
            // A write that has not gone on is answered though its entry had to go.
            Lookup::Expired { .. } | Lookup::Miss => {
                let dirty = store.behind.get(key).map(|dirty| cache::Value {
                    version: dirty.version,
                    source: settings.home,
                    row,
                    bytes: dirty.bytes,
                    dirty: true,
                    ..cache::Value::default()
                });
                (dirty, false)
            }
        };
        if let Lookup::Expired { .. } = found {
            self.tell(request, id.slot(), &Event::CacheExpired { station, key });
        }
        let Some(value) = value else {
            self.tell(request, id.slot(), &Event::CacheMiss { station, key });
            self.frames[id].step += 1;
            return;
        };
        let stale = self.staleness(value);
        let event = Event::CacheHit {
            station,
            key,
            stale,
        };
        self.tell(request, id.slot(), &event);
        let frame = &mut self.frames[id];
        frame.outcome = Ok(answer(value));
        frame.step = hit;
        if due && refresh != NONE {
            self.spawn(id, refresh);
        }
    }

    /// If what a cache has is older than what the database has: how long ago the newer version came.
    fn staleness(&self, value: cache::Value) -> Option<crate::time::Duration> {
        let Some(row) = self.databases.row(value.source, value.row) else {
            return self.outdated(value.source, value.row, value.version);
        };
        (value.version < row.version).then(|| self.now.since(row.since))
    }

    /// A frame at a cache keeps what it has.
    fn fill(&mut self, model: &Model, id: FrameId) {
        let frame = &self.frames[id];
        let (request, station) = (frame.request, frame.station);
        let (Some(settings), Ok(value)) = (settings(model, station), frame.outcome) else {
            return;
        };
        // "There is no such row" is kept only where it has a time to live of its own.
        if value.absent && settings.lifetimes.negative.is_none() {
            return;
        }
        let key = self.cache_key(id, settings);
        let mut draws = frame.key.named("ttl").draws();
        let ttl = settings.lifetimes.draw(value.absent, &mut draws);
        let bytes = match value.bytes {
            0 => settings.value_bytes,
            bytes => bytes,
        };
        let value = cache::Value {
            version: value.version,
            source: value.source,
            row: value.row,
            bytes,
            negative: value.absent,
            dirty: false,
        };
        let now = self.now;
        let Some(store) = self.store(station) else {
            return;
        };
        // What was written here since is newer.
        if store.behind.get(key).is_some() || store.held.peek(key).is_some_and(|e| e.value.dirty) {
            return;
        }
        let kept = store.held.put(key, value, now, ttl).kept;
        self.tell_evicted(id, station);
        if kept {
            self.tell(request, id.slot(), &Event::CacheFilled { station, key });
        }
    }

    fn tell_evicted(&mut self, id: FrameId, station: u32) {
        let request = self.frames[id].request;
        for at in 0.. {
            let store = self.store(station);
            let Some(&(key, _)) = store.and_then(|store| store.held.evicted().get(at)) else {
                return;
            };
            self.tell(request, id.slot(), &Event::CacheEvicted { station, key });
        }
    }

    /// A frame at a cache drops its key, in all regions.
    fn drop_key(&mut self, model: &Model, id: FrameId) {
        let frame = &self.frames[id];
        let (request, station) = (frame.request, frame.station);
        let Some(settings) = settings(model, station) else {
            return;
        };
        let key = self.cache_key(id, settings);
        let component = usize::from(model.stations[station as usize].component);
        for &station in &model.components[component].stations {
            let held = self.store(station).map(|store| &mut store.held);
            if held.is_some_and(|held| held.remove(key).is_some()) {
                self.tell(request, id.slot(), &Event::CacheDropped { station, key });
            }
        }
    }

    /// A row of `database` has a new version: its caches will learn of it, each after its delay.
    pub(super) fn tell_caches(&mut self, model: &Model, database: u16, key: u64, version: u64) {
        for &cache in &model.components[usize::from(database)].told {
            let told = model.components[usize::from(cache)].cache.as_ref();
            if let Some(delay) = told.and_then(|cache| cache.told_after) {
                self.caches.news[usize::from(cache)].push_back((key, version));
                self.calendar.plan(self.now + delay, Due::Told { cache });
            }
        }
    }

    /// A cache learns of a change in the database.
    pub(super) fn told(&mut self, cache: u16) {
        let Some((key, version)) = self.caches.news[usize::from(cache)].pop_front() else {
            return;
        };
        let model = Arc::clone(&self.model);
        for &station in &model.components[usize::from(cache)].stations {
            // Who is down has nothing, and learns nothing.
            let held = self.store(station).map(|store| &mut store.held);
            if held.is_some_and(|held| held.invalidate(key, version).is_some()) {
                let event = Event::CacheDropped { station, key };
                self.probe
                    .event(&self.model, self.now, RequestRef::NONE, &event);
            }
        }
    }

    /// A frame at a cache keeps a write that is sent on later.
    fn write_behind(&mut self, model: &Model, id: FrameId, full: u32) {
        let frame = &self.frames[id];
        let (request, station, key) = (frame.request, frame.station, frame.data);
        let (operation, draws) = (frame.operation, frame.key);
        let Some(settings) = settings(model, station) else {
            return;
        };
        let (now, ttl) = (
            self.now,
            settings
                .lifetimes
                .draw(false, &mut draws.named("ttl").draws()),
        );
        let Some(store) = self.store(station) else {
            return;
        };
        let version = OWN_VERSION | u64::from(operation) << OPERATION_SHIFT | store.writes;
        let bytes = settings.value_bytes;
        if store.behind.write(key, version, bytes, now) == Written::Full {
            self.frames[id].step = full;
            return;
        }
        store.writes += 1;
        let value = cache::Value {
            version,
            source: settings.home,
            row: key,
            bytes,
            negative: false,
            dirty: true,
        };
        store.held.put(key, value, now, ttl);
        self.tell_evicted(id, station);
        self.tell(request, id.slot(), &Event::CacheDirty { station, key });
        let frame = &mut self.frames[id];
        frame.outcome = Ok(answer(value));
        frame.step += 1;
        self.plan_flush(settings, station);
    }

    fn plan_flush(&mut self, settings: &CacheModel, station: u32) {
        let time = settings.flush.map(|(interval, _)| self.now + interval);
        if let (Some(time), Some(store)) = (time, self.store(station))
            && !store.flushing
            && !store.behind.is_empty()
        {
            store.flushing = true;
            self.calendar.plan(time, Due::Flush { station });
        }
    }

    /// Time for a cache to send writes on.
    pub(super) fn flush(&mut self, station: u32) {
        let model = Arc::clone(&self.model);
        let Some(settings) = settings(&model, station) else {
            return;
        };
        if let Some(store) = self.store(station) {
            store.flushing = false;
        }
        let batch = settings.flush.map_or(0, |(_, batch)| batch);
        for _ in 0..batch {
            let Some(dirty) = self.store(station).and_then(|store| store.behind.take()) else {
                break;
            };
            self.send_on(&model, station, dirty);
        }
        self.plan_flush(settings, station);
    }

    /// Sends a write on, as a request of the system's own.
    fn send_on(&mut self, model: &Model, station: u32, dirty: Dirty) {
        let place = &model.stations[station as usize];
        let Some(store) = self.store(station) else {
            return;
        };
        let sent = store.note_sent(dirty);
        let request = self.own_request(place.instance);
        let operation = (dirty.version >> OPERATION_SHIFT) as u16;
        let key = Key::root(model.seed).named("flush").with(dirty.version);
        let mut key = key.with(u64::from(station));
        if dirty.failures > 0 {
            // What was lost on the wire need not be lost again.
            key = key.with(u64::from(dirty.failures));
        }
        let to = place.component;
        let id = self.frame(request, Waiter::Nobody, to, operation, key, dirty.key);
        let frame = &mut self.frames[id];
        frame.entry = Entry::Flush;
        frame.errand = Errand::Flushes { sent };
        frame.station = station;
        let child = Child::Frame(id.slot());
        self.tell(request, NONE, &Event::Spawned { station, to, child });
        self.admit(model, id);
    }

    /// A write that was sent on has come where it should.
    fn arrived_behind(&mut self, id: FrameId) {
        let frame = &mut self.frames[id];
        frame.step += 1;
        let (station, key, outcome) = (frame.station, frame.data, frame.outcome);
        let Errand::Flushes { sent } = core::mem::replace(&mut frame.errand, Errand::None) else {
            return;
        };
        if let (Ok(value), Some(store)) = (outcome, self.store(station))
            && let Some(dirty) = store.take_sent(sent)
        {
            let value = cache::Value {
                version: value.version,
                source: value.source,
                row: value.row,
                ..cache::Value::default()
            };
            store.held.settle(key, dirty.version, value);
        }
    }

    /// A frame that missed fetches, or waits for who fetches already. Tells whether it waits.
    fn join(&mut self, model: &Model, id: FrameId, cache: u16) -> bool {
        let key = self.flight_key(id, model, cache);
        let frame = &mut self.frames[id];
        let (request, station) = (frame.request, frame.station);
        match self.caches.flights[station as usize].join(key, id.data().as_ffi()) {
            Join::Leads => {
                frame.errand = Errand::Leads { cache };
                frame.step += 1;
                false
            }
            Join::Waits(waiter) => {
                frame.errand = Errand::Joins { place: waiter.0 };
                frame.state = State::Asking;
                self.tell(request, id.slot(), &Event::CacheJoined { station });
                true
            }
        }
    }

    /// All who wait for what a frame has fetched get what came of it.
    fn land(&mut self, model: &Model, id: FrameId, cache: u16, outcome: Outcome) {
        let key = self.flight_key(id, model, cache);
        let frame = &mut self.frames[id];
        frame.errand = Errand::None;
        let station = frame.station;
        while let Some(token) = self.caches.flights[station as usize].hand_over(key) {
            let id = FrameId::from(KeyData::from_ffi(token));
            let Some(frame) = self.frames.get_mut(id) else {
                continue;
            };
            frame.errand = Errand::None;
            frame.state = State::Working;
            let request = frame.request;
            if let Step::Cache(CacheStep::Join { landed, .. }) = model.code[frame.step as usize] {
                frame.step = landed;
            }
            self.tell(request, id.slot(), &Event::CacheLanded { station });
            match outcome {
                Ok(_) => {
                    self.frames[id].outcome = outcome;
                    self.ready.push_back(id);
                }
                Err(_) => self.finish(id, outcome),
            }
        }
    }

    /// A frame ends: whoever relied on it is told, if it has not been told yet.
    pub(super) fn relieve(&mut self, id: FrameId, outcome: Outcome) {
        if self.frames[id].counted {
            self.uncount(id, outcome.is_ok());
        }
        if !self.frames[id].is_relied_on(outcome.is_ok()) {
            return;
        }
        let model = Arc::clone(&self.model);
        let frame = &mut self.frames[id];
        let station = frame.station;
        let asking = frame.state == State::Asking;
        match core::mem::replace(&mut frame.errand, Errand::None) {
            Errand::None => {
                if let Some(settings) = settings(&model, station) {
                    let key = self.cache_key(id, settings);
                    if let Some(store) = self.store(station) {
                        store.held.refresh_failed(key);
                    }
                }
            }
            errand @ (Errand::Writes { .. } | Errand::Moves { .. }) => self.end_errand(id, errand),
            Errand::Leads { cache } => self.land(&model, id, cache, outcome),
            Errand::Joins { place } => {
                self.caches.flights[station as usize].leave(cache::Waiter(place));
            }
            Errand::Flushes { sent } => {
                let here = Failure {
                    reason: Loss::Crashed,
                    station,
                };
                if let Some(store) = self.store(station)
                    && let Some(dirty) = store.take_sent(sent)
                    // What a cache has sent on when it crashes is on its way.
                    && !(asking && outcome == Err(here))
                {
                    store.behind.put_back(dirty);
                }
                if let Some(settings) = settings(&model, station) {
                    self.plan_flush(settings, station);
                }
            }
        }
    }

    /// A cache forgets all that it holds. Writes that are to be sent on stay.
    pub(super) fn empty_cache(&mut self, station: u32) {
        if let Some(store) = self.store(station) {
            let entries = store.held.len();
            store.held.clear();
            let event = Event::CacheFlushed { station, entries };
            self.probe
                .event(&self.model, self.now, RequestRef::NONE, &event);
        }
    }

    /// A cache has crashed: it has nothing any more, and writes that it had not sent on are lost.
    pub(super) fn crash_cache(&mut self, station: u32) {
        self.empty_cache(station);
        let mut writes = 0_u32;
        let mut unsent = Vec::new();
        if let Some(store) = self.store(station) {
            store.behind.lose(|dirty| unsent.push(dirty));
        }
        for Dirty {
            key, writes: own, ..
        } in unsent
        {
            writes = writes.saturating_add(own);
            let event = Event::Row(RowEvent::Unsent {
                station,
                key,
                writes: own,
            });
            self.probe
                .event(&self.model, self.now, RequestRef::NONE, &event);
        }
        if writes > 0 {
            let event = Event::CacheLost { station, writes };
            self.probe
                .event(&self.model, self.now, RequestRef::NONE, &event);
        }
    }
}
