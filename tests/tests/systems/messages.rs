//! Brokers: a work queue with its dead letters, a topic with consumer groups, and outboxes of databases.

use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::parts::{OPERATIONS, Part, merge, number, object, time};

/// How often a message is delivered, and what becomes of it then.
fn deliveries() -> Part {
    let most = weighted(0.7, (1..4_u32, any::<bool>()));
    let delivery = select(vec!["at_most_once", "at_least_once", "at_least_once"]);
    (delivery, number(5.0..100.0), most)
        .prop_map(|(delivery, retry, most)| {
            let kept = most.filter(|(_, kept)| *kept);
            object([
                ("delivery", Some(json!(delivery))),
                ("retry_ms", Some(json!(retry))),
                ("max_deliveries", most.map(|(most, _)| json!(most))),
                ("dead_letters", kept.map(|_| json!("dead"))),
            ])
        })
        .boxed()
}

/// What publishers meet at a broker.
fn publishing() -> Part {
    (of(time()), of((1..9_u32, 0..9_u32)))
        .prop_map(|(publish, bounds)| {
            object([
                ("publish", publish),
                ("workers", bounds.map(|(workers, _)| json!(workers))),
                ("queue", bounds.map(|(_, queue)| json!(queue))),
            ])
        })
        .boxed()
}

/// A queue of jobs.
pub(super) fn queue() -> Part {
    let full = select(vec!["refuse", "block", "drop_oldest"]);
    let room = (1..40_u32, full, 1..4_u32, any::<bool>());
    let operation = of(select(OPERATIONS));
    (
        room,
        operation,
        number(5.0..200.0),
        deliveries(),
        publishing(),
    )
        .prop_map(
            |(
                (capacity, full, prefetch, durable),
                operation,
                visibility,
                deliveries,
                publishing,
            )| {
                let mut queue = object([
                    ("to", Some(json!("worker"))),
                    ("operation", operation.map(|operation| json!(operation))),
                    ("capacity", Some(json!(capacity))),
                    ("full", Some(json!(full))),
                    ("prefetch", Some(json!(prefetch))),
                    ("visibility_timeout_ms", Some(json!(visibility))),
                    ("durable", Some(json!(durable))),
                ]);
                merge(&mut queue, deliveries);
                merge(&mut queue, publishing);
                json!({"queue": queue})
            },
        )
        .boxed()
}

/// The queue of what could not be delivered, with somebody who tries once more or without.
pub(super) fn dead_letters() -> Part {
    (of(Just("worker")), 1..6_u32, any::<bool>())
        .prop_map(|(to, capacity, drops)| {
            let full = if drops { "drop_oldest" } else { "refuse" };
            json!({"queue": object([
                ("to", to.map(|to| json!(to))),
                ("capacity", Some(json!(capacity))),
                ("full", Some(json!(full))),
                ("max_deliveries", Some(json!(1))),
            ])})
        })
        .boxed()
}

/// A group of consumers.
fn subscription(to: &'static str) -> Part {
    let operation = of(select(OPERATIONS));
    let assignment = select(vec!["range", "round_robin"]);
    let times = (number(0.0..300.0), number(0.0..50.0));
    (operation, deliveries(), 1..5_u32, assignment, times)
        .prop_map(
            move |(operation, deliveries, every, assignment, (session, rebalance))| {
                let mut group = object([
                    ("to", Some(json!(to))),
                    ("operation", operation.map(|operation| json!(operation))),
                    ("commit_every", Some(json!(every))),
                    ("assignment", Some(json!(assignment))),
                    ("session_timeout_ms", Some(json!(session))),
                    ("rebalance_ms", Some(json!(rebalance))),
                ]);
                merge(&mut group, deliveries);
                group
            },
        )
        .boxed()
}

/// A topic that up to two groups read.
pub(super) fn topic() -> Part {
    let groups = (
        weighted(0.8, subscription("worker")),
        weighted(0.8, subscription("clerk")),
    );
    (1..6_u32, 1..60_u32, groups, publishing())
        .prop_map(|(partitions, retention, (workers, clerks), publishing)| {
            let groups = object([("workers", workers), ("clerks", clerks)]);
            let mut topic =
                json!({"partitions": partitions, "retention": retention, "subscriptions": groups});
            merge(&mut topic, publishing);
            json!({"topic": topic})
        })
        .boxed()
}

/// The outbox of a database, which publishes in `to`.
pub(super) fn outbox(to: &'static str) -> Part {
    (of(select(OPERATIONS)), number(5.0..60.0), 1..9_u32)
        .prop_map(move |(operation, poll, batch)| {
            object([
                ("operations", Some(json!(["write"]))),
                ("to", Some(json!(to))),
                ("operation", operation.map(|operation| json!(operation))),
                ("poll_ms", Some(json!(poll))),
                ("batch", Some(json!(batch))),
            ])
        })
        .boxed()
}
