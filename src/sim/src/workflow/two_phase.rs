//! Two-phase commit: the coordinator of a transaction whose branches are in several databases.
//!
//! Models: *presumed abort* (Mohan, Lindsay and Obermarck, *Transaction Management in the R\* Distributed Database Management
//! System*, TODS 1986), which X/Open XA follows. All branches are asked to prepare; if all promise to commit, that is
//! written into the log, and this record is the decision; then all are told, until all have acknowledged. An abort needs no
//! record: who finds none in the log after a crash takes it for aborted. So between a promise and the news of the decision
//! a branch is in doubt, and keeps its locks.
//! Does not model: one phase for a single branch, read-only branches that leave early, or a tree of coordinators.

/// What a coordinator has to do next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Task {
    /// Ask all branches to prepare: then [`Coordinator::heard`] whether all have promised.
    Prepare,
    /// Write the decision to commit into the log: then [`Coordinator::logged`].
    Log,
    /// Tell all branches of the decision: then [`Coordinator::heard`] whether all have acknowledged it.
    Tell {
        /// Whether to commit.
        commit: bool,
    },
    /// It has ended.
    End {
        /// Whether it is committed.
        commit: bool,
    },
}

/// The coordinator's part in one transaction.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Coordinator {
    task: Task,
}

impl Default for Coordinator {
    fn default() -> Self {
        Self {
            task: Task::Prepare,
        }
    }
}

impl Coordinator {
    /// What is to be done now.
    pub const fn next(&self) -> Task {
        self.task
    }

    /// The decision to commit is in the log.
    pub fn logged(&mut self) {
        if self.task == Task::Log {
            self.task = Task::Tell { commit: true };
        }
    }

    /// All branches have promised or acknowledged, or one has not. Who has not acknowledged a decision is told again.
    pub fn heard(&mut self, all: bool) {
        self.task = match self.task {
            Task::Prepare if all => Task::Log,
            Task::Prepare => Task::Tell { commit: false },
            Task::Tell { commit } if all => Task::End { commit },
            other => other,
        };
    }

    /// The coordinator has crashed, and only its log is left: without the decision in it, it is an abort. Tells whether that
    /// is decided only now.
    pub fn crashed(&mut self) -> bool {
        let undecided = matches!(self.task, Task::Prepare | Task::Log);
        if undecided {
            self.task = Task::Tell { commit: false };
        }
        undecided
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(commit: bool) -> Task {
        Task::Tell { commit }
    }

    #[test]
    fn it_commits_if_all_promise_and_only_once_that_is_in_the_log() {
        let mut coordinator = Coordinator::default();
        assert_eq!(coordinator.next(), Task::Prepare);
        coordinator.heard(true);
        assert_eq!(coordinator.next(), Task::Log);
        coordinator.logged();
        assert_eq!(coordinator.next(), told(true));
        // One has not acknowledged it.
        coordinator.heard(false);
        assert_eq!(coordinator.next(), told(true));
        coordinator.heard(true);
        assert_eq!(coordinator.next(), Task::End { commit: true });
    }

    #[test]
    fn one_refusal_aborts_without_a_record() {
        let mut coordinator = Coordinator::default();
        coordinator.heard(false);
        assert_eq!(coordinator.next(), told(false));
        coordinator.heard(true);
        assert_eq!(coordinator.next(), Task::End { commit: false });
    }

    #[test]
    fn after_a_crash_the_log_decides() {
        let mut voting = Coordinator::default();
        assert!(voting.crashed());
        assert_eq!(voting.next(), told(false));
        let mut writing = Coordinator::default();
        writing.heard(true);
        assert!(writing.crashed());
        assert_eq!(writing.next(), told(false));
        let mut decided = Coordinator::default();
        decided.heard(true);
        decided.logged();
        assert!(!decided.crashed());
        assert_eq!(decided.next(), told(true));
    }
}
