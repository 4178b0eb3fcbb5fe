//! Prose as nodes of the page: never as markup in text.

use scale_course::{Block, Inline};
use scale_sim::Kind;
use yew::prelude::*;

use crate::icon::{Sign, icon};

/// Shows prose. `kind_of` tells what kind of component a name in it stands for.
pub fn show(prose: &[Block], kind_of: &dyn Fn(&str) -> Option<Kind>) -> Html {
    prose
        .iter()
        .map(|block| show_block(block, kind_of))
        .collect()
}

fn show_block(block: &Block, kind_of: &dyn Fn(&str) -> Option<Kind>) -> Html {
    let line = |content: &Vec<Inline>| show_inline(content, kind_of);
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
        Block::Code { text, .. } => html! { <pre tabindex="0"><code>{ text }</code></pre> },
    }
}

fn show_inline(content: &[Inline], kind_of: &dyn Fn(&str) -> Option<Kind>) -> Html {
    let one = |inline: &Inline| match inline {
        Inline::Text(words) => html! { { words } },
        Inline::Code(words) => html! { <code>{ words }</code> },
        Inline::Strong(inner) => html! { <strong>{ show_inline(inner, kind_of) }</strong> },
        Inline::Emphasis(inner) => html! { <em>{ show_inline(inner, kind_of) }</em> },
        Inline::Link { to, text } => {
            let outside = to.starts_with("https://").then_some("noopener noreferrer");
            html! { <a href={to.clone()} rel={outside}>{ show_inline(text, kind_of) }</a> }
        }
        Inline::Component { name, text } => {
            let kind = kind_of(name);
            let class = kind.map(|kind| format!("kind-{}", kind.name()));
            html! {
                <span class={classes!("component-word", class)}>
                    if let Some(kind) = kind { { icon(Sign::from(kind)) } }
                    { show_inline(text, kind_of) }
                </span>
            }
        }
    };
    content.iter().map(one).collect()
}
