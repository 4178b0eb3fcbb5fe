//! Gateways: one place in front of others that lets through what its limits allow.
//!
//! Models: a limit on the rate (token or leaky bucket), for all or for each user or key; a limit on requests under way; a cache
//! of answers. Limits come first, as nginx's `limit_req` and `limit_conn` do before `proxy_cache`: an answer from the cache
//! counts, too. Who is too early for a leaky bucket waits without a worker; then what is under way is counted.
//! Does not model: limits that several gateways share, authentication, or routes by path.
//! Source: nginx, which the leaky bucket agrees with event by event.

use serde::{Deserialize, Serialize};

use super::{ANY, check_operation, check_target, no_bound};
use crate::cache::{Cache, Mode};
use crate::distribution::Distribution;
use crate::limits;
use crate::problem::Problems;
use crate::resilience::{ConcurrencyLimit, RateLimit};
use crate::scenario::Scenario;

/// Limits in front of a target.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// The component that gets what passes.
    pub target: String,
    /// How many requests a second may pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Whose bucket it is, of a rate limit with `keys`.
    #[serde(default, skip_serializing_if = "LimitBy::is_user")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = LimitBy::default())))]
    pub limit_by: LimitBy,
    /// How many requests may be under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<ConcurrencyLimit>,
    /// Keeps answers: fetches what is missing (`read_through`), and lets writes pass and drop the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Box<Cache>>,
    /// The operations whose answers are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cached: Vec<String>,
    /// How long a worker is at each request before it sends it on; no time if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<Distribution>,
    /// Requests that it works on at once. One that waits for the target counts, too.
    #[serde(default = "many", skip_serializing_if = "is_many")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = many())))]
    pub workers: u32,
    /// Requests that may wait for a worker; the next is refused.
    #[serde(default = "no_bound", skip_serializing_if = "is_no_bound")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = no_bound())))]
    pub queue: u32,
}

/// Whose bucket a rate limit with `keys` counts in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LimitBy {
    /// The user's.
    #[default]
    User,
    /// That of the key which the request is about.
    Key,
}

impl LimitBy {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn is_user(&self) -> bool {
        *self == Self::User
    }
}

pub(super) const fn many() -> u32 {
    limits::WORKERS as u32
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
pub(super) const fn is_many(count: &u32) -> bool {
    *count == many()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
pub(super) const fn is_no_bound(count: &u32) -> bool {
    *count == no_bound()
}

impl Gateway {
    /// Whether answers to `operation` are kept.
    pub fn keeps(&self, operation: &str) -> bool {
        self.cached.iter().any(|own| own == operation || own == ANY)
    }

    /// How many keys its rate limit remembers.
    pub(super) fn limited_keys(&self) -> u64 {
        match self.rate_limit {
            Some(RateLimit::TokenBucket { keys, .. } | RateLimit::LeakyBucket { keys, .. }) => {
                u64::from(keys.unwrap_or(1))
            }
            None => 0,
        }
    }

    pub(crate) fn check(&self, scenario: &Scenario, p: &mut Problems) {
        check_target("target", &self.target, scenario, p);
        if let Some(limit) = &self.rate_limit {
            p.within("rate_limit", |p| limit.check(p));
        }
        if let Some(limit) = &self.concurrency {
            p.within("concurrency", |p| limit.check(p));
        }
        if let Some(work) = &self.work {
            p.within("work", |p| work.check(p));
        }
        p.count("workers", u64::from(self.workers), 1, limits::WORKERS);
        p.count("queue", u64::from(self.queue), 0, limits::QUEUE);
        p.within("cached", |p| {
            if !p.list("", self.cached.len(), 0, limits::OPERATIONS) {
                return;
            }
            for (i, operation) in self.cached.iter().enumerate() {
                check_operation(&format!("[{i}]"), operation, p);
            }
        });
        let Some(cache) = &self.cache else {
            if !self.cached.is_empty() {
                p.note_at(
                    "cached",
                    "there is no 'cache' to keep these answers: give one",
                );
            }
            return;
        };
        if self.cached.is_empty() {
            p.note_at("cached", "name the operations whose answers are kept");
        }
        p.within("cache", |p| {
            cache.check(p);
            super::database::check_writes(&cache.writes, p);
            let elsewhere = [
                ("target", cache.target.is_some()),
                ("workers", cache.workers != many()),
                ("queue", cache.queue != no_bound()),
                ("regions", cache.regions != 1),
                (
                    "mode",
                    !matches!(cache.mode, Mode::CacheAside | Mode::ReadThrough),
                ),
            ];
            for (field, _) in elsewhere.iter().filter(|(_, is_set)| *is_set) {
                p.note_at(
                    *field,
                    "the cache of a gateway fetches from the gateway's target with its workers: leave this out",
                );
            }
        });
    }
}
