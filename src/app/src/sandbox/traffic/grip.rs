//! What of a curve can be taken hold of, and what comes of moving it.

use scale_sim::{Arrivals, limits};

use super::super::words::number;
use super::axis::{moment, tidy};

/// A part of a curve.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The rate, of what has one.
    Rate,
    /// How many users there are.
    Users,
    /// Where a ramp begins.
    From,
    /// Where a ramp ends.
    To,
    /// The rate outside of a spike.
    Base,
    /// Where a spike begins, and its rate.
    Peak,
    /// Where a spike ends.
    End,
    /// The peak of a day.
    Noon,
    /// The least of a day.
    Night,
    /// A burst: its rate and mean length.
    Burst,
    /// A pause: its rate and mean length.
    Pause,
    /// A point of a free curve.
    Point(usize),
}

/// Something to take hold of.
#[derive(Clone, PartialEq, Debug)]
pub struct Grip {
    /// What of the curve it moves.
    pub part: Part,
    /// Where it is, in seconds. It may be outside of the run.
    pub at_s: f64,
    /// How high.
    pub value: f64,
    /// Whether it moves in time.
    pub along: bool,
    /// Whether it moves up and down.
    pub up: bool,
    /// What it is called.
    pub name: String,
}

impl Grip {
    /// Where it stands, in words.
    pub fn words(&self) -> String {
        let value = match self.part {
            Part::Users => format!("{} users", number(self.value)),
            _ => format!("{} per second", number(self.value)),
        };
        match (self.up, self.along) {
            (true, true) => format!("{value} at {}", moment(self.at_s)),
            (true, false) => value,
            (false, _) => moment(self.at_s),
        }
    }
}

/// Moves up and down only; and in time, too.
const UP: (bool, bool) = (false, true);
const BOTH: (bool, bool) = (true, true);

/// All that can be taken hold of, always in the same order, so that none loses the hand or the keyboard when it goes past another.
pub fn grips(arrivals: &Arrivals, horizon_s: f64) -> Vec<Grip> {
    let grip = |part, at_s: f64, value: f64, moves: (bool, bool), name: &str| Grip {
        part,
        at_s,
        value,
        along: moves.0,
        up: moves.1,
        name: name.to_owned(),
    };
    match arrivals {
        Arrivals::Poisson { rate_per_s }
        | Arrivals::Constant { rate_per_s }
        | Arrivals::Batch { rate_per_s, .. } => {
            vec![grip(Part::Rate, horizon_s / 2.0, *rate_per_s, UP, "Rate")]
        }
        Arrivals::Closed { users, .. } => {
            let users = f64::from(*users);
            vec![grip(Part::Users, horizon_s / 2.0, users, UP, "Users")]
        }
        Arrivals::Ramp {
            from_per_s,
            to_per_s,
            over_s,
        } => vec![
            grip(Part::From, 0.0, *from_per_s, UP, "Start"),
            grip(Part::To, *over_s, *to_per_s, BOTH, "End of the ramp"),
        ],
        Arrivals::Spike {
            base_per_s,
            peak_per_s,
            at_s,
            for_s,
        } => {
            // Where there is more room for it.
            let after = horizon_s - (at_s + for_s);
            let at = if *at_s >= after {
                at_s / 2.0
            } else {
                horizon_s - after / 2.0
            };
            vec![
                grip(Part::Base, at, *base_per_s, UP, "Before and after"),
                grip(Part::Peak, *at_s, *peak_per_s, BOTH, "Start of the spike"),
                grip(
                    Part::End,
                    at_s + for_s,
                    *peak_per_s,
                    BOTH,
                    "End of the spike",
                ),
            ]
        }
        Arrivals::Daily {
            mean_per_s,
            swing,
            period_s,
            peak_at_s,
        } => {
            let peak = mean_per_s * (1.0 + swing);
            let night = peak_at_s - period_s / 2.0;
            let night = if night < 0.0 { night + period_s } else { night };
            let least = mean_per_s * (1.0 - swing);
            vec![
                grip(Part::Noon, *peak_at_s, peak, BOTH, "Peak of the day"),
                grip(Part::Night, night, least, UP, "Least of the day"),
            ]
        }
        Arrivals::OnOff {
            rate_on_per_s,
            rate_off_per_s,
            mean_on_s,
            mean_off_s,
        } => vec![
            grip(
                Part::Burst,
                *mean_on_s,
                *rate_on_per_s,
                BOTH,
                "A burst, of mean length",
            ),
            grip(
                Part::Pause,
                mean_on_s + mean_off_s,
                *rate_off_per_s,
                BOTH,
                "A pause, of mean length",
            ),
        ],
        Arrivals::Profile { points, .. } => {
            let point = |(i, [at, rate]): (usize, &[f64; 2])| {
                let name = format!("Point {} of {}", i + 1, points.len());
                grip(Part::Point(i), *at, *rate, (i > 0, true), &name)
            };
            points.iter().enumerate().map(point).collect()
        }
        Arrivals::Replay { .. } | Arrivals::Recording { .. } => Vec::new(),
    }
}

/// The shortest time between two things, in seconds.
const LEAST_S: f64 = 1e-3;

/// What comes of moving a part to a moment and a height, as far as it is allowed there.
#[expect(clippy::too_many_lines, reason = "one arm a part")]
pub fn moved(arrivals: &Arrivals, part: Part, at_s: f64, value: f64) -> Arrivals {
    let mut made = arrivals.clone();
    let at = tidy(at_s.clamp(0.0, limits::HORIZON_S));
    let rate = tidy(value.clamp(0.0, limits::RATE_PER_S));
    match (&mut made, part) {
        (
            Arrivals::Poisson { rate_per_s }
            | Arrivals::Constant { rate_per_s }
            | Arrivals::Batch { rate_per_s, .. },
            Part::Rate,
        ) => *rate_per_s = rate,
        (Arrivals::Closed { users, .. }, Part::Users) => {
            *users = value.round().clamp(1.0, limits::USERS as f64) as u32;
        }
        (Arrivals::Ramp { from_per_s, .. }, Part::From) => *from_per_s = rate,
        (
            Arrivals::Ramp {
                to_per_s, over_s, ..
            },
            Part::To,
        ) => {
            *to_per_s = rate;
            *over_s = at.max(LEAST_S);
        }
        (Arrivals::Spike { base_per_s, .. }, Part::Base) => *base_per_s = rate,
        (
            Arrivals::Spike {
                peak_per_s,
                at_s,
                for_s,
                ..
            },
            Part::Peak,
        ) => {
            let end = *at_s + *for_s;
            *peak_per_s = rate;
            // Its end stays.
            *at_s = at.min(tidy(end - LEAST_S)).max(0.0);
            *for_s = tidy(end - *at_s).max(LEAST_S);
        }
        (
            Arrivals::Spike {
                peak_per_s,
                at_s,
                for_s,
                ..
            },
            Part::End,
        ) => {
            *peak_per_s = rate;
            *for_s = tidy(at - *at_s).max(LEAST_S);
        }
        (
            Arrivals::Daily {
                mean_per_s,
                swing,
                peak_at_s,
                ..
            },
            Part::Noon | Part::Night,
        ) => {
            let (mut most, mut least) =
                (*mean_per_s * (1.0 + *swing), *mean_per_s * (1.0 - *swing));
            if part == Part::Noon {
                // The mean has its own bound.
                most = rate.min(limits::RATE_PER_S - least).max(least);
                *peak_at_s = at;
            } else {
                least = rate.min(most);
            }
            *mean_per_s = tidy(f64::midpoint(most, least));
            *swing = if most + least > 0.0 {
                tidy((most - least) / (most + least)).clamp(0.0, 1.0)
            } else {
                *swing
            };
        }
        (
            Arrivals::OnOff {
                rate_on_per_s,
                mean_on_s,
                ..
            },
            Part::Burst,
        ) => {
            *rate_on_per_s = rate;
            *mean_on_s = at.max(0.01);
        }
        (
            Arrivals::OnOff {
                rate_off_per_s,
                mean_on_s,
                mean_off_s,
                ..
            },
            Part::Pause,
        ) => {
            *rate_off_per_s = rate;
            *mean_off_s = tidy(at - *mean_on_s).max(0.01);
        }
        (Arrivals::Profile { points, .. }, Part::Point(i)) if i < points.len() => {
            let from = if i > 0 { points[i - 1][0] } else { 0.0 };
            let to = points.get(i + 1).map_or(limits::HORIZON_S, |next| next[0]);
            let at = if i > 0 { at.clamp(from, to) } else { 0.0 };
            points[i] = [at, rate];
        }
        _ => {}
    }
    made
}

/// The free curve with one more point after the point `after`: halfway to the next one, or as far on behind the last one. The new
/// point's place.
pub fn with_point(arrivals: &Arrivals, after: usize, horizon_s: f64) -> Option<(Arrivals, usize)> {
    let Arrivals::Profile { points, repeat } = arrivals else {
        return None;
    };
    let [at, rate] = *points.get(after)?;
    let new = match points.get(after + 1) {
        Some([to, high]) => [f64::midpoint(at, *to), f64::midpoint(rate, *high)],
        None if at < horizon_s => [f64::midpoint(at, horizon_s), rate],
        None => [(at + horizon_s / 10.0).min(limits::HORIZON_S), rate],
    };
    if points.len() as u64 >= limits::PROFILE {
        return None;
    }
    let mut points = points.clone();
    points.insert(after + 1, new.map(tidy));
    let repeat = *repeat;
    Some((Arrivals::Profile { points, repeat }, after + 1))
}

/// The free curve with one more point at a moment, and its place.
pub fn with_point_at(arrivals: &Arrivals, at_s: f64, value: f64) -> Option<(Arrivals, usize)> {
    let Arrivals::Profile { points, repeat } = arrivals else {
        return None;
    };
    if points.len() as u64 >= limits::PROFILE {
        return None;
    }
    let place = points.partition_point(|[at, _]| *at <= at_s).max(1);
    let mut points = points.clone();
    let at = tidy(at_s.clamp(0.0, limits::HORIZON_S));
    points.insert(place, [at, tidy(value.clamp(0.0, limits::RATE_PER_S))]);
    let repeat = *repeat;
    Some((Arrivals::Profile { points, repeat }, place))
}

/// The free curve without a point; nothing if it would have too few left.
pub fn without_point(arrivals: &Arrivals, place: usize) -> Option<Arrivals> {
    let Arrivals::Profile { points, repeat } = arrivals else {
        return None;
    };
    if points.len() <= 2 || place >= points.len() {
        return None;
    }
    let mut points = points.clone();
    points.remove(place);
    // A curve begins at 0.
    points[0][0] = 0.0;
    let repeat = *repeat;
    Some(Arrivals::Profile { points, repeat })
}

/// Where in the free curve there is most room for another point: the place of the point before it.
pub fn widest(points: &[[f64; 2]]) -> usize {
    let gaps = points.windows(2).map(|pair| pair[1][0] - pair[0][0]);
    let widest = gaps.enumerate().fold(
        (0, 0.0),
        |best, (i, gap)| {
            if gap > best.1 { (i, gap) } else { best }
        },
    );
    widest.0
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "what is written must come back as it was")]
mod tests {
    use super::super::shape::{Shape, changed};
    use super::*;

    fn all() -> Vec<Arrivals> {
        let start = Arrivals::Poisson { rate_per_s: 100.0 };
        Shape::CHOICE
            .iter()
            .map(|to| changed(&start, *to, 60.0))
            .collect()
    }

    #[test]
    fn what_is_moved_is_where_it_was_put() {
        for arrivals in all() {
            for grip in grips(&arrivals, 60.0) {
                // Put where it is, nothing changes.
                let same = moved(&arrivals, grip.part, grip.at_s, grip.value);
                let again = grips(&same, 60.0);
                let found = again
                    .iter()
                    .find(|other| other.part == grip.part)
                    .expect("there");
                assert!(
                    (found.at_s - grip.at_s).abs() < 1e-9
                        && (found.value - grip.value).abs() < 1e-9
                );
                // A little on, it is a little on; all others stay but those that are one with it.
                let (at_s, value) = (grip.at_s + 0.5, grip.value + 3.0);
                let after = moved(&arrivals, grip.part, at_s, value);
                let found = grips(&after, 60.0);
                let found = found
                    .iter()
                    .find(|other| other.part == grip.part)
                    .expect("there");
                // A day's least cannot be over its peak, and here it is far below.
                if grip.up {
                    assert!(
                        (found.value - value).abs() < 1e-6,
                        "{arrivals:?}: {grip:?} {found:?}"
                    );
                }
                if grip.along {
                    assert!(
                        (found.at_s - at_s).abs() < 1e-6,
                        "{arrivals:?}: {grip:?} {found:?}"
                    );
                } else {
                    assert!((found.at_s - grip.at_s).abs() < 1e-6);
                }
                assert!(!found.words().is_empty());
            }
        }
    }

    #[test]
    fn wherever_it_is_put_the_scenario_stays_valid() {
        for arrivals in all() {
            for grip in grips(&arrivals, 60.0) {
                for (at_s, value) in [(-5.0, -9.0), (0.0, 0.0), (59.0, 5e9), (1e9, 20.0)] {
                    let made = moved(&arrivals, grip.part, at_s, value);
                    let scenario = serde_json::json!({
                        "version": 1, "horizon_s": 60, "components": {
                            "u": { "client": { "target": "a", "operation": "read", "arrivals": made } },
                            "a": { "service": { "workers": 1, "plans": { "read": [{ "work": { "constant": { "mean_ms": 1 } } }] } } }
                        }
                    });
                    let scenario: scale_sim::Scenario =
                        serde_json::from_value(scenario).expect("of the form of a scenario");
                    let problems = scenario.problems();
                    assert!(problems.is_empty(), "{made:?}: {problems:?}");
                }
            }
        }
    }

    #[test]
    fn points_come_and_go() {
        let curve = Arrivals::Profile {
            points: vec![[0.0, 10.0], [20.0, 30.0], [60.0, 30.0]],
            repeat: false,
        };
        let points = |arrivals: &Arrivals| match arrivals {
            Arrivals::Profile { points, .. } => points.clone(),
            _ => Vec::new(),
        };
        assert_eq!(widest(&points(&curve)), 1);
        let (more, place) = with_point(&curve, 0, 60.0).expect("a curve");
        assert_eq!((points(&more)[place], place), ([10.0, 20.0], 1));
        let (last, place) = with_point(&curve, 2, 60.0).expect("a curve");
        assert_eq!(points(&last)[place], [66.0, 30.0]);
        let (at, place) = with_point_at(&curve, 40.0, 90.0).expect("a curve");
        assert_eq!((points(&at)[place], place), ([40.0, 90.0], 2));
        assert_eq!(without_point(&at, place).as_ref(), Some(&curve));
        let first = without_point(&curve, 0).expect("two are left");
        assert_eq!(points(&first), [[0.0, 30.0], [60.0, 30.0]]);
        assert_eq!(without_point(&first, 0), None);
        assert_eq!(
            with_point(&Arrivals::Poisson { rate_per_s: 1.0 }, 0, 60.0),
            None
        );
    }

    #[test]
    fn a_spikes_end_stays_where_it_is() {
        let spike = Arrivals::Spike {
            base_per_s: 10.0,
            peak_per_s: 50.0,
            at_s: 20.0,
            for_s: 10.0,
        };
        let later = moved(&spike, Part::Peak, 25.0, 60.0);
        assert_eq!(
            later,
            Arrivals::Spike {
                base_per_s: 10.0,
                peak_per_s: 60.0,
                at_s: 25.0,
                for_s: 5.0
            }
        );
    }
}
