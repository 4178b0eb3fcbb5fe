//! Running the built `lab` as a user does.
#![allow(
    dead_code,
    reason = "each test file is a crate of its own and uses a part of this"
)]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a command left behind.
#[derive(Debug)]
pub struct Done {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// `lab`, ready to be given arguments.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.stdin(Stdio::null());
    command
}

/// Runs `lab` with `arguments`.
pub fn lab<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Done {
    let output = command().args(arguments).output().expect("lab starts");
    Done {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("lab writes UTF-8"),
        err: String::from_utf8(output.stderr).expect("lab writes UTF-8"),
    }
}

/// Runs `lab run` on `scenario` with further `arguments`.
pub fn run(scenario: &Path, arguments: &[&str]) -> Done {
    lab(["run".as_ref(), scenario.as_os_str()]
        .into_iter()
        .chain(arguments.iter().map(AsRef::as_ref)))
}

/// A number of a report.
pub fn number(report: &Value, pointer: &str) -> f64 {
    report
        .pointer(pointer)
        .and_then(Value::as_f64)
        .unwrap_or_else(|| panic!("{pointer} in {report:#}"))
}

/// A count of a report.
pub fn count(report: &Value, pointer: &str) -> u64 {
    report
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or_else(|| panic!("{pointer} in {report:#}"))
}

/// Runs `lab run` on `scenario` with further `arguments`, which must end well, and returns its JSON.
pub fn json(scenario: &Path, arguments: &[&str]) -> Value {
    let all = [
        OsStr::new("run"),
        scenario.as_os_str(),
        OsStr::new("--json"),
    ];
    let done = lab(all.into_iter().chain(arguments.iter().map(OsStr::new)));
    assert_eq!(done.code, Some(0), "{}", done.err);
    serde_json::from_str(&done.out).expect("lab writes JSON")
}

/// The sample scenarios' folder.
pub fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios")
}

/// The sample scenario called `name`.
pub fn sample(name: &str) -> PathBuf {
    samples().join(name)
}

/// All sample scenarios.
pub fn all_samples() -> Vec<PathBuf> {
    let entries = fs::read_dir(samples()).expect("the samples are there");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.retain(|path| path.extension() == Some(OsStr::new("json")));
    paths.sort();
    assert!(paths.len() >= 9, "{paths:?}");
    paths
}

/// A folder for one test, gone at its end.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

/// Writes `text` to `name` in `folder`, with the folders on the way.
pub fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a file in a folder")).expect("the folder can be made");
    fs::write(&path, text).expect("the file can be written");
    path
}

/// A small course: a catalogue and one lesson, both right.
pub fn write_course(folder: &Path) {
    write(folder, "catalog.json", CATALOG);
    write(folder, "one/lesson.md", LESSON);
    write(folder, "one/scenes/tiny.json", SCENE);
    write(folder, "one/quiz.json", quiz());
}

/// As many questions as a lesson needs, of every sort.
pub fn quiz() -> String {
    let asks = ["recall", "calculation", "what-if", "transfer", "recall"];
    let question = |(number, asks): (usize, &str)| {
        format!(
            r#"    {{ "id": "q{number}", "skill": "capacity", "asks": "{asks}", "ask": "How many are answered each second?", "explain": "1 / 20 ms.",
      "run": {{ "scene": "tiny" }}, "kind": {{ "number": {{ "measure": "throughput_per_s", "tolerance": 0.1 }} }} }}"#
        )
    };
    let questions: Vec<String> = asks.into_iter().enumerate().map(question).collect();
    format!(
        "{{\n  \"version\": 1,\n  \"questions\": [\n{}\n  ]\n}}\n",
        questions.join(",\n")
    )
}

pub const CATALOG: &str = r#"{
  "version": 1,
  "parts": ["First"],
  "lessons": [
    { "id": "one", "title": "A second worker", "summary": "Why it helps.", "minutes": 5, "part": "First", "steps": 1 },
    { "id": "two", "title": "To come", "summary": "More.", "minutes": 5, "part": "First", "planned": true }
  ]
}
"#;

pub const SCENE: &str = r#"{
  "version": 1,
  "seed": 1,
  "horizon_s": 20,
  "components": {
    "users": { "client": { "operation": "buy", "target": "shop", "arrivals": { "poisson": { "rate_per_s": 80 } } } },
    "shop": { "service": { "workers": 1, "queue": 10, "plans": { "*": [{ "work": { "constant": { "mean_ms": 20 } } }] } } }
  }
}
"#;

pub const LESSON: &str = r#"# A second worker

Why it helps.

```proof
{ "goal": [{ "measure": "lost", "below": 1 }],
  "without": { "scene": "tiny" },
  "with": { "scene": "tiny", "set": { "/components/shop/service/workers": 4 } },
  "wrong": [{ "scene": "tiny", "set": { "/components/shop/service/queue": 12 } }] }
```

## Too slow

The [shop](component:shop) is too slow.

```step
{ "id": "slow", "scene": "tiny", "watch": true,
  "knobs": [{ "label": "Workers", "path": "/components/shop/service/workers", "min": 1, "max": 4, "step": 1 }],
  "task": { "text": "Lose a request.", "when": [{ "measure": "lost", "of": "shop", "above": 0 }] } }
```

## Your own

How did it go?

```debrief
[
  { "when": [{ "measure": "lost", "above": 0 }], "say": "Some were lost." },
  { "when": [{ "measure": "lost", "below": 1 }], "say": "Nobody was lost." },
  { "when": [{ "measure": "p99_ms", "above": 50 }], "say": "Some had to wait." },
  { "when": [], "say": "So it is." }
]
```

## In real systems

```sources
[
  { "title": "A", "url": "https://example.org/a", "says": "One more helps." },
  { "title": "B", "url": "https://example.org/b", "says": "Two more help more." }
]
```
"#;
