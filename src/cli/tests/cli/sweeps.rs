//! `lab sweep`.

use serde_json::Value;

use crate::common::{folder, lab, sample, write};

/// A shop with four workers of 20 ms: 200 requests a second are the most that it can answer.
const SHOP: &str = r#"{ "version": 1, "seed": 3, "horizon_s": 40, "warmup_s": 5, "components": {
    "users": { "client": { "operation": "buy", "target": "shop", "arrivals": { "poisson": { "rate_per_s": 40 } } } },
    "shop": { "service": { "workers": 4, "queue": 40, "plans": { "*": [ { "work": { "exponential": { "mean_ms": 20 } } } ] } } }
} }"#;

#[test]
fn the_knee_is_where_theory_has_it_and_the_shop_gives_first() {
    let folder = folder();
    let shop = write(folder.path(), "shop.json", SHOP);
    let shop = shop.to_str().expect("a plain path");
    let done = lab(["sweep", shop, "--replications", "3", "--json"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let report: Value = serde_json::from_str(&done.out).expect("JSON");
    // 40/s at 1x: at 4x the workers are 80% busy, at 5x they would have to be 100% busy, at 6x a sixth is refused.
    let knee = &report["knee"]["between"];
    assert!(
        knee[0].as_f64() >= Some(4.0) && knee[1].as_f64() <= Some(6.0),
        "{knee}"
    );
    let points = report["points"].as_array().expect("points");
    assert_eq!(points.len(), 10);
    let most = points[9]["throughput_per_s"]["mean"]
        .as_f64()
        .expect("a number");
    assert!((most / 200.0 - 1.0).abs() < 0.02, "{most}");
    let short = report["bottlenecks"]
        .as_array()
        .expect("one for each point");
    assert_eq!(short[0].as_array().map(Vec::len), Some(0), "none yet at 1x");
    assert_eq!(short[9][0]["component"], "shop");
    assert_eq!(short[9][0]["resource"], "servers");
    // What is printed for people says the same.
    let told = lab(["sweep", shop, "--replications", "3"]);
    assert!(told.out.contains("none yet"), "{}", told.out);
    assert!(
        told.out.contains("servers of shop: 100% busy"),
        "{}",
        told.out
    );
    assert!(told.out.contains("The goal is met up to"), "{}", told.out);
    assert!(
        told.out.contains("Universal Scalability Law"),
        "{}",
        told.out
    );
    // The same again is the same to the byte.
    assert_eq!(
        lab(["sweep", shop, "--replications", "3", "--json"]).out,
        done.out
    );
}

#[test]
fn a_tighter_goal_moves_the_knee() {
    let folder = folder();
    let shop = write(folder.path(), "shop.json", SHOP);
    let shop = shop.to_str().expect("a plain path");
    let met = |p99: &str| {
        let done = lab([
            "sweep",
            shop,
            "--replications",
            "2",
            "--to",
            "4",
            "--steps",
            "4",
            "--p99",
            p99,
            "--json",
        ]);
        let report: Value = serde_json::from_str(&done.out).expect("JSON");
        let points = report["points"].as_array().expect("points").clone();
        points.iter().filter(|point| point["met"] == true).count()
    };
    assert!(met("10000") > met("130"));
    assert_eq!(met("1"), 0);
}

#[test]
fn what_cannot_be_multiplied_is_said_with_its_load() {
    let done = lab([
        "sweep".as_ref(),
        sample("mm1.json").as_os_str(),
        "--to".as_ref(),
        "2000".as_ref(),
    ]);
    assert_eq!(done.code, Some(2));
    assert!(done.err.contains("1.1 to 1000 is allowed"), "{}", done.err);
    let folder = folder();
    let fast = write(
        folder.path(),
        "fast.json",
        SHOP.replace("40 } }", "900000 } }"),
    );
    let done = lab([
        "sweep",
        fast.to_str().expect("a plain path"),
        "--replications",
        "1",
    ]);
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("at 2x the load:"), "{}", done.err);
}

#[test]
fn a_report_is_confirmed_and_one_that_was_changed_is_not() {
    let folder = folder();
    let shop = write(folder.path(), "shop.json", SHOP);
    let shop = shop.to_str().expect("a plain path");
    let arguments = [
        "sweep",
        shop,
        "--replications",
        "2",
        "--steps",
        "3",
        "--p99",
        "200",
        "--json",
    ];
    let report = lab(arguments).out;
    let certify = |text: &str| {
        let file = write(folder.path(), "report.json", text);
        lab(["certify".as_ref(), file.as_os_str()])
    };
    let done = certify(&report);
    assert_eq!(
        done.out, "confirmed: 6 runs, and every figure is the same\n",
        "{}",
        done.err
    );
    assert_eq!(done.code, Some(0));
    // A figure made better than it is, another design, another seed.
    let mut better: Value = serde_json::from_str(&report).expect("JSON");
    better["points"][2]["availability"]["mean"] = 0.999.into();
    let done = certify(&better.to_string());
    assert_eq!(done.code, Some(1));
    assert!(
        done.out.starts_with(
            "not confirmed: /points/2/availability/mean says 0.999, and the runs come to 0."
        ),
        "{}",
        done.out
    );
    for (pointer, value) in [("/design/components/shop/service/workers", 8), ("/seed", 4)] {
        let mut other: Value = serde_json::from_str(&report).expect("JSON");
        *other.pointer_mut(pointer).expect("it is there") = value.into();
        let done = certify(&other.to_string());
        assert_eq!(done.code, Some(1), "{pointer}");
        assert!(done.out.starts_with("not confirmed: /"), "{}", done.out);
    }
}

#[test]
fn what_is_no_report_is_refused_with_one_message() {
    let folder = folder();
    for (text, expected) in [
        ("{", "is no report of lab sweep --json"),
        ("[]", "is no report of lab sweep --json"),
        (SHOP, "is no report of lab sweep --json: missing field"),
        (
            r#"{ "lab": "1", "goal": { "availability": 0.9 }, "seed": 1, "replications": 5000000, "points": [{ "factor": 1 }], "design": {} }"#,
            "asks for 1 loads and 5000000 seeds: 1 to 100 and 1 to 1000 are allowed",
        ),
        (
            r#"{ "lab": "1", "goal": { "availability": 0.9 }, "seed": 1, "replications": 1, "points": [{ "factor": 1 }], "design": {} }"#,
            "version",
        ),
    ] {
        let file = write(folder.path(), "report.json", text);
        let done = lab(["certify".as_ref(), file.as_os_str()]);
        assert_eq!(done.code, Some(1), "{}", done.out);
        assert!(done.err.contains(expected), "{}", done.err);
        assert_eq!(done.err.lines().count(), 1, "{}", done.err);
    }
}
