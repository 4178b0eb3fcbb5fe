//! Sessions at work: whether an instance knows the user of a request. The rules are those of `sessions`.

use std::sync::Arc;

use super::Engine;
use super::visit::at_speed;
use crate::calendar::Due;
use crate::event::{Event, Loss, RequestRef};
use crate::frame::{Failure, FrameId, NOBODY};
use crate::probe::Probe;
use crate::sessions::{SessionsState, Visit};

impl<P: Probe> Engine<P> {
    /// The sessions of each component at the start.
    pub(super) fn new_sessions(&self) -> Vec<Option<SessionsState>> {
        let components = self.model.components.iter();
        let states = components.map(|component| {
            let sessions = component.sessions.as_ref()?;
            Some(SessionsState::new(
                sessions.capacity,
                component.stations.len(),
            ))
        });
        states.collect()
    }

    /// The numbers may have changed; instances may have gone.
    pub(super) fn reconfigure_sessions(&mut self) {
        let model = Arc::clone(&self.model);
        for (component, state) in model.components.iter().zip(&mut self.sessions) {
            if let (Some(sessions), Some(state)) = (&component.sessions, state) {
                state.reconfigure(sessions.capacity, component.stations.len());
            }
        }
        for station in 0..model.stations.len() as u32 {
            if !model.stations[station as usize].live {
                self.forget_sessions(station);
            }
        }
    }

    /// The instance that has begun to work for a frame looks for the user's session. Tells whether the frame goes on at once.
    #[inline(never)]
    pub(super) fn session(&mut self, id: FrameId, key: u64) -> bool {
        let frame = &self.frames[id];
        let (request, station) = (frame.request, frame.station);
        let asked = &self.requests[request];
        let place = &self.model.stations[station as usize];
        let component = usize::from(place.component);
        let known = asked.client != NOBODY;
        let user = u64::from(asked.client) << 32 | u64::from(asked.user);
        let visit = match &mut self.sessions[component] {
            Some(state) if known => state.visit(place.instance, user),
            _ => Visit::New,
        };
        if visit != Visit::Lost {
            self.frames[id].step += 1;
            return true;
        }
        let sessions = self.model.components[component].sessions.as_ref();
        let Some(rebuild) = sessions.and_then(|sessions| sessions.rebuild.as_ref()) else {
            if let Some(state) = &mut self.sessions[component] {
                state.log_out(user);
            }
            let reason = Loss::LoggedOut;
            self.finish(id, Err(Failure { reason, station }));
            return false;
        };
        let demand = rebuild.draw(&mut self.frames[id].key.with(key).draws());
        let speed = self.stations[station as usize].speed;
        let time = self.now + at_speed(demand, speed);
        self.calendar.plan(time, Due::Worked { frame: id });
        self.tell(request, id.slot(), &Event::Rebuilt { station });
        false
    }

    /// An instance loses what it keeps of its users.
    pub(super) fn forget_sessions(&mut self, station: u32) {
        let place = &self.model.stations[station as usize];
        let component = usize::from(place.component);
        let Some(state) = &mut self.sessions[component] else {
            return;
        };
        let sessions = state.forget(place.instance);
        if sessions > 0 {
            let told = Event::Forgot { station, sessions };
            self.probe
                .event(&self.model, self.now, RequestRef::NONE, &told);
        }
    }
}
