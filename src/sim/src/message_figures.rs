//! What was measured of messages at a broker: how many came, were delivered, processed and lost, and how many waited.

use serde::{Deserialize, Serialize};

use crate::event::MessageEvent;
use crate::time::Time;

/// What one broker did with messages; all zero for other stations.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct MessageFigures {
    /// Messages stored.
    pub published: u64,
    /// Deliveries, over all subscriptions.
    pub delivered: u64,
    /// Deliveries of a message after its first, by subscription.
    pub redelivered: u64,
    /// Messages processed, by subscription.
    pub processed: u64,
    /// How long that was after they were published, on average, in milliseconds.
    pub processed_ms: f64,
    /// Messages given up after as many deliveries as they may have.
    pub dead_letters: u64,
    /// Messages that made room for others.
    pub dropped: u64,
    /// Messages lost by consumers after their acknowledgement, or by the broker.
    pub lost: u64,
    /// Mean number of messages that wait: of a queue those that are with no consumer, of a topic those that the subscription
    /// which is furthest behind has not committed (its lag).
    pub backlog: f64,
    /// The most at any moment.
    pub backlog_max: u32,
}

/// Running totals; figures over a stretch are the difference between two of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MessageCounters {
    published: u64,
    delivered: u64,
    redelivered: u64,
    processed: u64,
    processed_ns: u128,
    dead_letters: u64,
    dropped: u64,
    lost: u64,
    backlog_ns: u128,
    /// How many wait now, and up to when they are counted.
    level: u32,
    settled: Time,
}

impl MessageCounters {
    /// Counts from `now` on.
    pub fn at(now: Time) -> Self {
        Self {
            settled: now,
            ..Self::default()
        }
    }

    /// Counts what waited up to `now`.
    pub fn settle(&mut self, now: Time) {
        let passed = now.since(self.settled).nanos();
        self.backlog_ns += u128::from(self.level) * u128::from(passed);
        self.settled = now;
    }

    /// How many wait.
    pub const fn level(&self) -> u32 {
        self.level
    }

    /// Counts an event at the broker.
    pub fn count(&mut self, now: Time, event: &MessageEvent) {
        if let Some(backlog) = event.backlog() {
            self.settle(now);
            self.level = backlog;
        }
        match *event {
            MessageEvent::Published { .. } => self.published += 1,
            MessageEvent::Delivered { delivery, .. } => {
                self.delivered += 1;
                self.redelivered += u64::from(delivery > 1);
            }
            MessageEvent::Processed { took, .. } => {
                self.processed += 1;
                self.processed_ns += u128::from(took.nanos());
            }
            MessageEvent::DeadLettered { .. } => self.dead_letters += 1,
            MessageEvent::Dropped { .. } => self.dropped += 1,
            MessageEvent::Lost { .. } => self.lost += 1,
            _ => {}
        }
    }

    /// The figures between `then` and this, over so many nanoseconds.
    pub fn since(&self, then: &Self, length: f64, backlog_max: u32) -> MessageFigures {
        let processed = self.processed - then.processed;
        MessageFigures {
            published: self.published - then.published,
            delivered: self.delivered - then.delivered,
            redelivered: self.redelivered - then.redelivered,
            processed,
            processed_ms: (self.processed_ns - then.processed_ns) as f64
                / 1e6
                / processed.max(1) as f64,
            dead_letters: self.dead_letters - then.dead_letters,
            dropped: self.dropped - then.dropped,
            lost: self.lost - then.lost,
            backlog: (self.backlog_ns - then.backlog_ns) as f64 / length,
            backlog_max,
        }
    }
}
