//! The engine beside loops written by hand for the same networks: see `examples/networks.rs`.
//!
//! `cargo bench -p scale-sim --bench networks`. With `-- serve` behind, it makes the runs that it is asked for on its standard
//! input, a line each (`engine mixed 1 300`: who, which network, with which seed, how many seconds of it), and answers each with a
//! line of JSON: so `cargo xtask bench` has it run in turn with others.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;

#[path = "../examples/networks.rs"]
#[allow(dead_code, reason = "the mechanisms have a benchmark of their own")]
mod networks;

use networks::by_hand::Ran;
use networks::{NETWORKS, Network};

const SECONDS: f64 = 300.0;
const ROUNDS: usize = 15;

/// Who runs a network.
type Way = fn(&Network, u64, f64) -> Ran;

/// All who do, the loop first.
const WAYS: [(&str, Way); 3] = [
    ("by_hand", |network, seed, seconds| {
        (network.by_hand)(seed, seconds)
    }),
    ("engine", |network, seed, seconds| Ran {
        requests: network.engine(seed, seconds),
        // Nobody watches: the recorder's run is the same one.
        mean_ms: f64::NAN,
    }),
    ("recorded", Network::recorded),
];

/// A run, and how many seconds it took.
fn timed(way: Way, network: &Network, seed: u64, seconds: f64) -> (Ran, f64) {
    let start = Instant::now();
    let ran = black_box(way(network, seed, black_box(seconds)));
    (ran, start.elapsed().as_secs_f64())
}

/// Nanoseconds a request, in turn, so that a machine that slows down slows all alike.
fn round(network: &Network) -> [f64; 3] {
    WAYS.map(|(_, way)| {
        let (ran, took) = timed(way, network, 1, SECONDS);
        took * 1e9 / ran.requests as f64
    })
}

fn serve() -> Option<()> {
    for line in io::stdin().lines() {
        let line = line.ok()?;
        let mut words = line.split(' ');
        let (who, name) = (words.next()?, words.next()?);
        let seed = words.next()?.parse().ok()?;
        let seconds = words.next()?.parse().ok()?;
        let (_, way) = WAYS.iter().find(|(own, _)| *own == who)?;
        let network = NETWORKS.iter().find(|network| network.name == name)?;
        let (Ran { requests, mean_ms }, took) = timed(*way, network, seed, seconds);
        let mean_ms = if mean_ms.is_finite() {
            mean_ms.to_string()
        } else {
            "null".to_owned()
        };
        let answer =
            format!("{{\"requests\":{requests},\"seconds\":{took},\"mean_ms\":{mean_ms}}}");
        writeln!(io::stdout(), "{answer}").ok()?;
    }
    Some(())
}

fn main() {
    if std::env::args().any(|arg| arg == "serve") {
        serve().expect("each line says who runs which network for how long");
        return;
    }
    for network in &NETWORKS {
        // The first is slower: the program has just been loaded.
        round(network);
        let mut rounds: Vec<[f64; 3]> = (0..ROUNDS).map(|_| round(network)).collect();
        let mut median = |of: &dyn Fn(&[f64; 3]) -> f64| {
            rounds.sort_by(|a, b| of(a).total_cmp(&of(b)));
            of(&rounds[ROUNDS / 2])
        };
        println!(
            "{}, native, median of {ROUNDS} rounds in turn:",
            network.name
        );
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
}
