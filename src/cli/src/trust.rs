//! `lab trust`: makes the runs of every claim of theory, and says whether they agree.

use std::io::{self, Write};

use comfy_table::{CellAlignment, LineStyle, Table, presets};
use scale_sim::{Files, Scenario, run};
use scale_trust::{Case, Check, Claim, Form, Judged, Verdict, claims, surprise};
use serde_json::{Value, json};

use crate::args::TrustArguments;
use crate::failure::Failure;
use crate::parallel;

/// A figure of a case, and what came of it.
struct Held<'a> {
    claim: &'a Claim,
    case: &'a Case,
    check: &'a Check,
    judged: Judged,
}

/// Runs all claims, and prints what came of them. Tells whether none is refuted.
///
/// # Errors
///
/// Why the output could not be written.
pub fn trust(arguments: &TrustArguments) -> Result<bool, Failure> {
    let claims = claims();
    let held = hold(&claims, arguments);
    let text = if arguments.json {
        json_of(&claims, &held, arguments)
    } else {
        text(&held)
    };
    io::stdout().write_all(text.as_bytes())?;
    let refuted = |held: &Held| held.check.is_refuted(&held.judged.estimate);
    Ok(!held.iter().any(refuted))
}

/// Makes the runs of all claims, side by side.
fn hold<'a>(claims: &'a [Claim], arguments: &TrustArguments) -> Vec<Held<'a>> {
    let cases = claims.iter().flat_map(|claim| &claim.cases);
    let scenarios: Vec<(&Case, Scenario)> = cases
        .map(|case| {
            let scenario = Scenario::from_json(&case.scenario);
            (case, scenario.expect("the tests of scale-trust read it"))
        })
        .collect();
    let seeds = 0..u64::from(arguments.replications);
    let trials: Vec<(&Case, &Scenario, u64)> = { scenarios.iter() }
        .flat_map(|(case, scenario)| {
            seeds
                .clone()
                .map(move |at| (*case, scenario, arguments.seed + at))
        })
        .collect();
    let figures = |(case, scenario, seed): &(&Case, &Scenario, u64)| {
        let scenario = Scenario {
            seed: *seed,
            ..(*scenario).clone()
        };
        let outcome = run(&scenario, &Files::new()).expect("the tests of scale-trust run it");
        let measures = case.measures();
        let values: Vec<Option<f64>> = { measures.iter() }
            .map(|measure| outcome.value(measure))
            .collect();
        case.figures(&values)
            .expect("a run of a claim is long enough for each of its figures")
    };
    let count = trials.len();
    let figures = parallel::map(&trials, figures, |done| format!("{done} of {count} runs"));

    let mut runs = figures.chunks(arguments.replications as usize);
    let mut held = Vec::new();
    for claim in claims {
        for case in &claim.cases {
            let of = runs.next().unwrap_or_default();
            for (at, check) in case.checks.iter().enumerate() {
                let values: Vec<f64> = of.iter().map(|figures| figures[at]).collect();
                let judged = check.judge(&values).expect("there is a run or more");
                held.push(Held {
                    claim,
                    case,
                    check,
                    judged,
                });
            }
        }
    }
    held
}

/// How many intervals miss.
fn missed(held: &[Held]) -> u32 {
    let missed = held.iter().map(|held| held.judged.verdict);
    missed
        .filter(|verdict| *verdict == Verdict::Outside)
        .count() as u32
}

fn verdict(held: &Held) -> &'static str {
    match held.judged.verdict {
        _ if held.check.is_refuted(&held.judged.estimate) => "refuted",
        Verdict::Open => "open",
        Verdict::Inside => "inside",
        Verdict::Outside => "outside",
    }
}

fn text(held: &[Held]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING.header_separator(LineStyle::none().fill('─')));
    table.set_header(["claim", "system", "figure", "theory", "measured", ""]);
    for at in [3, 4] {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut before = ["", ""];
    for held in held {
        let estimate = held.judged.estimate;
        let half = estimate.half_width.unwrap_or_default();
        let unit = match held.check.unit {
            "" => String::new(),
            unit => format!(" {unit}"),
        };
        // What is as in the line above need not be read again.
        let names = [held.claim.id, held.case.label.as_str()];
        let shown = [0, 1].map(|at| {
            if names[..=at] == before[..=at] {
                ""
            } else {
                names[at]
            }
        });
        before = names;
        table.add_row([
            shown[0].to_owned(),
            shown[1].to_owned(),
            held.check.label.to_owned(),
            format!("{:.4}{unit}", held.check.expected),
            format!("{:.4} ± {half:.4}{unit}", estimate.mean),
            verdict(held).to_owned(),
        ]);
    }
    let (missed, of) = (missed(held), held.len() as u32);
    let said = format!(
        "{missed} of {of} intervals miss; each does so once in a hundred although all is right, so {:.1} would be expected. As many or more: {:.0}% of seeds.",
        f64::from(of) * (1.0 - scale_trust::claim::LEVEL),
        surprise(missed, of) * 100.0
    );
    let mut lines = vec![table.trim_fmt(), String::new(), said];
    for held in held {
        let (claim, case) = (held.claim.id, &held.case.label);
        if let Form::Within(part, why) = held.check.form {
            let part = part * 100.0;
            lines.push(format!("{claim}, {case}: may be off by {part}%: {why}."));
        }
        if held.check.is_refuted(&held.judged.estimate) {
            let figure = held.check.label;
            lines.push(format!(
                "{claim}, {case}: {figure} is off by more than twice its interval. That is not chance."
            ));
        }
    }
    lines.join("\n") + "\n"
}

fn json_of(claims: &[Claim], held: &[Held], arguments: &TrustArguments) -> String {
    let mut rest = held.iter();
    let check = |held: &Held| {
        let form = match held.check.form {
            Form::Exact => Value::Null,
            Form::Within(part, why) => json!({ "within": part, "because": why }),
        };
        json!({
            "figure": held.check.label,
            "unit": held.check.unit,
            "theory": held.check.expected,
            "form": form,
            "measured": held.judged.estimate,
            "verdict": verdict(held),
        })
    };
    let mut cases_of = |claim: &Claim| -> Vec<Value> {
        let cases = claim.cases.iter().map(|case| {
            let checks: Vec<Value> = { rest.by_ref() }
                .take(case.checks.len())
                .map(check)
                .collect();
            json!({ "system": case.label, "figures": checks })
        });
        cases.collect()
    };
    let claims: Vec<Value> = { claims.iter() }
        .map(|claim| {
            json!({
                "id": claim.id,
                "title": claim.title,
                "formula": claim.formula,
                "source": claim.source,
                "systems": cases_of(claim),
            })
        })
        .collect();
    let (missed, of) = (missed(held), held.len() as u32);
    let report = json!({
        "lab": env!("CARGO_PKG_VERSION"),
        "seed": arguments.seed,
        "replications": arguments.replications,
        "intervals": of,
        "missed": missed,
        "surprise": surprise(missed, of),
        "claims": claims,
    });
    serde_json::to_string_pretty(&report).expect("a report is plain data") + "\n"
}
