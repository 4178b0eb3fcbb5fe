//! The browser's storage. Read with suspicion, written as a whole, never overwritten when it cannot be read.

use serde::{Deserialize, Serialize};
use web_sys::Storage;

use scale_course::{Progress, ProgressError};
use scale_sim::write_json;

use crate::browser;

/// The key of the progress.
pub const PROGRESS: &str = "scale-lab/progress";
const SETTINGS: &str = "scale-lab/settings";
/// Damaged texts that are kept aside.
const ASIDE: usize = 5;

/// Which colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// How much moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Motion {
    /// As the system has it.
    #[default]
    System,
    /// Everything.
    Full,
    /// Nothing unasked: stepped pictures and text.
    Reduced,
}

/// What the reader has set.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Which colours.
    pub theme: Theme,
    /// How much moves.
    pub motion: Motion,
}

/// How the page looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Looks {
    /// Light on dark.
    pub dark: bool,
    /// Nothing moves unasked.
    pub still: bool,
}

impl Settings {
    /// How the page looks on a system that asks for `system`.
    pub fn looks(self, system: Looks) -> Looks {
        Looks {
            dark: match self.theme {
                Theme::System => system.dark,
                Theme::Light => false,
                Theme::Dark => true,
            },
            still: match self.motion {
                Motion::System => system.still,
                Motion::Full => false,
                Motion::Reduced => true,
            },
        }
    }
}

/// What was found in the storage.
#[derive(Clone, PartialEq, Debug)]
pub enum Found {
    /// Progress, or none yet.
    Progress(Progress),
    /// Something that cannot be read; it was kept aside.
    Damaged {
        /// What is wrong with it.
        why: String,
        /// The text itself.
        text: String,
    },
    /// Progress of a newer version, which must not be overwritten.
    Newer {
        /// What to tell.
        why: String,
    },
    /// No storage: nothing can be kept.
    Nowhere,
}

fn storage() -> Option<Storage> {
    browser::window().local_storage().ok().flatten()
}

/// The progress kept from earlier.
pub fn progress() -> Found {
    let Some(storage) = storage() else {
        return Found::Nowhere;
    };
    let Ok(text) = storage.get_item(PROGRESS) else {
        return Found::Nowhere;
    };
    let Some(text) = text else {
        return Found::Progress(Progress::default());
    };
    match Progress::read(&text) {
        Ok(progress) => Found::Progress(progress),
        Err(newer @ ProgressError::Newer { .. }) => Found::Newer {
            why: newer.to_string(),
        },
        Err(damaged) => {
            keep_aside(&storage, &text);
            Found::Damaged {
                why: damaged.to_string(),
                text,
            }
        }
    }
}

/// Keeps a damaged text under a key of its own, the oldest giving way, before anything is written over it.
fn keep_aside(storage: &Storage, text: &str) {
    let key = |n: usize| format!("{PROGRESS}.damaged-{n}");
    let free = (1..=ASIDE).find(|n| storage.get_item(&key(*n)).ok().flatten().is_none());
    // A full storage still holds the text under its own key until something is done.
    let _ = storage.set_item(&key(free.unwrap_or(1)), text);
}

/// Keeps the progress. Tells whether that worked: storage may be full or forbidden.
pub fn keep_progress(progress: &Progress) -> bool {
    storage().is_some_and(|storage| storage.set_item(PROGRESS, &progress.write()).is_ok())
}

/// The settings kept from earlier; the usual ones where they cannot be read, for they are quickly set again.
pub fn settings() -> Settings {
    let text = storage().and_then(|storage| storage.get_item(SETTINGS).ok().flatten());
    text.and_then(|text| scale_sim::read_json(&text).ok())
        .unwrap_or_default()
}

/// Keeps the settings.
pub fn keep_settings(settings: Settings) {
    if let Some(storage) = storage() {
        // Settings that cannot be kept still hold for this visit.
        let _ = storage.set_item(SETTINGS, &write_json(&settings));
    }
}
