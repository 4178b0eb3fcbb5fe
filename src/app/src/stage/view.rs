//! The stage as a component of the page.

use core::cell::RefCell;
use std::rc::Rc;

use gloo::render::{AnimationFrame, request_animation_frame};
use indexmap::IndexMap;
use scale_course::{Knob, Settings, patched};
use scale_sim::{Condition, Kind, Metric};
use serde_json::Value;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{
    CanvasRenderingContext2d, HtmlCanvasElement, HtmlElement, HtmlInputElement, HtmlSelectElement,
};
use yew::prelude::*;

use super::chart::{ChartView, charts, number};
use super::layout::Layout;
use super::painter::{Colours, paint};
use super::picture::controls;
use super::player::{Player, SPEEDS};
use crate::browser;
use crate::icon::{Sign, icon};
use crate::protocol::{Command, Ended, Reply};
use crate::simulator::Simulator;
use crate::state::use_shared;

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
    pub setting: Rc<Setting>,
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
    /// Called once when the task is done.
    #[prop_or_default]
    pub on_task: Callback<()>,
}

/// Everything that lives from frame to frame and is not a matter for the page's diffing.
struct Live {
    player: Player,
    layout: Layout,
    colours: Colours,
    last_ms: f64,
    shown_ms: f64,
    visible: bool,
    dirty: bool,
    told_task: bool,
    frame: Option<AnimationFrame>,
    values: IndexMap<String, f64>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            player: Player::default(),
            layout: Layout::default(),
            colours: Colours::default(),
            last_ms: 0.0,
            shown_ms: 0.0,
            visible: true,
            dirty: true,
            told_task: false,
            frame: None,
            values: IndexMap::new(),
        }
    }
}

/// How often the words and numbers are renewed while it plays, in milliseconds.
const WORDS_MS: f64 = 120.0;
/// How long the worker may take for one answer, in seconds.
const PATIENCE_S: f64 = 10.0;

/// A run to be watched, stopped, stepped and changed.
#[component]
pub fn Stage(props: &Props) -> Html {
    let shared = use_shared();
    let still = shared.settings.still();
    let live = use_mut_ref(Live::default);
    let renew = use_force_update();
    let (box_ref, canvas_ref) = (use_node_ref(), use_node_ref());
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
                        live.layout =
                            Layout::new(&player.scene, live.layout.width, live.layout.height);
                        live.dirty = true;
                        renew.force_update();
                    }
                    Reply::Frame(run, frame) if run == player.run => player.heard(*frame),
                    Reply::Refused(run, why) if run == player.run => {
                        player.refused = Some(why);
                        player.set_playing(false);
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
        let (setting, speed) = (Rc::clone(&props.setting), props.speed);
        move |playing: bool, fresh: bool| {
            let live = &mut *live.borrow_mut();
            let speed = if fresh { speed } else { live.player.speed };
            if fresh {
                live.values = knob_values(&setting);
            }
            live.player = Player::new(
                simulator.number(),
                speed,
                playing,
                browser::now_ms() / 1000.0,
            );
            live.told_task = false;
            live.dirty = true;
            let task = serde_json::to_string(&setting.task).unwrap_or_else(|_| "[]".to_owned());
            match scenario(&setting, &live.values) {
                Ok(scenario) => simulator.ask(Command::Load {
                    run: live.player.run,
                    scenario,
                    task,
                }),
                Err(why) => live.player.refused = Some(why),
            }
        }
    };

    {
        let (load, autoplay) = (load.clone(), props.autoplay && !still);
        let renew = renew.clone();
        use_effect_with(
            (Rc::clone(&props.setting), props.autoplay, *worker),
            move |_| {
                load(autoplay, true);
                renew.force_update();
            },
        );
    }

    // The page's theme may change under way.
    {
        let live = Rc::clone(&live);
        use_effect_with(shared.settings, move |_| {
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
        let (setting, load) = (Rc::clone(&props.setting), load.clone());
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
                        scenario,
                    }),
                    Err(why) => live.player.refused = Some(why),
                }
            } else {
                // Before the start or after the end a change begins a new run, which goes on if one was going.
                let over = live.borrow().player.is_over();
                let playing = live.borrow().player.playing || (over && !still);
                load(playing, false);
            }
            renew.force_update();
        })
    };

    let act = {
        let (live, renew, load) = (Rc::clone(&live), renew.clone(), load.clone());
        Callback::from(move |deed: Deed| {
            match deed {
                Deed::Toggle => {
                    let over = live.borrow().player.is_over();
                    if over {
                        load(true, false);
                    } else {
                        let player = &mut live.borrow_mut().player;
                        player.set_playing(!player.playing);
                    }
                }
                Deed::Step => live.borrow_mut().player.step(),
                Deed::Reset => load(false, true),
                Deed::End => live.borrow_mut().player.hurry(),
                Deed::Speed(speed) => live.borrow_mut().player.speed = speed,
            }
            live.borrow_mut().dirty = true;
            renew.force_update();
        })
    };
    let on_key = {
        let act = act.clone();
        Callback::from(move |event: KeyboardEvent| {
            let on_control = event
                .target()
                .and_then(|t| t.dyn_into::<HtmlElement>().ok())
                .is_some_and(|element| {
                    matches!(
                        element.tag_name().as_str(),
                        "INPUT" | "SELECT" | "BUTTON" | "SUMMARY"
                    )
                });
            if event.ctrl_key() || event.meta_key() || event.alt_key() {
                return;
            }
            let deed = match event.key().as_str() {
                " " | "k" if !on_control || event.key() == "k" => Deed::Toggle,
                "." => Deed::Step,
                "r" => Deed::Reset,
                "e" => Deed::End,
                _ => return,
            };
            event.prevent_default();
            act.emit(deed);
        })
    };

    let live = live.borrow();
    let player = &live.player;
    let stuck = player.is_stuck(browser::now_ms() / 1000.0, PATIENCE_S);
    let revive = {
        let worker = worker.clone();
        Callback::from(move |_: MouseEvent| worker.set(*worker + 1))
    };
    html! {
        <section class="stage" aria-label="Simulation" onkeydown={on_key}>
            <div class="stage-picture" ref={box_ref} tabindex="0" role="group"
                aria-label="Picture of the system. Space plays and pauses, full stop goes one event on, r resets, e runs to the end.">
                { edges(&live) }
                <canvas ref={canvas_ref} aria-hidden="true"></canvas>
                { nodes(&live) }
                if player.scene.components.is_empty() && player.refused.is_none() {
                    <p class="stage-note" role="status">{ "Setting the stage …" }</p>
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
            { bar(player, &act) }
            { knobs(&props.setting, &live.values, &on_knob) }
            { figures(player) }
            if props.charts {
                <div class="charts">
                    { for charts(player, props.guessed.map(|g| (g.metric, g.value))).into_iter().map(|chart| html! {
                        <ChartView ..chart />
                    }) }
                </div>
            }
            { words(player) }
        </section>
    }
}

/// What the reader can do with a run.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Deed {
    Toggle,
    Step,
    Reset,
    End,
    Speed(f64),
}

/// The values of a scene's knobs as its author wrote them.
fn knob_values(setting: &Setting) -> IndexMap<String, f64> {
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
fn scenario(setting: &Setting, values: &IndexMap<String, f64>) -> Result<String, String> {
    let settings: Settings = values
        .iter()
        .map(|(path, value)| (path.clone(), Knob::value(*value)))
        .collect();
    let patched = patched(&setting.scene, &settings).map_err(|problems| problems[0].to_string())?;
    Ok(patched.to_string())
}

/// What turns the page's frames into the run's time.
#[derive(Clone)]
struct Clock {
    live: Rc<RefCell<Live>>,
    simulator: Rc<Simulator>,
    renew: UseForceUpdateHandle,
    canvas: NodeRef,
    still: bool,
    on_task: Callback<()>,
}

impl Clock {
    fn next(self) {
        let live = Rc::clone(&self.live);
        let frame = request_animation_frame(move |now_ms| {
            self.frame(now_ms);
            self.next();
        });
        live.borrow_mut().frame = Some(frame);
    }

    fn frame(&self, now_ms: f64) {
        let mut done = false;
        {
            let live = &mut *self.live.borrow_mut();
            // A tab that was away for long does not catch up.
            let real_s = ((now_ms - live.last_ms) / 1000.0).clamp(0.0, 0.1);
            live.last_ms = now_ms;
            if !live.visible {
                return;
            }
            let before = (live.player.now_s(), live.player.playing);
            if let Some(to_s) = live.player.pass(real_s, browser::now_ms() / 1000.0) {
                self.simulator.ask(Command::Advance {
                    run: live.player.run,
                    to_s,
                });
            }
            let moved = before != (live.player.now_s(), live.player.playing);
            if moved || live.dirty {
                self.paint(live);
                live.dirty = false;
            }
            let stopped = before.1 && !live.player.playing;
            let due = now_ms - live.shown_ms >= WORDS_MS;
            let stuck = live.player.is_stuck(browser::now_ms() / 1000.0, PATIENCE_S);
            let news = (due && (moved || stuck)) || stopped || (moved && !live.player.playing);
            if news {
                live.shown_ms = now_ms;
                self.renew.force_update();
            }
            if live.player.task_is_done() && !live.told_task {
                live.told_task = true;
                done = true;
            }
        }
        if done {
            self.on_task.emit(());
        }
    }

    fn paint(&self, live: &Live) {
        let Some(canvas) = self.canvas.cast::<HtmlCanvasElement>() else {
            return;
        };
        let scale = browser::window().device_pixel_ratio().max(1.0);
        let (width, height) = (
            (live.layout.width * scale) as u32,
            (live.layout.height * scale) as u32,
        );
        if canvas.width() != width || canvas.height() != height {
            canvas.set_width(width);
            canvas.set_height(height);
        }
        let context = canvas.get_context("2d").ok().flatten();
        if let Some(context) = context.and_then(|c| c.dyn_into::<CanvasRenderingContext2d>().ok()) {
            paint(
                &context,
                scale,
                &live.layout,
                &live.player.picture,
                &live.colours,
                self.still,
            );
        }
    }
}

/// Watches the size of the stage and whether it is in sight.
struct Watch {
    size: web_sys::ResizeObserver,
    sight: web_sys::IntersectionObserver,
    _on_size: Closure<dyn FnMut()>,
    _on_sight: Closure<dyn FnMut(js_sys::Array)>,
}

impl Watch {
    fn new(
        element: &NodeRef,
        live: &Rc<RefCell<Live>>,
        renew: &UseForceUpdateHandle,
    ) -> Option<Self> {
        let element = element.cast::<HtmlElement>()?;
        let measure = {
            let (element, live, renew) = (element.clone(), Rc::clone(live), renew.clone());
            move || {
                let live = &mut *live.borrow_mut();
                let (width, height) = (
                    f64::from(element.client_width()),
                    f64::from(element.client_height()),
                );
                if (width, height) != (live.layout.width, live.layout.height) {
                    live.layout = Layout::new(&live.player.scene, width, height);
                    live.dirty = true;
                    renew.force_update();
                }
            }
        };
        measure();
        let on_size = Closure::<dyn FnMut()>::new(measure);
        let on_sight = {
            let live = Rc::clone(live);
            Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
                let last = entries.get(entries.length().saturating_sub(1));
                let entry = last.unchecked_into::<web_sys::IntersectionObserverEntry>();
                live.borrow_mut().visible = entry.is_intersecting();
            })
        };
        let size = web_sys::ResizeObserver::new(on_size.as_ref().unchecked_ref()).ok()?;
        let sight = web_sys::IntersectionObserver::new(on_sight.as_ref().unchecked_ref()).ok()?;
        size.observe(&element);
        sight.observe(&element);
        Some(Self {
            size,
            sight,
            _on_size: on_size,
            _on_sight: on_sight,
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.size.disconnect();
        self.sight.disconnect();
    }
}

/// The connections.
fn edges(live: &Live) -> Html {
    let (layout, scene) = (&live.layout, &live.player.scene);
    if scene.components.len() != layout.components.len() {
        return html! {};
    }
    let places = |component: usize| {
        let stations = scene.stations.iter().zip(&layout.stations);
        let own = stations.filter(move |(s, _)| usize::from(s.component) == component);
        let rects: Vec<_> = own
            .filter_map(|(_, place)| place.as_ref().map(|p| p.rect))
            .collect();
        if rects.is_empty() {
            vec![layout.components[component]]
        } else {
            rects
        }
    };
    let mut paths = Vec::new();
    for (at, component) in scene.components.iter().enumerate() {
        for target in &component.targets {
            for from in places(at) {
                for to in places(usize::from(*target)) {
                    let (start, end) = (layout.exit(&from), layout.entry(&to));
                    let [a, b] = controls(layout, start, end);
                    let d = format!(
                        "M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
                        start.x, start.y, a.x, a.y, b.x, b.y, end.x, end.y
                    );
                    paths.push(html! { <path {d} /> });
                }
            }
        }
    }
    html! { <svg class="edges" aria-hidden="true" focusable="false">{ for paths }</svg> }
}

/// The components: real elements, with their name and state in words.
fn nodes(live: &Live) -> Html {
    let (layout, player) = (&live.layout, &live.player);
    let scene = &player.scene;
    if scene.components.len() != layout.components.len() {
        return html! {};
    }
    let place = |r: &super::layout::Rect| {
        format!(
            "left:{:.1}px;top:{:.1}px;width:{:.1}px;height:{:.1}px",
            r.x, r.y, r.w, r.h
        )
    };
    let single = scene
        .components
        .iter()
        .zip(&layout.components)
        .filter(|(c, _)| matches!(c.kind, Kind::Client | Kind::Balancer));
    let single = single.map(|(component, rect)| {
        html! {
            <div class={classes!("node", "plain", format!("kind-{}", component.kind.name()))} style={place(rect)}
                key={component.name.clone()}>
                { icon(Sign::from(component.kind)) }
                <span class="node-name">{ &component.label }</span>
            </div>
        }
    });
    let latest = player
        .series
        .iter()
        .rev()
        .find(|window| window.to_s <= player.now_s() + 1e-9);
    let stations = scene.stations.iter().enumerate().filter_map(|(at, station)| {
        let spot = layout.stations.get(at)?.as_ref()?;
        let component = &scene.components[usize::from(station.component)];
        let name = player.station_name(at as u32);
        let waiting = player.picture.station(at).waiting;
        let lost = player.picture.lost(at);
        let busy = latest.and_then(|window| window.stations.get(at)).map(|s| s.utilisation() * 100.0);
        let hot = busy.is_some_and(|busy| busy >= 90.0).then_some("hot");
        let class = classes!("node", "station", format!("kind-{}", component.kind.name()), hot, (!spot.roomy).then_some("small"));
        let short = if component.kind == Kind::Service { (station.instance + 1).to_string() } else { String::new() };
        let label = player.describe(at);
        Some(html! {
            <div {class} style={place(&spot.rect)} key={format!("{}.{}", component.name, station.instance)}
                role="img" aria-label={label.clone()} title={label}>
                if spot.roomy {
                    <span class="node-head">
                        { icon(Sign::from(component.kind)) }
                        <span class="node-name">{ name }</span>
                        if let Some(busy) = busy { <span class="node-figure">{ format!("{busy:.0}%") }</span> }
                    </span>
                } else {
                    <span class="node-number">{ short }</span>
                }
                if waiting > 0 { <span class="node-queue">{ waiting }</span> }
                if lost > 0 { <span class="node-lost">{ if spot.roomy { format!("{lost} lost") } else { format!("×{lost}") } }</span> }
            </div>
        })
    });
    html! { <>{ for single }{ for stations }</> }
}

/// The controls of time.
fn bar(player: &Player, act: &Callback<Deed>) -> Html {
    let deed = |deed: Deed| {
        let act = act.clone();
        Callback::from(move |_: MouseEvent| act.emit(deed))
    };
    let on_speed = {
        let act = act.clone();
        Callback::from(move |event: Event| {
            if let Ok(speed) = event
                .target_unchecked_into::<HtmlSelectElement>()
                .value()
                .parse()
            {
                act.emit(Deed::Speed(speed));
            }
        })
    };
    let over = player.is_over();
    let (sign, word) = match (player.playing, over) {
        (true, _) => (Sign::Pause, "Pause"),
        (false, true) => (Sign::Again, "Play again"),
        (false, false) => (Sign::Play, "Play"),
    };
    let share = if player.scene.horizon_s > 0.0 {
        player.now_s() / player.scene.horizon_s
    } else {
        0.0
    };
    html! {
        <div class="stage-bar">
            <button class="button primary play" onclick={deed(Deed::Toggle)} aria-keyshortcuts="Space k">
                { icon(sign) }<span>{ word }</span>
            </button>
            <button class="button quiet" onclick={deed(Deed::Step)} disabled={over} aria-keyshortcuts="." title="One event on (.)" aria-label="One event on">
                { icon(Sign::Step) }
            </button>
            <button class="button quiet" onclick={deed(Deed::End)} disabled={over} aria-keyshortcuts="e" title="Run to the end (e)" aria-label="Run to the end">
                { icon(Sign::End) }
            </button>
            <button class="button quiet" onclick={deed(Deed::Reset)} aria-keyshortcuts="r" title="Reset (r)" aria-label="Reset">
                { icon(Sign::Reset) }
            </button>
            <span class="stage-time">
                <progress max="1" value={format!("{share:.4}")} aria-label="How much of the run has been played"></progress>
                <span>{ format!("{:.1} s of {:.0}", player.now_s(), player.scene.horizon_s) }</span>
            </span>
            <label class="stage-speed">
                <span>{ "Speed" }</span>
                <select onchange={on_speed}>
                    { for SPEEDS.iter().map(|speed| html! {
                        <option value={speed.to_string()} selected={(speed - player.speed).abs() < 1e-9}>{ format!("{speed}×") }</option>
                    }) }
                </select>
            </label>
        </div>
    }
}

fn knobs(
    setting: &Rc<Setting>,
    values: &IndexMap<String, f64>,
    on_knob: &Callback<(String, f64)>,
) -> Html {
    if setting.knobs.is_empty() {
        return html! {};
    }
    let one = |knob: &Knob| {
        let value = values.get(&knob.path).copied().unwrap_or(knob.min);
        let oninput = {
            let (on_knob, path) = (on_knob.clone(), knob.path.clone());
            Callback::from(move |event: InputEvent| {
                let value = event
                    .target_unchecked_into::<HtmlInputElement>()
                    .value_as_number();
                if value.is_finite() {
                    on_knob.emit((path.clone(), value));
                }
            })
        };
        let said = format!("{value} {}", knob.unit);
        html! {
            <label class="knob" key={knob.path.clone()}>
                <span class="knob-label">{ &knob.label }</span>
                <span class="knob-value">{ said.trim() }</span>
                <input type="range" min={knob.min.to_string()} max={knob.max.to_string()} step={knob.step.to_string()}
                    value={value.to_string()} aria-valuetext={said.trim().to_owned()} {oninput} />
            </label>
        }
    };
    html! { <div class="knobs">{ for setting.knobs.iter().map(one) }</div> }
}

/// The figures of the moment.
fn figures(player: &Player) -> Html {
    let window = player
        .series
        .iter()
        .rev()
        .find(|window| window.to_s <= player.now_s() + 1e-9);
    let value = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
    let per_s = |count: u64, window: &scale_sim::Figures| count as f64 / window.seconds();
    let latency = window.and_then(|w| w.latency);
    let lost: u64 = (0..player.scene.stations.len())
        .map(|at| player.picture.lost(at))
        .sum();
    let all = [
        ("Sent", value(window.map(|w| per_s(w.sent, w))), "/s", ""),
        (
            "Answered",
            value(window.map(|w| per_s(w.completed, w))),
            "/s",
            "",
        ),
        ("Median", value(latency.map(|l| l.p50_ms)), "ms", ""),
        ("p99", value(latency.map(|l| l.p99_ms)), "ms", ""),
        (
            "Lost",
            if player.picture.stride() > 1 {
                player.totals[2]
            } else {
                lost
            }
            .to_string(),
            "in all",
            if lost > 0 { "bad" } else { "" },
        ),
    ];
    html! {
        <dl class="figures">
            { for all.into_iter().map(|(name, value, unit, class)| html! {
                <div {class}><dt>{ name }</dt><dd>{ value }<small>{ format!(" {unit}") }</small></dd></div>
            }) }
        </dl>
    }
}

/// The run in words: the state on demand, and what has happened.
fn words(player: &Player) -> Html {
    let ended = match &player.ended {
        Some(Ended::Stopped(why)) if player.is_over() => Some(why.clone()),
        _ => None,
    };
    // Only a run that stands still is read out: one that plays would never fall silent.
    let said = if player.playing {
        String::new()
    } else {
        player.narration.back().cloned().unwrap_or_default()
    };
    html! {
        <>
            if let Some(why) = ended { <p class="stage-ended bad" role="alert">{ why }</p> }
            if player.picture.stride() > 1 {
                <p class="stage-ended">{ format!("So much happens that one request in {} is drawn.", player.picture.stride()) }</p>
            }
            <p class="unseen" role="status">{ said }</p>
            <details class="in-words">
                <summary>{ "In words" }</summary>
                <p>{ player.describe_all() }</p>
                <ol class="narration" tabindex="0" aria-label="What happened last, newest first">
                    { for player.narration.iter().rev().take(60).map(|line| html! { <li>{ line }</li> }) }
                </ol>
            </details>
        </>
    }
}
