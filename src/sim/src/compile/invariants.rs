//! Invariants, with the numbers of what they are about.

use super::index;
use crate::component::Component;
use crate::invariant::{Invariant, TableOf};
use crate::model::{InvariantModel, Rule};
use crate::scenario::Scenario;
use crate::time::Duration;

pub(super) fn invariants(scenario: &Scenario) -> Vec<InvariantModel> {
    let number = |name: &str| index(scenario, name);
    let compiled = scenario.invariants.iter().map(|invariant| {
        let (about, rule) = match invariant {
            Invariant::NoStaleReads(fresh) => {
                let (at, within) = (number(&fresh.at), Duration::from_millis(fresh.within_ms));
                (fresh.at.clone(), Rule::Fresh { at, within })
            }
            Invariant::Conserved(conserved) => {
                let names = conserved
                    .tables
                    .iter()
                    .map(|TableOf { database, table }| format!("{database}.{table}"));
                let tables = { &conserved.tables }
                    .iter()
                    .map(|of| (number(&of.database), table(scenario, of)));
                let about: Vec<String> = names.collect();
                let tables = tables.collect();
                (about.join(" + "), Rule::Conserved { tables })
            }
            Invariant::NoLostMessages(messages) => {
                let at = number(&messages.at);
                let writes = messages.writes_at.as_deref();
                let about = writes.map_or_else(
                    || messages.at.clone(),
                    |writes| format!("{writes} → {}", messages.at),
                );
                let writes = writes.map(number);
                (about, Rule::Messages { at, writes })
            }
            Invariant::SagasEnd(steps) => {
                let all = steps.whole(scenario);
                let about: Vec<String> = { all.iter() }
                    .map(|(database, table, _)| table_name(scenario, database, *table))
                    .collect();
                let tables = all.iter().map(|(of, table, _)| (number(of), *table as u64));
                let rule = Rule::Sagas {
                    tables: tables.collect(),
                    whole: all.iter().map(|(_, _, by)| *by).collect(),
                    within: Duration::from_millis(steps.within_ms),
                };
                (about.join(" + "), rule)
            }
            Invariant::ReadYourWrites(watched)
            | Invariant::NoLostUpdates(watched)
            | Invariant::NoLostWrites(watched)
            | Invariant::NoDoubleEffects(watched)
            | Invariant::InOrder(watched)
            | Invariant::ServedOnce(watched) => {
                let at = number(&watched.at);
                let rule = match invariant {
                    Invariant::ReadYourWrites(_) => Rule::OwnWrites { at },
                    Invariant::NoLostUpdates(_) => Rule::Updates { at },
                    Invariant::NoLostWrites(_) => Rule::Kept { at },
                    Invariant::NoDoubleEffects(_) => Rule::Effects { at },
                    Invariant::InOrder(_) => Rule::Order { at },
                    _ => Rule::Served { at },
                };
                (watched.at.clone(), rule)
            }
        };
        InvariantModel {
            name: invariant.name(),
            about,
            rule,
        }
    });
    compiled.collect()
}

/// The number of a table among those of its database.
fn table(scenario: &Scenario, of: &TableOf) -> u64 {
    let number = match scenario.components.get(&of.database) {
        Some(Component::Database(database)) => database.tables.get_index_of(&of.table),
        _ => None,
    };
    number.map_or(u64::MAX, |number| number as u64)
}

/// A table as reports name it.
fn table_name(scenario: &Scenario, database: &str, table: usize) -> String {
    let name = match scenario.components.get(database) {
        Some(Component::Database(of)) => of.tables.keys().nth(table),
        _ => None,
    };
    format!("{database}.{}", name.map_or("", String::as_str))
}
