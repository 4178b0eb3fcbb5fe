//! A balancer's state: its members, what it knows of them, and its choice among those that may be chosen.
//!
//! Models: one balancer's own view, as real ones have it: open requests are its own, not those of other balancers.
//! Does not model: the exchange of views between balancers, zones, or limits of connections to one member.

use std::sync::Arc;

use super::least::Fewest;
use super::pool::Pool;
use super::{
    Affinities, Ask, Balancing, Ejection, Failures, Health, Policy, Rules, Seat, SlowStart, Sticky,
    Transition, slow_start,
};
use crate::hash::modulo::{self, Tries};
use crate::hash::ring::{POINTS, Ring};
use crate::limits;
use crate::time::{Duration, Time};

/// "No place": of a station that is no member.
const NONE: u32 = u32::MAX;

/// Nodes that a hash may name in vain before round robin chooses, as in nginx.
const HASH_TRIES: usize = 20;

/// What a balancer knows of one member beside its load.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Member {
    seat: Seat,
    /// Whether it is a member, and not one that was taken away.
    present: bool,
    /// Whether it can be chosen.
    usable: bool,
    health: Health,
    failures: Failures,
    start: Option<SlowStart>,
}

/// What a balancer knows of a member, to be shown.
#[derive(Clone, PartialEq, Debug)]
pub struct MemberState {
    /// Its station.
    pub station: u32,
    /// Its weight, and how much of it counts, in percent: less while it starts slowly.
    pub weight: u32,
    /// See `weight`.
    pub share: u32,
    /// Whether it gets requests only when no other member can.
    pub backup: bool,
    /// Whether it could be chosen.
    pub usable: bool,
    /// What probes have shown of it.
    pub health: Health,
    /// How long it is still put aside because its requests failed.
    pub ejected: Option<Duration>,
    /// Requests of this balancer that are under way there.
    pub open: u32,
    /// What smooth weighted round robin will compare: its running value once it has grown by its weight, in hundredths.
    pub current: i64,
    /// The moving average of its latency, where the policy keeps one.
    pub average: Option<Duration>,
    /// Whether round robin looks at it first.
    pub next: bool,
}

/// A balancer's state. It starts without members: see [`BalancerState::follow`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct BalancerState {
    rules: Rules,
    /// By slot: all that ever were members, so that one taken away can finish and come back.
    members: Vec<Member>,
    pool: Pool,
    /// The slot of each station.
    slots: Vec<u32>,
    /// The slots of the members, in order.
    order: Vec<u32>,
    /// Those that can be chosen, in order, without the backups; and the backups.
    usable: Vec<u32>,
    spare: Vec<u32>,
    /// Room for choices without those tried; empty in between.
    left: Vec<u32>,
    /// When time alone next changes who can be chosen, or a weight.
    next_change: Time,
    ring: Arc<Ring>,
    affinities: Affinities,
}

impl Default for BalancerState {
    fn default() -> Self {
        Self {
            rules: Rules::new(Policy::RoundRobin),
            members: Vec::new(),
            pool: Pool::new(),
            slots: Vec::new(),
            order: Vec::new(),
            usable: Vec::new(),
            spare: Vec::new(),
            left: Vec::new(),
            next_change: Time::MAX,
            ring: Arc::default(),
            affinities: Affinities::default(),
        }
    }
}

impl BalancerState {
    /// From now on these are the members and the rules. Those that were members before keep what is known of them; those
    /// that come later than the first ones start slowly; those that go keep their open requests.
    pub fn follow(&mut self, balancing: &Balancing, now: Time) {
        let first = self.members.is_empty();
        self.rules = balancing.rules;
        self.pool.policy = self.rules.policy;
        let before: Vec<bool> = self.members.iter().map(|member| member.present).collect();
        for (member, load) in self.members.iter_mut().zip(&mut self.pool.loads) {
            member.present = false;
            member.usable = false;
            load.place = NONE;
        }
        self.order.clear();
        for seat in &balancing.seats {
            let slot = self.slot(*seat);
            let member = &mut self.members[slot as usize];
            if !before.get(slot as usize).is_some_and(|present| *present) {
                // An instance that was away is a new one, but for the requests that it still has.
                *member = Member::new(*seat);
                self.pool.renew(slot, seat.weight);
                if !first {
                    self.warm_up(slot, now);
                }
            } else if member.seat.weight != seat.weight {
                let load = &mut self.pool.loads[slot as usize];
                (load.weight, load.effective) = (seat.weight, seat.weight);
            }
            let member = &mut self.members[slot as usize];
            member.seat = *seat;
            member.present = true;
            self.pool.loads[slot as usize].place = self.order.len() as u32;
            self.order.push(slot);
        }
        self.ring = if self.rules.policy == Policy::ConsistentHash {
            Arc::new(self.new_ring())
        } else {
            Arc::default()
        };
        self.refresh(now);
    }

    /// The slot of a station; a new one if it has none.
    fn slot(&mut self, seat: Seat) -> u32 {
        let station = seat.station as usize;
        if self.slots.len() <= station {
            self.slots.resize(station + 1, NONE);
        }
        if self.slots[station] == NONE {
            self.slots[station] = self.members.len() as u32;
            self.members.push(Member::new(seat));
            self.pool.add(seat.station);
        }
        self.slots[station]
    }

    fn new_ring(&self) -> Ring {
        let nodes = || {
            let members = self.order.iter().map(|slot| &self.members[*slot as usize]);
            members.filter(|member| !member.seat.backup)
        };
        // Scenarios are checked for this many; scaling may add members, who then have to do with fewer points.
        let total: u64 = nodes().map(|member| u64::from(member.seat.weight)).sum();
        let points = (limits::RING_POINTS / total.max(1)).min(u64::from(POINTS)) as u32;
        Ring::new(nodes().map(|member| {
            let slot = self.slots[member.seat.station as usize];
            (slot, member.seat.start, member.seat.weight * points)
        }))
    }

    /// Works out anew who can be chosen, with what weights, and until when that holds.
    fn refresh(&mut self, now: Time) {
        self.usable.clear();
        self.spare.clear();
        self.next_change = Time::MAX;
        let alone = self.order.len() == 1;
        for slot in &self.order {
            let (member, load) = (
                &mut self.members[*slot as usize],
                &mut self.pool.loads[*slot as usize],
            );
            let (share, next) = member
                .start
                .map_or((slow_start::FULL, None), |start| start.share(now));
            load.share = share;
            if let Some(next) = next {
                self.next_change = self.next_change.min(next);
            } else {
                member.start = None;
            }
            member.usable = member.health.is_up();
            if let Some(rule) = self.rules.ejection
                && !alone
                && member.failures.ejected(rule, now)
            {
                member.usable = false;
                self.next_change = self.next_change.min(member.failures.until(rule));
            }
            if member.usable {
                let list = if member.seat.backup {
                    &mut self.spare
                } else {
                    &mut self.usable
                };
                list.push(*slot);
            }
        }
        let counted = |slot: &u32| self.pool.loads[*slot as usize].counted();
        let simple = self.rules.policy == Policy::LeastConnections
            && self.usable.len() == self.order.len()
            && self.order.len() <= Fewest::MEMBERS
            && self
                .order
                .windows(2)
                .all(|w| counted(&w[0]) == counted(&w[1]));
        self.pool.fewest = simple.then(|| Fewest::of(&self.pool.loads, &self.order));
    }

    /// The station that gets this request, which is then open there; `None` if nobody can be chosen.
    #[inline(always)]
    pub fn choose(&mut self, ask: &Ask<'_>) -> Option<u32> {
        if ask.now >= self.next_change {
            self.refresh(ask.now);
        }
        let slot = match self.rules.sticky {
            None => self.pick(ask)?,
            Some(sticky) => self.stick(sticky, ask)?,
        };
        let station = self.pool.opened(slot);
        if let Some(rule) = self.rules.ejection
            && self.members[slot as usize].failures.chosen(rule, ask.now)
        {
            self.refresh(ask.now);
        }
        Some(station)
    }

    /// The member that a user or key had before, if it can be had.
    #[inline(never)]
    fn stick(&mut self, sticky: Sticky, ask: &Ask<'_>) -> Option<u32> {
        let id = match sticky {
            Sticky::User => ask.user,
            Sticky::Key => ask.data,
        };
        if let Some(slot) = self.affinities.get(id)
            && self.can_have(slot, ask)
        {
            return Some(slot);
        }
        let slot = self.pick(ask)?;
        let most = self.rules.affinities as usize;
        self.affinities.set(id, slot, most);
        Some(slot)
    }

    fn can_have(&self, slot: u32, ask: &Ask<'_>) -> bool {
        let member = &self.members[slot as usize];
        member.usable && !ask.tried.contains(&member.seat.station)
    }

    #[inline(always)]
    fn pick(&mut self, ask: &Ask<'_>) -> Option<u32> {
        if ask.tried.is_empty()
            && let Some(slot) = self.pool.choose_of_all(&self.usable)
        {
            return Some(slot);
        }
        self.pick_by_policy(ask)
    }

    #[inline(never)]
    fn pick_by_policy(&mut self, ask: &Ask<'_>) -> Option<u32> {
        let hashed = match self.rules.policy {
            Policy::ConsistentHash => self.on_the_ring(ask),
            Policy::Hash => self.by_remainder(ask),
            _ => None,
        };
        if hashed.is_some() {
            return hashed;
        }
        if !ask.tried.is_empty() {
            return self.pick_untried(ask);
        }
        let slot = self.pool.choose(&self.usable, ask);
        slot.or_else(|| self.pool.choose(&self.spare, ask))
    }

    fn pick_untried(&mut self, ask: &Ask<'_>) -> Option<u32> {
        // Taken out for the while, and put back to keep its room.
        let mut left = core::mem::take(&mut self.left);
        let can_have = |slot: &&u32| self.can_have(**slot, ask);
        left.extend(self.usable.iter().filter(can_have));
        if left.is_empty() {
            left.extend(self.spare.iter().filter(can_have));
        }
        let slot = self.pool.choose(&left, ask);
        left.clear();
        self.left = left;
        slot
    }

    /// The first that can be had from the key's point on; as in nginx, within so many points.
    fn on_the_ring(&self, ask: &Ask<'_>) -> Option<u32> {
        let place = self.ring.place(&ask.data.to_le_bytes());
        (place..=place + HASH_TRIES)
            .filter_map(|place| self.ring.node(place))
            .find(|slot| self.can_have(*slot, ask))
    }

    /// The first that can be had of those that the key's hash and its further tries name.
    fn by_remainder(&self, ask: &Ask<'_>) -> Option<u32> {
        let key = ask.data.to_le_bytes();
        let slots = self
            .order
            .iter()
            .filter(|slot| !self.members[**slot as usize].seat.backup);
        let weights = slots
            .clone()
            .map(|slot| self.pool.loads[*slot as usize].weight);
        let mut tries = Tries::default();
        (0..=HASH_TRIES)
            .filter_map(|_| {
                let at = modulo::share(tries.next(&key), weights.clone())?;
                slots.clone().nth(at).copied()
            })
            .find(|slot| self.can_have(*slot, ask))
    }

    /// A request to `station` is over, and says nothing of the member: it was refused before it got there, or given up.
    pub fn ended(&mut self, station: u32) {
        let slot = self.slots[station as usize];
        self.pool.ended(slot);
    }

    /// A request to `station` is over, well or badly, `latency` after it was sent there.
    #[inline(always)]
    pub fn outcome(&mut self, station: u32, ok: bool, latency: Duration, now: Time) {
        let slot = self.slots[station as usize];
        self.pool.ended(slot);
        self.pool.observe(slot, latency, now);
        if let Some(rule) = self.rules.ejection {
            self.judge(rule, slot, ok, now);
        }
    }

    /// What the end of a request says of the member that had it.
    #[inline(never)]
    fn judge(&mut self, rule: Ejection, slot: u32, ok: bool, now: Time) {
        let member = &mut self.members[slot as usize];
        if self.order.len() == 1 {
            return;
        }
        if ok {
            if member.failures.succeeded(rule) {
                self.warm_up(slot, now);
                self.refresh(now);
            }
        } else {
            member.failures.failed(now);
            let load = &mut self.pool.loads[slot as usize];
            load.effective = load.effective.saturating_sub(load.weight / rule.max_fails);
            if member.usable && member.failures.ejected(rule, now) {
                self.refresh(now);
            }
        }
    }

    /// A probe of `station` has come back. Tells whether that takes the member out of service or brings it back.
    pub fn probe_result(&mut self, station: u32, ok: bool, now: Time) -> Option<Transition> {
        let slot = *self.slots.get(station as usize)?;
        let member = self.members.get_mut(slot as usize)?;
        let transition = member.health.probed(ok, self.rules.fall, self.rules.rise)?;
        if transition == Transition::Up {
            self.warm_up(slot, now);
        }
        self.refresh(now);
        Some(transition)
    }

    fn warm_up(&mut self, slot: u32, now: Time) {
        if self.rules.slow_start > Duration::ZERO {
            self.members[slot as usize].start = Some(SlowStart::new(now, self.rules.slow_start));
        }
    }

    /// Requests of this balancer that are under way at `station`.
    pub fn open(&self, station: u32) -> u32 {
        self.at(station)
            .map_or(0, |slot| self.pool.loads[slot].open)
    }

    /// What probes have shown of `station`; `None` if it is no member.
    pub fn health(&self, station: u32) -> Option<Health> {
        Some(self.members[self.at(station)?].health)
    }

    /// Whether `station` could be chosen at `now`.
    pub fn is_usable(&self, station: u32, now: Time) -> bool {
        self.at(station).is_some_and(|slot| {
            let member = &self.members[slot];
            let ejected = self.order.len() > 1
                && self
                    .rules
                    .ejection
                    .is_some_and(|rule| member.failures.ejected(rule, now));
            member.present && member.health.is_up() && !ejected
        })
    }

    /// What it knows of its members, in order.
    pub fn members(&self, now: Time) -> impl Iterator<Item = MemberState> {
        self.order.iter().map(move |slot| {
            let (member, load) = (
                &self.members[*slot as usize],
                &self.pool.loads[*slot as usize],
            );
            let station = member.seat.station;
            let ejected = self
                .rules
                .ejection
                .filter(|rule| self.order.len() > 1 && member.failures.ejected(*rule, now));
            MemberState {
                station,
                weight: load.weight,
                share: load.share,
                backup: member.seat.backup,
                usable: self.is_usable(station, now),
                health: member.health,
                ejected: ejected.map(|rule| member.failures.until(rule).since(now)),
                open: load.open,
                current: load.current + i64::from(load.effective) * i64::from(load.share),
                average: self.pool.average(*slot),
                next: self.pool.is_next(*slot, self.order.len()),
            }
        })
    }

    fn at(&self, station: u32) -> Option<usize> {
        let slot = *self.slots.get(station as usize)?;
        (slot != NONE).then_some(slot as usize)
    }
}

impl Member {
    fn new(seat: Seat) -> Self {
        Self {
            seat,
            present: false,
            usable: false,
            health: Health::default(),
            failures: Failures::default(),
            start: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    fn balancing(rules: Rules, seats: &[(u32, u32)]) -> Balancing {
        let seat = |(station, weight): &(u32, u32)| {
            Seat::new(*station, &format!("shop.{station}"), *weight)
        };
        Balancing {
            rules,
            seats: seats.iter().map(seat).collect(),
        }
    }

    fn state(rules: Rules, seats: &[(u32, u32)]) -> BalancerState {
        let mut state = BalancerState::default();
        state.follow(&balancing(rules, seats), Time::ZERO);
        state
    }

    fn at(secs: f64, number: u64) -> Ask<'static> {
        Ask {
            now: Time::from_secs(secs),
            key: Key::root(4).with(number),
            data: number,
            user: number % 10,
            tried: &[],
        }
    }

    /// Chooses `count` times and counts who was chosen, by station.
    fn counts(state: &mut BalancerState, secs: f64, count: u64) -> [u32; 4] {
        let mut counts = [0; 4];
        for number in 0..count {
            let station = state.choose(&at(secs, number)).expect("somebody");
            state.ended(station);
            counts[station as usize] += 1;
        }
        counts
    }

    const THREE: [(u32, u32); 3] = [(1, 1), (2, 1), (3, 1)];

    #[test]
    fn round_robin_takes_turns_and_goes_on_when_a_target_is_gone() {
        let rules = Rules::new(Policy::RoundRobin);
        let mut state = state(rules, &THREE);
        let chosen: Vec<_> = (0..5).filter_map(|i| state.choose(&at(0.0, i))).collect();
        assert_eq!(chosen, [1, 2, 3, 1, 2]);
        state.follow(&balancing(rules, &THREE[..2]), Time::ZERO);
        assert_eq!(state.choose(&at(0.0, 0)), Some(1));
        state.probe_result(2, false, Time::ZERO);
        assert_eq!(state.choose(&at(0.0, 0)), Some(1));
        state.probe_result(1, false, Time::ZERO);
        assert_eq!(state.choose(&at(0.0, 0)), None);
    }

    #[test]
    fn a_member_that_was_away_keeps_its_open_requests_only() {
        let rules = Rules::new(Policy::LeastConnections);
        let mut state = state(rules, &THREE);
        for i in 0..6 {
            state.choose(&at(0.0, i));
        }
        state.probe_result(3, false, Time::ZERO);
        state.follow(&balancing(rules, &THREE[..2]), Time::ZERO);
        state.ended(3);
        state.follow(&balancing(rules, &THREE), Time::ZERO);
        assert!(state.is_usable(3, Time::ZERO));
        assert_eq!([1, 2, 3].map(|station| state.open(station)), [2, 2, 1]);
        assert_eq!(state.choose(&at(0.0, 0)), Some(3));
    }

    #[test]
    fn a_member_that_comes_later_or_comes_back_starts_slowly() {
        let rules = Rules {
            slow_start: Duration::from_secs(100.0),
            ..Rules::new(Policy::WeightedRoundRobin)
        };
        let mut state = state(rules, &THREE[..2]);
        assert_eq!(counts(&mut state, 0.0, 400), [0, 200, 200, 0]);
        state.follow(&balancing(rules, &THREE), Time::from_secs(10.0));
        // A tenth of its weight, half of it, all of it.
        assert_eq!(counts(&mut state, 10.0, 210), [0, 100, 100, 10]);
        assert_eq!(counts(&mut state, 60.0, 250), [0, 100, 100, 50]);
        assert_eq!(counts(&mut state, 110.0, 300), [0, 100, 100, 100]);
        state.probe_result(1, false, Time::from_secs(120.0));
        state.probe_result(1, true, Time::from_secs(130.0));
        assert_eq!(counts(&mut state, 130.0, 210), [0, 10, 100, 100]);
    }

    #[test]
    fn who_fails_is_left_alone_and_tried_again_by_one() {
        let rules = Rules {
            ejection: Some(Ejection {
                max_fails: 1,
                fail_timeout_s: 3,
            }),
            ..Rules::new(Policy::RoundRobin)
        };
        let mut state = state(rules, &THREE);
        let fail = |state: &mut BalancerState, secs| {
            let ask = Ask {
                tried: &[1, 2],
                ..at(secs, 0)
            };
            let station = state.choose(&ask);
            if let Some(station) = station {
                state.outcome(station, false, Duration::ZERO, ask.now);
            }
            station
        };
        assert_eq!(fail(&mut state, 0.5), Some(3));
        assert_eq!(fail(&mut state, 3.9), None);
        assert_eq!(counts(&mut state, 3.9, 10)[3], 0);
        assert_eq!(fail(&mut state, 4.0), Some(3));
        assert_eq!(fail(&mut state, 7.9), None);
        assert_eq!(counts(&mut state, 8.0, 30)[3], 1, "one tries it");
        // It neither succeeded nor failed: after another timeout one tries it again.
        let ask = Ask {
            tried: &[1, 2],
            ..at(12.0, 0)
        };
        assert_eq!(state.choose(&ask), Some(3));
        state.outcome(3, true, Duration::ZERO, ask.now);
        assert_eq!(counts(&mut state, 12.0, 30)[3], 10);
    }

    #[test]
    fn a_user_stays_while_the_member_can_be_had() {
        let rules = Rules {
            sticky: Some(Sticky::User),
            affinities: 100,
            ..Rules::new(Policy::RoundRobin)
        };
        let mut state = state(rules, &THREE);
        let homes = |state: &mut BalancerState| -> Vec<Option<u32>> {
            (0..10).map(|user| state.choose(&at(0.0, user))).collect()
        };
        let before = homes(&mut state);
        assert_eq!(homes(&mut state), before);
        state.probe_result(2, false, Time::ZERO);
        let without = homes(&mut state);
        for (before, after) in before.iter().zip(&without) {
            assert!(before == after || *before == Some(2));
        }
        // Whoever had to go elsewhere stays there.
        state.probe_result(2, true, Time::ZERO);
        assert_eq!(homes(&mut state), without);
    }

    #[test]
    fn a_hash_keeps_keys_together_and_passes_over_whom_it_cannot_have() {
        for policy in [Policy::ConsistentHash, Policy::Hash] {
            let mut state = state(Rules::new(policy), &[(0, 1), (1, 1), (2, 1), (3, 1)]);
            let homes = |state: &mut BalancerState| -> Vec<Option<u32>> {
                (0..400).map(|key| state.choose(&at(0.0, key))).collect()
            };
            let before = homes(&mut state);
            assert_eq!(homes(&mut state), before);
            assert!((0..4).all(|station| before.contains(&Some(station))));
            state.probe_result(2, false, Time::ZERO);
            for (before, after) in before.iter().zip(homes(&mut state)) {
                assert!(*before == after || *before == Some(2), "{policy:?}");
                assert!(after.is_some() && after != Some(2));
            }
        }
    }

    #[test]
    fn peak_ewma_leaves_a_slow_member_alone() {
        let policy = Policy::PeakEwma { decay_ms: 10_000 };
        let mut state = state(Rules::new(policy), &THREE);
        let mut chosen = [0; 4];
        for number in 0..3_000_u32 {
            let secs = f64::from(number) / 1e3;
            let station = state
                .choose(&at(secs, u64::from(number)))
                .expect("somebody");
            let latency = Duration::from_millis(if station == 3 { 200.0 } else { 10.0 });
            state.outcome(station, true, latency, Time::from_secs(secs));
            chosen[station as usize] += 1;
        }
        // Two different ones are drawn, so there is always another than the slow one.
        assert!(chosen[3] < 10, "{chosen:?}");
        assert!(chosen[1] > 1_000 && chosen[2] > 1_000, "{chosen:?}");
    }
}
