//! The page's end of the line to the simulation worker.

use std::cell::Cell;

use gloo::worker::{Spawnable, WorkerBridge};
use yew::Callback;

use crate::browser;
use crate::protocol::{Command, Reply};
use crate::worker::SimulationWorker;

/// A worker of one's own. It ends when this is dropped.
pub struct Simulator {
    bridge: WorkerBridge<SimulationWorker>,
    run: Cell<u32>,
}

/// What starts the worker: beside the page, under whatever path that is served.
const LOADER: &str = "./worker.js";

impl Simulator {
    /// Starts a worker, whose replies go to `heard`.
    pub fn new(heard: Callback<Reply>) -> Self {
        // The worker runs the page's own script, whose name the loader cannot know.
        let loader = format!("{LOADER}?{}", browser::script().unwrap_or_default());
        let bridge = SimulationWorker::spawner()
            .callback(move |reply| heard.emit(reply))
            .spawn_with_loader(&loader);
        Self {
            bridge,
            run: Cell::new(0),
        }
    }

    /// Asks something of the worker.
    pub fn ask(&self, command: Command) {
        self.bridge.send(command);
    }

    /// A number for a new run or question.
    pub fn number(&self) -> u32 {
        self.run.set(self.run.get() + 1);
        self.run.get()
    }
}

impl core::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Simulator")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}
