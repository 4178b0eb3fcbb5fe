//! The story of one request: where it waited, where it was served, for how long.

use serde::{Deserialize, Serialize};

use crate::event::{Event, Loss, RequestRef};
use crate::model::Model;
use crate::time::{Duration, Time};

/// What a request was doing during a [`Span`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    /// It waited for a server.
    Queued,
    /// It held a server and was worked on.
    Served,
}

/// A stretch of a request's life, in exactly one place and doing one thing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// What it was doing.
    pub doing: Doing,
    /// The station.
    pub station: u32,
    /// From when.
    pub from: Time,
    /// Until when.
    pub to: Time,
}

impl Span {
    /// How long it took.
    pub const fn length(&self) -> Duration {
        self.to.since(self.from)
    }
}

/// A request that has ended. The lengths of its spans add up to its latency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Story {
    /// Its number.
    pub request: u64,
    /// The client that sent it.
    pub client: u16,
    /// When it was sent.
    pub sent: Time,
    /// From being sent to its end.
    pub latency: Duration,
    /// If it was lost, why and at which station.
    pub lost: Option<(Loss, u32)>,
    /// What happened to it, in order, without gaps.
    pub spans: Vec<Span>,
}

/// Stories kept of a run, at most, of each kind.
const KEPT: usize = 16;
/// Spans kept of one request; what comes after counts to the last.
const SPANS: usize = 10_000;

/// Follows every request under way and keeps the stories of a few: the slowest, and the first that were lost.
#[derive(Clone, Debug, Default)]
pub struct Stories {
    /// By slot.
    open: Vec<Open>,
    slowest: Vec<Story>,
    lost: Vec<Story>,
}

/// A request under way.
#[derive(Clone, Debug, Default)]
struct Open {
    sent: Time,
    since: Time,
    at: Option<(Doing, u32)>,
    spans: Vec<Span>,
}

impl Open {
    /// What it was doing ends now; `next` begins.
    fn turn(&mut self, now: Time, next: Option<(Doing, u32)>) {
        if let Some((doing, station)) = self.at
            && now > self.since
        {
            let (from, to) = (self.since, now);
            let whole = self.spans.len() < SPANS;
            match self.spans.last_mut() {
                // Stretches that follow each other in one place are one.
                Some(last) if !whole || (last.doing == doing && last.station == station) => {
                    last.to = to;
                }
                _ => self.spans.push(Span {
                    doing,
                    station,
                    from,
                    to,
                }),
            }
        }
        self.since = now;
        self.at = next;
    }
}

impl Stories {
    /// The slowest requests that were answered, slowest first.
    pub fn slowest(&self) -> &[Story] {
        &self.slowest
    }

    /// The first requests that were lost, in order.
    pub fn lost(&self) -> &[Story] {
        &self.lost
    }

    /// Something happened to a request. Returns how long it had waited, if it got a server now.
    pub(crate) fn event(
        &mut self,
        _: &Model,
        now: Time,
        request: RequestRef,
        event: &Event,
    ) -> Option<Duration> {
        let slot = request.slot as usize;
        if slot >= self.open.len() {
            self.open.resize_with(slot + 1, Open::default);
        }
        let open = &mut self.open[slot];
        let mut waited = None;
        match *event {
            Event::Sent { .. } => {
                open.sent = now;
                open.since = now;
                open.at = None;
                open.spans.clear();
            }
            Event::Queued { station, .. } => open.turn(now, Some((Doing::Queued, station))),
            Event::Started { station, .. } => {
                waited = Some(match open.at {
                    Some((Doing::Queued, at)) if at == station => now.since(open.since),
                    _ => Duration::ZERO,
                });
                open.turn(now, Some((Doing::Served, station)));
            }
            Event::Returned { station } => open.turn(now, Some((Doing::Served, station))),
            Event::Called { .. } | Event::Left { .. } => open.turn(now, None),
            Event::Routed { .. } | Event::Refused { .. } => {}
            Event::Completed { client, latency } => self.end(now, request, client, latency, None),
            Event::Lost {
                client,
                reason,
                station,
                latency,
            } => self.end(now, request, client, latency, Some((reason, station))),
        }
        waited
    }

    fn end(
        &mut self,
        now: Time,
        request: RequestRef,
        client: u16,
        latency: Duration,
        lost: Option<(Loss, u32)>,
    ) {
        let open = &mut self.open[request.slot as usize];
        open.turn(now, None);
        let story = |spans| Story {
            request: request.id,
            client,
            sent: open.sent,
            latency,
            lost,
            spans,
        };
        if lost.is_some() {
            if self.lost.len() < KEPT {
                self.lost.push(story(open.spans.clone()));
            }
        } else {
            let place = self.slowest.partition_point(|s| s.latency >= latency);
            if place < KEPT {
                // The story that falls off the end gives its memory to the new one.
                let mut spans = if self.slowest.len() == KEPT {
                    self.slowest.pop().map(|s| s.spans).unwrap_or_default()
                } else {
                    Vec::new()
                };
                spans.clear();
                spans.extend_from_slice(&open.spans);
                self.slowest.insert(place, story(spans));
            }
        }
    }
}
