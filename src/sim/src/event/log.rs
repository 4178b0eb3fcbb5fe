//! The event log: what happens in a run, as text, a line an event.

use core::fmt;

use super::row::write_row;
use super::{Event, RequestRef};
use crate::model::Model;
use crate::time::Time;

/// The head line of an event log.
pub const LOG_HEAD: &str = "time_ns,request,event,at,detail\n";

/// Writes one line of the event log: `time_ns,request,event,at,detail`.
///
/// # Errors
///
/// What `out` says.
#[expect(clippy::too_many_lines, reason = "one arm an event")]
pub fn write_line(
    out: &mut impl fmt::Write,
    model: &Model,
    now: Time,
    request: RequestRef,
    event: &Event,
) -> fmt::Result {
    if request.id == u64::MAX {
        write!(out, "{},,{},", now.nanos(), event.name())?;
    } else {
        write!(out, "{},{},{},", now.nanos(), request.id, event.name())?;
    }
    let component = |at: u16| model.components[usize::from(at)].name.as_str();
    let station = |at: u32| model.stations.get(at as usize).map_or("", |s| &s.name);
    match *event {
        Event::Sent {
            client, operation, ..
        } => writeln!(
            out,
            "{},{}",
            component(client),
            model.operation_name(operation)
        ),
        Event::Departed { to } => writeln!(out, "{},", component(to)),
        Event::Routed {
            balancer,
            station: to,
        }
        | Event::Probed {
            balancer,
            station: to,
            ..
        } => writeln!(out, "{},{}", component(balancer), station(to)),
        Event::Queued {
            station: at,
            waiting,
        }
        | Event::Unqueued {
            station: at,
            waiting,
        } => writeln!(out, "{},{waiting}", station(at)),
        Event::Started {
            station: at, busy, ..
        }
        | Event::Left {
            station: at, busy, ..
        } => {
            writeln!(out, "{},{busy}", station(at))
        }
        Event::Called {
            station: at, to, ..
        }
        | Event::Spawned {
            station: at, to, ..
        } => writeln!(out, "{},{}", station(at), component(to)),
        Event::Tried { attempt, to, .. } => writeln!(out, "{},{attempt}", component(to)),
        Event::Missed {
            attempt, reason, ..
        } => writeln!(out, ",{attempt}: {}", reason.name()),
        Event::BackedOff { wait, .. } => writeln!(out, ",{}", wait.nanos()),
        Event::Breaker { to, phase } => writeln!(out, "{},{}", component(to), phase.name()),
        Event::Settled { attempt, .. } => writeln!(out, ",{attempt}"),
        Event::Returned { station: at }
        | Event::Replied { station: at }
        | Event::Rebuilt { station: at } => {
            writeln!(out, "{},", station(at))
        }
        Event::Followed => writeln!(out, ","),
        Event::Following { station: at }
        | Event::Pooled { station: at }
        | Event::Connecting { station: at }
        | Event::Disconnecting { station: at }
        | Event::Locking { station: at }
        | Event::Conflicted { station: at }
        | Event::Committing { station: at } => writeln!(out, "{},", station(at)),
        Event::Connected {
            station: at,
            waited,
            ..
        }
        | Event::Locked {
            station: at,
            waited,
        } => writeln!(out, "{},{}", station(at), waited.nanos()),
        Event::Examined { station: at, rows } => writeln!(out, "{},{rows}", station(at)),
        Event::Committed { station: at, rows } => writeln!(out, "{},{rows}", station(at)),
        Event::Row(ref row) => write_row(out, model, row),
        Event::Promoted { station: at, lost } => writeln!(out, "{},{lost} lost", station(at)),
        Event::ReplicaRead {
            station: at, stale, ..
        } => match stale {
            Some(stale) => writeln!(out, "{},{} stale", station(at), stale.nanos()),
            None => writeln!(out, "{},", station(at)),
        },
        Event::Health {
            balancer,
            station: of,
            up,
        } => writeln!(
            out,
            "{},{} {}",
            component(balancer),
            station(of),
            if up { "up" } else { "down" }
        ),
        Event::Scaled {
            component: at,
            instances,
        } => writeln!(out, "{},{instances}", component(at)),
        Event::Forgot {
            station: at,
            sessions,
        } => writeln!(out, "{},{sessions}", station(at)),
        Event::Fault { fault, active } => {
            writeln!(out, "{fault},{}", if active { "on" } else { "off" })
        }
        Event::Capacity {
            station: at,
            servers,
        } => writeln!(out, "{},{servers}", station(at)),
        Event::FellBack {
            station: at,
            reason,
        }
        | Event::Refused {
            station: at,
            reason,
        } => writeln!(out, "{},{}", station(at), reason.name()),
        Event::Delayed { station: at, wait } => writeln!(out, "{},{}", station(at), wait.nanos()),
        Event::CacheHit { .. }
        | Event::CacheMiss { .. }
        | Event::CacheJoined { .. }
        | Event::CacheLanded { .. }
        | Event::CacheFilled { .. }
        | Event::CacheEvicted { .. }
        | Event::CacheExpired { .. }
        | Event::CacheDropped { .. }
        | Event::CacheDirty { .. }
        | Event::CacheFlushed { .. }
        | Event::CacheLost { .. } => write_cache(out, model, event),
        Event::Shard(event) => event.write(out, model),
        Event::Workflow(ref event) => {
            write!(out, "{},", station(event.station()))?;
            event.write_detail(out)?;
            writeln!(out)
        }
        Event::Message(ref event) => event.write(out, model),
        Event::Store(event) => event.write(out, station(event.station())),
        Event::View(event) => event.write(out, station(event.station())),
        Event::Completed {
            client, latency, ..
        } => {
            writeln!(out, "{},{}", component(client), latency.nanos())
        }
        Event::Lost {
            client,
            reason,
            station: at,
            ..
        } => match station(at) {
            "" => writeln!(out, "{},{}", component(client), reason.name()),
            at => writeln!(out, "{},{} at {at}", component(client), reason.name()),
        },
    }
}

/// Writes the end of a line about a cache.
fn write_cache(out: &mut impl fmt::Write, model: &Model, event: &Event) -> fmt::Result {
    let at = event
        .station()
        .and_then(|at| model.stations.get(at as usize));
    let at = at.map_or("", |station| &station.name);
    match *event {
        Event::CacheHit {
            key,
            stale: Some(age),
            ..
        } => writeln!(out, "{at},{key} stale {}", age.nanos()),
        Event::CacheHit { key, .. }
        | Event::CacheMiss { key, .. }
        | Event::CacheFilled { key, .. }
        | Event::CacheEvicted { key, .. }
        | Event::CacheExpired { key, .. }
        | Event::CacheDropped { key, .. }
        | Event::CacheDirty { key, .. } => writeln!(out, "{at},{key}"),
        Event::CacheFlushed { entries: count, .. } | Event::CacheLost { writes: count, .. } => {
            writeln!(out, "{at},{count}")
        }
        _ => writeln!(out, "{at},"),
    }
}
