//! Steps of sagas and branches of transactions at databases: what is done only once, and what waits for a decision.

use std::sync::Arc;

use super::Engine;
use super::statements::At;
use super::visit::at_speed;
use crate::calendar::Due;
use crate::db::Written;
use crate::event::{Event, Loss, WorkflowEvent};
use crate::frame::{Entry, FrameId, Value};
use crate::model::{BranchAct, Model, Step};
use crate::probe::Probe;
use crate::time::Duration;
use crate::workflow::{Intent, Part, Role, Verdict};

impl<P: Probe> Engine<P> {
    /// A call does a part of a saga or transaction.
    #[inline(never)]
    pub(super) fn mark(&mut self, id: FrameId, part: Part) {
        let frame = &mut self.frames[id];
        frame.part = part;
        if part.decides() {
            frame.entry = Entry::Decide;
        }
    }

    /// Tells the probe of something at a frame about a saga or a transaction.
    pub(super) fn tell_workflow(&mut self, id: FrameId, event: WorkflowEvent) {
        let request = self.frames[id].request;
        self.tell(request, id.slot(), &Event::Workflow(event));
    }

    /// A frame has nothing more to do at its database.
    fn skip_to_end(&mut self, id: FrameId) -> bool {
        let mut step = self.frames[id].step as usize;
        while !matches!(self.model.code[step], Step::End) {
            step += 1;
        }
        self.frames[id].step = step as u32;
        true
    }

    /// A change of `row` that is a part of something is about to be made: `None` if it may, else whether the frame goes on.
    #[inline(never)]
    pub(super) fn fenced(&mut self, id: FrameId, row: u64) -> Option<bool> {
        let frame = &self.frames[id];
        let (part, operation, station) = (frame.part, frame.operation, frame.station);
        let database = frame.component;
        let state = self.databases.get(database)?;
        let verdict = state.fence.asks(part, operation, row);
        if verdict == Verdict::Empty {
            let version = state.rows.last();
            state.fence.suspend(part, version);
        }
        let (saga, step) = (part.workflow, part.step);
        let told = match verdict {
            // A promise that has been made stands.
            Verdict::Apply if state.prepared.get(part).is_none() => return None,
            Verdict::Apply | Verdict::Repeated => WorkflowEvent::Repeated {
                station,
                saga,
                step,
            },
            Verdict::Empty => WorkflowEvent::UndoneEmpty {
                station,
                saga,
                step,
            },
            Verdict::TooLate => WorkflowEvent::TooLate {
                station,
                workflow: saga,
                step,
            },
        };
        self.tell_workflow(id, told);
        Some(match verdict {
            Verdict::TooLate => self.fail(id, station, Loss::TooLate),
            _ => self.skip_to_end(id),
        })
    }

    /// A change that is a part of something is made now: of a saga it leaves its mark; of a transaction it becomes a promise
    /// that outlives its frame, locks and all. Tells whether it was that.
    #[inline(never)]
    pub(super) fn part_made(
        &mut self,
        id: FrameId,
        station: u32,
        written: &Written,
        value: Option<(i64, u64)>,
    ) -> bool {
        let frame = &self.frames[id];
        let (part, operation, data) = (frame.part, frame.operation, frame.data);
        let (database, now) = (frame.component, self.now);
        let statement = self.model.components[usize::from(database)]
            .database
            .as_ref()
            .and_then(|database| database.statement(operation));
        if part.role != Role::Prepare {
            if let Some(state) = self.databases.get(database) {
                let version = written.after.version;
                state.fence.made(part, operation, written.key, version);
            }
            return false;
        }
        let (Some(statement), Some(visit)) = (statement, self.databases.visits.get_mut(id)) else {
            return false;
        };
        let intent = Intent {
            statement: statement as u32,
            data,
            rows: visit.rows,
            value,
            // The locks are no longer those of the frame, which ends.
            transaction: visit.transaction.take(),
            since: now,
        };
        if let Some(state) = self.databases.get(database) {
            state.prepared.keep(part, intent);
        }
        let (transaction, branch) = (part.workflow, part.step);
        let told = WorkflowEvent::Prepared {
            station,
            transaction,
            branch,
        };
        self.tell_workflow(id, told);
        self.skip_to_end(id)
    }

    /// A database hears how a transaction was decided.
    #[inline(never)]
    pub(super) fn branch(&mut self, id: FrameId, act: BranchAct) -> bool {
        let frame = &self.frames[id];
        let (part, database, station) = (frame.part, frame.component, frame.station);
        let Some(state) = self.databases.get(database) else {
            return self.skip_to_end(id);
        };
        let Some(intent) = state.prepared.get(part) else {
            // Either it has heard of it before, or an abort has come before what it aborts.
            if part.role == Role::Abort {
                let version = state.rows.last();
                state.fence.suspend(part, version);
            }
            return self.skip_to_end(id);
        };
        let model = Arc::clone(&self.model);
        match act {
            BranchAct::Decide => {
                let time = self.deciding(&model, id, &intent);
                let time = at_speed(time, self.stations[station as usize].speed);
                self.calendar
                    .plan(self.now + time, Due::Worked { frame: id });
                false
            }
            BranchAct::Decided => {
                self.resolve(&model, id, &intent);
                self.skip_to_end(id)
            }
        }
    }

    /// How long a node works on a decision: a commit must be durable before it is acknowledged, an abort need not.
    fn deciding(&self, model: &Model, id: FrameId, intent: &Intent) -> Duration {
        let statement = &model.statements[intent.statement as usize];
        let Some(prepared) = &statement.prepared else {
            return Duration::ZERO;
        };
        let frame = &self.frames[id];
        let mut draws = frame.key.with(statement.key).named("decision").draws();
        let taken_in = prepared.time(&crate::db::Extent::default(), &mut draws);
        if frame.part.role == Role::Commit {
            taken_in + prepared.commit(&mut draws)
        } else {
            taken_in
        }
    }

    /// A branch that was in doubt is committed or aborted.
    fn resolve(&mut self, model: &Model, id: FrameId, intent: &Intent) {
        let now = self.now;
        let frame = &self.frames[id];
        let (part, database, station) = (frame.part, frame.component, frame.station);
        let (request, commit) = (frame.request, part.role == Role::Commit);
        let statement = &model.statements[intent.statement as usize];
        let mut first = 0;
        for n in 0..if commit { intent.rows } else { 0 } {
            let (row, initial) = (
                statement.row(intent.data, u64::from(n)),
                statement.initial(),
            );
            let Some(state) = self.databases.get(database) else {
                break;
            };
            let value = intent.value.map(|(value, _)| value);
            let value = value.unwrap_or(state.rows.get(row, initial).value);
            let written = state.rows.prepare(row, initial, value, now);
            self.tell_kept(model, id, intent, &written);
            self.put(id, database, written);
            if n == 0 {
                first = written.after.version;
            }
        }
        if commit {
            let rows = intent.rows;
            self.frames[id].outcome = Ok(Value {
                version: first,
                source: database,
                row: statement.row(intent.data, 0),
                ..Value::default()
            });
            self.tell(request, id.slot(), &Event::Committed { station, rows });
            self.tell_caches(model, database, intent.data, first);
        }
        let told = WorkflowEvent::Resolved {
            station,
            transaction: part.workflow,
            branch: part.step,
            commit,
            doubted: now.since(intent.since),
        };
        self.tell_workflow(id, told);
        let mut granted = core::mem::take(&mut self.databases.granted);
        if let Some(state) = self.databases.get(database) {
            state.prepared.take(part);
            if let Some(transaction) = intent.transaction {
                state.locks.end(transaction, &mut granted);
            }
        }
        self.grant(granted);
    }

    /// What was promised is kept: probes hear of the row, and the database remembers what is to be made only once.
    fn tell_kept(&mut self, model: &Model, id: FrameId, intent: &Intent, written: &Written) {
        let frame = &self.frames[id];
        let at = At {
            database: frame.component,
            node: model.stations[frame.station as usize].instance as u16,
            station: frame.station,
            data: intent.data,
        };
        let Some((_, seen)) = intent.value else {
            return self.tell_written(id, at, written);
        };
        let statement = &model.statements[intent.statement as usize];
        let changing = statement.prepared.as_ref().and_then(|p| p.change());
        if statement.undoes.is_some() || changing.is_some_and(|changing| changing.once) {
            self.keep_identity(model, statement, id, at, written);
        }
        self.tell_changed(id, at, written, seen);
    }

    /// Branches of transactions that are in doubt at a database, and row locks that are held there.
    pub fn in_doubt(&self, component: usize) -> (u32, u32) {
        let state = self.databases.state(component);
        state.map_or((0, 0), |state| (state.prepared.len(), state.locks.held()))
    }
}
