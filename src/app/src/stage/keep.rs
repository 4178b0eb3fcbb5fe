//! A run to keep: its figures as CSV, its events for a trace viewer; and the keys that the stage knows.

use yew::prelude::*;

use super::parts::Deed;
use super::run::Run;

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

/// The figures of the run, window by window, as CSV with a head line.
pub fn csv(run: &Run) -> String {
    let mut names =
        vec!["from_s,to_s,sent_per_s,answered_per_s,lost_per_s,p50_ms,p99_ms,in_system".to_owned()];
    for at in 0..run.scene.stations.len() {
        let name = run.station_name(at as u32).replace([',', '"', '\n'], " ");
        names.push(format!("{name} busy,{name} waiting"));
    }
    let mut lines = vec![names.join(",")];
    for window in &run.series {
        let per_s = |count: u64| count as f64 / window.seconds();
        let ms = |value: Option<f64>| value.map_or_else(String::new, |ms| format!("{ms:.3}"));
        let mut fields = vec![
            format!("{:.3},{:.3}", window.from_s, window.to_s),
            format!(
                "{:.3},{:.3},{:.3}",
                per_s(window.sent),
                per_s(window.completed),
                per_s(window.lost)
            ),
            ms(window.latency.map(|latency| latency.p50_ms)),
            ms(window.latency.map(|latency| latency.p99_ms)),
            format!("{:.3}", window.in_system),
        ];
        for at in 0..run.scene.stations.len() {
            let station = window.stations.get(at).copied().unwrap_or_default();
            fields.push(format!("{:.4},{:.4}", station.busy, station.waiting));
        }
        lines.push(fields.join(","));
    }
    lines.join("\n") + "\n"
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
    use scale_sim::{Figures, StationFigures};

    use super::*;
    use crate::protocol::{ComponentView, Holds, Scene, StationView};
    use scale_sim::Kind;

    #[test]
    fn every_line_has_a_field_for_each_name() {
        let scene = Scene {
            components: vec![ComponentView {
                name: "shop".to_owned(),
                label: "Shop, large".to_owned(),
                kind: Kind::Service,
                at: None,
                targets: Vec::new(),
                holds: Holds::Requests,
            }],
            stations: vec![StationView {
                component: 0,
                instance: 0,
                servers: 1,
                queue: 1,
                live: true,
            }],
            ..Scene::default()
        };
        let mut run = Run::at_rest(scene);
        run.series.push(Figures {
            from_s: 0.0,
            to_s: 2.0,
            sent: 10,
            completed: 8,
            good: 8,
            degraded: 0,
            lost: 1,
            violations: 0,
            losses: Vec::new(),
            in_system: 1.5,
            latency: None,
            processed: None,
            stations: vec![StationFigures {
                busy: 0.5,
                ..StationFigures::default()
            }],
        });
        let text = csv(&run);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1],
            "0.000,2.000,5.000,4.000,0.500,,,1.500,0.5000,0.0000"
        );
        assert!(
            lines.iter().all(|line| line.split(',').count() == 10),
            "{text}"
        );
    }
}
