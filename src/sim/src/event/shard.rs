//! What happens at shards, as probes see it.

use core::fmt;

use crate::model::Model;

/// One thing that happened at a router in front of shards. Each names the router's station.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ShardEvent {
    /// It is held while its key moves.
    Held {
        /// The router.
        station: u32,
    },
    /// It goes on.
    Released {
        /// The router.
        station: u32,
    },
    /// The shard that was asked does not have the row: another is asked.
    Redirected {
        /// The router.
        station: u32,
        /// The component that is asked now.
        to: u16,
    },
    /// The shard that was asked does not have the row, and so it is answered: there is none.
    Misread {
        /// The router.
        station: u32,
    },
    /// Keys have their new owners.
    Moved {
        /// The router.
        station: u32,
        /// How many.
        keys: u32,
    },
    /// Writes that were made are lost: a copy was put over them, or came before them.
    Lost {
        /// The router.
        station: u32,
        /// How many.
        writes: u32,
    },
    /// It was answered without all shards.
    Partial {
        /// The router.
        station: u32,
        /// How many have answered.
        answers: u32,
        /// How many were asked.
        of: u32,
    },
}

impl ShardEvent {
    /// Its name in the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Held { .. } => "held",
            Self::Released { .. } => "released",
            Self::Redirected { .. } => "redirected",
            Self::Misread { .. } => "misread",
            Self::Moved { .. } => "moved",
            Self::Lost { .. } => "writes_lost",
            Self::Partial { .. } => "partial",
        }
    }

    /// The router's station.
    pub const fn station(&self) -> u32 {
        match *self {
            Self::Held { station }
            | Self::Released { station }
            | Self::Redirected { station, .. }
            | Self::Misread { station }
            | Self::Moved { station, .. }
            | Self::Lost { station, .. }
            | Self::Partial { station, .. } => station,
        }
    }

    /// Writes the end of its line in the log.
    pub(super) fn write(&self, out: &mut impl fmt::Write, model: &Model) -> fmt::Result {
        let at = model.stations.get(self.station() as usize);
        let at = at.map_or("", |station| &station.name);
        match *self {
            Self::Held { .. } | Self::Released { .. } | Self::Misread { .. } => {
                writeln!(out, "{at},")
            }
            Self::Redirected { to, .. } => {
                writeln!(out, "{at},{}", model.components[usize::from(to)].name)
            }
            Self::Moved { keys: count, .. } | Self::Lost { writes: count, .. } => {
                writeln!(out, "{at},{count}")
            }
            Self::Partial { answers, of, .. } => writeln!(out, "{at},{answers} of {of}"),
        }
    }
}
