//! Checks of the questions of a quiz: each can be drawn, run and measured.

use scale_sim::Problem;

use super::{Checks, problems};
use crate::quiz::{Question, Shown};
use crate::source::Fault;

impl Checks<'_> {
    /// A few draws reach the ends of small lists of parameters; each must be a run that can be measured.
    pub(super) fn question(&mut self, at: usize, question: &Question) {
        for seed in 0..8 {
            let drawn = question.draw(seed);
            let mut runs = drawn.runs();
            // Also where others answer the question, its own run stands on the stage while one thinks.
            if runs.iter().all(|shown| shown.run != drawn.run) {
                runs.push(Shown {
                    run: drawn.run,
                    measures: Vec::new(),
                });
            }
            let mut found = Vec::new();
            for shown in runs {
                match self.lesson.scenario(&shown.run) {
                    Ok(scenario) => found.extend(problems(&shown.measures, &scenario)),
                    Err(problems) => found.extend(
                        problems
                            .into_iter()
                            .map(|p| Problem::new("run", p.to_string())),
                    ),
                }
            }
            if !found.is_empty() {
                let in_quiz = |problem: Problem| {
                    let path = format!("questions[{at}].{}", problem.path);
                    Fault::new("quiz.json", Problem::new(path, problem.message))
                };
                self.faults.extend(found.into_iter().map(in_quiz));
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::tests::{LESSON, SCENE};
    use crate::lesson::Lesson;
    use crate::source::LessonFiles;

    #[test]
    fn a_question_has_a_run_to_look_at_also_where_others_answer_it() {
        let quiz = r#"{"version":1,"questions":[{"id":"q","ask":"Order?","explain":"So.",
            "run":{"scene":"one","set":{"/components/shop/service/workers":0}},
            "kind":{"order":{"measure":"p99_ms","items":[
                {"text":"one","set":{"/components/shop/service/workers":1}},
                {"text":"two","set":{"/components/shop/service/workers":2}}]}}}]}"#;
        let scenes = [("one".to_owned(), SCENE.replacen('{', "{ \"seed\": 1,", 1))].into();
        let files = LessonFiles {
            lesson: LESSON.to_owned(),
            quiz: Some(quiz.to_owned()),
            scenes,
        };
        let faults = Lesson::read(&files).expect("it can be read").faults();
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        let expected = "quiz.json: questions[0].run: components.shop.service.workers";
        assert!(told[0].starts_with(expected), "{told:?}");
    }
}
