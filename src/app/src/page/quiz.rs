//! "Stop and think": questions drawn from a seed, answered by the engine, with the run that shows it.

use std::rc::Rc;

use scale_course::{Drawn, Feedback, Key, Kind as Form, Lesson, Truth};
use yew::prelude::*;

use super::answer::{capital, first_answer, form};
use super::lesson::{component_word, scene};
use super::{Route, use_title};
use crate::browser;
use crate::handle::Handle;
use crate::icon::{Sign, icon};
use crate::simulator::{Measured, Measuring, job};
use crate::stage::chart::number;
use crate::stage::{Setting, Stage};
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
    let seed = use_state(browser::fresh_seed);
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
                <p class="lead">{ format!("{right} of {} questions answered rightly at least once. Each can be drawn anew with other numbers.", questions.len()) }</p>
                <ul class="results">
                    { for questions.iter().enumerate().map(|(number, question)| {
                        let ok = results.get(&question.id).is_some_and(|r| r.right > 0);
                        html! {
                            <li class={if ok { "right" } else { "open" }}>
                                <button class="button quiet" onclick={go(number)}>
                                    { icon(if ok { Sign::Check } else { Sign::Again }) }
                                    <span>{ format!("Question {}: {}", number + 1, if ok { "right" } else { "try it again" }) }</span>
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
        Callback::from(move |()| seed.set(browser::fresh_seed()))
    };
    html! {
        <Asked {shared} key={format!("{}-{}", *at, *seed)} id={props.id.clone()} lesson={props.lesson.clone()} at={*at} seed={*seed}
            {again} back={at.checked_sub(1).map(go)} next={go(*at + 1)} />
    }
}

/// Properties of [`Asked`].
#[derive(Clone, PartialEq, Properties)]
struct AskedProps {
    shared: Shared,
    id: AttrValue,
    lesson: Handle<Lesson>,
    at: usize,
    seed: u64,
    again: Callback<()>,
    back: Option<Callback<MouseEvent>>,
    next: Callback<MouseEvent>,
}

/// One question, until it is answered and beyond.
#[component]
fn Asked(props: &AskedProps) -> Html {
    let shared = props.shared.clone();
    let questions = &props.lesson.quiz.questions;
    let drawn = use_memo((props.at, props.seed), |(at, seed)| {
        questions[*at].draw(*seed)
    });
    let given = use_state(|| first_answer(&drawn));
    // Where the keyboard's focus is to be once a moved item stands in its new place: moving it in the page loses it.
    let focus = use_mut_ref(Vec::<String>::new);
    {
        let focus = Rc::clone(&focus);
        use_effect_with((*given).clone(), move |_| browser::focus(&focus.take()));
    }
    let key = use_state(|| None::<Result<Key, String>>);
    let judged = use_state(|| None::<Feedback>);
    let measuring = use_state(|| None::<Measuring>);
    let waiting = measuring.is_some();
    let shown = use_state(|| false);

    let check = {
        let (props, shared) = (props.clone(), shared.clone());
        let (drawn, given) = (Rc::clone(&drawn), given.clone());
        let (key, judged, measuring) = (key.clone(), judged.clone(), measuring.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let Some(answer) = (*given).clone() else {
                return;
            };
            let runs = drawn.runs();
            let jobs = runs
                .iter()
                .map(|run| job(&props.lesson, &run.run, &run.measures));
            let jobs = match jobs.collect() {
                Ok(jobs) => jobs,
                Err(why) => return key.set(Some(Err(why))),
            };
            let heard = {
                let (props, shared, drawn) = (props.clone(), shared.clone(), Rc::clone(&drawn));
                let (key, judged, measuring) = (key.clone(), judged.clone(), measuring.clone());
                Callback::from(move |measured: Measured| {
                    measuring.set(None);
                    let found = measured.and_then(|values| drawn.key(&values));
                    if let Ok(found) = &found {
                        let feedback = drawn.judge(found, &answer);
                        shared.dispatch(Action::Answered {
                            lesson: props.id.to_string(),
                            question: drawn.id.clone(),
                            right: feedback.right,
                        });
                        judged.set(Some(feedback));
                    }
                    key.set(Some(found));
                })
            };
            key.set(None);
            measuring.set(Some(Measuring::new(jobs, heard)));
        })
    };
    let show = {
        let shown = shown.clone();
        Callback::from(move |_: MouseEvent| shown.set(true))
    };
    let setting = use_memo((props.at, props.seed), |_| Setting {
        key: "quiz".to_owned(),
        scene: scene(&props.lesson, &drawn.run),
        ..Setting::default()
    });
    let answered = judged.is_some();
    let plays = *shown || judged.as_ref().is_some_and(|feedback| !feedback.right);
    let again = props.again.reform(|_: MouseEvent| ());
    html! {
        <div class="step quiz">
            <article class="prose">
                <p class="eyebrow">{ format!("Stop and think · question {} of {}", props.at + 1, questions.len()) }</p>
                <h1 class="question">{ &drawn.ask }</h1>
                <form onsubmit={check} aria-label="Answer">
                    <fieldset class="answer" disabled={answered || waiting}>
                        <legend class="unseen">{ "Your answer" }</legend>
                        { form(&drawn, &props.lesson, &given, &focus) }
                    </fieldset>
                    if !answered {
                        <div class="row">
                            <button class="button primary" type="submit" disabled={given.is_none() || waiting}>
                                { if waiting { "The engine is running it …" } else { "Check" } }
                            </button>
                        </div>
                    }
                </form>
                <div role="status">
                    { match (&*key, &*judged) {
                        (Some(Err(why)), _) => html! { <p class="bad">{ format!("{why}. Try another.") }</p> },
                        (Some(Ok(key)), Some(feedback)) => verdict(&drawn, key, feedback, &props.lesson),
                        _ => html! {},
                    } }
                </div>
                if key.is_some() {
                    <div class="row">
                        if judged.as_ref().is_some_and(|feedback| feedback.right) && !*shown {
                            <button class="button" onclick={show}>{ icon(Sign::Play) }<span>{ "Show me the run" }</span></button>
                        }
                        <button class="button" onclick={again}>{ icon(Sign::Again) }<span>{ "Try another" }</span></button>
                    </div>
                }
            </article>
            <div class="step-stage">
                <Stage setting={Handle::from(setting)} looks={props.shared.looks()} veiled={!plays} autoplay={plays} speed=2.0 />
            </div>
            <nav class="onward" aria-label="Back and on">
                if let Some(back) = &props.back {
                    <button class="button quiet" onclick={back.clone()}>{ icon(Sign::Back) }<span>{ "Back" }</span></button>
                }
                <button class={classes!("button", if answered { "primary" } else { "quiet" })} onclick={props.next.clone()}>
                    <span>{ match (answered, props.at + 1 == questions.len()) {
                        (true, false) => "Next question",
                        (true, true) => "Finish",
                        (false, _) => "Skip",
                    } }</span>{ icon(Sign::Arrow) }
                </button>
            </nav>
        </div>
    }
}

/// What the engine says to an answer.
fn verdict(drawn: &Drawn, key: &Key, feedback: &Feedback, lesson: &Lesson) -> Html {
    let measured = key.truth.iter().map(|Truth { name, metric, value }| {
        let of = match &drawn.kind {
            Form::Order { .. } => html! { { name } },
            _ if name.is_empty() => html! { { "the whole system" } },
            _ => component_word(lesson, &drawn.run.scene, name),
        };
        let value = if metric.unit().is_empty() { format!("{:.0}%", value * 100.0) } else { format!("{} {}", number(*value), metric.unit()) };
        html! { <li><span>{ capital(metric.words()) }{ ", " }{ of }</span><b>{ value }</b></li> }
    });
    html! {
        <section class={classes!("predict", "told", if feedback.right { "right" } else { "wrong" })}>
            <p class="predict-title">
                { icon(if feedback.right { Sign::Check } else { Sign::Cross }) }
                { if feedback.right { "Right" } else { "Not so: see the run" } }
            </p>
            if !feedback.remark.is_empty() { <p>{ &feedback.remark }</p> }
            <p>{ &drawn.explain }</p>
            <p class="measured-title">{ "What the run measured" }</p>
            <ul class="measured">{ for measured }</ul>
        </section>
    }
}
