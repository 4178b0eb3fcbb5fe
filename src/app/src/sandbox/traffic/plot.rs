//! A curve of load over the run, with what can be taken hold of in it.

use std::fmt::Write;
use std::rc::Rc;

use scale_sim::Arrivals;
use wasm_bindgen::JsCast;
use web_sys::{Element, MouseEvent};
use yew::prelude::*;

use super::super::words::number;
use super::axis::{self, moment};
use super::grip::{self, Grip, Part};
use super::hold::{Held, Hold};

/// A line of a plot.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Its class.
    pub class: &'static str,
    /// Moments and values, to be joined by straight lines.
    pub points: Vec<[f64; 2]>,
}

/// The axis of time that all drawings share.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Span {
    /// How long the run is, in seconds.
    pub horizon_s: f64,
    /// How long it warms up, in seconds.
    pub warmup_s: f64,
}

impl Span {
    /// Where a moment is, in percent of the width; what is outside of the run is at its edge.
    pub fn percent(self, s: f64) -> f64 {
        (s / self.horizon_s * 100.0).clamp(0.0, 100.0)
    }

    /// How far an arrow key goes.
    pub fn step_s(self) -> f64 {
        axis::round_below(self.horizon_s / 100.0)
    }

    /// To what moments are rounded that are put by hand.
    pub fn grain_s(self) -> f64 {
        axis::round_below(self.horizon_s / 400.0)
    }
}

/// Properties of [`Plot`].
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What is drawn, in words.
    pub label: String,
    /// The axis of time.
    pub span: Span,
    /// The lines, the lowest first.
    pub lines: Vec<Line>,
    /// The arrivals that can be changed here.
    #[prop_or_default]
    pub arrivals: Option<Arrivals>,
    /// Moments to mark, with what they are.
    #[prop_or_default]
    pub marks: Vec<(f64, String)>,
    /// What the height is counted in.
    pub unit: &'static str,
    /// Told of the changed arrivals, and under which name that goes on.
    #[prop_or_default]
    pub on_change: Callback<(Arrivals, String)>,
}

/// The plot.
#[component]
pub fn Plot(props: &Props) -> Html {
    // While something is dragged the axis stays as it was.
    let held = use_state(|| None::<f64>);
    // Counts up with each thing that is one step.
    let turn = use_mut_ref(|| 0_u32);
    let area = use_node_ref();
    let grips = match &props.arrivals {
        Some(arrivals) => grip::grips(arrivals, props.span.horizon_s),
        None => Vec::new(),
    };
    let heights = props
        .lines
        .iter()
        .flat_map(|line| &line.points)
        .map(|point| point[1]);
    let most = heights
        .chain(grips.iter().map(|grip| grip.value))
        .fold(0.0, f64::max);
    // A hand that let go unseen holds nothing.
    let top = { held.filter(|held| most <= *held) }.unwrap_or_else(|| axis::top(most));
    let span = props.span;
    let on_held = |grip: &Grip| {
        let (props, grip, held, turn) =
            (props.clone(), grip.clone(), held.clone(), Rc::clone(&turn));
        Callback::from(move |what: Held| {
            let Some(arrivals) = &props.arrivals else {
                return;
            };
            let put = |at_s: f64, value: f64| {
                let at_s = if grip.along { at_s } else { grip.at_s };
                let value = if grip.up { value } else { grip.value };
                let made = grip::moved(arrivals, grip.part, at_s, value);
                if made != *arrivals {
                    let name = format!("curve-{:?}-{}", grip.part, turn.borrow());
                    props.on_change.emit((made, name));
                }
            };
            let grain = axis::round_below(top / 400.0);
            let grain = if grip.part == Part::Users {
                grain.max(1.0)
            } else {
                grain
            };
            match what {
                Held::Begin => {
                    *turn.borrow_mut() += 1;
                    held.set(Some(top));
                }
                Held::End => held.set(None),
                Held::At(right, up) => put(
                    axis::snapped(right * span.horizon_s, span.grain_s()),
                    axis::snapped(up * top, grain),
                ),
                Held::Steps(right, up) => {
                    // By keyboard there is no edge to stop at.
                    held.set(None);
                    let step = axis::round_below(axis::top(grip.value) / 50.0);
                    let step = if grip.part == Part::Users {
                        step.max(1.0)
                    } else {
                        step
                    };
                    let (right, up) = match (grip.along, grip.up) {
                        (true, true) => (right, up),
                        (true, false) => (right + up, 0.0),
                        (false, _) => (0.0, right + up),
                    };
                    put(
                        axis::tidy(grip.at_s + right * span.step_s()),
                        axis::tidy(grip.value + up * step),
                    );
                }
                Held::Remove => {
                    if let Part::Point(at) = grip.part
                        && let Some(made) = grip::without_point(arrivals, at)
                    {
                        props
                            .on_change
                            .emit((made, format!("point-{}", next(&turn))));
                    }
                }
                Held::Another => {
                    if let Part::Point(at) = grip.part
                        && let Some((made, _)) = grip::with_point(arrivals, at, span.horizon_s)
                    {
                        props
                            .on_change
                            .emit((made, format!("point-{}", next(&turn))));
                    }
                }
            }
        })
    };
    let ondblclick = {
        let (props, turn, area) = (props.clone(), Rc::clone(&turn), area.clone());
        Callback::from(move |event: MouseEvent| {
            let on_grip = event.target().and_then(|t| t.dyn_into::<Element>().ok());
            let on_grip = on_grip.is_some_and(|on| on.closest(".hold").ok().flatten().is_some());
            let (Some(arrivals), Some(area), false) =
                (&props.arrivals, area.cast::<Element>(), on_grip)
            else {
                return;
            };
            let area = area.get_bounding_client_rect();
            let right = (f64::from(event.client_x()) - area.left()) / area.width();
            let up = (area.bottom() - f64::from(event.client_y())) / area.height();
            let at_s = axis::snapped(right * span.horizon_s, span.grain_s());
            let value = axis::snapped(up * top, axis::round_below(top / 400.0));
            if let Some((made, _)) = grip::with_point_at(arrivals, at_s, value) {
                props
                    .on_change
                    .emit((made, format!("point-{}", next(&turn))));
            }
        })
    };
    let hold = |grip: &Grip| {
        let high = (grip.value / top * 100.0).clamp(0.0, 100.0);
        let style = format!("left:{:.3}%;bottom:{high:.3}%", span.percent(grip.at_s));
        let beyond = grip.at_s > span.horizon_s;
        let mut words = grip.words();
        if beyond {
            words.push_str(", after the end of the run");
        }
        let ways = match (grip.along, grip.up) {
            (true, true) => "both",
            (true, false) => "along",
            (false, _) => "up",
        };
        let (now, most) = if grip.up {
            (grip.value, top)
        } else {
            (grip.at_s, span.horizon_s)
        };
        html! {
            <Hold key={format!("{:?}", grip.part)} class={classes!("curve-grip", ways, beyond.then_some("beyond"))} {style} label={grip.name.clone()} {words} {now} {most}
                on_held={on_held(grip)} />
        }
    };
    let marks = props.marks.iter().map(|(at, words)| {
        let style = format!("left:{:.3}%", span.percent(*at));
        html! { <span class="plot-mark" ~style={style}><span>{ words }</span></span> }
    });
    html! {
        <div class="plot" role="group" aria-label={props.label.clone()}>
            <div class="plot-y" aria-hidden="true">
                { for axis::ticks(top).into_iter().map(|value| html! {
                    <span ~style={format!("bottom:{:.3}%", value / top * 100.0)}>{ number(value) }</span>
                }) }
            </div>
            <div class="plot-area" data-track="" ref={area} {ondblclick}>
                { warmup(span) }
                { drawn(&props.lines, top, span) }
                { for marks }
                { for grips.iter().map(hold) }
                <span class="plot-unit" aria-hidden="true">{ props.unit }</span>
            </div>
            { times(span) }
        </div>
    }
}

fn next(turn: &core::cell::RefCell<u32>) -> u32 {
    let mut turn = turn.borrow_mut();
    *turn += 1;
    *turn
}

/// The part of the run that is not measured.
pub fn warmup(span: Span) -> Html {
    if span.warmup_s <= 0.0 {
        return html! {};
    }
    let wide = span.percent(span.warmup_s);
    html! {
        <span class="plot-warmup" ~style={format!("width:{wide:.3}%")} title={format!("Warm-up to {}: not measured", moment(span.warmup_s))}></span>
    }
}

/// The marks of time below a drawing.
pub fn times(span: Span) -> Html {
    let tick = |at: f64| {
        let edge = at > span.horizon_s * 0.96;
        let near = !edge && at > span.horizon_s * 0.8;
        let style = format!("left:{:.3}%", span.percent(at));
        html! { <span class={classes!(edge.then_some("edge"), near.then_some("near"))} ~style={style}>{ moment(at) }</span> }
    };
    html! { <div class="plot-x" aria-hidden="true">{ for axis::times(span.horizon_s).into_iter().map(tick) }</div> }
}

/// Units of the drawing's own grid, which is stretched to the place that there is.
const GRID: f64 = 1000.0;

fn drawn(lines: &[Line], top: f64, span: Span) -> Html {
    let rule = |value: f64| {
        let y = GRID - value / top * GRID;
        html! { <line x1="0" x2={GRID.to_string()} y1={format!("{y:.1}")} y2={format!("{y:.1}")} /> }
    };
    let line = |line: &Line| {
        let mut path = String::new();
        for (i, [at, value]) in line.points.iter().enumerate() {
            let (x, y) = (at / span.horizon_s * GRID, GRID - value / top * GRID);
            let letter = if i == 0 { 'M' } else { 'L' };
            // Writing to a string cannot fail.
            let _ = write!(path, "{letter}{x:.2} {y:.2}");
        }
        let ends = line.points.first().zip(line.points.last());
        let under = ends.map(|(first, last)| {
            let (from, to) = (first[0] / span.horizon_s * GRID, last[0] / span.horizon_s * GRID);
            html! { <path class="plot-under" d={format!("{path}L{to:.2} {GRID}L{from:.2} {GRID}Z")} /> }
        });
        html! { <g class={line.class}>{ under.unwrap_or_default() }<path class="plot-line" d={path} /></g> }
    };
    html! {
        <svg viewBox={format!("0 0 {GRID} {GRID}")} preserveAspectRatio="none" aria-hidden="true">
            <g class="plot-rules">{ for axis::ticks(top).into_iter().map(rule) }</g>
            { for lines.iter().map(line) }
        </svg>
    }
}
