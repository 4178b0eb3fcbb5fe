//! What load a design can take.
//!
//! A design is a [`Scenario`](scale_sim::Scenario) with its load at 1x. [`plan`] lists the runs of a sweep, from 1 to 10 times that load
//! with several seeds each; [`Sweep::new`] makes a capacity curve of what came of them, with confidence intervals, the knee, and
//! the fit of the Universal Scalability Law beside it; [`bottlenecks`] names what gives first in one run, with its evidence.
//! Nothing here runs anything by itself: the command line runs the list on all processors, a page on its workers.

mod bottleneck;
mod cost;
mod load;
mod report;
mod slo;
mod sweep;
mod usl;

pub use bottleneck::{Bottleneck, Evidence, Resource, Run, bottlenecks};
pub use cost::{Bill, Line, Prices, cost, cost_of_run};
pub use load::at_load;
pub use report::{Report, Said, Tried, in_page, trial};
pub use slo::{ErrorBudget, Measured, Objective, Slos};
pub use sweep::{Goal, Knee, Point, Sample, Sweep, Trial, plan};
pub use usl::Usl;
