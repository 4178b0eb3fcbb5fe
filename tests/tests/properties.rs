//! Properties that every run of every system has, over random systems.
#![cfg(not(target_arch = "wasm32"))]

mod bounds;
mod rest;
mod systems;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use allocation_counter::measure;
use bounds::Bounds;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rest::{check_totals, drain};
use scale_sim::{
    Auditor, Component, Discipline, Engine, Event, Files, Instruction, Log, Loss, Model, NoProbe,
    Policy, Probe, Recorder, RequestRef, Resilience, RowEvent, Scenario, Stop, Time,
};
use scale_tests::{engine, log, scenario};
use systems::{any_file, any_scenario, plain_scenario, read};

/// How many cases: as many as `PROPTEST_CASES` says, or `usual`.
fn cases(usual: u32) -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(usual),
    }
}

/// Events of one run: some systems answer one request with hundreds of calls.
const BUDGET: u64 = 60_000;

/// A run at its start.
fn start<P: Probe>(scenario: &Scenario, probe: P) -> Engine<P> {
    engine(scenario, probe).with_budget(BUDGET)
}

/// Goes to the end of the run, or as far as the budget reaches.
fn finish<P: Probe>(engine: &mut Engine<P>) -> Stop {
    engine.run_until(engine.model().horizon())
}

/// The moments of a run at which it is looked at.
fn moments(horizon: Time) -> impl Iterator<Item = Time> {
    (1..=8).map(move |i| Time::from_nanos(horizon.nanos() / 8 * i))
}

/// What an auditor may have to remember: places of requests under way, writes, and keys.
#[derive(Clone, Debug, Default)]
struct Known {
    places: u32,
    writes: u64,
    keys: BTreeSet<u64>,
}

impl Known {
    /// How many bytes that is at most, with the 20 violations that it keeps.
    fn most(&self, scenario: &Scenario) -> u64 {
        let invariants = scenario.invariants.len() as u64;
        // Of each request so many effects and components, and a sum for each invariant.
        let place = 200 + 64 * (24 + 2) + 8 * invariants;
        let key = 64 * invariants;
        8_192 + u64::from(self.places) * place + self.writes * 100 + self.keys.len() as u64 * key
    }
}

impl Probe for Known {
    fn event(&mut self, _: &Model, _: Time, request: RequestRef, event: &Event) {
        // Those that the system makes for itself have places, too; what is about none has the last.
        self.places = self.places.max(request.slot.wrapping_add(1));
        match *event {
            Event::Row(RowEvent::Changed { .. } | RowEvent::Wrote { .. }) => self.writes += 1,
            Event::Sent { key, .. } => {
                self.keys.insert(key);
            }
            _ => {}
        }
    }
}

/// The same system with other numbers everywhere.
fn changed(scenario: &Scenario, more: u32) -> Scenario {
    let mut changed = scenario.clone();
    for (name, component) in &mut changed.components {
        match component {
            Component::Client(client) => match &mut client.arrivals {
                scale_sim::Arrivals::Closed { users, .. } => *users = more,
                arrivals => *arrivals = scale_sim::Arrivals::Poisson { rate_per_s: 20.0 },
            },
            Component::Service(service) => {
                service.workers = more;
                service.queue /= 2;
                if name != "side" {
                    service.instances = more;
                }
                for most in service.bulkheads.values_mut() {
                    *most = more;
                }
                for call in service.plans.values_mut().flatten().flat_map(calls_of) {
                    if let Some(retry) = &mut call.resilience.retry {
                        retry.attempts = 2;
                    }
                    // Not the last of its guards: that would be another kind of call.
                    if call.resilience.retry.is_some() {
                        call.resilience.breaker = None;
                    }
                }
            }
            Component::Database(database) => database.connections = more,
            Component::Balancer(_)
            | Component::Cache(_)
            | Component::Gateway(_)
            | Component::Shards(_)
            | Component::Queue(_)
            | Component::Topic(_)
            | Component::EventStore(_)
            | Component::View(_) => {}
        }
    }
    for link in &mut changed.links {
        link.loss = None;
    }
    changed
}

fn calls_of(instruction: &mut Instruction) -> &mut [scale_sim::Call] {
    match instruction {
        Instruction::Call(call) => core::slice::from_mut(call),
        Instruction::Parallel(parallel) => &mut parallel.calls,
        _ => &mut [],
    }
}

/// How long each request was held by the databases' servers, visit by visit: its demands.
#[derive(Clone, Debug, Default)]
struct Demands {
    began: BTreeMap<u32, Time>,
    /// By request and component, sorted at the end.
    seen: BTreeMap<(u64, usize), Vec<u64>>,
    sent: Vec<(u64, Time)>,
}

impl Probe for Demands {
    fn event(&mut self, model: &Model, now: Time, request: RequestRef, event: &Event) {
        let database = |at: u32| {
            let component = model.stations().nth(at as usize).expect("known").component;
            let (name, _) = model.components().nth(component).expect("known");
            name.starts_with("db-").then_some(component)
        };
        match *event {
            Event::Sent { .. } => self.sent.push((request.id, now)),
            Event::Started { station, .. } if database(station).is_some() => {
                self.began.insert(request.frame, now);
            }
            Event::Left { station, .. } => {
                if let Some(component) = database(station)
                    && let Some(began) = self.began.remove(&request.frame)
                {
                    let demand = now.since(began).nanos();
                    let seen = self.seen.entry((request.id, component)).or_default();
                    seen.insert(seen.partition_point(|other| *other < demand), demand);
                }
            }
            _ => {}
        }
    }
}

/// A system in which every call is answered in the end, and all is asked for at given moments.
fn patient(scenario: &Scenario) -> Scenario {
    let mut scenario = scenario.clone();
    scenario.faults.clear();
    for link in &mut scenario.links {
        link.loss = None;
    }
    for component in scenario.components.values_mut() {
        match component {
            Component::Client(client) => {
                client.resilience = Resilience::default();
                if let scale_sim::Arrivals::Closed { .. } = client.arrivals {
                    client.arrivals = scale_sim::Arrivals::Poisson { rate_per_s: 30.0 };
                }
            }
            Component::Service(service) => {
                service.queue = 1_000_000;
                for call in service.plans.values_mut().flatten().flat_map(calls_of) {
                    call.resilience = Resilience::default();
                }
            }
            Component::Database(database) => database.queue = 1_000_000,
            Component::Balancer(_)
            | Component::Cache(_)
            | Component::Gateway(_)
            | Component::Shards(_)
            | Component::Queue(_)
            | Component::Topic(_)
            | Component::EventStore(_)
            | Component::View(_) => {}
        }
    }
    // A database behind a balancer is one of two, so its visits are another's with another policy.
    if let Some(Component::Balancer(balancer)) = scenario.components.get_mut("db-lb") {
        balancer.targets.truncate(1);
    }
    if let Some(Component::Balancer(balancer)) = scenario.components.get_mut("back-lb") {
        balancer.targets.truncate(1);
    }
    scenario
}

fn policy() -> impl Strategy<Value = Policy> {
    proptest::sample::select(vec![
        Policy::RoundRobin,
        Policy::WeightedRoundRobin,
        Policy::Random,
        Policy::WeightedRandom,
        Policy::LeastConnections,
        Policy::PowerOfTwoChoices,
        Policy::PowerOfD { d: 3 },
        Policy::PeakEwma { decay_ms: 50 },
        Policy::ConsistentHash,
        Policy::Hash,
    ])
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn no_request_is_ever_unaccounted_for_and_no_bound_is_exceeded(scenario in any_scenario()) {
        let mut engine = start(&scenario, Bounds::new(&scenario));
        for moment in moments(engine.model().horizon()) {
            engine.run_until(moment);
            check_totals(&engine);
        }
        drain(&mut engine, &scenario);
    }

    #[test]
    fn every_requests_spans_are_without_gaps_and_add_up_to_its_latency(scenario in any_scenario()) {
        let model = Model::new(&scenario, &Files::new()).expect("valid");
        let recorder = Recorder::new(&model).keeping_stories(usize::MAX);
        let mut engine = start(&scenario, recorder);
        finish(&mut engine);
        let totals = engine.totals();
        let stories = engine.probe().stories();
        prop_assert_eq!(stories.slowest().len() as u64, totals.completed);
        prop_assert_eq!(stories.lost().len() as u64, totals.lost);
        for story in stories.slowest().iter().chain(stories.lost()) {
            let sum: u64 = story.spans.iter().map(|span| span.length().nanos()).sum();
            prop_assert_eq!(sum, story.latency.nanos(), "{:?}", story);
            let gapless = story.spans.windows(2).all(|pair| pair[0].to == pair[1].from);
            prop_assert!(gapless && story.spans.first().is_none_or(|span| span.from == story.sent), "{:?}", story);
        }
        let figures = engine.probe().summary();
        prop_assert!(figures.good <= figures.completed);
        let told: u64 = figures.losses.iter().map(|losses| losses.count).sum();
        prop_assert_eq!(told, figures.lost);
    }

    #[test]
    fn a_snapshot_goes_on_as_the_run_itself(scenario in any_scenario(), part in 0.0..1.0_f64) {
        let mut whole = start(&scenario, Log::default());
        finish(&mut whole);
        let mut engine = start(&scenario, Log::default());
        engine.run_until(Time::from_secs(scenario.horizon_s * part));
        let mut restored = engine.clone();
        prop_assert_eq!(engine.state_hash(), restored.state_hash());
        finish(&mut engine);
        finish(&mut restored);
        prop_assert_eq!(engine.state_hash(), whole.state_hash());
        prop_assert_eq!(restored.state_hash(), whole.state_hash());
        prop_assert!(restored.probe_mut().take() == whole.probe_mut().take());
    }

    #[test]
    fn stepping_is_running(scenario in any_scenario()) {
        let mut whole = start(&scenario, Log::default());
        finish(&mut whole);
        let mut engine = start(&scenario, Log::default());
        let horizon = engine.model().horizon();
        while engine.next_time().is_some_and(|time| time <= horizon) && engine.events() < BUDGET {
            engine.step();
        }
        prop_assert!(engine.probe_mut().take() == whole.probe_mut().take());
    }

    #[test]
    fn watching_changes_nothing(scenario in any_scenario()) {
        let model = Arc::new(Model::new(&scenario, &Files::new()).expect("valid"));
        let mut unwatched = Engine::new(model.clone(), NoProbe).with_budget(BUDGET);
        finish(&mut unwatched);
        let recorder = Recorder::new(&model);
        let mut watched = Engine::new(model, (recorder, Log::default())).with_budget(BUDGET);
        finish(&mut watched);
        prop_assert_eq!(unwatched.state_hash(), watched.state_hash());
    }

    #[test]
    fn an_audit_changes_nothing_and_tells_what_it_finds(scenario in any_scenario()) {
        let mut unaudited = scenario.clone();
        unaudited.invariants.clear();
        let recorder = Recorder::new(&Model::new(&unaudited, &Files::new()).expect("valid"));
        let mut one = start(&unaudited, (recorder, Log::default()));
        finish(&mut one);
        let model = Model::new(&scenario, &Files::new()).expect("valid");
        let watched = (Recorder::new(&model), Log::default());
        let mut other = start(&scenario, (watched, (Auditor::new(&model), Known::default())));
        finish(&mut other);
        prop_assert_eq!(one.state_hash(), other.state_hash());
        let ((recorder, log), (auditor, known)) = other.probe_mut();
        prop_assert!(one.probe_mut().1.take() == log.take());
        // By itself it finds what it finds for a recorder, and of all it keeps only the first.
        let findings = recorder.findings();
        let told = findings.invariants.iter().map(|finding| finding.violations);
        prop_assert_eq!(told.sum::<u64>(), auditor.total());
        prop_assert_eq!(&findings.first, auditor.first());
        prop_assert_eq!(auditor.first().len() as u64, auditor.total().min(20));
        for violation in auditor.first() {
            let invariant = &scenario.invariants[violation.invariant];
            prop_assert_eq!(invariant.name(), violation.name);
            prop_assert!(!violation.sentence.is_empty());
        }
        prop_assert!(auditor.first().is_sorted_by_key(|violation| violation.at));
        // A clone has no more room than it needs.
        let (mut clone, most) = (None, known.most(&scenario));
        let held = measure(|| clone = Some(auditor.clone())).bytes_current;
        prop_assert!(u64::try_from(held).is_ok_and(|held| held <= most), "{held} of {most}");
    }

    #[test]
    fn changing_one_component_changes_no_others_draws(scenario in plain_scenario(), instances in 1..5_u32, policy in policy()) {
        let scenario = patient(&scenario);
        let mut other = scenario.clone();
        if let Some(Component::Service(front)) = other.components.get_mut("front") {
            (front.instances, front.workers) = (instances, front.workers + 1);
            front.bulkheads.clear();
            front.discipline = Discipline::Lifo;
        }
        for name in ["front-lb", "back-lb"] {
            if let Some(Component::Balancer(balancer)) = other.components.get_mut(name) {
                (balancer.policy, balancer.sticky) = (policy, None);
            }
        }
        let run = |scenario: &Scenario| {
            let mut engine = engine(scenario, Demands::default()).with_budget(400_000);
            finish(&mut engine);
            drain(&mut engine, scenario);
            (engine.events() < 400_000).then(|| engine.into_probe())
        };
        let (Some(one), Some(two)) = (run(&scenario), run(&other)) else {
            return Err(TestCaseError::reject("too much to do"));
        };
        prop_assert_eq!(one.sent, two.sent);
        prop_assert_eq!(one.seen, two.seen);
    }

    #[test]
    fn a_change_under_way_loses_no_request(scenario in any_scenario(), more in 1..6_u32, at in 0.1..0.9_f64) {
        let model = Model::new(&scenario, &Files::new()).expect("valid");
        // The rest is long: windows of a hundredth of the run would be many.
        let recorder = Recorder::with_window(&model, scale_sim::Duration::from_secs(5.0));
        let changed = changed(&scenario, more);
        let mut bounds = Bounds::new(&scenario);
        // Users who are taken away may still be under way.
        for (most, later) in bounds.users.iter_mut().zip(Bounds::new(&changed).users) {
            *most = (*most).max(later);
        }
        let mut engine = start(&scenario, (recorder, bounds));
        engine.run_until(Time::from_secs(at));
        engine.reconfigure(&changed, &Files::new()).expect("only numbers differ");
        check_totals(&engine);
        engine.run_until(Time::from_secs(at + 0.05));
        engine.reconfigure(&scenario, &Files::new()).expect("only numbers differ");
        finish(&mut engine);
        check_totals(&engine);
        drain(&mut engine, &scenario);
    }

    #[test]
    fn every_system_is_written_and_read_back_the_same(file in any_file()) {
        let scenario = read(&file);
        let written = scale_sim::write_json(&scenario);
        let again = Scenario::from_json(&written).expect("it was valid");
        prop_assert_eq!(again, scenario);
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

/// The names of all events, and of the reasons of all losses.
#[derive(Default)]
struct Names(BTreeSet<&'static str>);

impl Probe for Names {
    fn event(&mut self, _: &Model, _: Time, _: RequestRef, event: &Event) {
        self.0.insert(event.name());
        if let Event::Refused { reason, .. } | Event::Lost { reason, .. } = event {
            self.0.insert(reason.name());
        }
    }
}

/// The properties say something about a mechanism only if it is at work in some of the systems.
#[test]
fn all_that_can_happen_happens_in_some_system() {
    const EVENTS: &str = "sent departed routed queued unqueued started called spawned tried missed backed_off breaker settled returned \
        fell_back left replied probed health fault capacity scaled rebuilt forgot following followed pooled connecting connected \
        disconnecting examined replica_read locking locked conflicted committing committed promoted refused delayed cache_hit \
        cache_miss cache_joined cache_landed cache_filled cache_evicted cache_expired cache_dropped cache_dirty cache_flushed \
        cache_lost held released redirected misread moved writes_lost partial completed lost saga_started saga_step_done \
        saga_step_failed saga_compensating saga_undone saga_finished saga_compensated saga_stuck saga_repeated saga_undone_empty \
        orphaned recovered prepared decided branch_committed branch_aborted message_published publisher_blocked \
        publisher_unblocked message_delivered message_acknowledged message_processed message_returned message_dead_lettered \
        message_dropped message_lost messages_wiped rebalancing rebalanced outbox_recorded outbox_relayed loaded appended \
        append_conflicted snapshot view_read applied rebuilding view_rebuilt resumed changed wrote repeated undone unsent ended";
    let mut missing: BTreeSet<&str> = EVENTS.split_whitespace().collect();
    missing.extend(Loss::ALL.iter().map(|loss| loss.name()));
    // These need several to meet in a few moments: rare here, they have tests of their own in `engine_databases.rs`.
    missing.remove(Loss::ReadOnly.name());
    missing.remove(Loss::Deadlock.name());
    // A replica that is not far away has what its primary had: `audit.rs` has one that is.
    missing.remove("undone");
    // And this needs more changes than a log keeps: see `views.rs`.
    missing.remove(Loss::Forgotten.name());
    let mut runner = TestRunner::deterministic();
    for _ in 0..2000 {
        let tree = any_scenario().new_tree(&mut runner).expect("a system");
        let mut engine = start(&tree.current(), Names::default());
        finish(&mut engine);
        missing.retain(|name| !engine.probe().0.contains(name));
        if missing.is_empty() {
            return;
        }
    }
    panic!("never seen: {missing:?}");
}
