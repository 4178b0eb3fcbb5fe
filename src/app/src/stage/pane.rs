//! The picture of one run: its connections, components and requests, to be touched.

use std::cell::RefCell;
use std::rc::Rc;

use web_sys::HtmlElement;
use yew::prelude::*;

use super::clock::Live;
use super::layout::Point;
use super::pan::is_drag;
use super::parts::{Deed, edges, nodes};
use crate::protocol::About;

/// The elements of a picture that are asked for their size, or drawn on.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PaneRefs {
    /// What can be seen of it.
    pub seen: NodeRef,
    /// All of it.
    pub whole: NodeRef,
    /// Where requests are drawn.
    pub canvas: NodeRef,
}

/// The name of the picture, with the keys that it knows.
const KEYS: &str = "Picture of the system. Space plays and pauses, full stop goes one event on, comma one back, r resets, e runs to the end.";

/// What a picture is called where there are two.
pub struct Title<'a> {
    /// Its name.
    pub name: &'a str,
    /// What was changed in it, if that is not in its name.
    pub about: &'a str,
}

/// The picture of the run that the reader changes, or of the one beside it.
pub fn pane(
    live: &Rc<RefCell<Live>>,
    beside: bool,
    refs: &PaneRefs,
    title: Option<&Title>,
    veiled: bool,
    act: &Callback<Deed>,
) -> Html {
    // A touch on a dot asks about its request.
    let onclick = {
        let (live, act, whole) = (Rc::clone(live), act.clone(), refs.whole.clone());
        Callback::from(move |event: MouseEvent| {
            let Some(element) = whole.cast::<HtmlElement>().filter(|_| !veiled) else {
                return;
            };
            let corner = element.get_bounding_client_rect();
            let point = Point {
                x: f64::from(event.client_x()) - corner.left(),
                y: f64::from(event.client_y()) - corner.top(),
            };
            let request = {
                let live = live.borrow();
                let shown = live.shown(beside);
                let shown = shown.filter(|_| !is_drag(&live));
                shown.and_then(|(run, layout)| run.picture.request_at(layout, point))
            };
            if let Some(request) = request {
                act.emit(Deed::Tell(About::Request(request)));
            }
        })
    };
    let live = live.borrow();
    let Some((run, layout)) = live.shown(beside) else {
        return html! {};
    };
    let zoomed = live.zoom > 1.0;
    let whole = if zoomed {
        format!("width:{:.0}px;height:{:.0}px", layout.width, layout.height)
    } else {
        String::new()
    };
    let name = match title {
        _ if veiled => "Picture of the system".to_owned(),
        None => KEYS.to_owned(),
        Some(title) => format!("{}. {KEYS}", title.name),
    };
    // Its key lets the one that there is stay where another comes beside it.
    let key = usize::from(beside);
    let away = title.is_some() && live.front_beside != beside;
    html! {
        <div {key} class={classes!("pane", away.then_some("away"))}>
            if let Some(title) = title {
                <p class="pane-title"><b>{ title.name }</b>{ " " }<span>{ title.about }</span></p>
            }
            <div class={classes!("stage-picture", zoomed.then_some("zoomed"))} ref={refs.seen.clone()} tabindex="0" role="group" aria-label={name}>
                <div class="stage-whole" ref={refs.whole.clone()} {onclick} ~style={whole}>
                    { edges(run, layout) }
                    <canvas ref={refs.canvas.clone()} aria-hidden="true"></canvas>
                    { nodes(run, layout, live.looked, act) }
                </div>
            </div>
        </div>
    }
}
