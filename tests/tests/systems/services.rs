//! Services: workers, lines, sessions, scaling.

use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::parts::{Part, merge, number, object, time};
use super::plans::plan;
use super::tiers::Tier;

/// Whom to turn away from a line.
pub(super) fn shedding() -> Part {
    let codel = (
        number(0.5..5.0),
        select(vec!["inverse_square_root", "slough"]),
    )
        .prop_map(|(target, law)| json!({"target_ms": target, "interval_ms": 20, "law": law}));
    (of(time()), of(number(0.0..30.0)), any::<bool>(), of(codel))
        .prop_map(|(max_wait, timeout, deadline, codel)| {
            object([
                ("max_wait", max_wait),
                ("queue_timeout_ms", timeout.map(|ms| json!(ms))),
                ("deadline", Some(json!(deadline))),
                ("codel", codel),
            ])
        })
        .boxed()
}

/// What a service may have besides workers and plans.
pub(super) fn upkeep(most: u32, plain: bool) -> Part {
    if plain {
        return Just(json!({})).boxed();
    }
    let lost = prop_oneof![
        Just(json!("fail")),
        time().prop_map(|time| json!({"rebuild": time}))
    ];
    let sessions =
        (lost, 1..20_u32).prop_map(|(lost, capacity)| json!({"lost": lost, "capacity": capacity}));
    let rule = prop_oneof![
        number(0.1..0.9)
            .prop_map(|value| json!({"target": {"value": value, "stabilise_down_s": 0.1}})),
        Just(
            json!({"steps": {"up": [{"above": 0.5, "add": 2}], "down": [{"below": 0.1, "remove": 1}]}})
        ),
    ];
    let metric = select(vec!["utilisation", "queue_length", "requests_per_instance"]);
    let scale = (metric, rule, number(0.0..0.2)).prop_map(|(metric, rule, warm_up)| {
        json!({"metric": metric, "rule": rule, "min": 1, "max": 6, "interval_s": 0.1, "warm_up_s": warm_up})
    });
    // One that is called directly has one instance.
    let scale = if most > 1 {
        of(scale).boxed()
    } else {
        Just(None).boxed()
    };
    (
        of(sessions),
        scale,
        proptest::option::weighted(0.4, shedding()),
    )
        .prop_map(|(sessions, autoscale, shedding)| {
            object([
                ("sessions", sessions),
                ("autoscale", autoscale),
                ("shedding", shedding),
            ])
        })
        .boxed()
}

/// A service of at most `most` instances.
pub(super) fn service(most: u32, tier: Tier, plain: bool) -> Part {
    let lines = prop_oneof![
        Just(json!({})),
        Just(json!({"discipline": "lifo"})),
        Just(json!({"discipline": "priority"})),
        (1..4_u32).prop_map(|most| json!({"bulkheads": {"write": most}})),
    ];
    let plans = (plan(tier, plain), of(plan(tier, plain)));
    (1..=most, 1..5_u32, 0..15_u32, lines, plans, upkeep(most, plain))
        .prop_map(|(instances, workers, queue, lines, (plan, for_writes), upkeep)| {
            let mut service = json!({"instances": instances, "workers": workers, "queue": queue, "plans": {"*": plan}});
            if let Some(plan) = for_writes {
                service["plans"]["write"] = plan;
            }
            merge(&mut service, lines);
            merge(&mut service, upkeep);
            json!({"service": service})
        })
        .boxed()
}
