//! Clients: when requests come, what they are about, and whom they ask.

use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::parts::{Part, merge, number, object, resilience};
use super::tiers::ENTRANCES;

/// When requests come.
pub(super) fn arrivals() -> Part {
    let rate = || number(0.0..90.0);
    prop_oneof![
        rate().prop_map(|rate| json!({"poisson": {"rate_per_s": rate}})),
        rate().prop_map(|rate| json!({"constant": {"rate_per_s": rate}})),
        (rate(), rate()).prop_map(|(from, to)| {
            json!({"ramp": {"from_per_s": from, "to_per_s": to, "over_s": 0.8}})
        }),
        (rate(), rate()).prop_map(|(base, peak)| {
            json!({"spike": {"base_per_s": base, "peak_per_s": peak, "at_s": 0.3, "for_s": 0.3}})
        }),
        (rate(), number(0.0..1.0)).prop_map(|(mean, swing)| {
            json!({"daily": {"mean_per_s": mean, "swing": swing, "period_s": 1}})
        }),
        number(1.0..200.0).prop_map(|rate| {
            json!({"on_off": {"rate_on_per_s": rate, "mean_on_s": 0.1, "mean_off_s": 0.2}})
        }),
        (rate(), 1..9_u32).prop_map(|(rate, size)| {
            json!({"batch": {"rate_per_s": rate, "size": {"constant": {"size": size}}}})
        }),
        (1..20_u32, number(1.0..50.0)).prop_map(|(users, think)| {
            json!({"closed": {"users": users, "think_time": {"exponential": {"mean_ms": think}}}})
        }),
    ]
    .boxed()
}

/// What requests are about.
pub(super) fn keys() -> Part {
    prop_oneof![
        Just(json!({"uniform": {"count": 50}})),
        Just(json!({"zipf": {"count": 50, "exponent": 0.9, "scatter": true}})),
        Just(json!({"hot_set": {"count": 50, "hot_count": 3, "hot_share": 0.8}})),
        Just(json!({"tenants": {"tenants": 5, "exponent": 1, "keys_each": 9}})),
        Just(json!({"sequential": {"count": 7}})),
    ]
    .boxed()
}

/// A client, to begin with for ever.
pub(super) fn client(plain: bool) -> Part {
    let asks = prop_oneof![
        Just(json!({"operation": "read"})),
        Just(json!({"mix": {"read": 3, "write": 1}})),
    ];
    let about = (of(keys()), of(1..9_u32), of(0..8_u8));
    (
        asks,
        select(ENTRANCES.of(plain)),
        arrivals(),
        about,
        of(resilience()),
    )
        .prop_map(
            |(mut client, target, arrivals, (keys, users, priority), resilience)| {
                let closed = arrivals.get("closed").is_some();
                let users = users.filter(|_| !closed).map(|users| json!(users));
                let more = object([
                    ("target", Some(json!(target))),
                    ("arrivals", Some(arrivals)),
                    ("keys", keys),
                    ("users", users),
                    ("priority", priority.map(|priority| json!(priority))),
                    ("resilience", resilience),
                    ("deadline_ms", Some(json!(50))),
                ]);
                merge(&mut client, more);
                json!({"client": client})
            },
        )
        .boxed()
}
