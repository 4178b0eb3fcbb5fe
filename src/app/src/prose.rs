//! Prose as nodes of the page: never as markup in text.

use scale_course::{Block, Inline};
use scale_sim::Kind;
use yew::prelude::*;

use crate::browser;
use crate::code::{Token, tokens};
use crate::icon::{Sign, icon};

/// Tells what kind of component a name in prose stands for, and what it is called on the picture.
pub type Named<'a> = &'a dyn Fn(&str) -> Option<(Kind, String)>;

/// Shows prose.
pub fn show(prose: &[Block], named: Named) -> Html {
    prose.iter().map(|block| show_block(block, named)).collect()
}

fn show_block(block: &Block, named: Named) -> Html {
    let line = |content: &Vec<Inline>| show_inline(content, named);
    match block {
        Block::Paragraph(content) => html! { <p>{ line(content) }</p> },
        Block::Aside(content) => html! { <aside class="aside">{ line(content) }</aside> },
        Block::List { numbered, items } => {
            let items = items.iter().map(|item| html! { <li>{ line(item) }</li> });
            if *numbered {
                html! { <ol>{ for items }</ol> }
            } else {
                html! { <ul>{ for items }</ul> }
            }
        }
        Block::Code {
            language,
            component,
            text,
            ..
        } => code(language, component.as_deref(), text, named),
    }
}

fn show_inline(content: &[Inline], named: Named) -> Html {
    let one = |inline: &Inline| match inline {
        Inline::Text(words) => html! { { words } },
        Inline::Code(words) => html! { <code>{ words }</code> },
        Inline::Strong(inner) => html! { <strong>{ show_inline(inner, named) }</strong> },
        Inline::Emphasis(inner) => html! { <em>{ show_inline(inner, named) }</em> },
        Inline::Link { to, text } => {
            let outside = to.starts_with("https://").then_some("noopener noreferrer");
            html! { <a href={to.clone()} rel={outside}>{ show_inline(text, named) }</a> }
        }
        Inline::Component { name, text } => {
            let kind = named(name).map(|(kind, _)| kind);
            let class = kind.map(|kind| format!("kind-{}", kind.name()));
            let (onmouseenter, onmouseleave) = (lit(name, true), lit(name, false));
            html! {
                <span class={classes!("component-word", class)} {onmouseenter} {onmouseleave}>
                    if let Some(kind) = kind { { icon(Sign::from(kind)) } }
                    { show_inline(text, named) }
                </span>
            }
        }
    };
    content.iter().map(one).collect()
}

/// Code; that of a component in its colour, under its sign and name.
fn code(language: &str, component: Option<&str>, text: &str, named: Named) -> Html {
    let piece = |(token, piece): (Token, &str)| {
        let class = match token {
            Token::Keyword => "code-keyword",
            Token::Text => "code-text",
            Token::Number => "code-number",
            Token::Comment => "code-comment",
            Token::Name => "code-name",
            Token::Plain => return html! { { piece.to_owned() } },
        };
        html! { <span {class}>{ piece.to_owned() }</span> }
    };
    let text = text.trim_end();
    let lines = html! { <code>{ for tokens(language, text).into_iter().map(piece) }</code> };
    let known = component.and_then(|name| Some((name, named(name)?)));
    let Some((name, (kind, label))) = known else {
        return html! { <pre tabindex="0" class="code">{ lines }</pre> };
    };
    let (onmouseenter, onmouseleave) = (lit(name, true), lit(name, false));
    let (onfocus, onblur) = (lit(name, true), lit(name, false));
    html! {
        <figure class={classes!("code-of", format!("kind-{}", kind.name()))} {onmouseenter} {onmouseleave}>
            <figcaption>{ icon(Sign::from(kind)) }{ label }</figcaption>
            <pre tabindex="0" class="code" {onfocus} {onblur}>{ lines }</pre>
        </figure>
    }
}

/// Lights the component called `name` on the stage, or no longer.
fn lit<E>(name: &str, on: bool) -> Callback<E> {
    let name = name.to_owned();
    Callback::from(move |_| browser::mark_all("data-component", &name, "data-lit", on))
}
