//! Each mechanism beside the loop written by hand for eight servers: how many times its time a request takes.
//!
//! `cargo bench -p scale-sim --bench mechanisms`, with part of a name behind `--` to run those rows only.

use std::hint::black_box;
use std::time::Instant;

use scale_sim::{Time, run_unwatched};

#[path = "../examples/eight_servers.rs"]
#[allow(dead_code, reason = "only its loop is used here")]
mod network;

use network::table::ROWS;

const SECONDS: f64 = 100.0;
const ROUNDS: usize = 11;

/// Nanoseconds a request.
fn time(run: impl Fn() -> f64) -> f64 {
    let start = Instant::now();
    let requests = run();
    start.elapsed().as_secs_f64() * 1e9 / requests
}

fn main() {
    let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let rows = ROWS
        .iter()
        .filter(|row| wanted.as_ref().is_none_or(|part| row.name.contains(part)));
    println!("native, median of {ROUNDS} rounds in turn with the loop:");
    let mut good = true;
    for row in rows {
        let model = row.model(SECONDS);
        // In turn, so that a machine that slows down slows both alike.
        let round = |_| {
            let by_hand = time(|| network::by_hand(black_box(SECONDS)));
            let engine =
                time(|| run_unwatched(&model, Time::from_secs(SECONDS)).0.completed as f64);
            (engine, engine / by_hand)
        };
        let mut rounds: Vec<(f64, f64)> = (0..ROUNDS).map(round).collect();
        rounds.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (ns, ratio) = rounds[ROUNDS / 2];
        let bound = row
            .at_most
            .map_or(String::new(), |most| format!(" of at most {most}"));
        println!(
            "  {:30}{ns:6.0} ns a request, {ratio:.2} times the loop{bound}",
            row.name
        );
        good &= row.at_most.is_none_or(|most| ratio <= most);
    }
    assert!(good, "slower than it may be");
}
