//! The picture under the hand: a zoomed one is dragged, two fingers or the wheel with Ctrl make it larger or smaller about
//! where they are. One finger is the browser's: over a fitted picture it scrolls the page, over a zoomed one the picture, and
//! at its edge the page again.

use core::cell::RefCell;
use std::rc::Rc;

use gloo::events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement, PointerEvent, TouchEvent, WheelEvent};
use yew::prelude::*;

use super::clock::Live;
use super::layout::Point;
use super::pane::PaneRefs;
use super::parts::ZOOM;
use crate::browser;

/// A press that moves less is a click, in CSS pixels.
const CLICK: f64 = 4.0;
/// So long after a drag a click belongs to it, in milliseconds.
const AFTER_MS: f64 = 60.0;
/// How much a turn of the wheel by one CSS pixel zooms, and the most that counts of one turn: a mouse's notch is a hundred.
const WHEEL: f64 = 0.01;
const NOTCH: f64 = 25.0;

/// What stays where it is while the size of the picture changes.
#[derive(Clone, Copy, Debug)]
pub struct Anchor {
    /// Which part of the picture, as shares of its width and height.
    part: Point,
    /// Where that is to be, in what can be seen.
    at: Point,
}

/// What the hand does just now.
#[derive(Default)]
enum Held {
    #[default]
    Nothing,
    Drag {
        seen: HtmlElement,
        from: Point,
        scroll: Point,
        moved: bool,
    },
    Pinch {
        seen: HtmlElement,
        apart: f64,
        zoom: f64,
    },
}

/// Listens to the hand over the pictures of a stage, until it is dropped.
pub struct Hand {
    _listeners: [EventListener; 8],
}

impl Hand {
    /// Listens to the hand over what is in `frame`.
    pub fn new(
        frame: &NodeRef,
        live: &Rc<RefCell<Live>>,
        renew: &UseForceUpdateHandle,
    ) -> Option<Self> {
        let frame = frame.cast::<Element>()?;
        let held = Rc::new(RefCell::new(Held::default()));
        let listen = |name: &'static str, does: fn(&Event, &mut Held, &mut Live) -> bool| {
            let (held, live, renew) = (Rc::clone(&held), Rc::clone(live), renew.clone());
            // Not passive: what is done here the browser must not do, too.
            let options = EventListenerOptions::enable_prevent_default();
            EventListener::new_with_options(&frame, name, options, move |event| {
                if does(event, &mut held.borrow_mut(), &mut live.borrow_mut()) {
                    renew.force_update();
                }
            })
        };
        Some(Self {
            _listeners: [
                listen("pointerdown", pressed),
                listen("pointermove", moved),
                listen("pointerup", let_go),
                listen("pointercancel", let_go),
                listen("wheel", turned),
                listen("touchstart", touched),
                listen("touchmove", pinched),
                listen("touchend", lifted),
            ],
        })
    }
}

/// The picture that an event is over.
fn picture(event: &Event) -> Option<HtmlElement> {
    let target = event.target()?.dyn_into::<Element>().ok()?;
    let seen = target.closest(".stage-picture").ok().flatten()?;
    seen.dyn_into().ok()
}

fn pressed(event: &Event, held: &mut Held, live: &mut Live) -> bool {
    let Some(pointer) = event.dyn_ref::<PointerEvent>() else {
        return false;
    };
    // A finger scrolls by itself.
    if live.zoom > 1.0
        && pointer.pointer_type() != "touch"
        && pointer.button() == 0
        && let Some(seen) = picture(event)
    {
        *held = Held::Drag {
            from: place(pointer),
            scroll: Point {
                x: f64::from(seen.scroll_left()),
                y: f64::from(seen.scroll_top()),
            },
            seen,
            moved: false,
        };
    }
    false
}

fn moved(event: &Event, held: &mut Held, _: &mut Live) -> bool {
    if let (
        Some(pointer),
        Held::Drag {
            seen,
            from,
            scroll,
            moved,
        },
    ) = (event.dyn_ref::<PointerEvent>(), held)
    {
        let to = place(pointer);
        let (x, y) = (to.x - from.x, to.y - from.y);
        if !*moved && x.hypot(y) >= CLICK {
            *moved = true;
            // Also outside of the picture; without it the drag ends there.
            let _ = seen.set_pointer_capture(pointer.pointer_id());
        }
        if *moved {
            seen.set_scroll_left((scroll.x - x) as i32);
            seen.set_scroll_top((scroll.y - y) as i32);
        }
    }
    false
}

fn let_go(_: &Event, held: &mut Held, live: &mut Live) -> bool {
    if let Held::Drag { moved, .. } = held {
        if *moved {
            live.dragged_ms = browser::now_ms();
        }
        *held = Held::Nothing;
    }
    false
}

fn turned(event: &Event, _: &mut Held, live: &mut Live) -> bool {
    let Some(wheel) = event
        .dyn_ref::<WheelEvent>()
        .filter(|wheel| wheel.ctrl_key())
    else {
        return false;
    };
    let Some(seen) = picture(event) else {
        return false;
    };
    event.prevent_default();
    let turn = match wheel.delta_mode() {
        WheelEvent::DOM_DELTA_PIXEL => wheel.delta_y(),
        _ => wheel.delta_y() * NOTCH,
    };
    let factor = (-turn.clamp(-NOTCH, NOTCH) * WHEEL).exp();
    let at = within(&seen, place(wheel));
    zoom_about(live, &seen, at, live.zoom * factor)
}

fn touched(event: &Event, held: &mut Held, live: &mut Live) -> bool {
    // While the page still scrolls from the touch before, the fingers are the browser's.
    if let (Some((apart, _)), Some(seen)) = (two_fingers(event), picture(event))
        && event.cancelable()
    {
        event.prevent_default();
        *held = Held::Pinch {
            seen,
            apart,
            zoom: live.zoom,
        };
    }
    false
}

fn pinched(event: &Event, held: &mut Held, live: &mut Live) -> bool {
    let (Some((now, middle)), Held::Pinch { seen, apart, zoom }) = (two_fingers(event), held)
    else {
        return false;
    };
    if event.cancelable() {
        event.prevent_default();
    }
    let at = within(seen, middle);
    zoom_about(live, seen, at, *zoom * now / *apart)
}

fn lifted(_: &Event, held: &mut Held, live: &mut Live) -> bool {
    if let Held::Pinch { .. } = held {
        live.dragged_ms = browser::now_ms();
        *held = Held::Nothing;
    }
    false
}

/// How far two fingers are apart, at least one pixel, and the middle between them.
fn two_fingers(event: &Event) -> Option<(f64, Point)> {
    let touches = event.dyn_ref::<TouchEvent>()?.touches();
    let (Some(a), Some(b), 2) = (touches.get(0), touches.get(1), touches.length()) else {
        return None;
    };
    let (ax, ay) = (f64::from(a.client_x()), f64::from(a.client_y()));
    let (bx, by) = (f64::from(b.client_x()), f64::from(b.client_y()));
    let middle = Point {
        x: f64::midpoint(ax, bx),
        y: f64::midpoint(ay, by),
    };
    Some(((ax - bx).hypot(ay - by).max(1.0), middle))
}

fn place(mouse: &web_sys::MouseEvent) -> Point {
    Point {
        x: f64::from(mouse.client_x()),
        y: f64::from(mouse.client_y()),
    }
}

fn within(seen: &HtmlElement, at: Point) -> Point {
    let corner = seen.get_bounding_client_rect();
    Point {
        x: at.x - corner.left(),
        y: at.y - corner.top(),
    }
}

/// Makes the picture so many times as large as what can be seen of it; what is at `at` stays there. Tells whether that changes
/// anything.
fn zoom_about(live: &mut Live, seen: &HtmlElement, at: Point, zoom: f64) -> bool {
    let zoom = zoom.clamp(1.0, ZOOM);
    if (zoom - live.zoom).abs() < 1e-3 {
        return false;
    }
    let share = |scrolled: i32, at: f64, room: f64| {
        (f64::from(scrolled) + at) / (room * live.zoom).max(1.0)
    };
    live.anchor = Some(Anchor {
        part: Point {
            x: share(seen.scroll_left(), at.x, live.room.0),
            y: share(seen.scroll_top(), at.y, live.room.1),
        },
        at,
    });
    live.zoom = zoom;
    live.place();
    true
}

/// Makes the pictures so many times as large as what can be seen of them, about the middle.
pub fn zoom_to(live: &mut Live, refs: &[PaneRefs; 2], zoom: f64) {
    let seen = &refs[usize::from(live.front_beside && live.player.beside.is_some())].seen;
    if let Some(seen) = seen.cast::<HtmlElement>() {
        let middle = Point {
            x: live.room.0 / 2.0,
            y: live.room.1 / 2.0,
        };
        zoom_about(live, &seen, middle, zoom);
    }
}

/// Once the pictures have their new size: puts what is to stay back in its place.
pub fn hold(live: &mut Live, refs: &[PaneRefs; 2]) {
    let Some(Anchor { part, at }) = live.anchor.take() else {
        return;
    };
    for seen in refs
        .iter()
        .filter_map(|refs| refs.seen.cast::<HtmlElement>())
    {
        seen.set_scroll_left((part.x * live.room.0 * live.zoom - at.x) as i32);
        seen.set_scroll_top((part.y * live.room.1 * live.zoom - at.y) as i32);
    }
}

/// Whether a click just now is the end of a drag or pinch.
pub fn is_drag(live: &Live) -> bool {
    browser::now_ms() - live.dragged_ms < AFTER_MS
}
