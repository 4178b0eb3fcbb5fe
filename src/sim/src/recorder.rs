//! The recorder: the probe that keeps figures, a live series and stories, in memory that does not grow with the run.

use crate::audit::{Auditor, Findings, Violation};
use crate::database_figures::Longest;
use crate::event::{Event, MessageEvent, RequestRef, ShardEvent, WorkflowEvent};
use crate::figures::{Counters, Figures, LatencyTally, Peaks, StationCounters};
use crate::message_figures::MessageCounters;
use crate::model::{Model, Role};
use crate::probe::Probe;
use crate::story::Stories;
use crate::time::{Duration, Time};

/// Keeps what there is to know of a run.
#[derive(Clone, Debug)]
pub struct Recorder {
    window: Duration,
    warmup: Time,
    /// The moment come to.
    now: Time,
    counters: Counters,
    gauges: Vec<Gauge>,
    held: Vec<u32>,
    in_system: u32,
    /// Up to when the counters have the requests in the system.
    settled: Time,
    deadlines: Vec<Duration>,
    total: Stretch,
    current: Stretch,
    series: Vec<Figures>,
    stories: Stories,
    /// Where there are invariants.
    audit: Option<Box<Auditor>>,
}

/// What a station is doing just now, and since when: up to then the counters have it. Only what changes is counted, so the
/// work does not grow with the number of stations.
#[derive(Clone, Copy, Debug, Default)]
struct Gauge {
    busy: u32,
    waiting: u32,
    servers: u32,
    settled: Time,
}

impl Gauge {
    /// Adds what it showed up to `now`.
    fn count(&self, now: Time, counters: &mut StationCounters) {
        let passed = now.since(self.settled).nanos();
        counters.busy_ns += area(self.busy, passed);
        counters.waiting_ns += area(self.waiting, passed);
        counters.servers_ns += area(self.servers, passed);
    }
}

/// A level over a time.
#[inline]
fn area(level: u32, passed: u64) -> u128 {
    match u32::try_from(passed) {
        // Of up to four seconds it fits, and wide products are slow where a machine has none, as Wasm has.
        Ok(short) => u128::from(u64::from(level) * u64::from(short)),
        Err(_) => u128::from(level) * u128::from(passed),
    }
}

/// A stretch being measured: what the counters were when it began, and what cannot be had by subtraction.
#[derive(Clone, Debug)]
struct Stretch {
    from: Time,
    mark: Counters,
    latency: LatencyTally,
    waiting_max: Vec<u32>,
    longest: Vec<Longest>,
    /// Of messages; nothing if there are no brokers.
    processed: Option<Box<LatencyTally>>,
    backlog_max: Vec<u32>,
    digits: u8,
}

impl Stretch {
    fn new(digits: u8) -> Self {
        Self {
            from: Time::ZERO,
            mark: Counters::default(),
            latency: LatencyTally::new(digits),
            waiting_max: Vec::new(),
            longest: Vec::new(),
            processed: None,
            backlog_max: Vec::new(),
            digits,
        }
    }

    fn restart(&mut self, from: Time, counters: &Counters, gauges: &[Gauge]) {
        self.from = from;
        self.mark.copy_from(counters);
        self.latency.clear();
        self.waiting_max.clear();
        self.waiting_max.extend(gauges.iter().map(|g| g.waiting));
        self.longest.fill(Longest::default());
        if let Some(processed) = &mut self.processed {
            processed.clear();
        }
        self.backlog_max.clear();
        let levels = counters.messages.iter().map(MessageCounters::level);
        self.backlog_max.extend(levels);
    }
}

/// Figures of one station that the series may keep in all, over its windows.
const SERIES_CELLS: u64 = 1_000_000;

impl Recorder {
    /// A recorder for runs of `model`, with windows of a round length that make about sixty to a hundred of the run.
    pub fn new(model: &Model) -> Self {
        let most = (SERIES_CELLS / (model.stations.len() as u64 + 1)).clamp(20, 100);
        Self::with_window(model, round_up(model.horizon().secs() / most as f64))
    }

    /// A recorder with windows of `window`.
    pub fn with_window(model: &Model, window: Duration) -> Self {
        Self {
            window,
            warmup: model.warmup(),
            now: Time::ZERO,
            counters: Counters::default(),
            gauges: Vec::new(),
            held: Vec::new(),
            in_system: 0,
            settled: Time::ZERO,
            deadlines: Vec::new(),
            total: Stretch::new(3),
            current: Stretch::new(2),
            series: Vec::new(),
            stories: Stories::default(),
            audit: (!model.invariants.is_empty()).then(|| Box::new(Auditor::new(model))),
        }
    }

    /// Keeps the stories of so many requests of each kind instead of a few.
    #[must_use]
    pub fn keeping_stories(mut self, most: usize) -> Self {
        self.stories = Stories::keeping(most);
        self
    }

    /// The length of a window of the series.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// The windows that are over, in order.
    pub fn series(&self) -> &[Figures] {
        &self.series
    }

    /// By station, how many of its busy servers are held by requests that wait for an answer from elsewhere.
    pub fn held(&self) -> &[u32] {
        &self.held
    }

    /// The first violations of the scenario's invariants.
    pub fn violations(&self) -> &[Violation] {
        self.audit.as_ref().map_or(&[], |audit| audit.first())
    }

    /// What the audit of the scenario's invariants has found, from the start of the run.
    pub fn findings(&self) -> Findings {
        { &self.audit }
            .as_ref()
            .map_or_else(Findings::default, |audit| audit.findings())
    }

    /// The stories that were kept.
    pub fn stories(&self) -> &Stories {
        &self.stories
    }

    /// The figures since the end of the warm-up, or since the start while it lasts.
    pub fn summary(&self) -> Figures {
        self.figures(&self.total)
    }

    /// The figures of the window that is not over yet.
    pub fn current(&self) -> Figures {
        self.figures(&self.current)
    }

    fn figures(&self, stretch: &Stretch) -> Figures {
        let mut counters = self.counters.clone();
        self.count(self.now, &mut counters);
        counters.since(
            &stretch.mark,
            stretch.from,
            self.now,
            &Peaks {
                latency: &stretch.latency,
                processed: stretch.processed.as_deref(),
                waiting_max: &stretch.waiting_max,
                backlog_max: &stretch.backlog_max,
                longest: &stretch.longest,
            },
        )
    }

    /// Adds what everything showed up to `now`.
    fn count(&self, now: Time, counters: &mut Counters) {
        counters.in_system_ns += area(self.in_system, now.since(self.settled).nanos());
        for (gauge, station) in self.gauges.iter().zip(&mut counters.stations) {
            gauge.count(now, station);
        }
        for messages in &mut counters.messages {
            messages.settle(now);
        }
    }

    /// Brings the counters to `now`.
    fn settle(&mut self, now: Time) {
        let mut counters = core::mem::take(&mut self.counters);
        self.count(now, &mut counters);
        self.counters = counters;
        (self.now, self.settled) = (now, now);
        for gauge in &mut self.gauges {
            gauge.settled = now;
        }
    }

    /// A station's gauge, to be changed now.
    #[inline]
    fn gauge(&mut self, station: u32) -> &mut Gauge {
        let gauge = &mut self.gauges[station as usize];
        gauge.count(self.now, &mut self.counters.stations[station as usize]);
        gauge.settled = self.now;
        gauge
    }

    /// The number of requests in the system, to be changed now.
    #[inline]
    fn in_system(&mut self) -> &mut u32 {
        let passed = self.now.since(self.settled).nanos();
        self.counters.in_system_ns += area(self.in_system, passed);
        self.settled = self.now;
        &mut self.in_system
    }

    /// Comes to `now`, closing the windows and the warm-up that end on the way.
    fn come_to(&mut self, now: Time) {
        loop {
            let end = self.current.from + self.window;
            if self.warmup > self.total.from && self.warmup <= now && self.warmup <= end {
                self.settle(self.warmup);
                self.total
                    .restart(self.warmup, &self.counters, &self.gauges);
            }
            if end > now {
                break;
            }
            self.settle(end);
            let figures = self.figures(&self.current);
            self.series.push(figures);
            self.current.restart(end, &self.counters, &self.gauges);
        }
        self.now = now;
    }
}

impl Recorder {
    /// Counts what has lasted too long up to `now`, each in the window in which it has.
    fn pass(&mut self, model: &Model, now: Time) {
        let Some(mut audit) = self.audit.take() else {
            return;
        };
        while let Some(due) = audit.due().filter(|due| *due < now) {
            self.come_to(due);
            let then = due + Duration::from_nanos(1);
            self.counters.violations += audit.pass(model, then);
        }
        self.audit = Some(audit);
    }

    /// Counts what happened to messages.
    fn count_messages(&mut self, event: &MessageEvent) {
        let at = event.station() as usize;
        let now = self.now;
        let Some(counters) = self.counters.messages.get_mut(at) else {
            return;
        };
        counters.count(now, event);
        let level = counters.level();
        let took = match *event {
            MessageEvent::Processed { took, .. } => Some(took),
            _ => None,
        };
        for stretch in [&mut self.total, &mut self.current] {
            stretch.backlog_max[at] = stretch.backlog_max[at].max(level);
            if let (Some(took), Some(processed)) = (took, &mut stretch.processed) {
                processed.add(took);
            }
        }
        if let Some(took) = took {
            self.counters.processed += 1;
            self.counters.processed_ns += u128::from(took.nanos());
        }
    }

    /// Counts what happened at a cache.
    fn count_cache(&mut self, event: &Event) {
        let Some(station) = event.station() else {
            return;
        };
        let counters = &mut self.counters.stations[station as usize];
        match *event {
            Event::CacheHit { stale, .. } => {
                counters.hits += 1;
                if let Some(age) = stale {
                    counters.stale_hits += 1;
                    counters.stale_ns += u128::from(age.nanos());
                }
            }
            Event::CacheMiss { .. } => counters.misses += 1,
            Event::CacheEvicted { .. } => counters.evictions += 1,
            Event::CacheLost { writes, .. } => counters.lost_writes += u64::from(writes),
            _ => {}
        }
    }
}

impl Recorder {
    /// Counts what happened at shards.
    fn count_shards(&mut self, event: ShardEvent) {
        let counters = &mut self.counters.stations[event.station() as usize];
        match event {
            ShardEvent::Misread { .. } => counters.misreads += 1,
            ShardEvent::Moved { keys, .. } => counters.keys_moved += u64::from(keys),
            ShardEvent::Lost { writes, .. } => counters.lost_writes += u64::from(writes),
            ShardEvent::Partial { .. } => counters.partial_answers += 1,
            ShardEvent::Held { .. }
            | ShardEvent::Released { .. }
            | ShardEvent::Redirected { .. } => {}
        }
    }

    /// Counts what happened to a saga or a transaction.
    fn count_workflow(&mut self, event: &WorkflowEvent) {
        let at = event.station() as usize;
        let counters = &mut self.counters.stations[at];
        match *event {
            WorkflowEvent::SagaFinished { .. } => counters.sagas_finished += 1,
            WorkflowEvent::SagaCompensated { .. } => counters.sagas_compensated += 1,
            WorkflowEvent::SagaStuck { .. } => counters.sagas_stuck += 1,
            WorkflowEvent::Resolved { doubted, .. } => {
                counters.database.resolve(doubted);
                self.total.longest[at].doubt(doubted);
                self.current.longest[at].doubt(doubted);
            }
            _ => {}
        }
    }
}

impl Probe for Recorder {
    #[expect(clippy::too_many_lines, reason = "one arm an event")]
    fn event(&mut self, model: &Model, now: Time, request: RequestRef, event: &Event) {
        if now > self.now {
            self.pass(model, now);
            self.come_to(now);
        }
        if let Some(audit) = &mut self.audit {
            self.counters.violations += audit.see(model, now, request, event);
        }
        let told = self.stories.event(model, now, request, event);
        match *event {
            Event::Sent { .. } => {
                self.counters.sent += 1;
                *self.in_system() += 1;
            }
            Event::Queued { station, waiting } => {
                self.gauge(station).waiting = waiting;
                let at = station as usize;
                for stretch in [&mut self.total, &mut self.current] {
                    stretch.waiting_max[at] = stretch.waiting_max[at].max(waiting);
                }
            }
            Event::Started {
                station,
                busy,
                waiting,
            } => {
                let gauge = self.gauge(station);
                gauge.busy = busy;
                gauge.waiting = waiting;
                let counters = &mut self.counters.stations[station as usize];
                counters.started += 1;
                counters.wait_ns += u128::from(told.waited.nanos());
            }
            Event::Left { station, busy, .. } => {
                self.gauge(station).busy = busy;
                self.counters.stations[station as usize].left += 1;
                self.held[station as usize] -= u32::from(told.was_asking);
            }
            Event::Unqueued { station, waiting } => {
                self.gauge(station).waiting = waiting;
                self.counters.stations[station as usize].refused += 1;
            }
            Event::Rebuilt { station } => {
                self.counters.stations[station as usize].rebuilt += 1;
            }
            Event::Forgot { station, sessions } => {
                let counters = &mut self.counters.stations[station as usize];
                counters.forgotten += u64::from(sessions);
            }
            Event::Capacity { station, servers } => self.gauge(station).servers = servers,
            Event::Refused { station, .. } => {
                if let Some(counters) = self.counters.stations.get_mut(station as usize) {
                    counters.refused += 1;
                }
            }
            Event::Completed {
                client,
                latency,
                degraded,
            } => {
                *self.in_system() -= 1;
                self.counters.completed += 1;
                self.counters.degraded += u64::from(degraded);
                self.counters.good += u64::from(latency <= self.deadlines[usize::from(client)]);
                self.counters.latency_ns += u128::from(latency.nanos());
                self.total.latency.add(latency);
                self.current.latency.add(latency);
            }
            Event::Lost {
                reason, station, ..
            } => {
                *self.in_system() -= 1;
                self.counters.lost += 1;
                self.counters.lose(reason, station);
            }
            Event::Called { station, .. } | Event::CacheJoined { station } => {
                self.held[station as usize] += 1;
            }
            Event::Returned { station } | Event::CacheLanded { station } => {
                self.held[station as usize] -= 1;
            }
            Event::CacheHit { .. }
            | Event::CacheMiss { .. }
            | Event::CacheFilled { .. }
            | Event::CacheEvicted { .. }
            | Event::CacheExpired { .. }
            | Event::CacheDropped { .. }
            | Event::CacheDirty { .. }
            | Event::CacheFlushed { .. }
            | Event::CacheLost { .. } => self.count_cache(event),
            Event::Connected { .. }
            | Event::Examined { .. }
            | Event::ReplicaRead { .. }
            | Event::Locked { .. }
            | Event::Conflicted { .. }
            | Event::Committed { .. }
            | Event::Promoted { .. } => {
                if let Some(station) = event.station() {
                    let at = station as usize;
                    self.counters.stations[at].database.count(event);
                    self.total.longest[at].see(event);
                    self.current.longest[at].see(event);
                }
            }
            Event::Shard(event) => self.count_shards(event),
            Event::Workflow(ref event) => self.count_workflow(event),
            Event::Message(ref event) => self.count_messages(event),
            Event::Store(event) => {
                let station = event.station() as usize;
                self.counters.stations[station].view.count_store(&event);
            }
            Event::View(event) => {
                let station = event.station() as usize;
                self.counters.stations[station].view.count_view(&event);
                self.total.longest[station].view.see(&event);
                self.current.longest[station].view.see(&event);
            }
            Event::Row(_)
            | Event::Following { .. }
            | Event::Followed
            | Event::Pooled { .. }
            | Event::Connecting { .. }
            | Event::Disconnecting { .. }
            | Event::Locking { .. }
            | Event::Committing { .. }
            | Event::Departed { .. }
            | Event::Routed { .. }
            | Event::Spawned { .. }
            | Event::Tried { .. }
            | Event::Missed { .. }
            | Event::BackedOff { .. }
            | Event::Settled { .. }
            | Event::Breaker { .. }
            | Event::Fault { .. }
            | Event::Probed { .. }
            | Event::Health { .. }
            | Event::Scaled { .. }
            | Event::FellBack { .. }
            | Event::Delayed { .. }
            | Event::Replied { .. } => {}
        }
    }

    fn advanced(&mut self, model: &Model, now: Time) {
        self.pass(model, now);
        self.come_to(now);
    }

    fn reconfigured(&mut self, model: &Model, now: Time) {
        self.come_to(now);
        self.settle(now);
        let count = model.stations.len();
        let gauge = Gauge {
            settled: now,
            ..Gauge::default()
        };
        self.gauges.resize(count, gauge);
        self.held.resize(count, 0);
        self.counters
            .stations
            .resize(count, StationCounters::default());
        for stretch in [&mut self.total, &mut self.current] {
            stretch.waiting_max.resize(count, 0);
            stretch.longest.resize(count, Longest::default());
        }
        if model.components.iter().any(|c| c.broker.is_some()) {
            let fresh = MessageCounters::at(now);
            self.counters.messages.resize(count, fresh);
            for stretch in [&mut self.total, &mut self.current] {
                stretch.backlog_max.resize(count, 0);
                let digits = stretch.digits;
                stretch
                    .processed
                    .get_or_insert_with(|| Box::new(LatencyTally::new(digits)));
            }
        }
        for (gauge, station) in self.gauges.iter_mut().zip(&model.stations) {
            gauge.servers = if station.live && station.starts {
                station.servers
            } else {
                0
            };
        }
        self.deadlines.clear();
        self.deadlines.extend(
            model
                .components
                .iter()
                .map(|component| match &component.role {
                    Role::Client(client) => client.deadline,
                    Role::Balancer(_) | Role::Station => Duration::ZERO,
                }),
        );
    }
}

/// The next of 1, 2, 5, 10, 20, 50 … milliseconds that is not shorter than `seconds`.
fn round_up(seconds: f64) -> Duration {
    let mut unit = 1_000_000_u64;
    loop {
        for step in [1, 2, 5] {
            let length = Duration::from_nanos(unit * step);
            if length.secs() >= seconds {
                return length;
            }
        }
        unit *= 10;
    }
}
