//! What a new part of a design is like before its author changes it: plain, and right in its place if that can be.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::schema::{Node, Property, Shape};

/// What a new part may refer to.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// The components: name, what the picture calls it, kind.
    pub components: Vec<(String, String, String)>,
    /// The operations that are asked for or answered anywhere.
    pub operations: Vec<String>,
    /// The tables of databases, those of the component itself first.
    pub tables: Vec<String>,
    /// The component that the part is in, if it is in one.
    pub within: Option<String>,
}

impl Around {
    /// What is in a design, seen from the component `within`.
    pub fn of(design: &Value, within: Option<&str>) -> Self {
        let mut around = Self {
            within: within.map(str::to_owned),
            ..Self::default()
        };
        let components = design.get("components").and_then(Value::as_object);
        for (name, component) in components.into_iter().flatten() {
            let Some((kind, own)) = component.as_object().and_then(|c| c.iter().next()) else {
                continue;
            };
            let label = design.pointer(&super::change::below("/view", name));
            let label = label
                .and_then(|view| view["label"].as_str())
                .unwrap_or(name);
            let known = (name.clone(), label.to_owned(), kind.clone());
            around.components.push(known);
            operations_of(own, &mut around.operations);
            let tables = own.get("tables").and_then(Value::as_object);
            for table in tables.into_iter().flat_map(Map::keys) {
                if within == Some(name) {
                    around.tables.retain(|other| other != table);
                    around.tables.insert(0, table.clone());
                } else if !around.tables.contains(table) {
                    around.tables.push(table.clone());
                }
            }
        }
        around
    }

    /// What the picture calls a component.
    pub fn label<'a>(&'a self, name: &'a str) -> &'a str {
        let known = self.components.iter().find(|(known, ..)| known == name);
        known.map_or(name, |(_, label, _)| label)
    }

    /// The components that a field may name: name and label. `None` if the field names no component.
    pub fn referable(&self, field: &str) -> Option<Vec<(String, String)>> {
        let may: fn(&str) -> bool = match field {
            "cache" => |kind| kind == "cache",
            "client" => |kind| kind == "client",
            "database" => |kind| kind == "database",
            "source" => |kind| matches!(kind, "event_store" | "database"),
            "to" | "target" | "targets" | "backups" | "dead_letters" | "at" | "writes_at"
            | "default" => |kind| kind != "client",
            "from" | "component" => |_| true,
            _ => return None,
        };
        let own = self.within.as_deref();
        let found = { self.components.iter() }
            .filter(|(name, _, kind)| may(kind) && own != Some(name))
            .map(|(name, label, _)| (name.clone(), label.clone()));
        Some(found.collect())
    }

    /// Names that a text field may hold, to be offered.
    pub fn known(&self, field: &str) -> &[String] {
        match field {
            "operation" | "operations" | "writes" | "cached" | "undoes" | "plans" | "queries"
            | "statements" | "mix" | "bulkheads" | "scatter" => &self.operations,
            "table" | "with" => &self.tables,
            _ => &[],
        }
    }
}

/// Gathers the names of operations that a part of a design asks for or answers.
fn operations_of(part: &Value, all: &mut Vec<String>) {
    let mut add = |name: &str| {
        if name != "*" && !name.is_empty() && !all.iter().any(|known| known == name) {
            all.push(name.to_owned());
        }
    };
    match part {
        Value::Array(list) => {
            for item in list {
                operations_of(item, all);
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                match (name.as_str(), value) {
                    ("operation", Value::String(operation)) => add(operation),
                    (
                        "mix" | "plans" | "queries" | "statements" | "operations",
                        Value::Object(by_name),
                    ) => by_name.keys().for_each(|name| add(name)),
                    _ => {}
                }
            }
            for value in map.values() {
                operations_of(value, all);
            }
        }
        _ => {}
    }
}

/// A new value for this place.
pub fn value(node: Node, around: &Around) -> Value {
    if !node.inside
        && let Some(known) = usual(node.def, node.name)
        && fits(node, &known)
    {
        return known;
    }
    if let Some(default) = node.default() {
        return default.clone();
    }
    match node.shape() {
        Shape::Record(properties) => record(&properties, node.target_def(), around),
        Shape::Choice(variants) => variants
            .first()
            .map_or(Value::Null, |variant| self::variant(variant, around)),
        Shape::List { of, exactly } => (0..exactly.unwrap_or(1))
            .map(|_| value(of, around))
            .collect(),
        Shape::Map(_) => json!({}),
        Shape::Number { whole, min, .. } => {
            if whole {
                json!(min.max(1.0) as u64)
            } else {
                json!(min.max(1.0))
            }
        }
        Shape::Text => text(node.name, around).into(),
        Shape::Flag => true.into(),
    }
}

/// A new value of a variant.
pub fn variant(variant: &super::schema::Variant, around: &Around) -> Value {
    let content = variant.content.map(|content| {
        match (content.shape(), content.def, variant.tag) {
            // What only its variant tells apart.
            (_, "ScalingRule", "target") => json!({ "value": 0.7 }),
            (_, "Breaker", "window") => {
                json!({ "size": 20, "min_calls": 10, "failure_rate": 0.5, "open_ms": 5_000 })
            }
            (_, "Arrivals", "batch") => {
                json!({ "rate_per_s": 10, "size": { "constant": { "size": 10 } } })
            }
            (Shape::Record(properties), def, _) if content.target_def() == def => {
                record(&properties, def, around)
            }
            _ => value(content, around),
        }
    });
    match content {
        None => variant.tag.into(),
        Some(content) if variant.bare => content,
        Some(content) => json!({ variant.tag: content }),
    }
}

fn record(properties: &[Property], def: &str, around: &Around) -> Value {
    let wanted = |property: &&Property| property.required || must(def, property.name);
    let fields = properties.iter().filter(wanted);
    let fields = fields.map(|property| {
        let known = usual(def, property.name).filter(|value| fits(property.node, value));
        let value = known.unwrap_or_else(|| value(property.node, around));
        (property.name.to_owned(), value)
    });
    Value::Object(fields.collect())
}

/// Whether a value is of the kind of this place.
fn fits(node: Node, value: &Value) -> bool {
    match node.shape() {
        Shape::Record(_) | Shape::Map(_) => value.is_object(),
        Shape::Choice(variants) => variants.iter().any(|variant| variant.fits(value)),
        Shape::List { .. } => value.is_array(),
        Shape::Number { .. } => value.is_number(),
        Shape::Text => value.is_string(),
        Shape::Flag => value.is_boolean(),
    }
}

/// Fields that the schema lets one leave out and the checks do not, for then nothing would be said.
fn must(def: &str, name: &str) -> bool {
    matches!(
        (def, name),
        ("Client", "operation")
            | ("Database", "queries")
            | ("Cache", "capacity_entries")
            | ("Payload", "bytes")
            | ("Fault", "at_s")
    )
}

/// What is usual for fields of definitions, where a number or a part cannot be guessed from its type.
static USUAL: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("usual.json")).expect("a test reads it"));

/// What is usual for a field of a definition.
fn usual(def: &str, name: &str) -> Option<Value> {
    USUAL.get(def)?.get(name).cloned()
}

/// A name that is there to be named, or one that is usual.
fn text(name: &str, around: &Around) -> String {
    if let Some(components) = around.referable(name) {
        let first = components.into_iter().next();
        return first.map(|(name, _)| name).unwrap_or_default();
    }
    let usual = match name {
        "table" | "with" => "items",
        "operation" => "read",
        "undoes" => "write",
        _ => "",
    };
    let known = around.known(name).first();
    known.cloned().unwrap_or_else(|| usual.to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use scale_sim::{Problem, Scenario, from_json_value};

    use super::super::change::{Change, below};
    use super::super::form::{At, Field, Form, Maker};
    use super::super::settle::settled;
    use super::super::steps::{Step, addable};
    use super::*;

    /// A design with a component of each kind, all of it right.
    pub fn design() -> Value {
        json!({
            "version": 1, "horizon_s": 60, "warmup_s": 5,
            "components": {
                "people": { "client": {
                    "mix": { "read": 9, "write": 1 }, "target": "gate", "arrivals": { "poisson": { "rate_per_s": 100 } },
                    "keys": { "uniform": { "count": 1_000 } }, "users": 100 } },
                "gate": { "gateway": { "target": "lb" } },
                "lb": { "balancer": { "policy": "round_robin", "targets": ["shop"] } },
                "shop": { "service": { "instances": 2, "workers": 8, "queue": 100, "plans": { "*": [
                    { "work": { "exponential": { "mean_ms": 10 } } },
                    { "cached": { "cache": "kept", "miss": [{ "call": { "to": "db" } }] } },
                    { "call": { "to": "line" } }, { "call": { "to": "news" } }, { "call": { "to": "happened" } },
                    { "call": { "to": "known" } }, { "call": { "to": "parts" } } ] } } },
                "kept": { "cache": { "capacity_entries": 1_000, "lookup": { "constant": { "mean_ms": 1 } } } },
                "db": { "database": {
                    "connections": 10, "writes": ["write"], "statements": { "find": { "read": { "table": "items" } } },
                    "tables": { "items": { "rows": 1_000 }, "other": { "rows": 1_000 } },
                    "queries": { "*": { "exponential": { "mean_ms": 5 } } } } },
                "line": { "queue": { "to": "worker" } },
                "news": { "topic": { "partitions": 2, "subscriptions": { "mail": { "to": "worker" } } } },
                "worker": { "service": { "workers": 8, "plans": { "*": [{ "work": { "constant": { "mean_ms": 5 } } }] } } },
                "happened": { "event_store": { "connections": 8, "streams": 1_000, "operations": {
                    "read": "load", "write": { "append": { "by": 1 } } } } },
                "known": { "view": { "source": "happened", "connections": 8,
                    "queries": { "*": { "exponential": { "mean_ms": 1 } } }, "apply": { "exponential": { "mean_ms": 2 } } } },
                "parts": { "shards": { "targets": ["one", "two"], "partitioning": { "slots": {} } } },
                "one": { "database": { "connections": 10, "queries": { "*": { "exponential": { "mean_ms": 5 } } } } },
                "two": { "database": { "connections": 10, "queries": { "*": { "exponential": { "mean_ms": 5 } } } } }
            },
            "links": [{ "from": "people", "to": "gate", "latency": { "constant": { "mean_ms": 1 } } }],
            "faults": [{ "what": { "crash": { "component": "db" } }, "at_s": 10, "for_s": 5 }],
            "invariants": [{ "no_lost_writes": { "at": "db" } }]
        })
    }

    /// Tries everything that a form offers, and notes what the checks say.
    #[derive(Default)]
    struct Walk {
        /// How often each kind of place was gone into.
        seen: BTreeMap<String, u32>,
        tried: usize,
        said: BTreeMap<String, String>,
    }

    impl Walk {
        fn check(&mut self, design: &Value, what: &str) -> Vec<Problem> {
            self.tried += 1;
            let scenario: Result<Scenario, _> = from_json_value(design);
            let problems = match scenario {
                Ok(scenario) => scenario.problems(),
                Err(problem) => vec![Problem::new("", format!("not of the form: {problem}"))],
            };
            for problem in &problems {
                self.said
                    .entry(problem.message.clone())
                    .or_insert_with(|| what.to_owned());
            }
            problems
        }

        fn try_out(&mut self, design: &Value, changes: &[Change]) {
            let changes = settled(design, changes.to_vec(), None);
            let mut tree = design.clone();
            for change in &changes {
                assert!(change.apply(&mut tree), "{change:?}");
            }
            let Change::Set { pointer, value } = &changes[0] else {
                panic!("sets come first")
            };
            let problems = self.check(&tree, &format!("{pointer} = {value}"));
            self.go(&tree, &problems, pointer);
        }

        fn go(&mut self, design: &Value, problems: &[Problem], pointer: &str) {
            let at = At::pointer(pointer).expect(pointer);
            let maker = Maker::new(design, problems, None);
            let field = maker.field(&at, maker.value(&at));
            self.field(design, &maker, &field);
        }

        #[expect(clippy::too_many_lines, reason = "one arm a form")]
        fn field(&mut self, design: &Value, maker: &Maker, field: &Field) {
            let at = At::pointer(&field.pointer).expect(&field.pointer);
            let value = maker
                .value(&at)
                .map(ToString::to_string)
                .unwrap_or_default();
            let tag: String = value
                .chars()
                .filter(|c| !c.is_ascii_digit())
                .take(14)
                .collect();
            let key = format!("{}.{}.{}.{tag}", at.node.def, at.node.name, at.node.inside);
            let seen = self.seen.entry(key).or_default();
            *seen += 1;
            if *seen > 2 {
                return;
            }
            if let Some(default) = at.node.default().filter(|_| !field.given) {
                let mut said = design.clone();
                assert!(Change::set(&field.pointer, default.clone()).apply(&mut said));
                let read = |tree: &Value| from_json_value::<Scenario>(tree);
                assert_eq!(read(&said), read(design), "the default of {}", field.path);
            }
            let set = |value: Value| {
                let first = [Change::set(&field.pointer, value)];
                first
                    .into_iter()
                    .chain(field.along.iter().cloned())
                    .collect::<Vec<_>>()
            };
            match &field.form {
                Form::Unset(value) => self.try_out(design, &set(value.clone())),
                Form::Number { value: None, .. } | Form::Text { .. } | Form::Reference { .. } => {
                    if !field.given {
                        self.try_out(design, &set(value_of(&at, maker)));
                    }
                }
                Form::Number {
                    whole, min, max, ..
                } => {
                    for end in [*min, *max] {
                        let number = if *whole {
                            json!(end as i64)
                        } else {
                            json!(end)
                        };
                        let mut changed = design.clone();
                        assert!(Change::set(&field.pointer, number).apply(&mut changed));
                        let read: Scenario = from_json_value(&changed)
                            .unwrap_or_else(|problem| panic!("{}: {end}: {problem}", field.path));
                        let out = read.problems().into_iter().find(|problem| {
                            problem.path == field.path && problem.message.contains("out of range")
                        });
                        assert_eq!(out, None, "{min} to {max}");
                    }
                }
                Form::Flag(on) => self.try_out(design, &set((!on).into())),
                Form::Choice {
                    options, fields, ..
                } => {
                    for option in options {
                        let mut changes = set(option.value.clone());
                        changes.extend(option.along.iter().cloned());
                        self.try_out(design, &changes);
                    }
                    for field in fields {
                        self.field(design, maker, field);
                    }
                }
                Form::Record(fields) => {
                    for field in fields {
                        self.field(design, maker, field);
                    }
                }
                Form::List {
                    items,
                    another,
                    room,
                    ..
                } => {
                    if let Some(another) = another
                        && *room
                    {
                        let pointer = below(&field.pointer, &items.len().to_string());
                        self.try_out(design, &[Change::set(pointer, another.clone())]);
                    }
                    for field in items {
                        self.field(design, maker, field);
                    }
                }
                Form::Map {
                    entries,
                    another,
                    known,
                } => {
                    let free = known
                        .iter()
                        .find(|name| entries.iter().all(|(n, _)| n != *name));
                    let name = free.map_or("extra", String::as_str);
                    let pointer = below(&field.pointer, name);
                    self.try_out(design, &[Change::set(pointer, another.clone())]);
                    for (_, field) in entries {
                        self.field(design, maker, field);
                    }
                }
                Form::Plan(steps) => self.plan(design, maker, &field.pointer, steps),
            }
        }

        fn plan(&mut self, design: &Value, maker: &Maker, pointer: &str, steps: &[Step]) {
            for added in addable(&maker.around) {
                let pointer = below(pointer, &steps.len().to_string());
                self.try_out(design, &[Change::set(pointer, added.value)]);
            }
            for step in steps {
                for field in &step.fields {
                    self.field(design, maker, field);
                }
                for nested in &step.nested {
                    self.plan(design, maker, &nested.pointer, &nested.steps);
                }
            }
        }
    }

    fn value_of(at: &At, maker: &Maker) -> Value {
        super::value(at.node, &maker.around)
    }

    /// What the checks may say of something new: that it does not go with what is there, by name or by choice. What they say of
    /// its own numbers, or of what is missing in it, is a fault of this file.
    const OF_OTHERS: [&str; 17] = [
        // No component of the design is of that kind, or has such an operation.
        "messages are kept by queues",
        "this holds at",
        "only databases have rows that can be moved",
        "has no plan for the operation",
        "there is no 'read'",
        "there is no change 'read'",
        "there is no field",
        "fetches what is missing itself: call it",
        // As many bounds as there are shards but one: a bound and a shard are added one after the other.
        "there must be one fewer",
        // A branch of a transaction, which can less than other calls.
        "a branch prepares once",
        "it must be waited for",
        "it must fail if it fails",
        // A field that goes with another choice than the one made.
        "a closed loop has its users in",
        "an event store has streams and no tables",
        "no compression has no level",
        "the cache of a gateway fetches from the gateway's target",
        "with mode cache_aside",
    ];

    #[test]
    fn what_is_usual_is_of_fields_that_there_are() {
        for (def, fields) in USUAL.as_object().expect("by definition") {
            for (name, value) in fields.as_object().expect("by field") {
                let node = match def.as_str() {
                    "Scenario" => Node::scenario(),
                    def => Node::of_def(def).expect(def),
                };
                let variants = match node.shape() {
                    Shape::Choice(variants) => variants.iter().filter_map(|v| v.content).collect(),
                    _ => vec![node],
                };
                let mut found = variants.into_iter().filter_map(|node| node.step(name));
                assert!(found.any(|node| fits(node, value)), "{def}.{name}");
            }
        }
    }

    #[test]
    fn whatever_a_form_offers_is_right_in_its_place() {
        let design = design();
        let mut walk = Walk::default();
        assert_eq!(walk.check(&design, "the design"), []);
        for name in design["components"].as_object().expect("a map").keys() {
            let kind = design["components"][name]
                .as_object()
                .expect("one")
                .keys()
                .next();
            let pointer = format!("/components/{name}/{}", kind.expect("a kind"));
            walk.go(&design, &[], &pointer);
        }
        for whole in ["/links", "/faults", "/invariants", "/zones"] {
            walk.go(&design, &[], whole);
        }
        let other: Vec<_> = { walk.said.iter() }
            .filter(|(message, _)| !OF_OTHERS.iter().any(|known| message.contains(known)))
            .collect();
        assert!(walk.tried > 3_000, "{}", walk.tried);
        assert!(other.is_empty(), "{} tried\n{other:#?}", walk.tried);
    }
}
