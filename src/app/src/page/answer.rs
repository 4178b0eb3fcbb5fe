//! The fields of an answer to a question, one form for each kind of question.

use core::cell::RefCell;
use std::rc::Rc;

use scale_course::{Drawn, Given, Kind as Form, Lesson};
use yew::prelude::*;

use super::lesson::component_word;
use crate::icon::{Sign, icon};

/// Where answering begins: an order is always some order, the rest is empty.
pub fn first_answer(drawn: &Drawn) -> Option<Given> {
    match &drawn.kind {
        Form::Order { items, .. } => Some(Given::Order((0..items.len()).collect())),
        _ => None,
    }
}

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

/// The fields of an answer. `focus` is told where the keyboard's focus is to be once the answer is shown.
pub fn form(
    drawn: &Drawn,
    lesson: &Lesson,
    given: &UseStateHandle<Option<Given>>,
    focus: &Rc<RefCell<Vec<String>>>,
) -> Html {
    let radio = |own: Given, words: Html| {
        let checked = **given == Some(own.clone());
        let given = given.clone();
        let onchange = Callback::from(move |_: Event| given.set(Some(own.clone())));
        html! { <label class="option"><input type="radio" name="answer" {checked} {onchange} /><span>{ words }</span></label> }
    };
    match &drawn.kind {
        Form::Choice { options } => {
            let options = options
                .iter()
                .enumerate()
                .map(|(at, option)| radio(Given::Choice(at), html! { { &option.text } }));
            html! { <div class="options">{ for options }</div> }
        }
        Form::Component { among, .. } => {
            let options = among.iter().map(|name| {
                radio(
                    Given::Component(name.clone()),
                    component_word(lesson, &drawn.run.scene, name),
                )
            });
            html! { <div class="options">{ for options }</div> }
        }
        Form::Number {
            measure, tolerance, ..
        } => {
            let set = {
                let given = given.clone();
                Callback::from(move |event: InputEvent| {
                    let value = event
                        .target_unchecked_into::<web_sys::HtmlInputElement>()
                        .value_as_number();
                    given.set(value.is_finite().then_some(Given::Number(value)));
                })
            };
            html! {
                <label class="number">
                    <span>{ format!("{} (within {:.0}% counts)", capital(measure.words()), tolerance * 100.0) }</span>
                    <span class="number-field"><input type="number" step="any" inputmode="decimal" required=true oninput={set} /><span>{ measure.unit() }</span></span>
                </label>
            }
        }
        Form::Order { items, measure, .. } => {
            let Some(Given::Order(order)) = &**given else {
                return html! {};
            };
            let button = |place: usize, way: Way| {
                let item = order[place];
                let to = way.leads(place).filter(|to| *to < order.len());
                let (given, focus, mut order) = (given.clone(), Rc::clone(focus), order.clone());
                let count = order.len();
                order.swap(place, to.unwrap_or(place));
                let onclick = Callback::from(move |_: MouseEvent| {
                    given.set(Some(Given::Order(order.clone())));
                    // At an end the button that led there is of no more use: its sibling is.
                    let selector = |way: Way| format!("#{}-{item}:enabled", way.word());
                    focus.replace(vec![selector(way), selector(way.back())]);
                });
                let label = format!(
                    "Move “{}” {}: it is number {} of {count}",
                    items[item].text,
                    way.word(),
                    place + 1
                );
                html! {
                    <button type="button" class="button quiet" id={format!("{}-{item}", way.word())} disabled={to.is_none()} {onclick}
                        aria-label={label}>{ icon(way.sign()) }</button>
                }
            };
            let row = |(place, at): (usize, &usize)| {
                html! {
                    <li key={*at}><span>{ &items[*at].text }</span>{ button(place, Way::Up) }{ button(place, Way::Down) }</li>
                }
            };
            html! {
                <>
                    <p class="order-end">{ format!("Smallest {} first", measure.words()) }</p>
                    <ol class="order">{ for order.iter().enumerate().map(row) }</ol>
                </>
            }
        }
    }
}

/// Words at the beginning of a line.
pub fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
        .unwrap_or_default()
}
