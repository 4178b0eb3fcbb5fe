//! The player: keeps the time of what is shown, asks the worker to run ahead of it, and keeps what came of the run.

use std::collections::VecDeque;

use scale_sim::{Figures, Kind};

use super::picture::Picture;
use crate::protocol::{Ended, Frame, NO_REQUEST, Scene, StationNow, Tick, What};

/// Speeds to choose from: simulated seconds a second.
pub const SPEEDS: [f64; 9] = [0.02, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0];
/// How long a leg takes on screen, in real seconds.
const LEG_S: f64 = 0.45;
/// How far ahead of what is shown the worker runs, in real seconds.
const AHEAD_S: f64 = 0.15;
/// How long the worker may take for one answer, in seconds.
const PATIENCE_S: f64 = 10.0;
/// How long it may take for its first, in seconds: over a slow line it has to be fetched.
const FETCH_S: f64 = 30.0;
/// Lines of narration that are kept.
const LINES: usize = 200;

/// How far the worker is with setting up a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Setup {
    /// Nobody has asked for it.
    #[default]
    Unasked,
    Asked,
    Done,
}

/// The state of playing one run.
#[derive(Clone, Debug, Default)]
pub struct Player {
    /// Which run this is.
    pub run: u32,
    /// What there is to draw; nothing before the worker has answered.
    pub scene: Scene,
    /// What is to be seen.
    pub picture: Picture,
    /// Whether time goes on.
    pub playing: bool,
    /// Simulated seconds a second.
    pub speed: f64,
    /// What was measured, window by window.
    pub series: Vec<Figures>,
    /// What was measured since the warm-up.
    pub summary: Option<Figures>,
    /// Requests sent, answered and lost, as far as the worker has come.
    pub totals: [u64; 3],
    /// When the task was done.
    pub task_done_s: Option<f64>,
    /// How the run ended, if it has.
    pub ended: Option<Ended>,
    /// What happened, in words, newest last.
    pub narration: VecDeque<String>,
    /// Why the scene cannot be played.
    pub refused: Option<String>,
    setup: Setup,
    reached_s: f64,
    asked_at: Option<f64>,
    stepping: bool,
    hurrying: bool,
}

impl Player {
    /// A player for run `run`, waiting since `clock_s` for the worker to set it up, and showing `scene` meanwhile.
    pub fn new(run: u32, speed: f64, playing: bool, clock_s: f64, scene: Scene) -> Self {
        Self {
            run,
            playing,
            setup: Setup::Asked,
            asked_at: Some(clock_s),
            ..Self::at_rest(scene, speed)
        }
    }

    /// A player that shows a scene before anyone runs it.
    pub fn at_rest(scene: Scene, speed: f64) -> Self {
        Self {
            picture: Picture::new(&scene),
            scene,
            speed,
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
    }

    /// The scene, or what was changed in it, cannot be played.
    pub fn refuse(&mut self, why: String) {
        self.refused = Some(why);
        self.asked_at = None;
        self.set_playing(false);
    }

    /// The worker has run on.
    pub fn heard(&mut self, frame: Frame) {
        self.asked_at = None;
        self.reached_s = frame.time_s;
        self.picture.take(&frame);
        self.series.extend(frame.windows);
        if frame.summary.is_some() {
            self.summary = frame.summary;
        }
        self.totals = frame.totals;
        self.task_done_s = frame.task_done_s;
        self.ended = frame.ended;
    }

    /// The moment shown.
    pub fn now_s(&self) -> f64 {
        self.picture.now_s()
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

    /// Goes to the next thing that happens, and stops there.
    pub fn step(&mut self) {
        self.playing = false;
        self.stepping = true;
    }

    /// Goes to the end as fast as the worker can.
    pub fn hurry(&mut self) {
        self.playing = true;
        self.hurrying = true;
    }

    /// Stops or goes on.
    pub fn set_playing(&mut self, playing: bool) {
        self.playing = playing;
        self.hurrying = false;
        self.stepping = false;
    }

    /// `real_s` have passed on the page. Returns up to where the worker is to run, if it must.
    pub fn pass(&mut self, real_s: f64, clock_s: f64) -> Option<f64> {
        if self.setup != Setup::Done {
            return None;
        }
        self.picture.set_leg_s(LEG_S * self.speed);
        let before = self.now_s();
        if self.stepping {
            if let Some(next) = self.picture.next_s() {
                self.stepping = false;
                self.show(next);
            } else if self.is_over() || self.ended.is_some() {
                self.stepping = false;
                self.show(self.reached_s);
            }
        } else if self.hurrying {
            self.show(self.reached_s);
        } else if self.playing {
            self.show((before + real_s * self.speed).min(self.reached_s));
        }
        if self.is_over() {
            self.set_playing(false);
        }
        let wanted = if self.hurrying {
            self.reached_s + self.scene.horizon_s / 25.0
        } else if self.stepping {
            // Nothing may happen for a while: look further ahead each time.
            self.reached_s + (self.reached_s - self.now_s()).max(0.01)
        } else if self.playing {
            self.now_s() + self.picture.lead_s() + AHEAD_S * self.speed
        } else {
            return None;
        };
        let must = self.asked_at.is_none() && self.ended.is_none() && wanted > self.reached_s;
        must.then(|| {
            self.asked_at = Some(clock_s);
            wanted
        })
    }

    fn show(&mut self, to_s: f64) {
        let shown = self.picture.advance(to_s);
        let kept = shown.len().saturating_sub(LINES);
        for tick in &shown[kept..] {
            if let Some(line) = self.sentence(tick) {
                self.narration.push_back(line);
            }
        }
        while self.narration.len() > LINES {
            self.narration.pop_front();
        }
    }

    /// The name of a station, as the picture has it.
    pub fn station_name(&self, station: u32) -> String {
        let Some(view) = self.scene.stations.get(station as usize) else {
            return String::new();
        };
        let component = &self.scene.components[usize::from(view.component)];
        let copies = self
            .scene
            .stations
            .iter()
            .filter(|s| s.component == view.component)
            .count();
        if component.kind == Kind::Service && copies > 1 {
            format!("{} {}", component.label, view.instance + 1)
        } else {
            component.label.clone()
        }
    }

    fn component_name(&self, component: u16) -> &str {
        &self.scene.components[usize::from(component)].label
    }

    /// What happened, in a sentence: the picture's twin in words.
    fn sentence(&self, tick: &Tick) -> Option<String> {
        if tick.request == NO_REQUEST {
            return None;
        }
        let what = match tick.what {
            What::Sent { client } => format!("is sent by {}", self.component_name(client)),
            What::Routed { balancer, station } => {
                format!(
                    "is given to {} by {}",
                    self.station_name(station),
                    self.component_name(balancer)
                )
            }
            What::Queued { station, waiting } => format!(
                "waits at {}, number {waiting} in line",
                self.station_name(station)
            ),
            What::Started { station, .. } => {
                format!("is worked on at {}", self.station_name(station))
            }
            What::Called { station, to } => {
                format!(
                    "makes {} ask {} and wait",
                    self.station_name(station),
                    self.component_name(to)
                )
            }
            What::Returned { station } => format!("is back at {}", self.station_name(station)),
            What::Left { .. } | What::Lost { .. } => return None,
            What::Refused { station } => format!(
                "is refused at {}: the queue is full",
                self.station_name(station)
            ),
            What::Completed { latency_ms, .. } => format!("is answered after {latency_ms:.0} ms"),
        };
        Some(format!(
            "{:.3} s: request {} {what}.",
            tick.at_s,
            tick.request + 1
        ))
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
        let unit = if self.scene.components[usize::from(view.component)].kind == Kind::Database {
            "connections"
        } else {
            "workers"
        };
        let name = self.station_name(station as u32);
        let mut words = vec![format!("{name}: {busy} of {} {unit} busy", view.servers)];
        if held > 0 {
            words.push(format!("{held} of them waiting for an answer"));
        }
        words.push(format!("{waiting} in the queue"));
        let lost = self.picture.lost(station);
        if lost > 0 {
            words.push(format!("{lost} refused because the queue was full"));
        }
        words.join(", ")
    }

    /// What everything does at the moment shown, in words.
    pub fn describe_all(&self) -> String {
        let live = (0..self.scene.stations.len()).filter(|at| self.scene.stations[*at].live);
        let parts: Vec<String> = live.map(|at| self.describe(at)).collect();
        format!("At {:.2} s. {}.", self.now_s(), parts.join(". "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Command, Reply};
    use crate::session::Session;

    const SCENARIO: &str = r#"{ "version": 1, "horizon_s": 5, "components": {
        "users": { "client": { "operation": "buy", "target": "shop", "arrivals": { "constant": { "rate_per_s": 100 } } } },
        "shop": { "service": { "workers": 1, "queue": 5, "plans": { "*": [ { "work": { "constant": { "mean_ms": 20 } } } ] } } }
    } }"#;

    /// A player and a worker in one room.
    fn playing(speed: f64) -> (Player, Session) {
        let mut session = Session::default();
        let task = r#"[{"measure":"lost","above":0}]"#.to_owned();
        let reply = session.handle(Command::Load {
            run: 1,
            scenario: SCENARIO.to_owned(),
            task,
        });
        let mut player = Player::new(1, speed, true, 0.0, Scene::default());
        let Some(Reply::Ready(1, scene)) = reply else {
            panic!("{reply:?}")
        };
        player.ready(scene);
        (player, session)
    }

    fn pass(player: &mut Player, session: &mut Session, real_s: f64) {
        if let Some(to_s) = player.pass(real_s, 0.0) {
            match session.handle(Command::Advance { run: 1, to_s }) {
                Some(Reply::Frame(1, frame)) => player.heard(*frame),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn time_goes_on_at_its_speed_and_ends_at_the_horizon() {
        let (mut player, mut session) = playing(1.0);
        for _ in 0..60 {
            pass(&mut player, &mut session, 1.0 / 60.0);
        }
        assert!((player.now_s() - 1.0).abs() < 0.05, "{}", player.now_s());
        for _ in 0..300 {
            pass(&mut player, &mut session, 1.0 / 60.0);
        }
        assert!(player.is_over() && !player.playing);
        assert!((player.now_s() - 5.0).abs() < 1e-9);
        assert!(player.task_is_done());
        assert!(
            player
                .narration
                .iter()
                .any(|line| line.contains("is refused at shop: the queue is full"))
        );
    }

    #[test]
    fn what_is_shown_is_what_the_worker_says_at_that_moment() {
        let (mut player, mut session) = playing(0.25);
        let (mut other, mut exact) = playing(0.25);
        for _ in 0..200 {
            pass(&mut player, &mut session, 1.0 / 60.0);
        }
        // The same moment, asked of the engine directly.
        let reply = exact.handle(Command::Advance {
            run: 1,
            to_s: player.now_s(),
        });
        let Some(Reply::Frame(1, frame)) = reply else {
            panic!("{reply:?}")
        };
        other.heard((*frame).clone());
        assert_eq!(player.picture.station(0), frame.stations[0]);
        assert_eq!(player.picture.counts().0, frame.totals[0]);
    }

    #[test]
    fn a_step_goes_to_the_next_thing_that_happens() {
        let (mut player, mut session) = playing(1.0);
        player.set_playing(false);
        let mut moments = Vec::new();
        for _ in 0..4 {
            player.step();
            for _ in 0..40 {
                pass(&mut player, &mut session, 1.0 / 60.0);
            }
            moments.push((player.now_s() * 1000.0).round());
        }
        assert_eq!(moments, [10.0, 20.0, 30.0, 40.0]);
    }

    #[test]
    fn hurrying_comes_to_the_end() {
        let (mut player, mut session) = playing(0.1);
        player.hurry();
        for _ in 0..40 {
            pass(&mut player, &mut session, 1.0 / 60.0);
        }
        assert!(player.is_over());
        assert_eq!(player.totals[0], 500);
        assert!(
            player.describe_all().contains("shop: "),
            "{}",
            player.describe_all()
        );
    }
}
