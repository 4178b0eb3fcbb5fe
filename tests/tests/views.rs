//! Event stores, views and keys with versions: against counts, queueing theory, naive lists, and themselves after crashes.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeMap;

use proptest::prelude::*;
use scale_sim::{
    Arrivals, Component, Duration, Engine, Event, Files, Log, Loss, Measure, Metric, Model,
    NoProbe, Parts, Probe, Recorder, RequestRef, Scenario, Stop, StoreEvent, Time, ViewEvent,
};
use scale_tests::{engine, four_errors, replications, scenario};

fn at(seconds: f64) -> Time {
    Time::from_secs(seconds)
}

/// The number of a component.
fn number<P: Probe>(engine: &Engine<P>, name: &str) -> usize {
    engine.model().component_named(name).expect("it is there")
}

/// All that happens at event stores and views, and the key of each request.
#[derive(Clone, Debug, Default)]
struct Told {
    keys: BTreeMap<u64, u64>,
    stores: Vec<(Time, u64, StoreEvent)>,
    views: Vec<(Time, ViewEvent)>,
    lost: Vec<(Time, Loss)>,
    hits: Vec<(Time, u32, Option<Duration>)>,
    latencies: Vec<Duration>,
}

impl Probe for Told {
    fn event(&mut self, _: &Model, now: Time, request: RequestRef, event: &Event) {
        match *event {
            Event::Sent { key, .. } => {
                self.keys.insert(request.id, key);
            }
            Event::Store(event) => self.stores.push((now, request.id, event)),
            Event::View(event) => self.views.push((now, event)),
            Event::Lost { reason, .. } => self.lost.push((now, reason)),
            Event::CacheHit { station, stale, .. } => self.hits.push((now, station, stale)),
            Event::Completed { latency, .. } => self.latencies.push(latency),
            _ => {}
        }
    }
}

fn run(scenario: &Scenario) -> Engine<Told> {
    let mut engine = engine(scenario, Told::default());
    let horizon = engine.model().horizon();
    assert_eq!(engine.run_until(horizon), Stop::Reached);
    engine
}

/// Stops all clients, and goes on for some seconds.
fn rest<P: Probe>(engine: &mut Engine<P>, scenario: &Scenario, seconds: f64) -> Stop {
    let mut quiet = scenario.clone();
    for component in quiet.components.values_mut() {
        if let Component::Client(client) = component {
            client.arrivals = Arrivals::Poisson { rate_per_s: 0.0 };
        }
    }
    engine
        .reconfigure(&quiet, &Files::new())
        .expect("only arrivals differ");
    engine.run_until(engine.now() + Duration::from_secs(seconds))
}

/// One user who loads a stream of so many events, again and again.
fn loading(events: u64, more: &str) -> Scenario {
    let components = format!(
        r#""user":{{"client":{{"operation":"load","target":"store","arrivals":{{"constant":{{"rate_per_s":1}}}}}}}},
           "store":{{"event_store":{{"connections":1,"streams":1,"events":{events},"value":0,"operations":{{"load":"load"}}{more}}}}}"#
    );
    scenario(1, 3.5, 0.0, &components)
}

#[test]
fn a_replay_costs_as_many_events_as_there_are_and_with_snapshots_only_the_last() {
    for (events, replayed) in [(0, 0), (1, 1), (150, 150), (10_000, 10_000)] {
        let told = run(&loading(events, "")).into_probe();
        // 0.2 ms, and 11 µs an event.
        let expected = Duration::from_nanos(200_000 + replayed * 11_000);
        assert_eq!(told.latencies, [expected; 3], "{events} events");
        let kept = run(&loading(events, r#","snapshots":{"every_events":100}"#)).into_probe();
        let (after, snapshot) = (events % 100, if events >= 100 { 50_000 } else { 0 });
        let expected = Duration::from_nanos(200_000 + after * 11_000 + snapshot);
        assert_eq!(kept.latencies, [expected; 3], "{events} events");
    }
}

#[test]
fn from_a_new_schema_on_old_events_cost_their_upcasts_each_time() {
    let told = run(&loading(
        1_000,
        r#","schemas":[{"at_s":1.5,"upcast_us":5},{"at_s":2.5,"upcast_us":20}]"#,
    ))
    .into_probe();
    let upcasts = [0, 5_000, 25_000].map(|us| Duration::from_nanos(11_200_000 + us * 1_000));
    assert_eq!(told.latencies, upcasts);
    let counts: Vec<u64> = { told.stores.iter() }
        .filter_map(|(.., event)| match event {
            StoreEvent::Loaded { upcasts, .. } => Some(*upcasts),
            _ => None,
        })
        .collect();
    assert_eq!(counts, [0, 1_000, 2_000]);
}

/// So many users who append to one stream at 0.5 s, and those who are through in time again half a second later.
fn appending(users: u32, retries: u32, horizon_s: f64) -> Engine<Told> {
    let components = format!(
        r#""users":{{"client":{{"operation":"add","target":"store","arrivals":{{"closed":{{"users":{users},"think_time":{{"constant":{{"mean_ms":500}}}}}}}}}}}},
           "store":{{"event_store":{{"connections":100,"streams":1,"operations":{{"add":{{"append":{{"by":1,"retries":{retries},"think":{{"constant":{{"mean_ms":2}}}}}}}}}}}}}}"#
    );
    run(&scenario(1, horizon_s, 0.0, &components))
}

#[test]
fn of_those_who_append_with_the_same_version_one_wins() {
    let engine = appending(20, 0, 1.4);
    let store = number(&engine, "store");
    // Twice twenty try at once.
    assert_eq!(engine.stream(store, 0), Some((2, 2)));
    let told = engine.into_probe();
    assert_eq!((told.lost.len(), told.latencies.len()), (38, 2));
    assert!(
        told.lost
            .iter()
            .all(|(_, reason)| *reason == Loss::Conflict)
    );
}

#[test]
fn who_loads_anew_and_retries_wins_in_the_end_and_no_event_is_lost() {
    let engine = appending(20, 1_000, 0.9);
    let store = number(&engine, "store");
    let told = engine.probe();
    let conflicts = { told.stores.iter() }
        .filter(|(.., event)| matches!(event, StoreEvent::Conflicted { .. }))
        .count();
    // The k-th to win has lost to the k - 1 before.
    assert_eq!(told.latencies.len(), 20);
    assert_eq!(conflicts, (0..20).sum::<usize>());
    assert_eq!(engine.stream(store, 0), Some((20, 20)));
}

#[test]
fn a_command_that_would_leave_too_little_is_answered_without_an_event() {
    let components = r#""user":{"client":{"operation":"take","target":"store","arrivals":{"constant":{"rate_per_s":10}}}},
        "store":{"event_store":{"connections":1,"streams":1,"events":5,"value":100,"operations":{"take":{"append":{"by":-30,"least":0}}}}}"#;
    let engine = run(&scenario(1, 2.0, 0.0, components));
    assert_eq!(engine.stream(number(&engine, "store"), 0), Some((8, 10)));
    assert!(engine.probe().lost.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_past_is_read_as_a_list_of_all_appends_has_it(seed in 0..1_000_u64, streams in 1..8_u64, ago in 0..3_000_u64, events in 0..5_u64) {
        let components = format!(
            r#""users":{{"client":{{"mix":{{"add":3,"past":2}},"target":"store","keys":{{"uniform":{{"count":12}}}},"arrivals":{{"poisson":{{"rate_per_s":60}}}}}}}},
               "store":{{"event_store":{{"connections":50,"streams":{streams},"events":{events},
                   "operations":{{"add":{{"append":{{"by":7,"expected":"any"}}}},"past":{{"as_of":{{"ago":{{"constant":{{"mean_ms":{ago}}}}}}}}}}}}}}}"#
        );
        let engine = run(&scenario(seed, 6.0, 0.0, &components));
        let told = engine.probe();
        let version_at = |stream: u64, moment: Time, told: &Told| {
            let own = told.stores.iter().rev().find_map(|(time, _, event)| match *event {
                StoreEvent::Appended { stream: at, version, .. } if u64::from(at) == stream && *time <= moment => Some(version),
                _ => None,
            });
            own.unwrap_or(events)
        };
        let mut reads = 0;
        for (time, request, event) in &told.stores {
            if let StoreEvent::Loaded { events, .. } = event {
                let stream = told.keys[request] % streams;
                // What is appended at the very moment may come after the read.
                let moment = *time - Duration::from_nanos(ago * 1_000_000);
                if ago > 0 {
                    prop_assert_eq!(*events, version_at(stream, moment, told));
                    reads += 1;
                }
            }
        }
        prop_assert!(ago == 0 || reads > 50);
        let store = number(&engine, "store");
        for step in 0..60 {
            let moment = at(f64::from(step) * 0.1);
            for stream in 0..streams {
                let expected = version_at(stream, moment, told);
                let value = (expected - events).cast_signed() * 7;
                prop_assert_eq!(engine.stream_as_of(store, stream, moment), Some((expected, value)));
            }
        }
    }
}

/// A store with as many appends a second, and a view that follows it with this pace.
fn following(rate: f64, horizon_s: f64, view: &str) -> Scenario {
    let components = format!(
        r#""users":{{"client":{{"operation":"add","target":"store","keys":{{"uniform":{{"count":100}}}},"arrivals":{{"poisson":{{"rate_per_s":{rate}}}}}}}}},
           "store":{{"event_store":{{"connections":1000,"streams":100,"operations":{{"add":{{"append":{{"by":1,"expected":"any"}}}}}}}}}},
           "list":{{"view":{{"source":"store","connections":10,"queries":{{"*":{{"constant":{{"mean_ms":1}}}}}},{view}}}}}"#
    );
    scenario(1, horizon_s, horizon_s / 20.0, &components)
}

fn lags(scenario: &Scenario) -> Vec<f64> {
    let lag = Measure {
        metric: Metric::LagMs,
        of: Some("list".to_owned()),
    };
    let outcomes = replications(scenario, 0..12);
    outcomes
        .iter()
        .map(|o| o.value(&lag).expect("changes were seen"))
        .collect()
}

#[test]
fn the_lag_of_a_view_is_the_time_in_the_system_of_a_queue() {
    // Utilisation 0.7, service 5 ms.
    let exponential = following(140.0, 600.0, r#""apply":{"exponential":{"mean_ms":5}}"#);
    four_errors("M/M/1", &lags(&exponential), 5.0 / 0.3, 0.05);
    let constant = following(140.0, 600.0, r#""apply":{"constant":{"mean_ms":5}}"#);
    four_errors("M/D/1", &lags(&constant), 5.0 + 0.7 * 5.0 / 0.6, 0.05);
    // A delivery that takes 50 ms comes on top.
    let late = following(
        140.0,
        600.0,
        r#""delay_ms":50,"apply":{"constant":{"mean_ms":5}}"#,
    );
    four_errors("late", &lags(&late), 55.0 + 0.7 * 5.0 / 0.6, 0.05);
}

#[test]
fn batches_let_a_view_keep_up_whose_commits_alone_would_take_too_long() {
    let behind = |batch: u32| {
        let view = format!(
            r#""apply":{{"constant":{{"mean_ms":0.5}}}},"commit":{{"constant":{{"mean_ms":10}}}},"batch":{batch}"#
        );
        let engine = run(&following(200.0, 30.0, &view));
        engine.view_lag(number(&engine, "list")).expect("a view").0
    };
    // One by one it takes 10.5 ms a change, and they come each 5 ms.
    let alone = behind(1);
    assert!((2_700..3_500).contains(&alone), "{alone}");
    assert!(behind(100) < 20);
}

/// A view of a history of 2,000 events in 100 streams, read 20 times a second and built anew at 1 s, a millisecond an event.
fn rebuilt(how: &str) -> Engine<Told> {
    let components = format!(
        r#""readers":{{"client":{{"operation":"look","target":"list","keys":{{"uniform":{{"count":100}}}},"arrivals":{{"constant":{{"rate_per_s":20}}}}}}}},
           "store":{{"event_store":{{"connections":10,"streams":100,"events":20,"value":500,"operations":{{"*":"load"}}}}}},
           "list":{{"view":{{"source":"store","connections":10,"queries":{{"*":{{"constant":{{"mean_ms":1}}}}}},"apply":{{"constant":{{"mean_ms":1}}}},
               "rebuilds":[{{"at_s":1,"how":"{how}"}}]}}}}"#
    );
    run(&scenario(1, 6.0, 0.0, &components))
}

#[test]
fn what_a_log_does_not_keep_one_by_one_is_forgotten_as_a_moment_and_not_as_a_sum() {
    use std::fmt::Write;

    // A hundred logs share what is kept: 5,000 changes each.
    let mut components = r#""users":{"client":{"mix":{"add":9,"past":1},"target":"store","keys":{"uniform":{"count":10}},"arrivals":{"constant":{"rate_per_s":2000}}}},
        "store":{"event_store":{"connections":100,"streams":10,"operations":{"add":{"append":{"by":1,"expected":"any"}},"past":{"as_of":{"ago":{"constant":{"mean_ms":5000}}}}}}},
        "list":{"view":{"source":"store","connections":1,"queries":{"*":{"constant":{"mean_ms":1}}},"apply":{"constant":{"mean_ms":0.1}},"batch":50,"rebuilds":[{"at_s":8,"how":"beside"}]}}"#
        .to_owned();
    for n in 1..100 {
        write!(components, r#","other-{n}":{{"event_store":{{"connections":1,"streams":1,"operations":{{"*":"load"}}}}}}"#)
            .expect("a string takes all");
    }
    let scenario = scenario(1, 10.0, 0.0, &components);
    let mut engine = run(&scenario);
    let told = engine.probe();
    // 5,000 changes are 2.8 s; from then on five seconds ago, or the start of the run, is before the first that is kept.
    let first = told.lost.first().expect("some moments are forgotten").0;
    assert!((at(2.7)..at(2.9)).contains(&first), "{first}");
    assert!(
        told.lost
            .iter()
            .all(|(_, reason)| *reason == Loss::Forgotten)
    );
    let reads = told
        .stores
        .iter()
        .filter(|(time, _, event)| *time > at(2.9) && matches!(event, StoreEvent::Loaded { .. }));
    assert_eq!(reads.count(), 0);
    assert_eq!(rest(&mut engine, &scenario, 5.0), Stop::Reached);
    let ends = { engine.probe().views.iter() }
        .filter(|(_, event)| matches!(event, ViewEvent::Rebuilt { .. }))
        .count();
    assert_eq!(ends, 1);
    let (store, list) = (number(&engine, "store"), number(&engine, "list"));
    for key in 0..10 {
        assert_eq!(engine.view_row(list, key), engine.stream(store, key));
    }
}

/// When the reads were that saw an old row.
fn stale_reads(told: &Told) -> Vec<Time> {
    let reads = told.views.iter();
    reads
        .filter(|(_, event)| matches!(event, ViewEvent::Read { stale: Some(_), .. }))
        .map(|(time, _)| *time)
        .collect()
}

#[test]
fn a_rebuild_takes_as_long_as_applying_all_events() {
    for how in ["in_place", "offline", "beside"] {
        let engine = rebuilt(how);
        let list = number(&engine, "list");
        let told = engine.probe();
        let ends: Vec<_> = { told.views.iter() }
            .filter(|(_, event)| matches!(event, ViewEvent::Rebuilt { .. }))
            .collect();
        let [(time, ViewEvent::Rebuilt { took, .. })] = ends[..] else {
            panic!("{how}: {ends:?}");
        };
        assert_eq!(*took, Duration::from_secs(2.0), "{how}");
        assert_eq!(*time, at(3.0), "{how}");
        for key in 0..100 {
            assert_eq!(engine.view_row(list, key), Some((20, 500)), "{how}");
        }
        let (old, refused) = (stale_reads(told), &told.lost);
        match how {
            // Each row is complete only with the last round of events.
            "in_place" => {
                assert!(old.len() >= 38, "{old:?}");
                assert!(old.iter().all(|time| (at(1.0)..at(3.0)).contains(time)));
                assert!(refused.is_empty());
            }
            "offline" => {
                assert_eq!(old, []);
                assert!((39..=41).contains(&refused.len()), "{refused:?}");
                assert!(
                    refused
                        .iter()
                        .all(|(time, reason)| *reason == Loss::Rebuilding
                            && (at(1.0)..=at(3.0)).contains(time))
                );
            }
            _ => assert_eq!((old, refused.len()), (vec![], 0)),
        }
    }
}

#[test]
fn after_a_crash_a_projector_goes_on_from_its_checkpoint_and_shows_nothing_twice() {
    let view = r#""apply":{"constant":{"mean_ms":10}},"checkpoint_every":40"#;
    let text = scale_sim::write_json(&following(50.0, 10.0, view)).replacen(
        r#""version":"#,
        r#""faults":[{"what":{"crash":{"component":"list"}},"at_s":4,"for_s":1}],"version":"#,
        1,
    );
    let scenario = Scenario::from_json(&text).expect("valid");
    let mut engine = run(&scenario);
    let resumed = { engine.probe().views.iter() }.find_map(|(time, event)| match event {
        ViewEvent::Resumed { again, .. } => Some((*time, *again)),
        _ => None,
    });
    let (time, expected) = resumed.expect("it came back");
    assert_eq!(time, at(5.0));
    let shown = |told: &Told, from: Time, to: Time| {
        let mut sums = (0, 0, 0);
        for (time, event) in &told.views {
            if let ViewEvent::Applied {
                changes,
                again,
                fresh,
                ..
            } = event
                && (from..to).contains(time)
            {
                sums = (sums.0 + changes, sums.1 + again, sums.2 + fresh);
            }
        }
        sums
    };
    let before = shown(engine.probe(), Time::ZERO, at(4.5));
    assert_eq!(u64::from(before.0) % 40, expected, "{before:?}");
    assert!(expected > 0);
    assert_eq!(rest(&mut engine, &scenario, 30.0), Stop::Reached);
    let after = shown(engine.probe(), at(4.5), Time::MAX);
    assert_eq!(u64::from(after.1), expected);
    let appended = { engine.probe().stores.iter() }
        .filter(|(.., event)| matches!(event, StoreEvent::Appended { .. }))
        .count();
    assert_eq!((before.2 + after.2) as usize, appended);
}

#[test]
fn a_fault_that_holds_a_view_up_makes_it_lag_and_nothing_else() {
    let text = scale_sim::write_json(&following(
        50.0,
        10.0,
        r#""apply":{"constant":{"mean_ms":1}}"#,
    ))
    .replacen(
        r#""version":"#,
        r#""faults":[{"what":{"replica_lag":{"component":"list"}},"at_s":4,"for_s":3}],"version":"#,
        1,
    );
    let scenario = Scenario::from_json(&text).expect("valid");
    let mut engine = engine(&scenario, NoProbe);
    engine.run_until(at(6.9));
    let list = number(&engine, "list");
    let (behind, lag) = engine.view_lag(list).expect("a view");
    assert!((100..200).contains(&behind), "{behind}");
    assert!((2_700.0..2_900.0).contains(&lag.millis()), "{lag}");
    engine.run_until(at(8.0));
    assert!(engine.view_lag(list).expect("a view").0 <= 1);
}

/// Reports that take 300 ms to compute, of facts that change; kept by dropping, and with the version in the key.
const KEYS: &str = include_str!("../scenarios/versioned-keys.json");

#[test]
fn with_the_version_in_the_key_nothing_is_read_that_was_known_to_be_old() {
    let scenario = Scenario::from_json(KEYS).expect("samples are valid");
    for seed in 0..4 {
        let scenario = Scenario {
            seed,
            ..scenario.clone()
        };
        let engine = run(&scenario);
        let model = engine.model();
        let hits = |name: &str| {
            let at = model
                .stations()
                .position(|s| s.name == name)
                .expect("there") as u32;
            let hits = engine.probe().hits.iter();
            hits.filter(move |(_, station, _)| *station == at)
        };
        let stale =
            |name: &str| -> Vec<Duration> { hits(name).filter_map(|(.., stale)| *stale).collect() };
        // A reader who computed when the row was written puts an old result over the dropped key.
        let dropped = stale("dropped");
        assert!(dropped.len() > 50, "seed {seed}: {}", dropped.len());
        assert!(dropped.iter().any(|age| *age > Duration::from_secs(5.0)));
        // From the look at the version, to that at the cache: no older.
        let versioned = stale("versioned");
        assert!(
            versioned
                .iter()
                .all(|age| *age < Duration::from_millis(1.0)),
            "seed {seed}: {versioned:?}"
        );
        assert!(hits("versioned").count() > 20_000);
    }
}

#[test]
fn a_version_that_is_known_already_need_not_be_asked_for() {
    let components = r#""readers":{"client":{"operation":"read","target":"web","arrivals":{"constant":{"rate_per_s":1}}}},
        "writers":{"client":{"operation":"write","target":"db","arrivals":{"constant":{"rate_per_s":0.3}}}},
        "web":{"service":{"workers":9,"plans":{"read":[{"call":{"to":"db"}},
            {"cached":{"cache":"redis","version":"answer","miss":[{"work":{"constant":{"mean_ms":100}}}]}}]}}},
        "redis":{"cache":{"capacity_entries":10}},
        "db":{"database":{"connections":9,"tables":{"t":{"rows":1}},"statements":{"read":{"read":{"table":"t"}},"write":{"write":{"table":"t"}}}}}"#;
    let engine = run(&scenario(1, 9.5, 0.0, components));
    // Read each second, written at 3.3 and 6.7 s: the reads at 1, 4 and 7 s compute.
    let computed = { engine.probe().latencies.iter() }.filter(|l| l.millis() > 100.0);
    assert_eq!((computed.count(), engine.probe().hits.len()), (3, 6));
}

#[test]
fn a_version_within_a_flight_or_another_version_is_refused() {
    let refused = |flight: bool, outer: &str| {
        let text = format!(
            r#"{{"version":1,"horizon_s":1,"components":{{"u":{{"client":{{"operation":"x","target":"web","arrivals":{{"constant":{{"rate_per_s":1}}}}}}}},
                "web":{{"service":{{"workers":1,"plans":{{"*":[{{"cached":{{"cache":"a",{outer}"miss":[
                    {{"cached":{{"cache":"b","version":"answer","miss":[{{"work":{{"constant":{{"mean_ms":1}}}}}}]}}}}]}}}}]}}}}}},
                "a":{{"cache":{{"capacity_entries":1,"single_flight":{flight}}}}},"b":{{"cache":{{"capacity_entries":1}}}}}}}}"#
        );
        Scenario::from_json(&text)
            .err()
            .map(|problems| problems[0].to_string())
    };
    assert_eq!(refused(false, ""), None);
    for said in [refused(true, ""), refused(false, r#""version":"answer","#)] {
        let said = said.expect("must be refused");
        assert!(
            said.contains("plans.*[0].cached.miss: a version within"),
            "{said}"
        );
    }
}

#[test]
fn old_versions_leave_as_the_cache_makes_room() {
    let engine = run(&Scenario::from_json(KEYS).expect("samples are valid"));
    let at = { engine.model().stations() }.position(|s| s.name == "versioned");
    let held = engine.cache(at.expect("there")).expect("a cache");
    // More than a result for each of the hundred facts, and never more than it may hold.
    assert!((101..=200).contains(&held.len()), "{}", held.len());
}

#[test]
fn results_come_from_memory_from_a_shared_cache_or_are_computed() {
    let text = include_str!("../scenarios/computed-results.json");
    let engine = run(&Scenario::from_json(text).expect("samples are valid"));
    let latencies = &engine.probe().latencies;
    let count = |ms: f64| {
        latencies
            .iter()
            .filter(|l| **l == Duration::from_millis(ms))
            .count()
    };
    let (memory, shared, computed) = (count(1.0), count(5.0), count(2800.0));
    assert!(memory > 7_000, "{memory}");
    assert!(shared > 1_000, "{shared}");
    assert!(computed > 300, "{computed}");
    // All others waited for what another was computing.
    let others = latencies
        .iter()
        .map(|l| l.millis())
        .filter(|ms| ![1.0, 5.0, 2800.0].contains(ms));
    let others: Vec<f64> = others.collect();
    assert!(others.iter().all(|ms| (5.0..2800.0).contains(ms)));
    assert_eq!(memory + shared + computed + others.len(), latencies.len());
}

#[test]
fn caches_know_how_old_what_they_keep_of_a_store_or_of_a_view_is() {
    let components = r#""users":{"client":{"mix":{"read":9,"add":1},"target":"web","keys":{"uniform":{"count":10}},"arrivals":{"poisson":{"rate_per_s":100}}}},
        "web":{"service":{"workers":50,"plans":{"add":[{"call":{"to":"store"}}],
            "read":[{"cached":{"cache":"direct","miss":[{"call":{"to":"store"}}]}},{"cached":{"cache":"viewed","miss":[{"call":{"to":"list"}}]}}]}}},
        "direct":{"cache":{"capacity_entries":100,"ttl":{"ttl_s":1}}},"viewed":{"cache":{"capacity_entries":100,"ttl":{"ttl_s":1}}},
        "store":{"event_store":{"connections":10,"streams":10,"operations":{"read":"load","add":{"append":{"by":1,"expected":"any"}}}}},
        "list":{"view":{"source":"store","connections":10,"queries":{"*":{"constant":{"mean_ms":1}}},"apply":{"constant":{"mean_ms":1}},"delay_ms":300}}"#;
    let engine = run(&scenario(1, 60.0, 0.0, components));
    let oldest = |name: &str| {
        let at = { engine.model().stations() }
            .position(|s| s.name == name)
            .expect("there") as u32;
        let ages = { engine.probe().hits.iter() }.filter(|(_, station, _)| *station == at);
        ages.filter_map(|(.., stale)| *stale)
            .max()
            .expect("some are old")
            .millis()
    };
    // A second of the cache; and what the view was late when it was asked, a little more than 300 ms.
    let (direct, viewed) = (oldest("direct"), oldest("viewed"));
    assert!((900.0..=1_003.0).contains(&direct), "{direct}");
    assert!((1_200.0..=1_310.0).contains(&viewed), "{viewed}");
}

/// A system of an event store, a database, views of both and a cache with versions, with faults.
fn any_system() -> impl Strategy<Value = Scenario> {
    let pace = (
        1..20_u32,
        0..60_u32,
        1..50_u32,
        0..4_u32,
        prop_oneof![Just("in_place"), Just("offline"), Just("beside")],
        0.0..6.0_f64,
    );
    let pace = pace.prop_map(|(batch, delay, checkpoint, rebuilds, how, first)| {
        let rebuilds: Vec<String> = (0..rebuilds)
            .map(|n| format!(r#"{{"at_s":{},"how":"{how}"}}"#, first + f64::from(n) * 0.3))
            .collect();
        format!(
            r#""batch":{batch},"delay_ms":{delay},"checkpoint_every":{checkpoint},"rebuilds":[{}],"#,
            rebuilds.join(",")
        )
    });
    let fault = (
        prop_oneof![
            Just(r#"{"crash":{"component":"store"}}"#),
            Just(r#"{"crash":{"component":"list"}}"#),
            Just(r#"{"crash":{"component":"copy"}}"#),
            Just(r#"{"crash":{"component":"db"}}"#),
            Just(r#"{"crash":{"component":"web"}}"#),
            Just(r#"{"crash":{"component":"redis"}}"#),
            Just(r#"{"replica_lag":{"component":"copy"}}"#),
            Just(r#"{"disk_full":{"component":"store"}}"#),
            Just(r#"{"slow":{"component":"list","factor":20}}"#),
            Just(r#"{"errors":{"component":"store","share":0.3}}"#),
        ],
        0.0..6.0_f64,
        0.01..2.0_f64,
    );
    let fault = fault.prop_map(|(what, from, lasts)| {
        format!(r#"{{"what":{what},"at_s":{from},"for_s":{lasts}}}"#)
    });
    let store = (
        1..15_u32,
        0..30_u64,
        prop_oneof![Just(""), Just(r#""snapshots":{"every_events":7},"#)],
        prop_oneof![
            Just(""),
            Just(r#""schemas":[{"at_s":2,"upcast_us":50},{"at_s":4,"upcast_us":9}],"#)
        ],
        0..4_u32,
    );
    let faults = prop::collection::vec(fault, 0..5);
    (any::<u32>(), store, [pace.clone(), pace], faults, any::<bool>()).prop_map(
        |(seed, (streams, events, snapshots, schemas, retries), [list, copy], faults, flight)| {
            let text = format!(
                r#"{{"version":1,"seed":{seed},"horizon_s":6,"faults":[{faults}],"components":{{
                "users":{{"client":{{"mix":{{"load":3,"past":1,"add":3,"any":1,"look":3,"look-copy":2,"save":2,"report":3}},"target":"web",
                    "keys":{{"zipf":{{"count":20,"exponent":0.8}}}},"users":10,"arrivals":{{"poisson":{{"rate_per_s":150}}}}}}}},
                "web":{{"service":{{"workers":20,"queue":30,"plans":{{"*":[{{"call":{{"to":"store"}}}}],"look":[{{"call":{{"to":"list"}}}}],
                    "look-copy":[{{"call":{{"to":"copy"}}}}],"save":[{{"call":{{"to":"db"}}}}],
                    "report":[{{"cached":{{"cache":"redis","version":{{"call":{{"to":"list","operation":"look","fallback":[{{"work":{{"constant":{{"mean_ms":1}}}}}}]}}}},
                        "miss":[{{"call":{{"to":"store","operation":"load","resilience":{{"timeout_ms":30}}}}}},{{"work":{{"exponential":{{"mean_ms":10}}}}}}]}}}}]}}}}}},
                "redis":{{"cache":{{"capacity_entries":30,"single_flight":{flight},"lookup":{{"constant":{{"mean_ms":0.5}}}}}}}},
                "store":{{"event_store":{{"connections":6,"queue":20,"streams":{streams},"events":{events},{snapshots}{schemas}"operations":{{
                    "load":"load","past":{{"as_of":{{"ago":{{"uniform":{{"min_ms":0,"max_ms":3000}}}}}}}},
                    "add":{{"append":{{"by":-1,"least":-40,"retries":{retries},"think":{{"exponential":{{"mean_ms":1}}}}}}}},"any":{{"append":{{"by":3,"expected":"any"}}}}}}}}}},
                "db":{{"database":{{"connections":5,"tables":{{"other":{{"rows":3}},"items":{{"rows":9,"value":5}}}},"statements":{{"save":{{"change":{{"table":"items","by":1,"care":"atomic_update"}}}}}}}}}},
                "list":{{"view":{{"source":"store",{list}"connections":5,"queries":{{"look":{{"exponential":{{"mean_ms":2}}}}}},"apply":{{"exponential":{{"mean_ms":3}}}}}}}},
                "copy":{{"view":{{"source":"db","table":"items",{copy}"connections":5,"queries":{{"*":{{"exponential":{{"mean_ms":2}}}}}},"apply":{{"exponential":{{"mean_ms":3}}}},"commit":{{"constant":{{"mean_ms":2}}}}}}}}}}}}"#,
                faults = faults.join(",")
            );
            Scenario::from_json(&text).unwrap_or_else(|problems| panic!("{problems:?} in {text}"))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn once_the_load_is_over_every_view_is_what_its_source_is(scenario in any_system()) {
        let mut engine = engine(&scenario, NoProbe);
        prop_assert_eq!(engine.run_until(at(6.0)), Stop::Reached);
        prop_assert_eq!(rest(&mut engine, &scenario, 60.0), Stop::Reached);
        let [store, db, list, copy] = ["store", "db", "list", "copy"].map(|name| number(&engine, name));
        for key in 0..20 {
            prop_assert_eq!(engine.view_row(list, key), engine.stream(store, key));
            let version = engine.row_version(db, "save", key);
            let (seen, value) = engine.view_row(copy, key).expect("a view");
            prop_assert_eq!(seen, version);
            if version > 0 {
                prop_assert_eq!(Some(value), engine.row_value(db, "save", key));
            }
        }
        for view in [list, copy] {
            prop_assert_eq!(engine.view_lag(view), Some((0, Duration::ZERO)));
        }
        // And nothing is left of any request.
        let totals = engine.totals();
        prop_assert_eq!(totals.sent, totals.completed + totals.lost);
        prop_assert_eq!(engine.parts(), Parts::default());
    }

    #[test]
    fn a_snapshot_goes_on_as_the_run_itself(scenario in any_system(), part in 0.0..6.0_f64) {
        let mut whole = engine(&scenario, Log::default());
        whole.run_until(at(6.0));
        let mut first = engine(&scenario, Log::default());
        first.run_until(at(part));
        let mut restored = first.clone();
        prop_assert_eq!(first.state_hash(), restored.state_hash());
        first.run_until(at(6.0));
        restored.run_until(at(6.0));
        prop_assert_eq!(first.state_hash(), whole.state_hash());
        prop_assert_eq!(restored.state_hash(), whole.state_hash());
        prop_assert!(restored.probe_mut().take() == whole.probe_mut().take());
    }

    #[test]
    fn every_requests_spans_add_up_and_views_never_show_less_than_before(scenario in any_system()) {
        let model = Model::new(&scenario, &Files::new()).expect("valid");
        let recorder = Recorder::new(&model).keeping_stories(usize::MAX);
        let mut engine = engine(&scenario, recorder);
        let list = number(&engine, "list");
        let rebuilt = scale_sim::write_json(&scenario).contains("in_place") || scale_sim::write_json(&scenario).contains("offline");
        let mut last = [0; 20];
        for step in 1..=60 {
            engine.run_until(at(f64::from(step) * 0.1));
            for (key, last) in last.iter_mut().enumerate() {
                let version = engine.view_row(list, key as u64).expect("a view").0;
                prop_assert!(version >= *last || rebuilt);
                *last = version;
            }
        }
        let stories = engine.probe().stories();
        prop_assert_eq!(stories.slowest().len() as u64, engine.totals().completed);
        for story in stories.slowest().iter().chain(stories.lost()) {
            let sum: u64 = story.spans.iter().map(|span| span.length().nanos()).sum();
            prop_assert_eq!(sum, story.latency.nanos(), "{:?}", story);
        }
    }
}
