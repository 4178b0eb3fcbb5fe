//! The text of a chart in statements: what stands between line ends and semicolons, but for those within quotes and brackets.

/// One statement.
pub(super) struct Statement {
    /// The line on which it begins, from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
}

/// The statements of a text, without comments, directives, and what stands before the chart (front matter, a fence of Markdown).
pub(super) fn of(text: &str) -> Vec<Statement> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut all = Vec::new();
    let mut reader = Reader::default();
    let mut lines = text.lines().enumerate().peekable();
    // Front matter stands between two lines of dashes.
    while lines.next_if(|(_, line)| line.trim().is_empty()).is_some() {}
    if lines.next_if(|(_, line)| line.trim() == "---").is_some() {
        lines.by_ref().find(|(_, line)| line.trim() == "---");
    }
    let mut in_directive = false;
    for (number, line) in lines {
        if in_directive {
            in_directive = !line.contains("}%%");
            continue;
        }
        if reader.is_between() {
            let begin = line.trim_start();
            if begin.starts_with("%%{") {
                in_directive = !begin.contains("}%%");
                continue;
            }
            if begin.starts_with("%%") || begin.starts_with("```") {
                continue;
            }
        }
        for c in line.chars() {
            reader.take(c, number + 1, &mut all);
        }
        reader.take('\n', number + 1, &mut all);
    }
    reader.finish(&mut all);
    all
}

#[derive(Default)]
struct Reader {
    text: String,
    line: usize,
    in_quotes: bool,
    /// Between the bars of an arrow's text.
    in_bars: bool,
    /// Brackets that are open.
    depth: usize,
}

impl Reader {
    /// Whether no statement is under way.
    fn is_between(&self) -> bool {
        self.text.trim().is_empty()
    }

    fn take(&mut self, c: char, line: usize, all: &mut Vec<Statement>) {
        let is_free = !self.in_quotes && self.depth == 0;
        if is_free && (c == '\n' || (c == ';' && !self.in_bars)) {
            return self.finish(all);
        }
        if self.is_between() {
            self.line = line;
        }
        match c {
            '"' => self.in_quotes = !self.in_quotes,
            _ if self.in_quotes => {}
            '[' | '(' | '{' => self.depth += 1,
            ']' | ')' | '}' => self.depth = self.depth.saturating_sub(1),
            '|' if self.depth == 0 => self.in_bars = !self.in_bars,
            _ => {}
        }
        let is_shown = c == '\n' || !c.is_control();
        self.text.push(if is_shown { c } else { ' ' });
    }

    fn finish(&mut self, all: &mut Vec<Statement>) {
        let reader = core::mem::take(self);
        let text = reader.text.trim();
        if !text.is_empty() {
            all.push(Statement {
                line: reader.line,
                text: text.to_owned(),
            });
        }
    }
}
