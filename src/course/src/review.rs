//! Answers as they count, and the questions that are to be asked again.

use crate::memory::{Day, Memory};
use crate::progress::{LessonProgress, Progress, QuestionResult, has_room};
use crate::quiz::{Grade, Skill, mix};

/// A question that is to be asked again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Due {
    /// Its lesson.
    pub lesson: String,
    /// Its id.
    pub question: String,
}

/// How questions of a skill went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SkillResult {
    /// The skill; none of questions whose skill is not known.
    pub skill: Option<Skill>,
    /// Times that they were answered.
    pub asked: u32,
    /// Times that they were answered rightly.
    pub right: u32,
}

impl Progress {
    /// Takes in an answer of this day.
    pub fn answered(
        &mut self,
        lesson: &str,
        question: &str,
        skill: Option<Skill>,
        grade: Grade,
        today: Day,
    ) {
        let questions = &mut self.lesson_mut(lesson).questions;
        if !has_room(questions, question) {
            return;
        }
        let result = questions.entry(question.to_owned()).or_default();
        result.asked = result.asked.saturating_add(1);
        result.right = result
            .right
            .saturating_add(u32::from(grade == Grade::Good))
            .min(result.asked);
        result.skill = skill.or(result.skill);
        result.memory = Some(Memory::after(result.memory, grade, today));
    }

    /// Lets a question rest that its lesson has no more.
    pub fn rest(&mut self, lesson: &str, question: &str, today: Day) {
        let lesson = self.lessons.get_mut(lesson);
        if let Some(result) = lesson.and_then(|lesson| lesson.questions.get_mut(question)) {
            let memory = result.memory;
            let memory = memory.unwrap_or_else(|| Memory::after(None, Grade::Good, today));
            result.memory = Some(memory.resting(today));
        }
    }

    /// The questions that are due: answered once, and to be asked again on this day or before it. What version 1 kept is due
    /// at once.
    pub fn due(&self, today: Day) -> Vec<Due> {
        let due = |result: &QuestionResult| {
            result.asked > 0 && result.memory.is_none_or(|memory| memory.due <= today)
        };
        let of_lesson = |(id, lesson): (&String, &LessonProgress)| {
            let questions = lesson.questions.iter().filter(|(_, result)| due(result));
            let named = questions.map(|(question, _)| Due {
                lesson: id.clone(),
                question: question.clone(),
            });
            named.collect::<Vec<_>>()
        };
        self.lessons.iter().flat_map(of_lesson).collect()
    }

    /// The questions that are due, those of all lessons mixed in an order drawn from a seed.
    pub fn review(&self, today: Day, seed: u64) -> Vec<Due> {
        let mut due = self.due(today);
        mix(&mut due, seed);
        due
    }

    /// The first day after this one on which a question is due, and how many are due then.
    pub fn next_due(&self, today: Day) -> Option<(Day, usize)> {
        let results = self.lessons.values().flat_map(|l| l.questions.values());
        let days = || {
            let memories = results.clone().filter_map(|result| result.memory);
            memories.map(|memory| memory.due).filter(|due| *due > today)
        };
        let first = days().min()?;
        Some((first, days().filter(|day| *day == first).count()))
    }

    /// How the questions of each skill went, of the skills that were asked for.
    pub fn skills(&self) -> Vec<SkillResult> {
        let results = self.lessons.values().flat_map(|l| l.questions.values());
        let mut skills: Vec<SkillResult> = Vec::new();
        for result in results.filter(|result| result.asked > 0) {
            let known = skills.iter().position(|known| known.skill == result.skill);
            let at = known.unwrap_or_else(|| {
                // As the course comes to them; those not known last.
                let rank = |skill: Option<Skill>| skill.map_or(usize::MAX, |skill| skill as usize);
                let place = skills.partition_point(|k| rank(k.skill) < rank(result.skill));
                let new = SkillResult {
                    skill: result.skill,
                    asked: 0,
                    right: 0,
                };
                skills.insert(place, new);
                place
            });
            skills[at].asked = skills[at].asked.saturating_add(result.asked);
            skills[at].right = skills[at].right.saturating_add(result.right);
        }
        skills
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Day = Day(20_000);

    #[test]
    fn an_answer_counts_and_puts_the_question_off() {
        let mut progress = Progress::default();
        progress.answered("x", "q", Some(Skill::Queueing), Grade::Good, TODAY);
        progress.answered("x", "r", None, Grade::Again, TODAY);
        progress.answered("y", "q", Some(Skill::Queueing), Grade::Hard, TODAY);
        assert_eq!(progress.due(TODAY), []);
        assert_eq!(progress.next_due(TODAY), Some((Day(TODAY.0 + 1), 2)));
        assert_eq!(progress.due(Day(TODAY.0 + 1)).len(), 2);
        assert_eq!(progress.due(Day(TODAY.0 + 30)).len(), 3);
        let skill = |skill, asked, right| SkillResult {
            skill,
            asked,
            right,
        };
        assert_eq!(
            progress.skills(),
            [skill(Some(Skill::Queueing), 2, 1), skill(None, 1, 0)]
        );
        progress.rest("x", "r", Day(TODAY.0 + 1));
        assert_eq!(progress.due(Day(TODAY.0 + 1)).len(), 1);
        assert_eq!(progress.lesson("x").questions["r"].asked, 1);
    }
}
