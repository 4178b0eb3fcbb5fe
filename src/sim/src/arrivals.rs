//! Arrival processes: when a client's next request comes.

use std::sync::Arc;

use crate::component::{Arrivals, BatchSize, LogFormat, ramp, spike};
use crate::distribution::Sampler;
use crate::limits;
use crate::random::{Draws, Key};
use crate::rates::{DailyRate, PiecewiseRate};
use crate::replay::read_moments;
use crate::time::{Duration, Time};

/// A compiled arrival process.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Arriving {
    Poisson { rate_per_s: f64 },
    Constant { rate_per_s: f64 },
    Piecewise(PiecewiseRate),
    Daily(DailyRate),
    OnOff(OnOff),
    Batch { batches_per_s: f64, size: BatchSize },
    Closed { users: u32, think_time: Sampler },
    Replayed { times: Arc<[Time]>, multiplier: f64 },
}

/// What an arrival process must remember besides its last arrival.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct ArrivalState {
    /// Phases begun so far.
    phases: u64,
    /// Whether the present phase is one of bursts.
    on: bool,
    /// When it ends.
    until: Time,
    /// Requests of the present batch still to come.
    batch: u32,
}

impl Arriving {
    /// Compiles an arrival process that was checked; `replayed` reads the file of a replay.
    pub fn new<E>(
        arrivals: &Arrivals,
        replayed: impl FnOnce(&str, LogFormat) -> Result<Arc<[Time]>, E>,
    ) -> Result<Self, E> {
        Ok(match *arrivals {
            Arrivals::Poisson { rate_per_s } => Self::Poisson { rate_per_s },
            Arrivals::Constant { rate_per_s } => Self::Constant { rate_per_s },
            Arrivals::Ramp {
                from_per_s,
                to_per_s,
                over_s,
            } => {
                let points = ramp(from_per_s, to_per_s, over_s);
                Self::Piecewise(PiecewiseRate::new(points.into(), false))
            }
            Arrivals::Spike {
                base_per_s,
                peak_per_s,
                at_s,
                for_s,
            } => {
                let points = spike(base_per_s, peak_per_s, at_s, for_s);
                Self::Piecewise(PiecewiseRate::new(points.into(), false))
            }
            Arrivals::Profile { ref points, repeat } => {
                Self::Piecewise(PiecewiseRate::new(points.clone(), repeat))
            }
            Arrivals::Daily {
                mean_per_s,
                swing,
                period_s,
                peak_at_s,
            } => Self::Daily(DailyRate {
                mean_per_s,
                swing,
                period_s,
                peak_at_s,
            }),
            Arrivals::OnOff {
                rate_on_per_s,
                rate_off_per_s,
                mean_on_s,
                mean_off_s,
            } => Self::OnOff(OnOff {
                rates_per_s: [rate_off_per_s, rate_on_per_s],
                means_s: [mean_off_s, mean_on_s],
            }),
            Arrivals::Batch { rate_per_s, size } => Self::Batch {
                batches_per_s: rate_per_s / size.mean(),
                size,
            },
            Arrivals::Closed {
                users,
                ref think_time,
            } => Self::Closed {
                users,
                think_time: Sampler::new(think_time),
            },
            Arrivals::Replay {
                ref file,
                format,
                multiplier,
            } => Self::Replayed {
                times: replayed(file, format)?,
                multiplier,
            },
            Arrivals::Recording {
                ref times_s,
                multiplier,
            } => Self::Replayed {
                // What was checked can be read.
                times: read_moments(times_s).unwrap_or_default(),
                multiplier,
            },
        })
    }

    /// When the open-loop request number `number` comes, if the one before came at `last`; `None` if none comes any more.
    ///
    /// `key` belongs to this client's arrivals: the n-th arrival of a client is drawn from its own key, whatever happened
    /// before. To be asked once for each arrival, in order, always with the same `state`, new at the start.
    #[inline(always)]
    pub fn after(
        &self,
        state: &mut ArrivalState,
        last: Time,
        number: u64,
        key: Key,
    ) -> Option<Time> {
        match self {
            Self::Poisson { rate_per_s } if *rate_per_s > 0.0 => {
                let mut draws = key.with(number).draws();
                Some(last + Duration::from_secs(gap(&mut draws) / rate_per_s))
            }
            _ => self.after_otherwise(state, last, number, key),
        }
    }

    #[inline(never)]
    fn after_otherwise(
        &self,
        state: &mut ArrivalState,
        last: Time,
        number: u64,
        key: Key,
    ) -> Option<Time> {
        let mut draws = key.with(number).draws();
        let time = match self {
            Self::Constant { rate_per_s } if *rate_per_s > 0.0 => {
                last + Duration::from_secs(1.0 / rate_per_s)
            }
            Self::Piecewise(rate) => Time::from_secs(rate.after(last.secs(), gap(&mut draws))?),
            Self::Daily(rate) => Time::from_secs(rate.after(last.secs(), gap(&mut draws))?),
            Self::OnOff(process) => process.after(state, last, gap(&mut draws), key)?,
            Self::Batch { .. } if state.batch > 0 => {
                state.batch -= 1;
                last
            }
            Self::Batch {
                batches_per_s,
                size,
            } if *batches_per_s > 0.0 => {
                let gap = gap(&mut draws);
                state.batch = draw_size(*size, &mut draws) - 1;
                last + Duration::from_secs(gap / batches_per_s)
            }
            Self::Replayed { times, multiplier } => replayed_at(times, number as f64 / multiplier)?,
            Self::Poisson { .. }
            | Self::Constant { .. }
            | Self::Batch { .. }
            | Self::Closed { .. } => return None,
        };
        // Rates that change work in seconds, and rounding may not take them back.
        Some(time.max(last))
    }
}

/// The moment at which `count` recorded requests have come after the first, as if they did so evenly between any two. So a recording that is
/// multiplied keeps its curve of load, and its bursts.
fn replayed_at(times: &[Time], count: f64) -> Option<Time> {
    let whole = libm::floor(count);
    let from = *times.get(whole as usize)?;
    let part = count - whole;
    if part <= 0.0 {
        return Some(from);
    }
    let to = *times.get(whole as usize + 1)?;
    Some(from + Duration::from_secs(to.since(from).secs() * part))
}

/// Standard exponential: a gap of a Poisson process of rate 1.
fn gap(draws: &mut Draws) -> f64 {
    -libm::log(draws.unit())
}

fn draw_size(size: BatchSize, draws: &mut Draws) -> u32 {
    match size {
        BatchSize::Constant { size } => size,
        // Inversion: the trials up to and including the first success of chance 1/mean.
        BatchSize::Geometric { mean } if mean > 1.0 => {
            let failures = libm::log(draws.unit()) / libm::log1p(-1.0 / mean);
            1 + libm::floor(failures) as u32
        }
        BatchSize::Geometric { .. } => 1,
    }
}

/// A Markov-modulated Poisson process of two phases, off and on.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct OnOff {
    /// Arrivals a second, off and on.
    rates_per_s: [f64; 2],
    /// Mean lengths of the phases, off and on.
    means_s: [f64; 2],
}

impl OnOff {
    /// The moment by which the phases' rates have added `gap` since `last`, if that is in any run.
    ///
    /// Each phase has its own key, and the phases know nothing of the arrivals: other rates see the same phases.
    fn after(&self, state: &mut ArrivalState, last: Time, mut gap: f64, key: Key) -> Option<Time> {
        if self.rates_per_s.iter().all(|rate| *rate <= 0.0) {
            return None;
        }
        let longest = Time::from_secs(limits::HORIZON_S);
        let key = key.named("phase");
        let mut from = last;
        loop {
            while state.until <= from {
                if state.until > longest {
                    return None;
                }
                self.begin_phase(state, key);
            }
            let rate = self.rates_per_s[usize::from(state.on)];
            let room = state.until.since(from).secs() * rate;
            if rate > 0.0 && gap <= room {
                return Some(from + Duration::from_secs(gap / rate));
            }
            gap -= room;
            from = state.until;
        }
    }

    fn begin_phase(&self, state: &mut ArrivalState, key: Key) {
        let mut draws = key.with(state.phases).draws();
        let length = gap(&mut draws);
        let [off_s, on_s] = self.means_s;
        // The first phase is as one finds it at any moment, so that the process is stationary from the start.
        state.on = if state.phases == 0 {
            draws.unit() <= on_s / (on_s + off_s)
        } else {
            !state.on
        };
        state.phases += 1;
        state.until =
            state.until + Duration::from_secs(length * self.means_s[usize::from(state.on)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arriving(arrivals: &Arrivals) -> Arriving {
        Arriving::new(arrivals, |_, _| Err("nothing is replayed")).expect("no replay")
    }

    fn times_of(arrivals: &Arrivals, until_s: f64, seed: u64) -> Vec<f64> {
        let arriving = arriving(arrivals);
        let key = Key::root(seed).named("users");
        let mut state = ArrivalState::default();
        let mut last = Time::ZERO;
        let mut out = Vec::new();
        for number in 0.. {
            match arriving.after(&mut state, last, number, key) {
                Some(time) if time.secs() <= until_s => {
                    assert!(time >= last);
                    last = time;
                    out.push(time.secs());
                }
                _ => break,
            }
        }
        out
    }

    fn times(arrivals: &Arrivals, until_s: f64) -> Vec<f64> {
        times_of(arrivals, until_s, 3)
    }

    /// Counts lie within five standard deviations of a Poisson count from those expected in `(from, to]`.
    fn check_counts(times: &[f64], expected: &[(f64, f64, f64)]) {
        for (from, to, expected) in expected {
            let count = times.iter().filter(|t| *t > from && *t <= to).count() as f64;
            assert!(
                (count - expected).abs() <= 5.0 * expected.sqrt(),
                "{count} in {from} to {to}, expected {expected}"
            );
        }
    }

    #[test]
    fn constant_arrivals_are_evenly_spaced() {
        assert_eq!(
            times(&Arrivals::Constant { rate_per_s: 4.0 }, 1.0),
            [0.25, 0.5, 0.75, 1.0]
        );
    }

    #[test]
    fn a_recording_that_is_multiplied_keeps_its_curve() {
        let recording = |multiplier| Arrivals::Recording {
            times_s: "10\n11\n11\n15".to_owned(),
            multiplier,
        };
        for (multiplier, expected) in [
            (1.0, vec![0.0, 1.0, 1.0, 5.0]),
            (2.0, vec![0.0, 0.5, 1.0, 1.0, 1.0, 3.0, 5.0]),
            (0.5, vec![0.0, 1.0]),
            (0.001, vec![0.0]),
        ] {
            assert_eq!(
                times(&recording(multiplier), 99.0),
                expected,
                "{multiplier}"
            );
        }
        // Ten times as many in any stretch.
        let often = times(&recording(10.0), 99.0);
        assert_eq!(often.len(), 31);
        check_counts(
            &often,
            &[
                (-1.0, 0.99, 10.0),
                (0.99, 1.0, 11.0),
                (1.0, 3.0, 5.0),
                (3.0, 5.0, 5.0),
            ],
        );
        let alone = Arrivals::Recording {
            times_s: "3".to_owned(),
            multiplier: 10.0,
        };
        assert_eq!(times(&alone, 99.0), [0.0]);
    }

    #[test]
    fn no_rate_no_arrivals() {
        let size = BatchSize::Constant { size: 3 };
        for none in [
            Arrivals::Constant { rate_per_s: 0.0 },
            Arrivals::Poisson { rate_per_s: 0.0 },
            on_off(0.0, 0.0),
            Arrivals::Batch {
                rate_per_s: 0.0,
                size,
            },
            Arrivals::Daily {
                mean_per_s: 0.0,
                swing: 1.0,
                period_s: 10.0,
                peak_at_s: 0.0,
            },
        ] {
            assert!(times(&none, 1e9).is_empty(), "{none:?}");
        }
    }

    #[test]
    fn next_to_no_rate_next_to_no_arrivals() {
        for tiny in [1e-9, 1e-300, 5e-324] {
            for rare in [
                Arrivals::Poisson { rate_per_s: tiny },
                Arrivals::Profile {
                    points: vec![[0.0, tiny], [1.0, 0.0]],
                    repeat: true,
                },
                Arrivals::Daily {
                    mean_per_s: tiny,
                    swing: 1.0,
                    period_s: 10.0,
                    peak_at_s: 5.0,
                },
                on_off(tiny, 0.0),
            ] {
                assert!(times(&rare, limits::HORIZON_S).is_empty(), "{rare:?}");
            }
        }
    }

    #[test]
    fn a_ramp_has_the_expected_count_in_each_half() {
        // 0 to 2000/s over 10 s: 2,500 expected in the first five seconds, 7,500 in the next, 2,000 a second after.
        let ramp = Arrivals::Ramp {
            from_per_s: 0.0,
            to_per_s: 2000.0,
            over_s: 10.0,
        };
        let expected = [
            (0.0, 5.0, 2500.0),
            (5.0, 10.0, 7500.0),
            (10.0, 15.0, 10000.0),
        ];
        check_counts(&times(&ramp, 15.0), &expected);
    }

    #[test]
    fn a_ramp_down_to_nothing_ends() {
        let ramp = Arrivals::Ramp {
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

    #[test]
    fn a_spike_stands_between_two_plains() {
        let spike = Arrivals::Spike {
            base_per_s: 50.0,
            peak_per_s: 1000.0,
            at_s: 20.0,
            for_s: 5.0,
        };
        let expected = [
            (0.0, 20.0, 1000.0),
            (20.0, 25.0, 5000.0),
            (25.0, 45.0, 1000.0),
        ];
        check_counts(&times(&spike, 45.0), &expected);
        // Nothing moves before the spike, whatever its height.
        let higher = Arrivals::Spike {
            base_per_s: 50.0,
            peak_per_s: 2000.0,
            at_s: 20.0,
            for_s: 5.0,
        };
        let calm = |all: Vec<f64>| {
            all.into_iter()
                .take_while(|t| *t < 20.0)
                .collect::<Vec<_>>()
        };
        assert_eq!(calm(times(&spike, 45.0)), calm(times(&higher, 45.0)));
    }

    #[test]
    fn as_many_come_as_are_expected() {
        let profile = |repeat| Arrivals::Profile {
            points: vec![[0.0, 0.0], [10.0, 400.0], [10.0, 100.0], [20.0, 100.0]],
            repeat,
        };
        for arrivals in [
            Arrivals::Poisson { rate_per_s: 80.0 },
            Arrivals::Ramp {
                from_per_s: 300.0,
                to_per_s: 20.0,
                over_s: 12.0,
            },
            Arrivals::Spike {
                base_per_s: 50.0,
                peak_per_s: 1000.0,
                at_s: 20.0,
                for_s: 5.0,
            },
            Arrivals::Daily {
                mean_per_s: 200.0,
                swing: 0.9,
                period_s: 30.0,
                peak_at_s: 4.0,
            },
            profile(false),
            profile(true),
        ] {
            let all = times(&arrivals, 97.0);
            for until_s in [0.5, 3.0, 10.0, 21.0, 24.0, 57.0, 97.0] {
                let expected = arrivals.expected_until(until_s).expect("it has a rate");
                check_counts(&all, &[(0.0, until_s, expected)]);
                // The rate adds up to it, but for the steps of the sum.
                let steps = 40_000;
                let rates = (0..steps).map(|i| {
                    let at = until_s * (f64::from(i) + 0.5) / f64::from(steps);
                    arrivals.rate_at(at).expect("it has a rate")
                });
                let sum = rates.sum::<f64>() * until_s / f64::from(steps);
                assert!(
                    (sum - expected).abs() < 1e-3 * expected + 1e-3,
                    "{arrivals:?} until {until_s}: {sum} for {expected}"
                );
            }
        }
        // Bursts and batches on the whole: their counts vary more than those of single arrivals.
        let size = BatchSize::Geometric { mean: 4.0 };
        let rate_per_s = 300.0;
        for arrivals in [on_off(100.0, 10.0), Arrivals::Batch { rate_per_s, size }] {
            let until_s = 20_000.0;
            let expected = arrivals.expected_until(until_s).expect("it has a rate");
            let count = times(&arrivals, until_s).len() as f64;
            assert!(
                (count / expected - 1.0).abs() < 0.03,
                "{arrivals:?}: {count} of {expected}"
            );
        }
    }

    #[test]
    fn a_day_has_the_expected_count_in_each_quarter() {
        let daily = Arrivals::Daily {
            mean_per_s: 20.0,
            swing: 0.8,
            period_s: 1000.0,
            peak_at_s: 250.0,
        };
        // A quarter around the peak holds P/4·mean·(1 + swing·2√2/π), one around the trough as much less.
        let swing = 5000.0 * 0.8 * 2.0 * 2.0_f64.sqrt() / core::f64::consts::PI;
        let expected = [
            (125.0, 375.0, 5000.0 + swing),
            (375.0, 625.0, 5000.0),
            (625.0, 875.0, 5000.0 - swing),
            (1000.0, 2000.0, 20_000.0),
            (2125.0, 2375.0, 5000.0 + swing),
        ];
        check_counts(&times(&daily, 3000.0), &expected);
    }

    #[test]
    fn a_profile_goes_round() {
        let profile = |repeat| Arrivals::Profile {
            points: vec![[0.0, 0.0], [10.0, 400.0], [10.0, 100.0], [20.0, 100.0]],
            repeat,
        };
        let first = [(0.0, 10.0, 2000.0), (10.0, 20.0, 1000.0)];
        let again = [(60.0, 70.0, 2000.0), (70.0, 80.0, 1000.0)];
        let round = times(&profile(true), 80.0);
        check_counts(&round, &first);
        check_counts(&round, &again);
        check_counts(&times(&profile(false), 80.0), &[(20.0, 80.0, 6000.0)]);
    }

    fn on_off(rate_on_per_s: f64, rate_off_per_s: f64) -> Arrivals {
        Arrivals::OnOff {
            rate_on_per_s,
            rate_off_per_s,
            mean_on_s: 0.5,
            mean_off_s: 1.5,
        }
    }

    #[test]
    fn bursts_have_the_dispersion_of_their_closed_form() {
        // Fischer and Meier-Hellstern, The Markov-modulated Poisson process cookbook (Performance Evaluation 18, 1993):
        // I(t) = 1 + 2·p·q·(a - b)² / (σ·m)·(1 - (1 - e^-σt) / σt), with chances p and q of on and off, σ the sum of
        // the rates of change, m the mean rate.
        let (on, off, p, sigma) = (100.0, 10.0, 0.25_f64, 1.0 / 0.5 + 1.0 / 1.5);
        let mean = p * on + (1.0 - p) * off;
        for window in [0.1, 1.0, 10.0_f64] {
            let windows = 20_000;
            let until = window * f64::from(windows);
            let mut counts = vec![0.0_f64; windows as usize];
            for time in times(&on_off(on, off), until) {
                counts[((time / window) as usize).min(windows as usize - 1)] += 1.0;
            }
            let n = f64::from(windows);
            let average = counts.iter().sum::<f64>() / n;
            let variance = counts.iter().map(|c| (c - average).powi(2)).sum::<f64>() / n;
            let st = sigma * window;
            let expected = 1.0
                + 2.0 * p * (1.0 - p) * (on - off).powi(2) / (sigma * mean)
                    * (1.0 - (1.0 - (-st).exp()) / st);
            let found = variance / average;
            assert!(
                (found / expected - 1.0).abs() < 0.05,
                "{window} s: {found}, expected {expected}"
            );
            assert!((average / (mean * window) - 1.0).abs() < 0.03, "{average}");
        }
    }

    #[test]
    fn silence_between_bursts_is_silent() {
        let arrivals = on_off(200.0, 0.0);
        let all = times(&arrivals, 2000.0);
        let long = all
            .windows(2)
            .filter(|pair| pair[1] - pair[0] > 0.2)
            .count() as f64;
        // A burst each two seconds; most silences are longer than 0.2 s, and within bursts e^-40 of the gaps.
        let expected = 1000.0 * (-0.2 / 1.5_f64).exp();
        assert!((long - expected).abs() < 5.0 * expected.sqrt(), "{long}");
    }

    #[test]
    fn bursts_begin_as_one_finds_them() {
        // Over many seeds the first second is like any other.
        let runs = 4000;
        let count = |seed| times_of(&on_off(40.0, 0.0), 1.0, seed).len() as f64;
        let mean = (0..runs).map(count).sum::<f64>() / f64::from(runs as u32);
        // The standard deviation of a second's count is about 13.
        assert!(
            (mean - 10.0).abs() < 4.0 * 13.0 / f64::from(runs as u32).sqrt(),
            "{mean}"
        );
    }

    #[test]
    fn another_rate_sees_the_same_bursts() {
        let starts = |rate| {
            let all = times(&on_off(rate, 0.0), 400.0);
            let long = all.windows(2).filter(|pair| pair[1] - pair[0] > 1.0);
            long.map(|pair| pair[1]).collect::<Vec<_>>()
        };
        let (thin, dense) = (starts(2000.0), starts(4000.0));
        assert!(thin.len() > 50 && thin.len() == dense.len());
        assert!(thin.iter().zip(&dense).all(|(a, b)| (a - b).abs() < 0.01));
    }

    #[test]
    fn batches_come_at_once_and_in_their_sizes() {
        let batch = |size| {
            times(
                &Arrivals::Batch {
                    rate_per_s: 100.0,
                    size,
                },
                2000.0,
            )
        };
        let sizes = |times: &[f64]| {
            let mut sizes: Vec<f64> = Vec::new();
            let mut before = -1.0;
            for time in times {
                if (*time - before).abs() < 1e-12 {
                    *sizes.last_mut().expect("a batch began") += 1.0;
                } else {
                    sizes.push(1.0);
                }
                before = *time;
            }
            sizes
        };
        let constant = sizes(&batch(BatchSize::Constant { size: 5 }));
        assert!(constant.iter().all(|size| (size - 5.0).abs() < 1e-9));
        assert!((constant.len() as f64 - 40_000.0).abs() < 5.0 * 200.0);
        let geometric = sizes(&batch(BatchSize::Geometric { mean: 5.0 }));
        let n = geometric.len() as f64;
        let mean = geometric.iter().sum::<f64>() / n;
        let ones = geometric.iter().filter(|size| **size < 1.5).count() as f64 / n;
        assert!(
            (mean - 5.0).abs() < 5.0 * 20_f64.sqrt() / n.sqrt(),
            "{mean}"
        );
        assert!((ones - 0.2).abs() < 5.0 * 0.4 / n.sqrt(), "{ones}");
    }

    #[test]
    fn a_state_is_all_that_a_process_remembers() {
        for arrivals in [
            on_off(50.0, 5.0),
            Arrivals::Batch {
                rate_per_s: 50.0,
                size: BatchSize::Geometric { mean: 4.0 },
            },
        ] {
            let (arriving, key) = (arriving(&arrivals), Key::root(1));
            let mut state = ArrivalState::default();
            let mut last = Time::ZERO;
            for number in 0..500 {
                let mut copy = state.clone();
                let again = arriving.after(&mut copy, last, number, key);
                let time = arriving.after(&mut state, last, number, key);
                assert!(again == time && copy == state);
                last = time.expect("it never ends");
            }
        }
    }
}
