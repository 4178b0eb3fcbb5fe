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
