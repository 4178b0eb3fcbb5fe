//! Caches as components: one level of a chain, be it a client's, a network's, an application's or a database's.
//!
//! Models: a station in front of the next level, whose workers look keys up and hold on while what is missing is fetched; or,
//! in cache-aside, a store beside the services that ask it, fill it and drop keys from it by calls that take their time. So
//! the races are real: a reader that was slow to fill puts an old row over a dropped key, and it stays until it expires.
//! A cache keeps rows: all operations that read the same key share an entry. A cache in front of a disk is a buffer pool.
//! Who tells whom of a change: when a database has written a row, every cache that it stands behind and that has an
//! `invalidation` learns of it after that cache's own delay, as change streams and purges by event do.
//! A service may ask with a key that has the version of what the result is computed from ([`VersionOf`]): who was slow to compute
//! then fills a key that nobody asks for any more.
//! Does not model: locks of keys, so that two writes through a cache may come back in the other order and leave the older;
//! purges that get lost; that what was compressed is unpacked again on each hit.
//! Sources: the modes are those of Ehcache and Hazelcast; cache-aside and its races: Nishtala and others, *Scaling Memcache at
//! Facebook*, NSDI 2013.

use serde::{Deserialize, Serialize};

use super::database::check_writes;
use super::service::check_plan;
use super::{Call, Component, Instruction, check_target};
use crate::cache::{Cache, Mode};
use crate::limits;
use crate::problem::Problems;
use crate::resilience::Resilience;
use crate::scenario::{Scenario, unknown};

/// Asking a cache before something else (cache-aside). A cache that fails counts as one that has nothing.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cached {
    /// The cache, of mode `cache_aside`. With `single_flight`, of those at one instance who miss the same key one goes on
    /// and the others wait for what it brings, as with Go's `singleflight`.
    pub cache: String,
    /// The version of what the kept results are computed from, to be part of the key. Results of older versions are then not
    /// found any more, all at once and without being dropped; they leave as the cache makes room. Caches that are asked
    /// within `miss` have it in their keys, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionOf>,
    /// What to do if it has nothing for the key. What comes of it is put into the cache; nobody waits for that.
    pub miss: Vec<Instruction>,
    /// How the caller guards itself against a slow or failing cache.
    #[serde(default, skip_serializing_if = "Resilience::is_empty")]
    pub resilience: Resilience,
}

/// How the version is known that is part of a cache's key, as in Rails' `cache_key_with_version` and Memcached's namespaces.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum VersionOf {
    /// It is that of what this call answers; it is made first, each time.
    Call(Box<Call>),
    /// It is that of what has been answered last in the plan.
    Answer,
}

/// Dropping the request's key in a cache, in all its regions, and waiting until that is done. If the cache fails, the key
/// stays and the request goes on. Not for a cache that the request has come through: it would wait for itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Invalidate {
    /// The cache, of any mode.
    pub cache: String,
    /// How the caller guards itself against a slow or failing cache.
    #[serde(default, skip_serializing_if = "Resilience::is_empty")]
    pub resilience: Resilience,
}

/// The cache called `name`.
fn named<'a>(name: &str, scenario: &'a Scenario, p: &mut Problems) -> Option<&'a Cache> {
    match scenario.components.get(name) {
        None => p.note_at("cache", unknown(name, scenario.components.keys())),
        Some(Component::Cache(cache)) => return Some(cache),
        Some(other) => {
            p.note_at(
                "cache",
                format!("'{name}' is a {}, not a cache", other.kind().name()),
            );
        }
    }
    None
}

impl Cached {
    pub(super) fn check(&self, scenario: &Scenario, p: &mut Problems, depth: usize) {
        if let Some(cache) = named(&self.cache, scenario, p) {
            if cache.mode != Mode::CacheAside {
                p.note_at(
                    "cache",
                    format!(
                        "'{}' fetches what is missing itself: call it, or leave out its mode",
                        self.cache
                    ),
                );
            }
            if cache.single_flight && flies(&self.miss, scenario) {
                p.note_at(
                    "miss",
                    "a cache with single flight within another: give single flight to one of them",
                );
            }
        }
        if let Some(version) = &self.version {
            p.within("version", |p| version.check(scenario, p, depth));
        }
        if versions(&self.miss) && (self.version.is_some() || self.flies_itself(scenario)) {
            p.note_at(
                "miss",
                "a version within a look-up that has one, or that others wait for (single flight): give 'version' to the outer one",
            );
        }
        check_plan("miss", &self.miss, scenario, p, depth + 1);
        p.within("resilience", |p| self.resilience.check(p));
    }
}

impl Cached {
    fn flies_itself(&self, scenario: &Scenario) -> bool {
        let cache = scenario.components.get(&self.cache);
        matches!(cache, Some(Component::Cache(cache)) if cache.single_flight)
    }
}

impl VersionOf {
    fn check(&self, scenario: &Scenario, p: &mut Problems, depth: usize) {
        if let Self::Call(call) = self {
            p.within("call", |p| {
                call.check(scenario, p, depth);
                if call.asynchronous {
                    p.note_at(
                        "asynchronous",
                        "the version has to be known: leave this out",
                    );
                }
            });
        }
    }
}

/// Whether a plan asks a cache by version.
fn versions(plan: &[Instruction]) -> bool {
    plan.iter().any(|step| match step {
        Instruction::Cached(cached) => cached.version.is_some() || versions(&cached.miss),
        Instruction::Call(call) => call.fallback.as_ref().is_some_and(|plan| versions(plan)),
        _ => false,
    })
}

/// Whether a plan asks a cache with single flight.
fn flies(plan: &[Instruction], scenario: &Scenario) -> bool {
    plan.iter().any(|step| match step {
        Instruction::Cached(cached) => {
            let cache = scenario.components.get(&cached.cache);
            matches!(cache, Some(Component::Cache(cache)) if cache.single_flight)
                || flies(&cached.miss, scenario)
        }
        Instruction::Call(call) => call
            .fallback
            .as_ref()
            .is_some_and(|plan| flies(plan, scenario)),
        _ => false,
    })
}

impl Invalidate {
    pub(super) fn check(&self, scenario: &Scenario, p: &mut Problems) {
        if let Some(cache) = named(&self.cache, scenario, p)
            && cache.private
        {
            p.note_at(
                "cache",
                format!(
                    "'{}' is kept by its users: nobody else can drop what they have",
                    self.cache
                ),
            );
        }
        p.within("resilience", |p| self.resilience.check(p));
    }
}

/// Notes what is wrong with a cache.
pub(crate) fn check(cache: &Cache, scenario: &Scenario, p: &mut Problems) {
    cache.check(p);
    match (&cache.target, &cache.mode) {
        (None, Mode::CacheAside) => {}
        (Some(_), Mode::CacheAside) => p.note_at(
            "target",
            "with mode cache_aside, the default, those who ask fetch what is missing: leave this out or choose another mode",
        ),
        (None, _) => p.note_at(
            "target",
            "this cache fetches what is missing: name the next level, or leave out its mode",
        ),
        (Some(target), _) => check_target("target", target, scenario, p),
    }
    check_writes(&cache.writes, p);
    if !cache.writes.is_empty() && cache.mode == Mode::CacheAside {
        p.note_at(
            "writes",
            "with mode cache_aside those who write drop the key with 'invalidate': leave this out",
        );
    }
    p.count("workers", u64::from(cache.workers), 1, limits::WORKERS);
    p.count("queue", u64::from(cache.queue), 0, limits::QUEUE);
    p.count("regions", u64::from(cache.regions), 1, limits::REGIONS);
    if cache.private {
        let impossible = [
            ("invalidation", cache.invalidation.is_some()),
            ("warm", cache.warm.is_some()),
            ("regions", cache.regions > 1),
            ("mode", matches!(cache.mode, Mode::WriteBehind { .. })),
        ];
        for (field, _) in impossible.iter().filter(|(_, is_set)| *is_set) {
            p.note_at(
                *field,
                "nobody but its user knows what a private cache keeps: leave this out",
            );
        }
    }
}

/// Notes if all caches, or all limits by key, together ask for too much.
pub(crate) fn check_caps(scenario: &Scenario, p: &mut Problems) {
    let (mut entries, mut keys) = (0, 0);
    for component in scenario.components.values() {
        let cache = match component {
            Component::Cache(cache) => Some(&**cache),
            Component::Gateway(gateway) => {
                keys += gateway.limited_keys();
                gateway.cache.as_deref()
            }
            _ => None,
        };
        if let Some(cache) = cache {
            entries += u64::from(cache.capacity().entries) * u64::from(cache.regions);
        }
    }
    let mut most = |what: &str, count: u64, cap: u64| {
        if count > cap {
            p.note_at(
                "components",
                format!("{count} {what} in all: at most {cap} are allowed"),
            );
        }
    };
    most("entries of caches", entries, limits::CACHE_ENTRIES);
    most("keys of rate limits", keys, limits::RATE_LIMIT_KEYS);
}
