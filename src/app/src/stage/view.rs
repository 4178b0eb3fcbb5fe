//! The stage as a component of the page.

use std::rc::Rc;

use scale_course::{Knob, Settings, patched};
use scale_sim::{Condition, Metric, write_json};
use serde_json::Value;
use vecmap::VecMap;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::chart::{charts, use_charts};
use super::clock::{Clock, Live, Watch};
use super::keep::{csv, keep};
use super::layout::{Layout, NARROW, Point};
use super::narration::Density;
use super::painter::Colours;
use super::parts::{Deed, ZOOM, Zoom, bar, edges, figures, key, knobs, look, nodes, words, zoom};
use super::player::{Player, Sought};
use super::why::{Told, why};
use crate::browser;
use crate::handle::Handle;
use crate::protocol::{About, Command, Reply, Scene};
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
    /// Another run beside it.
    pub twin: Option<Twin>,
    /// What there is to draw, if that is known without the simulation: then the simulation is fetched only when it is to
    /// run.
    pub rest: Option<Scene>,
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
    /// Called once when the task is done.
    #[prop_or_default]
    pub on_task: Callback<()>,
}

/// The name of the picture, with the keys that it knows.
const KEYS: &str = "Picture of the system. Space plays and pauses, full stop goes one event on, comma one back, r resets, e runs to the end.";

/// A run to be watched, stopped, stepped and changed.
#[component]
pub fn Stage(props: &Props) -> Html {
    let still = props.looks.still;
    let live = use_mut_ref(Live::default);
    let renew = use_force_update();
    let (box_ref, whole_ref, canvas_ref) = (use_node_ref(), use_node_ref(), use_node_ref());
    let worker = use_state(|| 0_u32);

    // One worker for each stage, and a new one when it has died.
    let simulator = {
        let (live, renew) = (Rc::clone(&live), renew.clone());
        use_memo(*worker, move |_| {
            Simulator::new(Callback::from(move |reply: Reply| {
                let live = &mut *live.borrow_mut();
                let player = &mut live.player;
                match reply {
                    Reply::Ready(run, scene) if run == player.run => {
                        player.ready(scene);
                        live.place();
                        renew.force_update();
                    }
                    Reply::Frame(run, frame) if run == player.run => player.heard(*frame),
                    Reply::Told(run, story) if run == player.run => {
                        live.told = story.map_or(Told::Nobody, Told::Story);
                        renew.force_update();
                    }
                    Reply::Traced(run, trace) if run == player.run => {
                        browser::download("scale-lab-trace.json", "application/json", &trace);
                    }
                    Reply::Refused(run, why) if run == player.run => {
                        player.refuse(why);
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
                live.values = knob_values(&setting);
                live.filter = None;
                live.looked = None;
            }
            live.told_task = false;
            live.told = Told::Unasked;
            live.dirty = true;
            if let Some(rest) = setting.rest.as_ref().filter(|_| fresh && !playing) {
                live.player = Player::at_rest(rest.clone(), speed);
                live.place();
                return;
            }
            // The scene stays in sight until the new run stands; another scene does not.
            let scene = if fresh {
                Scene::default()
            } else {
                core::mem::take(&mut live.player.scene)
            };
            let clock_s = browser::now_ms() / 1000.0;
            live.player = Player::new(simulator.number(), speed, playing, clock_s, scene);
            live.place();
            let task = write_json(&setting.task);
            match scenario(&setting, &live.values) {
                Ok(scenario) => simulator.ask(Command::Load {
                    run: live.player.run,
                    scenario,
                    task,
                }),
                Err(why) => live.player.refuse(why),
            }
        }
    };

    {
        let (load, autoplay) = (load.clone(), props.autoplay && !still);
        let renew = renew.clone();
        use_effect_with(
            (props.setting.clone(), props.autoplay, *worker),
            move |_| {
                load(autoplay, true);
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
        let (live, renew, box_ref, canvas_ref) = (
            Rc::clone(&live),
            renew.clone(),
            box_ref.clone(),
            canvas_ref.clone(),
        );
        let on_task = props.on_task.clone();
        use_effect_with((deps.1, *worker, on_task), move |(still, _, on_task)| {
            let clock = Clock {
                live: Rc::clone(&live),
                simulator: deps.0,
                renew: renew.clone(),
                canvas: canvas_ref,
                still: *still,
                on_task: on_task.clone(),
            };
            clock.clone().next();
            let watch = Watch::new(&box_ref, &live, &renew);
            move || {
                live.borrow_mut().frame = None;
                drop(watch);
            }
        });
    }

    let on_knob = {
        let (live, simulator, renew) = (Rc::clone(&live), Rc::clone(&simulator), renew.clone());
        let (setting, load) = (props.setting.clone(), load.clone());
        Callback::from(move |(path, value): (String, f64)| {
            let begun = {
                let live = &mut *live.borrow_mut();
                live.values.insert(path, value);
                live.player.now_s() > 0.0 && !live.player.is_over()
            };
            if begun {
                let live = &mut *live.borrow_mut();
                match scenario(&setting, &live.values) {
                    Ok(scenario) => simulator.ask(Command::Change {
                        run: live.player.run,
                        at_s: live.player.rewind(),
                        scenario,
                    }),
                    Err(why) => live.player.refuse(why),
                }
            } else {
                // Before the start or after the end a change begins a new run, which goes on if one was going.
                let playing = {
                    let player = &live.borrow().player;
                    player.playing || (!still && (player.is_over() || player.is_at_rest()))
                };
                load(playing, false);
            }
            renew.force_update();
        })
    };

    let act = {
        let (live, renew, load) = (Rc::clone(&live), renew.clone(), load.clone());
        let simulator = Rc::clone(&simulator);
        Callback::from(move |deed: Deed| {
            let at_rest = live.borrow().player.is_at_rest();
            if at_rest && matches!(deed, Deed::Step(_) | Deed::Seek(_) | Deed::End) {
                load(false, false);
            }
            match deed {
                Deed::Toggle => {
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
                    live.told = if at_rest { Told::Nobody } else { Told::Asked };
                    if !at_rest {
                        let run = live.player.run;
                        simulator.ask(Command::Tell { run, about });
                    }
                }
                Deed::Figures => {
                    browser::download(
                        "scale-lab-figures.csv",
                        "text/csv",
                        &csv(&live.borrow().player),
                    );
                }
                Deed::Trace if !at_rest => simulator.ask(Command::Trace {
                    run: live.borrow().player.run,
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
                Deed::Look(component) => {
                    let live = &mut *live.borrow_mut();
                    // A second touch closes it again.
                    live.looked = component.filter(|_| component != live.looked);
                }
                Deed::Zoom(zoom) => {
                    let live = &mut *live.borrow_mut();
                    live.zoom = match zoom {
                        Zoom::In => (live.zoom * 1.25).min(ZOOM),
                        Zoom::Out => (live.zoom / 1.25).max(1.0),
                        Zoom::Fit => 1.0,
                    };
                    live.place();
                }
                Deed::Sought(sought) => live.borrow_mut().sought = sought,
                Deed::Reset => load(false, true),
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
                "?" => Deed::Keys,
                "r" => Deed::Reset,
                "e" => Deed::End,
                _ => return,
            };
            event.prevent_default();
            act.emit(deed);
        })
    };

    // A touch on a dot asks about its request.
    let onclick = {
        let (live, act, whole_ref, veiled) = (
            Rc::clone(&live),
            act.clone(),
            whole_ref.clone(),
            props.veiled,
        );
        Callback::from(move |event: MouseEvent| {
            let Some(element) = whole_ref.cast::<HtmlElement>().filter(|_| !veiled) else {
                return;
            };
            let corner = element.get_bounding_client_rect();
            let point = Point {
                x: f64::from(event.client_x()) - corner.left(),
                y: f64::from(event.client_y()) - corner.top(),
            };
            let request = {
                let live = live.borrow();
                live.player.picture.request_at(&live.layout, point)
            };
            if let Some(request) = request {
                act.emit(Deed::Tell(About::Request(request)));
            }
        })
    };

    let live = live.borrow();
    let player = &live.player;
    let graphs = if props.charts {
        charts(player, props.guessed.map(|g| (g.metric, g.value)))
    } else {
        Vec::new()
    };
    let graphs = use_charts(graphs, props.looks);
    let clock_s = browser::now_ms() / 1000.0;
    let (stuck, loading) = (player.is_stuck(clock_s), player.is_loading(clock_s));
    // A narrow stage is as high as its parts need one below the other.
    let frame = if live.room.0 < NARROW {
        format!("height:{:.0}px", Layout::height(&player.scene).max(430.0))
    } else {
        String::new()
    };
    let zoomed = live.zoom > 1.0;
    let whole = if zoomed {
        format!(
            "width:{:.0}px;height:{:.0}px",
            live.layout.width, live.layout.height
        )
    } else {
        String::new()
    };
    let revive = {
        let worker = worker.clone();
        Callback::from(move |_: MouseEvent| worker.set(*worker + 1))
    };
    html! {
        <section class={classes!("stage", props.veiled.then_some("veiled"))} aria-label="Simulation" onkeydown={on_key}>
            <div class="stage-frame" style={frame}>
            <div class={classes!("stage-picture", zoomed.then_some("zoomed"))} ref={box_ref} tabindex="0" role="group"
                aria-label={if props.veiled { "Picture of the system" } else { KEYS }}>
                <div class="stage-whole" ref={whole_ref} {onclick} style={whole}>
                    { edges(&live) }
                    <canvas ref={canvas_ref} aria-hidden="true"></canvas>
                    { nodes(&live, &act) }
                </div>
            </div>
                if loading && !stuck {
                    <p class="stage-note" role="status">{ "Fetching the simulation …" }</p>
                }
                if let Some(why) = &player.refused {
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
                { key(&player.scene) }
                if !props.veiled { { zoom(live.zoom, &act) } }
            </div>
            if props.veiled {
                <p class="veil">{ "Answer first: the run that decides is played here." }</p>
            } else {
                { bar(&live, &act) }
                { knobs(&props.setting, &live.values, &on_knob) }
                { figures(player) }
                { look(&live, &act) }
                { why(&live.told, player, &act) }
                if props.charts {
                    <div class="charts">{ graphs }</div>
                }
                { words(&live, &act) }
                { keep(player, live.keys, &act) }
            }
        </section>
    }
}

/// The values of a scene's knobs as its author wrote them.
fn knob_values(setting: &Setting) -> VecMap<String, f64> {
    let value = |knob: &Knob| {
        setting
            .scene
            .pointer(&knob.path)
            .and_then(Value::as_f64)
            .unwrap_or(knob.min)
    };
    setting
        .knobs
        .iter()
        .map(|knob| (knob.path.clone(), value(knob)))
        .collect()
}

/// The scene with its knobs as they stand.
fn scenario(setting: &Setting, values: &VecMap<String, f64>) -> Result<String, String> {
    let settings: Settings = values
        .iter()
        .map(|(path, value)| (path.clone(), Knob::value(*value)))
        .collect();
    let patched = patched(&setting.scene, &settings).map_err(|problems| problems[0].to_string())?;
    Ok(write_json(&patched))
}
