//! What the whole page shares: progress, settings, and a notice for the reader.

use std::rc::Rc;

use scale_course::{Day, Grade, PredictionResult, Progress, Skill};
use vecmap::VecMap;
use yew::Reducible;
use yew::prelude::*;

use crate::store::{Found, Looks, Settings};

/// What the whole page shares.
#[derive(Clone, PartialEq, Debug)]
pub struct State {
    /// What the learner has done.
    pub progress: Progress,
    /// What the reader has set.
    pub settings: Settings,
    /// What the reader's system asks for.
    pub system: Looks,
    /// Whether progress is kept: not if the storage holds that of a newer version.
    pub keep: bool,
    /// Something to tell the reader.
    pub notice: Option<Notice>,
}

/// Something to tell the reader.
#[derive(Clone, PartialEq, Debug)]
pub struct Notice {
    /// The message.
    pub text: String,
    /// What the reader can do about it.
    pub offer: Option<Offer>,
}

/// What a notice offers.
#[derive(Clone, PartialEq, Debug)]
pub enum Offer {
    /// To go back to this progress.
    Undo(Progress),
    /// To keep this text as a file.
    Download(String),
}

/// What can happen to the state.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// A step was opened.
    Opened {
        /// The lesson.
        lesson: String,
        /// The step.
        step: String,
    },
    /// A step was done.
    Done {
        /// The lesson.
        lesson: String,
        /// The step.
        step: String,
    },
    /// A prediction was made and the run has answered.
    Predicted {
        /// The lesson.
        lesson: String,
        /// The step.
        step: String,
        /// What came of it.
        result: PredictionResult,
    },
    /// A step was played with its knobs at these values, by path.
    Played {
        /// The lesson.
        lesson: String,
        /// The step.
        step: String,
        /// The values.
        knobs: VecMap<String, f64>,
    },
    /// A question was answered.
    Answered {
        /// The lesson.
        lesson: String,
        /// The question.
        question: String,
        /// What it exercises.
        skill: Option<Skill>,
        /// How well.
        grade: Grade,
        /// On which day.
        today: Day,
    },
    /// A question is due that its lesson has no more.
    Gone {
        /// The lesson.
        lesson: String,
        /// The question.
        question: String,
        /// On which day.
        today: Day,
    },
    /// The reader has set something.
    Set(Settings),
    /// The system asks for something else.
    System(Looks),
    /// Another tab has done something.
    Merge(Progress),
    /// This progress is to take the place of the present one.
    Replace(Progress, String),
    /// Something is to be told.
    Tell(Notice),
    /// The notice was read.
    Dismiss,
}

impl State {
    /// The state at the start of a visit.
    pub fn new(found: Found, settings: Settings, system: Looks) -> Self {
        let empty = Progress::default();
        let (progress, keep, notice) = match found {
            Found::Progress(progress) => (progress, true, None),
            Found::Damaged { why, text } => {
                let text_kept = format!(
                    "Your stored progress could not be read, so you start afresh. A copy was kept. ({why})"
                );
                (
                    empty,
                    true,
                    Some(Notice {
                        text: text_kept,
                        offer: Some(Offer::Download(text)),
                    }),
                )
            }
            Found::Newer { why } => {
                let text = format!("{why}. Until then nothing is kept.");
                (empty, false, Some(Notice { text, offer: None }))
            }
            Found::Nowhere => {
                let text = "This browser keeps no data for this page: your progress lasts until you close it. You can export it in the settings.";
                (
                    empty,
                    false,
                    Some(Notice {
                        text: text.to_owned(),
                        offer: None,
                    }),
                )
            }
        };
        Self {
            progress,
            settings,
            system,
            keep,
            notice,
        }
    }

    /// How the page looks.
    pub fn looks(&self) -> Looks {
        self.settings.looks(self.system)
    }
}

impl Reducible for State {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut next = (*self).clone();
        match action {
            Action::Opened { lesson, step } => next.progress.lesson_mut(&lesson).last = Some(step),
            Action::Done { lesson, step } => {
                next.progress.lesson_mut(&lesson).steps.insert(step);
            }
            Action::Predicted {
                lesson,
                step,
                result,
            } => {
                next.progress
                    .lesson_mut(&lesson)
                    .predictions
                    .insert(step, result);
            }
            Action::Played {
                lesson,
                step,
                knobs,
            } => {
                next.progress
                    .lesson_mut(&lesson)
                    .settings
                    .insert(step, knobs);
            }
            Action::Answered {
                lesson,
                question,
                skill,
                grade,
                today,
            } => {
                let progress = &mut next.progress;
                progress.answered(&lesson, &question, skill, grade, today);
            }
            Action::Gone {
                lesson,
                question,
                today,
            } => next.progress.rest(&lesson, &question, today),
            Action::Set(settings) => next.settings = settings,
            Action::System(looks) => next.system = looks,
            Action::Merge(other) => next.progress.merge(&other),
            Action::Replace(progress, text) => {
                let before = core::mem::replace(&mut next.progress, progress);
                next.notice = Some(Notice {
                    text,
                    offer: Some(Offer::Undo(before)),
                });
            }
            Action::Tell(notice) => next.notice = Some(notice),
            Action::Dismiss => next.notice = None,
        }
        Rc::new(next)
    }
}

/// The state, and the way to change it.
pub type Shared = UseReducerHandle<State>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Motion, Theme};

    fn start() -> Rc<State> {
        Rc::new(State::new(
            Found::Progress(Progress::default()),
            Settings::default(),
            Looks::default(),
        ))
    }

    #[test]
    fn what_was_done_stays_done_and_a_reset_can_be_undone() {
        let done = |step: &str| Action::Done {
            lesson: "x".to_owned(),
            step: step.to_owned(),
        };
        let state = start()
            .reduce(done("a"))
            .reduce(done("b"))
            .reduce(done("a"));
        assert_eq!(state.progress.lesson("x").steps.len(), 2);
        let reset = state
            .clone()
            .reduce(Action::Replace(Progress::default(), "gone".to_owned()));
        let Some(Notice {
            offer: Some(Offer::Undo(before)),
            ..
        }) = &reset.notice
        else {
            panic!("{reset:?}")
        };
        assert_eq!(*before, state.progress);
    }

    #[test]
    fn what_is_left_to_the_system_follows_it() {
        let night = Looks {
            dark: true,
            still: false,
        };
        let state = start().reduce(Action::System(night));
        assert_eq!(state.looks(), night);
        let settings = Settings {
            theme: Theme::Light,
            motion: Motion::Reduced,
        };
        let looks = state.reduce(Action::Set(settings)).looks();
        assert!(!looks.dark && looks.still);
    }

    #[test]
    fn damage_is_told_and_a_newer_version_is_not_overwritten() {
        let damaged = State::new(
            Found::Damaged {
                why: "x".to_owned(),
                text: "{".to_owned(),
            },
            Settings::default(),
            Looks::default(),
        );
        assert!(damaged.keep && damaged.notice.is_some());
        let newer = State::new(
            Found::Newer {
                why: "x".to_owned(),
            },
            Settings::default(),
            Looks::default(),
        );
        assert!(!newer.keep && newer.notice.is_some());
    }
}
