//! What an audit has found, to be kept when the run is over.

use super::{Auditor, Violation};

/// One invariant, and how often it did not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Its name.
    pub name: &'static str,
    /// What it is about: a component, or tables.
    pub about: String,
    /// How often it was violated, from the start of the run.
    pub violations: u64,
}

/// What an audit has found; nothing at all if the scenario has no invariants.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Findings {
    /// The scenario's invariants, in its order.
    pub invariants: Vec<Finding>,
    /// The first violations, in the order in which they were noticed.
    pub first: Vec<Violation>,
}

impl Auditor {
    /// What it has found so far.
    pub fn findings(&self) -> Findings {
        let invariants = self.invariants.iter().zip(&self.counts);
        Findings {
            invariants: invariants
                .map(|(invariant, violations)| Finding {
                    name: invariant.name,
                    about: invariant.about.clone(),
                    violations: *violations,
                })
                .collect(),
            first: self.first.clone(),
        }
    }
}
