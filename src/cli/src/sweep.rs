//! `lab sweep`: runs a design from 1 to 10 times its load, and says up to where it meets its goal and what gives first.

use std::io::{self, Write};
use std::path::Path;

use comfy_table::{CellAlignment, LineStyle, Table, presets};
use scale_capacity::{
    Bottleneck, Evidence, Goal, Knee, Sample, Sweep, Trial, at_load, bottlenecks, plan,
};
use scale_course::Fault;
use scale_sim::{Estimate, Scenario, Stop};
use serde::Serialize;

use crate::args::SweepArguments;
use crate::failure::{Failure, harmless};
use crate::input::{self, Input};
use crate::parallel;

/// A capacity curve with what it was made of: all that is needed to make it again.
#[derive(Serialize, Debug)]
struct SweepReport<'a> {
    /// The version of the lab.
    lab: &'static str,
    goal: Goal,
    seed: u64,
    replications: u32,
    #[serde(flatten)]
    sweep: &'a Sweep,
    /// By point: what is short in the run of the first seed, the first to give in front.
    bottlenecks: &'a [Vec<Bottleneck>],
    /// The design, as it was read.
    design: &'a Scenario,
}

/// What one run came to.
struct Done {
    sample: Sample,
    short: Vec<Bottleneck>,
    stop: Stop,
}

/// Sweeps, and prints the curve. Tells whether every run came to its end.
///
/// # Errors
///
/// What is wrong with the inputs, or why the output could not be written.
pub fn sweep(arguments: &SweepArguments) -> Result<bool, Failure> {
    let path = &arguments.scenario;
    let input = read(arguments)?;
    let steps = arguments.steps;
    let factors: Vec<f64> = (1..=steps)
        .map(|at| 1.0 + (arguments.to - 1.0) * f64::from(at - 1) / f64::from(steps.max(2) - 1))
        .collect();
    let designs: Vec<Scenario> = factors
        .iter()
        .map(|factor| loaded(path, &input.scenario, *factor))
        .collect::<Result<_, _>>()?;
    let seed = input.scenario.seed;
    let trials = plan(&factors, seed, arguments.replications);
    let work = |trial: &Trial| {
        let at = factors
            .iter()
            .position(|factor| factor.total_cmp(&trial.factor).is_eq());
        let mut scenario = designs[at.expect("a trial is of one of the factors")].clone();
        scenario.seed = trial.seed;
        let outcome =
            scale_sim::run(&scenario, &input.files).map_err(|found| input::faults(path, found))?;
        Ok::<_, Vec<Fault>>(Done {
            sample: Sample::new(&outcome.figures),
            short: bottlenecks(&scenario, &outcome),
            stop: outcome.stop,
        })
    };
    let count = trials.len();
    let done = parallel::map(&trials, work, |done| format!("{done} of {count} runs"));
    let done: Vec<Done> = done.into_iter().collect::<Result<_, _>>()?;
    let goal = Goal {
        availability: arguments.availability,
        p99_ms: arguments.p99,
    };
    let samples: Vec<(Trial, Sample)> = { trials.iter().zip(&done) }
        .map(|(trial, done)| (*trial, done.sample))
        .collect();
    let sweep = Sweep::new(&goal, &samples).expect("there is at least one trial");
    let short: Vec<Vec<Bottleneck>> = done
        .iter()
        .take(factors.len())
        .map(|done| done.short.clone())
        .collect();
    let text = if arguments.json {
        let report = SweepReport {
            lab: env!("CARGO_PKG_VERSION"),
            goal,
            seed,
            replications: arguments.replications,
            sweep: &sweep,
            bottlenecks: &short,
            design: &input.scenario,
        };
        serde_json::to_string_pretty(&report).expect("a report is plain data") + "\n"
    } else {
        harmless(&text(&sweep, &short))
    };
    io::stdout().write_all(text.as_bytes())?;
    let mut whole = true;
    for (trial, done) in trials
        .iter()
        .zip(&done)
        .filter(|(_, done)| done.stop != Stop::Reached)
    {
        whole = false;
        writeln!(
            io::stderr(),
            "{}x, seed {}: {}",
            trial.factor,
            trial.seed,
            done.stop
        )?;
    }
    Ok(whole)
}

fn read(arguments: &SweepArguments) -> Result<Input, Vec<Fault>> {
    let path = &arguments.scenario;
    let mut scenario = input::scenario(path, &arguments.settings.iter().cloned().collect())?;
    if let Some(seed) = arguments.seed {
        scenario.seed = seed;
    }
    input::with_files(path, scenario)
}

/// The design at so many times its load, if a scenario may be so.
fn loaded(path: &Path, design: &Scenario, factor: f64) -> Result<Scenario, Vec<Fault>> {
    at_load(design, factor).checked().map_err(|problems| {
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
