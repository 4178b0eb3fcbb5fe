//! A hundred million events leave the memory where a million left it: without a probe to the byte, with the recorder but for its
//! windows.
//!
//! `cargo bench -p scale-sim --bench memory`. It asserts, so that it can stand among the checks.

use allocation_counter::measure;
use scale_sim::{Duration, Engine, NoProbe, Probe, Recorder, Time};

#[allow(dead_code, reason = "bounds of time are not asked for here")]
mod table;

const WARM: u64 = 1_000_000;
const EVENTS: u64 = 100_000_000;

/// Bytes that the run holds more after all its events than after the first million.
fn growth<P: Probe>(mut engine: Engine<P>) -> i64 {
    let forever = Time::from_secs(1e9);
    engine = engine.with_budget(WARM);
    engine.run_until(forever);
    engine = engine.with_budget(EVENTS);
    let found = measure(|| {
        engine.run_until(forever);
    });
    assert_eq!(engine.events(), EVENTS);
    found.bytes_current
}

fn main() {
    let row = table::ROWS.iter().find(|row| row.name == "mixed");
    let model = row.expect("it is in the table").model(600_000.0);
    let unwatched = growth(Engine::new(model.clone(), NoProbe));
    println!("from {WARM} to {EVENTS} events the memory grows by {unwatched} bytes");
    let recorder = Recorder::with_window(&model, Duration::from_secs(10_000.0));
    let watched = growth(Engine::new(model, recorder));
    println!("and by {watched} bytes with the recorder");
    assert!(unwatched.abs() < 100_000 && watched.abs() < 200_000);
}
