//! Plans of caches, gateways and the services that ask caches; and which cache stands in front of which database.

use super::{Compiler, index, link};
use crate::cache::{Cache, Mode};
use crate::component::{Cached, Client, Component, Gateway, Instruction, Invalidate, VersionOf};
use crate::distribution::Sampler;
use crate::frame::{Entry, NOBODY, NONE};
use crate::keys::KeySampler;
use crate::model::{CacheModel, CacheStep, GatewayModel, Model, OWN, Site, Step};
use crate::random::Key;
use crate::resilience::Resilience;
use crate::scenario::Scenario;
use crate::time::Duration;

/// Plans by operation, and those by [`Entry`].
pub(super) type Plans = (Vec<Option<u32>>, [u32; Entry::COUNT]);

/// A component without plans of its own kind.
pub(super) const NO_ENTRIES: [u32; Entry::COUNT] = [NONE; Entry::COUNT];

impl Compiler<'_> {
    /// The stations of a cache: one a region.
    pub(super) fn regions(&mut self, cache: &Cache) -> Vec<u32> {
        let regions = (0..cache.regions).map(|region| {
            let name = if cache.regions > 1 {
                format!("{}.{}", self.name, region + 1)
            } else {
                self.name.to_owned()
            };
            self.station(name, region, cache.workers, cache.queue, true)
        });
        regions.collect()
    }

    /// The plans of a cache.
    pub(super) fn cache_plans(&mut self, cache: &Cache) -> Plans {
        let key = Key::root(0).named(self.name);
        let mut entries = NO_ENTRIES;
        let delete = self.look_up(cache, key);
        self.cache_step(CacheStep::Drop);
        self.step(Step::End);
        entries[Entry::Delete as usize] = delete;
        let Some(target) = &cache.target else {
            entries[Entry::Get as usize] = self.look_up(cache, key);
            let look = self.cache_step(CacheStep::Look {
                hit: NONE,
                refresh: NONE,
            });
            self.cache_step(CacheStep::Nothing);
            self.found_at(look);
            self.step(Step::End);
            entries[Entry::Put as usize] = self.look_up(cache, key);
            self.cache_step(CacheStep::Fill);
            self.step(Step::End);
            return (vec![None; self.model.operations.len()], entries);
        };
        let site = self.next_level(target, key);
        entries[Entry::Refresh as usize] = self.step(Step::Call { site });
        self.cache_step(CacheStep::Fill);
        self.step(Step::End);
        entries[Entry::Flush as usize] = self.step(Step::Call { site });
        self.cache_step(CacheStep::Sent);
        self.step(Step::End);
        let read = self.look_up(cache, key);
        self.read_through(cache, site);
        self.step(Step::End);
        let write = self.model.code.len() as u32;
        self.write(cache, site, key);
        self.step(Step::End);
        (
            self.by_operation(|asked| if cache.is_write(asked) { write } else { read }),
            entries,
        )
    }

    /// The plans of a gateway.
    pub(super) fn gateway_plans(&mut self, gateway: &Gateway) -> Plans {
        let key = Key::root(0).named(self.name);
        let mut entries = NO_ENTRIES;
        let site = self.next_level(&gateway.target, key);
        let start = |compiler: &mut Self| {
            let start = compiler.model.code.len() as u32;
            if let Some(work) = &gateway.work {
                compiler.work(Sampler::new(work), key.named("work"));
            }
            start
        };
        let pass = start(self);
        self.step(Step::Call { site });
        self.step(Step::End);
        let Some(cache) = &gateway.cache else {
            return (self.by_operation(|_| pass), entries);
        };
        entries[Entry::Refresh as usize] = self.step(Step::Call { site });
        self.cache_step(CacheStep::Fill);
        self.step(Step::End);
        let read = start(self);
        self.look_up(cache, key);
        self.read_through(cache, site);
        self.step(Step::End);
        let write = start(self);
        self.step(Step::Call { site });
        self.cache_step(CacheStep::Drop);
        self.step(Step::End);
        let plans = self.by_operation(|asked| match asked {
            _ if cache.is_write(asked) => write,
            _ if gateway.keeps(asked) => read,
            _ => pass,
        });
        (plans, entries)
    }

    /// Asking a cache in a service's plan.
    pub(super) fn cached(&mut self, cached: &Cached, operation: u16, key: Key) {
        let outer = self.versioned;
        if let Some(version) = &cached.version {
            if let VersionOf::Call(call) = version {
                let key = key.named("version");
                let site = self.site(call, operation, key);
                self.step(Step::Call { site });
                if let Some(fallback) = &call.fallback {
                    self.fallback(site, fallback, operation, key);
                }
            }
            self.cache_step(CacheStep::Know);
            self.versioned = true;
        }
        let get = self.ask_cache(
            &cached.cache,
            Entry::Get,
            &cached.resilience,
            key.named("get"),
        );
        self.step(Step::Call { site: get });
        let found = self.cache_step(CacheStep::Found { found: NONE });
        self.model.sites[get as usize].fallback = found + 1;
        let cache = index(self.scenario, &cached.cache);
        let single = matches!(&self.scenario.components[&cached.cache],
            Component::Cache(cache) if cache.single_flight);
        let join = single.then(|| {
            self.cache_step(CacheStep::Join {
                cache,
                landed: NONE,
            })
        });
        self.plan(&cached.miss, operation, key.named("miss"));
        let put = self.ask_cache(
            &cached.cache,
            Entry::Put,
            &Resilience::default(),
            key.named("put"),
        );
        self.step(Step::Spawn { site: put });
        if single {
            self.cache_step(CacheStep::Land { cache });
        }
        self.found_at(found);
        if let Some(join) = join {
            self.found_at(join);
        }
        if cached.version.is_some() {
            self.cache_step(CacheStep::Unknow);
            self.versioned = outer;
        }
    }

    /// Dropping a key in a service's plan.
    pub(super) fn invalidate(&mut self, invalidate: &Invalidate, key: Key) {
        let resilience = &invalidate.resilience;
        let site = self.ask_cache(&invalidate.cache, Entry::Delete, resilience, key);
        let step = self.step(Step::Call { site });
        self.model.sites[site as usize].fallback = step + 1;
    }

    /// What a cache is, for the engine.
    pub(super) fn cache_model(&self, cache: &Cache) -> Box<CacheModel> {
        let (home, warm) = (home(self.scenario, self.name), cache.warm.as_ref());
        Box::new(CacheModel {
            eviction: cache.eviction,
            capacity: cache.capacity(),
            lifetimes: cache.lifetimes(),
            private: cache.private,
            value_bytes: cache.value_bytes,
            told_after: cache
                .invalidation
                .as_ref()
                .map(|told| Duration::from_millis(told.delay_ms)),
            flush: match cache.mode {
                Mode::WriteBehind {
                    flush_interval_ms,
                    batch,
                } => Some((Duration::from_millis(flush_interval_ms), batch)),
                _ => None,
            },
            max_dirty: cache.max_dirty(),
            warm: warm.map_or_else(Vec::new, |warm| {
                hottest(self.scenario, self.name, warm.keys as usize)
            }),
            home: home.map_or(NOBODY, |name| index(self.scenario, name)),
            key: Key::root(self.model.seed).named(self.name).named("warm"),
        })
    }

    /// A read at the cache's own station: what is missing is fetched by the call at `site`.
    fn read_through(&mut self, cache: &Cache, site: u32) {
        let refresh = if cache.refresh_ahead.is_some() {
            let own = index(self.scenario, self.name);
            self.push_site(
                own,
                Entry::Refresh,
                NONE,
                Key::root(0).named(self.name).named("refresh"),
            )
        } else {
            NONE
        };
        let look = self.cache_step(CacheStep::Look { hit: NONE, refresh });
        let own = index(self.scenario, self.name);
        let join = cache.single_flight.then(|| {
            self.cache_step(CacheStep::Join {
                cache: own,
                landed: NONE,
            })
        });
        self.step(Step::Call { site });
        self.cache_step(CacheStep::Fill);
        if let Some(join) = join {
            self.cache_step(CacheStep::Land { cache: own });
            self.found_at(join);
        }
        self.found_at(look);
    }

    /// A write at a cache.
    fn write(&mut self, cache: &Cache, site: u32, key: Key) {
        match cache.mode {
            Mode::CacheAside | Mode::WriteAround => {
                self.step(Step::Call { site });
            }
            Mode::ReadThrough => {
                self.look_up(cache, key);
                self.step(Step::Call { site });
                self.cache_step(CacheStep::Drop);
            }
            Mode::WriteThrough => {
                self.look_up(cache, key);
                self.step(Step::Call { site });
                self.cache_step(CacheStep::Fill);
            }
            Mode::WriteBehind { .. } => {
                self.look_up(cache, key);
                let behind = self.cache_step(CacheStep::Behind { full: NONE });
                let over = self.step(Step::End);
                self.found_at(behind);
                self.step(Step::Call { site });
                self.cache_step(CacheStep::Fill);
                let end = self.model.code.len() as u32;
                self.model.code[over as usize] = Step::Goto { step: end };
            }
        }
    }

    /// The call to the next level, for any operation.
    fn next_level(&mut self, target: &str, key: Key) -> u32 {
        let wire = link(self.scenario, self.name, target);
        self.push_site(
            index(self.scenario, target),
            Entry::Operation,
            wire,
            key.named("next"),
        )
    }

    /// The call to a cache.
    fn ask_cache(&mut self, cache: &str, entry: Entry, resilience: &Resilience, key: Key) -> u32 {
        let guard = self.guard(resilience);
        let wire = link(self.scenario, self.name, cache);
        let site = self.push_site(index(self.scenario, cache), entry, wire, key);
        let versioned = self.versioned && entry != Entry::Delete;
        let made = &mut self.model.sites[site as usize];
        (made.guard, made.versioned) = (guard, versioned);
        site
    }

    pub(super) fn push_site(&mut self, to: u16, entry: Entry, link: u32, key: Key) -> u32 {
        let name = self.scenario.components.get_index(usize::from(to));
        let approach = name.map_or(NONE, |(name, _)| self.approach(name));
        self.model.sites.push(Site {
            to,
            operation: OWN,
            entry,
            key: key.bits(),
            times: 1,
            fallback: NONE,
            link,
            bytes: 0,
            versioned: false,
            guard: None,
            approach,
        });
        self.model.sites.len() as u32 - 1
    }

    fn by_operation(&self, plan: impl Fn(&str) -> u32) -> Vec<Option<u32>> {
        let asked = self.model.operations.iter();
        asked.map(|asked| Some(plan(asked))).collect()
    }

    /// Looking a key up takes its time. Gives the place where that starts.
    fn look_up(&mut self, cache: &Cache, key: Key) -> u32 {
        let start = self.model.code.len() as u32;
        if cache.lookup.mean_ms() > 0.0 {
            self.work(Sampler::new(&cache.lookup), key.named("lookup"));
        } else {
            // A place of its own, so that numbers may change in a run.
            self.work(Sampler::Constant(Duration::ZERO), key.named("lookup"));
        }
        start
    }

    fn work(&mut self, time: Sampler, key: Key) {
        self.step(Step::Work {
            time,
            key: key.bits(),
        });
    }

    fn cache_step(&mut self, step: CacheStep) -> u32 {
        self.step(Step::Cache(step))
    }

    /// The step at `at` goes on here if it finds what it looks for.
    fn found_at(&mut self, at: u32) {
        let here = self.model.code.len() as u32;
        if let Step::Cache(
            CacheStep::Look { hit: on, .. }
            | CacheStep::Found { found: on }
            | CacheStep::Join { landed: on, .. }
            | CacheStep::Behind { full: on },
        ) = &mut self.model.code[at as usize]
        {
            *on = here;
        }
    }
}

/// What a gateway is, for the engine.
pub(super) fn gateway_model(gateway: &Gateway) -> GatewayModel {
    GatewayModel {
        rate_limit: gateway.rate_limit.clone(),
        limit_by: gateway.limit_by,
        concurrency: gateway.concurrency.clone(),
    }
}

/// Notes at each database the caches that are told of its writes.
pub(super) fn tell_caches(model: &mut Model, scenario: &Scenario) {
    for (name, component) in &scenario.components {
        let cache = match component {
            Component::Cache(cache) => Some(&**cache),
            Component::Gateway(gateway) => gateway.cache.as_deref(),
            _ => None,
        };
        if cache.is_some_and(|cache| cache.invalidation.is_some()) {
            for database in databases(scenario, name) {
                let told = &mut model.components[usize::from(index(scenario, database))].told;
                told.push(index(scenario, name));
            }
        }
    }
}

/// Whether anything keeps rows, so that it matters which version of a row a database has read.
pub(super) fn keeps_rows(scenario: &Scenario) -> bool {
    scenario.components.values().any(|component| {
        matches!(component, Component::Cache(_))
            || matches!(component, Component::Gateway(gateway) if gateway.cache.is_some())
    })
}

/// The database that a cache stands in front of; the first if there are several.
fn home<'a>(scenario: &'a Scenario, cache: &'a str) -> Option<&'a str> {
    databases(scenario, cache).into_iter().next()
}

/// The databases that a cache stands in front of: those that it, or a service which asks it, gets to.
fn databases<'a>(scenario: &'a Scenario, cache: &'a str) -> Vec<&'a str> {
    let mut all = vecmap::VecSet::new();
    reach(scenario, cache, &mut all);
    for (name, component) in &scenario.components {
        if let Component::Service(service) = component {
            let asks = service.plans.values().any(|plan| asks(plan, cache));
            if asks {
                reach(scenario, name, &mut all);
            }
        }
    }
    let is_database = |name: &&str| matches!(scenario.components[*name], Component::Database(_));
    all.into_iter().filter(is_database).collect()
}

/// Whether a plan asks `cache`.
fn asks(plan: &[Instruction], cache: &str) -> bool {
    plan.iter().any(|step| match step {
        Instruction::Cached(cached) => cached.cache == cache || asks(&cached.miss, cache),
        Instruction::Call(call) => call.fallback.as_ref().is_some_and(|plan| asks(plan, cache)),
        _ => false,
    })
}

/// The most popular keys of the first client whose requests get to `cache`.
fn hottest(scenario: &Scenario, cache: &str, count: usize) -> Vec<u64> {
    let gets_there = |name: &str| {
        let mut all = vecmap::VecSet::new();
        reach(scenario, name, &mut all);
        all.contains(&cache)
    };
    let mut clients = scenario.components.iter().filter_map(|(name, component)| {
        let Component::Client(Client {
            keys: Some(keys), ..
        }) = component
        else {
            return None;
        };
        gets_there(name).then_some(keys)
    });
    let Some(keys) = clients.next() else {
        return vec![0];
    };
    KeySampler::new(keys).hottest().take(count).collect()
}

/// Notes all that calls from `name` get to, `name` itself first.
fn reach<'a>(scenario: &'a Scenario, name: &'a str, all: &mut vecmap::VecSet<&'a str>) {
    if !all.insert(name) {
        return;
    }
    match &scenario.components[name] {
        Component::Client(client) => reach(scenario, &client.target, all),
        Component::Balancer(balancer) => {
            for target in &balancer.targets {
                reach(scenario, target, all);
            }
        }
        Component::Service(service) => {
            for plan in service.plans.values() {
                reach_by(scenario, plan, all);
            }
        }
        Component::Database(database) => {
            if let Some(outbox) = &database.outbox {
                reach(scenario, &outbox.to, all);
            }
        }
        Component::Queue(queue) => {
            for to in queue.called() {
                reach(scenario, to, all);
            }
        }
        Component::Topic(topic) => {
            for to in topic.called() {
                reach(scenario, to, all);
            }
        }
        // What a view follows, those who ask it do not get to.
        Component::EventStore(_) | Component::View(_) => {}
        Component::Cache(cache) => {
            if let Some(target) = &cache.target {
                reach(scenario, target, all);
            }
        }
        Component::Gateway(gateway) => reach(scenario, &gateway.target, all),
        Component::Shards(shards) => {
            for target in shards.all_targets() {
                reach(scenario, target, all);
            }
        }
    }
}

fn reach_by<'a>(
    scenario: &'a Scenario,
    plan: &'a [Instruction],
    all: &mut vecmap::VecSet<&'a str>,
) {
    for instruction in plan {
        match instruction {
            Instruction::Work(_)
            | Instruction::Reply(_)
            | Instruction::Invalidate(_)
            | Instruction::End
            | Instruction::Fail => {}
            Instruction::Saga(saga) => {
                for call in saga.calls() {
                    reach(scenario, &call.to, all);
                }
            }
            Instruction::Transaction(transaction) => {
                for call in &transaction.branches {
                    reach(scenario, &call.to, all);
                }
            }
            Instruction::Call(call) => {
                reach(scenario, &call.to, all);
                if let Some(fallback) = &call.fallback {
                    reach_by(scenario, fallback, all);
                }
            }
            Instruction::Parallel(parallel) => {
                for call in &parallel.calls {
                    reach(scenario, &call.to, all);
                }
            }
            Instruction::Cached(cached) => {
                if let Some(VersionOf::Call(call)) = &cached.version {
                    reach(scenario, &call.to, all);
                    reach_by(scenario, call.fallback.as_deref().unwrap_or_default(), all);
                }
                reach(scenario, &cached.cache, all);
                reach_by(scenario, &cached.miss, all);
            }
        }
    }
}
