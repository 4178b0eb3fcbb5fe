//! All comes to rest: what may be left of a run once its clients are still, and why.

use scale_sim::{
    Arrivals, Component, Duration, Engine, Files, Instruction, Mode, Parts, Probe, Scenario, Stop,
};

/// Every request that came has come to its end or is under way.
pub fn check_totals<P: Probe>(engine: &Engine<P>) {
    let totals = engine.totals();
    assert_eq!(
        totals.sent,
        totals.completed + totals.lost + totals.under_way
    );
    assert!(engine.parts().requests as u64 >= totals.under_way);
}

/// The same system with nothing more to do, and with nothing in it that goes on for ever.
fn quiet(scenario: &Scenario) -> Scenario {
    let mut quiet = scenario.clone();
    for component in quiet.components.values_mut() {
        match component {
            Component::Client(client) => {
                client.arrivals = Arrivals::Poisson { rate_per_s: 0.0 };
            }
            // Probes never end, and what they ask for may write and publish: they can be rare.
            Component::Balancer(balancer) => {
                if let Some(check) = &mut balancer.health_check {
                    check.interval_s = 3600.0;
                }
            }
            Component::Shards(shards) => {
                if let Some(reshard) = &mut shards.reshard {
                    reshard.keys_per_s = 1e6;
                }
            }
            // Who waits for a lock in doubt may hold all connections, and the decision that frees it would find none.
            Component::Database(database) => database.connections = 10_000,
            // A message that fails each time would come again and again.
            Component::Queue(queue) => queue.max_deliveries = Some(1),
            Component::Topic(topic) => {
                for group in topic.subscriptions.values_mut() {
                    group.max_deliveries = Some(1);
                }
            }
            // What is behind a balancer may be out of service for good: then such a cache tries again and again.
            Component::Cache(cache) => {
                if let Mode::WriteBehind {
                    flush_interval_ms, ..
                } = &mut cache.mode
                    && cache.target.as_deref() == Some("front-lb")
                {
                    *flush_interval_ms = 3.6e6;
                }
            }
            // Who waits for a lock in doubt may hold all workers that could bring the decision, too.
            // A branch that takes longer than it may to hear of a decision would be told again and again.
            Component::Service(service) => {
                service.workers = 1_000;
                for most in service.bulkheads.values_mut() {
                    *most = 1_000;
                }
                if let Some(autoscale) = &mut service.autoscale {
                    autoscale.interval_s = 10.0;
                }
                for step in service.plans.values_mut().flatten() {
                    if let Instruction::Transaction(transaction) = step {
                        transaction.timeout_ms = transaction.timeout_ms.max(1_000.0);
                    }
                }
            }
            _ => {}
        }
    }
    // Random faults never end, but they can be rare, too.
    for random in quiet.faults.iter_mut().filter_map(|f| f.random.as_mut()) {
        random.mean_up_s = 604_800.0;
    }
    quiet
}

/// Stops all clients and lets the run come to rest: nothing is left of any request but what is named here.
pub fn drain<P: Probe>(engine: &mut Engine<P>, scenario: &Scenario) {
    engine
        .reconfigure(&quiet(scenario), &Files::new())
        .expect("only numbers differ");
    // Autoscalers never end, so there is always a next event: a rest of five minutes is enough for all else.
    if engine.run_until(engine.now() + Duration::from_secs(300.0)) != Stop::Reached {
        return;
    }
    check_totals(engine);
    let mut messages = 0;
    for (at, component) in scenario.components.values().enumerate() {
        match component {
            Component::Shards(_) => {
                let moved = engine.keys_moved(at);
                assert!(moved.is_none_or(|(_, done)| done), "{moved:?}");
            }
            // Messages that nobody takes out stay. Those who get them have got them all.
            Component::Queue(queue) => {
                messages += u64::from(engine.backlog(at));
                assert!(queue.to.is_none() || engine.backlog(at) == 0);
            }
            // A group that commits every so many messages of a partition may have processed some since.
            Component::Topic(topic) => {
                for (group, subscription) in topic.subscriptions.values().enumerate() {
                    let lag = engine.lag(at, group).expect("it is there");
                    let most = (subscription.commit_every - 1) * topic.partitions;
                    assert!(lag <= u64::from(most), "{lag} of {most}");
                    messages += lag;
                }
            }
            Component::Database(_) => {
                assert_eq!(engine.outbox(at).unwrap_or(0), 0);
                assert_eq!(engine.in_doubt(at), (0, 0));
            }
            Component::View(_) => {
                let lag = engine.view_lag(at).expect("a view");
                assert_eq!(lag, (0, Duration::ZERO));
            }
            // What is behind these can be reached in the end.
            Component::Cache(cache) if cache.target.as_deref() != Some("front-lb") => {
                let stations = engine.model().stations().enumerate();
                let stores = stations.filter(|(_, station)| station.component == at);
                let mut stores = stores.filter_map(|(station, _)| engine.cache(station));
                let is_dirty = |item: scale_sim::Item| item.entry.value.dirty;
                assert!(!stores.any(|store| store.items().any(is_dirty)));
            }
            _ => {}
        }
    }
    assert_eq!(engine.totals().under_way, 0);
    let parts = engine.parts();
    // Each message keeps its request, and some are of the same.
    assert!(parts.requests as u64 <= messages, "{parts:?}");
    assert_eq!(parts.requests == 0, messages == 0, "{parts:?}");
    let requests = parts.requests;
    assert_eq!(
        parts,
        Parts {
            requests,
            ..Parts::default()
        }
    );
    for station in 0..engine.model().stations().len() {
        assert_eq!(engine.station(station), (0, 0), "station {station}");
    }
}
