//! A scenario that names a component in every way there is, and all scenarios of the repository.

mod common;

use common::{delete, edited, mentions, problems, rename, scenarios};
use scale_capacity::{Objective, Slos};
use scale_design::{Design, Edit, History, USUAL, file, link};
use scale_sim::{Engine, Files, Kind, Log, Model, Time, parse_json};
use serde_json::{Map, Value, json};

/// Each component is named in several ways. Names of operations, tables and groups are the same as those of components
/// where that is allowed: they are no names of components.
fn everything() -> Design {
    let call = |to: &str| json!({ "call": { "to": to } });
    let work = json!({ "work": { "constant": { "mean_ms": 1 } } });
    let database = json!({ "database": {
        "connections": 4, "tables": { "stock": { "rows": 1000, "value": 5 } },
        "statements": {
            "get": { "read": { "table": "stock" } },
            "end": { "change": { "table": "stock", "by": -1, "care": "atomic_update" } },
            "undo": { "change": { "table": "stock", "by": 1, "care": "atomic_update" } } }
    } });
    let mut orders = database.clone();
    orders["database"]["outbox"] = json!({ "operations": ["end"], "to": "feed" });
    let mut tree = json!({
        "version": 1, "title": "shop", "seed": 3, "horizon_s": 20,
        "components": {
            "users": { "client": {
                "mix": { "get": 3, "end": 1 }, "target": "edge",
                "arrivals": { "poisson": { "rate_per_s": 20 } }, "keys": { "uniform": { "count": 100 } }
            } },
            "edge": { "gateway": { "target": "lb" } },
            "lb": { "balancer": {
                "policy": "least_connections", "targets": ["shop", "end", "spare"],
                "weights": { "shop": 2, "end": 1 }, "backups": ["spare"]
            } },
            "shop": { "service": { "workers": 50, "plans": {
                "get": [
                    work,
                    { "cached": {
                        "cache": "near", "version": { "call": { "to": "through", "fallback": [work] } },
                        "miss": [{ "cached": { "cache": "far", "miss": [call("ring")] } }]
                    } },
                    { "parallel": { "calls": [{ "to": "ring", "operation": "get" }, { "to": "through", "times": 2 }], "need": 3 } }
                ],
                "end": [
                    { "saga": { "steps": [
                        { "do": { "to": "ledger" }, "undo": { "to": "ledger", "operation": "undo" } },
                        { "do": { "to": "stock" }, "undo": { "to": "stock", "operation": "undo" } }
                    ] } },
                    { "invalidate": { "cache": "near" } },
                    { "call": { "to": "jobs", "fallback": [call("jobs"), "end"] } }
                ]
            } } },
            "end": { "service": { "workers": 50, "plans": {
                "end": [{ "transaction": { "branches": [{ "to": "ledger" }, { "to": "stock" }] } }, "end"],
                "*": [work, { "call": { "to": "list", "fallback": [call("journal")] } }, "end"]
            } } },
            "spare": { "service": { "workers": 5, "plans": { "*": [work, { "call": { "to": "orders", "operation": "end" } }, "end"] } } },
            "near": { "cache": { "capacity_entries": 100 } },
            "far": { "cache": { "capacity_entries": 100 } },
            "through": { "cache": { "capacity_entries": 100, "mode": "read_through", "target": "stock" } },
            "ring": { "shards": {
                "targets": ["s-0", "s-1", "s-2"], "partitioning": { "directory": {
                    "keys": [{ "from": 0, "to": 9, "at": "s-1" }, { "from": 10, "to": 19, "at": "s-2" }], "default": "s-0" } },
                "scatter": { "all": { "need": 3 } },
                "reshard": {
                    "at_s": 5, "targets": ["s-0", "s-1", "s-2", "s-3"], "policy": "dual_writes",
                    "partitioning": { "range": { "bounds": [20, 40, 60] } }
                }
            } },
            "s-0": database, "s-1": database, "s-2": database, "s-3": database,
            "ledger": database, "stock": database, "orders": orders,
            "jobs": { "queue": { "to": "worker", "max_deliveries": 3, "dead_letters": "dead" } },
            "feed": { "topic": { "partitions": 2, "subscriptions": {
                "worker": { "to": "worker", "max_deliveries": 2, "dead_letters": "dead" },
                "again": { "to": "more" } } } },
            "dead": { "queue": {} },
            "more": { "service": { "workers": 5, "plans": { "*": [work] } } },
            "worker": { "service": { "workers": 5, "plans": { "*": [work] } } },
            "journal": { "event_store": { "connections": 5, "streams": 100, "operations": { "get": "load", "*": { "append": { "by": 1 } } } } },
            "list": { "view": {
                "source": "stock", "table": "stock", "connections": 5, "queries": { "*": { "constant": { "mean_ms": 1 } } },
                "apply": { "constant": { "mean_ms": 1 } } } }
        },
        "links": [
            { "from": "users", "to": "edge", "latency": { "constant": { "mean_ms": 1 } } },
            { "from": "shop", "to": "jobs", "latency": { "constant": { "mean_ms": 1 } } }
        ],
        "faults": [
            { "what": { "crash": { "component": "worker" } }, "at_s": 3, "for_s": 1 },
            { "what": { "partition": { "from": "shop", "to": "jobs" } }, "at_s": 4, "for_s": 1 },
            { "what": { "packet_loss": { "from": "users", "to": "edge", "loss": 0.1 } }, "at_s": 4, "for_s": 1 },
            { "what": { "traffic_spike": { "client": "users", "factor": 2 } }, "at_s": 6, "for_s": 1 }
        ],
        "invariants": [
            { "no_lost_messages": { "at": "feed", "writes_at": "orders" } },
            { "conserved": { "tables": [{ "database": "ledger", "table": "stock" }, { "database": "stock", "table": "stock" }] } },
            { "sagas_end": { "steps": [{ "database": "ledger", "operation": "end" }, { "database": "stock", "operation": "end" }] } },
            { "served_once": { "at": "worker" } }
        ],
        "view": {}
    });
    let components = tree["components"].as_object().expect("an object");
    let names = components.keys().enumerate();
    let view: Map<String, Value> = names
        .map(|(n, name)| (name.clone(), json!({ "at": [n, 1] })))
        .collect();
    tree["view"] = Value::from(view);
    Design::new(tree, Vec::new()).expect("of the form of a scenario")
}

fn names(design: &Design) -> Vec<String> {
    design.scenario().components.keys().cloned().collect()
}

/// Where a component is named, and not something that has the same name.
fn named(design: &Design, name: &str) -> Vec<String> {
    let mut found = mentions(design.tree(), name);
    found.retain(|at| {
        let parts: Vec<&str> = at.split('/').collect();
        let of = |part: usize| parts.get(part).copied().unwrap_or_default();
        let last = parts.last().copied().unwrap_or_default();
        let is_step = of(4) == "plans" && last.parse::<usize>().is_ok();
        let others = [
            "mix",
            "plans",
            "tables",
            "statements",
            "operations",
            "subscriptions",
        ];
        let is_other = parts.len() == 6 && others.contains(&of(4));
        // An operation, a table, a kind, what a step is.
        !(is_step
            || is_other
            || ["table", "operation"].contains(&last)
            || (parts.len() == 4 && of(1) == "components")
            || at.starts_with("/title")
            || at.contains("/statements/")
            || at.contains("/outbox/operations/"))
    });
    found
}

#[test]
fn everything_is_right_as_it_is() {
    assert_eq!(problems(&everything()), Vec::<String>::new());
    for name in names(&everything()) {
        // The component itself, and where else it is named.
        let found = named(&everything(), &name);
        assert!(found.len() >= 2, "{name}: {found:?}");
    }
}

#[test]
fn each_name_that_is_deleted_is_gone() {
    let design = everything();
    for name in names(&design) {
        let after = edited(&design, &delete(&name));
        assert_eq!(named(&after, &name), Vec::<String>::new(), "{name}");
        // What has to name something names nothing yet; else nothing is wrong.
        let new: Vec<String> = { problems(&after).into_iter() }
            .filter(|p| !p.contains("there is no component ''") && !p.contains("no client"))
            .filter(|p| !p.contains("0 is out of range"))
            .collect();
        assert!(new.is_empty(), "{name}: {new:?}");
    }
}

#[test]
fn each_name_that_is_changed_is_changed_everywhere_and_nothing_else_is() {
    let design = everything();
    for name in names(&design) {
        let after = edited(&design, &rename(&name, "Quite New"));
        assert_eq!(named(&after, &name), Vec::<String>::new(), "{name}");
        assert_eq!(
            named(&after, "quite-new").len(),
            named(&design, &name).len(),
            "{name}"
        );
        assert_eq!(problems(&after), Vec::<String>::new(), "{name}");
        let back = edited(&after, &rename("quite-new", &name));
        let mut expected = (**design.tree()).clone();
        let mut tree = (**back.tree()).clone();
        for tree in [&mut expected, &mut tree] {
            tree["view"].take();
        }
        assert_eq!(tree.to_string(), expected.to_string(), "{name}");
    }
}

#[test]
fn kinds_are_all_there() {
    let design = everything();
    for kind in scale_design::palette::KINDS {
        let has = |name: &String| design.kind(name) == Some(kind);
        assert!(names(&design).iter().any(has), "{kind:?}");
    }
    assert_eq!(design.kind("dead"), Some(Kind::Queue));
}

#[test]
fn numbers_that_count_shards_or_calls_go_with_them() {
    let design = everything();
    let after = edited(&design, &delete("s-1"));
    let shards = &after.tree()["components"]["ring"]["shards"];
    assert_eq!(shards["targets"], json!(["s-0", "s-2"]));
    assert_eq!(shards["scatter"]["all"]["need"], 2);
    assert_eq!(
        shards["partitioning"]["directory"]["keys"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let after = edited(&design, &delete("s-0"));
    let shards = &after.tree()["components"]["ring"]["shards"];
    assert_eq!(shards["partitioning"]["directory"]["default"], "s-1");
    // Two calls of 'through' are left of three.
    let after = edited(&design, &delete("ring"));
    let plan = &after.tree()["components"]["shop"]["service"]["plans"]["get"];
    assert_eq!(plan[2]["parallel"]["need"], 2, "{plan}");

    for (rule, bounds, gone, left) in [
        ("range", json!([10, 20]), "s-0", json!([20])),
        ("range", json!([10, 20]), "s-1", json!([20])),
        ("range", json!([10, 20]), "s-2", json!([10])),
        ("slots", json!([100, 9_000]), "s-1", json!([9_000])),
    ] {
        let mut tree = (**design.tree()).clone();
        let shards = &mut tree["components"]["ring"]["shards"];
        shards["partitioning"] = json!({ rule: { "bounds": bounds } });
        if let Some(shards) = shards.as_object_mut() {
            shards.remove("reshard");
        }
        let design = Design::new(tree, Vec::new()).expect("a design");
        assert_eq!(problems(&design), Vec::<String>::new());
        let after = edited(&design, &delete(gone));
        assert_eq!(problems(&after), Vec::<String>::new());
        let of = |design: &Design| {
            design.tree()["components"]["ring"]["shards"]["partitioning"][rule]["bounds"].clone()
        };
        assert_eq!(of(&after), left, "{gone}");
        // Another takes half of what the last one has.
        let more = edited(&design, &common::connect("ring", "s-3"));
        assert_eq!(problems(&more), Vec::<String>::new());
        assert_eq!(of(&more).as_array().map(Vec::len), Some(3));
    }
}

/// What happens in the first seconds of a run.
fn log(design: &Design) -> Option<String> {
    let model = Model::new(design.scenario(), &Files::new()).ok()?;
    let until = model.horizon().min(Time::from_secs(2.0));
    let mut engine = Engine::new(model.into(), Log::default()).with_budget(3_000);
    engine.run_until(until);
    let hash = engine.state_hash();
    Some(format!("{hash} {:?}", engine.probe()))
}

#[test]
fn a_component_that_is_renamed_and_back_gives_the_same_run() {
    let mut ran = 0;
    for (at, tree) in scenarios() {
        let Ok(design) = Design::new(tree, Vec::new()) else {
            continue;
        };
        let Some(before) = log(&design) else { continue };
        let mut design = design;
        for name in names(&design) {
            design = edited(&design, &rename(&name, "Quite New"));
            assert!(design.problems().is_empty(), "{at}: {name}");
            design = edited(&design, &rename("quite-new", &name));
        }
        assert_eq!(log(&design).as_ref(), Some(&before), "{at}");
        ran += 1;
    }
    assert!(ran > 100, "{ran}");
}

#[test]
fn every_scenario_survives_each_component_renamed_and_deleted() {
    for (at, tree) in scenarios() {
        let Ok(start) = Design::new(tree, Vec::new()) else {
            continue;
        };
        let mut history = History::new(start.clone());
        for name in names(&start) {
            let before = (history.now().clone(), problems(history.now()).len());
            let edit = rename(&name, &format!("New {name}"));
            let new = history.apply(&edit, None).expect("it is there").select;
            let new = new.expect("it is selected").remove(0);
            assert_eq!(
                problems(history.now()).len(),
                before.1,
                "{at}: {name}: {:?}",
                problems(history.now())
            );
            history.undo();
            assert_eq!(*history.now(), before.0, "{at}: {name}");
            history.redo();
            history.apply(&delete(&new), None).expect("it is there");
            assert_eq!(named(history.now(), &new).len(), 0, "{at}: {name}");
        }
        assert!(history.now().is_empty(), "{at}");
        while history.undo().is_some() {}
        assert_eq!(*history.now(), start, "{at}");
        while history.redo().is_some() {}
        assert!(history.now().is_empty(), "{at}");
    }
}

#[test]
fn every_scenario_comes_back_from_a_link_and_a_file() {
    for (at, tree) in scenarios() {
        let Ok(design) = Design::new(tree, Vec::new()) else {
            continue;
        };
        let again = file::read(&file::write(&design)).expect("a file");
        assert_eq!(again, design, "{at}");
        if let Ok(text) = link::write(&design) {
            assert_eq!(link::read(&text).as_ref(), Ok(&design), "{at}");
        }
        // A scenario alone is a design, too.
        let plain = file::read(&design.tree().to_string()).expect("a scenario");
        assert_eq!(plain, design, "{at}");
    }
}

#[test]
fn what_is_promised_stays_with_the_design_and_can_be_undone() {
    let mut history = History::new(everything());
    assert_eq!(*history.now().slos(), USUAL);
    let mut slos = USUAL;
    for (objective, bound) in [
        (Objective::P99Ms, Some(80.0)),
        (Objective::CostPerH, Some(3.5)),
        (Objective::Availability, None),
    ] {
        slos.set(objective, bound);
        let edit = Edit::Promise(objective, bound);
        // As one turn of a knob, so that they are one step.
        let promised = history.apply(&edit, Some("promises"));
        promised.expect("it can be promised");
    }
    let design = history.now().clone();
    assert_eq!(*design.slos(), slos);
    assert_eq!(
        file::read(&file::write(&design)).as_ref(),
        Ok(&design),
        "a file"
    );
    let text = link::write(&design).expect("a link");
    assert_eq!(link::read(&text).as_ref(), Ok(&design), "a link");
    // It is there still when something else has changed.
    history.apply(&Edit::Arrange, None).expect("arranged");
    assert_eq!(*history.now().slos(), slos);
    history.undo();
    history.undo();
    assert_eq!(*history.now().slos(), USUAL);
    history.redo();
    assert_eq!(*history.now().slos(), slos);
    let refused = history.apply(&Edit::Promise(Objective::Availability, Some(1.5)), None);
    let why = "This cannot be promised: availability: 1.5 is out of range: 0 to 1 is allowed.";
    assert_eq!(refused.expect_err("out of range"), why);
}

#[test]
fn the_file_of_a_sweep_is_its_design() {
    let design = everything();
    let report = json!({ "design": **design.tree(), "seeds": [1, 2], "points": [] });
    assert_eq!(file::read(&report.to_string()).as_ref(), Ok(&design));
    // With what it was held to.
    let goal = json!({ "availability": 0.95, "p99_ms": null });
    let report = json!({ "design": **design.tree(), "goal": goal });
    let slos = Slos {
        availability: Some(0.95),
        ..Slos::NONE
    };
    assert_eq!(
        file::read(&report.to_string()),
        Ok(design.clone().promising(slos))
    );
    let text: Value = parse_json(&file::write(&design)).expect("JSON");
    assert_eq!(text["design"], 1);
}
