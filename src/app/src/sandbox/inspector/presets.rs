//! Usual settings of a component, each a set of changes that is made at once.

use serde_json::{Value, json};

use super::change::{Change, below};

/// Usual settings.
#[derive(Clone, PartialEq, Debug)]
pub struct Preset {
    /// What it is called.
    pub name: &'static str,
    /// What it is, in one line.
    pub says: &'static str,
    /// What changes.
    pub changes: Vec<Change>,
}

/// The presets for a component of a kind, whose own part of the design, `own`, is at `pointer`.
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn presets(kind: &str, pointer: &str, own: &Value) -> Vec<Preset> {
    let one = |name, says, fields: Value| {
        let fields = fields.as_object().cloned().unwrap_or_default();
        let changes = { fields.into_iter() }
            .filter(|(name, value)| !value.is_null() || own.get(name).is_some())
            .map(|(name, value)| match value {
                Value::Null => Change::remove(below(pointer, &name)),
                value => Change::set(below(pointer, &name), value),
            });
        Preset {
            name,
            says,
            changes: changes.collect(),
        }
    };
    match kind {
        "client" => vec![
            one(
                "Steady",
                "100 requests a second, at random",
                json!({ "arrivals": { "poisson": { "rate_per_s": 100 } } }),
            ),
            one(
                "Announcement",
                "50 a second, and 500 for ten seconds",
                json!({ "arrivals": { "spike": { "base_per_s": 50, "peak_per_s": 500, "at_s": 20, "for_s": 10 } } }),
            ),
            one(
                "One day in a minute",
                "Around 100 a second, swinging as day and night do",
                json!({ "arrivals": { "daily": { "mean_per_s": 100, "swing": 0.7, "period_s": 60, "peak_at_s": 30 } } }),
            ),
            one(
                "Tries again",
                "Waits 1 s for an answer, and tries three times",
                json!({ "resilience": { "timeout_ms": 1_000, "retry": {
                "attempts": 3, "backoff": { "exponential": { "base_ms": 100, "cap_ms": 2_000, "jitter": "full" } } } } }),
            ),
        ],
        "service" => vec![
            one(
                "Small",
                "2 workers, and room for 20 to wait",
                json!({ "workers": 2, "queue": 20 }),
            ),
            one(
                "Large",
                "32 workers, and room for 200 to wait",
                json!({ "workers": 32, "queue": 200 }),
            ),
            guarded(pointer, own),
            one(
                "Sheds load",
                "Turns away whoever has waited for half a second",
                json!({ "shedding": { "queue_timeout_ms": 500 } }),
            ),
        ],
        "database" => vec![
            one(
                "Small",
                "5 connections, and room for 50 to wait",
                json!({ "connections": 5, "queue": 50 }),
            ),
            one(
                "Large",
                "100 connections, and room for 1,000 to wait",
                json!({ "connections": 100, "queue": 1_000 }),
            ),
            one(
                "Two replicas",
                "Reads go to two copies that follow",
                json!({ "replication": { "replicas": 2, "reads": { "replicas": {} } } }),
            ),
        ],
        "cache" => vec![
            one(
                "Small",
                "100 entries",
                json!({ "capacity_entries": 100, "capacity_bytes": null }),
            ),
            one(
                "Large",
                "100,000 entries",
                json!({ "capacity_entries": 100_000, "capacity_bytes": null }),
            ),
            one(
                "Short-lived",
                "Entries live for 5 seconds, give or take",
                json!({ "ttl": { "ttl_s": 5, "jitter": 0.1 } }),
            ),
            one(
                "One fetch a key",
                "Of those who miss the same key one fetches",
                json!({ "single_flight": true }),
            ),
        ],
        "gateway" => vec![
            one(
                "Limits each user",
                "5 requests a second each, 10 at once",
                json!({ "rate_limit": { "token_bucket": { "rate_per_s": 5, "burst": 10, "keys": 10_000 } }, "limit_by": "user" }),
            ),
            one(
                "Limits all",
                "200 requests a second in all",
                json!({ "rate_limit": { "token_bucket": { "rate_per_s": 200, "burst": 100 } } }),
            ),
            one(
                "Limits what is under way",
                "As many at once as come back in time",
                json!({ "concurrency": { "aimd": { "timeout_ms": 500 } } }),
            ),
        ],
        "balancer" => vec![
            one(
                "In turn",
                "One after the other",
                json!({ "policy": "round_robin" }),
            ),
            one(
                "Least busy",
                "The one with the fewest open requests",
                json!({ "policy": "least_connections" }),
            ),
            one(
                "Puts failures aside",
                "One that fails three times rests for ten seconds",
                json!({ "ejection": { "max_fails": 3, "fail_timeout_s": 10 } }),
            ),
        ],
        "shards" => vec![
            one(
                "Slots",
                "Hash slots, as even as can be",
                json!({ "partitioning": { "slots": {} } }),
            ),
            one(
                "Ring",
                "A hash ring: few keys move when shards come or go",
                json!({ "partitioning": { "ring": {} } }),
            ),
            one(
                "Remainder",
                "The key's hash by the number of shards",
                json!({ "partitioning": "modulo" }),
            ),
        ],
        "queue" => vec![
            one(
                "Small",
                "100 messages; who comes then is refused",
                json!({ "capacity": 100, "full": "refuse" }),
            ),
            one("Large", "100,000 messages", json!({ "capacity": 100_000 })),
            one(
                "Gives up",
                "A message is delivered five times at most",
                json!({ "max_deliveries": 5 }),
            ),
        ],
        "topic" => vec![
            one(
                "In order",
                "One partition: everything one after the other",
                json!({ "partitions": 1 }),
            ),
            one("Wide", "32 partitions", json!({ "partitions": 32 })),
        ],
        "event_store" => vec![
            one(
                "With snapshots",
                "A snapshot every 100 events",
                json!({ "snapshots": { "every_events": 100 } }),
            ),
            one(
                "Large",
                "50 connections and 100,000 streams",
                json!({ "connections": 50, "streams": 100_000 }),
            ),
        ],
        "view" => vec![
            one(
                "Fast to follow",
                "Applies up to 100 changes at once",
                json!({ "batch": 100, "delay_ms": 0 }),
            ),
            one(
                "Slow to follow",
                "Applies changes after a second",
                json!({ "delay_ms": 1_000 }),
            ),
        ],
        _ => Vec::new(),
    }
}

/// Every call of a service's plans with a timeout, retries and a circuit breaker.
fn guarded(pointer: &str, own: &Value) -> Preset {
    let mut changes = Vec::new();
    let plans = own.get("plans").and_then(Value::as_object);
    for (operation, plan) in plans.into_iter().flatten() {
        let pointer = below(&below(pointer, "plans"), operation);
        for (i, step) in plan.as_array().into_iter().flatten().enumerate() {
            if step.get("call").is_some() {
                let pointer = format!("{pointer}/{i}/call/resilience");
                changes.push(Change::set(
                    pointer,
                    json!({
                        "timeout_ms": 500,
                        "retry": { "attempts": 3, "backoff": { "exponential": { "base_ms": 50, "cap_ms": 1_000, "jitter": "full" } }, "budget": {} },
                        "breaker": { "window": { "size": 20, "min_calls": 10, "failure_rate": 0.5, "open_ms": 5_000 } }
                    }),
                ));
            }
        }
    }
    Preset {
        name: "Guards its calls",
        says: "Each call with a timeout, three tries and a circuit breaker",
        changes,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fresh::tests::design;
    use super::*;

    #[test]
    fn every_preset_fits_and_changes_something() {
        let design = design();
        let components = design["components"].as_object().expect("a map");
        let mut kinds = Vec::new();
        for (name, component) in components {
            let (kind, own) = component
                .as_object()
                .and_then(|c| c.iter().next())
                .expect("one");
            let pointer = below(&below("/components", name), kind);
            let presets = presets(kind, &pointer, own);
            assert!((2..=4).contains(&presets.len()), "{kind}");
            kinds.push(kind.as_str());
            for preset in presets {
                let mut tree = design.clone();
                for change in &preset.changes {
                    assert!(change.apply(&mut tree), "{}: {change:?}", preset.name);
                }
                let problems = scale_sim::Scenario::from_value(&tree).err();
                assert_eq!(problems, None, "{kind}: {}", preset.name);
                let plain = name == "worker" && preset.name == "Guards its calls";
                assert!(
                    plain || !preset.changes.is_empty(),
                    "{kind}: {}",
                    preset.name
                );
            }
        }
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), 11);
    }
}
