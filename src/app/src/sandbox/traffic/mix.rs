//! The operations that a client asks for, in shares that add up to 100 %.

use scale_design::{Change, below};
use scale_sim::Client;
use serde_json::{Map, Value};

use super::axis::tidy;

/// The least share of an operation, in percent.
pub const LEAST: f64 = 0.01;

/// Operations with their shares in percent, in the order of the mix.
pub type Shares = Vec<(String, f64)>;

/// The shares of what a client asks for.
pub fn shares(client: &Client) -> Shares {
    if let Some(operation) = &client.operation {
        return vec![(operation.clone(), 100.0)];
    }
    let weights = client.mix.iter().flat_map(|mix| mix.0.iter());
    let weights: Shares = weights
        .map(|(name, weight)| (name.clone(), *weight))
        .collect();
    let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
    if total > 0.0 {
        settled(
            weights
                .into_iter()
                .map(|(name, weight)| (name, weight * 100.0 / total))
                .collect(),
            None,
        )
    } else {
        weights
    }
}

/// Shares of whole hundredths that add up to 100: what is left over goes to the largest of those that are not held.
fn settled(mut shares: Shares, held: Option<usize>) -> Shares {
    for (_, share) in &mut shares {
        *share = tidy((*share * 100.0).round() / 100.0).max(LEAST);
    }
    let over = shares.iter().map(|(_, share)| share).sum::<f64>() - 100.0;
    let free = (0..shares.len()).filter(|i| Some(*i) != held);
    let largest = free.max_by(|a, b| shares[*a].1.total_cmp(&shares[*b].1).then(b.cmp(a)));
    if let Some(at) = largest {
        shares[at].1 = tidy(shares[at].1 - over).max(LEAST);
    }
    shares
}

/// One operation gets this share, and the others what is left, in proportion.
pub fn with_share(shares: &[(String, f64)], at: usize, percent: f64) -> Shares {
    let others = shares.len().saturating_sub(1) as f64;
    if others == 0.0 || at >= shares.len() {
        return shares.to_vec();
    }
    let own = percent.clamp(LEAST, 100.0 - LEAST * others);
    let rest: f64 = 100.0 - shares[at].1;
    let share = |(i, (name, share)): (usize, &(String, f64))| {
        let share = match i {
            i if i == at => own,
            _ if rest > 0.0 => share * (100.0 - own) / rest,
            _ => (100.0 - own) / others,
        };
        (name.clone(), share)
    };
    settled(shares.iter().enumerate().map(share).collect(), Some(at))
}

/// One more operation, with an even share.
pub fn with(shares: &[(String, f64)], name: &str) -> Shares {
    let mut more = shares.to_vec();
    more.push((name.to_owned(), 0.0));
    let at = more.len() - 1;
    with_share(&more, at, 100.0 / more.len() as f64)
}

/// Without an operation; the others get its share. The last one stays.
pub fn without(shares: &[(String, f64)], at: usize) -> Shares {
    if shares.len() < 2 || at >= shares.len() {
        return shares.to_vec();
    }
    let mut fewer = shares.to_vec();
    fewer.remove(at);
    let rest: f64 = fewer.iter().map(|(_, share)| share).sum();
    for (_, share) in &mut fewer {
        *share *= 100.0 / rest;
    }
    settled(fewer, None)
}

/// An operation under another name.
///
/// # Errors
///
/// Why it cannot be called so.
pub fn renamed(shares: &[(String, f64)], at: usize, name: &str) -> Result<Shares, String> {
    let name = name.trim();
    if name.is_empty() {
        return Err("An operation needs a name.".to_owned());
    }
    let taken = |(i, (other, _)): (usize, &(String, f64))| i != at && other == name;
    if shares.iter().enumerate().any(taken) {
        return Err(format!("There is an operation '{name}' already."));
    }
    let mut renamed = shares.to_vec();
    if let Some(own) = renamed.get_mut(at) {
        name.clone_into(&mut own.0);
    }
    Ok(renamed)
}

/// A name that is not among them: one of `known`, or a new one.
pub fn another(shares: &[(String, f64)], known: &[String]) -> String {
    let free = |name: &&String| shares.iter().all(|(other, _)| other != *name);
    if let Some(name) = known.iter().find(free) {
        return name.clone();
    }
    let names = (1..).map(|i| format!("operation-{i}"));
    let mut names = names.filter(|name| free(&name));
    names.next().unwrap_or_default()
}

/// What changes in the scenario for a client to ask for these.
pub fn changes(name: &str, client: &Client, shares: &[(String, f64)]) -> Vec<Change> {
    let at = below(&below("/components", name), "client");
    let (mix, operation) = (below(&at, "mix"), below(&at, "operation"));
    let mut changes = Vec::new();
    if let [(only, _)] = shares {
        if client.mix.is_some() {
            changes.push(Change::remove(mix));
        }
        changes.push(Change::set(operation, only.as_str()));
    } else {
        if client.operation.is_some() {
            changes.push(Change::remove(operation));
        }
        let weights = shares
            .iter()
            .map(|(name, share)| (name.clone(), Value::from(*share)));
        changes.push(Change::set(
            mix,
            Value::Object(weights.collect::<Map<_, _>>()),
        ));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(shares: &[(&str, f64)]) -> Shares {
        shares
            .iter()
            .map(|(name, share)| ((*name).to_owned(), *share))
            .collect()
    }

    fn whole(shares: &Shares) {
        let sum: f64 = shares.iter().map(|(_, share)| share).sum();
        assert!((sum - 100.0).abs() < 1e-9, "{shares:?} is {sum}");
        assert!(
            shares.iter().all(|(_, share)| *share >= LEAST),
            "{shares:?}"
        );
    }

    #[test]
    fn shares_always_add_up() {
        let start = of(&[("read", 80.0), ("write", 15.0), ("scan", 5.0)]);
        assert_eq!(
            with_share(&start, 1, 50.0),
            of(&[("read", 47.06), ("write", 50.0), ("scan", 2.94)])
        );
        for at in 0..3 {
            for percent in [0.0, 0.005, 1.0, 33.333, 99.0, 100.0, 500.0, -3.0] {
                let after = with_share(&start, at, percent);
                whole(&after);
                // What was asked for is kept, where the others leave room for it.
                if (LEAST..=99.9).contains(&percent) {
                    assert!((after[at].1 - percent).abs() < 0.006, "{after:?}");
                }
                whole(&without(&after, (at + 1) % 3));
                whole(&with(&after, "more"));
            }
        }
        assert_eq!(
            with(&of(&[("read", 100.0)]), "write"),
            of(&[("read", 50.0), ("write", 50.0)])
        );
        assert_eq!(
            without(&of(&[("read", 60.0), ("write", 40.0)]), 0),
            of(&[("write", 100.0)])
        );
        assert_eq!(without(&of(&[("read", 100.0)]), 0), of(&[("read", 100.0)]));
    }

    #[test]
    fn names_are_told_apart() {
        let start = of(&[("read", 80.0), ("write", 20.0)]);
        assert_eq!(
            renamed(&start, 1, " scan "),
            Ok(of(&[("read", 80.0), ("scan", 20.0)]))
        );
        assert!(renamed(&start, 1, "read").is_err_and(|why| why.contains("'read' already")));
        assert!(renamed(&start, 1, " ").is_err());
        assert_eq!(
            another(&start, &["read".to_owned(), "scan".to_owned()]),
            "scan"
        );
        assert_eq!(another(&start, &[]), "operation-1");
    }

    #[test]
    fn a_client_gets_an_operation_or_a_mix() {
        let read = |json: &str| -> Client { serde_json::from_str(json).expect("of the format") };
        let one =
            read(r#"{"operation":"read","target":"a","arrivals":{"poisson":{"rate_per_s":1}}}"#);
        let mixed = read(
            r#"{"mix":{"read":3,"write":1},"target":"a","arrivals":{"poisson":{"rate_per_s":1}}}"#,
        );
        assert_eq!(shares(&one), of(&[("read", 100.0)]));
        assert_eq!(shares(&mixed), of(&[("read", 75.0), ("write", 25.0)]));
        for (client, shares) in [
            (&one, of(&[("a", 60.0), ("b", 40.0)])),
            (&mixed, of(&[("a", 60.0), ("b", 40.0)])),
            (&mixed, of(&[("a", 100.0)])),
            (&one, of(&[("a", 100.0)])),
        ] {
            let mut tree = serde_json::json!({ "components": { "u/1": { "client": client } } });
            for change in changes("u/1", client, &shares) {
                assert!(change.apply(&mut tree));
            }
            let after: Client = serde_json::from_value(tree["components"]["u/1"]["client"].take())
                .expect("of the format");
            assert_eq!(super::shares(&after), shares);
        }
    }
}
