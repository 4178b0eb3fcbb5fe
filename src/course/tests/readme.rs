//! The lesson in ten lines that README.md shows is a lesson.

use std::fs;
use std::path::Path;

use scale_course::{Lesson, LessonFiles, prove};

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).expect("it is part of the repository")
}

#[test]
fn the_lesson_in_the_readme_is_whole_and_proven() {
    let readme = read("README.md");
    let (_, rest) = readme.split_once("````markdown\n").expect("an example");
    let (lesson, _) = rest.split_once("````").expect("its end");
    assert!(lesson.lines().count() <= 10);
    let scene = read("lessons/x-axis/scenes/one.json");
    let files = LessonFiles {
        lesson: lesson.to_owned(),
        quiz: None,
        scenes: [("one".to_owned(), scene)].into(),
    };
    let lesson = Lesson::read(&files).expect("no fault");
    assert_eq!(lesson.faults(), []);
    assert_eq!(prove(&lesson), []);
}
