//! A cache as a scenario describes it: one level, be it a client's, a CDN's, a gateway's, an application's or a database's.
//!
//! Models: what is kept and for how long; what a write does; whether many who miss the same key all fetch it; what the cache
//! holds at the start. Whether a reader gets an old version follows from these and from the moments of reads and writes.
//! Does not model: invalidation by tag or prefix, compression of what is kept, or the time that a hit's answer takes to unpack.

use serde::{Deserialize, Serialize};

use super::{Capacity, Eviction, Lifetimes};
use crate::component::{ANY, is_one, no_bound, one};
use crate::distribution::Distribution;
use crate::limits;
use crate::problem::{Problem, Problems};
use crate::time::Duration;

/// A cache: bounded in entries, in bytes or in both.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// Entries that it may hold, 1 to 500,000; 100,000 if only bytes are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_entries: Option<u32>,
    /// Bytes that its values may take, 1 to 2^40; without it the number of entries is the only bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_bytes: Option<u64>,
    /// Which entry it gives up when it is full.
    #[serde(default)]
    pub eviction: Eviction,
    /// How long entries live; without it as long as there is room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Ttl>,
    /// Keeps "there is no such row" for so many seconds; without it such answers are not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_ttl_s: Option<f64>,
    /// The share of the time to live, over 0 and under 1, after which a hit also asks for a refresh in the background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_ahead: Option<f64>,
    /// Who fills it, and what a write does.
    #[serde(default)]
    pub mode: Mode,
    /// Of those who miss the same key, one fetches and the others wait for it.
    #[serde(default)]
    pub single_flight: bool,
    /// How long a look-up takes; no time if it is not given.
    #[serde(default = "no_time")]
    pub lookup: Distribution,
    /// A change in the store behind drops the key here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalidation: Option<Invalidation>,
    /// What it holds at the start; nothing if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm: Option<Warm>,
    /// The next level, which is asked for what is missing and gets the writes: in all modes but `cache_aside`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The operations that change the row that they are about; all others read it. `*` is for any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<String>,
    /// Requests that it works on at once. One that waits for the next level counts, too.
    #[serde(default = "many", skip_serializing_if = "is_many")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = many())))]
    pub workers: u32,
    /// Requests that may wait for a worker; the next is refused.
    #[serde(default = "no_bound", skip_serializing_if = "is_no_bound")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = no_bound())))]
    pub queue: u32,
    /// In how many regions it stands, each with entries of its own, as a content delivery network does, 1 to 100. A user
    /// belongs to the region of the user's number modulo the number of regions.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = one())))]
    pub regions: u32,
    /// Whether entries belong to users, as those in browsers do. The capacity is that of all users together.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub private: bool,
    /// Bytes of a value that comes without a size.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = 0)))]
    pub value_bytes: u32,
}

/// How long entries live.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Ttl {
    /// The time to live, in seconds.
    pub ttl_s: f64,
    /// How far a single one may be off, as a share of it, 0 to 1: with 0.1 anything between 90% and 110%.
    #[serde(default)]
    pub jitter: f64,
    /// Each hit renews it: entries expire when they have not been read for so long.
    #[serde(default)]
    pub sliding: bool,
}

/// Who fills a cache, and what a write does.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Mode {
    /// The caller reads the cache, fetches what is missing and puts it there; it writes to the store behind and drops the key.
    #[default]
    CacheAside,
    /// The cache fetches what is missing; a write goes to the store behind and drops the key.
    ReadThrough,
    /// The cache fetches what is missing; a write goes through it to the store behind, and is kept when it is done there.
    WriteThrough,
    /// The cache fetches what is missing; a write goes past it, and what it holds stays until it expires or is invalidated.
    WriteAround,
    /// The cache fetches what is missing; a write is answered when it is in the cache, and goes on later. A crash loses what
    /// has not gone on.
    WriteBehind {
        /// How often dirty keys are sent on, in milliseconds.
        flush_interval_ms: f64,
        /// How many of them at most each time, 1 to 10,000.
        batch: u32,
    },
}

/// Dropping keys that have changed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Invalidation {
    /// How long after the change the cache learns of it, in milliseconds.
    pub delay_ms: f64,
}

/// What a cache holds at the start.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Warm {
    /// So many of the keys that are asked for most; at most as many as it may hold.
    pub keys: u32,
}

const fn no_time() -> Distribution {
    Distribution::Constant { mean_ms: 0.0 }
}

const fn many() -> u32 {
    limits::WORKERS as u32
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_many(count: &u32) -> bool {
    *count == many()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_no_bound(count: &u32) -> bool {
    *count == no_bound()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Cache {
    /// Whether `operation` changes the row that it is about.
    pub fn is_write(&self, operation: &str) -> bool {
        self.writes.iter().any(|own| own == operation || own == ANY)
    }

    pub(crate) fn check(&self, p: &mut Problems) {
        if self.capacity_entries.is_none() && self.capacity_bytes.is_none() {
            p.note("a cache needs 'capacity_entries', 'capacity_bytes' or both");
        }
        if let Some(entries) = self.capacity_entries {
            p.count(
                "capacity_entries",
                u64::from(entries),
                1,
                limits::CACHE_ENTRIES,
            );
        }
        if let Some(bytes) = self.capacity_bytes {
            p.count("capacity_bytes", bytes, 1, limits::CACHE_BYTES);
        }
        if let Some(ttl) = &self.ttl {
            p.within("ttl", |p| {
                p.number("ttl_s", ttl.ttl_s, 1e-6, limits::TTL_S);
                p.number("jitter", ttl.jitter, 0.0, 1.0);
            });
        }
        if let Some(ttl_s) = self.negative_ttl_s {
            p.number("negative_ttl_s", ttl_s, 1e-6, limits::TTL_S);
        }
        if let Some(share) = self.refresh_ahead {
            p.number("refresh_ahead", share, 1e-6, 1.0 - 1e-6);
            match &self.ttl {
                None => p.note_at(
                    "refresh_ahead",
                    "without 'ttl' nothing needs a refresh: give one or leave this out",
                ),
                Some(ttl) if ttl.sliding => p.note_at(
                    "refresh_ahead",
                    "with a sliding 'ttl' each hit renews the entry: leave one of the two out",
                ),
                Some(_) => {}
            }
        }
        if let Mode::WriteBehind {
            flush_interval_ms,
            batch,
        } = &self.mode
        {
            p.within("mode", |p| {
                p.within("write_behind", |p| {
                    p.number(
                        "flush_interval_ms",
                        *flush_interval_ms,
                        0.1,
                        limits::WORK_MS,
                    );
                    p.count("batch", u64::from(*batch), 1, 10_000);
                });
            });
        }
        p.within("lookup", |p| self.lookup.check(p));
        if let Some(invalidation) = &self.invalidation {
            p.within("invalidation", |p| {
                p.number("delay_ms", invalidation.delay_ms, 0.0, limits::WORK_MS);
            });
        }
        if let Some(warm) = &self.warm {
            let most = self
                .capacity_entries
                .unwrap_or(limits::CACHE_ENTRIES_UNSAID);
            p.within("warm", |p| {
                p.count("keys", u64::from(warm.keys), 1, u64::from(most.max(1)));
            });
        }
    }

    /// Everything that is wrong with this description; nothing if it can be used.
    pub fn problems(&self) -> Vec<Problem> {
        let mut p = Problems::default();
        self.check(&mut p);
        p.or(()).err().unwrap_or_default()
    }

    /// How much it may hold. The entries are what bounds its memory.
    pub fn capacity(&self) -> Capacity {
        Capacity {
            entries: self
                .capacity_entries
                .unwrap_or(limits::CACHE_ENTRIES_UNSAID),
            bytes: self.capacity_bytes.unwrap_or(Capacity::ANY_BYTES),
        }
    }

    /// How many keys may be dirty at once: as many as it may hold, up to the cap.
    pub fn max_dirty(&self) -> u32 {
        self.capacity().entries.min(limits::DIRTY)
    }

    /// How long entries live.
    pub fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            ttl: self.ttl.as_ref().map(|ttl| Duration::from_secs(ttl.ttl_s)),
            jitter: self.ttl.as_ref().map_or(0.0, |ttl| ttl.jitter),
            sliding: self.ttl.as_ref().is_some_and(|ttl| ttl.sliding),
            negative: self.negative_ttl_s.map(Duration::from_secs),
            refresh_ahead: self.refresh_ahead,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::read_json;

    fn read(text: &str) -> Cache {
        read_json(text).unwrap_or_else(|problem| panic!("{problem} in {text}"))
    }

    fn problems(text: &str) -> Vec<String> {
        let found = read(text).problems();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_cache_needs_no_more_than_a_capacity() {
        let cache = read(r#"{ "capacity_entries": 100 }"#);
        assert_eq!(cache.mode, Mode::CacheAside);
        assert_eq!(cache.capacity(), Capacity::entries(100));
        assert_eq!(cache.lifetimes(), Lifetimes::default());
        assert!(problems(r#"{ "capacity_bytes": 1000000 }"#).is_empty());
    }

    #[test]
    fn a_full_description_is_read_and_written_alike() {
        let text = r#"{ "capacity_entries": 1000, "capacity_bytes": 1000000, "eviction": "w_tiny_lfu",
            "ttl": { "ttl_s": 60, "jitter": 0.1 }, "negative_ttl_s": 5, "refresh_ahead": 0.8,
            "mode": { "write_behind": { "flush_interval_ms": 500, "batch": 100 } }, "single_flight": true,
            "lookup": { "exponential": { "mean_ms": 0.5 } }, "invalidation": { "delay_ms": 20 }, "warm": { "keys": 1000 } }"#;
        assert_eq!(problems(text), Vec::<String>::new());
        let cache = read(text);
        let written = serde_json::to_string(&cache).expect("it is plain data");
        assert_eq!(read(&written), cache);
        assert_eq!(
            read(r#"{ "capacity_entries": 1, "mode": "write_around" }"#).mode,
            Mode::WriteAround
        );
    }

    #[test]
    fn every_problem_is_found_with_its_place() {
        let found = problems(
            r#"{ "ttl": { "ttl_s": 0, "jitter": 2, "sliding": true }, "negative_ttl_s": -1, "refresh_ahead": 1,
            "mode": { "write_behind": { "flush_interval_ms": 0, "batch": 0 } },
            "lookup": { "constant": { "mean_ms": -1 } }, "invalidation": { "delay_ms": -1 }, "warm": { "keys": 0 } }"#,
        );
        let places: Vec<&str> = found
            .iter()
            .map(|problem| problem.split(": ").next().expect("there is a first part"))
            .collect();
        assert_eq!(
            places,
            [
                "a cache needs 'capacity_entries', 'capacity_bytes' or both",
                "ttl.ttl_s",
                "ttl.jitter",
                "negative_ttl_s",
                "refresh_ahead",
                "refresh_ahead",
                "mode.write_behind.flush_interval_ms",
                "mode.write_behind.batch",
                "lookup.constant.mean_ms",
                "invalidation.delay_ms",
                "warm.keys"
            ]
        );
        let found = problems(r#"{ "capacity_entries": 500001, "refresh_ahead": 0.5 }"#);
        assert!(found[0].contains("1 to 500000 is allowed"), "{found:?}");
        assert_eq!(found.len(), 2);
    }
}
