//! What the benchmarks of mechanisms run: one row a mechanism, around the network of eight servers. A new mechanism is a new row.

use std::sync::Arc;

use scale_sim::{Files, Model, Scenario};

/// A mechanism at work in a system.
pub struct Row {
    /// What is measured.
    pub name: &'static str,
    /// The components besides the client `users`, which asks `lb` for `x`.
    components: &'static str,
    /// The client's further fields, and the scenario's: each begins with a comma.
    client: &'static str,
    scenario: &'static str,
    /// How many times the loop's time a request may take at most, where there is such a bound.
    pub at_most: Option<f64>,
}

const EIGHT: Row = Row {
    name: "eight servers",
    components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
        "shop":{"service":{"instances":8,"workers":1,"plans":{"*":[{"work":{"exponential":{"mean_ms":10}}}]}}}"#,
    client: "",
    scenario: "",
    at_most: None,
};

/// All rows.
pub const ROWS: [Row; 39] = [
    EIGHT,
    Row {
        name: "round robin",
        components: r#""lb":{"balancer":{"policy":"round_robin","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":1,"plans":{"*":[{"work":{"exponential":{"mean_ms":10}}}]}}}"#,
        ..EIGHT
    },
    Row {
        name: "mix and keys",
        client: r#","mix":{"x":3,"y":1},"keys":{"zipf":{"count":100000,"exponent":0.9}},"users":1000"#,
        ..EIGHT
    },
    Row {
        name: "priorities",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":1,"discipline":"priority","plans":{"*":[{"work":{"exponential":{"mean_ms":10}}}]}}}"#,
        ..EIGHT
    },
    Row {
        name: "bulkheads",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":1,"bulkheads":{"x":1},"plans":{"*":[{"work":{"exponential":{"mean_ms":10}}}]}}}"#,
        ..EIGHT
    },
    Row {
        name: "wires",
        scenario: r#","links":[{"from":"users","to":"lb","latency":{"exponential":{"mean_ms":2}},"loss":0.001},
            {"from":"lb","to":"shop","latency":{"constant":{"mean_ms":0.5}},"bandwidth_mbit_s":100,"shared":true}]"#,
        ..EIGHT
    },
    Row {
        name: "payloads",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":1,"plans":{"*":[{"work":{"exponential":{"mean_ms":9}}},{"reply":{"bytes":45000,"compression":{"codec":"gzip"}}}]}}}"#,
        ..EIGHT
    },
    Row {
        name: "a guarded client",
        client: r#","resilience":{"timeout_ms":500,"retry":{"attempts":3,"backoff":{"exponential":{"base_ms":10,"cap_ms":100,"jitter":"full"}},"budget":{}},
            "breaker":{"window":{"size":100,"failure_rate":0.5,"open_ms":1000}}}"#,
        ..EIGHT
    },
    Row {
        name: "hedges",
        client: r#","resilience":{"hedge":{"after_ms":200}}"#,
        ..EIGHT
    },
    Row {
        name: "a call and a fallback",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":1,"plans":{"*":[{"work":{"exponential":{"mean_ms":7}}},
                {"call":{"to":"db","fallback":[{"work":{"constant":{"mean_ms":1}}}]}}]}}},
            "db":{"database":{"connections":2,"queue":4,"queries":{"*":{"exponential":{"mean_ms":2}}}}}"#,
        ..EIGHT
    },
    Row {
        name: "three calls at once",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":1,"plans":{"*":[{"work":{"exponential":{"mean_ms":6}}},
                {"parallel":{"calls":[{"to":"db","times":3}],"need":2}}]}}},
            "db":{"database":{"connections":20,"queries":{"*":{"exponential":{"mean_ms":2}}}}}"#,
        ..EIGHT
    },
    Row {
        name: "weights",
        components: r#""lb":{"balancer":{"policy":"weighted_round_robin","targets":["shop"],"weights":{"shop":[5,4,3,2,1,1,1,1]}}},
            "shop":{"service":{"instances":8,"workers":1,"plans":{"*":[{"work":{"exponential":{"mean_ms":5}}}]}}}"#,
        ..EIGHT
    },
    Row {
        name: "two choices",
        components: r#""lb":{"balancer":{"policy":"power_of_two_choices","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":1,"plans":{"*":[{"work":{"exponential":{"mean_ms":10}}}]}}}"#,
        ..EIGHT
    },
    Row {
        name: "peak ewma",
        components: r#""lb":{"balancer":{"policy":{"peak_ewma":{}},"targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":1,"plans":{"*":[{"work":{"exponential":{"mean_ms":10}}}]}}}"#,
        ..EIGHT
    },
    Row {
        name: "consistent hash",
        components: r#""lb":{"balancer":{"policy":"consistent_hash","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":1,"plans":{"*":[{"work":{"exponential":{"mean_ms":7}}}]}}}"#,
        client: r#","operation":"x","keys":{"zipf":{"count":100000,"exponent":0.9}},"users":1000"#,
        ..EIGHT
    },
    Row {
        name: "sticky, checked, ejecting",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"],"sticky":"user","slow_start_s":10,"ejection":{},"health_check":{"interval_s":5,"timeout_ms":1000,"fall":3,"rise":2,"operation":"x"}}},
            "shop":{"service":{"instances":8,"workers":1,"plans":{"*":[{"work":{"exponential":{"mean_ms":7}}}]}}}"#,
        client: r#","operation":"x","keys":{"zipf":{"count":100000,"exponent":0.9}},"users":1000"#,
        ..EIGHT
    },
    Row {
        name: "shedding",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":1,"shedding":{"queue_timeout_ms":200,"codel":{}},"plans":{"*":[{"work":{"exponential":{"mean_ms":10}}}]}}}"#,
        ..EIGHT
    },
    Row {
        name: "sessions",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":1,"sessions":{"lost":{"rebuild":{"constant":{"mean_ms":1}}},"capacity":200},"plans":{"*":[{"work":{"exponential":{"mean_ms":8}}}]}}}"#,
        client: r#","operation":"x","keys":{"zipf":{"count":100000,"exponent":0.9}},"users":1000"#,
        ..EIGHT
    },
    Row {
        name: "autoscaling",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":1,"autoscale":{"metric":"utilisation","rule":{"target":{"value":0.8}},"min":2,"max":12},"plans":{"*":[{"work":{"exponential":{"mean_ms":10}}}]}}}"#,
        ..EIGHT
    },
    Row {
        name: "read through",
        components: r#""lb":{"cache":{"mode":"read_through","target":"db","capacity_entries":10000}},
            "db":{"database":{"connections":20,"queries":{"*":{"exponential":{"mean_ms":10}}}}}"#,
        client: r#","operation":"x","keys":{"zipf":{"count":100000,"exponent":0.9}},"users":1000"#,
        ..EIGHT
    },
    Row {
        name: "cache aside, alone in flight",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":4,"plans":{"*":[{"work":{"exponential":{"mean_ms":4}}},{"cached":{"cache":"redis","miss":[{"call":{"to":"db"}}]}}]}}},
            "redis":{"cache":{"capacity_entries":10000,"eviction":"sieve","ttl":{"ttl_s":60,"jitter":0.1},"single_flight":true,"lookup":{"constant":{"mean_ms":0.5}}}},
            "db":{"database":{"connections":20,"queries":{"*":{"exponential":{"mean_ms":10}}}}}"#,
        client: r#","operation":"x","keys":{"zipf":{"count":100000,"exponent":0.9}},"users":1000"#,
        ..EIGHT
    },
    Row {
        name: "gateway",
        components: r#""lb":{"gateway":{"target":"shops","rate_limit":{"token_bucket":{"rate_per_s":5,"burst":20,"keys":1000}},"concurrency":{"aimd":{"timeout_ms":500}},"cached":["x"],"cache":{"capacity_entries":1000}}},
            "shops":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":1,"plans":{"*":[{"work":{"exponential":{"mean_ms":10}}}]}}}"#,
        client: r#","operation":"x","keys":{"zipf":{"count":100000,"exponent":0.9}},"users":1000"#,
        ..EIGHT
    },
    Row {
        name: "statements and locks",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":4,"plans":{"*":[{"work":{"exponential":{"mean_ms":4}}},{"call":{"to":"db"}}]}}},
            "db":{"database":{"connections":20,"tables":{"stock":{"rows":1000,"value":1000000}},"statements":{"x":{"change":{"table":"stock","by":-1,"care":"select_for_update"}}}}}"#,
        client: r#","operation":"x","keys":{"uniform":{"count":1000}},"users":1000"#,
        ..EIGHT
    },
    Row {
        name: "changes made once, audited",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":4,"plans":{"*":[{"work":{"exponential":{"mean_ms":4}}},{"call":{"to":"db","operation":"take"}},{"call":{"to":"db","operation":"put"}}]}}},
            "db":{"database":{"connections":20,"tables":{"stock":{"rows":1000,"value":1000000},"orders":{"rows":1000}},"statements":{
                "take":{"change":{"table":"stock","by":-1,"care":"atomic_update","once":true}},"put":{"change":{"table":"orders","by":1,"care":"atomic_update","once":true}}}}}"#,
        client: r#","operation":"x","keys":{"uniform":{"count":1000}},"users":1000"#,
        scenario: r#","invariants":[{"no_lost_updates":{"at":"db"}},{"no_double_effects":{"at":"db"}},{"no_lost_writes":{"at":"db"}},{"in_order":{"at":"shop"}},{"served_once":{"at":"shop"}},
            {"conserved":{"tables":[{"database":"db","table":"stock"},{"database":"db","table":"orders"}]}}]"#,
        ..EIGHT
    },
    Row {
        name: "pool and replicas",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":4,"plans":{"*":[{"work":{"exponential":{"mean_ms":4}}},{"call":{"to":"db"}}]}}},
            "db":{"database":{"connections":20,"writes":["write"],"queries":{"*":{"exponential":{"mean_ms":2}}},"connect":{"constant":{"mean_ms":8}},"pool":{"max":10},"replication":{"replicas":2,"reads":{"replicas":{}}}}}"#,
        client: r#","mix":{"read":9,"write":1},"keys":{"uniform":{"count":1000}},"users":1000"#,
        ..EIGHT
    },
    Row {
        name: "shards",
        components: r#""lb":{"shards":{"targets":["a","b","c","d"],"partitioning":{"ring":{}}}},
            "a":{"database":{"connections":4,"queries":{"*":{"exponential":{"mean_ms":10}}}}},
            "b":{"database":{"connections":4,"queries":{"*":{"exponential":{"mean_ms":10}}}}},
            "c":{"database":{"connections":4,"queries":{"*":{"exponential":{"mean_ms":10}}}}},
            "d":{"database":{"connections":4,"queries":{"*":{"exponential":{"mean_ms":10}}}}}"#,
        client: r#","operation":"x","keys":{"zipf":{"count":100000,"exponent":0.9}},"users":1000"#,
        ..EIGHT
    },
    Row {
        name: "all shards at once",
        components: r#""lb":{"shards":{"targets":["a","b","c"],"partitioning":"jump","scatter":{"x":{"need":2,"timeout_ms":200}}}},
            "a":{"database":{"connections":10,"queries":{"*":{"exponential":{"mean_ms":5}}}}},
            "b":{"database":{"connections":10,"queries":{"*":{"exponential":{"mean_ms":5}}}}},
            "c":{"database":{"connections":10,"queries":{"*":{"exponential":{"mean_ms":5}}}}}"#,
        ..EIGHT
    },
    Row {
        name: "keys on the move",
        components: r#""lb":{"shards":{"targets":["a","b"],"partitioning":{"slots":{}},
                "reshard":{"at_s":1,"targets":["a","b","c"],"policy":"dual_writes","keys_per_s":20,"batch":10}}},
            "a":{"database":{"connections":8,"writes":["write"],"queries":{"*":{"exponential":{"mean_ms":8}}}}},
            "b":{"database":{"connections":8,"writes":["write"],"queries":{"*":{"exponential":{"mean_ms":8}}}}},
            "c":{"database":{"connections":8,"writes":["write"],"queries":{"*":{"exponential":{"mean_ms":8}}}}}"#,
        client: r#","mix":{"read":9,"write":1},"keys":{"uniform":{"count":2000}},"users":1000"#,
        ..EIGHT
    },
    Row {
        name: "sagas",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":4,"plans":{"*":[{"saga":{"steps":[
                {"do":{"to":"db","operation":"take"},"undo":{"to":"db","operation":"give"}},{"do":{"to":"accounts","operation":"pay"}}],
                "log":{"exponential":{"mean_ms":1}}}}]}}},
            "db":{"database":{"connections":20,"tables":{"stock":{"rows":1000,"value":1000000}},
                "statements":{"take":{"change":{"table":"stock","by":-1,"care":"atomic_update"}},"give":{"change":{"table":"stock","by":1,"care":"atomic_update"}}}}},
            "accounts":{"database":{"connections":20,"tables":{"t":{"rows":1000,"value":1000000}},
                "statements":{"pay":{"change":{"table":"t","by":-1,"care":"atomic_update"}}}}}"#,
        client: r#","operation":"x","keys":{"uniform":{"count":1000}},"users":1000"#,
        ..EIGHT
    },
    Row {
        // Nobody has any money: each saga turns back, and gives back what it has taken.
        name: "sagas taken back",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":4,"plans":{"*":[{"saga":{"steps":[
                {"do":{"to":"db","operation":"take"},"undo":{"to":"db","operation":"give"}},{"do":{"to":"accounts","operation":"pay"}}],
                "log":{"exponential":{"mean_ms":1}}}}]}}},
            "db":{"database":{"connections":20,"tables":{"stock":{"rows":1000,"value":1000000}},
                "statements":{"take":{"change":{"table":"stock","by":-1,"care":"atomic_update"}},"give":{"change":{"table":"stock","by":1,"care":"atomic_update"}}}}},
            "accounts":{"database":{"connections":20,"tables":{"t":{"rows":1000}},
                "statements":{"pay":{"change":{"table":"t","by":-1,"care":"atomic_update"}}}}}"#,
        client: r#","operation":"x","keys":{"uniform":{"count":1000}},"users":1000"#,
        ..EIGHT
    },
    Row {
        name: "two-phase commit",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":8,"plans":{"*":[{"transaction":{"branches":[{"to":"db","operation":"take"},{"to":"accounts","operation":"pay"}]}}]}}},
            "db":{"database":{"connections":64,"tables":{"stock":{"rows":1000,"value":1000000}},"statements":{"take":{"change":{"table":"stock","by":-1,"care":"atomic_update"}}}}},
            "accounts":{"database":{"connections":64,"tables":{"t":{"rows":1000,"value":1000000}},"statements":{"pay":{"change":{"table":"t","by":-1,"care":"atomic_update"}}}}}"#,
        client: r#","operation":"x","keys":{"uniform":{"count":1000}},"users":1000"#,
        ..EIGHT
    },
    Row {
        name: "work queue",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":1,"plans":{"*":[{"work":{"exponential":{"mean_ms":7}}},{"call":{"to":"jobs"}}]}}},
            "jobs":{"queue":{"to":"worker","prefetch":2,"max_deliveries":5,"publish":{"constant":{"mean_ms":0.5}}}},
            "worker":{"service":{"instances":8,"workers":2,"plans":{"*":[{"work":{"exponential":{"mean_ms":10}}}]}}}"#,
        ..EIGHT
    },
    Row {
        name: "topic with two groups",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":1,"plans":{"*":[{"work":{"exponential":{"mean_ms":7}}},{"call":{"to":"events"}}]}}},
            "events":{"topic":{"partitions":24,"retention":1000,"subscriptions":{"a":{"to":"one","commit_every":10},"b":{"to":"two"}}}},
            "one":{"service":{"instances":12,"workers":1,"plans":{"*":[{"work":{"exponential":{"mean_ms":5}}}]}}},
            "two":{"service":{"instances":8,"workers":1,"plans":{"*":[{"work":{"exponential":{"mean_ms":5}}}]}}}"#,
        client: r#","operation":"x","keys":{"uniform":{"count":100000}},"users":1000"#,
        ..EIGHT
    },
    Row {
        name: "outbox",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":4,"plans":{"*":[{"work":{"exponential":{"mean_ms":4}}},{"call":{"to":"db"}}]}}},
            "db":{"database":{"connections":20,"writes":["x"],"queries":{"x":{"exponential":{"mean_ms":5}}},"outbox":{"operations":["x"],"to":"jobs","poll_ms":10}}},
            "jobs":{"queue":{"to":"worker","prefetch":2}},
            "worker":{"service":{"instances":8,"workers":2,"plans":{"*":[{"work":{"exponential":{"mean_ms":10}}}]}}}"#,
        client: r#","operation":"x","keys":{"uniform":{"count":1000}},"users":1000"#,
        ..EIGHT
    },
    Row {
        name: "event store",
        components: r#""lb":{"event_store":{"connections":50,"streams":1000,"events":50,"value":1000,"snapshots":{"every_events":20},"schemas":[{"at_s":10,"upcast_us":5}],
            "operations":{"read":"load","past":{"as_of":{"ago":{"uniform":{"min_ms":0,"max_ms":60000}}}},"write":{"append":{"by":1,"least":0,"retries":3}}}}}"#,
        client: r#","mix":{"read":4,"past":1,"write":5},"keys":{"zipf":{"count":1000,"exponent":0.9}},"users":1000"#,
        ..EIGHT
    },
    Row {
        name: "view",
        components: r#""lb":{"service":{"workers":200,"plans":{"write":[{"call":{"to":"store"}}],"read":[{"call":{"to":"list"}}]}}},
            "store":{"event_store":{"connections":50,"streams":1000,"operations":{"write":{"append":{"by":1,"expected":"any"}}}}},
            "list":{"view":{"source":"store","connections":20,"queries":{"*":{"exponential":{"mean_ms":1}}},"apply":{"exponential":{"mean_ms":0.5}},"commit":{"constant":{"mean_ms":1}},"batch":100,"delay_ms":5}}"#,
        client: r#","mix":{"read":1,"write":1},"keys":{"zipf":{"count":1000,"exponent":0.9}},"users":1000"#,
        ..EIGHT
    },
    Row {
        name: "keys with versions",
        components: r#""lb":{"service":{"workers":200,"plans":{"write":[{"call":{"to":"db"}}],
                "read":[{"cached":{"cache":"redis","version":{"call":{"to":"db","operation":"version"}},"miss":[{"call":{"to":"db"}}]}}]}}},
            "redis":{"cache":{"capacity_entries":500,"lookup":{"constant":{"mean_ms":0.5}}}},
            "db":{"database":{"connections":50,"tables":{"t":{"rows":1000}},
                "statements":{"version":{"read":{"table":"t"}},"read":{"read":{"table":"t"}},"write":{"write":{"table":"t"}}}}}"#,
        client: r#","mix":{"read":9,"write":1},"keys":{"zipf":{"count":1000,"exponent":0.9}},"users":1000"#,
        ..EIGHT
    },
    Row {
        name: "faults",
        scenario: r#","zones":2,"faults":[{"what":{"slow":{"component":"shop","instance":1,"factor":2}},"random":{"mean_up_s":5,"mean_down_s":1}},
            {"what":{"errors":{"component":"shop","share":0.05}},"random":{"mean_up_s":3,"mean_down_s":1}}]"#,
        ..EIGHT
    },
    Row {
        name: "mixed",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":4,"plans":{
                "*":[{"work":{"exponential":{"mean_ms":5}}},{"cached":{"cache":"redis","miss":[{"call":{"to":"db"}}]}}],
                "write":[{"work":{"exponential":{"mean_ms":5}}},{"call":{"to":"db"}},{"invalidate":{"cache":"redis"}}]}}},
            "redis":{"cache":{"capacity_entries":500,"ttl":{"ttl_s":60},"lookup":{"constant":{"mean_ms":0.5}}}},
            "db":{"database":{"connections":20,"writes":["write"],"queries":{"*":{"log_normal":{"mean_ms":3,"cv":1}}},
                "connect":{"constant":{"mean_ms":8}},"pool":{"max":10},"replication":{"replicas":2,"reads":{"replicas":{}}}}}"#,
        client: r#","mix":{"read":9,"write":1},"keys":{"zipf":{"count":2000,"exponent":0.9}},"users":1000"#,
        at_most: Some(8.0),
        ..EIGHT
    },
];

impl Row {
    /// The row's system for so many seconds.
    ///
    /// # Panics
    ///
    /// If it is not valid.
    pub fn model(&self, seconds: f64) -> Arc<Model> {
        let Self {
            components,
            client,
            scenario,
            ..
        } = self;
        let operation = if client.contains(r#""mix""#) || client.contains(r#""operation""#) {
            ""
        } else {
            r#","operation":"x""#
        };
        let text = format!(
            r#"{{"version":1,"seed":1,"horizon_s":{seconds},"components":{{
                "users":{{"client":{{"target":"lb","arrivals":{{"poisson":{{"rate_per_s":700}}}}{operation}{client}}}}},
                {components}}}{scenario}}}"#
        );
        let scenario = Scenario::from_json(&text)
            .unwrap_or_else(|problems| panic!("{}: {problems:?}", self.name));
        Arc::new(Model::new(&scenario, &Files::new()).expect("valid"))
    }
}
