//! From a run that breaks an invariant to a smaller one that breaks the same.
//!
//! What can be left out or made smaller is tried in turn and kept if the invariant is still broken, until nothing helps any
//! more: delta debugging (Zeller and Hildebrandt, *Simplifying and Isolating Failure-Inducing Input*, IEEE TSE 2002) over a
//! few numbers, as `QuickCheck` and Hypothesis shrink. Each try is a run, judged by the engine itself.

use std::time::Instant;

use scale_sim::{Arrivals, Component, Fault};

use super::case::{Case, Found};
use crate::input::Input;
use crate::parallel;

/// What is being made smaller.
pub struct Shrinking<'a> {
    pub input: &'a Input,
    pub deadline: Instant,
    pub most_events: u64,
    /// Runs so far.
    pub runs: usize,
}

/// A case with what it shows.
pub type Shown = (Case, Found);

impl Shrinking<'_> {
    /// The smallest case that still breaks the invariant.
    pub fn shrink(&mut self, case: Case, found: Found) -> Shown {
        let mut best = (case, found);
        loop {
            let before = best.0.clone();
            best = self.fewer_faults(best);
            best = self.fewer_users(best);
            best = self.shorter_fault(best);
            best = self.earlier(best);
            best = self.end_at_once(best);
            if best.0 == before || Instant::now() >= self.deadline {
                return best;
            }
        }
    }

    /// The first of these cases that breaks the invariant.
    fn first(&mut self, best: &Shown, cases: &[Case]) -> Option<Shown> {
        let only = Some(best.1.violation.invariant);
        let judge = |at: usize| {
            let judged = cases[at].judge(self.input, only, self.most_events)?;
            Some((cases[at].clone(), judged.found?))
        };
        let search = parallel::first(cases.len(), self.deadline, judge, |done| {
            format!("shrinking: {done} runs")
        });
        self.runs += search.tried;
        search.found
    }

    fn better(&mut self, best: Shown, cases: &[Case]) -> Shown {
        self.first(&best, cases).unwrap_or(best)
    }

    /// Leaves out faults, of which none may be needed.
    fn fewer_faults(&mut self, best: Shown) -> Shown {
        let case = &best.0;
        let mut cases = Vec::new();
        if case.added.is_some() {
            cases.push(Case {
                added: None,
                ..case.clone()
            });
        }
        if case.kept.len() > 1 {
            cases.push(Case {
                kept: Vec::new(),
                ..case.clone()
            });
        }
        for at in 0..case.kept.len() {
            let mut fewer = case.clone();
            fewer.kept.remove(at);
            cases.push(fewer);
        }
        self.better(best, &cases)
    }

    /// Fewer users of closed loops.
    fn fewer_users(&mut self, mut best: Shown) -> Shown {
        let names: Vec<String> = self.input.scenario.components.keys().cloned().collect();
        for name in names {
            let own = |case: &Case| {
                case.users
                    .iter()
                    .find(|(client, _)| *client == name)
                    .map(|u| u.1)
            };
            let users = match self.input.scenario.components.get(&name) {
                Some(Component::Client(client)) => match client.arrivals {
                    Arrivals::Closed { users, .. } => own(&best.0).unwrap_or(users),
                    _ => continue,
                },
                _ => continue,
            };
            let fewer = core::iter::successors(Some(1_u32), |n| Some(n + n.div_ceil(2)));
            let cases = fewer.take_while(|n| *n < users).map(|n| {
                let mut case = best.0.clone();
                case.users.retain(|(client, _)| *client != name);
                case.users.push((name.clone(), n));
                case
            });
            let cases: Vec<Case> = cases.collect();
            best = self.better(best, &cases);
        }
        best
    }

    fn with_fault(case: &Case, change: impl Fn(&mut Fault)) -> Case {
        let mut case = case.clone();
        if let Some(fault) = &mut case.added {
            change(fault);
        }
        case
    }

    /// A fault that is over sooner.
    fn shorter_fault(&mut self, best: Shown) -> Shown {
        let Some(fault) = &best.0.added else {
            return best;
        };
        let longest = fault.for_s.unwrap_or(f64::INFINITY);
        let times = [
            0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
        ];
        let cases = times
            .into_iter()
            .filter(|time| *time < longest)
            .map(|time| Self::with_fault(&best.0, |fault| fault.for_s = Some(time)));
        let cases: Vec<Case> = cases.collect();
        self.better(best, &cases)
    }

    /// A fault after as few events as possible.
    fn earlier(&mut self, best: Shown) -> Shown {
        let Some(events) = best.0.added.as_ref().and_then(|fault| fault.after_events) else {
            return best;
        };
        let cases = (1..events)
            .map(|events| Self::with_fault(&best.0, |fault| fault.after_events = Some(events)));
        let cases: Vec<Case> = cases.collect();
        self.better(best, &cases)
    }

    /// A run that ends with the violation.
    fn end_at_once(&mut self, best: Shown) -> Shown {
        // To the next microsecond: who reads it has enough with six decimals.
        let until_s = (best.1.violation.at.nanos() / 1_000 + 1) as f64 / 1e6;
        if until_s >= best.0.until_s {
            return best;
        }
        let case = Case {
            until_s,
            ..best.0.clone()
        };
        self.better(best, &[case])
    }
}
