//! A prediction: committed first, then graded by the engine.

use scale_course::{Answer, Guess, Lesson, Predict, PredictionResult};
use yew::prelude::*;

use super::lesson::component_word;
use crate::browser;
use crate::handle::Handle;
use crate::icon::{Sign, icon};
use crate::simulator::{Measured, Measuring, job};
use crate::stage::chart::number;

/// Properties of [`Prediction`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct PredictionProps {
    /// The lesson.
    pub lesson: Handle<Lesson>,
    /// The number of the step.
    pub at: usize,
    /// What came of it, once it was made.
    pub result: Option<PredictionResult>,
    /// Whether the learner plays without it.
    pub skipped: bool,
    /// Called with what came of it.
    pub on_predicted: Callback<PredictionResult>,
    /// Called when the learner skips it.
    pub on_skip: Callback<()>,
}

/// A prediction: committed first, then graded by the engine.
#[component]
pub fn Prediction(props: &PredictionProps) -> Html {
    let answer = use_state(|| None::<Answer>);
    let failed = use_state(|| None::<String>);
    let measuring = use_state(|| None::<Measuring>);
    let Some(predict) = &props.lesson.steps[props.at].data.predict else {
        return html! {};
    };
    let waiting = measuring.is_some();
    let commit = {
        let (answer, failed, measuring) = (answer.clone(), failed.clone(), measuring.clone());
        let (props, predict) = (props.clone(), predict.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let Some(given) = (*answer).clone() else {
                return;
            };
            let job = job(&props.lesson, &predict.run, &predict.kind.measures());
            let heard = {
                let (props, failed, measuring) = (props.clone(), failed.clone(), measuring.clone());
                let kind = predict.kind.clone();
                Callback::from(move |measured: Measured| {
                    measuring.set(None);
                    let truth = measured.and_then(|values| {
                        let truth = values.first().and_then(|values| kind.truth(values));
                        truth.ok_or_else(|| "the run had nothing to measure".to_owned())
                    });
                    match truth {
                        Ok(truth) => props.on_predicted.emit(PredictionResult {
                            right: kind.is_right(&given, &truth),
                            given: given.clone(),
                            truth,
                        }),
                        Err(why) => failed.set(Some(why)),
                    }
                })
            };
            match job {
                Ok(job) => {
                    failed.set(None);
                    measuring.set(Some(Measuring::new(vec![job], heard)));
                }
                Err(why) => failed.set(Some(why)),
            }
        })
    };
    if let Some(result) = &props.result {
        return told(predict, result, &props.lesson);
    }
    if props.skipped {
        return html! {};
    }
    let input = match &predict.kind {
        Guess::Number {
            measure, min, max, ..
        } => {
            let value = match &*answer {
                Some(Answer::Number(value)) => Some(*value),
                _ => None,
            };
            let set = {
                let answer = answer.clone();
                Callback::from(move |event: InputEvent| {
                    let value = event
                        .target_unchecked_into::<web_sys::HtmlInputElement>()
                        .value_as_number();
                    answer.set(value.is_finite().then_some(Answer::Number(value)));
                })
            };
            let step = ((max - min) / 100.0).max(1.0).round();
            html! {
                <label class="knob">
                    <span class="knob-label">{ "Your prediction" }</span>
                    <span class="knob-value">{ value.map_or_else(|| "not yet".to_owned(), |value| format!("{} {}", number(value), measure.unit())) }</span>
                    <input type="range" min={min.to_string()} max={max.to_string()} step={step.to_string()}
                        value={value.unwrap_or(*min).to_string()} oninput={set}
                        aria-valuetext={value.map_or_else(|| "not yet".to_owned(), |value| format!("{} {}", number(value), measure.unit()))} />
                </label>
            }
        }
        Guess::Component { among, .. } => {
            let option = |name: &String| {
                let (answer, own) = (answer.clone(), Answer::Component(name.clone()));
                let checked = *answer == Some(own.clone());
                let onchange = Callback::from(move |_: Event| answer.set(Some(own.clone())));
                html! {
                    <label class="option"><input type="radio" name="prediction" {checked} {onchange} />
                        { component_word(&props.lesson, &predict.run.scene, name) }</label>
                }
            };
            html! { <div class="options">{ for among.iter().map(option) }</div> }
        }
    };
    let skip = props.on_skip.reform(|_: MouseEvent| ());
    html! {
        <form class="predict" onsubmit={commit} aria-label="Prediction">
            <p class="predict-title">{ "Predict" }</p>
            <p>{ &predict.ask }</p>
            { input }
            <div class="row">
                <button class="button primary" type="submit" disabled={answer.is_none() || waiting}>
                    { if waiting { "Running …" } else { "Commit and run" } }
                </button>
                <button class="button quiet" type="button" onclick={skip}>{ "Skip" }</button>
            </div>
            if let Some(why) = &*failed { <p class="bad" role="alert">{ format!("This could not be graded: {why}") }</p> }
        </form>
    }
}

/// What came of a prediction.
fn told(predict: &Predict, result: &PredictionResult, lesson: &Lesson) -> Html {
    let show = |answer: &Answer| shown(predict, answer, lesson);
    html! {
        <section class={classes!("predict", "told", if result.right { "right" } else { "wrong" })} role="status">
            <p class="predict-title">
                { icon(if result.right { Sign::Check } else { Sign::Cross }) }
                { if result.right { "You predicted it" } else { "It came out differently" } }
            </p>
            <p class="predict-ask">{ &predict.ask }</p>
            <dl class="versus">
                <div><dt>{ "You said" }</dt><dd>{ show(&result.given) }</dd></div>
                <div><dt>{ "The run showed" }</dt><dd>{ show(&result.truth) }</dd></div>
            </dl>
            <p>{ &predict.explain }</p>
            if !result.right && !predict.misconception.is_empty() { <p class="misconception">{ &predict.misconception }</p> }
            <button class="button small to-run" onclick={|_: MouseEvent| browser::reveal(".stage-picture")}>{ "See the run ↓" }</button>
        </section>
    }
}

/// An answer to a prediction.
pub fn shown(predict: &Predict, answer: &Answer, lesson: &Lesson) -> Html {
    match (answer, &predict.kind) {
        (Answer::Number(value), Guess::Number { measure, .. }) => {
            html! { <b>{ format!("{} {}", number(*value), measure.unit()) }</b> }
        }
        (Answer::Number(value), Guess::Component { .. }) => html! { <b>{ number(*value) }</b> },
        (Answer::Component(name), _) => component_word(lesson, &predict.run.scene, name),
    }
}
