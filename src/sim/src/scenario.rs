//! The scenario: one system, its load and its seed, as a file.
//!
//! Lesson scenes, quiz answers, the sandbox, the command line, tests and benchmarks all run scenarios. The file is JSON;
//! every field name carries its unit. Reading a file reports every problem at once, each with its path.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vecmap::VecMap;

use crate::component::{Component, is_one, one};
use crate::fault::Fault;
use crate::invariant::Invariant;
use crate::json::{from_json_value, parse_json};
use crate::limits;
use crate::problem::{Allowed, Problem, Problems};
use crate::wire::Link;

/// The version of the format that this build reads.
pub const VERSION: u32 = 1;

/// A system of components, its load, and how long to watch it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The version of the format: 1.
    pub version: u32,
    /// What this scenario shows, in a few words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The seed of every random draw. The same seed gives the same run, to the byte.
    #[serde(default)]
    pub seed: u64,
    /// When the run ends, in simulated seconds.
    pub horizon_s: f64,
    /// How long the run warms up before anything counts towards its summary, in simulated seconds.
    #[serde(default)]
    pub warmup_s: f64,
    /// The components by name. Their order is the order of the summary and of the event log.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, Component>")
    )]
    pub components: VecMap<String, Component>,
    /// The wires between components. Where none is named the way takes no time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// What goes wrong, and when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// What must hold. It changes nothing in a run: where it does not hold, the run says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invariants: Vec<Invariant>,
    /// Over how many zones (data centres that fail apart) the instances of services are spread, in turn: 1 to 10.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = one())))]
    pub zones: u32,
    /// How to draw it. It changes nothing in a run.
    #[serde(default, skip_serializing_if = "VecMap::is_empty")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, View>")
    )]
    pub view: VecMap<String, View>,
}

/// How one component is drawn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct View {
    /// The name to show instead of the component's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Column and row on the picture's grid, from 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<[f64; 2]>,
}

impl Scenario {
    /// Reads a scenario from JSON text.
    ///
    /// # Errors
    ///
    /// Every problem with its path. A text that is not of the format at all gives one problem; if it is not JSON, with line
    /// and column.
    pub fn from_json(text: &str) -> Result<Self, Vec<Problem>> {
        Self::from_value(&Self::tree(text)?)
    }

    /// Reads a scenario's text as JSON, for settings to change before [`Scenario::from_value`].
    ///
    /// # Errors
    ///
    /// A text that is too long or not JSON.
    pub fn tree(text: &str) -> Result<Value, Vec<Problem>> {
        if text.len() > limits::FILE_BYTES {
            let message = format!(
                "the file has {} bytes: at most {} are read",
                text.len(),
                limits::FILE_BYTES
            );
            return Err(vec![Problem::new("", message)]);
        }
        parse_json(text).map_err(|problem| vec![problem])
    }

    /// Reads a scenario from a JSON value.
    ///
    /// # Errors
    ///
    /// As [`Scenario::from_json`].
    pub fn from_value(value: &Value) -> Result<Self, Vec<Problem>> {
        let scenario: Self = from_json_value(value).map_err(|problem| vec![problem])?;
        scenario.checked()
    }

    /// The scenario itself, if it is valid.
    ///
    /// # Errors
    ///
    /// Every problem with its path.
    pub fn checked(self) -> Result<Self, Vec<Problem>> {
        let problems = self.problems();
        if problems.is_empty() {
            Ok(self)
        } else {
            Err(problems)
        }
    }

    /// Everything that is wrong with this scenario; nothing if it can be run.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        self.check(&mut problems);
        problems.or(()).err().unwrap_or_default()
    }

    /// What each number of this scenario may be as the others are, and how long each list may be: from the checks that find
    /// problems, so also for a scenario that has some. In the order of their paths. Where two checks bound one number both hold, and the narrower is given.
    pub fn ranges(&self) -> Vec<Allowed> {
        let mut problems = Problems::with_ranges();
        self.check(&mut problems);
        let mut ranges: BTreeMap<String, Allowed> = BTreeMap::new();
        for found in problems.into_ranges() {
            if let Some(known) = ranges.get_mut(&found.path) {
                known.min = known.min.max(found.min);
                known.max = known.max.min(found.max);
            } else {
                ranges.insert(found.path.clone(), found);
            }
        }
        ranges.into_values().collect()
    }

    fn check(&self, problems: &mut Problems) {
        let p = &mut *problems;
        if self.version != VERSION {
            p.note_at(
                "version",
                format!(
                    "{} is not known: this build reads version {VERSION}",
                    self.version
                ),
            );
        }
        p.number("horizon_s", self.horizon_s, 1e-6, limits::HORIZON_S);
        p.number("warmup_s", self.warmup_s, 0.0, limits::HORIZON_S);
        if self.horizon_s > 0.0 && self.warmup_s >= self.horizon_s {
            p.note_at(
                "warmup_s",
                format!(
                    "{} leaves nothing to measure: it must be less than the horizon of {} s",
                    self.warmup_s, self.horizon_s
                ),
            );
        }
        p.within("components", |p| {
            if self.components.len() as u64 > limits::COMPONENTS {
                p.note(format!(
                    "{} components: at most {} are allowed",
                    self.components.len(),
                    limits::COMPONENTS
                ));
                return;
            }
            if !self
                .components
                .values()
                .any(|c| matches!(c, Component::Client(_)))
            {
                p.note("no client: a scenario needs at least one component that sends requests");
            }
            for (name, component) in &self.components {
                p.within(name, |p| {
                    check_name(name, p);
                    component.check(name, self, p);
                });
            }
        });
        crate::component::balancer::check_sums(self, p);
        crate::component::cache::check_caps(self, p);
        crate::component::shards::check_caps(self, p);
        crate::component::read_model::check_rows(self, p);
        p.within("links", |p| {
            if !p.list("", self.links.len(), 0, limits::LINKS) {
                return;
            }
            let mut earlier = BTreeSet::new();
            for (i, link) in self.links.iter().enumerate() {
                p.within(format!("[{i}]"), |p| {
                    link.check(self, p);
                    if !earlier.insert((&link.from, &link.to)) {
                        p.note(format!(
                            "there is a link from '{}' to '{}' already",
                            link.from, link.to
                        ));
                    }
                });
            }
        });
        p.count("zones", u64::from(self.zones), 1, 10);
        p.within("faults", |p| {
            if !p.list("", self.faults.len(), 0, limits::FAULTS) {
                return;
            }
            for (i, fault) in self.faults.iter().enumerate() {
                p.within(format!("[{i}]"), |p| fault.check(self, p));
            }
        });
        p.within("invariants", |p| {
            if !p.list("", self.invariants.len(), 0, limits::INVARIANTS) {
                return;
            }
            for (i, invariant) in self.invariants.iter().enumerate() {
                p.within(format!("[{i}]"), |p| invariant.check(self, p));
            }
        });
        p.within("view", |p| {
            for (name, view) in &self.view {
                p.within(name, |p| {
                    if !self.components.contains_key(name) {
                        p.note(unknown(name, self.components.keys()));
                    }
                    for (i, at) in view.at.iter().flatten().enumerate() {
                        p.within("at", |p| p.number(&format!("[{i}]"), *at, 0.0, 100.0));
                    }
                });
            }
        });
        // What follows walks the calls, so it wants every name to be right.
        if p.is_empty() {
            crate::component::calls::check(self, problems);
            crate::sessions::check_total(self, problems);
            crate::component::client::check_total(self, problems);
            crate::component::queue::check_total(self, problems);
        }
    }
}

/// A sentence for a name that is not there, with those that are.
pub(crate) fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> String {
    let known: Vec<&str> = known.map(String::as_str).take(20).collect();
    format!(
        "there is no component '{name}': the components are {}",
        known.join(", ")
    )
}

fn check_name(name: &str, p: &mut Problems) {
    let right = name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !right {
        p.note("a component's name is 1 to 40 characters: a lower-case letter, then lower-case letters, digits and '-'");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{
        "version": 1, "horizon_s": 10,
        "components": {
            "users": { "client": { "operation": "buy", "target": "shop", "arrivals": { "poisson": { "rate_per_s": 5 } } } },
            "shop": { "service": { "workers": 2, "queue": 10, "plans": { "*": [
                { "work": { "exponential": { "mean_ms": 20 } } }, { "call": { "to": "db" } } ] } } },
            "db": { "database": { "connections": 1, "queries": { "*": { "constant": { "mean_ms": 5 } } } } }
        }
    }"#;

    /// `GOOD` with `from` replaced by `to` has exactly one problem, which reads `expected`.
    fn check(from: &str, to: &str, expected: &str) {
        assert!(GOOD.contains(from), "{from}");
        let problems =
            Scenario::from_json(&GOOD.replacen(from, to, 1)).expect_err("must be refused");
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), 1, "{shown:?}");
        assert!(shown[0].contains(expected), "{shown:?}");
    }

    #[test]
    fn a_good_file_is_read_and_written_back_the_same() {
        let scenario = Scenario::from_json(GOOD).expect("valid");
        let again = Scenario::from_json(&serde_json::to_string(&scenario).expect("plain data"))
            .expect("valid");
        assert_eq!(scenario, again);
    }

    #[test]
    fn each_fault_names_its_place() {
        check(
            "\"workers\": 2",
            "\"wrokers\": 2",
            "components.shop.service.wrokers: unknown field `wrokers`",
        );
        check(
            "\"rate_per_s\": 5",
            "\"rate_per_s\": -5",
            "components.users.client.arrivals.poisson.rate_per_s: -5",
        );
        check(
            "\"workers\": 2",
            "\"workers\": 1000000000",
            "components.shop.service.workers: 1000000000 is out of range",
        );
        check("\"workers\": 2", "\"workers\": 0", "1 to 10000 is allowed");
        check(
            "\"workers\": 2",
            "\"workers\": \"two\"",
            "components.shop.service.workers: invalid type",
        );
        check(
            "\"to\": \"db\"",
            "\"to\": \"bd\"",
            "components.shop.service.plans.*[1].call.to: there is no component 'bd'",
        );
        check("\"to\": \"db\"", "\"to\": \"shop\"", "shop → shop");
        check(
            "\"version\": 1",
            "\"version\": 2",
            "version: 2 is not known",
        );
        check(
            "\"db\": {",
            "\"shop\": {",
            "'shop' stands twice in one object at line 7",
        );
        check(
            "\"queries\": {",
            "\"queries\": { \"*\": { \"constant\": { \"mean_ms\": 1 } },",
            "'*' stands twice in one object at line 7",
        );
        check(
            "\"plans\": {",
            "\"plans\": { \"*\": [],",
            "'*' stands twice in one object at line 5",
        );
        check("\"horizon_s\": 10,", "", "missing field `horizon_s`");
        check("\"version\": 1", "\"version\": 1,,", "line 2");
        check(
            "\"horizon_s\": 10,",
            "\"horizon_s\": 10, \"warmup_s\": 10,",
            "warmup_s: 10 leaves nothing to measure",
        );
        check(
            "\"target\": \"shop\"",
            "\"target\": \"users\"",
            "is a client",
        );
    }

    #[test]
    fn each_number_has_its_range_from_the_check_that_refuses_others() {
        let scenario = Scenario::from_json(GOOD).expect("valid");
        let allowed = |scenario: &Scenario, path: &str| {
            let found = scenario.ranges().into_iter().find(|a| a.path == path);
            found.map(|a| (a.min, a.max, a.whole))
        };
        let work = "components.shop.service.plans.*[0].work.exponential.mean_ms";
        assert_eq!(
            allowed(&scenario, work),
            Some((1e-6, limits::WORK_MS, false))
        );
        let workers = "components.shop.service.workers";
        assert_eq!(allowed(&scenario, workers), Some((1.0, 10_000.0, true)));
        assert_eq!(
            allowed(&scenario, "components.shop.service.plans.*"),
            Some((1.0, limits::PLAN as f64, true))
        );
        assert_eq!(allowed(&scenario, "links"), Some((0.0, 2_000.0, true)));
        // A scenario with problems tells the same, and a number bounded twice the narrower.
        let text = GOOD.replace(
            "\"workers\": 2",
            r#""workers": 0, "instances": 9, "autoscale": { "metric": "utilisation", "min": 2, "max": 5,
                "rule": { "target": { "value": 0.6 } } }"#,
        );
        let broken: Scenario = crate::read_json(&text).expect("of the form");
        assert_eq!(allowed(&broken, workers), Some((1.0, 10_000.0, true)));
        let instances = "components.shop.service.instances";
        assert_eq!(allowed(&broken, instances), Some((2.0, 5.0, true)));
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let text = GOOD
            .replace("\"rate_per_s\": 5", "\"rate_per_s\": -5")
            .replace("\"workers\": 2", "\"workers\": 0");
        assert_eq!(Scenario::from_json(&text).expect_err("two faults").len(), 2);
    }
}
