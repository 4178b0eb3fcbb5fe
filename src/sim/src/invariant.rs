//! Invariants: what must hold in a run, so that it is seen when a system is fast and wrong.
//!
//! An invariant is watched, never enforced: how the watching is done, and what it remembers for it, is in [`audit`](crate::Auditor).
//! The names are those of the literature: lost updates (Berenson and others, *A Critique of ANSI SQL Isolation Levels*, SIGMOD
//! 1995), reading one's own writes (Terry and others, *Session Guarantees for Weakly Consistent Replicated Data*, 1994); what
//! is checked is what Jepsen's bank, register and set workloads check from outside.
//! Does not model: linearizability or serializability of whole histories, or what clients believe after a timeout.

use serde::{Deserialize, Serialize};

use crate::component::{Component, Statement};
use crate::limits;
use crate::problem::Problems;
use crate::scenario::{Scenario, unknown};

/// Something that must hold.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Invariant {
    /// What replicas, or a cache, give to readers has not been overwritten for longer than a bound.
    NoStaleReads(Freshness),
    /// Who has written a row sees that when it reads the row at a replica.
    ReadYourWrites(Watched),
    /// No change of a number is overwritten by another that did not know of it.
    NoLostUpdates(Watched),
    /// What a database has acknowledged, or a cache has answered, is there: no failover and no crash takes it away.
    NoLostWrites(Watched),
    /// No request changes a row twice by the same operation, however often it is tried or delivered.
    NoDoubleEffects(Watched),
    /// The numbers in some tables always add up to the same, but for what requests are still at work on: of a request of
    /// which nothing is left, all that it has really added to them comes to 0. So it is with money that is moved, and with a
    /// stock from which one is taken for each that is put into the orders.
    Conserved(Tables),
    /// What is done at a component for one key is done in the order in which the requests were sent.
    InOrder(Watched),
    /// Every saga ends with all of its steps done or with none: of a request of which nothing is left, each table has what all
    /// steps add to it, or what it had before. No step is taken back before it is done, no saga is done in part or without
    /// anyone who runs it for longer than a bound, and none is stuck until a person sees to it.
    SagasEnd(Steps),
    /// A message that a broker has accepted is done, or with the dead letters, or still kept; and who writes in a database leaves
    /// a message, if that is asked for.
    NoLostMessages(Messages),
    /// A request is done at a component once: no retry, hedge or second delivery is done again.
    ServedOnce(Watched),
}

/// Where it must hold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Watched {
    /// The component.
    pub at: String,
}

/// How fresh reads must be.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Freshness {
    /// The database with replicas, or the cache.
    pub at: String,
    /// For how long what is read may have been overwritten, in milliseconds; 0 if it is not given.
    #[serde(default)]
    pub within_ms: f64,
}

/// Tables whose numbers are added up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tables {
    /// The tables, of one database or of several.
    pub tables: Vec<TableOf>,
}

/// A table of a database.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TableOf {
    /// The database.
    pub database: String,
    /// Its table.
    pub table: String,
}

/// Messages that must not be lost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Messages {
    /// The queue or topic that accepts them.
    pub at: String,
    /// A database: each request that writes there also leaves a message at the broker, before nothing is left of it. So it is
    /// seen where a service writes twice, to its database and to the broker, and crashes in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writes_at: Option<String>,
}

/// The steps of a saga. A request is one such saga, or none, whoever sees to its steps.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// What the steps change; compensations are not named.
    pub steps: Vec<ChangeOf>,
    /// For how long it may be done in part, or have nobody who runs it, in milliseconds; 60,000 if it is not given.
    #[serde(default = "minute")]
    pub within_ms: f64,
}

const fn minute() -> f64 {
    60_000.0
}

/// A change of a database.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangeOf {
    /// The database.
    pub database: String,
    /// The operation that its `change` answers.
    pub operation: String,
}

/// Whether a component has what an invariant is about; if not, what that would be.
type Fits = (fn(&Component) -> bool, &'static str);

const SERVES: Fits = (
    |component| matches!(component, Component::Service(_) | Component::Database(_)),
    "a service or a database",
);
const KEEPS: Fits = (
    |component| {
        matches!(component, Component::Cache(_))
            || matches!(component, Component::Database(d) if d.keeps_rows())
    },
    "a cache, or a database with statements, writes or replicas",
);
const READS: Fits = (
    |component| {
        matches!(component, Component::Cache(_))
            || matches!(component, Component::Gateway(g) if g.cache.is_some())
            || replicated(component)
    },
    "a cache, a gateway that has one, or a database with replicas",
);
const BROKERS: Fits = (
    |component| matches!(component, Component::Queue(_) | Component::Topic(_)),
    "a queue or a topic",
);
const WRITES: Fits = (
    |component| matches!(component, Component::Database(d) if d.keeps_rows()),
    "a database with statements, writes or replicas",
);
const REPLICATED: Fits = (replicated, "a database with replicas");
const CHANGES: Fits = (
    |component| {
        let changes = |statement: &Statement| matches!(statement, Statement::Change { .. });
        matches!(component, Component::Database(d) if d.statements.values().any(changes))
    },
    "a database with a statement that is a 'change'",
);

fn replicated(component: &Component) -> bool {
    matches!(component, Component::Database(database) if database.replication.is_some())
}

impl Invariant {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoStaleReads(_) => "no_stale_reads",
            Self::ReadYourWrites(_) => "read_your_writes",
            Self::NoLostUpdates(_) => "no_lost_updates",
            Self::NoLostWrites(_) => "no_lost_writes",
            Self::NoDoubleEffects(_) => "no_double_effects",
            Self::Conserved(_) => "conserved",
            Self::InOrder(_) => "in_order",
            Self::SagasEnd(_) => "sagas_end",
            Self::NoLostMessages(_) => "no_lost_messages",
            Self::ServedOnce(_) => "served_once",
        }
    }

    pub(crate) fn check(&self, scenario: &Scenario, p: &mut Problems) {
        let place =
            |field: &str, at: &str, fits: Fits, p: &mut Problems| match scenario.components.get(at)
            {
                None => p.note_at(field, unknown(at, scenario.components.keys())),
                Some(component) if !fits.0(component) => {
                    let (kind, wanted) = (component.kind().name(), fits.1);
                    p.note_at(field, format!("'{at}' is a {kind}: this holds at {wanted}"));
                }
                Some(_) => {}
            };
        let at = |at: &str, fits: Fits, p: &mut Problems| place("at", at, fits, p);
        p.within(self.name(), |p| match self {
            Self::NoStaleReads(fresh) => {
                at(&fresh.at, READS, p);
                p.number("within_ms", fresh.within_ms, 0.0, limits::WORK_MS);
            }
            Self::ReadYourWrites(watched) => at(&watched.at, REPLICATED, p),
            Self::NoLostUpdates(watched) | Self::NoDoubleEffects(watched) => {
                at(&watched.at, CHANGES, p);
            }
            Self::NoLostWrites(watched) => at(&watched.at, KEEPS, p),
            Self::Conserved(tables) => tables.check(scenario, p),
            Self::SagasEnd(steps) => steps.check(scenario, p),
            Self::NoLostMessages(messages) => {
                at(&messages.at, BROKERS, p);
                if let Some(writes_at) = &messages.writes_at {
                    place("writes_at", writes_at, WRITES, p);
                }
            }
            Self::InOrder(watched) | Self::ServedOnce(watched) => at(&watched.at, SERVES, p),
        });
    }
}

impl Tables {
    fn check(&self, scenario: &Scenario, p: &mut Problems) {
        p.within("tables", |p| {
            if !p.list("", self.tables.len(), 1, limits::CONSERVED_TABLES) {
                return;
            }
            for (i, TableOf { database, table }) in self.tables.iter().enumerate() {
                p.within(format!("[{i}]"), |p| {
                    let known = match scenario.components.get(database) {
                        Some(Component::Database(database)) => &database.tables,
                        Some(other) => {
                            let kind = other.kind().name();
                            let message =
                                format!("'{database}' is a {kind}: databases have tables");
                            return p.note_at("database", message);
                        }
                        None => {
                            let message = unknown(database, scenario.components.keys());
                            return p.note_at("database", message);
                        }
                    };
                    if !known.contains_key(table) {
                        let known: Vec<&str> = known.keys().map(String::as_str).collect();
                        let known = known.join(", ");
                        p.note_at(
                            "table",
                            format!("there is no table '{table}': 'tables' has {known}"),
                        );
                    }
                });
            }
        });
    }
}

impl ChangeOf {
    /// The number of its table among those of its database, and what it adds; else what is wrong with it, and where.
    pub(crate) fn change(&self, scenario: &Scenario) -> Result<(usize, i64), (&str, String)> {
        let Self {
            database: name,
            operation,
        } = self;
        let database = match scenario.components.get(name) {
            Some(Component::Database(database)) => database,
            Some(other) => {
                let kind = other.kind().name();
                return Err((
                    "database",
                    format!("'{name}' is a {kind}: databases have changes"),
                ));
            }
            None => return Err(("database", unknown(name, scenario.components.keys()))),
        };
        match database.statements.get(operation) {
            Some(Statement::Change { table, by, .. }) => {
                let number = database.tables.get_index_of(table).unwrap_or(usize::MAX);
                Ok((number, *by))
            }
            Some(_) => Err(("operation", format!("'{operation}' is no 'change'"))),
            None => {
                let known: Vec<&str> = database.statements.keys().map(String::as_str).collect();
                let known = known.join(", ");
                let message = format!("there is no '{operation}': 'statements' has {known}");
                Err(("operation", message))
            }
        }
    }
}

impl Steps {
    /// What a whole saga adds to each table, by database and number, in the order in which they are named first.
    pub(crate) fn whole(&self, scenario: &Scenario) -> Vec<(&str, usize, i64)> {
        let mut whole: Vec<(&str, usize, i64)> = Vec::new();
        for step in &self.steps {
            let Ok((table, by)) = step.change(scenario) else {
                continue;
            };
            let same = |of: &&mut (&str, usize, i64)| (of.0, of.1) == (&*step.database, table);
            match whole.iter_mut().find(same) {
                Some((_, _, sum)) => *sum = sum.saturating_add(by),
                None => whole.push((&step.database, table, by)),
            }
        }
        whole
    }

    fn check(&self, scenario: &Scenario, p: &mut Problems) {
        p.number("within_ms", self.within_ms, 1.0, limits::WORK_MS * 24.0);
        p.within("steps", |p| {
            if !p.list("", self.steps.len(), 1, limits::CONSERVED_TABLES) {
                return;
            }
            for (i, step) in self.steps.iter().enumerate() {
                if let Err((field, message)) = step.change(scenario) {
                    p.within(format!("[{i}]"), |p| p.note_at(field, message));
                }
            }
            for (database, _, by) in self.whole(scenario) {
                if by == 0 {
                    p.note(format!(
                        "what they add to a table of '{database}' comes to 0, so nothing shows whether it is done"
                    ));
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(invariants: &str) -> Vec<String> {
        let text = format!(
            r#"{{"version": 1, "horizon_s": 1, "invariants": [{invariants}], "components": {{
                "users": {{"client": {{"operation": "buy", "target": "shop", "arrivals": {{"poisson": {{"rate_per_s": 1}}}}}}}},
                "jobs": {{"queue": {{}}}},
                "shop": {{"service": {{"workers": 1, "plans": {{"*": [{{"work": {{"constant": {{"mean_ms": 1}}}}}}, {{"call": {{"to": "db"}}}}]}}}}}},
                "db": {{"database": {{"connections": 1, "tables": {{"stock": {{"rows": 1, "value": 5}}}},
                    "statements": {{"buy": {{"change": {{"table": "stock", "by": -1, "care": "atomic_update"}}}}}}}}}}}}}}"#
        );
        let problems = Scenario::from_json(&text).err().unwrap_or_default();
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_can_hold_is_right_and_reads_as_it_was_written() {
        let right = r#"{"no_lost_updates": {"at": "db"}}, {"no_double_effects": {"at": "db"}}, {"no_lost_writes": {"at": "db"}},
            {"conserved": {"tables": [{"database": "db", "table": "stock"}]}}, {"in_order": {"at": "shop"}}, {"served_once": {"at": "db"}},
            {"sagas_end": {"steps": [{"database": "db", "operation": "buy"}], "within_ms": 500}},
            {"no_lost_messages": {"at": "jobs"}}, {"no_lost_messages": {"at": "jobs", "writes_at": "db"}}"#;
        assert_eq!(problems(right), Vec::<String>::new());
        let read: Vec<Invariant> = crate::read_json(&format!("[{right}]")).expect("it can be read");
        let written = crate::write_json(&read);
        let again: Vec<Invariant> = crate::read_json(&written).expect("it can be read");
        assert_eq!(read, again);
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let wrong = [
            (
                r#"{"no_stale_reads": {"at": "db", "within_ms": -1}}"#,
                vec![
                    "invariants[0].no_stale_reads.at: 'db' is a database: this holds at a cache, a gateway that has one, or a database with replicas",
                    "invariants[0].no_stale_reads.within_ms: -1 is out of range: 0 to 3600000 is allowed",
                ],
            ),
            (
                r#"{"in_order": {"at": "users"}}"#,
                vec![
                    "invariants[0].in_order.at: 'users' is a client: this holds at a service or a database",
                ],
            ),
            (
                r#"{"read_your_writes": {"at": "nowhere"}}"#,
                vec![
                    "invariants[0].read_your_writes.at: there is no component 'nowhere': the components are users, jobs, shop, db",
                ],
            ),
            (
                r#"{"conserved": {"tables": []}}, {"conserved": {"tables": [{"database": "db", "table": "x"}, {"database": "shop", "table": "x"}]}}"#,
                vec![
                    "invariants[0].conserved.tables: 0 is out of range: 1 to 100 is allowed",
                    "invariants[1].conserved.tables[0].table: there is no table 'x': 'tables' has stock",
                    "invariants[1].conserved.tables[1].database: 'shop' is a service: databases have tables",
                ],
            ),
            (
                r#"{"no_lost_messages": {"at": "shop", "writes_at": "jobs"}}"#,
                vec![
                    "invariants[0].no_lost_messages.at: 'shop' is a service: this holds at a queue or a topic",
                    "invariants[0].no_lost_messages.writes_at: 'jobs' is a queue: this holds at a database with statements, writes or replicas",
                ],
            ),
            (
                r#"{"sagas_end": {"steps": [], "within_ms": 0}},
                    {"sagas_end": {"steps": [{"database": "shop", "operation": "buy"}, {"database": "x", "operation": "buy"}, {"database": "db", "operation": "sell"}]}}"#,
                vec![
                    "invariants[0].sagas_end.within_ms: 0 is out of range: 1 to 86400000 is allowed",
                    "invariants[0].sagas_end.steps: 0 is out of range: 1 to 100 is allowed",
                    "invariants[1].sagas_end.steps[0].database: 'shop' is a service: databases have changes",
                    "invariants[1].sagas_end.steps[1].database: there is no component 'x': the components are users, jobs, shop, db",
                    "invariants[1].sagas_end.steps[2].operation: there is no 'sell': 'statements' has buy",
                ],
            ),
        ];
        for (invariants, expected) in wrong {
            assert_eq!(problems(invariants), expected, "{invariants}");
        }
    }
}
