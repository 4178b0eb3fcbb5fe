//! A curve to be drawn: a handle for each of its points, moved by pointer or by arrow keys, and the measured curve over it.

use scale_course::Curve;
use web_sys::Element;
use yew::prelude::*;

use super::answer::{capital, measured_words};
use crate::browser;

/// The drawing's size, and what its axes take of it, in units of its view box.
const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 78.0;
const RIGHT: f64 = 26.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 44.0;
/// Handles nearer to one another than this could not be told apart by a finger.
const APART: f64 = 24.0;
/// The arrow keys' step, and that of Page Up and Page Down, as parts of the height.
const STEP: f64 = 0.01;
const LEAP: f64 = 0.1;

/// Properties of [`CurveForm`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// What is to be drawn.
    pub curve: Curve,
    /// The values drawn.
    pub drawn: Vec<f64>,
    /// Whether the drawing stands.
    pub settled: bool,
    /// The values measured, once they may be seen.
    pub measured: Option<Vec<f64>>,
    /// Told of new values.
    pub on_drawn: Callback<Vec<f64>>,
}

/// Where the points lie from left to right: as their values do, or evenly where that would bring two too close together.
fn across(at: &[f64]) -> Vec<f64> {
    let room = WIDTH - LEFT - RIGHT;
    let (Some(first), Some(last)) = (at.first(), at.last()) else {
        return Vec::new();
    };
    let by_value = |value: &f64| LEFT + (value - first) / (last - first) * room;
    let places: Vec<f64> = at.iter().map(by_value).collect();
    if places.windows(2).all(|pair| pair[1] - pair[0] >= APART) {
        return places;
    }
    let gap = room / (at.len() - 1).max(1) as f64;
    (0..at.len()).map(|at| LEFT + gap * at as f64).collect()
}

/// How high a value lies.
fn up(value: f64, max: f64) -> f64 {
    let room = HEIGHT - TOP - BOTTOM;
    HEIGHT - BOTTOM - (value / max).clamp(0.0, 1.0) * room
}

/// The value at a height, to the step.
fn value_at(y: f64, max: f64) -> f64 {
    let part = (HEIGHT - BOTTOM - y) / (HEIGHT - TOP - BOTTOM);
    (part.clamp(0.0, 1.0) / STEP).round() * STEP * max
}

/// The value that a key leads to.
fn moved(key: &str, value: f64, max: f64) -> Option<f64> {
    let by = |part: f64| (((value / max + part) / STEP).round() * STEP * max).clamp(0.0, max);
    Some(match key {
        "ArrowUp" | "ArrowRight" => by(STEP),
        "ArrowDown" | "ArrowLeft" => by(-STEP),
        "PageUp" => by(LEAP),
        "PageDown" => by(-LEAP),
        "Home" => 0.0,
        "End" => max,
        _ => return None,
    })
}

/// The corners of a line, as SVG has them.
fn corners(points: impl Iterator<Item = (f64, f64)>) -> String {
    let corner = |(x, y): (f64, f64)| format!("{x:.1},{y:.1}");
    points.map(corner).collect::<Vec<_>>().join(" ")
}

/// A curve to be drawn.
#[component]
pub fn CurveForm(props: &Props) -> Html {
    let curve = &props.curve;
    let max = curve.max;
    let picture = use_node_ref();
    let drawing = use_state(|| false);
    let places = across(&curve.at);
    let words = |value: f64| measured_words(curve.measure, value);
    let set = {
        let (on_drawn, drawn) = (props.on_drawn.clone(), props.drawn.clone());
        move |number: usize, value: f64| {
            let mut next = drawn.clone();
            next[number] = value;
            on_drawn.emit(next);
        }
    };
    // The point nearest to the pointer follows it: whoever drags across the picture draws.
    let follow = {
        let (picture, places, set) = (picture.clone(), places.clone(), set.clone());
        move |event: &PointerEvent| {
            let corner = picture.cast::<Element>()?.get_bounding_client_rect();
            let x = (f64::from(event.client_x()) - corner.left()) / corner.width() * WIDTH;
            let y = (f64::from(event.client_y()) - corner.top()) / corner.height() * HEIGHT;
            let near =
                |a: &(usize, &f64), b: &(usize, &f64)| (a.1 - x).abs().total_cmp(&(b.1 - x).abs());
            let (number, _) = places.iter().enumerate().min_by(near)?;
            set(number, value_at(y, max));
            Some(number)
        }
    };
    let settled = props.settled;
    let onpointerdown = {
        let (picture, drawing, follow) = (picture.clone(), drawing.clone(), follow.clone());
        Callback::from(move |event: PointerEvent| {
            if settled {
                return;
            }
            event.prevent_default();
            if let Some(picture) = picture.cast::<Element>() {
                let _ = picture.set_pointer_capture(event.pointer_id());
            }
            drawing.set(true);
            if let Some(number) = follow(&event) {
                browser::focus(&[format!("#point-{number}")]);
            }
        })
    };
    let onpointermove = {
        let drawing = drawing.clone();
        Callback::from(move |event: PointerEvent| {
            if *drawing && !settled {
                follow(&event);
            }
        })
    };
    let stop = {
        let drawing = drawing.clone();
        Callback::from(move |_: PointerEvent| drawing.set(false))
    };
    let handle = |(number, (x, value)): (usize, (&f64, &f64))| {
        let set = set.clone();
        let value = *value;
        let onkeydown = Callback::from(move |event: KeyboardEvent| {
            if let Some(to) = moved(&event.key(), value, max).filter(|_| !settled) {
                event.prevent_default();
                // The stage and the page know keys of their own.
                event.stop_propagation();
                set(number, to);
            }
        });
        let name = format!(
            "{} at {}",
            capital(curve.measure.words()),
            curve.name(curve.at[number])
        );
        let off = props.measured.as_ref().is_some_and(|measured| {
            let own = measured.get(number).copied().unwrap_or_default();
            !curve.is_near(value, own, measured)
        });
        html! {
            <g id={format!("point-{number}")} class={classes!("curve-point", off.then_some("off"))} role="slider" tabindex="0" {onkeydown}
                aria-label={name} aria-orientation="vertical" aria-valuemin="0" aria-valuemax={max.to_string()}
                aria-valuenow={value.to_string()} aria-valuetext={words(value)} aria-readonly={settled.to_string()}>
                <circle class="curve-reach" cx={x.to_string()} cy={up(value, max).to_string()} r="14" />
                <circle cx={x.to_string()} cy={up(value, max).to_string()} r="7" />
            </g>
        }
    };
    let level = |value: f64| {
        let y = up(value, max);
        html! {
            <>
                <line class="curve-level" x1={LEFT.to_string()} x2={(WIDTH - RIGHT).to_string()} y1={y.to_string()} y2={y.to_string()} />
                <text x="8" y={(y + 4.0).to_string()}>{ words(value) }</text>
            </>
        }
    };
    let foot = |(x, at): (&f64, &f64)| {
        html! { <text class="curve-foot" x={x.to_string()} y={(HEIGHT - BOTTOM + 17.0).to_string()}>{ at.to_string() }</text> }
    };
    let line = |values: &[f64]| {
        corners(
            places
                .iter()
                .copied()
                .zip(values.iter().map(|value| up(*value, max))),
        )
    };
    let truth = props.measured.as_ref().map(|measured| {
        let slack = curve.slack(measured);
        let edge = |by: f64| {
            let values = measured.iter().map(move |value| up(value + by, max));
            places.iter().copied().zip(values).collect::<Vec<_>>()
        };
        let band = corners(
            edge(slack)
                .into_iter()
                .chain(edge(-slack).into_iter().rev()),
        );
        let mark = |(x, value): (&f64, &f64)| {
            let (left, top) = (x - 4.5, up(*value, max) - 4.5);
            html! { <rect x={left.to_string()} y={top.to_string()} width="9" height="9" /> }
        };
        html! {
            <g class="curve-truth">
                <polygon points={band} />
                <polyline points={line(measured)} />
                { for places.iter().zip(measured).map(mark) }
            </g>
        }
    });
    let axis = format!(
        "{}{}",
        curve.along,
        if curve.unit.is_empty() {
            String::new()
        } else {
            format!(" ({})", curve.unit)
        }
    );
    html! {
        <div class="curve">
            <p class="order-end">
                { format!("{} over {}. ", capital(curve.measure.words()), curve.along.to_ascii_lowercase()) }
                if !settled { { "Draw it: drag the points, or move them with the arrow keys." } }
            </p>
            <svg ref={picture} viewBox={format!("0 0 {WIDTH} {HEIGHT}")} class={classes!(settled.then_some("settled"))} role="group"
                aria-label={format!("{} over {}", capital(curve.measure.words()), axis)}
                {onpointerdown} {onpointermove} onpointerup={stop.clone()} onpointercancel={stop}>
                <g aria-hidden="true">
                    { for [0.0, max / 2.0, max].map(level) }
                    { for places.iter().zip(&curve.at).map(foot) }
                    <text class="curve-foot" x={f64::midpoint(LEFT, WIDTH - RIGHT).to_string()} y={(HEIGHT - 8.0).to_string()}>{ axis }</text>
                    <polyline class="curve-line" points={line(&props.drawn)} />
                    { truth }
                </g>
                { for places.iter().zip(&props.drawn).enumerate().map(handle) }
            </svg>
            if props.measured.is_some() {
                <ul class="curve-key" aria-hidden="true">
                    <li class="drawn">{ "you drew" }</li><li class="truth">{ "measured" }</li><li class="band">{ "counts as right" }</li>
                </ul>
            }
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_as_their_values_unless_too_close() {
        let places = across(&[10.0, 20.0, 30.0, 70.0]);
        assert!((places[1] - places[0]) * 3.9 < places[3] - places[2]);
        let even = across(&[1.0, 2.0, 4.0, 128.0]);
        assert!((even[1] - even[0] - (even[3] - even[2])).abs() < 1e-9);
    }

    #[test]
    fn keys_and_pointer_stay_inside_and_meet() {
        assert_eq!(moved("ArrowDown", 0.0, 500.0), Some(0.0));
        assert_eq!(moved("End", 20.0, 500.0), Some(500.0));
        assert_eq!(moved("PageUp", 480.0, 500.0), Some(500.0));
        assert_eq!(moved("x", 20.0, 500.0), None);
        let stepped = moved("ArrowUp", 250.0, 500.0).expect("a step");
        assert!((stepped - 255.0).abs() < 1e-9);
        assert!((value_at(up(255.0, 500.0), 500.0) - 255.0).abs() < 1e-9);
        assert!(value_at(-50.0, 500.0) <= 500.0 && value_at(1e4, 500.0) >= 0.0);
    }
}
