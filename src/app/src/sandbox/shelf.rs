//! The designs that this browser keeps, each under a key of its own, so that tabs do not write over each other.

use scale_design::keep::Kept;
use scale_design::{Design, file};
use web_sys::Storage;

use crate::browser;

/// What the keys of designs begin with.
const DESIGN: &str = "scale-lab/design/";
/// The key under which the design that was open last is named.
const OPEN: &str = "scale-lab/design-open";

/// A design on the shelf.
#[derive(Clone, PartialEq, Debug)]
pub struct Standing {
    /// Its key, without what all begin with.
    pub id: String,
    /// What is kept; or why it cannot be read, and the text.
    pub kept: Result<Kept, (String, String)>,
}

fn storage() -> Option<Storage> {
    browser::window().local_storage().ok().flatten()
}

/// Milliseconds since 1970.
pub fn now_ms() -> f64 {
    js_sys::Date::now()
}

/// All designs, the newest first; those that cannot be read at the end.
pub fn all() -> Vec<Standing> {
    let Some(storage) = storage() else {
        return Vec::new();
    };
    let keys = (0..storage.length().unwrap_or(0)).filter_map(|at| storage.key(at).ok().flatten());
    let ids = keys.filter_map(|key| key.strip_prefix(DESIGN).map(str::to_owned));
    let mut all: Vec<Standing> = ids.filter_map(|id| standing(&id)).collect();
    let age = |standing: &Standing| standing.kept.as_ref().map_or(0.0, |kept| kept.now.at_ms);
    all.sort_by(|a, b| age(b).total_cmp(&age(a)).then_with(|| a.id.cmp(&b.id)));
    all
}

/// One design, if there is one of this key.
pub fn standing(id: &str) -> Option<Standing> {
    let text = read(id)?;
    let kept = Kept::read(&text).and_then(|kept| kept.now.read().map(|_| kept));
    Some(Standing {
        id: id.to_owned(),
        kept: kept.map_err(|why| (why, text)),
    })
}

fn read(id: &str) -> Option<String> {
    storage()?.get_item(&format!("{DESIGN}{id}")).ok().flatten()
}

/// Takes a design from the shelf; its text, to put back if that was not meant.
pub fn take(id: &str) -> Option<String> {
    let text = read(id)?;
    storage()?.remove_item(&format!("{DESIGN}{id}")).ok()?;
    Some(text)
}

/// Puts a text back.
pub fn put(id: &str, text: &str) -> bool {
    storage().is_some_and(|storage| storage.set_item(&format!("{DESIGN}{id}"), text).is_ok())
}

/// The design that was open last.
pub fn last_open() -> Option<Standing> {
    let id = storage()?.get_item(OPEN).ok().flatten()?;
    standing(&id)
}

/// A key that no design has.
fn new_id() -> String {
    format!(
        "{:x}-{:x}",
        now_ms() as u64,
        browser::fresh_seed() & 0xff_ffff
    )
}

/// Keeps one design.
#[derive(Clone, Debug)]
pub struct Keeper {
    id: String,
    kept: Option<Kept>,
    /// What was written last: who finds something else there knows that another tab has written.
    written: Option<String>,
}

/// What came of keeping a design.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keeping {
    /// It is kept.
    Kept,
    /// It is kept as a copy, for another tab has changed the same design.
    Copied,
    /// There is no room, or no storage.
    Nowhere,
}

impl Keeper {
    /// For a design that is not on the shelf yet.
    pub fn new() -> Self {
        Self {
            id: new_id(),
            kept: None,
            written: None,
        }
    }

    /// For one that is there.
    pub fn of(id: &str, kept: &Kept) -> Self {
        Self {
            id: id.to_owned(),
            kept: Some(kept.clone()),
            written: read(id),
        }
    }

    /// Its key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What is kept of it.
    pub fn kept(&self) -> Option<&Kept> {
        self.kept.as_ref()
    }

    /// Notes that this is the design to go on with the next time.
    pub fn opened(&self) {
        if let Some(storage) = storage() {
            // Without it the newest one is opened.
            let _ = storage.set_item(OPEN, &self.id);
        }
    }

    /// Keeps the design as it is, what was before it as a snapshot now and then, or `always`.
    pub fn keep(&mut self, design: &Design, always: bool) -> Keeping {
        let there = read(&self.id);
        let others = there != self.written && there.is_some();
        if others {
            self.id = new_id();
            self.written = None;
        }
        let at_ms = now_ms();
        let kept = self.kept.get_or_insert_with(|| Kept::new(design, at_ms));
        kept.keep(design, at_ms, always);
        loop {
            let text = kept.write();
            if put(&self.id, &text) {
                self.written = Some(text);
                self.opened();
                return if others {
                    Keeping::Copied
                } else {
                    Keeping::Kept
                };
            }
            // Old snapshots give way to the design itself.
            if !kept.thin() {
                return Keeping::Nowhere;
            }
        }
    }
}

/// A name for the file of a design.
pub fn file_name(design: &Design, ending: &str) -> String {
    let title = design.scenario().title.to_lowercase();
    let words: String = { title.chars() }
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(60)
        .collect();
    let parts: Vec<&str> = words.split('-').filter(|part| !part.is_empty()).collect();
    let stem = if parts.is_empty() {
        "design".to_owned()
    } else {
        parts.join("-")
    };
    format!("{stem}.{ending}")
}

/// Offers the design as a file.
pub fn save_file(design: &Design) {
    let name = file_name(design, "json");
    browser::download(&name, "application/json", &file::write(design));
}
