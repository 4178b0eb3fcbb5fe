//! What is to be seen at a moment: what every station does, and the requests on their way between them.
//!
//! What stations do is exact. The way between them takes no time in the simulation (or far less than an eye can follow), so
//! the picture gives each leg a fixed length of *screen* time: a request reaches a station at the moment it really does, having
//! set out a little early; an answer sets out at the moment it really does, and arrives a little late.

use super::flight::{Dot, Flight, Flow, Place, flows};
use super::inside::Inside;
use super::layout::{Layout, Point};
use crate::protocol::{DotKind, Frame, LagView, NO_REQUEST, Scene, StationNow, Tick, Way, What};

/// The picture: a plain function of what happened, and of the moment shown, which can be any up to where the run has come.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// The moment shown.
    now_s: f64,
    /// How long a leg takes on screen, in simulated seconds.
    leg_s: f64,
    /// What happened, in order.
    ticks: Vec<Tick>,
    state: State,
    /// The state in which nothing has happened yet.
    empty: State,
    /// States that it went through, from which it comes to any moment in between.
    passed: Vec<(f64, State)>,
    /// From which moment on one request in how many is known: more happened than can be shown.
    strides: Vec<(f64, u32)>,
    /// Of all that is kept, one request in so many: it became too much. A power of two, as strides are.
    thinned: u32,
    /// What the run was like now and then, as the worker said. Once not all requests are shown, the stations are as this says, not
    /// as the ticks add up.
    known: Vec<Known>,
    /// When the first request was lost, as far as is known.
    first_lost_s: Option<f64>,
    /// Ticks gone through so far.
    #[cfg(test)]
    applied: usize,
}

/// What the worker said of a moment.
#[derive(Clone, Debug)]
struct Known {
    time_s: f64,
    stations: Vec<StationNow>,
    lags: Vec<LagView>,
    totals: [u64; 3],
}

/// What is to be seen at one moment.
#[derive(Clone, Debug, Default)]
struct State {
    /// How many of the ticks have been shown.
    shown: usize,
    /// How many have been turned into flights: a request sets out before it arrives.
    flown: usize,
    stations: Vec<StationNow>,
    /// Losses so far, by station.
    lost: Vec<u64>,
    /// By station: how many of its servers can be used, where not all can.
    capacities: Vec<Option<u32>>,
    sent: u64,
    completed: u64,
    /// Requests lost, wherever they failed.
    given_up: u64,
    flights: Vec<Flight>,
    /// By station: what it holds.
    insides: Vec<Inside>,
}

/// Above so many dots flows are drawn instead.
const DOTS: usize = 400;
/// How many flights are kept at most: more could not be told apart.
const FLIGHTS: usize = 3_000;
/// Bytes that a run's ticks and states take at most, so that any moment can be sought at once; most runs take a small part of it.
#[cfg(test)]
const KEPT_BYTES: usize = 96 << 20;
/// Ticks that are kept. When there are more, only every other request of those shown so far stays.
const TICKS: usize = 400_000;
/// Ticks from one state that is kept to the next.
const APART: usize = 2_000;
/// How many of the worker's words on stations are kept.
const KNOWN: usize = 1_000;

impl Picture {
    /// The picture of a scene in which nothing has happened yet.
    pub fn new(scene: &Scene) -> Self {
        let mut picture = Self::default();
        picture.scene(scene);
        picture
    }

    /// The scene has changed: it may have more stations.
    pub fn scene(&mut self, scene: &Scene) {
        self.state.grow(scene);
        self.empty.grow(scene);
        for (_, state) in &mut self.passed {
            state.grow(scene);
        }
    }

    /// The moment shown.
    pub fn now_s(&self) -> f64 {
        self.now_s
    }

    /// What a station does at the moment shown.
    pub fn station(&self, station: usize) -> StationNow {
        let stations = match self.known() {
            Some(known) if !self.is_exact() => &known.stations,
            _ => &self.state.stations,
        };
        stations.get(station).copied().unwrap_or_default()
    }

    /// What a station holds at the moment shown; nothing where not all that happens is known.
    pub fn inside(&self, station: usize) -> Option<&Inside> {
        let inside = self.state.insides.get(station);
        inside.filter(|_| self.is_exact())
    }

    /// How far a node of a replicated database is behind its primary at the moment shown.
    pub fn lag(&self, station: usize) -> Option<LagView> {
        let lags = &self.known()?.lags;
        lags.iter()
            .find(|lag| lag.station as usize == station)
            .copied()
    }

    /// How many requests a station has refused; 0 where not all that happens is known.
    pub fn lost(&self, station: usize) -> u64 {
        if !self.is_exact() {
            return 0;
        }
        self.state.lost.get(station).copied().unwrap_or(0)
    }

    /// How many of a station's servers can be used, if that was ever told; 0 while it is down, or off.
    pub fn capacity(&self, station: usize) -> Option<u32> {
        self.state.capacities.get(station).copied().flatten()
    }

    /// Requests sent and answered so far. Above a stride of one: of those shown.
    pub fn counts(&self) -> (u64, u64) {
        (self.state.sent, self.state.completed)
    }

    /// Requests lost so far, shown or not.
    pub fn lost_in_all(&self) -> u64 {
        match self.known() {
            Some(known) if !self.is_exact() => known.totals[2],
            _ => self.state.given_up,
        }
    }

    /// What the worker said last, up to the moment shown.
    fn known(&self) -> Option<&Known> {
        let after = self
            .known
            .partition_point(|known| known.time_s <= self.now_s);
        self.known[..after].last()
    }

    /// When the first request was lost, as far as is known.
    pub fn first_lost_s(&self) -> Option<f64> {
        self.first_lost_s
    }

    /// Whether all requests up to the moment shown are known.
    fn is_exact(&self) -> bool {
        let all = self
            .strides
            .first()
            .is_none_or(|(from_s, _)| *from_s > self.now_s);
        all && self.thinned <= 1
    }

    /// Of how many requests one is shown at this moment.
    pub fn stride(&self) -> u32 {
        let begun = self
            .strides
            .partition_point(|(from_s, _)| *from_s <= self.now_s);
        let stride = self.strides[..begun]
            .last()
            .map_or(1, |(_, stride)| *stride);
        stride.max(self.thinned).max(1)
    }

    /// Of how many requests one is known over the whole run.
    pub fn coarsest(&self) -> u32 {
        let strides = self.strides.iter().map(|(_, stride)| *stride);
        strides.fold(self.thinned.max(1), u32::max)
    }

    /// What is known to happen, shown or not, in order.
    pub fn ticks(&self) -> &[Tick] {
        &self.ticks
    }

    /// What becomes of a request that has not ended before `from_s`, if that is known.
    pub fn end_of(&self, request: u64, from_s: f64) -> Option<Tick> {
        let from = self.ticks.partition_point(|tick| tick.at_s < from_s);
        let mut later = self.ticks[from..].iter();
        let end = |tick: &&Tick| {
            let ends = matches!(tick.what, What::Completed { .. } | What::Lost { .. });
            tick.request == request && ends
        };
        later.find(end).copied()
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
        let thinned = self.thinned.max(1);
        let stride = self.strides.last().map_or(1, |(_, stride)| *stride);
        if frame.stride.max(1) != stride {
            let from_s = self.known.last().map_or(0.0, |known| known.time_s);
            self.strides.push((from_s, frame.stride.max(1)));
        }
        if self.first_lost_s.is_none() {
            let mut ticks = frame.ticks.iter();
            let lost = ticks.find(|tick| matches!(tick.what, What::Lost { .. }));
            self.first_lost_s = lost.map(|tick| tick.at_s);
        }
        let shown = frame.ticks.iter().filter(|tick| tick.is_shown(thinned));
        self.ticks.extend(shown.copied());
        if self.ticks.len() > TICKS {
            self.thin(thinned * 2);
        }
        let known = Known {
            time_s: frame.time_s,
            stations: frame.stations.clone(),
            lags: frame.lags.clone(),
            totals: frame.totals,
        };
        self.known.push(known);
        if self.known.len() > KNOWN {
            let mut at = 0;
            self.known.retain(|_| {
                at += 1;
                at % 2 == 0
            });
        }
    }

    /// Keeps one request in `stride` only, also of what is past.
    fn thin(&mut self, stride: u32) {
        self.thinned = stride;
        self.ticks.retain(|tick| tick.is_shown(stride));
        self.passed.clear();
        self.restore(0.0);
        self.play();
    }

    /// Forgets what happened after the moment shown: from here on it will be another run.
    pub fn cut(&mut self) {
        self.ticks.truncate(self.state.shown);
        let (now_s, left) = (self.now_s, self.ticks.len());
        self.known.retain(|known| known.time_s <= now_s);
        self.strides.retain(|(from_s, _)| *from_s <= now_s);
        self.first_lost_s = self.first_lost_s.filter(|lost_s| *lost_s <= now_s);
        // What was to set out already for what now does not happen has not set out.
        self.passed.retain(|(_, state)| state.flown <= left);
        self.restore(now_s);
        self.play();
    }

    /// What has been shown, the latest first.
    pub fn past(&self) -> impl Iterator<Item = &Tick> {
        self.ticks[..self.state.shown].iter().rev()
    }

    /// What is known and not yet shown, the next first.
    pub fn future(&self) -> impl Iterator<Item = &Tick> {
        self.ticks[self.state.shown..].iter()
    }

    /// Comes to the moment `to_s`, later or earlier.
    pub fn seek(&mut self, to_s: f64) {
        // Forward, too, there may be a state that is nearer.
        let kept = self.kept(to_s);
        if to_s < self.now_s || kept.is_some_and(|kept| kept.shown > self.state.shown) {
            self.restore(to_s);
        }
        self.now_s = to_s;
        self.play();
    }

    /// The latest state that is kept from before `to_s`.
    fn kept(&self, to_s: f64) -> Option<&State> {
        let before = self.passed.partition_point(|(time_s, _)| *time_s < to_s);
        self.passed[..before].last().map(|(_, state)| state)
    }

    /// Takes the latest state that is kept from before `to_s`.
    fn restore(&mut self, to_s: f64) {
        self.state = self.kept(to_s).unwrap_or(&self.empty).clone();
    }

    /// Brings the state to the moment shown.
    fn play(&mut self) {
        let (now_s, ahead_s) = (self.now_s, self.now_s + self.lead_s());
        while let Some(tick) = self.ticks.get(self.state.shown)
            && tick.at_s <= now_s
        {
            // In this order also where a moment is sought that lies far ahead: what is drawn does not depend on how often.
            self.state.fly_up_to(&self.ticks, tick.at_s, self.leg_s);
            self.state.apply(tick);
            self.state.shown += 1;
            #[cfg(test)]
            {
                self.applied += 1;
            }
            let last = self.passed.last().map_or(0, |(_, state)| state.shown);
            if self.state.shown >= last + APART && self.is_end_of_moment() {
                self.state.land(tick.at_s);
                self.passed.push((tick.at_s, self.state.clone()));
            }
        }
        self.state.fly_up_to(&self.ticks, ahead_s, self.leg_s);
        self.state.land(now_s);
    }

    /// Whether the tick shown last is the last of its moment.
    fn is_end_of_moment(&self) -> bool {
        let at = |number: usize| self.ticks.get(number).map(|tick| tick.at_s);
        at(self.state.shown) != at(self.state.shown.wrapping_sub(1))
    }

    /// The request whose dot is nearest to `point`, if one is near.
    pub fn request_at(&self, layout: &Layout, point: Point) -> Option<u64> {
        /// As far as a finger misses, in CSS pixels.
        const NEAR: f64 = 18.0;
        let away = |dot: &Dot| (dot.at.x - point.x).hypot(dot.at.y - point.y);
        let dots = self.dots(layout).into_iter();
        let dots = dots.filter(|dot| dot.request != NO_REQUEST);
        let near = dots
            .map(|dot| (away(&dot), dot.request))
            .filter(|(away, _)| *away <= NEAR);
        near.min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, request)| request)
    }

    /// What is on its way at the moment shown.
    fn flying(&self) -> impl Iterator<Item = &Flight> {
        let flights = self.state.flights.iter();
        flights.filter(|f| f.from_s <= self.now_s && self.now_s < f.to_s)
    }

    /// The dots at the moment shown.
    pub fn dots(&self, layout: &Layout) -> Vec<Dot> {
        { self.flying() }
            .filter_map(|flight| flight.dot(layout, self.now_s))
            .collect()
    }

    /// What flows at the moment shown, if it is too much for dots.
    pub fn flows(&self, layout: &Layout) -> Option<Vec<Flow>> {
        let many = self.flying().count() > DOTS;
        many.then(|| flows(self.flying(), layout, self.now_s))
    }

    /// How far the flows have come at the moment shown, in legs.
    pub fn legs(&self) -> f64 {
        self.now_s / self.leg_s.max(1e-9)
    }
}

impl State {
    /// There are the stations of a scene: maybe more than before, out of use until now.
    fn grow(&mut self, scene: &Scene) {
        let stations = scene.stations.len();
        self.stations.resize(stations, StationNow::default());
        self.lost.resize(stations, 0);
        let new = scene.stations.iter().skip(self.capacities.len());
        self.capacities
            .extend(new.map(|station| (!station.starts).then_some(0)));
        let new = scene.stations.iter().skip(self.insides.len());
        let new = new.map(|station| Inside::new(scene, usize::from(station.component)));
        self.insides.extend(new);
    }

    /// Turns what happens up to `to_s` into flights.
    fn fly_up_to(&mut self, ticks: &[Tick], to_s: f64, leg_s: f64) {
        while let Some(tick) = ticks.get(self.flown)
            && tick.at_s <= to_s
        {
            self.fly(tick, leg_s);
            self.flown += 1;
        }
        let more = self.flights.len().saturating_sub(FLIGHTS);
        self.flights.drain(..more);
    }

    /// Forgets the flights that have ended.
    fn land(&mut self, now_s: f64) {
        self.flights.retain(|flight| flight.to_s > now_s);
    }

    fn apply(&mut self, tick: &Tick) {
        let mut station = |at: u32, change: &dyn Fn(&mut StationNow)| {
            if let Some(station) = self.stations.get_mut(at as usize) {
                change(station);
            }
        };
        match tick.what {
            What::Sent { .. } => self.sent += 1,
            What::Queued {
                station: at,
                waiting,
                ..
            }
            | What::Unqueued {
                station: at,
                waiting,
            } => station(at, &|s| s.waiting = waiting),
            What::Started {
                station: at,
                busy,
                waiting,
                ..
            } => station(at, &|s| {
                (s.busy, s.waiting) = (busy, waiting);
            }),
            What::Called { station: at, .. } => station(at, &|s| s.held += 1),
            What::Returned { station: at } => station(at, &|s| s.held = s.held.saturating_sub(1)),
            What::Left {
                station: at, busy, ..
            } => station(at, &|s| s.busy = busy),
            What::Refused { station: at, .. } => {
                if let Some(lost) = self.lost.get_mut(at as usize) {
                    *lost += 1;
                }
            }
            What::Completed { .. } => self.completed += 1,
            What::Lost { .. } => self.given_up += 1,
            What::Capacity { station, servers } => {
                if let Some(capacity) = self.capacities.get_mut(station as usize) {
                    *capacity = Some(servers);
                }
            }
            _ => {
                let inside = tick.what.station();
                let inside = inside.and_then(|at| self.insides.get_mut(at as usize));
                if let Some(inside) = inside {
                    inside.apply(tick);
                }
            }
        }
    }

    /// Turns what happened into flights.
    fn fly(&mut self, tick: &Tick, leg_s: f64) {
        match tick.what {
            What::Queued {
                station,
                waiting,
                way,
            } => self.inbound(leg_s, tick, way, Place::Line { station, waiting }),
            What::Started {
                station,
                way: Some(way),
                ..
            } => self.inbound(leg_s, tick, way, Place::Server { station }),
            What::Refused { station, way, .. } => {
                self.inbound(leg_s, tick, way, Place::Server { station });
                let back = Way {
                    kind: DotKind::Refusal,
                    ..way
                };
                self.outbound(leg_s, tick, back, station);
                self.flights.push(Flight {
                    from_s: tick.at_s,
                    to_s: tick.at_s + leg_s,
                    way: [Some(Place::Server { station }), None, None],
                    kind: DotKind::Lost,
                    request: tick.request,
                });
            }
            What::Left { station, way, .. } => self.outbound(leg_s, tick, way, station),
            _ => {}
        }
    }

    fn inbound(&mut self, leg_s: f64, tick: &Tick, way: Way, to: Place) {
        let Some(from) = Place::of(way.from) else {
            return;
        };
        let &Tick { at_s, request, .. } = tick;
        let (places, count) = match way.through.map(Place::Component) {
            Some(through) if through != from => ([Some(from), Some(through), Some(to)], 2.0),
            _ => ([Some(from), Some(to), None], 1.0),
        };
        self.flights.push(Flight {
            from_s: at_s - count * leg_s,
            to_s: at_s,
            way: places,
            kind: way.kind,
            request,
        });
    }

    fn outbound(&mut self, leg_s: f64, tick: &Tick, way: Way, station: u32) {
        let Some(from) = Place::of(way.from) else {
            return;
        };
        let &Tick { at_s, request, .. } = tick;
        let start = Place::Server { station };
        let (places, count) = match way.through.map(Place::Component) {
            Some(through) if through != from => ([Some(start), Some(through), Some(from)], 2.0),
            _ => ([Some(start), Some(from), None], 1.0),
        };
        self.flights.push(Flight {
            from_s: at_s,
            to_s: at_s + count * leg_s,
            way: places,
            kind: way.kind,
            request,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{ComponentView, Holds, Origin, StationView};
    use scale_sim::Kind;

    fn scene() -> Scene {
        let component = |name: &str, kind, target: &[u16]| ComponentView {
            name: name.to_owned(),
            label: name.to_owned(),
            kind,
            at: None,
            targets: target.to_vec(),
            scales: false,
            holds: Holds::Requests,
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
                starts: true,
            }],
            faults: Vec::new(),
            horizon_s: 10.0,
            window_s: 1.0,
            deadlines: false,
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
        let (station, client) = (0, 0);
        let way = Way {
            from: Origin::Component(client),
            through: Some(1),
            kind: DotKind::Request,
        };
        let mut ticks = Vec::new();
        for (request, at_s) in [(0, 1.0), (1, 1.1), (2, 1.2)] {
            ticks.push(tick(
                at_s,
                request,
                What::Sent {
                    client,
                    operation: 0,
                    key: 0,
                },
            ));
            ticks.push(tick(
                at_s,
                request,
                match request {
                    0 => What::Started {
                        station,
                        busy: 1,
                        waiting: 0,
                        way: Some(way),
                    },
                    1 => What::Queued {
                        station,
                        waiting: 1,
                        way,
                    },
                    _ => What::Refused {
                        station,
                        way,
                        full: true,
                    },
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
        let way = Way {
            kind: DotKind::Answer,
            ..way
        };
        ticks.push(tick(
            1.5,
            0,
            What::Left {
                station,
                busy: 0,
                way,
            },
        ));
        ticks.push(tick(
            1.5,
            1,
            What::Started {
                station,
                busy: 1,
                waiting: 0,
                way: None,
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
        let layout = Layout::new(&scene(), 800.0, 400.0, 1.0);
        picture.dots(&layout).iter().map(|dot| dot.kind).collect()
    }

    #[test]
    fn a_request_is_on_its_way_before_it_arrives_and_the_answer_after_it_leaves() {
        let mut picture = picture();
        picture.seek(0.85);
        assert_eq!(kinds(&picture), [DotKind::Request]);
        assert_eq!(picture.station(0), StationNow::default());
        picture.seek(1.0);
        assert_eq!(picture.station(0).busy, 1);
        picture.seek(1.55);
        assert_eq!(kinds(&picture), [DotKind::Answer]);
        assert_eq!(picture.counts(), (3, 1));
    }

    #[test]
    fn a_refusal_is_seen_and_counted_where_it_happened() {
        let mut picture = picture();
        picture.seek(1.19);
        assert_eq!(kinds(&picture), [DotKind::Request]);
        assert_eq!((picture.lost(0), picture.station(0).waiting), (0, 1));
        picture.seek(1.25);
        assert_eq!(kinds(&picture), [DotKind::Refusal, DotKind::Lost]);
        assert_eq!(picture.lost(0), 1);
    }

    #[test]
    fn who_comes_out_of_the_line_does_not_fly_again() {
        let mut picture = picture();
        picture.seek(1.45);
        assert!(kinds(&picture).is_empty());
        picture.seek(1.5);
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
            often.seek(f64::from(i) / 100.0);
        }
        once.seek(1.45);
        let layout = Layout::new(&scene(), 800.0, 400.0, 1.0);
        assert_eq!(often.dots(&layout), once.dots(&layout));
        assert_eq!(often.station(0), once.station(0));
    }

    #[test]
    fn dots_keep_to_the_connection() {
        let layout = Layout::new(&scene(), 800.0, 400.0, 1.0);
        let mut picture = picture();
        picture.seek(0.9);
        let dot = picture.dots(&layout)[0];
        let entry = layout.entry(&layout.components[1]);
        assert!(
            (dot.at.x - entry.x).abs() < layout.components[1].w + 1.0,
            "{dot:?} {entry:?}"
        );
    }

    /// Many requests, one after the other, each served at once.
    fn many(count: u64) -> Picture {
        let (station, client) = (0, 0);
        let way = Way {
            from: Origin::Component(client),
            ..Way::default()
        };
        let of = |request: u64| {
            let at_s = request as f64 * 0.01;
            [
                tick(
                    at_s,
                    request,
                    What::Sent {
                        client,
                        operation: 0,
                        key: 0,
                    },
                ),
                tick(
                    at_s,
                    request,
                    What::Started {
                        station,
                        busy: 1,
                        waiting: 0,
                        way: Some(way),
                    },
                ),
                tick(
                    at_s + 0.005,
                    request,
                    What::Left {
                        station,
                        busy: 0,
                        way: Way {
                            kind: DotKind::Answer,
                            ..way
                        },
                    },
                ),
                tick(
                    at_s + 0.005,
                    request,
                    What::Completed {
                        client,
                        latency_ms: 5.0,
                    },
                ),
            ]
        };
        let mut picture = Picture::new(&scene());
        picture.set_leg_s(0.02);
        picture.take(&Frame {
            time_s: count as f64 * 0.01,
            ticks: (0..count).flat_map(of).collect(),
            stride: 1,
            ..Frame::default()
        });
        picture
    }

    fn seen(picture: &Picture) -> (Vec<Dot>, StationNow, (u64, u64), usize) {
        let layout = Layout::new(&scene(), 800.0, 400.0, 1.0);
        let now = picture.station(0);
        (
            picture.dots(&layout),
            now,
            picture.counts(),
            picture.past().count(),
        )
    }

    #[test]
    fn any_moment_looks_the_same_from_whichever_side_one_comes() {
        let mut picture = many(3_000);
        picture.seek(30.0);
        for at_s in [
            29.0, 3.333, 17.777, 17.776, 0.0, 25.001, 24.999, 0.004, 12.0,
        ] {
            picture.seek(at_s);
            let mut once = many(3_000);
            once.seek(at_s);
            let (mut here, mut there) = (seen(&picture), seen(&once));
            // In which order dots are drawn is no matter.
            let by_place = |a: &Dot, b: &Dot| a.at.x.total_cmp(&b.at.x);
            here.0.sort_by(by_place);
            there.0.sort_by(by_place);
            assert_eq!(here, there, "at {at_s}");
        }
    }

    #[test]
    fn what_is_cut_off_has_never_been() {
        let mut picture = many(3_000);
        picture.seek(30.0);
        picture.seek(12.0);
        picture.cut();
        assert_eq!(picture.future().count(), 0);
        picture.seek(30.0);
        assert_eq!(picture.counts(), (1_201, 1_200));
    }

    #[test]
    fn too_much_is_thinned_to_every_other_request_also_of_what_is_past() {
        let count = TICKS as u64 / 4 + 500;
        let mut picture = many(count);
        assert_eq!(picture.stride(), 2);
        picture.seek(20.0);
        // The odd ones are not kept; the first of the rest is there as before.
        assert_eq!(picture.counts(), (1_001, 1_000));
        assert!(picture.past().all(|tick| tick.request.is_multiple_of(2)));
    }

    #[test]
    fn who_is_down_is_known_at_each_moment() {
        let mut picture = Picture::new(&scene());
        let tick = |at_s, servers| Tick {
            at_s,
            request: NO_REQUEST,
            what: What::Capacity {
                station: 0,
                servers,
            },
        };
        picture.take(&Frame {
            time_s: 3.0,
            ticks: vec![tick(1.0, 0), tick(2.0, 4)],
            stride: 1,
            ..Frame::default()
        });
        let mut at = |to_s| {
            picture.seek(to_s);
            picture.capacity(0)
        };
        assert_eq!(
            [0.5, 1.5, 2.5, 1.5].map(&mut at),
            [None, Some(0), Some(4), Some(0)]
        );
    }

    /// A run of so many things that happen, each a millisecond after the other.
    fn long(count: u64) -> Picture {
        let mut picture = Picture::new(&scene());
        let sent = |number: u64| Tick {
            at_s: number as f64 / 1000.0,
            request: number,
            what: What::Sent {
                client: 0,
                operation: 0,
                key: number,
            },
        };
        picture.take(&Frame {
            time_s: count as f64 / 1000.0,
            ticks: (0..count).map(sent).collect(),
            stride: 1,
            ..Frame::default()
        });
        picture
    }

    #[test]
    fn to_seek_goes_through_few_of_all_that_happened() {
        let mut picture = long(TICKS as u64);
        let end_s = TICKS as f64 / 1000.0;
        picture.seek(end_s);
        assert_eq!(picture.applied, TICKS, "the first time all of it");
        for share in [0.9, 0.1, 0.5, 0.99, 0.0, 1.0, 0.3] {
            let before = picture.applied;
            picture.seek(end_s * share);
            let through = picture.applied - before;
            assert!(through <= APART + 1, "{through} to come to {share}");
        }
        // States are kept every so many ticks, and ticks up to a bound.
        assert!(picture.passed.len() <= TICKS / APART);
    }

    #[test]
    fn what_is_kept_to_seek_is_bounded() {
        let ticks = TICKS * size_of::<Tick>();
        let states = TICKS / APART * FLIGHTS * size_of::<Flight>();
        assert!(ticks + states <= KEPT_BYTES, "{ticks} and {states} bytes");
        let picture = long(TICKS as u64 + 10_000);
        assert!(picture.ticks.len() <= TICKS);
    }
}
