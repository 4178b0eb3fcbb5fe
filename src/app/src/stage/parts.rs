//! The parts of the stage that are elements of the page: connections, components, controls, figures, words.

use scale_course::Knob;
use scale_sim::{Kind, StationFigures};
use vecmap::VecMap;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::chart::number;
use super::clock::Live;
use super::flight::controls;
use super::layout::Layout;
use super::narration::Density;
use super::painter::SHADES;
use super::player::{Player, SPEEDS, Sought};
use super::run::Run;
use crate::icon::{Sign, icon};
use crate::protocol::{About, DotKind, Ended, Holds, Scene};

/// What the reader can do with a run.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Deed {
    Toggle,
    Step(Sought),
    Back(Sought),
    /// To a moment, in simulated seconds.
    Seek(f64),
    Reset,
    End,
    Speed(f64),
    /// From now on, go from one thing of this kind to the next.
    Sought(Sought),
    /// Tell the story of a request.
    Tell(About),
    /// Keep the figures as a file.
    Figures,
    /// Keep the events as a file for a trace viewer.
    Trace,
    /// Show the keys, or hide them.
    Keys,
    /// How much is told, by its place in the list.
    Density(i32),
    /// Of which component, by its place in the list; 0 of all.
    Filter(i32),
    /// Look at a component closely, or no more.
    Look(Option<u16>),
    /// Make the picture larger or smaller, or fit it again.
    Zoom(Zoom),
    /// Keep this run as it is, and change another from here on.
    Fork,
    /// Go on with one of the two: with the one beside, or with the reader's.
    Settle(bool),
    /// Where there is room for one only: show that beside, or the reader's.
    Front(bool),
    /// Tell in words of the run beside, or of the reader's.
    Narrate(bool),
}

/// How the picture is to be seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Zoom {
    In,
    Out,
    Fit,
}

/// By component: which of the shades it has, if it is a shard of a router.
pub fn shades(scene: &Scene) -> Vec<Option<usize>> {
    let mut shades = vec![None; scene.components.len()];
    for component in &scene.components {
        if component.kind == Kind::Shards {
            for (number, target) in component.targets.iter().enumerate() {
                shades[usize::from(*target)].get_or_insert(number % SHADES);
            }
        }
    }
    shades
}

/// The connections.
pub fn edges(run: &Run, layout: &Layout) -> Html {
    let scene = &run.scene;
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
                // Nobody asks a router's mover.
                let asked = if scene.components[usize::from(*target)].kind == Kind::Shards {
                    1
                } else {
                    usize::MAX
                };
                for to in places(usize::from(*target)).into_iter().take(asked) {
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
pub fn nodes(run: &Run, layout: &Layout, looked: Option<u16>, act: &Callback<Deed>) -> Html {
    let scene = &run.scene;
    if scene.components.len() != layout.components.len() {
        return html! {};
    }
    let place = |r: &super::layout::Rect| {
        format!(
            "left:{:.1}px;top:{:.1}px;width:{:.1}px;height:{:.1}px",
            r.x, r.y, r.w, r.h
        )
    };
    let shades = shades(scene);
    let opens = |component: u16| {
        let deed = Deed::Look(Some(component));
        let onclick = {
            let act = act.clone();
            Callback::from(move |_: MouseEvent| act.emit(deed))
        };
        let act = act.clone();
        let onkeydown = Callback::from(move |event: KeyboardEvent| {
            // As a button does it; elsewhere on the stage the space bar plays.
            if matches!(event.key().as_str(), "Enter" | " ") {
                event.prevent_default();
                event.stop_propagation();
                act.emit(deed);
            }
        });
        (onclick, onkeydown)
    };
    let single = (0..)
        .zip(&scene.components)
        .zip(&layout.components)
        .filter(|((_, c), _)| matches!(c.kind, Kind::Client | Kind::Balancer));
    let single = single.map(|((at, component), rect)| {
        let (onclick, onkeydown) = opens(at);
        let looked = looked == Some(at);
        html! {
            <div class={classes!("node", "plain", format!("kind-{}", component.kind.name()), looked.then_some("looked"))} ~style={place(rect)}
                data-component={component.name.clone()} key={component.name.clone()} {onclick} {onkeydown}
                role="button" tabindex="0" aria-expanded={looked.to_string()}>
                { icon(Sign::from(component.kind)) }
                <span class="node-name">{ &component.label }</span>
            </div>
        }
    });
    let latest = run.window();
    let stations = scene.stations.iter().enumerate().filter_map(|(at, station)| {
        let spot = layout.stations.get(at)?.as_ref()?;
        let component = &scene.components[usize::from(station.component)];
        let name = run.station_name(at as u32);
        let waiting = run.picture.station(at).waiting;
        let lost = run.picture.lost(at);
        let busy = latest.and_then(|window| window.stations.get(at)).map(|s| s.utilisation() * 100.0);
        let hot = busy.is_some_and(|busy| busy >= 90.0).then_some("hot");
        let low = (spot.rect.h < 70.0).then_some("low");
        let measured = !spot.servers.is_empty();
        // A cache says how often it has what is looked for, not how busy it is.
        let hits = latest.and_then(|window| window.stations.get(at)).and_then(StationFigures::hit_ratio);
        let shade = shades[usize::from(station.component)];
        let style = match shade {
            Some(shade) => format!("{};--shade:var(--shade-{shade})", place(&spot.rect)),
            None => place(&spot.rect),
        };
        let class = classes!("node", "station", low, shade.map(|_| "shard"), format!("kind-{}", component.kind.name()), hot, (!spot.roomy).then_some(if layout.downwards { "small tall" } else { "small" }));
        let short = if component.kind == Kind::Service { (station.instance + 1).to_string() } else { String::new() };
        let label = run.describe(at);
        let looked = looked == Some(station.component);
        let out = (run.picture.capacity(at) == Some(0)).then(|| scene.out(station));
        let class = classes!(class, looked.then_some("looked"), out, spot.inside.map(|_| "holds"));
        let (onclick, onkeydown) = opens(station.component);
        Some(html! {
            <div {class} ~style={style} {onclick} {onkeydown} tabindex="0" aria-expanded={looked.to_string()} key={format!("{}.{}", component.name, station.instance)}
                role="button" title={label.clone()}>
                if spot.roomy {
                    <span class="node-head">
                        { icon(Sign::from(component.kind)) }
                        <span class="node-name">{ name }</span>
                        if let Some(out) = out {
                            <span class="node-figure">{ out }</span>
                        } else if let Some(hits) = hits {
                            <span class="node-figure">{ format!("{:.0}% hits", hits * 100.0) }</span>
                        } else if let Some(busy) = busy.filter(|_| measured) {
                            <span class="node-figure">{ format!("{busy:.0}%") }</span>
                        }
                    </span>
                } else {
                    <span class="node-number">{ short }</span>
                }
                <span class="unseen">{ label }</span>
                if waiting > 0 { <span class="node-queue">{ waiting }</span> }
                if lost > 0 { <span class="node-lost">{ if spot.roomy && spot.rect.w >= 84.0 { format!("{lost} refused") } else { format!("×{lost}") } }</span> }
            </div>
        })
    });
    html! { <>{ for single }{ for stations }</> }
}

/// The picture's key: what its dots stand for, of the kinds that this scene can show.
pub fn key(scene: &Scene) -> Html {
    let has = |kinds: &[Kind]| scene.components.iter().any(|c| kinds.contains(&c.kind));
    let holds = |wanted: fn(&Holds) -> bool| scene.components.iter().any(|c| wanted(&c.holds));
    let cached = holds(|holds| matches!(holds, Holds::Entries(_)));
    let copied = holds(|holds| matches!(holds, Holds::Log | Holds::Changes));
    let shown = DotKind::ALL.into_iter().filter(|(kind, _)| match kind {
        DotKind::Request | DotKind::Answer => true,
        DotKind::Miss | DotKind::Hit | DotKind::Absent => cached,
        DotKind::Stale => cached || copied,
        DotKind::Message => has(&[Kind::Queue, Kind::Topic]),
        DotKind::Compensation => holds(|holds| matches!(holds, Holds::Steps(_))),
        DotKind::Lost => !cached,
        DotKind::Retry | DotKind::Probe | DotKind::Refusal => false,
    });
    let shown = shown.map(|(kind, name)| {
        html! { <li><span class={format!("dot {kind:?}").to_ascii_lowercase()}></span>{ name }</li> }
    });
    html! { <ul class="stage-key" aria-label="What the dots stand for">{ for shown }</ul> }
}

/// Larger, smaller, and as it fits.
pub fn zoom(zoom: f64, act: &Callback<Deed>) -> Html {
    let button = |to: Zoom,
                  off: bool,
                  word: &'static str,
                  name: &'static str,
                  key: &'static str| {
        let act = act.clone();
        let onclick = Callback::from(move |event: MouseEvent| {
            event.stop_propagation();
            act.emit(Deed::Zoom(to));
        });
        html! {
            <button class="zoom" {onclick} disabled={off} title={format!("{name} ({key})")} aria-label={name} aria-keyshortcuts={key}>{ word }</button>
        }
    };
    html! {
        <div class="zooms" role="group" aria-label="Size of the picture">
            if zoom > 1.0 { { button(Zoom::Fit, false, "Fit", "Fit the picture", "f") } }
            { button(Zoom::Out, zoom <= 1.0, "−", "Smaller", "-") }
            { button(Zoom::In, zoom >= ZOOM, "+", "Larger", "+") }
        </div>
    }
}

/// So much larger than what can be seen of it the picture can be.
pub const ZOOM: f64 = 3.0;

/// The controls of time.
pub fn bar(live: &Live, act: &Callback<Deed>) -> Html {
    let player = &live.player;
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
    let start = player.now_s() <= 0.0;
    let (sign, word) = match (player.playing, over) {
        (true, _) => (Sign::Pause, "Pause"),
        (false, true) => (Sign::Again, "Play again"),
        (false, false) => (Sign::Play, "Play"),
    };
    let small = |act: Deed, off: bool, sign: Sign, name: &'static str, key: &'static str| {
        html! {
            <button class="button quiet" onclick={deed(act)} disabled={off} aria-keyshortcuts={key}
                title={format!("{name} ({key})")} aria-label={name}>
                { icon(sign) }
            </button>
        }
    };
    html! {
        <div class="stage-bar">
            <button class="button primary play" onclick={deed(Deed::Toggle)} aria-keyshortcuts="Space k">
                { icon(sign) }<span>{ word }</span>
            </button>
            { small(Deed::Back(Sought::Anything), start, Sign::StepBack, "One event back", ",") }
            { small(Deed::Step(Sought::Anything), over, Sign::Step, "One event on", ".") }
            { small(Deed::End, over, Sign::End, "Run to the end", "e") }
            { small(Deed::Reset, false, Sign::Reset, if start { "Set the knobs back" } else { "Reset" }, "r") }
            { timeline(player, act) }
            <select class="stage-speed" onchange={on_speed} aria-label="Speed">
                    { for SPEEDS.iter().map(|speed| html! {
                        <option value={speed.to_string()} selected={(speed - player.speed).abs() < 1e-9}>{ format!("{speed}×") }</option>
                    }) }
            </select>
            { seeker(live.sought, start, over, act) }
            // It stands there from the start, so that nothing moves when the scene has come.
            if player.beside.is_none() {
                <button class="button quiet fork" onclick={deed(Deed::Fork)} disabled={player.run.scene.horizon_s <= 0.0} aria-keyshortcuts="b"
                    title="Keep this run and change another from here on (b)">{ icon(Sign::Fork) }<span>{ "Compare" }</span></button>
            }
        </div>
    }
}

/// The whole run as a line: the moment shown, up to where it is known, and what is worth going to.
fn timeline(player: &Player, act: &Callback<Deed>) -> Html {
    let oninput = {
        let act = act.clone();
        Callback::from(move |event: InputEvent| {
            let to_s = event
                .target_unchecked_into::<HtmlInputElement>()
                .value_as_number();
            if to_s.is_finite() {
                act.emit(Deed::Seek(to_s));
            }
        })
    };
    let horizon_s = player.horizon_s().max(1e-9);
    let share = |at_s: f64| (at_s / horizon_s * 100.0).clamp(0.0, 100.0);
    let markers = player.markers();
    let words: Vec<String> = markers
        .iter()
        .map(|(at_s, _, what)| format!("{what} at {at_s:.1} s"))
        .collect();
    let said = format!("{:.2} s of {horizon_s:.0} s", player.now_s());
    let step = format!("{}", horizon_s / 500.0);
    html! {
        <span class="stage-time">
            <span class="timeline">
                <span class="timeline-known" ~style={format!("width:{:.2}%", share(player.reached_s()))}></span>
                { for markers.iter().map(|(at_s, kind, what)| html! {
                    <span class={format!("marker {kind}")} ~style={format!("left:{:.2}%", share(*at_s))} title={format!("{what} at {at_s:.1} s")}></span>
                }) }
                <input type="range" min="0" max={horizon_s.to_string()} {step} value={player.now_s().to_string()} {oninput}
                    aria-label="Moment shown" aria-valuetext={said} aria-describedby="markers" />
            </span>
            <span class="stage-now">{ format!("{:.1} s of {horizon_s:.0}", player.now_s()) }</span>
            <span id="markers" class="unseen">{ words.join(", ") }</span>
        </span>
    }
}

/// From one thing of a kind to the next.
fn seeker(sought: Sought, start: bool, over: bool, act: &Callback<Deed>) -> Html {
    let deed = |deed: Deed| {
        let act = act.clone();
        Callback::from(move |_: MouseEvent| act.emit(deed))
    };
    let onchange = {
        let act = act.clone();
        Callback::from(move |event: Event| {
            let chosen = event
                .target_unchecked_into::<HtmlSelectElement>()
                .selected_index();
            if let Some((sought, _)) = Sought::ALL.get(chosen as usize) {
                act.emit(Deed::Sought(*sought));
            }
        })
    };
    let names = Sought::ALL.iter().map(|(kind, name)| {
        html! { <option selected={*kind == sought}>{ *name }</option> }
    });
    html! {
        <span class="stage-seek" role="group" aria-label="Go to">
            <button class="button quiet" onclick={deed(Deed::Back(sought))} disabled={start} aria-keyshortcuts="<"
                title="The one before (<)" aria-label="The one before">{ icon(Sign::Before) }</button>
            <select {onchange} aria-label="Kind of event to go to">{ for names }</select>
            <button class="button quiet" onclick={deed(Deed::Step(sought))} disabled={over} aria-keyshortcuts=">"
                title="The next one (>)" aria-label="The next one">{ icon(Sign::After) }</button>
        </span>
    }
}

/// What the reader can change in the scene.
pub fn knobs(
    knobs: &[Knob],
    values: &VecMap<String, f64>,
    on_knob: &Callback<(String, f64)>,
) -> Html {
    if knobs.is_empty() {
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
    html! { <div class="knobs">{ for knobs.iter().map(one) }</div> }
}

/// The figures of the moment.
pub fn figures(run: &Run) -> Html {
    let window = run.window();
    let value = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
    let per_s = |count: u64, window: &scale_sim::Figures| count as f64 / window.seconds();
    let latency = window.and_then(|w| w.latency);
    let lost = run.picture.lost_in_all();
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
            lost.to_string(),
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

/// Lines of narration that are shown.
const LINES: usize = 60;

/// What went wrong with the run: why it had to stop, and the first invariant that did not hold.
pub fn notices(live: &Live) -> Html {
    let run = &live.player.run;
    let ended = match &run.ended {
        Some(Ended::Stopped(why)) if run.is_over() => Some(why.clone()),
        _ => None,
    };
    let now_s = run.now_s() + 1e-9;
    let broken = { run.violations.iter() }.find(|found| found.at_s <= now_s);
    html! {
        <>
            if let Some(why) = ended { <p class="stage-ended bad" role="alert">{ why }</p> }
            if let Some(found) = broken {
                <p class="stage-ended bad">
                    <b>{ format!("Broken at {:.2} s, {}: ", found.at_s, found.name.replace('_', " ")) }</b>{ &found.sentence }{ "." }
                </p>
            }
        </>
    }
}

/// The run in words: the state on demand, and what has happened.
pub fn words(live: &Live, act: &Callback<Deed>) -> Html {
    let playing = live.player.playing;
    let run = match &live.player.beside {
        Some(beside) if live.told_beside => beside,
        _ => &live.player.run,
    };
    // Only a run that stands still is read out: one that plays would never fall silent.
    let said = if playing {
        String::new()
    } else {
        let mut lines = run.narration(Density::Full, None);
        lines.next().unwrap_or_default()
    };
    let lines = run.narration(live.density, live.filter).take(LINES);
    let choose = |deed: fn(i32) -> Deed| {
        let act = act.clone();
        Callback::from(move |event: Event| {
            let element = event.target_unchecked_into::<HtmlSelectElement>();
            act.emit(deed(element.selected_index()));
        })
    };
    let densities = Density::ALL.iter().map(|(density, name)| {
        html! { <option selected={*density == live.density}>{ *name }</option> }
    });
    let places = (0..).zip(&run.scene.components).map(|(at, component)| {
        html! { <option selected={live.filter == Some(at)}>{ &component.label }</option> }
    });
    html! {
        <>
            if run.picture.stride() > 1 {
                <p class="stage-ended">{ format!("So much happens that one request in {} is drawn.", run.picture.stride()) }</p>
            }
            <p class="unseen" role="status">{ said }</p>
            <details class="in-words">
                <summary>{ "In words" }</summary>
                <p>{ run.describe_all() }</p>
                <p class="in-words-choice">
                    <label>{ "Tell " }<select onchange={choose(Deed::Density)}>{ for densities }</select></label>
                    <label>{ " at " }<select onchange={choose(Deed::Filter)}>
                        <option selected={live.filter.is_none()}>{ "all components" }</option>
                        { for places }
                    </select></label>
                    if live.player.beside.is_some() {
                        <label>{ " in " }<select onchange={choose(|at| Deed::Narrate(at == 1))}>
                            <option selected={!live.told_beside}>{ live.names().own }</option>
                            <option selected={live.told_beside}>{ live.names().beside }</option>
                        </select></label>
                    }
                </p>
                <ol class="narration" tabindex="0" aria-label="What happened last, newest first">
                    { for lines.map(|line| html! { <li>{ line }</li> }) }
                </ol>
            </details>
        </>
    }
}
