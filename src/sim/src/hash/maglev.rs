//! Maglev hashing: a look-up table that nodes fill in turn, each by its own permutation (Eisenbud and others, *Maglev: a fast
//! and reliable software network load balancer*, NSDI 2016, section 3.4). Shares differ by less than 2% if the table is
//! a hundred times as long as the nodes are many; a node that comes or goes moves few keys that need not.

use super::murmur3::murmur3_32;

/// Nobody has this entry yet.
const FREE: u32 = u32::MAX;

/// A look-up table.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Maglev {
    table: Vec<u32>,
}

impl Maglev {
    /// The table of `size` entries, a prime number, for nodes by their names.
    ///
    /// # Panics
    ///
    /// If `size` is not a prime number.
    pub fn new(nodes: &[impl AsRef<str>], size: u32) -> Self {
        let walks: Vec<(u32, u32)> = nodes
            .iter()
            .map(|name| {
                let name = name.as_ref().as_bytes();
                let offset = murmur3_32(name, 0) % size;
                let skip = murmur3_32(name, 1) % (size - 1) + 1;
                (offset, skip)
            })
            .collect();
        Self::of(&walks, size)
    }

    /// The table for nodes by the offset and the skip of their permutations.
    ///
    /// # Panics
    ///
    /// If `size` is not a prime number, so that a walk may not come by every entry.
    pub fn of(walks: &[(u32, u32)], size: u32) -> Self {
        assert!(is_prime(size), "{size} is not a prime number");
        let mut table = vec![FREE; size as usize];
        let mut next: Vec<u64> = walks.iter().map(|(offset, _)| u64::from(*offset)).collect();
        let mut left = if walks.is_empty() { 0 } else { size };
        while left > 0 {
            for (node, (_, skip)) in walks.iter().enumerate() {
                let at = &mut next[node];
                while table[*at as usize] != FREE {
                    *at = (*at + u64::from(*skip)) % u64::from(size);
                }
                table[*at as usize] = node as u32;
                left -= 1;
                if left == 0 {
                    break;
                }
            }
        }
        Self { table }
    }

    /// The node of a key's hash; `None` without nodes.
    pub fn node(&self, hash: u64) -> Option<u32> {
        let node = self.table[(hash % self.table.len() as u64) as usize];
        (node != FREE).then_some(node)
    }

    /// Whose each entry is.
    pub fn table(&self) -> &[u32] {
        &self.table
    }
}

fn is_prime(number: u32) -> bool {
    let divides = |d: u32| number.is_multiple_of(d);
    number >= 2 && !(2..=number.isqrt()).any(divides)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_example() {
        // Table 1 of the paper: seven entries, B0 at 3 by 4, B1 at 0 by 2, B2 at 3 by 1; then without B1.
        assert_eq!(
            Maglev::of(&[(3, 4), (0, 2), (3, 1)], 7).table(),
            [1, 0, 1, 0, 2, 2, 0]
        );
        assert_eq!(
            Maglev::of(&[(3, 4), (3, 1)], 7).table(),
            [0, 0, 0, 0, 1, 1, 1]
        );
        assert_eq!(Maglev::of(&[], 7).node(3), None);
    }

    #[test]
    #[should_panic(expected = "not a prime number")]
    fn the_size_must_be_prime() {
        Maglev::new(&["a"], 8);
    }
}
