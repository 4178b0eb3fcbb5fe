//! Prose as a typed tree. Nothing of it can be anything but text, emphasis, code, links and references to components.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::source::Fault;

/// A piece of running text.
pub type Prose = Vec<Block>;

/// A block of prose.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Block {
    /// A paragraph.
    Paragraph(Vec<Inline>),
    /// A list, numbered or not.
    List {
        /// Whether it is numbered.
        numbered: bool,
        /// Its items.
        items: Vec<Vec<Inline>>,
    },
    /// A remark set apart.
    Aside(Vec<Inline>),
    /// Code, with the language it is written in.
    Code {
        /// The language; may be empty.
        language: String,
        /// The text.
        text: String,
    },
}

/// A piece of a paragraph.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Inline {
    /// Words.
    Text(String),
    /// A term, where it is first used.
    Strong(Vec<Inline>),
    /// Stress.
    Emphasis(Vec<Inline>),
    /// Code.
    Code(String),
    /// A link, to a page of the lab (`#/…`) or to the outside (`https://…`).
    Link {
        /// Where to.
        to: String,
        /// Its words.
        text: Vec<Inline>,
    },
    /// A component of the scene: it has the component's colour and sign.
    Component {
        /// The component's name in the scenario.
        name: String,
        /// The words.
        text: Vec<Inline>,
    },
}

/// A part of a lesson file: what stands between two headings.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Section {
    pub title: String,
    pub line: usize,
    pub level: u8,
    pub prose: Prose,
    /// Fenced blocks of data: their name, their text, and the line of their first line.
    pub data: Vec<(String, String, usize)>,
}

/// Names of fenced blocks that are data, not prose.
const DATA: [&str; 2] = ["step", "proof"];

/// Reads a Markdown file as sections. The first has no title if the file begins without one.
pub(crate) fn sections(file: &str, text: &str) -> (Vec<Section>, Vec<Fault>) {
    let mut reader = Reader {
        file,
        text,
        faults: Vec::new(),
        sections: vec![Section {
            line: 1,
            ..Section::default()
        }],
    };
    let parser = Parser::new_ext(text, Options::empty());
    let mut inline: Vec<Open> = Vec::new();
    let mut list: Option<(bool, Vec<Vec<Inline>>)> = None;
    let mut quote: Option<Vec<Inline>> = None;
    let mut code: Option<(String, String, usize)> = None;
    for (event, range) in parser.into_offset_iter() {
        let line = reader.line(range.start);
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                reader.sections.push(Section {
                    line,
                    level: level as u8,
                    ..Section::default()
                });
                inline.push(Open::new(None));
            }
            Event::End(TagEnd::Heading(_)) => {
                let title = plain(&inline.pop().map(|open| open.content).unwrap_or_default());
                reader.last().title = title;
            }
            Event::Start(Tag::Paragraph) => {
                if list.is_none() {
                    inline.push(Open::new(None));
                }
            }
            Event::End(TagEnd::Paragraph) => {
                if list.is_none() {
                    let content = inline.pop().map(|open| open.content).unwrap_or_default();
                    match &mut quote {
                        Some(quote) => quote.extend(content),
                        None => reader.last().prose.push(Block::Paragraph(content)),
                    }
                }
            }
            Event::Start(Tag::List(start)) => {
                if list.is_some() {
                    reader.fault(line, "a list inside a list: write one level of items");
                }
                list = Some((start.is_some(), Vec::new()));
            }
            Event::End(TagEnd::List(_)) => {
                if let Some((numbered, items)) = list.take() {
                    reader.last().prose.push(Block::List { numbered, items });
                }
            }
            Event::Start(Tag::Item) => inline.push(Open::new(None)),
            Event::End(TagEnd::Item) => {
                let content = inline.pop().map(|open| open.content).unwrap_or_default();
                if let Some((_, items)) = &mut list {
                    items.push(content);
                }
            }
            Event::Start(Tag::BlockQuote(_)) => quote = Some(Vec::new()),
            Event::End(TagEnd::BlockQuote(_)) => {
                if let Some(content) = quote.take() {
                    reader.last().prose.push(Block::Aside(content));
                }
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => info.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                code = Some((language, String::new(), line + 1));
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some((language, text, line)) = code.take() {
                    if DATA.contains(&language.as_str()) {
                        reader.last().data.push((language, text, line));
                    } else {
                        reader.last().prose.push(Block::Code { language, text });
                    }
                }
            }
            Event::Start(Tag::Strong) => inline.push(Open::new(Some(Inline::Strong(Vec::new())))),
            Event::Start(Tag::Emphasis) => {
                inline.push(Open::new(Some(Inline::Emphasis(Vec::new()))))
            }
            Event::Start(Tag::Link { dest_url, .. }) => {
                let open = reader.link(&dest_url, line);
                inline.push(Open::new(Some(open)));
            }
            Event::End(TagEnd::Strong | TagEnd::Emphasis | TagEnd::Link) => {
                if let Some(Open {
                    wrap: Some(wrap),
                    content,
                }) = inline.pop()
                    && let Some(outer) = inline.last_mut()
                {
                    outer.content.push(wrap.around(content));
                }
            }
            Event::Text(words) => match (&mut code, inline.last_mut()) {
                (Some((_, text, _)), _) => text.push_str(&words),
                (None, Some(open)) => open.text(&words),
                (None, None) => {}
            },
            Event::SoftBreak | Event::HardBreak => {
                if let Some(open) = inline.last_mut() {
                    open.text(" ");
                }
            }
            Event::Code(words) => {
                if let Some(open) = inline.last_mut() {
                    open.content.push(Inline::Code(words.to_string()));
                }
            }
            Event::Html(_) | Event::InlineHtml(_) => {
                reader.fault(line, "HTML is not allowed in a lesson: use Markdown");
            }
            Event::Start(Tag::Image { .. }) => {
                inline.push(Open::new(None));
                reader.fault(line, "pictures are not allowed in a lesson: use a scene");
            }
            Event::End(TagEnd::Image) => {
                inline.pop();
            }
            Event::Rule => {
                reader.fault(line, "a rule has no meaning in a lesson: begin a new step")
            }
            _ => {}
        }
    }
    (reader.sections, reader.faults)
}

/// Prose without headings, as in a quiz's explanations.
pub(crate) fn prose(file: &str, text: &str) -> (Prose, Vec<Fault>) {
    let (sections, faults) = sections(file, text);
    (
        sections
            .into_iter()
            .flat_map(|section| section.prose)
            .collect(),
        faults,
    )
}

/// The words of some prose, without their form.
pub(crate) fn plain(content: &[Inline]) -> String {
    let mut out = String::new();
    for inline in content {
        match inline {
            Inline::Text(words) | Inline::Code(words) => out.push_str(words),
            Inline::Strong(inner)
            | Inline::Emphasis(inner)
            | Inline::Link { text: inner, .. }
            | Inline::Component { text: inner, .. } => out.push_str(&plain(inner)),
        }
    }
    out
}

/// Calls `visit` with every inline of some prose.
pub(crate) fn each_inline(prose: &[Block], visit: &mut impl FnMut(&Inline)) {
    fn walk(content: &[Inline], visit: &mut impl FnMut(&Inline)) {
        for inline in content {
            visit(inline);
            match inline {
                Inline::Strong(inner)
                | Inline::Emphasis(inner)
                | Inline::Link { text: inner, .. }
                | Inline::Component { text: inner, .. } => walk(inner, visit),
                Inline::Text(_) | Inline::Code(_) => {}
            }
        }
    }
    for block in prose {
        match block {
            Block::Paragraph(content) | Block::Aside(content) => walk(content, visit),
            Block::List { items, .. } => items.iter().for_each(|item| walk(item, visit)),
            Block::Code { .. } => {}
        }
    }
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    faults: Vec<Fault>,
    sections: Vec<Section>,
}

impl Reader<'_> {
    fn line(&self, offset: usize) -> usize {
        self.text[..offset].bytes().filter(|b| *b == b'\n').count() + 1
    }

    fn fault(&mut self, line: usize, message: &str) {
        self.faults.push(Fault::at(self.file, line, message));
    }

    fn last(&mut self) -> &mut Section {
        self.sections
            .last_mut()
            .expect("there is a section from the start")
    }

    fn link(&mut self, to: &str, line: usize) -> Inline {
        if let Some(name) = to.strip_prefix("component:") {
            return Inline::Component {
                name: name.to_owned(),
                text: Vec::new(),
            };
        }
        if !to.starts_with("https://") && !to.starts_with("#/") {
            let message =
                format!("the link '{to}' is not allowed: https://…, #/… and component:… are");
            self.fault(line, &message);
        }
        Inline::Link {
            to: to.to_owned(),
            text: Vec::new(),
        }
    }
}

/// A piece of text whose end has not come yet.
struct Open {
    wrap: Option<Inline>,
    content: Vec<Inline>,
}

impl Open {
    const fn new(wrap: Option<Inline>) -> Self {
        Self {
            wrap,
            content: Vec::new(),
        }
    }

    fn text(&mut self, words: &str) {
        if let Some(Inline::Text(last)) = self.content.last_mut() {
            last.push_str(words);
        } else {
            self.content.push(Inline::Text(words.to_owned()));
        }
    }
}

impl Inline {
    fn around(self, content: Vec<Self>) -> Self {
        match self {
            Self::Strong(_) => Self::Strong(content),
            Self::Emphasis(_) => Self::Emphasis(content),
            Self::Link { to, .. } => Self::Link { to, text: content },
            Self::Component { name, .. } => Self::Component {
                name,
                text: content,
            },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Inline {
        Inline::Text(text.to_owned())
    }

    #[test]
    fn prose_becomes_a_tree() {
        let (prose, faults) = prose(
            "x.md",
            "The [database](component:db) is **full**,\nsays `lab`.\n\n- a\n- b\n",
        );
        assert!(faults.is_empty(), "{faults:?}");
        let component = Inline::Component {
            name: "db".to_owned(),
            text: vec![words("database")],
        };
        let paragraph = vec![
            words("The "),
            component,
            words(" is "),
            Inline::Strong(vec![words("full")]),
            words(", says "),
            Inline::Code("lab".to_owned()),
            words("."),
        ];
        let items = vec![vec![words("a")], vec![words("b")]];
        assert_eq!(
            prose,
            [
                Block::Paragraph(paragraph),
                Block::List {
                    numbered: false,
                    items
                }
            ]
        );
    }

    #[test]
    fn what_could_carry_code_is_refused_with_its_line() {
        for (text, expected) in [
            ("ok\n\n<script>x</script>", "x.md:3: HTML is not allowed"),
            ("ok <b>x</b>", "x.md:1: HTML is not allowed"),
            (
                "[x](javascript:alert(1))",
                "the link 'javascript:alert(1)' is not allowed",
            ),
            (
                "\n![x](https://example.org/x.png)",
                "x.md:2: pictures are not allowed",
            ),
        ] {
            let (_, faults) = prose("x.md", text);
            assert!(
                faults.iter().any(|f| f.to_string().contains(expected)),
                "{text}: {faults:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", more in "[#>*`\\[\\]()!<\\n -]{0,40}") {
            let _ = sections("x.md", &format!("{more}{text}\n{more}"));
        }
    }
}
