//! What happens to messages at queues, topics and outboxes.

use core::fmt;

use super::Loss;
use crate::model::Model;
use crate::time::Duration;

/// Which message an event is about. The request of the event is the one that published it; with the number this names the
/// message, however often it is delivered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MessageRef {
    /// The row, user or product that it is about.
    pub key: u64,
    /// Its place in the order of its queue or partition, from 0: the offset.
    pub number: u64,
    /// The partition; 0 of a queue.
    pub partition: u16,
    /// Which of the topic's subscriptions the event is of; 0 of a queue.
    pub group: u16,
}

/// One thing that happened to messages. `backlog` is how many wait from then on: of a queue those that are with no consumer, of a
/// topic those that the subscription which is furthest behind has not committed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MessageEvent {
    /// A broker has stored a message.
    Published {
        /// The broker.
        station: u32,
        /// The message.
        message: MessageRef,
        /// How many wait.
        backlog: u32,
    },
    /// A publisher waits for room in a queue.
    Blocked {
        /// The broker.
        station: u32,
    },
    /// There is room, and the publisher's message is stored.
    Unblocked {
        /// The broker.
        station: u32,
    },
    /// A message is handed over to a consumer.
    Delivered {
        /// The broker.
        station: u32,
        /// The message.
        message: MessageRef,
        /// The consumer's station.
        to: u32,
        /// The so manieth delivery of it, from 1.
        delivery: u32,
        /// How long it could have been handed over and was not.
        waited: Duration,
        /// How many wait.
        backlog: u32,
    },
    /// The broker need not deliver the message any more; of a topic, nor any before it in the partition.
    Acknowledged {
        /// The broker.
        station: u32,
        /// The message.
        message: MessageRef,
        /// How many wait.
        backlog: u32,
    },
    /// A consumer has done what a message asks for.
    Processed {
        /// The broker.
        station: u32,
        /// The message.
        message: MessageRef,
        /// How long that is after it was published.
        took: Duration,
    },
    /// A delivery has failed, or was not answered in time: there will be another.
    Returned {
        /// The broker.
        station: u32,
        /// The message.
        message: MessageRef,
        /// Why.
        reason: Loss,
        /// How many wait.
        backlog: u32,
    },
    /// A message was delivered as often as it may be.
    DeadLettered {
        /// The broker.
        station: u32,
        /// The message.
        message: MessageRef,
        /// The queue that gets it; `u16::MAX` if none does.
        to: u16,
        /// How many wait.
        backlog: u32,
    },
    /// A message that waited had to make room for a new one.
    Dropped {
        /// The broker.
        station: u32,
        /// The message.
        message: MessageRef,
        /// How many wait.
        backlog: u32,
    },
    /// A message is lost: its consumer failed after it was acknowledged, or its broker crashed and had it in memory only.
    Lost {
        /// The broker.
        station: u32,
        /// The message.
        message: MessageRef,
        /// How many wait.
        backlog: u32,
    },
    /// A broker's crash has lost messages.
    Wiped {
        /// The broker.
        station: u32,
        /// How many; each has an event of its own before.
        messages: u32,
    },
    /// A subscription delivers nothing until its partitions are assigned anew.
    Rebalancing {
        /// The broker.
        station: u32,
        /// Which subscription.
        group: u16,
    },
    /// A subscription's partitions are assigned.
    Rebalanced {
        /// The broker.
        station: u32,
        /// Which subscription.
        group: u16,
        /// To how many members.
        members: u32,
        /// Messages that will be delivered again, because that was not committed.
        again: u32,
    },
    /// A transaction leaves a message in its database's outbox.
    Recorded {
        /// The database's node.
        station: u32,
        /// The key of the row.
        key: u64,
    },
    /// The relay has published a message of the outbox, and marked it.
    Relayed {
        /// The database's node.
        station: u32,
        /// The key of the row.
        key: u64,
    },
}

impl MessageEvent {
    /// The event's name in the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Published { .. } => "message_published",
            Self::Blocked { .. } => "publisher_blocked",
            Self::Unblocked { .. } => "publisher_unblocked",
            Self::Delivered { .. } => "message_delivered",
            Self::Acknowledged { .. } => "message_acknowledged",
            Self::Processed { .. } => "message_processed",
            Self::Returned { .. } => "message_returned",
            Self::DeadLettered { .. } => "message_dead_lettered",
            Self::Dropped { .. } => "message_dropped",
            Self::Lost { .. } => "message_lost",
            Self::Wiped { .. } => "messages_wiped",
            Self::Rebalancing { .. } => "rebalancing",
            Self::Rebalanced { .. } => "rebalanced",
            Self::Recorded { .. } => "outbox_recorded",
            Self::Relayed { .. } => "outbox_relayed",
        }
    }

    /// The station where it happened: a broker's, or a database's.
    pub const fn station(&self) -> u32 {
        match *self {
            Self::Published { station, .. }
            | Self::Blocked { station }
            | Self::Unblocked { station }
            | Self::Delivered { station, .. }
            | Self::Acknowledged { station, .. }
            | Self::Processed { station, .. }
            | Self::Returned { station, .. }
            | Self::DeadLettered { station, .. }
            | Self::Dropped { station, .. }
            | Self::Lost { station, .. }
            | Self::Wiped { station, .. }
            | Self::Rebalancing { station, .. }
            | Self::Rebalanced { station, .. }
            | Self::Recorded { station, .. }
            | Self::Relayed { station, .. } => station,
        }
    }

    /// How many messages wait there from now on, if that may have changed.
    pub(crate) const fn backlog(&self) -> Option<u32> {
        match *self {
            Self::Published { backlog, .. }
            | Self::Delivered { backlog, .. }
            | Self::Acknowledged { backlog, .. }
            | Self::Returned { backlog, .. }
            | Self::DeadLettered { backlog, .. }
            | Self::Dropped { backlog, .. }
            | Self::Lost { backlog, .. } => Some(backlog),
            _ => None,
        }
    }

    /// Writes the end of its line in the log: where, and what there is to say.
    pub(super) fn write(&self, out: &mut impl fmt::Write, model: &Model) -> fmt::Result {
        let name = |at: u32| model.stations.get(at as usize).map_or("", |s| &s.name);
        let at = name(self.station());
        match *self {
            Self::Blocked { .. } | Self::Unblocked { .. } => writeln!(out, "{at},"),
            Self::Delivered {
                message,
                to,
                delivery,
                ..
            } => writeln!(out, "{at},{message} to {} delivery {delivery}", name(to)),
            Self::Processed { message, took, .. } => {
                writeln!(out, "{at},{message} after {}", took.nanos())
            }
            Self::Returned {
                message, reason, ..
            } => writeln!(out, "{at},{message} {}", reason.name()),
            Self::DeadLettered { message, to, .. } => match model.components.get(usize::from(to)) {
                Some(to) => writeln!(out, "{at},{message} to {}", to.name),
                None => writeln!(out, "{at},{message}"),
            },
            Self::Published { message, .. }
            | Self::Acknowledged { message, .. }
            | Self::Dropped { message, .. }
            | Self::Lost { message, .. } => writeln!(out, "{at},{message}"),
            Self::Wiped { messages, .. } => writeln!(out, "{at},{messages}"),
            Self::Rebalancing { group, .. } => writeln!(out, "{at},group {group}"),
            Self::Rebalanced {
                group,
                members,
                again,
                ..
            } => writeln!(out, "{at},group {group} members {members} again {again}"),
            Self::Recorded { key, .. } | Self::Relayed { key, .. } => writeln!(out, "{at},{key}"),
        }
    }
}

impl fmt::Display for MessageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{} key {} group {}",
            self.partition, self.number, self.key, self.group
        )
    }
}
