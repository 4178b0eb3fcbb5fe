//! Random systems: every kind of component, link, fault and invariant that there is, at any load.
//!
//! One function makes one kind, and each family of kinds has a file. The components form tiers (`tiers.rs`), and calls go down
//! only, so no system calls itself:
//! clients → `gateway` → `edge` (a cache) → `front` → `back` and `side` → `kept` and `near` (caches) → `db-1`, `db-2` and
//! `store` (a database with rows, locks, replicas and pools), and `spread` (a router) → `shard-1` to `shard-3`, with balancers
//! `front-lb`, `back-lb` and `db-lb` between them.
//! Messages go from all of these, and from outboxes of `store` and of the shards, to `jobs` (a queue, with `dead` behind it)
//! and `events` (a topic) → `worker` and `clerk` → `ledger` (an event store) and the databases; the views `list` and `copy`
//! follow the ledger and `db-1`, and `recent` (a cache) is fed by `list`.
//! A new kind of component is one more function, a place in [`components`], and its name among the targets of the tier above.
//!
//! [`plain_scenario`] leaves out all that remembers what others did: caches, limits, rows, sessions, health, messages.

#![allow(dead_code, reason = "not every suite needs all of it")]

mod balancers;
mod caches;
mod clients;
mod databases;
mod faults;
mod invariants;
mod messages;
mod parts;
mod plans;
mod services;
mod shards;
mod sourcing;
mod tiers;

use proptest::collection::vec;
use proptest::prelude::*;
use scale_sim::Scenario;
use serde_json::{Map, Value, json};

use balancers::balancer;
use caches::{cache, gateway, level};
use clients::client;
use databases::{database, store};
use faults::{fault, link};
use invariants::invariants;
use messages::{dead_letters, queue, topic};
use parts::Part;
use services::service;
use shards::{shard, spread};
use sourcing::{event_store, view};
use tiers::{BELOW_BACK, BELOW_CONSUMERS, BELOW_FRONT, WAYS};

/// All components but the clients.
fn components(plain: bool) -> impl Strategy<Value = Map<String, Value>> {
    let named = |parts: Vec<(&'static str, Part)>| {
        let (names, parts): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        parts.prop_map(move |parts| {
            let names = names.iter().map(|name| (*name).to_owned());
            names.zip(parts).collect()
        })
    };
    let mut parts = vec![
        ("front-lb", balancer(&["front"], plain)),
        ("front", service(4, BELOW_FRONT, plain)),
        ("back-lb", balancer(&["back", "side"], plain)),
        ("back", service(3, BELOW_BACK, plain)),
        ("side", service(1, BELOW_BACK, plain)),
        ("db-lb", balancer(&["db-1", "db-2"], plain)),
        ("db-1", database(plain)),
        ("db-2", database(plain)),
    ];
    if !plain {
        parts.extend([
            ("gateway", gateway()),
            ("edge", level("front-lb", true)),
            ("near", level("db-1", false)),
            (
                "kept",
                cache(true)
                    .prop_map(|cache| json!({"cache": cache}))
                    .boxed(),
            ),
            ("store", store()),
            ("spread", spread()),
            ("shard-1", shard()),
            ("shard-2", shard()),
            ("shard-3", shard()),
            ("jobs", queue()),
            ("dead", dead_letters()),
            ("events", topic()),
            ("worker", service(3, BELOW_CONSUMERS, plain)),
            ("clerk", service(2, BELOW_CONSUMERS, plain)),
            ("ledger", event_store()),
            ("list", view("ledger", None)),
            ("copy", view("db-1", Some("t"))),
            ("recent", level("list", false)),
        ]);
    }
    named(parts)
}

/// A system of a second, as a file has it.
fn file(plain: bool) -> impl Strategy<Value = Value> {
    let parts = (
        vec(client(plain), 1..4),
        components(plain),
        vec(any::<bool>(), WAYS.len()),
    );
    let whole = parts.prop_flat_map(move |(clients, mut components, wired)| {
        let count = clients.len();
        for (at, client) in clients.into_iter().enumerate() {
            components.insert(format!("users-{}", at + 1), client);
        }
        let wired = WAYS.iter().zip(wired).filter(|(_, wired)| *wired);
        let ways: Vec<_> = wired
            .map(|(way, _)| *way)
            .filter(|(from, to)| components.contains_key(*from) && components.contains_key(*to))
            .collect();
        let links: Vec<Part> = ways.iter().map(|(from, to)| link(from, to)).collect();
        let invariants = if plain {
            Just(Vec::new()).boxed()
        } else {
            invariants(&components)
        };
        (
            Just(components),
            links,
            invariants,
            vec(fault(ways, count, plain), 0..4),
            1..4_u32,
            any::<u32>(),
        )
    });
    whole.prop_map(|(components, links, invariants, faults, zones, seed)| {
        json!({"version": 1, "seed": seed, "horizon_s": 1, "warmup_s": 0.1, "zones": zones,
            "components": components, "links": links, "faults": faults, "invariants": invariants})
    })
}

/// Any system of a second, as a file has it.
pub fn any_file() -> impl Strategy<Value = Value> {
    file(false)
}

/// A system in which no component remembers what others did.
pub fn plain_scenario() -> impl Strategy<Value = Scenario> {
    file(true).prop_map(|file| read(&file))
}

/// A file as a scenario.
pub fn read(file: &Value) -> Scenario {
    Scenario::from_value(file).unwrap_or_else(|problems| panic!("{problems:?} in {file:#}"))
}

/// Any system.
pub fn any_scenario() -> impl Strategy<Value = Scenario> {
    any_file().prop_map(|file| read(&file))
}
