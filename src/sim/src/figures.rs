//! What was measured over a stretch of a run: a window of the live series, or the whole run after its warm-up.

use serde::{Deserialize, Serialize};

use crate::database_figures::{DatabaseCounters, DatabaseFigures, Longest};
use crate::event::Loss;
use crate::histogram::LatencyBin;
use crate::message_figures::{MessageCounters, MessageFigures};
use crate::time::{Duration, Time};
use crate::view_figures::{StoreFigures, ViewCounters, ViewFigures};

/// Figures over a stretch of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Figures {
    /// Where the stretch begins, in simulated seconds.
    pub from_s: f64,
    /// Where it ends.
    pub to_s: f64,
    /// Requests that clients sent.
    pub sent: u64,
    /// Requests that were answered.
    pub completed: u64,
    /// Requests that were answered within their client's deadline.
    pub good: u64,
    /// Requests that were answered in part by a substitute.
    pub degraded: u64,
    /// Requests that were lost.
    pub lost: u64,
    /// How often the scenario's invariants were violated.
    pub violations: u64,
    /// Those lost, by where they began to fail and why; a place and reason without any is left out.
    pub losses: Vec<Losses>,
    /// Mean number of requests under way.
    pub in_system: f64,
    /// Of the requests answered; absent if there were none.
    pub latency: Option<Latency>,
    /// How many of these took how long, to within 1 %: the bins that any were in, from short to long.
    pub latencies: Vec<LatencyBin>,
    /// Of messages: how long after they were published they were processed, over all brokers; absent if none were.
    pub processed: Option<Latency>,
    /// By station, numbered as in the model.
    pub stations: Vec<StationFigures>,
}

/// Requests lost at one place for one reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Losses {
    /// The station; `u32::MAX` for none: the client itself, or a balancer.
    pub station: u32,
    /// Why, numbered as in [`Loss::ALL`].
    pub reason: u8,
    /// How many.
    pub count: u64,
}

/// How long requests took, from being sent to being answered.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Latency {
    /// The mean, in milliseconds.
    pub mean_ms: f64,
    /// The median.
    pub p50_ms: f64,
    /// 95 in 100 took at most this.
    pub p95_ms: f64,
    /// 99 in 100 took at most this.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// What one station did.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct StationFigures {
    /// Mean number of busy servers.
    pub busy: f64,
    /// Mean number of servers there were (it changes when a run is reconfigured).
    pub servers: f64,
    /// Mean number of requests that waited.
    pub waiting: f64,
    /// The most that waited at any moment.
    pub waiting_max: u32,
    /// Visits that got a server here.
    pub started: u64,
    /// Visits that ended here.
    pub left: u64,
    /// Requests refused here, or turned away from the line.
    pub refused: u64,
    /// Sessions made anew here: the user had one, but lost it or has it elsewhere.
    pub rebuilt: u64,
    /// Sessions lost here: in crashes, or with an instance that was taken away.
    pub forgotten: u64,
    /// Mean wait of those that got a server, in milliseconds (those that did not have to wait count as zero).
    pub wait_ms: f64,
    /// Of a cache: reads that found their key.
    pub hits: u64,
    /// Of a cache: reads that did not.
    pub misses: u64,
    /// Of a cache: hits on a version older than the database's.
    pub stale_hits: u64,
    /// Of a cache: of those, how long ago the newer version was written, on average, in milliseconds.
    pub stale_ms: f64,
    /// Of a cache: values given up to make room.
    pub evictions: u64,
    /// Of a cache: writes that were answered and then lost; of a router: those that were lost while keys moved.
    pub lost_writes: u64,
    /// Of a router: reads that were answered though the shard did not have the row.
    pub misreads: u64,
    /// Of a router: keys that have their new owners.
    pub keys_moved: u64,
    /// Of a router: answers without all shards.
    pub partial_answers: u64,
    /// Of a service: sagas that it has finished.
    pub sagas_finished: u64,
    /// Of a service: sagas that it has taken back.
    pub sagas_compensated: u64,
    /// Of a service: sagas that need a person.
    pub sagas_stuck: u64,
    /// Of a database's node.
    pub database: DatabaseFigures,
    /// Of a broker.
    pub messages: MessageFigures,
    /// Of an event store.
    pub store: StoreFigures,
    /// Of a view.
    pub view: ViewFigures,
}

impl StationFigures {
    /// Hits over reads of a cache; `None` if nothing was read.
    pub fn hit_ratio(&self) -> Option<f64> {
        let reads = self.hits + self.misses;
        (reads > 0).then(|| self.hits as f64 / reads as f64)
    }

    /// Busy servers over servers: 0 to 1, or more while instances that were taken away finish what they have.
    pub fn utilisation(&self) -> f64 {
        if self.servers > 0.0 {
            self.busy / self.servers
        } else {
            0.0
        }
    }
}

impl Figures {
    /// How long the stretch is, in simulated seconds.
    pub fn seconds(&self) -> f64 {
        self.to_s - self.from_s
    }
}

/// Running totals. Figures over a stretch are the difference between two of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    pub sent: u64,
    pub completed: u64,
    pub good: u64,
    pub degraded: u64,
    pub lost: u64,
    pub violations: u64,
    pub latency_ns: u128,
    pub in_system_ns: u128,
    pub stations: Vec<StationCounters>,
    /// By station; empty if there are no brokers.
    pub messages: Vec<MessageCounters>,
    /// Messages that were processed, and how long after they were published.
    pub processed: u64,
    pub processed_ns: u128,
    /// Losses so far, in the order in which places and reasons first came up: few.
    losses: Vec<Losses>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StationCounters {
    pub busy_ns: u128,
    pub servers_ns: u128,
    pub waiting_ns: u128,
    pub wait_ns: u128,
    pub started: u64,
    pub left: u64,
    pub refused: u64,
    pub hits: u64,
    pub misses: u64,
    pub stale_hits: u64,
    pub stale_ns: u128,
    pub evictions: u64,
    pub lost_writes: u64,
    pub misreads: u64,
    pub keys_moved: u64,
    pub partial_answers: u64,
    pub rebuilt: u64,
    pub forgotten: u64,
    pub sagas_finished: u64,
    pub sagas_compensated: u64,
    pub sagas_stuck: u64,
    pub database: DatabaseCounters,
    pub view: ViewCounters,
}

impl Counters {
    /// Copies `other` into this without giving up the memory already held.
    pub fn copy_from(&mut self, other: &Self) {
        let stations = core::mem::take(&mut self.stations);
        let losses = core::mem::take(&mut self.losses);
        let messages = core::mem::take(&mut self.messages);
        *self = Self {
            stations,
            messages,
            losses,
            ..*other
        };
        self.messages.clear();
        self.messages.extend_from_slice(&other.messages);
        self.stations.clear();
        self.stations.extend_from_slice(&other.stations);
        self.losses.clear();
        self.losses.extend_from_slice(&other.losses);
    }

    /// Counts a request that was lost.
    pub fn lose(&mut self, reason: Loss, station: u32) {
        let reason = reason as u8;
        let known = self.losses.iter_mut();
        match { known }.find(|l| l.station == station && l.reason == reason) {
            Some(known) => known.count += 1,
            None => self.losses.push(Losses {
                station,
                reason,
                count: 1,
            }),
        }
    }

    /// The figures between `mark` at `from` and this at `to`.
    pub fn since(&self, mark: &Self, from: Time, to: Time, peaks: &Peaks<'_>) -> Figures {
        let Peaks {
            latency,
            processed,
            waiting_max,
            backlog_max,
            longest,
        } = *peaks;
        let length = to.since(from).nanos().max(1) as f64;
        let mean = |now: u128, then: u128| (now - then) as f64 / length;
        let completed = self.completed - mark.completed;
        let stations = self.stations.iter().enumerate().map(|(at, now)| {
            let then = mark.stations.get(at).copied().unwrap_or_default();
            let started = now.started - then.started;
            StationFigures {
                busy: mean(now.busy_ns, then.busy_ns),
                servers: mean(now.servers_ns, then.servers_ns),
                waiting: mean(now.waiting_ns, then.waiting_ns),
                waiting_max: waiting_max.get(at).copied().unwrap_or(0),
                started,
                left: now.left - then.left,
                refused: now.refused - then.refused,
                rebuilt: now.rebuilt - then.rebuilt,
                forgotten: now.forgotten - then.forgotten,
                wait_ms: (now.wait_ns - then.wait_ns) as f64 / 1e6 / started.max(1) as f64,
                hits: now.hits - then.hits,
                misses: now.misses - then.misses,
                stale_hits: now.stale_hits - then.stale_hits,
                stale_ms: (now.stale_ns - then.stale_ns) as f64
                    / 1e6
                    / (now.stale_hits - then.stale_hits).max(1) as f64,
                evictions: now.evictions - then.evictions,
                lost_writes: now.lost_writes - then.lost_writes,
                misreads: now.misreads - then.misreads,
                keys_moved: now.keys_moved - then.keys_moved,
                partial_answers: now.partial_answers - then.partial_answers,
                sagas_finished: now.sagas_finished - then.sagas_finished,
                sagas_compensated: now.sagas_compensated - then.sagas_compensated,
                sagas_stuck: now.sagas_stuck - then.sagas_stuck,
                database: {
                    let longest = longest.get(at).copied().unwrap_or_default();
                    now.database.since(&then.database, started, longest)
                },
                messages: self.messages.get(at).map_or_else(Default::default, |now| {
                    let then = mark.messages.get(at).copied().unwrap_or_default();
                    let most = backlog_max.get(at).copied().unwrap_or(0);
                    now.since(&then, length, most)
                }),
                store: now.view.store_since(&then.view),
                view: {
                    let longest = longest.get(at).copied().unwrap_or_default();
                    now.view.view_since(&then.view, longest.view)
                },
            }
        });
        Figures {
            from_s: from.secs(),
            to_s: to.secs(),
            sent: self.sent - mark.sent,
            completed,
            good: self.good - mark.good,
            degraded: self.degraded - mark.degraded,
            lost: self.lost - mark.lost,
            violations: self.violations - mark.violations,
            losses: self
                .losses
                .iter()
                .enumerate()
                .map(|(at, now)| Losses {
                    count: now.count - mark.losses.get(at).map_or(0, |then| then.count),
                    ..*now
                })
                .filter(|losses| losses.count > 0)
                .collect(),
            in_system: mean(self.in_system_ns, mark.in_system_ns),
            latency: (completed > 0).then(|| Latency {
                mean_ms: (self.latency_ns - mark.latency_ns) as f64 / 1e6 / completed as f64,
                ..latency.quantiles()
            }),
            latencies: latency.bins(),
            processed: processed
                .filter(|_| self.processed > mark.processed)
                .map(|processed| Latency {
                    mean_ms: (self.processed_ns - mark.processed_ns) as f64
                        / 1e6
                        / (self.processed - mark.processed) as f64,
                    ..processed.quantiles()
                }),
            stations: stations.collect(),
        }
    }
}

/// What can't be had by subtraction: latencies, and the most of a stretch.
#[derive(Clone, Copy)]
pub(crate) struct Peaks<'a> {
    pub latency: &'a LatencyTally,
    /// Of messages.
    pub processed: Option<&'a LatencyTally>,
    /// By station.
    pub waiting_max: &'a [u32],
    pub backlog_max: &'a [u32],
    pub longest: &'a [Longest],
}

/// Latencies of a stretch in a log-scaled histogram: its memory does not grow with the run.
#[derive(Clone, Debug)]
pub(crate) struct LatencyTally {
    /// In microseconds; HDR histogram (Tene), whose relative error is at most 10^-digits.
    histogram: hdrhistogram::Histogram<u64>,
    max: Duration,
}

/// A day, in microseconds: the histogram's upper end. Longer latencies count as this in quantiles, not in mean and maximum.
const HIGHEST_US: u64 = 86_400_000_000;

impl LatencyTally {
    pub fn new(digits: u8) -> Self {
        Self {
            histogram: hdrhistogram::Histogram::new_with_bounds(1, HIGHEST_US, digits)
                .expect("the bounds and digits are constants that fit"),
            max: Duration::ZERO,
        }
    }

    pub fn add(&mut self, latency: Duration) {
        self.histogram
            .saturating_record(latency.nanos().div_ceil(1000));
        self.max = self.max.max(latency);
    }

    pub fn clear(&mut self) {
        self.histogram.reset();
        self.max = Duration::ZERO;
    }

    fn bins(&self) -> Vec<LatencyBin> {
        let mut counts = [0_u32; LatencyBin::COUNT];
        let max_us = self.max.nanos().div_ceil(1000);
        for value in self.histogram.iter_recorded() {
            let bin = LatencyBin::of(value.value_iterated_to().min(max_us));
            let count = u32::try_from(value.count_at_value()).unwrap_or(u32::MAX);
            let all = &mut counts[usize::from(bin)];
            *all = all.saturating_add(count);
        }
        let used = || (0_u8..).zip(counts).filter(|(_, count)| *count > 0);
        // Room for just as many: one allocation a window.
        let mut bins = Vec::with_capacity(used().count());
        bins.extend(used().map(|(bin, count)| LatencyBin { bin, count }));
        bins
    }

    fn quantiles(&self) -> Latency {
        let at = |q| (self.histogram.value_at_quantile(q) as f64 / 1000.0).min(self.max.millis());
        Latency {
            mean_ms: 0.0,
            p50_ms: at(0.50),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
            max_ms: self.max.millis(),
        }
    }
}
