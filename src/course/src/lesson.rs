//! A lesson: steps with prose, a scene, a task, sometimes a prediction; and the proof that it teaches what it says.

use std::collections::BTreeMap;

use scale_sim::{Condition, Measure, Metric, Problem, Scenario, read_json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catalog::is_id;
use crate::markdown::{self, Block, Inline, Prose, Section};
use crate::quiz::{Quiz, RunRef};
use crate::setting::{Settings, apply};
use crate::source::{Fault, LessonFiles};

/// A whole lesson, read and checked.
#[derive(Clone, PartialEq, Debug)]
pub struct Lesson {
    /// Its title.
    pub title: String,
    /// What stands before the first step.
    pub intro: Prose,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// Its scenes by name.
    pub scenes: BTreeMap<String, Scene>,
    /// Its proof.
    pub proof: Proof,
    /// Its questions; none if it has no quiz.
    pub quiz: Quiz,
}

/// A scene: a scenario as its author wrote it, and as it was read.
#[derive(Clone, PartialEq, Debug)]
pub struct Scene {
    /// The scenario's JSON, for settings to change.
    pub json: Value,
    /// The scenario.
    pub scenario: Scenario,
}

/// A step of a lesson.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// Its title.
    pub title: String,
    /// Its prose.
    pub prose: Prose,
    /// All else.
    pub data: StepData,
}

/// The `step` block of a section.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StepData {
    /// The step's place in links and in progress.
    pub id: String,
    /// The scene it plays in.
    pub scene: String,
    /// What differs from the scene as written.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, Value>"))]
    pub set: Settings,
    /// What the learner can change.
    #[serde(default)]
    pub knobs: Vec<Knob>,
    /// What the learner is to bring about.
    #[serde(default)]
    pub task: Option<Task>,
    /// What the learner is to predict first.
    #[serde(default)]
    pub predict: Option<Predict>,
    /// What the prose says of runs; checked over many seeds.
    #[serde(default)]
    pub claims: Vec<Claim>,
}

/// Something the learner can change.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Knob {
    /// Its name.
    pub label: String,
    /// A JSON pointer to the number it changes.
    pub path: String,
    /// The lowest value.
    pub min: f64,
    /// The highest value.
    pub max: f64,
    /// From one value to the next.
    pub step: f64,
    /// The unit shown behind the number.
    #[serde(default)]
    pub unit: String,
}

/// Something for the learner to bring about.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// What to do, in a sentence.
    pub text: String,
    /// It is done when all of these hold at once.
    pub when: Vec<Condition>,
    /// Help for those who ask for it.
    #[serde(default)]
    pub hint: String,
}

/// A prediction to make before a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Predict {
    /// The question.
    pub ask: String,
    /// How it is answered.
    pub kind: Guess,
    /// The run that answers it; the run then goes on on the stage.
    pub run: RunRef,
    /// Why it is so: shown with the answer.
    pub explain: String,
    /// What a wrong prediction often rests on.
    #[serde(default)]
    pub misconception: String,
}

/// How a prediction is made, and what of the run is the truth.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Guess {
    /// A number on a line.
    Number {
        /// What is measured.
        measure: Metric,
        /// Of which component.
        #[serde(default)]
        of: Option<String>,
        /// The lowest number on the line.
        min: f64,
        /// The highest.
        max: f64,
        /// How far from the truth is still right, as a part of the truth.
        tolerance: f64,
    },
    /// The component of which a measure is greatest.
    Component {
        /// Which components to choose from.
        among: Vec<String>,
        /// What is measured.
        measure: Metric,
    },
}

/// The answer to a prediction, given or true.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A number.
    Number(f64),
    /// A component.
    Component(String),
}

/// Something the prose says of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The run.
    pub run: RunRef,
    /// What holds of it.
    pub holds: Vec<Condition>,
}

/// The `proof` block of a lesson: a goal that is missed without the lesson's pattern and met with it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The goal, over the whole run after its warm-up.
    pub goal: Vec<Condition>,
    /// The run without the pattern.
    pub without: RunRef,
    /// The run with it.
    pub with: RunRef,
}

/// Words of prose in one step, at most.
const WORDS: usize = 120;

impl Guess {
    /// The measures of the run that tell the truth.
    pub fn measures(&self) -> Vec<Measure> {
        match self {
            Self::Number { measure, of, .. } => vec![Measure {
                metric: *measure,
                of: of.clone(),
            }],
            Self::Component { among, measure } => among
                .iter()
                .map(|name| Measure {
                    metric: *measure,
                    of: Some(name.clone()),
                })
                .collect(),
        }
    }

    /// The truth, from the values of [`Guess::measures`]; `None` if the run had nothing to measure.
    pub fn truth(&self, values: &[Option<f64>]) -> Option<Answer> {
        match self {
            Self::Number { .. } => values.first().copied().flatten().map(Answer::Number),
            Self::Component { among, .. } => {
                let known = among
                    .iter()
                    .zip(values)
                    .filter_map(|(name, value)| Some((name, (*value)?)));
                let most = known.max_by(|(_, a), (_, b)| a.total_cmp(b))?;
                Some(Answer::Component(most.0.clone()))
            }
        }
    }

    /// Whether `given` is near enough to `truth`.
    pub fn is_right(&self, given: &Answer, truth: &Answer) -> bool {
        match (self, given, truth) {
            (Self::Number { tolerance, .. }, Answer::Number(given), Answer::Number(truth)) => {
                (given - truth).abs() <= tolerance * truth.abs()
            }
            _ => given == truth,
        }
    }
}

impl Scene {
    fn read(text: &str) -> Result<Self, Vec<Problem>> {
        let json = Scenario::tree(text)?;
        let scenario = Scenario::from_value(&json)?;
        Ok(Self { json, scenario })
    }
}

impl Lesson {
    /// Reads a lesson.
    ///
    /// # Errors
    ///
    /// Every fault, with its file and, in `lesson.md`, its line.
    pub fn read(files: &LessonFiles) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut scenes = BTreeMap::new();
        for (name, text) in &files.scenes {
            let file = format!("scenes/{name}.json");
            match Scene::read(text) {
                Ok(scene) => {
                    scenes.insert(name.clone(), scene);
                }
                Err(problems) => faults.extend(
                    problems
                        .into_iter()
                        .map(|problem| Fault::new(&file, problem)),
                ),
            }
        }
        // All else is checked against the scenes: without them every mention of one would be a fault too.
        if !faults.is_empty() {
            return Err(faults);
        }
        let quiz = match &files.quiz {
            Some(text) => Quiz::read(text, &scenes).unwrap_or_else(|problems| {
                faults.extend(
                    problems
                        .into_iter()
                        .map(|problem| Fault::new("quiz.json", problem)),
                );
                Quiz::default()
            }),
            None => Quiz::default(),
        };
        let lesson = Reader {
            scenes: &scenes,
            faults: &mut faults,
        }
        .lesson(&files.lesson);
        if let Some(lesson) = &lesson {
            unused_scenes(lesson, &quiz, &scenes, &mut faults);
        }
        match lesson {
            Some(lesson) if faults.is_empty() => Ok(Self {
                scenes,
                quiz,
                ..lesson
            }),
            _ => {
                // What a run is asked for twice, it lacks twice.
                faults.dedup();
                Err(faults)
            }
        }
    }

    /// The scenario of a run of this lesson.
    ///
    /// # Errors
    ///
    /// Settings that do not fit the scene; runs named in the lesson's own files were checked when it was read.
    pub fn scenario(&self, run: &RunRef) -> Result<Scenario, Vec<Problem>> {
        run.scenario(&self.scenes)
    }

    /// The step called `id`, and its place.
    pub fn step(&self, id: &str) -> Option<(usize, &Step)> {
        self.steps
            .iter()
            .enumerate()
            .find(|(_, step)| step.data.id == id)
    }
}

const FILE: &str = "lesson.md";

struct Reader<'a> {
    scenes: &'a BTreeMap<String, Scene>,
    faults: &'a mut Vec<Fault>,
}

impl Reader<'_> {
    fn lesson(&mut self, text: &str) -> Option<Lesson> {
        let (sections, faults) = markdown::sections(FILE, text);
        self.faults.extend(faults);
        let mut sections = sections
            .into_iter()
            .filter(|s| !(s.level == 0 && s.prose.is_empty() && s.data.is_empty()));
        let Some(head) = sections.next().filter(|s| s.level == 1) else {
            self.faults.push(Fault::at(
                FILE,
                1,
                "a lesson begins with its title: # Title",
            ));
            return None;
        };
        let mut proof = None;
        for (name, text, line) in &head.data {
            if name == "proof" {
                proof = self.data::<Proof>(text, *line);
                if let Some(proof) = &proof {
                    self.conditions(&proof.goal, &proof.without, *line);
                    self.conditions(&proof.goal, &proof.with, *line);
                }
            } else {
                self.faults.push(Fault::at(
                    FILE,
                    *line,
                    "a step begins with its heading: ## Title",
                ));
            }
        }
        if !head.data.iter().any(|(name, ..)| name == "proof") {
            let message = "a lesson needs a ```proof block under its title: a goal missed without its pattern and met with it";
            self.faults.push(Fault::at(FILE, head.line, message));
        }
        let mut sections = sections.peekable();
        if sections.peek().is_none() {
            self.faults.push(Fault::at(
                FILE,
                head.line,
                "a lesson needs at least one step: ## Title",
            ));
        }
        let mut steps: Vec<Step> = Vec::new();
        for section in sections {
            let line = section.line;
            if let Some(step) = self.step(section) {
                if steps.iter().any(|other| other.data.id == step.data.id) {
                    let message = format!("another step is called '{}' too", step.data.id);
                    self.faults.push(Fault::at(FILE, line, message));
                }
                steps.push(step);
            }
        }
        Some(Lesson {
            title: head.title,
            intro: head.prose,
            steps,
            scenes: BTreeMap::new(),
            proof: proof?,
            quiz: Quiz::default(),
        })
    }

    fn step(&mut self, section: Section) -> Option<Step> {
        if section.level != 2 {
            self.faults.push(Fault::at(
                FILE,
                section.line,
                "below a lesson's title there are only steps: ## Title",
            ));
        }
        let Some((_, text, line)) = section.data.iter().find(|(name, ..)| name == "step") else {
            let message = format!(
                "the step '{}' has no scene: add a ```step block such as {{ \"id\": \"one\", \"scene\": \"one\" }}",
                section.title
            );
            self.faults.push(Fault::at(FILE, section.line, message));
            return None;
        };
        let words = words(&section.prose);
        if words > WORDS {
            let message = format!(
                "the step '{}' has {words} words: at most {WORDS} are allowed",
                section.title
            );
            self.faults.push(Fault::at(FILE, section.line, message));
        }
        let data: StepData = self.data(text, *line)?;
        if !is_id(&data.id) {
            let message = format!(
                "'{}': a step's id is 1 to 40 lower-case letters, digits and '-'",
                data.id
            );
            self.faults.push(Fault::at(FILE, *line, message));
        }
        let run = RunRef {
            scene: data.scene.clone(),
            set: data.set.clone(),
        };
        if let Some(scenario) = self.scenario(&run, *line) {
            self.components(&section, &scenario);
            self.knobs(&data, &run, *line);
        }
        if let Some(task) = &data.task {
            self.conditions(&task.when, &run, *line);
        }
        for claim in &data.claims {
            self.conditions(&claim.holds, &claim.run, *line);
        }
        if let Some(predict) = &data.predict
            && let Some(scenario) = self.scenario(&predict.run, *line)
        {
            for measure in predict.kind.measures() {
                for problem in measure.problems(&scenario) {
                    self.faults.push(Fault::at(
                        FILE,
                        *line,
                        format!("predict: {}", problem.message),
                    ));
                }
            }
        }
        Some(Step {
            title: section.title,
            prose: section.prose,
            data,
        })
    }

    fn data<T: serde::de::DeserializeOwned>(&mut self, text: &str, line: usize) -> Option<T> {
        match read_json(text) {
            Ok(data) => Some(data),
            Err(problem) => {
                self.faults.push(Fault::at(FILE, line, problem.to_string()));
                None
            }
        }
    }

    fn scenario(&mut self, run: &RunRef, line: usize) -> Option<Scenario> {
        match run.scenario(self.scenes) {
            Ok(scenario) => Some(scenario),
            Err(problems) => {
                self.faults.extend(
                    problems
                        .iter()
                        .map(|problem| Fault::at(FILE, line, problem.to_string())),
                );
                None
            }
        }
    }

    fn conditions(&mut self, conditions: &[Condition], run: &RunRef, line: usize) {
        if conditions.is_empty() {
            self.faults.push(Fault::at(
                FILE,
                line,
                "no condition: what would always hold shows nothing",
            ));
        }
        let Some(scenario) = self.scenario(run, line) else {
            return;
        };
        for condition in conditions {
            for problem in condition.problems(&scenario) {
                self.faults.push(Fault::at(FILE, line, problem.to_string()));
            }
        }
    }

    fn components(&mut self, section: &Section, scenario: &Scenario) {
        let line = section.line;
        markdown::each_inline(&section.prose, &mut |inline| {
            if let Inline::Component { name, .. } = inline
                && !scenario.components.contains_key(name)
            {
                let known: Vec<&str> = scenario.components.keys().map(String::as_str).collect();
                let message = format!(
                    "component:{name} is not in this step's scene, which has {}",
                    known.join(", ")
                );
                self.faults.push(Fault::at(FILE, line, message));
            }
        });
    }

    /// A knob must fit at both of its ends.
    fn knobs(&mut self, data: &StepData, run: &RunRef, line: usize) {
        for knob in &data.knobs {
            if !(knob.min < knob.max && knob.step > 0.0) {
                let message = format!(
                    "the knob '{}': min must be below max, and step above 0",
                    knob.label
                );
                self.faults.push(Fault::at(FILE, line, message));
            }
            for end in [knob.min, knob.max] {
                let mut run = run.clone();
                run.set.insert(knob.path.clone(), number(end));
                if let Err(problems) = run.scenario(self.scenes) {
                    let message = format!("the knob '{}' at {end}: {}", knob.label, problems[0]);
                    self.faults.push(Fault::at(FILE, line, message));
                }
            }
        }
    }
}

/// A number as JSON writes it: without a fraction where there is none, so that it fits counts too.
pub(crate) fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        Value::from(value as i64)
    } else {
        Value::from(value)
    }
}

impl Knob {
    /// `value` as it is put into the scenario.
    pub fn value(value: f64) -> Value {
        number(value)
    }
}

fn words(prose: &[Block]) -> usize {
    let count = |content: &[Inline]| markdown::plain(content).split_whitespace().count();
    let of_block = |block: &Block| match block {
        Block::Paragraph(content) | Block::Aside(content) => count(content),
        Block::List { items, .. } => items.iter().map(|item| count(item)).sum(),
        Block::Code { .. } => 0,
    };
    prose.iter().map(of_block).sum()
}

fn unused_scenes(
    lesson: &Lesson,
    quiz: &Quiz,
    scenes: &BTreeMap<String, Scene>,
    faults: &mut Vec<Fault>,
) {
    let steps = lesson.steps.iter().flat_map(|step| {
        let claims = step.data.claims.iter().map(|claim| &claim.run.scene);
        let predict = step.data.predict.iter().map(|predict| &predict.run.scene);
        claims.chain(predict).chain([&step.data.scene])
    });
    let proof = [&lesson.proof.with.scene, &lesson.proof.without.scene];
    let used: Vec<&String> = steps.chain(proof).chain(quiz.scenes()).collect();
    for name in scenes.keys() {
        if !used.contains(&name) {
            let problem = Problem::new(
                "",
                "no step and no question uses this scene: use it or delete it",
            );
            faults.push(Fault::new(&format!("scenes/{name}.json"), problem));
        }
    }
}

impl RunRef {
    pub(crate) fn scenario(
        &self,
        scenes: &BTreeMap<String, Scene>,
    ) -> Result<Scenario, Vec<Problem>> {
        let scene = scenes.get(&self.scene).ok_or_else(|| {
            let known: Vec<&str> = scenes.keys().map(String::as_str).collect();
            let message = format!(
                "there is no scene '{}': scenes/ has {}",
                self.scene,
                known.join(", ")
            );
            vec![Problem::new("scene", message)]
        })?;
        apply(&scene.json, &self.set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENE: &str = r#"{ "version": 1, "horizon_s": 10, "components": {
        "users": { "client": { "operation": "buy", "target": "shop", "arrivals": { "poisson": { "rate_per_s": 5 } } } },
        "shop": { "service": { "workers": 2, "plans": { "*": [ { "work": { "constant": { "mean_ms": 20 } } } ] } } } } }"#;

    const LESSON: &str = r#"# A lesson

Its purpose.

```proof
{ "goal": [{"measure":"p99_ms","below":100}],
  "without": {"scene":"one","set":{"/components/shop/service/workers":1}}, "with": {"scene":"one"} }
```

## A step

The [shop](component:shop) works.

```step
{ "id": "a", "scene": "one",
  "knobs": [{"label":"Load","path":"/components/users/client/arrivals/poisson/rate_per_s","min":1,"max":9,"step":1}],
  "task": {"text":"Lose one.","when":[{"measure":"lost","of":"shop","above":0}]} }
```
"#;

    fn read(lesson: &str) -> Result<Lesson, Vec<String>> {
        let scenes = [("one".to_owned(), SCENE.to_owned())].into();
        let files = LessonFiles {
            lesson: lesson.to_owned(),
            quiz: None,
            scenes,
        };
        Lesson::read(&files).map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    /// `LESSON` with `from` replaced by `to` has a fault that reads `expected`.
    fn check(from: &str, to: &str, expected: &str) {
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
            "lesson.md:10: the step 'A step' has no scene: add a ```step block",
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
