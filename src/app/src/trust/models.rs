//! What each kind of component models, and what it leaves out.

use scale_sim::Kind;
use yew::prelude::*;

use super::way::Part;
use crate::icon::{Sign, icon};

const KINDS: [(Kind, &str); 11] = [
    (Kind::Client, "Client"),
    (Kind::Gateway, "Gateway"),
    (Kind::Balancer, "Balancer"),
    (Kind::Service, "Service"),
    (Kind::Cache, "Cache"),
    (Kind::Database, "Database"),
    (Kind::Shards, "Shard router"),
    (Kind::Queue, "Queue"),
    (Kind::Topic, "Topic"),
    (Kind::EventStore, "Event store"),
    (Kind::View, "View"),
];

fn kind((kind, name): &(Kind, &str)) -> Html {
    html! {
        <li class={format!("modelled kind-{}", kind.name())}>
            <h3>{ icon(Sign::from(*kind)) }<span>{ *name }</span></h3>
            <dl>
                <div><dt>{ "Models" }</dt><dd>{ kind.models() }</dd></div>
                <div class="not"><dt>{ "Leaves out" }</dt><dd>{ kind.leaves_out() }</dd></div>
            </dl>
        </li>
    }
}

/// The list of all kinds.
pub fn models() -> Html {
    html! {
        <section aria-labelledby="models-title">
            <h2 id="models-title" class="unseen">{ Part::Components.title() }</h2>
            <p class="trust-lead">{ "Every model leaves something out. What a component leaves out, no run can show you: know it before you believe a result." }</p>
            <ul class="models">{ for KINDS.iter().map(kind) }</ul>
        </section>
    }
}
