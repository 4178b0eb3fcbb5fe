//! What was done, and how well: by lesson and by skill.

use scale_course::{Catalog, LessonProgress, Progress, Skill, SkillResult};
use yew::prelude::*;

use super::answer::capital;
use super::review::next_due;
use super::{Route, not_here};
use crate::browser;
use crate::content::{Loading, use_catalog};
use crate::icon::{Sign, icon};
use crate::state::Shared;

/// Properties of [`ProgressPage`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// What the page shares.
    pub shared: Shared,
}

/// What was done, and how well.
#[component]
pub fn ProgressPage(props: &Props) -> Html {
    let progress = &props.shared.progress;
    let (catalog, again) = use_catalog();
    html! {
        <div class="page narrow">
            <h1>{ "Your progress" }</h1>
            { review(progress) }
            <section>
                <h2>{ "By lesson" }</h2>
                { not_here(&catalog, &again).unwrap_or_default() }
                if let Loading::Here(catalog) = &catalog { { lessons(catalog, progress) } }
            </section>
            <section>
                <h2>{ "By skill" }</h2>
                { skills(&progress.skills()) }
            </section>
            <p>{ "It is kept in this browser. In the " }<a href={Route::Settings.href()}>{ "settings" }</a>{ " you can take it to another." }</p>
        </div>
    }
}

fn review(progress: &Progress) -> Html {
    let due = progress.due(browser::today()).len();
    if due == 0 {
        return html! {
            <p class="lead">{ "Nothing is due for review today. " }{ next_due(progress).unwrap_or_default() }</p>
        };
    }
    html! {
        <p class="row">
            <a href={Route::Review.href()} class="button primary">{ icon(Sign::Again) }<span>{ format!("Review: {due} due") }</span></a>
        </p>
    }
}

/// So many of all, in words and as a bar.
fn tally(name: Html, done: usize, all: usize, words: String) -> Html {
    html! {
        <li>
            <span class="tally-name">{ name }</span>
            <progress max={all.to_string()} value={done.to_string()} aria-hidden="true"></progress>
            <span class="tally-words">{ words }</span>
        </li>
    }
}

fn lessons(catalog: &Catalog, progress: &Progress) -> Html {
    let row = |(id, own): (&String, &LessonProgress)| {
        let entry = catalog.lesson(id);
        let title = entry.map_or(id.as_str(), |entry| entry.title.as_str());
        let all = entry
            .map_or(0, |entry| entry.steps as usize)
            .max(own.steps.len());
        let href = Route::Lesson {
            id: id.clone(),
            step: own.last.clone(),
        };
        let foreseen = own.predictions.values().filter(|p| p.right).count();
        let known = own.questions.values().filter(|q| q.right > 0).count();
        let of = |right: usize, all: usize, what: &str| match all {
            0 => String::new(),
            _ => format!("; {right} of {all} {what} right"),
        };
        let words = format!(
            "{} of {all} steps{}{}",
            own.steps.len(),
            of(foreseen, own.predictions.len(), "predictions"),
            of(known, own.questions.len(), "questions")
        );
        let name = html! { <a href={href.href()}>{ title }</a> };
        tally(name, own.steps.len(), all, words)
    };
    if progress.lessons.is_empty() {
        return html! { <p>{ "No lesson has been begun yet." }</p> };
    }
    html! { <ul class="tallies">{ for progress.lessons.iter().map(row) }</ul> }
}

fn skills(skills: &[SkillResult]) -> Html {
    let row = |result: &SkillResult| {
        let name = result
            .skill
            .map_or("answered before skills were noted", Skill::words);
        let words = format!("{} of {} answers right", result.right, result.asked);
        let (right, asked) = (result.right as usize, result.asked as usize);
        tally(html! { { capital(name) } }, right, asked, words)
    };
    let open = Skill::ALL.into_iter();
    let open = open.filter(|skill| !skills.iter().any(|known| known.skill == Some(*skill)));
    let open: Vec<&str> = open.map(Skill::words).collect();
    html! {
        <>
            if !skills.is_empty() {
                <p class="map-note tally-note">{ "Every answer counts, in lessons and in reviews." }</p>
                <ul class="tallies">{ for skills.iter().map(row) }</ul>
            }
            if !open.is_empty() {
                <p>{ format!("Not asked yet: {}.", open.join("; ")) }</p>
            }
        </>
    }
}
