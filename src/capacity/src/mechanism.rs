//! The mechanisms that a design makes use of: what sets two solutions of one exercise apart.

use std::collections::BTreeSet;

use scale_sim::{Call, Component, Instruction, Mode, Reads, Resilience, Retry, Scenario, Shedding};
use serde::{Deserialize, Serialize};

/// Something that a design has to take more load, or to take it better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mechanism {
    /// Several instances of a service.
    Copies,
    /// Instances that come and go with the load.
    Autoscaling,
    /// A balancer.
    Balancing,
    /// A cache, or a gateway that has one.
    Caching,
    /// A cache that answers writes before they are written.
    WriteBehind,
    /// Reads from a database's replicas.
    ReadReplicas,
    /// A primary that is replaced when it fails.
    Failover,
    /// Keys spread over shards.
    Sharding,
    /// Several databases, each with operations of its own.
    SplitData,
    /// A queue.
    Queue,
    /// A topic.
    Topic,
    /// A view for queries (CQRS).
    ReadModel,
    /// An event store.
    EventSourcing,
    /// An outbox.
    Outbox,
    /// A saga.
    Saga,
    /// A transaction over several databases.
    DistributedTransaction,
    /// A limit on the rate of requests.
    RateLimit,
    /// A limit on requests under way.
    ConcurrencyLimit,
    /// Waiting requests that are turned away.
    Shedding,
    /// Workers kept apart for some operations.
    Bulkheads,
    /// Waiting lines by priority.
    Priorities,
    /// Calls that give up.
    Timeouts,
    /// Calls that are tried again.
    Retries,
    /// Retries that are bounded as a part of all calls.
    RetryBudget,
    /// Circuit breakers.
    Breaker,
    /// Slow calls that get company.
    Hedging,
    /// Substitutes for answers that fail.
    Fallback,
    /// Calls that are not waited for.
    Asynchronous,
    /// Calls made at once.
    Parallel,
}

impl Mechanism {
    /// Its name in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Copies => "several instances",
            Self::Autoscaling => "autoscaling",
            Self::Balancing => "load balancing",
            Self::Caching => "caching",
            Self::WriteBehind => "write-behind",
            Self::ReadReplicas => "read replicas",
            Self::Failover => "failover",
            Self::Sharding => "sharding",
            Self::SplitData => "databases by function",
            Self::Queue => "a queue",
            Self::Topic => "a topic",
            Self::ReadModel => "a read model (CQRS)",
            Self::EventSourcing => "event sourcing",
            Self::Outbox => "an outbox",
            Self::Saga => "a saga",
            Self::DistributedTransaction => "a distributed transaction",
            Self::RateLimit => "rate limiting",
            Self::ConcurrencyLimit => "a concurrency limit",
            Self::Shedding => "load shedding",
            Self::Bulkheads => "bulkheads",
            Self::Priorities => "priorities",
            Self::Timeouts => "timeouts",
            Self::Retries => "retries",
            Self::RetryBudget => "a retry budget",
            Self::Breaker => "circuit breakers",
            Self::Hedging => "hedged requests",
            Self::Fallback => "fallbacks",
            Self::Asynchronous => "calls that are not waited for",
            Self::Parallel => "calls at once",
        }
    }
}

/// What a design makes use of, each once, in the order of [`Mechanism`].
pub fn mechanisms(scenario: &Scenario) -> BTreeSet<Mechanism> {
    let mut found = BTreeSet::new();
    let kept = |component: &&Component| matches!(component, Component::Database(_));
    if scenario.components.values().filter(kept).count() > 1 {
        found.insert(Mechanism::SplitData);
    }
    for component in scenario.components.values() {
        found.extend(of_component(component));
    }
    if found.contains(&Mechanism::Sharding) {
        // Shards are several databases, but by key.
        found.remove(&Mechanism::SplitData);
    }
    found
}

/// Those of the pairs that are so.
fn so<const N: usize>(pairs: [(bool, Mechanism); N]) -> Vec<Mechanism> {
    let held = pairs.into_iter().filter(|(holds, _)| *holds);
    held.map(|(_, mechanism)| mechanism).collect()
}

fn of_component(component: &Component) -> Vec<Mechanism> {
    let sheds = |shedding: &Shedding| (!shedding.is_empty(), Mechanism::Shedding);
    match component {
        Component::Client(client) => guards(&client.resilience),
        Component::Balancer(_) => vec![Mechanism::Balancing],
        Component::Service(service) => {
            let mut found = so([
                (service.instances > 1, Mechanism::Copies),
                (service.autoscale.is_some(), Mechanism::Autoscaling),
                (!service.bulkheads.is_empty(), Mechanism::Bulkheads),
                sheds(&service.shedding),
                (
                    service.discipline == scale_sim::Discipline::Priority,
                    Mechanism::Priorities,
                ),
            ]);
            for plan in service.plans.values() {
                in_plan(plan, &mut found);
            }
            found
        }
        Component::Database(database) => {
            let replication = database.replication.as_deref();
            so([
                sheds(&database.shedding),
                (database.outbox.is_some(), Mechanism::Outbox),
                (
                    replication.is_some_and(|r| r.reads != Reads::Primary),
                    Mechanism::ReadReplicas,
                ),
                (
                    replication.is_some_and(|r| r.failover_after_ms.is_some()),
                    Mechanism::Failover,
                ),
            ])
        }
        Component::Cache(cache) => so([
            (true, Mechanism::Caching),
            (
                matches!(cache.mode, Mode::WriteBehind { .. }),
                Mechanism::WriteBehind,
            ),
        ]),
        Component::Gateway(gateway) => so([
            (gateway.cache.is_some(), Mechanism::Caching),
            (gateway.rate_limit.is_some(), Mechanism::RateLimit),
            (gateway.concurrency.is_some(), Mechanism::ConcurrencyLimit),
        ]),
        Component::Shards(_) => vec![Mechanism::Sharding],
        Component::Queue(_) => vec![Mechanism::Queue],
        Component::Topic(_) => vec![Mechanism::Topic],
        Component::EventStore(_) => vec![Mechanism::EventSourcing],
        Component::View(view) => so([(true, Mechanism::ReadModel), sheds(&view.shedding)]),
    }
}

fn guards(resilience: &Resilience) -> Vec<Mechanism> {
    let budget = |retry: &Retry| retry.budget.is_some();
    so([
        (resilience.timeout_ms.is_some(), Mechanism::Timeouts),
        (resilience.retry.is_some(), Mechanism::Retries),
        (
            resilience.retry.as_ref().is_some_and(budget),
            Mechanism::RetryBudget,
        ),
        (resilience.breaker.is_some(), Mechanism::Breaker),
        (resilience.hedge.is_some(), Mechanism::Hedging),
    ])
}

fn in_plan(plan: &[Instruction], found: &mut Vec<Mechanism>) {
    let in_call = |call: &Call, found: &mut Vec<Mechanism>| {
        found.extend(guards(&call.resilience));
        found.extend(so([
            (call.asynchronous, Mechanism::Asynchronous),
            (call.fallback.is_some(), Mechanism::Fallback),
        ]));
        in_plan(call.fallback.as_deref().unwrap_or_default(), found);
    };
    for step in plan {
        match step {
            Instruction::Call(call) => in_call(call, found),
            Instruction::Parallel(parallel) => {
                found.push(Mechanism::Parallel);
                for call in &parallel.calls {
                    in_call(call, found);
                }
            }
            Instruction::Cached(cached) => in_plan(&cached.miss, found),
            Instruction::Saga(_) => found.push(Mechanism::Saga),
            Instruction::Transaction(_) => found.push(Mechanism::DistributedTransaction),
            Instruction::Work(_)
            | Instruction::Reply(_)
            | Instruction::Invalidate(_)
            | Instruction::End
            | Instruction::Fail => {}
        }
    }
}
