//! The yardstick of the benchmarks: eight single-server stations behind least-connections, 700 requests a second, 10 ms each.
//!
//! Once as the engine runs it, general as it is; once as a loop written by hand that can do nothing else. Both draw their
//! times in the same way. `cargo bench -p scale-sim` times them natively, `cargo xtask bench` also as Wasm.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use scale_sim::{Engine, Files, Key, Model, Recorder, Scenario, Time, run_unwatched};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen::prelude::wasm_bindgen;

#[path = "../benches/table/mod.rs"]
pub mod table;

const SERVERS: usize = 8;
const RATE_PER_S: f64 = 700.0;
const SERVICE_S: f64 = 0.010;

/// The network as a scenario.
///
/// # Panics
///
/// Never: it is valid.
pub fn model(seconds: f64) -> Arc<Model> {
    let text = format!(
        r#"{{"version":1,"seed":1,"horizon_s":{seconds},"components":{{
            "users":{{"client":{{"operation":"x","target":"lb","arrivals":{{"poisson":{{"rate_per_s":{RATE_PER_S}}}}}}}}},
            "lb":{{"balancer":{{"policy":"least_connections","targets":["shop"]}}}},
            "shop":{{"service":{{"instances":{SERVERS},"workers":1,"plans":{{"*":[{{"work":{{"exponential":{{"mean_ms":10}}}}}}]}}}}}}}}}}"#
    );
    let scenario = Scenario::from_json(&text).expect("the scenario is valid");
    Arc::new(Model::new(&scenario, &Files::new()).expect("the scenario is valid"))
}

/// Runs the engine without a probe; returns the requests answered.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
pub fn engine(seconds: f64) -> f64 {
    run_unwatched(&model(seconds), Time::from_secs(seconds))
        .0
        .completed as f64
}

/// Runs the engine with the recorder that the page uses; returns the requests answered.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
pub fn recorded(seconds: f64) -> f64 {
    let model = model(seconds);
    let recorder = Recorder::new(&model);
    let mut engine = Engine::new(model, recorder);
    engine.run_until(Time::from_secs(seconds));
    engine.totals().completed as f64
}

/// The mechanisms that have a benchmark, a line each.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
pub fn mechanisms() -> String {
    let names: Vec<&str> = table::ROWS.iter().map(|row| row.name).collect();
    names.join("\n")
}

/// Runs the engine with mechanism number `row`; returns the requests that ended, answered or lost.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
pub fn mechanism(row: usize, seconds: f64) -> f64 {
    let model = table::ROWS[row].model(seconds);
    let (totals, _) = run_unwatched(&model, Time::from_secs(seconds));
    (totals.completed + totals.lost) as f64
}

/// Runs the loop written by hand; returns the requests answered.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
pub fn by_hand(seconds: f64) -> f64 {
    /// A server that has finished, or the next arrival.
    const ARRIVAL: usize = SERVERS;
    let mut draws = Key::root(1).draws();
    let mut exponential = |mean_s: f64| (-mean_s * 1e9 * libm::log(draws.unit())) as u64;
    let horizon = (seconds * 1e9) as u64;
    let mut calendar = BinaryHeap::new();
    let mut queues: [VecDeque<u64>; SERVERS] = Default::default();
    let (mut sequence, mut completed, mut latency, mut turn) = (0_u64, 0_u64, 0_u64, 0);
    calendar.push(Reverse((exponential(1.0 / RATE_PER_S), sequence, ARRIVAL)));
    while let Some(Reverse((now, _, what))) = calendar.pop() {
        if now > horizon {
            break;
        }
        let mut plan = |time, what| {
            sequence += 1;
            calendar.push(Reverse((time, sequence, what)));
        };
        if what == ARRIVAL {
            plan(now + exponential(1.0 / RATE_PER_S), ARRIVAL);
            let order = (turn..SERVERS).chain(0..turn);
            let server = order.min_by_key(|at| queues[*at].len()).unwrap_or_default();
            turn = (server + 1) % SERVERS;
            queues[server].push_back(now);
            if queues[server].len() == 1 {
                plan(now + exponential(SERVICE_S), server);
            }
        } else {
            // Who is served stays at the head of the queue until done.
            latency += now - queues[what].pop_front().unwrap_or(now);
            completed += 1;
            if !queues[what].is_empty() {
                plan(now + exponential(SERVICE_S), what);
            }
        }
    }
    // The sum of latencies is what keeps the work from being optimised away.
    if latency == u64::MAX {
        0.0
    } else {
        completed as f64
    }
}
