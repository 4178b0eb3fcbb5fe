//! Balancers, with all that they may notice of their members.

use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::parts::{Part, number, object};

/// A balancer; in a plain system one without further settings.
pub(super) fn balancer(targets: &'static [&'static str], plain: bool) -> Part {
    let policy = select(vec!["round_robin", "least_connections"]);
    if plain {
        return policy
            .prop_map(move |policy| json!({"balancer": {"policy": policy, "targets": targets}}))
            .boxed();
    }
    let named = [
        "weighted_round_robin",
        "random",
        "weighted_random",
        "power_of_two_choices",
        "consistent_hash",
        "hash",
    ];
    let policy = prop_oneof![
        policy.prop_map(|name| json!(name)),
        select(named.to_vec()).prop_map(|name| json!(name)),
        (1..4_u32).prop_map(|d| json!({"power_of_d": {"d": d}})),
        (1..1000_u32).prop_map(|decay| json!({"peak_ewma": {"decay_ms": decay}})),
    ];
    let health = (1..4_u32, 1..4_u32, number(1.0..50.0)).prop_map(|(fall, rise, timeout)| {
        json!({"interval_s": 0.05, "timeout_ms": timeout, "fall": fall, "rise": rise, "operation": "read"})
    });
    let ejection = (1..4_u32, 1..3_u32)
        .prop_map(|(fails, timeout)| json!({"max_fails": fails, "fail_timeout_s": timeout}));
    let sticky = select(vec!["user", "key"]);
    let options = (
        of(1..6_u32),
        of(health),
        of(ejection),
        of(number(0.0..0.5)),
        of(sticky),
        any::<bool>(),
    );
    (policy, options)
        .prop_map(
            move |(policy, (weight, health, ejection, slow, sticky, backup))| {
                let backups = (backup && targets.len() > 1).then(|| json!([targets[1]]));
                let balancer = object([
                    ("policy", Some(policy)),
                    ("targets", Some(json!(targets))),
                    ("weights", weight.map(|weight| json!({targets[0]: weight}))),
                    ("backups", backups),
                    ("health_check", health),
                    ("ejection", ejection),
                    ("slow_start_s", slow.map(|s| json!(s))),
                    ("sticky", sticky.map(|of| json!(of))),
                ]);
                json!({"balancer": balancer})
            },
        )
        .boxed()
}
