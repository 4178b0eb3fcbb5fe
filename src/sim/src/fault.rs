//! Faults: what goes wrong in a run, at a given moment or again and again at random.
//!
//! Instance 1 of a replicated database is its first primary, the others are its replicas.
//!
//! Models: crashes (what an instance was working on is lost, calls to it are refused until it is back; nothing but its cache,
//! sessions and connections is forgotten), slowness, errors, servers out of order, cut and lossy links, health checks that get
//! lost, flushed caches, full disks, lagging replicas, the outage of a zone, and spikes of traffic. Random faults are an
//! alternating renewal process with exponential times (Barlow and Proschan, *Mathematical Theory of Reliability*, 1965).
//! Does not model: wrong answers, clocks that differ, or instances that come back without being restarted.

use serde::{Deserialize, Serialize};

use crate::component::{Component, Kind};
use crate::limits;
use crate::problem::Problems;
use crate::scenario::{Scenario, unknown};

/// Something that goes wrong.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub what: Trouble,
    /// When it begins, in simulated seconds; or give `after_events`, or `random`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_s: Option<f64>,
    /// After how many of the run's events it begins, at the moment of the last of them: what a hunt for violations of
    /// invariants has found is replayed so, to the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_events: Option<u64>,
    /// How long it lasts, in simulated seconds; without it, to the end of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<f64>,
    /// Again and again, instead of once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random: Option<RandomTimes>,
}

/// When a fault comes and goes at random, with exponentially distributed times.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RandomTimes {
    /// Mean time between the end of one and the beginning of the next, in seconds (MTBF less MTTR).
    pub mean_up_s: f64,
    /// Mean time that one lasts, in seconds (MTTR).
    pub mean_down_s: f64,
}

/// A kind of trouble.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Instances crash, and come back empty.
    Crash(Place),
    /// Work takes longer.
    Slow(Slow),
    /// A share of the requests fails at once.
    Errors(Errors),
    /// Some servers of each instance are out of order; what they are at is still finished.
    ReducedCapacity(Reduced),
    /// Nothing gets over a link.
    Partition(Between),
    /// More gets lost on a link.
    PacketLoss(Lossy),
    /// Health checks of instances get lost, though they work.
    MissedHealthChecks(Place),
    /// A cache forgets all.
    CacheFlush(Place),
    /// A database or an event store has no room left: it refuses writes.
    DiskFull(Place),
    /// A database's replicas, or a view, do not apply what they receive.
    ReplicaLag(Place),
    /// All instances in a zone crash; see the scenario's `zones`.
    ZoneOutage(Zone),
    /// A client sends more.
    TrafficSpike(Spike),
}

/// Where.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The component.
    pub component: String,
    /// Which instance, from 1; all of them if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<u32>,
}

/// Slowness.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Slow {
    /// The component.
    pub component: String,
    /// Which instance, from 1; all of them if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<u32>,
    /// How many times as long work takes that begins while it lasts: 1 to 1000.
    pub factor: f64,
}

/// Errors.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Errors {
    /// The component.
    pub component: String,
    /// Which instance, from 1; all of them if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<u32>,
    /// The chance that a request fails when it gets its server, 0 to 1.
    pub share: f64,
}

/// Servers out of order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Reduced {
    /// The component.
    pub component: String,
    /// Which instance, from 1; all of them if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<u32>,
    /// How many workers or connections of each instance.
    pub servers: u32,
}

/// A link.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Between {
    /// The component that calls.
    pub from: String,
    /// The component that is called.
    pub to: String,
}

/// A lossy link.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Lossy {
    /// The component that calls.
    pub from: String,
    /// The component that is called.
    pub to: String,
    /// The chance that a message is lost, on top of the link's own, 0 to 0.5.
    pub loss: f64,
}

/// A zone.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// Which zone, from 1.
    pub zone: u32,
}

/// More traffic.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Spike {
    /// The client.
    pub client: String,
    /// How many times as many requests as usual, 0.001 to 1000.
    pub factor: f64,
}

impl Fault {
    pub(crate) fn check(&self, scenario: &Scenario, p: &mut Problems) {
        p.within("what", |p| self.what.check(scenario, p));
        match (self.at_s, self.after_events, &self.random) {
            (Some(at), None, None) => p.number("at_s", at, 0.0, limits::HORIZON_S),
            (None, Some(events), None) => p.count("after_events", events, 1, limits::EVENTS),
            (None, None, Some(random)) => p.within("random", |p| {
                p.number("mean_up_s", random.mean_up_s, 1e-3, limits::HORIZON_S);
                p.number("mean_down_s", random.mean_down_s, 1e-3, limits::HORIZON_S);
            }),
            (None, None, None) => p.note(
                "a fault comes once, \"at_s\" or \"after_events\", or again and again, \"random\"",
            ),
            (Some(_), Some(_), _) => {
                p.note_at(
                    "after_events",
                    "a fault comes at a moment or after an event, not both",
                );
            }
            (_, _, Some(_)) => {
                p.note_at("random", "a fault comes once or again and again, not both");
            }
        }
        if let Some(for_s) = self.for_s {
            p.number("for_s", for_s, 0.0, limits::HORIZON_S);
            if self.random.is_some() {
                p.note_at(
                    "for_s",
                    "how long it lasts is \"mean_down_s\" of \"random\"",
                );
            }
        }
    }
}

/// Kinds of component that have stations.
const STATIONS: &[Kind] = &[
    Kind::Service,
    Kind::Database,
    Kind::Cache,
    Kind::Gateway,
    Kind::Shards,
    Kind::Queue,
    Kind::Topic,
    Kind::EventStore,
    Kind::View,
];

impl Trouble {
    /// The kinds of component that it can strike; none if it strikes a link or a zone.
    pub const fn kinds(&self) -> &'static [Kind] {
        match self {
            Self::Crash(_)
            | Self::Slow(_)
            | Self::Errors(_)
            | Self::ReducedCapacity(_)
            | Self::MissedHealthChecks(_) => STATIONS,
            Self::CacheFlush(_) => &[Kind::Cache, Kind::Gateway],
            Self::DiskFull(_) => &[Kind::Database, Kind::EventStore],
            Self::ReplicaLag(_) => &[Kind::Database, Kind::View],
            Self::TrafficSpike(_) => &[Kind::Client],
            Self::Partition(_) | Self::PacketLoss(_) | Self::ZoneOutage(_) => &[],
        }
    }

    fn check(&self, scenario: &Scenario, p: &mut Problems) {
        let kinds = (self.kinds(), scenario);
        match self {
            Self::Crash(place) => p.within("crash", |p| place.check(kinds, p)),
            Self::MissedHealthChecks(place) => {
                p.within("missed_health_checks", |p| place.check(kinds, p));
            }
            Self::CacheFlush(place) => {
                p.within("cache_flush", |p| {
                    place.check(kinds, p);
                });
            }
            Self::DiskFull(place) => {
                p.within("disk_full", |p| {
                    place.check(kinds, p);
                });
            }
            Self::ReplicaLag(place) => {
                p.within("replica_lag", |p| {
                    place.check(kinds, p);
                });
            }
            Self::Slow(slow) => p.within("slow", |p| {
                check_place(&slow.component, slow.instance, kinds, p);
                p.number("factor", slow.factor, 1.0, 1000.0);
            }),
            Self::Errors(errors) => p.within("errors", |p| {
                check_place(&errors.component, errors.instance, kinds, p);
                p.number("share", errors.share, 0.0, 1.0);
            }),
            Self::ReducedCapacity(reduced) => p.within("reduced_capacity", |p| {
                check_place(&reduced.component, reduced.instance, kinds, p);
                p.count("servers", u64::from(reduced.servers), 1, limits::WORKERS);
            }),
            Self::Partition(between) => p.within("partition", |p| {
                check_link(&between.from, &between.to, scenario, p);
            }),
            Self::PacketLoss(lossy) => p.within("packet_loss", |p| {
                check_link(&lossy.from, &lossy.to, scenario, p);
                p.number("loss", lossy.loss, 0.0, 0.5);
            }),
            Self::ZoneOutage(zone) => p.within("zone_outage", |p| {
                p.count("zone", u64::from(zone.zone), 1, u64::from(scenario.zones));
            }),
            Self::TrafficSpike(spike) => p.within("traffic_spike", |p| {
                check_place_named("client", &spike.client, None, kinds, p);
                p.number("factor", spike.factor, 1e-3, 1000.0);
            }),
        }
    }
}

impl Place {
    fn check(&self, kinds: (&'static [Kind], &Scenario), p: &mut Problems) {
        check_place(&self.component, self.instance, kinds, p);
    }
}

fn check_place(
    name: &str,
    instance: Option<u32>,
    kinds: (&'static [Kind], &Scenario),
    p: &mut Problems,
) {
    check_place_named("component", name, instance, kinds, p);
}

fn check_place_named(
    field: &'static str,
    name: &str,
    instance: Option<u32>,
    (kinds, scenario): (&'static [Kind], &Scenario),
    p: &mut Problems,
) {
    let Some(component) = scenario.components.get(name) else {
        return p.note_at(field, unknown(name, scenario.components.keys()));
    };
    let kind = component.kind();
    if !kinds.contains(&kind) {
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        let message = format!(
            "'{name}' is a {}: this fault is one of a {}",
            kind.name(),
            names.join(", ")
        );
        return p.note_at(field, message);
    }
    if let Some(instance) = instance {
        p.count("instance", u64::from(instance), 1, instances(component));
    }
}

/// How many instances a component can have.
fn instances(component: &Component) -> u64 {
    match component {
        Component::Service(service) => u64::from(service.most_instances()),
        Component::Cache(cache) => u64::from(cache.regions),
        Component::Database(database) => {
            let replicas = database.replication.as_ref().map_or(0, |r| r.replicas);
            u64::from(replicas) + 1
        }
        _ => 1,
    }
}

fn check_link(from: &str, to: &str, scenario: &Scenario, p: &mut Problems) {
    if !scenario.links.iter().any(|l| l.from == from && l.to == to) {
        p.note(format!(
            "there is no link from '{from}' to '{to}': name it under \"links\""
        ));
    }
}
