//! Tests of the whole: the engine against theory, against itself and against the browser; lessons against their claims.

use std::sync::Arc;

use scale_sim::{Engine, Estimate, Files, Log, Measure, Model, Outcome, Probe, Scenario, run};

/// A scenario from its components, with the usual frame.
///
/// # Panics
///
/// If it is not valid.
pub fn scenario(seed: u64, horizon_s: f64, warmup_s: f64, components: &str) -> Scenario {
    let text = format!(
        r#"{{"version":1,"seed":{seed},"horizon_s":{horizon_s},"warmup_s":{warmup_s},"components":{{{components}}}}}"#
    );
    Scenario::from_json(&text).unwrap_or_else(|problems| panic!("{problems:?} in {text}"))
}

/// Runs `scenario` once with each seed, on as many processors as there are.
///
/// # Panics
///
/// If it is not valid.
pub fn replications(scenario: &Scenario, seeds: core::ops::Range<u64>) -> Vec<Outcome> {
    let one = |seed| {
        let scenario = Scenario {
            seed,
            ..scenario.clone()
        };
        run(&scenario, &Files::new()).expect("checked by the caller")
    };
    let seeds: Vec<u64> = seeds.collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = seeds.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let work = seeds
            .chunks(share)
            .map(|seeds| scope.spawn(move || seeds.iter().copied().map(one).collect::<Vec<_>>()));
        let work: Vec<_> = work.collect();
        let done = work
            .into_iter()
            .map(|thread| thread.join().expect("no run panics"));
        done.flatten().collect()
    })
}

/// The mean of a measure over replications, with its 99% confidence interval.
///
/// # Panics
///
/// If nothing was measured.
pub fn estimate(outcomes: &[Outcome], measure: &str) -> Estimate {
    let measure: Measure = read_measure(measure);
    let values: Vec<f64> = outcomes
        .iter()
        .map(|o| o.value(&measure).expect("there is something to measure"))
        .collect();
    Estimate::new(&values, 0.99).expect("there is at least one replication")
}

fn read_measure(text: &str) -> Measure {
    scale_sim::read_json(text).unwrap_or_else(|problem| panic!("{problem} in {text}"))
}

/// The whole event log of a run, and the hash of the state in which it ends.
///
/// # Panics
///
/// If the scenario is not valid.
pub fn log(scenario: &Scenario) -> (String, u64) {
    let mut engine = engine(scenario, Log::default());
    let horizon = engine.model().horizon();
    engine.run_until(horizon);
    let hash = engine.state_hash();
    (engine.probe_mut().take(), hash)
}

/// An engine at the start of a run.
///
/// # Panics
///
/// If the scenario is not valid.
pub fn engine<P: Probe>(scenario: &Scenario, probe: P) -> Engine<P> {
    let model = Model::new(scenario, &Files::new()).expect("valid");
    Engine::new(Arc::new(model), probe)
}
