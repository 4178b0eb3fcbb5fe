//! Why one request took as long as it did: its story, and who was served while it waited in line.
//!
//! A run is the same each time, so this is found by running it once more with [`Why`] watching: nothing has to be kept of every
//! request for the one that somebody asks about.

use crate::event::{Event, RequestRef};
use crate::model::Model;
use crate::probe::{Probe, place};
use crate::story::{Stories, Story};
use crate::time::Time;

/// What became of a request, and what it waited behind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// Its story.
    pub story: Story,
    /// What it asked for.
    pub operation: u16,
    /// Its waits in line, in order: also those that the way of its story does not lead along.
    pub waits: Vec<Wait>,
}

/// One wait in a line, as it was when it began.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wait {
    /// When it began.
    pub since: Time,
    /// The station.
    pub station: u32,
    /// Those who stood in line already.
    pub ahead: u32,
    /// Those who were served, by what their requests asked for.
    pub holders: Vec<Holder>,
}

/// Requests for one operation that hold servers of a station.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holder {
    /// The operation.
    pub operation: u16,
    /// How many servers.
    pub servers: u32,
    /// How many of these only wait for an answer from elsewhere.
    pub asking: u32,
}

/// Gives an account of one request.
#[derive(Clone, Debug)]
pub struct Why {
    request: u64,
    stories: Stories,
    /// By slot of the request.
    operations: Vec<u16>,
    /// By slot of the frame: its station and operation, while it holds a server there.
    held: Vec<Option<(u32, u16)>>,
    /// By station.
    holders: Vec<Vec<Holder>>,
    waits: Vec<Wait>,
    operation: u16,
}

impl Why {
    /// Watches for request number `request`.
    pub fn new(request: u64) -> Self {
        Self {
            request,
            stories: Stories::following(request),
            operations: Vec::new(),
            held: Vec::new(),
            holders: Vec::new(),
            waits: Vec::new(),
            operation: 0,
        }
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.stories.found().is_some()
    }

    /// The account of the request, once it has ended.
    pub fn account(&self) -> Option<Account> {
        let story = self.stories.found()?;
        Some(Account {
            story: story.clone(),
            operation: self.operation,
            waits: self.waits.clone(),
        })
    }

    fn holder(&mut self, station: u32, operation: u16) -> &mut Holder {
        let holders = place(&mut self.holders, station);
        let at = holders.iter().position(|h| h.operation == operation);
        let at = at.unwrap_or_else(|| {
            holders.push(Holder {
                operation,
                servers: 0,
                asking: 0,
            });
            holders.len() - 1
        });
        &mut holders[at]
    }

    fn holds(&self, frame: u32) -> Option<(u32, u16)> {
        self.held.get(frame as usize).copied().flatten()
    }
}

impl Probe for Why {
    fn event(&mut self, model: &Model, now: Time, request: RequestRef, event: &Event) {
        if self.is_over() {
            return;
        }
        let told = self.stories.event(model, now, request, event);
        match *event {
            Event::Sent { operation, .. } => {
                *place(&mut self.operations, request.slot) = operation;
                if request.id == self.request {
                    self.operation = operation;
                }
            }
            Event::Started { station, .. } => {
                let operation = *place(&mut self.operations, request.slot);
                *place(&mut self.held, request.frame) = Some((station, operation));
                self.holder(station, operation).servers += 1;
            }
            Event::Left { .. } => {
                if let Some((station, operation)) = self.holds(request.frame) {
                    self.held[request.frame as usize] = None;
                    let holder = self.holder(station, operation);
                    holder.servers = holder.servers.saturating_sub(1);
                    holder.asking -= u32::from(told.was_asking).min(holder.asking);
                }
            }
            Event::Called { .. } | Event::Returned { .. } => {
                if let Some((station, operation)) = self.holds(request.frame) {
                    let holder = self.holder(station, operation);
                    holder.asking = match event {
                        Event::Called { .. } => holder.asking + 1,
                        _ => holder.asking.saturating_sub(1),
                    };
                }
            }
            Event::Queued { station, waiting } if request.id == self.request => {
                let mut holders = place(&mut self.holders, station).clone();
                holders.retain(|holder| holder.servers > 0);
                holders.sort_by_key(|holder| core::cmp::Reverse(holder.servers));
                self.waits.push(Wait {
                    since: now,
                    station,
                    ahead: waiting.saturating_sub(1),
                    holders,
                });
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Duration, Engine, Files, Recorder, Scenario};

    /// Reports of 300 ms hold the only two connections, behind which quick reads wait.
    const SCENARIO: &str = r#"{"version":1,"horizon_s":20,"components":{
        "reports":{"client":{"operation":"report","target":"shop","arrivals":{"poisson":{"rate_per_s":4}}}},
        "users":{"client":{"operation":"read","target":"shop","arrivals":{"poisson":{"rate_per_s":30}}}},
        "shop":{"service":{"workers":50,"plans":{"*":[{"work":{"constant":{"mean_ms":1}}},{"call":{"to":"db"}}]}}},
        "db":{"database":{"connections":2,"queries":{"report":{"constant":{"mean_ms":300}},"*":{"constant":{"mean_ms":2}}}}}}}"#;

    fn run<P: Probe>(probe: P) -> Engine<P> {
        let scenario = Scenario::from_json(SCENARIO).expect("valid");
        let model = Arc::new(Model::new(&scenario, &Files::new()).expect("valid"));
        let mut engine = Engine::new(model, probe);
        engine.run_until(Time::from_secs(20.0));
        engine
    }

    #[test]
    fn it_tells_the_same_story_and_who_was_served_meanwhile() {
        let scenario = Scenario::from_json(SCENARIO).expect("valid");
        let model = Model::new(&scenario, &Files::new()).expect("valid");
        let recorder = run(Recorder::new(&model)).into_probe();
        let slowest = &recorder.stories().slowest()[0];
        let engine = run(Why::new(slowest.request));
        let account = engine.probe().account().expect("it has ended");
        assert_eq!(&account.story, slowest);
        let wait = account.waits.last().expect("it waited");
        let name = |holder: &Holder| engine.model().operation_name(holder.operation).to_owned();
        assert_eq!(wait.holders.iter().map(|h| h.servers).sum::<u32>(), 2);
        assert_eq!(name(&wait.holders[0]), "report");
        // Nobody waits for anything at the database itself.
        assert!(wait.holders.iter().all(|holder| holder.asking == 0));
        let mut spans = account.story.spans.iter();
        let in_line = spans
            .find(|span| span.from == wait.since)
            .expect("a wait is a span");
        assert!(in_line.length() > Duration::from_millis(100.0));
    }

    #[test]
    fn who_has_not_ended_has_no_account() {
        assert_eq!(run(Why::new(1_000_000)).probe().account(), None);
    }
}
