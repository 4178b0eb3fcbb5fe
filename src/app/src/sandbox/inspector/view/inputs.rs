//! The controls of a form that remember something: what is half written, what is open.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::super::words;
use crate::browser;

/// Properties of [`Disclosure`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct DisclosureProps {
    /// The id of what opens it.
    pub id: String,
    /// What is inside.
    #[prop_or_default]
    pub label: AttrValue,
    /// What it comes to, in a few words.
    #[prop_or_default]
    pub summary: AttrValue,
    /// How many things are wrong inside: it opens by itself when there come to be some.
    #[prop_or_default]
    pub wrong: usize,
    /// Whether it is open at first.
    #[prop_or_default]
    pub open: bool,
    /// A class.
    #[prop_or_default]
    pub class: Classes,
    /// What is inside.
    #[prop_or_default]
    pub children: Html,
}

/// Something that can be folded away.
#[component]
pub fn Disclosure(props: &DisclosureProps) -> Html {
    let open = use_state(|| props.open || props.wrong > 0);
    {
        let open = open.clone();
        use_effect_with(props.wrong > 0, move |wrong| {
            if *wrong {
                open.set(true);
            }
        });
    }
    let onclick = {
        let open = open.clone();
        Callback::from(move |event: MouseEvent| {
            // Whether it is open is for this component to know, or it would fold when it is drawn anew.
            event.prevent_default();
            open.set(!*open);
        })
    };
    html! {
        <details class={classes!("inspector-fold", props.class.clone())} open={*open}>
            <summary id={props.id.clone()} {onclick}>
                <span class="inspector-label">{ &props.label }</span>
                if !props.summary.is_empty() { <span class="inspector-told">{ &props.summary }</span> }
                if props.wrong > 0 { <span class="inspector-wrong">{ wrong_words(props.wrong) }</span> }
            </summary>
            if *open { <div class="inspector-inner">{ props.children.clone() }</div> }
        </details>
    }
}

fn wrong_words(wrong: usize) -> String {
    match wrong {
        1 => "1 problem".to_owned(),
        many => format!("{many} problems"),
    }
}

/// Properties of [`Row`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct RowProps {
    /// The id of the control, if it is one.
    pub id: Option<String>,
    /// What it is called.
    pub label: AttrValue,
    /// What it means, and the id of that text.
    pub about: Option<(String, AttrValue)>,
    /// The control.
    pub children: Html,
}

/// A label, a control, and a button that shows what it means.
#[component]
pub fn Row(props: &RowProps) -> Html {
    let open = use_state(|| false);
    let onclick = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    html! {
        <>
            <div class="inspector-row">
                if let Some(id) = &props.id {
                    <label class="inspector-label" for={id.clone()}>{ &props.label }</label>
                } else {
                    <span class="inspector-label">{ &props.label }</span>
                }
                <span class="inspector-control">{ props.children.clone() }</span>
                if let Some((id, _)) = &props.about {
                    <button type="button" class="inspector-help" aria-expanded={open.to_string()} aria-controls={id.clone()}
                        aria-label={format!("About “{}”", props.label)} {onclick}>{ "?" }</button>
                }
            </div>
            if let Some((id, help)) = &props.about {
                <p class="inspector-about" id={id.clone()} hidden={!*open}>{ help }</p>
            }
        </>
    }
}

/// Properties of [`NumberInput`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct NumberProps {
    /// Its id.
    pub id: String,
    /// The number, if there is one.
    pub value: Option<f64>,
    /// Whether it must be whole.
    pub whole: bool,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
    /// What stands there while there is none.
    #[prop_or_default]
    pub usual: AttrValue,
    /// Whether it may be left out.
    pub optional: bool,
    /// The ids of what describes it.
    pub described: String,
    /// What it is called, if no label says so.
    #[prop_or_default]
    pub label: Option<String>,
    /// Whether something is wrong with it.
    pub invalid: bool,
    /// Told of a number that is allowed, or of none.
    pub on_number: Callback<Option<f64>>,
}

/// The number of a field. What is not allowed is not passed on, and it says why.
#[component]
pub fn NumberInput(props: &NumberProps) -> Html {
    let draft = use_state(|| None::<String>);
    let refused = use_state(|| None::<String>);
    {
        let (draft, refused) = (draft.clone(), refused.clone());
        use_effect_with(props.value.map(f64::to_bits), move |_| {
            draft.set(None);
            refused.set(None);
        });
    }
    let oninput = {
        let draft = draft.clone();
        Callback::from(move |event: InputEvent| {
            let input: HtmlInputElement = event.target_unchecked_into();
            draft.set(Some(input.value()));
        })
    };
    let onchange = {
        let (draft, refused, props) = (draft.clone(), refused.clone(), props.clone());
        Callback::from(move |event: Event| {
            let input: HtmlInputElement = event.target_unchecked_into();
            match number(&input.value(), &props) {
                Ok(value) => {
                    draft.set(None);
                    refused.set(None);
                    if value != props.value {
                        props.on_number.emit(value);
                    }
                }
                Err(why) => refused.set(Some(why)),
            }
        })
    };
    let onkeydown = {
        let (draft, refused) = (draft.clone(), refused.clone());
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" && draft.is_some() {
                event.stop_propagation();
                draft.set(None);
                refused.set(None);
            }
        })
    };
    let shown = props.value.map(words::number).unwrap_or_default();
    let value = draft.as_ref().map_or(shown, Clone::clone);
    let why = format!("{}-refused", props.id);
    let described = match &*refused {
        Some(_) => format!("{why} {}", props.described),
        None => props.described.clone(),
    };
    html! {
        <>
            <input type="text" inputmode="decimal" autocomplete="off" class="inspector-number" id={props.id.clone()} {value}
                placeholder={props.usual.clone()} aria-label={props.label.clone()} aria-describedby={described}
                aria-invalid={(props.invalid || refused.is_some()).then_some("true")} {oninput} {onchange} {onkeydown} />
            if let Some(refused) = &*refused {
                <p class="inspector-problem" role="alert" aria-live="polite" id={why}>{ refused }</p>
            }
        </>
    }
}

/// What was written as a number that is allowed; or why it is none.
fn number(text: &str, props: &NumberProps) -> Result<Option<f64>, String> {
    if text.trim().is_empty() && props.optional {
        return Ok(None);
    }
    let allowed = || words::range(props.min, props.max, props.whole);
    let Some(value) = words::read_number(text) else {
        return Err(format!("This wants a number: {}.", allowed()));
    };
    if props.whole && value.fract() != 0.0 {
        return Err(format!("This wants a whole number: {}.", allowed()));
    }
    if !(props.min..=props.max).contains(&value) {
        return Err(format!(
            "{} is not allowed: {}.",
            words::number(value),
            allowed()
        ));
    }
    Ok(Some(value))
}

/// Properties of [`TextInput`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct TextProps {
    /// Its id.
    pub id: String,
    /// The text.
    pub value: AttrValue,
    /// Texts to choose among, if one does not want one's own.
    #[prop_or_default]
    pub known: Vec<String>,
    /// What stands there while there is none.
    #[prop_or_default]
    pub usual: AttrValue,
    /// The ids of what describes it.
    #[prop_or_default]
    pub described: String,
    /// What it is called, if no label says so.
    #[prop_or_default]
    pub label: Option<String>,
    /// Whether something is wrong with it.
    #[prop_or_default]
    pub invalid: bool,
    /// Told of the text once it is written.
    pub on_text: Callback<String>,
}

/// The text of a field.
#[component]
pub fn TextInput(props: &TextProps) -> Html {
    let list = format!("{}-known", props.id);
    let onchange = {
        let (on_text, before) = (props.on_text.clone(), props.value.clone());
        Callback::from(move |event: Event| {
            let input: HtmlInputElement = event.target_unchecked_into();
            let text = input.value().trim().to_owned();
            if text != before.as_str() {
                on_text.emit(text);
            }
        })
    };
    html! {
        <>
            <input type="text" autocomplete="off" spellcheck="false" class="inspector-text" id={props.id.clone()} value={props.value.clone()}
                list={(!props.known.is_empty()).then(|| list.clone())} placeholder={props.usual.clone()} aria-label={props.label.clone()}
                aria-describedby={(!props.described.is_empty()).then(|| props.described.clone())}
                aria-invalid={props.invalid.then_some("true")} {onchange} />
            if !props.known.is_empty() {
                <datalist id={list}>{ for props.known.iter().map(|known| html! { <option value={known.clone()} /> }) }</datalist>
            }
        </>
    }
}

/// Something to choose in a [`Menu`].
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    /// What it is called.
    pub label: String,
    /// What it does.
    pub says: String,
}

/// Properties of [`Menu`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct MenuProps {
    /// The id of what opens it.
    pub id: String,
    /// What it offers.
    pub label: AttrValue,
    /// What can be chosen.
    pub items: Vec<Item>,
    /// Told which was chosen.
    pub on_choice: Callback<usize>,
}

/// A button that opens a list of things to choose, each with a line that says what it is.
#[component]
pub fn Menu(props: &MenuProps) -> Html {
    let open = use_state(|| false);
    let toggle = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    let onkeydown = {
        let (open, id) = (open.clone(), props.id.clone());
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" && *open {
                event.stop_propagation();
                open.set(false);
                browser::focus(&[super::selector(&id)]);
            } else if matches!(event.key().as_str(), "ArrowDown" | "ArrowUp") && *open {
                event.prevent_default();
                step(&event, event.key() == "ArrowDown");
            }
        })
    };
    let item = |(at, item): (usize, &Item)| {
        let (open, on_choice) = (open.clone(), props.on_choice.clone());
        let onclick = Callback::from(move |_: MouseEvent| {
            open.set(false);
            on_choice.emit(at);
        });
        html! {
            <li><button type="button" class="inspector-preset" {onclick}><span>{ &item.label }</span><small>{ &item.says }</small></button></li>
        }
    };
    html! {
        <div class="inspector-adder" {onkeydown}>
            <button type="button" class="button quiet small" id={props.id.clone()} aria-expanded={open.to_string()} onclick={toggle}>
                { &props.label }
            </button>
            if *open { <ul class="inspector-menu">{ for props.items.iter().enumerate().map(item) }</ul> }
        </div>
    }
}

/// Moves the focus to the next button of a menu, or to the one before.
fn step(event: &KeyboardEvent, on: bool) {
    let menu = event
        .current_target()
        .and_then(|menu| menu.dyn_into::<Element>().ok());
    let Some(buttons) = menu.and_then(|menu| menu.query_selector_all("button").ok()) else {
        return;
    };
    let count = buttons.length();
    let button = |at: u32| {
        buttons
            .item(at)
            .and_then(|b| b.dyn_into::<HtmlElement>().ok())
    };
    let active = browser::document().active_element();
    let is_active = |at: &u32| button(*at).map(Element::from) == active;
    let here = (0..count).find(is_active).unwrap_or(0);
    let next = if on { here + 1 } else { here + count - 1 } % count.max(1);
    if let Some(button) = button(next) {
        // Fails for what is not drawn only.
        let _ = button.focus();
    }
}
