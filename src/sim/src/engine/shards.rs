//! Routers in front of shards at work: who is asked, who is held, who is asked again. How the answers of all come together is
//! in `scatter.rs`, and how keys move meanwhile in `moves.rs`.

use std::sync::Arc;

use slotmap::SecondaryMap;

use super::Engine;
use crate::db::Row;
use crate::event::{Event, RequestRef, ShardEvent};
use crate::frame::{Errand, FrameId, State, Value};
use crate::model::{Model, ReshardModel, ShardStep, ShardsModel, StatementModel};
use crate::probe::Probe;
use crate::shard::{Policy, Resharding, Route};
use crate::time::Time;

/// So few that are held are not worth looking through.
const FEW: usize = 64;

/// What a run's routers remember; nothing where no keys move.
#[derive(Clone, Debug, Default)]
pub(super) struct Routers {
    /// By component.
    pub states: Vec<Option<Box<RouterState>>>,
    /// By frame at a router: the row that it fetched or wrote, on its way to the new owner.
    pub rows: SecondaryMap<FrameId, Row>,
}

/// What a router whose keys move remembers.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct RouterState {
    pub resharding: Resharding,
    /// Frames that are held; some may have ended since.
    pub held: Vec<FrameId>,
    /// At how many they are next looked through for such. Not by the room that there is: a clone has less.
    pub held_full: usize,
    /// Copies under way.
    pub copying: u32,
    /// When the batch at hand was marked.
    pub marked: Time,
    /// Whether something is planned, and how often something was.
    pub planned: bool,
    pub turns: u32,
}

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

    pub fn get(&mut self, router: u16) -> Option<&mut RouterState> {
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
pub(super) fn settings(model: &Model, router: u16) -> Option<(&ShardsModel, &ReshardModel)> {
    let shards = model.components[usize::from(router)].shards.as_deref()?;
    Some((shards, shards.reshard.as_ref()?))
}

impl<P: Probe> Engine<P> {
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

    pub(super) fn tell_router(&mut self, id: FrameId, event: ShardEvent) {
        let request = self.frames[id].request;
        self.tell(request, id.slot(), &Event::Shard(event));
    }

    /// The same, of what happens to no request.
    pub(super) fn tell_of_router(&mut self, event: ShardEvent) {
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
                if state.held.len() >= state.held_full.max(FEW) {
                    let frames = &self.frames;
                    let waits = |id: &FrameId| {
                        frames
                            .get(*id)
                            .is_some_and(|frame| frame.state == State::Blocked)
                    };
                    state.held.retain(waits);
                    state.held_full = 2 * state.held.len();
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
    pub(super) fn take_row(
        &mut self,
        shard: u16,
        statement: &StatementModel,
        key: u64,
        for_frame: FrameId,
    ) {
        if let Some(state) = self.databases.get(shard) {
            let row = state.rows.get(statement.row(key, 0), statement.initial());
            self.routers.rows.insert(for_frame, row);
        }
    }
}
