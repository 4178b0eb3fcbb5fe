//! Doubly linked lists threaded through a slab of entries, so that moving an entry allocates nothing.

use crate::index::NONE;

/// The two neighbours of a member of a [`List`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Links {
    /// Towards the front.
    pub before: u32,
    /// Towards the back.
    pub after: u32,
}

impl Links {
    /// In no list.
    pub const ALONE: Self = Self {
        before: NONE,
        after: NONE,
    };
}

/// Something that can be a member of a [`List`].
pub(crate) trait Linked {
    fn links(&self) -> Links;
    fn links_mut(&mut self) -> &mut Links;
}

/// The ends of a list whose members know their neighbours.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct List {
    pub front: u32,
    pub back: u32,
    pub len: u32,
}

impl Default for List {
    fn default() -> Self {
        Self {
            front: NONE,
            back: NONE,
            len: 0,
        }
    }
}

impl List {
    pub fn push_front<T: Linked>(&mut self, members: &mut [T], at: u32) {
        *members[at as usize].links_mut() = Links {
            before: NONE,
            after: self.front,
        };
        if self.front == NONE {
            self.back = at;
        } else {
            members[self.front as usize].links_mut().before = at;
        }
        self.front = at;
        self.len += 1;
    }

    pub fn push_back<T: Linked>(&mut self, members: &mut [T], at: u32) {
        *members[at as usize].links_mut() = Links {
            before: self.back,
            after: NONE,
        };
        if self.back == NONE {
            self.front = at;
        } else {
            members[self.back as usize].links_mut().after = at;
        }
        self.back = at;
        self.len += 1;
    }

    /// Puts `at` right before the member `next`.
    pub fn insert_before<T: Linked>(&mut self, members: &mut [T], at: u32, next: u32) {
        let before = members[next as usize].links().before;
        if before == NONE {
            self.push_front(members, at);
            return;
        }
        *members[at as usize].links_mut() = Links {
            before,
            after: next,
        };
        members[before as usize].links_mut().after = at;
        members[next as usize].links_mut().before = at;
        self.len += 1;
    }

    pub fn remove<T: Linked>(&mut self, members: &mut [T], at: u32) {
        let Links { before, after } = members[at as usize].links();
        if before == NONE {
            self.front = after;
        } else {
            members[before as usize].links_mut().after = after;
        }
        if after == NONE {
            self.back = before;
        } else {
            members[after as usize].links_mut().before = before;
        }
        *members[at as usize].links_mut() = Links::ALONE;
        self.len -= 1;
    }

    pub fn move_to_front<T: Linked>(&mut self, members: &mut [T], at: u32) {
        if self.front != at {
            self.remove(members, at);
            self.push_front(members, at);
        }
    }
}

/// A slab of members with a free list: places are reused, the latest freed first.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Pool<T> {
    members: Vec<T>,
    free: Vec<u32>,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self {
            members: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Pool<T> {
    /// A place that holds `member` from now on.
    pub fn add(&mut self, member: T) -> u32 {
        if let Some(at) = self.free.pop() {
            self.members[at as usize] = member;
            at
        } else {
            self.members.push(member);
            // So that giving places back never allocates.
            self.free
                .reserve_exact(self.members.capacity() - self.free.len());
            self.members.len() as u32 - 1
        }
    }

    /// Gives a place back. What it held may still be read until the place is used again.
    pub fn free(&mut self, at: u32) {
        self.free.push(at);
    }

    pub fn clear(&mut self) {
        self.members.clear();
        self.free.clear();
    }

    /// Members that there is memory for.
    #[cfg(test)]
    pub fn room(&self) -> (usize, usize) {
        (self.members.capacity(), self.free.capacity())
    }

    pub fn all_mut(&mut self) -> &mut [T] {
        &mut self.members
    }
}

impl<T> core::ops::Index<u32> for Pool<T> {
    type Output = T;

    fn index(&self, at: u32) -> &T {
        &self.members[at as usize]
    }
}

impl<T> core::ops::IndexMut<u32> for Pool<T> {
    fn index_mut(&mut self, at: u32) -> &mut T {
        &mut self.members[at as usize]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::random::Key;

    impl Linked for Links {
        fn links(&self) -> Links {
            *self
        }

        fn links_mut(&mut self) -> &mut Links {
            self
        }
    }

    #[test]
    fn agrees_with_a_deque_from_both_ends() {
        let mut members = [Links::ALONE; 12];
        let mut list = List::default();
        let mut deque: VecDeque<u32> = VecDeque::new();
        let mut draws = Key::root(5).draws();
        for _ in 0..5_000 {
            let at = draws.below(12);
            let place = deque.iter().position(|&other| other == at);
            match (place, draws.below(3)) {
                (Some(place), 0) => {
                    list.remove(&mut members, at);
                    deque.remove(place);
                }
                (Some(place), _) => {
                    list.move_to_front(&mut members, at);
                    deque.remove(place);
                    deque.push_front(at);
                }
                (None, 0) => {
                    list.push_front(&mut members, at);
                    deque.push_front(at);
                }
                (None, 1) if !deque.is_empty() => {
                    let place = draws.below(deque.len() as u32) as usize;
                    list.insert_before(&mut members, at, deque[place]);
                    deque.insert(place, at);
                }
                (None, _) => {
                    list.push_back(&mut members, at);
                    deque.push_back(at);
                }
            }
            let (mut forward, mut at) = (Vec::new(), list.front);
            while at != NONE {
                forward.push(at);
                at = members[at as usize].after;
            }
            let (mut backward, mut at) = (Vec::new(), list.back);
            while at != NONE {
                backward.insert(0, at);
                at = members[at as usize].before;
            }
            assert_eq!(forward, backward);
            assert!(deque.iter().copied().eq(forward));
            assert_eq!(list.len as usize, deque.len());
        }
    }
}
