//! "Stop and think": the questions of a lesson, one after the other.

use scale_course::{Lesson, proven_seed};
use yew::prelude::*;

use super::asked::Asked;
use super::{Route, use_title};
use crate::browser;
use crate::handle::Handle;
use crate::icon::{Sign, icon};
use crate::state::{Action, Shared};

/// Properties of [`QuizPage`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// What the page shares.
    pub shared: Shared,
    /// The lesson's place.
    pub id: AttrValue,
    /// The lesson.
    pub lesson: Handle<Lesson>,
}

/// The questions of a lesson, one at a time.
#[component]
pub fn QuizPage(props: &Props) -> Html {
    let shared = props.shared.clone();
    let at = use_state(|| 0_usize);
    // A new visit draws new questions; within it they stay as they are until another is asked for.
    let seed = use_state(|| proven_seed(browser::fresh_seed(), None));
    let questions = &props.lesson.quiz.questions;
    use_title(Some(format!(
        "{}: question {}",
        props.lesson.title,
        *at + 1
    )));
    let results = shared.progress.lesson(&props.id).questions;
    {
        let (shared, lesson) = (shared.clone(), props.id.to_string());
        use_effect_with(lesson.clone(), move |_| {
            shared.dispatch(Action::Opened {
                lesson,
                step: "quiz".to_owned(),
            });
        });
    }
    let go = |to: usize| {
        let at = at.clone();
        Callback::from(move |_: MouseEvent| at.set(to))
    };
    if *at >= questions.len() {
        let right = questions
            .iter()
            .filter(|q| results.get(&q.id).is_some_and(|r| r.right > 0))
            .count();
        return html! {
            <div class="prose quiz-end">
                <p class="eyebrow">{ "Stop and think" }</p>
                <h1>{ if right == questions.len() { "All of them right" } else { "That was the last question" } }</h1>
                <p class="lead">{ format!("{right} of {} questions answered rightly at least once. Many can be drawn anew, with other numbers.", questions.len()) }</p>
                <ul class="results">
                    { for questions.iter().enumerate().map(|(number, question)| {
                        let result = results.get(&question.id);
                        let ok = result.is_some_and(|r| r.right > 0);
                        let words = match (ok, result) {
                            (true, _) => "right",
                            (_, Some(_)) => "try it again",
                            (_, None) => "not answered yet",
                        };
                        html! {
                            <li class={if ok { "right" } else { "open" }}>
                                <button class="button quiet" onclick={go(number)}>
                                    { icon(if ok { Sign::Check } else { Sign::Again }) }
                                    <span>{ format!("Question {}: {words}", number + 1) }</span>
                                </button>
                            </li>
                        }
                    }) }
                </ul>
                <p><a href={Route::Home.href()} class="button primary"><span>{ "To the course map" }</span>{ icon(Sign::Arrow) }</a></p>
            </div>
        };
    }
    let again = {
        let seed = seed.clone();
        Callback::from(move |()| seed.set(proven_seed(browser::fresh_seed(), Some(*seed))))
    };
    let eyebrow = format!(
        "Stop and think · question {} of {}",
        *at + 1,
        questions.len()
    );
    let next_words = if *at + 1 == questions.len() {
        "Finish"
    } else {
        "Next question"
    };
    html! {
        <Asked {shared} key={format!("{}-{}", *at, *seed)} id={props.id.clone()} lesson={props.lesson.clone()} at={*at} seed={*seed}
            {eyebrow} {again} back={at.checked_sub(1).map(go)} next={go(*at + 1)} {next_words} />
    }
}
