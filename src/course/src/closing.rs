//! What closes a lesson: the debrief of the learner's own run, and where real systems tell the same.

use scale_sim::Condition;
use serde::{Deserialize, Serialize};

use crate::markdown::Prose;

/// The title of the section that holds the sources.
pub(crate) const SOURCES: &str = "In real systems";
/// Lines of a debrief.
const REMARKS: core::ops::RangeInclusive<usize> = 4..=8;
/// Sources of a lesson.
const SOURCE_COUNT: core::ops::RangeInclusive<usize> = 2..=5;

/// A section after the last step.
#[derive(Clone, PartialEq, Debug)]
pub struct Closing<T> {
    /// Its title.
    pub title: String,
    /// Its prose.
    pub prose: Prose,
    /// What its block lists.
    pub items: Vec<T>,
    /// The line of `lesson.md` where it begins.
    pub line: usize,
    /// The line where its block begins.
    pub data_line: usize,
}

/// A line of the `debrief` block, said of the learner's own last run of the last step.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Remark {
    /// It is said if these hold over the whole run after its warm-up; always, if there are none.
    pub when: Vec<Condition>,
    /// What to say, in a sentence or two.
    pub say: String,
}

/// A line of the `sources` block.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What it is called.
    pub title: String,
    /// Where it stands; `https` only.
    pub url: String,
    /// What it says to this lesson, in a sentence.
    pub says: String,
}

impl Closing<Remark> {
    /// What is wrong with the lines themselves; whether their conditions fit a scene is not looked at.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !REMARKS.contains(&self.items.len()) {
            problems.push(format!(
                "a debrief has {} to {} lines that between them cover what a learner may have left: here are {}",
                REMARKS.start(),
                REMARKS.end(),
                self.items.len()
            ));
        }
        let empty = |remark: &&Remark| remark.say.trim().is_empty();
        problems.extend(
            self.items
                .iter()
                .filter(empty)
                .map(|_| "a line of the debrief has nothing to say: fill in \"say\"".to_owned()),
        );
        problems
    }
}

impl Closing<Source> {
    /// What is wrong with the sources.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.title != SOURCES {
            problems.push(format!("the section of the sources is titled '{SOURCES}'"));
        }
        if !SOURCE_COUNT.contains(&self.items.len()) {
            problems.push(format!(
                "a lesson has {} to {} sources: here are {}",
                SOURCE_COUNT.start(),
                SOURCE_COUNT.end(),
                self.items.len()
            ));
        }
        let address = |source: &Source| source.url.trim_end_matches('/').to_ascii_lowercase();
        for (at, source) in self.items.iter().enumerate() {
            if !is_address(&source.url) {
                problems.push(format!(
                    "the source '{}' has the address '{}': it must read https://…, without spaces",
                    source.title, source.url
                ));
            }
            if self.items[..at]
                .iter()
                .any(|other| address(other) == address(source))
            {
                problems.push(format!("the source {} stands here twice", source.url));
            }
            if source.title.trim().is_empty() || source.says.trim().is_empty() {
                problems.push(format!(
                    "the source {} needs a title and what it says to this lesson",
                    source.url
                ));
            }
        }
        problems
    }
}

/// Whether `url` leads to a page of the web, by https.
pub(crate) fn is_address(url: &str) -> bool {
    url.strip_prefix("https://")
        .is_some_and(|rest| rest.contains('.') && !rest.starts_with('.'))
        && !url
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || "<>\"`".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closing<T>(items: Vec<T>) -> Closing<T> {
        Closing {
            title: SOURCES.to_owned(),
            prose: Vec::new(),
            items,
            line: 1,
            data_line: 3,
        }
    }

    fn source(url: &str) -> Source {
        Source {
            title: "A paper".to_owned(),
            url: url.to_owned(),
            says: "That it is so.".to_owned(),
        }
    }

    #[test]
    fn sources_are_real_addresses_and_each_stands_once() {
        let told = |urls: &[&str]| closing(urls.iter().map(|url| source(url)).collect()).problems();
        let one = "https://example.org/a";
        assert_eq!(told(&[one, "https://example.org/b"]), [""; 0]);
        for (urls, expected) in [
            (&[one][..], "2 to 5 sources: here are 1"),
            (&[one, "https://example.org/A/"], "stands here twice"),
            (&[one, "http://example.org"], "it must read https://"),
            (&[one, "https://example.org/a b"], "without spaces"),
            (&[one, "https://example"], "it must read https://"),
        ] {
            let problems = told(urls);
            assert!(
                problems.iter().any(|p| p.contains(expected)),
                "{problems:?}"
            );
        }
    }

    #[test]
    fn a_debrief_has_enough_to_say() {
        let remark = |say: &str| Remark {
            when: Vec::new(),
            say: say.to_owned(),
        };
        let problems = closing(vec![remark("So."), remark(" "), remark("So.")]).problems();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("4 to 8 lines"), "{problems:?}");
        assert!(problems[1].contains("nothing to say"), "{problems:?}");
    }
}
