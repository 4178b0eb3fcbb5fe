//! Random systems: every kind of component, link and fault that there is, at any load.
//!
//! One function makes one kind. The components form tiers, and calls go down only, so no system calls itself:
//! clients → `front` → `back` and `side` → `db-1` and `db-2`, with balancers `front-lb`, `back-lb` and `db-lb` between them.
//! A new kind of component is one more function, a place in [`components`], and its name among the targets of the tier above.

#![allow(dead_code, reason = "not every suite needs all of it")]

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use scale_sim::Scenario;
use serde_json::{Map, Value, json};

/// What any part of a system is made of.
type Part = BoxedStrategy<Value>;

/// Calls from each tier can go to these.
const BELOW_FRONT: &[&str] = &["back-lb", "side", "db-1", "db-lb"];
const BELOW_BACK: &[&str] = &["db-1", "db-lb"];
/// Clients call these.
const ENTRANCES: &[&str] = &["front-lb", "front-lb", "back-lb", "side"];
/// Wires there can be: who calls whom.
const WAYS: &[(&str, &str)] = &[
    ("users-1", "front-lb"),
    ("users-1", "side"),
    ("users-2", "back-lb"),
    ("front-lb", "front"),
    ("front", "back-lb"),
    ("front", "side"),
    ("front", "db-1"),
    ("back-lb", "back"),
    ("back", "db-lb"),
    ("db-lb", "db-1"),
    ("db-lb", "db-2"),
];
const STATIONS: &[&str] = &["front", "back", "side", "db-1", "db-2"];
const OPERATIONS: &[&str] = &["read", "write"];

/// An object with the fields that are there.
fn object(fields: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Value {
    let fields = fields.into_iter();
    let there = fields.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(there.collect())
}

/// A number as people write it: with three digits after the point, which every reader gets right to the last bit.
fn number(range: core::ops::Range<f64>) -> impl Strategy<Value = f64> + Clone {
    range.prop_map(|number| (number * 1e3).round() / 1e3)
}

/// A length of time.
pub fn time() -> Part {
    prop_oneof![
        number(0.0..20.0).prop_map(|mean| json!({"constant": {"mean_ms": mean}})),
        number(0.1..20.0).prop_map(|mean| json!({"exponential": {"mean_ms": mean}})),
        (number(0.1..20.0), number(0.0..3.0))
            .prop_map(|(mean, cv)| json!({"log_normal": {"mean_ms": mean, "cv": cv}})),
        (number(0.1..20.0), 1..6_u32)
            .prop_map(|(mean, k)| json!({"erlang": {"mean_ms": mean, "stages": k}})),
        number(0.0..10.0).prop_map(
            |min| json!({"uniform": {"min_ms": min, "max_ms": ((min + 3.5) * 1e3).round() / 1e3}})
        ),
        vec(number(0.0..20.0), 1..4)
            .prop_map(|samples| json!({"empirical": {"samples_ms": samples}})),
    ]
    .boxed()
}

/// When requests come.
fn arrivals() -> Part {
    let rate = || number(0.0..90.0);
    prop_oneof![
        rate().prop_map(|rate| json!({"poisson": {"rate_per_s": rate}})),
        rate().prop_map(|rate| json!({"constant": {"rate_per_s": rate}})),
        (rate(), rate()).prop_map(|(from, to)| {
            json!({"ramp": {"from_per_s": from, "to_per_s": to, "over_s": 0.8}})
        }),
        (rate(), rate()).prop_map(|(base, peak)| {
            json!({"spike": {"base_per_s": base, "peak_per_s": peak, "at_s": 0.3, "for_s": 0.3}})
        }),
        (rate(), number(0.0..1.0)).prop_map(|(mean, swing)| {
            json!({"daily": {"mean_per_s": mean, "swing": swing, "period_s": 1}})
        }),
        number(1.0..200.0).prop_map(|rate| {
            json!({"on_off": {"rate_on_per_s": rate, "mean_on_s": 0.1, "mean_off_s": 0.2}})
        }),
        (rate(), 1..9_u32).prop_map(|(rate, size)| {
            json!({"batch": {"rate_per_s": rate, "size": {"constant": {"size": size}}}})
        }),
        (1..20_u32, number(1.0..50.0)).prop_map(|(users, think)| {
            json!({"closed": {"users": users, "think_time": {"exponential": {"mean_ms": think}}}})
        }),
    ]
    .boxed()
}

/// What requests are about.
fn keys() -> Part {
    prop_oneof![
        Just(json!({"uniform": {"count": 50}})),
        Just(json!({"zipf": {"count": 50, "exponent": 0.9, "scatter": true}})),
        Just(json!({"hot_set": {"count": 50, "hot_count": 3, "hot_share": 0.8}})),
        Just(json!({"tenants": {"tenants": 5, "exponent": 1, "keys_each": 9}})),
        Just(json!({"sequential": {"count": 7}})),
    ]
    .boxed()
}

/// How a call is guarded.
fn resilience() -> Part {
    let backoff = prop_oneof![
        number(0.0..10.0).prop_map(|wait| json!({"fixed": {"wait_ms": wait}})),
        (
            number(0.5..10.0),
            select(vec!["none", "full", "equal", "decorrelated"]),
            any::<bool>()
        )
            .prop_map(|(base, jitter, at_once)| {
                json!({"exponential": {"base_ms": base, "cap_ms": ((base + 20.0) * 1e3).round() / 1e3, "jitter": jitter, "immediate_first": at_once}})
            }),
    ];
    let budget = Just(json!({"ratio": 0.2, "min_per_s": 5}));
    let retry = (2..5_u32, backoff, of(budget)).prop_map(|(attempts, backoff, budget)| {
        object([
            ("attempts", Some(json!(attempts))),
            ("backoff", Some(backoff)),
            ("budget", budget),
        ])
    });
    let hedge = (number(0.0..0.9), 1..4_u32);
    let breaker = prop_oneof![
        (1..6_u32, number(5.0..100.0), 1..3_u32).prop_map(|(failures, open, trials)| {
            json!({"consecutive": {"failures": failures, "open_ms": open, "half_open_calls": trials}})
        }),
        (2..20_u32, number(5.0..100.0), select(vec!["together", "one_by_one"])).prop_map(|(size, open, trial)| {
            json!({"window": {"size": size, "min_calls": 2, "failure_rate": 0.5, "slow_call_ms": 20,
                "slow_rate": 0.9, "open_ms": open, "half_open_calls": 2, "trial": trial}})
        }),
    ];
    let any = (of(number(1.0..60.0)), of(retry), of(hedge), of(breaker));
    any.prop_map(|(timeout, retry, hedge, breaker)| {
        let hedge = hedge.map(|(part, at_most)| json!({"after_ms": (part * timeout.unwrap_or(20.0) * 1e3).floor() / 1e3, "at_most": at_most}));
        object([
            ("timeout_ms", timeout.map(|ms| json!(ms))),
            ("retry", retry),
            ("hedge", hedge),
            ("breaker", breaker),
        ])
    })
    .boxed()
}

/// A client, to begin with for ever.
fn client() -> Part {
    let asks = prop_oneof![
        Just(json!({"operation": "read"})),
        Just(json!({"mix": {"read": 3, "write": 1}})),
    ];
    let about = (of(keys()), of(1..9_u32), of(0..8_u8));
    (asks, select(ENTRANCES), arrivals(), about, of(resilience()))
        .prop_map(
            |(mut client, target, arrivals, (keys, users, priority), resilience)| {
                let closed = arrivals.get("closed").is_some();
                let users = users.filter(|_| !closed).map(|users| json!(users));
                let more = object([
                    ("target", Some(json!(target))),
                    ("arrivals", Some(arrivals)),
                    ("keys", keys),
                    ("users", users),
                    ("priority", priority.map(|priority| json!(priority))),
                    ("resilience", resilience),
                    ("deadline_ms", Some(json!(50))),
                ]);
                merge(&mut client, more);
                json!({"client": client})
            },
        )
        .boxed()
}

fn balancer(targets: Vec<Value>) -> Part {
    // Policies that need no further settings.
    let policy = select(vec!["round_robin", "least_connections"]);
    policy
        .prop_map(move |policy| json!({"balancer": {"policy": policy, "targets": targets}}))
        .boxed()
}

/// What is answered.
fn payload() -> Part {
    let codec = select(vec!["none", "gzip", "zstd", "brotli"]);
    (0..30_000_u64, of(codec))
        .prop_map(|(bytes, codec)| {
            object([
                ("bytes", Some(json!(bytes))),
                ("compression", codec.map(|codec| json!({"codec": codec}))),
            ])
        })
        .boxed()
}

/// A call to one of `targets`; with `fallbacks`, there may be one.
fn call(targets: &'static [&'static str], apart: bool) -> Part {
    let substitute = vec(time().prop_map(|time| json!({"work": time})), 1..3);
    let substitute = if apart {
        of(substitute).boxed()
    } else {
        Just(None).boxed()
    };
    let terms = (1..3_u32, proptest::bool::weighted(0.15), 0..20_000_u64);
    let guard = proptest::option::weighted(0.4, resilience());
    (
        select(targets),
        of(select(OPERATIONS)),
        terms,
        guard,
        substitute,
    )
        .prop_map(
            move |(to, operation, (times, asynchronous, bytes), resilience, fallback)| {
                let asynchronous = asynchronous && apart;
                object([
                    ("to", Some(json!(to))),
                    ("operation", operation.map(|operation| json!(operation))),
                    ("times", Some(json!(times))),
                    ("asynchronous", asynchronous.then_some(json!(true))),
                    ("bytes", Some(json!(bytes))),
                    ("resilience", resilience),
                    (
                        "fallback",
                        fallback.filter(|_| !asynchronous).map(Value::Array),
                    ),
                ])
            },
        )
        .boxed()
}

/// The steps of a plan.
fn plan(targets: &'static [&'static str]) -> Part {
    let at_once = (
        vec(call(targets, false), 1..4),
        number(0.0..1.0),
        any::<bool>(),
    );
    let at_once = at_once.prop_map(|(calls, part, all)| {
        let width: u64 = calls
            .iter()
            .map(|call| call["times"].as_u64().unwrap_or(1))
            .sum();
        let need = 1 + ((width - 1) as f64 * part) as u64;
        object([
            ("calls", Some(Value::Array(calls))),
            ("need", (!all).then_some(json!(need))),
        ])
    });
    let step = prop_oneof![
        3 => time().prop_map(|time| json!({"work": time})),
        3 => call(targets, true).prop_map(|call| json!({"call": call})),
        1 => at_once.prop_map(|parallel| json!({"parallel": parallel})),
        1 => payload().prop_map(|payload| json!({"reply": payload})),
    ];
    vec(step, 1..4).prop_map(Value::Array).boxed()
}

/// A service of at most `most` instances.
fn service(most: u32, targets: &'static [&'static str]) -> Part {
    let lines = prop_oneof![
        Just(json!({})),
        Just(json!({"discipline": "lifo"})),
        Just(json!({"discipline": "priority"})),
        (1..4_u32).prop_map(|most| json!({"bulkheads": {"write": most}})),
    ];
    (1..=most, 1..5_u32, 0..15_u32, lines, plan(targets), of(plan(targets)))
        .prop_map(|(instances, workers, queue, lines, plan, for_writes)| {
            let mut service = json!({"instances": instances, "workers": workers, "queue": queue, "plans": {"*": plan}});
            if let Some(plan) = for_writes {
                service["plans"]["write"] = plan;
            }
            merge(&mut service, lines);
            json!({"service": service})
        })
        .boxed()
}

fn database() -> Part {
    (1..5_u32, 0..15_u32, time(), of(time()))
        .prop_map(|(connections, queue, read, write)| {
            let mut queries = json!({"*": read});
            if let Some(write) = write {
                queries["write"] = write;
            }
            json!({"database": {"connections": connections, "queue": queue, "queries": queries}})
        })
        .boxed()
}

fn link(from: &str, to: &str) -> Part {
    let (from, to) = (from.to_owned(), to.to_owned());
    (
        time(),
        of(number(1.0..50.0)),
        any::<bool>(),
        of(number(0.0..0.4)),
    )
        .prop_map(move |(latency, bandwidth, shared, loss)| {
            object([
                ("from", Some(json!(from))),
                ("to", Some(json!(to))),
                ("latency", Some(latency)),
                (
                    "shared",
                    (shared && bandwidth.is_some()).then_some(json!(true)),
                ),
                ("bandwidth_mbit_s", bandwidth.map(|mbit| json!(mbit))),
                ("loss", loss.map(|loss| json!(loss))),
                ("retransmit_ms", Some(json!(20))),
                ("give_up_ms", Some(json!(100))),
            ])
        })
        .boxed()
}

/// Any fault of a system with the wires `ways` and `clients` clients. None lasts for ever, so that all can come to an end.
fn fault(ways: Vec<(&'static str, &'static str)>, clients: usize) -> Part {
    let place = || select(STATIONS).prop_map(|name| json!({"component": name}));
    let on = |field: &'static str, value: Part| {
        (place(), value).prop_map(move |(mut at, value)| {
            at[field] = value;
            at
        })
    };
    let mut kinds = vec![
        place().prop_map(|at| json!({"crash": at})).boxed(),
        place().prop_map(|at| json!({"missed_health_checks": at})).boxed(),
        on("factor", number(1.0..8.0).prop_map(|n| json!(n)).boxed()).prop_map(|slow| json!({"slow": slow})).boxed(),
        on("share", number(0.0..1.0).prop_map(|n| json!(n)).boxed()).prop_map(|errors| json!({"errors": errors})).boxed(),
        on("servers", (1..4_u32).prop_map(|servers| json!(servers)).boxed())
            .prop_map(|reduced| json!({"reduced_capacity": reduced}))
            .boxed(),
        Just(json!({"disk_full": {"component": "db-1"}})).boxed(),
        Just(json!({"replica_lag": {"component": "db-1"}})).boxed(),
        Just(json!({"zone_outage": {"zone": 1}})).boxed(),
        (0..clients, number(0.2..5.0))
            .prop_map(|(client, factor)| {
                json!({"traffic_spike": {"client": format!("users-{}", client + 1), "factor": factor}})
            })
            .boxed(),
    ];
    if !ways.is_empty() {
        let way = select(ways).prop_map(|(from, to)| json!({"from": from, "to": to}));
        kinds.push(
            way.clone()
                .prop_map(|way| json!({"partition": way}))
                .boxed(),
        );
        let lossy = way.prop_map(|mut way| {
            way["loss"] = json!(0.3);
            json!({"packet_loss": way})
        });
        kinds.push(lossy.boxed());
    }
    let times = prop_oneof![
        (number(0.0..0.8), number(0.0..0.5))
            .prop_map(|(at, lasts)| json!({"at_s": at, "for_s": lasts})),
        (number(0.05..1.0), number(0.01..0.2))
            .prop_map(|(up, down)| json!({"random": {"mean_up_s": up, "mean_down_s": down}})),
    ];
    (proptest::strategy::Union::new(kinds), times)
        .prop_map(|(what, mut fault)| {
            fault["what"] = what;
            fault
        })
        .boxed()
}

/// All components but the clients.
fn components() -> impl Strategy<Value = Map<String, Value>> {
    let front = (service(4, BELOW_FRONT), balancer(vec![json!("front")]));
    let back = (
        service(3, BELOW_BACK),
        balancer(vec![json!("back"), json!("side")]),
    );
    let data = (
        database(),
        database(),
        balancer(vec![json!("db-1"), json!("db-2")]),
    );
    (front, back, service(1, BELOW_BACK), data).prop_map(
        |((front, front_lb), (back, back_lb), side, (db_1, db_2, db_lb))| {
            let named = [
                ("front-lb", front_lb),
                ("front", front),
                ("back-lb", back_lb),
                ("back", back),
                ("side", side),
                ("db-lb", db_lb),
                ("db-1", db_1),
                ("db-2", db_2),
            ];
            named
                .into_iter()
                .map(|(name, part)| (name.to_owned(), part))
                .collect()
        },
    )
}

/// Any system of a second, as a file has it.
pub fn any_file() -> impl Strategy<Value = Value> {
    let parts = (
        vec(client(), 1..4),
        components(),
        vec(any::<bool>(), WAYS.len()),
    );
    let whole = parts.prop_flat_map(|(clients, mut components, wired)| {
        let count = clients.len();
        for (at, client) in clients.into_iter().enumerate() {
            components.insert(format!("users-{}", at + 1), client);
        }
        let wired = WAYS.iter().zip(wired).filter(|(_, wired)| *wired);
        let ways: Vec<_> = wired
            .map(|(way, _)| *way)
            .filter(|(from, _)| components.contains_key(*from))
            .collect();
        let links: Vec<Part> = ways.iter().map(|(from, to)| link(from, to)).collect();
        (
            Just(components),
            links,
            vec(fault(ways, count), 0..4),
            1..4_u32,
            any::<u32>(),
        )
    });
    whole.prop_map(|(components, links, faults, zones, seed)| {
        json!({"version": 1, "seed": seed, "horizon_s": 1, "warmup_s": 0.1, "zones": zones,
            "components": components, "links": links, "faults": faults})
    })
}

/// A file as a scenario.
pub fn read(file: &Value) -> Scenario {
    Scenario::from_value(file).unwrap_or_else(|problems| panic!("{problems:?} in {file:#}"))
}

/// Any system.
pub fn any_scenario() -> impl Strategy<Value = Scenario> {
    any_file().prop_map(|file| read(&file))
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}
