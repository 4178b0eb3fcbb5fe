//! Where things stand: from what there is to draw and the room there is, the place of every component, server and queue.
//!
//! Requests flow along the *main* axis: to the right on a wide stage, downwards on a narrow one. Instances of a component
//! stand side by side across it. A queue stands in front of its station, like people in a line.

use crate::protocol::{ComponentView, Holds, Scene};
use scale_sim::Kind;

/// A point on the stage, in CSS pixels.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Downwards.
    pub y: f64,
}

/// A rectangle on the stage, in CSS pixels.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

impl Rect {
    /// The middle.
    pub fn centre(&self) -> Point {
        Point {
            x: self.x + self.w / 2.0,
            y: self.y + self.h / 2.0,
        }
    }
}

/// The place of every part of a scene.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Layout {
    /// How wide the stage is.
    pub width: f64,
    /// How high.
    pub height: f64,
    /// How many times as large as what can be seen of it.
    pub zoom: f64,
    /// Whether requests flow downwards.
    pub downwards: bool,
    /// By component: the box around it.
    pub components: Vec<Rect>,
    /// By station; `None` for one that is not drawn any more.
    pub stations: Vec<Option<StationPlace>>,
}

/// The place of a station's parts.
#[derive(Clone, PartialEq, Debug)]
pub struct StationPlace {
    /// Its box.
    pub rect: Rect,
    /// The middles of its servers, of as many as are drawn.
    pub servers: Vec<Point>,
    /// The side of a server's square.
    pub server_size: f64,
    /// Where the first in line stands.
    pub head: Point,
    /// From one in line to the next.
    pub along: Point,
    /// From one row of the line to the next.
    pub across: Point,
    /// Places in a row.
    pub row: usize,
    /// Rows.
    pub rows: usize,
    /// Whether there is room for words.
    pub roomy: bool,
    /// Where what it holds is drawn, if there is room for that.
    pub inside: Option<Rect>,
}

/// Below this width requests flow downwards.
pub const NARROW: f64 = 560.0;
/// Servers drawn one by one.
pub const SERVERS: usize = 24;
/// A station with more than so many is drawn without: they are as good as any number.
const MANY: u32 = 1_000;
const MARGIN: f64 = 12.0;
/// A box as wide as this has room for a name, if need be in two lines.
const ROOMY: f64 = 48.0;
/// The room before a low box for the number of those who wait.
const COUNT: f64 = 20.0;
/// The room at the top of a box for its name.
const HEAD: f64 = 29.0;
/// So far beside the first of a column a component still stands in it.
const BESIDE: f64 = 0.5;
/// Distance between two in line.
pub const PITCH: f64 = 9.0;

impl Layout {
    /// How high a narrow stage must be for all of `scene` to stand below each other with room between.
    pub fn height(scene: &Scene) -> f64 {
        let columns = columns(&scene.components);
        let count = columns.iter().copied().max().map_or(0, |last| last + 1);
        let deep = (0..count).map(|column| deep_downwards(scene, &columns, column));
        2.0 * MARGIN + deep.sum::<f64>() + 36.0 * count.saturating_sub(1) as f64
    }

    /// Places `scene` on a stage of this size. `zoom` is 1, or more for one that is larger than what can be seen of it: boxes
    /// grow with it.
    pub fn new(scene: &Scene, width: f64, height: f64, zoom: f64) -> Self {
        let downwards = width < NARROW * zoom;
        let columns = columns(&scene.components);
        let count = columns.iter().copied().max().map_or(0, |last| last + 1);
        let (main_room, cross_room) = if downwards {
            (height, width)
        } else {
            (width, height)
        };
        let share = main_room / count.max(1) as f64;
        let deep = (0..count).map(|column| match (downwards, holds(scene, &columns, column)) {
            (true, _) => deep_downwards(scene, &columns, column) * zoom.min(1.4),
            (false, true) => (share * 0.66).clamp(64.0, 200.0 * zoom),
            (false, false) => (share * 0.56).clamp(64.0, 148.0 * zoom),
        });
        let deep: Vec<f64> = deep.collect();
        let used: f64 = deep.iter().sum();
        let gap = if count > 1 {
            (main_room - 2.0 * MARGIN - used) / (count - 1) as f64
        } else {
            0.0
        };
        let gap = gap.max(10.0);
        let mut layout = Self {
            width,
            height,
            zoom,
            downwards,
            components: vec![Rect::default(); scene.components.len()],
            stations: vec![None; scene.stations.len()],
        };
        let mut from = MARGIN;
        for (column, deep) in deep.into_iter().enumerate() {
            let row = |at: usize| scene.components[at].at.map_or(0.0, |[_, row]| row);
            let mut members: Vec<usize> = Vec::new();
            for at in (0..columns.len()).filter(|at| columns[*at] == column) {
                members.insert(members.partition_point(|other| row(*other) <= row(at)), at);
            }
            layout.column(scene, &members, from, deep, gap, cross_room);
            from += deep + gap;
        }
        layout
    }

    /// Places the components of one column, evenly across the stage.
    fn column(
        &mut self,
        scene: &Scene,
        members: &[usize],
        from: f64,
        deep: f64,
        gap: f64,
        cross_room: f64,
    ) {
        let live = |component: usize| {
            let stations = scene.stations.iter().enumerate();
            let own =
                stations.filter(move |(_, s)| usize::from(s.component) == component && s.live);
            own.map(|(at, _)| at).collect::<Vec<_>>()
        };
        let parts: Vec<(usize, Vec<usize>)> = members.iter().map(|at| (*at, live(*at))).collect();
        let cells: usize = parts
            .iter()
            .map(|(_, stations)| stations.len().max(1))
            .sum();
        let spacing = if cells > 4 { 6.0 } else { 14.0 };
        let full = { members.iter() }.any(|at| scene.components[*at].holds != Holds::Requests);
        let most = match (self.downwards, full) {
            (true, false) => 176.0,
            (true, true) => 250.0,
            (false, false) => 96.0,
            (false, true) => 150.0,
        };
        let most = most * self.zoom;
        let room = cross_room - 2.0 * MARGIN - spacing * (cells.saturating_sub(1)) as f64;
        let size = (room / cells.max(1) as f64).clamp(8.0, most);
        let used = size * cells as f64 + spacing * cells.saturating_sub(1) as f64;
        let mut cross = (cross_room - used) / 2.0;
        for (component, stations) in parts {
            let start = cross;
            for _ in 0..stations.len().max(1) {
                cross += size + spacing;
            }
            let length = cross - spacing - start;
            self.components[component] = self.rect(from, start, deep, length);
            for (i, station) in stations.iter().enumerate() {
                let rect = self.rect(from, start + i as f64 * (size + spacing), deep, size);
                let servers = match scene.stations[*station].servers {
                    servers if servers >= MANY => 0,
                    servers => servers as usize,
                };
                let full = scene.components[component].holds != Holds::Requests;
                self.stations[*station] = Some(self.station(rect, servers, full, gap, size));
            }
        }
    }

    /// A rectangle by main and cross axis.
    fn rect(&self, main: f64, cross: f64, deep: f64, wide: f64) -> Rect {
        if self.downwards {
            Rect {
                x: cross,
                y: main,
                w: wide,
                h: deep,
            }
        } else {
            Rect {
                x: main,
                y: cross,
                w: deep,
                h: wide,
            }
        }
    }

    fn station(
        &self,
        rect: Rect,
        servers: usize,
        full: bool,
        gap: f64,
        cross: f64,
    ) -> StationPlace {
        let roomy = rect.h >= 44.0 && rect.w >= ROOMY;
        let drawn = servers.min(SERVERS);
        // Servers stand in the lower part of a roomy box, and fill a small one.
        let area = if roomy {
            Rect {
                x: rect.x + 10.0,
                y: rect.y + rect.h - 24.0,
                w: rect.w - 20.0,
                h: 16.0,
            }
        } else {
            Rect {
                x: rect.x + if rect.w >= 64.0 { 26.0 } else { 4.0 },
                y: rect.y + 3.0,
                w: if rect.w >= 64.0 {
                    rect.w - 62.0
                } else {
                    rect.w - 8.0
                },
                h: rect.h - 6.0,
            }
        };
        // The number of the instance stands before the servers, what it has lost behind them.
        let pitch = (area.w / drawn.max(1) as f64).min(if roomy { 18.0 } else { 14.0 });
        let server_size = (pitch - 3.0).min(area.h).clamp(2.0, 14.0);
        let servers = (0..drawn).map(|i| Point {
            x: area.x + pitch * (i as f64 + 0.5),
            y: area.y + area.h / 2.0,
        });
        let foot = if drawn > 0 { 26.0 } else { 7.0 };
        let inside = Rect {
            x: rect.x + 9.0,
            y: rect.y + HEAD,
            w: rect.w - 18.0,
            h: rect.h - HEAD - foot,
        };
        let centre = rect.centre();
        // The line takes up most of the gap before the station, so that the way to it stays visible.
        let before = 8.0 + if roomy || self.downwards { 0.0 } else { COUNT };
        let row = (((gap * 0.72 + 8.0 - before) / PITCH) as usize).max(1);
        let rows = ((cross / PITCH) as usize).clamp(1, 4);
        let middle = (rows as f64 - 1.0) / 2.0 * PITCH;
        let (head, along, across) = if self.downwards {
            (
                Point {
                    x: centre.x - middle,
                    y: rect.y - before,
                },
                Point { x: 0.0, y: -PITCH },
                Point { x: PITCH, y: 0.0 },
            )
        } else {
            (
                Point {
                    x: rect.x - before,
                    y: centre.y - middle,
                },
                Point { x: -PITCH, y: 0.0 },
                Point { x: 0.0, y: PITCH },
            )
        };
        StationPlace {
            rect,
            servers: servers.collect(),
            server_size,
            head,
            along,
            across,
            row,
            rows,
            roomy,
            inside: (full && roomy && inside.h >= 12.0 && inside.w >= 40.0).then_some(inside),
        }
    }

    /// The point that lies so far across the main axis from `point`.
    pub fn beside(&self, point: Point, across: f64) -> Point {
        if self.downwards {
            Point {
                x: point.x + across,
                ..point
            }
        } else {
            Point {
                y: point.y + across,
                ..point
            }
        }
    }

    /// Where requests enter a box.
    pub fn entry(&self, rect: &Rect) -> Point {
        let centre = rect.centre();
        if self.downwards {
            Point {
                x: centre.x,
                y: rect.y,
            }
        } else {
            Point {
                x: rect.x,
                y: centre.y,
            }
        }
    }

    /// Where requests leave a box.
    pub fn exit(&self, rect: &Rect) -> Point {
        let centre = rect.centre();
        if self.downwards {
            Point {
                x: centre.x,
                y: rect.y + rect.h,
            }
        } else {
            Point {
                x: rect.x + rect.w,
                y: centre.y,
            }
        }
    }
}

impl StationPlace {
    /// How many in line are drawn one by one.
    pub fn line(&self) -> usize {
        self.row * self.rows
    }

    /// Where number `place` in line stands, from 0; those beyond the last place drawn stand there too.
    pub fn in_line(&self, place: usize) -> Point {
        let place = place.min(self.line().saturating_sub(1));
        // The first stand side by side at the counter, so that a short line is a short line.
        let (along, across) = ((place / self.rows) as f64, (place % self.rows) as f64);
        Point {
            x: self.head.x + self.along.x * along + self.across.x * across,
            y: self.head.y + self.along.y * along + self.across.y * across,
        }
    }
}

/// Whether something in that column holds what can be looked at.
fn holds(scene: &Scene, columns: &[usize], column: usize) -> bool {
    let mut own = columns.iter().zip(&scene.components);
    own.any(|(at, component)| *at == column && component.holds != Holds::Requests)
}

/// How deep that column is on a narrow stage.
fn deep_downwards(scene: &Scene, columns: &[usize], column: usize) -> f64 {
    if holds(scene, columns, column) {
        104.0
    } else {
        58.0
    }
}

/// The column of each component: as the scenario places it, else one further than the furthest that sends to it.
fn columns(components: &[ComponentView]) -> Vec<usize> {
    if components.iter().all(|c| c.at.is_some()) {
        // Distinct first coordinates in order, so that gaps in an author's grid leave no holes. What was put down by hand stands a
        // little beside its column.
        let mut all: Vec<f64> = { components.iter() }
            .filter_map(|c| c.at.map(|at| at[0]))
            .collect();
        all.sort_by(f64::total_cmp);
        let mut firsts: Vec<f64> = Vec::new();
        for column in all {
            if firsts.last().is_none_or(|last| column - last > BESIDE) {
                firsts.push(column);
            }
        }
        let column = |c: &ComponentView| {
            let after = firsts.partition_point(|first| c.at.is_some_and(|[at, _]| *first <= at));
            after.checked_sub(1)
        };
        return components.iter().map(|c| column(c).unwrap_or(0)).collect();
    }
    let mut columns: Vec<usize> = components
        .iter()
        .map(|c| usize::from(c.kind != Kind::Client))
        .collect();
    // Calls have no cycles, so as many rounds as there are components settle it.
    for _ in 0..components.len() {
        for (at, component) in components.iter().enumerate() {
            for target in &component.targets {
                let target = usize::from(*target);
                columns[target] = columns[target].max(columns[at] + 1);
            }
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::StationView;

    fn scene(instances: u32) -> Scene {
        let component = |name: &str, kind, targets: &[u16]| ComponentView {
            name: name.to_owned(),
            label: name.to_owned(),
            kind,
            at: None,
            targets: targets.to_vec(),
            scales: false,
            holds: Holds::Requests,
        };
        let station = |component, instance| StationView {
            component,
            instance,
            servers: 4,
            queue: 50,
            live: true,
            starts: true,
        };
        Scene {
            components: vec![
                component("users", Kind::Client, &[1]),
                component("balancer", Kind::Balancer, &[2]),
                component("shop", Kind::Service, &[3]),
                component("db", Kind::Database, &[]),
            ],
            stations: (0..instances)
                .map(|i| station(2, i))
                .chain([station(3, 0)])
                .collect(),
            faults: Vec::new(),
            horizon_s: 60.0,
            window_s: 1.0,
            deadlines: false,
        }
    }

    /// Everything drawn lies on the stage, and nothing lies on anything else.
    fn check(instances: u32, width: f64, height: f64) {
        let scene = scene(instances);
        let layout = Layout::new(&scene, width, height, 1.0);
        let mut boxes: Vec<Rect> = layout.stations.iter().flatten().map(|s| s.rect).collect();
        boxes.extend(&layout.components[..2]);
        for (i, a) in boxes.iter().enumerate() {
            assert!(a.x >= 0.0 && a.y >= 0.0, "{a:?}");
            assert!(
                a.x + a.w <= width && a.y + a.h <= height,
                "{a:?} on {width}x{height}"
            );
            for b in &boxes[..i] {
                let apart =
                    a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
                assert!(apart, "{a:?} {b:?}");
            }
        }
        for place in layout.stations.iter().flatten() {
            for i in 0..place.line() {
                let point = place.in_line(i);
                assert!(boxes.iter().all(|r| {
                    point.x < r.x || point.x > r.x + r.w || point.y < r.y || point.y > r.y + r.h
                }));
            }
        }
    }

    #[test]
    fn every_size_has_room_for_everything() {
        for instances in [1, 3, 6, 12] {
            for (width, height) in [
                (390.0, 460.0),
                (340.0, 420.0),
                (720.0, 420.0),
                (1200.0, 520.0),
            ] {
                check(instances, width, height);
            }
        }
    }

    #[test]
    fn a_narrow_stage_flows_downwards() {
        let wide = Layout::new(&scene(3), 800.0, 400.0, 1.0);
        let narrow = Layout::new(&scene(3), 360.0, 460.0, 1.0);
        assert!(wide.components[3].x > wide.components[0].x && !wide.downwards);
        assert!(narrow.components[3].y > narrow.components[0].y && narrow.downwards);
    }

    #[test]
    fn the_scenario_may_say_where_things_stand() {
        let mut scene = scene(1);
        for (at, column) in [0.0, 4.0, 8.0, 2.0].into_iter().enumerate() {
            scene.components[at].at = Some([column, 0.0]);
        }
        assert_eq!(columns(&scene.components), [0, 2, 3, 1]);
    }
}
