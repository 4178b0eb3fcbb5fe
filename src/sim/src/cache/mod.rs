//! Caches: what they hold, what they give up, and what becomes of writes and misses.
//!
//! The parts are state machines without a clock: the caller tells them the time. [`CacheStore`] holds entries under one of
//! the policies of [`Eviction`]; [`Lifetimes`] says how long; [`WriteBehind`] keeps writes that the store behind has not seen;
//! [`Flights`] lets one request fetch what many wait for. [`Cache`] is what a scenario says of one cache.

mod capacity;
mod entry;
mod flights;
pub(crate) mod index;
mod lfu;
mod lifetimes;
pub(crate) mod list;
mod order;
mod settings;
mod sketch;
mod store;
mod w_tiny_lfu;
mod write_behind;

pub use capacity::Capacity;
pub use entry::{Entry, Value};
pub use flights::{Flights, Join, Waiter};
pub use lifetimes::Lifetimes;
pub use order::{Eviction, Standing};
pub use settings::{Cache, Invalidation, Mode, Ttl, Warm};
pub use store::{CacheStore, Item, Lookup, Stored};
pub use w_tiny_lfu::Segment;
pub use write_behind::{Dirty, WriteBehind, Written};
