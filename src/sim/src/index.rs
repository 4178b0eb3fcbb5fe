//! The table from keys to slots that keyed states share.
//!
//! Open addressing with linear probing; a removal shifts what follows back (Knuth, *The Art of Computer Programming*,
//! volume 3, section 6.4, algorithm R). So there are no tombstones, no rehash from time to time, and no allocation once
//! the table has grown to the number of keys held at once. Its order never shows: nothing can walk over it.

/// "No slot".
pub(crate) const NONE: u32 = u32::MAX;

/// A key's hash, mixed so that keys in a row spread.
pub(crate) const fn mixed(key: u64) -> u64 {
    // The finaliser of SplitMix64.
    let z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One place of the table: half of the key's hash, which tells where it would like to be, and its slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Cell {
    tag: u32,
    slot: u32,
}

const EMPTY: Cell = Cell { tag: 0, slot: NONE };

/// Slots by key. The keys themselves stay with their owner, who is asked for them.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Index {
    /// A power of two of them, or none; at most three quarters are in use.
    cells: Vec<Cell>,
    len: u32,
}

impl Index {
    fn mask(&self) -> usize {
        self.cells.len() - 1
    }

    fn tag(key: u64) -> u32 {
        (mixed(key) >> 32) as u32
    }

    /// Where `key` stands, if it does; `key_of` gives the key at a slot.
    fn find(&self, key: u64, key_of: impl Fn(u32) -> u64) -> Option<usize> {
        if self.len == 0 {
            return None;
        }
        let tag = Self::tag(key);
        let mut at = tag as usize & self.mask();
        loop {
            let cell = self.cells[at];
            if cell.slot == NONE {
                return None;
            }
            if cell.tag == tag && key_of(cell.slot) == key {
                return Some(at);
            }
            at = (at + 1) & self.mask();
        }
    }

    /// The slot of `key`.
    pub fn get(&self, key: u64, key_of: impl Fn(u32) -> u64) -> Option<u32> {
        self.find(key, key_of).map(|at| self.cells[at].slot)
    }

    /// Notes the slot of a `key` that is not in the table.
    pub fn insert(&mut self, key: u64, slot: u32) {
        if (self.len as usize + 1) * 4 > self.cells.len() * 3 {
            self.grow();
        }
        self.place(Cell {
            tag: Self::tag(key),
            slot,
        });
        self.len += 1;
    }

    fn place(&mut self, cell: Cell) {
        let mut at = cell.tag as usize & self.mask();
        while self.cells[at].slot != NONE {
            at = (at + 1) & self.mask();
        }
        self.cells[at] = cell;
    }

    fn grow(&mut self) {
        let size = (self.cells.len() * 2).max(16);
        let before = core::mem::replace(&mut self.cells, vec![EMPTY; size]);
        for cell in before {
            if cell.slot != NONE {
                self.place(cell);
            }
        }
    }

    /// Takes `key` out and gives its slot.
    pub fn remove(&mut self, key: u64, key_of: impl Fn(u32) -> u64) -> Option<u32> {
        let mut hole = self.find(key, key_of)?;
        let slot = self.cells[hole].slot;
        let mask = self.mask();
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let cell = self.cells[at];
            if cell.slot == NONE {
                break;
            }
            // It may move back to the hole unless that lies before the place where it would like to be.
            let wanted = cell.tag as usize & mask;
            if at.wrapping_sub(wanted) & mask >= at.wrapping_sub(hole) & mask {
                self.cells[hole] = cell;
                hole = at;
            }
        }
        self.cells[hole] = EMPTY;
        self.len -= 1;
        Some(slot)
    }

    /// Places in the table.
    #[cfg(test)]
    pub fn room(&self) -> usize {
        self.cells.len()
    }

    /// Forgets all keys and keeps the memory.
    pub fn clear(&mut self) {
        self.cells.fill(EMPTY);
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::random::Key;

    #[test]
    fn agrees_with_a_map_through_insertions_and_removals() {
        let mut index = Index::default();
        let mut keys: Vec<u64> = Vec::new();
        let mut map: BTreeMap<u64, u32> = BTreeMap::new();
        let mut draws = Key::root(3).draws();
        for _ in 0..20_000 {
            let key = u64::from(draws.below(300));
            let found = index.get(key, |slot| keys[slot as usize]);
            assert_eq!(found, map.get(&key).copied());
            if found.is_some() {
                let removed = index.remove(key, |slot| keys[slot as usize]);
                assert_eq!(removed, map.remove(&key));
            } else {
                keys.push(key);
                index.insert(key, keys.len() as u32 - 1);
                map.insert(key, keys.len() as u32 - 1);
            }
            assert_eq!(index.len as usize, map.len());
        }
        assert_eq!(index.cells.len(), 256);
        for (&key, &slot) in &map {
            assert_eq!(index.get(key, |slot| keys[slot as usize]), Some(slot));
        }
        index.clear();
        assert_eq!(index.get(1, |slot| keys[slot as usize]), None);
    }
}
