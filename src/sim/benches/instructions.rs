//! Runs a system for so many events and nothing else, for who counts the instructions: `cargo xtask test budget`.
//!
//! Its arguments are a name and a number of events. A name is that of a network of `examples/networks.rs` (with ` recorded`
//! behind it, the recorder watches) or of a row of the table of mechanisms.

use std::sync::Arc;

use scale_sim::{Engine, Model, NoProbe, Probe, Recorder, Time};

#[path = "../examples/networks.rs"]
#[allow(dead_code, reason = "only its models are used here")]
mod networks;

use networks::NETWORKS;
use networks::table::ROWS;

/// More than any number of events takes that is asked for.
const SECONDS: f64 = 10_000.0;

fn run<P: Probe>(model: &Arc<Model>, probe: P, events: u64) -> u64 {
    let mut engine = Engine::new(Arc::clone(model), probe).with_budget(events);
    engine.run_until(Time::from_secs(SECONDS));
    engine.events()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // `cargo bench` itself asks for nothing.
    let [_, name, events] = &arguments[..] else {
        return;
    };
    let events: u64 = events.parse().expect("a number of events");
    let plain = name.strip_suffix(" recorded").unwrap_or(name);
    let network = NETWORKS.iter().find(|network| network.name == plain);
    let row = ROWS.iter().find(|row| row.name == plain);
    let model = match (network, row) {
        (Some(network), _) => network.model(1, SECONDS),
        (None, Some(row)) => row.model(SECONDS),
        (None, None) => panic!("there is no '{name}'"),
    };
    let ran = if plain == name {
        run(&model, NoProbe, events)
    } else {
        run(&model, Recorder::new(&model), events)
    };
    assert_eq!(ran, events, "the run ended before");
}
