//! The engine's answer to a question.

use scale_sim::{Condition, Metric};

use super::{Choice, Curve, Drawn, Given, Kind};

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

impl Drawn {
    /// The engine's answer, from the values measured of [`Drawn::runs`].
    ///
    /// # Errors
    ///
    /// A run that does not settle the question: nothing was measured, no choice holds or several do, two items are alike.
    pub fn key(&self, values: &[Vec<Option<f64>>]) -> Result<Key, String> {
        self.settled(values).map_err(|why| {
            format!(
                "the run of '{}' with seed {} does not settle it: {why}",
                self.id, self.seed
            )
        })
    }

    fn settled(&self, values: &[Vec<Option<f64>>]) -> Result<Key, String> {
        let value = |run: usize, at: usize| {
            let value = values
                .get(run)
                .and_then(|values| values.get(at))
                .copied()
                .flatten();
            value.ok_or("there was nothing to measure")
        };
        match &self.kind {
            Kind::Choice { options } => {
                let (right, truth) = held(options, |at| value(0, at))?;
                match right[..] {
                    [one] => Ok(Key {
                        right: Given::Choice(one),
                        truth,
                    }),
                    [] => Err("no choice holds".to_owned()),
                    _ => Err("more than one choice holds".to_owned()),
                }
            }
            Kind::Several { options } => {
                let (right, truth) = held(options, |at| value(0, at))?;
                match right.len() {
                    0 => Err("no option holds".to_owned()),
                    all if all == options.len() => Err("every option holds".to_owned()),
                    _ => Ok(Key {
                        right: Given::Several(right),
                        truth,
                    }),
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
                    Err("two components are alike".to_owned())
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
                    return Err("two items are alike".to_owned());
                }
                let (right, truth) = order.into_iter().unzip();
                Ok(Key {
                    right: Given::Order(right),
                    truth,
                })
            }
            Kind::Curve(curve) => {
                let points = 0..curve.at.len();
                let measured = points.map(|number| value(number, 0));
                curve.settled(measured.collect::<Result<_, _>>()?)
            }
            Kind::Explain {
                checklist, claims, ..
            } => {
                let mut truth = Vec::new();
                let mut at = 0;
                if !all_hold(claims, &mut at, &|at| value(0, at), &mut truth)? {
                    return Err("what the model answer says does not hold".to_owned());
                }
                Ok(Key {
                    right: Given::Explain(vec![true; checklist.len()]),
                    truth,
                })
            }
        }
    }
}

impl Curve {
    fn settled(&self, measured: Vec<f64>) -> Result<Key, String> {
        if let Some(high) = measured.iter().find(|value| **value > self.max) {
            return Err(format!(
                "{high:.0} is above the top of the drawing, {}",
                self.max
            ));
        }
        if self.is_right(&self.blank(), &measured) {
            return Err("the curve is right before anything is drawn".to_owned());
        }
        let truth = self.at.iter().zip(&measured).map(|(at, value)| Truth {
            name: self.name(*at),
            metric: self.measure,
            value: *value,
        });
        Ok(Key {
            truth: truth.collect(),
            right: Given::Curve(measured),
        })
    }
}

/// Which options hold, and what was measured for them; `value` gives the values of their conditions, one after the other.
fn held<E>(
    options: &[Choice],
    value: impl Fn(usize) -> Result<f64, E>,
) -> Result<(Vec<usize>, Vec<Truth>), E> {
    let (mut right, mut truth, mut at) = (Vec::new(), Vec::new(), 0);
    for (number, option) in options.iter().enumerate() {
        if all_hold(&option.when, &mut at, &value, &mut truth)? {
            right.push(number);
        }
    }
    Ok((right, truth))
}

/// Whether all conditions hold, whose values begin at `at`; puts what was measured into `truth`, everything once.
fn all_hold<E>(
    conditions: &[Condition],
    at: &mut usize,
    value: &impl Fn(usize) -> Result<f64, E>,
    truth: &mut Vec<Truth>,
) -> Result<bool, E> {
    let mut holds = true;
    for condition in conditions {
        let value = value(*at)?;
        *at += 1;
        holds &= condition.above.is_none_or(|above| value > above);
        holds &= condition.below.is_none_or(|below| value < below);
        let entry = Truth {
            name: condition.of.clone().unwrap_or_default(),
            metric: condition.metric,
            value,
        };
        if !truth.contains(&entry) {
            truth.push(entry);
        }
    }
    Ok(holds)
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
