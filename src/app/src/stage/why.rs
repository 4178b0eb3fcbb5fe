//! Why a request took as long as it did: its story in words and as a line of spans.

use scale_sim::Doing;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::chart::number;
use super::clock::Live;
use super::parts::Deed;
use super::run::Run;
use crate::protocol::{About, Behind, SpanView, StoryView};

/// Rows that are shown one by one; of more spans those of one kind and place become one row.
const ROWS: usize = 12;

/// What is known of the request that was asked about.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Told {
    /// Nobody has asked.
    #[default]
    Unasked,
    /// The worker is looking.
    Asked,
    /// There is none.
    Nobody,
    /// Its story.
    Story(Box<StoryView>),
}

/// One row of the story.
struct Row {
    doing: Doing,
    station: Option<u32>,
    from_ms: f64,
    /// In all.
    ms: f64,
    /// Spans in it.
    count: usize,
    behind: Option<Behind>,
}

/// The rows of a story, in order.
fn rows(spans: &[SpanView]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for span in spans {
        let ms = span.to_ms - span.from_ms;
        let alike = |row: &&mut Row| row.doing == span.doing && row.station == span.station;
        if spans.len() > ROWS
            && let Some(row) = rows.iter_mut().find(alike)
        {
            row.ms += ms;
            row.count += 1;
        } else {
            rows.push(Row {
                doing: span.doing,
                station: span.station,
                from_ms: span.from_ms,
                ms,
                count: 1,
                behind: span.behind.clone(),
            });
        }
    }
    rows
}

/// The colour of a kind of span: the name of a class.
const fn class(doing: Doing) -> &'static str {
    match doing {
        Doing::Served => "served",
        Doing::Queued
        | Doing::Pooled
        | Doing::Locked
        | Doing::Joined
        | Doing::Delayed
        | Doing::Blocked => "waited",
        Doing::OnWire => "wired",
        _ => "held",
    }
}

/// What a row says, in words.
fn words(row: &Row, run: &Run) -> String {
    let at = row.station.map(|station| run.station_name(station));
    let at = at.as_deref();
    let place = |word: &str| at.map_or_else(String::new, |at| format!(" {word} {at}"));
    let said = match row.doing {
        Doing::Queued => format!("in line{}{}", place("at"), because(row.behind.as_ref())),
        Doing::Served => format!("worked on{}", place("at")),
        Doing::OnWire => "on the wire".to_owned(),
        Doing::BackingOff => "waiting before the next attempt".to_owned(),
        Doing::Awaiting => "waiting for an answer that came too late, or not at all".to_owned(),
        Doing::Joined => format!("waiting for what another request fetches{}", place("at")),
        Doing::Delayed => format!("held back by a limit{}", place("of")),
        Doing::Following => format!(
            "waiting until {} has what its user wrote",
            at.unwrap_or("a replica")
        ),
        Doing::Pooled => format!("waiting for a connection{}: all were in use", place("to")),
        Doing::Connecting => format!("setting up or closing a connection{}", place("to")),
        Doing::Locked => format!("waiting for a row that another holds locked{}", place("at")),
        Doing::Held => format!("held{} while its key moves to another shard", place("at")),
        Doing::Replicating => format!("waiting for replicas to have what it wrote{}", place("at")),
        Doing::Blocked => format!("waiting for room for its message{}", place("in")),
    };
    if row.count > 1 {
        format!("{said}, in {} stretches", row.count)
    } else {
        said
    }
}

/// Why somebody had to stand in line.
fn because(behind: Option<&Behind>) -> String {
    let Some(behind) = behind else {
        return String::new();
    };
    let asking = |servers: u32, asking: u32| match asking {
        0 => String::new(),
        _ if asking == servers => ", waiting for an answer from elsewhere".to_owned(),
        _ => format!(", {asking} of them waiting for an answer from elsewhere"),
    };
    let said = match (behind.servers, behind.holders.as_slice()) {
        (_, []) => String::new(),
        (1, [(operation, servers, waits)]) => {
            format!(
                ": its only server was held by ‘{operation}’{}",
                asking(*servers, *waits)
            )
        }
        (all, [(operation, servers, waits)]) if all == *servers => {
            format!(
                ": all {all} servers were held by ‘{operation}’{}",
                asking(*servers, *waits)
            )
        }
        (all, holders) => {
            let held = holders.iter().map(|(operation, servers, waits)| {
                format!("{servers} by ‘{operation}’{}", asking(*servers, *waits))
            });
            let held: Vec<String> = held.collect();
            format!(": {all} servers, held {}", held.join(" and "))
        }
    };
    if behind.ahead > 0 {
        format!("{said}; {} ahead of it", behind.ahead)
    } else {
        said
    }
}

/// The choice of a request, and its story.
pub fn why(live: &Live, act: &Callback<Deed>) -> Html {
    let names = live.names();
    let beside = live.player.beside.as_ref();
    let told = |told: &Told, run: &Run| match told {
        Told::Unasked => html! {},
        Told::Asked => html! { <p class="why-none">{ "Looking …" }</p> },
        Told::Nobody => html! { <p class="why-none">{ "There is no such request so far." }</p> },
        Told::Story(story) => self::story(story, run),
    };
    let [own, other] = &live.told;
    let title = |name: &str, story: &Told| {
        let shown = beside.is_some() && *story != Told::Unasked;
        shown.then(|| html! { <p class="why-run">{ name }</p> })
    };
    let choice = |about: About, name: &'static str| {
        let act = act.clone();
        let onclick = Callback::from(move |_: MouseEvent| act.emit(Deed::Tell(about)));
        html! { <button class="button small" {onclick}>{ name }</button> }
    };
    let on_number = {
        let act = act.clone();
        Callback::from(move |event: Event| {
            let number = event.target_unchecked_into::<HtmlInputElement>().value();
            if let Some(request) = number.parse::<u64>().ok().and_then(|n| n.checked_sub(1)) {
                act.emit(Deed::Tell(About::Request(request)));
            }
        })
    };
    html! {
        <section class="why" aria-label="Why?">
            <div class="why-choice">
                <strong class="why-name">{ "Why?" }</strong>
                { choice(About::Typical, "A typical request") }
                { choice(About::Slowest, "The slowest") }
                { choice(About::FirstLost, "The first lost") }
                <label class="why-number">{ "number" }<input type="number" min="1" step="1" inputmode="numeric" onchange={on_number} /></label>
                <span class="why-hint">{ "or touch a dot" }</span>
            </div>
            <div role="status">
                { title(&names.own, own) }
                { told(own, &live.player.run) }
                if let Some(run) = beside {
                    { title(&names.beside, other) }
                    { told(other, run) }
                }
            </div>
        </section>
    }
}

/// The story of a request of `run`.
pub fn story(story: &StoryView, run: &Run) -> Html {
    let rows = rows(&story.spans);
    let whole = story.latency_ms.max(1e-9);
    let end = match &story.lost {
        None => format!("answered after {} ms", number(story.latency_ms)),
        Some((why, at)) => {
            let at = at.map_or_else(String::new, |at| format!(" at {}", run.station_name(at)));
            format!("lost after {} ms: {why}{at}", number(story.latency_ms))
        }
    };
    let row = |row: &Row| {
        let (from, width) = (
            row.from_ms / whole * 100.0,
            (row.ms / whole * 100.0).max(0.6),
        );
        let style = format!(
            "margin-left:{:.2}%;width:{:.2}%",
            from.min(99.4),
            width.min(100.0 - from.min(99.4))
        );
        html! {
            <li>
                <span class="span-track" aria-hidden="true"><span class={classes!("span-bar", class(row.doing))} ~style={style}></span></span>
                <span class="span-words"><b>{ format!("{} ms", number(row.ms)) }</b>{ format!(" {}", words(row, run)) }</span>
            </li>
        }
    };
    html! {
        <>
            <p class="why-title">
                { format!("Request {} (‘{}’), sent at {:.3} s, ", story.request + 1, story.operation, story.sent_s) }<strong>{ end }</strong>
            </p>
            <ol class="spans">{ for rows.iter().map(row) }</ol>
        </>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(doing: Doing, from_ms: f64, to_ms: f64) -> SpanView {
        SpanView {
            doing,
            station: Some(0),
            from_ms,
            to_ms,
            behind: None,
        }
    }

    #[test]
    fn many_spans_become_a_row_for_each_kind_and_lose_no_time() {
        let spans: Vec<SpanView> = (0..100)
            .map(|i| {
                let doing = if i % 2 == 0 {
                    Doing::Served
                } else {
                    Doing::OnWire
                };
                span(doing, f64::from(i), f64::from(i + 1))
            })
            .collect();
        let rows = rows(&spans);
        assert_eq!(rows.len(), 2);
        assert!((rows.iter().map(|row| row.ms).sum::<f64>() - 100.0).abs() < 1e-9);
        assert!(words(&rows[0], &Run::default()).contains("in 50 stretches"));
    }

    #[test]
    fn a_wait_names_who_was_served() {
        let behind = Behind {
            servers: 20,
            ahead: 3,
            holders: vec![("report".to_owned(), 18, 0), ("read".to_owned(), 2, 2)],
        };
        assert_eq!(
            because(Some(&behind)),
            ": 20 servers, held 18 by ‘report’ and 2 by ‘read’, waiting for an answer from elsewhere; 3 ahead of it"
        );
        let behind = Behind {
            servers: 4,
            ahead: 0,
            holders: vec![("buy".to_owned(), 4, 3)],
        };
        assert_eq!(
            because(Some(&behind)),
            ": all 4 servers were held by ‘buy’, 3 of them waiting for an answer from elsewhere"
        );
    }
}
