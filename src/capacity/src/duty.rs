//! What a design does for a request, read off its plans without running it: to tell whether it still does all that another did.
//!
//! Every cache is taken to miss and every call to succeed, so that what is found is what has to be done when nothing is at hand.
//! Of several targets that share the requests (a balancer's, shards) each has to do it: what only some do does not count. What
//! stands after `end`, or in a fallback, does not count either. What a message leads to counts, but as put off. A request that
//! changes something can't be answered from a cache: of what a cache keeps from being done for it, only reads count. A call that is
//! not waited for does not count, for nobody would know that it failed; nor does one with a fallback, or one that makes do with a
//! part of the shards, unless degraded answers are counted, which those put off are not. A queue, a topic and an outbox keep what
//! they have until it is done.

use core::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use scale_sim::{Call, Component, Database, Distribution, Instruction, Mode, Scenario, Statement};

/// The name of a plan for any operation.
const ANY: &str = "*";
/// Calls within calls, messages among them, that are looked at.
const DEPTH: usize = 40;

/// How often something is done for one request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Times {
    /// In all.
    pub all: u64,
    /// Of these, before the answer.
    pub before: u64,
}

/// What is done for one request.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Done {
    /// Pieces of work of services, each with how often it is done.
    pub work: Vec<(Distribution, Times)>,
    /// Queries by their operation, each with how often it is asked.
    pub queries: Vec<(String, Times)>,
    /// Where these are answered: component and operation.
    pub places: BTreeSet<(String, String)>,
    /// Those of the queries that change something.
    pub writes: Vec<String>,
    /// Those that are asked once for several requests about one key: a cache that writes behind stands before them.
    pub merged: Vec<String>,
}

impl Done {
    fn and(&mut self, other: Self, times: u64, waited: bool) {
        let scaled = |own: Times| Times {
            all: own.all.saturating_mul(times),
            before: if waited {
                own.before.saturating_mul(times)
            } else {
                0
            },
        };
        for (piece, count) in other.work {
            add(&mut self.work, piece, scaled(count));
        }
        for (query, count) in other.queries {
            add(&mut self.queries, query, scaled(count));
        }
        self.note(other.writes, other.merged);
    }

    fn note(&mut self, writes: Vec<String>, merged: Vec<String>) {
        join(&mut self.writes, writes);
        join(&mut self.merged, merged);
    }

    /// What is left of it if a cache may keep it from being done, for a request that changes something.
    fn reads(mut self) -> Self {
        self.work.clear();
        let writes = core::mem::take(&mut self.writes);
        self.queries.retain(|(query, _)| !writes.contains(query));
        self
    }

    /// What is done wherever of several the request goes.
    fn either(all: Vec<Self>) -> Self {
        let mut all = all.into_iter();
        let mut least = all.next().unwrap_or_default();
        for other in all {
            keep_least(&mut least.work, &other.work);
            keep_least(&mut least.queries, &other.queries);
            least.note(other.writes, other.merged);
        }
        least
    }
}

/// Adds what is not there yet.
fn join<T: PartialEq>(all: &mut Vec<T>, more: Vec<T>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}

fn add<T: PartialEq>(all: &mut Vec<(T, Times)>, what: T, times: Times) {
    match all.iter_mut().find(|(own, _)| *own == what) {
        Some((_, own)) => {
            own.all = own.all.saturating_add(times.all);
            own.before = own.before.saturating_add(times.before);
        }
        None => all.push((what, times)),
    }
}

fn keep_least<T: PartialEq>(all: &mut [(T, Times)], other: &[(T, Times)]) {
    for (what, own) in all {
        let others = times_of(other, what);
        own.all = own.all.min(others.all);
        own.before = own.before.min(others.before);
    }
}

/// How often something is in a list.
pub(crate) fn times_of<T: PartialEq>(all: &[(T, Times)], what: &T) -> Times {
    let found = all.iter().find(|(own, _)| own == what);
    found.map_or_else(Times::default, |(_, times)| *times)
}

/// What a database does for an operation: its own query or statement, or that for any.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Answer<'a> {
    Query(&'a Distribution),
    Statement(&'a Statement),
}

/// What `database` does for `operation`.
pub(crate) fn answer<'a>(database: &'a Database, operation: &str) -> Option<Answer<'a>> {
    let named = |name: &str| {
        let query = database.queries.get(name).map(Answer::Query);
        query.or_else(|| database.statements.get(name).map(Answer::Statement))
    };
    named(operation).or_else(|| named(ANY))
}

/// What is done for a request that asks `target` for `operation`.
pub(crate) fn done(look: Look<'_>, target: &str, operation: &str) -> Done {
    let found = Walk::new(look, false, None).from(target, operation);
    if found.writes.is_empty() {
        return found;
    }
    Walk::new(look, true, None).from(target, operation)
}

/// What a design does, of what another does, for a request that asks `target` for `operation`.
pub(crate) fn done_of(wanted: &Done, look: Look<'_>, target: &str, operation: &str) -> Done {
    let changes = !wanted.writes.is_empty();
    Walk::new(look, changes, Some(wanted)).from(target, operation)
}

/// Where to look, and how.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    /// The design.
    pub scenario: &'a Scenario,
    /// Whether answers with a substitute are counted, so that what has one may be taken to be done.
    pub degrades: bool,
}

struct Walk<'a> {
    look: Look<'a>,
    /// Whether the request changes something.
    changes: bool,
    /// What is looked for; everything if it is not given. A design may hold very much that is not.
    wanted: Option<&'a Done>,
    /// What has been found by component, operation and whether it is put off; nothing while it is being looked at.
    known: RefCell<BTreeMap<(String, String, bool), Option<Done>>>,
    /// Where queries are answered.
    places: RefCell<BTreeSet<(String, String)>>,
}

/// How a component is come to.
#[derive(Clone, Copy)]
struct Way {
    /// How many calls it took.
    depth: usize,
    /// Whether the answer has been given already.
    put_off: bool,
}

impl Way {
    const START: Self = Self {
        depth: 0,
        put_off: false,
    };

    const fn on(self) -> Self {
        Self {
            depth: self.depth + 1,
            ..self
        }
    }

    const fn later(self) -> Self {
        Self {
            put_off: true,
            ..self.on()
        }
    }
}

impl<'a> Walk<'a> {
    const fn new(look: Look<'a>, changes: bool, wanted: Option<&'a Done>) -> Self {
        Self {
            look,
            changes,
            wanted,
            known: RefCell::new(BTreeMap::new()),
            places: RefCell::new(BTreeSet::new()),
        }
    }

    fn from(self, target: &str, operation: &str) -> Done {
        let done = self.at(target, operation, Way::START);
        Done {
            places: self.places.into_inner(),
            ..done
        }
    }

    /// What is done where a call comes to. Messages that go in a circle do nothing more.
    fn at(&self, name: &str, operation: &str, way: Way) -> Done {
        if way.depth > DEPTH {
            return Done::default();
        }
        let key = (name.to_owned(), operation.to_owned(), way.put_off);
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone().unwrap_or_default();
        }
        self.known.borrow_mut().insert(key.clone(), None);
        let done = self.found(name, operation, way);
        self.known.borrow_mut().insert(key, Some(done.clone()));
        done
    }

    fn found(&self, name: &str, operation: &str, way: Way) -> Done {
        let mut done = Done::default();
        let Some(component) = self.look.scenario.components.get(name) else {
            return done;
        };
        let go = |to: &str, operation: &str| self.at(to, operation, way.on());
        let later = |to: &str, operation: &str| self.at(to, operation, way.later());
        match component {
            Component::Client(_) => {}
            Component::Balancer(balancer) => {
                let all = balancer.targets.iter().map(|to| go(to, operation));
                done = Done::either(all.collect());
            }
            Component::Shards(shards) => {
                let partial = { shards.scattered(operation) }
                    .is_some_and(|scatter| scatter.need.is_some() || scatter.timeout_ms.is_some());
                if partial && !self.degrades(way) {
                    return done;
                }
                let all = component.targets().into_iter();
                done = Done::either(all.map(|to| go(to, operation)).collect());
            }
            Component::Service(service) => {
                let plan = service.plans.get(operation);
                let plan = plan.or_else(|| service.plans.get(ANY));
                let plan = plan.map_or(&[][..], Vec::as_slice);
                self.follow(plan, operation, way, &mut done);
            }
            Component::Database(database) => {
                let changes = match answer(database, operation) {
                    Some(Answer::Query(_)) => database.is_write(operation),
                    Some(Answer::Statement(statement)) => statement.writes(),
                    None => return done,
                };
                self.ask(&mut done, name, operation, changes);
                let outbox = database.outbox.iter();
                for outbox in outbox.filter(|outbox| outbox.has(operation)) {
                    let published = outbox.operation.as_deref().unwrap_or(operation);
                    done.and(later(&outbox.to, published), 1, false);
                }
            }
            Component::View(_) => self.ask(&mut done, name, operation, false),
            Component::EventStore(_) => self.ask(&mut done, name, operation, true),
            Component::Cache(cache) => {
                let writes = cache.is_write(operation);
                let later = writes && matches!(cache.mode, Mode::WriteBehind { .. });
                if let Some(to) = &cache.target {
                    let mut behind = self.behind(!writes, go(to, operation));
                    if later {
                        let queries = behind.queries.iter();
                        behind.merged = queries.map(|(query, _)| query.clone()).collect();
                    }
                    done.and(behind, 1, !later);
                }
            }
            Component::Gateway(gateway) => {
                let cache = gateway.cache.as_ref();
                let kept = cache.is_some_and(|cache| !cache.is_write(operation))
                    && gateway.keeps(operation);
                done.and(self.behind(kept, go(&gateway.target, operation)), 1, true);
            }
            Component::Queue(queue) => {
                let asked = queue.operation.as_deref().unwrap_or(operation);
                if let Some(to) = &queue.to {
                    done.and(later(to, asked), 1, false);
                }
            }
            Component::Topic(topic) => {
                for subscription in topic.subscriptions.values() {
                    let asked = subscription.operation.as_deref().unwrap_or(operation);
                    done.and(later(&subscription.to, asked), 1, false);
                }
            }
        }
        done
    }

    /// What counts of what a cache, if it is `kept` there, keeps from being done.
    fn behind(&self, kept: bool, done: Done) -> Done {
        if kept && self.changes {
            done.reads()
        } else {
            done
        }
    }

    fn ask(&self, done: &mut Done, component: &str, operation: &str, changes: bool) {
        let is_own = |(query, _): &(String, Times)| query == operation;
        if self
            .wanted
            .is_some_and(|wanted| !wanted.queries.iter().any(is_own))
        {
            return;
        }
        let once = Times { all: 1, before: 1 };
        add(&mut done.queries, operation.to_owned(), once);
        let place = (component.to_owned(), operation.to_owned());
        self.places.borrow_mut().insert(place);
        let writes = changes.then(|| operation.to_owned());
        done.note(writes.into_iter().collect(), Vec::new());
    }

    /// Whether a substitute for an answer is counted there.
    const fn degrades(&self, way: Way) -> bool {
        self.look.degrades && !way.put_off
    }

    fn wants(&self, time: &Distribution) -> bool {
        let is_own = |(own, _): &(Distribution, Times)| own == time;
        self.wanted
            .is_none_or(|wanted| wanted.work.iter().any(is_own))
    }

    /// Adds what the steps of a plan do; tells whether it goes on after them.
    fn follow(&self, plan: &[Instruction], operation: &str, way: Way, done: &mut Done) -> bool {
        let called = |call: &Call| {
            if call.asynchronous || (call.fallback.is_some() && !self.degrades(way)) {
                return Done::default();
            }
            let asked = call.operation.as_deref().unwrap_or(operation);
            self.at(&call.to, asked, way.on())
        };
        for step in plan {
            match step {
                Instruction::Work(time) if !self.wants(time) => {}
                Instruction::Work(time) => {
                    let once = Times { all: 1, before: 1 };
                    add(&mut done.work, time.clone(), once);
                }
                Instruction::Call(call) => {
                    done.and(called(call), u64::from(call.times), true);
                }
                Instruction::Parallel(parallel) => {
                    let width: u32 = parallel.calls.iter().map(|call| call.times).sum();
                    if parallel.need.is_none_or(|need| need >= width) {
                        for call in &parallel.calls {
                            done.and(called(call), u64::from(call.times), true);
                        }
                    }
                }
                Instruction::Cached(cached) => {
                    let mut missed = Done::default();
                    let goes_on = self.follow(&cached.miss, operation, way, &mut missed);
                    done.and(self.behind(true, missed), 1, true);
                    if !goes_on {
                        return false;
                    }
                }
                Instruction::Saga(saga) => {
                    for step in &saga.steps {
                        done.and(called(&step.does), 1, true);
                    }
                }
                Instruction::Transaction(transaction) => {
                    for call in &transaction.branches {
                        done.and(called(call), 1, true);
                    }
                }
                Instruction::Reply(_) | Instruction::Invalidate(_) => {}
                Instruction::End | Instruction::Fail => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESIGN: &str = r#"{ "version": 1, "horizon_s": 1, "components": {
        "users": { "client": { "operation": "buy", "target": "front", "arrivals": { "constant": { "rate_per_s": 1 } } } },
        "front": { "balancer": { "policy": "round_robin", "targets": ["full", "lazy"] } },
        "full": { "service": { "workers": 1, "plans": { "*": [
            { "work": { "constant": { "mean_ms": 5 } } },
            { "cached": { "cache": "kept", "miss": [ { "call": { "to": "db", "operation": "item", "times": 3 } } ] } },
            { "call": { "to": "jobs" } } ] } } },
        "lazy": { "service": { "workers": 1, "plans": { "*": [
            { "call": { "to": "db", "operation": "item" } }, { "call": { "to": "jobs" } },
            { "call": { "to": "db", "operation": "item", "asynchronous": true } }, "end",
            { "work": { "constant": { "mean_ms": 5 } } } ] } } },
        "kept": { "cache": { "capacity_entries": 10 } },
        "jobs": { "queue": { "to": "worker", "operation": "mail" } },
        "worker": { "service": { "workers": 1, "plans": { "mail": [ { "work": { "constant": { "mean_ms": 9 } } } ] } } },
        "db": { "database": { "connections": 1, "queries": { "*": { "constant": { "mean_ms": 2 } } } } }
    } }"#;

    /// What is done, each with how often in all and before the answer.
    type Counted<T> = Vec<(T, u64, u64)>;

    fn done(scenario: &Scenario, target: &str) -> Done {
        let look = Look {
            scenario,
            degrades: true,
        };
        super::done(look, target, "buy")
    }

    fn found(target: &str) -> (Counted<f64>, Counted<String>) {
        let scenario = Scenario::from_json(DESIGN).expect("valid");
        let done = done(&scenario, target);
        let work = done.work.iter();
        let queries = done.queries.iter();
        (
            work.map(|(time, t)| (time.mean_ms(), t.all, t.before))
                .collect(),
            queries
                .map(|(name, t)| (name.clone(), t.all, t.before))
                .collect(),
        )
    }

    #[test]
    fn what_is_missed_counts_and_what_is_put_off_counts_as_that() {
        let (work, queries) = found("full");
        assert_eq!(work, [(5.0, 1, 1), (9.0, 1, 0)]);
        assert_eq!(queries, [("item".to_owned(), 3, 3)]);
    }

    #[test]
    fn what_stands_after_the_end_does_not_count_nor_what_only_some_do() {
        let (work, queries) = found("lazy");
        assert_eq!(work, [(9.0, 1, 0)]);
        assert_eq!(queries, [("item".to_owned(), 1, 1)]);
        let (work, queries) = found("front");
        assert_eq!(work, [(5.0, 0, 0), (9.0, 1, 0)]);
        assert_eq!(queries, [("item".to_owned(), 1, 1)]);
    }

    #[test]
    fn a_design_may_hold_very_much() {
        // A thousand calls to each of which thirty services make a thousand: no walk would end that made them all.
        let service = |at: usize| {
            let call = format!(r#"{{ "call": {{ "to": "s{}" }} }}"#, at + 1);
            let plan = vec![call; 900].join(", ");
            format!(r#""s{at}": {{ "service": {{ "workers": 1, "plans": {{ "*": [{plan}] }} }} }}"#)
        };
        let services: Vec<String> = (0..20).map(service).collect();
        let text = format!(
            r#"{{ "version": 1, "horizon_s": 1, "components": {{
                "users": {{ "client": {{ "operation": "buy", "target": "s0", "arrivals": {{ "constant": {{ "rate_per_s": 1 }} }} }} }},
                {}, "s20": {{ "queue": {{ "to": "worker" }} }},
                "worker": {{ "service": {{ "workers": 1, "plans": {{ "*": [
                    {{ "work": {{ "constant": {{ "mean_ms": 5 }} }} }}, {{ "call": {{ "to": "s20" }} }}] }} }} }} }} }}"#,
            services.join(", ")
        );
        let scenario: Scenario = scale_sim::read_json(&text).expect("of the form");
        let done = done(&scenario, "s0");
        let [(time, times)] = &done.work[..] else {
            panic!("{done:?}");
        };
        assert_eq!(
            (time.mean_ms(), times.all, times.before),
            (5.0, 900_u64.saturating_pow(20), 0)
        );
    }

    #[test]
    fn a_change_is_not_answered_from_a_cache() {
        let writes = DESIGN.replace(
            r#""connections": 1, "#,
            r#""connections": 1, "writes": ["item"], "#,
        );
        let scenario = Scenario::from_json(&writes).expect("valid");
        let full = done(&scenario, "full");
        assert_eq!(full.queries, []);
        assert_eq!(full.writes, [] as [&str; 0]);
        let direct = done(&scenario, "lazy");
        assert_eq!(direct.writes, ["item"]);
        assert_eq!(times_of(&direct.queries, &"item".to_owned()).all, 1);
    }
}
