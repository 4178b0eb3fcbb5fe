//! Calls in the plans of a service.

use scale_sim::{Component, Kind, Mode, Scenario, limits};
use serde_json::{Map, Value, json};

use super::writes_behind;

/// Lets each plan of a service call `to` at its end, before what ends it. A cache that is asked (aside) stands before the last
/// call: that is what is done when it has nothing. Where a cache is asked and nothing is done yet when it has nothing, the call is that.
/// What writes goes past such a cache and drops the key. A queue or a topic is told by the plans that write, if some do and some do not:
/// it is for work that can be done later.
pub(super) fn add(plans: &mut Map<String, Value>, scenario: &Scenario, to: &str) {
    let broker = matches!(
        scenario.components.get(to),
        Some(Component::Queue(_) | Component::Topic(_))
    );
    let aside = matches!(scenario.components.get(to), Some(Component::Cache(cache)) if cache.mode == Mode::CacheAside);
    let that_write = plans
        .iter()
        .filter(|(of, plan)| (broker || aside) && writes(of, plan, scenario));
    let that_write: Vec<String> = that_write.map(|(of, _)| of.clone()).collect();
    let some_write = !that_write.is_empty();
    let mut writing: Vec<(String, Value)> = Vec::new();
    for (operation, plan) in plans.iter_mut() {
        let itself = that_write.contains(operation);
        let Some(steps) = plan.as_array_mut() else {
            continue;
        };
        if broker && some_write && !itself {
            continue;
        }
        let asked = if aside {
            ask(steps, scenario, to, 0)
        } else {
            call(steps, to)
        };
        if !asked {
            continue;
        }
        if operation == "*" {
            for write in writes_missed(plan, scenario) {
                writing.push((write, past(plan, scenario)));
            }
        } else if itself {
            writing.push((operation.clone(), past(plan, scenario)));
        }
    }
    for (operation, plan) in writing {
        // A plan of its own that was there already stays if the one for all others is where this one comes from.
        let own = plans.get(&operation);
        if own.is_none_or(|own| past(own, scenario) == plan) {
            plans.insert(operation, plan);
        }
    }
}

/// What is in a step, if it is of this sort.
fn of<'a>(step: &'a Value, what: &str) -> Option<&'a Value> {
    step.get(what)
}

/// Where a plan ends.
fn end(plan: &[Value]) -> usize {
    let ends = |step: &Value| step == "end" || step == "fail" || of(step, "reply").is_some();
    plan.iter().position(ends).unwrap_or(plan.len())
}

/// Adds a call. Whether it is what is done when a cache has nothing.
fn call(plan: &mut Vec<Value>, to: &str) -> bool {
    let step = json!({ "call": { "to": to } });
    if let Some(miss) = empty_miss(plan) {
        miss.push(step);
        return true;
    }
    plan.insert(end(plan), step);
    false
}

/// What is to be done when a cache has nothing, where that is nothing yet.
fn empty_miss(plan: &mut [Value]) -> Option<&mut Vec<Value>> {
    plan.iter_mut().find_map(|step| {
        let miss = step.pointer_mut("/cached/miss")?.as_array_mut()?;
        if miss.is_empty() {
            Some(miss)
        } else {
            empty_miss(miss)
        }
    })
}

/// Asks a cache before the last call. Whether there is one.
fn ask(plan: &mut Vec<Value>, scenario: &Scenario, cache: &str, depth: usize) -> bool {
    let end = end(plan);
    let brokers = [Some(Kind::Queue), Some(Kind::Topic)];
    let is_read = |step: &Value| {
        let to = of(step, "call")
            .filter(|call| call.get("asynchronous") != Some(&Value::Bool(true)))
            .and_then(|call| call.get("to")?.as_str());
        let kind = |to: &str| scenario.components.get(to).map(Component::kind);
        to.is_some_and(|to| !brokers.contains(&kind(to)))
    };
    let can_nest = depth < limits::FALLBACK_DEPTH - 1;
    let last = plan[..end]
        .iter()
        .rposition(|step| is_read(step) || (can_nest && of(step, "cached").is_some()));
    let Some(at) = last else {
        plan.insert(end, json!({ "cached": { "cache": cache, "miss": [] } }));
        return false;
    };
    // Behind a cache that is asked already: when that has nothing.
    if let Some(miss) = plan[at]
        .pointer_mut("/cached/miss")
        .and_then(Value::as_array_mut)
    {
        return ask(miss, scenario, cache, depth + 1);
    }
    let miss = plan[at].take();
    plan[at] = json!({ "cached": { "cache": cache, "miss": [miss] } });
    true
}

/// Operations that write where a plan goes when a cache has nothing.
fn writes_missed(plan: &Value, scenario: &Scenario) -> Vec<String> {
    let mut writes = Vec::new();
    for step in plan.as_array().into_iter().flatten() {
        let Some(miss) = step.pointer("/cached/miss") else {
            continue;
        };
        let mut calls: Vec<&str> = Vec::new();
        called(miss, &mut calls);
        for to in calls {
            for write in writes_behind(scenario, to) {
                if !writes.contains(&write) {
                    writes.push(write);
                }
            }
        }
    }
    writes
}

/// Whether the plan of an operation writes: it calls something by an operation that writes there. A call that names none is for the
/// plan's own.
fn writes(operation: &str, plan: &Value, scenario: &Scenario) -> bool {
    let by_call = |call: &Value| {
        let Some(to) = call.get("to").and_then(Value::as_str) else {
            return false;
        };
        let of = call.get("operation").and_then(Value::as_str);
        let of = of.unwrap_or(operation);
        writes_behind(scenario, to).iter().any(|write| write == of)
    };
    let mut steps = plan.as_array().into_iter().flatten();
    steps.any(|step| {
        let several = step.pointer("/parallel/calls").and_then(Value::as_array);
        step.get("call").is_some_and(by_call)
            || several.into_iter().flatten().any(by_call)
            || step
                .pointer("/cached/miss")
                .is_some_and(|miss| writes(operation, miss, scenario))
    })
}

/// What a plan calls, also when caches have nothing.
fn called<'a>(plan: &'a Value, all: &mut Vec<&'a str>) {
    for step in plan.as_array().into_iter().flatten() {
        if let Some(to) = step.pointer("/call/to").and_then(Value::as_str) {
            all.push(to);
        }
        if let Some(miss) = step.pointer("/cached/miss") {
            called(miss, all);
        }
    }
}

/// The plan of an operation that writes: it goes past the caches and drops the key in them when it is done.
fn past(plan: &Value, scenario: &Scenario) -> Value {
    let mut steps = Vec::new();
    for step in plan.as_array().into_iter().flatten() {
        let Some(miss) = step.pointer("/cached/miss") else {
            steps.push(step.clone());
            continue;
        };
        if let Value::Array(inner) = past(miss, scenario) {
            steps.extend(inner);
        }
        let cache = step.pointer("/cached/cache").and_then(Value::as_str);
        let named = cache.and_then(|name| Some((name, scenario.components.get(name)?)));
        if let Some((name, Component::Cache(cache))) = named
            && !cache.private
        {
            steps.push(json!({ "invalidate": { "cache": name } }));
        }
    }
    Value::Array(steps)
}

/// Whether all plans that ask this cache do nothing but call `to` when it has nothing, so that it can do that itself.
pub(super) fn can_fetch(plans: &Value, cache: &str, to: &str) -> bool {
    let fetch = json!([{ "call": { "to": to } }]);
    match plans {
        Value::Object(map) => {
            let asks = map.get("cache").is_some_and(|name| name == cache);
            let fits = |miss: &Value| *miss == fetch || *miss == json!([]);
            if asks && let Some(miss) = map.get("miss") {
                return fits(miss) && !map.contains_key("version");
            }
            map.values().all(|value| can_fetch(value, cache, to))
        }
        Value::Array(list) => list.iter().all(|value| can_fetch(value, cache, to)),
        _ => true,
    }
}

/// Lets a plan call the cache that it asked.
pub(super) fn ask_directly(plan: &mut Value, cache: &str) {
    match plan {
        Value::Object(map) => {
            if let Some(Value::Object(asked)) = map.get_mut("cached")
                && asked.get("cache").is_some_and(|name| name == cache)
            {
                let mut call = Map::new();
                call.insert("to".to_owned(), Value::from(cache));
                if let Some(resilience) = asked.get_mut("resilience").map(Value::take) {
                    call.insert("resilience".to_owned(), resilience);
                }
                *plan = json!({ "call": call });
                return;
            }
            for value in map.values_mut() {
                ask_directly(value, cache);
            }
        }
        Value::Array(list) => {
            for value in list {
                ask_directly(value, cache);
            }
        }
        _ => {}
    }
}
