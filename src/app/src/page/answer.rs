//! The fields of an answer to a question, one form for each kind of question.

use scale_course::{Choice, Drawn, Given, Key, Kind as Form, Lesson};
use scale_sim::Metric;
use web_sys::{HtmlInputElement, HtmlTextAreaElement};
use yew::prelude::*;

use super::curve::CurveForm;
use super::lesson::component_word;
use super::order::OrderForm;
use crate::icon::{Sign, icon};
use crate::stage::chart::number;

/// Where answering begins: an order is always some order, the rest is empty.
pub fn first_answer(drawn: &Drawn) -> Option<Given> {
    match &drawn.kind {
        Form::Order { items, .. } => Some(Given::Order((0..items.len()).collect())),
        _ => None,
    }
}

/// What the form of an answer is shown with.
pub struct Field<'a> {
    pub drawn: &'a Drawn,
    pub lesson: &'a Lesson,
    /// The answer so far.
    pub given: &'a UseStateHandle<Option<Given>>,
    /// An explanation in the learner's own words.
    pub words: &'a UseStateHandle<String>,
    /// The engine's answer, once it may be seen.
    pub key: Option<&'a Key>,
    /// Whether the answer stands.
    pub settled: bool,
}

impl Field<'_> {
    /// The fields.
    pub fn form(&self) -> Html {
        let lesson = self.lesson;
        match &self.drawn.kind {
            Form::Choice { options } => {
                let options = options
                    .iter()
                    .enumerate()
                    .map(|(at, option)| self.radio(Given::Choice(at), html! { { &option.text } }));
                html! { <div class="options">{ for options }</div> }
            }
            Form::Several { options } => html! {
                <>
                    <p class="order-end">{ "One or more, not all" }</p>
                    <div class="options">{ for (0..options.len()).map(|at| self.tick(options, at)) }</div>
                </>
            },
            Form::Component { among, .. } => {
                let option = |name: &String| {
                    let words = component_word(lesson, &self.drawn.run.scene, name);
                    self.radio(Given::Component(name.clone()), words)
                };
                html! {
                    <>
                        <p class="order-end">{ "Choose here, or touch it on the picture" }</p>
                        <div class="options">{ for among.iter().map(option) }</div>
                    </>
                }
            }
            Form::Number {
                measure, tolerance, ..
            } => self.number(*measure, *tolerance),
            Form::Order { items, measure, .. } => {
                let Some(Given::Order(order)) = &**self.given else {
                    return html! {};
                };
                let on_order = self.told(Given::Order);
                html! { <OrderForm items={items.clone()} measure={*measure} order={order.clone()} settled={self.settled} {on_order} /> }
            }
            Form::Curve(curve) => {
                let drawn = match &**self.given {
                    Some(Given::Curve(drawn)) => drawn.clone(),
                    _ => curve.blank(),
                };
                let measured = match self.key.filter(|_| self.settled).map(|key| &key.right) {
                    Some(Given::Curve(measured)) => Some(measured.clone()),
                    _ => None,
                };
                html! {
                    <CurveForm curve={curve.clone()} {drawn} {measured} settled={self.settled} on_drawn={self.told(Given::Curve)} />
                }
            }
            Form::Explain {
                model, checklist, ..
            } => self.explanation(model, checklist),
        }
    }

    /// Takes in a value as an answer.
    fn told<T: 'static>(&self, answer: fn(T) -> Given) -> Callback<T> {
        let given = self.given.clone();
        Callback::from(move |value: T| given.set(Some(answer(value))))
    }

    /// One of which one is chosen.
    fn radio(&self, own: Given, words: Html) -> Html {
        let checked = **self.given == Some(own.clone());
        let right = self
            .key
            .filter(|_| self.settled)
            .map(|key| key.right == own);
        let given = self.given.clone();
        let onchange = Callback::from(move |_: Event| given.set(Some(own.clone())));
        html! {
            <label class="option">
                <input type="radio" name="answer" {checked} {onchange} /><span>{ words }</span>{ mark(checked, right) }
            </label>
        }
    }

    /// One of which several are chosen.
    fn tick(&self, options: &[Choice], at: usize) -> Html {
        let chosen = match &**self.given {
            Some(Given::Several(chosen)) => chosen.clone(),
            _ => Vec::new(),
        };
        let checked = chosen.contains(&at);
        let right = match self.key.filter(|_| self.settled).map(|key| &key.right) {
            Some(Given::Several(right)) => Some(right.contains(&at)),
            _ => None,
        };
        let given = self.given.clone();
        // What is chosen by then: on a busy machine a second tick may come before the first is drawn.
        let onchange = Callback::from(move |event: Event| {
            let mut next = match &*given {
                Some(Given::Several(chosen)) => chosen.clone(),
                _ => Vec::new(),
            };
            next.retain(|n| *n != at);
            if event.target_unchecked_into::<HtmlInputElement>().checked() {
                next.insert(next.partition_point(|n| *n < at), at);
            }
            given.set((!next.is_empty()).then_some(Given::Several(next)));
        });
        html! {
            <label class="option">
                <input type="checkbox" {checked} {onchange} /><span>{ &options[at].text }</span>{ mark(checked, right) }
            </label>
        }
    }

    fn number(&self, measure: Metric, tolerance: f64) -> Html {
        let set = {
            let given = self.given.clone();
            Callback::from(move |event: InputEvent| {
                let value = event
                    .target_unchecked_into::<HtmlInputElement>()
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

    /// First the learner's own words; then beside them a model answer, and what a good one names.
    fn explanation(&self, model: &str, checklist: &[String]) -> Html {
        let write = {
            let words = self.words.clone();
            Callback::from(move |event: InputEvent| {
                words.set(event.target_unchecked_into::<HtmlTextAreaElement>().value());
            })
        };
        let named = match &**self.given {
            Some(Given::Explain(named)) => Some(named.clone()),
            _ => None,
        };
        let point = |(at, text): (usize, &String)| {
            let checked = { named.as_ref() }.is_some_and(|named| named.get(at) == Some(&true));
            let given = self.given.clone();
            // As above.
            let onchange = Callback::from(move |event: Event| {
                if let Some(Given::Explain(named)) = &*given {
                    let mut named = named.clone();
                    named[at] = event.target_unchecked_into::<HtmlInputElement>().checked();
                    given.set(Some(Given::Explain(named)));
                }
            });
            html! {
                <label class="option"><input type="checkbox" {checked} {onchange} /><span>{ text }</span></label>
            }
        };
        html! {
            <>
                <label class="own-words">
                    <span>{ "In your own words" }</span>
                    <textarea rows="6" value={(**self.words).clone()} oninput={write} readonly={named.is_some()} />
                </label>
                if named.is_some() {
                    <section class="model" aria-label="A model answer" tabindex="-1">
                        <p class="measured-title">{ "A model answer" }</p>
                        <p>{ model.to_owned() }</p>
                    </section>
                    <p class="order-end">{ "Tick what your own answer names" }</p>
                    <div class="options">{ for checklist.iter().enumerate().map(point) }</div>
                }
            </>
        }
    }
}

/// Whether an option was judged rightly, once that is known: beside each right one, and each that was chosen wrongly.
fn mark(chosen: bool, right: Option<bool>) -> Html {
    match right {
        Some(true) => {
            html! { <span class="option-mark good">{ icon(Sign::Check) }<span class="unseen">{ "right" }</span></span> }
        }
        Some(false) if chosen => {
            html! { <span class="option-mark bad">{ icon(Sign::Cross) }<span class="unseen">{ "wrong" }</span></span> }
        }
        _ => html! {},
    }
}

/// A measured value with its unit.
pub fn measured_words(metric: Metric, value: f64) -> String {
    if matches!(metric, Metric::Utilisation | Metric::HitRatio) {
        return format!("{:.0}%", value * 100.0);
    }
    format!("{} {}", number(value), metric.unit())
        .trim_end()
        .to_owned()
}

/// Words at the beginning of a line.
pub fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
        .unwrap_or_default()
}
