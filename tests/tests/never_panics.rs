//! No file makes the loader or a run panic: it is refused with its problems, each with its place, or it runs.
//!
//! Files are valid ones that were broken at random: as trees (numbers to their extremes, other types, fields missing, doubled or
//! under other names, parts in other places, deep nesting) and as text. `fuzz/` does the same without end, guided by coverage.
#![cfg(not(target_arch = "wasm32"))]

mod systems;

use proptest::prelude::*;
use proptest::sample::Index;
use scale_sim::{Engine, Event, Files, Log, Loss, Model, NoProbe, Recorder, Scenario, Stop, Time};
use scale_tests::{engine, scenario};
use serde_json::{Value, json};
use systems::any_file;

/// The sample scenarios.
fn samples() -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    let files = std::fs::read_dir(folder).expect("there are samples");
    let mut paths: Vec<_> = files.map(|file| file.expect("readable").path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    paths.sort();
    assert!(paths.len() > 10);
    let text = paths
        .iter()
        .map(|path| std::fs::read_to_string(path).expect("readable"));
    text.map(|text| serde_json::from_str(&text).expect("samples are JSON"))
        .collect()
}

/// One way to break a tree.
#[derive(Clone, Debug)]
enum Break {
    /// Something else stands there.
    Replace(Value),
    /// It is gone.
    Remove,
    /// It stands there under another name too.
    Rename(String),
    /// What stands elsewhere stands here too.
    Copy(Index),
    /// It is so many levels further down.
    Bury(usize),
}

fn breaks() -> impl Strategy<Value = Break> {
    let numbers = proptest::sample::select(vec![
        json!(0),
        json!(1),
        json!(-1),
        json!(2),
        json!(0.5),
        json!(-0.0),
        json!(1e-320),
        json!(1e-9),
        json!(1e9),
        json!(1e300),
        json!(f64::MAX),
        json!(f64::MIN),
        json!(f64::MIN_POSITIVE),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(u32::MAX),
        json!(1_u64 << 53),
        json!(999.999),
        json!(10_000),
        json!(100_000),
        json!(1_000_000),
        json!(604_800),
        json!(3_600_000),
    ]);
    let others = proptest::sample::select(vec![
        json!(null),
        json!(true),
        json!(""),
        json!("x"),
        json!("*"),
        json!("front"),
        json!("db-1"),
        json!("\u{0}é→😀"),
        json!([]),
        json!({}),
        json!([[]]),
        json!({"constant": {"mean_ms": 0}}),
        json!("a".repeat(10_000)),
    ]);
    let names = proptest::sample::select(vec![
        "",
        "x",
        "users-1",
        "work",
        "call",
        "version",
        "timeout_ms",
        "client",
        "crash",
        "é",
    ]);
    prop_oneof![
        6 => numbers.prop_map(Break::Replace),
        2 => others.prop_map(Break::Replace),
        2 => Just(Break::Remove),
        1 => names.prop_map(|name| Break::Rename(name.to_owned())),
        2 => any::<Index>().prop_map(Break::Copy),
        1 => (1..300_usize).prop_map(Break::Bury),
    ]
}

/// All places in a tree, as JSON pointers.
fn places(value: &Value, here: String, all: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(value, format!("{here}/{name}"), all);
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                places(value, format!("{here}/{at}"), all);
            }
        }
        _ => {}
    }
    all.push(here);
}

fn broken(mut tree: Value, breaks: Vec<(Index, Break)>) -> Value {
    for (at, how) in breaks {
        let mut all = Vec::new();
        places(&tree, String::new(), &mut all);
        let place = &all[at.index(all.len())];
        let elsewhere = match &how {
            Break::Copy(from) => tree.pointer(&all[from.index(all.len())]).cloned(),
            _ => None,
        };
        let (above, name) = place.rsplit_once('/').unwrap_or(("", ""));
        match how {
            Break::Remove | Break::Rename(_) => {
                let here = tree.pointer(place).cloned().unwrap_or_default();
                match tree.pointer_mut(above) {
                    Some(Value::Object(fields)) => {
                        fields.remove(name);
                        if let Break::Rename(name) = how {
                            fields.insert(name, here);
                        }
                    }
                    Some(Value::Array(items)) => {
                        if let Ok(at) = name.parse::<usize>() {
                            items.remove(at);
                        }
                    }
                    _ => {}
                }
            }
            how => {
                let Some(here) = tree.pointer_mut(place) else {
                    continue;
                };
                *here = match (how, elsewhere) {
                    (Break::Replace(value), _) | (_, Some(value)) => value,
                    (Break::Bury(depth), _) => {
                        (0..depth).fold(here.take(), |inner, _| json!([inner]))
                    }
                    _ => continue,
                };
            }
        }
    }
    tree
}

/// It is refused with problems that say something, or a run of it comes to an end without panic.
fn refused_or_run(
    scenario: Result<Scenario, Vec<scale_sim::Problem>>,
) -> Result<(), TestCaseError> {
    match scenario.and_then(|scenario| Ok((Model::new(&scenario, &Files::new())?, scenario))) {
        Err(problems) => {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                prop_assert!(!problem.message.is_empty());
            }
        }
        Ok((model, scenario)) => {
            let horizon = model.horizon();
            let recorder = Recorder::new(&model);
            let mut engine = Engine::new(model.into(), recorder).with_budget(2_000);
            engine.run_until(Time::from_secs(horizon.secs() / 2.0));
            // What a settings panel does to a run.
            engine
                .reconfigure(&scenario, &Files::new())
                .expect("it is the same");
            engine.run_until(horizon);
            let totals = engine.totals();
            prop_assert_eq!(
                totals.sent,
                totals.completed + totals.lost + totals.under_way
            );
            let _ = engine.probe().summary();
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn broken_trees(
        sample in any::<Index>(),
        file in proptest::option::of(any_file()),
        breaks in proptest::collection::vec((any::<Index>(), breaks()), 0..4),
    ) {
        let samples = samples();
        let tree = file.unwrap_or_else(|| samples[sample.index(samples.len())].clone());
        let tree = broken(tree, breaks);
        refused_or_run(Scenario::from_value(&tree))?;
    }

    #[test]
    fn broken_text(
        sample in any::<Index>(),
        cuts in proptest::collection::vec((any::<Index>(), any::<Index>(), "[\\[\\]{}\",:0-9a-z.eE+-]{0,4}"), 1..5),
    ) {
        let samples = samples();
        let mut text: String = serde_json::to_string(&samples[sample.index(samples.len())]).expect("plain data");
        for (from, length, put) in cuts {
            let from = from.index(text.len());
            let to = (from + length.index(40)).min(text.len());
            if text.is_char_boundary(from) && text.is_char_boundary(to) {
                text.replace_range(from..to, &put);
            }
        }
        refused_or_run(Scenario::from_json(&text))?;
    }
}

#[test]
fn all_closed_loops_together_have_only_so_many_users() {
    // Each user is planned from the start: hundreds of such clients would fill the memory before anything happens.
    let client = |name: &str, users: u32| {
        format!(
            r#""{name}":{{"client":{{"operation":"x","target":"db","arrivals":{{"closed":{{"users":{users},"think_time":{{"constant":{{"mean_ms":9}}}}}}}}}}}}"#
        )
    };
    let text = format!(
        r#"{{"version":1,"horizon_s":1,"components":{{{},{},"db":{{"database":{{"connections":1,"queries":{{"*":{{"constant":{{"mean_ms":1}}}}}}}}}}}}}}"#,
        client("a", 600_000),
        client("b", 400_001)
    );
    let problems = Scenario::from_json(&text).expect_err("too many");
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0]
            .to_string()
            .contains("at most 1000000 are allowed"),
        "{problems:?}"
    );
    assert!(Scenario::from_json(&text.replace("400001", "400000")).is_ok());
}

#[test]
fn a_long_line_can_fail_all_at_once() {
    // Whoever gets the server fails at once, and so on down the line: no recursion may be as deep as the line is long.
    let components = r#""users": { "client": { "operation": "x", "target": "shop", "arrivals": { "constant": { "rate_per_s": 100000 } } } },
        "shop": { "service": { "workers": 1, "plans": { "*": [ { "work": { "constant": { "mean_ms": 1 } } } ] } } }"#;
    let mut scenario = scenario(0, 3.0, 0.0, components);
    let fault = r#"{"what":{"errors":{"component":"shop","share":1}},"at_s":2}"#;
    scenario
        .faults
        .push(scale_sim::read_json(fault).expect("a fault"));
    let mut engine = engine(&scenario, NoProbe);
    assert_eq!(engine.run_until(Time::from_secs(3.0)), Stop::Reached);
    assert!(engine.totals().lost > 250_000, "{:?}", engine.totals());
}

#[test]
fn who_crashes_while_its_answer_is_under_way_answers_once() {
    // The wire back keeps the crashed frame; its work and its call come to an end after it has given up its server.
    let components = r#""users": { "client": { "operation": "x", "target": "shop", "arrivals": { "constant": { "rate_per_s": 10 } } } },
        "shop": { "service": { "workers": 4, "plans": { "*": [ { "call": { "to": "db" } }, { "work": { "constant": { "mean_ms": 30 } } } ] } } },
        "db": { "database": { "connections": 4, "queries": { "*": { "constant": { "mean_ms": 20 } } } } }"#;
    let mut scenario = scenario(0, 2.0, 0.0, components);
    for (from, to) in [("users", "shop"), ("shop", "db")] {
        let link =
            format!(r#"{{"from":"{from}","to":"{to}","latency":{{"constant":{{"mean_ms":50}}}}}}"#);
        scenario
            .links
            .push(scale_sim::read_json(&link).expect("a link"));
    }
    let fault = r#"{"what":{"crash":{"component":"shop"}},"at_s":1,"for_s":0.01}"#;
    scenario
        .faults
        .push(scale_sim::read_json(fault).expect("a fault"));
    let mut engine = engine(&scenario, (Log::default(), Crashed::default()));
    engine.run_until(Time::from_secs(2.0));
    assert_eq!(
        engine.probe().1.0,
        2,
        "one at work, one that waits for its answer"
    );
    let (log, _) = engine.probe_mut();
    assert_eq!(
        log.take().matches(",lost,users,crashed at shop.1").count(),
        2
    );
}

/// Counts who was lost to a crash.
#[derive(Clone, Debug, Default)]
struct Crashed(u32);

impl scale_sim::Probe for Crashed {
    fn event(&mut self, _: &Model, _: Time, _: scale_sim::RequestRef, event: &Event) {
        if let Event::Lost {
            reason: Loss::Crashed,
            ..
        } = event
        {
            self.0 += 1;
        }
    }
}
