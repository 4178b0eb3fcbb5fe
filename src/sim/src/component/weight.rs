//! How much of the load a balancer's target is meant to get.

use core::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::limits;
use crate::problem::Problems;

/// The weight of a target: one for all of its instances, or one for each.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Weight {
    /// The same for every instance.
    All(u32),
    /// One for each instance; further instances have the last.
    Each(Vec<u32>),
}

impl Weight {
    /// The weight of the instance with this number, from 0.
    pub fn of(&self, instance: u32) -> u32 {
        match self {
            Self::All(weight) => *weight,
            Self::Each(weights) => {
                let weight = weights.get(instance as usize).or(weights.last());
                weight.copied().unwrap_or(1)
            }
        }
    }

    pub(super) fn check(&self, field: &str, p: &mut Problems) {
        match self {
            Self::All(weight) => p.count(field, u64::from(*weight), 1, limits::WEIGHT),
            Self::Each(weights) => {
                p.count(field, weights.len() as u64, 1, limits::INSTANCES);
                p.within(field, |p| {
                    for (i, weight) in weights.iter().enumerate() {
                        p.count(&format!("[{i}]"), u64::from(*weight), 1, limits::WEIGHT);
                    }
                });
            }
        }
    }
}

// By hand, as serde's own reading of untagged values loses what is wrong and where.
impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrList)
    }
}

struct NumberOrList;

impl<'de> Visitor<'de> for NumberOrList {
    type Value = Weight;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number or a list of whole numbers")
    }

    fn visit_u64<E: de::Error>(self, weight: u64) -> Result<Weight, E> {
        // Too great a number is out of range, which the check says with the range.
        Ok(Weight::All(u32::try_from(weight).unwrap_or(u32::MAX)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Weight, A::Error> {
        let mut weights = Vec::new();
        while let Some(weight) = list.next_element()? {
            weights.push(weight);
        }
        Ok(Weight::Each(weights))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::read_json;

    #[test]
    fn a_number_or_a_list() {
        let read = |text| read_json::<Weight>(text);
        assert_eq!(read("3"), Ok(Weight::All(3)));
        let list = read("[5, 1]").expect("a list");
        assert_eq!([0, 1, 2].map(|instance| list.of(instance)), [5, 1, 1]);
        for (text, expected) in [
            ("\"3\"", "expected a whole number or a list"),
            ("[1, -1]", "[1]: "),
            ("1.5", "expected a whole number or a list"),
        ] {
            let problem = read(text).expect_err("must be refused").to_string();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
