//! Designs as files: JSON with a version, which people can read and keep under version control.

use scale_capacity::Slos;
use scale_sim::{Problem, limits, parse_json, write_json};
use serde_json::{Map, Value, json};

use crate::{Design, Group, USUAL};

/// The version of the format that this build writes, and the newest that it reads.
pub const VERSION: u64 = 1;

/// Writes a design.
pub fn write(design: &Design) -> String {
    write_json(&tree(design))
}

/// A design as JSON.
pub fn tree(design: &Design) -> Value {
    let mut file = Map::new();
    file.insert("design".to_owned(), Value::from(VERSION));
    file.insert("scenario".to_owned(), (**design.tree()).clone());
    if !design.groups().is_empty() {
        file.insert("groups".to_owned(), json!(**design.groups()));
    }
    if *design.slos() != USUAL {
        file.insert("slos".to_owned(), json!(design.slos()));
    }
    if let Some(challenge) = design.challenge() {
        file.insert("challenge".to_owned(), Value::from(challenge));
    }
    Value::Object(file)
}

/// Reads a design: a file of [`write`], a plain scenario, or a report of a sweep, of which the design is taken.
///
/// # Errors
///
/// What is wrong, in one sentence with its place.
pub fn read(text: &str) -> Result<Design, String> {
    if text.len() > limits::FILE_BYTES {
        return Err(format!(
            "The file has {} bytes: at most {} are read.",
            text.len(),
            limits::FILE_BYTES
        ));
    }
    let tree =
        parse_json(text).map_err(|problem| one_line(&format!("This is no design: {problem}")))?;
    from_tree(tree)
}

/// Reads a design from JSON; as [`read`].
///
/// # Errors
///
/// What is wrong, in one sentence with its place.
pub fn from_tree(mut tree: Value) -> Result<Design, String> {
    let no = |what: &str| Err(format!("This is no design: {what}"));
    let Some(map) = tree.as_object_mut() else {
        return no("a design is a JSON object with a 'scenario'");
    };
    let (mut slos, mut challenge) = (None, None);
    let (scenario, groups) = match (map.get("design"), map.contains_key("components")) {
        (Some(Value::Object(_)), _) => {
            slos = map.get_mut("goal").map(Value::take);
            (map["design"].take(), None)
        }
        (Some(version), _) if *version == VERSION => {
            if let Some(other) = { map.keys() }.find(|key| {
                !["design", "scenario", "groups", "slos", "challenge"].contains(&key.as_str())
            }) {
                return Err(one_line(&format!(
                    "{other}: this is not known; a design has 'scenario', 'groups', 'slos' and 'challenge'"
                )));
            }
            let groups = map.get_mut("groups").map(Value::take);
            slos = map.get_mut("slos").map(Value::take);
            challenge = map.get_mut("challenge").map(Value::take);
            let Some(scenario) = map.get_mut("scenario").map(Value::take) else {
                return no("there is no 'scenario' in it");
            };
            (scenario, groups)
        }
        (Some(Value::Number(version)), _) => {
            return Err(format!(
                "This is a design of version {version}, and this page reads version {VERSION}: load the page again to get a newer one."
            ));
        }
        (Some(_), _) => return no("'design' is its version, a number"),
        (None, true) => (tree, None),
        (None, false) => return no("neither 'design' nor 'components' is in it"),
    };
    let groups: Vec<Group> = match groups {
        Some(groups) => scale_sim::from_json_value(&groups).map_err(|p| inside("groups", &p))?,
        None => Vec::new(),
    };
    let slos: Slos = match slos {
        Some(slos) => scale_sim::from_json_value(&slos).map_err(|p| inside("slos", &p))?,
        None => USUAL,
    };
    if let Some(problem) = slos.problems().first() {
        return Err(inside("slos", problem));
    }
    let design = Design::new(scenario, groups).map_err(|problem| inside("scenario", &problem))?;
    let design = design.promising(slos);
    Ok(design.of_challenge(challenge.as_ref().and_then(Value::as_str)))
}

/// The most characters of a message that holds something of a file.
const LONGEST: usize = 600;

/// A message in one line and not too long, whatever of a file it holds.
pub(crate) fn one_line(message: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    let mut line: String = message.chars().take(LONGEST).map(shown).collect();
    if message.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line
}

fn inside(part: &str, problem: &Problem) -> String {
    let dot = match problem.path.chars().next() {
        None | Some('[') => "",
        Some(_) => ".",
    };
    one_line(&format!("{part}{dot}{}: {}", problem.path, problem.message))
}
