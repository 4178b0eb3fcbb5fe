//! "How do we know?": runs held against theory and records of real systems, and what is modelled at all.
//!
//! [`Runs`](runs::Runs) makes the runs and keeps what came of them; [`way`] knows the places of the page; [`theory`], [`recorded`] and
//! [`models`] are its three parts.

mod drawn;
mod formula;
mod models;
mod recorded;
mod runs;
mod theory;
mod way;
mod whisker;

use gloo::events::EventListener;
use yew::prelude::*;

use crate::browser;
use models::models;
use recorded::Records;
pub use runs::Runs;
use theory::Theory;
use way::{Part, Way};

/// Whether the part of an address from `#` on is a place of this page.
pub fn is_here(hash: &str) -> bool {
    Way::read(hash).is_some()
}

/// Properties of [`TrustPage`].
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The runs: they outlive the page.
    pub runs: Runs,
}

/// The place that the address names. None while another page's address is there, before this one is taken away.
fn here() -> Option<Way> {
    Way::read(&browser::window().location().hash().unwrap_or_default())
}

/// The page.
#[component]
pub fn TrustPage(props: &Props) -> Html {
    let runs = &props.runs;
    let renew = use_force_update();
    let place = use_state(here);
    {
        let (runs, renew, place) = (runs.clone(), renew.clone(), place.clone());
        use_effect_with((), move |()| {
            runs.listen(Callback::from(move |()| renew.force_update()));
            if here().is_none_or(|way| way.of.is_none()) {
                browser::focus_heading();
            }
            let listener = EventListener::new(&browser::window(), "hashchange", move |_| {
                if let Some(way) = here() {
                    place.set(Some(way));
                }
            });
            move || {
                drop(listener);
                runs.listen(Callback::noop());
                runs.stop();
            }
        });
    }
    {
        let runs = runs.clone();
        use_effect_with((*place).clone(), move |way| {
            if let Some(way) = way {
                arrive(way, &runs);
            }
        });
    }
    let Some(way) = (*place).clone() else {
        return html! {};
    };
    let seed = way.seed();
    let tabs = Part::ALL.into_iter().map(|part| {
        let now = (part == way.part).then_some("page");
        html! { <a class="trust-tab" href={way::href(part, None, runs.seed())} aria-current={now}>{ part.title() }</a> }
    });
    html! {
        <div class="page trust">
            <h1>{ "How do we know?" }</h1>
            <p class="lead">{ "A simulation that cannot be checked is a drawing. So here is the lab beside what is known for certain, and beside what real systems did." }</p>
            <nav class="trust-tabs" aria-label="Parts of this page">{ for tabs }</nav>
            if let Some(lost) = lost(&way, runs) { <p class="failed" role="alert">{ lost }</p> }
            { match way.part {
                Part::Theory => html! {
                    <Theory runs={runs.clone()} found={runs.found()} running={runs.running()} wrong={seed.err()}
                        seed={way.seed.clone().unwrap_or_else(|| runs.seed().to_string())} />
                },
                Part::Systems => html! { <Records open={way.of.clone()} /> },
                Part::Components => models(),
            } }
        </div>
    }
}

/// What the address names and is not there, in a sentence.
fn lost(way: &Way, runs: &Runs) -> Option<String> {
    let name = way.of.as_deref().unwrap_or_default();
    if way.astray {
        return Some("The address names a part that this page does not have.".to_owned());
    }
    let known = match way.part {
        _ if way.of.is_none() => true,
        Part::Theory => runs.claims().iter().any(|claim| claim.id == name),
        Part::Systems => scale_trust::Record::named(name).is_some(),
        Part::Components => false,
    };
    let shown: String = name.chars().take(40).collect();
    (!known).then(|| format!("There is nothing here by the name of “{shown}”."))
}

/// What happens when one comes to a place: its title; its seed's runs; what it names comes in sight.
fn arrive(way: &Way, runs: &Runs) {
    let title = way.part.title();
    browser::document().set_title(&format!("{title} · How do we know? · Scale Lab"));
    let claims = runs.claims();
    let named = claims
        .iter()
        .position(|claim| way.of.as_deref() == Some(claim.id));
    if way.part == Part::Theory
        && let Ok(seed) = way.seed()
    {
        // A link without a seed shows the runs that are there.
        if way.seed.is_some() && seed != runs.seed() {
            runs.again(seed, named.unwrap_or(0));
        }
        // The others are run when asked: a phone's battery is not the lab's.
        if runs.found().iter().all(|found| !found.asked) {
            runs.ask(&[named.unwrap_or(0)]);
        }
    }
    if let Some(of) = &way.of {
        let id = match way.part {
            Part::Theory => "claim",
            Part::Systems | Part::Components => "record",
        };
        if claims.iter().any(|claim| claim.id == of) || scale_trust::Record::named(of).is_some() {
            browser::focus(&[format!("#{id}-{of}-title")]);
        }
    }
}
