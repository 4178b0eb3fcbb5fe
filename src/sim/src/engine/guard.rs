//! Guarded calls: attempts with timeouts, retries after a back-off, hedges beside a slow attempt, and the breaker that
//! forbids attempts. The rules are those of `resilience`; here is who carries them out.

use std::sync::Arc;

use slotmap::Key as _;

use super::Engine;
use super::call::{Caller, Pending, Terms};
use crate::calendar::Due;
use crate::event::{Child, Event, Loss};
use crate::frame::{CallId, Failure, FrameId, NONE, Outcome, Waiter};
use crate::limits;
use crate::model::Guard;
use crate::policy_state::PolicyState;
use crate::probe::Probe;
use crate::random::Key;
use crate::resilience::{BreakerState, Phase, RetryBudgetState};
use crate::time::{Duration, Time};
use crate::workflow::Part;

/// Attempts of one call that can be under way at once: one, and all its hedges.
const AT_ONCE: usize = 1 + limits::HEDGES as usize;

/// What a place that makes guarded calls remembers from call to call.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct GuardState {
    budget: Option<RetryBudgetState>,
    breaker: Option<BreakerState>,
}

impl GuardState {
    fn new(guard: &Guard) -> Self {
        let budget = guard.retry.as_ref().and_then(|retry| retry.budget.as_ref());
        Self {
            budget: budget.map(RetryBudgetState::new),
            breaker: guard.breaker.as_ref().map(BreakerState::new),
        }
    }

    /// What they know, to be shown.
    pub fn views(&self, to: u16, instance: u32, now: Time) -> [Option<PolicyState>; 2] {
        let breaker = self.breaker.as_ref().map(|breaker| PolicyState::Breaker {
            instance,
            to,
            breaker: breaker.view(),
        });
        let budget = self.budget.as_ref().map(|budget| PolicyState::RetryBudget {
            instance,
            to,
            retries: budget.retries(now),
        });
        [breaker, budget]
    }

    /// Takes on changed settings.
    pub fn reconfigure(&mut self, guard: &Guard) {
        let budget = guard.retry.as_ref().and_then(|retry| retry.budget.as_ref());
        match (&mut self.budget, budget) {
            (Some(state), Some(budget)) => state.reconfigure(budget),
            (state, budget) => *state = budget.map(RetryBudgetState::new),
        }
        match (&mut self.breaker, &guard.breaker) {
            (Some(state), Some(breaker)) => state.reconfigure(breaker),
            (state, breaker) => *state = breaker.as_ref().map(BreakerState::new),
        }
    }
}

/// Where a guarded call has come to.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Attempts {
    site: u32,
    /// Which instance of the caller makes it: each has a breaker and a budget of its own.
    instance: u32,
    key: Key,
    data: u64,
    part: Part,
    /// Attempts so far, hedges among them.
    started: u32,
    /// Attempts so far, without hedges.
    tries: u32,
    hedges: u32,
    /// The wait before the latest retry.
    waited: Duration,
    under_way: [Attempt; AT_ONCE],
}

/// An attempt whose outcome still counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Attempt {
    /// Which of the call's attempts; [`NONE`] if there is none in this place.
    number: u32,
    /// What the breaker permitted it in.
    period: Option<u32>,
    since: Time,
    frame: FrameId,
}

impl Attempts {
    fn under_way(&self) -> impl Iterator<Item = &Attempt> {
        let places = self.under_way.iter();
        places.filter(|attempt| attempt.number != NONE)
    }

    fn find(&self, number: u32) -> Option<&Attempt> {
        self.under_way().find(|attempt| attempt.number == number)
    }

    /// Whether the outcome of that attempt still counts.
    pub fn awaits(&self, number: u32) -> bool {
        self.find(number).is_some()
    }

    fn add(&mut self, attempt: Attempt) {
        let mut places = self.under_way.iter_mut();
        let free = places.find(|place| place.number == NONE);
        *free.expect("there are no more than one and its hedges") = attempt;
    }

    /// The attempt, which counts no more.
    fn take(&mut self, number: u32) -> Option<Attempt> {
        let mut places = self.under_way.iter_mut();
        let place = places.find(|place| place.number == number)?;
        let attempt = *place;
        place.number = NONE;
        Some(attempt)
    }
}

/// Whether a try that failed so is worth another.
const fn worth_a_retry(reason: Loss) -> bool {
    !matches!(reason, Loss::CircuitOpen)
}

impl<P: Probe> Engine<P> {
    /// Begins a guarded call. It can't be over before [`Self::attempt`] has been called for it.
    pub(super) fn guarded(&mut self, caller: Caller, waiter: Waiter, site: u32) -> CallId {
        self.requests[caller.request].open += 1;
        self.calls.insert(Pending {
            request: caller.request,
            waiter,
            caller: caller.frame,
            terms: Terms::Guarded(Attempts {
                site,
                instance: caller.instance,
                key: caller.key,
                data: caller.data,
                part: caller.part,
                started: 0,
                tries: 0,
                hedges: 0,
                waited: Duration::ZERO,
                under_way: [Attempt {
                    number: NONE,
                    period: None,
                    since: Time::ZERO,
                    frame: FrameId::null(),
                }; AT_ONCE],
            }),
        })
    }

    fn attempts(&mut self, id: CallId) -> Option<&mut Attempts> {
        match &mut self.calls.get_mut(id)?.terms {
            Terms::Guarded(attempts) => Some(attempts),
            Terms::Parallel { .. } | Terms::Scatter { .. } => None,
        }
    }

    /// What the caller's instance remembers of this place.
    fn guard_state(&mut self, guard: &Guard, instance: u32) -> &mut GuardState {
        let instances = &mut self.guards[guard.number as usize];
        while instances.len() <= instance as usize {
            instances.push(GuardState::new(guard));
        }
        &mut instances[instance as usize]
    }

    /// A guarded call makes an attempt: its first, a retry, or a hedge.
    pub(super) fn attempt(&mut self, id: CallId, is_hedge: bool) {
        let Some(state) = self.attempts(id) else {
            return;
        };
        let (site_at, instance, started) = (state.site, state.instance, state.started);
        let (key, data, part) = (state.key, state.data, state.part);
        let model = Arc::clone(&self.model);
        let site = &model.sites[site_at as usize];
        let Some(guard) = &site.guard else { return };
        let now = self.now;
        let guards = self.guard_state(guard, instance);
        if started == 0
            && let Some(budget) = &mut guards.budget
        {
            budget.sent(now);
        }
        let mut period = None;
        if let Some(breaker) = &mut guards.breaker {
            let permit = breaker.permit(now);
            self.tell_breaker(id, site.to, permit.turned);
            if permit.period.is_none() {
                // A hedge that may not be made leaves the others to it.
                if !is_hedge {
                    let failure = Failure {
                        reason: Loss::CircuitOpen,
                        station: NONE,
                    };
                    self.settle(id, NONE, Err(failure));
                }
                return;
            }
            period = permit.period;
        }
        let (request, caller) = (self.calls[id].request, self.calls[id].caller);
        // A later attempt is other work than the first: its demands are drawn anew.
        let key = if started == 0 {
            key
        } else {
            key.named("attempt").with(u64::from(started))
        };
        let waiter = Waiter::Call(id, started);
        let frame = self.frame(request, waiter, site.to, site.operation, key, data);
        self.frames[frame].entry = site.entry;
        if !part.is_none() {
            self.mark(frame, part);
        }
        if let Some(state) = self.attempts(id) {
            state.started += 1;
            state.tries += u32::from(!is_hedge);
            state.hedges += u32::from(is_hedge);
            state.add(Attempt {
                number: started,
                period,
                since: now,
                frame,
            });
            let more = state.hedges < guard.hedge.map_or(0, |(_, at_most)| at_most);
            if let Some((after, _)) = guard.hedge
                && more
            {
                let attempt = started;
                self.calendar
                    .plan(now + after, Due::Hedge { call: id, attempt });
            }
        }
        if let Some(timeout) = guard.timeout {
            let due = Due::Timeout {
                call: id,
                attempt: started,
            };
            self.calendar.plan(now + timeout, due);
        }
        let tried = Event::Tried {
            call: id.slot(),
            attempt: started,
            to: site.to,
            child: Child::Frame(frame.slot()),
        };
        self.tell(request, caller, &tried);
        self.set_out(&model, site, instance, frame);
    }

    /// A guarded call hears of an attempt.
    pub(super) fn attempted(&mut self, id: CallId, attempt: u32, outcome: Outcome) {
        let now = self.now;
        let Some(state) = self.attempts(id) else {
            return;
        };
        // Too late if this attempt has been given up.
        let Some(Attempt { since, period, .. }) = state.take(attempt) else {
            return;
        };
        let (site, instance) = (state.site, state.instance);
        let model = Arc::clone(&self.model);
        let site = &model.sites[site as usize];
        let Some(guard) = &site.guard else { return };
        if let Some(period) = period
            && let Some(breaker) = &mut self.guard_state(guard, instance).breaker
        {
            let turned = breaker.record(now, period, outcome.is_ok(), now.since(since));
            self.tell_breaker(id, site.to, turned);
        }
        match outcome {
            Ok(_) => self.settle(id, attempt, outcome),
            Err(failure) => self.missed(id, attempt, guard, failure),
        }
    }

    /// An attempt has failed: others may still be under way, or there may be another.
    fn missed(&mut self, id: CallId, attempt: u32, guard: &Guard, failure: Failure) {
        let now = self.now;
        let Some(state) = self.attempts(id) else {
            return;
        };
        let waits = state.under_way().next().is_some();
        let (tries, instance, key, waited) = (state.tries, state.instance, state.key, state.waited);
        let may = !waits
            && worth_a_retry(failure.reason)
            && guard.retry.as_ref().is_some_and(|r| tries < r.attempts);
        let may = may
            && match &mut self.guard_state(guard, instance).budget {
                Some(budget) => budget.may_retry(now),
                None => true,
            };
        if !waits && !may {
            return self.settle(id, attempt, Err(failure));
        }
        let (request, caller) = (self.calls[id].request, self.calls[id].caller);
        let missed = Event::Missed {
            call: id.slot(),
            attempt,
            reason: failure.reason,
        };
        self.tell(request, caller, &missed);
        if waits {
            return;
        }
        if let Some(retry) = &guard.retry {
            let mut draws = key.named("backoff").with(u64::from(tries)).draws();
            let wait = retry.backoff.wait(tries, waited, &mut draws);
            if let Some(state) = self.attempts(id) {
                state.waited = wait;
            }
            let call = id.slot();
            self.tell(request, caller, &Event::BackedOff { call, wait });
            // Even without a wait by way of the calendar: so the run's budget of events bounds all retries.
            self.calendar.plan(now + wait, Due::Retry { call: id });
        }
    }

    /// A call has waited long enough for its next try.
    pub(super) fn retry(&mut self, id: CallId) {
        if self.calls.contains_key(id) {
            self.attempt(id, false);
        }
    }

    /// An attempt is slow: it gets company, unless it is over.
    pub(super) fn hedge(&mut self, id: CallId, attempt: u32) {
        if let Some(state) = self.attempts(id)
            && state.started == attempt + 1
            && state.awaits(attempt)
        {
            self.attempt(id, true);
        }
    }

    /// An attempt has had its time.
    pub(super) fn timeout(&mut self, id: CallId, attempt: u32) {
        let attempts = self.attempts(id);
        if let Some(frame) = attempts.and_then(|a| a.find(attempt).map(|found| found.frame)) {
            let station = self.frames.get(frame).map_or(NONE, |frame| frame.station);
            let reason = Loss::TimedOut;
            self.attempted(id, attempt, Err(Failure { reason, station }));
            self.withdraw(frame, Failure { reason, station });
        }
    }

    /// Attempts that nobody waits for any more are of no account to the breaker, and leave the lines of pools.
    pub(super) fn forget(&mut self, attempts: &Attempts) {
        let model = Arc::clone(&self.model);
        let Some(guard) = &model.sites[attempts.site as usize].guard else {
            return;
        };
        for attempt in attempts.under_way() {
            if let Some(period) = attempt.period
                && let Some(breaker) = &mut self.guard_state(guard, attempts.instance).breaker
            {
                breaker.release(period);
            }
            let failure = Failure {
                reason: Loss::TimedOut,
                station: NONE,
            };
            self.withdraw(attempt.frame, failure);
        }
    }

    fn tell_breaker(&mut self, id: CallId, to: u16, turned: Option<Phase>) {
        if let Some(phase) = turned {
            let (request, caller) = (self.calls[id].request, self.calls[id].caller);
            self.tell(request, caller, &Event::Breaker { to, phase });
        }
    }
}
