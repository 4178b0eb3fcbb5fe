//! `lab hunt`: looks for a run that breaks one of the scenario's invariants, makes it small, and says how to see it again.
//!
//! Simulation testing as `FoundationDB` does it (Zhou and others, *`FoundationDB`: A Distributed Unbundled Transactional Key Value
//! Store*, SIGMOD 2021, section 4): the same seed and the same faults give the same run, so whatever is found once can be
//! replayed. Where Jepsen chooses moments for its faults by chance, here every event of a run is one.

mod case;
mod search;
mod shrink;
mod told;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use scale_sim::{Model, Problem, Scenario};

use crate::args::HuntArguments;
use crate::failure::{Failure, harmless};
use crate::input::{self, Input};
use crate::parallel;

use case::{Case, Found};
use search::Cases;
use shrink::Shrinking;

/// Seeds of which all events are tried with faults.
const SEEDS_WITH_FAULTS: u64 = 8;

/// Hunts, and prints what was found. Tells whether nothing was.
///
/// # Errors
///
/// What is wrong with the inputs, or why the output could not be written.
pub fn hunt(arguments: &HuntArguments) -> Result<bool, Failure> {
    let path = &arguments.scenario;
    let input = read(arguments)?;
    let begin = Instant::now();
    let deadline = begin + Duration::from_secs_f64(arguments.time);
    let mut hunt = Hunt {
        input: &input,
        arguments,
        deadline,
        runs: 0,
    };
    let mut out = io::stdout().lock();
    let Some((case, found)) = hunt.search() else {
        writeln!(
            out,
            "{}: no violation in {} runs, {:.1} s",
            path.display(),
            hunt.runs,
            begin.elapsed().as_secs_f64()
        )?;
        return Ok(true);
    };
    // It is worth waiting for a smaller one, but not longer than for the first.
    let mut shrinking = Shrinking {
        input: &input,
        deadline: deadline.max(Instant::now() + Duration::from_secs_f64(arguments.time / 2.0)),
        most_events: arguments.events,
        runs: 0,
    };
    let (case, found) = shrinking.shrink(case, found);
    let runs = hunt.runs + shrinking.runs;
    let scenario = case.scenario(&input.scenario);
    let spent = format!("{runs} runs, {:.1} s", begin.elapsed().as_secs_f64());
    let text = told::told(arguments, &input, &case, &found, &spent);
    write!(out, "{}", harmless(&text))?;
    if let Some(file) = &arguments.save {
        save(file, path, &input, &scenario)?;
        writeln!(out, "\nSaved as {}", file.display())?;
    }
    Ok(false)
}

struct Hunt<'a> {
    input: &'a Input,
    arguments: &'a HuntArguments,
    deadline: Instant,
    runs: usize,
}

impl Hunt<'_> {
    /// The first case that breaks an invariant.
    fn search(&mut self) -> Option<(Case, Found)> {
        let scenario = &self.input.scenario;
        let (first, count) = (scenario.seed, u64::from(self.arguments.seeds));
        let (input, most) = (self.input, self.arguments.events);
        let seed = |at: usize| {
            let case = Case::plain(scenario, first + at as u64);
            let judged = case.judge(input, None, most)?;
            Some((case, judged.found?))
        };
        let search = parallel::first(count as usize, self.deadline, seed, |done| {
            format!("{done} of {count} seeds")
        });
        self.runs += search.tried;
        if search.found.is_some() || !self.arguments.faults() {
            return search.found;
        }
        let troubles = search::troubles(scenario);
        for seed in first..first + count.min(SEEDS_WITH_FAULTS) {
            let base = Case::plain(scenario, seed);
            let events = base.judge(input, None, most)?.events;
            let cases = Cases {
                base,
                troubles: &troubles,
                events,
            };
            let count = cases.len();
            let judge = |at: usize| {
                let case = cases.get(at);
                let judged = case.judge(input, None, most)?;
                Some((case, judged.found?))
            };
            let search = parallel::first(count, self.deadline, judge, |done| {
                format!("seed {seed}: {done} of {count} runs with a fault")
            });
            self.runs += search.tried;
            if search.found.is_some() || Instant::now() >= self.deadline {
                return search.found;
            }
        }
        None
    }
}

/// Reads the scenario and changes what the arguments change.
fn read(arguments: &HuntArguments) -> Result<Input, Failure> {
    let path = &arguments.scenario;
    let mut scenario = input::scenario(path, &arguments.settings.iter().cloned().collect())?;
    if let Some(seed) = arguments.seed {
        scenario.seed = seed;
    }
    if scenario.invariants.is_empty() {
        let message = "there is nothing to hunt for: name what must hold under \"invariants\"";
        return Err(input::fault(path, message).into());
    }
    let last = scenario.seed.checked_add(u64::from(arguments.seeds));
    if last.is_none() {
        let message = format!(
            "{} is too great for {} seeds from there on",
            scenario.seed, arguments.seeds
        );
        return Err(input::faults(path, vec![Problem::new("seed", message)]).into());
    }
    let input = input::with_files(path, scenario)?;
    Model::new(&input.scenario, &input.files).map_err(|found| input::faults(path, found))?;
    Ok(input)
}

/// Writes the scenario of a case.
fn save(file: &Path, path: &Path, input: &Input, scenario: &Scenario) -> Result<(), Failure> {
    let same = |path: &Path| matches!((fs::canonicalize(path), fs::canonicalize(file)), (Ok(a), Ok(b)) if a == b);
    if same(path) || input.paths.iter().any(|path| same(path)) {
        let message = "the scenario would be written over an input of the hunt";
        return Err(input::fault(file, message).into());
    }
    let text = serde_json::to_string_pretty(scenario).expect("a scenario is plain data") + "\n";
    fs::write(file, text).map_err(|error| {
        input::fault(file, &format!("the scenario could not be written: {error}")).into()
    })
}
