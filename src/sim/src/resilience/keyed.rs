//! A value for each of the keys used last: at most so many, the one not used for longest makes room.
//!
//! An index by open addressing with linear probing, whose deletions shift back (Knuth, *The Art of Computer Programming*,
//! volume 3, 6.4, algorithm R), over entries linked in the order of their use. Nothing is allocated once it is full.

/// "None", in links and in the index.
const NONE: u32 = u32::MAX;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Entry<V> {
    key: u64,
    value: V,
    /// The entries used just after and just before this one.
    newer: u32,
    older: u32,
}

/// Values by key, up to a number of keys.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Keyed<V> {
    most: u32,
    entries: Vec<Entry<V>>,
    /// Positions in `entries`; a power of two of places, at most half of them taken.
    index: Vec<u32>,
    newest: u32,
    oldest: u32,
}

impl<V> Keyed<V> {
    /// Room for `most` keys, at least one.
    pub fn new(most: u32) -> Self {
        Self {
            most: most.max(1),
            entries: Vec::new(),
            index: vec![NONE; 8],
            newest: NONE,
            oldest: NONE,
        }
    }

    /// How many keys there is room for.
    pub const fn most(&self) -> u32 {
        self.most
    }

    /// How many keys are remembered.
    pub fn len(&self) -> u32 {
        self.entries.len() as u32
    }

    /// The value of `key`, if it is known; that is no use of it.
    pub fn peek(&self, key: u64) -> Option<&V> {
        let at = self.index[self.place(key)];
        Some(&self.entries.get(at as usize)?.value)
    }

    /// The value of `key`, which thereby becomes the last used; `fresh` if the key is not known.
    pub fn get(&mut self, key: u64, fresh: impl FnOnce() -> V) -> &mut V {
        let mut place = self.place(key);
        let mut at = self.index[place];
        if at == NONE {
            if self.entries.len() < self.most as usize {
                at = self.entries.len() as u32;
                self.entries.push(Entry {
                    key,
                    value: fresh(),
                    newer: NONE,
                    older: NONE,
                });
                if self.entries.len() * 2 > self.index.len() {
                    self.grow();
                } else {
                    self.index[place] = at;
                }
            } else {
                at = self.oldest;
                self.forget(self.place(self.entries[at as usize].key));
                self.unlink(at);
                let entry = &mut self.entries[at as usize];
                (entry.key, entry.value) = (key, fresh());
                // Forgetting may have moved the free place.
                place = self.place(key);
                self.index[place] = at;
            }
            self.link_newest(at);
        } else if at != self.newest {
            self.unlink(at);
            self.link_newest(at);
        }
        &mut self.entries[at as usize].value
    }

    /// Where `key` stands in the index, or the free place where it would.
    fn place(&self, key: u64) -> usize {
        let mut place = self.home(key);
        loop {
            let at = self.index[place];
            if at == NONE || self.entries[at as usize].key == key {
                return place;
            }
            place = (place + 1) & (self.index.len() - 1);
        }
    }

    /// Where `key` would stand if nobody were in its way: Fibonacci hashing, which spreads runs of keys.
    fn home(&self, key: u64) -> usize {
        let bits = self.index.len().trailing_zeros();
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - bits)) as usize
    }

    /// Frees a place of the index and moves back whoever had to pass it.
    fn forget(&mut self, mut hole: usize) {
        let mask = self.index.len() - 1;
        let mut place = hole;
        loop {
            place = (place + 1) & mask;
            let at = self.index[place];
            if at == NONE {
                break;
            }
            let wished = self.home(self.entries[at as usize].key);
            // It may move back if the place it wished for is not between the hole and its own.
            if (place.wrapping_sub(wished) & mask) >= (place.wrapping_sub(hole) & mask) {
                self.index[hole] = at;
                hole = place;
            }
        }
        self.index[hole] = NONE;
    }

    fn grow(&mut self) {
        let places = self.index.len() * 2;
        self.index.clear();
        self.index.resize(places, NONE);
        for at in 0..self.entries.len() {
            let place = self.place(self.entries[at].key);
            self.index[place] = at as u32;
        }
    }

    fn link_newest(&mut self, at: u32) {
        let before = core::mem::replace(&mut self.newest, at);
        let entry = &mut self.entries[at as usize];
        (entry.newer, entry.older) = (NONE, before);
        if before == NONE {
            self.oldest = at;
        } else {
            self.entries[before as usize].newer = at;
        }
    }

    fn unlink(&mut self, at: u32) {
        let (newer, older) = (
            self.entries[at as usize].newer,
            self.entries[at as usize].older,
        );
        if newer == NONE {
            self.newest = older;
        } else {
            self.entries[newer as usize].older = older;
        }
        if older == NONE {
            self.oldest = newer;
        } else {
            self.entries[older as usize].newer = newer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    #[test]
    fn agrees_with_a_list_in_the_order_of_use() {
        for (most, keys) in [(1, 3), (5, 9), (64, 100), (300, 5_000)] {
            let mut keyed = Keyed::new(most);
            // The last used stands last.
            let mut list: Vec<(u64, u64)> = Vec::new();
            for step in 0..20_000 {
                let mut draws = Key::root(u64::from(most)).with(step).draws();
                let key = u64::from(draws.below(keys)) << (step % 2 * 40);
                let value = *keyed.get(key, || step);
                let known = list.iter().position(|(k, _)| *k == key);
                let expected = known.map_or((key, step), |at| list.remove(at));
                assert_eq!(value, expected.1);
                list.push(expected);
                if list.len() > most as usize {
                    list.remove(0);
                }
            }
        }
    }
}
