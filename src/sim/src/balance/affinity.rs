//! Sticky sessions: a user, or a key, stays with the member that it had first.
//!
//! A table of the balancer, as `HAProxy`'s `stick-table`: it holds so many and forgets the oldest first. Whoever's member
//! cannot be had gets another, and stays there.
//! Does not model: a stick that expires by time, or a cookie that the user drops.

use core::hash::{Hash, Hasher};

use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

use crate::random::Key;

/// Who stays with a member.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Sticky {
    /// Each user.
    User,
    /// Each key.
    Key,
}

/// Who stays where.
#[derive(Clone, Debug, Default)]
pub struct Affinities {
    /// In the order in which they came; once there is no more room, round and round from `oldest`.
    entries: Vec<(u64, u32)>,
    oldest: usize,
    /// Places in `entries` by identity.
    places: HashTable<u32>,
}

fn mixed(id: u64) -> u64 {
    Key::root(id).bits()
}

impl Affinities {
    /// Whom `id` stays with.
    pub fn get(&self, id: u64) -> Option<u32> {
        let place = self
            .places
            .find(mixed(id), |place| self.entries[*place as usize].0 == id)?;
        Some(self.entries[*place as usize].1)
    }

    /// From now on `id` stays with `member`. With room for `most` at most, the oldest is forgotten.
    pub fn set(&mut self, id: u64, member: u32, most: usize) {
        let entries = &mut self.entries;
        if let Some(place) = self
            .places
            .find(mixed(id), |place| entries[*place as usize].0 == id)
        {
            entries[*place as usize].1 = member;
            return;
        }
        let place = if entries.len() < most.max(1) {
            entries.push((id, member));
            entries.len() - 1
        } else {
            let place = self.oldest % entries.len();
            self.oldest = place + 1;
            let old = core::mem::replace(&mut entries[place], (id, member)).0;
            if let Ok(gone) = self
                .places
                .find_entry(mixed(old), |at| *at as usize == place)
            {
                gone.remove();
            }
            place
        };
        let entries = &self.entries;
        self.places.insert_unique(mixed(id), place as u32, |place| {
            mixed(entries[*place as usize].0)
        });
    }

    /// How many are known.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody is known.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

// The table of places follows from the entries.
impl PartialEq for Affinities {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries && self.oldest == other.oldest
    }
}

impl Eq for Affinities {}

impl Hash for Affinities {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.entries.hash(state);
        (self.oldest as u64).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut table = Affinities::default();
        for id in 0..5_u64 {
            table.set(id, id as u32 + 10, 3);
        }
        assert_eq!(table.len(), 3);
        let known: Vec<Option<u32>> = (0..5).map(|id| table.get(id)).collect();
        assert_eq!(known, [None, None, Some(12), Some(13), Some(14)]);
        table.set(3, 99, 3);
        assert_eq!((table.get(3), table.len()), (Some(99), 3));
    }

    #[test]
    fn many_come_and_go_in_bounded_room() {
        let mut table = Affinities::default();
        for id in 0..100_000_u64 {
            table.set(id * 7, (id % 5) as u32, 1_000);
        }
        for id in 0..100_000_u64 {
            let known = (id >= 99_000).then_some((id % 5) as u32);
            assert_eq!(table.get(id * 7), known);
        }
        assert!(table.places.capacity() < 4_096);
    }
}
