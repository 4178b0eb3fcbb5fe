//! The runs of the claims, on as many workers as the machine has processors for.

use core::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use gloo::timers::callback::Timeout;
use scale_sim::{read_json, write_json};
use scale_trust::claim::REPLICATIONS;
use scale_trust::{Claim, Verdict, claims};
use serde_json::Value;
use yew::Callback;

use super::way::SEED;
use crate::browser;
use crate::handle::Handle;
use crate::protocol::{Command, Job, Reply};
use crate::simulator::Simulator;

/// More workers than this cost more memory than they save time.
const MOST: usize = 8;
/// How long nothing may be heard of a run before all are given up, in milliseconds.
const PATIENCE_MS: u32 = 30_000;

/// One run: of which claim, of which of its cases, and which of the seeds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Trial {
    claim: usize,
    case: usize,
    replication: u32,
}

/// What came of a claim's runs so far.
#[derive(Clone, PartialEq, Debug)]
pub struct Found {
    /// By case and by replication, one figure a check.
    cases: Vec<Vec<Option<Vec<f64>>>>,
    /// Whether somebody has asked for them.
    pub asked: bool,
}

impl Found {
    /// Nothing yet.
    fn new(claim: &Claim, asked: bool) -> Self {
        let none = vec![None; REPLICATIONS as usize];
        Self {
            cases: vec![none; claim.cases.len()],
            asked,
        }
    }

    /// The figures of a check, in the order of the seeds.
    pub fn values(&self, case: usize, check: usize) -> Vec<f64> {
        let runs = self.cases[case].iter().flatten();
        runs.map(|figures| figures[check]).collect()
    }

    /// How many runs are done, and how many there are.
    pub fn done(&self) -> (usize, usize) {
        let runs = self.cases.iter().flatten();
        (runs.clone().flatten().count(), runs.count())
    }

    /// Whether all runs are done.
    pub fn is_complete(&self) -> bool {
        let (done, of) = self.done();
        done == of
    }

    /// The verdict on each check, case after case.
    pub fn verdicts(&self, claim: &Claim) -> Vec<Verdict> {
        let cases = claim.cases.iter().enumerate();
        let checks = cases.flat_map(|(at, case)| {
            let checks = case.checks.iter().enumerate();
            checks.map(move |(check, of)| (at, check, of))
        });
        let verdict = |(case, at, check): (usize, usize, &scale_trust::Check)| {
            let judged = check.judge(&self.values(case, at));
            judged.map_or(Verdict::Open, |judged| judged.verdict)
        };
        checks.map(verdict).collect()
    }
}

/// The runs of all claims with one seed. They stay while one goes elsewhere, and the workers end.
#[derive(Clone)]
pub struct Runs(Rc<RefCell<State>>);

impl PartialEq for Runs {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

struct State {
    claims: Handle<Vec<Claim>>,
    seed: u64,
    found: Vec<Rc<Found>>,
    /// What is still to be run, in this order.
    open: VecDeque<Trial>,
    /// The workers, each with what it is at.
    crew: Vec<(Simulator, Option<Trial>)>,
    /// Tells the answers to this crew from late ones to another.
    question: u32,
    failed: Option<String>,
    patience: Option<Timeout>,
    heard: Callback<()>,
}

impl Default for Runs {
    fn default() -> Self {
        let claims = claims();
        let found = claims.iter().map(|claim| Rc::new(Found::new(claim, false)));
        Self(Rc::new(RefCell::new(State {
            found: found.collect(),
            claims: claims.into(),
            seed: SEED,
            open: VecDeque::new(),
            crew: Vec::new(),
            question: 0,
            failed: None,
            patience: None,
            heard: Callback::noop(),
        })))
    }
}

impl Runs {
    /// Who is told whenever something is new.
    pub fn listen(&self, heard: Callback<()>) {
        self.0.borrow_mut().heard = heard;
    }

    /// The claims.
    pub fn claims(&self) -> Handle<Vec<Claim>> {
        self.0.borrow().claims.clone()
    }

    /// The first seed.
    pub fn seed(&self) -> u64 {
        self.0.borrow().seed
    }

    /// What came of each claim.
    pub fn found(&self) -> Vec<Rc<Found>> {
        self.0.borrow().found.clone()
    }

    /// Why there are no more runs, if something went wrong.
    pub fn failed(&self) -> Option<String> {
        self.0.borrow().failed.clone()
    }

    /// Of which claims runs are under way or to come.
    pub fn running(&self) -> Vec<bool> {
        let state = self.0.borrow();
        let mut running = vec![false; state.claims.len()];
        let under_way = state.crew.iter().filter_map(|(_, trial)| trial.as_ref());
        for trial in under_way.chain(&state.open) {
            running[trial.claim] = true;
        }
        running
    }

    /// Begins the runs of these claims that are not done, before any others that are open.
    pub fn ask(&self, asked: &[usize]) {
        self.begin(asked);
        self.tell();
    }

    fn begin(&self, asked: &[usize]) {
        let mut state = self.0.borrow_mut();
        state.failed = None;
        let mut wanted = VecDeque::new();
        for &claim in asked {
            let found = Rc::make_mut(&mut state.found[claim]);
            found.asked = true;
            // Seed by seed, so that all cases of a claim grow together.
            for replication in 0..REPLICATIONS {
                for (case, runs) in found.cases.iter().enumerate() {
                    if runs[replication as usize].is_none() {
                        wanted.push_back(Trial {
                            claim,
                            case,
                            replication,
                        });
                    }
                }
            }
        }
        wanted.retain(|trial| state.crew.iter().all(|(_, at)| at.as_ref() != Some(trial)));
        let others = core::mem::take(&mut state.open);
        let others = others
            .into_iter()
            .filter(|trial| !asked.contains(&trial.claim));
        wanted.extend(others);
        state.open = wanted;
        if state.crew.is_empty() && !state.open.is_empty() {
            self.gather(&mut state);
        }
        for at in 0..state.crew.len() {
            if state.crew[at].1.is_none() {
                state.next(at);
            }
        }
        self.wait(&mut state);
    }

    /// Ends all runs. What is done stays.
    pub fn stop(&self) {
        {
            let mut state = self.0.borrow_mut();
            state.open.clear();
            state.dismiss();
        }
        self.tell();
    }

    /// Tells that something is new.
    fn tell(&self) {
        let heard = self.0.borrow().heard.clone();
        heard.emit(());
    }

    /// Begins anew with this seed: the claims that were asked for, this one first.
    pub fn again(&self, seed: u64, first: usize) {
        self.stop();
        let asked = {
            let mut state = self.0.borrow_mut();
            state.seed = seed;
            let claims = state.claims.clone();
            let mut asked = Vec::new();
            for (at, (claim, found)) in claims.iter().zip(&mut state.found).enumerate() {
                if found.asked {
                    asked.push(at);
                }
                *found = Rc::new(Found::new(claim, found.asked));
            }
            let turn = asked.iter().position(|at| *at >= first).unwrap_or(0);
            asked.rotate_left(turn);
            asked
        };
        self.ask(&asked);
    }

    /// Workers, as many as there are processors.
    fn gather(&self, state: &mut State) {
        let processors = browser::window().navigator().hardware_concurrency() as usize;
        let count = processors.clamp(1, MOST).min(state.open.len());
        for at in 0..count {
            let weak = Rc::downgrade(&self.0);
            let worker = Simulator::new(Callback::from(move |reply: Reply| {
                if let Some(state) = weak.upgrade() {
                    Self(state).heard(at, reply);
                }
            }));
            state.crew.push((worker, None));
        }
    }

    /// Gives up if nothing is heard for long.
    fn wait(&self, state: &mut State) {
        let weak = Rc::downgrade(&self.0);
        state.patience = (!state.crew.is_empty()).then(|| {
            Timeout::new(PATIENCE_MS, move || {
                if let Some(state) = weak.upgrade() {
                    let seconds = PATIENCE_MS / 1_000;
                    Self(state).fail(format!(
                        "The simulation has not answered for {seconds} seconds. Are you offline?"
                    ));
                }
            })
        });
    }

    fn fail(&self, why: String) {
        self.0.borrow_mut().failed = Some(why);
        self.stop();
    }

    /// Takes in what a worker answers.
    fn heard(&self, at: usize, reply: Reply) {
        match reply {
            Reply::Measured(question, values) => {
                let taken = {
                    let state = &mut *self.0.borrow_mut();
                    if question != state.question {
                        return;
                    }
                    let taken = state.take_in(at, values);
                    self.wait(state);
                    taken
                };
                match taken {
                    Ok(()) => self.tell(),
                    Err(why) => self.fail(why.to_owned()),
                }
            }
            Reply::Refused(question, why) if question == self.0.borrow().question => {
                self.fail(why);
            }
            _ => {}
        }
    }
}

impl State {
    /// Keeps what a worker has measured, and goes on.
    fn take_in(&mut self, at: usize, values: Vec<Vec<Option<f64>>>) -> Result<(), &'static str> {
        let Some(trial) = self.crew.get_mut(at).and_then(|(_, at)| at.take()) else {
            return Ok(());
        };
        let case = &self.claims[trial.claim].cases[trial.case];
        let measured = values.into_iter().next().unwrap_or_default();
        let figures = case.figures(&measured);
        let figures = figures.ok_or("A run came to nothing that could be measured.")?;
        let found = Rc::make_mut(&mut self.found[trial.claim]);
        found.cases[trial.case][trial.replication as usize] = Some(figures);
        self.next(at);
        if self.crew.iter().all(|(_, at)| at.is_none()) {
            self.dismiss();
        }
        Ok(())
    }

    /// Gives a worker its next run, if there is one.
    fn next(&mut self, at: usize) {
        let Some(trial) = self.open.pop_front() else {
            return;
        };
        let case = &self.claims[trial.claim].cases[trial.case];
        self.crew[at].1 = Some(trial);
        self.crew[at].0.ask(Command::Measure {
            question: self.question,
            jobs: vec![Job {
                scenario: seeded(&case.scenario, self.seed + u64::from(trial.replication)),
                measures: write_json(&case.measures()),
            }],
        });
    }

    /// Lets the workers go: later, for one of them may be just telling something.
    fn dismiss(&mut self) {
        let crew = core::mem::take(&mut self.crew);
        self.question += 1;
        self.patience = None;
        if !crew.is_empty() {
            Timeout::new(0, move || drop(crew)).forget();
        }
    }
}

/// A scenario with another seed.
fn seeded(scenario: &str, seed: u64) -> String {
    // It is JSON, as a test of scale-trust sees to; were it not, the worker would say so.
    let mut tree: Value = read_json(scenario).unwrap_or_default();
    tree["seed"] = seed.into();
    write_json(&tree)
}

#[cfg(test)]
mod tests {
    use scale_sim::Scenario;

    use super::*;

    #[test]
    fn a_seed_gets_into_every_scenario_whole() {
        for claim in claims() {
            for case in &claim.cases {
                let scenario = Scenario::from_json(&seeded(&case.scenario, u64::MAX));
                assert_eq!(scenario.expect("valid").seed, u64::MAX);
            }
        }
    }

    #[test]
    fn figures_stand_in_the_order_of_their_seeds() {
        let claim = &claims()[0];
        let mut found = Found::new(claim, true);
        let checks = claim.cases[0].checks.len();
        assert_eq!(found.done(), (0, claim.cases.len() * REPLICATIONS as usize));
        found.cases[0][7] = Some(vec![7.0; checks]);
        found.cases[0][2] = Some(vec![2.0; checks]);
        assert_eq!(found.values(0, 1), [2.0, 7.0]);
        assert_eq!(found.done().0, 2);
        let verdicts = found.verdicts(claim);
        assert_eq!(verdicts.len(), 2 * checks);
        assert_eq!(verdicts[checks..], [Verdict::Open; 5]);
    }
}
