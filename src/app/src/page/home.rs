//! The map of the course, beneath a system that waits to be run.

use scale_course::{Catalog, CatalogLesson, Knob, Progress};
use yew::prelude::*;

use super::{Route, not_here};
use crate::browser;
use crate::content::{Loading, use_catalog};
use crate::handle::Handle;
use crate::icon::{Sign, icon};
use crate::stage::{Setting, Stage};
use crate::state::Shared;

/// A system to be watched on the home page: what the course is about, one phenomenon each.
struct Shown {
    name: &'static str,
    /// What to look for.
    words: &'static str,
    scene: &'static str,
    /// Simulated seconds a second.
    speed: f64,
    /// Label, path, and from where to where what can be changed goes.
    knob: (&'static str, &'static str, f64, f64),
}

const SHOWN: [Shown; 4] = [
    Shown {
        name: "Load",
        words: "Three copies of a shop share one database. Pull the load up and find out where it breaks.",
        scene: include_str!("scenes/flow.json"),
        speed: 0.5,
        knob: (
            "Load",
            "/components/shoppers/client/arrivals/poisson/rate_per_s",
            15.0,
            300.0,
        ),
    },
    Shown {
        name: "Caches",
        words: "What the near cache does not have is asked of the shared one, and what that lacks of the database. Follow a diamond.",
        scene: include_str!("scenes/caches.json"),
        speed: 0.1,
        knob: (
            "Keys the near cache holds",
            "/components/near/cache/capacity_entries",
            1.0,
            100.0,
        ),
    },
    Shown {
        name: "Shards",
        words: "Each key has its place on the ring, and the next point’s shard owns it. One shard owns more than the others: which?",
        scene: include_str!("scenes/shards.json"),
        speed: 0.1,
        knob: (
            "Load",
            "/components/users/client/arrivals/poisson/rate_per_s",
            10.0,
            300.0,
        ),
    },
    Shown {
        name: "Sagas",
        words: "Reserve, charge, ship. When the account is empty the charge fails, and what was reserved runs back: see the triangles.",
        scene: include_str!("scenes/sagas.json"),
        speed: 0.25,
        knob: (
            "Orders",
            "/components/buyers/client/arrivals/poisson/rate_per_s",
            1.0,
            60.0,
        ),
    },
];

/// What there is to draw of the first before it runs: `Scene::new` of that scenario, as a test sees to. So a first visit need
/// not fetch the simulation.
const REST: &str = include_str!("scenes/flow-at-rest.json");

impl Shown {
    fn setting(&self, rest: Option<crate::protocol::Scene>) -> Setting {
        let (label, path, min, max) = self.knob;
        Setting {
            key: self.name.to_owned(),
            scene: scale_sim::read_json(self.scene).unwrap_or_default(),
            knobs: vec![Knob {
                label: label.to_owned(),
                path: path.to_owned(),
                min,
                max,
                step: if max > 100.0 { 5.0 } else { 1.0 },
                unit: if path.ends_with("rate_per_s") {
                    "requests/s".to_owned()
                } else {
                    String::new()
                },
            }],
            rest,
            ..Setting::default()
        }
    }
}

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
    let chosen = use_state(|| 0_usize);
    let setting = use_memo(*chosen, |chosen| {
        let rest = (*chosen == 0).then(|| scale_sim::read_json(REST).ok());
        SHOWN[*chosen].setting(rest.flatten())
    });
    let tabs = SHOWN.iter().enumerate().map(|(at, shown)| {
        let onclick = {
            let chosen = chosen.clone();
            Callback::from(move |_: MouseEvent| chosen.set(at))
        };
        html! {
            <button class="tab" {onclick} aria-pressed={(at == *chosen).to_string()}>{ shown.name }</button>
        }
    });
    let next = match &catalog {
        Loading::Here(catalog) => next_lesson(catalog, &shared.progress),
        _ => None,
    };
    let begun = !shared.progress.lessons.is_empty();
    let due = shared.progress.due(browser::today()).len();
    html! {
        <div class="home">
            <section class="hero">
                <div class="hero-words">
                    <h1>{ "Can you explain how your system will handle " }<em>{ "ten times" }</em>{ " the load?" }</h1>
                    <p class="lead">{ "Predict what a system will do. Run it. See which request suffered, and why. This is a real simulation, on your machine." }</p>
                    <p class="row way">
                        if let Some((lesson, step)) = next {
                            <a href={route(&lesson.id, step.as_deref()).href()} class="button primary big">
                                <span>{ if begun { format!("Continue: {}", lesson.title) } else { "Start the first lesson".to_owned() } }</span>
                                { icon(Sign::Arrow) }
                            </a>
                            if due > 0 {
                                <a href={Route::Review.href()} class="button big">{ icon(Sign::Again) }<span>{ format!("Review: {due} due") }</span></a>
                            }
                        }
                    </p>
                    <p>
                        if begun { <a href={Route::Progress.href()}>{ "Your progress" }</a>{ " · " } }
                        <a href={Route::Sandbox.href()}>{ "Design a system of your own" }</a>
                    </p>
                </div>
                <div class="hero-stage">
                    <div class="tabs" role="group" aria-label="What to watch">{ for tabs }</div>
                    <p class="tab-words">{ SHOWN[*chosen].words }</p>
                    <Stage setting={Handle::from(setting)} looks={shared.looks()} speed={SHOWN[*chosen].speed} charts=false
                        autoplay={*chosen > 0} />
                </div>
            </section>
            <section class="map" aria-labelledby="map-title">
                <h2 id="map-title">{ "The course" }</h2>
                <p class="map-note">{ "Lessons with a dashed circle are in preparation." }</p>
                { not_here(&catalog, &again).unwrap_or_default() }
                if let Loading::Here(catalog) = &catalog { { map(catalog, &shared.progress) } }
            </section>
            <p><a href={Route::Trust.href()}>{ "How do we know that it is right?" }</a></p>
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

    fn scene(text: &str) -> Scene {
        let scenario = Scenario::from_json(text).expect("the scene is valid");
        let model = Model::new(&scenario, &Files::new()).expect("the scene can be run");
        let window_s = Recorder::new(&model).window().secs();
        Scene::new(&model, &scenario, window_s)
    }

    #[test]
    fn what_stands_at_rest_is_what_will_run() {
        let scene = scene(SHOWN[0].scene);
        let stored: Scene = scale_sim::read_json(REST).expect("the stored scene can be read");
        assert_eq!(stored, scene, "store {}", scale_sim::write_json(&scene));
    }

    #[test]
    fn every_scene_runs_with_its_knob_anywhere() {
        for shown in &SHOWN {
            assert!(!scene(shown.scene).components.is_empty());
            let (_, path, min, max) = shown.knob;
            for value in [min, max] {
                let mut changed: serde_json::Value =
                    scale_sim::read_json(shown.scene).expect("it is JSON");
                let place = changed.pointer_mut(path).expect("the knob turns something");
                *place = Knob::value(value);
                scene(&changed.to_string());
            }
        }
    }
}
