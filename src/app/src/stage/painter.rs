//! The painter: draws what stations do and what is on its way. A plain function of the scene, the picture and the layout.

use core::f64::consts::TAU;

use web_sys::CanvasRenderingContext2d as Canvas;

use super::flight::{Dot, DotKind};
use super::layout::{Layout, PITCH, Point, StationPlace};
use super::picture::Picture;
use crate::browser;

/// The colours of the present theme.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Colours {
    request: String,
    answer: String,
    lost: String,
    busy: String,
    held: String,
    idle: String,
    wait: String,
}

impl Colours {
    /// Reads them from the style sheet.
    pub fn read() -> Self {
        Self {
            request: browser::style("--request"),
            answer: browser::style("--answer"),
            lost: browser::style("--lost"),
            busy: browser::style("--busy"),
            held: browser::style("--held"),
            idle: browser::style("--idle"),
            wait: browser::style("--wait"),
        }
    }
}

/// Paints the picture. `scale` is the number of device pixels per CSS pixel.
pub fn paint(
    canvas: &Canvas,
    scale: f64,
    layout: &Layout,
    picture: &Picture,
    colours: &Colours,
    still: bool,
) {
    // Setting a transformation fails for no numbers we could pass.
    let _ = canvas.set_transform(scale, 0.0, 0.0, scale, 0.0, 0.0);
    canvas.clear_rect(0.0, 0.0, layout.width, layout.height);
    for (at, place) in layout.stations.iter().enumerate() {
        if let Some(place) = place {
            let now = picture.station(at);
            servers(canvas, place, now.busy as usize, now.held as usize, colours);
            line(canvas, place, now.waiting as usize, colours);
        }
    }
    if !still {
        for dot in picture.dots(layout) {
            paint_dot(canvas, &dot, colours);
        }
    }
}

/// The servers: full ones work, striped ones are held by a request that waits for an answer, hollow ones are free.
fn servers(canvas: &Canvas, place: &StationPlace, busy: usize, held: usize, colours: &Colours) {
    let side = place.server_size;
    let working = busy.saturating_sub(held);
    for (number, at) in place.servers.iter().enumerate() {
        let (x, y) = (at.x - side / 2.0, at.y - side / 2.0);
        if number < working {
            canvas.set_fill_style_str(&colours.busy);
            canvas.fill_rect(x, y, side, side);
        } else if number < busy {
            canvas.set_stroke_style_str(&colours.held);
            canvas.set_line_width(1.5);
            canvas.stroke_rect(x + 0.75, y + 0.75, side - 1.5, side - 1.5);
            canvas.begin_path();
            canvas.move_to(x + 1.0, y + side - 1.0);
            canvas.line_to(x + side - 1.0, y + 1.0);
            canvas.stroke();
        } else {
            canvas.set_stroke_style_str(&colours.idle);
            canvas.set_line_width(1.0);
            canvas.stroke_rect(x + 0.5, y + 0.5, side - 1.0, side - 1.0);
        }
    }
}

/// The waiting line: one dot for each that waits, as far as there is room.
fn line(canvas: &Canvas, place: &StationPlace, waiting: usize, colours: &Colours) {
    canvas.set_fill_style_str(&colours.wait);
    for number in 0..waiting.min(place.line()) {
        disc(canvas, place.in_line(number), PITCH * 0.36);
    }
}

fn paint_dot(canvas: &Canvas, dot: &Dot, colours: &Colours) {
    canvas.set_global_alpha(dot.alpha);
    match dot.kind {
        DotKind::Request => {
            canvas.set_fill_style_str(&colours.request);
            disc(canvas, dot.at, 4.2);
        }
        DotKind::Answer => ring(canvas, dot.at, &colours.answer),
        DotKind::Refusal => ring(canvas, dot.at, &colours.lost),
        DotKind::Lost => {
            canvas.set_stroke_style_str(&colours.lost);
            canvas.set_line_width(2.2);
            canvas.begin_path();
            for (from, to) in [(-4.5, 4.5), (4.5, -4.5)] {
                canvas.move_to(dot.at.x - 4.5, dot.at.y + from);
                canvas.line_to(dot.at.x + 4.5, dot.at.y + to);
            }
            canvas.stroke();
        }
    }
    canvas.set_global_alpha(1.0);
}

fn disc(canvas: &Canvas, at: Point, radius: f64) {
    canvas.begin_path();
    // Fails for negative radii only.
    let _ = canvas.arc(at.x, at.y, radius, 0.0, TAU);
    canvas.fill();
}

fn ring(canvas: &Canvas, at: Point, colour: &str) {
    canvas.set_stroke_style_str(colour);
    canvas.set_line_width(1.6);
    canvas.begin_path();
    let _ = canvas.arc(at.x, at.y, 3.4, 0.0, TAU);
    canvas.stroke();
}
