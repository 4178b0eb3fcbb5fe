//! The two networks of `benches/peers`, each as a loop that can do nothing else: what somebody would write who wanted this one
//! result, fast. They draw their times as the engine does.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use scale_sim::{Draws, Key, KeySampler, Keys};

/// What came of a run.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ran {
    /// Requests answered.
    pub requests: u64,
    /// Their mean latency, in milliseconds.
    pub mean_ms: f64,
}

const SERVERS: usize = 8;
const RATE_PER_S: f64 = 700.0;

impl Ran {
    fn new(requests: u64, latency_ns: u64) -> Self {
        Self {
            requests,
            mean_ms: latency_ns as f64 / 1e6 / requests as f64,
        }
    }
}

/// Eight single-server stations behind least-connections, 10 ms each.
pub fn eight_servers(seed: u64, seconds: f64) -> Ran {
    /// A server that has finished, or the next arrival.
    const ARRIVAL: usize = SERVERS;
    const SERVICE_S: f64 = 0.010;
    let mut draws = Key::root(seed).draws();
    let mut exponential = |mean_s: f64| (-mean_s * 1e9 * libm::log(draws.unit())) as u64;
    let horizon = (seconds * 1e9) as u64;
    let mut calendar = BinaryHeap::new();
    let mut queues: [VecDeque<u64>; SERVERS] = Default::default();
    let (mut sequence, mut completed, mut latency, mut turn) = (0_u64, 0_u64, 0_u64, 0);
    calendar.push(Reverse((exponential(1.0 / RATE_PER_S), sequence, ARRIVAL)));
    while let Some(Reverse((now, _, what))) = calendar.pop() {
        if now > horizon {
            break;
        }
        let mut plan = |time, what| {
            sequence += 1;
            calendar.push(Reverse((time, sequence, what)));
        };
        if what == ARRIVAL {
            plan(now + exponential(1.0 / RATE_PER_S), ARRIVAL);
            let order = (turn..SERVERS).chain(0..turn);
            let server = order.min_by_key(|at| queues[*at].len()).unwrap_or_default();
            turn = (server + 1) % SERVERS;
            queues[server].push_back(now);
            if queues[server].len() == 1 {
                plan(now + exponential(SERVICE_S), server);
            }
        } else {
            // Who is served stays at the head of the queue until done.
            latency += now - queues[what].pop_front().unwrap_or(now);
            completed += 1;
            if !queues[what].is_empty() {
                plan(now + exponential(SERVICE_S), what);
            }
        }
    }
    Ran::new(completed, latency)
}

const KEYS: u32 = 2_000;
const ENTRIES: usize = 500;
const CONNECTIONS: usize = 2;
const WORK_NS: f64 = 5e6;
const LOOKUP_NS: u64 = 500_000;
const QUERY_NS: f64 = 3e6;

/// What happens next, to which request; or which key is put into the cache.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Arrival,
    Worked(u32),
    LookedUp(u32),
    Queried(u32),
    Dropped(u32),
    Put(u32),
}

#[derive(Clone, Copy, Default)]
struct Request {
    arrived: u64,
    server: usize,
    key: u32,
    writes: bool,
}

/// A cache that gives up what was used least recently. Keys are few, so each has its place in a list.
struct Lru {
    /// By key: the one used before it and the one after it; itself if it is not held. The last place is the list's ends.
    before: Vec<u32>,
    after: Vec<u32>,
    len: usize,
}

impl Lru {
    fn new() -> Self {
        let all: Vec<u32> = (0..=KEYS).collect();
        Self {
            before: all.clone(),
            after: all,
            len: 0,
        }
    }

    fn holds(&self, key: u32) -> bool {
        self.after[key as usize] != key
    }

    fn unlink(&mut self, key: u32) {
        let (before, after) = (self.before[key as usize], self.after[key as usize]);
        self.after[before as usize] = after;
        self.before[after as usize] = before;
    }

    fn link(&mut self, key: u32) {
        let first = self.after[KEYS as usize];
        self.before[key as usize] = KEYS;
        self.after[key as usize] = first;
        self.before[first as usize] = key;
        self.after[KEYS as usize] = key;
    }

    fn get(&mut self, key: u32) -> bool {
        let found = self.holds(key);
        if found {
            self.unlink(key);
            self.link(key);
        }
        found
    }

    fn put(&mut self, key: u32) {
        if !self.get(key) {
            if self.len == ENTRIES {
                self.remove(self.before[KEYS as usize]);
            }
            self.link(key);
            self.len += 1;
        }
    }

    fn remove(&mut self, key: u32) {
        if self.holds(key) {
            self.unlink(key);
            self.before[key as usize] = key;
            self.after[key as usize] = key;
            self.len -= 1;
        }
    }
}

/// The mixed network's state.
struct Mixed {
    calendar: BinaryHeap<Reverse<(u64, u64, Next)>>,
    sequence: u64,
    draws: Draws,
    requests: Vec<Request>,
    free: Vec<u32>,
    /// Who is served stays at the head.
    servers: [VecDeque<u32>; SERVERS],
    turn: usize,
    cache: Lru,
    database: VecDeque<u32>,
    connected: usize,
    completed: u64,
    latency: u64,
}

impl Mixed {
    fn plan(&mut self, time: u64, next: Next) {
        self.sequence += 1;
        self.calendar.push(Reverse((time, self.sequence, next)));
    }

    fn exponential(&mut self, mean_ns: f64) -> u64 {
        (-mean_ns * libm::log(self.draws.unit())) as u64
    }

    fn arrive(&mut self, now: u64, key: u32) {
        let writes = self.draws.below(10) == 0;
        let order = (self.turn..SERVERS).chain(0..self.turn);
        let fewest = order.min_by_key(|at| self.servers[*at].len());
        let server = fewest.unwrap_or_default();
        self.turn = (server + 1) % SERVERS;
        let request = Request {
            arrived: now,
            server,
            key,
            writes,
        };
        let id = self.free.pop().unwrap_or_else(|| {
            self.requests.push(request);
            self.requests.len() as u32 - 1
        });
        self.requests[id as usize] = request;
        self.servers[server].push_back(id);
        if self.servers[server].len() == 1 {
            self.work(now, id);
        }
    }

    fn work(&mut self, now: u64, id: u32) {
        let time = now + self.exponential(WORK_NS);
        self.plan(time, Next::Worked(id));
    }

    fn ask(&mut self, now: u64, id: u32) {
        if self.connected < CONNECTIONS {
            self.connected += 1;
            self.query(now, id);
        } else {
            self.database.push_back(id);
        }
    }

    fn query(&mut self, now: u64, id: u32) {
        // A coefficient of variation of 1.
        let variance = core::f64::consts::LN_2;
        let radius = libm::sqrt(-2.0 * libm::log(self.draws.unit()));
        let normal = radius * libm::cos(core::f64::consts::TAU * self.draws.unit());
        let time = QUERY_NS * libm::exp(libm::sqrt(variance) * normal - variance / 2.0);
        self.plan(now + time as u64, Next::Queried(id));
    }

    fn answer(&mut self, now: u64, id: u32) {
        let request = self.requests[id as usize];
        self.latency += now - request.arrived;
        self.completed += 1;
        self.free.push(id);
        self.servers[request.server].pop_front();
        if let Some(next) = self.servers[request.server].front() {
            self.work(now, *next);
        }
    }
}

/// Eight servers, the cache that they ask and fill, and the database behind it.
pub fn mixed(seed: u64, seconds: f64) -> Ran {
    let zipf = KeySampler::new(&Keys::Zipf {
        count: KEYS,
        exponent: 0.9,
        scatter: false,
    });
    let mut it = Mixed {
        calendar: BinaryHeap::new(),
        sequence: 0,
        draws: Key::root(seed).draws(),
        requests: Vec::new(),
        free: Vec::new(),
        servers: Default::default(),
        turn: 0,
        cache: Lru::new(),
        database: VecDeque::new(),
        connected: 0,
        completed: 0,
        latency: 0,
    };
    let horizon = (seconds * 1e9) as u64;
    let mut arrivals = 0;
    it.plan(0, Next::Arrival);
    while let Some(Reverse((now, _, next))) = it.calendar.pop() {
        if now > horizon {
            break;
        }
        match next {
            Next::Arrival => {
                let key = zipf.draw(arrivals, &mut it.draws) as u32;
                arrivals += 1;
                it.arrive(now, key);
                let time = now + it.exponential(1e9 / RATE_PER_S);
                it.plan(time, Next::Arrival);
            }
            Next::Worked(id) if it.requests[id as usize].writes => it.ask(now, id),
            Next::Worked(id) => it.plan(now + LOOKUP_NS, Next::LookedUp(id)),
            Next::LookedUp(id) => {
                if it.cache.get(it.requests[id as usize].key) {
                    it.answer(now, id);
                } else {
                    it.ask(now, id);
                }
            }
            Next::Queried(id) => {
                if let Some(next) = it.database.pop_front() {
                    it.query(now, next);
                } else {
                    it.connected -= 1;
                }
                let request = it.requests[id as usize];
                if request.writes {
                    it.plan(now + LOOKUP_NS, Next::Dropped(id));
                } else {
                    // Nobody waits for the cache to be filled.
                    it.plan(now + LOOKUP_NS, Next::Put(request.key));
                    it.answer(now, id);
                }
            }
            Next::Dropped(id) => {
                it.cache.remove(it.requests[id as usize].key);
                it.answer(now, id);
            }
            Next::Put(key) => it.cache.put(key),
        }
    }
    Ran::new(it.completed, it.latency)
}
