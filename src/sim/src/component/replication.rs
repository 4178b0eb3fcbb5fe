//! Replicas of a database, as a scenario describes them: how they follow, what commits wait for, who reads from them.
//! The mechanism, and what it does not model, is in `db/replication.rs`, `db/routing.rs` and `db/failover.rs`.

use serde::{Deserialize, Serialize};

use crate::distribution::Distribution;
use crate::limits;
use crate::problem::Problems;

/// The replicas of a database. Times that are not given are those of `PostgreSQL` on one machine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Replication {
    /// How many replicas there are, 1 to 50.
    pub replicas: u32,
    /// What a commit waits for.
    #[serde(default)]
    pub commits: Commits,
    /// Where reads go.
    #[serde(default)]
    pub reads: Reads,
    /// How long a write takes from the primary to a replica; 0.3 ms if it is not given.
    #[serde(default = "ship")]
    pub ship: Distribution,
    /// How long after its commit a write may be applied at the earliest; at once if it is not given.
    #[serde(default = "at_once")]
    pub apply_delay: Distribution,
    /// How long applying one write takes, one after the other; 0.1 ms if it is not given. A primary that commits faster leaves
    /// its replicas behind.
    #[serde(default = "apply")]
    pub apply: Distribution,
    /// How long it takes until a primary that is gone is found to be so and a replica takes its place, in milliseconds;
    /// without it none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover_after_ms: Option<f64>,
}

/// What a commit waits for.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Commits {
    /// For no replica: what none has received is lost with the primary.
    #[default]
    Asynchronous,
    /// Until so many replicas have received the write: `MySQL`'s semi-synchronous replication, `PostgreSQL`'s `remote_write`.
    SemiSynchronous {
        /// How many.
        acks: u32,
        /// After so long the commit is answered anyway, in milliseconds; without it it waits for as long as it takes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_ms: Option<f64>,
    },
    /// Until all replicas have applied the write, so that whoever reads there sees it: `PostgreSQL`'s `remote_apply`.
    Synchronous,
}

/// Where reads go.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reads {
    /// To the primary: replicas are there for the day it fails.
    #[default]
    Primary,
    /// To replicas, whatever they have applied.
    Replicas {
        /// To which.
        #[serde(default)]
        choice: Choice,
    },
    /// To the primary for a while after a user's own write, else to replicas.
    StickyAfterWrite {
        /// How long, in milliseconds.
        for_ms: f64,
        /// To which replica.
        #[serde(default)]
        choice: Choice,
    },
    /// To a replica, which first waits until it has applied the user's latest write.
    WaitForPosition {
        /// How long it waits at most, in milliseconds; then the primary is asked.
        timeout_ms: f64,
        /// To which replica.
        #[serde(default)]
        choice: Choice,
    },
}

/// Which replica is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Each in turn.
    #[default]
    RoundRobin,
    /// The one that has applied most; among equals, the next in turn.
    LeastLag,
}

const fn ship() -> Distribution {
    Distribution::Constant { mean_ms: 0.3 }
}

const fn apply() -> Distribution {
    Distribution::Constant { mean_ms: 0.1 }
}

const fn at_once() -> Distribution {
    Distribution::Constant { mean_ms: 0.0 }
}

impl Replication {
    pub(crate) fn check(&self, p: &mut Problems) {
        p.count("replicas", u64::from(self.replicas), 1, limits::REPLICAS);
        if let Commits::SemiSynchronous { acks, timeout_ms } = self.commits {
            p.within("commits", |p| {
                p.within("semi_synchronous", |p| {
                    p.count("acks", u64::from(acks), 1, u64::from(self.replicas));
                    if let Some(timeout) = timeout_ms {
                        p.number("timeout_ms", timeout, 1e-6, limits::WORK_MS);
                    }
                });
            });
        }
        p.within("reads", |p| match self.reads {
            Reads::Primary | Reads::Replicas { .. } => {}
            Reads::StickyAfterWrite { for_ms, .. } => p.within("sticky_after_write", |p| {
                p.number("for_ms", for_ms, 0.0, limits::WORK_MS);
            }),
            Reads::WaitForPosition { timeout_ms, .. } => p.within("wait_for_position", |p| {
                p.number("timeout_ms", timeout_ms, 1e-6, limits::WORK_MS);
            }),
        });
        p.within("ship", |p| self.ship.check(p));
        p.within("apply_delay", |p| self.apply_delay.check(p));
        p.within("apply", |p| self.apply.check(p));
        if let Some(after) = self.failover_after_ms {
            p.number("failover_after_ms", after, 0.0, limits::WORK_MS);
        }
    }
}
