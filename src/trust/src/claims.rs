//! The claims, in the order in which they are told.

use scale_sim::{Measure, Metric};

use crate::claim::{Case, Check, Claim, Form};
use crate::theory;

/// Everything that theory says of systems which it knows in full.
pub fn claims() -> Vec<Claim> {
    vec![
        one_server(),
        several_servers(),
        any_service(),
        bounded(),
        loss(),
        closed(),
        tandem(),
        fan_out(),
        little(),
        choices(),
        lru(),
    ]
}

fn of(metric: Metric, of: &str) -> Measure {
    Measure {
        metric,
        of: Some(of.to_owned()),
    }
}

const fn whole(metric: Metric) -> Measure {
    Measure { metric, of: None }
}

fn check(label: &'static str, unit: &'static str, measure: Measure, expected: f64) -> Check {
    Check {
        label,
        unit,
        measures: vec![measure],
        read: |values| values[0],
        expected,
        form: Form::Exact,
    }
}

/// A share that is measured as one and told in hundredths.
fn percent(label: &'static str, measure: Measure, expected: f64) -> Check {
    Check {
        read: |values| values[0] * 100.0,
        ..check(label, "%", measure, expected * 100.0)
    }
}

/// A scenario of these components: `warmup_s` are not measured.
fn scenario(horizon_s: u32, warmup_s: u32, components: &str) -> String {
    format!(
        r#"{{"version":1,"horizon_s":{horizon_s},"warmup_s":{warmup_s},"components":{{{components}}}}}"#
    )
}

/// Clients without end, who come at random.
fn users(rate_per_s: f64, target: &str) -> String {
    format!(
        r#""users":{{"client":{{"operation":"x","target":"{target}","arrivals":{{"poisson":{{"rate_per_s":{rate_per_s}}}}}}}}}"#
    )
}

fn exponential(mean_ms: f64) -> String {
    format!(r#"{{"exponential":{{"mean_ms":{mean_ms}}}}}"#)
}

/// One station, with Poisson arrivals.
fn station(rate_per_s: f64, workers: u32, queue: u32, work: &str) -> String {
    let shop = format!(
        r#""shop":{{"service":{{"workers":{workers},"queue":{queue},"plans":{{"*":[{{"work":{work}}}]}}}}}}"#
    );
    scenario(700, 100, &format!("{},{shop}", users(rate_per_s, "shop")))
}

/// So long that nobody is ever turned away.
const ENDLESS: u32 = 1_000_000;

fn one_server() -> Claim {
    let case = |rate: f64| {
        let service_s = 0.010;
        let wait_s = theory::mmc_wait(1, rate, service_s);
        Case {
            label: format!("{rate} requests/s, 10 ms each"),
            scenario: station(rate, 1, ENDLESS, &exponential(10.0)),
            checks: vec![
                percent(
                    "Utilisation",
                    of(Metric::Utilisation, "shop"),
                    rate * service_s,
                ),
                check("Mean wait", "ms", of(Metric::WaitMs, "shop"), wait_s * 1e3),
                check(
                    "Mean length of the queue",
                    "",
                    of(Metric::QueueLength, "shop"),
                    rate * wait_s,
                ),
                check(
                    "Mean response",
                    "ms",
                    whole(Metric::MeanMs),
                    (wait_s + service_s) * 1e3,
                ),
                check(
                    "99th percentile of the response",
                    "ms",
                    whole(Metric::P99Ms),
                    theory::mm1_response_quantile(rate, service_s, 0.99) * 1e3,
                ),
            ],
        }
    };
    Claim {
        id: "mm1",
        title: "One server, everything at random (M/M/1)",
        says: "Requests come at random and need a random time. The closer the server is to its limit, the longer the queue: without bound.",
        formula: "W = ρ / (µ − λ),   P(T > t) = e^−(µ − λ)t",
        source: "Kleinrock, Queueing Systems I (1975), chapter 3",
        cases: vec![case(50.0), case(80.0)],
    }
}

fn several_servers() -> Claim {
    let (rate, service_s, servers) = (80.0, 0.040, 4);
    let load = rate * service_s;
    let wait_s = theory::mmc_wait(servers, rate, service_s);
    Claim {
        id: "mmc",
        title: "Four servers and one queue (M/M/c)",
        says: "Who comes waits only if all are busy. How likely that is, is Erlang's second formula.",
        formula: "W = C(c, a) · S / (c − a)",
        source: "Erlang (1917); Kleinrock, section 3.5",
        cases: vec![Case {
            label: "80 requests/s, 40 ms each".to_owned(),
            scenario: station(rate, servers, ENDLESS, &exponential(40.0)),
            checks: vec![
                percent(
                    "Utilisation",
                    of(Metric::Utilisation, "shop"),
                    load / f64::from(servers),
                ),
                check("Mean wait", "ms", of(Metric::WaitMs, "shop"), wait_s * 1e3),
                check(
                    "Mean length of the queue",
                    "",
                    of(Metric::QueueLength, "shop"),
                    rate * wait_s,
                ),
                check(
                    "Mean response",
                    "ms",
                    whole(Metric::MeanMs),
                    (wait_s + service_s) * 1e3,
                ),
            ],
        }],
    }
}

fn any_service() -> Claim {
    let (rate, service_s) = (80.0, 0.010);
    let case = |label: &str, work: &str, scv: f64| Case {
        label: label.to_owned(),
        scenario: station(rate, 1, ENDLESS, work),
        checks: vec![check(
            "Mean wait",
            "ms",
            of(Metric::WaitMs, "shop"),
            theory::mg1_wait(rate, service_s, scv) * 1e3,
        )],
    };
    Claim {
        id: "mg1",
        title: "One server, work of any kind (M/G/1)",
        says: "The mean of the work is not enough: the wait grows with its variance. The same 10 ms wait twice as long if they are random.",
        formula: "W = ρ S (1 + cv²) / 2(1 − ρ)",
        source: "Pollaczek (1930), Khinchine (1932); Kleinrock, section 5.7",
        cases: vec![
            case(
                "Always 10 ms (cv = 0)",
                r#"{"constant":{"mean_ms":10}}"#,
                0.0,
            ),
            case(
                "Four stages (cv = 0.5)",
                r#"{"erlang":{"mean_ms":10,"stages":4}}"#,
                0.25,
            ),
            case(
                "Any between 0 and 20 ms (cv = 0.58)",
                r#"{"uniform":{"min_ms":0,"max_ms":20}}"#,
                1.0 / 3.0,
            ),
            case(
                "Log-normal (cv = 1.5)",
                r#"{"log_normal":{"mean_ms":10,"cv":1.5}}"#,
                2.25,
            ),
        ],
    }
}

fn bounded() -> Claim {
    let (rate, places) = (120.0, 6);
    let blocked = theory::mm1k_blocked(1.2, places);
    Claim {
        id: "mm1k",
        title: "An overloaded server with five places to wait (M/M/1/K)",
        says: "More come than can be served. A bounded queue turns the rest away, and no more than the rest.",
        formula: "P(lost) = (1 − ρ) ρᴷ / (1 − ρᴷ⁺¹)",
        source: "Kleinrock, section 3.6",
        cases: vec![Case {
            label: "120 requests/s, 10 ms each".to_owned(),
            scenario: station(rate, 1, places - 1, &exponential(10.0)),
            checks: vec![
                check(
                    "Turned away",
                    "a second",
                    whole(Metric::LostPerS),
                    rate * blocked,
                ),
                check(
                    "Answered",
                    "a second",
                    whole(Metric::ThroughputPerS),
                    rate * (1.0 - blocked),
                ),
            ],
        }],
    }
}

fn loss() -> Claim {
    Claim {
        id: "erlang-b",
        title: "Four lines and nobody waits (M/M/c/c)",
        says: "A telephone exchange: who finds all lines taken hears the busy tone. Erlang's first formula.",
        formula: "B(c, a) = a B(c−1, a) / (c + a B(c−1, a))",
        source: "Erlang (1917); Kleinrock, section 3.6",
        cases: vec![Case {
            label: "100 calls/s, 30 ms each".to_owned(),
            scenario: station(100.0, 4, 0, &exponential(30.0)),
            checks: vec![check(
                "Turned away",
                "a second",
                whole(Metric::LostPerS),
                100.0 * theory::erlang_b(4, 3.0),
            )],
        }],
    }
}

fn closed() -> Claim {
    let case = |users: u32| {
        let (throughput, response_s) = theory::closed_loop(users, 0.1, 0.01);
        let components = format!(
            r#""users":{{"client":{{"operation":"x","target":"shop","arrivals":{{"closed":{{"users":{users},"think_time":{{"exponential":{{"mean_ms":100}}}}}}}}}}}},
               "shop":{{"service":{{"workers":1,"plans":{{"*":[{{"work":{}}}]}}}}}}"#,
            exponential(10.0)
        );
        Case {
            label: format!("{users} users"),
            scenario: scenario(600, 20, &components),
            checks: vec![
                check(
                    "Answered",
                    "a second",
                    whole(Metric::ThroughputPerS),
                    throughput,
                ),
                check(
                    "Mean response",
                    "ms",
                    whole(Metric::MeanMs),
                    response_s * 1e3,
                ),
            ],
        }
    };
    Claim {
        id: "closed",
        title: "Users who wait for their answer (closed loop)",
        says: "Each thinks for 100 ms, asks, and waits before asking again. So the load cannot run away: thirty users bring a server to its limit, not beyond.",
        formula: "R(n) = S (1 + Q(n−1)),   X = n / (Z + R)",
        source: "Mean value analysis: Reiser and Lavenberg, JACM 27(2), 1980",
        cases: vec![case(5), case(12), case(30)],
    }
}

fn tandem() -> Claim {
    let components = format!(
        r#"{},"front":{{"service":{{"workers":10000,"plans":{{"*":[{{"call":{{"to":"a"}}}},{{"call":{{"to":"b"}}}}]}}}}}},
           "a":{{"database":{{"connections":1,"queries":{{"*":{}}}}}}},"b":{{"database":{{"connections":1,"queries":{{"*":{}}}}}}}"#,
        users(60.0, "front"),
        exponential(10.0),
        exponential(12.0)
    );
    Claim {
        id: "jackson",
        title: "One station after another (a Jackson network)",
        says: "Each station of a line where all is random is as if it stood alone: their times add up.",
        formula: "R = 1 / (µ₁ − λ) + 1 / (µ₂ − λ)",
        source: "Jackson, Operations Research 5(4), 1957",
        cases: vec![Case {
            label: "60 requests/s, 10 ms, then 12 ms".to_owned(),
            scenario: scenario(700, 100, &components),
            checks: vec![check(
                "Mean response",
                "ms",
                whole(Metric::MeanMs),
                1e3 / (100.0 - 60.0) + 1e3 / (1e3 / 12.0 - 60.0),
            )],
        }],
    }
}

fn fan_out() -> Claim {
    let case = |count: u32| {
        let components = format!(
            r#"{},"front":{{"service":{{"workers":10000,"plans":{{"*":[{{"parallel":{{"calls":[{{"to":"part","times":{count}}}]}}}}]}}}}}},
               "part":{{"service":{{"workers":10000,"plans":{{"*":[{{"work":{}}}]}}}}}}"#,
            users(40.0, "front"),
            exponential(10.0)
        );
        Case {
            label: format!("{count} parts of 10 ms at once"),
            scenario: scenario(220, 20, &components),
            checks: vec![check(
                "Mean response",
                "ms",
                whole(Metric::MeanMs),
                10.0 * theory::longest_of(count),
            )],
        }
    };
    Claim {
        id: "fan-out",
        title: "As slow as the slowest part (fan-out)",
        says: "A page is made of parts that are asked for at once, each 10 ms on average, and nothing waits. The page takes as long as its slowest part.",
        formula: "R = S (1 + 1/2 + 1/3 + … + 1/n)",
        source: "The longest of n exponential times; Dean and Barroso, CACM 56(2), 2013, tell what it means",
        cases: vec![case(4), case(20)],
    }
}

fn little() -> Claim {
    Claim {
        id: "little",
        title: "Little's law",
        says: "However requests come and however long they take: as many are inside as come a second, times how long each stays. This system is random, overloaded at times, and loses some.",
        formula: "L = λ W",
        source: "Little, Operations Research 9(3), 1961",
        cases: vec![Case {
            label: "80 requests/s, log-normal work, 20 places to wait".to_owned(),
            scenario: station(80.0, 4, 20, r#"{"log_normal":{"mean_ms":40,"cv":2}}"#),
            checks: vec![Check {
                label: "L divided by λ W",
                unit: "",
                measures: vec![
                    whole(Metric::InSystem),
                    whole(Metric::ThroughputPerS),
                    whole(Metric::MeanMs),
                ],
                read: |values| values[0] / (values[1] * values[2] / 1e3),
                expected: 1.0,
                form: Form::Within(
                    0.002,
                    "who is inside as the run begins or ends is counted on one side only",
                ),
            }],
        }],
    }
}

fn choices() -> Claim {
    let (servers, busy, service_ms) = (50, 0.8, 10.0);
    let case = |label: &str, policy: &str, choices: u32, form: Form| {
        let rate = f64::from(servers) * busy * 1e3 / service_ms;
        let components = format!(
            r#"{},"lb":{{"balancer":{{"policy":"{policy}","targets":["shop"]}}}},
               "shop":{{"service":{{"instances":{servers},"workers":1,"plans":{{"*":[{{"work":{}}}]}}}}}}"#,
            users(rate, "lb"),
            exponential(service_ms)
        );
        Case {
            label: label.to_owned(),
            scenario: scenario(30, 8, &components),
            checks: vec![Check {
                form,
                ..check(
                    "Mean response",
                    "ms",
                    whole(Metric::MeanMs),
                    service_ms * theory::power_of_choices(busy, choices),
                )
            }],
        }
    };
    let limit = Form::Within(
        0.03,
        "the form is for endlessly many servers; here there are 50",
    );
    Claim {
        id: "choices",
        title: "The power of two choices",
        says: "Fifty servers, each 80% busy. Who asks two at random and takes the shorter queue waits far less than who takes one at random.",
        formula: "R = S Σ ρ^((dⁱ − d) / (d − 1))",
        source: "Mitzenmacher, IEEE TPDS 12(10), 2001",
        cases: vec![
            case("One at random", "random", 1, Form::Exact),
            case("The better of two", "power_of_two_choices", 2, limit),
        ],
    }
}

fn lru() -> Claim {
    let case = |label: &str, count: u32, exponent: f64, places: u32, expected: f64, form: Form| {
        let components = format!(
            r#""users":{{"client":{{"operation":"get","target":"redis","arrivals":{{"poisson":{{"rate_per_s":500}}}},"keys":{{"zipf":{{"count":{count},"exponent":{exponent}}}}}}}}},
               "redis":{{"cache":{{"capacity_entries":{places},"mode":"read_through","target":"db"}}}},
               "db":{{"database":{{"connections":1000,"queries":{{"*":{{"constant":{{"mean_ms":0}}}}}}}}}}"#
        );
        Case {
            label: label.to_owned(),
            scenario: scenario(110, 10, &components),
            checks: vec![Check {
                form,
                ..percent("Hit ratio", of(Metric::HitRatio, "redis"), expected)
            }],
        }
    };
    let (few, many) = (theory::zipf(10, 0.8), theory::zipf(2_000, 0.8));
    Claim {
        id: "lru",
        title: "A cache that forgets what was not asked for longest (LRU)",
        says: "Keys come independently, some far more often than others. How often they are still in the cache can be said exactly for a small one, and nearly for any.",
        formula: "h = Σ pᵢ (1 − e^−pᵢt),   with Σ (1 − e^−pᵢt) = places",
        source: "Exactly: King, IFIP Congress 1971. Nearly: Che, Tung and Wang, IEEE JSAC 20(7), 2002",
        cases: vec![
            case(
                "3 places for 10 keys",
                10,
                0.8,
                3,
                theory::lru_exact(&few, 3),
                Form::Exact,
            ),
            case(
                "100 places for 2,000 keys",
                2_000,
                0.8,
                100,
                theory::lru_che(&many, 100.0),
                Form::Within(0.01, "Che's form is an approximation"),
            ),
        ],
    }
}
