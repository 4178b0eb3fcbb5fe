//! Which fields come first, and which are folded away.

use super::schema::Property;

/// The fields of a definition that are shown at once, in this order. Definitions that are not here show what must be given.
const FOREMOST: [(&str, &[&str]); 24] = [
    (
        "Scenario",
        &[
            "title",
            "horizon_s",
            "warmup_s",
            "seed",
            "zones",
            "invariants",
        ],
    ),
    (
        "Client",
        &[
            "arrivals",
            "operation",
            "mix",
            "keys",
            "target",
            "users",
            "deadline_ms",
        ],
    ),
    ("Balancer", &["policy", "targets"]),
    ("Service", &["instances", "workers", "queue", "plans"]),
    (
        "Database",
        &[
            "connections",
            "queue",
            "queries",
            "statements",
            "writes",
            "replication",
        ],
    ),
    (
        "Cache",
        &["capacity_entries", "ttl", "eviction", "mode", "target"],
    ),
    ("Gateway", &["target", "rate_limit", "concurrency"]),
    ("Shards", &["targets", "partitioning"]),
    (
        "Queue",
        &["to", "capacity", "full", "delivery", "dead_letters"],
    ),
    ("Topic", &["partitions", "subscriptions"]),
    (
        "EventStore",
        &["connections", "streams", "operations", "snapshots"],
    ),
    ("ReadModel", &["source", "connections", "queries", "apply"]),
    ("Call", &["to", "operation", "resilience"]),
    ("Parallel", &["calls", "need"]),
    ("Cached", &["cache", "miss"]),
    ("Invalidate", &["cache"]),
    ("Payload", &["bytes", "compression"]),
    ("Resilience", &["timeout_ms", "retry", "breaker", "hedge"]),
    ("Retry", &["attempts", "backoff", "budget"]),
    ("Link", &["latency", "bandwidth_mbit_s", "loss"]),
    ("Subscription", &["to", "operation", "delivery"]),
    ("SagaStep", &["do", "undo", "retriable"]),
    ("Replication", &["replicas", "commits", "reads"]),
    ("Table", &["rows", "value"]),
];

/// Pairs of fields of which one is given: setting one takes the others away.
const INSTEAD: [(&str, &str, &[&str]); 7] = [
    ("Client", "operation", &["mix"]),
    ("Client", "mix", &["operation"]),
    ("Payload", "bytes", &["fields", "select"]),
    ("Payload", "fields", &["bytes"]),
    ("Fault", "at_s", &["after_events", "random"]),
    ("Fault", "after_events", &["at_s", "random"]),
    ("Fault", "random", &["at_s", "after_events", "for_s"]),
];

/// Fields that need another beside them: setting one sets the other, too.
const TOGETHER: [(&str, &str, &str); 8] = [
    ("WindowBreaker", "slow_call_ms", "slow_rate"),
    ("WindowBreaker", "slow_rate", "slow_call_ms"),
    ("Gateway", "cache", "cached"),
    ("Gateway", "cached", "cache"),
    ("Queue", "dead_letters", "max_deliveries"),
    ("Subscription", "dead_letters", "max_deliveries"),
    ("Link", "shared", "bandwidth_mbit_s"),
    ("Cache", "refresh_ahead", "ttl"),
];

fn of(def: &str) -> Option<&'static [&'static str]> {
    FOREMOST
        .iter()
        .find(|(name, _)| *name == def)
        .map(|(_, fields)| *fields)
}

/// Where a field stands among those of its definition.
pub fn rank(def: &str, name: &str) -> usize {
    let fields = of(def).unwrap_or_default();
    fields
        .iter()
        .position(|field| *field == name)
        .unwrap_or(fields.len())
}

/// Whether a field is shown at once; `among` counts the fields of its record.
pub fn foremost(def: &str, property: &Property, among: usize) -> bool {
    match of(def) {
        Some(fields) => fields.contains(&property.name),
        None => property.required || among <= 3,
    }
}

/// The fields that are taken away when this one is set, if there are any.
pub fn instead_of(def: &str, name: &str) -> Option<&'static [&'static str]> {
    let found = INSTEAD
        .iter()
        .find(|(of, field, _)| *of == def && *field == name);
    found.map(|(.., others)| *others)
}

/// The field that is set along with this one, if there is one.
pub fn together_with(def: &str, name: &str) -> Option<&'static str> {
    let found = TOGETHER
        .iter()
        .find(|(of, field, _)| *of == def && *field == name);
    found.map(|(.., other)| *other)
}

#[cfg(test)]
mod tests {
    use super::super::schema::{Node, Shape};
    use super::*;

    #[test]
    fn only_fields_that_there_are_come_first() {
        let fields = FOREMOST
            .iter()
            .flat_map(|(def, fields)| fields.iter().map(move |f| (def, f)));
        let instead = INSTEAD.iter().flat_map(|(def, name, others)| {
            [name]
                .into_iter()
                .chain(others.iter())
                .map(move |f| (def, f))
        });
        let together = TOGETHER
            .iter()
            .flat_map(|(def, one, other)| [(def, one), (def, other)]);
        for (def, field) in fields.chain(instead).chain(together) {
            let node = match *def {
                "Scenario" => Node::scenario(),
                def => Node::of_def(def).expect(def),
            };
            let Shape::Record(properties) = node.shape() else {
                panic!("{def} is no record")
            };
            assert!(properties.iter().any(|p| p.name == *field), "{def}.{field}");
        }
    }
}
