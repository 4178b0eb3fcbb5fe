//! What sagas have done so far, judged by what the databases hold, and since when one is done in part or has nobody.
//!
//! A saga is what one request does by the operations that the invariant names, whoever sees to it: an orchestrator, or services
//! that react to each other's messages. It is whole when each table has what all steps add to it, and nothing when each has
//! what it had before. In between it is done in part, which is right for a while.

use super::{Auditor, Name, Seen, sentence};
use crate::event::{RequestRef, WorkflowEvent};
use crate::list::{Linked, Links, List};
use crate::model::{InvariantModel, Model, Rule};
use crate::time::{Duration, Time};

use super::accounts::Effect;

/// What one request has done of a saga.
#[derive(Clone, Debug)]
struct Account {
    /// The request, or none once nothing is left of it.
    request: RequestRef,
    /// Since when it has been neither whole nor nothing, or has had nobody; and its neighbours among those.
    since: Option<Time>,
    links: Links,
    /// The orchestrator's number of the saga; 0 if it has none.
    number: u32,
    /// Nobody runs it.
    alone: bool,
    /// It has been said what is wrong with it: that is said once.
    told: bool,
    /// By table: by how much more it holds.
    nets: Vec<i64>,
}

impl Linked for Account {
    fn links(&self) -> Links {
        self.links
    }

    fn links_mut(&mut self) -> &mut Links {
        &mut self.links
    }
}

/// What the sagas of one invariant have done so far.
#[derive(Clone, Debug)]
pub(super) struct Sagas {
    invariant: usize,
    tables: Vec<(u16, u64)>,
    /// By table: what all steps of a saga add to it.
    whole: Vec<i64>,
    /// For how long a saga may be done in part, or have nobody.
    within: Duration,
    /// By the request's place in the engine's table.
    accounts: Vec<Account>,
    /// Those that are done in part or have nobody, the longest first.
    waiting: List,
    /// During a failover: what it has taken back of requests of which nothing is left.
    taken_back: Vec<(RequestRef, Vec<i64>)>,
}

/// A saga that has been done in part, or has had nobody, for too long.
struct Overdue {
    request: RequestRef,
    alone: bool,
}

impl Sagas {
    /// Those of all invariants that are about sagas.
    pub fn of(invariants: &[InvariantModel]) -> Vec<Self> {
        let sagas = invariants.iter().enumerate().filter_map(|(at, invariant)| {
            let Rule::Sagas {
                tables,
                whole,
                within,
            } = &invariant.rule
            else {
                return None;
            };
            Some(Self {
                invariant: at,
                tables: tables.clone(),
                whole: whole.clone(),
                within: *within,
                accounts: Vec::new(),
                waiting: List::default(),
                taken_back: Vec::new(),
            })
        });
        sagas.collect()
    }

    /// The account of a request, which begins empty.
    fn of_request(&mut self, request: RequestRef) -> u32 {
        let (at, tables) = (request.slot as usize, self.whole.len());
        if at >= self.accounts.len() {
            self.accounts.resize_with(at + 1, || Account {
                request: RequestRef::NONE,
                since: None,
                links: Links::ALONE,
                number: 0,
                alone: false,
                told: false,
                nets: Vec::new(),
            });
        }
        if self.accounts[at].request.id != request.id {
            // Of a request that had written, or whose saga had nobody, the end has been told.
            self.settle(request.slot);
            let account = &mut self.accounts[at];
            (account.request, account.number) = (request, 0);
            (account.alone, account.told) = (false, false);
            account.nets.clear();
            account.nets.resize(tables, 0);
        }
        request.slot
    }

    /// The account of a request that may have none.
    fn known(&self, request: RequestRef) -> Option<u32> {
        let account = self.accounts.get(request.slot as usize)?;
        let is_known = request.id != u64::MAX && account.request.id == request.id;
        is_known.then_some(request.slot)
    }

    /// An account is not looked after any more.
    fn settle(&mut self, at: u32) {
        if self.accounts[at as usize].since.take().is_some() {
            self.waiting.remove(&mut self.accounts, at);
        }
    }

    fn is_in_part(&self, nets: &[i64]) -> bool {
        nets.iter().any(|net| *net != 0) && nets != self.whole
    }

    /// Something has happened to a saga: its time begins, or is over.
    fn look_at(&mut self, at: u32, now: Time) {
        let account = &self.accounts[at as usize];
        let waits = !account.told && (account.alone || self.is_in_part(&account.nets));
        if !waits {
            self.settle(at);
        } else if account.since.is_none() {
            self.accounts[at as usize].since = Some(now);
            self.waiting.push_back(&mut self.accounts, at);
        }
    }

    /// A request has really added so much to a table. Tells whether that takes back what it had not done.
    fn add(&mut self, request: RequestRef, table: usize, moved: i64, now: Time) -> bool {
        let at = self.of_request(request);
        let net = &mut self.accounts[at as usize].nets[table];
        let before = *net;
        *net = net.wrapping_add(moved);
        let whole = self.whole[table].signum();
        let too_early = net.signum() == -whole && before.signum() != -whole;
        self.look_at(at, now);
        too_early
    }

    /// The number of a table among those that it is about.
    fn table(&self, effect: &Effect) -> Option<usize> {
        let is_in = |table: &(u16, u64)| effect.is_in(core::slice::from_ref(table));
        self.tables.iter().position(is_in)
    }

    /// Whether nothing has been said of a request's saga yet; from now on something has.
    fn tells(&mut self, request: RequestRef) -> bool {
        let at = self.of_request(request);
        let told = core::mem::replace(&mut self.accounts[at as usize].told, true);
        self.settle(at);
        !told
    }

    /// When the next saga has been waited for too long, if none goes on.
    fn due(&self) -> Option<Time> {
        let first = self.accounts.get(self.waiting.front as usize)?;
        Some(first.since? + self.within)
    }

    /// The first saga that has been waited for too long.
    fn overdue(&self, now: Time) -> Option<Overdue> {
        let due = self.due()?;
        let first = &self.accounts[self.waiting.front as usize];
        let (request, alone) = (first.request, first.alone);
        (due < now).then_some(Overdue { request, alone })
    }

    /// A failover has undone what a request of which nothing is left had done.
    fn take_back(&mut self, request: RequestRef, table: usize, moved: i64) {
        let known = { &mut self.taken_back }
            .iter_mut()
            .find(|(of, _)| of.id == request.id);
        if let Some((_, nets)) = known {
            nets[table] = nets[table].wrapping_add(moved);
            return;
        }
        let mut nets = vec![0; self.whole.len()];
        nets[table] = moved;
        self.taken_back.push((request, nets));
    }

    /// How much there is of each table, and how much of a whole saga.
    fn shares<'a>(&'a self, nets: &'a [i64]) -> impl Iterator<Item = (i64, i64)> + 'a {
        nets.iter().copied().zip(self.whole.iter().copied())
    }
}

impl Auditor {
    /// When something will have lasted too long, if nothing happens up to then.
    pub(crate) fn due(&self) -> Option<Time> {
        self.sagas.iter().filter_map(Sagas::due).min()
    }

    /// It has become `now`: notices what has lasted too long. Tells how many violations that made.
    pub(crate) fn pass(&mut self, model: &Model, now: Time) -> u64 {
        let before = self.total;
        while let Some(due) = self.due().filter(|due| *due < now) {
            for n in 0..self.sagas.len() {
                let Some(Overdue { request, alone }) = self.sagas[n].overdue(now) else {
                    continue;
                };
                if self.sagas[n].due() != Some(due) {
                    continue;
                }
                let seen = Seen {
                    model,
                    now: due,
                    request,
                };
                let (keeps, sagas) = (self.keeps(), &mut self.sagas[n]);
                let at = sagas.invariant;
                sagas.tells(request);
                let about = &self.invariants[at].about;
                let sentence = keeps.then(|| {
                    let nets = &sagas.accounts[request.slot as usize].nets;
                    sentence::overdue(seen, sagas.within, alone, about, sagas.shares(nets))
                });
                self.violated(at, seen, Name::Nothing, sentence);
            }
        }
        self.total - before
    }

    /// A request has changed a row.
    pub(super) fn saga_changed(&mut self, seen: Seen<'_>, effect: &Effect, moved: i64) {
        if seen.request.id == u64::MAX {
            return;
        }
        for n in 0..self.sagas.len() {
            let keeps = self.keeps();
            let sagas = &mut self.sagas[n];
            let Some(table) = sagas.table(effect) else {
                continue;
            };
            let too_early = sagas.add(seen.request, table, moved, seen.now);
            if too_early && sagas.tells(seen.request) {
                let at = sagas.invariant;
                let sentence = keeps.then(|| sentence::undone_too_early(seen, *effect));
                self.violated(at, seen, Name::Row(effect.row), sentence);
            }
        }
    }

    /// A failover has undone what a request had done.
    pub(super) fn saga_taken_back(
        &mut self,
        request: RequestRef,
        effect: &Effect,
        moved: i64,
        now: Time,
    ) {
        for sagas in &mut self.sagas {
            if let Some(table) = sagas.table(effect) {
                if sagas.known(request).is_some() {
                    sagas.add(request, table, moved, now);
                } else {
                    sagas.take_back(request, table, moved);
                }
            }
        }
    }

    /// A failover is over: of a saga that had ended it has taken back all, or what came to nothing, or a part.
    pub(super) fn sagas_promoted(&mut self, seen: Seen<'_>) {
        for n in 0..self.sagas.len() {
            let mut taken_back = core::mem::take(&mut self.sagas[n].taken_back);
            for (request, nets) in taken_back.drain(..) {
                let sagas = &self.sagas[n];
                let left: Vec<i64> = { sagas.shares(&nets) }
                    .map(|(net, whole)| whole.wrapping_add(net))
                    .collect();
                let is_nothing = nets.iter().all(|net| *net == 0);
                if is_nothing || left.iter().all(|net| *net == 0) {
                    continue;
                }
                let at = sagas.invariant;
                let seen = Seen { request, ..seen };
                let about = &self.invariants[at].about;
                let sentence = { self.keeps() }.then(|| {
                    let shares = nets.iter().map(|net| -net).zip(sagas.whole.iter().copied());
                    sentence::saga_undone(seen, about, shares)
                });
                self.violated(at, seen, Name::Nothing, sentence);
            }
            self.sagas[n].taken_back = taken_back;
        }
    }

    /// Nothing is left of a request.
    pub(super) fn saga_ended(&mut self, seen: Seen<'_>) {
        for n in 0..self.sagas.len() {
            let keeps = self.keeps();
            let sagas = &mut self.sagas[n];
            let Some(slot) = sagas.known(seen.request) else {
                continue;
            };
            let account = &sagas.accounts[slot as usize];
            let broken = !account.told && sagas.is_in_part(&account.nets);
            let at = sagas.invariant;
            let about = &self.invariants[at].about;
            let shares = sagas.shares(&account.nets);
            let sentence = (broken && keeps).then(|| sentence::done_in_part(seen, about, shares));
            sagas.settle(slot);
            sagas.accounts[slot as usize].request = RequestRef::NONE;
            if broken {
                self.violated(at, seen, Name::Nothing, sentence);
            }
        }
    }

    /// Something has happened to a saga that is orchestrated.
    pub(super) fn saga_moved(&mut self, seen: Seen<'_>, event: &WorkflowEvent) {
        if seen.request.id == u64::MAX {
            return;
        }
        for n in 0..self.sagas.len() {
            let keeps = self.keeps();
            let sagas = &mut self.sagas[n];
            match *event {
                WorkflowEvent::SagaStarted { saga, .. } => {
                    let at = sagas.of_request(seen.request);
                    sagas.accounts[at as usize].number = saga;
                }
                WorkflowEvent::Orphaned { workflow, .. }
                | WorkflowEvent::Recovered { workflow, .. } => {
                    let Some(at) = sagas.known(seen.request) else {
                        continue;
                    };
                    let account = &mut sagas.accounts[at as usize];
                    if account.number == workflow {
                        account.alone = matches!(event, WorkflowEvent::Orphaned { .. });
                        sagas.look_at(at, seen.now);
                    }
                }
                WorkflowEvent::SagaStuck { step, .. } if sagas.tells(seen.request) => {
                    let at = sagas.invariant;
                    let sentence = keeps.then(|| sentence::stuck(seen, step));
                    self.violated(at, seen, Name::Nothing, sentence);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sagas() -> Sagas {
        let rule = Rule::Sagas {
            tables: vec![(0, 0), (0, 1), (1, 0)],
            whole: vec![-1, -30, 1],
            within: Duration::from_secs(1.0),
        };
        let (name, about) = ("sagas_end", String::new());
        let mut all = Sagas::of(&[InvariantModel { name, about, rule }]);
        all.pop().expect("there is one")
    }

    fn request(id: u64, slot: u32) -> RequestRef {
        let frame = u32::MAX;
        RequestRef { id, slot, frame }
    }

    fn at(s: f64) -> Time {
        Time::from_secs(s)
    }

    #[test]
    fn its_time_runs_only_while_it_is_done_in_part() {
        let mut sagas = sagas();
        let (first, second) = (request(5, 3), request(6, 0));
        assert!(!sagas.add(first, 0, -1, at(1.0)));
        assert!(!sagas.add(second, 1, -30, at(1.5)));
        assert_eq!(sagas.due(), Some(at(2.0)));
        assert!(sagas.overdue(at(2.0)).is_none(), "it has until then");
        assert!(!sagas.add(first, 0, 1, at(1.7)));
        assert_eq!(sagas.due(), Some(at(2.5)));
        // Done in part once more: its time begins anew. Whole: it is over.
        sagas.add(first, 2, 1, at(1.8));
        sagas.add(second, 0, -1, at(1.9));
        sagas.add(second, 2, 1, at(1.9));
        assert_eq!(sagas.due(), Some(at(2.8)));
        let overdue = sagas.overdue(at(3.0)).expect("the first");
        assert_eq!((overdue.request.id, overdue.alone), (5, false));
        // It is said once.
        assert!(sagas.tells(first) && !sagas.tells(first));
        sagas.add(first, 1, -30, at(3.1));
        assert_eq!(sagas.due(), None);
    }

    #[test]
    fn what_is_taken_back_before_it_is_done_is_noticed_and_what_is_undone_is_not() {
        let mut sagas = sagas();
        let of = request(1, 0);
        assert!(!sagas.add(of, 1, -30, at(0.0)));
        assert!(!sagas.add(of, 1, 30, at(0.0)));
        assert!(sagas.add(of, 1, 30, at(0.0)));
        assert!(!sagas.add(of, 1, 30, at(0.0)), "it is known already");
        assert!(!sagas.add(of, 1, -60, at(0.0)));
        assert!(sagas.add(of, 2, -1, at(0.0)));
    }

    #[test]
    fn a_place_that_is_used_again_begins_empty() {
        let mut sagas = sagas();
        sagas.add(request(1, 0), 0, -1, at(0.0));
        sagas.add(request(2, 0), 1, -30, at(5.0));
        assert_eq!(sagas.due(), Some(at(6.0)));
        assert_eq!(sagas.known(request(1, 0)), None);
        assert_eq!(sagas.accounts[0].nets, [0, -30, 0]);
        assert_eq!((sagas.waiting.len, sagas.accounts.len()), (1, 1));
    }
}
