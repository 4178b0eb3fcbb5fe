//! Undo and redo.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use scale_capacity::Slos;
use serde_json::{Map, Value};

use crate::design::same;
use crate::edit::{Edit, Edited};
use crate::{Design, Group};

/// Steps that can be undone.
const DEPTH: usize = 200;

/// A design with what it was before, and what was undone of it. What was before is kept in parts, and each part once for all steps
/// in which it is the same: so [`DEPTH`] of them are little more than what was changed.
#[derive(Clone, Debug)]
pub struct History {
    now: Design,
    before: VecDeque<Step>,
    after: Vec<Step>,
    /// What the last step was, if more of the same would be part of it.
    going_on: Option<String>,
}

/// A design on one side of a step, and what the step was.
#[derive(Clone, Debug)]
struct Step {
    was: Past,
    said: String,
}

/// A design as it was.
#[derive(Clone, Debug)]
struct Past {
    parts: Vec<(Rc<str>, Part)>,
    groups: Rc<Vec<Group>>,
    slos: Slos,
    challenge: Option<String>,
}

/// What stands under one name of a scenario.
#[derive(Clone, Debug)]
enum Part {
    /// Kept as a whole.
    Whole(Rc<Value>),
    /// Kept name by name: components, and how they are drawn.
    Each(Vec<(Rc<str>, Rc<Value>)>),
}

impl Past {
    /// A design in parts, which it shares with one beside it in time.
    fn new(design: &Design, beside: Option<&Self>) -> Self {
        let near: BTreeMap<&str, &(Rc<str>, Part)> = { beside.iter() }
            .flat_map(|past| &past.parts)
            .map(|part| (&*part.0, part))
            .collect();
        let top = design.tree().as_object().into_iter().flatten();
        let parts = top.map(|(name, value)| {
            let other = near.get(name.as_str());
            let part = match (value, other.map(|(_, part)| part)) {
                (Value::Object(map), Some(Part::Each(others))) => Part::each(map, others),
                (Value::Object(map), _) => Part::each(map, &[]),
                (value, Some(Part::Whole(other))) if same(other, value) => {
                    Part::Whole(Rc::clone(other))
                }
                (value, _) => Part::Whole(Rc::new(value.clone())),
            };
            let name = other.map_or_else(|| Rc::from(name.as_str()), |(name, _)| Rc::clone(name));
            (name, part)
        });
        Self {
            parts: parts.collect(),
            groups: Rc::clone(design.groups()),
            slos: *design.slos(),
            challenge: design.challenge().map(str::to_owned),
        }
    }

    /// The design; nothing if it is none, which no design that was has been.
    fn design(&self) -> Option<Design> {
        let parts = self.parts.iter().map(|(name, part)| {
            let value = match part {
                Part::Whole(value) => (**value).clone(),
                Part::Each(all) => { all.iter() }
                    .map(|(name, value)| (name.to_string(), (**value).clone()))
                    .collect::<Map<_, _>>()
                    .into(),
            };
            (name.to_string(), value)
        });
        let tree = Value::Object(parts.collect());
        let design = Design::new(tree, (*self.groups).clone()).ok()?;
        let design = design.promising(self.slos);
        Some(design.of_challenge(self.challenge.as_deref()))
    }
}

impl Part {
    fn each(map: &Map<String, Value>, others: &[(Rc<str>, Rc<Value>)]) -> Self {
        let others: BTreeMap<&str, &(Rc<str>, Rc<Value>)> =
            others.iter().map(|entry| (&*entry.0, entry)).collect();
        let each = map
            .iter()
            .map(|(name, value)| match others.get(name.as_str()) {
                Some((name, other)) if same(other, value) => (Rc::clone(name), Rc::clone(other)),
                Some((name, _)) => (Rc::clone(name), Rc::new(value.clone())),
                None => (Rc::from(name.as_str()), Rc::new(value.clone())),
            });
        Self::Each(each.collect())
    }
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
        if !goes_on {
            self.before.push_back(Step {
                was: Past::new(&self.now, self.before.back().map(|step| &step.was)),
                said: edited.said.clone(),
            });
            if self.before.len() > DEPTH {
                self.before.pop_front();
            }
        }
        self.now = edited.design.clone();
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
        let Step { was, said } = self.before.pop_back()?;
        let next = Past::new(&self.now, Some(&was));
        self.now = was.design()?;
        self.after.push(Step {
            was: next,
            said: said.clone(),
        });
        self.going_on = None;
        Some(said)
    }

    /// Does again what was undone last. What it was; nothing if there is none.
    pub fn redo(&mut self) -> Option<String> {
        let Step { was, said } = self.after.pop()?;
        let last = Past::new(&self.now, Some(&was));
        self.now = was.design()?;
        self.before.push_back(Step {
            was: last,
            said: said.clone(),
        });
        self.going_on = None;
        Some(said)
    }

    /// What undo would undo.
    pub fn last(&self) -> Option<&str> {
        self.before.back().map(|step| step.said.as_str())
    }

    /// What redo would do again.
    pub fn next(&self) -> Option<&str> {
        self.after.last().map(|step| step.said.as_str())
    }
}

#[cfg(test)]
mod tests {
    use scale_sim::Kind;

    use super::*;

    /// All parts of a step, by where they are kept.
    fn kept(step: &Step) -> BTreeMap<String, *const Value> {
        let mut all = BTreeMap::new();
        for (name, part) in &step.was.parts {
            match part {
                Part::Whole(value) => drop(all.insert(name.to_string(), Rc::as_ptr(value))),
                Part::Each(each) => all.extend(
                    each.iter()
                        .map(|(inner, value)| (format!("{name}/{inner}"), Rc::as_ptr(value))),
                ),
            }
        }
        all
    }

    #[test]
    fn what_stays_is_kept_once_for_all_steps() {
        let mut history = History::new(Design::empty());
        let place = Edit::Place {
            kind: Kind::Service,
            at: None,
            after: None,
        };
        for _ in 0..20 {
            history.apply(&place, None).expect("placed");
        }
        let before = history.before.len();
        let step = Edit::Move {
            names: vec!["service-2".to_owned()],
            by: [1.0, 0.0],
        };
        for _ in 0..3 {
            history.apply(&step, None).expect("moved");
        }
        let (old, new) = (&history.before[before], &history.before[before + 2]);
        let (old, new) = (kept(old), kept(new));
        assert_eq!(old.len(), new.len());
        let apart: Vec<&String> = { old.iter() }
            .filter(|(name, at)| new.get(*name) != Some(*at))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(apart, ["view/service-2"]);
        // And so it is with what was undone.
        history.undo();
        history.undo();
        let (old, new) = (kept(&history.after[0]), kept(&history.before[before]));
        let apart = old.iter().filter(|(name, at)| new.get(*name) != Some(*at));
        assert_eq!(apart.count(), 1);
    }
}
