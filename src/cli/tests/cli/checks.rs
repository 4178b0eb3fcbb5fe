//! `lab check`.

use std::fs;
use std::path::Path;

use crate::common::{self, Done, all_samples, folder, lab, sample, samples, write, write_course};

fn check(path: &Path) -> Done {
    lab(["check".as_ref(), path.as_os_str()])
}

#[test]
fn the_samples_are_valid() {
    let done = check(&samples());
    let expected = format!("checked {} scenarios: no problem\n", all_samples().len());
    assert_eq!((done.code, done.out), (Some(0), expected), "{}", done.err);
}

#[test]
fn a_good_course_is_good_whole_and_in_parts() {
    let folder = folder();
    write_course(folder.path());
    for path in [folder.path().to_owned(), folder.path().join("one")] {
        let done = check(&path);
        assert_eq!(
            (done.code, done.out.as_str()),
            (Some(0), "checked 1 lesson: no problem\n"),
            "{}",
            done.err
        );
    }
    let done = lab([
        "check".as_ref(),
        folder.path().as_os_str(),
        sample("mm1.json").as_os_str(),
    ]);
    assert_eq!(done.out, "checked 1 scenario and 1 lesson: no problem\n");
}

/// The good course with `from` in `file` replaced by `to` has exactly the fault `expected`, in `file:line` or `file`.
fn broken(file: &str, from: &str, to: &str, expected: &str) {
    let folder = folder();
    write_course(folder.path());
    let path = folder.path().join(file);
    let text = fs::read_to_string(&path).expect("just written");
    assert!(text.contains(from), "{from}");
    fs::write(&path, text.replacen(from, to, 1)).expect("writable");
    let done = check(folder.path());
    assert_eq!(
        (done.code, done.err.as_str()),
        (Some(1), "1 problem\n"),
        "{}",
        done.out
    );
    let expected = format!("{}{expected}", path.display());
    assert!(
        done.out.starts_with(&expected),
        "expected: {expected}\n     got: {}",
        done.out
    );
}

#[test]
fn faults_of_lessons_name_file_and_line() {
    broken(
        "one/scenes/tiny.json",
        "80",
        "-80",
        ":6: components.users.client.arrivals.poisson.rate_per_s: -80",
    );
    broken(
        "one/scenes/tiny.json",
        "\"seed\"",
        "\"sede\"",
        ":3: sede: unknown field `sede`",
    );
    broken(
        "one/lesson.md",
        "component:shop",
        "component:till",
        ":12: component:till is not in this step's scene",
    );
    broken(
        "one/lesson.md",
        "```step",
        "```json",
        ":12: the step 'Too slow' has no scene",
    );
}

#[test]
fn a_lesson_that_passes_without_its_pattern_is_refused() {
    broken(
        "one/lesson.md",
        "{ \"scene\": \"tiny\" }",
        "{ \"scene\": \"tiny\", \"set\": { \"/components/shop/service/queue\": 1000 } }",
        ":6: proof: the goal must be missed without the pattern; it is so for 20 of 20 seeds (with seed 1, lost requests 0)",
    );
}

#[test]
fn what_a_quiz_lacks_is_told() {
    broken(
        "one/quiz.json",
        "\"what-if\"",
        "\"recall\"",
        ":3: questions: no question has \"asks\": \"what-if\"",
    );
    broken(
        "one/quiz.json",
        "\"skill\": \"capacity\", ",
        "",
        ":4: questions[0].skill: the skill that it exercises is missing",
    );
}

#[test]
fn a_question_whose_answer_depends_on_luck_is_refused() {
    broken(
        "one/quiz.json",
        "\"tolerance\": 0.1",
        "\"tolerance\": 0.0001",
        ": what is right of 'q0' with seed 1, Number(49",
    );
}

#[test]
fn other_patterns_miss_the_goal_and_no_task_is_met_untouched() {
    broken(
        "one/lesson.md",
        "service/queue\": 12 }",
        "service/workers\": 3 }",
        ":6: proof: the goal must be missed in the run wrong[0], which has another pattern; it is so for 20 of 20 seeds",
    );
    broken(
        "one/lesson.md",
        " \"watch\": true,",
        "",
        ":17: the task of step 'slow' must not be met untouched: begin further from it",
    );
    broken(
        "one/lesson.md",
        "\"of\": \"shop\", \"above\": 0",
        "\"of\": \"shop\", \"above\": 100000",
        ":17: the task of step 'slow' is one to watch, so its run must bring it about untouched; it is so for 0 of 20 seeds",
    );
}

#[test]
fn a_lesson_of_a_course_is_closed_and_its_debrief_covers_all() {
    broken(
        "one/lesson.md",
        "\"measure\": \"lost\", \"below\": 1 }], \"say\": \"Nobody",
        "\"measure\": \"p99_ms\", \"above\": 50 }], \"say\": \"Nobody",
        ":27: the debrief has nothing to say of a run with Workers = ",
    );
    broken(
        "one/lesson.md",
        "\"when\": [], \"say\": \"So it is.\"",
        "\"when\": [{ \"measure\": \"p99_ms\", \"above\": 5000 }], \"say\": \"So it is.\"",
        ":27: line 4 of the debrief is never said",
    );
    let (open, _) = common::LESSON
        .split_once("## Your own")
        .expect("it is there");
    let folder = folder();
    write_course(folder.path());
    write(folder.path(), "one/lesson.md", open);
    let done = check(folder.path());
    let expected = "lesson.md:12: after the last step a section of a ```debrief block is missing";
    assert!(done.out.contains(expected), "{}", done.out);
    // Alone it may be short.
    fs::remove_file(folder.path().join("catalog.json")).expect("just written");
    assert_eq!(check(&folder.path().join("one")).code, Some(0));
}

#[test]
fn the_catalogue_and_the_folders_must_agree() {
    broken(
        "catalog.json",
        "A second worker",
        "Another",
        ":5: lessons[0].title: 'Another' differs from the lesson's own title",
    );
    broken(
        "catalog.json",
        "\"steps\": 1",
        "\"steps\": 2",
        ":5: lessons[0].steps: 2 differs from the lesson's own 1 steps",
    );
    broken(
        "catalog.json",
        ", \"planned\": true",
        "",
        ":6: lessons[1].planned: 'two' has no folder with a lesson.md",
    );
    broken(
        "catalog.json",
        "\"steps\": 1",
        "\"steps\": 1, \"planned\": true",
        ":5: lessons[0].planned: 'one' has a folder",
    );
}

#[test]
fn a_lesson_that_the_catalogue_leaves_out_is_told() {
    let folder = folder();
    write_course(folder.path());
    write(folder.path(), "left-out/lesson.md", common::LESSON);
    write(folder.path(), "left-out/scenes/tiny.json", common::SCENE);
    let done = check(folder.path());
    assert_eq!(done.code, Some(1));
    let expected = "catalog.json:4: lessons: 'left-out' has a folder but does not stand here\n";
    assert!(done.out.ends_with(expected), "{}", done.out);
}

#[test]
fn a_missing_scene_is_one_fault() {
    broken(
        "one/lesson.md",
        "\"slow\", \"scene\": \"tiny\"",
        "\"slow\", \"scene\": \"huge\"",
        ":17: scene: there is no scene 'huge': scenes/ has tiny",
    );
}

#[test]
fn a_prediction_must_leave_a_run_in_which_the_task_can_be_met() {
    broken(
        "one/lesson.md",
        r#""task": { "text": "Lose a request.", "when": [{ "measure": "lost", "of": "shop", "above": 0 }] }"#,
        r#""predict": { "ask": "How many?", "kind": { "number": { "measure": "throughput_per_s", "min": 0, "max": 200, "tolerance": 0.1 } }, "run": { "scene": "tiny", "set": { "/horizon_s": 5 } }, "explain": "50.", "misconception": "80." },
  "task": { "text": "Lose a request.", "when": [{ "measure": "lost", "of": "shop", "above": 0, "for_s": 8 }] }"#,
        ":17: predict: its run ends after 5 s, and the task must hold for 8 s in it",
    );
}

#[test]
fn a_missing_catalogue_is_told() {
    let folder = folder();
    write_course(folder.path());
    fs::remove_file(folder.path().join("catalog.json")).expect("just written");
    let done = check(folder.path());
    assert_eq!(done.code, Some(1));
    assert!(
        done.out.ends_with("catalog.json: the file was not found\n"),
        "{}",
        done.out
    );
}

/// A folder with one of the challenges, and an index of it.
fn a_challenge() -> tempfile::TempDir {
    let folder = folder();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../lessons/challenges/image-upload");
    for kind in ["", "solutions", "non-solutions"] {
        for entry in fs::read_dir(from.join(kind)).expect("it is there") {
            let path = entry.expect("it can be listed").path();
            if path.is_file() {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let text = fs::read_to_string(&path).expect("it can be read");
                let to = Path::new("image-upload").join(kind).join(&*name);
                write(folder.path(), &to.to_string_lossy(), &text);
            }
        }
    }
    write(folder.path(), "index.json", "[\"image-upload\"]\n");
    folder
}

#[test]
fn a_challenge_is_proven() {
    let folder = a_challenge();
    let done = check(folder.path());
    assert_eq!(
        (done.code, done.out.as_str()),
        (Some(0), "checked 1 challenge: no problem\n"),
        "{}",
        done.err
    );
    // Without its solutions it may have none.
    fs::remove_dir_all(folder.path().join("image-upload/solutions")).expect("just written");
    let done = check(&folder.path().join("image-upload"));
    let expected = "image-upload/challenge.json: it has to be solved in two ways at least: add to 'solutions'\n";
    assert!(done.out.ends_with(expected), "{}", done.out);
}

#[test]
fn faults_of_challenges_name_file_and_line() {
    for (file, from, to, expected) in [
        (
            "image-upload/challenge.json",
            "\"p99_ms\": 1300",
            "\"p99_ms\": -1300",
            "slos.p99_ms: -1300 is out of range: 0 to 3600000 is allowed",
        ),
        (
            "image-upload/challenge.json",
            "\"every\": \"service\"",
            "\"every\": \"srevice\"",
            "day.faults[0].at.every: ",
        ),
        (
            "image-upload/start.json",
            "\"workers\": 10",
            "\"workers\": 0",
            "components.app.service.workers: 0 is out of range",
        ),
        (
            "image-upload/solutions/queue.json",
            "\"to\": \"scaler\"",
            "\"to\": \"sclaer\"",
            "change.components.to-scale.queue.to: there is no component 'sclaer'",
        ),
        (
            "image-upload/solutions/queue.json",
            "\"why\"",
            "\"wy\"",
            "wy: unknown field `wy`",
        ),
        (
            "index.json",
            "\"image-upload\"",
            "\"image-uplaod\"",
            "the challenge 'image-upload' is not in the list: add it",
        ),
    ] {
        let folder = a_challenge();
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).expect("just written");
        assert!(text.contains(from), "{from}");
        fs::write(&path, text.replacen(from, to, 1)).expect("writable");
        let done = check(folder.path());
        assert_eq!(done.code, Some(1), "{file}: {to}");
        // The index as a whole lacks something.
        let line = match file {
            "index.json" => String::new(),
            _ => format!(
                ":{}",
                1 + text
                    .split_once(from)
                    .map_or(0, |(before, _)| before.matches('\n').count())
            ),
        };
        let expected = format!("{}{line}: {expected}", path.display());
        assert!(
            done.out.starts_with(&expected),
            "expected: {expected}\n     got: {}",
            done.out
        );
    }
}
