//! The simulation worker: a Wasm of its own, so that the page can be read before the engine is there.

use gloo::worker::Registrable;

fn main() {
    scale_lab::worker::SimulationWorker::registrar().register();
}
