//! A component looked at closely: what its policies know at a moment, and what they decided last and why.
//!
//! Events say what was decided, not why. So the run is gone through once more, from the last state kept before, to find the
//! last decisions, and a second time to see what the policies knew just before each.

mod reasons;
mod words;

use std::collections::VecDeque;

use scale_sim::{
    Engine, Event, Kind, MessageEvent, Model, PolicyState, RequestRef, ShardEvent, Time,
};

use super::eye::{Eye, Watched};
use super::replay::{Replay, step};
use super::{Moment, Stage};
use crate::protocol::{DecisionView, LookView, NO_REQUEST, Scene};

/// So many decisions are told of those that are made for every request; and so many of the rare ones, which would drown in them.
const DECISIONS: usize = 4;
const RARE: usize = 3;
/// So many of the states kept are gone back to, to find that many.
const BACK: usize = 3;

/// What a policy decided.
#[derive(Clone, Copy, Debug)]
struct Decision {
    at: Time,
    request: u64,
    event: Event,
    /// The key that the request is about, if it was sent while this was watched.
    key: Option<u64>,
    /// How many events the run had handled before.
    events: u64,
}

/// Watches for what the policies of one component decide.
#[derive(Clone, Debug)]
pub struct Decisions {
    component: u16,
    /// The latest, at most as many as are told.
    last: VecDeque<Decision>,
    rare: VecDeque<Decision>,
    /// How many events the run had handled before the step under way.
    events: u64,
    /// By place in the table of requests: the key that it is about.
    keys: Vec<Option<u64>>,
}

impl Decisions {
    const fn new(component: u16) -> Self {
        Self {
            component,
            last: VecDeque::new(),
            rare: VecDeque::new(),
            events: 0,
            keys: Vec::new(),
        }
    }

    /// Takes note of an event.
    pub fn event(&mut self, model: &Model, now: Time, request: RequestRef, event: &Event) {
        let slot = request.slot as usize;
        if let Event::Sent { key, .. } = *event {
            if self.keys.len() <= slot {
                self.keys.resize(slot + 1, None);
            }
            self.keys[slot] = Some(key);
        }
        if !is_decision(model, self.component, event) {
            return;
        }
        let (list, most) = if is_rare(event) {
            (&mut self.rare, RARE)
        } else {
            (&mut self.last, DECISIONS)
        };
        if list.len() == most {
            list.pop_front();
        }
        list.push_back(Decision {
            at: now,
            request: request.id,
            event: *event,
            key: self.keys.get(slot).copied().flatten(),
            events: self.events,
        });
    }

    /// Those to be told, in order.
    fn found(self) -> Vec<Decision> {
        let mut found: Vec<Decision> = self.last.into_iter().chain(self.rare).collect();
        found.sort_by_key(|decision| decision.events);
        found
    }
}

/// Whether a decision is about a whole component rather than about a request.
const fn is_rare(event: &Event) -> bool {
    matches!(
        event,
        Event::Health { .. }
            | Event::Breaker { .. }
            | Event::Scaled { .. }
            | Event::Promoted { .. }
            | Event::Shard(ShardEvent::Moved { .. })
            | Event::Message(MessageEvent::Rebalanced { .. })
    )
}

/// Whether an event is a decision of a policy of `component`. A breaker's says only whom it guards against.
fn is_decision(model: &Model, component: u16, event: &Event) -> bool {
    let own = usize::from(component);
    let at = |station: u32| {
        let place = model.stations().nth(station as usize);
        place.is_some_and(|place| place.component == own)
    };
    match *event {
        Event::Routed { balancer, .. } | Event::Health { balancer, .. } => balancer == component,
        Event::Scaled {
            component: scaled, ..
        } => scaled == component,
        Event::Breaker { .. } => true,
        Event::Called { station, .. } => {
            let kind = model.components().nth(own).map(|(_, kind)| kind);
            kind == Some(Kind::Shards) && at(station)
        }
        Event::Refused { station, .. }
        | Event::Delayed { station, .. }
        | Event::CacheEvicted { station, .. }
        | Event::CacheExpired { station, .. }
        | Event::Pooled { station }
        | Event::Following { station }
        | Event::ReplicaRead { station, .. }
        | Event::Promoted { station, .. } => at(station),
        Event::Shard(event) => {
            let silent = matches!(event, ShardEvent::Released { .. } | ShardEvent::Lost { .. });
            !silent && at(event.station())
        }
        Event::Message(event) => {
            let told = matches!(
                event,
                MessageEvent::Delivered { .. }
                    | MessageEvent::Returned { .. }
                    | MessageEvent::DeadLettered { .. }
                    | MessageEvent::Dropped { .. }
                    | MessageEvent::Blocked { .. }
                    | MessageEvent::Rebalanced { .. }
            );
            told && at(event.station())
        }
        _ => false,
    }
}

impl Stage {
    /// What the policies of a component know: at a moment, with their last decisions up to then, or where the run has come to.
    pub(super) fn look(&self, component: u16, at: Option<Time>) -> LookView {
        let Some(at) = at else {
            let engine = &self.now.engine;
            return self.view(
                component,
                engine.now(),
                &engine.policy_states(component),
                Vec::new(),
            );
        };
        let kept = self
            .keyframes
            .partition_point(|kept| kept.engine.now() <= at);
        let latest = kept.saturating_sub(1);
        let mut found = Vec::new();
        let mut from = latest;
        let mut states = Vec::new();
        for start in (latest.saturating_sub(BACK)..=latest).rev() {
            let mut replay = self.replay(&self.keyframes[start], component);
            loop {
                let events = replay.engine.events();
                decisions(&mut replay.engine).events = events;
                if !replay.step(at) {
                    break;
                }
            }
            replay.engine.run_until(at);
            states = replay.engine.policy_states(component);
            from = start;
            found = taken(replay.engine).found();
            if found.len() >= DECISIONS {
                break;
            }
        }
        let mut told = Vec::new();
        let mut replay = self.replay(&self.keyframes[from], component);
        for decision in found {
            while replay.engine.events() < decision.events && replay.step(at) {}
            let before = replay.engine.policy_states(component);
            // A second decision of the same step has the state before that step, too.
            let mut after = replay.engine.clone();
            step(&mut after);
            let after = after.policy_states(component);
            let knows = reasons::Knows {
                scene: &self.scene,
                model: self.now.engine.model(),
                component,
                before: &before,
                after: &after,
            };
            if let Some((what, why)) = knows.reason(&decision.event, decision.key) {
                told.push(DecisionView {
                    at_s: decision.at.secs(),
                    what: of_request(decision.request, &what),
                    why,
                });
            }
        }
        told.reverse();
        self.view(component, at, &states, told)
    }

    fn view(
        &self,
        component: u16,
        at: Time,
        states: &[PolicyState],
        decisions: Vec<DecisionView>,
    ) -> LookView {
        LookView {
            component,
            at_s: at.secs(),
            policies: words::policies(&self.scene, at, states),
            decisions,
        }
    }

    fn replay(&self, from: &Moment, component: u16) -> Replay<'_> {
        let mut engine = from.engine.clone();
        engine.probe_mut().1 = Eye::Decisions(Box::new(Decisions::new(component)));
        Replay::new(
            engine,
            &self.changes[from.changes.min(self.changes.len())..],
        )
    }
}

fn decisions(engine: &mut Engine<Watched>) -> &mut Decisions {
    match &mut engine.probe_mut().1 {
        Eye::Decisions(decisions) => decisions,
        _ => unreachable!("it was given them to watch"),
    }
}

fn taken(engine: Engine<Watched>) -> Decisions {
    match engine.into_probe().1 {
        Eye::Decisions(decisions) => *decisions,
        _ => unreachable!("it was given them to watch"),
    }
}

/// What was decided, with the request that it was about if there was one.
fn of_request(request: u64, what: &str) -> String {
    match request {
        NO_REQUEST => {
            let mut letters = what.chars();
            let first = letters.next().map(char::to_uppercase);
            first.into_iter().flatten().chain(letters).collect()
        }
        request => format!("Request {}: {what}", request + 1),
    }
}

/// Things in a row, for a sentence.
fn listed(things: &[String]) -> String {
    match things {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The name of a station; stations are named as on the picture.
fn station(scene: &Scene, station: u32) -> String {
    scene.station_name(station)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Session;
    use crate::protocol::{Command, LookView, Reply, Scene};

    fn load(session: &mut Session, scenario: &str) -> Scene {
        let command = Command::Load {
            run: 1,
            beside: None,
            scenario: scenario.to_owned(),
            task: "[]".to_owned(),
        };
        match session.handle(command) {
            Some(Reply::Ready(_, scene)) => scene,
            other => panic!("{other:?}"),
        }
    }

    fn look(session: &mut Session, component: u16, at_s: Option<f64>) -> LookView {
        let command = Command::Look {
            run: 1,
            component,
            at_s,
        };
        match session.handle(command) {
            Some(Reply::Looked(1, view)) => *view,
            other => panic!("{other:?}"),
        }
    }

    fn run(scenario: &str, to_s: f64) -> Session {
        let mut session = Session::default();
        load(&mut session, scenario);
        // In steps, as the page does it, so that states are kept on the way.
        for step in 1..=20 {
            let to_s = to_s * f64::from(step) / 20.0;
            session.handle(Command::Advance { run: 1, to_s });
        }
        session
    }

    fn balanced(policy: &str, more: &str) -> String {
        format!(
            r#"{{ "version": 1, "horizon_s": 20, "components": {{
            "users": {{ "client": {{ "operation": "buy", "target": "balancer", "arrivals": {{ "poisson": {{ "rate_per_s": 80 }} }} }} }},
            "balancer": {{ "balancer": {{ "policy": "{policy}", "targets": ["shop"]{more} }} }},
            "shop": {{ "service": {{ "instances": 3, "workers": 1, "queue": 5, "plans": {{ "*": [ {{ "work": {{ "exponential": {{ "mean_ms": 30 }} }} }} ] }} }} }}
        }}, "faults": [ {{ "what": {{ "crash": {{ "component": "shop", "instance": 1 }} }}, "at_s": 6, "for_s": 5 }} ] }}"#
        )
    }

    #[test]
    fn a_balancer_tells_what_it_knows_and_why_it_chose() {
        let mut session = run(&balanced("least_connections", ""), 10.0);
        let view = look(&mut session, 1, Some(4.0));
        assert_eq!(view.policies[0].title, "Balancing: least connections");
        assert_eq!(view.policies[0].rows.len(), 3);
        assert_eq!(view.decisions.len(), super::DECISIONS);
        for pair in view.decisions.windows(2) {
            assert!(pair[0].at_s >= pair[1].at_s && pair[0].at_s <= 4.0);
        }
        for decision in &view.decisions {
            // What was chosen had no more requests open than any other.
            let (_, numbers) = decision.why.split_once(": ").expect("figures");
            let numbers: Vec<u32> = numbers
                .split(|letter: char| !letter.is_ascii_digit())
                .filter_map(|word| word.parse().ok())
                .collect();
            let least = numbers.iter().min().expect("figures");
            assert_eq!(numbers[0], *least, "{}", decision.why);
            assert_eq!(numbers.len(), 3, "{}", decision.why);
        }
        // Looking makes no difference to what comes, and the same question has the same answer.
        assert_eq!(look(&mut session, 1, Some(4.0)), view);
        assert!(look(&mut session, 1, None).decisions.is_empty());
    }

    #[test]
    fn who_is_out_of_service_is_named_with_the_reason() {
        let check = r#", "health_check": { "interval_s": 1, "timeout_ms": 500, "fall": 2, "rise": 2, "operation": "buy" }"#;
        let mut session = run(&balanced("round_robin", check), 14.0);
        let view = look(&mut session, 1, Some(9.0));
        let states: Vec<&str> = { view.policies[0].rows.iter() }
            .map(|row| row[1].as_str())
            .collect();
        assert!(states[0].starts_with("out of service"), "{states:?}");
        assert!(states[1].starts_with("in service"), "{states:?}");
        let why = &view.decisions[0].why;
        assert!(why.contains("shop 1 is out of service"), "{why}");
        // Just after it was taken out, that is the last decision but for requests.
        let taken_out = (60..90).find_map(|tenths| {
            let view = look(&mut session, 1, Some(f64::from(tenths) / 10.0));
            let mut decisions = view.decisions.into_iter();
            decisions.find(|decision| decision.what.contains("taken out of service"))
        });
        let taken_out = taken_out.expect("it was taken out");
        assert_eq!(taken_out.why, "2 probes in a row failed");
    }

    #[test]
    fn a_breaker_says_what_opened_it() {
        let scenario = r#"{ "version": 1, "horizon_s": 20, "components": {
            "users": { "client": { "operation": "buy", "target": "shop", "arrivals": { "poisson": { "rate_per_s": 20 } } } },
            "shop": { "service": { "workers": 50, "queue": 50, "plans": { "*": [ { "call": { "to": "bank", "resilience": { "breaker": { "consecutive": { "failures": 3, "open_ms": 1000 } } } } } ] } } },
            "bank": { "service": { "workers": 5, "queue": 5, "plans": { "*": [ { "work": { "constant": { "mean_ms": 5 } } } ] } } }
        }, "faults": [ { "what": { "crash": { "component": "bank" } }, "at_s": 5, "for_s": 3 } ] }"#;
        let mut session = run(scenario, 10.0);
        let opened = look(&mut session, 1, Some(6.0));
        assert!(
            opened.policies[0]
                .title
                .starts_with("Circuit breaker for bank: opens after 3 failures")
        );
        assert!(
            opened.policies[0].rows[0][1].starts_with("open"),
            "{opened:?}"
        );
        let all: Vec<String> = { 50..100 }
            .flat_map(|tenths| look(&mut session, 1, Some(f64::from(tenths) / 10.0)).decisions)
            .map(|decision| format!("{} because {}", decision.what, decision.why))
            .collect();
        let said = |what: &str| all.iter().any(|told| told.contains(what));
        assert!(
            said("is open because 3 calls in a row have failed"),
            "{all:?}"
        );
        assert!(said("is half-open because its time is over"), "{all:?}");
        assert!(
            said("is closed because the calls on trial went well"),
            "{all:?}"
        );
        // The bank guards nothing, and so decides nothing of breakers.
        let bank = look(&mut session, 2, Some(6.0));
        assert!(
            bank.decisions
                .iter()
                .all(|decision| !decision.what.contains("breaker"))
        );
    }

    /// Every sample that needs no files, half-way through its run: each component can be looked at, looking changes nothing, and
    /// between them the samples show every policy and give a reason for each kind of decision.
    #[test]
    fn every_component_of_every_sample_can_be_looked_at() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/scenarios");
        let mut titles = BTreeSet::new();
        let mut decided = BTreeSet::new();
        for entry in std::fs::read_dir(dir).expect("a folder of samples") {
            let path = entry.expect("a file").path();
            if path.extension().is_none_or(|kind| kind != "json") {
                continue;
            }
            let text = std::fs::read_to_string(path).expect("text");
            let mut session = Session::default();
            let command = Command::Load {
                run: 1,
                beside: None,
                scenario: text,
                task: "[]".to_owned(),
            };
            let Some(Reply::Ready(_, scene)) = session.handle(command) else {
                continue;
            };
            // So long that things go wrong, not so long that the test is slow.
            let to_s = (scene.horizon_s / 2.0).min(8.0);
            for step in 1..=20 {
                let to_s = to_s * f64::from(step) / 20.0;
                session.handle(Command::Advance { run: 1, to_s });
            }
            for component in 0..scene.components.len() as u16 {
                let view = look(&mut session, component, Some(to_s));
                assert!((view.at_s - to_s).abs() < 1e-9);
                let now = look(&mut session, component, None);
                assert_eq!(view.policies, now.policies, "a replay comes to the same");
                for policy in &view.policies {
                    titles.insert(policy.title.split([':', ',']).next().map(str::to_owned));
                    assert!(policy.rows.iter().all(|row| row.len() == policy.head.len()));
                }
                for decision in &view.decisions {
                    assert!(!decision.why.is_empty() && decision.at_s <= to_s);
                    let words = decision.what.split(": ").last().expect("words");
                    decided.extend(words.split(' ').next().map(str::to_owned));
                }
            }
        }
        let titles: Vec<String> = titles.into_iter().flatten().collect();
        for policy in [
            "Autoscaling by",
            "Balancing",
            "Circuit breaker",
            "Concurrency limit",
            "Connection pools",
            "Controlled delay",
            "Delivery",
            "Eviction",
            "Rate limit",
            "Reads go",
            "Resharding",
            "Retry budget",
            "Subscription",
        ] {
            let shown = titles.iter().any(|title| title.starts_with(policy));
            assert!(shown, "no sample shows {policy}: {titles:?}");
        }
        for words in [
            "to",
            "refused",
            "reads",
            "message",
            "Keys",
            "Partitions",
            "the",
        ] {
            assert!(
                decided.contains(words),
                "nothing is decided with '{words}': {decided:?}"
            );
        }
    }
}
