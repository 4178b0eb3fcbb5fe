//! Passive ejection: a member that fails requests is left alone for a while. Nginx's `max_fails` and `fail_timeout`
//! (`ngx_http_upstream_round_robin.c`).
//!
//! So many failures with less than the timeout between them put a member aside. After the timeout one request tries
//! it: if that succeeds, it is as before, else the timeout starts anew. Each failure also takes a part of the weight that
//! weighted round robin gives it, which comes back one by one. As there, the clock counts whole seconds, and a member that
//! is alone is never put aside.
//! Does not model: ejection by a member's rate of errors or latency beside the others', as Envoy's outlier detection has it.

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::problem::Problems;
use crate::time::Time;

/// When failing members are put aside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Ejection {
    /// So many failures within the timeout put a member aside.
    #[serde(default = "max_fails")]
    pub max_fails: u32,
    /// In what time the failures must come, and for how long the member is then left alone, in whole seconds: it is tried
    /// again when a clock of whole seconds shows more than this since the last failure.
    #[serde(default = "fail_timeout_s")]
    pub fail_timeout_s: u32,
}

const fn max_fails() -> u32 {
    1
}

const fn fail_timeout_s() -> u32 {
    10
}

impl Ejection {
    pub(crate) fn check(self, p: &mut Problems) {
        p.count("max_fails", u64::from(self.max_fails), 1, limits::PROBES);
        p.count(
            "fail_timeout_s",
            u64::from(self.fail_timeout_s),
            1,
            limits::HORIZON_S as u64,
        );
    }
}

/// What requests to one member have shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Failures {
    count: u32,
    /// The second of the last failure.
    failed_s: u64,
    /// The second of the last failure, or of the first choice after a timeout without one.
    checked_s: u64,
}

const NANOS: u64 = 1_000_000_000;

const fn second(now: Time) -> u64 {
    now.nanos() / NANOS
}

impl Failures {
    /// Whether the member is put aside at `now`.
    pub const fn ejected(&self, rule: Ejection, now: Time) -> bool {
        self.count >= rule.max_fails && !self.waited(rule, now)
    }

    const fn waited(&self, rule: Ejection, now: Time) -> bool {
        second(now) > self.checked_s + rule.fail_timeout_s as u64
    }

    /// When a member that is put aside is tried again.
    pub const fn until(&self, rule: Ejection) -> Time {
        let second = self.checked_s + rule.fail_timeout_s as u64 + 1;
        Time::from_nanos(second.saturating_mul(NANOS))
    }

    /// The member was chosen. Tells whether this request is the one that tries it again.
    pub const fn chosen(&mut self, rule: Ejection, now: Time) -> bool {
        if !self.waited(rule, now) {
            return false;
        }
        self.checked_s = second(now);
        self.count >= rule.max_fails
    }

    /// A request to the member failed.
    pub const fn failed(&mut self, now: Time) {
        self.count = self.count.saturating_add(1);
        self.failed_s = second(now);
        self.checked_s = self.failed_s;
    }

    /// A request to the member succeeded. Tells whether that brought it back.
    pub const fn succeeded(&mut self, rule: Ejection) -> bool {
        if self.failed_s >= self.checked_s {
            return false;
        }
        let back = self.count >= rule.max_fails;
        self.count = 0;
        back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_left_alone_for_the_timeout_and_then_tried_by_one() {
        let rule = Ejection {
            max_fails: 2,
            fail_timeout_s: 3,
        };
        let at = |secs| Time::from_secs(secs);
        let mut failures = Failures::default();
        failures.failed(at(1.4));
        assert!(!failures.ejected(rule, at(1.4)));
        failures.failed(at(1.9));
        assert!(failures.ejected(rule, at(4.9)));
        assert_eq!(failures.until(rule), at(5.0));
        assert!(!failures.ejected(rule, at(5.0)));
        assert!(failures.chosen(rule, at(5.2)));
        assert!(
            failures.ejected(rule, at(5.2)),
            "one tries, the others wait"
        );
        assert!(failures.succeeded(rule));
        assert!(!failures.ejected(rule, at(5.3)));
    }

    #[test]
    fn failures_long_apart_do_not_add_up() {
        let rule = Ejection {
            max_fails: 2,
            fail_timeout_s: 3,
        };
        let mut failures = Failures::default();
        failures.failed(Time::from_secs(1.0));
        let later = Time::from_secs(6.0);
        assert!(!failures.chosen(rule, later), "it was not put aside");
        assert!(!failures.succeeded(rule));
        failures.failed(Time::from_secs(7.0));
        assert!(!failures.ejected(rule, Time::from_secs(7.0)));
    }
}
