//! Where to look: seeds first; then each fault that a component or a link can have, after each event of a run.

use scale_sim::{Between, Component, Fault, Lossy, Place, Scenario, Slow, Trouble};

use super::case::Case;

/// So many instances of one component are tried.
const INSTANCES: u32 = 5;

/// After so many events of a seed's run faults are tried at most; the next seed gives others.
const MOMENTS: u64 = 4_096;

/// The faults that are tried, each for a while and to the end of the run, without their moments.
pub fn troubles(scenario: &Scenario) -> Vec<Fault> {
    let mut all = Vec::new();
    for (name, component) in &scenario.components {
        let place = |instance| Place {
            component: name.clone(),
            instance,
        };
        let instances = match component {
            Component::Service(service) => service.instances,
            Component::Database(database) => {
                1 + database.replication.as_ref().map_or(0, |r| r.replicas)
            }
            Component::Cache(cache) => cache.regions,
            Component::Gateway(_) => 1,
            _ => continue,
        };
        for instance in 1..=instances.min(INSTANCES) {
            all.push(Trouble::Crash(place(Some(instance))));
        }
        all.push(Trouble::Slow(Slow {
            component: name.clone(),
            instance: None,
            factor: 100.0,
        }));
        match component {
            Component::Cache(_) => all.push(Trouble::CacheFlush(place(None))),
            Component::Database(database) if database.replication.is_some() => {
                all.push(Trouble::ReplicaLag(place(None)));
            }
            _ => {}
        }
    }
    for link in &scenario.links {
        let (from, to) = (link.from.clone(), link.to.clone());
        all.push(Trouble::PacketLoss(Lossy {
            from: from.clone(),
            to: to.clone(),
            loss: 0.5,
        }));
        all.push(Trouble::Partition(Between { from, to }));
    }
    let short = short_ms(scenario.horizon_s) as f64 / 1e3;
    let twice = all.into_iter().flat_map(|what| {
        [Some(short), None].map(|for_s| Fault {
            what: what.clone(),
            at_s: None,
            after_events: None,
            for_s,
            random: None,
        })
    });
    twice.collect()
}

/// A twentieth of the run, in whole milliseconds.
fn short_ms(horizon_s: f64) -> u64 {
    (horizon_s * 50.0).ceil().max(1.0) as u64
}

/// The cases with a fault in a seed's run of so many events: the moments first spread wide, then between those.
#[derive(Clone, Debug)]
pub struct Cases<'a> {
    pub base: Case,
    pub troubles: &'a [Fault],
    /// Events of the run without a fault.
    pub events: u64,
}

impl Cases<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.troubles.len() * self.events.min(MOMENTS) as usize
    }

    /// One of them.
    pub fn get(&self, at: usize) -> Case {
        let mut fault = self.troubles[at % self.troubles.len()].clone();
        let moment = (at / self.troubles.len()) as u64;
        fault.after_events = Some(1 + spread(moment, self.events.min(MOMENTS)));
        Case {
            added: Some(fault),
            ..self.base.clone()
        }
    }
}

/// The `n`-th of the numbers below `count`, each of which comes once: far apart at first (van der Corput, 1935).
fn spread(n: u64, count: u64) -> u64 {
    let bits = u64::BITS - (count.max(2) - 1).leading_zeros();
    let mut at = 0;
    let mut left = n;
    // Of the bits' reversals those below `count` are counted off.
    loop {
        let reversed = at_reversed(at, bits);
        if reversed < count {
            if left == 0 {
                return reversed;
            }
            left -= 1;
        }
        at += 1;
    }
}

const fn at_reversed(at: u64, bits: u32) -> u64 {
    at.reverse_bits() >> (u64::BITS - bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_spread_and_each_comes_once() {
        let first: Vec<u64> = (0..5).map(|n| spread(n, 1_000)).collect();
        assert_eq!(first, [0, 512, 256, 768, 128]);
        for count in [1, 2, 3, 100, 1_000] {
            let mut all: Vec<u64> = (0..count).map(|n| spread(n, count)).collect();
            all.sort_unstable();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_while_is_a_twentieth_of_the_run() {
        assert_eq!([2.0, 0.001, 1.03].map(short_ms), [100, 1, 52]);
    }
}
