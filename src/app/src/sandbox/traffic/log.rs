//! An access log as load: what [`scale_design::log`] has found in it, as a curve and as a mix.

pub use scale_design::log::{LARGEST, Log, is_log, read};
use scale_sim::Arrivals;

use super::axis::tidy;
use super::mix::Shares;
use super::shape::{counted_points, fitted};

/// Points of a curve that is made of a log.
const POINTS: usize = 24;

/// A curve like it: as many requests on the whole; what happens within a point's share of the time is lost.
pub fn curve(log: &Log) -> Arrivals {
    let run_s = log.run_s();
    let heard = log.times.partition_point(|time| time.secs() <= run_s);
    let points = counted_points(&log.times, run_s, POINTS);
    Arrivals::Profile {
        points: fitted(points, heard as f64 / run_s, run_s),
        repeat: false,
    }
}

/// How long a point of [`curve`] stands for, in seconds.
pub fn blurred_s(log: &Log) -> f64 {
    tidy(log.run_s() / POINTS as f64)
}

/// The mix of `read` and `write`, in percent.
pub fn shares(log: &Log) -> Option<Shares> {
    let [reads, writes] = log.kinds?;
    let all = (reads + writes) as f64;
    let percent = |many: u64| (many as f64 * 10_000.0 / all).round() / 100.0;
    let both = [("read", reads), ("write", writes)];
    let some = both.into_iter().filter(|(_, many)| *many > 0);
    Some(
        some.map(|(name, many)| (name.to_owned(), percent(many).max(0.01)))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_becomes_a_curve_with_as_many_requests() {
        let times: Vec<String> = (0..60_000)
            .map(|i| (f64::from(i) * f64::from(i) * 1e-6).to_string())
            .collect();
        let log = read("large.csv", &times.join("\n")).expect("a log");
        assert_eq!(log.recording(), None);
        let curve = curve(&log);
        let expected = curve.expected_until(log.run_s()).expect("a rate");
        assert!((expected / 60_000.0 - 1.0).abs() < 1e-6, "{expected}");
        // Every quarter has about as many as it had.
        for quarter in 1..=4 {
            let until = log.run_s() * f64::from(quarter) / 4.0;
            let had = log.times.partition_point(|time| time.secs() <= until) as f64;
            let has = curve.expected_until(until).expect("a rate");
            assert!((has / had - 1.0).abs() < 0.06, "{quarter}: {has} of {had}");
        }
        assert!(matches!(curve, Arrivals::Profile { points, .. } if points.len() == POINTS + 2));
    }

    #[test]
    fn methods_become_shares() {
        let line = |second: u32, method: &str| {
            format!(
                "192.0.2.1 - - [10/Oct/2025:13:00:{second:02} +0000] \"{method} / HTTP/1.1\" 200 5\n"
            )
        };
        let text: String = (0..10)
            .map(|second| line(second, if second == 0 { "POST" } else { "GET" }))
            .collect();
        let log = read("access.log", &text).expect("a log");
        let expected = vec![("read".to_owned(), 90.0), ("write".to_owned(), 10.0)];
        assert_eq!(shares(&log), Some(expected));
    }
}
