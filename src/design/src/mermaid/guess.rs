//! What a box stands for.

use scale_sim::Kind;

/// Words that tell; the first of them does.
const WORDS: [(&[&str], Kind); 13] = [
    (&["worker", "consumer", "processor"], Kind::Service),
    (&["event store", "eventstore"], Kind::EventStore),
    (&["balancer", "nginx", "haproxy", " lb "], Kind::Balancer),
    (&["gateway", "rate limit"], Kind::Gateway),
    (&["shard"], Kind::Shards),
    (&["cache", "redis", "memcached", "cdn"], Kind::Cache),
    (
        &["topic", "kafka", "stream", "event bus", "pub/sub", "pubsub"],
        Kind::Topic,
    ),
    (&["queue", "rabbit", "sqs", "broker"], Kind::Queue),
    (&["read model", "materialized", "materialised"], Kind::View),
    (
        &[
            "database",
            "postgres",
            "mysql",
            "mariadb",
            "sqlite",
            "mongo",
            "dynamo",
            "cassandra",
            "storage",
            " db",
            " s3 ",
            "bucket",
        ],
        Kind::Database,
    ),
    (&["service", "server", "backend", " api"], Kind::Service),
    (
        &[
            "user", "client", "browser", "customer", "shopper", "visitor", "mobile", "frontend",
        ],
        Kind::Client,
    ),
    (&["people", "actor"], Kind::Client),
];

/// By its class, if that is a kind; else by the words in it, else by its shape.
pub(super) fn kind(class: Option<&str>, label: &str, shape: Option<Kind>) -> Kind {
    if let Some(kind) = class.and_then(Kind::named) {
        return kind;
    }
    let words = format!(" {} ", label.to_lowercase());
    let named = WORDS
        .iter()
        .find(|(names, _)| names.iter().any(|name| words.contains(name)));
    named.map_or_else(|| shape.unwrap_or(Kind::Service), |(_, kind)| *kind)
}

/// What a shape by name (`@{ shape: cyl }`) stands for, if it tells.
pub(super) fn shape(name: &str) -> Option<Kind> {
    match name {
        "cyl" | "cylinder" | "database" | "db" | "disk" | "lin-cyl" | "lined-cylinder" => {
            Some(Kind::Database)
        }
        "das"
        | "h-cyl"
        | "horizontal-cylinder"
        | "subproc"
        | "subprocess"
        | "subroutine"
        | "fr-rect"
        | "framed-rectangle" => Some(Kind::Queue),
        "stadium" | "pill" | "terminal" => Some(Kind::Client),
        "hex" | "hexagon" | "prepare" => Some(Kind::Gateway),
        "diam" | "diamond" | "decision" | "question" => Some(Kind::Balancer),
        _ => None,
    }
}
