//! The charts on the page: which of them are shown, each with its key, its read-out and its table.

use std::rc::Rc;

use web_sys::HtmlCanvasElement;
use yew::prelude::*;

use super::draw::{SIDES, draw};
use super::{Axis, Graph, Line, number};
use crate::store::Looks;

/// Properties of [`Charts`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// All there are, those that matter most first.
    pub graphs: Vec<Rc<Graph>>,
    /// How the page looks.
    pub looks: Looks,
    /// How much room there is, in CSS pixels.
    pub room: f64,
}

/// As wide as a chart must be to be read, in CSS pixels.
const WIDE: f64 = 235.0;

/// Some of a run's charts, and buttons for all of them.
#[component]
pub fn Charts(props: &Props) -> Html {
    // The reader's choice, the latest last; by title, for another scene may have others.
    let chosen = use_state(|| None::<Vec<&'static str>>);
    // The place that is read out, in all charts alike that have it.
    let read = use_state(|| None::<(Axis, f64)>);
    let most = ((props.room / WIDE) as usize).clamp(1, 3);
    let titles: Vec<&'static str> = props.graphs.iter().map(|graph| graph.title).collect();
    let marked = props.graphs.iter().find(|graph| graph.mark.is_some());
    let marked = marked.map(|graph| graph.title);
    let shown = shown(&titles, chosen.as_deref(), marked, most);
    let buttons = titles.iter().map(|title| {
        let onclick = {
            let (chosen, shown, title) = (chosen.clone(), shown.clone(), *title);
            Callback::from(move |_: MouseEvent| chosen.set(Some(toggled(&shown, title, most))))
        };
        html! {
            <button class="chip" {onclick} aria-pressed={shown.contains(title).to_string()}>{ *title }</button>
        }
    });
    let graphs = props.graphs.iter();
    let graphs = graphs.filter(|graph| shown.contains(&graph.title));
    let graphs = graphs.map(|graph| {
        let on_read = {
            let (read, axis) = (read.clone(), graph.axis);
            Callback::from(move |at: Option<f64>| read.set(at.map(|at| (axis, at))))
        };
        let read = read.filter(|(axis, _)| *axis == graph.axis);
        html! {
            <Chart key={graph.title} graph={graph.clone()} looks={props.looks} room={props.room} read={read.map(|(_, at)| at)} {on_read} />
        }
    });
    html! {
        <>
            <div class="chips" role="group" aria-label="Charts">{ for buttons }</div>
            <div class="charts">{ for graphs }</div>
        </>
    }
}

/// Which charts are shown, the latest choice last: what the reader has chosen, as far as it is there and there is room; until then
/// what matters most, with the one that has the reader's prediction.
fn shown(
    titles: &[&'static str],
    chosen: Option<&[&'static str]>,
    marked: Option<&'static str>,
    most: usize,
) -> Vec<&'static str> {
    let there = chosen.unwrap_or_default().iter().copied();
    let mut shown: Vec<_> = there.filter(|title| titles.contains(title)).collect();
    if shown.is_empty() {
        let others = titles.iter().filter(|title| Some(**title) != marked);
        shown = marked.into_iter().chain(others.copied()).collect();
        shown.truncate(most);
    }
    shown.split_off(shown.len().saturating_sub(most))
}

/// The choice once more, or no more: where there is no room, what was chosen first makes it; the last one stays.
fn toggled(shown: &[&'static str], title: &'static str, most: usize) -> Vec<&'static str> {
    let mut chosen: Vec<_> = shown.iter().copied().filter(|own| *own != title).collect();
    if chosen.len() == shown.len() || chosen.is_empty() {
        chosen.push(title);
    }
    chosen.split_off(chosen.len().saturating_sub(most))
}

/// Properties of [`Chart`].
#[derive(Clone, PartialEq, Debug, Properties)]
struct ChartProps {
    graph: Rc<Graph>,
    looks: Looks,
    room: f64,
    /// The place that is read out.
    read: Option<f64>,
    /// Told when another is to be.
    on_read: Callback<Option<f64>>,
}

/// A chart, its key, and its table. It is drawn again when it, its room or the page's colours have changed.
#[component]
fn Chart(props: &ChartProps) -> Html {
    let chart = &props.graph;
    let canvas = use_node_ref();
    let open = use_state(|| false);
    let read = props.read.and_then(|at| chart.nearest(at));
    {
        let (canvas, room) = (canvas.clone(), props.room.to_bits());
        let deps = (chart.clone(), props.looks, room, read);
        use_effect_with(deps, move |(chart, _, _, read)| {
            if let Some(canvas) = canvas.cast::<HtmlCanvasElement>() {
                // A chart that cannot be drawn leaves its table.
                let _ = draw(chart, &canvas, *read);
            }
        });
    }
    let onpointermove = {
        let (on_read, canvas, across) = (props.on_read.clone(), canvas.clone(), chart.across);
        // What is drawn from a place to the next is that place's.
        let half = if chart.axis == Axis::Latency {
            0.5
        } else {
            0.0
        };
        Callback::from(move |event: PointerEvent| {
            let Some(canvas) = canvas.cast::<HtmlCanvasElement>() else {
                return;
            };
            let left = canvas.get_bounding_client_rect().left() + SIDES[0];
            let wide = f64::from(canvas.client_width()) - SIDES[0] - SIDES[1];
            let part = (f64::from(event.client_x()) - left) / wide.max(1.0);
            let [from, to] = across;
            on_read.emit(Some(from + part.clamp(0.0, 1.0) * (to - from) - half));
        })
    };
    let stop = {
        let on_read = props.on_read.clone();
        move || on_read.emit(None)
    };
    let (left, blurred) = (stop.clone(), stop.clone());
    let onkeydown = {
        let (on_read, chart) = (props.on_read.clone(), chart.clone());
        Callback::from(move |event: KeyboardEvent| {
            let to = match event.key().as_str() {
                "ArrowLeft" => chart.beside(read, -1),
                "ArrowRight" => chart.beside(read, 1),
                "Home" => chart.beside(read.or(Some(0.0)), isize::MIN),
                "End" => chart.beside(None, 0),
                "Escape" => return stop(),
                _ => return,
            };
            event.prevent_default();
            event.stop_propagation();
            on_read.emit(to);
        })
    };
    let ontoggle = {
        let open = open.clone();
        Callback::from(move |_: Event| open.set(!*open))
    };
    html! {
        <figure class="chart">
            <figcaption>
                <span class="chart-title">{ chart.title }</span>
                <span class="chart-unit">{ chart.unit }</span>
                { key(chart, read) }
            </figcaption>
            <canvas ref={canvas} role="img" tabindex="0" aria-label={format!("{}. Arrow keys read values out.", chart.summary())}
                {onpointermove} onpointerleave={move |_: PointerEvent| left()} onblur={move |_: FocusEvent| blurred()} {onkeydown}></canvas>
            <span class="chart-read" aria-live="polite">{ read.map(|at| chart.read_out(at)) }</span>
            <details class="chart-table" {ontoggle}>
                <summary>{ "As a table" }</summary>
                if *open { { table(chart) } }
            </details>
        </figure>
    }
}

/// What each line is, and its value where it is read out, or at its end; of a histogram all of it.
fn key(chart: &Graph, read: Option<f64>) -> Html {
    let value = |line: &Line| {
        let value = match (read, chart.axis) {
            (Some(at), _) => line.value(at),
            (None, Axis::Time) => line.points.last().map(|(_, value)| *value),
            (None, Axis::Latency) => Some(line.sum()),
        };
        value.map_or_else(|| "–".to_owned(), number)
    };
    let lines = chart.lines.iter().map(|line| {
        let style = format!("--line-colour: var({})", line.colour);
        html! {
            <li ~style={style} class={classes!(line.dashed.then_some("dashed"), line.thin.then_some("thin"))}>
                { &line.name }{ " " }<b>{ value(line) }</b>
            </li>
        }
    });
    html! { <ul class="chart-key">{ for lines }</ul> }
}

fn table(chart: &Graph) -> Html {
    let places = chart.places();
    let rows = places.iter().map(|at| {
        let cells = chart.lines.iter().map(|line| {
            let value = line.value(*at).map_or_else(|| "–".to_owned(), number);
            let share = (chart.axis == Axis::Latency).then(|| 100.0 * line.share(*at));
            html! {
                <>
                    <td>{ value }</td>
                    if let Some(share) = share { <td>{ format!("{share:.1}") }</td> }
                </>
            }
        });
        let place = match chart.axis {
            Axis::Time => format!("{at:.1}"),
            Axis::Latency => chart.place(*at),
        };
        html! { <tr><th scope="row">{ place }</th>{ for cells }</tr> }
    });
    let (first, share) = match chart.axis {
        Axis::Time => ("second", None),
        Axis::Latency => ("latency", Some("% up to here")),
    };
    let names = chart.lines.iter().map(|line| {
        html! {
            <>
                <th scope="col">{ &line.name }</th>
                if let Some(share) = share { <th scope="col">{ share }</th> }
            </>
        }
    });
    html! {
        <div class="table-scroll" tabindex="0" role="region" aria-label={format!("{} as a table", chart.title)}>
            <table>
                <thead><tr><th scope="col">{ first }</th>{ for names }</tr></thead>
                <tbody>{ for rows }</tbody>
            </table>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&str; 4] = ["requests", "latency", "hits", "queues"];

    #[test]
    fn what_matters_is_shown_until_the_reader_chooses() {
        assert_eq!(shown(&ALL, None, None, 3), ALL[..3]);
        assert_eq!(shown(&ALL, None, Some("latency"), 1), ["latency"]);
        // Chosen on a wide page, seen on a narrow one: the latest choice.
        assert_eq!(shown(&ALL, Some(&["hits", "queues"]), None, 1), ["queues"]);
        // Chosen for another scene.
        assert_eq!(shown(&ALL, Some(&["lag"]), None, 1), ["requests"]);
    }

    #[test]
    fn a_choice_makes_room_for_itself_and_the_last_stays() {
        let wide = toggled(&ALL[..3], "queues", 3);
        assert_eq!(wide, ["latency", "hits", "queues"]);
        assert_eq!(toggled(&wide, "hits", 3), ["latency", "queues"]);
        assert_eq!(toggled(&["requests"], "queues", 1), ["queues"]);
        assert_eq!(toggled(&["queues"], "queues", 1), ["queues"]);
    }
}
