//! Work that must end whole although its parts are in several places: sagas and two-phase commit.
//!
//! The parts are state machines without a clock: [`Saga`] and [`Coordinator`] say what is to be done next and what a durable
//! log makes of a crash; [`Fence`] is what a database remembers of steps, so that one that comes again, or too late, does no
//! harm; [`Prepared`] keeps what a database has promised to commit if it is told so.

mod fence;
mod prepared;
mod saga;
mod two_phase;

pub use fence::{Fence, Verdict};
pub use prepared::{Intent, Prepared};
pub use saga::{Next, Point, Saga, SagaStep};
pub use two_phase::{Coordinator, Task};

/// Which part of a saga or transaction a call does. It goes along with all calls that are made for it, as an idempotency key
/// in a header does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Part {
    /// The number of the saga or transaction, from 1; 0 for none. It stays the same when another instance takes it over.
    pub workflow: u32,
    /// The step of the saga, or the branch of the transaction.
    pub step: u8,
    /// What is done about it.
    pub role: Role,
}

/// What a call does for a saga or a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// A saga's step.
    Do,
    /// A saga's compensation of a step.
    Undo,
    /// A transaction's first phase: does its work and promises to commit it.
    Prepare,
    /// Its second phase: makes it good.
    Commit,
    /// Its second phase: takes it back.
    Abort,
}

impl Part {
    /// No part of anything.
    pub const NONE: Self = Self {
        workflow: 0,
        step: 0,
        role: Role::Do,
    };

    /// Whether it is part of nothing.
    pub const fn is_none(self) -> bool {
        self.workflow == 0
    }

    /// Whether it tells a database how a transaction was decided.
    pub const fn decides(self) -> bool {
        matches!(self.role, Role::Commit | Role::Abort)
    }

    /// The step or branch, whatever is done about it.
    pub const fn place(self) -> u64 {
        (self.workflow as u64) << 8 | self.step as u64
    }
}
