//! Charts of a run's series, drawn with plotters; the same numbers stand in a table for those who don't see them.

use plotters::prelude::*;
use plotters_canvas::CanvasBackend;
use scale_sim::{Figures, Metric};
use web_sys::HtmlCanvasElement;
use yew::prelude::*;

use super::run::Run;
use crate::browser;
use crate::store::Looks;

/// A line of a chart.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// What it shows.
    pub name: String,
    /// The custom property of the style sheet with its colour.
    pub colour: &'static str,
    /// Whether it is dashed, so that lines differ by more than colour.
    pub dashed: bool,
    /// Its points: simulated seconds and values.
    pub points: Vec<(f64, f64)>,
}

/// A chart.
#[derive(Clone, PartialEq, Debug)]
pub struct Graph {
    /// What it shows.
    pub title: &'static str,
    /// The unit of its values.
    pub unit: &'static str,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Where time ends, in simulated seconds.
    pub horizon_s: f64,
    /// A top that is not to be exceeded, such as 100 %.
    pub top: Option<f64>,
    /// A value to mark: what was predicted.
    pub mark: Option<f64>,
}

/// Colours of the lines of a chart of components, in order.
const PALETTE: [&str; 4] = [
    "--kind-service",
    "--kind-database",
    "--kind-balancer",
    "--kind-client",
];

/// How many charts a run has.
const CHARTS: usize = 3;

/// The charts of a run.
pub fn charts(run: &Run, guessed: Option<(Metric, f64)>) -> Vec<Graph> {
    let horizon_s = run.scene.horizon_s;
    let now_s = run.now_s();
    // Only what has been shown: the worker is ahead of the picture.
    let shown: Vec<&Figures> = run
        .series
        .iter()
        .filter(|window| window.to_s <= now_s + 1e-9)
        .collect();
    let line = |name: &str, colour, dashed, value: &dyn Fn(&Figures) -> Option<f64>| Line {
        name: name.to_owned(),
        colour,
        dashed,
        points: shown
            .iter()
            .filter_map(|window| Some((window.to_s, value(window)?)))
            .collect(),
    };
    let per_s = |count: u64, window: &Figures| Some(count as f64 / window.seconds());
    let marked = |metrics: &[Metric]| {
        guessed
            .filter(|(metric, _)| metrics.contains(metric))
            .map(|(_, value)| value)
    };
    let mut utilisation = Vec::new();
    for (number, component) in run.scene.components.iter().enumerate() {
        let own: Vec<usize> = (0..run.scene.stations.len())
            .filter(|at| usize::from(run.scene.stations[*at].component) == number)
            .collect();
        if own.is_empty() {
            continue;
        }
        let value = |window: &Figures| {
            let stations = || own.iter().filter_map(|at| window.stations.get(*at));
            let servers: f64 = stations().map(|s| s.servers).sum();
            (servers > 0.0).then(|| 100.0 * stations().map(|s| s.busy).sum::<f64>() / servers)
        };
        let style = utilisation.len();
        utilisation.push(line(
            &component.label,
            PALETTE[style % PALETTE.len()],
            style % 2 == 1,
            &value,
        ));
    }
    vec![
        Graph {
            title: "Requests a second",
            unit: "/s",
            lines: vec![
                line("sent", "--ink-soft", true, &|w| per_s(w.sent, w)),
                line("answered", "--request", false, &|w| per_s(w.completed, w)),
                line("lost", "--lost", false, &|w| per_s(w.lost, w)),
            ],
            horizon_s,
            top: None,
            mark: marked(&[
                Metric::ThroughputPerS,
                Metric::OfferedPerS,
                Metric::LostPerS,
            ]),
        },
        Graph {
            title: "Latency",
            unit: "ms",
            lines: vec![
                line("p99", "--wait", true, &|w| w.latency.map(|l| l.p99_ms)),
                line("median", "--request", false, &|w| {
                    w.latency.map(|l| l.p50_ms)
                }),
            ],
            horizon_s,
            top: None,
            mark: marked(&[Metric::P50Ms, Metric::P95Ms, Metric::P99Ms, Metric::MeanMs]),
        },
        Graph {
            title: "Utilisation",
            unit: "%",
            lines: utilisation,
            horizon_s,
            top: Some(100.0),
            mark: None,
        },
    ]
}

/// Charts, each with its key and its table. They are drawn again when they or the page's colours have changed.
#[hook]
pub fn use_charts(charts: Vec<Graph>, looks: Looks) -> Html {
    let canvases = use_memo((), |()| [(); CHARTS].map(|()| NodeRef::default()));
    // The moment that is read out, in all charts alike.
    let read_s = use_state(|| None::<f64>);
    let read = {
        let read_s = read_s.clone();
        Callback::from(move |at_s: Option<f64>| read_s.set(at_s))
    };
    let views = charts.iter().zip(&*canvases);
    let views: Html = views
        .map(|(chart, canvas)| view(chart, canvas, *read_s, &read))
        .collect();
    use_effect_with((charts, looks, *read_s), move |(charts, _, read_s)| {
        for (chart, canvas) in charts.iter().zip(&*canvases) {
            if let Some(canvas) = canvas.cast::<HtmlCanvasElement>() {
                // A chart that cannot be drawn leaves its table.
                let _ = draw(chart, &canvas, *read_s);
            }
        }
    });
    views
}

/// Where the plot lies in its canvas: from the left and from the right, in CSS pixels.
const SIDES: [f64; 2] = [38.0, 10.0];

impl Graph {
    /// The moments that it has values of.
    fn times(&self) -> Vec<f64> {
        let lines = self.lines.iter().map(|line| &line.points);
        let longest = lines.max_by_key(|points| points.len());
        longest.map_or_else(Vec::new, |points| {
            points.iter().map(|(at_s, _)| *at_s).collect()
        })
    }

    /// The moment with values that is nearest to `at_s`.
    fn nearest(&self, at_s: f64) -> Option<f64> {
        let times = self.times().into_iter();
        times.min_by(|a, b| (a - at_s).abs().total_cmp(&(b - at_s).abs()))
    }

    /// The moment so many values before or after the one that is read out; the last if none is.
    fn beside(&self, read_s: Option<f64>, by: isize) -> Option<f64> {
        let times = self.times();
        let last = times.len().checked_sub(1)?;
        let place = match read_s.and_then(|at_s| self.nearest(at_s)) {
            Some(at_s) => times
                .partition_point(|time| *time < at_s)
                .saturating_add_signed(by),
            None => last,
        };
        times.get(place.min(last)).copied()
    }
}

impl Line {
    /// Its value at that very moment.
    fn value(&self, at_s: f64) -> Option<f64> {
        let mut points = self.points.iter();
        let found = points.find(|(time, _)| time.to_bits() == at_s.to_bits());
        found.map(|(_, value)| *value)
    }
}

/// A chart, its key, and its table.
fn view(
    chart: &Graph,
    canvas: &NodeRef,
    read_s: Option<f64>,
    read: &Callback<Option<f64>>,
) -> Html {
    let read_s = read_s.and_then(|at_s| chart.nearest(at_s));
    let last = |line: &Line| {
        let value = match read_s {
            Some(at_s) => line.value(at_s),
            None => line.points.last().map(|(_, value)| *value),
        };
        value.map_or_else(|| "–".to_owned(), number)
    };
    let onpointermove = {
        let (read, canvas, horizon_s) = (read.clone(), canvas.clone(), chart.horizon_s);
        Callback::from(move |event: PointerEvent| {
            let Some(canvas) = canvas.cast::<HtmlCanvasElement>() else {
                return;
            };
            let left = canvas.get_bounding_client_rect().left() + SIDES[0];
            let wide = f64::from(canvas.client_width()) - SIDES[0] - SIDES[1];
            let part = (f64::from(event.client_x()) - left) / wide.max(1.0);
            read.emit(Some(part.clamp(0.0, 1.0) * horizon_s));
        })
    };
    let stop = {
        let read = read.clone();
        move || read.emit(None)
    };
    let (left, blurred) = (stop.clone(), stop.clone());
    let onkeydown = {
        let read = read.clone();
        let chart = chart.clone();
        Callback::from(move |event: KeyboardEvent| {
            let to_s = match event.key().as_str() {
                "ArrowLeft" => chart.beside(read_s, -1),
                "ArrowRight" => chart.beside(read_s, 1),
                "Home" => chart.beside(read_s.or(Some(0.0)), isize::MIN),
                "End" => chart.beside(None, 0),
                "Escape" => return stop(),
                _ => return,
            };
            event.prevent_default();
            event.stop_propagation();
            read.emit(to_s);
        })
    };
    let said = read_s.map(|at_s| {
        let values = chart
            .lines
            .iter()
            .filter_map(|line| Some(format!("{} {}", line.name, number(line.value(at_s)?))));
        let values: Vec<String> = values.collect();
        format!("At {at_s:.1} s: {} {}", values.join(", "), chart.unit)
    });
    let key = chart.lines.iter().map(|line| {
        let style = format!("--line-colour: var({})", line.colour);
        html! {
            <li {style} class={classes!(line.dashed.then_some("dashed"))}>
                { &line.name }{ " " }<b>{ last(line) }</b>
            </li>
        }
    });
    html! {
        <figure class="chart">
            <figcaption>
                <span class="chart-title">{ chart.title }</span>
                <span class="chart-unit">{ chart.unit }</span>
                <ul class="chart-key">{ for key }</ul>
            </figcaption>
            <canvas ref={canvas.clone()} role="img" tabindex="0" aria-label={format!("{}. Arrow keys read values out.", summary(chart))}
                {onpointermove} onpointerleave={move |_: PointerEvent| left()} onblur={move |_: FocusEvent| blurred()} {onkeydown}></canvas>
            <span class="chart-read" aria-live="polite">{ said }</span>
            <details class="chart-table">
                <summary>{ "As a table" }</summary>
                { table(chart) }
            </details>
        </figure>
    }
}

/// The chart in a sentence.
fn summary(chart: &Graph) -> String {
    let parts = chart.lines.iter().filter_map(|line| {
        let (_, last) = line.points.last()?;
        let most = line
            .points
            .iter()
            .map(|(_, value)| *value)
            .fold(0.0, f64::max);
        Some(format!(
            "{} now {}, at most {}",
            line.name,
            number(*last),
            number(most)
        ))
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() {
        format!("{}: nothing yet", chart.title)
    } else {
        format!("{} in {}: {}", chart.title, chart.unit, parts.join("; "))
    }
}

fn table(chart: &Graph) -> Html {
    let times = chart.times();
    let rows = times.iter().map(|at| {
        let cells = chart.lines.iter().map(|line| {
            html! { <td>{ line.value(*at).map_or_else(|| "–".to_owned(), number) }</td> }
        });
        html! { <tr><th scope="row">{ format!("{at:.1}") }</th>{ for cells }</tr> }
    });
    html! {
        <div class="table-scroll" tabindex="0" role="region" aria-label={format!("{} as a table", chart.title)}>
            <table>
                <thead><tr>
                    <th scope="col">{ "second" }</th>
                    { for chart.lines.iter().map(|line| html! { <th scope="col">{ &line.name }</th> }) }
                </tr></thead>
                <tbody>{ for rows }</tbody>
            </table>
        </div>
    }
}

/// A number as short as it can be read.
pub fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 100_000.0 => format!("{:.0} k", value / 1000.0),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 || v == 0.0 => format!("{value:.0}"),
        _ => format!("{value:.1}"),
    }
}

fn colour(name: &str) -> RGBColor {
    let hex = browser::style(name);
    let part = |at: usize| {
        hex.get(at..at + 2)
            .and_then(|two| u8::from_str_radix(two, 16).ok())
    };
    match (part(1), part(3), part(5)) {
        (Some(r), Some(g), Some(b)) => RGBColor(r, g, b),
        _ => RGBColor(128, 128, 128),
    }
}

/// By its family, not by a name: reading names takes tables of all the letters there are.
fn font(size: i32) -> FontDesc<'static> {
    FontDesc::new(FontFamily::SansSerif, f64::from(size), FontStyle::Normal)
}

type Failed = Box<dyn core::error::Error>;

fn draw(chart: &Graph, canvas: &HtmlCanvasElement, read_s: Option<f64>) -> Result<(), Failed> {
    let scale = browser::window().device_pixel_ratio().max(1.0);
    let width = f64::from(canvas.client_width());
    let height = f64::from(canvas.client_height());
    if width < 40.0 || height < 40.0 {
        return Ok(());
    }
    canvas.set_width((width * scale) as u32);
    canvas.set_height((height * scale) as u32);
    let backend = CanvasBackend::with_canvas_object(canvas.clone()).ok_or("no canvas")?;
    let area = backend.into_drawing_area();
    let px = |length: f64| (length * scale) as i32;
    let ink = colour("--ink-soft");
    let values = chart
        .lines
        .iter()
        .flat_map(|line| line.points.iter().map(|(_, value)| *value));
    let highest = values.chain(chart.mark).fold(0.0, f64::max);
    let top = chart.top.unwrap_or_else(|| round_top(highest * 1.08));
    let mut plot = ChartBuilder::on(&area)
        .margin_top(px(6.0))
        .margin_right(px(SIDES[1]))
        .x_label_area_size(px(24.0))
        .y_label_area_size(px(SIDES[0]))
        .build_cartesian_2d(0.0..chart.horizon_s.max(1e-3), 0.0..top)
        .map_err(|e| e.to_string())?;
    plot.configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(colour("--line").stroke_width(px(1.0) as u32))
        .axis_style(colour("--line").stroke_width(px(1.0) as u32))
        .label_style(font(px(11.0)).color(&ink))
        .x_labels(6)
        .y_labels(4)
        .x_label_formatter(&|at| format!("{at:.0}"))
        .y_label_formatter(&|value| number(*value))
        .draw()
        .map_err(|e| e.to_string())?;
    for line in &chart.lines {
        let style = colour(line.colour).stroke_width(px(2.0) as u32);
        let points = line.points.iter().copied();
        if line.dashed {
            plot.draw_series(DashedLineSeries::new(
                points,
                px(5.0) as u32,
                px(4.0) as u32,
                style,
            ))
            .map_err(|e| e.to_string())?;
        } else {
            plot.draw_series(LineSeries::new(points, style))
                .map_err(|e| e.to_string())?;
        }
    }
    if let Some(at_s) = read_s.and_then(|at_s| chart.nearest(at_s)) {
        let style = ink.stroke_width(px(1.0) as u32);
        plot.draw_series(LineSeries::new([(at_s, 0.0), (at_s, top)], style))
            .map_err(|e| e.to_string())?;
    }
    if let Some(mark) = chart.mark {
        let style = colour("--accent").stroke_width(px(1.5) as u32);
        let across = [(0.0, mark), (chart.horizon_s, mark)];
        plot.draw_series(DashedLineSeries::new(
            across,
            px(2.0) as u32,
            px(3.0) as u32,
            style,
        ))
        .map_err(|e| e.to_string())?;
        let words = font(px(11.0)).color(&colour("--accent"));
        let at = (chart.horizon_s * 0.02, mark);
        plot.draw_series([Text::new("your prediction", at, words)])
            .map_err(|e| e.to_string())?;
    }
    area.present().map_err(|e| e.to_string())?;
    Ok(())
}

/// The next of 1, 2, 5, 10 … that is not below `value`.
fn round_top(value: f64) -> f64 {
    let mut unit = 1.0;
    loop {
        for step in [1.0, 1.5, 2.0, 3.0, 5.0, 7.5] {
            if unit * step >= value {
                return unit * step;
            }
        }
        unit *= 10.0;
        if !unit.is_finite() {
            return f64::MAX;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrow_keys_go_from_value_to_value() {
        let graph = Graph {
            title: "",
            unit: "",
            lines: vec![Line {
                name: String::new(),
                colour: "",
                dashed: false,
                points: vec![(1.0, 5.0), (2.0, 6.0), (3.0, 7.0)],
            }],
            horizon_s: 10.0,
            top: None,
            mark: None,
        };
        assert_eq!(graph.beside(None, -1), Some(3.0));
        assert_eq!(graph.beside(Some(3.0), -1), Some(2.0));
        assert_eq!(graph.beside(Some(2.0), isize::MIN), Some(1.0));
        assert_eq!(graph.beside(Some(3.0), 1), Some(3.0));
        assert_eq!(
            (graph.nearest(2.4), graph.lines[0].value(2.0)),
            (Some(2.0), Some(6.0))
        );
        assert_eq!(graph.lines[0].value(2.5), None);
    }

    #[test]
    fn tops_are_round() {
        for (value, top) in [
            (0.0, 1.0),
            (1.0, 1.0),
            (97.0, 100.0),
            (101.0, 150.0),
            (620.0, 750.0),
        ] {
            assert!((round_top(value) - top).abs() < 1e-9, "{value}");
        }
    }
}
