//! Event stores at work: loads that replay streams, and commands that append to them.

use super::Engine;
use super::visit::at_speed;
use crate::calendar::Due;
use crate::event::{Event, Loss, StoreEvent};
use crate::frame::{Failure, FrameId, Value};
use crate::model::{EventStoreModel, Model, StreamAct, StreamModel};
use crate::probe::Probe;
use crate::random::Draws;
use crate::sourcing::{Append, Appended, Replay, Seen};
use crate::time::{Duration, Time};

/// What a frame that appends is at.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Command {
    /// The stream as it was loaded; later, as it is with the event.
    seen: Seen,
    /// When the event was appended.
    appended: Time,
    /// Attempts that were in conflict.
    conflicts: u32,
    /// Pieces of work so far: each has draws of its own.
    works: u32,
}

/// Where a frame is.
#[derive(Clone, Copy)]
struct At {
    store: u16,
    station: u32,
    stream: u32,
}

fn settings(model: &Model, store: u16) -> Option<&EventStoreModel> {
    model.components[usize::from(store)].event_store.as_deref()
}

fn times(each: Duration, count: u64) -> Duration {
    Duration::from_nanos(each.nanos().saturating_mul(count))
}

impl<P: Probe> Engine<P> {
    fn at_store(&self, id: FrameId, settings: &EventStoreModel) -> At {
        let frame = &self.frames[id];
        At {
            store: self.model.stations[frame.station as usize].component,
            station: frame.station,
            stream: self.sourcing.logs[usize::from(settings.log)].row_of(frame.data),
        }
    }

    /// The settings of the event store where a frame is, and its place there.
    fn here<'m>(&self, model: &'m Model, id: FrameId) -> Option<(&'m EventStoreModel, At)> {
        let station = self.frames[id].station;
        let component = model.stations[station as usize].component;
        let settings = settings(model, component)?;
        Some((settings, self.at_store(id, settings)))
    }

    /// The draws of a frame's next piece of work.
    fn store_draws(&mut self, stream: &StreamModel, id: FrameId) -> Draws {
        let key = self.frames[id].key.with(stream.key);
        let works = self.sourcing.commands.get_mut(id).map_or(0, |command| {
            command.works += 1;
            command.works
        });
        key.with(u64::from(works)).draws()
    }

    /// The store works for a frame; then comes the next step.
    fn store_work(&mut self, id: FrameId, station: u32, demand: Duration) -> bool {
        let time = at_speed(demand, self.stations[station as usize].speed);
        self.calendar
            .plan(self.now + time, Due::Worked { frame: id });
        false
    }

    fn store_fail(&mut self, id: FrameId, station: u32, reason: Loss) -> bool {
        self.sourcing.commands.remove(id);
        self.finish(id, Err(Failure { reason, station }));
        false
    }

    fn answer_stream(&mut self, id: FrameId, at: At, seen: Seen) {
        self.frames[id].outcome = Ok(Value {
            version: seen.version,
            source: at.store,
            row: u64::from(at.stream),
            absent: seen.version == 0,
            ..Value::default()
        });
    }

    /// A frame reads its stream.
    pub(super) fn load(&mut self, model: &Model, id: FrameId, act: u32) -> bool {
        let Some((settings, at)) = self.here(model, id) else {
            return true;
        };
        let stream = &model.streams[act as usize];
        let now = self.now;
        let mut moment = None;
        match &stream.act {
            StreamAct::Load => {}
            StreamAct::AsOf { ago } => {
                let key = self.frames[id].key.with(stream.key).named("ago");
                moment = Some(now - ago.draw(&mut key.draws()));
            }
            StreamAct::Append { loads, .. } => {
                if self.stations[at.station as usize].disk_full {
                    return self.store_fail(id, at.station, Loss::DiskFull);
                }
                if !self.sourcing.commands.contains_key(id) {
                    self.sourcing.commands.insert(id, Command::default());
                }
                if !loads {
                    self.frames[id].step += 1;
                    return true;
                }
            }
        }
        let mut draws = self.store_draws(stream, id);
        let log = &self.sourcing.logs[usize::from(settings.log)];
        let Some(store) = &self.sourcing.stores[usize::from(at.store)] else {
            return true;
        };
        let replay = match moment {
            None => Some(store.load(log, at.stream)),
            Some(moment) => store.load_as_of(log, at.stream, moment),
        };
        let Some(replay) = replay else {
            return self.store_fail(id, at.station, Loss::Forgotten);
        };
        let (mut time, mut upcasts) = (settings.request.draw(&mut draws), 0);
        for schema in 0..store.schemas_by(now) {
            let count = store.upcasts(log, at.stream, &replay, schema);
            upcasts += count;
            time += times(settings.upcasts[schema], count);
        }
        let Replay { seen, from } = replay;
        time += times(settings.event, replay.events());
        if from > 0 {
            time += settings.snapshot_read;
        }
        if let Some(command) = self.sourcing.commands.get_mut(id) {
            command.seen = seen;
        }
        self.answer_stream(id, at, seen);
        let told = StoreEvent::Loaded {
            station: at.station,
            events: replay.events(),
            upcasts,
        };
        let request = self.frames[id].request;
        self.tell(request, id.slot(), &Event::Store(told));
        self.store_work(id, at.station, time)
    }

    /// The application decides. That is its time, not the store's.
    pub(super) fn decide(&mut self, model: &Model, id: FrameId, act: u32) -> bool {
        let stream = &model.streams[act as usize];
        let mut draws = self.store_draws(stream, id);
        if let StreamAct::Append { think, .. } = &stream.act {
            let time = self.now + think.draw(&mut draws);
            self.calendar.plan(time, Due::Worked { frame: id });
            return false;
        }
        true
    }

    /// The event is made durable, if there is to be one.
    pub(super) fn write_event(&mut self, model: &Model, id: FrameId, act: u32) -> bool {
        let Some((settings, at)) = self.here(model, id) else {
            return true;
        };
        let stream = &model.streams[act as usize];
        let command = self.sourcing.commands.get(id).copied().unwrap_or_default();
        if let StreamAct::Append {
            by,
            least: Some(least),
            ..
        } = stream.act
            && command.seen.value.saturating_add(by) < least
        {
            self.sourcing.commands.remove(id);
            // Over the event and its snapshot, to the end.
            self.frames[id].step += 3;
            return true;
        }
        let mut draws = self.store_draws(stream, id);
        let time = settings.append.draw(&mut draws);
        self.store_work(id, at.station, time)
    }

    /// The event is appended, unless another was quicker.
    pub(super) fn append_events(&mut self, model: &Model, id: FrameId, act: u32) -> bool {
        let Some((settings, at)) = self.here(model, id) else {
            return true;
        };
        let stream = &model.streams[act as usize];
        let mut command = self.sourcing.commands.get(id).copied().unwrap_or_default();
        let StreamAct::Append {
            by, loads, retries, ..
        } = stream.act
        else {
            return true;
        };
        if self.stations[at.station as usize].disk_full {
            return self.store_fail(id, at.station, Loss::DiskFull);
        }
        let append = Append {
            stream: at.stream,
            expected: loads.then_some(command.seen.version),
            by,
            now: self.now,
        };
        let log = &mut self.sourcing.logs[usize::from(settings.log)];
        let Some(store) = &mut self.sourcing.stores[usize::from(at.store)] else {
            return true;
        };
        let appended = store.append(log, append);
        let request = self.frames[id].request;
        let station = at.station;
        match appended {
            Appended::Conflict(_) => {
                let told = Event::Store(StoreEvent::Conflicted { station });
                self.tell(request, id.slot(), &told);
                if command.conflicts >= retries {
                    return self.store_fail(id, station, Loss::Conflict);
                }
                command.conflicts += 1;
                self.sourcing.commands.insert(id, command);
                // Back to the load.
                self.frames[id].step -= 3;
                true
            }
            Appended::Done { seen, snapshot } => {
                self.answer_stream(id, at, seen);
                let told = Event::Store(StoreEvent::Appended {
                    station,
                    stream: at.stream,
                    version: seen.version,
                });
                self.tell(request, id.slot(), &told);
                self.followers(model, settings.log);
                if !snapshot {
                    self.sourcing.commands.remove(id);
                    self.frames[id].step += 2;
                    return true;
                }
                (command.seen, command.appended) = (seen, self.now);
                self.sourcing.commands.insert(id, command);
                let mut draws = self.store_draws(stream, id);
                let time = settings.snapshot_write.draw(&mut draws);
                self.store_work(id, station, time)
            }
        }
    }

    /// A snapshot is durable.
    pub(super) fn take_snapshot(&mut self, id: FrameId) -> bool {
        self.frames[id].step += 1;
        let model = std::sync::Arc::clone(&self.model);
        let (Some((_, at)), Some(command)) =
            (self.here(&model, id), self.sourcing.commands.remove(id))
        else {
            return true;
        };
        let Some(store) = &mut self.sourcing.stores[usize::from(at.store)] else {
            return true;
        };
        if store.snapshot(at.stream, command.seen, command.appended) {
            let told = Event::Store(StoreEvent::Snapshot {
                station: at.station,
                stream: at.stream,
                version: command.seen.version,
            });
            let request = self.frames[id].request;
            self.tell(request, id.slot(), &told);
        }
        true
    }
}
