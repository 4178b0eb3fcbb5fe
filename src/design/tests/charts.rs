//! Flowcharts of Mermaid as people write them, and as we do.

mod common;

use std::collections::BTreeMap;

use common::{edited, placed, problems, rename};
use scale_design::mermaid::{self, Read};
use scale_design::palette::KINDS;
use scale_design::wiring::connections;
use scale_design::{Design, Edit};
use scale_sim::Kind;

fn read(text: &str) -> Read {
    mermaid::read(text).unwrap_or_else(|why| panic!("{text}\n{why}"))
}

/// The arrows of a chart by the labels of their boxes, and what was left out.
fn arrows(text: &str) -> Vec<(String, String)> {
    let Read { design, left_out } = read(text);
    assert_eq!(left_out, Vec::<String>::new(), "{text}");
    let label = |name: &str| design.label(name).to_owned();
    let all = connections(design.scenario()).into_iter();
    all.map(|(a, b)| (label(a), label(b))).collect()
}

/// Services of these names, which call each other so.
fn calls(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

#[test]
fn all_arrows_are_read() {
    for arrow in [
        "-->",
        "--->",
        "---",
        "----",
        "-.->",
        "-.-",
        "-..->",
        "==>",
        "====>",
        "===",
        "--o",
        "--x",
        "o--o",
        "x--x",
        "<-->",
        "<-.->",
        "<==>",
        "-- text -->",
        "-- text ---",
        "--text-->",
        "-. text .->",
        "-. text .-",
        "== text ==>",
        "== text ===",
        "-->|text|",
        "---|text|",
        "-.->|text|",
        "==>|\"a | b\"|",
        "-- \"a -- b\" -->",
        "-- two-part text -->",
        "-- 1.5 ms -->",
        "-. v1.5 .->",
        "e1@-->",
        "e_2@==>|text|",
        "-- text; more -->|x|",
    ] {
        // A semicolon ends a statement outside of quotes, so the last is none.
        let text = format!("flowchart LR\n  A {arrow} B");
        if arrow.contains(';') {
            assert!(mermaid::read(&text).is_err(), "{arrow}");
            continue;
        }
        assert_eq!(arrows(&text), calls(&[("A", "B")]), "{arrow}");
        let tight = format!("flowchart LR\n  A{}B", arrow.trim());
        let is_headed = arrow.starts_with(['o', 'x', 'e']);
        if !is_headed {
            assert_eq!(arrows(&tight), calls(&[("A", "B")]), "{tight}");
        }
    }
    // Boxes beside each other are no call.
    assert_eq!(arrows("graph TD\nA ~~~ B --> C"), calls(&[("B", "C")]));
    // An end is part of the arrow where nothing stands between.
    assert_eq!(arrows("graph TD\nA---oB"), calls(&[("A", "B")]));
    assert_eq!(arrows("graph TD\nA--- oB"), calls(&[("A", "oB")]));
    assert_eq!(arrows("graph TD\nout-->x1"), calls(&[("out", "x1")]));
}

#[test]
fn chains_and_many_at_once() {
    let expected = calls(&[("A", "C"), ("A", "D"), ("B", "C"), ("B", "D")]);
    assert_eq!(arrows("graph TB\n A & B --> C & D"), expected);
    assert_eq!(arrows("graph TB;A&B-->C&D;"), expected);
    assert_eq!(
        arrows("graph LR\nA -- one --> B -- two --> C --> D"),
        calls(&[("A", "B"), ("B", "C"), ("C", "D")])
    );
    // The same arrow twice is one call.
    assert_eq!(
        arrows("graph LR\nA --> B\nA -->|again| B"),
        calls(&[("A", "B")])
    );
}

/// The kind and the label that a box gives.
fn one(text: &str) -> (Kind, String) {
    let design = read(&format!("flowchart TD\n{text}")).design;
    let names: Vec<&String> = design.scenario().components.keys().collect();
    assert_eq!(names.len(), 1, "{text}");
    (
        design.kind(names[0]).expect("it is there"),
        design.label(names[0]).to_owned(),
    )
}

#[test]
fn all_shapes_are_read() {
    for (text, kind) in [
        ("x[Till]", Kind::Service),
        ("x(Till)", Kind::Service),
        ("x([Till])", Kind::Client),
        ("x[[Till]]", Kind::Queue),
        ("x[(Till)]", Kind::Database),
        ("x((Till))", Kind::Service),
        ("x(((Till)))", Kind::Service),
        ("x(-Till-)", Kind::Service),
        ("x>Till]", Kind::Service),
        ("x{Till}", Kind::Balancer),
        ("x{{Till}}", Kind::Gateway),
        ("x[/Till/]", Kind::Service),
        ("x[\\Till\\]", Kind::Service),
        ("x[/Till\\]", Kind::Service),
        ("x[\\Till/]", Kind::Service),
        ("x@{ shape: cyl, label: \"Till\" }", Kind::Database),
        ("x@{ shape: \"cylinder\", label: 'Till' }", Kind::Database),
        ("x@{label: Till, shape: h-cyl}", Kind::Queue),
        ("x@{\n  shape: hex\n  label: \"Till\"\n}", Kind::Gateway),
        ("x@{ shape: cloud, label: \"Till\" }", Kind::Service),
        ("x[Till]:::red", Kind::Service),
        ("x[Till]:::queue", Kind::Queue),
        ("x[\"Till\"]", Kind::Service),
        ("x[ \"Till\" ]", Kind::Service),
        ("x[\"`**Till**`\"]", Kind::Service),
        ("x[\"<b>Till</b>\"]", Kind::Service),
        ("x[fa:fa-user Till]", Kind::Service),
    ] {
        let (found, label) = one(text);
        assert_eq!((found, label.trim_matches('\'')), (kind, "Till"), "{text}");
    }
    for (text, label) in [
        ("x[A<br/>B]", "A B"),
        ("x[\"A (one) [two] {three}\"]", "A (one) [two] {three}"),
        (
            "x[\"A #quot;B#quot; #35;1 #lt;c#gt; #amp; &amp; #9829;\"]",
            "A \"B\" #1 <c> & & ♥",
        ),
        ("x[\"a; b\"]", "a; b"),
        ("x[a -- b --> c]", "a -- b --> c"),
        ("x[\"`Line 1\nLine 2`\"]", "Line 1 Line 2"),
        ("x[R&D]", "R&D"),
        ("x[a < b]", "a < b"),
        ("x[Überweisung]", "Überweisung"),
        ("überweisung", "überweisung"),
        ("a-b_c.d", "a-b_c.d"),
        ("x[]", "x"),
    ] {
        assert_eq!(one(text).1, label, "{text}");
    }
}

#[test]
fn words_tell_what_a_box_is() {
    for (words, kind) in [
        ("Users", Kind::Client),
        ("Browser", Kind::Client),
        ("User Service", Kind::Service),
        ("API", Kind::Service),
        ("API Gateway", Kind::Gateway),
        ("Load Balancer", Kind::Balancer),
        ("Postgres", Kind::Database),
        ("Orders DB", Kind::Database),
        ("Redis Cache", Kind::Cache),
        ("CDN", Kind::Cache),
        ("RabbitMQ", Kind::Queue),
        ("Kafka", Kind::Topic),
        ("Kafka consumer", Kind::Service),
        ("Queue worker", Kind::Service),
        ("Event Store", Kind::EventStore),
        ("Read model", Kind::View),
        ("Shard router", Kind::Shards),
        ("Checkout", Kind::Service),
    ] {
        assert_eq!(one(&format!("x[{words}]")).0, kind, "{words}");
    }
}

#[test]
fn groups_are_read() {
    let text = "flowchart TB
        c1-->a2
        subgraph one
            direction LR
            a1-->a2
        end
        subgraph ide [Two words]
            b1-->b2
            subgraph \"Inner (quoted)\"
                b3
            end
        end
        subgraph empty
        end
        subgraph three[\"`**3**`\"]
            c1-->c2
        end
        one --> ide
        c2 --> one";
    let Read { design, left_out } = read(text);
    let groups: BTreeMap<&str, Vec<&str>> = { design.groups().iter() }
        .map(|group| {
            let members = group.members.iter().map(String::as_str).collect();
            (group.name.as_str(), members)
        })
        .collect();
    let expected = [
        ("3", vec!["c1", "c2"]),
        ("Inner (quoted)", vec!["b3"]),
        ("Two words", vec!["b1", "b2"]),
        ("one", vec!["a1", "a2"]),
    ];
    assert_eq!(groups, BTreeMap::from(expected));
    assert_eq!(design.scenario().components.len(), 7);
    assert_eq!(left_out.len(), 2, "{left_out:?}");
    assert!(
        left_out[0].starts_with("one → ide: an arrow of a whole group"),
        "{left_out:?}"
    );
}

#[test]
fn what_is_not_of_the_chart_is_passed_over() {
    let text = "\u{feff}
---
title: A chart
config:
  theme: dark
---
%%{init: {\"flowchart\": {\"htmlLabels\": false},
  \"theme\": \"base\"} }%%
%% a comment --> with an arrow
flowchart-elk LR
    accTitle: Words
    accDescr: More words
    accDescr {
      Many
      words --> here
    }
    A[Shop] e1@--> B[(Orders)]:::store; B2[Other]
    %% another
    e1@{ animate: true }
    style A fill:#bbf,stroke:#f66,stroke-width:2px,color:#fff,stroke-dasharray: 5 5
    linkStyle 0 stroke:#ff3,stroke-width:4px
    classDef store fill:#f9f
    classDef a,b fill:#f9f
    class A,B store
    click A \"https://example.org\" _blank
    click B call back() \"tip\"
    A --> B2
```";
    assert_eq!(
        arrows(text),
        calls(&[("Shop", "Orders"), ("Shop", "Other")])
    );
    let fenced = "```mermaid\ngraph LR\nA-->B\n```\n";
    assert_eq!(arrows(fenced), calls(&[("A", "B")]));
    let windows = "graph LR\r\n  A --> B\r\n  B --> C\r\n";
    assert_eq!(arrows(windows), calls(&[("A", "B"), ("B", "C")]));
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    for (text, words) in [
        ("", "There is no box"),
        ("graph TD", "There is no box"),
        // A box that turns out to be a group is none.
        ("graph TD\n; a\nsubgraph a\nend", "There is no box"),
        ("sequenceDiagram\nA->>B: x", "Line 1: a diagram begins with"),
        ("\n\npie\n", "Line 3: a diagram begins with"),
        (
            "graph TD\nA --> ",
            "Line 2: the name of a box is expected where it says ''",
        ),
        (
            "graph TD\nA\nA -> B",
            "Line 3: an arrow such as --> is expected where it says '-> B'",
        ),
        (
            "graph TD\nA B",
            "Line 2: an arrow such as --> is expected where it says 'B'",
        ),
        (
            "graph TD\nA[x --> B",
            "Line 2: ']' is missing behind the text of 'A'",
        ),
        (
            "graph TD\nA[\"x] --> B\nB",
            "Line 2: ']' is missing behind the text of 'A'",
        ),
        ("graph TD\nA -- x B", "Line 2: an arrow"),
        ("graph TD\n--> B", "Line 2: the name of a box"),
    ] {
        let why = mermaid::read(text).expect_err(text);
        assert!(why.starts_with(words), "{text}: {why}");
    }
    // What cannot be connected is told, and the rest is read.
    let Read { design, left_out } =
        read("graph LR\nUsers --> Shop --> DB[(DB)] --> Shop\nShop --> Users");
    assert_eq!(design.scenario().components.len(), 3);
    assert_eq!(left_out.len(), 2);
    assert!(
        left_out[0].starts_with("db → shop: A database calls nobody."),
        "{left_out:?}"
    );
    assert!(
        left_out[1].contains("A client sends requests and takes none."),
        "{left_out:?}"
    );
}

#[test]
fn charts_of_readmes_become_designs_that_run() {
    for text in [
        "graph TD
            A[Client] -->|HTTP| B(Load Balancer)
            B --> C[Web server 1]
            B --> D[Web server 2]
            C --> E[(Database)]
            D --> E",
        "flowchart LR
            user([User]) --> gw{{API Gateway}}
            gw --> orders[Order Service]
            orders --> cache[(Redis Cache)]
            orders --> db[(Postgres)]
            orders -.-> q[[Order Queue]]
            q --> w[Email Worker]",
        "flowchart TB
            subgraph clients [\"Clients\"]
                web[\"Web browser\"]
                app[\"Mobile app\"]
            end
            subgraph backend
                direction LR
                api[\"API\"] --> k>\"Kafka topic\"]
                k --> a[\"Analytics consumer\"] & s[\"Search consumer\"]
                a --> dw[(Warehouse)]
                s --> es[(Elasticsearch)]
            end
            web & app --> api",
        "graph LR
            U[Shopper] --> S[Shop service]
            S --> ES((Event store))
            ES -.-> V[/Read model/]
            S --> V",
    ] {
        let Read { design, left_out } = read(text);
        assert_eq!(left_out, Vec::<String>::new(), "{text}");
        assert_eq!(problems(&design), Vec::<String>::new(), "{text}");
        let places: Vec<[f64; 2]> = { design.scenario().components.keys() }
            .map(|name| design.at(name))
            .collect();
        for (n, at) in places.iter().enumerate() {
            assert!(!places[..n].contains(at), "{text}");
        }
    }
}

/// All kinds, connected, in groups, with words of all sorts.
fn all_kinds() -> Design {
    let mut design = Design::empty();
    let labels = [
        "People",
        "Way in",
        "Spread",
        "Shop \"one\"",
        "Kept; near",
        "Rows #1 & <2>",
        "By `key`",
        "To do",
        "News -- all",
        "Log*s*",
        "Seen",
    ];
    let mut names = Vec::new();
    for (kind, label) in KINDS.into_iter().zip(labels) {
        let (next, name) = placed(&design, kind, None);
        let renamed = rename(&name, label).apply(&next).expect("renamed");
        names.push(renamed.select.expect("selected").remove(0));
        design = renamed.design;
    }
    let (design, other) = placed(&design, Kind::Service, None);
    let at = |kind: Kind| {
        let place = KINDS.iter().position(|other| *other == kind);
        names[place.expect("one of them")].as_str()
    };
    let service = at(Kind::Service);
    let mut design = design;
    for (from, to) in [
        (at(Kind::Client), at(Kind::Gateway)),
        (at(Kind::Gateway), at(Kind::Balancer)),
        (at(Kind::Balancer), service),
        (service, at(Kind::Cache)),
        (service, at(Kind::Database)),
        (service, at(Kind::Shards)),
        (service, at(Kind::Queue)),
        (service, at(Kind::EventStore)),
        (at(Kind::Queue), &other),
        (at(Kind::Topic), &other),
        (at(Kind::Database), at(Kind::Topic)),
        (at(Kind::View), at(Kind::EventStore)),
    ] {
        design = edited(&design, &common::connect(from, to));
    }
    let group = Edit::Group {
        name: "Both; \"these\" [1]".to_owned(),
        members: vec![at(Kind::Cache).to_owned(), at(Kind::Database).to_owned()],
    };
    edited(&design, &group)
}

#[test]
fn what_is_written_is_read_again() {
    let design = all_kinds();
    let text = mermaid::write(&design);
    let Read {
        design: again,
        left_out,
    } = read(&text);
    assert_eq!(left_out, Vec::<String>::new());
    let kinds = |design: &Design| -> BTreeMap<String, Kind> {
        { design.scenario().components.keys() }
            .map(|name| {
                (
                    design.label(name).to_owned(),
                    design.kind(name).expect("there"),
                )
            })
            .collect()
    };
    assert_eq!(kinds(&again), kinds(&design));
    let wires = |design: &Design| {
        let label = |name: &str| design.label(name).to_owned();
        let all = connections(design.scenario()).into_iter();
        let mut all: Vec<_> = all.map(|(a, b)| (label(a), label(b))).collect();
        all.sort();
        all
    };
    assert_eq!(wires(&again), wires(&design), "{text}");
    assert_eq!(again.groups()[0].name, design.groups()[0].name);
    assert_eq!(again.groups()[0].members.len(), 2);
    // And written again, it says the same.
    let once_more = read(&mermaid::write(&again)).design;
    assert_eq!(wires(&once_more), wires(&again));
    // An empty one is a chart, too, though nothing can be read of it.
    assert_eq!(mermaid::write(&Design::empty()), "flowchart LR\n");
}
