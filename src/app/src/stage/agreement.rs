//! What is drawn, what is told, and what happened are the same: over every sample scenario, event by event.

use std::fs;

use scale_sim::Kind;

use super::canvas::list::{List, Mark};
use super::layout::Layout;
use super::narration::Density;
use super::painter::{Colours, paint};
use super::run::Run;
use crate::protocol::{Command, DotKind, NO_REQUEST, Reply, Scene, What};
use crate::session::Session;

/// A run of a scenario up to some moment; nothing if it needs files beside it.
fn run(scenario: &str, to_s: f64) -> Option<Run> {
    let mut session = Session::default();
    let load = Command::Load {
        run: 1,
        beside: None,
        scenario: scenario.to_owned(),
        task: "[]".to_owned(),
    };
    let Some(Reply::Ready(_, scene)) = session.handle(load) else {
        return None;
    };
    let mut run = Run::new(1, 0.0, Scene::default());
    run.ready(scene);
    let Some(Reply::Frame(_, frame)) = session.handle(Command::Advance { run: 1, to_s }) else {
        panic!("no frame")
    };
    run.heard(&frame);
    run.picture.set_leg_s(0.2);
    Some(run)
}

/// The sample scenarios that need no files, by name.
fn samples() -> impl Iterator<Item = (String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/scenarios");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the samples are part of the project")
        .map(|entry| entry.expect("a folder can be read").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .collect();
    paths.sort();
    paths.into_iter().map(|path| {
        let text = fs::read_to_string(&path).expect("a sample can be read");
        (path.display().to_string(), text)
    })
}

#[test]
fn every_event_is_told_with_its_request_and_its_place() {
    let mut kinds = 0;
    for (name, scenario) in samples() {
        let Some(mut run) = run(&scenario, 1.0) else {
            continue;
        };
        kinds += 1;
        let ticks = run.picture.ticks().to_vec();
        run.picture.seek(1.0);
        let told: Vec<String> = run.narration(Density::Full, None).collect();
        assert_eq!(told.len(), ticks.len(), "{name}");
        for (tick, sentence) in ticks.iter().zip(told.iter().rev()) {
            let said = format!("{name}: {tick:?}: {sentence}");
            assert!(
                sentence.starts_with(&format!("{:.3} s: ", tick.at_s)),
                "{said}"
            );
            if tick.request != NO_REQUEST {
                let number = format!(": request {} ", tick.request + 1);
                assert!(sentence.contains(&number), "{said}");
            }
            if let Some(station) = tick.what.station() {
                assert!(sentence.contains(&run.station_name(station)), "{said}");
            }
        }
        // What is told adds up to what the picture shows.
        let count = |words: &str| told.iter().filter(|line| line.contains(words)).count() as u64;
        let all = (count(", about key "), count(" is answered after "));
        if run.picture.stride() == 1 {
            assert_eq!(all, run.picture.counts(), "{name}");
            assert_eq!(all.0, run.totals[0], "{name}");
        }
    }
    assert!(kinds > 60, "{kinds} samples");
}

#[test]
fn the_words_on_a_station_have_the_numbers_of_the_picture() {
    let scenario = include_str!("../page/scenes/flow.json");
    let mut run = run(scenario, 6.0).expect("it needs no files");
    for step in 0..200 {
        run.picture.seek(f64::from(step) * 0.03);
        for at in 0..run.scene.stations.len() {
            let (now, words) = (run.picture.station(at), run.describe(at));
            let busy = format!("{} of {}", now.busy, run.scene.stations[at].servers);
            assert!(words.contains(&busy), "{words}");
            assert!(
                words.contains(&format!("{} in the queue", now.waiting)),
                "{words}"
            );
        }
    }
}

/// What is drawn of a run at a moment, with its layout.
fn drawn(run: &mut Run, at_s: f64, width: f64) -> (List, Layout) {
    run.picture.seek(at_s);
    let layout = Layout::new(&run.scene, width, 500.0, 1.0);
    let list = List::default();
    paint(
        &list,
        1.0,
        (&run.scene, &layout),
        &run.picture,
        &Colours::named(),
        false,
    );
    (list, layout)
}

#[test]
fn servers_lines_and_dots_are_drawn_as_many_as_there_are() {
    let scenario = include_str!("../page/scenes/flow.json");
    let mut run = run(scenario, 8.0).expect("it needs no files");
    let mut seen = [0; 3];
    for step in 1..80 {
        let (list, layout) = drawn(&mut run, f64::from(step) * 0.1, 900.0);
        let places = || layout.stations.iter().enumerate();
        let places = || places().filter_map(|(at, place)| Some((at, place.as_ref()?)));
        let now = |at: usize| run.picture.station(at);
        let boxes = |at: usize, servers: usize| (now(at).busy as usize).min(servers);
        let busy: usize = places()
            .map(|(at, place)| boxes(at, place.servers.len()))
            .sum();
        let held: usize = places()
            .map(|(at, place)| (now(at).held as usize).min(boxes(at, place.servers.len())))
            .sum();
        assert_eq!(
            list.rects("busy", true),
            busy - held,
            "at work, step {step}"
        );
        assert_eq!(list.rects("held", false), held, "held, step {step}");
        let waiting: usize = places()
            .map(|(at, place)| (now(at).waiting as usize).min(place.line()))
            .sum();
        assert_eq!(
            list.circles("wait", true).len(),
            waiting,
            "in line, step {step}"
        );
        // Every request on its way has a dot, where the picture says.
        let requests = run.picture.dots(&layout).into_iter();
        let requests = requests.filter(|dot| dot.kind == DotKind::Request);
        let requests: Vec<(f64, f64)> = requests.map(|dot| (dot.at.x, dot.at.y)).collect();
        let dots = list.circles("request", true).into_iter();
        let dots: Vec<(f64, f64)> = dots.map(|(x, y, _)| (x, y)).collect();
        assert_eq!(dots, requests, "step {step}");
        for (seen, now) in seen.iter_mut().zip([held, waiting, dots.len()]) {
            *seen += now;
        }
    }
    assert!(seen.iter().all(|seen| *seen > 0), "{seen:?}");
}

#[test]
fn what_components_hold_is_drawn_for_what_it_is() {
    let caches = include_str!("../page/scenes/caches.json");
    let mut caches = run(caches, 8.0).expect("it needs no files");
    let words = drawn(&mut caches, 8.0, 900.0).0.words();
    assert!(words.iter().any(|word| word.ends_with("hit")), "{words:?}");
    let keys = words.iter().filter(|word| word.parse::<u64>().is_ok());
    assert!(keys.count() > 8, "keys in the caches: {words:?}");

    let shards = include_str!("../page/scenes/shards.json");
    let mut shards = run(shards, 8.0).expect("it needs no files");
    let last = shards.picture.ticks().iter().rev();
    let last = last
        .filter(|tick| tick.at_s <= 6.0)
        .find_map(|tick| match tick.what {
            What::Placed { key, .. } => Some(key),
            _ => None,
        });
    let key = last.expect("keys were placed");
    let (map, _) = drawn(&mut shards, 6.0, 900.0);
    let words = map.words();
    let named = |word: &String| *word == key.to_string() || *word == format!("key {key}");
    assert!(words.iter().any(named), "key {key}: {words:?}");
    let marks = map.marks();
    let arcs = marks.iter().filter(|mark| match mark {
        Mark::Path(_, colour, false) | Mark::Rect(_, colour, true) => colour.starts_with("shade"),
        _ => false,
    });
    assert!(arcs.count() >= 3, "a piece of the map for each shard");

    let sagas = include_str!("../page/scenes/sagas.json");
    let mut sagas = run(sagas, 20.0).expect("it needs no files");
    let back = { sagas.picture.ticks().iter() }
        .find(|tick| {
            matches!(
                tick.what,
                What::Saga {
                    turn: crate::protocol::SagaTurn::Compensating,
                    ..
                }
            )
        })
        .map(|tick| tick.at_s)
        .expect("a saga is taken back");
    let words = drawn(&mut sagas, back, 900.0).0.words();
    assert!(words.contains(&"↶".to_owned()), "{words:?}");
    let runs_back = (0..40).any(|step| {
        let (way, _) = drawn(&mut sagas, back + f64::from(step) * 0.02, 900.0);
        let triangle = |mark: &Mark| matches!(mark, Mark::Path(at, colour, true) if at.len() == 3 && colour == "undo");
        way.marks().iter().any(triangle)
    });
    assert!(runs_back, "the compensation is seen on its way");
}

#[test]
fn too_many_to_tell_apart_are_drawn_as_flows() {
    let flood = include_str!("../../../../tests/scenarios/eight-servers.json");
    let mut flood = run(flood, 5.0).expect("it needs no files");
    flood.picture.set_leg_s(2.0);
    let (list, layout) = drawn(&mut flood, 4.0, 900.0);
    let flows = flood
        .picture
        .flows(&layout)
        .expect("more than can be told apart");
    assert!(list.circles("request", true).is_empty());
    let paths = list.marks().into_iter();
    let paths = paths.filter(|mark| matches!(mark, Mark::Path(at, ..) if at.len() == 2));
    assert!(paths.count() >= flows.len());
    assert!(
        flood
            .scene
            .components
            .iter()
            .any(|c| c.kind == Kind::Balancer)
    );
}
