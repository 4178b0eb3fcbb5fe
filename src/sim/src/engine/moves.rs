//! Keys on the move between shards: batches, the copies of their rows, and what databases do with these.
//!
//! A copy is a request of the system's own, at the router's mover: it fetches the row from the old owner and sends it to the
//! new one, which takes the row's lock and puts it into its log as a write. What a router knows of a move outlives its crashes
//! (it is in the cluster's configuration); copies and held requests do not.

use std::sync::Arc;

use super::Engine;
use super::databases::Visit;
use super::shards::settings;
use crate::calendar::Due;
use crate::event::{Child, Event, ShardEvent};
use crate::frame::{Entry, Errand, FrameId, NONE, State, Waiter};
use crate::model::{Model, ReshardModel, StatementModel};
use crate::probe::Probe;
use crate::random::Key;
use crate::shard::{Moving, Policy, Turn};
use crate::time::{Duration, Time};

/// After how long a copy that has failed is made anew.
const AGAIN_AFTER: Duration = Duration::from_nanos(100_000_000);

impl<P: Probe> Engine<P> {
    /// Plans the beginning of every move.
    pub(super) fn plan_resharding(&mut self) {
        let model = Arc::clone(&self.model);
        for router in 0..model.components.len() as u16 {
            if let Some((_, reshard)) = settings(&model, router) {
                self.plan_move(router, reshard.at);
            }
        }
    }

    /// How many keys of a router have moved, and whether all that shall have.
    pub fn keys_moved(&self, component: usize) -> Option<(u64, bool)> {
        let state = self.routers.states.get(component)?.as_ref()?;
        Some((state.resharding.keys_moved(), state.resharding.is_done()))
    }

    fn plan_move(&mut self, router: u16, time: Time) {
        if let Some(state) = self.routers.get(router) {
            state.planned = true;
            state.turns = state.turns.wrapping_add(1);
            let turn = state.turns;
            let time = time.max(self.now);
            self.calendar.plan(time, Due::Reshard { router, turn });
        }
    }

    /// Time for a router to mark the next batch, or to make copies anew.
    pub(super) fn reshard(&mut self, router: u16, turn: u32) {
        if !self.routers.is_planned(router, turn) {
            return;
        }
        let model = Arc::clone(&self.model);
        let now = self.now;
        if let (Some(state), Some((_, reshard))) =
            (self.routers.get(router), settings(&model, router))
        {
            state.planned = false;
            if state.resharding.mark(&reshard.handover) {
                state.marked = now;
            }
        }
        self.copy_more(&model, router);
        self.move_on(&model, router);
    }

    /// Something has ended that a move may have waited for.
    fn move_on(&mut self, model: &Model, router: u16) {
        let Some((_, reshard)) = settings(model, router) else {
            return;
        };
        let Some(state) = self.routers.get(router) else {
            return;
        };
        match state.resharding.turn(&reshard.handover) {
            Turn::Wait => {}
            Turn::Copy => self.copy_more(model, router),
            Turn::Switched(keys) => {
                let (marked, done) = (state.marked, state.resharding.is_done());
                let station = model.components[usize::from(router)].stations[0];
                if keys > 0 {
                    self.tell_of_router(ShardEvent::Moved { station, keys });
                }
                self.release_held(router, None);
                if !done {
                    let pace = reshard.pace.nanos().saturating_mul(u64::from(keys));
                    self.plan_move(router, marked + Duration::from_nanos(pace));
                }
            }
        }
    }

    /// Starts as many copies as may be under way.
    fn copy_more(&mut self, model: &Model, router: u16) {
        let Some((_, reshard)) = settings(model, router) else {
            return;
        };
        let under_way = self.routers.get(router).map_or(0, |state| state.copying);
        // Not until none is left: where a copy fails at once, it would be started again and again.
        for _ in under_way..reshard.copiers {
            let Some(state) = self.routers.get(router) else {
                return;
            };
            let Some((place, moving)) = state.resharding.next_copy(&reshard.handover) else {
                return;
            };
            state.copying += 1;
            self.copy(model, router, reshard, place, moving);
        }
    }

    /// Copies a key's row, as a request of the system's own.
    fn copy(
        &mut self,
        model: &Model,
        router: u16,
        reshard: &ReshardModel,
        place: u32,
        moving: Moving,
    ) {
        let Moving { key, failures, .. } = moving;
        let (station, operation) = (reshard.mover, reshard.operation);
        let request = self.own_request(0);
        let draws = Key::root(model.seed).named("move").with(u64::from(router));
        let id = self.frame(
            request,
            Waiter::Nobody,
            router,
            operation,
            // A copy that is made anew may fare better.
            draws.with(key).with(u64::from(failures)),
            key,
        );
        let frame = &mut self.frames[id];
        frame.entry = Entry::Move;
        frame.errand = Errand::Moves { place };
        frame.station = station;
        let (to, child) = (router, Child::Frame(id.slot()));
        self.tell(request, NONE, &Event::Spawned { station, to, child });
        self.admit(model, id);
    }

    /// A copy is at its new owner.
    pub(super) fn copy_arrived(&mut self, id: FrameId) {
        let frame = &mut self.frames[id];
        let (router, key) = (frame.component, frame.data);
        let Errand::Moves { place } = core::mem::replace(&mut frame.errand, Errand::None) else {
            return;
        };
        self.routers.rows.remove(id);
        if let Some(state) = self.routers.get(router) {
            state.copying -= 1;
            state.resharding.copied(place);
        }
        let model = Arc::clone(&self.model);
        self.release_held(router, Some(key));
        self.copy_more(&model, router);
        self.move_on(&model, router);
    }

    /// A frame with a part in a move has ended before that was done, or a write has ended.
    pub(super) fn end_errand(&mut self, id: FrameId, errand: Errand) {
        self.routers.rows.remove(id);
        let (component, key) = (self.frames[id].component, self.frames[id].data);
        let planned = match (errand, self.routers.get(component)) {
            (Errand::Writes { epoch, .. }, Some(state)) => {
                state.resharding.end_write(epoch, key);
                let model = Arc::clone(&self.model);
                self.copy_more(&model, component);
                return self.move_on(&model, component);
            }
            (Errand::Moves { place }, Some(state)) => {
                state.copying -= 1;
                state.resharding.failed(place);
                state.planned
            }
            _ => return,
        };
        if !planned {
            self.plan_move(component, self.now + AGAIN_AFTER);
        }
    }

    /// Those that are held go on; only those for `key`, if one is named.
    fn release_held(&mut self, router: u16, key: Option<u64>) {
        let Some(state) = self.routers.get(router) else {
            return;
        };
        if state.held.is_empty() {
            return;
        }
        let mut held = core::mem::take(&mut state.held);
        held.retain(|&id| {
            let Some(frame) = self.frames.get_mut(id) else {
                return false;
            };
            if frame.state != State::Blocked {
                return false;
            }
            if key.is_some_and(|key| key != frame.data) {
                return true;
            }
            frame.state = State::Working;
            let station = frame.station;
            self.ready.push_back(id);
            self.tell_router(id, ShardEvent::Released { station });
            false
        });
        if let Some(state) = self.routers.get(router) {
            state.held = held;
        }
    }

    /// An old owner gives a row away: what it has of it is noted for the frame that asked.
    pub(super) fn fetch_row(&mut self, statement: &StatementModel, id: FrameId) {
        let frame = &self.frames[id];
        let (database, key) = (frame.component, frame.data);
        if let Waiter::Frame(asking) = frame.waiter
            && self.frames.contains_key(asking)
        {
            self.take_row(database, statement, key, asking);
        }
    }

    /// A row comes to its new owner, which has locked it: the number that it is to hold from now on, if it is to change.
    pub(super) fn row_arrives(&mut self, id: FrameId) -> Option<i64> {
        let frame = &self.frames[id];
        let (database, key) = (frame.component, frame.data);
        let Waiter::Frame(asking) = frame.waiter else {
            return None;
        };
        let row = self.routers.rows.remove(asking)?;
        let model = Arc::clone(&self.model);
        let (router, _) = model.components[usize::from(database)].shard_of?;
        let (_, reshard) = settings(&model, router)?;
        let state = self.routers.get(router)?;
        let (takes, writes) = state
            .resharding
            .arrives(&reshard.handover, key, row.version);
        self.tell_lost(&model, router, writes);
        takes.then_some(row.value)
    }

    fn tell_lost(&mut self, model: &Model, router: u16, writes: u32) {
        if writes > 0 {
            let station = model.components[usize::from(router)].stations[0];
            self.tell_of_router(ShardEvent::Lost { station, writes });
        }
    }

    /// A database that is a shard has shown a write.
    #[inline(never)]
    pub(super) fn written_at_shard(&mut self, model: &Model, id: FrameId, of: (u16, u16)) {
        let (router, shard) = of;
        let frame = &self.frames[id];
        let (key, is_copy) = (frame.data, frame.entry == Entry::Send);
        let (Some((_, reshard)), Some(state)) = (settings(model, router), self.routers.get(router))
        else {
            return;
        };
        if !is_copy {
            let writes = state.resharding.written(&reshard.handover, key, shard);
            self.tell_lost(model, router, writes);
        }
    }

    /// A database that is a shard has read a row: whether it has that row at all.
    #[inline(never)]
    pub(super) fn has_row(
        &mut self,
        model: &Model,
        id: FrameId,
        of: (u16, u16),
        version: u64,
    ) -> bool {
        let (router, shard) = of;
        let frame = &self.frames[id];
        let (Some((shards, reshard)), Some(state)) =
            (settings(model, router), self.routers.get(router))
        else {
            return true;
        };
        let handover = &reshard.handover;
        let asks_all = shards.scattered[usize::from(frame.operation)].is_some();
        if asks_all || !state.resharding.has_begun() || matches!(frame.waiter, Waiter::Check(..)) {
            return true;
        }
        if state.resharding.home(handover, frame.data) == shard {
            return true;
        }
        // A write may have come here before the copy.
        handover.policy == Policy::AtOnce
            && handover.after.owner(frame.data) == shard
            && version > 0
    }

    /// A database takes a row from another.
    pub(super) fn receive(&mut self, id: FrameId) {
        if !self.databases.visits.contains_key(id) {
            self.databases.visits.insert(id, Visit::new());
        }
    }
}
