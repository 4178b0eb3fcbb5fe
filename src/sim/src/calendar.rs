//! The event calendar (future event list): what is to happen, by time and then by the order in which it was planned.

use std::collections::BinaryHeap;

use crate::frame::{CallId, FrameId, WorkflowId};
use crate::limits;
use crate::time::Time;

/// Something planned to happen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Due {
    /// The next request of an open-loop client; void if the client's plan has changed since (`edition`).
    Arrival { client: u16, edition: u32 },
    /// A user of a closed-loop client has thought enough.
    Thought { client: u16, user: u32 },
    /// A frame's piece of work is done.
    Worked { frame: FrameId },
    /// A frame has come over the wire.
    Arrived { frame: FrameId },
    /// A frame's answer has come back over the wire.
    Answered { frame: FrameId },
    /// What a frame sent was lost on the wire: time to send it again.
    Resent { frame: FrameId, link: u32 },
    /// Time for a health check's next probe.
    Check { check: u32 },
    /// A health check's probe has not been answered in time.
    CheckTimeout { check: u32, sent: u32 },
    /// A fault comes or goes.
    Fault { fault: u32 },
    /// Time to give up sending.
    Unreachable { frame: FrameId },
    /// A call has waited long enough for its next attempt.
    Retry { call: CallId },
    /// An attempt of a call has not been answered in time.
    Timeout { call: CallId, attempt: u32 },
    /// An attempt of a call is slow: time for a second one beside it.
    Hedge { call: CallId, attempt: u32 },
    /// A frame that a limit held back may go on.
    Passed { frame: FrameId },
    /// Time for a cache to send writes on.
    Flush { station: u32 },
    /// A cache learns of a change.
    Told { cache: u16 },
    /// A frame has waited in line as long as it may.
    Impatient { frame: FrameId },
    /// An autoscaler measures and decides.
    Scale { component: u16 },
    /// A new instance has started up.
    Warmed { station: u32 },
    /// What a frame has waited for, on its way to a database or there, has come.
    Proceed { frame: FrameId },
    /// A frame has waited for as long as it may; void if that was another wait.
    Waited { frame: FrameId, wait: u32 },
    /// Time to see whether a frame waits for itself.
    Deadlock { frame: FrameId, wait: u32 },
    /// Something happens in a database's log that somebody waits for; void if something else was to happen before (`turn`).
    Replicated { database: u16, turn: u32 },
    /// A replica takes the primary's place; void unless that is still gone since its so manieth crash.
    FailOver { database: u16, crash: u32 },
    /// A saga or transaction that nobody runs is to be taken over; void if it has been since (`turn`).
    Recover { workflow: WorkflowId, turn: u32 },
    /// Connections of a pool may have been idle for too long.
    Idle { approach: u32, lane: u32 },
    /// A router marks keys to be moved, or makes copies anew; void if something else was planned since (`turn`).
    Reshard { router: u16, turn: u32 },
    /// Shards that have not answered are waited for no longer.
    Gathered { call: CallId },
    /// A delivery has not been answered in time, or a message (of a topic: a partition) has rested enough; void if it was
    /// another (`receipt`).
    Message {
        broker: u16,
        slot: u32,
        receipt: u32,
    },
    /// A group has missed a member, or has rebalanced; void if it does something else by now (`turn`).
    Rebalance { broker: u16, group: u16, turn: u32 },
    /// Time for a relay to look into its outbox.
    Relay { database: u16 },
    /// A view's projector has waited or worked long enough; void if that build of it has begun something else since (`turn`).
    Follow { view: u16, build: u32, turn: u32 },
    /// A view is built anew.
    Rebuild { view: u16, rebuild: u16 },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Entry {
    time: Time,
    /// Ties are broken by the order of planning, so they are never left to chance.
    sequence: u64,
    due: Due,
}

impl Entry {
    /// Its place in the order, as one number: the heap does little else than to compare.
    const fn place(&self) -> u128 {
        (self.time.nanos() as u128) << 64 | self.sequence as u128
    }
}

impl Ord for Entry {
    #[inline]
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        // Reversed: the heap hands out its greatest, the calendar wants its earliest.
        other.place().cmp(&self.place())
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }

    /// What the heap asks.
    #[inline]
    fn le(&self, other: &Self) -> bool {
        other.place() <= self.place()
    }
}

/// Planned events in the order in which they will happen.
///
/// An event that has been taken out stays on top until the next is planned, which then takes its place: most events plan
/// one (the *hold* operation of the literature: Jones, *An empirical comparison of priority-queue and event-set
/// implementations*, CACM 29(4), 1986), and that is half the work of taking out and putting in.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    heap: BinaryHeap<Entry>,
    /// Whether what is on top has been taken out.
    hole: bool,
    sequence: u64,
    /// At how many entries it is next looked through for void ones.
    full: usize,
}

/// So few entries are not worth looking through.
const FEW: usize = 4096;

impl Default for Calendar {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            hole: false,
            sequence: 0,
            full: FEW,
        }
    }
}

impl Calendar {
    /// Whether it has doubled since it was last looked through.
    pub fn is_full(&self) -> bool {
        self.heap.len() >= self.full
    }

    /// Whether so much is planned, and not void, that the run must be stopped.
    pub fn is_over(&self) -> bool {
        // It is looked through before it comes to twice what it held the last time.
        self.heap.len() >= 2 * limits::PLANNED
    }

    /// How much is planned, void or not.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Keeps only what is not void: timeouts of calls long answered, say, of which there can be as many as calls were made
    /// within the longest timeout.
    pub fn keep(&mut self, mut holds: impl FnMut(Time, &Due) -> bool) {
        self.fill();
        self.heap.retain(|entry| holds(entry.time, &entry.due));
        self.full = (self.heap.len() * 2).max(FEW);
    }

    /// Plans `due` for `time`.
    #[inline(always)]
    pub fn plan(&mut self, time: Time, due: Due) {
        let entry = Entry {
            time,
            sequence: self.sequence,
            due,
        };
        self.sequence += 1;
        if core::mem::take(&mut self.hole)
            && let Some(mut top) = self.heap.peek_mut()
        {
            *top = entry;
        } else {
            self.heap.push(entry);
        }
    }

    /// When the next event is due.
    pub fn next_time(&self) -> Option<Time> {
        let entries = self.heap.as_slice();
        let next = if self.hole {
            // Below the top of a binary heap there are two.
            entries.iter().skip(1).take(2).max()
        } else {
            entries.first()
        };
        next.map(|entry| entry.time)
    }

    /// Whether something is due by `time`.
    #[inline(always)]
    pub fn is_due(&mut self, time: Time) -> bool {
        self.fill();
        self.heap.peek().is_some_and(|entry| entry.time <= time)
    }

    /// Takes the next event out.
    #[inline(always)]
    pub fn next(&mut self) -> Option<(Time, Due)> {
        self.fill();
        let next = self.heap.peek().map(|entry| (entry.time, entry.due));
        self.hole = next.is_some();
        next
    }

    /// Lets what was taken out go for good.
    #[inline(always)]
    fn fill(&mut self) {
        if core::mem::take(&mut self.hole) {
            self.heap.pop();
        }
    }

    /// All that is planned, in order, for the hash of the state.
    pub fn in_order(&self) -> impl Iterator<Item = (Time, u64, Due)> {
        // Greatest last is earliest last: see the order of entries.
        let mut all = self.clone();
        all.fill();
        let entries = all.heap.into_sorted_vec();
        entries
            .into_iter()
            .rev()
            .map(|e| (e.time, e.sequence, e.due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_first_and_ties_in_order_of_planning() {
        let mut calendar = Calendar::default();
        let due = |client| Due::Arrival { client, edition: 0 };
        for (time, client) in [(5, 0), (3, 1), (5, 2), (3, 3)] {
            calendar.plan(Time::from_nanos(time), due(client));
        }
        assert_eq!(calendar.next_time(), Some(Time::from_nanos(3)));
        let order: Vec<Due> = core::iter::from_fn(|| calendar.next().map(|(_, due)| due)).collect();
        let expected: Vec<Due> = [1, 3, 0, 2].map(due).into();
        assert_eq!(order, expected);
        assert_eq!(calendar.next_time(), None);
    }

    /// Whatever is planned and taken out in between, it stays a queue by time.
    #[test]
    fn what_is_planned_while_an_event_happens_takes_its_place() {
        let mut draws = crate::random::Key::root(7).draws();
        let mut calendar = Calendar::default();
        let mut planned = std::collections::BTreeSet::new();
        let mut number = 0;
        for round in 0..2000_u32 {
            for _ in 0..round % 4 {
                let time = Time::from_nanos(u64::from(draws.below(64)));
                let due = Due::Told { cache: number };
                calendar.plan(time, due);
                planned.insert((time, number));
                number = number.wrapping_add(1);
            }
            if round % 97 == 0 {
                calendar.keep(|_, _| true);
            }
            assert_eq!(calendar.next_time(), planned.first().map(|first| first.0));
            assert_eq!(calendar.in_order().count(), planned.len());
            let next = calendar.next();
            let expected = planned.pop_first();
            assert_eq!(
                next,
                expected.map(|(time, cache)| (time, Due::Told { cache }))
            );
        }
    }
}
