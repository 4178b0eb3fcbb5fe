//! Outboxes at work: writes leave messages, and a relay publishes them.

use std::sync::Arc;

use super::Engine;
use crate::calendar::Due;
use crate::db::Written;
use crate::event::{Child, Event, MessageEvent};
use crate::frame::{FrameId, NONE, Waiter};
use crate::limits;
use crate::messaging::{Entry, Message, OutboxState};
use crate::model::{Model, OWN, OutboxModel};
use crate::probe::Probe;
use crate::time::Time;

/// The settings of a database's outbox.
fn outbox_of(model: &Model, database: u16) -> Option<&OutboxModel> {
    let database = model.components[usize::from(database)]
        .database
        .as_deref()?;
    database.outbox.as_ref()
}

impl<P: Probe> Engine<P> {
    fn outbox_state(&mut self, database: u16) -> Option<&mut OutboxState> {
        let outbox = self.messaging.outboxes.get_mut(usize::from(database))?;
        outbox.as_deref_mut()
    }

    /// Whether a database has an outbox that takes no more.
    pub(super) fn outbox_is_full(&self, database: u16) -> bool {
        let outbox = self.messaging.outboxes.get(usize::from(database));
        outbox.is_some_and(|outbox| {
            outbox
                .as_ref()
                .is_some_and(|outbox| outbox.len() >= limits::OUTBOX)
        })
    }

    /// A frame's write leaves a message, in the same transaction.
    pub(super) fn leave_message(&mut self, id: FrameId, database: u16, written: &Written) {
        let model = Arc::clone(&self.model);
        let Some(settings) = outbox_of(&model, database) else {
            return;
        };
        let frame = &self.frames[id];
        if !settings.leaves[usize::from(frame.operation)] {
            return;
        }
        let (request, station, key) = (frame.request, frame.station, frame.data);
        let message = Message {
            request,
            operation: frame.operation,
            key: frame.key,
            data: key,
            published: self.now,
        };
        let version = written.after.version;
        if let Some(outbox) = self.outbox_state(database) {
            outbox.leave(Entry { message, version });
        }
        self.hold(request);
        let recorded = Event::Message(MessageEvent::Recorded { station, key });
        self.tell(request, id.slot(), &recorded);
        self.plan_relay(settings, database);
    }

    /// Plans the relay's next look, at the next multiple of its interval, if there is anything to look for.
    fn plan_relay(&mut self, settings: &OutboxModel, database: u16) {
        let poll = settings.poll.nanos().max(1);
        let turn = self.now.nanos() / poll + 1;
        let time = Time::from_nanos(turn.saturating_mul(poll));
        if let Some(outbox) = self.outbox_state(database)
            && outbox.len() > 0
            && !outbox.planned
        {
            outbox.planned = true;
            self.calendar.plan(time, Due::Relay { database });
        }
    }

    /// The node of a database where its relay runs.
    fn relay_station(&self, model: &Model, database: u16) -> u32 {
        let stations = &model.components[usize::from(database)].stations;
        let primary = self.databases.primary(database);
        stations.get(usize::from(primary)).copied().unwrap_or(NONE)
    }

    /// The relay looks for messages.
    pub(super) fn relay(&mut self, database: u16) {
        let model = Arc::clone(&self.model);
        let Some(settings) = outbox_of(&model, database) else {
            return;
        };
        let station = self.relay_station(&model, database);
        let up = { self.stations.get(station as usize) }.is_some_and(|station| station.up);
        if let Some(outbox) = self.outbox_state(database) {
            outbox.planned = false;
            if up {
                outbox.look(settings.batch);
            }
        }
        self.relay_next(&model, settings, database);
        self.plan_relay(settings, database);
    }

    /// The relay publishes the next message of its batch.
    fn relay_next(&mut self, model: &Model, settings: &OutboxModel, database: u16) {
        self.follow(database);
        let databases = &self.databases;
        let outbox = self.messaging.outboxes.get_mut(usize::from(database));
        let sent = outbox
            .and_then(Option::as_deref_mut)
            .and_then(|outbox| outbox.send(|version| databases.is_shown(database, version)));
        let Some((message, receipt, tries)) = sent else {
            return;
        };
        let broker = &settings.broker;
        let operation = match broker.operation {
            OWN => message.operation,
            operation => operation,
        };
        let (request, to) = (message.request, broker.to);
        let waiter = Waiter::Relay { database, receipt };
        let mut key = message.key.with(broker.key);
        if tries > 0 {
            // What was lost on the wire need not be lost again.
            key = key.with(u64::from(tries));
        }
        let id = self.frame(request, waiter, to, operation, key, message.data);
        let station = self.relay_station(model, database);
        let child = Child::Frame(id.slot());
        self.tell(request, NONE, &Event::Spawned { station, to, child });
        self.leave_for(model, id, broker.link, 0);
    }

    /// The broker has answered the relay, or what was published is lost on the way.
    #[inline(never)]
    pub(super) fn relay_answered(&mut self, database: u16, receipt: u32, ok: bool) {
        let model = Arc::clone(&self.model);
        let Some(settings) = outbox_of(&model, database) else {
            return;
        };
        let Some(outbox) = self.outbox_state(database) else {
            return;
        };
        if let Some(message) = outbox.answered(receipt, ok) {
            let station = self.relay_station(&model, database);
            let key = message.data;
            self.tell_message(message.request, MessageEvent::Relayed { station, key });
            self.unhold(message.request);
            self.relay_next(&model, settings, database);
        }
    }

    /// A node of a database has crashed: if the relay ran there, it does not know what it was about.
    pub(super) fn relay_struck(&mut self, model: &Model, database: u16, station: u32) {
        if self.relay_station(model, database) == station
            && let Some(outbox) = self.outbox_state(database)
        {
            outbox.crash();
        }
    }

    /// A failover has lost writes, and the messages that they left with them.
    pub(super) fn lose_recorded(&mut self, database: u16, is_lost: impl Fn(u64) -> bool) {
        let mut lost = Vec::new();
        if let Some(outbox) = self.outbox_state(database) {
            outbox.lose(is_lost, &mut lost);
        }
        for message in lost {
            self.unhold(message.request);
        }
    }
}
