//! What real systems did, and the same done by the engine's mechanisms: line by line.

use scale_trust::{Line, RECORDS, Record, Series};
use wasm_bindgen::JsCast;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::drawn::{Drawing, tone};
use super::way::{self, Part, SEED};
use crate::content::{self, Loading, use_fetched};
use crate::icon::{Sign, icon};

/// So many lines are shown at first.
const FIRST: usize = 12;

/// Properties of [`Records`].
#[derive(Clone, PartialEq, Debug, Properties)]
pub struct Props {
    /// The record that is open.
    pub open: Option<String>,
}

/// All records; one of them is open.
#[component]
pub fn Records(props: &Props) -> Html {
    let entries = RECORDS.iter().map(|record| {
        let open = props.open.as_deref() == Some(record.id);
        // To close it, one goes to where none is.
        let href = way::href(Part::Systems, (!open).then_some(record.id), SEED);
        html! {
            <li class={classes!("record", open.then_some("open"))} key={record.id}>
                <h3 id={format!("record-{}-title", record.id)} tabindex="-1">
                    <a {href} aria-expanded={open.to_string()}>
                        { icon(if open { Sign::Down } else { Sign::After }) }
                        <span class="record-title">{ record.title }</span>
                        <span class="record-system">{ record.system }</span>
                    </a>
                </h3>
                if open { <Opened id={record.id} /> }
            </li>
        }
    });
    html! {
        <section aria-labelledby="systems-title">
            <h2 id="systems-title" class="unseen">{ Part::Systems.title() }</h2>
            <p class="trust-lead">{ "These systems were run, and what they did was written down, step by step. Open a record: your browser does the same to the lab’s own mechanism, now, and compares every line." }</p>
            <ul class="records">{ for entries }</ul>
        </section>
    }
}

/// What came of a replay.
#[derive(Debug)]
struct Replayed {
    series: Vec<Series>,
}

async fn replay(record: &'static Record) -> Result<Replayed, String> {
    let path = format!("recorded/{}", record.file_name());
    let text = content::needed(&path).await?;
    let series = record.replay(&text);
    let series = series.map_err(|why| format!("{path}, {why}"))?;
    Ok(Replayed { series })
}

#[derive(Clone, PartialEq, Properties)]
struct OpenedProps {
    id: AttrValue,
}

/// An open record: it is fetched now.
#[component]
fn Opened(props: &OpenedProps) -> Html {
    let (replayed, again) = use_fetched(props.id.clone(), |id| async move {
        let record = Record::named(&id).ok_or("There is no such record.")?;
        replay(record).await
    });
    let chosen = use_state(|| 0_usize);
    let all = use_state(|| false);
    let Some(record) = Record::named(&props.id) else {
        return html! {};
    };
    let replayed = match &replayed {
        Loading::Waiting => {
            return html! { <p class="waiting" role="status">{ "Fetching the record …" }</p> };
        }
        Loading::Failed(why) => {
            let again = again.reform(|_: MouseEvent| ());
            return html! {
                <div class="failed" role="alert">
                    <p><strong>{ "The record could not be shown." }</strong></p>
                    <p>{ why }</p>
                    <button class="button primary" onclick={again}>{ "Try again" }</button>
                </div>
            };
        }
        Loading::Here(replayed) => replayed,
    };
    let lines = || replayed.series.iter().flat_map(|series| &series.lines);
    let (agree, of) = (lines().filter(|line| line.agrees).count(), lines().count());
    let at = (*chosen).min(replayed.series.len().saturating_sub(1));
    let choose = {
        let (chosen, all) = (chosen.clone(), all.clone());
        Callback::from(move |event: Event| {
            let select = event
                .target()
                .and_then(|t| t.dyn_into::<HtmlSelectElement>().ok());
            if let Some(at) =
                select.and_then(|select| usize::try_from(select.selected_index()).ok())
            {
                chosen.set(at);
                all.set(false);
            }
        })
    };
    let options = replayed.series.iter().enumerate().map(|(number, series)| {
        html! { <option selected={number == at}>{ format!("{} ({} lines)", series.title, series.lines.len()) }</option> }
    });
    let show = {
        let all = all.clone();
        Callback::from(move |_: MouseEvent| all.set(!*all))
    };
    let select = format!("series-{}", record.id);
    html! {
        <div class="record-body">
            <p>{ record.says }</p>
            <p class={classes!("agreement", (agree == of).then_some("all"))} role="status">
                { icon(if agree == of { Sign::Check } else { Sign::Cross }) }
                <span><strong>{ format!("{agree} of {of} lines agree") }</strong>{ ", replayed just now in your browser." }</span>
            </p>
            if let Some(series) = replayed.series.get(at) {
                if replayed.series.len() > 1 {
                    <p class="series-choice"><label for={select.clone()}>{ "Series" }</label>
                        <select id={select} onchange={choose}>{ for options }</select></p>
                }
                { ribbon(record, series) }
                { table(record, series, if *all { usize::MAX } else { FIRST }) }
                if series.lines.len() > FIRST {
                    <p><button class="button" onclick={show} aria-expanded={all.to_string()}>
                        { if *all { format!("Show the first {FIRST}") } else { format!("Show all {} lines", series.lines.len()) } }</button></p>
                }
            }
        </div>
    }
}

/// The whole series at a glance: a mark for each line, the real system's above the engine's.
fn ribbon(record: &Record, series: &Series) -> Html {
    let cells = |of: fn(&Line) -> &str| {
        let cells: Option<Vec<Html>> = { series.lines.iter() }
            .map(|line| {
                let tone = tone(record.id, of(line))?;
                Some(html! { <i class={classes!(tone, (!line.agrees).then_some("differs"))}></i> })
            })
            .collect();
        cells
    };
    let (Some(theirs), Some(ours)) = (cells(|line| &line.theirs), cells(|line| &line.ours)) else {
        return html! {};
    };
    html! {
        <div class="ribbon" aria-hidden="true">
            <span>{ "Real" }</span><div>{ for theirs }</div>
            <span>{ "Engine" }</span><div>{ for ours }</div>
        </div>
    }
}

/// The lines of a series, the real system beside the engine.
fn table(record: &Record, series: &Series, most: usize) -> Html {
    let drawing = Drawing::of(record.id);
    let lines = series.lines.iter().take(most).enumerate();
    let sign = |line: &Line| {
        let (sign, words) = if line.agrees {
            (Sign::Check, "Same")
        } else {
            (Sign::Cross, "Different")
        };
        html! { <><span class={if line.agrees { "same" } else { "differs" }}>{ icon(sign) }</span><span class="unseen">{ words }</span></> }
    };
    let [given, done] = record.heads;
    if drawing == Drawing::Hits {
        // Letter above letter, so that one sees which key was a hit.
        let groups = lines.map(|(at, line)| {
            let (places, keys) = line.given.split_once(": ").unwrap_or(("", &line.given));
            html! {
                <tbody key={at}>
                    <tr><th scope="rowgroup" rowspan="3">{ format!("{places} places") }</th><th scope="row">{ "Keys" }</th><td>{ drawing.given(keys) }</td><td rowspan="3">{ sign(line) }</td></tr>
                    <tr><th scope="row">{ "Real" }</th><td>{ drawing.cell(&line.theirs) }</td></tr>
                    <tr><th scope="row">{ "Engine" }</th><td>{ drawing.cell(&line.ours) }</td></tr>
                </tbody>
            }
        });
        return html! {
            <div class="sequence-frame" tabindex="0" role="group" aria-label="Lines of the record">
                <table class="sequence hits">
                    <caption class="unseen">{ &series.title }</caption>
                    { for groups }
                </table>
            </div>
        };
    }
    let rows = lines.map(|(at, line)| {
        html! {
            <tr key={at} class={(!line.agrees).then_some("differs")}>
                <th scope="row">{ drawing.given(&line.given) }</th>
                <td>{ drawing.cell(&line.theirs) }</td>
                <td>{ drawing.cell(&line.ours) }</td>
                <td>{ sign(line) }</td>
            </tr>
        }
    });
    html! {
        <div class="sequence-frame" tabindex="0" role="group" aria-label="Lines of the record">
            <table class="sequence">
                <caption class="unseen">{ format!("{}: {done}", series.title) }</caption>
                <thead><tr><th scope="col">{ given }</th><th scope="col">{ "Real system" }</th><th scope="col">{ "Engine" }</th><th scope="col"><span class="unseen">{ "Same or not" }</span></th></tr></thead>
                <tbody>{ for rows }</tbody>
            </table>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the page fetches has to be in its folder, and nothing else.
    #[test]
    fn the_page_has_the_file_of_every_record() {
        let index = include_str!("../../../../index.html");
        for record in RECORDS {
            let link = format!(
                r#"<link data-trunk rel="copy-file" href="tests/oracle/{}" data-target-path="recorded" />"#,
                record.file
            );
            assert!(index.contains(&link), "index.html lacks {link}");
        }
        assert_eq!(
            index.matches(r#"data-target-path="recorded""#).count(),
            RECORDS.len()
        );
    }
}
