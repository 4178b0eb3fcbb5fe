//! Proof that a lesson teaches what it says: its goal and its claims, over many seeds.

use scale_sim::{Condition, Files};
use serde_json::Value;

use crate::lesson::Lesson;
use crate::quiz::RunRef;
use crate::source::Fault;

/// Seeds that every proof and claim must hold for.
pub const SEEDS: core::ops::RangeInclusive<u64> = 1..=20;

/// How often conditions held, of how many runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Evidence {
    /// Runs in which all conditions held.
    pub held: usize,
    /// Runs.
    pub runs: usize,
}

/// Runs `run` with every seed and counts how often `conditions` hold.
///
/// # Errors
///
/// A run that is not valid.
pub fn gather(lesson: &Lesson, run: &RunRef, conditions: &[Condition]) -> Result<Evidence, Fault> {
    let mut evidence = Evidence::default();
    for seed in SEEDS {
        let mut run = run.clone();
        run.set.insert("/seed".to_owned(), Value::from(seed));
        let first =
            |mut problems: Vec<scale_sim::Problem>| Fault::new("lesson.md", problems.remove(0));
        let scenario = lesson.scenario(&run).map_err(first)?;
        let outcome = scale_sim::run(&scenario, &Files::new()).map_err(first)?;
        let holds = conditions
            .iter()
            .all(|condition| condition.holds(&outcome.model, &outcome.figures));
        evidence.held += usize::from(holds);
        evidence.runs += 1;
    }
    Ok(evidence)
}

/// Checks that the lesson's goal is missed without its pattern and met with it, for every seed.
///
/// # Errors
///
/// What does not hold, and for how many seeds.
pub fn check_proof(lesson: &Lesson) -> Result<(), Fault> {
    let proof = &lesson.proof;
    let without = gather(lesson, &proof.without, &proof.goal)?;
    let with = gather(lesson, &proof.with, &proof.goal)?;
    if without.held > 0 || with.held < with.runs {
        let message = format!(
            "proof: the goal must be missed without the pattern and met with it; of {} seeds it was met {} times without and {} times with it",
            with.runs, without.held, with.held
        );
        return Err(Fault::new(
            "lesson.md",
            scale_sim::Problem::new("", message),
        ));
    }
    Ok(())
}

/// Checks every claim of the lesson's prose, and that every question of its quiz is settled, for every seed.
///
/// # Errors
///
/// Everything that does not hold.
pub fn check_claims(lesson: &Lesson) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    for step in &lesson.steps {
        for (at, claim) in step.data.claims.iter().enumerate() {
            match gather(lesson, &claim.run, &claim.holds) {
                Ok(evidence) if evidence.held == evidence.runs => {}
                Ok(Evidence { held, runs }) => {
                    let message = format!(
                        "claim {} of step '{}' holds for {held} of {runs} seeds",
                        at + 1,
                        step.data.id
                    );
                    faults.push(Fault::new(
                        "lesson.md",
                        scale_sim::Problem::new("", message),
                    ));
                }
                Err(fault) => faults.push(fault),
            }
        }
    }
    for question in &lesson.quiz.questions {
        for seed in SEEDS {
            let drawn = question.draw(seed);
            let mut values = Vec::new();
            for shown in drawn.runs() {
                match lesson
                    .scenario(&shown.run)
                    .and_then(|scenario| scale_sim::run(&scenario, &Files::new()))
                {
                    Ok(outcome) => values.push(
                        shown
                            .measures
                            .iter()
                            .map(|measure| outcome.value(measure))
                            .collect(),
                    ),
                    Err(problems) => {
                        faults.extend(
                            problems
                                .into_iter()
                                .map(|problem| Fault::new("quiz.json", problem)),
                        );
                    }
                }
            }
            if let Err(why) = drawn.key(&values) {
                faults.push(Fault::new("quiz.json", scale_sim::Problem::new("", why)));
            }
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}
