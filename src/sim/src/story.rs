//! The story of one request: where it waited, where it was served, for how long.

use serde::{Deserialize, Serialize};

use crate::event::{Child, Event, Loss, MessageEvent, RequestRef, ShardEvent};
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
    /// It was on its way over a wire.
    OnWire,
    /// It waited before the next attempt of a call.
    BackingOff,
    /// It waited for an answer that did not come, or came after another.
    Awaiting,
    /// It waited for what another fetched.
    Joined,
    /// A limit held it back.
    Delayed,
    /// It waited for a replica to have what its user wrote.
    Following,
    /// It waited for a connection of a pool.
    Pooled,
    /// It set up a connection, or closed one.
    Connecting,
    /// It waited for a row's lock.
    Locked,
    /// What it wrote waited for replicas.
    Replicating,
    /// It was held while its key moved.
    Held,
    /// Its message waited for room in a queue.
    Blocked,
}

/// A stretch of a request's life, in exactly one place and doing one thing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// What it was doing.
    pub doing: Doing,
    /// The station; `u32::MAX` if it was at none.
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
    /// What happened to it, in order, without gaps. Of calls made at once, or tried again, it is the way that the answer
    /// had to wait for: the critical path.
    pub spans: Vec<Span>,
}

/// Stories kept of a run, at most, of each kind, unless told otherwise.
const KEPT: usize = 16;
/// Spans kept of one request; what comes after counts to the last.
const SPANS: usize = 10_000;

/// Follows every request under way and keeps the stories of a few: the slowest, and the first that were lost.
///
/// A *track* is a line of spans without gaps. A request begins with one, and plain calls go on in their caller's; each
/// attempt or branch of a call has a track of its own, and when the call is over the caller's goes on with the one that
/// decided. What happens later to the others belongs to no track any more.
#[derive(Clone, Debug)]
pub struct Stories {
    /// Stories kept of each kind, at most.
    most: usize,
    tracks: Vec<Track>,
    /// Tracks that can be used again.
    free: Vec<u32>,
    /// By slot of the request.
    roots: Vec<Root>,
    /// By slot of the frame.
    frames: Vec<FrameNote>,
    /// By slot of the call.
    calls: Vec<CallNote>,
    slowest: Vec<Story>,
    lost: Vec<Story>,
    /// A request whose story is wanted, and that story once it has ended.
    wanted: Option<u64>,
    found: Option<Story>,
}

/// A track, as long as it has not been given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct TrackRef {
    at: u32,
    uses: u32,
}

/// The track of what nobody waits for.
const NO_TRACK: TrackRef = TrackRef {
    at: u32::MAX,
    uses: 0,
};

#[derive(Clone, Debug, Default)]
struct Track {
    /// Counts those who have had this place, so that who refers to an earlier one finds nothing.
    uses: u32,
    /// Up to when there are spans.
    since: Time,
    /// What it has been doing since then.
    at: Option<(Doing, u32)>,
    spans: Vec<Span>,
}

#[derive(Clone, Copy, Debug)]
struct Root {
    sent: Time,
    track: TrackRef,
}

#[derive(Clone, Copy, Debug)]
struct FrameNote {
    track: TrackRef,
    /// Since when it waits in line.
    queued: Time,
    /// Whether it waits for a call.
    asking: bool,
}

#[derive(Clone, Debug)]
struct CallNote {
    owner: TrackRef,
    attempts: Vec<TrackRef>,
}

/// What a probe learns from a frame's earlier events.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    /// How long it had waited, if it gets its server now.
    pub waited: Duration,
    /// Whether it still waited for a call when it left.
    pub was_asking: bool,
}

impl Track {
    fn push(&mut self, span: Span) {
        if span.from >= span.to {
            return;
        }
        let whole = self.spans.len() < SPANS;
        match self.spans.last_mut() {
            // Stretches that follow each other in one place are one.
            Some(last) if !whole || (last.doing == span.doing && last.station == span.station) => {
                last.to = span.to;
            }
            _ => self.spans.push(span),
        }
    }

    /// What it was doing ends now; `next` begins.
    fn turn(&mut self, now: Time, next: Option<(Doing, u32)>) {
        if let Some((doing, station)) = self.at {
            self.push(Span {
                doing,
                station,
                from: self.since,
                to: now,
            });
            self.since = now;
        }
        self.at = next;
        if next.is_some() {
            self.fill(now);
        }
    }

    /// Covers what is not covered up to now: it was waiting for something that came to nothing.
    fn fill(&mut self, now: Time) {
        self.push(Span {
            doing: Doing::Awaiting,
            station: u32::MAX,
            from: self.since,
            to: now,
        });
        self.since = self.since.max(now);
    }
}

impl Default for Stories {
    fn default() -> Self {
        Self::keeping(KEPT)
    }
}

impl Stories {
    /// Keeps at most so many stories of each kind.
    pub(crate) fn keeping(most: usize) -> Self {
        Self {
            most,
            tracks: Vec::new(),
            free: Vec::new(),
            roots: Vec::new(),
            frames: Vec::new(),
            calls: Vec::new(),
            slowest: Vec::new(),
            lost: Vec::new(),
            wanted: None,
            found: None,
        }
    }

    /// Keeps the story of one request only.
    pub(crate) fn following(request: u64) -> Self {
        Self {
            wanted: Some(request),
            ..Self::keeping(0)
        }
    }

    /// The story that was wanted, once it has ended.
    pub(crate) const fn found(&self) -> Option<&Story> {
        self.found.as_ref()
    }

    /// The slowest requests that were answered, slowest first.
    pub fn slowest(&self) -> &[Story] {
        &self.slowest
    }

    /// The first requests that were lost, in order.
    pub fn lost(&self) -> &[Story] {
        &self.lost
    }

    /// Something happened to a request.
    #[expect(clippy::too_many_lines, reason = "one arm an event")]
    pub(crate) fn event(
        &mut self,
        _: &Model,
        now: Time,
        request: RequestRef,
        event: &Event,
    ) -> Told {
        let mut told = Told::default();
        let frame = request.frame as usize;
        match *event {
            Event::Sent { child, .. } => {
                let track = self.track(now);
                let root = Root { sent: now, track };
                let slot = request.slot as usize;
                if slot >= self.roots.len() {
                    self.roots.resize(slot + 1, root);
                }
                self.roots[slot] = root;
                self.bind(child, track);
            }
            Event::Departed { .. } | Event::Replied { .. } => {
                self.turn(frame, now, Some((Doing::OnWire, u32::MAX)));
            }
            Event::Queued { station, .. } => {
                if let Some(note) = self.frames.get_mut(frame) {
                    note.queued = now;
                }
                self.turn(frame, now, Some((Doing::Queued, station)));
            }
            Event::Started { station, .. } => {
                if let Some(note) = self.frames.get_mut(frame) {
                    told.waited = now.since(note.queued);
                    note.queued = Time::MAX;
                }
                self.turn(frame, now, Some((Doing::Served, station)));
            }
            Event::Called { child, .. } => {
                self.turn(frame, now, None);
                if let Some(note) = self.frames.get_mut(frame) {
                    note.asking = true;
                    let track = note.track;
                    self.bind(child, track);
                }
            }
            Event::Spawned { child, .. } | Event::Probed { child, .. } => {
                self.bind(child, NO_TRACK);
            }
            Event::Tried {
                call,
                attempt,
                child,
                ..
            } => self.tried(now, call as usize, attempt as usize, child),
            Event::Missed { call, attempt, .. } => {
                self.join(now, call as usize, attempt as usize, false);
            }
            Event::BackedOff { call, .. } => {
                if let Some(track) = self.owner(call as usize) {
                    track.turn(now, Some((Doing::BackingOff, u32::MAX)));
                }
            }
            Event::Settled { call, attempt } => {
                self.join(now, call as usize, attempt as usize, true);
            }
            Event::Returned { station } | Event::CacheLanded { station } => {
                self.asks(frame, false);
                self.turn(frame, now, Some((Doing::Served, station)));
            }
            Event::CacheJoined { station } => {
                self.asks(frame, true);
                self.turn(frame, now, Some((Doing::Joined, station)));
            }
            Event::Delayed { station, .. } => {
                self.turn(frame, now, Some((Doing::Delayed, station)));
            }
            Event::Left { .. } => {
                told.was_asking = self.frames.get(frame).is_some_and(|note| note.asking);
                self.turn(frame, now, None);
            }
            Event::Completed {
                client, latency, ..
            } => self.end(now, request, client, latency, None),
            Event::Lost {
                client,
                reason,
                station,
                latency,
            } => self.end(now, request, client, latency, Some((reason, station))),
            Event::Following { station } => {
                self.turn(frame, now, Some((Doing::Following, station)));
            }
            Event::Pooled { station } => self.turn(frame, now, Some((Doing::Pooled, station))),
            Event::Connecting { station } | Event::Disconnecting { station } => {
                self.turn(frame, now, Some((Doing::Connecting, station)));
            }
            Event::Unqueued { .. } | Event::Followed | Event::Connected { .. } => {
                self.turn(frame, now, None);
            }
            Event::Locking { station } => self.turn(frame, now, Some((Doing::Locked, station))),
            Event::Committing { station } => {
                self.turn(frame, now, Some((Doing::Replicating, station)));
            }
            Event::Locked { station, .. }
            | Event::Committed { station, .. }
            | Event::Shard(ShardEvent::Released { station })
            | Event::Message(MessageEvent::Unblocked { station }) => {
                self.turn(frame, now, Some((Doing::Served, station)));
            }
            Event::Shard(ShardEvent::Held { station }) => {
                self.turn(frame, now, Some((Doing::Held, station)));
            }
            Event::Message(MessageEvent::Blocked { station }) => {
                self.turn(frame, now, Some((Doing::Blocked, station)));
            }
            Event::Shard(_)
            | Event::Message(_)
            | Event::Store(_)
            | Event::View(_)
            | Event::Examined { .. }
            | Event::Row(_)
            | Event::ReplicaRead { .. }
            | Event::Conflicted { .. }
            | Event::Promoted { .. }
            | Event::Routed { .. }
            | Event::Refused { .. }
            | Event::Breaker { .. }
            | Event::Fault { .. }
            | Event::Health { .. }
            | Event::FellBack { .. }
            | Event::CacheHit { .. }
            | Event::CacheMiss { .. }
            | Event::CacheFilled { .. }
            | Event::CacheEvicted { .. }
            | Event::CacheExpired { .. }
            | Event::CacheDropped { .. }
            | Event::CacheDirty { .. }
            | Event::CacheFlushed { .. }
            | Event::CacheLost { .. }
            | Event::Capacity { .. }
            | Event::Scaled { .. }
            | Event::Rebuilt { .. }
            | Event::Workflow(_)
            | Event::Forgot { .. } => {}
        }
        told
    }

    /// A new track that begins now.
    fn track(&mut self, now: Time) -> TrackRef {
        let at = self.free.pop().unwrap_or_else(|| {
            self.tracks.push(Track::default());
            self.tracks.len() as u32 - 1
        });
        let track = &mut self.tracks[at as usize];
        track.since = now;
        track.at = None;
        track.spans.clear();
        TrackRef {
            at,
            uses: track.uses,
        }
    }

    fn get(&mut self, track: TrackRef) -> Option<&mut Track> {
        let uses = track.uses;
        let track = self.tracks.get_mut(track.at as usize)?;
        (track.uses == uses).then_some(track)
    }

    fn give_up(&mut self, track: TrackRef) {
        if let Some(given_up) = self.get(track) {
            given_up.uses = given_up.uses.wrapping_add(1);
            self.free.push(track.at);
        }
    }

    /// What a call has made goes on in `track`.
    fn bind(&mut self, child: Child, track: TrackRef) {
        match child {
            Child::Frame(slot) => {
                let slot = slot as usize;
                let note = FrameNote {
                    track,
                    queued: Time::MAX,
                    asking: false,
                };
                if slot >= self.frames.len() {
                    self.frames.resize(slot + 1, note);
                }
                self.frames[slot] = note;
            }
            Child::Call(slot) => {
                let slot = slot as usize;
                if slot >= self.calls.len() {
                    self.calls.resize_with(slot + 1, || CallNote {
                        owner: NO_TRACK,
                        attempts: Vec::new(),
                    });
                }
                self.calls[slot].owner = track;
                self.calls[slot].attempts.clear();
            }
        }
    }

    /// A frame waits for others from now on, or not.
    fn asks(&mut self, frame: usize, asking: bool) {
        if let Some(note) = self.frames.get_mut(frame) {
            note.asking = asking;
        }
    }

    fn turn(&mut self, frame: usize, now: Time, next: Option<(Doing, u32)>) {
        let Some(note) = self.frames.get(frame) else {
            return;
        };
        let track = note.track;
        if let Some(track) = self.get(track) {
            track.turn(now, next);
        }
    }

    fn owner(&mut self, call: usize) -> Option<&mut Track> {
        let owner = self.calls.get(call)?.owner;
        self.get(owner)
    }

    fn tried(&mut self, now: Time, call: usize, attempt: usize, child: Child) {
        // The wait before this attempt is over.
        let track = match self.owner(call) {
            Some(owner) => {
                owner.turn(now, None);
                self.track(now)
            }
            None => NO_TRACK,
        };
        if let Some(note) = self.calls.get_mut(call) {
            if attempt >= note.attempts.len() {
                note.attempts.resize(attempt + 1, NO_TRACK);
            }
            note.attempts[attempt] = track;
        }
        self.bind(child, track);
    }

    /// An attempt is over, and with `last` its call: the caller's track goes on with the attempt's.
    fn join(&mut self, now: Time, call: usize, attempt: usize, last: bool) {
        let Some(note) = self.calls.get(call) else {
            return;
        };
        let owner = note.owner;
        let attempt = note.attempts.get(attempt).copied().unwrap_or(NO_TRACK);
        if let Some(track) = self.get(attempt) {
            track.turn(now, None);
            let spans = core::mem::take(&mut track.spans);
            if let Some(owner) = self.get(owner) {
                owner.turn(now, None);
                for span in &spans {
                    if span.to > owner.since {
                        owner.fill(span.from);
                        owner.push(Span {
                            from: span.from.max(owner.since),
                            ..*span
                        });
                        owner.since = span.to;
                    }
                }
            }
            if let Some(track) = self.get(attempt) {
                track.spans = spans;
            }
            self.give_up(attempt);
        }
        if let Some(owner) = self.get(owner) {
            owner.turn(now, None);
            owner.fill(now);
        }
        if last {
            for at in 0..self.calls[call].attempts.len() {
                let track = self.calls[call].attempts[at];
                self.give_up(track);
            }
        }
    }

    fn end(
        &mut self,
        now: Time,
        request: RequestRef,
        client: u16,
        latency: Duration,
        lost: Option<(Loss, u32)>,
    ) {
        let Some(&Root { sent, track: root }) = self.roots.get(request.slot as usize) else {
            return;
        };
        let Some(track) = self.get(root) else {
            return;
        };
        track.turn(now, None);
        track.fill(now);
        let spans = core::mem::take(&mut track.spans);
        let story = |spans| Story {
            request: request.id,
            client,
            sent,
            latency,
            lost,
            spans,
        };
        if self.wanted == Some(request.id) {
            self.found = Some(story(spans.clone()));
        }
        if lost.is_some() {
            if self.lost.len() < self.most {
                self.lost.push(story(spans.clone()));
            }
        } else {
            let place = self.slowest.partition_point(|s| s.latency >= latency);
            if place < self.most {
                // The story that falls off the end gives its memory to the new one.
                let mut kept = if self.slowest.len() == self.most {
                    self.slowest.pop().map(|s| s.spans).unwrap_or_default()
                } else {
                    Vec::new()
                };
                kept.clear();
                kept.extend_from_slice(&spans);
                self.slowest.insert(place, story(kept));
            }
        }
        if let Some(track) = self.get(root) {
            track.spans = spans;
        }
        self.give_up(root);
    }
}
