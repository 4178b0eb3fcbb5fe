//! The audit of a run: a probe that holds what happens against the scenario's invariants.
//!
//! Models: what an omniscient observer notices. It sees each event as it happens and steers nothing, so a run is the same to
//! the byte whether it is audited or not. All is checked as it comes, with a bounded memory: what is known of requests under
//! way, the latest writes of each database that matters (who wrote which version), and the latest request of each key. What
//! had to be forgotten can hide a violation; it never makes one up.
//! Money and stocks are checked request by request: the sum over all tables is constant exactly if what each request has
//! *really* added to them (what the rows hold after each of its writes less what they held before, and without what failovers
//! have undone) comes to 0 once nothing of the request is left. So neither needs the tables to be added up.
//! Does not model: what clients believe; an effect that no event tells of.
//!
//! To add an invariant: a variant of [`Invariant`](crate::Invariant), its `Rule`, and here an arm of [`Auditor::see`] for the
//! events that can break it. What is done when nothing is left of a request is judged at [`RowEvent::Ended`], which is told of
//! those that have written. What may last only so long is noticed as time passes: see [`Auditor::pass`].

mod accounts;
mod findings;
mod messages;
mod order;
mod sagas;
mod sentence;
mod writes;

use crate::event::{Event, RequestRef, RowEvent};
use crate::limits;
use crate::model::{InvariantModel, Model, Rule};
use crate::probe::Probe;
use crate::time::{Duration, Time};

pub use findings::{Finding, Findings};

use accounts::{Accounts, Effect};
use messages::Dying;
use order::Order;
use sagas::Sagas;
use sentence::Name;
use writes::{Write, Writes};

/// So many violations are kept with what there is to say about them.
const KEPT: usize = 20;

/// An invariant that did not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which of the scenario's invariants.
    pub invariant: usize,
    /// Its name.
    pub name: &'static str,
    /// When that was noticed.
    pub at: Time,
    /// The request that did it, or to which it was done; if it is about one.
    pub request: Option<u64>,
    /// The row, as its database numbers rows, or the cache's key; if it is about one.
    pub row: Option<u64>,
    /// What happened, as a sentence.
    pub sentence: String,
}

/// Notices where a run breaks the scenario's invariants.
#[derive(Clone, Debug)]
pub struct Auditor {
    invariants: Vec<InvariantModel>,
    /// By invariant.
    counts: Vec<u64>,
    total: u64,
    first: Vec<Violation>,
    accounts: Accounts,
    /// By component: what was written there lately, where that may be asked for.
    writes: Vec<Option<Writes>>,
    /// By invariant: the latest requests of keys, where it is about their order.
    orders: Vec<Option<Order>>,
    /// What sagas have done, for each invariant that is about them.
    sagas: Vec<Sagas>,
    /// During a failover: what it has taken back of requests of which nothing is left, by invariant and request.
    taken_back: Vec<(usize, u64, i64)>,
    /// Whether anything is asked about requests and what they do at stations.
    looks_at_stations: bool,
    /// Whether anything is asked about messages.
    looks_at_messages: bool,
    /// A message that becomes a dead letter, until something else happens to a message.
    dying: Option<Dying>,
}

impl Auditor {
    /// An auditor of runs of `model`, which has seen nothing yet.
    pub fn new(model: &Model) -> Self {
        let invariants = model.invariants.clone();
        let mut writes: Vec<Option<Writes>> = vec![None; model.components.len()];
        let watched = |rule: &Rule| match rule {
            Rule::Updates { at }
            | Rule::Kept { at }
            | Rule::Effects { at }
            | Rule::Messages {
                writes: Some(at), ..
            } => vec![*at],
            Rule::Conserved { tables } | Rule::Sagas { tables, .. } => {
                tables.iter().map(|(database, _)| *database).collect()
            }
            _ => Vec::new(),
        };
        let mut databases: Vec<u16> = invariants.iter().flat_map(|i| watched(&i.rule)).collect();
        databases.sort_unstable();
        databases.dedup();
        for database in &databases {
            let most = limits::AUDITED as usize / databases.len();
            writes[usize::from(*database)] = Some(Writes::new(most));
        }
        let by_order = |i: &InvariantModel| matches!(i.rule, Rule::Order { .. });
        let ordered = invariants.iter().filter(|i| by_order(i)).count().max(1);
        let orders = invariants.iter().map(|invariant| {
            by_order(invariant).then(|| Order::new(limits::AUDITED / ordered as u32))
        });
        Self {
            counts: vec![0; invariants.len()],
            total: 0,
            first: Vec::new(),
            accounts: Accounts::new(invariants.len()),
            writes,
            orders: orders.collect(),
            sagas: Sagas::of(&invariants),
            taken_back: Vec::new(),
            looks_at_stations: invariants
                .iter()
                .any(|i| matches!(i.rule, Rule::Order { .. } | Rule::Served { .. })),
            looks_at_messages: invariants
                .iter()
                .any(|i| matches!(i.rule, Rule::Messages { .. })),
            dying: None,
            invariants,
        }
    }

    /// How many violations there were.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The first of them, in order.
    pub fn first(&self) -> &[Violation] {
        &self.first
    }

    /// Looks at an event. Tells how many violations that made.
    pub fn see(&mut self, model: &Model, now: Time, request: RequestRef, event: &Event) -> u64 {
        let before = self.total;
        self.pass(model, now);
        let component = |station: u32| model.stations[station as usize].component;
        let seen = Seen {
            model,
            now,
            request,
        };
        match *event {
            Event::Sent { key, .. } if self.looks_at_stations => self.accounts.open(request, key),
            Event::Left {
                station, ok: true, ..
            } if self.looks_at_stations => self.done(seen, component(station)),
            Event::CacheHit {
                station,
                key,
                stale: Some(age),
            } => self.stale(seen, station, Name::Key(key), age),
            Event::ReplicaRead {
                station,
                row,
                stale,
                own,
                ..
            } => {
                if let Some(age) = stale {
                    self.stale(seen, station, Name::Row(row), age);
                }
                if own {
                    self.missed_own(seen, station, row);
                }
            }
            Event::Row(row) => self.row(seen, &row),
            Event::Workflow(event) => self.saga_moved(seen, &event),
            Event::Message(event) if self.looks_at_messages => self.message(seen, &event),
            Event::Promoted { .. } => self.promoted(seen),
            _ => {}
        }
        self.total - before
    }

    fn row(&mut self, seen: Seen<'_>, event: &RowEvent) {
        let at = event
            .station()
            .map(|at| seen.model.stations[at as usize].component);
        match *event {
            RowEvent::Changed {
                operation,
                row,
                moved,
                seen: from,
                before,
                version,
                ..
            } => {
                let database = at.unwrap_or(u16::MAX);
                let effect = Effect {
                    database,
                    operation,
                    row,
                };
                self.changed(seen, effect, moved, (from, before));
                self.saga_changed(seen, &effect, moved);
                self.note(seen, version, moved, effect);
            }
            RowEvent::Wrote { row, version, .. } => {
                let effect = Effect {
                    database: at.unwrap_or(u16::MAX),
                    operation: u16::MAX,
                    row,
                };
                self.note(seen, version, 0, effect);
            }
            RowEvent::Undone {
                station,
                row,
                version,
                moved,
                acknowledged,
            } => {
                let database = at.unwrap_or(u16::MAX);
                let writer = self.writer(database, version);
                if acknowledged {
                    self.lost(seen, station, Name::Row(row), writer.as_ref(), 1);
                }
                if let Some(writer) = writer {
                    self.take_back(&writer, moved);
                    let (request, effect) = (writer.request, &writer.effect);
                    self.saga_taken_back(request, effect, moved, seen.now);
                }
            }
            RowEvent::Unsent {
                station,
                key,
                writes,
            } => self.lost(seen, station, Name::Key(key), None, writes),
            RowEvent::Ended => self.ended(seen),
            RowEvent::Repeated { .. } | RowEvent::UndoneEmpty { .. } => {}
        }
    }

    /// A request has changed a number, working it out from version `from` in place of version `before`.
    fn changed(&mut self, seen: Seen<'_>, effect: Effect, moved: i64, (from, before): (u64, u64)) {
        let database = effect.database;
        let mut first_time = None;
        for at in 0..self.invariants.len() {
            match &self.invariants[at].rule {
                Rule::Updates { at: of } if *of == database && from != before => {
                    let overwritten = self.writer(database, before);
                    let sentence = self
                        .keeps()
                        .then(|| sentence::lost_update(seen, effect, overwritten.as_ref()));
                    self.violated(at, seen, Name::Row(effect.row), sentence);
                }
                Rule::Effects { at: of } if *of == database && seen.request.id != u64::MAX => {
                    let accounts = &mut self.accounts;
                    if !*first_time.get_or_insert_with(|| accounts.apply(seen.request, effect)) {
                        let sentence = self.keeps().then(|| sentence::double_effect(seen, effect));
                        self.violated(at, seen, Name::Row(effect.row), sentence);
                    }
                }
                Rule::Conserved { tables } if effect.is_in(tables) => {
                    self.accounts.add(seen.request, at, moved);
                }
                _ => {}
            }
        }
    }

    fn note(&mut self, seen: Seen<'_>, version: u64, moved: i64, effect: Effect) {
        self.wrote(seen, effect.database);
        if let Some(Some(writes)) = self.writes.get_mut(usize::from(effect.database)) {
            writes.note(Write {
                version,
                request: seen.request,
                effect,
                moved,
                at: seen.now,
            });
        }
    }

    /// Who wrote a version, if that is still known.
    fn writer(&self, database: u16, version: u64) -> Option<Write> {
        let writes = self.writes.get(usize::from(database))?.as_ref()?;
        writes.get(version)
    }

    /// A failover has undone a write, which makes its row's number greater by `moved`.
    fn take_back(&mut self, write: &Write, moved: i64) {
        let open = self.accounts.withdraw(write.request, write.effect);
        for (at, invariant) in self.invariants.iter().enumerate() {
            let Rule::Conserved { tables } = &invariant.rule else {
                let is_left = invariant.rule.asks_messages_of(write.effect.database);
                if open && is_left {
                    self.accounts.add(write.request, at, -1);
                }
                continue;
            };
            if !write.effect.is_in(tables) || moved == 0 {
                continue;
            }
            let id = write.request.id;
            if open {
                self.accounts.add(write.request, at, moved);
                continue;
            }
            let known = { &mut self.taken_back }
                .iter_mut()
                .find(|(invariant, request, _)| (*invariant, *request) == (at, id));
            match known {
                Some((_, _, net)) => *net = net.wrapping_add(moved),
                None => self.taken_back.push((at, id, moved)),
            }
        }
    }

    /// A failover is over: what it has taken back of requests that had ended is taken back for good.
    fn promoted(&mut self, seen: Seen<'_>) {
        let mut taken_back = core::mem::take(&mut self.taken_back);
        for (at, id, net) in taken_back.drain(..).filter(|(_, _, net)| *net != 0) {
            let request = RequestRef {
                id,
                ..RequestRef::NONE
            };
            let sentence = self
                .keeps()
                .then(|| sentence::taken_back(id, net, &self.invariants[at].about));
            self.violated(at, Seen { request, ..seen }, Name::Nothing, sentence);
        }
        self.taken_back = taken_back;
        self.sagas_promoted(seen);
    }

    /// Nothing is left of a request.
    fn ended(&mut self, seen: Seen<'_>) {
        self.saga_ended(seen);
        for at in 0..self.invariants.len() {
            let net = self.accounts.net(seen.request, at);
            if net == 0 || self.left_message(seen.request, at) {
                continue;
            }
            let about = &self.invariants[at].about;
            let sentence = self.keeps().then(|| match self.invariants[at].rule {
                Rule::Messages { .. } => sentence::no_message(seen, about),
                _ => sentence::unbalanced(seen, net, about),
            });
            self.violated(at, seen, Name::Nothing, sentence);
        }
        self.accounts.close(seen.request);
    }

    /// What was read had been overwritten so long ago.
    fn stale(&mut self, seen: Seen<'_>, station: u32, what: Name, age: Duration) {
        let component = seen.model.stations[station as usize].component;
        for at in 0..self.invariants.len() {
            if let Rule::Fresh { at: of, within } = self.invariants[at].rule
                && of == component
                && age > within
            {
                let sentence = self
                    .keeps()
                    .then(|| sentence::stale(seen, station, what, age));
                self.violated(at, seen, what, sentence);
            }
        }
    }

    /// A user does not see what the user wrote.
    fn missed_own(&mut self, seen: Seen<'_>, station: u32, row: u64) {
        let component = seen.model.stations[station as usize].component;
        for at in 0..self.invariants.len() {
            if self.invariants[at].rule == (Rule::OwnWrites { at: component }) {
                let sentence = self
                    .keeps()
                    .then(|| sentence::missed_own(seen, station, row));
                self.violated(at, seen, Name::Row(row), sentence);
            }
        }
    }

    /// What was acknowledged, or answered, is gone.
    fn lost(
        &mut self,
        seen: Seen<'_>,
        station: u32,
        what: Name,
        writer: Option<&Write>,
        count: u32,
    ) {
        let component = seen.model.stations[station as usize].component;
        for at in 0..self.invariants.len() {
            if self.invariants[at].rule == (Rule::Kept { at: component }) {
                let sentence = self
                    .keeps()
                    .then(|| sentence::lost_write(seen, station, what, writer, count));
                let request = writer.map_or(seen.request, |writer| writer.request);
                self.violated(at, Seen { request, ..seen }, what, sentence);
            }
        }
    }

    /// A request has been done at a component.
    fn done(&mut self, seen: Seen<'_>, component: u16) {
        if seen.request.id == u64::MAX {
            return;
        }
        let mut first_time = None;
        for at in 0..self.invariants.len() {
            match self.invariants[at].rule {
                Rule::Served { at: of } if of == component => {
                    let accounts = &mut self.accounts;
                    if !*first_time.get_or_insert_with(|| accounts.serve(seen.request, of)) {
                        let sentence = self
                            .keeps()
                            .then(|| sentence::served_twice(seen, component));
                        self.violated(at, seen, Name::Nothing, sentence);
                    }
                }
                Rule::Order { at: of } if of == component => {
                    let (id, key) = (seen.request.id, self.accounts.key(seen.request));
                    let order = self.orders[at].as_mut();
                    if let Some(later) = order.and_then(|order| order.done(key, id)) {
                        let sentence = self
                            .keeps()
                            .then(|| sentence::out_of_order(seen, component, key, later));
                        self.violated(at, seen, Name::Key(key), sentence);
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether there is room for another violation with what there is to say about it.
    fn keeps(&self) -> bool {
        self.first.len() < KEPT
    }

    /// An invariant does not hold.
    fn violated(&mut self, at: usize, seen: Seen<'_>, what: Name, sentence: Option<String>) {
        self.total += 1;
        self.counts[at] += 1;
        if let Some(sentence) = sentence {
            self.first.push(Violation {
                invariant: at,
                name: self.invariants[at].name,
                at: seen.now,
                request: (seen.request.id != u64::MAX).then_some(seen.request.id),
                row: match what {
                    Name::Row(row) | Name::Key(row) => Some(row),
                    Name::Nothing => None,
                },
                sentence,
            });
        }
    }
}

/// What is seen: the moment, and whom it is about.
#[derive(Clone, Copy)]
struct Seen<'a> {
    model: &'a Model,
    now: Time,
    request: RequestRef,
}

impl Probe for Auditor {
    fn event(&mut self, model: &Model, now: Time, request: RequestRef, event: &Event) {
        self.see(model, now, request, event);
    }

    fn advanced(&mut self, model: &Model, now: Time) {
        self.pass(model, now);
    }
}
