//! Prose as a typed tree. Nothing of it can be anything but text, emphasis, code, links and references to components.
//!
//! What is read is the part of Markdown (`CommonMark`) that lessons need: headings, paragraphs, lists of one level, asides
//! (`>`), fenced code, `**strong**`, `*emphasis*`, code, links and backslash escapes. All else is refused with its line, so
//! nothing is silently shown as something else. A full Markdown library weighs more than the rest of the course together
//! (its tables of HTML entities alone 40 kB), and every visitor would have to fetch it.

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
        /// The component whose behaviour it is: it has the component's colour and sign.
        component: Option<String>,
        /// The text.
        text: String,
        /// The line of the file where it begins.
        line: usize,
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
const DATA: [&str; 4] = ["step", "proof", "debrief", "sources"];

/// Reads a Markdown file as sections. The first has no title if the file begins without one.
pub(crate) fn sections(file: &str, text: &str) -> (Vec<Section>, Vec<Fault>) {
    let mut reader = Reader {
        file,
        faults: Vec::new(),
        sections: vec![Section {
            line: 1,
            ..Section::default()
        }],
        open: None,
    };
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let number = at + 1;
        if let Some(language) = line.strip_prefix("```") {
            reader.close();
            let mut code = String::new();
            let closed = lines.by_ref().map(|(_, line)| line).any(|line| {
                let end = line.trim_end() == "```";
                if !end {
                    code.push_str(line);
                    code.push('\n');
                }
                end
            });
            if !closed {
                reader.fault(
                    number,
                    "this block is not closed: end it with a line of ```",
                );
            }
            reader.fenced(language.trim(), code, number + 1);
        } else {
            reader.line(number, line);
        }
    }
    reader.close();
    (reader.sections, reader.faults)
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
pub fn each_inline(prose: &[Block], visit: &mut impl FnMut(&Inline)) {
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
    faults: Vec<Fault>,
    sections: Vec<Section>,
    open: Option<Open>,
}

/// A block whose end has not come yet: its text, and the line that it began in.
struct Open {
    form: Form,
    line: usize,
    text: String,
    /// The items of a list before the one that is open.
    items: Vec<Vec<Inline>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Paragraph,
    Aside,
    List { numbered: bool },
}

impl Reader<'_> {
    fn fault(&mut self, line: usize, message: &str) {
        self.faults.push(Fault::at(self.file, line, message));
    }

    fn last(&mut self) -> &mut Section {
        self.sections
            .last_mut()
            .expect("there is a section from the start")
    }

    /// A fenced block, `line` being that of its first line: data, or code such as ```` ```js component=router ````.
    fn fenced(&mut self, info: &str, text: String, line: usize) {
        if DATA.contains(&info) {
            self.last().data.push((info.to_owned(), text, line));
            return;
        }
        let (language, rest) = info.split_once(' ').unwrap_or((info, ""));
        let component = rest.trim().strip_prefix("component=");
        if component.is_none() && !rest.trim().is_empty() {
            let message = format!(
                "'{}': behind a block's language only component=… may stand",
                rest.trim()
            );
            self.fault(line - 1, &message);
        }
        self.last().prose.push(Block::Code {
            language: language.to_owned(),
            component: component.map(str::to_owned),
            text,
            line,
        });
    }

    fn line(&mut self, number: usize, line: &str) {
        let text = line.trim();
        let level = text.bytes().take_while(|b| *b == b'#').count();
        let rule =
            text.len() >= 3 && (text.bytes().all(|b| b == b'-') || text.bytes().all(|b| b == b'*'));
        if text.is_empty() {
            self.close();
        } else if (1..=6).contains(&level) && text[level..].starts_with(' ') {
            self.close();
            let title = self.inline(text[level..].trim(), number);
            self.sections.push(Section {
                title: plain(&title),
                line: number,
                level: level as u8,
                ..Section::default()
            });
        } else if rule {
            self.fault(
                number,
                "a rule has no meaning in a lesson: begin a new step",
            );
        } else if let Some((numbered, item)) = list_item(text) {
            if line.starts_with(' ') {
                self.fault(number, "a list inside a list: write one level of items");
            }
            self.item(number, numbered, item);
        } else if let Some(aside) = text.strip_prefix('>') {
            self.extend(number, Form::Aside, aside.trim());
        } else {
            // A line without a mark goes on with what is open.
            let form = self.open.as_ref().map_or(Form::Paragraph, |open| open.form);
            self.extend(number, form, text);
        }
    }

    /// More text of the open block, if it has this form; else of a new one.
    fn extend(&mut self, line: usize, form: Form, text: &str) {
        match &mut self.open {
            Some(open) if open.form == form => {
                open.text.push(' ');
                open.text.push_str(text);
            }
            _ => {
                self.close();
                let text = text.to_owned();
                self.open = Some(Open {
                    form,
                    line,
                    text,
                    items: Vec::new(),
                });
            }
        }
    }

    /// The next item of a list.
    fn item(&mut self, line: usize, numbered: bool, text: &str) {
        let form = Form::List { numbered };
        let mut items = Vec::new();
        if let Some(open) = self.open.take_if(|open| open.form == form) {
            items = open.items;
            items.push(self.inline(&open.text, open.line));
        }
        self.close();
        self.open = Some(Open {
            form,
            line,
            text: text.to_owned(),
            items,
        });
    }

    /// The open block ends.
    fn close(&mut self) {
        let Some(Open {
            form,
            line,
            text,
            mut items,
        }) = self.open.take()
        else {
            return;
        };
        let content = self.inline(&text, line);
        let block = match form {
            Form::Paragraph => Block::Paragraph(content),
            Form::Aside => Block::Aside(content),
            Form::List { numbered } => {
                items.push(content);
                Block::List { numbered, items }
            }
        };
        self.last().prose.push(block);
    }

    /// Reads running text.
    fn inline(&mut self, text: &str, line: usize) -> Vec<Inline> {
        let mut out = Vec::new();
        let mut words = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let after = &rest[c.len_utf8()..];
            let marked = match c {
                '\\' => {
                    let escaped = after.chars().next().filter(char::is_ascii_punctuation);
                    words.push(escaped.unwrap_or('\\'));
                    rest = &after[escaped.map_or(0, char::len_utf8)..];
                    continue;
                }
                '`' => after
                    .split_once('`')
                    .map(|(code, after)| (Inline::Code(code.to_owned()), after)),
                '*' => self.emphasis(rest, line),
                '[' => self.link(after, line),
                '!' if after.starts_with('[') => {
                    self.fault(line, "pictures are not allowed in a lesson: use a scene");
                    None
                }
                '<' if after
                    .starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!') =>
                {
                    self.fault(line, "HTML is not allowed in a lesson: use Markdown");
                    None
                }
                _ => None,
            };
            if let Some((inline, after)) = marked {
                if !words.is_empty() {
                    out.push(Inline::Text(core::mem::take(&mut words)));
                }
                out.push(inline);
                rest = after;
                continue;
            }
            if c == '`' || (c == '*' && !after.starts_with(' ')) {
                let message =
                    format!("this {c} is not closed: close it, or write \\{c} for the sign itself");
                self.fault(line, &message);
            }
            words.push(c);
            rest = after;
        }
        if !words.is_empty() {
            out.push(Inline::Text(words));
        }
        out
    }

    /// `**strong**` or `*emphasis*` at the start of `text`, and what follows it.
    fn emphasis<'t>(&mut self, text: &'t str, line: usize) -> Option<(Inline, &'t str)> {
        let mark = if text.starts_with("**") { "**" } else { "*" };
        let inner = &text[mark.len()..];
        let (content, after) = inner.split_once(mark)?;
        if content.is_empty() || content.starts_with(' ') || content.ends_with(' ') {
            return None;
        }
        let content = self.inline(content, line);
        let inline = if mark.len() == 2 {
            Inline::Strong(content)
        } else {
            Inline::Emphasis(content)
        };
        Some((inline, after))
    }

    /// `words](target)` at the start of `text`, and what follows it.
    fn link<'t>(&mut self, text: &'t str, line: usize) -> Option<(Inline, &'t str)> {
        let (words, after) = text.split_once("](")?;
        // Of two brackets the inner one is the link.
        if words.contains('[') {
            return None;
        }
        let (to, after) = after.split_once(')')?;
        let words = self.inline(words, line);
        if let Some(name) = to.strip_prefix("component:") {
            let name = name.to_owned();
            return Some((Inline::Component { name, text: words }, after));
        }
        if !to.starts_with("https://") && !to.starts_with("#/") {
            let message =
                format!("the link '{to}' is not allowed: https://…, #/… and component:… are");
            self.fault(line, &message);
        }
        Some((
            Inline::Link {
                to: to.to_owned(),
                text: words,
            },
            after,
        ))
    }
}

/// The text of a list's item, and whether it is numbered.
fn list_item(text: &str) -> Option<(bool, &str)> {
    if let Some(item) = text.strip_prefix("- ").or_else(|| text.strip_prefix("* ")) {
        return Some((false, item.trim()));
    }
    let (number, item) = text.split_once(". ")?;
    let short = (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    short.then(|| (true, item.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> (Prose, Vec<Fault>) {
        let (sections, faults) = sections("x.md", text);
        let prose = sections.into_iter().flat_map(|section| section.prose);
        (prose.collect(), faults)
    }

    fn words(text: &str) -> Inline {
        Inline::Text(text.to_owned())
    }

    #[test]
    fn prose_becomes_a_tree() {
        let (prose, faults) =
            read("The [database](component:db) is **full**,\nsays `lab`.\n\n- a\n- b\n");
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
                "[x](javascript:alert)",
                "the link 'javascript:alert' is not allowed",
            ),
            (
                "\n![x](https://example.org/x.png)",
                "x.md:2: pictures are not allowed",
            ),
        ] {
            let (_, faults) = read(text);
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
