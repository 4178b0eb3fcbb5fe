//! Runs of a design on workers, each held against what is promised.

use core::cell::RefCell;
use std::rc::Rc;

use scale_capacity::{Bottleneck, ErrorBudget, Measured, Objective, Run, Verdict};
use scale_design::Design;
use scale_sim::{Files, Model, Problem, Scenario};
use yew::Callback;

use super::cost::money;
use super::words::number;
use crate::browser;
use crate::protocol::{Command, Played, Reply};
use crate::simulator::Simulator;

/// So many runs, each with a seed of its own, judge a design.
pub const RUNS: u32 = 5;

/// What a run came to; with why it had to stop before its end, if it had.
pub type Judge = Rc<dyn Fn(&Run<'_>, Option<String>) -> Verdict>;

/// A judgement under way, or made.
#[derive(Default)]
pub struct Judging {
    /// What is run.
    pub runs: Vec<Scenario>,
    /// What was judged.
    pub design: Option<Design>,
    /// Why it could not be.
    pub failed: Option<String>,
    /// The worst of each objective when it was last judged.
    pub before: Option<Vec<(Objective, Option<f64>)>>,
    verdicts: Vec<Option<Verdict>>,
    /// What gave first in each run.
    short: Vec<Option<Bottleneck>>,
    /// The workers, while they are at it.
    workers: Vec<Simulator>,
}

impl Judging {
    /// Begins these runs of a design, in place of what was judged before. `heard` is called whenever there is news.
    pub fn begin(
        state: &Rc<RefCell<Self>>,
        design: &Design,
        runs: Result<Vec<Scenario>, Vec<Problem>>,
        judge: &Judge,
        heard: &Callback<()>,
    ) {
        let mut new = Self {
            before: state.borrow().worst_values(),
            design: Some(design.clone()),
            ..Self::default()
        };
        match runs {
            Err(problems) => new.failed = problems.first().map(ToString::to_string),
            Ok(runs) => {
                new.verdicts = vec![None; runs.len()];
                new.short = vec![None; runs.len()];
                let processors = browser::window().navigator().hardware_concurrency() as usize;
                let workers = processors.clamp(1, runs.len().max(1));
                new.workers = (0..workers)
                    .map(|_| {
                        let (state, judge, heard) =
                            (Rc::clone(state), Rc::clone(judge), heard.clone());
                        Simulator::new(Callback::from(move |reply: Reply| {
                            let ended = state.borrow_mut().hear(&judge, reply);
                            // A worker ends after it has been heard.
                            drop(ended);
                            heard.emit(());
                        }))
                    })
                    .collect();
                for (at, run) in runs.iter().enumerate() {
                    new.workers[at % workers].ask(Command::Play {
                        question: at as u32,
                        scenario: scale_sim::write_json(run),
                    });
                }
                new.runs = runs;
            }
        }
        state.replace(new);
    }

    /// Takes in what a worker says. The workers, once they are needed no more.
    fn hear(&mut self, judge: &Judge, reply: Reply) -> Vec<Simulator> {
        match reply {
            Reply::Played(at, played) => {
                let at = at as usize;
                let read = || {
                    let played: Played = bincode::deserialize(&played).ok()?;
                    let scenario = self.runs.get(at)?;
                    let model = Model::new(scenario, &Files::new()).ok()?;
                    let run = Run {
                        scenario,
                        model: &model,
                        figures: &played.figures,
                        series: &played.series,
                    };
                    let short = scale_capacity::bottlenecks(&run).into_iter().next();
                    Some((judge(&run, played.stopped.clone()), short))
                };
                let read = read();
                if let (Some(verdict), Some(short)) =
                    (self.verdicts.get_mut(at), self.short.get_mut(at))
                {
                    let (judged, gave) = read.unzip();
                    *verdict = judged;
                    *short = gave.flatten();
                }
            }
            Reply::Refused(_, why) => self.failed = Some(why),
            _ => {}
        }
        let over = self.failed.is_some() || self.verdicts.iter().all(Option::is_some);
        if over {
            core::mem::take(&mut self.workers)
        } else {
            Vec::new()
        }
    }

    /// Whether it is under way.
    pub fn is_under_way(&self) -> bool {
        !self.workers.is_empty()
    }

    /// The runs that are judged, in order.
    pub fn verdicts(&self) -> impl Iterator<Item = &Verdict> + Clone {
        self.verdicts.iter().flatten()
    }

    /// The run in which most was missed.
    pub fn worst_run(&self) -> usize {
        let missed =
            |verdict: &Option<Verdict>| verdict.as_ref().map_or(0, |of| of.missed().count());
        let runs = self.verdicts.iter().enumerate().rev();
        let worst = runs.max_by_key(|(_, verdict)| missed(verdict));
        worst.map_or(0, |(at, _)| at)
    }

    /// What gave first in the run in which most was missed.
    pub fn gave_first(&self) -> Option<&Bottleneck> {
        self.short.get(self.worst_run()).and_then(Option::as_ref)
    }

    /// Each objective as it was in the run that kept it least, and in how many runs it was kept.
    pub fn objectives(&self) -> Vec<(Measured, usize)> {
        let first = self.verdicts().next();
        let count = first.map_or(0, |first| first.measured.len());
        let of = |at: usize| {
            let runs = self.verdicts().filter_map(move |run| run.measured.get(at));
            let worst = runs.clone().max_by(|a, b| spent(a).total_cmp(&spent(b)))?;
            Some((*worst, runs.filter(|measured| measured.met).count()))
        };
        (0..count).filter_map(of).collect()
    }

    /// The worst value of each objective; nothing before there are any.
    fn worst_values(&self) -> Option<Vec<(Objective, Option<f64>)>> {
        let all = self.objectives();
        (!all.is_empty()).then(|| {
            let values = all.iter().map(|(worst, _)| (worst.objective, worst.value));
            values.collect()
        })
    }

    /// What an objective came to when the design was last judged.
    pub fn before(&self, objective: Objective) -> Option<f64> {
        let mut before = self.before.iter().flatten();
        before.find(|(of, _)| *of == objective)?.1
    }
}

/// How much of what is allowed was spent; what was missed without a measure is worst.
fn spent(measured: &Measured) -> f64 {
    let over = if measured.met { 0.0 } else { 1e9 };
    over + used(measured).or(measured.value).unwrap_or(f64::MAX / 1e12)
}

/// The part of its error budget that an objective used, if it has one.
pub fn used(measured: &Measured) -> Option<f64> {
    measured.budget.as_ref().and_then(ErrorBudget::used)
}

/// So much of an error budget: in hundredths, or how many times over.
pub fn budget_used(used: f64) -> String {
    if used < 3.0 {
        format!("{} %", number((used * 100.0).round()))
    } else {
        format!("{} times over", number(used.round()))
    }
}

/// A bound in words: "at least 98.5 %", "at most 700 ms".
pub fn bounded(objective: Objective, bound: f64, currency: &str) -> String {
    let least = if objective.is_least() {
        "at least"
    } else {
        "at most"
    };
    format!("{least} {}", value(objective, bound, currency))
}

/// A value of an objective with its unit.
pub fn value(objective: Objective, value: f64, currency: &str) -> String {
    if objective == Objective::CostPerH {
        return money(currency, value);
    }
    if objective.is_share() {
        return format!("{} %", number((value * 1e5).round() / 1e3));
    }
    let rounded = number((value * 100.0).round() / 100.0);
    match objective.unit() {
        "" => rounded,
        unit => format!("{rounded} {unit}"),
    }
}
