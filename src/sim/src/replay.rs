//! Recorded arrivals: a CSV of timestamps, or a web server's access log.
//!
//! The first arrival is moved to the start of the run; the others keep their distances. An access log tells whole seconds
//! only: the lines of one second are spread evenly over it, in their order. Servers write a line when a request *ends*, so
//! a line may be stamped earlier than the one before; it then counts for the second of the line before it.

use core::fmt;
use std::sync::Arc;

use crate::component::LogFormat;
use crate::limits;
use crate::time::Time;

/// What is wrong with a file of recorded arrivals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplayError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it and what is allowed.
    pub message: String,
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ReplayError {}

/// Reads the arrivals of a file, in order, the first at the start of the run.
///
/// # Errors
///
/// The first line that is not of the format, or that comes after the last one allowed.
pub fn read(text: &str, format: LogFormat) -> Result<Arc<[Time]>, ReplayError> {
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        if line.trim().is_empty() {
            continue;
        }
        let parsed = match format {
            LogFormat::Csv => csv_seconds(line),
            LogFormat::CommonLog => common_log_seconds(line).map(Seconds::Whole),
        };
        match parsed {
            Ok(seconds) => lines.push((at + 1, seconds)),
            // A head line is what a first line without a number is.
            Err(_) if format == LogFormat::Csv && at == 0 => {}
            Err(message) => {
                return Err(ReplayError {
                    line: at + 1,
                    message,
                });
            }
        }
        if lines.len() > limits::REPLAY {
            let message = format!("more than {} arrivals: split the file", limits::REPLAY);
            return Err(ReplayError {
                line: at + 1,
                message,
            });
        }
    }
    if lines.is_empty() {
        let message = "the file has no arrivals".to_owned();
        return Err(ReplayError { line: 1, message });
    }
    match format {
        LogFormat::Csv => exact(&lines),
        LogFormat::CommonLog => Ok(spread(&lines)),
    }
}

/// Reads the moments that a scenario keeps itself, the first at the start of the run: a line each, in seconds, with nine digits behind the
/// point at most, in order.
///
/// It does not go by way of floating point: so each moment is exact, and the simulation on a page need not carry what reads numbers of
/// every form.
///
/// # Errors
///
/// The first line that is none, or that goes back.
pub fn read_moments(text: &str) -> Result<Arc<[Time]>, ReplayError> {
    let mut times: Vec<Time> = Vec::new();
    let mut last = 0;
    let mut first = 0;
    let wrong = |at: usize, message: &str| ReplayError {
        line: at + 1,
        message: message.to_owned(),
    };
    for (at, line) in text.lines().enumerate() {
        let nanos = nanoseconds(line).ok_or_else(|| {
            wrong(
                at,
                "a moment is written as 12.5: seconds, with at most nine digits behind the point",
            )
        })?;
        if times.is_empty() {
            first = nanos;
        } else if nanos < last {
            return Err(wrong(at, "times must not go back"));
        }
        last = nanos;
        times.push(Time::from_nanos(nanos - first));
    }
    if times.is_empty() {
        return Err(wrong(0, "there are no moments"));
    }
    Ok(times.into())
}

/// Seconds with a fraction, as whole nanoseconds.
fn nanoseconds(text: &str) -> Option<u64> {
    let (mut nanos, mut behind) = (0_u64, None);
    for (at, byte) in text.bytes().enumerate() {
        match (byte, behind) {
            (b'0'..=b'9', None | Some(0..9)) => {
                nanos = nanos.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
                behind = behind.map(|digits| digits + 1);
            }
            (b'.', None) if at > 0 => behind = Some(0),
            _ => return None,
        }
    }
    let missing = 9 - behind.unwrap_or(0_u32);
    nanos
        .checked_mul(10_u64.pow(missing))
        .filter(|_| !text.is_empty())
}

#[derive(Clone, Copy)]
enum Seconds {
    Exact(f64),
    Whole(i64),
}

impl Seconds {
    fn value(self) -> f64 {
        match self {
            Self::Exact(seconds) => seconds,
            Self::Whole(seconds) => seconds as f64,
        }
    }
}

fn csv_seconds(line: &str) -> Result<Seconds, String> {
    let field = line
        .split(',')
        .next()
        .unwrap_or_default()
        .trim()
        .trim_matches('"');
    match field.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() => Ok(Seconds::Exact(seconds)),
        _ => Err(format!(
            "'{}' is not a time: the first column holds seconds, such as 12.5",
            shortened(field)
        )),
    }
}

fn exact(lines: &[(usize, Seconds)]) -> Result<Arc<[Time]>, ReplayError> {
    let first = lines[0].1.value();
    let mut last = first;
    let mut times = Vec::with_capacity(lines.len());
    for (line, seconds) in lines {
        let seconds = seconds.value();
        if seconds < last {
            let message = format!("{seconds} comes after {last}: times must not go back");
            return Err(ReplayError {
                line: *line,
                message,
            });
        }
        last = seconds;
        times.push(Time::from_secs(seconds - first));
    }
    Ok(times.into())
}

fn spread(lines: &[(usize, Seconds)]) -> Arc<[Time]> {
    let first = lines[0].1.value();
    let mut latest = first;
    let seconds: Vec<f64> = lines
        .iter()
        .map(|(_, seconds)| {
            latest = latest.max(seconds.value());
            latest - first
        })
        .collect();
    let together = seconds.chunk_by(|a, b| a.to_bits() == b.to_bits());
    together
        .flat_map(|same| {
            (0..same.len()).map(|i| Time::from_secs(same[i] + i as f64 / same.len() as f64))
        })
        .collect()
}

/// The time of a line `host ident user [day/month/year:hour:minute:second zone] "request" status bytes …`, as documented for
/// Apache httpd's `mod_log_config` (Common Log Format; Combined adds two quoted fields), in seconds since 1970.
fn common_log_seconds(line: &str) -> Result<i64, String> {
    const FORM: &str = "a line reads: host ident user [10/Oct/2000:13:55:36 -0700] \"GET /path HTTP/1.1\" 200 2326";
    let broken = |what: &str| format!("{what} in '{}': {FORM}", shortened(line));
    let (_, rest) = line.split_once(" [").ok_or_else(|| broken("no time"))?;
    let (stamp, rest) = rest
        .split_once(']')
        .ok_or_else(|| broken("the time does not end"))?;
    let seconds = stamp_seconds(stamp).ok_or_else(|| broken("the time is not valid"))?;
    let rest = after_quoted(rest.trim_start()).ok_or_else(|| broken("no quoted request"))?;
    let mut fields = rest.split_ascii_whitespace();
    let status = fields.next().ok_or_else(|| broken("no status"))?;
    if status.len() != 3 || !status.bytes().all(|b| b.is_ascii_digit()) {
        return Err(broken("the status is not three digits"));
    }
    let bytes = fields.next().ok_or_else(|| broken("no number of bytes"))?;
    if bytes != "-" && bytes.parse::<u64>().is_err() {
        return Err(broken("the number of bytes is neither a number nor '-'"));
    }
    Ok(seconds)
}

/// What follows a text in double quotes, in which `\"` is no end.
fn after_quoted(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = inner.char_indices().find_map(|(at, c)| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })?;
    Some(&inner[end + 1..])
}

fn stamp_seconds(stamp: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (clock, zone) = stamp.split_once(' ')?;
    let (date, time) = clock.split_once(':')?;
    let mut date = date.split('/');
    let day: i64 = number(date.next()?, 1, 31)?;
    let name = date.next()?;
    let month = (1..).zip(MONTHS).find(|(_, m)| *m == name)?.0;
    let year = number(date.next()?, 1970, 9999)?;
    let mut time = time.split(':');
    let (hour, minute) = (number(time.next()?, 0, 23)?, number(time.next()?, 0, 59)?);
    let second = number(time.next()?, 0, 60)?;
    if date.next().is_some() || time.next().is_some() || zone.len() != 5 || !zone.is_ascii() {
        return None;
    }
    let east = match &zone[..1] {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let offset = east * (number(&zone[1..3], 0, 23)? * 60 + number(&zone[3..], 0, 59)?) * 60;
    Some(days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

fn number(text: &str, low: i64, high: i64) -> Option<i64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let value = text.parse().ok()?;
    (digits && (low..=high).contains(&value)).then_some(value)
}

/// Days from 1970-01-01 in the Gregorian calendar (Howard Hinnant, *chrono-compatible low-level date algorithms*).
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year / 400;
    let year_of_era = year % 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(text: &str, format: LogFormat) -> Result<Vec<f64>, String> {
        let times = read(text, format).map_err(|e| e.to_string())?;
        Ok(times.iter().map(|t| t.secs()).collect())
    }

    #[test]
    fn moments_are_exact() {
        let read = |text: &str| {
            read_moments(text).map(|times| times.iter().map(|t| t.nanos()).collect::<Vec<_>>())
        };
        assert_eq!(
            read("1\n1.000000001\n1.5\r\n3"),
            Ok(vec![0, 1, 500_000_000, 2_000_000_000])
        );
        assert_eq!(read("9999999999.999999999"), Ok(vec![0]));
        for (text, line, message) in [
            ("", 1, "there are no moments"),
            ("1\n\n2", 2, "a moment is written"),
            ("1\n2\n1.5", 3, "times must not go back"),
            ("1e3", 1, "a moment is written"),
            ("-1", 1, "a moment is written"),
            (".5", 1, "a moment is written"),
            ("1.0000000001", 1, "a moment is written"),
            ("123456789012", 1, "a moment is written"),
            ("1.2.3", 1, "a moment is written"),
        ] {
            let fault = read(text).expect_err("it is wrong");
            assert!(
                fault.line == line && fault.message.starts_with(message),
                "{text}: {fault}"
            );
        }
    }

    #[test]
    fn a_csv_with_or_without_a_head_line() {
        let expected = Ok(vec![0.0, 0.5, 0.5, 2.0]);
        assert_eq!(
            secs(
                "time_s,path\n10,/a\n10.5,/b\n10.5,/c\n12,/d\n",
                LogFormat::Csv
            ),
            expected
        );
        assert_eq!(secs("10\r\n10.5\n\n10.5\n12", LogFormat::Csv), expected);
    }

    #[test]
    fn a_csv_that_goes_back_or_holds_nonsense_names_its_line() {
        let back = secs("1\n3\n2\n", LogFormat::Csv).expect_err("goes back");
        assert!(back.starts_with("line 3: 2 comes after 3"), "{back}");
        let nonsense = secs("1\nNaN\n", LogFormat::Csv).expect_err("no number");
        assert!(
            nonsense.starts_with("line 2: 'NaN' is not a time"),
            "{nonsense}"
        );
        assert!(
            secs("time\n", LogFormat::Csv)
                .expect_err("empty")
                .contains("no arrivals")
        );
    }

    #[test]
    fn lines_of_one_second_are_spread_in_order() {
        let log = concat!(
            "10.0.0.1 - - [28/Feb/2024:23:59:59 +0000] \"GET / HTTP/1.1\" 200 5\n",
            "10.0.0.2 - ann [29/Feb/2024:00:00:00 +0000] \"GET /\\\"x HTTP/1.1\" 304 - \"-\" \"Browser/1.0 (x)\"\n",
            // Stamped earlier than the line before it: the same moment as 23:59:58 UTC.
            "10.0.0.3 - - [29/Feb/2024:01:59:58 +0200] \"GET / HTTP/1.1\" 200 5\n",
            "10.0.0.4 - - [29/Feb/2024:00:00:02 +0000] \"POST /cart HTTP/1.1\" 500 12\n",
        );
        assert_eq!(
            secs(log, LogFormat::CommonLog),
            Ok(vec![0.0, 1.0, 1.5, 3.0])
        );
    }

    #[test]
    fn a_truncated_log_line_names_its_line_and_the_form() {
        let whole = "1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 2326";
        assert!(secs(whole, LogFormat::CommonLog).is_ok());
        for cut in [5, 20, 30, 45, 55, 60] {
            let text = format!("{whole}\n{}", &whole[..cut]);
            let said = secs(&text, LogFormat::CommonLog).expect_err("cut");
            assert!(
                said.starts_with("line 2: ") && said.contains("a line reads"),
                "{cut}: {said}"
            );
        }
    }

    #[test]
    fn dates_count_from_1970() {
        assert_eq!(days_since_1970(1970, 1, 1), 0);
        assert_eq!(days_since_1970(2000, 3, 1), 11_017);
        assert_eq!(days_since_1970(2024, 2, 29), 19_782);
    }
}
