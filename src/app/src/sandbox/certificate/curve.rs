//! The curves of a sweep as SVG, for the page and for the report alike: with plotters, as the charts of a run are.

use plotters::prelude::*;
use scale_capacity::{Knee, Point, Report, Sweep};

use super::super::words::number;

/// The colours of a curve.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Colours {
    /// Words and what is measured.
    pub ink: RGBColor,
    /// What stands behind.
    pub soft: RGBColor,
    /// Grid.
    pub line: RGBColor,
    /// Paper.
    pub paper: RGBColor,
    /// What the curve is about.
    pub accent: RGBColor,
    /// The law.
    pub law: RGBColor,
    /// Where the goal is missed.
    pub bad: RGBColor,
}

impl Colours {
    /// For paper.
    pub const PRINT: Self = Self {
        ink: RGBColor(30, 33, 38),
        soft: RGBColor(90, 95, 105),
        line: RGBColor(217, 212, 202),
        paper: RGBColor(255, 255, 255),
        accent: RGBColor(47, 75, 184),
        law: RGBColor(160, 74, 0),
        bad: RGBColor(179, 38, 30),
    };
    /// For a dark page.
    pub const DARK: Self = Self {
        ink: RGBColor(236, 234, 229),
        soft: RGBColor(166, 171, 181),
        line: RGBColor(58, 63, 73),
        paper: RGBColor(29, 32, 38),
        accent: RGBColor(147, 167, 255),
        law: RGBColor(242, 166, 94),
        bad: RGBColor(255, 144, 134),
    };
}

/// How wide and high a curve is, in pixels.
pub const SIZE: (u32, u32) = (520, 290);

type Failed = Box<dyn core::error::Error>;

/// What one curve shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// Requests answered a second, those sent, and the law.
    Throughput,
    /// The 99th percentile of latency.
    Latency,
    /// The share of requests answered in time.
    Availability,
}

impl Shown {
    /// Its title, with the unit.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Throughput => "Answered a second",
            Self::Latency => "99th percentile of latency, ms",
            Self::Availability => "Answered in time, %",
        }
    }

    /// At a point: the value and the half-width of its interval.
    fn at(self, point: &Point) -> Option<(f64, f64)> {
        let (estimate, scale) = match self {
            Self::Throughput => (Some(&point.throughput_per_s), 1.0),
            Self::Latency => (point.p99_ms.as_ref(), 1.0),
            Self::Availability => (Some(&point.availability), 100.0),
        };
        estimate.map(|estimate| {
            let half = estimate.half_width.unwrap_or(0.0);
            (estimate.mean * scale, half * scale)
        })
    }
}

/// Draws a curve of a report. `None` if plotters cannot, which leaves the table.
pub fn svg(
    report: &Report,
    before: Option<&Sweep>,
    shown: Shown,
    colours: &Colours,
) -> Option<String> {
    let mut text = String::new();
    draw(&mut text, report, before, shown, colours).ok()?;
    Some(text)
}

fn draw(
    text: &mut String,
    report: &Report,
    before: Option<&Sweep>,
    shown: Shown,
    colours: &Colours,
) -> Result<(), Failed> {
    let sweep = &report.sweep;
    let [from, to] = across(sweep);
    let [bottom, top] = up(report, before, shown);
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    area.fill(&colours.paper)?;
    let words = FontDesc::new(FontFamily::SansSerif, 15.0, FontStyle::Normal);
    let mut plot = ChartBuilder::on(&area)
        .margin_top(10)
        .margin_right(16)
        .x_label_area_size(32)
        .y_label_area_size(62)
        .build_cartesian_2d(from..to, bottom..top)?;
    plot.configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(colours.line)
        .axis_style(colours.line)
        .label_style(words.color(&colours.soft))
        .x_labels(6)
        .y_labels(5)
        .x_label_formatter(&|at| format!("{}×", number((at * 10.0).round() / 10.0)))
        .y_label_formatter(&|value| number((value * 10.0).round() / 10.0))
        .draw()?;
    // Where the goal is missed.
    if let Knee::Below(first) | Knee::Between(_, first) = sweep.knee {
        let shade = colours.bad.mix(0.09).filled();
        plot.draw_series([Rectangle::new([(first, bottom), (to, top)], shade)])?;
        let edge = [(first, bottom), (first, top)];
        plot.draw_series(DashedLineSeries::new(
            edge,
            4,
            4,
            colours.bad.stroke_width(1),
        ))?;
    }
    let goal = match shown {
        Shown::Throughput => None,
        Shown::Latency => report.goal.p99_ms,
        Shown::Availability => Some(report.goal.availability * 100.0),
    };
    if let Some(goal) = goal {
        let line = [(from, goal), (to, goal)];
        plot.draw_series(LineSeries::new(line, colours.bad.stroke_width(1)))?;
    }
    if shown == Shown::Throughput {
        let offered = sweep.points.iter();
        let offered = offered.map(|point| (point.factor, point.offered_per_s.mean));
        plot.draw_series(DashedLineSeries::new(
            offered,
            3,
            5,
            colours.soft.stroke_width(1),
        ))?;
        if let Some(law) = &sweep.usl {
            let steps = (0..=60).map(|i| from + (to - from) * f64::from(i) / 60.0);
            let curve = steps.map(|factor| (factor, law.throughput(factor).clamp(bottom, top)));
            plot.draw_series(DashedLineSeries::new(
                curve,
                8,
                4,
                colours.law.stroke_width(2),
            ))?;
        }
    }
    if let Some(before) = before {
        let points = before.points.iter().filter_map(|point| {
            let (value, _) = shown.at(point)?;
            (point.factor <= to).then_some((point.factor, value.clamp(bottom, top)))
        });
        plot.draw_series(LineSeries::new(
            points,
            colours.accent.mix(0.55).stroke_width(2),
        ))?;
    }
    let points = sweep.points.iter();
    let points = points.filter_map(|point| Some((point.factor, shown.at(point)?)));
    let points: Vec<(f64, (f64, f64))> = points.collect();
    let line = points.iter().map(|(factor, (value, _))| (*factor, *value));
    plot.draw_series(LineSeries::new(line, colours.accent.stroke_width(2)))?;
    plot.draw_series(points.iter().map(|(factor, (value, half))| {
        let (low, high) = ((value - half).max(bottom), (value + half).min(top));
        ErrorBar::new_vertical(*factor, low, *value, high, colours.accent.filled(), 7)
    }))?;
    area.present()?;
    drop(plot);
    Ok(())
}

/// From which load to which.
fn across(sweep: &Sweep) -> [f64; 2] {
    let factors = sweep.points.iter().map(|point| point.factor);
    let (from, to) = factors.fold((f64::INFINITY, 0.0_f64), |(from, to), factor| {
        (from.min(factor), to.max(factor))
    });
    [from, if to > from { to } else { from + 1.0 }]
}

/// From which value to which.
fn up(report: &Report, before: Option<&Sweep>, shown: Shown) -> [f64; 2] {
    let points = &report.sweep.points;
    let earlier = || before.iter().flat_map(|sweep| &sweep.points);
    let values = || {
        points
            .iter()
            .chain(earlier())
            .filter_map(|point| shown.at(point))
    };
    let most = values()
        .map(|(value, half)| value + half)
        .fold(0.0, f64::max);
    let [bottom, top] = match shown {
        Shown::Throughput => {
            let offered = points.iter().map(|point| point.offered_per_s.mean);
            [0.0, offered.fold(most, f64::max) * 1.08]
        }
        Shown::Latency => [0.0, most.max(report.goal.p99_ms.unwrap_or(0.0)) * 1.08],
        Shown::Availability => {
            let least = values()
                .map(|(value, half)| value - half)
                .fold(99.0, f64::min);
            [(least - 2.0).max(0.0), 100.5]
        }
    };
    [bottom, if top > bottom { top } else { bottom + 1.0 }]
}
