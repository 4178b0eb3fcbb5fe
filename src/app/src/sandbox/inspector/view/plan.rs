//! Plans on the page: sentences that open to their fields, with the plans inside them below.

use yew::prelude::*;

use super::super::change::{Change, below};
use super::super::form::Field;
use super::super::steps::{Nested, Step, addable};
use super::fields::{all, item_buttons, problems};
use super::inputs::{Disclosure, Item, Menu};
use super::{Ctx, id_of, selector};

/// Properties of [`PlanForm`].
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What the inspector shares.
    pub(super) ctx: Ctx,
    /// Where the plan is.
    pub pointer: String,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// A plan, to be read and changed.
#[component]
pub fn PlanForm(props: &Props) -> Html {
    plan(&props.ctx, &props.pointer, &props.steps)
}

fn plan(ctx: &Ctx, pointer: &str, steps: &[Step]) -> Html {
    let offered = addable(&ctx.around);
    let items = offered.iter().map(|added| Item {
        label: added.label.to_owned(),
        says: added.says.to_owned(),
    });
    let id = id_of(pointer);
    let on_choice = {
        let (ctx, id, pointer, count) = (ctx.clone(), id.clone(), below(pointer, "-"), steps.len());
        let values: Vec<_> = offered.iter().map(|added| added.value.clone()).collect();
        Callback::from(move |at: usize| {
            if let Some(value) = values.get(at) {
                let then = vec![selector(&format!("{id}_{count}"))];
                ctx.add(vec![Change::set(&pointer, value.clone())], then);
            }
        })
    };
    let step = |(at, step): (usize, &Step)| self::step(ctx, pointer, at, steps.len(), step);
    html! {
        <>
            <ol class="inspector-plan">{ for steps.iter().enumerate().map(step) }</ol>
            <Menu id={format!("{id}-add")} label="Add a step" items={items.collect::<Vec<_>>()} {on_choice} />
        </>
    }
}

fn step(ctx: &Ctx, plan: &str, at: usize, count: usize, step: &Step) -> Html {
    let id = id_of(&step.pointer);
    let wrong = step.problems.len() + step.fields.iter().map(Field::wrong).sum::<usize>();
    let open = ctx.awaits(&id);
    let sentence = if step
        .nested
        .iter()
        .any(|nested| nested.when.contains("not there"))
    {
        format!("{}.", step.sentence)
    } else {
        step.sentence.clone()
    };
    html! {
        <li key={at}>
            <div class="inspector-step">
                <Disclosure id={id.clone()} label={sentence} {wrong} {open}>
                    { problems(&id, &step.problems) }
                    if step.fields.is_empty() {
                        <p class="inspector-note">{ "There is nothing to set here." }</p>
                    }
                    { all(ctx, &step.fields) }
                </Disclosure>
                { item_buttons(ctx, plan, at, count, &step.sentence) }
            </div>
            { for step.nested.iter().map(|nested| self::nested(ctx, nested)) }
        </li>
    }
}

fn nested(ctx: &Ctx, nested: &Nested) -> Html {
    let id = id_of(&nested.pointer);
    let away = nested.optional.then(|| {
        let (ctx, pointer) = (ctx.clone(), nested.pointer.clone());
        let onclick = Callback::from(move |_: MouseEvent| {
            ctx.edit(vec![Change::remove(&pointer)], Vec::new());
        });
        html! { <button type="button" class="button quiet small" {onclick}>{ "Do nothing instead" }</button> }
    });
    html! {
        <div class="inspector-nested">
            <p class="inspector-when" {id}>{ nested.when }{ away }</p>
            { problems(&id_of(&nested.pointer), &nested.problems) }
            { plan(ctx, &nested.pointer, &nested.steps) }
        </div>
    }
}
