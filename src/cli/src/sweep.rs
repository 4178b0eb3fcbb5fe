//! `lab sweep`: runs a design from 1 to 10 times its load, and says up to where it meets its goal and what gives first.
//! `lab certify`: makes the runs of such a report again, and says whether they come to the same.

use std::io::{self, Write};
use std::path::Path;

use comfy_table::{CellAlignment, LineStyle, Table, presets};
use scale_capacity::{
    Bottleneck, Evidence, Goal, Knee, Made, Report, Run, Sample, Sweep, Trial, Tried, at_load, plan,
};
use scale_course::Fault;
use scale_sim::{Estimate, Scenario};
use serde_json::Value;

use crate::args::{CertifyArguments, SweepArguments};
use crate::failure::{Failure, harmless};
use crate::input::{self, Input};
use crate::parallel;

/// A sweep to be made.
struct Plan {
    input: Input,
    factors: Vec<f64>,
    replications: u32,
    goal: Goal,
}

/// What came of a sweep.
struct Swept {
    sweep: Sweep,
    short: Vec<Vec<Bottleneck>>,
    /// The runs that had to be stopped, and why.
    stopped: Vec<(Trial, String)>,
}

/// Sweeps, and prints the curve. Tells whether every run came to its end.
///
/// # Errors
///
/// What is wrong with the inputs, or why the output could not be written.
pub fn sweep(arguments: &SweepArguments) -> Result<bool, Failure> {
    let steps = arguments.steps;
    let factor = |at| 1.0 + (arguments.to - 1.0) * f64::from(at - 1) / f64::from(steps.max(2) - 1);
    let plan = Plan {
        input: read(arguments)?,
        factors: (1..=steps).map(factor).collect(),
        replications: arguments.replications,
        goal: Goal {
            availability: arguments.availability,
            p99_ms: arguments.p99,
        },
    };
    let swept = plan.run(&arguments.scenario)?;
    let text = if arguments.json {
        plan.report(&swept) + "\n"
    } else {
        harmless(&text(&swept.sweep, &swept.short))
    };
    io::stdout().write_all(text.as_bytes())?;
    for (trial, stop) in &swept.stopped {
        writeln!(
            io::stderr(),
            "{}x, seed {}: {stop}",
            trial.factor,
            trial.seed
        )?;
    }
    Ok(swept.stopped.is_empty())
}

/// Makes the runs of a report again, and tells whether the figures are the same.
///
/// # Errors
///
/// What is wrong with the report, or why the output could not be written.
pub fn certify(arguments: &CertifyArguments) -> Result<bool, Failure> {
    let path = &arguments.report;
    let text = input::text(path)?;
    let wrong = |message: String| Failure::from(input::fault(path, &message));
    let (made, said) = Made::read(&text).map_err(wrong)?;
    let mut scenario =
        Scenario::from_value(&made.design).map_err(|found| input::faults(path, found))?;
    scenario.seed = made.seed;
    let plan = Plan {
        input: input::with_files(path, scenario)?,
        factors: made.factors(),
        replications: made.replications,
        goal: made.goal,
    };
    let swept = plan.run(path)?;
    // Both by way of their text, so that a number is what its digits say.
    let found: Value = serde_json::from_str(&plan.report(&swept)).expect("just written");
    let apart = ["points", "knee", "usl", "bottlenecks"]
        .into_iter()
        .find_map(|part| difference(&said[part], &found[part], &format!("/{part}")));
    let runs = plan.factors.len() * plan.replications as usize;
    let mut out = io::stdout().lock();
    let Some((at, said, found)) = apart else {
        writeln!(out, "confirmed: {runs} runs, and every figure is the same")?;
        return Ok(true);
    };
    writeln!(
        out,
        "not confirmed: {} says {said}, and the runs come to {found}",
        harmless(&at)
    )?;
    if made.lab != env!("CARGO_PKG_VERSION") {
        let (then, now) = (harmless(&made.lab), env!("CARGO_PKG_VERSION"));
        writeln!(
            out,
            "it was made by version {then} of the lab; this is {now}"
        )?;
    }
    Ok(false)
}

/// The first place where two values differ, with what stands there.
fn difference(a: &Value, b: &Value, at: &str) -> Option<(String, Value, Value)> {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(place, (a, b))| difference(a, b, &format!("{at}/{place}")))
        }
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            let mut names = a.keys();
            names.find_map(|name| difference(&a[name], &b[name], &format!("{at}/{name}")))
        }
        _ => (a != b).then(|| (at.to_owned(), a.clone(), b.clone())),
    }
}

fn read(arguments: &SweepArguments) -> Result<Input, Vec<Fault>> {
    let path = &arguments.scenario;
    let mut scenario = input::scenario(path, &arguments.settings.iter().cloned().collect())?;
    if let Some(seed) = arguments.seed {
        scenario.seed = seed;
    }
    input::with_files(path, scenario)
}

impl Plan {
    /// Makes the runs. Problems of a design at a load are told of `path`.
    fn run(&self, path: &Path) -> Result<Swept, Vec<Fault>> {
        let designs: Vec<Scenario> = { self.factors.iter() }
            .map(|factor| loaded(path, &self.input.scenario, *factor))
            .collect::<Result<_, _>>()?;
        let trials = plan(&self.factors, self.input.scenario.seed, self.replications);
        let work = |trial: &Trial| {
            let at = { self.factors.iter() }
                .position(|factor| factor.total_cmp(&trial.factor).is_eq())
                .expect("a trial is of one of the factors");
            let mut scenario = designs[at].clone();
            scenario.seed = trial.seed;
            let outcome = scale_sim::run(&scenario, &self.input.files)
                .map_err(|found| input::faults(path, found))?;
            Ok::<_, Vec<Fault>>(Tried::new(&Run::of(&scenario, &outcome), outcome.stop))
        };
        let count = trials.len();
        let done = parallel::map(&trials, work, |done| format!("{done} of {count} runs"));
        let done: Vec<Tried> = done.into_iter().collect::<Result<_, _>>()?;
        let samples: Vec<(Trial, Sample)> = { trials.iter().zip(&done) }
            .map(|(trial, done)| (*trial, done.sample))
            .collect();
        let stopped = trials.iter().zip(&done);
        let stopped = stopped.filter_map(|(trial, done)| Some((*trial, done.stopped.clone()?)));
        Ok(Swept {
            sweep: Sweep::new(&self.goal, &samples).expect("there is at least one trial"),
            stopped: stopped.collect(),
            // Those of the first seed.
            short: { done.into_iter() }
                .take(self.factors.len())
                .map(|done| done.bottlenecks)
                .collect(),
        })
    }

    /// All that is needed to make it again, as JSON.
    fn report(&self, swept: &Swept) -> String {
        let report = Report {
            lab: env!("CARGO_PKG_VERSION").to_owned(),
            goal: self.goal,
            seed: self.input.scenario.seed,
            replications: self.replications,
            sweep: swept.sweep.clone(),
            bottlenecks: swept.short.clone(),
            said: None,
            design: self.input.scenario.clone(),
        };
        report.json()
    }
}

/// The design at so many times its load, if a scenario may be so.
fn loaded(path: &Path, design: &Scenario, factor: f64) -> Result<Scenario, Vec<Fault>> {
    at_load(design.clone(), factor)
        .checked()
        .map_err(|problems| {
            let mut faults = input::faults(path, problems);
            for fault in &mut faults {
                fault.problem.message = format!("at {factor}x the load: {}", fault.problem.message);
            }
            faults
        })
}

fn text(sweep: &Sweep, short: &[Vec<Bottleneck>]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING.header_separator(LineStyle::none().fill('─')));
    table.set_header([
        "load",
        "offered/s",
        "answered/s",
        "availability",
        "p99 ms",
        "goal",
        "gives first",
    ]);
    for at in 1..=4 {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for (point, short) in sweep.points.iter().zip(short) {
        table.add_row([
            format!("{}x", rounded(point.factor)),
            estimated(&point.offered_per_s, 1.0, 1),
            estimated(&point.throughput_per_s, 1.0, 1),
            estimated(&point.availability, 100.0, 2) + "%",
            point
                .p99_ms
                .as_ref()
                .map_or_else(|| "-".to_owned(), |p99| estimated(p99, 1.0, 1)),
            if point.met { "met" } else { "missed" }.to_owned(),
            short.first().map_or_else(|| "none yet".to_owned(), told),
        ]);
    }
    let knee = match sweep.knee {
        Knee::Below(first) => format!("The goal is missed already at {}x.", rounded(first)),
        Knee::Between(last, first) => format!(
            "The goal is met up to {}x, and missed at {}x.",
            rounded(last),
            rounded(first)
        ),
        Knee::Beyond(last) => format!(
            "The goal is met up to {}x, the highest load that was tried.",
            rounded(last)
        ),
    };
    let law = sweep.usl.map_or_else(String::new, |law| {
        format!(
            "Universal Scalability Law: {:.1}/s at 1x, contention {:.4}, coherency {:.5} (R² {:.3}).\n",
            law.lambda, law.sigma, law.kappa, law.r_squared
        )
    });
    format!("{}\n\n{knee}\n{law}", table.trim_fmt())
}

fn rounded(factor: f64) -> f64 {
    (factor * 100.0).round() / 100.0
}

/// A mean with the half-width of its interval.
fn estimated(estimate: &Estimate, times: f64, digits: usize) -> String {
    let mean = format!("{:.digits$}", estimate.mean * times);
    match estimate.half_width {
        Some(half_width) => format!("{mean} ± {:.digits$}", half_width * times),
        None => mean,
    }
}

fn told(bottleneck: &Bottleneck) -> String {
    let evidence = bottleneck.evidence.iter().map(|evidence| match *evidence {
        Evidence::Utilisation(value) => format!("{:.0}% busy", value * 100.0),
        Evidence::Saturated(value) => format!("all busy {:.0}% of the time", value * 100.0),
        Evidence::QueueGrowsPerS(value) => format!("{value:.1} more wait each second"),
        Evidence::Refused(value) => format!("{:.1}% refused", value * 100.0),
        Evidence::ShareOfLatency(value) => format!("{:.0}% of the latency", value * 100.0),
    });
    let evidence: Vec<String> = evidence.collect();
    format!(
        "{} of {}: {}",
        bottleneck.resource.words(),
        bottleneck.component,
        evidence.join(", ")
    )
}
