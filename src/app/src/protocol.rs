//! What the page and the simulation worker say to each other.
//!
//! Scenarios and conditions cross as the JSON they are written in; frames, which come up to sixty times a second, as
//! compact binary (bincode, by `gloo-worker`).

use scale_course::LessonFiles;
use serde::{Deserialize, Serialize};

use scale_sim::{Account, Doing, Event, Figures, Kind, Loss, Model};

/// What the page asks of the worker.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Command {
    /// Begin a run of this scene. Returned by [`Reply::Ready`].
    Load {
        /// Which run the answers belong to, so that late ones can be told apart.
        run: u32,
        /// The scenario.
        scenario: String,
        /// The conditions of the step's task, as a JSON list.
        task: String,
    },
    /// Go on with this changed scenario. Returned by [`Reply::Ready`].
    Change {
        /// The run.
        run: u32,
        /// From which moment on; what came after it is undone. From where the run has come if it is not given.
        at_s: Option<f64>,
        /// The scenario, of the same components and plans.
        scenario: String,
    },
    /// Run up to this moment. Returned by [`Reply::Frame`].
    Advance {
        /// The run.
        run: u32,
        /// Simulated seconds.
        to_s: f64,
    },
    /// Tell the story of one request. Returned by [`Reply::Told`].
    Tell {
        /// The run.
        run: u32,
        /// Which request.
        about: About,
    },
    /// Write down the run so far as trace events. Returned by [`Reply::Traced`].
    Trace {
        /// The run.
        run: u32,
    },
    /// Run scenarios from start to end and measure them. Returned by [`Reply::Measured`].
    Measure {
        /// Which question the answer belongs to.
        question: u32,
        /// What to run.
        jobs: Vec<Job>,
    },
    /// Find what is wrong with a lesson. Returned by [`Reply::Checked`].
    Check(LessonFiles),
}

/// A request that somebody asks about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum About {
    /// The one with this number.
    Request(u64),
    /// The slowest so far that was answered.
    Slowest,
    /// The first that was lost.
    FirstLost,
    /// One so far that took as long as the median.
    Typical,
}

/// The story of a request: spans without gaps, which add up to its latency.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StoryView {
    /// Its number.
    pub request: u64,
    /// What it asked for.
    pub operation: String,
    /// When it was sent, in simulated seconds.
    pub sent_s: f64,
    /// From being sent to its end.
    pub latency_ms: f64,
    /// If it was lost, why, and at which station if at one.
    pub lost: Option<(String, Option<u32>)>,
    /// What it did, in order.
    pub spans: Vec<SpanView>,
}

/// A stretch of a request's life.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SpanView {
    /// What it did.
    pub doing: Doing,
    /// Where, if at a station.
    pub station: Option<u32>,
    /// From when, in milliseconds since it was sent.
    pub from_ms: f64,
    /// Until when.
    pub to_ms: f64,
    /// What it waited behind, if it waited in line.
    pub behind: Option<Behind>,
}

/// What one waits behind, when one begins to wait in line.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Behind {
    /// Servers of the station.
    pub servers: u32,
    /// Those who stood in line already.
    pub ahead: u32,
    /// Who was served: the operation, how many, and how many of these only waited for an answer from elsewhere.
    pub holders: Vec<(String, u32, u32)>,
}

/// A run whose end is all that matters.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Job {
    /// The scenario.
    pub scenario: String,
    /// The measures to take, as a JSON list.
    pub measures: String,
}

/// What the worker answers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Reply {
    /// The scene stands.
    Ready(u32, Scene),
    /// The run has gone on.
    Frame(u32, Box<Frame>),
    /// The story that was asked for; none if there is no such request, or it has not ended by the end of the run.
    Told(u32, Option<Box<StoryView>>),
    /// The run so far in the trace event format.
    Traced(u32, String),
    /// What was measured: a list of values for each job, in the order asked.
    Measured(u32, Vec<Vec<Option<f64>>>),
    /// The scenario cannot be run; why, in one sentence.
    Refused(u32, String),
    /// What is wrong with the lesson, fault by fault; nothing if it is right.
    Checked(Vec<String>),
}

/// What there is to draw.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Scene {
    /// The components, in the scenario's order.
    pub components: Vec<ComponentView>,
    /// The stations, numbered as in frames.
    pub stations: Vec<StationView>,
    /// What goes wrong, in the scenario's order.
    pub faults: Vec<FaultView>,
    /// When the run ends.
    pub horizon_s: f64,
    /// The length of a window of the series.
    pub window_s: f64,
}

/// A component to draw.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ComponentView {
    /// Its name in the scenario.
    pub name: String,
    /// Its name on the picture.
    pub label: String,
    /// What it is.
    pub kind: Kind,
    /// Column and row, if the scenario says.
    pub at: Option<[f64; 2]>,
    /// Numbers of the components that it sends requests to.
    pub targets: Vec<u16>,
}

/// A station to draw.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StationView {
    /// The number of its component.
    pub component: u16,
    /// Which instance of the component, from 0.
    pub instance: u32,
    /// Requests that it works on at once.
    pub servers: u32,
    /// Requests that may wait.
    pub queue: u32,
    /// Whether requests still come here.
    pub live: bool,
}

/// A fault to tell of.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FaultView {
    /// What goes wrong, and where, in words.
    pub what: String,
    /// When, and for how long, if that is known beforehand.
    pub at_s: Option<f64>,
    /// How long it lasts; to the end of the run if it is not given.
    pub for_s: Option<f64>,
}

/// What happened since the last frame.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Frame {
    /// The moment the run has come to.
    pub time_s: f64,
    /// What happened, in order; of every `stride`-th request only.
    pub ticks: Vec<Tick>,
    /// Above 1 when more happens than can be shown.
    pub stride: u32,
    /// What the stations do at `time_s`.
    pub stations: Vec<StationNow>,
    /// How many windows of the series had ended before those.
    pub windows_before: usize,
    /// The windows of the series that ended.
    pub windows: Vec<Figures>,
    /// The figures since the warm-up.
    pub summary: Option<Figures>,
    /// Requests sent, answered and lost so far.
    pub totals: [u64; 3],
    /// When the task's conditions first held.
    pub task_done_s: Option<f64>,
    /// Nothing more will come: the horizon, or why the run had to stop.
    pub ended: Option<Ended>,
}

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Ended {
    /// At its horizon.
    Horizon,
    /// Before it, and why.
    Stopped(String),
}

/// What a station does at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct StationNow {
    /// Busy servers.
    pub busy: u32,
    /// Of those, held by requests that wait for an answer from elsewhere.
    pub held: u32,
    /// Requests that wait.
    pub waiting: u32,
}

/// The number of no request: of what the system does by itself.
pub const NO_REQUEST: u64 = u64::MAX;

/// Something that happened to a request.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Tick {
    /// When, in simulated seconds.
    pub at_s: f64,
    /// The request's number.
    pub request: u64,
    /// What.
    pub what: What,
}

/// What happened: [`Event`] as it crosses to the page.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of scale_sim::Event")]
pub enum What {
    Sent {
        client: u16,
    },
    Routed {
        balancer: u16,
        station: u32,
    },
    Queued {
        station: u32,
        waiting: u32,
    },
    Started {
        station: u32,
        busy: u32,
        waiting: u32,
    },
    Called {
        station: u32,
        to: u16,
    },
    Returned {
        station: u32,
    },
    Left {
        station: u32,
        busy: u32,
    },
    Refused {
        station: u32,
    },
    Completed {
        client: u16,
        latency_ms: f64,
    },
    Lost {
        client: u16,
        station: u32,
        full: bool,
    },
    Fault {
        fault: u32,
        active: bool,
    },
}

impl Tick {
    /// Whether it is shown where one request in `stride` is.
    pub const fn is_shown(&self, stride: u32) -> bool {
        self.request == NO_REQUEST || self.request.is_multiple_of(stride as u64)
    }
}

impl What {
    /// The event as the page is told of it; nothing of what the picture does not show.
    pub fn of(event: &Event) -> Option<Self> {
        Some(match *event {
            Event::Sent { client, .. } => Self::Sent { client },
            Event::Routed { balancer, station } => Self::Routed { balancer, station },
            Event::Queued { station, waiting } => Self::Queued { station, waiting },
            Event::Started {
                station,
                busy,
                waiting,
            } => Self::Started {
                station,
                busy,
                waiting,
            },
            Event::Called { station, to, .. } => Self::Called { station, to },
            Event::Returned { station } => Self::Returned { station },
            Event::Left { station, busy, .. } => Self::Left { station, busy },
            Event::Refused { station, .. } if station != u32::MAX => Self::Refused { station },
            Event::Completed {
                client, latency, ..
            } => Self::Completed {
                client,
                latency_ms: latency.millis(),
            },
            Event::Lost {
                client,
                station,
                reason,
                ..
            } => Self::Lost {
                client,
                station,
                full: reason == Loss::QueueFull,
            },
            Event::Fault { fault, active } => Self::Fault { fault, active },
            _ => return None,
        })
    }
}

impl Scene {
    /// What there is to draw of a model and its scenario.
    pub fn new(model: &Model, scenario: &scale_sim::Scenario, window_s: f64) -> Self {
        use scale_sim::Component;

        let number = |name: &String| scenario.components.get_index_of(name).map(|at| at as u16);
        let components = scenario.components.iter().map(|(name, component)| {
            let mut targets: Vec<u16> = match component {
                Component::Client(client) => number(&client.target).into_iter().collect(),
                Component::Balancer(balancer) => {
                    balancer.targets.iter().filter_map(number).collect()
                }
                Component::Service(service) => service.called().filter_map(number).collect(),
                Component::Database(database) => {
                    let outbox = database.outbox.iter();
                    outbox.filter_map(|outbox| number(&outbox.to)).collect()
                }
                Component::Queue(queue) => queue.called().filter_map(number).collect(),
                Component::Topic(topic) => topic.called().filter_map(number).collect(),
                Component::Cache(cache) => cache.target.iter().filter_map(number).collect(),
                Component::Gateway(gateway) => number(&gateway.target).into_iter().collect(),
                Component::Shards(shards) => {
                    let all = shards.all_targets().into_iter();
                    all.filter_map(|name| number(&name.to_owned())).collect()
                }
                Component::EventStore(_) => Vec::new(),
                // What it applies it reads from there.
                Component::View(view) => number(&view.source).into_iter().collect(),
            };
            for at in (1..targets.len()).rev() {
                if targets[..at].contains(&targets[at]) {
                    targets.remove(at);
                }
            }
            let view = scenario.view.get(name);
            ComponentView {
                name: name.clone(),
                label: view
                    .and_then(|v| v.label.clone())
                    .unwrap_or_else(|| name.clone()),
                kind: component.kind(),
                at: view.and_then(|v| v.at),
                targets,
            }
        });
        let stations = model.stations().map(|station| StationView {
            component: station.component as u16,
            instance: station.instance,
            servers: station.servers,
            queue: station.queue,
            live: station.live,
        });
        Self {
            components: components.collect(),
            stations: stations.collect(),
            faults: scenario.faults.iter().map(FaultView::new).collect(),
            horizon_s: model.horizon().secs(),
            window_s,
        }
    }
}

impl FaultView {
    fn new(fault: &scale_sim::Fault) -> Self {
        Self {
            what: in_words(&fault.what),
            at_s: fault.at_s,
            for_s: fault.for_s,
        }
    }
}

/// What goes wrong, and where: "crash of shop 2".
fn in_words(trouble: &scale_sim::Trouble) -> String {
    let written = serde_json::to_value(trouble).unwrap_or_default();
    let Some((name, about)) = written.as_object().and_then(|object| object.iter().next()) else {
        return String::new();
    };
    let text = |field: &str| about.get(field).and_then(serde_json::Value::as_str);
    let number = |field: &str| about.get(field).and_then(serde_json::Value::as_u64);
    let mut words = vec![name.replace('_', " ")];
    if let Some(at) = text("component").or_else(|| text("client")) {
        words.push(format!("of {at}"));
    }
    if let Some(instance) = number("instance") {
        words.push(format!("{instance}"));
    }
    if let (Some(from), Some(to)) = (text("from"), text("to")) {
        words.push(format!("between {from} and {to}"));
    }
    if let Some(zone) = number("zone") {
        words.push(format!("of zone {zone}"));
    }
    words.join(" ")
}

impl StoryView {
    /// What there is to tell of an account.
    pub fn new(model: &Model, account: &Account) -> Self {
        let story = &account.story;
        let sent_s = story.sent.secs();
        let since_ms = |time: scale_sim::Time| time.since(story.sent).millis();
        let at = |station: u32| (station != u32::MAX).then_some(station);
        let servers = |station: u32| {
            let mut stations = model.stations();
            stations
                .nth(station as usize)
                .map_or(0, |info| info.servers)
        };
        let spans = story.spans.iter().map(|span| {
            let wait = account.waits.iter().find(|wait| {
                span.doing == Doing::Queued
                    && wait.since == span.from
                    && wait.station == span.station
            });
            SpanView {
                doing: span.doing,
                station: at(span.station),
                from_ms: since_ms(span.from),
                to_ms: since_ms(span.to),
                behind: wait.map(|wait| Behind {
                    servers: servers(wait.station),
                    ahead: wait.ahead,
                    holders: { wait.holders.iter() }
                        .map(|holder| {
                            let operation = model.operation_name(holder.operation).to_owned();
                            (operation, holder.servers, holder.asking)
                        })
                        .collect(),
                }),
            }
        });
        Self {
            request: story.request,
            operation: model.operation_name(account.operation).to_owned(),
            sent_s,
            latency_ms: story.latency.millis(),
            lost: story
                .lost
                .map(|(reason, station)| (reason.name().replace('_', " "), at(station))),
            spans: spans.collect(),
        }
    }
}
