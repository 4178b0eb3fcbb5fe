//! Keys: which row, user or product a request is about.
//!
//! Models: the popularity of keys as caches, shards and row locks meet it. Web requests follow Zipf's law (Breslau, Cao, Fan,
//! Phillips and Shenker, *Web caching and Zipf-like distributions*, INFOCOM 1999), drawn by rejection-inversion (Hörmann and
//! Derflinger, ACM TOMACS 6(3), 1996) without a table, however many keys there are. Ranks can be scattered over the key
//! space, as YCSB's "scrambled Zipfian" does (Cooper and others, 2010), but without two ranks on one key.
//! Does not model: popularity that drifts, or one user's preference for certain keys.

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::problem::Problems;
use crate::random::{Draws, Key};

/// Which key each request is about, from 0 to the number of keys less one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Keys {
    /// Every key alike.
    Uniform {
        /// How many keys there are.
        count: u32,
    },
    /// The key of rank r (from 1) with a chance proportional to 1/r^exponent.
    Zipf {
        /// How many keys there are.
        count: u32,
        /// How uneven: 0 is uniform, web caches see 0.6 to 1.
        exponent: f64,
        /// Whether hot keys lie scattered among the others instead of first.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        scatter: bool,
    },
    /// A few keys get a large share of the requests, the others the rest; within both, every key alike.
    HotSet {
        /// How many keys there are.
        count: u32,
        /// How many of them are hot.
        hot_count: u32,
        /// The share of requests that ask for a hot key, 0 to 1.
        hot_share: f64,
        /// Whether hot keys lie scattered among the others instead of first.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        scatter: bool,
    },
    /// A tenant by Zipf's law, then any of its keys alike. Key k belongs to tenant ⌊k / `keys_each`⌋.
    Tenants {
        /// How many tenants there are.
        tenants: u32,
        /// How uneven they are: 0 is uniform.
        exponent: f64,
        /// How many keys each has.
        keys_each: u32,
        /// Whether large tenants lie scattered among the others instead of first.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        scatter: bool,
    },
    /// One after the other, and again from the first: a scan.
    Sequential {
        /// How many keys there are.
        count: u32,
    },
}

impl Keys {
    /// How many keys there are.
    pub fn count(&self) -> u64 {
        match self {
            Self::Uniform { count }
            | Self::Zipf { count, .. }
            | Self::HotSet { count, .. }
            | Self::Sequential { count } => u64::from(*count),
            Self::Tenants {
                tenants, keys_each, ..
            } => u64::from(*tenants) * u64::from(*keys_each),
        }
    }

    /// The share of all requests, 0 to 1, that are about the `hottest` keys that are asked for most.
    pub fn share_of_hottest(&self, hottest: u64) -> f64 {
        let hottest = hottest.min(self.count());
        match *self {
            Self::Uniform { count } | Self::Sequential { count } => {
                hottest as f64 / f64::from(count)
            }
            Self::Zipf {
                count, exponent, ..
            } => zipf_sum(hottest, exponent) / zipf_sum(count.into(), exponent),
            Self::HotSet {
                count,
                hot_count,
                hot_share,
                ..
            } => {
                let (hot, cold) = (
                    f64::from(hot_count),
                    f64::from(count) - f64::from(hot_count),
                );
                // Whichever of the two kinds is asked for more comes first.
                let (first, share) = if hot_share / hot >= (1.0 - hot_share) / cold {
                    (hot, hot_share)
                } else {
                    (cold, 1.0 - hot_share)
                };
                let (second, rest) = (hot + cold - first, 1.0 - share);
                let asked = hottest as f64;
                share * asked.min(first) / first + rest * (asked - first).max(0.0) / second
            }
            Self::Tenants {
                tenants,
                exponent,
                keys_each,
                ..
            } => {
                let (each, all) = (u64::from(keys_each), zipf_sum(tenants.into(), exponent));
                let (whole, left) = (hottest / each, hottest % each);
                let next = zipf_sum(whole + 1, exponent) - zipf_sum(whole, exponent);
                (zipf_sum(whole, exponent) + next * left as f64 / each as f64) / all
            }
        }
    }

    pub(crate) fn check(&self, p: &mut Problems) {
        let name = match self {
            Self::Uniform { .. } => "uniform",
            Self::Zipf { .. } => "zipf",
            Self::HotSet { .. } => "hot_set",
            Self::Tenants { .. } => "tenants",
            Self::Sequential { .. } => "sequential",
        };
        p.within(name, |p| match self {
            Self::Uniform { count } | Self::Sequential { count } => {
                p.count("count", u64::from(*count), 1, limits::KEYS);
            }
            Self::Zipf {
                count, exponent, ..
            } => {
                p.count("count", u64::from(*count), 1, limits::KEYS);
                p.number("exponent", *exponent, 0.0, MOST_UNEVEN);
            }
            Self::HotSet {
                count,
                hot_count,
                hot_share,
                ..
            } => {
                p.count("count", u64::from(*count), 2, limits::KEYS);
                let others = u64::from(*count).saturating_sub(1).max(1);
                p.count("hot_count", u64::from(*hot_count), 1, others);
                p.number("hot_share", *hot_share, 0.0, 1.0);
            }
            Self::Tenants {
                tenants,
                exponent,
                keys_each,
                ..
            } => {
                p.count("tenants", u64::from(*tenants), 1, limits::KEYS);
                p.number("exponent", *exponent, 0.0, MOST_UNEVEN);
                let most = limits::KEYS / u64::from(*tenants).clamp(1, limits::KEYS);
                p.count("keys_each", u64::from(*keys_each), 1, most);
            }
        });
    }
}

/// Beyond this exponent all requests ask for the first key.
const MOST_UNEVEN: f64 = 20.0;

/// Terms of Zipf's sum that are added one by one; for the rest there is a formula.
const TERMS: u64 = 1_000;

/// The sum of `1/r^exponent` over the ranks r from 1 to `ranks`: beyond [`TERMS`] by the Euler–Maclaurin formula, whose error there is
/// far below what is lost in rounding.
fn zipf_sum(ranks: u64, exponent: f64) -> f64 {
    let term = |rank: f64| libm::exp(-exponent * libm::log(rank));
    let few = ranks.min(TERMS);
    let sum: f64 = (1..=few).map(|rank| term(rank as f64)).sum();
    if ranks <= TERMS {
        return sum;
    }
    let (from, to) = (TERMS as f64, ranks as f64);
    // ∫ t^-s dt from `from` to `to`, in a form that stays exact as s goes through 1.
    let log = libm::log(to / from);
    let z = (1.0 - exponent) * log;
    let quotient = if z.abs() > 1e-8 {
        libm::expm1(z) / z
    } else {
        1.0 + z / 2.0
    };
    let area = from * term(from) * log * quotient;
    let slopes = exponent / 12.0 * (term(from) / from - term(to) / to);
    sum + area + (term(to) - term(from)) / 2.0 + slopes
}

/// [`Keys`] with their constants worked out, ready to be drawn from. It needs no table and no state.
#[derive(Clone, PartialEq, Debug)]
pub struct KeySampler {
    popularity: Popularity,
    /// Scatters ranks (of tenants where there are tenants).
    scatter: Option<Permutation>,
    /// Keys of each rank: more than one where ranks are tenants.
    each: u32,
    /// How many ranks there are.
    ranks: u32,
}

#[derive(Clone, PartialEq, Debug)]
enum Popularity {
    Uniform,
    Zipf(Zipf),
    HotSet { hot: u32, share: f64 },
    Sequential,
}

impl KeySampler {
    /// Compiles keys that were checked.
    pub fn new(keys: &Keys) -> Self {
        let (popularity, ranks, each, scatter) = match *keys {
            Keys::Uniform { count } => (Popularity::Uniform, count, 1, false),
            Keys::Zipf {
                count,
                exponent,
                scatter,
            } => (
                Popularity::Zipf(Zipf::new(count, exponent)),
                count,
                1,
                scatter,
            ),
            Keys::HotSet {
                count,
                hot_count,
                hot_share,
                scatter,
            } => {
                let hot = Popularity::HotSet {
                    hot: hot_count,
                    share: hot_share,
                };
                (hot, count, 1, scatter)
            }
            Keys::Tenants {
                tenants,
                exponent,
                keys_each,
                scatter,
            } => (
                Popularity::Zipf(Zipf::new(tenants, exponent)),
                tenants,
                keys_each,
                scatter,
            ),
            Keys::Sequential { count } => (Popularity::Sequential, count, 1, false),
        };
        Self {
            popularity,
            scatter: scatter.then(|| Permutation::new(ranks)),
            each,
            ranks,
        }
    }

    /// The key that the request number `number` of its client is about.
    ///
    /// Only a sequence looks at the number.
    pub fn draw(&self, number: u64, draws: &mut Draws) -> u64 {
        let rank = match &self.popularity {
            Popularity::Uniform => draws.below(self.ranks),
            Popularity::Zipf(zipf) => zipf.draw(draws),
            Popularity::HotSet { hot, share } => {
                // A unit is in (0, 1], so that a share of 0 or 1 is exact.
                if draws.unit() <= *share {
                    draws.below(*hot)
                } else {
                    hot + draws.below(self.ranks - hot)
                }
            }
            Popularity::Sequential => (number % u64::from(self.ranks)) as u32,
        };
        let within = if self.each > 1 {
            draws.below(self.each)
        } else {
            0
        };
        self.key(rank, within)
    }

    /// The keys from the hottest to the coldest; among keys alike, in a fixed order.
    pub fn hottest(&self) -> impl Iterator<Item = u64> {
        (0..self.ranks)
            .flat_map(move |rank| (0..self.each).map(move |within| self.key(rank, within)))
    }

    /// The tenant to whom a key belongs; the key itself where there are no tenants.
    pub fn tenant(&self, key: u64) -> u64 {
        key / u64::from(self.each)
    }

    /// How many keys there are.
    pub fn count(&self) -> u64 {
        u64::from(self.ranks) * u64::from(self.each)
    }

    fn key(&self, rank: u32, within: u32) -> u64 {
        let place = self.scatter.as_ref().map_or(rank, |p| p.of(rank));
        u64::from(place) * u64::from(self.each) + u64::from(within)
    }
}

/// Zipf's law over `1..=count`, by rejection-inversion: the histogram is enclosed by the integral of the smooth density, so
/// that a draw takes little more than one try whatever the exponent and the count.
#[derive(Clone, PartialEq, Debug)]
struct Zipf {
    count: f64,
    exponent: f64,
    /// The integral at the left edge of the first bar, less that bar's own height.
    low: f64,
    /// The integral at the right edge of the last bar.
    high: f64,
    /// Points at most so far left of their bar's middle are always accepted.
    sure: f64,
}

impl Zipf {
    fn new(count: u32, exponent: f64) -> Self {
        let mut zipf = Self {
            count: f64::from(count),
            exponent,
            low: 0.0,
            high: 0.0,
            sure: 0.0,
        };
        zipf.low = zipf.integral(1.5) - 1.0;
        zipf.high = zipf.integral(zipf.count + 0.5);
        zipf.sure = 2.0 - zipf.inverse(zipf.integral(2.5) - zipf.density(2.0));
        zipf
    }

    /// A rank from 0.
    fn draw(&self, draws: &mut Draws) -> u32 {
        loop {
            let u = self.high + draws.unit() * (self.low - self.high);
            let x = self.inverse(u);
            let rank = libm::rint(x).clamp(1.0, self.count);
            if rank - x <= self.sure || u >= self.integral(rank + 0.5) - self.density(rank) {
                return rank as u32 - 1;
            }
        }
    }

    fn density(&self, x: f64) -> f64 {
        libm::exp(-self.exponent * libm::log(x))
    }

    /// ∫₁ˣ t^-s dt, in a form that stays exact as s goes through 1.
    fn integral(&self, x: f64) -> f64 {
        let log = libm::log(x);
        let z = (1.0 - self.exponent) * log;
        let quotient = if z.abs() > 1e-8 {
            libm::expm1(z) / z
        } else {
            1.0 + z / 2.0
        };
        log * quotient
    }

    /// The x of which `y` is the integral.
    fn inverse(&self, y: f64) -> f64 {
        // Rounding could bring a steep law's argument past its pole at -1.
        let z = (y * (1.0 - self.exponent)).max(-1.0);
        let quotient = if z.abs() > 1e-8 {
            libm::log1p(z) / z
        } else {
            1.0 - z / 2.0
        };
        libm::exp(y * quotient)
    }
}

/// A fixed permutation of `0..count` that looks like chance: a Feistel network on the next larger power of four, walked
/// until it comes back into range (Black and Rogaway, *Ciphers with arbitrary finite domains*, CT-RSA 2002).
#[derive(Clone, PartialEq, Debug)]
struct Permutation {
    count: u32,
    half_bits: u32,
}

impl Permutation {
    fn new(count: u32) -> Self {
        let bits = u32::BITS - count.saturating_sub(1).leading_zeros();
        Self {
            count,
            half_bits: bits.div_ceil(2).max(1),
        }
    }

    /// Where `rank` goes. The domain is less than four times the range, so it takes four tries at most on average.
    fn of(&self, rank: u32) -> u32 {
        let mask = (1_u32 << self.half_bits) - 1;
        let mut at = rank;
        loop {
            let (mut left, mut right) = (at >> self.half_bits, at & mask);
            for round in 0..4 {
                let mixed = Key::root(round).with(u64::from(right)).bits() as u32 & mask;
                (left, right) = (right, left ^ mixed);
            }
            at = (left << self.half_bits) | right;
            if at < self.count {
                return at;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: u64 = 400_000;

    fn counts(sampler: &KeySampler) -> Vec<u64> {
        let mut counts = vec![0; sampler.count() as usize];
        for number in 0..N {
            let key = sampler.draw(number, &mut Key::root(5).with(number).draws());
            counts[key as usize] += 1;
        }
        counts
    }

    /// Chi-square of counts against probabilities, with rare keys taken together, as standard deviations from its mean.
    fn surprise(counts: &[u64], probability: impl Fn(usize) -> f64) -> f64 {
        let (mut chi, mut cells, mut seen, mut expected) = (0.0, 0_u32, 0.0, 0.0);
        for (rank, count) in counts.iter().enumerate() {
            seen += *count as f64;
            expected += N as f64 * probability(rank);
            if expected >= 10.0 {
                chi += (seen - expected).powi(2) / expected;
                cells += 1;
                (seen, expected) = (0.0, 0.0);
            }
        }
        let freedom = f64::from(cells - 1);
        (chi - freedom) / (2.0 * freedom).sqrt()
    }

    #[test]
    fn zipf_draws_have_the_exact_probabilities() {
        for exponent in [0.0, 0.3, 0.8, 0.999_999_999, 1.0, 1.2, 2.0, 5.0] {
            for count in [2, 10, 1000, 20_000] {
                let sampler = KeySampler::new(&Keys::Zipf {
                    count,
                    exponent,
                    scatter: false,
                });
                let weight = |rank: usize| ((rank + 1) as f64).powf(-exponent);
                let total: f64 = (0..count as usize).map(weight).sum();
                let off = surprise(&counts(&sampler), |rank| weight(rank) / total);
                assert!(off.abs() < 4.5, "{exponent} over {count}: {off}");
            }
        }
    }

    #[test]
    fn the_hottest_keys_get_the_share_that_is_told() {
        let scatter = true;
        for keys in [
            Keys::Uniform { count: 1_000 },
            Keys::Sequential { count: 1_000 },
            Keys::Zipf {
                count: 5_000,
                exponent: 0.9,
                scatter,
            },
            Keys::Zipf {
                count: 50_000,
                exponent: 1.0,
                scatter,
            },
            Keys::HotSet {
                count: 2_000,
                hot_count: 40,
                hot_share: 0.7,
                scatter,
            },
            Keys::HotSet {
                count: 50,
                hot_count: 40,
                hot_share: 0.1,
                scatter: false,
            },
            Keys::Tenants {
                tenants: 300,
                exponent: 1.1,
                keys_each: 7,
                scatter,
            },
        ] {
            let sampler = KeySampler::new(&keys);
            let counts = counts(&sampler);
            // By the law and not by the draws: these would find the hottest by chance.
            let mut hottest: Vec<u64> = sampler.hottest().collect();
            if matches!(keys, Keys::HotSet { count: 50, .. }) {
                hottest.rotate_left(40);
            }
            for many in [1, 10, 100, 3_000] {
                let first = hottest.iter().take(many);
                let seen: u64 = first.map(|key| counts[*key as usize]).sum();
                let (seen, told) = (seen as f64 / N as f64, keys.share_of_hottest(many as u64));
                let slack = 5.0 * (told * (1.0 - told) / N as f64).sqrt() + 1e-9;
                assert!(
                    (seen - told).abs() <= slack,
                    "{keys:?}, {many}: {seen}, told {told}"
                );
            }
            assert!((keys.share_of_hottest(u64::MAX) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_sum_of_many_ranks_is_that_of_each() {
        for exponent in [0.0, 0.5, 0.999, 1.0, 1.5, 20.0] {
            let exact: f64 = { (1..=200_000).rev() }
                .map(|rank| f64::from(rank).powf(-exponent))
                .sum();
            let found = zipf_sum(200_000, exponent);
            assert!(
                (found / exact - 1.0).abs() < 1e-11,
                "{exponent}: {found}, {exact}"
            );
        }
    }

    #[test]
    fn the_largest_laws_stay_in_range() {
        for exponent in [0.0, 1.0, 20.0] {
            for count in [1, limits::KEYS as u32] {
                let sampler = KeySampler::new(&Keys::Zipf {
                    count,
                    exponent,
                    scatter: true,
                });
                for i in 0..10_000 {
                    let key = sampler.draw(i, &mut Key::root(i).draws());
                    assert!(key < u64::from(count));
                }
            }
        }
    }

    #[test]
    fn ranks_are_scattered_one_to_one() {
        for count in [1, 2, 3, 4, 5, 100, 4096, 4097, 50_000] {
            let permutation = Permutation::new(count);
            let mut hit = vec![false; count as usize];
            for rank in 0..count {
                let place = permutation.of(rank) as usize;
                assert!(!core::mem::replace(&mut hit[place], true));
            }
        }
        // The hundred hottest of 10,000 fall on all four quarters about alike.
        let mut quarters = [0; 4];
        for rank in 0..100 {
            quarters[Permutation::new(10_000).of(rank) as usize / 2500] += 1;
        }
        assert!(quarters.iter().all(|&n| n > 10), "{quarters:?}");
    }

    #[test]
    fn scattering_moves_keys_and_not_their_popularity() {
        let keys = |scatter| Keys::Zipf {
            count: 500,
            exponent: 1.1,
            scatter,
        };
        let (plain, scattered) = (KeySampler::new(&keys(false)), KeySampler::new(&keys(true)));
        assert!(plain.hottest().eq(0..500));
        let (by_rank, by_key) = (counts(&plain), counts(&scattered));
        for (rank, key) in scattered.hottest().enumerate() {
            assert_eq!(by_rank[rank], by_key[key as usize]);
        }
    }

    #[test]
    fn a_hot_set_gets_its_share() {
        let of = |hot_share| {
            let sampler = KeySampler::new(&Keys::HotSet {
                count: 1000,
                hot_count: 10,
                hot_share,
                scatter: true,
            });
            let counts = counts(&sampler);
            let hot: u64 = sampler.hottest().take(10).map(|k| counts[k as usize]).sum();
            hot as f64 / N as f64
        };
        assert!((of(0.9) - 0.9).abs() < 5.0 * (0.09 / N as f64).sqrt());
        assert!(of(0.0) == 0.0 && (of(1.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn tenants_are_uneven_and_their_keys_alike() {
        let sampler = KeySampler::new(&Keys::Tenants {
            tenants: 50,
            exponent: 1.0,
            keys_each: 20,
            scatter: false,
        });
        let total: f64 = (1..=50).map(|rank| 1.0 / f64::from(rank)).sum();
        let off = surprise(&counts(&sampler), |key| {
            1.0 / (sampler.tenant(key as u64) + 1) as f64 / total / 20.0
        });
        assert!(off.abs() < 4.5, "{off}");
        assert_eq!(sampler.hottest().nth(25), Some(25));
        assert_eq!(sampler.tenant(39), 1);
    }

    #[test]
    fn a_sequence_goes_round() {
        let sampler = KeySampler::new(&Keys::Sequential { count: 3 });
        let keys: Vec<u64> = (0..5)
            .map(|n| sampler.draw(n, &mut Key::root(n).draws()))
            .collect();
        assert_eq!(keys, [0, 1, 2, 0, 1]);
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let said = |keys: &Keys| {
            let mut problems = Problems::default();
            keys.check(&mut problems);
            let found = problems.or(()).err().unwrap_or_default();
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert!(said(&Keys::Uniform { count: 10 }).is_empty());
        assert_eq!(
            said(&Keys::Zipf {
                count: 0,
                exponent: f64::NAN,
                scatter: false
            })
            .len(),
            2
        );
        let tenants = said(&Keys::Tenants {
            tenants: 1000,
            exponent: 1.0,
            keys_each: 10_001,
            scatter: false,
        });
        assert_eq!(
            tenants,
            ["tenants.keys_each: 10001 is out of range: 1 to 10000 is allowed"]
        );
        let hot = said(&Keys::HotSet {
            count: 10,
            hot_count: 10,
            hot_share: 1.5,
            scatter: false,
        });
        assert_eq!(hot.len(), 2, "{hot:?}");
    }
}
