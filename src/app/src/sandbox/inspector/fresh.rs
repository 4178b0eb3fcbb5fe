//! What a new part of a design is like before its author changes it: plain, and right in its place if that can be.

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
    {
        return known;
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
        let known = usual(def, property.name);
        let value = known.unwrap_or_else(|| value(property.node, around));
        (property.name.to_owned(), value)
    });
    Value::Object(fields.collect())
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

/// What is usual for a field of a definition.
fn usual(def: &str, name: &str) -> Option<Value> {
    let value = match (def, name) {
        ("Scenario", "horizon_s") => json!(60),
        ("Mix" | "Client", "mix") => json!({ "read": 9, "write": 1 }),
        ("Client", "users") => json!(1_000),
        ("Service", "plans") => json!({ "*": [{ "work": { "exponential": { "mean_ms": 10 } } }] }),
        ("Database" | "ReadModel", "queries") => {
            json!({ "*": { "exponential": { "mean_ms": 5 } } })
        }
        ("EventStore", "operations") => {
            json!({ "read": "load", "write": { "append": { "by": 1 } } })
        }
        ("Cached", "miss") | ("Call", "fallback") => {
            json!([{ "work": { "exponential": { "mean_ms": 10 } } }])
        }
        ("Outbox", "operations") => json!(["write"]),
        (_, "points") if def == "Arrivals" => json!([[0, 50], [20, 200]]),
        (_, "samples_ms") => json!([5, 10, 20]),
        ("Arrivals", "rate_per_s" | "mean_per_s") => json!(100),
        ("Arrivals", "base_per_s" | "from_per_s") => json!(50),
        ("Arrivals", "to_per_s" | "rate_on_per_s") => json!(200),
        ("Arrivals", "peak_per_s") => json!(500),
        ("Arrivals", "over_s") => json!(30),
        ("Arrivals", "at_s") => json!(20),
        ("Arrivals", "for_s") => json!(10),
        ("Arrivals", "mean_on_s" | "mean_off_s") => json!(5),
        ("Arrivals", "swing") => json!(0.5),
        ("Arrivals", "users") => json!(50),
        ("Arrivals", "think_time") => json!({ "exponential": { "mean_ms": 1_000 } }),
        ("Arrivals", "file") => json!("access.log"),
        ("BatchSize", _) if name == "size" || name == "mean" => json!(10),
        ("Distribution", "mean_ms") => json!(10),
        ("Distribution", "min_ms") => json!(5),
        ("Distribution", "max_ms") => json!(15),
        ("Distribution", "stages") => json!(4),
        ("Keys", "count") => json!(10_000),
        ("Keys", "exponent") => json!(0.9),
        ("Keys", "hot_count" | "tenants" | "keys_each") => json!(100),
        ("Keys", "hot_share") => json!(0.8),
        (
            "Client" | "Resilience" | "ConcurrencyLimit" | "Reads" | "Scatter" | "Commits"
            | "Transaction" | "HealthCheck",
            "timeout_ms" | "deadline_ms",
        ) => json!(1_000),
        ("Retry", "attempts") => json!(3),
        ("Backoff", "wait_ms" | "base_ms") => json!(100),
        ("Backoff", "cap_ms") => json!(2_000),
        ("Hedge", "after_ms") => json!(100),
        ("ConsecutiveBreaker", "failures") => json!(5),
        ("ConsecutiveBreaker" | "WindowBreaker", "open_ms") => json!(5_000),
        ("WindowBreaker", "slow_call_ms") => json!(500),
        ("WindowBreaker", "slow_rate") => json!(0.5),
        ("Policy", "d") => json!(2),
        ("HealthCheck", "interval_s") => json!(5),
        ("HealthCheck", "fall" | "rise") => json!(2),
        ("Service", "workers") => json!(8),
        ("Service", "queue" | "bulkheads") if name == "queue" => json!(100),
        ("Shedding", "queue_timeout_ms") => json!(500),
        ("Autoscale", "min") => json!(1),
        ("Autoscale", "max") => json!(10),
        ("StepUp", "above") => json!(0.8),
        ("StepDown", "below") => json!(0.3),
        ("Database" | "EventStore" | "ReadModel", "connections") => json!(10),
        ("Database", "lock_timeout_ms" | "deadlock_timeout_ms") => json!(1_000),
        ("Database", "once_kept_s") => json!(60),
        ("Database" | "Table", "rows") => json!(10_000),
        ("Statement", "size" | "keys" | "rows") => json!(20),
        ("Statement", "by") => json!(1),
        ("Replication", "replicas") => json!(2),
        ("Replication", "failover_after_ms") => json!(1_000),
        ("Reads", "for_ms") => json!(1_000),
        ("Cache", "capacity_entries") => json!(1_000),
        ("Cache", "capacity_bytes") => json!(1_000_000),
        ("Cache", "negative_ttl_s") => json!(10),
        ("Cache", "refresh_ahead") => json!(0.8),
        ("Ttl", "ttl_s") => json!(60),
        ("Mode", "flush_interval_ms") => json!(1_000),
        ("Mode", "batch") => json!(100),
        ("Invalidation", "delay_ms") => json!(50),
        ("Warm", "keys") => json!(100),
        ("RateLimit", "rate_per_s" | "burst") => json!(100),
        ("RateLimit", "keys") => json!(10_000),
        ("ConcurrencyLimit", "most") => json!(100),
        ("Stretch", "from") => json!(0),
        ("Stretch", "to") => json!(999),
        ("Partitioning", "bounds") => json!([]),
        ("Reshard" | "Rebuild" | "EventSchema" | "Fault", "at_s") => json!(10),
        ("Fault", "for_s") => json!(10),
        ("Fault", "after_events") => json!(1_000),
        ("RandomTimes", "mean_up_s") => json!(60),
        ("RandomTimes", "mean_down_s") => json!(5),
        ("Slow" | "Spike", "factor") => json!(3),
        ("Errors", "share") => json!(0.1),
        ("Link", "latency") => json!({ "constant": { "mean_ms": 1 } }),
        ("Link", "bandwidth_mbit_s") => json!(100),
        ("Link" | "Lossy", "loss") => json!(0.01),
        ("EventStore", "streams") => json!(10_000),
        ("Snapshots", "every_events") => json!(100),
        ("EventSchema", "upcast_us") => json!(10),
        ("ReadModel", "apply") => json!({ "exponential": { "mean_ms": 2 } }),
        ("Payload" | "Call", "bytes") => json!(1_000),
        ("Queue" | "Subscription", "max_deliveries") => json!(5),
        _ => return None,
    };
    Some(value)
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
