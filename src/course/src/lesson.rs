//! A lesson: steps with prose, a scene, a task, sometimes a prediction; and the proof that it teaches what it says.

use scale_sim::{Condition, Kind, Measure, Metric, Problem, Scenario};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vecmap::VecMap;

use crate::assemble::assembled;
use crate::closing::{Closing, Remark, Source};
use crate::markdown::{self, Prose};
use crate::quiz::{Quiz, RunRef};
use crate::setting::{Settings, patched};
use crate::source::{Fault, LessonFiles};

/// A whole lesson.
#[derive(Clone, PartialEq, Debug)]
pub struct Lesson {
    /// Its title.
    pub title: String,
    /// What stands before the first step.
    pub intro: Prose,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// What is said of the learner's own last run.
    pub debrief: Option<Closing<Remark>>,
    /// Where real systems tell the same.
    pub sources: Option<Closing<Source>>,
    /// Its scenes by name.
    pub scenes: VecMap<String, Scene>,
    /// Its proof.
    pub proof: Proof,
    /// The line of `lesson.md` where the proof stands.
    pub proof_line: usize,
    /// Its questions; none if it has no quiz.
    pub quiz: Quiz,
}

/// A scene: a scenario as its author wrote it. Whether it can be run is for [`Lesson::faults`] to say, and for who runs it:
/// a page that only shows it need not know all that a scenario may hold.
#[derive(Clone, PartialEq, Debug)]
pub struct Scene {
    /// The scenario's JSON, for settings to change.
    pub json: Value,
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
    /// The line of `lesson.md` where it begins.
    pub line: usize,
    /// The line where its `step` block begins.
    pub data_line: usize,
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
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, Value>")
    )]
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
    /// Another run, shown beside the step's own under the same seed.
    #[serde(default)]
    pub twin: Option<Twin>,
    /// Whether the run itself brings the task about while one watches; else it must not be met untouched.
    #[serde(default)]
    pub watch: bool,
    /// What the prose says of runs; checked over many seeds.
    #[serde(default)]
    pub claims: Vec<Claim>,
}

/// A run beside a step's own: the same arrivals and draws in another design.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Twin {
    /// What it is called.
    pub label: String,
    /// What the step's own run is called beside it.
    pub own: String,
    /// The run. It has the step's seed, and must have its horizon.
    pub run: RunRef,
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
    /// Runs with other patterns, which a learner might try instead: each misses the goal.
    #[serde(default)]
    pub wrong: Vec<RunRef>,
}

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

impl Step {
    /// Its run, as it is set at the start.
    pub fn run(&self) -> RunRef {
        RunRef {
            scene: self.data.scene.clone(),
            set: self.data.set.clone(),
        }
    }
}

impl Scene {
    fn read(text: &str) -> Result<Self, Vec<Problem>> {
        let json = Scenario::tree(text)?;
        Ok(Self { json })
    }

    /// What the component called `name` is; nothing if there is none.
    pub fn kind(&self, name: &str) -> Option<Kind> {
        let component = self.json.get("components")?.get(name)?.as_object()?;
        Kind::named(component.keys().next()?)
    }

    /// What the component called `name` is, and its name on the picture; nothing if there is none.
    pub fn named(&self, name: &str) -> Option<(Kind, String)> {
        Some((self.kind(name)?, self.label(name).to_owned()))
    }

    /// The name of a component on the picture.
    pub fn label<'a>(&'a self, name: &'a str) -> &'a str {
        let view = self.json.get("view").and_then(|view| view.get(name));
        let label = view.and_then(|view| view.get("label")?.as_str());
        label.unwrap_or(name)
    }
}

impl Lesson {
    /// Reads a lesson. Whether its scenes can be run, and what its parts say of one another, is not looked at: see
    /// [`Lesson::faults`].
    ///
    /// # Errors
    ///
    /// Every fault, with its file and, in `lesson.md`, its line.
    pub fn read(files: &LessonFiles) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut scenes = VecMap::new();
        for (name, text) in &files.scenes {
            match Scene::read(text) {
                Ok(scene) => {
                    scenes.insert(name.clone(), scene);
                }
                Err(problems) => {
                    let file = format!("scenes/{name}.json");
                    faults.extend(problems.into_iter().map(|p| Fault::new(&file, p)));
                }
            }
        }
        let quiz = files
            .quiz
            .as_ref()
            .map_or(Ok(Quiz::default()), |text| Quiz::read(text));
        let quiz = quiz.unwrap_or_else(|problems| {
            faults.extend(problems.into_iter().map(|p| Fault::new("quiz.json", p)));
            Quiz::default()
        });
        let (sections, found) = markdown::sections(FILE, &files.lesson);
        faults.extend(found);
        let lesson = assembled(sections, scenes, quiz, &mut faults);
        match lesson {
            Some(lesson) if faults.is_empty() => Ok(lesson),
            _ => Err(faults),
        }
    }

    /// The scenario of a run of this lesson.
    ///
    /// # Errors
    ///
    /// A scene that is not there, or settings that do not fit it.
    pub fn scenario(&self, run: &RunRef) -> Result<Scenario, Vec<Problem>> {
        Scenario::from_value(&self.tree(run)?)
    }

    /// The JSON of the scenario of a run of this lesson.
    ///
    /// # Errors
    ///
    /// A scene that is not there, or a setting that names nothing in it.
    pub fn tree(&self, run: &RunRef) -> Result<Value, Vec<Problem>> {
        let scene = self.scenes.get(&run.scene).ok_or_else(|| {
            let known: Vec<&str> = self.scenes.keys().map(String::as_str).collect();
            let message = format!(
                "there is no scene '{}': scenes/ has {}",
                run.scene,
                known.join(", ")
            );
            vec![Problem::new("scene", message)]
        })?;
        patched(&scene.json, &run.set)
    }

    /// The step called `id`, and its place.
    pub fn step(&self, id: &str) -> Option<(usize, &Step)> {
        self.steps
            .iter()
            .enumerate()
            .find(|(_, step)| step.data.id == id)
    }
}

/// The file of a lesson's prose.
pub(crate) const FILE: &str = "lesson.md";

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
