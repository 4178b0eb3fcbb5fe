//! Challenges: a design that runs well today, a day on which it will not, and what it has to keep on that day.
//!
//! A challenge is a folder: `challenge.json` (a [`Brief`]), `start.json` (a scenario), and, to prove that it can be solved and is
//! not solved by anything, `solutions/*.json` and `non-solutions/*.json` (each an [`Attempt`]). The learner is told less of the
//! day than the brief knows. Who judges a design is in `judge.rs`, and what a design may not change in `refuse.rs`.

use scale_sim::{Arrivals, Component, Keys, Kind, Mix, Problem, Scenario, from_json_value};
use scale_sim::{parse_json, read_json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vecmap::VecMap;

use crate::cost::Prices;
use crate::duty::{self, Look};
use crate::slo::{Objective, Slos};

/// The version of the format that this build reads.
pub const CHALLENGE_VERSION: u32 = 1;

/// A challenge as its author wrote it: `challenge.json`.
///
/// Whoever takes it gets the start and may change anything of it, but not who asks and for what: the clients keep their load,
/// their operations, keys and deadlines (their `target` and `resilience` may change). The work must still be done: each piece of
/// work and each query of the start stands on the way of the same operation, with the time it takes, as often as in the start.
/// It may be put off (a queue, a topic, an outbox, a cache that writes behind) unless `before_answer` names it, and kept in caches
/// unless the operation changes something. A call that nobody waits for does not count: nobody would know that it failed. A design that drops work, makes it cheaper, or asks for a machine that is not to be had is refused.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Brief {
    /// The version of the format: 1.
    pub version: u32,
    /// Its title.
    pub title: String,
    /// What the system does and for whom, in a few sentences.
    pub story: String,
    /// What the learner is told of the day that is to come. It need not be all.
    pub told: String,
    /// The steps of the exercise, each as a question about this system.
    pub steps: Steps,
    /// What has to be kept on that day. `cost_per_h` is the budget.
    pub slos: Slos,
    /// Components that belong to others: they cost nothing by the hour, and stay as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<String>,
    /// Queries, by their operation, that have to be asked before the answer: they can't be put off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before_answer: Vec<String>,
    /// Queries that a cache may make one of for several requests about one key, as one that writes behind does: of counts or
    /// places only the last is of account. All others are asked for each request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mergeable: Vec<String>,
    /// Queries that a view may answer instead, from what it has made ready, and what that takes at least.
    #[serde(default, skip_serializing_if = "VecMap::is_empty")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, Prepared>")
    )]
    pub prepared: VecMap<String, Prepared>,
    /// Invariants that are watched wherever the design has something that they are about. Their violations count for the
    /// objective `violations`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// The largest machines that there are.
    #[serde(default)]
    pub largest: Largest,
    /// The price list; the usual one if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
    /// What really happens on that day.
    pub day: Day,
}

/// The five steps of the exercise.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// Which component gives first, and how one can tell.
    pub bottlenecks: String,
    /// What to scale by copies (X), by function (Y) and by key (Z).
    pub scale: String,
    /// What to cache where, and for how long.
    pub caching: String,
    /// What can be done after the answer.
    pub asynchronous: String,
    /// Where it must be right, and which pattern sees to that.
    pub consistency: String,
}

/// What a query to a view takes at least.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Prepared {
    /// The query itself, on average, in milliseconds.
    pub query_ms: f64,
    /// Applying a change to the view, on average, in milliseconds.
    pub apply_ms: f64,
}

/// The largest machines that there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Largest {
    /// Workers of an instance; 64 if it is not given.
    pub workers: u32,
    /// Queries that a node of a database, or a view, works on at once; 32 if it is not given.
    pub connections: u32,
}

impl Default for Largest {
    fn default() -> Self {
        Self {
            workers: 64,
            connections: 32,
        }
    }
}

/// An invariant, wherever a design has something that it is about.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// At every database that changes numbers: no change overwrites another.
    NoLostUpdates,
    /// At every database and every cache: what was answered stays.
    NoLostWrites,
    /// At every database with replicas: who has written sees it.
    ReadYourWrites,
    /// At every database that changes numbers: no request changes a row twice.
    NoDoubleEffects,
    /// At every queue and topic: what was accepted is done or kept.
    NoLostMessages,
    /// The numbers in all tables of these names, in whichever databases, add up to the same.
    Conserved(Vec<String>),
}

/// The day on which a design is judged.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Day {
    /// What happened, for who has seen a verdict.
    pub says: String,
    /// When it ends, in simulated seconds.
    pub horizon_s: f64,
    /// From when on it counts, in simulated seconds.
    pub warmup_s: f64,
    /// What the clients do instead, by name.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, Load>")
    )]
    pub clients: VecMap<String, Load>,
    /// What goes wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Hit>,
}

/// What a client does on that day; what is not given is as in the start.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// When its requests come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<Arrivals>,
    /// Which keys they are about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Keys>,
    /// Which operations they ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mix: Option<Mix>,
}

/// A fault, wherever a design has what it hits.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Hit {
    /// What goes wrong.
    pub what: Mishap,
    /// Where.
    pub at: Struck,
    /// Which instance, or node of a database, from 1; all if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<u32>,
    /// When it begins, in simulated seconds.
    pub at_s: f64,
    /// How long it lasts, in simulated seconds.
    pub for_s: f64,
}

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mishap {
    /// It crashes, and comes back empty.
    Crash,
    /// Its work takes so many times as long.
    Slow(f64),
    /// So large a share of its requests fails, 0 to 1.
    Errors(f64),
    /// A cache forgets all.
    CacheFlush,
    /// Replicas, or a view, do not apply what they receive.
    ReplicaLag,
}

/// What is hit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Struck {
    /// A component that belongs to others, and so is in every design.
    Outside(String),
    /// Every component of a kind, but those of others.
    Every(Kind),
}

/// A way to take a challenge: a solution, or something that looks like one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// What it does, in a few words.
    pub title: String,
    /// Why it works, or why it does not.
    pub why: String,
    /// What it changes of the start: a JSON merge patch (RFC 7396), in which `null` takes a member away and a list takes the
    /// place of a list.
    pub change: Value,
    /// Of a non-solution: the objectives that it misses with every seed; it may miss others with some. None if it is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub misses: Vec<Objective>,
}

/// A challenge, checked.
#[derive(Clone, PartialEq, Debug)]
pub struct Challenge {
    /// What is asked.
    pub brief: Brief,
    /// The design that the learner begins with, under today's load.
    pub start: Scenario,
    /// The same as its author wrote it, for attempts to change.
    pub tree: Value,
}

/// The names of a challenge's files.
pub const BRIEF: &str = "challenge.json";
/// See [`BRIEF`].
pub const START: &str = "start.json";

/// The list of all challenges' folders, in the order in which they are offered, beside these folders.
pub const INDEX: &str = "index.json";

/// A problem in one of a challenge's files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The file, from the challenge's folder.
    pub file: String,
    /// What is wrong, with its path in the file.
    pub problem: Problem,
}

/// Words of a text that the learner reads, at most.
const WORDS: usize = 90;

impl Challenge {
    /// Reads a challenge from the texts of `challenge.json` and `start.json`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, by file and with its path.
    pub fn read(brief: &str, start: &str) -> Result<Self, Vec<Found>> {
        let mut found = Vec::new();
        let mut note = |file: &str, problems: Vec<Problem>| {
            found.extend(problems.into_iter().map(|problem| Found {
                file: file.to_owned(),
                problem,
            }));
        };
        let brief: Option<Brief> = read_json(brief)
            .map_err(|problem| note(BRIEF, vec![problem]))
            .ok();
        let tree = Scenario::tree(start)
            .map_err(|problems| note(START, problems))
            .ok();
        let start = tree.as_ref().and_then(|tree| {
            let start = Scenario::from_value(tree);
            start.map_err(|problems| note(START, problems)).ok()
        });
        if let (Some(brief), Some(start), Some(tree)) = (brief, start, tree) {
            let challenge = Self { brief, start, tree };
            note(BRIEF, challenge.problems());
            if found.is_empty() {
                return Ok(challenge);
            }
        }
        Err(found)
    }

    /// What is wrong with the brief beside its start.
    fn problems(&self) -> Vec<Problem> {
        let brief = &self.brief;
        let mut problems = Vec::new();
        if brief.version != CHALLENGE_VERSION {
            let message = format!(
                "{} is not known: this build reads version {CHALLENGE_VERSION}",
                brief.version
            );
            problems.push(Problem::new("version", message));
        }
        problems.extend(brief.texts().into_iter().filter_map(|(path, text)| {
            let words = text.split_whitespace().count();
            let message = format!("{words} words: 1 to {WORDS} are allowed");
            (!(1..=WORDS).contains(&words)).then(|| Problem::new(path, message))
        }));
        let within = |field: &str, found: Vec<Problem>, problems: &mut Vec<Problem>| {
            problems.extend(found.into_iter().map(|problem| Problem {
                path: joined(field, &problem.path),
                ..problem
            }));
        };
        within("slos", brief.slos.problems(), &mut problems);
        problems.extend(brief.unsaid());
        if let Some(prices) = &brief.prices {
            within("prices", prices.problems(), &mut problems);
        }
        problems.extend(self.unknown_names());
        if problems.is_empty() {
            let day = self.day(&self.start, self.start.seed).err();
            let placed = day.unwrap_or_default().into_iter().map(in_the_day);
            problems.extend(placed);
        }
        if problems.is_empty() {
            // The start has to be a design that nobody would refuse.
            let refused = self.refusals(&self.start).into_iter();
            problems.extend(refused.map(|problem| {
                Problem::new("", format!("the start itself is refused: {problem}"))
            }));
        }
        problems
    }

    /// Names in the brief of which the start knows nothing.
    fn unknown_names(&self) -> Vec<Problem> {
        let brief = &self.brief;
        let mut problems = Vec::new();
        let mut none = |path: String, message: String| problems.push(Problem::new(path, message));
        for (at, name) in brief.outside.iter().enumerate() {
            match self.start.components.get(name) {
                Some(Component::Client(_)) => none(
                    format!("outside[{at}]"),
                    format!("'{name}' is a client: clients stay as they are anyway"),
                ),
                Some(_) => {}
                None => none(
                    format!("outside[{at}]"),
                    format!("there is no component '{name}' in the start"),
                ),
            }
        }
        for name in brief.day.clients.keys() {
            if !matches!(self.start.components.get(name), Some(Component::Client(_))) {
                none(
                    format!("day.clients.{name}"),
                    format!("there is no client '{name}' in the start"),
                );
            }
        }
        for (at, hit) in brief.day.faults.iter().enumerate() {
            if let Struck::Outside(name) = &hit.at
                && !brief.outside.contains(name)
            {
                none(
                    format!("day.faults[{at}].at.outside"),
                    format!("'{name}' is not in 'outside', so a design may be without it"),
                );
            }
        }
        let asked = self.asked();
        let before = brief.before_answer.iter().enumerate();
        let before = before.map(|(at, name)| (format!("before_answer[{at}]"), name));
        let prepared = brief.prepared.keys();
        let prepared = prepared.map(|name| (format!("prepared.{name}"), name));
        let mergeable = brief.mergeable.iter().enumerate();
        let mergeable = mergeable.map(|(at, name)| (format!("mergeable[{at}]"), name));
        for (path, name) in before.chain(prepared).chain(mergeable) {
            if !asked.contains(name) {
                let known = asked.join(", ");
                none(
                    path,
                    format!("the start asks no query '{name}': it asks {known}"),
                );
            }
        }
        problems
    }

    /// The queries that the start asks for its clients' operations.
    fn asked(&self) -> Vec<String> {
        let mut asked = Vec::new();
        for (_, target, operation) in clients_operations(&self.start) {
            let done = duty::done(self.look(&self.start), target, operation);
            for (query, _) in done.queries {
                if !asked.contains(&query) {
                    asked.push(query);
                }
            }
        }
        asked
    }

    /// How to tell what a design does.
    pub(crate) const fn look<'a>(&self, scenario: &'a Scenario) -> Look<'a> {
        Look {
            scenario,
            degrades: self.brief.slos.degraded_share.is_some(),
        }
    }

    /// The price list by which its designs are charged.
    pub fn prices(&self) -> Prices {
        self.brief.prices.clone().unwrap_or_default()
    }
}

/// Each operation that a client asks for, with the client's name and target.
pub(crate) fn clients_operations(scenario: &Scenario) -> Vec<(&str, &str, &str)> {
    let clients = scenario.components.iter();
    let operations = clients.filter_map(|(name, component)| match component {
        Component::Client(client) => Some(
            client
                .operations()
                .map(move |operation| (name.as_str(), client.target.as_str(), operation)),
        ),
        _ => None,
    });
    operations.flatten().collect()
}

/// A path below a field.
fn joined(field: &str, path: &str) -> String {
    if path.is_empty() {
        field.to_owned()
    } else {
        format!("{field}.{path}")
    }
}

/// A problem of the day's scenario, where it is in the brief.
fn in_the_day(problem: Problem) -> Problem {
    let client = { problem.path.strip_prefix("components.") }
        .and_then(|rest| rest.split_once(".client"))
        .map(|(name, rest)| format!("day.clients.{name}{rest}"));
    let path = client.unwrap_or_else(|| joined("day", &problem.path));
    Problem { path, ..problem }
}

impl Brief {
    /// Objectives without which there is a way round the challenge.
    fn unsaid(&self) -> Vec<Problem> {
        let slos = &self.slos;
        let wanted = [
            (
                slos.cost_per_h.is_none(),
                "'cost_per_h' is missing: without a budget more of everything is a solution",
            ),
            (
                slos.undone_share.is_none() || slos.background_p99_ms.is_none(),
                "'undone_share' and 'background_p99_ms' are both needed: else what is put off need never be done",
            ),
            (
                slos.violations.is_none() && !self.rules.is_empty(),
                "'violations' is missing: there are rules, so say how often they may be violated",
            ),
            (
                slos.lost_writes_share.is_none() && !self.mergeable.is_empty(),
                "'lost_writes_share' is missing: what is mergeable may be kept where a crash takes it away",
            ),
            (
                slos.availability.is_none() && slos.goodput_per_s.is_none(),
                "'availability' or 'goodput_per_s' is needed: else nobody has to be answered",
            ),
        ];
        let unsaid = wanted.into_iter().filter(|(missing, _)| *missing);
        unsaid
            .map(|(_, message)| Problem::new("slos", message))
            .collect()
    }

    /// The texts that the learner reads, by their paths.
    fn texts(&self) -> [(&'static str, &String); 9] {
        let steps = &self.steps;
        [
            ("title", &self.title),
            ("story", &self.story),
            ("told", &self.told),
            ("steps.bottlenecks", &steps.bottlenecks),
            ("steps.scale", &steps.scale),
            ("steps.caching", &steps.caching),
            ("steps.asynchronous", &steps.asynchronous),
            ("steps.consistency", &steps.consistency),
            ("day.says", &self.day.says),
        ]
    }
}

impl Attempt {
    /// Reads an attempt's file.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with its path.
    pub fn read(text: &str) -> Result<Self, Problem> {
        let attempt: Self = from_json_value(&parse_json(text)?)?;
        if attempt.change.is_object() {
            Ok(attempt)
        } else {
            Err(Problem::new(
                "change",
                "an object is wanted: what differs from the start",
            ))
        }
    }

    /// The design that it makes of the start.
    ///
    /// # Errors
    ///
    /// What is wrong with that design, with the paths that it has in the attempt's file.
    pub fn design(&self, challenge: &Challenge) -> Result<Scenario, Vec<Problem>> {
        let mut tree = challenge.tree.clone();
        merge(&mut tree, &self.change);
        Scenario::from_value(&tree).map_err(|problems| {
            let placed = problems.into_iter().map(|problem| Problem {
                path: joined("change", &problem.path),
                ..problem
            });
            placed.collect()
        })
    }
}

/// Applies a JSON merge patch (RFC 7396, section 2).
fn merge(tree: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        tree.clone_from(patch);
        return;
    };
    if !tree.is_object() {
        *tree = Value::Object(serde_json::Map::new());
    }
    let Value::Object(tree) = tree else {
        return;
    };
    for (name, value) in patch {
        if value.is_null() {
            // The others keep their order: it is that of the event log.
            tree.shift_remove(name);
        } else {
            merge(tree.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_merge_patch_does_what_its_standard_says() {
        // From the appendix of RFC 7396.
        for (before, patch, after) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (
                json!({"a": "b", "b": "c"}),
                json!({"a": null}),
                json!({"b": "c"}),
            ),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (
                json!({"a": [{"b": "c"}]}),
                json!({"a": [1]}),
                json!({"a": [1]}),
            ),
            (
                json!([1, 2]),
                json!({"a": "b", "c": null}),
                json!({"a": "b"}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ] {
            let mut tree = before;
            merge(&mut tree, &patch);
            assert_eq!(tree, after, "{patch}");
        }
    }
}
