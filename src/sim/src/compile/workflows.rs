//! Sagas and transactions of plans.

use super::Compiler;
use crate::component::{Saga, Transaction};
use crate::distribution::Sampler;
use crate::frame::NONE;
use crate::model::{BranchAct, SagaModel, Step, WorkflowAct, WorkflowKind, WorkflowModel};
use crate::random::Key;
use crate::time::Duration;
use crate::workflow::SagaStep;

impl Compiler<'_> {
    pub(super) fn saga(&mut self, saga: &Saga, operation: u16, key: Key) {
        let mut sites = Vec::new();
        for (i, step) in saga.steps.iter().enumerate() {
            let key = key.with(i as u64);
            let does = self.site(&step.does, operation, key.named("do"));
            let undo = step.undo.as_ref();
            let undo = undo.map_or(NONE, |call| self.site(call, operation, key.named("undo")));
            sites.push([does, undo]);
        }
        let steps = saga.steps.iter().map(|step| SagaStep {
            undo: step.undo.is_some(),
            retriable: step.retriable,
        });
        let what = WorkflowKind::Saga(SagaModel {
            steps: steps.collect(),
            sites,
            backoff: saga.persist.backoff.clone(),
            retries: saga.persist.retries,
        });
        self.workflow(what, Sampler::new(&saga.log), saga.recover_after_ms, key);
    }

    pub(super) fn transaction(&mut self, transaction: &Transaction, operation: u16, key: Key) {
        let first = self.model.sites.len() as u32;
        for (i, branch) in transaction.branches.iter().enumerate() {
            let mut branch = branch.clone();
            let timeout = &mut branch.resilience.timeout_ms;
            timeout.get_or_insert(transaction.timeout_ms);
            self.site(&branch, operation, key.with(i as u64));
        }
        let what = WorkflowKind::Transaction {
            first,
            count: transaction.branches.len() as u32,
        };
        let log = Sampler::new(&transaction.log);
        self.workflow(what, log, transaction.recover_after_ms, key);
    }

    fn workflow(&mut self, what: WorkflowKind, log: Sampler, recover_after_ms: f64, key: Key) {
        let workflow = self.model.workflows.len() as u32;
        let act = WorkflowAct::Pause;
        let start = self.step(Step::Workflow { workflow, act });
        let act = WorkflowAct::Go;
        self.step(Step::Workflow { workflow, act });
        self.model.workflows.push(WorkflowModel {
            start,
            log,
            key: key.named("log").bits(),
            recover_after: Duration::from_millis(recover_after_ms),
            what,
        });
    }

    /// What a database does when it hears how a transaction was decided. Gives the place where that starts.
    pub(super) fn decision(&mut self) -> u32 {
        let start = self.step(Step::Branch(BranchAct::Decide));
        self.step(Step::Branch(BranchAct::Decided));
        self.step(Step::End);
        start
    }
}
