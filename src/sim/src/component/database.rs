//! Databases: queries over a limited number of connections.
//!
//! Models: one query per connection at a time, a bounded line of queries that wait for a connection, first come first
//! served; a time per query drawn anew. With one connection it is also a lock: who holds it makes all others wait.
//! Does not model: rows, indexes, buffer pool, replication, or queries that slow each other down.

use serde::{Deserialize, Serialize};
use vecmap::VecMap;

use super::check_operation;
use super::service::no_bound;
use crate::distribution::Distribution;
use crate::limits;
use crate::problem::Problems;
use crate::resilience::Shedding;

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
    /// Whom to turn away from the line.
    #[serde(default, skip_serializing_if = "Shedding::is_empty")]
    pub shedding: Shedding,
    /// How long a query takes, by operation; `*` is for any operation not named.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, Distribution>")
    )]
    pub queries: VecMap<String, Distribution>,
}

impl Database {
    pub(crate) fn check(&self, p: &mut Problems) {
        p.count(
            "connections",
            u64::from(self.connections),
            1,
            limits::WORKERS,
        );
        p.count("queue", u64::from(self.queue), 0, limits::QUEUE);
        p.within("shedding", |p| self.shedding.check(p));
        if self.queries.is_empty() {
            p.note_at("queries", "a database needs at least one query");
        }
        p.within("queries", |p| {
            for (operation, time) in &self.queries {
                check_operation(operation, operation, p);
                p.within(operation, |p| time.check(p));
            }
        });
    }
}
