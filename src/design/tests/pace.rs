//! How designs are laid out, and how long edits of large ones take.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use common::{edited, scenarios};
use scale_design::wiring::{Wiring, connections, refusal};
use scale_design::{Change, Design, Edit, History};
use scale_sim::Kind;
use serde_json::{Map, Value, json};

/// So many services in columns of ten, each of which calls so many of the next column.
fn large(count: usize, calls: usize) -> Design {
    let mut components = Map::new();
    let mut view = Map::new();
    components.insert(
        "users".to_owned(),
        json!({ "client": { "operation": "buy", "target": "s0", "arrivals": { "poisson": { "rate_per_s": 10 } } } }),
    );
    for n in 0..count - 1 {
        let next = (n / 10 + 1) * 10;
        let mut plan = vec![json!({ "work": { "exponential": { "mean_ms": 5 } } })];
        for to in (next..count - 1).skip(n % 10).take(calls) {
            plan.push(json!({ "call": {
                "to": format!("s{to}"), "resilience": { "timeout_ms": 500 }
            } }));
        }
        let service = json!({ "service": { "workers": 8, "queue": 100, "plans": { "*": plan } } });
        components.insert(format!("s{n}"), service);
        view.insert(
            format!("s{n}"),
            json!({ "label": format!("Service {n}"), "at": [n / 10, n % 10] }),
        );
    }
    let tree = json!({ "version": 1, "horizon_s": 10, "components": components, "view": view });
    Design::new(tree, Vec::new()).expect("of the form of a scenario")
}

/// No two at one place, and calls to the right where they do not go round.
fn is_laid_out(design: &Design, at: &str) {
    let names: Vec<&String> = design.scenario().components.keys().collect();
    let mut places: Vec<[f64; 2]> = names.iter().map(|name| design.at(name)).collect();
    let mut wires = Vec::new();
    let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, to) in connections(design.scenario()) {
        let follows = design.kind(name) == Some(Kind::View);
        let (left, right) = if follows { (to, name) } else { (name, to) };
        wires.push((left, right));
        next.entry(left).or_default().push(right);
    }
    for (left, right) in wires {
        let flows = design.at(left)[0] < design.at(right)[0];
        assert!(
            flows || leads(&next, right, left),
            "{at}: {left} and {right}"
        );
    }
    let count = places.len();
    places.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    places.dedup();
    assert_eq!(places.len(), count, "{at}");
    for [column, row] in places {
        assert!(
            (0.0..=100.0).contains(&column) && (0.0..=100.0).contains(&row),
            "{at}"
        );
        assert!(
            (column * 8.0).fract() == 0.0 && (row * 8.0).fract() == 0.0,
            "{at}"
        );
    }
}

/// Whether one comes from `from` to `to`.
fn leads(next: &BTreeMap<&str, Vec<&str>>, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(here) = open.pop() {
        for there in next.get(here).into_iter().flatten() {
            if seen.insert(there) {
                open.push(there);
            }
        }
    }
    seen.contains(to)
}

#[test]
fn what_is_arranged_flows_to_the_right() {
    for (at, tree) in scenarios() {
        if let Ok(design) = Design::new(tree, Vec::new()) {
            is_laid_out(&edited(&design, &Edit::Arrange), &at);
        }
    }
    let cases = [
        (
            "a chain",
            large_of(500, |n| if n + 1 < 500 { vec![n + 1] } else { vec![] }),
        ),
        (
            "a star",
            large_of(500, |n| if n == 0 { (1..500).collect() } else { vec![] }),
        ),
        ("nothing", large_of(500, |_| vec![])),
        ("a round", large_of(30, |n| vec![(n + 1) % 30])),
        (
            "a round with a tail",
            large_of(30, |n| vec![if n == 9 { 0 } else { (n + 1) % 30 }]),
        ),
        (
            "a tree",
            large_of(500, |n| {
                (2 * n + 1..2 * n + 3).filter(|n| *n < 500).collect()
            }),
        ),
        (
            "two ways",
            large_of(4, |n| [vec![1, 2], vec![3], vec![3], vec![]][n].clone()),
        ),
    ];
    for (what, design) in cases {
        is_laid_out(&edited(&design, &Edit::Arrange), what);
    }
}

/// Gateways and services without problems of form, connected as told.
fn large_of(count: usize, calls: impl Fn(usize) -> Vec<usize>) -> Design {
    let mut components = Map::new();
    for n in 0..count {
        let plan: Vec<Value> = { calls(n).into_iter() }
            .map(|to| json!({ "call": { "to": format!("s{to}") } }))
            .collect();
        let service = json!({ "service": { "workers": 8, "plans": { "*": plan } } });
        components.insert(format!("s{n}"), service);
    }
    let tree = json!({ "version": 1, "horizon_s": 10, "components": components });
    Design::new(tree, Vec::new()).expect("of the form of a scenario")
}

#[test]
fn calls_do_not_cross_where_that_is_easy() {
    // Two chains side by side, named across.
    let design = large_of(6, |n| {
        [vec![3], vec![2], vec![5], vec![4], vec![], vec![]][n].clone()
    });
    let design = edited(&design, &Edit::Arrange);
    let row = |name: &str| design.at(name)[1];
    assert!((row("s0") < row("s1")) == (row("s3") < row("s2")));
    assert!((row("s3") < row("s2")) == (row("s4") < row("s5")));
}

#[test]
fn five_hundred_are_arranged_soon() {
    let design = large(500, 4);
    let begun = Instant::now();
    let arranged = edited(&design, &Edit::Arrange);
    let took = begun.elapsed();
    println!("arranged 500 in {took:?}");
    // It takes some 20 ms in a build for debugging.
    assert!(took < Duration::from_secs(1), "{took:?}");
    is_laid_out(&arranged, "five hundred");
}

/// The median of some.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[test]
fn edits_of_a_large_design_are_quick_and_their_history_is_small() {
    let design = large(200, 2);
    assert!(connections(design.scenario()).len() > 370);
    assert!(design.problems().is_empty(), "{:?}", design.problems());
    let mut history = History::new(design.clone());
    let mut times = Vec::new();
    for n in 0..200 {
        let name = format!("s{}", n % 199);
        let edit = match n % 4 {
            0 => Edit::Move {
                names: vec![name],
                by: [0.125, 0.25],
            },
            1 => {
                let pointer = format!("/components/{name}/service/workers");
                Edit::Change(vec![Change::set(pointer, 20 + n)])
            }
            2 => common::rename(&name, &format!("Renamed {n}")),
            _ => Edit::Place {
                kind: Kind::Queue,
                at: None,
                after: None,
            },
        };
        let edit = match (&edit, design.kind(&format!("s{}", n % 199))) {
            (Edit::Rename { .. }, None) => Edit::Arrange,
            _ => edit,
        };
        let begun = Instant::now();
        history.apply(&edit, None).expect("it can be done");
        times.push(begun.elapsed());
    }
    let took = median(times);
    let begun = Instant::now();
    for _ in 0..200 {
        history.undo().expect("200 steps");
    }
    let undone = begun.elapsed() / 200;
    println!("an edit took {took:?}, an undo {undone:?}");
    assert_eq!(*history.now(), design);
    // Some 10 ms in a build for debugging, 1 to 2 in one for release.
    assert!(took < Duration::from_millis(200), "{took:?}");
    assert!(undone < Duration::from_millis(200), "{undone:?}");
}

#[test]
fn what_can_be_connected_is_known_for_all_at_once() {
    let design = large(200, 2);
    let scenario = design.scenario();
    let begun = Instant::now();
    let wiring = Wiring::new(scenario);
    let names: Vec<&String> = scenario.components.keys().collect();
    let from = "s100";
    let all: Vec<Option<String>> = { names.iter() }
        .map(|to| wiring.refusal(scenario, from, to))
        .collect();
    let took = begun.elapsed();
    println!("200 refusals in {took:?}");
    assert!(took < Duration::from_millis(500), "{took:?}");
    for (to, why) in names.iter().zip(all).step_by(7) {
        assert_eq!(refusal(scenario, from, to), why);
    }
}
