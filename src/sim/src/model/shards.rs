//! What is compiled of a router in front of shards.

use crate::shard::{Handover, Placement};
use crate::time::{Duration, Time};

/// A compiled router.
#[derive(Clone, Debug)]
pub(crate) struct ShardsModel {
    /// The components of its shards, by their numbers.
    pub targets: Vec<u16>,
    /// How many keys clients ask about; 0 if that is not known.
    pub keys: u64,
    /// Who owns a key at the start.
    pub placement: Placement,
    /// By operation: how the answers of all shards come together, if it asks all.
    pub scattered: Vec<Option<ScatterModel>>,
    pub reshard: Option<ReshardModel>,
}

/// Compiled [`Scatter`](crate::component::Scatter).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScatterModel {
    /// Answers that are enough; all if none are named.
    pub need: Option<u32>,
    pub timeout: Option<Duration>,
}

/// Compiled [`Reshard`](crate::component::Reshard).
#[derive(Clone, Debug)]
pub(crate) struct ReshardModel {
    pub at: Time,
    pub handover: Handover,
    /// How long the copy of a key takes at least.
    pub pace: Duration,
    pub copiers: u32,
    /// The station whose workers copy: requests that are held keep the router's, and wait for them.
    pub mover: u32,
    /// The operation that a copy is about: one that writes, if there is one.
    pub operation: u16,
}

/// A step of a router's plan; see `engine::shards` and `engine::moves`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ShardStep {
    /// Asks the owner of the key; the calls to the shards begin at this site.
    Ask { first: u32 },
    /// If the one asked did not have the row, asks who has it.
    Again { first: u32 },
    /// Sends what was written to the new owner, if both are to have it.
    Forward { first: u32 },
    /// Asks all.
    Scatter { first: u32 },
    /// Fetches a key's row from its old owner.
    Fetch { first: u32 },
    /// Sends it to the new one.
    Send { first: u32 },
    /// It is there.
    Arrived,
}

impl ShardsModel {
    /// Whether a run of one goes on in the other: rules and moments are alike.
    pub fn same_shape(&self, other: &Self) -> bool {
        let scatters = |of: &Self| {
            let scattered = of.scattered.iter();
            scattered.map(Option::is_some).collect::<Vec<_>>()
        };
        let moves = |of: &Self| {
            let reshard = of.reshard.as_ref();
            reshard.map(|reshard| (reshard.at, reshard.handover.clone()))
        };
        self.targets == other.targets
            && self.placement == other.placement
            && scatters(self) == scatters(other)
            && moves(self) == moves(other)
    }
}
