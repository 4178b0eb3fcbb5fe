//! What happens at views.

use core::fmt;

use crate::time::Duration;

/// Something that happened at a view.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ViewEvent {
    /// A row is read.
    Read {
        /// The station.
        station: u32,
        /// How many changes the view is behind its source.
        behind: u64,
        /// The age of the first change that it does not have.
        lag: Duration,
        /// If the row is out of date, since when.
        stale: Option<Duration>,
    },
    /// Changes have been applied, and are seen from now on.
    Applied {
        /// The station.
        station: u32,
        /// How many.
        changes: u32,
        /// Of these, those that had been applied before.
        again: u32,
        /// Of these, those that those who ask see for the first time.
        fresh: u32,
        /// How long ago those happened, added up.
        lags: Duration,
        /// How long ago at most.
        longest: Duration,
    },
    /// The view is to be built anew.
    Rebuilding {
        /// The station.
        station: u32,
        /// How many changes there are to go through.
        changes: u64,
    },
    /// The view that was built anew has caught up.
    Rebuilt {
        /// The station.
        station: u32,
        /// How long it took.
        took: Duration,
    },
    /// The view goes on after a crash.
    Resumed {
        /// The station.
        station: u32,
        /// How many changes come after its checkpoint and are applied again.
        again: u64,
    },
}

impl ViewEvent {
    /// The event's name in the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Read { .. } => "view_read",
            Self::Applied { .. } => "applied",
            Self::Rebuilding { .. } => "rebuilding",
            Self::Rebuilt { .. } => "view_rebuilt",
            Self::Resumed { .. } => "resumed",
        }
    }

    /// The station where it happened.
    pub const fn station(&self) -> u32 {
        match *self {
            Self::Read { station, .. }
            | Self::Applied { station, .. }
            | Self::Rebuilding { station, .. }
            | Self::Rebuilt { station, .. }
            | Self::Resumed { station, .. } => station,
        }
    }

    /// Writes the end of its line in the log.
    pub(super) fn write(&self, out: &mut impl fmt::Write, at: &str) -> fmt::Result {
        match *self {
            Self::Read {
                stale: Some(stale), ..
            } => writeln!(out, "{at},{} stale", stale.nanos()),
            Self::Read { .. } => writeln!(out, "{at},"),
            Self::Applied { changes, again, .. } => writeln!(out, "{at},{changes} ({again} again)"),
            Self::Rebuilding { changes, .. } => writeln!(out, "{at},{changes}"),
            Self::Rebuilt { took, .. } => writeln!(out, "{at},{}", took.nanos()),
            Self::Resumed { again, .. } => writeln!(out, "{at},{again} again"),
        }
    }
}
