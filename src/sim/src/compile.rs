//! From a scenario to a model: names become numbers, plans become flat lists of steps.

mod caches;
mod databases;
mod invariants;
mod messages;
mod shards;
mod sourcing;
mod workflows;

use std::sync::Arc;

use crate::arrivals::Arriving;
use crate::balance::{Balancing, Seat};
use crate::component::{
    ANY, Asking, Call, Component, Discipline, Instruction, LogFormat, PRIORITIES, Service,
    VersionOf,
};
use crate::distribution::Sampler;
use crate::fault::{Place, Trouble};
use crate::frame::{self, Entry, NOBODY, NONE};
use crate::limits;
use crate::model::{
    ClientModel, ComponentModel, Effect, FaultModel, FaultTimes, Files, Guard, HealthModel, Lines,
    Model, NO_KEY, Role, SessionsModel, Site, StationModel, Step,
};
use crate::problem::Problem;
use crate::random::Key;
use crate::replay;
use crate::resilience::Resilience;
use crate::scenario::Scenario;
use crate::sessions::LostSession;
use crate::time::{Duration, Time};
use crate::wire::Wire;

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
            sites: Vec::new(),
            guards: 0,
            wires: scenario.links.iter().map(Wire::new).collect(),
            faults: faults(scenario),
            invariants: invariants::invariants(scenario),
            statements: Vec::new(),
            approaches: Vec::new(),
            workflows: Vec::new(),
            streams: Vec::new(),
            logs: sourcing::logs(scenario),
            zones: scenario.zones,
        };
        for station in &mut model.stations {
            station.live = false;
        }
        for (name, component) in &scenario.components {
            let compiled = Compiler {
                model: &mut model,
                scenario,
                name,
                versioned: false,
            }
            .component(files, component)?;
            model.components.push(compiled);
        }
        caches::tell_caches(&mut model, scenario);
        shards::tell_databases(&mut model);
        for (number, log) in (0..).zip(&model.logs) {
            let source = &mut model.components[usize::from(log.source)];
            if source.database.is_some() {
                source.feeds.push(number);
            }
        }
        // Balancers come last: their targets' stations must have numbers.
        for (at, component) in scenario.components.values().enumerate() {
            if let Component::Balancer(balancer) = component {
                let mut seats = Vec::new();
                for name in &balancer.targets {
                    let target = usize::from(index(scenario, name));
                    let backup = balancer.backups.contains(name);
                    for number in &model.components[target].stations {
                        let station = &model.stations[*number as usize];
                        let weight = balancer.weight(name, station.instance);
                        seats.push(Seat::new(*number, &station.name, weight).as_backup(backup));
                    }
                }
                model.components[at].stations = seats.iter().map(|seat| seat.station).collect();
                let rules = balancer.rules(scenario);
                model.components[at].role = Role::Balancer(Balancing { rules, seats });
                let names = scenario.components.keys();
                let links = names.map(|to| {
                    link(
                        scenario,
                        scenario
                            .components
                            .get_index(at)
                            .map_or("", |(name, _)| name),
                        to,
                    )
                });
                model.components[at].links = links.collect();
            }
        }
        databases::check_pools(&model, scenario)?;
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
}

/// The number of the component called `name`.
fn index(scenario: &Scenario, name: &str) -> u16 {
    scenario
        .components
        .get_index_of(name)
        .expect("names were checked") as u16
}

/// The number of the link between two components, or [`NONE`].
fn link(scenario: &Scenario, from: &str, to: &str) -> u32 {
    let links = &scenario.links;
    let at = links.iter().position(|l| l.from == from && l.to == to);
    at.map_or(NONE, |at| at as u32)
}

fn faults(scenario: &Scenario) -> Vec<FaultModel> {
    let compiled = scenario.faults.iter().enumerate().map(|(at, fault)| {
        let place = |place: &Place| (index(scenario, &place.component), place.instance, None);
        let on = |name: &str, instance| (index(scenario, name), instance, None);
        let nowhere = (NOBODY, None, None);
        let (effect, (component, instance, zone)) = match &fault.what {
            Trouble::Crash(at) => (Effect::Crash, place(at)),
            Trouble::MissedHealthChecks(at) => (Effect::Deaf, place(at)),
            Trouble::CacheFlush(at) => (Effect::Flush, place(at)),
            Trouble::DiskFull(at) => (Effect::DiskFull, place(at)),
            Trouble::ReplicaLag(at) => (Effect::ReplicaLag, place(at)),
            Trouble::Slow(slow) => {
                let factor = slow.factor;
                (Effect::Slow { factor }, on(&slow.component, slow.instance))
            }
            Trouble::Errors(errors) => {
                let share = errors.share;
                let at = on(&errors.component, errors.instance);
                (Effect::Errors { share }, at)
            }
            Trouble::ReducedCapacity(reduced) => {
                let servers = reduced.servers;
                let at = on(&reduced.component, reduced.instance);
                (Effect::Reduced { servers }, at)
            }
            Trouble::Partition(between) => {
                let link = link(scenario, &between.from, &between.to);
                (Effect::Partition { link }, nowhere)
            }
            Trouble::PacketLoss(lossy) => {
                let link = link(scenario, &lossy.from, &lossy.to);
                let loss = lossy.loss;
                (Effect::Loss { link, loss }, nowhere)
            }
            Trouble::ZoneOutage(zone) => (Effect::Crash, (NOBODY, None, Some(zone.zone - 1))),
            Trouble::TrafficSpike(spike) => {
                let client = index(scenario, &spike.client);
                let factor = spike.factor;
                (Effect::Spike { client, factor }, nowhere)
            }
        };
        let lasts = fault.for_s.map(Duration::from_secs);
        let times = match (fault.random, fault.after_events) {
            (Some(random), _) => FaultTimes::Random {
                mean_up_s: random.mean_up_s,
                mean_down_s: random.mean_down_s,
                key: Key::root(scenario.seed).named("fault").with(at as u64),
            },
            (None, Some(events)) => FaultTimes::After { events, lasts },
            (None, None) => FaultTimes::Once {
                at: Time::from_secs(fault.at_s.unwrap_or(0.0)),
                lasts,
            },
        };
        FaultModel {
            effect,
            component,
            instance: instance.map(|number| number - 1),
            zone,
            times,
        }
    });
    compiled.collect()
}

/// Compiles one component.
struct Compiler<'a> {
    model: &'a mut Model,
    scenario: &'a Scenario,
    /// The component's name.
    name: &'a str,
    /// Whether the caches that are asked here have a version in their keys.
    versioned: bool,
}

impl Compiler<'_> {
    #[expect(clippy::too_many_lines, reason = "one arm a kind of component")]
    fn component(
        mut self,
        files: &Files,
        component: &Component,
    ) -> Result<ComponentModel, Vec<Problem>> {
        let key = Key::root(self.model.seed).named(self.name);
        let mut stations = Vec::new();
        let mut plans = Vec::new();
        let mut lines = Lines::one();
        let mut health = None;
        let mut entries = caches::NO_ENTRIES;
        let (mut cache_model, mut gateway_model, mut rows) = (None, None, u64::MAX);
        let (mut database_model, mut shards_model) = (None, None);
        let mut broker_model = None;
        let (mut event_store, mut view_model) = (None, None);
        let role = match component {
            Component::Client(client) => {
                let first = self.model.sites.len() as u32;
                // One guard for all operations of the client.
                let guard = self.guard(&client.resilience);
                for operation in client.operations() {
                    let site = Site {
                        to: index(self.scenario, &client.target),
                        operation: self.operation(operation),
                        entry: Entry::Operation,
                        key: NO_KEY,
                        times: 1,
                        fallback: NONE,
                        link: link(self.scenario, self.name, &client.target),
                        approach: self.approach(&client.target),
                        bytes: 0,
                        versioned: false,
                        guard: guard.clone(),
                    };
                    self.model.sites.push(site);
                }
                Role::Client(ClientModel {
                    site: first,
                    asking: Asking::new(client),
                    priority: client.line(),
                    arrivals: Arriving::new(&client.arrivals, |file, format| {
                        replayed(self.name, file, format, files)
                    })?,
                    deadline: client
                        .deadline_ms
                        .map_or(Duration::MAX, Duration::from_millis),
                    arrival_key: key.named("arrival"),
                    request_key: key.named("request"),
                })
            }
            Component::Balancer(balancer) => {
                health = balancer.health_check.as_ref().map(|check| HealthModel {
                    interval: Duration::from_secs(check.interval_s),
                    timeout: Duration::from_millis(check.timeout_ms),
                    operation: self.operation(&check.operation),
                });
                Role::Balancer(Balancing {
                    rules: balancer.rules(self.scenario),
                    seats: Vec::new(),
                })
            }
            Component::Service(service) => {
                for instance in 0..service.most_instances() {
                    let number = format!("{}.{}", self.name, instance + 1);
                    let starts = instance < service.instances;
                    let (workers, queue) = (service.workers, service.queue);
                    stations.push(self.station(number, instance, workers, queue, starts));
                }
                lines = self.lines(service).shedding(&service.shedding);
                plans = self.plans(&service.plans, |compiler, plan, operation, key| {
                    if service.sessions.is_some() {
                        let key = key.named("session").bits();
                        compiler.step(Step::Session { key });
                    }
                    compiler.plan(plan, operation, key);
                });
                Role::Station
            }
            Component::Database(database) => {
                lines = lines.shedding(&database.shedding);
                rows = database.rows.unwrap_or(u64::MAX);
                stations = self.nodes(database);
                (plans, database_model) = self.statements(database);
                if let Some(database) = &database_model {
                    for (entry, start) in self.copy_plans(&database.of_operation) {
                        entries[entry as usize] = start;
                    }
                }
                entries[Entry::Decide as usize] = self.decision();
                Role::Station
            }
            Component::Cache(cache) => {
                stations = self.regions(cache);
                (plans, entries) = self.cache_plans(cache);
                cache_model = Some(self.cache_model(cache));
                Role::Station
            }
            Component::Gateway(gateway) => {
                let (workers, queue) = (gateway.workers, gateway.queue);
                stations.push(self.station(self.name.to_owned(), 0, workers, queue, true));
                (plans, entries) = self.gateway_plans(gateway);
                cache_model = gateway.cache.as_ref().map(|cache| self.cache_model(cache));
                gateway_model = Some(Box::new(caches::gateway_model(gateway)));
                Role::Station
            }
            Component::Shards(shards) => {
                let (workers, queue) = (shards.workers, shards.queue);
                stations.push(self.station(self.name.to_owned(), 0, workers, queue, true));
                (plans, entries) = self.shards_plans(shards);
                shards_model = Some(Box::new(self.shards_model(shards)));
                Role::Station
            }
            Component::Queue(queue) => {
                let (workers, room) = (queue.workers, queue.queue);
                stations.push(self.station(self.name.to_owned(), 0, workers, room, true));
                plans = self.publishing(queue.publish.as_ref());
                broker_model = Some(Box::new(self.queue(queue)));
                Role::Station
            }
            Component::Topic(topic) => {
                let (workers, room) = (topic.workers, topic.queue);
                stations.push(self.station(self.name.to_owned(), 0, workers, room, true));
                plans = self.publishing(topic.publish.as_ref());
                broker_model = Some(Box::new(self.topic(topic)));
                Role::Station
            }
            Component::EventStore(store) => {
                let (connections, queue) = (store.connections, store.queue);
                lines = lines.shedding(&store.shedding);
                stations.push(self.station(self.name.to_owned(), 0, connections, queue, true));
                let (operations, compiled) = self.event_store(store);
                (plans, event_store) = (operations, Some(compiled));
                Role::Station
            }
            Component::View(view) => {
                let (connections, queue) = (view.connections, view.queue);
                lines = lines.shedding(&view.shedding);
                stations.push(self.station(self.name.to_owned(), 0, connections, queue, true));
                let (queries, compiled) = self.view(view);
                (plans, view_model) = (queries, Some(compiled));
                Role::Station
            }
        };
        let (autoscale, sessions) = match component {
            Component::Service(service) => {
                let sessions = service.sessions.as_ref().map(|sessions| SessionsModel {
                    capacity: sessions.capacity,
                    rebuild: match &sessions.lost {
                        LostSession::Rebuild(time) => Some(Sampler::new(time)),
                        LostSession::Fail => None,
                    },
                });
                (service.autoscale.clone(), sessions)
            }
            _ => (None, None),
        };
        Ok(ComponentModel {
            name: self.name.to_owned(),
            kind: component.kind(),
            role,
            stations,
            plans,
            lines,
            autoscale,
            sessions,
            links: Vec::new(),
            health,
            entries,
            cache: cache_model,
            gateway: gateway_model,
            shards: shards_model,
            shard_of: None,
            rows,
            told: Vec::new(),
            database: database_model,
            broker: broker_model,
            feeds: Vec::new(),
            event_store,
            view: view_model,
        })
    }

    /// Gives an instance its station: the one of that name if there is one, else a new one.
    fn station(
        &mut self,
        name: String,
        instance: u32,
        servers: u32,
        queue: u32,
        starts: bool,
    ) -> u32 {
        let station = StationModel {
            component: self.model.components.len() as u16,
            name,
            instance,
            servers,
            queue,
            live: true,
            starts,
        };
        let known = self.model.stations.iter();
        let at = known.clone().position(|s| s.name == station.name);
        let at = at.unwrap_or(known.len());
        if at == self.model.stations.len() {
            self.model.stations.push(station);
        } else {
            self.model.stations[at] = station;
        }
        at as u32
    }

    /// The waiting lines of a service's instances.
    fn lines(&self, service: &Service) -> Lines {
        let most = match service.discipline {
            Discipline::Priority => vec![u32::MAX; usize::from(PRIORITIES)],
            Discipline::Fifo | Discipline::Lifo => core::iter::once(u32::MAX)
                .chain(service.bulkheads.values().copied())
                .collect(),
        };
        let line = |operation| {
            let bulkhead = service.bulkheads.get_index_of(operation);
            bulkhead.map_or(0, |at| at as u16 + 1)
        };
        Lines {
            discipline: service.discipline,
            most,
            of_operation: if service.bulkheads.is_empty() {
                Vec::new()
            } else {
                self.model.operations.iter().map(line).collect()
            },
            ..Lines::default()
        }
    }

    /// Compiles one plan for each operation that is asked for anywhere.
    fn plans<T>(
        &mut self,
        plans: &vecmap::VecMap<String, T>,
        compile: impl Fn(&mut Self, &T, u16, Key),
    ) -> Vec<Option<u32>> {
        // The seed is not in this key: it reaches a draw through the request's own key.
        let key = Key::root(0).named(self.name);
        let operations = self.model.operations.clone();
        let starts = operations.iter().enumerate().map(|(operation, asked)| {
            let (written, plan) = plans
                .get_key_value(asked)
                .or_else(|| plans.get_key_value(ANY))?;
            let start = self.model.code.len() as u32;
            compile(self, plan, operation as u16, key.named(written));
            self.step(Step::End);
            Some(start)
        });
        starts.collect()
    }

    /// Compiles the steps of a plan.
    fn plan(&mut self, plan: &[Instruction], operation: u16, key: Key) {
        for (i, instruction) in plan.iter().enumerate() {
            let key = key.with(i as u64);
            match instruction {
                Instruction::Work(time) => {
                    self.step(Step::Work {
                        time: Sampler::new(time),
                        key: key.bits(),
                    });
                }
                Instruction::Reply(payload) => {
                    let time = payload.compress_time();
                    if time > Duration::ZERO {
                        self.step(Step::Work {
                            time: Sampler::Constant(time),
                            key: key.bits(),
                        });
                    }
                    self.step(Step::Reply {
                        bytes: frame::bytes(payload.compressed_bytes()),
                        unpack: payload.decompress_time(),
                    });
                }
                Instruction::Call(call) => {
                    let site = self.site(call, operation, key);
                    self.step(if call.asynchronous {
                        Step::Spawn { site }
                    } else {
                        Step::Call { site }
                    });
                    if let Some(fallback) = &call.fallback {
                        self.fallback(site, fallback, operation, key);
                    }
                }
                Instruction::Cached(cached) => self.cached(cached, operation, key),
                Instruction::Invalidate(invalidate) => self.invalidate(invalidate, key),
                Instruction::Saga(saga) => self.saga(saga, operation, key),
                Instruction::Transaction(transaction) => {
                    self.transaction(transaction, operation, key);
                }
                Instruction::End => {
                    self.step(Step::End);
                }
                Instruction::Fail => {
                    self.step(Step::Fail);
                }
                Instruction::Parallel(parallel) => {
                    let first = self.model.sites.len() as u32;
                    for (i, call) in parallel.calls.iter().enumerate() {
                        self.site(call, operation, key.with(i as u64));
                    }
                    self.step(Step::Parallel {
                        first,
                        count: parallel.calls.len() as u32,
                        need: parallel.need.unwrap_or(parallel.width() as u32),
                    });
                }
            }
        }
    }

    /// What is done instead of a failed call stands behind it, and is jumped over if the call goes well.
    fn fallback(&mut self, site: u32, plan: &[Instruction], operation: u16, key: Key) {
        let over = self.step(Step::End);
        self.model.sites[site as usize].fallback = over + 1;
        self.plan(plan, operation, key.named("fallback"));
        let end = self.model.code.len() as u32;
        self.model.code[over as usize] = Step::Goto { step: end };
    }

    fn step(&mut self, step: Step) -> u32 {
        self.model.code.push(step);
        self.model.code.len() as u32 - 1
    }

    fn site(&mut self, call: &Call, operation: u16, key: Key) -> u32 {
        let site = Site {
            to: index(self.scenario, &call.to),
            operation: call
                .operation
                .as_deref()
                .map_or(operation, |name| self.operation(name)),
            entry: Entry::Operation,
            key: key.bits(),
            times: call.times,
            fallback: NONE,
            link: link(self.scenario, self.name, &call.to),
            approach: self.approach(&call.to),
            bytes: frame::bytes(call.bytes),
            versioned: false,
            guard: self.guard(&call.resilience),
        };
        self.model.sites.push(site);
        self.model.sites.len() as u32 - 1
    }

    fn guard(&mut self, resilience: &Resilience) -> Option<Guard> {
        if resilience.is_empty() {
            return None;
        }
        self.model.guards += 1;
        let hedge = resilience.hedge.as_ref();
        Some(Guard {
            number: self.model.guards - 1,
            caller: index(self.scenario, self.name),
            timeout: resilience.timeout_ms.map(Duration::from_millis),
            retry: resilience.retry.clone(),
            hedge: hedge.map(|h| (Duration::from_millis(h.after_ms), h.at_most)),
            breaker: resilience.breaker.clone(),
        })
    }

    fn operation(&self, name: &str) -> u16 {
        let known = self.model.operations.iter().position(|o| o == name);
        known.expect("operations were collected") as u16
    }
}

/// The operations that clients and calls ask for, each once, in order of appearance.
fn operations(scenario: &Scenario) -> Result<Vec<String>, Vec<Problem>> {
    let mut all: vecmap::VecSet<&str> = vecmap::VecSet::new();
    for component in scenario.components.values() {
        match component {
            Component::Client(client) => all.extend(client.operations()),
            Component::Service(service) => {
                for plan in service.plans.values() {
                    asked_by(plan, &mut all);
                }
            }
            Component::Balancer(balancer) => {
                all.extend(
                    balancer
                        .health_check
                        .as_ref()
                        .map(|check| check.operation.as_str()),
                );
            }
            Component::Database(database) => {
                let outbox = database.outbox.as_ref();
                all.extend(outbox.and_then(|outbox| outbox.operation.as_deref()));
            }
            Component::Queue(queue) => all.extend(queue.operation.as_deref()),
            Component::Topic(topic) => {
                let groups = topic.subscriptions.values();
                all.extend(groups.filter_map(|group| group.operation.as_deref()));
            }
            Component::Cache(_)
            | Component::Gateway(_)
            | Component::Shards(_)
            | Component::EventStore(_)
            | Component::View(_) => {}
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
    Ok(all.into_iter().map(str::to_owned).collect())
}

fn asked_by<'a>(plan: &'a [Instruction], all: &mut vecmap::VecSet<&'a str>) {
    for instruction in plan {
        if let Instruction::Cached(cached) = instruction {
            if let Some(VersionOf::Call(call)) = &cached.version {
                all.extend(call.operation.as_deref());
                asked_by(call.fallback.as_deref().unwrap_or_default(), all);
            }
            asked_by(&cached.miss, all);
        }
        if let Instruction::Saga(saga) = instruction {
            all.extend(saga.calls().filter_map(|call| call.operation.as_deref()));
        }
        for call in instruction.calls() {
            all.extend(call.operation.as_deref());
            if let Some(fallback) = &call.fallback {
                asked_by(fallback, all);
            }
        }
    }
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
