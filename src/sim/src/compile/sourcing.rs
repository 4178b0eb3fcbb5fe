//! Event stores and views: their logs, and plans from operations and queries.

use super::{Compiler, index};
use crate::component::{Component, EventStore, Expected, ReadModel, StreamOperation};
use crate::distribution::Sampler;
use crate::model::{
    EventStoreModel, LogModel, SourcingStep, Step, StreamAct, StreamModel, ViewModel,
};
use crate::random::Key;
use crate::scenario::Scenario;
use crate::sourcing::Pace;
use crate::time::{Duration, Time};

/// The logs of a scenario: one for each event store, and one for each table that a view follows.
pub(super) fn logs(scenario: &Scenario) -> Vec<LogModel> {
    let mut logs = Vec::new();
    for (name, component) in &scenario.components {
        if let Component::EventStore(store) = component {
            logs.push(LogModel {
                source: index(scenario, name),
                base: 0,
                rows: store.streams,
                each: store.events,
                value: store.value,
                views: Vec::new(),
            });
        }
    }
    for (name, component) in &scenario.components {
        let Component::View(view) = component else {
            continue;
        };
        let at = log_of(&logs, scenario, view).unwrap_or_else(|| {
            let (base, value) = table(scenario, view);
            logs.push(LogModel {
                source: index(scenario, &view.source),
                base,
                rows: view.rows(scenario).unwrap_or(1) as u32,
                each: 0,
                value,
                views: Vec::new(),
            });
            logs.len() - 1
        });
        logs[at].views.push(index(scenario, name));
    }
    logs
}

/// The number of the first row of the table that a view follows, and what its rows hold at the start.
fn table(scenario: &Scenario, view: &ReadModel) -> (u64, i64) {
    let tables = match &scenario.components[&view.source] {
        Component::Database(database) => &database.tables,
        _ => return (0, 0),
    };
    let name = view.table.as_ref();
    let number = name.and_then(|name| tables.get_index_of(name)).unwrap_or(0);
    let value = name.and_then(|name| tables.get(name));
    // As `db::Prepared` numbers rows.
    ((number as u64) << 40, value.map_or(0, |table| table.value))
}

/// The log that a view follows, if it is among `logs`.
fn log_of(logs: &[LogModel], scenario: &Scenario, view: &ReadModel) -> Option<usize> {
    let source = index(scenario, &view.source);
    let (base, _) = table(scenario, view);
    logs.iter()
        .position(|log| log.source == source && log.base == base)
}

fn micros(us: f64) -> Duration {
    Duration::from_millis(us / 1000.0)
}

impl Compiler<'_> {
    /// The plans of an event store, and what it is for the engine.
    pub(super) fn event_store(
        &mut self,
        store: &EventStore,
    ) -> (Vec<Option<u32>>, Box<EventStoreModel>) {
        // The seed is not in this key: it reaches a draw through the request's own key.
        let key = Key::root(0).named(self.name);
        let mut plans = Vec::new();
        for operation in self.model.operations.clone() {
            let Some((written, operation)) = store.answer(&operation) else {
                plans.push(None);
                continue;
            };
            let act = self.model.streams.len() as u32;
            let (compiled, steps) = match operation {
                StreamOperation::Load => (StreamAct::Load, vec![SourcingStep::Load { act }]),
                StreamOperation::AsOf { ago } => {
                    let ago = Sampler::new(ago);
                    (StreamAct::AsOf { ago }, vec![SourcingStep::Load { act }])
                }
                StreamOperation::Append {
                    by,
                    least,
                    expected,
                    think,
                    retries,
                } => {
                    let compiled = StreamAct::Append {
                        by: *by,
                        least: *least,
                        loads: *expected == Expected::Loaded,
                        think: Sampler::new(think),
                        retries: *retries,
                    };
                    let steps = vec![
                        SourcingStep::Load { act },
                        SourcingStep::Think { act },
                        SourcingStep::Write { act },
                        SourcingStep::Append { act },
                        SourcingStep::Snapshot,
                    ];
                    (compiled, steps)
                }
            };
            self.model.streams.push(StreamModel {
                act: compiled,
                key: key.named(written).bits(),
            });
            plans.push(Some(self.model.code.len() as u32));
            for step in steps {
                self.step(Step::Sourcing(step));
            }
            self.step(Step::End);
        }
        let costs = store.costs.as_deref().cloned().unwrap_or_default();
        let own = index(self.scenario, self.name);
        let log = self.model.logs.iter().position(|log| log.source == own);
        let model = EventStoreModel {
            log: log.expect("each event store has a log") as u16,
            every: store.snapshots.map(|snapshots| snapshots.every_events),
            schemas: { store.schemas.iter() }
                .map(|schema| Time::from_secs(schema.at_s))
                .collect(),
            upcasts: { store.schemas.iter() }
                .map(|schema| micros(schema.upcast_us))
                .collect(),
            request: Sampler::new(&costs.request),
            event: micros(costs.read_us) + micros(costs.apply_us),
            snapshot_read: micros(costs.snapshot_read_us),
            snapshot_write: Sampler::new(&costs.snapshot_write),
            append: Sampler::new(&costs.append),
        };
        (plans, Box::new(model))
    }

    /// The plans of a view, and what it is for the engine.
    pub(super) fn view(&mut self, view: &ReadModel) -> (Vec<Option<u32>>, Box<ViewModel>) {
        let key = Key::root(0).named(self.name);
        let mut plans = Vec::new();
        for operation in self.model.operations.clone() {
            let Some((written, time)) = view.answer(&operation) else {
                plans.push(None);
                continue;
            };
            plans.push(Some(self.model.code.len() as u32));
            self.step(Step::Sourcing(SourcingStep::Look));
            self.step(Step::Work {
                time: Sampler::new(time),
                key: key.named(written).bits(),
            });
            self.step(Step::End);
        }
        let log = log_of(&self.model.logs, self.scenario, view);
        let model = ViewModel {
            log: log.expect("each view follows a log") as u16,
            apply: Sampler::new(&view.apply),
            commit: view.commit.as_ref().map(Sampler::new),
            pace: Pace {
                batch: view.batch,
                delay: Duration::from_millis(view.delay_ms),
                checkpoint_every: view.checkpoint_every,
            },
            rebuilds: { view.rebuilds.iter() }
                .map(|rebuild| (Time::from_secs(rebuild.at_s), rebuild.how))
                .collect(),
            key: Key::root(self.model.seed)
                .named(self.name)
                .named("projector"),
        };
        (plans, Box::new(model))
    }
}
