//! Choices by lot: one at random, or the best of a few different ones (Mitzenmacher, *The power of two choices in
//! randomized load balancing*, IEEE Transactions on Parallel and Distributed Systems, 2001).

use super::Load;
use crate::limits::CHOICES;
use crate::random::Draws;

/// One of `slots`, each as likely as the others.
pub(super) fn any(slots: &[u32], draws: &mut Draws) -> Option<u32> {
    if slots.is_empty() {
        return None;
    }
    Some(slots[draws.below(slots.len() as u32) as usize])
}

/// One of `slots`, each as likely as its weight says.
pub(super) fn by_weight(loads: &[Load], slots: &[u32], draws: &mut Draws) -> Option<u32> {
    let counted = |slot: &u32| loads[*slot as usize].counted();
    let total: u64 = slots.iter().map(counted).sum();
    // Members, weights and shares are capped so that their product fits: see `limits`.
    let mut left = u64::from(draws.below(u32::try_from(total).unwrap_or(u32::MAX)));
    for slot in slots {
        let weight = counted(slot);
        if left < weight {
            return Some(*slot);
        }
        left -= weight;
    }
    slots.last().copied()
}

/// The best of `d` different ones of `slots`, each set as likely as the others; the first drawn among equals.
pub(super) fn best_of(
    d: u32,
    slots: &[u32],
    draws: &mut Draws,
    mut better: impl FnMut(u32, u32) -> bool,
) -> Option<u32> {
    let count = slots.len() as u32;
    let d = d.min(count).min(CHOICES) as usize;
    // The places drawn so far, in rising order.
    let mut taken = [0_u32; CHOICES as usize];
    let mut best = None;
    for drawn in 0..d {
        let mut at = draws.below(count - drawn as u32);
        let mut place = 0;
        // The draw is among those not taken: step over each taken one before it.
        while place < drawn && taken[place] <= at {
            at += 1;
            place += 1;
        }
        taken.copy_within(place..drawn, place + 1);
        taken[place] = at;
        let slot = slots[at as usize];
        if best.is_none_or(|best| better(slot, best)) {
            best = Some(slot);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    fn counts(n: usize, mut choose: impl FnMut(&mut Draws) -> Option<u32>) -> Vec<u32> {
        let mut counts = vec![0; n];
        for i in 0..60_000 {
            let mut draws = Key::root(3).with(i).draws();
            counts[choose(&mut draws).expect("somebody") as usize] += 1;
        }
        counts
    }

    /// Within five standard deviations of a binomial count.
    fn about(counts: &[u32], parts: &[f64]) {
        for (count, part) in counts.iter().zip(parts) {
            let (mean, sd) = (6e4 * part, (6e4 * part * (1.0 - part)).sqrt());
            assert!((f64::from(*count) - mean).abs() <= 5.0 * sd, "{counts:?}");
        }
    }

    #[test]
    fn one_at_random_is_any_alike_or_by_weight() {
        about(&counts(4, |draws| any(&[0, 1, 2, 3], draws)), &[0.25; 4]);
        let loads = [5, 1, 4].map(|weight| Load::new(0, weight));
        about(
            &counts(3, |draws| by_weight(&loads, &[0, 1, 2], draws)),
            &[0.5, 0.1, 0.4],
        );
        let mut draws = Key::root(1).draws();
        assert_eq!(any(&[], &mut draws), None);
        assert_eq!(by_weight(&loads, &[], &mut draws), None);
    }

    #[test]
    fn the_best_of_d_different_ones_is_the_kth_as_often_as_it_should_be() {
        // With the smallest number best, member k of n is chosen if it is drawn and nobody before it is.
        let slots = [0, 1, 2, 3, 4];
        let of = |d| counts(5, |draws| best_of(d, &slots, draws, |a, b| a < b));
        about(&of(1), &[0.2; 5]);
        about(&of(2), &[0.4, 0.3, 0.2, 0.1, 0.0]);
        about(&of(3), &[0.6, 0.3, 0.1, 0.0, 0.0]);
        about(&of(9), &[1.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn each_order_of_two_is_as_likely_as_the_others() {
        // Nobody is better than the first drawn, so that the first of each pair is seen; then the second.
        let slots = [0, 1, 2];
        about(
            &counts(3, |d| best_of(2, &slots, d, |_, _| false)),
            &[1.0 / 3.0; 3],
        );
        about(
            &counts(3, |d| best_of(2, &slots, d, |_, _| true)),
            &[1.0 / 3.0; 3],
        );
    }
}
