//! Fields on the page.

use serde_json::{Map, Value, json};
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::super::change::{Change, below};
use super::super::form::{Choice, Field, Form};
use super::super::words;
use super::inputs::{Disclosure, Item, Menu, NumberInput, Row, TextInput};
use super::plan::PlanForm;
use super::{Ctx, id_of, selector};
use crate::icon::{Sign, icon};

/// Fields: the foremost, and the others folded away.
pub fn all(ctx: &Ctx, fields: &[Field]) -> Html {
    let (foremost, more): (Vec<&Field>, Vec<&Field>) = fields.iter().partition(|f| f.foremost);
    let id = more
        .first()
        .map(|field| format!("{}-more", id_of(&field.pointer)));
    let set = more.iter().filter(|field| field.given).count();
    let wrong: usize = more.iter().map(|field| field.wrong()).sum();
    let summary = match set {
        0 => format!("{} that can be set", more.len()),
        set => format!("{} that can be set, {set} set", more.len()),
    };
    html! {
        <>
            { for foremost.into_iter().map(|field| self::field(ctx, field)) }
            if let Some(id) = id {
                <Disclosure {id} label="More" {summary} {wrong} open={set > 0} class="inspector-more">
                    { for more.into_iter().map(|field| self::field(ctx, field)) }
                </Disclosure>
            }
        </>
    }
}

/// What is wrong, at the place itself.
pub fn problems(id: &str, problems: &[String]) -> Html {
    if problems.is_empty() {
        return html! {};
    }
    let id = format!("{id}-problems");
    html! {
        <div {id} class="inspector-problems" role="alert" aria-live="polite">
            { for problems.iter().map(|problem| html! { <p class="inspector-problem">{ sentence(problem) }</p> }) }
        </div>
    }
}

/// A problem as a sentence.
fn sentence(problem: &str) -> String {
    if problem.starts_with("there is no component ''") {
        return "Choose a component.".to_owned();
    }
    let mut letters = problem.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    let rest = letters.as_str();
    let end = if problem.ends_with(['.', '?', '!']) {
        ""
    } else {
        "."
    };
    format!("{}{rest}{end}", first.unwrap_or_default())
}

/// One field.
pub fn field(ctx: &Ctx, field: &Field) -> Html {
    let key = without_name(&field.pointer);
    let inner = match &field.form {
        Form::Unset(value) => unset(ctx, field, value),
        Form::Number { .. } | Form::Text { .. } | Form::Reference { .. } | Form::Flag(_) => {
            simple(ctx, field)
        }
        Form::Choice { .. } => choice(ctx, field),
        Form::Record(fields) => fold(ctx, field, all(ctx, fields), false),
        Form::List { .. } => fold(ctx, field, list(ctx, field), field.wrong() > 0),
        Form::Map { .. } => fold(ctx, field, map(ctx, field), field.foremost),
        Form::Plan(steps) => html! {
            <>
                <p class="inspector-when">{ &field.label }</p>
                { problems(&id_of(&field.pointer), &field.problems) }
                <PlanForm ctx={ctx.clone()} pointer={field.pointer.clone()} steps={steps.clone()} />
                { usual_button(ctx, field) }
            </>
        },
    };
    html! { <div class="inspector-field" {key}>{ inner }</div> }
}

/// A place of a design without the name of its component: so a field stays the same one, with the keyboard in it, when the component gets
/// another name.
fn without_name(pointer: &str) -> String {
    let rest = pointer.strip_prefix("/components/");
    let place = rest.and_then(|rest| rest.split_once('/'));
    place.map_or_else(|| pointer.to_owned(), |(_, place)| place.to_owned())
}

/// Changes that set a field.
fn set(field: &Field, value: Value) -> Vec<Change> {
    let first = Change::set(&field.pointer, value);
    let along = if field.given { &[][..] } else { &field.along };
    core::iter::once(first)
        .chain(along.iter().cloned())
        .collect()
}

/// The id of a field's help, if it has one.
fn help_id(field: &Field) -> Option<String> {
    (!field.help.is_empty()).then(|| format!("{}-help", id_of(&field.pointer)))
}

/// The ids of what describes a field's control.
fn described(field: &Field) -> String {
    let id = id_of(&field.pointer);
    let problems = (!field.problems.is_empty()).then(|| format!("{id}-problems"));
    let note = note(field).map(|_| format!("{id}-note"));
    let parts = [problems, note, help_id(field)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The row of a field: what it is called, its control, and what it means for who asks.
fn row(field: &Field, control: Html) -> Html {
    let labelled = !matches!(field.form, Form::Unset(_));
    let about = help_id(field).map(|id| (id, AttrValue::from(field.help.clone())));
    html! { <Row id={labelled.then(|| id_of(&field.pointer))} label={field.label.clone()} {about}>{ control }</Row> }
}

/// What a number comes to, what it may be, and what it is without being set.
fn note(field: &Field) -> Option<String> {
    let mut parts = Vec::new();
    if matches!(field.form, Form::Flag(_)) {
        return None;
    }
    if let Form::Number {
        value,
        whole,
        min,
        max,
    } = &field.form
    {
        parts.extend(value.and_then(|value| words::readout(value, field.unit)));
        let range = words::range(*min, *max, *whole);
        parts.extend((range != "a number").then_some(range));
    }
    match (&field.usual, field.given) {
        (Some(usual), _) => parts.push(format!("usually {usual}")),
        (None, false) if field.optional => parts.push("not set".to_owned()),
        _ => {}
    }
    (!parts.is_empty()).then(|| parts.join(" · "))
}

fn note_line(ctx: &Ctx, field: &Field) -> Html {
    let Some(told) = note(field) else {
        return usual_button(ctx, field);
    };
    let id = format!("{}-note", id_of(&field.pointer));
    html! {
        <p class="inspector-note"><span {id}>{ told }</span>{ usual_button(ctx, field) }</p>
    }
}

/// A button that leaves a field out again.
fn usual_button(ctx: &Ctx, field: &Field) -> Html {
    let is_flag = matches!(field.form, Form::Flag(_));
    if !field.given || !field.optional || is_flag || is_usual(field) {
        return html! {};
    }
    let words = match (&field.usual, &field.form) {
        (Some(_), _) => "Use the default",
        (None, Form::Number { .. } | Form::Text { .. }) => "Leave it out",
        _ => "Take it away",
    };
    let onclick = {
        let (ctx, pointer) = (ctx.clone(), field.pointer.clone());
        Callback::from(move |_: MouseEvent| {
            let id = id_of(&pointer);
            let then = vec![selector(&id), selector(&format!("{id}-set"))];
            ctx.edit(vec![Change::remove(&pointer)], then);
        })
    };
    let label = format!("{words}: {}", field.label);
    html! {
        <button type="button" class="button quiet small" {onclick} aria-label={label}>{ words }</button>
    }
}

/// Whether a field says what holds without it.
fn is_usual(field: &Field) -> bool {
    let Form::Number { value, .. } = &field.form else {
        return false;
    };
    value.is_some() && value.map(words::number) == field.hollow
}

/// A field that holds nothing yet.
fn unset(ctx: &Ctx, field: &Field, value: &Value) -> Html {
    let id = id_of(&field.pointer);
    let onclick = {
        let (ctx, id) = (ctx.clone(), id.clone());
        let changes = set(field, value.clone());
        Callback::from(move |_: MouseEvent| ctx.add(changes.clone(), vec![selector(&id)]))
    };
    html! {
        <>
            { row(field, html! {
                <>
                    <span class="inspector-told">{ field.usual.clone().unwrap_or_else(|| "not set".to_owned()) }</span>
                    <button type="button" class="button quiet small" id={format!("{id}-set")} {onclick}
                        aria-label={format!("Set: {}", field.label)}>{ "Set" }</button>
                </>
            }) }
            { problems(&id, &field.problems) }
        </>
    }
}

/// A field of one control.
fn simple(ctx: &Ctx, field: &Field) -> Html {
    let id = id_of(&field.pointer);
    html! {
        <>
            { row(field, html! {
                <>
                    { control(ctx, field, None) }
                    if let Some(unit) = field.unit { { self::unit(unit) } }
                </>
            }) }
            { note_line(ctx, field) }
            { problems(&id, &field.problems) }
        </>
    }
}

fn unit(unit: &'static str) -> Html {
    match words::short(unit) {
        short if short == unit => html! { <span class="inspector-unit">{ unit }</span> },
        short => html! { <abbr class="inspector-unit" title={unit}>{ short }</abbr> },
    }
}

/// A text of several lines: a field of one line would lose the others.
fn several_lines(id: String, described: String, text: &str) -> Html {
    let lines = words::number(text.lines().count() as f64);
    html! { <p {id} class="inspector-note" aria-describedby={described}>{ format!("{lines} lines") }</p> }
}

/// The control of a simple field; `label` names it where nothing else does.
fn control(ctx: &Ctx, field: &Field, label: Option<String>) -> Html {
    let id = id_of(&field.pointer);
    let described = described(field);
    let invalid = !field.problems.is_empty();
    let usual = field.hollow.clone().unwrap_or_default();
    match &field.form {
        Form::Number {
            value,
            whole,
            min,
            max,
        } => {
            let on_number = {
                let (ctx, field) = (ctx.clone(), field.clone());
                Callback::from(move |value: Option<f64>| {
                    let changes = match value {
                        Some(value) => set(&field, number(value)),
                        None => vec![Change::remove(&field.pointer)],
                    };
                    ctx.edit(changes, Vec::new());
                })
            };
            html! {
                <NumberInput {id} value={*value} whole={*whole} min={*min} max={*max} {usual} optional={field.optional}
                    {described} {label} {invalid} {on_number} />
            }
        }
        Form::Text { value, .. } if value.contains('\n') => several_lines(id, described, value),
        Form::Text { value, known } => {
            let on_text = {
                let (ctx, field) = (ctx.clone(), field.clone());
                Callback::from(move |text: String| {
                    let changes = if text.is_empty() && field.optional {
                        vec![Change::remove(&field.pointer)]
                    } else {
                        set(&field, text.into())
                    };
                    ctx.edit(changes, Vec::new());
                })
            };
            html! {
                <TextInput {id} value={value.clone()} known={known.clone()} {usual} {described} {label} {invalid} {on_text} />
            }
        }
        Form::Reference { value, to } => {
            let onchange = {
                let (ctx, field) = (ctx.clone(), field.clone());
                Callback::from(move |event: Event| {
                    let name = event.target_unchecked_into::<HtmlSelectElement>().value();
                    let changes = match (name.is_empty(), field.given) {
                        (true, true) => vec![Change::remove(&field.pointer)],
                        (true, false) => return,
                        (false, _) => set(&field, name.into()),
                    };
                    ctx.edit(changes, Vec::new());
                })
            };
            let known = to.iter().any(|(name, _)| name == value);
            let option = |(name, label): &(String, String)| {
                let words = if name == label {
                    label.clone()
                } else {
                    format!("{label} ({name})")
                };
                html! { <option value={name.clone()} selected={name == value}>{ words }</option> }
            };
            html! {
                <select {id} {onchange} aria-label={label} aria-describedby={(!described.is_empty()).then_some(described)}
                    aria-invalid={invalid.then_some("true")}>
                    if field.optional { <option value="" selected={value.is_empty()}>{ "none" }</option> }
                    if !(known || field.optional && value.is_empty()) {
                        <option value={value.clone()} selected=true disabled=true>
                            { if value.is_empty() { "Choose one".to_owned() } else { format!("{value} (not there)") } }
                        </option>
                    }
                    { for to.iter().map(option) }
                </select>
            }
        }
        Form::Flag(on) => {
            let onchange = {
                let (ctx, field) = (ctx.clone(), field.clone());
                Callback::from(move |event: Event| {
                    let on = event.target_unchecked_into::<HtmlInputElement>().checked();
                    let usual = field.usual.as_deref() == Some(if on { "yes" } else { "no" });
                    let changes = if field.given && field.optional && usual {
                        vec![Change::remove(&field.pointer)]
                    } else {
                        set(&field, on.into())
                    };
                    ctx.edit(changes, Vec::new());
                })
            };
            html! {
                <input type="checkbox" {id} checked={*on} {onchange} aria-label={label}
                    aria-describedby={(!described.is_empty()).then_some(described)} aria-invalid={invalid.then_some("true")} />
            }
        }
        _ => html! {},
    }
}

/// A number as a file would have it: whole if it is.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        json!(value as i64)
    } else {
        json!(value)
    }
}

/// One of several, and its fields.
fn choice(ctx: &Ctx, field: &Field) -> Html {
    let Form::Choice {
        at,
        options,
        fields,
        note,
    } = &field.form
    else {
        return html! {};
    };
    let id = id_of(&field.pointer);
    let onchange = {
        let (ctx, field, options, id) = (ctx.clone(), field.clone(), options.clone(), id.clone());
        Callback::from(move |event: Event| {
            let chosen = event.target_unchecked_into::<HtmlSelectElement>().value();
            let chosen = chosen.parse().ok().and_then(|at: usize| options.get(at));
            let Some(Choice { value, along, .. }) = chosen else {
                return;
            };
            let mut changes = set(&field, value.clone());
            changes.extend(along.iter().cloned());
            ctx.add(changes, vec![selector(&id)]);
        })
    };
    let option = |(i, option): (usize, &Choice)| {
        html! { <option value={i.to_string()} selected={*at == Some(i)}>{ &option.label }</option> }
    };
    let says = at
        .and_then(|at| options.get(at))
        .map(|option| option.help.clone());
    let says = says.filter(|says| !says.is_empty());
    html! {
        <>
            { row(field, html! {
                    <select id={id.clone()} {onchange} aria-describedby={format!("{id}-says {}", described(field))}
                        aria-invalid={(!field.problems.is_empty()).then_some("true")}>
                        if at.is_none() { <option selected=true disabled=true value="">{ "Choose one" }</option> }
                        { for options.iter().enumerate().map(option) }
                    </select>
            }) }
            <p class="inspector-note">
                <span id={format!("{id}-says")}>
                    { says }
                    if let Some(note) = note { <span class="inspector-spread">{ sentence(note) }</span> }
                </span>
                { usual_button(ctx, field) }
            </p>
            { problems(&id, &field.problems) }
            if !fields.is_empty() { <div class="inspector-inner">{ all(ctx, fields) }</div> }
        </>
    }
}

/// A field whose parts are folded away.
fn fold(ctx: &Ctx, field: &Field, inner: Html, open: bool) -> Html {
    let id = id_of(&field.pointer);
    let open = open || ctx.awaits(&id);
    html! {
        <>
            <Disclosure id={id.clone()} label={field.label.clone()} summary={field.summary()} wrong={field.wrong()} {open}>
                if !field.help.is_empty() { <p class="inspector-note">{ &field.help }</p> }
                { problems(&id, &field.problems) }
                { inner }
                { usual_button(ctx, field) }
            </Disclosure>
        </>
    }
}

/// A small button with a sign.
pub fn sign_button(
    sign: Sign,
    label: String,
    id: Option<String>,
    disabled: bool,
    onclick: Callback<MouseEvent>,
) -> Html {
    html! {
        <button type="button" class="inspector-sign" {id} {disabled} aria-label={label.clone()} title={label} {onclick}>{ icon(sign) }</button>
    }
}

/// Buttons that move an item of a list, and take it away.
pub fn item_buttons(ctx: &Ctx, list: &str, at: usize, count: usize, what: &str) -> Html {
    let id = id_of(list);
    let moved = |to: Option<usize>, way: &'static str| {
        let to = to.filter(|to| *to < count);
        let (ctx, list, id) = (ctx.clone(), list.to_owned(), id.clone());
        let button_id = format!("{id}-{at}-{way}");
        let onclick = Callback::from(move |_: MouseEvent| {
            let items = ctx.design.pointer(&list).and_then(Value::as_array);
            let Some((mut items, to)) = items.cloned().zip(to) else {
                return;
            };
            if at.max(to) >= items.len() {
                return;
            }
            items.swap(at, to);
            let button = |way: &str| format!("{}:enabled", selector(&format!("{id}-{to}-{way}")));
            let back = if way == "up" { "down" } else { "up" };
            ctx.edit(
                vec![Change::set(&list, items.clone())],
                vec![button(way), button(back)],
            );
        });
        let sign = if way == "up" { Sign::Up } else { Sign::Down };
        sign_button(
            sign,
            format!("Move {way}: {what}"),
            Some(button_id),
            to.is_none(),
            onclick,
        )
    };
    let removed = {
        let (ctx, list, id) = (ctx.clone(), list.to_owned(), id.clone());
        Callback::from(move |_: MouseEvent| {
            let remove = |at: usize| selector(&format!("{id}-{at}-remove"));
            let mut then = vec![remove(at)];
            then.extend(at.checked_sub(1).map(remove));
            then.push(selector(&format!("{id}-add")));
            ctx.edit(vec![Change::remove(below(&list, &at.to_string()))], then);
        })
    };
    html! {
        <span class="inspector-signs">
            { moved(at.checked_sub(1), "up") }
            { moved(Some(at + 1), "down") }
            { sign_button(Sign::Cross, format!("Delete: {what}"), Some(format!("{id}-{at}-remove")), false, removed) }
        </span>
    }
}

/// What is one after the other.
fn list(ctx: &Ctx, field: &Field) -> Html {
    let Form::List {
        items,
        count,
        another,
        room,
    } = &field.form
    else {
        return html! {};
    };
    let id = id_of(&field.pointer);
    let item = |(at, item): (usize, &Field)| {
        let buttons = another
            .is_some()
            .then(|| item_buttons(ctx, &field.pointer, at, *count, &item.label));
        let shown = match &item.form {
            Form::Number { .. } | Form::Text { .. } | Form::Reference { .. } | Form::Flag(_) => {
                html! {
                    <>
                        { control(ctx, item, Some(item.label.clone())) }
                        { problems(&id_of(&item.pointer), &item.problems) }
                    </>
                }
            }
            Form::List {
                items,
                another: None,
                ..
            } => html! {
                // A fixed few in one row, such as a point of a curve.
                <span class="inspector-point">
                    { for items.iter().map(|part| html! {
                        <label>{ &part.label }{ control(ctx, part, None) }{ problems(&id_of(&part.pointer), &part.problems) }</label>
                    }) }
                </span>
            },
            _ => self::field(ctx, item),
        };
        html! { <li key={at}><div class="inspector-item">{ shown }</div>{ buttons }</li> }
    };
    let add = another.as_ref().filter(|_| *room).map(|another| {
        let id = id.clone();
        let onclick = {
            let (ctx, id, pointer) = (ctx.clone(), id.clone(), below(&field.pointer, "-"));
            let (another, count) = (another.clone(), *count);
            Callback::from(move |_: MouseEvent| {
                let then = vec![
                    selector(&format!("{id}_{count}")),
                    selector(&format!("{id}-add")),
                ];
                ctx.add(vec![Change::set(&pointer, another.clone())], then);
            })
        };
        html! {
            <button type="button" class="button quiet small" id={format!("{id}-add")} {onclick}
                aria-label={format!("Add: {}", field.label)}>{ "Add" }</button>
        }
    });
    html! {
        <>
            <ol class="inspector-list">{ for items.iter().enumerate().map(item) }</ol>
            if items.len() < *count {
                <p class="inspector-note">{ format!("And {} more, which are best changed as JSON.", words::number((count - items.len()) as f64)) }</p>
            }
            { add }
        </>
    }
}

/// What has names.
#[expect(
    clippy::too_many_lines,
    reason = "one list, from its names to what adds to it"
)]
fn map(ctx: &Ctx, field: &Field) -> Html {
    let Form::Map {
        entries,
        another,
        known,
    } = &field.form
    else {
        return html! {};
    };
    let id = id_of(&field.pointer);
    let entry = |(name, inner): &(String, Field)| {
        let renamed = {
            let (ctx, pointer, name) = (ctx.clone(), field.pointer.clone(), name.clone());
            Callback::from(move |new: String| {
                let Some(map) = ctx.design.pointer(&pointer).and_then(Value::as_object) else {
                    return;
                };
                if new.is_empty() || map.contains_key(&new) {
                    // Two would be one: it keeps its name.
                    ctx.edit(Vec::new(), Vec::new());
                    return;
                }
                let entries = map.iter().map(|(key, value)| {
                    let key = if *key == name { &new } else { key };
                    (key.clone(), value.clone())
                });
                let all: Map<String, Value> = entries.collect();
                let then = vec![selector(&format!("{}-name", id_of(&below(&pointer, &new))))];
                ctx.edit(vec![Change::set(&pointer, all)], then);
            })
        };
        let removed = {
            let (ctx, pointer, id) = (ctx.clone(), inner.pointer.clone(), id.clone());
            Callback::from(move |_: MouseEvent| {
                ctx.edit(
                    vec![Change::remove(&pointer)],
                    vec![selector(&format!("{id}-add"))],
                );
            })
        };
        let name_id = format!("{}-name", id_of(&inner.pointer));
        let shown = match &inner.form {
            Form::Number { .. } | Form::Text { .. } | Form::Reference { .. } | Form::Flag(_) => {
                html! {
                    <>
                        { control(ctx, inner, Some(name.clone())) }
                        { problems(&id_of(&inner.pointer), &inner.problems) }
                    </>
                }
            }
            _ => html! {},
        };
        let below_it = match &inner.form {
            Form::Number { .. } | Form::Text { .. } | Form::Reference { .. } | Form::Flag(_) => {
                html! {}
            }
            Form::Record(fields) => {
                html! { <>{ problems(&id_of(&inner.pointer), &inner.problems) }{ all(ctx, fields) }</> }
            }
            Form::Plan(steps) => html! {
                <>
                    { problems(&id_of(&inner.pointer), &inner.problems) }
                    <PlanForm ctx={ctx.clone()} pointer={inner.pointer.clone()} steps={steps.clone()} />
                </>
            },
            _ => self::field(ctx, inner),
        };
        let others: Vec<String> = known
            .iter()
            .filter(|known| !entries.iter().any(|(n, _)| n == *known))
            .cloned()
            .collect();
        html! {
            <li key={name.clone()}>
                <div class="inspector-entry">
                    <TextInput id={name_id} value={name.clone()} known={others} label={format!("Name of “{name}” in {}", field.label)} on_text={renamed} />
                    if name == "*" { <span class="inspector-told">{ "any other" }</span> }
                    { shown }
                    { sign_button(Sign::Cross, format!("Delete: {name}"), None, false, removed) }
                </div>
                { below_it }
            </li>
        }
    };
    let free: Vec<String> = { known.iter() }
        .filter(|known| !entries.iter().any(|(name, _)| name == *known))
        .cloned()
        .collect();
    let add = {
        let (ctx, field_pointer, another) = (ctx.clone(), field.pointer.clone(), another.clone());
        let taken: Vec<String> = entries.iter().map(|(name, _)| name.clone()).collect();
        move |name: Option<String>| {
            let name = name.unwrap_or_else(|| fresh_name(&taken));
            let pointer = below(&field_pointer, &name);
            let then = vec![selector(&format!("{}-name", id_of(&pointer)))];
            ctx.add(vec![Change::set(&pointer, another.clone())], then);
        }
    };
    let adder = if free.is_empty() {
        let onclick = Callback::from(move |_: MouseEvent| add(None));
        html! {
            <button type="button" class="button quiet small" id={format!("{id}-add")} {onclick}
                aria-label={format!("Add: {}", field.label)}>{ "Add" }</button>
        }
    } else {
        let item = |name: &String| Item {
            label: super::super::form::named(name),
            says: if name == "*" {
                "for whatever is not named".to_owned()
            } else {
                String::new()
            },
        };
        let mut items: Vec<Item> = free.iter().map(item).collect();
        items.push(Item {
            label: "Another name".to_owned(),
            says: "to be written by you".to_owned(),
        });
        let on_choice = Callback::from(move |at: usize| add(free.get(at).cloned()));
        html! { <Menu id={format!("{id}-add")} label={format!("Add to {}", field.label.to_lowercase())} {items} {on_choice} /> }
    };
    html! { <><ul class="inspector-list">{ for entries.iter().map(entry) }</ul>{ adder }</> }
}

/// A name that is not taken.
fn fresh_name(taken: &[String]) -> String {
    let name = |number: usize| match number {
        0 => "new".to_owned(),
        number => format!("new-{}", number + 1),
    };
    // Of one more than there are, one is free.
    let free = (0..=taken.len())
        .map(name)
        .find(|name| !taken.contains(name));
    free.unwrap_or_default()
}
