//! Who calls whom: what can be connected, and how a component names what it calls.
//!
//! A connection is no thing of its own in a scenario: it is a client's target, a call in a service's plan, a queue's consumer. To
//! connect two components is to write that down where the kind of the first one has it.

use scale_sim::{Cache, Component, Kind, Mode, Scenario};
use serde_json::{Map, Value, json};

/// The fields whose text names a component.
const NAMES: [&str; 11] = [
    "target",
    "to",
    "cache",
    "source",
    "from",
    "component",
    "client",
    "dead_letters",
    "at",
    "database",
    "writes_at",
];
/// The fields whose list names components.
const LISTS: [&str; 2] = ["targets", "backups"];

/// The connections of a scenario: each pair of names once, in the order of the components. A view is connected to what it
/// follows.
pub fn connections(scenario: &Scenario) -> Vec<(&str, &str)> {
    let mut all: Vec<(&str, &str)> = Vec::new();
    for (name, component) in &scenario.components {
        let first = all.len();
        for to in component.targets() {
            let known = scenario.components.contains_key(to);
            if known && !all[first..].contains(&(name.as_str(), to)) {
                all.push((name, to));
            }
        }
    }
    all
}

/// Why `from` cannot be connected to `to`; nothing if it can.
pub fn refusal(scenario: &Scenario, from: &str, to: &str) -> Option<String> {
    let (Some(first), Some(second)) = (scenario.components.get(from), scenario.components.get(to))
    else {
        return Some("One of the two is not there any more.".to_owned());
    };
    if from == to {
        return Some("A component cannot call itself.".to_owned());
    }
    if first.targets().contains(&to) {
        return Some("They are connected already.".to_owned());
    }
    by_kind(first, second).or_else(|| {
        let back = way(scenario, to, from)?;
        let round: Vec<&str> = core::iter::once(from).chain(back).collect();
        Some(format!(
            "The calls would go round: {}. A request must come to an end.",
            round.join(" → ")
        ))
    })
}

fn by_kind(first: &Component, second: &Component) -> Option<String> {
    let follows = |kind| matches!(kind, Kind::Database | Kind::EventStore);
    let (from, to) = (first.kind(), second.kind());
    let no = |why: &str| Some(why.to_owned());
    match (from, to) {
        (_, Kind::Client) => no("A client sends requests and takes none."),
        (Kind::View, to) if !follows(to) => {
            no("A view follows the changes of a database or an event store, and calls nobody.")
        }
        (Kind::View, _) | (Kind::Database | Kind::EventStore, Kind::View) => None,
        (Kind::EventStore, _) => {
            no("An event store calls nobody: let a view follow it, and ask that.")
        }
        (Kind::Database, Kind::Queue | Kind::Topic) => match first {
            Component::Database(database) if !database.writes.is_empty() => None,
            _ => no(
                "A database leaves messages (an outbox) for its writes: say first which of its operations write.",
            ),
        },
        (Kind::Database, _) => no(
            "A database calls nobody. Its writes can leave messages for a queue or a topic, and a view can follow it.",
        ),
        (Kind::Shards, to) if !matches!(to, Kind::Database) => {
            no("A shard router leads to databases, each with its part of the keys.")
        }
        (from, _) if !spreads(from) && copies(second) > 1 => Some(format!(
            "There are {} copies: put a balancer in front of them and connect that.",
            copies(second)
        )),
        (from, Kind::Cache) if from != Kind::Service && is_aside(second) => no(
            "This cache fetches nothing itself (mode cache aside): let a service ask it, or connect it to what it fetches from first.",
        ),
        _ => None,
    }
}

/// Whether a component of this kind chooses among copies itself.
fn spreads(kind: Kind) -> bool {
    matches!(kind, Kind::Balancer | Kind::Queue | Kind::Topic)
}

fn copies(component: &Component) -> u32 {
    match component {
        Component::Service(service) => service.most_instances(),
        _ => 1,
    }
}

fn is_aside(component: &Component) -> bool {
    matches!(component, Component::Cache(cache) if matches!(**cache, Cache { mode: Mode::CacheAside, .. }))
}

/// The components on a way of calls from one to another, both included; nothing if there is none.
fn way<'a>(scenario: &'a Scenario, from: &'a str, to: &str) -> Option<Vec<&'a str>> {
    let mut seen: Vec<&str> = vec![from];
    // By position in `seen`: how one came there.
    let mut back: Vec<usize> = vec![0];
    let mut at = 0;
    while at < seen.len() {
        if seen[at] == to {
            let mut found = vec![seen[at]];
            while at > 0 {
                at = back[at];
                found.push(seen[at]);
            }
            found.reverse();
            return Some(found);
        }
        let component = scenario.components.get(seen[at]);
        // What follows a store is not called by it.
        let calls = component.filter(|component| component.kind() != Kind::View);
        for next in calls.map(Component::targets).unwrap_or_default() {
            if !seen.contains(&next) {
                seen.push(next);
                back.push(at);
            }
        }
        at += 1;
    }
    None
}

/// Connects two components in the tree of `scenario`. Where the first can have one only, the new takes the place of the old; its
/// name is returned then.
///
/// # Errors
///
/// As [`refusal`].
pub(crate) fn connect(
    tree: &mut Value,
    scenario: &Scenario,
    from: &str,
    to: &str,
) -> Result<Option<String>, String> {
    if let Some(why) = refusal(scenario, from, to) {
        return Err(why);
    }
    let kind = |name: &str| scenario.components.get(name).map(Component::kind);
    let (first, second) = (kind(from), kind(to));
    let (from, to, first) = match second {
        // It is the view that names what it follows.
        Some(Kind::View) if matches!(first, Some(Kind::Database | Kind::EventStore)) => {
            (to, from, second)
        }
        _ => (from, to, first),
    };
    let Some(first) = first else { return Ok(None) };
    let Some(inner) = inner(tree, from, first) else {
        return Ok(None);
    };
    let name = Value::from(to);
    let mut replaced = None;
    let mut set = |inner: &mut Map<String, Value>, field: &str| {
        let before = inner.insert(field.to_owned(), name.clone());
        let before = before.and_then(|before| before.as_str().map(str::to_owned));
        replaced = before.filter(|before| !before.is_empty());
    };
    match first {
        Kind::Client | Kind::Gateway => set(inner, "target"),
        Kind::View => set(inner, "source"),
        Kind::Queue => set(inner, "to"),
        Kind::Cache => {
            set(inner, "target");
            let aside = |mode: &Value| mode == "cache_aside";
            if inner.get("mode").is_none_or(aside) {
                inner.insert("mode".to_owned(), Value::from("read_through"));
            }
        }
        Kind::Balancer | Kind::Shards => {
            let targets = inner.entry("targets").or_insert_with(|| json!([]));
            if let Some(targets) = targets.as_array_mut() {
                targets.push(name);
            }
        }
        Kind::Topic => {
            let subscriptions = inner.entry("subscriptions").or_insert_with(|| json!({}));
            if let Some(subscriptions) = subscriptions.as_object_mut() {
                subscriptions.insert(
                    free(to, |name| !subscriptions.contains_key(name)),
                    json!({ "to": to }),
                );
            }
        }
        Kind::Database => {
            let operations = inner.get("writes").cloned().unwrap_or_default();
            let outbox = json!({ "operations": operations, "to": to, "poll_ms": 100, "batch": 20 });
            inner.insert("outbox".to_owned(), outbox);
        }
        Kind::Service => {
            let aside = scenario.components.get(to).is_some_and(is_aside);
            let plans = inner.get_mut("plans").and_then(Value::as_object_mut);
            for plan in plans.into_iter().flat_map(Map::values_mut) {
                if let Some(plan) = plan.as_array_mut() {
                    call(plan, to, aside);
                }
            }
        }
        Kind::EventStore => {}
    }
    Ok(replaced)
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

/// Adds a call at the end of a plan, before what ends it. A cache that is asked stands before the last call: that is what is done
/// when it has nothing.
fn call(plan: &mut Vec<Value>, to: &str, aside: bool) {
    let ends = |step: &Value| step == "end" || step == "fail" || step.get("reply").is_some();
    let end = plan.iter().position(ends).unwrap_or(plan.len());
    if !aside {
        plan.insert(end, json!({ "call": { "to": to } }));
        return;
    }
    let last = plan[..end]
        .iter()
        .rposition(|step| step.get("call").is_some());
    match last {
        Some(at) => {
            let miss = plan[at].take();
            plan[at] = json!({ "cached": { "cache": to, "miss": [miss] } });
        }
        None => plan.insert(end, json!({ "cached": { "cache": to, "miss": [] } })),
    }
}

/// Takes the connection away.
pub(crate) fn disconnect(tree: &mut Value, from: &str, to: &str) {
    if let Some(component) = tree.get_mut("components").and_then(|all| all.get_mut(from)) {
        forget(component, to);
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
pub(crate) fn remove(tree: &mut Value, names: &[&str]) {
    for name in names {
        for key in ["components", "view"] {
            if let Some(map) = tree.get_mut(key).and_then(Value::as_object_mut) {
                map.shift_remove(*name);
            }
        }
        let components = tree.get_mut("components").and_then(Value::as_object_mut);
        for component in components.into_iter().flat_map(Map::values_mut) {
            forget(component, name);
        }
        for key in ["links", "faults", "invariants"] {
            if let Some(list) = tree.get_mut(key).and_then(Value::as_array_mut) {
                list.retain(|entry| !mentions(entry, name));
            }
        }
    }
}

/// Whether anything in there names the component.
fn mentions(value: &Value, name: &str) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, value)| match value {
            Value::String(text) => NAMES.contains(&key.as_str()) && text == name,
            Value::Array(list) if LISTS.contains(&key.as_str()) => {
                list.iter().any(|one| one == name)
            }
            value => mentions(value, name),
        }),
        Value::Array(list) => list.iter().any(|one| mentions(one, name)),
        _ => false,
    }
}

/// Makes a component forget another: lists lose it, steps that call it are not done any more, and what must name something names
/// nothing yet.
fn forget(component: &mut Value, name: &str) {
    let Some((kind, Some(inner))) = component
        .as_object_mut()
        .and_then(|map| map.iter_mut().next())
        .map(|(kind, inner)| (kind.clone(), inner.as_object_mut()))
    else {
        return;
    };
    let is = |value: Option<&Value>| value.and_then(Value::as_str) == Some(name);
    match Kind::named(&kind) {
        Some(Kind::Client | Kind::Gateway) if is(inner.get("target")) => {
            inner.insert("target".to_owned(), Value::from(""));
        }
        Some(Kind::View) if is(inner.get("source")) => {
            inner.insert("source".to_owned(), Value::from(""));
        }
        Some(Kind::Cache) if is(inner.get("target")) => {
            inner.shift_remove("target");
            // What fetches nothing any more is asked beside.
            inner.shift_remove("mode");
        }
        Some(Kind::Queue) => {
            for field in ["to", "dead_letters"] {
                if is(inner.get(field)) {
                    inner.shift_remove(field);
                }
            }
        }
        Some(Kind::Topic) => {
            let subscriptions = inner
                .get_mut("subscriptions")
                .and_then(Value::as_object_mut);
            if let Some(subscriptions) = subscriptions {
                subscriptions.retain(|_, subscription| !is(subscription.get("to")));
                for subscription in subscriptions.values_mut().filter_map(Value::as_object_mut) {
                    if is(subscription.get("dead_letters")) {
                        subscription.shift_remove("dead_letters");
                    }
                }
            }
        }
        Some(Kind::Balancer | Kind::Shards) => {
            for field in LISTS {
                if let Some(list) = inner.get_mut(field).and_then(Value::as_array_mut) {
                    list.retain(|one| one.as_str() != Some(name));
                }
            }
            if let Some(weights) = inner.get_mut("weights").and_then(Value::as_object_mut) {
                weights.shift_remove(name);
            }
            if inner
                .get("reshard")
                .is_some_and(|reshard| mentions(reshard, name))
            {
                inner.shift_remove("reshard");
            }
        }
        Some(Kind::Database)
            if inner
                .get("outbox")
                .is_some_and(|outbox| is(outbox.get("to"))) =>
        {
            inner.shift_remove("outbox");
        }
        Some(Kind::Service) => {
            let plans = inner.get_mut("plans").and_then(Value::as_object_mut);
            for plan in plans.into_iter().flat_map(Map::values_mut) {
                if let Some(plan) = plan.as_array_mut() {
                    forget_in_plan(plan, name);
                }
            }
        }
        _ => {}
    }
}

/// Takes the steps that call a component out of a plan. What was done when a cache had nothing is then done always.
fn forget_in_plan(plan: &mut Vec<Value>, name: &str) {
    let is = |value: Option<&Value>| value.and_then(Value::as_str) == Some(name);
    let mut left = Vec::with_capacity(plan.len());
    for mut step in plan.drain(..) {
        if step.get("call").is_some_and(|call| is(call.get("to")))
            || step.get("invalidate").is_some_and(|of| is(of.get("cache")))
        {
            continue;
        }
        if let Some(cached) = step.get_mut("cached").and_then(Value::as_object_mut) {
            if cached
                .get("version")
                .is_some_and(|version| mentions(version, name))
            {
                cached.shift_remove("version");
            }
            if let Some(miss) = cached.get_mut("miss").and_then(Value::as_array_mut) {
                forget_in_plan(miss, name);
                if is(cached.get("cache")) {
                    let miss = cached.get_mut("miss").map(Value::take);
                    left.extend(
                        miss.and_then(|miss| match miss {
                            Value::Array(steps) => Some(steps),
                            _ => None,
                        })
                        .into_iter()
                        .flatten(),
                    );
                    continue;
                }
            }
        }
        if let Some(fallback) = step
            .pointer_mut("/call/fallback")
            .and_then(Value::as_array_mut)
        {
            forget_in_plan(fallback, name);
        }
        for (place, to) in [
            ("/parallel/calls", "/to"),
            ("/transaction/branches", "/to"),
            ("/saga/steps", "/do/to"),
        ] {
            if let Some(list) = step.pointer_mut(place).and_then(Value::as_array_mut) {
                list.retain(|one| !is(one.pointer(to)));
                for one in list.iter_mut().filter_map(Value::as_object_mut) {
                    if one.get("undo").is_some_and(|undo| is(undo.get("to"))) {
                        one.shift_remove("undo");
                    }
                    if let Some(fallback) = one.get_mut("fallback").and_then(Value::as_array_mut) {
                        forget_in_plan(fallback, name);
                    }
                }
            }
        }
        let emptied = ["/parallel/calls", "/transaction/branches", "/saga/steps"];
        let emptied = emptied.iter().any(|place| {
            let list = step.pointer(place).and_then(Value::as_array);
            list.is_some_and(Vec::is_empty)
        });
        if !emptied {
            left.push(step);
        }
    }
    *plan = left;
}

/// Gives a component another name, wherever it is named.
pub(crate) fn rename(value: &mut Value, before: &str, after: &str) {
    for key in ["components", "view"] {
        if let Some(map) = value.get_mut(key).and_then(Value::as_object_mut) {
            rename_key(map, before, after);
        }
    }
    rename_named(value, before, after);
}

/// Gives a key another name, at its place.
fn rename_key(map: &mut Map<String, Value>, before: &str, after: &str) {
    if map.contains_key(before) {
        let old = core::mem::take(map);
        map.extend(old.into_iter().map(|(key, value)| {
            let key = if key == before { after.to_owned() } else { key };
            (key, value)
        }));
    }
}

pub(crate) fn rename_named(value: &mut Value, before: &str, after: &str) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Value::String(text) if NAMES.contains(&key.as_str()) && text == before => {
                        after.clone_into(text);
                    }
                    Value::Array(list) if LISTS.contains(&key.as_str()) => {
                        for one in list.iter_mut().filter(|one| *one == before) {
                            *one = Value::from(after);
                        }
                    }
                    Value::Object(weights) if key == "weights" => {
                        rename_key(weights, before, after);
                    }
                    value => rename_named(value, before, after),
                }
            }
        }
        Value::Array(list) => {
            for one in list {
                rename_named(one, before, after);
            }
        }
        _ => {}
    }
}

/// The names in `value` that name other components than those of `names` are forgotten in it.
pub(crate) fn forget_others(component: &mut Value, others: &[&str]) {
    for name in others {
        forget(component, name);
    }
}
