//! What became of rows: for probes that ask whether what was written is right, and still there.

use core::fmt;

use crate::model::Model;

/// Something that happened to what a row holds. Rows and versions are numbered as their database does it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RowEvent {
    /// The number in a row was changed; the change is in its database's log.
    Changed {
        /// The database's node.
        station: u32,
        /// What was asked for.
        operation: u16,
        /// The row.
        row: u64,
        /// By how much the row's number has really become greater: less, or more, than was asked for if what had been read
        /// was out of date.
        moved: i64,
        /// The version from which the new number was worked out.
        seen: u64,
        /// The version that it takes the place of.
        before: u64,
        /// Its own version.
        version: u64,
    },
    /// A row was written; it is in its database's log.
    Wrote {
        /// The database's node.
        station: u32,
        /// The row.
        row: u64,
        /// Its new version.
        version: u64,
    },
    /// This request's change had been made before: nothing was changed, and it is answered as the first was.
    Repeated {
        /// The database's node.
        station: u32,
        /// The row.
        row: u64,
        /// The version that the change gave it.
        version: u64,
    },
    /// What is to be taken back has not been made: nothing was changed, and it will be refused should it come.
    UndoneEmpty {
        /// The database's node.
        station: u32,
        /// The row.
        row: u64,
    },
    /// A failover has undone a write.
    Undone {
        /// The new primary.
        station: u32,
        /// The row.
        row: u64,
        /// The version that is gone.
        version: u64,
        /// By how much the row's number is greater without it.
        moved: i64,
        /// Whether its client had been told that it was done.
        acknowledged: bool,
    },
    /// A cache that crashed had answered writes of a key which it had not sent on.
    Unsent {
        /// The cache's station.
        station: u32,
        /// The key.
        key: u64,
        /// How many.
        writes: u32,
    },
    /// Nothing is left of a request that had changed rows: what it has not done by now it never will.
    Ended,
}

impl RowEvent {
    /// The event's name in the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Changed { .. } => "changed",
            Self::Wrote { .. } => "wrote",
            Self::Repeated { .. } => "repeated",
            Self::UndoneEmpty { .. } => "undone_empty",
            Self::Undone { .. } => "undone",
            Self::Unsent { .. } => "unsent",
            Self::Ended => "ended",
        }
    }

    /// The station where it happened, if it happened at one.
    pub const fn station(&self) -> Option<u32> {
        match *self {
            Self::Changed { station, .. }
            | Self::Wrote { station, .. }
            | Self::Repeated { station, .. }
            | Self::UndoneEmpty { station, .. }
            | Self::Undone { station, .. }
            | Self::Unsent { station, .. } => Some(station),
            Self::Ended => None,
        }
    }
}

/// Writes the end of a line about a row.
pub(super) fn write_row(out: &mut impl fmt::Write, model: &Model, event: &RowEvent) -> fmt::Result {
    let at = event
        .station()
        .and_then(|at| model.stations.get(at as usize));
    let at = at.map_or("", |station| &station.name);
    match *event {
        RowEvent::Changed {
            row,
            moved,
            seen,
            version,
            ..
        } => writeln!(out, "{at},{row} by {moved}: {seen} to {version}"),
        RowEvent::Wrote { row, version, .. } | RowEvent::Repeated { row, version, .. } => {
            writeln!(out, "{at},{row}: {version}")
        }
        RowEvent::UndoneEmpty { row, .. } => writeln!(out, "{at},{row}"),
        RowEvent::Undone {
            row,
            version,
            acknowledged,
            ..
        } => {
            let told = if acknowledged { " acknowledged" } else { "" };
            writeln!(out, "{at},{row}: {version}{told}")
        }
        RowEvent::Unsent { key, writes, .. } => writeln!(out, "{at},{key} x{writes}"),
        RowEvent::Ended => writeln!(out, "{at},"),
    }
}
