//! Fuzzing: libFuzzer changes what is known to reach much of a reader, and looks for what makes it panic, hang or swell.
//!
//! As `cargo fuzz run -s none` does, without that program and with a stable compiler: the code has no `unsafe`, so that there is
//! nothing for a sanitizer to find.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use crate::run::{Failure, output, root, run, step};
use crate::tools::cpp;

/// What makes the compiler count which ways are taken.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=16";
/// How long each target is tried among the tests, in seconds.
const MINUTE: u32 = 60;
/// How long each is tried when somebody asks for it.
const TEN_MINUTES: u32 = 600;
/// Inputs that are kept of a target's corpus, at most.
const KEPT: usize = 100;

/// Tries every target for a minute.
pub fn stage() -> Result<(), Failure> {
    attempt(&targets()?, MINUTE, false)
}

/// `cargo xtask fuzz [--seconds N] [--keep] [target …]`.
pub fn command(arguments: &[String]) -> Result<(), Failure> {
    let known = targets()?;
    let (mut seconds, mut keep, mut wanted) = (TEN_MINUTES, false, Vec::new());
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--keep" => keep = true,
            "--seconds" => {
                let number = arguments.next().and_then(|number| number.parse().ok());
                seconds = number.ok_or_else(|| Failure::usage("--seconds wants a number"))?;
            }
            name if known.iter().any(|own| own == name) => wanted.push(name.to_owned()),
            other => {
                return Err(Failure::usage(format!(
                    "there is no target '{other}': the targets are {}",
                    known.join(", ")
                )));
            }
        }
    }
    attempt(
        if wanted.is_empty() { &known } else { &wanted },
        seconds,
        keep,
    )
}

fn folder() -> PathBuf {
    root().join("fuzz")
}

/// The names of all targets.
fn targets() -> Result<Vec<String>, Failure> {
    let file = folder().join("Cargo.toml");
    let text = fs::read_to_string(&file)
        .map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
    let name = |line: &str| {
        Some(
            line.strip_prefix("path = \"targets/")?
                .strip_suffix(".rs\"")?
                .to_owned(),
        )
    };
    Ok(text.lines().filter_map(name).collect())
}

/// Builds the targets; gives the folder that they are in.
fn build() -> Result<PathBuf, Failure> {
    cpp()?;
    let host = output(Command::new("rustc").args(["--print", "host-tuple"]))
        .ok_or_else(|| Failure::new("rustc does not say what this machine is"))?;
    let built = root().join("target/fuzz");
    // For a named machine, so that programs which run while building are built without.
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--release", "--quiet", "--bins", "--target", &host])
        .arg("--target-dir")
        .arg(&built)
        .current_dir(folder())
        .env("RUSTFLAGS", COVERAGE);
    run(&mut cargo)?;
    Ok(built.join(host).join("release"))
}

/// Tries targets, twice as many at once as there are processors: a minute is a minute, and the tests should end before long.
fn attempt(names: &[String], seconds: u32, keep: bool) -> Result<(), Failure> {
    step("building the fuzzers: one or two minutes the first time");
    let programs = build()?;
    let at_once = 2 * thread::available_parallelism().map_or(1, usize::from);
    step(&format!(
        "fuzzing {} for {seconds} s each, {at_once} at once",
        names.join(", ")
    ));
    let left = Mutex::new(VecDeque::from(names.to_vec()));
    let failures = Mutex::new(Vec::new());
    let next = || left.lock().ok()?.pop_front();
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(name) = next() {
                    let found = one(&programs, &name, seconds).and_then(|()| {
                        if keep {
                            minimise(&programs, &name)
                        } else {
                            Ok(())
                        }
                    });
                    if let (Err(failure), Ok(mut failures)) = (found, failures.lock()) {
                        failures.push(failure.to_string());
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap_or_default();
    if failures.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(failures.join("\n\n")))
    }
}

/// A folder of a target, made if it is not there.
fn made(path: PathBuf) -> Result<PathBuf, Failure> {
    fs::create_dir_all(&path)
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    Ok(path)
}

/// What to begin with: what was kept, and what was written by hand.
fn known(name: &str) -> impl Iterator<Item = PathBuf> {
    let seeds = match name {
        "scenario" | "file" => root().join("tests/scenarios"),
        _ => folder().join("seeds").join(name),
    };
    [folder().join("corpus").join(name), seeds]
        .into_iter()
        .filter(|path| path.is_dir())
}

/// Tries one target.
fn one(programs: &Path, name: &str, seconds: u32) -> Result<(), Failure> {
    let found = made(root().join("target/fuzz/found").join(name))?;
    let artifacts = made(folder().join("artifacts").join(name))?;
    let log = root().join("target/fuzz").join(format!("{name}.log"));
    let cannot = |error| Failure::new(format!("{}: {error}", log.display()));
    let mut command = Command::new(programs.join(name));
    command
        .arg(format!("-max_total_time={seconds}"))
        .args([
            "-max_len=16384",
            "-timeout=25",
            "-rss_limit_mb=2048",
            "-print_final_stats=1",
        ])
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(&found)
        .args(known(name))
        .stderr(File::create(&log).map_err(cannot)?);
    let passed = command.status().map_err(cannot)?.success();
    let said = fs::read(&log).map_err(cannot)?;
    let said = String::from_utf8_lossy(&said);
    if passed {
        println!(
            "  {name}: {} inputs, nothing found",
            inputs(&said).unwrap_or("?")
        );
        return Ok(());
    }
    let lines: Vec<&str> = said.lines().collect();
    let from = lines
        .iter()
        .position(|line| line.contains("panicked") || line.contains("ERROR"));
    let from = from.unwrap_or_else(|| lines.len().saturating_sub(20));
    let told = lines[from..]
        .iter()
        .take(12)
        .copied()
        .collect::<Vec<_>>()
        .join("\n");
    Err(Failure::new(format!(
        "the fuzzer of '{name}' found something; the input is in fuzz/artifacts/{name}, all that was said in {}:\n{told}",
        log.display()
    )))
}

/// How many inputs libFuzzer says that it tried.
fn inputs(said: &str) -> Option<&str> {
    let line = said
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?;
    Some(line.trim())
}

/// Keeps, of all that is known of a target, as little as reaches as much of it; of many, those that reach most.
fn minimise(programs: &Path, name: &str) -> Result<(), Failure> {
    let (corpus, new) = (
        folder().join("corpus").join(name),
        root().join("target/fuzz/merged").join(name),
    );
    let _ = fs::remove_dir_all(&new);
    let mut merge = Command::new(programs.join(name));
    merge
        .args(["-set_cover_merge=1", "-use_counters=0", "-max_len=16384"])
        .arg(made(new.clone())?)
        .arg(root().join("target/fuzz/found").join(name))
        .args(known(name));
    if output(&mut merge).is_none() {
        return Err(Failure::new(format!(
            "the corpus of '{name}' could not be minimised"
        )));
    }
    for path in rest(&new) {
        // One more than wanted does no harm.
        let _ = fs::remove_file(path);
    }
    let _ = fs::remove_dir_all(&corpus);
    made(folder().join("corpus"))?;
    fs::rename(&new, &corpus)
        .map_err(|error| Failure::new(format!("{}: {error}", corpus.display())))
}

/// What of a merged corpus is not kept: libFuzzer writes first what adds most.
fn rest(merged: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(merged).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    files.sort();
    files.into_iter().skip(KEPT).map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_something_to_begin_with() {
        let targets = targets().expect("there are targets");
        assert!(targets.len() >= 10, "{targets:?}");
        for name in targets {
            assert!(folder().join(format!("targets/{name}.rs")).is_file());
            assert!(known(&name).count() > 0, "{name}");
        }
    }

    #[test]
    fn what_libfuzzer_says_is_read() {
        assert_eq!(
            inputs("#1\nstat::number_of_executed_units: 42\n"),
            Some("42")
        );
    }
}
