//! The engine beside a loop written by hand for the same network: see `examples/eight_servers.rs`.
#![allow(
    missing_docs,
    reason = "criterion's macros make undocumented functions"
)]

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

#[path = "../examples/eight_servers.rs"]
#[allow(dead_code, reason = "the mechanisms have a benchmark of their own")]
mod network;

const SECONDS: f64 = 300.0;

fn eight_servers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("eight servers");
    group.throughput(Throughput::Elements(network::by_hand(SECONDS) as u64));
    group.sample_size(20);
    group.bench_function("loop by hand", |b| {
        b.iter(|| network::by_hand(black_box(SECONDS)));
    });
    group.bench_function("engine", |b| b.iter(|| network::engine(black_box(SECONDS))));
    group.bench_function("engine with recorder", |b| {
        b.iter(|| network::recorded(black_box(SECONDS)));
    });
    group.finish();
    ratios();
}

/// The ratios, from runs in turn, so that a machine that slows down slows all alike.
fn ratios() {
    let time = |f: fn(f64) -> f64| {
        let start = Instant::now();
        let requests = f(black_box(SECONDS));
        start.elapsed().as_secs_f64() * 1e9 / requests
    };
    let mut rounds: Vec<[f64; 3]> = (0..15)
        .map(|_| {
            [
                network::by_hand as fn(f64) -> f64,
                network::engine,
                network::recorded,
            ]
            .map(time)
        })
        .collect();
    let mut median = |of: &dyn Fn(&[f64; 3]) -> f64| {
        rounds.sort_by(|a, b| of(a).total_cmp(&of(b)));
        of(&rounds[rounds.len() / 2])
    };
    println!("native, median of 15 rounds in turn:");
    println!(
        "  loop by hand          {:6.0} ns a request",
        median(&|r| r[0])
    );
    println!(
        "  engine                {:6.0} ns a request, {:.2} times the loop",
        median(&|r| r[1]),
        median(&|r| r[1] / r[0])
    );
    println!(
        "  engine with recorder  {:6.0} ns a request, {:.2} times the loop",
        median(&|r| r[2]),
        median(&|r| r[2] / r[0])
    );
}

criterion_group!(benches, eight_servers);
criterion_main!(benches);
