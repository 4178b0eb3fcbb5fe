//! Databases: queries over a limited number of connections.
//!
//! Models: one query per connection at a time, a bounded line of queries that wait for a connection, first come first
//! served; a time per query drawn anew. With one connection it is also a lock: who holds it makes all others wait.
//! Each row has a version, which a write raises when it is done and a read takes when it begins, as a snapshot does; every
//! answer carries it, so that whoever keeps an answer can be told to be old.
//! Does not model: what rows hold, indexes, buffer pool, replication, or queries that slow each other down.

use serde::{Deserialize, Serialize};
use vecmap::VecMap;

use super::service::no_bound;
use super::{ANY, check_operation};
use crate::distribution::Distribution;
use crate::limits;
use crate::problem::Problems;

/// Checks the names of operations that write.
pub(super) fn check_writes(writes: &[String], p: &mut Problems) {
    p.within("writes", |p| {
        for (i, operation) in writes.iter().enumerate() {
            check_operation(&format!("[{i}]"), operation, p);
        }
    });
}

/// A store that answers queries.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Queries that it works on at once.
    pub connections: u32,
    /// Queries that may wait for a connection; the next is refused.
    #[serde(default = "no_bound")]
    pub queue: u32,
    /// How long a query takes, by operation; `*` is for any operation not named.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, Distribution>")
    )]
    pub queries: VecMap<String, Distribution>,
    /// The operations that change the row that they are about; all others read it. `*` is for any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<String>,
    /// How many rows there are at the start, with keys from 0; a read of another answers that there is none, until it is
    /// written. Without it, all that is asked for is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

impl Database {
    /// Whether `operation` changes the row that it is about.
    pub fn is_write(&self, operation: &str) -> bool {
        self.writes.iter().any(|own| own == operation || own == ANY)
    }

    pub(crate) fn check(&self, p: &mut Problems) {
        p.count(
            "connections",
            u64::from(self.connections),
            1,
            limits::WORKERS,
        );
        p.count("queue", u64::from(self.queue), 0, limits::QUEUE);
        if self.queries.is_empty() {
            p.note_at("queries", "a database needs at least one query");
        }
        p.within("queries", |p| {
            for (operation, time) in &self.queries {
                check_operation(operation, operation, p);
                p.within(operation, |p| time.check(p));
            }
        });
        check_writes(&self.writes, p);
    }
}
