//! A topic: a log in partitions, read by consumer groups that each remember how far they have come.
//!
//! Models: messages of one key in one partition, strictly in order; in a group each partition has one member, and a member
//! takes one message at a time, from its partitions in turn. A group's *committed* offset is where it starts again: it is
//! moved on after so many messages were processed (at least once), or before they are (at most once). When members come or
//! go the group rebalances: it hands nothing over for a while, then the partitions are assigned anew. Members that are still
//! there commit before; what a lost one had processed and not committed is handed over again.
//! A partition keeps at most so many messages: what a group has not read by then is lost to it. What all have read is gone.
//! Does not model: seeking back, compaction, transactions, or several brokers.
//! Source: Apache Kafka 3 with its classic group protocol and eager rebalancing (KIP-62).

use std::collections::VecDeque;

use super::{Assignment, Handed, Message};
use crate::time::Time;

/// "No member."
const NO_MEMBER: u32 = u32::MAX;

/// A topic at work.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct TopicState {
    partitions: Vec<Partition>,
    groups: Vec<Group>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Partition {
    /// The offset of the first message that is kept.
    start: u64,
    log: VecDeque<Kept>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Kept {
    message: Message,
    since: Time,
}

impl Partition {
    fn end(&self) -> u64 {
        self.start + self.log.len() as u64
    }

    fn get(&self, offset: u64) -> Option<&Kept> {
        self.log.get(offset.checked_sub(self.start)? as usize)
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Group {
    lanes: Vec<Lane>,
    members: Vec<Member>,
    phase: Phase,
    /// Names the latest phase, so that the end of an earlier one is void.
    turn: u32,
    /// Messages that it has not committed, over all partitions.
    lag: u64,
}

/// What a group does just now.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Phase {
    #[default]
    Stable,
    /// A member is gone, and the broker has not missed it yet.
    Expiring,
    /// Nothing is handed over: the partitions are assigned anew.
    Rebalancing,
}

/// A group's part in one partition.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Lane {
    /// Where the group starts again.
    committed: u64,
    /// What is handed over next; at least once, what is being processed.
    position: u64,
    owner: u32,
    /// Whether its next message rests after a failure.
    rests: bool,
    /// Names the latest rest.
    turn: u32,
    /// How often each message from the committed one on has been handed over.
    tries: VecDeque<u32>,
}

impl Lane {
    /// Up to where messages are not needed any more.
    fn floor(&self) -> u64 {
        self.committed.min(self.position)
    }

    /// Commits what lies before `offset`.
    fn commit(&mut self, offset: u64) -> bool {
        let passed = offset.saturating_sub(self.committed) as usize;
        self.tries.drain(..passed.min(self.tries.len()));
        let moves = offset > self.committed;
        self.committed = self.committed.max(offset);
        moves
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Member {
    /// Its partitions.
    lanes: Vec<u16>,
    /// Which of them it takes from next.
    next: u32,
    /// What it is at.
    out: Option<Out>,
    receipt: u32,
    /// Whether it has crashed since partitions were assigned: it does not know what it had processed, though it be back.
    forgot: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Out {
    partition: u16,
    offset: u64,
    message: Message,
    /// Whether its partition was taken from it, or its message given up, in the meantime.
    void: bool,
}

/// What became of a delivery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Answered {
    pub message: Message,
    pub partition: u16,
    pub offset: u64,
    /// What is to be done about it.
    pub end: End,
    /// Whether the committed offset has moved on.
    pub committed: bool,
}

/// What is to be done about a delivery that has come to an end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// Nothing: it was processed.
    Processed,
    /// Nothing: it was processed, and another has it again.
    Void,
    /// It is handed over again, under this name of its rest.
    Rests { turn: u32 },
    /// It is handed over again once its partition has another member.
    Left,
    /// It has been handed over as often as it may, and is passed over.
    Dead,
    /// It had been committed before: it is lost.
    Lost,
}

/// How a delivery has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Told {
    /// Whether it was processed.
    pub ok: bool,
    /// Whether the member is there: a message that failed rests, and comes to it again.
    pub is_there: bool,
    /// Whether the broker is up: it takes commits.
    pub up: bool,
}

/// How a group reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reading {
    /// Whether it commits before it processes.
    pub ahead: bool,
    /// Every so many messages.
    pub every: u32,
    /// How often a message is handed over at most.
    pub most: u32,
}

/// What a rebalance did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Reassigned {
    /// Members that have a partition or could have one.
    pub members: u32,
    /// Messages that are handed over again.
    pub again: u64,
    /// Messages that were committed and never processed, with their partitions and offsets.
    pub lost: Vec<(Message, u16, u64)>,
}

impl TopicState {
    pub fn new(partitions: u32, groups: usize) -> Self {
        let lane = || Lane {
            committed: 0,
            position: 0,
            owner: NO_MEMBER,
            rests: false,
            turn: 0,
            tries: VecDeque::new(),
        };
        let group = || Group {
            lanes: (0..partitions).map(|_| lane()).collect(),
            members: Vec::new(),
            phase: Phase::Stable,
            turn: 0,
            lag: 0,
        };
        Self {
            partitions: vec![Partition::default(); partitions as usize],
            groups: (0..groups).map(|_| group()).collect(),
        }
    }

    /// Lets a group have so many members. Those that have gone still answer what they have.
    pub fn set_members(&mut self, group: usize, count: usize) {
        let members = &mut self.groups[group].members;
        if members.len() < count {
            members.resize(count, Member::default());
        }
    }

    /// How many messages a group has not committed.
    pub fn lag(&self, group: usize) -> u64 {
        self.groups[group].lag
    }

    /// The same, of the group that is furthest behind.
    pub fn most_lag(&self) -> u64 {
        self.groups.iter().map(|group| group.lag).max().unwrap_or(0)
    }

    /// Where a group starts again in a partition.
    #[cfg(test)]
    fn committed(&self, group: usize, partition: usize) -> u64 {
        self.groups[group].lanes[partition].committed
    }

    /// A message is written at the end of a partition. Tells its offset. If the partition keeps `retention` messages already,
    /// its first goes to `dropped`, with its offset, and whether a group has not read it.
    pub fn append(
        &mut self,
        partition: u16,
        message: Message,
        retention: u32,
        now: Time,
        dropped: &mut Option<(Message, u64, bool)>,
    ) -> u64 {
        let at = usize::from(partition);
        let log = &mut self.partitions[at];
        let offset = log.end();
        log.log.push_back(Kept {
            message,
            since: now,
        });
        for group in &mut self.groups {
            group.lag += 1;
        }
        if log.log.len() > retention as usize
            && let Some(oldest) = log.log.pop_front()
        {
            let gone = log.start;
            log.start += 1;
            let mut unread = false;
            for group in &mut self.groups {
                unread |= group.give_up(partition, gone);
            }
            *dropped = Some((oldest.message, gone, unread));
        }
        offset
    }

    /// Whether a group is being assigned its partitions anew; and by partition, who has it and how many messages are not
    /// committed.
    pub fn subscription(&self, group: usize) -> (bool, impl Iterator<Item = (Option<u32>, u64)>) {
        let Group { lanes, phase, .. } = &self.groups[group];
        let lags = lanes.iter().zip(&self.partitions).map(|(lane, partition)| {
            let owner = (lane.owner != NO_MEMBER).then_some(lane.owner);
            (owner, partition.end() - lane.committed)
        });
        (*phase == Phase::Rebalancing, lags)
    }

    /// Who of a group has a partition.
    pub fn owner(&self, group: usize, partition: u16) -> Option<u32> {
        let owner = self.groups[group].lanes[usize::from(partition)].owner;
        (owner != NO_MEMBER).then_some(owner)
    }

    /// Hands a member of a group the next message of its partitions, if it is free and there is one.
    pub fn hand_over(&mut self, group: usize, member: u32, reading: Reading) -> Option<Handed> {
        let Self { partitions, groups } = self;
        let group = &mut groups[group];
        if group.phase == Phase::Rebalancing {
            return None;
        }
        let Group { lanes, members, .. } = group;
        let member_state = members.get_mut(member as usize)?;
        if member_state.out.is_some() {
            return None;
        }
        let count = member_state.lanes.len();
        let first = member_state.next as usize;
        let found = (0..count).find(|i| {
            let at = usize::from(member_state.lanes[(first + i) % count]);
            !lanes[at].rests && lanes[at].position < partitions[at].end()
        })?;
        let turn = (first + found) % count;
        let partition = member_state.lanes[turn];
        member_state.next = ((turn + 1) % count) as u32;
        let at = usize::from(partition);
        let lane = &mut lanes[at];
        let offset = lane.position;
        let kept = *partitions[at].get(offset)?;
        let end = partitions[at].end();
        let delivery = if reading.ahead {
            if offset >= lane.committed {
                let before = lane.floor();
                lane.commit(end.min(offset + u64::from(reading.every)));
                debug_assert_eq!(before, lane.floor(), "what is read next is still needed");
            }
            lane.position += 1;
            group.lag -= 1;
            1
        } else {
            let at = (offset - lane.committed) as usize;
            if lane.tries.len() <= at {
                lane.tries.resize(at + 1, 0);
            }
            lane.tries[at] += 1;
            lane.tries[at]
        };
        member_state.receipt = member_state.receipt.wrapping_add(1);
        member_state.out = Some(Out {
            partition,
            offset,
            message: kept.message,
            void: false,
        });
        Some(Handed {
            message: kept.message,
            number: offset,
            partition,
            consumer: member,
            delivery,
            slot: 0,
            receipt: member_state.receipt,
            since: kept.since,
        })
    }

    /// A member has come to the end of what it had.
    pub fn answered(
        &mut self,
        group: usize,
        member: u32,
        receipt: u32,
        told: Told,
        reading: Reading,
    ) -> Option<Answered> {
        let group = &mut self.groups[group];
        let member = group.members.get_mut(member as usize)?;
        if member.receipt != receipt {
            return None;
        }
        let out = member.out.take()?;
        let lane = &mut group.lanes[usize::from(out.partition)];
        let mut committed = false;
        let end = match (told.ok, out.void) {
            (true, true) => End::Void,
            (true, false) => End::Processed,
            (false, true) => End::Left,
            (false, false) if reading.ahead => End::Lost,
            (false, false) if !told.is_there => End::Left,
            (false, false) => {
                let at = (out.offset - lane.committed) as usize;
                let tries = lane.tries.get(at).copied().unwrap_or(1);
                if tries >= reading.most {
                    End::Dead
                } else {
                    lane.rests = true;
                    lane.turn = lane.turn.wrapping_add(1);
                    End::Rests { turn: lane.turn }
                }
            }
        };
        if !reading.ahead && matches!(end, End::Processed | End::Dead) {
            lane.position = out.offset + 1;
            if told.up && lane.position - lane.committed >= u64::from(reading.every) {
                group.lag -= lane.position - lane.committed;
                committed = lane.commit(lane.position);
            }
        }
        Some(Answered {
            message: out.message,
            partition: out.partition,
            offset: out.offset,
            end,
            committed,
        })
    }

    /// The broker is back: members that have processed what it was not there to hear commit that now, unless they have crashed in
    /// the meantime. Tells the last message of each such partition, with its offset.
    pub fn commit_late(&mut self, group: usize, reading: Reading) -> Vec<(Message, u16, u64)> {
        let Self { partitions, groups } = self;
        let group = &mut groups[group];
        let mut late = Vec::new();
        for (at, lane) in group.lanes.iter_mut().enumerate() {
            let passed = lane.position.saturating_sub(lane.committed);
            let member = group.members.get(lane.owner as usize);
            let knows = member.is_some_and(|member| !member.forgot);
            if reading.ahead || !knows || passed == 0 || passed < u64::from(reading.every) {
                continue;
            }
            let last = lane.position - 1;
            group.lag -= passed;
            lane.commit(lane.position);
            let kept = partitions[at].get(last);
            late.extend(kept.map(|kept| (kept.message, at as u16, last)));
        }
        late
    }

    /// A partition's next message has rested enough for a group. Tells who has that partition.
    pub fn rested(&mut self, group: usize, partition: u16, turn: u32) -> Option<u32> {
        if !self.rests(group, partition, turn) {
            return None;
        }
        let lane = &mut self.groups[group].lanes[usize::from(partition)];
        lane.rests = false;
        (lane.owner != NO_MEMBER).then_some(lane.owner)
    }

    /// Whether that rest is not over.
    pub fn rests(&self, group: usize, partition: u16, turn: u32) -> bool {
        let group = self.groups.get(group);
        let lane = group.and_then(|group| group.lanes.get(usize::from(partition)));
        lane.is_some_and(|lane| lane.rests && lane.turn == turn)
    }

    /// A member is gone without a word: the broker will miss it. Tells the name of that phase if it begins now.
    pub fn member_lost(&mut self, group: usize, member: u32) -> Option<u32> {
        let group = &mut self.groups[group];
        if let Some(member) = group.members.get_mut(member as usize) {
            member.forgot = true;
        }
        (group.phase == Phase::Stable).then(|| group.turn_to(Phase::Expiring))
    }

    /// A member has come, or said that it goes: the group rebalances. Tells the name of that phase if it begins now.
    pub fn members_changed(&mut self, group: usize) -> Option<u32> {
        let group = &mut self.groups[group];
        (group.phase != Phase::Rebalancing).then(|| group.turn_to(Phase::Rebalancing))
    }

    /// Whether that phase is not over.
    pub fn is_at(&self, group: usize, turn: u32) -> bool {
        let group = self.groups.get(group);
        group.is_some_and(|group| group.turn == turn && group.phase != Phase::Stable)
    }

    /// Whether what ends is a rebalance, and not the wait for a member that is gone.
    pub fn is_rebalancing(&self, group: usize) -> bool {
        self.groups[group].phase == Phase::Rebalancing
    }

    /// Shares the partitions of a group among the members that are there. Who had some before and has not crashed since
    /// commits what it has processed, if the broker is `up`.
    pub fn assign(
        &mut self,
        group: usize,
        how: Assignment,
        reading: Reading,
        up: bool,
        is_there: impl Fn(u32) -> bool,
    ) -> Reassigned {
        let Self { partitions, groups } = self;
        let group = &mut groups[group];
        group.phase = Phase::Stable;
        let there: Vec<u32> = { 0..group.members.len() as u32 }
            .filter(|at| is_there(*at))
            .collect();
        for member in &mut group.members {
            member.lanes.clear();
        }
        let mut reassigned = Reassigned {
            members: there.len() as u32,
            ..Reassigned::default()
        };
        let count = partitions.len() as u32;
        for partition in 0..count {
            let lane = &mut group.lanes[partition as usize];
            let owner = how.owner(partition, count, there.len() as u32);
            let owner = owner.map_or(NO_MEMBER, |at| there[at as usize]);
            let before = core::mem::replace(&mut lane.owner, owner);
            let old = group.members.get_mut(before as usize);
            let crashed = old.as_ref().is_some_and(|member| member.forgot);
            if reading.ahead {
                if crashed {
                    for offset in lane.position..lane.committed {
                        let kept = partitions[partition as usize].get(offset);
                        reassigned
                            .lost
                            .extend(kept.map(|kept| (kept.message, partition as u16, offset)));
                    }
                    let skipped = lane.committed.saturating_sub(lane.position);
                    group.lag -= skipped;
                    lane.position = lane.position.max(lane.committed);
                }
            } else {
                let knows = old.is_some() && !crashed;
                if knows && up {
                    group.lag -= lane.position - lane.committed;
                    lane.commit(lane.position);
                }
                if !knows || before != owner {
                    if let Some(old) = old {
                        let tried = lane.tries.iter().filter(|tries| **tries > 0).count();
                        reassigned.again += tried as u64;
                        if let Some(out) = &mut old.out {
                            out.void |= u32::from(out.partition) == partition;
                        }
                    }
                    lane.position = lane.committed;
                    lane.rests = false;
                }
            }
            if let Some(member) = group.members.get_mut(owner as usize) {
                member.lanes.push(partition as u16);
            }
        }
        for member in &mut group.members {
            (member.next, member.forgot) = (0, false);
        }
        reassigned
    }

    /// Takes out a message that all groups are done with, if there is one in that partition.
    pub fn take_read(&mut self, partition: u16) -> Option<Message> {
        let at = usize::from(partition);
        let floors = self.groups.iter().map(|group| group.lanes[at].floor());
        let log = &mut self.partitions[at];
        let floor = floors.min().unwrap_or(log.end());
        if log.start >= floor {
            return None;
        }
        log.start += 1;
        log.log.pop_front().map(|kept| kept.message)
    }

    /// How many groups there are.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> u16 {
        self.partitions.len() as u16
    }

    /// How many messages it keeps.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.partitions.iter().map(|p| p.log.len()).sum()
    }
}

impl Group {
    fn turn_to(&mut self, phase: Phase) -> u32 {
        self.phase = phase;
        self.turn = self.turn.wrapping_add(1);
        self.turn
    }

    /// The message at `gone` is not kept any more. Tells whether it was still to be processed.
    fn give_up(&mut self, partition: u16, gone: u64) -> bool {
        let lane = &mut self.lanes[usize::from(partition)];
        if lane.floor() > gone {
            return false;
        }
        self.lag -= 1;
        let unread = lane.position == gone;
        if unread {
            lane.position += 1;
            lane.rests = false;
            if let Some(out) = self.members.get_mut(lane.owner as usize)
                && let Some(out) = &mut out.out
                && (out.partition, out.offset) == (partition, gone)
            {
                out.void = true;
            }
        }
        lane.commit(gone + 1);
        unread
    }
}

#[cfg(test)]
mod tests {
    use super::super::message;
    use super::*;

    const READING: Reading = Reading {
        ahead: false,
        every: 1,
        most: u32::MAX,
    };
    const OK: Told = Told {
        ok: true,
        is_there: true,
        up: true,
    };
    const FAILED: Told = Told { ok: false, ..OK };
    const GONE: Told = Told {
        ok: false,
        is_there: false,
        up: true,
    };

    fn topic(partitions: u32, members: u32, reading: Reading) -> TopicState {
        let mut topic = TopicState::new(partitions, 1);
        topic.set_members(0, members as usize);
        topic.assign(0, Assignment::Range, reading, true, |_| true);
        topic
    }

    fn fill(topic: &mut TopicState, partition: u16, messages: u64) {
        for data in 0..messages {
            topic.append(partition, message(data), u32::MAX, Time::ZERO, &mut None);
        }
    }

    /// Hands over and ends, until there is nothing; tells what came in which order.
    fn drain(topic: &mut TopicState, member: u32, reading: Reading) -> Vec<(u16, u64, u32)> {
        let mut order = Vec::new();
        while let Some(handed) = topic.hand_over(0, member, reading) {
            order.push((handed.partition, handed.number, handed.delivery));
            let ended = topic.answered(0, member, handed.receipt, OK, reading);
            assert_eq!(ended.map(|e| e.end), Some(End::Processed));
            while topic.take_read(handed.partition).is_some() {}
        }
        order
    }

    #[test]
    fn a_member_takes_one_at_a_time_from_its_partitions_in_turn() {
        let mut topic = topic(3, 2, READING);
        for partition in 0..3 {
            fill(&mut topic, partition, 2);
        }
        let handed = topic.hand_over(0, 0, READING).expect("there is one");
        assert_eq!(topic.hand_over(0, 0, READING), None, "it is busy");
        topic.answered(0, 0, handed.receipt, OK, READING);
        assert_eq!(
            drain(&mut topic, 0, READING),
            [(1, 0, 1), (0, 1, 1), (1, 1, 1)]
        );
        assert_eq!(topic.lag(0), 2);
        assert_eq!(drain(&mut topic, 1, READING), [(2, 0, 1), (2, 1, 1)]);
        assert_eq!((topic.lag(0), topic.most_lag()), (0, 0));
    }

    #[test]
    fn what_was_not_committed_comes_again_to_another_member() {
        let reading = Reading {
            every: 3,
            ..READING
        };
        let mut topic = topic(1, 2, reading);
        fill(&mut topic, 0, 7);
        // Four are processed, three of them committed; the fifth is under way when the member goes.
        for _ in 0..4 {
            let handed = topic.hand_over(0, 0, reading).expect("there is one");
            topic.answered(0, 0, handed.receipt, OK, reading);
        }
        assert_eq!((topic.committed(0, 0), topic.lag(0)), (3, 4));
        let handed = topic.hand_over(0, 0, reading).expect("there is one");
        let ended = topic.answered(0, 0, handed.receipt, GONE, reading);
        assert_eq!(ended.map(|e| e.end), Some(End::Left));
        let turn = topic.member_lost(0, 0).expect("it was stable");
        assert_eq!(topic.member_lost(0, 0), None);
        assert!(topic.is_at(0, turn) && !topic.is_rebalancing(0));
        assert!(topic.members_changed(0).is_some());
        assert!(!topic.is_at(0, turn));
        let found = topic.assign(0, Assignment::Range, reading, true, |at| at == 1);
        assert_eq!((found.members, found.again), (1, 2));
        assert_eq!(
            drain(&mut topic, 1, reading),
            [(0, 3, 2), (0, 4, 2), (0, 5, 1), (0, 6, 1)]
        );
    }

    #[test]
    fn who_stays_commits_before_partitions_are_assigned_anew() {
        let reading = Reading {
            every: 10,
            ..READING
        };
        let mut topic = topic(2, 1, reading);
        fill(&mut topic, 0, 3);
        assert_eq!(drain(&mut topic, 0, reading).len(), 3);
        assert_eq!(topic.lag(0), 3);
        topic.set_members(0, 2);
        let found = topic.assign(0, Assignment::Range, reading, true, |_| true);
        assert_eq!((found.again, topic.lag(0)), (0, 0));
    }

    #[test]
    fn who_crashed_and_came_back_has_forgotten_and_who_leaves_has_not() {
        for crashes in [true, false] {
            let reading = Reading {
                every: 10,
                ..READING
            };
            let mut topic = topic(1, 1, reading);
            fill(&mut topic, 0, 3);
            assert_eq!(drain(&mut topic, 0, reading).len(), 3);
            if crashes {
                topic.member_lost(0, 0);
            }
            topic.members_changed(0);
            let found = topic.assign(0, Assignment::Range, reading, true, |_| crashes);
            assert_eq!(
                (found.again, topic.lag(0)),
                if crashes { (3, 3) } else { (0, 0) }
            );
        }
    }

    #[test]
    fn who_is_late_when_its_partition_goes_does_the_work_twice() {
        let mut topic = topic(2, 1, READING);
        fill(&mut topic, 1, 1);
        let late = topic.hand_over(0, 0, READING).expect("there is one");
        topic.set_members(0, 2);
        topic.members_changed(0);
        assert_eq!(topic.hand_over(0, 0, READING), None, "it rebalances");
        topic.assign(0, Assignment::Range, READING, true, |_| true);
        let again = topic.hand_over(0, 1, READING).expect("it comes again");
        assert_eq!((again.number, again.delivery), (late.number, 2));
        let ended = topic.answered(0, 0, late.receipt, OK, READING);
        assert_eq!(
            ended.map(|e| (e.end, e.committed)),
            Some((End::Void, false))
        );
        let ended = topic.answered(0, 1, again.receipt, OK, READING);
        assert_eq!(ended.map(|e| e.end), Some(End::Processed));
        assert_eq!(topic.lag(0), 0);
    }

    #[test]
    fn at_most_once_what_was_committed_ahead_is_lost() {
        let reading = Reading {
            ahead: true,
            every: 4,
            most: 1,
        };
        let mut topic = topic(1, 2, reading);
        fill(&mut topic, 0, 6);
        let handed = topic.hand_over(0, 0, reading).expect("there is one");
        let ended = topic.answered(0, 0, handed.receipt, GONE, reading);
        assert_eq!(ended.map(|e| e.end), Some(End::Lost));
        topic.member_lost(0, 0);
        topic.members_changed(0);
        let found = topic.assign(0, Assignment::Range, reading, true, |at| at == 1);
        let lost: Vec<u64> = found.lost.iter().map(|(_, _, offset)| *offset).collect();
        assert_eq!(lost, [1, 2, 3]);
        assert_eq!(drain(&mut topic, 1, reading), [(0, 4, 1), (0, 5, 1)]);
        assert_eq!((topic.lag(0), topic.len()), (0, 0));
    }

    #[test]
    fn a_message_that_fails_blocks_its_partition_until_it_is_dead() {
        let reading = Reading { most: 3, ..READING };
        let mut topic = topic(1, 1, reading);
        fill(&mut topic, 0, 2);
        for delivery in 1..=3 {
            let handed = topic.hand_over(0, 0, reading).expect("there is one");
            assert_eq!((handed.number, handed.delivery), (0, delivery));
            match topic.answered(0, 0, handed.receipt, FAILED, reading) {
                Some(Answered {
                    end: End::Rests { turn },
                    ..
                }) if delivery < 3 => {
                    assert_eq!(topic.hand_over(0, 0, reading), None);
                    assert_eq!(topic.rested(0, 0, turn), Some(0));
                    assert_eq!(topic.rested(0, 0, turn), None);
                }
                Some(Answered { end: End::Dead, .. }) if delivery == 3 => {}
                other => panic!("{delivery}: {other:?}"),
            }
        }
        assert_eq!(drain(&mut topic, 0, reading), [(0, 1, 1)]);
    }

    #[test]
    fn retention_drops_what_a_slow_group_has_not_read() {
        let mut topic = topic(1, 1, READING);
        let mut dropped = Vec::new();
        for data in 0..5 {
            let mut gone = None;
            topic.append(0, message(data), 3, Time::ZERO, &mut gone);
            dropped.extend(gone.map(|(_, offset, unread)| (offset, unread)));
        }
        assert_eq!(dropped, [(0, true), (1, true)]);
        assert_eq!((topic.lag(0), topic.len()), (3, 3));
        // The one that is being processed goes, too.
        let handed = topic.hand_over(0, 0, READING).expect("there is one");
        topic.append(0, message(5), 3, Time::ZERO, &mut None);
        let ended = topic.answered(0, 0, handed.receipt, OK, READING);
        assert_eq!(ended.map(|e| e.end), Some(End::Void));
        assert_eq!(
            drain(&mut topic, 0, READING),
            [(0, 3, 1), (0, 4, 1), (0, 5, 1)]
        );
    }

    /// Whatever happens, the lag is what is not committed, and order holds within a partition.
    #[test]
    fn lag_and_order_hold_whatever_happens() {
        for reading in [
            Reading {
                every: 3,
                ..READING
            },
            Reading {
                ahead: true,
                every: 3,
                most: 1,
            },
        ] {
            let mut draws = crate::random::Key::root(9).draws();
            let mut topic = topic(5, 4, reading);
            let mut there = [true; 4];
            let mut out: Vec<Option<u32>> = vec![None; 4];
            for step in 0..20_000_u64 {
                let at = draws.below(4) as usize;
                match draws.below(8) {
                    0..=2 => {
                        let partition = draws.below(5) as u16;
                        topic.append(partition, message(step), 50, Time::ZERO, &mut None);
                    }
                    3 | 4 if there[at] => {
                        let handed = topic.hand_over(0, at as u32, reading);
                        if let Some(handed) = handed {
                            out[at] = Some(handed.receipt);
                        }
                    }
                    5 | 6 => {
                        if let Some(receipt) = out[at].take() {
                            let told = Told {
                                ok: draws.below(4) > 0,
                                is_there: there[at],
                                up: true,
                            };
                            let ended = topic.answered(0, at as u32, receipt, told, reading);
                            if let Some(Answered {
                                end: End::Rests { turn },
                                partition,
                                ..
                            }) = ended
                            {
                                topic.rested(0, partition, turn);
                            }
                        }
                    }
                    7 if draws.below(20) == 0 => {
                        there[at] = !there[at];
                        if !there[at]
                            && let Some(receipt) = out[at].take()
                        {
                            topic.answered(0, at as u32, receipt, GONE, reading);
                        }
                        if !there[at] {
                            topic.member_lost(0, at as u32);
                        }
                        topic.members_changed(0);
                        topic.assign(0, Assignment::RoundRobin, reading, true, |at| {
                            there[at as usize]
                        });
                    }
                    _ => {}
                }
                for partition in 0..5 {
                    while topic.take_read(partition).is_some() {}
                }
                let group = &topic.groups[0];
                let lanes = group.lanes.iter().zip(&topic.partitions);
                let lag: u64 = lanes.map(|(lane, log)| log.end() - lane.floor()).sum();
                assert_eq!(group.lag, lag, "{step}");
                assert_eq!(topic.len() as u64, lag, "{step}");
            }
        }
    }
}
