//! Asking all shards at once: how their answers come together. All are waited for, as long as there is time; with enough
//! answers the rest may fail or be late.

use super::Engine;
use super::call::{Pending, Terms};
use crate::calendar::Due;
use crate::event::{Child, Event, Loss, ShardEvent};
use crate::frame::{CallId, Failure, FrameId, NONE, Outcome, State, Value, Waiter};
use crate::model::{Model, ScatterModel, ShardsModel};
use crate::probe::Probe;

impl<P: Probe> Engine<P> {
    /// A frame asks all shards at once.
    pub(super) fn scatter(&mut self, model: &Model, shards: &ShardsModel, id: FrameId, first: u32) {
        let frame = &mut self.frames[id];
        frame.state = State::Asking;
        let (station, router, operation) = (frame.station, frame.component, frame.operation);
        let Some(ScatterModel { need, timeout }) = shards.scattered[usize::from(operation)] else {
            return;
        };
        // While keys move, those that come and those that go are asked, too.
        let state = self.routers.get(router);
        let (begun, done) = state.map_or((false, false), |state| {
            (state.resharding.has_begun(), state.resharding.is_done())
        });
        let before = shards.placement.shards();
        let after = shards
            .reshard
            .as_ref()
            .map(|reshard| reshard.handover.after.shards());
        let is_asked = |shard: u16| {
            let after = after.is_some_and(|after| after.contains(&shard));
            (!done && before.contains(&shard)) || (begun && after)
        };
        let all = 0..shards.targets.len() as u16;
        let of = all.clone().filter(|shard| is_asked(*shard)).count() as u32;
        let caller = self.caller(id);
        self.requests[caller.request].open += 1;
        let call = self.calls.insert(Pending {
            request: caller.request,
            waiter: Waiter::Frame(id),
            caller: caller.frame,
            terms: Terms::Scatter {
                need: need.unwrap_or(of).min(of),
                of,
                answers: 0,
                open: of,
                value: Value::default(),
            },
        });
        if let Some(timeout) = timeout {
            self.calendar
                .plan(self.now + timeout, Due::Gathered { call });
        }
        let event = Event::Called {
            station,
            to: shards.targets[0],
            child: Child::Call(call.slot()),
        };
        self.tell(caller.request, caller.frame, &event);
        for (attempt, shard) in (0..).zip(all.filter(|shard| is_asked(*shard))) {
            // Too many failures end it early.
            if !self.calls.contains_key(call) {
                return;
            }
            let waiter = Waiter::Call(call, attempt);
            let at = first + u32::from(shard);
            self.ask(model, at, caller, waiter, 0, |engine, site, child| {
                let tried = Event::Tried {
                    call: call.slot(),
                    attempt,
                    to: site.to,
                    child,
                };
                engine.tell(caller.request, caller.frame, &tried);
            });
        }
    }

    /// One of all shards has answered, or failed.
    #[inline(never)]
    pub(super) fn gather(&mut self, id: CallId, attempt: u32, outcome: Outcome) {
        let Some(Pending {
            request,
            caller,
            terms:
                Terms::Scatter {
                    need,
                    answers,
                    open,
                    value,
                    ..
                },
            ..
        }) = self.calls.get_mut(id)
        else {
            return;
        };
        *open -= 1;
        match outcome {
            Ok(answer) => {
                *answers += 1;
                value.bytes = value.bytes.saturating_add(answer.bytes);
                if *open == 0 {
                    self.conclude_gathering(id, attempt);
                }
            }
            Err(failure) if *answers + *open < *need => self.settle(id, attempt, Err(failure)),
            Err(_) if *open == 0 => self.conclude_gathering(id, attempt),
            Err(failure) => {
                let missed = Event::Missed {
                    call: id.slot(),
                    attempt,
                    reason: failure.reason,
                };
                let (request, caller) = (*request, *caller);
                self.tell(request, caller, &missed);
            }
        }
    }

    /// Time to go on without those that have not answered.
    pub(super) fn gathered(&mut self, id: CallId) {
        let Some(Pending {
            waiter: Waiter::Frame(frame),
            terms: Terms::Scatter { need, answers, .. },
            ..
        }) = self.calls.get(id)
        else {
            return;
        };
        if answers >= need {
            return self.conclude_gathering(id, NONE);
        }
        let station = self.frames.get(*frame).map_or(NONE, |frame| frame.station);
        let reason = Loss::TimedOut;
        self.settle(id, NONE, Err(Failure { reason, station }));
    }

    /// There are answers enough.
    fn conclude_gathering(&mut self, id: CallId, attempt: u32) {
        let Some(Pending {
            request,
            waiter: Waiter::Frame(frame),
            terms: Terms::Scatter {
                of, answers, value, ..
            },
            ..
        }) = self.calls.get(id)
        else {
            return;
        };
        let (request, frame) = (*request, *frame);
        let (of, answers, value) = (*of, *answers, *value);
        if answers < of
            && let Some(station) = self.frames.get(frame).map(|frame| frame.station)
        {
            self.requests[request].degraded = true;
            let partial = ShardEvent::Partial {
                station,
                answers,
                of,
            };
            self.tell_router(frame, partial);
        }
        self.settle(id, attempt, Ok(value));
    }
}
