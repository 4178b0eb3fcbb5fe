//! The rule of a shard router as shards come and go: ranges, slots and directories say something of each shard.

use serde_json::{Map, Value, json};

use super::forget::{Gone, at_most, is};
use super::names;

/// Slots of Redis Cluster.
const SLOTS: u64 = 16_384;

/// Takes shards away: their keys go to those before them. A change of shards that names them is not made any more.
pub(super) fn forget(inner: &mut Map<String, Value>, gone: Gone<'_>) {
    if { inner.get_mut("reshard") }.is_some_and(|later| names::any(later, names::shards, gone)) {
        inner.shift_remove("reshard");
    }
    let targets = inner.get_mut("targets").and_then(Value::as_array_mut);
    let Some(targets) = targets else { return };
    let went: Vec<bool> = targets.iter().map(|name| is(Some(name), gone)).collect();
    targets.retain(|name| !is(Some(name), gone));
    let first = targets.first().cloned().unwrap_or_else(|| Value::from(""));
    let left = targets.len();
    for rule in ["range", "slots"] {
        // The bound before a shard goes with it. Before the first that is left there is none.
        if let Some(bounds) = bounds(inner, rule)
            && bounds.len() + 1 == went.len()
        {
            let mut any_before = false;
            let mut stays = went.iter().map(|gone| {
                let stays = any_before && !gone;
                any_before |= !gone;
                stays
            });
            stays.next();
            bounds.retain(|_| stays.next().unwrap_or(true));
        }
    }
    if let Some(Value::Object(directory)) = inner
        .get_mut("partitioning")
        .and_then(|rule| rule.get_mut("directory"))
    {
        if let Some(keys) = directory.get_mut("keys").and_then(Value::as_array_mut) {
            keys.retain(|stretch| !is(stretch.get("at"), gone));
        }
        if is(directory.get("default"), gone) {
            directory.insert("default".to_owned(), first);
        }
    }
    fewer(inner, left);
}

/// No more answers are waited for than there are shards.
fn fewer(inner: &mut Map<String, Value>, left: usize) {
    let scatter = inner.get_mut("scatter").and_then(Value::as_object_mut);
    for scatter in scatter.into_iter().flat_map(Map::values_mut) {
        at_most(scatter, "need", left as u64);
    }
}

/// Adds a shard at the end. Of `keys` keys, it takes half of what the last one had, where the rule says who has what.
pub(super) fn add(inner: &mut Map<String, Value>, name: &str, keys: u64) {
    let targets = inner.entry("targets").or_insert_with(|| json!([]));
    let Some(targets) = targets.as_array_mut() else {
        return;
    };
    targets.push(Value::from(name));
    let count = targets.len();
    for (rule, end) in [("range", keys), ("slots", SLOTS)] {
        let Some(bounds) = bounds(inner, rule) else {
            continue;
        };
        // Slots without bounds are spread evenly; and the first shard has no bound.
        if count < 2 || bounds.len() + 2 != count || (rule == "slots" && bounds.is_empty()) {
            continue;
        }
        let last = bounds.last().and_then(Value::as_u64).unwrap_or(0);
        let half = end.saturating_sub(last) / 2;
        let next = last.saturating_add(half.max(1));
        if rule == "slots" && next >= SLOTS {
            bounds.clear();
        } else {
            bounds.push(Value::from(next));
        }
    }
    // A directory that had no shard has one now.
    if let Some(default) = inner
        .get_mut("partitioning")
        .and_then(|rule| rule.pointer_mut("/directory/default"))
        && default == ""
    {
        *default = Value::from(name);
    }
}

fn bounds<'a>(inner: &'a mut Map<String, Value>, rule: &str) -> Option<&'a mut Vec<Value>> {
    let rule = inner.get_mut("partitioning")?.get_mut(rule)?;
    rule.get_mut("bounds")?.as_array_mut()
}
