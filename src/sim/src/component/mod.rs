//! The kinds of component, one file each: what it is in a scenario, what it models and what it does not.

pub(crate) mod arrivals;
pub(crate) mod balancer;
pub(crate) mod cache;
pub(crate) mod calls;
pub(crate) mod client;
pub(crate) mod database;
pub(crate) mod event_store;
pub(crate) mod gateway;
pub(crate) mod outbox;
pub(crate) mod pool;
pub(crate) mod queue;
pub(crate) mod read_model;
pub(crate) mod replication;
pub(crate) mod service;
pub(crate) mod shards;
pub(crate) mod statement;
pub(crate) mod station;
pub(crate) mod topic;
mod weight;
pub(crate) mod workflow;

use serde::{Deserialize, Serialize};

use crate::cache::{Cache, Mode};
use crate::problem::Problems;
use crate::scenario::{Scenario, unknown};

pub use arrivals::{Arrivals, BatchSize, LogFormat};
pub(crate) use arrivals::{ramp, spike};
pub use balancer::Balancer;
pub use cache::{Cached, Invalidate, VersionOf};
pub use client::{Asked, Asking, Client};
pub(crate) use database::Answer;
pub use database::Database;
pub use event_store::{EventCosts, EventSchema, EventStore, Expected, Snapshots, StreamOperation};
pub use gateway::{Gateway, LimitBy};
pub use outbox::Outbox;
pub use pool::Pool;
pub use queue::{Full, Queue};
pub use read_model::{ReadModel, Rebuild, Rebuilding};
pub use replication::{Choice, Commits, Reads, Replication};
pub use service::{Call, Discipline, Instruction, Parallel, Service};
pub(crate) use service::{PRIORITIES, is_one, no_bound, one};
pub use shards::{Reshard, Scatter, Shards};
pub use statement::{Care, Costs, Paging, Statement, Table};
pub use topic::{Subscription, Topic};
pub use weight::Weight;
pub use workflow::{Persist, Protocol, Saga, SagaStep, Transaction};

/// One component of a scenario.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// Sends requests.
    Client(Client),
    /// Spreads requests over several targets.
    Balancer(Balancer),
    /// Works on requests with a pool of workers.
    Service(Service),
    /// Answers queries over a limited number of connections.
    Database(Database),
    /// Keeps answers by key.
    Cache(Box<Cache>),
    /// Lets through what its limits allow.
    Gateway(Box<Gateway>),
    /// Sends each request to the store that owns its key.
    Shards(Box<Shards>),
    /// Keeps messages for one of several consumers.
    Queue(Box<Queue>),
    /// Keeps messages in partitions, for groups of consumers.
    Topic(Box<Topic>),
    /// Keeps streams of events.
    EventStore(Box<EventStore>),
    /// Follows an event store or a table, and answers queries from what it has applied.
    View(Box<ReadModel>),
}

/// Which kind a component is: for icons, colours and summaries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A [`Client`].
    Client,
    /// A [`Balancer`].
    Balancer,
    /// A [`Service`].
    Service,
    /// A [`Database`].
    Database,
    /// A [`Cache`].
    Cache,
    /// A [`Gateway`].
    Gateway,
    /// [`Shards`] behind their router.
    Shards,
    /// A [`Queue`].
    Queue,
    /// A [`Topic`].
    Topic,
    /// An [`EventStore`].
    EventStore,
    /// A view: a [`ReadModel`].
    View,
}

impl Kind {
    /// The kind as scenario files spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Balancer => "balancer",
            Self::Service => "service",
            Self::Database => "database",
            Self::Cache => "cache",
            Self::Gateway => "gateway",
            Self::Shards => "shards",
            Self::Queue => "queue",
            Self::Topic => "topic",
            Self::EventStore => "event_store",
            Self::View => "view",
        }
    }

    /// The kind that scenario files spell so; nothing if it is none.
    pub fn named(name: &str) -> Option<Self> {
        use Kind::{
            Balancer, Cache, Client, Database, EventStore, Gateway, Queue, Service, Shards, Topic,
            View,
        };

        let kinds = [
            Client, Balancer, Service, Database, Cache, Gateway, Shards, Queue, Topic, EventStore,
            View,
        ];
        kinds.into_iter().find(|kind| kind.name() == name)
    }
}

impl Kind {
    /// What the simulation models of this kind, in one sentence.
    pub const fn models(self) -> &'static str {
        match self {
            Self::Client => {
                "Open loops at random, evenly, at rates that change, in bursts, in batches or as recorded; closed loops of users who wait and think; deadlines, retries, hedges, breakers."
            }
            Self::Balancer => {
                "The choice of a target by its policy, weights, health checks, ejection, slow start, sticky sessions."
            }
            Self::Service => {
                "Instances with workers and a bounded queue; workers held while they wait for others; priorities, bulkheads, shedding, autoscaling, sessions."
            }
            Self::Database => {
                "Connections and pools, statements with their costs, rows, versions, locks and deadlocks, replicas that follow late, failover, an outbox."
            }
            Self::Cache => {
                "Entries by key, eviction, lifetimes, what writes do, stampedes and single flight, levels, regions, invalidation that comes late."
            }
            Self::Gateway => "Limits on rate and concurrency by user or key, a cache of its own.",
            Self::Shards => {
                "Keys by hash, range, slot or directory, queries over several shards, moving keys while requests come."
            }
            Self::Queue => {
                "Messages, consumers, acknowledgement, redelivery, dead letters, room that runs out, crashes."
            }
            Self::Topic => "Partitions, groups of consumers, offsets, rebalancing, redelivery.",
            Self::EventStore => {
                "Streams of events, replay, snapshots, expected versions, schemas that change."
            }
            Self::View => {
                "A projection that follows late, in batches, and is rebuilt in place, offline or beside."
            }
        }
    }

    /// What it leaves out, in one sentence: what a run cannot tell.
    pub const fn leaves_out(self) -> &'static str {
        match self {
            Self::Client => {
                "Users who lose patience or stay away because it is slow, and sessions in which one request follows from another."
            }
            Self::Balancer => {
                "The time the balancer itself takes, its own limits, and its own failure."
            }
            Self::Service => {
                "Processors shared among workers, memory, and the pauses of a garbage collector."
            }
            Self::Database => {
                "A planner that chooses, queries that slow each other down other than by connections and locks, and queries that end because their caller has gone."
            }
            Self::Cache => {
                "Locks of keys, invalidation by tag or prefix, purges that get lost, and the time to unpack what was compressed."
            }
            Self::Gateway => {
                "Limits that several gateways share, authentication, and routes by path."
            }
            Self::Shards => "Several routers that disagree, and transactions over shards.",
            Self::Queue => {
                "Priorities, delayed messages, mirrored brokers, and batches in one delivery."
            }
            Self::Topic => {
                "Several brokers, batches, compaction, and reading again from the start."
            }
            Self::EventStore => "Replicas of the store, and a command of several events.",
            Self::View => {
                "A view of several sources, projectors and queries that slow each other down, and changes that cannot be applied."
            }
        }
    }
}

impl Component {
    /// Which kind this is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Client(_) => Kind::Client,
            Self::Balancer(_) => Kind::Balancer,
            Self::Service(_) => Kind::Service,
            Self::Database(_) => Kind::Database,
            Self::Cache(_) => Kind::Cache,
            Self::Gateway(_) => Kind::Gateway,
            Self::Shards(_) => Kind::Shards,
            Self::Queue(_) => Kind::Queue,
            Self::Topic(_) => Kind::Topic,
            Self::EventStore(_) => Kind::EventStore,
            Self::View(_) => Kind::View,
        }
    }

    /// The components that it sends requests or messages to, in the order in which it names them; one may come twice.
    pub fn targets(&self) -> Vec<&str> {
        match self {
            Self::Client(client) => vec![&client.target],
            Self::Balancer(balancer) => balancer.targets.iter().map(String::as_str).collect(),
            Self::Service(service) => service.called().map(String::as_str).collect(),
            Self::Database(database) => {
                let outbox = database.outbox.iter();
                outbox.map(|outbox| outbox.to.as_str()).collect()
            }
            Self::Queue(queue) => queue.called().map(String::as_str).collect(),
            Self::Topic(topic) => topic.called().map(String::as_str).collect(),
            Self::Cache(cache) => cache.target.iter().map(String::as_str).collect(),
            Self::Gateway(gateway) => vec![&gateway.target],
            Self::Shards(shards) => shards.all_targets(),
            Self::EventStore(_) => Vec::new(),
            // What it applies it reads from there.
            Self::View(view) => vec![&view.source],
        }
    }

    pub(crate) fn check(&self, name: &str, scenario: &Scenario, p: &mut Problems) {
        p.within(self.kind().name(), |p| match self {
            Self::Client(client) => client.check(scenario, p),
            Self::Balancer(balancer) => balancer.check(scenario, p),
            Self::Service(service) => service.check(scenario, p),
            Self::Database(database) => database.check(scenario, p),
            Self::Cache(cache) => cache::check(cache, scenario, p),
            Self::Gateway(gateway) => gateway.check(scenario, p),
            Self::Shards(shards) => shards.check(name, scenario, p),
            Self::Queue(queue) => queue.check(scenario, p),
            Self::Topic(topic) => topic.check(scenario, p),
            Self::EventStore(store) => store.check(p),
            Self::View(view) => view.check(scenario, p),
        });
    }
}

/// Checks that `to` can take a call from here: it exists, and is one place or a balancer over several.
pub(crate) fn check_target(field: &str, to: &str, scenario: &Scenario, p: &mut Problems) {
    match scenario.components.get(to) {
        None => p.note_at(field, unknown(to, scenario.components.keys())),
        Some(Component::Client(_)) => {
            p.note_at(
                field,
                format!("'{to}' is a client: clients send requests and take none"),
            );
        }
        Some(Component::Service(service)) if service.most_instances() > 1 => p.note_at(
            field,
            format!(
                "'{to}' has {} instances: put a balancer in front and name that",
                service.most_instances()
            ),
        ),
        Some(Component::Cache(cache)) if cache.mode == Mode::CacheAside => p.note_at(
            field,
            format!(
                "'{to}' is a cache that fetches nothing itself (mode cache_aside): ask it with 'cached' in a plan, or give it \
                 another mode and a target"
            ),
        ),
        Some(_) => {}
    }
}

/// The name of a plan in files for "any operation".
pub(crate) const ANY: &str = "*";

/// Checks the names of operations that a component answers.
pub(crate) fn check_operation(field: &str, name: &str, p: &mut Problems) {
    let right = name == ANY
        || ((1..=40).contains(&name.len())
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_'));
    if !right {
        p.note_at(
            field,
            format!("'{name}': an operation's name is 1 to 40 lower-case letters, digits, '-' and '_', or '*' for any"),
        );
    }
}
