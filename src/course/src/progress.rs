//! A learner's progress: what was done, predicted and answered. Kept by the page, exported and imported as JSON.

use core::fmt;
use std::collections::BTreeSet;

use scale_sim::{Problem, read_json, write_json};
use serde::{Deserialize, Serialize};
use vecmap::VecMap;

use crate::lesson::Answer;
use crate::memory::Memory;
use crate::quiz::Skill;

/// The version that this build writes. Version 1 knew neither skills nor when a question is due.
const VERSION: u32 = 2;
/// The largest text that is read, in bytes.
const BYTES: usize = 1 << 20;
/// Entries in any one list.
const ENTRIES: usize = 1_000;

/// Everything a learner has done.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The version of the format.
    pub version: u32,
    /// By lesson.
    #[serde(default)]
    pub lessons: VecMap<String, LessonProgress>,
}

/// What a learner has done in one lesson.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LessonProgress {
    /// Steps whose task was done, or that were read to their end where there is no task.
    #[serde(default)]
    pub steps: BTreeSet<String>,
    /// The step looked at last.
    #[serde(default)]
    pub last: Option<String>,
    /// Predictions, by step.
    #[serde(default)]
    pub predictions: VecMap<String, PredictionResult>,
    /// Questions, by id.
    #[serde(default)]
    pub questions: VecMap<String, QuestionResult>,
    /// The knobs as they were last played, by step and by path.
    #[serde(default)]
    pub settings: VecMap<String, VecMap<String, f64>>,
}

/// A prediction and what came of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictionResult {
    /// What was predicted.
    pub given: Answer,
    /// What the run showed.
    pub truth: Answer,
    /// Whether that was near enough.
    pub right: bool,
}

/// How a question went.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionResult {
    /// Times answered.
    pub asked: u32,
    /// Times answered rightly.
    pub right: u32,
    /// What it exercises, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill: Option<Skill>,
    /// How well it is remembered; unknown of answers that version 1 kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

/// Why stored or imported progress cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProgressError {
    /// It is not progress, or damaged: where and how.
    Damaged(Problem),
    /// A newer version of the lab wrote it.
    Newer {
        /// That version.
        version: u32,
    },
}

impl fmt::Display for ProgressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(problem) => write!(
                f,
                "this is not a progress file of Scale Lab, or it is damaged: {problem}"
            ),
            Self::Newer { version } => write!(
                f,
                "a newer version of Scale Lab wrote this progress (format {version}; this one reads {VERSION}): reload the page to get the newest version"
            ),
        }
    }
}

impl std::error::Error for ProgressError {}

impl Default for Progress {
    fn default() -> Self {
        Self {
            version: VERSION,
            lessons: VecMap::new(),
        }
    }
}

impl Progress {
    /// Reads progress from JSON.
    ///
    /// # Errors
    ///
    /// What is wrong with it, or that it is newer than this build.
    pub fn read(text: &str) -> Result<Self, ProgressError> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        if text.len() > BYTES {
            let message = format!("{} bytes: at most {BYTES} are read", text.len());
            return Err(ProgressError::Damaged(Problem::new("", message)));
        }
        // The version first: what a newer build has added is no damage.
        let head: Head = read_json(text).map_err(ProgressError::Damaged)?;
        if head.version > VERSION {
            return Err(ProgressError::Newer {
                version: head.version,
            });
        }
        let mut progress: Self = read_json(text).map_err(ProgressError::Damaged)?;
        // All that version 1 could hold means the same in version 2.
        progress.version = VERSION;
        let lists = progress.lessons.values().flat_map(|l| {
            let knobs = l.settings.values().map(VecMap::len);
            let knobs = knobs.max().unwrap_or(0);
            let (steps, predictions) = (l.steps.len(), l.predictions.len());
            [
                steps,
                predictions,
                l.questions.len(),
                l.settings.len(),
                knobs,
            ]
        });
        if lists
            .chain([progress.lessons.len()])
            .any(|entries| entries > ENTRIES)
        {
            let message = format!("a list has more than {ENTRIES} entries");
            return Err(ProgressError::Damaged(Problem::new("lessons", message)));
        }
        if let Some((id, _)) = progress
            .lessons
            .iter()
            .find(|(_, l)| l.questions.values().any(|q| q.right > q.asked))
        {
            let problem = Problem::new(
                format!("lessons.{id}.questions"),
                "more right answers than answers",
            );
            return Err(ProgressError::Damaged(problem));
        }
        for (id, lesson) in &progress.lessons {
            let mut memories = lesson.questions.iter();
            let unsound = memories.find(|(_, q)| q.memory.is_some_and(|m| !m.is_sound()));
            if let Some((question, _)) = unsound {
                let place = format!("lessons.{id}.questions.{question}.memory");
                let problem = Problem::new(place, "a value is out of range");
                return Err(ProgressError::Damaged(problem));
            }
        }
        Ok(progress)
    }

    /// Writes it as JSON.
    pub fn write(&self) -> String {
        write_json(self)
    }

    /// The progress in a lesson.
    pub fn lesson(&self, id: &str) -> LessonProgress {
        self.lessons.get(id).cloned().unwrap_or_default()
    }

    /// The progress in a lesson, to be changed.
    pub fn lesson_mut(&mut self, id: &str) -> &mut LessonProgress {
        self.lessons.entry(id.to_owned()).or_default()
    }

    /// Takes in what another tab or another machine has: what was done anywhere is done.
    pub fn merge(&mut self, other: &Self) {
        for (id, theirs) in &other.lessons {
            let ours = self.lesson_mut(id);
            ours.steps.extend(theirs.steps.iter().cloned());
            if ours.last.is_none() {
                ours.last.clone_from(&theirs.last);
            }
            for (step, prediction) in &theirs.predictions {
                ours.predictions
                    .entry(step.clone())
                    .or_insert_with(|| prediction.clone());
            }
            for (step, knobs) in &theirs.settings {
                ours.settings
                    .entry(step.clone())
                    .or_insert_with(|| knobs.clone());
            }
            for (question, result) in &theirs.questions {
                if has_room(&ours.questions, question) {
                    let entry = ours.questions.entry(question.clone()).or_default();
                    entry.merge(*result);
                }
            }
        }
    }
}

impl QuestionResult {
    fn merge(&mut self, theirs: Self) {
        self.skill = self.skill.or(theirs.skill);
        // What the later answer left; of one day, that of the longer history.
        let age = |result: &Self| result.memory.map(|memory| (memory.answered, result.asked));
        if age(&theirs) > age(self) {
            self.memory = theirs.memory;
        }
        // The longer history, not the sum: both may share their beginning.
        if (theirs.asked, theirs.right) > (self.asked, self.right) {
            (self.asked, self.right) = (theirs.asked, theirs.right);
        }
    }
}

/// Whether a result can be kept there: more than can be read again are not.
pub(crate) fn has_room(results: &VecMap<String, QuestionResult>, question: &str) -> bool {
    results.len() < ENTRIES || results.contains_key(question)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Day;
    use crate::quiz::Grade;
    use proptest::prelude::*;

    fn some_progress() -> impl Strategy<Value = Progress> {
        let memory = (10..4_000_000, 10_000..100_000, 0..30_000, 0..30_000);
        let memory = memory.prop_map(|(stability, difficulty, answered, due)| Memory {
            stability: f64::from(stability) / 1e4,
            difficulty: f64::from(difficulty) / 1e4,
            answered: Day(answered),
            due: Day(due),
        });
        let skill = prop_oneof![
            Just(None),
            Just(Some(Skill::Capacity)),
            Just(Some(Skill::ZAxis))
        ];
        let memory = proptest::option::of(memory);
        let question =
            (0..5_u32, 0..5_u32, skill, memory).prop_map(|(a, b, skill, memory)| QuestionResult {
                asked: a + b,
                right: a,
                skill,
                memory,
            });
        let lesson = (
            proptest::collection::btree_set("[a-c]", 0..3),
            proptest::option::of("[a-c]"),
            proptest::collection::btree_map("[a-c]", question, 0..3),
            proptest::collection::btree_map("[a-c]", 0..9_i32, 0..3),
        )
            .prop_map(|(steps, last, questions, knobs)| LessonProgress {
                steps,
                last,
                questions: questions.into_iter().collect(),
                settings: { knobs.into_iter() }
                    .map(|(step, value)| (step, [("/a".to_owned(), f64::from(value))].into()))
                    .collect(),
                ..LessonProgress::default()
            });
        proptest::collection::btree_map("[x-z]", lesson, 0..3).prop_map(|lessons| Progress {
            lessons: lessons.into_iter().collect(),
            ..Progress::default()
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_the_same(progress in some_progress()) {
            prop_assert_eq!(Progress::read(&progress.write()), Ok(progress));
        }

        #[test]
        fn merging_loses_nothing_and_twice_is_once(a in some_progress(), b in some_progress()) {
            let mut merged = a.clone();
            merged.merge(&b);
            for (id, lesson) in a.lessons.iter().chain(&b.lessons) {
                prop_assert!(lesson.steps.is_subset(&merged.lessons[id].steps));
            }
            let mut again = merged.clone();
            again.merge(&b);
            prop_assert_eq!(again, merged);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}") {
            let _ = Progress::read(&text);
        }
    }

    #[test]
    fn damage_is_told_with_its_place() {
        let check = |text: &str, expected: &str| {
            let said = Progress::read(text)
                .expect_err("must be refused")
                .to_string();
            assert!(said.contains(expected), "{said}");
        };
        check("", "EOF");
        check(
            "{\"version\":1,\"lessons\":{\"x\":{\"steps\":5}}}",
            "lessons.x.steps: invalid type",
        );
        check("{\"version\":1,\"lessons\":{}", "EOF");
        check(
            "{\"version\":7,\"lessons\":{\"x\":{\"moon\":5}}}",
            "a newer version of Scale Lab",
        );
        check(
            "{\"version\":1,\"lessons\":{\"x\":{\"questions\":{\"q\":{\"asked\":1,\"right\":2}}}}}",
            "more right answers",
        );
        check(
            r#"{"version":2,"lessons":{"x":{"questions":{"q":{"asked":1,"right":1,
                "memory":{"stability":-1,"difficulty":5,"answered":20000,"due":20001}}}}}}"#,
            "lessons.x.questions.q.memory: a value is out of range",
        );
        check(&" ".repeat(BYTES + 1), "at most");
    }

    const TODAY: Day = Day(20_000);

    #[test]
    fn nothing_that_version_1_kept_is_lost() {
        let old = r#"{"version":1,"lessons":{"x-axis":{"steps":["drown","copies"],"last":"quiz",
            "predictions":{"wall":{"given":{"number":300.0},"truth":{"number":199.5},"right":false}},
            "questions":{"knee":{"asked":3,"right":2},"lock":{"asked":1,"right":0}}}}}"#;
        let progress = Progress::read(old).expect("version 1 is read");
        let lesson = progress.lesson("x-axis");
        assert_eq!(
            (lesson.steps.len(), lesson.last.as_deref()),
            (2, Some("quiz"))
        );
        assert_eq!(lesson.predictions["wall"].truth, Answer::Number(199.5));
        assert_eq!(
            (
                lesson.questions["knee"].asked,
                lesson.questions["knee"].right
            ),
            (3, 2)
        );
        // What was answered then may be asked again now.
        assert_eq!(progress.due(TODAY).len(), 2);
        let text = progress.write();
        assert!(text.contains("\"version\": 2"), "{text}");
        assert_eq!(Progress::read(&text), Ok(progress));
    }

    #[test]
    fn no_more_is_kept_than_can_be_read_again() {
        let (mut one, mut other) = (Progress::default(), Progress::default());
        for number in 0..ENTRIES + 10 {
            one.answered("x", &format!("a{number}"), None, Grade::Good, TODAY);
            other.answered("x", &format!("b{number}"), None, Grade::Good, TODAY);
        }
        one.merge(&other);
        assert!(Progress::read(&one.write()).is_ok());
    }

    #[test]
    fn of_two_tabs_the_later_answer_decides_when_it_is_asked_again() {
        let mut one = Progress::default();
        one.answered("x", "q", None, Grade::Good, TODAY);
        let mut other = one.clone();
        other.answered("x", "q", None, Grade::Again, TODAY);
        let later = other.lesson("x").questions["q"];
        let mut merged = one.clone();
        merged.merge(&other);
        assert_eq!(merged.lesson("x").questions["q"], later);
        other.merge(&one);
        assert_eq!(other.lesson("x").questions["q"], later);
    }
}
