//! Least connections, as nginx's `least_conn` has it (`ngx_http_upstream_least_conn_module.c`): the fewest open requests
//! for the weight; among equals, smooth weighted round robin among those equals only.

use super::{Load, smooth};

/// The least busy of `slots`.
pub(super) fn choose(loads: &mut [Load], slots: &[u32]) -> Option<u32> {
    let mut best = *slots.first()?;
    let mut many = false;
    for &slot in &slots[1..] {
        let (a, b) = ratios(&loads[slot as usize], &loads[best as usize]);
        if a < b {
            (best, many) = (slot, false);
        } else {
            many |= a == b;
        }
    }
    if !many {
        return Some(best);
    }
    let least = loads[best as usize];
    smooth::choose_if(loads, slots, |load| {
        let (a, b) = ratios(load, &least);
        a == b
    })
}

/// Who has the fewest open requests, kept up to date from one choice to the next, so that none has to look at all members.
/// For a few members of equal weight that can all be had: the usual case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Fewest {
    /// Nobody has fewer.
    open: u32,
    /// A bit for each place in the order of members that has as many.
    places: u64,
}

impl Fewest {
    /// As many members as can be kept.
    pub const MEMBERS: usize = u64::BITS as usize;

    /// Looks at all members: `slots` in the order of their places.
    pub fn of(loads: &[Load], slots: &[u32]) -> Self {
        let open = |slot: &u32| loads[*slot as usize].open;
        let least = slots.iter().map(open).min().unwrap_or(0);
        let bits = slots.iter().enumerate();
        Self {
            open: least,
            places: bits.fold(0, |bits, (place, slot)| {
                bits | (u64::from(open(slot) == least) << place)
            }),
        }
    }

    /// A member has one more than it had.
    pub fn opened(&mut self, load: &Load) {
        if let Some(bit) = 1_u64.checked_shl(load.place) {
            self.places &= !bit;
        }
    }

    /// A member has one fewer than it had.
    pub fn ended(&mut self, load: &Load) {
        if load.open <= self.open
            && let Some(bit) = 1_u64.checked_shl(load.place)
        {
            let others = if load.open < self.open {
                0
            } else {
                self.places
            };
            (self.open, self.places) = (load.open, others | bit);
        }
    }

    /// The choice among those who have the fewest.
    pub fn choose(&mut self, loads: &mut [Load], slots: &[u32]) -> Option<u32> {
        if self.places == 0 {
            *self = Self::of(loads, slots);
        }
        let mut equals = self.places;
        let mut best = *slots.get(equals.trailing_zeros() as usize)?;
        if equals.is_power_of_two() {
            return Some(best);
        }
        let (mut most, mut total) = (i64::MIN, 0);
        while equals != 0 {
            let slot = slots[equals.trailing_zeros() as usize];
            equals &= equals - 1;
            let load = &mut loads[slot as usize];
            total += load.look();
            if load.current > most {
                (best, most) = (slot, load.current);
            }
        }
        loads[best as usize].current -= total;
        Some(best)
    }
}

/// The open requests of both for their weights, over one denominator.
pub(super) const fn ratios(a: &Load, b: &Load) -> (u64, u64) {
    (a.open as u64 * b.counted(), b.open as u64 * a.counted())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fewest_for_the_weight() {
        let mut loads = [Load::new(3, 2), Load::new(1, 1), Load::new(5, 5)];
        // 1.5, 1 and 1 for each unit of weight: the two equals share, the heavier first.
        assert_eq!(choose(&mut loads, &[0, 1, 2]), Some(2));
        assert_eq!(
            loads[0].current, 0,
            "who is not among the equals gains nothing"
        );
        loads[1].open = 2;
        assert_eq!(choose(&mut loads, &[0, 1]), Some(0));
        assert_eq!(choose(&mut loads, &[]), None);
    }

    #[test]
    fn keeping_who_has_the_fewest_is_a_short_cut_only() {
        for seed in 0..200_u64 {
            let mut draws = crate::random::Key::root(seed).draws();
            let slots: Vec<u32> = (0..8).collect();
            let mut loads: Vec<Load> = (0..8).map(|_| Load::new(draws.below(3), 4)).collect();
            for (place, load) in loads.iter_mut().enumerate() {
                load.place = place as u32;
            }
            // Failures have lowered some.
            loads[draws.below(8) as usize].effective = 1;
            loads[draws.below(8) as usize].effective = 0;
            let mut same = loads.clone();
            let mut fewest = Fewest::of(&loads, &slots);
            for _ in 0..100 {
                let ends = draws.below(8) as usize;
                if loads[ends].open > 0 && draws.below(2) == 0 {
                    loads[ends].open -= 1;
                    fewest.ended(&loads[ends]);
                    same[ends].open -= 1;
                } else {
                    let chosen = fewest.choose(&mut loads, &slots);
                    assert_eq!(chosen, choose(&mut same, &slots));
                    let chosen = chosen.expect("somebody") as usize;
                    loads[chosen].open += 1;
                    fewest.opened(&loads[chosen]);
                    same[chosen].open += 1;
                }
            }
            assert_eq!(loads, same);
        }
    }
}
