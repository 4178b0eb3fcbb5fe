//! Every challenge of the course: over 20 seeds its solutions pass, and its start and its non-solutions fail as they say.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use scale_capacity::{Attempt, Challenge, ChallengeFiles, Found, NON_SOLUTIONS, Proof, SOLUTIONS};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../lessons/challenges")
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(id: &str) -> ChallengeFiles {
    let folder = folder().join(id);
    let attempts = |kind: &str| {
        let files = fs::read_dir(folder.join(kind)).expect("a challenge has both folders");
        let texts = files.map(|file| {
            let path = file.expect("it can be listed").path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            (name.into_owned(), text(&path))
        });
        texts.collect::<BTreeMap<_, _>>()
    };
    ChallengeFiles {
        challenge: text(&folder.join("challenge.json")),
        start: text(&folder.join("start.json")),
        solutions: attempts(SOLUTIONS),
        non_solutions: attempts(NON_SOLUTIONS),
    }
}

fn proof(files: &ChallengeFiles) -> Proof {
    Proof::read(files).unwrap_or_else(|found| panic!("{found:#?}"))
}

fn none(found: &[Found]) {
    let lines: Vec<String> = { found.iter() }
        .map(|found| format!("{}: {}", found.file, found.problem))
        .collect();
    assert_eq!(lines, [] as [&str; 0]);
}

/// The tests of a challenge, which run beside each other.
macro_rules! challenges {
    ($($name:ident: $id:literal),* $(,)?) => {
        $(mod $name {
            #[test]
            fn its_solutions_pass() {
                super::none(&super::proof(&super::files($id)).unproven_solutions());
            }

            #[test]
            fn all_else_fails() {
                super::none(&super::proof(&super::files($id)).unproven_non_solutions());
            }

            #[test]
            fn its_start_is_of_today() {
                super::none(&super::proof(&super::files($id)).unproven_start());
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
    let files = files("url-shortener");
    let challenge = proof(&files).challenge().clone();
    let solution = Attempt::read(&files.solutions["cache-and-queue"]).expect("of the form");
    let design = solution.design(&challenge).expect("a scenario");
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
            "components.links.database.connections: the largest node there is has 16",
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
fn what_has_a_substitute_counts_only_where_substitutes_are_counted() {
    let files = files("url-shortener");
    let mut challenge = proof(&files).challenge().clone();
    let solution = Attempt::read(&files.solutions["cache-and-write-behind"]).expect("of the form");
    let design = solution.design(&challenge).expect("a scenario");
    assert_eq!(challenge.refusals(&design), []);
    challenge.brief.slos.degraded_share = None;
    let refusals = challenge.refusals(&design);
    assert_eq!(refusals.len(), 1);
    let message = "the query 'count-click' is to be asked once, and is not";
    assert!(refusals[0].message.contains(message), "{refusals:?}");
}

#[test]
fn a_run_of_its_own_faults_and_seed_does_not_help() {
    let proof = proof(&files("url-shortener"));
    let challenge = proof.challenge();
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
            r#""stale_share": 1"#,
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

/// What the proof says is tried on what is not so.
#[test]
fn a_proof_notices_what_is_not_so() {
    let files = files("url-shortener");
    let said = |files: &ChallengeFiles, of: fn(&Proof) -> Vec<Found>| -> Vec<String> {
        let found = of(&proof(files)).into_iter();
        found
            .map(|found| format!("{}: {}", found.file, found.problem))
            .collect()
    };
    let only = |all: &BTreeMap<String, String>, name: &str| {
        BTreeMap::from([(name.to_owned(), all[name].clone())])
    };

    // One solution is not enough, and a non-solution is none.
    let mut less = files.clone();
    less.solutions = only(&files.non_solutions, "cache-only");
    let found = said(&less, Proof::unproven_solutions);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("solved in two ways at least"));
    assert!(found[1].contains(
        "solutions/cache-only.json: it has to pass with every seed, and with seed 1 it misses: requests answered in time"
    ));
    // Two that are one.
    let mut twice = files.clone();
    twice.solutions = only(&files.solutions, "cache-and-queue");
    let same = twice.solutions["cache-and-queue"].clone();
    twice.solutions.insert("again".to_owned(), same);
    let found = said(&twice, Proof::unproven_solutions);
    assert!(found[0].contains("no two of the solutions"), "{found:?}");
    // A solution among the others, with and without a word on what it misses.
    let mut mixed = files.clone();
    mixed.non_solutions = only(&files.solutions, "cache-and-queue");
    let found = said(&mixed, Proof::unproven_non_solutions);
    assert!(found[0].contains("lacks more of everything"), "{found:?}");
    assert!(found[1].contains("misses: it is not refused"), "{found:?}");
    let bold = mixed.non_solutions["cache-and-queue"].replacen(
        "\"change\"",
        "\"misses\": [\"p99_ms\"], \"change\"",
        1,
    );
    mixed
        .non_solutions
        .insert("cache-and-queue".to_owned(), bold);
    let found = said(&mixed, Proof::unproven_non_solutions);
    assert!(
        found[1].contains("misses: with seed 1 it meets its objective for: p99 latency"),
        "{found:?}"
    );
    // A start that can't take today's load, and one that takes the day's.
    let mut weak = files.clone();
    weak.start = files
        .start
        .replacen("\"connections\": 4", "\"connections\": 1", 1);
    let found = said(&weak, Proof::unproven_start);
    assert!(
        found[0].contains("start.json: it has to run well under today's load"),
        "{found:?}"
    );
    let mut mild = files;
    mild.challenge = mild
        .challenge
        .replace("\"peak_per_s\": 1000", "\"peak_per_s\": 60")
        .replace("\"base_per_s\": 200", "\"base_per_s\": 40");
    let found = said(&mild, Proof::unproven_start);
    assert!(
        found[0].contains("start.json: it passes with seed"),
        "{found:?}"
    );
}
