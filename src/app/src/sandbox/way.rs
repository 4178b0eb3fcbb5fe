//! The places of the sandbox, behind `#/sandbox`, and what stands there.

use scale_course::RunRef;
use scale_design::{Design, link};
use wasm_bindgen::JsValue;

use super::challenge;
use super::shelf::{self, Keeper};
use crate::{browser, content};

/// A place of the sandbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Way {
    /// The design that was open last: `#/sandbox`.
    Last,
    /// The gallery of one's own designs: `#/sandbox/designs`.
    Designs,
    /// One of them: `#/sandbox/design/<id>`.
    Own(String),
    /// A design in a link: `#/sandbox/link/<what holds it>`.
    Link(String),
    /// What a step of a lesson plays: `#/sandbox/lesson/<lesson>/<step>`.
    Lesson(String, String),
    /// The list of challenges: `#/sandbox/challenges`.
    Challenges,
    /// The start of a challenge: `#/sandbox/challenge/<id>`.
    Challenge(String),
    /// None of these, but in the sandbox.
    Nowhere,
    /// Not in the sandbox.
    Unknown,
}

/// What was found there.
pub enum Found {
    /// A design that is not one's own yet, and what to say.
    New(Box<Design>, String),
    /// One's own.
    Own(Box<Design>, Box<Keeper>),
}

impl Way {
    /// The place that the part of an address from `#` on names.
    pub fn read(hash: &str) -> Self {
        let path = hash.trim_start_matches('#').trim_matches('/');
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            ["sandbox"] => Self::Last,
            ["sandbox", "designs"] => Self::Designs,
            ["sandbox", "design", id] => Self::Own(id.to_owned()),
            ["sandbox", "link", design] => Self::Link(design.to_owned()),
            ["sandbox", "lesson", lesson, step] => Self::Lesson(lesson.to_owned(), step.to_owned()),
            ["sandbox", "challenges"] => Self::Challenges,
            ["sandbox", "challenge", id] => Self::Challenge(id.to_owned()),
            ["sandbox", ..] => Self::Nowhere,
            _ => Self::Unknown,
        }
    }
}

/// The design that was open last, or a new one.
pub fn last() -> (Design, Keeper) {
    let last = shelf::last_open();
    let last = last.and_then(|standing| {
        let kept = standing.kept.ok()?;
        Some((kept.now.read().ok()?, Keeper::of(&standing.id, &kept)))
    });
    last.unwrap_or_else(|| (Design::empty(), Keeper::new()))
}

/// What stands at a place.
///
/// # Errors
///
/// Why nothing does, in one sentence.
pub async fn find(way: &Way) -> Result<Found, String> {
    match way {
        Way::Own(id) => {
            let standing = shelf::standing(id);
            let standing = standing.ok_or("This browser keeps no design under this link.")?;
            let kept = standing
                .kept
                .map_err(|(why, _)| format!("The design cannot be read: {why}"))?;
            let design = kept.now.read()?;
            let keeper = Keeper::of(id, &kept);
            Ok(Found::Own(Box::new(design), Box::new(keeper)))
        }
        Way::Link(text) => {
            let design =
                link::read(text).map_err(|why| format!("{why} Your own design is untouched."))?;
            let said = "Opened the design of the link. Your own designs are kept beside it.";
            Ok(Found::New(Box::new(design), said.to_owned()))
        }
        Way::Lesson(lesson, step) => {
            let read = content::read_lesson(lesson).await?;
            let (_, found) = read
                .step(step)
                .ok_or_else(|| format!("The lesson has no step '{step}'."))?;
            let run = RunRef {
                scene: found.data.scene.clone(),
                set: found.data.set.clone(),
            };
            let tree = read
                .tree(&run)
                .map_err(|problems| problems[0].to_string())?;
            let mut design =
                Design::new(tree, Vec::new()).map_err(|problem| problem.to_string())?;
            if design.scenario().title.is_empty() {
                let mut tree = (**design.tree()).clone();
                tree["title"] = format!("{}: {}", read.title, found.title).into();
                design = Design::new(tree, Vec::new()).map_err(|problem| problem.to_string())?;
            }
            let said = format!(
                "Opened the scene of “{}”. It is a copy: change what you like.",
                found.title
            );
            Ok(Found::New(Box::new(design), said))
        }
        Way::Challenge(id) => {
            let challenge = challenge::fetch(id).await?;
            let design = challenge::start(id, &challenge)?;
            let said = format!("Began the challenge “{}”", challenge.brief.title);
            Ok(Found::New(Box::new(design), said))
        }
        Way::Last | Way::Designs | Way::Challenges | Way::Unknown => {
            Err("There is nothing to open.".to_owned())
        }
        Way::Nowhere => {
            Err("There is no such place in the sandbox: this is your own design.".to_owned())
        }
    }
}

/// Once what an address names has been opened: the address is that of the sandbox, without a step back to it.
pub fn settle() {
    if let Ok(history) = browser::window().history() {
        // Without it the link would be opened once more on reload; the design would be there twice, and nothing lost.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some("#/sandbox"));
    }
}

/// The whole address of the design that this part of a link holds.
pub fn href(link: &str) -> String {
    let location = browser::window().location();
    let page = location.href().unwrap_or_default();
    let page = page.split('#').next().unwrap_or_default();
    format!("{page}#/sandbox/link/{link}")
}

/// Shows an address, without going there.
pub fn show(href: &str) {
    if let Ok(history) = browser::window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(href));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found() {
        for (hash, way) in [
            ("#/sandbox", Way::Last),
            ("#/sandbox/", Way::Last),
            ("#/sandbox/designs", Way::Designs),
            ("#/sandbox/design/1a", Way::Own("1a".to_owned())),
            ("#/sandbox/link/1.Ab_-", Way::Link("1.Ab_-".to_owned())),
            (
                "#/sandbox/lesson/x-axis/copies",
                Way::Lesson("x-axis".to_owned(), "copies".to_owned()),
            ),
            ("#/sandbox/challenges", Way::Challenges),
            (
                "#/sandbox/challenge/chat",
                Way::Challenge("chat".to_owned()),
            ),
            ("#/sandbox/x", Way::Nowhere),
            ("#/about", Way::Unknown),
        ] {
            assert_eq!(Way::read(hash), way, "{hash}");
        }
    }
}
