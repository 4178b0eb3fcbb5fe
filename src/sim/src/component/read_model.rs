//! Views: read models that follow an event store, or a table of a database, and answer queries from what they have applied.
//!
//! Models: one query per connection at a time, a bounded line of those that wait for one. Beside them, one projector that
//! takes the source's changes in order, each when it has been delivered, applies them one by one or in batches, and commits;
//! so a view lags as a queue does, and what is read is as old as the view is behind. Several views of one source have each its
//! own pace. A rebuild goes through the whole log again: in place, with queries refused, or beside the old table, which answers
//! until the new one has caught up (blue-green). A crash stops queries and projector; what the view has applied is still there,
//! and the projector goes on from its checkpoint. While the source is down there is nothing to read.
//! The log of a table begins with the run: of what was there before, a view that is rebuilt knows nothing until it is written.
//! Does not model: a view of several sources, projectors and queries that slow each other down, changes that can't be applied,
//! or a database whose changes may be lost in a failover: one with replicas can't be followed.
//! The mechanism and its sources are in `sourcing/projection.rs`; in the notes on drawing, `view` means the picture.

use serde::{Deserialize, Serialize};
use vecmap::VecMap;

use super::service::{is_one, no_bound, one};
use super::{ANY, Component, check_operation};
use crate::distribution::Distribution;
use crate::limits;
use crate::problem::Problems;
use crate::resilience::Shedding;
use crate::scenario::{Scenario, unknown};

/// A view that follows a source.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReadModel {
    /// The event store or database that it follows.
    pub source: String,
    /// The table that it follows, of a database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Queries that it works on at once.
    pub connections: u32,
    /// Queries that may wait for a connection; the next is refused.
    #[serde(default = "no_bound")]
    pub queue: u32,
    /// Whom to turn away from the line.
    #[serde(default, skip_serializing_if = "Shedding::is_empty")]
    pub shedding: Shedding,
    /// How long a query takes, by operation; `*` is for any operation not named. It reads the row of the request's key.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, Distribution>")
    )]
    pub queries: VecMap<String, Distribution>,
    /// How long applying a change takes.
    pub apply: Distribution,
    /// How long committing a batch of changes takes; no time if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Distribution>,
    /// Changes that are applied and committed together, at most; 1 if it is not given, as Axon has it.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = one())))]
    pub batch: u32,
    /// How long after it happened a change is delivered, in milliseconds; 0 if it is not given.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = 0.0)))]
    pub delay_ms: f64,
    /// After how many changes it notes how far it has come; 1 if it is not given: with each batch.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = one())))]
    pub checkpoint_every: u32,
    /// When it is built anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rebuilds: Vec<Rebuild>,
}

/// Building a view anew from the whole log.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rebuild {
    /// When, in simulated seconds. One that is still under way begins anew.
    pub at_s: f64,
    /// How.
    pub how: Rebuilding,
}

/// How a view is built anew.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rebuilding {
    /// The table is emptied, and queries see what has been applied again: rows are missing or old.
    InPlace,
    /// The same, but queries are refused until all is there.
    Offline,
    /// A second table is built by a projector of its own, while the first goes on; once it has caught up it takes its place.
    Beside,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(millis: &f64) -> bool {
    *millis == 0.0
}

impl ReadModel {
    /// How long a query takes, with the name that it has in its file.
    pub(crate) fn answer<'a>(&'a self, operation: &str) -> Option<(&'a str, &'a Distribution)> {
        let own = self.queries.get_key_value(operation);
        let found = own.or_else(|| self.queries.get_key_value(ANY));
        found.map(|(name, time)| (name.as_str(), time))
    }

    /// How many rows it follows; none if its source is not right.
    pub(crate) fn rows(&self, scenario: &Scenario) -> Option<u64> {
        match scenario.components.get(&self.source)? {
            Component::EventStore(store) => Some(u64::from(store.streams)),
            Component::Database(database) => Some(database.tables.get(self.table.as_ref()?)?.rows),
            _ => None,
        }
    }

    pub(crate) fn check(&self, scenario: &Scenario, p: &mut Problems) {
        self.check_source(scenario, p);
        p.count(
            "connections",
            u64::from(self.connections),
            1,
            limits::WORKERS,
        );
        p.count("queue", u64::from(self.queue), 0, limits::QUEUE);
        p.within("shedding", |p| self.shedding.check(p));
        if self.queries.is_empty() {
            p.note_at("queries", "a view needs at least one query");
        }
        p.within("queries", |p| {
            for (operation, time) in &self.queries {
                check_operation(operation, operation, p);
                p.within(operation, |p| time.check(p));
            }
        });
        p.within("apply", |p| self.apply.check(p));
        if let Some(commit) = &self.commit {
            p.within("commit", |p| commit.check(p));
        }
        p.count("batch", u64::from(self.batch), 1, limits::BATCH_CHANGES);
        p.number("delay_ms", self.delay_ms, 0.0, limits::WORK_MS);
        p.count(
            "checkpoint_every",
            u64::from(self.checkpoint_every),
            1,
            limits::QUEUE,
        );
        p.within("rebuilds", |p| {
            p.count("", self.rebuilds.len() as u64, 0, limits::REBUILDS);
            for (i, rebuild) in self.rebuilds.iter().enumerate() {
                p.within(format!("[{i}]"), |p| {
                    p.number("at_s", rebuild.at_s, 0.0, limits::HORIZON_S);
                });
            }
        });
    }

    fn check_source(&self, scenario: &Scenario, p: &mut Problems) {
        match scenario.components.get(&self.source) {
            None => p.note_at("source", unknown(&self.source, scenario.components.keys())),
            Some(Component::EventStore(_)) => {
                if self.table.is_some() {
                    p.note_at(
                        "table",
                        "an event store has streams and no tables: leave this out",
                    );
                }
            }
            Some(Component::Database(database)) => {
                if database.replication.is_some() {
                    p.note_at(
                        "source",
                        format!(
                            "'{}' has replicas, which may lose writes in a failover: follow a database without them",
                            self.source
                        ),
                    );
                }
                let known = || {
                    database
                        .tables
                        .keys()
                        .map(String::as_str)
                        .collect::<Vec<_>>()
                };
                match &self.table {
                    None => p.note_at(
                        "table",
                        format!(
                            "say which table of '{}' it follows: {}",
                            self.source,
                            known().join(", ")
                        ),
                    ),
                    Some(table) => match database.tables.get(table) {
                        None => p.note_at(
                            "table",
                            format!(
                                "there is no table '{table}': '{}' has {}",
                                self.source,
                                known().join(", ")
                            ),
                        ),
                        Some(found) if found.rows > limits::STREAMS => p.note_at(
                            "table",
                            format!(
                                "'{table}' has {} rows: a view can follow {} at most",
                                found.rows,
                                limits::STREAMS
                            ),
                        ),
                        Some(_) => {}
                    },
                }
            }
            Some(other) => p.note_at(
                "source",
                format!(
                    "'{}' is a {}: a view follows an event_store or a database",
                    self.source,
                    other.kind().name()
                ),
            ),
        }
    }
}

/// Notes if all logs and views together have too many rows.
pub(crate) fn check_rows(scenario: &Scenario, p: &mut Problems) {
    let rows = scenario
        .components
        .values()
        .map(|component| match component {
            Component::EventStore(store) => u64::from(store.streams),
            Component::View(view) => {
                let beside = view.rebuilds.iter().any(|r| r.how == Rebuilding::Beside);
                let log = u64::from(view.table.is_some());
                view.rows(scenario).unwrap_or(0) * (1 + log + u64::from(beside))
            }
            _ => 0,
        });
    let rows: u64 = rows.sum();
    if rows > limits::FOLLOWED_ROWS {
        p.note_at(
            "components",
            format!(
                "{rows} rows of event stores and views in all: at most {} are allowed",
                limits::FOLLOWED_ROWS
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;

    fn scenario(view: &str) -> Result<Scenario, String> {
        let text = format!(
            r#"{{"version":1,"horizon_s":1,"components":{{
                "users":{{"client":{{"operation":"x","target":"list","arrivals":{{"constant":{{"rate_per_s":1}}}}}}}},
                "store":{{"event_store":{{"connections":1,"streams":10,"operations":{{"*":"load"}}}}}},
                "db":{{"database":{{"connections":1,"tables":{{"big":{{"rows":100001}},"small":{{"rows":10}}}},"statements":{{"*":{{"write":{{"table":"small"}}}}}}}}}},
                "list":{{"view":{view}}}}}}}"#
        );
        Scenario::from_json(&text).map_err(|problems| {
            let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
            shown.join("\n")
        })
    }

    #[test]
    fn a_full_one_is_right_and_reads_as_it_was_written() {
        let good = scenario(
            r#"{"source":"db","table":"small","connections":4,"queries":{"*":{"constant":{"mean_ms":1}}},
                "apply":{"exponential":{"mean_ms":1}},"commit":{"constant":{"mean_ms":1}},"batch":100,"delay_ms":20,
                "checkpoint_every":1000,"rebuilds":[{"at_s":0.5,"how":"beside"}]}"#,
        )
        .expect("valid");
        let again = Scenario::from_json(&crate::write_json(&good)).expect("valid");
        assert_eq!(good, again);
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let rest = r#""connections":1,"queries":{"*":{"constant":{"mean_ms":1}}},"apply":{"constant":{"mean_ms":1}}}"#;
        for (source, expected) in [
            (
                r#"{"source":"stor","#,
                "components.list.view.source: there is no component 'stor'",
            ),
            (
                r#"{"source":"users","#,
                "components.list.view.source: 'users' is a client",
            ),
            (
                r#"{"source":"db","#,
                "components.list.view.table: say which table of 'db' it follows: big, small",
            ),
            (
                r#"{"source":"db","table":"big","#,
                "'big' has 100001 rows: a view can follow 100000",
            ),
            (
                r#"{"source":"db","table":"bag","#,
                "there is no table 'bag': 'db' has big, small",
            ),
            (
                r#"{"source":"store","table":"x","#,
                "an event store has streams and no tables",
            ),
            (
                r#"{"source":"store","batch":0,"#,
                "components.list.view.batch: 0 is out of range: 1 to 10000",
            ),
            (
                r#"{"source":"store","delay_ms":-1,"#,
                "components.list.view.delay_ms: -1",
            ),
        ] {
            let said = scenario(&format!("{source}{rest}")).expect_err("must be refused");
            assert!(said.contains(expected), "{said}");
        }
    }
}
