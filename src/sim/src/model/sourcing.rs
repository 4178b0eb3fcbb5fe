//! What is compiled of event stores and views: logs, and what they do with them.

use crate::component::Rebuilding;
use crate::distribution::Sampler;
use crate::random::Key;
use crate::sourcing::Pace;
use crate::time::{Duration, Time};

/// A log of changes.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct LogModel {
    /// The component whose changes they are.
    pub source: u16,
    /// Of a database: the number of the table's first row.
    pub base: u64,
    pub rows: u32,
    /// Changes of each row before the run, and what they come to.
    pub each: u64,
    pub value: i64,
    /// The views that follow it.
    pub views: Vec<u16>,
}

/// A compiled [`EventStore`](crate::component::EventStore).
#[derive(Clone, Debug)]
pub(crate) struct EventStoreModel {
    pub log: u16,
    /// A snapshot each so many events.
    pub every: Option<u64>,
    /// When each schema but the first comes.
    pub schemas: Vec<Time>,
    /// What it takes to upcast an event into it.
    pub upcasts: Vec<Duration>,
    pub request: Sampler,
    /// Reading and applying an event.
    pub event: Duration,
    pub snapshot_read: Duration,
    pub snapshot_write: Sampler,
    pub append: Sampler,
}

/// What an event store does for one operation.
#[derive(Clone, Debug)]
pub(crate) struct StreamModel {
    pub act: StreamAct,
    /// Mixed into its draws.
    pub key: u64,
}

/// Compiled [`StreamOperation`](crate::component::StreamOperation).
#[derive(Clone, Debug)]
pub(crate) enum StreamAct {
    Load,
    AsOf {
        ago: Sampler,
    },
    Append {
        by: i64,
        least: Option<i64>,
        /// Whether the stream is loaded before, and must still have that version.
        loads: bool,
        think: Sampler,
        retries: u32,
    },
}

/// A compiled [`ReadModel`](crate::component::ReadModel).
#[derive(Clone, Debug)]
pub(crate) struct ViewModel {
    pub log: u16,
    pub apply: Sampler,
    pub commit: Option<Sampler>,
    pub pace: Pace,
    pub rebuilds: Vec<(Time, Rebuilding)>,
    /// The root of its projector's draws.
    pub key: Key,
}

/// One step of the plan of an event store or of a view; see `engine::event_stores` and `engine::views`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SourcingStep {
    /// Reads a stream: as long as its events take.
    Load { act: u32 },
    /// The application decides what to append.
    Think { act: u32 },
    /// Makes an event durable.
    Write { act: u32 },
    /// Appends it, if the stream is as expected.
    Append { act: u32 },
    /// Keeps a snapshot.
    Snapshot,
    /// Reads a row of a view.
    Look,
}

impl EventStoreModel {
    /// Whether streams of one are as good in the other.
    pub fn same_shape(&self, other: &Self) -> bool {
        self.log == other.log && self.every == other.every && self.schemas == other.schemas
    }
}

impl ViewModel {
    /// Whether what has been applied in one is as good in the other.
    pub fn same_shape(&self, other: &Self) -> bool {
        self.log == other.log && self.rebuilds == other.rebuilds
    }
}
