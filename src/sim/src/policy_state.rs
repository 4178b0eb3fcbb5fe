//! What the policies of a component know at a moment: for people to look at, never for a run to go by.

use crate::balance::{MemberState, Policy, Sticky};
use crate::cache::Eviction;
use crate::component::Reads;
use crate::resilience::{BreakerView, ScalingMetric, ScalingRule};
use crate::time::Duration;

/// One policy of a component with what it knows.
#[derive(Clone, PartialEq, Debug)]
pub enum PolicyState {
    /// A balancer's choice among its members.
    Balancing {
        /// How it chooses.
        policy: Policy,
        /// Who stays with a member.
        sticky: Option<Sticky>,
        /// Its members, in order.
        members: Vec<MemberState>,
    },
    /// The circuit breaker of one instance of the caller.
    Breaker {
        /// Which instance.
        instance: u32,
        /// The component that it calls.
        to: u16,
        /// What it remembers, and what opens it.
        breaker: BreakerView,
    },
    /// The retry budget of one instance of the caller.
    RetryBudget {
        /// Which instance.
        instance: u32,
        /// The component that it calls.
        to: u16,
        /// So many retries are paid for.
        retries: u64,
    },
    /// A gateway's limit on the rate of requests.
    RateLimit {
        /// Requests that pass each second.
        rate_per_s: f64,
        /// Of a limit for all: tokens that are left; or, of a leaky bucket, requests that are ahead of their time.
        level: Option<f64>,
        /// The bucket's size, in requests.
        burst: f64,
        /// Whether it is a leaky bucket.
        leaky: bool,
        /// Keys whose buckets are remembered.
        keys: u32,
    },
    /// A gateway's limit on requests under way.
    Concurrency {
        /// How many are.
        under_way: u32,
        /// How many may be now.
        limit: u32,
    },
    /// Controlled delay in a waiting line.
    Codel {
        /// The station.
        station: u32,
        /// The wait that is aimed at.
        target: Duration,
        /// Whether it drops those whose turn comes.
        dropping: bool,
    },
    /// An autoscaler.
    Autoscaling {
        /// What it goes by.
        metric: ScalingMetric,
        /// What follows from that.
        rule: ScalingRule,
        /// What it goes by, as the mean over the instances that serve, since it last looked.
        value: f64,
        /// Instances that serve.
        ready: u32,
        /// Instances that start up, or are down.
        away: u32,
        /// The fewest and the most that there may be.
        bounds: [u32; 2],
    },
    /// A cache's choice of what to give up.
    Eviction {
        /// The cache's station.
        station: u32,
        /// How it chooses.
        eviction: Eviction,
        /// Entries that it holds.
        entries: u32,
        /// Entries that it may hold.
        most: u32,
        /// The key at the end of the line: under LRU and FIFO the next to go, under LFU one of the least used. Under the others a
        /// key there may be spared.
        last: Option<u64>,
    },
    /// The connections of one calling instance to one node of a database.
    Connections {
        /// The caller.
        caller: u16,
        /// Which of its instances.
        instance: u32,
        /// The node's station.
        node: u32,
        /// In use, open or being set up in all, and how many there may be.
        connections: [u32; 3],
        /// Requests that wait for one.
        waiting: u32,
    },
    /// Where a replicated database's reads go.
    Routing {
        /// By which rule.
        reads: Reads,
        /// The primary's station.
        primary: u32,
        /// Of each replica: its station, how many writes it is behind, and for how long.
        replicas: Vec<(u32, u64, Duration)>,
    },
    /// A work queue.
    Queue {
        /// Messages in line, and at rest after a failed delivery.
        waiting: [u32; 2],
        /// How long the first in line could have been handed over.
        oldest: Option<Duration>,
        /// By consuming station: messages that it has and has not answered.
        consumers: Vec<(u32, u32)>,
        /// How many one may have.
        prefetch: u32,
    },
    /// A subscription of a topic.
    Subscription {
        /// Which.
        group: u16,
        /// Whether its partitions are being assigned anew.
        rebalancing: bool,
        /// By partition: the consuming station, if it has one, and messages not committed.
        partitions: Vec<(Option<u32>, u64)>,
    },
    /// Keys that move to other shards.
    Resharding {
        /// How many have moved.
        keys_moved: u64,
        /// Whether it is over; otherwise it is under way, or has not begun.
        done: bool,
        /// Copies under way.
        copying: u32,
    },
}
