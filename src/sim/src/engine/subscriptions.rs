//! Topics at work: messages are appended and handed over to the members of groups, which rebalance when members come or go.

use std::sync::Arc;

use super::Engine;
use super::messages::{is_there, of_handed};
use crate::calendar::Due;
use crate::event::{Event, MessageEvent, MessageRef, RequestRef};
use crate::frame::Outcome;
use crate::hash::murmur2;
use crate::messaging::{Answered, End, Message, Told};
use crate::model::{BrokerModel, GroupModel, Model, TopicModel};
use crate::probe::Probe;

/// The settings of a topic.
fn topic_of(model: &Model, at: u16) -> Option<&TopicModel> {
    match model.components[usize::from(at)].broker.as_deref()? {
        BrokerModel::Topic(topic) => Some(topic),
        BrokerModel::Queue(_) => None,
    }
}

/// Names a group's member, or its part in a partition, for answers and alarms.
const fn slot(group: u16, at: u32) -> u32 {
    (group as u32) << 16 | at
}

impl<P: Probe> Engine<P> {
    /// A topic writes a message at the end of its key's partition. Tells whether there is such a topic.
    pub(super) fn append(&mut self, model: &Model, at: u16, message: Message) -> bool {
        let now = self.now;
        let station = self.broker_station(at);
        let Some(settings) = topic_of(model, at) else {
            return false;
        };
        let partition = murmur2::partition(message.data, settings.partitions) as u16;
        let mut dropped = None;
        let Some(topic) = self.messaging.topic(at) else {
            return false;
        };
        let number = topic.append(partition, message, settings.retention, now, &mut dropped);
        let backlog = self.backlog_of(at);
        let about = |message: &Message, number| MessageRef {
            key: message.data,
            number,
            partition,
            group: 0,
        };
        if let Some((oldest, number, unread)) = dropped {
            if unread {
                let event = MessageEvent::Dropped {
                    station,
                    message: about(&oldest, number),
                    backlog,
                };
                self.tell_message(oldest.request, event);
            }
            self.unhold(oldest.request);
        }
        self.hold(message.request);
        let event = MessageEvent::Published {
            station,
            message: about(&message, number),
            backlog,
        };
        self.tell_message(message.request, event);
        self.forget_read(at, partition);
        true
    }

    /// What all groups are done with is gone.
    fn forget_read(&mut self, at: u16, partition: u16) {
        while let Some(message) = self
            .messaging
            .topic(at)
            .and_then(|topic| topic.take_read(partition))
        {
            self.unhold(message.request);
        }
    }

    /// A topic is back: it hears what its members have processed in the meantime.
    pub(super) fn commit_late(&mut self, model: &Model, at: u16) {
        let Some(settings) = topic_of(model, at) else {
            return;
        };
        for (group, settings) in (0..).zip(&settings.groups) {
            let topic = self.messaging.topic(at);
            let late = topic.map(|topic| topic.commit_late(usize::from(group), settings.reading));
            for (message, partition, number) in late.unwrap_or_default() {
                let about = MessageRef {
                    key: message.data,
                    number,
                    partition,
                    group,
                };
                self.acknowledged(at, message, about);
                self.forget_read(at, partition);
            }
        }
    }

    /// All members of all groups of a topic get what there is for them.
    pub(super) fn serve_groups(&mut self, model: &Model, at: u16) {
        let Some(settings) = topic_of(model, at) else {
            return;
        };
        for (group, settings) in (0..).zip(&settings.groups) {
            let to = usize::from(settings.consumer.to);
            for member in 0..model.components[to].stations.len() as u32 {
                self.serve_member(model, at, group, settings, member);
            }
        }
    }

    /// The members that have the partition of a key get what there is for them.
    pub(super) fn serve_partition(&mut self, model: &Model, at: u16, key: u64) {
        let Some(settings) = topic_of(model, at) else {
            return;
        };
        let partition = murmur2::partition(key, settings.partitions) as u16;
        for (group, settings) in (0..).zip(&settings.groups) {
            let topic = self.messaging.topic(at);
            let owner = topic.and_then(|topic| topic.owner(usize::from(group), partition));
            if let Some(owner) = owner {
                self.serve_member(model, at, group, settings, owner);
            }
        }
    }

    /// A member gets messages for as long as it takes them.
    fn serve_member(
        &mut self,
        model: &Model,
        at: u16,
        group: u16,
        settings: &GroupModel,
        member: u32,
    ) {
        match &mut self.messaging.brokers[usize::from(at)] {
            Some(broker) if !broker.giving => broker.giving = true,
            _ => return,
        }
        let consumer = settings.consumer;
        while self.broker_is_up(at) && is_there(model, &self.stations, consumer.to, member) {
            let topic = self.messaging.topic(at);
            let handed = topic
                .and_then(|topic| topic.hand_over(usize::from(group), member, settings.reading));
            let Some(handed) = handed else {
                break;
            };
            if settings.reading.ahead {
                self.acknowledged(at, handed.message, of_handed(&handed, group));
            }
            self.hand_over(model, at, &consumer, &handed, slot(group, member), group);
            self.forget_read(at, handed.partition);
        }
        if let Some(broker) = &mut self.messaging.brokers[usize::from(at)] {
            broker.giving = false;
        }
    }

    /// A member has come to the end of what it had.
    pub(super) fn member_answered(
        &mut self,
        model: &Model,
        broker: u16,
        slot_of: u32,
        receipt: u32,
        outcome: Outcome,
    ) {
        let (group, member) = ((slot_of >> 16) as u16, slot_of & 0xffff);
        let Some(settings) = topic_of(model, broker) else {
            return;
        };
        let Some(settings) = settings.groups.get(usize::from(group)) else {
            return;
        };
        let told = Told {
            ok: outcome.is_ok(),
            is_there: is_there(model, &self.stations, settings.consumer.to, member),
            up: self.broker_is_up(broker),
        };
        let topic = self.messaging.topic(broker);
        let answered = topic.and_then(|topic| {
            topic.answered(usize::from(group), member, receipt, told, settings.reading)
        });
        let Some(answered) = answered else {
            return;
        };
        let Answered {
            message,
            partition,
            offset,
            end,
            committed,
        } = answered;
        let about = MessageRef {
            key: message.data,
            number: offset,
            partition,
            group,
        };
        match end {
            End::Processed => self.processed(broker, message, about),
            End::Void => {}
            End::Rests { .. } | End::Left => {
                if let End::Rests { turn } = end {
                    let due = Due::Message {
                        broker,
                        slot: slot(group, u32::from(partition)),
                        receipt: turn,
                    };
                    self.calendar.plan(self.now + settings.retry.after, due);
                }
                if let Err(failure) = outcome {
                    let event = MessageEvent::Returned {
                        station: self.broker_station(broker),
                        message: about,
                        reason: failure.reason,
                        backlog: self.backlog_of(broker),
                    };
                    self.tell_message(message.request, event);
                }
            }
            End::Dead => self.dead_letter(model, broker, message, about, &settings.retry),
            End::Lost => self.lost(broker, message, about),
        }
        if committed {
            self.acknowledged(broker, message, about);
        }
        self.forget_read(broker, partition);
        self.serve_member(model, broker, group, settings, member);
    }

    /// A partition's message that failed may come again.
    pub(super) fn partition_rested(&mut self, model: &Model, broker: u16, of: u32, turn: u32) {
        let (group, partition) = ((of >> 16) as u16, (of & 0xffff) as u16);
        let owner = self
            .messaging
            .topic(broker)
            .and_then(|topic| topic.rested(usize::from(group), partition, turn));
        let settings = topic_of(model, broker);
        let settings = settings.and_then(|topic| topic.groups.get(usize::from(group)));
        if let (Some(owner), Some(settings)) = (owner, settings) {
            self.serve_member(model, broker, group, settings, owner);
        }
    }

    /// A member of a group has crashed, or is back.
    pub(super) fn member_struck(
        &mut self,
        broker: u16,
        group: u16,
        settings: &GroupModel,
        member: u32,
        crashed: bool,
    ) {
        if !crashed {
            return self.begin_rebalance(broker, group, settings);
        }
        let topic = self.messaging.topic(broker);
        if let Some(turn) = topic.and_then(|topic| topic.member_lost(usize::from(group), member)) {
            let due = Due::Rebalance {
                broker,
                group,
                turn,
            };
            self.calendar.plan(self.now + settings.session, due);
        }
    }

    /// A group begins to rebalance, unless it does already.
    pub(super) fn begin_rebalance(&mut self, broker: u16, group: u16, settings: &GroupModel) {
        let topic = self.messaging.topic(broker);
        if let Some(turn) = topic.and_then(|topic| topic.members_changed(usize::from(group))) {
            let due = Due::Rebalance {
                broker,
                group,
                turn,
            };
            self.calendar.plan(self.now + settings.rebalance, due);
            let station = self.broker_station(broker);
            let event = Event::Message(MessageEvent::Rebalancing { station, group });
            self.probe
                .event(&self.model, self.now, RequestRef::NONE, &event);
        }
    }

    /// A member is missed, or a rebalance is over.
    pub(super) fn rebalance(&mut self, broker: u16, group: u16, turn: u32) {
        let model = Arc::clone(&self.model);
        let settings = topic_of(&model, broker);
        let Some(settings) = settings.and_then(|topic| topic.groups.get(usize::from(group))) else {
            return;
        };
        let at = usize::from(group);
        match self.messaging.topic(broker) {
            Some(topic) if topic.is_at(at, turn) => {
                if !topic.is_rebalancing(at) {
                    return self.begin_rebalance(broker, group, settings);
                }
            }
            _ => return,
        }
        self.assign(&model, broker, group, settings, true);
        self.serve_groups(&model, broker);
    }

    /// Shares a group's partitions among the members that are there.
    fn assign(
        &mut self,
        model: &Model,
        broker: u16,
        group: u16,
        settings: &GroupModel,
        tells: bool,
    ) {
        let up = self.broker_is_up(broker);
        let station = self.broker_station(broker);
        let stations = &self.stations;
        let to = settings.consumer.to;
        let Some(topic) = self.messaging.topic(broker) else {
            return;
        };
        let assigned = topic.assign(
            usize::from(group),
            settings.assignment,
            settings.reading,
            up,
            |member| is_there(model, stations, to, member),
        );
        let partitions = topic.partitions();
        if !tells {
            return;
        }
        let event = Event::Message(MessageEvent::Rebalanced {
            station,
            group,
            members: assigned.members,
            again: u32::try_from(assigned.again).unwrap_or(u32::MAX),
        });
        self.probe
            .event(&self.model, self.now, RequestRef::NONE, &event);
        for (message, partition, number) in assigned.lost {
            let about = MessageRef {
                key: message.data,
                number,
                partition,
                group,
            };
            self.lost(broker, message, about);
        }
        for partition in 0..partitions {
            self.forget_read(broker, partition);
        }
    }

    /// The members of all groups of a topic get their partitions at the start of a run.
    pub(super) fn assign_groups(&mut self, model: &Model, broker: u16) {
        if let Some(settings) = topic_of(model, broker) {
            for (group, settings) in (0..).zip(&settings.groups) {
                self.assign(model, broker, group, settings, false);
            }
        }
    }
}
