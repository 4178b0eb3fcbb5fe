//! Sagas: a row of steps, each a transaction of its own, that ends with all done or all that were done taken back.
//!
//! Models: Garcia-Molina and Salem, *Sagas* (SIGMOD 1987), with an orchestrator that writes each move into a durable log before
//! it makes the next, as the histories of Temporal and Cadence and the states of AWS Step Functions are. After a crash the
//! log tells where to go on: a step whose outcome is not in it is done again, so calls may come twice (see [`Fence`](super::Fence)).
//! A step that fails is compensated too, for nobody can know whether it has happened; then those before it, the last first.
//! Compensations are tried until they succeed, or so often that a person is needed. A step that is *retriable* is tried in the
//! same way instead of turning the saga back: so are those behind the pivot, the step from which there is no way back
//! (Richardson, *Microservices Patterns*, 2018). A step without a compensation is skipped on the way back.
//! Does not model: steps at the same time, or sagas inside steps.

/// What is to be known of a step.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SagaStep {
    /// Whether there is a compensation.
    pub undo: bool,
    /// Whether it is tried until it succeeds.
    pub retriable: bool,
}

/// A record of the log: where the saga has come to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Point {
    /// All steps before this one are done.
    Forward(u8),
    /// It is on its way back: this step is to be compensated.
    Back(u8),
    /// All is done.
    Finished,
    /// All that was done is taken back.
    Compensated,
    /// This step, or its compensation, failed too often: a person must see to it.
    Stuck(u8),
}

/// What a saga needs next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Next {
    /// This is to be written into the log: then [`Saga::logged`].
    Log(Point),
    /// This step is to be done: then [`Saga::heard`].
    Do(u8),
    /// This step's compensation is to be done: then [`Saga::heard`].
    Undo(u8),
    /// It has ended.
    End(Point),
}

/// A saga under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Saga {
    /// What is in the log.
    durable: Option<Point>,
    /// What is to be written next; a crash forgets it.
    pending: Option<Point>,
    /// How often the step that must succeed has failed.
    failures: u32,
}

impl Default for Saga {
    fn default() -> Self {
        Self {
            durable: None,
            pending: Some(Point::Forward(0)),
            failures: 0,
        }
    }
}

/// The last of the steps before `end` that has a compensation.
fn back_from(end: usize, steps: &[SagaStep]) -> Point {
    let at = steps[..end].iter().rposition(|step| step.undo);
    at.map_or(Point::Compensated, |at| Point::Back(at as u8))
}

impl Saga {
    /// What is to be done now.
    pub const fn next(&self) -> Next {
        match (self.pending, self.durable) {
            (Some(point), _) => Next::Log(point),
            (None, Some(Point::Forward(step))) => Next::Do(step),
            (None, Some(Point::Back(step))) => Next::Undo(step),
            (None, Some(end)) => Next::End(end),
            // It begins with a record.
            (None, None) => Next::Log(Point::Forward(0)),
        }
    }

    /// What was to be written is in the log. Tells what was there before, and what is now.
    pub fn logged(&mut self) -> (Option<Point>, Point) {
        let point = match self.next() {
            Next::Log(point) | Next::End(point) => point,
            Next::Do(step) => Point::Forward(step),
            Next::Undo(step) => Point::Back(step),
        };
        self.pending = None;
        self.failures = 0;
        (self.durable.replace(point), point)
    }

    /// The call for the step, or for its compensation, has come back. If it is to be tried again, tells which retry that is
    /// (the first is 1); there are at most `retries`.
    pub fn heard(&mut self, ok: bool, steps: &[SagaStep], retries: u32) -> Option<u32> {
        let next = match self.durable? {
            Point::Forward(at) if ok && usize::from(at) + 1 >= steps.len() => Point::Finished,
            Point::Forward(at) if ok => Point::Forward(at + 1),
            Point::Back(at) if ok => back_from(usize::from(at), steps),
            Point::Forward(at) if !steps[usize::from(at)].retriable => {
                back_from(usize::from(at) + 1, steps)
            }
            Point::Forward(at) | Point::Back(at) => {
                if self.failures < retries {
                    self.failures += 1;
                    return Some(self.failures);
                }
                Point::Stuck(at)
            }
            end => end,
        };
        self.pending = Some(next);
        None
    }

    /// Whoever ran it has crashed: what is not in the log is forgotten. Tells whether there is a saga at all.
    pub fn crashed(&mut self) -> bool {
        self.pending = None;
        self.failures = 0;
        self.durable.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    const PLAIN: SagaStep = SagaStep {
        undo: true,
        retriable: false,
    };
    const PIVOT: SagaStep = SagaStep {
        undo: false,
        retriable: false,
    };
    const AFTER: SagaStep = SagaStep {
        undo: false,
        retriable: true,
    };

    /// Runs a saga whose calls come out as `outcome` says; gives what it did, as text, and its end.
    fn run(
        steps: &[SagaStep],
        retries: u32,
        mut outcome: impl FnMut(Next) -> bool,
    ) -> (String, Point) {
        let mut saga = Saga::default();
        let mut did = String::new();
        loop {
            match saga.next() {
                Next::Log(_) => {
                    saga.logged();
                }
                Next::End(point) => return (did, point),
                next => {
                    let (sign, step) = match next {
                        Next::Do(step) => ('+', step),
                        Next::Undo(step) => ('-', step),
                        _ => unreachable!("the others are above"),
                    };
                    did.push(sign);
                    did.push_str(&step.to_string());
                    saga.heard(outcome(next), steps, retries);
                }
            }
        }
    }

    #[test]
    fn all_is_done_in_order() {
        let (did, end) = run(&[PLAIN, PLAIN, PIVOT], 0, |_| true);
        assert_eq!((did.as_str(), end), ("+0+1+2", Point::Finished));
    }

    #[test]
    fn what_failed_and_all_before_it_is_taken_back_the_last_first() {
        let fails = |at| move |next| next != Next::Do(at);
        let steps = [PLAIN, PLAIN, PLAIN, PLAIN];
        for (at, expected) in [(0, "+0-0"), (1, "+0+1-1-0"), (3, "+0+1+2+3-3-2-1-0")] {
            let (did, end) = run(&steps, 0, fails(at));
            assert_eq!((did.as_str(), end), (expected, Point::Compensated));
        }
        // What has no compensation is passed by.
        let (did, end) = run(&[PLAIN, PIVOT, PLAIN], 0, fails(2));
        assert_eq!((did.as_str(), end), ("+0+1+2-2-0", Point::Compensated));
        let (did, end) = run(&[PIVOT], 0, fails(0));
        assert_eq!((did.as_str(), end), ("+0", Point::Compensated));
    }

    #[test]
    fn behind_the_pivot_there_is_no_way_back() {
        let mut failures = 3;
        let (did, end) = run(&[PLAIN, PIVOT, AFTER], 5, |next| {
            if next == Next::Do(2) && failures > 0 {
                failures -= 1;
                return false;
            }
            true
        });
        assert_eq!((did.as_str(), end), ("+0+1+2+2+2+2", Point::Finished));
    }

    #[test]
    fn a_compensation_that_fails_too_often_needs_a_person() {
        let fails = |next| matches!(next, Next::Do(0));
        let (did, end) = run(&[PLAIN, PLAIN], 2, fails);
        assert_eq!((did.as_str(), end), ("+0+1-1-1-1", Point::Stuck(1)));
    }

    /// Whatever fails and whenever it crashes: a step that may have been done is compensated, or all is done.
    #[test]
    fn after_any_crashes_it_goes_on_from_its_log() {
        let steps = [PLAIN, PLAIN, PLAIN, PLAIN];
        for seed in 0..2_000 {
            let mut draws = Key::root(seed).draws();
            let mut saga = Saga::default();
            let mut net = [0_i32; 4];
            let (mut crashes, mut begun) = (0, false);
            let end = loop {
                if crashes < 20 && draws.below(4) == 0 {
                    crashes += 1;
                    if !saga.crashed() {
                        // Nobody has heard of it: there is nothing to take back.
                        assert!(!begun);
                        saga = Saga::default();
                    }
                    continue;
                }
                match saga.next() {
                    Next::Log(_) => {
                        saga.logged();
                        begun = true;
                    }
                    // Both take effect once, as behind a fence; a step may fail before it does anything.
                    Next::Do(step) => {
                        let ok = draws.below(8) > 0;
                        if ok || draws.below(2) == 0 {
                            net[usize::from(step)] = 1;
                        }
                        if draws.below(5) > 0 {
                            saga.heard(ok, &steps, 1_000);
                        }
                    }
                    Next::Undo(step) => {
                        let ok = draws.below(3) > 0;
                        if ok {
                            net[usize::from(step)] = 0;
                        }
                        saga.heard(ok, &steps, 1_000);
                    }
                    Next::End(end) => break end,
                }
            };
            match end {
                Point::Finished => assert_eq!(net, [1; 4], "seed {seed}"),
                Point::Compensated => assert_eq!(net, [0; 4], "seed {seed}"),
                other => panic!("seed {seed}: {other:?}"),
            }
        }
    }
}
