//! The quiz: questions as data, drawn anew from a seed, answered by the engine.
//!
//! No key is written down. A choice is right if its conditions hold in the question's run; a number is a measure of the
//! run; a component is the one of which a measure is greatest; an order is that of a measure over several runs, and a curve
//! shows a measure over several runs. An explanation is compared with a model answer by who wrote it; what the model answer
//! says of its run is held against the run.

mod draw;
mod judge;
mod key;
mod lacks;

use scale_sim::{Condition, Metric, Problem, read_json};
use serde::{Deserialize, Serialize};
use vecmap::VecMap;

pub(crate) use draw::mix;
pub use draw::{Drawn, Shown};
pub use judge::{Feedback, Given, Grade};
pub use key::{Key, Truth};

use crate::catalog::is_id;
use crate::setting::Settings;

/// A run: a scene with settings.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RunRef {
    /// The scene's name.
    pub scene: String,
    /// What differs from the scene as written.
    #[serde(default)]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")
    )]
    pub set: Settings,
}

/// The questions of a lesson.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Quiz {
    /// The version of the format: 1.
    pub version: u32,
    /// The questions, in order.
    pub questions: Vec<Question>,
}

/// A question, or a template of many.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Its place in progress.
    pub id: String,
    /// What it exercises; asked for by `lab check`.
    #[serde(default)]
    pub skill: Option<Skill>,
    /// What it asks of the learner; asked for by `lab check`.
    #[serde(default)]
    pub asks: Option<Asks>,
    /// The question; `{name}` stands for a parameter.
    pub ask: String,
    /// Parameters and the values that each may take; one is drawn.
    #[serde(default)]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, Vec<f64>>")
    )]
    pub params: VecMap<String, Vec<f64>>,
    /// The run that answers it. A value `"{name}"` in its settings stands for a parameter.
    pub run: RunRef,
    /// How it is answered.
    pub kind: Kind,
    /// Why it is so; shown with the answer. `{name}` stands for a parameter.
    pub explain: String,
    /// What a wrong answer often rests on, where the answer itself does not say.
    #[serde(default)]
    pub misconception: String,
}

/// What a question exercises.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Skill {
    /// Waiting, utilisation, latency.
    Queueing,
    /// What a system can do, and what limits it.
    Capacity,
    /// Scale by copies.
    XAxis,
    /// Scale by splitting work.
    YAxis,
    /// Scale by splitting data.
    ZAxis,
    /// Choosing who serves a request.
    Balancing,
    /// Keeping answers.
    Caching,
    /// What readers see of writes.
    Consistency,
    /// Where keys live, and how they move.
    Sharding,
    /// Changes that hold together.
    Transactions,
    /// What goes wrong, and what contains it.
    Failure,
}

impl Skill {
    /// All of them, as the course comes to them.
    pub const ALL: [Self; 11] = [
        Self::Queueing,
        Self::Capacity,
        Self::XAxis,
        Self::YAxis,
        Self::ZAxis,
        Self::Balancing,
        Self::Caching,
        Self::Consistency,
        Self::Sharding,
        Self::Transactions,
        Self::Failure,
    ];

    /// Its name in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Queueing => "queueing",
            Self::Capacity => "capacity and its limits",
            Self::XAxis => "the X axis: copies",
            Self::YAxis => "the Y axis: splitting work",
            Self::ZAxis => "the Z axis: splitting data",
            Self::Balancing => "balancing",
            Self::Caching => "caching",
            Self::Consistency => "consistency",
            Self::Sharding => "sharding",
            Self::Transactions => "transactions and sagas",
            Self::Failure => "failure and what contains it",
        }
    }
}

/// What a question asks of the learner.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Asks {
    /// To remember what was shown.
    Recall,
    /// To work out a number.
    Calculation,
    /// To foresee what a change brings.
    WhatIf,
    /// To see the same thing in another system.
    Transfer,
}

/// How a question is answered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Kind {
    /// One of several.
    Choice {
        /// What to choose from.
        options: Vec<Choice>,
    },
    /// Any number of several: at least one, not all.
    Several {
        /// What to choose from.
        options: Vec<Choice>,
    },
    /// A number.
    Number {
        /// What of the run is the answer.
        measure: Metric,
        /// Of which component.
        #[serde(default)]
        of: Option<String>,
        /// How far from it is still right, as a part of it.
        tolerance: f64,
    },
    /// The component of which a measure is greatest.
    Component {
        /// What to choose from.
        among: Vec<String>,
        /// What is measured.
        measure: Metric,
    },
    /// Several runs, to be put in the order of a measure, smallest first.
    Order {
        /// The runs.
        items: Vec<Item>,
        /// What is measured.
        measure: Metric,
        /// Of which component.
        #[serde(default)]
        of: Option<String>,
    },
    /// A curve, to be drawn: a measure over values of a number of the scene.
    Curve(Curve),
    /// Words, to be compared with a model answer by who wrote them.
    Explain {
        /// An answer as good as can be, in 2 to 4 sentences.
        model: String,
        /// What a good answer names: 2 to 5 points.
        checklist: Vec<String>,
        /// What the model answer says of the question's run.
        #[serde(default)]
        claims: Vec<Condition>,
    },
}

/// A curve, to be drawn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// What changes from point to point, such as the load.
    pub along: String,
    /// Its unit.
    #[serde(default)]
    pub unit: String,
    /// A JSON pointer to the number that changes.
    pub path: String,
    /// Its values: 4 to 8, rising.
    pub at: Vec<f64>,
    /// What is measured.
    pub measure: Metric,
    /// Of which component.
    #[serde(default)]
    pub of: Option<String>,
    /// The top of the drawing.
    pub max: f64,
    /// How far off every point may be, as a part of the largest measured value.
    pub tolerance: f64,
}

/// A possible answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The answer.
    pub text: String,
    /// It is right if these hold in the question's run.
    pub when: Vec<Condition>,
    /// What to say to who chose it: for a wrong one, the misconception behind it. Of several, what to say to who misjudged it.
    pub why: String,
}

/// A run to be put in order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// What it is called.
    pub text: String,
    /// What differs from the question's run.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")
    )]
    pub set: Settings,
}

impl Quiz {
    /// Reads `quiz.json`.
    ///
    /// # Errors
    ///
    /// Every problem, with its path.
    pub fn read(text: &str) -> Result<Self, Vec<Problem>> {
        let quiz: Self = read_json(text).map_err(|problem| vec![problem])?;
        let mut problems = Vec::new();
        if quiz.version != 1 {
            problems.push(Problem::new(
                "version",
                format!("{} is not known: this build reads 1", quiz.version),
            ));
        }
        for (at, question) in quiz.questions.iter().enumerate() {
            let place = format!("questions[{at}]");
            if !is_id(&question.id)
                || quiz.questions[..at]
                    .iter()
                    .any(|other| other.id == question.id)
            {
                let message = format!(
                    "'{}': an id is 1 to 40 lower-case letters, digits and '-', and used once",
                    question.id
                );
                problems.push(Problem::new(format!("{place}.id"), message));
            }
            let found = question.problems();
            problems.extend(
                found
                    .into_iter()
                    .map(|p| Problem::new(format!("{place}.{}", p.path), p.message)),
            );
        }
        if problems.is_empty() {
            Ok(quiz)
        } else {
            Err(problems)
        }
    }
}

impl Question {
    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, values) in &self.params {
            if values.is_empty() {
                problems.push(Problem::new(
                    format!("params.{name}"),
                    "no value to draw from",
                ));
            }
        }
        if let Some(problem) = self.kind.problem() {
            problems.push(problem);
        }
        problems
    }
}

impl Kind {
    /// What is wrong with it, whatever the scene.
    fn problem(&self) -> Option<Problem> {
        let part = |part: f64| part > 0.0 && part < 1.0;
        let unbound = |c: &Condition| c.above.is_none() && c.below.is_none();
        let (path, message) = match self {
            Self::Choice { options } | Self::Several { options }
                if options.len() < 2
                    || (options.iter())
                        .any(|o| o.when.is_empty() || o.when.iter().any(unbound)) =>
            {
                let path = if matches!(self, Self::Choice { .. }) {
                    "choice.options"
                } else {
                    "several.options"
                };
                (
                    path,
                    "at least two options, each with the conditions under which it is right",
                )
            }
            Self::Component { among, .. } if among.len() < 2 => {
                ("component.among", "at least two components to choose from")
            }
            Self::Order { items, .. } if !(2..=6).contains(&items.len()) => {
                ("order.items", "2 to 6 items to put in order")
            }
            Self::Number { tolerance, .. } if !part(*tolerance) => (
                "number.tolerance",
                "a part of the answer: above 0 and below 1",
            ),
            Self::Curve(curve) => {
                if !(4..=8).contains(&curve.at.len())
                    || curve.at.windows(2).any(|pair| pair[0] >= pair[1])
                {
                    (
                        "curve.at",
                        "4 to 8 values, each greater than the one before",
                    )
                } else if curve.max <= 0.0 {
                    ("curve.max", "the top of the drawing: above 0")
                } else if !part(curve.tolerance) {
                    (
                        "curve.tolerance",
                        "a part of the largest value: above 0 and below 1",
                    )
                } else {
                    return None;
                }
            }
            Self::Explain {
                model,
                checklist,
                claims,
            } => {
                if model.is_empty() {
                    ("explain.model", "a model answer, in 2 to 4 sentences")
                } else if !(2..=5).contains(&checklist.len()) {
                    (
                        "explain.checklist",
                        "2 to 5 points that a good answer names",
                    )
                } else if claims.iter().any(unbound) {
                    (
                        "explain.claims",
                        "a condition needs \"above\", \"below\" or both",
                    )
                } else {
                    return None;
                }
            }
            Self::Choice { .. }
            | Self::Several { .. }
            | Self::Component { .. }
            | Self::Order { .. }
            | Self::Number { .. } => return None,
        };
        Some(Problem::new(format!("kind.{path}"), message))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A question of this kind, with one parameter.
    pub(super) fn question(kind: &Value) -> Question {
        let json = json!({
            "id": "q", "ask": "With {n} workers?", "params": {"n": [1, 2, 3, 4]},
            "run": {"scene": "one", "set": {"/components/shop/service/workers": "{n}"}},
            "kind": kind, "explain": "Because of {n}.", "misconception": "Not for that.",
        });
        serde_json::from_value(json).expect("valid")
    }

    #[test]
    fn what_cannot_be_asked_is_told_with_its_place() {
        let check = |kind: &Value, expected: &str| {
            let question = serde_json::to_value(question(kind)).expect("plain data");
            let text = json!({"version": 1, "questions": [question]}).to_string();
            let told = Quiz::read(&text).expect_err("must be refused");
            let told: Vec<String> = told.iter().map(ToString::to_string).collect();
            assert!(told[0].starts_with(expected), "{told:?}");
        };
        let option = json!({"text": "a", "why": "b", "when": [{"measure": "p99_ms", "above": 1}]});
        let loose = json!({"text": "a", "why": "b", "when": [{"measure": "p99_ms"}]});
        check(
            &json!({"several": {"options": [option]}}),
            "questions[0].kind.several.options",
        );
        check(
            &json!({"choice": {"options": [option, loose]}}),
            "questions[0].kind.choice.options",
        );
        let curve = |at: Value, max: f64, tolerance: f64| json!({"curve": {"along": "Load", "path": "/x", "at": at, "measure": "p99_ms", "max": max, "tolerance": tolerance}});
        check(
            &curve(json!([1, 2, 3]), 9.0, 0.1),
            "questions[0].kind.curve.at",
        );
        check(
            &curve(json!([1, 2, 2, 3]), 9.0, 0.1),
            "questions[0].kind.curve.at",
        );
        check(
            &curve(json!([1, 2, 3, 4]), 0.0, 0.1),
            "questions[0].kind.curve.max",
        );
        check(
            &curve(json!([1, 2, 3, 4]), 9.0, 1.0),
            "questions[0].kind.curve.tolerance",
        );
        check(
            &json!({"explain": {"model": "m", "checklist": ["one"]}}),
            "questions[0].kind.explain.checklist",
        );
    }
}
