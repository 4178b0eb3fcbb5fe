//! How long the parts of replication take: each write's ways and its application, drawn by node and position.

use crate::component::{Commits, Replication as Settings};
use crate::distribution::Sampler;
use crate::random::Key;
use crate::time::Duration;

/// A replica at full speed; see [`Replication::set_applying`](super::Replication::set_applying).
pub const APPLY_FULL_SPEED: u32 = 1000;

/// The times of a replication, worked out from its settings.
#[derive(Clone, PartialEq, Debug)]
pub struct Timing {
    ship: Sampler,
    delay: Sampler,
    apply: Sampler,
    pub(super) commits: Commits,
    key: Key,
}

impl Timing {
    /// The times that `settings` give, with draws that derive from `key`.
    pub fn new(settings: &Settings, key: Key) -> Self {
        Self {
            ship: Sampler::new(&settings.ship),
            delay: Sampler::new(&settings.apply_delay),
            apply: Sampler::new(&settings.apply),
            commits: settings.commits,
            key,
        }
    }

    fn draw(&self, sampler: &Sampler, purpose: u64, node: u16, position: u64) -> Duration {
        let key = self.key.with(purpose).with(u64::from(node)).with(position);
        sampler.draw(&mut key.draws())
    }

    /// How long a write takes to a node.
    pub(super) fn ship(&self, node: u16, position: u64) -> Duration {
        self.draw(&self.ship, 1, node, position)
    }

    /// How long after its commit a node applies a write at the earliest.
    pub(super) fn delay(&self, node: u16, position: u64) -> Duration {
        self.draw(&self.delay, 2, node, position)
    }

    /// How long a node of `speed` thousandths takes to apply a write.
    pub(super) fn apply(&self, node: u16, position: u64, speed: u32) -> Duration {
        let cost = self.draw(&self.apply, 3, node, position);
        let nanos =
            u128::from(cost.nanos()) * u128::from(APPLY_FULL_SPEED) / u128::from(speed.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}
