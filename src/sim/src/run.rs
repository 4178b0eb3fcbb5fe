//! A run from start to end, and what came of it.

use std::sync::Arc;

use crate::audit::Findings;
use crate::engine::{Engine, Stop, Totals};
use crate::figures::Figures;
use crate::measure::Measure;
use crate::model::{Files, Model};
use crate::problem::Problem;
use crate::recorder::Recorder;
use crate::scenario::Scenario;
use crate::story::Stories;
use crate::time::Time;

/// A run watched by a [`Recorder`]: what lessons, quizzes and the command line use.
pub type Simulation = Engine<Recorder>;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The model that ran.
    pub model: Arc<Model>,
    /// The figures after the warm-up.
    pub figures: Figures,
    /// The figures window by window, from the start.
    pub series: Vec<Figures>,
    /// The stories of the slowest and the lost.
    pub stories: Stories,
    /// What the audit of the scenario's invariants found, from the start.
    pub findings: Findings,
    /// What became of all requests, from the start.
    pub totals: Totals,
    /// Events handled.
    pub events: u64,
    /// Whether the run came to its end.
    pub stop: Stop,
    /// The hash of the state in which it ended.
    pub state_hash: u64,
}

impl Outcome {
    /// A measure over the run after its warm-up.
    pub fn value(&self, measure: &Measure) -> Option<f64> {
        measure.value(&self.model, &self.figures)
    }
}

/// A new simulation of `scenario`, at its start.
///
/// # Errors
///
/// Every problem of the scenario and of the files that it names.
pub fn simulation(scenario: &Scenario, files: &Files) -> Result<Simulation, Vec<Problem>> {
    let model = Arc::new(Model::new(scenario, files)?);
    let recorder = Recorder::new(&model);
    Ok(Engine::new(model, recorder))
}

/// Runs `scenario` from start to end.
///
/// # Errors
///
/// Every problem of the scenario and of the files that it names.
pub fn run(scenario: &Scenario, files: &Files) -> Result<Outcome, Vec<Problem>> {
    let mut simulation = simulation(scenario, files)?;
    let horizon = simulation.model().horizon();
    let stop = simulation.run_until(horizon);
    Ok(outcome(&simulation, stop))
}

/// What has come of a simulation so far.
pub fn outcome(simulation: &Simulation, stop: Stop) -> Outcome {
    let recorder = simulation.probe();
    Outcome {
        model: Arc::clone(simulation.model()),
        figures: recorder.summary(),
        series: recorder.series().to_vec(),
        stories: recorder.stories().clone(),
        findings: recorder.findings(),
        totals: simulation.totals(),
        events: simulation.events(),
        stop,
        state_hash: simulation.state_hash(),
    }
}

/// Runs a model to its end without watching it, for benchmarks: compiled here, where the optimiser looks for speed. Tells
/// what became of all requests, and how many events that were.
pub fn run_unwatched(model: &Arc<Model>, until: Time) -> (Totals, u64) {
    let mut engine = Engine::new(Arc::clone(model), crate::probe::NoProbe);
    engine.run_until(until);
    (engine.totals(), engine.events())
}
