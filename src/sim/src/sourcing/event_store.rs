//! Streams of events: what a thing is, is the sum of what happened to it.
//!
//! Models: appending to a stream with the version that it is expected to have (optimistic concurrency), as `EventStoreDB`
//! (now `KurrentDB`) and Marten have it: of several writers who read the same version, one wins. Loading a stream reads and
//! applies its events, from the first or from the latest snapshot on; reading it as of a moment stops there, and may begin at the
//! snapshot only if that is not younger than the moment. Each event was written in the schema of its time; who reads it later has
//! it upcast through every schema since, each time anew, while a snapshot has the sum and needs none of that.
//! Does not model: events of several kinds, snapshots that a new schema makes worthless, streams that are rewritten or cut
//! off (scavenging), or more than one event at a time.
//! Sources: Fowler, *Event Sourcing* (2005); Young, *Versioning in an Event Sourced System* (2017); the documentation of
//! `EventStoreDB` (expected version) and Marten (`AggregateStreamAsync` by version and timestamp).

use super::change_log::{Change, ChangeLog, Seen};
use crate::time::Time;

/// What a stream came to at one of its versions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct Snapshot {
    seen: Seen,
    /// When its last event happened.
    time: Time,
}

/// What has to be read to know a stream.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Replay {
    /// What it comes to.
    pub seen: Seen,
    /// The version of the snapshot that it begins at; 0 for none.
    pub from: u64,
}

impl Replay {
    /// How many events are read and applied.
    pub const fn events(&self) -> u64 {
        self.seen.version - self.from
    }
}

/// An event that is to be appended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Append {
    /// To which stream.
    pub stream: u32,
    /// The version that the stream must have; any if none is named.
    pub expected: Option<u64>,
    /// What the event adds.
    pub by: i64,
    /// When.
    pub now: Time,
}

/// What came of an append.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Appended {
    /// It is in the log.
    Done {
        /// The stream since.
        seen: Seen,
        /// Whether it is time for a snapshot.
        snapshot: bool,
    },
    /// The stream has this other version than the one expected.
    Conflict(u64),
}

/// The streams of one store, over the log that has their events.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct EventStore {
    /// A snapshot each so many events.
    every: Option<u64>,
    /// By stream, if there are snapshots.
    snapshots: Vec<Snapshot>,
    /// When each schema but the first came.
    schemas: Vec<Time>,
    /// By stream and schema: the events that it had when that came, once known.
    marks: Vec<u64>,
    /// By stream: how many schemas had come when it was written last.
    known: Vec<u8>,
}

impl EventStore {
    /// The streams of `log`, with a snapshot each `every` events and schemas that come at `schemas`, in order. What was before
    /// the run was written with the same rule of snapshots, and in the first schema.
    pub fn new(log: &ChangeLog, every: Option<u64>, schemas: Vec<Time>) -> Self {
        let streams = log.rows() as usize;
        let snapshot = every.map(|every| {
            let start = log.latest(0);
            let version = start.version - start.version % every;
            let value = i128::from(start.value) * i128::from(version);
            Snapshot {
                seen: Seen {
                    version,
                    value: (value / i128::from(start.version.max(1))) as i64,
                },
                time: Time::ZERO,
            }
        });
        Self {
            every,
            snapshots: snapshot.map_or_else(Vec::new, |snapshot| vec![snapshot; streams]),
            marks: vec![0; streams * schemas.len()],
            known: vec![0; if schemas.is_empty() { 0 } else { streams }],
            schemas,
        }
    }

    /// What has to be read to know a stream as it is.
    pub fn load(&self, log: &ChangeLog, stream: u32) -> Replay {
        let snapshot = self.snapshots.get(stream as usize);
        Replay {
            seen: log.latest(stream),
            from: snapshot.map_or(0, |snapshot| snapshot.seen.version),
        }
    }

    /// What has to be read to know a stream as it was; nothing if the log does not remember that moment.
    pub fn load_as_of(&self, log: &ChangeLog, stream: u32, moment: Time) -> Option<Replay> {
        let snapshot = self.snapshots.get(stream as usize);
        let usable = snapshot.filter(|snapshot| snapshot.time <= moment);
        Some(Replay {
            seen: log.as_of(stream, moment)?,
            from: usable.map_or(0, |snapshot| snapshot.seen.version),
        })
    }

    /// How many events of a replay have to be upcast to schema number `schema`, counted from 0 after the first one.
    pub fn upcasts(&self, log: &ChangeLog, stream: u32, replay: &Replay, schema: usize) -> u64 {
        let known = self.known.get(stream as usize).copied().unwrap_or(0);
        let older = if schema < usize::from(known) {
            self.marks[stream as usize * self.schemas.len() + schema]
        } else {
            // Nothing has been written since it came.
            log.latest(stream).version
        };
        older.clamp(replay.from, replay.seen.version) - replay.from
    }

    /// How many schemas have come by `now`, the first one apart.
    pub fn schemas_by(&self, now: Time) -> usize {
        self.schemas.partition_point(|time| *time <= now)
    }

    /// Appends an event, if its stream has the version that is expected.
    pub fn append(&mut self, log: &mut ChangeLog, append: Append) -> Appended {
        let Append {
            stream, by, now, ..
        } = append;
        let before = log.latest(stream);
        if append
            .expected
            .is_some_and(|version| version != before.version)
        {
            return Appended::Conflict(before.version);
        }
        let come = self.schemas_by(now);
        if let Some(known) = self.known.get_mut(stream as usize) {
            let own = stream as usize * self.schemas.len();
            self.marks[own + usize::from(*known)..own + come].fill(before.version);
            *known = come as u8;
        }
        let seen = Seen {
            version: before.version + 1,
            value: before.value.saturating_add(by),
        };
        log.append(Change {
            row: stream,
            seen,
            time: now,
        });
        let snapshot = self.every.is_some_and(|every| {
            let last = self.snapshots[stream as usize].seen.version;
            seen.version - last >= every
        });
        Appended::Done { seen, snapshot }
    }

    /// Keeps what a stream came to with the event of `time`, if no later snapshot is there. Tells whether it did.
    pub fn snapshot(&mut self, stream: u32, seen: Seen, time: Time) -> bool {
        match self.snapshots.get_mut(stream as usize) {
            Some(snapshot) if snapshot.seen.version < seen.version => {
                *snapshot = Snapshot { seen, time };
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_nanos(seconds * 1_000_000_000)
    }

    struct Bench {
        log: ChangeLog,
        store: EventStore,
    }

    impl Bench {
        fn new(each: u64, every: Option<u64>, schemas: &[u64]) -> Self {
            let log = ChangeLog::new(2, each, 0);
            let schemas = schemas.iter().map(|seconds| at(*seconds)).collect();
            let store = EventStore::new(&log, every, schemas);
            Self { log, store }
        }

        fn append(&mut self, expected: Option<u64>, seconds: u64) -> Appended {
            let append = Append {
                stream: 0,
                expected,
                by: 10,
                now: at(seconds),
            };
            let appended = self.store.append(&mut self.log, append);
            if let Appended::Done {
                seen,
                snapshot: true,
            } = appended
            {
                assert!(self.store.snapshot(0, seen, at(seconds)));
            }
            appended
        }

        fn events(&self) -> u64 {
            self.store.load(&self.log, 0).events()
        }
    }

    #[test]
    fn a_load_reads_all_events_or_those_since_the_snapshot() {
        let mut plain = Bench::new(0, None, &[]);
        let mut kept = Bench::new(0, Some(5), &[]);
        for n in 1..=23 {
            plain.append(None, n);
            kept.append(None, n);
            assert_eq!((plain.events(), kept.events()), (n, n % 5));
        }
        assert_eq!(kept.store.load(&kept.log, 0).seen.value, 230);
        // What was before the run has its snapshots, too.
        let old = Bench::new(1_003, Some(100), &[]);
        assert_eq!(old.events(), 3);
    }

    #[test]
    fn of_those_who_expect_the_same_version_one_wins() {
        let mut bench = Bench::new(7, None, &[]);
        let done = |appended| matches!(appended, Appended::Done { .. });
        let won = (0..10).filter(|_| done(bench.append(Some(7), 1))).count();
        assert_eq!(won, 1);
        assert_eq!(bench.append(Some(7), 2), Appended::Conflict(8));
        assert!(done(bench.append(Some(8), 2)));
        assert!(done(bench.append(None, 2)));
    }

    #[test]
    fn a_snapshot_helps_only_moments_that_are_not_older() {
        let mut bench = Bench::new(0, Some(5), &[]);
        for n in 1..=8 {
            bench.append(None, n);
        }
        let events = |seconds| {
            let replay = bench.store.load_as_of(&bench.log, 0, at(seconds));
            replay.map(|replay| (replay.seen.version, replay.events()))
        };
        assert_eq!(events(8), Some((8, 3)));
        assert_eq!(events(5), Some((5, 0)));
        assert_eq!(events(4), Some((4, 4)));
        assert_eq!(events(0), Some((0, 0)));
    }

    #[test]
    fn events_are_upcast_through_every_schema_since_they_were_written() {
        let mut bench = Bench::new(3, None, &[10, 20]);
        bench.append(None, 5);
        bench.append(None, 12);
        let upcasts = |bench: &Bench, schema| {
            let replay = bench.store.load(&bench.log, 0);
            bench.store.upcasts(&bench.log, 0, &replay, schema)
        };
        assert_eq!(bench.store.schemas_by(at(9)), 0);
        assert_eq!(bench.store.schemas_by(at(10)), 1);
        // Three of before the run and the one at 5 s are of the first schema.
        assert_eq!((upcasts(&bench, 0), upcasts(&bench, 1)), (4, 5));
        bench.append(None, 25);
        assert_eq!((upcasts(&bench, 0), upcasts(&bench, 1)), (4, 5));
        // A stream that slept through both is all old.
        let replay = bench.store.load(&bench.log, 1);
        assert_eq!(bench.store.upcasts(&bench.log, 1, &replay, 1), 3);
        // A snapshot has no events to upcast.
        let replay = Replay {
            from: 4,
            ..bench.store.load(&bench.log, 0)
        };
        assert_eq!(bench.store.upcasts(&bench.log, 0, &replay, 0), 0);
        assert_eq!(bench.store.upcasts(&bench.log, 0, &replay, 1), 1);
    }
}
