//! What the worker does: holds one run, takes it on as asked, goes back in it, and tells what happened.

mod eye;
mod look;
mod prediction;
mod replay;

use std::sync::Arc;

use scale_capacity::{Run, Trial, Tried};
use scale_course::{Lesson, LessonFiles};
use scale_sim::{
    Condition, Engine, Files, Measure, Metric, Model, Problem, Recorder, Scenario, Stop, Time,
    Trace, Why,
};

use crate::protocol::{
    About, Command, Debriefed, Ended, Frame, Gauge, Job, LagView, Played, Reply, Scene, StationNow,
    StoryView, Tick, ViolationView,
};
use crate::tape::Tape;
use eye::{Eye, Watched, median};
use prediction::Predicted;
use replay::Replay;

/// A run is kept as it was at so many moments, spread over it evenly, to be taken up again from there.
const KEYFRAMES: f64 = 24.0;
/// Changes of a run that are kept to be made again when it is taken up from before them.
const CHANGES: usize = 2_000;
/// Bytes of a trace, about.
const TRACE: usize = 40 << 20;

/// The worker's state: the runs on the stage, by their numbers.
#[derive(Debug, Default)]
pub struct Session {
    stages: Vec<(u32, Stage)>,
}

/// So many runs are kept at once: one, and another beside it.
const STAGES: usize = 2;

/// A run on the stage.
#[derive(Clone, Debug)]
struct Stage {
    now: Moment,
    asked: Asked,
    /// The model that the run began with; none once too many changes were made to make them all again.
    first: Option<Arc<Model>>,
    /// What there is to draw of it, for the names.
    scene: Scene,
    /// The run as it was before, the earliest first. There is always one.
    keyframes: Vec<Moment>,
    /// What was changed under way, and when.
    changes: Vec<(Time, Arc<Scenario>)>,
}

/// What a run is looked at for, besides what happens in it.
#[derive(Clone, Debug, Default)]
struct Asked {
    task: Vec<Condition>,
    /// What was predicted of the run as it was set, as long as it is not changed.
    predicted: Option<Predicted>,
}

/// A run at a moment. A clone goes on alike: that is how one goes back.
#[derive(Clone, Debug)]
struct Moment {
    engine: Engine<Watched>,
    task_done_s: Option<f64>,
    /// From when on the figures so far come to the answer of what was predicted.
    answer_s: Option<f64>,
    windows_told: usize,
    /// What each condition of the task measured, window by window.
    gauges: Vec<Vec<Gauge>>,
    /// How many changes have been made.
    changes: usize,
    stopped: Option<Ended>,
}

impl Session {
    /// Does what is asked. Commands for a run that is no longer on the stage have no answer.
    pub fn handle(&mut self, command: Command) -> Option<Reply> {
        match command {
            Command::Load {
                run,
                beside,
                scenario,
                task,
            } => {
                self.keep(beside);
                let task = scale_sim::read_json(&task).map_err(|e| format!("the task: {e}"));
                Some(match task.and_then(|task| Stage::new(&scenario, task)) {
                    Ok((stage, scene)) => {
                        self.stages.push((run, stage));
                        Reply::Ready(run, scene)
                    }
                    Err(why) => Reply::Refused(run, why),
                })
            }
            Command::Fork { run, branch } => {
                let stage = self.stage(run)?.clone();
                self.keep(Some(run));
                self.stages.push((branch, stage));
                Some(Reply::Forked(branch))
            }
            Command::Change {
                run,
                at_s,
                scenario,
            } => {
                let stage = self.stage(run)?;
                if let Ok(scene) = stage.change(at_s, &scenario) {
                    return Some(Reply::Ready(run, scene));
                }
                // What a run cannot take on under way, such as other points on a ring, another run can begin with.
                Some(match Stage::new(&scenario, stage.asked.task.clone()) {
                    Ok((anew, scene)) => {
                        *stage = anew;
                        Reply::Anew(run, scene)
                    }
                    Err(why) => Reply::Refused(run, why),
                })
            }
            Command::Predicted { run, kind, truth } => {
                self.stage(run)?.asked.predicted = Some(Predicted::new(kind, truth));
                None
            }
            Command::Advance { run, to_s } => {
                let stage = self.stage(run)?;
                Some(Reply::Frame(run, Box::new(stage.advance(to_s))))
            }
            Command::Tell { run, about } => {
                let stage = self.stage(run)?;
                Some(Reply::Told(run, stage.tell(about).map(Box::new)))
            }
            Command::Look {
                run,
                component,
                at_s,
            } => {
                let stage = self.stage(run)?;
                let at = at_s.map(Time::from_secs);
                Some(Reply::Looked(run, Box::new(stage.look(component, at))))
            }
            Command::Trace { run } => {
                let stage = self.stage(run)?;
                Some(Reply::Traced(run, stage.trace()?))
            }
            Command::Measure { question, jobs } => Some(match jobs.iter().map(measure).collect() {
                Ok(values) => Reply::Measured(question, values),
                Err(why) => Reply::Refused(question, why),
            }),
            Command::Debrief { scenario, lines } => Some(match debrief(&scenario, &lines) {
                Ok(debriefed) => Reply::Debriefed(Box::new(debriefed)),
                Err(why) => Reply::Refused(0, why),
            }),
            Command::Try {
                question,
                design,
                factor,
                seed,
            } => Some(match tried(&design, &Trial { factor, seed }) {
                Ok(tried) => Reply::Tried(question, tried),
                Err(why) => Reply::Refused(question, why),
            }),
            Command::Play { question, scenario } => Some(match played(&scenario) {
                Ok(played) => Reply::Played(question, played),
                Err(why) => Reply::Refused(question, why),
            }),
            Command::Check(files) => Some(Reply::Checked(faults(&files))),
        }
    }

    /// The run with this number, if it is still on the stage.
    fn stage(&mut self, run: u32) -> Option<&mut Stage> {
        let mut stages = self.stages.iter_mut();
        stages.find(|(own, _)| *own == run).map(|(_, stage)| stage)
    }

    /// Makes room for a run beside that one, or beside none.
    fn keep(&mut self, run: Option<u32>) {
        self.stages.retain(|(own, _)| Some(*own) == run);
        debug_assert!(self.stages.len() < STAGES, "numbers are given once");
    }
}

impl Stage {
    fn new(scenario: &str, task: Vec<Condition>) -> Result<(Self, Scene), String> {
        let scenario = Scenario::from_json(scenario).map_err(told)?;
        let model = Arc::new(Model::new(&scenario, &Files::new()).map_err(told)?);
        let recorder = Recorder::new(&model);
        let scene = Scene::new(&model, &scenario, recorder.window().secs());
        let now = Moment {
            engine: Engine::new(model, (recorder, Eye::Tape(Tape::default()))),
            task_done_s: None,
            answer_s: None,
            windows_told: 0,
            gauges: Vec::new(),
            changes: 0,
            stopped: None,
        };
        let stage = Self {
            first: Some(Arc::clone(now.engine.model())),
            scene: scene.clone(),
            keyframes: vec![now.clone()],
            now,
            asked: Asked {
                task,
                predicted: None,
            },
            changes: Vec::new(),
        };
        Ok((stage, scene))
    }

    fn change(&mut self, at_s: Option<f64>, scenario: &str) -> Result<Scene, String> {
        let scenario = Scenario::from_json(scenario).map_err(told)?;
        self.asked.predicted = None;
        if let Some(at_s) = at_s {
            self.rewind(Time::from_secs(at_s))?;
        }
        let engine = &mut self.now.engine;
        engine.reconfigure(&scenario, &Files::new()).map_err(told)?;
        let window_s = engine.probe().0.window().secs();
        let scene = Scene::new(engine.model(), &scenario, window_s);
        self.scene = scene.clone();
        if self.changes.len() == CHANGES {
            // From here on one goes back to here at most.
            self.first = None;
            self.keyframes.clear();
            self.changes.clear();
            self.now.changes = 0;
            self.keyframes.push(self.now.clone());
        } else {
            self.changes.push((engine.now(), Arc::new(scenario)));
            self.now.changes += 1;
        }
        Ok(scene)
    }

    /// Goes back to `to`, or as near as what is kept allows, and forgets what came after.
    fn rewind(&mut self, to: Time) -> Result<(), String> {
        if to >= self.now.engine.now() {
            return Ok(());
        }
        let before = |moment: &Moment| moment.engine.now() <= to;
        let kept = self.keyframes.partition_point(before).max(1);
        self.keyframes.truncate(kept);
        self.now.clone_from(&self.keyframes[kept - 1]);
        let later = self.changes.partition_point(|(at, _)| *at <= to);
        self.changes.truncate(later);
        for (at, scenario) in &self.changes[self.now.changes.min(later)..] {
            self.now.run_until(*at, &self.asked);
            let engine = &mut self.now.engine;
            engine.reconfigure(scenario, &Files::new()).map_err(told)?;
        }
        self.now.changes = later;
        self.now.run_until(to, &self.asked);
        // The page has what happened up to here.
        if let Eye::Tape(tape) = &mut self.now.engine.probe_mut().1 {
            tape.clear();
        }
        Ok(())
    }

    /// The same run once more from its start, up to `to`, for another to watch.
    fn again(&self, eye: Eye, to: Time) -> Option<Eye> {
        let model = Arc::clone(self.first.as_ref()?);
        let recorder = Recorder::new(&model).keeping_stories(0);
        let engine = Engine::new(model, (recorder, eye));
        let mut replay = Replay::new(engine, &self.changes);
        while !replay.engine.probe().1.has_seen_all() && replay.step(to) {}
        Some(replay.engine.into_probe().1)
    }

    /// The story of a request.
    fn tell(&self, about: About) -> Option<StoryView> {
        let now = &self.now.engine;
        let stories = now.probe().0.stories();
        let request = match about {
            About::Request(request) => request,
            About::Slowest => stories.slowest().first()?.request,
            About::FirstLost => stories.lost().first()?.request,
            About::Typical => match self.again(Eye::Latencies(Vec::new()), now.now())? {
                Eye::Latencies(ended) => median(ended)?,
                _ => return None,
            },
        };
        // Whoever is under way is followed to its end.
        let why = Eye::Why(Box::new(Why::new(request)));
        match self.again(why, now.model().horizon())? {
            Eye::Why(why) => Some(StoryView::new(now.model(), &why.account()?)),
            _ => None,
        }
    }

    /// The run so far as trace events.
    fn trace(&self) -> Option<String> {
        let trace = Eye::Trace(Box::new(Trace::new(TRACE)));
        match self.again(trace, self.now.engine.now())? {
            Eye::Trace(trace) => Some(trace.finish()),
            _ => None,
        }
    }

    fn advance(&mut self, to_s: f64) -> Frame {
        let horizon = self.now.engine.model().horizon();
        let windows_before = self.now.windows_told;
        self.now.run_until(Time::from_secs(to_s), &self.asked);
        let (ticks, stride) = match &mut self.now.engine.probe_mut().1 {
            Eye::Tape(tape) => tape.take(),
            _ => Default::default(),
        };
        let frame = self.now.frame(windows_before, ticks, stride);
        let apart_s = horizon.secs() / KEYFRAMES;
        let last = self
            .keyframes
            .last()
            .map_or(0.0, |kept| kept.engine.now().secs());
        if self.now.engine.now().secs() >= last + apart_s {
            self.keyframes.push(self.now.clone());
        }
        frame
    }
}

impl Moment {
    /// Goes on to `to`, or to the horizon, and looks whether the task is done and the prediction answered.
    fn run_until(&mut self, to: Time, asked: &Asked) {
        let to = to.min(self.engine.model().horizon());
        let Some(predicted) = &asked.predicted else {
            self.answer_s = None;
            self.go_to(to, &asked.task);
            return;
        };
        // The figures so far are looked at where a window ends, so that nothing depends on how the page asks.
        let window = self.engine.probe().0.window().secs();
        while self.stopped.is_none() && self.engine.now() < to {
            let ended = (self.engine.now().secs() / window + 1e-9).floor();
            let end = Time::from_secs((ended + 1.0) * window);
            self.go_to(end.min(to), &asked.task);
            if end <= to || self.stopped.is_some() {
                let figures = self.engine.probe().0.summary();
                let answered = predicted.is_answered(self.engine.model(), &figures);
                let now_s = self.engine.now().secs();
                self.answer_s = answered.then(|| self.answer_s.unwrap_or(now_s));
            }
        }
    }

    fn go_to(&mut self, to: Time, task: &[Condition]) {
        let horizon = self.engine.model().horizon();
        if self.stopped.is_none() {
            match self.engine.run_until(to) {
                Stop::Reached if to == horizon => self.stopped = Some(Ended::Horizon),
                Stop::Reached => {}
                stop => self.stopped = Some(Ended::Stopped(stop.to_string())),
            }
        }
        let model = Arc::clone(self.engine.model());
        let series = self.engine.probe().0.series();
        // Each window in its turn: a condition may have held for a while between two frames.
        for end in self.windows_told..series.len() {
            let held = || task.iter().all(|c| c.holds_at_end(&model, &series[..=end]));
            if self.task_done_s.is_none() && !task.is_empty() && held() {
                self.task_done_s = Some(series[end].to_s);
            }
            let before = self.gauges.last();
            let gauges = task.iter().enumerate().map(|(at, condition)| {
                let held_s = before
                    .and_then(|gauges| gauges.get(at))
                    .map_or(0.0, |g| g.held_s);
                let holds = condition.holds(&model, &series[end]);
                Gauge {
                    value: condition.measure().value(&model, &series[end]),
                    held_s: if holds {
                        held_s + series[end].seconds()
                    } else {
                        0.0
                    },
                }
            });
            let gauges = gauges.collect();
            self.gauges.push(gauges);
        }
        self.windows_told = series.len();
    }

    /// What there is to tell, of the windows from `windows_before` on.
    fn frame(&self, windows_before: usize, ticks: Vec<Tick>, stride: u32) -> Frame {
        let recorder = &self.engine.probe().0;
        let windows = recorder.series()[windows_before..].to_vec();
        let summary = (!windows.is_empty() || self.stopped.is_some()).then(|| recorder.summary());
        let held = recorder.held();
        let stations = (0..self.engine.model().stations().len()).map(|at| {
            let (busy, waiting) = self.engine.station(at);
            StationNow {
                busy,
                held: held.get(at).copied().unwrap_or(0),
                waiting,
            }
        });
        let lags = (0..self.engine.model().stations().len()).filter_map(|at| {
            let (writes, lag) = self.engine.replica_lag(at)?;
            Some(LagView {
                station: at as u32,
                writes,
                ms: lag.millis(),
            })
        });
        let violations = recorder.violations().iter().map(|found| ViolationView {
            at_s: found.at.secs(),
            request: found.request,
            name: found.name.replace('_', " "),
            sentence: found.sentence.clone(),
        });
        let totals = self.engine.totals();
        Frame {
            time_s: self.engine.now().secs(),
            ticks,
            stride,
            stations: stations.collect(),
            lags: lags.collect(),
            violations: violations.collect(),
            windows_before,
            windows,
            gauges: self.gauges[windows_before..].to_vec(),
            summary,
            totals: [totals.sent, totals.completed, totals.lost],
            task_done_s: self.task_done_s,
            answer_s: self.answer_s,
            ended: self.stopped.clone(),
        }
    }
}

/// Runs a job and takes its measures.
fn measure(job: &Job) -> Result<Vec<Option<f64>>, String> {
    let scenario = Scenario::from_json(&job.scenario).map_err(told)?;
    let measures: Vec<Measure> =
        scale_sim::read_json(&job.measures).map_err(|e| format!("the measures: {e}"))?;
    let (engine, _) = ran(&scenario)?;
    let (model, figures) = (engine.model(), engine.probe().0.summary());
    let values = measures
        .iter()
        .map(|measure| measure.value(model, &figures));
    Ok(values.collect())
}

/// Makes one run of a sweep.
fn tried(design: &str, trial: &Trial) -> Result<Vec<u8>, String> {
    let design = Scenario::from_json(design).map_err(told)?;
    let scenario = scale_capacity::trial(design, trial).map_err(told)?;
    let (engine, stop) = ran(&scenario)?;
    let recorder = &engine.probe().0;
    let run = Run {
        scenario: &scenario,
        model: engine.model(),
        figures: &recorder.summary(),
        series: recorder.series(),
    };
    bincode::serialize(&Tried::new(&run, stop)).map_err(|error| error.to_string())
}

/// Runs a scenario to its end, for its figures.
fn played(scenario: &str) -> Result<Vec<u8>, String> {
    let scenario = Scenario::from_json(scenario).map_err(told)?;
    let (engine, stop) = ran(&scenario)?;
    let recorder = &engine.probe().0;
    let played = Played {
        figures: recorder.summary(),
        series: recorder.series().to_vec(),
        stopped: (stop != Stop::Reached).then(|| stop.to_string()),
    };
    bincode::serialize(&played).map_err(|error| error.to_string())
}

/// Runs a scenario to its end.
fn ran(scenario: &Scenario) -> Result<(Engine<(Recorder, Eye)>, Stop), String> {
    let model = Arc::new(Model::new(scenario, &Files::new()).map_err(told)?);
    let recorder = Recorder::new(&model);
    // Not by `scale_sim::run`: its probe is another, so it would bring another engine.
    let mut engine = Engine::new(model, (recorder, Eye::Shut));
    let stop = engine.run_until(engine.model().horizon());
    Ok((engine, stop))
}

/// Runs a scenario to its end, and tells which lines hold of it, what was busiest, and the story of its slowest request.
fn debrief(scenario: &str, lines: &str) -> Result<Debriefed, String> {
    let lines: Vec<Vec<Condition>> =
        scale_sim::read_json(lines).map_err(|e| format!("the debrief: {e}"))?;
    let (mut stage, scene) = Stage::new(scenario, Vec::new())?;
    stage.now.engine.probe_mut().1 = Eye::Shut;
    let horizon = stage.now.engine.model().horizon();
    stage.now.run_until(horizon, &Asked::default());
    let model = Arc::clone(stage.now.engine.model());
    let figures = stage.now.engine.probe().0.summary();
    let busy = scene
        .components
        .iter()
        .enumerate()
        .filter_map(|(at, view)| {
            let utilisation = Measure {
                metric: Metric::Utilisation,
                of: Some(view.name.clone()),
            };
            Some((at as u16, utilisation.value(&model, &figures)?))
        });
    let holds = |line: &Vec<Condition>| line.iter().all(|c| c.holds(&model, &figures));
    Ok(Debriefed {
        busiest: busy.max_by(|(_, a), (_, b)| a.total_cmp(b)),
        said: lines.iter().map(holds).collect(),
        slowest: stage.tell(About::Slowest).map(Box::new),
        figures,
        scene,
    })
}

/// Everything that is wrong with a lesson.
fn faults(files: &LessonFiles) -> Vec<String> {
    let faults = match Lesson::read(files) {
        Ok(lesson) => lesson.faults(),
        Err(faults) => faults,
    };
    faults.iter().map(ToString::to_string).collect()
}

/// Problems in one sentence.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it stands in map_err, which gives the problems away"
)]
fn told(problems: Vec<Problem>) -> String {
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    shown.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::What;
    use crate::tape::TICKS;

    const SCENARIO: &str = r#"{ "version": 1, "horizon_s": 20, "components": {
        "users": { "client": { "operation": "buy", "target": "shop", "arrivals": { "poisson": { "rate_per_s": RATE } } } },
        "shop": { "service": { "workers": 1, "queue": 5, "plans": { "*": [ { "work": { "exponential": { "mean_ms": 20 } } } ] } } }
    } }"#;

    fn scenario(rate: u32) -> String {
        SCENARIO.replace("RATE", &rate.to_string())
    }

    fn load(session: &mut Session, rate: u32, task: &str) -> Scene {
        let command = Command::Load {
            run: 1,
            beside: None,
            scenario: scenario(rate),
            task: task.to_owned(),
        };
        match session.handle(command) {
            Some(Reply::Ready(1, scene)) => scene,
            other => panic!("{other:?}"),
        }
    }

    fn advance(session: &mut Session, to_s: f64) -> Frame {
        match session.handle(Command::Advance { run: 1, to_s }) {
            Some(Reply::Frame(1, frame)) => *frame,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn frames_tell_everything_once_and_in_order() {
        let mut session = Session::default();
        let scene = load(&mut session, 40, "[]");
        assert_eq!(scene.stations.len(), 1);
        let mut last = 0.0;
        let mut sent = 0;
        for i in 1..=200 {
            let frame = advance(&mut session, f64::from(i) * 0.1);
            for tick in &frame.ticks {
                assert!(tick.at_s >= last && tick.at_s <= frame.time_s);
                last = tick.at_s;
                sent += u64::from(matches!(tick.what, What::Sent { .. }));
            }
            assert_eq!(sent, frame.totals[0]);
            assert_eq!(frame.ended.is_some(), i == 200);
        }
        assert!(sent > 600);
    }

    #[test]
    fn a_look_back_tells_what_holds_what_was_busiest_and_the_slowest_story() {
        let lines = r#"[[{"measure":"lost","above":0}],[{"measure":"lost","below":1}],[]]"#;
        let look = |rate| Command::Debrief {
            scenario: scenario(rate),
            lines: lines.to_owned(),
        };
        let Some(Reply::Debriefed(full)) = Session::default().handle(look(90)) else {
            panic!("it can be run");
        };
        assert_eq!(full.said, [true, false, true]);
        assert!(
            (full.figures.to_s - 20.0).abs() < 1e-9,
            "{:?}",
            full.figures
        );
        let (busiest, utilisation) = full.busiest.expect("the shop works");
        assert_eq!(full.scene.components[usize::from(busiest)].name, "shop");
        assert!(utilisation > 0.95, "{utilisation}");
        let slowest = full.slowest.expect("somebody was answered");
        let longest = full.figures.latency.expect("somebody was answered").max_ms;
        assert!((slowest.latency_ms - longest).abs() < 0.01 * longest);
        let Some(Reply::Debriefed(calm)) = Session::default().handle(look(5)) else {
            panic!("it can be run");
        };
        assert_eq!(calm.said, [false, true, true]);
        let refused = Session::default().handle(Command::Debrief {
            scenario: scenario(5),
            lines: "{".to_owned(),
        });
        assert!(matches!(refused, Some(Reply::Refused(0, _))), "{refused:?}");
    }

    #[test]
    fn a_task_is_done_when_it_happened_and_not_before() {
        let mut session = Session::default();
        let task = r#"[{"measure":"lost","of":"shop","above":0}]"#;
        load(&mut session, 20, task);
        assert_eq!(advance(&mut session, 1.0).task_done_s, None);
        let changed = session.handle(Command::Change {
            run: 1,
            at_s: None,
            scenario: scenario(200),
        });
        assert!(matches!(changed, Some(Reply::Ready(1, _))), "{changed:?}");
        let done = advance(&mut session, 20.0)
            .task_done_s
            .expect("200/s into 50/s must lose some");
        assert!(done > 1.0 && done < 4.0, "{done}");
    }

    fn hash(session: &Session) -> u64 {
        let stage = &session.stages[0].1;
        stage.now.engine.state_hash()
    }

    fn change(session: &mut Session, at_s: Option<f64>, rate: u32) {
        let scenario = scenario(rate);
        let run = 1;
        let changed = session.handle(Command::Change {
            run,
            at_s,
            scenario,
        });
        assert!(matches!(changed, Some(Reply::Ready(1, _))), "{changed:?}");
    }

    #[test]
    fn going_back_and_forward_again_comes_to_the_same_state() {
        let mut session = Session::default();
        load(&mut session, 40, "[]");
        let mut hashes = Vec::new();
        for at in 1..=20 {
            advance(&mut session, f64::from(at));
            if at == 5 || at == 10 {
                change(&mut session, None, 10 * at);
            }
            hashes.push(hash(&session));
        }
        // Back to every second in turn, also past the changes, which are made again.
        for at in [19, 12, 11, 10, 7, 6, 3, 1_u32] {
            let stage = &mut session.stages[0].1;
            stage
                .rewind(Time::from_secs(f64::from(at)))
                .expect("it can be taken up");
            assert_eq!(hash(&session), hashes[at as usize - 1], "back at {at} s");
        }
        let frame = advance(&mut session, 4.0);
        assert_eq!(hash(&session), hashes[3]);
        assert_eq!(
            frame.windows_before + frame.windows.len(),
            frame_windows(&session)
        );
    }

    fn frame_windows(session: &Session) -> usize {
        let stage = &session.stages[0].1;
        stage.now.engine.probe().0.series().len()
    }

    #[test]
    fn a_change_in_the_past_makes_another_future() {
        let (mut once, mut twice) = (Session::default(), Session::default());
        for session in [&mut once, &mut twice] {
            load(session, 40, "[]");
            advance(session, 8.0);
        }
        advance(&mut twice, 20.0);
        // As if what came after had never been.
        change(&mut once, None, 90);
        change(&mut twice, Some(8.0), 90);
        let frame = advance(&mut once, 15.0);
        assert_eq!(advance(&mut twice, 15.0), frame);
        assert_eq!(hash(&once), hash(&twice));
        assert!(frame.ended.is_none());
    }

    #[test]
    fn what_cannot_be_changed_under_way_begins_anew() {
        let mut session = Session::default();
        load(&mut session, 40, "[]");
        advance(&mut session, 8.0);
        let other = scenario(40).replace("shop", "store");
        let command = Command::Change {
            run: 1,
            at_s: None,
            scenario: other,
        };
        let Some(Reply::Anew(1, scene)) = session.handle(command) else {
            panic!("not begun anew")
        };
        assert_eq!(scene.components[1].name, "store");
        assert!(advance(&mut session, 1.0).totals[0] < 80);
        let command = Command::Change {
            run: 1,
            at_s: None,
            scenario: "{".to_owned(),
        };
        assert!(matches!(
            session.handle(command),
            Some(Reply::Refused(1, _))
        ));
    }

    #[test]
    fn a_story_adds_up_and_is_the_same_after_changes() {
        let mut session = Session::default();
        load(&mut session, 40, "[]");
        advance(&mut session, 7.0);
        change(&mut session, None, 90);
        advance(&mut session, 20.0);
        for about in [
            About::Slowest,
            About::Typical,
            About::FirstLost,
            About::Request(800),
        ] {
            let Some(Reply::Told(1, Some(story))) = session.handle(Command::Tell { run: 1, about })
            else {
                panic!("no story of {about:?}")
            };
            let sum: f64 = story
                .spans
                .iter()
                .map(|span| span.to_ms - span.from_ms)
                .sum();
            assert!((sum - story.latency_ms).abs() < 1e-6, "{story:?}");
            assert_eq!(
                story.lost.is_some(),
                about == About::FirstLost || story.spans.is_empty()
            );
            let slowest = &session.stages[0].1.now.engine.probe().0.stories().slowest()[0];
            if about == About::Slowest {
                assert_eq!(
                    (story.request, story.latency_ms),
                    (slowest.request, slowest.latency.millis())
                );
                let behind = story.spans[0].behind.as_ref().expect("it waited in line");
                assert_eq!((behind.servers, behind.holders[0].0.as_str()), (1, "buy"));
            }
        }
        let missing = Command::Tell {
            run: 1,
            about: About::Request(u64::MAX - 1),
        };
        assert_eq!(session.handle(missing), Some(Reply::Told(1, None)));
    }

    #[test]
    fn a_trace_holds_every_request_so_far() {
        let mut session = Session::default();
        load(&mut session, 40, "[]");
        let frame = advance(&mut session, 5.0);
        let Some(Reply::Traced(1, trace)) = session.handle(Command::Trace { run: 1 }) else {
            panic!("no trace")
        };
        assert_eq!(trace.matches(r#""ph":"b""#).count() as u64, frame.totals[0]);
    }

    #[test]
    fn a_flood_is_thinned_by_whole_requests() {
        let mut session = Session::default();
        load(&mut session, 5000, "[]");
        let frame = advance(&mut session, 10.0);
        assert!(frame.ticks.len() <= TICKS && frame.stride > 1);
        assert!(
            frame
                .ticks
                .iter()
                .all(|tick| tick.request.is_multiple_of(u64::from(frame.stride)))
        );
    }

    #[test]
    fn what_cannot_be_run_is_refused_in_words() {
        let mut session = Session::default();
        let bad = scenario(40).replace("\"workers\": 1", "\"workers\": 0");
        let reply = session.handle(Command::Load {
            run: 1,
            beside: None,
            scenario: bad,
            task: "[]".to_owned(),
        });
        assert!(
            matches!(&reply, Some(Reply::Refused(1, why)) if why.contains("workers")),
            "{reply:?}"
        );
        assert_eq!(session.handle(Command::Advance { run: 1, to_s: 1.0 }), None);
    }

    #[test]
    fn measures_are_taken_over_whole_runs() {
        let job = Job {
            scenario: scenario(40),
            measures: r#"[{"measure":"throughput_per_s"},{"measure":"utilisation","of":"shop"}]"#
                .to_owned(),
        };
        let reply = Session::default().handle(Command::Measure {
            question: 9,
            jobs: vec![job],
        });
        let Some(Reply::Measured(9, values)) = reply else {
            panic!("{reply:?}")
        };
        let throughput = values[0][0].expect("measured");
        assert!((throughput - 38.0).abs() < 4.0, "{throughput}");
        assert!(values[0][1].expect("measured") > 0.6);
    }
}
