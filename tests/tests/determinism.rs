//! The same seed gives the same run, to the byte: against event logs kept as text, natively and in the browser.
//!
//! After a change that is meant to alter runs: `UPDATE_GOLDEN=1 cargo test -p scale-tests --test determinism`, and read the diff.

use scale_sim::{Log, Scenario, Time};
use scale_tests::{engine, log, scenario};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// Name, seed, horizon, components, and the log that the run must give.
type Golden = (&'static str, u64, f64, &'static str, &'static str);

const GOLDEN: [Golden; 5] = [
    (
        "copies",
        7,
        0.6,
        r#""users": { "client": { "operation": "buy", "target": "lb", "arrivals": { "poisson": { "rate_per_s": 60 } } } },
           "lb": { "balancer": { "policy": "round_robin", "targets": ["shop"] } },
           "shop": { "service": { "instances": 2, "workers": 1, "queue": 1, "plans": { "*": [ { "work": { "exponential": { "mean_ms": 30 } } }, { "call": { "to": "db" } } ] } } },
           "db": { "database": { "connections": 1, "queue": 0, "queries": { "*": { "log_normal": { "mean_ms": 12, "cv": 0.8 } } } } }"#,
        include_str!("../golden/copies.csv"),
    ),
    (
        "closed",
        11,
        0.5,
        r#""users": { "client": { "operation": "ask", "target": "lb", "arrivals": { "closed": { "users": 4, "think_time": { "erlang": { "mean_ms": 20, "stages": 3 } } } } } },
           "lb": { "balancer": { "policy": "least_connections", "targets": ["a", "b"] } },
           "a": { "service": { "workers": 1, "plans": { "*": [ { "work": { "uniform": { "min_ms": 5, "max_ms": 30 } } } ] } } },
           "b": { "database": { "connections": 1, "queries": { "ask": { "empirical": { "samples_ms": [4, 9, 16.5] } } } } }"#,
        include_str!("../golden/closed.csv"),
    ),
    (
        "ramp",
        3,
        1.0,
        r#""users": { "client": { "operation": "x", "target": "shop", "arrivals": { "ramp": { "from_per_s": 5, "to_per_s": 80, "over_s": 0.8 } } } },
           "shop": { "service": { "workers": 2, "queue": 3, "plans": { "*": [ { "work": { "constant": { "mean_ms": 40 } } } ] } } }"#,
        include_str!("../golden/ramp.csv"),
    ),
    (
        "constant",
        1,
        0.5,
        r#""users": { "client": { "operation": "x", "target": "shop", "arrivals": { "constant": { "rate_per_s": 50 } } } },
           "shop": { "service": { "workers": 1, "queue": 2, "plans": { "*": [ { "work": { "log_normal": { "mean_ms": 25, "cv": 1.2 } } } ] } } }"#,
        include_str!("../golden/constant.csv"),
    ),
    (
        "changing-rates",
        9,
        1.0,
        r#""bursts": { "client": { "operation": "x", "target": "shop", "arrivals": { "on_off": { "rate_on_per_s": 90, "rate_off_per_s": 5, "mean_on_s": 0.1, "mean_off_s": 0.2 } } } },
           "day": { "client": { "operation": "x", "target": "shop", "arrivals": { "daily": { "mean_per_s": 20, "swing": 0.9, "period_s": 1, "peak_at_s": 0.4 } } } },
           "profile": { "client": { "operation": "x", "target": "shop", "arrivals": { "profile": { "points": [[0, 0], [0.2, 60], [0.3, 0]], "repeat": true } } } },
           "batches": { "client": { "operation": "x", "target": "shop", "arrivals": { "batch": { "rate_per_s": 20, "size": { "geometric": { "mean": 3 } } } } } },
           "shop": { "service": { "workers": 2, "queue": 2, "plans": { "*": [ { "work": { "exponential": { "mean_ms": 15 } } } ] } } }"#,
        include_str!("../golden/changing-rates.csv"),
    ),
];

/// Sample scenarios: name, how many seconds of it, the file, and the log that the run must give.
macro_rules! sample {
    ($name:literal, $horizon_s:literal) => {
        (
            $name,
            $horizon_s,
            include_str!(concat!("../scenarios/", $name, ".json")),
            include_str!(concat!("../golden/", $name, ".csv")),
        )
    };
}

const SAMPLES: [(&str, f64, &str, &str); 4] = [
    sample!("guards", 1.6),
    sample!("wires", 2.5),
    sample!("calls-at-once", 1.0),
    sample!("faults", 1.5),
];

/// Scenarios with the logs that their runs must give.
fn golden() -> impl Iterator<Item = (&'static str, Scenario, &'static str)> {
    let short = GOLDEN
        .into_iter()
        .map(|(name, seed, horizon_s, components, expected)| {
            (name, scenario(seed, horizon_s, 0.0, components), expected)
        });
    let samples = SAMPLES
        .into_iter()
        .map(|(name, horizon_s, text, expected)| {
            let scenario = Scenario::from_json(text).expect("samples are valid");
            (
                name,
                Scenario {
                    horizon_s,
                    ..scenario
                },
                expected,
            )
        });
    short.chain(samples)
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn event_logs_are_the_same_to_the_byte() {
    for (name, scenario, expected) in golden() {
        let (log, _) = log(&scenario);
        #[cfg(not(target_arch = "wasm32"))]
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let file = format!("{}/golden/{name}.csv", env!("CARGO_MANIFEST_DIR"));
            std::fs::write(file, &log).expect("the golden file can be written");
            continue;
        }
        let different = log.lines().zip(expected.lines()).find(|(a, b)| a != b);
        assert!(
            log == expected,
            "{name}: the first difference is {different:?}; see the head of this file"
        );
    }
}

/// A million events: too long to keep, so only their hash is.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_long_run_ends_in_the_same_state() {
    const EXPECTED: (u64, u64) = (17_474_841_349_683_886_927, 9_443_341_777_666_804_950);
    let components = r#""users": { "client": { "operation": "x", "target": "lb", "arrivals": { "poisson": { "rate_per_s": 700 } } } },
        "lb": { "balancer": { "policy": "least_connections", "targets": ["shop"] } },
        "shop": { "service": { "instances": 8, "workers": 1, "plans": { "*": [ { "work": { "log_normal": { "mean_ms": 10, "cv": 1 } } } ] } } }"#;
    let (log, hash) = log(&scenario(42, 240.0, 0.0, components));
    assert!(log.lines().count() > 800_000);
    assert_eq!((hash, digest(&log)), EXPECTED);
}

/// FNV-1a over a whole log.
fn digest(log: &str) -> u64 {
    log.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Names of the sample scenarios with their texts.
macro_rules! texts {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../scenarios/", $name, ".json")))),*]
    };
}

/// All samples but those that replay a file.
const TEXTS: [(&str, &str); 114] = texts![
    "autoscale",
    "batches",
    "bulkhead",
    "bursts",
    "cache-aside",
    "cache-invalidation",
    "cache-levels",
    "cache-ring",
    "cache-stampede",
    "cache-write-behind",
    "calls-at-once",
    "closed",
    "compression",
    "computed-results",
    "connection-per-request",
    "connection-pool",
    "cqrs",
    "cqrs-rebuild",
    "daily",
    "double-effect",
    "double-effect-once",
    "dual-write",
    "eight-servers",
    "ejection",
    "event-sourcing",
    "event-sourcing-snapshots",
    "failover",
    "failover-semi-synchronous",
    "fallback",
    "fan-out",
    "fan-out-95",
    "faults",
    "flash-sale",
    "gateway",
    "guards",
    "health-check",
    "hedging",
    "image-pipeline",
    "image-pipeline-queued",
    "in-order",
    "in-order-one-worker",
    "in-order-partitioned",
    "lost-message",
    "lost-message-kept",
    "lost-update",
    "lost-update-atomic",
    "lost-update-versioned",
    "lost-write",
    "lost-write-behind",
    "lost-write-semi-synchronous",
    "lost-write-through",
    "metastable",
    "metastable-codel",
    "metastable-shedding",
    "mm1",
    "mm4",
    "n-plus-one",
    "order-flow",
    "order-flow-queued",
    "outages",
    "outbox",
    "own-write-sticky",
    "pagination",
    "priorities",
    "profile",
    "queue-back-pressure",
    "queue-crashes",
    "queue-dead-letters",
    "queue-redelivery",
    "ramp",
    "read-your-writes",
    "recorded-day",
    "replica-reads",
    "reshard-at-once",
    "reshard-dual-reads",
    "reshard-dual-writes",
    "reshard-hold-writes",
    "reshard-modulo",
    "resilience",
    "retry-breaker",
    "retry-budget",
    "saga-choreographed",
    "saga-compensated",
    "saga-crash",
    "saga-half-done",
    "saga-orchestrated",
    "served-once",
    "served-once-plain",
    "sessions",
    "sessions-fail",
    "shards-directory",
    "shards-hot-key",
    "shards-hot-range",
    "shards-scatter",
    "shop-copies",
    "shop-one",
    "slow-start",
    "spike",
    "stale-cache",
    "stale-cache-invalidated",
    "stale-read",
    "stale-read-primary",
    "sticky",
    "topic-rebalance",
    "transfer",
    "transfer-compensated",
    "transfer-saga",
    "transfer-two-phase",
    "two-choices",
    "two-phase-commit",
    "two-phase-commit-in-doubt",
    "versioned-keys",
    "weights",
    "wires",
];

/// Events of a sample's run.
const EVENTS: u64 = 30_000;

/// The state and the log after so many events of a sample, as a line of `golden/samples.csv`.
fn fingerprint(name: &str, text: &str) -> String {
    let scenario = Scenario::from_json(text).expect("samples are valid");
    let mut engine = engine(&scenario, Log::default()).with_budget(EVENTS);
    engine.run_until(Time::from_secs(scenario.horizon_s));
    let (events, hash) = (engine.events(), engine.state_hash());
    format!(
        "{name},{events},{hash:016x},{:016x}",
        digest(&engine.probe_mut().take())
    )
}

/// Every mechanism at work: thirty thousand events of each sample leave the same log and the same state, native and as Wasm.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn all_samples_run_the_same() {
    let head = "scenario,events,state_hash,log_digest".to_owned();
    let lines = TEXTS.iter().map(|(name, text)| fingerprint(name, text));
    let found: Vec<String> = core::iter::once(head).chain(lines).collect();
    #[cfg(not(target_arch = "wasm32"))]
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/samples.csv");
        std::fs::write(file, found.join("\n") + "\n").expect("the golden file can be written");
        return;
    }
    let expected: Vec<&str> = include_str!("../golden/samples.csv").lines().collect();
    assert_eq!(found, expected, "see the head of this file");
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn no_sample_is_left_out() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_suffix(".json")?.to_owned()))
        .filter(|name| !name.starts_with("replay"))
        .collect();
    names.sort();
    assert_eq!(names, TEXTS.map(|(name, _)| name));
}
