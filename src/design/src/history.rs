//! Undo and redo.

use std::collections::VecDeque;

use crate::Design;
use crate::edit::{Edit, Edited};

/// Steps that can be undone.
const DEPTH: usize = 200;

/// A design with what it was before, and what was undone of it. Designs share what they have in common with the one before as
/// wholes only: [`DEPTH`] of them bound the memory.
#[derive(Clone, Debug)]
pub struct History {
    now: Design,
    before: VecDeque<(Design, String)>,
    after: Vec<(Design, String)>,
    /// What the last step was, if more of the same would be part of it.
    going_on: Option<String>,
}

impl History {
    /// Begins with this design.
    pub fn new(design: Design) -> Self {
        Self {
            now: design,
            before: VecDeque::new(),
            after: Vec::new(),
            going_on: None,
        }
    }

    /// The design as it is.
    pub fn now(&self) -> &Design {
        &self.now
    }

    /// Does something. With a name in `going_on`, it becomes one step with what was done under the same name just before: the
    /// turns of a knob, a walk with the arrow keys.
    ///
    /// # Errors
    ///
    /// Why it cannot be done; the design stays.
    pub fn apply(&mut self, edit: &Edit, going_on: Option<&str>) -> Result<Edited, String> {
        let edited = edit.apply(&self.now)?;
        if edited.design == self.now {
            return Ok(edited);
        }
        let goes_on = going_on.is_some() && self.going_on.as_deref() == going_on;
        let before = core::mem::replace(&mut self.now, edited.design.clone());
        if !goes_on {
            self.before.push_back((before, edited.said.clone()));
            if self.before.len() > DEPTH {
                self.before.pop_front();
            }
        }
        self.after.clear();
        self.going_on = going_on.map(str::to_owned);
        Ok(edited)
    }

    /// What comes next is a step of its own.
    pub fn pause(&mut self) {
        self.going_on = None;
    }

    /// Undoes the last step. What it was; nothing if there is none.
    pub fn undo(&mut self) -> Option<String> {
        let (before, said) = self.before.pop_back()?;
        let now = core::mem::replace(&mut self.now, before);
        self.after.push((now, said.clone()));
        self.going_on = None;
        Some(said)
    }

    /// Does again what was undone last. What it was; nothing if there is none.
    pub fn redo(&mut self) -> Option<String> {
        let (after, said) = self.after.pop()?;
        let now = core::mem::replace(&mut self.now, after);
        self.before.push_back((now, said.clone()));
        self.going_on = None;
        Some(said)
    }

    /// What undo would undo.
    pub fn last(&self) -> Option<&str> {
        self.before.back().map(|(_, said)| said.as_str())
    }

    /// What redo would do again.
    pub fn next(&self) -> Option<&str> {
        self.after.last().map(|(_, said)| said.as_str())
    }
}
