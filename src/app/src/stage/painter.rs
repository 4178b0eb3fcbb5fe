//! The painter: draws what stations do and what is on its way. A plain function of the scene, the picture and the layout.

use core::f64::consts::TAU;

use super::canvas::Canvas;
use super::flight::{Dot, Flow, controls};
use super::layout::{Layout, PITCH, Point, StationPlace};
use super::picture::Picture;
use super::{insides, parts::shades};
use crate::browser;
use crate::protocol::{DotKind, Scene};

/// How many colours there are to tell shards and streams apart.
pub const SHADES: usize = 8;

/// The colours of the present theme.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Colours {
    request: String,
    answer: String,
    message: String,
    pub(super) lost: String,
    pub(super) busy: String,
    pub(super) held: String,
    pub(super) idle: String,
    pub(super) wait: String,
    pub(super) hit: String,
    pub(super) miss: String,
    pub(super) undo: String,
    pub(super) ink: String,
    pub(super) soft: String,
    pub(super) surface: String,
    pub(super) sunk: String,
    pub(super) shades: Vec<String>,
}

impl Colours {
    /// Reads them from the style sheet.
    pub fn read() -> Self {
        Self {
            request: browser::style("--request"),
            answer: browser::style("--answer"),
            message: browser::style("--message"),
            lost: browser::style("--lost"),
            busy: browser::style("--busy"),
            held: browser::style("--held"),
            idle: browser::style("--idle"),
            wait: browser::style("--wait"),
            hit: browser::style("--hit"),
            miss: browser::style("--miss"),
            undo: browser::style("--undo"),
            ink: browser::style("--ink"),
            soft: browser::style("--ink-soft"),
            surface: browser::style("--surface"),
            sunk: browser::style("--sunk"),
            shades: (0..SHADES)
                .map(|at| browser::style(&format!("--shade-{at}")))
                .collect(),
        }
    }

    /// Colours that are called what they are for.
    #[cfg(test)]
    pub fn named() -> Self {
        let name = str::to_owned;
        Self {
            request: name("request"),
            answer: name("answer"),
            message: name("message"),
            lost: name("lost"),
            busy: name("busy"),
            held: name("held"),
            idle: name("idle"),
            wait: name("wait"),
            hit: name("hit"),
            miss: name("miss"),
            undo: name("undo"),
            ink: name("ink"),
            soft: name("soft"),
            surface: name("surface"),
            sunk: name("sunk"),
            shades: (0..SHADES).map(|at| format!("shade {at}")).collect(),
        }
    }

    /// The colour of a dot.
    fn dot(&self, kind: DotKind) -> &str {
        match kind {
            DotKind::Request | DotKind::Retry => &self.request,
            DotKind::Miss | DotKind::Absent => &self.miss,
            DotKind::Message => &self.message,
            DotKind::Compensation => &self.undo,
            DotKind::Probe => &self.soft,
            DotKind::Answer => &self.answer,
            DotKind::Hit => &self.hit,
            DotKind::Stale => &self.wait,
            DotKind::Refusal | DotKind::Lost => &self.lost,
        }
    }
}

/// Paints the picture. `scale` is the number of device pixels per CSS pixel.
pub fn paint(
    canvas: &impl Canvas,
    scale: f64,
    (scene, layout): (&Scene, &Layout),
    picture: &Picture,
    colours: &Colours,
    still: bool,
) {
    canvas.clear(scale, layout.width, layout.height);
    let shades = shades(scene);
    for (at, place) in layout.stations.iter().enumerate() {
        if let Some(place) = place {
            let now = picture.station(at);
            let usable = picture
                .capacity(at)
                .map_or(usize::MAX, |servers| servers as usize);
            let busy = (now.busy as usize, now.held as usize, usable);
            servers(canvas, place, busy, colours);
            line(canvas, place, now.waiting as usize, colours);
            if let Some(area) = place.inside {
                let brush = insides::Brush {
                    canvas,
                    colours,
                    shades: &shades,
                    area,
                };
                brush.paint(scene, at, picture);
            }
        }
    }
    if let Some(flows) = picture.flows(layout) {
        for flow in &flows {
            let colour = colours.dot(flow.kind);
            paint_flow(
                canvas,
                layout,
                flow,
                colour,
                if still { 0.0 } else { picture.legs() },
            );
        }
    } else if !still {
        for dot in picture.dots(layout) {
            canvas.set_alpha(dot.alpha);
            paint_dot(canvas, &dot, colours.dot(dot.kind));
        }
        canvas.set_alpha(1.0);
    }
}

/// The servers: full ones work, striped ones are held by a request that waits for an answer, hollow ones are free, and of those
/// that cannot be used a stroke is left.
fn servers(
    canvas: &impl Canvas,
    place: &StationPlace,
    (busy, held, usable): (usize, usize, usize),
    colours: &Colours,
) {
    let side = place.server_size;
    let working = busy.saturating_sub(held);
    for (number, at) in place.servers.iter().enumerate() {
        let (x, y) = (at.x - side / 2.0, at.y - side / 2.0);
        if number < working {
            canvas.set_fill(&colours.busy);
            canvas.fill_rect(x, y, side, side);
        } else if number < busy {
            canvas.set_stroke(&colours.held);
            canvas.set_line_width(1.5);
            canvas.stroke_rect(x + 0.75, y + 0.75, side - 1.5, side - 1.5);
            canvas.begin_path();
            canvas.move_to(x + 1.0, y + side - 1.0);
            canvas.line_to(x + side - 1.0, y + 1.0);
            canvas.stroke();
        } else if number >= usable {
            canvas.set_stroke(&colours.lost);
            canvas.set_line_width(1.5);
            canvas.begin_path();
            canvas.move_to(x + 1.5, at.y);
            canvas.line_to(x + side - 1.5, at.y);
            canvas.stroke();
        } else {
            canvas.set_stroke(&colours.idle);
            canvas.set_line_width(1.0);
            canvas.stroke_rect(x + 0.5, y + 0.5, side - 1.0, side - 1.0);
        }
    }
}

/// The waiting line: one dot for each that waits, as far as there is room.
fn line(canvas: &impl Canvas, place: &StationPlace, waiting: usize, colours: &Colours) {
    canvas.set_fill(&colours.wait);
    for number in 0..waiting.min(place.line()) {
        disc(canvas, place.in_line(number), PITCH * 0.36);
    }
}

/// A flow: the wider and the fuller in colour, the more is on its way. Its dashes go where it goes.
fn paint_flow(canvas: &impl Canvas, layout: &Layout, flow: &Flow, colour: &str, legs: f64) {
    /// How far the dashes go in the time of a leg, in CSS pixels.
    const PACE: f64 = 90.0;
    let [from, to] = flow.ends;
    let [a, b] = controls(layout, from, to);
    let strength = f64::from(flow.count).sqrt();
    canvas.set_stroke(colour);
    canvas.set_alpha((0.35 + strength / 40.0).min(0.9));
    canvas.set_line_width((1.0 + strength * 0.7).min(11.0));
    canvas.set_dash(9.0, 4.0, -(legs * PACE) % 13.0);
    canvas.begin_path();
    canvas.move_to(from.x, from.y);
    canvas.curve_to((a.x, a.y), (b.x, b.y), (to.x, to.y));
    canvas.stroke();
    canvas.set_dash(0.0, 0.0, 0.0);
    canvas.set_alpha(1.0);
}

/// A dot, each kind in a shape of its own: full ones go to ask, hollow ones come back.
pub fn paint_dot(canvas: &impl Canvas, dot: &Dot, colour: &str) {
    canvas.set_fill(colour);
    canvas.set_stroke(colour);
    canvas.set_line_width(1.7);
    let Point { x, y } = dot.at;
    match dot.kind {
        DotKind::Request => disc(canvas, dot.at, 4.2),
        DotKind::Retry => {
            disc(canvas, dot.at, 3.0);
            ring(canvas, dot.at, 5.4);
        }
        DotKind::Miss => {
            polygon(
                canvas,
                dot.at,
                &[(0.0, -5.4), (5.4, 0.0), (0.0, 5.4), (-5.4, 0.0)],
            );
            canvas.fill();
        }
        DotKind::Absent => {
            polygon(
                canvas,
                dot.at,
                &[(0.0, -4.6), (4.6, 0.0), (0.0, 4.6), (-4.6, 0.0)],
            );
            canvas.stroke();
        }
        DotKind::Message => {
            canvas.fill_rect(x - 5.0, y - 3.6, 10.0, 7.2);
        }
        DotKind::Compensation => {
            polygon(canvas, dot.at, &[(-5.6, 0.0), (3.6, -5.2), (3.6, 5.2)]);
            canvas.fill();
        }
        DotKind::Probe => disc(canvas, dot.at, 2.0),
        DotKind::Answer | DotKind::Refusal => ring(canvas, dot.at, 3.4),
        DotKind::Hit => {
            ring(canvas, dot.at, 4.6);
            disc(canvas, dot.at, 2.2);
        }
        DotKind::Stale => {
            ring(canvas, dot.at, 4.2);
            canvas.begin_path();
            canvas.arc(x, y, 4.2, TAU * 0.25, TAU * 0.75);
            canvas.fill();
        }
        DotKind::Lost => {
            canvas.set_line_width(2.2);
            canvas.begin_path();
            for (from, to) in [(-4.5, 4.5), (4.5, -4.5)] {
                canvas.move_to(x - 4.5, y + from);
                canvas.line_to(x + 4.5, y + to);
            }
            canvas.stroke();
        }
    }
}

fn polygon(canvas: &impl Canvas, at: Point, corners: &[(f64, f64)]) {
    canvas.begin_path();
    for (x, y) in corners {
        canvas.line_to(at.x + x, at.y + y);
    }
    canvas.close_path();
}

pub(super) fn disc(canvas: &impl Canvas, at: Point, radius: f64) {
    canvas.begin_path();
    canvas.arc(at.x, at.y, radius, 0.0, TAU);
    canvas.fill();
}

fn ring(canvas: &impl Canvas, at: Point, radius: f64) {
    canvas.begin_path();
    canvas.arc(at.x, at.y, radius, 0.0, TAU);
    canvas.stroke();
}
