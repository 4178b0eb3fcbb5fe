//! What load a design can take.
//!
//! A design is a [`Scenario`](scale_sim::Scenario) with its load at 1x. [`plan`] lists the runs of a sweep, from 1 to 10 times that load
//! with several seeds each; [`Sweep::new`] makes a capacity curve of what came of them, with confidence intervals, the knee, and
//! the fit of the Universal Scalability Law beside it; [`bottlenecks`] names what gives first in one run, with its evidence.
//! [`cost`] says what it costs an hour, [`Slos`] what it promises and how much of it a run kept, and a [`Challenge`] judges a design
//! by both, on a day that is worse than today.
//! Nothing here runs anything by itself: the command line runs the list on all processors, a page on its workers.

mod bottleneck;
mod challenge;
mod cost;
mod duty;
mod judge;
mod load;
mod mechanism;
mod proof;
mod refuse;
mod report;
mod slo;
mod sweep;
mod usl;

pub use bottleneck::{Bottleneck, Evidence, Resource, Run, bottlenecks};
pub use challenge::{
    Attempt, BRIEF, Brief, CHALLENGE_VERSION, Challenge, Day, Found, Hit, INDEX, Largest, Load,
    Mishap, Prepared, Rule, START, Steps, Struck,
};
pub use cost::{Bill, Line, Prices, cost, cost_of_run};
pub use judge::Verdict;
pub use load::at_load;
pub use mechanism::{Mechanism, mechanisms};
pub use proof::{ChallengeFiles, NON_SOLUTIONS, Proof, SEEDS, SOLUTIONS};
pub use report::{Made, Report, Said, Tried, trial};
pub use slo::{ErrorBudget, Measured, Objective, Slos};
pub use sweep::{Goal, Knee, Point, Sample, Sweep, Trial, plan};
pub use usl::Usl;
