//! The outbox of a database: messages that are written in the same transaction as the rows which they are about.
//!
//! Models: a write of one of its operations that is committed leaves a message with the row's key, both or neither, also when
//! nodes crash or fail over. A relay at the database looks for messages at fixed times and publishes them in the order of
//! their commits, one after the other, at least once: one that crashes with the database before it has marked a message
//! publishes it again. While the outbox is full no such write is taken.
//! Does not model: what the relay's own queries cost, or a relay that reads the log (change data capture) but for a short
//! interval.
//! Source: Richardson, *Microservices Patterns*, 2018, section 3.3; see `messaging/outbox.rs`.

use serde::{Deserialize, Serialize};

use super::queue::check_broker;
use super::{ANY, check_operation};
use crate::limits;
use crate::problem::Problems;
use crate::scenario::Scenario;

/// Messages beside rows.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Outbox {
    /// The operations whose writes leave a message; `*` is for all writes.
    pub operations: Vec<String>,
    /// The queue or topic that gets them.
    pub to: String,
    /// The operation under which they are published; that of the write if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// How often the relay looks.
    #[serde(default = "poll", skip_serializing_if = "is_poll")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = poll())))]
    pub poll_ms: f64,
    /// Messages that it publishes each time.
    #[serde(default = "batch", skip_serializing_if = "is_batch")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = batch())))]
    pub batch: u32,
}

const fn poll() -> f64 {
    100.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_poll(time_ms: &f64) -> bool {
    time_ms.to_bits() == poll().to_bits()
}

const fn batch() -> u32 {
    100
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_batch(count: &u32) -> bool {
    *count == batch()
}

impl Outbox {
    /// Whether writes of `operation` leave a message.
    pub fn has(&self, operation: &str) -> bool {
        { self.operations.iter() }.any(|own| own == operation || own == ANY)
    }

    pub(crate) fn check(&self, scenario: &Scenario, p: &mut Problems) {
        if self.operations.is_empty() {
            p.note_at("operations", "name the operations that leave messages");
        }
        p.within("operations", |p| {
            if !p.list("", self.operations.len(), 0, limits::OPERATIONS) {
                return;
            }
            for (i, operation) in self.operations.iter().enumerate() {
                check_operation(&format!("[{i}]"), operation, p);
            }
        });
        check_broker("to", &self.to, true, scenario, p);
        if let Some(operation) = &self.operation {
            check_operation("operation", operation, p);
        }
        p.number("poll_ms", self.poll_ms, 1.0, limits::WORK_MS);
        p.count("batch", u64::from(self.batch), 1, limits::OUTBOX as u64);
    }
}
