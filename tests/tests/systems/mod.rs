//! Random systems: every kind of component, link and fault that there is, at any load.
//!
//! One function makes one kind. The components form tiers, and calls go down only, so no system calls itself:
//! clients → `gateway` → `edge` (a cache) → `front` → `back` and `side` → `kept` and `near` (caches) → `db-1`, `db-2` and
//! `store` (a database with rows, locks, replicas and pools), and `spread` (a router) → `shard-1` to `shard-3`, with balancers `front-lb`, `back-lb` and `db-lb` between them.
//! A new kind of component is one more function, a place in [`components`], and its name among the targets of the tier above.
//!
//! [`plain_scenario`] leaves out all that remembers what others did: caches, limits, rows, sessions, health.

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
const BELOW_FRONT: Tier = Tier {
    plain: &["back-lb", "side", "db-1", "db-lb"],
    all: &[
        "back-lb", "side", "db-1", "db-lb", "near", "store", "store", "spread",
    ],
};
const BELOW_BACK: Tier = Tier {
    plain: &["db-1", "db-lb"],
    all: &["db-1", "db-lb", "near", "store", "store"],
};
/// Clients call these.
const ENTRANCES: Tier = Tier {
    plain: &["front-lb", "front-lb", "back-lb", "side"],
    all: &["front-lb", "gateway", "edge", "back-lb", "side", "spread"],
};

/// What can be called from somewhere, in a plain system and in any.
#[derive(Clone, Copy)]
struct Tier {
    plain: &'static [&'static str],
    all: &'static [&'static str],
}

impl Tier {
    fn of(self, plain: bool) -> &'static [&'static str] {
        if plain { self.plain } else { self.all }
    }
}

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
    ("users-2", "gateway"),
    ("gateway", "edge"),
    ("edge", "front-lb"),
    ("near", "db-1"),
    ("front", "store"),
    ("spread", "shard-1"),
    ("spread", "shard-3"),
];
const STATIONS: &[&str] = &["front", "back", "side", "db-1", "db-2"];
const MORE_STATIONS: &[&str] = &[
    "gateway", "edge", "near", "kept", "store", "spread", "shard-1", "shard-3",
];
const CACHES: &[&str] = &["edge", "near", "kept"];
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
fn client(plain: bool) -> Part {
    let asks = prop_oneof![
        Just(json!({"operation": "read"})),
        Just(json!({"mix": {"read": 3, "write": 1}})),
    ];
    let about = (of(keys()), of(1..9_u32), of(0..8_u8));
    (
        asks,
        select(ENTRANCES.of(plain)),
        arrivals(),
        about,
        of(resilience()),
    )
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

/// A balancer; in a plain system one without further settings.
fn balancer(targets: &'static [&'static str], plain: bool) -> Part {
    let policy = select(vec!["round_robin", "least_connections"]);
    if plain {
        return policy
            .prop_map(move |policy| json!({"balancer": {"policy": policy, "targets": targets}}))
            .boxed();
    }
    let named = [
        "weighted_round_robin",
        "random",
        "weighted_random",
        "power_of_two_choices",
        "consistent_hash",
        "hash",
    ];
    let policy = prop_oneof![
        policy.prop_map(|name| json!(name)),
        select(named.to_vec()).prop_map(|name| json!(name)),
        (1..4_u32).prop_map(|d| json!({"power_of_d": {"d": d}})),
        (1..1000_u32).prop_map(|decay| json!({"peak_ewma": {"decay_ms": decay}})),
    ];
    let health = (1..4_u32, 1..4_u32, number(1.0..50.0)).prop_map(|(fall, rise, timeout)| {
        json!({"interval_s": 0.05, "timeout_ms": timeout, "fall": fall, "rise": rise, "operation": "read"})
    });
    let ejection = (1..4_u32, 1..3_u32)
        .prop_map(|(fails, timeout)| json!({"max_fails": fails, "fail_timeout_s": timeout}));
    let sticky = select(vec!["user", "key"]);
    let options = (
        of(1..6_u32),
        of(health),
        of(ejection),
        of(number(0.0..0.5)),
        of(sticky),
        any::<bool>(),
    );
    (policy, options)
        .prop_map(
            move |(policy, (weight, health, ejection, slow, sticky, backup))| {
                let backups = (backup && targets.len() > 1).then(|| json!([targets[1]]));
                let balancer = object([
                    ("policy", Some(policy)),
                    ("targets", Some(json!(targets))),
                    ("weights", weight.map(|weight| json!({targets[0]: weight}))),
                    ("backups", backups),
                    ("health_check", health),
                    ("ejection", ejection),
                    ("slow_start_s", slow.map(|s| json!(s))),
                    ("sticky", sticky.map(|of| json!(of))),
                ]);
                json!({"balancer": balancer})
            },
        )
        .boxed()
}

/// Whom to turn away from a line.
fn shedding() -> Part {
    let codel = (
        number(0.5..5.0),
        select(vec!["inverse_square_root", "slough"]),
    )
        .prop_map(|(target, law)| json!({"target_ms": target, "interval_ms": 20, "law": law}));
    (of(time()), of(number(0.0..30.0)), any::<bool>(), of(codel))
        .prop_map(|(max_wait, timeout, deadline, codel)| {
            object([
                ("max_wait", max_wait),
                ("queue_timeout_ms", timeout.map(|ms| json!(ms))),
                ("deadline", Some(json!(deadline))),
                ("codel", codel),
            ])
        })
        .boxed()
}

/// What any cache has, whoever fills it. Only one of two that may lie behind each other flies singly.
fn cache(single_flight: bool) -> Part {
    let eviction = select(vec!["lru", "lfu", "fifo", "clock", "sieve", "w_tiny_lfu"]);
    let ttl = (number(0.01..0.5), number(0.0..0.9), any::<bool>()).prop_map(
        |(ttl, jitter, sliding)| json!({"ttl_s": ttl, "jitter": jitter, "sliding": sliding}),
    );
    let refresh = number(0.1..0.9);
    let age = (
        of((ttl, of(refresh))),
        of(number(0.01..0.2)),
        of(number(0.0..30.0)),
    );
    let room = (1..60_u32, 1..4_u32, 0..9_u32);
    let single = any::<bool>().prop_map(move |flies| flies && single_flight);
    (eviction, age, room, single, of(time()), of(0..20_u32))
        .prop_map(
            |(
                eviction,
                (ttl, negative, delay),
                (entries, workers, queue),
                single,
                lookup,
                warm,
            )| {
                let (ttl, refresh): (Option<Value>, Option<Option<f64>>) = ttl.unzip();
                // A hit that renews an entry leaves nothing to refresh.
                let renews = ttl
                    .as_ref()
                    .is_some_and(|ttl| ttl["sliding"] == json!(true));
                let refresh = refresh.flatten().filter(|_| !renews);
                object([
                    ("capacity_entries", Some(json!(entries))),
                    ("eviction", Some(json!(eviction))),
                    ("ttl", ttl),
                    ("refresh_ahead", refresh.map(|share| json!(share))),
                    ("negative_ttl_s", negative.map(|s| json!(s))),
                    ("invalidation", delay.map(|ms| json!({"delay_ms": ms}))),
                    ("single_flight", Some(json!(single))),
                    ("lookup", lookup),
                    ("workers", Some(json!(workers))),
                    ("queue", Some(json!(queue))),
                    (
                        "warm",
                        warm.map(|keys| json!({"keys": keys.min(entries).max(1)})),
                    ),
                    ("value_bytes", Some(json!(500))),
                ])
            },
        )
        .boxed()
}

/// A cache that fetches what it misses from `target`.
fn level(target: &'static str, regions: bool) -> Part {
    let mode = prop_oneof![
        Just(json!("read_through")),
        Just(json!("write_through")),
        Just(json!("write_around")),
        (number(1.0..50.0), 1..9_u32).prop_map(
            |(ms, batch)| json!({"write_behind": {"flush_interval_ms": ms, "batch": batch}})
        ),
    ];
    (cache(false), mode, 1..4_u32)
        .prop_map(move |(mut cache, mode, count)| {
            merge(
                &mut cache,
                json!({"mode": mode, "target": target, "writes": ["write"]}),
            );
            if regions {
                cache["regions"] = json!(count);
            }
            json!({"cache": cache})
        })
        .boxed()
}

fn gateway() -> Part {
    let keys = || of(1..20_u32);
    let rate = prop_oneof![
        (number(1.0..200.0), 1..9_u32, keys()).prop_map(|(rate, burst, keys)| {
            json!({"token_bucket": object([("rate_per_s", Some(json!(rate))), ("burst", Some(json!(burst))), ("keys", keys.map(|n| json!(n)))])})
        }),
        (number(1.0..200.0), 0..9_u32, any::<bool>(), keys()).prop_map(|(rate, burst, nodelay, keys)| {
            json!({"leaky_bucket": object([("rate_per_s", Some(json!(rate))), ("burst", Some(json!(burst))),
                ("nodelay", Some(json!(nodelay))), ("keys", keys.map(|n| json!(n)))])})
        }),
    ];
    let concurrency = prop_oneof![
        (1..9_u32).prop_map(|most| json!({"fixed": {"most": most}})),
        number(1.0..50.0)
            .prop_map(|ms| json!({"aimd": {"initial": 3, "most": 9, "timeout_ms": ms}})),
    ];
    let kept = cache(true).prop_map(|mut cache| {
        // Its workers and places are the gateway's.
        if let Value::Object(cache) = &mut cache {
            cache.retain(|name, _| !["workers", "queue", "warm"].contains(&name.as_str()));
        }
        cache
    });
    (
        of(rate),
        of(concurrency),
        of(kept),
        of(time()),
        select(vec!["user", "key"]),
    )
        .prop_map(|(rate, concurrency, kept, work, by)| {
            let keyed = rate
                .as_ref()
                .is_some_and(|rate| rate.to_string().contains("keys"));
            let cached = kept.is_some().then(|| json!(["read"]));
            let gateway = object([
                ("target", Some(json!("edge"))),
                ("rate_limit", rate),
                ("limit_by", keyed.then(|| json!(by))),
                ("concurrency", concurrency),
                ("cache", kept),
                ("cached", cached),
                ("work", work),
                ("workers", Some(json!(4))),
                ("queue", Some(json!(9))),
            ]);
            json!({"gateway": gateway})
        })
        .boxed()
}

/// A database with rows, locks, connections and replicas.
fn store() -> Part {
    let read = prop_oneof![
        Just(json!({"read": {"table": "t"}})),
        (any::<bool>(), 1..9_u32).prop_map(
            |(indexed, rows)| json!({"find": {"table": "t", "indexed": indexed, "rows": rows}})
        ),
        (1..9_u32, select(vec!["offset", "keyset"]))
            .prop_map(|(size, by)| json!({"page": {"table": "t", "size": size, "by": by}})),
        (1..9_u32).prop_map(|keys| json!({"batch": {"table": "t", "keys": keys}})),
        (1..9_u32)
            .prop_map(|rows| json!({"join": {"table": "t", "rows": rows, "with": "u", "each": 2}})),
    ];
    let care = select(vec![
        "read_then_write",
        "atomic_update",
        "select_for_update",
        "compare_version",
    ]);
    let write = prop_oneof![
        (1..5_u32).prop_map(|rows| json!({"write": {"table": "t", "rows": rows}})),
        (care, time(), 0..4_u32, any::<bool>()).prop_map(|(care, think, retries, fails)| {
            json!({"change": {"table": "t", "by": -1, "care": care, "think": think, "retries": retries, "or_fail": fails}})
        }),
    ];
    let pool = (0..3_u32, 3..6_u32, number(1.0..50.0), number(1.0..50.0)).prop_map(|(min, max, wait, idle)| {
        json!({"min": min, "max": max, "wait_timeout_ms": wait, "idle_timeout_ms": idle})
    });
    let commits = prop_oneof![
        Just(json!("asynchronous")),
        Just(json!("synchronous")),
        (number(1.0..50.0))
            .prop_map(|ms| json!({"semi_synchronous": {"acks": 1, "timeout_ms": ms}})),
    ];
    let choice = || select(vec!["round_robin", "least_lag"]);
    let reads = prop_oneof![
        Just(json!("primary")),
        choice().prop_map(|choice| json!({"replicas": {"choice": choice}})),
        choice().prop_map(|choice| json!({"sticky_after_write": {"for_ms": 30, "choice": choice}})),
        choice()
            .prop_map(|choice| json!({"wait_for_position": {"timeout_ms": 20, "choice": choice}})),
    ];
    let replication = (1..4_u32, commits, reads, of(time()), of(number(1.0..300.0))).prop_map(
        |(replicas, commits, reads, delay, failover)| {
            object([
                ("replicas", Some(json!(replicas))),
                ("commits", Some(commits)),
                ("reads", Some(reads)),
                ("apply_delay", delay),
                ("failover_after_ms", failover.map(|ms| json!(ms))),
            ])
        },
    );
    let locks = (number(1.0..50.0), number(0.0..40.0));
    let connections = (1..6_u32, 0..9_u32, of(time()), of(time()), of(pool));
    (read, write, connections, locks, of(replication))
        .prop_map(
            |(
                read,
                write,
                (connections, queue, connect, disconnect, pool),
                (timeout, deadlock),
                replication,
            )| {
                let store = object([
                    ("connections", Some(json!(connections))),
                    ("queue", Some(json!(queue))),
                    (
                        "tables",
                        Some(json!({"t": {"rows": 30, "value": 100}, "u": {"rows": 60}})),
                    ),
                    ("statements", Some(json!({"read": read, "write": write}))),
                    ("connect", connect),
                    ("disconnect", disconnect),
                    ("pool", pool),
                    ("lock_timeout_ms", Some(json!(timeout))),
                    ("deadlock_timeout_ms", Some(json!(deadlock))),
                    ("replication", replication),
                ]);
                json!({"database": store})
            },
        )
        .boxed()
}

/// How keys are spread over so many shards, of which one may be named.
fn partitioning(shards: &'static [&'static str]) -> Part {
    let count = shards.len() as u64;
    let stretch = (0..40_u64, 0..9_u64, select(shards))
        .prop_map(|(from, more, at)| json!({"from": from, "to": from + more, "at": at}));
    prop_oneof![
        Just(json!("modulo")),
        Just(json!("jump")),
        Just(json!("rendezvous")),
        (1..9_u64).prop_map(
            move |step| json!({"range": {"bounds": (1..count).map(|i| i * step).collect::<Vec<_>>()}})
        ),
        Just(json!({"slots": {}})),
        (1..50_u32).prop_map(|points| json!({"ring": {"points": points}})),
        (vec(stretch, 0..4), select(shards))
            .prop_map(|(keys, default)| json!({"directory": {"keys": keys, "default": default}})),
    ]
    .boxed()
}

/// A router in front of shards, with keys that move.
fn spread() -> Part {
    let scatter = (
        select(vec!["read", "*"]),
        of(1..3_u32),
        of(number(1.0..50.0)),
    );
    let scatter = scatter.prop_map(|(operation, need, timeout)| {
        json!({operation: object([("need", need.map(|n| json!(n))), ("timeout_ms", timeout.map(|ms| json!(ms)))])})
    });
    let policy = select(vec!["at_once", "hold_writes", "dual_writes", "dual_reads"]);
    let costs = (of(time()), of(time()));
    let reshard = (
        number(0.0..0.3),
        partitioning(&["shard-1", "shard-3"]),
        policy,
        (1.0..2_000.0_f64, 1..20_u32, 1..9_u32),
        costs,
    )
        .prop_map(
            |(at, partitioning, policy, (pace, batch, copiers), (read, write))| {
                object([
                    ("at_s", Some(json!(at))),
                    ("targets", Some(json!(["shard-1", "shard-3"]))),
                    ("partitioning", Some(partitioning)),
                    ("policy", Some(json!(policy))),
                    ("keys_per_s", Some(json!(pace.round()))),
                    ("batch", Some(json!(batch))),
                    ("copiers", Some(json!(copiers))),
                    ("read", read),
                    ("write", write),
                ])
            },
        );
    (
        partitioning(&["shard-1", "shard-2"]),
        proptest::option::weighted(0.3, scatter),
        proptest::option::weighted(0.8, reshard),
        of(time()),
        of((1..9_u32, 0..9_u32)),
    )
        .prop_map(|(partitioning, scatter, reshard, work, bounds)| {
            json!({"shards": object([
                ("targets", Some(json!(["shard-1", "shard-2"]))),
                ("partitioning", Some(partitioning)),
                ("scatter", scatter),
                ("reshard", reshard),
                ("work", work),
                ("workers", bounds.map(|(workers, _)| json!(workers))),
                ("queue", bounds.map(|(_, queue)| json!(queue))),
            ])})
        })
        .boxed()
}

/// A database whose rows can be moved: all such are alike in what they hold.
fn shard() -> Part {
    let pool = (1..5_u32).prop_map(|max| json!({"min": 0, "max": max, "wait_timeout_ms": 30}));
    let replication = select(vec!["asynchronous", "synchronous"])
        .prop_map(|commits| json!({"replicas": 1, "commits": commits, "failover_after_ms": 100}));
    (1..6_u32, 0..9_u32, of(time()), of(pool), of(replication))
        .prop_map(|(connections, queue, connect, pool, replication)| {
            json!({"database": object([
                ("connections", Some(json!(connections))),
                ("queue", Some(json!(queue))),
                ("tables", Some(json!({"t": {"rows": 100_000, "value": 100}}))),
                ("statements", Some(json!({
                    "read": {"read": {"table": "t"}},
                    "write": {"change": {"table": "t", "by": 1, "care": "atomic_update"}},
                }))),
                ("connect", connect),
                ("pool", pool),
                ("replication", replication),
            ])})
        })
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

/// A call that is made once.
fn single(targets: &'static [&'static str]) -> Part {
    call(targets, false)
        .prop_map(|mut call| {
            if let Some(fields) = call.as_object_mut() {
                fields.remove("times");
            }
            call
        })
        .boxed()
}

/// Steps that are all done or all taken back.
fn saga(targets: &'static [&'static str]) -> Part {
    let step = (single(targets), of(single(targets)), any::<bool>());
    let step = step.prop_map(|(does, undo, retriable)| {
        object([
            ("do", Some(does)),
            ("undo", undo),
            ("retriable", Some(json!(retriable))),
        ])
    });
    (vec(step, 1..4), time(), 0..4_u32, 1..500_u32)
        .prop_map(|(steps, log, retries, after)| {
            json!({"saga": {"steps": steps, "log": log, "recover_after_ms": after,
                "persist": {"retries": retries, "backoff": {"fixed": {"wait_ms": f64::from(after) / 8.0}}}}})
        })
        .boxed()
}

/// Changes in databases that are all committed or all taken back.
fn transaction() -> Part {
    let branch = single(&["db-1", "db-lb"]).prop_map(|mut call| {
        if let Some(fields) = call.as_object_mut() {
            fields.remove("resilience");
        }
        call
    });
    (vec(branch, 1..4), time(), 1..200_u32, 1..500_u32)
        .prop_map(|(branches, log, timeout, after)| {
            json!({"transaction": {"branches": branches, "log": log, "timeout_ms": timeout, "recover_after_ms": after}})
        })
        .boxed()
}

/// The steps of a plan.
fn plan(tier: Tier, plain: bool) -> Part {
    let targets = tier.of(plain);
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
    if plain {
        return vec(step, 1..4).prop_map(Value::Array).boxed();
    }
    let fetch = prop_oneof![
        call(&["db-1", "db-lb", "store"], true).prop_map(|call| json!({"call": call})),
        time().prop_map(|time| json!({"work": time})),
    ];
    let guard = || proptest::option::weighted(0.4, resilience());
    let cached = (vec(fetch, 1..3), guard()).prop_map(|(miss, resilience)| {
        json!({"cached": object([
            ("cache", Some(json!("kept"))), ("miss", Some(Value::Array(miss))), ("resilience", resilience),
        ])})
    });
    let invalidate = (select(vec!["kept", "near"]), guard()).prop_map(|(cache, resilience)| {
        json!({"invalidate": object([("cache", Some(json!(cache))), ("resilience", resilience)])})
    });
    let ends = select(vec!["end", "fail"]).prop_map(|word| json!(word));
    let step = prop_oneof![16 => step, 4 => cached, 2 => invalidate, 1 => ends];
    // Where calls come from front, a step of a saga could lead to another.
    let step = if targets.contains(&"back-lb") {
        step.boxed()
    } else {
        prop_oneof![8 => step, 1 => saga(targets), 1 => transaction()].boxed()
    };
    vec(step, 1..4).prop_map(Value::Array).boxed()
}

/// What a service may have besides workers and plans.
fn upkeep(most: u32, plain: bool) -> Part {
    if plain {
        return Just(json!({})).boxed();
    }
    let lost = prop_oneof![
        Just(json!("fail")),
        time().prop_map(|time| json!({"rebuild": time}))
    ];
    let sessions =
        (lost, 1..20_u32).prop_map(|(lost, capacity)| json!({"lost": lost, "capacity": capacity}));
    let rule = prop_oneof![
        number(0.1..0.9)
            .prop_map(|value| json!({"target": {"value": value, "stabilise_down_s": 0.1}})),
        Just(
            json!({"steps": {"up": [{"above": 0.5, "add": 2}], "down": [{"below": 0.1, "remove": 1}]}})
        ),
    ];
    let metric = select(vec!["utilisation", "queue_length", "requests_per_instance"]);
    let scale = (metric, rule, number(0.0..0.2)).prop_map(|(metric, rule, warm_up)| {
        json!({"metric": metric, "rule": rule, "min": 1, "max": 6, "interval_s": 0.1, "warm_up_s": warm_up})
    });
    // One that is called directly has one instance.
    let scale = if most > 1 {
        of(scale).boxed()
    } else {
        Just(None).boxed()
    };
    (
        of(sessions),
        scale,
        proptest::option::weighted(0.4, shedding()),
    )
        .prop_map(|(sessions, autoscale, shedding)| {
            object([
                ("sessions", sessions),
                ("autoscale", autoscale),
                ("shedding", shedding),
            ])
        })
        .boxed()
}

/// A service of at most `most` instances.
fn service(most: u32, tier: Tier, plain: bool) -> Part {
    let lines = prop_oneof![
        Just(json!({})),
        Just(json!({"discipline": "lifo"})),
        Just(json!({"discipline": "priority"})),
        (1..4_u32).prop_map(|most| json!({"bulkheads": {"write": most}})),
    ];
    let plans = (plan(tier, plain), of(plan(tier, plain)));
    (1..=most, 1..5_u32, 0..15_u32, lines, plans, upkeep(most, plain))
        .prop_map(|(instances, workers, queue, lines, (plan, for_writes), upkeep)| {
            let mut service = json!({"instances": instances, "workers": workers, "queue": queue, "plans": {"*": plan}});
            if let Some(plan) = for_writes {
                service["plans"]["write"] = plan;
            }
            merge(&mut service, lines);
            merge(&mut service, upkeep);
            json!({"service": service})
        })
        .boxed()
}

fn database(plain: bool) -> Part {
    (1..5_u32, 0..15_u32, time(), of(time()), -1..2_i32)
        .prop_map(move |(connections, queue, read, write, by)| {
            let mut queries = json!({"*": read});
            let mut fields = json!({"connections": connections, "queue": queue});
            if let Some(write) = write {
                queries["write"] = write;
            } else if !plain {
                // What a saga or a transaction can change.
                let change = json!({"table": "t", "by": by, "care": "atomic_update"});
                fields["statements"] = json!({"write": {"change": change}});
                fields["tables"] = json!({"t": {"rows": 3, "value": 5}});
            }
            fields["queries"] = queries;
            json!({"database": fields})
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
fn fault(ways: Vec<(&'static str, &'static str)>, clients: usize, plain: bool) -> Part {
    let places = if plain {
        STATIONS.to_vec()
    } else {
        [STATIONS, MORE_STATIONS].concat()
    };
    let place = || select(places.clone()).prop_map(|name| json!({"component": name}));
    let database = if plain { "db-1" } else { "store" };
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
        Just(json!({"disk_full": {"component": database}})).boxed(),
        Just(json!({"replica_lag": {"component": database}})).boxed(),
        Just(json!({"zone_outage": {"zone": 1}})).boxed(),
        (0..clients, number(0.2..5.0))
            .prop_map(|(client, factor)| {
                json!({"traffic_spike": {"client": format!("users-{}", client + 1), "factor": factor}})
            })
            .boxed(),
    ];
    if !plain {
        let flush = select(CACHES).prop_map(|name| json!({"cache_flush": {"component": name}}));
        kinds.push(flush.boxed());
    }
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
fn components(plain: bool) -> impl Strategy<Value = Map<String, Value>> {
    let named = |parts: Vec<(&'static str, Part)>| {
        let (names, parts): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        parts.prop_map(move |parts| {
            let names = names.iter().map(|name| (*name).to_owned());
            names.zip(parts).collect()
        })
    };
    let mut parts = vec![
        ("front-lb", balancer(&["front"], plain)),
        ("front", service(4, BELOW_FRONT, plain)),
        ("back-lb", balancer(&["back", "side"], plain)),
        ("back", service(3, BELOW_BACK, plain)),
        ("side", service(1, BELOW_BACK, plain)),
        ("db-lb", balancer(&["db-1", "db-2"], plain)),
        ("db-1", database(plain)),
        ("db-2", database(plain)),
    ];
    if !plain {
        parts.extend([
            ("gateway", gateway()),
            ("edge", level("front-lb", true)),
            ("near", level("db-1", false)),
            (
                "kept",
                cache(true)
                    .prop_map(|cache| json!({"cache": cache}))
                    .boxed(),
            ),
            ("store", store()),
            ("spread", spread()),
            ("shard-1", shard()),
            ("shard-2", shard()),
            ("shard-3", shard()),
        ]);
    }
    named(parts)
}

/// A system of a second, as a file has it.
fn file(plain: bool) -> impl Strategy<Value = Value> {
    let parts = (
        vec(client(plain), 1..4),
        components(plain),
        vec(any::<bool>(), WAYS.len()),
    );
    let whole = parts.prop_flat_map(move |(clients, mut components, wired)| {
        let count = clients.len();
        for (at, client) in clients.into_iter().enumerate() {
            components.insert(format!("users-{}", at + 1), client);
        }
        let wired = WAYS.iter().zip(wired).filter(|(_, wired)| *wired);
        let ways: Vec<_> = wired
            .map(|(way, _)| *way)
            .filter(|(from, to)| components.contains_key(*from) && components.contains_key(*to))
            .collect();
        let links: Vec<Part> = ways.iter().map(|(from, to)| link(from, to)).collect();
        (
            Just(components),
            links,
            vec(fault(ways, count, plain), 0..4),
            1..4_u32,
            any::<u32>(),
        )
    });
    whole.prop_map(|(components, links, faults, zones, seed)| {
        json!({"version": 1, "seed": seed, "horizon_s": 1, "warmup_s": 0.1, "zones": zones,
            "components": components, "links": links, "faults": faults})
    })
}

/// Any system of a second, as a file has it.
pub fn any_file() -> impl Strategy<Value = Value> {
    file(false)
}

/// A system in which no component remembers what others did.
pub fn plain_scenario() -> impl Strategy<Value = Scenario> {
    file(true).prop_map(|file| read(&file))
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
