//! Measures by name, and conditions on them: what tasks, predictions, quizzes, proofs and claims ask of a run.

use serde::{Deserialize, Serialize};

use crate::component::{Component, Kind};
use crate::database_figures::DatabaseFigures;
use crate::figures::{Figures, StationFigures};
use crate::model::Model;
use crate::problem::Problem;
use crate::scenario::{Scenario, unknown};
use crate::view_figures::{StoreFigures, ViewFigures};

/// What can be measured.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Requests sent, a second; of a component: requests that came to it.
    OfferedPerS,
    /// Requests answered, a second; of a component: visits ended there.
    ThroughputPerS,
    /// Requests answered within their client's deadline, a second.
    GoodputPerS,
    /// Requests answered in part by a substitute, a second.
    DegradedPerS,
    /// Requests lost, a second; of a component: refused there.
    LostPerS,
    /// Requests lost; of a component: refused there.
    Lost,
    /// Requests answered; of a component: visits ended there.
    Completed,
    /// Mean latency, in milliseconds.
    MeanMs,
    /// Median latency.
    P50Ms,
    /// 95th percentile of latency.
    P95Ms,
    /// 99th percentile of latency.
    P99Ms,
    /// The longest latency.
    MaxMs,
    /// Mean number of requests under way.
    InSystem,
    /// Mean number waiting at a component, over all its instances.
    QueueLength,
    /// The most that waited at any one instance of a component.
    QueueMax,
    /// Mean wait at a component of those that got a server, in milliseconds.
    WaitMs,
    /// Busy servers over servers of a component, 0 to 1.
    Utilisation,
    /// Reads of a cache that found their key, over all its reads, 0 to 1.
    HitRatio,
    /// Hits of a cache on a version older than the database's.
    Stale,
    /// The same, a second.
    StalePerS,
    /// Of stale hits of a cache, or stale reads at replicas: how long ago the newer version was written, on average, in
    /// milliseconds.
    StaleMs,
    /// Values that a cache gave up to make room, a second.
    EvictionsPerS,
    /// Writes that were answered and then lost: by a cache, in failovers of a database, or while keys moved between shards.
    LostWrites,
    /// Mean number of instances of a component that serve: up, warmed up, and not being taken away.
    Instances,
    /// Sessions of a component that had to be made anew.
    Rebuilt,
    /// Rows that a database's statements looked at.
    RowsExamined,
    /// Rows whose writes a database has committed.
    RowsWritten,
    /// Mean wait for a row's lock, of those who had to wait, in milliseconds.
    LockWaitMs,
    /// Changes of rows that began anew, because another was quicker.
    Conflicts,
    /// Connections to a database that were set up.
    Connects,
    /// Mean wait of a database's visits for their connection, set-up included, in milliseconds.
    ConnectMs,
    /// Reads at replicas that saw what had been overwritten on the primary; of shards, reads that were answered though the shard
    /// that was asked did not have the row.
    StaleReads,
    /// Of these, how long ago the newer version was written at most, in milliseconds.
    StaleMaxMs,
    /// Reads at replicas that did not see what their own user had written.
    OwnMissed,
    /// How far replicas were behind at most when they were read, in milliseconds; of a view, how long a change took at most to
    /// be seen.
    LagMaxMs,
    /// How often the scenario's invariants were violated.
    Violations,
    /// Keys that have moved to another shard.
    KeysMoved,
    /// Answers without all shards, of operations that ask all.
    PartialAnswers,
    /// Sagas that a service has finished.
    SagasFinished,
    /// Sagas that a service has taken back.
    SagasCompensated,
    /// Sagas of a service that need a person.
    SagasStuck,
    /// How long branches of transactions were in doubt at a database on average, from prepared to decided, in milliseconds.
    InDoubtMs,
    /// How long at most.
    InDoubtMaxMs,
    /// Mean number of messages that wait at a queue or topic: with no consumer, or not committed by the subscription that is
    /// furthest behind.
    Backlog,
    /// The most that waited at any moment.
    BacklogMax,
    /// Deliveries of messages by a queue or topic after their first.
    Redelivered,
    /// Messages of a queue or topic that were delivered as often as they may be.
    DeadLetters,
    /// Messages of a queue or topic that were lost: dropped for others, acknowledged and not processed, or by a crash of the
    /// broker.
    LostMessages,
    /// Messages of a queue or topic that were processed, by all subscriptions.
    Processed,
    /// How long after they were published messages were processed, on average, in milliseconds.
    ProcessedMs,
    /// 99th percentile of that time.
    ProcessedP99Ms,
    /// How long a change took on average from its source to being seen in a view, in milliseconds.
    LagMs,
    /// How many changes a view was behind at most when it was read.
    BehindMax,
    /// Changes that a view applied; those of a rebuild, and after a crash, count each time.
    Applied,
    /// Events that an event store replayed, of each stream that it read.
    EventsPerLoad,
    /// Of those, how often one had to be upcast, in all.
    Upcasts,
    /// Events that were appended to an event store.
    Appended,
}

impl Metric {
    /// Its unit, as shown behind a number; empty if it has none.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::OfferedPerS
            | Self::ThroughputPerS
            | Self::GoodputPerS
            | Self::DegradedPerS
            | Self::LostPerS => "requests/s",
            Self::Lost | Self::Completed | Self::InSystem | Self::QueueLength | Self::QueueMax => {
                "requests"
            }
            Self::MeanMs
            | Self::P50Ms
            | Self::P95Ms
            | Self::P99Ms
            | Self::MaxMs
            | Self::WaitMs
            | Self::StaleMs
            | Self::LockWaitMs
            | Self::ConnectMs
            | Self::StaleMaxMs
            | Self::InDoubtMs
            | Self::InDoubtMaxMs
            | Self::LagMaxMs
            | Self::ProcessedMs
            | Self::LagMs
            | Self::ProcessedP99Ms => "ms",
            Self::BehindMax | Self::Applied => "changes",
            Self::EventsPerLoad | Self::Upcasts | Self::Appended => "events",
            Self::Utilisation | Self::HitRatio | Self::Conflicts | Self::Connects => "",
            Self::Stale => "hits",
            Self::StalePerS => "hits/s",
            Self::EvictionsPerS => "entries/s",
            Self::LostWrites => "writes",
            Self::Violations => "violations",
            Self::Instances => "instances",
            Self::Rebuilt => "sessions",
            Self::RowsExamined | Self::RowsWritten => "rows",
            Self::StaleReads | Self::OwnMissed => "reads",
            Self::KeysMoved => "keys",
            Self::PartialAnswers => "answers",
            Self::SagasFinished | Self::SagasCompensated | Self::SagasStuck => "sagas",
            Self::Redelivered => "deliveries",
            Self::Backlog
            | Self::BacklogMax
            | Self::DeadLetters
            | Self::LostMessages
            | Self::Processed => "messages",
        }
    }

    /// Whether what it is of a run is the sum of what it is of the run's parts.
    pub const fn adds_up(self) -> bool {
        matches!(
            self,
            Self::Lost
                | Self::Completed
                | Self::Stale
                | Self::LostWrites
                | Self::StaleReads
                | Self::OwnMissed
                | Self::Violations
                | Self::Conflicts
                | Self::Connects
                | Self::Rebuilt
                | Self::KeysMoved
                | Self::PartialAnswers
                | Self::SagasFinished
                | Self::SagasCompensated
                | Self::SagasStuck
                | Self::Redelivered
                | Self::DeadLetters
                | Self::LostMessages
                | Self::Processed
                | Self::RowsExamined
                | Self::RowsWritten
                | Self::Applied
                | Self::Upcasts
                | Self::Appended
        )
    }

    /// Whether what it is of a run is the largest of what it is of the run's parts.
    pub const fn is_largest(self) -> bool {
        matches!(
            self,
            Self::MaxMs
                | Self::QueueMax
                | Self::StaleMaxMs
                | Self::InDoubtMaxMs
                | Self::LagMaxMs
                | Self::BacklogMax
                | Self::BehindMax
        )
    }

    /// Its name in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::OfferedPerS => "offered load",
            Self::ThroughputPerS => "throughput",
            Self::GoodputPerS => "goodput",
            Self::DegradedPerS => "rate of degraded answers",
            Self::LostPerS => "loss rate",
            Self::Lost => "lost requests",
            Self::Completed => "answered requests",
            Self::MeanMs => "mean latency",
            Self::P50Ms => "median latency",
            Self::P95Ms => "p95 latency",
            Self::P99Ms => "p99 latency",
            Self::MaxMs => "longest latency",
            Self::InSystem => "requests under way",
            Self::QueueLength => "queue length",
            Self::QueueMax => "longest queue",
            Self::WaitMs => "mean wait",
            Self::Utilisation => "utilisation",
            Self::HitRatio => "hit ratio",
            Self::Stale => "stale hits",
            Self::StalePerS => "rate of stale hits",
            Self::StaleMs => "mean staleness",
            Self::EvictionsPerS => "evictions",
            Self::LostWrites => "lost writes",
            Self::Instances => "instances",
            Self::Rebuilt => "sessions made anew",
            Self::RowsExamined => "rows examined",
            Self::RowsWritten => "rows written",
            Self::LockWaitMs => "mean wait for a lock",
            Self::Conflicts => "conflicts",
            Self::Connects => "connections set up",
            Self::ConnectMs => "mean wait for a connection",
            Self::StaleReads => "stale reads",
            Self::StaleMaxMs => "greatest staleness",
            Self::OwnMissed => "own writes missed",
            Self::LagMaxMs => "greatest lag",
            Self::Violations => "violated invariants",
            Self::KeysMoved => "keys moved",
            Self::PartialAnswers => "partial answers",
            Self::SagasFinished => "sagas finished",
            Self::SagasCompensated => "sagas compensated",
            Self::SagasStuck => "sagas stuck",
            Self::InDoubtMs => "mean time in doubt",
            Self::InDoubtMaxMs => "greatest time in doubt",
            Self::Backlog => "backlog",
            Self::BacklogMax => "greatest backlog",
            Self::Redelivered => "redeliveries",
            Self::DeadLetters => "dead letters",
            Self::LostMessages => "lost messages",
            Self::Processed => "messages processed",
            Self::ProcessedMs => "mean time until processed",
            Self::ProcessedP99Ms => "p99 of the time until processed",
            Self::LagMs => "mean lag",
            Self::BehindMax => "most changes behind",
            Self::Applied => "changes applied",
            Self::EventsPerLoad => "events a load",
            Self::Upcasts => "events upcast",
            Self::Appended => "events appended",
        }
    }

    const fn needs_component(self) -> bool {
        self.needs_cache()
            || self.needs_database()
            || self.needs_either()
            || self.needs_shards()
            || self.needs_service()
            || (self.needs_broker() && !matches!(self, Self::ProcessedMs))
            || self.needs_view()
            || self.needs_store()
            || matches!(
                self,
                Self::QueueLength
                    | Self::QueueMax
                    | Self::WaitMs
                    | Self::Utilisation
                    | Self::Instances
                    | Self::Rebuilt
            )
    }

    const fn needs_service(self) -> bool {
        matches!(
            self,
            Self::SagasFinished | Self::SagasCompensated | Self::SagasStuck
        )
    }

    const fn needs_cache(self) -> bool {
        matches!(
            self,
            Self::HitRatio | Self::Stale | Self::StalePerS | Self::EvictionsPerS
        )
    }

    const fn needs_database(self) -> bool {
        matches!(
            self,
            Self::RowsExamined
                | Self::RowsWritten
                | Self::LockWaitMs
                | Self::Conflicts
                | Self::Connects
                | Self::ConnectMs
                | Self::StaleReads
                | Self::StaleMaxMs
                | Self::OwnMissed
                | Self::LagMaxMs
                | Self::InDoubtMs
                | Self::InDoubtMaxMs
        )
    }

    const fn needs_shards(self) -> bool {
        matches!(self, Self::KeysMoved | Self::PartialAnswers)
    }

    /// Whether it is about messages; `ProcessedP99Ms` is one of the whole system.
    const fn needs_broker(self) -> bool {
        matches!(
            self,
            Self::Backlog
                | Self::BacklogMax
                | Self::Redelivered
                | Self::DeadLetters
                | Self::LostMessages
                | Self::Processed
                | Self::ProcessedMs
        )
    }

    const fn needs_view(self) -> bool {
        matches!(self, Self::LagMs | Self::BehindMax | Self::Applied)
    }

    const fn needs_store(self) -> bool {
        matches!(self, Self::EventsPerLoad | Self::Upcasts | Self::Appended)
    }

    const fn needs_either(self) -> bool {
        matches!(self, Self::StaleMs | Self::LostWrites)
    }

    /// The kinds of component that it is measured at, in words; empty for all that hold requests.
    const fn places(self) -> &'static str {
        match self {
            Self::Conflicts => "databases and event stores",
            Self::StaleReads => "databases, shards and views",
            Self::StaleMaxMs | Self::LagMaxMs => "databases and views",
            Self::StaleMs => "databases, views, caches, and gateways that have one",
            Self::LostWrites => "databases, shards, caches, and gateways that have one",
            _ if self.needs_cache() => "caches, and gateways that have one",
            _ if self.needs_database() => "databases",
            _ if self.needs_shards() => "shards",
            _ if self.needs_view() => "views",
            _ if self.needs_store() => "event stores",
            _ if self.needs_service() => "services",
            _ if self.needs_broker() => "queues and topics",
            _ => "",
        }
    }

    /// Whether it is measured at a component of this kind.
    const fn is_at(self, kind: Kind) -> bool {
        let own = match kind {
            Kind::Cache | Kind::Gateway => self.needs_cache() || self.needs_either(),
            Kind::Database => self.needs_database() || self.needs_either(),
            Kind::Shards => {
                self.needs_shards() || matches!(self, Self::StaleReads | Self::LostWrites)
            }
            Kind::EventStore => self.needs_store() || matches!(self, Self::Conflicts),
            Kind::View => {
                let stale = matches!(self, Self::StaleReads | Self::StaleMs | Self::StaleMaxMs);
                self.needs_view() || stale || matches!(self, Self::LagMaxMs)
            }
            Kind::Queue | Kind::Topic => self.needs_broker(),
            Kind::Service => self.needs_service(),
            Kind::Client | Kind::Balancer => false,
        };
        own || self.places().is_empty()
    }

    const fn takes_component(self) -> bool {
        self.needs_component()
            || matches!(
                self,
                Self::OfferedPerS
                    | Self::ProcessedMs
                    | Self::ThroughputPerS
                    | Self::LostPerS
                    | Self::Lost
                    | Self::Completed
            )
    }
}

/// A metric, of one component or of the whole system.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// What is measured.
    #[serde(rename = "measure")]
    pub metric: Metric,
    /// The component; the whole system if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// A measure with the bounds that it must keep.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// What is measured.
    #[serde(rename = "measure")]
    pub metric: Metric,
    /// The component; the whole system if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// It must be greater than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// It must be less than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// In a live series: for how many simulated seconds without a break; one window if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<f64>,
}

impl Measure {
    /// What is wrong with this measure in a scenario, if anything; paths are relative to the measure.
    pub fn problems(&self, scenario: &Scenario) -> Vec<Problem> {
        let mut problems = Vec::new();
        let words = self.metric.words();
        match &self.of {
            None if self.metric.needs_component() => {
                problems.push(Problem::new(
                    "of",
                    format!("{words} is measured at a component: name it with \"of\""),
                ));
            }
            Some(_) if !self.metric.takes_component() => {
                problems.push(Problem::new(
                    "of",
                    format!("{words} is measured for the whole system: leave out \"of\""),
                ));
            }
            Some(name) => match scenario.components.get(name) {
                None => problems.push(Problem::new(
                    "of",
                    unknown(name, scenario.components.keys()),
                )),
                Some(other) if !self.metric.is_at(other.kind()) => problems.push(Problem::new(
                    "of",
                    format!(
                        "'{name}' is a {}: {words} is measured at {}",
                        other.kind().name(),
                        self.metric.places()
                    ),
                )),
                Some(
                    Component::Cache(_)
                    | Component::Gateway(_)
                    | Component::Shards(_)
                    | Component::Service(_)
                    | Component::Database(_)
                    | Component::Queue(_)
                    | Component::Topic(_)
                    | Component::EventStore(_)
                    | Component::View(_),
                ) => {}
                Some(other) => problems.push(Problem::new(
                    "of",
                    format!(
                        "'{name}' is a {}: {words} is measured where requests are worked on, such as services and databases",
                        other.kind().name()
                    ),
                )),
            },
            None => {}
        }
        problems
    }

    /// Its value over a stretch of a run of `model`; `None` if nothing was there to be measured.
    #[expect(clippy::too_many_lines, reason = "one arm a metric")]
    pub fn value(&self, model: &Model, figures: &Figures) -> Option<f64> {
        let per_s = |count: u64| count as f64 / figures.seconds().max(f64::MIN_POSITIVE);
        if let Some(name) = &self.of {
            let component = model.component_named(name)?;
            let kind = model.components[component].kind;
            if matches!(kind, Kind::Client | Kind::Balancer) {
                return None;
            }
            let stations = || {
                let own = |(at, _): &(usize, &StationFigures)| {
                    usize::from(model.stations[*at].component) == component
                };
                figures
                    .stations
                    .iter()
                    .enumerate()
                    .filter(own)
                    .map(|(_, s)| s)
            };
            let left: u64 = stations().map(|s| s.left).sum();
            let stale = || stations().map(|s| s.stale_hits).sum::<u64>();
            let refused: u64 = stations().map(|s| s.refused).sum();
            return match self.metric {
                Metric::ThroughputPerS => Some(per_s(left)),
                Metric::OfferedPerS => Some(per_s(left + refused)),
                Metric::LostPerS => Some(per_s(refused)),
                Metric::Lost => Some(refused as f64),
                Metric::Completed => Some(left as f64),
                Metric::QueueLength => Some(stations().map(|s| s.waiting).sum()),
                Metric::QueueMax => stations()
                    .map(|s| f64::from(s.waiting_max))
                    .reduce(f64::max),
                Metric::WaitMs => {
                    let started: u64 = stations().map(|s| s.started).sum();
                    let waited: f64 = stations().map(|s| s.wait_ms * s.started as f64).sum();
                    (started > 0).then(|| waited / started as f64)
                }
                Metric::Utilisation => {
                    let servers: f64 = stations().map(|s| s.servers).sum();
                    (servers > 0.0).then(|| stations().map(|s| s.busy).sum::<f64>() / servers)
                }
                Metric::HitRatio => {
                    let hits: u64 = stations().map(|s| s.hits).sum();
                    let misses: u64 = stations().map(|s| s.misses).sum();
                    (hits + misses > 0).then(|| hits as f64 / (hits + misses) as f64)
                }
                Metric::Stale => Some(stale() as f64),
                Metric::StalePerS => Some(per_s(stale())),
                Metric::StaleMs if matches!(kind, Kind::Cache | Kind::Gateway) => {
                    let sum: f64 = stations().map(|s| s.stale_ms * s.stale_hits as f64).sum();
                    (stale() > 0).then(|| sum / stale() as f64)
                }
                Metric::EvictionsPerS => Some(per_s(stations().map(|s| s.evictions).sum())),
                Metric::LostWrites if kind != Kind::Database => {
                    Some(stations().map(|s| s.lost_writes).sum::<u64>() as f64)
                }
                Metric::StaleReads if kind == Kind::Shards => {
                    Some(stations().map(|s| s.misreads).sum::<u64>() as f64)
                }
                Metric::KeysMoved => Some(stations().map(|s| s.keys_moved).sum::<u64>() as f64),
                Metric::PartialAnswers => {
                    Some(stations().map(|s| s.partial_answers).sum::<u64>() as f64)
                }
                Metric::Instances => {
                    let own = model.stations.iter().zip(&figures.stations);
                    let own = own.filter(|(s, _)| usize::from(s.component) == component);
                    Some(own.map(|(s, f)| f.servers / f64::from(s.servers)).sum())
                }
                _ if self.metric.needs_broker() => self.of_broker(&stations()),
                Metric::Rebuilt => Some(stations().map(|s| s.rebuilt).sum::<u64>() as f64),
                Metric::SagasFinished => {
                    Some(stations().map(|s| s.sagas_finished).sum::<u64>() as f64)
                }
                Metric::SagasCompensated => {
                    Some(stations().map(|s| s.sagas_compensated).sum::<u64>() as f64)
                }
                Metric::SagasStuck => Some(stations().map(|s| s.sagas_stuck).sum::<u64>() as f64),
                _ if kind == Kind::EventStore => self.of_store(&stations().next()?.store),
                _ if kind == Kind::View => self.of_view(&stations().next()?.view),
                _ => self.of_database(&stations()),
            };
        }
        let latency = figures.latency.as_ref();
        match self.metric {
            Metric::OfferedPerS => Some(per_s(figures.sent)),
            Metric::ThroughputPerS => Some(per_s(figures.completed)),
            Metric::GoodputPerS => Some(per_s(figures.good)),
            Metric::DegradedPerS => Some(per_s(figures.degraded)),
            Metric::LostPerS => Some(per_s(figures.lost)),
            Metric::Lost => Some(figures.lost as f64),
            Metric::Completed => Some(figures.completed as f64),
            Metric::MeanMs => latency.map(|l| l.mean_ms),
            Metric::P50Ms => latency.map(|l| l.p50_ms),
            Metric::P95Ms => latency.map(|l| l.p95_ms),
            Metric::P99Ms => latency.map(|l| l.p99_ms),
            Metric::MaxMs => latency.map(|l| l.max_ms),
            Metric::InSystem => Some(figures.in_system),
            Metric::Violations => Some(figures.violations as f64),
            Metric::ProcessedMs => figures.processed.as_ref().map(|l| l.mean_ms),
            Metric::ProcessedP99Ms => figures.processed.as_ref().map(|l| l.p99_ms),
            _ => None,
        }
    }

    /// Its value at a queue or topic.
    fn of_broker<'a>(
        &self,
        stations: &(impl Iterator<Item = &'a StationFigures> + Clone),
    ) -> Option<f64> {
        let own = stations.clone().next()?.messages;
        match self.metric {
            Metric::Backlog => Some(own.backlog),
            Metric::BacklogMax => Some(f64::from(own.backlog_max)),
            Metric::Redelivered => Some(own.redelivered as f64),
            Metric::DeadLetters => Some(own.dead_letters as f64),
            Metric::LostMessages => Some((own.lost + own.dropped) as f64),
            Metric::Processed => Some(own.processed as f64),
            Metric::ProcessedMs => (own.processed > 0).then_some(own.processed_ms),
            _ => None,
        }
    }

    /// Its value at an event store.
    fn of_store(&self, store: &StoreFigures) -> Option<f64> {
        match self.metric {
            Metric::Conflicts => Some(store.conflicts as f64),
            Metric::Upcasts => Some(store.upcasts as f64),
            Metric::Appended => Some(store.appended as f64),
            Metric::EventsPerLoad => {
                (store.loads > 0).then(|| store.replayed as f64 / store.loads as f64)
            }
            _ => None,
        }
    }

    /// Its value at a view.
    fn of_view(&self, view: &ViewFigures) -> Option<f64> {
        match self.metric {
            Metric::StaleReads => Some(view.stale_reads as f64),
            Metric::StaleMs => (view.stale_reads > 0).then_some(view.stale_ms),
            Metric::StaleMaxMs => Some(view.stale_max_ms),
            Metric::LagMaxMs => Some(view.lag_max_ms),
            Metric::LagMs => (view.shown > 0).then_some(view.lag_ms),
            Metric::BehindMax => Some(view.behind_max as f64),
            Metric::Applied => Some(view.applied as f64),
            _ => None,
        }
    }

    /// Its value over the nodes of a database.
    fn of_database<'a>(
        &self,
        nodes: &(impl Iterator<Item = &'a StationFigures> + Clone),
    ) -> Option<f64> {
        let sum =
            |of: fn(&DatabaseFigures) -> u64| nodes.clone().map(|s| of(&s.database)).sum::<u64>();
        let most = |of: fn(&DatabaseFigures) -> f64| {
            nodes.clone().map(|s| of(&s.database)).reduce(f64::max)
        };
        let mean = |of: fn(&DatabaseFigures) -> f64, among: fn(&StationFigures) -> u64| {
            let all: u64 = nodes.clone().map(among).sum();
            let total = nodes.clone().map(|s| of(&s.database) * among(s) as f64);
            (all > 0).then(|| total.sum::<f64>() / all as f64)
        };
        match self.metric {
            Metric::RowsExamined => Some(sum(|d| d.rows_examined) as f64),
            Metric::RowsWritten => Some(sum(|d| d.rows_written) as f64),
            Metric::Conflicts => Some(sum(|d| d.conflicts) as f64),
            Metric::Connects => Some(sum(|d| d.connects) as f64),
            Metric::StaleReads => Some(sum(|d| d.stale_reads) as f64),
            Metric::OwnMissed => Some(sum(|d| d.own_missed) as f64),
            Metric::LostWrites => Some(sum(|d| d.lost_writes) as f64),
            Metric::LockWaitMs => mean(|d| d.lock_wait_ms, |s| s.database.lock_waits),
            Metric::ConnectMs => mean(|d| d.connect_ms, |s| s.started),
            Metric::StaleMs => mean(|d| d.stale_ms, |s| s.database.stale_reads),
            Metric::StaleMaxMs => most(|d| d.stale_max_ms),
            Metric::LagMaxMs => most(|d| d.lag_max_ms),
            Metric::InDoubtMs => mean(|d| d.in_doubt_ms, |s| s.database.resolved),
            Metric::InDoubtMaxMs => most(|d| d.in_doubt_max_ms),
            _ => None,
        }
    }
}

impl Condition {
    /// What it measures.
    pub fn measure(&self) -> Measure {
        Measure {
            metric: self.metric,
            of: self.of.clone(),
        }
    }

    /// What is wrong with this condition in a scenario, if anything; paths are relative to the condition.
    pub fn problems(&self, scenario: &Scenario) -> Vec<Problem> {
        let mut problems = self.measure().problems(scenario);
        if self.above.is_none() && self.below.is_none() {
            problems.push(Problem::new(
                "",
                "a condition needs \"above\", \"below\" or both",
            ));
        }
        if let Some(for_s) = self.for_s
            && !(for_s > 0.0 && for_s <= scenario.horizon_s)
        {
            problems.push(Problem::new(
                "for_s",
                format!(
                    "{for_s} is out of range: more than 0 and at most the horizon of {} s",
                    scenario.horizon_s
                ),
            ));
        }
        problems
    }

    /// Whether it holds over a stretch. Where there was nothing to measure it does not.
    pub fn holds(&self, model: &Model, figures: &Figures) -> bool {
        self.measure().value(model, figures).is_some_and(|value| {
            self.above.is_none_or(|above| value > above)
                && self.below.is_none_or(|below| value < below)
        })
    }

    /// Whether it holds at the end of a live series, for as long as it must.
    pub fn holds_at_end(&self, model: &Model, series: &[Figures]) -> bool {
        let Some(last) = series.last() else {
            return false;
        };
        let since = last.to_s - self.for_s.unwrap_or(0.0);
        // A hair of slack, for windows whose bounds are not exact in binary.
        let windows = || {
            series
                .iter()
                .rev()
                .take_while(|window| window.to_s > since + 1e-9)
        };
        let reach = series[0].from_s <= since + 1e-9 || self.for_s.is_none();
        reach && self.holds(model, last) && windows().all(|window| self.holds(model, window))
    }
}
