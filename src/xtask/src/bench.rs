//! The benchmarks: natively, and the same network as Wasm.

use std::process::Command;

use crate::npm::node;
use crate::run::{Failure, cargo, root, run, step, target};
use crate::tools::{TARGET, Tools};

/// Runs the benchmarks.
pub fn run_all() -> Result<(), Failure> {
    let tools = Tools::prepare()?;
    node()?;
    step("benchmarks, native: about two minutes");
    run(&mut cargo(&[
        "bench",
        "--locked",
        "--package",
        "scale-sim",
        "--bench",
        "eight_servers",
    ]))?;
    step("benchmarks, Wasm: about a minute");
    run(&mut cargo(&[
        "build",
        "--locked",
        "--quiet",
        "--package",
        "scale-sim",
        "--example",
        "eight_servers",
        "--profile",
        "bench",
        "--target",
        TARGET,
    ]))?;
    let out = target().join("bench-wasm");
    let wasm = target()
        .join(TARGET)
        .join("release/examples/eight_servers.wasm");
    run(tools
        .wasm_bindgen()
        .arg("--target=nodejs")
        .arg("--out-dir")
        .arg(&out)
        .arg(wasm))?;
    run(Command::new("node")
        .arg(root().join("src/sim/benches/eight_servers.mjs"))
        .arg(&out))
}
