//! A router in front of shards: each request goes to the store that owns its key.
//!
//! Models: the router (mongos, vtgate, twemproxy) as a station, the rule that says who owns a key
//! ([`Partitioning`]), operations that ask all shards at once and go on with enough answers, and keys that move from shard to
//! shard while they are served ([`Reshard`]). A copy is work at both stores and at the router's
//! mover, a station beside it, as `MongoDB`'s migrations and
//! Redis' MIGRATE are; a copied row keeps its number, and is a new version at its new store. A store has the rows of the keys
//! that are its own: a read that comes too early or too late finds none, and is told so.
//! Does not model: several routers that disagree, transactions over shards, statements that write several rows (they are
//! written where the first belongs), writes that come to a store past its router while keys move, or changes made once:
//! what is kept of them stays where it is when their key moves. What a copy undoes is counted, and breaks no invariant.
//! A hot key is hot wherever it is; a hot shard comes of the rule and the keys.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use vecmap::VecMap;

use super::gateway::{is_many, is_no_bound, many};
use super::service::no_bound;
use super::{Answer, Component, Database, check_operation, check_target};
use crate::distribution::Distribution;
use crate::hash::slot::SLOTS;
use crate::keys::Keys;
use crate::limits;
use crate::problem::Problems;
use crate::scenario::Scenario;
use crate::shard::{Partitioning, Policy};

/// A router in front of shards.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Shards {
    /// The shards.
    pub targets: Vec<String>,
    /// Which shard owns a key.
    pub partitioning: Partitioning,
    /// Operations that go to all shards at once.
    #[serde(default, skip_serializing_if = "VecMap::is_empty")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, Scatter>")
    )]
    pub scatter: VecMap<String, Scatter>,
    /// Another spread of the keys, from a moment on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reshard: Option<Box<Reshard>>,
    /// How long a worker is at each request before it sends it on; no time if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<Distribution>,
    /// Requests that it works on at once. One that waits for a shard counts, too.
    #[serde(default = "many", skip_serializing_if = "is_many")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = many())))]
    pub workers: u32,
    /// Requests that may wait for a worker; the next is refused.
    #[serde(default = "no_bound", skip_serializing_if = "is_no_bound")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = no_bound())))]
    pub queue: u32,
}

/// How the answers of all shards come together, as Elasticsearch's `_shards` and `timed_out` report it.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Scatter {
    /// With so many answers it goes on when the others have failed or are late; then the answer counts as degraded. All if it
    /// is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<u32>,
    /// How long it waits for all, in milliseconds; without it for as long as it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<f64>,
}

/// Another spread of the keys.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Reshard {
    /// When keys begin to move, in simulated seconds.
    pub at_s: f64,
    /// The shards after it.
    pub targets: Vec<String>,
    /// Which of them owns a key; as before if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitioning: Option<Partitioning>,
    /// What becomes of requests for keys that are on the move.
    pub policy: Policy,
    /// Keys copied a second, at most; 1,000 if it is not given.
    #[serde(default = "keys_per_s")]
    pub keys_per_s: f64,
    /// Keys that move together, 1 to 1,000; 100 if it is not given.
    #[serde(default = "batch")]
    pub batch: u32,
    /// Keys copied at once, 1 to 100; 4 if it is not given.
    #[serde(default = "copiers")]
    pub copiers: u32,
    /// The old owner's work for each key; 0.2 ms if it is not given.
    #[serde(default = "read")]
    pub read: Distribution,
    /// The new owner's work for each key; 1 ms if it is not given.
    #[serde(default = "write")]
    pub write: Distribution,
}

const fn keys_per_s() -> f64 {
    1_000.0
}

const fn batch() -> u32 {
    100
}

const fn copiers() -> u32 {
    4
}

const fn read() -> Distribution {
    Distribution::Constant { mean_ms: 0.2 }
}

const fn write() -> Distribution {
    Distribution::Constant { mean_ms: 1.0 }
}

impl Shards {
    /// All shards that it ever has, each once: those of the start, then those that come.
    pub fn all_targets(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.targets.iter().map(String::as_str).collect();
        let Some(reshard) = &self.reshard else {
            return all;
        };
        let mut seen: BTreeSet<&str> = all.iter().copied().collect();
        let later = reshard.targets.iter().map(String::as_str);
        all.extend(later.filter(|name| seen.insert(name)));
        all
    }

    /// How an operation that goes to all shards comes together.
    pub fn scattered(&self, operation: &str) -> Option<&Scatter> {
        let own = self.scatter.get(operation);
        own.or_else(|| self.scatter.get(super::ANY))
    }

    pub(crate) fn check(&self, name: &str, scenario: &Scenario, p: &mut Problems) {
        check_shards(&self.targets, scenario, p);
        check_partitioning(&self.partitioning, &self.targets, p);
        let least = match &self.reshard {
            Some(reshard) => self.targets.len().min(reshard.targets.len()),
            None => self.targets.len(),
        };
        p.within("scatter", |p| {
            for (operation, scatter) in &self.scatter {
                check_operation(operation, operation, p);
                p.within(operation, |p| {
                    if let Some(need) = scatter.need {
                        p.count("need", u64::from(need), 1, least.max(1) as u64);
                    }
                    if let Some(timeout_ms) = scatter.timeout_ms {
                        p.number("timeout_ms", timeout_ms, 0.001, limits::WORK_MS);
                    }
                });
            }
        });
        if let Some(work) = &self.work {
            p.within("work", |p| work.check(p));
        }
        p.count("workers", u64::from(self.workers), 1, limits::WORKERS);
        p.count("queue", u64::from(self.queue), 0, limits::QUEUE);
        if let Some(reshard) = &self.reshard {
            p.within("reshard", |p| {
                reshard.check(self, scenario, p);
                if p.is_empty() {
                    self.check_stores(name, scenario, p);
                }
            });
        }
    }

    /// Whether rows can be moved between its shards: each is a database, of this router alone, and all are alike.
    fn check_stores(&self, name: &str, scenario: &Scenario, p: &mut Problems) {
        let mut first: Option<&Database> = None;
        let mut others: BTreeMap<&str, &str> = BTreeMap::new();
        for (other, component) in &scenario.components {
            if let Component::Shards(shards) = component
                && other != name
            {
                for target in shards.all_targets() {
                    others.entry(target).or_insert(other);
                }
            }
        }
        for target in self.all_targets() {
            let Some(Component::Database(database)) = scenario.components.get(target) else {
                p.note(format!(
                    "'{target}' is no database: only databases have rows that can be moved"
                ));
                continue;
            };
            if let Some(other) = others.get(target) {
                p.note(format!(
                    "'{target}' is a shard of '{other}', too: its rows can be moved by one router only"
                ));
            }
            let alike = first.get_or_insert(database);
            if alike.tables != database.tables
                || alike.statements != database.statements
                || alike.writes != database.writes
                || !alike.queries.keys().eq(database.queries.keys())
            {
                p.note(format!(
                    "'{target}' must have the same tables, statements and writes as the first shard: what is moved must mean the same there"
                ));
            }
            let mut tables = database
                .statements
                .values()
                .filter_map(|s| s.written_table());
            let table = tables.next();
            if tables.any(|other| Some(other) != table)
                || (table.is_some() && !database.writes.is_empty())
            {
                p.note(format!(
                    "'{target}' writes to several tables: a key that can be moved has one row"
                ));
            }
            let writes_several = |answer: Answer<'_>| match answer {
                Answer::Statement(statement) => statement.written_rows() > 1,
                Answer::Query(_) => false,
            };
            for operation in database.statements.keys() {
                let answer = database.answer(operation);
                if answer.is_some_and(|(_, answer)| writes_several(answer)) {
                    p.note(format!(
                        "'{operation}' of '{target}' writes several rows: a key that can be moved has one row"
                    ));
                }
            }
        }
        let keys = keys(scenario);
        if keys > limits::RESHARD_KEYS {
            p.note(format!(
                "clients ask for {keys} keys: at most {} can be moved",
                limits::RESHARD_KEYS
            ));
        }
        if let Some(database) = first
            && let Some((table, rows)) = { database.tables.iter() }
                .map(|(name, table)| (name, table.rows))
                .find(|(_, rows)| *rows < keys)
        {
            p.note(format!(
                "clients ask for {keys} keys, and the table '{table}' has {rows} rows: each key needs a row of its own"
            ));
        }
    }

    /// Entries in the tables of its rules.
    fn cells(&self) -> u64 {
        let of = |partitioning: &Partitioning, targets: &[String]| match partitioning {
            Partitioning::Modulo | Partitioning::Jump => 0,
            Partitioning::Range { .. } | Partitioning::Rendezvous => targets.len() as u64,
            Partitioning::Slots { .. } => u64::from(SLOTS) / 4,
            Partitioning::Ring { points } => u64::from(*points) * targets.len() as u64,
            Partitioning::Directory { keys, .. } => 4 * keys.len() as u64,
        };
        let later = self.reshard.as_ref().map_or(0, |reshard| {
            let partitioning = reshard.partitioning.as_ref();
            of(partitioning.unwrap_or(&self.partitioning), &reshard.targets)
        });
        of(&self.partitioning, &self.targets) + later
    }
}

impl Reshard {
    fn check(&self, shards: &Shards, scenario: &Scenario, p: &mut Problems) {
        p.number("at_s", self.at_s, 0.0, limits::HORIZON_S);
        check_shards(&self.targets, scenario, p);
        if self.partitioning.is_none() && self.targets == shards.targets {
            p.note_at(
                "targets",
                "nothing changes: name other shards, or another 'partitioning'",
            );
        }
        let partitioning = self.partitioning.as_ref().unwrap_or(&shards.partitioning);
        check_partitioning(partitioning, &self.targets, p);
        p.number("keys_per_s", self.keys_per_s, 0.001, limits::RATE_PER_S);
        p.count("batch", u64::from(self.batch), 1, 1_000);
        p.count("copiers", u64::from(self.copiers), 1, 100);
        p.within("read", |p| self.read.check(p));
        p.within("write", |p| self.write.check(p));
    }
}

fn check_shards(targets: &[String], scenario: &Scenario, p: &mut Problems) {
    p.within("targets", |p| {
        if !p.list("", targets.len(), 1, limits::SHARDS) {
            return;
        }
        let mut earlier = BTreeSet::new();
        for (at, target) in targets.iter().enumerate() {
            let place = format!("[{at}]");
            check_target(&place, target, scenario, p);
            if !earlier.insert(target) {
                p.note_at(place, format!("'{target}' is in the list already"));
            }
        }
    });
}

fn check_partitioning(partitioning: &Partitioning, targets: &[String], p: &mut Problems) {
    p.within("partitioning", |p| match partitioning {
        Partitioning::Modulo | Partitioning::Jump | Partitioning::Rendezvous => {}
        Partitioning::Range { bounds } => p.within("range", |p| check_bounds(bounds, targets, p)),
        Partitioning::Slots { bounds } => p.within("slots", |p| {
            if !bounds.is_empty() {
                check_bounds(bounds, targets, p);
            }
            if let Some(last) = bounds.last() {
                p.count("bounds", u64::from(*last), 1, u64::from(SLOTS) - 1);
            }
        }),
        Partitioning::Ring { points } => p.within("ring", |p| {
            p.count("points", u64::from(*points), 1, limits::SHARD_POINTS);
        }),
        Partitioning::Directory { keys, default } => p.within("directory", |p| {
            if !p.list("keys", keys.len(), 0, limits::DIRECTORY) {
                return;
            }
            let check = |field: String, name: &String, p: &mut Problems| {
                if !targets.contains(name) {
                    p.note_at(
                        field,
                        format!(
                            "'{name}' is none of the shards: they are {}",
                            targets
                                .iter()
                                .take(20)
                                .cloned()
                                .collect::<Vec<_>>()
                                .join(", ")
                        ),
                    );
                }
            };
            for (at, stretch) in keys.iter().enumerate() {
                check(format!("keys[{at}].at"), &stretch.at, p);
                if stretch.from > stretch.to {
                    p.note_at(
                        format!("keys[{at}]"),
                        format!("from {} to {} is no key", stretch.from, stretch.to),
                    );
                }
            }
            check("default".to_owned(), default, p);
        }),
    });
}

fn check_bounds<T: PartialOrd>(bounds: &[T], targets: &[String], p: &mut Problems) {
    if bounds.len() + 1 != targets.len() {
        p.note_at(
            "bounds",
            format!(
                "{} bounds for {} shards: there must be one fewer than there are shards",
                bounds.len(),
                targets.len()
            ),
        );
    }
    if bounds.windows(2).any(|pair| pair[0] >= pair[1]) {
        p.note_at("bounds", "they must rise");
    }
}

/// Whether the tables of all routers' rules together can be held in memory.
pub(crate) fn check_caps(scenario: &Scenario, p: &mut Problems) {
    let all = scenario
        .components
        .values()
        .map(|component| match component {
            Component::Shards(shards) => shards.cells(),
            _ => 0,
        });
    let cells: u64 = all.sum();
    if cells > limits::RING_POINTS {
        p.note_at(
            "components",
            format!(
                "{cells} points and entries in the rules of all shards: at most {} are allowed",
                limits::RING_POINTS
            ),
        );
    }
}

/// How many keys clients ask for, from 0 on.
pub(crate) fn keys(scenario: &Scenario) -> u64 {
    let keys = scenario
        .components
        .values()
        .map(|component| match component {
            Component::Client(client) => client.keys.as_ref().map_or(1, Keys::count),
            _ => 0,
        });
    keys.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(shards: &str, store: &str) -> String {
        let text = format!(
            r#"{{"version":1,"horizon_s":1,"components":{{
                "u":{{"client":{{"operation":"get","target":"r","keys":{{"uniform":{{"count":100}}}},"arrivals":{{"constant":{{"rate_per_s":1}}}}}}}},
                "r":{{"shards":{{{shards}}}}},"a":{store},"b":{store},
                "s":{{"service":{{"workers":1,"plans":{{"*":[{{"work":{{"constant":{{"mean_ms":1}}}}}}]}}}}}}}}}}"#
        );
        let problems = Scenario::from_json(&text).err().unwrap_or_default();
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        all.join("\n")
    }

    const STORE: &str = r#"{"database":{"connections":1,"tables":{"t":{"rows":100}},"statements":{"get":{"read":{"table":"t"}},"put":{"write":{"table":"t"}}}}}"#;

    #[test]
    fn every_rule_can_be_written() {
        for partitioning in [
            r#""modulo""#,
            r#""jump""#,
            r#""rendezvous""#,
            r#"{"range":{"bounds":[50]}}"#,
            r#"{"slots":{}}"#,
            r#"{"slots":{"bounds":[5000]}}"#,
            r#"{"ring":{}}"#,
            r#"{"ring":{"points":1000}}"#,
            r#"{"directory":{"keys":[{"from":1,"to":1,"at":"b"}],"default":"a"}}"#,
        ] {
            let shards = format!(
                r#""targets":["a","b"],"partitioning":{partitioning},"scatter":{{"search":{{"need":1,"timeout_ms":50}}}},
                    "reshard":{{"at_s":0.5,"targets":["b","a"],"partitioning":"jump","policy":"dual_writes"}}"#
            );
            assert_eq!(said(&shards, STORE), "", "{partitioning}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (shards, expected) in [
            (
                r#""targets":["a","a","u"],"partitioning":"modulo""#,
                "components.r.shards.targets[1]: 'a' is in the list already\ncomponents.r.shards.targets[2]: 'u' is a client: clients send requests and take none",
            ),
            (
                r#""targets":["a","b"],"partitioning":{"range":{"bounds":[9,9]}}"#,
                "components.r.shards.partitioning.range.bounds: 2 bounds for 2 shards: there must be one fewer than there are shards\ncomponents.r.shards.partitioning.range.bounds: they must rise",
            ),
            (
                r#""targets":["a"],"partitioning":{"directory":{"keys":[{"from":2,"to":1,"at":"b"}],"default":"a"}}"#,
                "components.r.shards.partitioning.directory.keys[0].at: 'b' is none of the shards: they are a\ncomponents.r.shards.partitioning.directory.keys[0]: from 2 to 1 is no key",
            ),
            (
                r#""targets":["a","b"],"partitioning":{"ring":{"points":0}},"scatter":{"x":{"need":3}}"#,
                "components.r.shards.partitioning.ring.points: 0 is out of range: 1 to 10000 is allowed\ncomponents.r.shards.scatter.x.need: 3 is out of range: 1 to 2 is allowed",
            ),
            (
                r#""targets":["a"],"partitioning":"jump","reshard":{"at_s":0,"targets":["a"],"policy":"at_once"}"#,
                "components.r.shards.reshard.targets: nothing changes: name other shards, or another 'partitioning'",
            ),
            (
                r#""targets":["a"],"partitioning":"jump","reshard":{"at_s":0,"targets":["a","s"],"policy":"at_once"}"#,
                "components.r.shards.reshard: 's' is no database: only databases have rows that can be moved",
            ),
        ] {
            assert_eq!(said(shards, STORE), expected);
        }
        let several = STORE.replace(
            r#""write":{"table":"t"}"#,
            r#""write":{"table":"t","rows":2}"#,
        );
        let reshard = r#""targets":["a"],"partitioning":"jump","reshard":{"at_s":0,"targets":["a","b"],"policy":"at_once"}"#;
        let found = said(reshard, &several);
        assert!(
            found.contains("'put' of 'a' writes several rows"),
            "{found}"
        );
        let few = STORE.replace("100", "99");
        let found = said(reshard, &few);
        assert!(found.contains("the table 't' has 99 rows"), "{found}");
    }

    #[test]
    fn a_call_that_comes_back_to_the_router_is_refused() {
        let found = said(
            r#""targets":["a","s"],"partitioning":"jump""#,
            &STORE.replace(r#""get""#, r#""got""#),
        );
        assert!(
            found.contains("'a' has no plan for the operation 'get'"),
            "{found}"
        );
    }
}
