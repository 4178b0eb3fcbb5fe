//! Checks of what a lesson's parts say of one another: every scene, component, setting and measure that is named must be there.
//!
//! The page has its simulation worker make them too: whoever opens a broken lesson reads what is wrong with it, not a stage
//! that stays empty.

mod closing;
mod question;

use scale_sim::{Condition, Files, Measure, Model, Problem, Scenario};

use crate::catalog::is_id;
use crate::lesson::{FILE, Knob, Lesson, Step, number};
use crate::markdown::{self, Block, Inline};
use crate::quiz::RunRef;
use crate::reading;
use crate::source::Fault;

/// The names of a lesson's other pages, in links.
const RESERVED: [&str; 2] = ["quiz", "debrief"];

impl Lesson {
    /// Everything that cannot be run or does not fit together; nothing if every scene, step, question and proof can be run.
    pub fn faults(&self) -> Vec<Fault> {
        let mut checks = Checks {
            lesson: self,
            faults: Vec::new(),
        };
        for (name, scene) in &self.scenes {
            let model = Scenario::from_value(&scene.json)
                .and_then(|scenario| Model::new(&scenario, &Files::new()));
            if let Err(problems) = model {
                let file = format!("scenes/{name}.json");
                let faults = problems.into_iter().map(|p| Fault::new(&file, p));
                checks.faults.extend(faults);
            }
        }
        if !checks.faults.is_empty() {
            // All that plays in a broken scene would repeat what is wrong with it.
            return checks.faults;
        }
        checks.proof();
        for (at, step) in self.steps.iter().enumerate() {
            checks.step(step);
            if self.steps[..at].iter().any(|s| s.data.id == step.data.id) {
                checks.fault(
                    step.line,
                    format!("another step is called '{}' too", step.data.id),
                );
            }
        }
        for (at, question) in self.quiz.questions.iter().enumerate() {
            checks.question(at, question);
        }
        checks.closings();
        checks.unused_scenes();
        // What a run is asked for twice, it lacks twice.
        checks.faults.dedup();
        checks.faults
    }
}

struct Checks<'a> {
    lesson: &'a Lesson,
    faults: Vec<Fault>,
}

impl Checks<'_> {
    fn fault(&mut self, line: usize, message: impl Into<String>) {
        self.faults.push(Fault::at(FILE, line, message));
    }

    fn proof(&mut self) {
        let (proof, line) = (&self.lesson.proof, self.lesson.proof_line);
        self.conditions(&proof.goal, &proof.without, line);
        self.conditions(&proof.goal, &proof.with, line);
        if proof.wrong.is_empty() {
            self.fault(
                line,
                "proof: name at least one run with another pattern, which misses the goal too: \"wrong\": [{ \"scene\": …, \"set\": { … } }]",
            );
        }
        for (at, wrong) in proof.wrong.iter().enumerate() {
            self.conditions(&proof.goal, wrong, line);
            if [&proof.without, &proof.with].contains(&wrong) || proof.wrong[..at].contains(wrong) {
                self.fault(
                    line,
                    format!("proof.wrong[{at}]: this run stands here twice"),
                );
            }
        }
    }

    fn step(&mut self, step: &Step) {
        let (data, line) = (&step.data, step.data_line);
        self.length(&step.title, &step.prose, step.line);
        if !is_id(&data.id) {
            let message = format!(
                "'{}': a step's id is 1 to 40 lower-case letters, digits and '-'",
                data.id
            );
            self.fault(line, message);
        }
        if RESERVED.contains(&data.id.as_str()) {
            let message = format!(
                "'{}': a step cannot be called that, for another page is",
                data.id
            );
            self.fault(line, message);
        }
        let run = step.run();
        if let Some(scenario) = self.scenario(&run, line) {
            self.prose(&step.prose, step.line, &scenario);
            self.knobs(step, &run);
            self.twin(step, &scenario);
        }
        if let Some(task) = &data.task {
            self.conditions(&task.when, &run, line);
        } else if data.watch {
            self.fault(line, "watch: there is no task to be brought about");
        }
        for claim in &data.claims {
            self.conditions(&claim.holds, &claim.run, line);
        }
        if let Some(predict) = &data.predict
            && let Some(scenario) = self.scenario(&predict.run, line)
        {
            for problem in problems(&predict.kind.measures(), &scenario) {
                self.fault(line, format!("predict: {}", problem.message));
            }
            // The run of the prediction stays on the stage, and the task is met in it.
            let lasts = { data.task.iter() }.flat_map(|task| &task.when);
            let longest_s = lasts.filter_map(|when| when.for_s).fold(0.0, f64::max);
            if scenario.horizon_s < longest_s {
                let ends_s = scenario.horizon_s;
                let message = format!(
                    "predict: its run ends after {ends_s} s, and the task must hold for {longest_s} s in it: let it run longer"
                );
                self.fault(line, message);
            }
        }
    }

    fn scenario(&mut self, run: &RunRef, line: usize) -> Option<Scenario> {
        let found = self.lesson.scenario(run);
        found
            .map_err(|problems| {
                for problem in problems {
                    self.fault(line, problem.to_string());
                }
            })
            .ok()
    }

    fn conditions(&mut self, conditions: &[Condition], run: &RunRef, line: usize) {
        if conditions.is_empty() {
            self.fault(line, "no condition: what would always hold shows nothing");
        }
        let Some(scenario) = self.scenario(run, line) else {
            return;
        };
        for problem in conditions.iter().flat_map(|c| c.problems(&scenario)) {
            self.fault(line, problem.to_string());
        }
    }

    fn length(&mut self, title: &str, prose: &[Block], line: usize) {
        if let Some(message) = reading::too_long(title, prose) {
            self.fault(line, message);
        }
    }

    /// The components that prose and its code name must be in their scene.
    fn prose(&mut self, prose: &[Block], line: usize, scenario: &Scenario) {
        let known: Vec<&str> = scenario.components.keys().map(String::as_str).collect();
        let missing = |name: &str| {
            (!scenario.components.contains_key(name)).then(|| {
                format!(
                    "component:{name} is not in this step's scene, which has {}",
                    known.join(", ")
                )
            })
        };
        markdown::each_inline(prose, &mut |inline| {
            if let Inline::Component { name, .. } = inline
                && let Some(message) = missing(name)
            {
                self.fault(line, message);
            }
        });
        for block in prose {
            if let Block::Code {
                language,
                component,
                text,
                line,
            } = block
            {
                let missing = component.as_deref().and_then(missing);
                for message in reading::code(language, text).into_iter().chain(missing) {
                    self.fault(line - 1, message);
                }
            }
        }
    }

    /// A twin must last as long as the step's run, and fit wherever a knob is that it has too.
    fn twin(&mut self, step: &Step, own: &Scenario) {
        let (Some(twin), line) = (&step.data.twin, step.data_line) else {
            return;
        };
        for (name, text) in [("label", &twin.label), ("own", &twin.own)] {
            if text.trim().is_empty() {
                self.fault(line, format!("twin.{name}: say what this run is called"));
            }
        }
        let Some(beside) = self.scenario(&twin.run, line) else {
            return;
        };
        if (beside.horizon_s - own.horizon_s).abs() > f64::EPSILON {
            let message = format!(
                "twin: its run ends at {} s, the step's own at {} s: both must have one horizon_s",
                beside.horizon_s, own.horizon_s
            );
            self.fault(line, message);
        }
        let tree = self.lesson.tree(&twin.run).unwrap_or_default();
        for knob in &step.data.knobs {
            if tree.pointer(&knob.path).is_some() {
                self.ends(knob, &twin.run, line, "twin: ");
            }
        }
    }

    /// A knob must fit at both of its ends.
    fn knobs(&mut self, step: &Step, run: &RunRef) {
        for knob in &step.data.knobs {
            if !(knob.min < knob.max && knob.step > 0.0) {
                let message = format!(
                    "the knob '{}': min must be below max, and step above 0",
                    knob.label
                );
                self.fault(step.data_line, message);
            }
            self.ends(knob, run, step.data_line, "");
        }
    }

    fn ends(&mut self, knob: &Knob, run: &RunRef, line: usize, whose: &str) {
        for end in [knob.min, knob.max] {
            let mut run = run.clone();
            run.set.insert(knob.path.clone(), number(end));
            if let Err(problems) = self.lesson.scenario(&run) {
                let message = format!("{whose}the knob '{}' at {end}: {}", knob.label, problems[0]);
                self.fault(line, message);
            }
        }
    }

    fn unused_scenes(&mut self) {
        let lesson = self.lesson;
        let steps = lesson.steps.iter().flat_map(|step| {
            let claims = step.data.claims.iter().map(|claim| &claim.run.scene);
            let predict = step.data.predict.iter().map(|predict| &predict.run.scene);
            let twin = step.data.twin.iter().map(|twin| &twin.run.scene);
            claims.chain(predict).chain(twin).chain([&step.data.scene])
        });
        let proof = [&lesson.proof.with, &lesson.proof.without];
        let proof = proof
            .into_iter()
            .chain(&lesson.proof.wrong)
            .map(|run| &run.scene);
        let quiz = lesson.quiz.questions.iter().map(|q| &q.run.scene);
        let used: Vec<&String> = steps.chain(proof).chain(quiz).collect();
        for name in lesson.scenes.keys().filter(|name| !used.contains(name)) {
            let message = "no step and no question uses this scene: use it or delete it";
            let file = format!("scenes/{name}.json");
            self.faults
                .push(Fault::new(&file, Problem::new("", message)));
        }
    }
}

fn problems(measures: &[Measure], scenario: &Scenario) -> Vec<Problem> {
    measures
        .iter()
        .flat_map(|measure| measure.problems(scenario))
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::source::LessonFiles;

    pub const SCENE: &str = r#"{ "version": 1, "horizon_s": 10, "components": {
        "users": { "client": { "operation": "buy", "target": "shop", "arrivals": { "poisson": { "rate_per_s": 5 } } } },
        "shop": { "service": { "workers": 2, "plans": { "*": [ { "work": { "constant": { "mean_ms": 20 } } } ] } } } } }"#;

    pub const LESSON: &str = r#"# A lesson

Its purpose.

```proof
{ "goal": [{"measure":"p99_ms","below":100}],
  "without": {"scene":"one","set":{"/components/shop/service/workers":1}}, "with": {"scene":"one"},
  "wrong": [{"scene":"one","set":{"/components/shop/service/workers":3}}] }
```

## A step

The [shop](component:shop) works.

```step
{ "id": "a", "scene": "one",
  "knobs": [{"label":"Load","path":"/components/users/client/arrivals/poisson/rate_per_s","min":1,"max":9,"step":1}],
  "twin": {"label":"Three","own":"Two","run":{"scene":"one","set":{"/components/shop/service/workers":3}}},
  "task": {"text":"Lose one.","when":[{"measure":"lost","of":"shop","above":0}]} }
```

## Your run

The [shop](component:shop) again.

```js component=shop
const answer = await work(20);
```

```debrief
[ {"when":[{"measure":"lost","above":0}],"say":"A."}, {"when":[{"measure":"lost","below":1}],"say":"B."},
  {"when":[],"say":"C."}, {"when":[],"say":"D."} ]
```

## In real systems

```sources
[ {"title":"A","url":"https://example.org/a","says":"So."}, {"title":"B","url":"https://example.org/b","says":"So."} ]
```
"#;

    pub fn read(lesson: &str) -> Result<Lesson, Vec<String>> {
        let scenes = [("one".to_owned(), SCENE.to_owned())].into();
        let files = LessonFiles {
            lesson: lesson.to_owned(),
            quiz: None,
            scenes,
        };
        let told = |faults: Vec<Fault>| faults.iter().map(ToString::to_string).collect();
        let lesson = Lesson::read(&files).map_err(told)?;
        match lesson.faults() {
            faults if faults.is_empty() => Ok(lesson),
            faults => Err(told(faults)),
        }
    }

    /// `LESSON` with `from` replaced by `to` has a fault that reads `expected`.
    pub fn check(from: &str, to: &str, expected: &str) {
        assert!(LESSON.contains(from), "{from}");
        let faults = read(&LESSON.replacen(from, to, 1)).expect_err("must be refused");
        assert!(
            faults.iter().any(|fault| fault.contains(expected)),
            "{faults:?}"
        );
    }

    #[test]
    fn a_good_lesson_is_read() {
        let lesson = read(LESSON).expect("valid");
        assert_eq!((lesson.title.as_str(), lesson.steps.len()), ("A lesson", 1));
        assert_eq!(lesson.steps[0].data.knobs.len(), 1);
        assert_eq!(lesson.unclosed(), []);
    }

    #[test]
    fn a_fault_above_the_steps_hides_none_in_them() {
        let text = "# X\n\n## A step\n\nWords.\n\n## Another\n\nWords.\n";
        let faults = read(text).expect_err("it has neither proof nor scenes");
        for expected in [
            "lesson.md:1: a lesson needs",
            "lesson.md:3: the step 'A step'",
            "lesson.md:7: the step 'Another'",
        ] {
            assert!(
                faults.iter().any(|fault| fault.starts_with(expected)),
                "{faults:?}"
            );
        }
    }

    #[test]
    fn a_twin_fits_the_step_and_a_wrong_run_is_another() {
        check(
            "\"run\":{\"scene\":\"one\",\"set\":{",
            "\"run\":{\"scene\":\"one\",\"set\":{\"/horizon_s\":20,",
            "twin: its run ends at 20 s, the step's own at 10 s",
        );
        check("\"own\":\"Two\"", "\"own\":\"\"", "twin.own: say what");
        check(
            "workers\":3}}] }",
            "workers\":1}}] }",
            "wrong[0]: this run stands here twice",
        );
        check(
            "\"wrong\": [{\"scene\":\"one\",\"set\":{\"/components/shop/service/workers\":3}}]",
            "\"wrong\": []",
            "lesson.md:6: proof: name at least one run with another pattern",
        );
        check(
            "\"task\": {\"text\":\"Lose one.\",\"when\":[{\"measure\":\"lost\",\"of\":\"shop\",\"above\":0}]}",
            "\"watch\": true",
            "watch: there is no task",
        );
    }

    #[test]
    fn faults_name_their_line_and_the_remedy() {
        check(
            "```step\n{ \"id\": \"a\", \"scene\": \"one\",",
            "```step\n{ \"id\": \"a\",",
            "lesson.md:1",
        );
        check(
            "```step",
            "```json",
            "lesson.md:11: the step 'A step' has no scene: add a ```step block",
        );
        check(
            "\"scene\": \"one\",\n  \"knobs\"",
            "\"scene\": \"two\",\n  \"knobs\"",
            "there is no scene 'two': scenes/ has one",
        );
        check(
            "component:shop",
            "component:till",
            "component:till is not in this step's scene, which has users, shop",
        );
        check(
            "\"id\": \"a\"",
            "\"id\": \"quiz\"",
            "'quiz': a step cannot be called that",
        );
        check("\"min\":1", "\"min\":-1", "the knob 'Load' at -1");
        check(
            "rate_per_s\",\"min\"",
            "rate\",\"min\"",
            "names nothing in the scene",
        );
        check(
            "\"lost\",\"of\":\"shop\"",
            "\"lost\",\"of\":\"till\"",
            "there is no component 'till'",
        );
        check("\"text\"", "\"txt\"", "task.txt: unknown field");
        check(
            "# A lesson\n",
            "",
            "lesson.md:1: a lesson begins with its title",
        );
        check("```proof", "```text", "a lesson needs a ```proof block");
        check(
            "Its purpose.",
            "<b>Its</b> purpose.",
            "lesson.md:3: HTML is not allowed",
        );
        check(
            "The [shop]",
            &format!("{} [shop]", "word ".repeat(121)),
            "at most 120 are allowed",
        );
    }
}
