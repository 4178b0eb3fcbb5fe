//! What a design costs by the hour, by a price list that anybody may change.
//!
//! Models: what is rented by the hour whether it is busy or not: instances with their workers, nodes with the queries that they
//! work on at once, entries of caches. An autoscaled service is charged for the instances that it really had.
//! Does not model: traffic, requests, storage by its size, people, or rebates for who buys much.

use scale_sim::{Component, Figures, Kind, Problem, Scenario};
use serde::{Deserialize, Serialize};

use crate::bottleneck::Run;

/// What things cost an hour. The numbers of the default list are made up: they stand to each other about as rented machines do,
/// where a database's node costs several times a service's, and memory less than processors. No vendor's list is meant.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Prices {
    /// What amounts are counted in, as shown before a number.
    pub currency: String,
    /// An instance of a service, without its workers: 0.05.
    pub service_instance: f64,
    /// A worker of an instance, a thread with its share of processor and memory: 0.02.
    pub service_worker: f64,
    /// A node of a database, primary or replica, with its disk: 0.60.
    pub database_node: f64,
    /// A query that a node can work on at once, which is about a processor: 0.10.
    pub database_connection: f64,
    /// A view, or an event store, without the queries that it works on: 0.20.
    pub view_node: f64,
    /// A query that a view or an event store can work on at once: 0.08.
    pub view_connection: f64,
    /// A node of a cache; each region has one: 0.10.
    pub cache_node: f64,
    /// A thousand entries of a cache, in each region: 0.02.
    pub cache_thousand_entries: f64,
    /// A gibibyte of a cache that is bounded in bytes, in each region: 0.05.
    pub cache_gib: f64,
    /// A balancer: 0.05.
    pub balancer: f64,
    /// A gateway, without its cache: 0.10.
    pub gateway: f64,
    /// A router in front of shards, which are charged for themselves: 0.20.
    pub shard_router: f64,
    /// A queue: 0.15.
    pub queue: f64,
    /// A topic, without its partitions: 0.25.
    pub topic: f64,
    /// A partition of a topic: 0.02.
    pub topic_partition: f64,
}

impl Default for Prices {
    fn default() -> Self {
        Self {
            currency: "$".to_owned(),
            service_instance: 0.05,
            service_worker: 0.02,
            database_node: 0.60,
            database_connection: 0.10,
            view_node: 0.20,
            view_connection: 0.08,
            cache_node: 0.10,
            cache_thousand_entries: 0.02,
            cache_gib: 0.05,
            balancer: 0.05,
            gateway: 0.10,
            shard_router: 0.20,
            queue: 0.15,
            topic: 0.25,
            topic_partition: 0.02,
        }
    }
}

/// The most that one thing may cost an hour.
const MOST: f64 = 1e6;
/// Characters of a currency.
const CURRENCY: usize = 8;

impl Prices {
    /// All prices, by the names that they have in files.
    pub const fn all(&self) -> [(&'static str, f64); 15] {
        [
            ("service_instance", self.service_instance),
            ("service_worker", self.service_worker),
            ("database_node", self.database_node),
            ("database_connection", self.database_connection),
            ("view_node", self.view_node),
            ("view_connection", self.view_connection),
            ("cache_node", self.cache_node),
            ("cache_thousand_entries", self.cache_thousand_entries),
            ("cache_gib", self.cache_gib),
            ("balancer", self.balancer),
            ("gateway", self.gateway),
            ("shard_router", self.shard_router),
            ("queue", self.queue),
            ("topic", self.topic),
            ("topic_partition", self.topic_partition),
        ]
    }

    /// Everything that is wrong with the list.
    pub fn problems(&self) -> Vec<Problem> {
        let wrong = { self.all().into_iter() }.filter(|(_, price)| !(0.0..=MOST).contains(price));
        let mut problems: Vec<Problem> = wrong
            .map(|(name, price)| {
                let message = format!("{price} is out of range: 0 to {MOST} an hour is allowed");
                Problem::new(name, message)
            })
            .collect();
        if self.currency.chars().count() > CURRENCY {
            let message = format!("at most {CURRENCY} characters are allowed");
            problems.push(Problem::new("currency", message));
        }
        problems
    }
}

/// A line of a bill.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// The component, by its name.
    pub component: String,
    /// What is charged, in words.
    pub what: String,
    /// How many of it, on average.
    pub count: f64,
    /// What one costs an hour.
    pub unit: f64,
    /// What all of them cost an hour.
    pub per_hour: f64,
}

/// What a design costs an hour.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Bill {
    /// What amounts are counted in.
    pub currency: String,
    /// What it is made of, component by component.
    pub lines: Vec<Line>,
    /// All of it.
    pub per_hour: f64,
}

/// What a design costs as it is written: an autoscaled service with the instances that it starts with.
pub fn cost(scenario: &Scenario, prices: &Prices) -> Bill {
    Bill::new(scenario, prices, |_, instances| instances)
}

/// What a design costs as it was run: an autoscaled service with the instances that it had on average.
pub fn cost_of_run(run: &Run<'_>, prices: &Prices) -> Bill {
    Bill::new(run.scenario, prices, |at, instances| {
        run.mean_instances(at).unwrap_or(instances)
    })
}

impl Bill {
    fn new(scenario: &Scenario, prices: &Prices, had: impl Fn(usize, f64) -> f64) -> Self {
        let mut bill = Self {
            currency: prices.currency.clone(),
            ..Self::default()
        };
        for (at, (name, component)) in scenario.components.iter().enumerate() {
            bill.charge(name, component, prices, |instances| had(at, instances));
        }
        bill.add_up()
    }

    fn add_up(mut self) -> Self {
        self.per_hour = self.lines.iter().map(|line| line.per_hour).sum();
        self
    }

    /// The bill without some components: what belongs to others is not paid by the hour.
    #[must_use]
    pub fn without(mut self, names: &[String]) -> Self {
        self.lines.retain(|line| !names.contains(&line.component));
        self.add_up()
    }

    /// What a million answered requests cost; nothing if none were answered.
    pub fn per_million(&self, figures: &Figures) -> Option<f64> {
        let per_hour = figures.completed as f64 / figures.seconds().max(1e-9) * 3_600.0;
        (figures.completed > 0).then(|| self.per_hour / per_hour * 1e6)
    }

    fn charge(
        &mut self,
        name: &str,
        component: &Component,
        prices: &Prices,
        had: impl Fn(f64) -> f64,
    ) {
        let mut line = |what: &str, count: f64, unit: f64| {
            self.lines.push(Line {
                component: name.to_owned(),
                what: what.to_owned(),
                count,
                unit,
                per_hour: count * unit,
            });
        };
        match component {
            Component::Client(_) => {}
            Component::Balancer(_) => line("balancer", 1.0, prices.balancer),
            Component::Service(service) => {
                let fixed = f64::from(service.instances);
                let instances = if service.autoscale.is_some() {
                    had(fixed)
                } else {
                    fixed
                };
                line("instances", instances, prices.service_instance);
                let workers = instances * f64::from(service.workers);
                line("workers", workers, prices.service_worker);
            }
            Component::Database(database) => {
                let replicas = database.replication.as_ref().map_or(0, |r| r.replicas);
                let nodes = f64::from(replicas) + 1.0;
                line("nodes", nodes, prices.database_node);
                let connections = nodes * f64::from(database.connections);
                line("queries at once", connections, prices.database_connection);
            }
            Component::View(view) => {
                line("nodes", 1.0, prices.view_node);
                let connections = f64::from(view.connections);
                line("queries at once", connections, prices.view_connection);
            }
            Component::EventStore(store) => {
                line("nodes", 1.0, prices.view_node);
                let connections = f64::from(store.connections);
                line("queries at once", connections, prices.view_connection);
            }
            // It lives where its users do, who pay for it.
            Component::Cache(cache) if cache.private => {}
            Component::Cache(cache) => {
                let regions = f64::from(cache.regions);
                line("nodes", regions, prices.cache_node);
                charge_room(cache, regions, prices, &mut line);
            }
            Component::Gateway(gateway) => {
                line("gateway", 1.0, prices.gateway);
                if let Some(cache) = &gateway.cache {
                    charge_room(cache, 1.0, prices, &mut line);
                }
            }
            Component::Shards(_) => line("router", 1.0, prices.shard_router),
            Component::Queue(_) => line("queue", 1.0, prices.queue),
            Component::Topic(topic) => {
                line("topic", 1.0, prices.topic);
                let partitions = f64::from(topic.partitions);
                line("partitions", partitions, prices.topic_partition);
            }
        }
    }
}

/// What a cache may hold is paid for, whether it does or not.
fn charge_room(
    cache: &scale_sim::Cache,
    regions: f64,
    prices: &Prices,
    line: &mut impl FnMut(&str, f64, f64),
) {
    let entries = cache
        .capacity_entries
        .unwrap_or(scale_sim::limits::CACHE_ENTRIES_UNSAID);
    let thousands = regions * f64::from(entries) / 1_000.0;
    line("thousand entries", thousands, prices.cache_thousand_entries);
    if let Some(bytes) = cache.capacity_bytes {
        let gib = regions * bytes as f64 / f64::from(1 << 30);
        line("GiB", gib, prices.cache_gib);
    }
}

impl Run<'_> {
    /// How many instances of a service served on average.
    fn mean_instances(&self, at: usize) -> Option<f64> {
        let (_, component) = self.scenario.components.get_index(at)?;
        debug_assert_eq!(component.kind(), Kind::Service);
        let stations = self.model.stations().zip(&self.figures.stations);
        let own = stations.filter(|(station, _)| station.component == at);
        Some(own.map(|(s, f)| f.servers / f64::from(s.servers)).sum())
    }
}

#[cfg(test)]
mod tests {
    use scale_sim::{Files, run};

    use super::*;

    const DESIGN: &str = r#"{ "version": 1, "seed": 1, "horizon_s": 100, "components": {
        "users": { "client": { "operation": "view", "target": "front", "arrivals": { "constant": { "rate_per_s": 40 } } } },
        "front": { "balancer": { "policy": "round_robin", "targets": ["shop"] } },
        "shop": { "service": { "instances": 2, "workers": 4,
            "autoscale": { "metric": "utilisation", "min": 1, "max": 9, "interval_s": 5, "rule": { "target": { "value": 0.5, "stabilise_down_s": 5 } } },
            "plans": { "*": [ { "work": { "constant": { "mean_ms": 200 } } }, { "call": { "to": "cache" } } ] } } },
        "cache": { "cache": { "capacity_entries": 5000, "regions": 2, "mode": "read_through", "target": "db" } },
        "db": { "database": { "connections": 3, "queries": { "*": { "constant": { "mean_ms": 1 } } }, "replication": { "replicas": 1 } } }
    } }"#;

    #[test]
    fn everything_that_is_rented_is_on_the_bill() {
        let design = Scenario::from_json(DESIGN).expect("valid");
        let bill = cost(&design, &Prices::default());
        let lines: Vec<(&str, &str, f64)> = { bill.lines.iter() }
            .map(|line| (&*line.component, &*line.what, line.count))
            .collect();
        assert_eq!(
            lines,
            [
                ("front", "balancer", 1.0),
                ("shop", "instances", 2.0),
                ("shop", "workers", 8.0),
                ("cache", "nodes", 2.0),
                ("cache", "thousand entries", 10.0),
                ("db", "nodes", 2.0),
                ("db", "queries at once", 6.0),
            ]
        );
        // 0.05 + 0.10 + 0.16 + 0.20 + 0.20 + 1.20 + 0.60.
        assert!((bill.per_hour - 2.51).abs() < 1e-9, "{}", bill.per_hour);
        let ours = bill.without(&["db".to_owned()]);
        assert!((ours.per_hour - 0.71).abs() < 1e-9);
    }

    #[test]
    fn an_autoscaled_service_is_charged_for_what_it_had() {
        let design = Scenario::from_json(DESIGN).expect("valid");
        let outcome = run(&design, &Files::new()).expect("it runs");
        let bill = cost_of_run(&Run::of(&design, &outcome), &Prices::default());
        let instances = bill.lines[1].count;
        // 40 a second for 0.2 s each are 8 busy workers, half of 16: 4 instances of 4.
        assert!((3.5..4.5).contains(&instances), "{instances}");
        let per_million = bill.per_million(&outcome.figures).expect("answers");
        let expected = bill.per_hour / (40.0 * 3_600.0) * 1e6;
        assert!((per_million / expected - 1.0).abs() < 0.02);
    }

    #[test]
    fn a_price_is_a_number_from_zero_on() {
        let with =
            |text: &str| serde_json::from_str::<Prices>(text).map(|prices| prices.problems());
        assert_eq!(with(r#"{ "queue": 0 }"#).expect("of the form"), []);
        let problems = with(r#"{ "queue": -1, "gateway": 1e300 }"#).expect("of the form");
        let paths: Vec<&str> = problems.iter().map(|problem| &*problem.path).collect();
        assert_eq!(paths, ["gateway", "queue"]);
        assert!(
            problems[1]
                .message
                .contains("-1 is out of range: 0 to 1000000")
        );
        let nan = Prices {
            queue: f64::NAN,
            ..Prices::default()
        };
        assert_eq!(nan.problems().len(), 1);
        assert!(with(r#"{ "quue": 1 }"#).is_err());
    }
}
