//! One question, until it is answered and beyond: answered by the engine, with the run that shows it.

use std::rc::Rc;

use scale_course::{Drawn, Feedback, Given, Grade, Key, Kind as Form, Lesson, Truth};
use yew::prelude::*;

use super::answer::{Field, capital, first_answer, measured_words};
use super::lesson::{component_word, scene};
use crate::browser;
use crate::handle::Handle;
use crate::icon::{Sign, icon};
use crate::simulator::{Measured, Measuring, job};
use crate::stage::{Setting, Stage};
use crate::state::{Action, Shared};

/// Properties of [`Asked`].
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What the page shares.
    pub shared: Shared,
    /// The lesson's place.
    pub id: AttrValue,
    /// The lesson.
    pub lesson: Handle<Lesson>,
    /// The number of the question in its lesson.
    pub at: usize,
    /// What it is drawn with.
    pub seed: u64,
    /// Where the learner is.
    pub eyebrow: AttrValue,
    /// Draws it anew.
    pub again: Callback<()>,
    /// Back to the one before.
    #[prop_or_default]
    pub back: Option<Callback<MouseEvent>>,
    /// On, answered or not.
    pub next: Callback<MouseEvent>,
    /// Told how well it was answered.
    #[prop_or_default]
    pub on_answered: Callback<Grade>,
    /// The words for going on once it is answered.
    pub next_words: AttrValue,
}

/// One question.
#[component]
pub fn Asked(props: &Props) -> Html {
    let shared = props.shared.clone();
    let questions = &props.lesson.quiz.questions;
    let drawn = use_memo((props.at, props.seed), |(at, seed)| {
        questions[*at].draw(*seed)
    });
    let given = use_state(|| first_answer(&drawn));
    let words = use_state(String::new);
    let key = use_state(|| None::<Result<Key, String>>);
    let judged = use_state(|| None::<Feedback>);
    let measuring = use_state(|| None::<Measuring>);
    let waiting = measuring.is_some();
    let shown = use_state(|| false);
    let explained = matches!(drawn.kind, Form::Explain { .. });
    let found = key.as_ref().and_then(|key| key.as_ref().ok());

    // What the learner's own words are to be compared with is read next.
    use_effect_with(explained && found.is_some(), |compares| {
        if *compares {
            browser::focus(&["section.model".to_owned()]);
        }
    });

    let settle = {
        let (shared, id, drawn) = (shared.clone(), props.id.clone(), Rc::clone(&drawn));
        let (judged, on_answered) = (judged.clone(), props.on_answered.clone());
        move |key: &Key, answer: &Given| {
            let feedback = drawn.judge(key, answer);
            shared.dispatch(Action::Answered {
                lesson: id.to_string(),
                question: drawn.id.clone(),
                skill: drawn.skill,
                grade: feedback.grade,
                today: browser::today(),
            });
            on_answered.emit(feedback.grade);
            judged.set(Some(feedback));
        }
    };
    let check = {
        let (lesson, drawn, given) = (props.lesson.clone(), Rc::clone(&drawn), given.clone());
        let (key, measuring) = (key.clone(), measuring.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            // An explanation is compared once the engine has spoken.
            if let (Some(Ok(key)), Some(answer)) = (&*key, &*given) {
                return settle(key, answer);
            }
            let runs = drawn.runs();
            let jobs = runs.iter().map(|run| job(&lesson, &run.run, &run.measures));
            let jobs = match jobs.collect() {
                Ok(jobs) => jobs,
                Err(why) => return key.set(Some(Err(why))),
            };
            let heard = {
                let (drawn, settle, given) = (Rc::clone(&drawn), settle.clone(), given.clone());
                let (key, measuring) = (key.clone(), measuring.clone());
                Callback::from(move |measured: Measured| {
                    measuring.set(None);
                    let found = measured.and_then(|values| drawn.key(&values));
                    if let Ok(found) = &found {
                        match (&*given, &drawn.kind) {
                            (_, Form::Explain { checklist, .. }) => {
                                given.set(Some(Given::Explain(vec![false; checklist.len()])));
                            }
                            (Some(answer), _) => settle(found, answer),
                            (None, _) => {}
                        }
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
    let answered = judged.is_some();
    let wrong = judged.as_ref().is_some_and(|feedback| !feedback.is_right());
    let plays = *shown || wrong || (explained && found.is_some());
    let shows = judged.as_ref().filter(|_| plays);
    let run = shows.map_or(&drawn.run, |feedback| &feedback.run).clone();
    let name = shows.map_or("", |feedback| feedback.run_name.as_str());
    let setting = use_memo(run, |run| Setting {
        key: "quiz".to_owned(),
        scene: scene(&props.lesson, run),
        ..Setting::default()
    });
    let again = props.again.reform(|_: MouseEvent| ());
    let picked = match &*given {
        Some(Given::Component(name)) => Some(AttrValue::from(name.clone())),
        _ => None,
    };
    let on_pick = match &drawn.kind {
        Form::Component { among, .. } if !answered && !waiting => {
            let (given, among) = (given.clone(), among.clone());
            Some(Callback::from(move |name: String| {
                if among.contains(&name) {
                    given.set(Some(Given::Component(name)));
                }
            }))
        }
        _ => None,
    };
    let ready = if explained && found.is_none() {
        !words.trim().is_empty()
    } else {
        given.is_some()
    };
    let result = props.shared.progress.lesson(&props.id).questions;
    let result = result.get(&drawn.id).filter(|_| answered);
    let due = result.and_then(|result| Some(result.memory?.due));
    let field = Field {
        drawn: &drawn,
        lesson: &props.lesson,
        given: &given,
        words: &words,
        key: found,
        settled: answered,
    };
    html! {
        <div class="step quiz">
            <article class="prose">
                <p class="eyebrow">{ &props.eyebrow }</p>
                <h1 class="question">{ &drawn.ask }</h1>
                <form onsubmit={check} aria-label="Answer">
                    <fieldset class="answer" disabled={answered || waiting}>
                        <legend class="unseen">{ "Your answer" }</legend>
                        { field.form() }
                    </fieldset>
                    if !answered {
                        <div class="row">
                            <button class="button primary" type="submit" disabled={!ready || waiting}>
                                { match (waiting, explained, found.is_some()) {
                                    (true, ..) => "The engine is running it …",
                                    (_, true, false) => "Compare",
                                    (_, true, true) => "That is what it names",
                                    _ => "Check",
                                } }
                            </button>
                        </div>
                    }
                </form>
                <div role="status">
                    { match (&*key, &*judged) {
                        (Some(Err(why)), _) => html! { <p class="bad">{ format!("{why}. Try another.") }</p> },
                        (Some(Ok(key)), Some(feedback)) => verdict(&drawn, key, given.as_ref(), feedback, &props.lesson),
                        _ => html! {},
                    } }
                </div>
                if let Some(due) = due {
                    <p class="next-due">{ icon(Sign::Again) }{ format!("Comes back in your review {}, on {}.", due.words(browser::today()), browser::date_words(due)) }</p>
                }
                if answered || matches!(&*key, Some(Err(_))) {
                    <div class="row">
                        if answered && !plays {
                            <button class="button" onclick={show}>{ icon(Sign::Play) }<span>{ "Show me the run" }</span></button>
                        }
                        <button class="button" onclick={again}>{ icon(Sign::Again) }<span>{ if questions[props.at].params.is_empty() { "Try again" } else { "Try another" } }</span></button>
                    </div>
                }
            </article>
            <div class="step-stage">
                if !name.is_empty() { <p class="held-note">{ icon(Sign::Play) }{ format!("The run that shows it: {name}") }</p> }
                <Stage setting={Handle::from(setting)} looks={props.shared.looks()} veiled={!plays} autoplay={plays} speed=2.0
                    {picked} {on_pick} />
            </div>
            <nav class="onward" aria-label="Back and on">
                if let Some(back) = &props.back {
                    <button class="button quiet" onclick={back.clone()}>{ icon(Sign::Back) }<span>{ "Back" }</span></button>
                }
                <button class={classes!("button", if answered { "primary" } else { "quiet" })} onclick={props.next.clone()}>
                    <span>{ if answered { props.next_words.clone() } else { "Skip".into() } }</span>{ icon(Sign::Arrow) }
                </button>
            </nav>
        </div>
    }
}

/// What is said to an answer.
fn verdict(
    drawn: &Drawn,
    key: &Key,
    given: Option<&Given>,
    feedback: &Feedback,
    lesson: &Lesson,
) -> Html {
    let explained = matches!(drawn.kind, Form::Explain { .. });
    let title = match (feedback.grade, explained) {
        (Grade::Good, true) => "It names everything",
        (Grade::Hard, _) => "It names most of it",
        (Grade::Again, true) => "Much of it is missing: see the run",
        (Grade::Good, false) => "Right",
        (Grade::Again, false) => "Not so: see the run",
    };
    let class = match feedback.grade {
        Grade::Good => "right",
        Grade::Hard => "part",
        Grade::Again => "wrong",
    };
    let measured = key.truth.iter().map(|Truth { name, metric, value }| {
        let of = match &drawn.kind {
            Form::Order { .. } => html! { { name } },
            _ if name.is_empty() => html! { { "the whole system" } },
            _ => component_word(lesson, &drawn.run.scene, name),
        };
        html! { <li><span>{ capital(metric.words()) }{ ", " }{ of }</span><b>{ measured_words(*metric, *value) }</b></li> }
    });
    let measured = match given {
        Some(Given::Curve(values)) => drawn_beside(key, values),
        _ if key.truth.is_empty() => html! {},
        _ => html! {
            <>
                <p class="measured-title">{ "What the run measured" }</p>
                <ul class="measured">{ for measured }</ul>
            </>
        },
    };
    html! {
        <section class={classes!("predict", "told", class)}>
            <p class="predict-title">
                { icon(if feedback.grade == Grade::Again { Sign::Cross } else { Sign::Check }) }{ title }
            </p>
            { for feedback.remarks.iter().map(|remark| html! { <p>{ remark }</p> }) }
            <p>{ &drawn.explain }</p>
            { measured }
        </section>
    }
}

/// A drawn curve beside the measured one, in numbers.
fn drawn_beside(key: &Key, values: &[f64]) -> Html {
    let row = |(truth, drawn): (&Truth, &f64)| {
        html! {
            <tr>
                <th scope="row">{ &truth.name }</th>
                <td>{ measured_words(truth.metric, *drawn) }</td><td>{ measured_words(truth.metric, truth.value) }</td>
            </tr>
        }
    };
    html! {
        <table>
            <thead><tr><td></td><th scope="col">{ "you drew" }</th><th scope="col">{ "measured" }</th></tr></thead>
            <tbody>{ for key.truth.iter().zip(values).map(row) }</tbody>
        </table>
    }
}
