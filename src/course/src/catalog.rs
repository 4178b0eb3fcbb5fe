//! The catalogue: which lessons there are, in which order.

use std::collections::BTreeMap;

use scale_sim::{Problem, read_json};
use serde::{Deserialize, Serialize};

use crate::lesson::Lesson;

/// The lessons of the course, in order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// The version of the format: 1.
    pub version: u32,
    /// The parts of the course, in order.
    pub parts: Vec<String>,
    /// The lessons, in order; those of a part stand together.
    pub lessons: Vec<CatalogLesson>,
}

/// A lesson as the catalogue knows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CatalogLesson {
    /// The name of its folder, and its place in links.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What one learns, in a sentence.
    pub summary: String,
    /// About how long it takes.
    pub minutes: u32,
    /// The part of the course that it belongs to.
    pub part: String,
    /// How many steps it has; not needed while it is planned.
    #[serde(default)]
    pub steps: u32,
    /// Whether it is still to be written.
    #[serde(default)]
    pub planned: bool,
}

impl Catalog {
    /// Reads `catalog.json`.
    ///
    /// # Errors
    ///
    /// Every problem, with its path.
    pub fn read(text: &str) -> Result<Self, Vec<Problem>> {
        let catalog: Self = read_json(text).map_err(|problem| vec![problem])?;
        let mut problems = Vec::new();
        if catalog.version != 1 {
            problems.push(Problem::new(
                "version",
                format!("{} is not known: this build reads 1", catalog.version),
            ));
        }
        for (at, lesson) in catalog.lessons.iter().enumerate() {
            let place = format!("lessons[{at}]");
            if !is_id(&lesson.id) {
                let message = format!(
                    "'{}': an id is 1 to 40 lower-case letters, digits and '-'",
                    lesson.id
                );
                problems.push(Problem::new(format!("{place}.id"), message));
            }
            if catalog.lessons[..at]
                .iter()
                .any(|other| other.id == lesson.id)
            {
                problems.push(Problem::new(
                    format!("{place}.id"),
                    format!("'{}' stands here twice", lesson.id),
                ));
            }
            if !catalog.parts.contains(&lesson.part) {
                let message = format!(
                    "'{}' is none of the parts: {}",
                    lesson.part,
                    catalog.parts.join(", ")
                );
                problems.push(Problem::new(format!("{place}.part"), message));
            }
        }
        if problems.is_empty() {
            Ok(catalog)
        } else {
            Err(problems)
        }
    }

    /// Where the catalogue and the folders of lessons differ: `folders` are those that hold a lesson, which may be unreadable.
    pub fn disagreements(&self, folders: &BTreeMap<String, Option<Lesson>>) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (at, entry) in self.lessons.iter().enumerate() {
            let id = &entry.id;
            let mut problem = |field: &str, message: String| {
                problems.push(Problem::new(format!("lessons[{at}].{field}"), message));
            };
            let Some(lesson) = folders.get(id) else {
                if !entry.planned {
                    let message = "has no folder with a lesson.md: write it, or mark it as planned";
                    problem("planned", format!("'{id}' {message}"));
                }
                continue;
            };
            if entry.planned {
                let message = format!("'{id}' has a folder, so it is not planned any more");
                problem("planned", message);
            }
            let Some(lesson) = lesson else {
                continue;
            };
            if lesson.title != entry.title {
                let message = format!(
                    "'{}' differs from the lesson's own title, '{}'",
                    entry.title, lesson.title
                );
                problem("title", message);
            }
            let steps = lesson.steps.len();
            if steps != entry.steps as usize {
                let message = format!(
                    "{} differs from the lesson's own {steps} steps",
                    entry.steps
                );
                problem("steps", message);
            }
        }
        let left_out = folders
            .keys()
            .filter(|id| *id != TEMPLATE && self.lesson(id).is_none());
        problems.extend(left_out.map(|id| {
            let message = format!("'{id}' has a folder but does not stand here");
            Problem::new("lessons", message)
        }));
        problems
    }

    /// The lesson called `id`.
    pub fn lesson(&self, id: &str) -> Option<&CatalogLesson> {
        self.lessons.iter().find(|lesson| lesson.id == id)
    }

    /// The next lesson after the one called `id` that is written.
    pub fn after(&self, id: &str) -> Option<&CatalogLesson> {
        let mut lessons = self.lessons.iter().skip_while(|lesson| lesson.id != id);
        lessons.next()?;
        lessons.find(|lesson| !lesson.planned)
    }
}

/// The folder of the lesson that others begin as a copy of.
const TEMPLATE: &str = "TEMPLATE";

/// Whether `id` can name a lesson, a step or a question.
pub(crate) fn is_id(id: &str) -> bool {
    (1..=40).contains(&id.len())
        && id
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lesson: &str, expected: &str) {
        let text = format!(r#"{{"version":1,"parts":["One"],"lessons":[{lesson},{lesson}]}}"#);
        let problems = Catalog::read(&text).expect_err("must be refused");
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(shown.iter().any(|s| s.contains(expected)), "{shown:?}");
    }

    #[test]
    fn the_next_lesson_is_one_that_is_written() {
        let lesson = |id: &str, planned: bool| {
            format!(
                r#"{{"id":"{id}","title":"A","summary":"s","minutes":5,"part":"One","planned":{planned}}}"#
            )
        };
        let lessons = [lesson("a", false), lesson("b", true), lesson("c", false)].join(",");
        let text = format!(r#"{{"version":1,"parts":["One"],"lessons":[{lessons}]}}"#);
        let catalog = Catalog::read(&text).expect("valid");
        let after = |id| catalog.after(id).map(|lesson| lesson.id.as_str());
        assert_eq!(
            [after("a"), after("b"), after("c"), after("x")],
            [Some("c"), Some("c"), None, None]
        );
    }

    #[test]
    fn faults_name_their_place() {
        let lesson = r#"{"id":"a","title":"A","summary":"s","minutes":5,"part":"One"}"#;
        check(lesson, "lessons[1].id: 'a' stands here twice");
        check(
            &lesson.replace("One", "Two"),
            "lessons[0].part: 'Two' is none of the parts: One",
        );
        check(
            &lesson.replace("\"a\"", "\"../a\""),
            "lessons[0].id: '../a'",
        );
        check(
            &lesson.replace("title", "titel"),
            "lessons[0].titel: unknown field",
        );
    }
}
