//! Databases: queries over a limited number of connections.
//!
//! Models: one query per connection at a time, a bounded line of queries that wait for a connection, first come first
//! served. A query is either a time drawn anew, or a statement that costs what the rows cost which it touches
//! ([`Statement`]); then rows have versions, writes take locks, and replicas follow ([`Replication`]): each node is a station
//! of its own with its own connections, and one link to the database serves for all of them. Setting up a connection takes
//! time, which callers with a [`Pool`] spend seldom; each calling instance keeps its own to each node.
//! Each row has a version, which a write raises when it is done and a read takes when it begins, as a snapshot does; every
//! answer carries it, so that whoever keeps an answer can be told to be old.
//! A crash loses no committed row and all locks; a failover loses what the new primary had not received.
//! An [`Outbox`] keeps messages beside the rows that they are about.
//! Does not model: a planner that chooses, queries that slow each other down but by connections and locks, or a query that
//! ends because its caller has gone away.

use serde::{Deserialize, Serialize};
use vecmap::VecMap;

use super::outbox::Outbox;
use super::pool::Pool;
use super::replication::Replication;
use super::service::no_bound;
use super::statement::{Costs, Statement, Table};
use super::{ANY, check_operation};
use crate::db::Prepared;
use crate::distribution::Distribution;
use crate::limits;
use crate::problem::Problems;
use crate::resilience::Shedding;
use crate::scenario::Scenario;
use crate::time::Duration;

/// Checks the names of operations that write.
pub(super) fn check_writes(writes: &[String], p: &mut Problems) {
    p.within("writes", |p| {
        if !p.list("", writes.len(), 0, limits::OPERATIONS) {
            return;
        }
        for (i, operation) in writes.iter().enumerate() {
            check_operation(&format!("[{i}]"), operation, p);
        }
    });
}

/// What a database does for an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer<'a> {
    /// It takes a time.
    Query(&'a Distribution),
    /// It does what the rows cost that it touches.
    Statement(&'a Statement),
}

/// A store that answers queries.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Queries that it works on at once; with replicas, each node by itself.
    pub connections: u32,
    /// Queries that may wait for a connection; the next is refused.
    #[serde(default = "no_bound")]
    pub queue: u32,
    /// Whom to turn away from the line.
    #[serde(default, skip_serializing_if = "Shedding::is_empty")]
    pub shedding: Shedding,
    /// How long a query takes, by operation; `*` is for any operation not named.
    #[serde(default, skip_serializing_if = "VecMap::is_empty")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, Distribution>")
    )]
    pub queries: VecMap<String, Distribution>,
    /// The operations, of those in `queries`, that change the row of the request's key; all others read it. `*` is for any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<String>,
    /// What a query does, by operation, for those that have no time in `queries`; `*` is for any operation not named.
    #[serde(default, skip_serializing_if = "VecMap::is_empty")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, Statement>")
    )]
    pub statements: VecMap<String, Statement>,
    /// The tables that statements name.
    #[serde(default, skip_serializing_if = "VecMap::is_empty")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, Table>")
    )]
    pub tables: VecMap<String, Table>,
    /// What the parts of a statement cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub costs: Option<Box<Costs>>,
    /// How long setting up a connection takes; no time if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<Distribution>,
    /// How long closing a connection takes; no time if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disconnect: Option<Distribution>,
    /// The pool of connections that each calling instance keeps; without it each call sets up a connection and closes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Pool>,
    /// How long a write waits for a row's lock before it fails, in milliseconds; without it for as long as it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_timeout_ms: Option<f64>,
    /// How long a write has waited for a lock when it is asked whether it waits for itself, in milliseconds: 0 as in `InnoDB`;
    /// 1,000, as in `PostgreSQL`, if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadlock_timeout_ms: Option<f64>,
    /// How long it remembers which changes it has made, for those that are to be made `once`, in seconds; 86,400, a day, if
    /// it is not given, as Stripe does. Of all databases together the latest 100,000 are remembered in any case at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once_kept_s: Option<f64>,
    /// Its replicas; none if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication: Option<Box<Replication>>,
    /// How many rows there are at the start, with keys from 0; a read of another answers that there is none, until it is
    /// written. Without it, all that is asked for is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Messages that writes leave to be published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbox: Option<Box<Outbox>>,
}

impl Database {
    /// Whether `operation` changes the row that it is about.
    pub fn is_write(&self, operation: &str) -> bool {
        self.writes.iter().any(|own| own == operation || own == ANY)
    }

    /// Whether what it does for `operation` may change a row.
    pub(super) fn changes_rows(&self, operation: &str, answer: Answer<'_>) -> bool {
        match answer {
            Answer::Query(_) => self.is_write(operation),
            Answer::Statement(statement) => statement.writes(),
        }
    }

    /// Whether it is of account what its rows hold.
    pub(crate) fn keeps_rows(&self) -> bool {
        !self.writes.is_empty()
            || !self.statements.is_empty()
            || self.replication.is_some()
            || self.rows.is_some()
            || self.outbox.is_some()
    }

    /// Whether calls have to choose a node or to get a connection.
    pub(crate) fn has_approach(&self) -> bool {
        self.replication.is_some()
            || self.connect.is_some()
            || self.disconnect.is_some()
            || self.pool.is_some()
    }

    /// Whether any time passes for an operation that it answers.
    pub(crate) fn takes_time(&self, answer: Answer<'_>) -> bool {
        match answer {
            Answer::Query(time) => time.mean_ms() > 0.0,
            Answer::Statement(statement) => {
                let costs = self.costs.as_deref().cloned().unwrap_or_default();
                let prepared = Prepared::new(statement, &self.tables, &costs);
                let works = |p: Prepared| p.execution(&p.extent(0)) > Duration::ZERO;
                costs.statement.mean_ms() > 0.0 || prepared.is_some_and(works)
            }
        }
    }

    pub(crate) fn check(&self, scenario: &Scenario, p: &mut Problems) {
        if let Some(outbox) = &self.outbox {
            p.within("outbox", |p| outbox.check(scenario, p));
            let operations = outbox.operations.iter().enumerate();
            for (i, operation) in operations.take(limits::OPERATIONS as usize) {
                let answer = self.answer(operation);
                let writes = answer.is_some_and(|(_, answer)| self.changes_rows(operation, answer));
                if operation != ANY && !writes {
                    p.note_at(
                        format!("outbox.operations[{i}]"),
                        format!("'{operation}' writes nothing here, so it leaves no message"),
                    );
                }
            }
        }
        p.count(
            "connections",
            u64::from(self.connections),
            1,
            limits::WORKERS,
        );
        p.count("queue", u64::from(self.queue), 0, limits::QUEUE);
        p.within("shedding", |p| self.shedding.check(p));
        if self.queries.is_empty() && self.statements.is_empty() {
            p.note_at("queries", "a database needs at least one query");
        }
        p.within("queries", |p| {
            for (operation, time) in &self.queries {
                check_operation(operation, operation, p);
                p.within(operation, |p| time.check(p));
            }
        });
        p.within("writes", |p| {
            if !p.list("", self.writes.len(), 0, limits::OPERATIONS) {
                return;
            }
            for (i, operation) in self.writes.iter().enumerate() {
                let place = format!("[{i}]");
                check_operation(&place, operation, p);
                if operation != ANY
                    && !self.queries.contains_key(operation)
                    && !self.queries.contains_key(ANY)
                {
                    p.note_at(
                        place,
                        format!("'{operation}' is not in 'queries': statements say themselves what they write"),
                    );
                }
            }
        });
        p.within("statements", |p| {
            for (operation, statement) in &self.statements {
                check_operation(operation, operation, p);
                if self.queries.contains_key(operation) {
                    p.note_at(
                        operation,
                        format!("'{operation}' has a time in 'queries' too: keep one of them"),
                    );
                }
                p.within(operation, |p| {
                    statement.check(&self.tables, p);
                    statement.check_undone(&self.statements, p);
                });
            }
        });
        p.count("tables", self.tables.len() as u64, 0, limits::TABLES);
        p.within("tables", |p| {
            for (name, table) in &self.tables {
                p.within(name, |p| table.check(p));
            }
        });
        if let Some(costs) = &self.costs {
            p.within("costs", |p| costs.check(p));
        }
        for (field, time) in [("connect", &self.connect), ("disconnect", &self.disconnect)] {
            if let Some(time) = time {
                p.within(field, |p| time.check(p));
            }
        }
        if let Some(pool) = &self.pool {
            p.within("pool", |p| pool.check(p));
        }
        for (field, timeout) in [
            ("lock_timeout_ms", self.lock_timeout_ms),
            ("deadlock_timeout_ms", self.deadlock_timeout_ms),
        ] {
            if let Some(timeout) = timeout {
                p.number(field, timeout, 0.0, limits::WORK_MS);
            }
        }
        if let Some(kept) = self.once_kept_s {
            p.number("once_kept_s", kept, 1e-3, limits::HORIZON_S);
        }
        if let Some(replication) = &self.replication {
            p.within("replication", |p| replication.check(p));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(database: &str) -> String {
        let database: Database = crate::read_json(database).expect("it can be read");
        let scenario = r#"{"version":1,"horizon_s":1,"components":{}}"#;
        let scenario: Scenario = crate::read_json(scenario).expect("it can be read");
        let mut problems = Problems::default();
        database.check(&scenario, &mut problems);
        let found = problems.or(()).err().unwrap_or_default();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        found.join("\n")
    }

    #[test]
    fn a_full_one_is_right_and_reads_as_it_was_written() {
        let text = r#"{"connections": 10, "queries": {"*": {"constant": {"mean_ms": 1}}},
            "tables": {"items": {"rows": 1000, "value": 10}, "users": {"rows": 10, "row_bytes": 200}},
            "statements": {
                "get": {"read": {"table": "items"}},
                "search": {"find": {"table": "items", "indexed": false}},
                "list": {"page": {"table": "items", "size": 20, "by": "keyset"}},
                "many": {"batch": {"table": "items", "keys": 100}},
                "both": {"join": {"table": "users", "rows": 5, "with": "items"}},
                "put": {"write": {"table": "items"}},
                "buy": {"change": {"table": "items", "by": -1, "care": "compare_version", "think": {"constant": {"mean_ms": 5}}}}
            },
            "costs": {"page_us": 100}, "connect": {"uniform": {"min_ms": 100, "max_ms": 200}},
            "disconnect": {"uniform": {"min_ms": 50, "max_ms": 100}}, "pool": {"max": 10},
            "lock_timeout_ms": 500, "once_kept_s": 3600, "deadlock_timeout_ms": 0,
            "replication": {"replicas": 2, "commits": {"semi_synchronous": {"acks": 1}},
                "reads": {"wait_for_position": {"timeout_ms": 100, "choice": "least_lag"}}, "failover_after_ms": 5000}}"#;
        assert_eq!(problems(text), "");
        let database: Database = crate::read_json(text).expect("it can be read");
        let written = crate::write_json(&database);
        assert_eq!(
            crate::read_json::<Database>(&written).expect("it can be read"),
            database
        );
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let said = problems(
            r#"{"connections": 1, "queries": {"a": {"constant": {"mean_ms": 1}}},
                "tables": {"items": {"rows": 10}},
                "statements": {"a": {"read": {"table": "items"}}, "b": {"find": {"table": "item", "indexed": true}},
                    "c": {"find": {"table": "items", "indexed": true, "rows": 11}}},
                "pool": {"min": 3, "max": 2}, "costs": {"row_us": -1},
                "replication": {"replicas": 1, "commits": {"semi_synchronous": {"acks": 2}}}}"#,
        );
        for expected in [
            "statements.a: 'a' has a time in 'queries' too",
            "statements.b.find.table: there is no table 'item': 'tables' has items",
            "statements.c.find.rows: 11 is out of range: 0 to 10 is allowed",
            "pool.min: 3 is out of range: 0 to 2 is allowed",
            "costs.row_us: -1 is out of range",
            "replication.commits.semi_synchronous.acks: 2 is out of range: 1 to 1 is allowed",
        ] {
            assert!(said.contains(expected), "{expected} is not in\n{said}");
        }
        assert_eq!(said.lines().count(), 6, "{said}");
    }
}
