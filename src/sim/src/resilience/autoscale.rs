//! Autoscaling: how many instances there should be, from what is measured.
//!
//! Models: a target value for each instance, as Kubernetes' `HorizontalPodAutoscaler` has it (instances × value / target,
//! rounded up; nothing within a tolerance; going down only to the highest number wanted in a window), and steps at
//! thresholds, as AWS's step scaling has them (instances that warm up count as already added; none are taken away
//! meanwhile). Cooldowns as in AWS's simple scaling.
//! Does not model: limits on how many may come in a period, several metrics at once, predictive scaling.

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::problem::Problems;

/// Changes the number of instances with the load.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Autoscale {
    /// What is measured, as the mean over the instances that serve.
    pub metric: ScalingMetric,
    /// What follows from it.
    pub rule: ScalingRule,
    /// The fewest instances.
    pub min: u32,
    /// The most instances.
    pub max: u32,
    /// How often it is measured and decided, in seconds.
    #[serde(default = "fifteen")]
    pub interval_s: f64,
    /// How long after any change no instance is added, in seconds.
    #[serde(default)]
    pub cooldown_up_s: f64,
    /// How long after any change no instance is taken away, in seconds.
    #[serde(default)]
    pub cooldown_down_s: f64,
    /// How long a new instance takes before it serves and is measured, in seconds.
    #[serde(default)]
    pub warm_up_s: f64,
}

/// What an autoscaler goes by, as the mean over the instances that serve.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ScalingMetric {
    /// The part of the workers that is busy, 0 to 1, over the last interval.
    Utilisation,
    /// Requests that wait at an instance now.
    QueueLength,
    /// Requests that came to an instance each second, over the last interval.
    RequestsPerInstance,
}

/// What follows from a measured value.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ScalingRule {
    /// As many instances as bring the value to the target.
    Target {
        /// The value wanted at each instance.
        value: f64,
        /// How far, as a part of the target, the value may be off before anything changes.
        #[serde(default = "tenth")]
        tolerance: f64,
        /// Going down only to the highest number wanted in the last so many seconds.
        #[serde(default = "five_minutes")]
        stabilise_down_s: f64,
    },
    /// A fixed number more or fewer at each threshold; the furthest threshold reached counts.
    Steps {
        /// When to add.
        up: Vec<StepUp>,
        /// When to take away.
        down: Vec<StepDown>,
    },
}

/// Adds instances at a threshold.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StepUp {
    /// The value at which and above which it counts.
    pub above: f64,
    /// How many more.
    pub add: u32,
}

/// Takes instances away at a threshold.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StepDown {
    /// The value at which and below which it counts.
    pub below: f64,
    /// How many fewer.
    pub remove: u32,
}

const fn fifteen() -> f64 {
    15.0
}

const fn tenth() -> f64 {
    0.1
}

const fn five_minutes() -> f64 {
    300.0
}

/// The longest cooldown, warm-up or window, in seconds.
const LONGEST_S: f64 = 3_600.0;
/// Values are not higher: waiting requests, or requests a second.
const HIGHEST: f64 = 1e6;
const STEPS: u64 = 20;

impl Autoscale {
    pub(crate) fn check(&self, p: &mut Problems) {
        p.count("min", u64::from(self.min), 1, limits::INSTANCES);
        p.count(
            "max",
            u64::from(self.max),
            u64::from(self.min),
            limits::INSTANCES,
        );
        p.number("interval_s", self.interval_s, 0.1, LONGEST_S);
        p.number("cooldown_up_s", self.cooldown_up_s, 0.0, LONGEST_S);
        p.number("cooldown_down_s", self.cooldown_down_s, 0.0, LONGEST_S);
        p.number("warm_up_s", self.warm_up_s, 0.0, LONGEST_S);
        p.within("rule", |p| match &self.rule {
            ScalingRule::Target {
                value,
                tolerance,
                stabilise_down_s,
            } => p.within("target", |p| {
                p.number("value", *value, 1e-6, HIGHEST);
                p.number("tolerance", *tolerance, 0.0, 1.0);
                p.number("stabilise_down_s", *stabilise_down_s, 0.0, LONGEST_S);
            }),
            ScalingRule::Steps { up, down } => p.within("steps", |p| {
                p.count("up", up.len() as u64, 0, STEPS);
                p.count("down", down.len() as u64, 0, STEPS);
                for (i, step) in up.iter().enumerate() {
                    p.within("up", |p| {
                        p.within(format!("[{i}]"), |p| {
                            p.number("above", step.above, 0.0, HIGHEST);
                            p.count("add", u64::from(step.add), 1, limits::INSTANCES);
                        });
                    });
                }
                let lowest = up.iter().map(|step| step.above).fold(HIGHEST, f64::min);
                for (i, step) in down.iter().enumerate() {
                    p.within("down", |p| {
                        p.within(format!("[{i}]"), |p| {
                            p.number("below", step.below, 0.0, lowest);
                            p.count("remove", u64::from(step.remove), 1, limits::INSTANCES);
                        });
                    });
                }
            }),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::problems;
    use super::*;

    #[test]
    fn settings_have_bounds() {
        let autoscale = r#"{ "metric": "queue_length", "min": 3, "max": 2, "interval_s": 0,
            "rule": { "steps": { "up": [{ "above": 5, "add": 0 }], "down": [{ "below": 6, "remove": 1 }] } } }"#;
        let autoscale: Autoscale = crate::read_json(autoscale).expect("of the format");
        assert_eq!(
            problems(|p| autoscale.check(p)),
            [
                "max: 2 is out of range: 3 to 1000 is allowed",
                "interval_s: 0 is out of range: 0.1 to 3600 is allowed",
                "rule.steps.up[0].add: 0 is out of range: 1 to 1000 is allowed",
                "rule.steps.down[0].below: 6 is out of range: 0 to 5 is allowed",
            ]
        );
    }
}
