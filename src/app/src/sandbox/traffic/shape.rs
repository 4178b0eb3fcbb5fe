//! Shapes of load: what they are called, the curve of each, and how one becomes another with as much load on the whole.

use std::sync::Arc;

use scale_sim::{Arrivals, BatchSize, Distribution, Time, limits, read_moments};

use super::axis::tidy;

/// A shape of load.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// One rate.
    Steady,
    /// From one rate to another.
    Ramp,
    /// For a while another rate.
    Spike,
    /// Day and night.
    Day,
    /// Any curve.
    Curve,
    /// Bursts and pauses.
    Bursts,
    /// Several at once.
    Batches,
    /// Users who wait for the answer.
    Users,
    /// As it was recorded.
    Recorded,
}

impl Shape {
    /// Those that can be chosen; what was recorded comes from a file.
    pub const CHOICE: [Self; 8] = [
        Self::Steady,
        Self::Ramp,
        Self::Spike,
        Self::Day,
        Self::Curve,
        Self::Bursts,
        Self::Batches,
        Self::Users,
    ];

    /// The shape of these arrivals.
    pub const fn of(arrivals: &Arrivals) -> Self {
        match arrivals {
            Arrivals::Poisson { .. } | Arrivals::Constant { .. } => Self::Steady,
            Arrivals::Ramp { .. } => Self::Ramp,
            Arrivals::Spike { .. } => Self::Spike,
            Arrivals::Daily { .. } => Self::Day,
            Arrivals::Profile { .. } => Self::Curve,
            Arrivals::OnOff { .. } => Self::Bursts,
            Arrivals::Batch { .. } => Self::Batches,
            Arrivals::Closed { .. } => Self::Users,
            Arrivals::Replay { .. } | Arrivals::Recording { .. } => Self::Recorded,
        }
    }

    /// What it is called, and what it is.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Steady => ("Steady", "One rate all along."),
            Self::Ramp => ("Ramp", "From one rate to another, and then it stays."),
            Self::Spike => (
                "Spike",
                "For a while another rate, as after an announcement.",
            ),
            Self::Day => ("Day", "It swings as day and night do."),
            Self::Curve => ("Curve", "Any curve, from point to point."),
            Self::Bursts => ("Bursts", "Bursts and pauses of random lengths."),
            Self::Batches => ("Batches", "Several requests at one moment."),
            Self::Users => (
                "Users",
                "So many users. Each waits for the answer, thinks, and asks again.",
            ),
            Self::Recorded => (
                "Recorded",
                "As it was recorded, with the same ups and downs.",
            ),
        }
    }
}

/// The moments of what was recorded, if the recording is in the scenario itself and can be read; and how many requests come for each.
pub fn recorded(arrivals: &Arrivals) -> Option<(Arc<[Time]>, f64)> {
    match arrivals {
        Arrivals::Recording {
            times_s,
            multiplier,
        } => Some((read_moments(times_s).ok()?, *multiplier)),
        _ => None,
    }
}

/// Requests a second on average over a run of `horizon_s` seconds. Of users, as many as they would send if answers came at once; nothing
/// for a recording in a file of its own.
pub fn mean_per_s(arrivals: &Arrivals, horizon_s: f64) -> Option<f64> {
    match arrivals {
        Arrivals::Closed { users, think_time } => {
            let think_ms = think_time.mean_ms();
            (think_ms > 0.0).then(|| f64::from(*users) * 1000.0 / think_ms)
        }
        Arrivals::Recording { .. } => {
            let (times, each) = recorded(arrivals)?;
            let heard = times.partition_point(|time| time.secs() <= horizon_s);
            Some(heard as f64 * each / horizon_s)
        }
        _ => Some(arrivals.expected_until(horizon_s)? / horizon_s),
    }
}

/// The most points of a curve that was made of another shape.
const POINTS: usize = 24;

/// Arrivals of the shape `to`, with as many requests on the whole in a run of `horizon_s` seconds, as far as the numbers of that shape
/// allow it. A spike comes on top of what was steady, and leaves it behind.
pub fn changed(arrivals: &Arrivals, to: Shape, horizon_s: f64) -> Arrivals {
    if Shape::of(arrivals) == to {
        return arrivals.clone();
    }
    let mean = match (arrivals, to) {
        (Arrivals::Spike { base_per_s, .. }, Shape::Steady) => *base_per_s,
        _ => mean_per_s(arrivals, horizon_s).unwrap_or(10.0),
    };
    let on_top = matches!(
        arrivals,
        Arrivals::Poisson { .. } | Arrivals::Constant { .. }
    );
    let mean = tidy(mean.clamp(0.0, limits::RATE_PER_S));
    let rate = |times: f64| tidy((mean * times).min(limits::RATE_PER_S));
    match to {
        Shape::Steady | Shape::Recorded => Arrivals::Poisson { rate_per_s: mean },
        Shape::Ramp => Arrivals::Ramp {
            from_per_s: rate(0.5),
            to_per_s: rate(1.5),
            over_s: horizon_s,
        },
        // Four times as much for a fifth of the run.
        Shape::Spike => Arrivals::Spike {
            base_per_s: rate(if on_top { 1.0 } else { 1.0 / 1.6 }),
            peak_per_s: rate(if on_top { 4.0 } else { 4.0 / 1.6 }),
            at_s: tidy(horizon_s * 0.4),
            for_s: tidy(horizon_s * 0.2).max(1e-3),
        },
        // The whole run is a day.
        Shape::Day => Arrivals::Daily {
            mean_per_s: mean.min(limits::RATE_PER_S / 2.0),
            swing: 0.6,
            period_s: horizon_s.max(1.0),
            peak_at_s: tidy(horizon_s.max(1.0) * 0.5),
        },
        Shape::Curve => Arrivals::Profile {
            points: points(arrivals, mean, horizon_s),
            repeat: false,
        },
        // A quarter of the time in bursts.
        Shape::Bursts => Arrivals::OnOff {
            rate_on_per_s: rate(3.25),
            rate_off_per_s: rate(0.25),
            mean_on_s: tidy(horizon_s / 20.0).max(0.01),
            mean_off_s: tidy(horizon_s * 3.0 / 20.0).max(0.03),
        },
        Shape::Batches => Arrivals::Batch {
            rate_per_s: mean,
            size: BatchSize::Geometric { mean: 10.0 },
        },
        // A second of thought: as many users as requests a second.
        Shape::Users => Arrivals::Closed {
            users: (mean.round() as u32).max(1),
            think_time: Distribution::Exponential { mean_ms: 1000.0 },
        },
    }
}

/// Points of a curve like that of `arrivals`.
fn points(arrivals: &Arrivals, mean: f64, horizon_s: f64) -> Vec<[f64; 2]> {
    let own: Vec<[f64; 2]> = match arrivals {
        Arrivals::Ramp { .. } | Arrivals::Spike { .. } => {
            let last = (horizon_s, arrivals.rate_at(horizon_s));
            let mut own: Vec<[f64; 2]> = corners(arrivals)
                .into_iter()
                .filter(|[at, _]| *at < horizon_s)
                .collect();
            if let (at, Some(rate)) = last {
                own.push([at, rate]);
            }
            own
        }
        Arrivals::Daily { .. } => {
            // A day is smooth: half as many will do.
            let steps = POINTS as u32 / 2;
            let all = (0..=steps).map(|i| horizon_s * f64::from(i) / f64::from(steps));
            all.filter_map(|at| Some([tidy(at), arrivals.rate_at(at)?]))
                .collect()
        }
        Arrivals::Recording { .. } => match recorded(arrivals) {
            // As many times as high as it takes, below.
            Some((times, _)) => counted_points(&times, horizon_s, POINTS),
            None => Vec::new(),
        },
        _ => Vec::new(),
    };
    if own.len() < 2 {
        let thirds = [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0];
        return thirds.map(|part| [tidy(horizon_s * part), mean]).into();
    }
    fitted(own, mean, horizon_s)
}

/// The points, as many times as high as it takes for `mean` requests a second on average over `horizon_s`.
pub fn fitted(mut points: Vec<[f64; 2]>, mean: f64, horizon_s: f64) -> Vec<[f64; 2]> {
    let drawn = Arrivals::Profile {
        points: points.clone(),
        repeat: false,
    };
    let now = drawn.expected_until(horizon_s).unwrap_or_default() / horizon_s;
    let factor = if now > 0.0 { mean / now } else { 1.0 };
    for [_, rate] in &mut points {
        *rate = tidy((*rate * factor).clamp(0.0, limits::RATE_PER_S));
    }
    points
}

/// Points through the middles of `bins` stretches of a recording, at the rates that were counted there.
pub fn counted_points(times: &[Time], until_s: f64, bins: usize) -> Vec<[f64; 2]> {
    let rates = counted(times, until_s, bins);
    let wide = until_s / bins as f64;
    let middles = (0..bins).map(|i| [tidy(wide * (i as f64 + 0.5)), rates[i]]);
    let first = [0.0, rates.first().copied().unwrap_or_default()];
    let last = [until_s, rates.last().copied().unwrap_or_default()];
    [first].into_iter().chain(middles).chain([last]).collect()
}

/// How many requests a second there are in each of `bins` equal stretches of the first `until_s` seconds.
pub fn counted(times: &[Time], until_s: f64, bins: usize) -> Vec<f64> {
    let wide = until_s / bins as f64;
    let mut rates = vec![0.0; bins];
    for time in times.iter().take_while(|time| time.secs() <= until_s) {
        let bin = ((time.secs() / wide) as usize).min(bins - 1);
        rates[bin] += 1.0 / wide;
    }
    rates
}

/// The points between which a shape of straight lines is drawn; none for others.
fn corners(arrivals: &Arrivals) -> Vec<[f64; 2]> {
    match *arrivals {
        Arrivals::Ramp {
            from_per_s,
            to_per_s,
            over_s,
        } => vec![[0.0, from_per_s], [over_s, to_per_s]],
        Arrivals::Spike {
            base_per_s,
            peak_per_s,
            at_s,
            for_s,
        } => vec![
            [0.0, base_per_s],
            [at_s, base_per_s],
            [at_s, peak_per_s],
            [at_s + for_s, peak_per_s],
            [at_s + for_s, base_per_s],
        ],
        Arrivals::Profile { ref points, .. } => points.clone(),
        _ => Vec::new(),
    }
}

/// Samples of a curve that is no straight line.
const SAMPLES: u32 = 240;
/// Stretches in which a recording is counted to be drawn.
const STRETCHES: usize = 120;

/// The curve over a run of `horizon_s` seconds: moments and requests a second, to be joined by straight lines; users for a closed loop.
pub fn curve(arrivals: &Arrivals, horizon_s: f64) -> Vec<[f64; 2]> {
    match arrivals {
        Arrivals::Closed { users, .. } => {
            let users = f64::from(*users);
            vec![[0.0, users], [horizon_s, users]]
        }
        Arrivals::Replay { .. } => Vec::new(),
        Arrivals::Recording { .. } => {
            let Some((times, each)) = recorded(arrivals) else {
                return Vec::new();
            };
            let rates = counted(&times, horizon_s, STRETCHES);
            let wide = horizon_s / STRETCHES as f64;
            let step = |(i, rate): (usize, &f64)| {
                let from = wide * i as f64;
                let rate = rate * each;
                [[from, rate], [from + wide, rate]]
            };
            rates.iter().enumerate().flat_map(step).collect()
        }
        Arrivals::Ramp { .. }
        | Arrivals::Spike { .. }
        | Arrivals::Profile { repeat: false, .. } => {
            let within = corners(arrivals).into_iter();
            let mut line: Vec<[f64; 2]> = within.filter(|[at, _]| *at < horizon_s).collect();
            // Where it goes out of sight, or stays to the end.
            line.extend(before(arrivals, horizon_s).map(|rate| [horizon_s, rate]));
            line
        }
        Arrivals::Profile { points, .. } => {
            let round = points.last().map_or(0.0, |[at, _]| *at);
            let rounds = (horizon_s / round).ceil();
            let few = rounds * points.len() as f64 <= 4_000.0;
            if !few {
                return sampled(arrivals, horizon_s);
            }
            let all = (0..rounds as u32).flat_map(|i| {
                let from = f64::from(i) * round;
                points.iter().map(move |[at, rate]| [from + at, *rate])
            });
            let mut line: Vec<[f64; 2]> = all.take_while(|[at, _]| *at < horizon_s).collect();
            line.extend(before(arrivals, horizon_s).map(|rate| [horizon_s, rate]));
            line
        }
        Arrivals::Daily { .. } => sampled(arrivals, horizon_s),
        Arrivals::Poisson { .. }
        | Arrivals::Constant { .. }
        | Arrivals::OnOff { .. }
        | Arrivals::Batch { .. } => { [0.0, horizon_s].into_iter() }
            .filter_map(|at| Some([at, arrivals.rate_at(at)?]))
            .collect(),
    }
}

/// The rate just before a moment: at a jump, the one before it.
fn before(arrivals: &Arrivals, s: f64) -> Option<f64> {
    arrivals.rate_at(s - s.abs() * 1e-12)
}

fn sampled(arrivals: &Arrivals, horizon_s: f64) -> Vec<[f64; 2]> {
    let all = (0..=SAMPLES).map(|i| horizon_s * f64::from(i) / f64::from(SAMPLES));
    all.filter_map(|at| Some([at, arrivals.rate_at(at)?]))
        .collect()
}

/// The curve of several together: at every corner of one of them, and at even distances. Users are not in it.
pub fn sum(curves: &[Vec<[f64; 2]>], horizon_s: f64) -> Vec<[f64; 2]> {
    let steps = (0..=SAMPLES).map(|i| horizon_s * f64::from(i) / f64::from(SAMPLES));
    let corners = curves.iter().flatten().map(|[at, _]| *at);
    let mut moments: Vec<f64> = steps.chain(corners).collect();
    moments.sort_by(f64::total_cmp);
    moments.dedup_by(|a, b| a.to_bits() == b.to_bits());
    let both = |s: f64| {
        let total = |after: bool| curves.iter().map(|curve| on(curve, s, after)).sum();
        [[s, total(false)], [s, total(true)]]
    };
    let mut line: Vec<[f64; 2]> = moments.into_iter().flat_map(both).collect();
    line.dedup();
    line
}

/// The corners of a line that is also cut at `edges`: the moment, the height, and a moment within the piece that the corner belongs to.
pub fn cut(line: &[[f64; 2]], edges: &[f64]) -> Vec<(f64, f64, f64)> {
    let mut out = Vec::new();
    for pair in line.windows(2) {
        let ([from, low], [to, high]) = (pair[0], pair[1]);
        let inner = edges.iter().copied().filter(|at| *at > from && *at < to);
        let mut stops: Vec<f64> = [from, to].into_iter().chain(inner).collect();
        stops.sort_by(f64::total_cmp);
        for piece in stops.windows(2) {
            let within = f64::midpoint(piece[0], piece[1]);
            for at in [piece[0], piece[1]] {
                let part = if to > from {
                    (at - from) / (to - from)
                } else {
                    0.0
                };
                out.push((at, low + (high - low) * part, within));
            }
        }
    }
    out
}

/// The height of a line at a moment; at a jump, before or after it.
fn on(line: &[[f64; 2]], s: f64, after: bool) -> f64 {
    let next = if after {
        line.partition_point(|[at, _]| *at <= s)
    } else {
        line.partition_point(|[at, _]| *at < s)
    };
    match (line.get(next.wrapping_sub(1)), line.get(next)) {
        (Some([from, low]), Some([to, high])) if to > from => {
            low + (high - low) * (s - from) / (to - from)
        }
        (Some([_, value]), _) | (None, Some([_, value])) => *value,
        (None, None) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Arrivals> {
        let closed = |users, mean_ms| Arrivals::Closed {
            users,
            think_time: Distribution::Constant { mean_ms },
        };
        let mut all: Vec<Arrivals> = Shape::CHOICE
            .iter()
            .map(|to| changed(&Arrivals::Poisson { rate_per_s: 120.0 }, *to, 60.0))
            .collect();
        all.extend([
            Arrivals::Constant { rate_per_s: 50.0 },
            closed(500, 2_000.0),
            Arrivals::Ramp {
                from_per_s: 400.0,
                to_per_s: 100.0,
                over_s: 30.0,
            },
            Arrivals::Spike {
                base_per_s: 40.0,
                peak_per_s: 700.0,
                at_s: 50.0,
                for_s: 30.0,
            },
            Arrivals::Daily {
                mean_per_s: 90.0,
                swing: 1.0,
                period_s: 86_400.0,
                peak_at_s: 10_000.0,
            },
            Arrivals::Profile {
                points: vec![[0.0, 10.0], [7.0, 200.0], [7.0, 40.0]],
                repeat: true,
            },
            Arrivals::Recording {
                times_s: (0..4_000)
                    .map(|i| format!("{:.6}", f64::from(i * i) / 300_000.0))
                    .collect::<Vec<String>>()
                    .join("\n"),
                multiplier: 2.0,
            },
        ]);
        all
    }

    #[test]
    fn a_spike_comes_on_top_of_what_is_steady_and_leaves_it_behind() {
        let steady = Arrivals::Poisson { rate_per_s: 300.0 };
        let spike = changed(&steady, Shape::Spike, 60.0);
        assert!(
            matches!(spike, Arrivals::Spike { base_per_s, peak_per_s, .. } if (base_per_s - 300.0).abs() < 1e-9 && (peak_per_s - 1_200.0).abs() < 1e-9),
            "{spike:?}"
        );
        assert_eq!(changed(&spike, Shape::Steady, 60.0), steady);
    }

    #[test]
    fn every_shape_becomes_every_other_with_as_much_load() {
        for from in all() {
            let mean = mean_per_s(&from, 60.0).expect("it is known");
            for to in Shape::CHOICE {
                let made = changed(&from, to, 60.0);
                assert_eq!(Shape::of(&made), to);
                let spikes = [Shape::of(&from), to];
                if spikes.contains(&Shape::Spike) && spikes.contains(&Shape::Steady) {
                    continue;
                }
                let after = mean_per_s(&made, 60.0).expect("it is known");
                // Users are whole.
                let slack = if to == Shape::Users { 0.5 } else { 1e-6 * mean };
                assert!(
                    (after - mean).abs() <= slack,
                    "{from:?} to {to:?}: {mean} to {after}"
                );
            }
        }
    }

    #[test]
    fn a_shape_stays_what_it_is() {
        for arrivals in all() {
            assert_eq!(changed(&arrivals, Shape::of(&arrivals), 60.0), arrivals);
        }
    }

    #[test]
    fn what_is_drawn_adds_up_to_what_comes() {
        for arrivals in all() {
            if matches!(arrivals, Arrivals::Closed { .. }) {
                continue;
            }
            let line = curve(&arrivals, 60.0);
            let area: f64 = line
                .windows(2)
                .map(|pair| f64::midpoint(pair[0][1], pair[1][1]) * (pair[1][0] - pair[0][0]))
                .sum();
            let mean = mean_per_s(&arrivals, 60.0).expect("it is known");
            assert!(
                (area / 60.0 / mean - 1.0).abs() < 1e-3,
                "{arrivals:?}: {}, {mean}",
                area / 60.0
            );
            assert!(line.windows(2).all(|pair| pair[0][0] <= pair[1][0]));
            assert!(line.last().is_some_and(|[at, _]| (at - 60.0).abs() < 1e-9));
        }
    }

    #[test]
    fn the_sum_has_every_jump() {
        let lines = [
            vec![[0.0, 10.0], [20.0, 10.0], [20.0, 50.0], [60.0, 50.0]],
            vec![[0.0, 0.0], [60.0, 60.0]],
        ];
        let line = sum(&lines, 60.0);
        assert!(line.contains(&[20.0, 30.0]) && line.contains(&[20.0, 70.0]));
        assert_eq!(line.first(), Some(&[0.0, 10.0]));
        assert_eq!(line.last(), Some(&[60.0, 110.0]));
    }

    #[test]
    fn a_line_is_cut_at_edges() {
        let line = [[0.0, 0.0], [10.0, 10.0], [10.0, 50.0], [20.0, 50.0]];
        let pieces = cut(&line, &[4.0, 15.0]);
        let at = |s: f64| {
            pieces
                .iter()
                .filter(move |(at, ..)| at.to_bits() == s.to_bits())
                .map(|(_, value, within)| (*value, *within))
                .collect::<Vec<_>>()
        };
        assert_eq!(at(4.0), [(4.0, 2.0), (4.0, 7.0)]);
        assert_eq!(at(15.0), [(50.0, 12.5), (50.0, 17.5)]);
    }

    #[test]
    fn a_rate_at_the_edge_of_what_is_allowed_stays_allowed() {
        let most = Arrivals::Poisson {
            rate_per_s: limits::RATE_PER_S,
        };
        for to in Shape::CHOICE {
            for horizon_s in [0.01, 1.0, limits::HORIZON_S] {
                let made = changed(&most, to, horizon_s);
                let scenario = serde_json::json!({
                    "version": 1, "horizon_s": horizon_s.max(0.001), "components": {
                        "u": { "client": { "target": "a", "operation": "read", "arrivals": made } },
                        "a": { "service": { "workers": 1, "plans": { "read": [{ "work": { "constant": { "mean_ms": 1 } } }] } } }
                    }
                });
                let scenario: scale_sim::Scenario =
                    serde_json::from_value(scenario).expect("of the form of a scenario");
                let problems = scenario.problems();
                assert!(problems.is_empty(), "{to:?}: {problems:?}");
            }
        }
    }
}
