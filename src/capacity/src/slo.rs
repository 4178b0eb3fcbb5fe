//! Service level objectives: what a system promises, what a run of it measured, and how much of the error budget that used.
//!
//! An objective leaves room for errors, its budget: of 99 % availability 1 % of the requests may fail; of a p99 below 300 ms 1 %
//! may take longer. How much of it a run used is the question that says how much may still go wrong (Beyer and others, *Site
//! Reliability Engineering*, 2016, chapters 3 and 4).

use scale_sim::{Component, Figures, LatencyBin, Problem, StationFigures};
use serde::{Deserialize, Serialize};

use crate::bottleneck::Run;
use crate::sweep::{Goal, Sample};

/// What a system promises. What is not given is not promised.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Slos {
    /// The least share of requests that are answered, and in time where a client has a deadline, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability: Option<f64>,
    /// The least rate of requests that are answered, and in time where a client has a deadline, a second: where not all that
    /// ask are to be answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goodput_per_s: Option<f64>,
    /// The 99th percentile of latency, in milliseconds, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
    /// The largest share of answers in which a substitute took the place of something that failed, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degraded_share: Option<f64>,
    /// How many stale reads there may be for each answered request: what a cache, a replica or a view gave, though it had been
    /// overwritten. A request may read at several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_share: Option<f64>,
    /// For how long what was read stale had been overwritten, on average over those reads, in milliseconds, at most. At a cache it
    /// counts from the newest version's write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_ms: Option<f64>,
    /// The 99th percentile of the time from publishing a message to having processed it, in milliseconds, at most: how late
    /// what is put off is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background_p99_ms: Option<f64>,
    /// The largest share of messages that were lost, given up, or came faster than they were processed, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undone_share: Option<f64>,
    /// How many writes that had been answered may be lost, for each answered request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_writes_share: Option<f64>,
    /// How often invariants may be violated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub violations: Option<f64>,
    /// What the design may cost an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_per_h: Option<f64>,
}

/// What an objective is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// [`Slos::availability`].
    Availability,
    /// [`Slos::goodput_per_s`].
    GoodputPerS,
    /// [`Slos::p99_ms`].
    P99Ms,
    /// [`Slos::degraded_share`].
    DegradedShare,
    /// [`Slos::stale_share`].
    StaleShare,
    /// [`Slos::stale_ms`].
    StaleMs,
    /// [`Slos::background_p99_ms`].
    BackgroundP99Ms,
    /// [`Slos::undone_share`].
    UndoneShare,
    /// [`Slos::lost_writes_share`].
    LostWritesShare,
    /// [`Slos::violations`].
    Violations,
    /// [`Slos::cost_per_h`].
    CostPerH,
}

impl Objective {
    /// What it is about, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Availability => "requests answered in time",
            Self::GoodputPerS => "answers in time, a second",
            Self::P99Ms => "p99 latency",
            Self::DegradedShare => "answers with a substitute",
            Self::StaleShare => "stale reads for each answer",
            Self::StaleMs => "age of stale reads, on average",
            Self::BackgroundP99Ms => "p99 until work put off is done",
            Self::UndoneShare => "messages lost or left behind",
            Self::LostWritesShare => "lost writes for each answer",
            Self::Violations => "violated invariants",
            Self::CostPerH => "cost an hour",
        }
    }

    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Availability,
        Self::GoodputPerS,
        Self::P99Ms,
        Self::DegradedShare,
        Self::StaleShare,
        Self::StaleMs,
        Self::BackgroundP99Ms,
        Self::UndoneShare,
        Self::LostWritesShare,
        Self::Violations,
        Self::CostPerH,
    ];

    /// The name of its bound in a file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::GoodputPerS => "goodput_per_s",
            Self::P99Ms => "p99_ms",
            Self::DegradedShare => "degraded_share",
            Self::StaleShare => "stale_share",
            Self::StaleMs => "stale_ms",
            Self::BackgroundP99Ms => "background_p99_ms",
            Self::UndoneShare => "undone_share",
            Self::LostWritesShare => "lost_writes_share",
            Self::Violations => "violations",
            Self::CostPerH => "cost_per_h",
        }
    }

    /// The largest bound that makes sense; the least is 0.
    pub const fn most(self) -> f64 {
        match self {
            Self::Availability
            | Self::DegradedShare
            | Self::UndoneShare
            | Self::LostWritesShare => 1.0,
            Self::StaleShare => 100.0,
            Self::GoodputPerS => 1e6,
            Self::P99Ms | Self::StaleMs | Self::BackgroundP99Ms => MOST_MS,
            Self::Violations | Self::CostPerH => 1e9,
        }
    }

    /// Whether the bound is the least that is allowed, and not the most.
    pub const fn is_least(self) -> bool {
        matches!(self, Self::Availability | Self::GoodputPerS)
    }

    /// Whether it is a share of one, as shown in per cent.
    pub const fn is_share(self) -> bool {
        matches!(
            self,
            Self::Availability
                | Self::DegradedShare
                | Self::StaleShare
                | Self::UndoneShare
                | Self::LostWritesShare
        )
    }

    /// The unit of its value; empty if it has none, or is a share.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::GoodputPerS => "requests/s",
            Self::P99Ms | Self::StaleMs | Self::BackgroundP99Ms => "ms",
            _ => "",
        }
    }
}

/// What may go wrong under an objective, and how much did.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct ErrorBudget {
    /// What may, in the unit of what the objective counts: a share of requests, of messages …, or an amount.
    pub allowed: f64,
    /// What did.
    pub spent: f64,
}

impl ErrorBudget {
    /// The part of it that is used, 0 to 1, or more where it is overdrawn; nothing if none was allowed and some was used.
    pub fn used(&self) -> Option<f64> {
        if self.spent <= 0.0 {
            Some(0.0)
        } else {
            (self.allowed > 0.0).then(|| self.spent / self.allowed)
        }
    }
}

/// An objective with what a run came to.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// What it is about.
    pub objective: Objective,
    /// The bound: the least of an availability and of a rate of answers, the most of all others.
    pub bound: f64,
    /// What was measured; nothing if nothing was there to be measured.
    pub value: Option<f64>,
    /// Whether it was met.
    pub met: bool,
    /// Its error budget, where it has one.
    pub budget: Option<ErrorBudget>,
}

/// Where the slowest of a hundred begin.
const SLOWEST: f64 = 0.01;
/// More messages than this share of all, and than chance leaves, that are still to be done: they come faster than they go.
const BEHIND: f64 = 0.02;
/// A bound in milliseconds: the longest that makes sense, an hour.
const MOST_MS: f64 = 3_600_000.0;

impl Slos {
    /// Nothing is promised.
    pub const NONE: Self = Self {
        availability: None,
        goodput_per_s: None,
        p99_ms: None,
        degraded_share: None,
        stale_share: None,
        stale_ms: None,
        background_p99_ms: None,
        undone_share: None,
        lost_writes_share: None,
        violations: None,
        cost_per_h: None,
    };

    /// What is promised, with its bound.
    pub fn promised(&self) -> impl Iterator<Item = (Objective, f64)> + use<> {
        let all = [
            (Objective::Availability, self.availability),
            (Objective::GoodputPerS, self.goodput_per_s),
            (Objective::P99Ms, self.p99_ms),
            (Objective::DegradedShare, self.degraded_share),
            (Objective::StaleShare, self.stale_share),
            (Objective::StaleMs, self.stale_ms),
            (Objective::BackgroundP99Ms, self.background_p99_ms),
            (Objective::UndoneShare, self.undone_share),
            (Objective::LostWritesShare, self.lost_writes_share),
            (Objective::Violations, self.violations),
            (Objective::CostPerH, self.cost_per_h),
        ];
        all.into_iter()
            .filter_map(|(objective, bound)| Some((objective, bound?)))
    }

    /// Promises something, or does not promise it any more.
    pub fn set(&mut self, objective: Objective, bound: Option<f64>) {
        let place = match objective {
            Objective::Availability => &mut self.availability,
            Objective::GoodputPerS => &mut self.goodput_per_s,
            Objective::P99Ms => &mut self.p99_ms,
            Objective::DegradedShare => &mut self.degraded_share,
            Objective::StaleShare => &mut self.stale_share,
            Objective::StaleMs => &mut self.stale_ms,
            Objective::BackgroundP99Ms => &mut self.background_p99_ms,
            Objective::UndoneShare => &mut self.undone_share,
            Objective::LostWritesShare => &mut self.lost_writes_share,
            Objective::Violations => &mut self.violations,
            Objective::CostPerH => &mut self.cost_per_h,
        };
        *place = bound;
    }

    /// The part of it that a sweep looks at: what all loads must keep. An availability that is not promised is 99 %.
    pub fn goal(&self) -> Goal {
        Goal {
            availability: self.availability.unwrap_or(Goal::default().availability),
            p99_ms: self.p99_ms,
        }
    }

    /// Every bound that is out of its range.
    pub fn problems(&self) -> Vec<Problem> {
        let bounded = self.promised().filter_map(|(objective, bound)| {
            let most = objective.most();
            let message = format!("{bound} is out of range: 0 to {most} is allowed");
            (!(0.0..=most).contains(&bound)).then(|| Problem::new(objective.name(), message))
        });
        bounded.collect()
    }

    /// What a run that costs so much an hour came to, objective by objective.
    pub fn measure(&self, run: &Run<'_>, cost_per_h: f64) -> Vec<Measured> {
        let figures = run.figures;
        let measured = self.promised().map(|(objective, bound)| match objective {
            Objective::Availability => {
                let value = Sample::new(figures).availability;
                Measured {
                    met: value >= bound,
                    ..Measured::new(objective, bound, Some(value), 1.0 - bound, 1.0 - value)
                }
            }
            Objective::GoodputPerS => {
                let value = figures.good as f64 / figures.seconds().max(1e-9);
                Measured {
                    met: value >= bound,
                    budget: None,
                    ..Measured::new(objective, bound, Some(value), 0.0, 0.0)
                }
            }
            Objective::P99Ms => {
                let value = figures.latency.map(|latency| latency.p99_ms);
                let slower = share_above(&figures.latencies, bound);
                Measured {
                    met: value.is_some_and(|value| value <= bound),
                    ..Measured::new(objective, bound, value, SLOWEST, slower)
                }
            }
            Objective::DegradedShare => {
                let share = figures.degraded as f64 / answered(figures);
                Measured::share(objective, bound, share)
            }
            Objective::StaleShare => {
                let (reads, _) = stale(figures);
                Measured::share(objective, bound, reads / answered(figures))
            }
            Objective::StaleMs => {
                let (reads, age_ms) = stale(figures);
                let value = (reads > 0.0).then_some(age_ms);
                Measured::most(objective, bound, value, true)
            }
            Objective::BackgroundP99Ms => {
                let value = figures.processed.map(|processed| processed.p99_ms);
                Measured::most(objective, bound, value, published(run) == 0.0)
            }
            Objective::UndoneShare => {
                let share = undone(run) / published(run).max(1.0);
                Measured::share(objective, bound, share)
            }
            Objective::LostWritesShare => {
                let lost = |s: &StationFigures| s.lost_writes + s.database.lost_writes;
                let lost: u64 = figures.stations.iter().map(lost).sum();
                Measured::share(objective, bound, lost as f64 / answered(figures))
            }
            Objective::Violations => Measured::share(objective, bound, figures.violations as f64),
            Objective::CostPerH => Measured::share(objective, bound, cost_per_h),
        });
        measured.collect()
    }
}

impl Measured {
    fn new(objective: Objective, bound: f64, value: Option<f64>, allowed: f64, spent: f64) -> Self {
        Self {
            objective,
            bound,
            value,
            met: value.is_some_and(|value| value <= bound),
            budget: Some(ErrorBudget { allowed, spent }),
        }
    }

    /// Of something that is itself what may go wrong.
    fn share(objective: Objective, bound: f64, value: f64) -> Self {
        Self::new(objective, bound, Some(value), bound, value)
    }

    /// Of a time, which has no budget: a mean hides how many are over it, and messages keep no histogram.
    fn most(objective: Objective, bound: f64, value: Option<f64>, met_by_nothing: bool) -> Self {
        Self {
            met: value.map_or(met_by_nothing, |value| value <= bound),
            budget: None,
            ..Self::new(objective, bound, value, bound, 0.0)
        }
    }
}

fn answered(figures: &Figures) -> f64 {
    figures.completed.max(1) as f64
}

/// The share of latencies above a bound; within the bin that it lies in they count as spread evenly.
fn share_above(latencies: &[LatencyBin], bound_ms: f64) -> f64 {
    let all: f64 = latencies.iter().map(|bin| f64::from(bin.count)).sum();
    let above = latencies.iter().map(|bin| {
        let (low, high) = (
            LatencyBin::edge_ms(bin.bin),
            LatencyBin::edge_ms(bin.bin.saturating_add(1)),
        );
        let part = (high - bound_ms) / (high - low).max(f64::MIN_POSITIVE);
        f64::from(bin.count) * part.clamp(0.0, 1.0)
    });
    above.fold(0.0, |sum, own| sum + own) / all.max(1.0)
}

/// How many reads were stale, at caches, replicas and views; and since when on average, in milliseconds.
fn stale(figures: &Figures) -> (f64, f64) {
    let mut reads = 0.0;
    let mut sum_ms = 0.0;
    for station in &figures.stations {
        let (database, view) = (&station.database, &station.view);
        for (count, age_ms) in [
            (station.stale_hits, station.stale_ms),
            (database.stale_reads, database.stale_ms),
            (view.stale_reads, view.stale_ms),
            // Read from a shard that has not the row yet, or no more: since when is not known.
            (station.misreads, 0.0),
        ] {
            reads += count as f64;
            sum_ms += count as f64 * age_ms;
        }
    }
    (reads, if reads > 0.0 { sum_ms / reads } else { 0.0 })
}

/// Messages with how often each has to be processed: once for a queue, and for each subscription of a topic.
fn brokers<'a>(run: &'a Run<'_>) -> impl Iterator<Item = (f64, &'a StationFigures)> {
    let stations = run.model.stations().zip(&run.figures.stations);
    stations.filter_map(|(station, figures)| {
        let (_, component) = run.scenario.components.get_index(station.component)?;
        match component {
            Component::Queue(_) => Some((1.0, figures)),
            Component::Topic(topic) => Some((topic.subscriptions.len() as f64, figures)),
            _ => None,
        }
    })
}

fn published(run: &Run<'_>) -> f64 {
    let all = brokers(run).map(|(each, figures)| each * figures.messages.published as f64);
    all.fold(0.0, |sum, own| sum + own)
}

/// Messages that were lost or given up; and, of those still to be done, what is more than a system that keeps up has.
fn undone(run: &Run<'_>) -> f64 {
    let all = brokers(run).map(|(each, figures)| {
        let messages = &figures.messages;
        let gone = (messages.dead_letters + messages.dropped + messages.lost) as f64;
        let due = each * messages.published as f64;
        let left = due - messages.processed as f64 - gone;
        let chance = 4.0 * libm::sqrt(messages.backlog.max(1.0));
        gone + if left > chance + BEHIND * due {
            left
        } else {
            0.0
        }
    });
    // Not a sum: that of nothing is -0.
    all.fold(0.0, |sum, own| sum + own)
}

#[cfg(test)]
mod tests {
    use scale_sim::{Files, Scenario, run};

    use super::*;

    fn measured(components: &str, slos: &Slos) -> Vec<Measured> {
        let text = format!(
            r#"{{ "version": 1, "seed": 3, "horizon_s": 60, "warmup_s": 5, "components": {{ {components} }} }}"#
        );
        let scenario = Scenario::from_json(&text).expect("valid");
        let outcome = run(&scenario, &Files::new()).expect("it runs");
        slos.measure(&Run::of(&scenario, &outcome), 3.0)
    }

    /// Work that takes exactly 10 ms for 90 and 100 ms for 10 of 100.
    const MIXED: &str = r#"
        "users": { "client": { "mix": { "quick": 9, "slow": 1 }, "target": "shop", "arrivals": { "constant": { "rate_per_s": 50 } } } },
        "shop": { "service": { "workers": 100, "plans": {
            "quick": [ { "work": { "constant": { "mean_ms": 10 } } } ],
            "slow": [ { "work": { "constant": { "mean_ms": 100 } } } ] } } }"#;

    #[test]
    fn a_budget_is_used_by_what_is_slower_not_by_the_percentile() {
        let slos = |p99_ms| Slos {
            p99_ms: Some(p99_ms),
            cost_per_h: Some(4.0),
            ..Slos::default()
        };
        let [p99, cost] = measured(MIXED, &slos(50.0))[..] else {
            panic!("two objectives");
        };
        assert!(!p99.met && p99.value.is_some_and(|ms| (99.0..102.0).contains(&ms)));
        // A tenth is slower, and a hundredth may be.
        let used = p99
            .budget
            .and_then(|budget| budget.used())
            .expect("a budget");
        assert!((8.5..11.5).contains(&used), "{used}");
        assert!(cost.met && cost.budget.and_then(|budget| budget.used()) == Some(0.75));
        assert!(measured(MIXED, &slos(200.0))[0].met);
    }

    #[test]
    fn what_is_put_off_has_to_be_done() {
        let with = |workers: u32| {
            let text = format!(
                r#"
                "users": {{ "client": {{ "operation": "send", "target": "shop", "arrivals": {{ "poisson": {{ "rate_per_s": 50 }} }} }} }},
                "shop": {{ "service": {{ "workers": 10, "plans": {{ "*": [ {{ "call": {{ "to": "jobs" }} }} ] }} }} }},
                "jobs": {{ "queue": {{ "to": "worker" }} }},
                "worker": {{ "service": {{ "instances": {workers}, "workers": 1, "plans": {{ "*": [ {{ "work": {{ "exponential": {{ "mean_ms": 40 }} }} }} ] }} }} }}"#
            );
            let slos = Slos {
                background_p99_ms: Some(1_000.0),
                undone_share: Some(0.01),
                ..Slos::default()
            };
            let all = measured(&text, &slos);
            all.iter().map(|measured| measured.met).collect::<Vec<_>>()
        };
        assert_eq!(with(4), [true, true]);
        assert_eq!(with(1), [false, false]);
    }

    #[test]
    fn what_was_not_there_to_be_measured_is_met_only_if_nothing_was_to_be_done() {
        let slos = Slos {
            background_p99_ms: Some(1_000.0),
            stale_ms: Some(10.0),
            ..Slos::default()
        };
        let all = measured(MIXED, &slos);
        assert!(
            all.iter()
                .all(|measured| measured.met && measured.value.is_none())
        );
        let lost = MIXED
            .replace("\"workers\": 100", "\"workers\": 1, \"queue\": 0")
            .replace("\"mean_ms\": 10 }", "\"mean_ms\": 1000 }");
        let slos = Slos {
            availability: Some(0.9),
            ..Slos::default()
        };
        let [availability] = measured(&lost, &slos)[..] else {
            panic!("one objective");
        };
        assert!(!availability.met);
        let used = availability.budget.and_then(|budget| budget.used());
        assert!(used.is_some_and(|used| used > 5.0), "{used:?}");
    }

    #[test]
    fn bounds_have_their_ranges() {
        let slos: Slos =
            serde_json::from_str(r#"{ "availability": 99.9, "p99_ms": -1 }"#).expect("of the form");
        let problems = slos.problems();
        assert_eq!(problems.len(), 2);
        assert!(
            problems[0]
                .to_string()
                .contains("availability: 99.9 is out of range: 0 to 1")
        );
        assert_eq!(Slos::default(), Slos::NONE);
        assert_eq!(Slos::NONE.problems(), []);
        for objective in Objective::ALL {
            let mut slos = Slos::NONE;
            slos.set(objective, Some(objective.most() * 1.01));
            let promised: Vec<Objective> =
                slos.promised().map(|(objective, _)| objective).collect();
            assert_eq!(promised, [objective]);
            assert_eq!(slos.problems()[0].path, objective.name());
            // A file has it under that name.
            let file = serde_json::to_value(slos).expect("JSON");
            assert_eq!(
                file.as_object().map(|map| map.keys().cloned().collect()),
                Some(vec![objective.name().to_owned()])
            );
        }
        let used = |allowed, spent| ErrorBudget { allowed, spent }.used();
        assert_eq!(used(0.0, 0.0), Some(0.0));
        assert_eq!(used(0.0, 1.0), None);
        assert_eq!(used(0.5, 1.0), Some(2.0));
    }
}
