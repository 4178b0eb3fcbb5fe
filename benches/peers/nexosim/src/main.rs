//! The networks of benches/peers, simulated with nexosim: a model for the source with its balancer, one for each server, one for
//! the cache and one for the database, connected by ports. On one thread: these networks have nothing that several could share.
//!
//! Reads lines such as `models mixed 1 300` (how, which network, with which seed, how many simulated seconds) and answers each with
//! a line of JSON.

use std::collections::VecDeque;
use std::error::Error;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use lru::LruCache;
use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::{
    EventQueueReader, EventSinkReader, EventSource, Output, SinkState, event_queue,
};
use nexosim::simulation::{EventId, Mailbox, SimInit};
use nexosim::time::MonotonicTime;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp1, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request on its way.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Request {
    arrived: MonotonicTime,
    server: usize,
    key: u32,
    writes: bool,
}

/// What requests are about, where that is of account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Asked {
    /// The chances of the keys up to each.
    keys: Vec<f64>,
    writes: f64,
}

/// As a time that lies ahead: nothing can be scheduled for now.
fn ahead(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds).max(Duration::from_nanos(1))
}

fn exponential(rng: &mut Xoshiro256PlusPlus, mean_s: f64) -> Duration {
    let draw: f64 = Exp1.sample(rng);
    ahead(draw * mean_s)
}

/// Sends requests to the server with the fewest.
#[derive(Serialize, Deserialize)]
struct Source {
    rng: Xoshiro256PlusPlus,
    mean_s: f64,
    asked: Asked,
    open: Vec<u32>,
    turn: usize,
    requests: u64,
    latency: Duration,
    to: Vec<Output<Request>>,
    /// The figures, at the end.
    told: Output<(u64, Duration)>,
}

#[Model]
impl Source {
    #[nexosim(init)]
    async fn init(&mut self, cx: &Context<Self>) {
        self.next(cx);
    }

    fn next(&mut self, cx: &Context<Self>) {
        let wait = exponential(&mut self.rng, self.mean_s);
        cx.schedule_event(wait, schedulable!(Self::arrive), ())
            .expect("it lies ahead");
    }

    #[nexosim(schedulable)]
    async fn arrive(&mut self, (): (), cx: &Context<Self>) {
        let servers = self.open.len();
        let order = (self.turn..servers).chain(0..self.turn);
        let server = order.min_by_key(|at| self.open[*at]).expect("some");
        self.turn = (server + 1) % servers;
        self.open[server] += 1;
        let (mut key, mut writes) = (0, false);
        if let Some(all) = self.asked.keys.last() {
            let at = self.rng.random::<f64>() * all;
            key = self.asked.keys.partition_point(|sum| *sum < at) as u32;
            writes = self.rng.random::<f64>() < self.asked.writes;
        }
        let request = Request {
            arrived: cx.time(),
            server,
            key,
            writes,
        };
        self.next(cx);
        self.to[server].send(request).await;
    }

    /// An answer.
    async fn answered(&mut self, request: Request, cx: &Context<Self>) {
        self.open[request.server] -= 1;
        self.requests += 1;
        self.latency += cx.time().duration_since(request.arrived);
    }

    /// Asked for the figures.
    async fn tell(&mut self) {
        self.told.send((self.requests, self.latency)).await;
    }
}

/// Works on one request at a time.
#[derive(Serialize, Deserialize)]
struct Server {
    rng: Xoshiro256PlusPlus,
    mean_s: f64,
    /// Who is served stays at the head.
    queue: VecDeque<Request>,
    /// Whether there is a cache to be asked.
    asks: bool,
    done: Output<Request>,
    look_up: Output<Request>,
    query: Output<Request>,
    drop: Output<Request>,
    fill: Output<u32>,
}

#[Model]
impl Server {
    async fn request(&mut self, request: Request, cx: &Context<Self>) {
        self.queue.push_back(request);
        if self.queue.len() == 1 {
            self.begin(cx);
        }
    }

    fn begin(&mut self, cx: &Context<Self>) {
        let work = exponential(&mut self.rng, self.mean_s);
        cx.schedule_event(work, schedulable!(Self::worked), ())
            .expect("it lies ahead");
    }

    #[nexosim(schedulable)]
    async fn worked(&mut self, (): (), cx: &Context<Self>) {
        let request = *self.queue.front().expect("who was served");
        if !self.asks {
            self.answer(cx).await;
        } else if request.writes {
            self.query.send(request).await;
        } else {
            self.look_up.send(request).await;
        }
    }

    /// The cache's answer.
    async fn looked_up(&mut self, (request, found): (Request, bool), cx: &Context<Self>) {
        if found {
            self.answer(cx).await;
        } else {
            self.query.send(request).await;
        }
    }

    /// The database's answer.
    async fn queried(&mut self, request: Request, cx: &Context<Self>) {
        if request.writes {
            self.drop.send(request).await;
        } else {
            self.fill.send(request.key).await;
            self.answer(cx).await;
        }
    }

    /// The key has been dropped.
    async fn dropped(&mut self, _request: Request, cx: &Context<Self>) {
        self.answer(cx).await;
    }

    async fn answer(&mut self, cx: &Context<Self>) {
        let request = self.queue.pop_front().expect("who was served");
        if !self.queue.is_empty() {
            self.begin(cx);
        }
        self.done.send(request).await;
    }
}

/// Gives up what was used least recently.
#[derive(Serialize, Deserialize)]
struct Cache {
    #[serde(skip, default = "LruCache::unbounded")]
    held: LruCache<u32, ()>,
    lookup: Duration,
    found: Vec<Output<(Request, bool)>>,
    dropped: Vec<Output<Request>>,
}

#[Model]
impl Cache {
    async fn look_up(&mut self, request: Request, cx: &Context<Self>) {
        cx.schedule_event(self.lookup, schedulable!(Self::looked_up), request)
            .expect("it lies ahead");
    }

    #[nexosim(schedulable)]
    async fn looked_up(&mut self, request: Request) {
        let found = self.held.get(&request.key).is_some();
        self.found[request.server].send((request, found)).await;
    }

    async fn drop(&mut self, request: Request, cx: &Context<Self>) {
        cx.schedule_event(self.lookup, schedulable!(Self::dropped), request)
            .expect("it lies ahead");
    }

    #[nexosim(schedulable)]
    async fn dropped(&mut self, request: Request) {
        self.held.pop(&request.key);
        self.dropped[request.server].send(request).await;
    }

    async fn fill(&mut self, key: u32, cx: &Context<Self>) {
        cx.schedule_event(self.lookup, schedulable!(Self::filled), key)
            .expect("it lies ahead");
    }

    #[nexosim(schedulable)]
    async fn filled(&mut self, key: u32) {
        self.held.put(key, ());
    }
}

/// Works on as many queries at a time as it has connections.
#[derive(Serialize, Deserialize)]
struct Database {
    rng: Xoshiro256PlusPlus,
    /// Of seconds.
    mu: f64,
    sigma: f64,
    free: u64,
    queue: VecDeque<Request>,
    done: Vec<Output<Request>>,
}

#[Model]
impl Database {
    async fn query(&mut self, request: Request, cx: &Context<Self>) {
        if self.free > 0 {
            self.free -= 1;
            self.begin(request, cx);
        } else {
            self.queue.push_back(request);
        }
    }

    fn begin(&mut self, request: Request, cx: &Context<Self>) {
        let normal: f64 = StandardNormal.sample(&mut self.rng);
        let time = ahead((self.mu + self.sigma * normal).exp());
        cx.schedule_event(time, schedulable!(Self::queried), request)
            .expect("it lies ahead");
    }

    #[nexosim(schedulable)]
    async fn queried(&mut self, request: Request, cx: &Context<Self>) {
        match self.queue.pop_front() {
            Some(next) => self.begin(next, cx),
            None => self.free += 1,
        }
        self.done[request.server].send(request).await;
    }
}

/// A number of a network's parts.
fn number(parts: &Value, at: &str) -> f64 {
    let found = parts.pointer(at).and_then(Value::as_f64);
    found.unwrap_or_else(|| panic!("no number at {at}"))
}

/// The parts of a network, put together.
struct Bench {
    init: SimInit,
    /// Asks for the figures.
    tell: EventId<()>,
    told: EventQueueReader<(u64, Duration)>,
}

fn bench(parts: &Value, seed: u64) -> Bench {
    // Each model has draws of its own.
    let mut seeds = (seed << 16)..;
    let mut rng = || Xoshiro256PlusPlus::seed_from_u64(seeds.next().expect("endless"));
    let shop = &parts["shop"]["service"];
    assert_eq!(parts["lb"]["balancer"]["policy"], "least_connections");
    assert_eq!(shop["workers"], 1);
    let servers = number(shop, "/instances") as usize;
    let mixed = parts.get("redis").is_some();
    let plan = if mixed { "read" } else { "*" };
    let users = &parts["users"]["client"];
    let mut source = Source {
        rng: rng(),
        mean_s: 1.0 / number(users, "/arrivals/poisson/rate_per_s"),
        asked: Asked::default(),
        open: vec![0; servers],
        turn: 0,
        requests: 0,
        latency: Duration::ZERO,
        to: Vec::new(),
        told: Output::default(),
    };
    let (sink, told) = event_queue(SinkState::Enabled);
    source.told.connect_sink(sink);
    let source_box = Mailbox::new();
    let (cache_box, database_box) = (Mailbox::new(), Mailbox::new());
    let boxes: Vec<Mailbox<Server>> = (0..servers).map(|_| Mailbox::new()).collect();
    let mut all = Vec::new();
    for own in &boxes {
        let mut to = Output::default();
        to.connect(Server::request, own);
        source.to.push(to);
        let mut server = Server {
            rng: rng(),
            mean_s: number(shop, &format!("/plans/{plan}/0/work/exponential/mean_ms")) / 1e3,
            queue: VecDeque::new(),
            asks: mixed,
            done: Output::default(),
            look_up: Output::default(),
            query: Output::default(),
            drop: Output::default(),
            fill: Output::default(),
        };
        server.done.connect(Source::answered, &source_box);
        if mixed {
            server.look_up.connect(Cache::look_up, &cache_box);
            server.drop.connect(Cache::drop, &cache_box);
            server.fill.connect(Cache::fill, &cache_box);
            server.query.connect(Database::query, &database_box);
        }
        all.push(server);
    }
    let mut init = SimInit::with_num_threads(1);
    let tell = EventSource::new()
        .connect(Source::tell, &source_box)
        .register(&mut init);
    if mixed {
        let (redis, db) = (&parts["redis"]["cache"], &parts["db"]["database"]);
        let exponent = number(users, "/keys/zipf/exponent");
        let count = number(users, "/keys/zipf/count") as u32;
        let sums = (1..=count).scan(0.0, |sum, rank| {
            *sum += f64::from(rank).powf(-exponent);
            Some(*sum)
        });
        source.asked.keys = sums.collect();
        let (reads, writes) = (number(users, "/mix/read"), number(users, "/mix/write"));
        source.asked.writes = writes / (reads + writes);
        let cv = number(db, "/queries/*/log_normal/cv");
        let variance = (cv * cv).ln_1p();
        let mean_s = number(db, "/queries/*/log_normal/mean_ms") / 1e3;
        let entries = NonZeroUsize::new(number(redis, "/capacity_entries") as usize);
        let mut cache = Cache {
            held: LruCache::new(entries.expect("some")),
            lookup: Duration::from_secs_f64(number(redis, "/lookup/constant/mean_ms") / 1e3),
            found: Vec::new(),
            dropped: Vec::new(),
        };
        let mut database = Database {
            rng: rng(),
            mu: mean_s.ln() - variance / 2.0,
            sigma: variance.sqrt(),
            free: number(db, "/connections") as u64,
            queue: VecDeque::new(),
            done: Vec::new(),
        };
        for own in &boxes {
            let mut found = Output::default();
            found.connect(Server::looked_up, own);
            cache.found.push(found);
            let mut dropped = Output::default();
            dropped.connect(Server::dropped, own);
            cache.dropped.push(dropped);
            let mut done = Output::default();
            done.connect(Server::queried, own);
            database.done.push(done);
        }
        init = init.add_model(cache, cache_box, "redis");
        init = init.add_model(database, database_box, "db");
    }
    init = init.add_model(source, source_box, "source");
    for (at, (server, own)) in all.into_iter().zip(boxes).enumerate() {
        init = init.add_model(server, own, &format!("server {at}"));
    }
    Bench { init, tell, told }
}

fn main() -> Result<(), Box<dyn Error>> {
    for line in io::stdin().lines() {
        let line = line?;
        let mut words = line.split(' ').skip(1);
        let text = match words.next() {
            Some("eight-servers") => include_str!("../../eight-servers.json"),
            Some("mixed") => include_str!("../../mixed.json"),
            other => return Err(format!("no network {other:?}").into()),
        };
        let seed = words.next().ok_or("which seed?")?.parse()?;
        let seconds: f64 = words.next().ok_or("how long?")?.parse()?;
        let scenario: Value = serde_json::from_str(text)?;
        let start = Instant::now();
        let mut bench = bench(&scenario["components"], seed);
        let mut simulation = bench.init.init(MonotonicTime::EPOCH)?;
        simulation.step_until(Duration::from_secs_f64(seconds))?;
        let took = start.elapsed().as_secs_f64();
        simulation.process_event(&bench.tell, ())?;
        let (requests, latency) = bench.told.try_read().ok_or("no figures")?;
        let mean_ms = latency.as_secs_f64() * 1e3 / requests as f64;
        writeln!(
            io::stdout(),
            "{{\"requests\":{requests},\"seconds\":{took},\"mean_ms\":{mean_ms}}}"
        )?;
    }
    Ok(())
}
