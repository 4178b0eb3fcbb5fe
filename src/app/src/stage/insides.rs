//! Draws what stations hold: a cache's keys, the ring or map of a router, messages, steps of sagas, logs.

use core::f64::consts::TAU;
use core::fmt::Write as _;

use scale_sim::{Shape, ShardMap};

use super::canvas::Canvas;
use super::inside::{
    Changes, Entries, Events, Inside, Messages, Outbox, Partition, Pin, Placed, Promises, SagaNow,
    Sagas, StepNow,
};
use super::layout::{Point, Rect};
use super::painter::{Colours, disc};
use super::picture::Picture;
use crate::protocol::{CacheTurn, Holds, LagView, SagaTurn, Scene};

/// The height of a line of words.
const WORDS: f64 = 12.0;
const SMALL: &str = "600 10px system-ui, sans-serif";
const TINY: &str = "600 8.5px system-ui, sans-serif";

/// Draws in one station's box.
pub struct Brush<'a, C> {
    pub canvas: &'a C,
    pub colours: &'a Colours,
    /// By component: which of the shades it has, if it is a shard.
    pub shades: &'a [Option<usize>],
    pub area: Rect,
}

impl<C: Canvas> Brush<'_, C> {
    /// Draws what station number `at` holds.
    pub fn paint(&self, scene: &Scene, at: usize, picture: &Picture) {
        let Some(view) = scene.stations.get(at) else {
            return;
        };
        let holds = &scene.components[usize::from(view.component)].holds;
        if let Holds::Log = holds {
            self.log(view.instance, picture.lag(at));
            return;
        }
        let Some(inside) = picture.inside(at) else {
            self.words(self.area.y, "too much to draw", &self.colours.soft);
            return;
        };
        match (inside, holds) {
            (Inside::Entries(entries), Holds::Entries(most)) => self.entries(entries, *most),
            (Inside::Map(placed), Holds::Maps(maps)) => self.maps(maps, placed),
            (Inside::Messages(messages), _) => self.messages(messages),
            (Inside::Partitions(partitions), _) => self.partitions(partitions),
            (Inside::Sagas(sagas), Holds::Steps(names)) => self.sagas(sagas, names),
            (Inside::Outbox(outbox), _) => self.outbox(outbox),
            (Inside::Promises(promises), _) => self.promises(promises),
            (Inside::Events(events), _) => self.events(events),
            (Inside::Changes(changes), _) => self.changes(changes),
            _ => {}
        }
    }

    /// A line of words from the left; without the last of them if there is no room for all.
    fn words(&self, y: f64, words: &str, colour: &str) {
        let mut words = words;
        while self.width(words, SMALL) > self.area.w
            && let Some((fewer, _)) = words.rsplit_once(' ')
        {
            words = fewer;
        }
        self.text(self.area.x, y, words.trim_end_matches(','), colour, SMALL);
    }

    /// How wide words are.
    fn width(&self, words: &str, font: &str) -> f64 {
        self.canvas.set_font(font);
        self.canvas.width(words)
    }

    /// Writes words, if they do not go beyond the box.
    fn text(&self, x: f64, y: f64, words: &str, colour: &str, font: &str) {
        let fits = x + self.width(words, font) <= self.area.x + self.area.w + 0.5;
        if !fits {
            return;
        }
        self.canvas.set_fill(colour);
        self.canvas.fill_text(words, x, y + WORDS / 2.0, false);
    }

    fn centred(&self, at: Point, words: &str, colour: &str, font: &str) {
        self.canvas.set_font(font);
        self.canvas.set_fill(colour);
        self.canvas.fill_text(words, at.x, at.y + 0.5, true);
    }

    fn cell(&self, rect: Rect, colour: &str, full: bool) {
        if full {
            self.canvas.set_fill(colour);
            self.canvas.fill_rect(rect.x, rect.y, rect.w, rect.h);
        } else {
            self.canvas.set_stroke(colour);
            self.canvas.set_line_width(1.2);
            self.canvas.stroke_rect(
                rect.x + 0.6,
                rect.y + 0.6,
                (rect.w - 1.2).max(0.0),
                (rect.h - 1.2).max(0.0),
            );
        }
    }

    fn tinted(&self, rect: Rect, colour: &str, alpha: f64) {
        self.canvas.set_alpha(alpha);
        self.cell(rect, colour, true);
        self.canvas.set_alpha(1.0);
    }

    fn shade(&self, component: u16) -> &str {
        let shade = self.shades.get(usize::from(component)).copied().flatten();
        self.hue(shade.unwrap_or(0))
    }

    fn hue(&self, number: usize) -> &str {
        let shades = &self.colours.shades;
        shades.get(number % shades.len().max(1)).map_or("", |s| s)
    }

    /// A cache: what was looked for last, and the keys used last, the latest first.
    fn entries(&self, entries: &Entries, most: Option<u32>) {
        let Rect { x, y, w, h } = self.area;
        let c = self.colours;
        let mut top = y;
        if h >= 28.0 {
            if let Some((key, turn, _)) = entries.last {
                let (words, colour) = match turn {
                    CacheTurn::Hit => (format!("{key} ✓ hit"), &c.hit),
                    CacheTurn::StaleHit => (format!("{key} ✓ stale"), &c.wait),
                    _ => (format!("{key} ✗ miss"), &c.miss),
                };
                self.words(y, &words, colour);
            }
            top += WORDS + 3.0;
        }
        let labelled = entries.keys.iter().all(|entry| entry.key < 100_000);
        let (wide, high) = if labelled { (27.0, 13.0) } else { (10.0, 10.0) };
        let columns = ((w + 2.0) / (wide + 2.0)).floor().max(1.0) as usize;
        let rows = ((y + h - top + 2.0) / (high + 2.0)).floor().max(1.0) as usize;
        let room = columns * rows;
        let places = most.map_or(room, |most| room.min(most as usize));
        for place in 0..places {
            let rect = Rect {
                x: x + (place % columns) as f64 * (wide + 2.0),
                y: top + (place / columns) as f64 * (high + 2.0),
                w: wide,
                h: high,
            };
            let Some(entry) = entries.keys.get(place) else {
                self.tinted(rect, &c.idle, 0.22);
                continue;
            };
            let last = entries.last.filter(|(key, ..)| *key == entry.key);
            let colour = match last {
                _ if entry.stale => &c.wait,
                Some((_, CacheTurn::Hit, _)) => &c.hit,
                // It was just fetched.
                Some(_) => &c.miss,
                None => &c.held,
            };
            self.tinted(rect, colour, if last.is_some() { 0.55 } else { 0.22 });
            if entry.dirty {
                self.cell(rect, &c.lost, false);
            }
            if labelled {
                self.centred(rect.centre(), &entry.key.to_string(), &c.ink, TINY);
            }
        }
    }

    /// A router's map, with the keys that it placed last.
    fn maps(&self, maps: &[ShardMap], placed: &Placed) {
        let Rect { x, y, w, h } = self.area;
        let Some(map) = maps.first() else {
            return;
        };
        if map.shape == Shape::Ring && w >= 44.0 && h >= 44.0 {
            let radius = (w.min(h) / 2.0 - 5.0).min(60.0);
            let centre = Point {
                x: x + w / 2.0,
                y: y + h / 2.0,
            };
            self.ring(map, centre, radius);
            if let Some(after) = maps.get(1).filter(|_| radius > 24.0) {
                self.ring(after, centre, radius - 9.0);
            }
            for pin in &placed.pins {
                self.pin_on_ring(pin, centre, radius, Some(pin) == placed.pins.last());
            }
            if let Some(last) = placed.pins.last().filter(|_| maps.len() == 1) {
                self.centred(centre, &last.key.to_string(), &self.colours.ink, SMALL);
            }
            return;
        }
        let bar = 12.0_f64.min(h);
        let top = y + (WORDS + 5.0).min((h - bar).max(0.0));
        for (number, map) in maps.iter().enumerate() {
            let top = top + number as f64 * (bar + 3.0);
            if top + bar <= y + h + 1.0 {
                self.line(map, top, bar);
            }
        }
        for pin in &placed.pins {
            let at = x + w * f64::from(pin.place) / 65_536.0;
            let last = Some(pin) == placed.pins.last();
            self.canvas.set_alpha(if last { 1.0 } else { 0.35 });
            self.canvas.set_fill(&self.colours.ink);
            self.canvas.begin_path();
            self.canvas.move_to(at, top + 1.0);
            self.canvas.line_to(at - 3.5, top - 4.5);
            self.canvas.line_to(at + 3.5, top - 4.5);
            self.canvas.fill();
            self.canvas.set_alpha(1.0);
            if last && h >= bar + WORDS {
                let words = format!("key {}", pin.key);
                let wide = self.width(&words, SMALL);
                let left = (at - wide / 2.0).clamp(x, (x + w - wide).max(x));
                self.text(left, y - 1.0, &words, &self.colours.ink, SMALL);
            }
        }
    }

    fn ring(&self, map: &ShardMap, centre: Point, radius: f64) {
        let angle = |place: f64| place / 65_536.0 * TAU - TAU / 4.0;
        let mut from = 0.0;
        self.canvas.set_line_width(7.0);
        for (end, owner) in &map.arcs {
            let to = f64::from(*end) + 1.0;
            self.canvas.set_stroke(self.shade(*owner));
            self.canvas.begin_path();
            self.canvas
                .arc(centre.x, centre.y, radius, angle(from), angle(to));
            self.canvas.stroke();
            from = to;
        }
    }

    fn pin_on_ring(&self, pin: &Pin, centre: Point, radius: f64, last: bool) {
        let angle = f64::from(pin.place) / 65_536.0 * TAU - TAU / 4.0;
        let at = |radius: f64| Point {
            x: centre.x + radius * angle.cos(),
            y: centre.y + radius * angle.sin(),
        };
        self.canvas.set_alpha(if last { 1.0 } else { 0.4 });
        if last {
            let (from, to) = (at(10.0_f64.min(radius / 3.0)), at(radius));
            self.canvas.set_stroke(&self.colours.ink);
            self.canvas.set_line_width(1.4);
            self.canvas.begin_path();
            self.canvas.move_to(from.x, from.y);
            self.canvas.line_to(to.x, to.y);
            self.canvas.stroke();
        }
        self.canvas.set_fill(&self.colours.ink);
        disc(self.canvas, at(radius), if last { 4.2 } else { 2.4 });
        if last {
            self.canvas.set_fill(self.shade(pin.to));
            disc(self.canvas, at(radius), 2.6);
        }
        self.canvas.set_alpha(1.0);
    }

    fn line(&self, map: &ShardMap, top: f64, high: f64) {
        let Rect { x, w, .. } = self.area;
        let gap = if map.arcs.len() < 24 { 1.0 } else { 0.0 };
        let mut from = 0.0;
        for (end, owner) in &map.arcs {
            let to = f64::from(*end) + 1.0;
            let rect = Rect {
                x: x + w * from / 65_536.0,
                y: top,
                w: (w * (to - from) / 65_536.0 - gap).max(0.5),
                h: high,
            };
            self.cell(rect, self.shade(*owner), true);
            from = to;
        }
    }

    /// A queue: those that wait, those that consumers have, and what became of the others.
    fn messages(&self, messages: &Messages) {
        let Rect { x, y, w, h } = self.area;
        let c = self.colours;
        let mut said = format!("{} done", messages.done);
        let bad = [(messages.dead, "dead"), (messages.lost, "lost")];
        for (count, what) in bad.into_iter().filter(|(count, _)| *count > 0) {
            let _ = write!(said, ", {count} {what}");
        }
        let bad = messages.dead + messages.lost > 0;
        self.words(y, &said, if bad { &c.lost } else { &c.soft });
        let (wide, high) = (9.0, 7.0);
        let columns = ((w + 2.0) / (wide + 2.0)).floor().max(1.0) as usize;
        let rows = ((h - WORDS - 3.0 + 2.0) / (high + 3.0)).floor().max(1.0) as usize;
        let place = |number: usize, row: usize| Rect {
            x: x + w - ((number % columns) as f64 + 1.0) * (wide + 2.0) + 2.0,
            y: y + WORDS + 3.0 + (row + number / columns) as f64 * (high + 3.0),
            w: wide,
            h: high,
        };
        // With consumers: hollow, and at the front.
        let flying = messages.in_flight.len().min(columns);
        for (number, (_, again)) in messages.in_flight.iter().take(flying).enumerate() {
            let rect = place(number, 0);
            self.cell(rect, if *again { &c.lost } else { &c.held }, false);
        }
        let waiting = (messages.waiting as usize).min(columns * rows.saturating_sub(1).max(1));
        let row = usize::from(rows > 1);
        let shift = if rows > 1 { 0 } else { flying };
        for number in 0..waiting {
            if number + shift < columns * rows {
                self.cell(place(number + shift, row), &c.wait, true);
            }
        }
    }

    /// A topic: the end of each partition, and how far its readers are.
    fn partitions(&self, partitions: &[Partition]) {
        let Rect { x, y, w, h } = self.area;
        let c = self.colours;
        let pitch = (h / partitions.len().max(1) as f64).min(16.0);
        let cell = 7.0;
        let columns = (w / (cell + 1.0)).floor().max(1.0) as u32;
        for (number, partition) in partitions.iter().enumerate() {
            let top = y + number as f64 * pitch;
            let high = (pitch - 5.0).clamp(2.0, 9.0);
            let first = partition.end.saturating_sub(columns);
            let committed = partition.groups.iter().map(|[_, committed]| *committed);
            let committed = committed.min().unwrap_or(0);
            for offset in first..partition.end {
                let rect = Rect {
                    x: x + f64::from(offset - first) * (cell + 1.0),
                    y: top,
                    w: cell,
                    h: high,
                };
                if offset < committed {
                    self.tinted(rect, &c.idle, 0.45);
                } else {
                    self.cell(rect, &c.wait, true);
                }
            }
            // Where each group reads on.
            for (group, [_, committed]) in partition.groups.iter().enumerate() {
                let at = x + f64::from(committed.saturating_sub(first)) * (cell + 1.0) - 0.5;
                self.canvas.set_fill(self.hue(group));
                self.canvas.fill_rect(at - 1.0, top - 1.0, 2.4, high + 4.0);
            }
        }
    }

    /// Sagas: a row each, a field for each step.
    fn sagas(&self, sagas: &Sagas, names: &[String]) {
        let Rect { x, y, w, h } = self.area;
        let head = if w >= 100.0 && h >= 30.0 { WORDS } else { 0.0 };
        let pitch = 14.0_f64.min(h - head);
        let rows = ((h - head) / pitch).floor().max(1.0) as usize;
        let number = if w >= 130.0 { 26.0 } else { 0.0 };
        let wide = (w - number) / names.len().max(1) as f64;
        if head > 0.0 {
            for (step, name) in names.iter().enumerate() {
                let at = Point {
                    x: x + number + (step as f64 + 0.5) * wide,
                    y: y + head / 2.0 - 1.0,
                };
                let short: String = name.chars().take((wide / 5.2) as usize).collect();
                self.centred(at, &short, &self.colours.soft, TINY);
            }
        }
        for (row, saga) in sagas.shown(rows).into_iter().enumerate() {
            let top = y + head + row as f64 * pitch;
            if number > 0.0 {
                let words = format!("#{}", saga.saga + 1);
                self.text(x, top - 0.5, &words, &self.colours.soft, TINY);
            }
            self.saga(saga, x + number, top, wide, pitch - 3.0);
        }
    }

    fn saga(&self, saga: &SagaNow, x: f64, y: f64, wide: f64, high: f64) {
        let c = self.colours;
        for (step, state) in saga.steps.iter().enumerate() {
            let rect = Rect {
                x: x + step as f64 * wide + 1.0,
                y,
                w: wide - 2.0,
                h: high,
            };
            let (colour, full, mark) = match state {
                StepNow::Waiting => (&c.idle, false, ""),
                StepNow::Doing => (&c.busy, false, "…"),
                StepNow::Done => (&c.hit, true, "✓"),
                StepNow::Failed => (&c.lost, true, "✗"),
                StepNow::Undoing => (&c.undo, false, "↶"),
                StepNow::Undone => (&c.undo, true, "↶"),
            };
            self.cell(rect, colour, full);
            let ink = if full { &c.surface } else { colour };
            if high >= 8.0 {
                self.centred(rect.centre(), mark, ink, TINY);
            }
        }
        let colour = match saga.end {
            Some(SagaTurn::Stuck) => &c.lost,
            _ if saga.orphan => &c.wait,
            _ => return,
        };
        // Nobody goes on with it.
        let whole = Rect {
            x,
            y: y - 1.5,
            w: wide * saga.steps.len() as f64,
            h: high + 3.0,
        };
        self.cell(whole, colour, false);
    }

    /// A letter for each message in the outbox, the first in line last: next to where it goes.
    fn outbox(&self, outbox: &Outbox) {
        let Rect { x, y, w, .. } = self.area;
        let c = self.colours;
        let waiting = outbox.waiting();
        let words = match waiting {
            0 => format!("{} relayed", outbox.relayed),
            _ => format!("{waiting} in the outbox"),
        };
        self.words(y, &words, if waiting > 0 { &c.wait } else { &c.soft });
        let wide = 13.0;
        let room = (w / wide).floor() as usize;
        for number in 0..outbox.keys.len().min(room) {
            let letter = Rect {
                x: x + w - (number + 1) as f64 * wide + 2.0,
                y: y + WORDS + 4.0,
                w: wide - 2.0,
                h: 8.0,
            };
            self.cell(letter, &c.wait, false);
            self.canvas.begin_path();
            self.canvas.move_to(letter.x, letter.y);
            self.canvas
                .line_to(letter.x + letter.w / 2.0, letter.y + 4.5);
            self.canvas.line_to(letter.x + letter.w, letter.y);
            self.canvas.stroke();
        }
    }

    /// A lock for each transaction in doubt.
    fn promises(&self, promises: &Promises) {
        let Rect { x, y, w, .. } = self.area;
        let c = self.colours;
        let doubted = promises.doubted.len();
        let words = match doubted {
            0 => format!("{} committed", promises.committed),
            _ => format!("{doubted} in doubt"),
        };
        self.words(y, &words, if doubted > 0 { &c.wait } else { &c.soft });
        let room = (w / 12.0).floor() as usize;
        for number in 0..doubted.min(room) {
            let left = x + number as f64 * 12.0;
            let top = y + WORDS + 7.0;
            self.canvas.set_stroke(&c.wait);
            self.canvas.set_line_width(1.4);
            self.canvas.begin_path();
            self.canvas.arc(left + 4.5, top, 2.8, TAU / 2.0, TAU);
            self.canvas.stroke();
            let rect = Rect {
                x: left,
                y: top,
                w: 9.0,
                h: 6.5,
            };
            self.cell(rect, &c.wait, true);
        }
    }

    /// A store: the latest events, each in the colour of its stream.
    fn events(&self, events: &Events) {
        let Rect { x, y, w, h } = self.area;
        let words = format!("{} events", events.count);
        self.words(y, &words, &self.colours.soft);
        let cell = 10.0;
        let room = (w / (cell + 2.0)).floor().max(1.0) as usize;
        let first = events.latest.len().saturating_sub(room);
        for (number, (stream, _, snapshot)) in events.latest[first..].iter().enumerate() {
            let rect = Rect {
                x: x + number as f64 * (cell + 2.0),
                y: y + WORDS + 4.0,
                w: cell,
                h: cell.min(h - WORDS - 4.0).max(2.0),
            };
            self.cell(rect, self.hue(*stream as usize), true);
            if *snapshot {
                let below = Rect {
                    y: rect.y + rect.h + 2.0,
                    h: 2.5,
                    ..rect
                };
                self.cell(below, &self.colours.ink, true);
            }
        }
    }

    /// A view: how far it is behind its source.
    fn changes(&self, changes: &Changes) {
        let c = self.colours;
        let (words, colour) = match (changes.rebuilding, changes.behind) {
            (true, _) => ("being rebuilt".to_owned(), &c.wait),
            (false, 0) => ("up to date".to_owned(), &c.hit),
            (false, behind) => (format!("{behind} behind"), &c.wait),
        };
        self.words(self.area.y, &words, colour);
        self.behind(self.area.y + WORDS + 4.0, u64::from(changes.behind));
    }

    /// A node of a replicated database: the end of its log, with what it does not have yet hollow.
    fn log(&self, instance: u32, lag: Option<LagView>) {
        let c = self.colours;
        let lag = lag.filter(|lag| lag.writes > 0);
        let (words, colour) = match lag {
            Some(lag) => (format!("{:.0} ms behind", lag.ms), &c.wait),
            None if instance == 0 => ("writes here".to_owned(), &c.soft),
            None => ("up to date".to_owned(), &c.hit),
        };
        self.words(self.area.y, &words, colour);
        let writes = lag.map_or(0, |lag| lag.writes);
        self.behind(self.area.y + WORDS + 4.0, writes);
    }

    /// The end of a log: full as far as it is applied.
    fn behind(&self, top: f64, behind: u64) {
        let Rect { x, w, .. } = self.area;
        let c = self.colours;
        let room = (w / 9.0).floor().max(1.0) as u64;
        for place in 0..room {
            let rect = Rect {
                x: x + place as f64 * 9.0,
                y: top,
                w: 7.0,
                h: 8.0,
            };
            if place + behind.min(room) >= room {
                self.cell(rect, &c.wait, false);
            } else {
                self.tinted(rect, &c.held, 0.6);
            }
        }
    }
}
