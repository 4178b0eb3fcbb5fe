//! Mixes: which operation each request of a client asks for.
//!
//! Models: independent requests, each with the chances of the mix, as TPC-W's and YCSB's workloads are defined.
//! Does not model: sessions in which one operation follows from another.
//! Drawn by inversion of the cumulative weights rather than by the alias method: a changed weight then changes the operation
//! of no more requests than it must, which keeps two designs under one seed comparable.

use serde::{Deserialize, Serialize};
use vecmap::VecMap;

use crate::component::{ANY, check_operation};
use crate::limits;
use crate::problem::Problems;
use crate::random::Draws;

/// Operations with their weights: a request asks for each with a chance of its weight over the sum of all.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Mix(
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, f64>")
    )]
    pub VecMap<String, f64>,
);

/// The largest weight, and the inverse of the least.
const WEIGHT: f64 = 1e6;

impl Mix {
    /// The operations, in order.
    pub fn operations(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn check(&self, p: &mut Problems) {
        if self.0.is_empty() {
            p.note("a mix needs at least one operation with its weight");
        }
        if self.0.len() as u64 > limits::OPERATIONS {
            p.note(format!(
                "{} operations: at most {} are allowed",
                self.0.len(),
                limits::OPERATIONS
            ));
        }
        for (operation, weight) in &self.0 {
            check_asked(operation, operation, p);
            p.number(operation, *weight, 1.0 / WEIGHT, WEIGHT);
        }
    }
}

/// Checks the name of an operation that is asked for, so that it must be one and not any.
pub(crate) fn check_asked(field: &str, operation: &str, p: &mut Problems) {
    if operation == ANY {
        p.note_at(
            field,
            "'*' stands for any operation: a client asks for one by name",
        );
    } else {
        check_operation(field, operation, p);
    }
}

/// A [`Mix`] ready to be drawn from.
#[derive(Clone, PartialEq, Debug)]
pub struct MixSampler {
    /// The sum of the weights up to and including each operation's.
    cumulative: Vec<f64>,
}

impl MixSampler {
    /// Compiles a mix that was checked.
    pub fn new(mix: &Mix) -> Self {
        let sums = mix.0.values().scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        Self {
            cumulative: sums.collect(),
        }
    }

    /// The place in the mix of the operation that a request asks for.
    pub fn draw(&self, draws: &mut Draws) -> u16 {
        let Some((total, others)) = self.cumulative.split_last() else {
            return 0;
        };
        // One operation needs no draw.
        if others.is_empty() {
            return 0;
        }
        let at = draws.unit() * total;
        // Units are in (0, 1], so an operation owns its upper bound.
        others.partition_point(|sum| *sum < at) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    fn mix(weights: &[(&str, f64)]) -> Mix {
        Mix(weights
            .iter()
            .map(|(name, weight)| ((*name).to_owned(), *weight))
            .collect())
    }

    fn picks(mix: &Mix) -> Vec<u16> {
        let sampler = MixSampler::new(mix);
        (0..100_000)
            .map(|i| sampler.draw(&mut Key::root(1).with(i).draws()))
            .collect()
    }

    #[test]
    fn operations_come_as_often_as_they_weigh() {
        let picks = picks(&mix(&[("read", 90.0), ("write", 7.5), ("scan", 2.5)]));
        for (operation, share) in [0.9, 0.075, 0.025].into_iter().enumerate() {
            let n = picks
                .iter()
                .filter(|p| usize::from(**p) == operation)
                .count() as f64;
            let off = (n / 1e5 - share) / (share * (1.0 - share) / 1e5_f64).sqrt();
            assert!(off.abs() < 4.0, "{operation}: {off}");
        }
    }

    #[test]
    fn a_changed_weight_changes_no_more_than_it_must() {
        let before = picks(&mix(&[("read", 90.0), ("write", 10.0)]));
        let after = picks(&mix(&[("read", 80.0), ("write", 20.0)]));
        let changed = before.iter().zip(&after).filter(|(a, b)| a != b).count();
        assert!((9_500..10_500).contains(&changed), "{changed}");
        assert!(before.iter().zip(&after).all(|(a, b)| a <= b));
    }

    #[test]
    fn one_operation_is_always_it() {
        assert!(picks(&mix(&[("read", 0.5)])).iter().all(|p| *p == 0));
    }

    #[test]
    fn what_is_wrong_with_a_mix_is_named() {
        let mut problems = Problems::default();
        mix(&[("read", 0.0), ("*", 1.0), ("Write", 1.0)]).check(&mut problems);
        Mix::default().check(&mut problems);
        let said: Vec<String> = problems
            .or(())
            .expect_err("four faults")
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(said.len(), 4, "{said:?}");
        assert!(said[0].starts_with("read: 0 is out of range"), "{said:?}");
        assert!(said[1].starts_with("*: '*' stands for any"), "{said:?}");
    }
}
