//! The model: a scenario compiled once into dense tables, so that the run knows no names.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::arrivals::Arriving;
use crate::balance::{Balancing, Seat};
use crate::component::{ANY, Component, Instruction, Kind, LogFormat};
use crate::distribution::Sampler;
use crate::limits;
use crate::problem::Problem;
use crate::random::Key;
use crate::replay;
use crate::scenario::Scenario;
use crate::time::{Duration, Time};

/// The texts of the files that a scenario names (recorded arrivals), by name.
pub type Files = BTreeMap<String, String>;

/// A compiled scenario.
#[derive(Clone, Debug)]
pub struct Model {
    pub(crate) seed: u64,
    pub(crate) horizon: Time,
    pub(crate) warmup: Time,
    pub(crate) operations: Vec<String>,
    pub(crate) components: Vec<ComponentModel>,
    pub(crate) stations: Vec<StationModel>,
    pub(crate) code: Vec<Step>,
}

/// One component of the model.
#[derive(Clone, Debug)]
pub(crate) struct ComponentModel {
    pub name: String,
    pub kind: Kind,
    pub role: Role,
    /// Its own stations by instance; for a balancer, those of its targets. Empty for a client.
    pub stations: Vec<u32>,
    /// Where its plan for each operation starts; empty for clients and balancers.
    pub plans: Vec<Option<u32>>,
}

/// What a component does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Role {
    Client(ClientModel),
    /// How it chooses, and among whom.
    Balancer(Balancing),
    Station,
}

/// A compiled client.
#[derive(Clone, Debug)]
pub(crate) struct ClientModel {
    pub operation: u16,
    pub target: u16,
    pub arrivals: Arriving,
    pub deadline: Duration,
    /// The root of the draws of its arrivals, and of its users' thinking.
    pub arrival_key: Key,
    /// The root of its requests' keys.
    pub request_key: Key,
}

/// One station: an instance of a service, or a database.
#[derive(Clone, Debug)]
pub(crate) struct StationModel {
    pub name: String,
    pub component: u16,
    pub instance: u32,
    pub servers: u32,
    pub queue: u32,
    /// Whether requests still come here; an instance taken away only finishes what it has.
    pub live: bool,
}

/// One step of a compiled plan.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Work { time: Sampler, key: u64 },
    Call { to: u16, operation: u16, key: u64 },
    End,
}

impl Model {
    /// Compiles a scenario.
    ///
    /// # Errors
    ///
    /// Every problem of the scenario, and of the files that it names.
    pub fn new(scenario: &Scenario, files: &Files) -> Result<Self, Vec<Problem>> {
        Self::following(None, scenario, files)
    }

    /// Compiles a scenario so that stations which `before` has too keep their numbers, and lost ones stay to drain.
    pub(crate) fn following(
        before: Option<&Self>,
        scenario: &Scenario,
        files: &Files,
    ) -> Result<Self, Vec<Problem>> {
        let problems = scenario.problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut model = Self {
            seed: scenario.seed,
            horizon: Time::from_secs(scenario.horizon_s),
            warmup: Time::from_secs(scenario.warmup_s),
            operations: operations(scenario)?,
            components: Vec::new(),
            stations: before.map(|b| b.stations.clone()).unwrap_or_default(),
            code: Vec::new(),
        };
        for station in &mut model.stations {
            station.live = false;
        }
        for (name, component) in &scenario.components {
            let compiled = model.component(scenario, files, name, component)?;
            model.components.push(compiled);
        }
        // Balancers come last: their targets' stations must have numbers.
        for (at, component) in scenario.components.values().enumerate() {
            if let Component::Balancer(balancer) = component {
                let mut seats = Vec::new();
                for name in &balancer.targets {
                    let target = usize::from(model.index(scenario, name));
                    let backup = balancer.backups.contains(name);
                    for number in &model.components[target].stations {
                        let station = &model.stations[*number as usize];
                        let weight = balancer.weight(name, station.instance);
                        seats.push(Seat::new(*number, &station.name, weight).as_backup(backup));
                    }
                }
                let model = &mut model.components[at];
                model.stations = seats.iter().map(|seat| seat.station).collect();
                let rules = balancer.rules(scenario);
                model.role = Role::Balancer(Balancing { rules, seats });
            }
        }
        if model.stations.len() > limits::WORKERS as usize {
            let message = format!(
                "{} instances in all: at most {} are allowed",
                model.stations.len(),
                limits::WORKERS
            );
            return Err(vec![Problem::new("components", message)]);
        }
        Ok(model)
    }

    fn component(
        &mut self,
        scenario: &Scenario,
        files: &Files,
        name: &str,
        component: &Component,
    ) -> Result<ComponentModel, Vec<Problem>> {
        let key = Key::root(self.seed).named(name);
        let mut stations = Vec::new();
        let mut plans = Vec::new();
        let role = match component {
            Component::Client(client) => Role::Client(ClientModel {
                operation: self.operation(&client.operation),
                target: self.index(scenario, &client.target),
                arrivals: Arriving::new(&client.arrivals, |file, format| {
                    replayed(name, file, format, files)
                })?,
                deadline: client
                    .deadline_ms
                    .map_or(Duration::MAX, Duration::from_millis),
                arrival_key: key.named("arrival"),
                request_key: key.named("request"),
            }),
            Component::Balancer(balancer) => Role::Balancer(Balancing {
                rules: balancer.rules(scenario),
                seats: Vec::new(),
            }),
            Component::Service(service) => {
                for instance in 0..service.instances {
                    let number = format!("{name}.{}", instance + 1);
                    stations.push(self.station(number, instance, service.workers, service.queue));
                }
                plans = self.plans(
                    &service.plans,
                    |model, plan, operation, key| {
                        for (i, instruction) in plan.iter().enumerate() {
                            let key = key.with(i as u64).bits();
                            model.code.push(match instruction {
                                Instruction::Work(time) => Step::Work {
                                    time: Sampler::new(time),
                                    key,
                                },
                                Instruction::Call(call) => Step::Call {
                                    to: model.index(scenario, &call.to),
                                    operation: call
                                        .operation
                                        .as_deref()
                                        .map_or(operation, |name| model.operation(name)),
                                    key,
                                },
                            });
                        }
                    },
                    name,
                );
                Role::Station
            }
            Component::Database(database) => {
                stations.push(self.station(
                    name.to_owned(),
                    0,
                    database.connections,
                    database.queue,
                ));
                plans = self.plans(
                    &database.queries,
                    |model, time, _, key| {
                        model.code.push(Step::Work {
                            time: Sampler::new(time),
                            key: key.bits(),
                        });
                    },
                    name,
                );
                Role::Station
            }
        };
        Ok(ComponentModel {
            name: name.to_owned(),
            kind: component.kind(),
            role,
            stations,
            plans,
        })
    }

    /// Gives an instance its station: the one of that name if there is one, else a new one.
    fn station(&mut self, name: String, instance: u32, servers: u32, queue: u32) -> u32 {
        let station = StationModel {
            component: self.components.len() as u16,
            name,
            instance,
            servers,
            queue,
            live: true,
        };
        let at = self.stations.iter().position(|s| s.name == station.name);
        let at = at.unwrap_or(self.stations.len());
        if at == self.stations.len() {
            self.stations.push(station);
        } else {
            self.stations[at] = station;
        }
        at as u32
    }

    /// Compiles one plan for each operation that is asked for anywhere.
    fn plans<T>(
        &mut self,
        plans: &vecmap::VecMap<String, T>,
        compile: impl Fn(&mut Self, &T, u16, Key),
        name: &str,
    ) -> Vec<Option<u32>> {
        // The seed is not in this key: it reaches a draw through the request's own key.
        let key = Key::root(0).named(name);
        let operations = self.operations.clone();
        let starts = operations.iter().enumerate().map(|(operation, asked)| {
            let (written, plan) = plans
                .get_key_value(asked)
                .or_else(|| plans.get_key_value(ANY))?;
            let start = self.code.len() as u32;
            compile(self, plan, operation as u16, key.named(written));
            self.code.push(Step::End);
            Some(start)
        });
        starts.collect()
    }

    #[expect(clippy::unused_self, reason = "reads as a question to the model")]
    fn index(&self, scenario: &Scenario, name: &str) -> u16 {
        scenario
            .components
            .get_index_of(name)
            .expect("names were checked") as u16
    }

    fn operation(&self, name: &str) -> u16 {
        self.operations
            .iter()
            .position(|o| o == name)
            .expect("operations were collected") as u16
    }

    /// Whether frames and calendars of a run of `other` still mean the same here: everything but numbers is alike.
    pub(crate) fn same_shape(&self, other: &Self) -> bool {
        let step = |(a, b): (&Step, &Step)| match (a, b) {
            (
                Step::Call { to, operation, .. },
                Step::Call {
                    to: b_to,
                    operation: b_operation,
                    ..
                },
            ) => to == b_to && operation == b_operation,
            (a, b) => core::mem::discriminant(a) == core::mem::discriminant(b),
        };
        let component = |(a, b): (&ComponentModel, &ComponentModel)| {
            a.name == b.name && a.kind == b.kind && a.plans == b.plans
        };
        self.operations == other.operations
            && self.components.len() == other.components.len()
            && self.components.iter().zip(&other.components).all(component)
            && self.code.len() == other.code.len()
            && self.code.iter().zip(&other.code).all(step)
    }

    /// When a run of this model ends.
    pub const fn horizon(&self) -> Time {
        self.horizon
    }

    /// When its warm-up ends.
    pub const fn warmup(&self) -> Time {
        self.warmup
    }

    /// The components' names and kinds, in the scenario's order.
    pub fn components(&self) -> impl ExactSizeIterator<Item = (&str, Kind)> {
        self.components.iter().map(|c| (c.name.as_str(), c.kind))
    }

    /// The number of the component called `name`.
    pub fn component_named(&self, name: &str) -> Option<usize> {
        self.components.iter().position(|c| c.name == name)
    }

    /// The stations: their names, their component's number, their servers, and whether requests still come there.
    pub fn stations(&self) -> impl ExactSizeIterator<Item = StationInfo<'_>> {
        self.stations.iter().map(|s| StationInfo {
            name: &s.name,
            component: usize::from(s.component),
            instance: s.instance,
            servers: s.servers,
            queue: s.queue,
            live: s.live,
        })
    }

    /// The name of an operation.
    pub fn operation_name(&self, operation: u16) -> &str {
        &self.operations[usize::from(operation)]
    }
}

/// What there is to know of a station before a run.
#[derive(Clone, Copy, Debug)]
pub struct StationInfo<'a> {
    /// Its name: the component's, with `.1` and so on for the instances of a service.
    pub name: &'a str,
    /// The number of its component.
    pub component: usize,
    /// Which instance of the component it is, from 0.
    pub instance: u32,
    /// Requests that it works on at once.
    pub servers: u32,
    /// Requests that may wait.
    pub queue: u32,
    /// Whether requests still come here.
    pub live: bool,
}

/// The operations that clients and calls ask for, each once, in order of appearance.
fn operations(scenario: &Scenario) -> Result<Vec<String>, Vec<Problem>> {
    let mut all: vecmap::VecSet<&String> = vecmap::VecSet::new();
    for component in scenario.components.values() {
        match component {
            Component::Client(client) => {
                all.insert(&client.operation);
            }
            Component::Service(service) => {
                let steps = service.plans.values().flatten();
                all.extend(steps.filter_map(|step| match step {
                    Instruction::Call(call) => call.operation.as_ref(),
                    Instruction::Work(_) => None,
                }));
            }
            Component::Balancer(_) | Component::Database(_) => {}
        }
    }
    if all.len() as u64 > limits::OPERATIONS {
        let message = format!(
            "{} operations: at most {} are allowed",
            all.len(),
            limits::OPERATIONS
        );
        return Err(vec![Problem::new("components", message)]);
    }
    Ok(all.into_iter().cloned().collect())
}

fn replayed(
    name: &str,
    file: &str,
    format: LogFormat,
    files: &Files,
) -> Result<Arc<[Time]>, Vec<Problem>> {
    let path = format!("components.{name}.client.arrivals.replay.file");
    let Some(text) = files.get(file) else {
        return Err(vec![Problem::new(
            path,
            format!("the file '{file}' was not found beside the scenario"),
        )]);
    };
    let arrivals = replay::read(text, format);
    arrivals.map_err(|fault| vec![Problem::new(path, format!("{file}: {fault}"))])
}
