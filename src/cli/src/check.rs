//! `lab check`: everything that is wrong with scenarios, lessons and challenges, each fault with its place.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use scale_capacity::{BRIEF, ChallengeFiles, Found, INDEX, NON_SOLUTIONS, Proof, SOLUTIONS, START};
use scale_course::{Catalog, Fault, Lesson, LessonFiles, Settings, prove};
use scale_sim::{Model, Problem};

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
        writeln!(out, "checked {}: no problem", counted(&targets))?;
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

/// What there was of each kind, in words.
fn counted(targets: &[Target]) -> String {
    let of = |word: &str| {
        targets
            .iter()
            .filter(|own| own.word() == Some(word))
            .count()
    };
    let counts = ["scenario", "lesson", "challenge"].map(|word| (word, of(word)));
    let told = counts.iter().filter(|(_, count)| *count > 0);
    let words: Vec<String> = told
        .map(|(word, count)| format!("{count} {word}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    match words.split_last() {
        None => "0 scenarios".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
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
    /// A challenge's folder.
    Challenge(PathBuf),
    /// The folder of all challenges: that its index names them.
    Challenges(PathBuf),
}

/// What there is to check at `path`.
fn targets_of(path: &Path) -> Result<Vec<Target>, Vec<Fault>> {
    if !path.is_dir() {
        return Ok(vec![Target::Scenario(path.to_owned())]);
    }
    if path.join("lesson.md").exists() {
        return Ok(vec![Target::Lesson(path.to_owned())]);
    }
    if path.join(BRIEF).exists() {
        return Ok(vec![Target::Challenge(path.to_owned())]);
    }
    let lessons = lessons(path)?;
    if path.join("catalog.json").exists() || !lessons.is_empty() {
        let mut targets: Vec<Target> = lessons.into_iter().map(Target::Lesson).collect();
        targets.push(Target::Course(path.to_owned()));
        let challenges = path.join(CHALLENGES);
        if challenges.is_dir() {
            targets.extend(all_challenges(&challenges)?);
        }
        return Ok(targets);
    }
    if path.join(INDEX).exists() || !challenges(path)?.is_empty() {
        return all_challenges(path);
    }
    let scenarios = entries(path)?.into_iter().filter(|path| is_json(path));
    let scenarios: Vec<Target> = scenarios.map(Target::Scenario).collect();
    if scenarios.is_empty() {
        return Err(input::fault(
            path,
            "the folder has neither scenarios (*.json), nor lessons (folders with a lesson.md), nor challenges (folders with a challenge.json)",
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

/// Where the challenges are among the lessons.
const CHALLENGES: &str = "challenges";

/// The folders in `path` that hold a challenge.
fn challenges(path: &Path) -> Result<Vec<PathBuf>, Vec<Fault>> {
    let all = entries(path)?.into_iter();
    Ok(all.filter(|path| path.join(BRIEF).exists()).collect())
}

/// All challenges in a folder, and their index.
fn all_challenges(path: &Path) -> Result<Vec<Target>, Vec<Fault>> {
    let all = challenges(path)?.into_iter().map(Target::Challenge);
    Ok(all.chain([Target::Challenges(path.to_owned())]).collect())
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
    /// What it is counted as; nothing for what only holds others.
    const fn word(&self) -> Option<&'static str> {
        match self {
            Self::Scenario(_) => Some("scenario"),
            Self::Lesson(_) => Some("lesson"),
            Self::Challenge(_) => Some("challenge"),
            Self::Course(_) | Self::Challenges(_) => None,
        }
    }

    fn faults(&self) -> Vec<Fault> {
        let checked = match self {
            Self::Scenario(path) => check_scenario(path),
            Self::Lesson(folder) => check_lesson(folder),
            Self::Course(folder) => check_course(folder),
            Self::Challenge(folder) => check_challenge(folder),
            Self::Challenges(folder) => check_index(folder),
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

/// Checks a challenge's files, and runs all its attempts.
fn check_challenge(folder: &Path) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    let mut read = |path: &Path| input::text(path).map_err(|found| faults.extend(found)).ok();
    let mut files = ChallengeFiles {
        challenge: read(&folder.join(BRIEF)).unwrap_or_default(),
        start: read(&folder.join(START)).unwrap_or_default(),
        ..ChallengeFiles::default()
    };
    for (kind, texts) in [
        (SOLUTIONS, &mut files.solutions),
        (NON_SOLUTIONS, &mut files.non_solutions),
    ] {
        let attempts = folder.join(kind);
        // Without any, the proof says what is missing.
        if !attempts.is_dir() {
            continue;
        }
        for path in entries(&attempts)?.into_iter().filter(|path| is_json(path)) {
            if let (Some(name), Some(text)) =
                (path.file_stem().and_then(OsStr::to_str), read(&path))
            {
                texts.insert(name.to_owned(), text);
            }
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let found = Proof::read(&files).map_or_else(|found| found, |proof| proof.unproven());
    if found.is_empty() {
        Ok(())
    } else {
        let fault = |found: Found| placed(folder, Fault::new(&found.file, found.problem));
        Err(found.into_iter().map(fault).collect())
    }
}

/// Checks that the index and the folders of challenges agree.
fn check_index(folder: &Path) -> Result<(), Vec<Fault>> {
    let path = folder.join(INDEX);
    let named: Vec<String> = scale_sim::read_json(&input::text(&path)?)
        .map_err(|problem| input::faults(&path, vec![problem]))?;
    let own = challenges(folder)?.into_iter().map(|own| {
        let id = own.file_name().unwrap_or_default().to_string_lossy();
        id.into_owned()
    });
    let own: Vec<String> = own.collect();
    let missing = own.iter().filter(|id| !named.contains(id));
    let missing = missing.map(|id| format!("the challenge '{id}' is not in the list: add it"));
    let gone = named.iter().enumerate().filter_map(|(at, id)| {
        let message = if named[..at].contains(id) {
            format!("'{id}' is in the list already")
        } else if own.contains(id) {
            return None;
        } else {
            format!("there is no folder '{id}' with a {BRIEF}")
        };
        Some(Problem::new(format!("[{at}]"), message))
    });
    let problems: Vec<Problem> = missing
        .map(|message| Problem::new("", message))
        .chain(gone)
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(input::faults(&path, problems))
    }
}
