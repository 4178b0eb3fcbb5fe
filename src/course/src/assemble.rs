//! From the sections of `lesson.md` to a lesson.

use scale_sim::read_json;
use serde::de::DeserializeOwned;
use vecmap::VecMap;

use crate::closing::{Closing, Remark, SOURCES, Source};
use crate::lesson::{FILE, Lesson, Scene, Step};
use crate::markdown::Section;
use crate::quiz::Quiz;
use crate::source::Fault;

/// The sections as a lesson; `None` if one of its parts is missing.
pub(crate) fn assembled(
    sections: Vec<Section>,
    scenes: VecMap<String, Scene>,
    quiz: Quiz,
    faults: &mut Vec<Fault>,
) -> Option<Lesson> {
    let mut fault = |line, message: &str| faults.push(Fault::at(FILE, line, message));
    let mut sections = sections
        .into_iter()
        .filter(|s| !(s.level == 0 && s.prose.is_empty() && s.data.is_empty()));
    let Some(head) = sections.next().filter(|s| s.level == 1) else {
        fault(1, "a lesson begins with its title: # Title");
        return None;
    };
    let proof = head.data.iter().find(|(name, ..)| name == "proof");
    if proof.is_none() {
        fault(
            head.line,
            "a lesson needs a ```proof block under its title: a goal missed without its pattern and met with it",
        );
    }
    if let Some((.., line)) = head.data.iter().find(|(name, ..)| name != "proof") {
        fault(*line, "a step begins with its heading: ## Title");
    }
    let mut sections = sections.peekable();
    if sections.peek().is_none() {
        fault(head.line, "a lesson needs at least one step: ## Title");
    }
    let proof = proof.and_then(|(_, text, line)| Some((data(text, *line, faults)?, *line)));
    // What is wrong in the sections is told too, whatever is wrong above them.
    let mut parts = Parts::default();
    for section in sections {
        parts.take(section, faults);
    }
    let (proof, proof_line) = proof?;
    Some(Lesson {
        title: head.title,
        intro: head.prose,
        steps: parts.steps,
        debrief: parts.debrief,
        sources: parts.sources,
        scenes,
        proof,
        proof_line,
        quiz,
    })
}

/// The sections below a lesson's title: its steps, then what closes it.
#[derive(Default)]
struct Parts {
    steps: Vec<Step>,
    debrief: Option<Closing<Remark>>,
    sources: Option<Closing<Source>>,
}

impl Parts {
    fn take(&mut self, section: Section, faults: &mut Vec<Fault>) {
        let mut fault = |line, message: String| faults.push(Fault::at(FILE, line, message));
        if section.level != 2 {
            let message =
                "below a lesson's title there are only steps and what closes it: ## Title";
            fault(section.line, message.to_owned());
        }
        if let Some((name, _, line)) = section.data.get(1) {
            let message = format!("a second block, `{name}`: there is one in each section");
            fault(*line, message);
        }
        let Some((name, text, line)) = section.data.first().cloned() else {
            let message = if section.title == SOURCES {
                format!("'{SOURCES}' lists no source: add a ```sources block")
            } else {
                format!(
                    "the step '{}' has no scene: add a ```step block such as {{ \"id\": \"one\", \"scene\": \"one\" }}",
                    section.title
                )
            };
            fault(section.line, message);
            return;
        };
        let closed = self.debrief.is_some() && name != "sources";
        if closed || self.sources.is_some() {
            let message = format!(
                "'{}' comes too late: a lesson ends with one section of a ```debrief block and one of a ```sources block, in this order",
                section.title
            );
            fault(section.line, message);
        }
        match name.as_str() {
            "step" => self.steps.extend(step(section, &text, line, faults)),
            "debrief" => self.debrief = closing(section, &text, line, faults),
            "sources" => self.sources = closing(section, &text, line, faults),
            _ => fault(
                line,
                format!("a ```{name} block stands under the lesson's title"),
            ),
        }
    }
}

fn step(section: Section, text: &str, line: usize, faults: &mut Vec<Fault>) -> Option<Step> {
    Some(Step {
        data: data(text, line, faults)?,
        title: section.title,
        prose: section.prose,
        line: section.line,
        data_line: line,
    })
}

fn closing<T: DeserializeOwned>(
    section: Section,
    text: &str,
    line: usize,
    faults: &mut Vec<Fault>,
) -> Option<Closing<T>> {
    Some(Closing {
        items: data(text, line, faults)?,
        title: section.title,
        prose: section.prose,
        line: section.line,
        data_line: line,
    })
}

fn data<T: DeserializeOwned>(text: &str, line: usize, faults: &mut Vec<Fault>) -> Option<T> {
    let read = read_json(text);
    read.map_err(|problem| faults.push(Fault::at(FILE, line, problem.to_string())))
        .ok()
}
