//! Changes at work: what probes are told of rows, and changes that are made once however often they are asked for.
//!
//! Whether a change was made is asked when its first statement has come to the row, with the row's lock if it takes one: so of
//! two that come at once the second waits for the first, and then finds what that has done.

use super::Engine;
use super::statements::At;
use crate::db::{Rule, Written};
use crate::event::{Event, RowEvent};
use crate::frame::{FrameId, Value};
use crate::index::mixed;
use crate::model::Model;
use crate::probe::Probe;
use crate::time::Duration;

impl<P: Probe> Engine<P> {
    pub(super) fn tell_written(&mut self, id: FrameId, at: At, written: &Written) {
        let request = self.frames[id].request;
        let told = Event::Row(RowEvent::Wrote {
            station: at.station,
            row: written.key,
            version: written.after.version,
        });
        self.tell(request, id.slot(), &told);
    }

    /// A number was changed, worked out from version `seen`.
    pub(super) fn tell_changed(&mut self, id: FrameId, at: At, written: &Written, seen: u64) {
        let Written { key, after, before } = written;
        let frame = &self.frames[id];
        let request = frame.request;
        let told = Event::Row(RowEvent::Changed {
            station: at.station,
            operation: frame.operation,
            row: *key,
            moved: after.value.wrapping_sub(before.value),
            seen,
            before: before.version,
            version: after.version,
        });
        self.tell(request, id.slot(), &told);
    }

    /// What a frame's change of a row is known by, however often it is asked for; nothing if no client's request asks.
    fn identity(&self, id: FrameId, row: u64) -> Option<u64> {
        let frame = &self.frames[id];
        let request = self.requests[frame.request].id;
        let identity = mixed(mixed(request) ^ row) ^ mixed(u64::from(frame.operation));
        (request != u64::MAX).then_some(identity)
    }

    /// The version that this change gave its row when it was made before.
    pub(super) fn made_before(
        &mut self,
        model: &Model,
        id: FrameId,
        rule: &Rule,
        at: At,
    ) -> Option<u64> {
        let identity = self.identity(id, rule.key)?;
        let (kept, now) = (kept(model, at), self.now);
        let state = self.databases.get(at.database)?;
        state.once.get(identity, kept, now)
    }

    /// A change is made, and its identity is kept with it.
    pub(super) fn keep_identity(&mut self, model: &Model, id: FrameId, at: At, written: &Written) {
        let (kept, now) = (kept(model, at), self.now);
        if let Some(identity) = self.identity(id, written.key)
            && let Some(state) = self.databases.get(at.database)
        {
            state.once.keep(identity, written.after.version, kept, now);
        }
    }

    /// A change is answered although it changes nothing.
    pub(super) fn leave_as_it_is(
        &mut self,
        id: FrameId,
        rule: &Rule,
        at: At,
        version: u64,
    ) -> bool {
        let frame = &mut self.frames[id];
        frame.outcome = Ok(Value {
            version,
            source: at.database,
            row: rule.key,
            ..Value::default()
        });
        // There is nothing to show.
        frame.step += 2;
        true
    }

    /// A change has been made before: it is answered as it was then. Its lock goes with the answer.
    pub(super) fn repeated(&mut self, id: FrameId, rule: &Rule, at: At, version: u64) -> bool {
        self.leave_as_it_is(id, rule, at, version);
        let request = self.frames[id].request;
        let told = Event::Row(RowEvent::Repeated {
            station: at.station,
            row: rule.key,
            version,
        });
        self.tell(request, id.slot(), &told);
        true
    }
}

/// How long a database remembers what it has changed.
fn kept(model: &Model, at: At) -> Duration {
    let database = &model.components[usize::from(at.database)].database;
    { database.as_ref() }.map_or(Duration::ZERO, |database| database.once_kept)
}
