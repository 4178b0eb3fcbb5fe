//! The page: its routes, its frame, and what stands on each.

mod about;
mod answer;
mod asked;
mod curve;
mod debrief;
mod home;
mod lesson;
mod not_found;
mod order;
mod prediction;
mod progress;
mod quiz;
mod review;
mod route;
mod sandbox;
mod settings;

use core::cell::Cell;

use gloo::events::EventListener;
use scale_course::Progress;
use wasm_bindgen::JsCast;
use yew::prelude::*;

use crate::browser;
use crate::content::Loading;
use crate::icon::{Sign, icon};
use crate::state::{Action, Notice, Offer, Shared, State};
use crate::store::{self, Looks, Motion, Theme};

pub use route::{Route, use_route};

/// The whole page.
#[component]
pub fn App() -> Html {
    let shared = use_reducer(|| State::new(store::progress(), store::settings(), system()));
    // The looks are attributes that the style sheets read: set before anything that reads colours is drawn.
    use_memo(shared.looks(), |looks| {
        browser::mark_root("data-theme", if looks.dark { "dark" } else { "light" });
        browser::mark_root("data-motion", if looks.still { "reduced" } else { "full" });
    });
    use_system(&shared);
    use_kept(&shared);
    let route = use_route();
    use_title(match &route {
        Route::Home => Some("Learn how systems scale".to_owned()),
        Route::About => Some("About".to_owned()),
        Route::Settings => Some("Settings".to_owned()),
        Route::NotFound => Some("Not found".to_owned()),
        Route::Progress => Some("Your progress".to_owned()),
        // A lesson has its title once it is here, and a review with its question.
        // What stands beside the page names itself.
        Route::Lesson { .. } | Route::Review | Route::Sandbox | Route::Trust => None,
    });
    let beside = matches!(route, Route::Sandbox | Route::Trust);
    html! {
        <>
            <a class="skip" href={if beside { "#sandbox" } else { "#main" }} onclick={Callback::from(|event: MouseEvent| {
                event.prevent_default();
                browser::focus_heading();
            })}>{ "Skip to the content" }</a>
            <header class="top">
                <a href={Route::Home.href()} class="brand">
                    <svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
                        <path d="M16 29V16M16 16L4.500 9.500M16 16l11.500-6.500" /><circle cx="16" cy="16" r="3.500" />
                        <circle cx="16" cy="28" r="2" /><circle cx="4.500" cy="9.500" r="2" /><circle cx="27.500" cy="9.500" r="2" />
                    </svg>
                    <span>{ "Scale Lab" }</span>
                </a>
                <nav aria-label="Site">
                    <a href={Route::Home.href()} class="nav-link">{ icon(Sign::Map) }<span>{ "Course" }</span></a>
                    <a href={Route::Sandbox.href()} class="nav-link">{ icon(Sign::Balancer) }<span>{ "Sandbox" }</span></a>
                    <a href={Route::About.href()} class="nav-link">{ icon(Sign::Hint) }<span>{ "About" }</span></a>
                    <a href={Route::Settings.href()} class="nav-link">{ icon(Sign::Settings) }<span>{ "Settings" }</span></a>
                </nav>
            </header>
            { notice(&shared) }
            if beside {
                <sandbox::SandboxPage looks={shared.looks()} trust={route == Route::Trust} />
            } else {
                <main id="main">{ page(&route, &shared) }</main>
            }
        </>
    }
}

/// What stands at a place of the page.
fn page(route: &Route, shared: &Shared) -> Html {
    let shared = shared.clone();
    match route.clone() {
        Route::Home => html! { <home::Home {shared} /> },
        // One lesson is never shown, and never kept, as another: each has a page of its own.
        Route::Lesson { id, step } => {
            let key = id.clone();
            html! { <lesson::LessonPage {key} {shared} {id} {step} /> }
        }
        Route::Review => html! { <review::ReviewPage {shared} /> },
        Route::Progress => html! { <progress::ProgressPage {shared} /> },
        Route::Settings => html! { <settings::SettingsPage {shared} /> },
        Route::About => about::page(),
        Route::NotFound => not_found::page(),
        // It stands beside the page.
        Route::Sandbox | Route::Trust => html! {},
    }
}

/// The media queries that tell what the system asks for.
const SYSTEM: [&str; 2] = [
    "(prefers-color-scheme: dark)",
    "(prefers-reduced-motion: reduce)",
];

/// What the system asks for.
fn system() -> Looks {
    let [dark, still] =
        SYSTEM.map(|query| browser::media(query).is_some_and(|list| list.matches()));
    Looks { dark, still }
}

/// Follows the system when it changes its mind.
#[hook]
fn use_system(shared: &Shared) {
    let dispatch = shared.dispatcher();
    use_effect_with((), move |()| {
        let listeners = SYSTEM.map(|query| {
            let dispatch = dispatch.clone();
            browser::media(query).map(|list| {
                EventListener::new(&list, "change", move |_| {
                    dispatch.dispatch(Action::System(system()));
                })
            })
        });
        move || drop(listeners)
    });
}

/// Keeps the progress and the settings whenever they change, and takes in what other tabs do.
#[hook]
fn use_kept(shared: &Shared) {
    {
        let shared = shared.clone();
        let first = use_mut_ref(|| true);
        use_effect_with(
            (shared.progress.clone(), shared.keep),
            move |(progress, keep)| {
                let first = first.replace(false);
                if *keep && !first && !store::keep_progress(progress) {
                    let text = "Your progress could not be kept: the browser's storage is full or closed to this page. It lasts until you close the page; you can export it in the settings.";
                    let told = shared
                        .notice
                        .as_ref()
                        .is_some_and(|notice| notice.text == text);
                    if !told {
                        shared.dispatch(Action::Tell(Notice {
                            text: text.to_owned(),
                            offer: None,
                        }));
                    }
                }
            },
        );
    }
    use_effect_with(shared.settings, |settings| store::keep_settings(*settings));
    let dispatch = shared.dispatcher();
    use_effect_with((), move |()| {
        let listener = EventListener::new(&browser::window(), "storage", move |event| {
            let Some(event) = event.dyn_ref::<web_sys::StorageEvent>() else {
                return;
            };
            if event.key().as_deref() == Some(store::PROGRESS)
                && let Some(Ok(other)) = event.new_value().map(|text| Progress::read(&text))
            {
                dispatch.dispatch(Action::Merge(other));
            }
        });
        move || drop(listener)
    });
}

/// Something to tell the reader, with what can be done about it.
fn notice(shared: &Shared) -> Html {
    let Some(notice) = shared.notice.clone() else {
        return html! { <div role="status"></div> };
    };
    let dismiss = {
        let shared = shared.clone();
        Callback::from(move |_: MouseEvent| shared.dispatch(Action::Dismiss))
    };
    let offer = notice.offer.map(|offer| match offer {
        Offer::Undo(before) => {
            let shared = shared.clone();
            let undo = Callback::from(move |_: MouseEvent| {
                shared.dispatch(Action::Replace(before.clone(), "Undone.".to_owned()));
                shared.dispatch(Action::Dismiss);
            });
            html! { <button class="button" onclick={undo}>{ "Undo" }</button> }
        }
        Offer::Download(text) => {
            let save = Callback::from(move |_: MouseEvent| {
                browser::download("scale-lab-progress-damaged.json", "application/json", &text);
            });
            html! { <button class="button" onclick={save}>{ "Download the copy" }</button> }
        }
    });
    html! {
        <div class="notice" role="status">
            <p>{ notice.text }</p>
            { offer }
            <button class="button quiet" onclick={dismiss} aria-label="Dismiss">{ icon(Sign::Cross) }</button>
        </div>
    }
}

thread_local! {
    /// Whether a page has been shown: the first one leaves the keyboard's place to the browser.
    static SHOWN: Cell<bool> = const { Cell::new(false) };
}

/// Names the page that is shown now. When it changes, the keyboard's place moves to the new heading.
#[hook]
fn use_title(title: Option<String>) {
    use_effect_with(title, |title| {
        if let Some(title) = title {
            browser::document().set_title(&format!("{title} · Scale Lab"));
            if SHOWN.replace(true) {
                browser::focus_heading();
            }
        }
    });
}

/// What to show while something is fetched, and when it is not to be had; nothing once it is here.
fn not_here<T>(loading: &Loading<T>, again: &Callback<()>) -> Option<Html> {
    match loading {
        Loading::Here(_) => None,
        Loading::Waiting => Some(html! { <p class="waiting" role="status">{ "Fetching …" }</p> }),
        Loading::Failed(why) => {
            let again = again.reform(|_: MouseEvent| ());
            Some(html! {
                <div class="failed" role="alert">
                    <p><strong>{ "This could not be shown." }</strong></p>
                    <pre>{ why }</pre>
                    <button class="button primary" onclick={again}>{ "Try again" }</button>
                </div>
            })
        }
    }
}

/// Names of themes and motions, for the settings.
const THEMES: [(Theme, &str); 3] = [
    (Theme::System, "As the system"),
    (Theme::Light, "Light"),
    (Theme::Dark, "Dark"),
];
const MOTIONS: [(Motion, &str); 3] = [
    (Motion::System, "As the system"),
    (Motion::Full, "Full"),
    (Motion::Reduced, "Reduced"),
];
