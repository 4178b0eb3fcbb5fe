//! A lesson: prose beside the stage, a prediction before some runs, a task that the run itself ticks.

use scale_course::{Answer, Guess, Lesson, Predict, PredictionResult, RunRef, Step};
use scale_sim::Kind;
use serde_json::Value;
use yew::prelude::*;

use super::debrief::DebriefPage;
use super::prediction::Prediction;
use super::quiz::QuizPage;
use super::{Route, not_here, use_title};
use crate::browser;
use crate::content::{Loading, use_lesson};
use crate::handle::Handle;
use crate::icon::{Sign, icon};
use crate::prose;
use crate::stage::{Guessed, Predicted, Setting, Stage, Twin};
use crate::state::{Action, Shared};

/// Properties of [`LessonPage`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// What the page shares.
    pub shared: Shared,
    /// The lesson.
    pub id: AttrValue,
    /// The step; where the learner left, if none is named.
    #[prop_or_default]
    pub step: Option<AttrValue>,
}

/// The name of the quiz among a lesson's steps.
const QUIZ: &str = "quiz";
/// The name of what closes a lesson, among its steps.
pub(super) const DEBRIEF: &str = "debrief";

/// A lesson.
#[component]
pub fn LessonPage(props: &Props) -> Html {
    let (lesson, again) = use_lesson(&props.id);
    let shared = props.shared.clone();
    let Loading::Here(lesson) = &lesson else {
        return html! {
            <div class="page narrow" key="waiting">
                <h1>{ "Lesson" }</h1>
                { not_here(&lesson, &again).unwrap_or_default() }
                <p><a href={Route::Home.href()}>{ "To the course map" }</a></p>
            </div>
        };
    };
    // A step that has been renamed since is no reason to begin nowhere.
    let last = shared.progress.lesson(&props.id).last;
    let last =
        last.filter(|last| [QUIZ, DEBRIEF].contains(&last.as_str()) || lesson.step(last).is_some());
    let wanted = props.step.as_ref().map(ToString::to_string).or(last);
    let id = props.id.clone();
    let content = match wanted.as_deref() {
        Some(QUIZ) => {
            let closing = closing(lesson, &id).filter(|_| !lesson.quiz.questions.is_empty());
            let on = closing.map(|(route, words)| {
                html! {
                    <nav class="onward" aria-label="On">
                        <a href={route.href()} class="button">{ words }{ icon(Sign::Arrow) }</a>
                    </nav>
                }
            });
            html! { <><QuizPage shared={shared.clone()} lesson={lesson.clone()} {id} />{ on }</> }
        }
        Some(DEBRIEF) if closing(lesson, &id).is_some() => {
            html! { <DebriefPage shared={shared.clone()} lesson={lesson.clone()} {id} /> }
        }
        Some(step) => match lesson.step(step) {
            Some((at, _)) => {
                html! { <StepPage shared={shared.clone()} lesson={lesson.clone()} {id} {at} key={at} /> }
            }
            None => html! {
                <div class="prose">
                    <h1>{ "No such step" }</h1>
                    <p>{ format!("This lesson has no step called “{step}”. It may have been renamed.") }</p>
                    <p><a href={step_route(&props.id, &lesson.steps[0].data.id).href()} class="button primary">{ "To the first step" }</a></p>
                </div>
            },
        },
        None => {
            html! { <StepPage shared={shared.clone()} lesson={lesson.clone()} {id} at={0} key={0} /> }
        }
    };
    let current = wanted.unwrap_or_else(|| lesson.steps[0].data.id.clone());
    html! {
        <div class="lesson" key="lesson">
            { steps(lesson, &props.id, &current, &shared) }
            { content }
        </div>
    }
}

/// The way to what closes the lesson, if anything does.
fn closing(lesson: &Lesson, id: &str) -> Option<(Route, String)> {
    let title = lesson.debrief.as_ref().map(|debrief| &debrief.title);
    let title = title.or(lesson.sources.as_ref().map(|sources| &sources.title))?;
    Some((step_route(id, DEBRIEF), title.clone()))
}

/// The way into the sandbox, with the scene of a step.
pub(super) fn sandbox_link(lesson: &str, step: &str) -> Html {
    html! {
        <p class="to-sandbox">
            <a href={format!("#/sandbox/lesson/{lesson}/{step}")}>{ "Take this scene into the sandbox" }</a>
            { ": change whatever you like, and run it at ten times its load." }
        </p>
    }
}

pub(super) fn step_route(lesson: &str, step: &str) -> Route {
    Route::Lesson {
        id: lesson.to_owned(),
        step: Some(step.to_owned()),
    }
}

/// The steps of the lesson, as stops on the way.
fn steps(lesson: &Lesson, id: &str, current: &str, shared: &Shared) -> Html {
    let done = shared.progress.lesson(id);
    let stop = |(at, step): (usize, &Step)| {
        let ticked = done.steps.contains(&step.data.id);
        let now = (step.data.id == current).then_some("step");
        let title = format!(
            "{}. {}{}",
            at + 1,
            step.title,
            if ticked { " (done)" } else { "" }
        );
        html! {
            <li>
                <a href={step_route(id, &step.data.id).href()} class={classes!("stop-link", ticked.then_some("done"), now.map(|_| "now"))}>
                    <span class="stop-mark" aria-hidden="true">{ if ticked { html! { { icon(Sign::Check) } } } else { html! { { at + 1 } } } }</span>
                    <span class="stop-title">{ title }</span>
                </a>
            </li>
        }
    };
    let right = done.questions.values().filter(|q| q.right > 0).count();
    let all = lesson.quiz.questions.len();
    let now = |stop: &str| (current == stop).then_some("now");
    let closing = closing(lesson, id);
    html! {
        <nav class="steps" aria-label={format!("Steps of {}", lesson.title)}>
            <p class="steps-title">{ &lesson.title }</p>
            <ol>
                { for lesson.steps.iter().enumerate().map(stop) }
                if all > 0 {
                    <li>
                        <a href={step_route(id, QUIZ).href()} class={classes!("stop-link", "wide", (right == all).then_some("done"), now(QUIZ))}>
                            <span class="stop-mark" aria-hidden="true">{ "?" }</span>
                            <span class="stop-title">{ format!("Stop and think: {right} of {all} right") }</span>
                        </a>
                    </li>
                }
                if let Some((route, title)) = closing {
                    <li>
                        <a href={route.href()} class={classes!("stop-link", now(DEBRIEF))}>
                            <span class="stop-mark" aria-hidden="true">{ icon(Sign::Flag) }</span>
                            <span class="stop-title">{ title }</span>
                        </a>
                    </li>
                }
            </ol>
        </nav>
    }
}

/// Properties of [`StepPage`].
#[derive(Clone, PartialEq, Debug, Properties)]
struct StepProps {
    shared: Shared,
    id: AttrValue,
    lesson: Handle<Lesson>,
    at: usize,
}

#[component]
fn StepPage(props: &StepProps) -> Html {
    let shared = props.shared.clone();
    let step = &props.lesson.steps[props.at];
    let step_id = step.data.id.clone();
    use_title(Some(format!("{}: {}", props.lesson.title, step.title)));
    {
        let (shared, lesson, step) = (shared.clone(), props.id.to_string(), step_id.clone());
        use_effect_with((lesson.clone(), step.clone()), move |_| {
            shared.dispatch(Action::Opened { lesson, step });
        });
    }
    let progress = shared.progress.lesson(&props.id);
    let done = progress.steps.contains(&step_id);
    let result = progress.predictions.get(&step_id).cloned();
    let skipped = use_state(|| false);
    // A step whose prediction was made in this visit plays the run that answers it.
    let fresh = use_state(|| false);
    let holds_back = step.data.predict.is_some() && result.is_none() && !*skipped;

    let setting = {
        let run = match &step.data.predict {
            Some(predict) if *fresh => predict.run.clone(),
            _ => RunRef {
                scene: step.data.scene.clone(),
                set: step.data.set.clone(),
            },
        };
        let predicted = match (&step.data.predict, &result) {
            (Some(predict), Some(result)) if *fresh => Some(Predicted {
                kind: predict.kind.clone(),
                truth: result.truth.clone(),
                right: result.right,
            }),
            _ => None,
        };
        use_memo((step_id.clone(), run, predicted), |(id, run, predicted)| {
            Setting {
                key: id.clone(),
                scene: scene(&props.lesson, run),
                knobs: step.data.knobs.clone(),
                task: step
                    .data
                    .task
                    .as_ref()
                    .map(|task| task.when.clone())
                    .unwrap_or_default(),
                predicted: predicted.clone(),
                twin: twin(&props.lesson, step, run),
                rest: None,
                edited: false,
            }
        })
    };
    let on_task = {
        let (shared, lesson, step) = (shared.clone(), props.id.to_string(), step_id.clone());
        let has_task = props.lesson.steps[props.at].data.task.is_some();
        Callback::from(move |()| {
            if has_task {
                shared.dispatch(Action::Done {
                    lesson: lesson.clone(),
                    step: step.clone(),
                });
            }
        })
    };
    // What is made of the last step is looked back at when the lesson closes.
    let on_played = {
        let (shared, lesson, step) = (shared.clone(), props.id.to_string(), step_id.clone());
        let last = props.at + 1 == props.lesson.steps.len();
        Callback::from(move |knobs| {
            if last {
                shared.dispatch(Action::Played {
                    lesson: lesson.clone(),
                    step: step.clone(),
                    knobs,
                });
            }
        })
    };
    let on_predicted = {
        let (shared, lesson, step, fresh) = (
            shared.clone(),
            props.id.to_string(),
            step_id.clone(),
            fresh.clone(),
        );
        Callback::from(move |result: PredictionResult| {
            // Where the run stands beside the text, it may have been scrolled out of sight, where it would stand still.
            if browser::media("(min-width: 62.01rem)").is_some_and(|media| media.matches()) {
                browser::reveal(".step-stage .stage-picture");
            }
            fresh.set(true);
            shared.dispatch(Action::Predicted {
                lesson: lesson.clone(),
                step: step.clone(),
                result,
            });
        })
    };
    let on_skip = {
        let skipped = skipped.clone();
        Callback::from(move |()| skipped.set(true))
    };
    let on_read = {
        let (shared, lesson, step) = (shared.clone(), props.id.to_string(), step_id.clone());
        let has_task = props.lesson.steps[props.at].data.task.is_some();
        Callback::from(move |_: MouseEvent| {
            // Where there is nothing to bring about, reading on is doing.
            if !has_task {
                shared.dispatch(Action::Done {
                    lesson: lesson.clone(),
                    step: step.clone(),
                });
            }
        })
    };
    let scene = props.lesson.scenes.get(&step.data.scene);
    let named = |name: &str| scene.and_then(|scene| scene.named(name));
    let guessed = match (&step.data.predict, &result) {
        (
            Some(Predict {
                kind: Guess::Number { measure, .. },
                ..
            }),
            Some(PredictionResult {
                given: Answer::Number(value),
                ..
            }),
        ) => Some(Guessed {
            metric: *measure,
            value: *value,
        }),
        _ => None,
    };
    html! {
        <div class="step">
            <article class="prose">
                <p class="eyebrow">{ format!("Step {} of {}", props.at + 1, props.lesson.steps.len()) }</p>
                <h1>{ &step.title }</h1>
                if props.at == 0 { <div class="lead">{ prose::show(&props.lesson.intro, &named) }</div> }
                { prose::show(&step.prose, &named) }
                if step.data.predict.is_some() {
                    <Prediction lesson={props.lesson.clone()} at={props.at} {result} {on_predicted} {on_skip} skipped={*skipped} />
                }
                { task(step, done, holds_back) }
            </article>
            <div class={classes!("step-stage", holds_back.then_some("held"))}>
                if holds_back {
                    <p class="held-note">{ icon(Sign::Hint) }{ "Predict first, then watch. Or play with it right away." }</p>
                }
                <Stage setting={Handle::from(setting)} looks={shared.looks()} {on_task} {on_played} {guessed} autoplay={*fresh} speed={1.0} />
                if props.at + 1 == props.lesson.steps.len() { { sandbox_link(&props.id, &step.data.id) } }
            </div>
            { onward(props, &on_read) }
        </div>
    }
}

fn task(step: &Step, done: bool, holds_back: bool) -> Html {
    let Some(task) = &step.data.task else {
        return html! {};
    };
    html! {
        <section class={classes!("task", done.then_some("done"), holds_back.then_some("later"))} aria-label="Task">
            <span class="task-mark" aria-hidden="true">{ icon(if done { Sign::Check } else { Sign::Arrow }) }</span>
            <div>
                <p class="task-text">{ &task.text }</p>
                <p class="task-state" role="status">{ if done { "Done: the run has shown it." } else { "Ticked by the run itself." } }</p>
                if !task.hint.is_empty() && !done {
                    <details><summary>{ "A hint" }</summary><p>{ &task.hint }</p></details>
                }
            </div>
        </section>
    }
}

/// The ways back and on.
fn onward(props: &StepProps, on_read: &Callback<MouseEvent>) -> Html {
    let lesson = &props.lesson;
    let back = props
        .at
        .checked_sub(1)
        .map(|at| step_route(&props.id, &lesson.steps[at].data.id));
    let (next, words) = match lesson.steps.get(props.at + 1) {
        Some(step) => (
            step_route(&props.id, &step.data.id),
            format!("Next: {}", step.title),
        ),
        None if !lesson.quiz.questions.is_empty() => {
            (step_route(&props.id, QUIZ), "Stop and think".to_owned())
        }
        None => closing(lesson, &props.id)
            .unwrap_or_else(|| (Route::Home, "To the course map".to_owned())),
    };
    html! {
        <nav class="onward" aria-label="Back and on">
            if let Some(back) = back {
                <a href={back.href()} class="button quiet">{ icon(Sign::Back) }<span>{ "Back" }</span></a>
            }
            <span class="onward-next" onclick={on_read.clone()}>
                <a href={next.href()} class="button primary"><span>{ words }</span>{ icon(Sign::Arrow) }</a>
            </span>
        </nav>
    }
}

/// The JSON of a run's scenario; nothing if the lesson does not have it, which the stage then says.
pub(super) fn scene(lesson: &Lesson, run: &RunRef) -> Value {
    lesson.tree(run).unwrap_or_default()
}

/// The run beside the step's own, under its seed: the same arrivals and draws.
fn twin(lesson: &Lesson, step: &Step, run: &RunRef) -> Option<Twin> {
    let twin = step.data.twin.as_ref()?;
    let mut beside = scene(lesson, &twin.run);
    if let Some(beside) = beside.as_object_mut() {
        let seed = scene(lesson, run).get("seed").cloned();
        beside.insert("seed".to_owned(), seed.unwrap_or_else(|| Value::from(0)));
    }
    Some(Twin {
        label: twin.label.clone(),
        own: twin.own.clone(),
        scene: beside,
    })
}

/// The name of a component, with its sign and colour.
pub(super) fn component_word(lesson: &Lesson, scene: &str, name: &str) -> Html {
    let scene = lesson.scenes.get(scene);
    let kind = scene.and_then(|scene| scene.kind(name));
    let kind = kind.unwrap_or(Kind::Service);
    let label = scene.map_or(name, |scene| scene.label(name));
    html! {
        <span class={classes!("component-word", format!("kind-{}", kind.name()))}>
            { icon(Sign::from(kind)) }{ label.to_owned() }
        </span>
    }
}
