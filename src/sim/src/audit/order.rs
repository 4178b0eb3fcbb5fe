//! In which order the requests of each key were done.

use crate::index::Index;

#[derive(Clone, Debug)]
struct Latest {
    key: u64,
    /// Of all requests that were done for the key, the one that was sent last.
    request: u64,
}

/// The latest request of each key; of so many keys as there is room for, the ones that came last.
#[derive(Clone, Debug)]
pub(super) struct Order {
    index: Index,
    keys: Vec<Latest>,
    most: u32,
    /// Where the next key goes when there is no more room.
    next: u32,
}

impl Order {
    pub fn new(most: u32) -> Self {
        Self {
            index: Index::default(),
            keys: Vec::new(),
            most: most.max(1),
            next: 0,
        }
    }

    /// A request of a key has been done. If one that was sent later was done before, tells which.
    pub fn done(&mut self, key: u64, request: u64) -> Option<u64> {
        let keys = &self.keys;
        if let Some(at) = self.index.get(key, |at| keys[at as usize].key) {
            let latest = &mut self.keys[at as usize];
            if request < latest.request {
                return Some(latest.request);
            }
            latest.request = request;
            return None;
        }
        let latest = Latest { key, request };
        if self.keys.len() < self.most as usize {
            self.index.insert(key, self.keys.len() as u32);
            self.keys.push(latest);
            return None;
        }
        let at = self.next;
        self.next = (at + 1) % self.most;
        let before = keys[at as usize].key;
        self.index.remove(before, |at| keys[at as usize].key);
        self.index.insert(key, at);
        self.keys[at as usize] = latest;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_after_a_later_one_of_its_key_is_found() {
        let mut order = Order::new(10);
        assert_eq!(order.done(1, 5), None);
        assert_eq!(order.done(2, 3), None);
        assert_eq!(order.done(1, 4), Some(5));
        assert_eq!(order.done(1, 5), None);
        assert_eq!(order.done(1, 6), None);
        assert_eq!(order.done(2, 2), Some(3));
    }

    #[test]
    fn beyond_its_room_the_oldest_keys_are_forgotten() {
        let mut order = Order::new(2);
        for key in 0..5 {
            assert_eq!(order.done(key, 10 + key), None);
        }
        assert_eq!(order.keys.len(), 2);
        assert_eq!((order.done(4, 1), order.done(3, 1)), (Some(14), Some(13)));
        assert_eq!(order.done(0, 1), None);
    }
}
