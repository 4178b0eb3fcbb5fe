//! What is wrong with a piece of outside data, and where.

use core::fmt;

/// One fault in a scenario or lesson file: the place and what is allowed there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The path inside the file, such as `components.shop.service.workers`; empty for the file as a whole.
    pub path: String,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl Problem {
    /// A problem at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for Problem {}

/// Collects problems while a file is walked, keeping the current path.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    path: Vec<String>,
    found: Vec<Problem>,
}

impl Problems {
    /// Runs `check` one level further down the file.
    pub fn within<T>(
        &mut self,
        segment: impl Into<String>,
        check: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.path.push(segment.into());
        let out = check(self);
        self.path.pop();
        out
    }

    /// Notes a problem at the current path.
    pub fn note(&mut self, message: impl Into<String>) {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let path: Vec<&str> = path.into_iter().filter(|part| !part.is_empty()).collect();
        let path = path.join(".").replace(".[", "[");
        self.found.push(Problem::new(path, message));
    }

    /// Notes a problem in `field` of the current path.
    pub fn note_at(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.within(field, |p| p.note(message));
    }

    /// `value` must be a number in `low..=high`.
    pub fn number(&mut self, field: &str, value: f64, low: f64, high: f64) {
        if !(low..=high).contains(&value) {
            self.note_at(
                field,
                format!("{value} is out of range: {low} to {high} is allowed"),
            );
        }
    }

    /// `value` must be a whole number in `low..=high`.
    pub fn count(&mut self, field: &str, value: u64, low: u64, high: u64) {
        if !(low..=high).contains(&value) {
            self.note_at(
                field,
                format!("{value} is out of range: {low} to {high} is allowed"),
            );
        }
    }

    /// All that was found, or `value` if nothing was.
    pub fn or<T>(self, value: T) -> Result<T, Vec<Problem>> {
        if self.found.is_empty() {
            Ok(value)
        } else {
            Err(self.found)
        }
    }

    /// Whether nothing has been found yet.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}
