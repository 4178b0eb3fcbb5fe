//! The budget of instructions: how many the engine takes for an event, which no machine's speed and no neighbour's load changes.
//!
//! Valgrind counts them for a shorter and for a longer run; the difference is what the engine takes in its steady state, whatever
//! reading the scenario and starting the program took.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Failure, output, root, run, step};
use crate::tools::valgrind;

/// The numbers that are kept: lines such as `mixed: 412.5`, and remarks.
const KEPT: &str = "src/sim/benches/instructions.txt";
/// How many more than those an event may take, in percent. Compilers differ by less from one version to the next, as a rule.
const MORE_PERCENT: f64 = 5.0;
/// Events of the shorter and the longer run.
const EVENTS: [u64; 2] = [100_000, 300_000];
/// What is counted, if there are no numbers yet: the two networks of the benchmarks, and mechanisms that go different ways.
const COUNTED: [&str; 8] = [
    "eight-servers",
    "eight-servers recorded",
    "mixed",
    "mixed recorded",
    "a guarded client",
    "cache aside, alone in flight",
    "statements and locks",
    "sagas",
];

/// Counts, and fails if an event takes more than it may. With `UPDATE_BUDGET` the numbers are kept instead.
pub fn check() -> Result<(), Failure> {
    valgrind()?;
    let program = built("instructions")?;
    let file = root().join(KEPT);
    let kept = fs::read_to_string(&file)
        .map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
    let update = env::var_os("UPDATE_BUDGET").is_some();
    let (mut lines, mut over) = (Vec::new(), Vec::new());
    println!("{:>10} {:>10}  instructions an event", "kept", "counted");
    for name in COUNTED {
        let counted = an_event(&program, name)?;
        let before = number(&kept, name);
        let shown = before.map_or_else(|| "-".to_owned(), |before| format!("{before:.1}"));
        println!("{shown:>10} {counted:>10.1}  {name}");
        lines.push(format!("{name}: {counted:.1}\n"));
        match before {
            Some(before) if counted <= before * (1.0 + MORE_PERCENT / 100.0) => {}
            Some(before) => over.push(format!(
                "'{name}' takes {counted:.1} instructions an event, {:.1}% more than the {before:.1} that are kept",
                (counted / before - 1.0) * 100.0
            )),
            None => over.push(format!("'{name}' has no number in {KEPT}")),
        }
    }
    if update {
        let remarks = kept.split_inclusive('\n');
        let remarks: String = remarks.filter(|line| line.starts_with('#')).collect();
        step(&format!("keeping these numbers in {KEPT}"));
        return fs::write(&file, remarks + &lines.concat())
            .map_err(|error| Failure::new(format!("{}: {error}", file.display())));
    }
    if over.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{}\nAt most {MORE_PERCENT}% more are allowed. If it is worth it, or a new compiler did it: UPDATE_BUDGET=1 cargo xtask test budget",
        over.join("\n")
    )))
}

/// The number kept for a name.
fn number(kept: &str, name: &str) -> Option<f64> {
    let lines = kept.lines().filter_map(|line| line.rsplit_once(": "));
    let mut found = lines.filter(|(own, _)| *own == name);
    found.next()?.1.parse().ok()
}

/// Builds a benchmark of the simulation; gives its program.
pub fn built(benchmark: &str) -> Result<PathBuf, Failure> {
    let bench = || {
        let mut command = Command::new("cargo");
        command
            .args(["bench", "--locked", "--quiet", "--package", "scale-sim"])
            .args(["--bench", benchmark, "--no-run"])
            .current_dir(root());
        command
    };
    // First for who watches, then for what it says.
    run(&mut bench())?;
    let told = output(bench().arg("--message-format=json"));
    let path = told.as_deref().and_then(executable);
    path.ok_or_else(|| Failure::new("cargo did not say where it built the benchmark"))
}

/// The last program that cargo's messages tell of.
fn executable(messages: &str) -> Option<PathBuf> {
    let after = messages.rsplit_once("\"executable\":\"")?.1;
    // As JSON: nothing in a path but a backslash is written otherwise.
    Some(after.split_once('"')?.0.replace("\\\\", "\\").into())
}

/// Instructions an event.
fn an_event(program: &Path, name: &str) -> Result<f64, Failure> {
    let [short, long] = EVENTS;
    let (few, many) = (count(program, name, short)?, count(program, name, long)?);
    Ok((many - few) / (long - short) as f64)
}

/// Instructions of a whole run.
fn count(program: &Path, name: &str, events: u64) -> Result<f64, Failure> {
    let mut command = valgrind()?;
    command
        .args([
            "--tool=cachegrind",
            "--cache-sim=no",
            "--branch-sim=no",
            "--cachegrind-out-file=/dev/null",
        ])
        .arg(program)
        .args([name, &events.to_string()]);
    let output = command
        .output()
        .map_err(|error| Failure::new(format!("valgrind could not be started: {error}")))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let counted = if output.status.success() {
        instructions(&said)
    } else {
        None
    };
    counted.ok_or_else(|| Failure::new(format!("valgrind counted nothing for '{name}':\n{said}")))
}

/// The number in what cachegrind says.
fn instructions(said: &str) -> Option<f64> {
    let line = said.lines().find(|line| line.contains("refs:"))?;
    line.rsplit(' ').next()?.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_say_is_read() {
        let said = "==7== Cachegrind\n==7== \n==7== I   refs:      1,234,567\n";
        assert_eq!(instructions(said), Some(1_234_567.0));
        assert_eq!(instructions("==7== no permission"), None);
        let messages = r#"{"executable":null}{"executable":"/a/deps/x-1"}{"success":true}"#;
        assert_eq!(executable(messages), Some("/a/deps/x-1".into()));
    }

    #[test]
    fn every_number_is_kept() {
        let kept = fs::read_to_string(root().join(KEPT)).expect("it is part of the workspace");
        for name in COUNTED {
            assert!(
                number(&kept, name).is_some_and(|kept| kept > 10.0),
                "{name}"
            );
        }
    }
}
