//! What becomes of messages that a broker has accepted, and whether who writes a row leaves its message.
//!
//! A message is lost when its broker keeps it no more and nobody has done it: dropped for want of room, wiped by a crash, with a
//! consumer that failed after the acknowledgement, or given up without a queue that takes dead letters. What a consumer does
//! with a message that the broker has dropped meanwhile does not count: the broker hears nothing of it.

use super::{Auditor, Name, Seen, sentence};
use crate::event::{MessageEvent, MessageRef, RequestRef};
use crate::frame::NOBODY;
use crate::model::{Model, Rule};

/// A message that leaves a broker for a queue of dead letters, which may not take it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Dying {
    from: u16,
    to: u16,
    message: MessageRef,
    request: u64,
}

/// How a message was lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lost {
    /// There was no room for it any more.
    Dropped,
    /// Its consumer failed after it was acknowledged, or its broker crashed.
    Gone,
    /// It was delivered as often as it may be, and no queue of dead letters has it.
    GivenUp,
}

impl Auditor {
    /// Something has happened to a message.
    pub(super) fn message(&mut self, seen: Seen<'_>, event: &MessageEvent) {
        let of = |model: &Model, station: u32| model.stations[station as usize].component;
        let at = of(seen.model, event.station());
        let request = seen.request.id;
        let dying = self.dying.take();
        match *event {
            MessageEvent::Published { .. } if request != u64::MAX => {
                self.accounts.serve(seen.request, at);
            }
            MessageEvent::Dropped { message, .. } => self.lose(seen, at, message, Lost::Dropped),
            MessageEvent::DeadLettered { message, to, .. } if to == NOBODY => {
                self.lose(seen, at, message, Lost::GivenUp);
            }
            MessageEvent::DeadLettered { message, to, .. } => {
                self.dying = Some(Dying {
                    from: at,
                    to,
                    message,
                    request,
                });
            }
            MessageEvent::Lost { message, .. } => {
                let is_it = |d: &Dying| (d.to, d.message, d.request) == (at, message, request);
                match dying.filter(is_it) {
                    // The other queue has never had it.
                    Some(dying) => self.lose(seen, dying.from, message, Lost::GivenUp),
                    None => self.lose(seen, at, message, Lost::Gone),
                }
            }
            _ => {}
        }
    }

    fn lose(&mut self, seen: Seen<'_>, broker: u16, message: MessageRef, how: Lost) {
        for at in 0..self.invariants.len() {
            if let Rule::Messages { at: of, .. } = self.invariants[at].rule
                && of == broker
            {
                let sentence = self
                    .keeps()
                    .then(|| sentence::lost_message(seen, broker, message, how));
                self.violated(at, seen, Name::Key(message.key), sentence);
            }
        }
    }

    /// A request has written a row of a database.
    pub(super) fn wrote(&mut self, seen: Seen<'_>, database: u16) {
        for at in 0..self.invariants.len() {
            let asks = self.invariants[at].rule.asks_messages_of(database);
            if asks && seen.request.id != u64::MAX {
                self.accounts.add(seen.request, at, 1);
            }
        }
    }

    /// Whether an invariant is about messages, and a request has left the one that it asks for.
    pub(super) fn left_message(&mut self, request: RequestRef, at: usize) -> bool {
        match self.invariants[at].rule {
            Rule::Messages { at, .. } => self.accounts.may_have_been_at(request, at),
            _ => false,
        }
    }
}
