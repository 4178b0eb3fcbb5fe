//! What happens to sagas and to distributed transactions. Their numbers stay the same when another instance takes them over.

use core::fmt;

use super::Loss;
use crate::time::Duration;

/// One thing that happened to a saga, or to a transaction with branches in several databases.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WorkflowEvent {
    /// A saga is in its orchestrator's log.
    SagaStarted {
        /// The orchestrator.
        station: u32,
        /// The saga.
        saga: u32,
    },
    /// The log has it that a step is done.
    StepDone {
        /// The orchestrator.
        station: u32,
        /// The saga.
        saga: u32,
        /// The step, from 0.
        step: u8,
    },
    /// A step, or its compensation, has failed.
    StepFailed {
        /// The orchestrator.
        station: u32,
        /// The saga.
        saga: u32,
        /// The step.
        step: u8,
        /// Why.
        reason: Loss,
    },
    /// The log has it that a step is to be compensated.
    Compensating {
        /// The orchestrator.
        station: u32,
        /// The saga.
        saga: u32,
        /// The step.
        step: u8,
    },
    /// The log has it that a step is compensated.
    Undone {
        /// The orchestrator.
        station: u32,
        /// The saga.
        saga: u32,
        /// The step.
        step: u8,
    },
    /// A saga has ended, and all is done.
    SagaFinished {
        /// The orchestrator.
        station: u32,
        /// The saga.
        saga: u32,
    },
    /// A saga has ended, and all is taken back.
    SagaCompensated {
        /// The orchestrator.
        station: u32,
        /// The saga.
        saga: u32,
    },
    /// A saga can't go on: a person must see to it.
    SagaStuck {
        /// The orchestrator.
        station: u32,
        /// The saga.
        saga: u32,
        /// The step at which it can't.
        step: u8,
    },
    /// Nobody runs a saga or transaction any more: its instance has crashed, or could not finish it.
    Orphaned {
        /// The station that ran it.
        station: u32,
        /// The saga or transaction.
        workflow: u32,
    },
    /// An instance takes over a saga or transaction that nobody ran, from its log.
    Recovered {
        /// The station that runs it now.
        station: u32,
        /// The saga or transaction.
        workflow: u32,
    },
    /// A database was asked a second time for what it has done: it changes nothing.
    Repeated {
        /// The database's node.
        station: u32,
        /// The saga.
        saga: u32,
        /// The step.
        step: u8,
    },
    /// A database was asked to take back what it has not done: it changes nothing, and will not do it.
    UndoneEmpty {
        /// The database's node.
        station: u32,
        /// The saga.
        saga: u32,
        /// The step.
        step: u8,
    },
    /// A step, or a branch, came to a database after it was taken back: it is refused.
    TooLate {
        /// The database's node.
        station: u32,
        /// The saga or transaction.
        workflow: u32,
        /// The step or branch.
        step: u8,
    },
    /// A database has promised to commit a branch, and is in doubt from now on.
    Prepared {
        /// The database's node.
        station: u32,
        /// The transaction.
        transaction: u32,
        /// The branch, from 0.
        branch: u8,
    },
    /// A transaction is decided.
    Decided {
        /// The coordinator.
        station: u32,
        /// The transaction.
        transaction: u32,
        /// Whether to commit.
        commit: bool,
    },
    /// A database has heard of the decision on a branch that it had promised.
    Resolved {
        /// The database's node.
        station: u32,
        /// The transaction.
        transaction: u32,
        /// The branch.
        branch: u8,
        /// Whether to commit.
        commit: bool,
        /// How long it was in doubt.
        doubted: Duration,
    },
}

impl WorkflowEvent {
    /// The event's name in the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SagaStarted { .. } => "saga_started",
            Self::StepDone { .. } => "saga_step_done",
            Self::StepFailed { .. } => "saga_step_failed",
            Self::Compensating { .. } => "saga_compensating",
            Self::Undone { .. } => "saga_undone",
            Self::SagaFinished { .. } => "saga_finished",
            Self::SagaCompensated { .. } => "saga_compensated",
            Self::SagaStuck { .. } => "saga_stuck",
            Self::Orphaned { .. } => "orphaned",
            Self::Recovered { .. } => "recovered",
            Self::Repeated { .. } => "saga_repeated",
            Self::UndoneEmpty { .. } => "saga_undone_empty",
            Self::TooLate { .. } => "too_late",
            Self::Prepared { .. } => "prepared",
            Self::Decided { .. } => "decided",
            Self::Resolved { commit: true, .. } => "branch_committed",
            Self::Resolved { commit: false, .. } => "branch_aborted",
        }
    }

    /// The station where it happened.
    pub const fn station(&self) -> u32 {
        match *self {
            Self::SagaStarted { station, .. }
            | Self::StepDone { station, .. }
            | Self::StepFailed { station, .. }
            | Self::Compensating { station, .. }
            | Self::Undone { station, .. }
            | Self::SagaFinished { station, .. }
            | Self::SagaCompensated { station, .. }
            | Self::SagaStuck { station, .. }
            | Self::Orphaned { station, .. }
            | Self::Recovered { station, .. }
            | Self::Repeated { station, .. }
            | Self::UndoneEmpty { station, .. }
            | Self::TooLate { station, .. }
            | Self::Prepared { station, .. }
            | Self::Decided { station, .. }
            | Self::Resolved { station, .. } => station,
        }
    }

    /// Writes its detail in the log: the saga or transaction, the step or branch, and what else there is to say.
    pub(super) fn write_detail(&self, out: &mut impl fmt::Write) -> fmt::Result {
        match *self {
            Self::SagaStarted { saga: id, .. }
            | Self::SagaFinished { saga: id, .. }
            | Self::SagaCompensated { saga: id, .. }
            | Self::Orphaned { workflow: id, .. }
            | Self::Recovered { workflow: id, .. } => write!(out, "{id}"),
            Self::StepDone { saga, step, .. }
            | Self::Compensating { saga, step, .. }
            | Self::Undone { saga, step, .. }
            | Self::SagaStuck { saga, step, .. }
            | Self::Repeated { saga, step, .. }
            | Self::UndoneEmpty { saga, step, .. }
            | Self::TooLate {
                workflow: saga,
                step,
                ..
            }
            | Self::Prepared {
                transaction: saga,
                branch: step,
                ..
            } => write!(out, "{saga} {step}"),
            Self::StepFailed {
                saga, step, reason, ..
            } => write!(out, "{saga} {step}: {}", reason.name()),
            Self::Decided {
                transaction,
                commit,
                ..
            } => write!(
                out,
                "{transaction} {}",
                if commit { "commit" } else { "abort" }
            ),
            Self::Resolved {
                transaction,
                branch,
                doubted,
                ..
            } => write!(out, "{transaction} {branch}: {}", doubted.nanos()),
        }
    }
}
