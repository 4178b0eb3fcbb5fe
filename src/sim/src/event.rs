//! What happens in a run, as probes see it.

use core::fmt;

use crate::model::Model;
use crate::time::{Duration, Time};

/// A request as probes know it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RequestRef {
    /// Its number: requests are counted from 0 in the order in which they came, over all clients.
    pub id: u64,
    /// Its place in the table of requests under way: small, and used again by later requests.
    pub slot: u32,
}

/// Why a request was lost.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Loss {
    /// All servers were busy and the waiting line was full.
    QueueFull,
}

impl Loss {
    /// Every reason.
    pub const ALL: [Self; 1] = [Self::QueueFull];

    /// The reason as logs and summaries spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
        }
    }
}

/// One thing that happened. Stations and components are numbered as in the [`Model`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// A client sent a request.
    Sent {
        /// The client's component.
        client: u16,
        /// What it asks for.
        operation: u16,
    },
    /// A balancer chose a station.
    Routed {
        /// The balancer's component.
        balancer: u16,
        /// The station.
        station: u32,
    },
    /// It waits for a server.
    Queued {
        /// The station.
        station: u32,
        /// Requests that wait there now, this one among them.
        waiting: u32,
    },
    /// It holds a server.
    Started {
        /// The station.
        station: u32,
        /// Servers that are busy there now, this one among them.
        busy: u32,
        /// Requests that still wait there.
        waiting: u32,
    },
    /// The station asks another component and waits, holding its server.
    Called {
        /// The station that asks.
        station: u32,
        /// The component that is asked.
        to: u16,
    },
    /// The call has come back, with an answer or a refusal.
    Returned {
        /// The station that asked.
        station: u32,
    },
    /// It has let go of its server and is on its way back.
    Left {
        /// The station.
        station: u32,
        /// Servers that are still busy there.
        busy: u32,
    },
    /// The station could not take it.
    Refused {
        /// The station.
        station: u32,
        /// Why.
        reason: Loss,
    },
    /// The client has its answer.
    Completed {
        /// The client's component.
        client: u16,
        /// How long it took from being sent.
        latency: Duration,
    },
    /// The client has a refusal.
    Lost {
        /// The client's component.
        client: u16,
        /// Why.
        reason: Loss,
        /// The station that refused.
        station: u32,
        /// How long it took from being sent.
        latency: Duration,
    },
}

impl Event {
    /// The event's name in the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "sent",
            Self::Routed { .. } => "routed",
            Self::Queued { .. } => "queued",
            Self::Started { .. } => "started",
            Self::Called { .. } => "called",
            Self::Returned { .. } => "returned",
            Self::Left { .. } => "left",
            Self::Refused { .. } => "refused",
            Self::Completed { .. } => "completed",
            Self::Lost { .. } => "lost",
        }
    }

    /// The station where it happened, if it happened at one.
    pub const fn station(&self) -> Option<u32> {
        match *self {
            Self::Queued { station, .. }
            | Self::Started { station, .. }
            | Self::Called { station, .. }
            | Self::Returned { station }
            | Self::Left { station, .. }
            | Self::Refused { station, .. } => Some(station),
            Self::Sent { .. }
            | Self::Routed { .. }
            | Self::Completed { .. }
            | Self::Lost { .. } => None,
        }
    }
}

/// The head line of an event log.
pub const LOG_HEAD: &str = "time_ns,request,event,at,detail\n";

/// Writes one line of the event log: `time_ns,request,event,at,detail`.
///
/// # Errors
///
/// What `out` says.
pub fn write_line(
    out: &mut impl fmt::Write,
    model: &Model,
    now: Time,
    request: RequestRef,
    event: &Event,
) -> fmt::Result {
    write!(out, "{},{},{},", now.nanos(), request.id, event.name())?;
    let component = |at: u16| model.components[usize::from(at)].name.as_str();
    let station = |at: u32| model.stations[at as usize].name.as_str();
    match *event {
        Event::Sent { client, operation } => {
            writeln!(
                out,
                "{},{}",
                component(client),
                model.operation_name(operation)
            )
        }
        Event::Routed {
            balancer,
            station: to,
        } => writeln!(out, "{},{}", component(balancer), station(to)),
        Event::Queued {
            station: at,
            waiting,
        } => writeln!(out, "{},{waiting}", station(at)),
        Event::Started {
            station: at, busy, ..
        }
        | Event::Left { station: at, busy } => {
            writeln!(out, "{},{busy}", station(at))
        }
        Event::Called { station: at, to } => writeln!(out, "{},{}", station(at), component(to)),
        Event::Returned { station: at } => writeln!(out, "{},", station(at)),
        Event::Refused {
            station: at,
            reason,
        } => writeln!(out, "{},{}", station(at), reason.name()),
        Event::Completed { client, latency } => {
            writeln!(out, "{},{}", component(client), latency.nanos())
        }
        Event::Lost {
            client,
            reason,
            station: at,
            ..
        } => writeln!(
            out,
            "{},{} at {}",
            component(client),
            reason.name(),
            station(at)
        ),
    }
}
