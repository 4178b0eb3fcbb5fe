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
pub const ROWS: [Row; 12] = [
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
        name: "mixed",
        components: r#""lb":{"balancer":{"policy":"least_connections","targets":["shop"]}},
            "shop":{"service":{"instances":8,"workers":4,"plans":{"*":[{"work":{"exponential":{"mean_ms":5}}},
                {"call":{"to":"db","resilience":{"timeout_ms":200,"retry":{"attempts":2,"backoff":{"fixed":{"wait_ms":5}}}}}}]}}},
            "db":{"database":{"connections":10,"queries":{"*":{"log_normal":{"mean_ms":3,"cv":1}}}}}"#,
        client: r#","mix":{"x":9,"y":1},"keys":{"zipf":{"count":100000,"exponent":0.9}}"#,
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
        let operation = if client.contains(r#""mix""#) {
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
