//! Figures against closed forms.

use serde_json::Value;

use crate::common::{count, json, number, sample};

/// The closed form lies in the 99% interval of 20 runs.
fn check(report: &Value, pointer: &str, expected: f64) {
    let (mean, half_width) = (
        number(report, &format!("{pointer}/mean")),
        number(report, &format!("{pointer}/half_width")),
    );
    assert_eq!(count(report, &format!("{pointer}/n")), 20);
    assert!(
        (mean - expected).abs() <= half_width,
        "{pointer}: {mean} ± {half_width}, not {expected}"
    );
    // An interval that is wide enough covers anything.
    assert!(half_width < 0.03 * expected, "{pointer}: ± {half_width}");
}

#[test]
fn one_server_agrees_with_mm1() {
    let report = json(&sample("mm1.json"), &["--replications", "20"]);
    let (lambda, mu) = (70.0, 100.0);
    let rho: f64 = lambda / mu;
    let response_s = 1.0 / (mu - lambda);
    check(&report, "/stations/0/utilisation", rho);
    check(&report, "/stations/0/queue_length", rho * rho / (1.0 - rho));
    check(&report, "/stations/0/wait_ms", 1e3 * rho * response_s);
    check(&report, "/system/mean_ms", 1e3 * response_s);
    check(&report, "/system/in_system", rho / (1.0 - rho));
    // The response time is exponential.
    check(&report, "/system/p50_ms", 1e3 * response_s * 2_f64.ln());
    check(&report, "/system/p95_ms", 1e3 * response_s * 20_f64.ln());
    check(&report, "/system/p99_ms", 1e3 * response_s * 100_f64.ln());
}

#[test]
fn four_servers_agree_with_mm4() {
    let report = json(&sample("mm4.json"), &["--replications", "20"]);
    let (lambda, mu, servers) = (320.0, 100.0, 4);
    let load: f64 = lambda / mu;
    let rho = load / f64::from(servers);
    // Erlang C from Erlang B's recursion.
    let blocked = (1..=servers).fold(1.0, |b, n| load * b / (f64::from(n) + load * b));
    let delayed = blocked / (1.0 - rho * (1.0 - blocked));
    let wait_s = delayed / (f64::from(servers) * mu - lambda);
    check(&report, "/stations/0/utilisation", rho);
    check(&report, "/stations/0/queue_length", lambda * wait_s);
    check(&report, "/stations/0/wait_ms", 1e3 * wait_s);
    check(&report, "/system/mean_ms", 1e3 * (wait_s + 1.0 / mu));
    check(&report, "/system/in_system", lambda * (wait_s + 1.0 / mu));
}
