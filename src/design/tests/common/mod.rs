//! What several tests of designs need.

#![allow(dead_code, reason = "each test uses some of it")]

use std::fs;
use std::path::{Path, PathBuf};

use scale_design::{Design, Edit};
use scale_sim::{Kind, parse_json};
use serde_json::Value;

/// The design after an edit that must be possible.
pub fn edited(design: &Design, edit: &Edit) -> Design {
    match edit.apply(design) {
        Ok(edited) => edited.design,
        Err(why) => panic!("{edit:?}: {why}"),
    }
}

/// Places a component, called by another if one is given. The design, and its name.
pub fn placed(design: &Design, kind: Kind, after: Option<&str>) -> (Design, String) {
    let after = after.map(str::to_owned);
    let edit = Edit::Place {
        kind,
        at: None,
        after,
    };
    let edited = edit.apply(design).expect("anything can be placed");
    let name = edited.select.expect("it is selected").remove(0);
    (edited.design, name)
}

pub fn connect(from: &str, to: &str) -> Edit {
    let (from, to) = (from.to_owned(), to.to_owned());
    Edit::Connect { from, to }
}

pub fn disconnect(from: &str, to: &str) -> Edit {
    let (from, to) = (from.to_owned(), to.to_owned());
    Edit::Disconnect { from, to }
}

pub fn delete(name: &str) -> Edit {
    let names = vec![name.to_owned()];
    Edit::Delete { names }
}

pub fn rename(name: &str, label: &str) -> Edit {
    let (name, label) = (name.to_owned(), label.to_owned());
    Edit::Rename { name, label }
}

/// Where a tree has this word, as a text or as a name: JSON Pointers.
pub fn mentions(tree: &Value, word: &str) -> Vec<String> {
    fn walk(value: &Value, word: &str, at: &str, found: &mut Vec<String>) {
        match value {
            Value::String(text) if text == word => found.push(at.to_owned()),
            Value::Array(list) => {
                for (i, one) in list.iter().enumerate() {
                    walk(one, word, &format!("{at}/{i}"), found);
                }
            }
            Value::Object(map) => {
                for (name, one) in map {
                    let at = format!("{at}/{name}");
                    if name == word {
                        found.push(at.clone());
                    }
                    walk(one, word, &at, found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(tree, word, "", &mut found);
    found
}

/// Everything that is wrong with a design, as text.
pub fn problems(design: &Design) -> Vec<String> {
    design.problems().iter().map(ToString::to_string).collect()
}

/// All scenarios of the repository: of the tests, of lessons, of challenges.
pub fn scenarios() -> Vec<(String, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in ["tests/scenarios", "lessons"] {
        find(&root.join(folder), &mut files);
    }
    files.sort();
    let read = files.into_iter().filter_map(|file| {
        let text = fs::read_to_string(&file).expect("it is there");
        let tree = parse_json(&text).expect("JSON");
        let is_scenario = tree.get("components").is_some();
        is_scenario.then(|| (file.display().to_string(), tree))
    });
    let all: Vec<(String, Value)> = read.collect();
    assert!(all.len() > 150, "only {} scenarios", all.len());
    all
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|ext| ext == "json") {
            files.push(path);
        }
    }
}
