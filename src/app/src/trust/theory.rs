//! What theory says, and what runs come to: live.

use std::rc::Rc;

use scale_trust::claim::{LEVEL, REPLICATIONS};
use scale_trust::{Check, Claim, Form, Judged, Verdict, surprise};
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::formula::formula;
use super::runs::{Found, Runs};
use super::way::{self, Part};
use super::whisker::{digits, whisker};
use crate::browser;
use crate::handle::Handle;
use crate::icon::{Sign, icon};

/// Properties of [`Theory`].
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The runs.
    pub runs: Runs,
    /// What came of them so far: it changes when they do.
    pub found: Vec<Rc<Found>>,
    /// Of which claims runs are under way or to come.
    pub running: Vec<bool>,
    /// What is wrong with the seed that the address names.
    pub wrong: Option<String>,
    /// The seed as the address has it.
    pub seed: AttrValue,
}

/// The claims, with what their runs come to.
#[component]
pub fn Theory(props: &Props) -> Html {
    let runs = &props.runs;
    let claims = runs.claims();
    let running = props.running.contains(&true);
    let cards = claims.iter().enumerate().map(|(at, claim)| {
        html! {
            <ClaimCard key={claim.id} runs={runs.clone()} {at} found={Rc::clone(&props.found[at])} running={props.running[at]} seed={runs.seed()} />
        }
    });
    html! {
        <section aria-labelledby="theory-title">
            <h2 id="theory-title" class="unseen">{ Part::Theory.title() }</h2>
            <p class="trust-lead">{ format!("Theory knows some systems in full: what they come to is a formula. The lab runs each of them {REPLICATIONS} times, here and now, in your browser. The mean of its runs has an interval in which the true value lies with 99% confidence. If the simulation is right, the formula lies in it too.") }</p>
            <Score claims={claims.clone()} found={props.found.clone()} seed={runs.seed()} {running} failed={runs.failed()} />
            <SeedForm runs={runs.clone()} {running} wrong={props.wrong.clone()} seed={props.seed.clone()} />
            <ol class="claims">{ for cards }</ol>
        </section>
    }
}

/// The claim that is in sight: the first that is not above the window.
fn in_sight(claims: &[Claim]) -> usize {
    let seen = |claim: &Claim| {
        let card = browser::document().get_element_by_id(&format!("claim-{}", claim.id));
        card.is_some_and(|card| card.get_bounding_client_rect().bottom() > 120.0)
    };
    claims.iter().position(seen).unwrap_or(0)
}

/// Begins all runs that are not done, with those of the claim in sight.
fn ask_all(runs: &Runs) {
    let claims = runs.claims();
    let mut all: Vec<usize> = (0..claims.len()).collect();
    all.rotate_left(in_sight(&claims));
    runs.ask(&all);
}

#[derive(Clone, PartialEq, Properties)]
struct ScoreProps {
    claims: Handle<Vec<Claim>>,
    found: Vec<Rc<Found>>,
    seed: u64,
    running: bool,
    failed: Option<String>,
}

/// How many intervals miss, and how many would if all is right.
#[component]
fn Score(props: &ScoreProps) -> Html {
    let claims = props.claims.iter().zip(&props.found);
    let verdicts: Vec<Vec<Verdict>> = claims
        .map(|(claim, found)| {
            let mut verdicts = found.verdicts(claim);
            if !found.is_complete() {
                verdicts.fill(Verdict::Open);
            }
            verdicts
        })
        .collect();
    let count = |wanted: Verdict| {
        let all = verdicts.iter().flatten();
        all.filter(|verdict| **verdict == wanted).count() as u32
    };
    let (inside, outside) = (count(Verdict::Inside), count(Verdict::Outside));
    let of = inside + outside;
    let expected = f64::from(of) * (1.0 - LEVEL);
    let asked = props.found.iter().filter(|found| found.asked);
    let runs = asked.map(|found| found.done());
    let (done, all) = runs.fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1));
    let marks = props.claims.iter().zip(&verdicts).map(|(claim, verdicts)| {
        let told = match verdicts.iter().filter(|verdict| **verdict == Verdict::Outside).count() {
            _ if verdicts.contains(&Verdict::Open) => "not all run yet".to_owned(),
            0 => "all inside".to_owned(),
            missed => format!("{missed} of {} outside", verdicts.len()),
        };
        let label = format!("{}: {told}", claim.title);
        html! {
            <li><a href={way::href(Part::Theory, Some(claim.id), props.seed)} aria-label={label.clone()} title={label}>
                { for verdicts.iter().map(|verdict| html! { <i class={match verdict { Verdict::Open => "open", Verdict::Inside => "inside", Verdict::Outside => "outside" }}></i> }) }
            </a></li>
        }
    });
    html! {
        <div class="score">
            <ul class="score-marks" aria-label="All figures, claim by claim">{ for marks }</ul>
            <p class="score-words" role="status">
                if of == 0 {
                    <strong>{ "No claim has been run to its end yet." }</strong>
                } else {
                    <strong>{ format!("{inside} of {of} intervals hold the closed form") }</strong>
                    { if outside == 0 { "; none misses.".to_owned() } else { format!("; {outside} miss{}.", if outside == 1 { "es" } else { "" }) } }
                }
            </p>
            <p class="score-note">
                if of > 0 {
                    { format!("Each misses once in a hundred although all is right: of {of}, one would expect {expected:.1} to. ") }
                    if outside > 0 { { format!("So many or more miss with {} seeds in a hundred. ", percent(surprise(outside, of))) } }
                } else {
                    { "The mark of a figure is filled once its interval holds the closed form." }
                }
            </p>
            if all > 0 && done < all {
                <p class="score-progress"><progress value={done.to_string()} max={all.to_string()} aria-label="Runs"></progress>
                    <span>{ format!("{done} of {all} runs{}", if props.running { "" } else { ", stopped" }) }</span></p>
            }
            if let Some(why) = &props.failed { <p class="failed" role="alert">{ why }</p> }
            <p class="score-key" aria-hidden="true">
                <span><i class="key-dot"></i>{ "a run" }</span>
                <span><i class="key-interval"></i>{ "99% interval of the mean" }</span>
                <span><i class="key-theory"></i>{ "closed form" }</span>
            </p>
        </div>
    }
}

/// A chance as hundredths.
fn percent(chance: f64) -> String {
    let hundredths = chance * 100.0;
    if hundredths < 0.1 {
        "fewer than 0.1".to_owned()
    } else if hundredths < 9.5 {
        format!("{hundredths:.1}")
    } else {
        format!("{hundredths:.0}")
    }
}

#[derive(Clone, PartialEq, Properties)]
struct SeedProps {
    runs: Runs,
    running: bool,
    wrong: Option<String>,
    seed: AttrValue,
}

/// The seed, and what to run with it.
#[component]
fn SeedForm(props: &SeedProps) -> Html {
    let text = use_state(|| props.seed.to_string());
    let wrong = use_state(|| props.wrong.clone());
    {
        let (text, wrong) = (text.clone(), wrong.clone());
        use_effect_with(
            (props.seed.clone(), props.wrong.clone()),
            move |(seed, why)| {
                text.set(seed.to_string());
                wrong.set(why.clone());
            },
        );
    }
    let go = {
        let (runs, wrong) = (props.runs.clone(), wrong.clone());
        Callback::from(move |text: String| match way::seed(&text) {
            Err(why) => wrong.set(Some(why)),
            Ok(seed) => {
                wrong.set(None);
                runs.again(seed, in_sight(&runs.claims()));
                // Fails for addresses that are none, and this one is ours.
                let location = browser::window().location();
                let _ = location.set_hash(&way::href(Part::Theory, None, seed));
            }
        })
    };
    let onsubmit = {
        let (text, go) = (text.clone(), go.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            go.emit((*text).clone());
        })
    };
    let other = {
        let text = text.clone();
        Callback::from(move |_: MouseEvent| {
            // Short enough to be told to somebody.
            let seed = (browser::fresh_seed() % 1_000_000).to_string();
            text.set(seed.clone());
            go.emit(seed);
        })
    };
    let oninput = {
        let (text, wrong) = (text.clone(), wrong.clone());
        Callback::from(move |event: InputEvent| {
            let field = event
                .target()
                .and_then(|t| t.dyn_into::<HtmlInputElement>().ok());
            let Some(field) = field else {
                return;
            };
            if way::seed(&field.value()).is_ok() {
                wrong.set(None);
            }
            text.set(field.value());
        })
    };
    let runs = props.runs.clone();
    let all = {
        let runs = runs.clone();
        Callback::from(move |_: MouseEvent| ask_all(&runs))
    };
    let stop = Callback::from(move |_: MouseEvent| runs.stop());
    html! {
        <form class="seed-form" {onsubmit} novalidate=true>
            <label for="trust-seed">{ "Seed" }</label>
            <input id="trust-seed" inputmode="numeric" autocomplete="off" spellcheck="false" value={(*text).clone()} {oninput}
                aria-invalid={wrong.is_some().to_string()} aria-describedby="trust-seed-told" />
            <button class="button">{ "Run again with this seed" }</button>
            <button type="button" class="button" onclick={other}>{ icon(Sign::Again) }<span>{ "Another seed" }</span></button>
            if props.running {
                <button type="button" class="button primary" onclick={stop}>{ "Stop" }</button>
            } else {
                <button type="button" class="button primary" onclick={all}>{ icon(Sign::Play) }<span>{ "Run all" }</span></button>
            }
            <p id="trust-seed-told" class={if wrong.is_some() { "bad" } else { "quiet" }} role={wrong.is_some().then_some("alert")}>
                { wrong.as_deref().unwrap_or("The same seed gives the same numbers, on any machine, and by lab trust on the command line. It is in this page’s address: share it.") }
            </p>
        </form>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct ClaimProps {
    runs: Runs,
    at: usize,
    found: Rc<Found>,
    running: bool,
    seed: u64,
}

/// One claim: what it says, and what its runs come to.
#[component]
fn ClaimCard(props: &ClaimProps) -> Html {
    let (claims, found) = (props.runs.claims(), &props.found);
    let claim = &claims[props.at];
    let (done, of) = found.done();
    let run = {
        let (runs, at) = (props.runs.clone(), props.at);
        Callback::from(move |_: MouseEvent| runs.ask(&[at]))
    };
    let cases = claim.cases.iter().enumerate().map(|(case, of_case)| {
        let rows = of_case.checks.iter().enumerate();
        let rows = rows.map(|(at, check)| figure(check, &found.values(case, at)));
        html! {
            <div class="case" key={case}>
                <h4>{ &of_case.label }</h4>
                <ul>{ for rows }</ul>
            </div>
        }
    });
    let title = format!("claim-{}-title", claim.id);
    let begin = if done > 0 {
        format!("Go on: {done} of {of} runs are done")
    } else {
        format!("Run it {REPLICATIONS} times")
    };
    html! {
        <li class="claim" id={format!("claim-{}", claim.id)}>
            <article aria-labelledby={title.clone()}>
                <div class="claim-words">
                    <h3 id={title} tabindex="-1"><a href={way::href(Part::Theory, Some(claim.id), props.seed)}>{ claim.title }</a></h3>
                    <p>{ claim.says }</p>
                    { formula(claim.formula) }
                    <p class="claim-source">{ claim.source }</p>
                    if found.is_complete() {
                        <p class="claim-state done">{ icon(Sign::Check) }<span>{ format!("{of} runs done") }</span></p>
                    } else if props.running {
                        <p class="claim-state"><progress value={done.to_string()} max={of.to_string()} aria-label={format!("Runs of: {}", claim.title)}></progress>
                            <span>{ format!("{done} of {of} runs") }</span></p>
                    } else {
                        <p class="claim-state"><button class="button" onclick={run} aria-label={format!("{begin}: {}", claim.title)}>{ icon(Sign::Play) }<span>{ &begin }</span></button></p>
                    }
                </div>
                <div class="claim-runs">{ for cases }</div>
            </article>
        </li>
    }
}

/// One figure: drawn, and in numbers.
fn figure(check: &Check, values: &[f64]) -> Html {
    let judged = check.judge(values);
    let half = judged.and_then(|judged| judged.estimate.half_width);
    let digits = digits(half.unwrap_or(check.expected.abs() / 100.0));
    let unit = match check.unit {
        "" => String::new(),
        "%" => "%".to_owned(),
        unit => format!(" {unit}"),
    };
    let measured = judged.map(|judged| {
        let mean = format!("{:.digits$}", judged.estimate.mean);
        match half {
            Some(half) => format!("{mean} ± {half:.digits$}{unit}"),
            None => format!("{mean}{unit}"),
        }
    });
    let (class, words) = verdict(check, judged.as_ref(), values.len());
    html! {
        <li class={classes!("figure-row", class)} key={check.label}>
            <span class="figure-name">{ check.label }</span>
            { whisker(check, values, judged.as_ref()) }
            <dl class="figure-numbers">
                <div><dt>{ "Theory" }</dt><dd>{ format!("{:.digits$}{unit}", check.expected) }</dd></div>
                <div><dt>{ "Measured" }</dt><dd class="figure-measured">{ measured.unwrap_or_else(|| "–".to_owned()) }</dd></div>
            </dl>
            <p class="figure-verdict">
                if class == "inside" { { icon(Sign::Check) } }
                if class == "outside" { { icon(Sign::Cross) } }
                <span>{ words }</span>
            </p>
            if let Form::Within(part, why) = check.form {
                <p class="figure-note">{ format!("This form is good to {}% here: {why}.", part * 100.0) }</p>
            }
        </li>
    }
}

/// What is said of a figure: its class, and the words.
fn verdict(check: &Check, judged: Option<&Judged>, runs: usize) -> (&'static str, &'static str) {
    let Some(judged) = judged else {
        return ("open", "not run yet");
    };
    let complete = runs as u32 == REPLICATIONS;
    match judged.verdict {
        Verdict::Open => ("open", "one run has no interval"),
        Verdict::Outside if check.is_refuted(&judged.estimate) && complete => (
            "outside",
            "far outside: more than twice the interval, which is not chance",
        ),
        Verdict::Outside if complete => ("outside", "outside: one in a hundred is, by design"),
        Verdict::Outside => ("outside", "outside so far"),
        Verdict::Inside if !judged.estimate.covers(check.expected) => {
            ("inside", "as near as this form goes")
        }
        Verdict::Inside if complete => ("inside", "inside"),
        Verdict::Inside => ("inside", "inside so far"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_told_in_words() {
        let mut check = scale_trust::claims()[0].cases[0].checks[0].clone();
        let values: Vec<f64> = (0..20).map(|at| 10.0 + f64::from(at % 5) * 0.1).collect();
        let judged = check.judge(&values).expect("there are values");
        let half = judged.estimate.half_width.expect("there are many");
        let mut told = |off: f64, form: Form, count: usize| {
            check.expected = judged.estimate.mean + off;
            check.form = form;
            let values = &values[..count];
            verdict(&check, check.judge(values).as_ref(), count).1
        };
        assert_eq!(told(0.0, Form::Exact, 0), "not run yet");
        assert_eq!(told(0.0, Form::Exact, 1), "one run has no interval");
        assert_eq!(told(0.0, Form::Exact, 10), "inside so far");
        assert_eq!(told(0.0, Form::Exact, 20), "inside");
        assert!(told(1.5 * half, Form::Exact, 20).starts_with("outside: one in a hundred"));
        assert!(told(2.5 * half, Form::Exact, 20).starts_with("far outside"));
        let near = Form::Within(0.1, "few servers");
        assert_eq!(told(1.5 * half, near, 20), "as near as this form goes");
        assert_eq!(told(2.0, Form::Exact, 10), "outside so far");
    }

    #[test]
    fn chances_are_told_as_hundredths() {
        assert_eq!(percent(0.267), "27");
        assert_eq!(percent(0.0349), "3.5");
        assert_eq!(percent(1e-9), "fewer than 0.1");
    }
}
