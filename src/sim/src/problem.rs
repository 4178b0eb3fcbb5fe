//! What is wrong with a piece of outside data, and where; and what is allowed there.

use core::fmt;

use serde_json::Value;

use crate::limits;

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

    /// Where this is in `tree`, as a JSON Pointer (RFC 6901); see [`pointer`].
    pub fn pointer(&self, tree: &Value) -> String {
        pointer(&self.path, tree)
    }
}

/// The place in `tree` that a path such as `components.shop.service.plans.*[1].work` leads to, as a JSON Pointer (RFC 6901). A
/// part that the tree has not is taken as it is spelt: something is missing there.
pub fn pointer(path: &str, tree: &Value) -> String {
    let mut pointer = String::new();
    let mut here = Some(tree);
    let mut rest = path;
    while !rest.is_empty() {
        let after = rest.strip_prefix('.').unwrap_or(rest);
        let index = after
            .strip_prefix('[')
            .and_then(|list| list.split_once(']'));
        let (part, left) = match (index, here) {
            (Some((index, left)), None | Some(Value::Array(_))) => (index, left),
            // Names may hold what else stands between them: the longest that is there is meant.
            (_, Some(Value::Object(map))) => {
                let fits = |name: &&String| {
                    let left = after.strip_prefix(name.as_str());
                    left.is_some_and(|left| left.is_empty() || left.starts_with(['.', '[']))
                };
                let name = map.keys().filter(fits).max_by_key(|name| name.len());
                name.map_or_else(|| spelt(after), |name| after.split_at(name.len()))
            }
            _ => spelt(after),
        };
        pointer.push('/');
        pointer.push_str(&part.replace('~', "~0").replace('/', "~1"));
        here = match here {
            Some(Value::Array(list)) => part.parse::<usize>().ok().and_then(|at| list.get(at)),
            Some(Value::Object(map)) => map.get(part),
            _ => None,
        };
        rest = left;
    }
    pointer
}

/// The first part of a path, and what is left of it.
fn spelt(path: &str) -> (&str, &str) {
    // A part is never empty, so that the way ends.
    let first = path.chars().next().map_or(0, char::len_utf8);
    let end = path[first..].find(['.', '[']);
    path.split_at(end.map_or(path.len(), |end| first + end))
}

/// What a number in a scenario may be, or how long a list may be.
#[derive(Clone, PartialEq, Debug)]
pub struct Allowed {
    /// Where it is, as [`Problem::path`] says it.
    pub path: String,
    /// The least that is allowed.
    pub min: f64,
    /// The most that is allowed.
    pub max: f64,
    /// Whether it is a whole number.
    pub whole: bool,
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

/// Collects problems while a file is walked, keeping the current path; and, if it is asked to, what is allowed.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    path: Vec<String>,
    found: Vec<Problem>,
    allowed: Option<Vec<Allowed>>,
}

impl Problems {
    /// One that keeps what is allowed, too.
    pub fn with_ranges() -> Self {
        Self {
            allowed: Some(Vec::new()),
            ..Self::default()
        }
    }

    /// What all numbers that were looked at may be, in the order in which they were.
    pub fn into_ranges(self) -> Vec<Allowed> {
        self.allowed.unwrap_or_default()
    }

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

    /// Notes a problem at the current path. What is wrong in very many places is told of the first [`limits::PROBLEMS`].
    pub fn note(&mut self, message: impl Into<String>) {
        match self.found.len() {
            limits::PROBLEMS => {
                let message = format!("there is more: these are the first {}", limits::PROBLEMS);
                self.found.push(Problem::new("", message));
            }
            count if count > limits::PROBLEMS => {}
            _ => self.found.push(Problem::new(self.here(), message)),
        }
    }

    fn here(&self) -> String {
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let path: Vec<&str> = path.into_iter().filter(|part| !part.is_empty()).collect();
        path.join(".").replace(".[", "[")
    }

    /// Notes a problem in `field` of the current path.
    pub fn note_at(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.within(field, |p| p.note(message));
    }

    /// `value` must be a number in `low..=high`.
    pub fn number(&mut self, field: &str, value: f64, low: f64, high: f64) {
        self.allow(field, low, high, false);
        if !(low..=high).contains(&value) {
            self.note_at(
                field,
                format!("{value} is out of range: {low} to {high} is allowed"),
            );
        }
    }

    /// `value` must be a whole number in `low..=high`.
    pub fn count(&mut self, field: &str, value: u64, low: u64, high: u64) {
        self.allow(field, low as f64, high as f64, true);
        if !(low..=high).contains(&value) {
            self.note_at(
                field,
                format!("{value} is out of range: {low} to {high} is allowed"),
            );
        }
    }

    /// A list must have `low..=high` entries. Whether it has no more than that: else its entries need not be looked at one by one.
    #[must_use]
    pub fn list(&mut self, field: &str, length: usize, low: u64, high: u64) -> bool {
        self.count(field, length as u64, low, high);
        length as u64 <= high
    }

    fn allow(&mut self, field: &str, min: f64, max: f64, whole: bool) {
        if self.allowed.is_some() {
            let path = self.within(field, |p| p.here());
            let allowed = Allowed {
                path,
                min,
                max,
                whole,
            };
            self.allowed.get_or_insert_default().push(allowed);
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_to_its_place() {
        let tree = json!({
            "a": { "b.c": { "d": [[1, 2], { "*": 3 }] }, "b": { "x/y": 1 }, "e[0]": 2 }, "f": [] });
        for (path, expected) in [
            ("", ""),
            ("a", "/a"),
            ("a.b.c.d[0][1]", "/a/b.c/d/0/1"),
            ("a.b.c.d[1].*", "/a/b.c/d/1/*"),
            ("a.b.x/y", "/a/b/x~1y"),
            ("a.b.z", "/a/b/z"),
            ("a.e[0]", "/a/e[0]"),
            ("f[2].g[1]", "/f/2/g/1"),
            ("q.r[1].s", "/q/r/1/s"),
        ] {
            assert_eq!(pointer(path, &tree), expected, "{path}");
        }
        // Whatever is written there: the way ends.
        for path in ["..", "[", "a.[", "]", "a..b", "f[", "f[x]y", "ä[ö"] {
            assert!(pointer(path, &tree).starts_with('/'), "{path}");
        }
    }
}
