//! Every challenge of the course: over 20 seeds its solutions pass, and its start and its non-solutions fail as they say.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use scale_capacity::{Attempt, Challenge, Objective, Run, mechanisms};
use scale_sim::{Files, Scenario, run};

const SEEDS: u32 = 20;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../lessons/challenges")
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn challenge(id: &str) -> Challenge {
    let read = |file: &str| text(&folder().join(id).join(file));
    Challenge::read(&read("challenge.json"), &read("start.json"))
        .unwrap_or_else(|found| panic!("{id}: {found:#?}"))
}

/// The attempts in a folder of a challenge, by name.
fn attempts(challenge: &Challenge, id: &str, kind: &str) -> BTreeMap<String, (Attempt, Scenario)> {
    let files = fs::read_dir(folder().join(id).join(kind)).expect("a challenge has both folders");
    let paths = files.map(|file| file.expect("it can be listed").path());
    let read = paths.map(|path| {
        let attempt = Attempt::read(&text(&path));
        let attempt = attempt.unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
        let design = attempt.design(challenge);
        let design = design.unwrap_or_else(|found| panic!("{}: {found:#?}", path.display()));
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        (name.into_owned(), (attempt, design))
    });
    read.collect()
}

/// What a design misses with each seed; nothing if it is refused.
fn missed(challenge: &Challenge, design: &Scenario) -> Option<Vec<Vec<Objective>>> {
    if !challenge.refusals(design).is_empty() {
        return None;
    }
    let runs = Challenge::plan(1, SEEDS).into_iter().map(|seed| {
        let verdict = challenge.judge(design, seed).expect("it runs");
        assert_eq!(verdict.stopped, None);
        assert_eq!(verdict.passed(), verdict.missed().next().is_none());
        verdict.missed().collect()
    });
    Some(runs.collect())
}

fn solutions_pass(id: &str) {
    let challenge = challenge(id);
    let solutions = attempts(&challenge, id, "solutions");
    assert!(solutions.len() >= 2, "{id}: two ways at least");
    for (name, (_, design)) in &solutions {
        assert_eq!(challenge.refusals(design), [], "{id}/{name}");
        for (seed, missed) in (1..).zip(missed(&challenge, design).expect("not refused")) {
            assert_eq!(missed, [], "{id}/{name}, seed {seed}");
        }
    }
    // They are different: each has something that the other has not, or two have nothing in common that the start has not.
    let before = mechanisms(&challenge.start);
    let added: Vec<_> = { solutions.values() }
        .map(|(_, design)| {
            mechanisms(design)
                .difference(&before)
                .copied()
                .collect::<Vec<_>>()
        })
        .collect();
    let differ = added.iter().enumerate().any(|(at, one)| {
        let lacks = |one: &Vec<_>, other: &Vec<_>| one.iter().any(|own| !other.contains(own));
        added[..at]
            .iter()
            .any(|other| lacks(one, other) && lacks(other, one))
    });
    assert!(differ, "{id}: all solutions are one: {added:?}");
}

fn others_fail(id: &str) {
    let challenge = challenge(id);
    let others = attempts(&challenge, id, "non-solutions");
    assert!(
        others.len() >= 3,
        "{id}: three ways that do not work at least"
    );
    let mut bought = false;
    for (name, (attempt, design)) in &others {
        let Some(runs) = missed(&challenge, design) else {
            assert_eq!(attempt.misses, [], "{id}/{name} is refused");
            continue;
        };
        assert!(
            !attempt.misses.is_empty(),
            "{id}/{name} is not refused: say what it misses"
        );
        for (seed, missed) in (1..).zip(runs) {
            for objective in &attempt.misses {
                assert!(
                    missed.contains(objective),
                    "{id}/{name}, seed {seed}: {objective:?} is met, of the misses {missed:?}"
                );
            }
        }
        bought |= attempt.misses.contains(&Objective::CostPerH)
            && mechanisms(design).is_subset(&{
                let mut all = mechanisms(&challenge.start);
                // Copies and replicas are more of the same.
                all.extend([
                    scale_capacity::Mechanism::Copies,
                    scale_capacity::Mechanism::Balancing,
                    scale_capacity::Mechanism::ReadReplicas,
                ]);
                all
            });
    }
    assert!(
        bought,
        "{id}: more of everything has to be too dear, and is to be tried"
    );
}

/// The start does well today, and not on the day to come.
fn the_start_is_of_today(id: &str) {
    let challenge = challenge(id);
    let outcome = run(&challenge.start, &Files::new()).expect("it runs");
    let verdict = challenge.verdict(&challenge.start, &outcome);
    // How many have to be answered on the day is no matter of today.
    let today = |objective: &Objective| *objective != Objective::GoodputPerS;
    let missed: Vec<Objective> = verdict.missed().filter(today).collect();
    assert_eq!(missed, [], "{id}: the start has to run well today");
    assert_eq!(
        scale_capacity::bottlenecks(&Run::of(&challenge.start, &outcome)),
        [],
        "{id}: nothing is short today"
    );
    let runs = self::missed(&challenge, &challenge.start).expect("not refused");
    for (seed, missed) in (1..).zip(runs) {
        assert!(!missed.is_empty(), "{id}, seed {seed}: the start passes");
    }
}

/// The tests of a challenge, which run beside each other.
macro_rules! challenges {
    ($($name:ident: $id:literal),* $(,)?) => {
        $(mod $name {
            #[test]
            fn its_solutions_pass() {
                super::solutions_pass($id);
            }

            #[test]
            fn all_else_fails() {
                super::others_fail($id);
            }

            #[test]
            fn its_start_is_of_today() {
                super::the_start_is_of_today($id);
            }
        })*

        #[test]
        fn the_index_names_every_challenge() {
            let index: Vec<String> =
                serde_json::from_str(&text(&folder().join("index.json"))).expect("a list");
            assert_eq!(index, [$($id),*]);
            let folders = fs::read_dir(folder()).expect("it is there");
            let folders = folders.map(|entry| entry.expect("it can be listed").path());
            let mut found: Vec<String> = folders
                .filter(|path| path.is_dir())
                .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
                .collect();
            found.sort();
            let mut named = index;
            named.sort();
            assert_eq!(found, named);
        }
    };
}

challenges! {
    shop_checkout: "shop-checkout",
    news_feed: "news-feed",
    url_shortener: "url-shortener",
    ticket_sale: "ticket-sale",
    chat: "chat",
    image_upload: "image-upload",
}

/// What is said to a solution of the shortener with a change, a JSON merge patch, on top.
fn said_to(change: &str) -> String {
    let challenge = challenge("url-shortener");
    let solutions = attempts(&challenge, "url-shortener", "solutions");
    let (_, design) = &solutions["cache-and-queue"];
    let tree = serde_json::to_value(design).expect("plain data");
    let text = format!(r#"{{ "title": "A trick", "why": "", "change": {change} }}"#);
    let changed = Challenge {
        tree,
        ..challenge.clone()
    };
    let design = Attempt::read(&text).expect("of the form").design(&changed);
    let refusals = challenge.refusals(&design.expect("a scenario"));
    let lines: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn tricks_are_refused_with_their_place() {
    assert_eq!(said_to("{}"), "");
    for (change, expected) in [
        // Who asks, and how often.
        (
            r#"{ "readers": { "client": { "arrivals": { "poisson": { "rate_per_s": 1 } } } } }"#,
            "components.readers: who asks, for what and how often is given",
        ),
        (
            r#"{ "readers": { "client": { "deadline_ms": 60000 } } }"#,
            "components.readers: who asks",
        ),
        (
            r#"{ "friends": { "client": { "operation": "nothing", "target": "idle", "arrivals": { "poisson": { "rate_per_s": 1000 } } } },
                "idle": { "service": { "workers": 1, "plans": { "*": [{ "work": { "constant": { "mean_ms": 0 } } }] } } } }"#,
            "components.friends: a client that the start has not",
        ),
        // What has to be done.
        (
            r#"{ "readers": { "client": { "target": "either" } }, "either": { "balancer": { "policy": "round_robin", "targets": ["app", "idle"] } },
                "idle": { "service": { "workers": 1, "plans": { "*": ["end"] } } } }"#,
            "for 'follow' of 'readers', work of 2 ms (exponential) is to be done once, and is not",
        ),
        (
            r#"{ "app": { "service": { "plans": { "store": [{ "work": { "exponential": { "mean_ms": 3 } } }, { "call": { "to": "links", "operation": "store-link" } }] } } } }"#,
            "for 'store' of 'authors', work of 4 ms (exponential) is to be done once, and is not",
        ),
        (
            r#"{ "counter": { "service": { "plans": { "*": [{ "call": { "to": "clicks", "operation": "count-click", "asynchronous": true } }] } } } }"#,
            "the query 'count-click' is to be asked once, and is not",
        ),
        (
            r#"{ "counter": { "service": { "plans": { "*": [{ "call": { "to": "clicks", "operation": "count-click", "fallback": ["end"] } }] } } } }"#,
            "the query 'count-click' is to be asked once, and is not",
        ),
        (
            r#"{ "click-queue": { "queue": { "to": null } } }"#,
            "the query 'count-click' is to be asked once, and is not",
        ),
        (
            r#"{ "readers": { "client": { "target": "kept" } }, "kept": { "cache": { "capacity_entries": 10, "mode": "read_through", "target": "app" } } }"#,
            "the query 'count-click' is to be asked once, and is not",
        ),
        // What it takes.
        (
            r#"{ "links": { "database": { "queries": { "find-link": { "exponential": { "mean_ms": 1 } } } } } }"#,
            "components.links.database.queries: 'find-link' takes 20 ms (exponential) as in the start",
        ),
        (
            r#"{ "clicks": { "database": { "writes": [] } } }"#,
            "components.clicks.database.writes: 'count-click' changes its row",
        ),
        (
            r#"{ "links": { "database": { "tables": { "links": { "rows": 9 } }, "writes": [], "queries": null, "statements": {
                "find-link": { "read": { "table": "links" } }, "store-link": { "write": { "table": "links" } } } } } }"#,
            "'find-link' has to be answered as in the start",
        ),
        // What can be had.
        (
            r#"{ "app": { "service": { "workers": 65 } } }"#,
            "components.app.service.workers: the largest instance there is has 64: take several",
        ),
        (
            r#"{ "links": { "database": { "connections": 33 } } }"#,
            "components.links.database.connections: the largest node there is has 32",
        ),
        (
            r#"{ "links": { "database": { "replication": { "replicas": 1, "apply": { "constant": { "mean_ms": 0 } } } } } }"#,
            "components.links.database.replication.apply: it takes 0.1 ms at least",
        ),
        (
            r#"{ "counter": { "service": { "autoscale": { "metric": "utilisation", "min": 1, "max": 2, "rule": { "target": { "value": 0.5 } } } } } }"#,
            "components.counter.service.autoscale.warm_up_s: a new instance takes 5 s at least",
        ),
        (
            r#"{ "link-cache": { "cache": { "invalidation": { "delay_ms": 0 } } } }"#,
            "components.link-cache.cache.invalidation.delay_ms: a cache learns of a change 20 ms after",
        ),
    ] {
        let said = said_to(&format!(r#"{{ "components": {change} }}"#));
        assert!(said.contains(expected), "{change}\n{said}");
    }
}

#[test]
fn a_run_of_its_own_faults_and_seed_does_not_help() {
    let challenge = challenge("url-shortener");
    let mut design = challenge.start.clone();
    design.horizon_s = 6.0;
    design.seed = 99;
    let day = challenge.day(&design, 5).expect("a scenario");
    assert_eq!((day.seed, day.horizon_s.to_bits()), (5, 40.0_f64.to_bits()));
    let plain = challenge.day(&challenge.start, 5).expect("a scenario");
    assert_eq!(day, plain);
}

#[test]
fn every_fault_of_a_brief_names_its_place() {
    let read = |file: &str| text(&folder().join("url-shortener").join(file));
    let (brief, start) = (read("challenge.json"), read("start.json"));
    for (from, to, expected) in [
        (
            r#""version": 1"#,
            r#""version": 2"#,
            "challenge.json version: 2 is not known",
        ),
        (
            r#""p99_ms": 300"#,
            r#""p99_ms": -300"#,
            "challenge.json slos.p99_ms: -300 is out of range",
        ),
        (
            r#""cost_per_h": 4.6"#,
            r#""violations": 0"#,
            "challenge.json slos: 'cost_per_h' is missing",
        ),
        (
            r#""count-click""#,
            r#""count""#,
            "challenge.json mergeable[0]: the start asks no query 'count'",
        ),
        (
            r#""readers": {"#,
            r#""reader": {"#,
            "challenge.json day.clients.reader: there is no client 'reader'",
        ),
        (
            r#""peak_per_s": 1000"#,
            r#""peak_per_s": -1"#,
            "challenge.json day.clients.readers.arrivals.spike.peak_per_s: -1 is out of range",
        ),
        (
            r#""horizon_s": 40"#,
            r#""horizon_s": 4"#,
            "challenge.json day.warmup_s: 5 leaves nothing to measure",
        ),
        (
            r#"{ "every": "cache" }"#,
            r#"{ "outside": "app" }"#,
            "challenge.json day.faults[0].at.outside: 'app' is not in 'outside'",
        ),
        (
            r#""title": "URL shortener""#,
            r#""title": """#,
            "challenge.json title: 0 words: 1 to 90 are allowed",
        ),
        (
            r#""told""#,
            r#""tol""#,
            "challenge.json tol: unknown field `tol`",
        ),
    ] {
        assert!(brief.contains(from), "{from}");
        let found = Challenge::read(&brief.replacen(from, to, 1), &start);
        let found = found.expect_err("must be refused");
        let lines: Vec<String> = { found.iter() }
            .map(|found| format!("{} {}", found.file, found.problem))
            .collect();
        assert!(
            lines.iter().any(|line| line.contains(expected)),
            "{expected}\n{lines:#?}"
        );
    }
    let found = Challenge::read(
        &brief,
        &start.replace(r#""connections": 4"#, r#""connections": 0"#),
    );
    let found = found.expect_err("must be refused");
    assert_eq!(found[0].file, "start.json");
    assert_eq!(
        found[0].problem.path,
        "components.links.database.connections"
    );
}
