//! Writes that a cache has answered and the store behind has not seen yet.
//!
//! Models: write-behind as in Hazelcast's `MapStore` or Ehcache: dirty keys in the order in which they first became so;
//! several writes of one key become one (coalescing); they go out in batches; what is here when the cache crashes is lost.
//! Does not model: the time between batches, which is the caller's; a log on disk, with which nothing would be lost.

use crate::index::{Index, NONE};
use crate::list::{Linked, Links, List, Pool};
use crate::time::Time;

/// A key that was written and is not in the store behind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Dirty {
    /// The key.
    pub key: u64,
    /// The latest version.
    pub version: u64,
    /// Its size.
    pub bytes: u32,
    /// When the first of the writes came.
    pub since: Time,
    /// How many writes became this one.
    pub writes: u32,
    /// How often it has been sent in vain.
    pub failures: u32,
    /// Which write of the cache the latest was, in the order in which they came.
    pub number: u64,
}

/// What became of a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Written {
    /// The key is dirty now.
    New,
    /// It was dirty before: the writes go out as one.
    Coalesced,
    /// There is no room for another dirty key: the write has to go to the store behind at once, or wait.
    Full,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Place {
    dirty: Dirty,
    links: Links,
}

impl Linked for Place {
    fn links(&self) -> Links {
        self.links
    }

    fn links_mut(&mut self) -> &mut Links {
        &mut self.links
    }
}

/// The dirty keys of a cache, in the order in which they became so.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct WriteBehind {
    places: Pool<Place>,
    index: Index,
    /// The oldest in front.
    order: List,
    bound: u32,
    /// How many writes there have been.
    noted: u64,
}

impl WriteBehind {
    /// No dirty keys yet, and never more than `bound`.
    pub fn new(bound: u32) -> Self {
        Self {
            places: Pool::default(),
            index: Index::default(),
            order: List::default(),
            bound,
            noted: 0,
        }
    }

    /// How many keys are dirty.
    pub const fn len(&self) -> u32 {
        self.order.len
    }

    /// Whether the store behind has seen everything.
    pub const fn is_empty(&self) -> bool {
        self.order.len == 0
    }

    fn find(&self, key: u64) -> Option<u32> {
        self.index.get(key, |at| self.places[at].dirty.key)
    }

    /// What is kept for `key`.
    pub fn get(&self, key: u64) -> Option<Dirty> {
        self.find(key).map(|at| self.places[at].dirty)
    }

    /// Notes a write.
    pub fn write(&mut self, key: u64, version: u64, bytes: u32, now: Time) -> Written {
        self.noted += 1;
        let number = self.noted;
        if let Some(at) = self.find(key) {
            let dirty = &mut self.places[at].dirty;
            dirty.number = number;
            dirty.version = version;
            dirty.bytes = bytes;
            dirty.writes = dirty.writes.saturating_add(1);
            return Written::Coalesced;
        }
        if self.order.len >= self.bound {
            return Written::Full;
        }
        let at = self.add(Dirty {
            key,
            version,
            bytes,
            since: now,
            writes: 1,
            failures: 0,
            number,
        });
        self.order.push_back(self.places.all_mut(), at);
        Written::New
    }

    fn add(&mut self, dirty: Dirty) -> u32 {
        let at = self.places.add(Place {
            dirty,
            links: Links::ALONE,
        });
        self.index.insert(dirty.key, at);
        at
    }

    /// Takes out the key that has been dirty longest, to be sent to the store behind. A batch is so many calls.
    pub fn take(&mut self) -> Option<Dirty> {
        let at = self.order.front;
        if at == NONE {
            return None;
        }
        let dirty = self.places[at].dirty;
        self.order.remove(self.places.all_mut(), at);
        self.index.remove(dirty.key, |at| self.places[at].dirty.key);
        self.places.free(at);
        Some(dirty)
    }

    /// Puts back, first in line, what was taken out and could not be sent; a write that came since takes it over, be that
    /// still here or put back before. It always
    /// finds room: what was answered must not be dropped.
    pub fn put_back(&mut self, mut dirty: Dirty) {
        dirty.failures = dirty.failures.saturating_add(1);
        if let Some(at) = self.find(dirty.key) {
            let here = &mut self.places[at].dirty;
            let (since, writes) = (here.since.min(dirty.since), here.writes);
            if dirty.number > here.number {
                *here = dirty;
            }
            here.since = since;
            here.writes = writes.saturating_add(dirty.writes);
            self.order.remove(self.places.all_mut(), at);
            self.order.push_front(self.places.all_mut(), at);
        } else {
            let at = self.add(dirty);
            self.order.push_front(self.places.all_mut(), at);
        }
    }

    /// When the key that has been dirty longest became so.
    pub fn oldest(&self) -> Option<Time> {
        self.items().next().map(|dirty| dirty.since)
    }

    /// The dirty keys, the first to go out first: to be shown, or counted before [`WriteBehind::lose`].
    pub fn items(&self) -> impl Iterator<Item = Dirty> {
        let mut at = self.order.front;
        core::iter::from_fn(move || {
            if at == NONE {
                return None;
            }
            let place = &self.places[at];
            at = place.links.after;
            Some(place.dirty)
        })
    }

    /// A crash: forgets every dirty key, and tells of each to `lost`. Gives how many keys that were.
    pub fn lose(&mut self, mut lost: impl FnMut(Dirty)) -> u32 {
        self.items().for_each(&mut lost);
        let keys = self.order.len;
        self.places.clear();
        self.index.clear();
        self.order = List::default();
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: f64) -> Time {
        Time::from_secs(secs)
    }

    #[test]
    fn writes_of_one_key_go_out_as_one_in_the_order_of_the_first() {
        let mut buffer = WriteBehind::new(10);
        assert_eq!(buffer.write(7, 1, 100, at(1.0)), Written::New);
        assert_eq!(buffer.write(8, 2, 100, at(2.0)), Written::New);
        assert_eq!(buffer.write(7, 3, 50, at(3.0)), Written::Coalesced);
        assert_eq!((buffer.len(), buffer.oldest()), (2, Some(at(1.0))));
        let first = buffer.take().expect("two are dirty");
        assert_eq!((first.key, first.version, first.writes), (7, 3, 2));
        assert_eq!((first.bytes, first.since), (50, at(1.0)));
        assert_eq!(buffer.take().map(|dirty| dirty.key), Some(8));
        assert_eq!(buffer.take(), None);
    }

    #[test]
    fn a_full_buffer_takes_no_other_key() {
        let mut buffer = WriteBehind::new(1);
        buffer.write(1, 1, 1, at(0.0));
        assert_eq!(buffer.write(2, 1, 1, at(0.0)), Written::Full);
        assert_eq!(buffer.write(1, 2, 1, at(0.0)), Written::Coalesced);
    }

    #[test]
    fn what_could_not_be_sent_comes_first_again_unless_written_since() {
        let mut buffer = WriteBehind::new(2);
        buffer.write(1, 1, 1, at(0.0));
        buffer.write(2, 1, 1, at(1.0));
        let (one, two) = (buffer.take().expect("one"), buffer.take().expect("two"));
        buffer.write(3, 1, 1, at(2.0));
        buffer.write(2, 5, 1, at(3.0));
        buffer.put_back(two);
        buffer.put_back(one);
        let keys: Vec<(u64, u64, u32)> = buffer
            .items()
            .map(|dirty| (dirty.key, dirty.version, dirty.writes))
            .collect();
        assert_eq!(keys, [(1, 1, 1), (2, 5, 2), (3, 1, 1)]);
    }

    #[test]
    fn the_later_of_two_that_could_not_be_sent_stays() {
        for swapped in [false, true] {
            let mut buffer = WriteBehind::new(2);
            buffer.write(1, 7, 1, at(0.0));
            let first = buffer.take().expect("one");
            // Versions are names, and may be in any order.
            buffer.write(1, 5, 1, at(1.0));
            let second = buffer.take().expect("another");
            let (one, other) = if swapped {
                (second, first)
            } else {
                (first, second)
            };
            buffer.put_back(one);
            buffer.put_back(other);
            let kept = buffer.take().expect("they are one");
            assert_eq!((kept.version, kept.writes, kept.since), (5, 2, at(0.0)));
            assert!(buffer.is_empty());
        }
    }

    #[test]
    fn a_crash_loses_what_was_answered_and_not_sent() {
        let mut buffer = WriteBehind::new(10);
        for key in 0..5 {
            buffer.write(key, 1, 1, at(0.0));
            buffer.write(key, 2, 1, at(0.0));
        }
        buffer.take();
        let mut lost = Vec::new();
        assert_eq!(buffer.lose(|dirty| lost.push((dirty.key, dirty.writes))), 4);
        assert_eq!(lost, [(1, 2), (2, 2), (3, 2), (4, 2)]);
        assert!(buffer.is_empty() && buffer.get(1).is_none());
    }
}
