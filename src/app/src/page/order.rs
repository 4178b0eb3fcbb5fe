//! Runs to be put in order: by buttons, or by a grip that is dragged.

use scale_course::Item;
use scale_sim::Metric;
use web_sys::Element;
use yew::prelude::*;

use crate::browser;
use crate::icon::{Sign, icon};

/// A way to move an item in an order.
#[derive(Clone, Copy)]
enum Way {
    Up,
    Down,
}

impl Way {
    /// Where it leads from a place; perhaps beyond the end.
    fn leads(self, place: usize) -> Option<usize> {
        match self {
            Self::Up => place.checked_sub(1),
            Self::Down => Some(place + 1),
        }
    }

    const fn back(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }

    const fn sign(self) -> Sign {
        match self {
            Self::Up => Sign::Up,
            Self::Down => Sign::Down,
        }
    }
}

/// Properties of [`OrderForm`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// The runs.
    pub items: Vec<Item>,
    /// What they are ordered by.
    pub measure: Metric,
    /// Their numbers, in order.
    pub order: Vec<usize>,
    /// Whether the order stands.
    pub settled: bool,
    /// Told of a new order.
    pub on_order: Callback<Vec<usize>>,
}

/// Runs to be put in order.
#[component]
pub fn OrderForm(props: &Props) -> Html {
    let order = &props.order;
    let list = use_node_ref();
    let dragged = use_state(|| None::<usize>);
    // Where the keyboard's focus is to be once a moved item stands in its new place: moving it in the page loses it.
    let focus = use_mut_ref(Vec::<String>::new);
    {
        let focus = focus.clone();
        use_effect_with(order.clone(), move |_| browser::focus(&focus.take()));
    }
    let button = |place: usize, way: Way| {
        let item = order[place];
        let to = way.leads(place).filter(|to| *to < order.len());
        let (on_order, focus, mut order) = (props.on_order.clone(), focus.clone(), order.clone());
        let count = order.len();
        order.swap(place, to.unwrap_or(place));
        let onclick = Callback::from(move |_: MouseEvent| {
            // At an end the button that led there is of no more use: its sibling is.
            let selector = |way: Way| format!("#{}-{item}:enabled", way.word());
            focus.replace(vec![selector(way), selector(way.back())]);
            on_order.emit(order.clone());
        });
        let label = format!(
            "Move “{}” {}: it is number {} of {count}",
            props.items[item].text,
            way.word(),
            place + 1
        );
        html! {
            <button type="button" class="button quiet" id={format!("{}-{item}", way.word())} disabled={to.is_none()} {onclick}
                aria-label={label}>{ icon(way.sign()) }</button>
        }
    };
    let grip = |item: usize| {
        let (dragged, list) = (dragged.clone(), list.clone());
        let onpointerdown = Callback::from(move |event: PointerEvent| {
            event.prevent_default();
            dragged.set(Some(item));
            // The list keeps the pointer: the item itself is moved in the page, which would lose it.
            if let Some(list) = list.cast::<Element>() {
                let _ = list.set_pointer_capture(event.pointer_id());
            }
        });
        html! { <span class="grip" aria-hidden="true" {onpointerdown}></span> }
    };
    let onpointermove = {
        let (dragged, list) = (dragged.clone(), list.clone());
        let (on_order, order) = (props.on_order.clone(), order.clone());
        Callback::from(move |event: PointerEvent| {
            let (Some(item), Some(list)) = (*dragged, list.cast::<Element>()) else {
                return;
            };
            let rows = list.children();
            let middle = |row: Element| {
                let row = row.get_bounding_client_rect();
                f64::midpoint(row.top(), row.bottom())
            };
            let others = (0..rows.length()).filter(|row| order.get(*row as usize) != Some(&item));
            let above = others
                .filter_map(|row| rows.item(row))
                .filter(|row| middle(row.clone()) < f64::from(event.client_y()));
            let place = above.count();
            let mut next: Vec<usize> = order.iter().copied().filter(|n| *n != item).collect();
            next.insert(place.min(next.len()), item);
            if next != order {
                on_order.emit(next);
            }
        })
    };
    let drop = {
        let dragged = dragged.clone();
        Callback::from(move |_: PointerEvent| dragged.set(None))
    };
    let row = |(place, at): (usize, &usize)| {
        let class = (*dragged == Some(*at)).then_some("dragged");
        html! {
            <li key={*at} class={classes!(class)}>
                if !props.settled { { grip(*at) } }
                <span class="order-item">{ &props.items[*at].text }</span>{ button(place, Way::Up) }{ button(place, Way::Down) }
            </li>
        }
    };
    html! {
        <>
            <p class="order-end">{ format!("From the least to the most: {}", props.measure.words()) }</p>
            <ol class="order" ref={list.clone()} {onpointermove} onpointerup={drop.clone()} onpointercancel={drop}>
                { for order.iter().enumerate().map(row) }
            </ol>
        </>
    }
}
