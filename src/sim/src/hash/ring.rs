//! Consistent hashing: nodes own arcs of a ring, each through many points, so that a node that comes or goes moves only its
//! own keys (Karger and others, *Consistent hashing and random trees*, 1997).
//!
//! Points and look-up as nginx's `hash … consistent`, itself compatible with `Cache::Memcached::Fast`: 160 points for each
//! unit of weight, each the CRC-32 of host, zero byte, port and the previous point.
//! With v points a node, the coefficient of variation of a node's share is √((n − 1)/(n·v + 1)).

use super::crc::{Crc32, crc32};

/// Points for each unit of weight.
pub const POINTS: u32 = 160;

/// The points of several nodes, in the order of the ring.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Ring {
    /// Where each point is, and whose it is.
    points: Vec<(u32, u32)>,
}

impl Ring {
    /// The ring of nodes, each with its number, the start of its points, and how many it has.
    pub fn new(nodes: impl Iterator<Item = (u32, Crc32, u32)>) -> Self {
        let mut points = Vec::new();
        for (node, start, count) in nodes {
            let mut point = 0_u32;
            for _ in 0..count {
                point = start.with(&point.to_le_bytes()).sum();
                points.push((point, node));
            }
        }
        Self::of(points)
    }

    /// The ring of points that are known already, each with the number of its node.
    pub fn of(mut points: Vec<(u32, u32)>) -> Self {
        // Stable, and the first of equal points stays: the order of the nodes decides.
        points.sort_by_key(|point| point.0);
        points.dedup_by_key(|point| point.0);
        Self { points }
    }

    /// The place of the point that has `key`: the first that is not before its hash.
    pub fn place(&self, key: &[u8]) -> usize {
        self.at(crc32(key))
    }

    /// The place of the first point not before `hash`; it may be one past the last, which means the first.
    pub fn at(&self, hash: u32) -> usize {
        self.points.partition_point(|point| point.0 < hash)
    }

    /// Whose the point at `place` is, going round; `None` without points.
    pub fn node(&self, place: usize) -> Option<u32> {
        let place = place.checked_rem(self.points.len())?;
        Some(self.points[place].1)
    }

    /// The points in order: where each is, and whose it is.
    pub fn points(&self) -> impl Iterator<Item = (u32, u32)> {
        self.points.iter().copied()
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there is no point.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The part of all hashes that goes to `node`.
    pub fn share(&self, node: u32) -> f64 {
        let before = self
            .points
            .iter()
            .cycle()
            .skip(self.points.len().saturating_sub(1));
        let arcs = self.points.iter().zip(before).map(|(point, before)| {
            // A lone point has the whole ring.
            let arc = point.0.wrapping_sub(before.0);
            let arc = if self.points.len() == 1 {
                1 << 32
            } else {
                u64::from(arc)
            };
            if point.1 == node { arc } else { 0 }
        });
        arcs.sum::<u64>() as f64 / (1_u64 << 32) as f64
    }
}

/// Where the points of the node called `name` start: a host, with a port or without.
pub fn start(name: &str) -> Crc32 {
    let (host, port) = match name.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (name, ""),
    };
    Crc32::default()
        .with(host.as_bytes())
        .with(&[0])
        .with(port.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(nodes: u32) -> Ring {
        Ring::new((0..nodes).map(|node| (node, start(&format!("shop.{node}")), POINTS)))
    }

    #[test]
    fn only_the_new_nodes_keys_move() {
        let (before, after) = (ring(3), ring(4));
        let mut moved = 0;
        for key in 0..4_000_u64 {
            let key = key.to_le_bytes();
            let (a, b) = (
                before.node(before.place(&key)),
                after.node(after.place(&key)),
            );
            assert!(a == b || b == Some(3));
            moved += u32::from(a != b);
        }
        assert!((800..1_200).contains(&moved), "{moved}");
    }

    #[test]
    fn shares_add_up_and_an_empty_ring_has_nobody() {
        let ring = ring(5);
        let sum: f64 = (0..5).map(|node| ring.share(node)).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
        assert_eq!(Ring::default().node(7), None);
        assert!((Ring::of(vec![(9, 1)]).share(1) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_port_is_hashed_apart_from_its_host() {
        assert_eq!(start("a:80").sum(), crc32(b"a\080"));
        assert_eq!(start("shop.1").sum(), crc32(b"shop.1\0"));
    }
}
