//! Proof that a lesson teaches what it says: its goal, its claims, its tasks and its questions, over many seeds.

use std::borrow::Cow;

use scale_sim::{Condition, Files, Outcome, Problem};

use crate::coverage;
use crate::lesson::{FILE, Lesson};
use crate::quiz::{Drawn, Given, Key, Question, RunRef};
use crate::source::Fault;

/// Seeds that all of it must hold for.
pub const SEEDS: core::ops::RangeInclusive<u64> = 1..=20;

/// A seed to draw a question with: one for which all questions are proven, by chance, and another than the last. With any other a
/// run might not settle its question, or settle it as luck had it.
pub fn proven_seed(chance: u64, last: Option<u64>) -> u64 {
    let mut seeds = SEEDS.filter(|seed| Some(*seed) != last);
    let count = seeds.clone().count() as u64;
    let at = (chance % count) as usize;
    seeds.nth(at).unwrap_or(*SEEDS.start())
}

/// Runs everything that the lesson says of runs, with every seed, and tells what does not hold.
pub fn prove(lesson: &Lesson) -> Vec<Fault> {
    let mut sayings = goal(lesson);
    sayings.extend(claims(lesson));
    sayings.extend(tasks(lesson));
    let mut faults = hold(lesson, &sayings);
    faults.extend(coverage::gaps(lesson));
    faults.extend(unsettled(lesson));
    faults
}

/// Something that the lesson says of a run: for every seed, or for none.
struct Saying<'a> {
    run: Cow<'a, RunRef>,
    conditions: &'a [Condition],
    /// At some moment of the run, as a task on the page; else over the whole run after its warm-up.
    at_some_moment: bool,
    /// Whether the conditions must hold for every seed, or for none.
    must_hold: bool,
    /// The line of `lesson.md` where it stands.
    line: usize,
    /// What to tell if it is not so.
    told: String,
}

/// The goal is missed without the pattern and with others, and met with it.
fn goal(lesson: &Lesson) -> Vec<Saying<'_>> {
    let proof = &lesson.proof;
    let saying = |run, must_hold, told: String| Saying {
        run: Cow::Borrowed(run),
        conditions: &proof.goal,
        at_some_moment: false,
        must_hold,
        line: lesson.proof_line,
        told: format!("proof: the goal must be {told}"),
    };
    let mut sayings = vec![
        saying(
            &proof.without,
            false,
            "missed without the pattern".to_owned(),
        ),
        saying(&proof.with, true, "met with the pattern".to_owned()),
    ];
    sayings.extend(proof.wrong.iter().enumerate().map(|(at, wrong)| {
        let told = format!("missed in the run wrong[{at}], which has another pattern");
        saying(wrong, false, told)
    }));
    sayings
}

/// Whatever the prose says of runs is so.
fn claims(lesson: &Lesson) -> impl Iterator<Item = Saying<'_>> {
    lesson.steps.iter().flat_map(|step| {
        step.data
            .claims
            .iter()
            .enumerate()
            .map(|(at, claim)| Saying {
                run: Cow::Borrowed(&claim.run),
                conditions: &claim.holds,
                at_some_moment: false,
                must_hold: true,
                line: step.data_line,
                told: format!("claim {} of step '{}' must hold", at + 1, step.data.id),
            })
    })
}

/// A task is the learner's to bring about; or, where one is to watch, the run's alone.
fn tasks(lesson: &Lesson) -> impl Iterator<Item = Saying<'_>> {
    lesson.steps.iter().flat_map(|step| {
        let own = step.run();
        // After a prediction, its run is what plays.
        let predicted = step.data.predict.as_ref().map(|predict| &predict.run);
        let predicted = predicted.filter(|run| **run != own).map(Cow::Borrowed);
        let runs = [Cow::Owned(own)].into_iter().chain(predicted);
        let saying = |run, conditions| Saying {
            run,
            conditions,
            at_some_moment: true,
            must_hold: step.data.watch,
            line: step.data_line,
            told: if step.data.watch {
                format!(
                    "the task of step '{}' is one to watch, so its run must bring it about untouched",
                    step.data.id
                )
            } else {
                format!(
                    "the task of step '{}' must not be met untouched: begin further from it, or, if the run itself is to bring it about, say \"watch\": true",
                    step.data.id
                )
            },
        };
        let task = step.data.task.as_ref();
        task.map(|task| runs.map(|run| saying(run, &*task.when)).collect::<Vec<_>>())
            .unwrap_or_default()
    })
}

/// Runs each run that something is said of, and tells what is not so.
fn hold(lesson: &Lesson, sayings: &[Saying]) -> Vec<Fault> {
    let mut runs: Vec<(&RunRef, Vec<&Saying>)> = Vec::new();
    for saying in sayings {
        match runs.iter_mut().find(|(run, _)| **run == *saying.run) {
            Some((_, same)) => same.push(saying),
            None => runs.push((&saying.run, vec![saying])),
        }
    }
    let mut faults = Vec::new();
    for (run, sayings) in runs {
        let mut tallies = vec![Tally::default(); sayings.len()];
        for seed in SEEDS {
            match outcome(lesson, run, seed) {
                Ok(outcome) => {
                    for (saying, tally) in sayings.iter().zip(&mut tallies) {
                        tally.take(saying, &outcome, seed);
                    }
                }
                Err(problems) => {
                    let line = sayings[0].line;
                    let found = problems.into_iter();
                    faults.extend(found.map(|p| Fault::at(FILE, line, p.to_string())));
                    return faults;
                }
            }
        }
        let told = sayings.iter().zip(&tallies);
        faults.extend(told.filter_map(|(saying, tally)| tally.fault(saying)));
    }
    faults.sort_by_key(|fault| fault.line);
    faults
}

/// What came of a run with another seed.
pub(crate) fn outcome(lesson: &Lesson, run: &RunRef, seed: u64) -> Result<Outcome, Vec<Problem>> {
    let mut scenario = lesson.scenario(run)?;
    scenario.seed = seed;
    scale_sim::run(&scenario, &Files::new())
}

/// For how many seeds something was so.
#[derive(Clone, Default)]
struct Tally {
    held: usize,
    runs: usize,
    /// What was measured with the first seed for which it was not as it must be.
    example: Option<String>,
}

impl Tally {
    fn take(&mut self, saying: &Saying, outcome: &Outcome, seed: u64) {
        let (model, conditions) = (&outcome.model, saying.conditions);
        let holds = if saying.at_some_moment {
            let series = &outcome.series;
            (0..series.len()).any(|end| {
                let so_far = &series[..=end];
                conditions.iter().all(|c| c.holds_at_end(model, so_far))
            })
        } else {
            conditions.iter().all(|c| c.holds(model, &outcome.figures))
        };
        self.held += usize::from(holds);
        self.runs += 1;
        if holds != saying.must_hold && self.example.is_none() {
            self.example = Some(if saying.at_some_moment {
                format!("seed {seed}")
            } else {
                format!("with seed {seed}, {}", measured(conditions, outcome))
            });
        }
    }

    fn fault(&self, saying: &Saying) -> Option<Fault> {
        let example = self.example.as_ref()?;
        let message = format!(
            "{}; it is so for {} of {} seeds ({example})",
            saying.told, self.held, self.runs
        );
        Some(Fault::at(FILE, saying.line, message))
    }
}

/// The values of what some conditions bound.
fn measured(conditions: &[Condition], outcome: &Outcome) -> String {
    let shown = conditions.iter().map(|condition| {
        let measure = condition.measure();
        let of = measure.of.as_ref();
        let of = of.map(|name| format!(" of {name}")).unwrap_or_default();
        let words = measure.metric.words();
        match outcome.value(&measure) {
            Some(value) => format!("{words}{of} {}", (value * 1e4).round() / 1e4),
            None => format!("{words}{of}: nothing to measure"),
        }
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Questions of the quiz that a run does not settle, or that runs settle in different ways.
fn unsettled(lesson: &Lesson) -> Vec<Fault> {
    let at = |problem| Fault::new("quiz.json", problem);
    let mut faults = Vec::new();
    for question in &lesson.quiz.questions {
        let mut settled: Vec<(Drawn, Key)> = Vec::new();
        for seed in SEEDS {
            let drawn = question.draw(seed);
            match values(lesson, &drawn) {
                Err(problems) => faults.extend(problems.into_iter().map(at)),
                Ok(values) => match drawn.key(&values) {
                    Err(why) => faults.push(at(Problem::new("", why))),
                    Ok(key) => settled.push((drawn, key)),
                },
            }
        }
        let unsteady = unsteady(&settled).or_else(|| answered(question, &settled));
        faults.extend(unsteady.map(|why| at(Problem::new("", why))));
    }
    faults
}

/// What is measured of the runs that answer a question.
fn values(lesson: &Lesson, drawn: &Drawn) -> Result<Vec<Vec<Option<f64>>>, Vec<Problem>> {
    let runs = drawn.runs();
    let values = runs.iter().map(|shown| {
        let scenario = lesson.scenario(&shown.run)?;
        let outcome = scale_sim::run(&scenario, &Files::new())?;
        Ok({ shown.measures.iter() }
            .map(|measure| outcome.value(measure))
            .collect())
    });
    values.collect()
}

/// No draw of an order stands in the right order from the start.
fn answered(question: &Question, settled: &[(Drawn, Key)]) -> Option<String> {
    let (drawn, key) = settled.first()?;
    let Given::Order(order) = &key.right else {
        return None;
    };
    let texts = drawn.kind.texts();
    let right: Vec<&str> = order.iter().map(|at| texts[*at]).collect();
    let mut others = (0..200).map(|seed| question.draw(seed));
    let found = others.any(|other| other.kind.texts() == right);
    found.then(|| {
        let right = right.join("', '");
        format!("'{}' may be right before anything is moved: write its items in the order that is right, '{right}'", drawn.id)
    })
}

/// What is right of a question in the same words is right whatever the seed: to know it cannot be a matter of luck.
fn unsteady(settled: &[(Drawn, Key)]) -> Option<String> {
    settled.iter().enumerate().find_map(|(at, (one, key))| {
        let others = settled[at + 1..].iter();
        let mut others = others.filter(|(other, _)| other.ask == one.ask);
        let (other, own) = others.find(|(other, own)| {
            let given = one.carried(&key.right, other);
            given.is_some_and(|given| !other.judge(own, &given).is_right())
        })?;
        Some(format!(
            "what is right of '{}' with seed {}, {:?}, is wrong with seed {}, {:?}: ask for what does not depend on luck",
            one.id, one.seed, key.right, other.seed, own.right
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_drawn_with_a_proven_seed_and_with_another_the_next_time() {
        let mut drawn = std::collections::BTreeSet::new();
        for chance in 0..1_000 {
            let seed = proven_seed(chance * 7_919, None);
            let next = proven_seed(chance * 104_729, Some(seed));
            assert!(SEEDS.contains(&seed) && SEEDS.contains(&next) && seed != next);
            drawn.extend([seed, next]);
        }
        assert_eq!(drawn, SEEDS.collect());
    }
}
