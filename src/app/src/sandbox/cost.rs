//! What a design costs an hour, by a price list that the reader can change.

use scale_capacity::{Prices, cost};
use scale_design::Design;
use scale_sim::{read_json, write_json};
use serde_json::Value;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::challenge::use_challenge;
use super::words::number;
use crate::browser;

/// The key of the price list.
const PRICES: &str = "scale-lab/prices";

/// The reader's price list; the usual one where none is kept, or none that can be read: it is quickly set again.
pub fn prices() -> Prices {
    let storage = browser::window().local_storage().ok().flatten();
    let text = storage.and_then(|storage| storage.get_item(PRICES).ok().flatten());
    let prices = text.and_then(|text| read_json::<Prices>(&text).ok());
    prices
        .filter(|prices| prices.problems().is_empty())
        .unwrap_or_default()
}

fn keep(prices: &Prices) {
    if let Ok(Some(storage)) = browser::window().local_storage() {
        // What cannot be kept still holds for this visit.
        let _ = storage.set_item(PRICES, &write_json(prices));
    }
}

/// An amount of money.
pub fn money(currency: &str, amount: f64) -> String {
    let whole = number(amount.trunc());
    let cents = ((amount - amount.trunc()) * 100.0).round().min(99.0);
    format!("{currency}{whole}.{cents:02.0}")
}

/// Properties of [`Cost`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// The design.
    pub design: Design,
}

/// The bill of a design, with the prices.
#[component]
pub fn Cost(props: &Props) -> Html {
    let prices_now = use_state(prices);
    let refused = use_state(|| None::<String>);
    // What counts in a challenge are its prices, and not those of what belongs to others.
    let challenge = use_challenge(props.design.challenge().map(|id| id.to_owned().into()));
    let challenge = challenge.and_then(Result::ok);
    let bill = match &challenge {
        Some(challenge) => {
            cost(props.design.scenario(), &challenge.prices()).without(&challenge.brief.outside)
        }
        None => cost(props.design.scenario(), &prices_now),
    };
    let most = challenge.as_ref().and_then(|of| of.brief.slos.cost_per_h);
    let lines = bill.lines.iter().map(|line| {
        html! {
            <tr><th scope="row">{ props.design.label(&line.component) }<span class="quiet">{ format!(" {} × {}", number(line.count), line.what) }</span></th>
                <td>{ money(&bill.currency, line.per_hour) }</td></tr>
        }
    });
    let set = {
        let (prices_now, refused) = (prices_now.clone(), refused.clone());
        move |name: &'static str| {
            let (prices_now, refused) = (prices_now.clone(), refused.clone());
            Callback::from(move |event: Event| {
                let field: HtmlInputElement = event.target_unchecked_into();
                let mut tree = serde_json::to_value(&*prices_now).unwrap_or_default();
                tree[name] = Value::from(field.value_as_number());
                let read: Result<Prices, _> = scale_sim::from_json_value(&tree);
                let wrong = match &read {
                    Ok(new) => new.problems().first().map(ToString::to_string),
                    Err(problem) => Some(problem.to_string()),
                };
                if let (None, Ok(new)) = (&wrong, read) {
                    keep(&new);
                    prices_now.set(new);
                }
                refused.set(wrong);
            })
        }
    };
    let fields = prices_now.all().map(|(name, price)| {
        let words = name.replace('_', " ");
        html! {
            <label class="price"><span>{ words }</span>
                <input type="number" min="0" max="1000000" step="0.01" value={price.to_string()} onchange={set(name)} /></label>
        }
    });
    let reset = {
        let (prices_now, refused) = (prices_now.clone(), refused.clone());
        Callback::from(move |_: MouseEvent| {
            keep(&Prices::default());
            prices_now.set(Prices::default());
            refused.set(None);
        })
    };
    html! {
        <section class="cost" aria-labelledby="cost-title">
            <h3 id="cost-title">{ "Cost an hour" }</h3>
            <table><tbody>{ for lines }
                <tr class="cost-sum"><th scope="row">{ "In all" }</th><td>{ money(&bill.currency, bill.per_hour) }</td></tr></tbody></table>
            if let Some(most) = most {
                <p class={if bill.per_hour > most { "bad" } else { "quiet" }}>{ format!("By the prices of the challenge, which allows {}. What grows on that day costs more then.", money(&bill.currency, most)) }</p>
            }
            if props.design.challenge().is_none() { <details>
                <summary>{ "Prices" }</summary>
                <p class="quiet">{ "Made up, of the size that clouds ask. Put in your own; they are kept in this browser." }</p>
                if let Some(why) = &*refused { <p class="bad" role="alert">{ why }</p> }
                <div class="prices">{ for fields }</div>
                <button class="button" onclick={reset}>{ "The usual prices" }</button>
            </details> }
        </section>
    }
}
