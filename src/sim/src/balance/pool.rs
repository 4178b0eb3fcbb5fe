//! The policies' own state, and their choice among those members that can be had.

use super::least::Fewest;
use super::{Ask, Load, PeakEwma, Policy, least, sample, slow_start, smooth};
use crate::random::Draws;
use crate::time::{Duration, Time};

/// What a balancer's draws are for.
const CHOICE: u64 = 0xc401_ce00;

/// All that ever were members, by slot, as the policies see them.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Pool {
    pub policy: Policy,
    pub loads: Vec<Load>,
    /// Who has the fewest open requests, if that is kept.
    pub fewest: Option<Fewest>,
    latencies: Vec<PeakEwma>,
    /// The place of the next turn.
    turn: u32,
}

impl Pool {
    pub const fn new() -> Self {
        Self {
            policy: Policy::RoundRobin,
            loads: Vec::new(),
            fewest: None,
            latencies: Vec::new(),
            turn: 0,
        }
    }

    /// Takes in a station that was never a member.
    pub fn add(&mut self, station: u32) {
        self.loads.push(Load {
            open: 0,
            weight: 1,
            effective: 1,
            share: slow_start::FULL,
            station,
            place: 0,
            current: 0,
        });
        self.latencies.push(PeakEwma::default());
    }

    /// Forgets all but the open requests of the member in `slot`, whose weight is to be `weight`.
    pub fn renew(&mut self, slot: u32, weight: u32) {
        let load = &mut self.loads[slot as usize];
        (load.weight, load.effective, load.current) = (weight, weight, 0);
        self.latencies[slot as usize] = PeakEwma::default();
    }

    /// A request to the member in `slot` took so long.
    pub fn observe(&mut self, slot: u32, latency: Duration, now: Time) {
        if let Policy::PeakEwma { decay_ms } = self.policy {
            self.latencies[slot as usize].observe(latency, now, decay(decay_ms));
        }
    }

    /// The member in `slot` gets a request. Tells its station.
    pub fn opened(&mut self, slot: u32) -> u32 {
        let load = &mut self.loads[slot as usize];
        load.open += 1;
        if let Some(fewest) = &mut self.fewest {
            fewest.opened(load);
        }
        load.station
    }

    /// A request to the member in `slot` is over.
    pub fn ended(&mut self, slot: u32) {
        let load = &mut self.loads[slot as usize];
        load.open -= 1;
        if let Some(fewest) = &mut self.fewest {
            fewest.ended(load);
        }
    }

    /// The policy's choice among all members, if it is kept who of them has the fewest open requests.
    #[inline]
    pub fn choose_of_all(&mut self, slots: &[u32]) -> Option<u32> {
        self.fewest.as_mut()?.choose(&mut self.loads, slots)
    }

    /// The policy's choice among `slots`; `None` if there are none.
    #[inline]
    pub fn choose(&mut self, slots: &[u32], ask: &Ask<'_>) -> Option<u32> {
        let loads = &mut self.loads;
        match self.policy {
            Policy::LeastConnections => least::choose(loads, slots),
            Policy::RoundRobin => self.in_turn(slots),
            // A hash has named only such as cannot be had.
            Policy::WeightedRoundRobin | Policy::ConsistentHash | Policy::Hash => {
                smooth::choose(loads, slots)
            }
            Policy::Random => sample::any(slots, &mut draws(ask)),
            Policy::WeightedRandom => sample::by_weight(loads, slots, &mut draws(ask)),
            Policy::PowerOfTwoChoices => emptiest_of(2, loads, slots, ask),
            Policy::PowerOfD { d } => emptiest_of(d, loads, slots, ask),
            Policy::PeakEwma { decay_ms } => {
                let decay = decay(decay_ms);
                let latencies = &mut self.latencies;
                let mut cost = |slot: u32| {
                    let open = loads[slot as usize].open;
                    latencies[slot as usize].cost(open, ask.now, decay)
                };
                sample::best_of(2, slots, &mut draws(ask), |a, b| cost(a) < cost(b))
            }
        }
    }

    /// The moving average of the latency of the member in `slot`, where the policy keeps one.
    pub fn average(&self, slot: u32) -> Option<Duration> {
        let kept = matches!(self.policy, Policy::PeakEwma { .. });
        kept.then(|| Duration::from_nanos(self.latencies[slot as usize].nanos() as u64))
    }

    /// Whether round robin looks at the member in `slot` first, of so many.
    pub fn is_next(&self, slot: u32, members: usize) -> bool {
        self.policy == Policy::RoundRobin
            && self.loads[slot as usize].place == self.turn % (members as u32).max(1)
    }

    fn in_turn(&mut self, slots: &[u32]) -> Option<u32> {
        let place = |slot: u32| self.loads[slot as usize].place;
        // Usually all can be chosen, and a place is a place in the list too.
        let slot = match slots.get(self.turn as usize) {
            Some(slot) if place(*slot) == self.turn => *slot,
            _ => {
                let at = slots.partition_point(|slot| place(*slot) < self.turn);
                *slots.get(at).or_else(|| slots.first())?
            }
        };
        self.turn = place(slot) + 1;
        Some(slot)
    }
}

fn emptiest_of(d: u32, loads: &[Load], slots: &[u32], ask: &Ask<'_>) -> Option<u32> {
    sample::best_of(d, slots, &mut draws(ask), |a, b| {
        let (a, b) = least::ratios(&loads[a as usize], &loads[b as usize]);
        a < b
    })
}

fn draws(ask: &Ask<'_>) -> Draws {
    ask.key.with(CHOICE).draws()
}

const fn decay(decay_ms: u32) -> Duration {
    Duration::from_nanos(decay_ms as u64 * 1_000_000)
}
