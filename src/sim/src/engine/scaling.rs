//! Autoscaling at work: what is measured, who starts up, who drains. The rules are those of `resilience::autoscale`.
//!
//! Which instances balancers may choose is [`Station::duty`], and nothing else; whoever changes it calls
//! [`Engine::members_changed`]. A service has a station for each instance that it can ever have. New instances take the
//! lowest that is off (or, if there is none, one that still drains: the old instance finishes there beside the new one's
//! work); those to go are the ones that are down or start up, then the highest. An instance that is down counts as one that
//! starts up, as Kubernetes counts pods that are not ready.

use std::sync::Arc;

use super::Engine;
use crate::balance::Balancing;
use crate::calendar::Due;
use crate::component::station::{Duty, Meter, Station};
use crate::event::{Event, RequestRef};
use crate::model::{Model, Role};
use crate::policy_state::PolicyState;
use crate::probe::Probe;
use crate::resilience::{AutoscaleState, ScalingMetric};
use crate::time::Duration;

/// What is measured of the instances of a service that serve.
#[derive(Default)]
struct Measured {
    ready: u32,
    /// Instances that start up, or are down.
    away: u32,
    waiting: u64,
    came: u64,
    busy_ns: f64,
    /// Time that they have served, and that times their servers.
    served_ns: f64,
    servers_ns: f64,
}

impl Measured {
    /// The mean of `metric` over the instances.
    fn value(&self, metric: ScalingMetric) -> f64 {
        let ratio = |a: f64, b: f64| if b > 0.0 { a / b } else { 0.0 };
        match metric {
            ScalingMetric::Utilisation => ratio(self.busy_ns, self.servers_ns),
            ScalingMetric::QueueLength => ratio(self.waiting as f64, f64::from(self.ready)),
            ScalingMetric::RequestsPerInstance => ratio(self.came as f64 * 1e9, self.served_ns),
        }
    }
}

impl<P: Probe> Engine<P> {
    /// The autoscaler of each component at the start.
    pub(super) fn new_scalers(&self) -> Vec<Option<AutoscaleState>> {
        let components = self.model.components.iter();
        let scalers = components.map(|c| c.autoscale.as_ref().map(AutoscaleState::new));
        scalers.collect()
    }

    /// Gives a new station what an autoscaler goes by.
    pub(super) fn equip_for_scaling(&self, station: u32, state: &mut Station) {
        let place = &self.model.stations[station as usize];
        if self.scalers[usize::from(place.component)].is_some() {
            let mut meter = Meter::default();
            meter.restart(self.now);
            state.meter = Some(meter);
        }
        // Instances added while the system runs are its autoscaler's.
        if !place.starts || (state.meter.is_some() && self.events > 0) {
            state.duty = Duty::Off;
        }
    }

    /// Plans the first look of every autoscaler, and tells which stations do not serve.
    pub(super) fn plan_scaling(&mut self) {
        for (component, scaler) in (0..).zip(&self.scalers) {
            if let Some(scaler) = scaler {
                let time = self.now + scaler.interval();
                self.calendar.plan(time, Due::Scale { component });
            }
        }
    }

    /// Settings may have changed; stations may have come or gone.
    pub(super) fn reconfigure_scaling(&mut self) {
        let model = Arc::clone(&self.model);
        for (component, scaler) in model.components.iter().zip(&mut self.scalers) {
            if let (Some(autoscale), Some(scaler)) = (&component.autoscale, scaler) {
                scaler.reconfigure(autoscale);
            }
        }
        for station in 0..model.stations.len() as u32 {
            let state = &self.stations[station as usize];
            if state.meter.is_some() && !model.stations[station as usize].live {
                self.retire(station);
            }
        }
        self.all_members_changed();
    }

    /// An autoscaler measures, and decides on a number of instances.
    pub(super) fn scale(&mut self, at: u16) {
        let model = Arc::clone(&self.model);
        let component = &model.components[usize::from(at)];
        let (Some(autoscale), Some(_)) = (&component.autoscale, &self.scalers[usize::from(at)])
        else {
            return;
        };
        let measured = self.measure(&model, &component.stations);
        let now = self.now;
        let Some(scaler) = &mut self.scalers[usize::from(at)] else {
            return;
        };
        let (ready, away) = (measured.ready, measured.away);
        let value = measured.value(autoscale.metric);
        let wanted = scaler.tick(now, value, ready, away);
        let interval = scaler.interval();
        self.calendar
            .plan(now + interval, Due::Scale { component: at });
        if wanted == ready + away {
            return;
        }
        let mut count = ready + away;
        while count < wanted && self.launch_one(&component.stations) {
            count += 1;
        }
        while count > wanted && self.retire_one(&component.stations) {
            count -= 1;
        }
        let told = Event::Scaled {
            component: at,
            instances: count,
        };
        self.probe
            .event(&self.model, self.now, RequestRef::NONE, &told);
        self.members_changed(at);
    }

    /// What an autoscaler knows, to be shown.
    pub(super) fn autoscaling(&self, component: u16) -> Option<PolicyState> {
        let settings = &self.model.components[usize::from(component)];
        let autoscale = settings.autoscale.as_ref()?;
        let measured = self.measured(&self.model, &settings.stations);
        Some(PolicyState::Autoscaling {
            metric: autoscale.metric,
            rule: autoscale.rule.clone(),
            value: measured.value(autoscale.metric),
            ready: measured.ready,
            away: measured.away,
            bounds: [autoscale.min, autoscale.max],
        })
    }

    /// Measures, and begins to measure anew.
    fn measure(&mut self, model: &Model, stations: &[u32]) -> Measured {
        let measured = self.measured(model, stations);
        for station in stations {
            if let Some(meter) = &mut self.stations[*station as usize].meter {
                meter.restart(self.now);
            }
        }
        measured
    }

    fn measured(&self, model: &Model, stations: &[u32]) -> Measured {
        let now = self.now;
        let mut measured = Measured::default();
        for station in stations {
            let servers = model.stations[*station as usize].servers;
            let state = &self.stations[*station as usize];
            let (busy, waiting, usable) = (state.busy, state.waiting, state.usable(servers));
            let (duty, up) = (state.duty, state.up);
            let Some(mut meter) = state.meter.clone() else {
                continue;
            };
            meter.settle(now, busy);
            if duty == Duty::Serving && up {
                let served = now.since(meter.since).nanos() as f64;
                measured.ready += 1;
                measured.waiting += u64::from(waiting);
                measured.came += meter.came;
                measured.busy_ns += meter.busy_ns as f64;
                measured.served_ns += served;
                measured.servers_ns += served * f64::from(usable);
            } else if matches!(duty, Duty::Serving | Duty::Warming) {
                measured.away += 1;
            }
        }
        measured
    }

    /// Starts one more instance up, if there can be one.
    fn launch_one(&mut self, stations: &[u32]) -> bool {
        let with = |duty| {
            let mut stations = stations.iter().copied();
            stations.find(|station| self.stations[*station as usize].duty == duty)
        };
        let Some(station) = with(Duty::Off).or_else(|| with(Duty::Draining)) else {
            return false;
        };
        // The new instance knows nothing of the users of the old one.
        self.forget_sessions(station);
        let component = self.model.stations[station as usize].component;
        let warm_up = match &self.scalers[usize::from(component)] {
            Some(scaler) => scaler.warm_up(),
            None => Duration::ZERO,
        };
        let ready_at = self.now + warm_up;
        if let Some(meter) = &mut self.stations[station as usize].meter {
            meter.ready_at = ready_at;
        }
        if warm_up == Duration::ZERO {
            self.serve(station);
        } else {
            self.turn_to(station, Duty::Warming);
            self.calendar.plan(ready_at, Due::Warmed { station });
        }
        true
    }

    /// A new instance has started up, unless it was taken away meanwhile.
    pub(super) fn warmed(&mut self, station: u32) {
        if self.stations[station as usize].is_ready_at(self.now) {
            self.serve(station);
            self.members_changed(self.model.stations[station as usize].component);
        }
    }

    fn serve(&mut self, station: u32) {
        let now = self.now;
        let state = &mut self.stations[station as usize];
        let busy = state.busy;
        if let Some(meter) = &mut state.meter {
            meter.settle(now, busy);
            meter.restart(now);
        }
        self.turn_to(station, Duty::Serving);
    }

    /// Takes one instance away, if there is any.
    fn retire_one(&mut self, stations: &[u32]) -> bool {
        let state = |station: &u32| &self.stations[*station as usize];
        let present = |s: &Station| matches!(s.duty, Duty::Serving | Duty::Warming);
        let spare = |s: &Station| s.duty == Duty::Warming || !s.up;
        let highest = |wanted: &dyn Fn(&Station) -> bool| {
            let mut stations = stations.iter().rev().copied();
            stations.find(|station| present(state(station)) && wanted(state(station)))
        };
        let Some(station) = highest(&spare).or_else(|| highest(&|_| true)) else {
            return false;
        };
        self.retire(station);
        true
    }

    fn retire(&mut self, station: u32) {
        if self.stations[station as usize].duty != Duty::Off {
            self.turn_to(station, Duty::Draining);
            self.left(station);
        }
    }

    /// Something has left a station: if it was the last that an instance had to finish, the instance is gone.
    #[inline]
    pub(super) fn left(&mut self, station: u32) {
        let state = &mut self.stations[station as usize];
        if state.duty == Duty::Draining && state.busy == 0 && state.waiting == 0 {
            state.duty = Duty::Off;
            self.forget_sessions(station);
        }
    }

    fn turn_to(&mut self, station: u32, duty: Duty) {
        let servers = self.model.stations[station as usize].servers;
        let state = &mut self.stations[station as usize];
        let before = state.capacity(servers);
        state.duty = duty;
        let servers = state.capacity(servers);
        if servers != before {
            let told = Event::Capacity { station, servers };
            self.probe
                .event(&self.model, self.now, RequestRef::NONE, &told);
        }
    }

    /// Whether requests shall come to a station: it serves, and is not about to or being taken away. It may be down.
    ///
    /// # Panics
    ///
    /// If the model has no such station.
    pub fn serves(&self, station: usize) -> bool {
        self.stations[station].duty == Duty::Serving && self.model.stations[station].live
    }

    /// Other instances of `component` serve than before: balancers in front of it choose among those that do.
    pub(super) fn members_changed(&mut self, component: u16) {
        let model = Arc::clone(&self.model);
        for (at, balancer) in model.components.iter().enumerate() {
            let of_it = |s: &u32| model.stations[*s as usize].component == component;
            if matches!(balancer.role, Role::Balancer(_)) && balancer.stations.iter().any(of_it) {
                self.follow_members(&model, at);
            }
        }
        self.consumers_changed(component);
    }

    /// Every balancer chooses among those of its targets that serve.
    pub(super) fn all_members_changed(&mut self) {
        let model = Arc::clone(&self.model);
        for (at, component) in model.components.iter().enumerate() {
            if matches!(component.role, Role::Balancer(_)) {
                self.follow_members(&model, at);
            }
        }
    }

    fn follow_members(&mut self, model: &Model, balancer: usize) {
        let Role::Balancer(balancing) = &model.components[balancer].role else {
            return;
        };
        let seats = balancing.seats.iter();
        let seats = seats.filter(|seat| self.serves(seat.station as usize));
        let serving = Balancing {
            rules: balancing.rules,
            seats: seats.copied().collect(),
        };
        self.balancers[balancer].follow(&serving, self.now);
    }

    /// Tells the probe what servers stations have, where it is not what the model says.
    pub(super) fn tell_capacities(&mut self) {
        for station in 0..self.stations.len() as u32 {
            let place = &self.model.stations[station as usize];
            let usual = if place.live && place.starts {
                place.servers
            } else {
                0
            };
            let servers = if place.live {
                self.stations[station as usize].capacity(place.servers)
            } else {
                0
            };
            if servers != usual {
                let told = Event::Capacity { station, servers };
                self.probe
                    .event(&self.model, self.now, RequestRef::NONE, &told);
            }
        }
    }
}
