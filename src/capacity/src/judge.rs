//! Judging a design: it is run through the challenge's day, with several seeds, and held against what was promised.
//!
//! Nothing here runs anything in parallel: [`Challenge::plan`] lists the seeds, each gives a [`Verdict`], and a design has passed
//! if all of them have. A page makes the runs on its workers: [`Challenge::day`] is what to run, [`Challenge::verdict`] what came
//! of it.

use scale_sim::{
    Component, Errors, Fault, Files, Invariant, Messages, Place, Problem, Scenario, Slow, Stop,
    TableOf, Tables, Trouble, Watched, run,
};
use serde::{Deserialize, Serialize};

use crate::bottleneck::Run;
use crate::challenge::{Challenge, Hit, Mishap, Rule, Struck};
use crate::cost::{Bill, cost_of_run};
use crate::slo::{Measured, Objective, Slos};

/// What one run of a design on a challenge's day came to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// The seed of the run.
    pub seed: u64,
    /// The objectives, each with what was measured.
    pub measured: Vec<Measured>,
    /// What the design cost an hour.
    pub bill: Bill,
    /// What a million answered requests cost, if any were answered.
    pub per_million: Option<f64>,
    /// Why the run had to stop before its end, if it had.
    pub stopped: Option<String>,
}

impl Verdict {
    /// What a run with this bill came to; `stopped` is why it had to stop before its end, if it had.
    pub fn new(slos: &Slos, bill: Bill, run: &Run<'_>, stopped: Option<String>) -> Self {
        Self {
            seed: run.scenario.seed,
            measured: slos.measure(run, bill.per_hour),
            per_million: bill.per_million(run.figures),
            stopped,
            bill,
        }
    }

    /// Whether all objectives were met, and the run came to its end.
    pub fn passed(&self) -> bool {
        self.stopped.is_none() && self.measured.iter().all(|measured| measured.met)
    }

    /// The objectives that were missed.
    pub fn missed(&self) -> impl Iterator<Item = Objective> {
        let missed = self.measured.iter().filter(|measured| !measured.met);
        missed.map(|measured| measured.objective)
    }
}

impl Challenge {
    /// The seeds with which a design is judged.
    pub fn plan(seed: u64, replications: u32) -> Vec<u64> {
        let seeds = (0..u64::from(replications)).map(|at| seed.wrapping_add(at));
        seeds.collect()
    }

    /// What is run to judge a design: the design under the day's load, with the day's faults and the rules as its invariants.
    /// Faults and invariants of its own do not count.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn day(&self, design: &Scenario, seed: u64) -> Result<Scenario, Vec<Problem>> {
        let day = &self.brief.day;
        let mut scenario = design.clone();
        scenario.seed = seed;
        scenario.horizon_s = day.horizon_s;
        scenario.warmup_s = day.warmup_s;
        scenario.faults.clear();
        scenario.invariants.clear();
        for (name, load) in &day.clients {
            let Some(Component::Client(client)) = scenario.components.get_mut(name) else {
                continue;
            };
            if let Some(arrivals) = &load.arrivals {
                client.arrivals.clone_from(arrivals);
            }
            if load.keys.is_some() {
                client.keys.clone_from(&load.keys);
            }
            if load.mix.is_some() {
                client.mix.clone_from(&load.mix);
                client.operation = None;
            }
        }
        scenario = scenario.checked()?;
        // What a design has not, nothing can happen to, and nothing has to hold of.
        let hits = day
            .faults
            .iter()
            .flat_map(|hit| self.faults(hit, &scenario));
        let faults: Vec<Fault> = hits.filter(|fault| fits(&scenario, fault)).collect();
        let rules = self.brief.rules.iter();
        let invariants = rules.flat_map(|rule| rule.watched(&scenario));
        let invariants = invariants.filter(|invariant| holds_there(&scenario, invariant));
        let invariants: Vec<Invariant> = invariants.collect();
        scenario.faults = faults;
        scenario.invariants = invariants;
        scenario.checked()
    }

    /// A fault of the day, at each component that it hits.
    fn faults(&self, hit: &Hit, scenario: &Scenario) -> Vec<Fault> {
        let struck = scenario.components.iter().filter(|(name, component)| {
            let outside = self.brief.outside.contains(*name);
            match &hit.at {
                Struck::Outside(own) => own == *name,
                Struck::Every(kind) => component.kind() == *kind && !outside,
            }
        });
        let instance = hit.instance;
        let faults = struck.map(|(name, _)| {
            let component = name.clone();
            let place = || Place {
                component: name.clone(),
                instance,
            };
            let what = match hit.what {
                Mishap::Crash => Trouble::Crash(place()),
                Mishap::Slow(factor) => Trouble::Slow(Slow {
                    component,
                    instance,
                    factor,
                }),
                Mishap::Errors(share) => Trouble::Errors(Errors {
                    component,
                    instance,
                    share,
                }),
                Mishap::CacheFlush => Trouble::CacheFlush(place()),
                Mishap::ReplicaLag => Trouble::ReplicaLag(place()),
            };
            Fault {
                what,
                at_s: Some(hit.at_s),
                after_events: None,
                for_s: Some(hit.for_s),
                random: None,
            }
        });
        faults.collect()
    }

    /// What a run of [`Challenge::day`] came to; `stopped` is why it had to stop before its end, if it had.
    pub fn verdict(&self, run: &Run<'_>, stopped: Option<String>) -> Verdict {
        let bill = cost_of_run(run, &self.prices()).without(&self.brief.outside);
        Verdict::new(&self.brief.slos, bill, run, stopped)
    }

    /// Runs a design through the day.
    ///
    /// # Errors
    ///
    /// Why it is refused, or what is wrong with it.
    pub fn judge(&self, design: &Scenario, seed: u64) -> Result<Verdict, Vec<Problem>> {
        let refusals = self.refusals(design);
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let day = self.day(design, seed)?;
        let outcome = run(&day, &Files::new())?;
        let stopped = (outcome.stop != Stop::Reached).then(|| outcome.stop.to_string());
        Ok(self.verdict(&Run::of(&day, &outcome), stopped))
    }
}

fn fits(scenario: &Scenario, fault: &Fault) -> bool {
    let mut alone = scenario.clone();
    alone.faults = vec![fault.clone()];
    alone.problems().is_empty()
}

fn holds_there(scenario: &Scenario, invariant: &Invariant) -> bool {
    let mut alone = scenario.clone();
    alone.invariants = vec![invariant.clone()];
    alone.problems().is_empty()
}

impl Rule {
    /// It at every component that there is; it need not make sense there.
    fn watched(&self, scenario: &Scenario) -> Vec<Invariant> {
        if let Self::Conserved(names) = self {
            let tables = scenario.components.iter().flat_map(|(name, component)| {
                let own = match component {
                    Component::Database(database) => Some(database.tables.keys()),
                    _ => None,
                };
                let own = own.into_iter().flatten();
                let counted = own.filter(|table| names.contains(table));
                counted.map(|table| TableOf {
                    database: name.clone(),
                    table: table.clone(),
                })
            });
            let tables = tables.collect();
            return vec![Invariant::Conserved(Tables { tables })];
        }
        let watched = scenario.components.keys().map(|name| {
            let at = Watched { at: name.clone() };
            match self {
                Self::NoLostUpdates => Invariant::NoLostUpdates(at),
                Self::NoLostWrites => Invariant::NoLostWrites(at),
                Self::ReadYourWrites => Invariant::ReadYourWrites(at),
                Self::NoDoubleEffects => Invariant::NoDoubleEffects(at),
                Self::NoLostMessages | Self::Conserved(_) => Invariant::NoLostMessages(Messages {
                    at: name.clone(),
                    writes_at: None,
                }),
            }
        });
        watched.collect()
    }
}
