//! Sharding: which store owns a key, and how keys move while they are served.
//!
//! Both parts are state machines without a clock: [`Placement`] says where a key is by a rule, [`Resharding`] where it is
//! while one rule takes another's place. Keys are numbers; where a rule hashes bytes they are the number's decimal digits, as
//! a Redis key `1234` would be.

mod map;
mod placement;
mod resharding;

pub use map::{Shape, ShardMap};
pub use placement::{Partitioning, Placement, Stretch};
pub use resharding::{Handover, Moving, Policy, Resharding, Route, Turn};
