//! Running other programs, and saying what is done.

use core::fmt;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

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
            "{what} is missing and could not be installed.\nPlease run:\n\n    {remedy}\n\nand try again."
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

/// Runs a program, says how long it took, and shows what it printed only if it failed.
pub fn run_quietly(command: &mut Command) -> Result<(), Failure> {
    let start = Instant::now();
    let shown = shown(command);
    let output = command.stdin(Stdio::null()).output();
    let output =
        output.map_err(|error| Failure::new(format!("{shown} could not be started: {error}")))?;
    if output.status.success() {
        eprintln!("  done in {:.0} s", start.elapsed().as_secs_f64());
        return Ok(());
    }
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
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
