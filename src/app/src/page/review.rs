//! The review: questions of all lessons taken that are due again, mixed, each drawn anew.

use scale_course::{Day, Due, Grade, Progress, proven_seed};
use yew::prelude::*;

use super::asked::Asked;
use super::{Route, not_here, use_title};
use crate::browser;
use crate::content::{Loading, use_lesson_unchecked};
use crate::icon::{Sign, icon};
use crate::state::{Action, Shared};

/// Properties of [`ReviewPage`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// What the page shares.
    pub shared: Shared,
}

/// A sitting: what is asked in it, where it has come to, and what came of it.
#[derive(Clone, PartialEq, Debug)]
struct Sitting {
    queue: Vec<Due>,
    at: usize,
    /// By question: how it was answered first; nothing if it was skipped.
    grades: Vec<Option<Grade>>,
    stopped: bool,
}

impl Sitting {
    fn new(progress: &Progress, today: Day) -> Self {
        let queue = progress.review(today, browser::fresh_seed());
        Self {
            grades: vec![None; queue.len()],
            queue,
            at: 0,
            stopped: false,
        }
    }
}

/// The review.
#[component]
pub fn ReviewPage(props: &Props) -> Html {
    let shared = &props.shared;
    // A sitting keeps its questions; whoever opens the page again has those that are still due.
    let sitting = use_state(|| Sitting::new(&shared.progress, browser::today()));
    let seed = use_state(|| proven_seed(browser::fresh_seed(), None));
    let asked = sitting.queue.get(sitting.at).filter(|_| !sitting.stopped);
    use_title(Some(match asked {
        Some(_) => format!("Review: question {}", sitting.at + 1),
        None => "Review".to_owned(),
    }));
    let Some(due) = asked.cloned() else {
        let again = {
            let (shared, sitting) = (shared.clone(), sitting.clone());
            Callback::from(move |_: MouseEvent| {
                sitting.set(Sitting::new(&shared.progress, browser::today()));
            })
        };
        return if sitting.queue.is_empty() {
            nothing(&shared.progress)
        } else {
            end(&sitting, &shared.progress, &again)
        };
    };
    let count = sitting.queue.len();
    let change = |change: fn(&mut Sitting)| {
        let sitting = sitting.clone();
        Callback::from(move |_: MouseEvent| {
            let mut next = (*sitting).clone();
            change(&mut next);
            sitting.set(next);
        })
    };
    let on_answered = {
        let sitting = sitting.clone();
        Callback::from(move |grade: Grade| {
            let mut next = (*sitting).clone();
            next.grades[next.at].get_or_insert(grade);
            sitting.set(next);
        })
    };
    let again = {
        let seed = seed.clone();
        Callback::from(move |()| seed.set(proven_seed(browser::fresh_seed(), Some(*seed))))
    };
    html! {
        <div class="lesson">
            <div class="steps">
                <p class="steps-title">{ "Review" }</p>
                <p class="review-count">{ format!("Question {} of {count}", sitting.at + 1) }</p>
                <button class="button quiet" onclick={change(|sitting| sitting.stopped = true)}>{ "Stop for today" }</button>
            </div>
            <DueQuestion shared={shared.clone()} key={format!("{}-{}", sitting.at, *seed)} lesson={due.lesson} question={due.question} seed={*seed}
                {again} {on_answered} next={change(|sitting| sitting.at += 1)} last={sitting.at + 1 == count} />
        </div>
    }
}

/// Properties of [`DueQuestion`].
#[derive(Clone, PartialEq, Properties)]
struct DueProps {
    shared: Shared,
    lesson: AttrValue,
    question: AttrValue,
    seed: u64,
    again: Callback<()>,
    on_answered: Callback<Grade>,
    next: Callback<MouseEvent>,
    last: bool,
}

/// A question that is due, once its lesson is here.
#[component]
fn DueQuestion(props: &DueProps) -> Html {
    let (lesson, again) = use_lesson_unchecked(&props.lesson);
    let at = match &lesson {
        Loading::Here(lesson) => {
            let questions = &lesson.quiz.questions;
            Some(
                questions
                    .iter()
                    .position(|q| q.id == props.question.as_str()),
            )
        }
        _ => None,
    };
    {
        let (shared, lesson) = (props.shared.clone(), props.lesson.to_string());
        let question = props.question.to_string();
        use_effect_with(at == Some(None), move |gone| {
            if *gone {
                shared.dispatch(Action::Gone {
                    lesson,
                    question,
                    today: browser::today(),
                });
            }
        });
    }
    let skip = html! {
        <p><button class="button" onclick={props.next.clone()}><span>{ "Go on" }</span>{ icon(Sign::Arrow) }</button></p>
    };
    let (Loading::Here(lesson), Some(at)) = (&lesson, at) else {
        return html! {
            <div class="prose">
                <h1>{ "Review" }</h1>
                { not_here(&lesson, &again).unwrap_or_default() }
                { skip }
            </div>
        };
    };
    let Some(at) = at else {
        return html! {
            <div class="prose">
                <h1>{ "This question is gone" }</h1>
                <p>{ format!("“{}” has it no more. It will not be asked again for a year.", lesson.title) }</p>
                { skip }
            </div>
        };
    };
    let next_words = if props.last {
        "Finish"
    } else {
        "Next question"
    };
    html! {
        <Asked shared={props.shared.clone()} id={props.lesson.clone()} lesson={lesson.clone()} {at} seed={props.seed}
            eyebrow={lesson.title.clone()} again={props.again.clone()} next={props.next.clone()} {next_words}
            on_answered={props.on_answered.clone()} />
    }
}

/// When the next questions are due.
pub fn next_due(progress: &Progress) -> Option<String> {
    let today = browser::today();
    let (day, count) = progress.next_due(today)?;
    let questions = if count == 1 {
        "1 question comes"
    } else {
        &format!("{count} questions come")
    };
    Some(format!(
        "{questions} back {}, on {}.",
        day.words(today),
        browser::date_words(day)
    ))
}

/// The ways on from where nothing is asked.
fn ways() -> Html {
    html! {
        <p class="row">
            <a href={Route::Home.href()} class="button primary"><span>{ "To the course map" }</span>{ icon(Sign::Arrow) }</a>
            <a href={Route::Progress.href()} class="button">{ "Your progress" }</a>
        </p>
    }
}

/// Where nothing is due.
fn nothing(progress: &Progress) -> Html {
    html! {
        <div class="page narrow">
            <h1>{ "Nothing is due today" }</h1>
            <p class="lead">{ "Questions that you have answered in lessons come back here before you would forget them: soon at first, then at longer and longer intervals, each time with other numbers." }</p>
            <p>{ next_due(progress).unwrap_or_else(|| "You have not answered any yet.".to_owned()) }</p>
            { ways() }
        </div>
    }
}

/// What came of a sitting.
fn end(sitting: &Sitting, progress: &Progress, again: &Callback<MouseEvent>) -> Html {
    let answered = sitting.grades.iter().flatten();
    let right = answered.clone().filter(|grade| **grade == Grade::Good);
    let (answered, right) = (answered.count(), right.count());
    let left = progress.due(browser::today()).len();
    html! {
        <div class="page narrow">
            <h1>{ if left == 0 { "That is all for today" } else { "Until next time" } }</h1>
            <p class="lead">{ format!("{answered} of {} answered, {right} rightly at the first go.", sitting.queue.len()) }</p>
            if left > 0 {
                <p>{ format!("{left} still due: they wait here.") }{ " " }<button class="button" onclick={again.clone()}>{ "Go on after all" }</button></p>
            }
            if let Some(words) = next_due(progress) { <p>{ words }</p> }
            { ways() }
        </div>
    }
}
