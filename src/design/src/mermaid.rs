//! Flowcharts of Mermaid, out and in: the part of its language that draws boxes, arrows and subgraphs
//! (<https://mermaid.js.org/syntax/flowchart.html>). Styles, links and themes are passed over.

use scale_sim::{Kind, from_json_value};
use serde_json::{Value, json};

use crate::design::object;
use crate::wiring::{self, free};
use crate::{Design, Group, arrange, palette};

/// The longest text that is read, in bytes.
pub const LONGEST: usize = 200_000;
/// The most boxes that are read.
const MOST: usize = 200;

/// Draws a design as a flowchart.
pub fn write(design: &Design) -> String {
    let scenario = design.scenario();
    let mut lines = vec!["flowchart LR".to_owned()];
    let node = |name: &String| {
        let (open, close) = design.kind(name).map_or(("[", "]"), shape);
        format!(
            "{}{open}\"{}\"{close}",
            id(name),
            escaped(design.label(name))
        )
    };
    let mut grouped: Vec<&String> = Vec::new();
    for (at, group) in design.groups().iter().enumerate() {
        lines.push(format!("  subgraph g{at} [\"{}\"]", escaped(&group.name)));
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

/// A name that is no word of the language.
fn id(name: &str) -> String {
    format!("c_{}", name.replace('-', "_"))
}

fn escaped(label: &str) -> String {
    let mut text = String::new();
    for c in label.chars() {
        match c {
            '"' => text.push_str("#quot;"),
            '#' => text.push_str("#35;"),
            '<' => text.push_str("#lt;"),
            '>' => text.push_str("#gt;"),
            c if c.is_control() => text.push(' '),
            c => text.push(c),
        }
    }
    text
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

/// Makes a design of a flowchart: boxes become components by their shape and by the words in them, arrows connections where the lab
/// knows such; what it does not know is said.
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
    for (number, line) in text.lines().enumerate() {
        for line in line.split(';') {
            let line = line.trim();
            if line.is_empty() || line.starts_with("%%") || line.starts_with("```") || line == "---"
            {
                continue;
            }
            let word = line.split_whitespace().next().unwrap_or_default();
            match word {
                "flowchart" | "graph" if !begun => begun = true,
                _ if !begun => {
                    return Err(format!(
                        "Line {}: a diagram begins with 'flowchart LR' or 'graph TD'; other kinds of diagram are not read.",
                        number + 1
                    ));
                }
                "subgraph" => chart.open(line["subgraph".len()..].trim()),
                "end" => chart.close(),
                "style" | "classDef" | "class" | "click" | "linkStyle" | "direction" => {}
                _ => chart
                    .line(line)
                    .map_err(|why| format!("Line {}: {why}", number + 1))?,
            }
        }
    }
    if !begun || chart.nodes.is_empty() {
        return Err("There is no box in the diagram: it begins with 'flowchart LR', then a line such as 'users --> shop'.".to_owned());
    }
    chart.design()
}

/// How a box begins and ends, and what it stands for if that tells.
const SHAPES: [(&str, &str, Option<Kind>); 13] = [
    ("(((", ")))", None),
    ("([", "])", Some(Kind::Client)),
    ("((", "))", Some(Kind::EventStore)),
    ("[(", ")]", Some(Kind::Database)),
    ("[[", "]]", Some(Kind::Queue)),
    ("[/", "/]", Some(Kind::Shards)),
    ("[\\", "\\]", Some(Kind::View)),
    ("{{", "}}", Some(Kind::Gateway)),
    ("[", "]", None),
    ("(", ")", Some(Kind::Cache)),
    ("{", "}", Some(Kind::Balancer)),
    (">", "]", Some(Kind::Topic)),
    ("@{", "}", None),
];

#[derive(Default)]
struct Chart {
    /// Id, text, kind if the shape tells.
    nodes: Vec<(String, Option<String>, Option<Kind>)>,
    edges: Vec<(usize, usize)>,
    groups: Vec<(String, Vec<usize>)>,
    open: Vec<usize>,
}

impl Chart {
    fn open(&mut self, rest: &str) {
        let title = match rest.find('[') {
            Some(at) => rest[at + 1..].trim_end_matches(']'),
            None => rest,
        };
        self.open.push(self.groups.len());
        self.groups.push((unquoted(title), Vec::new()));
    }

    fn close(&mut self) {
        self.open.pop();
    }

    /// A chain of boxes and arrows: `a & b --> c[Shop] -- words --> d`.
    fn line(&mut self, line: &str) -> Result<(), String> {
        let mut rest = line;
        let mut before: Vec<usize> = Vec::new();
        loop {
            let mut now = Vec::new();
            loop {
                let (node, after) = self.node(rest)?;
                now.push(node);
                rest = after.trim_start();
                match rest.strip_prefix('&') {
                    Some(more) => rest = more.trim_start(),
                    None => break,
                }
            }
            for a in &before {
                for b in &now {
                    self.edges.push((*a, *b));
                    if self.edges.len() > 2_000 {
                        return Err("there are more than 2000 arrows".to_owned());
                    }
                }
            }
            if rest.is_empty() {
                return Ok(());
            }
            rest = arrow(rest).ok_or_else(|| {
                let seen: String = rest.chars().take(20).collect();
                format!("an arrow such as --> is expected where it says '{seen}'")
            })?;
            before = now;
        }
    }

    /// A box: its id, and perhaps its shape with its text.
    fn node<'a>(&mut self, text: &'a str) -> Result<(usize, &'a str), String> {
        let end = text
            .char_indices()
            .find(|(at, c)| {
                let ends = |c: char| !(c.is_alphanumeric() || c == '_' || c == '.' || c == '-');
                // A dash before another or before a dot begins an arrow.
                ends(*c) || text[*at..].starts_with("--") || text[*at..].starts_with("-.")
            })
            .map_or(text.len(), |(at, _)| at);
        let (id, mut rest) = text.split_at(end);
        if id.is_empty() {
            let seen: String = text.chars().take(20).collect();
            return Err(format!(
                "the name of a box is expected where it says '{seen}'"
            ));
        }
        let mut label = None;
        let mut kind = None;
        for (open, close, of) in SHAPES {
            let Some(inside) = rest.strip_prefix(open) else {
                continue;
            };
            let inner = inside.trim_start();
            let (words, after) = match inner.strip_prefix('"') {
                Some(quoted) => {
                    let (words, after) = { quoted.split_once('"') }
                        .ok_or_else(|| format!("the text of '{id}' has no second '\"'"))?;
                    let after = after.trim_start().strip_prefix(close);
                    (
                        words,
                        after.ok_or_else(|| {
                            format!("'{close}' is missing behind the text of '{id}'")
                        })?,
                    )
                }
                None => inside
                    .split_once(close)
                    .ok_or_else(|| format!("'{close}' is missing behind the text of '{id}'"))?,
            };
            label = Some(unquoted(words));
            kind = of;
            rest = after;
            break;
        }
        // A class stands behind it: `a:::red`.
        if let Some(class) = rest.strip_prefix(":::") {
            rest = class.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_' || c == '-');
        }
        let known = self.nodes.iter().position(|(other, ..)| other == id);
        let at = known.unwrap_or(self.nodes.len());
        if known.is_none() {
            if at == MOST {
                return Err(format!("there are more than {MOST} boxes"));
            }
            self.nodes.push((id.to_owned(), None, None));
        }
        if label.is_some() {
            self.nodes[at].1 = label;
            self.nodes[at].2 = kind;
        }
        if let Some(group) = self.open.last() {
            let members = &mut self.groups[*group].1;
            if !members.contains(&at) {
                members.push(at);
            }
        }
        Ok((at, rest))
    }

    fn design(self) -> Result<Read, String> {
        let mut tree = (**Design::empty().tree()).clone();
        let mut left_out = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for (id, label, shape) in &self.nodes {
            let label = label.as_ref().unwrap_or(id);
            let kind = guess(label, *shape);
            let stem: String = label.to_lowercase();
            let stem: String = { stem.chars() }
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
                .collect();
            let stem = stem.trim_matches(|c: char| !c.is_ascii_lowercase());
            let stem: String = stem.chars().take(34).collect();
            let stem = stem.trim_end_matches('-');
            let stem = if stem.is_empty() {
                palette::stem(kind)
            } else {
                stem
            };
            let name = free(stem, |name| !names.iter().any(|other| other == name));
            let shown: String = label.chars().take(40).collect();
            object(&mut tree, "components").insert(name.clone(), palette::component(kind));
            object(&mut tree, "view").insert(name.clone(), json!({ "label": shown }));
            names.push(name);
        }
        for (from, to) in &self.edges {
            let scenario = from_json_value(&tree).map_err(|problem| problem.to_string())?;
            let (from, to) = (&names[*from], &names[*to]);
            let mut connected: Value = tree.clone();
            match wiring::connect(&mut connected, &scenario, from, to) {
                Ok(None) => tree = connected,
                Ok(Some(other)) => left_out.push(format!(
                    "{from} → {to}: {from} sends to {other} already, and to one place only."
                )),
                Err(why) => left_out.push(format!("{from} → {to}: {why}")),
            }
        }
        let scenario = from_json_value(&tree).map_err(|problem| problem.to_string())?;
        arrange::arrange(&mut tree, &scenario);
        let groups = self.groups.into_iter().map(|(name, members)| Group {
            name,
            members: members.into_iter().map(|at| names[at].clone()).collect(),
        });
        let design = Design::new(tree, groups.collect()).map_err(|problem| problem.to_string())?;
        Ok(Read { design, left_out })
    }
}

/// What stands behind an arrow, its words passed over: `-->`, `---`, `-.->`, `==>`, `-- words -->`, `-->|words|`.
fn arrow(text: &str) -> Option<&str> {
    let body = |c: char| matches!(c, '-' | '=' | '.' | '>' | '<' | '~');
    let end = text.find(|c: char| !body(c)).unwrap_or(text.len());
    let (first, mut rest) = text.split_at(end);
    if first.chars().filter(|c| *c != '<').count() < 2 {
        return None;
    }
    if !first.ends_with('>') && first.chars().count() == 2 {
        // Words stand within it.
        let at = ["-->", "==>", ".->", "---"]
            .iter()
            .filter_map(|end| rest.find(end).map(|at| at + end.len()));
        rest = &rest[at.min()?..];
    } else if let Some(letter) = rest
        .strip_prefix(['x', 'o'])
        .filter(|after| after.starts_with(' ') && !first.ends_with('>'))
    {
        rest = letter;
    }
    rest = rest.trim_start();
    if let Some(words) = rest.strip_prefix('|') {
        rest = words.split_once('|')?.1.trim_start();
    }
    Some(rest)
}

fn unquoted(text: &str) -> String {
    let text = text.trim().trim_matches('"');
    let text = text
        .replace("<br/>", " ")
        .replace("<br>", " ")
        .replace("#quot;", "\"")
        .replace("#lt;", "<")
        .replace("#gt;", ">")
        .replace("#35;", "#");
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// What a box stands for: by the words in it, else by its shape.
fn guess(label: &str, shape: Option<Kind>) -> Kind {
    const WORDS: [(&[&str], Kind); 10] = [
        (&["event store", "eventstore"], Kind::EventStore),
        (&["balancer", "nginx", "haproxy"], Kind::Balancer),
        (&["gateway", "rate limit"], Kind::Gateway),
        (&["shard"], Kind::Shards),
        (&["cache", "redis", "memcached", "cdn"], Kind::Cache),
        (&["topic", "kafka", "stream", "event bus"], Kind::Topic),
        (&["queue", "rabbit", "sqs", "broker"], Kind::Queue),
        (&["read model", "materialized", "materialised"], Kind::View),
        (
            &[
                "database", "postgres", "mysql", "mongo", "dynamo", "storage", " db",
            ],
            Kind::Database,
        ),
        (
            &["user", "client", "browser", "customer", "shopper", "mobile"],
            Kind::Client,
        ),
    ];
    let words = format!(" {}", label.to_lowercase());
    let named = WORDS
        .iter()
        .find(|(names, _)| names.iter().any(|name| words.contains(name)));
    match (named, shape) {
        (Some((_, kind)), _) => *kind,
        (None, Some(kind)) => kind,
        (None, None) => Kind::Service,
    }
}
