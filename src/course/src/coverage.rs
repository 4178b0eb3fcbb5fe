//! That the debrief has something to say of whatever a learner may have left: tried over the range of the last step's knobs.

use rand::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;
use scale_sim::Outcome;

use crate::closing::{Closing, Remark};
use crate::lesson::{FILE, Knob, Lesson, Step};
use crate::proof::outcome;
use crate::quiz::RunRef;
use crate::source::Fault;

/// Knobs of which all ends are tried together.
const CORNERS: usize = 4;
/// Settings drawn from between the ends.
const DRAWN: usize = 40;
/// The seed of these, and of the runs.
const SEED: u64 = 7;

/// Runs the last step with its knobs here and there. Tells where no line with conditions holds, and which line never does.
pub(crate) fn gaps(lesson: &Lesson) -> Vec<Fault> {
    let (Some(step), Some(debrief)) = (lesson.steps.last(), &lesson.debrief) else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    let mut said = vec![false; debrief.items.len()];
    let runs = tried(lesson, step);
    let mut bare = None;
    for run in &runs {
        let outcome = match outcome(lesson, run, SEED) {
            Ok(outcome) => outcome,
            Err(problems) => {
                let message = format!("{}: {}", shown(step, run), problems[0]);
                return vec![Fault::at(FILE, step.data_line, message)];
            }
        };
        let held = held(debrief, &outcome);
        let conditional = |at: &usize| !debrief.items[*at].when.is_empty();
        if !held.iter().any(conditional) {
            bare = bare.or(Some(run));
        }
        for at in held {
            said[at] = true;
        }
    }
    if let Some(run) = bare {
        let message = format!(
            "the debrief has nothing to say of a run with {}: no line with conditions holds",
            shown(step, run)
        );
        faults.push(Fault::at(FILE, debrief.data_line, message));
    }
    for (at, _) in said.iter().enumerate().filter(|(_, said)| !**said) {
        let message = format!(
            "line {} of the debrief is never said: its conditions held in none of {} runs over the range of the knobs",
            at + 1,
            runs.len()
        );
        faults.push(Fault::at(FILE, debrief.data_line, message));
    }
    faults
}

/// The lines that hold of a run.
fn held(debrief: &Closing<Remark>, outcome: &Outcome) -> Vec<usize> {
    let (model, figures) = (&outcome.model, &outcome.figures);
    let holds = |remark: &Remark| remark.when.iter().all(|c| c.holds(model, figures));
    let lines = debrief.items.iter().enumerate();
    lines
        .filter(|(_, remark)| holds(remark))
        .map(|(at, _)| at)
        .collect()
}

/// The step as it is set, with its knobs at their ends and in between, and the runs of the proof.
fn tried(lesson: &Lesson, step: &Step) -> Vec<RunRef> {
    let knobs = &step.data.knobs;
    let turned = |values: &[Option<f64>]| {
        let mut run = step.run();
        for (knob, value) in knobs.iter().zip(values) {
            if let Some(value) = value {
                run.set.insert(knob.path.clone(), Knob::value(*value));
            }
        }
        run
    };
    let mut runs = vec![step.run()];
    for at in 0..knobs.len() {
        for end in [knobs[at].min, knobs[at].max] {
            let mut values = vec![None; knobs.len()];
            values[at] = Some(end);
            runs.push(turned(&values));
        }
    }
    for corner in 0..1_usize << knobs.len().min(CORNERS) {
        let end = |(at, knob): (usize, &Knob)| {
            let up = corner >> at & 1 == 1;
            (at < CORNERS).then_some(if up { knob.max } else { knob.min })
        };
        runs.push(turned(
            &knobs.iter().enumerate().map(end).collect::<Vec<_>>(),
        ));
    }
    let mut source = SplitMix64::seed_from_u64(SEED);
    for _ in 0..DRAWN {
        let drawn = knobs.iter().map(|knob| {
            let places = ((knob.max - knob.min) / knob.step).floor() as u64;
            let place = source.next_u64() % (places + 1);
            Some(knob.min + place as f64 * knob.step)
        });
        runs.push(turned(&drawn.collect::<Vec<_>>()));
    }
    let proof = &lesson.proof;
    let proof = [&proof.without, &proof.with]
        .into_iter()
        .chain(&proof.wrong);
    runs.extend(proof.filter(|run| run.scene == step.data.scene).cloned());
    runs
}

/// The settings of a run, as its knobs name them.
fn shown(step: &Step, run: &RunRef) -> String {
    let knobs = step.data.knobs.iter().filter_map(|knob| {
        let value = run.set.get(&knob.path)?;
        Some(format!("{} = {value}", knob.label))
    });
    knobs.collect::<Vec<_>>().join(", ")
}
