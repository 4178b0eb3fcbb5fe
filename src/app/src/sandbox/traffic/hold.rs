//! Something on a drawing that is taken hold of: by mouse or finger it goes where they go, by keyboard step by step.

use core::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, PointerEvent};
use yew::prelude::*;

/// What is done to it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Held {
    /// Something begins that is one step for undo.
    Begin,
    /// It is put here: parts of the drawing's width from the left and of its height from below, 0 to 1.
    At(f64, f64),
    /// So many steps to the right and up.
    Steps(f64, f64),
    /// Let go.
    End,
    /// It is to be taken away.
    Remove,
    /// Another is to be put beside it.
    Another,
}

/// Properties of [`Hold`].
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Its class.
    pub class: Classes,
    /// Where it stands.
    pub style: String,
    /// What it is called.
    pub label: String,
    /// Where it is, in words.
    pub words: String,
    /// The number of that.
    pub now: f64,
    /// The least it can be.
    #[prop_or(0.0)]
    pub least: f64,
    /// The most it can be.
    pub most: f64,
    /// Which of its places follows the hand: 0 is its left edge, 0.5 its middle, 1 its right edge.
    #[prop_or(0.5)]
    pub anchor: f64,
    /// What is inside.
    #[prop_or_default]
    pub children: Html,
    /// Told of what is done.
    pub on_held: Callback<Held>,
}

/// Something to take hold of. It stands in an element with the attribute `data-track`, which is what its parts are counted of.
#[component]
pub fn Hold(props: &Props) -> Html {
    // How far from its anchor the hand is, in CSS pixels.
    let grabbed = use_mut_ref(|| None::<(f64, f64)>);
    let on_held = &props.on_held;
    let onpointerdown = {
        let (grabbed, on_held, anchor) = (Rc::clone(&grabbed), on_held.clone(), props.anchor);
        Callback::from(move |event: PointerEvent| {
            if event.button() != 0 {
                return;
            }
            let Some(own) = own(&event) else {
                return;
            };
            let place = own.get_bounding_client_rect();
            let from = place.left() + place.width() * anchor;
            let middle = place.top() + place.height() / 2.0;
            let hand = (f64::from(event.client_x()), f64::from(event.client_y()));
            grabbed.replace(Some((hand.0 - from, hand.1 - middle)));
            // Without it a drag ends where the hand is faster than it.
            let _ = own.set_pointer_capture(event.pointer_id());
            if let Some(own) = own.dyn_ref::<HtmlElement>() {
                let _ = own.focus();
            }
            event.prevent_default();
            event.stop_propagation();
            on_held.emit(Held::Begin);
        })
    };
    let onpointermove = {
        let (grabbed, on_held) = (Rc::clone(&grabbed), on_held.clone());
        Callback::from(move |event: PointerEvent| {
            let Some((x, y)) = *grabbed.borrow() else {
                return;
            };
            let Some(track) =
                own(&event).and_then(|own| own.closest("[data-track]").ok().flatten())
            else {
                return;
            };
            let track = track.get_bounding_client_rect();
            if track.width() <= 0.0 || track.height() <= 0.0 {
                return;
            }
            let right = (f64::from(event.client_x()) - x - track.left()) / track.width();
            let up = (track.bottom() - f64::from(event.client_y()) + y) / track.height();
            on_held.emit(Held::At(right.clamp(0.0, 1.0), up.clamp(0.0, 1.0)));
        })
    };
    let let_go = {
        let (grabbed, on_held) = (Rc::clone(&grabbed), on_held.clone());
        Callback::from(move |_: PointerEvent| end(&grabbed, &on_held))
    };
    let onkeydown = {
        let on_held = on_held.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.ctrl_key() || event.meta_key() || event.alt_key() {
                return;
            }
            let far = if event.shift_key() { 10.0 } else { 1.0 };
            let held = match event.key().as_str() {
                "ArrowLeft" => Held::Steps(-far, 0.0),
                "ArrowRight" => Held::Steps(far, 0.0),
                "ArrowUp" => Held::Steps(0.0, far),
                "ArrowDown" => Held::Steps(0.0, -far),
                "PageUp" => Held::Steps(0.0, 10.0),
                "PageDown" => Held::Steps(0.0, -10.0),
                "Delete" | "Backspace" => Held::Remove,
                "Insert" | "+" => Held::Another,
                _ => return,
            };
            event.prevent_default();
            event.stop_propagation();
            on_held.emit(held);
        })
    };
    let onfocus = on_held.reform(|_: FocusEvent| Held::Begin);
    html! {
        <div class={classes!("hold", props.class.clone())} ~style={props.style.clone()} role="slider" tabindex="0"
            aria-label={props.label.clone()} aria-valuetext={props.words.clone()} aria-valuenow={props.now.to_string()}
            aria-valuemin={props.least.to_string()} aria-valuemax={props.most.max(props.now).to_string()}
            title={format!("{}: {}", props.label, props.words)}
            {onpointerdown} {onpointermove} onpointerup={let_go.clone()} onpointercancel={let_go.clone()} onlostpointercapture={let_go}
            {onkeydown} {onfocus}>{ props.children.clone() }</div>
    }
}

fn end(grabbed: &RefCell<Option<(f64, f64)>>, on_held: &Callback<Held>) {
    if grabbed.borrow_mut().take().is_some() {
        on_held.emit(Held::End);
    }
}

/// The element that listens.
fn own(event: &PointerEvent) -> Option<Element> {
    let target = event.target()?.dyn_into::<Element>().ok()?;
    target.closest(".hold").ok().flatten()
}
