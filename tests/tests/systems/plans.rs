//! Steps of plans, with the calls, sagas and transactions in them.

use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::parts::{OPERATIONS, Part, number, object, resilience, time};
use super::tiers::Tier;

/// What is answered.
pub(super) fn payload() -> Part {
    let codec = select(vec!["none", "gzip", "zstd", "brotli"]);
    (0..30_000_u64, of(codec))
        .prop_map(|(bytes, codec)| {
            object([
                ("bytes", Some(json!(bytes))),
                ("compression", codec.map(|codec| json!({"codec": codec}))),
            ])
        })
        .boxed()
}

/// A call to one of `targets`; with `fallbacks`, there may be one.
pub(super) fn call(targets: &'static [&'static str], apart: bool) -> Part {
    let substitute = vec(time().prop_map(|time| json!({"work": time})), 1..3);
    let substitute = if apart {
        of(substitute).boxed()
    } else {
        Just(None).boxed()
    };
    let terms = (1..3_u32, proptest::bool::weighted(0.15), 0..20_000_u64);
    let guard = weighted(0.4, resilience());
    (
        select(targets),
        of(select(OPERATIONS)),
        terms,
        guard,
        substitute,
    )
        .prop_map(
            move |(to, operation, (times, asynchronous, bytes), resilience, fallback)| {
                let asynchronous = asynchronous && apart;
                object([
                    ("to", Some(json!(to))),
                    ("operation", operation.map(|operation| json!(operation))),
                    ("times", Some(json!(times))),
                    ("asynchronous", asynchronous.then_some(json!(true))),
                    ("bytes", Some(json!(bytes))),
                    ("resilience", resilience),
                    (
                        "fallback",
                        fallback.filter(|_| !asynchronous).map(Value::Array),
                    ),
                ])
            },
        )
        .boxed()
}

/// A call that is made once.
pub(super) fn single(targets: &'static [&'static str]) -> Part {
    call(targets, false)
        .prop_map(|mut call| {
            if let Some(fields) = call.as_object_mut() {
                fields.remove("times");
            }
            call
        })
        .boxed()
}

/// Steps that are all done or all taken back.
pub(super) fn saga(targets: &'static [&'static str]) -> Part {
    let step = (single(targets), of(single(targets)), any::<bool>());
    let step = step.prop_map(|(does, undo, retriable)| {
        object([
            ("do", Some(does)),
            ("undo", undo),
            ("retriable", Some(json!(retriable))),
        ])
    });
    (vec(step, 1..4), time(), 0..4_u32, 1..500_u32)
        .prop_map(|(steps, log, retries, after)| {
            json!({"saga": {"steps": steps, "log": log, "recover_after_ms": after,
                "persist": {"retries": retries, "backoff": {"fixed": {"wait_ms": f64::from(after) / 8.0}}}}})
        })
        .boxed()
}

/// Changes in databases that are all committed or all taken back.
pub(super) fn transaction() -> Part {
    let branch = single(&["db-1", "db-2"]).prop_map(|mut call| {
        if let Some(fields) = call.as_object_mut() {
            fields.remove("resilience");
        }
        call
    });
    (vec(branch, 1..4), time(), 1..200_u32, 1..500_u32)
        .prop_map(|(branches, log, timeout, after)| {
            json!({"transaction": {"branches": branches, "log": log, "timeout_ms": timeout, "recover_after_ms": after}})
        })
        .boxed()
}

/// The steps of a plan.
pub(super) fn plan(tier: Tier, plain: bool) -> Part {
    let targets = tier.of(plain);
    let at_once = (
        vec(call(targets, false), 1..4),
        number(0.0..1.0),
        any::<bool>(),
    );
    let at_once = at_once.prop_map(|(calls, part, all)| {
        let width: u64 = calls
            .iter()
            .map(|call| call["times"].as_u64().unwrap_or(1))
            .sum();
        let need = 1 + ((width - 1) as f64 * part) as u64;
        object([
            ("calls", Some(Value::Array(calls))),
            ("need", (!all).then_some(json!(need))),
        ])
    });
    let step = prop_oneof![
        3 => time().prop_map(|time| json!({"work": time})),
        3 => call(targets, true).prop_map(|call| json!({"call": call})),
        1 => at_once.prop_map(|parallel| json!({"parallel": parallel})),
        1 => payload().prop_map(|payload| json!({"reply": payload})),
    ];
    if plain {
        return vec(step, 1..4).prop_map(Value::Array).boxed();
    }
    let fetch = prop_oneof![
        call(tier.fetch, true).prop_map(|call| json!({"call": call})),
        time().prop_map(|time| json!({"work": time})),
    ];
    let guard = || weighted(0.4, resilience());
    let version = prop_oneof![
        Just(json!("answer")),
        call(tier.fetch, false).prop_map(|call| json!({"call": call})),
    ];
    let version = weighted(0.4, version);
    let cached = (vec(fetch, 1..3), guard(), version).prop_map(|(miss, resilience, version)| {
        json!({"cached": object([
            ("cache", Some(json!("kept"))), ("version", version),
            ("miss", Some(Value::Array(miss))), ("resilience", resilience),
        ])})
    });
    let invalidate = (select(vec!["kept", "near"]), guard()).prop_map(|(cache, resilience)| {
        json!({"invalidate": object([("cache", Some(json!(cache))), ("resilience", resilience)])})
    });
    let ends = select(vec!["end", "fail"]).prop_map(|word| json!(word));
    let step = prop_oneof![16 => step, 4 => cached, 2 => invalidate, 1 => ends];
    let step = if tier.workflows {
        prop_oneof![8 => step, 1 => saga(targets), 1 => transaction()].boxed()
    } else {
        step.boxed()
    };
    vec(step, 1..4).prop_map(Value::Array).boxed()
}
