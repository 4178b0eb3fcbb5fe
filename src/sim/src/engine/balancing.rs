//! Balancers at work: who gets a request, what its end says of the one who had it, and the probes of health checks.

use std::sync::Arc;

use super::Engine;
use crate::balance::{Ask, Transition};
use crate::calendar::Due;
use crate::event::{Child, Event, Loss, RequestRef};
use crate::frame::{Failure, Frame, FrameId, NOBODY, NONE, Outcome, Request, Waiter};
use crate::model::{Model, Role};
use crate::probe::Probe;
use crate::random::Key;
use crate::time::{Duration, Time};

/// A member of a balancer that is probed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Check {
    balancer: u16,
    station: u32,
    /// Probes sent so far.
    sent: u32,
    /// Whether the latest has not been answered.
    open: bool,
}

impl<P: Probe> Engine<P> {
    /// A frame is at a balancer, which chooses a station.
    pub(super) fn route(&mut self, model: &Model, id: FrameId) {
        let frame = &self.frames[id];
        let (request, balancer) = (frame.request, frame.component);
        let Request { client, user, .. } = self.requests[request];
        let ask = Ask {
            now: self.now,
            key: frame.key,
            data: frame.data,
            // Each client has users of its own.
            user: u64::from(client) << 32 | u64::from(user),
            tried: &[],
        };
        let Some(station) = self.balancers[usize::from(balancer)].choose(&ask) else {
            return self.refuse(id, Loss::NoTarget);
        };
        let to = model.stations[station as usize].component;
        let now = self.now;
        let frame = &mut self.frames[id];
        frame.balancer = balancer;
        frame.station = station;
        frame.component = to;
        frame.routed = now;
        self.tell(request, id.slot(), &Event::Routed { balancer, station });
        self.go_on(model, id, balancer, to);
    }

    /// The balancer that chose a frame's station hears that it has ended there, well or not.
    #[inline]
    pub(super) fn let_go(&mut self, id: FrameId, ok: bool) {
        let Frame {
            balancer,
            station,
            routed,
            ..
        } = self.frames[id];
        self.tell_balancer(balancer, station, routed, ok);
    }

    /// The same, of a frame that `balancer` sent to `station` at `routed`.
    #[inline]
    pub(super) fn tell_balancer(&mut self, balancer: u16, station: u32, routed: Time, ok: bool) {
        if balancer != NOBODY {
            let latency = self.now.since(routed);
            let state = &mut self.balancers[usize::from(balancer)];
            state.outcome(station, ok, latency, self.now);
        }
    }

    /// Plans the first probes: those of one balancer spread evenly over the interval.
    pub(super) fn plan_checks(&mut self) {
        let model = Arc::clone(&self.model);
        for (at, component) in model.components.iter().enumerate() {
            let Role::Balancer(balancing) = &component.role else {
                continue;
            };
            let Some(health) = &component.health else {
                continue;
            };
            let count = balancing.seats.len() as u64;
            for (i, seat) in (1..).zip(&balancing.seats) {
                let known = |c: &Check| usize::from(c.balancer) == at && c.station == seat.station;
                if self.checks.iter().any(known) {
                    continue;
                }
                let first = Duration::from_nanos(health.interval.nanos() / count * i);
                let check = self.checks.len() as u32;
                self.checks.push(Check {
                    balancer: at as u16,
                    station: seat.station,
                    sent: 0,
                    open: false,
                });
                self.calendar.plan(self.now + first, Due::Check { check });
            }
        }
    }

    /// Time to probe a member.
    pub(super) fn check(&mut self, number: u32) {
        let model = Arc::clone(&self.model);
        let check = &mut self.checks[number as usize];
        let (balancer, station) = (check.balancer, check.station);
        check.sent += 1;
        let sent = check.sent;
        let component = &model.components[usize::from(balancer)];
        let Some(health) = &component.health else {
            return;
        };
        let due = Due::Check { check: number };
        self.calendar.plan(self.now + health.interval, due);
        // An instance that does not serve is nobody's member.
        if !self.serves(station as usize) {
            return;
        }
        self.checks[number as usize].open = true;
        let due = Due::CheckTimeout {
            check: number,
            sent,
        };
        self.calendar.plan(self.now + health.timeout, due);
        // A probe that gets lost is one that is not answered in time.
        if self.stations[station as usize].deaf {
            return;
        }
        let request = self.own_request(0);
        let key = Key::root(model.seed).named("check");
        let key = key.with(u64::from(number)).with(u64::from(sent));
        let to = model.stations[station as usize].component;
        let waiter = Waiter::Check(number, sent);
        let id = self.frame(request, waiter, to, health.operation, key, 0);
        self.frames[id].station = station;
        let probed = Event::Probed {
            balancer,
            station,
            child: Child::Frame(id.slot()),
        };
        self.tell(request, NONE, &probed);
        self.go_on(&model, id, balancer, to);
    }

    /// A probe has had its time.
    pub(super) fn check_timeout(&mut self, check: u32, sent: u32) {
        let reason = Loss::TimedOut;
        let station = self.checks[check as usize].station;
        self.checked(check, sent, Err(Failure { reason, station }));
    }

    /// A probe has been answered, or not.
    pub(super) fn checked(&mut self, number: u32, sent: u32, outcome: Outcome) {
        let check = &mut self.checks[number as usize];
        if !check.open || check.sent != sent {
            return;
        }
        check.open = false;
        let (balancer, station) = (check.balancer, check.station);
        let state = &mut self.balancers[usize::from(balancer)];
        if let Some(turned) = state.probe_result(station, outcome.is_ok(), self.now) {
            let health = Event::Health {
                balancer,
                station,
                up: turned == Transition::Up,
            };
            self.probe
                .event(&self.model, self.now, RequestRef::NONE, &health);
        }
    }
}
