//! Balancing: who of several members gets a request, as pure state machines that know no engine.
//!
//! [`BalancerState`] keeps the members and asks the file of its policy; health checks, passive ejection, slow start and
//! affinities decide who may be chosen. Members are stations by number, so that a state outlives a change of their set.

mod affinity;
mod ejection;
mod health;
mod latency;
mod least;
mod policy;
mod rules;
mod sample;
mod slow_start;
mod smooth;
mod state;

pub use affinity::{Affinities, Sticky};
pub use ejection::{Ejection, Failures};
pub use health::{Health, HealthCheck, Transition};
pub use latency::PeakEwma;
pub use policy::Policy;
pub use rules::{Ask, Balancing, Rules, Seat};
pub use slow_start::SlowStart;
pub use state::BalancerState;

/// What the policies look at of one member, side by side in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Load {
    /// Requests of this balancer that are under way there.
    pub open: u32,
    /// The weight it is meant to have.
    pub weight: u32,
    /// The weight that failures have left it; each look at it gives one back.
    pub effective: u32,
    /// How much of its weight counts, in percent: less while it starts slowly.
    pub share: u32,
    /// The running value of smooth weighted round robin.
    pub current: i64,
}

impl Load {
    /// The weight that counts now, in hundredths.
    pub const fn counted(&self) -> u64 {
        self.weight as u64 * self.share as u64
    }
}
