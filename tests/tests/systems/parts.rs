//! What all parts of random systems are written with: values, times, guards.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// What any part of a system is made of.
pub(super) type Part = BoxedStrategy<Value>;

pub(super) const OPERATIONS: &[&str] = &["read", "write"];

/// An object with the fields that are there.
pub(super) fn object(fields: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Value {
    let fields = fields.into_iter();
    let there = fields.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(there.collect())
}

pub(super) fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// A number as people write it: with three digits after the point, which every reader gets right to the last bit.
pub(super) fn number(range: core::ops::Range<f64>) -> impl Strategy<Value = f64> + Clone {
    range.prop_map(|number| (number * 1e3).round() / 1e3)
}

/// A length of time.
pub fn time() -> Part {
    prop_oneof![
        number(0.0..20.0).prop_map(|mean| json!({"constant": {"mean_ms": mean}})),
        number(0.1..20.0).prop_map(|mean| json!({"exponential": {"mean_ms": mean}})),
        (number(0.1..20.0), number(0.0..3.0))
            .prop_map(|(mean, cv)| json!({"log_normal": {"mean_ms": mean, "cv": cv}})),
        (number(0.1..20.0), 1..6_u32)
            .prop_map(|(mean, k)| json!({"erlang": {"mean_ms": mean, "stages": k}})),
        number(0.0..10.0).prop_map(
            |min| json!({"uniform": {"min_ms": min, "max_ms": ((min + 3.5) * 1e3).round() / 1e3}})
        ),
        vec(number(0.0..20.0), 1..4)
            .prop_map(|samples| json!({"empirical": {"samples_ms": samples}})),
    ]
    .boxed()
}

/// How a call is guarded.
pub(super) fn resilience() -> Part {
    let backoff = prop_oneof![
        number(0.0..10.0).prop_map(|wait| json!({"fixed": {"wait_ms": wait}})),
        (
            number(0.5..10.0),
            select(vec!["none", "full", "equal", "decorrelated"]),
            any::<bool>()
        )
            .prop_map(|(base, jitter, at_once)| {
                json!({"exponential": {"base_ms": base, "cap_ms": ((base + 20.0) * 1e3).round() / 1e3, "jitter": jitter, "immediate_first": at_once}})
            }),
    ];
    let budget = Just(json!({"ratio": 0.2, "min_per_s": 5}));
    let retry = (2..5_u32, backoff, of(budget)).prop_map(|(attempts, backoff, budget)| {
        object([
            ("attempts", Some(json!(attempts))),
            ("backoff", Some(backoff)),
            ("budget", budget),
        ])
    });
    let hedge = (number(0.0..0.9), 1..4_u32);
    let breaker = prop_oneof![
        (1..6_u32, number(5.0..100.0), 1..3_u32).prop_map(|(failures, open, trials)| {
            json!({"consecutive": {"failures": failures, "open_ms": open, "half_open_calls": trials}})
        }),
        (2..20_u32, number(5.0..100.0), select(vec!["together", "one_by_one"])).prop_map(|(size, open, trial)| {
            json!({"window": {"size": size, "min_calls": 2, "failure_rate": 0.5, "slow_call_ms": 20,
                "slow_rate": 0.9, "open_ms": open, "half_open_calls": 2, "trial": trial}})
        }),
    ];
    let any = (of(number(1.0..60.0)), of(retry), of(hedge), of(breaker));
    any.prop_map(|(timeout, retry, hedge, breaker)| {
        let hedge = hedge.map(|(part, at_most)| json!({"after_ms": (part * timeout.unwrap_or(20.0) * 1e3).floor() / 1e3, "at_most": at_most}));
        object([
            ("timeout_ms", timeout.map(|ms| json!(ms))),
            ("retry", retry),
            ("hedge", hedge),
            ("breaker", breaker),
        ])
    })
    .boxed()
}
