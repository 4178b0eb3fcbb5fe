//! What a client's requests are about: operations, keys, users.

use std::collections::BTreeSet;

use scale_design::{Change, Edit, below};
use scale_sim::{Arrivals, Client, Keys};
use serde_json::{Value, json};
use yew::prelude::*;

use super::super::deed::Deed;
use super::super::inspector::inputs::{NumberInput, TextInput};
use super::super::words::number;
use super::field::{Fields, id, select};
use super::mix::{self, Shares};
use crate::icon::{Sign, icon};

/// What a client asks for.
pub fn asks(fields: &Fields, name: &str, client: &Client) -> Html {
    html! {
        <div class="traffic-asks">
            <section><h4>{ "What it asks for" }</h4>{ operations(fields, name, client) }</section>
            <section><h4>{ "Which keys" }</h4>{ keys(fields, name, client) }</section>
            <section><h4>{ "Who asks" }</h4>{ users(fields, name, client) }</section>
        </div>
    }
}

/// All operations that something in the design answers by name.
pub fn known(tree: &Value) -> Vec<String> {
    let components = tree.get("components").and_then(Value::as_object);
    let inner = components.into_iter().flat_map(|all| all.values());
    let inner = inner.filter_map(|component| component.as_object()?.values().next());
    let plans = inner.flat_map(|component| {
        ["plans", "queries", "operations"]
            .into_iter()
            .filter_map(|part| component.get(part)?.as_object())
    });
    let names: BTreeSet<&String> = plans
        .flat_map(|plans| plans.keys())
        .filter(|name| *name != "*")
        .collect();
    names.into_iter().cloned().collect()
}

fn operations(fields: &Fields, name: &str, client: &Client) -> Html {
    let shares = mix::shares(client);
    let known = known(fields.design.tree());
    let set = {
        let (fields, name, client) = (fields.clone(), name.to_owned(), client.clone());
        move |shares: &Shares, going_on: Option<String>| {
            let edit = Edit::Change(mix::changes(&name, &client, shares));
            fields.act.emit(match going_on {
                Some(going_on) => Deed::GoOn(edit, going_on),
                None => Deed::Edit(edit),
            });
        }
    };
    let most = 100.0 - mix::LEAST * (shares.len().max(1) - 1) as f64;
    let row = |(i, (operation, share)): (usize, &(String, f64))| {
        let on_text = {
            let (shares, set, act) = (shares.clone(), set.clone(), fields.act.clone());
            Callback::from(move |text: String| match mix::renamed(&shares, i, &text) {
                Ok(renamed) => set(&renamed, None),
                Err(why) => act.emit(Deed::Refuse(why)),
            })
        };
        let on_number = {
            let (shares, set, name) = (shares.clone(), set.clone(), name.to_owned());
            Callback::from(move |value: Option<f64>| {
                if let Some(value) = value {
                    set(
                        &mix::with_share(&shares, i, value),
                        Some(format!("share-{name}-{i}")),
                    );
                }
            })
        };
        let remove = {
            let (shares, set) = (shares.clone(), set.clone());
            Callback::from(move |_: MouseEvent| set(&mix::without(&shares, i), None))
        };
        let own = id(&format!("{name}-operation-{i}"));
        let alone = shares.len() == 1;
        html! {
            <li key={format!("{i}-{operation}")}>
                <TextInput id={own.clone()} value={operation.clone()} known={known.clone()} label={format!("Operation {}", i + 1)} {on_text} />
                if !alone {
                    <NumberInput id={format!("{own}-share")} value={*share} whole={false} min={mix::LEAST} max={most} optional={false} described="" invalid={false}
                        label={format!("Share of {operation}, in percent")} {on_number} />
                    <span class="traffic-unit">{ "%" }</span>
                    <button class="button quiet" aria-label={format!("Remove {operation}")} onclick={remove}>{ icon(Sign::Cross) }</button>
                }
            </li>
        }
    };
    let add = {
        let (shares, known, set) = (shares.clone(), known.clone(), set.clone());
        Callback::from(move |_: MouseEvent| {
            let another = mix::another(&shares, &known);
            set(&mix::with(&shares, &another), None);
        })
    };
    let part = |(i, (operation, share)): (usize, &(String, f64))| {
        let style = format!("width:{share:.2}%;background:var(--shade-{})", i % 8);
        html! { <span ~style={style} title={format!("{operation}: {} %", number(*share))}></span> }
    };
    html! {
        <>
            if shares.len() > 1 { <div class="shares" aria-hidden="true">{ for shares.iter().enumerate().map(part) }</div> }
            <ul class="operations">{ for shares.iter().enumerate().map(row) }</ul>
            <button class="button" onclick={add}>{ "Add an operation" }</button>
        </>
    }
}

/// The ways in which keys are asked for.
const LAWS: [(&str, &str); 6] = [
    ("none", "All the same key"),
    ("uniform", "Every key alike"),
    ("zipf", "Some far more often (Zipf)"),
    ("hot_set", "A hot set and the rest"),
    ("tenants", "Large and small tenants"),
    ("sequential", "One after the other"),
];

fn keys(fields: &Fields, name: &str, client: &Client) -> Html {
    let now = client.keys.as_ref();
    let law = match now {
        None => "none",
        Some(Keys::Uniform { .. }) => "uniform",
        Some(Keys::Zipf { .. }) => "zipf",
        Some(Keys::HotSet { .. }) => "hot_set",
        Some(Keys::Tenants { .. }) => "tenants",
        Some(Keys::Sequential { .. }) => "sequential",
    };
    let on_choose = {
        let (act, name) = (fields.act.clone(), name.to_owned());
        let had = now.is_some();
        // As many keys as there were.
        let count = now.map_or(10_000, |keys| {
            keys.count().min(scale_sim::limits::KEYS) as u32
        });
        Callback::from(move |law: String| {
            let at = below(&below(&below("/components", &name), "client"), "keys");
            let change = match of(&law, count) {
                Some(keys) => Change::set(at, json!(keys)),
                None if had => Change::remove(at),
                None => return,
            };
            act.emit(Deed::Edit(Edit::Change(vec![change])));
        })
    };
    let path = |part: &str| format!("components.{name}.client.keys.{law}.{part}");
    let whole =
        |part: &str, label: &str, value: u32| fields.number(&path(part), label, "", value.into());
    let exponent = |value: f64| {
        fields.number(
            &path("exponent"),
            "Exponent",
            "0 is even, 1 is usual",
            value,
        )
    };
    let numbers = match *now.unwrap_or(&Keys::Uniform { count: 1 }) {
        _ if now.is_none() => html! {},
        Keys::Uniform { count } | Keys::Sequential { count } => whole("count", "Keys", count),
        Keys::Zipf {
            count,
            exponent: uneven,
            ..
        } => html! { <>{ whole("count", "Keys", count) }{ exponent(uneven) }</> },
        Keys::HotSet {
            count,
            hot_count,
            hot_share,
            ..
        } => html! {
            <>
                { whole("count", "Keys", count) }
                { whole("hot_count", "Hot keys", hot_count) }
                { fields.number(&path("hot_share"), "Their share", "0 to 1", hot_share) }
            </>
        },
        Keys::Tenants {
            tenants,
            exponent: uneven,
            keys_each,
            ..
        } => html! {
            <>
                { whole("tenants", "Tenants", tenants) }
                { whole("keys_each", "Keys of each", keys_each) }
                { exponent(uneven) }
            </>
        },
    };
    let options = LAWS.map(|(value, words)| (value.to_owned(), words.to_owned()));
    html! {
        <>
            <div class="traffic-fields">{ select("Keys are asked for", &options, law, on_choose) }{ numbers }</div>
            if let Some(keys) = now { { hottest(keys) } }
        </>
    }
}

/// Keys by a law, about so many.
fn of(law: &str, count: u32) -> Option<Keys> {
    let (exponent, scatter) = (0.9, true);
    Some(match law {
        "uniform" => Keys::Uniform { count },
        "sequential" => Keys::Sequential { count },
        "zipf" => Keys::Zipf {
            count,
            exponent,
            scatter,
        },
        "hot_set" => Keys::HotSet {
            count: count.max(2),
            hot_count: (count / 100).max(1),
            hot_share: 0.8,
            scatter,
        },
        "tenants" => Keys::Tenants {
            tenants: (count / 100).max(1),
            exponent,
            keys_each: 100.min(count),
            scatter,
        },
        _ => return None,
    })
}

/// How much of the traffic the hottest keys get.
fn hottest(keys: &Keys) -> Html {
    let row = |many: u64| {
        let share = keys.share_of_hottest(many) * 100.0;
        let words = if many == 1 {
            "The hottest key".to_owned()
        } else {
            format!("The hottest {many}")
        };
        let digits = if share >= 9.95 { 1.0 } else { 100.0 };
        html! {
            <li><span>{ words }</span><span class="hot-bar" aria-hidden="true"><span ~style={format!("width:{share:.2}%")}></span></span>
                <b>{ format!("{} %", number((share * digits).round() / digits)) }</b></li>
        }
    };
    let some = [1, 10, 100]
        .into_iter()
        .filter(|many| *many == 1 || *many <= keys.count());
    html! { <ul class="hottest" aria-label="Share of the requests">{ for some.map(row) }</ul> }
}

fn users(fields: &Fields, name: &str, client: &Client) -> Html {
    if matches!(client.arrivals, Arrivals::Closed { .. }) {
        return html! { <p class="quiet">{ "The users of the closed loop." }</p> };
    }
    let path = format!("components.{name}.client.users");
    let value = client.users.map(f64::from);
    html! {
        <>
            <div class="traffic-fields">{ fields.optional(&path, "Users", "", value, "one for each request") }</div>
            <p class="quiet">{ "Each as likely as the others. It matters where users stick to an instance or have limits of their own." }</p>
        </>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_law_can_be_chosen_with_any_count() {
        for (law, _) in LAWS {
            for count in [1, 2, 50, 10_000, scale_sim::limits::KEYS as u32] {
                let Some(keys) = of(law, count) else {
                    assert_eq!(law, "none");
                    continue;
                };
                let scenario = json!({
                    "version": 1, "horizon_s": 60, "components": {
                        "u": { "client": { "target": "a", "operation": "read", "keys": keys, "arrivals": { "poisson": { "rate_per_s": 1 } } } },
                        "a": { "service": { "workers": 1, "plans": { "read": [{ "work": { "constant": { "mean_ms": 1 } } }] } } }
                    }
                });
                let scenario: scale_sim::Scenario =
                    serde_json::from_value(scenario).expect("of the form of a scenario");
                assert!(
                    scenario.problems().is_empty(),
                    "{law} of {count}: {:?}",
                    scenario.problems()
                );
            }
        }
    }

    #[test]
    fn operations_are_known_by_who_answers_them() {
        let tree = json!({ "components": {
            "a": { "service": { "plans": { "read": [], "*": [] } } },
            "d": { "database": { "queries": { "scan": {}, "read": {} } } },
            "u": { "client": {} }
        } });
        assert_eq!(known(&tree), ["read", "scan"]);
    }
}
