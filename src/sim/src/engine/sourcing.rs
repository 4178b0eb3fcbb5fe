//! Event stores and views of a run: what they hold, and what one tells the other.

use core::hash::{Hash, Hasher};

use slotmap::SecondaryMap;

use super::Engine;
use super::event_stores::Command;
use super::views::View;
use crate::frame::FrameId;
use crate::index::mixed;
use crate::model::{LogModel, Model, SourcingStep};
use crate::probe::Probe;
use crate::sourcing::{Change, ChangeLog, EventStore, Seen};
use crate::time::{Duration, Time};

/// What event stores and views hold, and what commands are at.
#[derive(Clone, Debug, Default)]
pub(super) struct Sourcing {
    /// By number of the log.
    pub logs: Vec<ChangeLog>,
    /// By component.
    pub stores: Vec<Option<Box<EventStore>>>,
    pub views: Vec<Option<Box<View>>>,
    /// Of frames that append to a stream.
    pub commands: SecondaryMap<FrameId, Command>,
    /// Of frames that know a version which belongs to the keys of caches.
    pub versions: SecondaryMap<FrameId, u64>,
}

impl Sourcing {
    /// All of a model at its start.
    pub fn new(model: &Model) -> Self {
        let count = model.logs.len().max(1);
        let log = |log: &LogModel| {
            ChangeLog::new(log.rows, log.each, log.value)
                .keeping(crate::limits::CHANGES_KEPT / count)
        };
        let logs: Vec<ChangeLog> = model.logs.iter().map(log).collect();
        let stores = model.components.iter().map(|component| {
            let store = component.event_store.as_ref()?;
            let log = &logs[usize::from(store.log)];
            Some(Box::new(EventStore::new(
                log,
                store.every,
                store.schemas.clone(),
            )))
        });
        let stores = stores.collect();
        let views = model.components.iter().map(|component| {
            let view = component.view.as_ref()?;
            Some(Box::new(View::new(&logs[usize::from(view.log)])))
        });
        Self {
            views: views.collect(),
            stores,
            logs,
            ..Self::default()
        }
    }

    /// The key under which a cache is asked for what a frame is about, if the frame knows a version that belongs to it.
    pub fn versioned(&self, id: FrameId, data: u64) -> u64 {
        self.versions
            .get(id)
            .map_or(data, |version| mixed(data) ^ mixed(!version))
    }
}

impl Hash for Sourcing {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        for log in &self.logs {
            log.hash(hasher);
        }
        for store in self.stores.iter().flatten() {
            store.hash(hasher);
        }
        for view in self.views.iter().flatten() {
            view.hash(hasher);
        }
        for command in &self.commands {
            command.hash(hasher);
        }
        for version in &self.versions {
            version.hash(hasher);
        }
    }
}

impl<P: Probe> Engine<P> {
    /// A frame takes a step at an event store or a view. Tells whether it can take the next at once.
    #[inline(never)]
    pub(super) fn sourcing_step(&mut self, id: FrameId, step: SourcingStep) -> bool {
        let model = std::sync::Arc::clone(&self.model);
        match step {
            SourcingStep::Load { act } => self.load(&model, id, act),
            SourcingStep::Think { act } => self.decide(&model, id, act),
            SourcingStep::Write { act } => self.write_event(&model, id, act),
            SourcingStep::Append { act } => self.append_events(&model, id, act),
            SourcingStep::Snapshot => self.take_snapshot(id),
            SourcingStep::Look => self.look_at(&model, id),
        }
    }

    /// A row of a database has a new version: it goes into the log of its table, if a view follows that.
    #[inline(never)]
    pub(super) fn feed(&mut self, database: u16, written: &crate::db::Written) {
        let model = std::sync::Arc::clone(&self.model);
        for &number in &model.components[usize::from(database)].feeds {
            let log = &model.logs[usize::from(number)];
            if let Some(row) = written.key.checked_sub(log.base)
                && row < u64::from(log.rows)
            {
                self.sourcing.logs[usize::from(number)].append(Change {
                    row: row as u32,
                    seen: Seen {
                        version: written.after.version,
                        value: written.after.value,
                    },
                    time: self.now,
                });
                self.followers(&model, number);
            }
        }
    }

    /// Since when there is a later version of what an event store has at `row`.
    pub(super) fn outdated(&self, source: u16, row: u64, version: u64) -> Option<Duration> {
        let component = self.model.components.get(usize::from(source))?;
        let store = component.event_store.as_ref()?;
        let log = &self.sourcing.logs[usize::from(store.log)];
        let since = log.outdated(row as u32, version)?;
        Some(self.now.since(since))
    }

    /// The version of the stream of `key` at an event store, and the number that it comes to.
    pub fn stream(&self, component: usize, key: u64) -> Option<(u64, i64)> {
        let store = self.model.components[component].event_store.as_ref()?;
        let log = &self.sourcing.logs[usize::from(store.log)];
        let seen = log.latest(log.row_of(key));
        Some((seen.version, seen.value))
    }

    /// The same as it was at a moment; nothing if the store does not remember it.
    pub fn stream_as_of(&self, component: usize, key: u64, moment: Time) -> Option<(u64, i64)> {
        let store = self.model.components[component].event_store.as_ref()?;
        let log = &self.sourcing.logs[usize::from(store.log)];
        let seen = log.as_of(log.row_of(key), moment)?;
        Some((seen.version, seen.value))
    }

    /// The version of the row of `key` as a view has it, and the number that it holds there.
    pub fn view_row(&self, component: usize, key: u64) -> Option<(u64, i64)> {
        let settings = self.model.components[component].view.as_ref()?;
        let log = &self.sourcing.logs[usize::from(settings.log)];
        let view = self.sourcing.views[component].as_ref()?;
        let seen = view.live.row(log.row_of(key));
        Some((seen.version, seen.value))
    }

    /// How far a view is behind its source: in changes, and in the age of the first one that it does not have.
    pub fn view_lag(&self, component: usize) -> Option<(u64, Duration)> {
        let settings = self.model.components[component].view.as_ref()?;
        let log = &self.sourcing.logs[usize::from(settings.log)];
        let view = self.sourcing.views[component].as_ref()?;
        Some(view.live.behind(log, self.now))
    }
}
