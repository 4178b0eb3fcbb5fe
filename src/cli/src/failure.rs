//! Why a command could not do its work.

use std::fmt;
use std::io;

use scale_course::Fault;

/// Why a command could not do its work.
#[derive(Debug)]
pub enum Failure {
    /// Something is wrong with the inputs.
    Inputs(Vec<Fault>),
    /// The output could not be written.
    Output(io::Error),
}

impl Failure {
    /// Whether it is only that nobody reads the output any more, as in `lab run … | head`.
    pub fn is_quiet(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl From<Vec<Fault>> for Failure {
    fn from(faults: Vec<Fault>) -> Self {
        Self::Inputs(faults)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inputs(faults) => {
                let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
                f.write_str(&harmless(&lines.join("\n")))
            }
            Self::Output(error) => write!(f, "the output could not be written: {error}"),
        }
    }
}

/// `text` without control characters: what a file holds must not steer the terminal on which it is shown.
pub fn harmless(text: &str) -> String {
    let harmless = |c: char| {
        if c.is_control() && c != '\n' {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(harmless).collect()
}
