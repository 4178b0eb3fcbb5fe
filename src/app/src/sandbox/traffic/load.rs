//! One client's load: its shape, its curve, the numbers beside it.

use scale_design::{Change, Edit, below};
use scale_sim::{Arrivals, BatchSize, Client};
use serde_json::{Value, json};
use yew::prelude::*;

use super::super::deed::Deed;
use super::super::words::{count, number};
use super::axis::moment;
use super::field::{Fields, id, select};
use super::grip::{self, without_point};
use super::plot::{Line, Plot, Span};
use super::shape::{self, Shape};

/// Points of a free curve that have fields of their own.
const POINTS: usize = 60;
/// Bursts that are drawn one by one.
const BURSTS: usize = 80;

/// Where a client's arrivals are in the scenario.
fn place(name: &str) -> String {
    below(&below(&below("/components", name), "client"), "arrivals")
}

/// Changes a client's arrivals; with those of the same name just before it is one step.
fn change(fields: &Fields, name: &str, arrivals: &Arrivals, going_on: Option<String>) {
    let mut changes = vec![Change::set(place(name), json!(arrivals))];
    let users = below(&below(&below("/components", name), "client"), "users");
    // A closed loop has its users in its arrivals.
    if matches!(arrivals, Arrivals::Closed { .. }) && fields.design.tree().pointer(&users).is_some()
    {
        changes.push(Change::remove(users));
    }
    let edit = Edit::Change(changes);
    fields.act.emit(match going_on {
        Some(going_on) => Deed::GoOn(edit, format!("load-{name}-{going_on}")),
        None => Deed::Edit(edit),
    });
}

/// The load of a client.
pub fn load(fields: &Fields, name: &str, client: &Client, span: Span) -> Html {
    let arrivals = &client.arrivals;
    let label = fields.design.label(name).to_owned();
    let own = Shape::of(arrivals);
    let on_change = {
        let (fields, name) = (fields.clone(), name.to_owned());
        Callback::from(move |(arrivals, going_on): (Arrivals, String)| {
            change(&fields, &name, &arrivals, Some(going_on));
        })
    };
    let mut lines = Vec::new();
    if let Some(pattern) = pattern(arrivals, span.horizon_s) {
        lines.push(Line {
            class: "pattern",
            points: pattern,
        });
    }
    lines.push(Line {
        class: "own",
        points: shape::curve(arrivals, span.horizon_s),
    });
    let unit = if own == Shape::Users {
        "users"
    } else {
        "requests a second"
    };
    html! {
        <>
            { shapes(fields, name, client, &label, span) }
            <p class="traffic-about">{ own.words().1 }{ " " }{ told(arrivals, span) }</p>
            if matches!(arrivals, Arrivals::Replay { .. }) {
                <p class="traffic-about">{ "Its recording lies in a file of its own, which a browser cannot read. Choose another shape, or open the log here." }</p>
            } else {
                <Plot label={format!("Load of {label} over the run")} {span} {lines} arrivals={arrivals.clone()} marks={marks(arrivals, span)} {unit} {on_change} />
            }
            <div class="traffic-fields">{ numbers(fields, name, arrivals) }</div>
            { points(fields, name, arrivals, span) }
        </>
    }
}

/// The shapes to choose from, as small pictures.
fn shapes(fields: &Fields, name: &str, client: &Client, label: &str, span: Span) -> Html {
    let own = Shape::of(&client.arrivals);
    let button = |to: Shape| {
        let onclick = {
            let (fields, name, arrivals) =
                (fields.clone(), name.to_owned(), client.arrivals.clone());
            Callback::from(move |_: MouseEvent| {
                if Shape::of(&arrivals) != to {
                    change(
                        &fields,
                        &name,
                        &shape::changed(&arrivals, to, span.horizon_s),
                        None,
                    );
                }
            })
        };
        let (words, about) = to.words();
        html! {
            <button class="shape" aria-pressed={(to == own).to_string()} title={about} {onclick}>
                <svg viewBox="0 0 44 22" aria-hidden="true"><path d={picture(to)} /></svg><span>{ words }</span>
            </button>
        }
    };
    let recorded = (own == Shape::Recorded).then_some(Shape::Recorded);
    html! {
        <div class="shapes" role="group" aria-label={format!("Shape of the load of {label}")}>{ for Shape::CHOICE.into_iter().chain(recorded).map(button) }</div>
    }
}

/// A shape in a few strokes.
const fn picture(shape: Shape) -> &'static str {
    match shape {
        Shape::Steady => "M2 11H42",
        Shape::Ramp => "M2 18L32 5H42",
        Shape::Spike => "M2 17H17V4H26V17H42",
        Shape::Day => "M2 17C12 17 14 4 22 4S32 17 42 17",
        Shape::Curve => "M2 16L10 9L18 13L28 4L35 12L42 8",
        Shape::Bursts => "M2 19H7V5H12V19H24V5H28V19H34V5H37V19H42",
        Shape::Batches => "M6 19V5M9 19V8M21 19V6M24 19V4M27 19V8M38 19V6",
        Shape::Users => {
            "M13 9a4 4 0 1 0 .1 0M6 20c0-7 14-7 14 0M31 9a4 4 0 1 0 .1 0M24 20c0-7 14-7 14 0"
        }
        Shape::Recorded => {
            "M2 15L5 12L8 16L11 6L14 14L17 11L20 15L23 4L26 12L29 9L32 15L35 8L38 14L42 10"
        }
    }
}

/// What the load comes to, in words.
fn told(arrivals: &Arrivals, span: Span) -> String {
    let Some(mean) = shape::mean_per_s(arrivals, span.horizon_s) else {
        return String::new();
    };
    let rounded = number(round(mean));
    match arrivals {
        Arrivals::Closed { users, .. } => format!(
            "{} send at most {rounded} requests a second: as many as if every answer came at once.",
            count((*users).into(), "user")
        ),
        Arrivals::Recording { .. } => {
            let (times, each) = shape::recorded(arrivals).unwrap_or_default();
            let last = times.last().map_or(0.0, |time| time.secs());
            let heard = times.partition_point(|time| time.secs() <= span.horizon_s);
            let all = format!(
                "{} over {}",
                count(round(times.len() as f64 * each) as u64, "request"),
                moment(last.ceil())
            );
            if heard < times.len() {
                format!(
                    "{all}, of which {} are within the run.",
                    number(round(heard as f64 * each))
                )
            } else {
                format!("{all}: {rounded} a second on average of the run.")
            }
        }
        _ => format!(
            "{rounded} a second on average, about {} in the run.",
            count(round(mean * span.horizon_s) as u64, "request")
        ),
    }
}

/// Three digits are enough to read.
fn round(value: f64) -> f64 {
    let step = super::axis::round_below(value / 100.0);
    let step = if value >= 100.0 { step.max(1.0) } else { step };
    super::axis::snapped(value, step)
}

/// Bursts and pauses of mean length, one after the other: what the curve's mean is made of.
fn pattern(arrivals: &Arrivals, horizon_s: f64) -> Option<Vec<[f64; 2]>> {
    let Arrivals::OnOff {
        rate_on_per_s,
        rate_off_per_s,
        mean_on_s,
        mean_off_s,
    } = *arrivals
    else {
        return None;
    };
    let round = mean_on_s + mean_off_s;
    let many = (horizon_s / round).ceil() as usize;
    let corners = |i: usize| {
        let from = round * i as f64;
        [
            [from, rate_on_per_s],
            [from + mean_on_s, rate_on_per_s],
            [from + mean_on_s, rate_off_per_s],
            [from + round, rate_off_per_s],
        ]
    };
    let all = (0..many.min(BURSTS)).flat_map(corners);
    Some(all.map(|[at, rate]| [at.min(horizon_s), rate]).collect())
}

/// Where days and rounds begin.
fn marks(arrivals: &Arrivals, span: Span) -> Vec<(f64, String)> {
    let (period, what) = match arrivals {
        Arrivals::Daily { period_s, .. } => (*period_s, "Day"),
        Arrivals::Profile {
            points,
            repeat: true,
        } => (points.last().map_or(0.0, |point| point[0]), "Round"),
        _ => return Vec::new(),
    };
    let many = span.horizon_s / period;
    if !(many > 1.0 && many <= 40.0) {
        return Vec::new();
    }
    let mark = |i: u32| (period * f64::from(i), format!("{what} {}", i + 1));
    (1..many.ceil() as u32).map(mark).collect()
}

/// The numbers of a shape.
#[expect(clippy::too_many_lines, reason = "one arm a shape")]
fn numbers(fields: &Fields, name: &str, arrivals: &Arrivals) -> Html {
    let path = |part: &str| format!("components.{name}.client.arrivals.{part}");
    let rate = |part: &str, label: &str, value: f64| {
        fields.number(&path(part), label, "per second", value)
    };
    let time =
        |part: &str, label: &str, value: f64| fields.number(&path(part), label, "seconds", value);
    let swap = |label: &str, options: [(&str, &str); 2], chosen: &str, make: [Arrivals; 2]| {
        let options = options.map(|(value, words)| (value.to_owned(), words.to_owned()));
        let first = options[0].0.clone();
        let on_choose = {
            let (fields, name) = (fields.clone(), name.to_owned());
            Callback::from(move |value: String| {
                let made = if value == first { &make[0] } else { &make[1] };
                change(&fields, &name, made, None);
            })
        };
        select(label, &options, chosen, on_choose)
    };
    match *arrivals {
        Arrivals::Poisson { rate_per_s } | Arrivals::Constant { rate_per_s } => {
            let even = matches!(arrivals, Arrivals::Constant { .. });
            let part = if even { "constant" } else { "poisson" };
            html! {
                <>
                    { rate(&format!("{part}.rate_per_s"), "Rate", rate_per_s) }
                    { swap("They come", [("poisson", "at random"), ("constant", "at equal distances")], part,
                        [Arrivals::Poisson { rate_per_s }, Arrivals::Constant { rate_per_s }]) }
                </>
            }
        }
        Arrivals::Ramp {
            from_per_s,
            to_per_s,
            over_s,
        } => html! {
            <>
                { rate("ramp.from_per_s", "From", from_per_s) }
                { rate("ramp.to_per_s", "To", to_per_s) }
                { time("ramp.over_s", "Over", over_s) }
            </>
        },
        Arrivals::Spike {
            base_per_s,
            peak_per_s,
            at_s,
            for_s,
        } => html! {
            <>
                { rate("spike.base_per_s", "Before and after", base_per_s) }
                { rate("spike.peak_per_s", "During the spike", peak_per_s) }
                { time("spike.at_s", "Begins at", at_s) }
                { time("spike.for_s", "Lasts", for_s) }
            </>
        },
        Arrivals::Daily {
            mean_per_s,
            swing,
            period_s,
            peak_at_s,
        } => html! {
            <>
                { rate("daily.mean_per_s", "Mean", mean_per_s) }
                { fields.number(&path("daily.swing"), "Swing", "of the mean", swing) }
                { time("daily.period_s", "A day lasts", period_s) }
                { time("daily.peak_at_s", "Its peak is at", peak_at_s) }
            </>
        },
        Arrivals::OnOff {
            rate_on_per_s,
            rate_off_per_s,
            mean_on_s,
            mean_off_s,
        } => html! {
            <>
                { rate("on_off.rate_on_per_s", "In a burst", rate_on_per_s) }
                { rate("on_off.rate_off_per_s", "In a pause", rate_off_per_s) }
                { time("on_off.mean_on_s", "Mean length of a burst", mean_on_s) }
                { time("on_off.mean_off_s", "Mean length of a pause", mean_off_s) }
            </>
        },
        Arrivals::Batch { rate_per_s, size } => {
            let mean = size.mean();
            let (part, field) = match size {
                BatchSize::Constant { .. } => ("constant", "batch.size.constant.size"),
                BatchSize::Geometric { .. } => ("geometric", "batch.size.geometric.mean"),
            };
            let with = |size| Arrivals::Batch { rate_per_s, size };
            let whole = mean.round().max(1.0) as u32;
            html! {
                <>
                    { rate("batch.rate_per_s", "Rate", rate_per_s) }
                    { fields.number(&path(field), "Size of a batch", "requests", mean) }
                    { swap("Sizes", [("geometric", "vary: many small, few large"), ("constant", "are always the same")], part,
                        [with(BatchSize::Geometric { mean }), with(BatchSize::Constant { size: whole })]) }
                </>
            }
        }
        Arrivals::Closed {
            users,
            ref think_time,
        } => {
            let tree = json!(think_time);
            let kind = tree.as_object().and_then(|map| map.iter().next());
            let mean = kind.and_then(|(kind, inner)| {
                Some((kind, inner.get("mean_ms").and_then(Value::as_f64)?))
            });
            let think = match mean {
                Some((kind, mean)) => fields.number(
                    &path(&format!("closed.think_time.{kind}.mean_ms")),
                    "Think for",
                    "ms on average",
                    mean,
                ),
                None => {
                    html! { <p class="traffic-about">{ format!("They think for {} ms on average.", number(think_time.mean_ms())) }</p> }
                }
            };
            html! { <>{ fields.number(&path("closed.users"), "Users", "", users.into()) }{ think }</> }
        }
        Arrivals::Profile { ref points, repeat } => {
            let onchange = {
                let (fields, name, points) = (fields.clone(), name.to_owned(), points.clone());
                Callback::from(move |_: Event| {
                    let points = points.clone();
                    change(
                        &fields,
                        &name,
                        &Arrivals::Profile {
                            points,
                            repeat: !repeat,
                        },
                        None,
                    );
                })
            };
            html! { <label class="traffic-check"><input type="checkbox" checked={repeat} {onchange} />{ "Begins again after the last point" }</label> }
        }
        Arrivals::Replay { multiplier, .. } | Arrivals::Recording { multiplier, .. } => {
            let part = match arrivals {
                Arrivals::Replay { .. } => "replay",
                _ => "recording",
            };
            fields.number(
                &path(&format!("{part}.multiplier")),
                "Each recorded request comes",
                "times",
                multiplier,
            )
        }
    }
}

/// The points of a free curve, in fields.
fn points(fields: &Fields, name: &str, arrivals: &Arrivals, span: Span) -> Html {
    let Arrivals::Profile { points, .. } = arrivals else {
        return html! {};
    };
    let path = |i: usize, part: usize| {
        format!("components.{name}.client.arrivals.profile.points[{i}][{part}]")
    };
    let row = |(i, [at, rate]): (usize, &[f64; 2])| {
        let remove = without_point(arrivals, i);
        let disabled = remove.is_none();
        let onclick = {
            let (fields, name) = (fields.clone(), name.to_owned());
            Callback::from(move |_: MouseEvent| {
                if let Some(fewer) = &remove {
                    change(&fields, &name, fewer, None);
                }
            })
        };
        html! {
            <li key={i}>
                if i == 0 { <span class="traffic-field first"><span>{ "At the start" }</span></span> } else { { fields.number(&path(i, 0), "At", "seconds", *at) } }
                { fields.number(&path(i, 1), "Rate", "per second", *rate) }
                <button class="button quiet" aria-label={format!("Remove point {}", i + 1)} {disabled} {onclick}>{ crate::icon::icon(crate::icon::Sign::Cross) }</button>
            </li>
        }
    };
    let add = {
        let (fields, name, arrivals) = (fields.clone(), name.to_owned(), arrivals.clone());
        let after = grip::widest(points);
        Callback::from(move |_: MouseEvent| {
            if let Some((more, _)) = grip::with_point(&arrivals, after, span.horizon_s) {
                change(&fields, &name, &more, None);
            }
        })
    };
    html! {
        <div class="traffic-points">
            <div class="row">
                <button class="button" onclick={add}>{ "Add a point" }</button>
                <span class="quiet">{ "Or double-click on the curve. With a point in focus: Insert adds one after it, Delete removes it." }</span>
            </div>
            <details id={id(&format!("{name}-points"))}>
                <summary>{ count(points.len() as u64, "point") }{ " as numbers" }</summary>
                if points.len() > POINTS { <p class="quiet">{ format!("The first {POINTS} of them:") }</p> }
                <ol>{ for points.iter().take(POINTS).enumerate().map(row) }</ol>
            </details>
        </div>
    }
}

/// Which line of the picture of all clients stands for one, by its place.
pub fn line_class(i: usize) -> &'static str {
    const CLASSES: [&str; 8] = [
        "client-0", "client-1", "client-2", "client-3", "client-4", "client-5", "client-6",
        "client-7",
    ];
    CLASSES[i % CLASSES.len()]
}
