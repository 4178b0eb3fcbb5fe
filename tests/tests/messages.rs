//! Messages in the engine: queues against theory, losses and repetitions at crashes, order, lag, outboxes, and what must hold in any run.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use scale_sim::{
    Doing, Duration, Engine, Event, Files, Measure, MessageEvent, MessageRef, Model, NoProbe,
    Outcome, Probe, RandomTimes, RequestRef, Scenario, Stop, Time, run,
};
use scale_tests::{engine, four_errors, watched};

/// Notes what happens to messages.
#[derive(Clone, Debug, Default)]
struct Watch {
    now: Time,
    all: Vec<(Time, u64, MessageEvent)>,
    /// Requests whose writes a database has committed.
    committed: Vec<u64>,
    completed: u64,
}

impl Probe for Watch {
    fn event(&mut self, _: &Model, now: Time, request: RequestRef, event: &Event) {
        self.now = now;
        match *event {
            Event::Message(event) => self.all.push((now, request.id, event)),
            Event::Committed { .. } => self.committed.push(request.id),
            Event::Completed { .. } => self.completed += 1,
            _ => {}
        }
    }
}

impl Watch {
    fn count(&self, is: impl Fn(&MessageEvent) -> bool) -> u64 {
        self.all.iter().filter(|(_, _, event)| is(event)).count() as u64
    }

    fn named(&self, name: &str) -> u64 {
        self.count(|event| event.name() == name)
    }

    /// The messages that an event of that name is about, in order, with the requests that published them.
    fn messages(&self, name: &str) -> Vec<(u64, MessageRef)> {
        let all = self.all.iter();
        let all = all.filter(|(_, _, event)| event.name() == name);
        all.filter_map(|(_, request, event)| Some((*request, message(event)?)))
            .collect()
    }
}

fn message(event: &MessageEvent) -> Option<MessageRef> {
    match *event {
        MessageEvent::Published { message, .. }
        | MessageEvent::Delivered { message, .. }
        | MessageEvent::Acknowledged { message, .. }
        | MessageEvent::Processed { message, .. }
        | MessageEvent::Returned { message, .. }
        | MessageEvent::DeadLettered { message, .. }
        | MessageEvent::Dropped { message, .. }
        | MessageEvent::Lost { message, .. } => Some(message),
        _ => None,
    }
}

fn whole(seed: u64, horizon_s: f64, components: &str, faults: &str) -> Scenario {
    let text = format!(
        r#"{{"version":1,"seed":{seed},"horizon_s":{horizon_s},"components":{{{components}}},"faults":[{faults}]}}"#
    );
    Scenario::from_json(&text).unwrap_or_else(|problems| panic!("{problems:?} in {text}"))
}

fn watch(horizon_s: f64, components: &str, faults: &str) -> Watch {
    let mut engine = engine(&whole(3, horizon_s, components, faults), Watch::default());
    assert_eq!(engine.run_until(Time::from_secs(horizon_s)), Stop::Reached);
    engine.into_probe()
}

fn sample(name: &str) -> Scenario {
    let path = format!("{}/scenarios/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("it is there");
    Scenario::from_json(&text).expect("it is valid")
}

fn ran(scenario: &Scenario) -> Outcome {
    run(scenario, &Files::new()).expect("it is valid")
}

fn measure(outcome: &Outcome, metric: &str, of: &str) -> f64 {
    let of = match of {
        "" => String::new(),
        of => format!(r#","of":"{of}""#),
    };
    let text = format!(r#"{{"measure":"{metric}"{of}}}"#);
    let measure: Measure = scale_sim::read_json(&text).expect("it is a measure");
    { outcome.value(&measure) }.unwrap_or_else(|| panic!("nothing to measure for {text}"))
}

/// They are the same number, but for how it was added up.
fn same(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
}

/// A client that publishes at this rate for so many seconds, and then no more.
fn publisher(target: &str, rate: u32, for_s: f64) -> String {
    format!(
        r#""u":{{"client":{{"operation":"x","target":"{target}","keys":{{"uniform":{{"count":50}}}},"arrivals":{{"profile":{{
            "points":[[0,{rate}],[{for_s},{rate}],[{},0]]}}}}}}}}"#,
        for_s + 0.001
    )
}

/// A service of so many instances with one worker each.
fn consumer(name: &str, instances: u32, work: &str, mean_ms: f64) -> String {
    format!(
        r#""{name}":{{"service":{{"instances":{instances},"workers":1,"plans":{{"*":[{{"work":{{"{work}":{{"mean_ms":{mean_ms}}}}}}}]}}}}}}"#
    )
}

#[test]
fn an_order_takes_two_seconds_while_the_customer_waits_and_a_fifth_of_one_with_a_topic() {
    let waits = ran(&sample("order-flow"));
    same(measure(&waits, "mean_ms", ""), 2000.0);
    let queued = ran(&sample("order-flow-queued"));
    same(measure(&queued, "mean_ms", ""), 200.0);
    // The work is done all the same, by each of the three.
    same(measure(&queued, "max_ms", ""), 200.0);
    let orders = measure(&queued, "completed", "orders");
    assert!((measure(&queued, "processed", "orders") - 3.0 * orders).abs() <= 15.0);
}

#[test]
fn an_upload_takes_the_sum_of_its_steps_or_of_the_first_three() {
    let waits = ran(&sample("image-pipeline"));
    same(measure(&waits, "mean_ms", ""), 4450.0);
    let queued = ran(&sample("image-pipeline-queued"));
    same(measure(&queued, "mean_ms", ""), 310.0);
    // 2000 + 1500 + 800 + 50, with nobody waiting.
    assert!((measure(&queued, "processed_ms", "jobs") - 4350.0).abs() < 1e-6);
    assert!((measure(&queued, "processed_ms", "") - 4350.0).abs() < 1e-6);
}

/// The mean wait of an M/M/c queue, in units of the mean service time (Erlang C).
fn erlang_c_wait(servers: u32, load: f64) -> f64 {
    let c = f64::from(servers);
    let offered = c * load;
    let mut blocking = 1.0;
    for n in 1..=servers {
        blocking = offered * blocking / (f64::from(n) + offered * blocking);
    }
    let waits = blocking / (1.0 - load * (1.0 - blocking));
    waits / (c * (1.0 - load))
}

#[test]
fn a_queue_with_c_consumers_waits_as_erlang_c_says() {
    for (consumers, rate) in [(1, 7), (4, 32)] {
        let components = format!(
            r#""u":{{"client":{{"operation":"x","target":"q","arrivals":{{"poisson":{{"rate_per_s":{rate}}}}}}}}},
               "q":{{"queue":{{"to":"w"}}}},{}"#,
            consumer("w", consumers, "exponential", 100.0)
        );
        let scenario = whole(1, 4000.0, &components, "");
        let waits = watched::<Watch>(&scenario, 0..12).into_iter().map(|watch| {
            let delivered = watch.all.iter().filter_map(|(at, _, event)| match *event {
                MessageEvent::Delivered { waited, .. } if *at > Time::from_secs(200.0) => {
                    Some(waited.millis() / 100.0)
                }
                _ => None,
            });
            let delivered: Vec<f64> = delivered.collect();
            delivered.iter().sum::<f64>() / delivered.len() as f64
        });
        let load = f64::from(rate) / f64::from(consumers) / 10.0;
        let expected = erlang_c_wait(consumers, load);
        let waits: Vec<f64> = waits.collect();
        four_errors(&format!("{consumers} at {load}"), &waits, expected, 0.15);
    }
}

const CRASHES: &str = r#"{"what":{"crash":{"component":"w","instance":1}},"at_s":3,"for_s":1},
    {"what":{"crash":{"component":"w","instance":2}},"at_s":5,"for_s":1},
    {"what":{"crash":{"component":"w"}},"at_s":8,"for_s":2}"#;

#[test]
fn at_most_once_loses_what_is_in_flight_at_crashes_and_at_least_once_delivers_it_again() {
    for delivery in ["at_most_once", "at_least_once"] {
        let components = format!(
            r#"{},"q":{{"queue":{{"to":"w","delivery":"{delivery}"}}}},{}"#,
            publisher("q", 30, 10.0),
            consumer("w", 3, "exponential", 100.0)
        );
        let mut engine = engine(&whole(3, 60.0, &components, CRASHES), Watch::default());
        // What is with consumers just before each crash.
        let mut in_flight = 0;
        for (at, instances) in [(3.0, 1..2), (5.0, 2..3), (8.0, 1..4)] {
            while engine
                .next_time()
                .is_some_and(|next| next < Time::from_secs(at))
            {
                engine.step();
            }
            let stations: Vec<usize> = { engine.model().stations().enumerate() }
                .filter(|(_, s)| s.name.starts_with("w.") && instances.contains(&(s.instance + 1)))
                .map(|(at, _)| at)
                .collect();
            in_flight += stations
                .iter()
                .map(|at| u64::from(engine.station(*at).0))
                .sum::<u64>();
        }
        engine.run_until(Time::from_secs(60.0));
        let parts = engine.parts();
        assert_eq!((parts.requests, parts.frames), (0, 0), "all is done");
        let watch = engine.into_probe();
        let published = watch.named("message_published");
        let processed = watch.named("message_processed");
        let again =
            watch.count(|e| matches!(e, MessageEvent::Delivered { delivery, .. } if *delivery > 1));
        assert!(in_flight >= 3, "{in_flight}");
        if delivery == "at_most_once" {
            assert_eq!((watch.named("message_lost"), again), (in_flight, 0));
            assert_eq!(processed, published - in_flight);
        } else {
            assert_eq!((watch.named("message_lost"), again), (0, in_flight));
            assert_eq!(processed, published);
        }
        let distinct: BTreeSet<u64> = watch
            .messages("message_processed")
            .iter()
            .map(|m| m.1.number)
            .collect();
        assert_eq!(distinct.len() as u64, processed);
    }
}

#[test]
fn a_broker_crash_spares_what_is_durable() {
    for durable in [true, false] {
        let components = format!(
            r#"{},"q":{{"queue":{{"to":"w","durable":{durable}}}}},{}"#,
            publisher("q", 40, 5.0),
            consumer("w", 2, "constant", 100.0)
        );
        let crash = r#"{"what":{"crash":{"component":"q"}},"at_s":4,"for_s":1}"#;
        let mut engine = engine(&whole(3, 60.0, &components, crash), Watch::default());
        while engine
            .next_time()
            .is_some_and(|next| next < Time::from_secs(4.0))
        {
            engine.step();
        }
        let queue = engine.model().component_named("q").expect("it is there");
        let waiting = u64::from(engine.backlog(queue));
        assert!(waiting > 50, "{waiting}");
        engine.run_until(Time::from_secs(60.0));
        assert_eq!(engine.parts().requests, 0);
        let watch = engine.into_probe();
        let wiped = watch.all.iter().find_map(|(_, _, event)| match *event {
            MessageEvent::Wiped { messages, .. } => Some(u64::from(messages)),
            _ => None,
        });
        let (published, processed) = (
            watch.named("message_published"),
            watch.named("message_processed"),
        );
        let again =
            watch.count(|e| matches!(e, MessageEvent::Delivered { delivery, .. } if *delivery > 1));
        if durable {
            assert_eq!((wiped, processed), (None, published));
            assert_eq!(again, 2, "the two that were with consumers");
        } else {
            assert_eq!(
                (wiped, watch.named("message_lost")),
                (Some(waiting), waiting)
            );
            assert_eq!((processed, again), (published - waiting, 0));
        }
    }
}

/// The offsets that were delivered in each partition to each group, in order.
fn by_partition(watch: &Watch) -> BTreeMap<(u16, u16), Vec<u64>> {
    let mut order: BTreeMap<(u16, u16), Vec<u64>> = BTreeMap::new();
    for (_, message) in watch.messages("message_delivered") {
        order
            .entry((message.group, message.partition))
            .or_default()
            .push(message.number);
    }
    order
}

fn topic(commit_every: u32, delivery: &str) -> String {
    format!(
        r#"{},"t":{{"topic":{{"partitions":5,"subscriptions":{{"one":{{"to":"w","commit_every":{commit_every},"delivery":"{delivery}",
            "session_timeout_ms":2000,"rebalance_ms":500}},"two":{{"to":"v"}}}}}}}},{},{}"#,
        publisher("t", 40, 20.0),
        consumer("w", 3, "exponential", 40.0),
        consumer("v", 2, "exponential", 30.0)
    )
}

#[test]
fn messages_of_a_key_are_in_one_partition_and_in_order() {
    let watch = watch(60.0, &topic(1, "at_least_once"), "");
    let published = watch.messages("message_published");
    let mut partitions: BTreeMap<u64, BTreeSet<u16>> = BTreeMap::new();
    for (_, message) in &published {
        partitions
            .entry(message.key)
            .or_default()
            .insert(message.partition);
    }
    assert!(partitions.values().all(|all| all.len() == 1));
    let order = by_partition(&watch);
    assert_eq!(order.len(), 10);
    assert!(order.values().all(|offsets| offsets.is_sorted()));
    // Requests come in the order of their numbers, so each key's do in each group.
    let mut last: BTreeMap<(u16, u64), u64> = BTreeMap::new();
    for (request, message) in watch.messages("message_processed") {
        let before = last.insert((message.group, message.key), request);
        assert!(before.is_none_or(|before| before < request));
    }
    assert_eq!(watch.named("message_processed"), 2 * published.len() as u64);
}

#[test]
fn a_member_that_crashes_makes_the_group_start_again_where_it_had_committed() {
    let crash = r#"{"what":{"crash":{"component":"w","instance":2}},"at_s":10,"for_s":8}"#;
    for every in [1, 10] {
        let watch = watch(90.0, &topic(every, "at_least_once"), crash);
        let rebalanced: Vec<(f64, u16, u32, u32)> = watch
            .all
            .iter()
            .filter_map(|(at, _, event)| match *event {
                MessageEvent::Rebalanced {
                    group,
                    members,
                    again,
                    ..
                } => Some((at.secs(), group, members, again)),
                _ => None,
            })
            .collect();
        // Missed after two seconds, then half a second of rebalance; and again when it is back.
        let times: Vec<(f64, u16, u32)> = rebalanced.iter().map(|r| (r.0, r.1, r.2)).collect();
        assert_eq!(times, [(12.5, 0, 2), (18.5, 0, 3)]);
        let again =
            watch.count(|e| matches!(e, MessageEvent::Delivered { delivery, .. } if *delivery > 1));
        let promised: u32 = rebalanced.iter().map(|r| r.3).sum();
        assert_eq!(again, u64::from(promised), "{every}");
        assert!(again >= 1, "{every}");
        let mut processed: BTreeMap<(u16, u16, u64), u32> = BTreeMap::new();
        for (_, message) in watch.messages("message_processed") {
            *processed
                .entry((message.group, message.partition, message.number))
                .or_default() += 1;
        }
        // None is lost.
        assert_eq!(
            processed.len() as u64,
            2 * watch.named("message_published"),
            "{every}"
        );
        let twice: u32 = processed.values().map(|count| count - 1).sum();
        assert_eq!(twice > 0, every > 1, "{every}: {twice}");
        // Offsets go back only where the partition was assigned anew, and first deliveries are in order.
        let mut reached: BTreeMap<(u16, u16), u64> = BTreeMap::new();
        for (_, _, event) in &watch.all {
            if let MessageEvent::Delivered {
                message,
                delivery: 1,
                ..
            } = event
            {
                let next = reached
                    .entry((message.group, message.partition))
                    .or_default();
                assert_eq!(message.number, *next);
                *next += 1;
            }
        }
    }
}

#[test]
fn at_most_once_a_member_that_crashes_loses_what_it_had_committed_ahead() {
    let crash = r#"{"what":{"crash":{"component":"w","instance":2}},"at_s":10,"for_s":8}"#;
    let watch = watch(90.0, &topic(10, "at_most_once"), crash);
    let lost: BTreeSet<(u16, u64)> = watch
        .messages("message_lost")
        .iter()
        .map(|(_, m)| (m.partition, m.number))
        .collect();
    assert!((1..=40).contains(&lost.len()), "{lost:?}");
    assert_eq!(lost.len() as u64, watch.named("message_lost"));
    let published = watch.named("message_published");
    let own = watch
        .messages("message_processed")
        .iter()
        .filter(|(_, m)| m.group == 0)
        .count() as u64;
    assert_eq!(own + lost.len() as u64, published);
    assert_eq!(
        watch.count(|e| matches!(e, MessageEvent::Delivered { delivery, .. } if *delivery > 1)),
        0
    );
}

#[test]
fn lag_grows_and_drains_at_the_rates_of_its_consumers() {
    // One member works off 100 a second; 150 a second come for ten.
    let components = format!(
        r#"{},"t":{{"topic":{{"partitions":3,"subscriptions":{{"one":{{"to":"w"}}}}}}}},{}"#,
        publisher("t", 150, 10.0),
        consumer("w", 1, "constant", 10.0)
    );
    let mut engine = engine(&whole(3, 30.0, &components, ""), Watch::default());
    let mut lag_at = |at: f64| {
        engine.run_until(Time::from_secs(at));
        let topic = engine.model().component_named("t").expect("it is there");
        assert_eq!(engine.lag(topic, 1), None);
        engine.lag(topic, 0).expect("there is a group")
    };
    let (top, later) = (lag_at(11.0), lag_at(13.0));
    assert!((200..600).contains(&top), "{top}");
    assert!(top - later == 200, "{top} to {later}");
    assert_eq!(lag_at(30.0), 0);
    assert_eq!(engine.parts().requests, 0);
}

#[test]
fn more_members_than_partitions_stand_idle() {
    let components = format!(
        r#"{},"t":{{"topic":{{"partitions":2,"subscriptions":{{"one":{{"to":"w"}}}}}}}},{}"#,
        publisher("t", 30, 10.0),
        consumer("w", 4, "constant", 10.0)
    );
    let watch = watch(20.0, &components, "");
    let stations: BTreeSet<u32> = { watch.all.iter() }
        .filter_map(|(_, _, event)| match *event {
            MessageEvent::Delivered { to, .. } => Some(to),
            _ => None,
        })
        .collect();
    assert_eq!(stations.len(), 2);
}

#[test]
fn back_pressure_bounds_the_queue_and_is_part_of_the_publishers_story() {
    let components = r#""u":{"client":{"operation":"x","target":"app","arrivals":{"closed":{"users":30,"think_time":{"exponential":{"mean_ms":50}}}}}},
        "app":{"service":{"workers":30,"plans":{"*":[{"work":{"constant":{"mean_ms":1}}},{"call":{"to":"q"}}]}}},
        "q":{"queue":{"to":"w","capacity":5,"full":"block"}},
        "w":{"service":{"instances":2,"workers":1,"plans":{"*":[{"work":{"exponential":{"mean_ms":50}}}]}}}"#;
    let scenario = whole(3, 60.0, components, "");
    let outcome = ran(&scenario);
    same(measure(&outcome, "backlog_max", "q"), 5.0);
    assert_eq!(outcome.totals.lost, 0);
    // The consumers carry 40 a second, and so do the users.
    let rate = measure(&outcome, "throughput_per_s", "");
    assert!((38.0..42.0).contains(&rate), "{rate}");
    let slowest = outcome.stories.slowest();
    assert!(!slowest.is_empty());
    for story in slowest {
        let spans: u64 = story.spans.iter().map(|span| span.length().nanos()).sum();
        assert_eq!(spans, story.latency.nanos());
        assert!(story.spans.iter().any(|span| span.doing == Doing::Blocked));
    }
}

#[test]
fn a_full_queue_refuses_or_drops_its_oldest() {
    for full in ["refuse", "drop_oldest"] {
        let components = format!(
            r#"{},"q":{{"queue":{{"to":"w","capacity":10,"full":"{full}"}}}},{}"#,
            publisher("q", 50, 10.0),
            consumer("w", 1, "constant", 100.0)
        );
        let watch = watch(60.0, &components, "");
        let (published, processed) = (
            watch.named("message_published"),
            watch.named("message_processed"),
        );
        let dropped = watch.named("message_dropped");
        assert_eq!(published, watch.completed);
        if full == "refuse" {
            assert_eq!((dropped, processed), (0, published));
            assert!((90..130).contains(&published), "{published}");
        } else {
            assert!(published > 400, "{published}");
            assert_eq!(processed + dropped, published);
        }
    }
}

#[test]
fn a_message_is_a_dead_letter_after_exactly_so_many_deliveries() {
    let components = format!(
        r#"{},"q":{{"queue":{{"to":"w","max_deliveries":3,"retry_ms":200,"dead_letters":"dead"}}}},"dead":{{"queue":{{}}}},{}"#,
        publisher("q", 10, 5.0),
        consumer("w", 4, "constant", 20.0)
    );
    let errors = r#"{"what":{"errors":{"component":"w","share":1}},"at_s":0}"#;
    let mut engine = engine(&whole(3, 30.0, &components, errors), Watch::default());
    engine.run_until(Time::from_secs(30.0));
    let dead = engine.model().component_named("dead").expect("it is there");
    let waiting = u64::from(engine.backlog(dead));
    let watch = engine.probe();
    let mut deliveries: BTreeMap<u64, u32> = BTreeMap::new();
    for (_, message) in watch.messages("message_delivered") {
        *deliveries.entry(message.number).or_default() += 1;
    }
    assert!(deliveries.len() > 30);
    assert!(deliveries.values().all(|count| *count == 3));
    assert_eq!(
        watch.named("message_dead_lettered"),
        deliveries.len() as u64
    );
    assert_eq!(waiting, deliveries.len() as u64);
    assert_eq!(watch.named("message_processed"), 0);
    // Two rests between three deliveries.
    let first = watch
        .all
        .iter()
        .find(|e| e.2.name() == "message_delivered")
        .expect("there is one");
    let end = watch
        .all
        .iter()
        .find(|e| e.2.name() == "message_dead_lettered")
        .expect("there is one");
    assert!(end.0.since(first.0) >= Duration::from_millis(400.0));
}

#[test]
fn a_visibility_timeout_shorter_than_the_work_does_it_again_and_again() {
    let components = format!(
        r#"{},"q":{{"queue":{{"to":"w","prefetch":1,"visibility_timeout_ms":100,"max_deliveries":4}}}},
           "w":{{"service":{{"instances":2,"workers":100,"plans":{{"*":[{{"work":{{"constant":{{"mean_ms":350}}}}}}]}}}}}}"#,
        publisher("q", 3, 10.0)
    );
    let scenario = whole(3, 30.0, &components, "");
    let outcome = ran(&scenario);
    let published = outcome.totals.completed as f64;
    assert!(published > 20.0);
    same(measure(&outcome, "completed", "w"), 4.0 * published);
    same(measure(&outcome, "dead_letters", "q"), published);
    // Nobody's answer came in time.
    same(measure(&outcome, "processed", "q"), 0.0);
    let patient = whole(3, 30.0, &components.replace(":100,\"max", ":400,\"max"), "");
    let outcome = ran(&patient);
    same(measure(&outcome, "completed", "w"), published);
    same(measure(&outcome, "redelivered", "q"), 0.0);
}

fn written(watch: &Watch) -> BTreeSet<u64> {
    watch.committed.iter().copied().collect()
}

fn published(watch: &Watch) -> BTreeSet<u64> {
    watch
        .messages("message_published")
        .iter()
        .map(|(request, _)| *request)
        .collect()
}

#[test]
fn a_dual_write_loses_messages_and_an_outbox_loses_none_and_doubles_some() {
    let dual = watched::<Watch>(&sample("dual-write"), 6..7).remove(0);
    let missing = written(&dual).difference(&published(&dual)).count();
    // Two at most are still on their way.
    assert!(missing > 5, "{missing}");
    // The relay is often at work when the database crashes.
    let mut outbox = sample("outbox");
    outbox.faults[1].random = Some(RandomTimes {
        mean_up_s: 1.0,
        mean_down_s: 0.2,
    });
    let mut engine = engine(&outbox, Watch::default());
    engine.run_until(Time::from_secs(119.0));
    let left = engine.outbox(engine.model().component_named("db").expect("it is there"));
    let watch = engine.into_probe();
    let missing = written(&watch).difference(&published(&watch)).count();
    assert!(missing <= left.expect("there is an outbox"), "{missing}");
    let twice = watch.named("message_published") - published(&watch).len() as u64;
    assert!((1..100).contains(&twice), "{twice}");
    // In the order of their commits, but for what comes again.
    let mut order = Vec::new();
    for (request, _) in watch.messages("message_published") {
        if !order.contains(&request) {
            order.push(request);
        }
    }
    let commits: Vec<u64> = { watch.committed.iter() }
        .copied()
        .filter(|r| order.contains(r))
        .collect();
    let published: Vec<u64> = order.into_iter().filter(|r| commits.contains(r)).collect();
    assert_eq!(commits, published);
}

#[test]
fn a_failover_takes_the_messages_of_lost_writes_with_it() {
    let components = r#""u":{"client":{"operation":"x","target":"db","keys":{"sequential":{"count":1000000}},"arrivals":{"poisson":{"rate_per_s":100}}}},
        "db":{"database":{"connections":10,"writes":["x"],"queries":{"x":{"constant":{"mean_ms":2}}},
            "replication":{"replicas":1,"ship":{"constant":{"mean_ms":200}},"failover_after_ms":500},
            "outbox":{"operations":["x"],"to":"q","poll_ms":2000}}},
        "q":{"queue":{"to":"w"}},
        "w":{"service":{"workers":1,"plans":{"*":[{"work":{"constant":{"mean_ms":1}}}]}}}"#;
    let crash = r#"{"what":{"crash":{"component":"db","instance":1}},"at_s":5}"#;
    let mut engine = engine(&whole(3, 20.0, components, crash), Watch::default());
    engine.run_until(Time::from_secs(19.9));
    let database = engine.model().component_named("db").expect("it is there");
    let left = engine.outbox(database).expect("it has one");
    let watch = engine.into_probe();
    let lost = written(&watch).difference(&published(&watch)).count();
    // What was written in the 200 ms before the crash had not been received.
    assert!((5..40).contains(&(lost - left)), "{lost} {left}");
    assert_eq!(
        watch.named("outbox_recorded"),
        watch.named("outbox_relayed") + lost as u64
    );
}

/// Runs on from a snapshot: both come to the same state.
fn goes_on_alike(scenario: &Scenario, at_s: f64) {
    let mut one = engine(scenario, NoProbe);
    one.run_until(Time::from_secs(at_s));
    let mut other = one.clone();
    let until = one.model().horizon();
    assert_eq!(one.run_until(until), other.run_until(until));
    assert_eq!(one.state_hash(), other.state_hash());
}

#[test]
fn a_snapshot_of_any_sample_goes_on_alike() {
    for name in [
        "order-flow-queued",
        "queue-redelivery",
        "queue-dead-letters",
        "queue-back-pressure",
        "topic-rebalance",
        "outbox",
    ] {
        let scenario = sample(name);
        for at_s in [10.1, 42.3] {
            goes_on_alike(&scenario, at_s);
        }
    }
}

#[test]
fn consumers_can_be_added_while_a_run_goes_on() {
    let text = |instances: u32, capacity: u32| {
        let components = format!(
            r#""u":{{"client":{{"operation":"x","target":"q","arrivals":{{"constant":{{"rate_per_s":40}}}}}}}},
               "v":{{"client":{{"operation":"y","target":"t","keys":{{"uniform":{{"count":50}}}},"arrivals":{{"constant":{{"rate_per_s":40}}}}}}}},
               "q":{{"queue":{{"to":"w","capacity":{capacity}}}}},"t":{{"topic":{{"partitions":6,"subscriptions":{{"a":{{"to":"w","rebalance_ms":100}}}}}}}},
               {}"#,
            consumer("w", instances, "constant", 50.0)
        );
        whole(1, 60.0, &components, "")
    };
    let mut engine = engine(&text(2, 1000), NoProbe);
    engine.run_until(Time::from_secs(10.0));
    let queue = engine.model().component_named("q").expect("it is there");
    let topic = engine.model().component_named("t").expect("it is there");
    let (before, lag) = (
        engine.backlog(queue),
        engine.lag(topic, 0).expect("it has one"),
    );
    assert!(before > 50 && lag > 50, "{before} {lag}");
    engine
        .reconfigure(&text(12, 1000), &Files::new())
        .expect("the same system");
    engine.run_until(Time::from_secs(20.0));
    assert!(engine.backlog(queue) < 10 && engine.lag(topic, 0) < Some(30));
    engine
        .reconfigure(&text(1, 1000), &Files::new())
        .expect("the same system");
    engine.run_until(Time::from_secs(40.0));
    assert!(engine.backlog(queue) > 100);
    let totals = engine.totals();
    assert_eq!(
        totals.sent,
        totals.completed + totals.lost + totals.under_way
    );
}

#[test]
fn what_a_relay_loses_on_the_wire_once_it_does_not_lose_for_ever() {
    // Each try gets over with a chance of 0.6, and is not made again by the wire itself.
    let components = format!(
        r#"{},"db":{{"database":{{"connections":50,"writes":["x"],"queries":{{"*":{{"constant":{{"mean_ms":1}}}}}},
            "outbox":{{"operations":["x"],"to":"q","poll_ms":10}}}}}},"q":{{"queue":{{}}}}"#,
        publisher("db", 50, 1.0)
    );
    let mut scenario = whole(3, 30.0, &components, "");
    let link = r#"{"from":"db","to":"q","latency":{"constant":{"mean_ms":1}},"loss":0.4,"give_up_ms":1,"retransmit_ms":1000}"#;
    scenario.links = vec![scale_sim::read_json(link).expect("a link")];
    let mut engine = engine(&scenario, Watch::default());
    assert_eq!(engine.run_until(Time::from_secs(30.0)), Stop::Reached);
    let at = engine.model().component_named("db").expect("it is there");
    assert_eq!(engine.outbox(at), Some(0));
    let relayed = engine.probe().named("outbox_relayed");
    assert!(relayed > 30, "{relayed}");
    // An answer may be lost, too: then the message is there twice.
    assert!(engine.probe().named("message_published") > relayed);
}

/// Random settings of all that there is about messages.
fn systems() -> impl Strategy<Value = Scenario> {
    let of = |options: &[&'static str]| proptest::sample::select(options.to_vec());
    let queue = (
        of(&["refuse", "block", "drop_oldest"]),
        of(&["at_most_once", "at_least_once"]),
        1..20_u32,
        1..4_u32,
        20..500_u32,
        any::<bool>(),
        1..4_u32,
        any::<bool>(),
    );
    let topic = (
        1..6_u32,
        1..60_u32,
        of(&["at_most_once", "at_least_once"]),
        1..12_u32,
        of(&["range", "round_robin"]),
        1..4_u32,
        any::<bool>(),
    );
    let rest = (1..4_u32, 1..40_u32, any::<u64>(), 0..3_u32, any::<bool>());
    (queue, topic, rest).prop_map(|(q, t, (instances, rate, seed, links, scaled))| {
        let (full, delivery, capacity, prefetch, visibility, limited, most, durable) = q;
        let limit = if limited {
            format!(r#","max_deliveries":{most},"dead_letters":"dead""#)
        } else {
            String::new()
        };
        let (partitions, retention, reads, every, assignment, tries, limits) = t;
        let tries = if limits { format!(r#","max_deliveries":{tries}"#) } else { String::new() };
        let scale = if scaled {
            format!(
                r#","autoscale":{{"metric":"utilisation","rule":{{"target":{{"value":0.6}}}},"min":1,"max":{},"interval_s":1,"warm_up_s":0.5}}"#,
                instances + 2
            )
        } else {
            String::new()
        };
        let links = [("q", "w"), ("t", "w"), ("db", "t")].iter().take(links as usize).map(|(from, to)| {
            format!(r#"{{"from":"{from}","to":"{to}","latency":{{"exponential":{{"mean_ms":5}}}},"loss":0.05}}"#)
        });
        let links: Vec<String> = links.collect();
        let text = format!(
            r#"{{"version":1,"seed":{seed},"horizon_s":20,"components":{{
                "u":{{"client":{{"operation":"x","target":"app","keys":{{"uniform":{{"count":20}}}},"resilience":{{"timeout_ms":2000}},
                    "arrivals":{{"profile":{{"points":[[0,{rate}],[8,{rate}],[8.001,0]]}}}}}}}},
                "app":{{"service":{{"workers":10,"plans":{{"*":[{{"call":{{"to":"q"}}}},{{"call":{{"to":"t"}}}},{{"call":{{"to":"db"}}}}]}}}}}},
                "q":{{"queue":{{"to":"w","operation":"job","full":"{full}","delivery":"{delivery}","capacity":{capacity},"prefetch":{prefetch},
                    "visibility_timeout_ms":{visibility},"retry_ms":50,"durable":{durable},"publish":{{"constant":{{"mean_ms":1}}}}{limit}}}}},
                "dead":{{"queue":{{"capacity":5,"to":"v"}}}},
                "t":{{"topic":{{"partitions":{partitions},"retention":{retention},"subscriptions":{{
                    "a":{{"to":"w","delivery":"{reads}","commit_every":{every},"assignment":"{assignment}","session_timeout_ms":700,
                        "rebalance_ms":100,"retry_ms":30{tries}}},
                    "b":{{"to":"v","rebalance_ms":0}}}}}}}},
                "db":{{"database":{{"connections":5,"writes":["x"],"queries":{{"*":{{"exponential":{{"mean_ms":5}}}}}},
                    "outbox":{{"operations":["x"],"to":"t","operation":"job","poll_ms":70,"batch":3}}}}}},
                "w":{{"service":{{"instances":{instances},"workers":2,"queue":3,"plans":{{"*":[{{"work":{{"exponential":{{"mean_ms":40}}}}}}]}}{scale}}}}},
                "v":{{"service":{{"workers":2,"plans":{{"*":[{{"work":{{"exponential":{{"mean_ms":20}}}}}}]}}}}}}}},
              "links":[{}],
              "faults":[{{"what":{{"crash":{{"component":"w","instance":1}}}},"random":{{"mean_up_s":2,"mean_down_s":0.5}}}},
                {{"what":{{"crash":{{"component":"q"}}}},"random":{{"mean_up_s":3,"mean_down_s":0.3}}}},
                {{"what":{{"crash":{{"component":"t"}}}},"random":{{"mean_up_s":4,"mean_down_s":0.3}}}},
                {{"what":{{"crash":{{"component":"db"}}}},"random":{{"mean_up_s":3,"mean_down_s":0.2}}}},
                {{"what":{{"errors":{{"component":"w","share":0.2}}}},"at_s":1,"for_s":6}}]}}"#,
            links.join(",")
        );
        Scenario::from_json(&text).unwrap_or_else(|problems| panic!("{problems:?} in {text}"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens, every message of the queue is in one place, and every request is accounted for.
    #[test]
    fn messages_and_requests_are_conserved(scenario in systems()) {
        let mut engine = engine(&scenario, Watch::default());
        engine.run_until(Time::from_secs(20.0));
        let totals = engine.totals();
        prop_assert_eq!(totals.sent, totals.completed + totals.lost + totals.under_way);
        let queue = engine.model().component_named("q").expect("it is there");
        let (at, _) = { engine.model().stations().enumerate() }.find(|(_, s)| s.component == queue).expect("it has one");
        let backlog = u64::from(engine.backlog(queue));
        let watch = engine.probe();
        let own = |name: &str| watch.count(|e| e.name() == name && e.station() == at as u32);
        let ended = own("message_processed") + own("message_lost") + own("message_dropped") + own("message_dead_lettered");
        let published = own("message_published");
        prop_assert!(ended + backlog <= published, "{} {} {}", ended, backlog, published);
        // What is left is with consumers: 4 instances at most 3 each, and what they are at for a broker that has forgotten it.
        prop_assert!(published - ended - backlog <= 40, "{} {} {}", ended, backlog, published);
        let acknowledged = own("message_acknowledged");
        prop_assert!(acknowledged <= published);
        // In each partition first deliveries are in order.
        let mut reached: BTreeMap<(u32, u16, u16), u64> = BTreeMap::new();
        for (_, _, event) in &watch.all {
            if let MessageEvent::Delivered { station, message, delivery: 1, .. } = event
                && *station != at as u32
            {
                let next = reached.entry((*station, message.group, message.partition)).or_default();
                prop_assert!(message.number >= *next);
                *next = message.number + 1;
            }
        }
    }

    /// A snapshot goes on as the run itself.
    #[test]
    fn snapshots_go_on_alike(scenario in systems(), at_s in 0.5..12.0_f64) {
        goes_on_alike(&scenario, at_s);
    }
}

/// When all faults are over and nobody publishes, all that is left is what the brokers keep.
#[test]
fn nothing_is_left_over() {
    let components = format!(
        r#"{},"app":{{"service":{{"workers":10,"plans":{{"*":[{{"call":{{"to":"q"}}}},{{"call":{{"to":"t"}}}}]}}}}}},
           "q":{{"queue":{{"to":"w","capacity":8,"full":"block","visibility_timeout_ms":90,"max_deliveries":4,"retry_ms":20}}}},
           "t":{{"topic":{{"partitions":3,"subscriptions":{{"a":{{"to":"w","session_timeout_ms":100,"rebalance_ms":50}}}}}}}},{}"#,
        publisher("app", 30, 10.0),
        consumer("w", 3, "exponential", 30.0)
    );
    let faults = r#"{"what":{"crash":{"component":"w","instance":1}},"at_s":2,"for_s":1},{"what":{"crash":{"component":"q"}},"at_s":4,"for_s":1},
        {"what":{"crash":{"component":"t"}},"at_s":6,"for_s":1},{"what":{"errors":{"component":"w","share":0.3}},"at_s":3,"for_s":5}"#;
    let mut engine: Engine = engine(&whole(8, 60.0, &components, faults), NoProbe);
    engine.run_until(Time::from_secs(60.0));
    let parts = engine.parts();
    assert_eq!((parts.requests, parts.frames, parts.calls), (0, 0, 0));
}
