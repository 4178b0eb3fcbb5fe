//! What is on its way between components: where it comes from and goes to, and its dot at a moment.

use std::collections::BTreeMap;

use super::layout::{Layout, Point};
use crate::protocol::{DotKind, Origin};

/// A place that a request comes from, goes through or goes to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Place {
    Component(u16),
    Server {
        station: u32,
    },
    /// In line, with so many.
    Line {
        station: u32,
        waiting: u32,
    },
}

/// Something on its way.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Flight {
    pub from_s: f64,
    pub to_s: f64,
    pub way: [Option<Place>; 3],
    pub kind: DotKind,
    pub request: u64,
}

/// A dot to draw.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Dot {
    /// Where.
    pub at: Point,
    /// What it stands for.
    pub kind: DotKind,
    /// How opaque, 0 to 1.
    pub alpha: f64,
    /// The request's number.
    pub request: u64,
}

/// How far from the middle of a connection requests keep to one side and answers to the other, in CSS pixels.
const LANE: f64 = 5.0;

impl Flight {
    /// The leg that it is on at a moment: from where, to where, and how far it has come.
    fn leg(&self, now_s: f64) -> Option<(Place, Place, f64)> {
        let gone = ((now_s - self.from_s) / (self.to_s - self.from_s)).clamp(0.0, 1.0);
        let legs = if self.way[2].is_some() { 2.0 } else { 1.0 };
        let leg = (gone * legs).min(legs - 1e-9);
        let first = leg as usize;
        Some((self.way[first]?, self.way[first + 1]?, leg.fract()))
    }

    pub fn dot(&self, layout: &Layout, now_s: f64) -> Option<Dot> {
        let gone = ((now_s - self.from_s) / (self.to_s - self.from_s)).clamp(0.0, 1.0);
        if self.kind == DotKind::Lost {
            let start = self.way[0]?.entry(layout)?;
            // Across the way, so that it leaves free what stands behind the door.
            let fall = layout.beside(start, 20.0 * gone * gone);
            return Some(Dot {
                at: fall,
                kind: self.kind,
                alpha: 1.0 - gone,
                request: self.request,
            });
        }
        let (from, to, part) = self.leg(now_s)?;
        let back = self.kind.is_back();
        // Who goes to the end of a line leaves the lane for it.
        let lined = matches!(to, Place::Line { .. });
        let (from, to) = if back {
            (from.entry(layout)?, to.exit(layout)?)
        } else {
            (from.exit(layout)?, to.entry(layout)?)
        };
        let lane = if back { LANE } else { -LANE };
        let from = layout.beside(from, lane);
        let to = layout.beside(to, if lined { 0.0 } else { lane });
        let alpha = if back { 0.75 } else { 1.0 };
        Some(Dot {
            at: on_curve(layout, from, to, part),
            kind: self.kind,
            alpha,
            request: self.request,
        })
    }
}

/// What goes one way over one connection, where it is too much to be told apart.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Flow {
    /// From where to where.
    pub ends: [Point; 2],
    /// What it is.
    pub kind: DotKind,
    /// How much of it is on its way.
    pub count: u32,
}

/// All flights as flows, the strongest first.
pub(super) fn flows<'a>(
    flights: impl Iterator<Item = &'a Flight>,
    layout: &Layout,
    now_s: f64,
) -> Vec<Flow> {
    let mut counts: BTreeMap<([u32; 2], DotKind), (Place, Place, u32)> = BTreeMap::new();
    for flight in flights {
        if let Some((from, to, _)) = flight.leg(now_s) {
            let key = ([from.code(), to.code()], flight.kind);
            counts.entry(key).or_insert((from, to, 0)).2 += 1;
        }
    }
    let flows = counts
        .into_iter()
        .filter_map(|((_, kind), (from, to, count))| {
            let (from, to) = if kind.is_back() {
                (from.entry(layout)?, to.exit(layout)?)
            } else {
                (from.exit(layout)?, to.at_door().entry(layout)?)
            };
            let lane = if kind.is_back() { LANE } else { -LANE };
            let ends = [from, to].map(|end| layout.beside(end, lane));
            Some(Flow { ends, kind, count })
        });
    let mut flows: Vec<Flow> = flows.collect();
    flows.sort_by_key(|flow| core::cmp::Reverse(flow.count));
    flows
}

impl Place {
    /// A number of its own, the same for all places in one line.
    const fn code(self) -> u32 {
        match self {
            Self::Component(component) => component as u32,
            Self::Server { station } | Self::Line { station, .. } => (1 << 16) + station,
        }
    }

    /// The door that a line leads to.
    const fn at_door(self) -> Self {
        match self {
            Self::Line { station, .. } => Self::Server { station },
            other => other,
        }
    }

    /// Where something comes from; `None` if that has no place.
    pub fn of(origin: Origin) -> Option<Self> {
        match origin {
            Origin::Nowhere => None,
            Origin::Component(component) => Some(Self::Component(component)),
            Origin::Station(station) => Some(Self::Server { station }),
        }
    }

    fn entry(self, layout: &Layout) -> Option<Point> {
        match self {
            Self::Component(at) => layout
                .components
                .get(usize::from(at))
                .map(|rect| layout.entry(rect)),
            Self::Server { station } => {
                let place = layout.stations.get(station as usize)?.as_ref()?;
                Some(layout.entry(&place.rect))
            }
            Self::Line { station, waiting } => {
                let place = layout.stations.get(station as usize)?.as_ref()?;
                Some(place.in_line((waiting as usize).saturating_sub(1)))
            }
        }
    }

    fn exit(self, layout: &Layout) -> Option<Point> {
        match self {
            Self::Component(at) => layout
                .components
                .get(usize::from(at))
                .map(|rect| layout.exit(rect)),
            Self::Server { station } | Self::Line { station, .. } => {
                let place = layout.stations.get(station as usize)?.as_ref()?;
                Some(layout.exit(&place.rect))
            }
        }
    }
}

/// A point of the connection from `from` to `to`: the same curve as the connection itself is drawn with.
pub fn on_curve(layout: &Layout, from: Point, to: Point, part: f64) -> Point {
    let [a, b] = controls(layout, from, to);
    let rest = 1.0 - part;
    let mix = |p0: f64, p1: f64, p2: f64, p3: f64| {
        rest * rest * rest * p0
            + 3.0 * rest * rest * part * p1
            + 3.0 * rest * part * part * p2
            + part * part * part * p3
    };
    Point {
        x: mix(from.x, a.x, b.x, to.x),
        y: mix(from.y, a.y, b.y, to.y),
    }
}

/// The control points of a connection: a cubic Bézier curve that leaves and arrives along the main axis.
pub fn controls(layout: &Layout, from: Point, to: Point) -> [Point; 2] {
    if layout.downwards {
        let bend = (to.y - from.y) / 2.0;
        [
            Point {
                x: from.x,
                y: from.y + bend,
            },
            Point {
                x: to.x,
                y: to.y - bend,
            },
        ]
    } else {
        let bend = (to.x - from.x) / 2.0;
        [
            Point {
                x: from.x + bend,
                y: from.y,
            },
            Point {
                x: to.x - bend,
                y: to.y,
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flights_of_one_way_and_kind_are_one_flow() {
        let layout = Layout {
            components: vec![super::super::layout::Rect::default(); 3],
            ..Layout::default()
        };
        let flight = |to: u16, kind, from_s: f64| Flight {
            from_s,
            to_s: from_s + 1.0,
            way: [Some(Place::Component(0)), Some(Place::Component(to)), None],
            kind,
            request: 0,
        };
        let mut flights: Vec<Flight> = Vec::new();
        for at in 0..40 {
            flights.push(flight(1, DotKind::Request, f64::from(at) / 40.0));
            if at % 2 == 0 {
                flights.push(flight(1, DotKind::Answer, f64::from(at) / 40.0));
            }
            if at % 4 == 0 {
                flights.push(flight(2, DotKind::Miss, 0.0));
            }
        }
        let flows = flows(flights.iter(), &layout, 1.0);
        let seen: Vec<(DotKind, u32)> = flows.iter().map(|flow| (flow.kind, flow.count)).collect();
        let expected = [
            (DotKind::Request, 40),
            (DotKind::Answer, 20),
            (DotKind::Miss, 10),
        ];
        assert_eq!(seen, expected);
    }
}
