//! What a report says of event stores and views.

use schemars::JsonSchema;
use serde::Serialize;

use scale_sim::{Figures, Kind, Model, StoreFigures, ViewFigures};

use crate::report::{Figure, Runs};

/// Figures of one event store.
#[derive(Serialize, JsonSchema, Debug)]
pub struct EventStoreReport {
    /// Its station.
    pub station: String,
    /// Streams that were read, a second.
    pub loads_per_s: Option<Figure>,
    /// Events that were replayed, of each stream that was read.
    pub events_per_load: Option<Figure>,
    /// How often one of them was upcast.
    pub upcasts: Figure,
    /// Events that were appended, a second.
    pub appended_per_s: Option<Figure>,
    /// Appends that found another version than the one expected.
    pub conflicts: Figure,
    /// Snapshots that were taken.
    pub snapshots: Figure,
}

/// Figures of one view.
#[derive(Serialize, JsonSchema, Debug)]
pub struct ViewReport {
    /// Its station.
    pub station: String,
    /// Rows that were read, a second.
    pub reads_per_s: Option<Figure>,
    /// Reads of rows that were out of date.
    pub stale_reads: Figure,
    /// Since when, on average, in milliseconds.
    pub stale_ms: Option<Figure>,
    /// Since when at most, in milliseconds.
    pub stale_max_ms: Option<Figure>,
    /// Changes that it applied, a second.
    pub applied_per_s: Option<Figure>,
    /// How long a change took to be seen, on average, in milliseconds.
    pub lag_ms: Option<Figure>,
    /// How long at most, in milliseconds.
    pub lag_max_ms: Option<Figure>,
    /// How many changes it was behind at most when it was read.
    pub behind_max: Figure,
}

/// The stations of components of a kind, with their names.
fn stations(model: &Model, kind: Kind) -> impl Iterator<Item = (usize, &str)> {
    let is = move |component: usize| model.components().nth(component).map(|(_, kind)| kind);
    let all = model.stations().enumerate();
    all.filter(move |(_, info)| is(info.component) == Some(kind))
        .map(|(at, info)| (at, info.name))
}

impl Runs<'_> {
    pub(crate) fn event_stores(&self, model: &Model) -> Vec<EventStoreReport> {
        let report = |(at, name): (usize, &str)| {
            let of = |figures: &Figures| figures.stations[at].store;
            let count =
                |count: fn(&StoreFigures) -> u64| self.count(|run| count(&of(&run.figures)));
            EventStoreReport {
                station: name.to_owned(),
                loads_per_s: self.per_s(|figures| of(figures).loads),
                events_per_load: self.value(|figures| {
                    let store = of(figures);
                    (store.loads > 0).then(|| store.replayed as f64 / store.loads as f64)
                }),
                upcasts: count(|store| store.upcasts),
                appended_per_s: self.per_s(|figures| of(figures).appended),
                conflicts: count(|store| store.conflicts),
                snapshots: count(|store| store.snapshots),
            }
        };
        stations(model, Kind::EventStore).map(report).collect()
    }

    pub(crate) fn views(&self, model: &Model) -> Vec<ViewReport> {
        let report = |(at, name): (usize, &str)| {
            let of = |figures: &Figures| figures.stations[at].view;
            let value = |value: fn(&ViewFigures) -> f64, among: fn(&ViewFigures) -> u64| {
                self.value(|figures| (among(&of(figures)) > 0).then(|| value(&of(figures))))
            };
            ViewReport {
                station: name.to_owned(),
                reads_per_s: self.per_s(|figures| of(figures).reads),
                stale_reads: self.count(|run| of(&run.figures).stale_reads),
                stale_ms: value(|view| view.stale_ms, |view| view.stale_reads),
                stale_max_ms: value(|view| view.stale_max_ms, |view| view.stale_reads),
                applied_per_s: self.per_s(|figures| of(figures).applied),
                lag_ms: value(|view| view.lag_ms, |view| view.shown),
                lag_max_ms: value(|view| view.lag_max_ms, |view| view.shown),
                behind_max: self.count(|run| of(&run.figures).behind_max),
            }
        };
        stations(model, Kind::View).map(report).collect()
    }
}
