//! The stage as a component of the page.

use std::cell::RefCell;
use std::rc::Rc;

use scale_course::{Answer, Guess, Knob};
use scale_sim::{Condition, Metric, write_json};
use serde_json::Value;
use vecmap::VecMap;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::chart::{Charts, charts, overlaid};
use super::clock::{Clock, Live, Watch};
use super::keep::{csv, keep};
use super::layout::{Layout, NARROW};
use super::look::look;
use super::narration::Density;
use super::painter::Colours;
use super::pan::{Hand, hold, is_drag, zoom_to};
use super::pane::{PaneRefs, Title, pane};
use super::parts::{Deed, Zoom, bar, figures, key, knobs, notices, words, zoom};
use super::player::{Player, Sought};
use super::run::Run;
use super::task::gauges;
use super::twin::{Kept, Names, front, strip};
use super::values::{changes, knob_values, scenario, shared};
use super::why::{Told, why};
use crate::browser;
use crate::handle::Handle;
use crate::protocol::{Command, Reply, Scene};
use crate::simulator::Simulator;
use crate::store::Looks;

/// What is played: a scene as JSON, what can be changed in it, and what is to be brought about.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Setting {
    /// Tells scenes apart: a new one begins a new run.
    pub key: String,
    /// The scenario.
    pub scene: Value,
    /// What can be changed.
    pub knobs: Vec<Knob>,
    /// The task's conditions.
    pub task: Vec<Condition>,
    /// What the reader predicted of the run as it is set, just before it.
    pub predicted: Option<Predicted>,
    /// Another run beside it.
    pub twin: Option<Twin>,
    /// What there is to draw, if that is known without the simulation: then the simulation is fetched only when it is to
    /// run.
    pub rest: Option<Scene>,
    /// Whether the scene is being edited: another scene under the same key is the same one, changed, and the run goes on with it.
    pub edited: bool,
}

/// What the reader predicted of a run, and what it comes to.
#[derive(Clone, PartialEq, Debug)]
pub struct Predicted {
    /// What was asked.
    pub kind: Guess,
    /// What the whole run comes to.
    pub truth: Answer,
    /// Whether that is what the reader said.
    pub right: bool,
}

/// A run beside the setting's own, under the same seed.
#[derive(Clone, PartialEq, Debug)]
pub struct Twin {
    /// What it is called.
    pub label: String,
    /// What the setting's own run is called beside it.
    pub own: String,
    /// The scenario.
    pub scene: Value,
}

/// A prediction to mark in the charts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Guessed {
    /// What was predicted.
    pub metric: Metric,
    /// The number.
    pub value: f64,
}

/// Properties of [`Stage`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// What is played.
    pub setting: Handle<Setting>,
    /// Colours and motion.
    pub looks: Looks,
    /// Whether it plays at once.
    #[prop_or_default]
    pub autoplay: bool,
    /// How fast, in simulated seconds a second.
    #[prop_or(0.5)]
    pub speed: f64,
    /// A prediction to mark.
    #[prop_or_default]
    pub guessed: Option<Guessed>,
    /// Whether there are charts.
    #[prop_or(true)]
    pub charts: bool,
    /// Whether there is only a picture, of a run that is not to be played yet.
    #[prop_or_default]
    pub veiled: bool,
    /// Told of the component that is touched on a veiled picture.
    #[prop_or_default]
    pub on_pick: Option<Callback<String>>,
    /// The component that is picked there.
    #[prop_or_default]
    pub picked: Option<AttrValue>,
    /// Called once when the task is done.
    #[prop_or_default]
    pub on_task: Callback<()>,
    /// Called with the knobs as they stand, whenever they are played.
    #[prop_or_default]
    pub on_played: Callback<VecMap<String, f64>>,
}

/// A run to be watched, stopped, stepped and changed.
#[component]
pub fn Stage(props: &Props) -> Html {
    let still = props.looks.still;
    let live = use_mut_ref(Live::default);
    let renew = use_force_update();
    let refs = use_memo((), |()| [PaneRefs::default(), PaneRefs::default()]);
    let worker = use_state(|| 0_u32);

    // One worker for each stage, and a new one when it has died.
    let simulator = {
        let (live, renew) = (Rc::clone(&live), renew.clone());
        use_memo(*worker, move |_| {
            Simulator::new(Callback::from(move |reply: Reply| {
                let live = &mut *live.borrow_mut();
                let player = &mut live.player;
                match reply {
                    Reply::Ready(run, scene) => {
                        player.told(run, |run| run.ready(scene.clone()));
                        live.place();
                        renew.force_update();
                    }
                    Reply::Anew(run, scene) => {
                        player.anew(run, &scene);
                        live.told_task = false;
                        live.place();
                        renew.force_update();
                    }
                    Reply::Forked(run) => player.forked(run),
                    Reply::Frame(run, frame) => {
                        // Also where time stands still something may have set out.
                        live.dirty |= player.told(run, |run| run.heard(&frame));
                    }
                    Reply::Told(run, story) if run == player.run.id => {
                        live.ask_beside = story.as_ref().map(|story| story.request);
                        live.told[0] = story.map_or(Told::Nobody, Told::Story);
                        renew.force_update();
                    }
                    Reply::Told(_, story) if live.told[0] != Told::Unasked => {
                        live.told[1] = story.map_or(Told::Nobody, Told::Story);
                        renew.force_update();
                    }
                    Reply::Looked(run, view) => {
                        live.looking.heard(run, view);
                        renew.force_update();
                    }
                    Reply::Traced(run, trace) if run == player.run.id => {
                        browser::download("scale-lab-trace.json", "application/json", &trace);
                    }
                    Reply::Refused(run, why) => {
                        player.refused(run, &why);
                        renew.force_update();
                    }
                    _ => {}
                }
            }))
        })
    };

    // Begins a run of the scene with the knobs as they stand.
    let load = {
        let (live, simulator) = (Rc::clone(&live), Rc::clone(&simulator));
        let (setting, speed) = (props.setting.clone(), props.speed);
        move |playing: bool, fresh: bool| {
            let live = &mut *live.borrow_mut();
            let speed = if fresh { speed } else { live.player.speed };
            if fresh {
                live.values = knob_values(&setting.scene, &setting.knobs);
                live.filter = None;
                live.looked = None;
                live.kept = None;
                live.titles = setting.twin.as_ref().map(|twin| Names {
                    own: twin.own.clone(),
                    beside: twin.label.clone(),
                });
                live.front_beside = false;
                live.told_beside = false;
            }
            live.told_task = false;
            live.told = [Told::Unasked, Told::Unasked];
            live.dirty = true;
            if let Some(rest) = setting.rest.as_ref().filter(|_| fresh && !playing) {
                live.player = Player::at_rest(rest.clone(), speed);
                live.place();
                return;
            }
            let clock_s = browser::now_ms() / 1000.0;
            // The scene stays in sight until the new run stands; another scene does not.
            let waiting = |run: Option<&mut Run>| {
                let scene = run
                    .filter(|_| !fresh)
                    .map(|run| core::mem::take(&mut run.scene));
                Run::new(simulator.number(), clock_s, scene.unwrap_or_default())
            };
            let mut was = core::mem::take(&mut live.player);
            let run = waiting(Some(&mut was.run));
            live.player = Player::new(run, speed, playing);
            let kept = was.beside.take_if(|_| live.kept.is_some());
            let kept_id = kept.as_ref().map(|run| run.id);
            if let Some(mut kept) = kept {
                kept.picture.seek(0.0);
                live.player.beside = Some(kept);
            } else if setting.twin.is_some() {
                live.player.beside = Some(waiting(was.beside.as_mut()));
            }
            live.place();
            let Live { player, values, .. } = live;
            let ask = |run: &mut Run, beside, scenario: Result<String, String>, task| {
                let run_id = run.id;
                match scenario {
                    Ok(scenario) => simulator.ask(Command::Load {
                        run: run_id,
                        beside,
                        scenario,
                        task,
                    }),
                    Err(why) => run.refuse(why),
                }
            };
            let own = scenario(&setting.scene, values);
            ask(&mut player.run, kept_id, own, write_json(&setting.task));
            // With its knobs elsewhere it is another run than the one predicted.
            let as_set = *values == knob_values(&setting.scene, &setting.knobs);
            if let Some(predicted) = setting.predicted.as_ref().filter(|_| as_set) {
                player.run.predicted = Some(predicted.right);
                simulator.ask(Command::Predicted {
                    run: player.run.id,
                    kind: predicted.kind.clone(),
                    truth: predicted.truth.clone(),
                });
            }
            if let (Some(twin), Some(beside), None) = (&setting.twin, &mut player.beside, kept_id) {
                let scenario = shared(&twin.scene, values);
                ask(
                    beside,
                    Some(player.run.id),
                    scenario,
                    write_json(&setting.task),
                );
            }
        }
    };

    // Goes on with a changed scene, or with changed knobs: under way as the same run, else as a new one.
    let change = {
        let (live, simulator, load) = (Rc::clone(&live), Rc::clone(&simulator), load.clone());
        let setting = props.setting.clone();
        move || {
            let begun = {
                let player = &live.borrow().player;
                player.now_s() > 0.0 && !player.is_over()
            };
            if begun {
                let live = &mut *live.borrow_mut();
                let Live { player, values, .. } = live;
                let back = player.changed();
                let change = |run: &mut Run, scenario: Result<String, String>| match scenario {
                    Ok(scenario) => simulator.ask(Command::Change {
                        run: run.id,
                        at_s: run.rewind(back),
                        scenario,
                    }),
                    Err(why) => run.refuse(why),
                };
                change(&mut player.run, scenario(&setting.scene, values));
                if let (Some(twin), Some(beside), None) =
                    (&setting.twin, &mut player.beside, &live.kept)
                {
                    change(beside, shared(&twin.scene, values));
                }
            } else {
                // Before the start or after the end a change begins a new run, which goes on if one was going.
                let playing = {
                    let player = &live.borrow().player;
                    player.playing || (!still && (player.is_over() || player.run.is_at_rest()))
                };
                load(playing, false);
            }
        }
    };

    {
        let (load, change, autoplay) = (load.clone(), change.clone(), props.autoplay && !still);
        let (renew, before) = (renew.clone(), use_mut_ref(|| None::<(String, u32)>));
        let live = Rc::clone(&live);
        use_effect_with(
            (props.setting.clone(), props.autoplay, *worker),
            move |(setting, _, worker)| {
                let now = (setting.key.clone(), *worker);
                let was = before.replace(Some(now.clone()));
                if setting.edited && was.as_ref() == Some(&now) {
                    change();
                } else if was.is_some_and(|(key, of)| key == now.0 && of != now.1)
                    && !setting.edited
                {
                    // Another worker for the same scene: what the reader has set stays set. The run that was kept has died with the old one.
                    live.borrow_mut().kept = None;
                    load(autoplay, false);
                } else {
                    load(autoplay, true);
                }
                renew.force_update();
            },
        );
    }

    // The page's theme may change under way.
    {
        let live = Rc::clone(&live);
        use_effect_with(props.looks, move |_| {
            let live = &mut *live.borrow_mut();
            live.colours = Colours::read();
            live.dirty = true;
        });
    }

    // The clock of the page, and the size and sight of the stage.
    {
        let deps = (Rc::clone(&simulator), still);
        let (live, renew, refs) = (Rc::clone(&live), renew.clone(), Rc::clone(&refs));
        let on_task = props.on_task.clone();
        use_effect_with((deps.1, *worker, on_task), move |(still, _, on_task)| {
            let clock = Clock {
                live: Rc::clone(&live),
                simulator: deps.0,
                renew: renew.clone(),
                canvases: [refs[0].canvas.clone(), refs[1].canvas.clone()],
                still: *still,
                on_task: on_task.clone(),
            };
            clock.clone().next();
            let watch = Watch::new(&refs[0].seen, &live, &renew);
            move || {
                live.borrow_mut().frame = None;
                drop(watch);
            }
        });
    }

    // The hand over the pictures.
    let frame_ref = use_node_ref();
    {
        let (live, renew, frame) = (Rc::clone(&live), renew.clone(), frame_ref.clone());
        use_effect_with(props.veiled, move |veiled| {
            let hand = (!veiled)
                .then(|| Hand::new(&frame, &live, &renew))
                .flatten();
            move || drop(hand)
        });
    }
    {
        let (live, refs) = (Rc::clone(&live), Rc::clone(&refs));
        use_effect(move || hold(&mut live.borrow_mut(), &refs));
    }

    let on_knob = {
        let (live, renew, change) = (Rc::clone(&live), renew.clone(), change.clone());
        Callback::from(move |(path, value): (String, f64)| {
            live.borrow_mut().values.insert(path, value);
            change();
            renew.force_update();
        })
    };

    let act = {
        let (live, renew, load) = (Rc::clone(&live), renew.clone(), load.clone());
        let (simulator, refs) = (Rc::clone(&simulator), Rc::clone(&refs));
        let (veiled, on_pick) = (props.veiled, props.on_pick.clone());
        Callback::from(move |deed: Deed| {
            let at_rest = live.borrow().player.run.is_at_rest();
            if at_rest && matches!(deed, Deed::Step(_) | Deed::Seek(_) | Deed::End | Deed::Fork) {
                load(false, false);
            }
            match deed {
                Deed::Toggle => {
                    // What is out of sight stands still: who plays it is to see it.
                    if !live.borrow().visible
                        && let Some(seen) = refs[0].seen.cast::<HtmlElement>()
                    {
                        seen.scroll_into_view();
                    }
                    if at_rest || live.borrow().player.is_over() {
                        load(true, false);
                    } else {
                        let player = &mut live.borrow_mut().player;
                        player.set_playing(!player.playing);
                    }
                }
                Deed::Step(sought) => live.borrow_mut().player.step(sought),
                Deed::Back(sought) => live.borrow_mut().player.step_back(sought),
                Deed::Seek(to_s) => live.borrow_mut().player.seek(to_s),
                Deed::Tell(about) => {
                    let live = &mut *live.borrow_mut();
                    live.told[0] = if at_rest { Told::Nobody } else { Told::Asked };
                    live.told[1] = Told::Unasked;
                    if !at_rest {
                        let run = live.player.run.id;
                        simulator.ask(Command::Tell { run, about });
                    }
                }
                Deed::Figures => {
                    browser::download(
                        "scale-lab-figures.csv",
                        "text/csv",
                        &csv(&live.borrow().player.run),
                    );
                }
                Deed::Trace if !at_rest => simulator.ask(Command::Trace {
                    run: live.borrow().player.run.id,
                }),
                Deed::Trace => {}
                Deed::Keys => {
                    let live = &mut *live.borrow_mut();
                    live.keys = !live.keys;
                }
                Deed::Density(at) => {
                    let chosen = Density::ALL.get(at as usize);
                    live.borrow_mut().density =
                        chosen.map_or_else(Density::default, |(density, _)| *density);
                }
                Deed::Filter(at) => live.borrow_mut().filter = u16::try_from(at - 1).ok(),
                Deed::Look(component) if veiled => {
                    let at = component.map(usize::from);
                    let name = at.and_then(|at| {
                        let live = live.borrow();
                        Some(live.player.run.scene.components.get(at)?.name.clone())
                    });
                    if let (Some(on_pick), Some(name)) = (&on_pick, name) {
                        on_pick.emit(name);
                    }
                }
                Deed::Look(component) => {
                    let live = &mut *live.borrow_mut();
                    if is_drag(live) {
                        return;
                    }
                    // A second touch closes it again.
                    live.looked = component.filter(|_| component != live.looked);
                }
                Deed::Zoom(zoom) => {
                    let live = &mut *live.borrow_mut();
                    let to = match zoom {
                        Zoom::In => live.zoom * 1.25,
                        Zoom::Out => live.zoom / 1.25,
                        Zoom::Fit => 1.0,
                    };
                    zoom_to(live, &refs, to);
                }
                Deed::Fork => {
                    let live = &mut *live.borrow_mut();
                    let (run, branch) = (live.player.run.id, simulator.number());
                    if live.player.beside.is_none() {
                        live.kept = Some(Kept {
                            values: live.values.clone(),
                            at_s: live.player.now_s(),
                        });
                        live.player.fork(branch);
                        live.place();
                        simulator.ask(Command::Fork { run, branch });
                    }
                }
                Deed::Settle(on_beside) => {
                    let live = &mut *live.borrow_mut();
                    if let Some(kept) = live.kept.take().filter(|_| on_beside) {
                        live.values = kept.values;
                    }
                    live.player.settle(on_beside);
                    live.told = [Told::Unasked, Told::Unasked];
                    live.told_beside = false;
                    live.front_beside = false;
                    live.place();
                }
                Deed::Front(beside) => live.borrow_mut().front_beside = beside,
                Deed::Narrate(beside) => live.borrow_mut().told_beside = beside,
                Deed::Sought(sought) => live.borrow_mut().sought = sought,
                Deed::Reset => {
                    // To the beginning, with the knobs as they stand; from there, the knobs as they were.
                    let begun = live.borrow().player.now_s() > 0.0;
                    load(false, !begun);
                }
                Deed::End => live.borrow_mut().player.hurry(),
                Deed::Speed(speed) => live.borrow_mut().player.speed = speed,
            }
            live.borrow_mut().dirty = true;
            renew.force_update();
        })
    };
    let on_key = {
        let (act, veiled, live) = (act.clone(), props.veiled, Rc::clone(&live));
        Callback::from(move |event: KeyboardEvent| {
            let target = event
                .target()
                .and_then(|t| t.dyn_into::<HtmlElement>().ok());
            // Who writes a number writes a number.
            let writes = target
                .as_ref()
                .is_some_and(|element| element.get_attribute("type").as_deref() == Some("number"));
            let on_control = target.is_some_and(|element| {
                matches!(
                    element.tag_name().as_str(),
                    "INPUT" | "SELECT" | "BUTTON" | "SUMMARY"
                )
            });
            if veiled || writes || event.ctrl_key() || event.meta_key() || event.alt_key() {
                return;
            }
            let sought = live.borrow().sought;
            let deed = match event.key().as_str() {
                " " | "k" if !on_control || event.key() == "k" => Deed::Toggle,
                "." => Deed::Step(Sought::Anything),
                "," => Deed::Back(Sought::Anything),
                ">" => Deed::Step(sought),
                "<" => Deed::Back(sought),
                "0" | "Home" if !on_control => Deed::Seek(0.0),
                "+" | "=" => Deed::Zoom(Zoom::In),
                "-" => Deed::Zoom(Zoom::Out),
                "f" => Deed::Zoom(Zoom::Fit),
                "b" => Deed::Fork,
                "?" => Deed::Keys,
                "r" => Deed::Reset,
                "e" => Deed::End,
                _ => return,
            };
            event.prevent_default();
            act.emit(deed);
        })
    };

    {
        let played = {
            let live = live.borrow();
            let begun = live.player.playing || live.player.now_s() > 0.0;
            begun.then(|| live.values.clone())
        };
        let on_played = props.on_played.clone();
        use_effect_with(played, move |played| {
            if let Some(values) = played {
                on_played.emit(values.clone());
            }
        });
    }

    let about = {
        let live = live.borrow();
        let about = |kept: &Kept| changes(&props.setting.knobs, &kept.values, &live.values);
        live.kept.as_ref().map(about).unwrap_or_default()
    };
    if props.veiled {
        let live = &mut *live.borrow_mut();
        let named = |name: &AttrValue| {
            let mut components = live.player.run.scene.components.iter();
            components.position(|component| component.name == name.as_str())
        };
        let picked = props.picked.as_ref().and_then(named);
        live.looked = picked.and_then(|at| u16::try_from(at).ok());
    }
    let panes = panes(&live, &refs, props.veiled, &about, &act);
    let live = live.borrow();
    let player = &live.player;
    let run = &player.run;
    let graphs = || {
        let guessed = props.guessed.map(|g| (g.metric, g.value));
        let of = |run: &Run| charts(&run.scene, &run.series, run.now_s(), guessed);
        let graphs = match &player.beside {
            Some(beside) => overlaid(of(run), of(beside), &live.names().beside),
            None => of(run),
        };
        graphs.into_iter().map(Rc::new).collect::<Vec<_>>()
    };
    let clock_s = browser::now_ms() / 1000.0;
    let (stuck, loading) = (run.is_stuck(clock_s), run.is_loading(clock_s));
    // A narrow stage is as high as its parts need one below the other. Before it has been measured, it is taken to be as wide as the window:
    // otherwise what stands below would jump.
    let wide = match live.room.0 {
        0.0 => browser::wide(),
        wide => wide,
    };
    let frame = if wide < NARROW {
        let beside = player.beside.as_ref();
        let beside = beside.map_or(0.0, |run| Layout::height(&run.scene));
        let height = Layout::height(&run.scene).max(beside).max(430.0);
        format!("--picture:{height:.0}px")
    } else {
        String::new()
    };
    let two = player.beside.is_some();
    // Two pictures stand side by side where the style sheet lets them.
    let wide = browser::media("(min-width: 36.01rem)").is_some_and(|media| media.matches());
    let room = live.room.0 * if two && wide { 2.0 } else { 1.0 };
    let mut refused = core::iter::once(run).chain(&player.beside);
    let refused = refused.find_map(|run| run.refused.as_ref());
    let revive = {
        let worker = worker.clone();
        Callback::from(move |_: MouseEvent| worker.set(*worker + 1))
    };
    html! {
        <section class={classes!("stage", props.veiled.then_some("veiled"))} aria-label="Simulation" onkeydown={on_key}>
            if two { { front(&live, &act) } }
            <div class={classes!("stage-frame", two.then_some("two"))} ~style={frame} ref={frame_ref}>
                { panes }
                if loading && !stuck {
                    <p class="stage-note" role="status">{ "Fetching the simulation …" }</p>
                }
                if let Some(why) = refused {
                    <p class="stage-note bad" role="alert">{ format!("This scene cannot be played: {why}") }</p>
                }
                if stuck {
                    <div class="stage-note bad" role="alert">
                        <p>{ "The simulation has stopped answering. Your progress is kept." }</p>
                        <button class="button" onclick={revive}>{ "Start it again" }</button>
                    </div>
                }
            </div>
            <div class="stage-foot">
                { key(&run.scene) }
                if !props.veiled { { zoom(live.zoom, &act) } }
            </div>
            if !props.veiled { { notices(&live) } }
            if props.veiled {
                <p class="veil">{ "The run that decides can be played here, after your answer." }</p>
            } else {
                // One or two knobs stand where one sees what they do.
                if props.setting.knobs.len() <= FEW {
                    { knobs(&props.setting.knobs, &live.values, &on_knob) }
                    { bar(&live, &act) }
                } else {
                    { bar(&live, &act) }
                    { knobs(&props.setting.knobs, &live.values, &on_knob) }
                }
                { gauges(run, &props.setting.task) }
                if two { { strip(&live, &props.setting.task, &act) } } else { { figures(run) } }
                { look(&live, &act) }
                { why(&live, &act) }
                if props.charts {
                    <Charts graphs={graphs()} looks={props.looks} room={room} />
                }
                { words(&live, &act) }
                { keep(run, live.keys, &act) }
            }
        </section>
    }
}

/// So many knobs leave the controls of time near the picture.
const FEW: usize = 2;

/// The picture of the run, or of both, the one that was kept first.
fn panes(
    live: &Rc<RefCell<Live>>,
    refs: &[PaneRefs; 2],
    veiled: bool,
    about: &str,
    act: &Callback<Deed>,
) -> Html {
    let (names, kept, two) = {
        let live = live.borrow();
        let two = live.player.beside.is_some();
        (live.names(), live.kept.is_some(), two)
    };
    let title = |beside: bool| {
        let name = if beside { &names.beside } else { &names.own };
        let about = if beside { "" } else { about };
        two.then_some(Title { name, about })
    };
    let one = |beside: bool| {
        let refs = &refs[usize::from(beside)];
        pane(live, beside, refs, title(beside).as_ref(), veiled, act)
    };
    match (two, kept) {
        (false, _) => html! { <>{ one(false) }</> },
        (true, true) => html! { <>{ one(true) }{ one(false) }</> },
        (true, false) => html! { <>{ one(false) }{ one(true) }</> },
    }
}
