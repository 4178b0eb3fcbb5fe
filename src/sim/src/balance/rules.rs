//! What a balancer is told: its rules, its members, and each request that wants one.

use super::{Ejection, Policy, Sticky};
use crate::hash::crc::Crc32;
use crate::hash::ring::start;
use crate::random::Key;
use crate::time::{Duration, Time};

/// How a balancer chooses and whom it leaves out, compiled from a scenario's `Balancer`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rules {
    /// How it chooses.
    pub policy: Policy,
    /// When failing members are put aside.
    pub ejection: Option<Ejection>,
    /// Failed probes in a row that take a member out of service.
    pub fall: u32,
    /// Probes in a row that bring it back.
    pub rise: u32,
    /// How long a member that has come into service starts slowly.
    pub slow_start: Duration,
    /// Who stays with a member.
    pub sticky: Option<Sticky>,
    /// How many of them are remembered.
    pub affinities: u32,
}

impl Rules {
    /// A policy and nothing else.
    pub const fn new(policy: Policy) -> Self {
        Self {
            policy,
            ejection: None,
            fall: 1,
            rise: 1,
            slow_start: Duration::ZERO,
            sticky: None,
            affinities: 0,
        }
    }
}

/// One member as a balancer is told of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Seat {
    /// The number of its station.
    pub station: u32,
    /// Its weight, from 1.
    pub weight: u32,
    /// Whether it gets requests only when no other member can.
    pub backup: bool,
    /// Where its points on a ring start: a hash of its name.
    pub(super) start: Crc32,
}

impl Seat {
    /// A member that gets its part of the requests.
    pub fn new(station: u32, name: &str, weight: u32) -> Self {
        Self {
            station,
            weight,
            backup: false,
            start: start(name),
        }
    }

    /// The same, but for emergencies only.
    #[must_use]
    pub const fn as_backup(mut self, backup: bool) -> Self {
        self.backup = backup;
        self
    }
}

/// A balancer, compiled: its rules and its members, in order.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Balancing {
    /// How it chooses and whom it leaves out.
    pub rules: Rules,
    /// The members, each station once.
    pub seats: Vec<Seat>,
}

/// A request that wants a member.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The moment.
    pub now: Time,
    /// What its draws derive from.
    pub key: Key,
    /// What a hash, or an affinity of keys, goes by.
    pub data: u64,
    /// Whose request it is, for an affinity of users.
    pub user: u64,
    /// Stations that this request has tried in vain, not to be chosen again.
    pub tried: &'a [u32],
}
