//! Running other programs, and saying what is done.

use core::fmt;
use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Why a command could not be done, in words for who typed it.
#[derive(Debug)]
pub struct Failure {
    message: String,
    /// The exit code.
    pub code: u8,
}

impl Failure {
    /// Something failed.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 1,
        }
    }

    /// The command itself was not understood.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 2,
        }
    }

    /// Something is missing; what to type to get it.
    pub fn missing(what: &str, remedy: &str) -> Self {
        Self::new(format!(
            "{what} is missing.\nPlease run:\n\n    {remedy}\n\nand try again."
        ))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("src/xtask lies two folders below the root")
        .to_owned()
}

/// Says what is being done.
pub fn step(words: &str) {
    if std::io::stderr().is_terminal() {
        eprintln!("\x1b[1m» {words}\x1b[0m");
    } else {
        eprintln!("» {words}");
    }
}

/// Runs a program to its end.
pub fn run(command: &mut Command) -> Result<(), Failure> {
    let shown = shown(command);
    let status = command
        .status()
        .map_err(|error| Failure::new(format!("{shown} could not be started: {error}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("{shown} failed ({status})")))
    }
}

/// Runs a program that must end by itself within `limit`: what drives a browser may wait for ever for an answer.
pub fn run_within(limit: Duration, command: &mut Command) -> Result<(), Failure> {
    let shown = shown(command);
    let mut child = command
        .spawn()
        .map_err(|error| Failure::new(format!("{shown} could not be started: {error}")))?;
    let end = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(Failure::new(format!("{shown} failed ({status})"))),
            Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(50)),
            // Its programs first: they would outlive it, and keep what it printed to open.
            Ok(None) | Err(_) => {
                stop_below(child.id());
                let _ = child.kill();
                let _ = child.wait();
                return Err(Failure::new(format!(
                    "{shown} did not end within {} s and was stopped",
                    limit.as_secs()
                )));
            }
        }
    }
}

/// Ends all programs that program `parent` has started, and those that they have started.
fn stop_below(parent: u32) {
    if cfg!(windows) {
        let _ = output(Command::new("taskkill").args(["/T", "/F", "/PID", &parent.to_string()]));
        return;
    }
    let all = processes();
    let mut found = vec![parent];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        let children = all.iter().filter(|(_, of)| *of == parent);
        found.extend(children.map(|(id, _)| *id));
        next += 1;
    }
    let ids: Vec<String> = found[1..].iter().map(u32::to_string).collect();
    // By way of the shell, which has `kill` where no program of that name is installed.
    let _ = output(Command::new("sh").args(["-c", &format!("kill -9 {}", ids.join(" "))]));
}

/// The programs that run, each with the one that started it.
fn processes() -> Vec<(u32, u32)> {
    let listed = if cfg!(target_os = "linux") {
        // As `ps` gives it, which small systems lack: the second field behind the name in brackets is the parent.
        let stats = fs::read_dir("/proc").into_iter().flatten().flatten();
        let stats = stats.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
        let line = |stat: String| {
            let id = stat.split(' ').next()?;
            let parent = stat.rsplit(')').next()?.split(' ').nth(2)?;
            Some(format!("{id} {parent}\n"))
        };
        stats.filter_map(line).collect()
    } else {
        output(Command::new("ps").args(["-A", "-o", "pid=,ppid="])).unwrap_or_default()
    };
    let pair = |line: &str| {
        let mut fields = line.split_whitespace().map(str::parse);
        Some((fields.next()?.ok()?, fields.next()?.ok()?))
    };
    listed.lines().filter_map(pair).collect()
}

/// Runs a program and says how long it took. Who watches sees its progress; a log gets what it printed only if it failed.
pub fn run_quietly(command: &mut Command) -> Result<(), Failure> {
    let start = Instant::now();
    let shown = shown(command);
    if std::io::stderr().is_terminal() {
        command.stderr(Stdio::inherit());
    }
    let output = command.stdin(Stdio::null()).output();
    let output =
        output.map_err(|error| Failure::new(format!("{shown} could not be started: {error}")))?;
    if output.status.success() {
        eprintln!("  done in {:.0} s", start.elapsed().as_secs_f64());
        return Ok(());
    }
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    Err(Failure::new(format!("{shown} failed ({})", output.status)))
}

/// What a program prints, if it can be run and succeeds.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn shown(command: &Command) -> String {
    let words = core::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    format!("`{}`", words.join(" "))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, pipe};

    use super::*;

    #[test]
    #[cfg(unix)]
    fn what_does_not_end_is_stopped_with_all_that_it_started() {
        let (mut printed, end) = pipe().expect("pipes are to be had");
        let start = Instant::now();
        {
            let mut command = Command::new("sh");
            command.args(["-c", "sh -c 'sleep 60' & wait"]).stdout(end);
            let failure =
                run_within(Duration::from_secs(1), &mut command).expect_err("it sleeps for long");
            assert!(failure.to_string().contains("within 1 s"));
        }
        // The pipe ends when the last program that could write to it has.
        printed.read_to_end(&mut Vec::new()).expect("it ends");
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn what_ends_in_time_tells_how() {
        let limit = Duration::from_mins(1);
        let mut command = Command::new("cargo");
        command.arg("--version").stdout(Stdio::null());
        assert!(run_within(limit, &mut command).is_ok());
        command.arg("--no-such-option").stderr(Stdio::null());
        assert!(run_within(limit, &mut command).is_err());
    }
}
