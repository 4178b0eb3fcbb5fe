//! Sagas and transactions at work: who runs them, what is written into the log, and who takes them over after a crash.
//!
//! A frame of the orchestrator runs one, and holds its worker for as long, as a blocking thread does. What the log has
//! outlives the frame. When the frame's instance crashes, nobody runs it (it is an orphan) until the instance is back or
//! another takes over: that is a new frame, for which nobody waits, at the same steps of the plan. What the crashed one had
//! called goes on, and may come to its end beside what the new one calls for the same step: see [`Fence`](crate::workflow::Fence).
//! The rest of the plan is not done after a recovery: only the saga is in the log, and its caller has gone.
//! A transaction that is decided, but whose branches have not all acknowledged, is left to a recovery in the same way, and its
//! caller has the answer at once, as transaction managers of JTA do it.
//! Does not model: a thread of its own for recovery. It waits for a worker like any request, so where all workers are held by
//! those who wait for a lock in doubt, nothing goes on until one of them gives up: give such calls a timeout.

use std::sync::Arc;

use slotmap::{Key as _, SecondaryMap, SlotMap};

use super::Engine;
use super::visit::at_speed;
use crate::calendar::Due;
use crate::component::station::Duty;
use crate::event::{Child, Event, Loss, WorkflowEvent};
use crate::frame::{
    Entry, Failure, Frame, FrameId, NONE, Outcome, RequestId, State, Value, Waiter, WorkflowId,
};
use crate::limits;
use crate::model::{Model, SagaModel, WorkflowAct, WorkflowKind};
use crate::probe::Probe;
use crate::random::Key;
use crate::time::Duration;
use crate::workflow::{Coordinator, Next, Part, Point, Role, Saga, Task};

/// All sagas and transactions that have not ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Workflows {
    live: SlotMap<WorkflowId, Workflow>,
    /// Which one a frame runs.
    run_by: SecondaryMap<FrameId, WorkflowId>,
    /// How many there have been.
    started: u32,
}

/// A saga or a transaction.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Workflow {
    number: u32,
    request: RequestId,
    /// Which one of the model it is.
    model: u32,
    /// What its frames have in common.
    key: Key,
    data: u64,
    operation: u16,
    component: u16,
    /// Where it is run, or was last.
    station: u32,
    /// Who runs it, or the null key.
    frame: FrameId,
    /// How often that has changed.
    turn: u32,
    /// Records written so far, and calls made of the step that it is at: each has draws of its own.
    records: u32,
    repeats: u32,
    /// The wait before the next try, if there is to be one, and the last such wait.
    wait: Option<Duration>,
    waited: Duration,
    /// Why it can't be finished.
    failure: Option<Failure>,
    course: Course,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Course {
    Saga(Saga),
    Transaction(Coordinator),
}

impl Workflow {
    fn part(&self, step: u8, role: Role) -> Part {
        Part {
            workflow: self.number,
            step,
            role,
        }
    }

    /// Whether a record is to be written now.
    fn writes(&self) -> bool {
        match &self.course {
            Course::Saga(saga) => matches!(saga.next(), Next::Log(_)),
            Course::Transaction(coordinator) => coordinator.next() == Task::Log,
        }
    }
}

impl Workflows {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether nobody has run it since that turn.
    pub fn is_orphan(&self, id: WorkflowId, turn: u32) -> bool {
        let workflow = self.live.get(id);
        workflow.is_some_and(|w| w.turn == turn && w.frame.is_null())
    }
}

impl core::hash::Hash for Workflows {
    fn hash<H: core::hash::Hasher>(&self, hasher: &mut H) {
        self.started.hash(hasher);
        for entry in &self.live {
            entry.hash(hasher);
        }
    }
}

impl<P: Probe> Engine<P> {
    /// A frame comes to a saga or a transaction of its plan. Tells whether it can go on at once.
    #[inline(never)]
    pub(super) fn workflow(&mut self, id: FrameId, number: u32, act: WorkflowAct) -> bool {
        let Some(workflow) = self.run_by(id).or_else(|| self.begin_workflow(id, number)) else {
            let station = self.frames[id].station;
            return self.fail(id, station, Loss::DiskFull);
        };
        match act {
            WorkflowAct::Pause => self.pause(id, workflow),
            WorkflowAct::Go => self.go(id, workflow),
        }
    }

    fn run_by(&self, id: FrameId) -> Option<WorkflowId> {
        let workflow = *self.workflows.run_by.get(id)?;
        let live = self.workflows.live.get(workflow)?;
        (live.frame == id).then_some(workflow)
    }

    /// A frame begins the model's workflow of that number; `None` if the log has no room for it.
    fn begin_workflow(&mut self, id: FrameId, number: u32) -> Option<WorkflowId> {
        if self.workflows.live.len() >= limits::WORKFLOWS {
            return None;
        }
        let frame = &self.frames[id];
        self.workflows.started += 1;
        let workflow = self.workflows.live.insert(Workflow {
            number: self.workflows.started,
            request: frame.request,
            model: number,
            key: frame.key,
            data: frame.data,
            operation: frame.operation,
            component: self.model.stations[frame.station as usize].component,
            station: frame.station,
            frame: id,
            turn: 0,
            records: 0,
            repeats: 0,
            wait: None,
            waited: Duration::ZERO,
            failure: None,
            course: match &self.model.workflows[number as usize].what {
                WorkflowKind::Saga(_) => Course::Saga(Saga::default()),
                WorkflowKind::Transaction { .. } => Course::Transaction(Coordinator::default()),
            },
        });
        self.requests[frame.request].open += 1;
        self.workflows.run_by.insert(id, workflow);
        Some(workflow)
    }

    /// Writes a record, or waits before a try.
    fn pause(&mut self, id: FrameId, at: WorkflowId) -> bool {
        let workflow = &mut self.workflows.live[at];
        let time = if workflow.writes() {
            let settings = &self.model.workflows[workflow.model as usize];
            workflow.records += 1;
            let key = workflow.key.with(settings.key);
            let mut draws = key.with(u64::from(workflow.records)).draws();
            let time = settings.log.draw(&mut draws);
            at_speed(time, self.stations[workflow.station as usize].speed)
        } else if let Some(wait) = workflow.wait.take() {
            wait
        } else {
            self.frames[id].step += 1;
            return true;
        };
        self.calendar
            .plan(self.now + time, Due::Worked { frame: id });
        false
    }

    /// What was to be written is in the log: does what is next.
    fn go(&mut self, id: FrameId, at: WorkflowId) -> bool {
        let model = Arc::clone(&self.model);
        let workflow = &self.workflows.live[at];
        let settings = &model.workflows[workflow.model as usize];
        match (&workflow.course, &settings.what) {
            (Course::Saga(_), WorkflowKind::Saga(saga)) => self.go_on_with_saga(id, at, saga),
            (Course::Transaction(_), WorkflowKind::Transaction { first, count }) => {
                self.go_on_with_transaction(id, at, [*first, *count])
            }
            // The engine gives each the course of its model.
            _ => false,
        }
    }

    fn go_on_with_saga(&mut self, id: FrameId, at: WorkflowId, settings: &SagaModel) -> bool {
        let workflow = &mut self.workflows.live[at];
        let Course::Saga(saga) = &mut workflow.course else {
            return false;
        };
        let was_written = matches!(saga.next(), Next::Log(_)).then(|| saga.logged());
        let next = saga.next();
        if let Some((before, after)) = was_written {
            (workflow.repeats, workflow.waited) = (0, Duration::ZERO);
            self.tell_record(id, at, before, after);
        }
        let workflow = &self.workflows.live[at];
        let (step, role) = match next {
            Next::Do(step) => (step, Role::Do),
            Next::Undo(step) => (step, Role::Undo),
            // Nothing is to be written any more.
            Next::End(point) | Next::Log(point) => {
                // Its caller hears why it was taken back; of what a person must see to, only that.
                let stuck = Failure {
                    reason: Loss::Stuck,
                    station: workflow.station,
                };
                let outcome = match point {
                    Point::Finished => Ok(self.frames[id].outcome.unwrap_or_default()),
                    Point::Compensated => Err(workflow.failure.unwrap_or(stuck)),
                    _ => Err(stuck),
                };
                return self.end_workflow(id, at, outcome);
            }
        };
        let site = settings.sites[usize::from(step)][usize::from(role == Role::Undo)];
        let (part, turn) = (workflow.part(step, role), workflow.repeats);
        self.call_for(id, site, part, turn);
        false
    }

    /// Tells the probe what a saga's new record says.
    fn tell_record(&mut self, id: FrameId, at: WorkflowId, before: Option<Point>, after: Point) {
        use WorkflowEvent::{
            Compensating, SagaCompensated, SagaFinished, SagaStarted, SagaStuck, StepDone, Undone,
        };

        let Workflow {
            number: saga,
            station,
            ..
        } = self.workflows.live[at];
        let told = match before {
            None => SagaStarted { station, saga },
            Some(Point::Forward(step)) if matches!(after, Point::Forward(_) | Point::Finished) => {
                StepDone {
                    station,
                    saga,
                    step,
                }
            }
            Some(Point::Back(step)) if !matches!(after, Point::Stuck(_)) => Undone {
                station,
                saga,
                step,
            },
            Some(_) => {
                return self.tell_turn(id, station, saga, after);
            }
        };
        self.tell_workflow(id, told);
        let told = match after {
            Point::Finished => SagaFinished { station, saga },
            Point::Compensated => SagaCompensated { station, saga },
            Point::Back(step) => Compensating {
                station,
                saga,
                step,
            },
            Point::Forward(_) => return,
            Point::Stuck(step) => SagaStuck {
                station,
                saga,
                step,
            },
        };
        self.tell_workflow(id, told);
    }

    /// Tells the probe that a saga turns back, or can't go on.
    fn tell_turn(&mut self, id: FrameId, station: u32, saga: u32, after: Point) {
        let told = match after {
            Point::Back(step) => WorkflowEvent::Compensating {
                station,
                saga,
                step,
            },
            Point::Stuck(step) => WorkflowEvent::SagaStuck {
                station,
                saga,
                step,
            },
            _ => WorkflowEvent::SagaCompensated { station, saga },
        };
        self.tell_workflow(id, told);
    }

    fn go_on_with_transaction(
        &mut self,
        id: FrameId,
        at: WorkflowId,
        [first, count]: [u32; 2],
    ) -> bool {
        let workflow = &mut self.workflows.live[at];
        let Course::Transaction(coordinator) = &mut workflow.course else {
            return false;
        };
        if coordinator.next() == Task::Log {
            coordinator.logged();
            let (station, transaction) = (workflow.station, workflow.number);
            let told = WorkflowEvent::Decided {
                station,
                transaction,
                commit: true,
            };
            self.tell_workflow(id, told);
        }
        let workflow = &mut self.workflows.live[at];
        let Course::Transaction(coordinator) = &workflow.course else {
            return false;
        };
        let role = match coordinator.next() {
            Task::Prepare => Role::Prepare,
            Task::Tell { commit: true } => Role::Commit,
            Task::Tell { commit: false } => Role::Abort,
            Task::End { commit } => {
                let outcome = workflow.answer(commit);
                return self.end_workflow(id, at, outcome);
            }
            // It has just been written.
            Task::Log => return false,
        };
        let (part, turn) = (workflow.part(0, role), workflow.repeats);
        workflow.repeats += 1;
        self.parallel_for(id, [first, count, count], Some(part), turn);
        false
    }

    /// A call for a saga's step, or those for all branches of a transaction, have come back.
    #[inline(never)]
    pub(super) fn workflow_heard(&mut self, id: FrameId, outcome: Outcome) {
        let (request, station) = (self.frames[id].request, self.frames[id].station);
        self.tell(request, id.slot(), &Event::Returned { station });
        let Some(at) = self.run_by(id) else {
            return self.finish(id, outcome);
        };
        let model = Arc::clone(&self.model);
        let settings = &model.workflows[self.workflows.live[at].model as usize];
        let frame = &mut self.frames[id];
        (frame.state, frame.step) = (State::Working, settings.start);
        match &settings.what {
            WorkflowKind::Saga(saga) => self.step_heard(id, at, saga, outcome),
            WorkflowKind::Transaction { .. } => {
                if !self.branches_heard(id, at, outcome) {
                    return;
                }
            }
        }
        self.ready.push_back(id);
    }

    fn step_heard(&mut self, id: FrameId, at: WorkflowId, settings: &SagaModel, outcome: Outcome) {
        let workflow = &mut self.workflows.live[at];
        let Course::Saga(saga) = &mut workflow.course else {
            return;
        };
        let step = match saga.next() {
            Next::Do(step) | Next::Undo(step) => step,
            Next::Log(_) | Next::End(_) => return,
        };
        let retry = saga.heard(outcome.is_ok(), &settings.steps, settings.retries);
        workflow.repeats += 1;
        if let Some(retry) = retry {
            let draws = workflow.key.named("persist").with(u64::from(step));
            let mut draws = draws.with(u64::from(workflow.repeats)).draws();
            let wait = settings.backoff.wait(retry, workflow.waited, &mut draws);
            (workflow.wait, workflow.waited) = (Some(wait), wait);
        }
        match outcome {
            Ok(value) => self.frames[id].outcome = Ok(value),
            Err(failure) => {
                let is_first = workflow.failure.is_none();
                if is_first && retry.is_none() {
                    workflow.failure = Some(failure);
                }
                let (saga, station) = (workflow.number, workflow.station);
                let reason = failure.reason;
                let told = WorkflowEvent::StepFailed {
                    station,
                    saga,
                    step,
                    reason,
                };
                self.tell_workflow(id, told);
            }
        }
    }

    /// Tells whether the frame goes on with the transaction.
    fn branches_heard(&mut self, id: FrameId, at: WorkflowId, outcome: Outcome) -> bool {
        let workflow = &mut self.workflows.live[at];
        let Course::Transaction(coordinator) = &mut workflow.course else {
            return false;
        };
        let before = coordinator.next();
        coordinator.heard(outcome.is_ok());
        let after = coordinator.next();
        let (station, transaction) = (workflow.station, workflow.number);
        match (before, after, outcome) {
            (Task::Prepare, Task::Tell { commit }, Err(failure)) => {
                workflow.failure = Some(failure);
                let told = WorkflowEvent::Decided {
                    station,
                    transaction,
                    commit,
                };
                self.tell_workflow(id, told);
                true
            }
            // Not all have acknowledged: the rest is left to a recovery.
            (Task::Tell { commit }, Task::Tell { .. }, _) => {
                let outcome = workflow.answer(commit);
                self.orphan(at);
                self.conclude_workflow(id, outcome);
                false
            }
            _ => true,
        }
    }

    /// A saga or transaction has ended. Tells whether its frame goes on with its plan.
    fn end_workflow(&mut self, id: FrameId, at: WorkflowId, outcome: Outcome) -> bool {
        self.workflows.run_by.remove(id);
        if let Some(workflow) = self.workflows.live.remove(at) {
            // Its frame is still there, and the request with it.
            self.requests[workflow.request].open -= 1;
        }
        if let (Ok(value), Waiter::Workflow(..)) = (outcome, self.frames[id].waiter) {
            self.finish(id, Ok(value));
            return false;
        }
        if outcome.is_err() {
            self.finish(id, outcome);
            return false;
        }
        let frame = &mut self.frames[id];
        frame.outcome = outcome;
        frame.step += 1;
        true
    }

    /// The frame that ran a transaction leaves the rest of it to others, and goes on with its plan.
    fn conclude_workflow(&mut self, id: FrameId, outcome: Outcome) {
        let goes_on = !matches!(self.frames[id].waiter, Waiter::Workflow(..));
        match outcome {
            Ok(value) if goes_on => {
                let frame = &mut self.frames[id];
                frame.outcome = Ok(value);
                // Behind the two steps of the transaction.
                frame.step += 2;
                self.ready.push_back(id);
            }
            _ => self.finish(id, outcome),
        }
    }

    /// Nobody runs it any more: what is not in its log is forgotten, and somebody is to take it over.
    fn orphan(&mut self, at: WorkflowId) {
        let Some(workflow) = self.workflows.live.get_mut(at) else {
            return;
        };
        let runner = core::mem::take(&mut workflow.frame);
        self.workflows.run_by.remove(runner);
        workflow.turn = workflow.turn.wrapping_add(1);
        (workflow.wait, workflow.waited) = (None, Duration::ZERO);
        workflow.repeats += 1;
        let (request, number, station) = (workflow.request, workflow.number, workflow.station);
        let (turn, model) = (workflow.turn, workflow.model);
        let is_known = match &mut workflow.course {
            Course::Saga(saga) => saga.crashed(),
            Course::Transaction(_) => {
                self.hang_up(number, station);
                true
            }
        };
        if is_known {
            let told = WorkflowEvent::Orphaned {
                station,
                workflow: number,
            };
            self.tell(request, NONE, &Event::Workflow(told));
            let after = self.model.workflows[model as usize].recover_after;
            let due = Due::Recover { workflow: at, turn };
            self.calendar.plan(self.now + after, due);
        } else {
            self.workflows.live.remove(at);
            self.requests[request].open -= 1;
            self.release(request);
        }
    }

    /// The connections of a transaction are closed: branches that wait for a lock there are rolled back. Otherwise those who
    /// wait for a lock in doubt could hold all connections, and the decision that frees it would find none.
    fn hang_up(&mut self, number: u32, station: u32) {
        let waits = |(id, frame): &(FrameId, &Frame)| {
            frame.part.workflow == number
                && frame.part.role == Role::Prepare
                && frame.state == State::Blocked
                && self.databases.visits.contains_key(*id)
        };
        let waiting = self.frames.iter().filter(waits).map(|(id, _)| id);
        let waiting: Vec<FrameId> = waiting.collect();
        for id in waiting {
            let reason = Loss::Crashed;
            self.withdraw(id, Failure { reason, station });
        }
    }

    /// A station has crashed, and with it all who ran sagas and transactions there.
    pub(super) fn orphan_all(&mut self, station: u32) {
        if self.workflows.live.is_empty() {
            return;
        }
        let here = |(_, workflow): &(WorkflowId, &Workflow)| {
            workflow.station == station && !workflow.frame.is_null()
        };
        let here = self.workflows.live.iter().filter(here).map(|(id, _)| id);
        let here: Vec<WorkflowId> = here.collect();
        for id in here {
            self.orphan(id);
        }
    }

    /// A station is back: it reads its log, and goes on with what nobody has taken over.
    pub(super) fn recover_own(&mut self, station: u32) {
        for (id, workflow) in &mut self.workflows.live {
            if workflow.station == station && workflow.frame.is_null() {
                workflow.turn = workflow.turn.wrapping_add(1);
                let (workflow, turn) = (id, workflow.turn);
                self.calendar
                    .plan(self.now, Due::Recover { workflow, turn });
            }
        }
    }

    /// Where a saga or transaction can be run: at its own instance, or else at the next that serves.
    fn place_for(&self, model: &Model, workflow: &Workflow) -> Option<u32> {
        let stations = &model.components[usize::from(workflow.component)].stations;
        let own = stations.iter().position(|at| *at == workflow.station);
        let own = own.unwrap_or(0);
        let (before, from) = stations.split_at(own);
        let mut all = from.iter().chain(before).copied();
        all.find(|at| {
            let state = &self.stations[*at as usize];
            state.up && state.duty == Duty::Serving && model.stations[*at as usize].live
        })
    }

    /// Somebody takes over a saga or transaction that nobody runs.
    pub(super) fn recover(&mut self, at: WorkflowId, turn: u32) {
        if !self.workflows.is_orphan(at, turn) {
            return;
        }
        let model = Arc::clone(&self.model);
        let workflow = &self.workflows.live[at];
        let settings = &model.workflows[workflow.model as usize];
        let Some(station) = self.place_for(&model, workflow) else {
            let due = Due::Recover { workflow: at, turn };
            self.calendar.plan(self.now + settings.recover_after, due);
            return;
        };
        let (request, number, to) = (workflow.request, workflow.number, workflow.component);
        let (operation, key, data) = (workflow.operation, workflow.key, workflow.data);
        let before = workflow.station;
        let waiter = Waiter::Workflow(at, turn);
        let id = self.frame(request, waiter, to, operation, key, data);
        let frame = &mut self.frames[id];
        (frame.entry, frame.step, frame.station) = (Entry::Resume, settings.start, station);
        self.workflows.run_by.insert(id, at);
        let workflow = &mut self.workflows.live[at];
        (workflow.frame, workflow.station) = (id, station);
        let decided = match &mut workflow.course {
            Course::Transaction(coordinator) => coordinator.crashed(),
            Course::Saga(_) => false,
        };
        let spawned = Event::Spawned {
            station: before,
            to,
            child: Child::Frame(id.slot()),
        };
        self.tell(request, NONE, &spawned);
        let told = WorkflowEvent::Recovered {
            station,
            workflow: number,
        };
        self.tell_workflow(id, told);
        if decided {
            let told = WorkflowEvent::Decided {
                station,
                transaction: number,
                commit: false,
            };
            self.tell_workflow(id, told);
        }
        self.admit(&model, id);
    }

    /// A frame that had taken over a saga or transaction has ended: if that has not, the next must take over.
    pub(super) fn ran(&mut self, at: WorkflowId, turn: u32) {
        let workflow = self.workflows.live.get(at);
        if workflow.is_some_and(|w| w.turn == turn && !w.frame.is_null()) {
            self.orphan(at);
        }
    }
}

impl Workflow {
    /// What the caller of a transaction hears.
    fn answer(&self, commit: bool) -> Outcome {
        match self.failure {
            Some(failure) if !commit => Err(failure),
            None if !commit => Err(Failure {
                reason: Loss::Crashed,
                station: self.station,
            }),
            _ => Ok(Value::default()),
        }
    }
}
