//! What a lesson's quiz still lacks to be a whole one.

use scale_sim::Problem;

use super::{Asks, Quiz};

/// Questions of a lesson, at least.
const QUESTIONS: usize = 5;

/// All that a quiz has to ask of the learner, with its name in `quiz.json`.
const ASKS: [(Asks, &str); 4] = [
    (Asks::Recall, "recall"),
    (Asks::Calculation, "calculation"),
    (Asks::WhatIf, "what-if"),
    (Asks::Transfer, "transfer"),
];

impl Quiz {
    /// What the quiz of a lesson lacks: a lesson that lacks it can still be read.
    pub fn lacks(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let count = self.questions.len();
        if count < QUESTIONS {
            let message = format!("{count} questions: a lesson has at least {QUESTIONS}");
            problems.push(Problem::new("questions", message));
        }
        for (at, question) in self.questions.iter().enumerate() {
            let mut lack = |field: &str, message: &str| {
                problems.push(Problem::new(format!("questions[{at}].{field}"), message));
            };
            if question.skill.is_none() {
                lack(
                    "skill",
                    "the skill that it exercises is missing, such as \"queueing\"",
                );
            }
            if question.asks.is_none() {
                lack(
                    "asks",
                    "what it asks of the learner is missing: \"recall\", \"calculation\", \"what-if\" or \"transfer\"",
                );
            }
        }
        for (asks, name) in ASKS {
            if !self.questions.iter().any(|q| q.asks == Some(asks)) {
                let message = format!("no question has \"asks\": \"{name}\"");
                problems.push(Problem::new("questions", message));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::question;
    use super::*;

    #[test]
    fn a_whole_quiz_lacks_nothing_and_each_lack_is_named() {
        let number = json!({"number": {"measure": "p99_ms", "tolerance": 0.1}});
        let mut quiz = Quiz::default();
        for asks in [
            Asks::Recall,
            Asks::Calculation,
            Asks::WhatIf,
            Asks::Transfer,
            Asks::Recall,
        ] {
            let mut question = question(&number);
            question.asks = Some(asks);
            quiz.questions.push(question);
        }
        let told =
            |quiz: &Quiz| -> Vec<String> { quiz.lacks().iter().map(ToString::to_string).collect() };
        assert_eq!(told(&quiz).len(), 5, "no skills: {:?}", told(&quiz));
        for question in &mut quiz.questions {
            question.skill = Some(super::super::Skill::Queueing);
        }
        assert_eq!(told(&quiz), Vec::<String>::new());
        quiz.questions.remove(2);
        assert_eq!(
            told(&quiz),
            [
                "questions: 4 questions: a lesson has at least 5",
                "questions: no question has \"asks\": \"what-if\""
            ]
        );
        quiz.questions[1].asks = None;
        assert!(told(&quiz)[1].starts_with("questions[1].asks: "));
    }
}
