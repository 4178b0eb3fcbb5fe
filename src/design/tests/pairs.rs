//! Every kind of component with every other: connected, disconnected, deleted, renamed, copied.

mod common;

use common::{connect, delete, disconnect, edited, mentions, placed, problems, rename};
use scale_design::palette::KINDS;
use scale_design::wiring::{connections, refusal};
use scale_design::{Design, Edit, copied};
use scale_sim::Kind;

/// Both kinds beside each other, with names that nothing else has.
fn two(first: Kind, second: Kind) -> Design {
    let (design, a) = placed(&Design::empty(), first, None);
    let (design, b) = placed(&design, second, None);
    let design = edited(&design, &rename(&a, "first-one"));
    edited(&design, &rename(&b, "second-one"))
}

/// The pair as the scenario lists it, in whichever direction.
fn listed(design: &Design, a: &str, b: &str) -> Option<(String, String)> {
    let all = connections(design.scenario()).into_iter();
    let mut found = all.filter(|pair| *pair == (a, b) || *pair == (b, a));
    found.next().map(|(a, b)| (a.to_owned(), b.to_owned()))
}

/// A problem that says no more than that something is not connected yet.
fn is_open_end(problem: &str) -> bool {
    problem.contains("there is no component ''")
        || problem.contains("no client:")
        || problem.contains("needs at least one target")
        || problem.contains("targets: 0 is out of range")
        || problem.contains("cached.miss: 0 is out of range")
}

/// All pairs that can be connected, with the design before and after.
fn connected() -> Vec<(Kind, Kind, Design, Design)> {
    let mut all = Vec::new();
    for first in KINDS {
        for second in KINDS {
            let before = two(first, second);
            let edit = connect("first-one", "second-one");
            let refused = refusal(before.scenario(), "first-one", "second-one");
            match edit.apply(&before) {
                Ok(after) => {
                    assert_eq!(refused, None, "{first:?} {second:?}");
                    all.push((first, second, before, after.design));
                }
                Err(why) => {
                    assert!(why.ends_with('.') && why.len() > 20, "{first:?}: {why}");
                    assert_eq!(refused, Some(why));
                }
            }
        }
    }
    all
}

#[test]
fn what_connects_is_listed_and_brings_no_problem() {
    let all = connected();
    for (first, second, before, after) in &all {
        let pair = format!("{first:?} {second:?}");
        assert!(listed(after, "first-one", "second-one").is_some(), "{pair}");
        let known = problems(before);
        let new = problems(after).into_iter();
        let new: Vec<String> = new
            .filter(|p| !known.contains(p) && !is_open_end(p))
            .collect();
        assert!(new.is_empty(), "{pair}: {new:?}");
        // Both ways round it is refused now.
        for (a, b) in [("first-one", "second-one"), ("second-one", "first-one")] {
            assert!(refusal(after.scenario(), a, b).is_some(), "{pair}");
        }
    }
    // The pairs as an author would expect them.
    let can: Vec<(Kind, Kind)> = all.iter().map(|(a, b, ..)| (*a, *b)).collect();
    for kind in KINDS {
        assert!(!can.contains(&(kind, Kind::Client)), "{kind:?}");
        assert_eq!(
            can.contains(&(Kind::Service, kind)),
            kind != Kind::Client,
            "{kind:?}"
        );
        for broker in [Kind::Queue, Kind::Topic] {
            assert_eq!(can.contains(&(broker, kind)), kind == Kind::Service);
        }
        assert_eq!(can.contains(&(Kind::Shards, kind)), kind == Kind::Database);
        assert_eq!(can.contains(&(Kind::View, kind)), kind == Kind::EventStore);
        assert_eq!(can.contains(&(Kind::EventStore, kind)), kind == Kind::View);
        let brokers = [Kind::Queue, Kind::Topic];
        assert_eq!(
            can.contains(&(Kind::Database, kind)),
            brokers.contains(&kind)
        );
    }
    for to in [Kind::Service, Kind::Database, Kind::Gateway, Kind::Shards] {
        assert!(can.contains(&(Kind::Balancer, to)), "{to:?}");
        assert!(can.contains(&(Kind::Client, to)), "{to:?}");
    }
    for to in [Kind::Balancer, Kind::Queue, Kind::Topic, Kind::Cache] {
        assert!(!can.contains(&(Kind::Balancer, to)), "{to:?}");
    }
}

#[test]
fn what_is_disconnected_leaves_no_mention() {
    for (first, second, _, after) in connected() {
        let (from, to) = listed(&after, "first-one", "second-one").expect("connected");
        // As it is listed, and as it was asked for.
        for edit in [
            disconnect(&from, &to),
            disconnect("first-one", "second-one"),
        ] {
            let design = edited(&after, &edit);
            let pair = format!("{first:?} {second:?}");
            assert!(
                listed(&design, "first-one", "second-one").is_none(),
                "{pair}"
            );
            for (own, other) in [("first-one", "second-one"), ("second-one", "first-one")] {
                let component = &design.tree()["components"][own];
                assert!(mentions(component, other).is_empty(), "{pair}: {component}");
            }
            // And it can be connected again.
            let again = edited(&design, &connect("first-one", "second-one"));
            assert!(
                listed(&again, "first-one", "second-one").is_some(),
                "{pair}"
            );
            let known = problems(&after);
            let new: Vec<String> = { problems(&again).into_iter() }
                .filter(|p| !known.contains(p))
                .collect();
            assert!(new.is_empty(), "{pair}: {new:?}");
        }
    }
}

#[test]
fn what_is_deleted_is_mentioned_nowhere() {
    for (first, second, _, after) in connected() {
        for name in ["first-one", "second-one"] {
            let design = edited(&after, &delete(name));
            let found = mentions(design.tree(), name);
            assert!(found.is_empty(), "{first:?} {second:?}: {found:?}");
            assert_eq!(design.scenario().components.len(), 1);
        }
        let names = vec!["first-one".to_owned(), "second-one".to_owned()];
        let design = edited(&after, &Edit::Delete { names });
        assert!(design.is_empty() && design.scenario().view.is_empty());
    }
}

#[test]
fn what_is_renamed_is_connected_as_before() {
    for (first, second, _, after) in connected() {
        let design = edited(&after, &rename("first-one", "Shop window"));
        let design = edited(&design, &rename("second-one", "Till"));
        let pair = format!("{first:?} {second:?}");
        assert!(listed(&design, "shop-window", "till").is_some(), "{pair}");
        for (name, found) in [("first-one", 0), ("second-one", 0)] {
            // The name of a subscription is its own.
            let mentions = mentions(design.tree(), name).into_iter();
            let others = mentions.filter(|at| !at.contains("/subscriptions/"));
            assert_eq!(others.count(), found, "{pair}");
        }
        assert_eq!(design.label("till"), "Till");
        let back = edited(&design, &rename("shop-window", "first-one"));
        let back = edited(&back, &rename("till", "second-one"));
        assert_eq!(back, after, "{pair}");
    }
}

#[test]
fn a_copy_is_connected_within_itself_alone() {
    for (first, second, _, after) in connected() {
        let pair = format!("{first:?} {second:?}");
        let both = ["first-one".to_owned(), "second-one".to_owned()];
        let pasted = Edit::Paste(copied(&after, &both))
            .apply(&after)
            .expect("a copy");
        let names = pasted.select.expect("the new ones");
        assert_eq!(names, ["first-one-2", "second-one-2"]);
        let all = connections(pasted.design.scenario());
        assert_eq!(all.len(), 2 * connections(after.scenario()).len(), "{pair}");
        assert!(listed(&pasted.design, "first-one-2", "second-one-2").is_some());
        assert!(listed(&pasted.design, "first-one", "second-one").is_some());

        // One alone is connected with nothing, and what was there stays as it was.
        for name in both {
            let clip = copied(&after, core::slice::from_ref(&name));
            let pasted = Edit::Paste(clip).apply(&after).expect("a copy");
            let new = &pasted.select.expect("the new one")[0];
            let all = connections(pasted.design.scenario());
            assert_eq!(all.len(), 1, "{pair}");
            assert!(all.iter().all(|(a, b)| a != new && b != new), "{pair}");
            let left = edited(&pasted.design, &delete(new));
            assert_eq!(left, after, "{pair}");
        }
        // Into an empty design it comes under its own names.
        let clip = copied(&after, &["first-one".to_owned(), "second-one".to_owned()]);
        let alone = Edit::Paste(clip).apply(&Design::empty()).expect("a copy");
        assert_eq!(alone.select.expect("names"), ["first-one", "second-one"]);
        assert!(listed(&alone.design, "first-one", "second-one").is_some());
    }
}
