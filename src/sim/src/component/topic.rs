//! Topics: logs in partitions, which several groups of consumers read, each at its own pace.
//!
//! Models: a publisher that is answered as soon as its message is at the end of its key's partition (`MurmurHash2`, as Kafka's
//! default partitioner has it); subscriptions, each a consumer group whose members are the instances of one service; order
//! within a partition; committed offsets; rebalances when members crash, come back, or are added and taken away. The log and
//! the offsets outlive a crash of the broker, as flushed or replicated ones do.
//! Does not model: several brokers, batches, producers that do without an answer, compaction, or reading again from the start.
//! Source: Apache Kafka 3; see `messaging/topic.rs`.

use serde::{Deserialize, Serialize};
use vecmap::VecMap;

use super::queue::{check_consumer, check_retries, is_many, is_no_bound, is_second, many, second};
use super::{check_operation, is_one, no_bound, one};
use crate::distribution::Distribution;
use crate::limits;
use crate::messaging::{Assignment, Delivery};
use crate::problem::Problems;
use crate::scenario::Scenario;

/// A partitioned log.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// In how many partitions keys are spread.
    #[serde(default = "one")]
    pub partitions: u32,
    /// Messages that a partition keeps for groups which have not read them; then the oldest go.
    #[serde(default = "retention", skip_serializing_if = "is_retention")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = retention())))]
    pub retention: u32,
    /// Who reads it, by name.
    #[serde(default, skip_serializing_if = "VecMap::is_empty")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, Subscription>")
    )]
    pub subscriptions: VecMap<String, Subscription>,
    /// How long writing a message takes; no time if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish: Option<Distribution>,
    /// Publishers that it answers at once.
    #[serde(default = "many", skip_serializing_if = "is_many")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = many())))]
    pub workers: u32,
    /// Publishers that may wait for their turn; the next is refused.
    #[serde(default = "no_bound", skip_serializing_if = "is_no_bound")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = no_bound())))]
    pub queue: u32,
}

/// A consumer group.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// The service whose instances are the members.
    pub to: String,
    /// The operation that it is asked for; that of the publisher's call if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Whether it commits after it has processed messages (at least once), or before (at most once).
    #[serde(default)]
    pub delivery: Delivery,
    /// Every so many messages of a partition.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = one())))]
    pub commit_every: u32,
    /// How partitions are shared among the members.
    #[serde(default)]
    pub assignment: Assignment,
    /// After how long a member that is gone without a word is missed (`session.timeout.ms`).
    #[serde(default = "session", skip_serializing_if = "is_session")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = session())))]
    pub session_timeout_ms: f64,
    /// For how long nothing is delivered while partitions are assigned anew (`group.initial.rebalance.delay.ms` is the
    /// default; later rebalances last until all members have joined).
    #[serde(default = "rebalance", skip_serializing_if = "is_rebalance")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = rebalance())))]
    pub rebalance_ms: f64,
    /// How long a partition rests after a message that failed; then that message comes again.
    #[serde(default = "second", skip_serializing_if = "is_second")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = second())))]
    pub retry_ms: f64,
    /// How often a message is delivered at most before it is passed over; without it until it is processed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_deliveries: Option<u32>,
    /// The queue that gets what was passed over; without it, such a message is given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letters: Option<String>,
}

const fn retention() -> u32 {
    10_000
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_retention(count: &u32) -> bool {
    *count == retention()
}

const fn session() -> f64 {
    45_000.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_session(time_ms: &f64) -> bool {
    time_ms.to_bits() == session().to_bits()
}

const fn rebalance() -> f64 {
    3_000.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_rebalance(time_ms: &f64) -> bool {
    time_ms.to_bits() == rebalance().to_bits()
}

impl Topic {
    /// The components that messages go to; one that has two subscriptions comes twice.
    pub fn called(&self) -> impl Iterator<Item = &String> {
        let groups = self.subscriptions.values();
        groups.flat_map(|group| core::iter::once(&group.to).chain(&group.dead_letters))
    }

    pub(crate) fn check(&self, scenario: &Scenario, p: &mut Problems) {
        p.count(
            "partitions",
            u64::from(self.partitions),
            1,
            limits::PARTITIONS,
        );
        p.count("retention", u64::from(self.retention), 1, limits::MESSAGES);
        p.count(
            "subscriptions",
            self.subscriptions.len() as u64,
            0,
            limits::SUBSCRIPTIONS,
        );
        p.within("subscriptions", |p| {
            for (name, subscription) in &self.subscriptions {
                p.within(name, |p| subscription.check(scenario, p));
            }
        });
        if let Some(publish) = &self.publish {
            p.within("publish", |p| publish.check(p));
        }
        p.count("workers", u64::from(self.workers), 1, limits::WORKERS);
        p.count("queue", u64::from(self.queue), 0, limits::QUEUE);
    }
}

impl Subscription {
    fn check(&self, scenario: &Scenario, p: &mut Problems) {
        check_consumer("to", &self.to, scenario, p);
        if let Some(operation) = &self.operation {
            check_operation("operation", operation, p);
        }
        p.count(
            "commit_every",
            u64::from(self.commit_every),
            1,
            limits::COMMIT_EVERY,
        );
        p.number(
            "session_timeout_ms",
            self.session_timeout_ms,
            0.0,
            limits::WORK_MS,
        );
        p.number("rebalance_ms", self.rebalance_ms, 0.0, limits::WORK_MS);
        check_retries(
            self.retry_ms,
            self.max_deliveries,
            self.dead_letters.as_ref(),
            scenario,
            p,
        );
    }
}
