//! The bar above the design: its name, its sides, what can be undone, and what can be done with it as a whole.

use scale_design::{Design, Edit, link};
use wasm_bindgen::JsCast;
use web_sys::{HtmlInputElement, InputEvent};
use yew::prelude::*;

use super::deed::{Deed, Side};
use super::dialog::Opened;
use super::shelf::{Keeping, file_name, save_file};
use super::{export, way};
use crate::browser;
use crate::icon::{Sign, icon};

/// Properties of [`Bar`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// The design.
    pub design: Design,
    /// The side of it that is shown.
    pub side: Side,
    /// What would be undone.
    pub undo: Option<String>,
    /// What would be done again.
    pub redo: Option<String>,
    /// What came of keeping it.
    pub keeping: Keeping,
    /// What is done.
    pub act: Callback<Deed>,
    /// Opens a dialog.
    pub open: Callback<Opened>,
}

const SIDES: [(Side, &str); 5] = [
    (Side::Challenge, "Challenge"),
    (Side::Build, "Build"),
    (Side::Traffic, "Traffic"),
    (Side::Run, "Run"),
    (Side::Certificate, "10× load"),
];

/// The bar.
#[component]
pub fn Bar(props: &Props) -> Html {
    let act = &props.act;
    let menu = use_node_ref();
    let on_title = {
        let act = act.clone();
        Callback::from(move |event: InputEvent| {
            let title: HtmlInputElement = event.target_unchecked_into();
            let change = scale_design::Change::Set {
                pointer: "/title".to_owned(),
                value: title.value().into(),
            };
            act.emit(Deed::GoOn(Edit::Change(vec![change]), "title".to_owned()));
        })
    };
    let side = |(side, name): &(Side, &'static str)| {
        let side = *side;
        html! {
            <button class="tab" aria-pressed={(side == props.side).to_string()} onclick={act.reform(move |_: MouseEvent| Deed::Show(side))}>{ *name }</button>
        }
    };
    let step = |name: &'static str, what: &Option<String>, sign: Sign, deed: Deed| {
        let title = match what {
            Some(what) => format!("{name}: {what}"),
            None => format!("Nothing to {}", name.to_lowercase()),
        };
        html! {
            <button class="button quiet" aria-label={title.clone()} {title} disabled={what.is_none()}
                onclick={act.reform(move |_: MouseEvent| deed.clone())}>{ icon(sign) }</button>
        }
    };
    let kept = match props.keeping {
        _ if props.design.is_empty() => "",
        Keeping::Kept => "Kept in this browser",
        Keeping::Copied => "Kept as a copy: another tab has changed the same design",
        Keeping::Nowhere => "Not kept: the browser's storage is full or closed. Save it as a file.",
    };
    let close = {
        let menu = menu.clone();
        move || {
            if let Some(menu) = menu.cast::<web_sys::Element>() {
                let _ = menu.remove_attribute("open");
            }
        }
    };
    // The keyboard goes on behind it: then it must not lie over what is there.
    let onfocusout = {
        let (menu, close) = (menu.clone(), close.clone());
        Callback::from(move |event: FocusEvent| {
            let to = event.related_target();
            let to = to.and_then(|to| to.dyn_into::<web_sys::Node>().ok());
            let menu = menu.cast::<web_sys::Node>();
            if let (Some(to), Some(menu)) = (to, menu)
                && !menu.contains(Some(&to))
            {
                close();
            }
        })
    };
    let onkeydown = {
        let (menu, close) = (menu.clone(), close.clone());
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                close();
                let menu = menu.cast::<web_sys::Element>();
                let summary = menu.and_then(|menu| menu.first_element_child());
                if let Some(summary) =
                    summary.and_then(|s| s.dyn_into::<web_sys::HtmlElement>().ok())
                {
                    // Fails for what cannot have the focus only.
                    let _ = summary.focus();
                }
            }
        })
    };
    let does = |words: &'static str, does: Callback<()>| {
        let close = close.clone();
        let onclick = Callback::from(move |_: MouseEvent| {
            close();
            does.emit(());
        });
        html! { <li><button class="menu-item" {onclick}>{ words }</button></li> }
    };
    let opens = |words, what: Opened| does(words, props.open.reform(move |()| what.clone()));
    let with = |of: fn(&Design, &Callback<Deed>)| {
        let (design, act) = (props.design.clone(), act.clone());
        Callback::from(move |()| of(&design, &act))
    };
    html! {
        <header class="sandbox-bar">
            <label class="sandbox-title">
                <span class="unseen">{ "Name of the design" }</span>
                <input type="text" maxlength="120" placeholder="A design without a name" value={props.design.scenario().title.clone()} oninput={on_title} />
            </label>
            <div class="sandbox-sides" role="group" aria-label="What is shown">{ for SIDES.iter().filter(|(side, _)| *side != Side::Challenge || props.design.challenge().is_some()).map(side) }</div>
            <div class="sandbox-steps">
                { step("Undo", &props.undo, Sign::Reset, Deed::Undo) }
                { step("Redo", &props.redo, Sign::Reset, Deed::Redo) }
            </div>
            <details class="menu" ref={menu.clone()} {onfocusout} {onkeydown}>
                <summary class="button">{ "File" }</summary>
                <ul>
                    { opens("Your designs …", Opened::Designs) }
                    { opens("Challenges …", Opened::Challenges) }
                    { does("New", act.reform(|()| Deed::Open(Box::new(Design::empty()), "A new design".to_owned()))) }
                    { opens("Open a file or a diagram …", Opened::Files) }
                    { does("Save as a file", with(|design, _| save_file(design))) }
                    { does("Copy a link to it", with(copy_link)) }
                    { does("Picture: SVG", with(|design, _| {
                        browser::download(&file_name(design, "svg"), "image/svg+xml", &export::svg(design));
                    })) }
                    { does("Picture: PNG", with(export::png)) }
                    { does("Diagram: Mermaid", with(|design, _| {
                        browser::download(&file_name(design, "mmd"), "text/plain", &scale_design::mermaid::write(design));
                    })) }
                    { does("Arrange everything", act.reform(|()| Deed::Edit(Edit::Arrange))) }
                    { opens("Keys", Opened::Keys) }
                </ul>
            </details>
            <p class={classes!("sandbox-kept", (props.keeping == Keeping::Nowhere).then_some("bad"))} role="status">{ kept }</p>
        </header>
    }
}

/// Puts a link to the design where the browser keeps what is copied.
fn copy_link(design: &Design, act: &Callback<Deed>) {
    let link = match link::write(design) {
        Ok(link) => way::href(&link),
        Err(why) => {
            act.emit(Deed::Refuse(why));
            return;
        }
    };
    let act = act.clone();
    wasm_bindgen_futures::spawn_local(async move {
        let copied = browser::window().navigator().clipboard().write_text(&link);
        let copied = wasm_bindgen_futures::JsFuture::from(copied).await;
        act.emit(Deed::Tell(if copied.is_ok() {
            "The link is copied.".to_owned()
        } else {
            // Where the page may not write there, the address itself holds the design.
            way::show(&link);
            "The link is in the address bar: copy it from there.".to_owned()
        }));
    });
}
