//! Databases: their nodes, and plans from queries and statements.

use super::Compiler;
use crate::component::{ANY, Answer, Commits, Component, Database};
use crate::db::{Prepared, Timing};
use crate::distribution::Sampler;
use crate::frame::NONE;
use crate::limits;
use crate::model::{
    Act, Approach, DatabaseModel, Model, OWN, PoolModel, ReplicationModel, StatementModel, Step,
};
use crate::problem::Problem;
use crate::random::Key;
use crate::scenario::Scenario;
use crate::time::Duration;

impl Compiler<'_> {
    /// The stations of a database: its primary and its replicas.
    pub(super) fn nodes(&mut self, database: &Database) -> Vec<u32> {
        let replicas = database.replication.as_ref().map_or(0, |r| r.replicas);
        let nodes = (0..=replicas).map(|node| {
            let name = match node {
                0 => self.name.to_owned(),
                replica => format!("{}.replica-{replica}", self.name),
            };
            self.station(name, node, database.connections, database.queue, true)
        });
        nodes.collect()
    }

    /// Compiles what a database does for each operation that is asked for anywhere.
    pub(super) fn statements(
        &mut self,
        database: &Database,
    ) -> (Vec<Option<u32>>, Option<Box<DatabaseModel>>) {
        // The seed is not in this key: it reaches a draw through the request's own key.
        let key = Key::root(0).named(self.name);
        let operations = self.model.operations.clone();
        let keeps_rows = database.keeps_rows()
            || super::caches::keeps_rows(self.scenario)
            || super::shards::moves_rows(self.scenario, self.name).is_some();
        let mut of_operation = vec![NONE; operations.len()];
        let mut plans = Vec::new();
        for (operation, number) in operations.iter().zip(&mut of_operation) {
            let Some((written, answer)) = database.answer(operation) else {
                plans.push(None);
                continue;
            };
            plans.push(Some(self.model.code.len() as u32));
            let key = key.named(written);
            match answer {
                Answer::Query(time) => {
                    let writes = database.is_write(operation);
                    if keeps_rows {
                        *number = self.statement(None, writes, key);
                    }
                    self.query(Sampler::new(time), *number, writes, key);
                }
                Answer::Statement(statement) => {
                    let costs = database.costs.as_deref().cloned().unwrap_or_default();
                    let prepared = Prepared::new(statement, &database.tables, &costs)
                        .expect("its tables were checked");
                    let acts: &[Act] = if prepared.change().is_some() {
                        &[Act::Begin, Act::Change, Act::Changed, Act::Show]
                    } else if statement.writes() {
                        const WRITE: &[Act] = &[
                            Act::Begin,
                            Act::Lock,
                            Act::Write,
                            Act::Next,
                            Act::Flush,
                            Act::Log,
                            Act::Show,
                        ];
                        WRITE
                    } else {
                        &[Act::Read]
                    };
                    *number = self.statement(Some(prepared), statement.writes(), key);
                    let undoes = statement.undoes().map(|undone| {
                        let undone = operations.iter().position(|o| o == undone);
                        undone.map_or(OWN, |at| at as u16)
                    });
                    self.model.statements[*number as usize].undoes = undoes;
                    self.acts(acts, *number);
                }
            }
            self.step(Step::End);
        }
        let model = (keeps_rows || database.has_approach()).then(|| {
            Box::new(DatabaseModel {
                nodes: database.replication.as_ref().map_or(0, |r| r.replicas) as u16 + 1,
                of_operation,
                replication: self.replication(database),
                connect: database.connect.as_ref().map(Sampler::new),
                disconnect: database.disconnect.as_ref().map(Sampler::new),
                pool: database.pool.as_ref().map(|pool| PoolModel {
                    bounds: pool.bounds(),
                    wait: Duration::from_millis(pool.wait_timeout_ms),
                }),
                lock_timeout: database.lock_timeout_ms.map(Duration::from_millis),
                deadlock_after: Duration::from_millis(
                    database.deadlock_timeout_ms.unwrap_or(1_000.0),
                ),
                once_kept: Duration::from_secs(database.once_kept_s.unwrap_or(86_400.0)),
                tables: database.tables.keys().cloned().collect(),
                outbox: self.outbox(database),
            })
        });
        (plans, model)
    }

    fn replication(&self, database: &Database) -> Option<ReplicationModel> {
        let settings = database.replication.as_ref()?;
        let key = Key::root(self.model.seed).named(self.name);
        Some(ReplicationModel {
            timing: Timing::new(settings, key.named("replication")),
            reads: settings.reads,
            commit_timeout: match settings.commits {
                Commits::SemiSynchronous { timeout_ms, .. } => {
                    timeout_ms.map(Duration::from_millis)
                }
                Commits::Asynchronous | Commits::Synchronous => None,
            },
            failover_after: settings.failover_after_ms.map(Duration::from_millis),
        })
    }

    fn statement(&mut self, prepared: Option<Prepared>, writes: bool, key: Key) -> u32 {
        self.model.statements.push(StatementModel {
            prepared,
            writes,
            undoes: None,
            key: key.bits(),
        });
        self.model.statements.len() as u32 - 1
    }

    fn acts(&mut self, acts: &[Act], statement: u32) {
        for act in acts {
            self.step(Step::Database {
                act: *act,
                statement,
            });
        }
    }

    /// A query that takes a time of its own.
    fn query(&mut self, time: Sampler, statement: u32, writes: bool, key: Key) {
        if statement != NONE && !writes {
            self.acts(&[Act::Read], statement);
        }
        self.step(Step::Work {
            time,
            key: key.bits(),
        });
        if writes {
            let acts = [Act::Begin, Act::Lock, Act::Next, Act::Log, Act::Show];
            self.acts(&acts, statement);
        }
    }

    /// The number of this component's way to `to`, if that is one with replicas or connections.
    pub(super) fn approach(&mut self, to: &str) -> u32 {
        let Some(Component::Database(database)) = self.scenario.components.get(to) else {
            return NONE;
        };
        if !database.has_approach() {
            return NONE;
        }
        let approach = Approach {
            caller: self.model.components.len() as u16,
            database: super::index(self.scenario, to),
        };
        let known = &mut self.model.approaches;
        let at = known.iter().position(|other| *other == approach);
        at.unwrap_or_else(|| {
            known.push(approach);
            known.len() - 1
        }) as u32
    }
}

/// Whether the connections that pools may keep can be held in memory.
pub(super) fn check_pools(model: &Model, scenario: &Scenario) -> Result<(), Vec<Problem>> {
    let mut connections = 0;
    for approach in &model.approaches {
        let caller = scenario.components.get_index(usize::from(approach.caller));
        let instances = match caller {
            Some((_, Component::Service(service))) => u64::from(service.instances),
            // Copies have connections of their own.
            Some((_, Component::Shards(shards))) => 1 + u64::from(shards.reshard.is_some()),
            _ => 1,
        };
        if let Some(database) = &model.components[usize::from(approach.database)].database
            && let Some(pool) = &database.pool
        {
            let each = u64::from(pool.bounds.max) * u64::from(database.nodes);
            connections += each * instances;
        }
    }
    if connections > limits::CONNECTIONS {
        let message = format!(
            "{connections} connections in the pools of all instances: at most {} are allowed",
            limits::CONNECTIONS
        );
        return Err(vec![Problem::new("components", message)]);
    }
    Ok(())
}

impl Database {
    /// What it does for an operation, with the name that this has in its file.
    pub(crate) fn answer<'a>(&'a self, operation: &str) -> Option<(&'a str, Answer<'a>)> {
        let find = |name: &str| {
            let query = self.queries.get_key_value(name);
            let query = query.map(|(name, time)| (name.as_str(), Answer::Query(time)));
            query.or_else(|| {
                let statement = self.statements.get_key_value(name);
                statement.map(|(name, statement)| (name.as_str(), Answer::Statement(statement)))
            })
        };
        find(operation).or_else(|| find(ANY))
    }
}
