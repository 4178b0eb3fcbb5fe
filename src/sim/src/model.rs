//! The model: a scenario compiled once into dense tables, so that the run knows no names.

mod database;
mod invariant;
mod messages;
mod shards;
mod sourcing;
mod workflow;

use std::collections::BTreeMap;

use crate::arrivals::Arriving;
use crate::balance::Balancing;
use crate::cache::{Capacity, Eviction, Lifetimes};
use crate::component::{Asking, Discipline, Kind, LimitBy};
use crate::distribution::Sampler;
use crate::frame::Entry;
use crate::random::Key;
use crate::resilience::{Autoscale, Breaker, ConcurrencyLimit, RateLimit, Retry, Shedding};
use crate::shard::ShardMap;
use crate::time::{Duration, Time};
use crate::wire::Wire;

pub(crate) use database::{
    Act, Approach, DatabaseModel, PoolModel, ReplicationModel, StatementModel,
};
pub(crate) use invariant::{InvariantModel, Rule};
pub(crate) use shards::{ReshardModel, ScatterModel, ShardStep, ShardsModel};
pub(crate) use workflow::{BranchAct, SagaModel, WorkflowAct, WorkflowKind, WorkflowModel};

pub(crate) use messages::{
    BrokerModel, ConsumerModel, GroupModel, OutboxModel, QueueModel, RetryModel, TopicModel,
};

pub(crate) use sourcing::{
    EventStoreModel, LogModel, SourcingStep, StreamAct, StreamModel, ViewModel,
};

/// The texts of the files that a scenario names (recorded arrivals), by name.
pub type Files = BTreeMap<String, String>;

/// A compiled scenario.
#[derive(Clone, Debug)]
pub struct Model {
    pub(crate) seed: u64,
    pub(crate) horizon: Time,
    pub(crate) warmup: Time,
    pub(crate) operations: Vec<String>,
    pub(crate) components: Vec<ComponentModel>,
    pub(crate) stations: Vec<StationModel>,
    pub(crate) code: Vec<Step>,
    pub(crate) sites: Vec<Site>,
    /// How many sites have a guard.
    pub(crate) guards: u32,
    pub(crate) wires: Vec<Wire>,
    pub(crate) faults: Vec<FaultModel>,
    /// What must hold.
    pub(crate) invariants: Vec<InvariantModel>,
    /// What databases do, by number of the statement.
    pub(crate) statements: Vec<StatementModel>,
    /// Ways to databases that have replicas or whose connections have to be set up.
    pub(crate) approaches: Vec<Approach>,
    /// Sagas and transactions of plans.
    pub(crate) workflows: Vec<WorkflowModel>,
    /// What event stores do, by number.
    pub(crate) streams: Vec<StreamModel>,
    /// The logs of event stores, and of tables that views follow.
    pub(crate) logs: Vec<LogModel>,
    /// Over how many zones the instances are spread.
    pub(crate) zones: u32,
}

/// A compiled fault.
#[derive(Clone, Debug)]
pub(crate) struct FaultModel {
    pub effect: Effect,
    /// The component that it strikes, or [`NOBODY`](crate::frame::NOBODY).
    pub component: u16,
    /// The instance, from 0; all if none.
    pub instance: Option<u32>,
    /// The zone, from 0.
    pub zone: Option<u32>,
    pub times: FaultTimes,
}

/// When a fault comes and goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FaultTimes {
    Once {
        at: Time,
        lasts: Option<Duration>,
    },
    /// After so many events of the run.
    After {
        events: u64,
        lasts: Option<Duration>,
    },
    Random {
        mean_up_s: f64,
        mean_down_s: f64,
        key: Key,
    },
}

/// What a fault does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Effect {
    Crash,
    Slow { factor: f64 },
    Errors { share: f64 },
    Reduced { servers: u32 },
    Partition { link: u32 },
    Loss { link: u32, loss: f64 },
    Deaf,
    Flush,
    DiskFull,
    ReplicaLag,
    Spike { client: u16, factor: f64 },
}

/// One component of the model.
#[derive(Clone, Debug)]
pub(crate) struct ComponentModel {
    pub name: String,
    pub kind: Kind,
    pub role: Role,
    /// Its own stations by instance; for a balancer, those of its targets. Empty for a client.
    pub stations: Vec<u32>,
    /// Where its plan for each operation starts; empty for clients and balancers.
    pub plans: Vec<Option<u32>>,
    /// How those that wait at its stations stand in line.
    pub lines: Lines,
    /// Where its plans other than those for operations start, by [`Entry`], or [`NONE`](crate::frame::NONE).
    pub entries: [u32; Entry::COUNT],
    /// What it keeps, if it is a cache or a gateway with one.
    pub cache: Option<Box<CacheModel>>,
    /// What it lets through, if it is a gateway.
    pub gateway: Option<Box<GatewayModel>>,
    /// Where it sends requests, if it is a router in front of shards.
    pub shards: Option<Box<ShardsModel>>,
    /// Of a database whose rows can be moved: the router that moves them, and its number as a shard there.
    pub shard_of: Option<(u16, u16)>,
    /// Of a database: how many rows there are at the start.
    pub rows: u64,
    /// Of a database: the caches that are told of its writes.
    pub told: Vec<u16>,
    /// Changes the number of its instances.
    pub autoscale: Option<Autoscale>,
    /// What its instances keep of users.
    pub sessions: Option<SessionsModel>,
    /// For a balancer with links, the wire to each component, or [`NONE`](crate::frame::NONE); else empty.
    pub links: Vec<u32>,
    /// A balancer's health checks.
    pub health: Option<HealthModel>,
    /// What there is to know of a database beyond the times of its queries.
    pub database: Option<Box<DatabaseModel>>,
    /// What it does with messages, if it keeps any.
    pub broker: Option<Box<BrokerModel>>,
    /// Of a database: the logs of its tables that views follow.
    pub feeds: Vec<u16>,
    /// What it is, if it is an event store, or a view.
    pub event_store: Option<Box<EventStoreModel>>,
    pub view: Option<Box<ViewModel>>,
}

/// Compiled [`HealthCheck`](crate::balance::HealthCheck).
#[derive(Clone, Debug)]
pub(crate) struct HealthModel {
    pub interval: Duration,
    pub timeout: Duration,
    pub operation: u16,
}

/// A compiled cache.
#[derive(Clone, Debug)]
pub(crate) struct CacheModel {
    pub eviction: Eviction,
    pub capacity: Capacity,
    pub lifetimes: Lifetimes,
    pub private: bool,
    /// Bytes of a value that comes without a size.
    pub value_bytes: u32,
    /// After how long it learns of a change.
    pub told_after: Option<Duration>,
    /// How often writes are sent on, and how many at most each time.
    pub flush: Option<(Duration, u32)>,
    /// How many keys may wait to be sent on.
    pub max_dirty: u32,
    /// What it holds at the start: keys, the most popular first.
    pub warm: Vec<u64>,
    /// The database behind it, or [`NOBODY`](crate::frame::NOBODY).
    pub home: u16,
    /// The root of the draws of what it holds at the start.
    pub key: Key,
}

/// A compiled gateway.
#[derive(Clone, Debug)]
pub(crate) struct GatewayModel {
    pub rate_limit: Option<RateLimit>,
    pub limit_by: LimitBy,
    pub concurrency: Option<ConcurrencyLimit>,
}

/// Compiled [`Sessions`](crate::sessions::Sessions).
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct SessionsModel {
    /// Users that one instance remembers.
    pub capacity: u32,
    /// The work of making a session anew; without it the request fails.
    pub rebuild: Option<Sampler>,
}

/// The waiting lines of a component's stations.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Lines {
    pub discipline: Discipline,
    /// How many servers the frames of a line may hold; without bulkheads all of them.
    pub most: Vec<u32>,
    /// The line of each operation; empty if all stand in line 0, or by priority.
    pub of_operation: Vec<u16>,
    /// Whom to drop when their turn comes.
    pub shedding: Shedding,
    /// How long each waits at most.
    pub max_wait: Option<Sampler>,
}

impl Lines {
    /// One line for all, first come first served.
    pub fn one() -> Self {
        Self {
            most: vec![u32::MAX],
            ..Self::default()
        }
    }

    /// With these rules on whom to turn away.
    pub fn shedding(mut self, shedding: &Shedding) -> Self {
        self.max_wait = shedding.max_wait.as_ref().map(Sampler::new);
        self.shedding = shedding.clone();
        self
    }
}

/// What a component does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Role {
    Client(ClientModel),
    /// How it chooses, and among whom.
    Balancer(Balancing),
    Station,
}

/// A compiled client.
#[derive(Clone, Debug)]
pub(crate) struct ClientModel {
    /// The calls by which its requests come in: one for each of its operations, from this one on.
    pub site: u32,
    pub asking: Asking,
    pub priority: u8,
    pub arrivals: Arriving,
    pub deadline: Duration,
    /// The root of the draws of its arrivals, and of its users' thinking.
    pub arrival_key: Key,
    /// The root of its requests' keys.
    pub request_key: Key,
}

/// One station: an instance of a service, or a database.
#[derive(Clone, Debug)]
pub(crate) struct StationModel {
    pub name: String,
    pub component: u16,
    pub instance: u32,
    pub servers: u32,
    pub queue: u32,
    /// Whether requests still come here; an instance taken away only finishes what it has.
    pub live: bool,
    /// Whether it serves from the start, and not only once an autoscaler has added it.
    pub starts: bool,
}

/// One step of a compiled plan.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Work for a time.
    Work { time: Sampler, key: u64 },
    /// Look for the user's session, and make it anew if it was lost.
    Session { key: u64 },
    /// Call and wait for the answer.
    Call { site: u32 },
    /// Call and go on.
    Spawn { site: u32 },
    /// Make all calls from site `first` on at once and wait for `need` answers.
    Parallel { first: u32, count: u32, need: u32 },
    /// Go on at another step.
    Goto { step: u32 },
    /// What is answered has so many bytes, and takes so long to unpack.
    Reply { bytes: u32, unpack: Duration },
    /// Something about a cache.
    Cache(CacheStep),
    /// Something at a router in front of shards.
    Shard(ShardStep),
    /// Something at a database.
    Database { act: Act, statement: u32 },
    /// A saga or a transaction.
    Workflow { workflow: u32, act: WorkflowAct },
    /// A decision on a transaction, at a database.
    Branch(BranchAct),
    /// Answer that it has failed.
    Fail,
    /// Store a message at a broker.
    Publish,
    /// Something at an event store or a view.
    Sourcing(SourcingStep),
    /// Answer.
    End,
}

/// A step that takes no time, at a cache or at a service that asks one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CacheStep {
    /// Look for the key; if it is there go on at `hit`. What will expire soon is fetched anew by the call at `refresh`.
    Look { hit: u32, refresh: u32 },
    /// Answer that there was nothing.
    Nothing,
    /// Keep what has been answered.
    Fill,
    /// Drop the key, in all regions.
    Drop,
    /// Keep a write to be sent on later; if there is no room for it go on at `full`.
    Behind { full: u32 },
    /// A write that was sent on has arrived.
    Sent,
    /// If the cache asked last had something, go on at `found`.
    Found { found: u32 },
    /// If another fetches the key for `cache`, wait for it and go on at `landed`.
    Join { cache: u16, landed: u32 },
    /// Those who wait get what has been answered.
    Land { cache: u16 },
    /// The version of what has been answered belongs to the keys of caches from here on.
    Know,
    /// It does not any more.
    Unknow,
}

/// "The operation of the caller", as the operation of a call.
pub(crate) const OWN: u16 = u16::MAX;

/// The key of a client's own call: what it draws derives from the request alone.
pub(crate) const NO_KEY: u64 = 0;

/// A place in a plan where another component is called.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Site {
    /// The component that is called.
    pub to: u16,
    /// The operation, or [`OWN`].
    pub operation: u16,
    /// Which plan of the component is run.
    pub entry: Entry,
    /// Mixed into the draws of what is called, unless it is [`NO_KEY`].
    pub key: u64,
    /// How often.
    pub times: u32,
    /// Where the plan goes on if the call fails, or [`NONE`](crate::frame::NONE).
    pub fallback: u32,
    /// The wire to the component, or [`NONE`](crate::frame::NONE).
    pub link: u32,
    /// The way to a database, or [`NONE`](crate::frame::NONE).
    pub approach: u32,
    /// Bytes of the request on the wire.
    pub bytes: u32,
    /// Whether the version that the caller knows belongs to the key.
    pub versioned: bool,
    /// What guards it, if it is not a plain call.
    pub guard: Option<Guard>,
}

/// Compiled [`Resilience`](crate::resilience::Resilience).
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Guard {
    /// Counted over all sites.
    pub number: u32,
    /// The component that calls.
    pub caller: u16,
    pub timeout: Option<Duration>,
    pub retry: Option<Retry>,
    /// After how long, and how many at most.
    pub hedge: Option<(Duration, u32)>,
    pub breaker: Option<Breaker>,
}

impl Model {
    /// Whether frames and calendars of a run of `other` still mean the same here: everything but numbers is alike.
    pub(crate) fn same_shape(&self, other: &Self) -> bool {
        let step = |(a, b): (&Step, &Step)| match (a, b) {
            (Step::Call { site: a }, Step::Call { site: b })
            | (Step::Spawn { site: a }, Step::Spawn { site: b })
            | (Step::Goto { step: a }, Step::Goto { step: b }) => a == b,
            (
                Step::Parallel { first, count, .. },
                Step::Parallel {
                    first: b_first,
                    count: b_count,
                    ..
                },
            ) => first == b_first && count == b_count,
            (Step::Cache(a), Step::Cache(b)) => a == b,
            (Step::Shard(a), Step::Shard(b)) => a == b,
            (Step::Branch(a), Step::Branch(b)) => a == b,
            (
                Step::Workflow { workflow, act },
                Step::Workflow {
                    workflow: other,
                    act: other_act,
                },
            ) => workflow == other && act == other_act,
            (Step::Sourcing(a), Step::Sourcing(b)) => a == b,
            (
                Step::Database { act, statement },
                Step::Database {
                    act: b_act,
                    statement: b_statement,
                },
            ) => act == b_act && statement == b_statement,
            (a, b) => core::mem::discriminant(a) == core::mem::discriminant(b),
        };
        let site = |(a, b): (&Site, &Site)| {
            a.to == b.to
                && a.operation == b.operation
                && a.entry == b.entry
                && a.fallback == b.fallback
                && a.link == b.link
                && a.approach == b.approach
                && a.guard.is_some() == b.guard.is_some()
                && a.versioned == b.versioned
        };
        let component = |(a, b): (&ComponentModel, &ComponentModel)| {
            a.name == b.name
                && a.kind == b.kind
                && a.plans == b.plans
                && a.lines.most.len() == b.lines.most.len()
                && a.lines.of_operation == b.lines.of_operation
                && a.autoscale.is_some() == b.autoscale.is_some()
                && a.links == b.links
                && a.health.is_some() == b.health.is_some()
                && a.entries == b.entries
                && a.gateway.is_some() == b.gateway.is_some()
                && match (&a.cache, &b.cache) {
                    (Some(a), Some(b)) => a.private == b.private,
                    (a, b) => a.is_none() && b.is_none(),
                }
                && match (&a.shards, &b.shards) {
                    (Some(a), Some(b)) => a.same_shape(b),
                    (a, b) => a.is_none() && b.is_none(),
                }
                && match (&a.database, &b.database) {
                    (Some(a), Some(b)) => a.same_shape(b),
                    (a, b) => a.is_none() && b.is_none(),
                }
                && match (&a.broker, &b.broker) {
                    (Some(a), Some(b)) => a.same_shape(b),
                    (a, b) => a.is_none() && b.is_none(),
                }
                && match (&a.event_store, &b.event_store) {
                    (Some(a), Some(b)) => a.same_shape(b),
                    (a, b) => a.is_none() && b.is_none(),
                }
                && match (&a.view, &b.view) {
                    (Some(a), Some(b)) => a.same_shape(b),
                    (a, b) => a.is_none() && b.is_none(),
                }
        };
        self.operations == other.operations
            && self.components.len() == other.components.len()
            && self.components.iter().zip(&other.components).all(component)
            && self.code.len() == other.code.len()
            && self.code.iter().zip(&other.code).all(step)
            && self.sites.len() == other.sites.len()
            && self.sites.iter().zip(&other.sites).all(site)
            && self.statements.len() == other.statements.len()
            && { self.statements.iter().zip(&other.statements) }.all(|(a, b)| a.same_shape(b))
            && self.workflows.len() == other.workflows.len()
            && { self.workflows.iter().zip(&other.workflows) }.all(|(a, b)| a.same_shape(b))
            && self.approaches == other.approaches
            && self.logs == other.logs
            && self.streams.len() == other.streams.len()
            && self.wires.len() == other.wires.len()
            && self.faults.len() == other.faults.len()
    }

    /// When a run of this model ends.
    pub const fn horizon(&self) -> Time {
        self.horizon
    }

    /// When its warm-up ends.
    pub const fn warmup(&self) -> Time {
        self.warmup
    }

    /// The components' names and kinds, in the scenario's order.
    pub fn components(&self) -> impl ExactSizeIterator<Item = (&str, Kind)> {
        self.components.iter().map(|c| (c.name.as_str(), c.kind))
    }

    /// The number of the component called `name`.
    pub fn component_named(&self, name: &str) -> Option<usize> {
        self.components.iter().position(|c| c.name == name)
    }

    /// The stations: their names, their component's number, their servers, and whether requests still come there.
    pub fn stations(&self) -> impl ExactSizeIterator<Item = StationInfo<'_>> {
        self.stations.iter().map(|s| StationInfo {
            name: &s.name,
            component: usize::from(s.component),
            instance: s.instance,
            servers: s.servers,
            queue: s.queue,
            live: s.live,
            starts: s.starts,
        })
    }

    /// The map of a router in front of shards, with the numbers of their components; and of the rule that takes its place, if
    /// one does.
    pub fn shard_maps(&self, component: usize) -> Vec<ShardMap> {
        let Some(shards) = &self.components[component].shards else {
            return Vec::new();
        };
        let later = shards.reshard.iter().map(|reshard| &reshard.handover.after);
        let all = core::iter::once(&shards.placement).chain(later);
        let maps = all.map(|placement| {
            let mut map = placement.map(shards.keys);
            for (_, owner) in &mut map.arcs {
                *owner = shards.targets[usize::from(*owner)];
            }
            map
        });
        maps.collect()
    }

    /// Where `key` lies on the map of a router in front of shards.
    pub fn shard_place(&self, component: usize, key: u64) -> Option<u16> {
        let shards = self.components[component].shards.as_ref()?;
        Some(shards.placement.place(key, shards.keys))
    }

    /// The name of an operation.
    pub fn operation_name(&self, operation: u16) -> &str {
        &self.operations[usize::from(operation)]
    }

    /// Whether fault number `fault` is about `station`.
    pub(crate) fn strikes(&self, fault: u32, station: u32) -> bool {
        let (fault, station) = (
            &self.faults[fault as usize],
            &self.stations[station as usize],
        );
        match fault.zone {
            Some(zone) => station.instance % self.zones == zone,
            None => {
                fault.component == station.component
                    && fault.instance.is_none_or(|at| at == station.instance)
            }
        }
    }

    /// How those that wait at `station` stand in line.
    pub(crate) fn lines(&self, station: u32) -> &Lines {
        &self.components[usize::from(self.stations[station as usize].component)].lines
    }
}

/// What there is to know of a station before a run.
#[derive(Clone, Copy, Debug)]
pub struct StationInfo<'a> {
    /// Its name: the component's, with `.1` and so on for the instances of a service.
    pub name: &'a str,
    /// The number of its component.
    pub component: usize,
    /// Which instance of the component it is, from 0.
    pub instance: u32,
    /// Requests that it works on at once.
    pub servers: u32,
    /// Requests that may wait.
    pub queue: u32,
    /// Whether requests still come here.
    pub live: bool,
    /// Whether it serves from the start, and not only once an autoscaler has added it.
    pub starts: bool,
}
