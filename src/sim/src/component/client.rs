//! Clients: where requests come from.
//!
//! Models: an open loop (arrivals come whether or not earlier ones were answered) and a closed loop (each of a fixed number
//! of users waits for the answer, thinks, then asks again), as in Schroeder, Wierman and Harchol-Balter, *Open versus
//! closed: a cautionary tale* (NSDI 2006); and the replay of recorded arrivals.
//! Does not model: patience; every user waits until the answer or the refusal.

use serde::{Deserialize, Serialize};

use super::{ANY, check_operation, check_target};
use crate::distribution::Distribution;
use crate::limits;
use crate::problem::Problems;
use crate::scenario::Scenario;

/// A source of requests.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// The operation that its requests ask for.
    pub operation: String,
    /// The component that gets them.
    pub target: String,
    /// When they come.
    pub arrivals: Arrivals,
    /// How late an answer is still of use, in milliseconds: a later one counts as throughput, not as goodput. Without it
    /// every answer is of use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<f64>,
}

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

impl Client {
    pub(crate) fn check(&self, scenario: &Scenario, p: &mut Problems) {
        if self.operation == ANY {
            p.note_at(
                "operation",
                "'*' stands for any operation: a client asks for one by name",
            );
        } else {
            check_operation("operation", &self.operation, p);
        }
        check_target("target", &self.target, scenario, p);
        p.within("arrivals", |p| self.arrivals.check(p));
        if let Some(deadline) = self.deadline_ms {
            p.number("deadline_ms", deadline, 1e-6, limits::WORK_MS);
        }
    }
}

impl Arrivals {
    fn check(&self, p: &mut Problems) {
        match self {
            Self::Poisson { rate_per_s } => {
                p.within("poisson", |p| {
                    p.number("rate_per_s", *rate_per_s, 0.0, limits::RATE_PER_S);
                });
            }
            Self::Constant { rate_per_s } => {
                p.within("constant", |p| {
                    p.number("rate_per_s", *rate_per_s, 0.0, limits::RATE_PER_S);
                });
            }
            Self::Ramp {
                from_per_s,
                to_per_s,
                over_s,
            } => p.within("ramp", |p| {
                p.number("from_per_s", *from_per_s, 0.0, limits::RATE_PER_S);
                p.number("to_per_s", *to_per_s, 0.0, limits::RATE_PER_S);
                p.number("over_s", *over_s, 1e-3, limits::HORIZON_S);
            }),
            Self::Closed { users, think_time } => p.within("closed", |p| {
                p.count("users", u64::from(*users), 1, limits::USERS);
                p.within("think_time", |p| think_time.check(p));
            }),
            Self::Replay { file, .. } => p.within("replay", |p| {
                if file.is_empty() || file.len() > 200 {
                    p.note_at("file", "a file's name is 1 to 200 characters");
                }
            }),
        }
    }
}
