//! Work queues: messages for the instances of one service, which compete for them.
//!
//! Models: a publisher that is answered as soon as its message is stored; a bounded line, and what becomes of a publisher
//! when it is full; instances that get at most so many messages before they have answered; acknowledgement, redelivery, and
//! dead letters. A crash of the broker loses what is not durable, and what is durable is delivered again. Instances that are
//! down, start up or are being taken away get nothing.
//! Does not model: priorities, delayed messages, mirrored brokers, or batches of messages in one delivery.
//! Source: `RabbitMQ` 3 and Amazon SQS; see `messaging/queue.rs`.

use serde::{Deserialize, Serialize};

use super::{Component, check_operation, is_one, no_bound, one};
use crate::distribution::Distribution;
use crate::limits;
use crate::messaging::Delivery;
use crate::problem::Problems;
use crate::scenario::{Scenario, unknown};

/// A work queue.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// The service whose instances get the messages; without it they stay in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The operation that it is asked for; that of the publisher's call if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Messages that may wait; what is with consumers does not count.
    #[serde(default = "capacity", skip_serializing_if = "is_capacity")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = capacity())))]
    pub capacity: u32,
    /// What becomes of a publisher when so many wait.
    #[serde(default, skip_serializing_if = "Full::is_refuse")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = Full::default())))]
    pub full: Full,
    /// When a message is forgotten.
    #[serde(default)]
    pub delivery: Delivery,
    /// Messages that each instance may have before it has answered.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = one())))]
    pub prefetch: u32,
    /// How long a consumer has to answer, at least once: then the message is delivered again.
    #[serde(default = "visibility", skip_serializing_if = "is_visibility")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = visibility())))]
    pub visibility_timeout_ms: f64,
    /// How long a message rests after a delivery that failed. If the consumer has crashed it does not.
    #[serde(default = "second", skip_serializing_if = "is_second")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = second())))]
    pub retry_ms: f64,
    /// How often a message is delivered at most; without it until it is acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_deliveries: Option<u32>,
    /// The queue that gets what was delivered so often; without it, such a message is given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letters: Option<String>,
    /// Whether messages outlive a crash of the broker.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = yes())))]
    pub durable: bool,
    /// How long storing a message takes, to disk if it is durable; no time if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish: Option<Distribution>,
    /// Publishers that it answers at once; who waits for room counts, too.
    #[serde(default = "many", skip_serializing_if = "is_many")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = many())))]
    pub workers: u32,
    /// Publishers that may wait for their turn; the next is refused.
    #[serde(default = "no_bound", skip_serializing_if = "is_no_bound")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = no_bound())))]
    pub queue: u32,
}

/// What becomes of a publisher when a queue is full.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Full {
    /// It is refused.
    #[default]
    Refuse,
    /// It waits for room (back-pressure).
    Block,
    /// The message that has waited longest goes; one that rests does not.
    DropOldest,
}

impl Full {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn is_refuse(&self) -> bool {
        *self == Self::Refuse
    }
}

const fn capacity() -> u32 {
    100_000
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_capacity(count: &u32) -> bool {
    *count == capacity()
}

/// As Amazon SQS has it.
const fn visibility() -> f64 {
    30_000.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_visibility(time_ms: &f64) -> bool {
    time_ms.to_bits() == visibility().to_bits()
}

pub(super) const fn second() -> f64 {
    1_000.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
pub(super) fn is_second(time_ms: &f64) -> bool {
    time_ms.to_bits() == second().to_bits()
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_yes(yes: &bool) -> bool {
    *yes
}

pub(super) const fn many() -> u32 {
    limits::WORKERS as u32
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
pub(super) const fn is_many(count: &u32) -> bool {
    *count == many()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
pub(super) const fn is_no_bound(count: &u32) -> bool {
    *count == no_bound()
}

impl Queue {
    /// The components that messages go to.
    pub fn called(&self) -> impl Iterator<Item = &String> {
        self.to.iter().chain(&self.dead_letters)
    }

    pub(crate) fn check(&self, scenario: &Scenario, p: &mut Problems) {
        if let Some(to) = &self.to {
            check_consumer("to", to, scenario, p);
        }
        if let Some(operation) = &self.operation {
            check_operation("operation", operation, p);
        }
        p.count("capacity", u64::from(self.capacity), 1, limits::MESSAGES);
        p.count("prefetch", u64::from(self.prefetch), 1, limits::WORKERS);
        p.number(
            "visibility_timeout_ms",
            self.visibility_timeout_ms,
            1.0,
            limits::WORK_MS * 24.0,
        );
        check_retries(
            self.retry_ms,
            self.max_deliveries,
            self.dead_letters.as_ref(),
            scenario,
            p,
        );
        if let Some(publish) = &self.publish {
            p.within("publish", |p| publish.check(p));
        }
        p.count("workers", u64::from(self.workers), 1, limits::WORKERS);
        p.count("queue", u64::from(self.queue), 0, limits::QUEUE);
    }
}

/// Checks that `to` can be a consumer of messages.
pub(super) fn check_consumer(field: &str, to: &str, scenario: &Scenario, p: &mut Problems) {
    match scenario.components.get(to) {
        None => p.note_at(field, unknown(to, scenario.components.keys())),
        Some(Component::Service(_)) => {}
        Some(other) => p.note_at(
            field,
            format!(
                "'{to}' is a {}: messages go to the instances of a service, each by itself",
                other.kind().name()
            ),
        ),
    }
}

/// Checks what becomes of deliveries that fail.
pub(super) fn check_retries(
    retry_ms: f64,
    most: Option<u32>,
    dead_letters: Option<&String>,
    scenario: &Scenario,
    p: &mut Problems,
) {
    p.number("retry_ms", retry_ms, 1.0, limits::WORK_MS);
    if let Some(most) = most {
        p.count("max_deliveries", u64::from(most), 1, limits::DELIVERIES);
    }
    if let Some(to) = dead_letters {
        if most.is_none() {
            p.note_at(
                "dead_letters",
                "nothing is ever a dead letter without \"max_deliveries\": give that, too",
            );
        }
        check_broker("dead_letters", to, false, scenario, p);
    }
}

/// Checks that `to` takes messages; only a queue takes those of dead letters.
pub(super) fn check_broker(
    field: &str,
    to: &str,
    topics: bool,
    scenario: &Scenario,
    p: &mut Problems,
) {
    match scenario.components.get(to) {
        None => p.note_at(field, unknown(to, scenario.components.keys())),
        Some(Component::Queue(_)) => {}
        Some(Component::Topic(_)) if topics => {}
        Some(other) => p.note_at(
            field,
            format!(
                "'{to}' is a {}: messages are kept by queues{}",
                other.kind().name(),
                if topics { " and topics" } else { "" }
            ),
        ),
    }
}

/// Notes if all queues and topics together may keep too much.
pub(crate) fn check_total(scenario: &Scenario, p: &mut Problems) {
    let kept = scenario
        .components
        .values()
        .map(|component| match component {
            Component::Queue(queue) => u64::from(queue.capacity),
            Component::Topic(topic) => u64::from(topic.partitions) * u64::from(topic.retention),
            _ => 0,
        });
    let kept: u64 = kept.sum();
    if kept > limits::MESSAGES {
        p.note_at(
            "components",
            format!(
                "{kept} messages may be kept in all: at most {} are allowed",
                limits::MESSAGES
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(queue: &str, topic: &str) -> String {
        let text = format!(
            r#"{{"version":1,"horizon_s":1,"components":{{
                "u":{{"client":{{"operation":"x","target":"q","arrivals":{{"constant":{{"rate_per_s":1}}}}}}}},
                "q":{{"queue":{queue}}},"t":{{"topic":{topic}}},"dead":{{"queue":{{}}}},
                "s":{{"service":{{"instances":2,"workers":1,"plans":{{"*":[{{"work":{{"constant":{{"mean_ms":1}}}}}}]}}}}}},
                "db":{{"database":{{"connections":1,"writes":["x"],"queries":{{"*":{{"constant":{{"mean_ms":1}}}}}},
                    "outbox":{{"operations":["x"],"to":"t"}}}}}}}}}}"#
        );
        match Scenario::from_json(&text) {
            Ok(scenario) => {
                let written = crate::write_json(&scenario);
                assert_eq!(Scenario::from_json(&written).as_ref(), Ok(&scenario));
                String::new()
            }
            Err(problems) => {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                problems.join("\n")
            }
        }
    }

    #[test]
    fn full_ones_are_right_and_read_as_they_were_written() {
        let queue = r#"{"to":"s","operation":"y","capacity":10,"full":"block","delivery":"at_most_once","prefetch":3,
            "visibility_timeout_ms":100,"retry_ms":10,"max_deliveries":3,"dead_letters":"dead","durable":false,
            "publish":{"constant":{"mean_ms":1}},"workers":5,"queue":7}"#;
        let topic = r#"{"partitions":6,"retention":100,"publish":{"constant":{"mean_ms":1}},"subscriptions":{
            "a":{"to":"s","operation":"y","delivery":"at_most_once","commit_every":5,"assignment":"round_robin",
                "session_timeout_ms":100,"rebalance_ms":10,"retry_ms":10,"max_deliveries":3,"dead_letters":"dead"},
            "b":{"to":"s"}}}"#;
        assert_eq!(problems(queue, topic), "");
        assert_eq!(problems(r#"{"to":"s"}"#, r#"{"partitions":1}"#), "");
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let said = problems(
            r#"{"to":"db","prefetch":0,"retry_ms":0,"dead_letters":"t"}"#,
            r#"{"partitions":0,"subscriptions":{"a":{"to":"nobody","commit_every":0,"max_deliveries":0}}}"#,
        );
        for expected in [
            "components.q.queue.to: 'db' is a database: messages go to the instances",
            "components.q.queue.prefetch: 0 is out of range",
            "components.q.queue.retry_ms: 0 is out of range",
            "components.q.queue.dead_letters: nothing is ever a dead letter",
            "components.q.queue.dead_letters: 't' is a topic: messages are kept by queues",
            "components.t.topic.partitions: 0 is out of range",
            "components.t.topic.subscriptions.a.to: there is no component 'nobody'",
            "components.t.topic.subscriptions.a.commit_every: 0 is out of range",
            "components.t.topic.subscriptions.a.max_deliveries: 0 is out of range",
        ] {
            assert!(said.contains(expected), "{expected} is not in\n{said}");
        }
        assert_eq!(said.lines().count(), 9, "{said}");
    }

    #[test]
    fn no_scenario_may_keep_more_than_fits() {
        let said = problems(r#"{"capacity":900000}"#, r#"{"partitions":100}"#);
        assert!(said.contains("messages may be kept in all"), "{said}");
    }

    #[test]
    fn messages_that_go_round_are_refused() {
        let text = r#"{"version":1,"horizon_s":1,"components":{
            "u":{"client":{"operation":"x","target":"q","arrivals":{"constant":{"rate_per_s":1}}}},
            "q":{"queue":{"to":"s"}},
            "s":{"service":{"workers":1,"plans":{"*":[{"call":{"to":"q"}}]}}}}}"#;
        let said = Scenario::from_json(text).expect_err("must be refused");
        assert!(
            said[0].to_string().contains("q → s → q go round"),
            "{said:?}"
        );
    }
}
