//! The palette: a component is put in by a click, or dragged to its place.

use core::cell::RefCell;
use std::rc::Rc;

use gloo::events::EventListener;
use scale_design::palette::{KINDS, words};
use scale_sim::Kind;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, PointerEvent};
use yew::prelude::*;

use super::board::Camera0;
use super::deed::Deed;
use crate::browser;
use crate::icon::{Sign, icon};
use crate::stage::layout::Point;

/// A press that moves less is a click, in CSS pixels.
const CLICK: f64 = 4.0;

/// Properties of [`Palette`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// Which part of the board is seen.
    pub camera: Camera0,
    /// What is done.
    pub act: Callback<Deed>,
}

/// A component on its way from the palette to the board.
struct Drag {
    kind: Kind,
    from: Point,
    moved: bool,
    _listeners: [EventListener; 3],
}

/// The palette.
#[component]
pub fn Palette(props: &Props) -> Html {
    let drag = use_mut_ref(|| None::<Drag>);
    let ghost = use_node_ref();
    let item = |kind: &Kind| {
        let kind = *kind;
        let (name, about) = words(kind);
        let onpointerdown = {
            let (props, drag, ghost) = (props.clone(), Rc::clone(&drag), ghost.clone());
            Callback::from(move |event: PointerEvent| {
                // A finger scrolls the palette; it places by a tap.
                if event.button() == 0 && event.pointer_type() != "touch" {
                    let begun = begin(kind, &event, &props, &drag, &ghost);
                    drag.replace(Some(begun));
                }
            })
        };
        let onclick = {
            let (act, drag) = (props.act.clone(), Rc::clone(&drag));
            Callback::from(move |_: MouseEvent| {
                let dragged = drag.borrow_mut().take().is_some_and(|drag| drag.moved);
                if !dragged {
                    act.emit(Deed::Place(kind, None));
                }
            })
        };
        html! {
            <li>
                <button class={classes!("palette-item", format!("kind-{}", kind.name()))} title={about} {onpointerdown} {onclick}>
                    { icon(Sign::from(kind)) }<span>{ name }</span><span class="unseen">{ format!(": {about}") }</span>
                </button>
            </li>
        }
    };
    html! {
        <nav class="palette" aria-label="Components to add">
            <ul>{ for KINDS.iter().map(item) }</ul>
            <div class="palette-ghost" ref={ghost} hidden=true></div>
        </nav>
    }
}

fn place(event: &PointerEvent) -> Point {
    Point {
        x: f64::from(event.client_x()),
        y: f64::from(event.client_y()),
    }
}

fn begin(
    kind: Kind,
    event: &PointerEvent,
    props: &Props,
    drag: &Rc<RefCell<Option<Drag>>>,
    ghost: &NodeRef,
) -> Drag {
    let window = browser::window();
    let moved = {
        let (drag, ghost) = (Rc::clone(drag), ghost.clone());
        EventListener::new(&window, "pointermove", move |event| {
            let Some(event) = event.dyn_ref::<PointerEvent>() else {
                return;
            };
            if let Some(drag) = &mut *drag.borrow_mut() {
                let at = place(event);
                drag.moved |= (at.x - drag.from.x).hypot(at.y - drag.from.y) >= CLICK;
                if drag.moved {
                    show(&ghost, Some((drag.kind, at)));
                }
            }
        })
    };
    let dropped = {
        let (drag, ghost, props) = (Rc::clone(drag), ghost.clone(), props.clone());
        EventListener::new(&window, "pointerup", move |event| {
            show(&ghost, None);
            let Some(event) = event.dyn_ref::<PointerEvent>() else {
                return;
            };
            let moved = drag.borrow().as_ref().is_some_and(|drag| drag.moved);
            if moved && let Some(at) = on_board(event, &props.camera) {
                props.act.emit(Deed::Place(kind, Some(at)));
            }
            // The click that follows asks whether it was a drag, and takes it; where none follows nothing is left to do.
            let drag = Rc::clone(&drag);
            gloo::timers::callback::Timeout::new(0, move || {
                drag.borrow_mut().take();
            })
            .forget();
        })
    };
    let cancelled = {
        let (drag, ghost) = (Rc::clone(drag), ghost.clone());
        EventListener::new(&window, "pointercancel", move |_| {
            show(&ghost, None);
            let drag = Rc::clone(&drag);
            gloo::timers::callback::Timeout::new(0, move || {
                drag.borrow_mut().take();
            })
            .forget();
        })
    };
    Drag {
        kind,
        from: place(event),
        moved: false,
        _listeners: [moved, dropped, cancelled],
    }
}

/// Shows what is on its way.
fn show(ghost: &NodeRef, at: Option<(Kind, Point)>) {
    let Some(ghost) = ghost.cast::<HtmlElement>() else {
        return;
    };
    ghost.set_hidden(at.is_none());
    if let Some((kind, at)) = at {
        ghost.set_text_content(Some(words(kind).0));
        let _ = ghost.style().set_property(
            "transform",
            &format!("translate({:.0}px,{:.0}px)", at.x + 8.0, at.y + 8.0),
        );
    }
}

/// The column and row of a component let go here, if that is over the board.
fn on_board(event: &PointerEvent, camera: &Camera0) -> Option<[f64; 2]> {
    let at = place(event);
    let under = browser::document().element_from_point(at.x as f32, at.y as f32)?;
    let board = under.closest(".board-frame").ok().flatten()?;
    let corner = board.get_bounding_client_rect();
    let at = Point {
        x: at.x - corner.left(),
        y: at.y - corner.top(),
    };
    let camera = *camera.0.borrow();
    Some(camera.grid.centred(camera.on_board(at)))
}
