//! Random draws that belong to a purpose, not to a moment.
//!
//! Every draw is a pure function of a *key*: the scenario's seed, mixed with what the draw is for (the n-th arrival of a
//! client, the service demand of one request at one step of a plan). Two designs under one seed therefore see the same
//! arrivals and the same demands, whatever else differs between them: the *common random numbers* of simulation practice
//! (Law, *Simulation Modeling and Analysis*, section 11.2). The generator behind each key is `SplitMix64` (Steele, Lea and
//! Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014), whose output is the same on every platform.

use rand::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;

/// What a draw is for, mixed down to 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Key(u64);

impl Key {
    /// The root of all draws of a run.
    pub fn root(seed: u64) -> Self {
        Self(seed).with(0x5ca1_e1ab)
    }

    /// The key for one more number: an index, an identifier, another key's bits.
    #[must_use]
    pub fn with(self, label: u64) -> Self {
        // The finaliser of SplitMix64 over an odd multiple, so that (a, b) and (b, a) part.
        let mut z = self.0 ^ label.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(z ^ (z >> 31))
    }

    /// The key for one more name: a component, a purpose.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        // FNV-1a, 64 bits (Fowler, Noll, Vo): stable across platforms, and names are short.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        self.with(hash)
    }

    /// The bits, for mixing into another key.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The draws that belong to this key, in order.
    pub fn draws(self) -> Draws {
        Draws(SplitMix64::from_seed(self.0.to_le_bytes()))
    }
}

/// The sequence of uniform draws of one [`Key`].
#[derive(Clone, Debug)]
pub struct Draws(SplitMix64);

impl Draws {
    /// A uniform draw in (0, 1]: never zero, so its logarithm is finite.
    pub fn unit(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) + 1) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// A uniform draw among `0..n`; `n` must not be zero.
    pub fn below(&mut self, n: u32) -> u32 {
        // Lemire's multiply-and-shift; the bias is under n / 2^64.
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_a_function_of_the_key_alone() {
        let key = Key::root(7).named("shop").with(3);
        assert_eq!(key.draws().unit().to_bits(), key.draws().unit().to_bits());
        assert_ne!(key, Key::root(8).named("shop").with(3));
        assert_ne!(Key::root(7).with(1).with(2), Key::root(7).with(2).with(1));
    }

    #[test]
    fn units_lie_in_the_half_open_interval_and_average_a_half() {
        let n = 100_000;
        let sum: f64 = (0..n)
            .map(|i| {
                let unit = Key::root(1).with(i).draws().unit();
                assert!(unit > 0.0 && unit <= 1.0);
                unit
            })
            .sum();
        // Five standard errors of a uniform mean: 5 / sqrt(12 n).
        assert!((sum / n as f64 - 0.5).abs() < 0.0046, "{}", sum / n as f64);
    }

    #[test]
    fn below_covers_its_range() {
        let mut seen = [0_u32; 3];
        let mut draws = Key::root(2).draws();
        for _ in 0..3000 {
            seen[draws.below(3) as usize] += 1;
        }
        assert!(seen.iter().all(|&count| count > 850), "{seen:?}");
    }
}
