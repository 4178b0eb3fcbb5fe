//! What can be asked for on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use scale_sim::Fault;
use serde_json::Value;

/// Run systems under load on the command line, and check scenarios and lessons.
///
/// The same engine runs Scale Lab's lessons in the browser: the same scenario and seed give the same run, to the byte.
#[derive(Parser, Debug)]
#[command(name = "lab", version, flatten_help = true, after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  lab run shop.json                        one run, as tables
  lab run shop.json --seed 8 --json        another seed, as JSON
  lab run shop.json --replications 20      20 seeds, each figure ± its 99% confidence half-width
  lab run shop.json --set /components/shop/service/instances=3
  lab run shop.json --until 10 --events log.csv
  lab run shop.json --trace shop.trace.json
  lab run shop.json --events - | head      the event log alone on the standard output
  lab hunt bank.json                       a run that breaks an invariant, made small
  lab hunt bank.json --time 60 --save found.json
  lab sweep shop.json                      1x to 10x the load, and what gives first
  lab sweep shop.json --p99 200 --to 4 --steps 7
  lab sweep shop.json --json > sweep.json
  lab certify sweep.json                   the same runs again: are the figures the same?
  lab trust                                closed forms of queueing theory against runs
  lab trust --seed 7 --replications 40
  lab check shop.json lessons              every problem, with its place
  lab schema scenario > scenario.schema.json

Exit codes:
  0  all is well
  1  a file has a problem, a run had to be stopped, a hunt found a violation, a report was not confirmed,
     or theory was refuted
  2  the command was not understood";

/// The subcommands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run a scenario and print its figures
    Run(RunArguments),
    /// Look for a run that breaks one of the scenario's invariants, and print how to see it again
    ///
    /// Tries seeds first; then, with each seed, a crash or another fault of each component and link after each event of the
    /// run. What is found is made small: fewer faults and users, an earlier moment, a shorter run. It is printed as a
    /// sentence, the fault to add, and the command that replays it. Exits with 1 if a violation was found, else with 0.
    Hunt(HuntArguments),
    /// Run a design from 1 to 10 times its load, and print its capacity curve and what gives first
    ///
    /// Each load is run with several seeds, the same for each. A figure is a mean with the half-width of its 95% confidence
    /// interval (Student's t); the goal is met where it is met at the worse end of each. What gives first is named with its
    /// evidence. Beside the curve stands the fit of the Universal Scalability Law (Gunther 2007).
    Sweep(SweepArguments),
    /// Make the runs of a report of `lab sweep --json` again, and say whether every figure is the same
    ///
    /// A report holds the design, the goal, the loads and the seeds, so that anyone can do so. Exits with 1 if a figure is
    /// another.
    Certify(CertifyArguments),
    /// Hold the engine against queueing theory: run every system with a closed form, and print both
    ///
    /// The same systems as on the page "How do we know?". A figure is a mean with the half-width of its 99% confidence interval
    /// (Student's t), so one in a hundred misses although all is right. Exits with 1 if a mean is off by more than twice its
    /// interval.
    Trust(TrustArguments),
    /// Check scenarios and lessons, and print every problem with its place
    ///
    /// A PATH is a scenario, a folder of scenarios, a lesson's folder, or the folder of all lessons. Lessons are checked
    /// whole: the claims of their steps and their proof are run with 20 seeds.
    Check(CheckArguments),
    /// Print the JSON Schema of a file format
    Schema {
        /// Which format
        #[arg(value_enum, default_value_t)]
        format: Format,
    },
}

/// `lab run`.
#[derive(Args, Debug)]
pub struct RunArguments {
    /// The scenario, a JSON file; files that it names are looked up beside it
    pub scenario: PathBuf,

    /// The seed of every random draw, instead of the scenario's own
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// When the run ends, in simulated seconds, instead of the scenario's own horizon
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub until: Option<f64>,

    /// How many runs to make, with seeds that count up from the first; with two or more each figure is a mean with the
    /// half-width of its 99% confidence interval (Student's t)
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub replications: u32,

    /// Change one value of the scenario before the run, such as /components/shop/service/workers=4: a JSON Pointer
    /// (RFC 6901) to a value that is there, and a JSON value or a bare word; may be given again
    #[arg(long = "set", value_name = "POINTER=VALUE", value_parser = setting)]
    pub settings: Vec<(String, Value)>,

    /// Add a fault, as JSON, as it would stand in the scenario's "faults"; `lab hunt` prints such; may be given again
    #[arg(long = "fault", value_name = "JSON", value_parser = fault)]
    pub faults: Vec<Fault>,

    /// Print the figures as JSON: the fields are described by `lab schema report`
    #[arg(long)]
    pub json: bool,

    /// Write every event of the run as CSV to FILE, or to the standard output with '-' (the figures then go to the
    /// standard error)
    #[arg(long, value_name = "FILE", conflicts_with = "replications")]
    pub events: Option<PathBuf>,

    /// Write the run to FILE as trace events of Chrome, to be opened in ui.perfetto.dev; of a long run its beginning, up to
    /// about 256 MB
    #[arg(long, value_name = "FILE", conflicts_with = "replications")]
    pub trace: Option<PathBuf>,
}

/// `lab hunt`.
#[derive(Args, Debug)]
pub struct HuntArguments {
    /// The scenario, a JSON file with "invariants"; files that it names are looked up beside it
    pub scenario: PathBuf,

    /// The first seed, instead of the scenario's own
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// How many seeds to try, counting up from the first
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub seeds: u32,

    /// How long to look, in seconds; making smaller what was found may take half as long again
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds)]
    pub time: f64,

    /// Try no faults but the scenario's own
    #[arg(long)]
    pub no_faults: bool,

    /// How many events one run may have
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=200_000_000))]
    pub events: u64,

    /// Change one value of the scenario before the hunt, as `lab run` does; may be given again
    #[arg(long = "set", value_name = "POINTER=VALUE", value_parser = setting)]
    pub settings: Vec<(String, Value)>,

    /// Write the scenario of the run that was found to FILE
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
}

impl HuntArguments {
    /// Whether faults are tried.
    pub const fn faults(&self) -> bool {
        !self.no_faults
    }
}

/// `lab sweep`.
#[derive(Args, Debug)]
pub struct SweepArguments {
    /// The design: a scenario, whose load is 1x; files that it names are looked up beside it
    pub scenario: PathBuf,

    /// The highest load, as a multiple
    #[arg(long, value_name = "FACTOR", default_value_t = 10.0, value_parser = multiple)]
    pub to: f64,

    /// How many loads to try, evenly from 1x to the highest
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=100))]
    pub steps: u32,

    /// How many seeds to run each load with
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub replications: u32,

    /// The first seed, instead of the scenario's own
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// The goal: the least share of requests that must be answered, in time where a client has a deadline
    #[arg(long, value_name = "SHARE", default_value_t = 0.99, value_parser = share)]
    pub availability: f64,

    /// The goal: the most that the 99th percentile of latency may be, in milliseconds
    #[arg(long, value_name = "MS")]
    pub p99: Option<f64>,

    /// Change one value of the design first, as `lab run` does; may be given again
    #[arg(long = "set", value_name = "POINTER=VALUE", value_parser = setting)]
    pub settings: Vec<(String, Value)>,

    /// Print the curve as JSON, with the design, the seed and the version of the lab
    #[arg(long)]
    pub json: bool,
}

/// `lab certify`.
#[derive(Args, Debug)]
pub struct CertifyArguments {
    /// The report, a JSON file; files that its design names are looked up beside it
    pub report: PathBuf,
}

/// `lab trust`.
#[derive(Args, Debug)]
pub struct TrustArguments {
    /// The first seed; the others count up from it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=u64::MAX - 1_000))]
    pub seed: u64,

    /// How many seeds to run each system with
    #[arg(long, value_name = "N", default_value_t = scale_trust::claim::REPLICATIONS, value_parser = clap::value_parser!(u32).range(2..=1_000))]
    pub replications: u32,

    /// Print all of it as JSON, with the seed and the version of the lab
    #[arg(long)]
    pub json: bool,
}

/// `lab check`.
#[derive(Args, Debug)]
pub struct CheckArguments {
    /// Scenarios, folders of scenarios, folders of lessons and of challenges, or the folder of all lessons
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// The formats that have a schema.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    /// A scenario: a system, its load and its seed
    #[default]
    Scenario,
    /// The data blocks of a lesson's Markdown, by name
    Lesson,
    /// The questions of a lesson
    Quiz,
    /// The order of the lessons
    Catalog,
    /// A challenge: what is asked, and the day on which a design is judged
    Challenge,
    /// A solution, or a non-solution, of a challenge
    Attempt,
    /// What `lab run --json` prints
    Report,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds".to_owned())?;
    if (0.1..=86_400.0).contains(&seconds) {
        Ok(seconds)
    } else {
        Err("0.1 to 86400 seconds are allowed".to_owned())
    }
}

fn multiple(text: &str) -> Result<f64, String> {
    number(text, 1.1, 1_000.0)
}

fn share(text: &str) -> Result<f64, String> {
    number(text, 0.0, 1.0)
}

fn number(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok();
    let allowed = number.filter(|number| (least..=most).contains(number));
    allowed.ok_or_else(|| format!("{least} to {most} is allowed"))
}

fn fault(text: &str) -> Result<Fault, String> {
    scale_sim::read_json(text).map_err(|problem| problem.to_string())
}

fn setting(text: &str) -> Result<(String, Value), String> {
    let (pointer, value) = text
        .split_once('=')
        .ok_or("a setting reads POINTER=VALUE, such as /components/shop/service/workers=4")?;
    if !pointer.starts_with('/') {
        return Err(format!(
            "'{pointer}' is no JSON Pointer: it begins with '/'"
        ));
    }
    // What is no JSON is a bare word: quotes inside a shell's quotes are a nuisance.
    let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
    Ok((pointer.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_command_line_is_well_formed() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn a_setting_takes_json_or_a_bare_word() {
        assert_eq!(setting("/a/b=3.5"), Ok(("/a/b".into(), json!(3.5))));
        assert_eq!(setting("/a={\"x\":1}"), Ok(("/a".into(), json!({"x": 1}))));
        assert_eq!(
            setting("/a=round_robin"),
            Ok(("/a".into(), json!("round_robin")))
        );
        assert_eq!(setting("/a=b=c"), Ok(("/a".into(), json!("b=c"))));
        assert!(
            setting("/a")
                .expect_err("no value")
                .contains("POINTER=VALUE")
        );
        assert!(
            setting("a=1")
                .expect_err("no pointer")
                .contains("begins with '/'")
        );
    }
}
