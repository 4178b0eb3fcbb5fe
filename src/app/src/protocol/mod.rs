//! What the page and the simulation worker say to each other.
//!
//! Scenarios and conditions cross as the JSON they are written in; frames, which come up to sixty times a second, as
//! compact binary (bincode, by `gloo-worker`).

mod debrief;
mod look;
mod scene;
mod story;
mod tick;

use scale_course::{Answer, Guess, LessonFiles};
use scale_sim::Figures;
use serde::{Deserialize, Serialize};

pub use debrief::Debriefed;
pub use look::{DecisionView, LookView, PolicyView};
pub use scene::{ComponentView, FaultView, Holds, Scene, StationView};
pub use story::{About, Behind, SpanView, StoryView};
pub use tick::{
    BranchTurn, CacheTurn, DotKind, MessageTurn, MoveTurn, NO_REQUEST, Origin, SagaTurn, StoreTurn,
    Tick, ViewTurn, Way, What,
};

/// What the page asks of the worker.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Command {
    /// Begin a run of this scene. Returned by [`Reply::Ready`].
    Load {
        /// Which run the answers belong to, so that late ones can be told apart.
        run: u32,
        /// The run that stays on the stage, if one does.
        beside: Option<u32>,
        /// The scenario.
        scenario: String,
        /// The conditions of the step's task, as a JSON list.
        task: String,
    },
    /// Take the run, as it is now, as the beginning of another, and keep both. Returned by [`Reply::Forked`].
    Fork {
        /// The run.
        run: u32,
        /// The other's number.
        branch: u32,
    },
    /// Go on with this changed scenario. Returned by [`Reply::Ready`], or by [`Reply::Anew`] if that cannot be changed under way.
    Change {
        /// The run.
        run: u32,
        /// From which moment on; what came after it is undone. From where the run has come if it is not given.
        at_s: Option<f64>,
        /// The scenario, of the same components and plans.
        scenario: String,
    },
    /// Look when the run shows the answer to what was predicted of it, as it is set: see [`Frame::answer_s`]. Has no answer.
    Predicted {
        /// The run.
        run: u32,
        /// What was predicted.
        kind: Guess,
        /// What the whole run comes to.
        truth: Answer,
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
    /// Look at a component closely. Returned by [`Reply::Looked`].
    Look {
        /// The run.
        run: u32,
        /// The component.
        component: u16,
        /// At which moment, with its last decisions up to then; what its policies know where the run has come to if it is not
        /// given.
        at_s: Option<f64>,
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
    /// Run a scenario from start to end and look back at it. Returned by [`Reply::Debriefed`].
    Debrief {
        /// The scenario.
        scenario: String,
        /// The conditions of each line that may be said of it, as a JSON list of lists.
        lines: String,
    },
    /// Make one run of a sweep. Returned by [`Reply::Tried`], or [`Reply::Refused`] with its number.
    Try {
        /// Which run the answer belongs to.
        question: u32,
        /// The design, a scenario.
        design: String,
        /// The multiple of the load.
        factor: f64,
        /// The seed.
        seed: u64,
    },
    /// Run a scenario from start to end, for its figures. Returned by [`Reply::Played`], or [`Reply::Refused`] with its number.
    Play {
        /// Which run the answer belongs to.
        question: u32,
        /// The scenario.
        scenario: String,
    },
    /// Find what is wrong with a lesson. Returned by [`Reply::Checked`].
    Check(LessonFiles),
}

/// The figures of a whole run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Played {
    /// After the warm-up.
    pub figures: Figures,
    /// Window by window.
    pub series: Vec<Figures>,
    /// Why it had to stop before its end, if it had.
    pub stopped: Option<String>,
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
    /// The run begins anew, with this scene.
    Anew(u32, Scene),
    /// This run has another's past; what was told of that one before holds for both.
    Forked(u32),
    /// The run has gone on.
    Frame(u32, Box<Frame>),
    /// The story that was asked for; none if there is no such request, or it has not ended by the end of the run.
    Told(u32, Option<Box<StoryView>>),
    /// The component that was looked at.
    Looked(u32, Box<LookView>),
    /// The run so far in the trace event format.
    Traced(u32, String),
    /// What was measured: a list of values for each job, in the order asked.
    Measured(u32, Vec<Vec<Option<f64>>>),
    /// What the run of a sweep came to: a `scale_capacity::Tried` in binary, so that the page need not know what a sweep is.
    Tried(u32, Vec<u8>),
    /// What a run came to, as [`Played`] in binary.
    Played(u32, Vec<u8>),
    /// The scenario cannot be run; why, in one sentence.
    Refused(u32, String),
    /// What came of the run.
    Debriefed(Box<Debriefed>),
    /// What is wrong with the lesson, fault by fault; nothing if it is right.
    Checked(Vec<String>),
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
    /// How far nodes of replicated databases are behind at `time_s`.
    pub lags: Vec<LagView>,
    /// The first times that invariants did not hold.
    pub violations: Vec<ViolationView>,
    /// How many windows of the series had ended before those.
    pub windows_before: usize,
    /// The windows of the series that ended.
    pub windows: Vec<Figures>,
    /// For each of those windows, what each condition of the task measured in it.
    pub gauges: Vec<Vec<Gauge>>,
    /// The figures since the warm-up.
    pub summary: Option<Figures>,
    /// Requests sent, answered and lost so far.
    pub totals: [u64; 3],
    /// When the task's conditions first held.
    pub task_done_s: Option<f64>,
    /// From when on the figures so far come to the answer of what was predicted, and still do.
    pub answer_s: Option<f64>,
    /// Nothing more will come: the horizon, or why the run had to stop.
    pub ended: Option<Ended>,
}

/// A condition of a task at the end of a window.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Gauge {
    /// What was measured in the window, if there was anything to measure.
    pub value: Option<f64>,
    /// For how many seconds without a break it has held by then.
    pub held_s: f64,
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

/// How far a node is behind the primary of its database.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct LagView {
    /// Its station.
    pub station: u32,
    /// In writes.
    pub writes: u64,
    /// In the age of the first write that its readers do not see, in milliseconds.
    pub ms: f64,
}

/// An invariant that did not hold.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ViolationView {
    /// When that was noticed, in simulated seconds.
    pub at_s: f64,
    /// The request that it is about, if it is about one.
    pub request: Option<u64>,
    /// The invariant's name.
    pub name: String,
    /// What happened, as a sentence.
    pub sentence: String,
}
