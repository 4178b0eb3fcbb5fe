//! A run gone through once more, with what was changed under way.

use std::sync::Arc;

use scale_sim::{Engine, Files, Scenario, Time};

use super::eye::Watched;

/// Events of a run that is gone through once more, at most.
const EVENTS: u64 = 20_000_000;

/// A run gone through once more.
pub struct Replay<'a> {
    pub engine: Engine<Watched>,
    /// What is still to be changed.
    changes: &'a [(Time, Arc<Scenario>)],
}

impl<'a> Replay<'a> {
    /// Goes on from where `engine` is; `changes` are those that it has not seen.
    pub const fn new(engine: Engine<Watched>, changes: &'a [(Time, Arc<Scenario>)]) -> Self {
        Self { engine, changes }
    }

    /// Takes the next step, if there is one up to `to`.
    pub fn step(&mut self, to: Time) -> bool {
        loop {
            let next = self.engine.next_time();
            let due = |(at, _): &&(Time, Arc<Scenario>)| next.is_none_or(|next| *at < next);
            let Some((at, scenario)) = self.changes.first().filter(due) else {
                let goes_on = next.is_some_and(|next| next <= to) && self.engine.events() < EVENTS;
                if goes_on {
                    step(&mut self.engine);
                }
                return goes_on;
            };
            self.changes = &self.changes[1..];
            self.engine.run_until(*at);
            if self.engine.reconfigure(scenario, &Files::new()).is_err() {
                // It was made once, so it can be made again: only a run that is not the same could refuse it.
                return false;
            }
        }
    }
}

/// Takes the next step of an engine. Not inlined: wherever it is, it brings a good part of the engine.
#[inline(never)]
pub fn step(engine: &mut Engine<Watched>) {
    engine.step();
}
