//! What a line of a record says, drawn: servers as chips, hits as dots, states by colour and shape.

use yew::prelude::*;

use crate::icon::{Sign, icon};

/// How the lines of a record are drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Drawing {
    /// Servers a, b, c and d.
    Servers,
    /// A full dot for each hit, a ring for each miss.
    Hits,
    /// Whether a breaker lets a call through, and its state after it.
    Breaker,
    /// What becomes of a request at a rate limit.
    Limit,
    /// A server's state and how far it is from the other.
    Health,
    /// A place among the slots.
    Slot,
}

/// Slots of a cluster of Redis.
const SLOTS: f64 = 16_384.0;
/// The longest delay that a bar shows, in milliseconds: five places of the bucket.
const LONGEST_MS: f64 = 500.0;

impl Drawing {
    /// The drawing of a record.
    pub fn of(record: &str) -> Self {
        match record {
            "eviction" => Self::Hits,
            "hash-slots" => Self::Slot,
            "rate-limit" => Self::Limit,
            "health-checks" => Self::Health,
            other if other.starts_with("breaker") => Self::Breaker,
            _ => Self::Servers,
        }
    }

    /// What happened.
    pub fn given(self, text: &str) -> Html {
        match self {
            Self::Hits => letters(text.chars().map(|key| html! { { key } })),
            Self::Slot => html! { <code>{ text }</code> },
            Self::Health => match text.split_once(": ") {
                Some((number, found)) => {
                    html! { <>{ format!("{number}. ") }{ sign(found == "ok", if found == "ok" { "works" } else { "fails" }) }</> }
                }
                None => html! { { text } },
            },
            Self::Breaker => match text.split_once(", would ") {
                Some((at, would)) => {
                    html! { <><span class="moment">{ at }</span>{ sign(would == "work", &format!("would {would}")) }</> }
                }
                None => html! { { text } },
            },
            Self::Servers | Self::Limit => html! { { text } },
        }
    }

    /// What was done about it.
    pub fn cell(self, text: &str) -> Html {
        match self {
            Self::Servers => {
                html! { <span class="chips">{ for text.split(", ").map(server) }</span> }
            }
            Self::Hits => {
                let dots = text.chars().map(|hit| {
                    html! { <i class={if hit == '1' { "hit" } else { "miss" }}></i> }
                });
                let hits = text.chars().filter(|hit| *hit == '1').count();
                html! { <><span class="unseen">{ format!("{text}, {hits} hits") }</span>{ letters(dots) }</> }
            }
            Self::Breaker => match text.split_once(", ") {
                Some((through, state)) => html! {
                    <span class="chips">
                        { sign(through == "yes", if through == "yes" { "through" } else { "refused" }) }
                        <span class={format!("state {}", tone("breaker", text).unwrap_or_default())}>{ state }</span>
                    </span>
                },
                None => html! { { text } },
            },
            Self::Limit => {
                let ms = text
                    .strip_prefix("delayed ")
                    .and_then(|rest| rest.strip_suffix(" ms"));
                let ms: Option<f64> = ms.and_then(|ms| ms.parse().ok());
                match ms {
                    Some(ms) => html! {
                        <span class="delay">
                            <span class="delay-bar"><i ~style={format!("width:{:.1}%", (ms / LONGEST_MS * 100.0).clamp(1.0, 100.0))}></i></span>
                            { text }
                        </span>
                    },
                    None => sign(text == "passed", text),
                }
            }
            Self::Health => {
                let (state, pips) = text.split_once(' ').unwrap_or((text, ""));
                let pips = pips.split_once('/').and_then(|(full, of)| {
                    Some((
                        full.parse::<usize>().ok()?,
                        of.parse::<usize>().ok()?.min(10),
                    ))
                });
                html! {
                    <span class="chips">
                        <span class={format!("state {}", tone("health-checks", text).unwrap_or_default())}>{ state }</span>
                        if let Some((full, of)) = pips {
                            <span class="pips">{ for (0..of).map(|at| html! { <i class={if at < full { "hit" } else { "miss" }}></i> }) }</span>
                            <span class="pip-words">{ format!("{full} of {of}") }</span>
                        }
                    </span>
                }
            }
            Self::Slot => {
                let slot: f64 = text.parse().unwrap_or(0.0);
                html! {
                    <span class="slot">
                        <span class="slot-words">{ text }</span>
                        <span class="slot-bar"><i ~style={format!("left:{:.2}%", (slot / SLOTS * 100.0).clamp(0.0, 100.0))}></i></span>
                    </span>
                }
            }
        }
    }
}

/// One server, or what stands where there is none.
fn server(name: &str) -> Html {
    match tone("", name) {
        Some("none") | None => html! { <span class="nobody">{ name }</span> },
        Some(tone) => html! { <span class={format!("server {tone}")}>{ name }</span> },
    }
}

/// A good or a bad sign with its words.
fn sign(good: bool, words: &str) -> Html {
    let sign = if good { Sign::Check } else { Sign::Cross };
    html! { <span class={if good { "went well" } else { "went badly" }}>{ icon(sign) }<span>{ words.to_owned() }</span></span> }
}

/// Marks in columns of one width.
fn letters(marks: impl Iterator<Item = Html>) -> Html {
    html! { <span class="letters">{ for marks.map(|mark| html! { <span>{ mark }</span> }) }</span> }
}

/// The colour of what was done, as a class; none if a line is more than one mark can say.
pub fn tone(record: &str, text: &str) -> Option<&'static str> {
    Some(match Drawing::of(record) {
        Drawing::Servers => match text.split(", ").last()? {
            "a" => "s0",
            "b" => "s1",
            "c" => "s2",
            "d" => "s3",
            _ => "none",
        },
        Drawing::Breaker => match text.split_once(", ")?.1 {
            "closed" => "good",
            "open" => "bad",
            _ => "between",
        },
        Drawing::Limit => match text {
            "passed" => "good",
            "rejected" => "bad",
            _ => "between",
        },
        Drawing::Health => match text {
            "UP" => "good",
            "DOWN" => "bad",
            half if half.starts_with("UP") => "good between",
            _ => "bad between",
        },
        Drawing::Hits | Drawing::Slot => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use scale_trust::RECORDS;

    use super::*;

    /// Every line of every record has a mark, and what differs has another: the picture hides nothing.
    #[test]
    fn every_line_is_drawn() {
        for record in RECORDS {
            let path = format!(
                "{}/../../tests/oracle/{}",
                env!("CARGO_MANIFEST_DIR"),
                record.file
            );
            let text = fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{path}: {fault}"));
            let series = record
                .replay(&text)
                .expect("the tests of scale-trust replay it");
            for line in series.iter().flat_map(|of| &of.lines) {
                match Drawing::of(record.id) {
                    Drawing::Hits => {
                        let keys = line.given.split_once(": ").expect("places and keys").1;
                        assert_eq!(keys.len(), line.theirs.len(), "{line:?}");
                    }
                    Drawing::Slot => {
                        let slot: f64 = line.ours.parse().expect("a number");
                        assert!((0.0..SLOTS).contains(&slot), "{line:?}");
                    }
                    _ => assert!(tone(record.id, &line.theirs).is_some(), "{line:?}"),
                }
            }
        }
        assert_ne!(tone("failover", "a"), tone("failover", "b"));
        assert_ne!(
            tone("rate-limit", "passed"),
            tone("rate-limit", "delayed 80 ms")
        );
    }
}
