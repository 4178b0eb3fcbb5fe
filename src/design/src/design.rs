//! The design itself.

use std::collections::BTreeSet;
use std::rc::Rc;

use scale_capacity::Slos;
use scale_sim::{Kind, Problem, Scenario, VERSION, from_json_value, limits};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The levels that a tree may have. A scenario that can be run has far fewer, and a reader of JSON gives up at 128.
const DEEPEST: usize = 100;

/// Components that belong together.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// What it is called: at most 60 characters are kept.
    pub name: String,
    /// The names of its components, one at least.
    pub members: Vec<String>,
}

/// A scenario that is being made, with its groups. It always has the form of a scenario; what is wrong with it beyond that is
/// in [`Design::problems`], and it cannot be run while there is anything.
#[derive(Clone, Debug)]
pub struct Design {
    tree: Rc<Value>,
    scenario: Rc<Scenario>,
    problems: Rc<Vec<Problem>>,
    groups: Rc<Vec<Group>>,
    slos: Slos,
    challenge: Option<Rc<str>>,
}

/// What a design promises as long as nobody says otherwise: 99 % of its requests are answered in time, 99 % of those within half a second.
pub const USUAL: Slos = Slos {
    availability: Some(0.99),
    p99_ms: Some(500.0),
    ..Slos::NONE
};

impl PartialEq for Design {
    fn eq(&self, other: &Self) -> bool {
        (Rc::ptr_eq(&self.tree, &other.tree) || same(&self.tree, &other.tree))
            && (Rc::ptr_eq(&self.groups, &other.groups) || self.groups == other.groups)
            && self.slos == other.slos
            && self.challenge == other.challenge
    }
}

impl Design {
    /// An empty one: a minute of nothing.
    ///
    /// # Panics
    ///
    /// Never: what it is made of has the form of a scenario.
    pub fn empty() -> Self {
        let tree = json!({
            "version": VERSION, "title": "", "seed": 1, "horizon_s": 60, "warmup_s": 5, "components": {}
        });
        Self::new(tree, Vec::new()).expect("of the form of a scenario")
    }

    /// The design of this scenario. Members of groups that are not in it are left out, and so are groups without members.
    ///
    /// # Errors
    ///
    /// What has not the form of a scenario, or more components or levels than one may have: the first place, and what is allowed there.
    pub fn new(tree: Value, groups: Vec<Group>) -> Result<Self, Problem> {
        let components = tree.get("components").and_then(Value::as_object);
        let count = components.map_or(0, Map::len);
        if count as u64 > limits::COMPONENTS {
            let message = format!(
                "{count} components: at most {} are allowed",
                limits::COMPONENTS
            );
            return Err(Problem::new("components", message));
        }
        if is_deeper(&tree, DEEPEST) {
            let message = format!("lists and objects are nested more than {DEEPEST} deep");
            return Err(Problem::new("", message));
        }
        let scenario: Scenario = from_json_value(&tree)?;
        let problems = scenario.problems();
        Ok(Self {
            groups: Rc::new(kept(groups, &scenario)),
            tree: Rc::new(tree),
            scenario: Rc::new(scenario),
            problems: Rc::new(problems),
            slos: USUAL,
            challenge: None,
        })
    }

    /// The same, with these promises. What is wrong with them is for [`Slos::problems`] to say.
    #[must_use]
    pub const fn promising(mut self, slos: Slos) -> Self {
        self.slos = slos;
        self
    }

    /// What it promises.
    pub const fn slos(&self) -> &Slos {
        &self.slos
    }

    /// The same, made to take this challenge. What is no name of a challenge (lower-case letters, digits and '-', at most 40) is none.
    #[must_use]
    pub fn of_challenge(mut self, id: Option<&str>) -> Self {
        let is_name = |id: &&str| {
            (1..=40).contains(&id.len())
                && id
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        self.challenge = id.filter(is_name).map(Rc::from);
        self
    }

    /// The challenge that it is made to take, if it is.
    pub fn challenge(&self) -> Option<&str> {
        self.challenge.as_deref()
    }

    /// The scenario as JSON.
    pub fn tree(&self) -> &Rc<Value> {
        &self.tree
    }

    /// The scenario.
    pub fn scenario(&self) -> &Rc<Scenario> {
        &self.scenario
    }

    /// What keeps it from being run.
    pub fn problems(&self) -> &Rc<Vec<Problem>> {
        &self.problems
    }

    /// Its groups.
    pub fn groups(&self) -> &Rc<Vec<Group>> {
        &self.groups
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.scenario.components.is_empty()
    }

    /// What the picture calls a component, in at most 80 characters.
    pub fn label<'a>(&'a self, name: &'a str) -> &'a str {
        let view = self.scenario.view.get(name);
        let label = view.and_then(|view| view.label.as_deref()).unwrap_or(name);
        let end = label.char_indices().nth(80);
        end.map_or(label, |(end, _)| &label[..end])
    }

    /// What a component is, if there is one of that name.
    pub fn kind(&self, name: &str) -> Option<Kind> {
        let component = self.scenario.components.get(name);
        component.map(scale_sim::Component::kind)
    }

    /// Where a component stands, in columns and rows.
    pub fn at(&self, name: &str) -> [f64; 2] {
        let view = self.scenario.view.get(name);
        view.and_then(|view| view.at).unwrap_or_default()
    }

    /// The component that a problem is about, if it is about one.
    pub fn about<'a>(&self, problem: &'a Problem) -> Option<&'a str> {
        let rest = problem.path.strip_prefix("components.")?;
        let name = rest.split(['.', '[']).next()?;
        self.scenario.components.contains_key(name).then_some(name)
    }
}

/// Whether a tree has more levels than this.
fn is_deeper(tree: &Value, levels: usize) -> bool {
    let is_deeper = |tree: &Value| levels == 0 || is_deeper(tree, levels - 1);
    match tree {
        Value::Object(map) => map.values().any(is_deeper),
        Value::Array(list) => list.iter().any(is_deeper),
        _ => false,
    }
}

/// Whether two trees are the same, the order of names included: a run may depend on it.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let names = one.keys().eq(other.keys());
            names && one.values().zip(other.values()).all(|(a, b)| same(a, b))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same(a, b))
        }
        _ => one == other,
    }
}

/// The groups without what is not in the scenario, each component in the first that has it.
fn kept(groups: Vec<Group>, scenario: &Scenario) -> Vec<Group> {
    let mut free: BTreeSet<&String> = scenario.components.keys().collect();
    let mut kept: Vec<Group> = Vec::new();
    for mut group in groups {
        group.name = group.name.chars().take(60).collect();
        group.members.retain(|name| free.remove(name));
        if !group.members.is_empty() {
            kept.push(group);
        }
    }
    kept
}

/// The object at `key` of a tree, made if it is not there.
pub(crate) fn object<'a>(tree: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    if !tree.is_object() {
        *tree = Value::Object(Map::new());
    }
    let map = tree.as_object_mut().expect("just made one");
    let inner = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    inner.as_object_mut().expect("just made one")
}
