//! Properties that every run of every system has, over random systems.
#![cfg(not(target_arch = "wasm32"))]

use proptest::prelude::*;
use scale_sim::{
    Engine, Event, Files, Log, Model, NoProbe, Probe, Recorder, RequestRef, Scenario, Time,
};
use scale_tests::{engine, log, scenario};

/// A piece of work, as JSON.
fn work() -> impl Strategy<Value = String> {
    prop_oneof![
        (0.0..40.0).prop_map(|mean| format!(r#"{{"constant":{{"mean_ms":{mean}}}}}"#)),
        (0.1..40.0).prop_map(|mean| format!(r#"{{"exponential":{{"mean_ms":{mean}}}}}"#)),
        (0.1..40.0, 0.0..3.0)
            .prop_map(|(mean, cv)| format!(r#"{{"log_normal":{{"mean_ms":{mean},"cv":{cv}}}}}"#)),
        (0.1..40.0, 1..6_u32)
            .prop_map(|(mean, k)| format!(r#"{{"erlang":{{"mean_ms":{mean},"stages":{k}}}}}"#)),
        (0.0..10.0)
            .prop_map(|min| format!(r#"{{"uniform":{{"min_ms":{min},"max_ms":{}}}}}"#, min * 2.0)),
    ]
}

fn arrivals() -> impl Strategy<Value = String> {
    prop_oneof![
        (0.0..300.0).prop_map(|rate| format!(r#"{{"poisson":{{"rate_per_s":{rate}}}}}"#)),
        (0.0..300.0).prop_map(|rate| format!(r#"{{"constant":{{"rate_per_s":{rate}}}}}"#)),
        (0.0..300.0, 0.0..300.0).prop_map(|(from, to)| {
            format!(r#"{{"ramp":{{"from_per_s":{from},"to_per_s":{to},"over_s":2}}}}"#)
        }),
        (1..30_u32, 1.0..50.0).prop_map(|(users, think)| {
            format!(r#"{{"closed":{{"users":{users},"think_time":{{"exponential":{{"mean_ms":{think}}}}}}}}}"#)
        }),
    ]
}

/// A client, a balancer, a service that calls a database or two, at any load.
fn any_scenario() -> impl Strategy<Value = Scenario> {
    let policy = prop_oneof![Just("round_robin"), Just("least_connections")];
    let shop = (1..5_u32, 1..5_u32, 0..20_u32);
    (arrivals(), policy, shop, work(), work(), (1..4_u32, 0..20_u32), any::<u32>()).prop_map(
        |(arrivals, policy, (instances, workers, queue), first, query, (connections, db_queue), seed)| {
            let components = format!(
                r#""users": {{ "client": {{ "operation": "x", "target": "lb", "arrivals": {arrivals} }} }},
                   "lb": {{ "balancer": {{ "policy": "{policy}", "targets": ["shop"] }} }},
                   "shop": {{ "service": {{ "instances": {instances}, "workers": {workers}, "queue": {queue}, "plans": {{ "*": [
                       {{ "work": {first} }}, {{ "call": {{ "to": "db" }} }}, {{ "work": {{ "constant": {{ "mean_ms": 1 }} }} }}, {{ "call": {{ "to": "db" }} }} ] }} }} }},
                   "db": {{ "database": {{ "connections": {connections}, "queue": {db_queue}, "queries": {{ "*": {query} }} }} }}"#
            );
            scenario(u64::from(seed), 4.0, 0.5, &components)
        },
    )
}

/// The draws that a run makes of its arrivals, as far as they can be seen: when requests were sent.
#[derive(Clone, Debug, Default)]
struct Sent(Vec<Time>);

impl Probe for Sent {
    fn event(&mut self, _: &Model, now: Time, _: RequestRef, event: &Event) {
        if matches!(event, Event::Sent { .. }) {
            self.0.push(now);
        }
    }
}

/// Checks that no station ever holds more than it may.
#[derive(Clone, Debug, Default)]
struct Bounds;

impl Probe for Bounds {
    fn event(&mut self, model: &Model, _: Time, _: RequestRef, event: &Event) {
        let station = |at: u32| {
            model
                .stations()
                .nth(at as usize)
                .expect("events name stations of the model")
        };
        match *event {
            Event::Queued {
                station: at,
                waiting,
            } => assert!(waiting <= station(at).queue),
            Event::Started {
                station: at, busy, ..
            } => assert!(busy <= station(at).servers),
            _ => {}
        }
    }
}

/// The moments of a run at which it is looked at.
fn moments(horizon: Time) -> impl Iterator<Item = Time> {
    (1..=8).map(move |i| Time::from_nanos(horizon.nanos() / 8 * i))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_request_is_ever_unaccounted_for(scenario in any_scenario()) {
        let mut engine = engine(&scenario, Bounds);
        let horizon = engine.model().horizon();
        for moment in moments(horizon) {
            engine.run_until(moment);
            let totals = engine.totals();
            prop_assert_eq!(totals.sent, totals.completed + totals.lost + totals.under_way);
        }
    }

    #[test]
    fn spans_add_up_to_the_latency(scenario in any_scenario()) {
        let model = Model::new(&scenario, &Files::new()).expect("valid");
        let recorder = Recorder::new(&model);
        let mut engine = Engine::new(model.into(), recorder);
        let horizon = engine.model().horizon();
        engine.run_until(horizon);
        let stories = engine.probe().stories();
        for story in stories.slowest().iter().chain(stories.lost()) {
            let sum: u64 = story.spans.iter().map(|span| span.length().nanos()).sum();
            prop_assert_eq!(sum, story.latency.nanos(), "{:?}", story);
            let gapless = story.spans.windows(2).all(|pair| pair[0].to == pair[1].from);
            prop_assert!(gapless && story.spans.first().is_none_or(|span| span.from == story.sent));
        }
        let figures = engine.probe().summary();
        prop_assert!(figures.good <= figures.completed);
    }

    #[test]
    fn a_snapshot_goes_on_as_the_run_itself(scenario in any_scenario(), part in 0.0..1.0_f64) {
        let (whole, hash) = log(&scenario);
        let mut engine = engine(&scenario, Log::default());
        let horizon = engine.model().horizon();
        engine.run_until(Time::from_secs(horizon.secs() * part));
        let snapshot = engine.clone();
        engine.run_until(horizon);
        prop_assert_eq!(engine.state_hash(), hash);
        let mut restored = snapshot;
        restored.run_until(horizon);
        prop_assert_eq!(restored.state_hash(), hash);
        prop_assert_eq!(restored.probe_mut().take(), whole);
    }

    #[test]
    fn stepping_is_running(scenario in any_scenario()) {
        let (whole, _) = log(&scenario);
        let mut engine = engine(&scenario, Log::default());
        let horizon = engine.model().horizon();
        while engine.next_time().is_some_and(|time| time <= horizon) {
            engine.step();
        }
        prop_assert_eq!(engine.probe_mut().take(), whole);
    }

    #[test]
    fn watching_changes_nothing(scenario in any_scenario()) {
        let horizon = Time::from_secs(scenario.horizon_s);
        let model = std::sync::Arc::new(Model::new(&scenario, &Files::new()).expect("valid"));
        let mut unwatched = Engine::new(model.clone(), NoProbe);
        unwatched.run_until(horizon);
        let recorder = Recorder::new(&model);
        let mut watched = Engine::new(model, (recorder, Log::default()));
        watched.run_until(horizon);
        prop_assert_eq!(unwatched.state_hash(), watched.state_hash());
    }

    #[test]
    fn changing_one_component_changes_no_others_draws(scenario in any_scenario(), instances in 1..5_u32) {
        let mut other = scenario.clone();
        if let Some(scale_sim::Component::Service(shop)) = other.components.get_mut("shop") {
            shop.instances = instances;
            shop.queue += 1;
        }
        let closed = matches!(&scenario.components["users"], scale_sim::Component::Client(c) if matches!(c.arrivals, scale_sim::Arrivals::Closed { .. }));
        // A closed loop's arrivals depend on the answers, as they should.
        prop_assume!(!closed);
        let sent = |scenario: &Scenario| {
            let mut engine = engine(scenario, Sent::default());
            engine.run_until(Time::from_secs(scenario.horizon_s));
            engine.into_probe().0
        };
        prop_assert_eq!(sent(&scenario), sent(&other));
    }

    #[test]
    fn a_change_under_way_loses_no_request(scenario in any_scenario(), instances in 1..6_u32, workers in 1..6_u32) {
        let mut engine = engine(&scenario, NoProbe);
        let horizon = engine.model().horizon();
        engine.run_until(Time::from_secs(1.0));
        let mut changed = scenario.clone();
        if let Some(scale_sim::Component::Service(shop)) = changed.components.get_mut("shop") {
            (shop.instances, shop.workers) = (instances, workers);
        }
        engine.reconfigure(&changed, &Files::new()).expect("only numbers differ");
        for moment in moments(horizon).filter(|moment| moment.secs() > 1.0) {
            engine.run_until(moment);
            let totals = engine.totals();
            prop_assert_eq!(totals.sent, totals.completed + totals.lost + totals.under_way);
        }
        engine.reconfigure(&scenario, &Files::new()).expect("only numbers differ");
    }
}

#[test]
fn demands_belong_to_requests_not_to_instances() {
    // With work of its own and no waiting, request number k takes as long on three copies as on one.
    let with = |instances: u32| {
        let components = format!(
            r#""users": {{ "client": {{ "operation": "x", "target": "lb", "arrivals": {{ "poisson": {{ "rate_per_s": 40 }} }} }} }},
               "lb": {{ "balancer": {{ "policy": "round_robin", "targets": ["shop"] }} }},
               "shop": {{ "service": {{ "instances": {instances}, "workers": 1000, "plans": {{ "*": [ {{ "work": {{ "exponential": {{ "mean_ms": 20 }} }} }} ] }} }} }}"#
        );
        let (log, _) = log(&scenario(5, 20.0, 0.0, &components));
        let mut answers: Vec<String> = log
            .lines()
            .filter(|l| l.contains(",completed,"))
            .map(str::to_owned)
            .collect();
        answers.sort();
        answers
    };
    assert!(with(1).len() > 600);
    assert_eq!(with(1), with(3));
}

#[test]
fn a_run_stops_at_its_budget_of_events() {
    let components = r#""users": { "client": { "operation": "x", "target": "shop", "arrivals": { "constant": { "rate_per_s": 1000 } } } },
        "shop": { "service": { "workers": 1, "plans": { "*": [ { "work": { "constant": { "mean_ms": 1 } } } ] } } }"#;
    let mut engine = engine(&scenario(0, 100.0, 0.0, components), NoProbe).with_budget(500);
    let stop = engine.run_until(Time::from_secs(100.0));
    assert_eq!(stop, scale_sim::Stop::EventBudget { events: 500 });
    assert_eq!(engine.events(), 500);
    assert!(stop.to_string().contains("500 events"));
}
