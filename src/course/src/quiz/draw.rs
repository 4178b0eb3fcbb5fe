//! Questions drawn from a seed: concrete words and concrete runs.

use rand::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;
use scale_sim::{Condition, Measure, Metric};
use serde_json::Value;
use vecmap::VecMap;

use super::{Curve, Item, Kind, Question, RunRef, Skill};
use crate::lesson::number;
use crate::setting::Settings;

/// A question with its parameters drawn: concrete words and concrete runs.
#[derive(Clone, PartialEq, Debug)]
pub struct Drawn {
    /// The question's id.
    pub id: String,
    /// The seed that it was drawn with.
    pub seed: u64,
    /// What it exercises.
    pub skill: Option<Skill>,
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

impl Question {
    /// Draws the question: the same seed gives the same words and the same run.
    pub fn draw(&self, seed: u64) -> Drawn {
        let mut random = SplitMix64::seed_from_u64(seed);
        let mut below = |n| below(&mut random, n);
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
            Kind::Choice { options } | Kind::Several { options } => {
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
                let written = items.clone();
                shuffle(items, &mut below);
                // They are written in the order that is right, and nobody is asked what is answered already.
                if *items == written && items.len() > 1 {
                    items.rotate_left(1);
                }
            }
            Kind::Explain {
                model, checklist, ..
            } => {
                *model = words(model);
                for point in checklist.iter_mut() {
                    *point = words(point);
                }
            }
            Kind::Number { .. } | Kind::Component { .. } | Kind::Curve(_) => {}
        }
        Drawn {
            id: self.id.clone(),
            seed,
            skill: self.skill,
            ask: words(&self.ask),
            kind,
            explain: words(&self.explain),
            misconception: words(&self.misconception),
            run,
        }
    }
}

/// Brings items into an order drawn from a seed.
pub(crate) fn mix<T>(items: &mut [T], seed: u64) {
    let mut random = SplitMix64::seed_from_u64(seed);
    shuffle(items, &mut |n| below(&mut random, n));
}

/// A number below `n`.
fn below(random: &mut SplitMix64, n: usize) -> usize {
    ((u128::from(random.next_u64()) * n as u128) >> 64) as usize
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
        let of_all = |conditions: &[Condition]| conditions.iter().map(Condition::measure).collect();
        let measure_of = |metric: Metric, of: &Option<String>| Measure {
            metric,
            of: of.clone(),
        };
        match &self.kind {
            Kind::Choice { options } | Kind::Several { options } => once(
                options
                    .iter()
                    .flat_map(|option| option.when.iter().map(Condition::measure))
                    .collect(),
            ),
            Kind::Number { measure, of, .. } => once(vec![measure_of(*measure, of)]),
            Kind::Component { among, measure } => once(
                among
                    .iter()
                    .map(|name| measure_of(*measure, &Some(name.clone())))
                    .collect(),
            ),
            Kind::Order { items, measure, of } => {
                let shown = |item: &Item| Shown {
                    run: self.run_of(item),
                    measures: vec![measure_of(*measure, of)],
                };
                items.iter().map(shown).collect()
            }
            Kind::Curve(curve) => {
                let shown = |at: &f64| Shown {
                    run: self.run_at(curve, *at),
                    measures: vec![measure_of(curve.measure, &curve.of)],
                };
                curve.at.iter().map(shown).collect()
            }
            Kind::Explain { claims, .. } => once(of_all(claims)),
        }
    }

    /// The run of an item that is to be put in order.
    pub(super) fn run_of(&self, item: &Item) -> RunRef {
        let mut run = self.run.clone();
        run.set.extend(item.set.clone());
        run
    }

    /// The run of a point of a curve.
    pub(super) fn run_at(&self, curve: &Curve, at: f64) -> RunRef {
        let mut run = self.run.clone();
        run.set.insert(curve.path.clone(), number(at));
        run
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::question;
    use super::*;

    #[test]
    fn a_seed_gives_one_question_and_seeds_give_many() {
        let template =
            question(&json!({"number": {"measure": "throughput_per_s", "tolerance": 0.1}}));
        assert_eq!(template.draw(5), template.draw(5));
        let asks: std::collections::BTreeSet<String> =
            (0..40).map(|seed| template.draw(seed).ask).collect();
        assert_eq!(asks.len(), 4);
        let drawn = template.draw(5);
        let set = &drawn.run.set["/components/shop/service/workers"];
        assert!(drawn.ask.contains(&set.to_string()) && drawn.explain.contains(&set.to_string()));
    }

    #[test]
    fn no_order_is_asked_that_stands_already() {
        let item = |text: &str| json!({"text": text, "set": {}});
        let kind = json!({"order": {"measure": "p99_ms", "items": [item("one"), item("two"), item("three")]}});
        let template = question(&kind);
        let orders: std::collections::BTreeSet<String> = (0..100)
            .map(|seed| template.draw(seed).kind.texts().join(" "))
            .collect();
        assert_eq!(orders.len(), 5, "{orders:?}");
        assert!(!orders.contains("one two three"));
    }

    #[test]
    fn a_curve_is_run_at_each_of_its_values() {
        let curve = json!({"curve": {"along": "Load", "path": "/rate", "at": [1, 2.5, 3, 4],
            "measure": "p99_ms", "max": 100, "tolerance": 0.1}});
        let drawn = question(&curve).draw(1);
        let runs = drawn.runs();
        let rates: Vec<&Value> = runs.iter().map(|shown| &shown.run.set["/rate"]).collect();
        assert_eq!(rates, [&json!(1), &json!(2.5), &json!(3), &json!(4)]);
        assert!(
            runs.iter()
                .all(|shown| shown.run.set["/seed"] == json!(1) && shown.measures.len() == 1)
        );
    }
}
