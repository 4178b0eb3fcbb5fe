//! What closes a lesson: the learner's own last run looked back at, where real systems tell the same, and the ways on.

use scale_course::{Knob, Lesson, Predict, PredictionResult, Settings, Source, Step};
use scale_sim::{Condition, Figures, write_json};
use vecmap::VecMap;
use yew::prelude::*;

use super::lesson::{DEBRIEF, sandbox_link, step_route};
use super::prediction::shown;
use super::{Route, use_title};
use crate::content::{Loading, use_catalog};
use crate::handle::Handle;
use crate::icon::{Sign, icon};
use crate::prose;
use crate::protocol::Debriefed;
use crate::simulator::Measuring;
use crate::stage::chart::number;
use crate::stage::run::Run;
use crate::stage::why::story;
use crate::state::{Action, Shared};

/// Properties of [`DebriefPage`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// What the page shares.
    pub shared: Shared,
    /// The lesson's name in links.
    pub id: AttrValue,
    /// The lesson.
    pub lesson: Handle<Lesson>,
}

/// What closes a lesson.
#[component]
pub fn DebriefPage(props: &Props) -> Html {
    let (lesson, shared) = (&props.lesson, &props.shared);
    let title = lesson.debrief.as_ref().map(|debrief| debrief.title.clone());
    let title = title.unwrap_or_else(|| "Looking back".to_owned());
    use_title(Some(format!("{}: {title}", lesson.title)));
    {
        let (shared, lesson) = (shared.clone(), props.id.to_string());
        use_effect_with(lesson.clone(), move |_| {
            shared.dispatch(Action::Opened {
                lesson,
                step: DEBRIEF.to_owned(),
            });
        });
    }
    let progress = shared.progress.lesson(&props.id);
    let last = lesson.steps.last();
    let scene = last.and_then(|step| lesson.scenes.get(&step.data.scene));
    let named = |name: &str| scene.and_then(|scene| scene.named(name));
    let played = last.and_then(|step| Some((step, progress.settings.get(&step.data.id)?)));
    html! {
        <div class="debrief">
            <div class="prose">
                <p class="eyebrow">{ "Looking back" }</p>
                <h1>{ title }</h1>
                if let Some(debrief) = &lesson.debrief {
                    { prose::show(&debrief.prose, &named) }
                }
                if let Some(step) = last { { sandbox_link(&props.id, &step.data.id) } }
            </div>
            <div class="debrief-runs">
            if let Some((step, knobs)) = played {
                <OwnRun lesson={lesson.clone()} knobs={kept(step, knobs)} />
            } else if let Some(step) = last {
                <section class="card">
                    <p>{ format!("There is nothing of yours to look back at yet: you have not played the last step, “{}”.", step.title) }</p>
                    <p><a href={step_route(&props.id, &step.data.id).href()} class="button primary">
                        <span>{ "Play it" }</span>{ icon(Sign::Arrow) }</a></p>
                </section>
            }
            { predictions(lesson, &progress.predictions) }
            </div>
            if let Some(sources) = &lesson.sources {
                <section class="prose debrief-sources" aria-labelledby="sources">
                    <h2 id="sources">{ &sources.title }</h2>
                    { prose::show(&sources.prose, &named) }
                    <ul class="sources">{ for sources.items.iter().map(source) }</ul>
                </section>
            }
            <WaysOn id={props.id.clone()} lesson={lesson.clone()} />
        </div>
    }
}

/// The knobs that were kept, as far as the step still has them.
fn kept(step: &Step, knobs: &VecMap<String, f64>) -> VecMap<String, f64> {
    let own = step.data.knobs.iter().filter_map(|knob| {
        let value = knobs.get(&knob.path)?;
        Some((knob.path.clone(), value.clamp(knob.min, knob.max)))
    });
    own.collect()
}

fn source(source: &Source) -> Html {
    html! {
        <li>
            <a href={source.url.clone()} rel="noopener noreferrer">{ &source.title }</a>
            <span class="source-says">{ &source.says }</span>
        </li>
    }
}

/// Properties of [`OwnRun`].
#[derive(Clone, PartialEq, Debug, Properties)]
struct OwnRunProps {
    lesson: Handle<Lesson>,
    knobs: VecMap<String, f64>,
}

/// The last step with the knobs as they were left, run to its end.
#[component]
fn OwnRun(props: &OwnRunProps) -> Html {
    let found = use_state(|| None::<Result<Box<Debriefed>, String>>);
    let attempt = use_state(|| 0_u32);
    {
        let found = found.clone();
        let key = (props.lesson.clone(), props.knobs.clone(), *attempt);
        use_effect_with(key, move |(lesson, knobs, _)| {
            found.set(None);
            let measuring = match scenario(lesson, knobs) {
                Ok(scenario) => {
                    let lines = lesson.debrief.iter().flat_map(|debrief| &debrief.items);
                    let lines: Vec<&[Condition]> = lines.map(|line| &*line.when).collect();
                    let heard = Callback::from(move |debriefed| found.set(Some(debriefed)));
                    Some(Measuring::debrief(scenario, &lines, heard))
                }
                Err(why) => {
                    found.set(Some(Err(why)));
                    None
                }
            };
            move || drop(measuring)
        });
    }
    let Some(step) = props.lesson.steps.last() else {
        return html! {};
    };
    let again = Callback::from(move |_: MouseEvent| attempt.set(*attempt + 1));
    let knob = |knob: &Knob| {
        let value = props.knobs.get(&knob.path)?;
        Some(
            html! { <div><dt>{ &knob.label }</dt><dd>{ format!("{value} {}", knob.unit) }</dd></div> },
        )
    };
    html! {
        <section class="card own-run" aria-labelledby="own-run">
            <h2 id="own-run">{ "Your run" }</h2>
            <p class="own-run-of">{ format!("“{}”, with everything as you left it, from start to end.", step.title) }</p>
            <dl class="left">{ for step.data.knobs.iter().filter_map(knob) }</dl>
            <div role="status">
                { match &*found {
                    None => html! { <p class="waiting">{ "Running it to its end …" }</p> },
                    Some(Err(why)) => html! {
                        <>
                            <p class="bad">{ format!("It could not be run: {why}") }</p>
                            <button class="button" onclick={again}>{ "Try again" }</button>
                        </>
                    },
                    Some(Ok(debriefed)) => looked_at(&props.lesson, debriefed),
                } }
            </div>
        </section>
    }
}

/// The scenario of the last step with its knobs at these values.
fn scenario(lesson: &Lesson, knobs: &VecMap<String, f64>) -> Result<String, String> {
    let step = lesson.steps.last().ok_or("the lesson has no step")?;
    let mut run = step.run();
    let knobs = knobs.iter();
    let knobs: Settings = knobs
        .map(|(path, value)| (path.clone(), Knob::value(*value)))
        .collect();
    run.set.extend(knobs);
    let tree = lesson
        .tree(&run)
        .map_err(|problems| problems[0].to_string())?;
    Ok(write_json(&tree))
}

/// What came of the run.
fn looked_at(lesson: &Lesson, debriefed: &Debriefed) -> Html {
    let figures = figures(&debriefed.figures);
    let busiest = debriefed.busiest.and_then(|(at, utilisation)| {
        let component = debriefed.scene.components.get(usize::from(at))?;
        let words = format!(
            "{}, {:.0}% of the time",
            component.label,
            utilisation * 100.0
        );
        Some(("Busiest", words))
    });
    let row = |(name, value): (&str, String)| {
        html! { <tr><th scope="row">{ name.to_owned() }</th><td>{ value }</td></tr> }
    };
    let lines = lesson.debrief.iter().flat_map(|debrief| &debrief.items);
    let said = lines.zip(&debriefed.said).filter(|(_, said)| **said);
    let run = Run::at_rest(debriefed.scene.clone());
    html! {
        <>
            <table class="own-figures">
                <caption class="unseen">{ "The figures of your run" }</caption>
                <tbody>{ for figures.into_iter().chain(busiest).map(row) }</tbody>
            </table>
            <ul class="said">{ for said.map(|(line, _)| html! { <li>{ &line.say }</li> }) }</ul>
            if let Some(slowest) = &debriefed.slowest {
                <h3>{ "Where the slowest request spent its time" }</h3>
                { story(slowest, &run) }
            }
        </>
    }
}

/// The figures of a run, in words.
fn figures(figures: &Figures) -> Vec<(&'static str, String)> {
    let per_s = |count: u64| format!("{} requests/s", number(count as f64 / figures.seconds()));
    let p99 = figures
        .latency
        .map(|latency| format!("{} ms", number(latency.p99_ms)));
    vec![
        ("Offered load", per_s(figures.sent)),
        ("Answered", per_s(figures.completed)),
        (
            "99 in 100 took at most",
            p99.unwrap_or_else(|| "nobody was answered".to_owned()),
        ),
        (
            "Lost",
            match figures.lost {
                0 => "none".to_owned(),
                lost => format!("{lost} requests"),
            },
        ),
    ]
}

/// What the learner predicted on the way, beside what the runs showed.
fn predictions(lesson: &Lesson, made: &VecMap<String, PredictionResult>) -> Html {
    let made = lesson.steps.iter().filter_map(|step| {
        let predict = step.data.predict.as_ref()?;
        Some((predict, made.get(&step.data.id)?))
    });
    let made: Vec<(&Predict, &PredictionResult)> = made.collect();
    if made.is_empty() {
        return html! {};
    }
    let row = |(predict, result): (&Predict, &PredictionResult)| {
        let (sign, word) = if result.right {
            (Sign::Check, "near enough")
        } else {
            (Sign::Cross, "otherwise")
        };
        html! {
            <tr class={if result.right { "right" } else { "wrong" }}>
                <th scope="row">{ &predict.ask }</th>
                <td>{ shown(predict, &result.given, lesson) }</td>
                <td>{ shown(predict, &result.truth, lesson) }</td>
                <td class="verdict">{ icon(sign) }<span class="unseen">{ word }</span></td>
            </tr>
        }
    };
    html! {
        <section class="card" aria-labelledby="predicted">
            <h2 id="predicted">{ "What you predicted" }</h2>
            <table class="predicted">
                <thead><tr>
                    <th scope="col">{ "Question" }</th><th scope="col">{ "You said" }</th>
                    <th scope="col">{ "The run showed" }</th><td></td>
                </tr></thead>
                <tbody>{ for made.into_iter().map(row) }</tbody>
            </table>
        </section>
    }
}

/// Properties of [`WaysOn`].
#[derive(Clone, PartialEq, Debug, Properties)]
struct WaysOnProps {
    id: AttrValue,
    lesson: Handle<Lesson>,
}

/// The lesson again, the next one, and the course map.
#[component]
fn WaysOn(props: &WaysOnProps) -> Html {
    let (catalog, _) = use_catalog();
    let next = match &catalog {
        Loading::Here(catalog) => catalog.after(&props.id).cloned(),
        _ => None,
    };
    let again = props.lesson.steps.first();
    html! {
        <nav class="onward" aria-label="On">
            if let Some(first) = again {
                <a href={step_route(&props.id, &first.data.id).href()} class="button quiet">
                    { icon(Sign::Again) }<span>{ "Take it again" }</span></a>
            }
            <a href={Route::Home.href()} class="button quiet">{ icon(Sign::Map) }<span>{ "To the course map" }</span></a>
            if let Some(next) = next {
                <a href={Route::Lesson { id: next.id.clone(), step: None }.href()} class="button primary">
                    <span>{ format!("Next lesson: {}", next.title) }</span>{ icon(Sign::Arrow) }</a>
            }
        </nav>
    }
}
