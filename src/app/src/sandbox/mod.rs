//! The sandbox: a design of one's own, built, run, and asked how it takes ten times the load.
//!
//! [`Lab`](lab::Lab) is its state and [`Deed`](deed::Deed) what can be done; [`board`] is where it is built, [`panel`] what is said of what is
//! selected; the stage plays it. [`shelf`] keeps designs in the browser, and [`way`] knows the places of the sandbox.

mod bar;
mod board;
mod certificate;
mod challenge;
mod cost;
mod deed;
mod dialog;
mod export;
mod hand;
pub mod inspector;
mod judging;
mod lab;
mod palette;
mod panel;
mod place;
mod promises;
mod shelf;
mod traffic;
mod way;
mod words;

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo::events::{EventListener, EventListenerOptions};
use gloo::timers::callback::Timeout;
use scale_design::{Design, Edit};
use scale_sim::Kind;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::browser;
use crate::handle::Handle;
use crate::icon::{Sign, icon};
use crate::stage::layout::{NARROW, Point};
use crate::stage::{Setting, Stage};
use crate::store::Looks;
use crate::trust::{self, Runs, TrustPage};
use bar::Bar;
use board::Board;
use certificate::Certificate;
use challenge::ChallengePage;
use deed::{Deed, Side};
use dialog::{Dialog, Opened};
use judging::Judging;
use lab::Lab;
use palette::Palette;
use panel::Panel;
use shelf::{Keeper, Keeping};
use traffic::Traffic;
use way::{Found, Way};

/// At this size of the board everything on it can still be read.
const READABLE: f64 = 0.6;
/// The element of the page that the sandbox is drawn in.
const ROOT: &str = "sandbox";
/// After a change the design is kept when nothing more has changed for so long, in milliseconds.
const KEEP_MS: u32 = 500;

/// Draws the sandbox or the trust page whenever the page asks for it, and takes it away.
pub fn serve() {
    let drawn = Cell::new(false);
    let open = move || {
        // Fetched, but the reader has gone elsewhere meanwhile.
        if !is_asked_for() {
            return;
        }
        if let Some(root) = browser::document().get_element_by_id(ROOT)
            && !drawn.replace(true)
        {
            yew::Renderer::<Shell>::with_root(root).render();
        }
    };
    open();
    EventListener::new(&browser::document(), "scale-lab:sandbox-open", move |_| {
        open();
    })
    .forget();
}

fn hash() -> String {
    browser::window().location().hash().unwrap_or_default()
}

/// Whether the address is one of the sandbox or of the trust page.
fn is_asked_for() -> bool {
    trust::is_here(&hash()) || Way::read(&hash()) != Way::Unknown
}

/// The element of the page, in which the sandbox and the trust page come and goes. It stays: what the framework listens to there, it listens to for good, and
/// another for each visit would hear everything once more.
#[component]
fn Shell() -> Html {
    let visits = use_mut_ref(|| 0_u32);
    let visit = use_state(|| Some(0_u32));
    use_effect_with(visit.is_some(), |shown| {
        let root = browser::document().get_element_by_id(ROOT);
        // Fails for bad attribute names only, and this one is none.
        let _ = root.map(|root| {
            if *shown {
                root.remove_attribute("hidden")
            } else {
                root.set_attribute("hidden", "")
            }
        });
    });
    {
        let visit = visit.clone();
        use_effect_with((), move |()| {
            let closed = visit.clone();
            let opens =
                EventListener::new(&browser::document(), "scale-lab:sandbox-open", move |_| {
                    if is_asked_for() {
                        *visits.borrow_mut() += 1;
                        visit.set(Some(*visits.borrow()));
                    }
                });
            let closes =
                EventListener::new(&browser::document(), "scale-lab:sandbox-close", move |_| {
                    closed.set(None);
                });
            move || drop((opens, closes))
        });
    }
    // Runs stay while the reader is elsewhere. All else begins anew with each visit: the sandbox with the design that was open last.
    let runs = use_mut_ref(Runs::default);
    let Some(visit) = *visit else {
        return html! {};
    };
    if trust::is_here(&hash()) {
        let runs = runs.borrow().clone();
        html! { <TrustPage key={visit} {runs} /> }
    } else {
        html! { <Sandbox key={visit} /> }
    }
}

/// How the page looks: it says so on its root element.
fn looks() -> Looks {
    let is = |name: &str, value: &str| {
        let root = browser::document().document_element();
        root.and_then(|root| root.get_attribute(name)).as_deref() == Some(value)
    };
    Looks {
        dark: is("data-theme", "dark"),
        still: is("data-motion", "reduced"),
    }
}

/// The sandbox.
#[component]
pub fn Sandbox() -> Html {
    let lab = use_mut_ref(|| {
        let (design, keeper) = way::last();
        Lab::new(design, keeper)
    });
    let renew = use_force_update();
    let looks = use_looks();
    let opened = use_state(|| Opened::Nothing);
    let timer = use_mut_ref(|| None::<Timeout>);
    let keeping = use_state(|| Keeping::Kept);

    let keep = {
        let (lab, keeping) = (Rc::clone(&lab), keeping.clone());
        Callback::from(move |always: bool| {
            let lab = &mut *lab.borrow_mut();
            if !lab.dirty {
                return;
            }
            let design = lab.history.now().clone();
            let kept = lab.keeper.keep(&design, always);
            lab.dirty = kept == Keeping::Nowhere;
            keeping.set(kept);
        })
    };
    let act = {
        let (lab, renew, timer, keep) = (
            Rc::clone(&lab),
            renew.clone(),
            Rc::clone(&timer),
            keep.clone(),
        );
        Callback::from(move |deed: Deed| {
            match deed {
                Deed::Zoom(factor) => zoom(&lab.borrow(), factor),
                Deed::Reveal(name) => {
                    let lab = lab.borrow();
                    if let Some(room) = room() {
                        let mut camera = lab.camera.0.borrow_mut();
                        *camera = camera.showing(&[lab.design().at(&name)], room);
                    }
                }
                Deed::Open(design, said) => {
                    // What was open stays on the shelf as it was.
                    keep.emit(true);
                    let lab = &mut *lab.borrow_mut();
                    lab.open(*design, Keeper::new(), &said);
                    lab.dirty = !lab.design().is_empty();
                }
                deed => {
                    let places = matches!(deed, Deed::Place(..) | Deed::Paste | Deed::Duplicate);
                    let mut lab = lab.borrow_mut();
                    let side = lab.side;
                    lab.act(deed);
                    if lab.side != side {
                        // Another side begins at its top, however far down the reader was in the one before.
                        browser::to_top();
                    }
                    if places {
                        reveal(&lab);
                    }
                }
            }
            if lab.borrow().dirty {
                let keep = keep.clone();
                timer.replace(Some(Timeout::new(KEEP_MS, move || keep.emit(false))));
            }
            renew.force_update();
        })
    };
    let judging = use_memo(lab.borrow().opened, |_| RefCell::new(Judging::default()));
    let judging = Handle::from(judging);
    let heard = {
        let renew = renew.clone();
        Callback::from(move |()| renew.force_update())
    };
    use_leaving(&keep);
    use_keys(&act);
    use_way(&lab, &act, &keep, &opened, &renew);

    let state = lab.borrow();
    let design = state.design().clone();
    browser::document().set_title(&match design.scenario().title.as_str() {
        "" => "Sandbox · Scale Lab".to_owned(),
        title => format!("{title} · Sandbox · Scale Lab"),
    });
    let open = {
        let opened = opened.clone();
        Callback::from(move |what: Opened| opened.set(what))
    };
    let load = {
        let (lab, renew, keep) = (Rc::clone(&lab), renew.clone(), keep.clone());
        Callback::from(move |(design, keeper): (Design, Keeper)| {
            keep.emit(false);
            lab.borrow_mut()
                .open(design, keeper, "Opened a design of yours");
            renew.force_update();
        })
    };
    let ondragover = Callback::from(|event: DragEvent| {
        if dialog::brings_files(&event) {
            event.prevent_default();
        }
    });
    let ondrop = {
        let act = act.clone();
        Callback::from(move |event: DragEvent| dialog::drop_file(&event, &act))
    };
    let shown = match state.side {
        Side::Build => build(&state, &act, &open),
        Side::Run => run(&state, looks, &act),
        Side::Traffic => html! {
            <Traffic key={state.opened} design={design.clone()} log={state.log.clone()} act={act.clone()} />
        },
        Side::Certificate => html! {},
        Side::Challenge => match design.challenge() {
            Some(id) => {
                html! { <ChallengePage key={state.opened} design={design.clone()} id={id.to_owned()} act={act.clone()} /> }
            }
            None => build(&state, &act, &open),
        },
    };
    html! {
        <div class={classes!("sandbox", match state.side { Side::Build => "build", Side::Traffic => "traffic-side", Side::Run => "run", Side::Certificate | Side::Challenge => "certificate" })} {ondragover} {ondrop}>
            <h1 class="unseen">{ "Sandbox" }</h1>
            <Bar design={design.clone()} side={state.side} undo={state.history.last().map(str::to_owned)} redo={state.history.next().map(str::to_owned)}
                keeping={*keeping} act={act.clone()} open={open.clone()} />
            if let Some(why) = &state.refused {
                <p class="sandbox-refused" role="alert">{ icon(Sign::Cross) }<span>{ why }</span></p>
            }
            <div class="sandbox-main">
                { shown }
                <Certificate key={state.opened} design={design.clone()} {looks} shown={state.side == Side::Certificate} act={act.clone()} />
                if matches!(state.side, Side::Build | Side::Run) {
                    <Panel design={design.clone()} selected={Rc::clone(&state.selected)} wire={state.wire.clone()} {judging} {heard} act={act.clone()} />
                }
            </div>
            <p key={state.said.clone()} class={if state.said == "Changed" { "unseen" } else { "sandbox-said" }} role="status">{ &state.said }</p>
            <Dialog opened={(*opened).clone()} {design} id={state.keeper.id().to_owned()} kept={state.keeper.kept().cloned()}
                {act} {open} {load} />
        </div>
    }
}

/// The board with what can be put on it.
fn build(state: &Lab, act: &Callback<Deed>, open: &Callback<Opened>) -> Html {
    let design = state.design();
    html! {
        <>
            <Palette camera={state.camera.clone()} act={act.clone()} />
            <div class="board-frame">
                <Board design={design.clone()} selected={Rc::clone(&state.selected)} wire={state.wire.clone()} several={state.several} connecting={state.connecting.clone()}
                    camera={state.camera.clone()} blamed={Rc::clone(&state.blamed)} fit={state.fit} act={act.clone()} />
                if design.is_empty() { { nothing_yet(act, open) } }
                if let Some(from) = &state.connecting {
                    <p class="board-hint">{ format!("What does {} call?", design.label(from)) }
                        <button class="button" onclick={act.reform(|_: MouseEvent| Deed::Escape)}>{ "Leave it" }</button>
                    </p>
                }
                <button class="button board-several" aria-pressed={state.several.to_string()}
                    onclick={let several = !state.several; act.reform(move |_: MouseEvent| Deed::Several(several))}>{ "Select several" }</button>
                <div class="board-zoom" role="group" aria-label="Size of the board">
                    <button class="button" aria-label="Smaller" onclick={act.reform(|_: MouseEvent| Deed::Zoom(0.8))}>{ "−" }</button>
                    <button class="button" onclick={act.reform(|_: MouseEvent| Deed::Fit)}>{ "Fit" }</button>
                    <button class="button" aria-label="Larger" onclick={act.reform(|_: MouseEvent| Deed::Zoom(1.25))}>{ "+" }</button>
                </div>
            </div>
        </>
    }
}

/// What an empty board says.
fn nothing_yet(act: &Callback<Deed>, open: &Callback<Opened>) -> Html {
    let tiers = {
        let act = act.clone();
        Callback::from(move |_: MouseEvent| match three_tiers() {
            Ok(design) => act.emit(Deed::Open(
                Box::new(design),
                "Three tiers to begin with".to_owned(),
            )),
            Err(why) => act.emit(Deed::Refuse(why)),
        })
    };
    html! {
        <div class="nothing">
            <h2>{ "Design a system that takes ten times the load" }</h2>
            <p>{ "Put in who asks, then what answers. A new component is called by the one that is selected. Run it whenever you like." }</p>
            <div class="row">
                <button class="button primary" onclick={act.reform(|_: MouseEvent| Deed::Place(Kind::Client, None))}>{ "Begin with a client" }</button>
                <button class="button" onclick={tiers}>{ "Three tiers" }</button>
                <button class="button" onclick={open.reform(|_: MouseEvent| Opened::Challenges)}>{ "Take a challenge" }</button>
                <button class="button" onclick={open.reform(|_: MouseEvent| Opened::Designs)}>{ "Your designs" }</button>
            </div>
        </div>
    }
}

/// Clients, a balancer, copies of a service, a database: put together as one would by hand.
fn three_tiers() -> Result<Design, String> {
    let mut design = Design::empty();
    let mut after = None;
    for kind in [Kind::Client, Kind::Balancer, Kind::Service, Kind::Database] {
        let at = None;
        let edited = Edit::Place { kind, at, after }.apply(&design)?;
        after = edited.select.and_then(|names| names.into_iter().next());
        design = edited.design;
    }
    Ok(design)
}

/// The stage, once the design can be run. While an edit has left something open, the run goes on as it was.
fn run(state: &Lab, looks: Looks, act: &Callback<Deed>) -> Html {
    let design = state.design();
    let Some(runs) = &state.runs else {
        return html! { <div class="sandbox-stage">{ not_yet(design, act) }</div> };
    };
    let setting = Setting {
        key: format!("design-{}", state.opened),
        scene: (**runs.tree()).clone(),
        edited: true,
        ..Setting::default()
    };
    html! {
        <div class="sandbox-stage">
            if !design.problems().is_empty() {
                <div class="before-change" role="status">
                    <p>{ "This is the run before the last change, which cannot be run yet:" }</p>
                    { panel::problems(design, act) }
                </div>
            }
            <Played {setting} {looks} />
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct PlayedProps {
    setting: Setting,
    looks: Looks,
}

/// The stage, with a setting that stays the same while the design does.
#[component]
fn Played(props: &PlayedProps) -> Html {
    let setting = use_memo(props.setting.clone(), Setting::clone);
    html! { <Stage setting={Handle::from(setting)} looks={props.looks} autoplay={true} speed={1.0} /> }
}

/// What keeps the design from being run.
fn not_yet(design: &Design, act: &Callback<Deed>) -> Html {
    html! {
        <div class="not-yet" role="status">
            <h2>{ if design.is_empty() { "There is nothing to run yet" } else { "It cannot be run yet" } }</h2>
            if !design.is_empty() { { panel::problems(design, act) } }
            <button class="button primary" onclick={act.reform(|_: MouseEvent| Deed::Show(Side::Build))}>{ "Go on building" }</button>
        </div>
    }
}

/// How much of the board there is room for.
fn room() -> Option<Point> {
    let seen = browser::document()
        .query_selector(".board")
        .ok()
        .flatten()?;
    let seen = seen.dyn_into::<HtmlElement>().ok()?;
    Some(Point {
        x: f64::from(seen.client_width()),
        y: f64::from(seen.client_height()),
    })
}

/// Brings what is new in sight, and all of the design with it as long as that stays easy to read or the board is narrow: nobody should
/// have to look for the rest.
fn reveal(lab: &Lab) {
    let Some(room) = room() else {
        return;
    };
    let places: Vec<[f64; 2]> = { lab.selected.iter() }
        .map(|name| lab.design().at(name))
        .collect();
    let mut camera = lab.camera.0.borrow_mut();
    let all = lab.design().scenario().components.keys();
    let all: Vec<[f64; 2]> = all.map(|name| lab.design().at(name)).collect();
    // What can be read stays where it is if there is room for it all.
    let whole = camera.showing(&all, room);
    *camera = if room.x < NARROW || whole.zoom >= READABLE {
        whole
    } else {
        camera.showing(&places, room)
    };
}

/// Makes the board so many times as large, about its middle.
fn zoom(lab: &Lab, factor: f64) {
    let Some(room) = room() else {
        return;
    };
    let middle = Point {
        x: room.x / 2.0,
        y: room.y / 2.0,
    };
    let mut camera = lab.camera.0.borrow_mut();
    *camera = camera.zoomed(factor, middle);
}

/// Follows how the page looks.
#[hook]
fn use_looks() -> Looks {
    let now = use_state(looks);
    {
        let now = now.clone();
        use_effect_with((), move |()| {
            let listener = EventListener::new(&browser::document(), "scale-lab:looks", move |_| {
                now.set(looks());
            });
            move || drop(listener)
        });
    }
    *now
}

/// Keeps the design before the page goes.
#[hook]
fn use_leaving(keep: &Callback<bool>) {
    let keep = keep.clone();
    use_effect_with((), move |()| {
        let hide = {
            let keep = keep.clone();
            EventListener::new(&browser::window(), "pagehide", move |_| keep.emit(false))
        };
        let unseen = {
            let keep = keep.clone();
            EventListener::new(&browser::document(), "visibilitychange", move |_| {
                keep.emit(false);
            })
        };
        move || {
            keep.emit(false);
            drop((hide, unseen));
        }
    });
}

/// Keys that hold wherever the keyboard's place is, but where one writes.
#[hook]
fn use_keys(act: &Callback<Deed>) {
    let act = act.clone();
    use_effect_with((), move |()| {
        let options = EventListenerOptions::enable_prevent_default();
        let listener = EventListener::new_with_options(
            &browser::document(),
            "keydown",
            options,
            move |event| {
                let Some(event) = event.dyn_ref::<web_sys::KeyboardEvent>() else {
                    return;
                };
                let target = event.target();
                let target = target.and_then(|t| t.dyn_into::<HtmlElement>().ok());
                let writes = target.is_some_and(|target| {
                    matches!(target.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
                });
                // A dialog has its own Escape, and nothing behind it changes.
                let dialog = browser::document().query_selector("dialog[open]");
                if dialog.ok().flatten().is_some() {
                    return;
                }
                let control = event.ctrl_key() || event.meta_key();
                let deed = match (event.key().to_lowercase().as_str(), control) {
                    ("z", true) if writes => return,
                    ("z", true) if event.shift_key() => Deed::Redo,
                    ("z", true) => Deed::Undo,
                    ("y", true) if !writes => Deed::Redo,
                    ("escape", false) if !writes => Deed::Escape,
                    _ => return,
                };
                event.prevent_default();
                act.emit(deed);
            },
        );
        move || drop(listener)
    });
}

/// Follows the place of the sandbox that the address names.
#[hook]
fn use_way(
    lab: &Rc<RefCell<Lab>>,
    act: &Callback<Deed>,
    keep: &Callback<bool>,
    opened: &UseStateHandle<Opened>,
    renew: &UseForceUpdateHandle,
) {
    let (lab, act, keep) = (Rc::clone(lab), act.clone(), keep.clone());
    let (opened, renew) = (opened.clone(), renew.clone());
    use_effect_with((), move |()| {
        let go = move || {
            let way = Way::read(&browser::window().location().hash().unwrap_or_default());
            let (lab, act, keep) = (Rc::clone(&lab), act.clone(), keep.clone());
            let (opened, renew) = (opened.clone(), renew.clone());
            if way == Way::Designs || way == Way::Challenges {
                opened.set(if way == Way::Designs {
                    Opened::Designs
                } else {
                    Opened::Challenges
                });
                return;
            }
            // Who goes on to another place has no use for the one before.
            opened.set(Opened::Nothing);
            if matches!(way, Way::Last | Way::Unknown) {
                return;
            }
            spawn_local(async move {
                let found = way::find(&way).await;
                // It is here now: to go back to the same link brings it once more.
                way::settle();
                match found {
                    Ok(Found::New(design, said)) => act.emit(Deed::Open(design, said)),
                    Ok(Found::Own(design, keeper)) => {
                        keep.emit(false);
                        let said = "Opened a design of yours";
                        lab.borrow_mut().open(*design, *keeper, said);
                        renew.force_update();
                    }
                    Err(why) => act.emit(Deed::Refuse(why)),
                }
            });
        };
        go();
        let listener = EventListener::new(&browser::window(), "hashchange", move |_| go());
        move || drop(listener)
    });
}
