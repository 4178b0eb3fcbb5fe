//! Each mechanism beside the loop written by hand for eight servers: how many times its time a request takes.
//!
//! A request of a mechanism is more events than the loop's two: a saga of two steps is ten, a commit in two phases fourteen. So
//! how many they are, and what each takes, stands beside the ratio. An event is to take at most twice what one of the eight
//! servers' does. Two take a little more, and should: a key's place on the ring of the shards is an MD5, as ketama has it; and at
//! an outbox one event commits, relays, or publishes and hands over, with what three components have to do for that at once.
//! Sampled profiles of both show nothing else that stands out.
//!
//! `cargo bench -p scale-sim --bench mechanisms`, with part of a name behind `--` to run those rows only.

use std::hint::black_box;
use std::time::Instant;

use scale_sim::{Time, run_unwatched};

#[path = "../examples/networks.rs"]
#[allow(dead_code, reason = "only its loop is used here")]
mod network;

use network::table::ROWS;

const SECONDS: f64 = 100.0;
const ROUNDS: usize = 11;

/// Nanoseconds that a run takes, and what it gives.
fn time<T>(run: impl Fn() -> T) -> (f64, T) {
    let start = Instant::now();
    let found = run();
    (start.elapsed().as_secs_f64() * 1e9, found)
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
            let (by_hand, requests) = time(|| network::by_hand(0, 1, black_box(SECONDS)));
            let by_hand = by_hand / requests;
            let (engine, (totals, events)) =
                time(|| run_unwatched(&model, Time::from_secs(SECONDS)));
            // One that is lost has been worked on, too.
            let ended = (totals.completed + totals.lost) as f64;
            let (engine, events) = (engine / ended, events as f64 / ended);
            [engine / by_hand, engine, events, engine / events]
        };
        let mut rounds: Vec<[f64; 4]> = (0..ROUNDS).map(round).collect();
        rounds.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let [ratio, ns, events, each] = rounds[ROUNDS / 2];
        let bound = row
            .at_most
            .map_or(String::new(), |most| format!(" of at most {most}"));
        println!(
            "  {:30}{ns:6.0} ns a request, {ratio:5.2} times the loop{bound}; {events:5.2} events of {each:3.0} ns",
            row.name
        );
        good &= row.at_most.is_none_or(|most| ratio <= most);
    }
    assert!(good, "slower than it may be");
}
