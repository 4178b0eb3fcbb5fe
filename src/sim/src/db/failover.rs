//! Nodes that go and come back: a replica takes the primary's place, and what it has not received is lost.
//!
//! Models: the choice of the replica with the most of the log, as `repmgr`, Patroni and Orchestrator make it; the replay of
//! what it has received (a pause ends with the promotion, as in `PostgreSQL`, and delays are not waited for); the old primary
//! that comes back without the writes that only it had (`pg_rewind`).
//! Does not model: how it is found that the primary is gone, or two that both think they are primary.

use super::replication::{Node, Replication};
use super::rows::{Rows, Written};
use super::timing::{APPLY_FULL_SPEED, Timing};
use crate::time::Time;

/// A write that a failover lost.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Lost {
    /// The row.
    pub key: u64,
    /// The version that is gone.
    pub version: u64,
    /// When it was committed.
    pub at: Time,
    /// By how much the row's number is greater without it.
    pub moved: i64,
    /// Whether its client had been told that it was done.
    pub acknowledged: bool,
}

/// What a failover did.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Promotion {
    /// The new primary.
    pub node: u16,
    /// When it has replayed what it had received, and takes writes.
    pub ready: Time,
    /// Writes that were lost, acknowledged or not.
    pub lost: u64,
}

impl<T: Copy> Replication<T> {
    /// Takes a node out: nothing is kept for it any more. Those whose reads wait for it must be told by the caller, by
    /// [`Replication::take_reads`]; commits that waited for it go on at the next [`Replication::advance`].
    pub fn remove(&mut self, at: u16) {
        let node = &mut self.nodes[usize::from(at)];
        node.present = false;
        node.receives = None;
        node.applies = None;
        self.trim();
    }

    /// Adds to `tokens` all whose reads wait for a node, and lets them wait no longer.
    pub fn take_reads(&mut self, at: u16, tokens: &mut Vec<T>) {
        let line = &mut self.reads[usize::from(at)].0;
        tokens.extend(line.drain(..).map(|wait| wait.token));
    }

    /// A node that was taken out is a replica again, with a fresh copy of all there is.
    pub fn rejoin(&mut self, at: u16, now: Time) {
        let head = self.log.head();
        let node = &mut self.nodes[usize::from(at)];
        if node.present {
            return;
        }
        *node = Node::at(head, now);
    }

    /// The primary is gone: the replica that has received most (the first of them) takes its place, once it has replayed
    /// what it has received. What it has not received is undone in `rows`; it is added to
    /// `lost`, in order. All commits that wait are added to `failed`: their clients never learn what came of them.
    /// Reads that wait for the new primary need not wait: [`Replication::take_reads`]. The old primary is taken out; [`Replication::rejoin`] brings it back as a replica, without the writes that were lost.
    /// `None`, and nothing is changed, if there is no replica. What has happened up to `now` must have been worked off.
    pub fn fail_over(
        &mut self,
        timing: &Timing,
        rows: &mut Rows,
        now: Time,
        lost: &mut Vec<Lost>,
        failed: &mut Vec<T>,
    ) -> Option<Promotion> {
        let most = self.replicas().map(|at| self.received(at)).max()?;
        let next = self.replicas().find(|at| self.received(*at) == most)?;
        failed.extend(self.commits.0.drain(..).map(|wait| wait.token));
        let (listed, head, mut count) = (lost.len(), self.log.head(), 0);
        for position in (most + 1..=head).rev() {
            if let Some(entry) = self.log.entry_mut(position).filter(|entry| !entry.void) {
                entry.void = true;
                count += 1;
                rows.undo(&entry.written);
                let Written { key, after, before } = entry.written;
                lost.push(Lost {
                    key,
                    version: position,
                    at: after.since,
                    moved: before.value.wrapping_sub(after.value),
                    acknowledged: entry.acknowledged,
                });
            }
        }
        lost[listed..].reverse();
        // A pause ends with the promotion, and delays are not waited for.
        let Node { applied, speed, .. } = self.nodes[usize::from(next)];
        let speed = if speed == 0 { APPLY_FULL_SPEED } else { speed };
        let mut ready = now;
        for position in applied + 1..=most {
            if !self.log.entry(position).void {
                ready = ready + timing.apply(next, position, speed);
            }
        }
        let before = core::mem::replace(&mut self.primary, next);
        let node = &mut self.nodes[usize::from(next)];
        (node.receives, node.applies) = (None, None);
        (node.received, node.applied) = (head, head);
        self.remove(before);
        for at in 0..self.nodes.len() as u16 {
            let node = &mut self.nodes[usize::from(at)];
            node.receives = None;
            node.linked_since = node.linked_since.max(ready);
            self.expect_next(timing, at, now);
        }
        Some(Promotion {
            node: next,
            ready,
            lost: count,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Committed;
    use crate::random::Key;
    use crate::time::Duration;

    fn ms(millis: f64) -> Time {
        Time::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn the_replica_with_most_is_promoted_and_loses_what_it_lacks() {
        let settings = crate::read_json(
            r#"{"replicas":2,"ship":{"constant":{"mean_ms":2}},"apply":{"constant":{"mean_ms":1}},
                "apply_delay":{"constant":{"mean_ms":50}}}"#,
        );
        let timing = Timing::new(&settings.expect("it can be read"), Key::root(1));
        let mut rows = Rows::new(10);
        let mut replication: Replication<u64> = Replication::new(2);
        let (mut lost, mut failed) = (Vec::new(), Vec::new());
        replication.set_linked(&timing, 1, false, ms(0.0));
        for (key, at) in [(1, 0.0), (2, 1.0), (1, 5.0), (3, 6.0)] {
            let written = rows.commit(key, 0, at as i64, ms(at));
            assert_eq!(replication.commit(&timing, written, 0), Committed::Done);
        }
        // Node 2 has the first two; they only wait for their delay.
        replication.advance(&timing, ms(6.5), &mut Vec::new());
        let promotion = replication.fail_over(&timing, &mut rows, ms(6.5), &mut lost, &mut failed);
        let expected = Promotion {
            node: 2,
            ready: ms(8.5),
            lost: 2,
        };
        assert_eq!(promotion, Some(expected));
        let versions: Vec<(u64, u64)> = lost.iter().map(|l| (l.key, l.version)).collect();
        assert_eq!(versions, [(1, 3), (3, 4)]);
        assert_eq!((rows.read(1), rows.read(2), rows.read(3)), (1, 2, 0));
        // The next write has a version of its own, and the other replica follows the new primary.
        let written = rows.commit(1, 0, 9, ms(9.0));
        assert_eq!(written.after.version, 5);
        replication.commit(&timing, written, 0);
        replication.set_linked(&timing, 1, true, ms(9.0));
        replication.rejoin(0, ms(9.0));
        replication.advance(&timing, ms(60.0), &mut Vec::new());
        assert_eq!(replication.replicas().collect::<Vec<_>>(), [0, 1]);
        for node in 0..3 {
            assert_eq!(replication.read(node, rows.get(1, 0)).row, written.after);
        }
        assert_eq!(replication.kept(), 0);
    }

    #[test]
    fn without_a_replica_nothing_changes() {
        let settings = crate::read_json(r#"{"replicas":1}"#).expect("it can be read");
        let timing = Timing::new(&settings, Key::root(1));
        let mut rows = Rows::new(10);
        let mut replication: Replication<u64> = Replication::new(1);
        replication.remove(1);
        let before = replication.clone();
        let (mut lost, mut failed) = (Vec::new(), Vec::new());
        let promotion = replication.fail_over(&timing, &mut rows, ms(1.0), &mut lost, &mut failed);
        assert_eq!((promotion, &replication), (None, &before));
    }
}
