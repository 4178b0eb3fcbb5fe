//! A placement as it can be drawn: arcs of a ring, or stretches of a line, each with its owner.

use serde::{Deserialize, Serialize};

/// What a rule's space looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Shape {
    /// Hashes go round: after the last point comes the first.
    Ring,
    /// Slots or keys in their order.
    Line,
    /// Shards side by side: the rule has no order in which a key could lie between two others.
    Cells,
}

/// A rule's space, from 0 to 65,535.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ShardMap {
    /// What it looks like.
    pub shape: Shape,
    /// Where each arc ends, and the number of the shard's component that has it, in order. The last ends at 65,535; on a
    /// ring its owner has what comes after the last point too.
    pub arcs: Vec<(u16, u16)>,
}

/// The width of the space.
pub(super) const WIDTH: u64 = 1 << 16;

impl ShardMap {
    /// A map of so many cells of one width.
    pub(super) fn cells(shape: Shape, owners: &[u16]) -> Self {
        let count = owners.len().max(1) as u64;
        let end = |place: u64| ((place + 1) * WIDTH / count - 1) as u16;
        let arcs = (0..).zip(owners).map(|(at, owner)| (end(at), *owner));
        Self {
            shape,
            arcs: arcs.collect(),
        }
    }

    /// A map of points on the way from one end to the other, each with its place of 65,536 and its owner: who owns what lies
    /// before it. Neighbours of one owner are one arc.
    pub(super) fn points(shape: Shape, points: impl Iterator<Item = (u16, u16)>) -> Self {
        let mut arcs: Vec<(u16, u16)> = Vec::new();
        for (end, owner) in points {
            match arcs.last_mut() {
                Some(last) if last.1 == owner => last.0 = end,
                _ => arcs.push((end, owner)),
            }
        }
        Self { shape, arcs }
    }

    /// The owner of a place.
    pub fn owner(&self, place: u16) -> Option<u16> {
        let at = self.arcs.partition_point(|(end, _)| *end < place);
        self.arcs.get(at).map(|(_, owner)| *owner)
    }
}
