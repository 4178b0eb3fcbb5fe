//! The form of a part of a design: its fields, what they hold, what they may hold, and what is wrong with them.
//!
//! It is made of the schema (what there can be), the design (what there is) and the checks of a scenario (ranges, problems), and
//! knows nothing of a page.

use std::collections::BTreeMap;

use scale_sim::{Allowed, Distribution, Problem, Scenario, from_json_value};
use serde_json::{Map, Value, json};

use super::change::{Change, below};
use super::fresh::{self, Around};
use super::order;
use super::schema::{Node, Property, Shape, Variant};
use super::steps::{self, Step};
use super::words;

/// One field, or a group of them.
#[derive(Clone, PartialEq, Debug)]
pub struct Field {
    /// Where its value is, or would be.
    pub pointer: String,
    /// The same place as problems name it.
    pub path: String,
    /// What it is called.
    pub label: String,
    /// The unit of its number.
    pub unit: Option<&'static str>,
    /// What it means, in plain words; perhaps nothing.
    pub help: String,
    /// Whether the design says something here.
    pub given: bool,
    /// Whether it can be left out.
    pub optional: bool,
    /// What holds if it is left out, in words.
    pub usual: Option<String>,
    /// The same as it stands in an empty control.
    pub hollow: Option<String>,
    /// Whether it is shown before one asks for more.
    pub foremost: bool,
    /// What is wrong here.
    pub problems: Vec<String>,
    /// What changes along with it when it is set.
    pub along: Vec<Change>,
    /// What it holds.
    pub form: Form,
}

/// What a field holds.
#[derive(Clone, PartialEq, Debug)]
pub enum Form {
    /// Nothing yet; this could be there.
    Unset(Value),
    /// A number, if there is one, and what it may be.
    Number {
        /// The number.
        value: Option<f64>,
        /// Whether it must be whole.
        whole: bool,
        /// The least.
        min: f64,
        /// The most.
        max: f64,
    },
    /// A text, and names that it may want to be.
    Text {
        /// The text.
        value: String,
        /// Names that the design knows.
        known: Vec<String>,
    },
    /// The name of a component, and those that there are: name and label.
    Reference {
        /// The name.
        value: String,
        /// Name and label of each that it may be.
        to: Vec<(String, String)>,
    },
    /// Yes or no.
    Flag(bool),
    /// One of several, with the fields of that one.
    Choice {
        /// Which, if it is one of them.
        at: Option<usize>,
        /// What it may be.
        options: Vec<Choice>,
        /// The fields of the one that it is.
        fields: Vec<Field>,
        /// What comes of it, in words.
        note: Option<String>,
    },
    /// Fields that belong together.
    Record(Vec<Field>),
    /// One after the other.
    List {
        /// What is in it: the first so many.
        items: Vec<Field>,
        /// How many there are.
        count: usize,
        /// What another would be; none can be added or taken away without.
        another: Option<Value>,
        /// Whether there is room for another.
        room: bool,
    },
    /// By names.
    Map {
        /// Name and field.
        entries: Vec<(String, Field)>,
        /// What another would be.
        another: Value,
        /// Names that the design knows.
        known: Vec<String>,
    },
    /// What a service does, step by step.
    Plan(Vec<Step>),
}

/// One of several that a value may be.
#[derive(Clone, PartialEq, Debug)]
pub struct Choice {
    /// What it is called.
    pub label: String,
    /// What it means.
    pub help: String,
    /// A value of it.
    pub value: Value,
    /// What changes along with it when it is chosen.
    pub along: Vec<Change>,
}

/// So many of a list have fields of their own: measured times can be many thousands.
const LISTED: usize = 60;

/// Makes forms of one design.
#[derive(Debug)]
pub struct Maker<'a> {
    design: &'a Value,
    problems: &'a [Problem],
    ranges: BTreeMap<String, Allowed>,
    /// What there is to refer to.
    pub around: Around,
}

/// A place in a design and in the schema.
#[derive(Clone, Debug)]
pub struct At {
    /// Where, as a JSON Pointer.
    pub pointer: String,
    /// Where, as problems say it.
    pub path: String,
    /// What may be there.
    pub node: Node,
}

impl At {
    /// The place that a JSON Pointer leads to; `None` if scenarios have no such place.
    pub fn pointer(pointer: &str) -> Option<Self> {
        let mut at = Self {
            pointer: String::new(),
            path: String::new(),
            node: Node::scenario(),
        };
        for part in pointer.split('/').skip(1) {
            let part = super::change::unescaped(part);
            let listed = matches!(at.node.shape(), Shape::List { .. });
            let node = at.node.step(&part)?;
            at = at.further(&part, node, listed);
        }
        Some(at)
    }

    /// The place one name, or number of a list, further down.
    fn further(&self, part: &str, node: Node, listed: bool) -> Self {
        let path = match (listed, self.path.is_empty()) {
            (true, _) => format!("{}[{part}]", self.path),
            (false, true) => part.to_owned(),
            (false, false) => format!("{}.{part}", self.path),
        };
        Self {
            pointer: below(&self.pointer, part),
            path,
            node,
        }
    }

    /// The field `name` of it.
    #[must_use]
    pub fn field(&self, name: &str, node: Node) -> Self {
        self.further(name, node, false)
    }

    /// What is at `index` of it.
    #[must_use]
    pub fn item(&self, index: usize, node: Node) -> Self {
        self.further(&index.to_string(), node, true)
    }
}

impl<'a> Maker<'a> {
    /// One for `design`, seen from the component `within`.
    pub fn new(design: &'a Value, problems: &'a [Problem], within: Option<&str>) -> Self {
        let mut ranges = ranges(design);
        // What a number may be that is not set yet is told by a design in which it is.
        if let Some(pointer) = within.map(|name| below("/components", name))
            && let Some(at) = At::pointer(&pointer)
        {
            let mut filled = design.clone();
            if let Some(part) = filled.pointer_mut(&pointer) {
                fill(at.node, part);
            }
            if let (Some(links), Some(at)) = (filled.get_mut("links"), At::pointer("/links")) {
                fill(at.node, links);
            }
            for (path, allowed) in self::ranges(&filled) {
                ranges.entry(path).or_insert(allowed);
            }
        }
        Self {
            design,
            problems,
            ranges,
            around: Around::of(design, within),
        }
    }

    /// What the design says at a place.
    pub fn value(&self, at: &At) -> Option<&'a Value> {
        self.design.pointer(&at.pointer)
    }

    /// The fields of the record at a place, the foremost first; of those in `only` if any are named.
    pub fn fields(&self, at: &At, only: &[&str]) -> Vec<Field> {
        let Shape::Record(properties) = at.node.shape() else {
            return Vec::new();
        };
        let def = at.node.target_def();
        let mut fields: Vec<(usize, Field)> = { properties.iter() }
            .filter(|property| only.is_empty() || only.contains(&property.name))
            .map(|property| {
                let rank = order::rank(def, property.name);
                let mut field = self.property(at, property);
                // Of two of which one is given the other waits.
                field.foremost = order::foremost(def, property, properties.len())
                    && !field
                        .along
                        .iter()
                        .any(|c| matches!(c, Change::Remove { .. }));
                (rank, field)
            })
            .collect();
        fields.sort_by_key(|(rank, _)| *rank);
        fields.into_iter().map(|(_, field)| field).collect()
    }

    fn property(&self, record: &At, property: &Property) -> Field {
        let at = record.field(property.name, property.node);
        let found = self.value(&at).filter(|value| !value.is_null());
        let mut field = self.field(&at, found.or(property.default));
        field.given = found.is_some();
        field.optional = !property.required;
        field.help = words::plain(property.help);
        if field.optional {
            field.hollow = { property.default }.and_then(|default| words::usual(default, None));
            field.usual = { property.default }
                .and_then(|default| words::usual(default, field.unit))
                .or_else(|| match field.form {
                    Form::Flag(_) => Some("no".to_owned()),
                    _ => None,
                });
        }
        if !field.given {
            field.form = unset(field.form, property, &self.around);
        }
        if !field.given {
            let others = order::instead_of(at.node.def, property.name).unwrap_or_default();
            let others = others.iter().map(|other| below(&record.pointer, other));
            let given = others.filter(|other| self.design.pointer(other).is_some());
            field.along = given.map(Change::remove).collect();
            if let Some(other) = order::together_with(at.node.def, property.name)
                && let Some(node) = record.node.step(other)
            {
                let other = record.field(other, node);
                if self.value(&other).is_none() {
                    let value = fresh::value(other.node, &self.around);
                    field.along.push(Change::set(other.pointer, value));
                }
            }
        }
        field
    }

    /// The field at a place, which holds `value`.
    pub fn field(&self, at: &At, value: Option<&Value>) -> Field {
        let (label, unit) = words::label(at.node.def, at.node.name);
        Field {
            pointer: at.pointer.clone(),
            path: at.path.clone(),
            label,
            unit,
            help: words::plain(at.node.help()),
            given: value.is_some(),
            optional: false,
            usual: None,
            hollow: None,
            foremost: true,
            problems: self.problems_at(&at.path),
            along: Vec::new(),
            form: self.form(at, value.unwrap_or(&Value::Null)),
        }
    }

    /// What is wrong at a place that no field of `fields` is at.
    pub fn problems_of(&self, path: &str, fields: &[Field]) -> Vec<String> {
        if fields.iter().any(|field| field.path == path) {
            return Vec::new();
        }
        self.problems_at(path)
    }

    fn problems_at(&self, path: &str) -> Vec<String> {
        let here = self.problems.iter().filter(|p| p.path == path);
        here.map(|problem| problem.message.clone()).collect()
    }

    fn form(&self, at: &At, value: &Value) -> Form {
        if at.node.is_plan() {
            return Form::Plan(steps::steps(self, at, value));
        }
        match at.node.shape() {
            Shape::Record(_) => Form::Record(self.fields(at, &[])),
            Shape::Choice(_) => self.choice(at, value),
            Shape::List { of, exactly } => {
                let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                let allowed = self.ranges.get(&at.path);
                Form::List {
                    items: { items.iter().enumerate().take(LISTED) }
                        .map(|(i, item)| self.item(at, i, of, item))
                        .collect(),
                    count: items.len(),
                    another: exactly.is_none().then(|| self.another(of, items)),
                    room: allowed.is_none_or(|a| (items.len() as f64) < a.max),
                }
            }
            Shape::Map(of) => {
                let entries = value.as_object().into_iter().flatten();
                Form::Map {
                    entries: entries
                        .map(|(name, value)| {
                            let mut field = self.field(&at.field(name, of), Some(value));
                            field.label = entry_label(at.node, of, name);
                            (name.clone(), field)
                        })
                        .collect(),
                    another: fresh::value(of, &self.around),
                    known: self.known(at),
                }
            }
            Shape::Number { whole, min, max } => {
                let allowed = self.ranges.get(&at.path);
                Form::Number {
                    value: value.as_f64(),
                    whole: whole || allowed.is_some_and(|a| a.whole),
                    min: allowed.map_or(min, |a| a.min.max(min)),
                    max: allowed.map_or(max, |a| a.max.min(max)),
                }
            }
            Shape::Text => {
                let value = value.as_str().unwrap_or_default().to_owned();
                match self.around.referable(at.node.name) {
                    Some(to) => Form::Reference { value, to },
                    None => Form::Text {
                        value,
                        known: self.around.known(at.node.name).to_vec(),
                    },
                }
            }
            Shape::Flag => Form::Flag(value.as_bool().unwrap_or(false)),
        }
    }

    /// Names for the entries of a map.
    fn known(&self, at: &At) -> Vec<String> {
        let known = self.around.known(at.node.name);
        let any = matches!(
            at.node.name,
            "plans" | "queries" | "operations" | "statements"
        );
        let any = any.then(|| "*".to_owned());
        if at.node.name == "weights" {
            let list = at
                .pointer
                .rsplit_once('/')
                .map(|(balancer, _)| below(balancer, "targets"));
            let list = list.and_then(|list| self.design.pointer(&list));
            let targets = list.and_then(Value::as_array).into_iter().flatten();
            return targets
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
        }
        known.iter().cloned().chain(any).collect()
    }

    /// What one more of a list would be: of those that name a component, one that is not in it yet.
    fn another(&self, of: Node, items: &[Value]) -> Value {
        // A further point of a curve comes after the last, and so does a further bound.
        match (of.shape(), items.last()) {
            (Shape::List { .. }, Some(Value::Array(last))) => {
                if let [Value::Number(at), rate] = &last[..] {
                    return json!([at.as_f64().unwrap_or_default() + 10.0, rate]);
                }
            }
            (Shape::Number { whole: true, .. }, Some(last)) if of.name == "bounds" => {
                return json!(last.as_u64().unwrap_or_default() + 1);
            }
            _ => {}
        }
        let free = self
            .around
            .referable(of.name)
            .filter(|_| matches!(of.shape(), Shape::Text));
        let free = free
            .into_iter()
            .flatten()
            .map(|(name, _)| Value::from(name));
        let mut free = free.filter(|name| !items.contains(name));
        let known = self.around.known(of.name).iter().cloned().map(Value::from);
        let mut known = known.filter(|name| !items.contains(name));
        free.next()
            .or_else(|| known.next().filter(|_| matches!(of.shape(), Shape::Text)))
            .unwrap_or_else(|| fresh::value(of, &self.around))
    }

    fn item(&self, list: &At, index: usize, of: Node, item: &Value) -> Field {
        let mut field = self.field(&list.item(index, of), Some(item));
        field.label = match (list.node.name, index, of.shape()) {
            ("points", 0, Shape::Number { .. }) => "At second".to_owned(),
            ("points", 1, Shape::Number { .. }) => "Per second".to_owned(),
            _ => format!("{} {}", singular(&field.label), index + 1),
        };
        if field.help == words::plain(list.node.help()) {
            field.help.clear();
        }
        field
    }

    /// A new value of a variant, as it is right beside what the design says around it.
    fn variant(&self, at: &At, variant: &Variant) -> Value {
        let mut value = fresh::variant(variant, &self.around);
        // Ranges of keys have a bound between each shard and the next.
        if at.node.target_def() == "Partitioning" && variant.tag == "range" {
            let list = at
                .pointer
                .rsplit_once('/')
                .map(|(shards, _)| below(shards, "targets"));
            let list = list.and_then(|list| self.design.pointer(&list));
            let shards = list.and_then(Value::as_array).map_or(1, Vec::len);
            let bounds: Vec<usize> = (1..shards).map(|i| i * 10_000 / shards).collect();
            value["range"]["bounds"] = json!(bounds);
        }
        value
    }

    /// What changes along with a choice: a closed loop has users of its own, and a cache that fetches needs to know where.
    fn along(&self, at: &At, variant: &Variant) -> Vec<Change> {
        let Some((record, _)) = at.pointer.rsplit_once('/') else {
            return Vec::new();
        };
        let beside = |name: &str| {
            (
                below(record, name),
                self.design.pointer(&below(record, name)),
            )
        };
        match (at.node.target_def(), variant.tag) {
            ("Arrivals", "closed") => {
                let (users, given) = beside("users");
                given.map(|_| Change::remove(users)).into_iter().collect()
            }
            ("Mode", mode) if mode != "cache_aside" => {
                let (target, given) = beside("target");
                let targets = self.around.referable("target").unwrap_or_default();
                let first = targets.into_iter().next().filter(|_| given.is_none());
                { first.into_iter() }
                    .map(|(name, _)| Change::set(&target, name))
                    .collect()
            }
            ("Mode", _) => {
                let gone = ["target", "writes"].map(beside);
                let gone = gone.into_iter().filter(|(_, given)| given.is_some());
                gone.map(|(pointer, _)| Change::remove(pointer)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn choice(&self, at: &At, value: &Value) -> Form {
        let Shape::Choice(variants) = at.node.shape() else {
            return Form::Record(Vec::new());
        };
        let options = variants.iter().map(|variant| Choice {
            label: words::tag(variant.tag),
            help: words::plain(variant.help),
            value: kept(value, self.variant(at, variant)),
            along: self.along(at, variant),
        });
        let options = options.collect();
        let chosen = variants.iter().position(|variant| variant.fits(value));
        let mut fields = Vec::new();
        if let Some(variant) = chosen.map(|at| &variants[at])
            && let Some(content) = variant.content
        {
            let inner = if variant.bare {
                At {
                    node: content,
                    ..at.clone()
                }
            } else {
                at.field(variant.tag, content)
            };
            fields = if matches!(content.shape(), Shape::Record(_)) {
                self.fields(&inner, &[])
            } else {
                let found = if variant.bare {
                    Some(value)
                } else {
                    value.get(variant.tag)
                };
                let mut field = self.field(&inner, found);
                field.label = match field.form {
                    Form::Choice { .. } => "Time".to_owned(),
                    _ => words::tag(variant.tag),
                };
                if field.help == words::plain(variant.help) {
                    field.help.clear();
                }
                vec![field]
            };
        }
        Form::Choice {
            at: chosen,
            options,
            fields,
            note: at.node.is_distribution().then(|| spread(value)).flatten(),
        }
    }

    /// What is wrong at `path` or within it, where no field of `fields` says so itself.
    pub fn left_over(&self, path: &str, fields: &[Field]) -> Vec<String> {
        let mut shown = Vec::new();
        for field in fields {
            gather(field, &mut shown);
        }
        let within = |problem: &&Problem| {
            let rest = problem.path.strip_prefix(path);
            rest.is_some_and(|rest| {
                path.is_empty() || rest.is_empty() || rest.starts_with(['.', '['])
            })
        };
        { self.problems.iter().filter(within) }
            .filter(|problem| !shown.contains(&problem.path.as_str()))
            .map(
                |problem| match problem.path[path.len()..].trim_start_matches('.') {
                    "" => problem.message.clone(),
                    rest => format!("{rest}: {}", problem.message),
                },
            )
            .collect()
    }
}

/// What the numbers of a design may be, by path.
fn ranges(design: &Value) -> BTreeMap<String, Allowed> {
    let scenario: Option<Scenario> = from_json_value(design).ok();
    let ranges = scenario.map(|scenario| scenario.ranges());
    let ranges = ranges.unwrap_or_default().into_iter();
    ranges
        .map(|allowed| (allowed.path.clone(), allowed))
        .collect()
}

/// Sets all numbers that are left out.
fn fill(node: Node, value: &mut Value) {
    match (node.shape(), value) {
        (Shape::Record(properties), Value::Object(map)) => {
            for property in properties {
                match map.get_mut(property.name) {
                    Some(value) => fill(property.node, value),
                    None if matches!(property.node.shape(), Shape::Number { .. }) => {
                        let number = fresh::value(property.node, &Around::default());
                        map.insert(property.name.to_owned(), number);
                    }
                    None => {}
                }
            }
        }
        (_, Value::Object(map)) => {
            for (name, value) in map {
                if let Some(node) = node.step(name) {
                    fill(node, value);
                }
            }
        }
        (Shape::List { of, .. }, Value::Array(list)) => {
            for item in list {
                fill(of, item);
            }
        }
        _ => {}
    }
}

/// The paths of a field and all within it.
fn gather<'a>(field: &'a Field, paths: &mut Vec<&'a str>) {
    paths.push(&field.path);
    match &field.form {
        Form::Choice { fields, .. } | Form::Record(fields) => {
            for field in fields {
                gather(field, paths);
            }
        }
        Form::List { items, .. } => items.iter().for_each(|field| gather(field, paths)),
        Form::Map { entries, .. } => entries.iter().for_each(|(_, field)| gather(field, paths)),
        Form::Plan(steps) => gather_steps(steps, paths),
        _ => {}
    }
}

fn gather_steps<'a>(steps: &'a [Step], paths: &mut Vec<&'a str>) {
    for step in steps {
        paths.push(&step.path);
        step.fields.iter().for_each(|field| gather(field, paths));
        for nested in &step.nested {
            paths.push(&nested.path);
            gather_steps(&nested.steps, paths);
        }
    }
}

impl Field {
    /// How many things are wrong here and within.
    pub fn wrong(&self) -> usize {
        let within: usize = match &self.form {
            Form::Choice { fields, .. } | Form::Record(fields) => {
                fields.iter().map(Self::wrong).sum()
            }
            Form::List { items, .. } => items.iter().map(Self::wrong).sum(),
            Form::Map { entries, .. } => entries.iter().map(|(_, field)| field.wrong()).sum(),
            Form::Plan(steps) => steps.iter().map(Step::wrong).sum(),
            _ => 0,
        };
        self.problems.len() + within
    }

    /// What it holds, in a few words, for when its fields are folded away.
    pub fn summary(&self) -> String {
        match &self.form {
            Form::Unset(_) => self.usual.clone().unwrap_or_else(|| "not set".to_owned()),
            Form::Number { value, .. } => value.map(words::number).unwrap_or_default(),
            Form::Text { value, .. } => match value.lines().count() {
                0 | 1 => value.clone(),
                lines => format!("{lines} lines"),
            },
            Form::Reference { value, to } => {
                let known = to.iter().find(|(name, _)| name == value);
                known.map_or(value, |(_, label)| label).clone()
            }
            Form::Flag(yes) => if *yes { "yes" } else { "no" }.to_owned(),
            Form::Choice {
                at, options, note, ..
            } => {
                let chosen = at.and_then(|at| options.get(at));
                let label = chosen
                    .map(|option| option.label.clone())
                    .unwrap_or_default();
                match note {
                    Some(note) => format!("{label}: {note}"),
                    None => label,
                }
            }
            Form::Record(fields) => {
                let given = fields.iter().filter(|field| field.given);
                let told = given.map(|field| match field.summary() {
                    told if told.len() > 40 || told.is_empty() => field.label.clone(),
                    told => match field.unit {
                        Some(unit) => format!("{} {told} {}", field.label, words::short(unit)),
                        None => format!("{} {told}", field.label),
                    },
                });
                let told: Vec<String> = told.take(3).collect();
                if told.is_empty() {
                    "nothing set".to_owned()
                } else {
                    told.join(", ")
                }
            }
            Form::List { items, count, .. } => match *count {
                0 => "none".to_owned(),
                1 => items[0].summary(),
                many => format!("{} of them", words::number(many as f64)),
            },
            Form::Map { entries, .. } if entries.is_empty() => "none".to_owned(),
            Form::Map { entries, .. } => {
                let names = entries.iter().map(|(name, _)| named(name));
                let names: Vec<String> = names.take(4).collect();
                names.join(", ")
            }
            Form::Plan(steps) => match steps.len() {
                1 => "1 step".to_owned(),
                many => format!("{many} steps"),
            },
        }
    }
}

/// A name of an operation as people read it.
pub fn named(name: &str) -> String {
    if name == "*" {
        "any operation".to_owned()
    } else {
        format!("“{name}”")
    }
}

/// A field that is left out: simple ones stand there as what holds without them, others can be set.
fn unset(form: Form, property: &Property, around: &Around) -> Form {
    match form {
        Form::Number {
            whole, min, max, ..
        } => Form::Number {
            value: None,
            whole,
            min,
            max,
        },
        Form::Flag(value) => Form::Flag(property.default.and_then(Value::as_bool).unwrap_or(value)),
        Form::Text { known, .. } => Form::Text {
            value: String::new(),
            known,
        },
        Form::Reference { to, .. } => Form::Reference {
            value: String::new(),
            to,
        },
        // One of several names, one of which holds anyhow.
        Form::Choice {
            at: Some(chosen),
            options,
            fields,
            note,
        } if property.default.is_some_and(Value::is_string) => Form::Choice {
            at: Some(chosen),
            options,
            fields,
            note,
        },
        _ => {
            let default = property.default.cloned();
            Form::Unset(default.unwrap_or_else(|| fresh::value(property.node, around)))
        }
    }
}

/// A new value that keeps the fields of an old one which both know, as the mean of two distributions.
fn kept(old: &Value, new: Value) -> Value {
    let inner = |value: &Value| -> Option<Map<String, Value>> {
        let map = value.as_object().filter(|map| map.len() == 1)?;
        map.values().next()?.as_object().cloned()
    };
    let (Some(old), Value::Object(mut outer)) = (inner(old), new.clone()) else {
        return new;
    };
    if outer.len() == 1
        && let Some((_, Value::Object(fields))) = outer.iter_mut().next()
    {
        for (name, value) in fields.iter_mut() {
            if let Some(before) = old.get(name)
                && matches!((&*value, before), (Value::Number(_), Value::Number(_)))
                // What is whole stays whole.
                && (value.is_f64() || !before.is_f64())
            {
                *value = before.clone();
            }
        }
    }
    Value::Object(outer)
}

/// Mean and 99th percentile of a distribution, if it is more than a constant.
fn spread(value: &Value) -> Option<String> {
    let distribution: Distribution = from_json_value(value).ok()?;
    let (mean, high) = (distribution.mean_ms(), distribution.quantile_ms(0.99));
    let plain = matches!(distribution, Distribution::Constant { .. });
    (!plain && mean.is_finite() && high.is_finite()).then(|| {
        format!(
            "mean {}, 1 in 100 takes more than {}",
            words::millis(mean),
            words::millis(high)
        )
    })
}

/// What stands before the control of an entry of a map, whose name is said already.
fn entry_label(map: Node, of: Node, name: &str) -> String {
    match of.shape() {
        Shape::Choice(_) if of.is_distribution() => "Time".to_owned(),
        Shape::Choice(_) => singular(&words::label(map.def, map.name).0).to_owned(),
        _ => name.to_owned(),
    }
}

/// One of what a label names.
fn singular(label: &str) -> &str {
    match label {
        "Branches" => "Branch",
        "Queries" => "Query",
        "Statements" | "Operations" => "Does",
        label => label.strip_suffix('s').unwrap_or(label),
    }
}
