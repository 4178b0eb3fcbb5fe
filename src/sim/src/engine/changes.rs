//! Changes at work: what probes are told of rows, and changes that are made once however often they are asked for.
//!
//! Whether a change was made is asked when its first statement has come to the row, with the row's lock if it takes one: so of
//! two that come at once the second waits for the first, and then finds what that has done.
//! What takes a change back asks in the same way: after it, the change is refused; before it, there is nothing to take back, and
//! the change is refused when it comes. So it is with the *empty rollback* and *suspension* of Seata; see also
//! [`Fence`](crate::workflow::Fence), which does the same for sagas with an orchestrator.

use super::Engine;
use super::statements::At;
use crate::db::{Rule, Written};
use crate::event::{Event, Loss, RowEvent};
use crate::frame::{FrameId, Value};
use crate::index::mixed;
use crate::model::{Model, StatementModel};
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

    /// What a change of a row by a frame's request is known by, however often it is asked for; nothing if no client's request
    /// asks.
    fn identity(&self, id: FrameId, row: u64, operation: u16) -> Option<u64> {
        let request = self.requests[self.frames[id].request].id;
        let identity = mixed(mixed(request) ^ row) ^ mixed(u64::from(operation));
        (request != u64::MAX).then_some(identity)
    }

    /// A frame's change that is made once, or takes another back, is about to be made: `None` if it may, else whether the frame
    /// goes on. `locked` tells whether it has the row's lock: only then is what has not been made not being made just now.
    pub(super) fn asked_before(
        &mut self,
        model: &Model,
        statement: &StatementModel,
        id: FrameId,
        rule: &Rule,
        at: At,
        locked: bool,
    ) -> Option<bool> {
        let operation = statement.undoes.unwrap_or(self.frames[id].operation);
        let identity = self.identity(id, rule.key, operation)?;
        let (kept, now) = (kept(model, at), self.now);
        let state = self.databases.get(at.database)?;
        let made = state.once.get(identity, kept, now);
        let undone = state.once.get(taken_back(identity), kept, now);
        match (statement.undoes, made, undone) {
            (None, _, Some(_)) => Some(self.fail(id, at.station, Loss::TooLate)),
            (None, Some(version), None) | (Some(_), _, Some(version)) => {
                Some(self.repeated(id, rule, at, version))
            }
            (Some(_), None, None) if locked => {
                let version = state.rows.last();
                state.once.keep(taken_back(identity), version, kept, now);
                let row = rule.key;
                let version = state.rows.get(row, rule.initial).version;
                self.leave_as_it_is(id, rule, at, version);
                let station = at.station;
                let told = Event::Row(RowEvent::UndoneEmpty { station, row });
                let request = self.frames[id].request;
                self.tell(request, id.slot(), &told);
                Some(true)
            }
            _ => None,
        }
    }

    /// A change is made, and its identity is kept with it.
    pub(super) fn keep_identity(
        &mut self,
        model: &Model,
        statement: &StatementModel,
        id: FrameId,
        at: At,
        written: &Written,
    ) {
        let (kept, now) = (kept(model, at), self.now);
        let operation = statement.undoes.unwrap_or(self.frames[id].operation);
        if let Some(identity) = self.identity(id, written.key, operation)
            && let Some(state) = self.databases.get(at.database)
        {
            let identity = match statement.undoes {
                Some(_) => taken_back(identity),
                None => identity,
            };
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

/// What it is known by that a change has been taken back, or must not be made any more.
fn taken_back(identity: u64) -> u64 {
    mixed(identity)
}

/// How long a database remembers what it has changed.
fn kept(model: &Model, at: At) -> Duration {
    let database = &model.components[usize::from(at.database)].database;
    { database.as_ref() }.map_or(Duration::ZERO, |database| database.once_kept)
}
