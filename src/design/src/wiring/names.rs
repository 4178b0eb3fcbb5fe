//! Where a scenario names its components: every such place, and no other. A plan may be called "to" and a step "end", as may a
//! component: so it is the place that tells, not the word.

use scale_sim::Kind;
use serde_json::{Map, Value};

/// A place that names components.
pub(super) enum Place<'a> {
    /// A text is a name.
    Name(&'a mut Value),
    /// The keys are names.
    Keys(&'a mut Map<String, Value>),
}

type Each<'a> = &'a mut dyn FnMut(Place<'_>);
/// A walk to all places of something.
pub(super) type Walk = fn(&mut Value, Each<'_>);

/// All places of a scenario, or of what is copied of one.
pub(super) fn all(tree: &mut Value, each: Each<'_>) {
    for key in ["components", "view"] {
        if let Some(map) = tree.get_mut(key).and_then(Value::as_object_mut) {
            each(Place::Keys(map));
        }
    }
    let components = tree.get_mut("components").and_then(Value::as_object_mut);
    for of in components.into_iter().flat_map(Map::values_mut) {
        component(of, each);
    }
    for (key, entry) in [
        ("links", link as Walk),
        ("faults", fault),
        ("invariants", invariant),
    ] {
        list(tree, key, |of| entry(of, each));
    }
}

/// All places of a component, its own name left out.
pub(super) fn component(component: &mut Value, each: Each<'_>) {
    let Some((kind, inner)) = component
        .as_object_mut()
        .and_then(|map| map.iter_mut().next())
    else {
        return;
    };
    match Kind::named(kind) {
        Some(Kind::Client | Kind::Gateway | Kind::Cache) => fields(inner, &["target"], each),
        Some(Kind::View) => fields(inner, &["source"], each),
        Some(Kind::Queue) => fields(inner, &["to", "dead_letters"], each),
        Some(Kind::Topic) => values(inner, "subscriptions", |of| {
            fields(of, &["to", "dead_letters"], each);
        }),
        Some(Kind::Balancer) => {
            for key in ["targets", "backups"] {
                list(inner, key, |name| each(Place::Name(name)));
            }
            if let Some(weights) = inner.get_mut("weights").and_then(Value::as_object_mut) {
                each(Place::Keys(weights));
            }
        }
        Some(Kind::Shards) => {
            shards(inner, each);
            if let Some(later) = inner.get_mut("reshard") {
                shards(later, each);
            }
        }
        Some(Kind::Database) => {
            if let Some(outbox) = inner.get_mut("outbox") {
                fields(outbox, &["to"], each);
            }
        }
        Some(Kind::Service) => values(inner, "plans", |steps| plan(steps, each)),
        Some(Kind::EventStore) | None => {}
    }
}

/// Shards, at the start or later.
pub(super) fn shards(of: &mut Value, each: Each<'_>) {
    list(of, "targets", |name| each(Place::Name(name)));
    if let Some(directory) = of.pointer_mut("/partitioning/directory") {
        fields(directory, &["default"], each);
        list(directory, "keys", |stretch| fields(stretch, &["at"], each));
    }
}

fn plan(steps: &mut Value, each: Each<'_>) {
    for step in steps.as_array_mut().into_iter().flatten() {
        let parts = step.as_object_mut();
        let Some((what, of)) = parts.and_then(|map| map.iter_mut().next()) else {
            continue;
        };
        match what.as_str() {
            "call" => call(of, each),
            "parallel" => list(of, "calls", |of| call(of, each)),
            "transaction" => list(of, "branches", |of| call(of, each)),
            "saga" => list(of, "steps", |step| {
                for part in ["do", "undo"] {
                    if let Some(of) = step.get_mut(part) {
                        call(of, each);
                    }
                }
            }),
            "cached" => {
                fields(of, &["cache"], each);
                if let Some(of) = of.pointer_mut("/version/call") {
                    call(of, each);
                }
                if let Some(miss) = of.get_mut("miss") {
                    plan(miss, each);
                }
            }
            "invalidate" => fields(of, &["cache"], each),
            _ => {}
        }
    }
}

/// All places of a call.
pub(super) fn call(of: &mut Value, each: Each<'_>) {
    fields(of, &["to"], each);
    if let Some(fallback) = of.get_mut("fallback") {
        plan(fallback, each);
    }
}

/// Both ends of a link.
pub(super) fn link(of: &mut Value, each: Each<'_>) {
    fields(of, &["from", "to"], each);
}

/// What a fault strikes.
pub(super) fn fault(of: &mut Value, each: Each<'_>) {
    values(of, "what", |trouble| {
        fields(trouble, &["component", "client", "from", "to"], each);
    });
}

/// Where an invariant must hold.
pub(super) fn invariant(of: &mut Value, each: Each<'_>) {
    for of in of.as_object_mut().into_iter().flat_map(Map::values_mut) {
        fields(of, &["at", "writes_at"], each);
        for key in ["tables", "steps"] {
            list(of, key, |one| fields(one, &["database"], each));
        }
    }
}

/// Whether `walk` comes to a name of which `gone` is so.
pub(super) fn any(of: &mut Value, walk: Walk, gone: &dyn Fn(&str) -> bool) -> bool {
    let mut found = false;
    walk(of, &mut |place| {
        found |= match place {
            Place::Name(name) => name.as_str().is_some_and(gone),
            Place::Keys(map) => map.keys().any(|name| gone(name)),
        }
    });
    found
}

/// As [`any`] for the part of `of` at a pointer.
pub(super) fn any_at(
    of: &mut Value,
    pointer: &str,
    walk: Walk,
    gone: &dyn Fn(&str) -> bool,
) -> bool {
    { of.pointer_mut(pointer) }.is_some_and(|of| any(of, walk, gone))
}

fn fields(of: &mut Value, keys: &[&str], each: Each<'_>) {
    for key in keys {
        if let Some(name) = of.get_mut(*key).filter(|name| name.is_string()) {
            each(Place::Name(name));
        }
    }
}

fn list(of: &mut Value, key: &str, mut each: impl FnMut(&mut Value)) {
    let list = of.get_mut(key).and_then(Value::as_array_mut);
    for one in list.into_iter().flatten() {
        each(one);
    }
}

fn values(of: &mut Value, key: &str, mut each: impl FnMut(&mut Value)) {
    let map = of.get_mut(key).and_then(Value::as_object_mut);
    for one in map.into_iter().flat_map(Map::values_mut) {
        each(one);
    }
}
