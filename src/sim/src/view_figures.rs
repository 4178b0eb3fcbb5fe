//! What was measured at an event store or at a view.

use serde::{Deserialize, Serialize};

use crate::event::{StoreEvent, ViewEvent};
use crate::time::Duration;

/// What an event store did; all zero for other stations.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct StoreFigures {
    /// Streams that were read.
    pub loads: u64,
    /// Events that were replayed for that.
    pub replayed: u64,
    /// How often one of them was upcast.
    pub upcasts: u64,
    /// Events that were appended.
    pub appended: u64,
    /// Appends that found another version than the one expected.
    pub conflicts: u64,
    /// Snapshots that were taken.
    pub snapshots: u64,
}

/// What a view did; all zero for other stations.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ViewFigures {
    /// Rows that were read.
    pub reads: u64,
    /// Of these, those that were out of date.
    pub stale_reads: u64,
    /// Since when, on average, in milliseconds.
    pub stale_ms: f64,
    /// Since when at most.
    pub stale_max_ms: f64,
    /// Changes that it went through, again and again if it was built anew.
    pub applied: u64,
    /// Changes that were seen for the first time.
    pub shown: u64,
    /// How long ago those had happened then, on average, in milliseconds.
    pub lag_ms: f64,
    /// How long ago at most.
    pub lag_max_ms: f64,
    /// How many changes it was behind at most when it was read.
    pub behind_max: u64,
}

/// Running totals of an event store, and of a view; figures over a stretch are the difference between two of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ViewCounters {
    loads: u64,
    replayed: u64,
    upcasts: u64,
    appended: u64,
    conflicts: u64,
    snapshots: u64,
    reads: u64,
    stale_reads: u64,
    stale_ns: u128,
    applied: u64,
    shown: u64,
    lag_ns: u128,
}

/// The most of a stretch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ViewMost {
    stale: Duration,
    lag: Duration,
    behind: u64,
}

impl ViewMost {
    /// Takes an event at the view into account.
    pub fn see(&mut self, event: &ViewEvent) {
        match *event {
            ViewEvent::Read { stale, behind, .. } => {
                self.stale = self.stale.max(stale.unwrap_or_default());
                self.behind = self.behind.max(behind);
            }
            ViewEvent::Applied { longest, .. } => self.lag = self.lag.max(longest),
            _ => {}
        }
    }
}

impl ViewCounters {
    /// Counts an event at an event store.
    pub fn count_store(&mut self, event: &StoreEvent) {
        match *event {
            StoreEvent::Loaded {
                events, upcasts, ..
            } => {
                self.loads += 1;
                self.replayed += events;
                self.upcasts += upcasts;
            }
            StoreEvent::Appended { .. } => self.appended += 1,
            StoreEvent::Conflicted { .. } => self.conflicts += 1,
            StoreEvent::Snapshot { .. } => self.snapshots += 1,
        }
    }

    /// Counts an event at a view.
    pub fn count_view(&mut self, event: &ViewEvent) {
        match *event {
            ViewEvent::Read { stale, .. } => {
                self.reads += 1;
                if let Some(stale) = stale {
                    self.stale_reads += 1;
                    self.stale_ns += u128::from(stale.nanos());
                }
            }
            ViewEvent::Applied {
                changes,
                fresh,
                lags,
                ..
            } => {
                self.applied += u64::from(changes);
                self.shown += u64::from(fresh);
                self.lag_ns += u128::from(lags.nanos());
            }
            _ => {}
        }
    }

    /// The store's figures between `then` and this.
    pub fn store_since(&self, then: &Self) -> StoreFigures {
        StoreFigures {
            loads: self.loads - then.loads,
            replayed: self.replayed - then.replayed,
            upcasts: self.upcasts - then.upcasts,
            appended: self.appended - then.appended,
            conflicts: self.conflicts - then.conflicts,
            snapshots: self.snapshots - then.snapshots,
        }
    }

    /// The view's figures between `then` and this.
    pub fn view_since(&self, then: &Self, most: ViewMost) -> ViewFigures {
        let mean_ms =
            |now: u128, then: u128, count: u64| (now - then) as f64 / 1e6 / count.max(1) as f64;
        let stale_reads = self.stale_reads - then.stale_reads;
        let shown = self.shown - then.shown;
        ViewFigures {
            reads: self.reads - then.reads,
            stale_reads,
            stale_ms: mean_ms(self.stale_ns, then.stale_ns, stale_reads),
            stale_max_ms: most.stale.millis(),
            applied: self.applied - then.applied,
            shown,
            lag_ms: mean_ms(self.lag_ns, then.lag_ns, shown),
            lag_max_ms: most.lag.millis(),
            behind_max: most.behind,
        }
    }
}
