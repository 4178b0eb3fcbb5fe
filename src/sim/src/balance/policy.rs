//! The policies: how a balancer chooses among the members that may be chosen.

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::problem::Problems;

/// How a balancer chooses.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Policy {
    /// Each in turn, whatever it weighs.
    RoundRobin,
    /// In turn by weight, the turns of one spread out among those of the others: 5, 1 and 1 give a a b a c a a. Nginx's smooth
    /// weighted round robin.
    WeightedRoundRobin,
    /// Any, each as likely as the others.
    Random,
    /// Any, each as likely as its weight says.
    WeightedRandom,
    /// The one with the fewest open requests of this balancer for its weight; among equals by smooth weighted round robin.
    /// Nginx's `least_conn`.
    LeastConnections,
    /// The one with fewer open requests for its weight of two different ones drawn at random (Mitzenmacher, *The power of two
    /// choices in randomized load balancing*, 2001).
    PowerOfTwoChoices,
    /// The one with the fewest open requests for its weight of several different ones drawn at random.
    PowerOfD {
        /// How many are drawn, 1 to 16.
        d: u32,
    },
    /// The cheaper of two different ones drawn at random: a moving average of its latency, which jumps up at once to a
    /// latency above it, times its open requests and one. Weights do not count. Finagle's `PeakEwma`.
    PeakEwma {
        /// In what time an old latency's part in the average falls to 1/e, in milliseconds.
        #[serde(default = "decay_ms")]
        decay_ms: u32,
    },
    /// The same for the same key, by a ring: one that comes or goes moves only its own keys. Who cannot be had is
    /// passed over, at most 20 times. Nginx's `hash … consistent`: CRC-32 and 160 points for each unit of weight.
    ConsistentHash,
    /// The same for the same key, by the remainder of its hash: one that comes or goes moves nearly all keys.
    /// Nginx's `hash`.
    Hash,
}

/// Finagle's default: ten seconds.
const fn decay_ms() -> u32 {
    10_000
}

impl Policy {
    pub(crate) fn check(self, p: &mut Problems) {
        match self {
            Self::PowerOfD { d } => p.within("power_of_d", |p| {
                p.count("d", u64::from(d), 1, u64::from(limits::CHOICES));
            }),
            Self::PeakEwma { decay_ms } => p.within("peak_ewma", |p| {
                p.count("decay_ms", u64::from(decay_ms), 1, limits::WORK_MS as u64);
            }),
            _ => {}
        }
    }
}
