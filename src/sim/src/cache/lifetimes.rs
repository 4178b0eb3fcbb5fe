//! How long a cache keeps what it holds.
//!
//! Models: a time to live from the moment of storing (Redis `EXPIRE`, memcached, HTTP's `max-age`) or from the last read (a
//! sliding one, as Guava's `expireAfterAccess`); jitter, so that what was stored together does not expire together; a time of
//! its own for "there is no such row" (negative caching, RFC 2308); and asking for a refresh before the end (Caffeine's
//! `refreshAfterWrite`, Varnish's grace). Out of date is found out at the next read: nothing sweeps.

use super::entry::Entry;
use crate::random::Draws;
use crate::time::{Duration, Time};

/// How long entries live, from [`super::Cache`]; no state.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Lifetimes {
    /// The time to live; none for no end.
    pub ttl: Option<Duration>,
    /// How far a single one may be off, as a share of it, 0 to 1: anything between (1 − jitter) and (1 + jitter) times it.
    pub jitter: f64,
    /// Each read renews the time to live.
    pub sliding: bool,
    /// The time to live of "there is no such row"; none for that of all others.
    pub negative: Option<Duration>,
    /// The share of its time to live, 0 to 1, after which a read asks for a refresh.
    pub refresh_ahead: Option<f64>,
}

impl Lifetimes {
    /// The time to live of one entry. Draws once if there is jitter, otherwise not at all.
    pub fn draw(&self, negative: bool, draws: &mut Draws) -> Option<Duration> {
        let mean = match self.negative {
            Some(ttl) if negative => ttl,
            _ => self.ttl?,
        };
        if self.jitter == 0.0 {
            return Some(mean);
        }
        let factor = 1.0 + self.jitter * (2.0 * draws.unit() - 1.0);
        // With a jitter of 1 it could be nothing at all, and an entry would be out of date when it comes.
        Some(Duration::from_secs(mean.secs() * factor).max(Duration::from_nanos(1)))
    }

    /// Whether a read at `now` renews `entry`. "There is no such row" is never renewed: it would stay as long as it is read.
    pub(super) fn renews(&self, entry: &Entry) -> bool {
        self.sliding && !entry.value.negative && entry.ttl != Duration::MAX
    }

    /// Whether a read at `now` should ask for a refresh of `entry`.
    pub(super) fn is_due(&self, entry: &Entry, now: Time) -> bool {
        let Some(share) = self.refresh_ahead else {
            return false;
        };
        entry.ttl != Duration::MAX
            && entry.age(now).nanos() as f64 >= share * entry.ttl.nanos() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    #[test]
    fn jitter_spreads_evenly_around_the_mean() {
        let lifetimes = Lifetimes {
            ttl: Some(Duration::from_secs(60.0)),
            jitter: 0.1,
            ..Lifetimes::default()
        };
        let n = 10_000;
        let drawn: Vec<f64> = (0..n)
            .map(|i| {
                let mut draws = Key::root(1).with(i).draws();
                lifetimes.draw(false, &mut draws).expect("it ends").secs()
            })
            .collect();
        let mean = drawn.iter().sum::<f64>() / n as f64;
        assert!((mean - 60.0).abs() < 0.2, "{mean}");
        let (least, most) = drawn
            .iter()
            .fold((f64::MAX, 0.0_f64), |(a, b), &x| (a.min(x), b.max(x)));
        assert!((54.0..54.1).contains(&least) && most <= 66.0 && most > 65.9);
    }

    #[test]
    fn negative_answers_have_a_time_of_their_own() {
        let mut draws = Key::root(1).draws();
        let lifetimes = Lifetimes {
            negative: Some(Duration::from_secs(5.0)),
            ..Lifetimes::default()
        };
        assert_eq!(lifetimes.draw(false, &mut draws), None);
        assert_eq!(
            lifetimes.draw(true, &mut draws),
            Some(Duration::from_secs(5.0))
        );
    }
}
