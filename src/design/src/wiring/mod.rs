//! Who calls whom: what can be connected, and how a component names what it calls.
//!
//! A connection is no thing of its own in a scenario: it is a client's target, a call in a service's plan, a queue's consumer. To
//! connect two components is to write that down where the kind of the first one has it.

mod forget;
mod names;
mod plan;
mod spread;

use std::collections::{BTreeMap, BTreeSet};

use scale_sim::{
    Component, Database, Kind, Mode, ReadModel, Scenario, Service, StreamOperation, limits,
};
use serde_json::{Map, Value, json};

use names::Place;

/// The connections of a scenario: each pair of names once, in the order of the components. A view is connected to what it
/// follows.
pub fn connections(scenario: &Scenario) -> Vec<(&str, &str)> {
    let known: BTreeSet<&str> = scenario.components.keys().map(String::as_str).collect();
    let mut all: Vec<(&str, &str)> = Vec::new();
    for (name, component) in &scenario.components {
        let mut seen = BTreeSet::new();
        for to in component.targets() {
            if known.contains(to) && seen.insert(to) {
                all.push((name, to));
            }
        }
    }
    all
}

/// Why `from` cannot be connected to `to`; nothing if it can. Who asks for many asks [`Wiring`].
pub fn refusal(scenario: &Scenario, from: &str, to: &str) -> Option<String> {
    Wiring::new(scenario).refusal(scenario, from, to)
}

/// Who calls whom in a scenario, ready to be asked often.
pub struct Wiring {
    places: BTreeMap<String, usize>,
    names: Vec<String>,
    calls: Vec<Vec<usize>>,
}

impl Wiring {
    /// Of this scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let names: Vec<String> = scenario.components.keys().cloned().collect();
        let numbered = names.iter().enumerate();
        let places = numbered.map(|(at, name)| (name.clone(), at)).collect();
        let mut wiring = Self {
            places,
            calls: vec![Vec::new(); names.len()],
            names,
        };
        for (name, component) in &scenario.components {
            // What follows a store is not called by it, and does not call it for a request.
            if component.kind() != Kind::View {
                for to in component.targets() {
                    wiring.add(name, to);
                }
            }
        }
        wiring
    }

    pub(crate) fn add(&mut self, from: &str, to: &str) {
        if let (Some(from), Some(to)) = (self.places.get(from), self.places.get(to))
            && !self.calls[*from].contains(to)
        {
            self.calls[*from].push(*to);
        }
    }

    /// Why `from` cannot be connected to `to` in `scenario`, of which this is; nothing if it can.
    pub fn refusal(&self, scenario: &Scenario, from: &str, to: &str) -> Option<String> {
        let all = &scenario.components;
        let (Some(first), Some(second)) = (all.get(from), all.get(to)) else {
            return Some("One of the two is not there any more.".to_owned());
        };
        if from == to {
            return Some("A component cannot call itself.".to_owned());
        }
        let follows = matches!(second, Component::View(view) if view.source == from)
            && matches!(first, Component::Database(_) | Component::EventStore(_));
        if follows || first.targets().contains(&to) {
            return Some("They are connected already.".to_owned());
        }
        let refused = by_kind(first, second).or_else(|| match first {
            Component::Cache(cache) if cache.mode == Mode::CacheAside => asked(scenario, from, to),
            _ => None,
        });
        refused.or_else(|| {
            if first.kind() == Kind::View {
                return None;
            }
            let back = self.way(to, from)?;
            let round: Vec<&str> = core::iter::once(from).chain(back).collect();
            Some(format!(
                "The calls would go round: {}. A request must come to an end.",
                round.join(" → ")
            ))
        })
    }

    /// The components on a way of calls from one to another, both included; nothing if there is none.
    fn way(&self, from: &str, to: &str) -> Option<Vec<&str>> {
        let (from, to) = (*self.places.get(from)?, *self.places.get(to)?);
        let mut back: Vec<Option<usize>> = vec![None; self.names.len()];
        let mut seen = vec![from];
        let mut at = 0;
        back[from] = Some(from);
        while let Some(&here) = seen.get(at) {
            if here == to {
                let mut found = vec![self.names[here].as_str()];
                let mut here = here;
                while here != from {
                    here = back[here].unwrap_or(from);
                    found.push(&self.names[here]);
                }
                found.reverse();
                return Some(found);
            }
            for next in &self.calls[here] {
                if back[*next].is_none() {
                    back[*next] = Some(here);
                    seen.push(*next);
                }
            }
            at += 1;
        }
        None
    }
}

fn by_kind(first: &Component, second: &Component) -> Option<String> {
    let no = |why: &str| Some(why.to_owned());
    let (from, to) = (first.kind(), second.kind());
    match (first, second) {
        (_, Component::Client(_)) => no("A client sends requests and takes none."),
        (Component::View(view), source) | (source, Component::View(view))
            if from == Kind::View || matches!(from, Kind::Database | Kind::EventStore) =>
        {
            by_source(view, source)
        }
        (Component::EventStore(_), _) => {
            no("An event store calls nobody: let a view follow it, and ask that.")
        }
        (Component::Database(database), Component::Queue(_) | Component::Topic(_)) => {
            writes_of(database).is_empty().then(|| {
                "A database leaves messages (an outbox) for its writes: say first which of its operations write."
                    .to_owned()
            })
        }
        (Component::Database(_), _) => no(
            "A database calls nobody. Its writes can leave messages for a queue or a topic, and a view can follow it.",
        ),
        (Component::Shards(_), _) if to != Kind::Database => {
            no("A shard router leads to databases, each with its part of the keys.")
        }
        (Component::Queue(_) | Component::Topic(_), _) if to != Kind::Service => {
            no("Messages go to a service, whose instances work on them.")
        }
        (Component::Balancer(_), _) => by_balancer(second),
        (_, Component::Service(service))
            if service.most_instances() > 1 && !matches!(from, Kind::Queue | Kind::Topic) =>
        {
            Some(format!(
                "There are {} copies: put a balancer in front of them and connect that.",
                service.most_instances()
            ))
        }
        (_, Component::Cache(cache))
            if from != Kind::Service && cache.mode == Mode::CacheAside =>
        {
            no(FETCHES_NOTHING)
        }
        _ => None,
    }
}

const FETCHES_NOTHING: &str = "This cache fetches nothing itself (mode cache aside): let a service ask it, or connect it to what it fetches from first.";

/// Why a view cannot follow this.
fn by_source(view: &ReadModel, source: &Component) -> Option<String> {
    match source {
        Component::EventStore(_) => None,
        Component::Database(database) if database.replication.is_some() => Some(
            "A view cannot follow a database with replicas: a failover may lose writes.".to_owned(),
        ),
        Component::Database(database) => followed(view, database).is_none().then(|| {
            format!(
                "A view follows a table of at most {} rows, and this database has none: give it one, with statements that write to it.",
                limits::STREAMS
            )
        }),
        _ => Some(
            "A view follows the changes of a database or an event store, and calls nobody."
                .to_owned(),
        ),
    }
}

/// The table that a view follows in a database: its own if it is there, else the first that can be followed.
fn followed<'a>(view: &ReadModel, database: &'a Database) -> Option<&'a String> {
    let mut fit = database
        .tables
        .iter()
        .filter(|(_, table)| table.rows <= limits::STREAMS);
    let own = fit
        .clone()
        .find(|(name, _)| Some(*name) == view.table.as_ref());
    own.or_else(|| fit.next()).map(|(name, _)| name)
}

/// Why a balancer cannot choose this.
fn by_balancer(second: &Component) -> Option<String> {
    let no = |why: &str| Some(why.to_owned());
    match second {
        Component::Cache(cache) if cache.mode == Mode::CacheAside => no(FETCHES_NOTHING),
        Component::Cache(cache) if cache.private => {
            no("This cache belongs to its users: a balancer cannot choose it.")
        }
        Component::Database(database)
            if database.replication.is_some()
                || database.connect.is_some()
                || database.disconnect.is_some()
                || database.pool.is_some() =>
        {
            no(
                "This database has replicas or sets up connections, and its callers choose among its nodes: connect them directly.",
            )
        }
        Component::Balancer(_) | Component::Queue(_) | Component::Topic(_) => no(
            "A balancer chooses among services, databases, gateways and caches, which answer themselves.",
        ),
        _ => None,
    }
}

/// Why a cache that services ask beside what they do cannot fetch from `to` itself: they would do it once more.
fn asked(scenario: &Scenario, cache: &str, to: &str) -> Option<String> {
    let tree = |service: &Service| serde_json::to_value(&service.plans).unwrap_or_default();
    let asks = scenario
        .components
        .iter()
        .find(|(_, component)| match component {
            Component::Service(service) if service.called().any(|name| name == cache) => {
                !plan::can_fetch(&tree(service), cache, to)
            }
            _ => false,
        });
    asks.map(|(name, _)| {
        format!("'{name}' asks this cache and fetches itself what is missing: connect '{name}' there instead.")
    })
}

/// The operations of a database that write.
fn writes_of(database: &Database) -> Vec<String> {
    let statements = database.statements.iter();
    let writing = statements.filter(|(_, statement)| statement.writes());
    let names = writing.map(|(operation, _)| operation.clone());
    database.writes.iter().cloned().chain(names).collect()
}

/// The operations by name that write at a component, or behind it.
fn writes_behind(scenario: &Scenario, name: &str) -> Vec<String> {
    let wiring = Wiring::new(scenario);
    let mut seen = vec![name];
    let mut at = 0;
    let mut writes: Vec<String> = Vec::new();
    while let Some(here) = seen.get(at).copied() {
        let found = match scenario.components.get(here) {
            Some(Component::Database(database)) => writes_of(database),
            Some(Component::EventStore(store)) => { store.operations.iter() }
                .filter(|(_, does)| matches!(does, StreamOperation::Append { .. }))
                .map(|(operation, _)| operation.clone())
                .collect(),
            _ => Vec::new(),
        };
        for operation in found {
            if operation != "*" && !writes.contains(&operation) {
                writes.push(operation);
            }
        }
        if let Some(place) = wiring.places.get(here) {
            for next in &wiring.calls[*place] {
                let next = wiring.names[*next].as_str();
                if let Some((next, _)) = scenario.components.get_key_value(next)
                    && !seen.contains(&next.as_str())
                {
                    seen.push(next);
                }
            }
        }
        at += 1;
    }
    writes
}

/// What becomes of a connection.
#[derive(Default)]
pub(crate) struct Connected {
    /// What was called before and is not any more, where a component calls one only.
    pub replaced: Option<String>,
    /// Which components are not as before.
    pub changed: Vec<String>,
}

/// Connects two components in the tree of `scenario`. Where the first can have one only, the new takes the place of the old.
///
/// # Errors
///
/// As [`refusal`]; then nothing is changed.
pub(crate) fn connect(
    tree: &mut Value,
    scenario: &Scenario,
    from: &str,
    to: &str,
) -> Result<Connected, String> {
    match refusal(scenario, from, to) {
        Some(why) => Err(why),
        None => Ok(wire(tree, scenario, from, to)),
    }
}

/// What [`wire`] would replace.
pub(crate) fn replaces<'a>(scenario: &'a Scenario, from: &str, to: &str) -> Option<&'a str> {
    let (first, second) = (scenario.components.get(from)?, scenario.components.get(to)?);
    let named = match (first, second) {
        (Component::Database(_) | Component::EventStore(_), Component::View(view))
        | (Component::View(view), _) => &view.source,
        (Component::Client(client), _) => &client.target,
        (Component::Gateway(gateway), _) => &gateway.target,
        (Component::Cache(cache), _) => cache.target.as_ref()?,
        (Component::Queue(queue), _) => queue.to.as_ref()?,
        (Component::Database(database), _) => &database.outbox.as_ref()?.to,
        _ => return None,
    };
    (!named.is_empty()).then_some(named)
}

/// Connects two components between which nothing is refused.
pub(crate) fn wire(tree: &mut Value, scenario: &Scenario, from: &str, to: &str) -> Connected {
    let replaced = replaces(scenario, from, to).map(str::to_owned);
    let kind = |name: &str| scenario.components.get(name).map(Component::kind);
    let stores = [Some(Kind::Database), Some(Kind::EventStore)];
    // It is the view that names what it follows.
    let turned = kind(to) == Some(Kind::View) && stores.contains(&kind(from));
    let (from, to) = if turned { (to, from) } else { (from, to) };
    let mut changed = vec![from.to_owned()];
    let name = || Value::from(to);
    let Some((first, inner)) = kind(from).and_then(|kind| Some((kind, inner(tree, from, kind)?)))
    else {
        return Connected::default();
    };
    match first {
        Kind::Client | Kind::Gateway => {
            inner.insert("target".to_owned(), name());
        }
        Kind::View => {
            inner.insert("source".to_owned(), name());
            if let (Some(Component::View(view)), source) =
                (scenario.components.get(from), scenario.components.get(to))
            {
                let table = match source {
                    Some(Component::Database(database)) => followed(view, database),
                    _ => None,
                };
                match table {
                    Some(table) => inner.insert("table".to_owned(), Value::from(table.as_str())),
                    None => inner.shift_remove("table"),
                };
            }
        }
        Kind::Queue => {
            inner.insert("to".to_owned(), name());
        }
        Kind::Cache => {
            inner.insert("target".to_owned(), name());
            if { inner.get("mode") }.is_none_or(|mode| mode == "cache_aside") {
                inner.insert("mode".to_owned(), Value::from("read_through"));
                let writes = writes_behind(scenario, to);
                if !writes.is_empty() {
                    inner.insert("writes".to_owned(), json!(writes));
                }
                changed.extend(ask_directly(tree, scenario, from));
            }
        }
        Kind::Balancer => {
            let targets = inner.entry("targets").or_insert_with(|| json!([]));
            if let Some(targets) = targets.as_array_mut() {
                targets.push(name());
            }
        }
        Kind::Shards => spread::add(inner, to, keys(scenario)),
        Kind::Topic => {
            let groups = inner.entry("subscriptions").or_insert_with(|| json!({}));
            if let Some(groups) = groups.as_object_mut() {
                let group = free(to, |name| !groups.contains_key(name));
                groups.insert(group, json!({ "to": to }));
            }
        }
        Kind::Database => {
            let fresh = || {
                let operations = match &scenario.components[from] {
                    Component::Database(database) => writes_of(database),
                    _ => Vec::new(),
                };
                json!({ "operations": operations, "to": to, "poll_ms": 100, "batch": 20 })
            };
            let outbox = inner.entry("outbox").or_insert_with(fresh);
            match outbox.as_object_mut() {
                Some(outbox) => drop(outbox.insert("to".to_owned(), name())),
                // It is written that there is none.
                None => *outbox = fresh(),
            }
        }
        Kind::Service => {
            if let Some(plans) = inner.get_mut("plans").and_then(Value::as_object_mut) {
                plan::add(plans, scenario, to);
            }
        }
        Kind::EventStore => {}
    }
    Connected { replaced, changed }
}

/// Lets those who asked a cache beside what they do call it, for it fetches itself from now on. Their names.
fn ask_directly(tree: &mut Value, scenario: &Scenario, cache: &str) -> Vec<String> {
    let mut changed = Vec::new();
    for (name, component) in &scenario.components {
        if let Component::Service(service) = component
            && service.called().any(|called| called == cache)
            && let Some(plans) = inner(tree, name, Kind::Service)
                .and_then(|inner| inner.get_mut("plans"))
                .and_then(Value::as_object_mut)
        {
            for plan in plans.values_mut() {
                plan::ask_directly(plan, cache);
            }
            changed.push(name.clone());
        }
    }
    changed
}

/// How many keys clients ask for.
fn keys(scenario: &Scenario) -> u64 {
    let asked = scenario
        .components
        .values()
        .map(|component| match component {
            Component::Client(client) => { client.keys.as_ref() }.map_or(1, scale_sim::Keys::count),
            _ => 0,
        });
    asked.max().unwrap_or(0)
}

/// What a component is made of, inside the name of its kind.
fn inner<'a>(tree: &'a mut Value, name: &str, kind: Kind) -> Option<&'a mut Map<String, Value>> {
    let component = tree.get_mut("components")?.get_mut(name)?;
    component.get_mut(kind.name())?.as_object_mut()
}

/// A name like `wanted` that is free.
pub(crate) fn free(wanted: &str, is_free: impl Fn(&str) -> bool) -> String {
    if is_free(wanted) {
        return wanted.to_owned();
    }
    // A name that ends with a number is counted on.
    let stem = wanted.trim_end_matches(|c: char| c.is_ascii_digit());
    let stem = stem.strip_suffix('-').filter(|stem| !stem.is_empty());
    let stem: String = stem.unwrap_or(wanted).chars().take(34).collect();
    let mut numbers = 2_u32..;
    loop {
        let name = format!("{stem}-{}", numbers.next().unwrap_or_default());
        if is_free(&name) {
            return name;
        }
    }
}

/// Takes the connection away.
pub(crate) fn disconnect(tree: &mut Value, from: &str, to: &str) {
    let components = tree.get_mut("components").and_then(Value::as_object_mut);
    if let Some(components) = components {
        if let Some(component) = components.get_mut(from) {
            forget::in_component(component, &|name| name == to);
        }
        // It is the view that names what it follows.
        if let Some(view) = components.get_mut(to).filter(|of| of.get("view").is_some()) {
            forget::in_component(view, &|name| name == from);
        }
    }
    let is_between = |link: &Value| {
        link.get("from").and_then(Value::as_str) == Some(from)
            && link.get("to").and_then(Value::as_str) == Some(to)
    };
    if let Some(links) = tree.get_mut("links").and_then(Value::as_array_mut) {
        links.retain(|link| !is_between(link));
    }
}

/// Takes components out of the tree, with all that names them.
pub(crate) fn remove(tree: &mut Value, gone: &dyn Fn(&str) -> bool) {
    forget::everywhere(tree, gone);
}

/// Makes a component forget others.
pub(crate) fn forget(component: &mut Value, gone: &dyn Fn(&str) -> bool) {
    forget::in_component(component, gone);
}

/// Gives components other names, wherever they are named, in a scenario or in what was copied of one. What `called` has no
/// name for keeps its own.
pub(crate) fn rename(tree: &mut Value, called: &dyn Fn(&str) -> Option<String>) {
    names::all(tree, &mut |place| match place {
        Place::Name(name) => {
            if let Some(after) = name.as_str().and_then(called) {
                *name = Value::from(after);
            }
        }
        Place::Keys(map) => {
            if map.keys().any(|name| called(name).is_some()) {
                // Each stays at its place.
                let before = core::mem::take(map);
                map.extend(before.into_iter().map(|(name, value)| {
                    let after = called(&name).unwrap_or(name);
                    (after, value)
                }));
            }
        }
    });
}
