//! The tape: a probe that keeps what happened until the page has been told.
//!
//! The page draws requests on their way between stations, so each arrival and each answer is told with where it came from, and
//! what it is: a first request or a retry, a miss that goes on to the next level, a compensation. The tape knows that from the
//! calls that made the frame; the page needs no memory of its own, and may be told of one request in many.

use std::collections::BTreeSet;

use scale_sim::{
    Child, Event, Kind, Loss, Model, Probe, RequestRef, Time, ViewEvent, WorkflowEvent,
};

use crate::protocol::{
    BranchTurn, CacheTurn, DotKind, NO_REQUEST, Origin, SagaTurn, Tick, Way, What,
};
use crate::turns::{cache, message, shard, store, view};

/// Ticks that one frame may carry; above it the tape keeps fewer requests.
pub const TICKS: usize = 16_000;
/// Above this stride nothing is thinned further.
const STRIDE: u32 = 1 << 16;

/// No frame.
const NONE: u32 = u32::MAX;

/// Keeps what happened.
#[derive(Clone, Debug)]
pub struct Tape {
    ticks: Vec<Tick>,
    stride: u32,
    /// By slot of the frame.
    notes: Vec<Note>,
    /// By slot of the call.
    calls: Vec<CallNote>,
    /// By slot of the request: the key that it is about.
    keys: Vec<u64>,
    /// Sagas on their way back.
    back: BTreeSet<u32>,
}

/// What is known of a frame.
#[derive(Clone, Copy, Debug)]
struct Note {
    way: Way,
    /// The frame that asked.
    parent: u32,
    /// Whether it waited in line before it was served.
    queued: bool,
    /// What its own calls are.
    calls: DotKind,
    /// What its answer is.
    answer: DotKind,
}

const UNKNOWN: Note = Note {
    way: Way {
        from: Origin::Nowhere,
        through: None,
        kind: DotKind::Request,
    },
    parent: NONE,
    queued: false,
    calls: DotKind::Request,
    answer: DotKind::Answer,
};

/// What is known of a call of several attempts or branches.
#[derive(Clone, Copy, Debug)]
struct CallNote {
    from: Origin,
    parent: u32,
    kind: DotKind,
    since: Time,
    /// Whether an attempt has failed.
    missed: bool,
}

const NO_CALL: CallNote = CallNote {
    from: Origin::Nowhere,
    parent: NONE,
    kind: DotKind::Request,
    since: Time::ZERO,
    missed: false,
};

impl Default for Tape {
    fn default() -> Self {
        Self {
            ticks: Vec::new(),
            stride: 1,
            notes: Vec::new(),
            calls: Vec::new(),
            keys: Vec::new(),
            back: BTreeSet::new(),
        }
    }
}

impl Tape {
    /// Hands out what was kept, and adapts how much will be.
    pub fn take(&mut self) -> (Vec<Tick>, u32) {
        let ticks = core::mem::take(&mut self.ticks);
        let stride = self.stride;
        if ticks.len() < TICKS / 4 && self.stride > 1 {
            self.stride /= 2;
        }
        (ticks, stride)
    }

    /// Forgets what was kept: the page has it.
    pub fn clear(&mut self) {
        self.ticks.clear();
    }

    fn note(&mut self, frame: u32) -> &mut Note {
        at(&mut self.notes, frame, UNKNOWN)
    }

    /// What was made by a call of `parent`.
    fn made(&mut self, child: Child, from: Origin, parent: u32, kind: DotKind, now: Time) {
        match child {
            Child::Frame(frame) => {
                // What a call is for, its own calls are for as well; but a second try is none further on, nor is a message.
                let passes_on = matches!(kind, DotKind::Compensation | DotKind::Miss);
                *self.note(frame) = Note {
                    way: Way {
                        from,
                        through: None,
                        kind,
                    },
                    parent,
                    calls: if passes_on { kind } else { DotKind::Request },
                    ..UNKNOWN
                };
            }
            Child::Call(call) => {
                *at(&mut self.calls, call, NO_CALL) = CallNote {
                    from,
                    parent,
                    kind,
                    since: now,
                    missed: false,
                };
            }
        }
    }

    /// What a call from a frame to a component is.
    fn kind(&mut self, model: &Model, frame: u32, station: u32, to: u16) -> DotKind {
        let kind = |component: usize| model.components().nth(component).map(|(_, kind)| kind);
        let broker = |kind| matches!(kind, Some(Kind::Queue | Kind::Topic));
        let own = model.stations().nth(station as usize);
        if broker(kind(usize::from(to))) || own.is_some_and(|own| broker(kind(own.component))) {
            return DotKind::Message;
        }
        if frame == NONE {
            DotKind::Request
        } else {
            self.note(frame).calls
        }
    }

    /// What the event means for the frames under way, and how it is told; `None` if it is not.
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each event, side by side"
    )]
    fn told(
        &mut self,
        model: &Model,
        now: Time,
        request: RequestRef,
        event: &Event,
    ) -> Option<What> {
        let frame = request.frame;
        Some(match *event {
            Event::Sent {
                client,
                operation,
                key,
                child,
                ..
            } => {
                *at(&mut self.keys, request.slot, 0) = key;
                let from = Origin::Component(client);
                self.made(child, from, NONE, DotKind::Request, now);
                What::Sent {
                    client,
                    operation,
                    key,
                }
            }
            Event::Called { station, to, child } => {
                let kind = self.kind(model, frame, station, to);
                self.made(child, Origin::Station(station), frame, kind, now);
                // Who asks the next level answers with what that has.
                if frame != NONE && self.note(frame).answer == DotKind::Absent {
                    self.note(frame).answer = DotKind::Answer;
                }
                let own = model.stations().nth(station as usize)?.component;
                let routed = model.components().nth(own)?.1 == Kind::Shards;
                let key = self.keys.get(request.slot as usize).copied();
                // What the system does by itself, such as moving a key, has no key that clients asked about; and a question to all
                // shards, which are one call, is about none.
                let placed = routed && request.id != NO_REQUEST && matches!(child, Child::Frame(_));
                if let (true, Some(key)) = (placed, key)
                    && let Some(place) = model.shard_place(own, key)
                {
                    let placed = What::Placed {
                        station,
                        to,
                        place,
                        key,
                    };
                    self.keep(now, request, placed);
                }
                What::Called { station, to, kind }
            }
            Event::Spawned { station, to, child } => {
                let kind = self.kind(model, frame, station, to);
                self.made(child, Origin::Station(station), NONE, kind, now);
                return None;
            }
            Event::Probed {
                balancer, child, ..
            } => {
                let from = Origin::Component(balancer);
                self.made(child, from, NONE, DotKind::Probe, now);
                return None;
            }
            Event::Tried { call, child, .. } => {
                let call = *at(&mut self.calls, call, NO_CALL);
                // Branches are all begun at once, attempts one after the other.
                let again = call.missed && now > call.since;
                let kind = if again { DotKind::Retry } else { call.kind };
                self.made(child, call.from, call.parent, kind, now);
                return None;
            }
            Event::Missed { call, .. } => {
                at(&mut self.calls, call, NO_CALL).missed = true;
                return None;
            }
            Event::Routed { balancer, .. } => {
                self.note(frame).way.through = Some(balancer);
                return None;
            }
            Event::Queued { station, waiting } => {
                let note = self.note(frame);
                note.queued = true;
                What::Queued {
                    station,
                    waiting,
                    way: note.way,
                }
            }
            Event::Unqueued { station, waiting } => What::Unqueued { station, waiting },
            Event::Started {
                station,
                busy,
                waiting,
            } => {
                let note = self.note(frame);
                let arrives = !core::mem::replace(&mut note.queued, false);
                What::Started {
                    station,
                    busy,
                    waiting,
                    way: arrives.then_some(note.way),
                }
            }
            Event::Returned { station } => What::Returned { station },
            Event::Left { station, busy, ok } => {
                let note = *self.note(frame);
                let kind = if ok { note.answer } else { DotKind::Refusal };
                if note.parent != NONE {
                    let parent = self.note(note.parent);
                    match kind {
                        // Who was told that there is nothing in the cache asks the next level itself.
                        DotKind::Absent if parent.calls == DotKind::Request => {
                            parent.calls = DotKind::Miss;
                        }
                        DotKind::Stale => parent.answer = DotKind::Stale,
                        _ if note.way.kind == DotKind::Miss && parent.calls == DotKind::Miss => {
                            parent.calls = DotKind::Request;
                        }
                        _ => {}
                    }
                }
                What::Left {
                    station,
                    busy,
                    way: Way { kind, ..note.way },
                }
            }
            Event::Refused { station, reason } if station != u32::MAX => What::Refused {
                station,
                way: self.note(frame).way,
                full: reason == Loss::QueueFull,
            },
            Event::Capacity { station, servers } => What::Capacity { station, servers },
            Event::Completed {
                client, latency, ..
            } => What::Completed {
                client,
                latency_ms: latency.millis(),
            },
            Event::Lost {
                client,
                station,
                reason,
                ..
            } => What::Lost {
                client,
                station,
                full: reason == Loss::QueueFull,
            },
            Event::Fault { fault, active } => What::Fault { fault, active },
            Event::CacheHit {
                station,
                key,
                stale,
            } => {
                let (turn, answer) = match stale {
                    Some(_) => (CacheTurn::StaleHit, DotKind::Stale),
                    None => (CacheTurn::Hit, DotKind::Hit),
                };
                self.note(frame).answer = answer;
                What::Cache { station, key, turn }
            }
            Event::CacheMiss { station, key } => {
                let note = self.note(frame);
                note.answer = DotKind::Absent;
                note.calls = DotKind::Miss;
                cache(station, key, CacheTurn::Miss)
            }
            Event::CacheFilled { station, key } => cache(station, key, CacheTurn::Filled),
            Event::CacheEvicted { station, key } => cache(station, key, CacheTurn::Evicted),
            Event::CacheExpired { station, key } => cache(station, key, CacheTurn::Expired),
            Event::CacheDropped { station, key } => cache(station, key, CacheTurn::Dropped),
            Event::CacheDirty { station, key } => cache(station, key, CacheTurn::Dirty),
            Event::CacheFlushed { station, .. } => cache(station, 0, CacheTurn::Flushed),
            Event::ReplicaRead { stale, .. } => {
                if stale.is_some() {
                    self.note(frame).answer = DotKind::Stale;
                }
                return None;
            }
            Event::Committed { station, rows } => What::Committed { station, rows },
            Event::Shard(event) => shard(event),
            Event::Message(event) => message(event)?,
            Event::Workflow(event) => self.workflow(frame, event)?,
            Event::Store(event) => store(event)?,
            Event::View(event) => {
                if let ViewEvent::Read { stale: Some(_), .. } = event {
                    self.note(frame).answer = DotKind::Stale;
                }
                view(event)
            }
            _ => return None,
        })
    }

    fn workflow(&mut self, frame: u32, event: WorkflowEvent) -> Option<What> {
        use WorkflowEvent as W;
        let station = event.station();
        let (saga, step, turn) = match event {
            W::SagaStarted { saga, .. } => (saga, 0, SagaTurn::Started),
            W::StepDone { saga, step, .. } => (saga, step, SagaTurn::StepDone),
            W::StepFailed { saga, step, .. } => (saga, step, SagaTurn::StepFailed),
            W::Compensating { saga, step, .. } => (saga, step, SagaTurn::Compensating),
            W::Undone { saga, step, .. } => (saga, step, SagaTurn::Undone),
            W::SagaFinished { saga, .. } => (saga, 0, SagaTurn::Finished),
            W::SagaCompensated { saga, .. } => (saga, 0, SagaTurn::Compensated),
            W::SagaStuck { saga, step, .. } => (saga, step, SagaTurn::Stuck),
            W::Orphaned { workflow, .. } => (workflow, 0, SagaTurn::Orphaned),
            W::Recovered { workflow, .. } => (workflow, 0, SagaTurn::Recovered),
            W::Prepared { transaction, .. } => {
                return Some(What::Branch {
                    station,
                    transaction,
                    turn: BranchTurn::Prepared,
                });
            }
            W::Resolved {
                transaction,
                commit,
                ..
            } => {
                let turn = if commit {
                    BranchTurn::Committed
                } else {
                    BranchTurn::Aborted
                };
                return Some(What::Branch {
                    station,
                    transaction,
                    turn,
                });
            }
            W::Repeated { .. } | W::UndoneEmpty { .. } | W::TooLate { .. } | W::Decided { .. } => {
                return None;
            }
        };
        match turn {
            SagaTurn::Compensating => {
                self.back.insert(saga);
            }
            SagaTurn::Finished | SagaTurn::Compensated | SagaTurn::Stuck => {
                self.back.remove(&saga);
            }
            _ => {}
        }
        if frame != NONE {
            self.note(frame).calls = if self.back.contains(&saga) {
                DotKind::Compensation
            } else {
                DotKind::Request
            };
        }
        Some(What::Saga {
            station,
            saga,
            step,
            turn,
        })
    }

    fn keep(&mut self, now: Time, request: RequestRef, what: What) {
        let tick = Tick {
            at_s: now.secs(),
            request: request.id,
            what,
        };
        if !tick.is_shown(self.stride) {
            return;
        }
        if self.ticks.len() >= TICKS && self.stride < STRIDE {
            self.stride *= 2;
            let stride = self.stride;
            self.ticks.retain(|tick| tick.is_shown(stride));
            if !tick.is_shown(stride) {
                return;
            }
        }
        self.ticks.push(tick);
    }
}

impl Probe for Tape {
    fn event(&mut self, model: &Model, now: Time, request: RequestRef, event: &Event) {
        if let Some(what) = self.told(model, now, request, event) {
            self.keep(now, request, what);
        }
    }
}

/// The entry at `place`, which may be a new one.
fn at<T: Clone>(list: &mut Vec<T>, place: u32, new: T) -> &mut T {
    let place = place as usize;
    if place >= list.len() {
        list.resize(place + 1, new);
    }
    &mut list[place]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use scale_sim::{Engine, Files, Scenario};

    use super::*;

    /// What happens in the first seconds of a scene of the home page.
    fn ticks(scene: &str, until_s: f64) -> (Arc<Model>, Vec<Tick>) {
        let scenario = Scenario::from_json(scene).expect("valid");
        let model = Arc::new(Model::new(&scenario, &Files::new()).expect("valid"));
        let mut engine = Engine::new(Arc::clone(&model), Tape::default());
        engine.run_until(Time::from_secs(until_s));
        let (ticks, stride) = engine.probe_mut().take();
        assert_eq!(stride, 1);
        (model, ticks)
    }

    fn at(model: &Model, station: u32) -> &str {
        let station = model.stations().nth(station as usize).expect("it is one");
        let component = model.components().nth(station.component);
        component.expect("it has one").0
    }

    #[test]
    fn a_miss_goes_on_to_the_next_level_and_a_hit_comes_back() {
        let (model, ticks) = ticks(include_str!("page/scenes/caches.json"), 8.0);
        let mut missed = [0; 2];
        let mut asked = [0; 2];
        let mut hits = 0;
        for tick in &ticks {
            match tick.what {
                What::Cache {
                    station,
                    turn: CacheTurn::Miss,
                    ..
                } => missed[usize::from(at(&model, station) == "shared")] += 1,
                What::Called {
                    station,
                    kind: DotKind::Miss,
                    ..
                } => asked[usize::from(at(&model, station) == "shared")] += 1,
                What::Left { station, way, .. } if at(&model, station) != "shop" => {
                    hits += u32::from(way.kind == DotKind::Hit);
                    // Who asked the next level answers with what that had.
                    assert_ne!(way.kind, DotKind::Absent);
                }
                _ => {}
            }
        }
        assert_eq!(missed, asked);
        assert!(missed[0] > missed[1] && missed[1] > 50, "{missed:?}");
        assert!(hits > 50, "{hits}");
    }

    #[test]
    fn what_a_saga_takes_back_is_told_as_such_and_nothing_else_is() {
        let (model, ticks) = ticks(include_str!("page/scenes/sagas.json"), 20.0);
        let mut back = std::collections::BTreeMap::new();
        let (mut compensations, mut steps) = (0, 0);
        for tick in &ticks {
            match tick.what {
                What::Saga { turn, .. } => {
                    back.insert(tick.request, turn == SagaTurn::Compensating);
                }
                What::Started {
                    station,
                    way: Some(way),
                    ..
                } if at(&model, station) != "orders" => {
                    let expected = back[&tick.request];
                    assert_eq!(way.kind == DotKind::Compensation, expected, "{tick:?}");
                    compensations += u32::from(expected);
                    steps += u32::from(!expected);
                }
                _ => {}
            }
        }
        assert!(compensations > 20 && steps > 200, "{compensations} {steps}");
    }

    #[test]
    fn every_key_lies_where_its_shard_is_on_the_map() {
        let (model, ticks) = ticks(include_str!("page/scenes/shards.json"), 20.0);
        let router = model.component_named("router").expect("it is there");
        let map = &model.shard_maps(router)[0];
        let placed = ticks.iter().filter_map(|tick| match tick.what {
            What::Placed { to, place, .. } => Some((to, place)),
            _ => None,
        });
        let placed: Vec<(u16, u16)> = placed.collect();
        assert!(placed.len() > 1_000);
        assert!({ placed.iter() }.all(|(to, place)| map.owner(*place) == Some(*to)));
    }

    #[test]
    fn a_question_to_all_shards_lies_nowhere() {
        let scene = include_str!("../../../lessons/z-axis/scenes/ask.json");
        let (_, ticks) = ticks(scene, 10.0);
        let count = |is: fn(&What) -> bool| ticks.iter().filter(|tick| is(&tick.what)).count();
        assert!(count(|what| matches!(what, What::Sent { .. })) > 50);
        assert_eq!(count(|what| matches!(what, What::Placed { .. })), 0);
    }

    #[test]
    fn only_what_clients_ask_about_is_placed() {
        let scene = include_str!("../../../tests/scenarios/reshard-dual-writes.json");
        let scenario = Scenario::from_json(scene).expect("valid");
        let model = Arc::new(Model::new(&scenario, &Files::new()).expect("valid"));
        let horizon = model.horizon();
        let mut engine = Engine::new(model, Tape::default());
        let (mut placed, mut moved) = (0, 0);
        for part in 1..=400 {
            engine.run_until(Time::from_secs(horizon.secs() * f64::from(part) / 400.0));
            for tick in engine.probe_mut().take().0 {
                match tick.what {
                    What::Placed { .. } => {
                        assert_ne!(tick.request, NO_REQUEST, "{tick:?}");
                        placed += 1;
                    }
                    What::Called { .. } => moved += u32::from(tick.request == NO_REQUEST),
                    _ => {}
                }
            }
        }
        assert!(placed > 100 && moved > 10, "{placed} {moved}");
    }

    #[test]
    fn branches_made_at_once_each_have_their_own_way() {
        let scene = r#"{"version":1,"horizon_s":10,"components":{
            "users":{"client":{"operation":"buy","target":"shop","arrivals":{"poisson":{"rate_per_s":50}}}},
            "shop":{"service":{"workers":50,"plans":{"*":[{"parallel":{"calls":[{"to":"a"},{"to":"b"}]}}]}}},
            "a":{"database":{"connections":4,"queries":{"*":{"exponential":{"mean_ms":10}}}}},
            "b":{"database":{"connections":4,"queries":{"*":{"exponential":{"mean_ms":30}}}}}}}"#;
        let (model, ticks) = ticks(scene, 10.0);
        let mut ways = 0;
        for tick in &ticks {
            if let What::Left { station, way, .. } = tick.what
                && at(&model, station) != "shop"
            {
                assert_eq!((way.from, way.kind), (Origin::Station(0), DotKind::Answer));
                ways += 1;
            }
        }
        assert!(ways > 800, "{ways}");
    }
}
