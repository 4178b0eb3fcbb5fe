//! The stages of `cargo xtask test`, in order.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::run::{Failure, root, run, run_quietly, run_within, step};
use crate::tools::{Browser, TARGET, Tools, node, python};
use crate::{budget, deny, fuzz, instructions};

/// A stage: its name, what it does, and how.
type Stage = (&'static str, &'static str, fn() -> Result<(), Failure>);

const STAGES: [Stage; 7] = [
    ("lint", "format, lints, and what comes from outside", lint),
    ("native", "native tests", native),
    ("budget", "instructions an event", instructions::check),
    ("fuzz", "a minute of fuzzing for each reader", fuzz::stage),
    ("wasm", "Wasm tests in a headless browser", wasm),
    ("build", "release build and its budget of bytes", build),
    ("browser", "the lab in a real browser", browser),
];

/// How long each part that drives a browser may take: some ten times what it takes on two cores.
const PATIENCE: Duration = Duration::from_mins(20);

/// Packages with Wasm tests.
const WASM_PACKAGES: [&str; 2] = ["scale-tests", "scale-lab"];

/// Runs all stages, or those named.
pub fn run_all(wanted: &[String]) -> Result<(), Failure> {
    let names: Vec<&str> = STAGES.iter().map(|(name, ..)| *name).collect();
    if let Some(unknown) = wanted.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(Failure::usage(format!(
            "there is no stage '{unknown}': the stages are {}",
            names.join(", ")
        )));
    }
    let start = Instant::now();
    for (name, words, stage) in STAGES {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            let begun = Instant::now();
            step(&format!("{name}: {words}"));
            stage()?;
            step(&format!(
                "{name}: passed in {:.0} s",
                begun.elapsed().as_secs_f64()
            ));
        }
    }
    step(&format!(
        "all passed in {:.0} s",
        start.elapsed().as_secs_f64()
    ));
    Ok(())
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(root());
    command
}

fn lint() -> Result<(), Failure> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    run(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ]))?;
    deny::check()
}

fn native() -> Result<(), Failure> {
    run(&mut cargo(&["test", "--workspace", "--locked", "--quiet"]))?;
    run(&mut cargo(&[
        "run",
        "--quiet",
        "--locked",
        "--package",
        "lab",
        "--",
        "check",
        "tests/scenarios",
    ]))
}

fn wasm() -> Result<(), Failure> {
    let (tools, browser) = (Tools::prepare()?, Browser::prepare()?);
    for package in WASM_PACKAGES {
        let test = ["test", "--locked", "--target", TARGET, "--package", package];
        run(cargo(&test).arg("--no-run"))?;
        let mut command = cargo(&test);
        command
            .env(
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
                tools.wasm_runner(),
            )
            .env("CHROMEDRIVER", &browser.driver)
            // Read by the runner: how to start the browser.
            .env(
                "WASM_BINDGEN_TEST_WEBDRIVER_JSON",
                root().join("tests/webdriver.json"),
            )
            .env("WASM_BINDGEN_TEST_TIMEOUT", "300");
        run_within(PATIENCE, &mut command)?;
    }
    Ok(())
}

fn build() -> Result<(), Failure> {
    crate::build()?;
    budget::check()
}

fn browser() -> Result<(), Failure> {
    node()?;
    let browser = Browser::prepare()?;
    let suite = root().join("tests/browser");
    packages(&suite)?;
    if !root().join("dist/index.html").is_file() {
        crate::build()?;
    }
    // What else the machine does makes tasks longer: how many of them are long is seen alone.
    let (alone, others) = suites(&suite)?
        .into_iter()
        .partition::<Vec<_>, _>(|name| name == "load.test.mjs");
    let made = [(1, alone), (2, others)].map(|(at_once, files)| {
        let mut command = Command::new("node");
        command
            .args(["--test", &format!("--test-concurrency={at_once}")])
            .args(files)
            .current_dir(&suite)
            .env("CHROME", &browser.chrome)
            .env("DIST", root().join("dist"));
        run_within(PATIENCE, &mut command)
    });
    made.into_iter().collect()
}

/// Installs the suite's npm packages, unless those of this very lock file are there.
fn packages(suite: &Path) -> Result<(), Failure> {
    let lock = fs::read(suite.join("package-lock.json"));
    let lock =
        lock.map_err(|error| Failure::new(format!("tests/browser/package-lock.json: {error}")))?;
    let stamp = suite.join("node_modules").join(".installed-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    step("installing the browser suite's packages: some seconds, once");
    run_quietly(
        Command::new("npm")
            .args(["ci", "--no-fund", "--no-audit"])
            .current_dir(suite),
    )
    .map_err(|_| {
        Failure::missing(
            "the browser suite's packages",
            "npm ci --prefix tests/browser",
        )
    })?;
    fs::write(&stamp, lock).map_err(|error| Failure::new(format!("{}: {error}", stamp.display())))
}

/// The suite's files, in order.
fn suites(suite: &Path) -> Result<Vec<String>, Failure> {
    let entries = fs::read_dir(suite)
        .map_err(|error| Failure::new(format!("{}: {error}", suite.display())))?;
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".test.mjs")).collect();
    names.sort();
    Ok(names)
}

/// The benchmarks: natively, and the same networks as Wasm; with `peers` the networks alone, in turn with other simulators.
pub fn bench(peers: bool) -> Result<(), Failure> {
    let tools = Tools::prepare()?;
    node()?;
    let browser = Browser::prepare()?;
    if !peers {
        step("benchmarks, native: about three minutes");
        run(&mut cargo(&[
            "bench",
            "--locked",
            "--package",
            "scale-sim",
            "--bench",
            "networks",
            "--bench",
            "mechanisms",
        ]))?;
    }
    let others = if peers { others()? } else { "[]".to_owned() };
    step("building the benchmarks for native and Wasm");
    let native = instructions::built("networks")?;
    let folder = root().join("target");
    let example = [
        "build",
        "--locked",
        "--quiet",
        "--package",
        "scale-sim",
        "--example",
        "networks",
        "--profile",
        "bench",
        "--target",
        TARGET,
    ];
    run(cargo(&example).arg("--target-dir").arg(&folder))?;
    let out = folder.join("bench-wasm");
    let wasm = folder.join(TARGET).join("release/examples/networks.wasm");
    run(tools
        .wasm_bindgen()
        .arg("--target=web")
        .arg("--out-dir")
        .arg(&out)
        .arg(wasm))?;
    let suite = root().join("tests/browser");
    packages(&suite)?;
    step(if peers {
        "benchmarks, all in turn: about three minutes"
    } else {
        "benchmarks, Wasm and native in turn: about three minutes"
    });
    run(Command::new("node")
        .arg("bench.mjs")
        .current_dir(&suite)
        .env("CHROME", &browser.chrome)
        .env("DIST", &out)
        .env("NATIVE", strings(&[&native.to_string_lossy(), "serve"]))
        .env("PEERS", others))
}

/// The other simulators, installed and built: as `tests/browser/bench.mjs` wants to know them.
fn others() -> Result<String, Failure> {
    let folder = root().join("benches/peers");
    let python = python(&folder.join("simpy/requirements.txt"))?;
    step("building the networks with nexosim: about a minute the first time");
    let built = root().join("target/peers");
    run(Command::new("cargo")
        .args(["build", "--release", "--locked", "--quiet", "--target-dir"])
        .arg(&built)
        .current_dir(folder.join("nexosim")))?;
    let nexosim = built.join("release").join("nexosim-peer");
    let simpy = folder.join("simpy/peer.py");
    let words = |paths: &[&Path]| {
        let paths: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
        strings(&paths.iter().map(AsRef::as_ref).collect::<Vec<_>>())
    };
    // How long each simulates in a round, in seconds: some tenths of one to run.
    Ok(format!(
        r#"[{{"command":{},"ways":[{{"name":"nexosim {}","way":"models","seconds":200}}]}},
            {{"command":{},"ways":[{{"name":"SimPy {}, processes and resources","way":"resources","seconds":60}},
                {{"name":"SimPy {}, callbacks only","way":"lean","seconds":120}}]}}]"#,
        words(&[&nexosim]),
        version(&folder.join("nexosim/Cargo.toml"), "nexosim = \"=")?,
        words(&[&python, &simpy]),
        version(&folder.join("simpy/requirements.txt"), "simpy==")?,
        version(&folder.join("simpy/requirements.txt"), "simpy==")?,
    ))
}

/// The version behind some words in a file.
fn version(file: &Path, words: &str) -> Result<String, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
    let found = text.lines().find_map(|line| line.strip_prefix(words));
    let found = found.ok_or_else(|| Failure::new(format!("{}: no {words}", file.display())))?;
    Ok(found.trim_end_matches('"').to_owned())
}

/// Texts as a list in JSON.
fn strings(texts: &[&str]) -> String {
    let quoted = texts.iter().map(|text| {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{escaped}\"")
    });
    format!("[{}]", quoted.collect::<Vec<_>>().join(","))
}
