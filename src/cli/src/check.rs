//! `lab check`: everything that is wrong with scenarios and lessons, each fault with its place.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use scale_course::{Catalog, Fault, Lesson, LessonFiles, Settings, prove};
use scale_sim::Model;

use crate::args::CheckArguments;
use crate::failure::{Failure, harmless};
use crate::{input, parallel, place};

/// Checks what `arguments` name and prints every fault. Tells whether there was none.
///
/// # Errors
///
/// Why the faults could not be written.
pub fn check(arguments: &CheckArguments) -> Result<bool, Failure> {
    let mut faults = Vec::new();
    let mut targets = Vec::new();
    for path in &arguments.paths {
        match targets_of(path) {
            Ok(found) => targets.extend(found),
            Err(found) => faults.extend(found),
        }
    }
    let found = parallel::map(&targets, Target::faults, |done| {
        format!("{done} of {} checked", targets.len())
    });
    faults.extend(found.into_iter().flatten());

    let mut out = io::stdout().lock();
    for fault in &faults {
        writeln!(out, "{}", harmless(&fault.to_string()))?;
    }
    if faults.is_empty() {
        let scenarios = targets
            .iter()
            .filter(|target| matches!(target, Target::Scenario(_)))
            .count();
        let lessons = targets
            .iter()
            .filter(|target| matches!(target, Target::Lesson(_)))
            .count();
        writeln!(out, "checked {}: no problem", counted(scenarios, lessons))?;
    } else {
        let problems = if faults.len() == 1 {
            "problem"
        } else {
            "problems"
        };
        writeln!(io::stderr(), "{} {problems}", faults.len())?;
    }
    Ok(faults.is_empty())
}

fn counted(scenarios: usize, lessons: usize) -> String {
    let plural =
        |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    match (scenarios, lessons) {
        (_, 0) => plural(scenarios, "scenario"),
        (0, _) => plural(lessons, "lesson"),
        _ => format!(
            "{} and {}",
            plural(scenarios, "scenario"),
            plural(lessons, "lesson")
        ),
    }
}

/// One thing to check.
enum Target {
    /// A scenario's file.
    Scenario(PathBuf),
    /// A lesson's folder.
    Lesson(PathBuf),
    /// The folder of all lessons: that its catalogue agrees with them.
    Course(PathBuf),
}

/// What there is to check at `path`.
fn targets_of(path: &Path) -> Result<Vec<Target>, Vec<Fault>> {
    if !path.is_dir() {
        return Ok(vec![Target::Scenario(path.to_owned())]);
    }
    if path.join("lesson.md").exists() {
        return Ok(vec![Target::Lesson(path.to_owned())]);
    }
    let lessons = lessons(path)?;
    if path.join("catalog.json").exists() || !lessons.is_empty() {
        let lessons = lessons.into_iter().map(Target::Lesson);
        return Ok(lessons.chain([Target::Course(path.to_owned())]).collect());
    }
    let scenarios = entries(path)?.into_iter().filter(|path| is_json(path));
    let scenarios: Vec<Target> = scenarios.map(Target::Scenario).collect();
    if scenarios.is_empty() {
        return Err(input::fault(
            path,
            "the folder has neither scenarios (*.json) nor lessons (folders with a lesson.md)",
        ));
    }
    Ok(scenarios)
}

/// The folders in `path` that hold a lesson.
fn lessons(path: &Path) -> Result<Vec<PathBuf>, Vec<Fault>> {
    Ok(entries(path)?
        .into_iter()
        .filter(|path| path.join("lesson.md").exists())
        .collect())
}

/// What a folder holds, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Vec<Fault>> {
    let unread =
        |error: io::Error| input::fault(folder, &format!("the folder could not be read: {error}"));
    let entries = fs::read_dir(folder).map_err(unread)?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(unread)?;
    paths.sort();
    Ok(paths)
}

fn is_json(path: &Path) -> bool {
    path.is_file() && path.extension() == Some(OsStr::new("json"))
}

impl Target {
    fn faults(&self) -> Vec<Fault> {
        let checked = match self {
            Self::Scenario(path) => check_scenario(path),
            Self::Lesson(folder) => check_lesson(folder),
            Self::Course(folder) => check_course(folder),
        };
        checked.err().unwrap_or_default()
    }
}

fn check_scenario(path: &Path) -> Result<(), Vec<Fault>> {
    let scenario = input::scenario(path, &Settings::new())?;
    let input = input::with_files(path, scenario)?;
    Model::new(&input.scenario, &input.files)
        .map(drop)
        .map_err(|problems| input::faults(path, problems))
}

fn check_lesson(folder: &Path) -> Result<(), Vec<Fault>> {
    let lesson = read_lesson(folder)?;
    let mut faults = lesson.hard_to_read();
    // What stands in a course is closed; a lesson alone need not be.
    if folder.join("../catalog.json").exists() {
        faults.extend(lesson.unclosed());
        let lacks = lesson.quiz.lacks().into_iter();
        faults.extend(lacks.map(|problem| Fault::new("quiz.json", problem)));
    }
    faults.extend(prove(&lesson));
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults
            .into_iter()
            .map(|fault| placed(folder, fault))
            .collect())
    }
}

/// Reads a lesson's files and the lesson in them. Faults name their files from `folder` on.
fn read_lesson(folder: &Path) -> Result<Lesson, Vec<Fault>> {
    let mut files = LessonFiles::default();
    let mut faults = Vec::new();
    let mut read = |path: &Path| input::text(path).map_err(|found| faults.extend(found)).ok();
    files.lesson = read(&folder.join("lesson.md")).unwrap_or_default();
    let quiz = folder.join("quiz.json");
    if quiz.exists() {
        files.quiz = read(&quiz);
    }
    let scenes = folder.join("scenes");
    if scenes.is_dir() {
        for path in entries(&scenes)?.into_iter().filter(|path| is_json(path)) {
            if let (Some(name), Some(text)) =
                (path.file_stem().and_then(OsStr::to_str), read(&path))
            {
                files.scenes.insert(name.to_owned(), text);
            }
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let checked = Lesson::read(&files).and_then(|lesson| match lesson.faults() {
        faults if faults.is_empty() => Ok(lesson),
        faults => Err(faults),
    });
    checked.map_err(|found| {
        found
            .into_iter()
            .map(|fault| placed(folder, fault))
            .collect()
    })
}

/// A fault whose file is named from `folder` on, named from where the user stands, and with its line.
fn placed(folder: &Path, mut fault: Fault) -> Fault {
    let path = folder.join(&fault.file);
    fault.file = path.display().to_string();
    if fault.line.is_none() && is_json(&path) {
        let text = input::text(&path).unwrap_or_default();
        fault.line = place::line(&text, &fault.problem);
    }
    fault
}

/// Checks that the catalogue and the folders of lessons agree.
fn check_course(folder: &Path) -> Result<(), Vec<Fault>> {
    let path = folder.join("catalog.json");
    let catalog =
        Catalog::read(&input::text(&path)?).map_err(|problems| input::faults(&path, problems))?;
    let own = lessons(folder)?.into_iter().map(|own| {
        let id = own.file_name().unwrap_or_default().to_string_lossy();
        // What is wrong with the lesson itself is told where the lesson is checked.
        (id.into_owned(), read_lesson(&own).ok())
    });
    let problems = catalog.disagreements(&own.collect());
    if problems.is_empty() {
        Ok(())
    } else {
        Err(input::faults(&path, problems))
    }
}
