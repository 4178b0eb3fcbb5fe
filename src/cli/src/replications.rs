//! Running a model: once, once with its events written away, or many times side by side.

use std::io::{self, Write};
use std::sync::Arc;

use scale_sim::{Engine, Model, Probe, Recorder, Scenario, Stop, Time};

use crate::events::EventLog;
use crate::input::Input;
use crate::parallel;
use crate::progress::Progress;
use crate::report::Run;

/// Runs `model` once.
pub fn one(model: &Arc<Model>, seed: u64) -> Run {
    let mut engine = Engine::new(Arc::clone(model), Recorder::new(model));
    let stop = drive(&mut engine, |_| true);
    over(seed, &engine, engine.probe(), stop)
}

/// Runs `model` once and writes its events to `out` while it goes on.
///
/// # Errors
///
/// Why they could not be written; the run ends there.
pub fn logged(model: &Arc<Model>, seed: u64, out: impl Write) -> io::Result<Run> {
    let probe = (Recorder::new(model), EventLog::new(out));
    let mut engine = Engine::new(Arc::clone(model), probe);
    let stop = drive(&mut engine, |(_, log)| !log.has_failed());
    let run = over(seed, &engine, &engine.probe().0, stop);
    engine.into_probe().1.finish()?;
    Ok(run)
}

/// Runs a scenario with `count` seeds from its own on, at least one, side by side. The runs stand in the order of their seeds.
pub fn many(input: &Input, count: u32) -> Vec<Run> {
    let first = input.scenario.seed;
    let seeds: Vec<u64> = (first..=first + u64::from(count - 1)).collect();
    let run = |seed: &u64| {
        let scenario = Scenario {
            seed: *seed,
            ..input.scenario.clone()
        };
        let model =
            Model::new(&scenario, &input.files).expect("it was compiled before, with another seed");
        let recorder = Recorder::new(&model);
        let mut engine = Engine::new(Arc::new(model), recorder);
        let stop = engine.run_until(engine.model().horizon());
        over(*seed, &engine, engine.probe(), stop)
    };
    parallel::map(&seeds, run, |done| format!("{done} of {count} runs"))
}

/// Runs to the horizon while `go_on`, and shows how far it has come.
fn drive<P: Probe>(engine: &mut Engine<P>, go_on: impl Fn(&P) -> bool) -> Stop {
    /// Slices of a run, between which the progress is shown.
    const SLICES: u64 = 1000;
    let horizon = engine.model().horizon();
    let mut progress = Progress::new();
    for slice in 1..=SLICES {
        let until = Time::from_nanos(
            (u128::from(horizon.nanos()) * u128::from(slice) / u128::from(SLICES)) as u64,
        );
        let stop = engine.run_until(until);
        if stop != Stop::Reached || !go_on(engine.probe()) {
            return stop;
        }
        progress.tell(|| {
            format!(
                "{:.0} of {} s simulated, {} events",
                until.secs(),
                horizon.secs(),
                engine.events()
            )
        });
    }
    Stop::Reached
}

fn over<P: Probe>(seed: u64, engine: &Engine<P>, recorder: &Recorder, stop: Stop) -> Run {
    Run {
        seed,
        figures: recorder.summary(),
        findings: recorder.findings(),
        totals: engine.totals(),
        events: engine.events(),
        stop,
        ended: engine.now(),
        state_hash: engine.state_hash(),
    }
}
