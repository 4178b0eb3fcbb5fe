//! The 10× certificate: says first, runs then, and shows what was found against what was said.
//!
//! [`runs`] makes the runs on workers, [`curve`] draws them, [`words`] says what they say, [`page`] is the report.

mod curve;
mod page;
mod runs;
pub(super) mod words;

use std::rc::Rc;

use scale_capacity::{Goal, Objective, Report, Said, Sweep};
use scale_design::Design;
use web_sys::{HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};
use yew::prelude::*;

use super::deed::{Deed, Side};
use super::export;
use super::promises::promised;
use super::shelf::file_name;
use crate::browser;
use crate::icon::{Sign, icon};
use crate::store::Looks;
use curve::{Colours, Shown, svg};
use runs::{Heard, Runs};
use words::{
    against, bottleneck, can_give, costs, estimate, first, knee, label, law, left_out, times,
};

/// Properties of [`Certificate`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// The design.
    pub design: Design,
    /// How the page looks.
    pub looks: Looks,
    /// Whether it is shown; it goes on also while it is not.
    pub shown: bool,
    /// What is done.
    pub act: Callback<Deed>,
}

/// What is asked for.
#[derive(Clone, PartialEq, Debug)]
struct Asked {
    to: f64,
    steps: u32,
    replications: u32,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            to: 10.0,
            steps: 10,
            replications: 5,
        }
    }
}

impl Reducible for Asked {
    /// What is set, and to what.
    type Action = (fn(&mut Self, f64), f64);

    fn reduce(self: Rc<Self>, (set, value): Self::Action) -> Rc<Self> {
        let mut next = (*self).clone();
        set(&mut next, value);
        next.into()
    }
}

impl Asked {
    fn factors(&self) -> Vec<f64> {
        let steps = self.steps.max(2);
        let factor = |at| 1.0 + (self.to - 1.0) * f64::from(at) / f64::from(steps - 1);
        (0..steps).map(factor).collect()
    }
}

/// An answer to a question that may also be answered with "none".
#[derive(Clone, PartialEq, Debug, Default)]
enum Answer<T> {
    /// Not yet.
    #[default]
    Open,
    /// None.
    Nothing,
    /// This.
    This(T),
}

impl<T> Answer<T> {
    /// This, or nothing.
    fn of(said: Option<T>) -> Self {
        said.map_or(Self::Nothing, Self::This)
    }

    const fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    fn this(&self) -> Option<&T> {
        match self {
            Self::This(this) => Some(this),
            Self::Open | Self::Nothing => None,
        }
    }
}

/// What the reader says of a question.
enum Word {
    /// What gives first.
    GivesFirst(Answer<String>),
    /// From which load on.
    At(Answer<f64>),
    /// What to change, and why.
    Change(String),
}

/// What the reader has said so far.
#[derive(Clone, PartialEq, Debug, Default)]
struct Saying {
    /// What gives first.
    gives_first: Answer<String>,
    /// From which load on.
    at: Answer<f64>,
    change: String,
}

impl Reducible for Saying {
    type Action = Word;

    fn reduce(self: Rc<Self>, word: Word) -> Rc<Self> {
        let mut next = (*self).clone();
        match word {
            Word::GivesFirst(gives_first) => next.gives_first = gives_first,
            Word::At(at) => next.at = at,
            Word::Change(change) => next.change = change,
        }
        next.into()
    }
}

impl Saying {
    /// What was said, once both questions are answered.
    fn whole(&self) -> Option<Said> {
        let open = self.gives_first.is_open() || self.at.is_open();
        (!open).then(|| Said {
            gives_first: self.gives_first.this().cloned(),
            at: self.at.this().copied(),
            change: self.change.clone(),
        })
    }
}

/// A sweep under way.
struct Running {
    runs: Runs,
    design: Design,
    replications: u32,
    said: Option<Said>,
}

/// A sweep that was made.
struct Made {
    report: Report,
    design: Design,
}

impl Made {
    /// Whether it is of this design. Promises that a sweep does not look at make no difference.
    fn is_of(&self, design: &Design) -> bool {
        let same = self.design.clone().promising(*design.slos()) == *design;
        same && self.report.goal == design.slos().goal()
    }
}

/// What there is so far.
#[derive(Default)]
struct State {
    running: Option<Running>,
    made: Option<Rc<Made>>,
    before: Option<Rc<Made>>,
    failed: Option<String>,
}

/// The certificate of a design.
#[component]
pub fn Certificate(props: &Props) -> Html {
    let state = use_mut_ref(State::default);
    let renew = use_force_update();
    let asked = use_reducer(Asked::default);
    let said = use_reducer(Saying::default);
    let design = &props.design;
    let begin = {
        let (state, renew) = (Rc::clone(&state), renew.clone());
        let (design, asked, said) = (design.clone(), asked.clone(), said.clone());
        Callback::from(move |saying: bool| {
            let heard = {
                let (state, renew) = (Rc::clone(&state), renew.clone());
                Callback::from(move |heard: Heard| {
                    hear(&mut state.borrow_mut(), &heard);
                    renew.force_update();
                })
            };
            // As the report will have it, so that who reads that makes the same runs.
            let scenario = scale_sim::write_json(&**design.scenario());
            let seed = design.scenario().seed;
            let runs = Runs::new(scenario, asked.factors(), seed, asked.replications, heard);
            let state = &mut *state.borrow_mut();
            state.failed = None;
            state.running = Some(Running {
                runs,
                design: design.clone(),
                replications: asked.replications,
                said: saying.then(|| said.whole()).flatten(),
            });
            renew.force_update();
        })
    };
    let cancel = {
        let (state, renew) = (Rc::clone(&state), renew.clone());
        Callback::from(move |_: MouseEvent| {
            state.borrow_mut().running = None;
            renew.force_update();
        })
    };
    let state = state.borrow();
    let ready = design.problems().is_empty();
    let changed = state.made.as_ref().is_some_and(|made| !made.is_of(design));
    let content = match (&state.running, &state.made) {
        (Some(running), _) => under_way(running, state.made.as_deref(), props.looks, &cancel),
        (None, Some(made)) if !changed => found(made, state.before.as_deref(), props),
        (None, _) if !ready => super::not_yet(design, &props.act),
        (None, made) => html! {
            <>
                if made.is_some() {
                    <p class="callout">{ "The design has changed since it was certified. Say what the change does, and run it again." }</p>
                }
                <Ask design={design.clone()} asked={(*asked).clone()} said={(*said).clone()}
                    on_asked={let asked = asked.dispatcher(); Callback::from(move |set| asked.dispatch(set))}
                    on_said={let said = said.dispatcher(); Callback::from(move |word| said.dispatch(word))} {begin} act={props.act.clone()} />
            </>
        },
    };
    html! {
        <div class="sandbox-stage certificate" hidden={!props.shown}>
            <div class="certificate-page">
                if let Some(why) = &state.failed {
                    <p class="failed" role="alert">{ format!("The runs could not be made: {why}") }</p>
                }
                { content }
            </div>
        </div>
    }
}

/// Takes in what is heard of the runs.
fn hear(state: &mut State, heard: &Heard) {
    match heard {
        Heard::Done(_) => {}
        Heard::Failed(why) => {
            state.running = None;
            state.failed = Some(why.clone());
        }
        Heard::All => {
            if let Some(running) = state.running.take()
                && let Some(report) = report(&running)
            {
                let design = running.design.clone();
                state.before = state.made.take();
                state.made = Some(Rc::new(Made { report, design }));
            }
        }
    }
}

/// The report of the runs that are done so far; nothing before the first seed is.
fn report(running: &Running) -> Option<Report> {
    let tried = running.runs.tried();
    let factors = &running.runs.factors;
    if tried.len() < factors.len() {
        return None;
    }
    let seed = running.design.scenario().seed;
    let short = factors.iter().map(|factor| {
        let mut first = tried.iter();
        let first = first
            .find(|(trial, _)| trial.seed == seed && trial.factor.to_bits() == factor.to_bits());
        first
            .map(|(_, tried)| tried.bottlenecks.clone())
            .unwrap_or_default()
    });
    let bottlenecks = short.collect();
    let samples: Vec<_> = tried
        .iter()
        .map(|(trial, tried)| (*trial, tried.sample))
        .collect();
    let goal = running.design.slos().goal();
    Some(Report {
        lab: env!("CARGO_PKG_VERSION").to_owned(),
        goal,
        seed,
        replications: running.replications,
        sweep: Sweep::new(&goal, &samples)?,
        bottlenecks,
        said: running.said.clone(),
        design: (**running.design.scenario()).clone(),
    })
}

/// Properties of [`Ask`].
#[derive(Clone, PartialEq, Properties)]
struct AskProps {
    design: Design,
    asked: Asked,
    said: Saying,
    on_asked: Callback<<Asked as Reducible>::Action>,
    on_said: Callback<Word>,
    /// Called with whether it is to be held against what was said.
    begin: Callback<bool>,
    act: Callback<Deed>,
}

/// What the reader thinks, before anything is shown.
#[component]
fn Ask(props: &AskProps) -> Html {
    let (design, asked, said) = (&props.design, &props.asked, &props.said);
    let scenario = design.scenario();
    let set = |change: fn(&mut Asked, f64)| {
        props.on_asked.reform(move |event: Event| {
            let field: HtmlInputElement = event.target_unchecked_into();
            (change, field.value_as_number())
        })
    };
    let goal = design.slos().goal();
    let promise = |objective: Objective, scale: f64| {
        props.act.reform(move |event: Event| {
            let field: HtmlInputElement = event.target_unchecked_into();
            let value = (field.value_as_number() / scale * 1e9).round() / 1e9;
            promised(objective, Some(value).filter(|value| !value.is_nan()))
        })
    };
    let choose = |gives: Option<String>| {
        let on_said = &props.on_said;
        on_said.reform(move |_: Event| Word::GivesFirst(Answer::of(gives.clone())))
    };
    let option = |gives: Option<String>, words: String, sign: Option<Sign>| {
        let checked = said.gives_first == Answer::of(gives.clone());
        html! {
            <label class="option"><input type="radio" name="gives-first" {checked} onchange={choose(gives)} />
                if let Some(sign) = sign { { icon(sign) } }<span>{ words }</span></label>
        }
    };
    let options = can_give(scenario).into_iter().map(|name| {
        let sign = design.kind(name).map(Sign::from);
        option(
            Some(name.to_owned()),
            label(scenario, name).to_owned(),
            sign,
        )
    });
    let on_at = props.on_said.reform(|event: Event| {
        let field: HtmlSelectElement = event.target_unchecked_into();
        Word::At(match field.value().as_str() {
            "" => Answer::Open,
            value => Answer::of(value.parse().ok()),
        })
    });
    let on_change = props.on_said.reform(|event: Event| {
        let field: HtmlTextAreaElement = event.target_unchecked_into();
        Word::Change(field.value().chars().take(2_000).collect())
    });
    let factors = asked.factors().into_iter().map(|factor| {
        let selected = { said.at.this() }.is_some_and(|at| at.to_bits() == factor.to_bits());
        html! { <option value={factor.to_string()} {selected}>{ format!("from {} on", times(factor)) }</option> }
    });
    let whole = said.whole();
    let commit = props.begin.reform(|_: MouseEvent| true);
    let skip = props.begin.reform(|_: MouseEvent| false);
    let runs = asked.factors().len() as u32 * asked.replications;
    html! {
        <div class="ask">
            <h2>{ "Can you explain how your system will handle 10x the current load?" }</h2>
            <p class="lead">{ "Say it first. Then the design is run from 1× to 10× its load, several times each." }</p>
            <div class="ask-columns"><figure class="ask-picture">{ export::picture(design) }</figure><div class="ask-fields">
            <details class="goal">
                <summary>{ goal_words(&goal) }{ format!(" {runs} runs.") }</summary>
                <div class="goal-fields">
                    <label class="ask-field"><span>{ "Answered in time, at least, %" }</span>
                        <input type="number" min="1" max="100" step="0.1" value={format!("{}", (goal.availability * 1e5).round() / 1e3)}
                            onchange={promise(Objective::Availability, 100.0)} /></label>
                    <label class="ask-field"><span>{ "99th percentile of latency, at most, ms (empty: any)" }</span>
                        <input type="number" min="1" max="3600000" value={goal.p99_ms.map(|ms| ms.to_string()).unwrap_or_default()}
                            onchange={promise(Objective::P99Ms, 1.0)} /></label>
                    <label class="ask-field"><span>{ "Up to which load" }</span>
                        <input type="number" min="2" max="100" step="1" value={asked.to.to_string()}
                            onchange={set(|asked, value| if (1.5..=100.0).contains(&value) { asked.to = value; })} /></label>
                    <label class="ask-field"><span>{ "Loads" }</span>
                        <input type="number" min="2" max="40" step="1" value={asked.steps.to_string()}
                            onchange={set(|asked, value| if (2.0..=40.0).contains(&value) { asked.steps = value as u32; })} /></label>
                    <label class="ask-field"><span>{ "Runs at each load" }</span>
                        <input type="number" min="1" max="30" step="1" value={asked.replications.to_string()}
                            onchange={set(|asked, value| if (1.0..=30.0).contains(&value) { asked.replications = value as u32; })} /></label>
                </div>
            </details>
            <fieldset class="answer">
                <legend>{ "What gives first?" }</legend>
                <div class="options">
                    { for options }
                    { option(None, "Nothing, at any load up to there".to_owned(), None) }
                </div>
            </fieldset>
            <label class="ask-field"><span>{ "From which load on does it miss its goal?" }</span>
                <select onchange={on_at}><option value="" selected={said.at.is_open()}>{ "Choose …" }</option><option value="never" selected={said.at == Answer::Nothing}>{ "at none of them" }</option>{ for factors }</select>
            </label>
            <label class="ask-field"><span>{ "What would you change, and why?" }</span>
                <textarea rows="4" value={said.change.clone()} onchange={on_change} />
            </label>
            <div class="row">
                <button class="button primary big" disabled={whole.is_none()} onclick={commit}>{ "Commit, and run it" }</button>
                <button class="button big" onclick={skip}>{ "Run it without saying" }</button>
            </div>
            if whole.is_none() { <p class="quiet">{ "Say what gives first and from which load on: then you can commit." }</p> }
            </div></div>
        </div>
    }
}

fn goal_words(goal: &Goal) -> String {
    let p99 = goal
        .p99_ms
        .map(|most| format!(", p99 at most {} ms", super::words::number(most)));
    format!(
        "The goal: {} % answered in time{}.",
        super::words::number(goal.availability * 100.0),
        p99.unwrap_or_default()
    )
}

/// How far the runs are, with the first curve once there is one.
fn under_way(
    running: &Running,
    before: Option<&Made>,
    looks: Looks,
    cancel: &Callback<MouseEvent>,
) -> Html {
    let (done, count) = (running.runs.done(), running.runs.count());
    let left = running.runs.left_s().map(|left| match left {
        left if left < 1.5 => "about a second left".to_owned(),
        left if left < 90.0 => format!("about {left:.0} seconds left"),
        left => format!("about {:.0} minutes left", left / 60.0),
    });
    html! {
        <div class="under-way">
            <h2>{ "Running it from 1× on" }</h2>
            <progress max={count.to_string()} value={done.to_string()} aria-label="Runs that are done"></progress>
            <p role="status">{ format!("{done} of {count} runs") }{ left.map(|left| format!(", {left}")) }</p>
            <button class="button" onclick={cancel}>{ "Cancel" }</button>
            if let Some(report) = report(running) {
                { figure(&report, before.map(|made| &made.report.sweep), Shown::Throughput, looks) }
            }
        </div>
    }
}

/// A curve as a picture, with what it shows in words.
fn figure(report: &Report, before: Option<&Sweep>, shown: Shown, looks: Looks) -> Html {
    let colours = if looks.dark {
        Colours::DARK
    } else {
        Colours::PRINT
    };
    let Some(svg) = svg(report, before, shown, &colours) else {
        return html! {};
    };
    let source = format!(
        "data:image/svg+xml;charset=utf-8,{}",
        String::from(js_sys::encode_uri_component(&svg))
    );
    let (wide, high) = curve::SIZE;
    let key: &[(&str, &str)] = match shown {
        Shown::Throughput => &[
            ("key-measured", "measured, with its 95 % interval"),
            ("key-sent", "sent"),
            ("key-law", "Universal Scalability Law"),
        ],
        Shown::Latency | Shown::Availability => &[
            ("key-measured", "measured, with its 95 % interval"),
            ("key-goal", "the goal"),
        ],
    };
    let key = key
        .iter()
        .map(|(name, words)| html! { <li class={*name}>{ *words }</li> });
    html! {
        <figure class="curve">
            <figcaption>{ shown.title() }</figcaption>
            <img src={source} width={wide.to_string()} height={high.to_string()} alt={format!("{} by load. The table below has the figures. {}", shown.title(), knee(&report.sweep.knee))} />
            <ul class="curve-key">{ for key }if before.is_some() { <li class="key-before">{ "before the change" }</li> }<li class="key-missed">{ "the goal is missed" }</li></ul>
        </figure>
    }
}

/// Whatever gave first at some load, with the words for it: at the least load of each.
fn blamed(report: &Report) -> Vec<(String, String)> {
    let mut blamed: Vec<(String, String)> = Vec::new();
    for (point, short) in report.sweep.points.iter().zip(&report.bottlenecks) {
        if let Some(short) = short.first()
            && !blamed.iter().any(|(name, _)| *name == short.component)
        {
            let words = format!("gives at {}", times(point.factor));
            blamed.push((short.component.clone(), words));
        }
    }
    blamed
}

/// What was found.
fn found(made: &Rc<Made>, before: Option<&Made>, props: &Props) -> Html {
    let report = &made.report;
    let design = &report.design;
    let earlier = before.map(|made| &made.report.sweep);
    let met = matches!(report.sweep.knee, scale_capacity::Knee::Beyond(_));
    let gives = first(report).map(|(at, short)| {
        format!(
            "What gives first, at {}: {}.",
            times(at),
            bottleneck(design, short)
        )
    });
    let lines = report
        .said
        .iter()
        .flat_map(|said| against(report, said))
        .map(|line| {
            let (class, sign) = match line.right {
                Some(true) => ("right", Sign::Check),
                Some(false) => ("wrong", Sign::Cross),
                None => ("open", Sign::Hint),
            };
            html! { <li {class}>{ icon(sign) }<span>{ line.words }</span></li> }
        });
    let rows = report.sweep.points.iter().zip(&report.bottlenecks).map(|(point, short)| {
        html! {
            <tr class={(!point.met).then_some("missed")}>
                <th scope="row">{ times(point.factor) }</th>
                <td>{ estimate(&point.throughput_per_s, 1.0, 0) }</td>
                <td>{ estimate(&point.availability, 100.0, 2) }</td>
                <td>{ point.p99_ms.as_ref().map_or_else(|| "–".to_owned(), |p99| estimate(p99, 1.0, 0)) }</td>
                <td>{ if point.met { "met" } else { "missed" } }</td>
                <td>{ short.first().map_or_else(|| "none yet".to_owned(), |short| bottleneck(design, short)) }</td>
            </tr>
        }
    });
    let save = |html: bool| {
        let (made, earlier, act) = (Rc::clone(made), earlier.cloned(), props.act.clone());
        Callback::from(move |_: MouseEvent| {
            let (kind, ending, text) = if html {
                let day = browser::date_words(browser::today());
                (
                    "text/html",
                    "10x.html",
                    page::html(
                        &made.report,
                        earlier.as_ref(),
                        &day,
                        &export::print(&made.design),
                    ),
                )
            } else {
                ("application/json", "10x.json", made.report.json())
            };
            let name = file_name(&made.design, ending);
            browser::download(&name, kind, &text);
            act.emit(Deed::Tell(format!("Saved as {name}")));
        })
    };
    // On the board stands what gave first.
    let change = {
        let (act, blamed) = (props.act.clone(), blamed(report));
        Callback::from(move |_: MouseEvent| {
            act.emit(Deed::Blame(blamed.clone()));
            act.emit(Deed::Show(Side::Build));
        })
    };
    html! {
        <div class="found">
            <h2 class={classes!("verdict", if met { "right" } else { "wrong" })}>{ knee(&report.sweep.knee) }</h2>
            if let Some(before) = earlier { <p class="quiet">{ format!("Before the change: {}", knee(&before.knee)) }</p> }
            <p class="lead">{ gives.unwrap_or_else(|| "Nothing gives yet, at any load that was tried.".to_owned()) }</p>
            <p class="quiet">{ goal_words(&report.goal) }{ format!(" {} runs at each load, with seeds from {} on.", report.replications, report.seed) }</p>
            if report.said.is_some() {
                <section class="against"><h3>{ "What you said, and what was found" }</h3><ul>{ for lines }</ul></section>
            }
            <div class="row">
                <button class="button primary" onclick={change}>{ "Change it and run again" }</button>
                <button class="button" onclick={save(true)}>{ "Save the report" }</button>
                <button class="button" onclick={save(false)}>{ "Save as JSON" }</button>
            </div>
            <div class="curves">
                { figure(report, earlier, Shown::Throughput, props.looks) }
                { figure(report, earlier, Shown::Latency, props.looks) }
                { figure(report, earlier, Shown::Availability, props.looks) }
            </div>
            if let Some(usl) = &report.sweep.usl { <p>{ law(usl).join(" ") }</p> }
            <p>{ costs(report) }</p>
            <div class="table-scroll" tabindex="0" role="region" aria-label="The figures at each load">
                <table>
                    <thead><tr><th scope="col">{ "load" }</th><th scope="col">{ "answered/s" }</th><th scope="col">{ "in time, %" }</th><th scope="col">{ "p99, ms" }</th><th scope="col">{ "goal" }</th><th scope="col">{ "gives first" }</th></tr></thead>
                    <tbody>{ for rows }</tbody>
                </table>
            </div>
            <details><summary>{ "What is not modelled" }</summary>
                <ul>{ for left_out(design).into_iter().map(|(kind, words)| html! { <li><b>{ kind }</b>{ format!(": {words}") }</li> }) }</ul>
            </details>
        </div>
    }
}
