//! Distributions of service and think times.

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::problem::Problems;
use crate::random::Draws;
use crate::time::Duration;

/// How long a piece of work takes, drawn anew for each request.
///
/// Sampled by inversion or by the textbook transformation named at each variant (Law, *Simulation Modeling and Analysis*,
/// chapter 8), with `libm`'s functions so that native and Wasm agree, and rounded once to the nanosecond.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Distribution {
    /// Always the same.
    Constant {
        /// The time, in milliseconds.
        mean_ms: f64,
    },
    /// Memoryless: many short, few long. Coefficient of variation 1.
    Exponential {
        /// The mean, in milliseconds.
        mean_ms: f64,
    },
    /// The usual shape of measured response times: a long right tail (Box-Muller transformation).
    LogNormal {
        /// The mean, in milliseconds.
        mean_ms: f64,
        /// The coefficient of variation: standard deviation over mean.
        cv: f64,
    },
    /// The sum of `stages` exponentials: steadier than one. Coefficient of variation 1/√stages.
    Erlang {
        /// The mean, in milliseconds.
        mean_ms: f64,
        /// The number of stages, 1 to 100.
        stages: u32,
    },
    /// Every value between two bounds alike.
    Uniform {
        /// The lower bound, in milliseconds.
        min_ms: f64,
        /// The upper bound, in milliseconds.
        max_ms: f64,
    },
    /// One of a list of measured values, each as likely as the others.
    Empirical {
        /// The values, in milliseconds.
        samples_ms: Vec<f64>,
    },
}

impl Distribution {
    /// The mean, in milliseconds.
    pub fn mean_ms(&self) -> f64 {
        match self {
            Self::Constant { mean_ms }
            | Self::Exponential { mean_ms }
            | Self::LogNormal { mean_ms, .. }
            | Self::Erlang { mean_ms, .. } => *mean_ms,
            Self::Uniform { min_ms, max_ms } => f64::midpoint(*min_ms, *max_ms),
            Self::Empirical { samples_ms } => {
                samples_ms.iter().sum::<f64>() / samples_ms.len() as f64
            }
        }
    }

    /// The time that a share `p` of all draws stays below, in milliseconds; `p` is over 0 and under 1.
    ///
    /// Exact, but for the Erlang distribution, whose distribution function (Law, chapter 6) is bisected to a millionth of its mean.
    pub fn quantile_ms(&self, p: f64) -> f64 {
        match self {
            Self::Constant { mean_ms } => *mean_ms,
            Self::Exponential { mean_ms } => -mean_ms * libm::log1p(-p),
            Self::LogNormal { mean_ms, cv } => {
                let variance = libm::log1p(cv * cv);
                let normal = distrs::Normal::ppf(p, 0.0, 1.0);
                mean_ms * libm::exp(libm::sqrt(variance) * normal - variance / 2.0)
            }
            Self::Erlang { mean_ms, stages } => mean_ms * erlang_quantile(p, *stages),
            Self::Uniform { min_ms, max_ms } => min_ms + (max_ms - min_ms) * p,
            Self::Empirical { samples_ms } => {
                let mut sorted = samples_ms.clone();
                sorted.sort_by(f64::total_cmp);
                let rank = libm::ceil(p * sorted.len() as f64) as usize;
                sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
            }
        }
    }

    pub(crate) fn check(&self, problems: &mut Problems) {
        let name = match self {
            Self::Constant { .. } => "constant",
            Self::Exponential { .. } => "exponential",
            Self::LogNormal { .. } => "log_normal",
            Self::Erlang { .. } => "erlang",
            Self::Uniform { .. } => "uniform",
            Self::Empirical { .. } => "empirical",
        };
        problems.within(name, |p| match self {
            Self::Constant { mean_ms } => p.number("mean_ms", *mean_ms, 0.0, limits::WORK_MS),
            Self::Exponential { mean_ms } => p.number("mean_ms", *mean_ms, 1e-6, limits::WORK_MS),
            Self::LogNormal { mean_ms, cv } => {
                p.number("mean_ms", *mean_ms, 1e-6, limits::WORK_MS);
                p.number("cv", *cv, 0.0, 100.0);
            }
            Self::Erlang { mean_ms, stages } => {
                p.number("mean_ms", *mean_ms, 1e-6, limits::WORK_MS);
                p.count("stages", u64::from(*stages), 1, 100);
            }
            Self::Uniform { min_ms, max_ms } => {
                p.number("min_ms", *min_ms, 0.0, limits::WORK_MS);
                p.number("max_ms", *max_ms, *min_ms, limits::WORK_MS);
            }
            Self::Empirical { samples_ms } => {
                p.count("samples_ms", samples_ms.len() as u64, 1, limits::SAMPLES);
                for (i, sample) in samples_ms.iter().enumerate() {
                    p.within("samples_ms", |p| {
                        p.number(&format!("[{i}]"), *sample, 0.0, limits::WORK_MS);
                    });
                }
            }
        });
    }
}

/// A quantile of an Erlang distribution of mean 1.
fn erlang_quantile(p: f64, stages: u32) -> f64 {
    // With x = stages * t, the share above t is that of a Poisson variable of mean x below the number of stages.
    let above = |t: f64| {
        let x = f64::from(stages) * t;
        let mut term = libm::exp(-x);
        let mut sum = term;
        for k in 1..stages {
            term *= x / f64::from(k);
            sum += term;
        }
        sum
    };
    let (mut low, mut high) = (0.0, 1.0);
    while above(high) > 1.0 - p && high < 1e3 {
        high *= 2.0;
    }
    while high - low > 1e-6 {
        let middle = f64::midpoint(low, high);
        if above(middle) > 1.0 - p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// A [`Distribution`] with its constants worked out, ready to be drawn from.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Sampler {
    Constant(Duration),
    Exponential { mean_ns: f64 },
    LogNormal { mu: f64, sigma: f64 },
    Erlang { stage_ns: f64, stages: u32 },
    Uniform { min_ns: f64, width_ns: f64 },
    Empirical(Vec<Duration>),
}

const NS_PER_MS: f64 = 1e6;

impl Sampler {
    pub fn new(distribution: &Distribution) -> Self {
        match distribution {
            Distribution::Constant { mean_ms } => Self::Constant(Duration::from_millis(*mean_ms)),
            Distribution::Exponential { mean_ms } => Self::Exponential {
                mean_ns: mean_ms * NS_PER_MS,
            },
            Distribution::LogNormal { mean_ms, cv } => {
                let variance = libm::log1p(cv * cv);
                Self::LogNormal {
                    mu: libm::log(mean_ms * NS_PER_MS) - variance / 2.0,
                    sigma: libm::sqrt(variance),
                }
            }
            Distribution::Erlang { mean_ms, stages } => Self::Erlang {
                stage_ns: mean_ms * NS_PER_MS / f64::from(*stages),
                stages: *stages,
            },
            Distribution::Uniform { min_ms, max_ms } => Self::Uniform {
                min_ns: min_ms * NS_PER_MS,
                width_ns: (max_ms - min_ms) * NS_PER_MS,
            },
            Distribution::Empirical { samples_ms } => Self::Empirical(
                samples_ms
                    .iter()
                    .map(|ms| Duration::from_millis(*ms))
                    .collect(),
            ),
        }
    }

    /// One draw.
    #[inline(always)]
    pub fn draw(&self, draws: &mut Draws) -> Duration {
        match self {
            Self::Constant(time) => *time,
            Self::Exponential { mean_ns } => rounded(-mean_ns * libm::log(draws.unit())),
            _ => self.draw_otherwise(draws),
        }
    }

    #[inline(never)]
    fn draw_otherwise(&self, draws: &mut Draws) -> Duration {
        let nanos = match self {
            Self::Constant(time) => return *time,
            Self::Exponential { mean_ns } => -mean_ns * libm::log(draws.unit()),
            Self::LogNormal { mu, sigma } => {
                let radius = libm::sqrt(-2.0 * libm::log(draws.unit()));
                let normal = radius * libm::cos(core::f64::consts::TAU * draws.unit());
                libm::exp(mu + sigma * normal)
            }
            Self::Erlang { stage_ns, stages } => {
                -stage_ns * (0..*stages).map(|_| libm::log(draws.unit())).sum::<f64>()
            }
            Self::Uniform { min_ns, width_ns } => min_ns + width_ns * draws.unit(),
            Self::Empirical(samples) => return samples[draws.below(samples.len() as u32) as usize],
        };
        rounded(nanos)
    }
}

fn rounded(nanos: f64) -> Duration {
    Duration::from_nanos(libm::rint(nanos) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    /// Mean and coefficient of variation of many draws, each within five standard errors or so.
    fn check(distribution: &Distribution, mean_ms: f64, cv: f64) {
        let sampler = Sampler::new(distribution);
        let n = 200_000;
        let draws: Vec<f64> = (0..n)
            .map(|i| sampler.draw(&mut Key::root(9).with(i).draws()).millis())
            .collect();
        let mean = draws.iter().sum::<f64>() / n as f64;
        for p in [0.5, 0.99] {
            let quantile = distribution.quantile_ms(p);
            let above = draws.iter().filter(|x| **x > quantile + 1e-6).count() as f64 / n as f64;
            let least = draws.iter().filter(|x| **x >= quantile - 1e-6).count() as f64 / n as f64;
            assert!(
                above - 0.005 < 1.0 - p && 1.0 - p < least + 0.005,
                "{distribution:?}: {quantile} at {p}, with {above} above it"
            );
        }
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
        assert!(
            (mean / mean_ms - 1.0).abs() < 0.012,
            "{distribution:?}: mean {mean}"
        );
        assert!(
            (variance.sqrt() / mean - cv).abs() < 0.03,
            "{distribution:?}: cv {}",
            variance.sqrt() / mean
        );
        assert!((distribution.mean_ms() - mean_ms).abs() < 1e-9);
    }

    #[test]
    fn draws_have_the_stated_mean_and_spread() {
        check(&Distribution::Constant { mean_ms: 20.0 }, 20.0, 0.0);
        check(&Distribution::Exponential { mean_ms: 20.0 }, 20.0, 1.0);
        check(
            &Distribution::LogNormal {
                mean_ms: 20.0,
                cv: 0.5,
            },
            20.0,
            0.5,
        );
        check(
            &Distribution::Erlang {
                mean_ms: 20.0,
                stages: 4,
            },
            20.0,
            0.5,
        );
        check(
            &Distribution::Uniform {
                min_ms: 10.0,
                max_ms: 30.0,
            },
            20.0,
            20.0 / 12_f64.sqrt() / 20.0,
        );
        check(
            &Distribution::Empirical {
                samples_ms: vec![10.0, 30.0],
            },
            20.0,
            0.5,
        );
    }
}
