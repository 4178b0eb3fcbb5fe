//! The design as a picture, for documents and talks.

use core::fmt::Write;

use scale_design::{Design, wiring};
use scale_sim::Kind;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{CanvasRenderingContext2d, HtmlAnchorElement, HtmlCanvasElement, HtmlImageElement};
use yew::{Callback, Html, html};

use super::deed::Deed;
use super::place::{Grid, HIGH, WIDE};
use super::shelf::file_name;
use super::words::summary;
use crate::browser;
use crate::icon::Sign;
use crate::stage::layout::Point;

const MARGIN: f64 = 32.0;
/// How many pixels of the picture for one of the board.
const SHARP: f64 = 2.0;
/// The most pixels on a side: browsers draw no larger canvas.
const MOST: f64 = 8_000.0;

/// A text as XML has it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A text that is not longer than so many characters.
fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return escaped(text);
    }
    let cut: String = text.chars().take(most - 1).collect();
    format!("{}…", escaped(cut.trim_end()))
}

/// The size of the picture, and where its corner is on the board.
fn frame(design: &Design, grid: Grid) -> ([f64; 2], [f64; 2]) {
    let corners = design
        .scenario()
        .components
        .keys()
        .map(|name| grid.corner(design.at(name)));
    let (mut from, mut to) = ([f64::INFINITY; 2], [0.0_f64; 2]);
    for at in corners {
        from = [from[0].min(at.x), from[1].min(at.y)];
        to = [to[0].max(at.x + WIDE), to[1].max(at.y + HIGH)];
    }
    if from[0].is_infinite() {
        return ([320.0, 120.0], [0.0, 0.0]);
    }
    let top = if design.groups().is_empty() {
        MARGIN
    } else {
        MARGIN + 24.0
    };
    let size = [
        to[0] - from[0] + 2.0 * MARGIN,
        to[1] - from[1] + MARGIN + top,
    ];
    (size, [from[0] - MARGIN, from[1] - top])
}

/// The design as an SVG of its own, with the colours of the page as it looks now.
pub fn svg(design: &Design) -> String {
    shown(design, Grid::Across)
}

fn shown(design: &Design, grid: Grid) -> String {
    drawing(design, grid, &|name| escaped(&browser::style(name)))
}

/// The design as an SVG of its own, for paper.
pub fn print(design: &Design) -> String {
    drawing(design, Grid::Across, &|name| {
        let colour = match name {
            "--paper" | "--surface" => "#ffffff",
            "--ink" => "#1e2126",
            "--ink-soft" => "#5a5f69",
            "--line" => "#d9d4ca",
            "--kind-client" => "#7a3fa8",
            "--kind-balancer" => "#0b7285",
            "--kind-cache" => "#1f5fa8",
            "--kind-service" => "#2f6b2c",
            "--kind-shards" => "#a3195b",
            "--kind-queue" => "#6b6200",
            _ => "#a04a00",
        };
        colour.to_owned()
    })
}

/// The design as a picture in the page, laid out as the board is.
pub fn picture(design: &Design) -> Html {
    let width = browser::window().inner_width().ok();
    let grid = Grid::suiting(Point {
        x: width.and_then(|width| width.as_f64()).unwrap_or(f64::MAX),
        y: 0.0,
    });
    let ([wide, high], _) = frame(design, grid);
    let source = format!(
        "data:image/svg+xml;charset=utf-8,{}",
        String::from(js_sys::encode_uri_component(&shown(design, grid)))
    );
    let title = match design.scenario().title.as_str() {
        "" => "The design",
        title => title,
    };
    html! { <img class="design-picture" src={source} width={format!("{wide:.0}")} height={format!("{high:.0}")} alt={title.to_owned()} /> }
}

fn drawing(design: &Design, grid: Grid, colour: &dyn Fn(&str) -> String) -> String {
    let ([wide, high], [left, top]) = frame(design, grid);
    let (paper, surface, ink, soft, line) = (
        colour("--paper"),
        colour("--surface"),
        colour("--ink"),
        colour("--ink-soft"),
        colour("--line"),
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide:.0}\" height=\"{high:.0}\" viewBox=\"{left:.1} {top:.1} {wide:.1} {high:.1}\" font-family=\"system-ui, sans-serif\">\n<title>{}</title>\n<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{high:.1}\" fill=\"{paper}\"/>\n<defs><marker id=\"end\" viewBox=\"0 0 10 10\" refX=\"6\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M1 1L8 5L1 9\" fill=\"none\" stroke=\"{soft}\" stroke-width=\"1.6\"/></marker></defs>\n",
        escaped(&design.scenario().title)
    );
    let at = |name: &str| grid.corner(design.at(name));
    for group in design.groups().iter() {
        let corners: Vec<_> = group.members.iter().map(|name| at(name)).collect();
        let x = corners.iter().map(|p| p.x).fold(f64::INFINITY, f64::min) - 14.0;
        let y = corners.iter().map(|p| p.y).fold(f64::INFINITY, f64::min) - 30.0;
        let w = corners.iter().map(|p| p.x).fold(0.0, f64::max) + WIDE + 14.0 - x;
        let h = corners.iter().map(|p| p.y).fold(0.0, f64::max) + HIGH + 14.0 - y;
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"14\" fill=\"none\" stroke=\"{line}\" stroke-dasharray=\"5 5\"/><text x=\"{:.1}\" y=\"{:.1}\" font-size=\"12\" fill=\"{soft}\">{}</text>",
            x + 12.0,
            y + 18.0,
            short(&group.name, 40)
        );
    }
    for (from, to) in wiring::connections(design.scenario()) {
        let dash = if design.kind(from) == Some(Kind::View) {
            " stroke-dasharray=\"4 4\""
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "<path d=\"{}\" fill=\"none\" stroke=\"{soft}\" stroke-width=\"1.6\"{dash} marker-end=\"url(#end)\"/>",
            grid.wire(at(from), at(to))
        );
    }
    for (name, component) in &design.scenario().components {
        let kind = component.kind();
        let p = at(name);
        let own = colour(kind_colour(kind));
        let _ = writeln!(
            out,
            "<g transform=\"translate({:.1} {:.1})\"><rect width=\"{WIDE}\" height=\"{HIGH}\" rx=\"12\" fill=\"{surface}\" stroke=\"{own}\" stroke-width=\"1.5\"/><path d=\"{}\" transform=\"translate(10 18)\" fill=\"none\" stroke=\"{own}\" stroke-width=\"1.8\" stroke-linecap=\"round\" stroke-linejoin=\"round\"/><text x=\"42\" y=\"27\" font-size=\"13.5\" font-weight=\"600\" fill=\"{ink}\">{}</text><text x=\"42\" y=\"45\" font-size=\"11\" fill=\"{soft}\">{}</text></g>",
            p.x,
            p.y,
            Sign::from(kind).strokes(),
            short(design.label(name), 14),
            short(&summary(component), 18)
        );
    }
    out.push_str("</svg>\n");
    out
}

/// The custom property with the colour of a kind.
const fn kind_colour(kind: Kind) -> &'static str {
    match kind {
        Kind::Client => "--kind-client",
        Kind::Balancer | Kind::Gateway => "--kind-balancer",
        Kind::Cache => "--kind-cache",
        Kind::Service => "--kind-service",
        Kind::Database | Kind::EventStore | Kind::View => "--kind-database",
        Kind::Shards => "--kind-shards",
        Kind::Queue | Kind::Topic => "--kind-queue",
    }
}

/// Offers the design as a PNG.
pub fn png(design: &Design, act: &Callback<Deed>) {
    let (name, picture) = (file_name(design, "png"), svg(design));
    let ([wide, high], _) = frame(design, Grid::Across);
    let act = act.clone();
    spawn_local(async move {
        if drawn(&name, &picture, wide, high).await.is_err() {
            act.emit(Deed::Refuse(
                "This browser could not draw the picture: export it as SVG.".to_owned(),
            ));
        }
    });
}

async fn drawn(name: &str, picture: &str, wide: f64, high: f64) -> Result<(), JsValue> {
    let sharp = SHARP.min(MOST / wide.max(high));
    let image = HtmlImageElement::new()?;
    image.set_src(&format!(
        "data:image/svg+xml;charset=utf-8,{}",
        String::from(js_sys::encode_uri_component(picture))
    ));
    wasm_bindgen_futures::JsFuture::from(image.decode()).await?;
    let canvas: HtmlCanvasElement = browser::document()
        .create_element("canvas")?
        .unchecked_into();
    let (width, height) = ((wide * sharp).ceil(), (high * sharp).ceil());
    canvas.set_width(width as u32);
    canvas.set_height(height as u32);
    let context = canvas.get_context("2d")?.ok_or(JsValue::NULL)?;
    let context: CanvasRenderingContext2d = context.unchecked_into();
    context.draw_image_with_html_image_element_and_dw_and_dh(&image, 0.0, 0.0, width, height)?;
    let name = name.to_owned();
    let keep = Closure::once_into_js(move |blob: JsValue| {
        let offer = || -> Result<(), JsValue> {
            let url = web_sys::Url::create_object_url_with_blob(blob.unchecked_ref())?;
            let link: HtmlAnchorElement = browser::document().create_element("a")?.unchecked_into();
            link.set_href(&url);
            link.set_download(&name);
            link.click();
            web_sys::Url::revoke_object_url(&url)
        };
        // A browser that refuses downloads says so itself.
        let _ = offer();
    });
    canvas.to_blob(keep.unchecked_ref())
}
