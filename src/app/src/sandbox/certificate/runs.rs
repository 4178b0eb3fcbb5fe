//! The runs of a sweep, on as many workers as the machine has processors for.

use core::cell::RefCell;
use std::rc::Rc;

use scale_capacity::{Trial, Tried, plan};
use yew::Callback;

use crate::browser;
use crate::protocol::{Command, Reply};
use crate::simulator::Simulator;

/// More workers than this cost more memory than they save time.
const MOST: usize = 8;

/// What is heard of the runs.
#[derive(Clone, PartialEq, Debug)]
pub enum Heard {
    /// So many are done.
    Done(usize),
    /// All are.
    All,
    /// One cannot be made; why.
    Failed(String),
}

/// The runs, until this is dropped: then the workers end, too.
pub struct Runs {
    state: Rc<RefCell<State>>,
    /// The loads, from the lowest to the highest.
    pub factors: Vec<f64>,
}

struct State {
    design: String,
    trials: Vec<Trial>,
    /// By trial.
    tried: Vec<Option<Tried>>,
    /// The trials in the order in which they are begun, from the end.
    open: Vec<usize>,
    done: usize,
    workers: Vec<Simulator>,
    heard: Callback<Heard>,
    since_ms: f64,
}

impl Runs {
    /// Begins the runs of a design at these loads, each with so many seeds.
    pub fn new(
        design: String,
        factors: Vec<f64>,
        seed: u64,
        replications: u32,
        heard: Callback<Heard>,
    ) -> Self {
        let trials = plan(&factors, seed, replications);
        // Seed by seed, so that a curve is there after the first; within a seed the longest first, so that none is left for the end.
        let mut open: Vec<usize> = (0..trials.len()).collect();
        open.sort_by(|a, b| {
            let (a, b) = (&trials[*a], &trials[*b]);
            let seeds = a.seed.wrapping_sub(seed).cmp(&b.seed.wrapping_sub(seed));
            seeds.then(b.factor.total_cmp(&a.factor))
        });
        open.reverse();
        let workers = browser::window().navigator().hardware_concurrency() as usize;
        let workers = workers.clamp(1, MOST).min(trials.len());
        let state = Rc::new(RefCell::new(State {
            design,
            tried: vec![None; trials.len()],
            trials,
            open,
            done: 0,
            workers: Vec::new(),
            heard,
            since_ms: browser::now_ms(),
        }));
        for at in 0..workers {
            let weak = Rc::downgrade(&state);
            let worker = Simulator::new(Callback::from(move |reply: Reply| {
                if let Some(state) = weak.upgrade() {
                    State::heard(&state, at, reply);
                }
            }));
            state.borrow_mut().workers.push(worker);
        }
        for at in 0..workers {
            state.borrow_mut().next(at);
        }
        Self { state, factors }
    }

    /// All runs.
    pub fn count(&self) -> usize {
        self.state.borrow().trials.len()
    }

    /// Those that are done.
    pub fn done(&self) -> usize {
        self.state.borrow().done
    }

    /// About how many seconds the rest will take, once some are done.
    pub fn left_s(&self) -> Option<f64> {
        let state = self.state.borrow();
        // A load of ten takes about ten times as long as a load of one.
        let work = |done: bool| -> f64 {
            let trials = state.trials.iter().zip(&state.tried);
            let those = trials.filter(|(_, tried)| tried.is_some() == done);
            those.map(|(trial, _)| trial.factor).sum()
        };
        let passed_s = (browser::now_ms() - state.since_ms) / 1000.0;
        (state.done > 1).then(|| passed_s * work(false) / work(true))
    }

    /// What came of those that are done, in the order of the plan.
    pub fn tried(&self) -> Vec<(Trial, Tried)> {
        let state = self.state.borrow();
        let all = state.trials.iter().zip(&state.tried);
        all.filter_map(|(trial, tried)| Some((*trial, tried.clone()?)))
            .collect()
    }
}

impl State {
    /// Gives a worker its next run.
    fn next(&mut self, at: usize) {
        if let Some(trial) = self.open.pop()
            && let Some(worker) = self.workers.get(at)
        {
            worker.ask(Command::Try {
                question: trial as u32,
                design: self.design.clone(),
                factor: self.trials[trial].factor,
                seed: self.trials[trial].seed,
            });
        }
    }

    fn heard(state: &Rc<RefCell<Self>>, at: usize, reply: Reply) {
        let (heard, what) = {
            let this = &mut *state.borrow_mut();
            let what = match reply {
                Reply::Tried(question, tried) => {
                    let Some(place) = this.tried.get_mut(question as usize) else {
                        return;
                    };
                    let Ok(tried) = bincode::deserialize(&tried) else {
                        return;
                    };
                    this.done += usize::from(place.is_none());
                    *place = Some(tried);
                    if this.done == this.trials.len() {
                        Heard::All
                    } else {
                        this.next(at);
                        Heard::Done(this.done)
                    }
                }
                Reply::Refused(_, why) => {
                    this.open.clear();
                    Heard::Failed(why)
                }
                _ => return,
            };
            (this.heard.clone(), what)
        };
        heard.emit(what);
    }
}
