//! A chart as it is read: boxes, arrows, groups.

use scale_sim::Kind;

use super::{arrow, guess, label};

/// The most boxes that are read.
const MOST: usize = 200;
/// The most arrows.
const MOST_ARROWS: usize = 2_000;

/// How a box begins and ends, and what it stands for if that tells.
const SHAPES: [(&str, &str, Option<Kind>); 16] = [
    ("(((", ")))", None),
    ("([", "])", Some(Kind::Client)),
    ("((", "))", None),
    ("(-", "-)", None),
    ("[(", ")]", Some(Kind::Database)),
    ("[[", "]]", Some(Kind::Queue)),
    ("[/", "/]", None),
    ("[\\", "\\]", None),
    ("[/", "\\]", None),
    ("[\\", "/]", None),
    ("{{", "}}", Some(Kind::Gateway)),
    ("@{", "}", None),
    ("[", "]", None),
    ("(", ")", None),
    ("{", "}", Some(Kind::Balancer)),
    (">", "]", None),
];

/// A box.
pub(super) struct Node {
    id: String,
    words: Option<String>,
    shape: Option<Kind>,
    class: Option<String>,
}

impl Node {
    /// What it says.
    pub fn label(&self) -> String {
        self.words.clone().unwrap_or_else(|| self.id.clone())
    }

    /// What it stands for.
    pub fn kind(&self) -> Kind {
        guess::kind(self.class.as_deref(), &self.label(), self.shape)
    }
}

/// What has been read of a chart.
#[derive(Default)]
pub(super) struct Chart {
    /// The boxes, in the order in which they are named.
    pub nodes: Vec<Node>,
    /// The arrows between boxes, each once.
    pub edges: Vec<(usize, usize)>,
    /// Groups with their boxes.
    pub groups: Vec<(String, Vec<usize>)>,
    /// Arrows from or to groups, by what is written.
    pub of_groups: Vec<(String, String)>,
    /// The ids of the groups.
    group_ids: Vec<String>,
    /// Groups that are not at their end yet.
    open: Vec<usize>,
    /// Ids of arrows: what is said of them is no box.
    arrows: Vec<String>,
}

impl Chart {
    /// Whether there is no box.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// A group begins: `id [title]`, `id`, or `"title"`.
    pub fn open(&mut self, rest: &str) {
        let (id, title) = match rest.split_once('[') {
            Some((id, title)) => (id.trim(), title.trim_end().trim_end_matches(']')),
            None => (rest, rest),
        };
        self.open.push(self.groups.len());
        self.groups.push((label::plain(title), Vec::new()));
        self.group_ids.push(label::plain(id));
    }

    /// A group ends.
    pub fn close(&mut self) {
        self.open.pop();
    }

    /// A chain of boxes and arrows: `a & b --> c[Shop] -- words --> d`.
    pub fn statement(&mut self, text: &str) -> Result<(), String> {
        let about_arrow = text.split_once("@{").map(|(id, _)| id.trim());
        if about_arrow.is_some_and(|id| self.arrows.iter().any(|arrow| arrow == id)) {
            return Ok(());
        }
        let mut rest = text;
        let mut before: Vec<usize> = Vec::new();
        let mut is_drawn = true;
        loop {
            let mut now = Vec::new();
            loop {
                let (node, after) = self.node(rest)?;
                if !now.contains(&node) {
                    now.push(node);
                }
                rest = after.trim_start();
                match rest.strip_prefix('&') {
                    Some(more) => rest = more.trim_start(),
                    None => break,
                }
            }
            if is_drawn {
                self.connect(&before, &now)?;
            }
            if rest.is_empty() {
                return Ok(());
            }
            let arrow = arrow::read(rest).ok_or_else(|| {
                let seen = seen(rest);
                format!("an arrow such as --> is expected where it says '{seen}'")
            })?;
            if let Some(id) = arrow.id
                && self.arrows.len() < MOST_ARROWS
            {
                self.arrows.push(id.to_owned());
            }
            is_drawn = arrow.is_drawn;
            rest = arrow.rest;
            before = now;
        }
    }

    fn connect(&mut self, before: &[usize], now: &[usize]) -> Result<(), String> {
        for a in before {
            for b in now {
                if self.edges.contains(&(*a, *b)) {
                    continue;
                }
                if self.edges.len() == MOST_ARROWS {
                    return Err(format!("there are more than {MOST_ARROWS} arrows"));
                }
                self.edges.push((*a, *b));
            }
        }
        Ok(())
    }

    /// A box: its id, and perhaps its shape with its text.
    fn node<'a>(&mut self, text: &'a str) -> Result<(usize, &'a str), String> {
        let (id, mut rest) = text.split_at(id_end(text));
        if id.is_empty() {
            let seen = seen(text);
            return Err(format!(
                "the name of a box is expected where it says '{seen}'"
            ));
        }
        let at = match self.nodes.iter().position(|node| node.id == id) {
            Some(at) => at,
            None if self.nodes.len() == MOST => {
                return Err(format!("there are more than {MOST} boxes"));
            }
            None => {
                self.nodes.push(Node {
                    id: id.to_owned(),
                    words: None,
                    shape: None,
                    class: None,
                });
                self.nodes.len() - 1
            }
        };
        // `a:::red`, `a[Shop]:::red`, `a@{ shape: cyl }` and several of them.
        loop {
            if let Some(class) = rest.strip_prefix(":::") {
                let other = |c: char| !(c.is_alphanumeric() || c == '_' || c == '-');
                let end = class.find(other).unwrap_or(class.len());
                // `a:::red-->b` has no dash at the end of its class.
                let end = class[..end].find("--").unwrap_or(end);
                self.nodes[at].class = Some(class[..end].to_owned());
                rest = &class[end..];
            } else if let Some(after) = self.shape(at, rest)? {
                rest = after;
            } else {
                break;
            }
        }
        if let Some(group) = self.open.last() {
            let members = &mut self.groups[*group].1;
            if !members.contains(&at) {
                members.push(at);
            }
        }
        Ok((at, rest))
    }

    /// The shape at the beginning of a text, with its words; what is behind it. Nothing if there is none.
    fn shape<'a>(&mut self, at: usize, text: &'a str) -> Result<Option<&'a str>, String> {
        let mut missing = None;
        for (open, close, kind) in SHAPES {
            let Some(inside) = text.strip_prefix(open) else {
                continue;
            };
            let Some((words, after)) = within(inside, close) else {
                missing.get_or_insert(close);
                continue;
            };
            let node = &mut self.nodes[at];
            if open == "@{" {
                let (words, shape) = said(words);
                node.words = words.or(node.words.take());
                node.shape = shape.or(node.shape);
            } else {
                node.words = Some(label::plain(words)).filter(|words| !words.is_empty());
                node.shape = kind;
            }
            return Ok(Some(after));
        }
        match missing {
            Some(close) => {
                let id = &self.nodes[at].id;
                Err(format!("'{close}' is missing behind the text of '{id}'"))
            }
            None => Ok(None),
        }
    }

    /// Takes out the boxes that are groups: their arrows are told apart.
    pub fn without_groups(mut self) -> Self {
        let is_group = |node: &Node| {
            node.words.is_none() && node.shape.is_none() && self.group_ids.contains(&node.id)
        };
        let groups: Vec<bool> = self.nodes.iter().map(is_group).collect();
        if !groups.contains(&true) {
            return self;
        }
        let (nodes, edges) = (&self.nodes, &mut self.edges);
        let of_groups = &mut self.of_groups;
        edges.retain(|(a, b)| {
            let stays = !groups[*a] && !groups[*b];
            if !stays {
                of_groups.push((nodes[*a].label(), nodes[*b].label()));
            }
            stays
        });
        let mut left = 0;
        let places: Vec<usize> = { groups.iter() }
            .map(|is_group| {
                left += usize::from(!is_group);
                left - usize::from(!is_group)
            })
            .collect();
        for (a, b) in edges {
            (*a, *b) = (places[*a], places[*b]);
        }
        for (_, members) in &mut self.groups {
            members.retain(|at| !groups[*at]);
            for at in members {
                *at = places[*at];
            }
        }
        let mut is_group = groups.iter();
        self.nodes
            .retain(|_| !is_group.next().is_some_and(|is| *is));
        self
    }
}

/// The beginning of a text, to say where something is.
fn seen(text: &str) -> String {
    let beginning: String = text.chars().take(20).collect();
    let words: Vec<&str> = beginning.split_whitespace().collect();
    words.join(" ")
}

/// Where the id of a box ends.
fn id_end(text: &str) -> usize {
    let ends = |at: usize, c: char| {
        let after = &text[at + c.len_utf8()..];
        match c {
            // A dash before another, a dot or a head begins an arrow.
            '-' => after.starts_with(['-', '.', '>']),
            '=' => after.starts_with('='),
            ':' => after.starts_with("::"),
            '[' | ']' | '(' | ')' | '{' | '}' | '<' | '>' | '|' | '&' | '@' | '"' | '~' => true,
            c => c.is_whitespace(),
        }
    };
    { text.char_indices() }
        .find(|(at, c)| ends(*at, *c))
        .map_or(text.len(), |(at, _)| at)
}

/// The words up to where a shape ends, quotes passed over; and what is behind it.
fn within<'a>(text: &'a str, close: &str) -> Option<(&'a str, &'a str)> {
    let mut in_quotes = false;
    let end = text.char_indices().find(|(at, c)| {
        in_quotes ^= *c == '"';
        !in_quotes && text[*at..].starts_with(close)
    });
    let (end, _) = end?;
    Some((&text[..end], &text[end + close.len()..]))
}

/// The label and the shape of `shape: cyl, label: "DB"`.
fn said(text: &str) -> (Option<String>, Option<Kind>) {
    let mut in_quotes = false;
    let parts = text.split(|c| {
        in_quotes ^= c == '"';
        (c == ',' || c == '\n') && !in_quotes
    });
    let (mut words, mut kind) = (None, None);
    for part in parts {
        let Some((key, value)) = part.split_once(':') else {
            continue;
        };
        match key.trim() {
            "label" => words = Some(label::plain(value)).filter(|words| !words.is_empty()),
            "shape" => kind = guess::shape(value.trim().trim_matches(['"', '\''])),
            _ => {}
        }
    }
    (words, kind)
}
