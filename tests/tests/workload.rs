//! Workloads against theory and recorded systems: keys, batches, compression; and what every arrival process has in common.
#![cfg(not(target_arch = "wasm32"))]

use std::io::Write;

use proptest::prelude::*;
use scale_sim::{
    Event, KeySampler, Keys, Log, Model, Payload, Probe, RequestRef, Scenario, Time, read_json,
};
use scale_tests::{engine, log, replications, scenario};

/// The rows of a file of the oracle, without its head line.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().skip(1).map(|line| line.split(',').collect())
}

/// Draws of Zipf's law by others, as ranks from 0.
const TRACES: [(&str, u32, f64); 3] = [
    (
        include_str!("../oracle/cache/trace_zipf08_n1000.txt"),
        1000,
        0.8,
    ),
    (
        include_str!("../oracle/cache/trace_zipf10_n5000.txt"),
        5000,
        1.0,
    ),
    (
        include_str!("../oracle/cache/trace_zipf12_n500.txt"),
        500,
        1.2,
    ),
];

/// Chi-square of two samples of one size over cells of some 20 draws or more, as standard deviations from its mean.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    let (mut chi, mut cells, mut in_a, mut in_b) = (0.0, 0_u32, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        in_a += x;
        in_b += y;
        if in_a + in_b >= 20.0 {
            chi += (in_a - in_b) * (in_a - in_b) / (in_a + in_b);
            cells += 1;
            (in_a, in_b) = (0.0, 0.0);
        }
    }
    let freedom = f64::from(cells - 1);
    (chi - freedom) / (2.0 * freedom).sqrt()
}

#[test]
fn keys_come_as_often_as_in_recorded_traces() {
    for (trace, count, exponent) in TRACES {
        let recorded: Vec<usize> = trace
            .split_whitespace()
            .map(|key| key.parse().expect("ranks"))
            .collect();
        let counts = |keys: &mut dyn Iterator<Item = usize>| {
            let mut counts = vec![0.0; count as usize];
            keys.for_each(|key| counts[key] += 1.0);
            counts
        };
        let theirs = counts(&mut recorded.iter().copied());
        let drawn = |exponent| {
            let sampler = KeySampler::new(&Keys::Zipf {
                count,
                exponent,
                scatter: false,
            });
            let requests = 0..recorded.len() as u64;
            let key = |n| sampler.draw(n, &mut scale_sim::Key::root(11).with(n).draws()) as usize;
            counts(&mut requests.map(key))
        };
        let off = difference(&theirs, &drawn(exponent));
        assert!(off.abs() < 4.0, "{exponent}: {off}");
        // The comparison tells exponents apart.
        let other = difference(&theirs, &drawn(exponent + 0.2));
        assert!(other > 4.0, "{exponent}: {other}");
    }
}

/// Mean response of batches at one memoryless server, in mean service times: its mean over replications and standard error.
fn batches(size: &str, load: f64) -> (f64, f64) {
    let rate_per_s = load * 100.0;
    let components = format!(
        r#""users": {{ "client": {{ "operation": "x", "target": "shop", "arrivals": {{ "batch": {{ "rate_per_s": {rate_per_s}, "size": {size} }} }} }} }},
           "shop": {{ "service": {{ "workers": 1, "plans": {{ "*": [ {{ "work": {{ "exponential": {{ "mean_ms": 10 }} }} }} ] }} }} }}"#
    );
    let outcomes = replications(&scenario(0, 1100.0, 100.0, &components), 0..20);
    let means: Vec<f64> = outcomes
        .iter()
        .map(|o| o.figures.latency.expect("many were answered").mean_ms / 10.0)
        .collect();
    let n = means.len() as f64;
    let mean = means.iter().sum::<f64>() / n;
    let variance = means.iter().map(|m| (m - mean) * (m - mean)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

#[test]
fn batches_at_one_memoryless_server() {
    for row in rows(include_str!("../oracle/workload/batch_arrivals_mxm1.csv")) {
        let number = |at: usize| row[at].parse::<f64>().expect("numbers");
        let (size, load, expected) = (number(0), number(1), number(2));
        // W = (1 + (E[X²] - E[X]) / 2E[X]) / (1 - ρ).
        let formula = (1.0 + (size - 1.0) / 2.0) / (1.0 - load);
        assert!((formula / expected - 1.0).abs() < 1e-6, "{formula}");
        let (mean, error) = batches(&format!(r#"{{"constant":{{"size":{size}}}}}"#), load);
        assert!(
            (mean - expected).abs() < 4.0 * error && error < 0.1 * expected,
            "{size} at {load}: {mean} ± {error}, expected {expected}"
        );
    }
    // For a geometric size of mean m the same formula gives m / (1 - ρ).
    let (mean, error) = batches(r#"{"geometric":{"mean":5}}"#, 0.8);
    assert!((mean - 25.0).abs() < 4.0 * error, "{mean} ± {error}");
}

fn payload(bytes: usize, content: &str, codec: &str, level: &str) -> Payload {
    read_json(&format!(
        r#"{{"bytes":{bytes},"content":"{content}","compression":{{"codec":"{codec}","level":{level}}}}}"#
    ))
    .expect("a payload")
}

#[test]
fn compression_makes_of_bytes_what_was_measured() {
    let mut measured = 0;
    for row in rows(include_str!("../oracle/workload/compression.csv")) {
        let content = match row[0] {
            "json_pretty" => "json_pretty",
            "random_bytes" => "binary",
            _ => "json",
        };
        let (bytes, expected): (usize, f64) = (
            row[3].parse().expect("bytes"),
            row[4].parse().expect("bytes"),
        );
        let found = payload(bytes, content, row[1], row[2]).compressed_bytes() as f64;
        assert!((found / expected - 1.0).abs() < 0.02, "{row:?}: {found}");
        measured += 1;
    }
    assert_eq!(measured, 30);
}

#[test]
fn between_measured_sizes_it_agrees_with_real_compression() {
    let input = include_bytes!("../oracle/workload/gzip_input_min.json");
    let gzip = |bytes: &[u8], level| {
        let mut encoder =
            flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
        encoder.write_all(bytes).expect("to memory");
        encoder.finish().expect("to memory").len() as f64
    };
    for (size, tolerance) in [
        (input.len(), 0.02),
        (30_000, 0.03),
        (10_000, 0.05),
        (2500, 0.05),
        (700, 0.05),
    ] {
        let found = payload(size, "json", "gzip", "6").compressed_bytes() as f64;
        let real = gzip(&input[..size], 6);
        assert!(
            (found / real - 1.0).abs() < tolerance,
            "{size}: {found}, really {real}"
        );
    }
}

/// An open arrival process of any kind, as JSON.
fn arrivals() -> impl Strategy<Value = String> {
    let rate = || prop_oneof![Just(0.0), 0.0..400.0];
    prop_oneof![
        rate().prop_map(|rate| format!(r#"{{"poisson":{{"rate_per_s":{rate}}}}}"#)),
        (rate(), rate(), 0.0..3.0, 0.001..3.0).prop_map(|(base, peak, at, long)| format!(
            r#"{{"spike":{{"base_per_s":{base},"peak_per_s":{peak},"at_s":{at},"for_s":{long}}}}}"#
        )),
        (rate(), 0.0..=1.0, 1.0..5.0, 0.0..9.0).prop_map(|(mean, swing, period, peak)| format!(
            r#"{{"daily":{{"mean_per_s":{mean},"swing":{swing},"period_s":{period},"peak_at_s":{peak}}}}}"#
        )),
        (1.0..400.0, rate(), 0.01..2.0, 0.01..2.0).prop_map(|(on, off, mean_on, mean_off)| format!(
            r#"{{"on_off":{{"rate_on_per_s":{on},"rate_off_per_s":{off},"mean_on_s":{mean_on},"mean_off_s":{mean_off}}}}}"#
        )),
        (rate(), 1..40_u32).prop_map(|(rate, size)| format!(
            r#"{{"batch":{{"rate_per_s":{rate},"size":{{"constant":{{"size":{size}}}}}}}}}"#
        )),
        (rate(), 1.0..40.0).prop_map(|(rate, mean)| format!(
            r#"{{"batch":{{"rate_per_s":{rate},"size":{{"geometric":{{"mean":{mean}}}}}}}}}"#
        )),
        (prop::collection::vec((0.0..1.0, rate()), 1..6), rate(), any::<bool>()).prop_map(
            |(steps, first, repeat)| {
                let mut at = 0.0;
                let points: Vec<String> = core::iter::once((0.0, first))
                    .chain(steps)
                    .map(|(step, rate)| {
                        at += step;
                        format!("[{at},{rate}]")
                    })
                    .collect();
                // A round of no length is refused.
                let repeat = repeat && at > 0.01;
                let points = points.join(",");
                format!(r#"{{"profile":{{"points":[{points}],"repeat":{repeat}}}}}"#)
            }
        ),
    ]
}

fn shop(arrivals: &str, seed: u32) -> Scenario {
    let components = format!(
        r#""users": {{ "client": {{ "operation": "x", "target": "shop", "arrivals": {arrivals} }} }},
           "shop": {{ "service": {{ "workers": 3, "plans": {{ "*": [ {{ "work": {{ "exponential": {{ "mean_ms": 5 }} }} }} ] }} }} }}"#
    );
    scenario(u64::from(seed), 6.0, 0.0, &components)
}

/// When requests were sent.
#[derive(Clone, Debug, Default)]
struct Sent(Vec<Time>);

impl Probe for Sent {
    fn event(&mut self, _: &Model, now: Time, _: RequestRef, event: &Event) {
        if matches!(event, Event::Sent { .. }) {
            self.0.push(now);
        }
    }
}

/// A week of three clouds' load, each replayed as a profile: requests come as often as the record says, in all its steps.
#[test]
fn arrivals_follow_the_recorded_load_of_clouds() {
    const STEP_S: f64 = 300.0;
    const MEAN_PER_S: f64 = 0.5;
    let text = include_str!("../oracle/workload/datacenter_load_5min.csv");
    let rows: Vec<Vec<f64>> = rows(text)
        .map(|row| {
            row.iter()
                .map(|cell| cell.parse().expect("a number"))
                .collect()
        })
        .collect();
    for cloud in 1..=3 {
        let rates: Vec<f64> = rows.iter().map(|row| row[cloud] * MEAN_PER_S).collect();
        let points: Vec<[f64; 2]> = rows
            .iter()
            .zip(&rates)
            .map(|(row, rate)| [row[0], *rate])
            .collect();
        let horizon_s = STEP_S * (points.len() - 1) as f64;
        let components = format!(
            r#""users": {{ "client": {{ "operation": "x", "target": "shop", "arrivals": {{ "profile": {{ "points": {points:?} }} }} }} }},
               "shop": {{ "service": {{ "workers": 1, "plans": {{ "*": [ {{ "work": {{ "constant": {{ "mean_ms": 1 }} }} }} ] }} }} }}"#
        );
        let mut engine = engine(
            &scenario(cloud as u64, horizon_s, 0.0, &components),
            Sent::default(),
        );
        engine.run_until(Time::from_secs(horizon_s));
        let mut came = vec![0.0; points.len() - 1];
        for time in engine.into_probe().0 {
            came[(time.secs() / STEP_S) as usize] += 1.0;
        }
        // Between two points the rate is linear; a count is Poisson.
        let expected = rates
            .windows(2)
            .map(|pair| f64::midpoint(pair[0], pair[1]) * STEP_S);
        let chi: f64 = came
            .iter()
            .zip(expected)
            .map(|(came, mean)| (came - mean).powi(2) / mean)
            .sum();
        let freedom = came.len() as f64;
        let off = (chi - freedom) / (2.0 * freedom).sqrt();
        assert!(off.abs() < 4.0, "cloud {cloud}: {off}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn times_never_go_back(arrivals in arrivals(), seed in any::<u32>()) {
        let scenario = shop(&arrivals, seed);
        let mut engine = engine(&scenario, Sent::default());
        engine.run_until(Time::from_secs(6.0));
        let sent = engine.into_probe().0;
        prop_assert!(sent.is_sorted());
        prop_assert!(sent.iter().all(|time| time.secs() <= 6.0));
    }

    #[test]
    fn a_snapshot_keeps_what_an_arrival_process_remembers(arrivals in arrivals(), seed in any::<u32>(), at in 0.0..6.0) {
        let scenario = shop(&arrivals, seed);
        let (whole, hash) = log(&scenario);
        let mut engine = engine(&scenario, Log::default());
        engine.run_until(Time::from_secs(at));
        let mut restored = engine.clone();
        drop(engine);
        restored.run_until(Time::from_secs(6.0));
        prop_assert_eq!(restored.state_hash(), hash);
        prop_assert_eq!(restored.probe_mut().take(), whole);
    }

    #[test]
    fn arrivals_can_be_changed_under_way(before in arrivals(), after in arrivals(), seed in any::<u32>()) {
        let (before, after) = (shop(&before, seed), shop(&after, seed));
        let mut engine = engine(&before, Sent::default());
        engine.run_until(Time::from_secs(3.0));
        engine.reconfigure(&after, &scale_sim::Files::new()).expect("only arrivals differ");
        engine.run_until(Time::from_secs(6.0));
        prop_assert!(engine.into_probe().0.is_sorted());
    }
}
