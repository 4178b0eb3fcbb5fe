//! Where two runs under the same arrivals and draws part: the first thing that happens in one and not in the other.

use super::run::Run;
use crate::protocol::{Tick, What};

/// The search for that moment, which goes on as the runs do.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Apart {
    /// How far the ticks of both are alike.
    alike: [usize; 2],
    /// Of how many requests one is compared: where not all are known, those known in both runs.
    stride: u32,
    found: Option<Parting>,
}

/// The moment where two runs part.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Parting {
    /// When.
    pub at_s: f64,
    /// What happens next in each; nothing if that run is at its end.
    pub next: [Option<Tick>; 2],
}

impl Apart {
    /// When they part, if it is known that they do.
    pub fn at_s(&self) -> Option<f64> {
        self.found.map(|found| found.at_s)
    }

    /// Where they part.
    pub fn parting(&self) -> Option<&Parting> {
        self.found.as_ref()
    }

    /// Looks on, as far as both runs are known.
    pub fn look(&mut self, own: &Run, beside: &Run) {
        let ticks = [own.picture.ticks(), beside.picture.ticks()];
        let stride = own.picture.coarsest().max(beside.picture.coarsest());
        let fewer = (0..2).any(|at| ticks[at].len() < self.alike[at]);
        if stride != self.stride || fewer {
            *self = Self {
                stride,
                ..Self::default()
            };
        }
        if self.found.is_some() {
            return;
        }
        let counts = Counts {
            stride,
            steps: own.scene.components == beside.scene.components,
        };
        loop {
            for (ticks, at) in ticks.iter().zip(&mut self.alike) {
                while ticks.get(*at).is_some_and(|tick| !counts.counts(tick)) {
                    *at += 1;
                }
            }
            let next = [0, 1].map(|at| ticks[at].get(self.alike[at]).copied());
            let parted = match next {
                [Some(a), Some(b)] => a != b,
                // The other's next is not known yet, unless the other has come further.
                [Some(a), None] => beside.ended.is_some() || beside.reached_s() > a.at_s,
                [None, Some(b)] => own.ended.is_some() || own.reached_s() > b.at_s,
                [None, None] => return,
            };
            if parted {
                let moments = next.iter().flatten().map(|tick| tick.at_s);
                self.found = Some(Parting {
                    at_s: moments.fold(f64::INFINITY, f64::min),
                    next,
                });
                return;
            }
            if next.contains(&None) {
                return;
            }
            self.alike = self.alike.map(|at| at + 1);
        }
    }
}

/// What is compared.
#[derive(Clone, Copy)]
struct Counts {
    stride: u32,
    /// Every step of a request, in systems of the same parts; in different ones only what becomes of it.
    steps: bool,
}

impl Counts {
    fn counts(self, tick: &Tick) -> bool {
        let told = match tick.what {
            // What was changed between the two is not what came of it.
            What::Capacity { .. } | What::Fault { .. } => false,
            What::Completed { .. } | What::Lost { .. } => true,
            _ => self.steps,
        };
        told && tick.is_shown(self.stride)
    }
}
