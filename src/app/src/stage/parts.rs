//! The parts of the stage that are elements of the page: connections, components, controls, figures, words.

use scale_course::Knob;
use scale_sim::Kind;
use vecmap::VecMap;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::chart::number;
use super::clock::Live;
use super::picture::controls;
use super::player::{Player, SPEEDS};
use super::view::Setting;
use crate::icon::{Sign, icon};
use crate::protocol::Ended;

/// What the reader can do with a run.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Deed {
    Toggle,
    Step,
    Reset,
    End,
    Speed(f64),
}

/// The connections.
pub fn edges(live: &Live) -> Html {
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
pub fn nodes(live: &Live) -> Html {
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
        let class = classes!("node", "station", format!("kind-{}", component.kind.name()), hot, (!spot.roomy).then_some(if layout.downwards { "small tall" } else { "small" }));
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
pub fn bar(player: &Player, act: &Callback<Deed>) -> Html {
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

/// What the reader can change in the scene.
pub fn knobs(
    setting: &Setting,
    values: &VecMap<String, f64>,
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
pub fn figures(player: &Player) -> Html {
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
pub fn words(player: &Player) -> Html {
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
