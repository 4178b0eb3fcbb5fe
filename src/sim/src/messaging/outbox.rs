//! An outbox: messages that were written in the same transaction as the rows which they are about, and the relay that
//! publishes them.
//!
//! Models: a relay that looks for unpublished messages at fixed times, publishes as many as a batch holds one after the
//! other, in the order of their commits, and marks each when the broker has answered. If the answer does not come, or the
//! relay crashes before it has made its mark, the message is published again: at least once.
//! Source: the *transactional outbox* and *polling publisher* of Richardson, *Microservices Patterns*, 2018, section 3.3.

use std::collections::VecDeque;

use super::Message;

/// A message in the outbox.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Entry {
    pub message: Message,
    /// The position of its row's write in the database's log.
    pub version: u64,
}

/// An outbox at work.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct OutboxState {
    /// Those that are not marked as published, in the order of the log.
    entries: VecDeque<Entry>,
    /// Whether the first of them is on its way to the broker.
    sending: bool,
    /// How many of the batch are left.
    left: u32,
    /// Names the latest sending.
    receipt: u32,
    /// How often the first of them has been sent before.
    tries: u32,
    /// Whether the relay's next look is planned.
    pub planned: bool,
}

impl OutboxState {
    /// How many are not published.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// A transaction leaves a message.
    pub fn leave(&mut self, entry: Entry) {
        self.entries.push_back(entry);
    }

    /// The relay looks, and may publish so many. While it still publishes the last batch it does not.
    pub fn look(&mut self, batch: u32) {
        if !self.sending {
            self.left = batch;
        }
    }

    /// The next message of the batch, if its row `is_seen`: it is to be published under this receipt. Tells also how often
    /// that has been tried before.
    pub fn send(&mut self, is_seen: impl FnOnce(u64) -> bool) -> Option<(Message, u32, u32)> {
        if self.sending || self.left == 0 {
            return None;
        }
        let first = self.entries.front()?;
        if !is_seen(first.version) {
            return None;
        }
        self.sending = true;
        self.receipt = self.receipt.wrapping_add(1);
        let tries = self.tries;
        self.tries = tries.saturating_add(1);
        Some((first.message, self.receipt, tries))
    }

    /// The broker has answered to the sending of that receipt: the message that is marked, if that is still of account.
    pub fn answered(&mut self, receipt: u32, ok: bool) -> Option<Message> {
        if !self.sending || receipt != self.receipt {
            return None;
        }
        self.sending = false;
        if !ok {
            // What follows must not overtake it.
            self.left = 0;
            return None;
        }
        self.left -= 1;
        self.tries = 0;
        self.entries.pop_front().map(|entry| entry.message)
    }

    /// The relay has crashed: it does not know what it was about.
    pub fn crash(&mut self) {
        (self.sending, self.left) = (false, 0);
    }

    /// A failover has lost the writes that `is_lost` tells of, and their messages with them: those go to `lost`.
    pub fn lose(&mut self, is_lost: impl Fn(u64) -> bool, lost: &mut Vec<Message>) {
        if self
            .entries
            .front()
            .is_some_and(|entry| is_lost(entry.version))
        {
            self.crash();
            self.tries = 0;
        }
        self.entries.retain(|entry| {
            let goes = is_lost(entry.version);
            if goes {
                lost.push(entry.message);
            }
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::message;
    use super::*;

    fn outbox(count: u64) -> OutboxState {
        let mut outbox = OutboxState::default();
        for version in 1..=count {
            outbox.leave(Entry {
                message: message(version),
                version,
            });
        }
        outbox
    }

    /// What the relay publishes of a batch while the broker answers well.
    fn batch(outbox: &mut OutboxState, size: u32) -> Vec<u64> {
        outbox.look(size);
        let mut sent = Vec::new();
        while let Some((message, receipt, _)) = outbox.send(|_| true) {
            sent.push(message.data);
            assert_eq!(outbox.answered(receipt, true), Some(message));
        }
        sent
    }

    #[test]
    fn batches_go_in_the_order_of_the_log() {
        let mut outbox = outbox(5);
        assert_eq!(batch(&mut outbox, 3), [1, 2, 3]);
        assert_eq!(batch(&mut outbox, 3), [4, 5]);
        assert_eq!(outbox.len(), 0);
    }

    #[test]
    fn a_refusal_stops_the_batch_and_nothing_overtakes() {
        let mut outbox = outbox(3);
        outbox.look(3);
        let (_, receipt, _) = outbox.send(|_| true).expect("there is one");
        assert_eq!(outbox.send(|_| true), None, "one at a time");
        assert_eq!(outbox.answered(receipt, false), None);
        assert_eq!(outbox.send(|_| true), None);
        assert_eq!(batch(&mut outbox, 3), [1, 2, 3]);
    }

    #[test]
    fn a_crash_before_the_mark_makes_a_duplicate() {
        let mut outbox = outbox(1);
        outbox.look(1);
        let (first, receipt, _) = outbox.send(|_| true).expect("there is one");
        outbox.crash();
        assert_eq!(outbox.answered(receipt, true), None, "nobody marks it");
        assert_eq!(batch(&mut outbox, 1), [first.data]);
    }

    #[test]
    fn what_is_not_committed_is_not_published_and_what_is_lost_never() {
        let mut outbox = outbox(3);
        outbox.look(9);
        assert_eq!(outbox.send(|version| version < 1), None);
        let mut lost = Vec::new();
        outbox.lose(|version| version > 1, &mut lost);
        assert_eq!(lost.len(), 2);
        assert_eq!(batch(&mut outbox, 9), [1]);
    }
}
