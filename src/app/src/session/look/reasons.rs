//! Why a policy decided as it did, from what it knew just before.

use scale_sim::{
    Event, Loss, MemberState, MessageEvent, Model, Phase, Policy, PolicyState, ShardEvent,
    Threshold,
};

use super::words::{balancing, evicting, hundredths, measured, reading, span, standing, target};
use super::{listed, station};
use crate::protocol::Scene;

/// What was known of a component around a decision.
pub struct Knows<'a> {
    pub scene: &'a Scene,
    pub model: &'a Model,
    pub component: u16,
    /// What its policies knew before the step in which it was made, and after it.
    pub before: &'a [PolicyState],
    pub after: &'a [PolicyState],
}

impl Knows<'_> {
    /// What was decided, and why; nothing if it was none of this component's.
    pub fn reason(&self, event: &Event, key: Option<u64>) -> Option<(String, String)> {
        let name = |at: u32| station(self.scene, at);
        Some(match *event {
            Event::Routed { station, .. } => {
                (format!("to {}", name(station)), self.routed(station)?)
            }
            Event::Health { station, up, .. } => self.health(station, up)?,
            Event::Breaker { to, phase } => self.breaker(to, phase)?,
            Event::Scaled { instances, .. } => (format!("{instances} instances"), self.scaled()?),
            Event::Called { to, .. } => self.owner(to, key?)?,
            Event::Refused { station, reason } => (
                format!("refused at {}", name(station)),
                self.refused(station, reason),
            ),
            Event::Delayed { wait, .. } => (
                format!("held back for {}", span(wait)),
                "it came that much ahead of the rate, and the burst has room for it".to_owned(),
            ),
            Event::CacheEvicted { station, key } => (
                format!("{} gives up key {key}", name(station)),
                self.evicted(station)?,
            ),
            Event::CacheExpired { station, key } => (
                format!("{} does not use key {key}", name(station)),
                "its time to live is over".to_owned(),
            ),
            Event::Pooled { station } => (
                format!("waits for a connection to {}", name(station)),
                self.pooled(station)?,
            ),
            Event::Following { station } => (
                format!("waits at {}", name(station)),
                "this replica has not applied yet what the user wrote".to_owned(),
            ),
            Event::ReplicaRead { station, .. } => {
                (format!("reads at {}", name(station)), self.read(station)?)
            }
            Event::Promoted { station, lost } => (
                format!("{} becomes the primary", name(station)),
                format!(
                    "the primary is gone, and of the replicas that are there this one had received the most; {lost} writes that were acknowledged are lost"
                ),
            ),
            Event::Shard(event) => sharded(event),
            Event::Message(event) => self.delivered(event)?,
            _ => return None,
        })
    }

    fn routed(&self, station: u32) -> Option<String> {
        let (policy, members) = self.before.iter().find_map(|state| match state {
            PolicyState::Balancing {
                policy, members, ..
            } => Some((*policy, members)),
            _ => None,
        })?;
        let chosen = members.iter().find(|member| member.station == station)?;
        let other = |member: &&MemberState| {
            member.usable && member.station != station && member.backup == chosen.backup
        };
        let others = || members.iter().filter(other);
        let against = |of: fn(&MemberState) -> String| {
            let others: Vec<String> = others().map(of).collect();
            if others.is_empty() {
                String::new()
            } else {
                format!(" against {}", listed(&others))
            }
        };
        let open = |member: &MemberState| match member.weight {
            1 => member.open.to_string(),
            weight => format!("{} for a weight of {weight}", member.open),
        };
        let why = match policy {
            Policy::RoundRobin => "its turn in the list has come".to_owned(),
            Policy::WeightedRoundRobin => format!(
                "its running value was the highest: {}{}",
                hundredths(chosen.current),
                against(|member| hundredths(member.current))
            ),
            Policy::Random => format!("drawn at random from {}", others().count() + 1),
            Policy::WeightedRandom => {
                format!("drawn at random from {}, by weight", others().count() + 1)
            }
            Policy::LeastConnections => {
                let fewest =
                    |member: &MemberState| f64::from(member.open) / f64::from(member.weight.max(1));
                let tie = others().any(|member| fewest(member) <= fewest(chosen));
                let among = if tie { "; among equals by turns" } else { "" };
                format!(
                    "no other had fewer requests open: {}{}{among}",
                    open(chosen),
                    against(open)
                )
            }
            Policy::PowerOfTwoChoices | Policy::PowerOfD { .. } => {
                format!(
                    "{}: it had {} requests open",
                    balancing(policy),
                    open(chosen)
                )
            }
            Policy::PeakEwma { .. } => format!(
                "{}: an average of {}, with {} requests open",
                balancing(policy),
                chosen.average.map_or_else(String::new, span),
                chosen.open
            ),
            Policy::ConsistentHash => "its key's point on the ring belongs to this one".to_owned(),
            Policy::Hash => "the remainder of its key's hash is this one's".to_owned(),
        };
        let passed_over: Vec<String> = members
            .iter()
            .filter(|member| !member.usable)
            .map(|member| format!("{} is {}", station_of(self.scene, member), standing(member)))
            .collect();
        Some(if passed_over.is_empty() {
            why
        } else {
            format!("{why}; {}", listed(&passed_over))
        })
    }

    fn health(&self, at: u32, up: bool) -> Option<(String, String)> {
        let member = self.before.iter().find_map(|state| match state {
            PolicyState::Balancing { members, .. } => {
                members.iter().find(|member| member.station == at)
            }
            _ => None,
        })?;
        let results = member.health.against() + 1;
        let name = station(self.scene, at);
        Some(if up {
            (
                format!("{name} is back in service"),
                format!("{results} probes in a row were answered well"),
            )
        } else {
            (
                format!("{name} is taken out of service"),
                format!("{results} probes in a row failed"),
            )
        })
    }

    fn breaker(&self, to: u16, phase: Phase) -> Option<(String, String)> {
        let breakers = |states: &[PolicyState]| {
            let of = states.iter().filter_map(|state| match state {
                PolicyState::Breaker {
                    instance,
                    to: guarded,
                    breaker,
                } if *guarded == to => Some((*instance, *breaker)),
                _ => None,
            });
            of.collect::<Vec<_>>()
        };
        let (before, after) = (breakers(self.before), breakers(self.after));
        // The event does not say whose breaker it is: it is the one that has turned.
        let (instance, now) = after.iter().find(|(at, now)| {
            let was = before.iter().find(|(of, _)| of == at);
            now.phase == phase && was.is_none_or(|(_, was)| was.phase != phase)
        })?;
        let was = before
            .iter()
            .find(|(of, _)| of == instance)
            .map(|(_, was)| was);
        let against = self.scene.component_name(to);
        let why = match phase {
            Phase::Open if was.is_some_and(|was| was.phase == Phase::HalfOpen) => {
                "a call on trial has failed".to_owned()
            }
            Phase::Open => match now.threshold {
                Threshold::Consecutive(failures) => {
                    format!("{failures} calls in a row have failed")
                }
                Threshold::Rates {
                    failure_rate,
                    slow_rate,
                    ..
                } => {
                    let share = |part: u32| f64::from(part) / f64::from(now.calls.max(1)) * 100.0;
                    let slow = if slow_rate.is_finite() {
                        let (was, opens) = (share(now.slow), slow_rate * 100.0);
                        format!(", and {was:.0}% were slow; {opens:.0}% open it")
                    } else {
                        String::new()
                    };
                    let (was, opens) = (share(now.failures), failure_rate * 100.0);
                    let calls = now.calls;
                    format!(
                        "of the {calls} calls counted {was:.0}% failed; {opens:.0}% open it{slow}"
                    )
                }
            },
            Phase::HalfOpen => format!(
                "its time is over: {} calls may go on trial",
                now.on_trial[1]
            ),
            Phase::Closed => "the calls on trial went well".to_owned(),
        };
        let phase = phase.name().replace('_', "-");
        Some((format!("the breaker for {against} is {phase}"), why))
    }

    fn scaled(&self) -> Option<String> {
        self.before.iter().find_map(|state| match state {
            PolicyState::Autoscaling {
                metric,
                rule,
                value,
                ready,
                away,
                ..
            } => Some(format!(
                "measured over {ready} instances: {}{}; {away} were starting up or down",
                measured(*metric, *value),
                target(*metric, rule)
            )),
            _ => None,
        })
    }

    fn owner(&self, to: u16, key: u64) -> Option<(String, String)> {
        let place = self.model.shard_place(usize::from(self.component), key)?;
        Some((
            format!("to {}", self.scene.component_name(to)),
            format!("its key {key} lies at {place} on the map, which that shard owns"),
        ))
    }

    fn refused(&self, station: u32, reason: Loss) -> String {
        let limit = || {
            let full = self.before.iter().find_map(|state| match state {
                PolicyState::Concurrency { under_way, limit } if under_way >= limit => Some(
                    format!("{under_way} requests were under way, and no more than {limit} may be"),
                ),
                PolicyState::RateLimit {
                    level: Some(level),
                    leaky: false,
                    ..
                } if *level < 1.0 => Some(format!("{level:.2} tokens were left, and it takes one")),
                PolicyState::RateLimit {
                    level: Some(level),
                    burst,
                    leaky: true,
                    ..
                } if level > burst => Some(format!(
                    "it was {level:.1} requests ahead of its time, and {burst:.0} are allowed"
                )),
                PolicyState::RateLimit { level: None, .. } => {
                    Some("the bucket of its key was empty".to_owned())
                }
                _ => None,
            });
            full.unwrap_or_else(|| "a limit was reached".to_owned())
        };
        match reason {
            Loss::Limited => limit(),
            Loss::QueueFull => {
                let room = self
                    .scene
                    .stations
                    .get(station as usize)
                    .map_or(0, |view| view.queue);
                format!("all were busy, and the line was full with {room}")
            }
            Loss::Down => "it is down".to_owned(),
            Loss::Shed => "it had waited longer than the rule of the line allows".to_owned(),
            other => other.name().replace('_', " "),
        }
    }

    fn evicted(&self, at: u32) -> Option<String> {
        self.before.iter().find_map(|state| match state {
            PolicyState::Eviction {
                station,
                eviction,
                most,
                ..
            } if *station == at => Some(format!(
                "there is room for {most} entries, and the policy gives up {}",
                evicting(*eviction)
            )),
            _ => None,
        })
    }

    fn pooled(&self, at: u32) -> Option<String> {
        self.before.iter().find_map(|state| match state {
            PolicyState::Connections {
                node,
                connections: [busy, open, most],
                waiting,
                ..
            } if *node == at && open >= most => Some(format!(
                "{busy} of {most} connections of its pool are in use, and {waiting} waited already"
            )),
            _ => None,
        })
    }

    fn read(&self, at: u32) -> Option<String> {
        self.before.iter().find_map(|state| match state {
            PolicyState::Routing {
                reads, replicas, ..
            } => {
                let own = replicas.iter().find(|(replica, ..)| *replica == at)?;
                Some(format!(
                    "reads go {}; it was {} writes behind",
                    reading(*reads),
                    own.1
                ))
            }
            _ => None,
        })
    }

    fn delivered(&self, event: MessageEvent) -> Option<(String, String)> {
        let queue = self.before.iter().find_map(|state| match state {
            PolicyState::Queue {
                consumers,
                prefetch,
                ..
            } => Some((consumers, *prefetch)),
            _ => None,
        });
        let number = |message: scale_sim::MessageRef| format!("message {}", message.number);
        Some(match event {
            MessageEvent::Delivered {
                message,
                to,
                delivery,
                waited,
                ..
            } => {
                let what = format!("{} to {}", number(message), station(self.scene, to));
                let out = queue.and_then(|(consumers, prefetch)| {
                    let (_, out) = consumers.iter().find(|(at, _)| *at == to)?;
                    Some(if prefetch == u32::MAX {
                        format!("it is next in turn, with {out} unanswered")
                    } else {
                        format!("it is next in turn, with {out} of {prefetch} unanswered")
                    })
                });
                let why = out.unwrap_or_else(|| "the partition is assigned to it".to_owned());
                let again = match delivery {
                    1 => String::new(),
                    again => format!("; this is delivery {again}: the one before came to nothing"),
                };
                (
                    what,
                    format!("{why}; the message had waited {}{again}", span(waited)),
                )
            }
            MessageEvent::Returned {
                message, reason, ..
            } => (
                format!("{} comes back", number(message)),
                reason.name().replace('_', " "),
            ),
            MessageEvent::DeadLettered { message, .. } => (
                format!("{} is put with the dead letters", number(message)),
                "it was delivered as often as it may be".to_owned(),
            ),
            MessageEvent::Dropped { message, .. } => (
                format!("{} is dropped", number(message)),
                "a new one needed the room".to_owned(),
            ),
            MessageEvent::Blocked { .. } => (
                "the publisher waits".to_owned(),
                "there is no room for its message".to_owned(),
            ),
            MessageEvent::Rebalanced { members, again, .. } => (
                "partitions are assigned anew".to_owned(),
                format!(
                    "{members} members share them; {again} messages that were not committed come again"
                ),
            ),
            _ => return None,
        })
    }
}

fn sharded(event: ShardEvent) -> (String, String) {
    let (what, why) = match event {
        ShardEvent::Held { .. } => ("held", "its key is just being moved"),
        ShardEvent::Redirected { .. } => (
            "sent on to another shard",
            "the one asked did not have the row any more, or yet",
        ),
        ShardEvent::Misread { .. } => (
            "finds nothing",
            "the shard that was asked does not have the row",
        ),
        ShardEvent::Partial { .. } => ("answered without all shards", "the others took too long"),
        ShardEvent::Moved { .. } => ("keys have new owners", "their copies have arrived"),
        ShardEvent::Released { .. } => ("goes on", "its key has moved"),
        ShardEvent::Lost { .. } => ("writes are lost", "a copy was put over them"),
    };
    (what.to_owned(), why.to_owned())
}

fn station_of(scene: &Scene, member: &MemberState) -> String {
    station(scene, member.station)
}
