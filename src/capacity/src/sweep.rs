//! A sweep: the design at several multiples of its load, each with several seeds, and the capacity curve that comes of it.

use scale_sim::{Estimate, Figures};
use serde::{Deserialize, Serialize};

use crate::usl::Usl;

/// The confidence of every interval of a sweep.
const LEVEL: f64 = 0.95;

/// A line grows if more of what came than this has not ended.
const GROWTH: f64 = 0.01;

/// What a design must keep to have enough capacity.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// The share of requests that are answered, and in time where a client has a deadline, 0 to 1.
    pub availability: f64,
    /// The 99th percentile of latency, in milliseconds; any if it is not given.
    #[serde(default)]
    pub p99_ms: Option<f64>,
}

impl Default for Goal {
    fn default() -> Self {
        Self {
            availability: 0.99,
            p99_ms: None,
        }
    }
}

/// One run of a sweep.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Trial {
    /// The multiple of the load.
    pub factor: f64,
    /// The seed: the same for each factor, so that the arrivals of one load are those of another, only closer together
    /// (common random numbers).
    pub seed: u64,
}

/// The runs of a sweep over these factors, with `replications` seeds from `seed` on: seed by seed, so that a first curve is there
/// after the first seed.
pub fn plan(factors: &[f64], seed: u64, replications: u32) -> Vec<Trial> {
    let seeds = (0..u64::from(replications)).map(|at| seed.wrapping_add(at));
    let trials = seeds.flat_map(|seed| {
        factors.iter().map(move |factor| Trial {
            factor: *factor,
            seed,
        })
    });
    trials.collect()
}

/// What one run came to.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Sample {
    /// Requests sent, a second.
    pub offered_per_s: f64,
    /// Requests answered, a second.
    pub throughput_per_s: f64,
    /// Requests answered in time, over those that ended; 1 if none did.
    pub availability: f64,
    /// The 99th percentile of latency of those answered, in milliseconds, if any were.
    pub p99_ms: Option<f64>,
}

impl Sample {
    /// What the figures of a run say, taken after its warm-up. A line that grows without bound is no answer: if more came than
    /// ended, by more than [`GROWTH`] of what came and than chance does in a system that keeps up, the rest counts as not answered.
    pub fn new(figures: &Figures) -> Self {
        let seconds = figures.seconds().max(1e-9);
        let ended = figures.completed + figures.lost;
        let left = figures.sent.saturating_sub(ended) as f64;
        // The number under way of a system that keeps up scatters no more than that of M/G/∞, a Poisson count.
        let chance = 4.0 * libm::sqrt(figures.in_system);
        let left = if left > chance + GROWTH * figures.sent as f64 {
            left
        } else {
            0.0
        };
        let asked = ended as f64 + left;
        Self {
            offered_per_s: figures.sent as f64 / seconds,
            throughput_per_s: figures.completed as f64 / seconds,
            availability: if asked > 0.0 {
                figures.good as f64 / asked
            } else {
                1.0
            },
            p99_ms: figures.latency.map(|latency| latency.p99_ms),
        }
    }
}

/// A point of the capacity curve: what the runs at one load came to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Point {
    /// The multiple of the load.
    pub factor: f64,
    /// Requests sent, a second.
    pub offered_per_s: Estimate,
    /// Requests answered, a second.
    pub throughput_per_s: Estimate,
    /// See [`Sample::availability`].
    pub availability: Estimate,
    /// Of the runs in which any request was answered.
    pub p99_ms: Option<Estimate>,
    /// Whether the goal is met: also at the worse end of each interval.
    pub met: bool,
}

/// Up to where a design meets its goal.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Knee {
    /// Not even at the lowest load of the sweep.
    Below(f64),
    /// It does at the first load, and does not at the second, the next of the sweep.
    Between(f64, f64),
    /// At every load of the sweep, up to this one.
    Beyond(f64),
}

/// The capacity curve of a design.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Sweep {
    /// Its points, from the lowest load to the highest.
    pub points: Vec<Point>,
    /// Where it stops to meet its goal.
    pub knee: Knee,
    /// The law that fits its throughput, with three points or more.
    pub usl: Option<Usl>,
}

impl Sweep {
    /// The curve of what came of the trials. `None` if there are none.
    pub fn new(goal: &Goal, trials: &[(Trial, Sample)]) -> Option<Self> {
        let mut factors: Vec<f64> = trials.iter().map(|(trial, _)| trial.factor).collect();
        factors.sort_by(f64::total_cmp);
        factors.dedup();
        let points = factors.into_iter().map(|factor| {
            let at = |trial: &&(Trial, Sample)| trial.0.factor.total_cmp(&factor).is_eq();
            let samples: Vec<Sample> = trials
                .iter()
                .filter(at)
                .map(|(_, sample)| *sample)
                .collect();
            Point::new(goal, factor, &samples)
        });
        let points: Vec<Point> = points.collect::<Option<_>>()?;
        let first = points.first()?.factor;
        let broken = points.iter().position(|point| !point.met);
        let knee = match broken {
            None => Knee::Beyond(points.last()?.factor),
            Some(0) => Knee::Below(first),
            Some(at) => Knee::Between(points[at - 1].factor, points[at].factor),
        };
        let curve: Vec<(f64, f64)> = { points.iter() }
            .map(|point| (point.factor, point.throughput_per_s.mean))
            .collect();
        Some(Self {
            knee,
            usl: Usl::fit(&curve),
            points,
        })
    }
}

impl Point {
    fn new(goal: &Goal, factor: f64, samples: &[Sample]) -> Option<Self> {
        let estimate = |value: fn(&Sample) -> f64| {
            let values: Vec<f64> = samples.iter().map(value).collect();
            Estimate::new(&values, LEVEL)
        };
        let p99s: Vec<f64> = samples.iter().filter_map(|sample| sample.p99_ms).collect();
        let p99_ms = Estimate::new(&p99s, LEVEL);
        let availability = estimate(|sample| sample.availability)?;
        let lowest = availability.mean - availability.half_width.unwrap_or(0.0);
        let in_time = goal.p99_ms.is_none_or(|most| {
            let highest = p99_ms.map(|p99| p99.mean + p99.half_width.unwrap_or(0.0));
            highest.is_some_and(|highest| highest <= most)
        });
        Some(Self {
            factor,
            offered_per_s: estimate(|sample| sample.offered_per_s)?,
            throughput_per_s: estimate(|sample| sample.throughput_per_s)?,
            met: lowest >= goal.availability && in_time,
            availability,
            p99_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(throughput_per_s: f64, availability: f64, p99_ms: f64) -> Sample {
        Sample {
            offered_per_s: throughput_per_s,
            throughput_per_s,
            availability,
            p99_ms: Some(p99_ms),
        }
    }

    #[test]
    fn the_knee_lies_between_the_last_load_that_is_met_and_the_first_that_is_not() {
        let goal = Goal {
            availability: 0.99,
            p99_ms: Some(200.0),
        };
        let of = |factor: f64, p99_ms: f64| {
            [1, 2].map(|seed| {
                (
                    Trial { factor, seed },
                    sample(factor * 10.0, 1.0, p99_ms + seed as f64 * 0.001),
                )
            })
        };
        let knee = |p99s: &[f64]| {
            let trials: Vec<_> = (1..)
                .zip(p99s)
                .flat_map(|(at, p99)| of(f64::from(at), *p99))
                .collect();
            Sweep::new(&goal, &trials).expect("a curve").knee
        };
        assert_eq!(knee(&[50.0, 60.0, 400.0, 150.0]), Knee::Between(2.0, 3.0));
        assert_eq!(knee(&[50.0, 60.0]), Knee::Beyond(2.0));
        assert_eq!(knee(&[500.0, 60.0]), Knee::Below(1.0));
        assert_eq!(Sweep::new(&goal, &[]), None);
    }

    #[test]
    fn what_is_met_only_on_average_is_not_met() {
        let goal = Goal::default();
        let runs = |spread: f64| {
            [-1.0, 1.0, 0.0].map(|at| {
                let trial = Trial {
                    factor: 1.0,
                    seed: 0,
                };
                (trial, sample(10.0, 0.995 + at * spread, 10.0))
            })
        };
        let met = |spread: f64| Sweep::new(&goal, &runs(spread)).expect("a curve").points[0].met;
        assert!(met(0.000_1));
        assert!(!met(0.004));
    }

    #[test]
    fn seeds_are_the_same_at_each_load() {
        let trials = plan(&[1.0, 5.0, 10.0], 7, 2);
        let seeds: Vec<u64> = trials.iter().map(|trial| trial.seed).collect();
        assert_eq!(seeds, [7, 7, 7, 8, 8, 8]);
    }
}
