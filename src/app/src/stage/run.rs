//! One run on the stage: what there is to draw of it, what came of it so far, and how far the worker is with it.

use scale_sim::{Figures, Metric};

use super::picture::Picture;
use super::player::Sought;
use crate::protocol::{Ended, Frame, Gauge, Scene, ViolationView};

/// How long the worker may take for one answer, in seconds.
const PATIENCE_S: f64 = 10.0;
/// How long it may take for its first, in seconds: over a slow line it has to be fetched.
const FETCH_S: f64 = 30.0;

/// How far the worker is with setting up a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Setup {
    /// Nobody has asked for it.
    #[default]
    Unasked,
    Asked,
    Done,
}

/// A run.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Its number: what the worker says of others is not for it.
    pub id: u32,
    /// What there is to draw; nothing before the worker has answered.
    pub scene: Scene,
    /// What is to be seen.
    pub picture: Picture,
    /// What was measured, window by window.
    pub series: Vec<Figures>,
    /// What each condition of the task measured, window by window.
    pub gauges: Vec<Vec<Gauge>>,
    /// What was measured since the warm-up.
    pub summary: Option<Figures>,
    /// Requests sent, answered and lost, as far as the worker has come.
    pub totals: [u64; 3],
    /// When the task was done.
    pub task_done_s: Option<f64>,
    /// Whether the reader predicted this run rightly; nothing if not at all.
    pub predicted: Option<bool>,
    /// From when on its figures so far come to the answer of that prediction.
    pub answer_s: Option<f64>,
    /// The first times that invariants did not hold.
    pub violations: Vec<ViolationView>,
    /// How the run ended, if it has.
    pub ended: Option<Ended>,
    /// Why the scene cannot be played.
    pub refused: Option<String>,
    setup: Setup,
    reached_s: f64,
    asked_at: Option<f64>,
    /// Whether the worker has been asked to go back: what it told before does not hold any more.
    rewinding: bool,
}

impl Run {
    /// Run number `id`, waiting since `clock_s` for the worker to set it up, and showing `scene` meanwhile.
    pub fn new(id: u32, clock_s: f64, scene: Scene) -> Self {
        Self {
            id,
            setup: Setup::Asked,
            asked_at: Some(clock_s),
            ..Self::at_rest(scene)
        }
    }

    /// A scene before anyone runs it.
    pub fn at_rest(scene: Scene) -> Self {
        Self {
            picture: Picture::new(&scene),
            scene,
            ..Self::default()
        }
    }

    /// The scene stands, or has changed.
    pub fn ready(&mut self, scene: Scene) {
        if self.setup == Setup::Done {
            self.picture.scene(&scene);
        } else {
            self.picture = Picture::new(&scene);
        }
        self.setup = Setup::Done;
        self.scene = scene;
        self.refused = None;
        self.asked_at = None;
        self.rewinding = false;
    }

    /// The scene, or what was changed in it, cannot be played.
    pub fn refuse(&mut self, why: String) {
        self.refused = Some(why);
        self.asked_at = None;
        self.rewinding = false;
    }

    /// The worker has run on.
    pub fn heard(&mut self, frame: &Frame) {
        self.asked_at = None;
        if self.rewinding {
            return;
        }
        self.reached_s = frame.time_s;
        self.picture.take(frame);
        self.series.truncate(frame.windows_before);
        self.series.extend_from_slice(&frame.windows);
        self.gauges.truncate(frame.windows_before);
        self.gauges.extend_from_slice(&frame.gauges);
        if frame.summary.is_some() {
            self.summary.clone_from(&frame.summary);
        }
        self.totals = frame.totals;
        self.task_done_s = frame.task_done_s;
        self.answer_s = frame.answer_s;
        self.violations.clone_from(&frame.violations);
        self.ended.clone_from(&frame.ended);
    }

    /// Asks the worker, at `clock_s`, to come to `to_s`: returns whether there is anything to ask.
    pub fn ask(&mut self, to_s: f64, clock_s: f64) -> bool {
        let must = self.setup == Setup::Done
            && self.asked_at.is_none()
            && self.ended.is_none()
            && to_s > self.reached_s;
        if must {
            self.asked_at = Some(clock_s);
        }
        must
    }

    /// The moment shown.
    pub fn now_s(&self) -> f64 {
        self.picture.now_s()
    }

    /// Up to where the run is known.
    pub fn reached_s(&self) -> f64 {
        self.reached_s
    }

    /// Whether the worker has set it up.
    pub fn is_set_up(&self) -> bool {
        self.setup == Setup::Done
    }

    /// Whether everything there is has been shown.
    pub fn is_over(&self) -> bool {
        self.ended.is_some() && self.now_s() >= self.reached_s
    }

    /// Whether the task was done by the moment shown.
    pub fn task_is_done(&self) -> bool {
        self.task_done_s
            .is_some_and(|done| done <= self.now_s() + 1e-9)
    }

    /// Whether nobody has been asked yet to run what is shown.
    pub fn is_at_rest(&self) -> bool {
        self.setup == Setup::Unasked
    }

    /// Whether the worker has been asked to set up the run and takes its time: it may have to be fetched first.
    pub fn is_loading(&self, clock_s: f64) -> bool {
        self.setup == Setup::Asked && self.asked_at.is_some_and(|asked| clock_s - asked > 0.3)
    }

    /// Whether the worker has not answered for longer than it may take, counted by the page's clock `clock_s`.
    pub fn is_stuck(&self, clock_s: f64) -> bool {
        let patience_s = match self.setup {
            Setup::Done => PATIENCE_S,
            Setup::Unasked | Setup::Asked => FETCH_S,
        };
        self.asked_at
            .is_some_and(|asked| clock_s - asked > patience_s)
    }

    /// When the next thing of a kind happens, if that is known.
    pub fn next_s(&self, sought: Sought) -> Option<f64> {
        let mut future = self.picture.future();
        let next = future.find(|tick| sought.is(&tick.what));
        next.map(|tick| tick.at_s)
    }

    /// When the last thing of a kind happened before the moment shown.
    pub fn last_s(&self, sought: Sought) -> Option<f64> {
        let now_s = self.now_s();
        let mut past = self.picture.past();
        let last = past.find(|tick| tick.at_s < now_s && sought.is(&tick.what));
        last.map(|tick| tick.at_s)
    }

    /// The window of the series that ended last by the moment shown.
    pub fn window(&self) -> Option<&Figures> {
        let now_s = self.now_s();
        let mut series = self.series.iter().rev();
        series.find(|window| window.to_s <= now_s + 1e-9)
    }

    /// What each condition of the task measured in that window.
    pub fn gauges(&self) -> &[Gauge] {
        let now_s = self.now_s();
        let mut series = self.series.iter();
        let at = series.rposition(|window| window.to_s <= now_s + 1e-9);
        let gauges = at.and_then(|at| self.gauges.get(at));
        gauges.map_or(&[], |gauges| gauges)
    }

    /// What a condition of the task has measured since the run began, where that is the sum or the largest of all windows.
    pub fn so_far(&self, at: usize, metric: Metric) -> Option<f64> {
        let now_s = self.now_s();
        let windows = self.series.iter().zip(&self.gauges);
        let past = windows.take_while(|(window, _)| window.to_s <= now_s + 1e-9);
        let values = past.filter_map(|(_, gauges)| gauges.get(at)?.value);
        if metric.adds_up() {
            values.reduce(|sum, value| sum + value)
        } else if metric.is_largest() {
            values.reduce(f64::max)
        } else {
            None
        }
    }

    /// What is worth going to: when, what kind, and in words. In order of kinds, not of time.
    pub fn markers(&self) -> Vec<(f64, &'static str, String)> {
        let mut markers = Vec::new();
        for fault in &self.scene.faults {
            if let Some(at_s) = fault.at_s {
                let end_s = fault
                    .for_s
                    .map_or(self.scene.horizon_s, |for_s| at_s + for_s);
                markers.push((at_s, "fault", format!("{} begins", fault.what)));
                if end_s < self.scene.horizon_s {
                    markers.push((end_s, "fault over", format!("{} is over", fault.what)));
                }
            }
        }
        if let Some(at_s) = self.picture.first_lost_s() {
            markers.push((at_s, "loss", "the first request is lost".to_owned()));
        }
        for found in &self.violations {
            // Of each invariant the first time.
            let first = self.violations.iter().find(|own| own.name == found.name);
            if first == Some(found) {
                let what = format!("broken: {}. {}", found.name, found.sentence);
                markers.push((found.at_s, "broken", what));
            }
        }
        if let Some(at_s) = self.task_done_s {
            markers.push((at_s, "done", "the task is done".to_owned()));
        }
        if let (Some(right), Some(at_s)) = (self.predicted, self.answer_s) {
            let what = if right {
                "the run so far has come to what you predicted"
            } else {
                "the run so far has come to its answer, which is not what you predicted"
            };
            markers.push((at_s, "proved", what.to_owned()));
        }
        markers
    }

    /// The moment from which a change is to take effect, if the run has come further by more than `back_s`: then what came after
    /// is forgotten.
    pub fn rewind(&mut self, back_s: f64) -> Option<f64> {
        let now_s = self.now_s();
        let back = self.reached_s - now_s > back_s;
        back.then(|| {
            self.picture.cut();
            self.task_done_s = self.task_done_s.filter(|done| *done <= now_s);
            self.violations.retain(|found| found.at_s <= now_s);
            self.answer_s = None;
            self.ended = None;
            self.reached_s = now_s;
            self.rewinding = true;
            now_s
        })
    }
}
