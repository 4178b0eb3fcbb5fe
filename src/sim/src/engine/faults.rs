//! Faults at work: when they come and go, and what that does to stations, links and clients.

use std::sync::Arc;

use super::Engine;
use crate::calendar::Due;
use crate::component::station::FULL_SPEED;
use crate::event::{Event, Loss, RequestRef};
use crate::frame::{Failure, FrameId, State};
use crate::model::{Effect, FaultTimes, Model};
use crate::probe::Probe;
use crate::time::{Duration, Time};

/// One thing that can go wrong.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct FaultState {
    active: bool,
    /// How often it has come, or gone.
    turns: u64,
}

impl<P: Probe> Engine<P> {
    /// Plans the first turn of every fault.
    pub(super) fn plan_faults(&mut self) {
        let model = Arc::clone(&self.model);
        for (number, fault) in (0..).zip(&model.faults) {
            match fault.times {
                FaultTimes::Once { at, .. } => {
                    self.calendar.plan(at, Due::Fault { fault: number });
                }
                FaultTimes::Random { .. } => self.plan_turn(&model, number),
                // Its event is counted, not planned: nothing else may change its place.
                FaultTimes::After { .. } => {}
            }
        }
        self.await_strike();
    }

    /// Sets the event after which the next fault comes that counts events.
    pub(super) fn await_strike(&mut self) {
        let counted = self
            .model
            .faults
            .iter()
            .filter_map(|fault| match fault.times {
                FaultTimes::After { events, .. } => Some(events),
                _ => None,
            });
        let next = counted.filter(|events| *events > self.events).min();
        self.strikes_after = next.unwrap_or(u64::MAX);
    }

    /// As many events have been handled as some faults wait for: they come now.
    #[inline(never)]
    pub(super) fn strike_counted(&mut self) {
        for number in 0..self.model.faults.len() as u32 {
            if let FaultTimes::After { events, .. } = self.model.faults[number as usize].times
                && events == self.events
            {
                self.fault(number);
            }
        }
        while let Some(frame) = self.ready.pop_front() {
            self.advance(frame);
        }
        self.await_strike();
    }

    /// Plans when a random fault comes or goes next.
    fn plan_turn(&mut self, model: &Model, number: u32) {
        let fault = &model.faults[number as usize];
        let state = &self.faults[number as usize];
        if let FaultTimes::Random {
            mean_up_s,
            mean_down_s,
            key,
        } = fault.times
        {
            let mean_s = if state.active { mean_down_s } else { mean_up_s };
            let unit = key.with(state.turns).draws().unit();
            let time = self.now + Duration::from_secs(-mean_s * libm::log(unit));
            self.calendar.plan(time, Due::Fault { fault: number });
        }
    }

    /// A fault comes or goes.
    pub(super) fn fault(&mut self, number: u32) {
        let model = Arc::clone(&self.model);
        let fault = &model.faults[number as usize];
        let state = &mut self.faults[number as usize];
        state.active = !state.active;
        state.turns += 1;
        let active = state.active;
        let told = Event::Fault {
            fault: number,
            active,
        };
        self.probe
            .event(&self.model, self.now, RequestRef::NONE, &told);
        match fault.times {
            FaultTimes::Once { lasts, .. } | FaultTimes::After { lasts, .. } => {
                if active && let Some(lasts) = lasts {
                    let due = Due::Fault { fault: number };
                    self.calendar.plan(self.now + lasts, due);
                }
            }
            FaultTimes::Random { .. } => self.plan_turn(&model, number),
        }
        for station in 0..model.stations.len() as u32 {
            if model.strikes(number, station) {
                self.strike(&model, station);
            }
        }
        match fault.effect {
            Effect::Partition { .. } | Effect::Loss { .. } => self.strike_links(&model),
            Effect::Spike { client, .. } => self.strike_client(&model, client),
            Effect::Flush if active => {
                for station in 0..model.stations.len() as u32 {
                    if model.strikes(number, station) {
                        self.empty_cache(station);
                    }
                }
            }
            _ => {}
        }
    }

    /// Works out anew what faults do: the model has changed.
    pub(super) fn strike_all(&mut self, model: &Model) {
        self.await_strike();
        for station in 0..model.stations.len() as u32 {
            self.strike(model, station);
            let place = &model.stations[station as usize];
            let servers = self.stations[station as usize].usable(place.servers);
            // Probes have just learnt the numbers of the model.
            if place.live && servers != place.servers {
                self.tell_capacity(station, servers);
            }
        }
        self.strike_links(model);
    }

    fn tell_capacity(&mut self, station: u32, servers: u32) {
        let told = Event::Capacity { station, servers };
        self.probe
            .event(&self.model, self.now, RequestRef::NONE, &told);
    }

    /// Works out what all the faults of the moment do to a station.
    fn strike(&mut self, model: &Model, station: u32) {
        let mut up = true;
        let (mut speed, mut lost, mut spared, mut deaf, mut full) =
            (f64::from(FULL_SPEED), 0, 1.0, false, false);
        let mut held_up = false;
        for (number, fault) in (0..).zip(&model.faults) {
            if !self.faults[number as usize].active || !model.strikes(number, station) {
                continue;
            }
            match fault.effect {
                Effect::Crash => up = false,
                Effect::Slow { factor } => speed /= factor,
                Effect::Errors { share } => spared *= 1.0 - share,
                Effect::Reduced { servers } => lost += servers,
                Effect::Deaf => deaf = true,
                Effect::DiskFull => full = true,
                Effect::ReplicaLag => held_up = true,
                _ => {}
            }
        }
        let servers = model.stations[station as usize].servers;
        let state = &mut self.stations[station as usize];
        let (crashed, recovered) = (state.up && !up, !state.up && up);
        let before = state.capacity(servers);
        state.up = up;
        state.speed = (libm::rint(speed) as u32).max(1);
        state.lost_servers = lost.min(servers);
        state.errors_ppb = libm::rint((1.0 - spared) * 1e9) as u32;
        state.deaf = deaf;
        state.disk_full = full;
        let usable = state.capacity(servers);
        // An instance that was taken away counts for none, whatever it still can do.
        if usable != before && model.stations[station as usize].live {
            self.tell_capacity(station, usable);
        }
        if crashed {
            self.forget_sessions(station);
            self.crash(station);
            self.crash_cache(station);
            self.forget_limits(model, station);
        }
        self.struck(station, crashed, recovered, held_up);
        if recovered {
            self.recover_own(station);
        }
        if crashed || recovered {
            self.messages_struck(model, station, crashed);
        }
        self.struck_views(station, crashed, recovered, held_up);
        self.serve_waiting(station);
    }

    /// All that a station holds is lost.
    fn crash(&mut self, station: u32) {
        let here = |(_, frame): &(FrameId, &crate::frame::Frame)| {
            frame.station == station
                && matches!(
                    frame.state,
                    State::Waiting
                        | State::Working
                        | State::Asking
                        | State::Delayed
                        | State::Blocked
                )
        };
        let here: Vec<FrameId> = self.frames.iter().filter(here).map(|(id, _)| id).collect();
        for id in here {
            // What one crash sets off may have ended another frame already.
            let Some(frame) = self.frames.get(id) else {
                continue;
            };
            let failure = Failure {
                reason: Loss::Crashed,
                station,
            };
            match frame.state {
                State::Waiting => self.turn_away(id, failure),
                State::Working | State::Asking | State::Blocked => self.finish(id, Err(failure)),
                State::Delayed => self.refuse(id, Loss::Crashed),
                State::Travelling | State::Returning => {}
            }
        }
        self.sever(station);
        self.orphan_all(station);
    }

    fn strike_links(&mut self, model: &Model) {
        for (link, wires) in (0..).zip(&mut self.wires) {
            let (mut cut, mut kept) = (false, 1.0);
            for (fault, state) in model.faults.iter().zip(&self.faults) {
                match fault.effect {
                    Effect::Partition { link: at } if state.active && at == link => cut = true,
                    Effect::Loss { link: at, loss } if state.active && at == link => {
                        kept *= 1.0 - loss;
                    }
                    _ => {}
                }
            }
            for wire in wires {
                wire.cut = cut;
                wire.loss_ppb = libm::rint((1.0 - kept) * 1e9) as u32;
            }
        }
    }

    fn strike_client(&mut self, model: &Model, client: u16) {
        let mut factor = 1.0;
        for (fault, state) in model.faults.iter().zip(&self.faults) {
            if let Effect::Spike {
                client: at,
                factor: own,
            } = fault.effect
                && state.active
                && at == client
            {
                factor *= own;
            }
        }
        self.clients[usize::from(client)].pace = (libm::rint(factor * 1000.0) as u32).max(1);
        self.plan_anew(client);
    }

    /// The faults that are at work now, by their numbers in the scenario.
    pub fn active_faults(&self) -> impl Iterator<Item = usize> {
        let active = self.faults.iter().enumerate();
        active.filter(|(_, fault)| fault.active).map(|(at, _)| at)
    }
}

/// A gap between arrivals at a pace of so many thousandths.
pub(super) fn paced(last: Time, time: Time, pace: u32) -> Time {
    if pace == 1000 {
        return time;
    }
    let nanos = u128::from(time.since(last).nanos()) * 1000 / u128::from(pace);
    last + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
