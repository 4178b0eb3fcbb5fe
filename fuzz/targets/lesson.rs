//! Any bytes at all as a lesson's folder and as the catalogue: refused with faults that name their place, or questions that can be
//! drawn and judged, and scenes that run.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scale_course::{Catalog, Given, Lesson, LessonFiles, each_inline};
use scale_sim::{Engine, Files, Model, NoProbe};

mod parts;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    if let Err(problems) = Catalog::read(text) {
        assert!(!problems.is_empty());
    }
    let (lesson, others) = parts::parts(text);
    let mut files = LessonFiles {
        lesson: lesson.to_owned(),
        ..LessonFiles::default()
    };
    for (name, text) in others.into_iter().take(8) {
        if name == "quiz" {
            files.quiz = Some(text.to_owned());
        } else {
            files.scenes.insert(name.to_owned(), text.to_owned());
        }
    }
    let lesson = match Lesson::read(&files) {
        Ok(lesson) => lesson,
        Err(faults) => {
            assert!(faults.iter().all(|fault| !fault.to_string().is_empty()));
            return assert!(!faults.is_empty());
        }
    };
    let faults = lesson.faults();
    assert!(faults.iter().all(|fault| !fault.to_string().is_empty()));
    drop(lesson.hard_to_read());
    for (prose, _) in lesson.proses() {
        each_inline(prose, &mut |_| {});
    }
    drop(lesson.quiz.lacks());
    for question in lesson.quiz.questions.iter().take(4) {
        let drawn = question.draw(bytes.len() as u64);
        let runs = drawn.runs();
        let values = |run: usize| (0..runs[run].measures.len()).map(move |at| Some((run + at) as f64));
        let values: Vec<Vec<Option<f64>>> = (0..runs.len()).map(|run| values(run).collect()).collect();
        if let Ok(key) = drawn.key(&values) {
            assert!(drawn.judge(&key, &key.right).is_right() || matches!(key.right, Given::Number(_)));
            drop(drawn.judge(&key, &Given::Order(vec![usize::MAX])));
            drop(drawn.judge(&key, &Given::Choice(usize::MAX)));
        }
    }
    if !faults.is_empty() {
        return;
    }
    for step in lesson.steps.iter().take(4) {
        let run = step.run();
        let model = lesson.scenario(&run).and_then(|scenario| Model::new(&scenario, &Files::new()));
        if let Ok(model) = model {
            let horizon = model.horizon();
            Engine::new(model.into(), NoProbe).with_budget(500).run_until(horizon);
        }
    }
});
