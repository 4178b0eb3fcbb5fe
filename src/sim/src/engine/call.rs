//! Calls: from the step of a plan that makes one to the outcome that lets the plan go on.

use std::sync::Arc;

use slotmap::Key as _;

use super::Engine;
use super::guard::Attempts;
use crate::event::{Child, Event};
use crate::frame::{CallId, Entry, FrameId, NONE, Outcome, RequestId, State, Value, Waiter};
use crate::model::{Model, NO_KEY, OWN, Site, Step};
use crate::probe::Probe;
use crate::random::Key;
use crate::workflow::Part;

/// Several calls under way for one waiter, or one call in several attempts.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Pending {
    pub request: RequestId,
    pub waiter: Waiter,
    /// The caller's frame, as probes know it.
    pub caller: u32,
    pub terms: Terms,
}

/// What such a call waits for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Terms {
    /// Enough answers of calls made at once.
    Parallel {
        /// Answers that are still needed.
        missing: u32,
        /// Failures that can still be borne.
        spare: u32,
        /// What the answers so far bring.
        value: Value,
    },
    /// One answer, in as many attempts as its guard allows.
    Guarded(Attempts),
    /// The answers of all shards, or enough of them.
    Scatter {
        /// Answers that are enough.
        need: u32,
        /// How many were asked.
        of: u32,
        /// How many have answered.
        answers: u32,
        /// How many may still answer.
        open: u32,
        /// What the answers so far bring.
        value: Value,
    },
}

impl Pending {
    /// Whether the outcome of that attempt still counts.
    pub fn awaits(&self, attempt: u32) -> bool {
        match &self.terms {
            Terms::Guarded(attempts) => attempts.awaits(attempt),
            Terms::Parallel { .. } | Terms::Scatter { .. } => false,
        }
    }
}

/// Who makes a call, and about what.
#[derive(Clone, Copy)]
pub(super) struct Caller {
    pub request: RequestId,
    /// The frame, as probes know it.
    pub frame: u32,
    /// Which instance of its component it is.
    pub instance: u32,
    pub key: Key,
    pub data: u64,
    /// What it does for a saga or a transaction.
    pub part: Part,
    /// The frame itself, or the null key.
    id: FrameId,
    operation: u16,
    /// What it has to answer so far, to be put into a cache.
    value: Value,
}

impl<P: Probe> Engine<P> {
    pub(super) fn caller(&self, id: FrameId) -> Caller {
        let frame = &self.frames[id];
        Caller {
            request: frame.request,
            frame: id.slot(),
            instance: self.model.stations[frame.station as usize].instance,
            key: frame.key,
            data: frame.data,
            part: frame.part,
            id,
            operation: frame.operation,
            value: frame.outcome.unwrap_or_default(),
        }
    }

    /// Makes one call at site number `at` for `waiter`; `tell` is told of what it makes before that sets out.
    pub(super) fn ask(
        &mut self,
        model: &Model,
        at: u32,
        caller: Caller,
        waiter: Waiter,
        turn: u32,
        tell: impl FnOnce(&mut Self, &Site, Child),
    ) {
        let site = &model.sites[at as usize];
        let Caller { request, data, .. } = caller;
        let mut key = caller.key;
        if site.key != NO_KEY {
            key = key.with(site.key);
        }
        if turn > 0 {
            key = key.with(u64::from(turn));
        }
        if site.guard.is_some() {
            let data = if site.versioned {
                self.sourcing.versioned(caller.id, data)
            } else {
                data
            };
            let call = self.guarded(
                Caller {
                    key,
                    data,
                    ..caller
                },
                waiter,
                at,
            );
            tell(self, site, Child::Call(call.slot()));
            self.attempt(call, false);
        } else {
            let operation = match site.operation {
                OWN => caller.operation,
                operation => operation,
            };
            let child = self.frame(request, waiter, site.to, operation, key, data);
            if !caller.part.is_none() {
                self.mark(child, caller.part);
            }
            if site.entry != Entry::Operation {
                let frame = &mut self.frames[child];
                frame.entry = site.entry;
                if site.versioned {
                    frame.data = self.sourcing.versioned(caller.id, data);
                }
                if site.entry == Entry::Put {
                    frame.outcome = Ok(caller.value);
                }
            }
            tell(self, site, Child::Frame(child.slot()));
            self.set_out(model, site, caller.instance, child);
        }
    }

    /// A frame calls and waits.
    pub(super) fn call(&mut self, id: FrameId, site: u32) {
        let frame = &self.frames[id];
        let (part, turn) = (frame.part, frame.turn);
        self.call_for(id, site, part, turn);
    }

    /// The same, as a part of a saga; calls with other turns are other work.
    #[inline(always)]
    pub(super) fn call_for(&mut self, id: FrameId, site: u32, part: Part, turn: u32) {
        let frame = &mut self.frames[id];
        frame.state = State::Asking;
        let station = frame.station;
        let caller = Caller {
            part,
            ..self.caller(id)
        };
        let model = Arc::clone(&self.model);
        let waiter = Waiter::Frame(id);
        self.ask(&model, site, caller, waiter, turn, |engine, site, child| {
            let to = site.to;
            let event = Event::Called { station, to, child };
            engine.tell(caller.request, caller.frame, &event);
        });
    }

    /// A frame calls and does not wait.
    #[inline(never)]
    pub(super) fn spawn(&mut self, id: FrameId, site: u32) {
        let station = self.frames[id].station;
        let caller = self.caller(id);
        let model = Arc::clone(&self.model);
        for turn in 0..model.sites[site as usize].times {
            let waiter = Waiter::Nobody;
            self.ask(&model, site, caller, waiter, turn, |engine, site, child| {
                let to = site.to;
                let spawned = Event::Spawned { station, to, child };
                engine.tell(caller.request, caller.frame, &spawned);
            });
        }
    }

    /// A frame makes several calls at once and waits for `need` of them.
    #[inline(never)]
    pub(super) fn parallel(&mut self, id: FrameId, first: u32, count: u32, need: u32) {
        self.parallel_for(id, [first, count, need], None, 0);
    }

    /// The same; each may be a branch of a transaction, whose first branch is `part`. Calls with other turns are other work.
    pub(super) fn parallel_for(
        &mut self,
        id: FrameId,
        [first, count, need]: [u32; 3],
        part: Option<Part>,
        base: u32,
    ) {
        let frame = &mut self.frames[id];
        frame.state = State::Asking;
        let station = frame.station;
        let caller = self.caller(id);
        let model = Arc::clone(&self.model);
        let sites = &model.sites[first as usize..(first + count) as usize];
        let width: u32 = sites.iter().map(|site| site.times).sum();
        self.requests[caller.request].open += 1;
        let call = self.calls.insert(Pending {
            request: caller.request,
            waiter: Waiter::Frame(id),
            caller: caller.frame,
            terms: Terms::Parallel {
                missing: need,
                spare: width - need,
                value: Value::default(),
            },
        });
        let event = Event::Called {
            station,
            to: sites[0].to,
            child: Child::Call(call.slot()),
        };
        self.tell(caller.request, caller.frame, &event);
        let mut attempt = 0;
        for (at, site) in (first..).zip(sites) {
            for turn in 0..site.times {
                // An early end needs no more branches.
                if !self.calls.contains_key(call) {
                    return;
                }
                let waiter = Waiter::Call(call, attempt);
                let part = part.map_or(caller.part, |part| Part {
                    step: (at - first) as u8,
                    ..part
                });
                let caller = Caller { part, ..caller };
                let turn = base + turn;
                self.ask(&model, at, caller, waiter, turn, |engine, site, child| {
                    let tried = Event::Tried {
                        call: call.slot(),
                        attempt,
                        to: site.to,
                        child,
                    };
                    engine.tell(caller.request, caller.frame, &tried);
                });
                attempt += 1;
            }
        }
    }

    /// A client makes its call; `tell` is told of what it makes before that sets out.
    pub(super) fn client_call(
        &mut self,
        model: &Model,
        request: RequestId,
        site: u32,
        key: Key,
        data: u64,
        tell: impl FnOnce(&mut Self, Child),
    ) {
        let caller = Caller {
            request,
            frame: NONE,
            instance: 0,
            key,
            data,
            part: Part::NONE,
            id: FrameId::null(),
            operation: 0,
            value: Value::default(),
        };
        self.ask(
            model,
            site,
            caller,
            Waiter::Client,
            0,
            |engine, _, child| {
                tell(engine, child);
            },
        );
    }

    /// A call hears of one of its attempts or branches.
    pub(super) fn heard(&mut self, id: CallId, attempt: u32, outcome: Outcome) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        let (missing, spare, value) = match &mut call.terms {
            Terms::Parallel {
                missing,
                spare,
                value,
            } => (missing, spare, value),
            Terms::Guarded(_) => return self.attempted(id, attempt, outcome),
            Terms::Scatter { .. } => return self.gather(id, attempt, outcome),
        };
        match outcome {
            Ok(answer) => {
                value.bytes = value.bytes.saturating_add(answer.bytes);
                *missing -= 1;
                if *missing == 0 {
                    let value = *value;
                    self.settle(id, attempt, Ok(value));
                }
            }
            Err(failure) if *spare > 0 => {
                *spare -= 1;
                let (request, caller) = (call.request, call.caller);
                let missed = Event::Missed {
                    call: id.slot(),
                    attempt,
                    reason: failure.reason,
                };
                self.tell(request, caller, &missed);
            }
            Err(_) => self.settle(id, attempt, outcome),
        }
    }

    /// A call is over. What it still has under way finds it gone.
    pub(super) fn settle(&mut self, id: CallId, attempt: u32, outcome: Outcome) {
        let Some(call) = self.calls.remove(id) else {
            return;
        };
        if let Terms::Guarded(attempts) = &call.terms {
            self.forget(attempts);
        }
        self.requests[call.request].open -= 1;
        let settled = Event::Settled {
            call: id.slot(),
            attempt,
        };
        self.tell(call.request, call.caller, &settled);
        self.deliver(call.waiter, call.request, outcome);
        self.release(call.request);
    }

    /// A frame's call has come back.
    pub(super) fn resume(&mut self, id: FrameId, outcome: Outcome) {
        let Some(frame) = self.frames.get_mut(id) else {
            return;
        };
        // Its station may have crashed since, and its own answer be on its way back.
        if frame.state != State::Asking {
            return;
        }
        let (request, station) = (frame.request, frame.station);
        let site = match &self.model.code[frame.step as usize] {
            Step::Call { site } => Some(&self.model.sites[*site as usize]),
            Step::Workflow { .. } => return self.workflow_heard(id, outcome),
            _ => None,
        };
        match outcome {
            Ok(value) => {
                frame.state = State::Working;
                // That a key has been dropped is no answer.
                if site.is_none_or(|site| site.entry != Entry::Delete) {
                    frame.outcome = Ok(value);
                }
                frame.turn += 1;
                if site.is_none_or(|site| frame.turn >= site.times) {
                    frame.turn = 0;
                    frame.step += 1;
                }
                self.tell(request, id.slot(), &Event::Returned { station });
                self.ready.push_back(id);
            }
            Err(failure) => {
                let fallback = site.map_or(NONE, |site| site.fallback);
                // An answer without the help of a cache is no worse.
                let degrades = site.is_some_and(|site| site.entry == Entry::Operation);
                frame.turn = 0;
                self.tell(request, id.slot(), &Event::Returned { station });
                if fallback == NONE {
                    return self.finish(id, outcome);
                }
                let frame = &mut self.frames[id];
                frame.state = State::Working;
                frame.step = fallback;
                self.requests[request].degraded |= degrades;
                let reason = failure.reason;
                self.tell(request, id.slot(), &Event::FellBack { station, reason });
                self.ready.push_back(id);
            }
        }
    }
}
