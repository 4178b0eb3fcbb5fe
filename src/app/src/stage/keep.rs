//! A run to keep: its figures as CSV, its events for a trace viewer; and the keys that the stage knows.

use scale_sim::{Figures, Kind, Latency, LatencyBin, StationFigures};
use yew::prelude::*;

use super::chart::{late, may_lag};
use super::parts::Deed;
use super::run::Run;
use crate::protocol::Scene;

/// The keys of the stage, with what they do.
const KEYS: [(&str, &str); 13] = [
    ("Space, k", "play or pause"),
    (".", "one event on"),
    (",", "one event back"),
    (">", "to the next event of the kind that is chosen"),
    ("<", "to the one before"),
    ("e", "run to the end"),
    ("r", "reset, with the values as the author wrote them"),
    ("b", "keep this run, and change another from here on"),
    ("0", "to the start"),
    ("+", "a larger picture"),
    ("-", "a smaller one"),
    ("f", "fit the picture"),
    ("?", "show or hide these keys"),
];

/// A column of the figures: its name, and its value in a window; empty where there is none.
type Column = (String, Box<dyn Fn(&Figures) -> String>);

/// The figures of the run, window by window, as CSV with a head line: all that the charts show, and more exactly.
pub fn csv(run: &Run) -> String {
    let mut columns = of_all();
    for at in 0..run.scene.stations.len() {
        let name = run.station_name(at as u32).replace([',', '"', '\n'], " ");
        of_station(&run.scene, at, &name, &mut columns);
    }
    of_latencies(&run.series, &mut columns);
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let mut lines = vec![names.join(",")];
    for window in &run.series {
        let fields: Vec<String> = columns.iter().map(|(_, value)| value(window)).collect();
        lines.push(fields.join(","));
    }
    lines.join("\n") + "\n"
}

fn column(name: impl Into<String>, value: impl Fn(&Figures) -> Option<f64> + 'static) -> Column {
    let text =
        move |window: &Figures| value(window).map_or_else(String::new, |v| format!("{v:.4}"));
    (name.into(), Box::new(text))
}

/// What there is of all stations together.
fn of_all() -> Vec<Column> {
    let per_s = |name, count: fn(&Figures) -> u64| {
        column(name, move |w| Some(count(w) as f64 / w.seconds()))
    };
    let ms = |name, of: fn(&Latency) -> f64| column(name, move |w| w.latency.as_ref().map(of));
    vec![
        column("from_s", |w| Some(w.from_s)),
        column("to_s", |w| Some(w.to_s)),
        per_s("sent_per_s", |w| w.sent),
        per_s("answered_per_s", |w| w.completed),
        per_s("in_time_per_s", |w| w.good),
        per_s("lost_per_s", |w| w.lost),
        ms("p50_ms", |latency| latency.p50_ms),
        ms("p95_ms", |latency| latency.p95_ms),
        ms("p99_ms", |latency| latency.p99_ms),
        column("in_system", |w| Some(w.in_system)),
    ]
}

/// What there is of a station.
fn of_station(scene: &Scene, at: usize, name: &str, columns: &mut Vec<Column>) {
    let mut own = |what: &str, value: fn(&StationFigures) -> Option<f64>| {
        let value = move |window: &Figures| window.stations.get(at).and_then(value);
        columns.push(column(format!("{name} {what}"), value));
    };
    own("busy", |s| Some(s.busy));
    own("waiting", |s| Some(s.waiting));
    let component = scene
        .stations
        .get(at)
        .map(|station| usize::from(station.component));
    let Some(component) = component.and_then(|at| scene.components.get(at)) else {
        return;
    };
    match component.kind {
        Kind::Cache => own("hit ratio", StationFigures::hit_ratio),
        Kind::Queue | Kind::Topic => own("backlog", |s| Some(s.messages.backlog)),
        _ => {}
    }
    if may_lag(component) {
        own("lag ms", |s| late(s).map(|(_, ms)| ms));
    }
}

/// How many answers took how long, for each bin that the run has any in.
fn of_latencies(series: &[Figures], columns: &mut Vec<Column>) {
    let mut bins: Vec<u8> = { series.iter() }
        .flat_map(|window| window.latencies.iter().map(|bin| bin.bin))
        .collect();
    bins.sort_unstable();
    bins.dedup();
    for bin in bins {
        let edge = LatencyBin::edge_ms;
        let name = format!("answers of {} to {} ms", edge(bin), edge(bin + 1));
        columns.push(column(name, move |window| {
            let own = window.latencies.iter().find(|own| own.bin == bin);
            Some(own.map_or(0.0, |own| f64::from(own.count)))
        }));
    }
}

/// What can be kept of a run, and the keys.
pub fn keep(run: &Run, keys: bool, act: &Callback<Deed>) -> Html {
    let deed = |deed: Deed| {
        let act = act.clone();
        Callback::from(move |_: MouseEvent| act.emit(deed))
    };
    let empty = run.series.is_empty();
    html! {
        <div class="keep">
            <button class="button quiet small" onclick={deed(Deed::Figures)} disabled={empty}>{ "Keep the figures (CSV)" }</button>
            <button class="button quiet small" onclick={deed(Deed::Trace)} disabled={empty} title="Opens in ui.perfetto.dev and chrome://tracing">{ "Keep a trace (Perfetto)" }</button>
            <button class="button quiet small" onclick={deed(Deed::Keys)} aria-expanded={keys.to_string()} aria-keyshortcuts="?">{ "Keys" }</button>
            if keys {
                <dl class="keys">
                    { for KEYS.iter().map(|(key, what)| html! { <div><dt><kbd>{ *key }</kbd></dt><dd>{ *what }</dd></div> }) }
                </dl>
            }
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{ComponentView, Holds, StationView};

    #[test]
    fn every_line_has_a_field_for_each_name() {
        let component = |label: &str, kind| ComponentView {
            name: label.to_lowercase(),
            label: label.to_owned(),
            kind,
            at: None,
            targets: Vec::new(),
            scales: false,
            holds: Holds::Requests,
        };
        let station = |component| StationView {
            component,
            instance: 0,
            servers: 1,
            queue: 1,
            live: true,
            starts: true,
        };
        let scene = Scene {
            components: vec![
                component("Shop, large", Kind::Service),
                component("Near", Kind::Cache),
            ],
            stations: vec![station(0), station(1)],
            ..Scene::default()
        };
        let mut run = Run::at_rest(scene);
        run.series.push(Figures {
            from_s: 0.0,
            to_s: 2.0,
            sent: 10,
            completed: 8,
            good: 6,
            degraded: 0,
            lost: 1,
            violations: 0,
            losses: Vec::new(),
            in_system: 1.5,
            latency: None,
            latencies: vec![LatencyBin { bin: 40, count: 8 }],
            processed: None,
            stations: vec![
                StationFigures {
                    busy: 0.5,
                    ..StationFigures::default()
                },
                StationFigures {
                    hits: 3,
                    misses: 1,
                    ..StationFigures::default()
                },
            ],
        });
        let text = csv(&run);
        let (head, line) = text.trim_end().split_once('\n').expect("two lines");
        assert!(
            head.ends_with(
                "in_system,Shop  large busy,Shop  large waiting,Near busy,Near waiting,Near hit ratio,answers of 10 to 12.5 ms"
            ),
            "{head}"
        );
        assert_eq!(
            line,
            "0.0000,2.0000,5.0000,4.0000,3.0000,0.5000,,,,1.5000,0.5000,0.0000,0.0000,0.0000,0.7500,8.0000"
        );
        assert_eq!(head.split(',').count(), line.split(',').count());
    }
}
