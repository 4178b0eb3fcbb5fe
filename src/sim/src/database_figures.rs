//! What was measured at a database's node: rows, locks, connections, replication.

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::time::Duration;
use crate::view_figures::ViewMost;

/// What one node of a database did; all zero for other stations.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct DatabaseFigures {
    /// Rows that statements looked at.
    pub rows_examined: u64,
    /// Rows whose writes were committed and answered.
    pub rows_written: u64,
    /// Statements that waited for a row's lock, and got it.
    pub lock_waits: u64,
    /// How long those waited on average, in milliseconds.
    pub lock_wait_ms: f64,
    /// Changes that began anew, because another was quicker.
    pub conflicts: u64,
    /// Connections that were set up.
    pub connects: u64,
    /// How long a visit waited for its connection on average, set-up included, in milliseconds.
    pub connect_ms: f64,
    /// Reads at this node as a replica.
    pub replica_reads: u64,
    /// Of those, the ones that saw a version which had been overwritten on the primary.
    pub stale_reads: u64,
    /// For how long that had been so on average, in milliseconds.
    pub stale_ms: f64,
    /// For how long at most.
    pub stale_max_ms: f64,
    /// Reads that did not see what their own user had written.
    pub own_missed: u64,
    /// How far the node was behind on average when it was read as a replica, in milliseconds.
    pub lag_ms: f64,
    /// How far at most.
    pub lag_max_ms: f64,
    /// Acknowledged writes that were lost when it took its primary's place.
    pub lost_writes: u64,
    /// Branches of transactions that were decided after they had been prepared.
    pub resolved: u64,
    /// How long those were in doubt on average, in milliseconds.
    pub in_doubt_ms: f64,
    /// How long at most.
    pub in_doubt_max_ms: f64,
}

/// Running totals; figures over a stretch are the difference between two of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DatabaseCounters {
    rows_examined: u64,
    rows_written: u64,
    lock_waits: u64,
    lock_wait_ns: u128,
    conflicts: u64,
    connects: u64,
    connect_ns: u128,
    replica_reads: u64,
    stale_reads: u64,
    stale_ns: u128,
    own_missed: u64,
    lag_ns: u128,
    lost_writes: u64,
    resolved: u64,
    in_doubt_ns: u128,
}

/// The longest of a stretch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Longest {
    stale: Duration,
    lag: Duration,
    doubt: Duration,
    /// The same of a view.
    pub view: ViewMost,
}

impl Longest {
    /// Takes into account how long a branch was in doubt.
    pub fn doubt(&mut self, doubted: Duration) {
        self.doubt = self.doubt.max(doubted);
    }

    /// Takes an event at the node into account.
    pub fn see(&mut self, event: &Event) {
        if let Event::ReplicaRead { lag, stale, .. } = *event {
            self.lag = self.lag.max(lag);
            self.stale = self.stale.max(stale.unwrap_or_default());
        }
    }
}

impl DatabaseCounters {
    /// Counts a branch that was in doubt for so long.
    pub fn resolve(&mut self, doubted: Duration) {
        self.resolved += 1;
        self.in_doubt_ns += u128::from(doubted.nanos());
    }

    /// Counts an event at the node.
    pub fn count(&mut self, event: &Event) {
        match *event {
            Event::Examined { rows, .. } => self.rows_examined += rows,
            Event::Committed { rows, .. } => self.rows_written += u64::from(rows),
            Event::Locked { waited, .. } => {
                self.lock_waits += 1;
                self.lock_wait_ns += u128::from(waited.nanos());
            }
            Event::Conflicted { .. } => self.conflicts += 1,
            Event::Connected { waited, new, .. } => {
                self.connects += u64::from(new);
                self.connect_ns += u128::from(waited.nanos());
            }
            Event::ReplicaRead {
                lag, stale, own, ..
            } => {
                self.replica_reads += 1;
                self.lag_ns += u128::from(lag.nanos());
                if let Some(stale) = stale {
                    self.stale_reads += 1;
                    self.stale_ns += u128::from(stale.nanos());
                }
                self.own_missed += u64::from(own);
            }
            Event::Promoted { lost, .. } => self.lost_writes += u64::from(lost),
            _ => {}
        }
    }

    /// The figures between `then` and this, over so many visits.
    pub fn since(&self, then: &Self, visits: u64, longest: Longest) -> DatabaseFigures {
        let mean_ms =
            |now: u128, then: u128, count: u64| (now - then) as f64 / 1e6 / count.max(1) as f64;
        let lock_waits = self.lock_waits - then.lock_waits;
        let replica_reads = self.replica_reads - then.replica_reads;
        let stale_reads = self.stale_reads - then.stale_reads;
        let resolved = self.resolved - then.resolved;
        DatabaseFigures {
            rows_examined: self.rows_examined - then.rows_examined,
            rows_written: self.rows_written - then.rows_written,
            lock_waits,
            lock_wait_ms: mean_ms(self.lock_wait_ns, then.lock_wait_ns, lock_waits),
            conflicts: self.conflicts - then.conflicts,
            connects: self.connects - then.connects,
            connect_ms: mean_ms(self.connect_ns, then.connect_ns, visits),
            replica_reads,
            stale_reads,
            stale_ms: mean_ms(self.stale_ns, then.stale_ns, stale_reads),
            stale_max_ms: longest.stale.millis(),
            own_missed: self.own_missed - then.own_missed,
            lag_ms: mean_ms(self.lag_ns, then.lag_ns, replica_reads),
            lag_max_ms: longest.lag.millis(),
            lost_writes: self.lost_writes - then.lost_writes,
            resolved,
            in_doubt_ms: mean_ms(self.in_doubt_ns, then.in_doubt_ns, resolved),
            in_doubt_max_ms: longest.doubt.millis(),
        }
    }
}
