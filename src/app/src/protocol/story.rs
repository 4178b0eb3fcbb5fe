//! The story of a request, as it crosses to the page.

use scale_sim::{Account, Doing, Model};
use serde::{Deserialize, Serialize};

/// A request that somebody asks about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum About {
    /// The one with this number.
    Request(u64),
    /// The slowest so far that was answered.
    Slowest,
    /// The first that was lost.
    FirstLost,
    /// One so far that took as long as the median.
    Typical,
}

/// The story of a request: spans without gaps, which add up to its latency.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StoryView {
    /// Its number.
    pub request: u64,
    /// What it asked for.
    pub operation: String,
    /// When it was sent, in simulated seconds.
    pub sent_s: f64,
    /// From being sent to its end.
    pub latency_ms: f64,
    /// If it was lost, why, and at which station if at one.
    pub lost: Option<(String, Option<u32>)>,
    /// What it did, in order.
    pub spans: Vec<SpanView>,
}

/// A stretch of a request's life.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SpanView {
    /// What it did.
    pub doing: Doing,
    /// Where, if at a station.
    pub station: Option<u32>,
    /// From when, in milliseconds since it was sent.
    pub from_ms: f64,
    /// Until when.
    pub to_ms: f64,
    /// What it waited behind, if it waited in line.
    pub behind: Option<Behind>,
}

/// What one waits behind, when one begins to wait in line.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Behind {
    /// Servers of the station.
    pub servers: u32,
    /// Those who stood in line already.
    pub ahead: u32,
    /// Who was served: the operation, how many, and how many of these only waited for an answer from elsewhere.
    pub holders: Vec<(String, u32, u32)>,
}

impl StoryView {
    /// What there is to tell of an account.
    pub fn new(model: &Model, account: &Account) -> Self {
        let story = &account.story;
        let sent_s = story.sent.secs();
        let since_ms = |time: scale_sim::Time| time.since(story.sent).millis();
        let at = |station: u32| (station != u32::MAX).then_some(station);
        let servers = |station: u32| {
            let mut stations = model.stations();
            stations
                .nth(station as usize)
                .map_or(0, |info| info.servers)
        };
        let spans = story.spans.iter().map(|span| {
            let wait = account.waits.iter().find(|wait| {
                span.doing == Doing::Queued
                    && wait.since == span.from
                    && wait.station == span.station
            });
            SpanView {
                doing: span.doing,
                station: at(span.station),
                from_ms: since_ms(span.from),
                to_ms: since_ms(span.to),
                behind: wait.map(|wait| Behind {
                    servers: servers(wait.station),
                    ahead: wait.ahead,
                    holders: { wait.holders.iter() }
                        .map(|holder| {
                            let operation = model.operation_name(holder.operation).to_owned();
                            (operation, holder.servers, holder.asking)
                        })
                        .collect(),
                }),
            }
        });
        Self {
            request: story.request,
            operation: model.operation_name(account.operation).to_owned(),
            sent_s,
            latency_ms: story.latency.millis(),
            lost: story
                .lost
                .map(|(reason, station)| (reason.name().replace('_', " "), at(station))),
            spans: spans.collect(),
        }
    }
}
