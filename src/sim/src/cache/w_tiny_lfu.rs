//! W-TinyLFU: a small window for what is new, a large main part for what has proved itself, and between them a door that only
//! what was read more often than the one to leave may pass (Einziger, Friedman and Manes, *`TinyLFU`: a highly efficient cache
//! admission policy*, ACM Transactions on Storage 13(4), 2017, section 4; Caffeine does it so).
//!
//! The window has 1% of the capacity and keeps the latest used. The main part is a segmented LRU: a probation and, for those
//! read again there, a protected segment of 80%. Shares hold for entries and bytes alike. The window does not adapt its
//! share, as Caffeine's does.

use super::Capacity;
use super::entry::Node;
use super::sketch::Sketch;
use crate::index::NONE;
use crate::list::{List, Pool};

/// A part of a W-TinyLFU cache.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Segment {
    /// New here.
    Window,
    /// Read again in the main part.
    Protected,
    /// In the main part, and the first to leave it.
    Probation,
}

/// In the order in which they are shown: what is safest stands between what is new and what goes next.
const SEGMENTS: [Segment; 3] = [Segment::Window, Segment::Protected, Segment::Probation];

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Part {
    list: List,
    bytes: u64,
}

impl Part {
    fn is_over(&self, share: Capacity) -> bool {
        self.list.len > share.entries || self.bytes > share.bytes
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct WTinyLfu {
    /// By [`Segment`].
    parts: [Part; 3],
    sketch: Sketch,
    window: Capacity,
    protected: Capacity,
}

impl WTinyLfu {
    pub fn new(capacity: Capacity) -> Self {
        let (window, protected) = Self::shares(capacity);
        Self {
            parts: Default::default(),
            sketch: Sketch::new(capacity.entries),
            window,
            protected,
        }
    }

    /// What the window and the protected segment may hold.
    fn shares(capacity: Capacity) -> (Capacity, Capacity) {
        let window = Capacity {
            entries: (capacity.entries / 100).max(1),
            bytes: match capacity.bytes {
                Capacity::ANY_BYTES => Capacity::ANY_BYTES,
                bytes => bytes / 100,
            },
        };
        let protected = Capacity {
            entries: (capacity.entries - window.entries) / 5 * 4
                + (capacity.entries - window.entries) % 5 * 4 / 5,
            bytes: match capacity.bytes {
                Capacity::ANY_BYTES => Capacity::ANY_BYTES,
                bytes => (bytes - window.bytes) / 5 * 4,
            },
        };
        (window, protected)
    }

    /// Notes a read, whether it finds anything or not.
    pub fn count(&mut self, key: u64) {
        self.sketch.count(key);
    }

    fn join(&mut self, nodes: &mut [Node], at: u32, segment: Segment) {
        let node = &mut nodes[at as usize];
        node.mark = segment as u32;
        let part = &mut self.parts[segment as usize];
        part.bytes += u64::from(node.entry.value.bytes);
        part.list.push_front(nodes, at);
    }

    pub fn remove(&mut self, nodes: &mut [Node], at: u32) {
        let node = &nodes[at as usize];
        let part = &mut self.parts[node.mark as usize];
        part.bytes -= u64::from(node.entry.value.bytes);
        part.list.remove(nodes, at);
    }

    fn move_to(&mut self, nodes: &mut [Node], at: u32, segment: Segment) {
        self.remove(nodes, at);
        self.join(nodes, at, segment);
    }

    pub fn insert(&mut self, nodes: &mut [Node], at: u32) {
        self.join(nodes, at, Segment::Window);
        self.settle(nodes);
    }

    /// Lets those move on that a segment has no room for. There is room for them elsewhere.
    fn settle(&mut self, nodes: &mut [Node]) {
        // One that is larger than the whole window stays there until another comes.
        while self.parts[Segment::Window as usize].is_over(self.window)
            && self.parts[Segment::Window as usize].list.len > 1
        {
            let oldest = self.parts[Segment::Window as usize].list.back;
            self.move_to(nodes, oldest, Segment::Probation);
        }
        while self.parts[Segment::Protected as usize].is_over(self.protected) {
            let oldest = self.parts[Segment::Protected as usize].list.back;
            self.move_to(nodes, oldest, Segment::Probation);
        }
    }

    pub fn touch(&mut self, nodes: &mut [Node], at: u32) {
        let segment = SEGMENTS[nodes[at as usize].mark as usize];
        match segment {
            Segment::Window | Segment::Protected => {
                self.parts[segment as usize].list.move_to_front(nodes, at);
            }
            Segment::Probation => {
                self.move_to(nodes, at, Segment::Protected);
                self.settle(nodes);
            }
        }
    }

    /// The entry at `at`, until now of `before` bytes, has another size.
    pub fn resized(&mut self, nodes: &[Node], at: u32, before: u32) {
        let node = &nodes[at as usize];
        let part = &mut self.parts[node.mark as usize];
        part.bytes = part.bytes - u64::from(before) + u64::from(node.entry.value.bytes);
    }

    /// Which entry has to go so that another of `bytes` may come in.
    pub fn victim(&mut self, nodes: &mut [Node], bytes: u32) -> u32 {
        let [window, protected, probation] = &self.parts;
        let last = match (probation.list.back, protected.list.back) {
            (NONE, last) | (last, _) => last,
        };
        let candidate = window.list.back;
        let is_full = window.list.len >= self.window.entries
            || window.bytes + u64::from(bytes) > self.window.bytes;
        if candidate == NONE || !(is_full || last == NONE) {
            return last;
        }
        if last == NONE {
            return candidate;
        }
        let reads = |at: u32| self.sketch.estimate(nodes[at as usize].key);
        if reads(candidate) > reads(last) {
            self.move_to(nodes, candidate, Segment::Probation);
            last
        } else {
            candidate
        }
    }

    pub fn resize(&mut self, nodes: &mut [Node], capacity: Capacity) {
        (self.window, self.protected) = Self::shares(capacity);
        self.settle(nodes);
    }

    pub fn first(&self) -> u32 {
        self.first_from(0)
    }

    fn first_from(&self, segment: usize) -> u32 {
        self.parts[segment..]
            .iter()
            .map(|part| part.list.front)
            .find(|&front| front != NONE)
            .unwrap_or(NONE)
    }

    pub fn after(&self, nodes: &Pool<Node>, at: u32) -> u32 {
        let node = &nodes[at];
        match node.links.after {
            NONE => self.first_from(node.mark as usize + 1),
            after => after,
        }
    }

    pub fn segment(node: &Node) -> Segment {
        SEGMENTS[node.mark as usize]
    }

    /// What the policy remembers beside the order of the entries.
    pub fn sketch(&self) -> &Sketch {
        &self.sketch
    }

    pub fn clear(&mut self) {
        self.parts = Default::default();
        self.sketch.clear();
    }
}
