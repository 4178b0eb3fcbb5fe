//! A pool of connections to a database, as a scenario describes it.
//! The mechanism, and what it does not model, is in `db/pool.rs`.

use serde::{Deserialize, Serialize};

use crate::db::PoolBounds;
use crate::limits;
use crate::problem::Problems;
use crate::time::Duration;

/// Connections to a database that one instance keeps, so that it need not set one up for each call.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Connections that it keeps open even if nobody uses them; they are open at the start. 5 if it is not given.
    #[serde(default = "min")]
    pub min: u32,
    /// Connections that it may have, 1 to 10,000; 20 if it is not given.
    #[serde(default = "max")]
    pub max: u32,
    /// How long a call waits for a connection before it fails, in milliseconds; 2,000 if it is not given.
    #[serde(default = "wait_timeout_ms")]
    pub wait_timeout_ms: f64,
    /// How long a connection may be idle before it is closed, in milliseconds; 30,000 if it is not given.
    #[serde(default = "idle_timeout_ms")]
    pub idle_timeout_ms: f64,
}

const fn min() -> u32 {
    5
}

const fn max() -> u32 {
    20
}

const fn wait_timeout_ms() -> f64 {
    2_000.0
}

const fn idle_timeout_ms() -> f64 {
    30_000.0
}

impl Pool {
    /// Its bounds, as the state machine needs them.
    pub fn bounds(&self) -> PoolBounds {
        PoolBounds {
            min: self.min,
            max: self.max,
            idle: Duration::from_millis(self.idle_timeout_ms),
        }
    }

    pub(crate) fn check(&self, p: &mut Problems) {
        p.count("max", u64::from(self.max), 1, limits::WORKERS);
        p.count("min", u64::from(self.min), 0, u64::from(self.max));
        p.number(
            "wait_timeout_ms",
            self.wait_timeout_ms,
            0.0,
            limits::WORK_MS,
        );
        p.number(
            "idle_timeout_ms",
            self.idle_timeout_ms,
            1.0,
            limits::WORK_MS,
        );
    }
}
