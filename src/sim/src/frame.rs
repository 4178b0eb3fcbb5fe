//! What is under way: requests, the frames that work on them, and the calls that frames wait for.

use slotmap::new_key_type;
use slotmap::{Key as _, KeyData};

use crate::event::Loss;
use crate::random::Key;
use crate::time::{Duration, Time};
use crate::workflow::Part;

new_key_type! {
    /// A request under way. A key whose request is over finds nothing, so nobody has to be told.
    pub(crate) struct RequestId;
    /// A frame: one component's part in a request.
    pub(crate) struct FrameId;
    /// A call with settings of its own, or several calls made together.
    pub(crate) struct CallId;
    /// A saga or a transaction that has not ended.
    pub(crate) struct WorkflowId;
}

/// "No station", "no link", "no step".
pub(crate) const NONE: u32 = u32::MAX;
/// "No component".
pub(crate) const NOBODY: u16 = u16::MAX;

/// The place of a key in its table: small, and used again.
pub(crate) fn slot(key: KeyData) -> u32 {
    key.as_ffi() as u32
}

impl FrameId {
    /// Its place in the table, as probes know it.
    pub fn slot(self) -> u32 {
        slot(self.data())
    }
}

impl CallId {
    /// Its place in the table, as probes know it.
    pub fn slot(self) -> u32 {
        slot(self.data())
    }
}

impl RequestId {
    /// Its place in the table, as probes know it.
    pub fn slot(self) -> u32 {
        slot(self.data())
    }
}

/// A request under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Request {
    /// Its number, in the order of sending.
    pub id: u64,
    /// The client that sent it; [`NOBODY`] for those that the system sends itself, such as health checks.
    pub client: u16,
    /// The user of the client who sent it.
    pub user: u32,
    /// Whether that user waits for its end to think of the next.
    pub looped: bool,
    /// Which waiting line it belongs in where there are several: 0 goes first.
    pub priority: u8,
    /// Whether some part of the answer is a substitute.
    pub degraded: bool,
    /// Whether its client has its answer; what is left is work that nobody waits for.
    pub over: bool,
    /// Rows that it has written, so that its end is told; as far as they can be counted.
    pub written: u16,
    /// Frames and calls that still belong to it.
    pub open: u32,
    pub sent: Time,
}

/// Who is told what came of something.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Waiter {
    /// The client that sent the request.
    Client,
    /// The frame that made a plain call.
    Frame(FrameId),
    /// A call, of one of its attempts or branches.
    Call(CallId, u32),
    /// A health check, of its so manieth probe.
    Check(u32, u32),
    /// A saga or transaction, of its so manieth owner: it looks whether all is done.
    Workflow(WorkflowId, u32),
    /// Nobody: the caller has gone on at once.
    Nobody,
    /// A broker, of a delivery: which message or member, and which delivery.
    Message {
        broker: u16,
        slot: u32,
        receipt: u32,
    },
    /// The relay of a database's outbox, of what it sent under this receipt.
    Relay { database: u16, receipt: u32 },
}

/// What an answer brings back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Value {
    /// The version of the row that was read or written; 0 if none was, or if it never changed.
    pub version: u64,
    /// The database that has the row, or [`NOBODY`].
    pub source: u16,
    /// The row itself, as that database numbers rows.
    pub row: u64,
    /// There is no such row.
    pub absent: bool,
    /// A cache that fetches nothing itself had nothing, or a shard did not have the row.
    pub missed: bool,
    /// How many bytes it has on the wire; what is more counts as the most there can be.
    pub bytes: u32,
    /// How long the receiver takes to unpack it.
    pub unpack: Duration,
}

impl Default for Value {
    fn default() -> Self {
        Self {
            version: 0,
            source: NOBODY,
            row: 0,
            absent: false,
            missed: false,
            bytes: 0,
            unpack: Duration::ZERO,
        }
    }
}

/// A number of bytes as a [`Value`] has it.
pub(crate) fn bytes(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Why something failed, and where it began.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Failure {
    pub reason: Loss,
    /// The station where it began, or [`NONE`].
    pub station: u32,
}

/// What came of a call.
pub(crate) type Outcome = Result<Value, Failure>;

/// What a frame is doing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum State {
    /// On its way to a component.
    Travelling,
    /// In a waiting line of its station.
    Waiting,
    /// Holding a server, at work.
    Working,
    /// Holding a server, waiting for a call.
    Asking,
    /// It has let go of its server; the answer is on its way back.
    Returning,
    /// Holding a server, waiting for a lock, for replicas or for room in a queue.
    Blocked,
    /// Held back by a limit, without a server.
    Delayed,
}

/// Which of a component's plans a frame runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Entry {
    /// The one of its operation.
    Operation,
    /// Of a cache: read a key, fetching nothing.
    Get,
    /// Of a cache: keep what is sent.
    Put,
    /// Of a cache: drop a key.
    Delete,
    /// Of a cache: fetch anew what will expire soon.
    Refresh,
    /// Of a cache: send a write on.
    Flush,
    /// Of a router in front of shards: copy a row from its old owner to the new one.
    Move,
    /// Of a database: give a row away.
    Fetch,
    /// Of a database: take a row.
    Send,
    /// Of a database: hear how a transaction was decided.
    Decide,
    /// Where its step is: an instance takes over what another has begun. No component has a plan of this name.
    Resume,
}

impl Entry {
    /// How many plans there are, besides those of operations.
    pub const COUNT: usize = 10;
}

/// What others have to be told of when a frame ends badly.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Errand {
    /// Nothing.
    None,
    /// It fetches for all who miss its key in this cache.
    Leads { cache: u16 },
    /// It waits for what another fetches, at this place in the line.
    Joins { place: u32 },
    /// It sends this write on.
    Flushes { sent: u32 },
    /// It writes at a shard while keys may move: in which epoch, and whether the new owner is to have it too.
    Writes { epoch: u8, both: bool },
    /// It copies the row at this place of the batch.
    Moves { place: u32 },
}

impl Frame {
    /// Whether anyone has to be told that it has ended, well or not.
    pub fn is_relied_on(&self, ok: bool) -> bool {
        self.counted || self.errand != Errand::None || (self.entry == Entry::Refresh && !ok)
    }
}

/// One component's part in a request under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Frame {
    pub request: RequestId,
    pub waiter: Waiter,
    pub state: State,
    /// The component that was called; a balancer until it has chosen.
    pub component: u16,
    /// The balancer that chose the station, or [`NOBODY`].
    pub balancer: u16,
    /// The station, or [`NONE`] while none has been chosen.
    pub station: u32,
    pub operation: u16,
    /// What it does for a saga or a transaction.
    pub part: Part,
    pub entry: Entry,
    pub errand: Errand,
    /// Whether it counts in its station's limit of requests under way.
    pub counted: bool,
    /// Which waiting line of the station it belongs in.
    pub class: u16,
    /// The step of the plan that it takes or has come to.
    pub step: u32,
    /// How often the call of this step has been answered; on a wire, how often it was sent.
    pub turn: u32,
    /// The links that it came over, and its answer goes back over; [`NONE`] where there is none.
    pub links: [u32; 2],
    /// What this visit's draws derive from: the request and the way it came, not the moment or the instance.
    pub key: Key,
    /// The row, user or product that it is about.
    pub data: u64,
    /// What it has to answer so far; what it answers, once it returns.
    pub outcome: Outcome,
    /// When it came to its station.
    pub since: Time,
    /// When its balancer chose the station.
    pub routed: Time,
    /// Its place in the order of those that ever waited at its station.
    pub ticket: u64,
    /// Its neighbours in the waiting line, or the null key.
    pub before: FrameId,
    pub behind: FrameId,
}
