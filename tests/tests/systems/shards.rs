//! Shards, the router in front of them, and keys that move.

use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::messages::outbox;
use super::parts::{Part, number, object, time};

/// How keys are spread over so many shards, of which one may be named.
pub(super) fn partitioning(shards: &'static [&'static str]) -> Part {
    let count = shards.len() as u64;
    let stretch = (0..40_u64, 0..9_u64, select(shards))
        .prop_map(|(from, more, at)| json!({"from": from, "to": from + more, "at": at}));
    prop_oneof![
        Just(json!("modulo")),
        Just(json!("jump")),
        Just(json!("rendezvous")),
        (1..9_u64).prop_map(
            move |step| json!({"range": {"bounds": (1..count).map(|i| i * step).collect::<Vec<_>>()}})
        ),
        Just(json!({"slots": {}})),
        (1..50_u32).prop_map(|points| json!({"ring": {"points": points}})),
        (vec(stretch, 0..4), select(shards))
            .prop_map(|(keys, default)| json!({"directory": {"keys": keys, "default": default}})),
    ]
    .boxed()
}

/// A router in front of shards, with keys that move.
pub(super) fn spread() -> Part {
    let scatter = (
        select(vec!["read", "*"]),
        of(1..3_u32),
        of(number(1.0..50.0)),
    );
    let scatter = scatter.prop_map(|(operation, need, timeout)| {
        json!({operation: object([("need", need.map(|n| json!(n))), ("timeout_ms", timeout.map(|ms| json!(ms)))])})
    });
    let policy = select(vec!["at_once", "hold_writes", "dual_writes", "dual_reads"]);
    let costs = (of(time()), of(time()));
    let reshard = (
        number(0.0..0.3),
        partitioning(&["shard-1", "shard-3"]),
        policy,
        (1.0..2_000.0_f64, 1..20_u32, 1..9_u32),
        costs,
    )
        .prop_map(
            |(at, partitioning, policy, (pace, batch, copiers), (read, write))| {
                object([
                    ("at_s", Some(json!(at))),
                    ("targets", Some(json!(["shard-1", "shard-3"]))),
                    ("partitioning", Some(partitioning)),
                    ("policy", Some(json!(policy))),
                    ("keys_per_s", Some(json!(pace.round()))),
                    ("batch", Some(json!(batch))),
                    ("copiers", Some(json!(copiers))),
                    ("read", read),
                    ("write", write),
                ])
            },
        );
    (
        partitioning(&["shard-1", "shard-2"]),
        weighted(0.3, scatter),
        weighted(0.8, reshard),
        of(time()),
        of((1..9_u32, 0..9_u32)),
    )
        .prop_map(|(partitioning, scatter, reshard, work, bounds)| {
            json!({"shards": object([
                ("targets", Some(json!(["shard-1", "shard-2"]))),
                ("partitioning", Some(partitioning)),
                ("scatter", scatter),
                ("reshard", reshard),
                ("work", work),
                ("workers", bounds.map(|(workers, _)| json!(workers))),
                ("queue", bounds.map(|(_, queue)| json!(queue))),
            ])})
        })
        .boxed()
}

/// A database whose rows can be moved: all such are alike in what they hold.
pub(super) fn shard() -> Part {
    let pool = (1..5_u32).prop_map(|max| json!({"min": 0, "max": max, "wait_timeout_ms": 30}));
    let replication = select(vec!["asynchronous", "synchronous"])
        .prop_map(|commits| json!({"replicas": 1, "commits": commits, "failover_after_ms": 100}));
    let outbox = weighted(0.3, outbox("jobs"));
    (
        1..6_u32,
        0..9_u32,
        of(time()),
        of(pool),
        (of(replication), outbox),
    )
        .prop_map(
            |(connections, queue, connect, pool, (replication, outbox))| {
                json!({"database": object([
                    ("connections", Some(json!(connections))),
                    ("queue", Some(json!(queue))),
                    ("tables", Some(json!({"t": {"rows": 100_000, "value": 100}}))),
                    ("statements", Some(json!({
                        "read": {"read": {"table": "t"}},
                        "write": {"change": {"table": "t", "by": 1, "care": "atomic_update"}},
                    }))),
                    ("connect", connect),
                    ("pool", pool),
                    ("replication", replication),
                    ("outbox", outbox),
                ])})
            },
        )
        .boxed()
}
