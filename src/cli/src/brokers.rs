//! What queues and topics did with messages, as it is printed.

use schemars::JsonSchema;
use serde::Serialize;

use scale_sim::{Kind, MessageFigures, Model};

use crate::report::{Figure, Runs};

/// Figures of one queue or topic.
#[derive(Serialize, JsonSchema, Debug)]
pub struct BrokerReport {
    /// Its component.
    pub broker: String,
    /// Messages stored a second.
    pub published_per_s: Option<Figure>,
    /// Messages processed a second, by all subscriptions.
    pub processed_per_s: Option<Figure>,
    /// How long after they were published messages were processed, on average, in milliseconds.
    pub processed_ms: Option<Figure>,
    /// Mean number of messages that waited: with no consumer, or not committed by the subscription that was furthest behind.
    pub backlog: Option<Figure>,
    /// The most that waited at any moment.
    pub backlog_max: Figure,
    /// Deliveries of messages after their first.
    pub redelivered: Figure,
    /// Messages given up after as many deliveries as they may have.
    pub dead_letters: Figure,
    /// Messages that made room for others.
    pub dropped: Figure,
    /// Messages lost by consumers or by the broker.
    pub lost: Figure,
}

/// The queues and topics of a model.
pub fn brokers(runs: &Runs<'_>, model: &Model) -> Vec<BrokerReport> {
    let kinds: Vec<(&str, Kind)> = model.components().collect();
    let stations = model.stations().enumerate();
    let brokers = stations.filter_map(|(at, info)| {
        let (name, kind) = kinds[info.component];
        matches!(kind, Kind::Queue | Kind::Topic).then(|| broker(runs, at, name))
    });
    brokers.collect()
}

fn broker(runs: &Runs<'_>, at: usize, name: &str) -> BrokerReport {
    let count = |of: fn(&MessageFigures) -> u64| {
        runs.count(move |run| of(&run.figures.stations[at].messages))
    };
    BrokerReport {
        broker: name.to_owned(),
        published_per_s: runs.per_s(|figures| figures.stations[at].messages.published),
        processed_per_s: runs.per_s(|figures| figures.stations[at].messages.processed),
        processed_ms: runs.value(|figures| {
            let messages = &figures.stations[at].messages;
            (messages.processed > 0).then_some(messages.processed_ms)
        }),
        backlog: runs.value(|figures| Some(figures.stations[at].messages.backlog)),
        backlog_max: count(|messages| u64::from(messages.backlog_max)),
        redelivered: count(|messages| messages.redelivered),
        dead_letters: count(|messages| messages.dead_letters),
        dropped: count(|messages| messages.dropped),
        lost: count(|messages| messages.lost),
    }
}
