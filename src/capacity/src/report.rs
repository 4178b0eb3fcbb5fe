//! The report of a sweep: all that is needed to read it, and to make it again.

use scale_sim::{Problem, Scenario, Stop};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bottleneck::{Bottleneck, Run, bottlenecks};
use crate::load::at_load;
use crate::sweep::{Goal, Sample, Sweep, Trial};

/// A capacity curve with what it was made of.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The version of the lab that made it.
    pub lab: String,
    /// What the design must keep.
    pub goal: Goal,
    /// The seed of the first replication.
    pub seed: u64,
    /// Runs at each load.
    pub replications: u32,
    /// The curve.
    #[serde(flatten)]
    pub sweep: Sweep,
    /// By point: what is short in the run of the first seed, the first to give in front.
    pub bottlenecks: Vec<Vec<Bottleneck>>,
    /// What its author said before the runs were made, if anybody was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
    /// The design.
    pub design: Scenario,
}

/// What somebody said of a design before it was run.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// The component that gives first; none if nothing does.
    pub gives_first: Option<String>,
    /// At which multiple of the load; none if at none that is tried.
    pub at: Option<f64>,
    /// What to change, and why.
    pub change: String,
}

/// What one run of a sweep came to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Tried {
    /// Its point of the curve.
    pub sample: Sample,
    /// What was short in it.
    pub bottlenecks: Vec<Bottleneck>,
    /// Why it had to stop before its end, if it had.
    pub stopped: Option<String>,
}

impl Tried {
    /// What a run came to that ended so.
    pub fn new(run: &Run<'_>, stop: Stop) -> Self {
        Self {
            sample: Sample::new(run.figures),
            bottlenecks: bottlenecks(run),
            stopped: (stop != Stop::Reached).then(|| stop.to_string()),
        }
    }
}

/// The scenario of one run of a sweep.
///
/// # Errors
///
/// What is out of range at that load.
pub fn trial(design: Scenario, trial: &Trial) -> Result<Scenario, Vec<Problem>> {
    let mut scenario = at_load(design, trial.factor)
        .checked()
        .map_err(|mut problems| {
            for problem in &mut problems {
                problem.message = format!("at {}x the load: {}", trial.factor, problem.message);
            }
            problems
        })?;
    scenario.seed = trial.seed;
    Ok(scenario)
}

/// What stands before and after a report in a page.
const OPEN: &str = "<script type=\"application/json\" id=\"scale-lab-report\">";
const CLOSE: &str = "</script>";

impl Report {
    /// As JSON.
    ///
    /// # Panics
    ///
    /// Never: it is plain data.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data")
    }

    /// As JSON in an element of a page that shows nothing; nothing in it ends the element.
    pub fn embedded(&self) -> String {
        format!("{OPEN}{}{CLOSE}", self.json().replace('<', "\\u003c"))
    }
}

/// What of a report says which runs to make. What they came to is compared with the text itself, so that it need not be read.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Made {
    /// The version of the lab that made it.
    pub lab: String,
    /// What the design must keep.
    pub goal: Goal,
    /// The seed of the first replication.
    pub seed: u64,
    /// Runs at each load.
    pub replications: u32,
    /// The loads, as far as they say which.
    points: Vec<At>,
    /// The design.
    pub design: Value,
}

#[derive(Clone, PartialEq, Debug, Deserialize)]
struct At {
    factor: f64,
}

/// Loads and seeds that a report may ask for: as many as `lab sweep` makes.
const STEPS: usize = 100;
const REPLICATIONS: u32 = 1_000;

impl Made {
    /// Reads a report, or the page that it stands in. Gives all that it says, too.
    ///
    /// # Errors
    ///
    /// Why it is none, as the end of a sentence that begins with its name.
    pub fn read(text: &str) -> Result<(Self, Value), String> {
        let none = |error| format!("is no report of lab sweep --json: {error}");
        let said: Value = serde_json::from_str(in_page(text)).map_err(none)?;
        let made = Self::deserialize(&said).map_err(none)?;
        let (loads, seeds) = (made.points.len(), made.replications);
        if !(1..=STEPS).contains(&loads) || !(1..=REPLICATIONS).contains(&seeds) {
            return Err(format!(
                "asks for {loads} loads and {seeds} seeds: 1 to {STEPS} and 1 to {REPLICATIONS} are allowed"
            ));
        }
        Ok((made, said))
    }

    /// The loads, as multiples of the design's own.
    pub fn factors(&self) -> Vec<f64> {
        self.points.iter().map(|point| point.factor).collect()
    }
}

/// The report in a text: the text itself, or what stands in it if it is a page.
fn in_page(text: &str) -> &str {
    let inside = text
        .split_once(OPEN)
        .and_then(|(_, rest)| rest.split_once(CLOSE));
    inside.map_or(text, |(report, _)| report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_found_in_its_page() {
        let page =
            format!("<!doctype html><p>{{}}</p>{OPEN}{{\"a\": \"\\u003c/script>\"}}{CLOSE}</html>");
        assert_eq!(in_page(&page), "{\"a\": \"\\u003c/script>\"}");
        assert_eq!(in_page("{}"), "{}");
    }
}
