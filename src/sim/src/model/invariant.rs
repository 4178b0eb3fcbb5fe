//! What is compiled of invariants.

use crate::time::Duration;

/// A compiled [`Invariant`](crate::Invariant).
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct InvariantModel {
    pub name: &'static str,
    /// What it is about, as reports say it: a component, or tables.
    pub about: String,
    pub rule: Rule,
}

/// What must hold, with components by their numbers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Rule {
    Fresh {
        at: u16,
        within: Duration,
    },
    OwnWrites {
        at: u16,
    },
    Updates {
        at: u16,
    },
    Kept {
        at: u16,
    },
    Effects {
        at: u16,
    },
    /// Databases, each with the number of a table.
    Conserved {
        tables: Vec<(u16, u64)>,
    },
    /// Databases, each with the number of a table; and what a whole saga adds to each.
    Sagas {
        tables: Vec<(u16, u64)>,
        whole: Vec<i64>,
        within: Duration,
    },
    /// A broker, and the database whose writers leave a message there.
    Messages {
        at: u16,
        writes: Option<u16>,
    },
    Order {
        at: u16,
    },
    Served {
        at: u16,
    },
}

impl Rule {
    /// Whether who writes in a database is to leave a message.
    pub fn asks_messages_of(&self, database: u16) -> bool {
        matches!(self, Self::Messages { writes, .. } if *writes == Some(database))
    }
}
