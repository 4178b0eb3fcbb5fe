//! The course as the page gets it: fetched when it is needed, so that authors see a saved lesson by reloading.

use std::rc::Rc;

use scale_course::{Catalog, Lesson, LessonFiles};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Response;
use yew::prelude::*;

use crate::browser;
use crate::handle::Handle;
use crate::simulator;

/// Something that has to be fetched first.
#[derive(Debug)]
pub enum Loading<T> {
    /// It is on its way.
    Waiting,
    /// It is here.
    Here(Handle<T>),
    /// It is not to be had; why.
    Failed(String),
}

impl<T> Clone for Loading<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Waiting => Self::Waiting,
            Self::Here(value) => Self::Here(value.clone()),
            Self::Failed(why) => Self::Failed(why.clone()),
        }
    }
}

async fn text(path: &str) -> Result<Option<String>, String> {
    text_of(path, begin(path)).await
}

/// Asks for a file.
fn begin(path: &str) -> JsFuture {
    JsFuture::from(browser::window().fetch_with_str(&browser::part(path)))
}

/// The text of a file that is on its way already; nothing if there is no such file.
async fn text_of(path: &str, answer: JsFuture) -> Result<Option<String>, String> {
    let failed = || format!("{path} could not be fetched. Are you offline?");
    let answer = answer.await;
    let response: Response = answer.map_err(|_| failed())?.unchecked_into();
    if response.status() == 404 {
        return Ok(None);
    }
    if !response.ok() {
        return Err(format!(
            "{path} could not be fetched: the server answered {}.",
            response.status()
        ));
    }
    // A server for single-page apps answers what it does not have with the page itself.
    let kind = response.headers().get("content-type").ok().flatten();
    if kind.is_some_and(|kind| kind.contains("text/html")) {
        return Ok(None);
    }
    let text = response.text().map_err(|_| failed())?;
    let text = JsFuture::from(text).await.map_err(|_| failed())?;
    Ok(text.as_string())
}

/// The text of a file of the page's own.
///
/// # Errors
///
/// Why it is not to be had, in one sentence.
pub async fn needed(path: &str) -> Result<String, String> {
    text(path)
        .await?
        .ok_or_else(|| format!("{path} was not found."))
}

async fn catalog() -> Result<Catalog, String> {
    let text = needed("lessons/catalog.json").await?;
    Catalog::read(&text).map_err(|problems| listed("lessons/catalog.json", &problems))
}

/// A lesson, for who needs it once.
///
/// # Errors
///
/// Why it is not to be had.
pub async fn read_lesson(id: &str) -> Result<Handle<Lesson>, String> {
    Ok(lesson(id).await?.lesson)
}

/// A lesson that could be read.
#[derive(Debug)]
struct Opened {
    lesson: Handle<Lesson>,
    files: LessonFiles,
}

async fn lesson(id: &str) -> Result<Opened, String> {
    let folder = format!("lessons/{id}");
    // Over a slow line each answer is long in coming: what can be asked for at once is.
    let quiz = format!("{folder}/quiz.json");
    let answer = begin(&quiz);
    let mut files = LessonFiles {
        lesson: needed(&format!("{folder}/lesson.md")).await?,
        quiz: text_of(&quiz, answer).await?,
        ..LessonFiles::default()
    };
    // A static host lists no folders: the scenes are those that the lesson's own texts name.
    let names = scene_names(&[&files.lesson, files.quiz.as_deref().unwrap_or_default()]);
    let scenes: Vec<_> = names
        .into_iter()
        .map(|name| {
            let path = format!("{folder}/scenes/{name}.json");
            (name, begin(&path), path)
        })
        .collect();
    for (name, answer, path) in scenes {
        if let Some(scene) = text_of(&path, answer).await? {
            files.scenes.insert(name, scene);
        }
    }
    let lesson = Lesson::read(&files).map_err(|faults| listed(&folder, &faults))?;
    Ok(Opened {
        lesson: lesson.into(),
        files,
    })
}

/// The names that follow `"scene":` in some texts.
fn scene_names(texts: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let after = texts
        .iter()
        .flat_map(|text| text.split("\"scene\"").skip(1));
    let found = after.filter_map(|rest| {
        let rest = rest.trim_start().strip_prefix(':')?;
        rest.trim_start().strip_prefix('"')?.split('"').next()
    });
    for name in found {
        let plain = name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if plain && !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn listed(what: &str, problems: &[impl ToString]) -> String {
    let shown: Vec<String> = problems.iter().take(10).map(ToString::to_string).collect();
    format!(
        "{what} has {} to be mended:\n{}",
        if problems.len() == 1 {
            "a fault"
        } else {
            "faults"
        },
        shown.join("\n")
    )
}

/// The catalogue; the second part fetches it again.
#[hook]
pub fn use_catalog() -> (Loading<Catalog>, Callback<()>) {
    use_fetched((), |()| catalog())
}

/// A lesson; the second part fetches it again. It can be read at once; should it turn out to have faults, they take its place.
#[hook]
pub fn use_lesson(id: &AttrValue) -> (Loading<Lesson>, Callback<()>) {
    let (opened, again) = use_opened(id);
    let checked = use_state(|| None::<(Handle<Opened>, Vec<String>)>);
    let here = match &opened {
        Loading::Here(opened) => Some(opened.clone()),
        _ => None,
    };
    {
        let checked = checked.clone();
        use_effect_with(here, move |here| {
            let checking = here.clone().map(|opened| {
                let files = opened.files.clone();
                let heard =
                    Callback::from(move |faults| checked.set(Some((opened.clone(), faults))));
                simulator::check(files, heard)
            });
            move || drop(checking)
        });
    }
    let lesson = match opened {
        Loading::Waiting => Loading::Waiting,
        Loading::Failed(why) => Loading::Failed(why),
        Loading::Here(opened) => match &*checked {
            Some((of, faults)) if *of == opened && !faults.is_empty() => {
                Loading::Failed(listed(&format!("lessons/{id}"), faults))
            }
            _ => Loading::Here(opened.lesson.clone()),
        },
    };
    (lesson, again)
}

/// A lesson of which only a question is asked: what is wrong elsewhere in it is told where it is taken.
#[hook]
pub fn use_lesson_unchecked(id: &AttrValue) -> (Loading<Lesson>, Callback<()>) {
    let (opened, again) = use_opened(id);
    let lesson = match opened {
        Loading::Waiting => Loading::Waiting,
        Loading::Failed(why) => Loading::Failed(why),
        Loading::Here(opened) => Loading::Here(opened.lesson.clone()),
    };
    (lesson, again)
}

#[hook]
fn use_opened(id: &AttrValue) -> (Loading<Opened>, Callback<()>) {
    use_fetched(id.clone(), |id| async move { lesson(&id).await })
}

/// What is fetched for `key`. What was fetched for another never stands in for it, not for a moment: who shows it would also keep what was
/// done with it under the wrong name.
#[hook]
pub fn use_fetched<K, T, F>(key: K, fetch: impl Fn(K) -> F + 'static) -> (Loading<T>, Callback<()>)
where
    K: Clone + PartialEq + 'static,
    T: 'static,
    F: Future<Output = Result<T, String>> + 'static,
{
    let state = use_state(|| None::<(K, Loading<T>)>);
    let attempt = use_state(|| 0_u32);
    {
        let state = state.clone();
        use_effect_with((key.clone(), *attempt), move |(key, _)| {
            state.set(None);
            let alive = Rc::new(core::cell::Cell::new(true));
            let still = Rc::clone(&alive);
            let (fetched, key) = (fetch(key.clone()), key.clone());
            spawn_local(async move {
                let result = fetched.await;
                // What comes after the reader has moved on is of no use.
                if still.get() {
                    let loading = match result {
                        Ok(value) => Loading::Here(value.into()),
                        Err(why) => Loading::Failed(why),
                    };
                    state.set(Some((key, loading)));
                }
            });
            move || alive.set(false)
        });
    }
    let again = Callback::from(move |()| attempt.set(*attempt + 1));
    let loading = match &*state {
        Some((of, loading)) if *of == key => loading.clone(),
        _ => Loading::Waiting,
    };
    (loading, again)
}

#[cfg(test)]
mod tests {
    #[test]
    fn scenes_are_found_by_their_names() {
        let text = r#"{"scene": "one", "x": {"scene":"two-b"}} "scene" : "../x" scene "scene" "#;
        assert_eq!(super::scene_names(&[text, text]), ["one", "two-b"]);
    }
}
