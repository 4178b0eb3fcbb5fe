//! Load shedding at work: who leaves a waiting line without being served. The rules are those of `resilience::shedding`.

use std::sync::Arc;

use super::Engine;
use crate::calendar::Due;
use crate::component::station::Station;
use crate::event::Loss;
use crate::frame::{Failure, FrameId, State};
use crate::model::{Model, Role};
use crate::probe::Probe;
use crate::resilience::SheddingState;
use crate::time::{Duration, Time};

impl<P: Probe> Engine<P> {
    /// Gives a new station what its lazy rules remember.
    pub(super) fn equip_for_shedding(&self, station: u32, state: &mut Station) {
        let lines = self.model.lines(station);
        if lines.shedding.is_lazy() {
            state.shedding = vec![SheddingState::new(&lines.shedding); lines.most.len()];
        }
    }

    /// The rules may have changed.
    pub(super) fn reconfigure_shedding(&mut self) {
        let model = Arc::clone(&self.model);
        for station in 0..model.stations.len() as u32 {
            let lines = model.lines(station);
            let states = &mut self.stations[station as usize].shedding;
            if !lines.shedding.is_lazy() {
                states.clear();
            } else if states.is_empty() {
                *states = vec![SheddingState::new(&lines.shedding); lines.most.len()];
            } else {
                for state in states {
                    state.reconfigure(&lines.shedding);
                }
            }
        }
    }

    /// Whether `id`, whose turn has come, is to be dropped instead.
    #[inline]
    pub(super) fn is_shed(&mut self, station: u32, id: FrameId) -> bool {
        let state = &mut self.stations[station as usize];
        let frame = &self.frames[id];
        let line = usize::from(frame.class);
        let Some(rules) = state.shedding.get_mut(line) else {
            return false;
        };
        let request = &self.requests[frame.request];
        let client = self.model.components.get(usize::from(request.client));
        let deadline = match client.map(|component| &component.role) {
            Some(Role::Client(client)) => request.sent + client.deadline,
            _ => Time::MAX,
        };
        let waited = self.now.since(frame.since);
        let behind = state.lines[line].waiting - 1;
        rules
            .on_dequeue(self.now, waited, behind, deadline)
            .is_some()
    }

    /// When a frame that has joined a line leaves it by itself.
    fn patience(&self, model: &Model, id: FrameId) -> Option<Time> {
        let frame = &self.frames[id];
        let most = model.lines(frame.station).max_wait.as_ref()?;
        let wait: Duration = most.draw(&mut frame.key.named("max_wait").draws());
        Some(frame.since + wait)
    }

    /// Plans when a frame that has joined a line leaves it by itself.
    pub(super) fn plan_patience(&mut self, model: &Model, id: FrameId) {
        if let Some(time) = self.patience(model, id) {
            self.calendar.plan(time, Due::Impatient { frame: id });
        }
    }

    /// A frame may have waited as long as it may.
    pub(super) fn impatient(&mut self, id: FrameId) {
        let Some(frame) = self.frames.get(id) else {
            return;
        };
        if frame.state != State::Waiting {
            return;
        }
        let station = frame.station;
        let model = Arc::clone(&self.model);
        match self.patience(&model, id) {
            Some(time) if time > self.now => {
                // It may wait longer than when this was planned.
                self.calendar.plan(time, Due::Impatient { frame: id });
            }
            Some(_) => {
                let reason = Loss::Shed;
                self.turn_away(id, Failure { reason, station });
            }
            None => {}
        }
    }
}
