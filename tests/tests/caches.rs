//! Caches against other implementations, against theory and against naive models.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use proptest::prelude::*;
use scale_sim::{
    CacheStore, Capacity, Draws, Duration, Entry, Estimate, Eviction, Key, Lifetimes, Lookup, Time,
    Value,
};

const HIT_SEQUENCES: &str = include_str!("../oracle/cache/hit_sequences.csv");
const HIT_RATIOS: &str = include_str!("../oracle/cache/hit_ratios.csv");
const CROSSCHECK: &str = include_str!("../oracle/cache/crosscheck.csv");
const CHE: &str = include_str!("../oracle/cache/che_irm.csv");
const EXACT_SMALL: &str = include_str!("../oracle/cache/exact_irm_small.csv");
const TTL: &str = include_str!("../oracle/cache/ttl_cache.csv");

/// The rows of a table, each with its fields by the names in the head.
fn rows(table: &'static str) -> impl Iterator<Item = HashMap<&'static str, &'static str>> {
    let mut lines = table.lines();
    let head: Vec<&str> = lines.next().expect("there is a head").split(',').collect();
    lines.map(move |line| head.iter().copied().zip(line.split(',')).collect())
}

fn number(row: &HashMap<&str, &str>, field: &str) -> f64 {
    row[field].parse().expect("it is a number")
}

fn trace(name: &str) -> Vec<u64> {
    let text = match name {
        "zipf08_n1000" => include_str!("../oracle/cache/trace_zipf08_n1000.txt"),
        "zipf10_n5000" => include_str!("../oracle/cache/trace_zipf10_n5000.txt"),
        "zipf12_n500" => include_str!("../oracle/cache/trace_zipf12_n500.txt"),
        "loop_120" => include_str!("../oracle/cache/trace_loop_120.txt"),
        other => panic!("no trace {other}"),
    };
    let keys = text.split_whitespace();
    keys.map(|key| key.parse().expect("it is a key")).collect()
}

/// The policies that must agree exactly.
fn policy(name: &str) -> Option<Eviction> {
    match name {
        "LRU" => Some(Eviction::Lru),
        "FIFO" => Some(Eviction::Fifo),
        "LFU" => Some(Eviction::Lfu),
        "CLOCK" => Some(Eviction::Clock),
        "SIEVE" => Some(Eviction::Sieve),
        _ => None,
    }
}

const ALL: [Eviction; 6] = [
    Eviction::Lru,
    Eviction::Lfu,
    Eviction::Fifo,
    Eviction::Clock,
    Eviction::Sieve,
    Eviction::WTinyLfu,
];

/// Asks for `key` and stores it if it is missing. Tells whether it was there.
fn request(cache: &mut CacheStore, key: u64) -> bool {
    let hit = cache.get(key, Time::ZERO, &Lifetimes::default()) != Lookup::Miss;
    if !hit {
        cache.put(key, Value::default(), Time::ZERO, None);
    }
    hit
}

fn hits(eviction: Eviction, capacity: u32, keys: &[u64]) -> Vec<bool> {
    let mut cache = CacheStore::new(eviction, Capacity::entries(capacity));
    keys.iter().map(|&key| request(&mut cache, key)).collect()
}

fn count(hits: &[bool]) -> f64 {
    hits.iter().filter(|&&hit| hit).count() as f64
}

/// Hits as hexadecimal digits, the first request in the most significant bit.
fn hex(hits: &[bool]) -> String {
    let digit = |four: &[bool]| {
        let bits = four.iter().enumerate();
        let value = bits.map(|(i, &hit)| u32::from(hit) << (3 - i)).sum();
        char::from_digit(value, 16).expect("four bits are a digit")
    };
    hits.chunks(4).map(digit).collect()
}

#[test]
fn each_request_of_the_traces_hits_or_misses_as_elsewhere() {
    let mut compared = 0;
    for row in rows(HIT_SEQUENCES) {
        let Some(eviction) = policy(row["policy"]) else {
            continue;
        };
        let hits = hits(
            eviction,
            number(&row, "capacity") as u32,
            &trace(row["trace"]),
        );
        assert!(
            hex(&hits) == row["hits_hex_msb_first"],
            "{} {eviction:?} {}",
            row["trace"],
            row["capacity"]
        );
        compared += 1;
    }
    assert_eq!(compared, 55);
}

#[test]
fn the_counts_of_hits_are_those_of_two_other_libraries() {
    for row in rows(CROSSCHECK) {
        let eviction = policy(row["policy"]).expect("it is built");
        let hits = hits(
            eviction,
            number(&row, "capacity") as u32,
            &trace(row["trace"]),
        );
        let hits = count(&hits).to_string();
        assert_eq!(hits, row["hits_libcachesim"]);
        assert_eq!(hits, row["hits_second_library"]);
    }
}

#[test]
fn hit_ratios_are_those_measured_elsewhere_and_never_better_than_the_best() {
    for row in rows(HIT_RATIOS) {
        let keys = trace(row["trace"]);
        let capacity = number(&row, "capacity") as u32;
        let ratio = |eviction| count(&hits(eviction, capacity, &keys)) / keys.len() as f64;
        match row["policy"] {
            "OPT" => {
                for eviction in ALL {
                    assert!(ratio(eviction) <= number(&row, "hit_ratio"), "{eviction:?}");
                }
            }
            "WTinyLFU" => {
                // libCacheSim counts a candidate a second time when it leaves the window. In a loop that just does not fit
                // this lets the two keys outside push in again and again. With each request counted once, as the paper has
                // it, 118 of the 120 keys stay in the main part for good, and hit in 24 of 25 rounds.
                let expected = match (row["trace"], capacity) {
                    ("loop_120", 119) => 118.0 * 24.0 / 3_000.0,
                    _ => number(&row, "hit_ratio"),
                };
                let ratio = ratio(Eviction::WTinyLfu);
                assert!((ratio - expected).abs() <= 0.01, "{row:?}: {ratio}");
            }
            name => {
                if let Some(eviction) = policy(name) {
                    assert!((ratio(eviction) - number(&row, "hit_ratio")).abs() < 1e-6);
                }
            }
        }
    }
}

/// Keys drawn independently: the n-th most popular with a probability in proportion to n to the power of -alpha.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(objects: u32, alpha: f64) -> Self {
        let mut sum = 0.0;
        let weights = (1..=objects).map(|n| {
            sum += f64::from(n).powf(-alpha);
            sum
        });
        Self(weights.collect())
    }

    fn draw(&self, draws: &mut Draws) -> u64 {
        let at = draws.unit() * self.0[self.0.len() - 1];
        self.0.partition_point(|&sum| sum < at) as u64
    }
}

/// The hit ratio over `keys` after the first `warmup` of them.
fn ratio(eviction: Eviction, capacity: u32, keys: &[u64], warmup: usize) -> f64 {
    let mut cache = CacheStore::new(eviction, Capacity::entries(capacity));
    for &key in &keys[..warmup] {
        request(&mut cache, key);
    }
    let counted = &keys[warmup..];
    let hits = counted.iter().filter(|&&key| request(&mut cache, key));
    hits.count() as f64 / counted.len() as f64
}

#[test]
fn lru_and_fifo_agree_with_che_at_a_million_requests() {
    for (i, row) in (0..).zip(rows(CHE)) {
        let zipf = Zipf::new(number(&row, "n_objects") as u32, number(&row, "zipf_alpha"));
        let capacity = number(&row, "capacity") as u32;
        let mut draws = Key::root(11).with(i).draws();
        let keys: Vec<u64> = (0..1_100_000).map(|_| zipf.draw(&mut draws)).collect();
        for (eviction, name) in [(Eviction::Lru, "lru"), (Eviction::Fifo, "fifo")] {
            let ratio = ratio(eviction, capacity, &keys, 100_000);
            for oracle in ["che", "sim"] {
                let expected = number(&row, &format!("{name}_{oracle}_hit"));
                assert!(
                    (ratio - expected).abs() < 0.004,
                    "{row:?} {name} {oracle}: {ratio}"
                );
            }
        }
        // Keys that come independently can't be kept better than by knowing the most popular.
        for eviction in ALL {
            let ratio = ratio(eviction, capacity, &keys[..250_000], 50_000);
            assert!(
                ratio < number(&row, "perfect_lfu_hit") + 0.004,
                "{row:?} {eviction:?}: {ratio}"
            );
        }
    }
}

/// Whether `expected` is within four standard errors of the mean of replications.
fn agrees(values: &[f64], expected: f64) -> bool {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    // A sliver for ratios that are given in six places.
    (mean - expected).abs() < 4.0 * (variance / n).sqrt() + 2e-6
}

#[test]
fn small_caches_agree_with_the_exact_solution() {
    for (i, row) in (0..).zip(rows(EXACT_SMALL)) {
        let zipf = Zipf::new(number(&row, "n_objects") as u32, number(&row, "zipf_alpha"));
        let capacity = number(&row, "capacity") as u32;
        for (eviction, field) in [
            (Eviction::Lru, "lru_exact_hit"),
            (Eviction::Fifo, "fifo_random_exact_hit"),
        ] {
            let ratios: Vec<f64> = (0..20)
                .map(|replication| {
                    let mut draws = Key::root(13).with(i).with(replication).draws();
                    let keys: Vec<u64> = (0..51_000).map(|_| zipf.draw(&mut draws)).collect();
                    ratio(eviction, capacity, &keys, 1_000)
                })
                .collect();
            let expected = number(&row, field);
            assert!(
                agrees(&ratios, expected),
                "{row:?} {eviction:?}: {:?}",
                Estimate::new(&ratios, 0.99)
            );
        }
    }
}

#[test]
fn one_key_with_a_time_to_live_agrees_with_its_closed_form() {
    for (i, row) in (0..).zip(rows(TTL)) {
        let (rate, ttl) = (number(&row, "lambda_per_s"), number(&row, "ttl_s"));
        for (sliding, field) in [(false, "hit_ratio_exact"), (true, "sliding_ttl_hit_exact")] {
            let lifetimes = Lifetimes {
                ttl: Some(Duration::from_secs(ttl)),
                sliding,
                ..Lifetimes::default()
            };
            let ratios: Vec<f64> = (0..20)
                .map(|replication| {
                    let mut draws = Key::root(14).with(i).with(replication).draws();
                    let mut cache = CacheStore::new(Eviction::Lru, Capacity::entries(1));
                    let (mut now, mut hits, requests) = (Time::ZERO, 0, 40_000);
                    for _ in 0..requests {
                        now = now + Duration::from_secs(-draws.unit().ln() / rate);
                        match cache.get(1, now, &lifetimes) {
                            Lookup::Hit { .. } => hits += 1,
                            Lookup::Expired { .. } | Lookup::Miss => {
                                let ttl = lifetimes.draw(false, &mut draws);
                                cache.put(1, Value::default(), now, ttl);
                            }
                        }
                    }
                    // The first request of all finds nothing whatever the time to live is.
                    f64::from(hits) / f64::from(requests - 1)
                })
                .collect();
            let expected = number(&row, field);
            assert!(agrees(&ratios, expected), "{row:?} {sliding}: {ratios:?}");
        }
    }
}

/// Something that happens to a cache.
#[derive(Clone, Debug)]
enum Operation {
    Get(u64),
    Put(u64, u32, Option<u64>),
    Remove(u64),
    Wait(u64),
    Resize(Capacity),
    Clear,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let key = 0..30_u64;
    let bytes = prop_oneof![4 => 1..50_u32, 1 => 0..400_u32];
    let ttl = prop_oneof![Just(None), (1..40_u64).prop_map(Some)];
    let one = prop_oneof![
        30 => key.clone().prop_map(Operation::Get),
        30 => (key.clone(), bytes, ttl).prop_map(|(key, bytes, ttl)| Operation::Put(key, bytes, ttl)),
        3 => key.prop_map(Operation::Remove),
        10 => (1..10_u64).prop_map(Operation::Wait),
        1 => capacity().prop_map(Operation::Resize),
        1 => Just(Operation::Clear),
    ];
    prop::collection::vec(one, 1..300)
}

fn capacity() -> impl Strategy<Value = Capacity> {
    let bytes = prop_oneof![Just(Capacity::ANY_BYTES), 1..300_u64];
    (1..25_u32, bytes).prop_map(|(entries, bytes)| Capacity { entries, bytes })
}

fn eviction() -> impl Strategy<Value = Eviction> {
    prop::sample::select(ALL.to_vec())
}

fn value(version: u64, bytes: u32) -> Value {
    Value {
        version,
        bytes,
        ..Value::default()
    }
}

fn hash(cache: &CacheStore) -> u64 {
    let mut hasher = DefaultHasher::new();
    cache.hash(&mut hasher);
    hasher.finish()
}

/// LRU in the plainest words: the latest used last.
#[derive(Clone, Debug)]
struct PlainLru {
    capacity: Capacity,
    entries: Vec<(u64, Value, Option<u64>)>,
}

impl PlainLru {
    fn bytes(&self) -> u64 {
        let sizes = self.entries.iter().map(|(_, value, _)| value.bytes);
        sizes.map(u64::from).sum()
    }

    fn get(&mut self, key: u64, now: u64) -> Option<u64> {
        let at = self.entries.iter().position(|entry| entry.0 == key)?;
        if self.entries[at].2.is_some_and(|end| now >= end) {
            return None;
        }
        let entry = self.entries.remove(at);
        self.entries.push(entry);
        Some(entry.1.version)
    }

    fn put(&mut self, key: u64, value: Value, end: Option<u64>) {
        self.remove(key);
        if u64::from(value.bytes) <= self.capacity.bytes {
            self.entries.push((key, value, end));
        }
        self.shrink();
    }

    fn shrink(&mut self) {
        while self.entries.len() > self.capacity.entries as usize
            || self.bytes() > self.capacity.bytes
        {
            self.entries.remove(0);
        }
    }

    fn remove(&mut self, key: u64) {
        self.entries.retain(|entry| entry.0 != key);
    }
}

proptest! {
    #[test]
    fn a_cache_keeps_its_bounds_and_its_books(
        eviction in eviction(), capacity in capacity(), operations in operations()
    ) {
        let lifetimes = Lifetimes::default();
        let mut cache = CacheStore::new(eviction, capacity);
        let mut now = 0;
        // What was put and has not been seen to go.
        let mut held: HashMap<u64, Entry> = HashMap::new();
        for (version, operation) in (0..).zip(operations) {
            let time = Time::from_nanos(now);
            match operation {
                Operation::Get(key) => match (cache.get(key, time, &lifetimes), held.get(&key)) {
                    (Lookup::Hit { entry, refresh }, Some(expected)) => {
                        prop_assert_eq!(&entry, expected);
                        prop_assert!(!entry.is_expired(time) && !refresh);
                    }
                    (Lookup::Expired { entry }, Some(expected)) => {
                        prop_assert_eq!(&entry, expected);
                        prop_assert!(entry.is_expired(time));
                    }
                    (Lookup::Miss, None) => {}
                    other => prop_assert!(false, "{other:?}"),
                },
                Operation::Put(key, bytes, ttl) => {
                    let ttl = ttl.map(Duration::from_nanos);
                    let fits = u64::from(bytes) <= cache.capacity().bytes;
                    held.remove(&key);
                    let stored = cache.put(key, value(version, bytes), time, ttl);
                    prop_assert_eq!(stored.kept, fits);
                    for (key, entry) in stored.evicted {
                        prop_assert_eq!(held.remove(key), Some(*entry));
                    }
                    if stored.kept {
                        let entry = cache.peek(key).expect("it was kept");
                        prop_assert_eq!(entry.value, value(version, bytes));
                        held.insert(key, entry);
                    }
                }
                Operation::Remove(key) => prop_assert_eq!(cache.remove(key), held.remove(&key)),
                Operation::Wait(nanos) => now += nanos,
                Operation::Resize(capacity) => {
                    for (key, entry) in cache.resize(capacity) {
                        prop_assert_eq!(held.remove(key), Some(*entry));
                    }
                }
                Operation::Clear => {
                    cache.clear();
                    held.clear();
                }
            }
            prop_assert!(cache.len() <= cache.capacity().entries);
            prop_assert!(cache.bytes() <= cache.capacity().bytes);
            prop_assert_eq!(cache.len() as usize, held.len());
            let items: HashMap<u64, Entry> =
                cache.items().map(|item| (item.key, item.entry)).collect();
            prop_assert_eq!(cache.items().count(), held.len());
            prop_assert_eq!(&items, &held);
            let bytes: u64 = held.values().map(|entry| u64::from(entry.value.bytes)).sum();
            prop_assert_eq!(cache.bytes(), bytes);
        }
    }

    #[test]
    fn lru_is_what_it_says(capacity in capacity(), operations in operations()) {
        let lifetimes = Lifetimes::default();
        let mut cache = CacheStore::new(Eviction::Lru, capacity);
        let mut plain = PlainLru { capacity, entries: Vec::new() };
        let mut now = 0;
        for (version, operation) in (0..).zip(operations) {
            let time = Time::from_nanos(now);
            match operation {
                Operation::Get(key) => {
                    let found = match cache.get(key, time, &lifetimes) {
                        Lookup::Hit { entry, .. } => Some(entry.value.version),
                        Lookup::Expired { .. } | Lookup::Miss => None,
                    };
                    prop_assert_eq!(found, plain.get(key, now));
                }
                Operation::Put(key, bytes, ttl) => {
                    cache.put(key, value(version, bytes), time, ttl.map(Duration::from_nanos));
                    plain.put(key, value(version, bytes), ttl.map(|ttl| now + ttl));
                }
                Operation::Remove(key) => {
                    cache.remove(key);
                    plain.remove(key);
                }
                Operation::Wait(nanos) => now += nanos,
                Operation::Resize(capacity) => {
                    cache.resize(capacity);
                    plain.capacity = capacity;
                    plain.shrink();
                }
                Operation::Clear => {
                    cache.clear();
                    plain.entries.clear();
                }
            }
            let keys: Vec<u64> = cache.items().map(|item| item.key).collect();
            let expected: Vec<u64> = plain.entries.iter().rev().map(|entry| entry.0).collect();
            prop_assert_eq!(keys, expected);
        }
    }

    #[test]
    fn equal_histories_give_equal_caches_and_a_clone_goes_on_alike(
        eviction in eviction(), capacity in capacity(), operations in operations(), split in 0..300_usize
    ) {
        let run = |cache: &mut CacheStore, operations: &[Operation]| {
            for operation in operations {
                match *operation {
                    Operation::Get(key) => {
                        cache.get(key, Time::ZERO, &Lifetimes::default());
                    }
                    Operation::Put(key, bytes, ttl) => {
                        let ttl = ttl.map(Duration::from_nanos);
                        cache.put(key, value(0, bytes), Time::ZERO, ttl);
                    }
                    Operation::Remove(key) => {
                        cache.remove(key);
                    }
                    Operation::Wait(_) => {}
                    Operation::Resize(capacity) => {
                        cache.resize(capacity);
                    }
                    Operation::Clear => cache.clear(),
                }
            }
        };
        let (before, after) = operations.split_at(split.min(operations.len()));
        let mut one = CacheStore::new(eviction, capacity);
        run(&mut one, before);
        let mut two = one.clone();
        prop_assert_eq!(hash(&one), hash(&two));
        run(&mut one, after);
        run(&mut two, after);
        prop_assert_eq!(hash(&one), hash(&two));
        prop_assert!(one == two);
    }
}

#[test]
fn caches_are_equal_wherever_their_entries_lie() {
    for eviction in ALL {
        let mut one = CacheStore::new(eviction, Capacity::entries(8));
        let mut two = one.clone();
        one.put(99, Value::default(), Time::ZERO, None);
        one.put(1, Value::default(), Time::ZERO, None);
        one.remove(99);
        two.put(1, Value::default(), Time::ZERO, None);
        for key in 2..5 {
            one.put(key, Value::default(), Time::ZERO, None);
            two.put(key, Value::default(), Time::ZERO, None);
        }
        assert!(one == two && hash(&one) == hash(&two), "{eviction:?}");
        one.get(2, Time::ZERO, &Lifetimes::default());
        if eviction != Eviction::Fifo {
            assert!(one != two && hash(&one) != hash(&two), "{eviction:?}");
        }
    }
}

#[test]
fn a_value_is_old_from_the_moment_its_time_is_over() {
    let lifetimes = Lifetimes::default();
    let mut cache = CacheStore::new(Eviction::Lru, Capacity::entries(4));
    let (start, end) = (Time::from_secs(1.0), Time::from_secs(11.0));
    cache.put(1, value(7, 10), start, Some(Duration::from_secs(10.0)));
    let before = Time::from_nanos(end.nanos() - 1);
    let Lookup::Hit { entry, .. } = cache.get(1, before, &lifetimes) else {
        panic!("it is still good");
    };
    assert_eq!(
        (entry.value.version, entry.stored_at, entry.expires_at),
        (7, start, end)
    );
    assert_eq!(entry.age(before).nanos(), 9_999_999_999);
    let Lookup::Expired { entry } = cache.get(1, end, &lifetimes) else {
        panic!("its time is over");
    };
    assert_eq!(entry.value.version, 7);
    assert_eq!(cache.len(), 1);
    cache.put(1, value(8, 10), end, None);
    assert!(matches!(
        cache.get(1, Time::MAX, &lifetimes),
        Lookup::Hit { .. }
    ));
}

#[test]
fn a_refresh_is_asked_for_once_until_it_comes_or_fails() {
    let lifetimes = Lifetimes {
        refresh_ahead: Some(0.8),
        ..Lifetimes::default()
    };
    let ttl = Some(Duration::from_secs(10.0));
    let mut cache = CacheStore::new(Eviction::Lru, Capacity::entries(4));
    cache.put(1, value(1, 0), Time::ZERO, ttl);
    let asks = |cache: &mut CacheStore, secs| match cache.get(1, Time::from_secs(secs), &lifetimes)
    {
        Lookup::Hit { refresh, .. } => refresh,
        other => panic!("{other:?}"),
    };
    assert!(!asks(&mut cache, 7.9));
    assert!(asks(&mut cache, 8.0));
    assert!(!asks(&mut cache, 8.1));
    cache.refresh_failed(1);
    assert!(asks(&mut cache, 8.2));
    cache.put(1, value(2, 0), Time::from_secs(9.0), ttl);
    assert!(!asks(&mut cache, 16.9));
    assert!(asks(&mut cache, 17.0));
}

#[test]
fn there_is_no_such_row_is_not_renewed_by_asking() {
    let lifetimes = Lifetimes {
        sliding: true,
        ..Lifetimes::default()
    };
    let ttl = Some(Duration::from_secs(2.0));
    let mut cache = CacheStore::new(Eviction::Lru, Capacity::entries(4));
    let nothing = Value {
        negative: true,
        ..Value::default()
    };
    cache.put(1, nothing, Time::ZERO, ttl);
    cache.put(2, Value::default(), Time::ZERO, ttl);
    for (secs, negative_hits) in [(1.5, true), (3.0, false), (4.5, false)] {
        let now = Time::from_secs(secs);
        let found = |lookup| matches!(lookup, Lookup::Hit { .. });
        assert_eq!(found(cache.get(1, now, &lifetimes)), negative_hits);
        assert!(found(cache.get(2, now, &lifetimes)));
    }
}

#[test]
fn a_late_invalidation_spares_what_was_fetched_since_and_a_late_flush_what_was_written_since() {
    let mut cache = CacheStore::new(Eviction::Lru, Capacity::entries(4));
    let dirty = Value {
        dirty: true,
        ..value(5, 10)
    };
    cache.put(1, dirty, Time::ZERO, None);
    assert_eq!(cache.invalidate(1, 5), None);
    cache.written(1, 4);
    assert!(cache.peek(1).is_some_and(|entry| entry.value.dirty));
    cache.written(1, 5);
    assert!(cache.peek(1).is_some_and(|entry| !entry.value.dirty));
    assert!(cache.invalidate(1, 6).is_some());
    assert!(cache.is_empty() && cache.bytes() == 0);
}
