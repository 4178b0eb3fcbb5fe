//! Checks on who calls whom: every call is answered by some plan, none comes back to itself, and no loop is free of time.
//!
//! The walk goes where requests go, but behind a component once for each operation that comes to it: what was found there is
//! kept, or a design of a hundred components that all call each other would take longer than anybody's life.

use std::collections::BTreeMap;

use super::{
    ANY, Arrivals, Call, Client, Component, Full, Instruction, Queue, Rebuilding, Saga, Topic,
    Transaction, VersionOf,
};
use crate::cache::{Cache, Mode};
use crate::limits;
use crate::problem::Problems;
use crate::scenario::Scenario;
use crate::time::Duration;

/// Notes what is wrong with the calls of a scenario whose names are all right.
pub(crate) fn check(scenario: &Scenario, problems: &mut Problems) {
    let mut walk = Walk::new(scenario);
    for (name, component) in &scenario.components {
        if let Component::Balancer(balancer) = component
            && let Some(check) = &balancer.health_check
        {
            for (i, target) in balancer.targets.iter().enumerate() {
                if let Err(message) = walk.begin(target, &check.operation) {
                    let place = format!("components.{name}.balancer.targets[{i}]");
                    problems.note_at(place, message);
                }
            }
        }
        let Component::Client(client) = component else {
            continue;
        };
        for operation in client.operations() {
            check_operation(&mut walk, name, client, operation, problems);
        }
    }
}

/// Notes what is wrong with the calls of one client's requests for one operation.
fn check_operation<'a>(
    walk: &mut Walk<'a>,
    name: &str,
    client: &'a Client,
    operation: &'a str,
    problems: &mut Problems,
) {
    let base = format!("components.{name}.client");
    if let Err(message) = walk.begin(&client.target, operation) {
        problems.note_at(format!("{base}.target"), message);
        return;
    }
    let Arrivals::Closed { think_time, .. } = &client.arrivals else {
        return;
    };
    if think_time.mean_ms() > 0.0 {
        return;
    }
    let base = format!("{base}.arrivals.closed");
    if !walk.time_passes {
        problems.note_at(
            base,
            format!(
                "the loop from '{name}' through '{}' and back takes no time, so it would never end: give the think \
                 time or some work a mean above 0",
                client.target
            ),
        );
    } else if let Some(refuser) = walk.refuser {
        problems.note_at(
            base,
            format!(
                "a user whom '{refuser}' refuses would ask again at once, and never end: give the think time a mean \
                 above 0, or '{refuser}' a line with room for everyone"
            ),
        );
    }
}

/// How many requests can be under way at once.
fn population(scenario: &Scenario) -> u64 {
    let clients = scenario
        .components
        .values()
        .map(|component| match component {
            Component::Client(client) => match &client.arrivals {
                Arrivals::Closed { users, .. } => u64::from(*users),
                _ => limits::IN_FLIGHT as u64,
            },
            _ => 0,
        });
    clients.sum::<u64>().min(limits::IN_FLIGHT as u64)
}

/// A walk along the calls of one client's requests, in the order in which they are made; then of another's.
struct Walk<'a> {
    scenario: &'a Scenario,
    /// The numbers of the components.
    numbers: BTreeMap<&'a str, usize>,
    /// What is behind a component, as far as it has been found.
    found: BTreeMap<Arrival<'a>, Found<'a>>,
    operation: &'a str,
    way: Vec<(usize, &'a str)>,
    /// The longest way that led through what is visited now.
    longest: usize,
    /// How often something is called where the walk is, and behind it.
    calls: u64,
    /// Caches of which keys are dropped there.
    dropped: Marks,
    population: u64,
    /// Whether any time has passed up to here, whichever way balancers choose.
    time_passes: bool,
    /// A component that may refuse a request before any time has passed.
    refuser: Option<&'a str>,
    /// What all that is visited now is part of.
    within: Within,
}

/// How one comes to a component: the rest follows from this.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Arrival<'a> {
    component: usize,
    operation: &'a str,
    within: Within,
    time_has_passed: bool,
}

/// What is found at a component and behind it, where nothing is wrong.
#[derive(Clone, Copy)]
struct Found<'a> {
    calls: u64,
    height: usize,
    dropped: Marks,
    time_passes: bool,
    refuser: Option<&'a str>,
}

/// Some of the components, by number.
type Marks = [u64; limits::COMPONENTS as usize / 64 + 1];

/// What calls are part of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Within {
    Nothing,
    /// A step of a saga.
    Step,
    /// A branch of a transaction.
    Branch,
}

/// Calls of one request: beyond this it would fan out to more than any reader could follow.
const CALLS: u64 = 1_000_000;

impl<'a> Walk<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let names = scenario.components.keys().map(String::as_str);
        Self {
            scenario,
            numbers: names.enumerate().map(|(at, name)| (name, at)).collect(),
            found: BTreeMap::new(),
            operation: "",
            way: Vec::new(),
            longest: 0,
            calls: 0,
            dropped: Marks::default(),
            population: population(scenario),
            time_passes: false,
            refuser: None,
            within: Within::Nothing,
        }
    }

    /// Walks the way of requests for `operation` from `name` on.
    fn begin(&mut self, name: &'a str, operation: &'a str) -> Result<(), String> {
        self.operation = operation;
        self.way.clear();
        (self.longest, self.calls, self.dropped) = (0, 0, Marks::default());
        (self.time_passes, self.refuser, self.within) = (false, None, Within::Nothing);
        self.visit(name, operation)
    }

    /// Walks on to `name` with `operation`, and to all that is called from there.
    fn visit(&mut self, name: &'a str, operation: &'a str) -> Result<(), String> {
        let component = self.numbers[name];
        let here = (component, operation);
        if let Some(start) = self.way.iter().position(|seen| *seen == here) {
            let names = self.way[start..].iter().map(|(seen, _)| self.name(*seen));
            let round: Vec<&str> = names.chain([name]).collect();
            return Err(format!(
                "the calls {} go round and never end: break the cycle",
                round.join(" → ")
            ));
        }
        let arrival = Arrival {
            component,
            operation,
            within: self.within,
            time_has_passed: self.time_passes,
        };
        let height = self.found.get(&arrival).map_or(1, |found| found.height);
        if self.way.len() + height > limits::CALL_DEPTH {
            return Err(format!(
                "calls are nested more than {} deep",
                limits::CALL_DEPTH
            ));
        }
        let found = if let Some(found) = self.found.get(&arrival) {
            *found
        } else {
            let found = self.find(name, operation)?;
            self.found.insert(arrival, found);
            found
        };
        let waits = self
            .way
            .iter()
            .find(|(seen, _)| is_marked(&found.dropped, *seen));
        if let Some((cache, _)) = waits {
            return Err(would_wait(self.name(*cache)));
        }
        self.longest = self.longest.max(self.way.len() + found.height);
        self.count(found.calls)?;
        for (all, more) in self.dropped.iter_mut().zip(found.dropped) {
            *all |= more;
        }
        self.time_passes = found.time_passes;
        self.refuser = self.refuser.or(found.refuser);
        Ok(())
    }

    /// What is at `name` and behind it, for `operation`.
    fn find(&mut self, name: &'a str, operation: &'a str) -> Result<Found<'a>, String> {
        let depth = self.way.len();
        let outside = (
            core::mem::replace(&mut self.calls, 1),
            core::mem::replace(&mut self.longest, depth + 1),
            core::mem::take(&mut self.dropped),
            self.refuser.take(),
            self.time_passes,
        );
        self.way.push((self.numbers[name], operation));
        self.behind(name, operation)?;
        self.way.pop();
        let found = Found {
            calls: self.calls,
            height: self.longest - depth,
            dropped: self.dropped,
            time_passes: self.time_passes,
            refuser: self.refuser,
        };
        (
            self.calls,
            self.longest,
            self.dropped,
            self.refuser,
            self.time_passes,
        ) = outside;
        Ok(found)
    }

    fn name(&self, component: usize) -> &'a str {
        let names = self.scenario.components.get_index(component);
        names.map_or("", |(name, _)| name.as_str())
    }

    fn component(&self, name: &str) -> &'a Component {
        &self.scenario.components[self.numbers[name]]
    }

    /// Counts calls that are made here.
    fn count(&mut self, calls: u64) -> Result<(), String> {
        self.calls = self.calls.saturating_add(calls);
        if self.calls > CALLS {
            return Err(format!(
                "one '{}' request makes more than {CALLS} calls",
                self.operation
            ));
        }
        Ok(())
    }

    #[expect(clippy::too_many_lines, reason = "one arm a kind of component")]
    fn behind(&mut self, name: &'a str, operation: &'a str) -> Result<(), String> {
        if self.within == Within::Branch {
            self.check_branch(name)?;
        }
        match self.component(name) {
            Component::Client(_) => {}
            Component::Balancer(balancer) => {
                let before = self.time_passes;
                let mut on_every_way = true;
                for target in &balancer.targets {
                    self.time_passes = before;
                    self.visit(target, operation)?;
                    on_every_way &= self.time_passes;
                }
                self.time_passes = on_every_way;
            }
            Component::Service(service) => {
                self.enter(name, service.workers, service.queue);
                let plan = service
                    .plans
                    .get(operation)
                    .or_else(|| service.plans.get(ANY));
                let plan = plan.ok_or_else(|| unanswered(name, operation, service.plans.keys()))?;
                self.plan(plan, operation)?;
            }
            Component::Database(database) => {
                self.enter(name, database.connections, database.queue);
                let (_, answer) = database.answer(operation).ok_or_else(|| {
                    let known = database.queries.keys().chain(database.statements.keys());
                    unanswered(name, operation, known)
                })?;
                self.time_passes |= database.takes_time(answer);
                if let Some(outbox) = &database.outbox
                    && outbox.has(operation)
                    && database.changes_rows(operation, answer)
                {
                    self.messages(Some(&outbox.to), outbox.operation.as_ref(), operation)?;
                }
            }
            Component::EventStore(store) => {
                self.enter(name, store.connections, store.queue);
                let (_, answer) = store
                    .answer(operation)
                    .ok_or_else(|| unanswered(name, operation, store.operations.keys()))?;
                self.time_passes |= store.takes_time(answer);
            }
            Component::View(view) => {
                self.enter(name, view.connections, view.queue);
                // While it is built anew it may refuse at once.
                if !self.time_passes && view.rebuilds.iter().any(|r| r.how == Rebuilding::Offline) {
                    self.refuser.get_or_insert(name);
                }
                let (_, time) = view
                    .answer(operation)
                    .ok_or_else(|| unanswered(name, operation, view.queries.keys()))?;
                self.time_passes |= time.mean_ms() > 0.0;
            }
            Component::Cache(cache) => {
                self.look_up(name, cache);
                if let Some(target) = &cache.target {
                    let found = self.time_passes;
                    self.visit(target, operation)?;
                    // What is found, or kept for later, takes no longer.
                    let writes_behind = matches!(cache.mode, Mode::WriteBehind { .. });
                    if !cache.is_write(operation) || writes_behind {
                        self.time_passes = found;
                    }
                }
            }
            Component::Queue(queue) => self.queue(name, queue, operation)?,
            Component::Topic(topic) => self.topic(name, topic, operation)?,
            Component::Gateway(gateway) => {
                let limited = gateway.rate_limit.is_some() || gateway.concurrency.is_some();
                if limited {
                    self.enter(name, 0, 0);
                } else {
                    self.enter(name, gateway.workers, gateway.queue);
                }
                let work = gateway.work.as_ref();
                self.time_passes |= work.is_some_and(|work| work.mean_ms() > 0.0);
                let found = match &gateway.cache {
                    Some(cache) if gateway.keeps(operation) => {
                        Some(self.time_passes || cache.lookup.mean_ms() > 0.0)
                    }
                    _ => None,
                };
                self.visit(&gateway.target, operation)?;
                if let Some(found) = found {
                    self.time_passes = found;
                }
            }
            Component::Shards(shards) => {
                self.enter(name, shards.workers, shards.queue);
                let work = shards.work.as_ref();
                self.time_passes |= work.is_some_and(|work| work.mean_ms() > 0.0);
                let before = self.time_passes;
                let mut on_every_way = true;
                for target in shards.all_targets() {
                    self.time_passes = before;
                    self.visit(target, operation)?;
                    on_every_way &= self.time_passes;
                }
                self.time_passes = on_every_way;
            }
        }
        Ok(())
    }

    /// Publishes in a queue; its messages go on.
    fn queue(&mut self, name: &'a str, queue: &'a Queue, operation: &'a str) -> Result<(), String> {
        let room = if queue.full == Full::Refuse {
            queue.capacity
        } else {
            limits::QUEUE as u32
        };
        self.enter(name, queue.workers, queue.queue.min(room));
        let publish = queue.publish.as_ref();
        self.time_passes |= publish.is_some_and(|time| time.mean_ms() > 0.0);
        self.messages(queue.to.as_ref(), queue.operation.as_ref(), operation)?;
        self.messages(queue.dead_letters.as_ref(), None, operation)
    }

    /// Publishes in a topic; its messages go on.
    fn topic(&mut self, name: &'a str, topic: &'a Topic, operation: &'a str) -> Result<(), String> {
        self.enter(name, topic.workers, topic.queue);
        let publish = topic.publish.as_ref();
        self.time_passes |= publish.is_some_and(|time| time.mean_ms() > 0.0);
        for group in topic.subscriptions.values() {
            self.messages(Some(&group.to), group.operation.as_ref(), operation)?;
            self.messages(group.dead_letters.as_ref(), None, operation)?;
        }
        Ok(())
    }

    /// Walks on to where messages go, for which nobody waits.
    fn messages(
        &mut self,
        to: Option<&'a String>,
        named: Option<&'a String>,
        operation: &'a str,
    ) -> Result<(), String> {
        let Some(to) = to else {
            return Ok(());
        };
        if self.within == Within::Branch {
            return Err(format!(
                "a branch of a transaction would leave a message for '{to}', and it is not a message's promise that is prepared: \
                 use an outbox without a transaction, or a saga"
            ));
        }
        let before = (self.time_passes, self.refuser);
        // What comes of a message is no part of the step that left it.
        let within = core::mem::replace(&mut self.within, Within::Nothing);
        self.visit(to, named.map_or(operation, String::as_str))?;
        self.within = within;
        (self.time_passes, self.refuser) = before;
        Ok(())
    }

    /// Comes to a cache.
    fn look_up(&mut self, name: &'a str, cache: &Cache) {
        self.enter(name, cache.workers, cache.queue);
        self.time_passes |= cache.lookup.mean_ms() > 0.0;
    }

    /// Asks the cache called `name`.
    fn ask(&mut self, name: &'a str) {
        if let Component::Cache(cache) = self.component(name) {
            self.look_up(name, cache);
        }
    }

    fn plan(&mut self, plan: &'a [Instruction], operation: &'a str) -> Result<(), String> {
        for instruction in plan {
            let before = self.time_passes;
            match instruction {
                Instruction::Work(time) => self.time_passes |= time.mean_ms() > 0.0,
                Instruction::Call(call) => {
                    self.call(call, operation)?;
                    if call.asynchronous {
                        self.time_passes = before;
                    }
                    // The call may fail before any time has passed.
                    if let Some(fallback) = &call.fallback {
                        let after = core::mem::replace(&mut self.time_passes, before);
                        self.plan(fallback, operation)?;
                        self.time_passes &= after;
                    }
                }
                Instruction::Parallel(parallel) => {
                    let mut on_every_way = true;
                    for call in &parallel.calls {
                        self.time_passes = before;
                        self.call(call, operation)?;
                        on_every_way &= self.time_passes;
                    }
                    self.time_passes = on_every_way;
                }
                Instruction::Cached(cached) => {
                    if let Some(VersionOf::Call(call)) = &cached.version {
                        self.call(call, operation)?;
                        if let Some(fallback) = &call.fallback {
                            let after = core::mem::replace(&mut self.time_passes, before);
                            self.plan(fallback, operation)?;
                            self.time_passes &= after;
                        }
                    }
                    let before = self.time_passes;
                    self.ask(&cached.cache);
                    let found = self.time_passes;
                    self.time_passes = before;
                    self.plan(&cached.miss, operation)?;
                    self.time_passes &= found;
                }
                // A cache that is down costs no time.
                Instruction::Invalidate(invalidate) => {
                    let cache = self.numbers[invalidate.cache.as_str()];
                    if self.way.iter().any(|(seen, _)| *seen == cache) {
                        return Err(would_wait(&invalidate.cache));
                    }
                    self.dropped[cache / 64] |= 1 << (cache % 64);
                }
                Instruction::Saga(saga) => self.saga(saga, operation)?,
                Instruction::Transaction(transaction) => {
                    self.transaction(transaction, operation)?;
                }
                // Nothing behind it is done.
                Instruction::End | Instruction::Fail => return Ok(()),
                Instruction::Reply(payload) => {
                    self.time_passes |= payload.compress_time() > Duration::ZERO;
                }
            }
        }
        Ok(())
    }

    /// Enters what is part of something, which must not be part of anything itself.
    fn part(&mut self, within: Within) -> Result<(), String> {
        if core::mem::replace(&mut self.within, within) != Within::Nothing {
            return Err(
                "a step of a saga leads to another saga or transaction: a step must be done at one place, or be several"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn saga(&mut self, saga: &'a Saga, operation: &'a str) -> Result<(), String> {
        self.part(Within::Step)?;
        // Nothing is done before it is in the log.
        self.time_passes |= saga.log.mean_ms() > 0.0;
        let before = self.time_passes;
        for call in saga.calls() {
            self.call(call, operation)?;
        }
        // The first step may fail before any time has passed.
        self.time_passes = before;
        self.within = Within::Nothing;
        Ok(())
    }

    fn transaction(&mut self, of: &'a Transaction, operation: &'a str) -> Result<(), String> {
        self.part(Within::Branch)?;
        let before = self.time_passes;
        let mut on_every_way = true;
        for call in &of.branches {
            self.time_passes = before;
            self.call(call, operation)?;
            on_every_way &= self.time_passes;
        }
        self.time_passes = on_every_way;
        self.within = Within::Nothing;
        Ok(())
    }

    /// Whether a branch of a transaction can be done at `name`, or over it.
    fn check_branch(&self, name: &str) -> Result<(), String> {
        let component = self.component(name);
        match component {
            Component::Balancer(balancer) if balancer.targets.len() == 1 => Ok(()),
            Component::Balancer(_) => Err(format!(
                "'{name}' chooses anew each time, and who has prepared a branch must hear how it was decided: name the database"
            )),
            Component::Database(database) if database.replication.is_none() => Ok(()),
            Component::Database(_) => Err(format!(
                "'{name}' has replicas, and a branch of a transaction is prepared at one node alone: leave them out"
            )),
            _ => Err(format!(
                "'{name}' is a {}: a branch of a transaction leads to a database, over balancers or not",
                component.kind().name()
            )),
        }
    }

    fn call(&mut self, call: &'a Call, operation: &'a str) -> Result<(), String> {
        let before = core::mem::take(&mut self.calls);
        self.visit(&call.to, call.operation.as_deref().unwrap_or(operation))?;
        let each = core::mem::replace(&mut self.calls, before);
        self.count(each.saturating_mul(u64::from(call.times)))
    }

    /// Comes to a station with so many servers and places to wait.
    fn enter(&mut self, name: &'a str, servers: u32, queue: u32) {
        if !self.time_passes && u64::from(servers) + u64::from(queue) < self.population {
            self.refuser.get_or_insert(name);
        }
    }
}

fn is_marked(marks: &Marks, component: usize) -> bool {
    marks[component / 64] & (1 << (component % 64)) != 0
}

fn would_wait(cache: &str) -> String {
    format!(
        "the request came through '{cache}', which holds a worker for it, and would wait there for another: leave out \
         'invalidate' and give '{cache}' an 'invalidation'"
    )
}

fn unanswered<'a>(name: &str, operation: &str, known: impl Iterator<Item = &'a String>) -> String {
    let known: Vec<&str> = known.map(String::as_str).collect();
    format!(
        "'{name}' has no plan for the operation '{operation}': it answers {}",
        known.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;

    fn refused(components: &str) -> String {
        let text = format!(r#"{{"version":1,"horizon_s":1,"components":{components}}}"#);
        let problems = Scenario::from_json(&text).expect_err("must be refused");
        problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn a_cycle_of_calls_is_refused_with_its_way() {
        let said = refused(
            r#"{"u":{"client":{"operation":"x","target":"a","arrivals":{"constant":{"rate_per_s":1}}}},
                "a":{"service":{"workers":1,"plans":{"*":[{"call":{"to":"b"}}]}}},
                "b":{"service":{"workers":1,"plans":{"*":[{"work":{"constant":{"mean_ms":0}}},{"call":{"to":"a"}}]}}}}"#,
        );
        assert!(
            said.contains("components.u.client.target: the calls a → b → a go round"),
            "{said}"
        );
    }

    #[test]
    fn a_closed_loop_without_time_is_refused() {
        let said = refused(
            r#"{"u":{"client":{"operation":"x","target":"a","arrivals":{"closed":{"users":1,"think_time":{"constant":{"mean_ms":0}}}}}},
                "a":{"service":{"workers":1,"plans":{"*":[{"work":{"constant":{"mean_ms":0}}}]}}}}"#,
        );
        assert!(said.contains("takes no time"), "{said}");
    }

    #[test]
    fn a_closed_loop_that_can_spin_without_time_is_refused() {
        let users = r#""u":{"client":{"operation":"x","target":"b","arrivals":{"closed":{"users":3,"think_time":{"constant":{"mean_ms":0}}}}}}"#;
        let station = |name: &str, queue: u32, mean_ms: u32| {
            format!(
                r#""{name}":{{"service":{{"workers":1,"queue":{queue},"plans":{{"*":[{{"work":{{"constant":{{"mean_ms":{mean_ms}}}}}}}]}}}}}}"#
            )
        };
        let through = |a: &str, c: &str| {
            format!(
                r#"{{{users},"b":{{"balancer":{{"policy":"least_connections","targets":["a","c"]}}}},{a},{c}}}"#
            )
        };
        // Two of three users have room at 'c'; the third would be refused again and again.
        let said = refused(&through(&station("a", 2, 5), &station("c", 1, 5)));
        assert!(said.contains("a user whom 'c' refuses"), "{said}");
        // While 'a' is busy the other users would go through 'c' without end.
        let said = refused(&through(&station("a", 2, 5), &station("c", 2, 0)));
        assert!(said.contains("takes no time"), "{said}");
        // With room for everyone, and time on every way, nothing can spin.
        let components = through(&station("a", 2, 5), &station("c", 2, 5));
        let text = format!(r#"{{"version":1,"horizon_s":1,"components":{components}}}"#);
        assert!(Scenario::from_json(&text).is_ok());
    }

    #[test]
    fn an_operation_that_nobody_answers_is_refused() {
        let said = refused(
            r#"{"u":{"client":{"operation":"x","target":"a","arrivals":{"constant":{"rate_per_s":1}}}},
                "a":{"service":{"workers":1,"plans":{"y":[{"work":{"constant":{"mean_ms":1}}}]}}}}"#,
        );
        assert!(
            said.contains("'a' has no plan for the operation 'x': it answers y"),
            "{said}"
        );
    }

    /// A service with these calls, one after the other.
    fn calling(name: &str, calls: &[String]) -> String {
        let calls: Vec<String> = calls
            .iter()
            .map(|to| format!(r#"{{"call":{{"to":"{to}"}}}}"#))
            .collect();
        let work = r#"{"work":{"constant":{"mean_ms":1}}}"#;
        format!(
            r#""{name}":{{"service":{{"workers":1,"plans":{{"*":[{}]}}}}}}"#,
            [vec![work.to_owned()], calls].concat().join(",")
        )
    }

    fn client(name: &str, target: &str, operations: usize) -> String {
        let mix: Vec<String> = (0..operations).map(|n| format!(r#""o{n}":1"#)).collect();
        format!(
            r#""{name}":{{"client":{{"mix":{{{}}},"target":"{target}","arrivals":{{"constant":{{"rate_per_s":1}}}}}}}}"#,
            mix.join(",")
        )
    }

    fn problems(components: &[String]) -> Vec<String> {
        let components = components.join(",");
        let text = format!(r#"{{"version":1,"horizon_s":1,"components":{{{components}}}}}"#);
        let problems = Scenario::from_json(&text).err().unwrap_or_default();
        problems.iter().map(ToString::to_string).collect()
    }

    /// Each of a chain calls the next one twice.
    fn doubling(length: usize) -> Vec<String> {
        let mut all = vec![client("u", "s0", 1)];
        for n in 0..length {
            let next = format!("s{}", n + 1);
            all.push(calling(&format!("s{n}"), &[next.clone(), next]));
        }
        all.push(calling(&format!("s{length}"), &[]));
        all
    }

    #[test]
    fn calls_are_counted_though_each_component_is_walked_once() {
        // 2^19 - 1 calls, and 2^20 - 1.
        assert_eq!(problems(&doubling(18)), Vec::<String>::new());
        let said = problems(&doubling(19));
        assert!(
            said[0].contains("makes more than 1000000 calls"),
            "{said:?}"
        );
    }

    #[test]
    fn a_mesh_takes_no_longer_than_it_has_calls() {
        // Layers of which each calls all of the next: 22^17 ways, from a hundred clients with ten operations each.
        let mut all: Vec<String> = (0..100)
            .map(|n| client(&format!("u{n}"), "s0-0", 10))
            .collect();
        for layer in 0..18 {
            let next: Vec<String> = (0..22).map(|n| format!("s{}-{n}", layer + 1)).collect();
            let next = if layer == 17 { Vec::new() } else { next };
            all.extend((0..22).map(|n| calling(&format!("s{layer}-{n}"), &next)));
        }
        let begun = std::time::Instant::now();
        let said = problems(&all);
        assert!(
            said[0].contains("makes more than 1000000 calls"),
            "{said:?}"
        );
        // A million calls for each took minutes.
        assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    }

    #[test]
    fn what_lies_on_the_way_counts_behind_what_was_walked_before() {
        // 's2' drops keys of 'c', and is called past it first, then through it.
        let invalidates =
            r#""s2":{"service":{"workers":1,"plans":{"*":[{"invalidate":{"cache":"c"}}]}}}"#;
        let cache = r#""c":{"cache":{"capacity_entries":1,"mode":"read_through","target":"s1"}}"#;
        let of = |calls: &[String]| {
            problems(&[
                client("u", "s0", 1),
                calling("s0", calls),
                calling("s1", &["s2".to_owned()]),
                invalidates.to_owned(),
                cache.to_owned(),
            ])
        };
        assert_eq!(
            of(&["s2".to_owned(), "s1".to_owned()]),
            Vec::<String>::new()
        );
        let said = of(&["s2".to_owned(), "c".to_owned()]);
        assert!(said[0].contains("the request came through 'c'"), "{said:?}");

        // A chain of 30 is allowed, and so is one of 30 behind two more, and no more.
        let chain = |first: &[String], length: usize| {
            let mut all = vec![client("u", "s0", 1), calling("s0", first)];
            for n in 1..length {
                all.push(calling(&format!("s{n}"), &[format!("s{}", n + 1)]));
            }
            all.push(calling(&format!("s{length}"), &[]));
            problems(&all)
        };
        let from = |n: usize| format!("s{n}");
        assert_eq!(chain(&[from(20), from(1)], 31), Vec::<String>::new());
        let said = chain(&[from(20), from(1)], 32);
        assert!(said[0].contains("nested more than 32 deep"), "{said:?}");
    }
}
