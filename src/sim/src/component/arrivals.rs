//! When a client's requests come.
//!
//! Open loops: at random, evenly, at rates that change with time, in bursts, in batches, or as recorded. A closed loop: users who
//! wait for the answer, think, and ask again.
//! Does not model: users who come, do several things and go, or who stay away because the system is slow.

use serde::{Deserialize, Serialize};

use crate::distribution::Distribution;
use crate::limits;
use crate::problem::Problems;
use crate::rates::{DailyRate, Piecewise};
use crate::replay;

/// When requests come.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Arrivals {
    /// At random, independently of each other: a Poisson process.
    Poisson {
        /// Mean arrivals a second; 0 for none.
        rate_per_s: f64,
    },
    /// At equal distances.
    Constant {
        /// Arrivals a second; 0 for none.
        rate_per_s: f64,
    },
    /// At random with a rate that changes evenly from one value to another and then stays: a non-homogeneous Poisson
    /// process, sampled by inverting its cumulative rate (Çinlar, *Introduction to Stochastic Processes*, 1975).
    Ramp {
        /// Arrivals a second at the start.
        from_per_s: f64,
        /// Arrivals a second at the end and from then on.
        to_per_s: f64,
        /// How long the change takes, in seconds.
        over_s: f64,
    },
    /// At random with one rate, but for a while with another, as after an announcement.
    Spike {
        /// Arrivals a second before and after.
        base_per_s: f64,
        /// Arrivals a second during the spike.
        peak_per_s: f64,
        /// When it begins, in seconds.
        at_s: f64,
        /// How long it lasts, in seconds.
        for_s: f64,
    },
    /// At random with a rate that swings about its mean as a cosine does: day and night.
    Daily {
        /// Mean arrivals a second.
        mean_per_s: f64,
        /// How far it swings, as a part of the mean: 0 is not at all, with 1 the rate at the trough is 0 and at the peak twice
        /// the mean.
        swing: f64,
        /// How long a day is, in seconds.
        #[serde(default = "day_s", skip_serializing_if = "is_day")]
        #[cfg_attr(feature = "schema", schemars(extend("default" = day_s())))]
        period_s: f64,
        /// When in the day the peak is, in seconds.
        #[serde(default, skip_serializing_if = "is_zero")]
        #[cfg_attr(feature = "schema", schemars(extend("default" = 0.0)))]
        peak_at_s: f64,
    },
    /// At random with a rate that is linear between points.
    Profile {
        /// Points, each a moment in seconds and the arrivals a second then. The first is at 0; two at one moment are a jump.
        points: Vec<[f64; 2]>,
        /// Whether it begins again after the last point; else the last rate stays.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        repeat: bool,
    },
    /// In bursts: at random with one of two rates, each for an exponential time. A Markov-modulated Poisson process (Fischer and
    /// Meier-Hellstern, Performance Evaluation 18, 1993), which is bursty at every scale up to the phases' length.
    OnOff {
        /// Arrivals a second during a burst.
        rate_on_per_s: f64,
        /// Arrivals a second between bursts; 0 for none.
        #[serde(default, skip_serializing_if = "is_zero")]
        #[cfg_attr(feature = "schema", schemars(extend("default" = 0.0)))]
        rate_off_per_s: f64,
        /// The mean length of a burst, in seconds.
        mean_on_s: f64,
        /// The mean time between bursts, in seconds.
        mean_off_s: f64,
    },
    /// In batches that come at random: several requests at one moment, as from a page that asks for all its parts at once.
    Batch {
        /// Mean requests (not batches) a second; 0 for none.
        rate_per_s: f64,
        /// How many requests a batch has.
        size: BatchSize,
    },
    /// A closed loop: a fixed number of users, each with at most one request under way.
    Closed {
        /// How many users.
        users: u32,
        /// How long a user thinks before each request.
        think_time: Distribution,
    },
    /// Arrivals as recorded in a file that lies beside the scenario.
    Replay {
        /// The file's name.
        file: String,
        /// How the file is written.
        format: LogFormat,
        /// How many requests come for each that was recorded, 0.001 to 1,000: evenly in the time up to the next.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        multiplier: f64,
    },
    /// Arrivals as recorded, kept in the scenario itself: it needs no file beside it.
    Recording {
        /// The moments in order, a line each: seconds since any moment, with nine digits behind the point at most. At most
        /// 200,000 bytes.
        times_s: String,
        /// How many requests come for each that was recorded, 0.001 to 1,000: evenly in the time up to the next.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        multiplier: f64,
    },
}

/// How many requests a batch has.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BatchSize {
    /// Always as many.
    Constant {
        /// How many, 1 to 10,000.
        size: u32,
    },
    /// Geometric from 1: many small, few large.
    Geometric {
        /// The mean, 1 to 10,000.
        mean: f64,
    },
}

/// How a file of recorded arrivals is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// A column of seconds since any moment, in order, with or without a head line; further columns are ignored.
    Csv,
    /// A web server's access log in Common or Combined Log Format.
    CommonLog,
}

const fn day_s() -> f64 {
    86_400.0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_day(seconds: &f64) -> bool {
    seconds.to_bits() == day_s().to_bits()
}

const fn one() -> f64 {
    1.0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_one(value: &f64) -> bool {
    value.to_bits() == one().to_bits()
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(value: &f64) -> bool {
    value.to_bits() == 0
}

/// The shortest mean of a phase, in seconds.
const PHASE_S: f64 = 0.01;
/// The least arrivals of a burst and the time up to the next, on average: phases without any are walked through one by one.
const PER_BURST: f64 = 0.01;

impl BatchSize {
    /// The mean number of requests in a batch.
    pub fn mean(self) -> f64 {
        match self {
            Self::Constant { size } => f64::from(size),
            Self::Geometric { mean } => mean,
        }
    }

    fn check(self, p: &mut Problems) {
        match self {
            Self::Constant { size } => p.within("constant", |p| {
                p.count("size", u64::from(size), 1, limits::BATCH);
            }),
            Self::Geometric { mean } => p.within("geometric", |p| {
                p.number("mean", mean, 1.0, limits::BATCH as f64);
            }),
        }
    }
}

impl Arrivals {
    /// Requests a second that are to be expected at a moment of the run, in seconds. Bursts count with their mean, batches with their
    /// requests. None of a closed loop, where that depends on the answers, and of what was recorded, which has no rate.
    pub fn rate_at(&self, s: f64) -> Option<f64> {
        self.rate(|piecewise| piecewise.rate_at(s), |daily| daily.rate_at(s))
    }

    /// Requests that are to be expected in the first `until_s` seconds of the run, over 0; none where there is no [`rate_at`](Self::rate_at).
    pub fn expected_until(&self, until_s: f64) -> Option<f64> {
        let steady = self.rate(
            |piecewise| piecewise.until(until_s) / until_s,
            |daily| daily.until(until_s) / until_s,
        );
        steady.map(|rate| rate * until_s)
    }

    /// What `piecewise` or `daily` makes of a rate that changes; the rate itself if it does not.
    fn rate(
        &self,
        piecewise: impl Fn(Piecewise) -> f64,
        daily: impl Fn(DailyRate) -> f64,
    ) -> Option<f64> {
        let once = |points: &[[f64; 2]]| {
            let repeat = false;
            piecewise(Piecewise { points, repeat })
        };
        Some(match *self {
            Self::Poisson { rate_per_s }
            | Self::Constant { rate_per_s }
            | Self::Batch { rate_per_s, .. } => rate_per_s,
            Self::Ramp {
                from_per_s,
                to_per_s,
                over_s,
            } => once(&ramp(from_per_s, to_per_s, over_s)),
            Self::Spike {
                base_per_s,
                peak_per_s,
                at_s,
                for_s,
            } => once(&spike(base_per_s, peak_per_s, at_s, for_s)),
            Self::Profile { ref points, repeat } => piecewise(Piecewise { points, repeat }),
            Self::Daily {
                mean_per_s,
                swing,
                period_s,
                peak_at_s,
            } => daily(DailyRate {
                mean_per_s,
                swing,
                period_s,
                peak_at_s,
            }),
            Self::OnOff {
                rate_on_per_s,
                rate_off_per_s,
                mean_on_s,
                mean_off_s,
            } => {
                (rate_on_per_s * mean_on_s + rate_off_per_s * mean_off_s) / (mean_on_s + mean_off_s)
            }
            Self::Closed { .. } | Self::Replay { .. } | Self::Recording { .. } => return None,
        })
    }

    /// The process as scenario files spell it.
    const fn name(&self) -> &'static str {
        match self {
            Self::Poisson { .. } => "poisson",
            Self::Constant { .. } => "constant",
            Self::Ramp { .. } => "ramp",
            Self::Spike { .. } => "spike",
            Self::Daily { .. } => "daily",
            Self::Profile { .. } => "profile",
            Self::OnOff { .. } => "on_off",
            Self::Batch { .. } => "batch",
            Self::Closed { .. } => "closed",
            Self::Replay { .. } => "replay",
            Self::Recording { .. } => "recording",
        }
    }

    pub(super) fn check(&self, p: &mut Problems) {
        p.within(self.name(), |p| self.check_fields(p));
    }

    fn check_fields(&self, p: &mut Problems) {
        let rate = |p: &mut Problems, field: &str, value: f64| {
            p.number(field, value, 0.0, limits::RATE_PER_S);
        };
        match self {
            Self::Poisson { rate_per_s } | Self::Constant { rate_per_s } => {
                rate(p, "rate_per_s", *rate_per_s);
            }
            Self::Ramp {
                from_per_s,
                to_per_s,
                over_s,
            } => {
                rate(p, "from_per_s", *from_per_s);
                rate(p, "to_per_s", *to_per_s);
                p.number("over_s", *over_s, 1e-3, limits::HORIZON_S);
            }
            Self::Spike {
                base_per_s,
                peak_per_s,
                at_s,
                for_s,
            } => {
                rate(p, "base_per_s", *base_per_s);
                rate(p, "peak_per_s", *peak_per_s);
                p.number("at_s", *at_s, 0.0, limits::HORIZON_S);
                p.number("for_s", *for_s, 1e-3, limits::HORIZON_S);
            }
            Self::Daily {
                mean_per_s,
                swing,
                period_s,
                peak_at_s,
            } => {
                // The peak is at most twice the mean.
                p.number("mean_per_s", *mean_per_s, 0.0, limits::RATE_PER_S / 2.0);
                p.number("swing", *swing, 0.0, 1.0);
                p.number("period_s", *period_s, 1.0, limits::HORIZON_S);
                p.number("peak_at_s", *peak_at_s, 0.0, limits::HORIZON_S);
            }
            Self::Profile { points, repeat } => check_points(points, *repeat, p),
            Self::OnOff {
                rate_on_per_s,
                rate_off_per_s,
                mean_on_s,
                mean_off_s,
            } => {
                rate(p, "rate_on_per_s", *rate_on_per_s);
                rate(p, "rate_off_per_s", *rate_off_per_s);
                p.number("mean_on_s", *mean_on_s, PHASE_S, limits::HORIZON_S);
                p.number("mean_off_s", *mean_off_s, PHASE_S, limits::HORIZON_S);
                let arrivals = rate_on_per_s * mean_on_s + rate_off_per_s * mean_off_s;
                if arrivals > 0.0 && arrivals < PER_BURST {
                    p.note(format!(
                        "a burst and the time up to the next bring {arrivals} requests on average: at least {PER_BURST} \
                         is allowed, or none at all"
                    ));
                }
            }
            Self::Batch { rate_per_s, size } => {
                rate(p, "rate_per_s", *rate_per_s);
                p.within("size", |p| size.check(p));
            }
            Self::Closed { users, think_time } => {
                p.count("users", u64::from(*users), 1, limits::USERS);
                p.within("think_time", |p| think_time.check(p));
            }
            Self::Replay {
                file, multiplier, ..
            } => {
                check_multiplier(p, *multiplier);
                if file.is_empty() || file.len() > 200 {
                    p.note_at("file", "a file's name is 1 to 200 characters");
                }
            }
            Self::Recording {
                times_s,
                multiplier,
            } => {
                check_multiplier(p, *multiplier);
                p.count("times_s", times_s.len() as u64, 1, limits::RECORDING);
                if times_s.len() as u64 > limits::RECORDING {
                    return;
                }
                if let Err(fault) = replay::read_moments(times_s) {
                    p.note_at("times_s", fault.to_string());
                }
            }
        }
    }
}

fn check_multiplier(p: &mut Problems, multiplier: f64) {
    p.number("multiplier", multiplier, 0.001, 1_000.0);
}

/// The points between which the rate of a ramp is linear.
pub(crate) fn ramp(from_per_s: f64, to_per_s: f64, over_s: f64) -> [[f64; 2]; 2] {
    [[0.0, from_per_s], [over_s, to_per_s]]
}

/// The points between which the rate of a spike is linear.
pub(crate) fn spike(base_per_s: f64, peak_per_s: f64, at_s: f64, for_s: f64) -> [[f64; 2]; 5] {
    let end_s = at_s + for_s;
    [
        [0.0, base_per_s],
        [at_s, base_per_s],
        [at_s, peak_per_s],
        [end_s, peak_per_s],
        [end_s, base_per_s],
    ]
}

fn check_points(points: &[[f64; 2]], repeat: bool, p: &mut Problems) {
    let least = if repeat { 2 } else { 1 };
    p.count("points", points.len() as u64, least, limits::PROFILE);
    p.within("points", |p| {
        let mut before = 0.0;
        for (i, [at_s, rate_per_s]) in points.iter().enumerate() {
            p.within(format!("[{i}]"), |p| {
                let latest = if i == 0 { 0.0 } else { limits::HORIZON_S };
                p.number("[0]", *at_s, before, latest);
                p.number("[1]", *rate_per_s, 0.0, limits::RATE_PER_S);
            });
            before = at_s.max(before);
        }
        if repeat && points.len() > 1 && before < 1e-3 {
            p.note("a profile that repeats lasts at least 0.001 s");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(json: &str) -> Vec<String> {
        let arrivals: Arrivals = crate::json::read_json(json).expect("of the format");
        let again = serde_json::to_string(&arrivals).expect("plain data");
        assert_eq!(
            crate::json::read_json::<Arrivals>(&again),
            Ok(arrivals.clone())
        );
        let mut problems = Problems::default();
        arrivals.check(&mut problems);
        let found = problems.or(()).err().unwrap_or_default();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_right_passes() {
        for json in [
            r#"{"spike":{"base_per_s":1,"peak_per_s":9,"at_s":0,"for_s":1}}"#,
            r#"{"daily":{"mean_per_s":1,"swing":1}}"#,
            r#"{"profile":{"points":[[0,1],[1,1],[1,5]]}}"#,
            r#"{"on_off":{"rate_on_per_s":5,"mean_on_s":1,"mean_off_s":1}}"#,
            r#"{"batch":{"rate_per_s":5,"size":{"geometric":{"mean":2.5}}}}"#,
            r#"{"recording":{"times_s":"0.5\n1\n1\n2.25"}}"#,
            r#"{"recording":{"times_s":"0.5\n1\n1\n2.25","multiplier":2.5}}"#,
        ] {
            assert_eq!(said(json), Vec::<String>::new(), "{json}");
        }
    }

    #[test]
    fn a_recording_has_its_bound() {
        let said = said(&format!(
            r#"{{"recording":{{"times_s":"{}"}}}}"#,
            "1\\n".repeat(limits::RECORDING as usize / 2 + 1)
        ));
        assert!(
            said[0].contains("200002 is out of range: 1 to 200000"),
            "{said:?}"
        );
    }

    #[test]
    fn rates_are_told_where_there_are_some() {
        let rate = |json: &str, s: f64| {
            let arrivals: Arrivals = crate::json::read_json(json).expect("of the format");
            arrivals.rate_at(s)
        };
        for (json, s, expected) in [
            (r#"{"poisson":{"rate_per_s":7}}"#, 3.0, Some(7.0)),
            (
                r#"{"ramp":{"from_per_s":10,"to_per_s":30,"over_s":10}}"#,
                2.5,
                Some(15.0),
            ),
            (
                r#"{"ramp":{"from_per_s":10,"to_per_s":30,"over_s":10}}"#,
                99.0,
                Some(30.0),
            ),
            (
                r#"{"spike":{"base_per_s":1,"peak_per_s":9,"at_s":4,"for_s":1}}"#,
                4.5,
                Some(9.0),
            ),
            (
                r#"{"spike":{"base_per_s":1,"peak_per_s":9,"at_s":4,"for_s":1}}"#,
                5.0,
                Some(1.0),
            ),
            (
                r#"{"profile":{"points":[[0,0],[10,10]],"repeat":true}}"#,
                24.0,
                Some(4.0),
            ),
            (
                r#"{"daily":{"mean_per_s":8,"swing":0.5,"period_s":100,"peak_at_s":20}}"#,
                120.0,
                Some(12.0),
            ),
            (
                r#"{"on_off":{"rate_on_per_s":8,"mean_on_s":1,"mean_off_s":3}}"#,
                1.0,
                Some(2.0),
            ),
            (
                r#"{"closed":{"users":8,"think_time":{"constant":{"mean_ms":5}}}}"#,
                1.0,
                None,
            ),
            (r#"{"recording":{"times_s":"1"}}"#, 1.0, None),
        ] {
            assert_eq!(rate(json, s), expected, "{json} at {s}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        for (json, expected) in [
            (
                r#"{"spike":{"base_per_s":1,"peak_per_s":9e9,"at_s":0,"for_s":1}}"#,
                "spike.peak_per_s: 9000000000 is out",
            ),
            (
                r#"{"daily":{"mean_per_s":1,"swing":1.5}}"#,
                "daily.swing: 1.5 is out of range: 0 to 1",
            ),
            (
                r#"{"profile":{"points":[[0,1],[2,1],[1,5]]}}"#,
                "profile.points[2][0]: 1 is out of range: 2 to",
            ),
            (
                r#"{"profile":{"points":[[1,1]]}}"#,
                "profile.points[0][0]: 1 is out of range: 0 to 0",
            ),
            (
                r#"{"profile":{"points":[[0,1],[0,2]],"repeat":true}}"#,
                "profile.points: a profile that repeats",
            ),
            (r#"{"profile":{"points":[]}}"#, "profile.points: 0 is out"),
            (
                r#"{"on_off":{"rate_on_per_s":5,"mean_on_s":1,"mean_off_s":0}}"#,
                "on_off.mean_off_s: 0 is out",
            ),
            (
                r#"{"on_off":{"rate_on_per_s":1e-9,"mean_on_s":1,"mean_off_s":1}}"#,
                "on_off: a burst and the time up to the next bring 0.000000001 requests",
            ),
            (
                r#"{"batch":{"rate_per_s":5,"size":{"constant":{"size":0}}}}"#,
                "batch.size.constant.size: 0 is out",
            ),
            (
                r#"{"recording":{"times_s":"1\n2\n1.5"}}"#,
                "recording.times_s: line 3: times must not go back",
            ),
            (
                r#"{"recording":{"times_s":"\n"}}"#,
                "recording.times_s: line 1: a moment is written",
            ),
        ] {
            let said = said(json);
            assert!(said.len() == 1 && said[0].starts_with(expected), "{said:?}");
        }
    }
}
