//! The places of the page, behind `#`, so that any static host serves every link.

use gloo::events::EventListener;
use yew::prelude::*;

use crate::browser;

/// A place of the page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Route {
    /// The map of the course: `#/`.
    Home,
    /// A lesson where the learner left it, or one of its steps: `#/lesson/<id>`, `#/lesson/<id>/<step>`.
    Lesson {
        /// The lesson.
        id: String,
        /// The step; `quiz` is its questions.
        step: Option<String>,
    },
    /// The questions that are due: `#/review`.
    Review,
    /// What was done, and how well: `#/progress`.
    Progress,
    /// Settings and progress: `#/settings`.
    Settings,
    /// The sandbox, with its own places behind: `#/sandbox`.
    Sandbox,
    /// How one can know that it is right, with its own places behind: `#/trust`.
    Trust,
    /// What this is: `#/about`.
    About,
    /// Nowhere.
    NotFound,
}

impl Route {
    /// The place that the part of a link from `#` on names.
    pub fn read(hash: &str) -> Self {
        // What is asked of a place, such as a seed, is read there.
        let path = hash.split('?').next().unwrap_or_default();
        let path = path.trim_start_matches('#').trim_matches('/');
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            [""] => Self::Home,
            // Whatever else it is, it is no folder of a lesson, and nothing to be fetched.
            ["lesson", id, ..] if !is_name(id) => Self::NotFound,
            ["lesson", id] => Self::Lesson {
                id: id.to_owned(),
                step: None,
            },
            ["lesson", id, step] => Self::Lesson {
                id: id.to_owned(),
                step: Some(step.to_owned()),
            },
            ["review"] => Self::Review,
            ["progress"] => Self::Progress,
            ["settings"] => Self::Settings,
            ["about"] => Self::About,
            // What stands behind is read there.
            ["sandbox", ..] => Self::Sandbox,
            ["trust", ..] => Self::Trust,
            _ => Self::NotFound,
        }
    }

    /// The link to this place.
    pub fn href(&self) -> String {
        match self {
            Self::Home => "#/".to_owned(),
            Self::Lesson { id, step: None } => format!("#/lesson/{id}"),
            Self::Lesson {
                id,
                step: Some(step),
            } => format!("#/lesson/{id}/{step}"),
            Self::Review => "#/review".to_owned(),
            Self::Progress => "#/progress".to_owned(),
            Self::Settings => "#/settings".to_owned(),
            Self::About => "#/about".to_owned(),
            Self::Sandbox => "#/sandbox".to_owned(),
            Self::Trust => "#/trust".to_owned(),
            Self::NotFound => "#/404".to_owned(),
        }
    }
}

/// Whether a lesson can be called so.
fn is_name(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !id.is_empty() && id.bytes().all(plain)
}

/// The place shown now.
#[hook]
pub fn use_route() -> Route {
    let read = || Route::read(&browser::window().location().hash().unwrap_or_default());
    let route = use_state(read);
    {
        let route = route.clone();
        use_effect_with((), move |()| {
            let listener =
                EventListener::new(&browser::window(), "hashchange", move |_| route.set(read()));
            move || drop(listener)
        });
    }
    (*route).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_where_they_say() {
        let lesson = |step: Option<&str>| Route::Lesson {
            id: "x-axis".to_owned(),
            step: step.map(str::to_owned),
        };
        for route in [
            Route::Home,
            lesson(None),
            lesson(Some("quiz")),
            Route::Review,
            Route::Progress,
            Route::Settings,
            Route::About,
            Route::Sandbox,
            Route::Trust,
        ] {
            assert_eq!(Route::read(&route.href()), route);
        }
        for (hash, route) in [
            ("", Route::Home),
            ("#", Route::Home),
            ("#/about/", Route::About),
            ("#/sandbox/link/1.abc", Route::Sandbox),
            ("#/trust?seed=7", Route::Trust),
            ("#/trust/theory/mm1?seed=7", Route::Trust),
        ] {
            assert_eq!(Route::read(hash), route, "{hash}");
        }
        for hash in [
            "#/404",
            "#/lesson",
            "#/lesson/a/b/c",
            "#/lesson/%2e%2e/x",
            "#/lesson/..",
            "#/x",
        ] {
            assert_eq!(Route::read(hash), Route::NotFound, "{hash}");
        }
    }
}
