//! Smooth weighted round robin, as nginx has it (Sysoev, `ngx_http_upstream_round_robin.c`, 2012).
//!
//! At each choice every candidate's running value grows by its weight; the greatest is chosen, the first among equals, and
//! pays the sum of all. A weight that failures have lowered is given back one by one.

use super::Load;

/// The one of `slots` whose turn it is.
pub(super) fn choose(loads: &mut [Load], slots: &[u32]) -> Option<u32> {
    choose_if(loads, slots, |_| true)
}

/// The one whose turn it is of those among `slots` that `takes_part`.
#[inline]
pub(super) fn choose_if(
    loads: &mut [Load],
    slots: &[u32],
    takes_part: impl Fn(&Load) -> bool,
) -> Option<u32> {
    let mut total = 0;
    let mut best = None;
    let mut most = i64::MIN;
    for &slot in slots {
        let load = &mut loads[slot as usize];
        if !takes_part(load) {
            continue;
        }
        total += load.look();
        if load.current > most {
            (best, most) = (Some(slot), load.current);
        }
    }
    loads[best? as usize].current -= total;
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_one_one_is_spread_out() {
        let mut loads = [5, 1, 1].map(|weight| Load::new(0, weight));
        let chosen: Vec<u32> = (0..7)
            .map(|_| choose(&mut loads, &[0, 1, 2]).expect("somebody"))
            .collect();
        assert_eq!(chosen, [0, 0, 1, 0, 2, 0, 0]);
        assert!(loads.iter().all(|load| load.current == 0));
        assert_eq!(choose(&mut loads, &[]), None);
    }
}
