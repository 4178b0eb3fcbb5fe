//! An estimate from independent replications: a mean, and how far off it may be.

use serde::{Deserialize, Serialize};

/// The mean of independent replications with its confidence interval.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// The mean of the replications.
    pub mean: f64,
    /// The true mean lies within `mean` ± this, at the confidence `level`. Absent with fewer than two replications.
    pub half_width: Option<f64>,
    /// The confidence, such as 0.99.
    pub level: f64,
    /// How many replications it comes from.
    pub n: u32,
}

impl Estimate {
    /// Estimates a mean from one value a replication, at confidence `level` between 0 and 1. `None` without any value.
    ///
    /// The half-width is Student's t with n − 1 degrees of freedom times the standard error of the mean (Law, *Simulation
    /// Modeling and Analysis*, section 9.4.1: fixed-sample-size procedure). The quantile of t is Hill's (Algorithm 396,
    /// *Communications of the ACM* 13(10), 1970), from the crate `distrs`.
    pub fn new(values: &[f64], level: f64) -> Option<Self> {
        let count = values.len() as f64;
        if values.is_empty() {
            return None;
        }
        // The mean as an offset from the first value, so that equal values give exactly that value and no spread.
        let mean = values[0] + values.iter().map(|x| x - values[0]).sum::<f64>() / count;
        let half_width = (values.len() > 1).then(|| {
            let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
            let standard_error = libm::sqrt(squares / (count - 1.0) / count);
            distrs::StudentsT::ppf(f64::midpoint(1.0, level), count - 1.0) * standard_error
        });
        Some(Self {
            mean,
            half_width,
            level,
            n: values.len() as u32,
        })
    }

    /// Whether `value` lies in the interval. Without an interval every value does.
    pub fn covers(&self, value: f64) -> bool {
        self.half_width
            .is_none_or(|half_width| (value - self.mean).abs() <= half_width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    #[test]
    fn quantiles_agree_with_the_printed_tables() {
        // Student's t, 0.995: with two values, mean 0 and standard error 1, and with more, scaled to that.
        for (n, expected) in [
            (2, 63.657),
            (3, 9.925),
            (10, 3.250),
            (20, 2.861),
            (30, 2.756),
            (101, 2.626),
        ] {
            // Half the values at +1, half at −1 (and one 0 if n is odd): sum of squares n or n − 1.
            let values: Vec<f64> = (0..n)
                .map(|i| {
                    if i == n - 1 && n % 2 == 1 {
                        0.0
                    } else {
                        f64::from(1 - 2 * (i % 2))
                    }
                })
                .collect();
            let squares = f64::from(n - n % 2);
            let standard_error = (squares / f64::from(n - 1) / f64::from(n)).sqrt();
            let estimate = Estimate::new(&values, 0.99).expect("values");
            let quantile = estimate.half_width.expect("two or more") / standard_error;
            assert!((quantile - expected).abs() < 6e-4, "{n}: {quantile}");
        }
    }

    #[test]
    fn one_value_has_no_interval_and_none_no_estimate() {
        assert_eq!(Estimate::new(&[], 0.99), None);
        let one = Estimate::new(&[3.5], 0.99).expect("a value");
        assert_eq!((one.mean, one.half_width, one.n), (3.5, None, 1));
        let equal = Estimate::new(&[0.1; 7], 0.99).expect("values");
        assert_eq!((equal.mean, equal.half_width), (0.1, Some(0.0)));
    }

    #[test]
    fn the_interval_covers_the_truth_as_often_as_it_says() {
        // 2,000 experiments of 5 uniform draws at 90%: 1,800 ± 5 standard deviations (13.4) should cover 1/2.
        let covered = (0..2000)
            .filter(|&experiment| {
                let mut draws = Key::root(11).with(experiment).draws();
                let values: Vec<f64> = (0..5).map(|_| draws.unit()).collect();
                Estimate::new(&values, 0.90).expect("values").covers(0.5)
            })
            .count();
        assert!((1733..=1867).contains(&covered), "{covered}");
    }
}
