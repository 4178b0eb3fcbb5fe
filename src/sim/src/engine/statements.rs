//! Statements at work: what reads see, and how writes lock, write, commit and show what they did.
//!
//! A write holds its rows' locks from when it gets them until it is answered. A lock that another holds is waited for while
//! the connection is kept, as in `PostgreSQL` and `InnoDB`; a change is a transaction of several statements, with the
//! application's time in between (see [`Change`]).

use std::sync::Arc;

use super::Engine;
use super::databases::{Stage, Visit};
use super::visit::at_speed;
use crate::calendar::Due;
use crate::db::{Acquired, Change, Extent, Rule, Step, Stepped, Written};
use crate::event::{Event, Loss};
use crate::frame::{Failure, FrameId, State, Value, bytes};
use crate::model::{Act, Model, StatementModel};
use crate::probe::Probe;
use crate::random::Draws;
use crate::time::Duration;

/// Where a frame's statement is executed.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub database: u16,
    pub node: u16,
    pub station: u32,
    pub data: u64,
}

impl<P: Probe> Engine<P> {
    /// A frame takes a step at a database. Tells whether it can take the next at once.
    #[inline(never)]
    pub(super) fn act(&mut self, id: FrameId, act: Act, number: u32) -> bool {
        let model = Arc::clone(&self.model);
        let statement = &model.statements[number as usize];
        let frame = &self.frames[id];
        let at = At {
            database: frame.component,
            node: model.stations[frame.station as usize].instance as u16,
            station: frame.station,
            data: frame.data,
        };
        match act {
            Act::Read => self.read(&model, statement, id, at),
            Act::Begin => self.begin(&model, statement, id, at),
            Act::Lock => self.lock(&model, statement, id, at),
            Act::Write => self.write_row(statement, id, at),
            Act::Next => {
                let visit = &mut self.databases.visits[id];
                visit.rows += 1;
                let more = u64::from(visit.rows) < statement.rows();
                let frame = &mut self.frames[id];
                frame.step = if more { frame.step - 2 } else { frame.step + 1 };
                true
            }
            Act::Flush => {
                let mut draws = self.draws(statement, id);
                let prepared = statement.prepared.as_ref();
                let time = prepared.map_or(Duration::ZERO, |p| p.commit(&mut draws));
                self.work(id, at.station, time)
            }
            Act::Log => self.log(&model, statement, id, at),
            Act::Show => self.answer(&model, statement, id, at),
            Act::Change => self.change(statement, id, at),
            Act::Changed => self.changed(&model, statement, id, at),
            Act::Fetch => {
                if let Some(reason) = self.unfit(&model, at, false) {
                    return self.fail(id, at.station, reason);
                }
                self.fetch_row(statement, id);
                self.step_on(id)
            }
            Act::Receive => {
                if let Some(reason) = self.unfit(&model, at, true) {
                    return self.fail(id, at.station, reason);
                }
                self.receive(id);
                self.step_on(id)
            }
            Act::Import => self.import(&model, statement, id, at),
        }
    }

    /// The draws of a frame's next piece of work.
    fn draws(&mut self, statement: &StatementModel, id: FrameId) -> Draws {
        let visit = &mut self.databases.visits[id];
        visit.works += 1;
        let key = self.frames[id].key.with(statement.key);
        key.with(u64::from(visit.works)).draws()
    }

    /// The node works for a frame; then comes the next step.
    fn work(&mut self, id: FrameId, station: u32, demand: Duration) -> bool {
        let time = at_speed(demand, self.stations[station as usize].speed);
        self.calendar
            .plan(self.now + time, Due::Worked { frame: id });
        false
    }

    fn step_on(&mut self, id: FrameId) -> bool {
        self.frames[id].step += 1;
        true
    }

    pub(super) fn fail(&mut self, id: FrameId, station: u32, reason: Loss) -> bool {
        self.finish(id, Err(Failure { reason, station }));
        false
    }

    /// Why a node can't take a statement, if it can't.
    fn unfit(&mut self, model: &Model, at: At, writes: bool) -> Option<Loss> {
        let now = self.now;
        if let Some((replicas, _)) = self.databases.replicated(model, at.database) {
            let is_primary = replicas.log.primary() == at.node;
            if is_primary && now < replicas.ready() {
                return Some(Loss::Down);
            }
            if writes && !is_primary {
                return Some(Loss::ReadOnly);
            }
        }
        let full = writes
            && (self.stations[at.station as usize].disk_full || self.outbox_is_full(at.database));
        full.then_some(Loss::DiskFull)
    }

    /// Rows are looked at.
    fn examine(&mut self, id: FrameId, station: u32, extent: &Extent) {
        if extent.examined > 0 {
            let request = self.frames[id].request;
            let rows = extent.examined;
            self.tell(request, id.slot(), &Event::Examined { station, rows });
        }
    }

    fn read(&mut self, model: &Model, statement: &StatementModel, id: FrameId, at: At) -> bool {
        if let Some(reason) = self.unfit(model, at, false) {
            return self.fail(id, at.station, reason);
        }
        let version = self.see(model, statement, id, at);
        let mut value = Value {
            version,
            source: at.database,
            row: statement.row(at.data, 0),
            // What tables hold is there; of queries with times of their own, the keys say.
            absent: statement.prepared.is_none()
                && version == 0
                && at.data >= model.components[usize::from(at.database)].rows,
            ..Value::default()
        };
        if let Some(of) = model.components[usize::from(at.database)].shard_of {
            value.missed = !self.has_row(model, id, of, version);
            value.absent |= value.missed;
        }
        let Some(prepared) = &statement.prepared else {
            self.frames[id].outcome = Ok(value);
            return self.step_on(id);
        };
        let extent = prepared.extent(at.data);
        value.bytes = bytes(extent.bytes);
        let frame = &mut self.frames[id];
        frame.outcome = Ok(value);
        let mut draws = frame.key.with(statement.key).draws();
        self.examine(id, at.station, &extent);
        let time = prepared.time(&extent, &mut draws);
        self.work(id, at.station, time)
    }

    /// What a node has of a statement's row: tells which version that is.
    fn see(&mut self, model: &Model, statement: &StatementModel, id: FrameId, at: At) -> u64 {
        let row = statement.row(at.data, 0);
        let Some(state) = self.databases.get(at.database) else {
            return 0;
        };
        let newest = state.rows.get(row, statement.initial());
        match &state.replicas {
            Some(replicas) if replicas.log.primary() != at.node => {}
            _ => return newest.version,
        }
        self.follow(at.database);
        let (user, now) = (self.user(id), self.now);
        let called = { self.databases.visits.get(id) }.map_or(now, |visit| visit.called);
        let Some((replicas, _)) = self.databases.replicated(model, at.database) else {
            return newest.version;
        };
        let seen = replicas.log.read(at.node, newest);
        let told = Event::ReplicaRead {
            station: at.station,
            row,
            lag: replicas.log.lag(at.node, now).1,
            stale: seen.overwritten.map(|time| now.since(time)),
            own: replicas.misses_own(user, row, &seen, called),
        };
        let request = self.frames[id].request;
        self.tell(request, id.slot(), &told);
        seen.row.version
    }

    fn begin(&mut self, model: &Model, statement: &StatementModel, id: FrameId, at: At) -> bool {
        if let Some(reason) = self.unfit(model, at, true) {
            return self.fail(id, at.station, reason);
        }
        if !self.databases.visits.contains_key(id) {
            self.databases.visits.insert(id, Visit::new());
        }
        let Some(prepared) = &statement.prepared else {
            return self.step_on(id);
        };
        if let Some(changing) = prepared.change() {
            self.databases.visits[id].change = Some(Change::new(changing.care));
            return self.step_on(id);
        }
        let mut draws = self.draws(statement, id);
        let time = prepared.time(&Extent::default(), &mut draws);
        self.work(id, at.station, time)
    }

    /// Takes the lock of a frame's row number `n`; tells whether it has it.
    fn take_lock(
        &mut self,
        model: &Model,
        statement: &StatementModel,
        id: FrameId,
        at: At,
        n: u32,
    ) -> bool {
        let now = self.now;
        let row = statement.row(at.data, u64::from(n));
        let visit = &mut self.databases.visits[id];
        let mut transaction = visit.transaction;
        let Some(state) = self.databases.get(at.database) else {
            return true;
        };
        let by = *transaction.get_or_insert_with(|| state.locks.begin(id));
        let acquired = state.locks.acquire(by, row);
        // Who holds no lock is in nobody's way.
        let deadlocked = n > 0 && acquired == Acquired::Waits && state.locks.deadlocked(by);
        let visit = &mut self.databases.visits[id];
        visit.transaction = transaction;
        if acquired != Acquired::Waits {
            return true;
        }
        let wait = visit.waits(Stage::Locking, now);
        let frame = &mut self.frames[id];
        frame.state = State::Blocked;
        let (request, station) = (frame.request, at.station);
        self.tell(request, id.slot(), &Event::Locking { station });
        let Some(settings) = &model.components[usize::from(at.database)].database else {
            return false;
        };
        if deadlocked && settings.deadlock_after == Duration::ZERO {
            return self.fail(id, station, Loss::Deadlock);
        }
        if n > 0 && settings.deadlock_after > Duration::ZERO {
            let due = Due::Deadlock { frame: id, wait };
            self.calendar.plan(now + settings.deadlock_after, due);
        }
        if let Some(timeout) = settings.lock_timeout {
            let due = Due::Waited { frame: id, wait };
            self.calendar.plan(now + timeout, due);
        }
        false
    }

    /// A frame has waited so long for a lock that it is asked whether it waits for itself.
    pub(super) fn deadlock(&mut self, id: FrameId, wait: u32) {
        let (Some(visit), Some(frame)) = (self.databases.visits.get(id), self.frames.get(id))
        else {
            return;
        };
        let Some(transaction) = visit.transaction else {
            return;
        };
        let station = frame.station;
        if visit.waits == wait
            && visit.stage == Stage::Locking
            && let Some(state) = self.databases.get(frame.component)
            && state.locks.deadlocked(transaction)
        {
            self.fail(id, station, Loss::Deadlock);
        }
    }

    fn lock(&mut self, model: &Model, statement: &StatementModel, id: FrameId, at: At) -> bool {
        let row = self.databases.visits[id].rows;
        self.take_lock(model, statement, id, at, row) && self.step_on(id)
    }

    fn write_row(&mut self, statement: &StatementModel, id: FrameId, at: At) -> bool {
        let Some(prepared) = &statement.prepared else {
            return self.step_on(id);
        };
        let extent = prepared.extent_of_step(true);
        self.examine(id, at.station, &extent);
        self.work(id, at.station, prepared.execution(&extent))
    }

    fn log(&mut self, model: &Model, statement: &StatementModel, id: FrameId, at: At) -> bool {
        self.follow(at.database);
        let count = self.databases.visits[id].rows;
        let is_part = !self.frames[id].part.is_none();
        if is_part && let Some(on) = self.fenced(id, statement.row(at.data, 0)) {
            return on;
        }
        for n in 0..count {
            let row = statement.row(at.data, u64::from(n));
            let Some(state) = self.databases.get(at.database) else {
                break;
            };
            let value = state.rows.get(row, statement.initial()).value;
            let written = { &mut state.rows }.prepare(row, statement.initial(), value, self.now);
            if is_part && n == 0 && self.part_made(id, at.station, &written, None) {
                return true;
            }
            self.tell_written(id, at, &written);
            self.put_for(id, at, written, n == 0);
        }
        self.committing(model, id, at)
    }

    /// Puts a frame's write into the log.
    fn put_for(&mut self, id: FrameId, at: At, written: Written, is_first: bool) {
        if is_first && self.messaging.outboxes[usize::from(at.database)].is_some() {
            self.leave_message(id, at.database, &written);
        }
        let waits = self.put(id, at.database, written);
        let request = self.frames[id].request;
        let count = &mut self.requests[request].written;
        *count = count.saturating_add(1);
        let visit = &mut self.databases.visits[id];
        if is_first {
            visit.first = written.after.version;
        }
        visit.missing += u32::from(waits);
    }

    /// A frame goes on to answer, once replicas have what it wrote. Tells whether it can at once.
    fn committing(&mut self, model: &Model, id: FrameId, at: At) -> bool {
        let now = self.now;
        self.frames[id].step += 1;
        let visit = &mut self.databases.visits[id];
        if visit.missing == 0 {
            return true;
        }
        let wait = visit.waits(Stage::Committing, now);
        let frame = &mut self.frames[id];
        frame.state = State::Blocked;
        let (request, station) = (frame.request, at.station);
        self.tell(request, id.slot(), &Event::Committing { station });
        if let Some((_, settings)) = self.databases.replicated(model, at.database)
            && let Some(timeout) = settings.commit_timeout
        {
            let due = Due::Waited { frame: id, wait };
            self.calendar.plan(now + timeout, due);
        }
        self.watch(at.database);
        false
    }

    /// What a frame wrote is seen by all from now on, and it answers.
    fn answer(&mut self, model: &Model, statement: &StatementModel, id: FrameId, at: At) -> bool {
        let visit = &self.databases.visits[id];
        let (first, rows) = (visit.first, visit.rows);
        self.show(at.database, first, rows);
        let (user, now) = (self.user(id), self.now);
        if let Some((replicas, settings)) = self.databases.replicated(model, at.database) {
            let position = first + u64::from(rows) - 1;
            let row = statement.row(at.data, 0);
            replicas.wrote(&settings.reads, user, row, position, now);
        }
        let frame = &mut self.frames[id];
        frame.outcome = Ok(Value {
            version: first,
            source: at.database,
            row: statement.row(at.data, 0),
            ..Value::default()
        });
        frame.step += 1;
        let (request, station) = (frame.request, at.station);
        self.tell(request, id.slot(), &Event::Committed { station, rows });
        self.tell_caches(model, at.database, at.data, first);
        if let Some(of) = model.components[usize::from(at.database)].shard_of {
            self.written_at_shard(model, id, of);
        }
        true
    }

    /// A row comes from another database, and is locked here.
    fn import(&mut self, model: &Model, statement: &StatementModel, id: FrameId, at: At) -> bool {
        let Some(value) = self.row_arrives(id) else {
            // There is nothing to show.
            let version = self.see(model, statement, id, at);
            let frame = &mut self.frames[id];
            frame.outcome = Ok(Value {
                version,
                source: at.database,
                row: statement.row(at.data, 0),
                ..Value::default()
            });
            frame.step += 2;
            return true;
        };
        self.follow(at.database);
        let (row, now) = (statement.row(at.data, 0), self.now);
        let Some(state) = self.databases.get(at.database) else {
            return false;
        };
        let written = { &mut state.rows }.prepare(row, statement.initial(), value, now);
        self.tell_written(id, at, &written);
        self.put_for(id, at, written, true);
        self.databases.visits[id].rows = 1;
        // Versions of the old store say nothing here.
        self.tell_caches(model, at.database, at.data, u64::MAX);
        self.committing(model, id, at)
    }

    /// A change begins its next step: how long it takes.
    fn change(&mut self, statement: &StatementModel, id: FrameId, at: At) -> bool {
        let mut draws = self.draws(statement, id);
        let (Some(prepared), Some(change)) =
            (&statement.prepared, &self.databases.visits[id].change)
        else {
            return self.step_on(id);
        };
        let step = change.step();
        let extent = match step {
            Step::Read => prepared.extent_of_step(false),
            Step::Write => prepared.extent_of_step(true),
            Step::Lock => Extent::default(),
            Step::Think => {
                // The application's time, not the node's.
                let think = prepared.change().map(|changing| changing.think(&mut draws));
                let time = self.now + think.unwrap_or_default();
                self.calendar.plan(time, Due::Worked { frame: id });
                return false;
            }
        };
        let goes_on = core::mem::take(&mut self.databases.visits[id].goes_on);
        let time = if goes_on {
            prepared.execution(&extent)
        } else {
            prepared.time(&extent, &mut draws)
        };
        self.examine(id, at.station, &extent);
        self.work(id, at.station, time)
    }

    /// A change has come to the end of a step.
    fn changed(&mut self, model: &Model, statement: &StatementModel, id: FrameId, at: At) -> bool {
        let Some(changing) = statement.prepared.as_ref().and_then(|p| p.change()) else {
            return self.step_on(id);
        };
        let rule = Rule {
            key: statement.row(at.data, 0),
            initial: statement.initial(),
            by: changing.by,
            least: changing.least,
            retries: changing.retries,
        };
        let Some(mut change) = self.databases.visits[id].change.take() else {
            return self.step_on(id);
        };
        let step = change.step();
        if !self.frames[id].part.is_none()
            && matches!(step, Step::Read | Step::Write)
            && let Some(on) = self.fenced(id, rule.key)
        {
            return on;
        }
        let mut goes_on = false;
        match step {
            Step::Lock => {
                if !self.take_lock(model, statement, id, at, 0) {
                    if let Some(visit) = self.databases.visits.get_mut(id) {
                        visit.change = Some(change);
                    }
                    return false;
                }
                goes_on = true;
            }
            Step::Write => {
                let flushed = self.databases.visits[id].flushed;
                let Some(state) = self.databases.get(at.database) else {
                    return false;
                };
                // What changes nothing need not be made durable.
                if !flushed && change.would_write(&rule, &state.rows) {
                    let mut draws = self.draws(statement, id);
                    let prepared = statement.prepared.as_ref();
                    let time = prepared.map_or(Duration::ZERO, |p| p.commit(&mut draws));
                    let visit = &mut self.databases.visits[id];
                    (visit.flushed, visit.change) = (true, Some(change));
                    self.frames[id].step -= 1;
                    return self.work(id, at.station, time);
                }
                self.follow(at.database);
            }
            Step::Read | Step::Think => {}
        }
        // After a write it would be too late to ask: the row's lock has seen to that.
        let asks = changing.once || statement.undoes.is_some();
        if asks && matches!(step, Step::Read | Step::Lock) {
            let locked = step == Step::Lock;
            let on = self.asked_before(model, statement, id, &rule, at, locked);
            if let Some(on) = on {
                return on;
            }
        }
        let now = self.now;
        let Some(state) = self.databases.get(at.database) else {
            return false;
        };
        let stepped = change.stepped(&rule, &mut state.rows, now);
        let version = state.rows.get(rule.key, rule.initial).version;
        let seen = change.seen();
        let visit = &mut self.databases.visits[id];
        visit.change = Some(change);
        visit.goes_on = goes_on;
        match stepped {
            Stepped::On => {
                self.frames[id].step -= 1;
                true
            }
            Stepped::Again => {
                self.conclude(id);
                let frame = &mut self.frames[id];
                frame.step -= 1;
                let (request, station) = (frame.request, at.station);
                self.tell(request, id.slot(), &Event::Conflicted { station });
                true
            }
            Stepped::Changed(written) => {
                visit.rows = 1;
                let new = Some((written.after.value, seen.version));
                if !self.frames[id].part.is_none() && self.part_made(id, at.station, &written, new)
                {
                    return true;
                }
                if asks {
                    self.keep_identity(model, statement, id, at, &written);
                }
                self.tell_changed(id, at, &written, seen.version);
                self.put_for(id, at, written, true);
                self.committing(model, id, at)
            }
            Stepped::TooLittle if changing.or_fail || !self.frames[id].part.is_none() => {
                self.fail(id, at.station, Loss::TooLittle)
            }
            Stepped::TooLittle => self.leave_as_it_is(id, &rule, at, version),
            Stepped::Conflict => self.fail(id, at.station, Loss::Conflict),
        }
    }
}
