//! The simulation worker.

use gloo::worker::Registrable;

fn main() {
    scale_lab::worker::SimulationWorker::registrar().register();
}
