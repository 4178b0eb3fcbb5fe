//! What a cache holds of one key.

use crate::list::{Linked, Links};
use crate::time::{Duration, Time};

/// What a cache was given to keep for a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Value {
    /// Which version of the row it is.
    pub version: u64,
    /// Whose row: the component of the database, or `u16::MAX` for none.
    pub source: u16,
    /// The row itself, as that database numbers rows.
    pub row: u64,
    /// Its size.
    pub bytes: u32,
    /// It says that there is no such row.
    pub negative: bool,
    /// It has not reached the store behind yet (write-behind).
    pub dirty: bool,
}

impl Default for Value {
    fn default() -> Self {
        Self {
            version: 0,
            source: u16::MAX,
            row: 0,
            bytes: 0,
            negative: false,
            dirty: false,
        }
    }
}

/// A value in a cache, with its times.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Entry {
    /// What is kept.
    pub value: Value,
    /// When it was put there.
    pub stored_at: Time,
    /// From when on it is out of date; [`Time::MAX`] for never.
    pub expires_at: Time,
    /// The time to live that it was given; [`Duration::MAX`] for no end.
    pub ttl: Duration,
}

impl Entry {
    pub(crate) fn new(value: Value, now: Time, ttl: Option<Duration>) -> Self {
        let ttl = ttl.unwrap_or(Duration::MAX);
        Self {
            value,
            stored_at: now,
            expires_at: now + ttl,
            ttl,
        }
    }

    /// How long ago it was put there.
    pub const fn age(&self, now: Time) -> Duration {
        now.since(self.stored_at)
    }

    /// Whether its time to live is over.
    pub fn is_expired(&self, now: Time) -> bool {
        now >= self.expires_at && self.ttl != Duration::MAX
    }
}

/// An entry in its place among the others.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Node {
    pub key: u64,
    pub entry: Entry,
    pub links: Links,
    /// What the policy notes: whether it was read (CLOCK, SIEVE), its count's place (LFU), its segment (W-TinyLFU).
    pub mark: u32,
    /// A refresh ahead of its end has been asked for.
    pub refreshing: bool,
}

impl Linked for Node {
    fn links(&self) -> Links {
        self.links
    }

    fn links_mut(&mut self) -> &mut Links {
        &mut self.links
    }
}
