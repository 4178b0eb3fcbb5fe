//! The wire: how long a message takes from one component to another, and whether it comes at all.
//!
//! Models: latency; the time to put a message's bytes on a link of limited bandwidth, to itself or shared with the messages
//! before it (then the link is a server with an endless line, first come first served: Lindley's recursion); loss, with the
//! sender's retransmissions after a timeout that doubles each time (RFC 6298, section 5.5) until it gives up; partitions, in
//! which every transmission is lost, so that a message is still delivered if the link heals in time.
//! Does not model: packets (a message is lost or comes whole, so for a large one `loss` stands for the chance that its last
//! packet, or all duplicates that would reveal the gap, are lost), congestion windows, connection set-up, or messages that
//! overtake each other for other reasons than latency.

use serde::{Deserialize, Serialize};

use crate::component::Component;
use crate::distribution::{Distribution, Sampler};
use crate::limits;
use crate::problem::Problems;
use crate::random::Draws;
use crate::scenario::{Scenario, unknown};
use crate::time::{Duration, Time};

/// The way between two components, for calls and their answers alike. Where there is none the way takes no time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The component that calls.
    pub from: String,
    /// The component that is called.
    pub to: String,
    /// How long a message travels, one way.
    pub latency: Distribution,
    /// How fast bytes go onto the link, in megabits a second each way. Without it they take no time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandwidth_mbit_s: Option<f64>,
    /// Whether messages in one direction wait for those before them; else each has the bandwidth to itself.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub shared: bool,
    /// The chance that a message is lost on its way, 0 to 0.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// How long a sender waits before it sends a lost message again, in milliseconds; twice as long after each further loss.
    /// RFC 6298 asks for a second; 200 ms, the default, is the least that Linux waits.
    #[serde(
        default = "retransmit_ms",
        skip_serializing_if = "is_usual_retransmission"
    )]
    #[cfg_attr(feature = "schema", schemars(extend("default" = retransmit_ms())))]
    pub retransmit_ms: f64,
    /// How long a sender tries before it gives up, in milliseconds.
    #[serde(default = "give_up_ms", skip_serializing_if = "is_usual_patience")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = give_up_ms())))]
    pub give_up_ms: f64,
}

const fn retransmit_ms() -> f64 {
    200.0
}

const fn give_up_ms() -> f64 {
    30_000.0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_usual_retransmission(millis: &f64) -> bool {
    millis.to_bits() == retransmit_ms().to_bits()
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_usual_patience(millis: &f64) -> bool {
    millis.to_bits() == give_up_ms().to_bits()
}

impl Link {
    /// Notes what is wrong with this link of `scenario`.
    pub(crate) fn check(&self, scenario: &Scenario, p: &mut Problems) {
        for (field, name) in [("from", &self.from), ("to", &self.to)] {
            if !scenario.components.contains_key(name) {
                p.note_at(field, unknown(name, scenario.components.keys()));
            }
        }
        if self.from == self.to {
            p.note_at("to", "a link joins two components");
        }
        if let Some(Component::Client(_)) = scenario.components.get(&self.to) {
            let message = format!("'{}' is a client, which nobody calls", self.to);
            p.note_at("to", message);
        }
        self.check_numbers(p);
    }

    fn check_numbers(&self, p: &mut Problems) {
        p.within("latency", |p| self.latency.check(p));
        if let Some(bandwidth) = self.bandwidth_mbit_s {
            p.number(
                "bandwidth_mbit_s",
                bandwidth,
                1e-3,
                limits::BANDWIDTH_MBIT_S,
            );
        }
        if self.shared && self.bandwidth_mbit_s.is_none() {
            p.note_at(
                "shared",
                "a link without `bandwidth_mbit_s` has nothing to share",
            );
        }
        if let Some(loss) = self.loss {
            p.number("loss", loss, 0.0, 0.5);
        }
        p.number("retransmit_ms", self.retransmit_ms, 1.0, 60_000.0);
        p.number("give_up_ms", self.give_up_ms, 1.0, limits::WORK_MS);
    }
}

/// A [`Link`] with its constants worked out.
#[derive(Clone, PartialEq, Debug)]
pub struct Wire {
    latency: Sampler,
    ns_per_byte: f64,
    shared: bool,
    loss: f64,
    retransmit: Duration,
    give_up: Duration,
}

/// The state of one direction of a link.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct WireState {
    /// Whether it is cut: every transmission is lost.
    pub cut: bool,
    /// The chance that a message is lost on top of the link's own, in billionths.
    pub loss_ppb: u32,
    /// When the last byte so far will be on the link, if the link is shared.
    free_at: Time,
}

/// What becomes of one transmission.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sent {
    /// It comes at this moment.
    Arrives(Time),
    /// It is lost, and to be sent again at this moment, as the next attempt.
    Again(Time),
    /// It is lost, and the sender gives up at this moment.
    GivenUp(Time),
}

impl Wire {
    /// Compiles a link that was checked.
    pub fn new(link: &Link) -> Self {
        Self {
            latency: Sampler::new(&link.latency),
            ns_per_byte: link.bandwidth_mbit_s.map_or(0.0, |mbit| 8000.0 / mbit),
            shared: link.shared,
            loss: link.loss.unwrap_or(0.0),
            retransmit: Duration::from_millis(link.retransmit_ms),
            give_up: Duration::from_millis(link.give_up_ms),
        }
    }

    /// Sends a message's bytes at `now`, for the first time (`attempt` 0) or again.
    ///
    /// Transmissions of one direction are to come in the order of their moments. A lost one has used the link like any other.
    /// `draws` belong to the message and the attempt.
    pub fn transmit(
        &self,
        state: &mut WireState,
        now: Time,
        bytes: u64,
        attempt: u32,
        draws: &mut Draws,
    ) -> Sent {
        let transmission = Duration::from_nanos(libm::rint(bytes as f64 * self.ns_per_byte) as u64);
        let mut sent = now + transmission;
        // Nothing of a cut link's messages stands in the way of those after it heals.
        if self.shared && !state.cut {
            sent = state.free_at.max(now) + transmission;
            state.free_at = sent;
        }
        // Drawn also where it cannot matter, so that a cut changes no later draw; a unit is never 0.
        let chance = self.loss + (1.0 - self.loss) * f64::from(state.loss_ppb) / 1e9;
        let lost = draws.unit() <= chance;
        let latency = self.latency.draw(draws);
        if !lost && !state.cut {
            return Sent::Arrives(sent + latency);
        }
        // Before attempt n the sender has waited R·(2ⁿ - 1), with R the first timeout.
        let first = self.retransmit.nanos();
        let wait = first.saturating_mul(1_u64.checked_shl(attempt).unwrap_or(u64::MAX));
        let waited = Duration::from_nanos(wait.saturating_sub(first));
        let next = Duration::from_nanos(wait);
        if waited + next <= self.give_up {
            Sent::Again(now + next)
        } else {
            Sent::GivenUp(now + Duration::from_nanos(self.give_up.nanos() - waited.nanos()))
        }
    }

    /// How long a message takes over a link that is whole and idle, with all retransmissions; `None` if the sender gives up,
    /// which he does after [`Wire::give_up`].
    pub fn delay(&self, bytes: u64, draws: &mut Draws) -> Option<Duration> {
        let mut state = WireState::default();
        let mut now = Time::ZERO;
        for attempt in 0.. {
            match self.transmit(&mut state, now, bytes, attempt, draws) {
                Sent::Arrives(time) => return Some(time.since(Time::ZERO)),
                Sent::Again(time) => now = time,
                Sent::GivenUp(_) => break,
            }
        }
        None
    }

    /// How long a sender tries.
    pub fn give_up(&self) -> Duration {
        self.give_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    fn link(fields: &str) -> Link {
        let json =
            format!(r#"{{"from":"a","to":"b","latency":{{"constant":{{"mean_ms":5}}}}{fields}}}"#);
        let link: Link = crate::json::read_json(&json).expect("of the format");
        let again = serde_json::to_string(&link).expect("plain data");
        assert_eq!(crate::json::read_json::<Link>(&again), Ok(link.clone()));
        link
    }

    fn wire(fields: &str) -> Wire {
        Wire::new(&link(fields))
    }

    fn millis(wire: &Wire, bytes: u64) -> Vec<Option<f64>> {
        (0..200_000)
            .map(|i| wire.delay(bytes, &mut Key::root(8).with(i).draws()))
            .map(|delay| delay.map(Duration::millis))
            .collect()
    }

    #[test]
    fn bytes_take_their_time() {
        // 1.25 MB over 100 Mbit/s take 100 ms.
        let wire = wire(r#","bandwidth_mbit_s":100"#);
        let delay = wire.delay(1_250_000, &mut Key::root(1).draws());
        assert_eq!(delay, Some(Duration::from_millis(105.0)));
    }

    #[test]
    fn losses_cost_what_retransmissions_cost() {
        // N losses with chance p each take R·(2^N - 1): R·p / (1 - 2p) on average.
        let delays = millis(&wire(r#","loss":0.1,"give_up_ms":3600000"#), 0);
        let n = delays.len() as f64;
        let mean = delays
            .iter()
            .map(|d| d.expect("it never gives up"))
            .sum::<f64>()
            / n;
        assert!((mean - 30.0).abs() < 1.0, "{mean}");
        let share = |at: f64| delays.iter().filter(|d| **d == Some(at)).count() as f64 / n;
        for (at, expected) in [(5.0, 0.9), (205.0, 0.09), (605.0, 0.009), (1405.0, 0.0009)] {
            let error = (expected * (1.0 - expected) / n).sqrt();
            assert!(
                (share(at) - expected).abs() < 4.5 * error,
                "{at}: {}",
                share(at)
            );
        }
    }

    #[test]
    fn a_sender_gives_up_in_time() {
        // Attempts at 0 and 200 ms; a third, at 600, would be too late.
        let delays = millis(&wire(r#","loss":0.5,"give_up_ms":500"#), 0);
        let lost = delays.iter().filter(|d| d.is_none()).count() as f64 / delays.len() as f64;
        assert!((lost - 0.25).abs() < 0.005, "{lost}");
        let wire = wire(r#","give_up_ms":500"#);
        let mut cut = WireState {
            cut: true,
            ..WireState::default()
        };
        let mut draws = Key::root(1).draws();
        let mut send =
            |now, attempt| wire.transmit(&mut cut, Time::from_secs(now), 10, attempt, &mut draws);
        assert_eq!(send(1.0, 0), Sent::Again(Time::from_secs(1.2)));
        assert_eq!(send(1.2, 1), Sent::GivenUp(Time::from_secs(1.5)));
    }

    #[test]
    fn a_cut_that_heals_lets_the_next_attempt_through() {
        let wire = wire("");
        let mut state = WireState {
            cut: true,
            ..WireState::default()
        };
        let mut draws = Key::root(1).draws();
        let Sent::Again(time) = wire.transmit(&mut state, Time::ZERO, 10, 0, &mut draws) else {
            panic!("a cut link delivered");
        };
        state.cut = false;
        assert_eq!(
            wire.transmit(&mut state, time, 10, 1, &mut draws),
            Sent::Arrives(Time::from_secs(0.205))
        );
    }

    #[test]
    fn a_shared_link_is_a_queue() {
        // M/D/1: messages of 1,250 bytes at 100 Mbit/s take 0.1 ms; at 80% load they wait 0.2 ms (Pollaczek and Khinchine).
        let wire = wire(r#","bandwidth_mbit_s":100,"shared":true"#);
        let (mut state, mut now, mut waited) = (WireState::default(), Time::ZERO, 0.0);
        let n = 400_000;
        for i in 0..n {
            let mut draws = Key::root(6).with(i).draws();
            now = now + Duration::from_secs(-libm::log(draws.unit()) / 8000.0);
            match wire.transmit(&mut state, now, 1250, 0, &mut draws) {
                Sent::Arrives(time) => waited += time.since(now).millis() - 5.1,
                other => panic!("{other:?}"),
            }
        }
        let wait = waited / n as f64;
        assert!((wait - 0.2).abs() < 0.008, "{wait}");
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let said = |fields: &str| {
            let mut problems = Problems::default();
            link(fields).check_numbers(&mut problems);
            let found = problems.or(()).err().unwrap_or_default();
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert!(said(r#","loss":0.5"#).is_empty());
        assert_eq!(
            said(r#","loss":0.6"#),
            ["loss: 0.6 is out of range: 0 to 0.5 is allowed"]
        );
        assert_eq!(said(r#","shared":true,"bandwidth_mbit_s":0"#).len(), 1);
        assert_eq!(said(r#","shared":true"#).len(), 1);
    }

    #[test]
    fn a_link_joins_components_that_are_there() {
        let scenario: Scenario = crate::json::read_json(
            r#"{"version":1,"horizon_s":1,"components":{
                "a":{"client":{"operation":"x","target":"b","arrivals":{"constant":{"rate_per_s":1}}}},
                "b":{"database":{"connections":1,"queries":{"*":{"constant":{"mean_ms":1}}}}}}}"#,
        )
        .expect("of the format");
        let said = |from: &str, to: &str| {
            let mut problems = Problems::default();
            let link = Link {
                from: from.to_owned(),
                to: to.to_owned(),
                ..link("")
            };
            link.check(&scenario, &mut problems);
            problems.or(()).err().map_or(0, |found| found.len())
        };
        assert_eq!(said("a", "b"), 0);
        assert_eq!(said("a", "c"), 1);
        assert_eq!(said("b", "a"), 1);
        assert_eq!(said("b", "b"), 1);
    }
}
