//! The report as one page: it needs nothing beside it, runs nothing, and prints well.

use scale_capacity::{Report, Sweep};

use super::curve::{Colours, Shown, svg};
use super::words::{against, bottleneck, estimate, first, knee, label, law, left_out, times};
use crate::sandbox::words::{number, summary};

const LOOKS: &str = "\
:root{color-scheme:light}\
body{font:11pt/1.5 Georgia,'Times New Roman',serif;color:#1e2126;background:#fff;max-width:46rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .3rem}h2{font-size:1.2rem;margin:1.8rem 0 .4rem;break-after:avoid}\
table{border-collapse:collapse;width:100%;font:9.5pt/1.4 system-ui,sans-serif;font-variant-numeric:tabular-nums}\
th,td{text-align:left;padding:.25rem .6rem .25rem 0;border-bottom:1px solid #d9d4ca;vertical-align:top}\
figure{margin:.6rem 0;break-inside:avoid}figure svg{max-width:100%;height:auto}figcaption{font:9.5pt system-ui,sans-serif;color:#5a5f69}\
.verdict{font-size:1.15rem}.met{color:#1c7440}.missed{color:#b3261e}.small{color:#5a5f69;font-size:.9em}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:8pt;line-height:1.35;background:#f6f4ef;padding:.8rem;border-radius:6px}\
blockquote{margin:.5rem 0;padding:.1rem 0 .1rem 1rem;border-left:3px solid #2f4bb8}\
@media print{body{margin:0;max-width:none}a{color:inherit}tr{break-inside:avoid}}@page{margin:16mm}";

/// A text as HTML has it.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The report as a page. `before` is the curve it is compared with, `day` when it was made.
pub fn html(report: &Report, before: Option<&Sweep>, day: &str) -> String {
    let design = &report.design;
    let title = if design.title.is_empty() {
        "A design"
    } else {
        &design.title
    };
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>{0}: 10× certificate</title>\n<style>{LOOKS}</style>\n</head>\n<body>\n<h1>{0}</h1>\n<p class=\"small\">10× certificate · {day} · Scale Lab {1} · seed {2} · {3} runs at each load</p>\n",
        escaped(title),
        escaped(&report.lab),
        report.seed,
        report.replications
    );
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    let met = matches!(report.sweep.knee, scale_capacity::Knee::Beyond(_));
    line(&format!(
        "<p class=\"verdict {}\">{}</p>",
        if met { "met" } else { "missed" },
        escaped(&knee(&report.sweep.knee))
    ));
    let p99 = report.goal.p99_ms.map_or_else(String::new, |most| {
        format!(
            ", and the 99th percentile of latency is at most {} ms",
            number(most)
        )
    });
    line(&format!(
        "<p>The goal: {} % of requests are answered in time{p99}; at the worse end of the 95 % intervals, too.</p>",
        number(report.goal.availability * 100.0)
    ));
    if let Some((at, short)) = first(report) {
        line(&format!(
            "<p>What gives first, at {}: <strong>{}</strong>.</p>",
            times(at),
            escaped(&bottleneck(design, short))
        ));
    }
    line("<h2>The curves</h2>");
    for shown in [Shown::Throughput, Shown::Latency, Shown::Availability] {
        if let Some(svg) = svg(report, before, shown, &Colours::PRINT) {
            let key = match (shown, before.is_some()) {
                (Shown::Throughput, false) => {
                    ": measured (blue, with 95 % intervals), sent (dotted), the law (dashed)"
                }
                (Shown::Throughput, true) => {
                    ": measured (blue, with 95 % intervals), before the change (pale), sent (dotted), the law (dashed)"
                }
                (_, false) => ", and the goal (red line)",
                (_, true) => ", before the change (pale), and the goal (red line)",
            };
            line(&format!(
                "<figure>{svg}<figcaption>{}{key}. Shaded: the goal is missed.</figcaption></figure>",
                shown.title()
            ));
        }
    }
    line(
        "<table><thead><tr><th>Load</th><th>Sent/s</th><th>Answered/s</th><th>In time, %</th><th>p99, ms</th><th>Goal</th><th>Gives first</th></tr></thead><tbody>",
    );
    for (point, short) in report.sweep.points.iter().zip(&report.bottlenecks) {
        line(&format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            times(point.factor),
            estimate(&point.offered_per_s, 1.0, 0),
            estimate(&point.throughput_per_s, 1.0, 0),
            estimate(&point.availability, 100.0, 2),
            point
                .p99_ms
                .as_ref()
                .map_or_else(|| "–".to_owned(), |p99| estimate(p99, 1.0, 0)),
            if point.met { "met" } else { "missed" },
            short.first().map_or_else(
                || "none yet".to_owned(),
                |short| escaped(&bottleneck(design, short))
            )
        ));
    }
    line("</tbody></table>");
    if let Some(usl) = &report.sweep.usl {
        line(&format!("<p>{}</p>", escaped(&law(usl).join(" "))));
    }
    if let Some(said) = &report.said {
        line("<h2>Said before, and found</h2>");
        if !said.change.trim().is_empty() {
            line(&format!(
                "<blockquote>{}</blockquote>",
                escaped(said.change.trim())
            ));
        }
        line("<ul>");
        for against in against(report, said) {
            let mark = match against.right {
                Some(true) => "Right. ",
                Some(false) => "Not so. ",
                None => "",
            };
            line(&format!("<li>{mark}{}</li>", escaped(&against.words)));
        }
        line("</ul>");
    }
    line("<h2>The design</h2>");
    line(
        "<table><thead><tr><th>Component</th><th>Kind</th><th>What there is of it</th><th>Calls</th></tr></thead><tbody>",
    );
    for (name, component) in &design.components {
        let calls: Vec<&str> = component
            .targets()
            .into_iter()
            .map(|to| label(design, to))
            .collect();
        line(&format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(label(design, name)),
            scale_design::palette::words(component.kind()).0,
            escaped(&summary(component)),
            escaped(&calls.join(", "))
        ));
    }
    line("</tbody></table>");
    line("<h2>What is not modelled</h2><ul>");
    for (kind, leaves_out) in left_out(design) {
        line(&format!("<li><strong>{kind}</strong>: {leaves_out}</li>"));
    }
    line("</ul>");
    line("<h2>How to make it again</h2>");
    line(
        "<p>Keep this file, and run <code>lab certify FILE</code> with the same version of the lab: it makes all runs again and compares every figure. The design, as the lab reads it:</p>",
    );
    let scenario = serde_json::to_string_pretty(design).expect("plain data");
    line(&format!("<pre>{}</pre>", escaped(&scenario)));
    line(&report.embedded());
    line("</body>\n</html>");
    out
}
