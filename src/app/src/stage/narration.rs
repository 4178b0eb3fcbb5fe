//! The run in words: the picture's twin for those who don't see it, and for those who want to read on.

use super::inside;
use super::run::Run;
use crate::protocol::{
    BranchTurn, CacheTurn, DotKind, MessageTurn, MoveTurn, NO_REQUEST, SagaTurn, StationNow,
    StoreTurn, Tick, ViewTurn, What,
};
use scale_sim::Kind;

/// How much is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Density {
    /// What becomes of requests, and what goes wrong.
    #[default]
    Brief,
    /// Every step.
    Full,
}

impl Density {
    /// Both, with their names on the page.
    pub const ALL: [(Self, &str); 2] = [(Self::Brief, "what matters"), (Self::Full, "every step")];

    /// Whether that is told.
    const fn tells(self, what: &What) -> bool {
        match self {
            Self::Full => true,
            Self::Brief => !matches!(
                what,
                What::Called { .. }
                    | What::Returned { .. }
                    | What::Left { .. }
                    | What::Started { .. }
                    | What::Committed { .. }
                    | What::Cache {
                        turn: CacheTurn::Filled | CacheTurn::Hit,
                        ..
                    }
                    | What::Message {
                        turn: MessageTurn::Acknowledged,
                        ..
                    }
                    | What::View {
                        turn: ViewTurn::Read,
                        ..
                    }
            ),
        }
    }
}

impl Run {
    /// What happened last, in words, the latest first: at all components, or at one of them.
    pub fn narration(
        &self,
        density: Density,
        component: Option<u16>,
    ) -> impl Iterator<Item = String> {
        let told = self.picture.past().filter(move |tick| {
            density.tells(&tick.what)
                && component.is_none_or(|own| self.component_of(&tick.what) == Some(own))
        });
        told.map(|tick| self.sentence(tick))
    }

    /// The component at which something happened.
    fn component_of(&self, what: &What) -> Option<u16> {
        match *what {
            What::Sent { client, .. } | What::Completed { client, .. } => Some(client),
            What::Lost {
                client, station, ..
            } => {
                let station = self.scene.stations.get(station as usize);
                Some(station.map_or(client, |station| station.component))
            }
            _ => {
                let station = self.scene.stations.get(what.station()? as usize)?;
                Some(station.component)
            }
        }
    }

    /// The name of a station, as the picture has it.
    pub fn station_name(&self, station: u32) -> String {
        self.scene.station_name(station)
    }

    pub(super) fn component_name(&self, component: u16) -> &str {
        self.scene.component_name(component)
    }

    /// What happened, in a sentence.
    fn sentence(&self, tick: &Tick) -> String {
        format!("{:.3} s: {}.", tick.at_s, self.what(tick))
    }

    /// What happened, and to which request.
    pub(super) fn what(&self, tick: &Tick) -> String {
        let what = self.happened(&tick.what);
        match tick.request {
            NO_REQUEST if is_whole(&tick.what) => what,
            NO_REQUEST => format!("something of the system's own {what}"),
            request => format!("request {} {what}", request + 1),
        }
    }

    /// What happened, to follow the name of the request if it happened to one.
    #[expect(clippy::too_many_lines, reason = "one arm for each kind, side by side")]
    fn happened(&self, what: &What) -> String {
        match *what {
            What::Fault { fault, active } => {
                let fault = self.scene.faults.get(fault as usize);
                let what = fault.map_or("a fault", |view| &view.what);
                let turn = if active { "begins" } else { "is over" };
                format!("{what} {turn}")
            }
            What::Capacity {
                station,
                servers: 0,
            } => {
                format!("{} is down", self.station_name(station))
            }
            What::Capacity { station, servers } => {
                format!(
                    "{} has {servers} servers at work",
                    self.station_name(station)
                )
            }
            What::Moving {
                station,
                turn,
                count,
            } => {
                let at = self.station_name(station);
                match turn {
                    MoveTurn::Held => format!("is held at {at}: its key moves"),
                    MoveTurn::Released => format!("goes on from {at}: its key has moved"),
                    MoveTurn::Redirected => {
                        format!("is sent on by {at} to the shard that has the key")
                    }
                    MoveTurn::Misread => {
                        format!("finds nothing: {at} asked a shard that does not have the key")
                    }
                    MoveTurn::Moved => format!("{at} has new owners for {count} keys"),
                    MoveTurn::WritesLost => format!("{count} writes are lost on the move at {at}"),
                    MoveTurn::Partial => {
                        format!("is answered by {at} with what {count} shards have")
                    }
                }
            }
            What::Message {
                station,
                turn,
                number,
                partition,
                ..
            } => self.of_message(station, turn, number, partition),
            What::Sent { client, key, .. } => {
                format!(
                    "is sent by {}, about key {key}",
                    self.component_name(client)
                )
            }
            What::Queued {
                station, waiting, ..
            } => {
                format!(
                    "waits at {}, number {waiting} in line",
                    self.station_name(station)
                )
            }
            What::Unqueued { station, .. } => {
                format!("gives up waiting at {}", self.station_name(station))
            }
            What::Started { station, way, .. } => {
                let at = self.station_name(station);
                match way.and_then(|way| way.through) {
                    Some(balancer) => {
                        format!(
                            "is worked on at {at}, chosen by {}",
                            self.component_name(balancer)
                        )
                    }
                    None => format!("is worked on at {at}"),
                }
            }
            What::Called { station, to, kind } => {
                let (from, to) = (self.station_name(station), self.component_name(to));
                match kind {
                    DotKind::Compensation => format!("makes {from} ask {to} to take its part back"),
                    DotKind::Message => format!("makes {from} hand a message to {to}"),
                    DotKind::Miss => format!("was not in the cache: {from} asks {to}"),
                    _ => format!("makes {from} ask {to} and wait"),
                }
            }
            What::Returned { station } => format!("is back at {}", self.station_name(station)),
            What::Refused { station, full, .. } => {
                let why = if full { ": the queue is full" } else { "" };
                format!("is refused at {}{why}", self.station_name(station))
            }
            What::Completed { latency_ms, .. } => format!("is answered after {latency_ms:.0} ms"),
            What::Lost { client, .. } => {
                format!("is lost: {} gets no answer", self.component_name(client))
            }
            What::Cache { station, key, turn } => {
                let at = self.station_name(station);
                match turn {
                    CacheTurn::Hit => format!("finds key {key} in {at}"),
                    CacheTurn::StaleHit => {
                        format!("finds key {key} in {at}, but it is out of date")
                    }
                    CacheTurn::Miss => format!("does not find key {key} in {at}"),
                    CacheTurn::Filled => format!("puts key {key} into {at}"),
                    CacheTurn::Evicted => format!("makes {at} give up key {key} for room"),
                    CacheTurn::Expired => format!("finds key {key} too old in {at}"),
                    CacheTurn::Dropped => format!("has key {key} dropped from {at}"),
                    CacheTurn::Dirty => format!("writes key {key} into {at}, to be sent on later"),
                    CacheTurn::Flushed => format!("{at} has lost all that it held"),
                }
            }
            What::Placed {
                station, to, key, ..
            } => format!(
                "is sent by {} to {}, which has key {key}",
                self.station_name(station),
                self.component_name(to)
            ),
            What::Outbox {
                station,
                key,
                relayed,
            } => {
                let at = self.station_name(station);
                if relayed {
                    format!("has its message about key {key} relayed from the outbox of {at}")
                } else {
                    format!("leaves a message about key {key} in the outbox of {at}")
                }
            }
            What::Saga {
                station,
                saga,
                step,
                turn,
            } => self.of_saga(station, saga, step, turn),
            What::Branch { station, turn, .. } => {
                let at = self.station_name(station);
                match turn {
                    BranchTurn::Prepared => format!("has the promise of {at} to commit"),
                    BranchTurn::Committed => format!("is committed at {at}"),
                    BranchTurn::Aborted => format!("is aborted at {at}"),
                }
            }
            What::Committed { station, rows } => {
                format!(
                    "has {rows} rows committed at {}",
                    self.station_name(station)
                )
            }
            What::Store {
                station,
                stream,
                version,
                turn,
            } => {
                let at = self.station_name(station);
                match turn {
                    StoreTurn::Appended => {
                        format!("appends event {version} to stream {stream} of {at}")
                    }
                    StoreTurn::Snapshot => {
                        format!("makes {at} keep a snapshot of stream {stream} at {version}")
                    }
                    StoreTurn::Conflicted => format!("is too late at {at}: another appended first"),
                }
            }
            What::View {
                station,
                count,
                turn,
            } => {
                let at = self.station_name(station);
                match turn {
                    ViewTurn::Read => format!("reads {at}, {count} changes behind"),
                    ViewTurn::StaleRead => {
                        format!("reads something out of date at {at}, {count} changes behind")
                    }
                    ViewTurn::Applied => format!("{at} has applied {count} changes"),
                    ViewTurn::Rebuilding => {
                        format!("{at} is to be built anew from {count} changes")
                    }
                    ViewTurn::Rebuilt => format!("{at} has caught up"),
                }
            }
            What::Left { station, .. } => format!("leaves {}", self.station_name(station)),
        }
    }

    fn of_saga(&self, station: u32, saga: u32, step: u8, turn: SagaTurn) -> String {
        use crate::protocol::Holds;
        let view = self.scene.stations.get(station as usize);
        let component = view.map(|view| &self.scene.components[usize::from(view.component)]);
        let names = match component.map(|component| &component.holds) {
            Some(Holds::Steps(names)) => names.as_slice(),
            _ => &[],
        };
        let step = names
            .get(usize::from(step))
            .map_or_else(|| format!("step {}", step + 1), |name| format!("‘{name}’"));
        let saga = format!("saga {} at {}", saga + 1, self.station_name(station));
        match turn {
            SagaTurn::Started => format!("begins {saga}"),
            SagaTurn::StepDone => format!("has done {step} of {saga}"),
            SagaTurn::StepFailed => format!("has failed at {step} of {saga}"),
            SagaTurn::Compensating => format!("goes back: {step} of {saga} is to be compensated"),
            SagaTurn::Undone => format!("has taken back {step} of {saga}"),
            SagaTurn::Finished => format!("has finished {saga}: all is done"),
            SagaTurn::Compensated => format!("has ended {saga}: all is taken back"),
            SagaTurn::Stuck => format!("is stuck at {step} of {saga}: a person must see to it"),
            SagaTurn::Orphaned => format!("has nobody who runs {saga} any more"),
            SagaTurn::Recovered => format!("has {saga} taken over from its log"),
        }
    }

    fn of_message(&self, station: u32, turn: MessageTurn, number: u32, partition: u16) -> String {
        let at = self.station_name(station);
        let view = self.scene.stations.get(station as usize);
        let kind = view.map(|view| self.scene.components[usize::from(view.component)].kind);
        let message = if kind == Some(Kind::Topic) {
            format!("message {number} of partition {partition}")
        } else {
            format!("message {number}")
        };
        match turn {
            MessageTurn::Published => format!("leaves {message} at {at}"),
            MessageTurn::Blocked => format!("waits for room at {at}"),
            MessageTurn::Unblocked => format!("has room at {at}"),
            MessageTurn::Delivered => format!("has {message} of {at} handed out"),
            MessageTurn::Redelivered => format!("has {message} of {at} handed out again"),
            MessageTurn::Acknowledged => format!("has {message} of {at} acknowledged"),
            MessageTurn::Processed => format!("has {message} of {at} done"),
            MessageTurn::Returned => format!("has {message} back at {at}: it was not done"),
            MessageTurn::DeadLettered => format!("has {message} of {at} put with the dead letters"),
            MessageTurn::Dropped => format!("has {message} of {at} dropped for room"),
            MessageTurn::Lost => format!("has {message} of {at} lost"),
            MessageTurn::Rebalancing => {
                format!("{at} assigns partitions anew and delivers nothing")
            }
            MessageTurn::Rebalanced => format!("{at} has assigned its partitions"),
        }
    }

    /// What a station does at the moment shown, in words.
    pub fn describe(&self, station: usize) -> String {
        let Some(view) = self.scene.stations.get(station) else {
            return String::new();
        };
        let StationNow {
            busy,
            held,
            waiting,
        } = self.picture.station(station);
        let component = usize::from(view.component);
        let unit = match self.scene.components[component].kind {
            Kind::Database => "connections",
            _ => "workers",
        };
        let name = self.station_name(station as u32);
        // Where nobody can ever wait, as at a cache that is part of its caller, workers are none of its matters.
        let mut words = match view.servers {
            servers if servers >= MANY => vec![format!("{name}: {busy} at work")],
            servers => vec![format!("{name}: {busy} of {servers} {unit} busy")],
        };
        match self.picture.capacity(station) {
            Some(0) => words.push(self.scene.out(view).to_owned()),
            Some(usable) if usable < view.servers => {
                words.push(format!("only {usable} {unit} can be used"));
            }
            _ => {}
        }
        if held > 0 {
            words.push(format!("{held} of them waiting for an answer"));
        }
        words.push(format!("{waiting} in the queue"));
        let lost = self.picture.lost(station);
        if lost > 0 {
            words.push(format!("{lost} refused"));
        }
        if let Some(lag) = self.picture.lag(station).filter(|lag| lag.writes > 0) {
            words.push(format!("{} writes behind, {:.0} ms", lag.writes, lag.ms));
        }
        let inside = self.picture.inside(station);
        words.extend(inside.and_then(|inside| inside::describe(inside, &self.scene, component)));
        words.join(", ")
    }

    /// What everything does at the moment shown, in words.
    pub fn describe_all(&self) -> String {
        let live = (0..self.scene.stations.len()).filter(|at| self.scene.stations[*at].live);
        let parts: Vec<String> = live.map(|at| self.describe(at)).collect();
        format!("At {:.2} s. {}.", self.now_s(), parts.join(". "))
    }
}

/// Whether what is said of it is a sentence by itself: it happens to no request.
const fn is_whole(what: &What) -> bool {
    matches!(
        what,
        What::Fault { .. }
            | What::Capacity { .. }
            | What::Moving {
                turn: MoveTurn::Moved | MoveTurn::WritesLost,
                ..
            }
            | What::Cache {
                turn: CacheTurn::Flushed,
                ..
            }
            | What::Message {
                turn: MessageTurn::Rebalancing | MessageTurn::Rebalanced,
                ..
            }
            | What::View {
                turn: ViewTurn::Applied | ViewTurn::Rebuilding | ViewTurn::Rebuilt,
                ..
            }
    )
}

/// So many servers are as good as any number.
const MANY: u32 = 1_000;
