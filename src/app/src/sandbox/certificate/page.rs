//! The report as one page: it needs nothing beside it, runs nothing, and prints well.

use scale_capacity::{Knee, Report, Sweep};
use scale_sim::Scenario;

use super::curve::{Colours, Shown, svg};
use super::words::{
    against, bottleneck, costs, estimate, first, knee, label, law, left_out, times,
};
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

/// The report as a page. `before` is the curve it is compared with, `day` when it was made, `picture` the design as SVG.
pub fn html(report: &Report, before: Option<&Sweep>, day: &str, picture: &str) -> String {
    let design = &report.design;
    let title = match design.title.as_str() {
        "" => "A design".to_owned(),
        title => escaped(title),
    };
    let mut lines = vec![
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}: 10× certificate</title>\n<style>{LOOKS}</style>\n</head>\n<body>\n<h1>{title}</h1>"
        ),
        format!(
            "<p class=\"small\">10× certificate · {day} · Scale Lab {} · seed {} · {} runs at each load</p>",
            escaped(&report.lab),
            report.seed,
            report.replications
        ),
    ];
    verdict(&mut lines, report);
    curves(&mut lines, report, before);
    said(&mut lines, report);
    made_of(&mut lines, design, picture);
    lines.push("<h2>How to make it again</h2>".to_owned());
    lines.push("<p>Keep this file, and run <code>lab certify FILE</code> with the same version of the lab: it makes all runs again and compares every figure. The design, as the lab reads it:</p>".to_owned());
    let scenario = scale_sim::write_json(design);
    lines.push(format!(
        "<details><summary>The design as JSON</summary><pre>{}</pre></details>",
        escaped(&scenario)
    ));
    lines.push(report.embedded());
    lines.push("</body>\n</html>\n".to_owned());
    lines.join("\n")
}

/// What it comes to.
fn verdict(lines: &mut Vec<String>, report: &Report) {
    let met = matches!(report.sweep.knee, Knee::Beyond(_));
    lines.push(format!(
        "<p class=\"verdict {}\">{}</p>",
        if met { "met" } else { "missed" },
        escaped(&knee(&report.sweep.knee))
    ));
    let p99 = report.goal.p99_ms.map(|most| {
        let most = number(most);
        format!(", and the 99th percentile of latency is at most {most} ms")
    });
    lines.push(format!(
        "<p>The goal: {} % of requests are answered in time{}; at the worse end of the 95 % intervals, too.</p>",
        number(report.goal.availability * 100.0),
        p99.unwrap_or_default()
    ));
    if let Some((at, short)) = first(report) {
        lines.push(format!(
            "<p>What gives first, at {}: <strong>{}</strong>.</p>",
            times(at),
            escaped(&bottleneck(&report.design, short))
        ));
    }
}

/// The curves and their figures.
fn curves(lines: &mut Vec<String>, report: &Report, before: Option<&Sweep>) {
    lines.push("<h2>The curves</h2>".to_owned());
    for shown in [Shown::Throughput, Shown::Latency, Shown::Availability] {
        let Some(svg) = svg(report, before, shown, &Colours::PRINT) else {
            continue;
        };
        let earlier = before.map_or("", |_| ", before the change (pale)");
        let rest = match shown {
            Shown::Throughput => ", sent (dotted), the Universal Scalability Law (dashed)",
            Shown::Latency | Shown::Availability => ", the goal (red line)",
        };
        lines.push(format!(
            "<figure>{svg}<figcaption>{}: measured (blue, with 95 % intervals){earlier}{rest}. Shaded: the goal is missed.</figcaption></figure>",
            shown.title()
        ));
    }
    lines.push("<table><thead><tr><th>Load</th><th>Sent/s</th><th>Answered/s</th><th>In time, %</th><th>p99, ms</th><th>Goal</th><th>Gives first</th></tr></thead><tbody>".to_owned());
    for (point, short) in report.sweep.points.iter().zip(&report.bottlenecks) {
        let p99 = point.p99_ms.as_ref();
        lines.push(format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            times(point.factor),
            estimate(&point.offered_per_s, 1.0, 0),
            estimate(&point.throughput_per_s, 1.0, 0),
            estimate(&point.availability, 100.0, 2),
            p99.map_or_else(|| "–".to_owned(), |p99| estimate(p99, 1.0, 0)),
            if point.met { "met" } else { "missed" },
            short.first().map_or_else(
                || "none yet".to_owned(),
                |short| escaped(&bottleneck(&report.design, short))
            )
        ));
    }
    lines.push("</tbody></table>".to_owned());
    lines.push(format!("<p>{}</p>", escaped(&costs(report))));
    if let Some(usl) = &report.sweep.usl {
        lines.push(format!("<p>{}</p>", escaped(&law(usl).join(" "))));
    }
}

/// What was said before, against what was found.
fn said(lines: &mut Vec<String>, report: &Report) {
    let Some(said) = &report.said else {
        return;
    };
    lines.push("<h2>Said before, and found</h2>".to_owned());
    if !said.change.trim().is_empty() {
        lines.push(format!(
            "<blockquote>{}</blockquote>",
            escaped(said.change.trim())
        ));
    }
    lines.push("<ul>".to_owned());
    for against in against(report, said) {
        let mark = match against.right {
            Some(true) => "Right. ",
            Some(false) => "Not so. ",
            None => "",
        };
        lines.push(format!("<li>{mark}{}</li>", escaped(&against.words)));
    }
    lines.push("</ul>".to_owned());
}

/// The design, and what is not modelled of it.
fn made_of(lines: &mut Vec<String>, design: &Scenario, picture: &str) {
    lines.push("<h2>The design</h2>".to_owned());
    lines.push(format!("<figure>{picture}</figure>"));
    lines.push("<table><thead><tr><th>Component</th><th>Kind</th><th>What there is of it</th><th>Calls</th></tr></thead><tbody>".to_owned());
    for (name, component) in &design.components {
        let calls = component.targets().into_iter();
        let mut calls: Vec<&str> = calls.map(|to| label(design, to)).collect();
        calls.sort_unstable();
        calls.dedup();
        lines.push(format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(label(design, name)),
            scale_design::palette::words(component.kind()).0,
            escaped(&summary(component)),
            escaped(&calls.join(", "))
        ));
    }
    lines.push("</tbody></table>".to_owned());
    lines.push("<h2>What is not modelled</h2>\n<ul>".to_owned());
    for (kind, leaves_out) in left_out(design) {
        lines.push(format!("<li><strong>{kind}</strong>: {leaves_out}</li>"));
    }
    lines.push("</ul>".to_owned());
}
