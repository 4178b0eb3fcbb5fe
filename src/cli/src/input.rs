//! Reading what the user names: scenarios, and the files beside them.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Component as Part, Path, PathBuf};

use scale_course::{Fault, Settings, patched};
use scale_sim::{Arrivals, Component, Files, Problem, Scenario, limits};

use crate::place;

/// A scenario with the files that it names.
#[derive(Clone, Debug)]
pub struct Input {
    /// The scenario, checked.
    pub scenario: Scenario,
    /// The texts of the files that it names.
    pub files: Files,
    /// The paths of everything that was read.
    pub paths: Vec<PathBuf>,
}

/// The most that is read of a file of recorded arrivals: far more than the lines that it may have.
const RECORDING_BYTES: usize = 512 << 20;

/// Reads a scenario with `settings` applied.
///
/// # Errors
///
/// Every fault that was found.
pub fn scenario(path: &Path, settings: &Settings) -> Result<Scenario, Vec<Fault>> {
    let text = text(path)?;
    let changed = Scenario::tree(&text)
        .and_then(|tree| patched(&tree, settings))
        .and_then(|tree| Scenario::from_value(&tree));
    changed.map_err(|problems| faults(path, problems))
}

/// Reads the files that `scenario`, which came from `path`, names. They lie beside it.
///
/// # Errors
///
/// Every fault that was found.
pub fn with_files(path: &Path, scenario: Scenario) -> Result<Input, Vec<Fault>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut files = Files::new();
    let mut paths = vec![path.to_owned()];
    let mut problems = Vec::new();
    for (name, component) in &scenario.components {
        let Component::Client(client) = component else {
            continue;
        };
        let Arrivals::Replay { file, .. } = &client.arrivals else {
            continue;
        };
        match recording(folder, file) {
            Ok((path, text)) => {
                files.insert(file.clone(), text);
                paths.push(path);
            }
            Err(message) => problems.push(Problem::new(
                format!("components.{name}.client.arrivals.replay.file"),
                format!("the file '{file}' {message}"),
            )),
        }
    }
    if problems.is_empty() {
        Ok(Input {
            scenario,
            files,
            paths,
        })
    } else {
        Err(faults(path, problems))
    }
}

/// The text of a JSON or Markdown file.
///
/// # Errors
///
/// Why it could not be read.
pub fn text(path: &Path) -> Result<String, Vec<Fault>> {
    let fault = |message: &str| fault(path, &format!("the file {message}"));
    let bytes = bytes(path, limits::FILE_BYTES).map_err(|message| fault(&message))?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(fault("is empty"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()]
            .split(|b| *b == b'\n')
            .count()
            - 1;
        fault(&format!("is not UTF-8 text: see line {line}"))
    })?;
    Ok(without_mark(&text).to_owned())
}

/// One fault of a file as a whole.
pub fn fault(path: &Path, message: &str) -> Vec<Fault> {
    vec![Fault::new(
        &path.display().to_string(),
        Problem::new("", message),
    )]
}

/// All of a JSON file's problems as faults, each with its line.
pub fn faults(path: &Path, problems: Vec<Problem>) -> Vec<Fault> {
    let file = path.display().to_string();
    let text = text(path).unwrap_or_default();
    let faults = problems.into_iter().map(|problem| Fault {
        line: place::line(&text, &problem),
        ..Fault::new(&file, problem)
    });
    faults.collect()
}

/// The path and the text of a file of recorded arrivals, or why not, in words that follow its name.
fn recording(folder: &Path, file: &str) -> Result<(PathBuf, String), String> {
    let path = beside(folder, file)?;
    let bytes = bytes(&path, RECORDING_BYTES)?;
    // A stray byte in a log's address or browser column changes no arrival.
    let text = String::from_utf8_lossy(&bytes);
    Ok((path, without_mark(&text).to_owned()))
}

/// The bytes of a file of at most `most` bytes, or why not, in words that follow its name.
fn bytes(path: &Path, most: usize) -> Result<Vec<u8>, String> {
    if fs::metadata(path).is_ok_and(|about| about.is_dir()) {
        return Err("is a folder: name a file in it".to_owned());
    }
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too long, also where its length is not known beforehand.
    file.take(most as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&error))?;
    if bytes.len() > most {
        return Err(format!("has more than {most} bytes, the most that is read"));
    }
    Ok(bytes)
}

fn unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "was not found".to_owned(),
        std::io::ErrorKind::PermissionDenied => "may not be read by you".to_owned(),
        _ => format!("could not be read: {error}"),
    }
}

/// The path of `file` in `folder`, which it must not leave: a scenario from elsewhere reads nothing but what came with it.
fn beside(folder: &Path, file: &str) -> Result<PathBuf, String> {
    let inside = Path::new(file)
        .components()
        .all(|part| matches!(part, Part::Normal(_)));
    if !inside {
        return Err(
            "is out of bounds: name a file beside the scenario, without '..' or a leading '/'"
                .to_owned(),
        );
    }
    let path = folder.join(file);
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let real = fs::canonicalize(&path).map_err(|error| unreadable(&error))?;
    let home = fs::canonicalize(folder).map_err(|error| unreadable(&error))?;
    if real.starts_with(home) {
        Ok(path)
    } else {
        Err("is a link to another folder: put the file itself beside the scenario".to_owned())
    }
}

/// The text without a byte order mark, which some editors put first.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
