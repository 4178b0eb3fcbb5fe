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
mod pool;
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
pub use state::{BalancerState, MemberState};

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
    /// Its station.
    pub station: u32,
    /// Its place in the order of members.
    pub place: u32,
    /// The running value of smooth weighted round robin.
    pub current: i64,
}

impl Load {
    /// A member with so many open requests and this weight.
    #[cfg(test)]
    pub const fn new(open: u32, weight: u32) -> Self {
        Self {
            open,
            weight,
            effective: weight,
            share: slow_start::FULL,
            station: 0,
            place: 0,
            current: 0,
        }
    }

    /// Looks at it for smooth weighted round robin. Tells what that has added to its running value.
    const fn look(&mut self) -> i64 {
        let gain = self.effective as i64 * self.share as i64;
        self.current += gain;
        if self.effective < self.weight {
            self.effective += 1;
        }
        gain
    }

    /// The weight that counts now, in hundredths.
    pub const fn counted(&self) -> u64 {
        self.weight as u64 * self.share as u64
    }
}
