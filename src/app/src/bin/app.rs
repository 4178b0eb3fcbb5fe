//! The page, and the worker that it starts: one Wasm for both, so that it is fetched and compiled once.

use gloo::worker::Registrable;

fn main() {
    if scale_lab::browser::is_worker() {
        scale_lab::worker::SimulationWorker::registrar().register();
    } else {
        scale_lab::crash::catch_panics();
        yew::Renderer::<scale_lab::page::App>::with_root(scale_lab::browser::root()).render();
    }
}
