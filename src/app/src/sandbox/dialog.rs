//! The dialogs: one's own designs, files and diagrams to open, the keys.

use scale_design::keep::Kept;
use scale_design::{Design, file, mermaid};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{DragEvent, File, HtmlDialogElement, HtmlInputElement, HtmlTextAreaElement};
use yew::prelude::*;

use super::challenge::Challenges;
use super::deed::Deed;
use super::shelf::{self, Keeper, Standing};
use super::traffic::{kept, log};
use super::words::count;
use crate::browser;
use crate::icon::{Sign, icon};

/// Which dialog is open.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Opened {
    /// None.
    #[default]
    Nothing,
    /// One's own designs.
    Designs,
    /// Challenges.
    Challenges,
    /// Files and diagrams.
    Files,
    /// The keys.
    Keys,
}

/// Properties of [`Dialog`].
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Which is open.
    pub opened: Opened,
    /// The design that is open.
    pub design: Design,
    /// Its key on the shelf.
    pub id: String,
    /// What is kept of it.
    pub kept: Option<Kept>,
    /// What is done.
    pub act: Callback<Deed>,
    /// Opens another dialog, or none.
    pub open: Callback<Opened>,
    /// Goes on with a design of the shelf.
    pub load: Callback<(Design, Keeper)>,
}

/// The dialog that is open, if one is.
#[component]
pub fn Dialog(props: &Props) -> Html {
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with(props.opened != Opened::Nothing, move |open| {
            if let Some(dialog) = node.cast::<HtmlDialogElement>() {
                if *open && !dialog.open() {
                    // Fails for a dialog that is open already only.
                    let _ = dialog.show_modal();
                } else if !*open && dialog.open() {
                    dialog.close();
                }
            }
        });
    }
    let onclose = props.open.reform(|_: Event| Opened::Nothing);
    let close = props.open.reform(|_: MouseEvent| Opened::Nothing);
    let (title, content) = match props.opened {
        Opened::Nothing => ("", html! {}),
        Opened::Designs => ("Your designs", html! { <Shelf ..props.clone() /> }),
        Opened::Challenges => {
            let (act, open) = (props.act.clone(), props.open.clone());
            let begin = Callback::from(move |(design, said)| {
                act.emit(Deed::Open(design, said));
                open.emit(Opened::Nothing);
            });
            ("Challenges", html! { <Challenges {begin} /> })
        }
        Opened::Files => (
            "Open a file or a diagram",
            html! { <Files ..props.clone() /> },
        ),
        Opened::Keys => ("Keys", keys()),
    };
    html! {
        <dialog class="sandbox-dialog" ref={node} aria-labelledby="dialog-title" {onclose}>
            <div class="dialog-head">
                <h2 id="dialog-title">{ title }</h2>
                <button class="button quiet" aria-label="Close" onclick={close}>{ icon(Sign::Cross) }</button>
            </div>
            { content }
        </dialog>
    }
}

/// When something was, in the words of the browser's language.
fn when(at_ms: f64) -> String {
    let date = js_sys::Date::new(&at_ms.into());
    date.to_locale_string("en-GB", &wasm_bindgen::JsValue::UNDEFINED)
        .into()
}

/// One's own designs, with the snapshots of the one that is open.
#[component]
fn Shelf(props: &Props) -> Html {
    let renew = use_force_update();
    let taken = use_state(|| None::<(String, String)>);
    let all = shelf::all();
    let row = |standing: &Standing| {
        let id = standing.id.clone();
        let now = id == props.id;
        let (title, about) = match &standing.kept {
            Ok(kept) => {
                let title = if kept.title.is_empty() {
                    "Without a name"
                } else {
                    &kept.title
                };
                let parts = count(kept.components as u64, "component");
                (
                    title.to_owned(),
                    format!("{parts} · {}", when(kept.now.at_ms)),
                )
            }
            Err((why, _)) => ("A design that cannot be read".to_owned(), why.clone()),
        };
        let open = {
            let (props, standing) = (props.clone(), standing.clone());
            Callback::from(move |_: MouseEvent| {
                if let Ok(kept) = &standing.kept {
                    match kept.now.read() {
                        Ok(design) => {
                            props.load.emit((design, Keeper::of(&standing.id, kept)));
                            props.open.emit(Opened::Nothing);
                        }
                        Err(why) => props.act.emit(Deed::Refuse(why)),
                    }
                }
            })
        };
        let save = {
            let standing = standing.clone();
            Callback::from(move |_: MouseEvent| match &standing.kept {
                Ok(kept) => {
                    if let Ok(design) = kept.now.read() {
                        shelf::save_file(&design);
                    }
                }
                Err((_, text)) => {
                    browser::download("design-damaged.json", "application/json", text);
                }
            })
        };
        let delete = {
            let (taken, id) = (taken.clone(), id.clone());
            Callback::from(move |_: MouseEvent| {
                if let Some(text) = shelf::take(&id) {
                    taken.set(Some((id.clone(), text)));
                }
            })
        };
        html! {
            <li class={classes!("shelf-row", now.then_some("now"))} key={id}>
                <button class="shelf-open" onclick={open} disabled={standing.kept.is_err() || now}>
                    <b>{ &title }</b><span class="quiet">{ about }{ if now { " · open now" } else { "" } }</span>
                </button>
                <button class="button quiet" aria-label={format!("Save {title} as a file")} onclick={save}>{ icon(Sign::Down) }</button>
                <button class="button quiet" aria-label={format!("Delete {title}")} disabled={now} onclick={delete}>{ icon(Sign::Cross) }</button>
            </li>
        }
    };
    let back = (*taken).clone().map(|(id, text)| {
        let (taken, renew) = (taken.clone(), renew.clone());
        let onclick = Callback::from(move |_: MouseEvent| {
            if shelf::put(&id, &text) {
                taken.set(None);
            }
            renew.force_update();
        });
        html! { <p class="notice" role="status"><span>{ "Deleted." }</span><button class="button" {onclick}>{ "Undo" }</button></p> }
    });
    let snapshots = props
        .kept
        .iter()
        .flat_map(|kept| kept.snapshots.iter().rev());
    let snapshots: Vec<Html> = snapshots
        .map(|snapshot| {
            let (props, snapshot) = (props.clone(), snapshot.clone());
            let words = when(snapshot.at_ms);
            let onclick = Callback::from(move |_: MouseEvent| {
                match snapshot.read() {
                    // It is a step as any other, so that it can be undone.
                    Ok(design) => props
                        .act
                        .emit(Deed::Edit(scale_design::Edit::Replace(Box::new(design)))),
                    Err(why) => props.act.emit(Deed::Refuse(why)),
                }
                props.open.emit(Opened::Nothing);
            });
            html! { <li><button class="wire-name" {onclick}>{ words }</button></li> }
        })
        .collect();
    html! {
        <>
            { back }
            if all.is_empty() {
                <p class="quiet">{ "There are none yet. What you build is kept here by itself." }</p>
            } else {
                <ul class="shelf">{ for all.iter().map(row) }</ul>
            }
            if !snapshots.is_empty() {
                <h3>{ "The open design as it was" }</h3>
                <ul class="snapshots">{ for snapshots }</ul>
            }
        </>
    }
}

/// Reads a text as a design: JSON, or a diagram of Mermaid.
fn read(text: &str) -> Result<(Design, String), String> {
    if text.trim_start().starts_with('{') {
        let design = file::read(text)?;
        return Ok((design, "Opened the file".to_owned()));
    }
    let read = mermaid::read(text)?;
    let said = match read.left_out.len() {
        0 => "Made a design of the diagram".to_owned(),
        _ => format!(
            "Made a design of the diagram. Left out: {}",
            read.left_out.join(" ")
        ),
    };
    Ok((read.design, said))
}

/// Files and diagrams.
#[component]
fn Files(props: &Props) -> Html {
    let refused = use_state(|| None::<String>);
    let text = use_node_ref();
    let take = {
        let (props, refused) = (props.clone(), refused.clone());
        Callback::from(move |read: Result<(Design, String), String>| match read {
            Ok((design, said)) => {
                props.act.emit(Deed::Open(Box::new(design), said));
                props.open.emit(Opened::Nothing);
            }
            Err(why) => refused.set(Some(why)),
        })
    };
    let take_file = {
        let take = take.clone();
        Callback::from(move |file: File| {
            let take = take.clone();
            spawn_local(async move { take.emit(read_file(&file).await) });
        })
    };
    let onchange = {
        let take_file = take_file.clone();
        Callback::from(move |event: Event| {
            let field: HtmlInputElement = event.target_unchecked_into();
            if let Some(file) = field.files().and_then(|files| files.get(0)) {
                take_file.emit(file);
            }
            field.set_value("");
        })
    };
    let on_text = {
        let text = text.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(field) = text.cast::<HtmlTextAreaElement>() {
                take.emit(read(&field.value()));
            }
        })
    };
    html! {
        <div class="files">
            <p>{ "A design or a scenario as JSON, or a flowchart of Mermaid. Your own design stays among your designs. An access log is opened under Traffic, or dropped anywhere." }</p>
            <label class="button file">{ "Choose a file" }<input type="file" accept=".json,.mmd,.md,.txt,application/json,text/plain" {onchange} /></label>
            <p class="quiet">{ "Or drop it on the board, or paste it here:" }</p>
            <textarea ref={text} rows="7" aria-label="JSON or Mermaid" placeholder={"flowchart LR\n  users([Users]) --> shop[Shop] --> db[(Database)]"} />
            if let Some(why) = &*refused { <p class="bad" role="alert">{ why }</p> }
            <div class="row"><button class="button primary" onclick={on_text}>{ "Open what is pasted" }</button></div>
        </div>
    }
}

/// All keys.
fn keys() -> Html {
    const KEYS: [(&str, &str); 15] = [
        ("Tab", "to the next component"),
        ("Enter", "selects it; with Shift beside what is selected"),
        (
            "Arrow keys",
            "move what is selected; with Shift by a whole column or row",
        ),
        ("c", "connects it: then Tab to another, and Enter"),
        ("Delete", "deletes what is selected"),
        ("Ctrl Z, Ctrl Y", "undo, redo"),
        ("Ctrl C, X, V", "copy, cut, paste"),
        ("Ctrl D", "duplicates"),
        ("Ctrl A", "selects everything"),
        ("Ctrl G", "groups; with Shift ungroups"),
        ("f", "brings everything in sight"),
        ("+ and −", "make the board larger and smaller"),
        ("Shift and drag", "selects what it goes over"),
        ("Ctrl and wheel", "zooms about the pointer"),
        ("Escape", "leaves what is begun"),
    ];
    let row =
        |(key, does): &(&str, &str)| html! { <><dt><kbd>{ *key }</kbd></dt><dd>{ *does }</dd></> };
    html! { <dl class="key-list">{ for KEYS.iter().map(row) }</dl> }
}

/// Whether a drag brings files.
pub fn brings_files(event: &DragEvent) -> bool {
    let types = event.data_transfer().map(|data| data.types());
    types.is_some_and(|types| {
        let mut types = types.iter();
        types.any(|kind| kind.as_string().as_deref() == Some("Files"))
    })
}

/// Opens the first file of a drop on the sandbox.
pub fn drop_file(event: &DragEvent, act: &Callback<Deed>) {
    if !brings_files(event) {
        return;
    }
    event.prevent_default();
    let files = event.data_transfer().and_then(|data| data.files());
    let Some(file) = files.and_then(|files| files.get(0)) else {
        return;
    };
    let act = act.clone();
    if log::is_log(&file.name()) {
        return take_log(file, &act);
    }
    spawn_local(async move {
        act.emit(match read_file(&file).await {
            Ok((design, said)) => Deed::Open(Box::new(design), said),
            Err(why) => Deed::Refuse(format!("{}: {why}", file.name())),
        });
    });
}

/// Reads a file as an access log, to be made a client's load.
pub fn take_log(file: File, act: &Callback<Deed>) {
    let act = act.clone();
    spawn_local(async move {
        let text = text_of(&file, log::LARGEST).await;
        act.emit(match text.and_then(|text| log::read(&file.name(), &text)) {
            Ok(log) => Deed::Log(Some(kept(log))),
            Err(why) => Deed::Refuse(format!("{}: {why}", file.name())),
        });
    });
}

/// Reads a file as a design.
async fn read_file(file: &File) -> Result<(Design, String), String> {
    read(&text_of(file, scale_sim::limits::FILE_BYTES).await?)
}

/// The text of a file, if it has at most so many bytes.
async fn text_of(file: &File, most: usize) -> Result<String, String> {
    if file.size() > most as f64 {
        return Err(format!(
            "The file has {} bytes: at most {most} are read.",
            file.size()
        ));
    }
    let text = JsFuture::from(file.text()).await;
    let text = text.ok().and_then(|text| text.as_string());
    text.ok_or_else(|| "The file could not be read.".to_owned())
}
