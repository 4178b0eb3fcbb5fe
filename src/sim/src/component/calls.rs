//! Checks on who calls whom: every call is answered by some plan, none comes back to itself, and no loop is free of time.

use super::{ANY, Arrivals, Component, Instruction};
use crate::limits;
use crate::problem::Problems;
use crate::scenario::Scenario;

/// Notes what is wrong with the calls of a scenario whose names are all right.
pub(crate) fn check(scenario: &Scenario, problems: &mut Problems) {
    for (name, component) in &scenario.components {
        let Component::Client(client) = component else {
            continue;
        };
        let mut walk = Walk {
            scenario,
            operation: &client.operation,
            way: Vec::new(),
            steps: 0,
        };
        let base = format!("components.{name}.client");
        let takes_time = match walk.visit(&client.target, &client.operation) {
            Ok(takes_time) => takes_time,
            Err(message) => {
                problems.note_at(format!("{base}.target"), message);
                continue;
            }
        };
        if let Arrivals::Closed { think_time, .. } = &client.arrivals
            && think_time.mean_ms() <= 0.0
            && !takes_time
        {
            problems.note_at(
                format!("{base}.arrivals.closed"),
                format!(
                    "the loop from '{name}' through '{}' and back takes no time, so it would never end: give the think \
                     time or some work a mean above 0",
                    client.target
                ),
            );
        }
    }
}

/// A walk along the calls of one client's requests.
struct Walk<'a> {
    scenario: &'a Scenario,
    operation: &'a str,
    way: Vec<(&'a str, &'a str)>,
    steps: usize,
}

/// Visits of one walk: beyond this a request would fan out to more calls than any reader could follow.
const STEPS: usize = 100_000;

impl<'a> Walk<'a> {
    /// Walks on to `name` with `operation`; tells whether what happens there and behind it takes any time.
    fn visit(&mut self, name: &'a str, operation: &'a str) -> Result<bool, String> {
        self.steps += 1;
        if self.steps > STEPS {
            return Err(format!(
                "one '{}' request makes more than {STEPS} calls",
                self.operation
            ));
        }
        if let Some(start) = self.way.iter().position(|seen| *seen == (name, operation)) {
            let round: Vec<&str> = self.way[start..]
                .iter()
                .map(|(name, _)| *name)
                .chain([name])
                .collect();
            return Err(format!(
                "the calls {} go round and never end: break the cycle",
                round.join(" → ")
            ));
        }
        if self.way.len() >= limits::CALL_DEPTH {
            return Err(format!(
                "calls are nested more than {} deep",
                limits::CALL_DEPTH
            ));
        }
        self.way.push((name, operation));
        let takes_time = self.behind(name, operation)?;
        self.way.pop();
        Ok(takes_time)
    }

    fn behind(&mut self, name: &'a str, operation: &'a str) -> Result<bool, String> {
        let mut takes_time = false;
        match &self.scenario.components[name] {
            Component::Client(_) => {}
            Component::Balancer(balancer) => {
                for target in &balancer.targets {
                    takes_time |= self.visit(target, operation)?;
                }
            }
            Component::Service(service) => {
                let plan = service
                    .plans
                    .get(operation)
                    .or_else(|| service.plans.get(ANY));
                let plan = plan.ok_or_else(|| unanswered(name, operation, service.plans.keys()))?;
                for instruction in plan {
                    takes_time |= match instruction {
                        Instruction::Work(time) => time.mean_ms() > 0.0,
                        Instruction::Call(call) => {
                            self.visit(&call.to, call.operation.as_deref().unwrap_or(operation))?
                        }
                    };
                }
            }
            Component::Database(database) => {
                let time = database
                    .queries
                    .get(operation)
                    .or_else(|| database.queries.get(ANY));
                let time =
                    time.ok_or_else(|| unanswered(name, operation, database.queries.keys()))?;
                takes_time = time.mean_ms() > 0.0;
            }
        }
        Ok(takes_time)
    }
}

fn unanswered<'a>(name: &str, operation: &str, known: impl Iterator<Item = &'a String>) -> String {
    let known: Vec<&str> = known.map(String::as_str).collect();
    format!(
        "'{name}' has no plan for the operation '{operation}': it answers {}",
        known.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;

    fn refused(components: &str) -> String {
        let text = format!(r#"{{"version":1,"horizon_s":1,"components":{components}}}"#);
        let problems = Scenario::from_json(&text).expect_err("must be refused");
        problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn a_cycle_of_calls_is_refused_with_its_way() {
        let said = refused(
            r#"{"u":{"client":{"operation":"x","target":"a","arrivals":{"constant":{"rate_per_s":1}}}},
                "a":{"service":{"workers":1,"plans":{"*":[{"call":{"to":"b"}}]}}},
                "b":{"service":{"workers":1,"plans":{"*":[{"work":{"constant":{"mean_ms":0}}},{"call":{"to":"a"}}]}}}}"#,
        );
        assert!(
            said.contains("components.u.client.target: the calls a → b → a go round"),
            "{said}"
        );
    }

    #[test]
    fn a_closed_loop_without_time_is_refused() {
        let said = refused(
            r#"{"u":{"client":{"operation":"x","target":"a","arrivals":{"closed":{"users":1,"think_time":{"constant":{"mean_ms":0}}}}}},
                "a":{"service":{"workers":1,"plans":{"*":[{"work":{"constant":{"mean_ms":0}}}]}}}}"#,
        );
        assert!(said.contains("takes no time"), "{said}");
    }

    #[test]
    fn an_operation_that_nobody_answers_is_refused() {
        let said = refused(
            r#"{"u":{"client":{"operation":"x","target":"a","arrivals":{"constant":{"rate_per_s":1}}}},
                "a":{"service":{"workers":1,"plans":{"y":[{"work":{"constant":{"mean_ms":1}}}]}}}}"#,
        );
        assert!(
            said.contains("'a' has no plan for the operation 'x': it answers y"),
            "{said}"
        );
    }
}
