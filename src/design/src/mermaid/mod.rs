//! Flowcharts of Mermaid, out and in: the part of its language that draws boxes, arrows and subgraphs
//! (<https://mermaid.js.org/syntax/flowchart.html>). Styles, links and themes are passed over.

mod arrow;
mod chart;
mod guess;
mod label;
mod statements;

use scale_sim::{Kind, Scenario, from_json_value};
use serde_json::{Value, json};

use crate::design::object;
use crate::wiring::{self, Wiring, free};
use crate::{Design, Group, arrange, palette};
use chart::Chart;

/// The longest text that is read, in bytes.
pub const LONGEST: usize = 200_000;

/// Draws a design as a flowchart. Each box says its kind as its class, so that [`read`] knows it again.
pub fn write(design: &Design) -> String {
    let scenario = design.scenario();
    let mut lines = vec!["flowchart LR".to_owned()];
    let id = |name: &str| {
        let number = scenario.components.get_index_of(name).unwrap_or_default();
        id(name, number)
    };
    let node = |name: &String| {
        let (open, close) = design.kind(name).map_or(("[", "]"), shape);
        let class = design.kind(name).map_or("other", Kind::name);
        let label = match design.label(name).trim() {
            "" => name,
            label => label,
        };
        let label = label::escaped(label);
        format!("{}{open}\"{label}\"{close}:::{class}", id(name))
    };
    let mut grouped: Vec<&String> = Vec::new();
    for (at, group) in design.groups().iter().enumerate() {
        let name = match group.name.trim() {
            "" => "Group",
            name => name,
        };
        lines.push(format!("  subgraph g{at} [\"{}\"]", label::escaped(name)));
        for name in &group.members {
            lines.push(format!("    {}", node(name)));
            grouped.push(name);
        }
        lines.push("  end".to_owned());
    }
    for name in scenario
        .components
        .keys()
        .filter(|name| !grouped.contains(name))
    {
        lines.push(format!("  {}", node(name)));
    }
    for (from, to) in wiring::connections(scenario) {
        // What follows a store reads its changes: the arrow shows where they go.
        lines.push(if design.kind(from) == Some(Kind::View) {
            format!("  {} -.-> {}", id(to), id(from))
        } else {
            format!("  {} --> {}", id(from), id(to))
        });
    }
    lines.push(String::new());
    lines.join("\n")
}

/// A name that is no word of the language: that of the component, or its number if the name is not one that a component may have.
fn id(name: &str, number: usize) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.chars().all(plain) {
        format!("c_{}", name.replace('-', "_"))
    } else {
        format!("n{number}")
    }
}

const fn shape(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Client => ("([", "])"),
        Kind::Balancer => ("{", "}"),
        Kind::Gateway => ("{{", "}}"),
        Kind::Service => ("[", "]"),
        Kind::Cache => ("(", ")"),
        Kind::Database => ("[(", ")]"),
        Kind::Shards => ("[/", "/]"),
        Kind::Queue => ("[[", "]]"),
        Kind::Topic => (">", "]"),
        Kind::EventStore => ("((", "))"),
        Kind::View => ("[\\", "\\]"),
    }
}

/// What was read, with what was left out of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Read {
    /// The design.
    pub design: Design,
    /// What was passed over and why, a sentence each.
    pub left_out: Vec<String>,
}

/// Makes a design of a flowchart: boxes become components by their class, the words in them or their shape, arrows connections where
/// the lab knows such; what it does not know is said.
///
/// # Errors
///
/// A text that is no flowchart or too large, in one sentence with the line.
pub fn read(text: &str) -> Result<Read, String> {
    if text.len() > LONGEST {
        return Err(format!(
            "The diagram has {} bytes: at most {LONGEST} are read.",
            text.len()
        ));
    }
    let mut chart = Chart::default();
    let mut begun = false;
    for statement in statements::of(text) {
        let line = statement.line;
        let text = statement.text.as_str();
        let word = text.split_whitespace().next().unwrap_or_default();
        let rest = text[word.len()..].trim();
        match word {
            "flowchart" | "graph" | "flowchart-elk" if !begun => begun = true,
            _ if !begun => {
                return Err(format!(
                    "Line {line}: a diagram begins with 'flowchart LR' or 'graph TD'; other kinds of diagram are not read."
                ));
            }
            "subgraph" => chart.open(rest),
            "end" => chart.close(),
            "style" | "classDef" | "class" | "click" | "linkStyle" | "direction" => {}
            _ if word.starts_with("accTitle") || word.starts_with("accDescr") => {}
            _ => { chart.statement(text) }.map_err(|why| format!("Line {line}: {why}"))?,
        }
    }
    let chart = chart.without_groups();
    if !begun || chart.is_empty() {
        return Err("There is no box in the diagram: it begins with 'flowchart LR', then a line such as 'users --> shop'.".to_owned());
    }
    design(chart)
}

fn design(chart: Chart) -> Result<Read, String> {
    let said = |problem: scale_sim::Problem| problem.to_string();
    let mut tree: Value = (**Design::empty().tree()).clone();
    let mut left_out = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for node in &chart.nodes {
        let (label, kind) = (node.label(), node.kind());
        let stem = stem(&label).unwrap_or_else(|| palette::stem(kind).to_owned());
        let name = free(&stem, |name| !names.iter().any(|other| other == name));
        let shown: String = label.chars().take(40).collect();
        object(&mut tree, "components").insert(name.clone(), palette::component(kind));
        object(&mut tree, "view").insert(name.clone(), json!({ "label": shown }));
        names.push(name);
    }
    let mut scenario: Scenario = from_json_value(&tree).map_err(said)?;
    let mut calls = Wiring::new(&scenario);
    for (from, to) in &chart.edges {
        let (from, to) = (&names[*from], &names[*to]);
        let mut leave = |why: &str| left_out.push(format!("{from} → {to}: {why}"));
        if let Some(why) = calls.refusal(&scenario, from, to) {
            leave(&why);
        } else if let Some(other) = wiring::replaces(&scenario, from, to) {
            leave(&format!(
                "{from} sends to {other} already, and to one place only."
            ));
        } else {
            let connected = wiring::wire(&mut tree, &scenario, from, to);
            calls.add(from, to);
            for name in connected.changed {
                let place = scenario.components.get_mut(&name);
                if let (Some(place), Some(after)) = (place, tree["components"].get(&name)) {
                    *place = from_json_value(after).map_err(said)?;
                }
            }
        }
    }
    for (from, to) in &chart.of_groups {
        left_out.push(format!(
            "{from} → {to}: an arrow of a whole group; connect its components."
        ));
    }
    arrange::arrange(&mut tree, &scenario);
    let groups = chart.groups.into_iter().map(|(name, members)| Group {
        name,
        members: members.into_iter().map(|at| names[at].clone()).collect(),
    });
    let design = Design::new(tree, groups.collect()).map_err(said)?;
    Ok(Read { design, left_out })
}

/// A component's name, made of the words in its box.
fn stem(label: &str) -> Option<String> {
    let mut stem = String::new();
    for c in label.chars() {
        if c.is_ascii_alphanumeric() {
            stem.push(c.to_ascii_lowercase());
        } else if !stem.is_empty() && !stem.ends_with('-') {
            stem.push('-');
        }
    }
    let stem = stem.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let stem: String = stem.chars().take(34).collect();
    let stem = stem.trim_end_matches('-');
    (!stem.is_empty()).then(|| stem.to_owned())
}
