//! How a lesson reads: the length of its sections and sentences, and the code in it.

use crate::lesson::{FILE, Lesson};
use crate::markdown::{self, Block, Inline, Prose};
use crate::source::Fault;

/// Words of prose in one section, at most.
const WORDS: usize = 120;
/// Words in a sentence, at most, and on average over a lesson.
const SENTENCE: usize = 30;
const AVERAGE: f64 = 18.0;
/// The languages that code in prose is shown in.
pub(crate) const LANGUAGES: [&str; 5] = ["js", "sql", "json", "http", "text"];
/// Lines of a block of code, and columns of a line.
const LINES: usize = 12;
const COLUMNS: usize = 72;

impl Lesson {
    /// What makes the lesson hard to read: sentences that are too long.
    pub fn hard_to_read(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut lengths = Vec::new();
        for (prose, line) in self.proses() {
            for sentence in sentences(prose) {
                let words = count(&sentence);
                lengths.push(words);
                if words > SENTENCE {
                    let begin: Vec<&str> = sentence.split_whitespace().take(5).collect();
                    let message = format!(
                        "the sentence '{} …' has {words} words: at most {SENTENCE} are allowed, so make two of it",
                        begin.join(" ")
                    );
                    faults.push(Fault::at(FILE, line, message));
                }
            }
        }
        let average = lengths.iter().sum::<usize>() as f64 / lengths.len().max(1) as f64;
        if average > AVERAGE {
            let message = format!(
                "the sentences have {average:.1} words on average: at most {AVERAGE} are allowed"
            );
            faults.push(Fault::at(FILE, 1, message));
        }
        faults
    }

    /// All prose of the lesson, with the line where each part begins.
    pub fn proses(&self) -> Vec<(&Prose, usize)> {
        let steps = self.steps.iter().map(|step| (&step.prose, step.line));
        let debrief = self.debrief.iter().map(|d| (&d.prose, d.line));
        let sources = self.sources.iter().map(|s| (&s.prose, s.line));
        let intro = [(&self.intro, 1)];
        intro
            .into_iter()
            .chain(steps)
            .chain(debrief)
            .chain(sources)
            .collect()
    }
}

/// What to say of a section that is too long.
pub(crate) fn too_long(title: &str, prose: &[Block]) -> Option<String> {
    let words: usize = runs(prose).map(|run| count(&run)).sum();
    (words > WORDS)
        .then(|| format!("the section '{title}' has {words} words: at most {WORDS} are allowed"))
}

/// What is wrong with a block of code.
pub(crate) fn code(language: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if !LANGUAGES.contains(&language) {
        problems.push(format!(
            "code in '{language}': the languages are {}",
            LANGUAGES.join(", ")
        ));
    }
    let lines = text.lines().count();
    if !(1..=LINES).contains(&lines) {
        problems.push(format!("{lines} lines of code: 1 to {LINES} are allowed"));
    }
    let wide = text.lines().map(|line| line.chars().count()).max();
    if let Some(wide) = wide.filter(|wide| *wide > COLUMNS) {
        problems.push(format!(
            "a line of code with {wide} columns: at most {COLUMNS} are allowed"
        ));
    }
    problems
}

/// The runs of text of some prose: paragraphs, asides and items of lists, without their form.
fn runs(prose: &[Block]) -> impl Iterator<Item = String> {
    let of_block = |block: &Block| -> Vec<String> {
        let plain = |content: &Vec<Inline>| markdown::plain(content);
        match block {
            Block::Paragraph(content) | Block::Aside(content) => vec![plain(content)],
            Block::List { items, .. } => items.iter().map(plain).collect(),
            Block::Code { .. } => Vec::new(),
        }
    };
    prose.iter().flat_map(of_block)
}

fn count(text: &str) -> usize {
    text.split_whitespace().count()
}

/// The sentences of some prose. A full stop, a question mark or an exclamation mark ends one if a space follows it.
fn sentences(prose: &[Block]) -> Vec<String> {
    let mut sentences = Vec::new();
    for run in runs(prose) {
        let mut sentence = String::new();
        for word in run.split_whitespace() {
            if !sentence.is_empty() {
                sentence.push(' ');
            }
            sentence.push_str(word);
            if word
                .trim_end_matches(['"', '”', '’', ')'])
                .ends_with(['.', '?', '!'])
            {
                sentences.push(core::mem::take(&mut sentence));
            }
        }
        if !sentence.is_empty() {
            sentences.push(sentence);
        }
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prose(text: &str) -> Prose {
        let (sections, faults) = markdown::sections("x.md", text);
        assert!(faults.is_empty(), "{faults:?}");
        sections.into_iter().flat_map(|s| s.prose).collect()
    }

    #[test]
    fn sentences_end_where_a_reader_breathes() {
        let read = sentences(&prose(
            "It has 1.5 s. Is **that** all? (Yes.)\n\n- one\n- two three\n\n```text\nnot. this.\n```\n",
        ));
        assert_eq!(
            read,
            [
                "It has 1.5 s.",
                "Is that all?",
                "(Yes.)",
                "one",
                "two three"
            ]
        );
    }

    #[test]
    fn code_is_short_and_in_a_known_language() {
        assert_eq!(code("js", "const a = 1;\n"), [""; 0]);
        for (language, text, expected) in [
            (
                "cobol",
                "x\n",
                "the languages are js, sql, json, http, text",
            ),
            ("js", "", "0 lines of code"),
            ("js", &"x\n".repeat(13), "13 lines of code: 1 to 12"),
            ("js", &"x".repeat(73), "73 columns: at most 72"),
        ] {
            let problems = code(language, text);
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].contains(expected), "{problems:?}");
        }
    }
}
