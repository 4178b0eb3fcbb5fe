//! Rules that say which shard owns a key.
//!
//! Models: a remainder of the key's hash, as twemproxy's `modula` and nginx's `hash` have it; ranges of keys, as `MongoDB` and
//! `HBase` split them; Redis Cluster's 16,384 slots, spread evenly as `redis-cli --cluster create` does and, when shards come
//! or go, moved as `--cluster rebalance` does: from who has too many to who has too few, the lowest first; ketama's ring with
//! so many virtual nodes; jump hashing of the number itself, as Guava's `consistentHash(long, int)`; rendezvous hashing of
//! `<name>-<key>`; and a directory, as a lookup vindex of Vitess, or Citus' tenants that have a shard of their own.
//! Does not model: weights, composite keys, or ranges that split by themselves.

use serde::{Deserialize, Serialize};

use super::map::{self, Shape, ShardMap};
use crate::hash::jump::jump;
use crate::hash::ketama::Ketama;
use crate::hash::modulo::Tries;
use crate::hash::rendezvous::rendezvous;
use crate::hash::slot::{SLOTS, slot};

/// How keys are spread over shards.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Partitioning {
    /// The remainder of the key's CRC-32 by the number of shards.
    Modulo,
    /// The first shard has the keys below the first bound, the next those below the next, the last all others.
    Range {
        /// Keys in rising order, one fewer than there are shards.
        bounds: Vec<u64>,
    },
    /// Redis Cluster's slots: the CRC-16 of the key.
    Slots {
        /// The first slot of each shard after the first, in rising order; evenly if none are given.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bounds: Vec<u16>,
    },
    /// Ketama's ring.
    Ring {
        /// Points of each shard (virtual nodes), 1 to 10,000; 160 if it is not given.
        #[serde(default = "points")]
        points: u32,
    },
    /// Jump consistent hash: shards come and go at the end of the list only.
    Jump,
    /// The shard that scores highest for the key.
    Rendezvous,
    /// A list of keys and their shards. Of stretches that overlap the first counts.
    Directory {
        /// Stretches of keys.
        keys: Vec<Stretch>,
        /// The shard that has all other keys.
        default: String,
    },
}

/// Keys that a directory lists.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Stretch {
    /// The first key.
    pub from: u64,
    /// The last key.
    pub to: u64,
    /// Who has them.
    pub at: String,
}

const fn points() -> u32 {
    crate::hash::ring::POINTS
}

/// A rule at work: it knows shards by their numbers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placement {
    rule: Rule,
    /// The numbers of the shards, in the order of the rule.
    shards: Vec<u16>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Rule {
    Modulo,
    /// From which key on who has them, by place; the first begins at 0.
    Ranges(Vec<(u64, u16)>),
    /// The same, of which some are of a single key.
    Stretches(Vec<(u64, u16)>),
    /// Who has each slot, by place.
    Slots(Vec<u16>),
    Ring(Ketama),
    Jump,
    Rendezvous(Vec<String>),
}

impl Placement {
    /// A rule over shards by their names and numbers. `before` is what it takes the place of: slots that need not move stay.
    pub fn new(
        partitioning: &Partitioning,
        shards: &[(String, u16)],
        before: Option<&Self>,
    ) -> Self {
        let names = || shards.iter().map(|(name, _)| name.as_str());
        let numbers: Vec<u16> = shards.iter().map(|(_, number)| *number).collect();
        let rule = match partitioning {
            Partitioning::Modulo => Rule::Modulo,
            Partitioning::Range { bounds } => {
                let starts = core::iter::once(0).chain(bounds.iter().copied());
                Rule::Ranges(starts.zip(0..).collect())
            }
            Partitioning::Slots { bounds } if bounds.is_empty() => Rule::Slots(match before {
                Some(Self {
                    rule: Rule::Slots(slots),
                    shards: owners,
                }) => rebalanced(slots, owners, &numbers),
                _ => even(numbers.len()),
            }),
            Partitioning::Slots { bounds } => {
                let place = |slot| bounds.partition_point(|bound| *bound <= slot) as u16;
                Rule::Slots((0..SLOTS).map(place).collect())
            }
            Partitioning::Ring { points } => {
                let names: Vec<&str> = names().collect();
                Rule::Ring(Ketama::with_points(&names, *points))
            }
            Partitioning::Jump => Rule::Jump,
            Partitioning::Rendezvous => Rule::Rendezvous(names().map(str::to_owned).collect()),
            Partitioning::Directory { keys, default } => {
                let place = |name: &str| names().position(|own| own == name).unwrap_or(0) as u16;
                Rule::Stretches(listed(keys, default, place))
            }
        };
        Self {
            rule,
            shards: numbers,
        }
    }

    /// The number of the shard that owns `key`.
    pub fn owner(&self, key: u64) -> u16 {
        let count = self.shards.len() as u32;
        let place = match &self.rule {
            Rule::Modulo => {
                let hash = Tries::default().next(Digits::of(key).text());
                hash.checked_rem(count).unwrap_or(0)
            }
            Rule::Ranges(starts) | Rule::Stretches(starts) => {
                let after = starts.partition_point(|(start, _)| *start <= key);
                u32::from(starts[after - 1].1)
            }
            Rule::Slots(owners) => u32::from(owners[usize::from(slot(Digits::of(key).text()))]),
            Rule::Ring(ring) => ring.node(Digits::of(key).text()).unwrap_or(0),
            Rule::Jump => jump(key, count),
            Rule::Rendezvous(names) => {
                rendezvous(names, Digits::of(key).text()).unwrap_or(0) as u32
            }
        };
        self.shards[place as usize]
    }

    /// The rule's space, to be drawn. Ranges are drawn to scale: of `keys` keys if there are so many, else as though the last
    /// were as wide as the others are on average.
    pub fn map(&self, keys: u64) -> ShardMap {
        let owner = |place: u32| self.shards[place as usize];
        match &self.rule {
            Rule::Modulo | Rule::Jump | Rule::Rendezvous(_) => {
                ShardMap::cells(Shape::Cells, &self.shards)
            }
            Rule::Stretches(starts) => {
                let owners: Vec<u16> = starts.iter().map(|(_, at)| owner((*at).into())).collect();
                ShardMap::cells(Shape::Line, &owners)
            }
            Rule::Ranges(starts) => {
                let end = end_of(starts, keys);
                let ends = starts
                    .iter()
                    .skip(1)
                    .map(|(next, _)| scaled(*next, end).saturating_sub(1));
                let ends = ends.chain([u16::MAX]);
                let owners = starts.iter().map(|(_, at)| owner((*at).into()));
                ShardMap {
                    shape: Shape::Line,
                    arcs: ends.zip(owners).collect(),
                }
            }
            Rule::Slots(owners) => {
                let ends = (0..).zip(owners);
                let end = |slot: u64| ((slot + 1) * map::WIDTH / u64::from(SLOTS) - 1) as u16;
                let points = ends.map(|(slot, at)| (end(slot), owner((*at).into())));
                ShardMap::points(Shape::Line, points)
            }
            Rule::Ring(ring) => {
                let ring = ring.ring();
                let points = ring
                    .points()
                    .map(|(point, node)| (high(point), owner(node)));
                let after = ring.node(0).map(|first| (u16::MAX, owner(first)));
                ShardMap::points(Shape::Ring, points.chain(after))
            }
        }
    }

    /// Where `key` lies in that space, of 65,536.
    pub fn place(&self, key: u64, keys: u64) -> u16 {
        let cell = |at: usize, of: usize, part: f64| {
            ((at as f64 + part) / of.max(1) as f64 * map::WIDTH as f64) as u16
        };
        match &self.rule {
            Rule::Modulo | Rule::Jump | Rule::Rendezvous(_) => {
                let owner = self.owner(key);
                let at = self.shards.iter().position(|own| *own == owner);
                cell(at.unwrap_or(0), self.shards.len(), 0.5)
            }
            Rule::Stretches(starts) => {
                let after = starts.partition_point(|(start, _)| *start <= key);
                let from = starts[after - 1].0;
                // The last has no end.
                let part = starts
                    .get(after)
                    .map_or(0.5, |(to, _)| (key - from) as f64 / (to - from) as f64);
                cell(after - 1, starts.len(), part)
            }
            Rule::Ranges(starts) => scaled(key, end_of(starts, keys)),
            Rule::Slots(_) => {
                let slot = slot(Digits::of(key).text());
                (u64::from(slot) * map::WIDTH / u64::from(SLOTS)) as u16
            }
            Rule::Ring(_) => high(Ketama::hash(Digits::of(key).text())),
        }
    }

    /// The numbers of its shards.
    pub fn shards(&self) -> &[u16] {
        &self.shards
    }
}

/// Where the ranges that begin at `starts` end when they are drawn, if there are `keys` keys.
fn end_of(starts: &[(u64, u16)], keys: u64) -> u64 {
    let last = starts.last().map_or(0, |(start, _)| *start);
    let count = starts.len() as u64;
    if keys > last {
        keys
    } else {
        last / (count.saturating_sub(1)).max(1) * count
    }
}

/// Where a key lies of 65,536, of keys up to `end`.
fn scaled(key: u64, end: u64) -> u16 {
    let place = u128::from(key) * u128::from(map::WIDTH) / u128::from(end.max(1));
    place.min(u128::from(u16::MAX)) as u16
}

/// The upper half of a hash.
const fn high(hash: u32) -> u16 {
    (hash >> 16) as u16
}

/// A number's decimal digits.
struct Digits {
    text: [u8; 20],
    start: usize,
}

impl Digits {
    fn of(number: u64) -> Self {
        let mut digits = Self {
            text: [b'0'; 20],
            start: 20,
        };
        let mut rest = number;
        while rest > 0 || digits.start == 20 {
            digits.start -= 1;
            digits.text[digits.start] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        digits
    }

    fn text(&self) -> &[u8] {
        &self.text[self.start..]
    }
}

/// Slots in equal parts, one after the other, with `redis-cli`'s rounding.
fn even(count: usize) -> Vec<u16> {
    let each = f64::from(SLOTS) / count.max(1) as f64;
    let mut slots = vec![0; usize::from(SLOTS)];
    let mut first = 0;
    for place in 0..count {
        let last = if place + 1 == count {
            usize::from(SLOTS) - 1
        } else {
            libm::round(place as f64 * each + each - 1.0) as usize
        };
        slots[first..=last].fill(place as u16);
        first = last + 1;
    }
    slots
}

/// The slots of `owners` over the shards `numbers`: only what somebody has too much of moves.
fn rebalanced(slots: &[u16], owners: &[u16], numbers: &[u16]) -> Vec<u16> {
    let count = numbers.len().max(1);
    let part = |place| {
        let more = place < usize::from(SLOTS) % count;
        usize::from(SLOTS) / count + usize::from(more)
    };
    let place = |old: &u16| {
        let number = owners[usize::from(*old)];
        numbers.iter().position(|own| *own == number)
    };
    let mut has = vec![0; count];
    for at in slots.iter().filter_map(place) {
        has[at] += 1;
    }
    let mut receiver = 0;
    let moved = slots.iter().map(|old| {
        if let Some(at) = place(old)
            && has[at] <= part(at)
        {
            return at as u16;
        }
        while receiver + 1 < count && has[receiver] >= part(receiver) {
            receiver += 1;
        }
        if let Some(at) = place(old) {
            has[at] -= 1;
        }
        has[receiver] += 1;
        receiver as u16
    });
    moved.collect()
}

/// A directory's stretches without overlaps, in order.
fn listed(keys: &[Stretch], default: &str, place: impl Fn(&str) -> u16) -> Vec<(u64, u16)> {
    let ends = keys.iter().filter_map(|stretch| stretch.to.checked_add(1));
    let mut starts: Vec<u64> = keys
        .iter()
        .map(|stretch| stretch.from)
        .chain(ends)
        .collect();
    starts.push(0);
    starts.sort_unstable();
    starts.dedup();
    let owner = |start: u64| {
        let found = keys.iter().find(|s| (s.from..=s.to).contains(&start));
        place(found.map_or(default, |stretch| stretch.at.as_str()))
    };
    starts
        .into_iter()
        .map(|start| (start, owner(start)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shards(count: u16) -> Vec<(String, u16)> {
        (0..count).map(|i| (format!("shard-{i}"), i)).collect()
    }

    fn all() -> [Partitioning; 5] {
        [
            Partitioning::Modulo,
            Partitioning::Slots { bounds: vec![] },
            Partitioning::Ring { points: 1_000 },
            Partitioning::Jump,
            Partitioning::Rendezvous,
        ]
    }

    /// The part of `keys` that moves from one rule to the other, and the part that does though its owner stays.
    fn moved(before: &Placement, after: &Placement, keys: u64) -> (f64, f64) {
        let (mut moved, mut needless) = (0_u32, 0_u32);
        for key in 0..keys {
            let (from, to) = (before.owner(key), after.owner(key));
            let new = !before.shards().contains(&to);
            let gone = !after.shards().contains(&from);
            moved += u32::from(from != to);
            needless += u32::from(from != to && !new && !gone);
        }
        let part = |count| f64::from(count) / keys as f64;
        (part(moved), part(needless))
    }

    #[test]
    fn a_further_shard_takes_what_theory_says() {
        for partitioning in all() {
            for n in [3, 4, 10, 100] {
                let before = Placement::new(&partitioning, &shards(n), None);
                let after = Placement::new(&partitioning, &shards(n + 1), Some(&before));
                let (moved, needless) = moved(&before, &after, 100_000);
                let part = 1.0 / f64::from(n + 1);
                let expected = match partitioning {
                    Partitioning::Modulo => 1.0 - part,
                    _ => part,
                };
                let case = format!("{partitioning:?} {n}: {moved}");
                assert!((moved - expected).abs() < 0.01, "{case}");
                let least = partitioning != Partitioning::Modulo;
                assert!(!least || needless == 0.0, "{case}, {needless} without need");
            }
        }
    }

    #[test]
    fn a_lost_shards_keys_go_to_the_others_and_nothing_else_moves() {
        let partitionings = all();
        for partitioning in &partitionings[1..] {
            let before = Placement::new(partitioning, &shards(5), None);
            let after = Placement::new(partitioning, &shards(4), Some(&before));
            let (moved, needless) = moved(&before, &after, 50_000);
            assert!((moved - 0.2).abs() < 0.01, "{partitioning:?}: {moved}");
            assert!(needless == 0.0, "{partitioning:?}: {needless}");
            let mut counts = [0_u32; 4];
            for key in (0..50_000).filter(|key| before.owner(*key) == 4) {
                counts[usize::from(after.owner(key))] += 1;
            }
            assert!(
                counts.iter().all(|n| *n > 2_000),
                "{partitioning:?}: {counts:?}"
            );
        }
    }

    #[test]
    fn slots_are_spread_as_redis_cli_does() {
        let of = |count| {
            let slots = even(count);
            let starts = slots
                .windows(2)
                .zip(1..)
                .filter(|(pair, _)| pair[0] != pair[1]);
            starts.map(|(_, at)| at).collect::<Vec<u32>>()
        };
        assert!(of(1).is_empty());
        assert_eq!(of(3), [5_461, 10_923]);
        assert_eq!(of(6), [2_731, 5_461, 8_192, 10_923, 13_653]);
        let given = Placement::new(
            &Partitioning::Slots {
                bounds: vec![100, 12_182],
            },
            &shards(3),
            None,
        );
        let Rule::Slots(slots) = &given.rule else {
            panic!("slots")
        };
        assert_eq!(
            (slots[99], slots[100], slots[12_181], slots[12_182]),
            (0, 1, 1, 2)
        );
    }

    #[test]
    fn a_ranges_bound_belongs_to_the_next_and_the_first_of_a_directory_counts() {
        let range = Partitioning::Range {
            bounds: vec![10, 20],
        };
        let range = Placement::new(&range, &shards(3), None);
        assert_eq!(
            [0, 9, 10, 19, 20, u64::MAX].map(|key| range.owner(key)),
            [0, 0, 1, 1, 2, 2]
        );
        let stretch = |from, to, at: &str| Stretch {
            from,
            to,
            at: at.to_owned(),
        };
        let directory = Partitioning::Directory {
            keys: vec![
                stretch(7, 7, "shard-2"),
                stretch(5, 9, "shard-1"),
                stretch(8, u64::MAX, "shard-2"),
            ],
            default: "shard-0".to_owned(),
        };
        let directory = Placement::new(&directory, &shards(3), None);
        let owners = [0, 4, 5, 7, 8, 9, 10, u64::MAX].map(|key| directory.owner(key));
        assert_eq!(owners, [0, 0, 1, 2, 1, 1, 2, 2]);
    }

    #[test]
    fn a_key_lies_on_an_arc_of_its_owner() {
        let range = Partitioning::Range {
            bounds: vec![100, 5_000, 20_000],
        };
        let points = Partitioning::Ring { points: 8 };
        for partitioning in all().into_iter().chain([range, points]) {
            let placement = Placement::new(&partitioning, &shards(4), None);
            let map = placement.map(30_000);
            assert_eq!(map.arcs.last().map(|(end, _)| *end), Some(u16::MAX));
            assert!(map.arcs.is_sorted_by_key(|arc| arc.0), "{partitioning:?}");
            // Of 32 bits 16 are drawn: next to a point a key may seem to lie on its other side.
            let off = (0..20_000_u64).filter(|key| {
                map.owner(placement.place(*key, 30_000)) != Some(placement.owner(*key))
            });
            let off = off.count();
            let most = match partitioning {
                Partitioning::Ring { points: 1_000 } => 20_000 / 12,
                Partitioning::Ring { .. } => 20,
                _ => 0,
            };
            assert!(off <= most, "{partitioning:?}: {off}");
        }
    }

    #[test]
    fn digits_are_those_that_are_written() {
        for number in [0, 7, 10, 1_234_567_890, u64::MAX] {
            assert_eq!(Digits::of(number).text(), number.to_string().as_bytes());
        }
    }
}
