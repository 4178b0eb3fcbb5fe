//! Messages between components: what brokers keep, to whom they hand it, and what they remember of that.
//!
//! [`QueueState`] is a work queue, [`TopicState`] a partitioned log, [`OutboxState`] a table of messages beside the rows of a
//! database. None of them knows the engine: each is told what happens and says what is to be done.

mod assignment;
mod outbox;
mod queue;
mod topic;

use serde::{Deserialize, Serialize};

use crate::frame::RequestId;
use crate::random::Key;
use crate::time::Time;

pub use assignment::Assignment;
pub(crate) use outbox::{Entry, OutboxState};
pub(crate) use queue::{Failed, QueueState, Stored};
pub(crate) use topic::{Answered, End, Reading, Told, TopicState};

/// What a broker promises of a message that it hands over.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// It is forgotten when it is handed over: a consumer that fails loses it.
    AtMostOnce,
    /// It is kept until the consumer has answered well: one that fails in between, or whose answer is lost, gets it again.
    #[default]
    AtLeastOnce,
}

/// A message, as brokers keep it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Message {
    /// The request that published it. It is kept under way for as long as anything of the message is.
    pub request: RequestId,
    /// What it asks for.
    pub operation: u16,
    /// What its consumers' draws derive from.
    pub key: Key,
    /// The row, user or product that it is about.
    pub data: u64,
    /// When it was published first: also of one that has become a dead letter.
    pub published: Time,
}

/// Something handed over to a consumer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Handed {
    pub message: Message,
    /// Its place in the order of the queue or partition.
    pub number: u64,
    /// The partition; 0 of a queue.
    pub partition: u16,
    /// Who gets it: which instance of the consumer.
    pub consumer: u32,
    /// The so manieth delivery of it, from 1.
    pub delivery: u32,
    /// Where the answer finds it.
    pub slot: u32,
    pub receipt: u32,
    /// Since when it could have been handed over.
    pub since: Time,
}

#[cfg(test)]
pub(crate) fn message(data: u64) -> Message {
    Message {
        request: RequestId::default(),
        operation: 0,
        key: Key::root(data),
        data,
        published: Time::ZERO,
    }
}
