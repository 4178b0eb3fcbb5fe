//! The map of the course, beneath a system that waits to be run.

use scale_course::{Catalog, CatalogLesson, Knob, Progress};
use yew::prelude::*;

use super::{Route, not_here};
use crate::content::{Loading, use_catalog};
use crate::handle::Handle;
use crate::icon::{Sign, icon};
use crate::stage::{Setting, Stage};
use crate::state::Shared;

/// The system on the home page: the shop of the first lesson, with three instances.
const SCENE: &str = include_str!("home.json");

/// What there is to draw of it before it runs: `Scene::new` of that scenario, as a test sees to. So a first visit need not
/// fetch the simulation.
const REST: &str = include_str!("home-at-rest.json");

/// Properties of [`Home`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// What the page shares.
    pub shared: Shared,
}

/// The map of the course.
#[component]
pub fn Home(props: &Props) -> Html {
    let shared = &props.shared;
    let (catalog, again) = use_catalog();
    let setting = use_memo((), |()| Setting {
        key: "home".to_owned(),
        scene: scale_sim::read_json(SCENE).unwrap_or_default(),
        knobs: vec![Knob {
            label: "Load".to_owned(),
            path: "/components/shoppers/client/arrivals/poisson/rate_per_s".to_owned(),
            min: 15.0,
            max: 300.0,
            step: 5.0,
            unit: "requests/s".to_owned(),
        }],
        task: Vec::new(),
        rest: scale_sim::read_json(REST).ok(),
    });
    let next = match &catalog {
        Loading::Here(catalog) => next_lesson(catalog, &shared.progress),
        _ => None,
    };
    let begun = !shared.progress.lessons.is_empty();
    html! {
        <div class="home">
            <section class="hero">
                <div class="hero-words">
                    <h1>{ "Can you explain how your system will handle " }<em>{ "ten times" }</em>{ " the load?" }</h1>
                    <p class="lead">{ "Predict what a system will do. Run it. See which request suffered, and why. This is a real simulation: pull the load up and find out where it breaks." }</p>
                    if let Some((lesson, step)) = next {
                        <p>
                            <a href={route(&lesson.id, step.as_deref()).href()} class="button primary big">
                                <span>{ if begun { format!("Continue: {}", lesson.title) } else { "Start the first lesson".to_owned() } }</span>
                                { icon(Sign::Arrow) }
                            </a>
                        </p>
                    }
                </div>
                <div class="hero-stage">
                    <Stage setting={Handle::from(setting)} looks={shared.looks()} speed=0.5 charts=false />
                </div>
            </section>
            <section class="map" aria-labelledby="map-title">
                <h2 id="map-title">{ "The course" }</h2>
                <p class="map-note">{ "Lessons with a dashed circle are in preparation." }</p>
                { not_here(&catalog, &again).unwrap_or_default() }
                if let Loading::Here(catalog) = &catalog { { map(catalog, &shared.progress) } }
            </section>
        </div>
    }
}

fn route(lesson: &str, step: Option<&str>) -> Route {
    Route::Lesson {
        id: lesson.to_owned(),
        step: step.map(str::to_owned),
    }
}

/// The lesson to go on with: the first open one that is not done, at the step it was left.
fn next_lesson(catalog: &Catalog, progress: &Progress) -> Option<(CatalogLesson, Option<String>)> {
    let mut open = catalog.lessons.iter().filter(|lesson| !lesson.planned);
    let undone = open.clone().find(|lesson| !is_done(lesson, progress));
    let lesson = undone.or_else(|| open.next())?;
    Some((lesson.clone(), progress.lesson(&lesson.id).last))
}

fn is_done(lesson: &CatalogLesson, progress: &Progress) -> bool {
    lesson.steps > 0 && progress.lesson(&lesson.id).steps.len() >= lesson.steps as usize
}

fn map(catalog: &Catalog, progress: &Progress) -> Html {
    let part = |(number, title): (usize, &String)| {
        let lessons = catalog
            .lessons
            .iter()
            .filter(|lesson| lesson.part == *title);
        html! {
            <section class="part" key={title.clone()}>
                <h3><span class="part-number">{ number + 1 }</span>{ title }</h3>
                <ol>{ for lessons.map(|lesson| entry(lesson, progress)) }</ol>
            </section>
        }
    };
    html! { <div class="parts">{ for catalog.parts.iter().enumerate().map(part) }</div> }
}

fn entry(lesson: &CatalogLesson, progress: &Progress) -> Html {
    let done = progress
        .lesson(&lesson.id)
        .steps
        .len()
        .min(lesson.steps as usize);
    let words = |class: &'static str, state: Html| {
        html! {
            <>
                <span class={classes!("stop", class)} aria-hidden="true">
                    if class == "done" { { icon(Sign::Check) } }
                </span>
                <span class="entry-words">
                    <span class="entry-title">{ &lesson.title }</span>
                    <span class="entry-summary">{ &lesson.summary }</span>
                    <span class="entry-state">{ state }</span>
                </span>
            </>
        }
    };
    if lesson.planned {
        return html! { <li class="entry planned">{ words("planned", html! { <span class="unseen">{ "In preparation" }</span> }) }</li> };
    }
    let (class, state) = match done {
        0 => (
            "open",
            format!("{} steps, about {} minutes", lesson.steps, lesson.minutes),
        ),
        _ if is_done(lesson, progress) => ("done", "Done".to_owned()),
        _ => ("begun", format!("{done} of {} steps done", lesson.steps)),
    };
    let last = progress.lesson(&lesson.id).last;
    html! {
        <li class={classes!("entry", class)}>
            <a href={route(&lesson.id, last.as_deref()).href()} class="entry-link">{ words(class, html! { { state } }) }</a>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use scale_sim::{Files, Model, Recorder, Scenario};

    use super::*;
    use crate::protocol::Scene;

    #[test]
    fn what_stands_at_rest_is_what_will_run() {
        let scenario = Scenario::from_json(SCENE).expect("the scene is valid");
        let model = Model::new(&scenario, &Files::new()).expect("the scene can be run");
        let window_s = Recorder::new(&model).window().secs();
        let scene = Scene::new(&model, &scenario, window_s);
        let stored: Scene = scale_sim::read_json(REST).expect("the stored scene can be read");
        assert_eq!(stored, scene, "store {}", scale_sim::write_json(&scene));
    }
}
