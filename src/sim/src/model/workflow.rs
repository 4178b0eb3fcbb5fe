//! What is compiled of sagas and transactions.

use crate::distribution::Sampler;
use crate::resilience::Backoff;
use crate::time::Duration;
use crate::workflow::SagaStep;

/// A saga or a transaction of some plan.
#[derive(Clone, Debug)]
pub(crate) struct WorkflowModel {
    /// Where its steps in the plan begin: [`WorkflowAct::Pause`], then [`WorkflowAct::Go`].
    pub start: u32,
    /// How long a record of the log takes.
    pub log: Sampler,
    /// Mixed into its draws.
    pub key: u64,
    pub recover_after: Duration,
    pub what: WorkflowKind,
}

/// Which of the two it is.
#[derive(Clone, Debug)]
pub(crate) enum WorkflowKind {
    Saga(SagaModel),
    Transaction {
        /// The calls of its branches: so many from this one on.
        first: u32,
        count: u32,
    },
}

/// A compiled [`Saga`](crate::component::Saga).
#[derive(Clone, Debug)]
pub(crate) struct SagaModel {
    pub steps: Vec<SagaStep>,
    /// By step: the call that does it, and the one that takes it back, or [`NONE`](crate::frame::NONE).
    pub sites: Vec<[u32; 2]>,
    pub backoff: Backoff,
    pub retries: u32,
}

/// A step of a plan that has a saga or a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WorkflowAct {
    /// Waits for the log, or before a retry.
    Pause,
    /// Does what is next.
    Go,
}

/// A step of a database that is told of a decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BranchAct {
    /// Makes it durable.
    Decide,
    /// Lets all see it, and lets go of the locks.
    Decided,
}

impl WorkflowModel {
    /// Whether a run of one can go on as the other.
    pub fn same_shape(&self, other: &Self) -> bool {
        self.start == other.start
            && match (&self.what, &other.what) {
                (WorkflowKind::Saga(a), WorkflowKind::Saga(b)) => {
                    a.sites == b.sites && a.steps == b.steps
                }
                (
                    WorkflowKind::Transaction { first, count },
                    WorkflowKind::Transaction {
                        first: other_first,
                        count: other_count,
                    },
                ) => first == other_first && count == other_count,
                _ => false,
            }
    }
}
