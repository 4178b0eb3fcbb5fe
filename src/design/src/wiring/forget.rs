//! Taking connections and components away, with all that names them.

use scale_sim::Kind;
use serde_json::{Map, Value};

use super::{names, spread};

/// Which names are to be forgotten.
pub(super) type Gone<'a> = &'a dyn Fn(&str) -> bool;

/// Takes components out of the tree, with all that names them.
pub(super) fn everywhere(tree: &mut Value, gone: Gone<'_>) {
    for key in ["components", "view"] {
        if let Some(map) = tree.get_mut(key).and_then(Value::as_object_mut) {
            map.retain(|name, _| !gone(name));
        }
    }
    let components = tree.get_mut("components").and_then(Value::as_object_mut);
    for component in components.into_iter().flat_map(Map::values_mut) {
        in_component(component, gone);
    }
    for (key, walk) in [
        ("links", names::link as names::Walk),
        ("faults", names::fault),
        ("invariants", names::invariant),
    ] {
        if let Some(list) = tree.get_mut(key).and_then(Value::as_array_mut) {
            list.retain_mut(|entry| !names::any(entry, walk, gone));
        }
    }
}

/// Makes a component forget others: lists lose them, steps that call them are not done any more, and what must name something
/// names nothing yet.
pub(super) fn in_component(component: &mut Value, gone: Gone<'_>) {
    let Some((kind, Some(inner))) = component
        .as_object_mut()
        .and_then(|map| map.iter_mut().next())
        .map(|(kind, inner)| (Kind::named(kind), inner.as_object_mut()))
    else {
        return;
    };
    match kind {
        // A cache that fetched from there still fetches: it waits for another place to do it from.
        Some(Kind::Client | Kind::Gateway | Kind::Cache) => empty(inner, "target", gone),
        Some(Kind::View) => empty(inner, "source", gone),
        Some(Kind::Queue) => remove(inner, &["to", "dead_letters"], gone),
        Some(Kind::Topic) => {
            let groups = inner.get_mut("subscriptions");
            if let Some(groups) = groups.and_then(Value::as_object_mut) {
                groups.retain(|_, group| !is(group.get("to"), gone));
                for group in groups.values_mut().filter_map(Value::as_object_mut) {
                    remove(group, &["dead_letters"], gone);
                }
            }
        }
        Some(Kind::Balancer) => {
            for key in ["targets", "backups"] {
                if let Some(list) = inner.get_mut(key).and_then(Value::as_array_mut) {
                    list.retain(|one| !is(Some(one), gone));
                }
            }
            if let Some(weights) = inner.get_mut("weights").and_then(Value::as_object_mut) {
                weights.retain(|name, _| !gone(name));
            }
        }
        Some(Kind::Shards) => spread::forget(inner, gone),
        Some(Kind::Database) => {
            if is(
                inner.get("outbox").and_then(|outbox| outbox.get("to")),
                gone,
            ) {
                inner.shift_remove("outbox");
            }
        }
        Some(Kind::Service) => {
            let plans = inner.get_mut("plans").and_then(Value::as_object_mut);
            for plan in plans.into_iter().flat_map(Map::values_mut) {
                in_plan(plan, gone);
            }
        }
        Some(Kind::EventStore) | None => {}
    }
}

/// Whether this is a name that is to be forgotten.
pub(super) fn is(name: Option<&Value>, gone: Gone<'_>) -> bool {
    name.and_then(Value::as_str).is_some_and(gone)
}

fn empty(inner: &mut Map<String, Value>, field: &str, gone: Gone<'_>) {
    if is(inner.get(field), gone) {
        inner.insert(field.to_owned(), Value::from(""));
    }
}

fn remove(inner: &mut Map<String, Value>, fields: &[&str], gone: Gone<'_>) {
    for field in fields {
        if is(inner.get(*field), gone) {
            inner.shift_remove(*field);
        }
    }
}

/// Takes the steps that call them out of a plan. What was done when a cache had nothing is then done always.
fn in_plan(plan: &mut Value, gone: Gone<'_>) {
    let Some(steps) = plan.as_array_mut() else {
        return;
    };
    let before = core::mem::take(steps);
    for mut step in before {
        let named = step.as_object_mut().and_then(|map| map.iter_mut().next());
        let Some((what, of)) = named else {
            steps.push(step);
            continue;
        };
        let stays = match what.as_str() {
            "call" => !forgotten(of, gone),
            "invalidate" => !is(of.get("cache"), gone),
            "parallel" => in_parallel(of, gone),
            "transaction" => in_list(of, "branches", |call| forgotten(call, gone)),
            "saga" => in_list(of, "steps", |step| {
                if { step.get_mut("undo") }.is_some_and(|undo| forgotten(undo, gone))
                    && let Some(step) = step.as_object_mut()
                {
                    step.shift_remove("undo");
                }
                step.get_mut("do").is_none_or(|does| forgotten(does, gone))
            }),
            "cached" => {
                if names::any_at(of, "/version/call", names::call, gone)
                    && let Some(of) = of.as_object_mut()
                {
                    of.shift_remove("version");
                }
                if let Some(miss) = of.get_mut("miss") {
                    in_plan(miss, gone);
                }
                let stays = !is(of.get("cache"), gone);
                if !stays && let Some(Value::Array(miss)) = of.get_mut("miss") {
                    steps.append(miss);
                }
                stays
            }
            _ => true,
        };
        if stays {
            steps.push(step);
        }
    }
}

/// Whether a call is to be forgotten; what is done instead of it is mended if not.
fn forgotten(call: &mut Value, gone: Gone<'_>) -> bool {
    if is(call.get("to"), gone) {
        return true;
    }
    if let Some(fallback) = call.get_mut("fallback") {
        let was_empty = is_empty(fallback);
        in_plan(fallback, gone);
        if !was_empty
            && is_empty(fallback)
            && let Some(call) = call.as_object_mut()
        {
            call.shift_remove("fallback");
        }
    }
    false
}

fn is_empty(list: &Value) -> bool {
    list.as_array().is_some_and(Vec::is_empty)
}

/// Takes what is forgotten out of a list. Whether anything is left.
fn in_list(of: &mut Value, key: &str, mut forgotten: impl FnMut(&mut Value) -> bool) -> bool {
    let Some(list) = of.get_mut(key).and_then(Value::as_array_mut) else {
        return true;
    };
    let was_empty = list.is_empty();
    list.retain_mut(|one| !forgotten(one));
    was_empty || !list.is_empty()
}

/// As [`in_list`] for calls made at once. No more answers are waited for than can come.
fn in_parallel(of: &mut Value, gone: Gone<'_>) -> bool {
    let stays = in_list(of, "calls", |call| forgotten(call, gone));
    let calls = of.get("calls").and_then(Value::as_array);
    let times = |call: &Value| call.get("times").and_then(Value::as_u64).unwrap_or(1);
    let width: u64 = calls.into_iter().flatten().map(times).sum();
    at_most(of, "need", width);
    stays
}

/// Lowers a number that is above `most`.
pub(super) fn at_most(of: &mut Value, field: &str, most: u64) {
    if let Some(number) = of.get_mut(field)
        && number.as_u64().is_some_and(|number| number > most.max(1))
    {
        *number = Value::from(most.max(1));
    }
}
