//! How often keys were asked for lately, in a few bits each.
//!
//! A count-min sketch (Cormode and Muthukrishnan, 2005) of four rows of 4-bit counters that is halved after every ten reads
//! for each entry of the cache, so that old popularity fades: `TinyLFU`'s *reset* (Einziger, Friedman and Manes, *`TinyLFU`: a
//! highly efficient cache admission policy*, ACM Transactions on Storage 13(4), 2017, section 3). It has no doorkeeper, as
//! Caffeine has none.

use crate::index::mixed;

const ROWS: u32 = 4;
/// The most that a counter can count.
const MOST: u8 = 15;
/// Reads between two halvings, for each entry of the cache.
const SAMPLE: u64 = 10;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Sketch {
    /// Row by row, each a power of two long; two counters a byte.
    counters: Vec<u8>,
    /// Reads counted since the last halving, less what that took away.
    counted: u64,
    sample: u64,
}

impl Sketch {
    /// A sketch for a cache of `entries`.
    pub fn new(entries: u32) -> Self {
        let row = (u64::from(entries) * 4).next_power_of_two().max(64);
        Self {
            counters: vec![0; row as usize * ROWS as usize / 2],
            counted: 0,
            sample: u64::from(entries.max(1)) * SAMPLE,
        }
    }

    /// The place of `key`'s counter in each row.
    fn places(&self, key: u64) -> [u64; ROWS as usize] {
        let row = self.counters.len() as u64 * 2 / u64::from(ROWS);
        // Two halves of one hash make any number of hashes (Kirsch and Mitzenmacher, 2006).
        let hash = mixed(mixed(key));
        let (first, step) = (hash & 0xffff_ffff, (hash >> 32) | 1);
        [0, 1, 2, 3].map(|i| i * row + (first.wrapping_add(i * step) & (row - 1)))
    }

    fn counter(&self, place: u64) -> u8 {
        (self.counters[(place / 2) as usize] >> (place % 2 * 4)) & MOST
    }

    /// How often `key` was read lately: never too few, at times too many.
    pub fn estimate(&self, key: u64) -> u8 {
        self.places(key)
            .into_iter()
            .map(|place| self.counter(place))
            .fold(MOST, u8::min)
    }

    /// Counts one read of `key`.
    pub fn count(&mut self, key: u64) {
        let mut counted = false;
        for place in self.places(key) {
            if self.counter(place) < MOST {
                self.counters[(place / 2) as usize] += 1 << (place % 2 * 4);
                counted = true;
            }
        }
        if counted {
            self.counted += 1;
            if self.counted >= self.sample {
                self.halve();
            }
        }
    }

    fn halve(&mut self) {
        for pair in &mut self.counters {
            *pair = (*pair >> 1) & 0x77;
        }
        self.counted /= 2;
    }

    pub fn clear(&mut self) {
        self.counters.fill(0);
        self.counted = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_counts_too_few_and_seldom_too_many() {
        let mut sketch = Sketch::new(1_000);
        for key in 0..1_000 {
            for _ in 0..key % 5 {
                sketch.count(key);
            }
        }
        let over = (0..1_000)
            .filter(|&key| {
                let estimate = u64::from(sketch.estimate(key));
                assert!(estimate >= key % 5);
                estimate > key % 5
            })
            .count();
        assert!(over < 20, "{over}");
    }

    #[test]
    fn popularity_fades() {
        let mut sketch = Sketch::new(10);
        for _ in 0..40 {
            sketch.count(1);
        }
        assert_eq!(sketch.estimate(1), 15);
        for key in 0..85 {
            sketch.count(1_000 + key);
        }
        assert_eq!(sketch.estimate(1), 7);
        sketch.clear();
        assert_eq!(sketch.estimate(1), 0);
    }
}
