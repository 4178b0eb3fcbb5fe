//! Which entry leaves when a cache is full.
//!
//! The policies, in the words of their field: LRU and FIFO; CLOCK (Corbató, *A paging experiment with the Multics system*,
//! 1968), here as FIFO with reinsertion, which evicts the same; SIEVE (Zhang and others, *SIEVE is simpler than LRU*, NSDI
//! 2024); LFU in [`super::lfu`] and W-TinyLFU in [`super::w_tiny_lfu`].

use serde::{Deserialize, Serialize};

use super::Capacity;
use super::entry::Node;
use super::lfu::Lfu;
use super::sketch::Sketch;
use super::w_tiny_lfu::{Segment, WTinyLfu};
use crate::index::NONE;
use crate::list::{List, Pool};

/// Which entry a full cache gives up.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Eviction {
    /// The least recently used.
    #[default]
    Lru,
    /// The least frequently used since it came; among equals, the least recently used.
    Lfu,
    /// The one that came first.
    Fifo,
    /// The one that came first, but one that was used since gets a second chance at the end of the line.
    Clock,
    /// A hand goes from the oldest to the newest, spares those used since it last came by, and takes the first that was not.
    Sieve,
    /// New entries wait in a small window; into the main part comes only what was asked for more often than what would leave.
    WTinyLfu,
}

/// What a policy knows of an entry, to be shown beside it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Standing {
    /// Only its place in the line.
    InLine,
    /// Whether it was used since the hand last came by.
    Visited(bool),
    /// How often it was used.
    Uses(u32),
    /// Which part of the cache it is in.
    In(Segment),
}

/// The policy with its state.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    Lru(List),
    Fifo(List),
    Clock(List),
    Sieve {
        list: List,
        /// Where the next search starts; nowhere for the back.
        hand: u32,
    },
    Lfu(Lfu),
    WTinyLfu(Box<WTinyLfu>),
}

/// The mark of an entry that was used since the hand came by.
const VISITED: u32 = 1;

impl Order {
    pub fn new(eviction: Eviction, capacity: Capacity) -> Self {
        match eviction {
            Eviction::Lru => Self::Lru(List::default()),
            Eviction::Fifo => Self::Fifo(List::default()),
            Eviction::Clock => Self::Clock(List::default()),
            Eviction::Sieve => Self::Sieve {
                list: List::default(),
                hand: NONE,
            },
            Eviction::Lfu => Self::Lfu(Lfu::default()),
            Eviction::WTinyLfu => Self::WTinyLfu(Box::new(WTinyLfu::new(capacity))),
        }
    }

    pub const fn eviction(&self) -> Eviction {
        match self {
            Self::Lru(_) => Eviction::Lru,
            Self::Fifo(_) => Eviction::Fifo,
            Self::Clock(_) => Eviction::Clock,
            Self::Sieve { .. } => Eviction::Sieve,
            Self::Lfu(_) => Eviction::Lfu,
            Self::WTinyLfu(_) => Eviction::WTinyLfu,
        }
    }

    /// `key` was asked for, whether it is here or not.
    pub fn asked(&mut self, key: u64) {
        if let Self::WTinyLfu(policy) = self {
            policy.count(key);
        }
    }

    /// The node at `at` is new.
    pub fn insert(&mut self, nodes: &mut Pool<Node>, at: u32) {
        let nodes = nodes.all_mut();
        match self {
            Self::Lru(list) | Self::Fifo(list) | Self::Clock(list) | Self::Sieve { list, .. } => {
                list.push_front(nodes, at);
            }
            Self::Lfu(policy) => policy.insert(nodes, at),
            Self::WTinyLfu(policy) => policy.insert(nodes, at),
        }
    }

    /// The node at `at` was used.
    pub fn touch(&mut self, nodes: &mut Pool<Node>, at: u32) {
        match self {
            Self::Lru(list) => list.move_to_front(nodes.all_mut(), at),
            Self::Fifo(_) => {}
            Self::Clock(_) | Self::Sieve { .. } => nodes[at].mark = VISITED,
            Self::Lfu(policy) => policy.touch(nodes.all_mut(), at),
            Self::WTinyLfu(policy) => policy.touch(nodes.all_mut(), at),
        }
    }

    /// The node at `at`, until now of `before` bytes, has another size.
    pub fn resized(&mut self, nodes: &mut Pool<Node>, at: u32, before: u32) {
        if let Self::WTinyLfu(policy) = self {
            policy.resized(nodes.all_mut(), at, before);
        }
    }

    /// The node at `at` leaves.
    pub fn remove(&mut self, nodes: &mut Pool<Node>, at: u32) {
        if let Self::Sieve { hand, .. } = self
            && *hand == at
        {
            *hand = nodes[at].links.before;
        }
        let nodes = nodes.all_mut();
        match self {
            Self::Lru(list) | Self::Fifo(list) | Self::Clock(list) | Self::Sieve { list, .. } => {
                list.remove(nodes, at);
            }
            Self::Lfu(policy) => policy.remove(nodes, at),
            Self::WTinyLfu(policy) => policy.remove(nodes, at),
        }
    }

    /// Which node has to go so that one of `bytes` may come in; [`NONE`] if there is none. It is still in the order.
    pub fn victim(&mut self, nodes: &mut Pool<Node>, bytes: u32) -> u32 {
        match self {
            Self::Lru(list) | Self::Fifo(list) => list.back,
            Self::Clock(list) => {
                let mut at = list.back;
                while at != NONE && nodes[at].mark == VISITED {
                    nodes[at].mark = 0;
                    list.move_to_front(nodes.all_mut(), at);
                    at = list.back;
                }
                at
            }
            Self::Sieve { list, hand } => {
                let mut at = if *hand == NONE { list.back } else { *hand };
                while at != NONE && nodes[at].mark == VISITED {
                    nodes[at].mark = 0;
                    at = match nodes[at].links.before {
                        NONE => list.back,
                        before => before,
                    };
                }
                *hand = at;
                at
            }
            Self::Lfu(policy) => policy.victim(),
            Self::WTinyLfu(policy) => policy.victim(nodes.all_mut(), bytes),
        }
    }

    /// The capacity is another.
    pub fn resize(&mut self, nodes: &mut Pool<Node>, capacity: Capacity) {
        if let Self::WTinyLfu(policy) = self {
            policy.resize(nodes.all_mut(), capacity);
        }
    }

    /// The node that is shown first: the newest, or the most used.
    pub fn first(&self) -> u32 {
        match self {
            Self::Lru(list) | Self::Fifo(list) | Self::Clock(list) | Self::Sieve { list, .. } => {
                list.front
            }
            Self::Lfu(policy) => policy.first(),
            Self::WTinyLfu(policy) => policy.first(),
        }
    }

    /// The node that is shown after `at`.
    pub fn after(&self, nodes: &Pool<Node>, at: u32) -> u32 {
        match self {
            Self::Lru(_) | Self::Fifo(_) | Self::Clock(_) | Self::Sieve { .. } => {
                nodes[at].links.after
            }
            Self::Lfu(policy) => policy.after(nodes, at),
            Self::WTinyLfu(policy) => policy.after(nodes, at),
        }
    }

    pub fn standing(&self, node: &Node) -> Standing {
        match self {
            Self::Lru(_) | Self::Fifo(_) => Standing::InLine,
            Self::Clock(_) | Self::Sieve { .. } => Standing::Visited(node.mark == VISITED),
            Self::Lfu(policy) => Standing::Uses(policy.uses(node)),
            Self::WTinyLfu(_) => Standing::In(WTinyLfu::segment(node)),
        }
    }

    /// Where SIEVE's hand points.
    pub fn hand(&self) -> u32 {
        match self {
            Self::Sieve { hand, .. } => *hand,
            _ => NONE,
        }
    }

    /// What W-TinyLFU remembers of keys, here or not.
    pub fn sketch(&self) -> Option<&Sketch> {
        match self {
            Self::WTinyLfu(policy) => Some(policy.sketch()),
            _ => None,
        }
    }

    pub fn clear(&mut self) {
        match self {
            Self::Lru(list) | Self::Fifo(list) | Self::Clock(list) => *list = List::default(),
            Self::Sieve { list, hand } => (*list, *hand) = (List::default(), NONE),
            Self::Lfu(policy) => policy.clear(),
            Self::WTinyLfu(policy) => policy.clear(),
        }
    }
}
