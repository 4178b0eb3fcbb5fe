//! Answers, and what is said to them.

use serde::{Deserialize, Serialize};

use super::{Curve, Drawn, Key, Kind, RunRef};

/// An answer to a question.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// The number of a choice.
    Choice(usize),
    /// The numbers of the choices, rising.
    Several(Vec<usize>),
    /// A number.
    Number(f64),
    /// The name of a component.
    Component(String),
    /// The numbers of the items, in order.
    Order(Vec<usize>),
    /// The values of a curve's points.
    Curve(Vec<f64>),
    /// Which points of the checklist the learner's own words name.
    Explain(Vec<bool>),
}

/// How well a question was answered: what decides when it is asked again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grade {
    /// Wrongly.
    Again,
    /// In part: an explanation that names most of what it should.
    Hard,
    /// Rightly.
    Good,
}

/// What to tell who has answered.
#[derive(Clone, PartialEq, Debug)]
pub struct Feedback {
    /// How well it was answered.
    pub grade: Grade,
    /// What to say to this very answer; may be empty.
    pub remarks: Vec<String>,
    /// The run that shows it: of a wrong answer, the one that refutes it.
    pub run: RunRef,
    /// What sets that run apart from the question's own; empty if nothing does.
    pub run_name: String,
}

impl Feedback {
    /// Whether the answer is right.
    pub fn is_right(&self) -> bool {
        self.grade == Grade::Good
    }
}

impl Curve {
    /// The drawing before anyone has drawn: flat, at half its height.
    pub fn blank(&self) -> Vec<f64> {
        vec![self.max / 2.0; self.at.len()]
    }

    /// The name of a point.
    pub fn name(&self, at: f64) -> String {
        format!("{} {at} {}", self.along, self.unit)
            .trim_end()
            .to_owned()
    }

    /// How far off a point may be, among these measured values.
    pub fn slack(&self, measured: &[f64]) -> f64 {
        self.tolerance * measured.iter().copied().fold(0.0, f64::max)
    }

    /// Whether a drawn point is near enough to the measured one.
    pub fn is_near(&self, drawn: f64, measured: f64, all: &[f64]) -> bool {
        (drawn - measured).abs() <= self.slack(all)
    }

    pub(super) fn is_right(&self, drawn: &[f64], measured: &[f64]) -> bool {
        let near = |(drawn, own): (&f64, &f64)| self.is_near(*drawn, *own, measured);
        drawn.len() == measured.len() && drawn.iter().zip(measured).all(near)
    }
}

impl Drawn {
    /// Judges an answer.
    pub fn judge(&self, key: &Key, given: &Given) -> Feedback {
        let right = match (&self.kind, given, &key.right) {
            (Kind::Number { tolerance, .. }, Given::Number(given), Given::Number(truth)) => {
                (given - truth).abs() <= tolerance * truth.abs()
            }
            (Kind::Curve(curve), Given::Curve(drawn), Given::Curve(measured)) => {
                curve.is_right(drawn, measured)
            }
            _ => *given == key.right,
        };
        let grade = match given {
            _ if right => Grade::Good,
            // Most, and at least one.
            Given::Explain(named) if 2 * count(named) >= named.len().max(1) => Grade::Hard,
            _ => Grade::Again,
        };
        let remarks = match (&self.kind, given, &key.right) {
            (Kind::Choice { options }, Given::Choice(at), _) => options
                .get(*at)
                .map(|o| o.why.clone())
                .into_iter()
                .collect(),
            (Kind::Several { options }, Given::Several(given), Given::Several(right)) => {
                let misjudged = |at: &usize| given.contains(at) != right.contains(at);
                let whys = (0..options.len()).filter(misjudged).map(|at| &options[at]);
                whys.map(|o| format!("“{}” {}", o.text, o.why)).collect()
            }
            _ if right => Vec::new(),
            _ => vec![self.misconception.clone()],
        };
        let (run, run_name) = self.shows(key, given);
        Feedback {
            grade,
            remarks: { remarks.into_iter() }.filter(|r| !r.is_empty()).collect(),
            run,
            run_name,
        }
    }

    /// The run that shows the answer, and what sets it apart: where several runs answer, that of the first item in a wrong
    /// place, or of the point that is furthest off.
    fn shows(&self, key: &Key, given: &Given) -> (RunRef, String) {
        let told = match (&self.kind, given, &key.right) {
            (Kind::Order { items, .. }, Given::Order(given), Given::Order(right)) => {
                let wrong = given
                    .iter()
                    .zip(right)
                    .find(|(given, right)| given != right);
                let item = wrong.and_then(|(at, _)| items.get(*at));
                item.map(|item| (self.run_of(item), item.text.clone()))
            }
            (Kind::Curve(curve), Given::Curve(drawn), Given::Curve(measured)) => {
                let off = drawn.iter().zip(measured).map(|(a, b)| (a - b).abs());
                let most = off.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
                let at = most.and_then(|(number, _)| curve.at.get(number));
                at.map(|at| (self.run_at(curve, *at), curve.name(*at)))
            }
            _ => None,
        };
        told.unwrap_or_else(|| (self.run.clone(), String::new()))
    }
}

impl Drawn {
    /// An answer to this draw as an answer to another of the same question, whose choices or items stand in another order;
    /// nothing if theirs are others.
    pub(crate) fn carried(&self, given: &Given, to: &Self) -> Option<Given> {
        let (from, to) = (self.kind.texts(), to.kind.texts());
        let place = |at: &usize| to.iter().position(|text| *text == from[*at]);
        let places = |all: &[usize]| all.iter().map(place).collect::<Option<Vec<usize>>>();
        match given {
            Given::Choice(at) => place(at).map(Given::Choice),
            Given::Several(all) => places(all).map(|mut all| {
                all.sort_unstable();
                Given::Several(all)
            }),
            Given::Order(all) => places(all).map(Given::Order),
            other => Some(other.clone()),
        }
    }
}

impl Kind {
    /// The texts of its choices or items.
    pub(crate) fn texts(&self) -> Vec<&str> {
        match self {
            Self::Choice { options } | Self::Several { options } => {
                options.iter().map(|option| option.text.as_str()).collect()
            }
            Self::Order { items, .. } => items.iter().map(|item| item.text.as_str()).collect(),
            _ => Vec::new(),
        }
    }
}

fn count(named: &[bool]) -> usize {
    named.iter().filter(|named| **named).count()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::question;
    use super::*;

    fn option(text: &str, bound: &str, value: u32) -> Value {
        json!({"text": text, "why": format!("as to {text}"), "when": [{"measure": "throughput_per_s", bound: value}]})
    }

    /// The numbers of the options with these texts, rising.
    fn numbers(drawn: &Drawn, texts: &[&str]) -> Vec<usize> {
        let (Kind::Choice { options } | Kind::Several { options }) = &drawn.kind else {
            panic!("{drawn:?}")
        };
        let chosen = |at: &usize| texts.contains(&options[*at].text.as_str());
        (0..options.len()).filter(chosen).collect()
    }

    fn refused(drawn: &Drawn, values: &[Vec<Option<f64>>], why: &str) {
        let said = drawn.key(values).expect_err("does not settle it");
        assert!(said.contains(why), "{said}");
    }

    #[test]
    fn a_number_is_right_within_its_tolerance() {
        let kind = json!({"number": {"measure": "throughput_per_s", "tolerance": 0.1}});
        let drawn = question(&kind).draw(1);
        let key = drawn.key(&[vec![Some(50.0)]]).expect("settled");
        for (given, right) in [
            (50.0, true),
            (45.1, true),
            (54.9, true),
            (44.0, false),
            (56.0, false),
            (f64::NAN, false),
        ] {
            let feedback = drawn.judge(&key, &Given::Number(given));
            assert_eq!(feedback.is_right(), right, "{given}");
        }
        refused(&drawn, &[vec![None]], "nothing to measure");
    }

    #[test]
    fn a_choice_is_right_if_its_conditions_hold() {
        let options = [option("more", "above", 100), option("less", "below", 100)];
        let drawn = question(&json!({"choice": {"options": options}})).draw(3);
        let more = numbers(&drawn, &["more"])[0];
        let key = drawn
            .key(&[vec![Some(120.0), Some(120.0)]])
            .expect("settled");
        assert_eq!(key.right, Given::Choice(more));
        let wrong = drawn.judge(&key, &Given::Choice(1 - more));
        assert_eq!(
            (wrong.is_right(), wrong.remarks),
            (false, vec!["as to less".to_owned()])
        );
        refused(&drawn, &[vec![Some(100.0), Some(100.0)]], "no choice holds");
    }

    #[test]
    fn an_answer_is_carried_to_another_order() {
        let options = ["over 10", "over 20", "over 30"].map(|text| option(text, "above", 10));
        let template = question(&json!({"several": {"options": options}}));
        let one = template.draw(3);
        let mut others = (4..).map(|seed| template.draw(seed));
        let other = others.find(|other| other.kind != one.kind);
        let other = other.expect("a seed with which they stand in another order");
        let texts = ["over 10", "over 30"];
        let given = Given::Several(numbers(&one, &texts));
        let carried = one.carried(&given, &other);
        assert_eq!(carried, Some(Given::Several(numbers(&other, &texts))));
        let others = question(&json!({"several": {"options": [option("else", "above", 1)]}}));
        assert_eq!(one.carried(&given, &others.draw(1)), None);
        assert_eq!(
            one.carried(&Given::Number(2.0), &other),
            Some(Given::Number(2.0))
        );
    }

    #[test]
    fn several_are_right_together_and_each_misjudged_one_is_spoken_to() {
        let options = [
            option("over 10", "above", 10),
            option("over 20", "above", 20),
            option("over 30", "above", 30),
        ];
        let drawn = question(&json!({"several": {"options": options}})).draw(3);
        let measured = |value: f64| vec![vec![Some(value); 3]];
        let key = drawn.key(&measured(25.0)).expect("settled");
        let right = numbers(&drawn, &["over 10", "over 20"]);
        assert_eq!(key.right, Given::Several(right.clone()));
        let judge = |texts: &[&str]| drawn.judge(&key, &Given::Several(numbers(&drawn, texts)));
        assert!(judge(&["over 10", "over 20"]).is_right());
        let wrong = judge(&["over 10", "over 30"]);
        assert_eq!(wrong.grade, Grade::Again);
        let mut remarks = wrong.remarks;
        remarks.sort();
        assert_eq!(
            remarks,
            ["“over 20” as to over 20", "“over 30” as to over 30"]
        );
        assert!(!judge(&[]).is_right());
        refused(&drawn, &measured(5.0), "no option holds");
        refused(&drawn, &measured(35.0), "every option holds");
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
        // What is shown is the first that stands in a wrong place.
        let Kind::Order { items, .. } = &drawn.kind else {
            panic!("{drawn:?}")
        };
        let wrong = drawn.judge(&key, &Given::Order(vec![1, 0, 2]));
        assert_eq!(wrong.run_name, items[0].text);
        assert_eq!(
            wrong.run.set["/components/shop/service/workers"].to_string(),
            items[0].text
        );
        refused(
            &drawn,
            &[vec![Some(30.0)], vec![Some(10.0)], vec![Some(10.1)]],
            "alike",
        );
    }

    #[test]
    fn a_curve_is_right_if_every_point_is_near() {
        let curve = json!({"curve": {"along": "Load", "unit": "requests/s", "path": "/rate", "at": [10, 20, 30, 40],
            "measure": "p99_ms", "max": 500, "tolerance": 0.1}});
        let drawn = question(&curve).draw(1);
        let values = |of: [f64; 4]| of.map(|value| vec![Some(value)]).to_vec();
        let key = drawn
            .key(&values([100.0, 120.0, 200.0, 400.0]))
            .expect("settled");
        let judge = |of: [f64; 4]| drawn.judge(&key, &Given::Curve(of.to_vec()));
        // A tenth of 400 off is right at every point, more is not at any.
        assert!(judge([140.0, 80.0, 240.0, 360.0]).is_right());
        let wrong = judge([100.0, 170.0, 200.0, 430.0]);
        assert!(!wrong.is_right());
        assert_eq!(
            (&wrong.run.set["/rate"], wrong.run_name.as_str()),
            (&json!(20), "Load 20 requests/s")
        );
        assert!(!drawn.judge(&key, &Given::Curve(vec![100.0])).is_right());
        refused(
            &drawn,
            &values([100.0, 120.0, 200.0, 501.0]),
            "above the top",
        );
        refused(
            &drawn,
            &values([250.0, 240.0, 250.0, 260.0]),
            "before anything is drawn",
        );
    }

    #[test]
    fn an_explanation_is_graded_by_what_it_names() {
        let kind = json!({"explain": {"model": "With {n}.", "checklist": ["the wait", "the queue", "{n}"],
            "claims": [{"measure": "p99_ms", "above": 100}]}});
        let drawn = question(&kind).draw(1);
        let Kind::Explain {
            model, checklist, ..
        } = &drawn.kind
        else {
            panic!("{drawn:?}")
        };
        assert!(!model.contains('{') && !checklist[2].contains('{'));
        let key = drawn.key(&[vec![Some(120.0)]]).expect("settled");
        let grade = |named: [bool; 3]| {
            let given = Given::Explain(named.to_vec());
            drawn.judge(&key, &given).grade
        };
        assert_eq!(grade([true; 3]), Grade::Good);
        assert_eq!(grade([true, true, false]), Grade::Hard);
        assert_eq!(grade([false, true, false]), Grade::Again);
        refused(&drawn, &[vec![Some(80.0)]], "does not hold");
    }
}
