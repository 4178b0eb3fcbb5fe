//! What gives first: the resource that holds a design back in one run, with the evidence.
//!
//! By the utilisation law (Denning and Buzen, *The operational analysis of queueing network models*, ACM Computing Surveys
//! 10(3), 1978) the resource whose utilisation comes to 1 bounds the throughput of all. Two things hide it. Those who call it
//! wait with their own servers held, and so look as busy: of several that are saturated the ones that only wait for another
//! are not named. And some resources have no servers: connections, locks, limits, partitions; they show in what requests wait
//! for, and in why they are refused.
//! Does not look for: what only makes a request long (a slow query at low load is no bottleneck), or wires and memory.

use scale_sim::{Component, Figures, Loss, Model, Outcome, Scenario, StationFigures};
use serde::{Deserialize, Serialize};

/// What is short.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// The servers of a component: workers, or what a database can do at once.
    Servers,
    /// Connections of a pool to a database.
    Connections,
    /// Locks of rows.
    Locks,
    /// A gateway's limit on rate or concurrency.
    Limit,
    /// A topic's partitions: each is read by one consumer at a time.
    Partitions,
    /// Consumers that read a topic's partitions: each takes one message at a time, and there are fewer of them than partitions.
    Consumers,
    /// Messages that a queue's consumers may have at once.
    Prefetch,
}

impl Resource {
    /// Its name in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Servers => "servers",
            Self::Connections => "connections",
            Self::Locks => "locks of rows",
            Self::Limit => "a limit on rate or concurrency",
            Self::Partitions => "partitions",
            Self::Consumers => "consumers, of which each takes one message at a time",
            Self::Prefetch => "messages that consumers may have at once",
        }
    }
}

/// What speaks for a bottleneck.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Busy servers over servers, of the busiest instance.
    Utilisation(f64),
    /// For this part of the run, 0 to 1, without a break of its own all servers of an instance were busy: what comes in bursts is
    /// too much for a time only.
    Saturated(f64),
    /// How many more wait, each second, than before: the queue grows.
    QueueGrowsPerS(f64),
    /// Refused there, of all that were sent, 0 to 1.
    Refused(f64),
    /// What a request that comes there waits for it on average, over the mean latency of all.
    ShareOfLatency(f64),
}

/// A resource that is short.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Bottleneck {
    /// The component that it belongs to, by its name.
    pub component: String,
    /// What is short.
    pub resource: Resource,
    /// Why one can tell, the strongest first.
    pub evidence: Vec<Evidence>,
}

/// From this utilisation on servers are short: of 100 arrivals 90 or more find them busy.
const SATURATED: f64 = 0.95;
/// A growing queue counts from this utilisation on.
const BUSY: f64 = 0.85;
/// So many windows in a row in which all servers are busy are no chance.
const LASTING: usize = 3;
/// A burst is so many times the mean load.
const BURST: f64 = 1.15;
/// In a burst the wait counts if it is so many times the service.
const LONG: f64 = 2.0;
/// Refusals count from this share of all that was sent on.
const REFUSALS: f64 = 0.005;
/// Waiting counts from this share of the mean latency on.
const WAITING: f64 = 0.3;
/// Growth counts from this share of the rate at which requests come on.
const GROWTH: f64 = 0.01;

/// What holds the design back in a run of it, what gives first in front; nothing if nothing does yet.
pub fn bottlenecks(run: &Run<'_>) -> Vec<Bottleneck> {
    let found = (0..run.scenario.components.len()).flat_map(|at| run.at(at));
    let found: Vec<(usize, Bottleneck)> = found.collect();
    // Whose servers are only held by those who wait for another that is short is not short itself.
    let excused = |at: usize, bottleneck: &Bottleneck| {
        let others = found.iter().map(|(other, _)| *other);
        bottleneck.resource == Resource::Servers
            && others
                .filter(|other| *other != at)
                .any(|other| run.reaches(at, other) && !run.reaches(other, at))
    };
    let left = found
        .iter()
        .filter(|(at, bottleneck)| !excused(*at, bottleneck));
    let mut left: Vec<Bottleneck> = left.map(|(_, bottleneck)| bottleneck.clone()).collect();
    left.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    left
}

/// How strong the strongest evidence is.
fn weight(bottleneck: &Bottleneck) -> f64 {
    let weights = bottleneck.evidence.iter().map(|evidence| match *evidence {
        Evidence::Utilisation(value)
        | Evidence::Saturated(value)
        | Evidence::Refused(value)
        | Evidence::ShareOfLatency(value) => value,
        Evidence::QueueGrowsPerS(_) => 0.0,
    });
    weights.fold(0.0, f64::max)
}

/// A run, as far as one must know it to tell what is short.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// What was run.
    pub scenario: &'a Scenario,
    /// What was made of it.
    pub model: &'a Model,
    /// The figures after the warm-up.
    pub figures: &'a Figures,
    /// The figures window by window.
    pub series: &'a [Figures],
}

impl<'a> Run<'a> {
    /// The run that came to this.
    pub fn of(scenario: &'a Scenario, outcome: &'a Outcome) -> Self {
        Self {
            scenario,
            model: &outcome.model,
            figures: &outcome.figures,
            series: &outcome.series,
        }
    }
}

impl Run<'_> {
    /// What is short at a component.
    fn at(&self, at: usize) -> Vec<(usize, Bottleneck)> {
        let Some((name, component)) = self.scenario.components.get_index(at) else {
            return Vec::new();
        };
        let found = [
            (Resource::Servers, self.servers(at)),
            (
                Resource::Connections,
                self.waits(at, Loss::PoolTimeout, |f| f.database.connect_ms),
            ),
            (Resource::Locks, self.locks(at)),
            (Resource::Limit, self.limit(at)),
            (
                Resource::Partitions,
                self.backlog(
                    at,
                    matches!(component, Component::Topic(_)) && !self.few(at),
                ),
            ),
            (
                Resource::Consumers,
                self.backlog(at, matches!(component, Component::Topic(_)) && self.few(at)),
            ),
            (
                Resource::Prefetch,
                self.backlog(at, matches!(component, Component::Queue(_))),
            ),
        ];
        let found = found
            .into_iter()
            .filter(|(_, evidence)| !evidence.is_empty());
        let found = found.map(|(resource, evidence)| {
            let bottleneck = Bottleneck {
                component: name.clone(),
                resource,
                evidence,
            };
            (at, bottleneck)
        });
        found.collect()
    }

    /// The figures of a component's stations over the run after its warm-up.
    fn stations(&self, at: usize) -> impl Iterator<Item = (usize, &StationFigures)> {
        let stations = self.model.stations().enumerate();
        let own = stations.filter(move |(_, station)| station.component == at && station.live);
        own.filter_map(|(number, _)| Some((number, self.figures.stations.get(number)?)))
    }

    fn servers(&self, at: usize) -> Vec<Evidence> {
        let utilisation = self
            .stations(at)
            .map(|(_, figures)| figures.utilisation())
            .fold(0.0, f64::max);
        let growth: f64 = self
            .stations(at)
            .map(|(number, _)| self.growth(|f| f.stations[number].waiting))
            .sum();
        let grows = growth > GROWTH * self.sent_per_s();
        let refused = self.lost(at, &[Loss::QueueFull, Loss::Shed]);
        let all_the_time =
            utilisation >= SATURATED || (utilisation >= BUSY && (grows || refused > REFUSALS));
        let for_a_time = if all_the_time {
            0.0
        } else {
            self.saturated(at, refused > REFUSALS)
        };
        if !all_the_time && for_a_time == 0.0 {
            return Vec::new();
        }
        let mut evidence = vec![if all_the_time {
            Evidence::Utilisation(utilisation)
        } else {
            Evidence::Saturated(for_a_time)
        }];
        evidence.extend((refused > REFUSALS).then_some(Evidence::Refused(refused)));
        evidence.extend(grows.then_some(Evidence::QueueGrowsPerS(growth)));
        evidence
    }

    /// The part of the measured time in which an instance had all its servers busy for a while, because more came than on average, and
    /// which did harm: requests were refused there, or waited long.
    fn saturated(&self, at: usize, refuses: bool) -> f64 {
        let windows: Vec<&Figures> = self.measured().collect();
        let stations = self.stations(at).map(|(number, _)| number);
        let burst = BURST * self.sent_per_s();
        let longest = stations.map(|number| {
            let busy = |window: &&Figures| {
                { window.stations.get(number) }
                    .is_some_and(|station| station.utilisation() >= SATURATED)
            };
            let stretches = windows.chunk_by(|a, b| busy(a) == busy(b));
            let harmful = stretches.filter(|stretch| {
                if stretch.len() < LASTING || !busy(&stretch[0]) {
                    return false;
                }
                let seconds: f64 = stretch.iter().map(|window| window.seconds()).sum();
                let sent: u64 = stretch.iter().map(|window| window.sent).sum();
                let sum = |value: fn(&StationFigures) -> f64| -> f64 {
                    let of = stretch
                        .iter()
                        .filter_map(|window| window.stations.get(number));
                    of.map(value).sum()
                };
                // By Little's law, as the mean numbers of those who wait and of those who are served.
                let waits = sum(|of| of.waiting) > LONG * sum(|of| of.busy);
                sent as f64 / seconds.max(1e-9) > burst && (refuses || waits)
            });
            harmful.map(<[&Figures]>::len).sum::<usize>() as f64 / windows.len().max(1) as f64
        });
        longest.fold(0.0, f64::max)
    }

    /// The windows after the warm-up.
    fn measured(&self) -> impl Iterator<Item = &Figures> {
        let from_s = self.figures.from_s - 1e-9;
        self.series
            .iter()
            .filter(move |window| window.from_s >= from_s)
    }

    /// A wait that is no station's: what it is on average, and who gave up on it.
    fn waits(&self, at: usize, reason: Loss, wait_ms: fn(&StationFigures) -> f64) -> Vec<Evidence> {
        let latency_ms = self.figures.latency.map_or(0.0, |latency| latency.mean_ms);
        let longest = self
            .stations(at)
            .map(|(_, figures)| wait_ms(figures))
            .fold(0.0, f64::max);
        let share = if latency_ms > 0.0 {
            longest / latency_ms
        } else {
            0.0
        };
        let refused = self.lost(at, &[reason]);
        let mut evidence = Vec::new();
        evidence.extend((refused > REFUSALS).then_some(Evidence::Refused(refused)));
        evidence.extend((share > WAITING).then_some(Evidence::ShareOfLatency(share.min(1.0))));
        evidence
    }

    fn locks(&self, at: usize) -> Vec<Evidence> {
        let waited = |figures: &StationFigures| {
            let visits = figures.started.max(1) as f64;
            figures.database.lock_wait_ms * figures.database.lock_waits as f64 / visits
        };
        let mut evidence = self.waits(at, Loss::LockTimeout, waited);
        let refused = self.lost(at, &[Loss::Deadlock, Loss::Conflict]);
        evidence.extend((refused > REFUSALS).then_some(Evidence::Refused(refused)));
        evidence
    }

    fn limit(&self, at: usize) -> Vec<Evidence> {
        let refused = self.lost(at, &[Loss::Limited]);
        { refused > REFUSALS }
            .then_some(Evidence::Refused(refused))
            .into_iter()
            .collect()
    }

    /// Messages that come faster than they are taken, while those who take them are not short of servers.
    fn backlog(&self, at: usize, applies: bool) -> Vec<Evidence> {
        if !applies {
            return Vec::new();
        }
        let growth: f64 = self
            .stations(at)
            .map(|(number, _)| self.growth(|f| f.stations[number].messages.backlog))
            .sum();
        let grows = growth > GROWTH * self.sent_per_s();
        let consumers_short = self
            .targets(at)
            .into_iter()
            .any(|to| !self.servers(to).is_empty());
        { grows && !consumers_short }
            .then_some(Evidence::QueueGrowsPerS(growth))
            .into_iter()
            .collect()
    }

    /// Whether a topic has a group of fewer consumers than partitions: the instances of a service.
    fn few(&self, at: usize) -> bool {
        let Some((_, Component::Topic(topic))) = self.scenario.components.get_index(at) else {
            return false;
        };
        let mut groups = topic.subscriptions.values();
        groups.any(|group| match self.scenario.components.get(&group.to) {
            Some(Component::Service(service)) => service.most_instances() < topic.partitions,
            _ => false,
        })
    }

    fn sent_per_s(&self) -> f64 {
        let figures = &self.figures;
        figures.sent as f64 / figures.seconds().max(1e-9)
    }

    /// Of all that were sent, those lost at a component for one of these reasons.
    fn lost(&self, at: usize, reasons: &[Loss]) -> f64 {
        let own: Vec<usize> = self.stations(at).map(|(number, _)| number).collect();
        let figures = &self.figures;
        let counted = figures.losses.iter().filter(|losses| {
            let reason = Loss::ALL.get(usize::from(losses.reason));
            own.contains(&(losses.station as usize))
                && reason.is_some_and(|reason| reasons.contains(reason))
        });
        let lost: u64 = counted.map(|losses| losses.count).sum();
        lost as f64 / figures.sent.max(1) as f64
    }

    /// By how much a mean grows each second: from the middle third of the measured time to the last.
    fn growth(&self, value: impl Fn(&Figures) -> f64) -> f64 {
        let windows: Vec<&Figures> = self.measured().collect();
        let third = windows.len() / 3;
        if third == 0 {
            return 0.0;
        }
        let mean = |part: &[&Figures]| {
            part.iter().map(|window| value(window)).sum::<f64>() / part.len() as f64
        };
        let (middle, last) = (&windows[third..2 * third], &windows[2 * third..3 * third]);
        let apart_s = last[0].from_s - middle[0].from_s;
        if apart_s > 0.0 {
            (mean(last) - mean(middle)) / apart_s
        } else {
            0.0
        }
    }

    fn targets(&self, at: usize) -> Vec<usize> {
        let Some((_, component)) = self.scenario.components.get_index(at) else {
            return Vec::new();
        };
        let number = |name: &str| self.scenario.components.get_index_of(name);
        component.targets().into_iter().filter_map(number).collect()
    }

    /// Whether what comes to `from` may go on to `to`.
    fn reaches(&self, from: usize, to: usize) -> bool {
        let mut seen = vec![false; self.scenario.components.len()];
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            for next in self.targets(at) {
                if next == to {
                    return true;
                }
                if !core::mem::replace(&mut seen[next], true) {
                    open.push(next);
                }
            }
        }
        false
    }
}
