//! A run in its steady state allocates nothing: not for any mechanism that has a benchmark.
#![cfg(not(target_arch = "wasm32"))]

use allocation_counter::measure;
use scale_sim::{Duration, Engine, NoProbe, Probe, Recorder, Time};

#[path = "../../src/sim/benches/table/mod.rs"]
#[allow(dead_code, reason = "bounds of time are not asked for here")]
mod table;

use table::ROWS;

/// By then even the rarest heaps of waiting requests have been as large as they get.
const WARM: Time = Time::from_nanos(200_000_000_000);
const END: Time = Time::from_nanos(250_000_000_000);

/// How many allocations the run makes from `WARM` to `END`, and how many events it handles.
fn allocations<P: Probe>(mut engine: Engine<P>) -> (u64, u64) {
    engine.run_until(WARM);
    let before = engine.events();
    let found = measure(|| {
        engine.run_until(END);
    });
    let events = engine.events() - before;
    assert!(events > 50_000, "{events} events show nothing");
    (found.count_total, events)
}

#[test]
fn the_steady_state_allocates_nothing() {
    for row in &ROWS {
        let model = row.model(END.secs());
        let (count, events) = allocations(Engine::new(model, NoProbe));
        assert_eq!(
            count, 0,
            "{}: {count} allocations in {events} events",
            row.name
        );
    }
}

#[test]
fn watching_allocates_by_the_window_and_not_by_the_event() {
    for row in &ROWS {
        let model = row.model(END.secs());
        let recorder = Recorder::with_window(&model, Duration::from_secs(1.0));
        let (count, events) = allocations(Engine::new(model, recorder));
        // Some vectors a window, and now and then a kept story that is longer than the one it takes the place of.
        let windows = 50;
        assert!(
            count <= windows * 4 + 100,
            "{}: {count} allocations in {events} events",
            row.name
        );
    }
}
