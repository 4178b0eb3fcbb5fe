//! Ketama's ring: consistent hashing as memcached's clients agree on it (Jones, `libketama`, Last.fm, 2007).
//!
//! A node has 40 MD5 sums in a fair share, of four points each: `<node>-<i>`, its 16 bytes as four little-endian numbers.
//! A key belongs to the first point after the first four bytes of its own MD5 sum.

use super::ring::Ring;

/// MD5 sums of a node of mean weight.
const SUMS: u64 = 40;

/// A ring of named nodes with weights.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Ketama(Ring);

impl Ketama {
    /// The ring of `nodes`; a node of weight 0 has no point.
    pub fn new(nodes: &[(impl AsRef<str>, u32)]) -> Self {
        let total: u64 = nodes.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut points = Vec::new();
        for (at, (name, weight)) in nodes.iter().enumerate() {
            let sums = SUMS * nodes.len() as u64 * u64::from(*weight) / total.max(1);
            for i in 0..sums {
                let sum = md5::compute(format!("{}-{i}", name.as_ref()));
                points.extend((0..4).map(|part| (word(&sum, part), at as u32)));
            }
        }
        Self(Ring::of(points))
    }

    /// The ring of nodes with so many points each. With 160 it is ketama's own.
    pub fn with_points(nodes: &[impl AsRef<str>], points: u32) -> Self {
        let mut all = Vec::new();
        for (at, name) in nodes.iter().enumerate() {
            for i in 0..points.div_ceil(4) {
                let sum = md5::compute(format!("{}-{i}", name.as_ref()));
                let parts = (points - 4 * i).min(4) as usize;
                all.extend((0..parts).map(|part| (word(&sum, part), at as u32)));
            }
        }
        Self(Ring::of(all))
    }

    /// Where `key` is on the ring.
    pub fn hash(key: &[u8]) -> u32 {
        word(&md5::compute(key), 0)
    }

    /// The node of `key`; `None` without points.
    pub fn node(&self, key: &[u8]) -> Option<u32> {
        let hash = Self::hash(key);
        // Strictly after: a point at the key's own hash is before it.
        let place = match hash.checked_add(1) {
            Some(after) => self.0.at(after),
            None => 0,
        };
        self.0.node(place)
    }

    /// The ring, with the points of its nodes.
    pub const fn ring(&self) -> &Ring {
        &self.0
    }
}

fn word(sum: &md5::Digest, part: usize) -> u32 {
    let bytes = &sum.0[4 * part..4 * part + 4];
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_may_be_more_or_fewer() {
        let nodes = ["a", "b", "c"];
        let weighted = nodes.map(|name| (name, 1));
        assert_eq!(Ketama::with_points(&nodes, 160), Ketama::new(&weighted));
        for points in [1, 5, 1_000] {
            let ring = Ketama::with_points(&nodes, points);
            assert_eq!(ring.ring().len(), 3 * points as usize);
        }
    }

    #[test]
    fn points_go_by_weight() {
        let ring = Ketama::new(&[("a", 3), ("b", 2), ("c", 1), ("d", 0)]);
        let share = |node| ring.ring().share(node);
        assert!(share(0) > share(1) && share(1) > share(2));
        assert_eq!(share(3).to_bits(), 0.0_f64.to_bits());
        assert_eq!(Ketama::new(&[] as &[(&str, u32)]).node(b"x"), None);
    }
}
