//! Who of a consumer group gets which partitions: Kafka's range and round-robin assignors, for one topic.

use serde::{Deserialize, Serialize};

/// How partitions are shared among the members of a group.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Assignment {
    /// Each member gets a run of neighbours; the first get one more if it does not come out even.
    #[default]
    Range,
    /// One after the other, in turn.
    RoundRobin,
}

impl Assignment {
    /// Which of `members` gets `partition` of `partitions`; nobody if there are no members.
    pub(crate) fn owner(self, partition: u32, partitions: u32, members: u32) -> Option<u32> {
        if members == 0 {
            return None;
        }
        Some(match self {
            Self::RoundRobin => partition % members,
            Self::Range => {
                let (each, more) = (partitions / members, partitions % members);
                let long = more * (each + 1);
                if partition < long {
                    partition / (each + 1)
                } else {
                    more + (partition - long) / each
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of Kafka's documentation of the two assignors.
    #[test]
    fn as_kafka_assigns() {
        let of = |how: Assignment, partitions, members| -> Vec<Option<u32>> {
            { 0..partitions }
                .map(|p| how.owner(p, partitions, members))
                .collect()
        };
        assert_eq!(of(Assignment::Range, 3, 2), [Some(0), Some(0), Some(1)]);
        assert_eq!(
            of(Assignment::RoundRobin, 3, 2),
            [Some(0), Some(1), Some(0)]
        );
        assert_eq!(of(Assignment::Range, 2, 3), [Some(0), Some(1)]);
        assert_eq!(of(Assignment::Range, 2, 0), [None, None]);
    }

    #[test]
    fn shares_differ_by_one_at_most() {
        for how in [Assignment::Range, Assignment::RoundRobin] {
            for partitions in 1..40 {
                for members in 1..20 {
                    let mut shares = vec![0_u32; members as usize];
                    for partition in 0..partitions {
                        let owner = how.owner(partition, partitions, members);
                        shares[owner.expect("there are members") as usize] += 1;
                    }
                    let (least, most) = (shares.iter().min(), shares.iter().max());
                    let gap = most.zip(least).map(|(most, least)| most - least);
                    assert!(gap <= Some(1), "{how:?} {partitions} {members}: {shares:?}");
                }
            }
        }
    }
}
