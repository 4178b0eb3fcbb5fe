//! What happens at event stores.

use core::fmt;

/// Something that happened at an event store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StoreEvent {
    /// A stream is read: events are replayed, from the first or from a snapshot.
    Loaded {
        /// The station.
        station: u32,
        /// How many events.
        events: u64,
        /// How often one of them has to be upcast.
        upcasts: u64,
    },
    /// An event is in its stream.
    Appended {
        /// The station.
        station: u32,
        /// The stream.
        stream: u32,
        /// The version that the stream has since.
        version: u64,
    },
    /// Another was quicker to append: the stream has not the version that was expected.
    Conflicted {
        /// The station.
        station: u32,
    },
    /// A snapshot has been taken.
    Snapshot {
        /// The station.
        station: u32,
        /// The stream.
        stream: u32,
        /// Of which version.
        version: u64,
    },
}

impl StoreEvent {
    /// The event's name in the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Loaded { .. } => "loaded",
            Self::Appended { .. } => "appended",
            Self::Conflicted { .. } => "append_conflicted",
            Self::Snapshot { .. } => "snapshot",
        }
    }

    /// The station where it happened.
    pub const fn station(&self) -> u32 {
        match *self {
            Self::Loaded { station, .. }
            | Self::Appended { station, .. }
            | Self::Conflicted { station }
            | Self::Snapshot { station, .. } => station,
        }
    }

    /// Writes the end of its line in the log.
    pub(super) fn write(&self, out: &mut impl fmt::Write, at: &str) -> fmt::Result {
        match *self {
            Self::Loaded { events, .. } => writeln!(out, "{at},{events}"),
            Self::Appended {
                stream, version, ..
            }
            | Self::Snapshot {
                stream, version, ..
            } => writeln!(out, "{at},{stream} version {version}"),
            Self::Conflicted { .. } => writeln!(out, "{at},"),
        }
    }
}
