//! What happens in a run, as probes see it.

mod log;
mod loss;
mod message;
mod row;
mod shard;
mod store;
mod view;
mod workflow;

use crate::resilience::Phase;
use crate::time::Duration;

pub use log::{LOG_HEAD, write_line};
pub use loss::Loss;
pub use message::{MessageEvent, MessageRef};
pub use row::RowEvent;
pub use shard::ShardEvent;
pub use store::StoreEvent;
pub use view::ViewEvent;
pub use workflow::WorkflowEvent;

/// What an event is about, as probes know it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RequestRef {
    /// The request's number: requests are counted from 0 in the order in which they came, over all clients. `u64::MAX` if
    /// the event is about none: a crash, say.
    pub id: u64,
    /// The request's place in the table of requests under way: small, and used again by later requests.
    pub slot: u32,
    /// The place of the frame that it happened to in the table of frames; `u32::MAX` if it happened to none.
    pub frame: u32,
}

impl RequestRef {
    /// No request at all.
    pub const NONE: Self = Self {
        id: u64::MAX,
        slot: u32::MAX,
        frame: u32::MAX,
    };
}

/// What a call has made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Child {
    /// A frame, by its place in the table of frames.
    Frame(u32),
    /// A call of several attempts or branches, by its place in the table of calls.
    Call(u32),
}

/// One thing that happened. Stations and components are numbered as in the [`Model`]; `u32::MAX` is no station.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// A client sent a request.
    Sent {
        /// The client's component.
        client: u16,
        /// What it asks for.
        operation: u16,
        /// Which of the client's users sent it.
        user: u32,
        /// The row, user or product that it is about.
        key: u64,
        /// What the client's call has made.
        child: Child,
    },
    /// It sets out over a wire to a component.
    Departed {
        /// The component.
        to: u16,
    },
    /// A balancer chose a station.
    Routed {
        /// The balancer's component.
        balancer: u16,
        /// The station.
        station: u32,
    },
    /// It waits for a server.
    Queued {
        /// The station.
        station: u32,
        /// Requests that wait there now, this one among them.
        waiting: u32,
    },
    /// It has left the waiting line without being served.
    Unqueued {
        /// The station.
        station: u32,
        /// Requests that still wait there.
        waiting: u32,
    },
    /// It holds a server.
    Started {
        /// The station.
        station: u32,
        /// Servers that are busy there now, this one among them.
        busy: u32,
        /// Requests that still wait there.
        waiting: u32,
    },
    /// The station asks another component and waits, holding its server.
    Called {
        /// The station that asks.
        station: u32,
        /// The component that is asked; the first of several.
        to: u16,
        /// What the call has made.
        child: Child,
    },
    /// The station asks another component and goes on at once.
    Spawned {
        /// The station that asks.
        station: u32,
        /// The component that is asked.
        to: u16,
        /// What the call has made.
        child: Child,
    },
    /// A call starts one of its attempts or branches.
    Tried {
        /// The call.
        call: u32,
        /// The attempt, from 0.
        attempt: u32,
        /// The component that is asked.
        to: u16,
        /// What the attempt has made.
        child: Child,
    },
    /// An attempt has failed; the call goes on.
    Missed {
        /// The call.
        call: u32,
        /// The attempt.
        attempt: u32,
        /// Why.
        reason: Loss,
    },
    /// A call waits before its next attempt.
    BackedOff {
        /// The call.
        call: u32,
        /// For how long.
        wait: Duration,
    },
    /// The caller's circuit breaker for a component has changed its phase.
    Breaker {
        /// The component that is guarded against.
        to: u16,
        /// The phase from now on.
        phase: Phase,
    },
    /// A call is over; what else it has under way is not waited for any more.
    Settled {
        /// The call.
        call: u32,
        /// The attempt or branch that decided.
        attempt: u32,
    },
    /// The call has come back, with an answer or a failure.
    Returned {
        /// The station that asked.
        station: u32,
    },
    /// The call failed, and the station goes on with a substitute.
    FellBack {
        /// The station that asked.
        station: u32,
        /// Why the call failed.
        reason: Loss,
    },
    /// It has let go of its server and is on its way back.
    Left {
        /// The station.
        station: u32,
        /// Servers that are still busy there.
        busy: u32,
        /// Whether it was done there, and did not fail.
        ok: bool,
    },
    /// Its answer sets out over a wire.
    Replied {
        /// The station that answers.
        station: u32,
    },
    /// A balancer asks a station whether it is well.
    Probed {
        /// The balancer's component.
        balancer: u16,
        /// The station.
        station: u32,
        /// What the probe has made.
        child: Child,
    },
    /// Health checks take a station out of a balancer's service, or bring it back.
    Health {
        /// The balancer's component.
        balancer: u16,
        /// The station.
        station: u32,
        /// Whether it is in service from now on.
        up: bool,
    },
    /// A fault comes or goes.
    Fault {
        /// Which of the scenario's faults.
        fault: u32,
        /// Whether it is at work from now on.
        active: bool,
    },
    /// A station has come to have other servers at work: some have failed, or come back, or were added.
    Capacity {
        /// The station.
        station: u32,
        /// Its servers that can be used now; 0 while it is down.
        servers: u32,
    },
    /// An autoscaler has decided on a number of instances.
    Scaled {
        /// The service.
        component: u16,
        /// Its instances from now on, with those that start up.
        instances: u32,
    },
    /// A user's session was lost, or is kept by another instance: it is made anew here.
    Rebuilt {
        /// The station.
        station: u32,
    },
    /// An instance has lost the sessions that it kept.
    Forgot {
        /// The station.
        station: u32,
        /// How many.
        sessions: u32,
    },
    /// It waits until a replica has what its user wrote.
    Following {
        /// The replica.
        station: u32,
    },
    /// The replica has it, or it need not wait for it any more.
    Followed,
    /// It waits for a connection of its instance's pool.
    Pooled {
        /// The database's node.
        station: u32,
    },
    /// It sets a connection up.
    Connecting {
        /// The database's node.
        station: u32,
    },
    /// It has a connection, after a wait; or it could not set one up.
    Connected {
        /// The database's node.
        station: u32,
        /// How long that took.
        waited: Duration,
        /// Whether it is a new one.
        new: bool,
    },
    /// Its answer is there, and it closes its connection.
    Disconnecting {
        /// The database's node.
        station: u32,
    },
    /// A statement looks at rows.
    Examined {
        /// The database's node.
        station: u32,
        /// How many.
        rows: u64,
    },
    /// A row is read at a replica.
    ReplicaRead {
        /// The replica.
        station: u32,
        /// The row, as its database numbers rows.
        row: u64,
        /// The age of the first write that it does not have.
        lag: Duration,
        /// If the row is out of date, since when.
        stale: Option<Duration>,
        /// Whether the user does not see what the user wrote.
        own: bool,
    },
    /// It waits for a row's lock.
    Locking {
        /// The database's node.
        station: u32,
    },
    /// It has the lock that it waited for.
    Locked {
        /// The database's node.
        station: u32,
        /// How long it waited.
        waited: Duration,
    },
    /// Another was quicker to change the row: it begins anew.
    Conflicted {
        /// The database's node.
        station: u32,
    },
    /// What it wrote waits for replicas.
    Committing {
        /// The database's node.
        station: u32,
    },
    /// What it wrote is committed, and seen by all.
    Committed {
        /// The database's node.
        station: u32,
        /// How many rows.
        rows: u32,
    },
    /// What became of a row's content.
    Row(RowEvent),
    /// A replica takes the place of its primary.
    Promoted {
        /// The new primary.
        station: u32,
        /// Writes that were acknowledged and are lost.
        lost: u32,
    },
    /// It could not be taken: by a station, or by a balancer that knows none.
    Refused {
        /// The station.
        station: u32,
        /// Why.
        reason: Loss,
    },
    /// A limit holds it back.
    Delayed {
        /// The station.
        station: u32,
        /// For how long.
        wait: Duration,
    },
    /// A cache had its key. Keys in events are the cache's: of one whose entries belong to users, mixed with the user.
    CacheHit {
        /// The station.
        station: u32,
        /// The key.
        key: u64,
        /// If it is older than what the database has: how long ago the newer version was written there.
        stale: Option<Duration>,
    },
    /// A cache did not have its key.
    CacheMiss {
        /// The station.
        station: u32,
        /// The key.
        key: u64,
    },
    /// It waits for what another fetches (single flight).
    CacheJoined {
        /// The station where it waits.
        station: u32,
    },
    /// What it waited for has come, or failed.
    CacheLanded {
        /// The station where it waited.
        station: u32,
    },
    /// A cache keeps a value.
    CacheFilled {
        /// The station.
        station: u32,
        /// The key.
        key: u64,
    },
    /// A cache gave up a value to make room.
    CacheEvicted {
        /// The station.
        station: u32,
        /// The key.
        key: u64,
    },
    /// A cache found that a value is out of date.
    CacheExpired {
        /// The station.
        station: u32,
        /// The key.
        key: u64,
    },
    /// A cache dropped a value because it was told to.
    CacheDropped {
        /// The station.
        station: u32,
        /// The key.
        key: u64,
    },
    /// A cache keeps a write that the next level has not seen.
    CacheDirty {
        /// The station.
        station: u32,
        /// The key.
        key: u64,
    },
    /// A cache has lost all that it held.
    CacheFlushed {
        /// The station.
        station: u32,
        /// How many entries that were.
        entries: u32,
    },
    /// A cache has lost writes that the next level had not seen.
    CacheLost {
        /// The station.
        station: u32,
        /// How many writes were answered and are gone.
        writes: u32,
    },
    /// Something happened at shards.
    Shard(ShardEvent),
    /// Something happened to a message.
    Message(MessageEvent),
    /// Something at an event store.
    Store(StoreEvent),
    /// Something at a view.
    View(ViewEvent),
    /// The client has its answer.
    Completed {
        /// The client's component.
        client: u16,
        /// How long it took from being sent.
        latency: Duration,
        /// Whether a part of it is a substitute.
        degraded: bool,
    },
    /// The client has a refusal.
    Lost {
        /// The client's component.
        client: u16,
        /// Why.
        reason: Loss,
        /// The station where it began to fail.
        station: u32,
        /// How long it took from being sent.
        latency: Duration,
    },
    /// Something about a saga or a distributed transaction.
    Workflow(WorkflowEvent),
}

impl Event {
    /// The event's name in the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "sent",
            Self::Departed { .. } => "departed",
            Self::Routed { .. } => "routed",
            Self::Queued { .. } => "queued",
            Self::Unqueued { .. } => "unqueued",
            Self::Started { .. } => "started",
            Self::Called { .. } => "called",
            Self::Spawned { .. } => "spawned",
            Self::Tried { .. } => "tried",
            Self::Missed { .. } => "missed",
            Self::BackedOff { .. } => "backed_off",
            Self::Breaker { .. } => "breaker",
            Self::Settled { .. } => "settled",
            Self::Returned { .. } => "returned",
            Self::FellBack { .. } => "fell_back",
            Self::Left { .. } => "left",
            Self::Replied { .. } => "replied",
            Self::Capacity { .. } => "capacity",
            Self::Fault { .. } => "fault",
            Self::Probed { .. } => "probed",
            Self::Health { .. } => "health",
            Self::Scaled { .. } => "scaled",
            Self::Rebuilt { .. } => "rebuilt",
            Self::Forgot { .. } => "forgot",
            Self::Refused { .. } => "refused",
            Self::Delayed { .. } => "delayed",
            Self::CacheHit { .. } => "cache_hit",
            Self::CacheMiss { .. } => "cache_miss",
            Self::CacheJoined { .. } => "cache_joined",
            Self::CacheLanded { .. } => "cache_landed",
            Self::CacheFilled { .. } => "cache_filled",
            Self::CacheEvicted { .. } => "cache_evicted",
            Self::CacheExpired { .. } => "cache_expired",
            Self::CacheDropped { .. } => "cache_dropped",
            Self::CacheDirty { .. } => "cache_dirty",
            Self::CacheFlushed { .. } => "cache_flushed",
            Self::CacheLost { .. } => "cache_lost",
            Self::Following { .. } => "following",
            Self::Followed => "followed",
            Self::Pooled { .. } => "pooled",
            Self::Connecting { .. } => "connecting",
            Self::Connected { .. } => "connected",
            Self::Disconnecting { .. } => "disconnecting",
            Self::Examined { .. } => "examined",
            Self::ReplicaRead { .. } => "replica_read",
            Self::Locking { .. } => "locking",
            Self::Locked { .. } => "locked",
            Self::Conflicted { .. } => "conflicted",
            Self::Committing { .. } => "committing",
            Self::Committed { .. } => "committed",
            Self::Row(row) => row.name(),
            Self::Promoted { .. } => "promoted",
            Self::Shard(event) => event.name(),
            Self::Message(event) => event.name(),
            Self::Store(event) => event.name(),
            Self::View(event) => event.name(),
            Self::Completed { .. } => "completed",
            Self::Lost { .. } => "lost",
            Self::Workflow(event) => event.name(),
        }
    }

    /// The station where it happened, if it happened at one.
    pub const fn station(&self) -> Option<u32> {
        match *self {
            Self::Shard(event) => Some(event.station()),
            Self::Store(event) => Some(event.station()),
            Self::View(event) => Some(event.station()),
            Self::Queued { station, .. }
            | Self::Unqueued { station, .. }
            | Self::Started { station, .. }
            | Self::Called { station, .. }
            | Self::Spawned { station, .. }
            | Self::Returned { station }
            | Self::FellBack { station, .. }
            | Self::Left { station, .. }
            | Self::Replied { station }
            | Self::Capacity { station, .. }
            | Self::Delayed { station, .. }
            | Self::CacheHit { station, .. }
            | Self::CacheMiss { station, .. }
            | Self::CacheJoined { station }
            | Self::CacheLanded { station }
            | Self::CacheFilled { station, .. }
            | Self::CacheEvicted { station, .. }
            | Self::CacheExpired { station, .. }
            | Self::CacheDropped { station, .. }
            | Self::CacheDirty { station, .. }
            | Self::CacheFlushed { station, .. }
            | Self::CacheLost { station, .. }
            | Self::Rebuilt { station }
            | Self::Forgot { station, .. }
            | Self::Following { station }
            | Self::Pooled { station }
            | Self::Connecting { station }
            | Self::Connected { station, .. }
            | Self::Disconnecting { station }
            | Self::Examined { station, .. }
            | Self::ReplicaRead { station, .. }
            | Self::Locking { station }
            | Self::Locked { station, .. }
            | Self::Conflicted { station }
            | Self::Committing { station }
            | Self::Committed { station, .. }
            | Self::Promoted { station, .. }
            | Self::Refused { station, .. }
                if station != u32::MAX =>
            {
                Some(station)
            }
            Self::Row(row) => row.station(),
            Self::Workflow(ref event) => Some(event.station()),
            Self::Message(ref event) => Some(event.station()),
            _ => None,
        }
    }
}
