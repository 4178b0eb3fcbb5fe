//! A design as it is kept in a browser: with its snapshots, so that nothing is lost.

use scale_sim::{Problem, from_json_value, parse_json};
use serde::{Deserialize, Serialize};

use crate::{Design, file, link};

/// Snapshots that are kept of a design.
pub const SNAPSHOTS: usize = 20;
/// A change makes a snapshot of what was before it if that is so much younger than the last one, in milliseconds.
pub const EVERY_MS: f64 = 120_000.0;

/// A design at one moment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// When it was so, in milliseconds since 1970.
    pub at_ms: f64,
    /// The design, [packed](link::pack).
    pub design: String,
}

/// A design that is kept.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The version of the format: 1.
    pub version: u32,
    /// How often it was kept: who finds another number than the one it wrote knows that somebody else has written.
    pub turn: u64,
    /// What it is called; at most 80 characters are shown.
    pub title: String,
    /// How many components it has.
    pub components: usize,
    /// As it is.
    pub now: Snapshot,
    /// As it was, from old to new.
    #[serde(default)]
    pub snapshots: Vec<Snapshot>,
}

impl Kept {
    /// Begins to keep a design.
    pub fn new(design: &Design, at_ms: f64) -> Self {
        let mut kept = Self {
            version: 1,
            turn: 0,
            title: String::new(),
            components: 0,
            now: Snapshot {
                at_ms,
                design: String::new(),
            },
            snapshots: Vec::new(),
        };
        kept.name(design);
        kept.now.design = packed(design);
        kept
    }

    fn name(&mut self, design: &Design) {
        self.title = design.scenario().title.chars().take(80).collect();
        self.components = design.scenario().components.len();
    }

    /// Keeps the design as it is now. What was before becomes a snapshot if `always`, or if the last one is old enough.
    pub fn keep(&mut self, design: &Design, at_ms: f64, always: bool) {
        let design_text = packed(design);
        if design_text != self.now.design {
            let last = self.snapshots.last().map(|last| last.at_ms);
            let now = self.now.at_ms;
            let due = last.is_none_or(|last| now - last >= EVERY_MS || last > at_ms);
            if due || always {
                self.snapshot();
            }
            self.now = Snapshot {
                at_ms,
                design: design_text,
            };
        }
        self.name(design);
        self.turn += 1;
    }

    /// Makes a snapshot of what is now, unless the last one is the same.
    pub fn snapshot(&mut self) {
        let same = |last: &Snapshot| last.design == self.now.design;
        if !self.snapshots.last().is_some_and(same) {
            self.snapshots.push(self.now.clone());
            let over = self.snapshots.len().saturating_sub(SNAPSHOTS);
            self.snapshots.drain(..over);
        }
    }

    /// Makes room: the oldest snapshot goes. Whether there was one.
    pub fn thin(&mut self) -> bool {
        let any = !self.snapshots.is_empty();
        if any {
            self.snapshots.remove(0);
        }
        any
    }

    /// Reads what was kept.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in one sentence.
    pub fn read(text: &str) -> Result<Self, String> {
        let said = |problem: Problem| file::one_line(&problem.to_string());
        let tree = parse_json(text).map_err(said)?;
        let kept: Self = from_json_value(&tree).map_err(said)?;
        if kept.version != 1 {
            return Err(format!(
                "version: {} is not known: this page reads version 1",
                kept.version
            ));
        }
        Ok(kept)
    }

    /// The text to keep.
    ///
    /// # Panics
    ///
    /// Never: it is plain data.
    pub fn write(&self) -> String {
        serde_json::to_string(self).expect("plain data")
    }
}

impl Snapshot {
    /// The design.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in one sentence.
    pub fn read(&self) -> Result<Design, String> {
        file::read(&link::unpack(&self.design)?)
    }
}

fn packed(design: &Design) -> String {
    link::pack(&file::tree(design).to_string())
}
