//! A challenge: a system that is well today, a day that comes, and what has to be kept on it.

use core::cell::RefCell;
use std::rc::Rc;

use scale_capacity::{Challenge, Measured, cost};
use scale_design::Design;
use scale_sim::{Problem, Scenario, parse_json};
use yew::prelude::*;

use super::certificate::words;
use super::cost::money;
use super::deed::{Deed, Side};
use super::export;
use super::judging::{Judge, Judging, RUNS, bounded, budget_used, used, value};
use crate::content;
use crate::handle::Handle;
use crate::icon::{Sign, icon};
use crate::stage::Setting;

/// The folder of all challenges.
const FOLDER: &str = "lessons/challenges";

/// Fetches a challenge.
///
/// # Errors
///
/// Why it is not to be had, in one sentence.
pub async fn fetch(id: &str) -> Result<Challenge, String> {
    let file = |name: &str| format!("{FOLDER}/{id}/{name}");
    let brief = content::needed(&file(scale_capacity::BRIEF)).await?;
    let start = content::needed(&file(scale_capacity::START)).await?;
    Challenge::read(&brief, &start).map_err(|found| {
        let first = found
            .first()
            .map(|found| format!("{}: {}", found.file, found.problem));
        first.unwrap_or_else(|| format!("{id} cannot be read"))
    })
}

/// The names of all challenges, in the order in which they are offered.
///
/// # Errors
///
/// Why they are not to be had, in one sentence.
pub async fn all() -> Result<Vec<String>, String> {
    let text = content::needed(&format!("{FOLDER}/{}", scale_capacity::INDEX)).await?;
    scale_sim::read_json(&text).map_err(|problem| problem.to_string())
}

/// The design that a challenge begins with.
///
/// # Errors
///
/// What is wrong with it.
pub fn start(id: &str, challenge: &Challenge) -> Result<Design, String> {
    let mut tree = challenge.tree.clone();
    tree["title"] = challenge.brief.title.clone().into();
    let design = Design::new(tree, Vec::new()).map_err(|problem| problem.to_string())?;
    Ok(design.of_challenge(Some(id)))
}

/// Properties of [`ChallengePage`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// The design that is to take it.
    pub design: Design,
    /// The challenge.
    pub id: AttrValue,
    /// What is done.
    pub act: Callback<Deed>,
}

/// A challenge that is fetched: nothing while it is on its way. Who asks for the same once more has it at once.
#[hook]
pub fn use_challenge(id: Option<AttrValue>) -> Option<Result<Handle<Challenge>, String>> {
    let renew = use_force_update();
    {
        use_effect_with(id.clone(), move |id| {
            if let Some(id) = id.clone()
                && !matches!(known(&id), Some(Ok(_)))
            {
                wasm_bindgen_futures::spawn_local(async move {
                    let found = fetch(&id).await.map(Handle::from);
                    KNOWN.with_borrow_mut(|known| {
                        known.retain(|(other, _)| *other != id);
                        known.push((id, found));
                    });
                    renew.force_update();
                });
            }
        });
    }
    known(&id?)
}

type Known = (AttrValue, Result<Handle<Challenge>, String>);

thread_local! {
    /// Those that were fetched.
    static KNOWN: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
}

fn known(id: &AttrValue) -> Option<Result<Handle<Challenge>, String>> {
    KNOWN.with_borrow(|known| {
        let found = known.iter().find(|(other, _)| other == id);
        found.map(|(_, found)| found.clone())
    })
}

/// What is asked, how the design stands, and what it comes to on that day.
#[component]
pub fn ChallengePage(props: &Props) -> Html {
    let found = use_challenge(Some(props.id.clone()));
    let judging = use_mut_ref(Judging::default);
    let watched = use_state(|| None::<usize>);
    let renew = use_force_update();
    let challenge = match &found {
        None => {
            return html! { <div class="sandbox-stage"><p class="waiting" role="status">{ "Fetching the challenge …" }</p></div> };
        }
        Some(Err(why)) => {
            return html! { <div class="sandbox-stage"><p class="failed" role="alert">{ format!("The challenge could not be shown: {why}") }</p></div> };
        }
        Some(Ok(challenge)) => challenge.clone(),
    };
    let brief = &challenge.brief;
    let prices = challenge.prices();
    let scenario = props.design.scenario();
    let runs = props.design.problems().is_empty();
    let bill = cost(scenario, &prices).without(&brief.outside);
    let refusals = if runs {
        challenge.refusals(scenario)
    } else {
        Vec::new()
    };
    let judge = {
        let (judging, renew, watched) = (Rc::clone(&judging), renew.clone(), watched.clone());
        let (challenge, design) = (challenge.clone(), props.design.clone());
        Callback::from(move |_: MouseEvent| {
            let seeds = Challenge::plan(design.scenario().seed, RUNS);
            let mut days = seeds
                .iter()
                .map(|seed| challenge.day(design.scenario(), *seed));
            let days = days.by_ref().collect();
            let judge: Judge = {
                let challenge = challenge.clone();
                Rc::new(move |run, stopped| challenge.verdict(run, stopped))
            };
            let heard = {
                let renew = renew.clone();
                Callback::from(move |()| renew.force_update())
            };
            Judging::begin(&judging, &design, days, &judge, &heard);
            watched.set(None);
            renew.force_update();
        })
    };
    let cancel = {
        let (judging, renew) = (Rc::clone(&judging), renew.clone());
        Callback::from(move |_: MouseEvent| {
            // The workers end with it.
            judging.replace(Judging::default());
            renew.force_update();
        })
    };
    let steps = [
        ("Find the bottlenecks", &brief.steps.bottlenecks),
        ("Scale on X, Y and Z", &brief.steps.scale),
        ("Choose caches", &brief.steps.caching),
        ("Move work off the request's way", &brief.steps.asynchronous),
        ("Keep it right", &brief.steps.consistency),
    ];
    let steps = steps
        .into_iter()
        .map(|(name, words)| html! { <li><h3>{ name }</h3><p>{ words }</p></li> });
    let slos = brief.slos.promised().map(|(objective, bound)| {
        html! { <li><b>{ bounded(objective, bound, &prices.currency) }</b>{ format!(" {}", objective.words()) }</li> }
    });
    let watch = {
        let watched = watched.clone();
        Callback::from(move |day: Option<usize>| watched.set(day))
    };
    let judging = judging.borrow();
    html! {
        <div class="sandbox-stage challenge">
            <article class="challenge-story">
                <p class="eyebrow">{ "Challenge" }</p>
                <h2>{ &brief.title }</h2>
                <p>{ &brief.story }</p>
                <p class="callout"><b>{ "What is coming: " }</b>{ &brief.told }</p>
                <h3>{ "What has to be kept on that day" }</h3>
                <ul class="promised">{ for slos }</ul>
                <ol class="five-steps">{ for steps }</ol>
            </article>
            <section class="challenge-judge" aria-label="Judgement">
                <h2>{ "How your design does" }</h2>
                <figure class="ask-picture">{ export::picture(&props.design) }</figure>
                <p>{ "It costs " }<b>{ money(&bill.currency, bill.per_hour) }</b>{ " an hour" }
                    if let Some(most) = brief.slos.cost_per_h { { format!(", of at most {}", money(&bill.currency, most)) } }{ "." }</p>
                if !runs {
                    <p class="callout">{ "It cannot be run yet. Build says why." }</p>
                } else if !refusals.is_empty() {
                    <p><b>{ "It does not do all that it has to, or more than it may:" }</b></p>
                    { refusal_list(&props.design, &refusals, &props.act) }
                }
                <div class="row">
                    <button class="button primary big" disabled={!runs || !refusals.is_empty() || judging.is_under_way()} onclick={judge}>{ "Let that day come" }</button>
                    <button class="button" onclick={props.act.reform(|_: MouseEvent| Deed::Show(Side::Build))}>{ "Go on building" }</button>
                </div>
                { outcome(&judging, &challenge, props, (*watched, &watch), &cancel) }
            </section>
        </div>
    }
}

/// What came of it.
fn outcome(
    judging: &Judging,
    challenge: &Challenge,
    props: &Props,
    (watched, watch): (Option<usize>, &Callback<Option<usize>>),
    cancel: &Callback<MouseEvent>,
) -> Html {
    if let Some(why) = &judging.failed {
        return html! { <p class="failed" role="alert">{ format!("It could not be judged: {why}") }</p> };
    }
    let (count, done) = (judging.runs.len(), judging.verdicts().count());
    if judging.is_under_way() {
        return html! {
            <>
                <progress max={count.to_string()} value={done.to_string()} aria-label="Days that are over"></progress>
                <p role="status">{ format!("{done} of {count} days") }</p>
                <button class="button" onclick={cancel.clone()}>{ "Cancel" }</button>
            </>
        };
    }
    let Some(first) = judging.verdicts().next() else {
        return html! {};
    };
    let passed = judging
        .verdicts()
        .filter(|verdict| verdict.passed())
        .count();
    let all = passed == done;
    let currency = &first.bill.currency;
    // Each objective as it was on the worst of the days.
    let objectives = judging.objectives();
    let compared = judging.before.is_some();
    let rows = objectives.iter().map(|(worst, met)| {
        let before = judging.before(worst.objective);
        row(worst, *met, done, currency, compared, before)
    });
    let kept = objectives.iter().filter(|(_, met)| *met == done).count();
    let worst_day = judging.worst_run();
    let short = judging.gave_first().filter(|_| !all);
    let stopped = judging
        .verdicts()
        .find_map(|verdict| verdict.stopped.clone());
    let changed = judging.design.as_ref() != Some(&props.design);
    let per_million = judging
        .verdicts()
        .filter_map(|verdict| verdict.per_million)
        .fold(0.0, f64::max);
    html! {
        <div class="verdicts" role="status">
            if changed { <p class="callout">{ "The design has changed since that day." }</p> }
            <h3 class={classes!("verdict", if all { "right" } else { "wrong" })}>
                { icon(if all { Sign::Check } else { Sign::Cross }) }
                { if all { format!("Kept, on each of {done} days") } else { format!("{kept} of {} promises are kept", first.measured.len()) } }
            </h3>
            <p class="quiet">{ format!("That day was played {} times, each with chances of its own. Everything was kept on {passed} of them.", done) }</p>
            if let Some(short) = short { <p class="lead">{ format!("What gave first: {}.", words::bottleneck(props.design.scenario(), short)) }</p> }
            if let Some(why) = stopped { <p class="bad">{ format!("A day had to be broken off: {why}") }</p> }
            <div class="table-scroll" tabindex="0" role="region" aria-label="What was promised and what was kept">
                <table><thead><tr><th scope="col">{ "promised" }</th>if compared { <th scope="col">{ "before" }</th> }<th scope="col">{ "on the worst day" }</th><th scope="col">{ "of the error budget" }</th><th scope="col">{ "days kept" }</th></tr></thead>
                <tbody>{ for rows }</tbody></table>
            </div>
            if per_million > 0.0 { <p class="quiet">{ format!("A million answered requests cost {}.", money(currency, per_million)) }</p> }
            <p>{ &challenge.brief.day.says }</p>
            <div class="row">
                if watched.is_some() {
                    <button class="button" onclick={watch.reform(|_: MouseEvent| None)}>{ "Put the run away" }</button>
                } else {
                    <button class="button" onclick={watch.reform(move |_: MouseEvent| Some(worst_day))}>{ "Watch that day" }</button>
                }
            </div>
            if let Some(day) = watched.and_then(|at| judging.runs.get(at)) {
                { watched_day(day, watched) }
            }
        </div>
    }
}

/// The run of a day, to be looked at.
fn watched_day(day: &Scenario, at: Option<usize>) -> Html {
    let setting = Setting {
        key: format!("day-{at:?}-{}", day.seed),
        scene: parse_json(&scale_sim::write_json(day)).unwrap_or_default(),
        ..Setting::default()
    };
    html! { <div class="watched"><super::Played {setting} looks={super::looks()} /></div> }
}

/// What keeps a design from being judged, in the words of the board; each leads to its component, if it names one.
pub fn refusal_list(design: &Design, refusals: &[Problem], act: &Callback<Deed>) -> Html {
    let line = |problem: &Problem| {
        let about = design.about(problem).map(str::to_owned);
        let words = in_words(design, &problem.message);
        match about {
            Some(name) => {
                let label = design.label(&name).to_owned();
                let act = act.clone();
                let onclick = Callback::from(move |_: MouseEvent| {
                    act.emit(Deed::Show(Side::Build));
                    act.emit(Deed::Select(vec![name.clone()]));
                });
                html! { <li><button class="problem" {onclick}><b>{ label }</b>{ words }</button></li> }
            }
            None => html! { <li class="problem">{ words }</li> },
        }
    };
    html! { <ul class="problems">{ for refusals.iter().take(8).map(line) }</ul> }
}

/// A message with the components that it quotes called as the board calls them.
fn in_words(design: &Design, message: &str) -> String {
    let mut words = message.to_owned();
    for name in design.scenario().components.keys() {
        words = words.replace(&format!("'{name}'"), &format!("“{}”", design.label(name)));
    }
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn row(
    measured: &Measured,
    met: usize,
    days: usize,
    currency: &str,
    compared: bool,
    before: Option<f64>,
) -> Html {
    let used = used(measured);
    let objective = measured.objective;
    html! {
        <tr class={if met == days { "met" } else { "missed" }}>
            <th scope="row">{ objective.words() }<span class="quiet">{ format!(" {}", bounded(objective, measured.bound, currency)) }</span></th>
            if compared { <td>{ before.map_or_else(|| "–".to_owned(), |is| value(objective, is, currency)) }</td> }
            <td>{ measured.value.map_or_else(|| "–".to_owned(), |is| value(objective, is, currency)) }</td>
            <td>{ used.map_or_else(|| "–".to_owned(), budget_used) }</td>
            <td>{ format!("{met} of {days}") }</td>
        </tr>
    }
}

/// Properties of [`Challenges`].
#[derive(Clone, PartialEq, Properties)]
pub struct ListProps {
    /// Begins one.
    pub begin: Callback<(Box<Design>, String)>,
}

/// All challenges, to choose from.
#[component]
pub fn Challenges(props: &ListProps) -> Html {
    let found = use_state(|| None::<Result<Vec<(String, Rc<Challenge>)>, String>>);
    {
        let found = found.clone();
        use_effect_with((), move |()| {
            wasm_bindgen_futures::spawn_local(async move {
                let read = async {
                    let mut list = Vec::new();
                    for id in all().await? {
                        let challenge = fetch(&id).await?;
                        list.push((id, Rc::new(challenge)));
                    }
                    Ok(list)
                };
                found.set(Some(read.await));
            });
        });
    }
    match &*found {
        None => html! { <p class="waiting" role="status">{ "Fetching the challenges …" }</p> },
        Some(Err(why)) => html! { <p class="failed" role="alert">{ why }</p> },
        Some(Ok(list)) => {
            let row = |(id, challenge): &(String, Rc<Challenge>)| {
                let begin = {
                    let (begin, id, challenge) =
                        (props.begin.clone(), id.clone(), Rc::clone(challenge));
                    Callback::from(move |_: MouseEvent| {
                        if let Ok(design) = start(&id, &challenge) {
                            begin.emit((
                                Box::new(design),
                                format!("Began the challenge “{}”", challenge.brief.title),
                            ));
                        }
                    })
                };
                html! {
                    <li class="shelf-row"><button class="shelf-open" onclick={begin}><b>{ &challenge.brief.title }</b><span class="quiet">{ &challenge.brief.story }</span></button></li>
                }
            };
            html! { <><p>{ "Each begins with a design that does well today. A day is coming on which it will not. More of everything costs too much." }</p><ul class="shelf">{ for list.iter().map(row) }</ul></> }
        }
    }
}
