//! A challenge: a system that is well today, a day that comes, and what has to be kept on it.

use core::cell::RefCell;
use std::rc::Rc;

use scale_capacity::{Bottleneck, Challenge, Measured, Run, Verdict, cost};
use scale_design::Design;
use scale_sim::{Files, Model, Problem, Scenario, parse_json};
use yew::prelude::*;

use super::certificate::words;
use super::cost::money;
use super::deed::{Deed, Side};
use super::export;
use super::words::number;
use crate::content;
use crate::handle::Handle;
use crate::icon::{Sign, icon};
use crate::protocol::{Command, Played, Reply};
use crate::simulator::Simulator;
use crate::stage::Setting;

/// So many seeds judge a design.
const SEEDS: u32 = 5;
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

/// A judgement under way, or made.
#[derive(Default)]
struct State {
    /// What gave first on each day.
    short: Vec<Option<Bottleneck>>,
    /// The worst of each objective when it was last judged.
    before: Option<Vec<Option<f64>>>,
    /// The day that is watched.
    watched: Option<usize>,
    /// The workers, while they are at it.
    workers: Vec<Simulator>,
    days: Vec<Scenario>,
    verdicts: Vec<Option<Verdict>>,
    /// What was judged.
    judged: Option<Design>,
    failed: Option<String>,
}

/// What is asked, how the design stands, and what it comes to on that day.
#[component]
pub fn ChallengePage(props: &Props) -> Html {
    let found = use_challenge(Some(props.id.clone()));
    let state = use_mut_ref(State::default);
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
        let (state, renew) = (Rc::clone(&state), renew.clone());
        let (challenge, design) = (challenge.clone(), props.design.clone());
        Callback::from(move |_: MouseEvent| {
            begin(&state, &renew, &challenge, &design);
            renew.force_update();
        })
    };
    let cancel = {
        let (state, renew) = (Rc::clone(&state), renew.clone());
        Callback::from(move |_: MouseEvent| {
            // The workers end with it.
            state.replace(State::default());
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
        let (state, renew) = (Rc::clone(&state), renew.clone());
        Callback::from(move |day: Option<usize>| {
            state.borrow_mut().watched = day;
            renew.force_update();
        })
    };
    let state = state.borrow();
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
                    <button class="button primary big" disabled={!runs || !refusals.is_empty() || !state.workers.is_empty()} onclick={judge}>{ "Let that day come" }</button>
                    <button class="button" onclick={props.act.reform(|_: MouseEvent| Deed::Show(Side::Build))}>{ "Go on building" }</button>
                </div>
                { outcome(&state, &challenge, props, &watch, &cancel) }
            </section>
        </div>
    }
}

/// A bound in words: "at least 98.5 %", "at most 700 ms".
fn bounded(objective: scale_capacity::Objective, bound: f64, currency: &str) -> String {
    use scale_capacity::Objective;
    let least = matches!(objective, Objective::Availability | Objective::GoodputPerS);
    format!(
        "{} {}",
        if least { "at least" } else { "at most" },
        value(objective, bound, currency)
    )
}

fn value(objective: scale_capacity::Objective, value: f64, currency: &str) -> String {
    if objective == scale_capacity::Objective::CostPerH {
        return money(currency, value);
    }
    if objective.is_share() {
        return format!("{} %", number((value * 1e5).round() / 1e3));
    }
    let rounded = number((value * 100.0).round() / 100.0);
    match objective.unit() {
        "" => rounded,
        unit => format!("{rounded} {unit}"),
    }
}

/// Lets the day come, with each seed.
fn begin(
    state: &Rc<RefCell<State>>,
    renew: &UseForceUpdateHandle,
    challenge: &Handle<Challenge>,
    design: &Design,
) {
    let seeds = Challenge::plan(design.scenario().seed, SEEDS);
    let days: Result<Vec<Scenario>, _> = seeds
        .iter()
        .map(|seed| challenge.day(design.scenario(), *seed))
        .collect();
    let before = worst(&state.borrow().verdicts);
    let mut new = State {
        before,
        judged: Some(design.clone()),
        ..State::default()
    };
    match days {
        Err(problems) => {
            new.failed = problems.first().map(ToString::to_string);
        }
        Ok(days) => {
            new.verdicts = vec![None; days.len()];
            new.short = vec![None; days.len()];
            let workers = (crate::browser::window().navigator().hardware_concurrency() as usize)
                .clamp(1, days.len().max(1));
            new.workers = (0..workers)
                .map(|_| {
                    let (state, renew, challenge) =
                        (Rc::clone(state), renew.clone(), challenge.clone());
                    Simulator::new(Callback::from(move |reply: Reply| {
                        let ended = hear(&mut state.borrow_mut(), &challenge, reply);
                        // A worker ends after it has been heard.
                        drop(ended);
                        renew.force_update();
                    }))
                })
                .collect();
            for (at, day) in days.iter().enumerate() {
                new.workers[at % workers].ask(Command::Play {
                    question: at as u32,
                    scenario: scale_sim::write_json(day),
                });
            }
            new.days = days;
        }
    }
    state.replace(new);
}

/// Takes in what a worker says. The workers, once they are needed no more.
fn hear(state: &mut State, challenge: &Challenge, reply: Reply) -> Vec<Simulator> {
    match reply {
        Reply::Played(at, played) => {
            let at = at as usize;
            let read = || {
                let played: Played = bincode::deserialize(&played).ok()?;
                let day = state.days.get(at)?;
                let model = Model::new(day, &Files::new()).ok()?;
                let run = Run {
                    scenario: day,
                    model: &model,
                    figures: &played.figures,
                    series: &played.series,
                };
                let short = scale_capacity::bottlenecks(&run).into_iter().next();
                Some((challenge.verdict(&run, played.stopped.clone()), short))
            };
            let read = read();
            if let (Some(verdict), Some(short)) =
                (state.verdicts.get_mut(at), state.short.get_mut(at))
            {
                let (judged, gave) = read.unzip();
                *verdict = judged;
                *short = gave.flatten();
            }
        }
        Reply::Refused(_, why) => state.failed = Some(why),
        _ => {}
    }
    let over = state.failed.is_some() || state.verdicts.iter().all(Option::is_some);
    if over {
        core::mem::take(&mut state.workers)
    } else {
        Vec::new()
    }
}

/// What came of it.
fn outcome(
    state: &State,
    challenge: &Challenge,
    props: &Props,
    watch: &Callback<Option<usize>>,
    cancel: &Callback<MouseEvent>,
) -> Html {
    if let Some(why) = &state.failed {
        return html! { <p class="failed" role="alert">{ format!("It could not be judged: {why}") }</p> };
    }
    let done = state.verdicts.iter().flatten().count();
    if !state.workers.is_empty() {
        return html! {
            <>
                <progress max={state.verdicts.len().to_string()} value={done.to_string()} aria-label="Days that are over"></progress>
                <p role="status">{ format!("{done} of {} days", state.verdicts.len()) }</p>
                <button class="button" onclick={cancel.clone()}>{ "Cancel" }</button>
            </>
        };
    }
    let verdicts: Vec<&Verdict> = state.verdicts.iter().flatten().collect();
    let Some(first) = verdicts.first() else {
        return html! {};
    };
    let passed = verdicts.iter().filter(|verdict| verdict.passed()).count();
    let all = passed == verdicts.len();
    let currency = &first.bill.currency;
    // Each objective as it was on the worst of the days.
    let rows = first.measured.iter().enumerate().map(|(at, _)| {
        let days = verdicts
            .iter()
            .filter_map(|verdict| verdict.measured.get(at));
        let worst = days.clone().max_by(|a, b| spent(a).total_cmp(&spent(b)));
        let before = state.before.as_ref().and_then(|before| before.get(at).copied().flatten());
        let met = days.clone().filter(|measured| measured.met).count();
        html! { if let Some(worst) = worst { { row(worst, met, verdicts.len(), currency, state.before.is_some(), before) } } }
    });
    let kept = (0..first.measured.len())
        .filter(|at| {
            verdicts
                .iter()
                .all(|verdict| verdict.measured.get(*at).is_some_and(|of| of.met))
        })
        .count();
    // The day with most that was missed, and what gave on it.
    let missed = |verdict: &Option<Verdict>| verdict.as_ref().map_or(0, |of| of.missed().count());
    let days = state.verdicts.iter().enumerate().rev();
    let worst_day = days
        .max_by_key(|(_, verdict)| missed(verdict))
        .map_or(0, |(at, _)| at);
    let short = state
        .short
        .get(worst_day)
        .and_then(Option::as_ref)
        .filter(|_| !all);
    let stopped = verdicts.iter().find_map(|verdict| verdict.stopped.clone());
    let changed = state.judged.as_ref() != Some(&props.design);
    let per_million = verdicts
        .iter()
        .filter_map(|verdict| verdict.per_million)
        .fold(0.0, f64::max);
    html! {
        <div class="verdicts" role="status">
            if changed { <p class="callout">{ "The design has changed since that day." }</p> }
            <h3 class={classes!("verdict", if all { "right" } else { "wrong" })}>
                { icon(if all { Sign::Check } else { Sign::Cross }) }
                { if all { format!("Kept, on each of {} days", verdicts.len()) } else { format!("{kept} of {} promises are kept", first.measured.len()) } }
            </h3>
            <p class="quiet">{ format!("That day was played {} times, each with chances of its own. Everything was kept on {passed} of them.", verdicts.len()) }</p>
            if let Some(short) = short { <p class="lead">{ format!("What gave first: {}.", words::bottleneck(props.design.scenario(), short)) }</p> }
            if let Some(why) = stopped { <p class="bad">{ format!("A day had to be broken off: {why}") }</p> }
            <div class="table-scroll" tabindex="0" role="region" aria-label="What was promised and what was kept">
                <table><thead><tr><th scope="col">{ "promised" }</th>if state.before.is_some() { <th scope="col">{ "before" }</th> }<th scope="col">{ "on the worst day" }</th><th scope="col">{ "of the error budget" }</th><th scope="col">{ "days kept" }</th></tr></thead>
                <tbody>{ for rows }</tbody></table>
            </div>
            if per_million > 0.0 { <p class="quiet">{ format!("A million answered requests cost {}.", money(currency, per_million)) }</p> }
            <p>{ &challenge.brief.day.says }</p>
            <div class="row">
                if state.watched.is_some() {
                    <button class="button" onclick={watch.reform(|_: MouseEvent| None)}>{ "Put the run away" }</button>
                } else {
                    <button class="button" onclick={watch.reform(move |_: MouseEvent| Some(worst_day))}>{ "Watch that day" }</button>
                }
            </div>
            if let Some(day) = state.watched.and_then(|at| state.days.get(at)) {
                { watched(day, state.watched) }
            }
        </div>
    }
}

/// The worst value of each objective over all days; nothing before there are any.
fn worst(verdicts: &[Option<Verdict>]) -> Option<Vec<Option<f64>>> {
    let verdicts: Vec<&Verdict> = verdicts.iter().flatten().collect();
    let first = verdicts.first()?;
    let worst = first.measured.iter().enumerate().map(|(at, _)| {
        let days = verdicts
            .iter()
            .filter_map(|verdict| verdict.measured.get(at));
        let worst = days.max_by(|a, b| spent(a).total_cmp(&spent(b)));
        worst.and_then(|worst| worst.value)
    });
    Some(worst.collect())
}

/// The run of a day, to be looked at.
fn watched(day: &Scenario, at: Option<usize>) -> Html {
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

/// How much of what is allowed was spent; what was missed without a measure is worst.
fn spent(measured: &Measured) -> f64 {
    let used = measured
        .budget
        .as_ref()
        .and_then(scale_capacity::ErrorBudget::used);
    let over = if measured.met { 0.0 } else { 1e9 };
    over + used.or(measured.value).unwrap_or(f64::MAX / 1e12)
}

fn row(
    measured: &Measured,
    met: usize,
    days: usize,
    currency: &str,
    compared: bool,
    before: Option<f64>,
) -> Html {
    let used = measured
        .budget
        .as_ref()
        .and_then(scale_capacity::ErrorBudget::used);
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

/// So much of an error budget: in hundredths, or how many times over.
fn budget_used(used: f64) -> String {
    if used < 3.0 {
        format!("{} %", number((used * 100.0).round()))
    } else {
        format!("{} times over", number(used.round()))
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
