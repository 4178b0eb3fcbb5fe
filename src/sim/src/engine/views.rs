//! Views at work: projectors that follow logs, queries, rebuilds, and what crashes do to them.
//!
//! A projector belongs to no request. Whatever it does next stands in the calendar once ([`Due::Follow`]), void if it has begun
//! something else since; who appends to a log wakes those that have nothing to do.

use super::Engine;
use super::visit::at_speed;
use crate::calendar::Due;
use crate::component::Rebuilding;
use crate::event::{Event, Loss, RequestRef, ViewEvent};
use crate::frame::{Failure, FrameId, Value};
use crate::model::{Model, ViewModel};
use crate::probe::Probe;
use crate::sourcing::{ChangeLog, Projection, Task};
use crate::time::{Duration, Time};

/// A view.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct View {
    /// The table that answers.
    pub live: Projection,
    /// The number of its build; builds are counted, so that each knows what was planned for it.
    build: u32,
    /// The table that is built to take its place.
    beside: Option<Projection>,
    /// Builds so far.
    builds: u32,
    /// How it is built anew, and since when.
    rebuilding: Option<(Rebuilding, Time)>,
    /// A fault keeps it from applying.
    held_up: bool,
}

impl View {
    /// One that has all that `log` has.
    pub fn new(log: &ChangeLog) -> Self {
        Self {
            live: Projection::current(log),
            build: 0,
            beside: None,
            builds: 0,
            rebuilding: None,
            held_up: false,
        }
    }

    fn projection(&mut self, build: u32) -> Option<&mut Projection> {
        if build == self.build {
            return Some(&mut self.live);
        }
        self.beside.as_mut().filter(|_| build == self.builds)
    }

    /// Whether what was planned for that build is still to be done.
    pub fn is_planned(&self, build: u32, turn: u32) -> bool {
        let projection = if build == self.build {
            Some(&self.live)
        } else {
            self.beside.as_ref().filter(|_| build == self.builds)
        };
        projection.is_some_and(|p| p.task().1 == turn && p.task().0 != Task::Idle)
    }
}

impl<P: Probe> Engine<P> {
    /// Plans every view's rebuilds.
    pub(super) fn plan_rebuilds(&mut self) {
        let model = std::sync::Arc::clone(&self.model);
        for (view, component) in (0..).zip(&model.components) {
            let rebuilds = component.view.iter().flat_map(|view| &view.rebuilds);
            for (rebuild, (time, _)) in (0..).zip(rebuilds) {
                self.calendar.plan(*time, Due::Rebuild { view, rebuild });
            }
        }
    }

    /// The log that a view follows, with the view and its settings.
    fn view<'a, 'm>(
        &'a mut self,
        model: &'m Model,
        view: u16,
    ) -> Option<(&'a ChangeLog, &'a mut View, &'m ViewModel)> {
        let settings = model.components[usize::from(view)].view.as_deref()?;
        let log = &self.sourcing.logs[usize::from(settings.log)];
        let state = self.sourcing.views[usize::from(view)].as_deref_mut()?;
        Some((log, state, settings))
    }

    fn tell_view(&mut self, event: ViewEvent) {
        let event = Event::View(event);
        self.probe
            .event(&self.model, self.now, RequestRef::NONE, &event);
    }

    /// There is something new in a log.
    pub(super) fn followers(&mut self, model: &Model, log: u16) {
        for &view in &model.logs[usize::from(log)].views {
            self.pursue_all(model, view);
        }
    }

    fn pursue_all(&mut self, model: &Model, view: u16) {
        let Some((_, state, _)) = self.view(model, view) else {
            return;
        };
        let (build, beside) = (state.build, state.beside.is_some().then_some(state.builds));
        self.pursue(model, view, build);
        if let Some(beside) = beside {
            self.pursue(model, view, beside);
        }
    }

    /// A projector that has nothing to do begins what there is to do, if it can.
    fn pursue(&mut self, model: &Model, view: u16, build: u32) {
        let now = self.now;
        let component = &model.components[usize::from(view)];
        let up = |component: &crate::model::ComponentModel| {
            let station = component.stations.first();
            station.is_some_and(|station| self.stations[*station as usize].up)
        };
        let Some(settings) = &component.view else {
            return;
        };
        let source = model.logs[usize::from(settings.log)].source;
        let can = up(component) && up(&model.components[usize::from(source)]);
        let speed = component.stations.first();
        let speed = speed.map_or(1, |station| self.stations[*station as usize].speed);
        let Some((log, state, settings)) = self.view(model, view) else {
            return;
        };
        let can = can && !state.held_up;
        let Some(projection) = state.projection(build) else {
            return;
        };
        if !can || projection.task().0 != Task::Idle {
            return;
        }
        let Some(due) = projection.due(log, &settings.pace) else {
            return;
        };
        let time = if due > now {
            projection.wait();
            due
        } else {
            let positions = projection.begin(log, &settings.pace, now);
            let first = positions.start;
            let mut takes = Duration::ZERO;
            for position in positions {
                takes += settings
                    .apply
                    .draw(&mut settings.key.with(position).draws());
            }
            if let Some(commit) = &settings.commit {
                takes += commit.draw(&mut settings.key.named("commit").with(first).draws());
            }
            now + at_speed(takes, speed)
        };
        let turn = projection.task().1;
        self.calendar.plan(time, Due::Follow { view, build, turn });
    }

    /// What a projector has waited for or worked on is done.
    pub(super) fn followed(&mut self, view: u16, build: u32, turn: u32) {
        let model = std::sync::Arc::clone(&self.model);
        let now = self.now;
        let Some((log, state, settings)) = self.view(&model, view) else {
            return;
        };
        if !state.is_planned(build, turn) {
            return;
        }
        let Some(projection) = state.projection(build) else {
            return;
        };
        if projection.task().0 == Task::Waiting {
            projection.stop();
        } else {
            let done = projection.done(log, &settings.pace, now);
            let caught_up = projection
                .due(log, &settings.pace)
                .is_none_or(|due| due > now);
            let station = model.components[usize::from(view)].stations[0];
            self.tell_view(ViewEvent::Applied {
                station,
                changes: done.changes,
                again: done.again,
                fresh: done.fresh,
                lags: done.lags,
                longest: done.longest,
            });
            if caught_up {
                self.caught_up(&model, view, build);
            }
        }
        self.pursue(&model, view, build);
    }

    /// A projector has all that there is. If it builds the view anew, that is done.
    fn caught_up(&mut self, model: &Model, view: u16, build: u32) {
        let now = self.now;
        let Some((_, state, _)) = self.view(model, view) else {
            return;
        };
        // While a table is built beside, the one that answers may well have all.
        let Some((_, since)) = state.rebuilding.filter(|_| build == state.builds) else {
            return;
        };
        state.rebuilding = None;
        if let Some(mut beside) = state.beside.take() {
            beside.take_over(&state.live);
            state.live = beside;
            state.build = build;
        }
        self.tell_view(ViewEvent::Rebuilt {
            station: model.components[usize::from(view)].stations[0],
            took: now.since(since),
        });
    }

    /// A view is built anew.
    pub(super) fn rebuild(&mut self, view: u16, rebuild: u16) {
        let model = std::sync::Arc::clone(&self.model);
        let now = self.now;
        let Some((log, state, settings)) = self.view(&model, view) else {
            return;
        };
        let Some(&(_, how)) = settings.rebuilds.get(usize::from(rebuild)) else {
            return;
        };
        state.builds += 1;
        state.rebuilding = Some((how, now));
        state.beside = None;
        if how == Rebuilding::Beside {
            state.beside = Some(Projection::empty(log));
        } else {
            state.live.clear();
            state.build = state.builds;
        }
        let (changes, build) = (log.head(), state.builds);
        let station = model.components[usize::from(view)].stations[0];
        self.tell_view(ViewEvent::Rebuilding { station, changes });
        if changes == 0 {
            self.caught_up(&model, view, build);
        }
        self.pursue_all(&model, view);
    }

    /// A query reads its row.
    pub(super) fn look_at(&mut self, model: &Model, id: FrameId) -> bool {
        let frame = &self.frames[id];
        let (request, station, key) = (frame.request, frame.station, frame.data);
        let view = model.stations[station as usize].component;
        let now = self.now;
        let Some((log, own, settings)) = self.view(model, view) else {
            return true;
        };
        if matches!(own.rebuilding, Some((Rebuilding::Offline, _))) {
            let reason = Loss::Rebuilding;
            self.finish(id, Err(Failure { reason, station }));
            return false;
        }
        let row = log.row_of(key);
        let seen = own.live.row(row);
        let (behind, lag) = own.live.behind(log, now);
        let stale = log
            .outdated(row, seen.version)
            .map(|since| now.since(since));
        let source = &model.logs[usize::from(settings.log)];
        // A table's rows are there before they are written.
        let is_table = { &model.components[usize::from(source.source)] }
            .database
            .is_some();
        let value = Value {
            version: seen.version,
            source: source.source,
            row: source.base + u64::from(row),
            absent: seen.version == 0 && (!is_table || stale.is_some()),
            ..Value::default()
        };
        let told = Event::View(ViewEvent::Read {
            station,
            behind,
            lag,
            stale,
        });
        let frame = &mut self.frames[id];
        frame.outcome = Ok(value);
        frame.step += 1;
        self.tell(request, id.slot(), &told);
        true
    }

    /// What faults have done to a station: if it is a view's, or the source of one, projectors are concerned.
    pub(super) fn struck_views(
        &mut self,
        station: u32,
        crashed: bool,
        recovered: bool,
        held_up: bool,
    ) {
        let model = std::sync::Arc::clone(&self.model);
        let component = model.stations[station as usize].component;
        let mut again = None;
        if let Some((_, state, _)) = self.view(&model, component) {
            state.held_up = held_up;
            if crashed {
                state.live.stop();
                state.beside.iter_mut().for_each(Projection::stop);
            }
            if recovered {
                again = Some(state.live.restart());
                if let Some(beside) = &mut state.beside {
                    beside.restart();
                }
            }
        }
        if let Some(again) = again {
            self.tell_view(ViewEvent::Resumed { station, again });
        }
        self.pursue_all(&model, component);
        for log in 0..model.logs.len() {
            if model.logs[log].source == component {
                self.followers(&model, log as u16);
            }
        }
    }
}
