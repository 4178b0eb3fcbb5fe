//! Databases: what statements cost, what rows hold, who waits for whom, and who follows.
//!
//! The parts are state machines without a clock: the caller tells them the time. [`Prepared`] says what a statement touches and
//! how long that takes; [`Rows`] holds versions and numbers, [`Change`] changes a number with more or less care under
//! [`Locks`]; [`Replication`] lets replicas follow and fail over, [`Router`] says which node a read goes to; and
//! [`ConnectionPool`] keeps connections.

mod change;
mod failover;
mod locks;
mod log;
mod once;
mod pool;
mod replication;
mod routing;
mod rows;
mod statement;
mod timing;
mod waits;

pub use change::{Change, Rule, Step, Stepped};
pub use failover::{Lost, Promotion};
pub use locks::{Acquired, Locks, Transaction};
pub use log::Seen;
pub use once::Once;
pub use pool::{Connection, ConnectionPool, Next, PoolBounds};
pub use replication::{Committed, Replication};
pub use routing::{LatestWrite, Route, Router, Sessions};
pub use rows::{Row, Rows, Written};
pub use statement::{Changing, Extent, Prepared};
pub use timing::{APPLY_FULL_SPEED, Timing};
pub use waits::{Reached, Ticket};
