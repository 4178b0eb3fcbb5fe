//! A report as text for people: aligned numbers, units in the heads.

use std::fmt::Write;

use comfy_table::{CellAlignment, LineStyle, Table, presets};

use crate::report::{Figure, Report};
use crate::violations::ViolationReport;

/// So many violations are shown in words.
const SENTENCES: usize = 5;

/// The report as text.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_text(&mut out, report);
    out
}

fn write_text(out: &mut String, report: &Report) -> std::fmt::Result {
    if !report.title.is_empty() {
        writeln!(out, "{}", report.title)?;
    }
    writeln!(out, "{}", subtitle(report))?;

    let system = &report.system;
    let rates = [
        column("offered\nrequests/s", [system.offered_per_s]),
        column("throughput\nrequests/s", [system.throughput_per_s]),
        column("goodput\nrequests/s", [system.goodput_per_s]),
        column("degraded\nrequests/s", [system.degraded_per_s]),
        column("lost\nrequests/s", [system.lost_per_s]),
        column("under way\nmean", [system.in_system]),
    ];
    section(out, "System", &rates)?;
    let latency = [
        column("mean\nms", [system.mean_ms]),
        column("p50\nms", [system.p50_ms]),
        column("p95\nms", [system.p95_ms]),
        column("p99\nms", [system.p99_ms]),
        column("max\nms", [system.max_ms]),
    ];
    section(out, "Latency of answered requests", &latency)?;

    let all = &report.stations;
    let stations = [
        Column::words("\nstation", all.iter().map(|s| s.station.clone())),
        column(
            "\nservers",
            all.iter()
                .map(|s| Some(Figure::Count(u64::from(s.servers)))),
        ),
        column(
            "throughput\nvisits/s",
            all.iter().map(|s| s.throughput_per_s),
        ),
        column(
            "utilisation\n%",
            all.iter().map(|s| s.utilisation.map(percent)),
        ),
        column("queue\nmean", all.iter().map(|s| s.queue_length)),
        column("queue\nmax", all.iter().map(|s| s.queue_max)),
        column("wait\nmean ms", all.iter().map(|s| s.wait_ms)),
        column("lost\nrequests/s", all.iter().map(|s| s.lost_per_s)),
    ];
    section(out, "Stations", &stations)?;

    if !report.caches.is_empty() {
        let all = &report.caches;
        let caches = [
            Column::words("\ncache", all.iter().map(|c| c.station.clone())),
            column("reads\nreads/s", all.iter().map(|c| c.reads_per_s)),
            column("hit ratio\n%", all.iter().map(|c| c.hit_ratio.map(percent))),
            column("stale\nhits/s", all.iter().map(|c| c.stale_per_s)),
            column("stale for\nmean ms", all.iter().map(|c| c.stale_ms)),
            column("evicted\nentries/s", all.iter().map(|c| c.evictions_per_s)),
            column("lost\nwrites", all.iter().map(|c| Some(c.lost_writes))),
        ];
        section(out, "Caches", &caches)?;
    }

    write_shards(out, report)?;

    if !report.services.is_empty() {
        let all = &report.services;
        let services = [
            Column::words("\nservice", all.iter().map(|s| s.service.clone())),
            column("instances\nmean", all.iter().map(|s| s.instances)),
            column(
                "sessions\nmade anew",
                all.iter().map(|s| Some(s.sessions_rebuilt)),
            ),
            column("sessions\nlost", all.iter().map(|s| Some(s.sessions_lost))),
        ];
        section(out, "Services", &services)?;
    }
    write_sagas(out, report)?;
    write_databases(out, report)?;
    write_brokers(out, report)?;
    write_sourcing(out, report)?;

    if !report.losses.is_empty() {
        let all = &report.losses;
        let losses = [
            Column::words("\nwhere", all.iter().map(|l| l.station.clone())),
            Column::words("\nwhy", all.iter().map(|l| l.reason.to_owned())),
            column("lost\nrequests", all.iter().map(|l| Some(l.lost))),
            column("lost\nrequests/s", all.iter().map(|l| l.lost_per_s)),
        ];
        section(out, "Losses", &losses)?;
    }

    write_violations(out, report)?;

    let requests = &report.requests;
    writeln!(
        out,
        "\nFrom the start: {} sent = {} answered + {} lost + {} under way{}",
        shown(requests.sent),
        shown(requests.completed),
        shown(requests.lost),
        shown(requests.under_way),
        if report.runs.len() > 1 {
            " (means)"
        } else {
            ""
        },
    )
}

fn write_shards(out: &mut String, report: &Report) -> std::fmt::Result {
    let all = &report.shards;
    if all.is_empty() {
        return Ok(());
    }
    let shards = [
        Column::words("\nshards", all.iter().map(|s| s.station.clone())),
        column("moved\nkeys", all.iter().map(|s| Some(s.keys_moved))),
        column("stale\nreads", all.iter().map(|s| Some(s.stale_reads))),
        column("lost\nwrites", all.iter().map(|s| Some(s.lost_writes))),
        column(
            "partial\nanswers",
            all.iter().map(|s| Some(s.partial_answers)),
        ),
    ];
    section(out, "Shards", &shards)
}

fn write_sagas(out: &mut String, report: &Report) -> std::fmt::Result {
    if !report.sagas.is_empty() {
        let all = &report.sagas;
        let sagas = [
            Column::words("\nservice", all.iter().map(|s| s.service.clone())),
            column("finished\nsagas", all.iter().map(|s| Some(s.finished))),
            column(
                "compensated\nsagas",
                all.iter().map(|s| Some(s.compensated)),
            ),
            column("stuck\nsagas", all.iter().map(|s| Some(s.stuck))),
        ];
        section(out, "Sagas", &sagas)?;
    }
    Ok(())
}

fn write_databases(out: &mut String, report: &Report) -> std::fmt::Result {
    let all = &report.databases;
    let names = || Column::words("\nnode", all.iter().map(|d| d.station.clone()));
    if !all.is_empty() {
        let rows = [
            names(),
            column(
                "examined\nrows/s",
                all.iter().map(|d| d.rows_examined_per_s),
            ),
            column("written\nrows/s", all.iter().map(|d| d.rows_written_per_s)),
            column("lock waits\n", all.iter().map(|d| Some(d.lock_waits))),
            column("lock wait\nmean ms", all.iter().map(|d| d.lock_wait_ms)),
            column("conflicts\n", all.iter().map(|d| Some(d.conflicts))),
            column("connections\nset up", all.iter().map(|d| Some(d.connects))),
            column("connection\nmean ms", all.iter().map(|d| d.connect_ms)),
        ];
        section(out, "Databases", &rows)?;
    }
    let seen = |figure: Figure| !matches!(figure, Figure::Count(0));
    if all
        .iter()
        .any(|d| seen(d.replica_reads) || seen(d.lost_writes))
    {
        let replicas = [
            names(),
            column("reads\n", all.iter().map(|d| Some(d.replica_reads))),
            column("stale\nreads", all.iter().map(|d| Some(d.stale_reads))),
            column("stale for\nmean ms", all.iter().map(|d| d.stale_ms)),
            column("stale for\nmax ms", all.iter().map(|d| d.stale_max_ms)),
            column("own write\nmissed", all.iter().map(|d| Some(d.own_missed))),
            column("lag\nmean ms", all.iter().map(|d| d.lag_ms)),
            column("lag\nmax ms", all.iter().map(|d| d.lag_max_ms)),
            column("writes\nlost", all.iter().map(|d| Some(d.lost_writes))),
        ];
        section(out, "Replication", &replicas)?;
    }
    if all.iter().any(|d| seen(d.resolved)) {
        let doubts = [
            names(),
            column("branches\ndecided", all.iter().map(|d| Some(d.resolved))),
            column("in doubt\nmean ms", all.iter().map(|d| d.in_doubt_ms)),
            column("in doubt\nmax ms", all.iter().map(|d| d.in_doubt_max_ms)),
        ];
        section(out, "Two-phase commit", &doubts)?;
    }
    Ok(())
}

/// Which invariants held, and the first violations in words.
fn write_violations(out: &mut String, report: &Report) -> std::fmt::Result {
    let all = &report.invariants;
    if all.is_empty() {
        return Ok(());
    }
    let invariants = [
        Column::words("\ninvariant", all.iter().map(|i| i.invariant.to_owned())),
        Column::words("\nof", all.iter().map(|i| i.of.clone())),
        column("\nviolations", all.iter().map(|i| Some(i.violations))),
    ];
    section(out, "Invariants", &invariants)?;
    if report.violations.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nFirst violations")?;
    let several = report.runs.len() > 1;
    for violation in report.violations.iter().take(SENTENCES) {
        let ViolationReport {
            seed,
            at_s,
            invariant,
            sentence,
            ..
        } = violation;
        if several {
            write!(out, "  seed {seed},")?;
        }
        writeln!(out, "  {at_s:.6} s, {invariant}: {sentence}")?;
    }
    Ok(())
}

fn write_brokers(out: &mut String, report: &Report) -> std::fmt::Result {
    let all = &report.brokers;
    if all.is_empty() {
        return Ok(());
    }
    let columns = [
        Column::words("\nbroker", all.iter().map(|b| b.broker.clone())),
        column(
            "published\nmessages/s",
            all.iter().map(|b| b.published_per_s),
        ),
        column(
            "processed\nmessages/s",
            all.iter().map(|b| b.processed_per_s),
        ),
        column(
            "processed after\nmean ms",
            all.iter().map(|b| b.processed_ms),
        ),
        column("backlog\nmean", all.iter().map(|b| b.backlog)),
        column("backlog\nmax", all.iter().map(|b| Some(b.backlog_max))),
        column("delivered\nagain", all.iter().map(|b| Some(b.redelivered))),
        column("dead\nletters", all.iter().map(|b| Some(b.dead_letters))),
        column("dropped\n", all.iter().map(|b| Some(b.dropped))),
        column("lost\n", all.iter().map(|b| Some(b.lost))),
    ];
    section(out, "Messages", &columns)
}

fn write_sourcing(out: &mut String, report: &Report) -> std::fmt::Result {
    let all = &report.event_stores;
    if !all.is_empty() {
        let stores = [
            Column::words("\nevent store", all.iter().map(|s| s.station.clone())),
            column("loads\nstreams/s", all.iter().map(|s| s.loads_per_s)),
            column(
                "replayed\nevents/load",
                all.iter().map(|s| s.events_per_load),
            ),
            column("upcast\nevents", all.iter().map(|s| Some(s.upcasts))),
            column("appended\nevents/s", all.iter().map(|s| s.appended_per_s)),
            column("conflicts\n", all.iter().map(|s| Some(s.conflicts))),
            column("snapshots\ntaken", all.iter().map(|s| Some(s.snapshots))),
        ];
        section(out, "Event stores", &stores)?;
    }
    let all = &report.views;
    if !all.is_empty() {
        let views = [
            Column::words("\nview", all.iter().map(|v| v.station.clone())),
            column("reads\nrows/s", all.iter().map(|v| v.reads_per_s)),
            column("stale\nreads", all.iter().map(|v| Some(v.stale_reads))),
            column("stale for\nmean ms", all.iter().map(|v| v.stale_ms)),
            column("stale for\nmax ms", all.iter().map(|v| v.stale_max_ms)),
            column("applied\nchanges/s", all.iter().map(|v| v.applied_per_s)),
            column("lag\nmean ms", all.iter().map(|v| v.lag_ms)),
            column("lag\nmax ms", all.iter().map(|v| v.lag_max_ms)),
            column(
                "behind\nmax changes",
                all.iter().map(|v| Some(v.behind_max)),
            ),
        ];
        section(out, "Views", &views)?;
    }
    Ok(())
}

fn subtitle(report: &Report) -> String {
    let (file, span) = (&report.scenario, span(report));
    match report.runs.as_slice() {
        [first, .., last] => format!(
            "{file}: {} runs with seeds {} to {}, each {span}; means ± their 99% confidence half-widths",
            report.runs.len(),
            first.seed,
            last.seed,
        ),
        [run] => match &run.stopped {
            Some(_) => format!(
                "{file}: seed {}, stopped at {:.3} s of {span}",
                run.seed, run.ended_s
            ),
            None => format!("{file}: seed {}, {span}", run.seed),
        },
        [] => file.clone(),
    }
}

fn span(report: &Report) -> String {
    if report.warmup_s > 0.0 {
        format!(
            "{} s, measured after {} s of warm-up",
            report.until_s, report.warmup_s
        )
    } else {
        format!("{} s", report.until_s)
    }
}

/// A table under its name, a blank line before it.
fn section(out: &mut String, name: &str, columns: &[Column]) -> std::fmt::Result {
    let mut table = Table::new();
    table.load_style(presets::NOTHING.header_separator(LineStyle::none().fill('─')));
    table.set_header(columns.iter().map(|column| column.head.as_str()));
    let rows = columns
        .iter()
        .map(|column| column.cells.len())
        .max()
        .unwrap_or(0);
    for row in 0..rows {
        table.add_row(columns.iter().map(|column| column.cells[row].as_str()));
    }
    for (at, column) in columns.iter().enumerate() {
        if let Some(of_table) = table.column_mut(at) {
            of_table.set_cell_alignment(column.alignment);
            of_table.set_padding((2, 0));
        }
    }
    writeln!(out, "\n{name}\n{}", table.trim_fmt())
}

/// A column of a table, with its cells as text.
struct Column {
    head: String,
    cells: Vec<String>,
    alignment: CellAlignment,
}

impl Column {
    fn words(head: &str, cells: impl IntoIterator<Item = String>) -> Self {
        Self {
            head: head.to_owned(),
            cells: cells.into_iter().collect(),
            alignment: CellAlignment::Left,
        }
    }
}

/// A column of figures, all with as many decimals, so that their points stand below each other.
fn column(head: &str, figures: impl IntoIterator<Item = Option<Figure>>) -> Column {
    let figures: Vec<Option<Figure>> = figures.into_iter().collect();
    let decimals = figures
        .iter()
        .flatten()
        .filter_map(|f| decimals(*f))
        .min()
        .unwrap_or(0);
    let cell = |figure: &Option<Figure>| {
        figure.map_or_else(|| "–".to_owned(), |f| with_decimals(f, decimals))
    };
    Column {
        head: head.to_owned(),
        cells: figures.iter().map(cell).collect(),
        alignment: CellAlignment::Right,
    }
}

fn percent(ratio: Figure) -> Figure {
    match ratio {
        Figure::Count(count) => Figure::Count(count * 100),
        Figure::Value(value) => Figure::Value(value * 100.0),
        Figure::Estimate(mut estimate) => {
            estimate.mean *= 100.0;
            estimate.half_width = estimate.half_width.map(|width| width * 100.0);
            Figure::Estimate(estimate)
        }
    }
}

fn shown(figure: Figure) -> String {
    with_decimals(figure, decimals(figure).unwrap_or(0))
}

/// The decimals that tell as much as the figure knows: four digits of a number, two of a half-width. `None` if any will do.
fn decimals(figure: Figure) -> Option<usize> {
    let for_digits = |digits: i32, value: f64| {
        let magnitude = value.abs().log10().floor() as i32;
        (value != 0.0).then(|| (digits - 1 - magnitude).clamp(0, 6) as usize)
    };
    match figure {
        Figure::Count(_) => None,
        Figure::Value(value) => for_digits(4, value),
        Figure::Estimate(estimate) => match estimate.half_width {
            Some(width) if width > 0.0 => for_digits(2, width),
            _ if estimate.mean.fract() == 0.0 => None,
            _ => for_digits(4, estimate.mean),
        },
    }
}

fn with_decimals(figure: Figure, decimals: usize) -> String {
    match figure {
        Figure::Count(count) => count.to_string(),
        Figure::Value(value) => format!("{value:.decimals$}"),
        Figure::Estimate(estimate) => match estimate.half_width {
            Some(width) => format!("{:.decimals$} ± {width:.decimals$}", estimate.mean),
            None => format!("{:.decimals$}", estimate.mean),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scale_sim::Estimate;

    fn check(figures: &[Figure], expected: &[&str]) {
        let cells = column("", figures.iter().copied().map(Some)).cells;
        assert_eq!(cells, expected);
    }

    fn estimate(mean: f64, half_width: f64) -> Figure {
        Figure::Estimate(Estimate {
            mean,
            half_width: Some(half_width),
            level: 0.99,
            n: 20,
        })
    }

    #[test]
    fn the_greatest_number_of_a_column_shows_four_digits() {
        check(&[Figure::Value(0.712_345)], &["0.7123"]);
        check(
            &[Figure::Value(44.8712), Figure::Value(0.019)],
            &["44.87", "0.02"],
        );
        check(
            &[Figure::Value(123_456.7), Figure::Value(1.0)],
            &["123457", "1"],
        );
        check(
            &[Figure::Value(0.0), Figure::Value(2.5)],
            &["0.000", "2.500"],
        );
        check(&[Figure::Value(0.0)], &["0"]);
        check(&[Figure::Value(1e-9)], &["0.000000"]);
        check(&[Figure::Count(7), Figure::Count(12_345)], &["7", "12345"]);
    }

    #[test]
    fn half_widths_show_two_digits_and_their_means_as_many_decimals() {
        check(&[estimate(33.4567, 0.2613)], &["33.46 ± 0.26"]);
        check(&[estimate(210_138.4, 282.3)], &["210138 ± 282"]);
        check(&[estimate(5.0, 0.0)], &["5 ± 0"]);
        check(
            &[estimate(5.0, 0.0), estimate(3.21, 0.4)],
            &["5.00 ± 0.00", "3.21 ± 0.40"],
        );
    }

    #[test]
    fn what_could_not_be_measured_is_a_dash() {
        let cells = column("", [None, Some(Figure::Value(1.5))]).cells;
        assert_eq!(cells, ["–", "1.500"]);
    }

    #[test]
    fn a_table_lines_its_numbers_up_on_the_right() {
        let mut out = String::new();
        let names = Column::words("\nstation", ["a".to_owned(), "b.10".to_owned()]);
        let figures = column(
            "wait\nms",
            [Some(Figure::Value(1.5)), Some(Figure::Value(120.0))],
        );
        section(&mut out, "Stations", &[names, figures]).expect("a String takes any text");
        let expected = "\nStations\n            wait\n  station     ms\n────────────────\n  a          1.5\n  b.10     120.0\n";
        assert_eq!(out, expected);
    }
}
