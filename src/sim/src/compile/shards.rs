//! Plans of routers in front of shards, and of the copies that their databases make.

use super::caches::{NO_ENTRIES, Plans};
use super::{Compiler, index, link};
use crate::component::{Component, Reshard, Shards, no_bound};
use crate::distribution::Sampler;
use crate::frame::{Entry, NONE};
use crate::keys::Keys;
use crate::model::{Act, Model, ReshardModel, ScatterModel, ShardStep, ShardsModel, Step};
use crate::random::Key;
use crate::scenario::Scenario;
use crate::shard::{Handover, Partitioning, Placement};
use crate::time::{Duration, Time};

impl Compiler<'_> {
    /// The plans of a router.
    pub(super) fn shards_plans(&mut self, shards: &Shards) -> Plans {
        let key = Key::root(0).named(self.name);
        let mut entries = NO_ENTRIES;
        // What a shard draws for a request does not depend on which one it is.
        let ask = self.sites_of(shards, Entry::Operation, |_| key.named("next"));
        let start = |compiler: &mut Self| {
            let start = compiler.model.code.len() as u32;
            if let Some(work) = &shards.work {
                compiler.step(Step::Work {
                    time: Sampler::new(work),
                    key: key.named("work").bits(),
                });
            }
            start
        };
        let one = start(self);
        self.shard_step(ShardStep::Ask { first: ask });
        if shards.reshard.is_some() {
            let fetch = self.sites_of(shards, Entry::Fetch, |_| key.named("fetch"));
            let send = self.sites_of(shards, Entry::Send, |_| key.named("send"));
            self.shard_step(ShardStep::Again { first: ask });
            self.shard_step(ShardStep::Forward { first: send });
            self.step(Step::End);
            entries[Entry::Move as usize] = self.shard_step(ShardStep::Fetch { first: fetch });
            self.shard_step(ShardStep::Send { first: send });
            self.shard_step(ShardStep::Arrived);
        }
        self.step(Step::End);
        let all = if shards.scatter.is_empty() {
            one
        } else {
            let each = self.sites_of(shards, Entry::Operation, |at| key.named("all").with(at));
            let all = start(self);
            self.shard_step(ShardStep::Scatter { first: each });
            self.step(Step::End);
            all
        };
        let asked = self.model.operations.iter();
        let plan = |asked: &String| match shards.scattered(asked) {
            Some(_) => all,
            None => one,
        };
        (asked.map(|asked| Some(plan(asked))).collect(), entries)
    }

    /// A call to each shard, one after the other. Gives the first.
    fn sites_of(&mut self, shards: &Shards, entry: Entry, key: impl Fn(u64) -> Key) -> u32 {
        let first = self.model.sites.len() as u32;
        for (at, target) in (0..).zip(shards.all_targets()) {
            let wire = link(self.scenario, self.name, target);
            self.push_site(index(self.scenario, target), entry, wire, key(at));
        }
        first
    }

    fn shard_step(&mut self, step: ShardStep) -> u32 {
        self.step(Step::Shard(step))
    }

    /// What a router is, for the engine.
    pub(super) fn shards_model(&mut self, shards: &Shards) -> ShardsModel {
        let all = shards.all_targets();
        let rule = |partitioning: &Partitioning, names: &[String], before: Option<&Placement>| {
            let number = |name: &String| {
                let at = all.iter().position(|own| own == name);
                (name.clone(), at.unwrap_or(0) as u16)
            };
            let numbered: Vec<(String, u16)> = names.iter().map(number).collect();
            Placement::new(partitioning, &numbered, before)
        };
        let mover = shards.reshard.as_ref().map_or(NONE, |reshard| {
            let name = format!("{}.mover", self.name);
            self.station(name, 1, reshard.copiers, no_bound(), true)
        });
        let before = rule(&shards.partitioning, &shards.targets, None);
        let reshard = shards.reshard.as_ref().map(|reshard| {
            let partitioning = reshard.partitioning.as_ref();
            let partitioning = partitioning.unwrap_or(&shards.partitioning);
            ReshardModel {
                at: Time::from_secs(reshard.at_s),
                handover: Handover {
                    after: rule(partitioning, &reshard.targets, Some(&before)),
                    before: before.clone(),
                    keys: crate::component::shards::keys(self.scenario),
                    batch: reshard.batch,
                    policy: reshard.policy,
                },
                pace: Duration::from_secs(1.0 / reshard.keys_per_s),
                copiers: reshard.copiers,
                mover,
                operation: 0,
            }
        });
        let scatter = |asked: &String| {
            shards.scattered(asked).map(|scatter| ScatterModel {
                need: scatter.need,
                timeout: scatter.timeout_ms.map(Duration::from_millis),
            })
        };
        ShardsModel {
            targets: all.iter().map(|name| index(self.scenario, name)).collect(),
            keys: keys(self.scenario),
            placement: before,
            scattered: self.model.operations.iter().map(scatter).collect(),
            reshard,
        }
    }

    /// Plans by which a database gives a row to another and takes one from it, if a router moves its rows.
    pub(super) fn copy_plans(&mut self, of_operation: &[u32]) -> [(Entry, u32); 2] {
        let none = [(Entry::Fetch, NONE), (Entry::Send, NONE)];
        let Some(reshard) = moves_rows(self.scenario, self.name) else {
            return none;
        };
        let numbers = || of_operation.iter().copied().filter(|n| *n != NONE);
        let writes = |number: &u32| self.model.statements[*number as usize].writes;
        let Some(statement) = numbers().find(writes).or_else(|| numbers().next()) else {
            return none;
        };
        let key = Key::root(0).named(self.name);
        let work = |time, name| Step::Work {
            time: Sampler::new(time),
            key: key.named(name).bits(),
        };
        let act = |act| Step::Database { act, statement };
        let fetch = self.step(work(&reshard.read, "fetch"));
        self.step(act(Act::Fetch));
        self.step(Step::End);
        let send = self.step(act(Act::Receive));
        self.step(work(&reshard.write, "send"));
        for next in [Act::Lock, Act::Import, Act::Show] {
            self.step(act(next));
        }
        self.step(Step::End);
        [(Entry::Fetch, fetch), (Entry::Send, send)]
    }
}

/// The most keys that a client asks about.
fn keys(scenario: &Scenario) -> u64 {
    let clients = scenario
        .components
        .values()
        .filter_map(|component| match component {
            Component::Client(client) => client.keys.as_ref().map(Keys::count),
            _ => None,
        });
    clients.max().unwrap_or(0)
}

/// The move that a database's rows are part of.
pub(super) fn moves_rows<'a>(scenario: &'a Scenario, database: &str) -> Option<&'a Reshard> {
    scenario
        .components
        .values()
        .find_map(|component| match component {
            Component::Shards(shards) if shards.all_targets().contains(&database) => {
                shards.reshard.as_deref()
            }
            _ => None,
        })
}

/// Notes at each database the router that moves its rows, and at each router what a copy is about.
pub(super) fn tell_databases(model: &mut Model) {
    for router in 0..model.components.len() {
        let Some(shards) = &model.components[router].shards else {
            continue;
        };
        if shards.reshard.is_none() {
            continue;
        }
        let targets = shards.targets.clone();
        for (number, target) in (0..).zip(&targets) {
            model.components[usize::from(*target)].shard_of = Some((router as u16, number));
        }
        let first = targets
            .first()
            .map(|at| &model.components[usize::from(*at)]);
        let database = first.and_then(|component| component.database.as_ref());
        let writes = |operation: &u16| {
            let statement = database.and_then(|database| database.statement(*operation));
            statement.is_some_and(|number| model.statements[number].writes)
        };
        let operation = (0..model.operations.len() as u16).find(writes).unwrap_or(0);
        if let Some(shards) = &mut model.components[router].shards
            && let Some(reshard) = &mut shards.reshard
        {
            reshard.operation = operation;
        }
    }
}
