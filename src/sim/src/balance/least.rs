//! Least connections, as nginx's `least_conn` has it (`ngx_http_upstream_least_conn_module.c`): the fewest open requests
//! for the weight; among equals, smooth weighted round robin among those equals only.

use super::{Load, smooth};

/// The least busy of `slots`. `even` says that all of them have the same weight.
pub(super) fn choose(loads: &mut [Load], slots: &[u32], even: bool) -> Option<u32> {
    let mut least = &loads[*slots.first()? as usize];
    let mut best = slots[0];
    let mut many = false;
    for &slot in &slots[1..] {
        let load = &loads[slot as usize];
        let (a, b) = if even {
            (u64::from(load.open), u64::from(least.open))
        } else {
            ratios(load, least)
        };
        if a < b {
            (least, best, many) = (load, slot, false);
        } else {
            many |= a == b;
        }
    }
    if !many {
        return Some(best);
    }
    let least = *least;
    if even {
        smooth::choose_if(loads, slots, |load| load.open == least.open)
    } else {
        smooth::choose_if(loads, slots, |load| {
            let (a, b) = ratios(load, &least);
            a == b
        })
    }
}

/// The open requests of both for their weights, over one denominator.
pub(super) const fn ratios(a: &Load, b: &Load) -> (u64, u64) {
    (a.open as u64 * b.counted(), b.open as u64 * a.counted())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::slow_start::FULL;

    fn load(open: u32, weight: u32) -> Load {
        Load {
            open,
            weight,
            effective: weight,
            share: FULL,
            current: 0,
        }
    }

    #[test]
    fn the_fewest_for_the_weight() {
        let mut loads = [load(3, 2), load(1, 1), load(5, 5)];
        // 1.5, 1 and 1 for each unit of weight: the two equals share, the heavier first.
        assert_eq!(choose(&mut loads, &[0, 1, 2], false), Some(2));
        assert_eq!(
            loads[0].current, 0,
            "who is not among the equals gains nothing"
        );
        loads[1].open = 2;
        assert_eq!(choose(&mut loads, &[0, 1], false), Some(0));
        assert_eq!(choose(&mut loads, &[], true), None);
    }

    #[test]
    fn equal_weights_are_a_short_cut_only() {
        for seed in 0..200_u64 {
            let mut draws = crate::random::Key::root(seed).draws();
            let mut loads: Vec<Load> = (0..8).map(|_| load(draws.below(3), 4)).collect();
            let mut same = loads.clone();
            let slots: Vec<u32> = (0..8).collect();
            for _ in 0..20 {
                let chosen = choose(&mut loads, &slots, true);
                assert_eq!(chosen, choose(&mut same, &slots, false));
                loads[chosen.expect("somebody") as usize].open += 1;
                same[chosen.expect("somebody") as usize].open += 1;
            }
            assert_eq!(loads, same);
        }
    }
}
