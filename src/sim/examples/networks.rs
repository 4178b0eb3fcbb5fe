//! The yardstick of the benchmarks: eight single-server stations behind least-connections, 700 requests a second, 10 ms each; and
//! the same servers with a cache and a database. `benches/peers` has both as scenarios.
//!
//! Once as the engine runs them, general as it is; once as loops written by hand that can do nothing else. Both draw their
//! times in the same way. `cargo bench -p scale-sim` times them natively, `cargo xtask bench` also as Wasm.

use std::sync::Arc;

use scale_sim::{Engine, Files, Model, Recorder, Scenario, Time, run_unwatched};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen::prelude::wasm_bindgen;

#[path = "../benches/by_hand/mod.rs"]
pub mod by_hand;
#[path = "../benches/table/mod.rs"]
pub mod table;

use by_hand::Ran;

/// A network that is run in more than one way.
#[derive(Clone, Copy)]
pub struct Network {
    /// Its name.
    pub name: &'static str,
    scenario: &'static str,
    /// It as a loop written by hand, with a seed, for so many seconds.
    pub by_hand: fn(u64, f64) -> Ran,
}

/// The networks, in the order in which they are told of.
pub const NETWORKS: [Network; 2] = [
    Network {
        name: "eight-servers",
        scenario: include_str!("../../../benches/peers/eight-servers.json"),
        by_hand: by_hand::eight_servers,
    },
    Network {
        name: "mixed",
        scenario: include_str!("../../../benches/peers/mixed.json"),
        by_hand: by_hand::mixed,
    },
];

impl Network {
    /// It as a model with a seed, which runs for so many seconds.
    ///
    /// # Panics
    ///
    /// Never: its scenario is valid.
    pub fn model(&self, seed: u64, seconds: f64) -> Arc<Model> {
        let mut scenario = Scenario::from_json(self.scenario).expect("the scenario is valid");
        (scenario.seed, scenario.horizon_s) = (seed, seconds);
        Arc::new(Model::new(&scenario, &Files::new()).expect("the scenario is valid"))
    }

    /// Runs the engine without a probe; returns the requests answered.
    pub fn engine(&self, seed: u64, seconds: f64) -> u64 {
        run_unwatched(&self.model(seed, seconds), Time::from_secs(seconds))
            .0
            .completed
    }

    /// Runs the engine with the recorder that the page uses.
    pub fn recorded(&self, seed: u64, seconds: f64) -> Ran {
        let model = self.model(seed, seconds);
        let recorder = Recorder::new(&model);
        let mut engine = Engine::new(model, recorder);
        engine.run_until(Time::from_secs(seconds));
        let requests = engine.totals().completed;
        let latency = engine.into_probe().summary().latency;
        Ran {
            requests,
            mean_ms: latency.map_or(0.0, |latency| latency.mean_ms),
        }
    }
}

/// Runs network number `network` without a probe; returns the requests answered.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
pub fn engine(network: usize, seed: u32, seconds: f64) -> f64 {
    NETWORKS[network].engine(seed.into(), seconds) as f64
}

/// Runs it with the recorder; returns the requests answered.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
pub fn recorded(network: usize, seed: u32, seconds: f64) -> f64 {
    NETWORKS[network].recorded(seed.into(), seconds).requests as f64
}

/// Runs the loop written by hand; returns the requests answered.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
pub fn by_hand(network: usize, seed: u32, seconds: f64) -> f64 {
    (NETWORKS[network].by_hand)(seed.into(), seconds).requests as f64
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
