//! The state of the sandbox: the design with its history, what is selected, what is shown.

use std::rc::Rc;

use scale_design::{Design, Edit, History, copied, wiring};
use scale_sim::Kind;
use serde_json::Value;

use super::board::Camera0;
use super::deed::{Deed, Side};
use super::shelf::Keeper;
use super::traffic::log::Log;
use crate::handle::Handle;

/// The state of the sandbox.
pub struct Lab {
    /// The design, and what it was.
    pub history: History,
    /// The newest design that can be run.
    pub runs: Option<Design>,
    /// Selected components, by name.
    pub selected: Rc<Vec<String>>,
    /// Whether what is touched is selected beside the rest: for hands without a keyboard.
    pub several: bool,
    /// The selected connection.
    pub wire: Option<(String, String)>,
    /// The component that is being connected.
    pub connecting: Option<String>,
    /// What is shown.
    pub side: Side,
    /// What was done last, for those who do not see it.
    pub said: String,
    /// Why something could not be done.
    pub refused: Option<String>,
    /// A log that was brought, and not used yet.
    pub log: Option<Handle<Log>>,
    /// What gave first when the design was last put to the test, with the words for it.
    pub blamed: Rc<Vec<(String, String)>>,
    /// What was copied.
    pub clip: Option<Value>,
    /// Which part of the board is seen.
    pub camera: Camera0,
    /// Counts up when all is to be brought in sight.
    pub fit: u32,
    /// Where the design is kept.
    pub keeper: Keeper,
    /// Whether it has changed since it was kept.
    pub dirty: bool,
    /// Counts up with each design that is opened.
    pub opened: u32,
}

impl Lab {
    /// Begins with this design.
    pub fn new(design: Design, keeper: Keeper) -> Self {
        Self {
            runs: design.problems().is_empty().then(|| design.clone()),
            history: History::new(design),
            selected: Rc::default(),
            several: false,
            wire: None,
            connecting: None,
            side: Side::Build,
            said: String::new(),
            refused: None,
            log: None,
            blamed: Rc::default(),
            clip: None,
            camera: Camera0::default(),
            fit: 0,
            keeper,
            dirty: false,
            opened: 0,
        }
    }

    /// The design.
    pub fn design(&self) -> &Design {
        self.history.now()
    }

    /// Goes on with another design.
    pub fn open(&mut self, design: Design, keeper: Keeper, said: &str) {
        self.history = History::new(design);
        self.runs = None;
        self.log = None;
        self.blamed = Rc::default();
        self.tidy();
        self.keeper = keeper;
        self.keeper.opened();
        self.clear();
        self.side = match self.design().challenge() {
            Some(_) => Side::Challenge,
            None => Side::Build,
        };
        self.fit += 1;
        self.opened += 1;
        self.dirty = false;
        said.clone_into(&mut self.said);
    }

    fn clear(&mut self) {
        self.select(Vec::new());
        self.connecting = None;
        self.refused = None;
    }

    fn select(&mut self, names: Vec<String>) {
        self.selected = Rc::new(names);
        self.wire = None;
        self.history.pause();
    }

    /// Drops from the selection what is not there any more.
    fn tidy(&mut self) {
        let design = self.history.now();
        if design.problems().is_empty() {
            self.runs = Some(design.clone());
        }
        let there = |name: &String| design.kind(name).is_some();
        if !self.selected.iter().all(there) {
            let left = self.selected.iter().filter(|name| there(name)).cloned();
            self.selected = Rc::new(left.collect());
        }
        if self.connecting.as_ref().is_some_and(|name| !there(name)) {
            self.connecting = None;
        }
        let wires = wiring::connections(design.scenario());
        if let Some((from, to)) = &self.wire
            && !wires.contains(&(from.as_str(), to.as_str()))
        {
            self.wire = None;
        }
    }

    fn edit(&mut self, edit: &Edit, going_on: Option<&str>) {
        match self.history.apply(edit, going_on) {
            Ok(edited) => {
                // Whoever gets another name keeps what is said of it.
                if let (Edit::Rename { name, .. }, Some([after])) = (edit, edited.select.as_deref())
                {
                    for (blamed, _) in Rc::make_mut(&mut self.blamed) {
                        if blamed == name {
                            blamed.clone_from(after);
                        }
                    }
                }
                if let Some(names) = edited.select {
                    self.selected = Rc::new(names);
                    self.wire = None;
                }
                self.said = edited.said;
                self.dirty = true;
            }
            Err(why) => self.refused = Some(why),
        }
        self.tidy();
    }

    /// The selected ones; or this one, if it is not among them.
    fn meant(&self, name: Option<String>) -> Vec<String> {
        match name {
            Some(name) if !self.selected.contains(&name) => vec![name],
            _ => (*self.selected).clone(),
        }
    }

    /// Does something.
    pub fn act(&mut self, deed: Deed) {
        self.refused = None;
        match deed {
            Deed::Edit(edit) => self.edit(&edit, None),
            Deed::GoOn(edit, name) => self.edit(&edit, Some(&name)),
            Deed::Touch { name, more } => self.touch(name, more),
            Deed::Select(names) => self.select(names),
            Deed::SelectWire(from, to) => {
                self.select(Vec::new());
                self.wire = Some((from, to));
            }
            Deed::SelectAll => {
                let all = self.design().scenario().components.keys().cloned();
                let all = all.collect();
                self.select(all);
            }
            Deed::Several(several) => self.several = several,
            Deed::Walk { name, by } => {
                let names = self.meant(name);
                if !names.is_empty() {
                    if names != *self.selected {
                        self.select(names.clone());
                    }
                    self.edit(&Edit::Move { names, by }, Some("walk"));
                }
            }
            Deed::Place(kind, at) => self.place(kind, at),
            Deed::Connecting(name) => self.connecting(name),
            Deed::Connect(from, to) => {
                self.connecting = None;
                self.edit(&Edit::Connect { from, to }, None);
            }
            Deed::Delete(name) => self.delete(name),
            Deed::Copy => {
                self.copy();
            }
            Deed::Cut => {
                if self.copy() {
                    let names = (*self.selected).clone();
                    self.edit(&Edit::Delete { names }, None);
                }
            }
            Deed::Paste => match self.clip.clone() {
                Some(clip) => self.edit(&Edit::Paste(clip), None),
                None => self.refused = Some("Nothing has been copied yet.".to_owned()),
            },
            Deed::Duplicate => {
                if !self.selected.is_empty() {
                    let clip = copied(self.design(), &self.selected);
                    self.edit(&Edit::Paste(clip), None);
                }
            }
            Deed::Group => {
                if !self.selected.is_empty() {
                    let name = format!("Group {}", self.design().groups().len() + 1);
                    let members = (*self.selected).clone();
                    self.edit(&Edit::Group { name, members }, None);
                }
            }
            Deed::Ungroup => {
                if let Some(name) = self.selected.first().cloned() {
                    self.edit(&Edit::Ungroup(name), None);
                }
            }
            Deed::Align(align) => {
                let names = (*self.selected).clone();
                self.edit(&Edit::Align(names, align), None);
            }
            Deed::Undo => {
                let said = self.history.undo();
                self.undone(said.map(|said| format!("Undone: {said}")));
            }
            Deed::Redo => {
                let said = self.history.redo();
                self.undone(said.map(|said| format!("Done again: {said}")));
            }
            Deed::Fit => self.fit += 1,
            Deed::Escape => {
                if self.connecting.take().is_some() {
                    "Left as it was".clone_into(&mut self.said);
                } else {
                    self.clear();
                }
            }
            Deed::Show(side) => {
                self.side = side;
                self.connecting = None;
                self.history.pause();
            }
            Deed::Log(log) => self.bring(log),
            Deed::Blame(blamed) => self.blamed = Rc::new(blamed),
            Deed::Tell(said) => self.said = said,
            Deed::Refuse(why) => self.refused = Some(why),
            // For the component, which has the screen and the storage.
            Deed::Zoom(_) | Deed::Reveal(_) | Deed::Open(..) => {}
        }
    }

    fn bring(&mut self, log: Option<Handle<Log>>) {
        if log.is_some() {
            self.side = Side::Traffic;
            "The log is read: choose what to take of it.".clone_into(&mut self.said);
        }
        self.log = log;
    }

    fn place(&mut self, kind: Kind, at: Option<[f64; 2]>) {
        let after = match &self.selected[..] {
            [one] => Some(one.clone()),
            _ => None,
        };
        self.edit(&Edit::Place { kind, at, after }, None);
    }

    /// Begins to connect, or leaves off.
    fn connecting(&mut self, name: Option<String>) {
        let from = self.meant(name).into_iter().next();
        self.connecting = from.filter(|from| self.connecting.as_ref() != Some(from));
        if let Some(from) = &self.connecting {
            self.said = format!(
                "Connecting {}: choose what it calls. Escape leaves it as it is.",
                self.design().label(from)
            );
        }
    }

    fn delete(&mut self, name: Option<String>) {
        if let (Some((from, to)), None) = (&self.wire, &name) {
            let (from, to) = (from.clone(), to.clone());
            self.edit(&Edit::Disconnect { from, to }, None);
            return;
        }
        let names = self.meant(name);
        if !names.is_empty() {
            self.edit(&Edit::Delete { names }, None);
        }
    }

    fn undone(&mut self, said: Option<String>) {
        self.dirty |= said.is_some();
        self.said = said.unwrap_or_else(|| "There is nothing more.".to_owned());
        self.tidy();
    }

    fn copy(&mut self) -> bool {
        let any = !self.selected.is_empty();
        if any {
            self.clip = Some(copied(self.design(), &self.selected));
            self.said = format!("Copied {} components", self.selected.len());
        }
        any
    }

    fn touch(&mut self, name: String, more: bool) {
        if let Some(from) = self.connecting.take() {
            if from != name {
                self.edit(&Edit::Connect { from, to: name }, None);
            }
            return;
        }
        if !more {
            self.select(vec![name]);
            return;
        }
        let mut names = (*self.selected).clone();
        if names.contains(&name) {
            names.retain(|other| *other != name);
        } else {
            names.push(name);
        }
        self.select(names);
    }
}
