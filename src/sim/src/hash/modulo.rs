//! Hashing by remainder: even shares, and nearly every key moves when a node comes or goes: from n to n + 1 nodes
//! n/(n + 1) of them.
//!
//! As nginx's `hash` without `consistent`, itself compatible with `Cache::Memcached`: 15 bits of a CRC-32; when the node is
//! not to be had, the number of the try is hashed in front of the key and added.

use super::crc::Crc32;

/// Tries of one key for a node that is to be had.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Tries {
    hash: u32,
    tries: u32,
}

impl Tries {
    /// The next number for `key`: its remainder by the sum of the weights names the node.
    pub fn next(&mut self, key: &[u8]) -> u32 {
        let mut crc = Crc32::default();
        if self.tries > 0 {
            let mut digits = [0; 10];
            let mut at = digits.len();
            let mut rest = self.tries;
            while rest > 0 {
                at -= 1;
                digits[at] = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
            crc = crc.with(&digits[at..]);
        }
        self.hash = self.hash.wrapping_add((crc.with(key).sum() >> 16) & 0x7fff);
        self.tries += 1;
        self.hash
    }
}

/// The node of `key` among nodes of these weights; `None` if all weigh nothing.
pub fn modulo(key: &[u8], weights: &[u32]) -> Option<usize> {
    share(Tries::default().next(key), weights.iter().copied())
}

/// Who has the number `hash` when the numbers go round by weight.
pub fn share(hash: u32, weights: impl Iterator<Item = u32> + Clone) -> Option<usize> {
    let total: u64 = weights.clone().map(u64::from).sum();
    let mut left = u64::from(hash).checked_rem(total)?;
    for (at, weight) in weights.enumerate() {
        if left < u64::from(weight) {
            return Some(at);
        }
        left -= u64::from(weight);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_round_by_weight() {
        let counts = |weights: [u32; 3]| {
            let mut counts = [0; 3];
            for hash in 0..weights.iter().sum() {
                counts[share(hash, weights.into_iter()).expect("somebody")] += 1;
            }
            counts
        };
        assert_eq!(counts([3, 2, 1]), [3, 2, 1]);
        assert_eq!(counts([0, 2, 5]), [0, 2, 5]);
        assert_eq!(modulo(b"x", &[]), None);
    }

    #[test]
    fn each_further_try_adds_the_hash_with_its_number() {
        let mut tries = Tries::default();
        let first = tries.next(b"key");
        assert_eq!(first, (super::super::crc::crc32(b"key") >> 16) & 0x7fff);
        let second = (super::super::crc::crc32(b"1key") >> 16) & 0x7fff;
        assert_eq!(tries.next(b"key"), first + second);
    }
}
