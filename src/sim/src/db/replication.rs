//! Replication: a primary whose writes replicas receive and apply, later.
//!
//! Models: a log that is shipped in order and applied by one applier a replica, as `PostgreSQL` streams its WAL and `MySQL`
//! its binary log (with one applier thread); a delay before a write may be applied (`recovery_min_apply_delay`) and a time
//! that applying one takes, so a replica falls behind when writes come faster than it applies them; commits that wait for
//! replicas ([`Commits`]); a
//! replica that is too far behind is given up, as `max_slot_wal_keep_size` has it.
//! Does not model: chains of replicas, parallel appliers, the copy that a new replica starts from, two primaries at once.
//! Nothing here plans events: [`Replication::advance`] works off what has happened since, and is called before anything is
//! asked; [`Replication::next_due`] tells when something will happen, for those who wait for it.

use super::log::{Log, Seen};
use super::rows::{Row, Written};
use super::timing::{APPLY_FULL_SPEED, Timing};
use super::waits::{Line, Reached, Ticket};
use crate::component::Commits;
use crate::limits;
use crate::time::{Duration, Time};

/// One node's place in the log.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Node {
    /// Whether it is part of the replication; one that is not keeps nothing in the log.
    pub(super) present: bool,
    pub(super) received: u64,
    pub(super) applied: u64,
    /// When it receives the next write, if one is on its way.
    pub(super) receives: Option<Time>,
    /// When it has applied the write it is at.
    pub(super) applies: Option<Time>,
    /// Nothing reaches it before.
    pub(super) linked_since: Time,
    pub(super) linked: bool,
    /// How fast it applies, in thousandths.
    pub(super) speed: u32,
}

impl Node {
    /// A node that has all up to `position`.
    pub(super) fn at(position: u64, now: Time) -> Self {
        Self {
            present: true,
            received: position,
            applied: position,
            receives: None,
            applies: None,
            linked_since: now,
            linked: true,
            speed: APPLY_FULL_SPEED,
        }
    }
}

/// Whether a commit may be answered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Committed {
    /// At once.
    Done,
    /// When replicas have it; the ticket is for [`Replication::give_up`].
    Waits(Ticket),
}

/// The state of a replicated database. Node 0 is the primary at the start. `T` is what the caller knows those who wait by.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Replication<T> {
    pub(super) log: Log,
    pub(super) nodes: Vec<Node>,
    pub(super) primary: u16,
    pub(super) commits: Line<T>,
    /// Reads that wait for a node to have applied a position.
    pub(super) reads: Vec<Line<T>>,
    pub(super) numbers: u64,
    given_up: u64,
    most: usize,
}

impl<T: Copy> Replication<T> {
    /// A primary and `replicas` that have all it has.
    pub fn new(replicas: u16) -> Self {
        let nodes = usize::from(replicas) + 1;
        Self {
            log: Log::default(),
            nodes: vec![Node::at(0, Time::ZERO); nodes],
            primary: 0,
            commits: Line::default(),
            reads: (0..nodes).map(|_| Line::default()).collect(),
            numbers: 0,
            given_up: 0,
            most: limits::LOG,
        }
    }

    /// Keeps at most `most` writes for replicas that are behind.
    #[must_use]
    pub fn keeping(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// The node that takes writes.
    pub const fn primary(&self) -> u16 {
        self.primary
    }

    /// The nodes that are there and not the primary.
    pub fn replicas(&self) -> impl Iterator<Item = u16> {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter_map(|(at, node)| {
            (node.present && at != usize::from(self.primary)).then_some(at as u16)
        })
    }

    /// Whether a node is there.
    pub fn present(&self, node: u16) -> bool {
        self.nodes[usize::from(node)].present
    }

    /// The position of the latest write.
    pub fn head(&self) -> u64 {
        self.log.head()
    }

    /// The position up to which a node has received the log.
    pub fn received(&self, node: u16) -> u64 {
        self.place(node, |node| node.received)
    }

    /// The position up to which a node has applied it: what its readers see.
    pub fn applied(&self, node: u16) -> u64 {
        self.place(node, |node| node.applied)
    }

    fn place(&self, node: u16, of: impl Fn(&Node) -> u64) -> u64 {
        if node == self.primary {
            self.log.head()
        } else {
            of(&self.nodes[usize::from(node)])
        }
    }

    /// How far a node's readers are behind: in writes, and in the age of the first write that they do not see.
    pub fn lag(&self, node: u16, now: Time) -> (u64, Duration) {
        let behind = self.log.head() - self.applied(node);
        if behind == 0 || !self.present(node) {
            return (behind, Duration::ZERO);
        }
        let next = self.log.entry(self.applied(node) + 1);
        (behind, now.since(next.written.after.since))
    }

    /// Replicas that were given up because they were too far behind.
    pub const fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Writes that are kept for replicas.
    pub fn kept(&self) -> usize {
        self.log.len()
    }

    /// Those who wait for replicas: commits, and reads.
    pub fn waiting(&self) -> (u32, u32) {
        let reads: usize = self.reads.iter().map(|line| line.0.len()).sum();
        (self.commits.0.len() as u32, reads as u32)
    }

    /// The primary commits a write, which is told of by `token` if it has to wait. Every write that [`Rows`](super::Rows) gave a
    /// version must come here, in order.
    ///
    /// Who writes a row must hold its lock until its commit is answered. Whether others may read it on the primary before
    /// that is the caller's: see [`Rows::prepare`](super::Rows::prepare).
    pub fn commit(&mut self, timing: &Timing, written: Written, token: T) -> Committed {
        let needed = self.needed(timing);
        self.log.append(written, needed == 0);
        let head = self.log.head();
        for at in 0..self.nodes.len() as u16 {
            self.expect_next(timing, at, Time::ZERO);
        }
        self.make_room();
        if needed == 0 {
            return Committed::Done;
        }
        Committed::Waits(self.wait(None, head, token))
    }

    /// Sets when a node receives what it lacks next: not before `time`, for nothing overtakes.
    pub(super) fn expect_next(&mut self, timing: &Timing, at: u16, time: Time) {
        let node = &mut self.nodes[usize::from(at)];
        let lacks = node.received < self.log.head();
        if at == self.primary || !node.present || !node.linked || !lacks || node.receives.is_some()
        {
            return;
        }
        let position = node.received + 1;
        let sent = self.log.entry(position).written.after.since;
        let arrives = sent.max(node.linked_since) + timing.ship(at, position);
        node.receives = Some(time.max(arrives));
    }

    /// Gives up who is furthest behind, until the log has room.
    fn make_room(&mut self) {
        self.trim();
        while self.log.len() > self.most {
            let last = self.replicas().min_by_key(|at| self.applied(*at));
            let Some(last) = last else {
                break;
            };
            self.remove(last);
            self.given_up += 1;
        }
    }

    pub(super) fn trim(&mut self) {
        let applied = self.replicas().map(|at| self.applied(at)).min();
        self.log.trim(applied.unwrap_or(self.log.head()));
    }

    /// Works off what has happened up to `now`. Adds to `reached` those who waited for it, in order.
    pub fn advance(&mut self, timing: &Timing, now: Time, reached: &mut Vec<Reached<T>>) {
        while let Some((time, at)) = self.next() {
            if time > now {
                break;
            }
            self.step(timing, at, time, reached);
        }
        // A node that commits waited for may have been taken out, or be back with all that they wait for.
        match timing.commits {
            Commits::Asynchronous => {}
            Commits::SemiSynchronous { acks, .. } => {
                let needed = acks as usize;
                self.answer_commits(needed, |node| node.received, Duration::ZERO, reached);
            }
            Commits::Synchronous => {
                let needed = self.needed(timing);
                self.answer_commits(needed, |node| node.applied, Duration::ZERO, reached);
            }
        }
        self.trim();
    }

    /// When something happens next; `None` if nothing will until the next commit.
    pub fn next_due(&self) -> Option<Time> {
        self.next().map(|(time, _)| time)
    }

    fn next(&self) -> Option<(Time, u16)> {
        let due = |(at, node): (usize, &Node)| {
            let time = node.receives.into_iter().chain(node.applies).min()?;
            Some((time, at as u16))
        };
        self.nodes.iter().enumerate().filter_map(due).min()
    }

    /// A node receives a write, or has applied one.
    fn step(&mut self, timing: &Timing, at: u16, time: Time, reached: &mut Vec<Reached<T>>) {
        let node = &mut self.nodes[usize::from(at)];
        if node.receives == Some(time) {
            node.receives = None;
            node.received += 1;
            let position = node.received;
            self.expect_next(timing, at, time);
            self.apply_next(timing, at, time);
            if let Commits::SemiSynchronous { acks, .. } = timing.commits {
                let back = timing.ship(at, position);
                self.answer_commits(acks as usize, |node| node.received, back, reached);
            }
        } else {
            node.applies = None;
            node.applied += 1;
            let position = node.applied;
            self.apply_next(timing, at, time);
            self.answer_reads(at, reached);
            if timing.commits == Commits::Synchronous {
                let back = timing.ship(at, position);
                let needed = self.needed(timing);
                self.answer_commits(needed, |node| node.applied, back, reached);
            }
        }
    }

    /// An idle applier takes the next write that it has received.
    fn apply_next(&mut self, timing: &Timing, at: u16, time: Time) {
        let node = &mut self.nodes[usize::from(at)];
        if node.applies.is_some() || node.speed == 0 || node.applied == node.received {
            return;
        }
        let position = node.applied + 1;
        let entry = self.log.entry(position);
        node.applies = Some(if entry.void {
            time
        } else {
            let delay = timing.delay(at, position);
            let begins = time.max(entry.written.after.since + delay);
            begins + timing.apply(at, position, node.speed)
        });
    }

    /// A row, of which `newest` is what [`Rows`](super::Rows) has, as a node sees it now.
    pub fn read(&self, node: u16, newest: Row) -> Seen {
        if !self.present(node) {
            // It is not to be read; what it last had is not kept.
            return Seen {
                row: newest,
                overwritten: None,
            };
        }
        self.log.seen(newest, self.applied(node))
    }

    /// Cuts a node off from the primary, or links it again: what was on its way is sent anew. What has happened up to `now`
    /// must have been worked off.
    pub fn set_linked(&mut self, timing: &Timing, at: u16, linked: bool, now: Time) {
        let node = &mut self.nodes[usize::from(at)];
        if node.linked == linked {
            return;
        }
        node.linked = linked;
        node.receives = None;
        node.linked_since = now;
        self.expect_next(timing, at, now);
    }

    /// Lets a node apply at a speed in thousandths; at 0 it stops. The write that it is at is finished first. What has
    /// happened up to `now` must have been worked off.
    pub fn set_applying(&mut self, timing: &Timing, at: u16, speed: u32, now: Time) {
        self.nodes[usize::from(at)].speed = speed;
        if at != self.primary && self.present(at) {
            self.apply_next(timing, at, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Rows;
    use crate::random::Key;

    fn timing(settings: &str) -> Timing {
        let text = format!(r#"{{"replicas":2,{settings}}}"#);
        Timing::new(
            &crate::read_json(&text).expect("it can be read"),
            Key::root(1),
        )
    }

    fn ms(millis: f64) -> Time {
        Time::ZERO + Duration::from_millis(millis)
    }

    struct Bench {
        timing: Timing,
        rows: Rows,
        replication: Replication<u64>,
    }

    impl Bench {
        fn new(settings: &str, replicas: u16) -> Self {
            Self {
                timing: timing(settings),
                rows: Rows::new(100),
                replication: Replication::new(replicas),
            }
        }

        fn write(&mut self, at: f64) -> Committed {
            let written = self.rows.commit(1, 0, 0, ms(at));
            let token = written.after.version;
            self.replication.commit(&self.timing, written, token)
        }

        fn to(&mut self, at: f64) -> Vec<(u64, f64)> {
            let mut reached = Vec::new();
            self.replication.advance(&self.timing, ms(at), &mut reached);
            let reached = reached.iter();
            reached.map(|r| (r.token, r.after.millis())).collect()
        }
    }

    const PLAIN: &str = r#""ship":{"constant":{"mean_ms":2}},"apply":{"constant":{"mean_ms":1}}"#;

    #[test]
    fn a_replica_that_applies_more_slowly_than_writes_come_falls_behind() {
        let mut bench = Bench::new(PLAIN, 1);
        for i in 0..100 {
            bench.write(f64::from(i) * 0.5);
        }
        // After 50 ms all are committed, and 48 ms of applying at one a millisecond are over.
        bench.to(50.0);
        assert_eq!(
            bench.replication.lag(1, ms(50.0)),
            (52, Duration::from_millis(26.0))
        );
        bench.to(102.0);
        assert_eq!(bench.replication.lag(1, ms(102.0)), (0, Duration::ZERO));
        assert_eq!(bench.replication.kept(), 0);
    }

    #[test]
    fn a_replica_that_is_held_up_catches_up_afterwards() {
        let mut bench = Bench::new(PLAIN, 2);
        let timing = bench.timing.clone();
        bench.replication.set_applying(&timing, 1, 0, ms(0.0));
        bench.replication.set_linked(&timing, 2, false, ms(0.0));
        bench.write(0.0);
        bench.write(0.0);
        bench.to(10.0);
        let replication = &mut bench.replication;
        assert_eq!((replication.received(1), replication.applied(1)), (2, 0));
        assert_eq!((replication.received(2), replication.kept()), (0, 2));
        // At half speed each takes 2 ms; what was not sent takes its way first.
        replication.set_applying(&timing, 1, 500, ms(10.0));
        replication.set_linked(&timing, 2, true, ms(10.0));
        bench.to(12.0);
        assert_eq!(
            (bench.replication.applied(1), bench.replication.received(2)),
            (1, 2)
        );
        bench.to(14.0);
        assert_eq!(
            (bench.replication.applied(1), bench.replication.applied(2)),
            (2, 2)
        );
        assert_eq!(bench.replication.next_due(), None);
    }

    #[test]
    fn a_commit_waits_for_as_many_as_it_was_told() {
        let mut bench = Bench::new(
            r#""commits":{"semi_synchronous":{"acks":2}},"ship":{"constant":{"mean_ms":2}}"#,
            2,
        );
        let timing = bench.timing.clone();
        assert!(matches!(bench.write(0.0), Committed::Waits(_)));
        bench.replication.set_linked(&timing, 2, false, ms(0.0));
        assert_eq!(bench.to(5.0), []);
        bench.replication.set_linked(&timing, 2, true, ms(5.0));
        // There at 7 ms; the answer takes as long back.
        assert_eq!(bench.replication.next_due(), Some(ms(7.0)));
        assert_eq!(bench.to(7.0), [(1, 2.0)]);
        let Committed::Waits(ticket) = bench.write(8.0) else {
            panic!("it waits");
        };
        assert!(bench.replication.give_up(ticket) && !bench.replication.give_up(ticket));
        assert_eq!(bench.to(20.0), []);
    }

    #[test]
    fn a_read_waits_until_its_position_is_applied() {
        let mut bench = Bench::new(PLAIN, 1);
        bench.write(0.0);
        bench.write(0.0);
        assert!(bench.replication.wait_for(1, 2, 70,).is_some());
        assert!(bench.replication.wait_for(1, 1, 71).is_some());
        assert_eq!(bench.to(3.0), [(71, 0.0)]);
        assert_eq!(bench.to(4.0), [(70, 0.0)]);
        assert!(bench.replication.wait_for(1, 2, 72).is_none());
    }

    #[test]
    fn a_replica_too_far_behind_is_given_up_and_memory_is_bounded() {
        let mut bench = Bench::new(PLAIN, 2);
        bench.replication = bench.replication.keeping(10);
        let timing = bench.timing.clone();
        bench.replication.set_applying(&timing, 2, 0, ms(0.0));
        for i in 0..30 {
            let at = f64::from(i) * 2.0;
            bench.to(at);
            bench.write(at);
            assert!(bench.replication.kept() <= 10);
        }
        assert_eq!(bench.replication.given_up(), 1);
        assert!(bench.replication.present(1) && !bench.replication.present(2));
        bench.replication.rejoin(2, ms(60.0));
        assert_eq!(bench.replication.lag(2, ms(60.0)).0, 0);
    }

    #[test]
    fn without_replicas_nothing_is_kept_and_nothing_waits() {
        let mut bench = Bench::new(r#""commits":"synchronous""#, 0);
        for _ in 0..10 {
            assert_eq!(bench.write(0.0), Committed::Done);
        }
        assert_eq!(
            (bench.replication.head(), bench.replication.kept()),
            (10, 0)
        );
    }
}
