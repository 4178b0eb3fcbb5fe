//! Rate limiters: how many requests a second may pass.
//!
//! Models: the token bucket (a request takes a token or is refused; tokens come at a rate and are kept up to a burst), and the
//! leaky bucket of nginx's `limit_req` (requests leave at a rate; up to a burst of them wait for their turn or, with
//! `nodelay`, pass at once). Each for all requests together or for each key, with a bounded number of keys of which
//! the one not seen for longest is forgotten, as nginx's zones do.
//! Does not model: limits counted in fixed windows, or shared by several gateways.
//!
//! nginx counts in whole milliseconds and thousandths of a request; here both are a billion times finer than the whole.

use serde::{Deserialize, Serialize};

use super::Number;
use super::keyed::Keyed;
use crate::limits;
use crate::policy_state::PolicyState;
use crate::problem::Problems;
use crate::time::{Duration, Time};

/// A limit on the rate of requests.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RateLimit {
    /// Each request takes a token or is refused.
    TokenBucket {
        /// Tokens that come each second.
        rate_per_s: f64,
        /// Tokens that are kept at most, and are there at the start.
        burst: u32,
        /// With it, each key has a bucket of its own; so many keys are remembered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keys: Option<u32>,
    },
    /// Requests pass at an even rate, those too early wait, those too many are refused.
    LeakyBucket {
        /// Requests that pass each second.
        rate_per_s: f64,
        /// Requests that may be ahead of their time; 0 for none.
        #[serde(default)]
        burst: u32,
        /// Whether those within the burst pass at once instead of waiting.
        #[serde(default)]
        nodelay: bool,
        /// With it, each key has a bucket of its own; so many keys are remembered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keys: Option<u32>,
    },
}

impl RateLimit {
    pub(crate) fn check(&self, p: &mut Problems) {
        let (name, rate_per_s, burst, least, keys) = match *self {
            Self::TokenBucket {
                rate_per_s,
                burst,
                keys,
            } => ("token_bucket", rate_per_s, burst, 1, keys),
            Self::LeakyBucket {
                rate_per_s,
                burst,
                keys,
                ..
            } => ("leaky_bucket", rate_per_s, burst, 0, keys),
        };
        p.within(name, |p| {
            p.number("rate_per_s", rate_per_s, 1e-3, limits::RATE_PER_S);
            p.count("burst", u64::from(burst), least, limits::QUEUE);
            if let Some(keys) = keys {
                p.count("keys", u64::from(keys), 1, limits::RATE_LIMIT_KEYS);
            }
        });
    }
}

/// A limiter's answer to a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admit {
    /// It passes at once.
    Pass,
    /// It passes after so long.
    Delay(Duration),
    /// It is refused.
    Reject,
}

/// One request in the unit that buckets count in.
const REQUEST: u64 = 1_000_000_000;

/// The settings in the form in which they are used.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Rule {
    rate_per_s: Number,
    /// In billionths of a request.
    burst: u64,
    kind: Kind,
    by_key: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Kind {
    Token,
    Leaky { nodelay: bool },
}

/// One bucket, as it was when a request last passed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Bucket {
    /// In billionths: tokens left; or, of a leaky bucket, by how many requests the next would be ahead of its time.
    level: u64,
    at: Time,
}

/// What a limiter remembers.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RateLimitState {
    rule: Rule,
    buckets: Keyed<Bucket>,
}

impl RateLimitState {
    /// A limiter that has seen no request yet.
    pub fn new(limit: &RateLimit) -> Self {
        let (rule, keys) = compiled(limit);
        Self {
            rule,
            buckets: Keyed::new(keys),
        }
    }

    /// Takes on changed settings. The buckets stay, unless they are of another kind or number.
    pub fn reconfigure(&mut self, limit: &RateLimit) {
        let (rule, keys) = compiled(limit);
        let kind = |rule: &Rule| (core::mem::discriminant(&rule.kind), rule.by_key);
        if kind(&rule) != kind(&self.rule) || keys != self.buckets.most() {
            self.buckets = Keyed::new(keys);
        }
        self.rule = rule;
    }

    /// What it knows at `now`, to be shown.
    pub fn view(&self, now: Time) -> PolicyState {
        let rule = self.rule;
        let leaky = matches!(rule.kind, Kind::Leaky { .. });
        let level = match self.buckets.peek(0) {
            Some(bucket) => {
                let gone = now.since(bucket.at).nanos() as f64;
                let passed = libm::floor(rule.rate_per_s.get() * gone) as u64;
                if leaky {
                    bucket.level.saturating_sub(passed)
                } else {
                    bucket.level.saturating_add(passed).min(rule.burst)
                }
            }
            None if leaky => 0,
            None => rule.burst,
        };
        let requests = |level: u64| level as f64 / REQUEST as f64;
        PolicyState::RateLimit {
            rate_per_s: rule.rate_per_s.get(),
            level: (!rule.by_key).then(|| requests(level)),
            burst: requests(rule.burst),
            leaky,
            keys: if rule.by_key { self.buckets.len() } else { 0 },
        }
    }

    /// Asks for a request to pass. `key` is ignored by a limit for all.
    pub fn admit(&mut self, now: Time, key: u64) -> Admit {
        let rule = self.rule;
        let key = if rule.by_key { key } else { 0 };
        let level = match rule.kind {
            Kind::Token => rule.burst,
            Kind::Leaky { .. } => 0,
        };
        let bucket = self.buckets.get(key, || Bucket { level, at: now });
        // Rounded down, and only from a request that passed: errors don't add up however often one asks.
        let gone = now.since(bucket.at).nanos() as f64;
        let passed = libm::floor(rule.rate_per_s.get() * gone) as u64;
        match rule.kind {
            Kind::Token => {
                let tokens = bucket.level.saturating_add(passed).min(rule.burst);
                if tokens < REQUEST {
                    return Admit::Reject;
                }
                *bucket = Bucket {
                    level: tokens - REQUEST,
                    at: now,
                };
                Admit::Pass
            }
            Kind::Leaky { nodelay } => {
                let ahead = bucket.level.saturating_sub(passed);
                if ahead > rule.burst {
                    return Admit::Reject;
                }
                *bucket = Bucket {
                    level: ahead + REQUEST,
                    at: now,
                };
                if ahead == 0 || nodelay {
                    return Admit::Pass;
                }
                let nanos = libm::rint(ahead as f64 / rule.rate_per_s.get()) as u64;
                Admit::Delay(Duration::from_nanos(nanos))
            }
        }
    }
}

fn compiled(limit: &RateLimit) -> (Rule, u32) {
    let (rate_per_s, burst, kind, keys) = match *limit {
        RateLimit::TokenBucket {
            rate_per_s,
            burst,
            keys,
        } => (rate_per_s, burst, Kind::Token, keys),
        RateLimit::LeakyBucket {
            rate_per_s,
            burst,
            nodelay,
            keys,
        } => (rate_per_s, burst, Kind::Leaky { nodelay }, keys),
    };
    let rule = Rule {
        rate_per_s: Number::new(rate_per_s),
        burst: u64::from(burst) * REQUEST,
        kind,
        by_key: keys.is_some(),
    };
    (rule, keys.unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::super::tests::problems;
    use super::*;

    fn limiter(text: &str) -> RateLimitState {
        let limit: RateLimit = crate::read_json(text).expect("of the format");
        RateLimitState::new(&limit)
    }

    fn at(ms: f64) -> Time {
        Time::from_secs(ms / 1e3)
    }

    #[test]
    fn settings_have_bounds() {
        let found = problems(|p| {
            RateLimit::TokenBucket {
                rate_per_s: 0.0,
                burst: 0,
                keys: Some(1_000_000),
            }
            .check(p);
        });
        assert_eq!(
            found,
            [
                "token_bucket.rate_per_s: 0 is out of range: 0.001 to 1000000 is allowed",
                "token_bucket.burst: 0 is out of range: 1 to 1000000 is allowed",
                "token_bucket.keys: 1000000 is out of range: 1 to 100000 is allowed",
            ]
        );
    }

    #[test]
    fn a_full_bucket_lets_a_burst_pass_and_then_the_rate() {
        let mut limiter = limiter(r#"{ "token_bucket": { "rate_per_s": 10, "burst": 3 } }"#);
        let passed = [0.0, 0.0, 0.0, 0.0, 99.0, 100.0, 100.0, 5_000.0].map(|ms| {
            // By one key or another, it is the same bucket.
            limiter.admit(at(ms), ms as u64) == Admit::Pass
        });
        assert_eq!(passed, [true, true, true, false, false, true, false, true]);
    }

    #[test]
    fn asking_often_costs_no_tokens() {
        let mut limiter = limiter(r#"{ "token_bucket": { "rate_per_s": 0.001, "burst": 1 } }"#);
        assert_eq!(limiter.admit(Time::ZERO, 0), Admit::Pass);
        for nanos in 1..1_000 {
            assert_eq!(
                limiter.admit(Time::from_nanos(nanos * 100), 0),
                Admit::Reject
            );
        }
        assert_eq!(limiter.admit(Time::from_secs(999.999), 0), Admit::Reject);
        assert_eq!(limiter.admit(Time::from_secs(1_000.0), 0), Admit::Pass);
    }

    #[test]
    fn early_requests_wait_their_turn() {
        let text = r#"{ "leaky_bucket": { "rate_per_s": 10, "burst": 2 } }"#;
        let mut limiter = limiter(text);
        let answers = [0.0, 0.0, 40.0, 40.0, 100.0].map(|ms| limiter.admit(at(ms), 0));
        let delay = |ms| Admit::Delay(Duration::from_millis(ms));
        assert_eq!(
            answers,
            [
                Admit::Pass,
                delay(100.0),
                delay(160.0),
                Admit::Reject,
                delay(200.0)
            ]
        );
    }

    #[test]
    fn keys_do_not_take_each_others_tokens_and_the_idle_are_forgotten() {
        let mut limiter =
            limiter(r#"{ "token_bucket": { "rate_per_s": 0.1, "burst": 1, "keys": 2 } }"#);
        let mut pass = |key| limiter.admit(Time::from_secs(1.0), key) == Admit::Pass;
        assert!(pass(1) && pass(2));
        assert!(!pass(1) && !pass(2));
        // A third key makes the limiter forget the first, which may then pass again.
        assert!(pass(3) && !pass(2) && pass(1));
    }
}
