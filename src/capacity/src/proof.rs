//! Proof that a challenge can be solved, in more than one way, and not by anything: its attempts over many seeds.

use std::collections::BTreeMap;

use scale_sim::{Files, Problem, Scenario, run};

use crate::bottleneck::{Run, bottlenecks};
use crate::challenge::{Attempt, BRIEF, Challenge, Found, START};
use crate::mechanism::{Mechanism, mechanisms};
use crate::slo::Objective;

/// The seeds that it must hold for: so many, from 1 on.
pub const SEEDS: u32 = 20;
/// The folders of attempts.
pub const SOLUTIONS: &str = "solutions";
/// See [`SOLUTIONS`].
pub const NON_SOLUTIONS: &str = "non-solutions";
/// What is only more of what there is.
const MORE: [Mechanism; 3] = [
    Mechanism::Copies,
    Mechanism::Balancing,
    Mechanism::ReadReplicas,
];

/// The texts of a challenge's files, read by whoever can read files.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ChallengeFiles {
    /// `challenge.json`.
    pub challenge: String,
    /// `start.json`.
    pub start: String,
    /// `solutions/<name>.json`, by name.
    pub solutions: BTreeMap<String, String>,
    /// `non-solutions/<name>.json`, by name.
    pub non_solutions: BTreeMap<String, String>,
}

/// An attempt with the design that it makes.
#[derive(Clone, PartialEq, Debug)]
struct Made {
    file: String,
    attempt: Attempt,
    design: Scenario,
}

/// A challenge with its attempts.
#[derive(Clone, PartialEq, Debug)]
pub struct Proof {
    challenge: Challenge,
    solutions: Vec<Made>,
    non_solutions: Vec<Made>,
}

impl Proof {
    /// Reads a challenge with its attempts.
    ///
    /// # Errors
    ///
    /// Everything that is wrong in its files.
    pub fn read(files: &ChallengeFiles) -> Result<Self, Vec<Found>> {
        let challenge = Challenge::read(&files.challenge, &files.start)?;
        let mut found = Vec::new();
        let mut made = |folder: &str, texts: &BTreeMap<String, String>| {
            let mut all = Vec::new();
            for (name, text) in texts {
                let file = format!("{folder}/{name}.json");
                let attempt = Attempt::read(text).map_err(|problem| vec![problem]);
                let design = attempt.and_then(|attempt| {
                    let design = attempt.design(&challenge)?;
                    Ok((attempt, design))
                });
                match design {
                    Ok((attempt, design)) => all.push(Made {
                        file,
                        attempt,
                        design,
                    }),
                    Err(problems) => found.extend(problems.into_iter().map(|problem| Found {
                        file: file.clone(),
                        problem,
                    })),
                }
            }
            all
        };
        let solutions = made(SOLUTIONS, &files.solutions);
        let non_solutions = made(NON_SOLUTIONS, &files.non_solutions);
        if found.is_empty() {
            Ok(Self {
                challenge,
                solutions,
                non_solutions,
            })
        } else {
            Err(found)
        }
    }

    /// The challenge.
    pub const fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    /// Runs everything, and tells what is not so.
    pub fn unproven(&self) -> Vec<Found> {
        let mut found = self.unproven_start();
        found.extend(self.unproven_solutions());
        found.extend(self.unproven_non_solutions());
        found
    }

    /// The start does well under today's load, with room to spare, and not on the day to come.
    pub fn unproven_start(&self) -> Vec<Found> {
        let challenge = &self.challenge;
        let start = &challenge.start;
        let outcome = match run(start, &Files::new()) {
            Ok(outcome) => outcome,
            Err(problems) => {
                let found = problems.into_iter().map(|problem| Found {
                    file: START.to_owned(),
                    problem,
                });
                return found.collect();
            }
        };
        let mut found = Vec::new();
        let verdict = challenge.verdict(&Run::of(start, &outcome), None);
        // How many have to be answered on the day is no matter of today.
        let today = |objective: &Objective| *objective != Objective::GoodputPerS;
        for objective in verdict.missed().filter(today) {
            let what = objective.words();
            found.push(at(
                START,
                format!(
                    "it has to run well under today's load, and misses its objective for: {what}"
                ),
            ));
        }
        for short in bottlenecks(&Run::of(start, &outcome)) {
            let message = format!(
                "it has to have room under today's load, and '{}' is short of {}",
                short.component,
                short.resource.words()
            );
            found.push(at(START, message));
        }
        match self.missed(start) {
            Ok(runs) => {
                for (seed, missed) in runs {
                    if missed.is_empty() {
                        let message = format!("it passes with seed {seed}: make the day worse");
                        found.push(at(START, message));
                    }
                }
            }
            Err(problems) => found.extend(placed(START, problems)),
        }
        found
    }

    /// There are several solutions, of different mechanisms, and each passes with every seed.
    pub fn unproven_solutions(&self) -> Vec<Found> {
        let mut found = Vec::new();
        if self.solutions.len() < 2 {
            let message = format!("it has to be solved in two ways at least: add to '{SOLUTIONS}'");
            found.push(at(BRIEF, message));
        } else if !self.solutions_differ() {
            let message = "no two of the solutions have each a mechanism that the other has not: they are one way with more or less of it";
            found.push(at(BRIEF, message));
        }
        for solution in &self.solutions {
            match self.missed(&solution.design) {
                Ok(runs) => {
                    let failed = runs.into_iter().find(|(_, missed)| !missed.is_empty());
                    found.extend(failed.map(|(seed, missed)| {
                        let missed = listed(&missed);
                        let message = format!("it has to pass with every seed, and with seed {seed} it misses: {missed}");
                        at(&solution.file, message)
                    }));
                }
                Err(problems) => found.extend(placed(&solution.file, problems)),
            }
        }
        found
    }

    /// The non-solutions, more of everything among them, fail with every seed as they say.
    pub fn unproven_non_solutions(&self) -> Vec<Found> {
        let mut found = Vec::new();
        if !self.non_solutions.iter().any(|made| self.only_buys(made)) {
            let message = format!(
                "'{NON_SOLUTIONS}' lacks more of everything: copies and larger machines alone, which miss 'cost_per_h'"
            );
            found.push(at(BRIEF, message));
        }
        for made in &self.non_solutions {
            let misses = &made.attempt.misses;
            match self.missed(&made.design) {
                Err(_) if misses.is_empty() => {}
                Err(problems) => found.extend(placed(&made.file, problems)),
                Ok(_) if misses.is_empty() => {
                    let message = "it is not refused, so say which objectives it misses";
                    found.push(Found {
                        file: made.file.clone(),
                        problem: Problem::new("misses", message),
                    });
                }
                Ok(runs) => {
                    let other = runs.into_iter().find_map(|(seed, missed)| {
                        let met = misses.iter().find(|own| !missed.contains(own))?;
                        Some((seed, *met))
                    });
                    found.extend(other.map(|(seed, met)| Found {
                        file: made.file.clone(),
                        problem: Problem::new(
                            "misses",
                            format!(
                                "with seed {seed} it meets its objective for: {}",
                                met.words()
                            ),
                        ),
                    }));
                }
            }
        }
        found
    }

    /// What a design misses, by seed.
    fn missed(&self, design: &Scenario) -> Result<Vec<(u64, Vec<Objective>)>, Vec<Problem>> {
        let seeds = Challenge::plan(1, SEEDS).into_iter();
        let runs = seeds.map(|seed| {
            let verdict = self.challenge.judge(design, seed)?;
            if let Some(why) = verdict.stopped {
                return Err(vec![Problem::new("", why)]);
            }
            let missed = verdict.measured.iter().filter(|measured| !measured.met);
            Ok((seed, missed.map(|measured| measured.objective).collect()))
        });
        runs.collect()
    }

    /// Whether two of the solutions have each something that neither the other nor the start has.
    fn solutions_differ(&self) -> bool {
        let before = mechanisms(&self.challenge.start);
        let added: Vec<Vec<Mechanism>> = { self.solutions.iter() }
            .map(|made| {
                let all = mechanisms(&made.design);
                all.difference(&before).copied().collect()
            })
            .collect();
        let lacks = |one: &[Mechanism], other: &[Mechanism]| {
            one.iter().any(|mechanism| !other.contains(mechanism))
        };
        added.iter().enumerate().any(|(at, one)| {
            let others = added[..at].iter();
            others
                .into_iter()
                .any(|other| lacks(one, other) && lacks(other, one))
        })
    }

    /// Whether it is more of what there is, and nothing else, and too dear.
    fn only_buys(&self, made: &Made) -> bool {
        let before = mechanisms(&self.challenge.start);
        let more = |mechanism: &Mechanism| before.contains(mechanism) || MORE.contains(mechanism);
        made.attempt.misses.contains(&Objective::CostPerH)
            && mechanisms(&made.design).iter().all(more)
    }
}

fn at(file: &str, message: impl Into<String>) -> Found {
    Found {
        file: file.to_owned(),
        problem: Problem::new("", message),
    }
}

/// Problems of a design, told of the file that makes it.
fn placed(file: &str, problems: Vec<Problem>) -> Vec<Found> {
    let told = problems
        .into_iter()
        .map(|problem| at(file, problem.to_string()));
    told.collect()
}

fn listed(objectives: &[Objective]) -> String {
    let words: Vec<&str> = objectives
        .iter()
        .map(|objective| objective.words())
        .collect();
    words.join(", ")
}
