//! Queues, topics and outboxes: their plans, and where messages go.

use super::{Compiler, index, link};
use crate::component::{Database, Outbox, Queue, Topic};
use crate::distribution::{Distribution, Sampler};
use crate::frame::NOBODY;
use crate::messaging::{Delivery, Reading};
use crate::model::{
    BrokerModel, ConsumerModel, GroupModel, OWN, OutboxModel, QueueModel, RetryModel, Step,
    TopicModel,
};
use crate::random::Key;
use crate::time::Duration;

impl Compiler<'_> {
    /// What a broker does for each operation that is asked for anywhere: it stores the message.
    pub(super) fn publishing(&mut self, time: Option<&Distribution>) -> Vec<Option<u32>> {
        let start = self.model.code.len() as u32;
        if let Some(time) = time {
            self.step(Step::Work {
                time: Sampler::new(time),
                key: Key::root(0).named(self.name).named("publish").bits(),
            });
        }
        self.step(Step::Publish);
        self.step(Step::End);
        vec![Some(start); self.model.operations.len()]
    }

    pub(super) fn queue(&self, queue: &Queue) -> BrokerModel {
        BrokerModel::Queue(QueueModel {
            consumer: { queue.to.as_ref() }
                .map(|to| self.consumer("queue", to, queue.operation.as_ref())),
            capacity: queue.capacity,
            full: queue.full,
            keeps: queue.delivery == Delivery::AtLeastOnce,
            prefetch: queue.prefetch,
            visibility: Duration::from_millis(queue.visibility_timeout_ms),
            retry: self.retry(
                queue.retry_ms,
                queue.max_deliveries,
                queue.dead_letters.as_ref(),
            ),
            durable: queue.durable,
        })
    }

    pub(super) fn topic(&self, topic: &Topic) -> BrokerModel {
        let groups = topic.subscriptions.iter().map(|(name, group)| {
            let retry = self.retry(
                group.retry_ms,
                group.max_deliveries,
                group.dead_letters.as_ref(),
            );
            GroupModel {
                consumer: self.consumer(name, &group.to, group.operation.as_ref()),
                reading: Reading {
                    ahead: group.delivery == Delivery::AtMostOnce,
                    every: group.commit_every,
                    most: retry.most,
                },
                assignment: group.assignment,
                session: Duration::from_millis(group.session_timeout_ms),
                rebalance: Duration::from_millis(group.rebalance_ms),
                retry,
            }
        });
        BrokerModel::Topic(TopicModel {
            partitions: topic.partitions,
            retention: topic.retention,
            groups: groups.collect(),
        })
    }

    pub(super) fn outbox(&self, database: &Database) -> Option<OutboxModel> {
        let outbox: &Outbox = database.outbox.as_deref()?;
        let operations = self.model.operations.iter();
        Some(OutboxModel {
            broker: self.consumer("outbox", &outbox.to, outbox.operation.as_ref()),
            poll: Duration::from_millis(outbox.poll_ms),
            batch: outbox.batch,
            leaves: operations.map(|name| outbox.has(name)).collect(),
        })
    }

    fn consumer(&self, what: &str, to: &str, operation: Option<&String>) -> ConsumerModel {
        ConsumerModel {
            to: index(self.scenario, to),
            operation: operation.map_or(OWN, |name| self.operation(name)),
            link: link(self.scenario, self.name, to),
            // The seed is not in this key: it reaches a draw through the request's own key.
            key: Key::root(0).named(self.name).named(what).bits(),
        }
    }

    fn retry(&self, after_ms: f64, most: Option<u32>, dead_letters: Option<&String>) -> RetryModel {
        RetryModel {
            after: Duration::from_millis(after_ms),
            most: most.unwrap_or(u32::MAX),
            dead_letters: dead_letters.map_or(NOBODY, |to| index(self.scenario, to)),
        }
    }
}
