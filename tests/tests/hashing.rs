//! Hashing against recorded results of public libraries, and against theory. Redis is in `scale-trust`.
#![cfg(not(target_arch = "wasm32"))]

use scale_sim::hash::{
    jump::jump, ketama::Ketama, maglev::Maglev, modulo::modulo, murmur3::murmur3_32, rendezvous,
    ring::Ring,
};
use scale_sim::{Draws, Key};
use scale_tests::oracle;

#[test]
fn jump_agrees_with_two_libraries() {
    let table = oracle("hash/jump_consistent_hash.csv");
    for row in table.rows() {
        for nodes in [1, 2, 3, 4, 5, 8, 10, 16, 100, 1000] {
            let expected: u32 = row.number(&format!("b{nodes}"));
            assert_eq!(jump(row.number("key_u64"), nodes), expected, "{row:?}");
        }
    }
}

#[test]
fn ketama_agrees_with_uhashring() {
    let ring = |weights: &[u32]| {
        let nodes = weights.iter().enumerate();
        let nodes: Vec<(String, u32)> = nodes
            .map(|(i, weight)| (format!("node-{i}:11211"), *weight))
            .collect();
        Ketama::new(&nodes)
    };
    let rings = [
        ("uhashring_3", ring(&[1, 1, 1])),
        ("uhashring_4", ring(&[1, 1, 1, 1])),
        ("uhashring_w3_2_1", ring(&[3, 2, 1])),
        ("npm_hashring_3", ring(&[1, 1, 1])),
        ("npm_hashring_4", ring(&[1, 1, 1, 1])),
    ];
    for row in oracle("hash/ketama_uhashring.csv").rows() {
        for (column, ring) in &rings {
            let expected: u32 = row.number(column);
            let node = ring.node(row.get("key").as_bytes());
            assert_eq!(node, Some(expected), "{column}: {row:?}");
        }
    }
}

#[test]
fn rendezvous_agrees_with_clandestined() {
    let nodes: Vec<String> = (0..4).map(|i| format!("node-{i}")).collect();
    for row in oracle("hash/rendezvous_clandestined.csv").rows() {
        let key = row.get("key");
        let score: u32 = row.number("murmur3_32_of_node-0-key");
        assert_eq!(
            rendezvous::score("node-0", key.as_bytes()),
            score,
            "{row:?}"
        );
        for (column, count) in [("n3", 3), ("n4", 4)] {
            let node = rendezvous::rendezvous(&nodes[..count], key.as_bytes());
            assert_eq!(node, Some(row.number(column)), "{column}: {row:?}");
        }
    }
}

#[test]
fn maglevs_example_is_the_papers() {
    let text = include_str!("../oracle/hash/maglev_paper_example.json");
    let example: serde_json::Value = serde_json::from_str(text).expect("it can be read");
    let number = |value: &serde_json::Value| value.as_u64().expect("a number") as u32;
    let size = number(&example["M"]);
    let walk = |name: &str| {
        let walk = &example["offset_skip"][name];
        (number(&walk[0]), number(&walk[1]))
    };
    let table = |nodes: &[&str]| -> serde_json::Value {
        let walks: Vec<(u32, u32)> = nodes.iter().map(|name| walk(name)).collect();
        let maglev = Maglev::of(&walks, size);
        maglev
            .table()
            .iter()
            .map(|at| nodes[*at as usize])
            .collect()
    };
    assert_eq!(example["lookup_3_backends"], table(&["B0", "B1", "B2"]));
    assert_eq!(example["lookup_after_removing_B1"], table(&["B0", "B2"]));
}

#[test]
fn loads_and_moves_of_all_thousand_keys_are_those_that_were_recorded() {
    let text = include_str!("../oracle/hash/hash_summary.json");
    let summary: serde_json::Value = serde_json::from_str(text).expect("it can be read");
    let number = |path: &str| summary.pointer(path).and_then(serde_json::Value::as_u64);
    let keys: Vec<String> = (0..1000).map(|key| format!("key-{key}")).collect();
    // How many keys move from three nodes to four, and how many of them to another than the new one.
    let moves = |of: &dyn Fn(usize, &[u8]) -> u32| {
        let both = keys
            .iter()
            .map(|key| (of(3, key.as_bytes()), of(4, key.as_bytes())));
        let moved = both.filter(|(before, after)| before != after);
        let (mut all, mut elsewhere) = (0, 0);
        for (_, after) in moved {
            all += 1;
            elsewhere += u64::from(after != 3);
        }
        (Some(all), Some(elsewhere))
    };
    let names: Vec<String> = (0..4).map(|i| format!("node-{i}:11211")).collect();
    let rings = [3, 4].map(|count| Ketama::with_points(&names[..count], 160));
    for (ring, path) in rings.iter().zip(["load3", "load4"]) {
        let mut loads = vec![0; names.len()];
        for key in &keys {
            loads[ring.node(key.as_bytes()).expect("somebody") as usize] += 1;
        }
        for (node, load) in names.iter().zip(loads) {
            assert_eq!(
                number(&format!("/{path}/{node}")).unwrap_or(0),
                load,
                "{node}"
            );
        }
    }
    let by_ring = |count: usize, key: &[u8]| rings[count - 3].node(key).expect("somebody");
    assert_eq!(
        moves(&by_ring),
        (number("/moved_3_to_4"), number("/moved_to_other_than_new"))
    );
    let nodes: Vec<String> = (0..4).map(|i| format!("node-{i}")).collect();
    let by_score = |count: usize, key: &[u8]| {
        rendezvous::rendezvous(&nodes[..count], key).expect("somebody") as u32
    };
    assert_eq!(
        moves(&by_score),
        (
            number("/rendezvous_moved"),
            number("/rendezvous_moved_not_to_new")
        )
    );
    let by_remainder =
        |count: usize, key: &[u8]| modulo(key, &[1; 4][..count]).expect("somebody") as u32;
    assert_eq!(moves(&by_remainder).0, number("/nginx_modhash_moved"));
}

/// How many of the keys with these hashes move between the tables of two sets of nodes, and how many of those must: their
/// node is gone, or they go to the new one.
fn moves(before: &[String], after: &[String], size: u32, hashes: &[u64]) -> (u32, u32) {
    let tables = [Maglev::new(before, size), Maglev::new(after, size)];
    let node = |at: usize, hash| tables[at].node(hash).expect("somebody") as usize;
    let (mut moved, mut needed) = (0, 0);
    for hash in hashes {
        let (old, new) = (node(0, *hash), node(1, *hash));
        // The nodes are the same but for the last ones.
        moved += u32::from(old != new);
        needed += u32::from(old >= after.len() || new >= before.len());
    }
    (moved, needed)
}

#[test]
fn maglev_moves_as_few_keys_as_it_should() {
    let hash = |key| u64::from(murmur3_32(format!("key-{key}").as_bytes(), 0));
    for rows in oracle("hash/maglev_disruption.csv").groups("table_capacity") {
        let (mut ours, mut theirs) = (0, 0);
        for row in &rows {
            let count: usize = row.number("from_nodes");
            let after = match row.get("change") {
                "add" => count + 1,
                _ => count - 1,
            };
            let hashes: Vec<u64> = (0..row.number("n_keys")).map(hash).collect();
            // What moves without need depends on how the nodes' walks happen to fall: a single record of few moves says little,
            // so ours are taken over several sets of names.
            let sets: Vec<(u32, u32)> = (0..10)
                .map(|set| {
                    let nodes: Vec<String> =
                        (0..=count).map(|i| format!("node-{set}-{i}")).collect();
                    let size = row.number("table_capacity");
                    moves(&nodes[..count], &nodes[..after], size, &hashes)
                })
                .collect();
            let needed: u32 = sets.iter().map(|(_, needed)| needed).sum();
            let ratio = f64::from(needed) / 10.0 / row.number::<f64>("moved_necessary");
            assert!((ratio - 1.0).abs() < 0.03, "{ratio} in {row:?}");
            let without_need = || sets.iter().map(|(moved, needed)| moved - needed);
            let (least, most) = (without_need().min(), without_need().max());
            let recorded: u32 = row.number("moved_unnecessary");
            assert!(
                least.is_some_and(|least| least <= 2 * recorded)
                    && most.is_some_and(|most| 2 * most >= recorded),
                "{least:?} to {most:?} in {row:?}"
            );
            ours += without_need().sum::<u32>();
            theirs += 10 * recorded;
        }
        let ratio = f64::from(ours) / f64::from(theirs);
        assert!((0.5..2.0).contains(&ratio), "{ratio} in {:?}", rows[0]);
    }
}

#[test]
fn maglev_shares_are_nearly_even() {
    // The paper's section 5.3: with a table a hundred times as long as the nodes are many, the greatest share is at most
    // about 1% above the mean.
    let nodes: Vec<String> = (0..100).map(|i| format!("node-{i}")).collect();
    let table = Maglev::new(&nodes, 65_537);
    let mut counts = [0_u32; 100];
    for node in table.table() {
        counts[*node as usize] += 1;
    }
    assert!(
        counts.iter().all(|count| (645..=662).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn a_remainder_moves_what_theory_says() {
    for row in oracle("hash/modulo_rehash_theory.csv").rows() {
        let (from, to): (u32, u32) = (row.number("from_n"), row.number("to_n"));
        // All remainders by both come equally often among as many keys as their product.
        let all = from * to;
        let moved = (0..all).filter(|key| key % from != key % to).count();
        let exact: f64 = row.number("moved_fraction_exact");
        assert!(
            (moved as f64 / f64::from(all) - exact).abs() < 1e-6,
            "{row:?}"
        );
        // And so it comes out with real keys, within five standard deviations.
        let (a, b) = (vec![1; from as usize], vec![1; to as usize]);
        let keys = 40_000_u32;
        let moved = (0..keys).filter(|key| {
            let key = format!("key-{key}");
            modulo(key.as_bytes(), &a) != modulo(key.as_bytes(), &b)
        });
        let fraction = moved.count() as f64 / f64::from(keys);
        let sd = (exact * (1.0 - exact) / f64::from(keys)).sqrt();
        assert!((fraction - exact).abs() < 5.0 * sd, "{fraction} in {row:?}");
    }
}

/// A ring of random points.
fn random_ring(nodes: u32, points: u32, draws: &mut Draws) -> Ring {
    let mut hash = || (draws.unit() * 4_294_967_295.0) as u32;
    let points = (0..nodes).flat_map(|node| vec![node; points as usize]);
    Ring::of(points.map(|node| (hash(), node)).collect())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn a_rings_shares_spread_as_theory_says() {
    for (at, row) in oracle("hash/ring_imbalance_theory.csv")
        .rows()
        .iter()
        .enumerate()
    {
        let (nodes, points): (u32, u32) = (row.number("nodes"), row.number("vnodes"));
        if nodes * points > 2_000 {
            continue;
        }
        // The share of the first node in many rings, and what a further node takes.
        let rings = 300;
        let (mut shares, mut taken) = (Vec::new(), Vec::new());
        for i in 0..rings {
            let mut draws = Key::root(5).with(at as u64).with(i).draws();
            shares.push(random_ring(nodes, points, &mut draws).share(0));
            taken.push(random_ring(nodes + 1, points, &mut draws).share(nodes));
        }
        for (values, column_mean, column_sd) in [
            (&shares, "share_mean", "share_sd_exact"),
            (
                &taken,
                "moved_fraction_on_add_mean",
                "moved_fraction_on_add_sd_exact",
            ),
        ] {
            let (expected, sd): (f64, f64) = (row.number(column_mean), row.number(column_sd));
            let standard_error = sd / f64::from(rings as u32).sqrt();
            let difference = (mean(values) - expected).abs();
            assert!(
                difference < 4.0 * standard_error,
                "{column_mean}: {difference} in {row:?}"
            );
            let squares: Vec<f64> = values.iter().map(|x| (x - expected).powi(2)).collect();
            let ratio = mean(&squares).sqrt() / sd;
            // Shares of few points are skewed; the error of their spread is at most about 1/√rings.
            assert!(
                (0.8..1.25).contains(&ratio),
                "{column_sd}: {ratio} in {row:?}"
            );
        }
    }
}

#[test]
fn nginxs_ring_is_as_even_as_theory_says() {
    let table = oracle("hash/ring_imbalance_theory.csv");
    for nodes in [3_u32, 4, 5, 8] {
        let ring = Ring::new((0..nodes).map(|node| {
            let start = scale_sim::hash::ring::start(&format!("10.0.0.{node}:80"));
            (node, start, 160)
        }));
        let rows = table.rows();
        let row = rows
            .iter()
            .find(|row| row.number::<u32>("nodes") == nodes && row.get("vnodes") == "160");
        let row = row.expect("it is in the table");
        for node in 0..nodes {
            let off = ring.share(node) - row.number::<f64>("share_mean");
            assert!(
                off.abs() < 3.0 * row.number::<f64>("share_sd_exact"),
                "{node} of {nodes}: {off}"
            );
        }
    }
}
