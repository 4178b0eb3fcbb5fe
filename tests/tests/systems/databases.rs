//! Databases: simple ones, and one with all there is about rows, locks, connections and replicas.

use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::messages::outbox;
use super::parts::{Part, number, object, time};

pub(super) fn database(plain: bool) -> Part {
    (1..5_u32, 0..15_u32, time(), of(time()), -1..2_i32)
        .prop_map(move |(connections, queue, read, write, by)| {
            let mut queries = json!({"*": read});
            let mut fields = json!({"connections": connections, "queue": queue});
            if let Some(write) = write {
                queries["write"] = write;
            } else if !plain {
                // What a saga or a transaction can change.
                let change =
                    json!({"table": "t", "by": by, "care": "atomic_update", "once": by < 0});
                fields["statements"] = json!({"write": {"change": change}});
            }
            if !plain {
                // A view follows it, whether it is written or not.
                fields["tables"] = json!({"t": {"rows": 3, "value": 5}});
            }
            fields["queries"] = queries;
            json!({"database": fields})
        })
        .boxed()
}

/// A database with rows, locks, connections and replicas.
pub(super) fn store() -> Part {
    let read = prop_oneof![
        Just(json!({"read": {"table": "t"}})),
        (any::<bool>(), 1..9_u32).prop_map(
            |(indexed, rows)| json!({"find": {"table": "t", "indexed": indexed, "rows": rows}})
        ),
        (1..9_u32, select(vec!["offset", "keyset"]))
            .prop_map(|(size, by)| json!({"page": {"table": "t", "size": size, "by": by}})),
        (1..9_u32).prop_map(|keys| json!({"batch": {"table": "t", "keys": keys}})),
        (1..9_u32)
            .prop_map(|rows| json!({"join": {"table": "t", "rows": rows, "with": "u", "each": 2}})),
    ];
    let care = select(vec![
        "read_then_write",
        "atomic_update",
        "select_for_update",
        "compare_version",
    ]);
    let write = prop_oneof![
        (1..5_u32).prop_map(|rows| json!({"write": {"table": "t", "rows": rows}})),
        (care, time(), 0..4_u32, any::<bool>(), any::<bool>()).prop_map(|(care, think, retries, fails, once)| {
            json!({"change": {"table": "t", "by": -1, "care": care, "think": think, "retries": retries, "or_fail": fails, "once": once}})
        }),
    ];
    let pool = (0..3_u32, 3..6_u32, number(1.0..50.0), number(1.0..50.0)).prop_map(|(min, max, wait, idle)| {
        json!({"min": min, "max": max, "wait_timeout_ms": wait, "idle_timeout_ms": idle})
    });
    let commits = prop_oneof![
        Just(json!("asynchronous")),
        Just(json!("synchronous")),
        (number(1.0..50.0))
            .prop_map(|ms| json!({"semi_synchronous": {"acks": 1, "timeout_ms": ms}})),
    ];
    let choice = || select(vec!["round_robin", "least_lag"]);
    let reads = prop_oneof![
        Just(json!("primary")),
        choice().prop_map(|choice| json!({"replicas": {"choice": choice}})),
        choice().prop_map(|choice| json!({"sticky_after_write": {"for_ms": 30, "choice": choice}})),
        choice()
            .prop_map(|choice| json!({"wait_for_position": {"timeout_ms": 20, "choice": choice}})),
    ];
    let replication = (1..4_u32, commits, reads, of(time()), of(number(1.0..300.0))).prop_map(
        |(replicas, commits, reads, delay, failover)| {
            object([
                ("replicas", Some(json!(replicas))),
                ("commits", Some(commits)),
                ("reads", Some(reads)),
                ("apply_delay", delay),
                ("failover_after_ms", failover.map(|ms| json!(ms))),
            ])
        },
    );
    let locks = (number(1.0..50.0), number(0.0..40.0), 8..16_u32, of(time()));
    let connections = (1..6_u32, 0..9_u32, of(time()), of(time()), of(pool));
    let outbox = of(outbox("events"));
    (
        read,
        write,
        connections,
        locks,
        (weighted(0.7, replication), outbox),
    )
        .prop_map(
            |(
                read,
                write,
                (connections, queue, connect, disconnect, pool),
                (timeout, deadlock, rows, commit),
                (replication, outbox),
            )| {
                let store = object([
                    ("connections", Some(json!(connections))),
                    ("queue", Some(json!(queue))),
                    (
                        "tables",
                        Some(json!({"t": {"rows": rows, "value": 100}, "u": {"rows": 60}})),
                    ),
                    ("statements", Some(json!({"read": read, "write": write}))),
                    ("costs", commit.map(|commit| json!({"commit": commit}))),
                    ("connect", connect),
                    ("disconnect", disconnect),
                    ("pool", pool),
                    ("lock_timeout_ms", Some(json!(timeout))),
                    ("deadlock_timeout_ms", Some(json!(deadlock))),
                    ("replication", replication),
                    ("outbox", outbox),
                ]);
                json!({"database": store})
            },
        )
        .boxed()
}
