//! A component in a few words.

use scale_sim::{Arrivals, Component};

/// A number as people read it: thousands apart, three digits behind the point at most.
pub fn number(value: f64) -> String {
    let text = format!("{:.3}", value.abs());
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    let part = part.trim_end_matches('0');
    let sign = if value < 0.0 { "−" } else { "" };
    if part.is_empty() {
        format!("{sign}{out}")
    } else {
        format!("{sign}{out}.{part}")
    }
}

/// So many of something.
pub fn count(many: u64, one: &str) -> String {
    let s = if many == 1 { "" } else { "s" };
    format!("{} {one}{s}", number(many as f64))
}

/// What there is of a component: the one line on its box.
pub fn summary(component: &Component) -> String {
    match component {
        Component::Client(client) => arrivals(&client.arrivals),
        Component::Balancer(balancer) => {
            let policy = serde_json::to_value(balancer.policy).unwrap_or_default();
            let name = match &policy {
                serde_json::Value::Object(map) => map.keys().next().cloned(),
                name => name.as_str().map(str::to_owned),
            };
            name.unwrap_or_default().replace('_', " ")
        }
        Component::Service(service) => {
            let workers = count(service.workers.into(), "worker");
            match (&service.autoscale, service.instances) {
                (Some(scale), _) => format!("{}–{} × {workers}", scale.min, scale.max),
                (None, 1) => workers,
                (None, copies) => format!("{copies} × {workers}"),
            }
        }
        Component::Database(database) => {
            let connections = count(database.connections.into(), "connection");
            match &database.replication {
                Some(replication) => format!("{} copies · {connections}", replication.replicas + 1),
                None => connections,
            }
        }
        Component::Cache(cache) => match (cache.capacity_entries, cache.capacity_bytes) {
            (Some(entries), _) => {
                if entries == 1 {
                    "1 entry".to_owned()
                } else {
                    format!("{} entries", number(entries.into()))
                }
            }
            (None, Some(bytes)) => format!("{} kB", number(bytes as f64 / 1000.0)),
            (None, None) => "no bound".to_owned(),
        },
        Component::Gateway(gateway) => {
            let mut parts = Vec::new();
            if gateway.rate_limit.is_some() {
                parts.push("rate limit");
            }
            if gateway.concurrency.is_some() {
                parts.push("concurrency limit");
            }
            if gateway.cache.is_some() {
                parts.push("cache");
            }
            if parts.is_empty() {
                "no limit".to_owned()
            } else {
                parts.join(" · ")
            }
        }
        Component::Shards(shards) => count(shards.targets.len() as u64, "shard"),
        Component::Queue(queue) => format!("room for {}", number(queue.capacity.into())),
        Component::Topic(topic) => count(topic.partitions.into(), "partition"),
        Component::EventStore(store) => count(store.connections.into(), "connection"),
        Component::View(view) => count(view.connections.into(), "connection"),
    }
}

fn arrivals(arrivals: &Arrivals) -> String {
    let rate = |rate: f64| format!("{}/s", number(rate));
    match arrivals {
        Arrivals::Poisson { rate_per_s } | Arrivals::Constant { rate_per_s } => rate(*rate_per_s),
        Arrivals::Ramp {
            from_per_s,
            to_per_s,
            ..
        } => format!("{} to {}", number(*from_per_s), rate(*to_per_s)),
        Arrivals::Spike {
            base_per_s,
            peak_per_s,
            ..
        } => format!("{}, peak {}", number(*base_per_s), rate(*peak_per_s)),
        Arrivals::Daily { mean_per_s, .. } => format!("day of {}", rate(*mean_per_s)),
        Arrivals::Profile { points, .. } => {
            let most = points.iter().map(|point| point[1]).fold(0.0, f64::max);
            format!("curve to {}", rate(most))
        }
        Arrivals::OnOff { rate_on_per_s, .. } => format!("bursts of {}", rate(*rate_on_per_s)),
        Arrivals::Batch { rate_per_s, .. } => format!("{} batches/s", number(*rate_per_s)),
        Arrivals::Closed { users, .. } => count((*users).into(), "user"),
        Arrivals::Replay { multiplier, .. } | Arrivals::Recording { multiplier, .. } => {
            let often = (multiplier.to_bits() != 1.0_f64.to_bits()).then(|| number(*multiplier));
            often.map_or_else(
                || "recorded".to_owned(),
                |often| format!("recorded × {often}"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (value, text) in [
            (0.0, "0"),
            (12.5, "12.5"),
            (999.0, "999"),
            (1_000.0, "1,000"),
            (1_234_567.0, "1,234,567"),
            (-1_500.25, "−1,500.25"),
            (0.000_4, "0"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
