//! Event stores: streams of events, one for each key, that are only ever appended to.
//!
//! Models: one operation per connection at a time, a bounded line of those that wait for one; operations that cost what the
//! events cost which they read, apply, upcast and write. A command loads its stream, decides, and appends with the version that it
//! has seen; who comes second fails, or loads again and retries. A snapshot is taken by the command whose event makes it due, at
//! its own cost. Views follow the store's log ([`ReadModel`](super::ReadModel)). What streams are is in `sourcing/event_store.rs`.
//! A crash loses no event; commands that were under way fail, and have written or not.
//! Does not model: replicas of the store, or a command of several events.
//! Costs that are not given are round numbers of the size that a store in one data centre has: some 10 µs to read and parse an
//! event, 1 ms to make one durable.

use serde::{Deserialize, Serialize};
use vecmap::VecMap;

use super::service::no_bound;
use super::{ANY, check_operation};
use crate::distribution::Distribution;
use crate::limits;
use crate::problem::Problems;
use crate::resilience::Shedding;

/// Streams of events.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EventStore {
    /// Operations that it works on at once.
    pub connections: u32,
    /// Operations that may wait for a connection; the next is refused.
    #[serde(default = "no_bound")]
    pub queue: u32,
    /// Whom to turn away from the line.
    #[serde(default, skip_serializing_if = "Shedding::is_empty")]
    pub shedding: Shedding,
    /// How many streams there are. A request's key names one of them; keys beyond the last begin again at the first.
    pub streams: u32,
    /// Events that each stream has at the start; none if it is not given.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = 0)))]
    pub events: u64,
    /// The number that they come to, such as an account's balance; 0 if it is not given.
    #[serde(default, skip_serializing_if = "is_nothing")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = 0)))]
    pub value: i64,
    /// What it does, by operation; `*` is for any operation not named.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, StreamOperation>")
    )]
    pub operations: VecMap<String, StreamOperation>,
    /// Takes snapshots; none if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshots: Option<Snapshots>,
    /// Schemas that come after the first, in the order of their times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schemas: Vec<EventSchema>,
    /// What the parts of an operation cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub costs: Option<Box<EventCosts>>,
}

/// What is done with a stream.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StreamOperation {
    /// Reads it as it is.
    Load,
    /// Reads it as it was.
    AsOf {
        /// How long ago, drawn anew for each request; before the run nothing has changed.
        ago: Distribution,
    },
    /// Adds an event to it.
    Append {
        /// What the event adds to the stream's number; negative to take.
        by: i64,
        /// What must be left, or the command is answered without an event; no bound if it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        least: Option<i64>,
        /// Which version the stream must have.
        #[serde(default, skip_serializing_if = "Expected::is_loaded")]
        #[cfg_attr(feature = "schema", schemars(extend("default" = Expected::default())))]
        expected: Expected,
        /// How long the application takes to decide, with the way there and back; no time if it is not given.
        #[serde(default = "at_once", skip_serializing_if = "is_at_once")]
        #[cfg_attr(feature = "schema", schemars(extend("default" = at_once())))]
        think: Distribution,
        /// Attempts after the first, 0 to 1,000, when another was quicker; each loads the stream anew. None if it is not given:
        /// a conflict is an error, as the stores themselves have it.
        #[serde(default, skip_serializing_if = "is_none")]
        #[cfg_attr(feature = "schema", schemars(extend("default" = 0)))]
        retries: u32,
    },
}

/// Which version a stream must have for an event to be appended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// The one that was loaded before.
    #[default]
    Loaded,
    /// Any: nothing is loaded, and nothing can be in conflict.
    Any,
}

impl Expected {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn is_loaded(&self) -> bool {
        *self == Self::Loaded
    }
}

/// When snapshots are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Snapshots {
    /// After how many events of a stream since its last one.
    pub every_events: u64,
}

/// A schema of events.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EventSchema {
    /// From when on events are written in it, in simulated seconds.
    pub at_s: f64,
    /// Turning an older event into it, each time that it is read, in microseconds.
    pub upcast_us: f64,
}

/// What the parts of an operation cost.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EventCosts {
    /// Taking a load in and finding its stream; 0.2 ms if it is not given.
    #[serde(default = "request")]
    pub request: Distribution,
    /// Reading an event, in microseconds; 10 if it is not given.
    #[serde(default = "read_us")]
    pub read_us: f64,
    /// Applying an event to what the stream comes to so far, in microseconds; 1 if it is not given.
    #[serde(default = "apply_us")]
    pub apply_us: f64,
    /// Reading a snapshot, in microseconds; 50 if it is not given.
    #[serde(default = "snapshot_read_us")]
    pub snapshot_read_us: f64,
    /// Making a snapshot durable; 1 ms if it is not given.
    #[serde(default = "durable")]
    pub snapshot_write: Distribution,
    /// Making an event durable; 1 ms if it is not given.
    #[serde(default = "durable")]
    pub append: Distribution,
}

const fn request() -> Distribution {
    Distribution::Constant { mean_ms: 0.2 }
}

const fn read_us() -> f64 {
    10.0
}

const fn apply_us() -> f64 {
    1.0
}

const fn snapshot_read_us() -> f64 {
    50.0
}

const fn durable() -> Distribution {
    Distribution::Constant { mean_ms: 1.0 }
}

const fn at_once() -> Distribution {
    Distribution::Constant { mean_ms: 0.0 }
}

fn is_at_once(time: &Distribution) -> bool {
    *time == at_once()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_none(count: &u32) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_nothing(value: &i64) -> bool {
    *value == 0
}

impl Default for EventCosts {
    fn default() -> Self {
        Self {
            request: request(),
            read_us: read_us(),
            apply_us: apply_us(),
            snapshot_read_us: snapshot_read_us(),
            snapshot_write: durable(),
            append: durable(),
        }
    }
}

impl EventCosts {
    fn check(&self, p: &mut Problems) {
        p.within("request", |p| self.request.check(p));
        p.number("read_us", self.read_us, 0.0, 1e6);
        p.number("apply_us", self.apply_us, 0.0, 1e6);
        p.number("snapshot_read_us", self.snapshot_read_us, 0.0, 1e6);
        p.within("snapshot_write", |p| self.snapshot_write.check(p));
        p.within("append", |p| self.append.check(p));
    }
}

impl StreamOperation {
    fn check(&self, p: &mut Problems) {
        match self {
            Self::Load => {}
            Self::AsOf { ago } => {
                p.within("as_of", |p| p.within("ago", |p| ago.check(p)));
            }
            Self::Append {
                least,
                expected,
                think,
                retries,
                ..
            } => p.within("append", |p| {
                p.within("think", |p| think.check(p));
                p.count("retries", u64::from(*retries), 0, limits::CHANGE_RETRIES);
                if *expected == Expected::Any && least.is_some() {
                    p.note_at(
                        "least",
                        "with any expected version nothing is loaded that could be tested: leave this out",
                    );
                }
            }),
        }
    }
}

impl EventStore {
    /// What it does for an operation, with the name that this has in its file.
    pub(crate) fn answer<'a>(&'a self, operation: &str) -> Option<(&'a str, &'a StreamOperation)> {
        let own = self.operations.get_key_value(operation);
        let found = own.or_else(|| self.operations.get_key_value(ANY));
        found.map(|(name, operation)| (name.as_str(), operation))
    }

    /// Whether any time passes for an operation that it answers, whatever its stream holds.
    pub(crate) fn takes_time(&self, operation: &StreamOperation) -> bool {
        let costs = self.costs.as_deref().cloned().unwrap_or_default();
        let loads = costs.request.mean_ms() > 0.0;
        match operation {
            StreamOperation::Load | StreamOperation::AsOf { .. } => loads,
            // One that is answered without an event only loads and thinks.
            StreamOperation::Append {
                expected,
                think,
                least,
                ..
            } => {
                let writes = least.is_none() && costs.append.mean_ms() > 0.0;
                think.mean_ms() > 0.0 || writes || (*expected == Expected::Loaded && loads)
            }
        }
    }

    pub(crate) fn check(&self, p: &mut Problems) {
        p.count(
            "connections",
            u64::from(self.connections),
            1,
            limits::WORKERS,
        );
        p.count("queue", u64::from(self.queue), 0, limits::QUEUE);
        p.within("shedding", |p| self.shedding.check(p));
        p.count("streams", u64::from(self.streams), 1, limits::STREAMS);
        p.count("events", self.events, 0, limits::STREAM_EVENTS);
        if self.events == 0 && self.value != 0 {
            p.note_at(
                "value",
                "a stream is what its events come to, and 'events' are none",
            );
        }
        if self.operations.is_empty() {
            p.note_at("operations", "an event store needs at least one operation");
        }
        p.within("operations", |p| {
            for (name, operation) in &self.operations {
                check_operation(name, name, p);
                p.within(name, |p| operation.check(p));
            }
        });
        if let Some(snapshots) = &self.snapshots {
            p.within("snapshots", |p| {
                p.count(
                    "every_events",
                    snapshots.every_events,
                    1,
                    limits::STREAM_EVENTS,
                );
            });
        }
        p.within("schemas", |p| {
            p.count("", self.schemas.len() as u64, 0, limits::SCHEMAS);
            let mut last = 0.0;
            for (i, schema) in self.schemas.iter().enumerate() {
                p.within(format!("[{i}]"), |p| {
                    p.number("at_s", schema.at_s, last, limits::HORIZON_S);
                    p.number("upcast_us", schema.upcast_us, 0.0, 1e6);
                });
                last = schema.at_s;
            }
        });
        if let Some(costs) = &self.costs {
            p.within("costs", |p| costs.check(p));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let store: EventStore = crate::read_json(text).expect("it can be read");
        let written = crate::write_json(&store);
        let again: EventStore = crate::read_json(&written).expect("it can be read");
        assert_eq!(store, again);
        let mut problems = Problems::default();
        store.check(&mut problems);
        let found = problems.or(()).err().unwrap_or_default();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_full_one_is_right_and_reads_as_it_was_written() {
        let text = r#"{"connections": 10, "streams": 100, "events": 50, "value": 1000,
            "operations": {"balance": "load", "statement": {"as_of": {"ago": {"uniform": {"min_ms": 0, "max_ms": 60000}}}},
                "withdraw": {"append": {"by": -10, "least": 0, "retries": 3, "think": {"constant": {"mean_ms": 2}}}},
                "log": {"append": {"by": 1, "expected": "any"}}},
            "snapshots": {"every_events": 100}, "schemas": [{"at_s": 10, "upcast_us": 5}, {"at_s": 20, "upcast_us": 5}],
            "costs": {"read_us": 20}}"#;
        assert_eq!(problems(text), Vec::<String>::new());
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let found = problems(
            r#"{"connections": 0, "streams": 0, "value": 5,
                "operations": {"a": {"append": {"by": 1, "least": 0, "expected": "any", "retries": 1001}}},
                "snapshots": {"every_events": 0}, "schemas": [{"at_s": 10, "upcast_us": -1}, {"at_s": 5, "upcast_us": 0}],
                "costs": {"read_us": -1}}"#,
        );
        let places = found.iter().map(|p| p.split(": ").next().unwrap_or(""));
        let expected = [
            "connections",
            "streams",
            "value",
            "operations.a.append.retries",
            "operations.a.append.least",
            "snapshots.every_events",
            "schemas[0].upcast_us",
            "schemas[1].at_s",
            "costs.read_us",
        ];
        assert_eq!(places.collect::<Vec<_>>(), expected);
    }
}
