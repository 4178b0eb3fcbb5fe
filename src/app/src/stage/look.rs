//! The component that the reader looks at: what it does, what its policies know, what they decided last and why.

use yew::prelude::*;

use super::clock::Live;
use super::narration::Density;
use super::parts::Deed;
use super::player::Player;
use crate::icon::{Sign, icon};
use crate::protocol::{Command, LookView, PolicyView};

/// Lines on what happened last at the component.
const LAST: usize = 8;
/// How often the worker is asked anew while the run plays, and how long it may take, in milliseconds.
const AGAIN_MS: f64 = 300.0;
const PATIENCE_MS: f64 = 5000.0;

/// What the worker was asked about a component, and what it told.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Looking {
    /// The run, the component, and the moment if one was named.
    asked: Option<(u32, u16, Option<f64>)>,
    asked_ms: f64,
    waits: bool,
    told: Option<Box<LookView>>,
}

impl Looking {
    /// What to ask the worker now, if there is anything new to ask of the component `looked` at.
    pub fn ask(&mut self, player: &Player, looked: Option<u16>, now_ms: f64) -> Option<Command> {
        let run = &player.run;
        let Some(component) = looked else {
            *self = Self::default();
            return None;
        };
        // What stands still is told with its reasons; of what goes on, what is known where the run has come to.
        let at_s = (!player.playing).then(|| run.now_s());
        let question = (run.id, component, at_s);
        let patience = if self.waits { PATIENCE_MS } else { AGAIN_MS };
        let early = now_ms - self.asked_ms < patience;
        let same = self.asked == Some(question) && at_s.is_some();
        if run.is_at_rest() || same || early {
            return None;
        }
        if { self.told.as_ref() }.is_some_and(|told| told.component != component) {
            self.told = None;
        }
        *self = Self {
            asked: Some(question),
            asked_ms: now_ms,
            waits: true,
            told: self.told.take(),
        };
        Some(Command::Look {
            run: run.id,
            component,
            at_s,
        })
    }

    /// The worker has answered.
    pub fn heard(&mut self, run: u32, view: Box<LookView>) {
        let asked = |(of, component, _)| (of, component) == (run, view.component);
        if self.asked.is_some_and(asked) {
            self.waits = false;
            self.told = Some(view);
        }
    }
}

/// The component that the reader looks at.
pub fn look(live: &Live, act: &Callback<Deed>) -> Html {
    let run = &live.player.run;
    let Some(looked) = live
        .looked
        .filter(|at| usize::from(*at) < run.scene.components.len())
    else {
        return html! {};
    };
    let close = {
        let act = act.clone();
        Callback::from(move |_: MouseEvent| act.emit(Deed::Look(None)))
    };
    let stations = run.scene.stations.iter().enumerate();
    let own = stations.filter(|(_, station)| station.component == looked && station.live);
    let lines = run.narration(Density::Full, Some(looked)).take(LAST);
    let told = live.looking.told.as_deref();
    let told = told.filter(|told| told.component == looked);
    let decisions = told.map_or(&[] as &[_], |told| &told.decisions);
    html! {
        <section class="look" aria-label={format!("{} at this moment", run.component_name(looked))}>
            <div class="look-head">
                <h2>{ run.component_name(looked) }</h2>
                <button class="button quiet small" onclick={close} aria-label="Close">{ icon(Sign::Cross) }</button>
            </div>
            { for own.map(|(at, _)| html! { <p>{ run.describe(at) }</p> }) }
            { for told.iter().flat_map(|told| told.policies.iter().map(policy)) }
            if !decisions.is_empty() {
                <h3>{ "Last decisions" }</h3>
                <ol class="decisions">
                    { for decisions.iter().map(|decision| html! {
                        <li>
                            <span class="decision-at">{ format!("{:.3} s", decision.at_s) }</span>
                            <span><b>{ &decision.what }</b>{ format!(": {}.", decision.why) }</span>
                        </li>
                    }) }
                </ol>
            } else if told.is_some_and(|told| !told.policies.is_empty()) && live.player.playing {
                <p class="look-hint">{ "Pause to read its last decisions and why." }</p>
            }
            <details open={decisions.is_empty()}>
                <summary>{ "What happened here last" }</summary>
                <ol>{ for lines.map(|line| html! { <li>{ line }</li> }) }</ol>
            </details>
        </section>
    }
}

/// What a policy knows.
fn policy(view: &PolicyView) -> Html {
    html! {
        <div class="policy">
            <h3>{ &view.title }</h3>
            { for view.lines.iter().map(|line| html! { <p>{ line }</p> }) }
            if !view.rows.is_empty() {
                <div class="scroll" tabindex="0" role="region" aria-label={view.title.clone()}>
                    <table>
                        <thead><tr>{ for view.head.iter().map(|head| html! { <th scope="col">{ head }</th> }) }</tr></thead>
                        <tbody>
                            { for view.rows.iter().map(|row| html! {
                                <tr>{ for row.iter().map(|cell| html! { <td>{ cell }</td> }) }</tr>
                            }) }
                        </tbody>
                    </table>
                </div>
            }
        </div>
    }
}
