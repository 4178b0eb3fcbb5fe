//! Active health checks: a balancer asks each member from time to time, and counts.
//!
//! As `HAProxy`'s `rise` and `fall`: so many failures in a row take a member out, so many successes in a row bring it back;
//! one success forgives a member in service all its failures, one failure takes from a member out of service all its
//! successes. The same counts are a cloud balancer's healthy and unhealthy thresholds.
//! Does not model: `HAProxy`'s `fastinter` and its first check, which alone decides. Members start in service.

use serde::{Deserialize, Serialize};

use crate::component::{ANY, check_operation};
use crate::limits;
use crate::problem::Problems;

/// When a balancer looks at its members, and what it makes of the answers. With 30 s, 3 and 2 a member that dies just after
/// a probe still gets requests for 90 s and the last probe's timeout.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// From one probe of a member to its next, in seconds.
    pub interval_s: f64,
    /// How long a probe waits for its answer before it counts as failed, in milliseconds; not longer than the interval.
    pub timeout_ms: f64,
    /// So many failures in a row take a member out of service.
    pub fall: u32,
    /// So many successes in a row bring it back.
    pub rise: u32,
    /// The operation that a probe asks for: the path of the check. Every target must answer it.
    #[serde(default = "health", skip_serializing_if = "is_health")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = health())))]
    pub operation: String,
}

fn health() -> String {
    "health".to_owned()
}

fn is_health(operation: &str) -> bool {
    operation == "health"
}

impl HealthCheck {
    pub(crate) fn check(&self, p: &mut Problems) {
        p.number("interval_s", self.interval_s, 1e-3, limits::HORIZON_S);
        let most = (self.interval_s * 1e3).clamp(1e-3, limits::WORK_MS);
        p.number("timeout_ms", self.timeout_ms, 1e-3, most);
        p.count("fall", u64::from(self.fall), 1, limits::PROBES);
        p.count("rise", u64::from(self.rise), 1, limits::PROBES);
        if self.operation == ANY {
            p.note_at(
                "operation",
                "'*' stands for any operation: a probe asks for one by name",
            );
        } else {
            check_operation("operation", &self.operation, p);
        }
    }
}

/// What a probe's result has changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Transition {
    /// The member is back in service.
    Up,
    /// The member is out of service.
    Down,
}

/// What the probes of one member have shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Health {
    down: bool,
    /// Results in a row that speak against the present state.
    against: u32,
}

impl Health {
    /// Whether the member is in service.
    pub const fn is_up(&self) -> bool {
        !self.down
    }

    /// Results in a row that speak against the present state: failures of one that is up, successes of one that is down.
    pub const fn against(&self) -> u32 {
        self.against
    }

    /// A probe has come back, well or badly.
    pub fn probed(&mut self, ok: bool, fall: u32, rise: u32) -> Option<Transition> {
        if ok != self.down {
            self.against = 0;
            return None;
        }
        self.against += 1;
        let (needed, transition) = if self.down {
            (rise, Transition::Up)
        } else {
            (fall, Transition::Down)
        };
        if self.against < needed {
            return None;
        }
        *self = Self {
            down: !self.down,
            against: 0,
        };
        Some(transition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_30_s_with_3_and_2() {
        // The usual example: a probe each 30 s, out after 3 failures, back after 2 successes.
        let check = HealthCheck {
            interval_s: 30.0,
            timeout_ms: 5_000.0,
            fall: 3,
            rise: 2,
            operation: health(),
        };
        let mut problems = Problems::default();
        check.check(&mut problems);
        assert!(problems.is_empty());
        // It dies at 100 s and is mended at 300 s; probes at 0, 30, 60 s and so on.
        let mut health = Health::default();
        let mut changes = Vec::new();
        for probe in 0..20 {
            let at = 30.0 * f64::from(probe);
            let ok = !(100.0..300.0).contains(&at);
            if let Some(change) = health.probed(ok, check.fall, check.rise) {
                changes.push((at, change));
            }
        }
        assert_eq!(
            changes,
            [(180.0, Transition::Down), (330.0, Transition::Up)]
        );
    }

    #[test]
    fn a_probe_may_not_outlast_its_interval() {
        let check = HealthCheck {
            interval_s: 1.0,
            timeout_ms: 1_500.0,
            fall: 0,
            rise: 2,
            operation: ANY.to_owned(),
        };
        let mut problems = Problems::default();
        check.check(&mut problems);
        let found = problems.or(()).expect_err("three problems");
        let paths: Vec<&str> = found.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["timeout_ms", "fall", "operation"]);
    }
}
