//! The words of a form: labels and units made of the names of fields, numbers and times as people read them.

use serde_json::Value;

/// Ends of names that are units, the longer ones first, and the words for them.
const UNITS: [(&str, &str); 10] = [
    ("_ms_per_mb", "milliseconds per megabyte"),
    ("_mbit_s", "megabits per second"),
    ("_per_s", "per second"),
    ("_per_instance", "per copy"),
    ("_entries", "entries"),
    ("_bytes", "bytes"),
    ("_us", "microseconds"),
    ("_ms", "milliseconds"),
    ("_s", "seconds"),
    ("_mb", "megabytes"),
];

/// Names whose label is not made of their letters: of a definition, or of any (`*`).
const LABELS: [(&str, &str, &str); 43] = [
    ("Scenario", "horizon_s", "Length of the run"),
    ("Scenario", "warmup_s", "Warm-up"),
    ("Call", "to", "Asks"),
    ("Call", "bytes", "Request size"),
    ("Call", "asynchronous", "Go on at once"),
    ("Call", "fallback", "If that fails"),
    ("Call", "times", "How often"),
    ("Call", "resilience", "Guards"),
    ("Client", "resilience", "Guards"),
    ("Client", "target", "Sends to"),
    ("Cached", "resilience", "Guards"),
    ("Cached", "miss", "If it is not there"),
    ("Invalidate", "resilience", "Guards"),
    ("Gateway", "target", "Sends on to"),
    ("Cache", "target", "Next level"),
    ("Queue", "to", "Consumer"),
    ("Queue", "full", "When it is full"),
    ("Subscription", "to", "Consumer"),
    ("Outbox", "to", "Sends to"),
    ("Payload", "bytes", "Size"),
    ("SagaStep", "do", "Do"),
    ("SagaStep", "undo", "Take back with"),
    (
        "SagaStep",
        "retriable",
        "Can be tried again until it succeeds",
    ),
    ("Fault", "what", "What goes wrong"),
    ("Distribution", "cv", "Coefficient of variation"),
    ("Policy", "d", "How many are drawn"),
    ("Partitioning", "default", "All other keys"),
    ("Stretch", "from", "From key"),
    ("Stretch", "to", "To key"),
    ("Stretch", "at", "Kept at"),
    ("Freshness", "at", "Watched at"),
    ("Watched", "at", "Watched at"),
    ("Messages", "at", "Watched at"),
    ("Messages", "writes_at", "Writes are made at"),
    ("Rebuild", "how", "How"),
    ("Ttl", "ttl_s", "Lifetime"),
    ("Cache", "ttl", "Lifetime of entries"),
    ("Cache", "negative_ttl_s", "Lifetime of “not there”"),
    ("Link", "bandwidth_mbit_s", "Bandwidth"),
    ("*", "retransmit_ms", "Sends again after"),
    ("*", "codel", "CoDel"),
    ("*", "min", "Least"),
    ("*", "max", "Most"),
];

/// A short label for a field of a definition, and its unit.
pub fn label(def: &str, name: &str) -> (String, Option<&'static str>) {
    let known = LABELS
        .iter()
        .find(|(of, field, _)| (*of == def || *of == "*") && *field == name);
    let unit = UNITS.iter().find(|(end, _)| name.ends_with(end));
    let label = match (known, unit) {
        (Some((_, _, label)), _) => (*label).to_owned(),
        (None, Some((end, _))) => sentence_case(&name[..name.len() - end.len()]),
        (None, None) => sentence_case(name),
    };
    let unit = match (unit, name) {
        (Some((_, words)), _) => Some(*words),
        (None, "bytes") => Some("bytes"),
        _ => None,
    };
    (label, unit)
}

/// The label of a variant.
pub fn tag(tag: &str) -> String {
    match tag {
        "lru" => "LRU: least recently used".to_owned(),
        "lfu" => "LFU: least frequently used".to_owned(),
        "fifo" => "FIFO: first in, first out".to_owned(),
        "lifo" => "LIFO: last in, first out".to_owned(),
        "w_tiny_lfu" => "W-TinyLFU".to_owned(),
        "aimd" => "AIMD".to_owned(),
        "peak_ewma" => "Peak EWMA".to_owned(),
        "csv" => "CSV".to_owned(),
        "json" => "JSON".to_owned(),
        "json_pretty" => "JSON with line breaks".to_owned(),
        "integer" | "number" => "One number".to_owned(),
        "array" => "One for each copy".to_owned(),
        tag => sentence_case(tag),
    }
}

/// The name with spaces, and a capital in front.
fn sentence_case(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// A number with commas between thousands.
pub fn number(value: f64) -> String {
    let plain = format!("{value}");
    let (sign, digits) = plain
        .strip_prefix('-')
        .map_or(("", plain.as_str()), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut out = sign.to_owned();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// The number that a reader has written: commas, spaces and underscores between digits are none of it.
pub fn read_number(text: &str) -> Option<f64> {
    let plain: String = { text.chars() }
        .filter(|c| !matches!(c, ',' | '_' | '\'') && !c.is_whitespace())
        .collect();
    // What else Rust reads as a number is none in JSON.
    let right = plain.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.'))
        && plain.ends_with(|c: char| c.is_ascii_digit() || c == '.');
    let value: f64 = plain.parse().ok()?;
    (right && value.is_finite()).then_some(value)
}

/// `value` rounded to three figures, for readouts of what was worked out.
pub fn rounded(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return number(value);
    }
    let magnitude = value.abs().log10().floor();
    let unit = 10_f64.powf(magnitude - 2.0);
    let kept = (value / unit).round() * unit;
    let digits = (2.0 - magnitude).clamp(0.0, 12.0) as usize;
    let text = format!("{kept:.digits$}");
    number(text.parse().unwrap_or(value))
}

/// A time in the unit that fits it.
pub fn millis(ms: f64) -> String {
    match ms.abs() {
        size if size >= 3_600_000.0 => format!("{} h", rounded(ms / 3_600_000.0)),
        size if size >= 120_000.0 => format!("{} min", rounded(ms / 60_000.0)),
        size if size >= 1_000.0 => format!("{} s", rounded(ms / 1_000.0)),
        size if size >= 1.0 || size == 0.0 => format!("{} ms", rounded(ms)),
        _ => format!("{} µs", rounded(ms * 1_000.0)),
    }
}

/// Bytes in the unit that fits them.
pub fn bytes(bytes: f64) -> String {
    match bytes {
        size if size >= 1e9 => format!("{} GB", rounded(size / 1e9)),
        size if size >= 1e6 => format!("{} MB", rounded(size / 1e6)),
        size if size >= 1e3 => format!("{} kB", rounded(size / 1e3)),
        size => format!("{} bytes", number(size)),
    }
}

/// What a large number comes to, as a reader takes it in: thousands apart, and a better unit. `None` if the number says it.
pub fn readout(value: f64, unit: Option<&str>) -> Option<String> {
    let told = match unit {
        Some("milliseconds") if value >= 1_000.0 => millis(value),
        Some("seconds") if value >= 120.0 => millis(value * 1_000.0),
        Some("microseconds") if value >= 1_000.0 => millis(value / 1_000.0),
        Some("bytes") if value >= 1_000.0 => bytes(value),
        _ if value.abs() >= 10_000.0 => number(value),
        _ => return None,
    };
    Some(told)
}

/// A range in words; "a number" if only its type bounds it.
pub fn range(min: f64, max: f64, whole: bool) -> String {
    // Where only the type bounds it nothing is to be said.
    let bound = |value: f64| value.abs() < 9e15;
    let number = |value: f64| {
        if !whole && value > 0.0 && value < 1e-3 {
            format!("{value:e}")
        } else {
            self::number(value)
        }
    };
    match (bound(min), bound(max)) {
        (true, true) if !whole && min > 0.0 && min <= 1e-6 => format!("over 0, to {}", number(max)),
        (true, true) => format!("{} to {}", number(min), number(max)),
        (true, false) => format!("from {}", number(min)),
        (false, true) => format!("up to {}", number(max)),
        (false, false) if whole => "a whole number".to_owned(),
        (false, false) => "a number".to_owned(),
    }
}

/// A default in words.
pub fn usual(value: &Value, unit: Option<&str>) -> Option<String> {
    match value {
        Value::Number(found) => {
            let value = found.as_f64()?;
            let told = match unit {
                Some("milliseconds") => millis(value),
                Some("bytes") => bytes(value),
                Some(unit) => format!("{} {}", number(value), short(unit)),
                None => number(value),
            };
            Some(told)
        }
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(tag(text)),
        _ => None,
    }
}

/// Things, the last with an "and" before it.
pub fn listed(things: &[String]) -> String {
    match things {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// The first paragraph of a help text as plain words: no marks of code, no emphasis.
pub fn plain(help: &str) -> String {
    let first = help.split("\n\n").next().unwrap_or_default();
    let mut out = String::new();
    let mut code = false;
    for c in first.chars() {
        match c {
            '`' => code = !code,
            '*' if !code => {}
            '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A unit as it is written behind a number.
pub fn short(unit: &str) -> &str {
    match unit {
        "milliseconds" => "ms",
        "microseconds" => "µs",
        "seconds" => "s",
        "megabits per second" => "Mbit/s",
        "milliseconds per megabyte" => "ms per MB",
        unit => unit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_labels_and_units() {
        for (def, name, expected, unit) in [
            ("Arrivals", "rate_per_s", "Rate", Some("per second")),
            (
                "Database",
                "lock_timeout_ms",
                "Lock timeout",
                Some("milliseconds"),
            ),
            ("Cache", "capacity_entries", "Capacity", Some("entries")),
            (
                "Compression",
                "compress_ms_per_mb",
                "Compress",
                Some("milliseconds per megabyte"),
            ),
            ("Service", "workers", "Workers", None),
            ("Call", "to", "Asks", None),
            (
                "Scenario",
                "horizon_s",
                "Length of the run",
                Some("seconds"),
            ),
            ("Payload", "bytes", "Size", Some("bytes")),
        ] {
            assert_eq!(label(def, name), (expected.to_owned(), unit), "{name}");
        }
        assert_eq!(tag("power_of_two_choices"), "Power of two choices");
    }

    #[test]
    fn numbers_are_written_and_read() {
        assert_eq!(number(1_000_000.0), "1,000,000");
        assert_eq!(number(-12_345.5), "-12,345.5");
        assert_eq!(number(0.1), "0.1");
        for (text, value) in [
            ("1,000,000", Some(1e6)),
            (" 12 000.5 ", Some(12_000.5)),
            ("-3", Some(-3.0)),
            (".5", Some(0.5)),
            ("1e3", Some(1_000.0)),
            ("", None),
            ("inf", None),
            ("NaN", None),
            ("ten", None),
            ("1e999", None),
            ("1.2.3", None),
        ] {
            assert_eq!(read_number(text), value, "{text}");
        }
    }

    #[test]
    fn help_is_read_as_plain_words() {
        let help = "Does *this*, by\noperation; `*` is any.\n\nA source.";
        assert_eq!(plain(help), "Does this, by operation; * is any.");
    }

    #[test]
    fn readouts_have_the_unit_that_fits() {
        assert_eq!(
            readout(3_600_000.0, Some("milliseconds")).as_deref(),
            Some("1 h")
        );
        assert_eq!(readout(20.0, Some("milliseconds")), None);
        assert_eq!(readout(1_000_000.0, None).as_deref(), Some("1,000,000"));
        assert_eq!(millis(0.25), "250 µs");
        assert_eq!(millis(46.051_7), "46.1 ms");
        assert_eq!(bytes(1_500_000.0), "1.5 MB");
        assert_eq!(range(1.0, 10_000.0, true), "1 to 10,000");
        assert_eq!(range(1e-6, 3_600_000.0, false), "over 0, to 3,600,000");
        assert_eq!(range(f64::MIN, f64::MAX, false), "a number");
    }
}
