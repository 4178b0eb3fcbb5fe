//! What real systems did, and the same done by the engine's mechanisms.

mod balance;
mod guard;
mod keys;
mod table;

use serde::{Deserialize, Serialize};

pub use table::{Row, Table};

/// What a real system did, step by step.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// Its name in links.
    pub id: &'static str,
    /// What is compared.
    pub title: &'static str,
    /// The system that was recorded, with its version.
    pub system: &'static str,
    /// What it did, in words.
    pub says: &'static str,
    /// The file of the record: below `tests/oracle` in the sources, in `recorded/` of the page without its folder.
    pub file: &'static str,
    /// How what was given, and what was done, are called.
    pub heads: [&'static str; 2],
    replay: fn(&Table) -> Result<Vec<Series>, String>,
}

/// Steps that begin from nothing.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Series {
    /// How it was set up.
    pub title: String,
    /// The steps, in order.
    pub lines: Vec<Line>,
}

/// One step.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// What happened.
    pub given: String,
    /// What the real system did.
    pub theirs: String,
    /// What the engine does.
    pub ours: String,
    /// Whether that is the same; where clocks differ, within what `says` allows.
    pub agrees: bool,
}

impl Line {
    /// A step that must be the same to the letter.
    fn exact(given: String, theirs: &str, ours: String) -> Self {
        Self {
            given,
            agrees: theirs == ours,
            theirs: theirs.to_owned(),
            ours,
        }
    }
}

impl Record {
    /// The record with this name.
    pub fn named(id: &str) -> Option<&'static Self> {
        RECORDS.iter().find(|record| record.id == id)
    }

    /// Its file's own name.
    pub fn file_name(&self) -> &'static str {
        self.file
            .rsplit_once('/')
            .map_or(self.file, |(_, name)| name)
    }

    /// Does what was done to the real system to the engine's mechanism; `text` is the file.
    ///
    /// # Errors
    ///
    /// If the text is not such a record: which line, and what is allowed there.
    pub fn replay(&self, text: &str) -> Result<Vec<Series>, String> {
        let table = Table::read(text)?;
        (self.replay)(&table)
    }
}

/// All records that are replayed here.
pub const RECORDS: &[Record] = &[
    Record {
        id: "weighted-round-robin",
        title: "Smooth weighted round robin",
        system: "nginx 1.22.1, one worker",
        says: "Which server each request goes to, from a fresh configuration. The heavy server gets more, but not in a row.",
        file: "lb/nginx_swrr_sequences.csv",
        heads: ["Request", "Goes to"],
        replay: balance::weighted_round_robin,
    },
    Record {
        id: "least-connections",
        title: "Fewest open requests",
        system: "nginx 1.22.1, least_conn",
        says: "Which server each request goes to while others begin and end.",
        file: "lb/nginx_least_conn_sequences.csv",
        heads: ["What happens", "Goes to"],
        replay: balance::least_connections,
    },
    Record {
        id: "failover",
        title: "Servers that fail, tried and left out",
        system: "nginx 1.22.1, max_fails=1 fail_timeout=3s",
        says: "A request each 100 ms while servers go down and come back: every try, in order. nginx counts in whole seconds; the record does not say when they begin, so the engine takes the first beginning with which most lines agree.",
        file: "lb/nginx_failover_sequences.csv",
        heads: ["Request", "Tries"],
        replay: balance::failover,
    },
    Record {
        id: "health-checks",
        title: "Health checks: down after three, up after two",
        system: "HAProxy 2.6.12, fall 3 rise 2",
        says: "What a probe finds, and the state after it.",
        file: "lb/haproxy_health_rise2_fall3.csv",
        heads: ["Probe", "State after"],
        replay: balance::health,
    },
    Record {
        id: "breaker-resilience4j",
        title: "A circuit breaker with a sliding window",
        system: "resilience4j",
        says: "Calls to something that works or fails: whether each is let through, and the breaker after it.",
        file: "resilience/cb_resilience4j.csv",
        heads: ["Call", "Let through, and state after"],
        replay: guard::resilience4j,
    },
    Record {
        id: "breaker-pybreaker",
        title: "A circuit breaker that counts failures in a row",
        system: "pybreaker",
        says: "The same calls, to a breaker that opens after three failures in a row.",
        file: "resilience/cb_pybreaker.csv",
        heads: ["Call", "Let through, and state after"],
        replay: guard::pybreaker,
    },
    Record {
        id: "breaker-gobreaker",
        title: "The same in another library",
        system: "gobreaker",
        says: "The same calls, to a breaker that opens after three failures in a row. Its second recorded set-up counts in intervals that begin anew, which no setting of the lab does; it is left out.",
        file: "resilience/cb_gobreaker.csv",
        heads: ["Call", "Let through, and state after"],
        replay: guard::gobreaker,
    },
    Record {
        id: "breaker-cockatiel",
        title: "Two breakers of a third library",
        system: "cockatiel",
        says: "By failures in a row, and by their share in a window. Its third recorded set-up samples by a rate, and is left out.",
        file: "resilience/cb_node_libs.csv",
        heads: ["Call", "Let through, and state after"],
        replay: guard::cockatiel,
    },
    Record {
        id: "rate-limit",
        title: "A rate limit of ten requests a second",
        system: "nginx 1.22.1, limit_req",
        says: "Requests in quick succession: passed, delayed or rejected. Delays may differ by 5 ms, for nginx counts in whole milliseconds of its own clock.",
        file: "lb/nginx_limit_req.csv",
        heads: ["Request", "What becomes of it"],
        replay: guard::leaky_bucket,
    },
    Record {
        id: "eviction",
        title: "What a full cache lets go",
        system: "libCacheSim",
        says: "Keys that are asked for in order, of a cache that holds a few: 1 is a hit, 0 a miss. 160 short traces that tell the policies apart.",
        file: "cache/micro_traces.csv",
        heads: ["Places and keys", "Hits"],
        replay: keys::eviction,
    },
    Record {
        id: "hash-slots",
        title: "The slot of a key",
        system: "Redis 7.0.15, CLUSTER KEYSLOT",
        says: "Which of 16,384 slots a key belongs to, hash tags in braces among them.",
        file: "hash/redis_keyslot.csv",
        heads: ["Key", "Slot"],
        replay: keys::slots,
    },
];
