//! Checks of what closes a lesson: its debrief and its sources.

use scale_sim::Scenario;

use super::Checks;
use crate::closing::Closing;
use crate::lesson::{FILE, Lesson, Step};
use crate::source::Fault;

impl Lesson {
    /// What a lesson of a course still lacks at its end.
    pub fn unclosed(&self) -> Vec<Fault> {
        let line = self.steps.last().map_or(1, |step| step.line);
        let debrief = self.debrief.is_none().then_some(
            "after the last step a section of a ```debrief block is missing: what to say of the learner's own run, [{ \"when\": [conditions], \"say\": \"…\" }, …]",
        );
        let sources = self.sources.is_none().then_some(
            "after the debrief the section 'In real systems' of a ```sources block is missing: [{ \"title\": \"…\", \"url\": \"https://…\", \"says\": \"…\" }, …]",
        );
        let missing = debrief.into_iter().chain(sources);
        missing
            .map(|message| Fault::at(FILE, line, message))
            .collect()
    }
}

impl Checks<'_> {
    /// What closes the lesson speaks of its last step.
    pub(super) fn closings(&mut self) {
        let lesson = self.lesson;
        let run = lesson.steps.last().map(Step::run);
        let scenario = run.as_ref().and_then(|run| lesson.scenario(run).ok());
        let scenario = scenario.as_ref();
        if let Some(debrief) = &lesson.debrief {
            self.closing(debrief, debrief.problems(), scenario);
            let conditions = debrief.items.iter().flat_map(|remark| &remark.when);
            let conditions = scenario.map(|scenario| conditions.flat_map(|c| c.problems(scenario)));
            for problem in conditions.into_iter().flatten() {
                self.fault(debrief.data_line, problem.to_string());
            }
        }
        if let Some(sources) = &lesson.sources {
            self.closing(sources, sources.problems(), scenario);
        }
    }

    /// One of the sections that close a lesson: its prose, and what is wrong with its block.
    fn closing<T>(
        &mut self,
        closing: &Closing<T>,
        problems: Vec<String>,
        scenario: Option<&Scenario>,
    ) {
        self.length(&closing.title, &closing.prose, closing.line);
        for problem in problems {
            self.fault(closing.data_line, problem);
        }
        if let Some(scenario) = scenario {
            self.prose(&closing.prose, closing.line, scenario);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::tests::{LESSON, check, read};

    #[test]
    fn what_closes_a_lesson_is_checked_too() {
        check(
            "a\",\"says",
            "b/\",\"says",
            "lesson.md:38: the source https://example.org/b stands here twice",
        );
        check(
            "## In real systems",
            "## Read on",
            "lesson.md:38: the section of the sources is titled",
        );
        check(
            "{\"when\":[],\"say\":\"D.\"}",
            "{\"when\":[{\"measure\":\"lost\",\"of\":\"till\"}],\"say\":\"D.\"}",
            "lesson.md:31: of: there is no component 'till'",
        );
        check(
            "component=shop",
            "component=till",
            "lesson.md:26: component:till is not",
        );
        check(
            "component=shop",
            "of the shop",
            "lesson.md:26: 'of the shop'",
        );
        check("```js", "```cobol", "lesson.md:26: code in 'cobol'");
        check("```debrief", "```step", "lesson.md:31: invalid type");
        check(
            "## In real systems",
            "## Too late\n\n```step\n{\"id\":\"b\",\"scene\":\"one\"}\n```\n\n## In real systems",
            "lesson.md:35: 'Too late' comes too late",
        );
        let (open, _) = LESSON.split_once("## Your run").expect("it is there");
        assert_eq!(read(open).expect("valid").unclosed().len(), 2);
    }
}
