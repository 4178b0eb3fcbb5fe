//! Balancers: which of several targets gets the next request.
//!
//! Models: the choice itself, from what a balancer knows (its own turn, its own open requests).
//! Does not model: the time the balancer itself takes, or its own limits; it is one place and never fails.

use serde::{Deserialize, Serialize};

use super::Component;
use crate::problem::Problems;
use crate::scenario::{Scenario, unknown};

/// Spreads requests over its targets; every instance of a service counts as a target of its own.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Balancer {
    /// How it chooses.
    pub policy: Policy,
    /// Services and databases that take the requests.
    pub targets: Vec<String>,
}

/// How a balancer chooses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Each in turn.
    RoundRobin,
    /// The one with the fewest open requests of this balancer; among equals, the next in turn.
    LeastConnections,
}

impl Balancer {
    pub(crate) fn check(&self, scenario: &Scenario, p: &mut Problems) {
        if self.targets.is_empty() {
            p.note_at("targets", "a balancer needs at least one target");
        }
        p.within("targets", |p| {
            for (i, target) in self.targets.iter().enumerate() {
                let place = format!("[{i}]");
                match scenario.components.get(target) {
                    None => p.note_at(place, unknown(target, scenario.components.keys())),
                    Some(Component::Service(_) | Component::Database(_)) => {
                        if self.targets[..i].contains(target) {
                            p.note_at(
                                place,
                                format!("'{target}' is named twice: name each target once"),
                            );
                        }
                    }
                    Some(other) => p.note_at(
                        place,
                        format!(
                            "'{target}' is a {}: a balancer's targets are services and databases",
                            other.kind().name()
                        ),
                    ),
                }
            }
        });
    }
}

/// A balancer's state: whose turn it is and how many requests it has open where.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct BalancerState {
    /// Position among the backends of the next turn.
    turn: u32,
    /// Open requests by station.
    open: Vec<u32>,
}

impl BalancerState {
    /// Makes room for stations up to `count`.
    pub fn resize(&mut self, count: usize) {
        if self.open.len() < count {
            self.open.resize(count, 0);
        }
    }

    /// The station among `backends` that gets the next request.
    pub fn choose(&mut self, policy: Policy, backends: &[u32]) -> u32 {
        let count = backends.len();
        let start = self.turn as usize % count;
        let at = match policy {
            Policy::RoundRobin => start,
            Policy::LeastConnections => {
                let mut best = start;
                let mut fewest = u32::MAX;
                for at in (start..count).chain(0..start) {
                    let open = self.open[backends[at] as usize];
                    if open < fewest {
                        (best, fewest) = (at, open);
                        // Nothing has fewer than none.
                        if open == 0 {
                            break;
                        }
                    }
                }
                best
            }
        };
        self.turn = (at as u32 + 1) % count as u32;
        let station = backends[at];
        self.open[station as usize] += 1;
        station
    }

    /// A request to `station` has ended, well or badly.
    pub fn ended(&mut self, station: u32) {
        self.open[station as usize] -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(stations: usize) -> BalancerState {
        let mut state = BalancerState::default();
        state.resize(stations);
        state
    }

    #[test]
    fn round_robin_takes_turns() {
        let mut state = state(4);
        let chosen: Vec<u32> = (0..5)
            .map(|_| state.choose(Policy::RoundRobin, &[1, 2, 3]))
            .collect();
        assert_eq!(chosen, [1, 2, 3, 1, 2]);
    }

    #[test]
    fn round_robin_goes_on_when_a_target_is_gone() {
        let mut state = state(4);
        for _ in 0..2 {
            state.choose(Policy::RoundRobin, &[1, 2, 3]);
        }
        assert_eq!(state.choose(Policy::RoundRobin, &[1, 2]), 1);
    }

    #[test]
    fn least_connections_prefers_the_idle_and_then_the_turn() {
        let mut state = state(3);
        let backends = [0, 1, 2];
        assert_eq!(state.choose(Policy::LeastConnections, &backends), 0);
        assert_eq!(state.choose(Policy::LeastConnections, &backends), 1);
        state.ended(0);
        assert_eq!(state.choose(Policy::LeastConnections, &backends), 2);
        assert_eq!(state.choose(Policy::LeastConnections, &backends), 0);
        assert_eq!(state.open, [1, 1, 1]);
    }
}
