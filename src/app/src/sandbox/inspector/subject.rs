//! What an inspector looks at, and the sheet of fields for it.

use scale_sim::Problem;
use serde_json::{Map, Value};

use super::change::{Change, below};
use super::form::{At, Field, Maker};
use super::fresh::{self, Around};
use super::schema::Node;
use super::{steps, words};

/// What an inspector looks at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subject {
    /// A component, by its name.
    Component(String),
    /// A connection: the calls of one component to another, and the wire between them.
    Connection {
        /// The name of the component that calls.
        from: String,
        /// The name of the component that is called.
        to: String,
    },
    /// The run as a whole: its length, its seed, what must hold.
    Whole,
}

/// All that can be set of a subject.
#[derive(Clone, PartialEq, Debug)]
pub struct Sheet {
    /// What it is called.
    pub title: String,
    /// What it is, in a few words.
    pub says: String,
    /// The kind of component.
    pub kind: Option<String>,
    /// The parts.
    pub sections: Vec<Section>,
    /// The place whose JSON is the subject, if there is one.
    pub json: Option<String>,
}

/// A part of a sheet.
#[derive(Clone, PartialEq, Debug)]
pub struct Section {
    /// What it is about.
    pub heading: Option<String>,
    /// Its fields.
    pub fields: Vec<Field>,
    /// What is wrong that no field says.
    pub problems: Vec<String>,
    /// What can be done with it as a whole: a label, and the changes.
    pub act: Option<(&'static str, Vec<Change>)>,
}

impl Subject {
    /// The component from which the design is seen.
    pub fn within(&self) -> Option<&str> {
        match self {
            Self::Component(name) | Self::Connection { from: name, .. } => Some(name),
            Self::Whole => None,
        }
    }

    /// The sheet for it; `None` if the design has no such thing.
    pub fn sheet(&self, design: &Value, problems: &[Problem]) -> Option<Sheet> {
        let maker = Maker::new(design, problems, self.within());
        match self {
            Self::Component(name) => component(&maker, design, name),
            Self::Connection { from, to } => connection(&maker, design, from, to),
            Self::Whole => Some(whole(&maker)),
        }
    }
}

/// Whether two designs differ in nothing but where components stand on the picture: then their sheets are the same.
pub fn alike(one: &Value, other: &Value) -> bool {
    let (Some(one), Some(other)) = (one.as_object(), other.as_object()) else {
        return one == other;
    };
    let labels = |design: &Map<String, Value>| -> Vec<(String, Value)> {
        let view = design.get("view").and_then(Value::as_object);
        let views = view.into_iter().flatten();
        let labels = views.map(|(name, view)| (name.clone(), view["label"].clone()));
        labels.collect()
    };
    let part_of =
        |(name, value): (&String, &Value)| name == "view" || other.get(name) == Some(value);
    one.len() == other.len() && one.iter().all(part_of) && labels(one) == labels(other)
}

/// The kind of a component, what it holds, and where that is.
fn inner<'a>(design: &'a Value, name: &str) -> Option<(&'a String, &'a Value, At)> {
    let pointer = below("/components", name);
    let (kind, own) = design.pointer(&pointer)?.as_object()?.iter().next()?;
    Some((kind, own, At::pointer(&below(&pointer, kind))?))
}

fn component(maker: &Maker, design: &Value, name: &str) -> Option<Sheet> {
    let (kind, _, at) = inner(design, name)?;
    let fields = maker.fields(&at, &[]);
    let about = at.path.strip_suffix(&format!(".{kind}"));
    let problems = maker.left_over(about.unwrap_or(&at.path), &fields);
    Some(Sheet {
        title: maker.around.label(name).to_owned(),
        says: words::plain(at.node.help()),
        kind: Some(kind.clone()),
        json: Some(at.pointer),
        sections: vec![Section {
            heading: None,
            fields,
            problems,
            act: None,
        }],
    })
}

fn whole(maker: &Maker) -> Sheet {
    let at = At {
        pointer: String::new(),
        path: String::new(),
        node: Node::scenario(),
    };
    let only = [
        "title",
        "horizon_s",
        "warmup_s",
        "seed",
        "zones",
        "invariants",
    ];
    let fields = maker.fields(&at, &only);
    // What is wrong with one component stands at it, what is wrong with all of them here.
    let places = ["", "version", "components", "links", "faults"];
    let problems = places
        .iter()
        .flat_map(|path| maker.problems_of(path, &fields));
    Sheet {
        title: "The run".to_owned(),
        says: "How long it is, what it draws from, and what must hold.".to_owned(),
        kind: None,
        json: Some(String::new()),
        sections: vec![Section {
            heading: None,
            problems: problems.collect(),
            fields,
            act: None,
        }],
    }
}

fn connection(maker: &Maker, design: &Value, from: &str, to: &str) -> Option<Sheet> {
    let (kind, own, at) = inner(design, from)?;
    inner(design, to)?;
    let mut places = Vec::new();
    callers(own, &at.pointer, to, &mut places);
    let mut sections = Vec::new();
    for pointer in places {
        let Some(place) = At::pointer(&pointer) else {
            continue;
        };
        let fields = if pointer == at.pointer {
            match at_root(kind) {
                [] => continue,
                only => maker.fields(&place, only),
            }
        } else {
            maker.fields(&place, &[])
        };
        sections.push(Section {
            heading: Some(heading(design, &pointer, &maker.around)),
            problems: maker.problems_of(&place.path, &fields),
            fields,
            act: None,
        });
    }
    let (wire, json) = wire(maker, design, from, to)?;
    sections.push(wire);
    Some(Sheet {
        title: format!("{} to {}", maker.around.label(from), maker.around.label(to)),
        says: "How one asks the other, and the way between them.".to_owned(),
        kind: None,
        sections,
        json,
    })
}

/// The wire of a connection: its fields, or that there is none.
fn wire(maker: &Maker, design: &Value, from: &str, to: &str) -> Option<(Section, Option<String>)> {
    let links = design.get("links").and_then(Value::as_array);
    let same = |link: &Value| link["from"] == *from && link["to"] == *to;
    let found = links.and_then(|links| links.iter().position(same));
    let Some(index) = found else {
        let Value::Object(mut link) = fresh::value(Node::of_def("Link")?, &maker.around) else {
            return None;
        };
        link.insert("from".to_owned(), from.into());
        link.insert("to".to_owned(), to.into());
        let link = Value::Object(link);
        let change = match links {
            Some(_) => Change::set("/links/-", link),
            None => Change::set("/links", vec![link]),
        };
        let section = Section {
            heading: Some("The way between them takes no time".to_owned()),
            fields: Vec::new(),
            problems: Vec::new(),
            act: Some(("Put a wire there", vec![change])),
        };
        return Some((section, None));
    };
    let pointer = below("/links", &index.to_string());
    let at = At::pointer(&pointer)?;
    let mut fields = maker.fields(&at, &[]);
    fields.retain(|field| !field.pointer.ends_with("/from") && !field.pointer.ends_with("/to"));
    let section = Section {
        heading: Some("The wire between them".to_owned()),
        problems: maker.left_over(&at.path, &fields),
        fields,
        act: Some(("Take the wire away", vec![Change::remove(&pointer)])),
    };
    Some((section, Some(pointer)))
}

/// The records in a part of a design that name `to`.
fn callers(part: &Value, pointer: &str, to: &str, places: &mut Vec<String>) {
    match part {
        Value::Object(map) => {
            let names = |(field, value): (&String, &Value)| match field.as_str() {
                "to" | "target" | "cache" | "source" | "dead_letters" => value == to,
                "targets" => value
                    .as_array()
                    .is_some_and(|all| all.iter().any(|t| t == to)),
                _ => false,
            };
            if map.iter().any(names) {
                places.push(pointer.to_owned());
            }
            for (name, value) in map {
                callers(value, &below(pointer, name), to, places);
            }
        }
        Value::Array(list) => {
            for (i, item) in list.iter().enumerate() {
                callers(item, &below(pointer, &i.to_string()), to, places);
            }
        }
        _ => {}
    }
}

/// Of a component that sends everything to one other, what is about the sending.
fn at_root(kind: &str) -> &'static [&'static str] {
    match kind {
        "client" => &["resilience", "deadline_ms"],
        "gateway" => &["rate_limit", "concurrency"],
        "balancer" => &["policy", "weights"],
        "cache" => &["mode"],
        "queue" => &["operation", "delivery", "retry_ms", "max_deliveries"],
        "view" => &["apply", "delay_ms", "batch"],
        "shards" => &["partitioning"],
        _ => &[],
    }
}

/// What the record at a pointer is: the sentence of the step that it is in, and of which operation's plan.
fn heading(design: &Value, pointer: &str, around: &Around) -> String {
    let step = pointer
        .rsplit_once('/')
        .and_then(|(step, _)| design.pointer(step));
    let sentence = step.map(|step| steps::sentence(step, around));
    let operation = pointer
        .split_once("/plans/")
        .and_then(|(_, rest)| rest.split('/').next());
    let operation = operation.map(super::change::unescaped);
    match (sentence, operation) {
        (Some(sentence), Some(operation)) if !sentence.contains("not complete") => {
            format!("For {}: {sentence}", super::form::named(&operation))
        }
        (_, Some(operation)) => format!("For {}", super::form::named(&operation)),
        _ => "How it asks".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::form::Form;
    use super::*;

    fn design() -> Value {
        json!({ "version": 1, "horizon_s": 10, "view": { "shop": { "label": "Web shop" } }, "components": {
            "users": { "client": { "operation": "buy", "target": "shop", "arrivals": { "constant": { "rate_per_s": 0.5 } } } },
            "shop": { "service": { "workers": 0, "plans": { "buy": [
                { "work": { "exponential": { "mean_ms": 20 } } }, { "call": { "to": "db", "operation": "read" } } ] } } },
            "db": { "database": { "connections": 1, "queries": { "*": { "constant": { "mean_ms": 1 } } } } } } })
    }

    fn problems(design: &Value) -> Vec<Problem> {
        let scenario: scale_sim::Scenario =
            scale_sim::from_json_value(design).expect("of the form");
        scenario.problems()
    }

    #[test]
    fn a_component_shows_what_matters_first_with_ranges_and_problems() {
        let design = design();
        let subject = Subject::Component("shop".to_owned());
        let sheet = subject
            .sheet(&design, &problems(&design))
            .expect("it is there");
        assert_eq!(
            (sheet.title.as_str(), sheet.kind.as_deref()),
            ("Web shop", Some("service"))
        );
        let fields = &sheet.sections[0].fields;
        let first: Vec<&str> = fields
            .iter()
            .filter(|f| f.foremost)
            .map(|f| f.label.as_str())
            .collect();
        assert_eq!(first, ["Instances", "Workers", "Queue", "Plans"]);
        let workers = &fields[1];
        assert_eq!(workers.pointer, "/components/shop/service/workers");
        assert!(matches!(
            workers.form,
            Form::Number {
                value: Some(0.0),
                whole: true,
                min: 1.0,
                max: 10_000.0
            }
        ));
        assert_eq!(
            workers.problems,
            ["0 is out of range: 1 to 10000 is allowed"]
        );
        assert!(sheet.sections[0].problems.is_empty());
        let queue = &fields[2];
        assert!(!queue.given && queue.optional && queue.usual.as_deref() == Some("1,000,000"));
        assert!(matches!(queue.form, Form::Number { value: None, .. }));
        let Form::Map { entries, .. } = &fields[3].form else {
            panic!("plans by operation")
        };
        let Form::Plan(steps) = &entries[0].1.form else {
            panic!("a plan")
        };
        let told: Vec<&str> = steps.iter().map(|step| step.sentence.as_str()).collect();
        assert_eq!(
            told,
            [
                "Work for 20 ms on average, exponential",
                "Ask db for “read”"
            ]
        );
    }

    #[test]
    fn a_problem_that_no_field_is_at_is_told_all_the_same() {
        let mut design = design();
        let client = "/components/users/client";
        assert!(Change::remove(below(client, "operation")).apply(&mut design));
        let sheet = Subject::Component("users".to_owned()).sheet(&design, &problems(&design));
        let told = &sheet.expect("it is there").sections[0].problems;
        assert_eq!(
            told,
            &["client: a client asks for an `operation` or a `mix` of several"]
        );
    }

    #[test]
    fn a_connection_has_its_calls_and_its_wire() {
        let mut design = design();
        let subject = Subject::Connection {
            from: "shop".to_owned(),
            to: "db".to_owned(),
        };
        let sheet = subject.sheet(&design, &[]).expect("it is there");
        assert_eq!(sheet.title, "Web shop to db");
        assert_eq!(
            sheet.sections[0].heading.as_deref(),
            Some("For “buy”: Ask db for “read”")
        );
        let (_, put) = sheet.sections[1]
            .act
            .clone()
            .expect("a wire can be put there");
        assert!(put.iter().all(|change| change.apply(&mut design)));
        assert_eq!(design["links"][0]["to"], "db");
        let sheet = subject.sheet(&design, &[]).expect("it is there");
        let wire: Vec<&str> = { sheet.sections[1].fields.iter() }
            .filter(|field| field.foremost)
            .map(|field| field.label.as_str())
            .collect();
        assert_eq!(wire, ["Latency", "Bandwidth", "Loss"]);
        assert_eq!(sheet.json.as_deref(), Some("/links/0"));
        let gone = Subject::Connection {
            from: "shop".to_owned(),
            to: "nobody".to_owned(),
        };
        assert_eq!(gone.sheet(&design, &[]), None);
        assert_eq!(
            Subject::Component("nobody".to_owned()).sheet(&design, &[]),
            None
        );
    }

    #[test]
    fn where_components_stand_changes_no_sheet() {
        let design = design();
        let changed = |pointer: &str, value: Value| {
            let mut tree = design.clone();
            assert!(Change::set(pointer, value).apply(&mut tree));
            tree
        };
        assert!(alike(&design, &changed("/view/shop/at", json!([1, 2]))));
        assert!(!alike(&design, &changed("/view/shop/label", json!("Shop"))));
        assert!(!alike(
            &design,
            &changed("/view/db", json!({ "label": "Stock" }))
        ));
        assert!(!alike(
            &design,
            &changed("/components/shop/service/workers", json!(9))
        ));
        assert!(!alike(&design, &changed("/seed", json!(9))));
    }

    #[test]
    fn the_run_has_its_settings() {
        let sheet = Subject::Whole
            .sheet(&design(), &[])
            .expect("it is always there");
        let labels: Vec<&str> = sheet.sections[0]
            .fields
            .iter()
            .map(|f| f.label.as_str())
            .collect();
        assert_eq!(
            labels,
            [
                "Title",
                "Length of the run",
                "Warm-up",
                "Seed",
                "Zones",
                "Invariants"
            ]
        );
    }
}
