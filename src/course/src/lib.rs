//! The course of Scale Lab as typed data: lessons, predictions, quizzes and progress. No browser, no files, no clock.
//!
//! A lesson is a folder: `lesson.md` (prose, with a `step` block in each section), `scenes/*.json` (scenarios) and
//! `quiz.json`. Whatever is graded is graded by running the engine: no key is written down where a run can give it.

mod assemble;
mod catalog;
mod checks;
mod closing;
mod coverage;
mod lesson;
mod markdown;
mod memory;
mod progress;
mod proof;
mod quiz;
mod reading;
mod review;
mod setting;
mod source;

pub use catalog::{Catalog, CatalogLesson};
pub use closing::{Closing, Remark, Source};
pub use lesson::{
    Answer, Claim, Guess, Knob, Lesson, Predict, Proof, Scene, Step, StepData, Task, Twin,
};
pub use markdown::{Block, Inline, Prose, each_inline};
pub use memory::{Day, Memory};
pub use progress::{LessonProgress, PredictionResult, Progress, ProgressError, QuestionResult};
pub use proof::{SEEDS, prove, proven_seed};
pub use quiz::{
    Asks, Choice, Curve, Drawn, Feedback, Given, Grade, Item, Key, Kind, Question, Quiz, RunRef,
    Shown, Skill, Truth,
};
pub use review::{Due, SkillResult};
pub use setting::{Settings, patched};
pub use source::{Fault, LessonFiles};
