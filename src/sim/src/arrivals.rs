//! Arrival processes: when a client's next request comes.

use std::sync::Arc;

use crate::component::{Arrivals, LogFormat};
use crate::distribution::Sampler;
use crate::random::Key;
use crate::time::{Duration, Time};

/// A compiled arrival process.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Arriving {
    Poisson {
        rate_per_s: f64,
    },
    Constant {
        rate_per_s: f64,
    },
    Ramp {
        from_per_s: f64,
        to_per_s: f64,
        over_s: f64,
    },
    Closed {
        users: u32,
        think_time: Sampler,
    },
    Replayed(Arc<[Time]>),
}

impl Arriving {
    /// Compiles an arrival process; `replayed` reads the file of a replay.
    pub fn new<E>(
        arrivals: &Arrivals,
        replayed: impl FnOnce(&str, LogFormat) -> Result<Arc<[Time]>, E>,
    ) -> Result<Self, E> {
        Ok(match arrivals {
            Arrivals::Poisson { rate_per_s } => Self::Poisson {
                rate_per_s: *rate_per_s,
            },
            Arrivals::Constant { rate_per_s } => Self::Constant {
                rate_per_s: *rate_per_s,
            },
            Arrivals::Ramp {
                from_per_s,
                to_per_s,
                over_s,
            } => Self::Ramp {
                from_per_s: *from_per_s,
                to_per_s: *to_per_s,
                over_s: *over_s,
            },
            Arrivals::Closed { users, think_time } => Self::Closed {
                users: *users,
                think_time: Sampler::new(think_time),
            },
            Arrivals::Replay { file, format } => Self::Replayed(replayed(file, *format)?),
        })
    }

    /// When the open-loop request number `number` comes, if the one before came at `last`; `None` if none comes any more.
    ///
    /// `key` belongs to this client's arrivals: the n-th arrival of a client is drawn from its own key, whatever happened before.
    pub fn after(&self, last: Time, number: u64, key: Key) -> Option<Time> {
        // Standard exponential: the n-th gap of a Poisson process of rate 1.
        let gap = || -libm::log(key.with(number).draws().unit());
        match self {
            Self::Poisson { rate_per_s } if *rate_per_s > 0.0 => {
                Some(last + Duration::from_secs(gap() / rate_per_s))
            }
            Self::Constant { rate_per_s } if *rate_per_s > 0.0 => {
                Some(last + Duration::from_secs(1.0 / rate_per_s))
            }
            Self::Poisson { .. } | Self::Constant { .. } | Self::Closed { .. } => None,
            Self::Ramp {
                from_per_s,
                to_per_s,
                over_s,
            } => ramp(*from_per_s, *to_per_s, *over_s, last.secs(), gap()).map(Time::from_secs),
            Self::Replayed(times) => times.get(usize::try_from(number).ok()?).copied(),
        }
    }
}

/// The moment by which a rate that goes from `from` to `to` over `over` seconds, and stays, has added `gap` since `last`.
fn ramp(from: f64, to: f64, over: f64, last: f64, gap: f64) -> Option<f64> {
    let slope = (to - from) / over;
    let mut start = last;
    let mut left = gap;
    if start < over {
        let rate = from + slope * start;
        let until_end = f64::midpoint(rate, to) * (over - start);
        if left <= until_end {
            // rate·x + slope·x²/2 = left, in the form that stays exact as the slope goes to zero.
            let root = libm::sqrt((rate * rate + 2.0 * slope * left).max(0.0));
            return Some(start + 2.0 * left / (rate + root));
        }
        left -= until_end;
        start = over;
    }
    (to > 0.0).then(|| start + left / to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(arriving: &Arriving, until_s: f64) -> Vec<f64> {
        let key = Key::root(3).named("users");
        let mut last = Time::ZERO;
        let mut out = Vec::new();
        for number in 0.. {
            match arriving.after(last, number, key) {
                Some(time) if time.secs() <= until_s => {
                    last = time;
                    out.push(time.secs());
                }
                _ => break,
            }
        }
        out
    }

    #[test]
    fn constant_arrivals_are_evenly_spaced() {
        assert_eq!(
            times(&Arriving::Constant { rate_per_s: 4.0 }, 1.0),
            [0.25, 0.5, 0.75, 1.0]
        );
    }

    #[test]
    fn no_rate_no_arrivals() {
        assert!(times(&Arriving::Constant { rate_per_s: 0.0 }, 1.0).is_empty());
        assert!(times(&Arriving::Poisson { rate_per_s: 0.0 }, 1.0).is_empty());
    }

    #[test]
    fn a_ramp_has_the_expected_count_in_each_half() {
        // 0 to 2000/s over 10 s: 2,500 expected in the first five seconds, 7,500 in the next, 2,000 a second after.
        let ramp = Arriving::Ramp {
            from_per_s: 0.0,
            to_per_s: 2000.0,
            over_s: 10.0,
        };
        let all = times(&ramp, 15.0);
        let count =
            |from: f64, to: f64| all.iter().filter(|t| **t > from && **t <= to).count() as f64;
        // Five standard deviations of a Poisson count.
        for (from, to, expected) in [
            (0.0, 5.0, 2500.0_f64),
            (5.0, 10.0, 7500.0),
            (10.0, 15.0, 10000.0),
        ] {
            assert!(
                (count(from, to) - expected).abs() < 5.0 * expected.sqrt(),
                "{}",
                count(from, to)
            );
        }
    }

    #[test]
    fn a_ramp_down_to_nothing_ends() {
        let ramp = Arriving::Ramp {
            from_per_s: 100.0,
            to_per_s: 0.0,
            over_s: 2.0,
        };
        let all = times(&ramp, 1e6);
        assert!(
            all.len() > 50 && all.len() < 150 && *all.last().expect("some") <= 2.0,
            "{}",
            all.len()
        );
    }
}
