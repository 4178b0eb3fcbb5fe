//! Clients: where requests come from.
//!
//! Models: an open loop (arrivals come whether or not earlier ones were answered) and a closed loop (each of a fixed number
//! of users waits for the answer, thinks, then asks again), as in Schroeder, Wierman and Harchol-Balter, *Open versus
//! closed: a cautionary tale* (NSDI 2006); the replay of recorded arrivals; and what requests are about: an operation or a mix
//! of several, a key, a user.
//! Does not model: patience; every user waits until the answer or the refusal. Nor sessions: each request is drawn on its own.

use serde::{Deserialize, Serialize};

use super::arrivals::Arrivals;
use super::{Component, check_target};
use crate::keys::{KeySampler, Keys};
use crate::limits;
use crate::mix::{Mix, MixSampler, check_asked};
use crate::problem::Problems;
use crate::random::Key;
use crate::resilience::Resilience;
use crate::scenario::Scenario;

/// A source of requests.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// The operation that its requests ask for; or give a `mix`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The operations that its requests ask for, with their weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mix: Option<Mix>,
    /// The component that gets them.
    pub target: String,
    /// When they come.
    pub arrivals: Arrivals,
    /// Which key (row, user, product) each is about. Without it all are about key 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Keys>,
    /// How many users send them, each as likely as the others: for sessions that stick to an instance. Without it each request
    /// has a user of its own; a closed loop has its users anyway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<u32>,
    /// Which waiting line they belong in where there are several: 0 goes first, 7 last. Without it 3, as in RFC 9218.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// How it guards itself against a slow or failing target.
    #[serde(default, skip_serializing_if = "Resilience::is_empty")]
    pub resilience: Resilience,
    /// How late an answer is still of use, in milliseconds: a later one counts as throughput, not as goodput. Without it
    /// every answer is of use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<f64>,
}

/// The least urgent priority.
const LAST: u8 = 7;
/// The priority of clients that give none: the default urgency of RFC 9218, section 4.1.
const USUAL: u8 = 3;

impl Client {
    /// The operations that its requests ask for: the one, or those of the mix in its order.
    pub fn operations(&self) -> impl Iterator<Item = &str> {
        let mixed = self.mix.iter().flat_map(Mix::operations);
        self.operation.as_deref().into_iter().chain(mixed)
    }

    /// Which waiting line its requests belong in: 0 goes first.
    pub fn line(&self) -> u8 {
        self.priority.unwrap_or(USUAL)
    }

    pub(crate) fn check(&self, scenario: &Scenario, p: &mut Problems) {
        match (&self.operation, &self.mix) {
            (Some(operation), None) => check_asked("operation", operation, p),
            (None, Some(mix)) => p.within("mix", |p| mix.check(p)),
            (None, None) => p.note("a client asks for an `operation` or a `mix` of several"),
            (Some(_), Some(_)) => {
                p.note_at("mix", "a client has an `operation` or a `mix`, not both");
            }
        }
        check_target("target", &self.target, scenario, p);
        p.within("arrivals", |p| self.arrivals.check(p));
        if let Some(keys) = &self.keys {
            p.within("keys", |p| keys.check(p));
        }
        if let Some(users) = self.users {
            if matches!(self.arrivals, Arrivals::Closed { .. }) {
                p.note_at("users", "a closed loop has its users in `arrivals`");
            }
            p.count("users", u64::from(users), 1, limits::USERS);
        }
        if let Some(priority) = self.priority {
            p.count("priority", u64::from(priority), 0, u64::from(LAST));
        }
        p.within("resilience", |p| self.resilience.check(p));
        if let Some(deadline) = self.deadline_ms {
            p.number("deadline_ms", deadline, 1e-6, limits::WORK_MS);
        }
    }
}

/// Notes it if all closed loops together have more users than a run may hold.
pub(crate) fn check_total(scenario: &Scenario, p: &mut Problems) {
    let users = |component: &Component| match component {
        Component::Client(client) => match client.arrivals {
            Arrivals::Closed { users, .. } => u64::from(users),
            _ => 0,
        },
        _ => 0,
    };
    let total: u64 = scenario.components.values().map(users).sum();
    if total > limits::USERS {
        p.note_at(
            "components",
            format!(
                "{total} users of all closed loops together: at most {} are allowed",
                limits::USERS
            ),
        );
    }
}

/// What a client's requests are about, ready to be drawn.
#[derive(Clone, PartialEq, Debug)]
pub struct Asking {
    /// The place of an operation in [`Client::operations`] is drawn from it; `None` if there is only one.
    mix: Option<MixSampler>,
    keys: Option<KeySampler>,
    users: Option<u32>,
}

/// What one request is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Asked {
    /// The operation's place in [`Client::operations`].
    pub operation: u16,
    /// The row, user or product.
    pub key: u64,
    /// Who asks, of an open-loop client.
    pub user: u32,
}

impl Asking {
    /// Compiles what the requests of a checked client are about.
    pub fn new(client: &Client) -> Self {
        Self {
            mix: client.mix.as_ref().map(MixSampler::new),
            keys: client.keys.as_ref().map(KeySampler::new),
            users: client.users,
        }
    }

    /// What the request number `number` of the client is about; `key` is the request's own. Each part has a key of its own below
    /// it, so that another mix changes no request's row or user.
    #[inline(always)]
    pub fn draw(&self, number: u64, key: Key) -> Asked {
        let part = |label| key.with(label).draws();
        Asked {
            operation: self.mix.as_ref().map_or(0, |mix| mix.draw(&mut part(MIX))),
            key: self
                .keys
                .as_ref()
                .map_or(0, |keys| keys.draw(number, &mut part(KEYS))),
            user: self
                .users
                .map_or(number as u32, |users| part(USERS).below(users)),
        }
    }
}

// Labels of draws below a request's key, apart from the small numbers and the hashes of names used elsewhere.
const MIX: u64 = 0x6d69_7800;
const KEYS: u64 = 0x6b65_7973;
const USERS: u64 = 0x7573_6572;

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(fields: &str) -> Vec<String> {
        let text = format!(
            r#"{{"version":1,"horizon_s":1,"components":{{
                "u":{{"client":{{"target":"a",{fields}}}}},
                "a":{{"service":{{"workers":1,"plans":{{"read":[{{"work":{{"constant":{{"mean_ms":1}}}}}}],"write":[{{"work":{{"constant":{{"mean_ms":1}}}}}}]}}}}}}}}}}"#
        );
        match Scenario::from_json(&text) {
            Ok(scenario) => {
                let again = serde_json::to_string(&scenario).expect("plain data");
                assert_eq!(Scenario::from_json(&again).as_ref(), Ok(&scenario));
                Vec::new()
            }
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        }
    }

    const OPEN: &str = r#""arrivals":{"poisson":{"rate_per_s":1}}"#;

    #[test]
    fn a_client_asks_for_an_operation_or_a_mix() {
        let one = |fields: &str, expected: &str| {
            let said = problems(&format!("{OPEN}{fields}"));
            assert!(said.len() == 1 && said[0].contains(expected), "{said:?}");
        };
        assert!(problems(&format!(r#"{OPEN},"operation":"read""#)).is_empty());
        assert!(problems(&format!(r#"{OPEN},"mix":{{"read":9,"write":1}}"#)).is_empty());
        one("", "components.u.client: a client asks for");
        one(
            r#","operation":"read","mix":{"read":1}"#,
            "client.mix: a client has",
        );
        one(
            r#","operation":"*""#,
            "client.operation: '*' stands for any",
        );
        one(
            r#","mix":{"read":-1}"#,
            "client.mix.read: -1 is out of range",
        );
        one(r#","mix":{}"#, "client.mix: a mix needs");
        // Every operation of the mix must be answered.
        one(
            r#","mix":{"read":1,"scan":1}"#,
            "client.target: 'a' has no plan for the operation 'scan'",
        );
    }

    #[test]
    fn what_requests_are_about_is_checked() {
        let with = |fields: &str| problems(&format!(r#"{OPEN},"operation":"read",{fields}"#));
        assert!(
            with(r#""keys":{"zipf":{"count":10,"exponent":1}},"users":5,"priority":7"#).is_empty()
        );
        assert_eq!(
            with(r#""keys":{"uniform":{"count":0}},"users":0,"priority":8"#).len(),
            3
        );
        let closed = r#""operation":"read","users":3,"arrivals":{"closed":{"users":2,"think_time":{"constant":{"mean_ms":5}}}}"#;
        assert_eq!(problems(closed).len(), 1);
    }

    #[test]
    fn the_parts_of_a_request_are_drawn_apart() {
        let client = Client {
            operation: None,
            mix: Some(Mix([("read".to_owned(), 3.0), ("write".to_owned(), 1.0)]
                .into_iter()
                .collect())),
            target: "a".to_owned(),
            arrivals: Arrivals::Poisson { rate_per_s: 1.0 },
            keys: Some(Keys::Uniform { count: 1000 }),
            users: Some(10),
            priority: None,
            resilience: Resilience::default(),
            deadline_ms: None,
        };
        let draw = |client: &Client| -> Vec<Asked> {
            let asking = Asking::new(client);
            (0..2000)
                .map(|n| asking.draw(n, Key::root(4).with(n)))
                .collect()
        };
        let before = draw(&client);
        let after = draw(&Client {
            mix: None,
            operation: Some("read".to_owned()),
            ..client.clone()
        });
        assert!(
            before
                .iter()
                .zip(&after)
                .all(|(a, b)| (a.key, a.user) == (b.key, b.user))
        );
        let writes = before.iter().filter(|asked| asked.operation == 1).count();
        assert!((400..600).contains(&writes), "{writes}");
        // No part tells of another: a tenth of the writes are each user's.
        for user in 0..10 {
            let n = before
                .iter()
                .filter(|a| a.operation == 1 && a.user == user)
                .count();
            assert!((20..85).contains(&n), "user {user}: {n} of {writes}");
        }
    }
}
