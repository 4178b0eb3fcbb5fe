//! What an autoscaler remembers, and how it decides. The rules are with its settings, in `autoscale.rs`.

use std::collections::VecDeque;

use super::Number;
use super::autoscale::{Autoscale, ScalingRule};
use crate::time::{Duration, Time};

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Rule {
    Target {
        value: Number,
        tolerance: Number,
        stabilise_down: Duration,
    },
    Steps {
        up: Vec<(Number, u32)>,
        down: Vec<(Number, u32)>,
    },
}

/// What an autoscaler remembers.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AutoscaleState {
    rule: Rule,
    min: u32,
    max: u32,
    interval: Duration,
    warm_up: Duration,
    cooldown_up: Duration,
    cooldown_down: Duration,
    /// When the number last changed.
    changed: Option<Time>,
    /// Numbers wanted within the window that no later one exceeds, so that the first is the highest.
    wanted: VecDeque<(Time, u32)>,
}

impl AutoscaleState {
    /// An autoscaler that has measured nothing yet.
    pub fn new(autoscale: &Autoscale) -> Self {
        let seconds = Duration::from_secs;
        let rule = match &autoscale.rule {
            ScalingRule::Target {
                value,
                tolerance,
                stabilise_down_s,
            } => Rule::Target {
                value: Number::new(*value),
                tolerance: Number::new(*tolerance),
                stabilise_down: seconds(*stabilise_down_s),
            },
            ScalingRule::Steps { up, down } => {
                let mut up: Vec<_> = up.iter().map(|s| (Number::new(s.above), s.add)).collect();
                let mut down: Vec<_> = down
                    .iter()
                    .map(|s| (Number::new(s.below), s.remove))
                    .collect();
                // The furthest first.
                up.sort_by(|a, b| b.0.get().total_cmp(&a.0.get()));
                down.sort_by(|a, b| a.0.get().total_cmp(&b.0.get()));
                Rule::Steps { up, down }
            }
        };
        Self {
            rule,
            min: autoscale.min,
            max: autoscale.max,
            interval: seconds(autoscale.interval_s),
            warm_up: seconds(autoscale.warm_up_s),
            cooldown_up: seconds(autoscale.cooldown_up_s),
            cooldown_down: seconds(autoscale.cooldown_down_s),
            changed: None,
            // As many different numbers as there can be, so that it never grows.
            wanted: VecDeque::with_capacity(
                (autoscale.max.saturating_sub(autoscale.min) + 2) as usize,
            ),
        }
    }

    /// Takes on changed settings; what was wanted and when it last changed stay.
    pub fn reconfigure(&mut self, autoscale: &Autoscale) {
        let before = core::mem::replace(self, Self::new(autoscale));
        self.changed = before.changed;
        self.wanted.extend(before.wanted);
    }

    /// The time from one tick to the next.
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// How long a new instance takes before it serves and is measured.
    pub const fn warm_up(&self) -> Duration {
        self.warm_up
    }

    /// How many instances there should be in all, when `ready` ones serve with a mean of `value` (any number if there
    /// are none) and `warming` ones are about to.
    pub fn tick(&mut self, now: Time, value: f64, ready: u32, warming: u32) -> u32 {
        let current = ready + warming;
        let wanted = match &self.rule {
            Rule::Target {
                value: target,
                tolerance,
                stabilise_down,
            } => {
                let wanted = to_target(value / target.get(), tolerance.get(), ready, warming)
                    .clamp(self.min, self.max);
                let window = *stabilise_down;
                if self.wanted.is_empty() {
                    self.want(now, current);
                }
                while self
                    .wanted
                    .front()
                    .is_some_and(|(at, _)| now.since(*at) > window)
                {
                    self.wanted.pop_front();
                }
                self.want(now, wanted);
                let highest = self.wanted.front().map_or(wanted, |(_, highest)| *highest);
                if wanted < current {
                    highest.min(current)
                } else {
                    wanted
                }
            }
            Rule::Steps { up, down } => {
                let add = up.iter().find(|(above, _)| value >= above.get());
                let remove = down.iter().find(|(below, _)| value <= below.get());
                match (add, remove) {
                    (Some((_, add)), _) => (ready + add).max(current),
                    (None, Some((_, remove))) if warming == 0 => current.saturating_sub(*remove),
                    _ => current,
                }
            }
        };
        let wanted = wanted.clamp(self.min, self.max);
        let cooldown = if wanted > current {
            self.cooldown_up
        } else {
            self.cooldown_down
        };
        let cooling = self.changed.is_some_and(|at| now.since(at) < cooldown);
        if wanted == current || cooling {
            return current;
        }
        self.changed = Some(now);
        wanted
    }

    fn want(&mut self, now: Time, number: u32) {
        while self.wanted.back().is_some_and(|(_, last)| *last <= number) {
            self.wanted.pop_back();
        }
        self.wanted.push_back((now, number));
    }
}

/// Kubernetes' rule: the ready instances times the ratio of value to target, rounded up. While scaling up, those that warm up
/// count as carrying nothing yet, so that a rise is not answered twice.
fn to_target(ratio: f64, tolerance: f64, ready: u32, warming: u32) -> u32 {
    let current = ready + warming;
    let within = |ratio: f64| (ratio - 1.0).abs() <= tolerance;
    // Without anyone to measure nothing is known.
    if ready == 0 || within(ratio) {
        return current;
    }
    if ratio > 1.0 && warming > 0 {
        let spread = ratio * f64::from(ready) / f64::from(current);
        if within(spread) || spread < 1.0 {
            return current;
        }
    }
    libm::ceil(ratio * f64::from(ready)) as u32
}

#[cfg(test)]
mod tests {
    use super::super::tests::problems;
    use super::*;

    fn scaler(text: &str) -> AutoscaleState {
        let autoscale: Autoscale = crate::read_json(text).expect("of the format");
        assert_eq!(problems(|p| autoscale.check(p)), [""; 0]);
        AutoscaleState::new(&autoscale)
    }

    fn s(seconds: u32) -> Time {
        Time::from_secs(f64::from(seconds))
    }

    const TARGET: &str = r#"{ "metric": "utilisation", "min": 1, "max": 20,
        "rule": { "target": { "value": 0.5, "stabilise_down_s": 60 } } }"#;

    #[test]
    fn the_target_is_kubernetes_formula() {
        // The examples of its documentation: twice the target doubles, half of it halves.
        assert_eq!(to_target(2.0, 0.1, 4, 0), 8);
        assert_eq!(to_target(0.5, 0.1, 4, 0), 2);
        assert_eq!(to_target(1.09, 0.1, 100, 0), 100);
        assert_eq!(to_target(1.125, 0.1, 100, 0), 113);
        assert_eq!(to_target(1.2, 0.1, 4, 0), 5);
        // Two of six warm up: the load of four is spread over six before more are asked for.
        assert_eq!(to_target(1.5, 0.1, 4, 2), 6);
        assert_eq!(to_target(2.0, 0.1, 4, 2), 8);
        assert_eq!(to_target(0.2, 0.1, 4, 2), 1);
        assert_eq!(to_target(0.0, 0.1, 0, 2), 2);
    }

    #[test]
    fn up_at_once_and_down_only_after_the_window() {
        let mut scaler = scaler(TARGET);
        assert_eq!(scaler.tick(s(0), 0.9, 4, 0), 8);
        assert_eq!(scaler.tick(s(15), 0.25, 8, 0), 8);
        assert_eq!(scaler.tick(s(30), 0.3, 8, 0), 8);
        assert_eq!(scaler.tick(s(60), 0.1, 8, 0), 8);
        // What was wanted at the start is 61 seconds old; then 5 was wanted at 30 s.
        assert_eq!(scaler.tick(s(61), 0.1, 8, 0), 5);
        assert_eq!(scaler.tick(s(91), 0.1, 5, 0), 2);
        assert_eq!(scaler.tick(s(200), 0.0, 2, 0), 1);
    }

    #[test]
    fn the_bounds_hold() {
        let mut scaler = scaler(TARGET);
        assert_eq!(scaler.tick(s(0), 100.0, 4, 0), 20);
        assert_eq!(scaler.tick(s(1), f64::NAN, 20, 0), 20);
        for at in 2..200 {
            assert!((1..=20).contains(&scaler.tick(s(at), 0.0, 20, 0)));
        }
    }

    #[test]
    fn steps_count_what_warms_up_and_wait_out_the_cooldown() {
        let mut scaler = scaler(
            r#"{ "metric": "queue_length", "min": 2, "max": 10, "interval_s": 10, "cooldown_up_s": 10, "cooldown_down_s": 60, "warm_up_s": 30,
                "rule": { "steps": { "up": [{ "above": 5, "add": 1 }, { "above": 20, "add": 3 }], "down": [{ "below": 1, "remove": 1 }] } } }"#,
        );
        assert_eq!(scaler.tick(s(0), 4.9, 2, 0), 2);
        assert_eq!(scaler.tick(s(10), 5.0, 2, 0), 3);
        // Within the cooldown nothing comes; then the one that warms up is one of the three.
        assert_eq!(scaler.tick(s(19), 30.0, 2, 1), 3);
        assert_eq!(scaler.tick(s(20), 30.0, 2, 1), 5);
        // None goes while some warm up, nor within the cooldown.
        assert_eq!(scaler.tick(s(85), 0.0, 4, 1), 5);
        assert_eq!(scaler.tick(s(79), 0.0, 5, 0), 5);
        assert_eq!(scaler.tick(s(80), 0.0, 5, 0), 4);
        assert_eq!(scaler.tick(s(140), 0.0, 2, 0), 2);
    }
}
