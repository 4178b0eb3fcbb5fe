//! The quick way: each component behind the one before, and it runs.

mod common;

use common::{connect, edited, placed, problems};
use scale_design::palette::KINDS;
use scale_design::wiring::connections;
use scale_design::{Change, Design, Edit};
use scale_sim::{Files, Kind, Outcome, parse_json, run};

/// Places each behind the one before it. The design, and the names.
fn chain(kinds: &[Kind]) -> (Design, Vec<String>) {
    let mut design = Design::empty();
    let mut names: Vec<String> = Vec::new();
    for kind in kinds {
        let (next, name) = placed(&design, *kind, names.last().map(String::as_str));
        design = next;
        names.push(name);
    }
    (design, names)
}

/// Runs a design, in which nothing may be wrong and almost everything must be answered.
fn ran(design: &Design) -> Outcome {
    assert_eq!(problems(design), Vec::<String>::new(), "{}", design.tree());
    let outcome = run(design.scenario(), &Files::new()).expect("no problems");
    let totals = outcome.totals;
    assert!(totals.sent > 4_000, "{totals:?}");
    assert!(
        totals.completed as f64 > 0.95 * totals.sent as f64,
        "{totals:?}"
    );
    outcome
}

/// How often a component was asked in the run, after the warm-up.
fn asked(outcome: &Outcome, name: &str) -> u64 {
    let of = |station: &str| {
        let rest = station.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let stations = outcome.model.stations().zip(&outcome.figures.stations);
    let own: Vec<u64> = { stations.filter(|(info, _)| of(info.name)) }
        .map(|(_, figures)| figures.started)
        .collect();
    assert!(!own.is_empty(), "there is no station of {name}");
    own.iter().sum()
}

#[test]
fn three_tiers() {
    let (design, names) = chain(&[Kind::Client, Kind::Balancer, Kind::Service, Kind::Database]);
    assert_eq!(connections(design.scenario()).len(), 3);
    assert!(asked(&ran(&design), &names[3]) > 4_000);
}

#[test]
fn with_a_cache_that_fetches() {
    let kinds = [Kind::Client, Kind::Service, Kind::Cache, Kind::Database];
    let (design, names) = chain(&kinds);
    assert_eq!(connections(design.scenario()).len(), 3);
    let (cache, database) = (names[2].as_str(), names[3].as_str());
    let outcome = ran(&design);
    // A tenth writes, which goes on to the database; most of the rest is found.
    let (all, through) = (asked(&outcome, cache), asked(&outcome, database));
    assert!(all > 4_000, "{all}");
    assert!(
        (all / 10..all * 8 / 10).contains(&through),
        "{through} of {all}"
    );
}

#[test]
fn with_a_cache_beside_a_database_in_either_order() {
    for kinds in [[Kind::Cache, Kind::Database], [Kind::Database, Kind::Cache]] {
        let (design, names) = chain(&[Kind::Client, Kind::Service]);
        let (design, one) = placed(&design, kinds[0], Some(&names[1]));
        let (design, two) = placed(&design, kinds[1], Some(&names[1]));
        let (cache, database) = match kinds[0] {
            Kind::Cache => (one, two),
            _ => (two, one),
        };
        let outcome = ran(&design);
        let plans = &design.tree()["components"][&names[1]]["service"]["plans"];
        assert!(plans["*"][1]["cached"]["miss"][0]["call"]["to"] == database.as_str());
        // What writes is not answered by the cache: it goes to the database, and the key is dropped.
        assert!(
            plans["write"][1]["call"]["to"] == database.as_str(),
            "{plans}"
        );
        assert!(
            plans["write"][2]["invalidate"]["cache"] == cache.as_str(),
            "{plans}"
        );
        let through = asked(&outcome, &database);
        let all = outcome.totals.sent;
        assert!(
            (all / 10..all * 8 / 10).contains(&through),
            "{through} of {all}"
        );
    }
}

#[test]
fn two_caches_one_behind_the_other() {
    let (design, names) = chain(&[Kind::Client, Kind::Service, Kind::Database]);
    let (design, near) = placed(&design, Kind::Cache, Some(&names[1]));
    let (design, far) = placed(&design, Kind::Cache, Some(&names[1]));
    let plan = &design.tree()["components"][&names[1]]["service"]["plans"]["*"];
    assert_eq!(plan[1]["cached"]["cache"], near.as_str());
    let behind = &plan[1]["cached"]["miss"][0]["cached"];
    assert_eq!(behind["cache"], far.as_str());
    assert_eq!(behind["miss"][0]["call"]["to"], names[2].as_str());
    ran(&design);
}

#[test]
fn with_a_queue_and_a_worker() {
    let kinds = [
        Kind::Client,
        Kind::Service,
        Kind::Queue,
        Kind::Service,
        Kind::Database,
    ];
    let (design, names) = chain(&kinds);
    assert_eq!(connections(design.scenario()).len(), 4);
    let outcome = ran(&design);
    assert!(asked(&outcome, &names[3]) > 4_000);
    // Nobody waits for it: the answer comes sooner than the work of the worker and its database takes.
    assert!(asked(&outcome, &names[4]) > 4_000);
}

#[test]
fn with_a_topic_and_two_groups() {
    let (design, names) = chain(&[Kind::Client, Kind::Service, Kind::Topic, Kind::Service]);
    let (design, other) = placed(&design, Kind::Service, Some(&names[2]));
    let outcome = ran(&design);
    assert!(asked(&outcome, &names[3]) > 4_000);
    assert!(asked(&outcome, &other) > 4_000);
}

#[test]
fn with_shards_and_three_databases() {
    let (mut design, names) = chain(&[Kind::Client, Kind::Service, Kind::Shards]);
    let mut shards = Vec::new();
    for _ in 0..3 {
        let (next, name) = placed(&design, Kind::Database, Some(&names[2]));
        design = next;
        shards.push(name);
    }
    let outcome = ran(&design);
    for shard in &shards {
        assert!(asked(&outcome, shard) > 500, "{shard}");
    }
}

#[test]
fn with_an_event_store_and_a_view() {
    let (design, names) = chain(&[Kind::Client, Kind::Service, Kind::EventStore, Kind::View]);
    let (client, service, view) = (&names[0], &names[1], &names[3]);
    assert!(connections(design.scenario()).contains(&(view, &names[2])));
    ran(&design);
    // A reader of its own.
    let (design, reader) = placed(&design, Kind::Client, None);
    let design = edited(&design, &connect(&reader, view));
    let outcome = ran(&design);
    assert!(asked(&outcome, view) > 4_000);
    assert!(asked(&outcome, service) > 4_000, "{client}");
}

#[test]
fn behind_a_gateway() {
    let (design, names) = chain(&[Kind::Client, Kind::Gateway, Kind::Service, Kind::Database]);
    assert!(asked(&ran(&design), &names[3]) > 4_000);
}

#[test]
fn with_an_outbox() {
    let kinds = [
        Kind::Client,
        Kind::Service,
        Kind::Database,
        Kind::Queue,
        Kind::Service,
    ];
    let (design, names) = chain(&kinds);
    let outcome = ran(&design);
    // The writes, a tenth.
    let messages = asked(&outcome, &names[4]);
    assert!((300..900).contains(&messages), "{messages}");
}

#[test]
fn copies_need_a_balancer_and_one_is_found_to_be_missing() {
    let (design, names) = chain(&[Kind::Client, Kind::Service]);
    let service = &names[1];
    let pointer = format!("/components/{service}/service/instances");
    let edit = scale_design::Edit::Change(vec![Change::set(pointer, 3)]);
    let design = edited(&design, &edit);
    assert!(problems(&design)[0].contains("put a balancer in front"));
    let (design, client) = placed(&design, Kind::Client, None);
    let refused = connect(&client, service)
        .apply(&design)
        .expect_err("copies");
    assert!(refused.contains("balancer"), "{refused}");
}

#[test]
fn each_kind_is_placed_with_words_and_a_place_of_its_own() {
    let mut design = Design::empty();
    for kind in KINDS.into_iter().chain(KINDS) {
        let (next, name) = placed(&design, kind, None);
        assert_eq!(next.kind(&name), Some(kind));
        let at = |name: &str| next.at(name).map(f64::to_bits);
        let taken = |other: &&String| at(other) == at(&name) && **other != name;
        assert_eq!(next.scenario().components.keys().find(taken), None);
        assert!(next.label(&name).len() > 3);
        design = next;
    }
}

/// A ticket service with an operation that reads and one that takes a seat, by names that are the database's own.
fn tickets() -> Design {
    let text = r#"{ "version": 1, "horizon_s": 10, "components": {
        "fans": { "client": { "mix": { "look": 4, "buy": 1 }, "target": "app", "arrivals": { "poisson": { "rate_per_s": 40 } } } },
        "app": { "service": { "workers": 16, "plans": {
            "look": [{ "call": { "to": "seats", "operation": "seat-map" } }],
            "buy": [{ "call": { "to": "seats", "operation": "take" } }] } } },
        "seats": { "database": { "connections": 6, "tables": { "seats": { "rows": 50, "value": 100000 } },
            "queries": { "seat-map": { "constant": { "mean_ms": 5 } } },
            "statements": { "take": { "change": { "table": "seats", "by": -1, "care": "atomic_update" } } } } } } }"#;
    let tree = parse_json(text).expect("it is JSON");
    Design::new(tree, Vec::new()).expect("of the format")
}

#[test]
fn what_writes_is_never_answered_from_a_cache_and_only_it_leaves_messages() {
    let place = |kind| Edit::Place {
        kind,
        at: None,
        after: Some("app".to_owned()),
    };
    let plan = |design: &Design, of: &str| {
        let pointer = format!("/components/app/service/plans/{of}");
        design
            .tree()
            .pointer(&pointer)
            .expect("it is there")
            .to_string()
    };
    let with_cache = place(Kind::Cache).apply(&tickets()).expect("it can be");
    let (look, buy) = (
        plan(&with_cache.design, "look"),
        plan(&with_cache.design, "buy"),
    );
    assert!(look.contains("cached") && look.contains("miss"), "{look}");
    assert!(
        !buy.contains("cached") && buy.contains("invalidate"),
        "{buy}"
    );
    assert!(
        with_cache.said.ends_with("look, buy"),
        "{}",
        with_cache.said
    );
    let with_queue = place(Kind::Queue).apply(&tickets()).expect("it can be");
    let (look, buy) = (
        plan(&with_queue.design, "look"),
        plan(&with_queue.design, "buy"),
    );
    assert!(
        !look.contains("queue") && buy.contains("queue"),
        "{look} {buy}"
    );
    assert!(with_queue.said.ends_with("buy"), "{}", with_queue.said);
}

#[test]
fn what_can_stand_between_stands_there() {
    let (design, names) = chain(&[Kind::Client, Kind::Service, Kind::Database]);
    for kind in [Kind::Gateway, Kind::Balancer, Kind::Service] {
        let (design, new) = placed(&design, kind, Some(&names[0]));
        let now = connections(design.scenario());
        assert!(now.contains(&(&names[0], &new)), "{now:?}");
        assert!(now.contains(&(&new, &names[1])), "{now:?}");
        assert!(!now.contains(&(&names[0], &names[1])), "{now:?}");
        // And it is drawn between them.
        let column = |name: &str| design.at(name)[0];
        assert!(column(&names[0]) < column(&new) && column(&new) < column(&names[1]));
        ran(&design);
    }
    // A database passes nothing on.
    let (design, new) = placed(&design, Kind::Database, Some(&names[0]));
    assert!(
        !connections(design.scenario())
            .iter()
            .any(|(_, to)| *to == new)
    );
}
