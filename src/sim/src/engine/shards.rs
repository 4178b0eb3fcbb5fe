//! Routers in front of shards at work: who is asked, how the answers of all come together, and how keys move meanwhile.
//!
//! A copy is a request of the system's own, at the router's mover: it fetches the row from the old owner and sends it to the new one,
//! which takes the row's lock and puts it into its log as a write. What a router knows of a move outlives its crashes (it is
//! in the cluster's configuration); copies and held requests do not.

use std::sync::Arc;

use slotmap::SecondaryMap;

use super::Engine;
use super::call::{Pending, Terms};
use super::databases::Visit;
use crate::calendar::Due;
use crate::db::Row;
use crate::event::{Child, Event, Loss, RequestRef, ShardEvent};
use crate::frame::{
    CallId, Entry, Errand, Failure, FrameId, NOBODY, NONE, Outcome, Request, State, Value, Waiter,
};
use crate::model::{Model, ReshardModel, ScatterModel, ShardStep, ShardsModel, StatementModel};
use crate::probe::Probe;
use crate::random::Key;
use crate::shard::{Policy, Resharding, Route, Turn};
use crate::time::{Duration, Time};

/// What a run's routers remember; nothing where no keys move.
#[derive(Clone, Debug, Default)]
pub(super) struct Routers {
    /// By component.
    states: Vec<Option<Box<RouterState>>>,
    /// By frame at a router: the row that it fetched or wrote, on its way to the new owner.
    rows: SecondaryMap<FrameId, Row>,
}

/// What a router whose keys move remembers.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct RouterState {
    resharding: Resharding,
    /// Frames that are held; some may have ended since.
    held: Vec<FrameId>,
    /// Copies under way.
    copying: u32,
    /// When the batch at hand was marked.
    marked: Time,
    /// Whether something is planned, and how often something was.
    planned: bool,
    turns: u32,
}

/// After how long a copy that has failed is made anew.
const AGAIN_AFTER: Duration = Duration::from_nanos(100_000_000);

impl Routers {
    /// All routers of a model at their start.
    pub fn new(model: &Model) -> Self {
        let moves = |shards: &&ShardsModel| shards.reshard.is_some();
        let all = model.components.iter().map(|c| c.shards.as_deref());
        let states: Vec<Option<Box<RouterState>>> = all
            .map(|shards| shards.filter(moves).map(|_| Box::default()))
            .collect();
        let any = states.iter().any(Option::is_some);
        Self {
            states: if any { states } else { Vec::new() },
            rows: SecondaryMap::new(),
        }
    }

    /// Whether there is anything in it that can change.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    fn get(&mut self, router: u16) -> Option<&mut RouterState> {
        self.states.get_mut(usize::from(router))?.as_deref_mut()
    }

    /// Whether a router is to go on because of what was planned then.
    pub fn is_planned(&self, router: u16, turn: u32) -> bool {
        let state = self.states.get(usize::from(router));
        state.is_some_and(|state| state.as_ref().is_some_and(|s| s.planned && s.turns == turn))
    }
}

impl core::hash::Hash for Routers {
    fn hash<H: core::hash::Hasher>(&self, hasher: &mut H) {
        self.states.hash(hasher);
        for row in &self.rows {
            row.hash(hasher);
        }
    }
}

/// A router's settings, and those of its move.
fn settings(model: &Model, router: u16) -> Option<(&ShardsModel, &ReshardModel)> {
    let shards = model.components[usize::from(router)].shards.as_deref()?;
    Some((shards, shards.reshard.as_ref()?))
}

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

    /// The component of the shard that has the data of `key` now.
    pub fn home(&self, component: usize, key: u64) -> Option<usize> {
        let shards = self.model.components.get(component)?.shards.as_ref()?;
        let state = self.routers.states.get(component).and_then(Option::as_ref);
        let shard = match (&shards.reshard, state) {
            (Some(reshard), Some(state)) => state.resharding.home(&reshard.handover, key),
            _ => shards.placement.owner(key),
        };
        Some(usize::from(shards.targets[usize::from(shard)]))
    }

    fn tell_router(&mut self, id: FrameId, event: ShardEvent) {
        let request = self.frames[id].request;
        self.tell(request, id.slot(), &Event::Shard(event));
    }

    /// The same, of what happens to no request.
    fn tell_of_router(&mut self, event: ShardEvent) {
        let event = Event::Shard(event);
        self.probe
            .event(&self.model, self.now, RequestRef::NONE, &event);
    }

    /// A frame takes a step at a router. Tells whether it can take the next at once.
    #[inline(never)]
    pub(super) fn shard_step(&mut self, id: FrameId, step: ShardStep) -> bool {
        let model = Arc::clone(&self.model);
        let router = self.frames[id].component;
        let Some(shards) = model.components[usize::from(router)].shards.as_deref() else {
            return false;
        };
        match step {
            ShardStep::Ask { first } => {
                match &shards.reshard {
                    None => {
                        let owner = shards.placement.owner(self.frames[id].data);
                        self.call(id, first + u32::from(owner));
                    }
                    Some(reshard) => self.ask_owner(&model, shards, reshard, id, first),
                }
                false
            }
            ShardStep::Again { first } => self.ask_again(shards, id, first),
            ShardStep::Forward { first } => self.forward(&model, shards, id, first),
            ShardStep::Scatter { first } => {
                self.scatter(&model, shards, id, first);
                false
            }
            ShardStep::Fetch { first } | ShardStep::Send { first } => {
                let fetches = matches!(step, ShardStep::Fetch { .. });
                let Errand::Moves { place } = self.frames[id].errand else {
                    return false;
                };
                let state = self.routers.get(router);
                let Some(moving) = state.and_then(|state| state.resharding.moving(place)) else {
                    return false;
                };
                let to = if fetches { moving.from } else { moving.to };
                self.call(id, first + u32::from(to));
                false
            }
            ShardStep::Arrived => {
                self.copy_arrived(id);
                self.frames[id].step += 1;
                true
            }
        }
    }

    /// A frame at a router whose keys move asks for its key, or is held.
    fn ask_owner(
        &mut self,
        model: &Model,
        shards: &ShardsModel,
        reshard: &ReshardModel,
        id: FrameId,
        first: u32,
    ) {
        let frame = &self.frames[id];
        let (router, station, key) = (frame.component, frame.station, frame.data);
        let database = model.components[usize::from(shards.targets[0])]
            .database
            .as_ref();
        let statement = database.and_then(|database| database.statement(frame.operation));
        let writes = statement.is_some_and(|number| model.statements[number].writes);
        let Some(state) = self.routers.get(router) else {
            return;
        };
        let route = state.resharding.route(&reshard.handover, key, writes);
        let (owner, both) = match route {
            Route::To(owner) => (owner, false),
            Route::Both(owner, _) => (owner, true),
            Route::Hold => {
                if state.held.len() == state.held.capacity() {
                    let frames = &self.frames;
                    let waits = |id: &FrameId| {
                        frames
                            .get(*id)
                            .is_some_and(|frame| frame.state == State::Blocked)
                    };
                    state.held.retain(waits);
                }
                state.held.push(id);
                self.frames[id].state = State::Blocked;
                return self.tell_router(id, ShardEvent::Held { station });
            }
        };
        if writes && !state.resharding.is_done() {
            let epoch = state.resharding.begin_write(key);
            self.frames[id].errand = Errand::Writes { epoch, both };
        }
        self.call(id, first + u32::from(owner));
    }

    /// If the shard that was asked did not have the row, whoever has it is asked; or not, if nobody knows better.
    fn ask_again(&mut self, shards: &ShardsModel, id: FrameId, first: u32) -> bool {
        let frame = &mut self.frames[id];
        let (router, station, key) = (frame.component, frame.station, frame.data);
        let missed = frame.outcome.is_ok_and(|value| value.missed);
        if !missed {
            frame.step += 1;
            return true;
        }
        let handover = shards.reshard.as_ref().map(|reshard| &reshard.handover);
        let (Some(handover), Some(state)) = (handover, self.routers.get(router)) else {
            return false;
        };
        if handover.policy == Policy::AtOnce {
            if let Ok(value) = &mut frame.outcome {
                value.missed = false;
            }
            frame.step += 1;
            self.tell_router(id, ShardEvent::Misread { station });
            return true;
        }
        let home = state.resharding.home(handover, key);
        frame.outcome = Ok(Value::default());
        // The answer comes back to this step.
        frame.step -= 1;
        let to = shards.targets[usize::from(home)];
        self.tell_router(id, ShardEvent::Redirected { station, to });
        self.call(id, first + u32::from(home));
        false
    }

    /// What a frame wrote at the old owner goes to the new one before it is answered, if both are to have it.
    fn forward(&mut self, model: &Model, shards: &ShardsModel, id: FrameId, first: u32) -> bool {
        let frame = &self.frames[id];
        let key = frame.data;
        let reshard = shards.reshard.as_ref();
        let (Errand::Writes { both: true, .. }, Some(reshard)) = (frame.errand, reshard) else {
            self.frames[id].step += 1;
            return true;
        };
        let from = shards.targets[usize::from(reshard.handover.before.owner(key))];
        let to = reshard.handover.after.owner(key);
        let database = model.components[usize::from(from)].database.as_ref();
        let statement = database.and_then(|database| database.statement(frame.operation));
        if let Some(number) = statement {
            self.take_row(from, &model.statements[number], key, id);
        }
        self.call(id, first + u32::from(to));
        false
    }

    /// Notes what a shard has of a key's row, for a frame at the router to send it on.
    fn take_row(&mut self, shard: u16, statement: &StatementModel, key: u64, for_frame: FrameId) {
        if let Some(state) = self.databases.get(shard) {
            let row = state.rows.get(statement.row(key, 0), statement.initial());
            self.routers.rows.insert(for_frame, row);
        }
    }

    /// A frame asks all shards at once.
    fn scatter(&mut self, model: &Model, shards: &ShardsModel, id: FrameId, first: u32) {
        let frame = &mut self.frames[id];
        frame.state = State::Asking;
        let (station, router, operation) = (frame.station, frame.component, frame.operation);
        let Some(ScatterModel { need, timeout }) = shards.scattered[usize::from(operation)] else {
            return;
        };
        // While keys move, those that come and those that go are asked, too.
        let state = self.routers.get(router);
        let (begun, done) = state.map_or((false, false), |state| {
            (state.resharding.has_begun(), state.resharding.is_done())
        });
        let before = shards.placement.shards();
        let after = shards
            .reshard
            .as_ref()
            .map(|reshard| reshard.handover.after.shards());
        let is_asked = |shard: u16| {
            let after = after.is_some_and(|after| after.contains(&shard));
            (!done && before.contains(&shard)) || (begun && after)
        };
        let all = 0..shards.targets.len() as u16;
        let of = all.clone().filter(|shard| is_asked(*shard)).count() as u32;
        let caller = self.caller(id);
        self.requests[caller.request].open += 1;
        let call = self.calls.insert(Pending {
            request: caller.request,
            waiter: Waiter::Frame(id),
            caller: caller.frame,
            terms: Terms::Scatter {
                need: need.unwrap_or(of).min(of),
                of,
                answers: 0,
                open: of,
                value: Value::default(),
            },
        });
        if let Some(timeout) = timeout {
            self.calendar
                .plan(self.now + timeout, Due::Gathered { call });
        }
        let event = Event::Called {
            station,
            to: shards.targets[0],
            child: Child::Call(call.slot()),
        };
        self.tell(caller.request, caller.frame, &event);
        for (attempt, shard) in (0..).zip(all.filter(|shard| is_asked(*shard))) {
            // Too many failures end it early.
            if !self.calls.contains_key(call) {
                return;
            }
            let waiter = Waiter::Call(call, attempt);
            let at = first + u32::from(shard);
            self.ask(model, at, caller, waiter, 0, |engine, site, child| {
                let tried = Event::Tried {
                    call: call.slot(),
                    attempt,
                    to: site.to,
                    child,
                };
                engine.tell(caller.request, caller.frame, &tried);
            });
        }
    }

    /// One of all shards has answered, or failed.
    #[inline(never)]
    pub(super) fn gather(&mut self, id: CallId, attempt: u32, outcome: Outcome) {
        let Some(Pending {
            request,
            caller,
            terms:
                Terms::Scatter {
                    need,
                    answers,
                    open,
                    value,
                    ..
                },
            ..
        }) = self.calls.get_mut(id)
        else {
            return;
        };
        *open -= 1;
        match outcome {
            Ok(answer) => {
                *answers += 1;
                value.bytes = value.bytes.saturating_add(answer.bytes);
                if *open == 0 {
                    self.conclude_gathering(id, attempt);
                }
            }
            Err(failure) if *answers + *open < *need => self.settle(id, attempt, Err(failure)),
            Err(_) if *open == 0 => self.conclude_gathering(id, attempt),
            Err(failure) => {
                let missed = Event::Missed {
                    call: id.slot(),
                    attempt,
                    reason: failure.reason,
                };
                let (request, caller) = (*request, *caller);
                self.tell(request, caller, &missed);
            }
        }
    }

    /// Time to go on without those that have not answered.
    pub(super) fn gathered(&mut self, id: CallId) {
        let Some(Pending {
            waiter: Waiter::Frame(frame),
            terms: Terms::Scatter { need, answers, .. },
            ..
        }) = self.calls.get(id)
        else {
            return;
        };
        if answers >= need {
            return self.conclude_gathering(id, NONE);
        }
        let station = self.frames.get(*frame).map_or(NONE, |frame| frame.station);
        let reason = Loss::TimedOut;
        self.settle(id, NONE, Err(Failure { reason, station }));
    }

    /// There are answers enough.
    fn conclude_gathering(&mut self, id: CallId, attempt: u32) {
        let Some(Pending {
            request,
            waiter: Waiter::Frame(frame),
            terms: Terms::Scatter {
                of, answers, value, ..
            },
            ..
        }) = self.calls.get(id)
        else {
            return;
        };
        let (request, frame) = (*request, *frame);
        let (of, answers, value) = (*of, *answers, *value);
        if answers < of
            && let Some(station) = self.frames.get(frame).map(|frame| frame.station)
        {
            self.requests[request].degraded = true;
            let partial = ShardEvent::Partial {
                station,
                answers,
                of,
            };
            self.tell_router(frame, partial);
        }
        self.settle(id, attempt, Ok(value));
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
            self.copy(model, router, reshard, place, moving.key);
        }
    }

    /// Copies a key's row, as a request of the system's own.
    fn copy(&mut self, model: &Model, router: u16, reshard: &ReshardModel, place: u32, key: u64) {
        let (station, operation) = (reshard.mover, reshard.operation);
        let request = self.requests.insert(Request {
            id: u64::MAX,
            client: NOBODY,
            user: 0,
            looped: false,
            priority: 0,
            degraded: false,
            over: true,
            written: 0,
            open: 0,
            sent: self.now,
        });
        let draws = Key::root(model.seed).named("move").with(u64::from(router));
        let id = self.frame(
            request,
            Waiter::Nobody,
            router,
            operation,
            draws.with(key),
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
    fn copy_arrived(&mut self, id: FrameId) {
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
