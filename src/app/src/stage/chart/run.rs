//! What the charts of a run show: nothing but its series, its scene and the moment shown goes into them.

use scale_sim::{Figures, Kind, LatencyBin, Metric, StationFigures};

use super::{Axis, Graph, Line};
use crate::protocol::{ComponentView, Holds, Scene};
use crate::stage::parts::shades;

/// Colours of lines of components: as many as tell apart, the same that shards have in the picture.
const PALETTE: [&str; 8] = [
    "--shade-0",
    "--shade-1",
    "--shade-2",
    "--shade-3",
    "--shade-4",
    "--shade-5",
    "--shade-6",
    "--shade-7",
];

/// The charts of a run at the moment `now_s`, those that matter most for its scene first. What the scene has nothing for has no
/// chart.
pub fn charts(
    scene: &Scene,
    series: &[Figures],
    now_s: f64,
    guessed: Option<(Metric, f64)>,
) -> Vec<Graph> {
    // Only what has been shown: the worker is ahead of the picture.
    let over = series.partition_point(|window| window.to_s <= now_s + 1e-9);
    let shown = Shown {
        scene,
        windows: &series[..over],
        guessed,
    };
    let charts = [
        Some(shown.requests()),
        Some(shown.latency()),
        shown.hits(),
        shown.lag(),
        shown.utilisation(),
        shown.queues(),
        Some(shown.histogram()),
    ];
    charts.into_iter().flatten().collect()
}

/// A run as far as it has been shown.
struct Shown<'a> {
    scene: &'a Scene,
    windows: &'a [Figures],
    guessed: Option<(Metric, f64)>,
}

impl Shown<'_> {
    fn requests(&self) -> Graph {
        let per_s = |count: u64, window: &Figures| Some(count as f64 / window.seconds());
        let mut lines = vec![
            self.line("sent", "--ink-soft", true, |w| per_s(w.sent, w)),
            self.line("answered", "--request", false, |w| per_s(w.completed, w)),
        ];
        if self.scene.deadlines {
            lines.push(self.line("in time", "--good", true, |w| per_s(w.good, w)));
        }
        lines.push(self.line("lost", "--lost", false, |w| per_s(w.lost, w)));
        let marked = [
            Metric::ThroughputPerS,
            Metric::GoodputPerS,
            Metric::OfferedPerS,
            Metric::LostPerS,
        ];
        Graph {
            mark: self.mark(&marked),
            ..self.over_time("Requests a second", "/s", lines)
        }
    }

    fn latency(&self) -> Graph {
        let lines = vec![
            self.line("p99", "--wait", true, |w| w.latency.map(|l| l.p99_ms)),
            self.line("p95", "--held", false, |w| w.latency.map(|l| l.p95_ms)),
            self.line("median", "--request", false, |w| {
                w.latency.map(|l| l.p50_ms)
            }),
        ];
        let marked = [Metric::P50Ms, Metric::P95Ms, Metric::P99Ms, Metric::MeanMs];
        Graph {
            mark: self.mark(&marked),
            ..self.over_time("Latency", "ms", lines)
        }
    }

    fn utilisation(&self) -> Option<Graph> {
        let lines = self.by_component(
            |_, _| true,
            |stations| {
                let servers = stations.sum(|s| s.servers);
                (servers > 0.0).then(|| 100.0 * stations.sum(|s| s.busy) / servers)
            },
        );
        (!lines.is_empty()).then(|| Graph {
            top: Some(100.0),
            ..self.over_time("Utilisation", "%", lines)
        })
    }

    /// Who waits in line, and the messages that wait with a broker.
    fn queues(&self) -> Option<Graph> {
        let lines = self.by_component(
            |scene, component| {
                let own = |s: &&crate::protocol::StationView| usize::from(s.component) == component;
                let mut stations = scene.stations.iter().filter(own);
                is_broker(scene.components[component].kind)
                    || stations.any(|station| station.queue > 0)
            },
            |stations| Some(stations.sum(|s| s.waiting + s.messages.backlog)),
        );
        (!lines.is_empty()).then(|| self.over_time("Waiting in line", "on average", lines))
    }

    fn hits(&self) -> Option<Graph> {
        let lines = self.by_component(
            |scene, component| scene.components[component].kind == Kind::Cache,
            |stations| {
                let hits = stations.sum(|s| s.hits as f64);
                let reads = hits + stations.sum(|s| s.misses as f64);
                (reads > 0.0).then(|| 100.0 * hits / reads)
            },
        );
        (!lines.is_empty()).then(|| Graph {
            top: Some(100.0),
            ..self.over_time("Hit ratio", "%", lines)
        })
    }

    /// How late things are elsewhere: reads at replicas, changes in views, messages at brokers.
    fn lag(&self) -> Option<Graph> {
        let lines = self.by_component(
            |scene, component| may_lag(&scene.components[component]),
            |stations| {
                let all = stations.figures().filter_map(late);
                let (count, ms) = all.fold((0.0, 0.0), |(count, sum), (own, ms)| {
                    (count + own, sum + own * ms)
                });
                (count > 0.0).then(|| ms / count)
            },
        );
        (!lines.is_empty()).then(|| self.over_time("Lag", "ms", lines))
    }

    /// How many were answered after how long, from the start.
    fn histogram(&self) -> Graph {
        let mut counts = [0.0; LatencyBin::COUNT];
        for bin in self.windows.iter().flat_map(|window| &window.latencies) {
            if let Some(count) = counts.get_mut(usize::from(bin.bin)) {
                *count += f64::from(bin.count);
            }
        }
        let first = counts.iter().position(|count| *count > 0.0);
        let last = counts.iter().rposition(|count| *count > 0.0);
        let (first, end) = (first.unwrap_or(30), last.map_or(50, |last| last + 1));
        // At least one power of ten, so that the axis has something to say.
        let short = (first + 10).saturating_sub(end);
        let from = first.saturating_sub(short / 2);
        let across = [from as f64, (end + short - short / 2) as f64];
        let points = (first..end).filter(|_| last.is_some());
        let points = points.map(|at| (at as f64, counts[at])).collect();
        Graph {
            title: "Latency, in all",
            unit: "requests",
            lines: vec![Line {
                name: "answered".to_owned(),
                colour: "--request",
                dashed: false,
                thin: false,
                points,
            }],
            axis: Axis::Latency,
            across,
            top: None,
            mark: None,
        }
    }

    fn over_time(&self, title: &'static str, unit: &'static str, lines: Vec<Line>) -> Graph {
        Graph {
            title,
            unit,
            lines,
            axis: Axis::Time,
            across: [0.0, self.scene.horizon_s.max(1e-3)],
            top: None,
            mark: None,
        }
    }

    /// What was predicted, if it is one of these.
    fn mark(&self, metrics: &[Metric]) -> Option<f64> {
        let guessed = self.guessed.filter(|(metric, _)| metrics.contains(metric));
        guessed.map(|(_, value)| value)
    }

    fn line(
        &self,
        name: &str,
        colour: &'static str,
        dashed: bool,
        value: impl Fn(&Figures) -> Option<f64>,
    ) -> Line {
        let windows = self.windows.iter();
        Line {
            name: name.to_owned(),
            colour,
            dashed,
            thin: false,
            points: windows
                .filter_map(|window| Some((window.to_s, value(window)?)))
                .collect(),
        }
    }

    /// A line for each component with stations that is of interest.
    fn by_component(
        &self,
        of_interest: fn(&Scene, usize) -> bool,
        value: fn(&Together<'_>) -> Option<f64>,
    ) -> Vec<Line> {
        let shades = shades(self.scene);
        // Those that are no shards have what shards leave over.
        let mut free = (0..PALETTE.len()).filter(|shade| !shades.contains(&Some(*shade)));
        let mut lines = Vec::new();
        for (number, component) in self.scene.components.iter().enumerate() {
            let stations = self.scene.stations.iter().enumerate();
            let own = stations.filter(|(_, s)| usize::from(s.component) == number);
            let own: Vec<usize> = own.map(|(at, _)| at).collect();
            if own.is_empty() || !of_interest(self.scene, number) {
                continue;
            }
            let shade = shades[number].or_else(|| free.next());
            let colour = PALETTE[shade.unwrap_or(lines.len() % PALETTE.len())];
            let dashed = lines.len() % 2 == 1;
            lines.push(self.line(&component.label, colour, dashed, |window| {
                value(&Together {
                    window,
                    stations: &own,
                })
            }));
        }
        lines
    }
}

/// The stations of a component, in a window.
struct Together<'a> {
    window: &'a Figures,
    stations: &'a [usize],
}

impl<'a> Together<'a> {
    fn figures(&self) -> impl Iterator<Item = &'a StationFigures> {
        let (window, stations) = (self.window, self.stations);
        stations.iter().filter_map(|at| window.stations.get(*at))
    }

    fn sum(&self, of: impl Fn(&StationFigures) -> f64) -> f64 {
        self.figures().map(of).sum()
    }
}

const fn is_broker(kind: Kind) -> bool {
    matches!(kind, Kind::Queue | Kind::Topic)
}

/// Whether what is seen there can be late.
pub fn may_lag(component: &ComponentView) -> bool {
    is_broker(component.kind) || matches!(component.holds, Holds::Log | Holds::Changes)
}

/// How late things were at a station: of how many reads at a replica, changes shown by a view, or messages processed, and by how many
/// milliseconds on average.
pub fn late(station: &StationFigures) -> Option<(f64, f64)> {
    [
        (station.database.replica_reads, station.database.lag_ms),
        (station.view.shown, station.view.lag_ms),
        (station.messages.processed, station.messages.processed_ms),
    ]
    .into_iter()
    .find(|(count, _)| *count > 0)
    .map(|(count, ms)| (count as f64, ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Command, Reply};
    use crate::session::Session;

    /// Buyers who do not wait long.
    const SHOP: &str = r#"{ "version": 1, "horizon_s": 10, "components": {
        "users": { "client": { "operation": "read", "target": "shop", "deadline_ms": 15,
            "arrivals": { "poisson": { "rate_per_s": 80 } } } },
        "shop": { "service": { "workers": 1, "queue": 50, "plans": { "*": [ { "work": { "exponential": { "mean_ms": 10 } } } ] } } }
    } }"#;

    #[test]
    fn charts_show_what_has_been_shown_and_only_what_there_is() {
        let mut session = Session::default();
        let loaded = session.handle(Command::Load {
            run: 1,
            beside: None,
            scenario: SHOP.to_owned(),
            task: "[]".to_owned(),
        });
        let Some(Reply::Ready(1, scene)) = loaded else {
            panic!("{loaded:?}")
        };
        let advanced = session.handle(Command::Advance { run: 1, to_s: 10.0 });
        let Some(Reply::Frame(1, frame)) = advanced else {
            panic!("{advanced:?}")
        };
        let titles = |at_s| -> Vec<_> {
            let charts = charts(&scene, &frame.windows, at_s, None);
            charts.iter().map(|graph| graph.title).collect()
        };
        let all = [
            "Requests a second",
            "Latency",
            "Utilisation",
            "Waiting in line",
            "Latency, in all",
        ];
        assert_eq!(titles(0.0), all, "no cache, and nothing that lags");
        let half = charts(&scene, &frame.windows, 5.0, Some((Metric::P99Ms, 30.0)));
        let whole = charts(&scene, &frame.windows, 10.0, None);
        assert_eq!((half[0].mark, half[1].mark), (None, Some(30.0)));
        let last = |graph: &Graph| graph.lines[0].points.last().map(|(at, _)| *at);
        assert_eq!((last(&half[0]), last(&whole[0])), (Some(5.0), Some(10.0)));
        // Who comes too late is answered, but not in time.
        let sum = |name: &str| {
            let line = whole[0].lines.iter().find(|line| line.name == name);
            line.map_or(0.0, Line::sum)
        };
        assert!(sum("in time") > 0.0 && sum("in time") < sum("answered"));
        // Each answer is in one bin.
        let answered: u64 = frame.windows.iter().map(|window| window.completed).sum();
        assert!((whole[4].lines[0].sum() - answered as f64).abs() < 1e-9);
        assert!(half[4].lines[0].sum() < whole[4].lines[0].sum());
    }
}
