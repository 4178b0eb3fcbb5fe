//! The quiz: questions as data, drawn anew from a seed, answered by the engine.
//!
//! No key is written down. A choice is right if its conditions hold in the question's run; a number is a measure of the
//! run; a component is the one of which a measure is greatest; an order is that of a measure over several runs.

use rand::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;
use scale_sim::{Condition, Measure, Metric, Problem, read_json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vecmap::VecMap;

use crate::catalog::is_id;
use crate::lesson::number;
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
        schemars(with = "std::collections::BTreeMap<String, Value>")
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
    /// What to say to who chose it: for a wrong one, the misconception behind it.
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
        schemars(with = "std::collections::BTreeMap<String, Value>")
    )]
    pub set: Settings,
}

/// A question with its parameters drawn: concrete words and concrete runs.
#[derive(Clone, PartialEq, Debug)]
pub struct Drawn {
    /// The question's id.
    pub id: String,
    /// The seed that it was drawn with.
    pub seed: u64,
    /// The question in words.
    pub ask: String,
    /// How it is answered; texts are concrete, choices and items stand in a drawn order.
    pub kind: Kind,
    /// Why it is so.
    pub explain: String,
    /// What a wrong answer often rests on.
    pub misconception: String,
    /// The run that answers it, with the seed in its settings.
    pub run: RunRef,
}

/// What to run and what to measure of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Shown {
    /// The run.
    pub run: RunRef,
    /// The measures.
    pub measures: Vec<Measure>,
}

/// The engine's answer to a question.
#[derive(Clone, PartialEq, Debug)]
pub struct Key {
    /// The right answer.
    pub right: Given,
    /// What was measured, with names, for the feedback.
    pub truth: Vec<Truth>,
}

/// A measured value with a name.
#[derive(Clone, PartialEq, Debug)]
pub struct Truth {
    /// What it is the value of.
    pub name: String,
    /// What was measured.
    pub metric: Metric,
    /// The value.
    pub value: f64,
}

/// An answer to a question.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// The number of a choice.
    Choice(usize),
    /// A number.
    Number(f64),
    /// The name of a component.
    Component(String),
    /// The numbers of the items, in order.
    Order(Vec<usize>),
}

/// What to tell who has answered.
#[derive(Clone, PartialEq, Debug)]
pub struct Feedback {
    /// Whether the answer is right.
    pub right: bool,
    /// What to say to this very answer; may be empty.
    pub remark: String,
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
        match &self.kind {
            Kind::Choice { options }
                if options.len() < 2 || options.iter().any(|o| o.when.is_empty()) =>
            {
                let message = "a choice needs at least two options, each with the conditions under which it is right";
                problems.push(Problem::new("kind.choice.options", message));
            }
            Kind::Component { among, .. } if among.len() < 2 => {
                problems.push(Problem::new(
                    "kind.component.among",
                    "at least two components to choose from",
                ));
            }
            Kind::Order { items, .. } if !(2..=6).contains(&items.len()) => {
                problems.push(Problem::new(
                    "kind.order.items",
                    "2 to 6 items to put in order",
                ));
            }
            Kind::Number { tolerance, .. } if !(*tolerance > 0.0 && *tolerance < 1.0) => {
                problems.push(Problem::new(
                    "kind.number.tolerance",
                    "a part of the answer: above 0 and below 1",
                ));
            }
            _ => {}
        }
        problems
    }

    /// Draws the question: the same seed gives the same words and the same run.
    pub fn draw(&self, seed: u64) -> Drawn {
        let mut random = SplitMix64::seed_from_u64(seed);
        let mut below = |n: usize| ((u128::from(random.next_u64()) * n as u128) >> 64) as usize;
        let values: VecMap<&str, f64> = self
            .params
            .iter()
            .filter_map(|(name, values)| {
                let drawn = values.get(below(values.len()))?;
                Some((name.as_str(), *drawn))
            })
            .collect();
        let words = |text: &str| {
            let fill = |text: String, (name, value): (&&str, &f64)| {
                text.replace(&format!("{{{name}}}"), &value.to_string())
            };
            values.iter().fold(text.to_owned(), fill)
        };
        let filled = |settings: &Settings| {
            let fill = |value: &Value| {
                let name = value
                    .as_str()
                    .and_then(|s| s.strip_prefix('{'))
                    .and_then(|s| s.strip_suffix('}'));
                name.and_then(|name| values.get(name))
                    .map_or_else(|| value.clone(), |value| number(*value))
            };
            settings
                .iter()
                .map(|(path, value)| (path.clone(), fill(value)))
                .collect::<Settings>()
        };
        let mut run = RunRef {
            scene: self.run.scene.clone(),
            set: filled(&self.run.set),
        };
        // Whole numbers of JSON's readers are safe up to 2^53.
        run.set
            .insert("/seed".to_owned(), Value::from(seed & ((1 << 53) - 1)));
        let mut kind = self.kind.clone();
        match &mut kind {
            Kind::Choice { options } => {
                for option in options.iter_mut() {
                    option.text = words(&option.text);
                    option.why = words(&option.why);
                }
                shuffle(options, &mut below);
            }
            Kind::Order { items, .. } => {
                for item in items.iter_mut() {
                    item.text = words(&item.text);
                    item.set = filled(&item.set);
                }
                shuffle(items, &mut below);
            }
            Kind::Number { .. } | Kind::Component { .. } => {}
        }
        Drawn {
            id: self.id.clone(),
            seed,
            ask: words(&self.ask),
            kind,
            explain: words(&self.explain),
            misconception: words(&self.misconception),
            run,
        }
    }
}

/// Fisher and Yates, in Durstenfeld's form.
fn shuffle<T>(items: &mut [T], below: &mut impl FnMut(usize) -> usize) {
    for at in (1..items.len()).rev() {
        items.swap(at, below(at + 1));
    }
}

impl Drawn {
    /// The runs that answer it, and what to measure of them.
    pub fn runs(&self) -> Vec<Shown> {
        let once = |measures| {
            vec![Shown {
                run: self.run.clone(),
                measures,
            }]
        };
        match &self.kind {
            Kind::Choice { options } => once(
                options
                    .iter()
                    .flat_map(|option| option.when.iter().map(Condition::measure))
                    .collect(),
            ),
            Kind::Number { measure, of, .. } => once(vec![Measure {
                metric: *measure,
                of: of.clone(),
            }]),
            Kind::Component { among, measure } => once(
                among
                    .iter()
                    .map(|name| Measure {
                        metric: *measure,
                        of: Some(name.clone()),
                    })
                    .collect(),
            ),
            Kind::Order { items, measure, of } => {
                let shown = |item: &Item| {
                    let mut run = self.run.clone();
                    run.set.extend(item.set.clone());
                    Shown {
                        run,
                        measures: vec![Measure {
                            metric: *measure,
                            of: of.clone(),
                        }],
                    }
                };
                items.iter().map(shown).collect()
            }
        }
    }

    /// The engine's answer, from the values measured of [`Drawn::runs`].
    ///
    /// # Errors
    ///
    /// A run that does not settle the question: nothing was measured, no choice holds or several do, two items are alike.
    pub fn key(&self, values: &[Vec<Option<f64>>]) -> Result<Key, String> {
        let unsettled = |why: &str| {
            format!(
                "the run of '{}' with seed {} does not settle it: {why}",
                self.id, self.seed
            )
        };
        let value = |run: usize, at: usize| {
            let value = values
                .get(run)
                .and_then(|values| values.get(at))
                .copied()
                .flatten();
            value.ok_or_else(|| unsettled("there was nothing to measure"))
        };
        match &self.kind {
            Kind::Choice { options } => {
                let mut right = Vec::new();
                let mut truth: Vec<Truth> = Vec::new();
                let mut at = 0;
                for (number, option) in options.iter().enumerate() {
                    let mut holds = true;
                    for condition in &option.when {
                        let value = value(0, at)?;
                        at += 1;
                        holds &= condition.above.is_none_or(|above| value > above);
                        holds &= condition.below.is_none_or(|below| value < below);
                        let name = condition.of.clone().unwrap_or_default();
                        let entry = Truth {
                            name,
                            metric: condition.metric,
                            value,
                        };
                        if !truth.contains(&entry) {
                            truth.push(entry);
                        }
                    }
                    if holds {
                        right.push(number);
                    }
                }
                match right[..] {
                    [one] => Ok(Key {
                        right: Given::Choice(one),
                        truth,
                    }),
                    [] => Err(unsettled("no choice holds")),
                    _ => Err(unsettled("more than one choice holds")),
                }
            }
            Kind::Number { measure, of, .. } => {
                let value = value(0, 0)?;
                let truth = Truth {
                    name: of.clone().unwrap_or_default(),
                    metric: *measure,
                    value,
                };
                Ok(Key {
                    right: Given::Number(value),
                    truth: vec![truth],
                })
            }
            Kind::Component { among, measure } => {
                let mut ranking = Vec::new();
                for (at, name) in among.iter().enumerate() {
                    rank(&mut ranking, at, name, *measure, value(0, at)?);
                }
                let truth: Vec<Truth> = ranking.into_iter().rev().map(|(_, t)| t).collect();
                if apart(truth[1].value, truth[0].value) {
                    Ok(Key {
                        right: Given::Component(truth[0].name.clone()),
                        truth,
                    })
                } else {
                    Err(unsettled("two components are alike"))
                }
            }
            Kind::Order { items, measure, .. } => {
                let mut order = Vec::new();
                for (at, item) in items.iter().enumerate() {
                    rank(&mut order, at, &item.text, *measure, value(at, 0)?);
                }
                if order
                    .windows(2)
                    .any(|pair| !apart(pair[0].1.value, pair[1].1.value))
                {
                    return Err(unsettled("two items are alike"));
                }
                let (right, truth) = order.into_iter().unzip();
                Ok(Key {
                    right: Given::Order(right),
                    truth,
                })
            }
        }
    }

    /// Judges an answer.
    pub fn judge(&self, key: &Key, given: &Given) -> Feedback {
        let right = match (&self.kind, given, &key.right) {
            (Kind::Number { tolerance, .. }, Given::Number(given), Given::Number(truth)) => {
                (given - truth).abs() <= tolerance * truth.abs()
            }
            _ => *given == key.right,
        };
        let remark = match (&self.kind, given) {
            (Kind::Choice { options }, Given::Choice(at)) => {
                options.get(*at).map(|o| o.why.clone()).unwrap_or_default()
            }
            _ if right => String::new(),
            _ => self.misconception.clone(),
        };
        Feedback { right, remark }
    }
}

/// Puts a measured value in its place in a ranking, smallest first.
fn rank(ranking: &mut Vec<(usize, Truth)>, number: usize, name: &str, metric: Metric, value: f64) {
    let place = ranking.partition_point(|(_, other)| other.value <= value);
    let name = name.to_owned();
    ranking.insert(
        place,
        (
            number,
            Truth {
                name,
                metric,
                value,
            },
        ),
    );
}

/// Whether `low` is below `high` by enough to be seen: 2 in 100.
fn apart(low: f64, high: f64) -> bool {
    high - low > 0.02 * high.abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn question(kind: &Value) -> Question {
        let json = json!({
            "id": "q", "ask": "With {n} workers?", "params": {"n": [1, 2, 3, 4]},
            "run": {"scene": "one", "set": {"/components/shop/service/workers": "{n}"}},
            "kind": kind, "explain": "Because of {n}.",
        });
        serde_json::from_value(json).expect("valid")
    }

    fn number_question() -> Question {
        question(&json!({"number": {"measure": "throughput_per_s", "tolerance": 0.1}}))
    }

    #[test]
    fn a_seed_gives_one_question_and_seeds_give_many() {
        let template = number_question();
        assert_eq!(template.draw(5), template.draw(5));
        let asks: std::collections::BTreeSet<String> =
            (0..40).map(|seed| template.draw(seed).ask).collect();
        assert_eq!(asks.len(), 4);
        let drawn = template.draw(5);
        let set = &drawn.run.set["/components/shop/service/workers"];
        assert!(drawn.ask.contains(&set.to_string()) && drawn.explain.contains(&set.to_string()));
    }

    #[test]
    fn a_number_is_right_within_its_tolerance() {
        let drawn = number_question().draw(1);
        let key = drawn.key(&[vec![Some(50.0)]]).expect("settled");
        for (given, right) in [
            (50.0, true),
            (45.1, true),
            (54.9, true),
            (44.0, false),
            (56.0, false),
            (f64::NAN, false),
        ] {
            assert_eq!(
                drawn.judge(&key, &Given::Number(given)).right,
                right,
                "{given}"
            );
        }
        assert!(drawn.key(&[vec![None]]).is_err());
    }

    #[test]
    fn a_choice_is_right_if_its_conditions_hold() {
        let option = |text: &str, bound: &str| json!({"text": text, "why": format!("as to {text}"), "when": [{"measure": "throughput_per_s", bound: 100}]});
        let template = question(
            &json!({"choice": {"options": [option("more", "above"), option("less", "below")]}}),
        );
        let drawn = template.draw(3);
        let Kind::Choice { options } = &drawn.kind else {
            panic!()
        };
        let more = options
            .iter()
            .position(|o| o.text == "more")
            .expect("there");
        let key = drawn
            .key(&[vec![Some(120.0), Some(120.0)]])
            .expect("settled");
        assert_eq!(key.right, Given::Choice(more));
        let wrong = drawn.judge(&key, &Given::Choice(1 - more));
        assert_eq!((wrong.right, wrong.remark.as_str()), (false, "as to less"));
        assert!(
            drawn
                .key(&[vec![Some(100.0), Some(100.0)]])
                .expect_err("neither")
                .contains("no choice holds")
        );
    }

    #[test]
    fn an_order_is_that_of_the_measured_values() {
        let item =
            |n: u32| json!({"text": n.to_string(), "set": {"/components/shop/service/workers": n}});
        let template = question(
            &json!({"order": {"measure": "p99_ms", "items": [item(1), item(2), item(3)]}}),
        );
        let drawn = template.draw(7);
        let key = drawn
            .key(&[vec![Some(30.0)], vec![Some(10.0)], vec![Some(20.0)]])
            .expect("settled");
        assert_eq!(key.right, Given::Order(vec![1, 2, 0]));
        assert!(
            drawn
                .key(&[vec![Some(30.0)], vec![Some(10.0)], vec![Some(10.1)]])
                .expect_err("alike")
                .contains("alike")
        );
    }
}
