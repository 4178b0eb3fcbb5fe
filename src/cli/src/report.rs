//! What came of a run, or of several, in the shape in which it is printed.
//!
//! The names of the fields are those of the measures in lessons; a name ends in its unit, or is a count of requests.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use scale_sim::{
    Component, DatabaseFigures, Estimate, Figures, Findings, Kind, Latency, Loss, Measure, Metric,
    Model, Scenario, StationFigures, Stop, Time, Totals,
};

use crate::brokers::{BrokerReport, brokers};
use crate::sourcing::{EventStoreReport, ViewReport};
use crate::violations::{self, InvariantReport, ViolationReport};

/// The confidence of every interval.
pub const LEVEL: f64 = 0.99;

/// One run that is over.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its seed.
    pub seed: u64,
    /// The figures after the warm-up.
    pub figures: Figures,
    /// What the audit of the scenario's invariants found.
    pub findings: Findings,
    /// What became of all requests.
    pub totals: Totals,
    /// Events handled.
    pub events: u64,
    /// Whether it came to its end.
    pub stop: Stop,
    /// The moment it came to.
    pub ended: Time,
    /// The hash of the state in which it ended.
    pub state_hash: u64,
}

/// What `lab run --json` prints. Where there was nothing to measure a figure is null.
#[derive(Serialize, JsonSchema, Debug)]
pub struct Report {
    /// The version of this format: 1.
    pub version: u32,
    /// The scenario's file, as named on the command line.
    pub scenario: String,
    /// The scenario's title.
    pub title: String,
    /// When the warm-up ended, in simulated seconds: all figures but `requests` count from there on.
    pub warmup_s: f64,
    /// When the run was to end, in simulated seconds.
    pub until_s: f64,
    /// What became of all requests from the very start, in requests: `sent` is the sum of the others.
    pub requests: RequestTotals,
    /// The system as its clients see it.
    pub system: SystemReport,
    /// The stations: every instance of a service, and every database.
    pub stations: Vec<StationReport>,
    /// The stations that keep something: every cache, by region, and gateways that have one.
    pub caches: Vec<CacheReport>,
    /// Routers in front of shards of which there is anything to tell.
    pub shards: Vec<ShardsReport>,
    /// Services that scale with their load, or keep sessions.
    pub services: Vec<ServiceReport>,
    /// What became of sagas: every service that has any.
    pub sagas: Vec<SagaReport>,
    /// What databases did with rows, locks, connections and replicas: every node of which there is anything to tell.
    pub databases: Vec<DatabaseReport>,
    /// What queues and topics did with messages.
    pub brokers: Vec<BrokerReport>,
    /// What event stores did with their streams.
    pub event_stores: Vec<EventStoreReport>,
    /// How far views followed their sources, and how old their answers were.
    pub views: Vec<ViewReport>,
    /// Where requests were lost, and why; a place where none was is not listed.
    pub losses: Vec<LossReport>,
    /// What had to hold, and whether it did; from the very start, too.
    pub invariants: Vec<InvariantReport>,
    /// The first violations of invariants, seed by seed.
    pub violations: Vec<ViolationReport>,
    /// The runs, one a seed.
    pub runs: Vec<RunReport>,
}

/// A figure: a number of one run; or of several, the mean with its confidence interval.
#[derive(Serialize, JsonSchema, Clone, Copy, PartialEq, Debug)]
#[serde(untagged)]
pub enum Figure {
    /// A whole number.
    Count(u64),
    /// A number.
    Value(f64),
    /// A mean over several runs.
    Estimate(Estimate),
}

/// What became of all requests.
#[derive(Serialize, JsonSchema, Debug)]
pub struct RequestTotals {
    /// Sent by clients.
    pub sent: Figure,
    /// Answered.
    pub completed: Figure,
    /// Lost.
    pub lost: Figure,
    /// Under way when the run ended.
    pub under_way: Figure,
}

/// Figures of the whole system.
#[derive(Serialize, JsonSchema, Debug)]
pub struct SystemReport {
    /// Requests sent a second.
    pub offered_per_s: Option<Figure>,
    /// Requests answered a second.
    pub throughput_per_s: Option<Figure>,
    /// Requests answered within their client's deadline a second.
    pub goodput_per_s: Option<Figure>,
    /// Requests answered in part by a substitute a second.
    pub degraded_per_s: Option<Figure>,
    /// Requests lost a second.
    pub lost_per_s: Option<Figure>,
    /// Mean number of requests under way.
    pub in_system: Option<Figure>,
    /// Mean latency of the requests answered, in milliseconds.
    pub mean_ms: Option<Figure>,
    /// Median latency, in milliseconds.
    pub p50_ms: Option<Figure>,
    /// 95th percentile of latency, in milliseconds.
    pub p95_ms: Option<Figure>,
    /// 99th percentile of latency, in milliseconds.
    pub p99_ms: Option<Figure>,
    /// The longest latency, in milliseconds.
    pub max_ms: Option<Figure>,
}

/// Figures of one station.
#[derive(Serialize, JsonSchema, Debug)]
pub struct StationReport {
    /// Its name: the component's, with `.1` and so on for the instances of a service.
    pub station: String,
    /// Requests that it works on at once.
    pub servers: u32,
    /// Visits ended a second.
    pub throughput_per_s: Option<Figure>,
    /// Busy servers over servers, 0 to 1.
    pub utilisation: Option<Figure>,
    /// Mean number of requests that waited.
    pub queue_length: Option<Figure>,
    /// The most requests that waited at any moment.
    pub queue_max: Option<Figure>,
    /// Mean wait of those that got a server, in milliseconds; who did not have to wait counts as 0.
    pub wait_ms: Option<Figure>,
    /// Requests refused a second.
    pub lost_per_s: Option<Figure>,
}

/// Figures of one cache.
#[derive(Serialize, JsonSchema, Debug)]
pub struct CacheReport {
    /// Its station's name.
    pub station: String,
    /// Reads a second.
    pub reads_per_s: Option<Figure>,
    /// Reads that found their key, over all reads, 0 to 1.
    pub hit_ratio: Option<Figure>,
    /// Reads a second that found an older version than the database's.
    pub stale_per_s: Option<Figure>,
    /// Of these, how long ago the newer version was written, on average, in milliseconds.
    pub stale_ms: Option<Figure>,
    /// Entries a second that were given up to make room.
    pub evictions_per_s: Option<Figure>,
    /// Writes that were answered and then lost.
    pub lost_writes: Figure,
}

/// What a router in front of shards did.
#[derive(Serialize, JsonSchema, Debug)]
pub struct ShardsReport {
    /// Its station's name.
    pub station: String,
    /// Keys that moved to another shard.
    pub keys_moved: Figure,
    /// Reads that were answered though the shard that was asked did not have the row.
    pub stale_reads: Figure,
    /// Writes that were made and lost while keys moved.
    pub lost_writes: Figure,
    /// Answers without all shards.
    pub partial_answers: Figure,
}

/// What a service that scales with its load, or keeps sessions, did.
#[derive(Serialize, JsonSchema, Debug)]
pub struct ServiceReport {
    /// Its component.
    pub service: String,
    /// Mean number of instances that served.
    pub instances: Option<Figure>,
    /// Sessions made anew, for users who had lost theirs or had it elsewhere.
    pub sessions_rebuilt: Figure,
    /// Sessions that instances lost: in crashes, or when they were taken away.
    pub sessions_lost: Figure,
}

/// What became of a service's sagas.
#[derive(Serialize, JsonSchema, Debug)]
pub struct SagaReport {
    /// Its component.
    pub service: String,
    /// Sagas that were finished.
    pub finished: Figure,
    /// Sagas that were taken back.
    pub compensated: Figure,
    /// Sagas that need a person.
    pub stuck: Figure,
}

/// Figures of one node of a database.
#[derive(Serialize, JsonSchema, Debug)]
pub struct DatabaseReport {
    /// Its station.
    pub station: String,
    /// Rows that statements looked at, a second.
    pub rows_examined_per_s: Option<Figure>,
    /// Rows whose writes were committed, a second.
    pub rows_written_per_s: Option<Figure>,
    /// Statements that waited for a row's lock and got it.
    pub lock_waits: Figure,
    /// How long those waited on average, in milliseconds.
    pub lock_wait_ms: Option<Figure>,
    /// Changes that began anew, because another was quicker.
    pub conflicts: Figure,
    /// Connections that were set up.
    pub connects: Figure,
    /// How long a visit waited for its connection on average, in milliseconds.
    pub connect_ms: Option<Figure>,
    /// Reads at this node as a replica.
    pub replica_reads: Figure,
    /// Of those, the ones that saw what had been overwritten on the primary.
    pub stale_reads: Figure,
    /// For how long that had been so on average, in milliseconds.
    pub stale_ms: Option<Figure>,
    /// For how long at most, in milliseconds.
    pub stale_max_ms: Option<Figure>,
    /// Reads that did not see what their own user had written.
    pub own_missed: Figure,
    /// How far the node was behind on average when it was read, in milliseconds.
    pub lag_ms: Option<Figure>,
    /// How far at most, in milliseconds.
    pub lag_max_ms: Option<Figure>,
    /// Acknowledged writes that were lost when it took its primary's place.
    pub lost_writes: Figure,
    /// Branches of transactions that were decided after they had been prepared.
    pub resolved: Figure,
    /// How long those were in doubt on average, in milliseconds.
    pub in_doubt_ms: Option<Figure>,
    /// How long at most, in milliseconds.
    pub in_doubt_max_ms: Option<Figure>,
}

/// Requests lost at one place for one reason.
#[derive(Serialize, JsonSchema, Debug)]
pub struct LossReport {
    /// Why, such as `queue_full`.
    pub reason: &'static str,
    /// The station where it began to fail; empty if it was at none: the client itself gave up, or a balancer.
    pub station: String,
    /// How many requests.
    pub lost: Figure,
    /// How many a second.
    pub lost_per_s: Option<Figure>,
}

/// One run.
#[derive(Serialize, JsonSchema, Debug)]
pub struct RunReport {
    /// Its seed: the same scenario and seed give the same run.
    pub seed: u64,
    /// The moment it came to, in simulated seconds.
    pub ended_s: f64,
    /// Events that the engine handled.
    pub events: u64,
    /// A hash of the state in which it ended, in hexadecimal.
    pub state_hash: String,
    /// Why it was stopped before its end; null if it was not.
    pub stopped: Option<String>,
}

impl Report {
    /// The report on `runs` of a scenario, of which there is at least one, and that differ in their seeds only.
    pub fn new(file: &Path, scenario: &Scenario, model: &Model, runs: &[Run]) -> Self {
        let all = Runs(runs);
        let stations = || model.stations().enumerate();
        Self {
            version: 1,
            scenario: file.display().to_string(),
            title: scenario.title.clone(),
            warmup_s: scenario.warmup_s,
            until_s: scenario.horizon_s,
            requests: RequestTotals {
                sent: all.count(|run| run.totals.sent),
                completed: all.count(|run| run.totals.completed),
                lost: all.count(|run| run.totals.lost),
                under_way: all.count(|run| run.totals.under_way),
            },
            system: all.system(),
            stations: stations()
                .map(|(at, info)| all.station(at, info.name, info.servers))
                .collect(),
            caches: stations()
                .filter(|(at, info)| all.is_cache(model, *at, info.component))
                .map(|(at, info)| all.cache(at, info.name))
                .collect(),
            shards: stations()
                .filter(|(at, info)| all.is_shards(model, *at, info.component))
                .map(|(at, info)| all.shards(at, info.name))
                .collect(),
            services: all.services(scenario, model),
            sagas: all.sagas(model),
            databases: stations()
                .filter(|(at, _)| all.is_database(*at))
                .map(|(at, info)| all.database(at, info.name))
                .collect(),
            brokers: brokers(&all, model),
            event_stores: all.event_stores(model),
            views: all.views(model),
            losses: all.losses(model),
            invariants: violations::invariants(&all),
            violations: violations::violations(runs),
            runs: runs.iter().map(RunReport::new).collect(),
        }
    }
}

impl RunReport {
    fn new(run: &Run) -> Self {
        Self {
            seed: run.seed,
            ended_s: run.ended.secs(),
            events: run.events,
            state_hash: format!("{:016x}", run.state_hash),
            stopped: (run.stop != Stop::Reached).then(|| run.stop.to_string()),
        }
    }
}

/// Runs whose figures are taken together.
pub struct Runs<'a>(pub &'a [Run]);

impl Runs<'_> {
    /// A count of each run.
    pub fn count(&self, count: impl Fn(&Run) -> u64) -> Figure {
        if let [run] = self.0 {
            return Figure::Count(count(run));
        }
        let counts: Vec<f64> = self.0.iter().map(|run| count(run) as f64).collect();
        Figure::Estimate(Estimate::new(&counts, LEVEL).expect("a report is on one run at least"))
    }

    /// A value, of the runs that have one.
    pub(crate) fn value(&self, value: impl Fn(&Figures) -> Option<f64>) -> Option<Figure> {
        if let [run] = self.0 {
            return value(&run.figures).map(Figure::Value);
        }
        let values: Vec<f64> = self
            .0
            .iter()
            .filter_map(|run| value(&run.figures))
            .collect();
        Estimate::new(&values, LEVEL).map(Figure::Estimate)
    }

    /// A count, by the second.
    pub(crate) fn per_s(&self, count: impl Fn(&Figures) -> u64) -> Option<Figure> {
        self.value(|figures| {
            (figures.seconds() > 0.0).then(|| count(figures) as f64 / figures.seconds())
        })
    }

    fn system(&self) -> SystemReport {
        let latency =
            |of: fn(&Latency) -> f64| self.value(|figures| figures.latency.as_ref().map(of));
        SystemReport {
            offered_per_s: self.per_s(|figures| figures.sent),
            throughput_per_s: self.per_s(|figures| figures.completed),
            goodput_per_s: self.per_s(|figures| figures.good),
            degraded_per_s: self.per_s(|figures| figures.degraded),
            lost_per_s: self.per_s(|figures| figures.lost),
            in_system: self.value(|figures| Some(figures.in_system)),
            mean_ms: latency(|latency| latency.mean_ms),
            p50_ms: latency(|latency| latency.p50_ms),
            p95_ms: latency(|latency| latency.p95_ms),
            p99_ms: latency(|latency| latency.p99_ms),
            max_ms: latency(|latency| latency.max_ms),
        }
    }

    fn station(&self, at: usize, name: &str, servers: u32) -> StationReport {
        let value =
            |of: fn(&StationFigures) -> f64| self.value(|figures| Some(of(&figures.stations[at])));
        StationReport {
            station: name.to_owned(),
            servers,
            throughput_per_s: self.per_s(|figures| figures.stations[at].left),
            utilisation: value(StationFigures::utilisation),
            queue_length: value(|station| station.waiting),
            queue_max: Some(self.most_waiting(at)),
            wait_ms: self.value(|figures| {
                let station = &figures.stations[at];
                (station.left > 0).then_some(station.wait_ms)
            }),
            lost_per_s: self.per_s(|figures| figures.stations[at].refused),
        }
    }

    fn is_cache(&self, model: &Model, at: usize, component: usize) -> bool {
        let kind = model.components().nth(component).map(|(_, kind)| kind);
        let read = |run: &Run| run.figures.stations[at].hit_ratio().is_some();
        kind == Some(Kind::Cache) || self.0.iter().any(read)
    }

    fn cache(&self, at: usize, name: &str) -> CacheReport {
        CacheReport {
            station: name.to_owned(),
            reads_per_s: self.per_s(|figures| {
                let station = &figures.stations[at];
                station.hits + station.misses
            }),
            hit_ratio: self.value(|figures| figures.stations[at].hit_ratio()),
            stale_per_s: self.per_s(|figures| figures.stations[at].stale_hits),
            stale_ms: self.value(|figures| {
                let station = &figures.stations[at];
                (station.stale_hits > 0).then_some(station.stale_ms)
            }),
            evictions_per_s: self.per_s(|figures| figures.stations[at].evictions),
            lost_writes: self.count(|run| run.figures.stations[at].lost_writes),
        }
    }

    fn is_shards(&self, model: &Model, at: usize, component: usize) -> bool {
        let kind = model.components().nth(component).map(|(_, kind)| kind);
        let did = |run: &Run| {
            let station = &run.figures.stations[at];
            station.keys_moved + station.misreads + station.lost_writes + station.partial_answers
                > 0
        };
        kind == Some(Kind::Shards) && self.0.iter().any(did)
    }

    fn shards(&self, at: usize, name: &str) -> ShardsReport {
        let count =
            |of: fn(&StationFigures) -> u64| self.count(|run| of(&run.figures.stations[at]));
        ShardsReport {
            station: name.to_owned(),
            keys_moved: count(|station| station.keys_moved),
            stale_reads: count(|station| station.misreads),
            lost_writes: count(|station| station.lost_writes),
            partial_answers: count(|station| station.partial_answers),
        }
    }

    fn services(&self, scenario: &Scenario, model: &Model) -> Vec<ServiceReport> {
        let mut reports = Vec::new();
        for (at, (name, component)) in scenario.components.iter().enumerate() {
            let Component::Service(service) = component else {
                continue;
            };
            if service.autoscale.is_none() && service.sessions.is_none() {
                continue;
            }
            let own: Vec<usize> = model
                .stations()
                .enumerate()
                .filter(|(_, info)| info.component == at)
                .map(|(at, _)| at)
                .collect();
            let sum = |of: fn(&StationFigures) -> u64| {
                self.count(|run| own.iter().map(|at| of(&run.figures.stations[*at])).sum())
            };
            let instances = Measure {
                metric: Metric::Instances,
                of: Some(name.clone()),
            };
            reports.push(ServiceReport {
                service: name.clone(),
                instances: self.value(|figures| instances.value(model, figures)),
                sessions_rebuilt: sum(|station| station.rebuilt),
                sessions_lost: sum(|station| station.forgotten),
            });
        }
        reports
    }

    fn sagas(&self, model: &Model) -> Vec<SagaReport> {
        let mut reports = Vec::new();
        for (at, (name, _)) in model.components().enumerate() {
            let own = model.stations().enumerate();
            let own = own.filter(|(_, info)| info.component == at);
            let own: Vec<usize> = own.map(|(station, _)| station).collect();
            let sum = |run: &Run, of: fn(&StationFigures) -> u64| -> u64 {
                own.iter().map(|at| of(&run.figures.stations[*at])).sum()
            };
            let all = |s: &StationFigures| s.sagas_finished + s.sagas_compensated + s.sagas_stuck;
            if self.0.iter().any(|run| sum(run, all) > 0) {
                reports.push(SagaReport {
                    service: name.to_owned(),
                    finished: self.count(|run| sum(run, |s| s.sagas_finished)),
                    compensated: self.count(|run| sum(run, |s| s.sagas_compensated)),
                    stuck: self.count(|run| sum(run, |s| s.sagas_stuck)),
                });
            }
        }
        reports
    }

    /// Whether there is anything to tell of a station as a database's node.
    fn is_database(&self, at: usize) -> bool {
        let none = DatabaseFigures::default();
        { self.0.iter() }.any(|run| run.figures.stations[at].database != none)
    }

    fn database(&self, at: usize, name: &str) -> DatabaseReport {
        let of = |figures: &Figures| figures.stations[at].database;
        let count = |count: fn(&DatabaseFigures) -> u64| self.count(|run| count(&of(&run.figures)));
        let value = |value: fn(&DatabaseFigures) -> f64, among: fn(&DatabaseFigures) -> u64| {
            self.value(|figures| (among(&of(figures)) > 0).then(|| value(&of(figures))))
        };
        DatabaseReport {
            station: name.to_owned(),
            rows_examined_per_s: self.per_s(|figures| of(figures).rows_examined),
            rows_written_per_s: self.per_s(|figures| of(figures).rows_written),
            lock_waits: count(|d| d.lock_waits),
            lock_wait_ms: value(|d| d.lock_wait_ms, |d| d.lock_waits),
            conflicts: count(|d| d.conflicts),
            connects: count(|d| d.connects),
            connect_ms: self.value(|figures| {
                let station = &figures.stations[at];
                (station.started > 0).then_some(station.database.connect_ms)
            }),
            replica_reads: count(|d| d.replica_reads),
            stale_reads: count(|d| d.stale_reads),
            stale_ms: value(|d| d.stale_ms, |d| d.stale_reads),
            stale_max_ms: value(|d| d.stale_max_ms, |d| d.stale_reads),
            own_missed: count(|d| d.own_missed),
            lag_ms: value(|d| d.lag_ms, |d| d.replica_reads),
            lag_max_ms: value(|d| d.lag_max_ms, |d| d.replica_reads),
            lost_writes: count(|d| d.lost_writes),
            resolved: count(|d| d.resolved),
            in_doubt_ms: value(|d| d.in_doubt_ms, |d| d.resolved),
            in_doubt_max_ms: value(|d| d.in_doubt_max_ms, |d| d.resolved),
        }
    }

    fn most_waiting(&self, at: usize) -> Figure {
        self.count(|run| u64::from(run.figures.stations[at].waiting_max))
    }

    /// Where requests were lost and why, place by place in the model's order.
    fn losses(&self, model: &Model) -> Vec<LossReport> {
        let all = self.0.iter().flat_map(|run| &run.figures.losses);
        let mut places: Vec<(u32, u8)> = all.map(|l| (l.station, l.reason)).collect();
        places.sort_unstable();
        places.dedup();
        let reports = places.into_iter().map(|(station, reason)| {
            let lost = |figures: &Figures| {
                let here = figures.losses.iter();
                here.filter(|l| l.station == station && l.reason == reason)
                    .map(|l| l.count)
                    .sum()
            };
            LossReport {
                reason: Loss::ALL[usize::from(reason)].name(),
                station: model
                    .stations()
                    .nth(station as usize)
                    .map_or_else(String::new, |info| info.name.to_owned()),
                lost: self.count(|run| lost(&run.figures)),
                lost_per_s: self.per_s(lost),
            }
        });
        reports.collect()
    }
}
