//! Where the board is in the browser: columns and rows of a design, and the pixels they are drawn at.

use crate::stage::layout::{NARROW, Point};

/// From one column to the next, in pixels of the board.
pub const COLUMN: f64 = 208.0;
/// From one row to the next.
pub const ROW: f64 = 104.0;
/// The same where columns lie below each other: from one row to the next beside it, from one column to the next below it.
const BESIDE: f64 = 172.0;
const BELOW: f64 = 112.0;
/// How wide a component is drawn.
pub const WIDE: f64 = 152.0;
/// How high.
pub const HIGH: f64 = 60.0;
/// How small and how large the board can be made.
const ZOOM: [f64; 2] = [0.1, 2.5];

/// What part of the board is to be seen, and how large.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Camera {
    /// Where the board's corner is, in pixels from the corner of what can be seen.
    pub corner: Point,
    /// Pixels on the screen for one of the board.
    pub zoom: f64,
    /// How columns and rows lie.
    pub grid: Grid,
}

impl Default for Camera {
    fn default() -> Self {
        Self {
            corner: Point { x: 32.0, y: 32.0 },
            zoom: 1.0,
            grid: Grid::default(),
        }
    }
}

impl Camera {
    /// Where a point of the screen (from the corner of what can be seen) is on the board.
    pub fn on_board(&self, at: Point) -> Point {
        Point {
            x: (at.x - self.corner.x) / self.zoom,
            y: (at.y - self.corner.y) / self.zoom,
        }
    }

    /// The board so many times as large; the point at `about` stays where it is.
    #[must_use]
    pub fn zoomed(&self, factor: f64, about: Point) -> Self {
        let zoom = (self.zoom * factor).clamp(ZOOM[0], ZOOM[1]);
        let fixed = self.on_board(about);
        Self {
            corner: Point {
                x: about.x - fixed.x * zoom,
                y: about.y - fixed.y * zoom,
            },
            zoom,
            grid: self.grid,
        }
    }

    /// All of these places within so much room, never larger than they are.
    pub fn fitting(places: &[[f64; 2]], room: Point) -> Self {
        let grid = Grid::suiting(room);
        let Some(first) = places.first() else {
            return Self {
                grid,
                ..Self::default()
            };
        };
        let (mut from, mut to) = (grid.corner(*first), grid.corner(*first));
        for at in places.iter().map(|at| grid.corner(*at)) {
            from = Point {
                x: from.x.min(at.x),
                y: from.y.min(at.y),
            };
            to = Point {
                x: to.x.max(at.x),
                y: to.y.max(at.y),
            };
        }
        let (wide, high) = (to.x + WIDE - from.x, to.y + HIGH - from.y);
        let margin = 28.0;
        // Along the lower edge of a narrow board lie its buttons.
        let room = match grid {
            Grid::Across => room,
            Grid::Down => Point {
                y: (room.y - 44.0).max(60.0),
                ..room
            },
        };
        let fits = |room: f64, size: f64| (room - 2.0 * margin).max(40.0) / size;
        let zoom = { fits(room.x, wide).min(fits(room.y, high)) }.clamp(ZOOM[0], 1.0);
        Self {
            corner: Point {
                x: (room.x - wide * zoom) / 2.0 - from.x * zoom,
                y: (room.y - high * zoom) / 2.0 - from.y * zoom,
            },
            zoom,
            grid,
        }
    }

    /// All of these places within so much room: moved as little as it can be, and smaller only if there is no other way.
    #[must_use]
    pub fn showing(&self, places: &[[f64; 2]], room: Point) -> Self {
        let corners = places.iter().map(|at| self.grid.corner(*at));
        let (mut x, mut y) = ([f64::INFINITY, 0.0_f64], [f64::INFINITY, 0.0_f64]);
        for at in corners {
            x = [x[0].min(at.x), x[1].max(at.x + WIDE)];
            y = [y[0].min(at.y), y[1].max(at.y + HIGH)];
        }
        if x[0].is_infinite() {
            return *self;
        }
        let margin = 24.0;
        let fits = |[from, to]: [f64; 2], room: f64| (to - from) * self.zoom <= room - 2.0 * margin;
        if !fits(x, room.x) || !fits(y, room.y) {
            return Self::fitting(places, room);
        }
        let moved = |[from, to]: [f64; 2], corner: f64, room: f64| {
            let least = margin - from * self.zoom;
            let most = room - margin - to * self.zoom;
            corner.max(least).min(most)
        };
        Self {
            corner: Point {
                x: moved(x, self.corner.x, room.x),
                y: moved(y, self.corner.y, room.y),
            },
            ..*self
        }
    }

    /// As a style: for the layer that everything of the board lies in.
    pub fn style(&self) -> String {
        let Self { corner, zoom, .. } = self;
        format!(
            "transform:translate({:.1}px,{:.1}px) scale({zoom:.4})",
            corner.x, corner.y
        )
    }
}

/// How columns and rows lie on the screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Grid {
    /// Columns side by side: calls go from left to right.
    #[default]
    Across,
    /// Columns below each other, for a narrow screen: calls go down.
    Down,
}

impl Grid {
    /// What suits so much room.
    pub fn suiting(room: Point) -> Self {
        if room.x < NARROW {
            Self::Down
        } else {
            Self::Across
        }
    }

    /// The upper left corner of the component that stands at this column and row.
    pub fn corner(self, [column, row]: [f64; 2]) -> Point {
        match self {
            Self::Across => Point {
                x: column * COLUMN,
                y: row * ROW,
            },
            Self::Down => Point {
                x: row * BESIDE,
                y: column * BELOW,
            },
        }
    }

    /// How many columns and rows a way on the board is.
    pub fn steps(self, way: Point) -> [f64; 2] {
        match self {
            Self::Across => [way.x / COLUMN, way.y / ROW],
            Self::Down => [way.y / BELOW, way.x / BESIDE],
        }
    }

    /// The column and row of a component whose middle is here.
    pub fn centred(self, at: Point) -> [f64; 2] {
        self.steps(Point {
            x: at.x - WIDE / 2.0,
            y: at.y - HIGH / 2.0,
        })
    }

    /// Where calls leave a component with this corner.
    pub fn way_out(self, corner: Point) -> Point {
        match self {
            Self::Across => Point {
                x: corner.x + WIDE,
                y: corner.y + HIGH / 2.0,
            },
            Self::Down => Point {
                x: corner.x + WIDE / 2.0,
                y: corner.y + HIGH,
            },
        }
    }

    /// The way from one component to another, given by their corners, as the `d` of a path.
    pub fn wire(self, from: Point, to: Point) -> String {
        let end = match self {
            Self::Across => Point {
                x: to.x,
                y: to.y + HIGH / 2.0,
            },
            Self::Down => Point {
                x: to.x + WIDE / 2.0,
                y: to.y,
            },
        };
        self.line(self.way_out(from), end)
    }

    /// A way from one point to another that sets out and comes in as calls do.
    pub fn line(self, from: Point, to: Point) -> String {
        let along = match self {
            Self::Across => to.x - from.x,
            Self::Down => to.y - from.y,
        };
        let bend = (along.abs() / 2.0).clamp(24.0, 160.0);
        let on = |at: Point, by: f64| match self {
            Self::Across => Point { x: at.x + by, ..at },
            Self::Down => Point { y: at.y + by, ..at },
        };
        let (out, back, end) = (on(from, bend), on(to, -bend), on(to, -5.0));
        format!(
            "M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
            from.x, from.y, out.x, out.y, back.x, back.y, end.x, end.y
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_zoomed_about_a_point_keeps_that_point() {
        let camera = Camera::default();
        let about = Point { x: 300.0, y: 120.0 };
        let before = camera.on_board(about);
        let after = camera.zoomed(1.7, about).on_board(about);
        assert!((before.x - after.x).abs() < 1e-9 && (before.y - after.y).abs() < 1e-9);
        assert!(camera.zoomed(1e9, about).zoom <= ZOOM[1]);
    }

    #[test]
    fn all_that_is_there_fits() {
        let narrow = Point { x: 390.0, y: 500.0 };
        let room = Point { x: 700.0, y: 500.0 };
        for (room, far) in [(room, [4.0, 40.0]), (narrow, [30.0, 2.0])] {
            let places = [[0.0, 0.0], [12.0, 3.0], far];
            let camera = Camera::fitting(&places, room);
            for at in places {
                let at = camera.grid.corner(at);
                let seen = |x: f64, y: f64| {
                    let x = x * camera.zoom + camera.corner.x;
                    let y = y * camera.zoom + camera.corner.y;
                    (0.0..=room.x).contains(&x) && (0.0..=room.y).contains(&y)
                };
                assert!(seen(at.x, at.y) && seen(at.x + WIDE, at.y + HIGH), "{at:?}");
            }
        }
    }

    #[test]
    fn where_something_is_put_there_it_stands() {
        for grid in [Grid::Across, Grid::Down] {
            let corner = grid.corner([3.0, 2.0]);
            let middle = Point {
                x: corner.x + WIDE / 2.0,
                y: corner.y + HIGH / 2.0,
            };
            let [column, row] = grid.centred(middle);
            assert!((column - 3.0).abs() < 1e-9 && (row - 2.0).abs() < 1e-9);
        }
    }
}
