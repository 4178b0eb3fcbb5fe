//! `lab trust`.

use serde_json::Value;

use crate::common::lab;

/// The figures of all claims.
fn figures(report: &Value) -> Vec<&Value> {
    let claims = report["claims"].as_array().expect("claims");
    let systems = claims
        .iter()
        .flat_map(|claim| claim["systems"].as_array().expect("systems"));
    systems
        .flat_map(|system| system["figures"].as_array().expect("figures"))
        .collect()
}

#[test]
fn runs_agree_with_theory_and_a_seed_gives_the_same_again() {
    let asked = ["trust", "--seed", "11", "--replications", "3", "--json"];
    let done = lab(asked);
    assert_eq!(done.code, Some(0), "{}\n{}", done.out, done.err);
    let report: Value = serde_json::from_str(&done.out).expect("JSON");
    assert_eq!(report["seed"], 11);
    let found = figures(&report);
    assert_eq!(report["intervals"], found.len());
    assert!(found.len() > 25);
    for figure in &found {
        let (theory, mean) = (
            figure["theory"].as_f64(),
            figure["measured"]["mean"].as_f64(),
        );
        let (theory, mean) = (theory.expect("a number"), mean.expect("a number"));
        assert!((mean / theory - 1.0).abs() < 0.25, "{figure:#}");
        assert_eq!(figure["measured"]["n"], 3);
    }
    let missed = found.iter().filter(|figure| figure["verdict"] != "inside");
    assert_eq!(report["missed"], missed.count());

    // What is printed for people says the same, of runs that are made anew.
    let told = lab(["trust", "--seed", "11", "--replications", "3"]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    let line = told.out.lines().find(|line| line.contains("mm1 "));
    assert!(
        line.is_some_and(|line| line.contains("Utilisation") && line.contains("50.0000 %")),
        "{}",
        told.out
    );
    assert!(
        told.out.contains(&format!(
            "{} of {} intervals miss",
            report["missed"],
            found.len()
        )),
        "{}",
        told.out
    );
}

#[test]
fn a_seed_or_a_count_that_cannot_be_is_told() {
    for wrong in [
        ["--seed", "x"],
        ["--seed", "-1"],
        ["--replications", "1"],
        ["--replications", "1001"],
    ] {
        let done = lab(["trust"].into_iter().chain(wrong));
        assert_eq!(done.code, Some(2), "{wrong:?}");
        assert!(done.err.contains(wrong[1]), "{}", done.err);
    }
}
