//! The hand over the board: a press selects, a drag moves what is pressed or the board itself, from a port it connects, with Shift
//! it selects all it goes over; two fingers and the wheel move and zoom.
//!
//! While something is dragged the elements are moved directly, and the design learns of it when the hand lets go: so a drag is one
//! step, and costs the same however large the design is.

use core::cell::RefCell;
use std::rc::Rc;

use gloo::events::{EventListener, EventListenerOptions};
use scale_design::Edit;
use scale_design::wiring::Wiring;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement, PointerEvent, WheelEvent};
use yew::prelude::*;

use super::board::{Props, apply};
use super::deed::Deed;
use super::place::{Camera, Grid, HIGH, WIDE};
use crate::browser;
use crate::stage::layout::Point;

/// A press that moves less is a click, in CSS pixels.
const CLICK: f64 = 4.0;
/// How much a turn of the wheel by one CSS pixel zooms, and the most that counts of one turn: a mouse's notch is a hundred.
const WHEEL: f64 = 0.01;
const NOTCH: f64 = 25.0;
/// Lines and pages of a wheel that does not count in pixels.
const LINE: f64 = 40.0;

/// What the hand does just now.
#[derive(Default)]
enum Held {
    #[default]
    Nothing,
    /// Pressed, and not moved yet.
    Press(Press),
    /// Moves components.
    Move(Press, Vec<Moved>, Vec<Bent>),
    /// Draws a connection from this component.
    Wire(String),
    /// Moves the board.
    Pan(Press, Point),
    /// Selects what it goes over.
    Marquee(Press),
    /// Two fingers.
    Pinch(f64, Point),
}

/// A press.
#[derive(Clone)]
struct Press {
    /// Where, from the corner of what can be seen.
    at: Point,
    on: On,
    more: bool,
}

#[derive(Clone)]
enum On {
    Board,
    Node(String),
    Port(String),
    Wire(String, String),
}

/// A component that is moved, and the corner it stood at.
struct Moved {
    name: String,
    element: HtmlElement,
    corner: Point,
}

/// A way that bends with it: its lines, and the corners of its ends, with whether they are moved.
struct Bent {
    lines: Vec<Element>,
    ends: [(Point, bool); 2],
}

/// Listens to the hand until it is dropped.
pub struct Hand {
    _listeners: [EventListener; 6],
}

struct State {
    held: Held,
    /// Fingers and buttons that are down.
    down: Vec<(i32, Point)>,
    seen: HtmlElement,
    layer: NodeRef,
    now: Rc<RefCell<Props>>,
    renew: Callback<()>,
}

impl Hand {
    /// Listens to the hand over `seen`.
    pub fn new(
        seen: &NodeRef,
        layer: &NodeRef,
        now: &Rc<RefCell<Props>>,
        renew: Callback<()>,
    ) -> Option<Self> {
        let element = seen.cast::<HtmlElement>()?;
        let state = Rc::new(RefCell::new(State {
            held: Held::Nothing,
            down: Vec::new(),
            seen: element.clone(),
            layer: layer.clone(),
            now: Rc::clone(now),
            renew,
        }));
        let listen = |name: &'static str, does: fn(&mut State, &Event) -> Option<Deed>| {
            let state = Rc::clone(&state);
            // Not passive: what is done here the browser must not do, too.
            let options = EventListenerOptions::enable_prevent_default();
            EventListener::new_with_options(&element, name, options, move |event| {
                let deed = does(&mut state.borrow_mut(), event);
                if let Some(deed) = deed {
                    let act = state.borrow().now.borrow().act.clone();
                    act.emit(deed);
                }
            })
        };
        Some(Self {
            _listeners: [
                listen("pointerdown", pressed),
                listen("pointermove", moved),
                listen("pointerup", let_go),
                listen("pointercancel", cancelled),
                listen("lostpointercapture", cancelled),
                listen("wheel", turned),
            ],
        })
    }
}

fn within(seen: &HtmlElement, mouse: &web_sys::MouseEvent) -> Point {
    let corner = seen.get_bounding_client_rect();
    Point {
        x: f64::from(mouse.client_x()) - corner.left(),
        y: f64::from(mouse.client_y()) - corner.top(),
    }
}

/// What lies under the hand.
fn under(event: &Event) -> On {
    let target = event.target().and_then(|t| t.dyn_into::<Element>().ok());
    let Some(target) = target else {
        return On::Board;
    };
    if let Some(name) = target.get_attribute("data-port") {
        return On::Port(name);
    }
    let closest = |selector: &str| target.closest(selector).ok().flatten();
    if let Some(name) = closest("[data-node]").and_then(|e| e.get_attribute("data-node")) {
        return On::Node(name);
    }
    let ends = closest("[data-from]").and_then(|wire| {
        Some((
            wire.get_attribute("data-from")?,
            wire.get_attribute("data-to")?,
        ))
    });
    ends.map_or(On::Board, |(from, to)| On::Wire(from, to))
}

fn pressed(state: &mut State, event: &Event) -> Option<Deed> {
    let pointer = event.dyn_ref::<PointerEvent>()?;
    let at = within(&state.seen, pointer);
    let touch = pointer.pointer_type() == "touch";
    if !touch && pointer.button() > 1 {
        return None;
    }
    state.down.retain(|(id, _)| *id != pointer.pointer_id());
    state.down.push((pointer.pointer_id(), at));
    // Also outside of the board; without it a drag ends at its edge.
    let _ = state.seen.set_pointer_capture(pointer.pointer_id());
    if let [(_, a), (_, b)] = state.down[..] {
        state.undo_drag();
        state.held = Held::Pinch(apart(a, b), middle(a, b));
        return None;
    }
    let on = if pointer.button() == 1 {
        On::Board
    } else {
        under(event)
    };
    let several = state.now.borrow().several;
    let more = several || pointer.shift_key() || pointer.ctrl_key() || pointer.meta_key();
    state.held = Held::Press(Press {
        at,
        on: on.clone(),
        more,
    });
    let connecting = state.now.borrow().connecting.is_some();
    match on {
        // Selected when it is pressed, so that a drag moves it.
        On::Node(name) if !connecting => {
            focus_node(&state.seen, &name);
            let already = state.now.borrow().selected.contains(&name);
            (!already || more).then_some(Deed::Touch { name, more })
        }
        _ => None,
    }
}

/// Gives a component the keyboard's place: with the pointer captured the browser does not.
fn focus_node(seen: &HtmlElement, name: &str) {
    if let Some(node) = node(seen, name) {
        let options = web_sys::FocusOptions::new();
        options.set_prevent_scroll(true);
        let _ = node.focus_with_options(&options);
    }
}

fn node(seen: &HtmlElement, name: &str) -> Option<HtmlElement> {
    let selector = format!("[data-node='{}']", name.replace(['\'', '\\'], ""));
    let found = seen.query_selector(&selector).ok().flatten()?;
    found.dyn_into().ok()
}

fn apart(a: Point, b: Point) -> f64 {
    (a.x - b.x).hypot(a.y - b.y).max(1.0)
}

fn middle(a: Point, b: Point) -> Point {
    Point {
        x: f64::midpoint(a.x, b.x),
        y: f64::midpoint(a.y, b.y),
    }
}

fn moved(state: &mut State, event: &Event) -> Option<Deed> {
    let pointer = event.dyn_ref::<PointerEvent>()?;
    let at = within(&state.seen, pointer);
    let known = state
        .down
        .iter_mut()
        .find(|(id, _)| *id == pointer.pointer_id());
    known?.1 = at;
    if let Held::Press(press) = &state.held {
        if apart(press.at, at) < CLICK {
            return None;
        }
        let press = press.clone();
        state.begin(press);
    }
    match &mut state.held {
        Held::Nothing | Held::Press(_) => {}
        Held::Move(press, nodes, ways) => {
            let Camera { zoom, grid, .. } = *state.now.borrow().camera.0.borrow();
            let by = Point {
                x: (at.x - press.at.x) / zoom,
                y: (at.y - press.at.y) / zoom,
            };
            let to = |corner: Point| Point {
                x: corner.x + by.x,
                y: corner.y + by.y,
            };
            for node in nodes {
                let at = to(node.corner);
                let transform = format!("translate({:.1}px,{:.1}px)", at.x, at.y);
                let _ = node.element.style().set_property("transform", &transform);
            }
            for way in ways {
                let [from, end] = way.ends.map(|(at, moves)| if moves { to(at) } else { at });
                let d = grid.wire(from, end);
                for line in &way.lines {
                    let _ = line.set_attribute("d", &d);
                }
            }
        }
        Held::Wire(from) => {
            let from = from.clone();
            state.rubber(Some((&from, at)));
        }
        Held::Pan(press, start) => {
            let (dx, dy) = (at.x - press.at.x, at.y - press.at.y);
            let corner = Point {
                x: start.x + dx,
                y: start.y + dy,
            };
            let camera = state.now.borrow().camera.clone();
            camera.0.borrow_mut().corner = corner;
            apply(&camera.0.borrow(), &state.layer);
        }
        Held::Marquee(press) => {
            let (a, b) = (press.at, at);
            if let Some(marquee) = state.marquee() {
                let style = format!(
                    "left:{:.0}px;top:{:.0}px;width:{:.0}px;height:{:.0}px",
                    a.x.min(b.x),
                    a.y.min(b.y),
                    (a.x - b.x).abs(),
                    (a.y - b.y).abs()
                );
                marquee.style().set_css_text(&style);
                let _ = marquee.remove_attribute("hidden");
            }
        }
        Held::Pinch(before, was) => {
            if let [(_, a), (_, b)] = state.down[..] {
                let (now, mid) = (apart(a, b), middle(a, b));
                let camera = state.now.borrow().camera.clone();
                let mut next = camera.0.borrow().zoomed(now / *before, mid);
                next.corner.x += mid.x - was.x;
                next.corner.y += mid.y - was.y;
                *camera.0.borrow_mut() = next;
                (*before, *was) = (now, mid);
                apply(&next, &state.layer);
            }
        }
    }
    None
}

/// Puts back what a drag has moved.
fn put_back(grid: Grid, nodes: &[Moved], ways: &[Bent]) {
    for node in nodes {
        let Point { x, y } = node.corner;
        let transform = format!("translate({x:.1}px,{y:.1}px)");
        let _ = node.element.style().set_property("transform", &transform);
    }
    for way in ways {
        let d = grid.wire(way.ends[0].0, way.ends[1].0);
        for line in &way.lines {
            let _ = line.set_attribute("d", &d);
        }
    }
}

impl State {
    /// A press has become a drag.
    fn begin(&mut self, press: Press) {
        let (connecting, camera) = {
            let now = self.now.borrow();
            (now.connecting.is_some(), *now.camera.0.borrow())
        };
        self.held = match &press.on {
            On::Port(name) => {
                let name = name.clone();
                self.mark_aims(Some(&name));
                Held::Wire(name)
            }
            On::Node(_) if !connecting => {
                let (nodes, ways) = self.lift();
                Held::Move(press, nodes, ways)
            }
            On::Board | On::Wire(..) if press.more => Held::Marquee(press),
            _ => Held::Pan(press, camera.corner),
        };
    }

    /// The elements that move when what is selected is moved.
    fn lift(&self) -> (Vec<Moved>, Vec<Bent>) {
        let now = self.now.borrow();
        let design = &now.design;
        let grid = now.camera.0.borrow().grid;
        let at = |name: &str| grid.corner(design.at(name));
        let nodes = now.selected.iter().filter_map(|name| {
            Some(Moved {
                element: node(&self.seen, name)?,
                corner: at(name),
                name: name.clone(),
            })
        });
        let moves = |name: &str| now.selected.iter().any(|other| other == name);
        let mut ways = Vec::new();
        if let Ok(all) = self.seen.query_selector_all("[data-from]") {
            for i in 0..all.length() {
                let Some(group) = all.item(i).and_then(|e| e.dyn_into::<Element>().ok()) else {
                    continue;
                };
                let end = |name: &str| group.get_attribute(name).unwrap_or_default();
                let (from, to) = (end("data-from"), end("data-to"));
                if moves(&from) || moves(&to) {
                    let children = group.children();
                    let lines = (0..children.length()).filter_map(|i| children.item(i));
                    ways.push(Bent {
                        lines: lines.collect(),
                        ends: [(at(&from), moves(&from)), (at(&to), moves(&to))],
                    });
                }
            }
        }
        (nodes.collect(), ways)
    }

    /// Puts back what a drag has moved that is not to count.
    fn undo_drag(&mut self) {
        if let Held::Move(_, nodes, ways) = &self.held {
            put_back(self.grid(), nodes, ways);
        }
        self.rubber(None);
        self.mark_aims(None);
        if let Some(marquee) = self.marquee() {
            let _ = marquee.set_attribute("hidden", "");
        }
        self.held = Held::Nothing;
    }

    /// How columns and rows lie now.
    fn grid(&self) -> Grid {
        self.now.borrow().camera.0.borrow().grid
    }

    fn marquee(&self) -> Option<HtmlElement> {
        let marquee = self.seen.query_selector(".marquee").ok().flatten();
        marquee?.dyn_into().ok()
    }

    /// Draws the connection that is being made, up to the hand; or none.
    fn rubber(&self, from: Option<(&str, Point)>) {
        let Some(rubber) = self.seen.query_selector(".rubber").ok().flatten() else {
            return;
        };
        let d = from.map(|(name, at)| {
            let now = self.now.borrow();
            let camera = *now.camera.0.borrow();
            let start = camera.grid.way_out(camera.grid.corner(now.design.at(name)));
            camera.grid.line(start, camera.on_board(at))
        });
        let _ = rubber.set_attribute("d", &d.unwrap_or_default());
    }

    /// Shows what can be called by this component; or nothing any more.
    fn mark_aims(&self, from: Option<&str>) {
        let now = self.now.borrow();
        let Ok(all) = self.seen.query_selector_all("[data-node]") else {
            return;
        };
        let scenario = now.design.scenario();
        let wiring = from.map(|_| Wiring::new(scenario));
        for i in 0..all.length() {
            let Some(node) = all.item(i).and_then(|e| e.dyn_into::<Element>().ok()) else {
                continue;
            };
            let list = node.class_list();
            let _ = list.remove_2("open", "shut");
            if let (Some(from), Some(name), Some(wiring)) =
                (from, node.get_attribute("data-node"), &wiring)
                && from != name
            {
                let shut = wiring.refusal(scenario, from, &name).is_some();
                let _ = list.add_1(if shut { "shut" } else { "open" });
            }
        }
    }

    /// The component under this place of the screen.
    fn node_at(event: &PointerEvent) -> Option<String> {
        let (x, y) = (event.client_x() as f32, event.client_y() as f32);
        let element = browser::document().element_from_point(x, y)?;
        let node = element.closest("[data-node]").ok().flatten()?;
        node.get_attribute("data-node")
    }
}

fn let_go(state: &mut State, event: &Event) -> Option<Deed> {
    let pointer = event.dyn_ref::<PointerEvent>()?;
    state.down.retain(|(id, _)| *id != pointer.pointer_id());
    let at = within(&state.seen, pointer);
    let held = core::mem::take(&mut state.held);
    let connecting = state.now.borrow().connecting.clone();
    match held {
        Held::Nothing | Held::Pan(..) => {
            state.renew.emit(());
            None
        }
        Held::Press(press) => match press.on {
            On::Node(name) if connecting.is_some() => Some(Deed::Touch { name, more: false }),
            // One of several that were selected is pressed: it alone is meant.
            On::Node(name) if !press.more => Some(Deed::Select(vec![name])),
            On::Node(_) => None,
            On::Port(name) => Some(Deed::Connecting(Some(name))),
            On::Wire(from, to) => Some(Deed::SelectWire(from, to)),
            On::Board if press.more => None,
            On::Board if connecting.is_some() => Some(Deed::Escape),
            On::Board => Some(Deed::Select(Vec::new())),
        },
        Held::Move(press, nodes, ways) => {
            let Camera { zoom, grid, .. } = *state.now.borrow().camera.0.borrow();
            let by = grid.steps(Point {
                x: (at.x - press.at.x) / zoom,
                y: (at.y - press.at.y) / zoom,
            });
            // Back to where the design has them, for what is drawn anew is what differs from that.
            put_back(grid, &nodes, &ways);
            let names = nodes.into_iter().map(|node| node.name).collect();
            Some(Deed::Edit(Edit::Move { names, by }))
        }
        Held::Wire(from) => {
            state.rubber(None);
            state.mark_aims(None);
            let to = State::node_at(pointer).filter(|to| *to != from);
            Some(match to {
                Some(to) => Deed::Connect(from, to),
                // Let go over nothing: what is begun can be ended by a press.
                None => Deed::Connecting(Some(from)),
            })
        }
        Held::Marquee(press) => {
            if let Some(marquee) = state.marquee() {
                let _ = marquee.set_attribute("hidden", "");
            }
            let now = state.now.borrow();
            let camera = *now.camera.0.borrow();
            let (a, b) = (camera.on_board(press.at), camera.on_board(at));
            let inside = |name: &String| {
                let at = camera.grid.corner(now.design.at(name));
                at.x + WIDE > a.x.min(b.x)
                    && at.x < a.x.max(b.x)
                    && at.y + HIGH > a.y.min(b.y)
                    && at.y < a.y.max(b.y)
            };
            let names = now.design.scenario().components.keys();
            Some(Deed::Select(
                names.filter(|name| inside(name)).cloned().collect(),
            ))
        }
        Held::Pinch(..) => {
            // The finger that stays moves the board on.
            if let [(_, at)] = state.down[..] {
                let corner = state.now.borrow().camera.0.borrow().corner;
                let press = Press {
                    at,
                    on: On::Board,
                    more: false,
                };
                state.held = Held::Pan(press, corner);
            }
            None
        }
    }
}

fn cancelled(state: &mut State, event: &Event) -> Option<Deed> {
    let pointer = event.dyn_ref::<PointerEvent>()?;
    let known = state.down.iter().any(|(id, _)| *id == pointer.pointer_id());
    if known {
        state.down.retain(|(id, _)| *id != pointer.pointer_id());
        state.undo_drag();
    }
    None
}

fn turned(state: &mut State, event: &Event) -> Option<Deed> {
    let wheel = event.dyn_ref::<WheelEvent>()?;
    event.prevent_default();
    let unit = match wheel.delta_mode() {
        WheelEvent::DOM_DELTA_PIXEL => 1.0,
        _ => LINE,
    };
    let (dx, dy) = (wheel.delta_x() * unit, wheel.delta_y() * unit);
    let camera = state.now.borrow().camera.clone();
    let before = *camera.0.borrow();
    let next = if wheel.ctrl_key() || wheel.meta_key() {
        let factor = (-dy.clamp(-NOTCH, NOTCH) * WHEEL).exp();
        before.zoomed(factor, within(&state.seen, wheel))
    } else {
        let mut moved = before;
        // With Shift a wheel that turns one way goes to the side.
        let (dx, dy) = if wheel.shift_key() && dx == 0.0 {
            (dy, 0.0)
        } else {
            (dx, dy)
        };
        moved.corner.x -= dx;
        moved.corner.y -= dy;
        moved
    };
    *camera.0.borrow_mut() = next;
    apply(&next, &state.layer);
    None
}
