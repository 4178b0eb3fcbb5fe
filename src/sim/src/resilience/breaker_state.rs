//! What a circuit breaker remembers, and how it decides. The rules are with its settings, in `breaker.rs`.
//!
//! A call carries the number of the period in which it was permitted; its outcome counts in that period only, as in
//! gobreaker: a failure from before the breaker opened says nothing about a trial.

use super::Number;
use super::breaker::{Breaker, Trial, WindowUnit};
use super::outcomes::{Outcomes, Tally};
use crate::time::{Duration, Time};

/// What a breaker is doing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Phase {
    /// Letting every call through.
    Closed,
    /// Refusing every call.
    Open,
    /// Letting a few calls through on trial.
    HalfOpen,
}

impl Phase {
    /// The phase as logs spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// A breaker's answer to a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Permit {
    /// The period that the call belongs to, for [`BreakerState::record`]; none if it is refused.
    pub period: Option<u32>,
    /// The phase that the breaker changed to by being asked.
    pub turned: Option<Phase>,
}

/// The settings in the form in which they are used.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Rule {
    open: Duration,
    strictly_after: bool,
    half_open_calls: u32,
    one_by_one: bool,
    trip: Trip,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Trip {
    Consecutive {
        failures: u32,
    },
    Rates {
        min_calls: u32,
        failure_rate: Number,
        /// [`Duration::MAX`] if no call is slow.
        slow: Duration,
        slow_rate: Number,
    },
}

/// What opens a breaker, to be shown.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Threshold {
    /// So many failures in a row.
    Consecutive(u32),
    /// A share of the calls in its window.
    Rates {
        /// So many calls must be in it.
        min_calls: u32,
        /// The share that failed, 0 to 1.
        failure_rate: f64,
        /// A call that takes longer is slow; [`Duration::MAX`] if none is.
        slow: Duration,
        /// The share that was slow.
        slow_rate: f64,
    },
}

/// What a breaker remembers, to be shown.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BreakerView {
    /// What it is doing.
    pub phase: Phase,
    /// What opens it.
    pub threshold: Threshold,
    /// Failures in a row; where a window counts, failures in it.
    pub failures: u32,
    /// Calls in the window, and those among them that were slow.
    pub calls: u32,
    /// See `calls`.
    pub slow: u32,
    /// While it is open: until when it refuses every call.
    pub until: Time,
    /// Calls let through on trial, and how many those can be.
    pub on_trial: [u32; 2],
}

/// What a breaker remembers.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct BreakerState {
    rule: Rule,
    phase: Phase,
    /// Counts the changes of phase.
    period: u32,
    opened: Time,
    /// Failures in a row while closed.
    row: u32,
    /// Calls let through on trial, and how those went that have ended.
    on_trial: u32,
    trial: Tally,
    outcomes: Option<Outcomes>,
}

impl BreakerState {
    /// A closed breaker that has seen no call yet.
    pub fn new(breaker: &Breaker) -> Self {
        let (rule, outcomes) = compiled(breaker);
        Self {
            rule,
            phase: Phase::Closed,
            period: 0,
            opened: Time::ZERO,
            row: 0,
            on_trial: 0,
            trial: Tally::default(),
            outcomes,
        }
    }

    /// Takes on changed settings. The phase stays; the window too, if it is as long as before. A trial begins anew.
    pub fn reconfigure(&mut self, breaker: &Breaker) {
        let (rule, outcomes) = compiled(breaker);
        self.rule = rule;
        let same = match (&self.outcomes, &outcomes) {
            (Some(a), Some(b)) => a.same_shape(b),
            (None, None) => true,
            _ => false,
        };
        if !same {
            self.outcomes = outcomes;
        }
        if self.phase == Phase::HalfOpen {
            // Else one that now needs no more calls than it has had would wait for ever.
            self.period = self.period.wrapping_add(1);
            (self.on_trial, self.trial) = (0, Tally::default());
        }
    }

    /// What it is doing. An open breaker stays so until a call asks after its time.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// What it remembers. A window over time still has what it forgets with the next call.
    pub fn view(&self) -> BreakerView {
        let sum = self.outcomes.as_ref().map(Outcomes::sum);
        let threshold = match self.rule.trip {
            Trip::Consecutive { failures } => Threshold::Consecutive(failures),
            Trip::Rates {
                min_calls,
                failure_rate,
                slow,
                slow_rate,
            } => Threshold::Rates {
                min_calls,
                failure_rate: failure_rate.get(),
                slow,
                slow_rate: slow_rate.get(),
            },
        };
        BreakerView {
            phase: self.phase,
            threshold,
            failures: sum.map_or(self.row, |sum| sum.failures),
            calls: sum.map_or(0, |sum| sum.calls),
            slow: sum.map_or(0, |sum| sum.slow),
            until: self.opened + self.rule.open,
            on_trial: [self.on_trial, self.rule.half_open_calls],
        }
    }

    /// Asks whether a call may be made now. One that may must be followed by [`Self::record`] or [`Self::release`].
    pub fn permit(&mut self, now: Time) -> Permit {
        let mut turned = None;
        if self.phase == Phase::Open {
            let waited = now.since(self.opened);
            let over = if self.rule.strictly_after {
                waited > self.rule.open
            } else {
                waited >= self.rule.open
            };
            if over {
                turned = Some(self.turn(Phase::HalfOpen, now));
            }
        }
        let may = match self.phase {
            Phase::Closed => true,
            Phase::Open => false,
            Phase::HalfOpen => {
                let may = self.on_trial < self.rule.half_open_calls;
                self.on_trial += u32::from(may);
                may
            }
        };
        Permit {
            period: may.then_some(self.period),
            turned,
        }
    }

    /// A call permitted in `period` has ended after `took`, well or not. Gives the phase that the breaker changed to.
    pub fn record(&mut self, now: Time, period: u32, ok: bool, took: Duration) -> Option<Phase> {
        if period != self.period {
            return None;
        }
        let slow = matches!(self.rule.trip, Trip::Rates { slow, .. } if took > slow);
        match self.phase {
            Phase::Closed => {
                let trips = if let Some(outcomes) = &mut self.outcomes {
                    let sum = outcomes.add(now, !ok, slow);
                    self.reached(sum)
                } else {
                    self.row = if ok { 0 } else { self.row + 1 };
                    matches!(self.rule.trip, Trip::Consecutive { failures } if self.row >= failures)
                };
                trips.then(|| self.turn(Phase::Open, now))
            }
            Phase::HalfOpen => {
                self.trial.add(Tally::of(!ok, slow));
                let all = self.trial.calls >= self.rule.half_open_calls;
                let failed = if self.rule.one_by_one {
                    !ok || slow
                } else {
                    all && self.over(self.trial)
                };
                if failed {
                    Some(self.turn(Phase::Open, now))
                } else {
                    all.then(|| self.turn(Phase::Closed, now))
                }
            }
            Phase::Open => None,
        }
    }

    /// A call permitted in `period` was never made, or its outcome is of no account: its place on trial is free again.
    pub fn release(&mut self, period: u32) {
        if period == self.period && self.phase == Phase::HalfOpen {
            self.on_trial -= 1;
        }
    }

    fn turn(&mut self, phase: Phase, now: Time) -> Phase {
        self.phase = phase;
        self.period = self.period.wrapping_add(1);
        match phase {
            Phase::Open => self.opened = now,
            Phase::HalfOpen => (self.on_trial, self.trial) = (0, Tally::default()),
            Phase::Closed => {
                self.row = 0;
                if let Some(outcomes) = &mut self.outcomes {
                    outcomes.clear();
                    if self.rule.one_by_one {
                        for _ in 0..self.trial.calls {
                            outcomes.add(now, false, false);
                        }
                    }
                }
            }
        }
        phase
    }

    /// Whether the window's rates mean something and are too high.
    fn reached(&self, sum: Tally) -> bool {
        let Trip::Rates { min_calls, .. } = self.rule.trip else {
            return false;
        };
        sum.calls >= min_calls && self.over(sum)
    }

    /// Whether the rates of `sum` are too high.
    fn over(&self, sum: Tally) -> bool {
        let Trip::Rates {
            failure_rate,
            slow_rate,
            ..
        } = self.rule.trip
        else {
            return false;
        };
        let calls = f64::from(sum.calls);
        f64::from(sum.failures) / calls >= failure_rate.get()
            || f64::from(sum.slow) / calls >= slow_rate.get()
    }
}

fn compiled(breaker: &Breaker) -> (Rule, Option<Outcomes>) {
    match breaker {
        Breaker::Consecutive(breaker) => {
            let rule = Rule {
                open: Duration::from_millis(breaker.open_ms),
                strictly_after: breaker.strictly_after,
                half_open_calls: breaker.half_open_calls,
                one_by_one: true,
                trip: Trip::Consecutive {
                    failures: breaker.failures,
                },
            };
            (rule, None)
        }
        Breaker::Window(breaker) => {
            let (min_calls, outcomes) = match breaker.unit {
                WindowUnit::Calls => (
                    breaker.min_calls.min(breaker.size),
                    Outcomes::last_calls(breaker.size),
                ),
                WindowUnit::Seconds => (breaker.min_calls, Outcomes::last_seconds(breaker.size)),
            };
            let rule = Rule {
                open: Duration::from_millis(breaker.open_ms),
                strictly_after: breaker.strictly_after,
                half_open_calls: breaker.half_open_calls,
                one_by_one: breaker.trial == Trial::OneByOne,
                trip: Trip::Rates {
                    min_calls,
                    failure_rate: Number::new(breaker.failure_rate),
                    slow: breaker
                        .slow_call_ms
                        .map_or(Duration::MAX, Duration::from_millis),
                    slow_rate: Number::new(breaker.slow_rate.unwrap_or(f64::INFINITY)),
                },
            };
            (rule, Some(outcomes))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker(text: &str) -> BreakerState {
        let breaker: Breaker = crate::read_json(text).expect("of the format");
        BreakerState::new(&breaker)
    }

    fn at(ms: f64) -> Time {
        Time::from_secs(ms / 1e3)
    }

    /// Makes a call that takes a millisecond; whether it was let through, and the phase after it.
    fn call(breaker: &mut BreakerState, ms: f64, ok: bool) -> (bool, Phase) {
        let permit = breaker.permit(at(ms));
        if let Some(period) = permit.period {
            breaker.record(at(ms + 1.0), period, ok, Duration::from_millis(1.0));
        }
        (permit.period.is_some(), breaker.phase())
    }

    #[test]
    fn the_edge_of_the_wait_is_a_setting() {
        for strictly_after in [false, true] {
            let text = format!(
                r#"{{ "consecutive": {{ "failures": 1, "open_ms": 100, "strictly_after": {strictly_after} }} }}"#
            );
            let mut breaker = breaker(&text);
            call(&mut breaker, 0.0, false);
            assert_eq!(call(&mut breaker, 100.999, true), (false, Phase::Open));
            let permit = breaker.permit(at(101.0));
            assert_eq!(permit.period.is_none(), strictly_after);
            assert_eq!(permit.turned, (!strictly_after).then_some(Phase::HalfOpen));
        }
    }

    #[test]
    fn outcomes_from_before_a_change_do_not_count() {
        let mut breaker = breaker(
            r#"{ "consecutive": { "failures": 2, "open_ms": 100, "half_open_calls": 2 } }"#,
        );
        let early = breaker.permit(at(0.0)).period.expect("closed");
        call(&mut breaker, 1.0, false);
        call(&mut breaker, 3.0, false);
        let trial = breaker.permit(at(200.0)).period.expect("half-open");
        assert_eq!(
            breaker.record(at(201.0), early, false, Duration::ZERO),
            None
        );
        assert_eq!(breaker.phase(), Phase::HalfOpen);
        assert_eq!(breaker.record(at(202.0), trial, true, Duration::ZERO), None);
        assert_eq!(call(&mut breaker, 203.0, true), (true, Phase::Closed));
    }

    #[test]
    fn a_trial_that_was_never_made_frees_its_place() {
        let mut breaker = breaker(r#"{ "consecutive": { "failures": 1, "open_ms": 100 } }"#);
        call(&mut breaker, 0.0, false);
        let trial = breaker.permit(at(200.0)).period.expect("half-open");
        assert_eq!(breaker.permit(at(200.0)).period, None);
        breaker.release(trial);
        assert_eq!(call(&mut breaker, 201.0, true), (true, Phase::Closed));
    }

    #[test]
    fn slow_calls_open_it_too() {
        let mut breaker = breaker(
            r#"{ "window": { "size": 4, "min_calls": 2, "failure_rate": 1, "slow_call_ms": 50, "slow_rate": 0.5, "open_ms": 100 } }"#,
        );
        let mut slow = |ms: f64, took: f64| {
            let period = breaker.permit(at(ms)).period.expect("closed");
            breaker.record(at(ms + took), period, true, Duration::from_millis(took))
        };
        // As slow as the bound is not slower.
        assert_eq!(slow(0.0, 50.0), None);
        assert_eq!(slow(100.0, 50.0), None);
        assert_eq!(slow(200.0, 51.0), None);
        assert_eq!(slow(300.0, 51.0), Some(Phase::Open));
    }

    #[test]
    fn new_settings_keep_the_phase() {
        let mut breaker = breaker(r#"{ "consecutive": { "failures": 1, "open_ms": 100 } }"#);
        call(&mut breaker, 0.0, false);
        let longer = r#"{ "consecutive": { "failures": 1, "open_ms": 500 } }"#;
        breaker.reconfigure(&crate::read_json(longer).expect("of the format"));
        assert_eq!(call(&mut breaker, 300.0, true), (false, Phase::Open));
        assert_eq!(call(&mut breaker, 600.0, true), (true, Phase::Closed));
    }

    #[test]
    fn new_settings_begin_a_trial_anew() {
        let settings = |calls: u32| {
            let text = format!(
                r#"{{ "consecutive": {{ "failures": 1, "open_ms": 100, "half_open_calls": {calls} }} }}"#
            );
            crate::read_json::<Breaker>(&text).expect("of the format")
        };
        let mut breaker = BreakerState::new(&settings(3));
        call(&mut breaker, 0.0, false);
        assert_eq!(call(&mut breaker, 200.0, true), (true, Phase::HalfOpen));
        assert_eq!(call(&mut breaker, 201.0, true), (true, Phase::HalfOpen));
        breaker.reconfigure(&settings(2));
        assert_eq!(call(&mut breaker, 202.0, true), (true, Phase::HalfOpen));
        assert_eq!(call(&mut breaker, 203.0, true), (true, Phase::Closed));
    }
}
