//! What can be done to a design.

use std::collections::{BTreeMap, BTreeSet};

use scale_capacity::Objective;
use scale_sim::{Component, Kind, Scenario, from_json_value};
use serde_json::{Map, Value, json};

use crate::design::object;
use crate::wiring::{self, free};
use crate::{Change, Design, Group, arrange, file, palette};

/// Along which line components are put.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    /// In one column.
    Column,
    /// In one row.
    Row,
    /// As far apart as they are on the whole, from left to right.
    Across,
    /// As far apart as they are on the whole, from top to bottom.
    Down,
}

/// One thing that is done to a design, and undone as one.
#[derive(Clone, PartialEq, Debug)]
pub enum Edit {
    /// A new component, connected behind or before another if that can be.
    Place {
        /// What it is.
        kind: Kind,
        /// Where it stands, in columns and rows; beside what is there if it is not given.
        at: Option<[f64; 2]>,
        /// The component that is to call it.
        after: Option<String>,
    },
    /// Components move by so many columns and rows, as one.
    Move {
        /// Which.
        names: Vec<String>,
        /// Columns and rows.
        by: [f64; 2],
    },
    /// One calls the other from now on.
    Connect {
        /// Who calls.
        from: String,
        /// Who is called.
        to: String,
    },
    /// It does not any more.
    Disconnect {
        /// Who called.
        from: String,
        /// Who was called.
        to: String,
    },
    /// Components go, with all that names them.
    Delete {
        /// Which.
        names: Vec<String>,
    },
    /// A component gets another name on the picture, and in the scenario one that fits it.
    Rename {
        /// Which.
        name: String,
        /// What the picture calls it; 1 to 40 characters are kept.
        label: String,
    },
    /// Places of the scenario change.
    Change(Vec<Change>),
    /// What [`copied`] has kept comes in once more.
    Paste(Value),
    /// Components are put in line.
    Align(Vec<String>, Align),
    /// Everything is put where calls flow from left to right.
    Arrange,
    /// These belong together.
    Group {
        /// What they are called.
        name: String,
        /// Which.
        members: Vec<String>,
    },
    /// The group of this component is none any more.
    Ungroup(String),
    /// This much is promised from now on; or nothing of the kind.
    Promise(Objective, Option<f64>),
    /// Something else altogether.
    Replace(Box<Design>),
}

/// What an edit came to.
#[derive(Clone, PartialEq, Debug)]
pub struct Edited {
    /// The design.
    pub design: Design,
    /// What to select now, if that changes.
    pub select: Option<Vec<String>>,
    /// What was done, in words.
    pub said: String,
}

impl Edit {
    /// The components that must be there.
    fn about(&self) -> Vec<&String> {
        match self {
            Self::Move { names, .. } | Self::Delete { names } | Self::Align(names, _) => {
                names.iter().collect()
            }
            Self::Group { members, .. } => members.iter().collect(),
            Self::Connect { from, to } | Self::Disconnect { from, to } => vec![from, to],
            Self::Rename { name, .. } | Self::Ungroup(name) => vec![name],
            Self::Place { .. }
            | Self::Change(_)
            | Self::Paste(_)
            | Self::Arrange
            | Self::Promise(..)
            | Self::Replace(_) => Vec::new(),
        }
    }

    /// What comes of the design.
    ///
    /// # Errors
    ///
    /// Why this cannot be done, in one sentence.
    pub fn apply(&self, design: &Design) -> Result<Edited, String> {
        if let Some(name) = { self.about().into_iter() }.find(|name| design.kind(name).is_none()) {
            return Err(format!("There is no component '{name}' any more."));
        }
        let mut tree = (**design.tree()).clone();
        let mut groups = (**design.groups()).clone();
        let mut select = None;
        let label = |name: &str| design.label(name).to_owned();
        let list = |names: &[String]| match names {
            [one] => label(one),
            names => format!("{} components", names.len()),
        };
        let said = match self {
            Self::Place { kind, at, after } => {
                let (name, said) = place(&mut tree, design, *kind, *at, after.as_deref());
                select = Some(vec![name]);
                said + &plans_changed(design, &tree)
            }
            Self::Move { names, by } => {
                arrange::shift(&mut tree, design, names, *by);
                format!("Moved {}", list(names))
            }
            Self::Connect { from, to } => {
                let connected = wiring::connect(&mut tree, design.scenario(), from, to)?;
                let instead = connected
                    .replaced
                    .map(|name| format!(" instead of {}", label(&name)));
                let (from, to, instead) = (label(from), label(to), instead.unwrap_or_default());
                let changed = plans_changed(design, &tree);
                format!("Connected {from} to {to}{instead}{changed}")
            }
            Self::Disconnect { from, to } => {
                wiring::disconnect(&mut tree, from, to);
                format!("Disconnected {} from {}", label(from), label(to))
            }
            Self::Delete { names } => {
                let gone: BTreeSet<&str> = names.iter().map(String::as_str).collect();
                wiring::remove(&mut tree, &|name| gone.contains(name));
                select = Some(Vec::new());
                format!("Deleted {}", list(names))
            }
            Self::Rename { name, label: after } => {
                let after: String = after.trim().chars().take(40).collect();
                if after.is_empty() {
                    return Err("A component needs a name.".to_owned());
                }
                let said = format!("Renamed {} to {after}", label(name));
                let called = rename(&mut tree, &mut groups, design, name, &after);
                select = Some(vec![called]);
                said
            }
            Self::Change(changes) => {
                for change in changes {
                    if !change.apply(&mut tree) {
                        return Err("What was to be changed is not there any more.".to_owned());
                    }
                }
                "Changed".to_owned()
            }
            Self::Paste(clip) => {
                let names = paste(&mut tree, design, clip)?;
                let said = format!("Added {} components", names.len());
                select = Some(names);
                said
            }
            Self::Align(names, align) => {
                arrange::align(&mut tree, design, names, *align);
                format!("Put {} in line", list(names))
            }
            Self::Arrange => {
                arrange::arrange(&mut tree, design.scenario());
                "Arranged everything from left to right".to_owned()
            }
            Self::Group { name, members } => {
                group(&mut groups, name, members);
                format!("Grouped {}", list(members))
            }
            Self::Ungroup(member) => {
                groups.retain(|group| !group.members.contains(member));
                "Ungrouped".to_owned()
            }
            Self::Promise(objective, bound) => return promise(design, *objective, *bound),
            Self::Replace(other) => {
                return Ok(Edited {
                    design: (**other).clone(),
                    select: Some(Vec::new()),
                    said: "Replaced the design".to_owned(),
                });
            }
        };
        let edited =
            Design::new(tree, groups).map_err(|problem| file::one_line(&problem.to_string()))?;
        let edited = edited.promising(*design.slos());
        let edited = edited.of_challenge(design.challenge());
        Ok(Edited {
            design: edited,
            select,
            said,
        })
    }
}

/// Promises other things.
fn promise(design: &Design, objective: Objective, bound: Option<f64>) -> Result<Edited, String> {
    let mut slos = *design.slos();
    slos.set(objective, bound);
    if let Some(problem) = slos.problems().first() {
        return Err(format!("This cannot be promised: {problem}."));
    }
    Ok(Edited {
        design: design.clone().promising(slos),
        select: None,
        said: "Changed what is promised".to_owned(),
    })
}

/// Puts a new component in. Its name, and what was done.
fn place(
    tree: &mut Value,
    design: &Design,
    kind: Kind,
    at: Option<[f64; 2]>,
    after: Option<&str>,
) -> (String, String) {
    let scenario = design.scenario();
    let name = free(palette::stem(kind), |name| {
        !scenario.components.contains_key(name)
    });
    let (words, _) = palette::words(kind);
    let label = match name.rsplit_once('-') {
        Some((_, number)) if number.parse::<u32>().is_ok() => format!("{words} {number}"),
        _ => words.to_owned(),
    };
    // One that can stand between what is selected and what that calls, stands there.
    let between = after.and_then(|after| between(scenario, kind, after));
    let at = match (at, between) {
        (None, Some(next)) => {
            let column = design.at(next);
            arrange::make_room(tree, design, column[0]);
            column
        }
        (at, _) => at.unwrap_or_else(|| arrange::free_place(design, after)),
    };
    let at = at.map(arrange::snapped);
    object(tree, "components").insert(name.clone(), palette::component(kind));
    object(tree, "view").insert(name.clone(), json!({ "label": label, "at": at }));
    let mut said = format!("Added {label}");
    let Some(after) = after else {
        return (name, said);
    };
    if let Some(next) = between {
        // First on, then to it: so that no request goes nowhere meanwhile.
        if connected(tree, &name, next) && connected(tree, after, &name) {
            said = format!(
                "Added {label} between {} and {}",
                design.label(after),
                design.label(next)
            );
        }
    } else if let Ok(now) = from_json_value::<Scenario>(tree)
        && wiring::replaces(&now, after, &name).is_none()
        && wiring::connect(tree, &now, after, &name).is_ok()
    {
        // A new one that cannot stand behind what is selected stands alone.
        said = format!("Added {label}, called by {}", design.label(after));
    }
    (name, said)
}

/// Which of a service's several plans are others than before, in words: nobody should have to look for that.
fn plans_changed(design: &Design, tree: &Value) -> String {
    let of = |tree: &Value, name: &str| {
        let pointer = format!("/components/{name}/service/plans");
        tree.pointer(&pointer)
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default()
    };
    for name in design.scenario().components.keys() {
        let (before, after) = (of(design.tree(), name), of(tree, name));
        let changed = { after.iter() }.filter(|(plan, steps)| before.get(*plan) != Some(*steps));
        let changed: Vec<&str> = changed.map(|(plan, _)| plan.as_str()).collect();
        if !changed.is_empty() && after.len() > 1 {
            return format!(
                ": {} does so for {}",
                design.label(name),
                changed.join(", ").replace('*', "all others")
            );
        }
    }
    String::new()
}

/// Connects two components, if that can be.
fn connected(tree: &mut Value, from: &str, to: &str) -> bool {
    let now = from_json_value::<Scenario>(tree);
    now.is_ok_and(|now| wiring::connect(tree, &now, from, to).is_ok())
}

/// What `after` calls, if it can call one only, and something new of this kind can pass requests on to that.
fn between<'a>(scenario: &'a Scenario, kind: Kind, after: &str) -> Option<&'a str> {
    let next = match scenario.components.get(after)? {
        Component::Client(client) => &client.target,
        Component::Gateway(gateway) => &gateway.target,
        _ => return None,
    };
    let passes_on = match kind {
        Kind::Gateway | Kind::Service => true,
        Kind::Balancer => matches!(
            scenario.components.get(next)?,
            Component::Service(_) | Component::Gateway(_) | Component::Database(_)
        ),
        _ => false,
    };
    (passes_on && scenario.components.contains_key(next)).then_some(next)
}

/// Makes a group of components, which leave those that they were in.
fn group(groups: &mut Vec<Group>, name: &str, members: &[String]) {
    for group in &mut *groups {
        group.members.retain(|member| !members.contains(member));
    }
    groups.push(Group {
        name: name.to_owned(),
        members: members.to_vec(),
    });
}

/// A component's name in the scenario, made of what people call it.
fn slug(label: &str) -> String {
    let mut slug = String::new();
    for c in label.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let slug: String = slug.chars().take(40).collect();
    slug.trim_end_matches('-').to_owned()
}

fn rename(
    tree: &mut Value,
    groups: &mut [Group],
    design: &Design,
    name: &str,
    label: &str,
) -> String {
    let view = object(tree, "view");
    let own = view.entry(name).or_insert_with(|| json!({}));
    own["label"] = Value::from(label);
    let slug = slug(label);
    let taken = |other: &str| other != name && design.scenario().components.contains_key(other);
    if slug.is_empty() {
        return name.to_owned();
    }
    let called = free(&slug, |slug| !taken(slug));
    if called != name {
        wiring::rename(tree, &|other| (other == name).then(|| called.clone()));
        for member in groups.iter_mut().flat_map(|group| &mut group.members) {
            if member == name {
                member.clone_from(&called);
            }
        }
    }
    called
}

/// What a copy of these components keeps: themselves, how they are drawn, the links between them. What they call beyond each
/// other is not in it.
pub fn copied(design: &Design, names: &[String]) -> Value {
    let own: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let pick = |key: &str| {
        let map = design.tree().get(key).and_then(Value::as_object);
        let entries = map.into_iter().flatten();
        let own = entries.filter(|(name, _)| own.contains(name.as_str()));
        own.map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Map<_, _>>()
    };
    let mut components = pick("components");
    for component in components.values_mut() {
        wiring::forget(component, &|name| !own.contains(name));
    }
    let links = design.tree().get("links").and_then(Value::as_array);
    let inside = |link: &&Value| {
        ["from", "to"].iter().all(|end| {
            let end = link.get(end).and_then(Value::as_str);
            end.is_some_and(|end| own.contains(end))
        })
    };
    let links: Vec<Value> = links
        .into_iter()
        .flatten()
        .filter(inside)
        .cloned()
        .collect();
    json!({ "components": components, "view": pick("view"), "links": links })
}

/// Brings a copy in under new names, a little beside where it was. The new names.
fn paste(tree: &mut Value, design: &Design, clip: &Value) -> Result<Vec<String>, String> {
    let nothing = || "There are no components in what was copied.".to_owned();
    let mut clip = clip.clone();
    let names = clip.get("components").and_then(Value::as_object);
    let names: Vec<String> = names.ok_or_else(nothing)?.keys().cloned().collect();
    if names.is_empty() {
        return Err(nothing());
    }
    let mut taken: BTreeSet<String> = names.iter().cloned().collect();
    taken.extend(design.scenario().components.keys().cloned());
    let mut new: Vec<String> = Vec::with_capacity(names.len());
    for name in &names {
        let called = match design.kind(name) {
            None => name.clone(),
            Some(_) => free(name, |other| !taken.contains(other)),
        };
        taken.insert(called.clone());
        new.push(called);
    }
    let called: BTreeMap<&str, &String> = names.iter().map(String::as_str).zip(&new).collect();
    // All at once, for one may get the name that another had.
    wiring::rename(&mut clip, &|name| {
        called.get(name).map(|name| (*name).clone())
    });
    for key in ["components", "view"] {
        let added = clip.get_mut(key).map(Value::take);
        if let Some(Value::Object(added)) = added {
            object(tree, key).extend(added);
        }
    }
    for (name, called) in names.iter().zip(&new) {
        let view = object(tree, "view")
            .entry(called)
            .or_insert_with(|| json!({}));
        if let Some(view) = view.as_object_mut() {
            let at = view.get("at").and_then(Value::as_array);
            let at = |i: usize| at.and_then(|at| at.get(i)?.as_f64()).unwrap_or_default();
            let beside = [(at(0) + 0.5).min(100.0), (at(1) + 0.5).min(100.0)];
            view.insert("at".to_owned(), json!(beside));
            if name != called
                && let Some(number) = called.rsplit_once('-').map(|(_, number)| number)
                && let Some(label) = view.get("label").and_then(Value::as_str)
            {
                let stem = label
                    .trim_end_matches(|c: char| c.is_ascii_digit())
                    .trim_end();
                let label: String = format!("{stem} {number}").chars().take(40).collect();
                view.insert("label".to_owned(), Value::from(label));
            }
        }
    }
    if let Some(Value::Array(links)) = clip.get_mut("links").map(Value::take)
        && !links.is_empty()
    {
        let all = tree.as_object_mut().and_then(|tree| {
            tree.entry("links")
                .or_insert_with(|| json!([]))
                .as_array_mut()
        });
        if let Some(all) = all {
            all.extend(links);
        }
    }
    Ok(new)
}
