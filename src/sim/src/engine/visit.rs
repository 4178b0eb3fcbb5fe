//! A frame's way: to its station, into line, through its plan, and back with an answer.

use std::sync::Arc;

use slotmap::Key as _;

use super::Engine;
use crate::calendar::Due;
use crate::component::Discipline;
use crate::component::station::{Duty, FULL_SPEED};
use crate::event::{Event, Loss, RowEvent};
use crate::frame::{
    Entry, Errand, Failure, Frame, FrameId, NOBODY, NONE, Outcome, Request, RequestId, State,
    Value, Waiter,
};
use crate::model::{Model, Role, Site, Step};
use crate::probe::Probe;
use crate::random::Key;
use crate::time::{Duration, Time};
use crate::wire::Sent;
use crate::workflow::Part;

impl<P: Probe> Engine<P> {
    /// A request that the system sends itself: a probe, a write that a cache sends on, a copy of a key. No client
    /// waits for it; `user` says to which region of a cache it goes.
    pub(super) fn own_request(&mut self, user: u32) -> RequestId {
        self.requests.insert(Request {
            id: u64::MAX,
            client: NOBODY,
            user,
            looped: false,
            priority: 0,
            degraded: false,
            over: true,
            written: 0,
            open: 0,
            sent: self.now,
        })
    }

    /// A new frame of `request`, for a call to component `to`, about `data`.
    #[inline(always)]
    pub(super) fn frame(
        &mut self,
        request: RequestId,
        waiter: Waiter,
        to: u16,
        operation: u16,
        key: Key,
        data: u64,
    ) -> FrameId {
        self.requests[request].open += 1;
        self.frames.insert(Frame {
            request,
            waiter,
            state: State::Travelling,
            component: to,
            balancer: NOBODY,
            station: NONE,
            operation,
            part: Part::NONE,
            entry: Entry::Operation,
            errand: Errand::None,
            counted: false,
            class: 0,
            step: 0,
            turn: 0,
            links: [NONE; 2],
            key,
            data,
            outcome: Ok(Value::default()),
            since: Time::ZERO,
            routed: Time::ZERO,
            ticket: 0,
            before: FrameId::null(),
            behind: FrameId::null(),
        })
    }

    /// A frame sets out from `site`, made by an instance of the caller.
    #[inline(always)]
    pub(super) fn set_out(&mut self, model: &Model, site: &Site, instance: u32, id: FrameId) {
        if site.approach == NONE {
            self.leave_for(model, id, site.link, site.bytes);
        } else {
            self.approach(model, site, instance, id);
        }
    }

    /// A frame goes to where it is called, over a wire if there is one.
    #[inline(always)]
    pub(super) fn leave_for(&mut self, model: &Model, id: FrameId, link: u32, bytes: u32) {
        if link == NONE {
            return self.come(model, id);
        }
        self.frames[id].links[0] = link;
        self.over(model, id, link, bytes);
    }

    /// A frame goes over a wire, to a component.
    fn over(&mut self, model: &Model, id: FrameId, link: u32, bytes: u32) {
        let frame = &mut self.frames[id];
        let (request, to) = (frame.request, frame.component);
        // What is to be kept has its own size.
        if frame.entry != Entry::Put {
            frame.outcome = Ok(Value {
                bytes,
                ..Value::default()
            });
        }
        self.tell(request, id.slot(), &Event::Departed { to });
        self.transmit(model, id, link);
    }

    /// A frame, or its answer, is put on the wire: for the first time or again.
    fn transmit(&mut self, model: &Model, id: FrameId, link: u32) {
        let frame = &mut self.frames[id];
        let back = frame.state == State::Returning;
        let bytes = frame.outcome.map_or(0, |value| value.bytes);
        let attempt = frame.turn;
        frame.turn += 1;
        let label = u64::from(link) << 32 | u64::from(back) << 31 | u64::from(attempt);
        let mut draws = frame.key.named("wire").with(label).draws();
        let state = &mut self.wires[link as usize][usize::from(back)];
        let wire = &model.wires[link as usize];
        let sent = wire.transmit(state, self.now, u64::from(bytes), attempt, &mut draws);
        let frame = id;
        let (time, due) = match sent {
            Sent::Arrives(time) if back => (time, Due::Answered { frame }),
            Sent::Arrives(time) => (time, Due::Arrived { frame }),
            Sent::Again(time) => (time, Due::Resent { frame, link }),
            Sent::GivenUp(time) => (time, Due::Unreachable { frame }),
        };
        self.calendar.plan(time, due);
    }

    /// What a frame sent was lost on the wire: it sends it again.
    pub(super) fn resent(&mut self, id: FrameId, link: u32) {
        if self.frames.contains_key(id) {
            let model = Arc::clone(&self.model);
            self.transmit(&model, id, link);
        }
    }

    /// What a frame sent can't be got over the wire.
    pub(super) fn unreachable(&mut self, id: FrameId) {
        if let Some(frame) = self.frames.get_mut(id) {
            let station = frame.station;
            frame.links = [NONE; 2];
            if frame.state == State::Travelling {
                self.let_go(id, false);
            }
            let reason = Loss::Unreachable;
            self.send_back(id, Err(Failure { reason, station }));
        }
    }

    /// A frame comes over the wire.
    pub(super) fn arrived(&mut self, id: FrameId) {
        if let Some(frame) = self.frames.get_mut(id) {
            frame.turn = 0;
            if frame.entry != Entry::Put {
                frame.outcome = Ok(Value::default());
            }
            let model = Arc::clone(&self.model);
            self.come(&model, id);
        }
    }

    /// A frame is where it was sent: at a balancer, which sends it on, or at its station.
    fn come(&mut self, model: &Model, id: FrameId) {
        let frame = &self.frames[id];
        let component = &model.components[usize::from(frame.component)];
        if frame.station == NONE {
            if let Role::Balancer(_) = component.role {
                return self.route(model, id);
            }
            // Of a cache with regions, its user's.
            let user = self.requests[frame.request].user as usize;
            let station = component.stations[user % component.stations.len()];
            self.frames[id].station = station;
        }
        self.admit(model, id);
    }

    /// A frame goes on from a balancer to its station.
    #[inline(always)]
    pub(super) fn go_on(&mut self, model: &Model, id: FrameId, balancer: u16, to: u16) {
        let links = &model.components[usize::from(balancer)].links;
        match links.get(usize::from(to)).copied().unwrap_or(NONE) {
            NONE => self.admit(model, id),
            link => {
                let frame = &mut self.frames[id];
                frame.links[1] = link;
                let bytes = frame.outcome.map_or(0, |value| value.bytes);
                self.over(model, id, link, bytes);
            }
        }
    }

    /// A frame asks to be taken by its station.
    pub(super) fn admit(&mut self, model: &Model, id: FrameId) {
        let frame = &mut self.frames[id];
        let (request, station) = (frame.request, frame.station);
        let place = &model.stations[station as usize];
        let component = &model.components[usize::from(place.component)];
        frame.step = match frame.entry {
            Entry::Operation => {
                let plan = component.plans[usize::from(frame.operation)];
                plan.expect("every call was checked to have a plan")
            }
            Entry::Resume => frame.step,
            entry => component.entries[entry as usize],
        };
        frame.since = self.now;
        frame.class = match component.lines.discipline {
            Discipline::Priority => u16::from(self.requests[request].priority),
            Discipline::Fifo | Discipline::Lifo => {
                let line = component
                    .lines
                    .of_operation
                    .get(usize::from(frame.operation));
                line.copied().unwrap_or(0)
            }
        };
        let class = usize::from(frame.class);
        let state = &mut self.stations[station as usize];
        if let Some(meter) = &mut state.meter {
            meter.came += 1;
            // Whoever was on its way to an instance that has gone is still served.
            if state.duty == Duty::Off {
                state.duty = Duty::Draining;
            }
        }
        if !state.up {
            return self.refuse(id, Loss::Down);
        }
        if let Some(gateway) = &component.gateway
            && self.frames[id].entry == Entry::Operation
            && !self.let_pass(gateway, id)
        {
            return;
        }
        let state = &mut self.stations[station as usize];
        let free = state.busy < state.usable(place.servers)
            && state.lines[class].busy < component.lines.most[class];
        if free {
            self.start(id);
        } else if state.queued(&component.lines, class) < place.queue {
            state.waiting += 1;
            let waiting = state.waiting;
            let ticket = state.tickets;
            state.tickets += 1;
            state.lines[class].join(id, &mut self.frames);
            let frame = &mut self.frames[id];
            (frame.state, frame.ticket) = (State::Waiting, ticket);
            if component.lines.max_wait.is_some() {
                self.plan_patience(model, id);
            }
            self.tell(request, id.slot(), &Event::Queued { station, waiting });
        } else {
            self.refuse(id, Loss::QueueFull);
        }
    }

    /// A frame is not taken by its station.
    pub(super) fn refuse(&mut self, id: FrameId, reason: Loss) {
        let frame = &self.frames[id];
        let (request, station) = (frame.request, frame.station);
        self.tell(request, id.slot(), &Event::Refused { station, reason });
        self.let_go(id, false);
        let outcome = Err(Failure { reason, station });
        self.relieve(id, outcome);
        self.send_back(id, outcome);
    }

    /// A frame gets a server.
    #[inline(always)]
    fn start(&mut self, id: FrameId) {
        let frame = &mut self.frames[id];
        frame.state = State::Working;
        let (request, station) = (frame.request, frame.station);
        let state = &mut self.stations[station as usize];
        state.take(frame.class, self.now);
        let event = Event::Started {
            station,
            busy: state.busy,
            waiting: state.waiting,
        };
        let errors_ppb = state.errors_ppb;
        self.tell(request, id.slot(), &event);
        if errors_ppb > 0 {
            self.err(id, station, errors_ppb);
        }
        self.ready.push_back(id);
    }

    /// A frame that has got a server may fail: `errors_ppb` of a billion do.
    #[inline(never)]
    fn err(&mut self, id: FrameId, station: u32, errors_ppb: u32) {
        let end = self.model.code.len() as u32 - 1;
        let frame = &mut self.frames[id];
        let unit = frame.key.named("error").draws().unit();
        if unit * 1e9 <= f64::from(errors_ppb) {
            // It fails when its turn comes, not here: whoever is next in line fails too, and so on down the line.
            let reason = Loss::Error;
            frame.outcome = Err(Failure { reason, station });
            frame.step = end;
        }
    }

    /// A frame that waits in line is turned away.
    pub(super) fn turn_away(&mut self, id: FrameId, failure: Failure) {
        self.unqueue(id);
        let frame = &self.frames[id];
        let (request, station) = (frame.request, frame.station);
        let waiting = self.stations[station as usize].waiting;
        let unqueued = Event::Unqueued { station, waiting };
        self.tell(request, id.slot(), &unqueued);
        self.let_go(id, false);
        self.relieve(id, Err(failure));
        self.left(station);
        self.send_back(id, Err(failure));
    }

    /// A frame's work is done.
    pub(super) fn worked(&mut self, id: FrameId) {
        // Its station may have crashed since, and its answer be on its way back.
        if let Some(frame) = self.frames.get_mut(id)
            && frame.state == State::Working
        {
            frame.step += 1;
            self.advance(id);
        }
    }

    /// A frame takes its next step.
    pub(super) fn advance(&mut self, id: FrameId) {
        // It may have crashed since it became ready.
        while let Some(frame) = self.frames.get_mut(id)
            && frame.state == State::Working
        {
            // Borrowing the model through a second handle would count references on each step; indexing is free.
            match &self.model.code[frame.step as usize] {
                Step::Work { time, key } => {
                    let demand = time.draw(&mut frame.key.with(*key).draws());
                    let speed = self.stations[frame.station as usize].speed;
                    let time = self.now + at_speed(demand, speed);
                    self.calendar.plan(time, Due::Worked { frame: id });
                    return;
                }
                Step::Session { key } => {
                    let key = *key;
                    if !self.session(id, key) {
                        return;
                    }
                }
                Step::Call { site } => {
                    let site = *site;
                    return self.call(id, site);
                }
                Step::Spawn { site } => {
                    let site = *site;
                    self.spawn(id, site);
                    self.frames[id].step += 1;
                }
                Step::Parallel { first, count, need } => {
                    let (first, count, need) = (*first, *count, *need);
                    return self.parallel(id, first, count, need);
                }
                Step::Goto { step } => frame.step = *step,
                Step::Reply { bytes, unpack } => {
                    if let Ok(value) = &mut frame.outcome {
                        (value.bytes, value.unpack) = (*bytes, *unpack);
                    }
                    frame.step += 1;
                }
                Step::Cache(step) => {
                    let step = *step;
                    if !self.cache_step(id, step) {
                        return;
                    }
                }
                Step::Shard(step) => {
                    let step = *step;
                    if !self.shard_step(id, step) {
                        return;
                    }
                }
                Step::Database { act, statement } => {
                    let (act, statement) = (*act, *statement);
                    if !self.act(id, act, statement) {
                        return;
                    }
                }
                Step::Workflow { workflow, act } => {
                    let (workflow, act) = (*workflow, *act);
                    if !self.workflow(id, workflow, act) {
                        return;
                    }
                }
                Step::Branch(act) => {
                    let act = *act;
                    if !self.branch(id, act) {
                        return;
                    }
                }
                Step::Fail => {
                    let (reason, station) = (Loss::Failed, frame.station);
                    return self.finish(id, Err(Failure { reason, station }));
                }
                Step::Publish => {
                    if !self.publish(id) {
                        return;
                    }
                }
                Step::Sourcing(step) => {
                    let step = *step;
                    if !self.sourcing_step(id, step) {
                        return;
                    }
                }
                Step::End => {
                    let outcome = frame.outcome;
                    return self.finish(id, outcome);
                }
            }
        }
    }

    /// A frame has run its plan, or can't go on: it lets go of its server, and its answer goes back.
    #[inline(always)]
    pub(super) fn finish(&mut self, id: FrameId, outcome: Outcome) {
        self.conclude(id);
        let frame = &self.frames[id];
        let (request, station) = (frame.request, frame.station);
        let (balancer, routed) = (frame.balancer, frame.routed);
        let relied_on = frame.is_relied_on(outcome.is_ok());
        let state = &mut self.stations[station as usize];
        state.give_back(frame.class, self.now);
        let busy = state.busy;
        let ok = outcome.is_ok();
        self.tell(request, id.slot(), &Event::Left { station, busy, ok });
        self.tell_balancer(balancer, station, routed, ok);
        if relied_on {
            self.relieve(id, outcome);
        }
        self.serve_waiting(station);
        self.left(station);
        self.send_back(id, outcome);
    }

    /// A frame's answer goes back over the wires that it came by.
    pub(super) fn send_back(&mut self, id: FrameId, outcome: Outcome) {
        let frame = &mut self.frames[id];
        frame.outcome = outcome;
        frame.state = State::Returning;
        if frame.links != [NONE; 2] {
            let (request, station) = (frame.request, frame.station);
            self.tell(request, id.slot(), &Event::Replied { station });
        }
        self.answered(id);
    }

    /// A frame's answer has come as far as it has: on over the next wire, unpacked, and to whoever waits for it.
    pub(super) fn answered(&mut self, id: FrameId) {
        let Some(frame) = self.frames.get_mut(id) else {
            return;
        };
        frame.turn = 0;
        for at in [1, 0] {
            if frame.links[at] != NONE {
                let link = core::mem::replace(&mut frame.links[at], NONE);
                let model = Arc::clone(&self.model);
                return self.transmit(&model, id, link);
            }
        }
        if let Ok(value) = &mut frame.outcome
            && value.unpack > Duration::ZERO
        {
            let unpack = core::mem::take(&mut value.unpack);
            self.calendar
                .plan(self.now + unpack, Due::Answered { frame: id });
            return;
        }
        if !self.part(id) {
            return;
        }
        let Some(frame) = self.frames.remove(id) else {
            return;
        };
        self.requests[frame.request].open -= 1;
        self.deliver(frame.waiter, frame.request, frame.outcome);
        self.release(frame.request);
    }

    /// Whoever waits hears of an outcome; who is gone does not.
    pub(super) fn deliver(&mut self, waiter: Waiter, request: RequestId, outcome: Outcome) {
        match waiter {
            Waiter::Client => self.end(request, outcome),
            Waiter::Frame(caller) => self.resume(caller, outcome),
            Waiter::Call(call, attempt) => self.heard(call, attempt, outcome),
            Waiter::Check(check, sent) => self.checked(check, sent, outcome),
            Waiter::Workflow(workflow, turn) => self.ran(workflow, turn),
            Waiter::Nobody => {}
            Waiter::Message {
                broker,
                slot,
                receipt,
            } => self.message_answered(broker, slot, receipt, outcome),
            Waiter::Relay { database, receipt } => {
                self.relay_answered(database, receipt, outcome.is_ok());
            }
        }
    }

    /// Forgets a request that is over, once nothing of it is left.
    #[inline]
    pub(super) fn release(&mut self, id: RequestId) {
        if let Some(request) = self.requests.get(id)
            && request.over
            && request.open == 0
        {
            if request.written > 0 {
                self.tell_ended(id);
            }
            self.requests.remove(id);
        }
    }

    #[inline(never)]
    fn tell_ended(&mut self, id: RequestId) {
        self.tell(id, NONE, &Event::Row(RowEvent::Ended));
    }

    /// Free servers of a station take who waits.
    #[inline]
    pub(super) fn serve_waiting(&mut self, station: u32) {
        let state = &self.stations[station as usize];
        // What comes of one who is turned away, or fails at once, may come back here: the loop goes on with it, so that a
        // long line is no deep recursion.
        if state.waiting > 0 && !state.giving {
            self.serve_all(station);
        }
    }

    fn serve_all(&mut self, station: u32) {
        let at = station as usize;
        self.stations[at].giving = true;
        while let Some(id) = self.next_in_line(station) {
            if self.is_shed(station, id) {
                let reason = Loss::Shed;
                self.turn_away(id, Failure { reason, station });
            } else {
                self.unqueue(id);
                self.start(id);
            }
        }
        self.stations[at].giving = false;
    }

    /// Whose turn it is, if a server is free.
    fn next_in_line(&self, station: u32) -> Option<FrameId> {
        let servers = self.model.stations[station as usize].servers;
        let state = &self.stations[station as usize];
        if state.waiting == 0 || state.busy >= state.usable(servers) {
            return None;
        }
        let lines = self.model.lines(station);
        match lines.discipline {
            Discipline::Lifo => state.lines[0].last(),
            Discipline::Priority => state.lines.iter().find_map(super::Line::first),
            Discipline::Fifo if state.lines.len() == 1 => state.lines[0].first(),
            // Of the bulkheads that have room, the one whose first came first.
            Discipline::Fifo => {
                let open = state.lines.iter().zip(&lines.most);
                let open = open.filter(|(line, most)| line.busy < **most);
                let firsts = open.filter_map(|(line, _)| line.first());
                firsts.min_by_key(|id| self.frames[*id].ticket)
            }
        }
    }

    /// Takes a frame out of the line that it waits in.
    #[inline(always)]
    fn unqueue(&mut self, id: FrameId) {
        let frame = &self.frames[id];
        let (station, class) = (frame.station, frame.class);
        let state = &mut self.stations[station as usize];
        state.waiting -= 1;
        state.lines[usize::from(class)].remove(id, &mut self.frames);
    }
}

/// How long a piece of work takes on a station of `speed` thousandths.
pub(super) fn at_speed(demand: Duration, speed: u32) -> Duration {
    if speed == FULL_SPEED {
        return demand;
    }
    let nanos = u128::from(demand.nanos()) * u128::from(FULL_SPEED) / u128::from(speed.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
