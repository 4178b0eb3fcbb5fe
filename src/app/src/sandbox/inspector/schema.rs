//! The schema of scenarios, as far as forms are made of it: `lab schema scenario` prints it, generated from the types.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::change::unescaped;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../scenario.schema.json")).expect("a test reads it")
});

/// A place in the schema: what a value may be.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    schema: &'static Value,
    /// The name of the definition that it is in.
    pub def: &'static str,
    /// The name of the field that leads here; that of the list for what is in it.
    pub name: &'static str,
    /// Whether it is one of those in a list or map of that name.
    pub inside: bool,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum Shape {
    /// An object with known fields.
    Record(Vec<Property>),
    /// One of several.
    Choice(Vec<Variant>),
    /// A list.
    List {
        /// What is in it.
        of: Node,
        /// How long it must be, if that is fixed.
        exactly: Option<usize>,
    },
    /// An object with names of the author's own.
    Map(Node),
    /// A number, between bounds that its type sets.
    Number {
        /// Whether it is a whole one.
        whole: bool,
        /// The least.
        min: f64,
        /// The most.
        max: f64,
    },
    /// A text.
    Text,
    /// Yes or no.
    Flag,
}

/// A field of a record.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub node: Node,
    /// Whether it must be there.
    pub required: bool,
    /// What it is if it is left out, where that is a value.
    pub default: Option<&'static Value>,
    /// What it means.
    pub help: &'static str,
}

/// One of several that a value may be.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// The name by which files know it; of one that files do not name, what it is in JSON.
    pub tag: &'static str,
    /// Whether its content stands for itself, without its name.
    pub bare: bool,
    /// What it means.
    pub help: &'static str,
    /// What it holds, if anything.
    pub content: Option<Node>,
}

impl Node {
    /// The whole scenario.
    pub fn scenario() -> Self {
        Self {
            schema: &SCHEMA,
            def: "Scenario",
            name: "",
            inside: false,
        }
    }

    /// The definition of this name.
    pub fn of_def(name: &str) -> Option<Self> {
        let (def, schema) = SCHEMA.get("$defs")?.as_object()?.get_key_value(name)?;
        Some(Self {
            schema,
            def,
            name: "",
            inside: false,
        })
    }

    /// The same place without references and "or nothing".
    fn resolved(self) -> Self {
        if let Some(target) = text(self.schema, "$ref")
            && let Some(def) = target.strip_prefix("#/$defs/")
            && let Some(node) = Self::of_def(def)
        {
            return Self {
                name: self.name,
                inside: self.inside,
                ..node
            };
        }
        if let Some([one, other]) = list(self.schema, "anyOf") {
            let is_null = |schema: &'static Value| text(schema, "type") == Some("null");
            let left = match (is_null(one), is_null(other)) {
                (false, true) => one,
                (true, false) => other,
                _ => return self,
            };
            return Self {
                schema: left,
                ..self
            }
            .resolved();
        }
        self
    }

    /// The definition that a value here is of: its own, if it is one that others share.
    pub fn target_def(self) -> &'static str {
        self.resolved().def
    }

    /// What holds if nothing is said here, where that is a value.
    pub fn default(self) -> Option<&'static Value> {
        self.schema.get("default")
    }

    /// What is said of it where it is defined.
    pub fn help(self) -> &'static str {
        let own = text(self.schema, "description");
        own.or_else(|| text(self.resolved().schema, "description"))
            .unwrap_or_default()
    }

    /// What a value here is.
    pub fn shape(self) -> Shape {
        let node = self.resolved();
        let Self { schema, def, .. } = node;
        let with = |schema| Self { schema, ..node };
        let inside = |schema| Self {
            schema,
            inside: true,
            ..node
        };
        if let Some(variants) = list(schema, "oneOf") {
            let variants = variants.iter().filter_map(|v| variant(v, with(v)));
            return Shape::Choice(variants.collect());
        }
        if let Some(kinds) = list(schema, "anyOf") {
            let bare = |kind| Variant {
                tag: kind_of(kind),
                bare: true,
                help: text(kind, "description").unwrap_or_default(),
                content: Some(with(kind)),
            };
            return Shape::Choice(kinds.iter().map(bare).collect());
        }
        match kind_of(schema) {
            "object" => match object(schema, "properties") {
                Some(properties) => Shape::Record(record(schema, properties, def)),
                None => Shape::Map(inside(&schema["additionalProperties"])),
            },
            "array" => Shape::List {
                of: inside(&schema["items"]),
                exactly: schema["minItems"].as_u64().map(|length| length as usize),
            },
            "boolean" => Shape::Flag,
            "string" => Shape::Text,
            kind => {
                let (min, max) = bounds(text(schema, "format").unwrap_or_default());
                Shape::Number {
                    whole: kind == "integer",
                    min: schema["minimum"].as_f64().unwrap_or(min),
                    max: schema["maximum"].as_f64().unwrap_or(max),
                }
            }
        }
    }

    /// The place one part of a JSON Pointer further down; `None` if there is none of that name.
    pub fn step(self, part: &str) -> Option<Self> {
        match self.shape() {
            Shape::Record(properties) => {
                let found = properties.iter().find(|property| property.name == part);
                found.map(|property| property.node)
            }
            Shape::Choice(variants) => {
                let tagged = variants.iter().find(|v| !v.bare && v.tag == part);
                let bare = || variants.iter().find(|v| v.bare && v.tag == "array");
                match tagged {
                    Some(variant) => variant.content,
                    None => bare()?.content?.step(part),
                }
            }
            Shape::List { of, .. } | Shape::Map(of) => Some(of),
            Shape::Number { .. } | Shape::Text | Shape::Flag => None,
        }
    }

    /// The place that a JSON Pointer into a scenario leads to.
    pub fn at(pointer: &str) -> Option<Self> {
        let mut parts = pointer.split('/').skip(1).map(unescaped);
        parts.try_fold(Self::scenario(), |node, part| node.step(&part))
    }

    /// Whether this is a plan: a list of instructions.
    pub fn is_plan(self) -> bool {
        matches!(self.shape(), Shape::List { of, .. } if of.resolved().def == "Instruction")
    }

    /// Whether this is a distribution of times.
    pub fn is_distribution(self) -> bool {
        self.resolved().def == "Distribution"
    }
}

impl Variant {
    /// Whether `value` is of this variant.
    pub fn fits(&self, value: &Value) -> bool {
        if self.bare {
            return match value {
                Value::Number(_) => matches!(self.tag, "integer" | "number"),
                Value::Array(_) => self.tag == "array",
                Value::Object(_) => self.tag == "object",
                Value::String(_) => self.tag == "string",
                Value::Bool(_) => self.tag == "boolean",
                Value::Null => false,
            };
        }
        match value {
            Value::String(tag) => tag == self.tag,
            Value::Object(map) => map.len() == 1 && map.contains_key(self.tag),
            _ => false,
        }
    }
}

fn record(
    schema: &'static Value,
    properties: &'static Map<String, Value>,
    def: &'static str,
) -> Vec<Property> {
    let required = list(schema, "required").unwrap_or_default();
    let properties = properties.iter().map(|(name, schema)| {
        let node = Node {
            schema,
            def,
            name,
            inside: false,
        };
        Property {
            name,
            node,
            required: required.iter().any(|r| r == name),
            default: node.default(),
            help: node.help(),
        }
    });
    properties.collect()
}

/// A variant of an enum as `serde` tags it: a name alone, or an object with the name as its one field.
fn variant(schema: &'static Value, node: Node) -> Option<Variant> {
    let help = text(schema, "description").unwrap_or_default();
    if let Some(tag) = text(schema, "const") {
        return Some(Variant {
            tag,
            bare: false,
            help,
            content: None,
        });
    }
    let (tag, content) = object(schema, "properties")?.iter().next()?;
    Some(Variant {
        tag,
        bare: false,
        help,
        content: Some(Node {
            schema: content,
            ..node
        }),
    })
}

/// The type, without "or nothing".
fn kind_of(schema: &'static Value) -> &'static str {
    match &schema["type"] {
        Value::String(kind) => kind,
        Value::Array(kinds) => {
            let kinds = kinds.iter().filter_map(Value::as_str);
            kinds.into_iter().find(|k| *k != "null").unwrap_or_default()
        }
        _ => "",
    }
}

/// What the types of numbers hold; beyond that is for the checks of a scenario to say.
fn bounds(format: &str) -> (f64, f64) {
    // Whole numbers beyond this are not told apart by scripts of browsers.
    const WHOLE: f64 = 9_007_199_254_740_991.0;
    match format {
        "uint8" => (0.0, f64::from(u8::MAX)),
        "uint16" => (0.0, f64::from(u16::MAX)),
        "uint32" => (0.0, f64::from(u32::MAX)),
        "uint64" => (0.0, WHOLE),
        "int64" => (-WHOLE, WHOLE),
        _ => (f64::MIN, f64::MAX),
    }
}

fn text(schema: &'static Value, key: &str) -> Option<&'static str> {
    schema.get(key)?.as_str()
}

fn list(schema: &'static Value, key: &str) -> Option<&'static [Value]> {
    schema.get(key)?.as_array().map(Vec::as_slice)
}

fn object(schema: &'static Value, key: &str) -> Option<&'static Map<String, Value>> {
    schema.get(key)?.as_object()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_leads_to_every_kind_of_place() {
        let shape = |pointer: &str| Node::at(pointer).expect(pointer).shape();
        assert!(matches!(
            shape("/components/shop/service/workers"),
            Shape::Number { whole: true, min, .. } if min == 0.0
        ));
        let Shape::Record(service) = shape("/components/shop/service") else {
            panic!("a record")
        };
        let queue = service.iter().find(|p| p.name == "queue").expect("a queue");
        assert_eq!(queue.default, Some(&Value::from(1_000_000)));
        assert!(!queue.required && queue.help.contains("may wait"));
        let plan = Node::at("/components/shop/service/plans/buy~1now").expect("a plan");
        assert!(plan.is_plan());
        let miss = Node::at("/components/shop/service/plans/*/0/cached/miss").expect("a plan");
        assert!(miss.is_plan());
        let time = Node::at("/components/shop/service/plans/*/0/work").expect("a time");
        assert!(time.is_distribution());
        assert!(matches!(
            shape("/components/lb/balancer/weights/a/1"),
            Shape::Number { .. }
        ));
        assert!(matches!(
            shape("/view/a/at"),
            Shape::List {
                exactly: Some(2),
                ..
            }
        ));
        assert!(matches!(
            shape("/components/users/client/deadline_ms"),
            Shape::Number { whole: false, .. }
        ));
        assert!(Node::at("/components/shop/service/wrokers").is_none());
        assert!(Node::at("/title/x").is_none());
    }

    #[test]
    fn a_variant_knows_its_values() {
        let Shape::Choice(policies) = Node::at("/components/lb/balancer/policy")
            .expect("a policy")
            .shape()
        else {
            panic!("a choice")
        };
        let at = |value: Value| policies.iter().position(|v| v.fits(&value));
        assert_eq!(at("round_robin".into()), Some(0));
        let drawn = at(serde_json::json!({ "power_of_d": { "d": 2 } })).expect("one of them");
        assert_eq!(policies[drawn].tag, "power_of_d");
        assert_eq!(at("none of them".into()), None);
        assert_eq!(at(Value::Null), None);
    }
}
