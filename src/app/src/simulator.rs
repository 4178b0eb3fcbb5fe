//! The page's end of the line to the simulation worker.

use core::cell::{Cell, OnceCell};

use gloo::timers::callback::Timeout;
use gloo::worker::{Spawnable, WorkerBridge};
use scale_course::{Lesson, LessonFiles, RunRef};
use scale_sim::{Condition, Measure, write_json};
use yew::Callback;

use crate::browser;
use crate::protocol::{Command, Debriefed, Job, Reply};
use crate::worker::SimulationWorker;

/// A worker of one's own. It begins with the first thing that is asked of it: who only reads does not fetch the
/// simulation. It ends when this is dropped.
pub struct Simulator {
    bridge: OnceCell<WorkerBridge<SimulationWorker>>,
    heard: Callback<Reply>,
    run: Cell<u32>,
}

/// What starts the worker: a part of the page's own build.
const LOADER: &str = "worker_loader.js";

impl Simulator {
    /// A worker whose replies go to `heard`.
    pub fn new(heard: Callback<Reply>) -> Self {
        Self {
            bridge: OnceCell::new(),
            heard,
            run: Cell::new(0),
        }
    }

    /// Asks something of the worker.
    pub fn ask(&self, command: Command) {
        let spawn = || {
            let heard = self.heard.clone();
            SimulationWorker::spawner()
                .callback(move |reply| heard.emit(reply))
                .spawn_with_loader(&browser::part(LOADER))
        };
        self.bridge.get_or_init(spawn).send(command);
    }

    /// A number for a new run or question.
    pub fn number(&self) -> u32 {
        self.run.set(self.run.get() + 1);
        self.run.get()
    }
}

/// What was measured: a list of values for each job, in the order asked; or why nothing was.
pub type Measured = Result<Vec<Vec<Option<f64>>>, String>;

/// How long a measurement may take before it is given up, in milliseconds.
const PATIENCE_MS: u32 = 30_000;

/// A measurement under way. It ends when this is dropped.
#[derive(Debug)]
pub struct Measuring {
    _simulator: Simulator,
    _patience: Timeout,
}

impl Measuring {
    /// Runs scenarios from start to end on a worker of their own.
    pub fn new(jobs: Vec<Job>, heard: Callback<Measured>) -> Self {
        let command = Command::Measure { question: 0, jobs };
        Self::asking(command, heard, |reply| match reply {
            Reply::Measured(_, values) => Some(values),
            _ => None,
        })
    }

    /// Looks back at a run; `lines` are the conditions of what may be said of it.
    pub fn debrief(
        scenario: String,
        lines: &[&[Condition]],
        heard: Callback<Result<Box<Debriefed>, String>>,
    ) -> Self {
        let lines = write_json(&lines);
        Self::asking(
            Command::Debrief { scenario, lines },
            heard,
            |reply| match reply {
                Reply::Debriefed(debriefed) => Some(debriefed),
                _ => None,
            },
        )
    }

    fn asking<T: 'static>(
        command: Command,
        heard: Callback<Result<T, String>>,
        wanted: impl Fn(Reply) -> Option<T> + 'static,
    ) -> Self {
        let late =
            heard.reform(|()| Err("the simulation has not answered for 30 seconds".to_owned()));
        let simulator = Simulator::new(Callback::from(move |reply| {
            if let Reply::Refused(_, why) = reply {
                heard.emit(Err(why));
            } else if let Some(answer) = wanted(reply) {
                heard.emit(Ok(answer));
            }
        }));
        simulator.ask(command);
        Self {
            _simulator: simulator,
            _patience: Timeout::new(PATIENCE_MS, move || late.emit(())),
        }
    }
}

/// Looks for what is wrong with a lesson, on a worker of its own, which lives until this is dropped.
pub fn check(files: LessonFiles, heard: Callback<Vec<String>>) -> Simulator {
    let simulator = Simulator::new(Callback::from(move |reply| {
        if let Reply::Checked(faults) = reply {
            heard.emit(faults);
        }
    }));
    simulator.ask(Command::Check(files));
    simulator
}

/// What to run, and what to measure of it.
///
/// # Errors
///
/// A run that names what is not in the lesson, in one sentence.
pub fn job(lesson: &Lesson, run: &RunRef, measures: &[Measure]) -> Result<Job, String> {
    let scenario = lesson.tree(run);
    Ok(Job {
        scenario: write_json(&scenario.map_err(|problems| problems[0].to_string())?),
        measures: write_json(&measures),
    })
}

impl core::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Simulator")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}
