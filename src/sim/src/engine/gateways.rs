//! Gateways at work: who passes, who waits for a turn, who is refused.

use super::Engine;
use crate::calendar::Due;
use crate::component::LimitBy;
use crate::event::{Event, Loss};
use crate::frame::{FrameId, State};
use crate::model::{GatewayModel, Model};
use crate::policy_state::PolicyState;
use crate::probe::Probe;
use crate::resilience::{Admit, ConcurrencyState, RateLimitState};
use crate::time::Time;

/// What a gateway's station remembers.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct LimitState {
    rate: Option<RateLimitState>,
    concurrency: Option<ConcurrencyState>,
}

impl LimitState {
    fn new(gateway: &GatewayModel) -> Self {
        Self {
            rate: gateway.rate_limit.as_ref().map(RateLimitState::new),
            concurrency: gateway.concurrency.as_ref().map(ConcurrencyState::new),
        }
    }

    /// What they know, to be shown.
    pub fn views(&self, now: Time) -> [Option<PolicyState>; 2] {
        let concurrency = self.concurrency.as_ref();
        [
            self.rate.as_ref().map(|rate| rate.view(now)),
            concurrency.map(|limit| PolicyState::Concurrency {
                under_way: limit.under_way(),
                limit: limit.limit(),
            }),
        ]
    }

    fn reconfigure(&mut self, gateway: &GatewayModel) {
        match (&mut self.rate, &gateway.rate_limit) {
            (Some(state), Some(limit)) => state.reconfigure(limit),
            (state, limit) => *state = limit.as_ref().map(RateLimitState::new),
        }
        match (&mut self.concurrency, &gateway.concurrency) {
            (Some(state), Some(limit)) => state.reconfigure(limit),
            (state, limit) => *state = limit.as_ref().map(ConcurrencyState::new),
        }
    }
}

impl<P: Probe> Engine<P> {
    /// Gives every gateway's station its limits, or changes them.
    pub(super) fn set_limits(&mut self, model: &Model) {
        for (at, station) in model.stations.iter().enumerate() {
            let gateway = model.components[usize::from(station.component)]
                .gateway
                .as_deref();
            match (self.limits.get_mut(at), gateway) {
                (Some(limit), Some(gateway)) => limit.reconfigure(gateway),
                (Some(_), None) => {}
                (None, gateway) => self
                    .limits
                    .push(gateway.map_or_else(LimitState::default, LimitState::new)),
            }
        }
    }

    /// Whether a frame that has come to a gateway passes its limits now; if not it is held back or refused.
    pub(super) fn let_pass(&mut self, gateway: &GatewayModel, id: FrameId) -> bool {
        let frame = &mut self.frames[id];
        let (request, station) = (frame.request, frame.station);
        let limits = &mut self.limits[station as usize];
        if frame.state != State::Delayed
            && let Some(rate) = &mut limits.rate
        {
            let sender = &self.requests[request];
            let key = match gateway.limit_by {
                LimitBy::User => u64::from(sender.client) << 32 | u64::from(sender.user),
                LimitBy::Key => frame.data,
            };
            match rate.admit(self.now, key) {
                Admit::Pass => {}
                Admit::Reject => {
                    self.refuse(id, Loss::Limited);
                    return false;
                }
                Admit::Delay(wait) => {
                    frame.state = State::Delayed;
                    self.tell(request, id.slot(), &Event::Delayed { station, wait });
                    self.calendar
                        .plan(self.now + wait, Due::Passed { frame: id });
                    return false;
                }
            }
        }
        frame.state = State::Travelling;
        if let Some(concurrency) = &mut limits.concurrency {
            if !concurrency.enter() {
                self.refuse(id, Loss::Limited);
                return false;
            }
            frame.counted = true;
        }
        true
    }

    /// A frame that was held back may go on.
    pub(super) fn passed(&mut self, id: FrameId) {
        if let Some(frame) = self.frames.get(id)
            && frame.state == State::Delayed
        {
            let model = std::sync::Arc::clone(&self.model);
            self.admit(&model, id);
        }
    }

    /// A frame that counted in its gateway's limit has ended, well or not.
    pub(super) fn uncount(&mut self, id: FrameId, ok: bool) {
        let frame = &mut self.frames[id];
        frame.counted = false;
        let took = self.now.since(frame.since);
        let limits = &mut self.limits[frame.station as usize];
        // A limit that has come since knows nothing of it.
        if let Some(concurrency) = &mut limits.concurrency
            && concurrency.under_way() > 0
        {
            concurrency.leave(ok, took);
        }
    }

    /// A gateway that has crashed comes back with full buckets.
    pub(super) fn forget_limits(&mut self, model: &Model, station: u32) {
        let component = &model.components[usize::from(model.stations[station as usize].component)];
        if let Some(gateway) = &component.gateway {
            self.limits[station as usize] = LimitState::new(gateway);
        }
    }
}
