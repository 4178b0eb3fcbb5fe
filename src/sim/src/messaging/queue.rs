//! A work queue: each message is for one of the consumers that compete for it.
//!
//! Models: a bounded line, first come first served; consumers that are handed at most so many messages before they answer
//! (prefetch), in turn; acknowledgement when a message is handed over or when its consumer has answered; messages that come
//! back into the line at their old place, at once or after a rest, and are counted. What is with a consumer does not count
//! in the bound, as in `RabbitMQ` (`max-length` counts ready messages); what rests does.
//! An answer to a delivery that is not the latest any more is void, as an old receipt handle of an SQS FIFO queue is.
//! Source: `RabbitMQ` (prefetch, requeueing to the original position, `x-delivery-limit`), Amazon SQS (visibility timeout,
//! `maxReceiveCount`).

use std::collections::VecDeque;

use super::{Handed, Message};
use crate::frame::FrameId;
use crate::time::Time;

/// What a queue keeps of a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Stored {
    pub message: Message,
    /// Its place in the order of coming.
    pub number: u64,
    /// How often it has been handed over.
    pub deliveries: u32,
    /// Names its latest delivery, or its latest rest.
    receipt: u32,
    place: Place,
    /// Since when it could be handed over.
    since: Time,
}

/// Where a message is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Place {
    /// In the line.
    Ready,
    /// Kept out of the line for a while.
    Resting,
    /// With a consumer, and still the queue's.
    Out { consumer: u32 },
    /// With a consumer, and no more the queue's.
    Gone { consumer: u32 },
}

/// What comes of a delivery that has failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Failed {
    /// It will be delivered again: at once, or when it has rested.
    Returns { stored: Stored, receipt: u32 },
    /// It has been delivered as often as it may.
    Dead(Stored),
    /// It was not the queue's any more.
    Lost(Stored),
}

/// A queue at work.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct QueueState {
    slots: Vec<Option<Stored>>,
    free: Vec<u32>,
    /// The slots of those in line, in the order of coming.
    ready: VecDeque<u32>,
    resting: u32,
    /// By consumer: how many it has and has not answered.
    out: Vec<u32>,
    /// Which consumer is asked first.
    turn: u32,
    /// Messages stored so far.
    stored: u64,
    receipts: u32,
    /// Publishers that wait for room, in the order of coming.
    pub blocked: VecDeque<FrameId>,
}

impl QueueState {
    /// Messages that wait for a consumer: what the bound is about.
    pub fn waiting(&self) -> u32 {
        self.ready.len() as u32 + self.resting
    }

    /// Messages in line and at rest, and since when the first in line could be handed over.
    pub fn line(&self) -> ([u32; 2], Option<Time>) {
        let first = self
            .ready
            .front()
            .and_then(|slot| self.slots[*slot as usize]);
        (
            [self.ready.len() as u32, self.resting],
            first.map(|stored| stored.since),
        )
    }

    /// By consumer: how many messages it has and has not answered.
    pub fn out(&self) -> &[u32] {
        &self.out
    }

    /// All messages that are still the queue's.
    #[cfg(test)]
    fn len(&self) -> usize {
        let owned = |s: &&Stored| !matches!(s.place, Place::Gone { .. });
        self.slots.iter().flatten().filter(owned).count()
    }

    /// Lets there be so many consumers. Those that have gone still answer what they have.
    pub fn set_consumers(&mut self, count: usize) {
        if self.out.len() < count {
            self.out.resize(count, 0);
        }
    }

    /// A message takes its place at the end of the line. Tells its number.
    pub fn put(&mut self, message: Message, now: Time) -> u64 {
        let number = self.stored;
        self.stored += 1;
        let stored = Stored {
            message,
            number,
            deliveries: 0,
            receipt: 0,
            place: Place::Ready,
            since: now,
        };
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(stored);
            slot
        } else {
            self.slots.push(Some(stored));
            self.slots.len() as u32 - 1
        };
        self.ready.push_back(slot);
        number
    }

    /// The first in line makes room, if there is one.
    pub fn drop_oldest(&mut self) -> Option<Stored> {
        let slot = self.ready.pop_front()?;
        self.remove(slot)
    }

    /// Hands the first in line to the next consumer that `takes` any and has less than `prefetch`. With `keeps` it stays the
    /// queue's until it is answered.
    pub fn hand_over(
        &mut self,
        prefetch: u32,
        keeps: bool,
        takes: impl Fn(u32) -> bool,
    ) -> Option<Handed> {
        let slot = *self.ready.front()?;
        let count = self.out.len() as u32;
        let mut turns = (self.turn..count).chain(0..self.turn.min(count));
        let consumer = turns.find(|at| self.out[*at as usize] < prefetch && takes(*at))?;
        self.turn = (consumer + 1) % count;
        self.out[consumer as usize] += 1;
        self.ready.pop_front();
        let receipt = self.receipt();
        let stored = self.slots[slot as usize].as_mut()?;
        stored.deliveries += 1;
        stored.receipt = receipt;
        stored.place = if keeps {
            Place::Out { consumer }
        } else {
            Place::Gone { consumer }
        };
        Some(Handed {
            message: stored.message,
            number: stored.number,
            partition: 0,
            consumer,
            delivery: stored.deliveries,
            slot,
            receipt,
            since: stored.since,
        })
    }

    /// The message of a delivery or rest that is still the latest.
    fn get(&self, slot: u32, receipt: u32) -> Option<&Stored> {
        let stored = self.slots.get(slot as usize)?.as_ref()?;
        (stored.receipt == receipt && stored.place != Place::Ready).then_some(stored)
    }

    /// Whether somebody waits for the answer to that delivery, or for the end of that rest.
    pub fn awaits(&self, slot: u32, receipt: u32) -> bool {
        let stored = self.get(slot, receipt);
        stored.is_some_and(|stored| !matches!(stored.place, Place::Gone { .. }))
    }

    /// Which consumer has the message of a delivery, if one has.
    pub fn holder(&self, slot: u32, receipt: u32) -> Option<u32> {
        match self.get(slot, receipt)?.place {
            Place::Out { consumer } | Place::Gone { consumer } => Some(consumer),
            Place::Ready | Place::Resting => None,
        }
    }

    /// A consumer has answered well: the message is done. Tells it, and whether it was still the queue's.
    pub fn done(&mut self, slot: u32, receipt: u32) -> Option<(Stored, bool)> {
        let consumer = self.holder(slot, receipt)?;
        self.out[consumer as usize] -= 1;
        let stored = self.remove(slot)?;
        Some((stored, matches!(stored.place, Place::Out { .. })))
    }

    /// A delivery has failed, or not been answered in time. The message comes back into the line, if `rests` after a while;
    /// it is dead once it has been delivered `most` times.
    pub fn failed(
        &mut self,
        slot: u32,
        receipt: u32,
        rests: bool,
        most: u32,
        now: Time,
    ) -> Option<Failed> {
        let consumer = self.holder(slot, receipt)?;
        self.out[consumer as usize] -= 1;
        let stored = self.slots[slot as usize]?;
        if let Place::Gone { .. } = stored.place {
            return self.remove(slot).map(Failed::Lost);
        }
        if stored.deliveries >= most {
            return self.remove(slot).map(Failed::Dead);
        }
        let receipt = self.receipt();
        if rests {
            self.resting += 1;
            let kept = self.slots[slot as usize].as_mut()?;
            (kept.place, kept.receipt) = (Place::Resting, receipt);
        } else {
            self.line_up(slot, now);
        }
        Some(Failed::Returns { stored, receipt })
    }

    /// A message has rested enough. Tells whether there was one.
    pub fn rested(&mut self, slot: u32, receipt: u32, now: Time) -> bool {
        let rests = self
            .get(slot, receipt)
            .is_some_and(|stored| stored.place == Place::Resting);
        if rests {
            self.resting -= 1;
            self.line_up(slot, now);
        }
        rests
    }

    /// The broker has crashed. What was with consumers or at rest is in line again, if messages are durable. If not, what
    /// waited is lost, and what is with consumers is theirs alone. Those that are lost go to `lost`.
    pub fn crash(&mut self, durable: bool, now: Time, lost: &mut Vec<Stored>) {
        self.blocked.clear();
        for slot in 0..self.slots.len() as u32 {
            let Some(stored) = self.slots[slot as usize] else {
                continue;
            };
            match stored.place {
                Place::Out { consumer } if !durable => {
                    if let Some(kept) = &mut self.slots[slot as usize] {
                        kept.place = Place::Gone { consumer };
                    }
                }
                Place::Out { consumer } => {
                    self.out[consumer as usize] -= 1;
                    self.line_up(slot, now);
                }
                Place::Resting if durable => {
                    self.resting -= 1;
                    self.line_up(slot, now);
                }
                Place::Ready | Place::Resting if !durable => {
                    lost.extend(self.remove(slot));
                }
                Place::Ready | Place::Resting | Place::Gone { .. } => {}
            }
        }
        if !durable {
            self.ready.clear();
            self.resting = 0;
        }
        lost.sort_unstable_by_key(|stored| stored.number);
    }

    fn receipt(&mut self) -> u32 {
        self.receipts = self.receipts.wrapping_add(1);
        self.receipts
    }

    /// Puts a message back at its place in the line.
    fn line_up(&mut self, slot: u32, now: Time) {
        let receipt = self.receipt();
        let Some(stored) = &mut self.slots[slot as usize] else {
            return;
        };
        (stored.place, stored.receipt, stored.since) = (Place::Ready, receipt, now);
        let number = stored.number;
        let slots = &self.slots;
        let before =
            |other: &u32| slots[*other as usize].is_some_and(|other| other.number < number);
        let at = self.ready.partition_point(before);
        self.ready.insert(at, slot);
    }

    fn remove(&mut self, slot: u32) -> Option<Stored> {
        let stored = self.slots[slot as usize].take()?;
        self.free.push(slot);
        Some(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::super::message;
    use super::*;

    const ALWAYS: u32 = u32::MAX;

    fn queue(consumers: usize, messages: u64) -> QueueState {
        let mut queue = QueueState::default();
        queue.set_consumers(consumers);
        for data in 0..messages {
            queue.put(message(data), Time::ZERO);
        }
        queue
    }

    fn next(queue: &mut QueueState, prefetch: u32) -> Option<(u64, u32)> {
        let handed = queue.hand_over(prefetch, true, |_| true)?;
        Some((handed.message.data, handed.consumer))
    }

    #[test]
    fn consumers_take_turns_and_no_more_than_their_prefetch() {
        let mut queue = queue(2, 9);
        let handed: Vec<_> = core::iter::from_fn(|| next(&mut queue, 2)).collect();
        assert_eq!(handed, [(0, 0), (1, 1), (2, 0), (3, 1)]);
        assert_eq!(queue.waiting(), 5);
        // Who does not take any is passed over.
        let mut queue = self::queue(3, 2);
        let handed = queue.hand_over(1, true, |at| at == 2).expect("it takes it");
        assert_eq!(handed.consumer, 2);
        assert!(queue.hand_over(1, true, |at| at == 2).is_none());
    }

    #[test]
    fn what_failed_comes_back_at_its_old_place() {
        let mut queue = queue(1, 4);
        let first = queue.hand_over(9, true, |_| true).expect("there is one");
        let second = queue.hand_over(9, true, |_| true).expect("there is one");
        for failed in [second, first] {
            let found = queue.failed(failed.slot, failed.receipt, false, ALWAYS, Time::ZERO);
            assert!(matches!(found, Some(Failed::Returns { .. })));
        }
        let order: Vec<_> = core::iter::from_fn(|| next(&mut queue, 9)).collect();
        assert_eq!(order, [(0, 0), (1, 0), (2, 0), (3, 0)]);
    }

    #[test]
    fn an_answer_to_an_earlier_delivery_is_void() {
        let mut queue = queue(2, 1);
        let first = queue.hand_over(1, true, |_| true).expect("there is one");
        queue.failed(first.slot, first.receipt, false, ALWAYS, Time::ZERO);
        let second = queue.hand_over(1, true, |_| true).expect("there is one");
        assert_eq!((first.delivery, second.delivery), (1, 2));
        assert_eq!(queue.done(first.slot, first.receipt), None);
        assert!(queue.done(second.slot, second.receipt).is_some());
        assert_eq!(queue.len(), 0);
        assert_eq!(queue.done(second.slot, second.receipt), None);
    }

    #[test]
    fn a_message_is_dead_after_so_many_deliveries() {
        let mut queue = queue(1, 1);
        for delivery in 1..=3 {
            let handed = queue.hand_over(1, true, |_| true).expect("there is one");
            assert_eq!(handed.delivery, delivery);
            let found = queue.failed(handed.slot, handed.receipt, true, 3, Time::ZERO);
            match found {
                Some(Failed::Returns { receipt, .. }) if delivery < 3 => {
                    assert_eq!(queue.waiting(), 1);
                    assert!(queue.hand_over(1, true, |_| true).is_none(), "it rests");
                    assert!(queue.rested(handed.slot, receipt, Time::ZERO));
                    assert!(!queue.rested(handed.slot, receipt, Time::ZERO));
                }
                Some(Failed::Dead(stored)) if delivery == 3 => assert_eq!(stored.deliveries, 3),
                other => panic!("{delivery}: {other:?}"),
            }
        }
        assert_eq!((queue.waiting(), queue.len()), (0, 0));
    }

    #[test]
    fn at_most_once_a_failure_loses_the_message() {
        let mut queue = queue(1, 1);
        let handed = queue.hand_over(1, false, |_| true).expect("there is one");
        assert_eq!(queue.len(), 0);
        let found = queue.failed(handed.slot, handed.receipt, true, ALWAYS, Time::ZERO);
        assert!(matches!(found, Some(Failed::Lost(_))));
        assert_eq!(queue.waiting(), 0);
    }

    #[test]
    fn a_crash_keeps_what_is_durable_and_loses_the_rest() {
        for durable in [true, false] {
            let mut queue = queue(1, 3);
            let handed = queue.hand_over(1, true, |_| true).expect("there is one");
            let mut lost = Vec::new();
            queue.crash(durable, Time::ZERO, &mut lost);
            let lost: Vec<u64> = lost.iter().map(|stored| stored.message.data).collect();
            if durable {
                assert!(lost.is_empty());
                assert_eq!(queue.waiting(), 3);
                assert_eq!(queue.done(handed.slot, handed.receipt), None);
                assert_eq!(next(&mut queue, 1), Some((0, 0)));
            } else {
                assert_eq!(lost, [1, 2]);
                assert_eq!(queue.waiting(), 0);
                let done = queue.done(handed.slot, handed.receipt);
                assert_eq!(
                    done.map(|(stored, owned)| (stored.number, owned)),
                    Some((0, false))
                );
            }
        }
    }

    /// Whatever happens, each message is in exactly one place, and the line is in order.
    #[test]
    fn nothing_is_lost_and_nothing_doubled() {
        let mut draws = Key::root(5).draws();
        let mut queue = queue(3, 0);
        let (mut put, mut done) = (0_u64, 0_u64);
        let mut out: Vec<Handed> = Vec::new();
        let mut resting: Vec<(u32, u32)> = Vec::new();
        for _ in 0..20_000 {
            match draws.below(6) {
                0 | 1 => {
                    queue.put(message(put), Time::ZERO);
                    put += 1;
                }
                2 => out.extend(queue.hand_over(4, true, |_| true)),
                3 if !out.is_empty() => {
                    let handed = out.swap_remove(draws.below(out.len() as u32) as usize);
                    done += u64::from(queue.done(handed.slot, handed.receipt).is_some());
                }
                4 if !out.is_empty() => {
                    let handed = out.swap_remove(draws.below(out.len() as u32) as usize);
                    let rests = draws.below(2) == 0;
                    if let Some(Failed::Returns { receipt, .. }) =
                        queue.failed(handed.slot, handed.receipt, rests, ALWAYS, Time::ZERO)
                        && rests
                    {
                        resting.push((handed.slot, receipt));
                    }
                }
                5 if !resting.is_empty() => {
                    let (slot, receipt) = resting.pop().expect("it is not empty");
                    assert!(queue.rested(slot, receipt, Time::ZERO));
                }
                _ => {}
            }
            assert_eq!(queue.len() as u64, put - done);
            assert_eq!(u64::from(queue.waiting()) + out.len() as u64, put - done);
        }
        let numbers = queue
            .ready
            .iter()
            .map(|at| queue.slots[*at as usize].map(|s| s.number));
        assert!(numbers.is_sorted());
        assert!(done > 1000, "{done}");
    }

    use crate::random::Key;
}
