//! The files of a lesson, and faults in them.

use core::fmt;
use std::collections::BTreeMap;

use scale_sim::Problem;
use serde::{Deserialize, Serialize};

/// The texts of a lesson's files, read by whoever can read files.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LessonFiles {
    /// `lesson.md`.
    pub lesson: String,
    /// `quiz.json`, if there is one.
    pub quiz: Option<String>,
    /// `scenes/<name>.json`, by name.
    pub scenes: BTreeMap<String, String>,
}

/// Something wrong in a lesson's files: where, what, and what is allowed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The file, from the lesson's folder.
    pub file: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// The path inside the file and what is wrong there.
    pub problem: Problem,
}

impl Fault {
    /// A fault in a line of a file.
    pub fn at(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: Some(line),
            problem: Problem::new("", message),
        }
    }

    /// A fault somewhere in a file.
    pub fn new(file: &str, problem: Problem) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            problem,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.problem),
            None => write!(f, "{}: {}", self.file, self.problem),
        }
    }
}

impl std::error::Error for Fault {}
