//! Any sequence of edits: nothing panics, nothing is named that is not there, and all of it can be undone and done again.

mod common;

use common::{edited, placed, problems, scenarios};
use proptest::prelude::*;
use proptest::sample::Index;
use scale_capacity::Objective;
use scale_design::palette::KINDS;
use scale_design::{Align, Change, Design, Edit, Group, History, below, copied, file};
use scale_sim::{Kind, limits};
use serde_json::{Value, json};

/// An edit that is made of what is there when it is its turn.
#[derive(Clone, Debug)]
enum Any {
    Place(Index, bool, Index, [f64; 2]),
    Move(Vec<Index>, [f64; 2]),
    Connect(Index, Index),
    Disconnect(Index),
    Delete(Vec<Index>),
    Rename(Index, String),
    Set(Vec<Index>, Value),
    Remove(Vec<Index>),
    Copy(Vec<Index>),
    Clip(Value),
    Align(Vec<Index>, Index),
    Arrange,
    Group(String, Vec<Index>),
    Ungroup(Index),
    Promise(Index, f64),
    Replace(Index),
    Undo,
    Redo,
}

const ALIGNS: [Align; 4] = [Align::Column, Align::Row, Align::Across, Align::Down];

impl Any {
    fn edit(&self, design: &Design) -> Edit {
        let names: Vec<String> = design.scenario().components.keys().cloned().collect();
        // Sometimes one that is not there.
        let one = |index: &Index| {
            let at = index.index(names.len() + 1);
            names
                .get(at)
                .cloned()
                .unwrap_or_else(|| "nobody".to_owned())
        };
        let some = |all: &[Index]| all.iter().map(one).collect::<Vec<String>>();
        match self {
            Self::Place(kind, anywhere, after, at) => Edit::Place {
                kind: *kind.get(&KINDS),
                at: (!anywhere).then_some(*at),
                after: Some(one(after)),
            },
            Self::Move(all, by) => Edit::Move {
                names: some(all),
                by: *by,
            },
            Self::Connect(a, b) => common::connect(&one(a), &one(b)),
            Self::Disconnect(at) => {
                let all = scale_design::wiring::connections(design.scenario());
                match all.len() {
                    0 => common::disconnect("nobody", "nothing"),
                    count => common::disconnect(all[at.index(count)].0, all[at.index(count)].1),
                }
            }
            Self::Delete(all) => Edit::Delete { names: some(all) },
            Self::Rename(name, label) => common::rename(&one(name), label),
            Self::Set(way, value) => {
                let change = Change::set(pointer(design.tree(), way), value.clone());
                Edit::Change(vec![change])
            }
            Self::Remove(way) => Edit::Change(vec![Change::remove(pointer(design.tree(), way))]),
            Self::Copy(all) => Edit::Paste(copied(design, &some(all))),
            Self::Clip(value) => Edit::Paste(value.clone()),
            Self::Align(all, how) => Edit::Align(some(all), *how.get(&ALIGNS)),
            Self::Group(name, all) => Edit::Group {
                name: name.clone(),
                members: some(all),
            },
            Self::Ungroup(one_of) => Edit::Ungroup(one(one_of)),
            Self::Promise(objective, bound) => {
                Edit::Promise(*objective.get(&Objective::ALL), Some(*bound))
            }
            Self::Replace(kind) => {
                let (other, _) = placed(&Design::empty(), *kind.get(&KINDS), None);
                Edit::Replace(Box::new(other))
            }
            Self::Arrange | Self::Undo | Self::Redo => Edit::Arrange,
        }
    }
}

/// A place in a tree, chosen step by step.
fn pointer(tree: &Value, way: &[Index]) -> String {
    let (mut here, mut pointer) = (tree, String::new());
    for step in way {
        let (name, next) = match here {
            Value::Object(map) if !map.is_empty() => {
                let (name, next) = map.iter().nth(step.index(map.len())).expect("one of them");
                (name.clone(), next)
            }
            Value::Array(list) if !list.is_empty() => {
                let at = step.index(list.len());
                (at.to_string(), &list[at])
            }
            _ => return pointer,
        };
        pointer = below(&pointer, &name);
        here = next;
    }
    pointer
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // As people write them: of numbers with more digits the JSON reader may miss the last bit.
        (-1_000_000_000_i64..1_000_000_000).prop_map(|n| Value::from(n as f64 / 1000.0)),
        "[a-z*-]{0,6}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!({ "call": { "to": "nobody" } })),
        Just(json!([{ "call": { "to": "nobody" } }, "end"])),
        Just(json!({ "constant": { "mean_ms": 1 } })),
    ]
}

fn clip() -> impl Strategy<Value = Value> {
    prop_oneof![
        value(),
        Just(json!({ "components": { "a": { "client": {} } } })),
        Just(
            json!({ "components": { "a": { "queue": {} }, "a-2": { "queue": { "to": "a" } } }, "view": [], "links": 3 })
        ),
        Just(json!({ "components": { "a": { "queue": {} } }, "view": { "b": {} }, "links": [1] })),
        Just(json!({ "components": { "Not a name": { "queue": {} } } })),
    ]
}

fn place() -> impl Strategy<Value = [f64; 2]> {
    let number = prop_oneof![-300.0..300.0, any::<f64>()];
    [number.clone(), number]
}

fn some() -> impl Strategy<Value = Vec<Index>> {
    proptest::collection::vec(any::<Index>(), 0..4)
}

/// What is done on the board.
fn on_the_board() -> impl Strategy<Value = Any> {
    prop_oneof![
        8 => (any::<Index>(), any::<bool>(), any::<Index>(), place())
            .prop_map(|(kind, anywhere, after, at)| Any::Place(kind, anywhere, after, at)),
        8 => (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Any::Connect(a, b)),
        3 => any::<Index>().prop_map(Any::Disconnect),
        2 => some().prop_map(Any::Delete),
        3 => (any::<Index>(), "\\PC{0,50}").prop_map(|(name, label)| Any::Rename(name, label)),
        2 => (some(), place()).prop_map(|(all, by)| Any::Move(all, by)),
        2 => some().prop_map(Any::Copy),
        1 => (some(), any::<Index>()).prop_map(|(all, how)| Any::Align(all, how)),
        1 => Just(Any::Arrange),
        1 => ("\\PC{0,80}", some()).prop_map(|(name, all)| Any::Group(name, all)),
        1 => any::<Index>().prop_map(Any::Ungroup),
        2 => Just(Any::Undo),
        1 => Just(Any::Redo),
    ]
}

/// That, and what can be written in the inspector, or come from outside.
fn anything() -> impl Strategy<Value = Any> {
    let way = || proptest::collection::vec(any::<Index>(), 0..8);
    prop_oneof![
        8 => on_the_board(),
        3 => (way(), value()).prop_map(|(way, value)| Any::Set(way, value)),
        2 => way().prop_map(Any::Remove),
        1 => clip().prop_map(Any::Clip),
        1 => (any::<Index>(), -4..40).prop_map(|(objective, bound)| Any::Promise(objective, f64::from(bound) / 4.0)),
        1 => any::<Index>().prop_map(Any::Replace),
    ]
}

/// Does it all. The design at the start and at the end, and the history.
fn done(start: Design, all: &[Any]) -> Result<History, TestCaseError> {
    let mut history = History::new(start);
    for any in all {
        match any {
            Any::Undo => drop(history.undo()),
            Any::Redo => drop(history.redo()),
            _ => {
                let edit = any.edit(history.now());
                let before = history.now().clone();
                match history.apply(&edit, None) {
                    Ok(edited) => {
                        prop_assert_eq!(&edited.design, history.now());
                        for name in edited.select.into_iter().flatten() {
                            prop_assert!(history.now().kind(&name).is_some(), "{}", name);
                        }
                    }
                    Err(why) => {
                        prop_assert!(!why.is_empty());
                        prop_assert_eq!(&before, history.now());
                    }
                }
                is_sound(history.now())?;
            }
        }
    }
    Ok(history)
}

fn is_sound(design: &Design) -> Result<(), TestCaseError> {
    let mut members: Vec<&String> = design.groups().iter().flat_map(|g| &g.members).collect();
    let count = members.len();
    members.sort();
    members.dedup();
    prop_assert_eq!(members.len(), count);
    prop_assert!(members.iter().all(|name| design.kind(name).is_some()));
    prop_assert!(design.scenario().components.len() as u64 <= limits::COMPONENTS);
    let again = file::read(&file::write(design)).map_err(TestCaseError::fail)?;
    prop_assert_eq!(&again, design);
    Ok(())
}

/// Back to the start, and on to the end again.
fn undone_and_done_again(start: &Design, history: &mut History) -> Result<(), TestCaseError> {
    // What had been undone is done first.
    while history.redo().is_some() {}
    let end = history.now().clone();
    let mut steps = 0;
    while history.undo().is_some() {
        steps += 1;
    }
    prop_assert_eq!(history.now(), start);
    while history.redo().is_some() {
        steps -= 1;
    }
    prop_assert_eq!(steps, 0);
    prop_assert_eq!(history.now(), &end);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_done_on_the_board_names_nothing_that_is_not_there(
        all in proptest::collection::vec(on_the_board(), 0..60)
    ) {
        let mut history = done(Design::empty(), &all)?;
        for problem in problems(history.now()) {
            let dangling = problem.contains("there is no component '") && !problem.contains("there is no component ''");
            prop_assert!(!dangling, "{}", problem);
            prop_assert!(!problem.contains("a component's name is"), "{}", problem);
        }
        undone_and_done_again(&Design::empty(), &mut history)?;
    }

    #[test]
    fn whatever_is_done_is_undone(
        which in any::<Index>(), all in proptest::collection::vec(anything(), 0..60)
    ) {
        let scenarios = SCENARIOS.with(Clone::clone);
        let start = which.get(&scenarios).clone();
        let mut history = done(start.clone(), &all)?;
        undone_and_done_again(&start, &mut history)?;
    }
}

thread_local! {
    /// Small scenarios to begin with.
    static SCENARIOS: Vec<Design> = {
        let all = scenarios().into_iter();
        let designs = all.filter_map(|(_, tree)| Design::new(tree, Vec::new()).ok());
        designs.filter(|design| design.tree().to_string().len() < 6_000).collect()
    };
}

#[test]
fn edits_in_one_go_are_one_step() {
    let (design, name) = placed(&Design::empty(), Kind::Service, None);
    let mut history = History::new(design.clone());
    let right = Edit::Move {
        names: vec![name.clone()],
        by: [1.0, 0.0],
    };
    for _ in 0..5 {
        history.apply(&right, Some("walk")).expect("it moves");
    }
    assert_eq!(
        history.now().at(&name).map(f64::to_bits),
        [5.0_f64, 1.0].map(f64::to_bits)
    );
    history.pause();
    history.apply(&right, Some("walk")).expect("it moves");
    assert_eq!(history.undo().as_deref(), Some("Moved Service"));
    assert_eq!(history.last(), Some("Moved Service"));
    assert_eq!(history.next(), Some("Moved Service"));
    history.undo();
    assert_eq!(*history.now(), design);
    assert_eq!(history.undo(), None);
    // Something new ends what could be done again; what changes nothing does not.
    let still = Edit::Move {
        names: vec![name.clone()],
        by: [0.0, 0.0],
    };
    history.apply(&still, None).expect("it stays");
    assert!(history.next().is_some() && history.last().is_none());
    history.apply(&right, None).expect("it moves");
    assert_eq!(history.redo(), None);
    // What is refused is no step.
    let none = common::delete("nobody");
    assert!(history.apply(&none, None).is_err());
    history.undo();
    assert_eq!(*history.now(), design);
}

#[test]
fn two_hundred_steps_are_kept_and_no_more() {
    let (design, name) = placed(&Design::empty(), Kind::Service, None);
    let mut history = History::new(design);
    for n in 0..450 {
        let edit = common::rename(&name, &format!("Été {n}"));
        let name_now = history.now().scenario().components.keys().next().cloned();
        let edit = match name_now {
            Some(now) => common::rename(&now, &format!("S {n}")),
            None => edit,
        };
        history.apply(&edit, None).expect("renamed");
    }
    let mut steps = 0;
    while history.undo().is_some() {
        steps += 1;
    }
    assert_eq!(steps, 200);
    assert!(history.now().scenario().components.contains_key("s-249"));
}

#[test]
fn names_come_of_labels_and_stay_apart() {
    let (design, a) = placed(&Design::empty(), Kind::Service, None);
    let (design, b) = placed(&design, Kind::Service, None);
    let names =
        |design: &Design| -> Vec<String> { design.scenario().components.keys().cloned().collect() };
    let design = edited(&design, &common::rename(&a, "  Order Service (v2)!  "));
    assert_eq!(names(&design)[0], "order-service-v2");
    assert_eq!(design.label("order-service-v2"), "Order Service (v2)!");
    let design = edited(&design, &common::rename(&b, "Order service v2"));
    assert_eq!(names(&design)[1], "order-service-v2-2");
    // What has no letters of names keeps its name; what is long is cut.
    let design = edited(&design, &common::rename("order-service-v2-2", "注文"));
    assert_eq!(names(&design)[1], "order-service-v2-2");
    assert_eq!(design.label("order-service-v2-2"), "注文");
    let long = "x".repeat(400);
    let design = edited(&design, &common::rename("order-service-v2-2", &long));
    assert_eq!(names(&design)[1].len(), 40);
    let why = common::rename(&names(&design)[0], " \t ").apply(&design);
    assert_eq!(why, Err("A component needs a name.".to_owned()));
    assert!(problems(&design).iter().all(|p| p.contains("no client")));
}

#[test]
fn groups_have_each_component_once() {
    let (design, a) = placed(&Design::empty(), Kind::Service, None);
    let (design, b) = placed(&design, Kind::Service, None);
    let group = |name: &str, members: &[&String]| Edit::Group {
        name: name.to_owned(),
        members: members.iter().map(|name| (*name).clone()).collect(),
    };
    let design = edited(&design, &group("First", &[&a, &b, &a]));
    assert_eq!(design.groups()[0].members, [a.clone(), b.clone()]);
    let design = edited(&design, &group("Second", &[&b]));
    assert_eq!(design.groups().len(), 2);
    assert_eq!(design.groups()[0].members, [a.as_str()]);
    let design = edited(&design, &common::delete(&a));
    assert_eq!(design.groups().len(), 1);
    let design = edited(&design, &common::rename(&b, "Till"));
    assert_eq!(design.groups()[0].members, ["till"]);
    let design = edited(&design, &Edit::Ungroup("till".to_owned()));
    assert!(design.groups().is_empty());
    // From outside, the same.
    let members = vec!["till".to_owned(); 3];
    let groups = ["a", "b"].map(|name| Group {
        name: name.repeat(100),
        members: members.clone(),
    });
    let design = Design::new((**design.tree()).clone(), groups.to_vec()).expect("a design");
    assert_eq!(design.groups().len(), 1);
    assert_eq!(design.groups()[0].name.len(), 60);
    assert_eq!(design.groups()[0].members, ["till"]);
}

#[test]
fn aligned_ones_stand_in_line() {
    let mut design = Design::empty();
    let mut names = Vec::new();
    for at in [[0.0, 4.0], [10.0, 2.0], [3.0, 0.0]] {
        let edit = Edit::Place {
            kind: Kind::Queue,
            at: Some(at),
            after: None,
        };
        let placed = edit.apply(&design).expect("placed");
        names.push(placed.select.expect("selected").remove(0));
        design = placed.design;
    }
    let places = |align: Align| {
        let design = edited(&design, &Edit::Align(names.clone(), align));
        names.iter().map(|name| design.at(name)).collect::<Vec<_>>()
    };
    assert_eq!(places(Align::Row), [[0.0, 2.0], [10.0, 2.0], [3.0, 2.0]]);
    assert_eq!(
        places(Align::Column),
        [[4.375, 4.0], [4.375, 2.0], [4.375, 0.0]]
    );
    assert_eq!(places(Align::Across), [[0.0, 4.0], [10.0, 2.0], [5.0, 0.0]]);
    assert_eq!(places(Align::Down), [[0.0, 4.0], [10.0, 2.0], [3.0, 0.0]]);
    // They move as one, and none leaves the board.
    let shifted = Edit::Move {
        names: names.clone(),
        by: [-5.0, 98.0],
    };
    let shifted = edited(&design, &shifted);
    let places: Vec<[f64; 2]> = names.iter().map(|name| shifted.at(name)).collect();
    assert_eq!(places, [[0.0, 100.0], [10.0, 98.0], [3.0, 96.0]]);
}

#[test]
fn what_is_not_there_is_refused_in_words() {
    let nobody = || vec!["nobody".to_owned()];
    let edits = [
        Edit::Move {
            names: nobody(),
            by: [1.0, 1.0],
        },
        Edit::Delete { names: nobody() },
        Edit::Align(nobody(), Align::Row),
        Edit::Ungroup("nobody".to_owned()),
        Edit::Group {
            name: "x".to_owned(),
            members: nobody(),
        },
        common::rename("nobody", "Somebody"),
        common::connect("nobody", "else"),
        common::disconnect("nobody", "else"),
        Edit::Change(vec![Change::remove("/components/nobody")]),
        Edit::Paste(json!({})),
        Edit::Paste(json!({ "components": {} })),
    ];
    for edit in edits {
        let why = edit.apply(&Design::empty()).expect_err("refused");
        assert!(why.ends_with('.'), "{edit:?}: {why}");
    }
    // A place after nobody is a place.
    let edit = Edit::Place {
        kind: Kind::Queue,
        at: None,
        after: Some("nobody".to_owned()),
    };
    assert_eq!(
        edited(&Design::empty(), &edit).scenario().components.len(),
        1
    );
}

#[test]
fn a_design_grows_to_its_limit_and_no_further() {
    let (mut design, _) = placed(&Design::empty(), Kind::Queue, None);
    while design.scenario().components.len() < 256 {
        let names: Vec<String> = design.scenario().components.keys().cloned().collect();
        design = edited(&design, &Edit::Paste(copied(&design, &names)));
    }
    let names: Vec<String> = design.scenario().components.keys().cloned().collect();
    let why = Edit::Paste(copied(&design, &names))
        .apply(&design)
        .expect_err("too many");
    assert!(
        why.contains("512 components: at most 500 are allowed"),
        "{why}"
    );
    // Their labels are numbered, and nothing is wrong with their names.
    assert!(design.label("queue-256").ends_with("256"));
    assert!(problems(&design).iter().all(|p| !p.contains("name is")));
}
