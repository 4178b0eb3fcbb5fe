//! What comes from outside and means no good, or is broken: one message, soon, and no panic.

mod common;

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::{placed, problems, scenarios};
use miniz_oxide::deflate::compress_to_vec;
use proptest::prelude::*;
use proptest::sample::Index;
use scale_design::keep::{Kept, SNAPSHOTS};
use scale_design::wiring::connections;
use scale_design::{Design, Edit, file, link, mermaid};
use scale_sim::{Kind, limits};
use serde_json::json;

/// What takes longer than this grows without bound: all of it takes some tenths of a second on the page, ten times that in a build for
/// debugging, and more on a busy machine.
const SOON: Duration = Duration::from_secs(30);

/// What comes of it, within the time.
fn soon<T>(what: &str, of: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let out = of();
    let took = begun.elapsed();
    assert!(took < SOON, "{what} took {took:?}");
    println!("{what}: {took:?}");
    out
}

/// One sentence, short enough to show.
fn is_one_message(why: &str) -> bool {
    !why.is_empty() && why.len() < 1_500 && !why.contains('\n')
}

/// It is refused, in words that hold some of these.
fn refused<T: std::fmt::Debug>(what: &str, of: impl FnOnce() -> Result<T, String>, words: &[&str]) {
    let why = soon(what, of).expect_err(what);
    assert!(is_one_message(&why), "{what}: {why}");
    assert!(words.iter().any(|word| why.contains(word)), "{what}: {why}");
}

fn packed(text: &str) -> String {
    link::pack(text)
}

fn of(components: &str) -> String {
    format!(
        r#"{{"design":1,"scenario":{{"version":1,"horizon_s":10,"components":{{{components}}}}}}}"#
    )
}

fn shop() -> Design {
    let mut design = Design::empty();
    let mut last: Option<String> = None;
    for kind in [
        Kind::Client,
        Kind::Balancer,
        Kind::Service,
        Kind::Cache,
        Kind::Database,
    ] {
        let (next, name) = placed(&design, kind, last.as_deref());
        (design, last) = (next, Some(name));
    }
    assert_eq!(problems(&design), Vec::<String>::new());
    design
}

#[test]
fn links_that_are_no_designs() {
    let damaged = ["The link is damaged"];
    for text in ["", "1", "x", "#", "..", "ä", "1x", "01."] {
        refused(
            text,
            || link::read(text),
            &["The link holds no design", "version 0"],
        );
    }
    for text in ["2.abc", "17.", "999999999999999999.x"] {
        refused(
            text,
            || link::read(text),
            &["is of version", "this page reads version 1"],
        );
    }
    let not_utf8 = URL_SAFE_NO_PAD.encode(compress_to_vec(&[0xff, 0xfe, 0x80], 6));
    let texts = [
        "1.",
        "1.!",
        "1.AAAA",
        "1.====",
        "1.ä",
        "1.a b",
        &format!("1.{not_utf8}"),
    ];
    for text in texts {
        refused(text, || link::read(text), &damaged);
    }
    let long = format!("1.{}", "A".repeat(link::LONGEST));
    refused("long", || link::read(&long), &["at most 60000 are read"]);
    // What is small when it is packed.
    let bomb = packed(&" ".repeat(limits::FILE_BYTES + 1));
    assert!(bomb.len() < link::LONGEST, "{}", bomb.len());
    refused("a bomb", || link::read(&bomb), &["it holds more than"]);
    let bomb = packed(&format!("{}1", " ".repeat(limits::FILE_BYTES - 1)));
    refused("a blank", || link::read(&bomb), &["This is no design"]);
    let deep = packed(&"[".repeat(1_000_000));
    refused(
        "deep",
        || link::read(&deep),
        &["This is no design: recursion limit"],
    );
    // Of a good one, each beginning.
    let good = link::write(&shop()).expect("short");
    for end in 0..good.len() {
        let why = link::read(&good[..end]).expect_err("cut");
        assert!(is_one_message(&why), "{why}");
    }
    // And with each letter another: refused, or a design (what was changed may be a word of it).
    for at in 0..good.len() {
        let other = if &good[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{}{other}{}", &good[..at], &good[at + 1..]);
        if let Err(why) = link::read(&changed) {
            assert!(is_one_message(&why), "{why}");
        }
    }
}

#[test]
fn a_design_too_large_for_a_link_says_so() {
    let mut design = shop();
    let mut tree = (**design.tree()).clone();
    // What does not shrink.
    let mut seed = 1_u64;
    let noise = (0..60_000).map(|_| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'!' + (seed >> 58) as u8)
    });
    tree["title"] = noise.collect::<String>().into();
    design = Design::new(tree, Vec::new()).expect("a design");
    refused(
        "large",
        || link::write(&design),
        &["Save it as a file instead."],
    );
    assert_eq!(file::read(&file::write(&design)).as_ref(), Ok(&design));
}

#[test]
fn promises_that_are_none() {
    for (slos, words) in [
        ("3", "slos: "),
        (r#"{"p99":3}"#, "slos.p99: unknown field"),
        (r#"{"p99_ms":-3}"#, "slos.p99_ms: -3 is out of range"),
        (r#"{"p99_ms":1e999}"#, "out of range"),
        (
            r#"{"availability":2}"#,
            "slos.availability: 2 is out of range: 0 to 1 is allowed",
        ),
    ] {
        let scenario = r#"{"version":1,"horizon_s":1,"components":{}}"#;
        let text = format!(r#"{{"design":1,"scenario":{scenario},"slos":{slos}}}"#);
        refused(&text, || file::read(&text), &[words]);
    }
}

#[test]
fn files_that_are_no_designs() {
    for text in [
        "",
        "null",
        "3",
        "\"x\"",
        "[]",
        "{}",
        "{",
        "nul",
        "\u{feff}{}",
        "{\"a\":1,}",
    ] {
        refused(text, || file::read(text), &["This is no design"]);
    }
    for (text, words) in [
        (r#"{"design":1}"#, "there is no 'scenario'"),
        (r#"{"design":2,"scenario":{}}"#, "version 2"),
        (r#"{"design":1.5,"scenario":{}}"#, "version 1.5"),
        (r#"{"design":-1}"#, "version -1"),
        (r#"{"design":"1","scenario":{}}"#, "'design' is its version"),
        (r#"{"design":null}"#, "'design' is its version"),
        (
            r#"{"design":1,"scenario":{},"extra":1}"#,
            "extra: this is not known",
        ),
        (r#"{"design":1,"scenario":[]}"#, "scenario: "),
        (r#"{"design":1,"scenario":{}}"#, "scenario: missing field"),
        (
            r#"{"design":1,"scenario":{"version":1,"horizon_s":1,"components":{}},"groups":3}"#,
            "groups: ",
        ),
        (
            r#"{"design":1,"scenario":{"version":1,"horizon_s":1,"components":{}},"groups":[{"name":"x"}]}"#,
            "groups[0]: missing field",
        ),
        (r#"{"design":{"components":3}}"#, "scenario"),
        (r#"{"components":3}"#, "scenario"),
        (
            r#"{"components":{},"components":{}}"#,
            "stands twice in one object",
        ),
    ] {
        refused(text, || file::read(text), &[words]);
    }
    for (component, words) in [
        (
            r#""a":{"client":{}}"#,
            "scenario.components.a.client: missing field",
        ),
        (
            r#""a":{"cleint":{}}"#,
            "scenario.components.a.cleint: unknown variant `cleint`",
        ),
        (r#""a":{"queue":{},"topic":{}}"#, "one of these is wanted"),
        (r#""a":{"queue":{}},"a":{"queue":{}}"#, "stands twice"),
        (r#""a":{"queue":{"capacity":1e999}}"#, "number out of range"),
        (
            r#""a":{"queue":{"capacity":NaN}}"#,
            "This is no design: expected value",
        ),
        (
            r#""a":{"queue":{"capacity":-Infinity}}"#,
            "This is no design",
        ),
        (
            r#""a":{"queue":{"capacity":-1}}"#,
            "scenario.components.a.queue.capacity",
        ),
        (
            r#""a":{"queue":{"retry_ms":"soon"}}"#,
            "scenario.components.a.queue.retry_ms",
        ),
        (
            r#""a":{"queue":{"__proto__":{}}}"#,
            "unknown field `__proto__`",
        ),
    ] {
        refused(component, || file::read(&of(component)), &[words]);
    }
    // What a message repeats of it is no more than a line.
    let long = "x".repeat(1_000_000);
    for name in ["a\\nb\\u0000", &long] {
        for text in [
            format!(r#"{{"{name}":1}}"#),
            format!(r#"{{"design":1,"scenario":{{}},"{name}":1}}"#),
            format!(r#"{{"components":{{}},"{name}":1}}"#),
            format!(r#"{{"design":1,"scenario":"{name}"}}"#),
            format!(r#"{{"components":{{"{name}":{{"{name}":1}}}}}}"#),
            format!(r#"{{"{name}":1,"{name}":2}}"#),
        ] {
            refused("a long name", || file::read(&text), &[""]);
            refused("a long name, kept", || Kept::read(&text), &[""]);
        }
    }
    // Numbers that are numbers, and out of range: that is a problem of a design.
    let design = file::read(&of(r#""a":{"queue":{"retry_ms":1e300}}"#)).expect("a design");
    assert!(problems(&design).iter().any(|p| p.contains("out of range")));
}

#[test]
fn files_of_great_size() {
    let many = |count: usize, one: fn(usize) -> String| -> String {
        (0..count).map(one).collect::<Vec<_>>().join(",")
    };
    let queues = |count| of(&many(count, |n| format!(r#""q{n}":{{"queue":{{}}}}"#)));
    refused(
        "501 components",
        || file::read(&queues(501)),
        &["501 components: at most 500"],
    );
    assert!(soon("500 components", || file::read(&queues(500))).is_ok());
    refused(
        "100,000 components",
        || file::read(&queues(100_000)),
        &["more than 2000 names"],
    );
    let large = format!("{}{}", " ".repeat(limits::FILE_BYTES), queues(1));
    refused(
        "a large file",
        || file::read(&large),
        &["at most 4194304 are read"],
    );
    for (what, open) in [("lists", "["), ("objects", "{\"a\":")] {
        let deep = open.repeat(limits::FILE_BYTES / open.len());
        refused(what, || file::read(&deep), &["recursion limit"]);
    }
    let calls = "[{\"call\":{\"to\":\"a\",\"fallback\":".repeat(40) + "[]" + &"}}]".repeat(40);
    let plan = format!(r#""a":{{"service":{{"workers":1,"plans":{{"*":{calls}}}}}}}"#);
    refused(
        "fallbacks of fallbacks",
        || file::read(&of(&plan)),
        &["100 deep"],
    );

    // As large as a file may be, and each entry has to be looked at.
    let target = |kind: &str, name: &str| {
        let names = format!("\"{name}\",").repeat(limits::FILE_BYTES / (name.len() + 3) - 200);
        let names = names.trim_end_matches(',');
        let rest = match kind {
            "balancer" => format!(r#""policy":"random","backups":[],"targets":[{names}]"#),
            _ => format!(r#""partitioning":"modulo","targets":[{names}]"#),
        };
        of(&format!(
            r#""a":{{"{kind}":{{{rest}}}}},"b":{{"queue":{{}}}}"#
        ))
    };
    for (kind, name) in [
        ("balancer", "b"),
        ("balancer", "x"),
        ("shards", "b"),
        ("shards", "xy"),
    ] {
        let text = target(kind, name);
        let design = soon("many targets", || file::read(&text)).expect("a design");
        assert!(design.problems().len() < 300);
        soon("their connections", || connections(design.scenario()).len());
    }
    let calls = many(150_000, |_| r#"{"call":{"to":"x"}}"#.to_owned());
    let service = format!(r#""a":{{"service":{{"workers":1,"plans":{{"*":[{calls}]}}}}}}"#);
    let design = soon("many calls", || file::read(&of(&service))).expect("a design");
    assert!(design.problems().len() <= limits::PROBLEMS + 1);
    assert!(
        design
            .problems()
            .iter()
            .any(|p| p.message.contains("there is more"))
    );
    let links = many(60_000, |n| {
        format!(r#"{{"from":"a{n}","to":"b","latency":{{"constant":{{"mean_ms":1}}}}}}"#)
    });
    let text = format!(r#"{{"version":1,"horizon_s":10,"components":{{}},"links":[{links}]}}"#);
    let design = soon("many links", || file::read(&text)).expect("a design");
    assert!(problems(&design).iter().any(|p| p.contains("links: 60000")));
    let groups = many(60_000, |n| {
        format!(r#"{{"name":"{n}","members":["a","b","c","a"]}}"#)
    });
    let text = format!(
        r#"{{"design":1,"groups":[{groups}],"scenario":{{"version":1,"horizon_s":10,"components":{{"a":{{"queue":{{}}}}}}}}}}"#
    );
    let design = soon("many groups", || file::read(&text)).expect("a design");
    assert_eq!(design.groups().len(), 1);
    let writes = "\"x\",".repeat(900_000);
    let writes = writes.trim_end_matches(',');
    let queries = many(1_900, |n| {
        format!(r#""q{n}":{{"constant":{{"mean_ms":1}}}}"#)
    });
    let database = format!(
        r#""a":{{"database":{{"connections":1,"writes":[{writes}],"queries":{{{queries}}},"outbox":{{"operations":[],"to":"a"}}}}}}"#
    );
    let design = soon("many writes", || file::read(&of(&database))).expect("a design");
    assert!(
        problems(&design)
            .iter()
            .any(|p| p.contains("database.writes: 900000"))
    );
}

/// So many services, each of which calls some of the others that come after it.
fn mesh(count: usize, calls: usize) -> String {
    let mut all = vec![
        r#""u":{"client":{"operation":"x","target":"s0","arrivals":{"constant":{"rate_per_s":1}}}}"#
            .to_owned(),
    ];
    let each = calls / count;
    for n in 0..count {
        let calls: Vec<String> = (n + 1..count.min(n + 1 + each))
            .map(|to| format!(r#"{{"call":{{"to":"s{to}"}}}}"#))
            .collect();
        let plan = [
            vec![r#"{"work":{"constant":{"mean_ms":1}}}"#.to_owned()],
            calls,
        ]
        .concat();
        let plan = plan.join(",");
        all.push(format!(
            r#""s{n}":{{"service":{{"workers":1,"plans":{{"*":[{plan}]}}}}}}"#
        ));
    }
    all.join(",")
}

#[test]
fn meshes_and_rounds() {
    let text = of(&mesh(499, 2_000));
    let design = soon("a mesh", || file::read(&text)).expect("a design");
    assert!(
        problems(&design)[0].contains("32 deep"),
        "{:?}",
        problems(&design)[0]
    );
    assert_eq!(connections(design.scenario()).len(), 1_987);
    let shallow = of(&mesh(30, 10_000));
    let design = soon("a small mesh", || file::read(&shallow)).expect("a design");
    assert!(problems(&design)[0].contains("more than 1000000 calls"));

    // Nothing is wrong with this one: ten layers, each of which calls four of the next, and a thousand operations.
    let mix: Vec<String> = (0..1_000).map(|n| format!(r#""o{n}":1"#)).collect();
    let mut wide = vec![format!(
        r#""u":{{"client":{{"mix":{{{}}},"target":"s0-0","arrivals":{{"constant":{{"rate_per_s":1}}}}}}}}"#,
        mix.join(",")
    )];
    for layer in 0..10 {
        for n in 0..49 {
            let calls: Vec<String> = (0..4 * i32::from(layer < 9))
                .map(|to| format!(r#"{{"call":{{"to":"s{}-{}"}}}}"#, layer + 1, (n + to) % 49))
                .collect();
            let plan = [
                vec![r#"{"work":{"constant":{"mean_ms":1}}}"#.to_owned()],
                calls,
            ]
            .concat();
            let plan = plan.join(",");
            wide.push(format!(
                r#""s{layer}-{n}":{{"service":{{"workers":1,"plans":{{"*":[{plan}]}}}}}}"#
            ));
        }
    }
    let wide = of(&wide.join(","));
    let wide = soon("a wide mesh", || file::read(&wide)).expect("a design");
    assert_eq!(problems(&wide), Vec::<String>::new());

    // All that can be done with it, in time.
    let design = file::read(&text).expect("a design");
    soon("arranged", || Edit::Arrange.apply(&design)).expect("arranged");
    soon("connected", || common::connect("s3", "s400").apply(&design)).expect("connected");
    refused(
        "a round",
        || common::connect("s400", "s3").apply(&design),
        &["would go round"],
    );
    soon("renamed", || common::rename("s3", "Till").apply(&design)).expect("renamed");
    let names = (0..400).map(|n| format!("s{n}")).collect();
    soon("deleted", || Edit::Delete { names }.apply(&design)).expect("deleted");
    soon("drawn", || mermaid::write(&design));

    let round = of(
        r#""u":{"client":{"operation":"x","target":"a","arrivals":{"constant":{"rate_per_s":1}}}},
        "a":{"service":{"workers":1,"plans":{"*":[{"call":{"to":"b"}}]}}},
        "b":{"service":{"workers":1,"plans":{"*":[{"call":{"to":"a"}}]}}}"#,
    );
    let design = soon("a round", || file::read(&round)).expect("a design");
    assert!(problems(&design)[0].contains("go round and never end"));
    soon("a round, arranged", || Edit::Arrange.apply(&design)).expect("arranged");
    // One that calls itself, and a view that follows itself.
    let own = of(
        r#""a":{"gateway":{"target":"a"}},"v":{"view":{"source":"v","connections":1,"queries":{},"apply":{"constant":{"mean_ms":1}}}}"#,
    );
    let design = file::read(&own).expect("a design");
    assert!(!design.problems().is_empty());
    for name in ["a", "v"] {
        common::delete(name).apply(&design).expect("deleted");
        common::disconnect(name, name)
            .apply(&design)
            .expect("disconnected");
        common::rename(name, "b").apply(&design).expect("renamed");
    }
    Edit::Arrange.apply(&design).expect("arranged");
}

#[test]
fn names_with_scripts_are_names() {
    let script = "<script>alert(1)</script>";
    let text = json!({ "design": 1, "groups": [{ "name": script, "members": ["a", "toString", script] }], "scenario": {
        "version": 1, "title": script, "horizon_s": 1,
        "components": { "a": { "queue": {} }, "toString": { "queue": {} }, script: { "queue": {} }, "": { "queue": {} }, "\u{202e}\u{0}": { "queue": {} } },
        "view": { "a": { "label": script }, script: { "label": "`\" --> x]; end\nclick a \"javascript:alert(1)\"", "at": [1e300, -5] } }
    } });
    let design = file::read(&text.to_string()).expect("a design");
    assert_eq!(design.scenario().title, script);
    // They are problems, and what is drawn holds no tag, no quote and no line of theirs.
    assert!(
        problems(&design)
            .iter()
            .filter(|p| p.contains("name is 1 to 40"))
            .count()
            >= 4
    );
    let drawn = mermaid::write(&design);
    assert!(
        !drawn.contains("<script") && !drawn.contains("\nclick"),
        "{drawn}"
    );
    let lines = drawn
        .lines()
        .filter(|line| line.matches('"').count() == 2)
        .count();
    assert_eq!(lines, 6, "{drawn}");
    assert_eq!(
        mermaid::read(&drawn)
            .expect("a chart")
            .design
            .scenario()
            .components
            .len(),
        5
    );
    for name in ["a", "toString", script, "", "\u{202e}\u{0}"] {
        let renamed = common::rename(name, script)
            .apply(&design)
            .expect("renamed");
        let new = renamed.select.expect("selected").remove(0);
        assert!(new.starts_with("script-alert-1-script"), "{new}");
        let left = common::delete(&new)
            .apply(&renamed.design)
            .expect("deleted")
            .design;
        assert_eq!(left.scenario().components.len(), 4);
    }
    let arranged = Edit::Arrange.apply(&design).expect("arranged").design;
    assert!(problems(&arranged).len() < problems(&design).len());
}

#[test]
fn what_is_kept_and_broken() {
    let mut kept = Kept::new(&shop(), 1.0);
    let (design, _) = placed(&shop(), Kind::Queue, None);
    kept.keep(&design, 2.0, true);
    let text = kept.write();
    assert_eq!(Kept::read(&text).as_ref(), Ok(&kept));
    assert_eq!(kept.now.read().as_ref(), Ok(&design));
    assert_eq!(kept.snapshots[0].read(), Ok(shop()));
    for end in 0..text.len() {
        let why = Kept::read(&text[..end]).expect_err("cut");
        assert!(is_one_message(&why), "{why}");
    }
    for (text, words) in [
        ("{}", "missing field"),
        ("[]", "invalid type"),
        (
            r#"{"version":2,"turn":1,"title":"","components":0,"now":{"at_ms":1,"design":""}}"#,
            "version: 2 is not known",
        ),
        (
            r#"{"version":1,"turn":1,"title":"","components":0,"now":{"at_ms":1e999,"design":""}}"#,
            "number out of range",
        ),
        (
            r#"{"version":1,"turn":-1,"title":"","components":0,"now":{"at_ms":1,"design":""}}"#,
            "turn: ",
        ),
        (
            r#"{"version":1,"turn":1,"title":"","components":0,"now":{"at_ms":1,"design":""},"x":1}"#,
            "unknown field",
        ),
    ] {
        refused(text, || Kept::read(text), &[words]);
    }
    // A snapshot that is damaged is one message, and the others are still there.
    kept.snapshots[0].design = "1.AAAA".to_owned();
    let kept = Kept::read(&kept.write()).expect("kept");
    refused("a snapshot", || kept.snapshots[0].read(), &["damaged"]);
    assert!(kept.now.read().is_ok());
    let snapshot = |text: &str| scale_design::keep::Snapshot {
        at_ms: 1.0,
        design: packed(text),
    };
    let bomb = snapshot(&" ".repeat(limits::FILE_BYTES * 8));
    refused("a bomb", || bomb.read(), &["it holds more than"]);
}

#[test]
fn snapshots_are_kept_by_age_and_number() {
    let start = shop();
    let mut kept = Kept::new(&start, 0.0);
    let mut design = start.clone();
    let minute = 60_000.0;
    for n in 0..100 {
        let (next, _) = placed(&design, Kind::Queue, None);
        design = next;
        kept.keep(&design, f64::from(n) * minute, false);
        assert_eq!(kept.now.read().as_ref(), Ok(&design));
        assert!(kept.snapshots.len() <= SNAPSHOTS);
    }
    assert_eq!((kept.turn, kept.components), (100, 105));
    assert_eq!(kept.snapshots.len(), SNAPSHOTS);
    let times: Vec<f64> = kept
        .snapshots
        .iter()
        .map(|snapshot| snapshot.at_ms)
        .collect();
    assert!(
        times.windows(2).all(|two| two[1] - two[0] >= 2.0 * minute),
        "{times:?}"
    );
    // The same once more is no snapshot; a clock that was put back is no reason to make none.
    let before = kept.snapshots.len();
    kept.keep(&design, 1e9, true);
    assert_eq!(kept.snapshots.len(), before);
    let last = kept.snapshots[SNAPSHOTS - 1].clone();
    kept.keep(&start, 5.0, false);
    assert_ne!(kept.snapshots[SNAPSHOTS - 1], last);
    while kept.thin() {}
    assert!(kept.snapshots.is_empty() && !kept.thin());
    assert_eq!(kept.now.read(), Ok(start));
}

#[test]
fn charts_of_great_size() {
    let long = format!("graph TD\n{}", "a-->b\n".repeat(40_000));
    refused(
        "a long chart",
        || mermaid::read(&long),
        &["at most 200000 are read"],
    );
    let repeated = format!("graph TD\n{}", "a-->b\n".repeat(33_000));
    let read = soon("one arrow often", || mermaid::read(&repeated)).expect("a chart");
    assert_eq!(connections(read.design.scenario()).len(), 1);
    let boxes = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("b{n}\n")).collect();
        names.concat()
    };
    let text = format!("graph TD\n{}", boxes(201));
    refused(
        "201 boxes",
        || mermaid::read(&text),
        &["Line 202: there are more than 200 boxes"],
    );
    // All that may come: 200 boxes, 2,000 arrows, none of them round.
    let arrows = (0..2_000).map(|n| (n % 190, n % 190 + 1 + n / 190));
    let arrows: Vec<String> = arrows
        .filter(|(_, to)| *to < 200)
        .map(|(from, to)| format!("b{from} --> b{to}\n"))
        .collect();
    let text = format!("graph TD\n{}{}", boxes(200), arrows.concat());
    let read = soon("2,000 arrows", || mermaid::read(&text)).expect("a chart");
    assert!(connections(read.design.scenario()).len() > 1_900);
    let all: Vec<String> = (0..200).map(|n| format!("b{n}")).collect();
    let all = all.join(" & ");
    let text = format!("graph TD\n{all} --> {all}");
    refused(
        "all with all",
        || mermaid::read(&text),
        &["more than 2000 arrows"],
    );
    let again = "a & ".repeat(20_000) + "a --> " + &"b & ".repeat(20_000) + "b";
    soon("one with itself", || {
        mermaid::read(&format!("graph TD\n{again}"))
    })
    .expect("a chart");
    for nested in [
        "subgraph x\n",
        "a[",
        "a(",
        "a{",
        "a@{",
        "a[\"",
        "a -- ",
        "-->|",
        "%%{",
        "---\n",
        "& ",
        "end\n",
        ";",
    ] {
        let text = format!("graph TD\n{}", nested.repeat(199_000 / nested.len()));
        let read = soon(nested, || mermaid::read(&text));
        if let Err(why) = read {
            assert!(is_one_message(&why), "{why}");
        }
    }
}

fn mutated(good: &str, changes: &[(Index, u8)]) -> Vec<u8> {
    let mut bytes = good.as_bytes().to_vec();
    for (at, byte) in changes {
        let at = at.index(bytes.len());
        match byte % 3 {
            0 => bytes[at] = *byte,
            1 => drop(bytes.remove(at)),
            _ => bytes.insert(at, *byte),
        }
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(Index, u8)>> {
    proptest::collection::vec((any::<Index>(), any::<u8>()), 1..20)
}

/// Whatever it is: a design that can be written and read, or one message.
fn is_handled(read: Result<Design, String>) -> Result<(), TestCaseError> {
    match read {
        Ok(design) => {
            let again = file::read(&file::write(&design)).map_err(TestCaseError::fail)?;
            prop_assert_eq!(&again, &design);
            let drawn = mermaid::read(&mermaid::write(&design));
            prop_assert_eq!(drawn.is_err(), design.is_empty());
        }
        Err(why) => prop_assert!(is_one_message(&why), "{}", why),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_handled(text in "\\PC*") {
        is_handled(link::read(&text))?;
        is_handled(link::read(&format!("1.{text}")))?;
        is_handled(file::read(&text))?;
        is_handled(mermaid::read(&text).map(|read| read.design))?;
        is_handled(mermaid::read(&format!("graph LR\n{text}")).map(|read| read.design))?;
        is_handled(Kept::read(&text).and_then(|kept| kept.now.read()))?;
    }

    #[test]
    fn any_bytes_in_a_link_are_handled(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        is_handled(link::read(&format!("1.{}", URL_SAFE_NO_PAD.encode(&bytes))))?;
        is_handled(link::read(&format!("1.{}", URL_SAFE_NO_PAD.encode(compress_to_vec(&bytes, 6)))))?;
    }

    #[test]
    fn what_was_good_and_is_changed_is_handled(which in any::<Index>(), changes in changes()) {
        let design = DESIGNS.with(|designs| which.get(designs).clone());
        let text = |good: &str| String::from_utf8_lossy(&mutated(good, &changes)).into_owned();
        is_handled(file::read(&text(&file::write(&design))))?;
        is_handled(link::read(&text(&link::write(&design).unwrap_or_default())))?;
        is_handled(mermaid::read(&text(&mermaid::write(&design))).map(|read| read.design))?;
        let kept = Kept::new(&design, 1.0).write();
        is_handled(Kept::read(&text(&kept)).and_then(|kept| kept.now.read()))?;
    }

    #[test]
    fn any_chart_is_handled(parts in proptest::collection::vec(part(), 0..40)) {
        let text = format!("graph LR\n{}", parts.concat());
        is_handled(mermaid::read(&text).map(|read| read.design))?;
    }
}

/// What charts are made of, in any order.
fn part() -> impl Strategy<Value = String> {
    let parts: Vec<String> = [
        "a",
        "b",
        "c1",
        "users",
        "db",
        " ",
        "\n",
        ";",
        "-->",
        "---",
        "-.->",
        "==>",
        "~~~",
        " -- text --> ",
        "|text|",
        "&",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "[(",
        ")]",
        "((",
        "))",
        "[/",
        "/]",
        "[\\",
        "\\]",
        ">",
        "\"",
        "`",
        "@{",
        "shape: cyl, label: \"DB\"",
        ":::red",
        "subgraph x",
        "subgraph y [title]",
        "end",
        "%% c",
        "%%{init}%%",
        "style a fill:#fff",
        "direction TB",
        "e1@",
        "#quot;",
        "&amp;",
        "<br/>",
        "o--o",
        "x--x",
        "<-->",
        "é",
        "\u{202e}",
        "-",
        "=",
        ".",
        "~",
    ]
    .map(str::to_owned)
    .to_vec();
    proptest::sample::select(parts)
}

thread_local! {
    static DESIGNS: Vec<Design> = {
        let all = scenarios().into_iter();
        let designs = all.filter_map(|(_, tree)| Design::new(tree, Vec::new()).ok());
        designs.filter(|design| design.tree().to_string().len() < 6_000).collect()
    };
}
