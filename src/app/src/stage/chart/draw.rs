//! Drawing a chart with plotters.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters_canvas::CanvasBackend;
use web_sys::HtmlCanvasElement;

use super::{Axis, Graph, Line, number};
use crate::browser;

/// Where the plot lies in its canvas: from the left and from the right, in CSS pixels.
pub const SIDES: [f64; 2] = [46.0, 10.0];

type Failed = Box<dyn core::error::Error>;
type Area = DrawingArea<CanvasBackend, Shift>;
type Plot<'a> = ChartContext<
    'a,
    CanvasBackend,
    Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
>;

/// Draws a chart, with a line at the place that is read out.
pub fn draw(chart: &Graph, canvas: &HtmlCanvasElement, read: Option<f64>) -> Result<(), Failed> {
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
    let pen = Pen { scale };
    let top = top(chart);
    let mut plot = pen.axes(chart, &area, top)?;
    for line in &chart.lines {
        match chart.axis {
            Axis::Time => pen.line(&mut plot, line)?,
            Axis::Latency => pen.bars(&mut plot, line)?,
        }
    }
    if let Some(at) = read.and_then(|at| chart.nearest(at)) {
        // A bar is read out in its middle.
        let at = match chart.axis {
            Axis::Time => at,
            Axis::Latency => at + 0.5,
        };
        let style = colour("--ink-soft").stroke_width(pen.px(1.0));
        plot.draw_series(LineSeries::new([(at, 0.0), (at, top)], style))?;
    }
    if let Some(mark) = chart.mark {
        pen.mark(&mut plot, chart.across, mark)?;
    }
    area.present()?;
    Ok(())
}

/// What draws, at so many pixels of the canvas for one of the page.
struct Pen {
    scale: f64,
}

impl Pen {
    fn px(&self, length: f64) -> u32 {
        (length * self.scale) as u32
    }

    fn axes<'a>(&self, chart: &Graph, area: &'a Area, top: f64) -> Result<Plot<'a>, Failed> {
        let ink = colour("--ink-soft");
        let [from, to] = chart.across;
        let mut plot = ChartBuilder::on(area)
            .margin_top(self.px(6.0))
            .margin_right(self.px(SIDES[1]))
            .x_label_area_size(self.px(24.0))
            .y_label_area_size(self.px(SIDES[0]))
            .build_cartesian_2d(from..to, 0.0..top)?;
        let axis = chart.axis;
        plot.configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(colour("--line").stroke_width(self.px(1.0)))
            .axis_style(colour("--line").stroke_width(self.px(1.0)))
            .label_style(font(self.px(11.0)).color(&ink))
            .x_labels(6)
            .y_labels(4)
            .x_label_formatter(&|at| label(axis, *at))
            .y_label_formatter(&|value| number(*value))
            .draw()?;
        Ok(plot)
    }

    fn line(&self, plot: &mut Plot<'_>, line: &Line) -> Result<(), Failed> {
        let width = if line.thin { 1.0 } else { 2.0 };
        let style = colour(line.colour).stroke_width(self.px(width));
        let points = line.points.iter().copied();
        if line.dashed {
            let (size, gap) = (self.px(5.0), self.px(4.0));
            plot.draw_series(DashedLineSeries::new(points, size, gap, style))?;
        } else {
            plot.draw_series(LineSeries::new(points, style))?;
        }
        Ok(())
    }

    /// Bars from each place to the next; of a second run only their outline.
    fn bars(&self, plot: &mut Plot<'_>, line: &Line) -> Result<(), Failed> {
        let colour = colour(line.colour);
        let points = line.points.iter();
        if line.thin {
            let steps = points.flat_map(|(at, value)| [(*at, *value), (at + 1.0, *value)]);
            plot.draw_series(LineSeries::new(steps, colour.stroke_width(self.px(1.0))))?;
        } else {
            let bars = points.map(|(at, value)| {
                Rectangle::new([(at + 0.06, 0.0), (at + 0.94, *value)], colour.filled())
            });
            plot.draw_series(bars)?;
        }
        Ok(())
    }

    /// A line across at what was predicted.
    fn mark(&self, plot: &mut Plot<'_>, across: [f64; 2], mark: f64) -> Result<(), Failed> {
        let style = colour("--accent").stroke_width(self.px(1.5));
        let points = across.map(|at| (at, mark));
        let (size, gap) = (self.px(2.0), self.px(3.0));
        plot.draw_series(DashedLineSeries::new(points, size, gap, style))?;
        let words = font(self.px(11.0)).color(&colour("--accent"));
        let at = (across[0] + (across[1] - across[0]) * 0.02, mark);
        plot.draw_series([Text::new("your prediction", at, words)])?;
        Ok(())
    }
}

/// What stands below a place of the axis.
fn label(axis: Axis, at: f64) -> String {
    match axis {
        Axis::Time => format!("{at:.0}"),
        // Between the edges of bins stands nothing.
        Axis::Latency if at.fract().abs() > 1e-6 || at < 0.0 => String::new(),
        Axis::Latency => format!("{}", scale_sim::LatencyBin::edge_ms(at as u8)),
    }
}

/// The value at the upper end of a chart.
fn top(chart: &Graph) -> f64 {
    let points = chart.lines.iter().flat_map(|line| &line.points);
    let values = points.map(|(_, value)| *value);
    let highest = values.chain(chart.mark).fold(0.0, f64::max);
    chart.top.unwrap_or_else(|| round_top(highest * 1.08))
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
fn font(size: u32) -> FontDesc<'static> {
    FontDesc::new(FontFamily::SansSerif, f64::from(size), FontStyle::Normal)
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

    #[test]
    fn an_axis_of_latencies_has_its_edges_for_labels() {
        assert_eq!(label(Axis::Latency, 30.0), "1");
        assert_eq!(label(Axis::Latency, 45.0), "31.5");
        assert_eq!(label(Axis::Latency, 45.5), "");
    }
}
