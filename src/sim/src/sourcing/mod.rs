//! Event sourcing and read models: a log of changes, streams that are the sum of their events, and projections that follow.
//!
//! The parts are state machines without a clock: the caller tells them the time. [`ChangeLog`] is what happened, in order;
//! [`EventStore`] reads and writes it as streams; a [`Projection`] follows it at its own pace.

mod change_log;
mod event_store;
mod projection;

pub use change_log::{Change, ChangeLog, Seen};
pub use event_store::{Append, Appended, EventStore, Replay};
pub use projection::{Done, Pace, Projection, Task};
