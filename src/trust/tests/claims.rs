//! What theory says holds in runs; and what it does not say is told from it.

use scale_sim::{Files, Outcome, Scenario, run};
use scale_trust::claim::REPLICATIONS;
use scale_trust::{Case, Claim, Verdict, claims, surprise};

/// A case's runs, with seeds from `seed` on.
fn runs(case: &Case, seed: u64) -> Vec<Outcome> {
    let scenario = Scenario::from_json(&case.scenario)
        .unwrap_or_else(|problems| panic!("{}: {problems:?}", case.label));
    let one = |seed| {
        let scenario = Scenario {
            seed,
            ..scenario.clone()
        };
        run(&scenario, &Files::new()).expect("checked")
    };
    let half = u64::from(REPLICATIONS / 2);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| (seed..seed + half).map(one).collect::<Vec<_>>());
        let mut second: Vec<Outcome> = { seed + half..seed + u64::from(REPLICATIONS) }
            .map(one)
            .collect();
        let mut all = first.join().expect("no run panics");
        all.append(&mut second);
        all
    })
}

/// Of each check: what it is, the runs' values, and the check.
fn measured(claim: &Claim, seed: u64) -> Vec<(String, Vec<f64>, &scale_trust::Check)> {
    let mut all = Vec::new();
    for case in &claim.cases {
        let wanted = case.measures();
        let figures = |outcome: Outcome| {
            let measured: Vec<Option<f64>> = wanted.iter().map(|m| outcome.value(m)).collect();
            case.figures(&measured)
                .expect("there is something to measure")
        };
        let figures: Vec<Vec<f64>> = runs(case, seed).into_iter().map(figures).collect();
        for (at, check) in case.checks.iter().enumerate() {
            let what = format!("{}, {}: {}", claim.id, case.label, check.label);
            all.push((what, figures.iter().map(|of| of[at]).collect(), check));
        }
    }
    all
}

#[test]
fn runs_agree_with_theory_and_not_with_what_is_near_it() {
    let (mut missed, mut of, mut told) = (0, 0, 0);
    for claim in claims() {
        // Any seed will do; the page takes the reader's.
        for (what, values, check) in measured(&claim, 40_001) {
            let judged = check.judge(&values).expect("there are runs");
            let estimate = judged.estimate;
            let half = estimate.half_width.expect("there are many runs");
            println!(
                "{what}: {} ± {half}, theory {}",
                estimate.mean, check.expected
            );
            of += 1;
            missed += u32::from(judged.verdict == Verdict::Outside);
            assert!(
                !check.is_refuted(&estimate),
                "{what}: {estimate:?}, theory {}",
                check.expected
            );
            assert!(
                half < 0.08 * check.expected,
                "{what}: ± {half} shows nothing"
            );
            // What is a tenth off is told from the truth.
            let wrong = scale_trust::Check {
                expected: check.expected * 1.1,
                ..check.clone()
            };
            told += u32::from(
                wrong.judge(&values).expect("there are runs").verdict == Verdict::Outside,
            );
        }
    }
    assert!(of >= 30, "{of}");
    let chance = surprise(missed, of);
    assert!(chance > 1e-3, "{missed} of {of} miss: a chance of {chance}");
    assert!(told * 10 >= of * 9, "only {told} of {of} errors were seen");
}
