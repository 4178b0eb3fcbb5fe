//! Invariants: each of those that fit to the system may be held against it.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::parts::{Part, number};

/// Where something is done.
const PLACES: &[&str] = &[
    "front", "back", "side", "worker", "clerk", "db-1", "store", "shard-1",
];
const DATABASES: &[&str] = &["db-1", "db-2", "store", "shard-1", "shard-2"];
const CACHES: &[&str] = &["edge", "near", "kept", "recent"];

fn kind<'a>(components: &'a Map<String, Value>, name: &str, kind: &str) -> Option<&'a Value> {
    components.get(name)?.get(kind)
}

/// The databases of a system that have a certain property.
fn databases(components: &Map<String, Value>, has: fn(&Value) -> bool) -> Vec<&'static str> {
    let names = DATABASES.iter().copied();
    names
        .filter(|name| kind(components, name, "database").is_some_and(has))
        .collect()
}

/// Any invariants of the system of these components.
pub(super) fn invariants(components: &Map<String, Value>) -> BoxedStrategy<Vec<Value>> {
    let caches = CACHES.iter().copied();
    let caches: Vec<_> = caches
        .filter(|name| components.contains_key(*name))
        .collect();
    let places = PLACES.iter().copied();
    let places: Vec<_> = places
        .filter(|name| components.contains_key(*name))
        .collect();
    let replicated = databases(components, |database| !database["replication"].is_null());
    let changing = databases(components, |database| {
        let statements = database["statements"].as_object();
        statements.is_some_and(|all| all.values().any(|one| !one["change"].is_null()))
    });
    let steps = databases(components, |database| {
        let by = &database["statements"]["write"]["change"]["by"];
        by.as_i64().is_some_and(|by| by != 0)
    });
    let brokers: Vec<String> = components
        .iter()
        .filter(|(_, of)| !of["queue"].is_null() || !of["topic"].is_null())
        .map(|(name, _)| name.clone())
        .collect();
    let with_tables = databases(components, |database| !database["tables"].is_null());
    let gateway = kind(components, "gateway", "gateway").filter(|g| !g["cache"].is_null());

    let readable: Vec<_> = { caches.iter().chain(&replicated).copied() }
        .chain(gateway.map(|_| "gateway"))
        .collect();
    let keeping: Vec<_> = caches.iter().chain(&changing).copied().collect();
    let watched = |name: &'static str, places: Vec<&'static str>| {
        let any = (!places.is_empty()).then(|| select(places));
        any.map(|any| any.prop_map(move |at| json!({name: {"at": at}})).boxed())
    };
    let fresh = (!readable.is_empty()).then(|| {
        let at = (select(readable), number(0.0..50.0));
        at.prop_map(|(at, within)| json!({"no_stale_reads": {"at": at, "within_ms": within}}))
            .boxed()
    });
    let conserved = (!with_tables.is_empty()).then(|| {
        let tables = vec(select(with_tables), 1..4);
        let tables = tables.prop_map(|databases| {
            let tables = databases.iter();
            let tables: Vec<_> = tables
                .map(|database| json!({"database": database, "table": "t"}))
                .collect();
            json!({"conserved": {"tables": tables}})
        });
        tables.boxed()
    });
    let sagas = (!steps.is_empty()).then(|| {
        let steps = vec(select(steps), 1..4);
        let sagas = (steps, number(1.0..300.0)).prop_map(|(databases, within)| {
            let steps = databases.iter();
            let steps: Vec<_> = steps
                .map(|database| json!({"database": database, "operation": "write"}))
                .collect();
            json!({"sagas_end": {"steps": steps, "within_ms": within}})
        });
        sagas.boxed()
    });
    let messages = (!brokers.is_empty()).then(|| {
        let sources: Vec<_> = changing.iter().copied().map(Some).chain([None]).collect();
        let messages = (select(brokers), select(sources));
        messages
            .prop_map(|(at, writes)| match writes {
                Some(writes) => json!({"no_lost_messages": {"at": at, "writes_at": writes}}),
                None => json!({"no_lost_messages": {"at": at}}),
            })
            .boxed()
    });
    let kinds: Vec<Part> = [
        fresh,
        conserved,
        sagas,
        messages,
        watched("read_your_writes", replicated),
        watched("no_lost_updates", changing.clone()),
        watched("no_double_effects", changing),
        watched("no_lost_writes", keeping),
        watched("in_order", places.clone()),
        watched("served_once", places),
    ]
    .into_iter()
    .flatten()
    .collect();
    if kinds.is_empty() {
        return Just(Vec::new()).boxed();
    }
    vec(proptest::strategy::Union::new(kinds), 0..5).boxed()
}
