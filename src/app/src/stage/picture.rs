//! What is to be seen at a moment: what every station does, and the requests on their way between them.
//!
//! What stations do is exact. The way between them takes no time in the simulation (or far less than an eye can follow), so
//! the picture gives each leg a fixed length of *screen* time: a request reaches a station at the moment it really does, having
//! set out a little early; an answer sets out at the moment it really does, and arrives a little late.

use std::collections::{BTreeMap, VecDeque};

use super::layout::{Layout, Point};
use crate::protocol::{Frame, Scene, StationNow, Tick, What};

/// The state of the picture. A plain function of the frames so far and of the moment shown.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// The moment shown.
    now_s: f64,
    /// How long a leg takes on screen, in simulated seconds.
    leg_s: f64,
    /// What happened and is not yet shown.
    ticks: VecDeque<Tick>,
    stations: Vec<StationNow>,
    /// Losses so far, by station.
    lost: Vec<u64>,
    sent: u64,
    completed: u64,
    flights: VecDeque<Flight>,
    /// The way of each request under way: where it came from, at each nested call.
    ways: BTreeMap<u64, Vec<Leg>>,
    /// The request whose callers are giving up, one after the other at the same moment.
    refused: Option<u64>,
    /// Frames that came thinned: the stations are then as the worker says, not as the ticks add up.
    stride: u32,
    latest: Vec<StationNow>,
}

/// A place that a request comes from, goes through or goes to.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Place {
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

/// One call's way: from where, through which balancer.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Leg {
    from: Place,
    through: Option<u16>,
    queued: bool,
}

impl Leg {
    const fn new(from: Place) -> Self {
        Self {
            from,
            through: None,
            queued: false,
        }
    }
}

/// Something on its way.
#[derive(Clone, PartialEq, Debug)]
struct Flight {
    from_s: f64,
    to_s: f64,
    way: [Option<Place>; 3],
    kind: DotKind,
}

/// What a dot stands for: drawn in another colour and another shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DotKind {
    /// A request on its way: a full circle.
    Request,
    /// An answer on its way back: a ring.
    Answer,
    /// A refusal on its way back: a broken ring.
    Refusal,
    /// A request refused: a cross that falls away.
    Lost,
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
}

/// How far from the middle of a connection requests keep to one side and answers to the other, in CSS pixels.
const LANE: f64 = 5.0;

/// How many flights are kept at most: more could not be told apart.
const FLIGHTS: usize = 3_000;

impl Picture {
    /// The picture of a scene in which nothing has happened yet.
    pub fn new(scene: &Scene) -> Self {
        let mut picture = Self::default();
        picture.scene(scene);
        picture
    }

    /// The scene has changed: it may have more stations.
    pub fn scene(&mut self, scene: &Scene) {
        self.stations
            .resize(scene.stations.len(), StationNow::default());
        self.latest
            .resize(scene.stations.len(), StationNow::default());
        self.lost.resize(scene.stations.len(), 0);
    }

    /// The moment shown.
    pub fn now_s(&self) -> f64 {
        self.now_s
    }

    /// What a station does at the moment shown.
    pub fn station(&self, station: usize) -> StationNow {
        self.stations.get(station).copied().unwrap_or_default()
    }

    /// How many requests a station has refused.
    pub fn lost(&self, station: usize) -> u64 {
        self.lost.get(station).copied().unwrap_or(0)
    }

    /// Requests sent and answered so far. Above a stride of one: of those shown.
    pub fn counts(&self) -> (u64, u64) {
        (self.sent, self.completed)
    }

    /// Of how many requests one is shown.
    pub fn stride(&self) -> u32 {
        self.stride.max(1)
    }

    /// How far ahead of the moment shown the run must be: a request sets out before it arrives.
    pub fn lead_s(&self) -> f64 {
        2.0 * self.leg_s
    }

    /// Sets how long a leg takes, in simulated seconds.
    pub fn set_leg_s(&mut self, leg_s: f64) {
        self.leg_s = leg_s;
    }

    /// Takes in what happened.
    pub fn take(&mut self, frame: &Frame) {
        if frame.stride > self.stride.max(1) {
            // What is left out from now on will never be seen to end.
            self.ways
                .retain(|request, _| request.is_multiple_of(u64::from(frame.stride)));
        }
        self.stride = frame.stride;
        self.latest.clone_from(&frame.stations);
        for tick in &frame.ticks {
            self.fly(tick);
            self.ticks.push_back(*tick);
        }
        while self.flights.len() > FLIGHTS {
            self.flights.pop_front();
        }
    }

    /// The moment of the next thing to be shown.
    pub fn next_s(&self) -> Option<f64> {
        self.ticks.front().map(|tick| tick.at_s)
    }

    /// Comes to the moment `to_s`; hands over what happened up to it, for the narration.
    pub fn advance(&mut self, to_s: f64) -> Vec<Tick> {
        self.now_s = self.now_s.max(to_s);
        let mut shown = Vec::new();
        while let Some(tick) = self.ticks.pop_front_if(|tick| tick.at_s <= self.now_s) {
            self.apply(&tick);
            shown.push(tick);
        }
        if self.stride > 1 {
            self.stations.clone_from(&self.latest);
        }
        let now_s = self.now_s;
        self.flights.retain(|flight| flight.to_s > now_s);
        shown
    }

    fn apply(&mut self, tick: &Tick) {
        let exact = self.stride <= 1;
        let mut station = |at: u32, change: &dyn Fn(&mut StationNow)| {
            if exact && let Some(station) = self.stations.get_mut(at as usize) {
                change(station);
            }
        };
        match tick.what {
            What::Sent { .. } => self.sent += 1,
            What::Queued {
                station: at,
                waiting,
            } => station(at, &|s| s.waiting = waiting),
            What::Started {
                station: at,
                busy,
                waiting,
            } => station(at, &|s| {
                (s.busy, s.waiting) = (busy, waiting);
            }),
            What::Called { station: at, .. } => station(at, &|s| s.held += 1),
            What::Returned { station: at } => station(at, &|s| s.held = s.held.saturating_sub(1)),
            What::Left { station: at, busy } => station(at, &|s| s.busy = busy),
            What::Refused { station: at } => {
                if let Some(lost) = self.lost.get_mut(at as usize) {
                    *lost += 1;
                }
            }
            What::Completed { .. } => self.completed += 1,
            What::Routed { .. } | What::Lost { .. } => {}
        }
    }

    /// Turns what happened into flights.
    fn fly(&mut self, tick: &Tick) {
        if let What::Sent { .. } = tick.what {
            self.ways.insert(tick.request, Vec::new());
        }
        // What goes on for a request that is over, or for none, has no way to be shown on.
        let Some(way) = self.ways.get_mut(&tick.request) else {
            return;
        };
        match tick.what {
            What::Sent { client } => way.push(Leg::new(Place::Component(client))),
            What::Called { station, .. } => way.push(Leg::new(Place::Server { station })),
            What::Routed { balancer, .. } => {
                if let Some(leg) = way.last_mut() {
                    leg.through = Some(balancer);
                }
            }
            What::Queued { station, waiting } => {
                if let Some(leg) = way.last_mut() {
                    leg.queued = true;
                }
                let leg = way.last().copied();
                self.inbound(
                    tick.at_s,
                    leg,
                    Place::Line { station, waiting },
                    DotKind::Request,
                );
            }
            What::Started { station, .. } => {
                // Who comes out of the line has arrived already.
                let leg = way.last().copied().filter(|leg| !leg.queued);
                self.inbound(tick.at_s, leg, Place::Server { station }, DotKind::Request);
            }
            What::Refused { station } => {
                let leg = way.pop();
                self.refused = Some(tick.request);
                self.outbound(tick.at_s, leg, station, DotKind::Refusal);
                self.inbound(tick.at_s, leg, Place::Server { station }, DotKind::Request);
                self.flights.push_back(Flight {
                    from_s: tick.at_s,
                    to_s: tick.at_s + self.leg_s,
                    way: [Some(Place::Server { station }), None, None],
                    kind: DotKind::Lost,
                });
            }
            What::Left { station, .. } => {
                let leg = way.pop();
                let kind = if self.refused == Some(tick.request) {
                    DotKind::Refusal
                } else {
                    DotKind::Answer
                };
                self.outbound(tick.at_s, leg, station, kind);
            }
            What::Returned { .. } => {}
            What::Completed { .. } | What::Lost { .. } => {
                self.refused = None;
                self.ways.remove(&tick.request);
            }
        }
    }

    fn inbound(&mut self, at_s: f64, leg: Option<Leg>, to: Place, kind: DotKind) {
        let Some(Leg { from, through, .. }) = leg else {
            return;
        };
        let (way, legs) = match through {
            Some(balancer) => (
                [Some(from), Some(Place::Component(balancer)), Some(to)],
                2.0,
            ),
            None => ([Some(from), Some(to), None], 1.0),
        };
        self.flights.push_back(Flight {
            from_s: at_s - legs * self.leg_s,
            to_s: at_s,
            way,
            kind,
        });
    }

    fn outbound(&mut self, at_s: f64, leg: Option<Leg>, station: u32, kind: DotKind) {
        let Some(Leg { from, through, .. }) = leg else {
            return;
        };
        let start = Place::Server { station };
        let (way, legs) = match through {
            Some(balancer) => (
                [Some(start), Some(Place::Component(balancer)), Some(from)],
                2.0,
            ),
            None => ([Some(start), Some(from), None], 1.0),
        };
        self.flights.push_back(Flight {
            from_s: at_s,
            to_s: at_s + legs * self.leg_s,
            way,
            kind,
        });
    }

    /// The dots at the moment shown.
    pub fn dots(&self, layout: &Layout) -> Vec<Dot> {
        let shown = self
            .flights
            .iter()
            .filter(|f| f.from_s <= self.now_s && self.now_s < f.to_s);
        shown
            .filter_map(|flight| flight.dot(layout, self.now_s))
            .collect()
    }
}

impl Flight {
    fn dot(&self, layout: &Layout, now_s: f64) -> Option<Dot> {
        let gone = ((now_s - self.from_s) / (self.to_s - self.from_s)).clamp(0.0, 1.0);
        if self.kind == DotKind::Lost {
            let start = self.way[0]?.entry(layout)?;
            // Across the way, so that it leaves free what stands behind the door.
            let fall = layout.beside(start, 20.0 * gone * gone);
            return Some(Dot {
                at: fall,
                kind: self.kind,
                alpha: 1.0 - gone,
            });
        }
        let legs = if self.way[2].is_some() { 2.0 } else { 1.0 };
        let leg = (gone * legs).min(legs - 1e-9);
        let (first, part) = (leg as usize, leg.fract());
        let (from, to) = (self.way[first]?, self.way[first + 1]?);
        let back = matches!(self.kind, DotKind::Answer | DotKind::Refusal);
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
        })
    }
}

impl Place {
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
    use crate::protocol::{ComponentView, StationView};
    use scale_sim::Kind;

    fn scene() -> Scene {
        let component = |name: &str, kind, target: &[u16]| ComponentView {
            name: name.to_owned(),
            label: name.to_owned(),
            kind,
            at: None,
            targets: target.to_vec(),
        };
        Scene {
            components: vec![
                component("users", Kind::Client, &[1]),
                component("balancer", Kind::Balancer, &[2]),
                component("shop", Kind::Service, &[]),
            ],
            stations: vec![StationView {
                component: 2,
                instance: 0,
                servers: 1,
                queue: 1,
                live: true,
            }],
            horizon_s: 10.0,
            window_s: 1.0,
        }
    }

    fn tick(at_s: f64, request: u64, what: What) -> Tick {
        Tick {
            at_s,
            request,
            what,
        }
    }

    /// Three requests to one server with one place in line: the first is served, the second waits, the third is refused.
    fn picture() -> Picture {
        let station = 0;
        let (balancer, client) = (1, 0);
        let mut ticks = Vec::new();
        for (request, at_s) in [(0, 1.0), (1, 1.1), (2, 1.2)] {
            ticks.push(tick(at_s, request, What::Sent { client }));
            ticks.push(tick(at_s, request, What::Routed { balancer, station }));
            ticks.push(tick(
                at_s,
                request,
                match request {
                    0 => What::Started {
                        station,
                        busy: 1,
                        waiting: 0,
                    },
                    1 => What::Queued {
                        station,
                        waiting: 1,
                    },
                    _ => What::Refused { station },
                },
            ));
        }
        ticks.push(tick(
            1.2,
            2,
            What::Lost {
                client,
                station,
                full: true,
            },
        ));
        ticks.push(tick(1.5, 0, What::Left { station, busy: 0 }));
        ticks.push(tick(
            1.5,
            1,
            What::Started {
                station,
                busy: 1,
                waiting: 0,
            },
        ));
        ticks.push(tick(
            1.5,
            0,
            What::Completed {
                client,
                latency_ms: 500.0,
            },
        ));
        let mut picture = Picture::new(&scene());
        picture.set_leg_s(0.1);
        picture.take(&Frame {
            time_s: 2.0,
            ticks,
            stride: 1,
            ..Frame::default()
        });
        picture
    }

    fn kinds(picture: &Picture) -> Vec<DotKind> {
        let layout = Layout::new(&scene(), 800.0, 400.0);
        picture.dots(&layout).iter().map(|dot| dot.kind).collect()
    }

    #[test]
    fn a_request_is_on_its_way_before_it_arrives_and_the_answer_after_it_leaves() {
        let mut picture = picture();
        picture.advance(0.85);
        assert_eq!(kinds(&picture), [DotKind::Request]);
        assert_eq!(picture.station(0), StationNow::default());
        picture.advance(1.0);
        assert_eq!(picture.station(0).busy, 1);
        picture.advance(1.55);
        assert_eq!(kinds(&picture), [DotKind::Answer]);
        assert_eq!(picture.counts(), (3, 1));
    }

    #[test]
    fn a_refusal_is_seen_and_counted_where_it_happened() {
        let mut picture = picture();
        picture.advance(1.19);
        assert_eq!(kinds(&picture), [DotKind::Request]);
        assert_eq!((picture.lost(0), picture.station(0).waiting), (0, 1));
        picture.advance(1.25);
        assert_eq!(kinds(&picture), [DotKind::Refusal, DotKind::Lost]);
        assert_eq!(picture.lost(0), 1);
    }

    #[test]
    fn who_comes_out_of_the_line_does_not_fly_again() {
        let mut picture = picture();
        picture.advance(1.45);
        assert!(kinds(&picture).is_empty());
        picture.advance(1.5);
        assert_eq!(
            picture.station(0),
            StationNow {
                busy: 1,
                held: 0,
                waiting: 0
            }
        );
    }

    #[test]
    fn the_picture_does_not_depend_on_how_often_it_is_drawn() {
        let (mut often, mut once) = (picture(), picture());
        for i in 0..=145 {
            often.advance(f64::from(i) / 100.0);
        }
        once.advance(1.45);
        let layout = Layout::new(&scene(), 800.0, 400.0);
        assert_eq!(often.dots(&layout), once.dots(&layout));
        assert_eq!(often.station(0), once.station(0));
    }

    #[test]
    fn dots_keep_to_the_connection() {
        let layout = Layout::new(&scene(), 800.0, 400.0);
        let mut picture = picture();
        picture.advance(0.9);
        let dot = picture.dots(&layout)[0];
        let entry = layout.entry(&layout.components[1]);
        assert!(
            (dot.at.x - entry.x).abs() < layout.components[1].w + 1.0,
            "{dot:?} {entry:?}"
        );
    }
}
