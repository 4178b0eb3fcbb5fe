//! The engine beside a loop written by hand for the same network: see `examples/eight_servers.rs`.
//!
//! `cargo bench -p scale-sim --bench eight_servers`. With `-- round` behind, it prints the nanoseconds a request of one round
//! only: `cargo xtask bench` sets them beside those of the Wasm.

use std::hint::black_box;
use std::time::Instant;

#[path = "../examples/eight_servers.rs"]
#[allow(dead_code, reason = "the mechanisms have a benchmark of their own")]
mod network;

const SECONDS: f64 = 300.0;
const ROUNDS: usize = 15;

/// Nanoseconds a request: by hand, by the engine, and with the recorder. In turn, so that a machine that slows down slows all alike.
fn round() -> [f64; 3] {
    let time = |run: fn(f64) -> f64| {
        let start = Instant::now();
        let requests = run(black_box(SECONDS));
        start.elapsed().as_secs_f64() * 1e9 / requests
    };
    [network::by_hand, network::engine, network::recorded].map(time)
}

fn main() {
    // The first is slower: the program has just been loaded.
    round();
    if std::env::args().any(|arg| arg == "round") {
        let [by_hand, engine, recorded] = round();
        println!("{by_hand} {engine} {recorded}");
        return;
    }
    let mut rounds: Vec<[f64; 3]> = (0..ROUNDS).map(|_| round()).collect();
    let mut median = |of: &dyn Fn(&[f64; 3]) -> f64| {
        rounds.sort_by(|a, b| of(a).total_cmp(&of(b)));
        of(&rounds[ROUNDS / 2])
    };
    println!("native, median of {ROUNDS} rounds in turn:");
    println!(
        "  loop by hand          {:6.0} ns a request",
        median(&|r| r[0])
    );
    for (name, at) in [("engine", 1), ("engine with recorder", 2)] {
        println!(
            "  {name:22}{:6.0} ns a request, {:.2} times the loop",
            median(&|r| r[at]),
            median(&|r| r[at] / r[0])
        );
    }
}
