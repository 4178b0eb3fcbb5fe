//! Caches and gateways in the engine: against theory, against the store alone, against nginx, and in their races.
#![cfg(not(target_arch = "wasm32"))]
#![expect(
    clippy::float_cmp,
    reason = "what is compared so is counted, or nothing at all"
)]

use std::sync::Arc;

use proptest::prelude::*;
use scale_sim::{
    CacheStore, Capacity, Component, Engine, Event, Eviction, Files, Lifetimes, Lookup, Measure,
    Model, NoProbe, Outcome, Probe, Recorder, RequestRef, Scenario, Time, Value, run,
};
use scale_tests::{engine, estimate, log, replications, scenario};

/// A client whose requests are about keys, open-loop.
fn client(target: &str, rate_per_s: f64, keys: &str, mix: &str) -> String {
    format!(
        r#""users": {{ "client": {{ "mix": {mix}, "target": "{target}", "arrivals": {{ "poisson": {{ "rate_per_s": {rate_per_s} }} }}, "keys": {keys}, "users": 12 }} }}"#
    )
}

const READS: &str = r#"{ "get": 1 }"#;

fn database(query_ms: f64) -> String {
    format!(
        r#""db": {{ "database": {{ "connections": 1000, "writes": ["set"], "queries": {{ "*": {{ "constant": {{ "mean_ms": {query_ms} }} }} }} }} }}"#
    )
}

fn cache(name: &str, fields: &str) -> String {
    format!(r#""{name}": {{ "cache": {{ {fields} }} }}"#)
}

fn value(outcome: &Outcome, measure: &str, of: &str) -> f64 {
    let measure = format!(r#"{{ "measure": "{measure}", "of": "{of}" }}"#);
    let measure: Measure = scale_sim::read_json(&measure).expect("of the format");
    outcome
        .value(&measure)
        .expect("there is something to measure")
}

fn ran(scenario: &Scenario) -> Outcome {
    run(scenario, &Files::new()).expect("valid")
}

/// The lines of a log with this event, split.
fn lines<'a>(log: &'a str, event: &'a str) -> impl Iterator<Item = Vec<&'a str>> {
    let all = log.lines().map(|line| line.split(',').collect::<Vec<_>>());
    all.filter(move |fields| fields[2] == event)
}

fn nanos(text: &str) -> u64 {
    text.parse().expect("a number")
}

/// The hit ratio of LRU under independent draws, by Che's approximation (Che, Tung and Wang, IEEE JSAC 20(7), 2002).
fn che(keys: u32, exponent: f64, capacity: f64) -> f64 {
    let weights: Vec<f64> = (1..=keys).map(|r| f64::from(r).powf(-exponent)).collect();
    let sum: f64 = weights.iter().sum();
    let held = |t: f64| -> f64 { weights.iter().map(|w| 1.0 - (-w / sum * t).exp()).sum() };
    let (mut low, mut high) = (0.0, 1e9);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if held(middle) < capacity {
            low = middle;
        } else {
            high = middle;
        }
    }
    let hit = |w: &f64| w / sum * (1.0 - (-w / sum * low).exp());
    weights.iter().map(hit).sum()
}

#[test]
fn lru_on_zipf_agrees_with_che() {
    for (exponent, capacity) in [(0.8, 100_u32), (1.0, 300), (1.2, 50)] {
        let keys = format!(r#"{{ "zipf": {{ "count": 2000, "exponent": {exponent} }} }}"#);
        let components = [
            client("redis", 2_000.0, &keys, READS),
            cache(
                "redis",
                &format!(
                    r#""capacity_entries": {capacity}, "mode": "read_through", "target": "db""#
                ),
            ),
            database(0.0),
        ];
        let outcome = ran(&scenario(3, 110.0, 10.0, &components.join(",")));
        let ratio = value(&outcome, "hit_ratio", "redis");
        let expected = che(2000, exponent, f64::from(capacity));
        assert!((ratio - expected).abs() < 0.01, "{ratio}, Che: {expected}");
    }
}

/// Consistent hashing sends a key always to the same cache: four of them keep four times as much as one, where with round
/// robin each keeps the same (Karger et al., STOC 1997).
#[test]
fn caches_behind_a_ring_keep_each_key_once() {
    let text = include_str!("../scenarios/cache-ring.json");
    let ratio = |policy: &str| {
        let outcome =
            ran(&Scenario::from_json(&text.replace("consistent_hash", policy)).expect("valid"));
        let all = ["cache-a", "cache-b", "cache-c", "cache-d"].map(|name| {
            let reads = value(&outcome, "offered_per_s", name);
            (reads, reads * value(&outcome, "hit_ratio", name))
        });
        all.iter().map(|(_, hits)| hits).sum::<f64>()
            / all.iter().map(|(reads, _)| reads).sum::<f64>()
    };
    let (ring, robin) = (ratio("consistent_hash"), ratio("round_robin"));
    // The ring's shares are unequal, and so is the use of the room.
    assert!((ring - che(20_000, 0.9, 4000.0)).abs() < 0.02, "{ring}");
    assert!((robin - che(20_000, 0.9, 1000.0)).abs() < 0.01, "{robin}");
}

#[test]
fn each_look_up_hits_or_misses_as_the_store_alone_does() {
    for (name, eviction) in [
        ("lru", Eviction::Lru),
        ("lfu", Eviction::Lfu),
        ("fifo", Eviction::Fifo),
        ("clock", Eviction::Clock),
        ("sieve", Eviction::Sieve),
        ("w_tiny_lfu", Eviction::WTinyLfu),
    ] {
        let components = [
            client(
                "redis",
                500.0,
                r#"{ "zipf": { "count": 200, "exponent": 0.9 } }"#,
                READS,
            ),
            cache(
                "redis",
                &format!(
                    r#""capacity_entries": 40, "eviction": "{name}", "mode": "read_through", "target": "db""#
                ),
            ),
            database(0.0),
        ];
        let (log, _) = log(&scenario(5, 20.0, 0.0, &components.join(",")));
        let mut store = CacheStore::new(eviction, Capacity::entries(40));
        let mut reads = 0;
        let all = log.lines().map(|line| line.split(',').collect::<Vec<_>>());
        for fields in all.filter(|f| matches!(f[2], "cache_hit" | "cache_miss")) {
            let key = nanos(fields[4]);
            let hit = store.get(key, Time::ZERO, &Lifetimes::default()) != Lookup::Miss;
            assert_eq!(hit, fields[2] == "cache_hit", "{name} at {fields:?}");
            if !hit {
                store.put(key, Value::default(), Time::ZERO, None);
            }
            reads += 1;
        }
        assert!(reads > 9_000);
    }
}

#[test]
fn cache_aside_answers_as_read_through_does_when_its_calls_take_no_time() {
    let keys = r#"{ "zipf": { "count": 200, "exponent": 0.9 } }"#;
    let through = [
        client("redis", 500.0, keys, READS),
        cache(
            "redis",
            r#""capacity_entries": 40, "mode": "read_through", "target": "db""#,
        ),
        database(0.0),
    ];
    let aside = [
        client("shop", 500.0, keys, READS),
        r#""shop": { "service": { "workers": 100, "plans": { "*": [ { "cached": { "cache": "redis", "miss": [ { "call": { "to": "db" } } ] } } ] } } }"#.to_owned(),
        cache("redis", r#""capacity_entries": 40"#),
        database(0.0),
    ];
    let of = |components: &[String]| {
        let outcome = ran(&scenario(5, 20.0, 0.0, &components.join(",")));
        let station = outcome.figures.stations.iter().find(|s| s.hits > 0);
        station.map(|s| (s.hits, s.misses, s.evictions))
    };
    assert_eq!(of(&through), of(&aside));
    assert!(of(&through).is_some_and(|(hits, ..)| hits > 5_000));
}

#[test]
fn mean_latency_is_the_lookup_and_the_share_of_misses_at_the_database() {
    let components = [
        client("redis", 400.0, r#"{ "zipf": { "count": 1000, "exponent": 1.0 } }"#, READS),
        cache(
            "redis",
            r#""capacity_entries": 100, "mode": "read_through", "target": "db", "lookup": { "exponential": { "mean_ms": 0.5 } }"#,
        ),
        r#""db": { "database": { "connections": 1000, "queries": { "*": { "exponential": { "mean_ms": 20 } } } } }"#.to_owned(),
    ];
    let outcomes = replications(&scenario(0, 60.0, 5.0, &components.join(",")), 301..321);
    let expected = 0.5 + (1.0 - che(1000, 1.0, 100.0)) * 20.0;
    let found = estimate(&outcomes, r#"{ "measure": "mean_ms" }"#);
    // Che's is an approximation: half a point of hit ratio is 0.1 ms.
    assert!(
        (found.mean - expected).abs() < 0.1,
        "{found:?}, expected {expected}"
    );
    for outcome in &outcomes {
        let ratio = value(outcome, "hit_ratio", "redis");
        let mean = outcome.figures.latency.as_ref().expect("answered").mean_ms;
        assert!(
            (mean - (0.5 + (1.0 - ratio) * 20.0)).abs() < 0.4,
            "{mean} at {ratio}"
        );
    }
}

#[test]
fn levels_in_a_row_multiply_their_misses() {
    let level = |name: &str, entries: u32, target: &str| {
        cache(
            name,
            &format!(
                r#""capacity_entries": {entries}, "mode": "read_through", "target": "{target}""#
            ),
        )
    };
    let components = [
        client(
            "near",
            1_000.0,
            r#"{ "zipf": { "count": 2000, "exponent": 0.9 } }"#,
            READS,
        ),
        level("near", 50, "far"),
        level("far", 400, "db"),
        database(0.0),
    ];
    let outcome = ran(&scenario(7, 60.0, 5.0, &components.join(",")));
    let misses: f64 = ["near", "far"]
        .iter()
        .map(|name| 1.0 - value(&outcome, "hit_ratio", name))
        .product();
    let at_database = value(&outcome, "completed", "db") / outcome.figures.completed as f64;
    assert!(
        (misses - at_database).abs() < 1e-4,
        "{misses}, {at_database}"
    );
    assert!((0.1..0.6).contains(&at_database));
}

/// One key that all ask for, with a time to live.
fn stampede(single_flight: bool, aside: bool, horizon_s: f64) -> Outcome {
    let fields = format!(
        r#""capacity_entries": 10, "ttl": {{ "ttl_s": 1 }}, "single_flight": {single_flight}"#
    );
    let components = if aside {
        [
            client("shop", 1_000.0, r#"{ "uniform": { "count": 1 } }"#, READS),
            r#""shop": { "service": { "workers": 1000, "plans": { "*": [ { "cached": { "cache": "redis", "miss": [ { "call": { "to": "db" } } ] } } ] } } }"#.to_owned(),
            cache("redis", &fields),
            database(100.0),
        ]
        .join(",")
    } else {
        let fields = format!(r#"{fields}, "mode": "read_through", "target": "db""#);
        [
            client("redis", 1_000.0, r#"{ "uniform": { "count": 1 } }"#, READS),
            cache("redis", &fields),
            database(100.0),
        ]
        .join(",")
    };
    ran(&scenario(2, horizon_s, 0.0, &components))
}

#[test]
fn single_flight_asks_the_database_once_for_each_time_to_live() {
    for aside in [false, true] {
        // A round takes the query and the time to live: 1.1 s.
        let calls = value(&stampede(true, aside, 20.0), "completed", "db");
        assert!((calls - 20.0 / 1.1).abs() <= 1.0, "{calls}");
        // Without it, all who come while the first asks ask, too: a hundred.
        let calls = value(&stampede(false, aside, 20.0), "completed", "db");
        assert!((1_400.0..2_400.0).contains(&calls), "{calls}");
    }
}

#[test]
fn those_who_wait_for_another_wait_no_longer_than_its_call() {
    let outcome = stampede(true, false, 5.0);
    let max = outcome.figures.latency.as_ref().expect("answered").max_ms;
    assert!((max - 100.0).abs() < 1e-6, "{max}");
    let joined = |story: &scale_sim::Story| {
        story
            .spans
            .iter()
            .any(|span| span.doing == scale_sim::Doing::Joined)
    };
    assert!(outcome.stories.slowest().iter().any(joined));
}

#[test]
fn a_flight_that_fails_fails_for_all_who_wait() {
    let components = [
        client("redis", 200.0, r#"{ "uniform": { "count": 1 } }"#, READS),
        cache(
            "redis",
            r#""capacity_entries": 10, "single_flight": true, "mode": "read_through", "target": "db""#,
        ),
        database(500.0),
    ];
    let mut scenario = scenario(2, 3.0, 0.0, &components.join(","));
    scenario.faults = vec![
        scale_sim::read_json(
            r#"{ "what": { "crash": { "component": "db" } }, "at_s": 0.3, "for_s": 0.1 }"#,
        )
        .expect("of the format"),
    ];
    let (log, _) = log(&scenario);
    let lost = lines(&log, "lost")
        .filter(|f| f[4] == "crashed at db")
        .count();
    assert!(lost > 30, "{lost}");
    let outcome = ran(&scenario);
    assert_eq!(
        outcome.totals.sent,
        outcome.totals.completed + outcome.totals.lost + outcome.totals.under_way
    );
    assert!(outcome.totals.under_way < 3 && outcome.totals.completed > 300);
}

/// Reads and writes of a few keys through a service, with the cache beside it.
fn aside(fields: &str, after_write: &str, horizon_s: f64) -> Scenario {
    let components = [
        client(
            "shop",
            300.0,
            r#"{ "uniform": { "count": 20 } }"#,
            r#"{ "get": 9, "set": 1 }"#,
        ),
        format!(
            r#""shop": {{ "service": {{ "workers": 1000, "plans": {{
                "get": [ {{ "cached": {{ "cache": "redis", "miss": [ {{ "call": {{ "to": "db" }} }} ] }} }} ],
                "set": [ {{ "call": {{ "to": "db" }} }} {after_write} ] }} }} }}"#
        ),
        cache("redis", &format!(r#""capacity_entries": 100 {fields}"#)),
        database(5.0),
    ];
    scenario(9, horizon_s, 0.0, &components.join(","))
}

#[test]
fn what_a_time_to_live_allows_is_how_old_an_answer_can_be() {
    let (log, _) = log(&aside(r#", "ttl": { "ttl_s": 2 }"#, "", 60.0));
    let ages: Vec<u64> = lines(&log, "cache_hit")
        .filter_map(|f| f[4].split(" stale ").nth(1).map(nanos))
        .collect();
    let oldest = *ages.iter().max().expect("some are stale");
    // An entry may be as old as its time to live, and was read before it was kept.
    assert!(oldest <= 2_000_000_000 + 5_000_000, "{oldest}");
    assert!(oldest > 1_000_000_000 && ages.len() > 1_000);
}

#[test]
fn without_any_invalidation_entries_stay_old_and_with_it_they_do_not() {
    let never = value(&ran(&aside("", "", 60.0)), "stale", "redis");
    let after_write = r#", { "invalidate": { "cache": "redis" } }"#;
    let deleted = value(&ran(&aside("", after_write, 60.0)), "stale", "redis");
    let told = value(
        &ran(&aside(r#", "invalidation": { "delay_ms": 20 }"#, "", 60.0)),
        "stale",
        "redis",
    );
    assert!(never > 10_000.0, "{never}");
    assert!(deleted < never / 50.0, "{deleted} of {never}");
    assert!(told > 0.0 && told < never / 10.0, "{told} of {never}");
}

#[test]
fn an_event_makes_no_answer_older_than_its_delay() {
    // No fill is slower than the delay, so the event always finds what is old.
    let (log, _) = log(&aside(r#", "invalidation": { "delay_ms": 20 }"#, "", 60.0));
    let ages = lines(&log, "cache_hit").filter_map(|f| f[4].split(" stale ").nth(1).map(nanos));
    let oldest = ages.max().expect("some are stale");
    assert!(oldest <= 20_000_000, "{oldest}");
}

#[test]
fn a_reader_who_is_slow_to_fill_leaves_an_old_row_until_its_time_to_live_is_over() {
    // One reads at 0 s and works for 300 ms before it fills. Another writes in the meantime and drops the key. Readers get
    // the old row until it expires at 2.31 s.
    let replay =
        |times: &str| format!(r#"{{ "replay": {{ "file": "{times}.csv", "format": "csv" }} }}"#);
    let text = format!(
        r#"{{ "version": 1, "horizon_s": 4, "components": {{
        "slow": {{ "client": {{ "operation": "slow", "target": "shop", "arrivals": {} }} }},
        "writer": {{ "client": {{ "operation": "set", "target": "shop", "arrivals": {} }} }},
        "readers": {{ "client": {{ "operation": "get", "target": "shop", "arrivals": {} }} }},
        "shop": {{ "service": {{ "workers": 10, "plans": {{
            "slow": [ {{ "cached": {{ "cache": "redis", "miss": [ {{ "call": {{ "to": "db", "operation": "get" }} }}, {{ "work": {{ "constant": {{ "mean_ms": 300 }} }} }} ] }} }} ],
            "get": [ {{ "cached": {{ "cache": "redis", "miss": [ {{ "call": {{ "to": "db" }} }} ] }} }} ],
            "set": [ {{ "call": {{ "to": "db" }} }}, {{ "invalidate": {{ "cache": "redis" }} }} ] }} }} }},
        "redis": {{ "cache": {{ "capacity_entries": 10, "ttl": {{ "ttl_s": 2 }} }} }},
        {} }} }}"#,
        replay("slow"),
        replay("writer"),
        replay("readers"),
        database(10.0)
    );
    let scenario = Scenario::from_json(&text).unwrap_or_else(|p| panic!("{p:?}"));
    let files: Files = [
        ("slow.csv", "0\n"),
        ("writer.csv", "0\n"),
        ("readers.csv", "0\n0.5\n2.2\n2.4\n3.0\n"),
    ]
    .map(|(name, text)| (name.to_owned(), text.to_owned()))
    .into();
    let model = Model::new(&scenario, &files).expect("valid");
    let mut engine = scale_sim::Engine::new(Arc::new(model), scale_sim::Log::default());
    engine.run_until(Time::from_secs(4.0));
    let log = engine.probe_mut().take();
    let looks: Vec<(u64, bool)> = lines(&log, "cache_hit")
        .map(|f| (nanos(f[0]) / 1_000_000, f[4].contains("stale")))
        .collect();
    assert_eq!(looks, [(500, true), (2200, true), (3000, false)], "{log}");
}

/// A cache that writes behind, and crashes at 3.25 s.
fn behind(batch: u32, crash: bool) -> Scenario {
    let components = [
        client(
            "redis",
            200.0,
            r#"{ "uniform": { "count": 50 } }"#,
            r#"{ "get": 1, "set": 1 }"#,
        ),
        cache(
            "redis",
            &format!(
                r#""capacity_entries": 100, "target": "db", "writes": ["set"], "mode": {{ "write_behind": {{ "flush_interval_ms": 500, "batch": {batch} }} }}"#
            ),
        ),
        database(2.0),
    ];
    let mut scenario = scenario(4, 6.0, 0.0, &components.join(","));
    if crash {
        scenario.faults = vec![
            scale_sim::read_json(
                r#"{ "what": { "crash": { "component": "redis" } }, "at_s": 3.25, "for_s": 0.1 }"#,
            )
            .expect("of the format"),
        ];
    }
    scenario
}

#[test]
fn a_write_that_is_lost_on_the_wire_once_is_not_lost_for_ever() {
    let mut scenario = behind(7, false);
    // Each try gets over with a chance of 0.6, and is not made again by the wire itself.
    let link = r#"{ "from": "redis", "to": "db", "latency": { "constant": { "mean_ms": 1 } }, "loss": 0.4, "give_up_ms": 1,
        "retransmit_ms": 1000 }"#;
    scenario.links = vec![scale_sim::read_json(link).expect("a link")];
    let mut engine = engine(&scenario, NoProbe);
    engine.run_until(Time::from_secs(3.0));
    let dirty = |engine: &Engine| {
        let stations = 0..engine.model().stations().len();
        let stores = stations.filter_map(|station| engine.cache(station));
        let items = stores.flat_map(CacheStore::items);
        items.filter(|item| item.entry.value.dirty).count()
    };
    assert!(dirty(&engine) > 0);
    let Some(Component::Client(client)) = scenario.components.get_mut("users") else {
        panic!("the client is there");
    };
    client.arrivals = scale_sim::Arrivals::Poisson { rate_per_s: 0.0 };
    engine
        .reconfigure(&scenario, &Files::new())
        .expect("only the load differs");
    engine.run_until(Time::from_secs(60.0));
    assert_eq!(dirty(&engine), 0);
}

#[test]
fn a_crash_loses_exactly_the_writes_that_were_not_sent_on() {
    for batch in [10_000, 7] {
        let scenario = behind(batch, true);
        let (log, _) = log(&scenario);
        // What is dirty, by key; a batch takes the keys that have been dirty longest.
        let mut dirty: Vec<(u64, u64)> = Vec::new();
        let mut lost = None;
        for line in log.lines() {
            let fields: Vec<&str> = line.split(',').collect();
            match fields[2] {
                "cache_dirty" => {
                    let key = nanos(fields[4]);
                    match dirty.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, writes)) => *writes += 1,
                        None => dirty.push((key, 1)),
                    }
                }
                "spawned" => drop(dirty.remove(0)),
                "cache_lost" => {
                    let expected: u64 = dirty.iter().map(|(_, writes)| writes).sum();
                    assert_eq!(nanos(fields[4]), expected);
                    assert!(lost.replace(expected).is_none() && expected > 20);
                    dirty.clear();
                }
                _ => {}
            }
        }
        let lost = lost.expect("it crashed");
        let outcome = ran(&scenario);
        assert_eq!(value(&outcome, "lost_writes", "redis"), lost as f64);
        let without = ran(&behind(batch, false));
        assert_eq!(value(&without, "lost_writes", "redis"), 0.0);
    }
}

#[test]
fn writes_behind_are_answered_at_once_and_reach_the_database_as_fewer() {
    let outcome = ran(&behind(10_000, false));
    let written = outcome.figures.completed / 2;
    let at_database = value(&outcome, "completed", "db");
    assert!(
        at_database > 200.0 && at_database < written as f64,
        "{at_database} of {written}"
    );
    // Nobody waits for the database but those who read what was never written or read.
    assert_eq!(
        outcome.figures.latency.as_ref().map(|l| l.p50_ms),
        Some(0.0)
    );
    // What is dirty is newer than what the database has: no hit is stale.
    assert_eq!(value(&outcome, "stale", "redis"), 0.0);
}

#[test]
fn modes_do_with_writes_what_they_say() {
    let with = |mode: &str| {
        let components = [
            client(
                "redis",
                300.0,
                r#"{ "uniform": { "count": 20 } }"#,
                r#"{ "get": 9, "set": 1 }"#,
            ),
            cache(
                "redis",
                &format!(
                    r#""capacity_entries": 100, "target": "db", "writes": ["set"], "mode": "{mode}""#
                ),
            ),
            database(0.0),
        ];
        let outcome = ran(&scenario(9, 60.0, 0.0, &components.join(",")));
        (
            value(&outcome, "stale", "redis"),
            value(&outcome, "hit_ratio", "redis"),
        )
    };
    let ((around, _), (through, kept), (drops, refetches)) = (
        with("write_around"),
        with("write_through"),
        with("read_through"),
    );
    assert!(around > 1_000.0 && through == 0.0 && drops == 0.0);
    // A key is read nine times for each write; the first of these misses where the write dropped it.
    assert!(
        kept > 0.99 && (refetches - 0.9).abs() < 0.01,
        "{kept} {refetches}"
    );
}

#[test]
fn that_there_is_no_row_is_kept_for_its_own_time() {
    let with = |negative: &str| {
        let components = [
            client("redis", 100.0, r#"{ "uniform": { "count": 2 } }"#, READS),
            cache(
                "redis",
                &format!(r#""capacity_entries": 100, "target": "db", "mode": "read_through" {negative}"#),
            ),
            r#""db": { "database": { "connections": 10, "rows": 1, "queries": { "*": { "constant": { "mean_ms": 0 } } } } }"#.to_owned(),
        ];
        value(
            &ran(&scenario(9, 100.0, 0.0, &components.join(","))),
            "completed",
            "db",
        )
    };
    // Key 1 is not there: half of ten thousand requests, or one each second and a bit.
    assert!((with("") - 5_000.0).abs() < 300.0);
    assert!((with(r#", "negative_ttl_s": 1"#) - 100.0).abs() < 5.0);
}

#[test]
fn a_refresh_ahead_keeps_readers_from_waiting() {
    let with = |ahead: &str| {
        let components = [
            client("redis", 100.0, r#"{ "uniform": { "count": 1 } }"#, READS),
            cache(
                "redis",
                &format!(
                    r#""capacity_entries": 10, "target": "db", "mode": "read_through", "ttl": {{ "ttl_s": 1 }} {ahead}"#
                ),
            ),
            database(50.0),
        ];
        ran(&scenario(9, 60.0, 5.0, &components.join(",")))
    };
    let max = |outcome: &Outcome| outcome.figures.latency.as_ref().expect("answered").max_ms;
    assert!((max(&with("")) - 50.0).abs() < 1e-6);
    let ahead = with(r#", "refresh_ahead": 0.8"#);
    assert_eq!(max(&ahead), 0.0);
    // One refresh in 0.8 s and what the query takes.
    let calls = value(&ahead, "completed", "db");
    assert!((55.0 / 0.86 - calls).abs() < 4.0, "{calls}");
}

#[test]
fn a_warm_cache_misses_only_what_it_does_not_hold() {
    let components = [
        client(
            "redis",
            100.0,
            r#"{ "zipf": { "count": 100, "exponent": 1.0, "scatter": true } }"#,
            READS,
        ),
        cache(
            "redis",
            r#""capacity_entries": 100, "target": "db", "mode": "read_through", "warm": { "keys": 100 }"#,
        ),
        database(50.0),
    ];
    let scenario = scenario(9, 10.0, 0.0, &components.join(","));
    assert_eq!(value(&ran(&scenario), "hit_ratio", "redis"), 1.0);
    let engine = engine(&scenario, NoProbe);
    let store = engine.cache(0).expect("a cache");
    let Component::Client(client) = &scenario.components["users"] else {
        panic!("a client");
    };
    let keys = client.keys.as_ref().expect("keys");
    let sampler = scale_sim::KeySampler::new(keys);
    assert!(store.items().map(|item| item.key).eq(sampler.hottest()));
}

#[test]
fn each_region_and_each_user_misses_on_its_own() {
    let hits = |fields: &str| {
        let components = [
            client("cdn", 100.0, r#"{ "uniform": { "count": 5 } }"#, READS),
            cache(
                "cdn",
                &format!(
                    r#""capacity_entries": 100, "target": "db", "mode": "read_through" {fields}"#
                ),
            ),
            database(0.0),
        ];
        let outcome = ran(&scenario(9, 100.0, 0.0, &components.join(",")));
        (
            value(&outcome, "completed", "db"),
            outcome.model.stations().len(),
        )
    };
    assert_eq!(hits(""), (5.0, 2));
    assert_eq!(hits(r#", "regions": 3"#), (15.0, 4));
    // Twelve users, five keys.
    assert_eq!(hits(r#", "private": true"#), (60.0, 2));
}

#[test]
fn a_flush_and_a_crash_empty_a_cache() {
    for trouble in ["cache_flush", "crash"] {
        let components = [
            client("redis", 1_000.0, r#"{ "uniform": { "count": 50 } }"#, READS),
            cache(
                "redis",
                r#""capacity_entries": 100, "target": "db", "mode": "read_through""#,
            ),
            database(0.0),
        ];
        let mut scenario = scenario(9, 10.0, 0.0, &components.join(","));
        scenario.faults = vec![
            scale_sim::read_json(&format!(
                r#"{{ "what": {{ "{trouble}": {{ "component": "redis" }} }}, "at_s": 5, "for_s": 0.01 }}"#
            ))
            .expect("of the format"),
        ];
        let (log, _) = log(&scenario);
        assert_eq!(lines(&log, "cache_miss").count(), 100);
        let flushed: Vec<&str> = lines(&log, "cache_flushed").map(|f| f[4]).collect();
        assert_eq!(flushed, ["50"], "{trouble}");
    }
}

#[test]
fn a_service_whose_cache_is_down_asks_the_database() {
    let mut scenario = aside("", "", 10.0);
    scenario.faults = vec![
        scale_sim::read_json(
            r#"{ "what": { "crash": { "component": "redis" } }, "at_s": 5, "for_s": 2 }"#,
        )
        .expect("of the format"),
    ];
    let outcome = ran(&scenario);
    assert_eq!((outcome.figures.lost, outcome.figures.degraded), (0, 0));
    // Two seconds of reads, and the few before.
    let calls = value(&outcome, "completed", "db");
    assert!(calls > 0.9 * 2.0 * 270.0 + 0.1 * 3_000.0 - 150.0, "{calls}");
}

#[test]
fn the_leaky_bucket_of_a_gateway_is_nginx() {
    let oracle = include_str!("../oracle/lb/nginx_limit_req.csv");
    let rows: Vec<Vec<&str>> = oracle
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .collect();
    let mut compared = 0;
    let runs = rows.chunk_by(|a, b| (a[0], a[1]) == (b[0], b[1]));
    for rows in runs {
        let (burst, nodelay) = match rows[0][0] {
            "noburst" => (0, false),
            "burst5" => (5, false),
            "burst5_nodelay" => (5, true),
            other => panic!("{other}"),
        };
        let text = format!(
            r#"{{ "version": 1, "horizon_s": 100, "components": {{
            "users": {{ "client": {{ "operation": "get", "target": "nginx", "arrivals": {{ "replay": {{ "file": "times.csv", "format": "csv" }} }} }} }},
            "nginx": {{ "gateway": {{ "target": "db", "rate_limit": {{ "leaky_bucket": {{ "rate_per_s": 10, "burst": {burst}, "nodelay": {nodelay} }} }} }} }},
            {} }} }}"#,
            database(0.0)
        );
        let scenario = Scenario::from_json(&text).unwrap_or_else(|p| panic!("{p:?}"));
        let times: Vec<String> = rows
            .iter()
            .map(|row| (row[4].parse::<f64>().expect("ms") / 1e3).to_string())
            .collect();
        let files: Files = [("times.csv".to_owned(), times.join("\n"))].into();
        let model = Model::new(&scenario, &files).expect("valid");
        let mut engine = scale_sim::Engine::new(Arc::new(model), scale_sim::Log::default());
        engine.run_until(Time::from_secs(100.0));
        let log = engine.probe_mut().take();
        for (number, row) in rows.iter().enumerate() {
            let number = number.to_string();
            let own = |event: &'static str| {
                let number = number.clone();
                lines(&log, event)
                    .find(move |f| f[1] == number)
                    .map(|f| f[4].to_owned())
            };
            let found = match (own("lost"), own("delayed")) {
                (Some(reason), _) => {
                    assert_eq!(reason, "limited at nginx");
                    ("REJECTED", 0.0)
                }
                (None, Some(wait)) => ("DELAYED", nanos(&wait) as f64 / 1e6),
                (None, None) => ("PASSED", 0.0),
            };
            let delay: f64 = row[7].parse().expect("a number");
            assert_eq!(found.0, row[6], "{row:?}");
            assert!((found.1 - delay).abs() <= 5.0, "{row:?}: {}", found.1);
            if let Some(latency) = own("completed") {
                assert_eq!(nanos(&latency) as f64 / 1e6, found.1);
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 3 * 3 * 32);
}

#[test]
fn a_gateway_keeps_answers_and_bounds_what_is_under_way() {
    let components = [
        client("gate", 100.0, r#"{ "uniform": { "count": 10 } }"#, r#"{ "get": 8, "set": 2 }"#),
        r#""gate": { "gateway": { "target": "db", "concurrency": { "fixed": { "most": 4 } }, "cached": ["get"], "cache": { "capacity_entries": 100, "writes": ["set"] } } }"#.to_owned(),
        database(50.0),
    ];
    let outcome = ran(&scenario(3, 100.0, 0.0, &components.join(",")));
    let busy = outcome.figures.stations[0].busy;
    assert!(busy < 4.0 && outcome.figures.lost > 100, "{busy}");
    let all = outcome.figures.losses.iter();
    assert!(
        all.clone().count() == 1
            && all
                .map(|l| l.reason)
                .all(|r| r == scale_sim::Loss::Limited as u8)
    );
    assert!(value(&outcome, "hit_ratio", "gate") > 0.4);
    // With a limit by user, one who sends too much is no trouble to the others.
    let components = [
        r#""robot": { "client": { "operation": "get", "target": "gate", "users": 1, "arrivals": { "constant": { "rate_per_s": 100 } } } }"#.to_owned(),
        client("gate", 20.0, r#"{ "uniform": { "count": 10 } }"#, READS),
        r#""gate": { "gateway": { "target": "db", "rate_limit": { "token_bucket": { "rate_per_s": 10, "burst": 20, "keys": 100 } } } }"#.to_owned(),
        database(1.0),
    ];
    let outcome = ran(&scenario(3, 100.0, 0.0, &components.join(",")));
    assert!(
        (outcome.figures.lost as f64 - 9_000.0).abs() < 50.0,
        "{}",
        outcome.figures.lost
    );
}

#[test]
fn what_can_not_be_is_refused_with_its_place() {
    let refused = |components: &str| {
        let text = format!(
            r#"{{"version":1,"horizon_s":1,"components":{{{components},{}}}}}"#,
            database(1.0)
        );
        let problems = Scenario::from_json(&text).expect_err("must be refused");
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        all.join("\n")
    };
    let user = client("a", 1.0, r#"{ "uniform": { "count": 1 } }"#, READS);
    let with = |fields: &str| refused(&format!("{user},{}", cache("a", fields)));
    assert!(
        with(r#""capacity_entries": 1"#)
            .contains("components.users.client.target: 'a' is a cache that fetches nothing itself")
    );
    assert!(
        with(r#""capacity_entries": 1, "mode": "read_through""#)
            .contains("a.cache.target: this cache fetches")
    );
    assert!(with(r#""capacity_entries": 1, "mode": "read_through", "target": "db", "private": true, "regions": 2"#).contains("a.cache.regions: nobody but its user"));
    assert!(
        with(r#""capacity_entries": 200000, "mode": "read_through", "target": "db", "regions": 3"#)
            .contains("600000 entries of caches in all: at most 500000 are allowed")
    );
    let said = refused(&format!(
        r#"{user},"a":{{"service":{{"workers":1,"plans":{{"*":[{{"cached":{{"cache":"db","miss":[]}}}}]}}}}}}"#
    ));
    assert!(
        said.contains("plans.*[0].cached.cache: 'db' is a database, not a cache"),
        "{said}"
    );
    let said = refused(&format!(
        r#"{user},{},"s":{{"service":{{"workers":1,"plans":{{"*":[{{"invalidate":{{"cache":"a"}}}}]}}}}}}"#,
        cache(
            "a",
            r#""capacity_entries": 1, "mode": "read_through", "target": "s""#
        )
    ));
    assert!(said.contains("the request came through 'a'"), "{said}");
    let closed = r#""u":{"client":{"operation":"x","target":"a","arrivals":{"closed":{"users":1,"think_time":{"constant":{"mean_ms":0}}}}}}"#;
    let said = refused(&format!(
        "{closed},{}",
        cache(
            "a",
            r#""capacity_entries": 1, "mode": "read_through", "target": "db""#
        )
    ));
    assert!(said.contains("takes no time"), "{said}");
}

/// A chain of caches of any modes in front of a database, with writes, faults and a gateway.
fn any_chain() -> impl Strategy<Value = Scenario> {
    let mode = prop_oneof![
        Just(r#""read_through""#.to_owned()),
        Just(r#""write_through""#.to_owned()),
        Just(r#""write_around""#.to_owned()),
        (1.0..300.0, 1..50_u32).prop_map(|(interval, batch)| format!(
            r#"{{ "write_behind": {{ "flush_interval_ms": {interval}, "batch": {batch} }} }}"#
        )),
    ];
    let eviction = prop::sample::select(vec!["lru", "lfu", "fifo", "clock", "sieve", "w_tiny_lfu"]);
    let extras = (any::<bool>(), any::<bool>(), 1..4_u32, 1..8_u32, 0..5_u32);
    let faults = (any::<bool>(), any::<bool>(), 0.1..3.0_f64, 0.5..60.0_f64);
    (mode, eviction, extras, faults, 1..40_u32, any::<u32>(), any::<bool>()).prop_map(
        |(mode, eviction, (single, ahead, regions, workers, queue), (crash, flush, at_s, query_ms), entries, seed, told)| {
            let told = if told { r#", "invalidation": { "delay_ms": 5 }"# } else { "" };
            let ttl = if ahead { r#", "ttl": { "ttl_s": 0.3, "jitter": 0.2 }, "refresh_ahead": 0.5"# } else { "" };
            let components = format!(
                r#""users": {{ "client": {{ "mix": {{ "get": 4, "set": 1 }}, "target": "gate", "arrivals": {{ "poisson": {{ "rate_per_s": 300 }} }}, "keys": {{ "zipf": {{ "count": 60, "exponent": 0.8 }} }}, "users": 7 }} }},
                "gate": {{ "gateway": {{ "target": "edge", "rate_limit": {{ "leaky_bucket": {{ "rate_per_s": 250, "burst": 20 }} }}, "concurrency": {{ "fixed": {{ "most": 40 }} }} }} }},
                "edge": {{ "cache": {{ "capacity_entries": {entries}, "eviction": "{eviction}", "target": "shop", "mode": {mode}, "writes": ["set"], "single_flight": {single}, "regions": {regions}, "workers": {workers}, "queue": {queue}, "lookup": {{ "exponential": {{ "mean_ms": 0.3 }} }} {ttl} {told} }} }},
                "shop": {{ "service": {{ "workers": 6, "queue": 10, "plans": {{
                    "get": [ {{ "cached": {{ "cache": "redis", "miss": [ {{ "call": {{ "to": "db" }} }} ], "resilience": {{ "timeout_ms": 3 }} }} }} ],
                    "set": [ {{ "call": {{ "to": "db" }} }}, {{ "invalidate": {{ "cache": "redis" }} }} ] }} }} }},
                "redis": {{ "cache": {{ "capacity_entries": {entries}, "single_flight": {single}, "workers": {workers}, "lookup": {{ "exponential": {{ "mean_ms": 1 }} }}, "negative_ttl_s": 1 }} }},
                "db": {{ "database": {{ "connections": 3, "queue": 8, "rows": 50, "writes": ["set"], "queries": {{ "*": {{ "exponential": {{ "mean_ms": {query_ms} }} }} }} }} }}"#
            );
            let mut scenario = scenario(u64::from(seed), 4.0, 0.5, &components);
            let mut fault = |what: &str, on: &str| {
                let text = format!(r#"{{ "what": {{ "{what}": {{ "component": "{on}" }} }}, "at_s": {at_s}, "for_s": 0.4 }}"#);
                scenario.faults.push(scale_sim::read_json(&text).expect("of the format"));
            };
            if crash {
                for on in ["edge", "redis", "gate", "shop", "db"] {
                    fault("crash", on);
                }
            }
            if flush {
                fault("cache_flush", "edge");
            }
            scenario
        },
    )
}

/// Checks what no cache ever does.
#[derive(Clone, Debug, Default)]
struct Sound {
    looks: u64,
}

impl Probe for Sound {
    fn event(&mut self, model: &Model, _: Time, _: RequestRef, event: &Event) {
        match *event {
            Event::Started { station, busy, .. } => {
                let station = model.stations().nth(station as usize).expect("known");
                assert!(busy <= station.servers);
            }
            Event::CacheHit { .. } | Event::CacheMiss { .. } => self.looks += 1,
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn chains_of_caches_account_for_every_request(scenario in any_chain()) {
        let mut engine = engine(&scenario, Sound::default());
        for part in 1..=8 {
            engine.run_until(Time::from_secs(f64::from(part) * 0.5));
            let totals = engine.totals();
            prop_assert_eq!(totals.sent, totals.completed + totals.lost + totals.under_way);
            prop_assert!(totals.under_way <= 60 + 300);
        }
        prop_assert!(engine.probe().looks > 10);
    }

    #[test]
    fn spans_add_up_and_a_snapshot_goes_on_alike(scenario in any_chain(), part in 0.0..1.0_f64) {
        let (whole, hash) = log(&scenario);
        let model = Model::new(&scenario, &Files::new()).expect("valid");
        let recorder = Recorder::new(&model);
        let mut engine = scale_sim::Engine::new(Arc::new(model), (recorder, scale_sim::Log::default()));
        let horizon = Time::from_secs(scenario.horizon_s);
        engine.run_until(Time::from_secs(scenario.horizon_s * part));
        let mut restored = engine.clone();
        engine.run_until(horizon);
        restored.run_until(horizon);
        prop_assert_eq!((engine.state_hash(), restored.state_hash()), (hash, hash));
        prop_assert_eq!(restored.probe_mut().1.take(), whole);
        let stories = engine.probe().0.stories();
        for story in stories.slowest().iter().chain(stories.lost()) {
            let sum: u64 = story.spans.iter().map(|span| span.length().nanos()).sum();
            prop_assert_eq!(sum, story.latency.nanos(), "{:?}", story);
        }
    }

    #[test]
    fn a_cache_can_be_resized_while_it_works(scenario in any_chain(), entries in 1..60_u32, regions in 1..5_u32) {
        let mut changed = scenario.clone();
        if let Some(Component::Cache(cache)) = changed.components.get_mut("edge") {
            cache.capacity_entries = Some(entries);
            cache.regions = regions;
            cache.eviction = Eviction::Sieve;
        }
        let mut engine = engine(&scenario, NoProbe);
        engine.run_until(Time::from_secs(1.0));
        engine.reconfigure(&changed, &Files::new()).expect("only numbers differ");
        engine.run_until(Time::from_secs(2.0));
        for station in 0..engine.model().stations().len() {
            let info = engine.model().stations().nth(station).expect("known");
            if info.live && info.name.starts_with("edge") {
                let store = engine.cache(station).expect("a cache");
                prop_assert!(store.len() <= entries && store.eviction() == Eviction::Sieve);
            }
        }
        engine.run_until(Time::from_secs(4.0));
        let totals = engine.totals();
        prop_assert_eq!(totals.sent, totals.completed + totals.lost + totals.under_way);
    }
}
