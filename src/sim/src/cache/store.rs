//! The store of a cache: entries by key, bounded in number and bytes.
//!
//! Models: what memcached, Redis or a library such as Caffeine holds: entries with a version, a size and a time to live, and
//! a policy that gives up some when others come. Every operation takes constant time (a search for a victim by CLOCK or SIEVE:
//! on average). An entry that is out of date stays, and takes its place, until it is replaced, removed or evicted; a reader may
//! so be given it when the store behind fails.
//! Does not model: memory by slab classes, or sampled LRU as Redis's; the policies are exact.

use core::hash::{Hash, Hasher};

use super::capacity::Capacity;
use super::entry::{Entry, Node, Value};
use super::lifetimes::Lifetimes;
use super::order::{Eviction, Order, Standing};
use crate::index::{Index, NONE};
use crate::list::{Links, Pool};
use crate::time::{Duration, Time};

/// What a read found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lookup {
    /// A value that may be used. It may still be older than what the store behind has.
    Hit {
        /// The value with its times, after a renewal if there was one.
        entry: Entry,
        /// The reader should ask for a refresh. Told once, until the entry is replaced or [`CacheStore::refresh_failed`].
        refresh: bool,
    },
    /// Only a value that is out of date.
    Expired {
        /// It.
        entry: Entry,
    },
    /// Nothing.
    Miss,
}

/// An entry to be shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Item {
    /// Its key.
    pub key: u64,
    /// What is held.
    pub entry: Entry,
    /// What the policy knows of it.
    pub standing: Standing,
}

/// What became of a value that was put into a cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stored<'a> {
    /// Whether it is there now; a value larger than the whole cache is not.
    pub kept: bool,
    /// The entries that had to go for it, in the order in which they went.
    pub evicted: &'a [(u64, Entry)],
}

/// Entries by key, with a policy that says which to give up.
#[derive(Clone, Debug)]
pub struct CacheStore {
    capacity: Capacity,
    nodes: Pool<Node>,
    index: Index,
    order: Order,
    len: u32,
    bytes: u64,
    /// What the last operation evicted: kept for its memory only.
    evicted: Vec<(u64, Entry)>,
}

impl CacheStore {
    /// An empty cache. Its memory grows with what it holds, up to its capacity.
    ///
    /// # Panics
    ///
    /// If `capacity` is for no entries.
    pub fn new(eviction: Eviction, capacity: Capacity) -> Self {
        assert!(capacity.entries > 0, "a cache holds at least one entry");
        Self {
            capacity,
            nodes: Pool::default(),
            index: Index::default(),
            order: Order::new(eviction, capacity),
            len: 0,
            bytes: 0,
            evicted: Vec::new(),
        }
    }

    /// The policy.
    pub const fn eviction(&self) -> Eviction {
        self.order.eviction()
    }

    /// How much it may hold.
    pub const fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// How many entries it holds, those that are out of date among them.
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// Whether it holds nothing.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many bytes it holds.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    fn find(&self, key: u64) -> Option<u32> {
        self.index.get(key, |at| self.nodes[at].key)
    }

    /// Reads `key`: the policy takes note of it.
    pub fn get(&mut self, key: u64, now: Time, lifetimes: &Lifetimes) -> Lookup {
        self.order.asked(key);
        let Some(at) = self.find(key) else {
            return Lookup::Miss;
        };
        let node = &mut self.nodes[at];
        if node.entry.is_expired(now) {
            return Lookup::Expired { entry: node.entry };
        }
        let refresh = !node.refreshing && lifetimes.is_due(&node.entry, now);
        node.refreshing |= refresh;
        if lifetimes.renews(&node.entry) {
            node.entry.expires_at = now + node.entry.ttl;
        }
        let entry = node.entry;
        self.order.touch(&mut self.nodes, at);
        Lookup::Hit { entry, refresh }
    }

    /// What is held for `key`, out of date or not, without the policy taking note.
    pub fn peek(&self, key: u64) -> Option<Entry> {
        self.find(key).map(|at| self.nodes[at].entry)
    }

    /// Keeps `value` for `key`, for `ttl` or without end, and makes room for it. Replacing a value counts as a use.
    pub fn put(&mut self, key: u64, value: Value, now: Time, ttl: Option<Duration>) -> Stored<'_> {
        self.evicted.clear();
        let entry = Entry::new(value, now, ttl);
        let found = self.find(key);
        if let Some(at) = found {
            let before = self.nodes[at].entry.value.bytes;
            let bytes = self.bytes - u64::from(before) + u64::from(value.bytes);
            if bytes <= self.capacity.bytes {
                self.bytes = bytes;
                self.nodes[at].entry = entry;
                self.nodes[at].refreshing = false;
                self.order.resized(&mut self.nodes, at, before);
                self.order.touch(&mut self.nodes, at);
                return self.stored(true);
            }
            // It no longer fits in its place, so it comes as a new one.
            self.take(at);
        }
        if u64::from(value.bytes) > self.capacity.bytes {
            return self.stored(false);
        }
        self.make_room(1, value.bytes);
        let at = self.nodes.add(Node {
            key,
            entry,
            links: Links::ALONE,
            mark: 0,
            refreshing: false,
        });
        self.index.insert(key, at);
        self.len += 1;
        self.bytes += u64::from(value.bytes);
        self.order.insert(&mut self.nodes, at);
        self.stored(true)
    }

    /// Takes over an entry that another cache held, with its times. Its capacity must have room for it.
    pub(crate) fn insert(&mut self, key: u64, entry: Entry) {
        let at = self.nodes.add(Node {
            key,
            entry,
            links: Links::ALONE,
            mark: 0,
            refreshing: false,
        });
        self.index.insert(key, at);
        self.len += 1;
        self.bytes += u64::from(entry.value.bytes);
        self.order.insert(&mut self.nodes, at);
    }

    fn stored(&self, kept: bool) -> Stored<'_> {
        Stored {
            kept,
            evicted: &self.evicted,
        }
    }

    /// Evicts until `entries` more with `bytes` more fit.
    fn make_room(&mut self, entries: u32, bytes: u32) {
        while self.len + entries > self.capacity.entries
            || self.bytes + u64::from(bytes) > self.capacity.bytes
        {
            let at = self.order.victim(&mut self.nodes, bytes);
            if at == NONE {
                break;
            }
            let key = self.nodes[at].key;
            let entry = self.take(at);
            self.evicted.push((key, entry));
        }
    }

    fn take(&mut self, at: u32) -> Entry {
        let Node { key, entry, .. } = self.nodes[at];
        self.order.remove(&mut self.nodes, at);
        self.index.remove(key, |at| self.nodes[at].key);
        self.nodes.free(at);
        self.len -= 1;
        self.bytes -= u64::from(entry.value.bytes);
        entry
    }

    /// Drops `key` and gives what was held.
    pub fn remove(&mut self, key: u64) -> Option<Entry> {
        self.find(key).map(|at| self.take(at))
    }

    /// Drops `key` if what is held is older than `version`: a late message does no harm to what was fetched since.
    pub fn invalidate(&mut self, key: u64, version: u64) -> Option<Entry> {
        let at = self.find(key)?;
        (self.nodes[at].entry.value.version < version).then(|| self.take(at))
    }

    /// The write of `version` has reached the store behind: if that is what is held, it is no longer dirty.
    pub fn written(&mut self, key: u64, version: u64) {
        if let Some(at) = self.find(key) {
            let value = &mut self.nodes[at].entry.value;
            value.dirty &= value.version != version;
        }
    }

    /// The write of `version` has become `value` in the store behind: if that is what is held, it is that from now on.
    pub fn settle(&mut self, key: u64, version: u64, value: Value) {
        if let Some(at) = self.find(key) {
            let held = &mut self.nodes[at].entry.value;
            if held.version == version {
                (held.version, held.source, held.row, held.dirty) =
                    (value.version, value.source, value.row, false);
            }
        }
    }

    /// What the latest [`CacheStore::put`] or [`CacheStore::resize`] evicted.
    pub fn evicted(&self) -> &[(u64, Entry)] {
        &self.evicted
    }

    /// A refresh came to nothing: the next read that finds one due asks again.
    pub fn refresh_failed(&mut self, key: u64) {
        if let Some(at) = self.find(key) {
            self.nodes[at].refreshing = false;
        }
    }

    /// Drops everything, as a flush or a crash does, and what the policy has learnt with it. The memory is kept.
    pub fn clear(&mut self) {
        self.nodes.clear();
        self.index.clear();
        self.order.clear();
        self.len = 0;
        self.bytes = 0;
    }

    /// Gives it another capacity; evicts what has no room any more.
    ///
    /// # Panics
    ///
    /// If `capacity` is for no entries.
    pub fn resize(&mut self, capacity: Capacity) -> &[(u64, Entry)] {
        assert!(capacity.entries > 0, "a cache holds at least one entry");
        self.evicted.clear();
        self.capacity = capacity;
        self.make_room(0, 0);
        self.order.resize(&mut self.nodes, capacity);
        &self.evicted
    }

    /// What is held, in the order of the policy: under LRU, FIFO, CLOCK and SIEVE the back of the line is last, under LFU the
    /// least used; W-TinyLFU's window comes first, then its protected and its probation segment.
    pub fn items(&self) -> impl Iterator<Item = Item> {
        self.in_order().map(|node| Item {
            key: node.key,
            entry: node.entry,
            standing: self.order.standing(node),
        })
    }

    fn in_order(&self) -> impl Iterator<Item = &Node> {
        let mut at = self.order.first();
        core::iter::from_fn(move || {
            if at == NONE {
                return None;
            }
            let node = &self.nodes[at];
            at = self.order.after(&self.nodes, at);
            Some(node)
        })
    }

    /// The key at which SIEVE's hand points, if it is SIEVE and the hand is not at the back.
    pub fn hand(&self) -> Option<u64> {
        match self.order.hand() {
            NONE => None,
            at => Some(self.nodes[at].key),
        }
    }

    /// All that makes a difference to what comes, apart from the entries.
    fn rest(&self) -> impl PartialEq + Hash {
        (
            self.eviction(),
            self.capacity,
            self.len,
            self.bytes,
            self.hand(),
            self.order.sketch(),
        )
    }

    /// The entries with all that makes a difference to what comes.
    fn whole(&self) -> impl Iterator<Item = impl PartialEq + Hash> {
        let nodes = self.in_order();
        self.items().zip(nodes.map(|node| node.refreshing))
    }
}

/// Two caches are equal if they hold the same in the same order and will go on alike, wherever in memory it lies.
impl PartialEq for CacheStore {
    fn eq(&self, other: &Self) -> bool {
        self.rest() == other.rest() && self.whole().eq(other.whole())
    }
}

impl Eq for CacheStore {}

impl Hash for CacheStore {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rest().hash(state);
        for entry in self.whole() {
            entry.hash(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    const ALL: [Eviction; 6] = [
        Eviction::Lru,
        Eviction::Lfu,
        Eviction::Fifo,
        Eviction::Clock,
        Eviction::Sieve,
        Eviction::WTinyLfu,
    ];

    fn put(cache: &mut CacheStore, key: u64) {
        cache.put(key, Value::default(), Time::ZERO, None);
    }

    fn get(cache: &mut CacheStore, key: u64) -> bool {
        cache.get(key, Time::ZERO, &Lifetimes::default()) != Lookup::Miss
    }

    fn keys(cache: &CacheStore) -> Vec<u64> {
        cache.items().map(|item| item.key).collect()
    }

    #[test]
    fn memory_stays_as_it_is_once_the_cache_is_full() {
        for eviction in ALL {
            let mut cache = CacheStore::new(eviction, Capacity::entries(100));
            let mut draws = Key::root(4).draws();
            let mut churn = |cache: &mut CacheStore, rounds| {
                for _ in 0..rounds {
                    let key = u64::from(draws.below(30) * draws.below(30));
                    match draws.below(10) {
                        0 => drop(cache.remove(key)),
                        _ if get(cache, key) => {}
                        _ => put(cache, key),
                    }
                }
                assert_eq!(cache.nodes.all_mut().len(), 100);
                (cache.nodes.room(), cache.index.room())
            };
            let before = churn(&mut cache, 10_000);
            assert_eq!(churn(&mut cache, 100_000), before, "{eviction:?}");
        }
    }

    #[test]
    fn the_hand_of_sieve_goes_on_when_what_it_points_at_is_removed() {
        let mut cache = CacheStore::new(Eviction::Sieve, Capacity::entries(4));
        for key in 1..5 {
            put(&mut cache, key);
        }
        get(&mut cache, 1);
        // The hand spares 1, takes 2, and stands at 3.
        put(&mut cache, 5);
        assert_eq!((keys(&cache), cache.hand()), (vec![5, 4, 3, 1], Some(3)));
        cache.remove(3);
        assert_eq!(cache.hand(), Some(4));
        put(&mut cache, 6);
        put(&mut cache, 7);
        assert_eq!((keys(&cache), cache.hand()), (vec![7, 6, 5, 1], Some(5)));
    }

    #[test]
    fn the_parts_of_w_tiny_lfu_keep_their_shares() {
        use super::super::Segment;
        let mut cache = CacheStore::new(Eviction::WTinyLfu, Capacity::entries(200));
        for key in 0..200 {
            put(&mut cache, key);
        }
        for key in (0..200).chain(0..200) {
            get(&mut cache, key);
        }
        let count = |segment| {
            let of = Standing::In(segment);
            cache.items().filter(|item| item.standing == of).count()
        };
        assert_eq!(count(Segment::Window), 2);
        assert_eq!(count(Segment::Protected), 158);
        assert_eq!(count(Segment::Probation), 40);
    }

    #[test]
    fn lfu_shows_how_often_each_was_used_the_most_used_first() {
        let mut cache = CacheStore::new(Eviction::Lfu, Capacity::entries(3));
        for key in 1..4 {
            put(&mut cache, key);
        }
        for key in [2, 3, 2, 2] {
            get(&mut cache, key);
        }
        let shown: Vec<(u64, Standing)> = cache
            .items()
            .map(|item| (item.key, item.standing))
            .collect();
        assert_eq!(
            shown,
            [
                (2, Standing::Uses(4)),
                (3, Standing::Uses(2)),
                (1, Standing::Uses(1))
            ]
        );
    }

    #[test]
    fn a_value_that_takes_more_bytes_makes_others_go() {
        let capacity = Capacity {
            entries: 10,
            bytes: 100,
        };
        let of = |bytes| Value {
            bytes,
            ..Value::default()
        };
        let mut cache = CacheStore::new(Eviction::Lru, capacity);
        for key in 1..5 {
            cache.put(key, of(25), Time::ZERO, None);
        }
        let stored = cache.put(1, of(60), Time::ZERO, None);
        let gone: Vec<u64> = stored.evicted.iter().map(|(key, _)| *key).collect();
        assert_eq!((stored.kept, gone), (true, vec![2, 3]));
        assert_eq!((keys(&cache), cache.bytes()), (vec![1, 4], 85));
        // Too large for the cache: what was held of it is not kept either, it would be old.
        assert!(!cache.put(1, of(101), Time::ZERO, None).kept);
        assert_eq!((keys(&cache), cache.bytes()), (vec![4], 25));
    }
}
