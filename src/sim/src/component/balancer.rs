//! Balancers: which of several targets gets the next request.
//!
//! Models: the choice, from what a balancer knows itself: its own turn and open requests, the answers that came back and
//! the probes it sent. How each policy chooses, and who is left out, is in `balance`.
//! Does not model: the time the balancer itself takes, or its own limits; it is one place and never fails.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use vecmap::VecMap;

use super::{ANY, Component, Weight};
use crate::balance::{Ejection, HealthCheck, Policy, Rules, Sticky};
use crate::cache::Mode;
use crate::hash::ring;
use crate::limits;
use crate::problem::Problems;
use crate::scenario::{Scenario, unknown};
use crate::time::Duration;

/// Spreads requests over its targets; every instance of a service counts as a target of its own.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Balancer {
    /// How it chooses.
    pub policy: Policy,
    /// Services, databases, gateways and caches that fetch what they miss, which take the requests.
    pub targets: Vec<String>,
    /// Weights of targets, 1 to 1000, for the policies that count them; 1 for those not named. A number is for every
    /// instance, a list has one for each.
    #[serde(default, skip_serializing_if = "VecMap::is_empty")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, Weight>")
    )]
    pub weights: VecMap<String, Weight>,
    /// Targets that get requests only while no other can.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backups: Vec<String>,
    /// How it looks whether its targets are well; without it, it does not look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
    /// When it puts aside a target that fails requests; without it, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ejection: Option<Ejection>,
    /// How long a target that has come into service, or back, takes to get its whole weight, in seconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = 0.0)))]
    pub slow_start_s: f64,
    /// Who stays with the target that it had first, while that can be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticky: Option<Sticky>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(seconds: &f64) -> bool {
    *seconds == 0.0
}

impl Balancer {
    /// Its rules in a scenario.
    pub(crate) fn rules(&self, scenario: &Scenario) -> Rules {
        let sticky = balancers(scenario).filter(|balancer| balancer.sticky.is_some());
        Rules {
            ejection: self.ejection,
            fall: self.health_check.as_ref().map_or(1, |check| check.fall),
            rise: self.health_check.as_ref().map_or(1, |check| check.rise),
            slow_start: Duration::from_secs(self.slow_start_s),
            sticky: self.sticky,
            affinities: (limits::AFFINITIES / (sticky.count() as u64).max(1)) as u32,
            ..Rules::new(self.policy)
        }
    }

    /// The weight of an instance of `target`, from 0.
    pub(crate) fn weight(&self, target: &str, instance: u32) -> u32 {
        self.weights
            .get(target)
            .map_or(1, |weight| weight.of(instance))
    }

    pub(crate) fn check(&self, scenario: &Scenario, p: &mut Problems) {
        p.within("policy", |p| self.policy.check(p));
        // Each is named once.
        let lists = [("targets", &self.targets), ("backups", &self.backups)];
        if { lists.iter() }.any(|(field, list)| !p.list(field, list.len(), 0, limits::COMPONENTS)) {
            return;
        }
        self.check_targets(scenario, p);
        p.within("weights", |p| {
            for (target, weight) in &self.weights {
                self.check_named(target, target, p);
                weight.check(target, p);
            }
        });
        p.within("backups", |p| {
            for (i, target) in self.backups.iter().enumerate() {
                self.check_named(&format!("[{i}]"), target, p);
            }
        });
        if let Some(check) = &self.health_check {
            p.within("health_check", |p| {
                check.check(p);
                for target in &self.targets {
                    if !answers(scenario, target, &check.operation) {
                        p.note_at(
                            "operation",
                            format!(
                                "'{target}' has no plan for '{}': every target must answer its probes",
                                check.operation
                            ),
                        );
                    }
                }
            });
        }
        if let Some(ejection) = self.ejection {
            p.within("ejection", |p| ejection.check(p));
        }
        p.number("slow_start_s", self.slow_start_s, 0.0, limits::HORIZON_S);
    }

    fn check_targets(&self, scenario: &Scenario, p: &mut Problems) {
        if self.targets.is_empty() {
            p.note_at("targets", "a balancer needs at least one target");
        }
        p.within("targets", |p| {
            let mut earlier = BTreeSet::new();
            for (i, target) in self.targets.iter().enumerate() {
                let is_new = earlier.insert(target);
                let place = format!("[{i}]");
                match scenario.components.get(target) {
                    None => p.note_at(place, unknown(target, scenario.components.keys())),
                    Some(Component::Database(database)) if database.has_approach() => p.note_at(
                        place,
                        format!(
                            "'{target}' has replicas or sets up connections: its callers choose among its nodes, so call it \
                             directly"
                        ),
                    ),
                    Some(Component::Cache(cache)) if cache.mode == Mode::CacheAside || cache.private => {
                        p.note_at(
                            place,
                            format!(
                                "'{target}' is a cache that is asked by those who use it: a balancer's targets answer by \
                                 themselves, as a cache with another mode and a target does"
                            ),
                        );
                    }
                    Some(
                        Component::Client(_)
                        | Component::Balancer(_)
                        | Component::Queue(_)
                        | Component::Topic(_),
                    ) => p.note_at(
                        place,
                        format!("'{target}' sends requests on: a balancer's targets are services, databases, gateways and caches"),
                    ),
                    Some(_) if is_new => {}
                    Some(_) => p.note_at(
                        place,
                        format!("'{target}' is named twice: name each target once"),
                    ),
                }
            }
        });
    }

    /// Notes it if `name` is no target of this balancer.
    fn check_named(&self, place: &str, name: &str, p: &mut Problems) {
        if !self.targets.iter().any(|target| target == name) {
            p.note_at(
                place,
                format!(
                    "'{name}' is not a target: the targets are {}",
                    self.targets
                        .iter()
                        .take(20)
                        .cloned()
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            );
        }
    }

    /// The weights of its members, one after the other.
    fn member_weights(&self, scenario: &Scenario) -> impl Iterator<Item = u64> {
        self.targets.iter().flat_map(move |target| {
            let instances = match scenario.components.get(target) {
                // More than are allowed is another check's to tell.
                Some(Component::Service(service)) => {
                    service.instances.min(limits::INSTANCES as u32)
                }
                Some(Component::Cache(cache)) => cache.regions.min(limits::REGIONS as u32),
                Some(_) => 1,
                None => 0,
            };
            let weight = self.weights.get(target);
            (0..instances).map(move |instance| {
                let weight = weight.map_or(1, |weight| weight.of(instance));
                u64::from(weight).min(limits::WEIGHT)
            })
        })
    }
}

fn balancers(scenario: &Scenario) -> impl Iterator<Item = &Balancer> {
    scenario
        .components
        .values()
        .filter_map(|component| match component {
            Component::Balancer(balancer) => Some(balancer),
            _ => None,
        })
}

/// Notes it if all balancers together would take too much memory. Each of them says so.
pub(crate) fn check_sums(scenario: &Scenario, p: &mut Problems) {
    let (mut members, mut points) = (0, 0);
    let mut weights = balancers(scenario).flat_map(|balancer| {
        let on_ring = balancer.policy == Policy::ConsistentHash;
        let weights = balancer.member_weights(scenario);
        weights.map(move |weight| if on_ring { weight } else { 0 })
    });
    let too_many = weights.any(|on_ring| {
        members += 1;
        points += on_ring * u64::from(ring::POINTS);
        members > limits::MEMBERS || points > limits::RING_POINTS
    });
    if !too_many {
        return;
    }
    for (name, component) in &scenario.components {
        if matches!(component, Component::Balancer(_)) {
            p.note_at(
                format!("components.{name}.balancer.targets"),
                format!(
                    "too many for all balancers together: {} instances are allowed, and {} points on rings ({} for each \
                     unit of weight)",
                    limits::MEMBERS,
                    limits::RING_POINTS,
                    ring::POINTS
                ),
            );
        }
    }
}

fn answers(scenario: &Scenario, target: &str, operation: &str) -> bool {
    match scenario.components.get(target) {
        Some(Component::Service(service)) => {
            service.plans.contains_key(operation) || service.plans.contains_key(ANY)
        }
        Some(Component::Database(database)) => database.answer(operation).is_some(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(balancer: &str, instances: u32) -> Result<Scenario, String> {
        let text = format!(
            r#"{{"version":1,"horizon_s":1,"components":{{
                "u":{{"client":{{"operation":"buy","target":"lb","arrivals":{{"constant":{{"rate_per_s":1}}}}}}}},
                "lb":{{"balancer":{{{balancer}}}}},
                "a":{{"service":{{"instances":{instances},"workers":1,"plans":{{"*":[{{"work":{{"constant":{{"mean_ms":1}}}}}}]}}}}}},
                "b":{{"service":{{"workers":1,"plans":{{"buy":[{{"work":{{"constant":{{"mean_ms":1}}}}}}]}}}}}}}}}}"#
        );
        Scenario::from_json(&text).map_err(|problems| {
            let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
            shown.join("\n")
        })
    }

    #[test]
    fn a_file_of_before_says_the_same_when_written_again() {
        let short = r#""policy":"least_connections","targets":["a","b"]"#;
        let scenario = scenario(short, 2).expect("valid");
        let text = serde_json::to_string(&scenario.components["lb"]).expect("plain data");
        assert_eq!(text, format!(r#"{{"balancer":{{{short}}}}}"#));
    }

    #[test]
    fn all_of_it_can_be_said() {
        let scenario = scenario(
            r#""policy":{"peak_ewma":{}},"targets":["a","b"],"weights":{"a":[5,2],"b":3},"backups":["b"],
               "health_check":{"interval_s":30,"timeout_ms":5000,"fall":3,"rise":2,"operation":"buy"},
               "ejection":{},"slow_start_s":20,"sticky":"user""#,
            3,
        )
        .expect("valid");
        let Component::Balancer(balancer) = &scenario.components["lb"] else {
            panic!("a balancer");
        };
        assert_eq!(balancer.policy, Policy::PeakEwma { decay_ms: 10_000 });
        assert_eq!([0, 1, 2].map(|i| balancer.weight("a", i)), [5, 2, 2]);
        assert_eq!(balancer.weight("b", 0), 3);
        let rules = balancer.rules(&scenario);
        assert_eq!((rules.fall, rules.rise), (3, 2));
        assert_eq!(rules.slow_start, Duration::from_secs(20.0));
        assert_eq!(u64::from(rules.affinities), limits::AFFINITIES);
        let again = serde_json::to_string(&scenario).expect("plain data");
        assert_eq!(Scenario::from_json(&again), Ok(scenario));
    }

    #[test]
    fn each_fault_names_its_place() {
        let path = "components.lb.balancer";
        for (balancer, expected) in [
            (
                r#""policy":{"power_of_d":{"d":17}},"targets":["a"]"#,
                ".policy.power_of_d.d: 17 is out of range: 1 to 16",
            ),
            (
                r#""policy":"random","targets":["a"],"weights":{"b":1}"#,
                ".weights.b: 'b' is not a target: the targets are a",
            ),
            (
                r#""policy":"random","targets":["a"],"weights":{"a":[1,1001]}"#,
                ".weights.a[1]: 1001 is out of range: 1 to 1000",
            ),
            (
                r#""policy":"random","targets":["a"],"weights":{"a":0}"#,
                ".weights.a: 0 is out of range",
            ),
            (
                r#""policy":"random","targets":["a"],"backups":["a","b"]"#,
                ".backups[1]: 'b' is not a target",
            ),
            (
                r#""policy":"random","targets":["a","b"],"health_check":{"interval_s":1,"timeout_ms":100,"fall":3,"rise":2}"#,
                ".health_check.operation: 'b' has no plan for 'health'",
            ),
            (
                r#""policy":"random","targets":["a"],"ejection":{"max_fails":0}"#,
                ".ejection.max_fails: 0 is out of range",
            ),
            (
                r#""policy":"random","targets":["a"],"slow_start_s":-1"#,
                ".slow_start_s: -1 is out of range",
            ),
            (
                r#""policy":"consistent_hash","targets":["a"],"weights":{"a":1000}"#,
                ".targets: too many for all balancers together",
            ),
        ] {
            let said = scenario(balancer, 20).expect_err("must be refused");
            assert_eq!(said.lines().count(), 1, "{said}");
            assert!(said.starts_with(&format!("{path}{expected}")), "{said}");
        }
    }
}
