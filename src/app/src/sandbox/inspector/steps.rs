//! Plans as sentences: what a service does, step by step, each step with its fields and with the plans inside it.

use scale_sim::{
    Backoff, Breaker, Call, Distribution, Instruction, Resilience, VersionOf, from_json_value,
};
use serde_json::Value;

use super::change::below;
use super::form::{At, Field, Form, Maker, named};
use super::fresh::{self, Around};
use super::schema::{Node, Shape};
use super::words;

/// One step of a plan.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// Where it is.
    pub pointer: String,
    /// Where it is, as problems say it.
    pub path: String,
    /// What it does, in a sentence.
    pub sentence: String,
    /// Its fields, without the plans inside it.
    pub fields: Vec<Field>,
    /// The plans inside it.
    pub nested: Vec<Nested>,
    /// What is wrong with it as a whole.
    pub problems: Vec<String>,
}

/// A plan inside a step.
#[derive(Clone, PartialEq, Debug)]
pub struct Nested {
    /// When it is gone through.
    pub when: &'static str,
    /// Where it is.
    pub pointer: String,
    /// Where it is, as problems say it.
    pub path: String,
    /// Whether it can be taken away.
    pub optional: bool,
    /// Its steps.
    pub steps: Vec<Step>,
    /// What is wrong with it as a whole.
    pub problems: Vec<String>,
}

/// An instruction to add.
#[derive(Clone, PartialEq, Debug)]
pub struct Addable {
    /// What it is called.
    pub label: &'static str,
    /// What it does, in one line.
    pub says: &'static str,
    /// A new one.
    pub value: Value,
}

impl Step {
    /// How many things are wrong with it and within.
    pub fn wrong(&self) -> usize {
        let fields: usize = self.fields.iter().map(Field::wrong).sum();
        let nested = self.nested.iter().map(|nested| {
            nested.problems.len() + nested.steps.iter().map(Self::wrong).sum::<usize>()
        });
        self.problems.len() + fields + nested.sum::<usize>()
    }
}

/// The instructions that there are, as new ones in a design would be.
pub fn addable(around: &Around) -> Vec<Addable> {
    let Some(Shape::Choice(variants)) = Node::of_def("Instruction").map(Node::shape) else {
        return Vec::new();
    };
    let told = variants.iter().map(|variant| {
        let (label, says) = instruction(variant.tag);
        Addable {
            label,
            says,
            value: fresh::variant(variant, around),
        }
    });
    told.collect()
}

/// What an instruction is called in the menu, and what it does.
fn instruction(tag: &str) -> (&'static str, &'static str) {
    match tag {
        "work" => ("Work", "Keep the worker busy for a time"),
        "call" => (
            "Ask another component",
            "Send a request and wait for its answer",
        ),
        "parallel" => (
            "Ask several at once",
            "Send requests together, wait for enough answers",
        ),
        "reply" => (
            "Answer with a payload",
            "How large the answer is, and whether it is compressed",
        ),
        "cached" => (
            "Look in a cache",
            "Use what is there, or get it and put it there",
        ),
        "invalidate" => (
            "Drop from a cache",
            "Take a key out, so that the next look misses",
        ),
        "saga" => ("Saga", "Steps that are all done, or taken back one by one"),
        "transaction" => ("Transaction", "Changes in several databases: all or none"),
        "end" => (
            "Stop and answer",
            "End the plan here with what has come so far",
        ),
        "fail" => ("Stop and fail", "End the plan here: the request has failed"),
        _ => ("Another step", ""),
    }
}

/// The steps of the plan at a place.
pub fn steps(maker: &Maker, at: &At, plan: &Value) -> Vec<Step> {
    let Shape::List { of, .. } = at.node.shape() else {
        return Vec::new();
    };
    let steps = plan.as_array().into_iter().flatten().enumerate();
    steps
        .map(|(i, step)| self::step(maker, &at.item(i, of), step))
        .collect()
}

fn step(maker: &Maker, at: &At, value: &Value) -> Step {
    let mut field = maker.field(at, Some(value));
    let (mut fields, mut nested) = (Vec::new(), Vec::new());
    if let Form::Choice { fields: inner, .. } = &mut field.form {
        fields = core::mem::take(inner);
    }
    let tag = value.as_object().and_then(|map| map.keys().next());
    // The plans inside are told with the step, and not once more among its fields.
    fields.retain_mut(|field| {
        let when = match field.pointer.rsplit('/').next() {
            Some("miss") => "If it is not there:",
            Some("fallback") => "If that fails:",
            _ => return true,
        };
        let Form::Plan(steps) = &mut field.form else {
            return true;
        };
        nested.push(Nested {
            when,
            pointer: field.pointer.clone(),
            path: field.path.clone(),
            optional: field.optional,
            steps: core::mem::take(steps),
            problems: core::mem::take(&mut field.problems),
        });
        false
    });
    // What a step that is one record or one choice holds stands at the step itself.
    let mut problems = field.problems;
    if let Some(tag) = tag {
        let inner = format!("{}.{tag}", at.path);
        problems.extend(maker.problems_of(&inner, &fields));
        if let [only] = &mut fields[..]
            && only.pointer == below(&at.pointer, tag)
            && let Form::Choice { .. } = only.form
        {
            "Time".clone_into(&mut only.label);
        }
    }
    Step {
        pointer: at.pointer.clone(),
        path: at.path.clone(),
        sentence: sentence(value, &maker.around),
        fields,
        nested,
        problems,
    }
}

/// What a step does, in a sentence.
pub fn sentence(step: &Value, around: &Around) -> String {
    let Ok(instruction) = from_json_value::<Instruction>(step) else {
        return "A step that is not complete".to_owned();
    };
    match &instruction {
        Instruction::Work(time) => format!("Work for {}", time_words(time)),
        Instruction::Call(call) => {
            let verb = if call.asynchronous { "Tell" } else { "Ask" };
            let after = if call.asynchronous {
                ", and go on without waiting"
            } else {
                ""
            };
            format!(
                "{verb} {}{}{after}",
                called(call, around),
                guards(&call.resilience)
            )
        }
        Instruction::Parallel(parallel) => {
            let calls: Vec<String> = parallel.calls.iter().map(|c| called(c, around)).collect();
            let enough = match parallel.need {
                Some(1) => "; go on with the first answer".to_owned(),
                Some(need) => format!("; go on with {need} answers"),
                None => String::new(),
            };
            format!("Ask at once: {}{enough}", words::listed(&calls))
        }
        Instruction::Reply(payload) => {
            let size = match (payload.bytes, payload.fields.len()) {
                (Some(bytes), _) => words::bytes(bytes as f64),
                (None, 1) => "one field".to_owned(),
                (None, fields) => format!("{fields} fields"),
            };
            let packed = match &payload.compression {
                Some(_) => ", compressed",
                None => "",
            };
            format!("Answer with {size}{packed}")
        }
        Instruction::Cached(cached) => {
            let version = match &cached.version {
                Some(VersionOf::Call(call)) => {
                    format!(" for the version that {} tells", called(call, around))
                }
                Some(VersionOf::Answer) => " for the version just answered".to_owned(),
                None => String::new(),
            };
            format!(
                "Look in {}{version}{}",
                place(&cached.cache, around),
                guards(&cached.resilience)
            )
        }
        Instruction::Invalidate(invalidate) => {
            format!(
                "Drop the key from {}{}",
                place(&invalidate.cache, around),
                guards(&invalidate.resilience)
            )
        }
        Instruction::Saga(saga) => {
            let steps: Vec<String> = { saga.steps.iter() }
                .map(|step| match &step.undo {
                    Some(undo) => format!(
                        "{} (taken back by {})",
                        called(&step.does, around),
                        undo.operation
                            .as_deref()
                            .map_or_else(|| place(&undo.to, around), named)
                    ),
                    None => called(&step.does, around),
                })
                .collect();
            format!("Saga: {}", steps.join(", then "))
        }
        Instruction::Transaction(transaction) => {
            let branches: Vec<String> = { transaction.branches.iter() }
                .map(|call| called(call, around))
                .collect();
            format!("Change in one transaction: {}", words::listed(&branches))
        }
        Instruction::End => "Stop here and answer".to_owned(),
        Instruction::Fail => "Stop here: the request has failed".to_owned(),
    }
}

/// A component as the picture calls it.
fn place(name: &str, around: &Around) -> String {
    if name.is_empty() {
        "a component (choose one)".to_owned()
    } else {
        around.label(name).to_owned()
    }
}

/// Whom a call asks, and for what.
fn called(call: &Call, around: &Around) -> String {
    let operation = call.operation.as_deref();
    let operation = operation.map(|operation| format!(" for {}", named(operation)));
    let times = f64::from(call.times);
    let times = (call.times != 1).then(|| format!(", {} times", words::number(times)));
    let parts = [Some(place(&call.to, around)), operation, times];
    parts.into_iter().flatten().collect()
}

/// How a caller guards itself.
fn guards(resilience: &Resilience) -> String {
    let timeout = resilience.timeout_ms;
    let timeout = timeout.map(|ms| format!(", wait at most {}", words::millis(ms)));
    let retry = resilience.retry.as_ref().map(|retry| {
        let between = match &retry.backoff {
            Backoff::Fixed { wait_ms } => format!("{} apart", words::millis(*wait_ms)),
            Backoff::Exponential { base_ms, .. } => {
                format!("from {} apart, ever longer", words::millis(*base_ms))
            }
        };
        format!(", at most {} tries {between}", retry.attempts)
    });
    let hedge = resilience.hedge.as_ref();
    let hedge = hedge.map(|h| format!(", ask again beside it after {}", words::millis(h.after_ms)));
    let breaker = resilience.breaker.as_ref().map(|breaker| match breaker {
        Breaker::Consecutive(breaker) => {
            format!(", stop asking after {} failures in a row", breaker.failures)
        }
        Breaker::Window(_) => ", stop asking while too many fail".to_owned(),
    });
    [timeout, retry, hedge, breaker]
        .into_iter()
        .flatten()
        .collect()
}

/// A distribution of times.
fn time_words(time: &Distribution) -> String {
    let mean = words::millis(time.mean_ms());
    match time {
        Distribution::Constant { .. } => format!("{mean}, always the same"),
        Distribution::Exponential { .. } => format!("{mean} on average, exponential"),
        Distribution::LogNormal { .. } => format!("{mean} on average, log-normal"),
        Distribution::Erlang { .. } => format!("{mean} on average, Erlang"),
        Distribution::Uniform { min_ms, max_ms } => {
            format!("{} to {}", words::millis(*min_ms), words::millis(*max_ms))
        }
        Distribution::Empirical { samples_ms } => {
            format!(
                "one of {} measured times, {mean} on average",
                samples_ms.len()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_instruction_reads_as_a_sentence() {
        let design = json!({ "view": { "db": { "label": "Stock" } }, "components": {
            "db": { "database": {} }, "kept": { "cache": {} }, "mail": { "service": {} } } });
        let around = Around::of(&design, None);
        for (step, expected) in [
            (
                json!({ "work": { "exponential": { "mean_ms": 20 } } }),
                "Work for 20 ms on average, exponential",
            ),
            (
                json!({ "work": { "uniform": { "min_ms": 1, "max_ms": 1_500 } } }),
                "Work for 1 ms to 1.5 s",
            ),
            (
                json!({ "call": { "to": "db", "operation": "read", "resilience": { "timeout_ms": 300, "retry": {
                    "attempts": 2, "backoff": { "fixed": { "wait_ms": 50 } } } } } }),
                "Ask Stock for “read”, wait at most 300 ms, at most 2 tries 50 ms apart",
            ),
            (
                json!({ "call": { "to": "mail", "asynchronous": true } }),
                "Tell mail, and go on without waiting",
            ),
            (
                json!({ "call": { "to": "", "times": 1_000 } }),
                "Ask a component (choose one), 1,000 times",
            ),
            (
                json!({ "parallel": { "calls": [{ "to": "db" }, { "to": "mail" }], "need": 1 } }),
                "Ask at once: Stock and mail; go on with the first answer",
            ),
            (json!({ "reply": { "bytes": 20_000 } }), "Answer with 20 kB"),
            (
                json!({ "cached": { "cache": "kept", "miss": ["end"] } }),
                "Look in kept",
            ),
            (
                json!({ "invalidate": { "cache": "kept" } }),
                "Drop the key from kept",
            ),
            (
                json!({ "saga": { "steps": [
                    { "do": { "to": "db", "operation": "take" }, "undo": { "to": "db", "operation": "give" } },
                    { "do": { "to": "mail" } }] } }),
                "Saga: Stock for “take” (taken back by “give”), then mail",
            ),
            (
                json!({ "transaction": { "branches": [{ "to": "db" }, { "to": "mail" }] } }),
                "Change in one transaction: Stock and mail",
            ),
            (json!("end"), "Stop here and answer"),
            (json!("fail"), "Stop here: the request has failed"),
            (json!({ "work": {} }), "A step that is not complete"),
        ] {
            assert_eq!(sentence(&step, &around), expected);
        }
    }

    #[test]
    fn every_instruction_can_be_added() {
        let all = addable(&Around::default());
        assert_eq!(all.len(), 10);
        for added in all {
            assert!(!added.says.is_empty(), "{}", added.label);
            assert!(
                !sentence(&added.value, &Around::default()).contains("not complete"),
                "{added:?}"
            );
        }
    }
}
