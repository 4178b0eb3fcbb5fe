//! Designs made so that one knows what gives first, and the same with room to spare, where nothing does.

use scale_capacity::{Resource, Run, bottlenecks};
use scale_sim::{Files, Scenario, run};

/// A design with its bottleneck.
struct Known {
    name: String,
    scenario: String,
    /// The component and what is short there; nothing if nothing is.
    short: Option<(&'static str, Resource)>,
}

fn design(components: &str) -> String {
    format!(
        r#"{{ "version": 1, "seed": 11, "horizon_s": 60, "warmup_s": 6, "components": {{ {components} }} }}"#
    )
}

fn users(target: &str, rate: f64) -> String {
    format!(
        r#""users": {{ "client": {{ "operation": "buy", "target": "{target}", "keys": {{ "uniform": {{ "count": 1000 }} }}, "arrivals": {{ "poisson": {{ "rate_per_s": {rate} }} }} }} }}"#
    )
}

fn service(name: &str, instances: u32, workers: u32, queue: &str, plan: &str) -> String {
    format!(
        r#""{name}": {{ "service": {{ "instances": {instances}, "workers": {workers}{queue}, "plans": {{ "*": [ {plan} ] }} }} }}"#
    )
}

fn work(ms: f64) -> String {
    format!(r#"{{ "work": {{ "exponential": {{ "mean_ms": {ms} }} }} }}"#)
}

fn call(to: &str) -> String {
    format!(r#"{{ "call": {{ "to": "{to}" }} }}"#)
}

fn database(connections: u32, ms: f64, more: &str) -> String {
    format!(
        r#""db": {{ "database": {{ "connections": {connections}, "queries": {{ "*": {{ "exponential": {{ "mean_ms": {ms} }} }} }}{more} }} }}"#
    )
}

/// Every design, with the rate at which it is short and one at which it has room.
#[expect(clippy::too_many_lines, reason = "one design after the other")]
fn known() -> Vec<Known> {
    let mut all: Vec<Known> = Vec::new();
    let mut twin = |name: &str,
                    short: (&'static str, Resource),
                    high: f64,
                    low: f64,
                    of: &dyn Fn(f64) -> String| {
        for (rate, short) in [(high, Some(short)), (low, None)] {
            all.push(Known {
                name: format!("{name} at {rate} a second"),
                scenario: design(&of(rate)),
                short,
            });
        }
    };
    let queue = r#", "queue": 50"#;
    // Servers: one service, with and without a bound on its line.
    for (workers, high, low) in [(1, 60.0, 25.0), (4, 230.0, 110.0), (16, 900.0, 450.0)] {
        for bound in ["", queue] {
            let name = format!("a service of {workers}, line {bound}");
            twin(&name, ("shop", Resource::Servers), high, low, &|rate| {
                [
                    users("shop", rate),
                    service("shop", 1, workers, bound, &work(20.0)),
                ]
                .join(", ")
            });
        }
    }
    // Servers of a database: those who ask it are held, and look as busy.
    for workers in [8, 60] {
        twin(
            &format!("a database behind {workers} workers"),
            ("db", Resource::Servers),
            300.0,
            80.0,
            &|rate| {
                let plan = [work(2.0), call("db")].join(", ");
                [
                    users("shop", rate),
                    service("shop", 1, workers, queue, &plan),
                    database(4, 20.0, ""),
                ]
                .join(", ")
            },
        );
    }
    // A service before a database with room.
    for workers in [2, 6] {
        let capacity = f64::from(workers) / 0.030;
        twin(
            &format!("{workers} workers before a quick database"),
            ("shop", Resource::Servers),
            capacity * 1.3,
            capacity * 0.5,
            &|rate| {
                let plan = [work(25.0), call("db")].join(", ");
                [
                    users("shop", rate),
                    service("shop", 1, workers, queue, &plan),
                    database(50, 5.0, ""),
                ]
                .join(", ")
            },
        );
    }
    // Several behind a balancer.
    twin(
        "three behind a balancer",
        ("shop", Resource::Servers),
        190.0,
        75.0,
        &|rate| {
            let balancer =
                r#""balancer": { "balancer": { "policy": "round_robin", "targets": ["shop"] } }"#
                    .to_owned();
            [
                users("balancer", rate),
                balancer,
                service("shop", 3, 1, queue, &work(20.0)),
            ]
            .join(", ")
        },
    );
    // One of several services that are asked one after the other.
    twin(
        "the second of three services",
        ("stock", Resource::Servers),
        130.0,
        50.0,
        &|rate| {
            let plan = [call("catalogue"), call("stock"), call("payment")].join(", ");
            [
                users("shop", rate),
                service("shop", 1, 100, "", &plan),
                service("catalogue", 1, 4, "", &work(5.0)),
                service("stock", 1, 2, "", &work(20.0)),
                service("payment", 1, 8, "", &work(20.0)),
            ]
            .join(", ")
        },
    );
    // Connections of a pool.
    for (most, high, low) in [(2, 150.0, 40.0), (5, 380.0, 100.0)] {
        let pool = format!(
            r#", "pool": {{ "min": 1, "max": {most}, "wait_timeout_ms": 500, "idle_timeout_ms": 30000 }}"#
        );
        twin(
            &format!("a pool of {most}"),
            ("db", Resource::Connections),
            high,
            low,
            &|rate| {
                [
                    users("shop", rate),
                    service("shop", 1, 400, "", &call("db")),
                    database(100, 15.0, &pool),
                ]
                .join(", ")
            },
        );
    }
    // Locks: everybody changes the same few rows.
    for (rows, high, low) in [(1, 260.0, 30.0), (2, 500.0, 60.0)] {
        twin(
            &format!("{rows} hot rows"),
            ("db", Resource::Locks),
            high,
            low,
            &|rate| {
                let users = format!(
                    r#""users": {{ "client": {{ "operation": "buy", "target": "shop", "keys": {{ "uniform": {{ "count": {rows} }} }}, "arrivals": {{ "poisson": {{ "rate_per_s": {rate} }} }} }} }}"#
                );
                let plan = r#"{ "call": { "to": "db", "operation": "take" } }"#;
                let db = format!(
                    r#""db": {{ "database": {{ "connections": 2000, "tables": {{ "stock": {{ "rows": {rows}, "value": 1000000 }} }},
                    "statements": {{ "take": {{ "change": {{ "table": "stock", "by": -1, "care": "atomic_update", "retries": 1000 }} }} }},
                    "costs": {{ "commit": {{ "constant": {{ "mean_ms": 5 }} }} }} }} }}"#
                );
                [users, service("shop", 1, 2000, "", plan), db].join(", ")
            },
        );
    }
    // Limits of a gateway.
    for (name, limit) in [
        (
            "a token bucket",
            r#""rate_limit": { "token_bucket": { "rate_per_s": 50, "burst": 20 } }"#,
        ),
        (
            "a leaky bucket",
            r#""rate_limit": { "leaky_bucket": { "rate_per_s": 50, "burst": 20 } }"#,
        ),
        (
            "a limit on concurrency",
            r#""concurrency": { "fixed": { "most": 3 } }"#,
        ),
    ] {
        twin(name, ("gateway", Resource::Limit), 120.0, 5.0, &|rate| {
            let gateway = format!(r#""gateway": {{ "gateway": {{ "target": "shop", {limit} }} }}"#);
            [
                users("gateway", rate),
                gateway,
                service("shop", 1, 20, "", &work(40.0)),
            ]
            .join(", ")
        });
    }
    // Consumers of a queue.
    for instances in [1, 3] {
        let capacity = f64::from(instances) * 2.0 / 0.05;
        twin(
            &format!("{instances} consumers"),
            ("worker", Resource::Servers),
            capacity * 1.3,
            capacity * 0.5,
            &|rate| {
                let jobs = r#""jobs": { "queue": { "to": "worker", "capacity": 100000, "prefetch": 10 } }"#.to_owned();
                [
                    users("jobs", rate),
                    jobs,
                    service("worker", instances, 2, "", &work(50.0)),
                ]
                .join(", ")
            },
        );
    }
    // What consumers may have at once.
    for prefetch in [1, 2] {
        let capacity = f64::from(prefetch) / 0.05;
        twin(
            &format!("prefetch {prefetch}"),
            ("jobs", Resource::Prefetch),
            capacity * 1.4,
            capacity * 0.5,
            &|rate| {
                let jobs = format!(
                    r#""jobs": {{ "queue": {{ "to": "worker", "capacity": 100000, "prefetch": {prefetch} }} }}"#
                );
                [
                    users("jobs", rate),
                    jobs,
                    service("worker", 1, 16, "", &work(50.0)),
                ]
                .join(", ")
            },
        );
    }
    // Partitions of a topic.
    for partitions in [1, 3] {
        let capacity = f64::from(partitions) / 0.02;
        twin(
            &format!("{partitions} partitions"),
            ("changes", Resource::Partitions),
            capacity * 1.4,
            capacity * 0.4,
            &|rate| {
                let topic = format!(
                    r#""changes": {{ "topic": {{ "partitions": {partitions}, "retention": 100000, "subscriptions": {{ "workers": {{ "to": "worker" }} }} }} }}"#
                );
                [
                    users("changes", rate),
                    topic,
                    service("worker", 6, 4, "", &work(20.0)),
                ]
                .join(", ")
            },
        );
    }
    // A gateway that works itself.
    twin(
        "a gateway of two workers",
        ("gateway", Resource::Servers),
        130.0,
        40.0,
        &|rate| {
            let gateway = r#""gateway": { "gateway": { "target": "shop", "workers": 2, "queue": 50, "work": { "exponential": { "mean_ms": 20 } } } }"#;
            [
                users("gateway", rate),
                gateway.to_owned(),
                service("shop", 1, 40, "", &work(10.0)),
            ]
            .join(", ")
        },
    );
    // A cache whose look-ups are slow.
    twin(
        "a cache of one worker",
        ("redis", Resource::Servers),
        150.0,
        25.0,
        &|rate| {
            let cache = r#""redis": { "cache": { "mode": "read_through", "target": "db", "capacity_entries": 2000, "workers": 1, "queue": 60, "lookup": { "exponential": { "mean_ms": 10 } } } }"#;
            [
                users("redis", rate),
                cache.to_owned(),
                database(50, 2.0, ""),
            ]
            .join(", ")
        },
    );
    // A view that is asked for more than its database.
    twin(
        "a view of two connections",
        ("list", Resource::Servers),
        130.0,
        40.0,
        &|rate| {
            let view = r#""list": { "view": { "source": "db", "table": "items", "connections": 2, "queue": 60, "queries": { "*": { "exponential": { "mean_ms": 20 } } }, "apply": { "exponential": { "mean_ms": 1 } } } }"#;
            [
                users("shop", rate),
                service("shop", 1, 100, "", &call("list")),
                view.to_owned(),
                r#""db": { "database": { "connections": 4, "tables": { "items": { "rows": 1000 } }, "statements": { "write": { "write": { "table": "items" } } } } }"#.to_owned(),
            ]
            .join(", ")
        },
    );
    // The slower of two that are asked at once.
    twin(
        "one of two asked at once",
        ("prices", Resource::Servers),
        130.0,
        45.0,
        &|rate| {
            let both = r#"{ "parallel": { "calls": [{ "to": "stock" }, { "to": "prices" }] } }"#;
            [
                users("shop", rate),
                service("shop", 1, 200, "", both),
                service("stock", 1, 8, "", &work(10.0)),
                service("prices", 1, 2, "", &work(20.0)),
            ]
            .join(", ")
        },
    );
    // A reader of a topic with partitions enough takes one message at a time, however many workers it has.
    for (instances, workers) in [(1, 2), (2, 3)] {
        let capacity = f64::from(instances) / 0.05;
        twin(
            &format!("{instances} readers of {workers} workers for twelve partitions"),
            ("changes", Resource::Consumers),
            capacity * 1.5,
            capacity * 0.4,
            &|rate| {
                let topic = r#""changes": { "topic": { "partitions": 12, "retention": 50000, "subscriptions": { "workers": { "to": "worker" } } } }"#;
                [
                    users("changes", rate),
                    topic.to_owned(),
                    service("worker", instances, workers, "", &work(50.0)),
                ]
                .join(", ")
            },
        );
    }
    // With one worker it is that which is busy.
    twin(
        "a reader of one worker for twelve partitions",
        ("worker", Resource::Servers),
        30.0,
        8.0,
        &|rate| {
            let topic = r#""changes": { "topic": { "partitions": 12, "retention": 50000, "subscriptions": { "workers": { "to": "worker" } } } }"#;
            [
                users("changes", rate),
                topic.to_owned(),
                service("worker", 1, 1, "", &work(50.0)),
            ]
            .join(", ")
        },
    );
    // A database behind a balancer and copies: the copies only wait for it.
    twin(
        "copies before one database",
        ("db", Resource::Servers),
        260.0,
        80.0,
        &|rate| {
            let balancer = r#""balancer": { "balancer": { "policy": "least_connections", "targets": ["shop"] } }"#;
            let plan = [work(5.0), call("db")].join(", ");
            [
                users("balancer", rate),
                balancer.to_owned(),
                service("shop", 4, 16, queue, &plan),
                database(4, 20.0, ""),
            ]
            .join(", ")
        },
    );
    // Servers that are enough on average and not in a burst: a spike, a day, bursts at random; refusing, or with a long line.
    let bursts: [(&str, &dyn Fn(f64) -> String); 3] = [
        ("spike", &|rate| {
            format!(
                r#""spike": {{ "base_per_s": {}, "peak_per_s": {}, "at_s": 30, "for_s": 8 }}"#,
                rate / 2.0,
                rate * 2.0
            )
        }),
        ("daily", &|rate| {
            format!(
                r#""daily": {{ "mean_per_s": {rate}, "swing": 0.9, "period_s": 60, "peak_at_s": 30 }}"#
            )
        }),
        ("on_off", &|rate| {
            format!(
                r#""on_off": {{ "rate_on_per_s": {}, "rate_off_per_s": {}, "mean_on_s": 6, "mean_off_s": 12 }}"#,
                rate * 2.0,
                rate / 2.0
            )
        }),
    ];
    for (burst, arrivals) in bursts {
        for bound in ["", queue] {
            let name = format!("a service of 4 in a {burst}, line {bound}");
            twin(&name, ("shop", Resource::Servers), 140.0, 50.0, &|rate| {
                [
                    format!(
                        r#""users": {{ "client": {{ "operation": "buy", "target": "shop", "arrivals": {{ {} }} }} }}"#,
                        arrivals(rate)
                    ),
                    service("shop", 1, 4, bound, &work(20.0)),
                ]
                .join(", ")
            });
        }
    }
    // The same at a database: those who ask it are held, and are not what is short.
    twin(
        "a database in a spike",
        ("db", Resource::Servers),
        140.0,
        50.0,
        &|rate| {
            [
            format!(
                r#""users": {{ "client": {{ "operation": "buy", "target": "shop", "arrivals": {{ "spike": {{ "base_per_s": {}, "peak_per_s": {}, "at_s": 30, "for_s": 8 }} }} }} }}"#,
                rate / 2.0,
                rate * 2.0
            ),
            service("shop", 1, 40, queue, &format!("{}, {}", work(1.0), call("db"))),
            database(4, 20.0, ""),
        ]
        .join(", ")
        },
    );
    all
}

#[test]
fn the_bottleneck_is_named_where_there_is_one_and_none_where_there_is_none() {
    let all = known();
    let short = all.iter().filter(|known| known.short.is_some()).count();
    assert!(short >= 30 && all.len() >= 60, "{short} of {}", all.len());
    let mut wrong = Vec::new();
    for Known {
        name,
        scenario,
        short,
    } in &all
    {
        let scenario = Scenario::from_json(scenario)
            .unwrap_or_else(|problems| panic!("{name}: {problems:?}\n{scenario}"));
        let outcome =
            run(&scenario, &Files::new()).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        let found = bottlenecks(&Run::of(&scenario, &outcome));
        let first = found
            .first()
            .map(|found| (found.component.as_str(), found.resource));
        if first != *short {
            wrong.push(format!("{name}: {short:?} expected, {found:?} found"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        all.len(),
        wrong.join("\n")
    );
}

/// Each kind of resource is in at least two designs.
#[test]
fn every_resource_is_tried_twice() {
    for resource in [
        Resource::Servers,
        Resource::Connections,
        Resource::Locks,
        Resource::Limit,
        Resource::Partitions,
        Resource::Consumers,
        Resource::Prefetch,
    ] {
        let tried = known()
            .iter()
            .filter(|known| known.short.is_some_and(|(_, short)| short == resource))
            .count();
        assert!(tried >= 2, "{resource:?}: {tried}");
    }
}
