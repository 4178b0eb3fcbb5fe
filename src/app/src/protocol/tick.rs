//! What happened, as it crosses to the page: events with what the picture needs to know of their past.

use serde::{Deserialize, Serialize};

/// The number of no request: of what the system does by itself.
pub const NO_REQUEST: u64 = u64::MAX;

/// Something that happened.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Tick {
    /// When, in simulated seconds.
    pub at_s: f64,
    /// The request's number, or [`NO_REQUEST`].
    pub request: u64,
    /// What.
    pub what: What,
}

/// Where something on its way comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Origin {
    /// It is not known, or has no place.
    #[default]
    Nowhere,
    /// A client, or what asks by itself, by its component's number.
    Component(u16),
    /// A station.
    Station(u32),
}

/// What is on its way: drawn in a colour and a shape of its own.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub enum DotKind {
    /// A request.
    #[default]
    Request,
    /// A request that is made again.
    Retry,
    /// A request for what a cache did not have.
    Miss,
    /// A message, on its way to its broker or to a consumer.
    Message,
    /// A call that takes back what a saga has done.
    Compensation,
    /// A balancer's question whether a station is well.
    Probe,
    /// An answer.
    Answer,
    /// An answer out of a cache.
    Hit,
    /// An answer that is out of date.
    Stale,
    /// A cache's answer that it does not have it.
    Absent,
    /// A refusal or a failure.
    Refusal,
    /// A request that is refused, and falls away.
    Lost,
}

impl DotKind {
    /// All kinds, each with what it is called in the picture's key.
    pub const ALL: [(Self, &str); 12] = [
        (Self::Request, "request"),
        (Self::Retry, "tried again"),
        (Self::Miss, "after a cache miss"),
        (Self::Message, "message"),
        (Self::Compensation, "compensation"),
        (Self::Probe, "health check"),
        (Self::Answer, "answer"),
        (Self::Hit, "cache hit"),
        (Self::Stale, "stale answer"),
        (Self::Absent, "cache miss"),
        (Self::Refusal, "refusal"),
        (Self::Lost, "lost"),
    ];

    /// Whether it is on its way back.
    pub const fn is_back(self) -> bool {
        matches!(
            self,
            Self::Answer | Self::Hit | Self::Stale | Self::Absent | Self::Refusal
        )
    }
}

/// The way of something to a station, and back from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Way {
    /// Who asks.
    pub from: Origin,
    /// The balancer on the way.
    pub through: Option<u16>,
    /// What it is.
    pub kind: DotKind,
}

/// What happened: [`Event`](scale_sim::Event) as it crosses to the page.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of scale_sim::Event")]
pub enum What {
    Sent {
        client: u16,
        operation: u16,
        key: u64,
    },
    Queued {
        station: u32,
        waiting: u32,
        way: Way,
    },
    /// It gave up waiting in line.
    Unqueued {
        station: u32,
        waiting: u32,
    },
    Started {
        station: u32,
        busy: u32,
        waiting: u32,
        /// If it did not wait in line.
        way: Option<Way>,
    },
    Called {
        station: u32,
        to: u16,
        kind: DotKind,
    },
    Returned {
        station: u32,
    },
    Left {
        station: u32,
        busy: u32,
        way: Way,
    },
    Refused {
        station: u32,
        way: Way,
        full: bool,
    },
    Capacity {
        station: u32,
        servers: u32,
    },
    Completed {
        client: u16,
        latency_ms: f64,
    },
    Lost {
        client: u16,
        station: u32,
        full: bool,
    },
    Fault {
        fault: u32,
        active: bool,
    },
    Cache {
        station: u32,
        key: u64,
        turn: CacheTurn,
    },
    /// A router has found the shard of a key.
    Placed {
        station: u32,
        to: u16,
        /// Where the key lies on the router's map.
        place: u16,
        key: u64,
    },
    /// Something happened at a router while keys move.
    Moving {
        station: u32,
        turn: MoveTurn,
        count: u32,
    },
    Message {
        station: u32,
        turn: MessageTurn,
        number: u32,
        partition: u16,
        group: u16,
        backlog: u32,
    },
    /// A transaction has left a message in its database's outbox, or the relay has published one of it.
    Outbox {
        station: u32,
        key: u64,
        relayed: bool,
    },
    Saga {
        station: u32,
        saga: u32,
        step: u8,
        turn: SagaTurn,
    },
    /// A database has promised to commit a branch of a transaction, or heard what became of it.
    Branch {
        station: u32,
        transaction: u32,
        turn: BranchTurn,
    },
    /// A database's node has new rows.
    Committed {
        station: u32,
        rows: u32,
    },
    Store {
        station: u32,
        stream: u32,
        version: u64,
        turn: StoreTurn,
    },
    View {
        station: u32,
        count: u32,
        turn: ViewTurn,
    },
}

/// What happened at a cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as the events of scale_sim")]
pub enum CacheTurn {
    Hit,
    StaleHit,
    Miss,
    Filled,
    Evicted,
    Expired,
    Dropped,
    Dirty,
    Flushed,
}

/// What happened at a router whose keys move.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as the events of scale_sim")]
pub enum MoveTurn {
    Held,
    Released,
    Redirected,
    Misread,
    Moved,
    WritesLost,
    Partial,
}

/// What happened to a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as the events of scale_sim")]
pub enum MessageTurn {
    Published,
    Blocked,
    Unblocked,
    Delivered,
    Redelivered,
    Acknowledged,
    Processed,
    Returned,
    DeadLettered,
    Dropped,
    Lost,
    Rebalancing,
    Rebalanced,
}

/// What happened to a saga.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as the events of scale_sim")]
pub enum SagaTurn {
    Started,
    StepDone,
    StepFailed,
    Compensating,
    Undone,
    Finished,
    Compensated,
    Stuck,
    Orphaned,
    Recovered,
}

/// What happened to a branch of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as the events of scale_sim")]
pub enum BranchTurn {
    Prepared,
    Committed,
    Aborted,
}

/// What happened at an event store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as the events of scale_sim")]
pub enum StoreTurn {
    Appended,
    Snapshot,
    Conflicted,
}

/// What happened at a view.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as the events of scale_sim")]
pub enum ViewTurn {
    /// It was read, so many changes behind.
    Read,
    StaleRead,
    Applied,
    Rebuilding,
    Rebuilt,
}

impl Tick {
    /// Whether it is shown where one request in `stride` is.
    pub const fn is_shown(&self, stride: u32) -> bool {
        self.request == NO_REQUEST || self.request.is_multiple_of(stride as u64)
    }
}

impl What {
    /// The station where it happened, if at one.
    pub const fn station(&self) -> Option<u32> {
        match *self {
            Self::Queued { station, .. }
            | Self::Unqueued { station, .. }
            | Self::Started { station, .. }
            | Self::Called { station, .. }
            | Self::Returned { station }
            | Self::Left { station, .. }
            | Self::Refused { station, .. }
            | Self::Capacity { station, .. }
            | Self::Cache { station, .. }
            | Self::Placed { station, .. }
            | Self::Moving { station, .. }
            | Self::Message { station, .. }
            | Self::Outbox { station, .. }
            | Self::Saga { station, .. }
            | Self::Branch { station, .. }
            | Self::Committed { station, .. }
            | Self::Store { station, .. }
            | Self::View { station, .. } => Some(station),
            Self::Sent { .. } | Self::Completed { .. } | Self::Lost { .. } | Self::Fault { .. } => {
                None
            }
        }
    }
}
