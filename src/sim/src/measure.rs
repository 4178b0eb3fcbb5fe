//! Measures by name, and conditions on them: what tasks, predictions, quizzes, proofs and claims ask of a run.

use serde::{Deserialize, Serialize};

use crate::component::{Component, Kind};
use crate::database_figures::DatabaseFigures;
use crate::figures::{Figures, StationFigures};
use crate::model::Model;
use crate::problem::Problem;
use crate::scenario::{Scenario, unknown};

/// What can be measured.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Requests sent, a second; of a component: requests that came to it.
    OfferedPerS,
    /// Requests answered, a second; of a component: visits ended there.
    ThroughputPerS,
    /// Requests answered within their client's deadline, a second.
    GoodputPerS,
    /// Requests lost, a second; of a component: refused there.
    LostPerS,
    /// Requests lost; of a component: refused there.
    Lost,
    /// Requests answered; of a component: visits ended there.
    Completed,
    /// Mean latency, in milliseconds.
    MeanMs,
    /// Median latency.
    P50Ms,
    /// 95th percentile of latency.
    P95Ms,
    /// 99th percentile of latency.
    P99Ms,
    /// The longest latency.
    MaxMs,
    /// Mean number of requests under way.
    InSystem,
    /// Mean number waiting at a component, over all its instances.
    QueueLength,
    /// The most that waited at any one instance of a component.
    QueueMax,
    /// Mean wait at a component of those that got a server, in milliseconds.
    WaitMs,
    /// Busy servers over servers of a component, 0 to 1.
    Utilisation,
    /// Rows that a database's statements looked at.
    RowsExamined,
    /// Rows whose writes a database has committed.
    RowsWritten,
    /// Mean wait for a row's lock, of those who had to wait, in milliseconds.
    LockWaitMs,
    /// Changes of rows that began anew, because another was quicker.
    Conflicts,
    /// Connections to a database that were set up.
    Connects,
    /// Mean wait of a database's visits for their connection, set-up included, in milliseconds.
    ConnectMs,
    /// Reads at replicas that saw what had been overwritten on the primary.
    StaleReads,
    /// For how long that had been so, on average, in milliseconds.
    StaleMs,
    /// For how long at most, in milliseconds.
    StaleMaxMs,
    /// Reads at replicas that did not see what their own user had written.
    OwnMissed,
    /// How far replicas were behind at most when they were read, in milliseconds.
    LagMaxMs,
    /// Acknowledged writes that were lost in failovers.
    LostWrites,
}

impl Metric {
    /// Its unit, as shown behind a number; empty if it has none.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::OfferedPerS | Self::ThroughputPerS | Self::GoodputPerS | Self::LostPerS => {
                "requests/s"
            }
            Self::Lost | Self::Completed | Self::InSystem | Self::QueueLength | Self::QueueMax => {
                "requests"
            }
            Self::MeanMs
            | Self::P50Ms
            | Self::P95Ms
            | Self::P99Ms
            | Self::MaxMs
            | Self::WaitMs
            | Self::LockWaitMs
            | Self::ConnectMs
            | Self::StaleMs
            | Self::StaleMaxMs
            | Self::LagMaxMs => "ms",
            Self::Utilisation | Self::Conflicts | Self::Connects => "",
            Self::RowsExamined | Self::RowsWritten => "rows",
            Self::StaleReads | Self::OwnMissed => "reads",
            Self::LostWrites => "writes",
        }
    }

    /// Its name in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::OfferedPerS => "offered load",
            Self::ThroughputPerS => "throughput",
            Self::GoodputPerS => "goodput",
            Self::LostPerS => "loss rate",
            Self::Lost => "lost requests",
            Self::Completed => "answered requests",
            Self::MeanMs => "mean latency",
            Self::P50Ms => "median latency",
            Self::P95Ms => "p95 latency",
            Self::P99Ms => "p99 latency",
            Self::MaxMs => "longest latency",
            Self::InSystem => "requests under way",
            Self::QueueLength => "queue length",
            Self::QueueMax => "longest queue",
            Self::WaitMs => "mean wait",
            Self::Utilisation => "utilisation",
            Self::RowsExamined => "rows examined",
            Self::RowsWritten => "rows written",
            Self::LockWaitMs => "mean wait for a lock",
            Self::Conflicts => "conflicts",
            Self::Connects => "connections set up",
            Self::ConnectMs => "mean wait for a connection",
            Self::StaleReads => "stale reads",
            Self::StaleMs => "mean staleness",
            Self::StaleMaxMs => "greatest staleness",
            Self::OwnMissed => "own writes missed",
            Self::LagMaxMs => "greatest lag",
            Self::LostWrites => "lost writes",
        }
    }

    const fn needs_component(self) -> bool {
        matches!(
            self,
            Self::QueueLength | Self::QueueMax | Self::WaitMs | Self::Utilisation
        ) || self.needs_database()
    }

    const fn needs_database(self) -> bool {
        matches!(
            self,
            Self::RowsExamined
                | Self::RowsWritten
                | Self::LockWaitMs
                | Self::Conflicts
                | Self::Connects
                | Self::ConnectMs
                | Self::StaleReads
                | Self::StaleMs
                | Self::StaleMaxMs
                | Self::OwnMissed
                | Self::LagMaxMs
                | Self::LostWrites
        )
    }

    const fn takes_component(self) -> bool {
        self.needs_component()
            || matches!(
                self,
                Self::OfferedPerS
                    | Self::ThroughputPerS
                    | Self::LostPerS
                    | Self::Lost
                    | Self::Completed
            )
    }
}

/// A metric, of one component or of the whole system.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// What is measured.
    #[serde(rename = "measure")]
    pub metric: Metric,
    /// The component; the whole system if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// A measure with the bounds that it must keep.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// What is measured.
    #[serde(rename = "measure")]
    pub metric: Metric,
    /// The component; the whole system if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// It must be greater than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// It must be less than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// In a live series: for how many simulated seconds without a break; one window if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_s: Option<f64>,
}

impl Measure {
    /// What is wrong with this measure in a scenario, if anything; paths are relative to the measure.
    pub fn problems(&self, scenario: &Scenario) -> Vec<Problem> {
        let mut problems = Vec::new();
        let words = self.metric.words();
        match &self.of {
            None if self.metric.needs_component() => {
                problems.push(Problem::new(
                    "of",
                    format!("{words} is measured at a component: name it with \"of\""),
                ));
            }
            Some(_) if !self.metric.takes_component() => {
                problems.push(Problem::new(
                    "of",
                    format!("{words} is measured for the whole system: leave out \"of\""),
                ));
            }
            Some(name) => match scenario.components.get(name) {
                None => problems.push(Problem::new(
                    "of",
                    unknown(name, scenario.components.keys()),
                )),
                Some(other) if self.metric.needs_database() && other.kind() != Kind::Database => {
                    problems.push(Problem::new(
                        "of",
                        format!(
                            "'{name}' is a {}: {words} is measured at databases",
                            other.kind().name()
                        ),
                    ));
                }
                Some(Component::Service(_) | Component::Database(_)) => {}
                Some(other) => problems.push(Problem::new(
                    "of",
                    format!(
                        "'{name}' is a {}: {words} is measured at services and databases",
                        other.kind().name()
                    ),
                )),
            },
            None => {}
        }
        problems
    }

    /// Its value over a stretch of a run of `model`; `None` if nothing was there to be measured.
    pub fn value(&self, model: &Model, figures: &Figures) -> Option<f64> {
        let per_s = |count: u64| count as f64 / figures.seconds().max(f64::MIN_POSITIVE);
        if let Some(name) = &self.of {
            let component = model.component_named(name)?;
            if !matches!(
                model.components[component].kind,
                Kind::Service | Kind::Database
            ) {
                return None;
            }
            let stations = || {
                let own = |(at, _): &(usize, &StationFigures)| {
                    usize::from(model.stations[*at].component) == component
                };
                figures
                    .stations
                    .iter()
                    .enumerate()
                    .filter(own)
                    .map(|(_, s)| s)
            };
            let left: u64 = stations().map(|s| s.left).sum();
            let refused: u64 = stations().map(|s| s.refused).sum();
            return match self.metric {
                Metric::ThroughputPerS => Some(per_s(left)),
                Metric::OfferedPerS => Some(per_s(left + refused)),
                Metric::LostPerS => Some(per_s(refused)),
                Metric::Lost => Some(refused as f64),
                Metric::Completed => Some(left as f64),
                Metric::QueueLength => Some(stations().map(|s| s.waiting).sum()),
                Metric::QueueMax => stations()
                    .map(|s| f64::from(s.waiting_max))
                    .reduce(f64::max),
                Metric::WaitMs => {
                    let started: u64 = stations().map(|s| s.started).sum();
                    let waited: f64 = stations().map(|s| s.wait_ms * s.started as f64).sum();
                    (started > 0).then(|| waited / started as f64)
                }
                Metric::Utilisation => {
                    let servers: f64 = stations().map(|s| s.servers).sum();
                    (servers > 0.0).then(|| stations().map(|s| s.busy).sum::<f64>() / servers)
                }
                _ => self.of_database(&stations()),
            };
        }
        let latency = figures.latency.as_ref();
        match self.metric {
            Metric::OfferedPerS => Some(per_s(figures.sent)),
            Metric::ThroughputPerS => Some(per_s(figures.completed)),
            Metric::GoodputPerS => Some(per_s(figures.good)),
            Metric::LostPerS => Some(per_s(figures.lost)),
            Metric::Lost => Some(figures.lost as f64),
            Metric::Completed => Some(figures.completed as f64),
            Metric::MeanMs => latency.map(|l| l.mean_ms),
            Metric::P50Ms => latency.map(|l| l.p50_ms),
            Metric::P95Ms => latency.map(|l| l.p95_ms),
            Metric::P99Ms => latency.map(|l| l.p99_ms),
            Metric::MaxMs => latency.map(|l| l.max_ms),
            Metric::InSystem => Some(figures.in_system),
            _ => None,
        }
    }

    /// Its value over the nodes of a database.
    fn of_database<'a>(
        &self,
        nodes: &(impl Iterator<Item = &'a StationFigures> + Clone),
    ) -> Option<f64> {
        let sum =
            |of: fn(&DatabaseFigures) -> u64| nodes.clone().map(|s| of(&s.database)).sum::<u64>();
        let most = |of: fn(&DatabaseFigures) -> f64| {
            nodes.clone().map(|s| of(&s.database)).reduce(f64::max)
        };
        let mean = |of: fn(&DatabaseFigures) -> f64, among: fn(&StationFigures) -> u64| {
            let all: u64 = nodes.clone().map(among).sum();
            let total = nodes.clone().map(|s| of(&s.database) * among(s) as f64);
            (all > 0).then(|| total.sum::<f64>() / all as f64)
        };
        match self.metric {
            Metric::RowsExamined => Some(sum(|d| d.rows_examined) as f64),
            Metric::RowsWritten => Some(sum(|d| d.rows_written) as f64),
            Metric::Conflicts => Some(sum(|d| d.conflicts) as f64),
            Metric::Connects => Some(sum(|d| d.connects) as f64),
            Metric::StaleReads => Some(sum(|d| d.stale_reads) as f64),
            Metric::OwnMissed => Some(sum(|d| d.own_missed) as f64),
            Metric::LostWrites => Some(sum(|d| d.lost_writes) as f64),
            Metric::LockWaitMs => mean(|d| d.lock_wait_ms, |s| s.database.lock_waits),
            Metric::ConnectMs => mean(|d| d.connect_ms, |s| s.started),
            Metric::StaleMs => mean(|d| d.stale_ms, |s| s.database.stale_reads),
            Metric::StaleMaxMs => most(|d| d.stale_max_ms),
            Metric::LagMaxMs => most(|d| d.lag_max_ms),
            _ => None,
        }
    }
}

impl Condition {
    /// What it measures.
    pub fn measure(&self) -> Measure {
        Measure {
            metric: self.metric,
            of: self.of.clone(),
        }
    }

    /// What is wrong with this condition in a scenario, if anything; paths are relative to the condition.
    pub fn problems(&self, scenario: &Scenario) -> Vec<Problem> {
        let mut problems = self.measure().problems(scenario);
        if self.above.is_none() && self.below.is_none() {
            problems.push(Problem::new(
                "",
                "a condition needs \"above\", \"below\" or both",
            ));
        }
        if let Some(for_s) = self.for_s
            && !(for_s > 0.0 && for_s <= scenario.horizon_s)
        {
            problems.push(Problem::new(
                "for_s",
                format!(
                    "{for_s} is out of range: more than 0 and at most the horizon of {} s",
                    scenario.horizon_s
                ),
            ));
        }
        problems
    }

    /// Whether it holds over a stretch. Where there was nothing to measure it does not.
    pub fn holds(&self, model: &Model, figures: &Figures) -> bool {
        self.measure().value(model, figures).is_some_and(|value| {
            self.above.is_none_or(|above| value > above)
                && self.below.is_none_or(|below| value < below)
        })
    }

    /// Whether it holds at the end of a live series, for as long as it must.
    pub fn holds_at_end(&self, model: &Model, series: &[Figures]) -> bool {
        let Some(last) = series.last() else {
            return false;
        };
        let since = last.to_s - self.for_s.unwrap_or(0.0);
        // A hair of slack, for windows whose bounds are not exact in binary.
        let windows = || {
            series
                .iter()
                .rev()
                .take_while(|window| window.to_s > since + 1e-9)
        };
        let reach = series[0].from_s <= since + 1e-9 || self.for_s.is_none();
        reach && self.holds(model, last) && windows().all(|window| self.holds(model, window))
    }
}
