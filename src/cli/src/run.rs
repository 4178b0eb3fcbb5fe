//! `lab run`: runs a scenario once, or with many seeds, and prints what came of it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use scale_course::Fault;
use scale_sim::{
    Arrivals, Component, Engine, Model, Problem, Stop, Trace, read_moments, read_replay,
};

use crate::args::RunArguments;
use crate::failure::{Failure, harmless};
use crate::input::{self, Input};
use crate::report::{Report, Run};
use crate::{replications, table};

/// Runs what `arguments` ask for and prints it. Tells whether every run came to its end.
///
/// # Errors
///
/// What is wrong with the inputs, or why the output could not be written.
pub fn run(arguments: &RunArguments) -> Result<bool, Failure> {
    let input = read(arguments)?;
    let model = Model::new(&input.scenario, &input.files)
        .map_err(|found| input::faults(&arguments.scenario, found))?;
    let model = Arc::new(model);
    for note in unheard(&input) {
        writeln!(io::stderr(), "note: {}", harmless(&note))?;
    }

    let seed = input.scenario.seed;
    let log_to_stdout = arguments.events.as_deref() == Some(Path::new("-"));
    let runs = match arguments.events.as_deref() {
        None if arguments.replications == 1 => vec![replications::one(&model, seed)],
        None => replications::many(&input, arguments.replications),
        Some(_) if log_to_stdout => {
            vec![replications::logged(&model, seed, io::stdout().lock())?]
        }
        Some(file) => vec![logged_to(file, &input, &model)?],
    };
    if let Some(file) = &arguments.trace {
        trace_to(file, &input, &model)?;
    }

    let report = Report::new(&arguments.scenario, &input.scenario, &model, &runs);
    let text = if arguments.json {
        serde_json::to_string_pretty(&report).expect("a report is plain data") + "\n"
    } else {
        harmless(&table::text(&report))
    };
    if log_to_stdout {
        io::stderr().write_all(text.as_bytes())?;
    } else {
        io::stdout().write_all(text.as_bytes())?;
    }
    for run in runs.iter().filter(|run| run.stop != Stop::Reached) {
        writeln!(io::stderr(), "seed {}: {}", run.seed, run.stop)?;
    }
    Ok(runs.iter().all(|run| run.stop == Stop::Reached))
}

/// Reads the scenario and changes what the arguments change.
fn read(arguments: &RunArguments) -> Result<Input, Vec<Fault>> {
    let path = &arguments.scenario;
    let mut scenario = input::scenario(path, &arguments.settings.iter().cloned().collect())?;
    if let Some(seed) = arguments.seed {
        scenario.seed = seed;
    }
    scenario.faults.extend(arguments.faults.iter().cloned());
    if let Some(until) = arguments.until {
        scenario.horizon_s = until;
    }
    if scenario
        .seed
        .checked_add(u64::from(arguments.replications - 1))
        .is_none()
    {
        let message = format!(
            "{} is too great for {} seeds from there on",
            scenario.seed, arguments.replications
        );
        return Err(input::faults(path, vec![Problem::new("seed", message)]));
    }
    let scenario = scenario
        .checked()
        .map_err(|found| input::faults(path, found))?;
    input::with_files(path, scenario)
}

/// Refuses to write `what` over one of the files that were read.
fn keep_inputs(file: &Path, input: &Input, what: &str) -> Result<(), Vec<Fault>> {
    let same = |path: &Path| matches!((fs::canonicalize(path), fs::canonicalize(file)), (Ok(a), Ok(b)) if a == b);
    if input.paths.iter().any(|path| same(path)) {
        let why = format!("the {what} would be written over an input of the run");
        return Err(input::fault(file, &why));
    }
    Ok(())
}

/// Bytes of a trace, about.
const TRACE: usize = 256 << 20;

/// Runs `model` once more, which comes out the same, and writes it to `file` as trace events.
fn trace_to(file: &Path, input: &Input, model: &Arc<Model>) -> Result<(), Vec<Fault>> {
    keep_inputs(file, input, "trace")?;
    let mut engine = Engine::new(Arc::clone(model), Trace::new(TRACE));
    engine.run_until(model.horizon());
    let trace = engine.into_probe().finish();
    fs::write(file, trace)
        .map_err(|error| input::fault(file, &format!("the trace could not be written: {error}")))
}

/// Runs `model` once and writes its events to `file`.
fn logged_to(file: &Path, input: &Input, model: &Arc<Model>) -> Result<Run, Vec<Fault>> {
    keep_inputs(file, input, "events")?;
    let unwritten =
        |error: io::Error| input::fault(file, &format!("the events could not be written: {error}"));
    let out = File::create(file).map_err(unwritten)?;
    replications::logged(model, input.scenario.seed, out).map_err(unwritten)
}

/// A sentence for each recording that goes on after the run ends.
fn unheard(input: &Input) -> Vec<String> {
    let horizon_s = input.scenario.horizon_s;
    let notes = input.scenario.components.iter().filter_map(|(name, component)| {
        let Component::Client(client) = component else {
            return None;
        };
        let (times, from) = match &client.arrivals {
            Arrivals::Replay { file, format, .. } => {
                (read_replay(input.files.get(file)?, *format), file.as_str())
            }
            Arrivals::Recording { times_s, .. } => (read_moments(times_s), "its recording"),
            _ => return None,
        };
        let times = times.ok()?;
        let heard = times.partition_point(|time| time.secs() <= horizon_s);
        let last_s = times.last()?.secs();
        (heard < times.len()).then(|| {
            format!(
                "'{name}' plays {heard} of the {} requests in {from}: the run ends at {horizon_s} s, the recording at {last_s:.1} s",
                times.len(),
            )
        })
    });
    notes.collect()
}
