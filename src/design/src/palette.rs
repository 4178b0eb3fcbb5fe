//! What a new component is like before its author changes it: small, plain, and able to run as it is once it is connected.

use scale_sim::Kind;
use serde_json::{Value, json};

/// The kinds in the order of the palette.
pub const KINDS: [Kind; 11] = [
    Kind::Client,
    Kind::Gateway,
    Kind::Balancer,
    Kind::Service,
    Kind::Cache,
    Kind::Database,
    Kind::Shards,
    Kind::Queue,
    Kind::Topic,
    Kind::EventStore,
    Kind::View,
];

/// What a kind is called, and what it is for, in one line.
pub const fn words(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Client => ("Client", "People or programs that send requests"),
        Kind::Gateway => (
            "Gateway",
            "Lets through what its limits allow; may keep answers",
        ),
        Kind::Balancer => ("Balancer", "Spreads requests over copies"),
        Kind::Service => ("Service", "Works on requests, calls others"),
        Kind::Cache => ("Cache", "Keeps answers by key"),
        Kind::Database => ("Database", "Answers queries over its connections"),
        Kind::Shards => ("Shard router", "Sends each key to the store that owns it"),
        Kind::Queue => ("Queue", "Keeps messages until a consumer takes them"),
        Kind::Topic => ("Topic", "Keeps messages for several groups of consumers"),
        Kind::EventStore => ("Event store", "Keeps what happened, in streams"),
        Kind::View => ("View", "Follows a store and answers queries"),
    }
}

/// A new component of this kind, connected to nothing.
pub fn component(kind: Kind) -> Value {
    let inner = match kind {
        Kind::Client => json!({
            "mix": { "read": 9, "write": 1 }, "target": "",
            "arrivals": { "poisson": { "rate_per_s": 100 } },
            "keys": { "zipf": { "count": 10_000, "exponent": 0.9, "scatter": true } },
            "users": 1_000, "deadline_ms": 1_000
        }),
        Kind::Gateway => json!({
            "target": "", "rate_limit": { "token_bucket": { "rate_per_s": 50, "burst": 100, "keys": 10_000 } }
        }),
        Kind::Balancer => json!({ "policy": "round_robin", "targets": [] }),
        Kind::Service => json!({
            "instances": 1, "workers": 8, "queue": 100,
            "plans": { "*": [{ "work": { "exponential": { "mean_ms": 10 } } }] }
        }),
        Kind::Cache => json!({
            "capacity_entries": 1_000, "eviction": "lru", "ttl": { "ttl_s": 60 },
            "lookup": { "exponential": { "mean_ms": 0.5 } }
        }),
        Kind::Database => json!({
            "connections": 10, "queue": 200, "writes": ["write"],
            "queries": { "*": { "exponential": { "mean_ms": 5 } } }
        }),
        Kind::Shards => json!({ "targets": [], "partitioning": { "slots": {} } }),
        // As many messages at a time as a new service has workers.
        Kind::Queue => {
            json!({ "capacity": 10_000, "prefetch": 8, "publish": { "constant": { "mean_ms": 2 } } })
        }
        Kind::Topic => {
            json!({ "partitions": 8, "publish": { "constant": { "mean_ms": 2 } }, "subscriptions": {} })
        }
        Kind::EventStore => json!({
            "connections": 8, "streams": 10_000, "operations": { "read": "load", "write": { "append": { "by": 1 } } }
        }),
        Kind::View => json!({
            "source": "", "connections": 8,
            "queries": { "*": { "exponential": { "mean_ms": 1 } } },
            "apply": { "exponential": { "mean_ms": 2 } }
        }),
    };
    json!({ kind.name(): inner })
}

/// How a new component's name in the scenario begins.
pub(crate) const fn stem(kind: Kind) -> &'static str {
    match kind {
        Kind::Client => "client",
        Kind::Gateway => "gateway",
        Kind::Balancer => "balancer",
        Kind::Service => "service",
        Kind::Cache => "cache",
        Kind::Database => "database",
        Kind::Shards => "shards",
        Kind::Queue => "queue",
        Kind::Topic => "topic",
        Kind::EventStore => "events",
        Kind::View => "view",
    }
}
