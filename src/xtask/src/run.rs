//! Running other programs, and saying what is done.

use core::fmt;
use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
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
            "{what} is missing and could not be installed.\nPlease run:\n\n    {remedy}\n\nand try again."
        ))
    }

    /// A file or folder could not be read or written.
    pub fn file(path: &Path, error: &io::Error) -> Self {
        Self::new(format!("{}: {error}", path.display()))
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

/// Cargo's target folder, wherever it was told to put it: this program lies in `<target>/debug`.
pub fn target() -> PathBuf {
    env::current_exe()
        .ok()
        .and_then(|program| program.ancestors().nth(2).map(Path::to_owned))
        .unwrap_or_else(|| root().join("target"))
}

/// Cargo at the root of the workspace.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(root());
    command
}

/// Says what is being done.
pub fn step(words: &str) {
    if io::stderr().is_terminal() {
        eprintln!("\x1b[1m» {words}\x1b[0m");
    } else {
        eprintln!("» {words}");
    }
}

/// How long something took, for people.
pub fn told(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
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

/// Runs a program that may take minutes: tells how long it has taken, and shows what it printed only if it failed.
pub fn run_quietly(command: &mut Command) -> Result<(), Failure> {
    let start = Instant::now();
    let shown = shown(command);
    let output = watched(command, start)
        .map_err(|error| Failure::new(format!("{shown} could not be started: {error}")))?;
    if output.status.success() {
        eprintln!("  done in {}", told(start.elapsed()));
        return Ok(());
    }
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    Err(Failure::new(format!("{shown} failed ({})", output.status)))
}

/// What a program leaves; meanwhile a clock runs, if there is a terminal to show it.
fn watched(command: &mut Command, start: Instant) -> io::Result<Output> {
    let terminal = io::stderr().is_terminal();
    let (done, waiting) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || done.send(command.stdin(Stdio::null()).output()));
        loop {
            match waiting.recv_timeout(Duration::from_secs(1)) {
                Ok(output) => break output,
                Err(RecvTimeoutError::Timeout) if terminal => {
                    eprint!("  {} …\r", told(start.elapsed()));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    break Err(io::Error::other("it was not waited for"));
                }
            }
        }
    })
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

/// What a program says of its version.
pub fn version(program: impl AsRef<OsStr>) -> Option<String> {
    output(Command::new(program).arg("--version"))
}

/// The major version in what a program says of its version: the first number with a point behind it.
pub fn major(said: &str) -> Option<u32> {
    said.split_ascii_whitespace().find_map(|word| {
        let (major, _) = word.trim_start_matches('v').split_once('.')?;
        major.parse().ok()
    })
}

/// The first of these programs that is on the path. An absolute name stands for itself.
pub fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .map(|file| file.with_added_extension(env::consts::EXE_EXTENSION))
        .find(|file| file.is_file())
}

/// The command that installs packages with this machine's package manager; with none that is known, all of them.
pub fn package_command(apt: &str, dnf: &str, brew: &str) -> String {
    let sudo = on_path(&["sudo"]).map_or("", |_| "sudo ");
    let known = [
        ("apt-get", format!("{sudo}apt-get install {apt}")),
        ("dnf", format!("{sudo}dnf install {dnf}")),
        ("brew", format!("brew install {brew}")),
    ];
    match known
        .iter()
        .find(|(manager, _)| on_path(&[manager]).is_some())
    {
        Some((_, command)) => command.clone(),
        None => known.map(|(_, command)| command).join("\n    "),
    }
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
    use super::*;

    #[test]
    fn the_major_version_is_found_in_what_programs_say() {
        for (said, expected) in [
            ("v20.20.2", Some(20)),
            (
                "Chromium 156.0.8078.79 built on Debian GNU/Linux 12 (bookworm)",
                Some(156),
            ),
            ("ChromeDriver 156.0.8078.79 (a21ce95c24ce39.1)", Some(156)),
            ("no number here.", None),
            ("", None),
        ] {
            assert_eq!(major(said), expected, "{said}");
        }
    }

    #[test]
    fn times_are_told_in_minutes_when_they_are_long() {
        assert_eq!(told(Duration::from_millis(900)), "0 s");
        assert_eq!(told(Duration::from_secs(59)), "59 s");
        assert_eq!(told(Duration::from_secs(223)), "3 min 43 s");
    }

    #[test]
    fn what_a_program_prints_is_shown_by_its_words() {
        assert_eq!(
            shown(&mut cargo(&["test", "--locked"])),
            "`cargo test --locked`"
        );
    }

    #[test]
    fn this_program_lies_in_the_target_folder() {
        assert!(target().join("debug").is_dir() || target().join("deps").is_dir());
    }
}
