//! What a station holds, as the events up to the moment shown add up: keys, messages, steps of sagas, promises, events.
//!
//! All of it is bounded: of what there is more of only the latest is kept, as only that is drawn.

use std::collections::VecDeque;

use crate::protocol::{
    BranchTurn, CacheTurn, Holds, MessageTurn, MoveTurn, SagaTurn, Scene, StoreTurn, Tick,
    ViewTurn, What,
};

/// Keys of a cache that are kept, those used last.
const KEYS: usize = 48;
/// Keys that a router has placed last.
const PINS: usize = 8;
/// Messages with consumers.
const IN_FLIGHT: usize = 64;
/// Partitions, and subscriptions of each.
const PARTITIONS: usize = 16;
const GROUPS: usize = 4;
/// Sagas of one orchestrator.
const SAGAS: usize = 12;
/// Transactions in doubt at one database.
const PROMISES: usize = 64;
/// Messages of an outbox, the first in line.
const OUTBOX: usize = 64;
/// Events of a store, the latest.
const EVENTS: usize = 32;

/// What a station holds.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Inside {
    /// Nothing that is kept here: requests are, by the picture itself.
    #[default]
    Requests,
    Entries(Entries),
    Map(Placed),
    Messages(Messages),
    Partitions(Vec<Partition>),
    Sagas(Sagas),
    Outbox(Outbox),
    Promises(Promises),
    Events(Events),
    Changes(Changes),
}

/// A cache's keys.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Entries {
    /// The keys used last, the latest first.
    pub keys: Vec<Entry>,
    /// The last look-up, and when.
    pub last: Option<(u64, CacheTurn, f64)>,
    pub hits: u64,
    pub misses: u64,
    pub stale: u64,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Entry {
    pub key: u64,
    /// Whether it is a write that the next level has not seen.
    pub dirty: bool,
    /// Whether it was out of date when it was used last.
    pub stale: bool,
}

/// What a router has placed last.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Placed {
    /// The latest last.
    pub pins: Vec<Pin>,
    pub moved: u64,
    /// Requests that are held while their key moves.
    pub held: u64,
    pub lost: u64,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pin {
    pub key: u64,
    /// Where on the map.
    pub place: u16,
    /// The component that was asked.
    pub to: u16,
    pub at_s: f64,
}

/// A queue's messages.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Messages {
    /// Those that are with no consumer.
    pub waiting: u32,
    /// Those that are with one and not acknowledged, and whether not for the first time.
    pub in_flight: Vec<(u32, bool)>,
    pub done: u64,
    pub dead: u64,
    pub lost: u64,
    /// Publishers that wait for room.
    pub blocked: u32,
}

/// A partition of a topic.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Partition {
    /// The offset of the next message.
    pub end: u32,
    /// By subscription: the offset up to which messages were handed out, and up to which they are committed.
    pub groups: Vec<[u32; 2]>,
}

/// An orchestrator's sagas.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sagas {
    /// How many steps one has.
    steps: usize,
    /// The latest last.
    pub all: Vec<SagaNow>,
    pub finished: u64,
    pub compensated: u64,
    pub stuck: u64,
}

#[derive(Clone, PartialEq, Debug)]
pub struct SagaNow {
    pub saga: u32,
    pub request: u64,
    pub steps: Vec<StepNow>,
    /// How it ended.
    pub end: Option<SagaTurn>,
    /// Whether nobody runs it.
    pub orphan: bool,
}

/// A step of a saga.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StepNow {
    #[default]
    Waiting,
    Doing,
    Done,
    Failed,
    Undoing,
    Undone,
}

/// A database's outbox.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Outbox {
    /// The rows that the messages in it are about, the first in line first: as many as are worth drawing.
    pub keys: VecDeque<u64>,
    /// Messages in it beyond those.
    pub more: u64,
    pub relayed: u64,
}

/// A database's promises.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Promises {
    /// Transactions that it has promised to commit, and has heard no decision of.
    pub doubted: Vec<u32>,
    pub committed: u64,
    pub aborted: u64,
}

/// A store's events.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Events {
    /// Stream and version of the latest, the latest last, and whether there is a snapshot of it.
    pub latest: Vec<(u32, u64, bool)>,
    pub count: u64,
    pub snapshots: u64,
    pub conflicts: u64,
}

/// A view's changes.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Changes {
    pub applied: u64,
    /// How many it did not have when it was read last.
    pub behind: u32,
    pub reads: u64,
    pub stale: u64,
    pub rebuilding: bool,
}

impl Inside {
    /// What a station of `component` holds before anything has happened.
    pub fn new(scene: &Scene, component: usize) -> Self {
        match &scene.components[component].holds {
            Holds::Requests | Holds::Log => Self::Requests,
            Holds::Entries(_) => Self::Entries(Entries::default()),
            Holds::Maps(_) => Self::Map(Placed::default()),
            Holds::Messages => Self::Messages(Messages::default()),
            Holds::Partitions(count, groups) => {
                let partition = Partition {
                    end: 0,
                    groups: vec![[0; 2]; groups.len().min(GROUPS)],
                };
                Self::Partitions(vec![partition; (*count as usize).min(PARTITIONS)])
            }
            Holds::Steps(names) => Self::Sagas(Sagas {
                steps: names.len(),
                ..Sagas::default()
            }),
            Holds::Outbox => Self::Outbox(Outbox::default()),
            Holds::Promises => Self::Promises(Promises::default()),
            Holds::Events => Self::Events(Events::default()),
            Holds::Changes => Self::Changes(Changes::default()),
        }
    }

    /// Takes in what happened at the station.
    pub fn apply(&mut self, tick: &Tick) {
        match (self, tick.what) {
            (Self::Entries(entries), What::Cache { key, turn, .. }) => {
                entries.apply(key, turn, tick.at_s);
            }
            (Self::Map(placed), What::Placed { to, place, key, .. }) => {
                keep_last(&mut placed.pins, PINS);
                placed.pins.push(Pin {
                    key,
                    place,
                    to,
                    at_s: tick.at_s,
                });
            }
            (Self::Map(placed), What::Moving { turn, count, .. }) => match turn {
                MoveTurn::Held => placed.held += 1,
                MoveTurn::Released => placed.held = placed.held.saturating_sub(1),
                MoveTurn::Moved => placed.moved += u64::from(count),
                MoveTurn::WritesLost => placed.lost += u64::from(count),
                MoveTurn::Redirected | MoveTurn::Misread | MoveTurn::Partial => {}
            },
            (
                Self::Messages(messages),
                What::Message {
                    turn,
                    number,
                    backlog,
                    ..
                },
            ) => messages.apply(turn, number, backlog),
            (
                Self::Partitions(partitions),
                What::Message {
                    turn,
                    number,
                    partition,
                    group,
                    ..
                },
            ) => {
                if let Some(partition) = partitions.get_mut(usize::from(partition)) {
                    partition.apply(turn, number, usize::from(group));
                }
            }
            (
                Self::Sagas(sagas),
                What::Saga {
                    saga, step, turn, ..
                },
            ) => sagas.apply(tick.request, saga, usize::from(step), turn),
            (Self::Outbox(outbox), What::Outbox { key, relayed, .. }) => outbox.apply(key, relayed),
            (
                Self::Promises(promises),
                What::Branch {
                    transaction, turn, ..
                },
            ) => promises.apply(transaction, turn),
            (
                Self::Events(events),
                What::Store {
                    stream,
                    version,
                    turn,
                    ..
                },
            ) => events.apply(stream, version, turn),
            (Self::Changes(changes), What::View { count, turn, .. }) => changes.apply(count, turn),
            _ => {}
        }
    }
}

/// Makes room for one more.
fn keep_last<T>(list: &mut Vec<T>, most: usize) {
    if list.len() >= most {
        list.remove(0);
    }
}

impl Entries {
    fn apply(&mut self, key: u64, turn: CacheTurn, at_s: f64) {
        let place = self.keys.iter().position(|entry| entry.key == key);
        match turn {
            CacheTurn::Hit | CacheTurn::StaleHit => {
                let stale = turn == CacheTurn::StaleHit;
                self.hits += 1;
                self.stale += u64::from(stale);
                self.last = Some((key, turn, at_s));
                let dirty = place.is_some_and(|place| self.keys.remove(place).dirty);
                self.front(Entry { key, dirty, stale });
            }
            CacheTurn::Miss => {
                self.misses += 1;
                self.last = Some((key, turn, at_s));
            }
            CacheTurn::Filled | CacheTurn::Dirty => {
                if let Some(place) = place {
                    self.keys.remove(place);
                }
                self.front(Entry {
                    key,
                    dirty: turn == CacheTurn::Dirty,
                    stale: false,
                });
            }
            CacheTurn::Evicted | CacheTurn::Expired | CacheTurn::Dropped => {
                if let Some(place) = place {
                    self.keys.remove(place);
                }
            }
            CacheTurn::Flushed => self.keys.clear(),
        }
    }

    fn front(&mut self, entry: Entry) {
        self.keys.truncate(KEYS - 1);
        self.keys.insert(0, entry);
    }
}

impl Messages {
    fn apply(&mut self, turn: MessageTurn, number: u32, backlog: u32) {
        let settled = matches!(
            turn,
            MessageTurn::Acknowledged
                | MessageTurn::Returned
                | MessageTurn::DeadLettered
                | MessageTurn::Lost
        );
        if settled {
            self.in_flight.retain(|(own, _)| *own != number);
        }
        match turn {
            MessageTurn::Blocked => return self.blocked += 1,
            MessageTurn::Unblocked => return self.blocked = self.blocked.saturating_sub(1),
            MessageTurn::Processed => return self.done += 1,
            MessageTurn::Rebalancing | MessageTurn::Rebalanced => return,
            MessageTurn::Delivered | MessageTurn::Redelivered => {
                keep_last(&mut self.in_flight, IN_FLIGHT);
                let again = turn == MessageTurn::Redelivered;
                self.in_flight.push((number, again));
            }
            MessageTurn::DeadLettered => self.dead += 1,
            MessageTurn::Dropped | MessageTurn::Lost => self.lost += 1,
            MessageTurn::Published | MessageTurn::Acknowledged | MessageTurn::Returned => {}
        }
        self.waiting = backlog;
    }
}

impl Partition {
    fn apply(&mut self, turn: MessageTurn, number: u32, group: usize) {
        if turn == MessageTurn::Published {
            self.end = number + 1;
        }
        let Some([handed, committed]) = self.groups.get_mut(group) else {
            return;
        };
        match turn {
            MessageTurn::Delivered | MessageTurn::Redelivered => *handed = number + 1,
            MessageTurn::Acknowledged | MessageTurn::DeadLettered => {
                *committed = number + 1;
                *handed = (*handed).max(number + 1);
            }
            _ => {}
        }
    }
}

impl Sagas {
    fn apply(&mut self, request: u64, saga: u32, step: usize, turn: SagaTurn) {
        if turn == SagaTurn::Started {
            if self.all.len() >= SAGAS {
                // Those that have ended go first.
                let ended = self.all.iter().position(|saga| saga.end.is_some());
                self.all.remove(ended.unwrap_or(0));
            }
            let mut steps = vec![StepNow::Waiting; self.steps];
            if let Some(first) = steps.first_mut() {
                *first = StepNow::Doing;
            }
            self.all.push(SagaNow {
                saga,
                request,
                steps,
                end: None,
                orphan: false,
            });
            return;
        }
        match turn {
            SagaTurn::Finished => self.finished += 1,
            SagaTurn::Compensated => self.compensated += 1,
            SagaTurn::Stuck => self.stuck += 1,
            _ => {}
        }
        let Some(now) = self.all.iter_mut().find(|now| now.saga == saga) else {
            return;
        };
        let mut set = |step: usize, state| {
            if let Some(place) = now.steps.get_mut(step) {
                *place = state;
            }
        };
        match turn {
            SagaTurn::StepDone => {
                set(step, StepNow::Done);
                set(step + 1, StepNow::Doing);
            }
            SagaTurn::StepFailed => set(step, StepNow::Failed),
            SagaTurn::Compensating => set(step, StepNow::Undoing),
            SagaTurn::Undone => set(step, StepNow::Undone),
            SagaTurn::Finished | SagaTurn::Compensated | SagaTurn::Stuck => now.end = Some(turn),
            SagaTurn::Orphaned => now.orphan = true,
            SagaTurn::Recovered => now.orphan = false,
            SagaTurn::Started => {}
        }
    }

    /// Those worth drawing in so many rows: under way rather than ended, on their way back rather than forward, and the latest.
    pub fn shown(&self, rows: usize) -> Vec<&SagaNow> {
        let mut all: Vec<&SagaNow> = self.all.iter().collect();
        while all.len() > rows {
            let weight = |saga: &&SagaNow| (saga.end.is_none(), saga.is_going_back());
            // Of equals the earliest goes.
            let least = all.iter().map(weight).min();
            let place = all.iter().position(|saga| Some(weight(saga)) == least);
            all.remove(place.unwrap_or(0));
        }
        all
    }
}

impl SagaNow {
    /// Whether it takes back what it has done.
    pub fn is_going_back(&self) -> bool {
        let back = |step: &StepNow| matches!(step, StepNow::Undoing | StepNow::Undone);
        self.steps.iter().any(back)
    }
}

impl Outbox {
    fn apply(&mut self, key: u64, relayed: bool) {
        if !relayed {
            if self.keys.len() < OUTBOX {
                self.keys.push_back(key);
            } else {
                self.more += 1;
            }
            return;
        }
        self.relayed += 1;
        match self.keys.iter().position(|own| *own == key) {
            Some(at) => {
                self.keys.remove(at);
            }
            None => self.more = self.more.saturating_sub(1),
        }
    }

    /// Messages that wait for the relay.
    pub fn waiting(&self) -> u64 {
        self.keys.len() as u64 + self.more
    }
}

impl Promises {
    fn apply(&mut self, transaction: u32, turn: BranchTurn) {
        self.doubted.retain(|own| *own != transaction);
        match turn {
            BranchTurn::Prepared => {
                keep_last(&mut self.doubted, PROMISES);
                self.doubted.push(transaction);
            }
            BranchTurn::Committed => self.committed += 1,
            BranchTurn::Aborted => self.aborted += 1,
        }
    }
}

impl Events {
    fn apply(&mut self, stream: u32, version: u64, turn: StoreTurn) {
        match turn {
            StoreTurn::Appended => {
                self.count += 1;
                keep_last(&mut self.latest, EVENTS);
                self.latest.push((stream, version, false));
            }
            StoreTurn::Snapshot => {
                self.snapshots += 1;
                let mut latest = self.latest.iter_mut().rev();
                let of = latest.find(|(own, at, _)| (*own, *at) == (stream, version));
                if let Some((_, _, snapshot)) = of {
                    *snapshot = true;
                }
            }
            StoreTurn::Conflicted => self.conflicts += 1,
        }
    }
}

impl Changes {
    fn apply(&mut self, count: u32, turn: ViewTurn) {
        match turn {
            ViewTurn::Read | ViewTurn::StaleRead => {
                self.reads += 1;
                self.stale += u64::from(turn == ViewTurn::StaleRead);
                self.behind = count;
            }
            ViewTurn::Applied => {
                self.applied += u64::from(count);
                self.behind = self.behind.saturating_sub(count);
            }
            ViewTurn::Rebuilding => self.rebuilding = true,
            ViewTurn::Rebuilt => self.rebuilding = false,
        }
    }
}

/// What a station holds, in words.
pub fn describe(inside: &Inside, scene: &Scene, component: usize) -> Option<String> {
    Some(match inside {
        Inside::Requests => return None,
        Inside::Entries(entries) => entries.describe(),
        Inside::Map(placed) => placed.describe(scene)?,
        Inside::Messages(messages) => messages.describe(),
        Inside::Partitions(partitions) => match &scene.components[component].holds {
            Holds::Partitions(_, names) => of_partitions(partitions, names),
            _ => return None,
        },
        Inside::Sagas(sagas) => sagas.describe(),
        Inside::Outbox(outbox) => format!(
            "{} messages in the outbox, {} relayed",
            outbox.waiting(),
            outbox.relayed
        ),
        Inside::Promises(promises) => format!(
            "{} transactions in doubt, {} committed, {} aborted",
            promises.doubted.len(),
            promises.committed,
            promises.aborted
        ),
        Inside::Events(events) => format!(
            "{} events, {} snapshots, {} conflicts",
            events.count, events.snapshots, events.conflicts
        ),
        Inside::Changes(changes) => format!(
            "{} changes applied, {} behind at the last read, {} of {} reads out of date{}",
            changes.applied,
            changes.behind,
            changes.stale,
            changes.reads,
            if changes.rebuilding {
                ", being rebuilt"
            } else {
                ""
            }
        ),
    })
}

/// What is worth a word only if there is any.
fn any<const N: usize>(counts: [(u64, &str); N]) -> String {
    let some = counts.into_iter().filter(|(count, _)| *count > 0);
    some.fold(String::new(), |words, (count, what)| {
        format!("{words}, {count} {what}")
    })
}

impl Entries {
    fn describe(&self) -> String {
        let asked = self.hits + self.misses;
        let Some((key, turn, _)) = self.last else {
            return "nothing looked up yet".to_owned();
        };
        let share = 100.0 * self.hits as f64 / asked.max(1) as f64;
        let found = match turn {
            CacheTurn::Hit => "found",
            CacheTurn::StaleHit => "found, but out of date",
            _ => "not found",
        };
        let stale = any([(self.stale, "of them out of date")]);
        format!("{share:.0}% of {asked} look-ups found{stale}, last looked for key {key}: {found}")
    }
}

impl Placed {
    fn describe(&self, scene: &Scene) -> Option<String> {
        let last = self.pins.last()?;
        let to = &scene.components[usize::from(last.to)].label;
        let more = any([
            (self.moved, "keys moved"),
            (self.held, "held while their key moves"),
            (self.lost, "writes lost on the move"),
        ]);
        Some(format!("key {} is at {to}{more}", last.key))
    }
}

impl Messages {
    fn describe(&self) -> String {
        let more = any([
            (self.dead, "dead letters"),
            (self.lost, "lost"),
            (u64::from(self.blocked), "publishers wait for room"),
        ]);
        format!(
            "{} messages wait, {} with consumers, {} done{more}",
            self.waiting,
            self.in_flight.len(),
            self.done
        )
    }
}

fn of_partitions(partitions: &[Partition], names: &[String]) -> String {
    let published: u64 = partitions.iter().map(|p| u64::from(p.end)).sum();
    let behind = names.iter().enumerate().take(GROUPS).map(|(group, name)| {
        let behind = |p: &Partition| u64::from(p.end.saturating_sub(p.groups[group][1]));
        let behind: u64 = partitions.iter().map(behind).sum();
        format!(", ‘{name}’ {behind} behind")
    });
    let behind: String = behind.collect();
    format!("{published} messages published{behind}")
}

impl Sagas {
    fn describe(&self) -> String {
        let live = self.all.iter().filter(|saga| saga.end.is_none());
        let back = live.clone().filter(|saga| saga.is_going_back()).count();
        format!(
            "{} sagas under way, {back} of them compensating, {} finished, {} compensated{}",
            live.count(),
            self.finished,
            self.compensated,
            any([(self.stuck, "stuck")])
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_shows_what_was_used_last_and_forgets_what_it_gave_up() {
        let mut entries = Entries::default();
        for key in 0..60 {
            entries.apply(key, CacheTurn::Miss, 0.0);
            entries.apply(key, CacheTurn::Filled, 0.0);
        }
        assert_eq!((entries.keys.len(), entries.keys[0].key), (KEYS, 59));
        entries.apply(30, CacheTurn::StaleHit, 1.0);
        assert!(entries.keys[0].stale && entries.keys[0].key == 30);
        entries.apply(59, CacheTurn::Evicted, 1.0);
        assert_eq!(entries.keys[1].key, 58);
        assert_eq!((entries.hits, entries.misses, entries.stale), (1, 60, 1));
        entries.apply(0, CacheTurn::Flushed, 1.0);
        assert!(entries.keys.is_empty());
    }

    #[test]
    fn a_message_is_in_flight_from_its_delivery_to_its_acknowledgement() {
        let mut messages = Messages::default();
        messages.apply(MessageTurn::Published, 0, 1);
        messages.apply(MessageTurn::Delivered, 0, 0);
        assert_eq!(
            (messages.waiting, messages.in_flight.as_slice()),
            (0, [(0, false)].as_slice())
        );
        messages.apply(MessageTurn::Returned, 0, 1);
        assert_eq!((messages.waiting, messages.in_flight.len()), (1, 0));
        messages.apply(MessageTurn::Redelivered, 0, 0);
        messages.apply(MessageTurn::Processed, 0, 0);
        messages.apply(MessageTurn::Acknowledged, 0, 0);
        assert_eq!((messages.done, messages.in_flight.len()), (1, 0));
    }

    #[test]
    fn a_saga_goes_forward_and_back_step_by_step() {
        use StepNow::{Doing, Done, Failed, Undone, Waiting};

        let mut sagas = Sagas {
            steps: 3,
            ..Sagas::default()
        };
        sagas.apply(7, 0, 0, SagaTurn::Started);
        sagas.apply(7, 0, 0, SagaTurn::StepDone);
        assert_eq!(sagas.all[0].steps, [Done, Doing, Waiting]);
        sagas.apply(7, 0, 1, SagaTurn::StepFailed);
        assert_eq!(sagas.all[0].steps, [Done, Failed, Waiting]);
        for step in [1, 0] {
            sagas.apply(7, 0, step, SagaTurn::Compensating);
            sagas.apply(7, 0, step, SagaTurn::Undone);
        }
        sagas.apply(7, 0, 0, SagaTurn::Compensated);
        assert_eq!(sagas.all[0].steps, [Undone, Undone, Waiting]);
        assert_eq!(sagas.compensated, 1);
        // Those under way are drawn rather than those that have ended, and those that go back above all.
        for saga in 1..4 {
            sagas.apply(7, saga, 0, SagaTurn::Started);
        }
        sagas.apply(7, 2, 0, SagaTurn::Compensating);
        let shown: Vec<u32> = sagas.shown(2).iter().map(|saga| saga.saga).collect();
        assert_eq!(shown, [2, 3]);
    }

    #[test]
    fn an_outbox_holds_what_was_left_and_not_relayed() {
        let mut outbox = Outbox::default();
        for key in 0..OUTBOX as u64 + 10 {
            outbox.apply(key, false);
        }
        assert_eq!(outbox.waiting(), OUTBOX as u64 + 10);
        assert_eq!(outbox.keys.len(), OUTBOX);
        outbox.apply(0, true);
        outbox.apply(OUTBOX as u64 + 3, true);
        assert_eq!((outbox.waiting(), outbox.relayed), (OUTBOX as u64 + 8, 2));
        assert_eq!(outbox.keys.front(), Some(&1));
    }
}
