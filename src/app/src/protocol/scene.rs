//! What there is to draw of a scenario.

use scale_sim::{Component, Instruction, Kind, Model, ShardMap, Trouble};
use serde::{Deserialize, Serialize};

/// What there is to draw.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Scene {
    /// The components, in the scenario's order.
    pub components: Vec<ComponentView>,
    /// The stations, numbered as in frames.
    pub stations: Vec<StationView>,
    /// What goes wrong, in the scenario's order.
    pub faults: Vec<FaultView>,
    /// When the run ends.
    pub horizon_s: f64,
    /// The length of a window of the series.
    pub window_s: f64,
    /// Whether a client has a deadline: not every answer is in time then.
    pub deadlines: bool,
}

/// A component to draw.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ComponentView {
    /// Its name in the scenario.
    pub name: String,
    /// Its name on the picture.
    pub label: String,
    /// What it is.
    pub kind: Kind,
    /// Column and row, if the scenario says.
    pub at: Option<[f64; 2]>,
    /// Numbers of the components that it sends requests to.
    pub targets: Vec<u16>,
    /// Whether an autoscaler changes the number of its instances: one that does not serve is off then, and not down.
    pub scales: bool,
    /// What is in it that can be looked at.
    pub holds: Holds,
}

/// What is in a component that can be looked at while it runs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Holds {
    /// Nothing but requests.
    #[default]
    Requests,
    /// Entries of a cache, at most so many if they are counted.
    Entries(Option<u32>),
    /// The maps of a router in front of shards: of its rule, and of the one that takes its place, if one does.
    Maps(Vec<ShardMap>),
    /// Messages of a queue.
    Messages,
    /// Messages of a topic: its partitions, and the names of its subscriptions.
    Partitions(u32, Vec<String>),
    /// Steps of a saga, by name.
    Steps(Vec<String>),
    /// A log that its replicas follow.
    Log,
    /// Messages that wait for the relay.
    Outbox,
    /// Promises to commit branches of transactions.
    Promises,
    /// Streams of events.
    Events,
    /// Changes that it applies.
    Changes,
}

/// A station to draw.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StationView {
    /// The number of its component.
    pub component: u16,
    /// Which instance of the component, from 0.
    pub instance: u32,
    /// Requests that it works on at once.
    pub servers: u32,
    /// Requests that may wait.
    pub queue: u32,
    /// Whether requests still come here.
    pub live: bool,
    /// Whether it serves from the start, and not only once an autoscaler has added it.
    pub starts: bool,
}

/// A fault to tell of.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FaultView {
    /// What goes wrong, and where, in words.
    pub what: String,
    /// When, and for how long, if that is known beforehand and it does anything then.
    pub at_s: Option<f64>,
    /// How long it lasts; to the end of the run if it is not given.
    pub for_s: Option<f64>,
}

impl Scene {
    /// What there is to draw of a model and its scenario.
    pub fn new(model: &Model, scenario: &scale_sim::Scenario, window_s: f64) -> Self {
        let number = |name: &str| scenario.components.get_index_of(name).map(|at| at as u16);
        let components = scenario.components.iter().enumerate();
        let components = components.map(|(at, (name, component))| {
            let targets = component.targets().into_iter();
            let mut targets: Vec<u16> = targets.filter_map(number).collect();
            for at in (1..targets.len()).rev() {
                if targets[..at].contains(&targets[at]) {
                    targets.remove(at);
                }
            }
            let view = scenario.view.get(name);
            ComponentView {
                name: name.clone(),
                label: view
                    .and_then(|v| v.label.clone())
                    .unwrap_or_else(|| name.clone()),
                kind: component.kind(),
                at: view.and_then(|v| v.at),
                targets,
                scales: matches!(component, Component::Service(service) if service.autoscale.is_some()),
                holds: Holds::of(model, scenario, at),
            }
        });
        let stations = model.stations().map(|station| StationView {
            component: station.component as u16,
            instance: station.instance,
            servers: station.servers,
            queue: station.queue,
            live: station.live,
            starts: station.starts,
        });
        Self {
            components: components.collect(),
            stations: stations.collect(),
            faults: { scenario.faults.iter() }
                .map(|fault| FaultView::new(fault, scenario))
                .collect(),
            horizon_s: model.horizon().secs(),
            window_s,
            deadlines: { scenario.components.values() }.any(|component| {
                matches!(component, Component::Client(client) if client.deadline_ms.is_some())
            }),
        }
    }
}

impl Scene {
    /// The name of a station, as the picture has it.
    pub fn station_name(&self, station: u32) -> String {
        let Some(view) = self.stations.get(station as usize) else {
            return String::new();
        };
        let component = &self.components[usize::from(view.component)];
        let own = |s: &&StationView| s.component == view.component;
        let copies = self.stations.iter().filter(own).count();
        match component.kind {
            Kind::Shards if view.instance > 0 => "Mover".to_owned(),
            Kind::Shards => component.label.clone(),
            Kind::Database if copies > 1 && view.instance == 0 => component.label.clone(),
            Kind::Database if copies > 1 => format!("{} copy {}", component.label, view.instance),
            _ if copies > 1 => format!("{} {}", component.label, view.instance + 1),
            _ => component.label.clone(),
        }
    }

    /// What a station is that has no server to be used.
    pub fn out(&self, station: &StationView) -> &'static str {
        match self.components.get(usize::from(station.component)) {
            Some(component) if component.scales => "off",
            _ => "down",
        }
    }

    /// The name of a component, as the picture has it.
    pub fn component_name(&self, component: u16) -> &str {
        let component = self.components.get(usize::from(component));
        component.map_or("", |component| &component.label)
    }
}

impl Holds {
    /// What the component number `at` holds.
    fn of(model: &Model, scenario: &scale_sim::Scenario, at: usize) -> Self {
        let Some((name, component)) = scenario.components.get_index(at) else {
            return Self::Requests;
        };
        match component {
            Component::Cache(cache) => Self::Entries(cache.capacity_entries),
            Component::Gateway(gateway) => {
                let cache = gateway.cache.as_ref();
                cache.map_or(Self::Requests, |cache| {
                    Self::Entries(cache.capacity_entries)
                })
            }
            Component::Shards(_) => Self::Maps(model.shard_maps(at)),
            Component::Queue(_) => Self::Messages,
            Component::Topic(topic) => {
                let names = topic.subscriptions.keys().cloned();
                Self::Partitions(topic.partitions, names.collect())
            }
            Component::EventStore(_) => Self::Events,
            Component::View(_) => Self::Changes,
            Component::Database(database) if database.replication.is_some() => Self::Log,
            Component::Database(database) if database.outbox.is_some() => Self::Outbox,
            Component::Database(_) if in_transaction(scenario, name) => Self::Promises,
            Component::Service(service) => {
                let mut sagas = instructions(service).filter_map(|step| match step {
                    Instruction::Saga(saga) => Some(saga),
                    _ => None,
                });
                let step = |step: &scale_sim::SagaStep| {
                    let call = &step.does;
                    call.operation.clone().unwrap_or_else(|| call.to.clone())
                };
                match (sagas.next(), sagas.next()) {
                    (Some(saga), None) => Self::Steps(saga.steps.iter().map(step).collect()),
                    // Events do not say which of several it is.
                    _ => Self::Requests,
                }
            }
            Component::Client(_) | Component::Balancer(_) | Component::Database(_) => {
                Self::Requests
            }
        }
    }
}

/// The first steps of a service's plans, not what is inside of others.
fn instructions(service: &scale_sim::Service) -> impl Iterator<Item = &Instruction> {
    service.plans.values().flatten()
}

/// Whether a branch of a transaction leads straight to the database `name`.
fn in_transaction(scenario: &scale_sim::Scenario, name: &str) -> bool {
    let services = scenario.components.values().filter_map(|component| {
        let Component::Service(service) = component else {
            return None;
        };
        Some(service)
    });
    let mut steps = services.flat_map(instructions);
    steps.any(|step| match step {
        Instruction::Transaction(transaction) => {
            transaction.branches.iter().any(|branch| branch.to == name)
        }
        _ => false,
    })
}

impl FaultView {
    fn new(fault: &scale_sim::Fault, scenario: &scale_sim::Scenario) -> Self {
        // A knob may turn a fault down to nothing.
        let nothing = fault.for_s == Some(0.0)
            || match &fault.what {
                Trouble::Errors(errors) => errors.share <= 0.0,
                Trouble::Slow(slow) => slow.factor <= 1.0,
                Trouble::PacketLoss(lossy) => lossy.loss <= 0.0,
                Trouble::ReducedCapacity(reduced) => reduced.servers == 0,
                _ => false,
            };
        Self {
            what: in_words(&fault.what, scenario),
            at_s: fault.at_s.filter(|_| !nothing),
            for_s: fault.for_s,
        }
    }
}

/// What goes wrong, and where: "crash of shop 2".
fn in_words(trouble: &Trouble, scenario: &scale_sim::Scenario) -> String {
    let written = serde_json::to_value(trouble).unwrap_or_default();
    let Some((name, about)) = written.as_object().and_then(|object| object.iter().next()) else {
        return String::new();
    };
    let text = |field: &str| about.get(field).and_then(serde_json::Value::as_str);
    let number = |field: &str| about.get(field).and_then(serde_json::Value::as_u64);
    let label = |name: &str| {
        let view = scenario.view.get(name);
        let label = view.and_then(|view| view.label.clone());
        label.unwrap_or_else(|| name.to_owned())
    };
    let what = match trouble {
        Trouble::Slow(_) => "slowness".to_owned(),
        Trouble::Errors(_) => "failing".to_owned(),
        _ => name.replace('_', " "),
    };
    let mut words = vec![what];
    if let Some(at) = text("component").or_else(|| text("client")) {
        words.push(format!("of {}", label(at)));
    }
    if let Some(instance) = number("instance") {
        words.push(format!("{instance}"));
    }
    if let (Some(from), Some(to)) = (text("from"), text("to")) {
        words.push(format!("between {} and {}", label(from), label(to)));
    }
    if let Some(zone) = number("zone") {
        words.push(format!("of zone {zone}"));
    }
    words.join(" ")
}
