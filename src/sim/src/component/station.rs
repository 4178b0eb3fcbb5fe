//! The station that services, databases, caches and gateways share: servers, and bounded lines that wait for them.

use slotmap::{Key as _, SlotMap};

use crate::component::Discipline;
use crate::frame::{Frame, FrameId};
use crate::model::Lines;
use crate::resilience::SheddingState;
use crate::time::Time;

/// Frames that wait, in the order in which they came. The line is threaded through the frames themselves, so that waiting
/// allocates nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Line {
    first: FrameId,
    last: FrameId,
    /// How many.
    pub waiting: u32,
    /// Frames of this line that hold a server.
    pub busy: u32,
}

impl Line {
    /// Puts `id` at the end.
    pub fn join(&mut self, id: FrameId, frames: &mut SlotMap<FrameId, Frame>) {
        frames[id].before = self.last;
        frames[id].behind = FrameId::null();
        match frames.get_mut(self.last) {
            Some(last) => last.behind = id,
            None => self.first = id,
        }
        self.last = id;
        self.waiting += 1;
    }

    /// Takes `id`, which waits here, out of the line.
    pub fn remove(&mut self, id: FrameId, frames: &mut SlotMap<FrameId, Frame>) {
        let (before, behind) = (frames[id].before, frames[id].behind);
        match frames.get_mut(before) {
            Some(frame) => frame.behind = behind,
            None => self.first = behind,
        }
        match frames.get_mut(behind) {
            Some(frame) => frame.before = before,
            None => self.last = before,
        }
        self.waiting -= 1;
    }

    /// Who came first.
    pub fn first(&self) -> Option<FrameId> {
        (!self.first.is_null()).then_some(self.first)
    }

    /// Who came last.
    pub fn last(&self) -> Option<FrameId> {
        (!self.last.is_null()).then_some(self.last)
    }
}

/// Whether requests shall come to an instance. It changes only where there is an autoscaler.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Duty {
    /// They shall.
    Serving,
    /// Not yet: it starts up.
    Warming,
    /// No more: it finishes what it has.
    Draining,
    /// There is no such instance now.
    Off,
}

/// What an autoscaler goes by at one instance, since it last looked.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Meter {
    /// Since when it is measured.
    pub since: Time,
    /// Up to when busy servers are counted.
    settled: Time,
    /// Busy servers, times how long they were, in nanoseconds.
    pub busy_ns: u64,
    /// Frames that came.
    pub came: u64,
    /// When its start-up ends.
    pub ready_at: Time,
}

impl Meter {
    /// Counts that `busy` servers have been busy up to now.
    pub fn settle(&mut self, now: Time, busy: u32) {
        let passed = now.since(self.settled).nanos();
        let spent = passed.saturating_mul(u64::from(busy));
        self.busy_ns = self.busy_ns.saturating_add(spent);
        self.settled = now;
    }

    /// Measures anew from now on.
    pub fn restart(&mut self, now: Time) {
        (self.since, self.settled, self.busy_ns, self.came) = (now, now, 0, 0);
    }
}

/// The full speed of a station; see [`Station::speed`].
pub(crate) const FULL_SPEED: u32 = 1000;

/// The state of one station.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a state of its own; none excludes another"
)]
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Station {
    /// Whether it answers at all.
    pub up: bool,
    /// How fast it works, in thousandths.
    pub speed: u32,
    /// Servers that are out of order.
    pub lost_servers: u32,
    /// The chance that a request fails when it gets its server, in billionths.
    pub errors_ppb: u32,
    /// Whether health checks of it get lost.
    pub deaf: bool,
    /// Whether it has no room for writes.
    pub disk_full: bool,
    /// Frames that hold a server.
    pub busy: u32,
    /// Frames that wait for one.
    pub waiting: u32,
    /// Its lines: one, or one for each priority or bulkhead.
    pub lines: Vec<Line>,
    /// Frames that ever waited here: the next one's place in the order of coming.
    pub tickets: u64,
    /// Whether those who wait are being served right now.
    pub giving: bool,
    /// What the lazy rules of each line remember; empty where there are none.
    pub shedding: Vec<SheddingState>,
    /// Whether requests shall come here.
    pub duty: Duty,
    /// What its autoscaler goes by, if there is one.
    pub meter: Option<Meter>,
}

impl Station {
    pub fn new(lines: usize) -> Self {
        Self {
            up: true,
            speed: FULL_SPEED,
            lost_servers: 0,
            errors_ppb: 0,
            deaf: false,
            disk_full: false,
            busy: 0,
            waiting: 0,
            lines: vec![Line::default(); lines],
            tickets: 0,
            giving: false,
            shedding: Vec::new(),
            duty: Duty::Serving,
            meter: None,
        }
    }

    /// Whether its start-up ends at that moment.
    pub fn is_ready_at(&self, time: Time) -> bool {
        let ready = self.meter.as_ref().is_some_and(|m| m.ready_at == time);
        ready && self.duty == Duty::Warming
    }

    /// How many servers there are for those who come: none but at an instance that serves.
    pub fn capacity(&self, servers: u32) -> u32 {
        if self.duty == Duty::Serving {
            self.usable(servers)
        } else {
            0
        }
    }

    /// How many wait beside one of this line for the same places: bulkheads have places of their own, priorities share them.
    pub fn queued(&self, lines: &Lines, line: usize) -> u32 {
        match lines.discipline {
            Discipline::Priority => self.waiting,
            Discipline::Fifo | Discipline::Lifo => self.lines[line].waiting,
        }
    }

    /// A server is taken.
    pub fn take(&mut self, class: u16, now: Time) {
        if let Some(meter) = &mut self.meter {
            meter.settle(now, self.busy);
        }
        self.busy += 1;
        self.lines[usize::from(class)].busy += 1;
    }

    /// A server is free again.
    pub fn give_back(&mut self, class: u16, now: Time) {
        if let Some(meter) = &mut self.meter {
            meter.settle(now, self.busy);
        }
        self.busy -= 1;
        self.lines[usize::from(class)].busy -= 1;
    }

    /// How many of its servers can be used.
    pub fn usable(&self, servers: u32) -> u32 {
        if self.up {
            servers.saturating_sub(self.lost_servers)
        } else {
            0
        }
    }
}
