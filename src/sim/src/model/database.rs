//! What is compiled of databases: their nodes, what their statements touch, and the ways to them.

use super::OutboxModel;
use crate::component::Reads;
use crate::db::{PoolBounds, Prepared, Timing};
use crate::distribution::Sampler;
use crate::frame::NONE;
use crate::time::Duration;

/// A database of which more is to be known than how long its queries take.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseModel {
    /// The primary and its replicas; each is a station.
    pub nodes: u16,
    /// The statement of each operation, or [`NONE`].
    pub of_operation: Vec<u32>,
    pub replication: Option<ReplicationModel>,
    /// How long setting up a connection takes, and closing one.
    pub connect: Option<Sampler>,
    pub disconnect: Option<Sampler>,
    pub pool: Option<PoolModel>,
    pub lock_timeout: Option<Duration>,
    pub deadlock_after: Duration,
    /// How long it remembers which changes it has made.
    pub once_kept: Duration,
    /// The names of its tables, as rows number them.
    pub tables: Vec<String>,
    pub outbox: Option<OutboxModel>,
}

/// Compiled [`Replication`](crate::component::Replication).
#[derive(Clone, Debug)]
pub(crate) struct ReplicationModel {
    pub timing: Timing,
    pub reads: Reads,
    pub commit_timeout: Option<Duration>,
    pub failover_after: Option<Duration>,
}

/// Compiled [`Pool`](crate::component::Pool).
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolModel {
    pub bounds: PoolBounds,
    pub wait: Duration,
}

/// A component that calls a database which has replicas, or whose connections have to be set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Approach {
    pub caller: u16,
    pub database: u16,
}

/// What a database does for one operation.
#[derive(Clone, Debug)]
pub(crate) struct StatementModel {
    /// What it touches; a query with a time of its own is only known to read or write its key's row.
    pub prepared: Option<Prepared>,
    pub writes: bool,
    /// The operation that it takes back; [`OWN`](super::OWN) for one that nobody asks for.
    pub undoes: Option<u16>,
    /// Mixed into its draws.
    pub key: u64,
}

/// Rows of queries that name no table are told from those of tables as [`Prepared::row`] does it.
const ROWS: u64 = (1 << 40) - 1;

impl StatementModel {
    /// The `n`-th row after the one that a request's key names.
    pub fn row(&self, key: u64, n: u64) -> u64 {
        match &self.prepared {
            Some(prepared) => prepared.row_after(key, n),
            None => key & ROWS,
        }
    }

    /// What each row held at the start.
    pub fn initial(&self) -> i64 {
        self.prepared.as_ref().map_or(0, Prepared::initial)
    }

    /// How many rows it writes.
    pub fn rows(&self) -> u64 {
        match &self.prepared {
            Some(prepared) => prepared.writes(),
            None => u64::from(self.writes),
        }
    }

    /// Whether frames that are at one are at the same place of the other.
    pub fn same_shape(&self, other: &Self) -> bool {
        let changes = |statement: &Self| {
            let prepared = statement.prepared.as_ref();
            prepared.map(|prepared| prepared.change().is_some())
        };
        self.writes == other.writes && changes(self) == changes(other)
    }
}

impl DatabaseModel {
    /// The number of the statement for an operation.
    pub fn statement(&self, operation: u16) -> Option<usize> {
        let number = *self.of_operation.get(usize::from(operation))?;
        (number != NONE).then_some(number as usize)
    }

    /// Whether frames and connections of one are as good in the other.
    pub fn same_shape(&self, other: &Self) -> bool {
        self.nodes == other.nodes
            && self.of_operation == other.of_operation
            && self.pool.is_some() == other.pool.is_some()
            && self.replication.is_some() == other.replication.is_some()
            && match (&self.outbox, &other.outbox) {
                (Some(a), Some(b)) => a.broker == b.broker,
                (a, b) => a.is_none() && b.is_none(),
            }
    }
}

/// One step of a database's plan; see `engine::statements`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Act {
    /// Reads: sees what is committed now, and takes as long as what it touches.
    Read,
    /// A write is taken in.
    Begin,
    /// Takes the lock of its next row.
    Lock,
    /// Writes that row.
    Write,
    /// Goes on with the next row, if there is one.
    Next,
    /// Makes it durable.
    Flush,
    /// Puts it into the log, and waits for replicas if it must.
    Log,
    /// Lets others see it.
    Show,
    /// A change takes its next step.
    Change,
    /// That step has ended.
    Changed,
    /// A row is given to another database.
    Fetch,
    /// A row of another database is taken in.
    Receive,
    /// It takes its place here.
    Import,
}
