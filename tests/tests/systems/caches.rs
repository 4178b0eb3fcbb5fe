//! Caches of every mode, and gateways, which may have one.

use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::parts::{Part, merge, number, object, time};

/// What any cache has, whoever fills it. Only one of two that may lie behind each other flies singly.
pub(super) fn cache(single_flight: bool) -> Part {
    let eviction = select(vec!["lru", "lfu", "fifo", "clock", "sieve", "w_tiny_lfu"]);
    let ttl = (number(0.01..0.5), number(0.0..0.9), any::<bool>()).prop_map(
        |(ttl, jitter, sliding)| json!({"ttl_s": ttl, "jitter": jitter, "sliding": sliding}),
    );
    let refresh = number(0.1..0.9);
    let age = (
        of((ttl, of(refresh))),
        of(number(0.01..0.2)),
        of(number(0.0..30.0)),
    );
    let room = (1..60_u32, 1..4_u32, 0..9_u32);
    let single = any::<bool>().prop_map(move |flies| flies && single_flight);
    (eviction, age, room, single, of(time()), of(0..20_u32))
        .prop_map(
            |(
                eviction,
                (ttl, negative, delay),
                (entries, workers, queue),
                single,
                lookup,
                warm,
            )| {
                let (ttl, refresh): (Option<Value>, Option<Option<f64>>) = ttl.unzip();
                // A hit that renews an entry leaves nothing to refresh.
                let renews = ttl
                    .as_ref()
                    .is_some_and(|ttl| ttl["sliding"] == json!(true));
                let refresh = refresh.flatten().filter(|_| !renews);
                object([
                    ("capacity_entries", Some(json!(entries))),
                    ("eviction", Some(json!(eviction))),
                    ("ttl", ttl),
                    ("refresh_ahead", refresh.map(|share| json!(share))),
                    ("negative_ttl_s", negative.map(|s| json!(s))),
                    ("invalidation", delay.map(|ms| json!({"delay_ms": ms}))),
                    ("single_flight", Some(json!(single))),
                    ("lookup", lookup),
                    ("workers", Some(json!(workers))),
                    ("queue", Some(json!(queue))),
                    (
                        "warm",
                        warm.map(|keys| json!({"keys": keys.min(entries).max(1)})),
                    ),
                    ("value_bytes", Some(json!(500))),
                ])
            },
        )
        .boxed()
}

/// A cache that fetches what it misses from `target`.
pub(super) fn level(target: &'static str, regions: bool) -> Part {
    let mode = prop_oneof![
        Just(json!("read_through")),
        Just(json!("write_through")),
        Just(json!("write_around")),
        (number(1.0..50.0), 1..9_u32).prop_map(
            |(ms, batch)| json!({"write_behind": {"flush_interval_ms": ms, "batch": batch}})
        ),
    ];
    (cache(false), mode, 1..4_u32)
        .prop_map(move |(mut cache, mode, count)| {
            merge(
                &mut cache,
                json!({"mode": mode, "target": target, "writes": ["write"]}),
            );
            if regions {
                cache["regions"] = json!(count);
            }
            json!({"cache": cache})
        })
        .boxed()
}

pub(super) fn gateway() -> Part {
    let keys = || of(1..20_u32);
    let rate = prop_oneof![
        (number(1.0..200.0), 1..9_u32, keys()).prop_map(|(rate, burst, keys)| {
            json!({"token_bucket": object([("rate_per_s", Some(json!(rate))), ("burst", Some(json!(burst))), ("keys", keys.map(|n| json!(n)))])})
        }),
        (number(1.0..200.0), 0..9_u32, any::<bool>(), keys()).prop_map(|(rate, burst, nodelay, keys)| {
            json!({"leaky_bucket": object([("rate_per_s", Some(json!(rate))), ("burst", Some(json!(burst))),
                ("nodelay", Some(json!(nodelay))), ("keys", keys.map(|n| json!(n)))])})
        }),
    ];
    let concurrency = prop_oneof![
        (1..9_u32).prop_map(|most| json!({"fixed": {"most": most}})),
        number(1.0..50.0)
            .prop_map(|ms| json!({"aimd": {"initial": 3, "most": 9, "timeout_ms": ms}})),
    ];
    let kept = cache(true).prop_map(|mut cache| {
        // Its workers and places are the gateway's.
        if let Value::Object(cache) = &mut cache {
            cache.retain(|name, _| !["workers", "queue", "warm"].contains(&name.as_str()));
        }
        cache
    });
    (
        of(rate),
        of(concurrency),
        of(kept),
        of(time()),
        select(vec!["user", "key"]),
    )
        .prop_map(|(rate, concurrency, kept, work, by)| {
            let keyed = rate
                .as_ref()
                .is_some_and(|rate| rate.to_string().contains("keys"));
            let cached = kept.is_some().then(|| json!(["read"]));
            let gateway = object([
                ("target", Some(json!("edge"))),
                ("rate_limit", rate),
                ("limit_by", keyed.then(|| json!(by))),
                ("concurrency", concurrency),
                ("cache", kept),
                ("cached", cached),
                ("work", work),
                ("workers", Some(json!(4))),
                ("queue", Some(json!(9))),
            ]);
            json!({"gateway": gateway})
        })
        .boxed()
}
