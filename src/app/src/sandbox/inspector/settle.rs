//! Names in something new: of those that there are, the ones with which the checks find least wrong.

use scale_sim::{Scenario, from_json_value};
use serde_json::Value;

use super::change::{Change, below};
use super::form::At;
use super::fresh::Around;
use super::schema::{Node, Shape};

/// So many names are tried for one place.
const TRIED: usize = 60;

/// A name in a new value that could be another.
struct Name {
    /// Which of the changes it is in.
    change: usize,
    /// Where it is within the value.
    pointer: String,
    /// What it could be.
    others: Vec<String>,
}

/// `changes`, with the names in what they set that fit best.
pub fn settled(design: &Value, changes: Vec<Change>, within: Option<&str>) -> Vec<Change> {
    let around = Around::of(design, within);
    let mut names = Vec::new();
    for (i, change) in changes.iter().enumerate() {
        if let Change::Set { pointer, value } = change
            && let Some(node) = place(pointer)
        {
            let before = names.len();
            gather(node, value, String::new(), &around, &mut names);
            for name in &mut names[before..] {
                name.change = i;
            }
        }
    }
    let mut best = changes;
    let Some(mut wrong) = wrong(design, &best) else {
        return best;
    };
    for Name {
        change,
        pointer,
        others,
    } in names
    {
        for other in others.into_iter().take(TRIED) {
            if wrong == 0 {
                return best;
            }
            let mut changes = best.clone();
            if let Some(Change::Set { value, .. }) = changes.get_mut(change)
                && let Some(name) = value.pointer_mut(&pointer)
            {
                *name = other.into();
            }
            if let Some(now) = self::wrong(design, &changes)
                && now < wrong
            {
                (best, wrong) = (changes, now);
            }
        }
    }
    best
}

/// What may be at a pointer, which may be the end of a list.
fn place(pointer: &str) -> Option<Node> {
    let Some(list) = pointer.strip_suffix("/-") else {
        return Some(At::pointer(pointer)?.node);
    };
    match At::pointer(list)?.node.shape() {
        Shape::List { of, .. } => Some(of),
        _ => None,
    }
}

/// How much is wrong after these changes; `None` if the design would lose its form.
fn wrong(design: &Value, changes: &[Change]) -> Option<usize> {
    let mut tree = design.clone();
    if !changes.iter().all(|change| change.apply(&mut tree)) {
        return None;
    }
    let scenario: Scenario = from_json_value(&tree).ok()?;
    Some(scenario.problems().len())
}

fn gather(node: Node, value: &Value, pointer: String, around: &Around, names: &mut Vec<Name>) {
    match value {
        Value::String(name) if matches!(node.shape(), Shape::Text) => {
            let known = around.referable(node.name);
            let known = known.map(|known| known.into_iter().map(|(name, _)| name).collect());
            let mut others: Vec<String> = known.unwrap_or_else(|| around.known(node.name).to_vec());
            others.retain(|other| other != name);
            if !others.is_empty() {
                names.push(Name {
                    change: 0,
                    pointer,
                    others,
                });
            }
        }
        Value::Array(list) => {
            for (i, item) in list.iter().enumerate() {
                let part = i.to_string();
                if let Some(node) = node.step(&part) {
                    gather(node, item, below(&pointer, &part), around, names);
                }
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                if let Some(node) = node.step(name) {
                    gather(node, value, below(&pointer, name), around, names);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_with_which_nothing_is_wrong_is_found() {
        let design = json!({ "version": 1, "horizon_s": 10, "components": {
            "users": { "client": { "operation": "buy", "target": "shop", "arrivals": { "constant": { "rate_per_s": 1 } } } },
            "shop": { "service": { "workers": 1, "plans": { "*": [{ "work": { "constant": { "mean_ms": 1 } } }] } } },
            "other": { "service": { "workers": 1, "plans": { "sell": [{ "call": { "to": "shop" } }] } } },
            "db": { "database": { "connections": 1, "queries": { "*": { "constant": { "mean_ms": 1 } } } } } } });
        // A call to the client cannot be, nor one of "buy" to who only sells, nor one that comes back.
        let call = |to: &str| {
            let step = json!({ "call": { "to": to } });
            vec![Change::set("/components/shop/service/plans/*/-", step)]
        };
        assert_eq!(settled(&design, call("users"), Some("shop")), call("db"));
        assert_eq!(settled(&design, call("db"), Some("shop")), call("db"));
        let removed = vec![Change::remove("/components/db")];
        assert_eq!(settled(&design, removed.clone(), None), removed);
    }
}
