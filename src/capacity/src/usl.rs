//! The Universal Scalability Law (Gunther, *Guerrilla Capacity Planning*, Springer 2007, chapter 4): throughput at N times the
//! load is λN / (1 + σ(N − 1) + κN(N − 1)), where σ is contention (what has to wait in line) and κ is coherency (what has to be
//! agreed upon, pair by pair). With κ = 0 it is Amdahl's law, with both 0 it is linear.

use serde::{Deserialize, Serialize};

/// The law with its three figures.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Usl {
    /// Throughput at 1x, requests a second.
    pub lambda: f64,
    /// Contention, 0 or more.
    pub sigma: f64,
    /// Coherency, 0 or more.
    pub kappa: f64,
    /// How well it fits: 1 less the squared errors over the squared distances from the mean; 1 is perfect.
    pub r_squared: f64,
}

/// How often the search is made finer.
const ROUNDS: usize = 60;

impl Usl {
    /// Fits the law to points of a load factor, 1 or more, and a throughput: least squares of the throughputs themselves, under
    /// the bounds σ ≥ 0 and κ ≥ 0. For given σ and κ the best λ is a quotient of sums, so the search is over two figures: a
    /// compass search from the linear law on (Kolda, Lewis and Torczon, SIAM Review 45(3), 2003). `None` with fewer than
    /// three points, where the law would fit anything.
    pub fn fit(points: &[(f64, f64)]) -> Option<Self> {
        if points.len() < 3 {
            return None;
        }
        let shape =
            |sigma: f64, kappa: f64, n: f64| n / (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0));
        let best = |sigma: f64, kappa: f64| {
            let (mut up, mut down) = (0.0, 0.0);
            for (n, throughput) in points {
                let at = shape(sigma, kappa, *n);
                up += at * throughput;
                down += at * at;
            }
            let lambda = if down > 0.0 { up / down } else { 0.0 };
            let errors = points.iter().map(|(n, throughput)| {
                let error = throughput - lambda * shape(sigma, kappa, *n);
                error * error
            });
            (errors.sum::<f64>(), lambda)
        };
        let (mut sigma, mut kappa, mut step) = (0.0, 0.0, 0.5);
        let (mut least, mut lambda) = best(sigma, kappa);
        for _ in 0..ROUNDS {
            loop {
                let around = [
                    (step, 0.0),
                    (-step, 0.0),
                    (0.0, step),
                    (0.0, -step),
                    (step, -step),
                    (-step, step),
                ];
                let tried = around.map(|(by_sigma, by_kappa)| {
                    let at: (f64, f64) = ((sigma + by_sigma).max(0.0), (kappa + by_kappa).max(0.0));
                    (at, best(at.0, at.1))
                });
                let found = tried.into_iter().min_by(|a, b| a.1.0.total_cmp(&b.1.0));
                match found {
                    Some(((to_sigma, to_kappa), (errors, by))) if errors < least => {
                        (sigma, kappa, least, lambda) = (to_sigma, to_kappa, errors, by);
                    }
                    _ => break,
                }
            }
            step /= 2.0;
        }
        let mean =
            points.iter().map(|(_, throughput)| throughput).sum::<f64>() / points.len() as f64;
        let spread = points
            .iter()
            .map(|(_, throughput)| (throughput - mean) * (throughput - mean));
        let spread: f64 = spread.sum();
        Some(Self {
            lambda,
            sigma,
            kappa,
            r_squared: if spread > 0.0 {
                1.0 - least / spread
            } else {
                1.0
            },
        })
    }

    /// The throughput at a load factor.
    pub fn throughput(&self, factor: f64) -> f64 {
        self.lambda * factor
            / (1.0 + self.sigma * (factor - 1.0) + self.kappa * factor * (factor - 1.0))
    }

    /// The load factor with the highest throughput, √((1 − σ)/κ); none where it only levels off.
    pub fn peak(&self) -> Option<f64> {
        (self.kappa > 0.0 && self.sigma < 1.0).then(|| libm::sqrt((1.0 - self.sigma) / self.kappa))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_the_figures_that_made_the_points() {
        for (lambda, sigma, kappa) in [
            (100.0, 0.0, 0.0),
            (1_000.0, 0.1, 0.0),
            (50.0, 0.03, 0.004),
            (995.6, 0.026_7, 0.000_769),
        ] {
            let law = Usl {
                lambda,
                sigma,
                kappa,
                r_squared: 1.0,
            };
            let points: Vec<(f64, f64)> = (1..=10)
                .map(|n| (f64::from(n), law.throughput(f64::from(n))))
                .collect();
            let fit = Usl::fit(&points).expect("enough points");
            assert!((fit.lambda / lambda - 1.0).abs() < 1e-3, "{fit:?}");
            assert!(
                (fit.sigma - sigma).abs() < 1e-3 && (fit.kappa - kappa).abs() < 1e-4,
                "{fit:?}"
            );
            assert!(fit.r_squared > 0.999_999);
        }
    }

    /// With κ = 0 the law is Amdahl's.
    #[test]
    fn contention_alone_is_amdahls_law() {
        let amdahl = |n: f64| n / (1.0 + 0.05 * (n - 1.0));
        let points = [1.0, 4.0, 8.0, 12.0, 16.0, 20.0].map(|n| (n, 20.0 * amdahl(n)));
        let fit = Usl::fit(&points).expect("enough points");
        assert!(
            (fit.sigma - 0.05).abs() < 1e-4 && fit.kappa < 1e-5,
            "{fit:?}"
        );
        assert_eq!(Usl::fit(&points[..2]), None);
    }

    #[test]
    fn the_peak_is_where_the_throughput_is_highest() {
        let law = Usl {
            lambda: 10.0,
            sigma: 0.05,
            kappa: 0.01,
            r_squared: 1.0,
        };
        let peak = law.peak().expect("it falls off");
        assert!(law.throughput(peak) > law.throughput(peak * 0.95));
        assert!(law.throughput(peak) > law.throughput(peak * 1.05));
    }
}
