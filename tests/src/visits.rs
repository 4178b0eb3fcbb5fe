//! What came to stations, and when it was served: read off a run's events.

use std::collections::BTreeMap;

use scale_sim::{Event, Loss, Model, Probe, RequestRef, Time};

/// A request's visit to one station.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Visit {
    /// The request's number.
    pub request: u64,
    /// The station.
    pub station: u32,
    /// When it came.
    pub came: Time,
    /// When it got a server, if it did.
    pub started: Option<Time>,
    /// When it left, if it has.
    pub left: Option<Time>,
}

impl Visit {
    /// How long it waited before it got a server, in milliseconds.
    pub fn wait_ms(&self) -> Option<f64> {
        self.started.map(|at| at.since(self.came).millis())
    }
}

/// One client's request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sent {
    /// The client's component.
    pub client: u16,
    /// What it asks for.
    pub operation: u16,
    /// When it was sent.
    pub sent: Time,
    /// When it ended, how long that took in nanoseconds, and why it was lost.
    pub end: Option<(Time, u64, Option<Loss>)>,
}

/// Keeps every request and every visit of a run, in order.
#[derive(Clone, Debug, Default)]
pub struct Visits {
    /// By number.
    pub requests: Vec<Sent>,
    /// In the order in which they got a server, or were refused or turned away.
    pub visits: Vec<Visit>,
    /// The visits under way, by frame.
    open: BTreeMap<u32, Visit>,
    /// The place of those that have started, by frame.
    started: BTreeMap<u32, usize>,
}

impl Visits {
    fn end(&mut self, request: RequestRef, now: Time, latency: u64, lost: Option<Loss>) {
        let sent = &mut self.requests[request.id as usize];
        assert_eq!(sent.end, None, "request {} ended twice", request.id);
        sent.end = Some((now, latency, lost));
    }
}

impl Probe for Visits {
    fn event(&mut self, _: &Model, now: Time, request: RequestRef, event: &Event) {
        let visit = |station| Visit {
            request: request.id,
            station,
            came: now,
            started: None,
            left: None,
        };
        match *event {
            Event::Sent {
                client, operation, ..
            } => {
                assert_eq!(self.requests.len() as u64, request.id);
                self.requests.push(Sent {
                    client,
                    operation,
                    sent: now,
                    end: None,
                });
            }
            Event::Queued { station, .. } => {
                self.open.insert(request.frame, visit(station));
            }
            Event::Started { station, .. } => {
                let mut visit = self.open.remove(&request.frame).unwrap_or(visit(station));
                visit.started = Some(now);
                self.started.insert(request.frame, self.visits.len());
                self.visits.push(visit);
            }
            Event::Unqueued { .. } => {
                let visit = self.open.remove(&request.frame).expect("it waited");
                self.visits.push(Visit {
                    left: Some(now),
                    ..visit
                });
            }
            Event::Left { .. } => {
                let at = self.started.remove(&request.frame).expect("it had begun");
                self.visits[at].left = Some(now);
            }
            Event::Completed { latency, .. } => self.end(request, now, latency.nanos(), None),
            Event::Lost {
                latency, reason, ..
            } => self.end(request, now, latency.nanos(), Some(reason)),
            _ => {}
        }
    }
}
