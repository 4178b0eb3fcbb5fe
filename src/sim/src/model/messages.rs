//! What is compiled of queues, topics and outboxes.

use crate::component::Full;
use crate::messaging::{Assignment, Reading};
use crate::time::Duration;

/// A component that keeps messages.
#[derive(Clone, Debug)]
pub(crate) enum BrokerModel {
    Queue(QueueModel),
    Topic(TopicModel),
}

/// Compiled [`Queue`](crate::component::Queue).
#[derive(Clone, Debug)]
pub(crate) struct QueueModel {
    pub consumer: Option<ConsumerModel>,
    pub capacity: u32,
    pub full: Full,
    /// Whether messages stay until they are acknowledged.
    pub keeps: bool,
    pub prefetch: u32,
    pub visibility: Duration,
    pub retry: RetryModel,
    pub durable: bool,
}

/// Compiled [`Topic`](crate::component::Topic).
#[derive(Clone, Debug)]
pub(crate) struct TopicModel {
    pub partitions: u32,
    pub retention: u32,
    pub groups: Vec<GroupModel>,
}

/// Compiled [`Subscription`](crate::component::Subscription).
#[derive(Clone, Debug)]
pub(crate) struct GroupModel {
    pub consumer: ConsumerModel,
    pub reading: Reading,
    pub assignment: Assignment,
    pub session: Duration,
    pub rebalance: Duration,
    pub retry: RetryModel,
}

/// Who gets messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ConsumerModel {
    pub to: u16,
    /// What it is asked for, or [`OWN`](super::OWN).
    pub operation: u16,
    /// The wire to it, or [`NONE`](crate::frame::NONE).
    pub link: u32,
    /// Mixed into its draws.
    pub key: u64,
}

/// What becomes of deliveries that fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RetryModel {
    pub after: Duration,
    pub most: u32,
    /// The queue of dead letters, or [`NOBODY`](crate::frame::NOBODY).
    pub dead_letters: u16,
}

/// Compiled [`Outbox`](crate::component::Outbox).
#[derive(Clone, Debug)]
pub(crate) struct OutboxModel {
    /// Where messages are published.
    pub broker: ConsumerModel,
    pub poll: Duration,
    pub batch: u32,
    /// By operation: whether its writes leave a message.
    pub leaves: Vec<bool>,
}

impl BrokerModel {
    /// Whether what one keeps and has handed over is as good in the other.
    pub fn same_shape(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Queue(a), Self::Queue(b)) => {
                a.consumer == b.consumer
                    && a.keeps == b.keeps
                    && a.retry.dead_letters == b.retry.dead_letters
            }
            (Self::Topic(a), Self::Topic(b)) => {
                let group = |(a, b): (&GroupModel, &GroupModel)| {
                    a.consumer == b.consumer
                        && a.reading.ahead == b.reading.ahead
                        && a.retry.dead_letters == b.retry.dead_letters
                };
                a.partitions == b.partitions
                    && a.groups.len() == b.groups.len()
                    && a.groups.iter().zip(&b.groups).all(group)
            }
            _ => false,
        }
    }

    /// Whether it hands messages to `component`.
    pub fn feeds(&self, component: u16) -> bool {
        match self {
            Self::Queue(queue) => queue.consumer.is_some_and(|to| to.to == component),
            Self::Topic(topic) => topic
                .groups
                .iter()
                .any(|group| group.consumer.to == component),
        }
    }
}
