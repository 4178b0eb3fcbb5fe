//! Wires, and whatever may go wrong.

use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::parts::{Part, number, object, time};

const STATIONS: &[&str] = &["front", "back", "side", "db-1", "db-2"];

const MORE_STATIONS: &[&str] = &[
    "gateway", "edge", "near", "kept", "store", "spread", "shard-1", "shard-3", "jobs", "events",
    "worker", "clerk", "ledger", "list", "copy", "recent",
];

const CACHES: &[&str] = &["edge", "near", "kept", "recent"];

pub(super) fn link(from: &str, to: &str) -> Part {
    let (from, to) = (from.to_owned(), to.to_owned());
    (
        time(),
        of(number(1.0..50.0)),
        any::<bool>(),
        of(number(0.0..0.4)),
    )
        .prop_map(move |(latency, bandwidth, shared, loss)| {
            object([
                ("from", Some(json!(from))),
                ("to", Some(json!(to))),
                ("latency", Some(latency)),
                (
                    "shared",
                    (shared && bandwidth.is_some()).then_some(json!(true)),
                ),
                ("bandwidth_mbit_s", bandwidth.map(|mbit| json!(mbit))),
                ("loss", loss.map(|loss| json!(loss))),
                ("retransmit_ms", Some(json!(20))),
                ("give_up_ms", Some(json!(100))),
            ])
        })
        .boxed()
}

/// Any fault of a system with the wires `ways` and `clients` clients. None lasts for ever, so that all can come to an end.
pub(super) fn fault(ways: Vec<(&'static str, &'static str)>, clients: usize, plain: bool) -> Part {
    let places = if plain {
        STATIONS.to_vec()
    } else {
        [STATIONS, MORE_STATIONS].concat()
    };
    let place = || {
        let one = (select(places.clone()), proptest::bool::weighted(0.3));
        one.prop_map(|(name, first)| {
            object([
                ("component", Some(json!(name))),
                ("instance", first.then_some(json!(1))),
            ])
        })
    };
    let (stores, followers): (&[&str], &[&str]) = if plain {
        (&["db-1"], &["db-1"])
    } else {
        (&["store", "ledger"], &["store", "list", "copy"])
    };
    let named = |name: &'static str, places: &'static [&'static str]| {
        { select(places) }.prop_map(move |place| json!({name: {"component": place}}))
    };
    let on = |field: &'static str, value: Part| {
        (place(), value).prop_map(move |(mut at, value)| {
            at[field] = value;
            at
        })
    };
    let mut kinds = vec![
        place().prop_map(|at| json!({"crash": at})).boxed(),
        place().prop_map(|at| json!({"missed_health_checks": at})).boxed(),
        on("factor", number(1.0..8.0).prop_map(|n| json!(n)).boxed()).prop_map(|slow| json!({"slow": slow})).boxed(),
        on("share", number(0.0..1.0).prop_map(|n| json!(n)).boxed()).prop_map(|errors| json!({"errors": errors})).boxed(),
        on("servers", (1..4_u32).prop_map(|servers| json!(servers)).boxed())
            .prop_map(|reduced| json!({"reduced_capacity": reduced}))
            .boxed(),
        named("disk_full", stores).boxed(),
        named("replica_lag", followers).boxed(),
        Just(json!({"zone_outage": {"zone": 1}})).boxed(),
        (0..clients, number(0.2..5.0))
            .prop_map(|(client, factor)| {
                json!({"traffic_spike": {"client": format!("users-{}", client + 1), "factor": factor}})
            })
            .boxed(),
    ];
    if !plain {
        // The primary alone, so that a replica takes its place.
        let primary = select(vec!["store", "shard-1", "shard-3"]);
        let primary = primary.prop_map(|name| json!({"component": name, "instance": 1}));
        kinds.push(primary.prop_map(|at| json!({"crash": at})).boxed());
        let flush = select(CACHES).prop_map(|name| json!({"cache_flush": {"component": name}}));
        kinds.push(flush.boxed());
    }
    if !ways.is_empty() {
        let way = select(ways).prop_map(|(from, to)| json!({"from": from, "to": to}));
        kinds.push(
            way.clone()
                .prop_map(|way| json!({"partition": way}))
                .boxed(),
        );
        let lossy = way.prop_map(|mut way| {
            way["loss"] = json!(0.3);
            json!({"packet_loss": way})
        });
        kinds.push(lossy.boxed());
    }
    let times = prop_oneof![
        (number(0.0..0.8), number(0.0..0.5))
            .prop_map(|(at, lasts)| json!({"at_s": at, "for_s": lasts})),
        (number(0.05..1.0), number(0.01..0.2))
            .prop_map(|(up, down)| json!({"random": {"mean_up_s": up, "mean_down_s": down}})),
    ];
    (proptest::strategy::Union::new(kinds), times)
        .prop_map(|(what, mut fault)| {
            fault["what"] = what;
            fault
        })
        .boxed()
}
