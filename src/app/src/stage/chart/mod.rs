//! Charts of a run: [`run`] says what they show, [`draw`] draws them with plotters, [`view`] puts those that are chosen on the page,
//! where the same numbers stand in a table for those who don't see them.

mod draw;
mod run;
mod view;

pub use run::{charts, late, may_lag};
pub use view::Charts;

/// A chart.
#[derive(Clone, PartialEq, Debug)]
pub struct Graph {
    /// What it shows.
    pub title: &'static str,
    /// The unit of its values.
    pub unit: &'static str,
    /// Its lines.
    pub lines: Vec<Line>,
    /// What goes from left to right.
    pub axis: Axis,
    /// From where to where that goes.
    pub across: [f64; 2],
    /// A top that is not to be exceeded, such as 100 %.
    pub top: Option<f64>,
    /// A value to mark: what was predicted.
    pub mark: Option<f64>,
}

/// What goes from left to right in a chart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Axis {
    /// Simulated seconds.
    Time,
    /// Latencies, by the number of their [`LatencyBin`](scale_sim::LatencyBin): an axis of logarithms.
    Latency,
}

/// A line of a chart.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// What it shows.
    pub name: String,
    /// The custom property of the style sheet with its colour.
    pub colour: &'static str,
    /// Whether it is dashed, so that lines differ by more than colour.
    pub dashed: bool,
    /// Whether it is of a second run, beside the first: then it is thinner.
    pub thin: bool,
    /// Its points, from left to right: where, and the value there.
    pub points: Vec<(f64, f64)>,
}

/// The charts of a run, with those of another, called `name`, in thinner lines over them.
pub fn overlaid(mut graphs: Vec<Graph>, others: Vec<Graph>, name: &str) -> Vec<Graph> {
    for mut other in others {
        for line in &mut other.lines {
            line.name = format!("{}, {name}", line.name);
            line.thin = true;
        }
        let mut same = graphs.iter_mut();
        if let Some(graph) = same.find(|graph| graph.title == other.title) {
            graph.across = [
                graph.across[0].min(other.across[0]),
                graph.across[1].max(other.across[1]),
            ];
            graph.lines.append(&mut other.lines);
        } else {
            graphs.push(other);
        }
    }
    graphs
}

impl Graph {
    /// The places that it has values at.
    fn places(&self) -> Vec<f64> {
        let lines = self.lines.iter().map(|line| &line.points);
        let longest = lines.max_by_key(|points| points.len());
        longest.map_or_else(Vec::new, |points| {
            points.iter().map(|(at, _)| *at).collect()
        })
    }

    /// The place with values that is nearest to `at`.
    fn nearest(&self, at: f64) -> Option<f64> {
        let places = self.places().into_iter();
        places.min_by(|a, b| (a - at).abs().total_cmp(&(b - at).abs()))
    }

    /// The place so many values before or after the one that is read out; the last if none is.
    fn beside(&self, read: Option<f64>, by: isize) -> Option<f64> {
        let places = self.places();
        let last = places.len().checked_sub(1)?;
        let place = match read.and_then(|at| self.nearest(at)) {
            Some(at) => places
                .partition_point(|place| *place < at)
                .saturating_add_signed(by),
            None => last,
        };
        places.get(place.min(last)).copied()
    }

    /// A place in words: a moment, or from where to where a latency was.
    fn place(&self, at: f64) -> String {
        match self.axis {
            Axis::Time => format!("{at:.1} s"),
            Axis::Latency => {
                let edge = |at: f64| scale_sim::LatencyBin::edge_ms(at as u8);
                format!("{} to {} ms", edge(at), edge(at + 1.0))
            }
        }
    }

    /// What its lines say there, in a sentence.
    fn read_out(&self, at: f64) -> String {
        let values = self.lines.iter();
        let values = values.filter_map(|line| Some((line, line.value(at)?)));
        let values: Vec<String> = match self.axis {
            Axis::Time => values
                .map(|(line, value)| format!("{} {}", line.name, number(value)))
                .collect(),
            Axis::Latency => values
                .map(|(line, value)| {
                    let up_to = 100.0 * line.share(at);
                    format!("{} {value:.0}, {up_to:.1} % up to here", line.name)
                })
                .collect(),
        };
        match self.axis {
            Axis::Time => format!("At {}: {} {}", self.place(at), values.join(", "), self.unit),
            Axis::Latency => format!("{}: {}", self.place(at), values.join("; ")),
        }
    }

    /// The chart in a sentence.
    fn summary(&self) -> String {
        let most = |line: &Line| {
            let points = line.points.iter().copied();
            points.max_by(|(_, a), (_, b)| a.total_cmp(b))
        };
        let parts = self.lines.iter().filter_map(|line| {
            let (_, last) = line.points.last()?;
            let (at, most) = most(line)?;
            Some(match self.axis {
                Axis::Time => format!(
                    "{} now {}, at most {}",
                    line.name,
                    number(*last),
                    number(most)
                ),
                Axis::Latency => format!(
                    "{} {:.0}, most of them, {most:.0}, in {}",
                    line.name,
                    line.sum(),
                    self.place(at)
                ),
            })
        });
        let parts: Vec<String> = parts.collect();
        if parts.is_empty() {
            format!("{}: nothing yet", self.title)
        } else {
            format!("{} in {}: {}", self.title, self.unit, parts.join("; "))
        }
    }
}

impl Line {
    /// Its value at that very place.
    fn value(&self, at: f64) -> Option<f64> {
        let found = self.points.binary_search_by(|(own, _)| own.total_cmp(&at));
        found.ok().map(|place| self.points[place].1)
    }

    /// All its values together.
    fn sum(&self) -> f64 {
        self.points.iter().map(|(_, value)| value).sum()
    }

    /// Of all its values together the part up to a place, 0 to 1.
    fn share(&self, up_to: f64) -> f64 {
        let part = self.points.iter().filter(|(at, _)| *at <= up_to);
        part.map(|(_, value)| value).sum::<f64>() / self.sum().max(1.0)
    }
}

/// A number as short as it can be read.
pub fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 100_000.0 => format!("{:.0} k", value / 1000.0),
        v if v >= 10.0 || v == 0.0 => format!("{value:.0}"),
        _ => format!("{value:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(axis: Axis, points: Vec<(f64, f64)>) -> Graph {
        Graph {
            title: "Requests",
            unit: "/s",
            lines: vec![Line {
                name: "answered".to_owned(),
                colour: "",
                dashed: false,
                thin: false,
                points,
            }],
            axis,
            across: [0.0, 10.0],
            top: None,
            mark: None,
        }
    }

    #[test]
    fn arrow_keys_go_from_value_to_value() {
        let graph = graph(Axis::Time, vec![(1.0, 5.0), (2.0, 6.0), (3.0, 7.0)]);
        assert_eq!(graph.beside(None, -1), Some(3.0));
        assert_eq!(graph.beside(Some(3.0), -1), Some(2.0));
        assert_eq!(graph.beside(Some(2.0), isize::MIN), Some(1.0));
        assert_eq!(graph.beside(Some(3.0), 1), Some(3.0));
        assert_eq!(
            (graph.nearest(2.4), graph.lines[0].value(2.0)),
            (Some(2.0), Some(6.0))
        );
        assert_eq!(graph.lines[0].value(2.5), None);
        assert_eq!(graph.read_out(2.0), "At 2.0 s: answered 6.0 /s");
    }

    #[test]
    fn a_second_run_is_laid_over_the_first() {
        let own = || vec![graph(Axis::Time, vec![(1.0, 5.0)])];
        let other = Graph {
            title: "Lag",
            ..graph(Axis::Time, vec![(1.0, 7.0)])
        };
        let mut others = own();
        others.push(other);
        let both = overlaid(own(), others, "before");
        let names: Vec<Vec<(&str, bool)>> = both
            .iter()
            .map(|graph| {
                graph
                    .lines
                    .iter()
                    .map(|l| (l.name.as_str(), l.thin))
                    .collect()
            })
            .collect();
        let thin = ("answered, before", true);
        assert_eq!(names, [vec![("answered", false), thin], vec![thin]]);
    }

    #[test]
    fn a_histogram_is_read_out_with_the_part_up_to_there() {
        // Bins 40 and 41: from 10 ms to 12.5, and to 16.
        let graph = graph(Axis::Latency, vec![(40.0, 30.0), (41.0, 10.0)]);
        let words = "10 to 12.5 ms: answered 30, 75.0 % up to here";
        assert_eq!(graph.read_out(40.0), words);
        assert!(
            graph
                .summary()
                .ends_with("answered 40, most of them, 30, in 10 to 12.5 ms"),
            "{}",
            graph.summary()
        );
    }
}
