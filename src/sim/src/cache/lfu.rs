//! Least frequently used, in constant time: entries of one count in a list, the counts in a list of lists (Shah, Mitra and
//! Matani, *An O(1) algorithm for implementing the LFU cache eviction scheme*, 2010).
//!
//! Among the least used the one that was read least recently goes. A count is lost with its entry, and never fades: what was
//! popular long ago stays.

use super::entry::Node;
use crate::index::NONE;
use crate::list::{Linked, Links, List, Pool};

/// The entries that were used equally often.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Count {
    uses: u32,
    /// The latest used in front.
    entries: List,
    links: Links,
}

impl Linked for Count {
    fn links(&self) -> Links {
        self.links
    }

    fn links_mut(&mut self) -> &mut Links {
        &mut self.links
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Lfu {
    counts: Pool<Count>,
    /// The counts that occur, the highest in front.
    order: List,
}

impl Lfu {
    pub fn insert(&mut self, nodes: &mut [Node], at: u32) {
        let lowest = self.order.back;
        let count = if lowest != NONE && self.counts[lowest].uses == 1 {
            lowest
        } else {
            let count = self.add(1);
            self.order.push_back(self.counts.all_mut(), count);
            count
        };
        self.join(nodes, at, count);
    }

    fn add(&mut self, uses: u32) -> u32 {
        self.counts.add(Count {
            uses,
            entries: List::default(),
            links: Links::ALONE,
        })
    }

    fn join(&mut self, nodes: &mut [Node], at: u32, count: u32) {
        nodes[at as usize].mark = count;
        self.counts[count].entries.push_front(nodes, at);
    }

    pub fn touch(&mut self, nodes: &mut [Node], at: u32) {
        let count = nodes[at as usize].mark;
        let uses = self.counts[count].uses.saturating_add(1);
        let above = self.counts[count].links.before;
        let next = if above != NONE && self.counts[above].uses == uses {
            above
        } else {
            let next = self.add(uses);
            self.order.insert_before(self.counts.all_mut(), next, count);
            next
        };
        self.remove(nodes, at);
        self.join(nodes, at, next);
    }

    pub fn remove(&mut self, nodes: &mut [Node], at: u32) {
        let count = nodes[at as usize].mark;
        self.counts[count].entries.remove(nodes, at);
        if self.counts[count].entries.len == 0 {
            self.order.remove(self.counts.all_mut(), count);
            self.counts.free(count);
        }
    }

    pub fn victim(&self) -> u32 {
        match self.order.back {
            NONE => NONE,
            lowest => self.counts[lowest].entries.back,
        }
    }

    pub fn first(&self) -> u32 {
        match self.order.front {
            NONE => NONE,
            highest => self.counts[highest].entries.front,
        }
    }

    pub fn after(&self, nodes: &Pool<Node>, at: u32) -> u32 {
        let Node { links, mark, .. } = nodes[at];
        if links.after != NONE {
            return links.after;
        }
        match self.counts[mark].links.after {
            NONE => NONE,
            lower => self.counts[lower].entries.front,
        }
    }

    pub fn uses(&self, node: &Node) -> u32 {
        self.counts[node.mark].uses
    }

    pub fn clear(&mut self) {
        self.counts.clear();
        self.order = List::default();
    }
}
