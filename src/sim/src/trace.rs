//! A run as trace events, to be looked at in Perfetto or `chrome://tracing`.
//!
//! Format: the *Trace Event Format* of Chrome (JSON). Each station is a process, and each of its servers a thread with what it
//! worked on as slices; requests are asynchronous slices of a process of their own; waiting lines are counters.

use core::fmt::Write as _;

use crate::event::{Event, RequestRef};
use crate::model::Model;
use crate::probe::{Probe, place};
use crate::time::Time;

/// The process of the requests; those of the stations come after it.
const REQUESTS: u32 = 1;

/// Writes a run as trace events, up to a number of bytes.
#[derive(Clone, Debug)]
pub struct Trace {
    text: String,
    most: usize,
    /// Stations that have their name in the trace.
    named: u32,
    /// What each request asked for, by its slot.
    operations: Vec<u16>,
    /// By slot of the frame, while it holds a server.
    held: Vec<Option<Held>>,
    /// By station: which of its servers are busy.
    lanes: Vec<Vec<bool>>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    station: u32,
    lane: u32,
    since: Time,
    operation: u16,
    request: u64,
}

/// A moment in microseconds, as the format wants it, to the nanosecond.
struct Micros(u64);

impl core::fmt::Display for Micros {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

impl Trace {
    /// A trace of at most about `most` bytes: what comes after that is left out.
    pub fn new(most: usize) -> Self {
        Self {
            text: format!(
                r#"{{"displayTimeUnit":"ms","traceEvents":[{{"ph":"M","name":"process_name","pid":{REQUESTS},"args":{{"name":"requests"}}}}"#
            ),
            most,
            named: 0,
            operations: Vec::new(),
            held: Vec::new(),
            lanes: Vec::new(),
        }
    }

    /// Whether nothing more is written.
    pub fn is_full(&self) -> bool {
        self.text.len() >= self.most
    }

    /// The trace, as JSON.
    pub fn finish(mut self) -> String {
        self.text.push_str("\n]}\n");
        self.text
    }

    fn line(&mut self, line: core::fmt::Arguments<'_>) {
        self.text.push_str(",\n");
        self.text.write_fmt(line).expect("a String takes any text");
    }

    /// Names the stations that have come since.
    fn name_stations(&mut self, model: &Model) {
        while let Some(station) = model.stations().nth(self.named as usize) {
            let (pid, name) = (REQUESTS + 1 + self.named, station.name);
            self.line(format_args!(
                r#"{{"ph":"M","name":"process_name","pid":{pid},"args":{{"name":"{name}"}}}}"#
            ));
            self.named += 1;
        }
    }

    fn waiting(&mut self, now: Time, station: u32, waiting: u32) {
        let (pid, ts) = (REQUESTS + 1 + station, Micros(now.nanos()));
        self.line(format_args!(
            r#"{{"ph":"C","name":"waiting","pid":{pid},"ts":{ts},"args":{{"requests":{waiting}}}}}"#
        ));
    }

    fn started(&mut self, now: Time, request: RequestRef, station: u32) {
        let operation = *place(&mut self.operations, request.slot);
        let lanes = place(&mut self.lanes, station);
        let lane = lanes.iter().position(|busy| !busy).unwrap_or(lanes.len()) as u32;
        *place(lanes, lane) = true;
        *place(&mut self.held, request.frame) = Some(Held {
            station,
            lane,
            since: now,
            operation,
            request: request.id,
        });
    }

    fn left(&mut self, model: &Model, now: Time, frame: u32) {
        let Some(held) = self.held.get_mut(frame as usize).and_then(Option::take) else {
            return;
        };
        *place(place(&mut self.lanes, held.station), held.lane) = false;
        let (pid, tid) = (REQUESTS + 1 + held.station, held.lane + 1);
        let (ts, dur) = (
            Micros(held.since.nanos()),
            Micros(now.since(held.since).nanos()),
        );
        let name = model.operation_name(held.operation);
        let request = held.request.wrapping_add(1);
        self.line(format_args!(
            r#"{{"ph":"X","name":"{name}","cat":"served","pid":{pid},"tid":{tid},"ts":{ts},"dur":{dur},"args":{{"request":{request}}}}}"#
        ));
    }

    /// A request begins (`b`) or ends (`e`).
    fn request(&mut self, model: &Model, now: Time, request: RequestRef, phase: char, end: &str) {
        let name = model.operation_name(*place(&mut self.operations, request.slot));
        let (id, ts) = (request.id + 1, Micros(now.nanos()));
        self.line(format_args!(
            r#"{{"ph":"{phase}","name":"{name}","cat":"request","id":{id},"pid":{REQUESTS},"tid":1,"ts":{ts},"args":{{{end}}}}}"#
        ));
    }
}

impl Probe for Trace {
    fn event(&mut self, model: &Model, now: Time, request: RequestRef, event: &Event) {
        if self.is_full() {
            return;
        }
        match *event {
            Event::Sent { operation, .. } => {
                *place(&mut self.operations, request.slot) = operation;
                self.request(model, now, request, 'b', "");
            }
            Event::Queued { station, waiting } | Event::Unqueued { station, waiting } => {
                self.name_stations(model);
                self.waiting(now, station, waiting);
            }
            Event::Started {
                station, waiting, ..
            } => {
                self.name_stations(model);
                self.started(now, request, station);
                self.waiting(now, station, waiting);
            }
            Event::Left { .. } => self.left(model, now, request.frame),
            Event::Completed { .. } => self.request(model, now, request, 'e', ""),
            Event::Lost { reason, .. } => {
                let why = format!(r#""lost":"{}""#, reason.name());
                self.request(model, now, request, 'e', &why);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value;

    use super::*;
    use crate::{Engine, Files, Scenario};

    fn trace(most: usize) -> Vec<Value> {
        let text = r#"{"version":1,"seed":3,"horizon_s":10,"components":{
            "users":{"client":{"operation":"buy","target":"shop","arrivals":{"poisson":{"rate_per_s":40}}}},
            "shop":{"service":{"workers":2,"queue":3,"plans":{"*":[{"work":{"exponential":{"mean_ms":40}}},{"call":{"to":"db"}}]}}},
            "db":{"database":{"connections":1,"queries":{"*":{"exponential":{"mean_ms":10}}}}}}}"#;
        let scenario = Scenario::from_json(text).expect("valid");
        let model = Arc::new(Model::new(&scenario, &Files::new()).expect("valid"));
        let mut engine = Engine::new(model, Trace::new(most));
        engine.run_until(Time::from_secs(10.0));
        let text = engine.into_probe().finish();
        let value: Value = serde_json::from_str(&text).expect("a trace is JSON");
        value["traceEvents"].as_array().expect("a list").clone()
    }

    #[test]
    fn slices_of_a_server_never_overlap_and_requests_end_as_often_as_they_do() {
        let events = trace(usize::MAX);
        let of = |phase: &str| {
            events
                .iter()
                .filter(|event| event["ph"] == phase)
                .collect::<Vec<_>>()
        };
        let mut slices: Vec<(u64, u64, f64, f64)> = of("X")
            .iter()
            .map(|event| {
                let number = |name: &str| event[name].as_f64().expect("a number");
                (
                    number("pid") as u64,
                    number("tid") as u64,
                    number("ts"),
                    number("dur"),
                )
            })
            .collect();
        slices.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
        assert!(slices.len() > 300, "{}", slices.len());
        for pair in slices.windows(2) {
            let ((pid, tid, from, length), next) = (pair[0], pair[1]);
            assert!(
                (pid, tid) != (next.0, next.1) || from + length <= next.2 + 1e-3,
                "{pair:?}"
            );
        }
        // Two workers and one connection, and no more.
        let mut servers: Vec<(u64, u64)> = slices.iter().map(|slice| (slice.0, slice.1)).collect();
        servers.dedup();
        assert_eq!(servers, [(2, 1), (2, 2), (3, 1)]);
        let (begun, ended) = (of("b").len(), of("e").len());
        assert!(begun >= ended && begun - ended <= 6, "{begun} {ended}");
        assert!(
            of("e")
                .iter()
                .any(|event| event["args"]["lost"] == "queue_full")
        );
        assert_eq!(of("M").len(), 3);
    }

    #[test]
    fn a_trace_ends_where_it_is_full_and_is_whole_all_the_same() {
        let events = trace(5_000);
        assert!(events.len() > 20 && events.len() < 60, "{}", events.len());
    }
}
