//! A case: a run that differs from the scenario in its seed, its end, its faults and its users, and what comes of it.

use std::sync::Arc;

use scale_sim::{
    Arrivals, Auditor, Component, Engine, Fault, Model, NoProbe, Scenario, Time, Violation, limits,
};

use crate::input::Input;

/// How a run differs from the scenario.
#[derive(Clone, PartialEq, Debug)]
pub struct Case {
    /// Its seed.
    pub seed: u64,
    /// When it ends, in simulated seconds.
    pub until_s: f64,
    /// The scenario's own faults that it keeps.
    pub kept: Vec<Fault>,
    /// The fault that is added.
    pub added: Option<Fault>,
    /// Numbers of users of closed loops that it changes, by client.
    pub users: Vec<(String, u32)>,
}

/// What came of a case.
#[derive(Clone, Debug)]
pub struct Found {
    /// The first violation.
    pub violation: Violation,
    /// After how many events it was noticed.
    pub events: u64,
}

/// How a run went.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What was found, if anything was.
    pub found: Option<Found>,
    /// Events handled.
    pub events: u64,
}

/// How often a run is looked at to see whether it holds too much.
const LOOKS: u64 = 1_024;

impl Case {
    /// The scenario's own run with `seed`.
    pub fn plain(scenario: &Scenario, seed: u64) -> Self {
        Self {
            seed,
            until_s: scenario.horizon_s,
            kept: scenario.faults.clone(),
            added: None,
            users: Vec::new(),
        }
    }

    /// The scenario that it runs.
    pub fn scenario(&self, scenario: &Scenario) -> Scenario {
        let mut own = scenario.clone();
        own.seed = self.seed;
        own.horizon_s = self.until_s;
        own.warmup_s = if own.warmup_s < self.until_s {
            own.warmup_s
        } else {
            0.0
        };
        own.faults = self.kept.iter().chain(&self.added).cloned().collect();
        for (name, number) in &self.users {
            if let Some(Component::Client(client)) = own.components.get_mut(name)
                && let Arrivals::Closed { users, .. } = &mut client.arrivals
            {
                *users = *number;
            }
        }
        own
    }

    /// The hash of the state in which it ends; `None` if it is no valid scenario.
    pub fn state_hash(&self, input: &Input) -> Option<u64> {
        let model = Model::new(&self.scenario(&input.scenario), &input.files).ok()?;
        let mut engine = Engine::new(Arc::new(model), NoProbe);
        engine.run_until(engine.model().horizon());
        Some(engine.state_hash())
    }

    /// Runs it up to the first violation, or of the invariant number `only` if one is named; `None` if it is no valid scenario.
    pub fn judge(&self, input: &Input, only: Option<usize>, most_events: u64) -> Option<Judged> {
        let mut scenario = self.scenario(&input.scenario);
        if let Some(only) = only {
            scenario.invariants = vec![scenario.invariants.get(only)?.clone()];
        }
        let model = Arc::new(Model::new(&scenario, &input.files).ok()?);
        let auditor = Auditor::new(&model);
        let mut engine = Engine::new(Arc::clone(&model), auditor);
        let until = model.horizon();
        let found = |engine: &Engine<Auditor>| {
            let mut violation = engine.probe().first().first()?.clone();
            violation.invariant = only.unwrap_or(violation.invariant);
            let events = engine.events();
            Some(Found { violation, events })
        };
        while engine.events() < most_events
            && is_due(&engine, until)
            && (!engine.events().is_multiple_of(LOOKS) || fits(&engine))
        {
            engine.step();
            if !engine.probe().first().is_empty() {
                break;
            }
        }
        if !is_due(&engine, until) {
            // What lasts too long is noticed although nothing happens any more.
            engine.run_until(until);
        }
        Some(Judged {
            found: found(&engine),
            events: engine.events(),
        })
    }
}

fn is_due(engine: &Engine<Auditor>, until: Time) -> bool {
    engine.next_time().is_some_and(|time| time <= until)
}

/// Whether a run holds no more than `lab run` would let it.
fn fits(engine: &Engine<Auditor>) -> bool {
    let parts = engine.parts();
    parts.requests < limits::IN_FLIGHT
        && parts.frames < limits::FRAMES
        && parts.calls < limits::CALLS
}
