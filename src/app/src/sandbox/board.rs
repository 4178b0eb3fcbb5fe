//! The board: components where they stand, and the ways between them, under the hand and the keyboard.

use core::cell::RefCell;
use std::rc::Rc;

use gloo::render::request_animation_frame;
use scale_design::Design;
use scale_design::wiring::{self, Wiring};
use scale_sim::Kind;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::deed::Deed;
use super::hand::Hand;
use super::place::{Camera, Grid, HIGH, WIDE};
use super::words::summary;
use crate::browser;
use crate::icon::{Sign, icon};
use crate::stage::layout::Point;

/// Properties of [`Board`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// The design.
    pub design: Design,
    /// Selected components, by name.
    pub selected: Rc<Vec<String>>,
    /// The selected connection.
    pub wire: Option<(String, String)>,
    /// Whether what is touched is selected beside the rest.
    pub several: bool,
    /// The component that is being connected, if one is.
    pub connecting: Option<String>,
    /// Which part is seen; shared, for it changes with every move of the hand.
    pub camera: Camera0,
    /// What gave first in runs, with the words for it.
    pub blamed: Rc<Vec<(String, String)>>,
    /// Counts up when the whole design is to be brought in sight.
    pub fit: u32,
    /// What is done.
    pub act: Callback<Deed>,
}

/// The camera, shared by all who move it. It equals only itself.
#[derive(Clone, Debug, Default)]
pub struct Camera0(pub Rc<RefCell<Camera>>);

impl PartialEq for Camera0 {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// The board.
#[component]
pub fn Board(props: &Props) -> Html {
    let (seen, layer) = (use_node_ref(), use_node_ref());
    let renew = use_force_update();
    // The hand looks at the newest properties whenever something is done.
    let now = use_mut_ref(|| props.clone());
    now.replace(props.clone());
    {
        let (seen, layer, now) = (seen.clone(), layer.clone(), Rc::clone(&now));
        let renew = renew.clone();
        use_effect_with((), move |()| {
            let renew = Callback::from(move |()| renew.force_update());
            let hand = Hand::new(&seen, &layer, &now, renew);
            move || drop(hand)
        });
    }
    {
        let (seen, layer, camera) = (seen.clone(), layer.clone(), props.camera.clone());
        let design = props.design.clone();
        use_effect_with(props.fit, move |_| {
            let renew = renew.clone();
            // Once everything around it has its place, too.
            let frame = request_animation_frame(move |_| {
                if let Some(seen) = seen.cast::<HtmlElement>() {
                    let fitting = fitting(&design, &seen);
                    let before = camera.0.replace(fitting);
                    apply(&fitting, &layer);
                    if before.grid != fitting.grid {
                        renew.force_update();
                    }
                }
            });
            move || drop(frame)
        });
    }
    let design = &props.design;
    let scenario = design.scenario();
    let connecting = props.connecting.as_deref();
    let all: Vec<&String> = scenario.components.keys().collect();
    let wires: Vec<(&str, &str)> = wiring::connections(scenario);
    let grid = props.camera.0.borrow().grid;
    let at = |name: &str| grid.corner(design.at(name));
    let problems = |name: &str| {
        let own = design.problems().iter();
        own.filter(|problem| design.about(problem) == Some(name))
            .count()
    };
    // The keyboard goes through the board in the order of reading.
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|a, b| {
        let [xa, ya] = design.at(all[*a]);
        let [xb, yb] = design.at(all[*b]);
        xa.total_cmp(&xb).then(ya.total_cmp(&yb)).then(a.cmp(b))
    });
    let calls = connecting.map(|_| Wiring::new(scenario));
    let nodes = order.into_iter().map(|i| {
        let (name, component) = (all[i].clone(), &scenario.components[all[i]]);
        let label = design.label(&name).to_owned();
        let (at, problems) = (at(&name), problems(&name));
        let (selected, key) = (props.selected.contains(&name), name.clone());
        let blame = props.blamed.iter().find(|(blamed, _)| *blamed == name);
        let blame = blame.map(|(_, words)| words.clone());
        let refused = connecting
            .filter(|from| *from != name)
            .zip(calls.as_ref())
            .and_then(|(from, calls)| calls.refusal(scenario, from, &name));
        let aim = match (connecting, &refused) {
            (None, _) => Aim::None,
            (Some(from), _) if from == name => Aim::From,
            (_, None) => Aim::Open,
            (_, Some(_)) => Aim::Shut,
        };
        html! {
            <Node {key} {label} kind={component.kind()} summary={summary(component)} {at} {problems} {blame}
                {selected} {aim} {refused} {name} act={props.act.clone()} />
        }
    });
    let groups = design.groups().iter().map(|group| {
        let corners: Vec<Point> = group.members.iter().map(|name| at(name)).collect();
        let least = |of: fn(&Point) -> f64| corners.iter().map(of).fold(f64::INFINITY, f64::min);
        let most = |of: fn(&Point) -> f64| corners.iter().map(of).fold(0.0, f64::max);
        let (x, y) = (least(|p| p.x), least(|p| p.y));
        let style = format!(
            "transform:translate({:.1}px,{:.1}px);width:{:.1}px;height:{:.1}px",
            x - 14.0,
            y - 30.0,
            most(|p| p.x) + WIDE - x + 28.0,
            most(|p| p.y) + HIGH - y + 44.0
        );
        html! { <div class="group" ~style={style}><span>{ &group.name }</span></div> }
    });
    let paths = wires.iter().map(|(from, to)| {
        let d = grid.wire(at(from), at(to));
        let chosen = props
            .wire
            .as_ref()
            .is_some_and(|(a, b)| a == from && b == to);
        let follows = design.kind(from) == Some(Kind::View);
        html! {
            <g key={format!("{from}>{to}")} data-from={from.to_string()} data-to={to.to_string()}
                class={classes!("wire", chosen.then_some("selected"), follows.then_some("follows"))}>
                <path class="wire-edge" d={d.clone()} />
                <path class="wire-line" {d} marker-end="url(#wire-end)" />
            </g>
        }
    });
    let style = props.camera.0.borrow().style();
    let on_key = {
        let act = props.act.clone();
        let design = design.clone();
        Callback::from(move |event: KeyboardEvent| key(&event, &design, grid, &act))
    };
    // The keyboard's place is brought in sight.
    let onfocusin = {
        let act = props.act.clone();
        Callback::from(move |_: FocusEvent| {
            if let Some(name) = focused() {
                act.emit(Deed::Reveal(name));
            }
        })
    };
    html! {
        <div class={classes!("board", (grid == Grid::Down).then_some("down"), connecting.map(|_| "connecting"))} ref={seen} role="group"
            aria-label="Design" aria-describedby="board-keys" onkeydown={on_key} {onfocusin}>
            <div class="board-layer" ref={layer} ~style={style}>
                { for groups }
                <svg class="wires" width="1" height="1" aria-hidden="true">
                    <defs>
                        <marker id="wire-end" viewBox="0 0 10 10" refX="6" refY="5" markerWidth="7" markerHeight="7" orient="auto">
                            <path d="M1 1L8 5L1 9" />
                        </marker>
                    </defs>
                    { for paths }
                    <path class="wire-line rubber" d="" />
                </svg>
                { for nodes }
            </div>
            <div class="marquee" hidden=true></div>
            <p id="board-keys" class="unseen">
                { "Tab goes from component to component. Enter selects, the arrow keys move, c connects, Delete deletes, ? tells all keys." }
            </p>
        </div>
    }
}

/// What a component is while another is being connected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Aim {
    /// Nothing is being connected.
    None,
    /// It is the one.
    From,
    /// It can be called by that.
    Open,
    /// It cannot.
    Shut,
}

#[derive(Clone, PartialEq, Debug, Properties)]
struct NodeProps {
    name: String,
    label: String,
    kind: Kind,
    summary: String,
    at: Point,
    problems: usize,
    blame: Option<String>,
    selected: bool,
    aim: Aim,
    refused: Option<String>,
    act: Callback<Deed>,
}

/// A component on the board.
#[component]
fn Node(props: &NodeProps) -> Html {
    let at = props.at;
    let style = format!("transform:translate({:.1}px,{:.1}px)", at.x, at.y);
    // By the hand it is selected when it is pressed: a click that comes of the keyboard has no place.
    let onclick = {
        let (act, name) = (props.act.clone(), props.name.clone());
        Callback::from(move |event: MouseEvent| {
            if event.detail() == 0 {
                act.emit(Deed::Touch {
                    name: name.clone(),
                    more: event.shift_key(),
                });
            }
        })
    };
    let (words, _) = scale_design::palette::words(props.kind);
    let mut said = format!(", {}", words.to_lowercase());
    match props.problems {
        0 => {}
        1 => said.push_str(", 1 problem"),
        many => {
            said = format!("{said}, {many} problems");
        }
    }
    if let Some(blame) = &props.blame {
        said = format!("{said}, {blame}");
    }
    match (&props.aim, &props.refused) {
        (Aim::Open, _) => said.push_str(". Can be connected"),
        (Aim::Shut, Some(why)) => said = format!("{said}. Cannot be connected: {why}"),
        _ => {}
    }
    let aim = match props.aim {
        Aim::None => None,
        Aim::From => Some("from"),
        Aim::Open => Some("open"),
        Aim::Shut => Some("shut"),
    };
    html! {
        <button class={classes!("node", format!("kind-{}", props.kind.name()), props.selected.then_some("selected"), aim)}
            data-node={props.name.clone()} aria-pressed={props.selected.to_string()} title={props.refused.clone()} ~style={style} {onclick}>
            <span class="node-sign">{ icon(Sign::from(props.kind)) }</span>
            <span class="node-words">
                <span class="node-label">{ &props.label }</span>
                <span class="node-summary">{ &props.summary }</span>
                <span class="unseen">{ said }</span>
            </span>
            if let Some(blame) = &props.blame { <span class="node-blame" aria-hidden="true">{ blame }</span> }
            if props.problems > 0 { <span class="node-problem" aria-hidden="true">{ "!" }</span> }
            <span class="port" data-port={props.name.clone()} aria-hidden="true"></span>
        </button>
    }
}

/// Shows what the camera sees.
pub fn apply(camera: &Camera, layer: &NodeRef) {
    if let Some(layer) = layer.cast::<HtmlElement>() {
        layer.style().set_css_text(&camera.style());
    }
}

/// A camera that sees all of the design.
fn fitting(design: &Design, seen: &HtmlElement) -> Camera {
    let places: Vec<[f64; 2]> = { design.scenario().components.keys() }
        .map(|name| design.at(name))
        .collect();
    let room = Point {
        x: f64::from(seen.client_width()),
        y: f64::from(seen.client_height()),
    };
    Camera::fitting(&places, room)
}

/// The component that has the keyboard's place.
fn focused() -> Option<String> {
    browser::document()
        .active_element()?
        .get_attribute("data-node")
}

/// What a key does while the board has the keyboard's place.
fn key(event: &KeyboardEvent, design: &Design, grid: Grid, act: &Callback<Deed>) {
    let name = focused().filter(|name| design.kind(name).is_some());
    let control = event.ctrl_key() || event.meta_key();
    let step = if event.shift_key() { 1.0 } else { 0.25 };
    let walk = |[right, down]: [f64; 2]| {
        let by = match grid {
            Grid::Across => [right, down],
            Grid::Down => [down, right],
        };
        Some(Deed::Walk {
            name: name.clone(),
            by,
        })
    };
    let deed = match (event.key().as_str(), control) {
        ("ArrowLeft", false) => walk([-step, 0.0]),
        ("ArrowRight", false) => walk([step, 0.0]),
        ("ArrowUp", false) => walk([0.0, -step]),
        ("ArrowDown", false) => walk([0.0, step]),
        ("Delete" | "Backspace", false) => Some(Deed::Delete(name)),
        ("c", false) => Some(Deed::Connecting(name)),
        ("f", false) => Some(Deed::Fit),
        ("+" | "=", false) => Some(Deed::Zoom(1.25)),
        ("-", false) => Some(Deed::Zoom(0.8)),
        ("a", true) => Some(Deed::SelectAll),
        ("c", true) => Some(Deed::Copy),
        ("x", true) => Some(Deed::Cut),
        ("v", true) => Some(Deed::Paste),
        ("d", true) => Some(Deed::Duplicate),
        ("g", true) => Some(if event.shift_key() {
            Deed::Ungroup
        } else {
            Deed::Group
        }),
        _ => None,
    };
    if let Some(deed) = deed {
        event.prevent_default();
        act.emit(deed);
    }
}
