//! Circuit breakers and rate limits.

use scale_sim::{
    Admit, Breaker, BreakerState, Duration, Phase, RateLimit, RateLimitState, Time, read_json,
};

use super::{Line, Row, Series, Table};

/// A recorded set-up of a breaker: its words in the record's own columns, what it is to the reader, and the same as the lab's setting.
struct Setup {
    recorded: &'static [&'static str],
    title: &'static str,
    settings: &'static str,
}

const THREE_IN_A_ROW: &str = r#"{ "consecutive": { "failures": 3, "open_ms": 10000 } }"#;

pub(super) fn pybreaker(table: &Table) -> Result<Vec<Series>, String> {
    breakers(
        table,
        &["config"],
        &[
            Setup {
                recorded: &["fail_max3_reset10s"],
                title: "One call on trial",
                settings: THREE_IN_A_ROW,
            },
            Setup {
                recorded: &["fail_max3_reset10s_success_threshold2"],
                title: "Two calls on trial",
                settings: r#"{ "consecutive": { "failures": 3, "open_ms": 10000, "half_open_calls": 2 } }"#,
            },
        ],
    )
}

pub(super) fn gobreaker(table: &Table) -> Result<Vec<Series>, String> {
    // Its source asks for strictly more than the wait, but its recorded calls at exactly the wait are let through.
    breakers(
        table,
        &["config"],
        &[Setup {
            recorded: &["consecutive3_timeout10s_maxreq1"],
            title: "One call on trial",
            settings: THREE_IN_A_ROW,
        }],
    )
}

pub(super) fn cockatiel(table: &Table) -> Result<Vec<Series>, String> {
    breakers(
        table,
        &["library", "config"],
        &[
            Setup {
                recorded: &["cockatiel", "consecutive3_half10s"],
                title: "Three failures in a row",
                settings: THREE_IN_A_ROW,
            },
            // It asks for more than half; among ten calls that is 0.51.
            Setup {
                recorded: &["cockatiel", "count_size10_thr0_5_min4"],
                title: "More than half of ten",
                settings: r#"{ "window": { "size": 10, "min_calls": 4, "failure_rate": 0.51, "open_ms": 10000, "trial": "one_by_one" } }"#,
            },
        ],
    )
}

pub(super) fn resilience4j(table: &Table) -> Result<Vec<Series>, String> {
    breakers(
        table,
        &["config"],
        &[
            Setup {
                recorded: &["count10_min5_rate50_wait10s_half3"],
                title: "The last ten calls",
                settings: r#"{ "window": { "size": 10, "min_calls": 5, "failure_rate": 0.5, "open_ms": 10000, "half_open_calls": 3, "strictly_after": true } }"#,
            },
            Setup {
                recorded: &["time10s_min5_rate50_wait10s_half2"],
                title: "The last ten seconds",
                settings: r#"{ "window": { "size": 10, "unit": "seconds", "min_calls": 5, "failure_rate": 0.5, "open_ms": 10000, "half_open_calls": 2, "strictly_after": true } }"#,
            },
        ],
    )
}

fn breakers(table: &Table, columns: &[&str], setups: &[Setup]) -> Result<Vec<Series>, String> {
    let mut series = Vec::new();
    for rows in table.groups(&[columns, &["run"]].concat())? {
        let of: Result<Vec<&str>, String> =
            columns.iter().map(|column| rows[0].get(column)).collect();
        let of = of?;
        let Some(setup) = setups.iter().find(|setup| setup.recorded == of) else {
            continue;
        };
        let settings: Breaker = read_json(setup.settings).map_err(|fault| fault.to_string())?;
        let mut state = BreakerState::new(&settings);
        let lines: Result<Vec<Line>, String> =
            rows.iter().map(|row| call(&mut state, row)).collect();
        let run: u32 = rows[0].number("run")?;
        series.push(Series {
            title: format!("{}, run {}", setup.title, run.saturating_add(1)),
            lines: lines?,
        });
    }
    if series.is_empty() {
        return Err("line 2: none of the recorded set-ups is in the file".to_owned());
    }
    Ok(series)
}

/// One call, permitted or not, and what becomes of the breaker.
fn call(state: &mut BreakerState, row: &Row<'_>) -> Result<Line, String> {
    let at_ms: u32 = row.number("t_ms")?;
    let now = Time::ZERO + Duration::from_millis(f64::from(at_ms));
    let works = match row.get("backend_would")? {
        "S" => true,
        "F" => false,
        other => return Err(row.wrong("backend_would", other, "S or F")),
    };
    let permit = state.permit(now);
    if let Some(period) = permit.period {
        state.record(now, period, works, Duration::ZERO);
    }
    let phase = match state.phase() {
        Phase::Closed => "closed",
        Phase::Open => "open",
        Phase::HalfOpen => "half-open",
    };
    let shown =
        |through: bool, phase: &str| format!("{}, {phase}", if through { "yes" } else { "no" });
    Ok(Line::exact(
        format!(
            "{} s, would {}",
            f64::from(at_ms) / 1e3,
            if works { "work" } else { "fail" }
        ),
        &shown(row.get("permitted")? == "1", row.get("state_after")?),
        shown(permit.period.is_some(), phase),
    ))
}

/// How far a recorded delay may be off, in milliseconds.
const CLOCK_MS: f64 = 5.0;

pub(super) fn leaky_bucket(table: &Table) -> Result<Vec<Series>, String> {
    let mut series = Vec::new();
    for rows in table.groups(&["scenario", "rep"])? {
        let (title, burst) = match rows[0].get("scenario")? {
            "noburst" => ("No burst", r#""burst": 0"#),
            "burst5" => ("A burst of five, delayed", r#""burst": 5"#),
            "burst5_nodelay" => (
                "A burst of five, not delayed",
                r#""burst": 5, "nodelay": true"#,
            ),
            other => {
                return Err(rows[0].wrong("scenario", other, "noburst, burst5 or burst5_nodelay"));
            }
        };
        let settings = format!(r#"{{ "leaky_bucket": {{ "rate_per_s": 10, {burst} }} }}"#);
        let settings: RateLimit = read_json(&settings).map_err(|fault| fault.to_string())?;
        let mut state = RateLimitState::new(&settings);
        let mut lines = Vec::new();
        for row in &rows {
            let at_ms: u32 = row.number("t_nginx_ms")?;
            let now = Time::ZERO + Duration::from_millis(f64::from(at_ms));
            let (found, waited_ms) = match state.admit(now, 0) {
                Admit::Pass => ("PASSED", 0.0),
                Admit::Delay(delay) => ("DELAYED", delay.millis()),
                Admit::Reject => ("REJECTED", 0.0),
            };
            let (theirs, delay_ms) = (row.get("limit_req_status")?, row.number("delay_ms")?);
            let shown = |what: &str, ms: f64| match what {
                "DELAYED" => format!("delayed {ms:.0} ms"),
                other => other.to_lowercase(),
            };
            lines.push(Line {
                given: format!("{at_ms} ms"),
                theirs: shown(theirs, delay_ms),
                ours: shown(found, waited_ms),
                agrees: theirs == found && (waited_ms - delay_ms).abs() <= CLOCK_MS,
            });
        }
        let rep: u32 = rows[0].number("rep")?;
        series.push(Series {
            title: format!("{title}, run {}", rep.saturating_add(1)),
            lines,
        });
    }
    Ok(series)
}
