//! Two runs under the same arrivals and draws: what they are called, how they differ, and which of them to go on with.

use scale_sim::{Condition, Metric};
use vecmap::VecMap;
use yew::prelude::*;

use super::apart::Parting;
use super::chart::number;
use super::clock::Live;
use super::parts::Deed;
use super::player::Player;
use super::run::Run;
use super::task::name;
use crate::protocol::Tick;

/// What two runs are called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Names {
    /// The one that the reader changes.
    pub own: String,
    /// The one beside it.
    pub beside: String,
}

impl Default for Names {
    /// Of a run that was kept, and of what the reader makes of it.
    fn default() -> Self {
        Self {
            own: "Changed".to_owned(),
            beside: "As it was".to_owned(),
        }
    }
}

/// A run that the reader kept to compare with.
#[derive(Clone, PartialEq, Debug)]
pub struct Kept {
    /// Its knobs.
    pub values: VecMap<String, f64>,
    /// From when on the other may differ.
    pub at_s: f64,
}

/// A figure of both runs.
struct Delta {
    name: String,
    unit: &'static str,
    /// Of the reader's run and of the one beside it.
    values: [Option<f64>; 2],
    /// Whether more of it is better; `None` if that depends.
    more_is_better: Option<bool>,
}

impl Delta {
    /// What the reader's run has more than the other, in words.
    fn difference(&self) -> String {
        let [Some(own), Some(beside)] = self.values else {
            return "–".to_owned();
        };
        let by = own - beside;
        if by.abs() < 0.005 * beside.abs().max(1e-9) {
            return "same".to_owned();
        }
        let sign = if by > 0.0 { "+" } else { "−" };
        let part = match beside {
            beside if beside > 0.0 && by.abs() < 10.0 * beside => {
                format!(" ({sign}{:.0}%)", (by / beside * 100.0).abs())
            }
            _ => String::new(),
        };
        format!("{sign}{}{part}", number(by.abs()))
    }

    /// Whether the reader's run is the better one: the name of a class.
    fn class(&self) -> Option<&'static str> {
        let [Some(own), Some(beside)] = self.values else {
            return None;
        };
        let by = own - beside;
        if by.abs() < 0.02 * beside.abs().max(1e-9) {
            return None;
        }
        let better = (by > 0.0) == self.more_is_better?;
        Some(if better { "better" } else { "worse" })
    }
}

/// The figures of both runs at the moment shown.
fn deltas(own: &Run, beside: &Run, task: &[Condition]) -> Vec<Delta> {
    let both = |value: &dyn Fn(&Run) -> Option<f64>| [value(own), value(beside)];
    let per_s = |count: u64, seconds: f64| count as f64 / seconds;
    let delta = |name: &str, unit, more_is_better, value: &dyn Fn(&Run) -> Option<f64>| Delta {
        name: name.to_owned(),
        unit,
        values: both(value),
        more_is_better,
    };
    let mut all = vec![
        delta("Sent", "/s", None, &|run| {
            run.window().map(|w| per_s(w.sent, w.seconds()))
        }),
        delta("Answered", "/s", Some(true), &|run| {
            run.window().map(|w| per_s(w.completed, w.seconds()))
        }),
        delta("Median", "ms", Some(false), &|run| {
            Some(run.window()?.latency?.p50_ms)
        }),
        delta("p99", "ms", Some(false), &|run| {
            Some(run.window()?.latency?.p99_ms)
        }),
        delta("Lost", "in all", Some(false), &|run| {
            Some(run.picture.lost_in_all() as f64)
        }),
    ];
    // What the step is about, where the figures above do not have it.
    for (at, condition) in task.iter().enumerate() {
        let metric = condition.metric;
        let (whole, better) = if metric.adds_up() && metric != Metric::Lost {
            ("in all", condition.below.map(|_| false))
        } else if metric.is_largest() {
            ("at most", condition.below.map(|_| false))
        } else {
            continue;
        };
        all.push(delta(&name(own, condition), whole, better, &|run| {
            run.so_far(at, metric)
        }));
    }
    all
}

/// Where the two part, and what happens next in the reader's run and in the other, in words.
fn parting(player: &Player, beside: &Run) -> Option<(f64, [String; 2])> {
    let Parting { at_s, next } = player.apart.parting()?;
    let mut next = *next;
    if player.run.scene.components != beside.scene.components {
        // In systems of different parts: what becomes of the request that is the first to end otherwise.
        let request = { next.iter().flatten() }.min_by(|a, b| a.at_s.total_cmp(&b.at_s))?;
        let request = request.request;
        next = [&player.run, beside].map(|run| run.picture.end_of(request, *at_s));
    }
    let [own, other] = next;
    let said = |run: &Run, tick: Option<Tick>| {
        let said = tick.map(|tick| format!("{} at {:.3} s", run.what(&tick), tick.at_s));
        said.unwrap_or_else(|| "nothing so far".to_owned())
    };
    Some((*at_s, [said(&player.run, own), said(beside, other)]))
}

/// The figures of both runs, where they part, and which to go on with.
pub fn strip(live: &Live, task: &[Condition], act: &Callback<Deed>) -> Html {
    let player = &live.player;
    let Some(beside) = &player.beside else {
        return html! {};
    };
    let names = live.names();
    let deed = |deed: Deed| {
        let act = act.clone();
        Callback::from(move |_: MouseEvent| act.emit(deed))
    };
    let value = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
    // As the pictures stand: what was kept comes first.
    let kept = live.kept.is_some();
    let order: [usize; 2] = if kept { [1, 0] } else { [0, 1] };
    let heads = [&names.own, &names.beside];
    let row = |delta: Delta| {
        html! {
            <tr>
                <th scope="row">{ &delta.name }<small>{ format!(" {}", delta.unit) }</small></th>
                <td>{ value(delta.values[order[0]]) }</td>
                <td>{ value(delta.values[order[1]]) }</td>
                <td class={classes!("by", delta.class())}>{ delta.difference() }</td>
            </tr>
        }
    };
    let apart = match parting(player, beside) {
        Some((at_s, said)) => html! {
            <div class="parting">
                <dl>
                    { for order.iter().map(|at| html! { <div><dt>{ heads[*at] }</dt><dd>{ &said[*at] }</dd></div> }) }
                </dl>
                <button class="button small" onclick={deed(Deed::Seek(at_s))}>{ format!("To {at_s:.3} s, where they part") }</button>
            </div>
        },
        None => html! {
            <p class="parting">{ if kept && live.is_unchanged() { "Change something: this run stays as it was." } else if player.now_s() > 0.0 { "So far both are the same, event by event." } else { "Neither has begun." } }</p>
        },
    };
    html! {
        <section class="deltas" aria-label="The two runs compared">
            <table>
                <thead><tr>
                    <td></td>
                    <th scope="col">{ heads[order[0]] }</th>
                    <th scope="col">{ heads[order[1]] }</th>
                    <th scope="col">{ "Difference" }</th>
                </tr></thead>
                <tbody>{ for deltas(&player.run, beside, task).into_iter().map(row) }</tbody>
            </table>
            { apart }
            if kept {
                <p class="settle">
                    <button class="button small" onclick={deed(Deed::Settle(false))}>{ "Go on with the changed one" }</button>
                    <button class="button small" onclick={deed(Deed::Settle(true))}>{ "Back to how it was" }</button>
                </p>
            }
        </section>
    }
}

/// Where there is room for one picture only: which.
pub fn front(live: &Live, act: &Callback<Deed>) -> Html {
    let names = live.names();
    let kept = live.kept.is_some();
    let button = |beside: bool| {
        let act = act.clone();
        let onclick = Callback::from(move |_: MouseEvent| act.emit(Deed::Front(beside)));
        let name = if beside { &names.beside } else { &names.own };
        html! {
            <button class="front" {onclick} aria-pressed={(live.front_beside == beside).to_string()}>{ name }</button>
        }
    };
    html! {
        <div class="fronts" role="group" aria-label="Which run is shown">
            { button(kept) }{ button(!kept) }
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delta(own: f64, beside: f64, more_is_better: bool) -> Delta {
        Delta {
            name: String::new(),
            unit: "",
            values: [Some(own), Some(beside)],
            more_is_better: Some(more_is_better),
        }
    }

    #[test]
    fn differences_say_how_much_and_whether_that_is_good() {
        let faster = delta(80.0, 100.0, false);
        assert_eq!(
            (faster.difference().as_str(), faster.class()),
            ("−20 (−20%)", Some("better"))
        );
        let more_lost = delta(5.0, 0.0, false);
        assert_eq!(
            (more_lost.difference().as_str(), more_lost.class()),
            ("+5.0", Some("worse"))
        );
        assert_eq!(delta(100.2, 100.0, true).difference(), "same");
    }
}
