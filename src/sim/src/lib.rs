//! The simulation core of Scale Lab: discrete-event simulation of systems under load.
//!
//! A [`Scenario`] is read from a file and checked, compiled into a [`Model`], and run by an [`Engine`] that tells its
//! [`Probe`] everything that happens. The [`Recorder`] is the probe that keeps figures, series and the
//! stories of single requests. Nothing here knows a browser, a file system or a clock; the same seed gives the same run,
//! to the byte, on every platform.

mod arrivals;
mod calendar;
mod compile;
mod component;
pub mod db;
mod distribution;
mod engine;
mod estimate;
mod event;
mod figures;
mod frame;
mod index;
mod json;
pub mod limits;
mod list;
mod measure;
mod model;
mod probe;
mod problem;
mod random;
mod recorder;
mod replay;
mod run;
mod scenario;
mod state_hash;
mod story;
mod time;

pub use component::{
    Arrivals, Balancer, Call, Care, Choice, Client, Commits, Component, Costs, Database,
    Discipline, Instruction, Kind, LogFormat, Paging, Parallel, Policy, Pool, Reads, Replication,
    Service, Statement, Table,
};
pub use distribution::Distribution;
pub use engine::{Engine, Stop, Totals};
pub use estimate::Estimate;
pub use event::{Child, Event, LOG_HEAD, Loss, RequestRef, write_line};
pub use figures::{Figures, Latency, Losses, StationFigures};
pub use json::{from_json_value, parse_json, read_json, write_json};
pub use measure::{Condition, Measure, Metric};
pub use model::{Files, Model, StationInfo};
pub use probe::{Log, NoProbe, Probe};
pub use problem::Problem;
pub use random::{Draws, Key};
pub use recorder::Recorder;
pub use replay::{ReplayError, read as read_replay};
pub use run::{Outcome, Simulation, outcome, run, run_unwatched, simulation};
pub use scenario::{Scenario, VERSION, View};
pub use story::{Doing, Span, Stories, Story};
pub use time::{Duration, Time};
