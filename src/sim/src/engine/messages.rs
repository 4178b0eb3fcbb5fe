//! Brokers at work: messages are stored, handed over, answered. What queues and topics remember is in `messaging`; here is who
//! asks them, and when. What is about topics alone is in `subscriptions`, outboxes in `relays`.
//!
//! A delivery opens a frame at an instance of the consumer, as work of the publishing request that nobody waits for. While a
//! broker keeps a message its request is under way ([`Request::open`](crate::frame::Request::open)), so that whatever is
//! done for it belongs to somebody.

use std::sync::Arc;

use super::Engine;
use crate::calendar::Due;
use crate::component::Full;
use crate::component::station::{Duty, Station};
use crate::event::{Child, Event, Loss, MessageEvent, MessageRef, RequestRef};
use crate::frame::{Failure, FrameId, NOBODY, NONE, Outcome, RequestId, State, Waiter};
use crate::messaging::{Failed, Handed, Message, OutboxState, QueueState, Stored, TopicState};
use crate::model::{BrokerModel, ConsumerModel, Model, OWN, QueueModel, RetryModel};
use crate::probe::Probe;

/// All messages of a run.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Messaging {
    /// By component; none where no messages are kept.
    pub brokers: Vec<Option<Box<Broker>>>,
    /// By component; none where no database with an outbox is.
    pub outboxes: Vec<Option<Box<OutboxState>>>,
    /// The components that are brokers.
    pub all: Vec<u16>,
}

/// One broker.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Broker {
    pub kept: Kept,
    /// Whether messages are being handed over right now: what comes of one that is refused at once is seen to by whoever does.
    pub giving: bool,
}

/// What a broker keeps.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Kept {
    Queue(QueueState),
    Topic(TopicState),
}

impl Messaging {
    /// All brokers and outboxes of a model at their start.
    pub fn new(model: &Model) -> Self {
        let broker = |broker: &BrokerModel| {
            let kept = match broker {
                BrokerModel::Queue(_) => Kept::Queue(QueueState::default()),
                BrokerModel::Topic(topic) => {
                    Kept::Topic(TopicState::new(topic.partitions, topic.groups.len()))
                }
            };
            Box::new(Broker {
                kept,
                giving: false,
            })
        };
        let components = || model.components.iter();
        let brokers: Vec<_> = { components() }
            .map(|component| component.broker.as_deref().map(broker))
            .collect();
        let outboxes: Vec<_> = { components() }
            .map(|component| {
                let database = component.database.as_deref()?;
                database.outbox.as_ref().map(|_| Box::default())
            })
            .collect();
        let is_broker = |at: &u16| brokers[usize::from(*at)].is_some();
        Self {
            all: { 0..brokers.len() as u16 }.filter(is_broker).collect(),
            brokers,
            outboxes,
        }
    }

    /// Whether there is anything in it that can change.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty() && self.outboxes.iter().all(Option::is_none)
    }

    pub fn queue(&mut self, at: u16) -> Option<&mut QueueState> {
        match &mut self.brokers.get_mut(usize::from(at))?.as_mut()?.kept {
            Kept::Queue(queue) => Some(queue),
            Kept::Topic(_) => None,
        }
    }

    pub fn topic(&mut self, at: u16) -> Option<&mut TopicState> {
        match &mut self.brokers.get_mut(usize::from(at))?.as_mut()?.kept {
            Kept::Topic(topic) => Some(topic),
            Kept::Queue(_) => None,
        }
    }

    /// Whether somebody waits for what was planned of a message or partition.
    pub fn awaits(&self, broker: u16, slot: u32, receipt: u32) -> bool {
        match &self.brokers[usize::from(broker)] {
            Some(broker) => match &broker.kept {
                Kept::Queue(queue) => queue.awaits(slot, receipt),
                Kept::Topic(topic) => {
                    topic.rests((slot >> 16) as usize, (slot & 0xffff) as u16, receipt)
                }
            },
            None => false,
        }
    }

    /// Whether that phase of a group is not over.
    pub fn is_at(&self, broker: u16, group: u16, turn: u32) -> bool {
        match &self.brokers[usize::from(broker)] {
            Some(broker) => match &broker.kept {
                Kept::Topic(topic) => topic.is_at(usize::from(group), turn),
                Kept::Queue(_) => false,
            },
            None => false,
        }
    }
}

/// The settings of a queue.
fn queue_of(model: &Model, at: u16) -> Option<&QueueModel> {
    match model.components[usize::from(at)].broker.as_deref()? {
        BrokerModel::Queue(queue) => Some(queue),
        BrokerModel::Topic(_) => None,
    }
}

/// Whether instance number `at` of a consumer takes messages.
pub(super) fn is_there(model: &Model, stations: &[Station], consumer: u16, at: u32) -> bool {
    let own = &model.components[usize::from(consumer)].stations;
    own.get(at as usize).is_some_and(|&station| {
        let state = &stations[station as usize];
        state.up && state.duty == Duty::Serving && model.stations[station as usize].live
    })
}

impl<P: Probe> Engine<P> {
    /// The station of a broker.
    pub(super) fn broker_station(&self, at: u16) -> u32 {
        let stations = &self.model.components[usize::from(at)].stations;
        stations.first().copied().unwrap_or(NONE)
    }

    pub(super) fn broker_is_up(&self, at: u16) -> bool {
        let station = self.stations.get(self.broker_station(at) as usize);
        station.is_some_and(|station| station.up)
    }

    /// How many messages wait at a broker, as events tell it.
    pub(super) fn backlog_of(&self, at: u16) -> u32 {
        match &self.messaging.brokers[usize::from(at)] {
            Some(broker) => match &broker.kept {
                Kept::Queue(queue) => queue.waiting(),
                Kept::Topic(topic) => u32::try_from(topic.most_lag()).unwrap_or(u32::MAX),
            },
            None => 0,
        }
    }

    /// Messages that wait at a queue for a consumer, or that the subscription of a topic which is furthest behind has not
    /// committed; 0 for any other component.
    pub fn backlog(&self, component: usize) -> u32 {
        self.backlog_of(component as u16)
    }

    /// Messages of a topic that its subscription number `group` has not committed, if there is one.
    pub fn lag(&self, component: usize, group: usize) -> Option<u64> {
        match &self.messaging.brokers.get(component)?.as_ref()?.kept {
            Kept::Topic(topic) if group < topic.groups() => Some(topic.lag(group)),
            Kept::Topic(_) | Kept::Queue(_) => None,
        }
    }

    /// Messages of a database's outbox that are not published.
    pub fn outbox(&self, component: usize) -> Option<usize> {
        let outbox = self.messaging.outboxes.get(component)?.as_ref()?;
        Some(outbox.len())
    }

    /// Keeps a message's request under way.
    pub(super) fn hold(&mut self, request: RequestId) {
        if let Some(request) = self.requests.get_mut(request) {
            request.open += 1;
        }
    }

    /// A message is gone, and its request need not be kept for it.
    pub(super) fn unhold(&mut self, request: RequestId) {
        if let Some(request) = self.requests.get_mut(request) {
            request.open -= 1;
        }
        self.release(request);
    }

    /// Tells the probe what happened to a message.
    pub(super) fn tell_message(&mut self, request: RequestId, event: MessageEvent) {
        self.tell(request, NONE, &Event::Message(event));
    }

    /// A frame at a broker publishes what it is about. Tells whether it can go on at once.
    #[inline(never)]
    pub(super) fn publish(&mut self, id: FrameId) -> bool {
        let model = Arc::clone(&self.model);
        let frame = &self.frames[id];
        let (at, station, request) = (frame.component, frame.station, frame.request);
        let message = Message {
            request,
            operation: frame.operation,
            key: frame.key,
            data: frame.data,
            published: self.now,
        };
        if self.keep(&model, at, message) {
            self.frames[id].step += 1;
            if queue_of(&model, at).is_some() {
                self.pump(&model, at);
            } else {
                self.serve_partition(&model, at, message.data);
            }
            return true;
        }
        let blocks = queue_of(&model, at).is_some_and(|queue| queue.full == Full::Block);
        if blocks && let Some(queue) = self.messaging.queue(at) {
            queue.blocked.push_back(id);
            self.frames[id].state = State::Blocked;
            let blocked = Event::Message(MessageEvent::Blocked { station });
            self.tell(request, id.slot(), &blocked);
            return false;
        }
        let reason = Loss::QueueFull;
        self.finish(id, Err(Failure { reason, station }));
        false
    }

    /// A broker stores a message, if it has room. Tells whether it has. It hands nothing over yet.
    fn keep(&mut self, model: &Model, at: u16, message: Message) -> bool {
        let Some(settings) = queue_of(model, at) else {
            return self.append(model, at, message);
        };
        let now = self.now;
        let station = self.broker_station(at);
        let Some(queue) = self.messaging.queue(at) else {
            return false;
        };
        let mut dropped = None;
        if queue.waiting() >= settings.capacity {
            if settings.full == Full::DropOldest {
                dropped = queue.drop_oldest();
            }
            if dropped.is_none() {
                return false;
            }
        }
        let number = queue.put(message, now);
        if let Some(stored) = dropped {
            let (message, backlog) = (of_queue(&stored), self.backlog_of(at));
            let request = stored.message.request;
            let event = MessageEvent::Dropped {
                station,
                message,
                backlog,
            };
            self.tell_message(request, event);
            self.unhold(request);
        }
        self.hold(message.request);
        let event = MessageEvent::Published {
            station,
            message: MessageRef {
                key: message.data,
                number,
                partition: 0,
                group: 0,
            },
            backlog: self.backlog_of(at),
        };
        self.tell_message(message.request, event);
        true
    }

    /// Consumers that are free get what a broker has for them.
    pub(super) fn serve_consumers(&mut self, model: &Model, at: u16) {
        if queue_of(model, at).is_some() {
            self.pump(model, at);
        } else {
            self.serve_groups(model, at);
        }
    }

    /// A queue's messages go to consumers that are free, and publishers that wait get the room.
    fn pump(&mut self, model: &Model, at: u16) {
        let Some(settings) = queue_of(model, at) else {
            return;
        };
        match &mut self.messaging.brokers[usize::from(at)] {
            Some(broker) if !broker.giving => broker.giving = true,
            _ => return,
        }
        while self.broker_is_up(at) {
            self.unblock(model, settings, at);
            let Some(consumer) = settings.consumer else {
                break;
            };
            let stations = &self.stations;
            let handed = self.messaging.queue(at).and_then(|queue| {
                queue.hand_over(settings.prefetch, settings.keeps, |instance| {
                    is_there(model, stations, consumer.to, instance)
                })
            });
            let Some(handed) = handed else {
                break;
            };
            let Handed { slot, receipt, .. } = handed;
            let broker = at;
            if settings.keeps {
                let due = Due::Message {
                    broker,
                    slot,
                    receipt,
                };
                self.calendar.plan(self.now + settings.visibility, due);
            } else {
                self.acknowledged(at, handed.message, of_handed(&handed, 0));
            }
            self.hand_over(model, at, &consumer, &handed, slot, 0);
        }
        if let Some(broker) = &mut self.messaging.brokers[usize::from(at)] {
            broker.giving = false;
        }
    }

    pub(super) fn acknowledged(&mut self, at: u16, message: Message, about: MessageRef) {
        let event = MessageEvent::Acknowledged {
            station: self.broker_station(at),
            message: about,
            backlog: self.backlog_of(at),
        };
        self.tell_message(message.request, event);
    }

    /// Publishers that wait store their messages while there is room.
    fn unblock(&mut self, model: &Model, settings: &QueueModel, at: u16) {
        loop {
            let Some(queue) = self.messaging.queue(at) else {
                return;
            };
            if queue.waiting() >= settings.capacity {
                return;
            }
            let Some(id) = queue.blocked.pop_front() else {
                return;
            };
            let Some(frame) = self.frames.get_mut(id) else {
                continue;
            };
            if frame.state != State::Blocked || frame.component != at {
                continue;
            }
            frame.state = State::Working;
            frame.step += 1;
            let (request, station) = (frame.request, frame.station);
            let message = Message {
                request,
                operation: frame.operation,
                key: frame.key,
                data: frame.data,
                published: self.now,
            };
            let unblocked = Event::Message(MessageEvent::Unblocked { station });
            self.tell(request, id.slot(), &unblocked);
            self.keep(model, at, message);
            self.ready.push_back(id);
        }
    }

    /// Hands a message over: opens a frame for it at the consumer.
    pub(super) fn hand_over(
        &mut self,
        model: &Model,
        at: u16,
        consumer: &ConsumerModel,
        handed: &Handed,
        slot: u32,
        group: u16,
    ) {
        let message = handed.message;
        let to = consumer.to;
        let own = &model.components[usize::from(to)].stations;
        let Some(&station) = own.get(handed.consumer as usize) else {
            return;
        };
        let waiter = Waiter::Message {
            broker: at,
            slot,
            receipt: handed.receipt,
        };
        let operation = match consumer.operation {
            OWN => message.operation,
            operation => operation,
        };
        let mut key = message.key.with(consumer.key);
        if handed.delivery > 1 {
            key = key.with(u64::from(handed.delivery));
        }
        let request = message.request;
        let id = self.frame(request, waiter, to, operation, key, message.data);
        self.frames[id].station = station;
        let own = self.broker_station(at);
        let spawned = Event::Spawned {
            station: own,
            to,
            child: Child::Frame(id.slot()),
        };
        self.tell(request, NONE, &spawned);
        let delivered = MessageEvent::Delivered {
            station: own,
            message: of_handed(handed, group),
            to: station,
            delivery: handed.delivery,
            waited: self.now.since(handed.since),
            backlog: self.backlog_of(at),
        };
        self.tell(request, id.slot(), &Event::Message(delivered));
        self.leave_for(model, id, consumer.link, 0);
    }

    /// A consumer has come to the end of a delivery.
    #[inline(never)]
    pub(super) fn message_answered(
        &mut self,
        broker: u16,
        slot: u32,
        receipt: u32,
        outcome: Outcome,
    ) {
        let model = Arc::clone(&self.model);
        let Some(settings) = queue_of(&model, broker) else {
            return self.member_answered(&model, broker, slot, receipt, outcome);
        };
        let Some(queue) = self.messaging.queue(broker) else {
            return;
        };
        let Some(holder) = queue.holder(slot, receipt) else {
            return;
        };
        match outcome {
            Ok(_) => {
                if let Some((stored, owned)) = queue.done(slot, receipt) {
                    self.processed(broker, stored.message, of_queue(&stored));
                    if owned {
                        self.acknowledged(broker, stored.message, of_queue(&stored));
                    }
                    self.unhold(stored.message.request);
                }
            }
            Err(failure) => {
                let there = settings
                    .consumer
                    .is_some_and(|to| is_there(&model, &self.stations, to.to, holder));
                self.returned(
                    &model,
                    settings,
                    broker,
                    slot,
                    receipt,
                    there,
                    failure.reason,
                );
            }
        }
        self.pump(&model, broker);
    }

    pub(super) fn processed(&mut self, at: u16, message: Message, about: MessageRef) {
        let event = MessageEvent::Processed {
            station: self.broker_station(at),
            message: about,
            took: self.now.since(message.published),
        };
        self.tell_message(message.request, event);
    }

    /// A queue gets a message back that was not processed, or not in time.
    #[expect(clippy::too_many_arguments, reason = "a delivery has three names")]
    fn returned(
        &mut self,
        model: &Model,
        settings: &QueueModel,
        broker: u16,
        slot: u32,
        receipt: u32,
        rests: bool,
        reason: Loss,
    ) {
        let now = self.now;
        let station = self.broker_station(broker);
        let most = settings.retry.most;
        let Some(queue) = self.messaging.queue(broker) else {
            return;
        };
        let Some(failed) = queue.failed(slot, receipt, rests, most, now) else {
            return;
        };
        let backlog = queue.waiting();
        match failed {
            Failed::Returns { stored, receipt } => {
                if rests {
                    let due = Due::Message {
                        broker,
                        slot,
                        receipt,
                    };
                    self.calendar.plan(now + settings.retry.after, due);
                }
                let event = MessageEvent::Returned {
                    station,
                    message: of_queue(&stored),
                    reason,
                    backlog,
                };
                self.tell_message(stored.message.request, event);
            }
            Failed::Dead(stored) => {
                self.dead_letter(
                    model,
                    broker,
                    stored.message,
                    of_queue(&stored),
                    &settings.retry,
                );
                self.unhold(stored.message.request);
            }
            Failed::Lost(stored) => {
                self.lost(broker, stored.message, of_queue(&stored));
                self.unhold(stored.message.request);
            }
        }
    }

    pub(super) fn lost(&mut self, at: u16, message: Message, about: MessageRef) {
        let event = MessageEvent::Lost {
            station: self.broker_station(at),
            message: about,
            backlog: self.backlog_of(at),
        };
        self.tell_message(message.request, event);
    }

    /// A message has been delivered often enough: it goes to the queue of dead letters, if there is one that takes it.
    pub(super) fn dead_letter(
        &mut self,
        model: &Model,
        at: u16,
        message: Message,
        about: MessageRef,
        retry: &RetryModel,
    ) {
        let to = retry.dead_letters;
        let event = MessageEvent::DeadLettered {
            station: self.broker_station(at),
            message: about,
            to,
            backlog: self.backlog_of(at),
        };
        self.tell_message(message.request, event);
        if to == NOBODY {
            return;
        }
        if self.broker_is_up(to) && self.keep(model, to, message) {
            self.serve_consumers(model, to);
        } else {
            self.lost(to, message, about);
        }
    }

    /// A delivery was not answered in time, or a message or partition has rested enough.
    pub(super) fn message_due(&mut self, broker: u16, slot: u32, receipt: u32) {
        let model = Arc::clone(&self.model);
        let Some(settings) = queue_of(&model, broker) else {
            return self.partition_rested(&model, broker, slot, receipt);
        };
        let now = self.now;
        let Some(queue) = self.messaging.queue(broker) else {
            return;
        };
        if !queue.awaits(slot, receipt) {
            return;
        }
        if !queue.rested(slot, receipt, now) {
            let reason = Loss::TimedOut;
            self.returned(&model, settings, broker, slot, receipt, false, reason);
        }
        self.pump(&model, broker);
    }

    /// A station has crashed or is back: brokers, their consumers, and relays.
    #[inline(never)]
    pub(super) fn messages_struck(&mut self, model: &Model, station: u32, crashed: bool) {
        let place = &model.stations[station as usize];
        let (component, instance) = (place.component, place.instance);
        if self.messaging.brokers[usize::from(component)].is_some() {
            if crashed {
                self.wipe(model, component);
            } else {
                self.commit_late(model, component);
                self.serve_consumers(model, component);
            }
        }
        if crashed {
            self.relay_struck(model, component, station);
        }
        for at in 0..self.messaging.all.len() {
            let broker = self.messaging.all[at];
            let settings = model.components[usize::from(broker)].broker.as_deref();
            match settings {
                Some(BrokerModel::Queue(queue))
                    if !crashed && queue.consumer.is_some_and(|to| to.to == component) =>
                {
                    self.pump(model, broker);
                }
                Some(BrokerModel::Topic(topic)) => {
                    for (group, settings) in (0..).zip(&topic.groups) {
                        if settings.consumer.to == component {
                            self.member_struck(broker, group, settings, instance, crashed);
                        }
                    }
                }
                Some(BrokerModel::Queue(_)) | None => {}
            }
        }
    }

    /// A broker has crashed.
    fn wipe(&mut self, model: &Model, at: u16) {
        let Some(settings) = queue_of(model, at) else {
            return;
        };
        let now = self.now;
        let station = self.broker_station(at);
        let mut lost = Vec::new();
        if let Some(queue) = self.messaging.queue(at) {
            queue.crash(settings.durable, now, &mut lost);
        }
        for stored in &lost {
            self.lost(at, stored.message, of_queue(stored));
            self.unhold(stored.message.request);
        }
        if !lost.is_empty() {
            let messages = lost.len() as u32;
            let wiped = Event::Message(MessageEvent::Wiped { station, messages });
            self.probe
                .event(&self.model, self.now, RequestRef::NONE, &wiped);
        }
    }

    /// Other instances of `component` serve than before, or other numbers are set.
    pub(super) fn consumers_changed(&mut self, component: u16) {
        let model = Arc::clone(&self.model);
        for at in 0..self.messaging.all.len() {
            let broker = self.messaging.all[at];
            let settings = model.components[usize::from(broker)].broker.as_deref();
            if !settings.is_some_and(|settings| settings.feeds(component)) {
                continue;
            }
            self.admit_consumers(&model, broker);
            if let Some(BrokerModel::Topic(topic)) = settings {
                for (group, settings) in (0..).zip(&topic.groups) {
                    if settings.consumer.to == component {
                        self.begin_rebalance(broker, group, settings);
                    }
                }
            }
            self.serve_consumers(&model, broker);
        }
    }

    /// Lets all instances of consumers that there can be get messages.
    fn admit_consumers(&mut self, model: &Model, at: u16) {
        let count = |to: u16| model.components[usize::from(to)].stations.len();
        match model.components[usize::from(at)].broker.as_deref() {
            Some(BrokerModel::Queue(settings)) => {
                if let (Some(queue), Some(to)) = (self.messaging.queue(at), settings.consumer) {
                    queue.set_consumers(count(to.to));
                }
            }
            Some(BrokerModel::Topic(settings)) => {
                if let Some(topic) = self.messaging.topic(at) {
                    for (group, settings) in settings.groups.iter().enumerate() {
                        topic.set_members(group, count(settings.consumer.to));
                    }
                }
            }
            None => {}
        }
    }

    /// Consumers take their places at the start of a run.
    pub(super) fn start_messaging(&mut self) {
        let model = Arc::clone(&self.model);
        for at in 0..self.messaging.all.len() {
            let broker = self.messaging.all[at];
            self.admit_consumers(&model, broker);
            self.assign_groups(&model, broker);
        }
    }

    /// Settings may have changed; instances may have come or gone.
    pub(super) fn reconfigure_messaging(&mut self, before: &Model) {
        let model = Arc::clone(&self.model);
        for at in 0..self.messaging.all.len() {
            let broker = self.messaging.all[at];
            self.admit_consumers(&model, broker);
        }
        for (at, component) in (0..).zip(&model.components) {
            let old = &before.components[usize::from(at)];
            if component.stations != old.stations {
                self.consumers_changed(at);
            }
        }
        for at in 0..self.messaging.all.len() {
            let broker = self.messaging.all[at];
            self.serve_consumers(&model, broker);
        }
    }
}

/// A message of a queue, as events name it.
fn of_queue(stored: &Stored) -> MessageRef {
    MessageRef {
        key: stored.message.data,
        number: stored.number,
        partition: 0,
        group: 0,
    }
}

/// A message that is handed over, as events name it.
pub(super) fn of_handed(handed: &Handed, group: u16) -> MessageRef {
    MessageRef {
        key: handed.message.data,
        number: handed.number,
        partition: handed.partition,
        group,
    }
}
