//! The course itself: every lesson is whole and proven, its links lead somewhere, and a new one needs nothing but its folder.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use scale_course::{Catalog, Inline, Lesson, LessonFiles, each_inline, prove};

fn course() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../lessons")
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn catalog(course: &Path) -> Catalog {
    Catalog::read(&text(&course.join("catalog.json"))).expect("the catalogue can be read")
}

/// The lesson in a folder.
fn lesson(folder: &Path) -> Lesson {
    let scenes = fs::read_dir(folder.join("scenes")).expect("a lesson has scenes");
    let scenes = scenes.map(|entry| {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_stem().expect("a file has a name");
        (name.to_string_lossy().into_owned(), text(&path))
    });
    let quiz = folder.join("quiz.json");
    let files = LessonFiles {
        lesson: text(&folder.join("lesson.md")),
        quiz: quiz.exists().then(|| text(&quiz)),
        scenes: scenes.collect(),
    };
    Lesson::read(&files).unwrap_or_else(|faults| panic!("{}: {faults:#?}", folder.display()))
}

/// The folders in `course` that hold a lesson, by name.
fn folders(course: &Path) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(course).expect("the course is there");
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    let lessons = paths.filter(|path| path.join("lesson.md").exists());
    lessons
        .map(|path| {
            let name = path.file_name().expect("a folder has a name");
            (name.to_string_lossy().into_owned(), path.clone())
        })
        .collect()
}

/// All that is wrong with a lesson of a course.
fn faults(lesson: &Lesson) -> Vec<String> {
    let mut faults = lesson.faults();
    if faults.is_empty() {
        faults.extend(lesson.hard_to_read());
        faults.extend(lesson.unclosed());
        faults.extend(prove(lesson));
    }
    let lacks = lesson.quiz.lacks();
    let lacks = lacks.iter().map(|problem| format!("quiz.json: {problem}"));
    let faults = faults.iter().map(ToString::to_string);
    faults.chain(lacks).collect()
}

#[test]
fn every_lesson_is_whole_and_proven_for_twenty_seeds() {
    let folders: Vec<(String, PathBuf)> = folders(&course()).into_iter().collect();
    assert!(folders.len() > 9, "{folders:?}");
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let processors = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..processors {
            scope.spawn(|| {
                while let Some((id, folder)) = folders.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let faults = faults(&lesson(folder));
                    let mut found = found.lock().expect("no thread has failed with it");
                    found.extend(faults.into_iter().map(|fault| format!("{id}/{fault}")));
                }
            });
        }
    });
    let found = found.into_inner().expect("no thread has failed with it");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_catalogue_and_the_folders_agree() {
    let course = course();
    let lessons = folders(&course);
    let lessons = { lessons.iter() }.map(|(id, folder)| (id.clone(), Some(lesson(folder))));
    assert_eq!(catalog(&course).disagreements(&lessons.collect()), []);
}

#[test]
fn links_inside_the_course_lead_to_a_page() {
    let course = course();
    let (catalog, folders) = (catalog(&course), folders(&course));
    let leads = |to: &str| {
        let parts: Vec<&str> = to.trim_start_matches("#/").split('/').collect();
        match parts[..] {
            ["" | "about" | "settings"] => true,
            ["lesson", id] => catalog.lesson(id).is_some_and(|entry| !entry.planned),
            ["lesson", id, step] => folders.get(id).is_some_and(|folder| {
                ["quiz", "debrief"].contains(&step) || lesson(folder).step(step).is_some()
            }),
            _ => false,
        }
    };
    assert!(leads("#/lesson/x-axis/playground") && leads("#/lesson/x-axis/debrief"));
    assert!(!leads("#/lesson/x-axis/no-such-step") && !leads("#/lesson/no-such-lesson"));
    for (id, folder) in &folders {
        let lesson = lesson(folder);
        let mut links = Vec::new();
        for (prose, line) in lesson.proses() {
            each_inline(prose, &mut |inline| {
                if let Inline::Link { to, .. } = inline
                    && to.starts_with("#/")
                {
                    links.push((to.clone(), line));
                }
            });
        }
        for (to, line) in links {
            assert!(leads(&to), "{id}/lesson.md:{line}: {to} leads nowhere");
        }
    }
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder can be made");
    for entry in fs::read_dir(from).expect("the folder is there") {
        let from = entry.expect("the folder can be read").path();
        let to = to.join(from.file_name().expect("it has a name"));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).expect("the file can be copied");
        }
    }
}

#[test]
fn a_new_lesson_is_a_copy_of_the_template_and_a_line_of_the_catalogue() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let course = folder.path().join("lessons");
    copy(&self::course(), &course);
    let own = course.join("my-lesson");
    copy(&course.join("TEMPLATE"), &own);

    let path = course.join("catalog.json");
    let entry = r#""lessons": [
    { "id": "my-lesson", "title": "The title, as in the catalogue", "summary": "Mine.", "minutes": 5, "part": "Spreading the load", "steps": 2 },"#;
    let changed = text(&path).replacen("\"lessons\": [", entry, 1);
    fs::write(&path, changed).expect("the file can be written");

    let catalog = catalog(&course);
    assert!(catalog.lesson("my-lesson").is_some());
    let lessons = folders(&course);
    let lessons = { lessons.iter() }.map(|(id, folder)| (id.clone(), Some(lesson(folder))));
    assert_eq!(catalog.disagreements(&lessons.collect()), []);
    assert_eq!(faults(&lesson(&own)), [""; 0]);
}
