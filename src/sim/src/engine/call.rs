//! Calls: from the step of a plan that makes one to the outcome that lets the plan go on.

use super::Engine;
use crate::event::{Child, Event};
use crate::frame::{CallId, FrameId, NONE, Outcome, RequestId, State, Value, Waiter};
use crate::model::{Site, Step};
use crate::probe::Probe;
use crate::random::Key;
use std::sync::Arc;

/// Several calls under way for one waiter, or one call in several attempts.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Pending {
    pub request: RequestId,
    pub waiter: Waiter,
    /// The caller's frame, as probes know it.
    pub caller: u32,
    /// Answers that are still needed.
    pub missing: u32,
    /// Failures that can still be borne.
    pub spare: u32,
    /// What the answers so far bring.
    pub value: Value,
}

impl<P: Probe> Engine<P> {
    /// A frame calls and waits.
    pub(super) fn call(&mut self, id: FrameId, site: u32) {
        let frame = &mut self.frames[id];
        frame.state = State::Asking;
        let (request, station, key, data, turn) = (
            frame.request,
            frame.station,
            frame.key,
            frame.data,
            frame.turn,
        );
        let model = Arc::clone(&self.model);
        let site = &model.sites[site as usize];
        let key = draws_of(site, key, turn);
        let child = self.frame(
            request,
            Waiter::Frame(id),
            site.to,
            site.operation,
            key,
            data,
        );
        let called = Event::Called {
            station,
            to: site.to,
            child: Child::Frame(child.slot()),
        };
        self.tell(request, id.slot(), &called);
        self.set_out(&model, child);
    }

    /// A frame calls and does not wait.
    pub(super) fn spawn(&mut self, id: FrameId, site: u32) {
        let model = Arc::clone(&self.model);
        let site = &model.sites[site as usize];
        for turn in 0..site.times {
            let frame = &self.frames[id];
            let (request, station, data) = (frame.request, frame.station, frame.data);
            let key = draws_of(site, frame.key, turn);
            let child = self.frame(request, Waiter::Nobody, site.to, site.operation, key, data);
            let spawned = Event::Spawned {
                station,
                to: site.to,
                child: Child::Frame(child.slot()),
            };
            self.tell(request, id.slot(), &spawned);
            self.set_out(&model, child);
        }
    }

    /// A frame makes several calls at once and waits for `need` of them.
    pub(super) fn parallel(&mut self, id: FrameId, first: u32, count: u32, need: u32) {
        let frame = &mut self.frames[id];
        frame.state = State::Asking;
        let (request, station, key, data) = (frame.request, frame.station, frame.key, frame.data);
        let model = Arc::clone(&self.model);
        let sites = &model.sites[first as usize..(first + count) as usize];
        let width: u32 = sites.iter().map(|site| site.times).sum();
        let call = self.calls.insert(Pending {
            request,
            waiter: Waiter::Frame(id),
            caller: id.slot(),
            missing: need,
            spare: width - need,
            value: Value::default(),
        });
        self.requests[request].open += 1;
        let called = Event::Called {
            station,
            to: sites[0].to,
            child: Child::Call(call.slot()),
        };
        self.tell(request, id.slot(), &called);
        let mut attempt = 0;
        for site in sites {
            for turn in 0..site.times {
                // An early end needs no more branches.
                if !self.calls.contains_key(call) {
                    return;
                }
                let key = draws_of(site, key, turn);
                let waiter = Waiter::Call(call, attempt);
                let child = self.frame(request, waiter, site.to, site.operation, key, data);
                let tried = Event::Tried {
                    call: call.slot(),
                    attempt,
                    to: site.to,
                    child: Child::Frame(child.slot()),
                };
                self.tell(request, id.slot(), &tried);
                attempt += 1;
                self.set_out(&model, child);
            }
        }
    }

    /// A call hears of one of its attempts or branches.
    pub(super) fn heard(&mut self, id: CallId, attempt: u32, outcome: Outcome) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        match outcome {
            Ok(value) => {
                call.value.bytes = call.value.bytes.saturating_add(value.bytes);
                call.missing -= 1;
                if call.missing > 0 {
                    return;
                }
                let value = call.value;
                self.settle(id, attempt, Ok(value));
            }
            Err(_) if call.spare > 0 => {
                call.spare -= 1;
            }
            Err(failure) => self.settle(id, attempt, Err(failure)),
        }
    }

    /// A call is over. What it still has under way finds it gone.
    fn settle(&mut self, id: CallId, attempt: u32, outcome: Outcome) {
        let Some(call) = self.calls.remove(id) else {
            return;
        };
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
        let (request, station) = (frame.request, frame.station);
        let site = match &self.model.code[frame.step as usize] {
            Step::Call { site } => Some(&self.model.sites[*site as usize]),
            _ => None,
        };
        match outcome {
            Ok(value) => {
                frame.state = State::Working;
                frame.outcome = Ok(value);
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
                frame.turn = 0;
                self.tell(request, id.slot(), &Event::Returned { station });
                if fallback == NONE {
                    return self.finish(id, outcome);
                }
                let frame = &mut self.frames[id];
                frame.state = State::Working;
                frame.step = fallback;
                self.requests[request].degraded = true;
                let reason = failure.reason;
                self.tell(request, id.slot(), &Event::FellBack { station, reason });
                self.ready.push_back(id);
            }
        }
    }

    pub(super) fn retry(&mut self, _: CallId) {}
    pub(super) fn timeout(&mut self, _: CallId, _: u32) {}
    pub(super) fn hedge(&mut self, _: CallId) {}
}

/// The key of what a call from a frame with `key` draws, the `turn`-th time.
fn draws_of(site: &Site, key: Key, turn: u32) -> Key {
    let key = key.with(site.key);
    if turn == 0 {
        key
    } else {
        key.with(u64::from(turn))
    }
}
