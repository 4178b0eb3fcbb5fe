//! An access log as load: when its requests came, which of them read and which write, and how uneven its paths are.
//!
//! Keeps: the moments of the requests, exactly if they fit into a design (else a curve can be made of them); reading and writing,
//! by the method (RFC 9110, section 9.2.1: GET, HEAD, OPTIONS and TRACE are safe); one key for each path, with Zipf's law fitted to the share of the tenth of the
//! paths that is asked for most. Leaves out: addresses, users, paths, or what is written on a line besides.

use std::collections::BTreeMap;
use std::sync::Arc;

use scale_sim::{Arrivals, Keys, LogFormat, Time, limits, read_replay};

/// The largest log that is read, in bytes.
pub const LARGEST: usize = 64 << 20;

/// The longest log that is read, from its first request to its last, in seconds: a century. A longer one has a wrong date in it, and its
/// moments would be too large to be kept.
const LONGEST_S: f64 = 100.0 * 365.25 * 86_400.0;

/// What was found in a log.
#[derive(Clone, PartialEq, Debug)]
pub struct Log {
    /// The file's name.
    pub name: String,
    /// When the requests came, the first at 0.
    pub times: Arc<[Time]>,
    /// Requests that read, and that write; none if the log does not tell.
    pub kinds: Option<[u64; 2]>,
    /// The keys: paths, if the log tells them.
    pub keys: Option<Keys>,
}

/// Whether a file's name is that of a log.
pub fn is_log(name: &str) -> bool {
    let name = name.to_lowercase();
    [".log", ".csv"].iter().any(|ending| name.ends_with(ending)) || name.contains(".log.")
}

/// Reads a log: an access log in Common or Combined Log Format, or a CSV whose first column holds seconds.
///
/// # Errors
///
/// What is wrong with it, in one sentence with the line.
pub fn read(name: &str, text: &str) -> Result<Log, String> {
    if text.len() > LARGEST {
        return Err(format!(
            "The log has {} bytes: at most {LARGEST} are read.",
            text.len()
        ));
    }
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().find(|line| !line.trim().is_empty());
    let access = first.is_some_and(|line| line.contains(" [") && line.contains('"'));
    let format = if access {
        LogFormat::CommonLog
    } else {
        LogFormat::Csv
    };
    let times = read_replay(text, format).map_err(|fault| {
        let line = fault.line;
        format!("Line {line}: {}.", fault.message.trim_end_matches('.'))
    })?;
    let years = times.last().map_or(0.0, |last| last.secs()) / (LONGEST_S / 100.0);
    if years > 100.0 {
        return Err(format!(
            "From the first request to the last it is {years:.0} years: at most 100 are read. Is one of the dates wrong?"
        ));
    }
    let (kinds, keys) = if access { asked(text) } else { (None, None) };
    Ok(Log {
        name: name.to_owned(),
        times,
        kinds,
        keys,
    })
}

/// What the requests of an access log ask for.
fn asked(text: &str) -> (Option<[u64; 2]>, Option<Keys>) {
    let mut kinds = [0; 2];
    let mut paths: BTreeMap<&str, u64> = BTreeMap::new();
    for line in text.lines() {
        let request = line.split_once("] \"").map(|(_, rest)| rest);
        let mut words = request.unwrap_or_default().split([' ', '"']);
        let (Some(method), Some(path)) = (words.next(), words.next()) else {
            continue;
        };
        // A line may hold anything, such as the bytes of another protocol: then it is a request, and no more is known.
        if method.is_empty() || !method.bytes().all(|b| b.is_ascii_uppercase()) {
            continue;
        }
        let reads = matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE");
        kinds[usize::from(!reads)] += 1;
        let path = path.split(['?', '#']).next().unwrap_or_default();
        *paths.entry(path).or_default() += 1;
    }
    if kinds == [0, 0] {
        return (None, None);
    }
    let counts: Vec<u64> = paths.into_values().collect();
    (Some(kinds), Some(law(counts)))
}

/// The law of keys that were asked for so many times: Zipf's, with the exponent at which the hottest tenth gets the share that it got.
fn law(mut counts: Vec<u64>) -> Keys {
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let count = counts.len().min(limits::KEYS as usize) as u32;
    let tenth = (count / 10).max(1);
    let total: u64 = counts.iter().sum();
    let hot: u64 = counts.iter().take(tenth as usize).sum();
    let share = hot as f64 / total as f64;
    let (mut low, mut high) = (0.0, 5.0);
    for _ in 0..40 {
        let exponent = f64::midpoint(low, high);
        let zipf = Keys::Zipf {
            count,
            exponent,
            scatter: true,
        };
        if zipf.share_of_hottest(tenth.into()) < share {
            low = exponent;
        } else {
            high = exponent;
        }
    }
    let exponent = (f64::midpoint(low, high) * 100.0).round() / 100.0;
    if count < 2 || exponent < 0.01 {
        return Keys::Uniform { count };
    }
    Keys::Zipf {
        count,
        exponent,
        scatter: true,
    }
}

impl Log {
    /// How long it is, in seconds: from the first request to the last, in whole seconds and at least one.
    pub fn length_s(&self) -> f64 {
        let last = self.times.last().map_or(0.0, |time| time.secs());
        last.ceil().max(1.0)
    }

    /// The part of its length that a run can have, in seconds.
    pub fn run_s(&self) -> f64 {
        self.length_s().min(limits::HORIZON_S)
    }

    /// Requests a second on average.
    pub fn mean_per_s(&self) -> f64 {
        self.times.len() as f64 / self.length_s()
    }

    /// The most requests in one second.
    pub fn most_per_s(&self) -> u64 {
        let seconds = self
            .times
            .chunk_by(|a, b| a.secs().floor().to_bits() == b.secs().floor().to_bits());
        seconds.map(<[Time]>::len).max().unwrap_or(0) as u64
    }

    /// It as it is: every request at its moment, to the microsecond. Nothing if it is too large to be kept in a design.
    pub fn recording(&self) -> Option<Arrivals> {
        // No moment is shorter than two bytes with its end of line.
        if self.times.len() as u64 > limits::RECORDING / 2 {
            return None;
        }
        let mut times_s = String::new();
        for time in self.times.iter() {
            let text = format!("{:.6}", time.secs());
            times_s.push_str(text.trim_end_matches('0').trim_end_matches('.'));
            times_s.push('\n');
        }
        (times_s.len() as u64 <= limits::RECORDING).then_some(Arrivals::Recording {
            times_s,
            multiplier: 1.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(second: u32, request: &str) -> String {
        format!(
            "192.0.2.{} - - [10/Oct/2025:13:{:02}:{:02} +0000] \"{request}\" 200 512 \"-\" \"curl/8\"\n",
            second % 250,
            second / 60,
            second % 60
        )
    }

    #[test]
    fn an_access_log_tells_times_methods_and_paths() {
        let mut text = String::new();
        for i in 0..600 {
            let request = match i % 10 {
                0..6 => "GET / HTTP/1.1".to_owned(),
                6..9 => format!("GET /items/{}?page=2 HTTP/1.1", i % 20),
                _ => format!("POST /cart/{} HTTP/2.0", i % 30),
            };
            text.push_str(&line(i / 5, &request));
        }
        // A scan for another protocol is a request, too.
        text.push_str(&line(120, "\\x16\\x03\\x01"));
        let log = read("access.log", &text).expect("a log");
        assert_eq!(log.times.len(), 601);
        assert_eq!(log.kinds, Some([540, 60]));
        assert_eq!(log.length_s().to_bits(), 120.0_f64.to_bits());
        assert_eq!(log.most_per_s(), 5);
        // One page, six items (6, 7, 8, 16, 17, 18), three carts.
        let Some(Keys::Zipf {
            count: 10,
            exponent,
            ..
        }) = log.keys
        else {
            panic!("{:?}", log.keys);
        };
        let share = log.keys.clone().expect("some").share_of_hottest(1);
        assert!(
            exponent > 1.0 && (share - 0.6).abs() < 0.01,
            "{exponent}: {share}"
        );
        // It comes back as it was, and no address is in it.
        let Some(Arrivals::Recording { times_s, .. }) = log.recording() else {
            panic!("it is small");
        };
        assert_eq!(scale_sim::read_moments(&times_s).expect("times").len(), 601);
        assert!(
            times_s
                .bytes()
                .all(|b| b.is_ascii_digit() || b".\n".contains(&b))
        );
    }

    #[test]
    fn a_csv_tells_times_alone() {
        let log = read("times.csv", "seconds,path\n100.5,/a\n100.75,/b\n103,/c\n").expect("a log");
        assert_eq!(
            log.recording(),
            Some(Arrivals::Recording {
                times_s: "0\n0.25\n2.5\n".to_owned(),
                multiplier: 1.0,
            })
        );
        assert_eq!((log.kinds, log.keys.clone()), (None, None));
        assert_eq!(log.length_s().to_bits(), 3.0_f64.to_bits());
    }

    #[test]
    fn the_first_bad_line_is_named() {
        let bad = format!(
            "{}nonsense\n{}nonsense\n",
            line(1, "GET / HTTP/1.1"),
            line(2, "GET / HTTP/1.1")
        );
        let why = read("a.log", &bad).expect_err("it is bad");
        assert!(
            why.starts_with("Line 2: no time in 'nonsense': a line reads: "),
            "{why}"
        );
        assert!(why.ends_with('.') && !why.contains('\n'), "{why}");
        let back = read("a.csv", "1\n2\n1\n").expect_err("it goes back");
        assert_eq!(back, "Line 3: 1 comes after 2: times must not go back.");
        let centuries =
            line(1, "GET / HTTP/1.1") + &line(2, "GET / HTTP/1.1").replace("2025", "8363");
        let why = read("a.log", &centuries).expect_err("it is long");
        assert!(
            why.ends_with("at most 100 are read. Is one of the dates wrong?"),
            "{why}"
        );
        assert_eq!(
            read("a.csv", "").expect_err("nothing"),
            "Line 1: the file has no arrivals."
        );
    }

    #[test]
    fn even_paths_are_uniform() {
        let text: String = (0..100)
            .map(|i| line(i, &format!("GET /{i} HTTP/1.1")))
            .collect();
        let log = read("a.log", &text).expect("a log");
        assert_eq!(log.keys, Some(Keys::Uniform { count: 100 }));
        assert!(
            is_log("x/ACCESS.LOG")
                && is_log("access.log.1")
                && is_log("t.csv")
                && !is_log("design.json")
        );
    }
}
