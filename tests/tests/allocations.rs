//! A run in its steady state allocates nothing: not for any mechanism that has a benchmark. And nothing piles up.
#![cfg(not(target_arch = "wasm32"))]

use std::sync::Arc;

use allocation_counter::measure;
use scale_sim::{Duration, Engine, Files, Model, NoProbe, Probe, Recorder, Scenario, Stop, Time};

#[path = "../../src/sim/benches/table/mod.rs"]
#[allow(dead_code, reason = "bounds of time are not asked for here")]
mod table;

use table::ROWS;

/// By then even the rarest heaps of waiting requests have been as large as they get.
const WARM: Time = Time::from_nanos(200_000_000_000);
const END: Time = Time::from_nanos(250_000_000_000);

/// All mechanisms, and the network that is compared with other simulators, each by its name.
fn models() -> Vec<(&'static str, Arc<Model>)> {
    let rows = ROWS.iter().map(|row| (row.name, row.model(END.secs())));
    let text = include_str!("../../benches/peers/mixed.json");
    let mut scenario = Scenario::from_json(text).expect("valid");
    scenario.horizon_s = END.secs();
    let network = Model::new(&scenario, &Files::new()).expect("valid");
    rows.chain([("the mixed network", Arc::new(network))])
        .collect()
}

/// How many allocations the run makes from `WARM` to `END`, and how many events it handles.
fn allocations<P: Probe>(mut engine: Engine<P>) -> (u64, u64) {
    engine.run_until(WARM);
    let before = engine.events();
    let found = measure(|| {
        engine.run_until(END);
    });
    let events = engine.events() - before;
    assert!(events > 50_000, "{events} events show nothing");
    (found.count_total, events)
}

#[test]
fn the_steady_state_allocates_nothing() {
    for (name, model) in models() {
        let (count, events) = allocations(Engine::new(model, NoProbe));
        assert_eq!(count, 0, "{name}: {count} allocations in {events} events");
    }
}

#[test]
fn watching_allocates_by_the_window_and_not_by_the_event() {
    for (name, model) in models() {
        let recorder = Recorder::with_window(&model, Duration::from_secs(1.0));
        let (count, events) = allocations(Engine::new(model, recorder));
        // Some vectors a window, and now and then a kept story that is longer than the one it takes the place of.
        let windows = 50;
        assert!(
            count <= windows * 4 + 100,
            "{name}: {count} allocations in {events} events"
        );
    }
}

/// Systems with timers of an hour, or planned anew all the time, most of which are void soon.
const LONG_TIMERS: [(&str, &str, &str); 10] = [
    (
        "timeouts of calls",
        r#""db":{"database":{"connections":1,"queries":{"*":{"constant":{"mean_ms":1}}}}}"#,
        r#","resilience":{"timeout_ms":3600000,"hedge":{"after_ms":3500000}}"#,
    ),
    (
        "patience in line",
        r#""db":{"database":{"connections":1,"queries":{"*":{"exponential":{"mean_ms":1.5}}},"shedding":{"max_wait":{"constant":{"mean_ms":3600000}}}}}"#,
        "",
    ),
    (
        "waits for locks",
        r#""db":{"database":{"connections":50,"lock_timeout_ms":3600000,"deadlock_timeout_ms":3600000,
            "tables":{"t":{"rows":2}},"statements":{"x":{"write":{"table":"t","rows":2}}},"costs":{"commit":{"constant":{"mean_ms":0.5}}}}}"#,
        "",
    ),
    (
        "waits for connections",
        r#""db":{"database":{"connections":1,"pool":{"max":1,"min":1,"wait_timeout_ms":3600000},"queries":{"*":{"exponential":{"mean_ms":1.5}}}}}"#,
        "",
    ),
    (
        "waits for replicas",
        r#""db":{"database":{"connections":50,"writes":["x"],"queries":{"x":{"exponential":{"mean_ms":1.5}}},
            "replication":{"replicas":2,"apply_delay":{"constant":{"mean_ms":1000}},"commits":{"semi_synchronous":{"acks":1,"timeout_ms":3600000}}}}}"#,
        "",
    ),
    (
        "failovers",
        r#""db":{"database":{"connections":50,"writes":["x"],"queries":{"x":{"exponential":{"mean_ms":1.5}}},
            "replication":{"replicas":1,"failover_after_ms":3600000}}}"#,
        "",
    ),
    (
        "deliveries of messages",
        r#""db":{"queue":{"to":"w","prefetch":10,"visibility_timeout_ms":3600000}},
            "w":{"service":{"workers":10,"plans":{"*":[{"work":{"exponential":{"mean_ms":1.5}}}]}}}"#,
        "",
    ),
    (
        "sessions of consumers",
        r#""db":{"topic":{"partitions":4,"subscriptions":{"a":{"to":"member","session_timeout_ms":3600000,"rebalance_ms":1}}}},
            "member":{"service":{"instances":2,"workers":1,"plans":{"*":[{"work":{"exponential":{"mean_ms":1.5}}}]}}}"#,
        "",
    ),
    (
        "deliveries to a view",
        r#""writers":{"client":{"operation":"add","target":"store","arrivals":{"poisson":{"rate_per_s":1}}}},
            "store":{"event_store":{"connections":9,"streams":1,"operations":{"add":{"append":{"by":1}}}}},
            "db":{"view":{"source":"store","connections":9,"queries":{"x":{"exponential":{"mean_ms":1.5}}},"apply":{"constant":{"mean_ms":1}},"delay_ms":3600000}}"#,
        "",
    ),
    (
        "arrivals",
        r#""rare":{"client":{"operation":"x","target":"db","arrivals":{"poisson":{"rate_per_s":0.001}}}},
            "db":{"database":{"connections":50,"queries":{"*":{"exponential":{"mean_ms":1.5}}}}}"#,
        "",
    ),
];

/// The run of one of them, with faults that come and go fast.
fn long_timers(components: &str, client: &str) -> Engine {
    let mut faults = r#"{"what":{"crash":{"component":"db","instance":1}},"random":{"mean_up_s":0.01,"mean_down_s":0.001}}"#.to_owned();
    if components.contains("rare") {
        faults += r#",{"what":{"traffic_spike":{"client":"rare","factor":2}},"random":{"mean_up_s":0.001,"mean_down_s":0.001}}"#;
    }
    if components.contains("member") {
        faults += r#",{"what":{"crash":{"component":"member","instance":1}},"random":{"mean_up_s":0.01,"mean_down_s":0.001}}"#;
    }
    let text = format!(
        r#"{{"version":1,"horizon_s":100000,"components":{{"users":{{"client":{{"operation":"x","target":"db",
            "arrivals":{{"poisson":{{"rate_per_s":400}}}}{client}}}}},{components}}},"faults":[{faults}]}}"#
    );
    let scenario =
        Scenario::from_json(&text).unwrap_or_else(|problems| panic!("{problems:?} in {text}"));
    Engine::new(
        Arc::new(Model::new(&scenario, &Files::new()).expect("valid")),
        NoProbe,
    )
}

#[test]
fn timers_that_are_void_do_not_pile_up() {
    for (name, components, client) in LONG_TIMERS {
        let mut engine = long_timers(components, client).with_budget(200_000);
        engine.run_until(Time::from_secs(3600.0));
        engine = engine.with_budget(800_000);
        let found = measure(|| {
            engine.run_until(Time::from_secs(3600.0));
        });
        assert_eq!(engine.events(), 800_000, "{name}");
        let grown = found.bytes_current;
        assert!(grown < 500_000, "{name}: {grown} bytes");
    }
}

#[test]
fn what_piles_up_all_the_same_stops_the_run() {
    // Every write is told to the cache after an hour.
    let text = r#"{"version":1,"horizon_s":100000,"components":{
        "users":{"client":{"operation":"x","target":"cache","arrivals":{"constant":{"rate_per_s":1000000}}}},
        "cache":{"cache":{"mode":"read_through","capacity_entries":1,"target":"db","writes":["x"],"invalidation":{"delay_ms":3600000}}},
        "db":{"database":{"connections":1,"writes":["x"],"queries":{"x":{"constant":{"mean_ms":0}}}}}}}"#;
    let scenario = Scenario::from_json(text).expect("valid");
    let model = Model::new(&scenario, &Files::new()).expect("valid");
    let mut engine = Engine::new(Arc::new(model), NoProbe);
    let stop = engine.run_until(Time::from_secs(3600.0));
    assert!(matches!(stop, Stop::Planned { .. }), "{stop:?}");
    assert!(stop.to_string().contains("events planned"), "{stop}");
    assert!(engine.now() < Time::from_secs(10.0));
}
