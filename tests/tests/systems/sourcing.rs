//! Event stores, and views that follow them or a table.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::parts::{Part, number, object, time};

/// An event store.
pub(super) fn event_store() -> Part {
    let read = prop_oneof![
        Just(json!("load")),
        time().prop_map(|ago| json!({"as_of": {"ago": ago}})),
    ];
    let write = (-2..4_i32, of(-9..2_i32), any::<bool>(), time(), 0..4_u32);
    let write = write.prop_map(|(by, least, any, think, retries)| {
        json!({"append": object([
            ("by", Some(json!(by))),
            ("least", least.filter(|_| !any).map(|least| json!(least))),
            ("expected", any.then_some(json!("any"))),
            ("think", Some(think)),
            ("retries", Some(json!(retries))),
        ])})
    });
    let schemas = vec((number(0.0..1.0), number(0.0..500.0)), 0..3).prop_map(|mut schemas| {
        schemas.sort_by(|one, other| one.0.total_cmp(&other.0));
        schemas.dedup_by(|one, other| one.0.total_cmp(&other.0).is_eq());
        let schemas = schemas.into_iter();
        schemas
            .map(|(at, upcast)| json!({"at_s": at, "upcast_us": upcast}))
            .collect::<Vec<_>>()
    });
    let streams = (1..30_u32, 0..30_u64, of(2..9_u32));
    let room = (1..6_u32, 0..9_u32);
    (read, write, schemas, streams, room)
        .prop_map(
            |(read, write, schemas, (streams, events, every), (connections, queue))| {
                json!({"event_store": object([
                    ("connections", Some(json!(connections))),
                    ("queue", Some(json!(queue))),
                    ("streams", Some(json!(streams))),
                    ("events", Some(json!(events))),
                    ("snapshots", every.map(|every| json!({"every_events": every}))),
                    ("schemas", Some(json!(schemas))),
                    ("operations", Some(json!({"read": read, "write": write}))),
                ])})
            },
        )
        .boxed()
}

/// A view of `source`, and of this table of it.
pub(super) fn view(source: &'static str, table: Option<&'static str>) -> Part {
    let rebuild = (
        number(0.0..1.0),
        select(vec!["in_place", "offline", "beside"]),
    )
        .prop_map(|(at, how)| json!({"at_s": at, "how": how}));
    let pace = (1..9_u32, number(0.0..60.0), 1..9_u32, vec(rebuild, 0..3));
    let room = (1..6_u32, 0..9_u32);
    (time(), time(), of(time()), pace, room)
        .prop_map(
            move |(query, apply, commit, (batch, delay, every, rebuilds), (connections, queue))| {
                json!({"view": object([
                    ("source", Some(json!(source))),
                    ("table", table.map(|table| json!(table))),
                    ("connections", Some(json!(connections))),
                    ("queue", Some(json!(queue))),
                    ("queries", Some(json!({"*": query}))),
                    ("apply", Some(apply)),
                    ("commit", commit),
                    ("batch", Some(json!(batch))),
                    ("delay_ms", Some(json!(delay))),
                    ("checkpoint_every", Some(json!(every))),
                    ("rebuilds", Some(json!(rebuilds))),
                ])})
            },
        )
        .boxed()
}
