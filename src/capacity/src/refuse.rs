//! What a design may not change of a challenge's start, so that it is solved and not got round.

use scale_sim::{Component, Database, Distribution, Mode, Problem, Scenario, Statement};

use crate::challenge::{Challenge, clients_operations};
use crate::duty::{self, Answer, Done, times_of};

/// A replica gets a write no sooner than this on average, in milliseconds: the engine's own usual time.
const SHIP_MS: f64 = 0.3;
/// It applies a write no faster.
const APPLY_MS: f64 = 0.1;
/// A cache is told of a change no sooner, in milliseconds.
const TOLD_MS: f64 = 20.0;
/// A new instance serves no sooner, in seconds.
const WARM_UP_S: f64 = 5.0;
/// What is put off in a cache or an outbox goes on at least so often, in milliseconds.
const PUT_OFF_MS: f64 = 5_000.0;

impl Challenge {
    /// Why a design is no answer to this challenge, whatever a run of it would say; each with its place in the design.
    ///
    /// The clients ask as before. What belongs to others is as before. Each piece of work and each query of the start is still
    /// done for the same operation, as often, with the same time, and before the answer if the brief says so. No machine is larger
    /// than there are, and nothing that is added is quicker than such things are.
    pub fn refusals(&self, design: &Scenario) -> Vec<Problem> {
        let mut problems = self.others(design);
        if problems.is_empty() {
            problems = self.left_undone(design);
        }
        problems.extend(self.too_good(design));
        problems
    }

    /// What is not the learner's to change.
    fn others(&self, design: &Scenario) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, component) in &design.components {
            let new = !self.start.components.contains_key(name);
            if new && matches!(component, Component::Client(_)) {
                let message = "a client that the start has not: nobody else asks";
                problems.push(Problem::new(format!("components.{name}"), message));
            }
        }
        for (name, own) in &self.start.components {
            let path = format!("components.{name}");
            let given = design.components.get(name);
            if let Component::Client(own) = own {
                let same = match given {
                    Some(Component::Client(given)) => {
                        let mut own = own.clone();
                        own.target.clone_from(&given.target);
                        own.resilience = given.resilience.clone();
                        own == *given
                    }
                    _ => false,
                };
                if !same {
                    let message = "who asks, for what and how often is given: only 'target' and 'resilience' of a client may change";
                    problems.push(Problem::new(path, message));
                }
            } else if self.brief.outside.contains(name) && given != Some(own) {
                let message = "it belongs to others: it stays as it is in the start";
                problems.push(Problem::new(path, message));
            }
        }
        for link in &self.start.links {
            let both = [&link.from, &link.to];
            let both = both.iter().all(|end| design.components.contains_key(*end));
            if both && !design.links.contains(link) {
                let message = format!(
                    "the way from '{}' to '{}' is as long as it is: keep its link",
                    link.from, link.to
                );
                problems.push(Problem::new("links", message));
            }
        }
        problems
    }

    /// What the start does for its clients' operations and the design does not.
    fn left_undone(&self, design: &Scenario) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, target, operation) in clients_operations(&self.start) {
            let before = duty::done(self.look(&self.start), target, operation);
            let Some(Component::Client(client)) = design.components.get(name) else {
                continue;
            };
            let after = duty::done_of(&before, self.look(design), &client.target, operation);
            let mut note = |message: String| {
                let message = format!("for '{operation}' of '{name}', {message}");
                problems.push(Problem::new("components", message));
            };
            for (time, times) in &before.work {
                let left = times_of(&after.work, time).all;
                if left < times.all {
                    note(format!(
                        "work of {} is to be done {}, and is {}: a step of a plan that these requests come to, at once or by way of a queue, has to have this very time",
                        said(time),
                        often(times.all),
                        often(left)
                    ));
                }
            }
            for (query, times) in &before.queries {
                let left = times_of(&after.queries, query);
                if left.all < times.all {
                    note(format!(
                        "the query '{query}' is to be asked {}, and is {}",
                        often(times.all),
                        often(left.all)
                    ));
                } else if self.brief.before_answer.contains(query) && left.before < times.before {
                    note(format!(
                        "the query '{query}' is to be asked before the answer, and is put off"
                    ));
                }
                if after.merged.contains(query) && !self.brief.mergeable.contains(query) {
                    note(format!(
                        "the query '{query}' is to be asked for each request, and a cache that writes behind makes one of several"
                    ));
                }
            }
            problems.extend(self.cheaper(design, &before, &after));
        }
        problems
    }

    /// Queries that would be answered with less than the start takes for them.
    fn cheaper(&self, design: &Scenario, before: &Done, after: &Done) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (place, query) in &after.places {
            let own = before.places.iter().find(|(_, asked)| asked == query);
            let own = own.and_then(|(place, _)| match self.start.components.get(place) {
                Some(Component::Database(database)) => Some(database),
                _ => None,
            });
            // What the start does not ask is free to be asked.
            let Some(own) = own else {
                continue;
            };
            let mut note = |path: String, message: String| {
                problems.push(Problem::new(format!("components.{place}.{path}"), message));
            };
            match design.components.get(place) {
                Some(Component::Database(given)) => {
                    for (path, message) in less(own, given, query) {
                        note(path, message);
                    }
                }
                Some(Component::View(view)) => {
                    let Some(least) = self.brief.prepared.get(query) else {
                        note(
                            "view".to_owned(),
                            format!("'{query}' can't be made ready: a database has to answer it"),
                        );
                        continue;
                    };
                    let time = view.queries.get(query);
                    let time = time.or_else(|| view.queries.get("*"));
                    if time.is_none_or(|time| time.mean_ms() < least.query_ms) {
                        note(
                            "view.queries".to_owned(),
                            format!("'{query}' takes {} ms at least", least.query_ms),
                        );
                    }
                    if view.apply.mean_ms() < least.apply_ms {
                        note(
                            "view.apply".to_owned(),
                            format!("a change takes {} ms at least", least.apply_ms),
                        );
                    }
                }
                _ => note(
                    String::new(),
                    format!("'{query}' has to be answered by a database, or a view"),
                ),
            }
        }
        problems
    }

    /// Machines that are not to be had.
    fn too_good(&self, design: &Scenario) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, component) in &design.components {
            if self.brief.outside.contains(name) {
                continue;
            }
            let mut note = |path: &str, message: String| {
                problems.push(Problem::new(format!("components.{name}.{path}"), message));
            };
            let largest = self.brief.largest;
            match component {
                Component::Service(service) => {
                    if service.workers > largest.workers {
                        note("service.workers", most(largest.workers, "instance"));
                    }
                    let scale = service.autoscale.as_ref();
                    if scale.is_some_and(|scale| scale.warm_up_s < WARM_UP_S) {
                        let message =
                            format!("a new instance takes {WARM_UP_S} s at least to serve");
                        note("service.autoscale.warm_up_s", message);
                    }
                }
                Component::Database(database) => {
                    if database.connections > largest.connections {
                        note("database.connections", most(largest.connections, "node"));
                    }
                    if let Some(replication) = &database.replication {
                        for (field, time, least) in [
                            ("ship", &replication.ship, SHIP_MS),
                            ("apply", &replication.apply, APPLY_MS),
                        ] {
                            if time.mean_ms() < least {
                                let path = format!("database.replication.{field}");
                                note(&path, format!("it takes {least} ms at least"));
                            }
                        }
                    }
                    let outbox = database.outbox.as_ref();
                    if outbox.is_some_and(|outbox| outbox.poll_ms > PUT_OFF_MS) {
                        note("database.outbox.poll_ms", waits());
                    }
                }
                Component::View(view) if view.connections > largest.connections => {
                    note("view.connections", most(largest.connections, "node"));
                }
                Component::Cache(cache) => {
                    let told = cache.invalidation.as_ref();
                    if told.is_some_and(|told| told.delay_ms < TOLD_MS) {
                        let message = format!(
                            "a cache learns of a change {TOLD_MS} ms after it at the earliest"
                        );
                        note("cache.invalidation.delay_ms", message);
                    }
                    if let Mode::WriteBehind {
                        flush_interval_ms, ..
                    } = cache.mode
                        && flush_interval_ms > PUT_OFF_MS
                    {
                        note("cache.mode.write_behind.flush_interval_ms", waits());
                    }
                }
                _ => {}
            }
        }
        problems
    }
}

fn most(count: u32, of: &str) -> String {
    format!("the largest {of} there is has {count}: take several")
}

fn waits() -> String {
    format!("what is put off waits {PUT_OFF_MS} ms at most")
}

fn often(times: u64) -> String {
    match times {
        0 => "not".to_owned(),
        1 => "once".to_owned(),
        times => format!("{times} times"),
    }
}

fn said(time: &Distribution) -> String {
    let name = match time {
        Distribution::Constant { .. } => "constant",
        Distribution::Exponential { .. } => "exponential",
        Distribution::LogNormal { .. } => "log-normal",
        Distribution::Erlang { .. } => "Erlang",
        Distribution::Uniform { .. } => "uniform",
        Distribution::Empirical { .. } => "measured",
    };
    format!("{} ms ({name})", time.mean_ms())
}

/// What a database does with less than another for an operation: by the path in its component.
fn less(own: &Database, given: &Database, query: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut note = |path: &str, message: String| found.push((format!("database.{path}"), message));
    match (duty::answer(own, query), duty::answer(given, query)) {
        (Some(Answer::Query(time)), Some(Answer::Query(other))) => {
            if other != time && other.mean_ms() <= time.mean_ms() {
                note(
                    "queries",
                    format!("'{query}' takes {} as in the start", said(time)),
                );
            }
            if own.is_write(query) && !given.is_write(query) {
                note(
                    "writes",
                    format!("'{query}' changes its row, as in the start"),
                );
            }
        }
        (Some(Answer::Statement(statement)), Some(Answer::Statement(other))) => {
            if !does_the_same(statement, other) {
                let message = format!("'{query}' has to do what it does in the start");
                note("statements", message);
            }
            if own.costs != given.costs {
                note("costs", "they are those of the start".to_owned());
            }
            for (name, table) in &own.tables {
                if given.tables.get(name).is_some_and(|other| other != table) {
                    note("tables", format!("'{name}' is as large as in the start"));
                }
            }
        }
        _ => note(
            "queries",
            format!("'{query}' has to be answered as in the start"),
        ),
    }
    if own.connect != given.connect {
        note("connect", "it is that of the start".to_owned());
    }
    found
}

/// Whether two statements come to the same: how a page is found, whether there is an index, and how a change is kept from going
/// wrong may differ.
fn does_the_same(own: &Statement, other: &Statement) -> bool {
    let mut plain = other.clone();
    match (own, &mut plain) {
        (Statement::Find { indexed, .. }, Statement::Find { indexed: given, .. }) => {
            *given = *indexed;
        }
        (Statement::Page { by, .. }, Statement::Page { by: given, .. }) => *given = *by,
        (
            Statement::Change {
                care,
                retries,
                once,
                or_fail,
                ..
            },
            Statement::Change {
                care: given_care,
                retries: given_retries,
                once: given_once,
                or_fail: given_or_fail,
                ..
            },
        ) => {
            *given_care = *care;
            *given_retries = *retries;
            *given_once = *once;
            *given_or_fail = *or_fail;
        }
        _ => {}
    }
    plain == *own
}
