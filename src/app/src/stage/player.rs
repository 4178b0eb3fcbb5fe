//! The player: keeps the time of what is shown, asks the worker to run ahead of it, and keeps what came of the run.

use scale_sim::Figures;

use super::picture::Picture;
use crate::protocol::{CacheTurn, Ended, Frame, MessageTurn, SagaTurn, Scene, ViolationView, What};

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
/// How far from where the run has come, in real seconds at the speed of the moment, what is shown must be for a change to take
/// effect there: nearer than that the run has only gone ahead for what sets out early.
const BACK_S: f64 = 2.0 * LEG_S + 2.0 * AHEAD_S;

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
    /// The first times that invariants did not hold.
    pub violations: Vec<ViolationView>,
    /// How the run ended, if it has.
    pub ended: Option<Ended>,
    /// Why the scene cannot be played.
    pub refused: Option<String>,
    setup: Setup,
    reached_s: f64,
    asked_at: Option<f64>,
    going: Going,
    /// Whether the worker has been asked to go back: what it told before does not hold any more.
    rewinding: bool,
}

/// Where the moment shown goes by itself, while it does not go on with the page's clock.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
enum Going {
    /// Nowhere.
    #[default]
    Nowhere,
    /// To this moment, as fast as the worker can.
    To(f64),
    /// To the next thing of a kind.
    Next(Sought),
}

/// A kind of thing to go to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sought {
    /// Whatever happens.
    #[default]
    Anything,
    /// A request is sent.
    Sent,
    /// A request begins to wait.
    Waiting,
    /// A request is worked on.
    Started,
    /// A request is answered.
    Answered,
    /// A request is refused or lost.
    Lost,
    /// A cache does not have a key.
    Missed,
    /// A message is left with a broker.
    Published,
    /// A saga turns back.
    Compensating,
    /// A fault comes or goes.
    Fault,
}

impl Sought {
    /// All kinds, with their names on the page.
    pub const ALL: [(Self, &str); 10] = [
        (Self::Anything, "event"),
        (Self::Sent, "request sent"),
        (Self::Waiting, "request that waits"),
        (Self::Started, "start of work"),
        (Self::Answered, "answer"),
        (Self::Lost, "loss"),
        (Self::Missed, "cache miss"),
        (Self::Published, "message"),
        (Self::Compensating, "compensation"),
        (Self::Fault, "fault"),
    ];

    /// Whether that is such a thing.
    fn is(self, what: &What) -> bool {
        match self {
            Self::Anything => true,
            Self::Sent => matches!(what, What::Sent { .. }),
            Self::Waiting => matches!(what, What::Queued { .. }),
            Self::Started => matches!(what, What::Started { .. }),
            Self::Answered => matches!(what, What::Completed { .. }),
            Self::Lost => matches!(what, What::Refused { .. } | What::Lost { .. }),
            Self::Missed => {
                let turn = CacheTurn::Miss;
                matches!(what, What::Cache { turn: own, .. } if *own == turn)
            }
            Self::Published => {
                let turn = MessageTurn::Published;
                matches!(what, What::Message { turn: own, .. } if *own == turn)
            }
            Self::Compensating => {
                let turn = SagaTurn::Compensating;
                matches!(what, What::Saga { turn: own, .. } if *own == turn)
            }
            Self::Fault => matches!(what, What::Fault { .. }),
        }
    }
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
        self.rewinding = false;
    }

    /// The scene, or what was changed in it, cannot be played.
    pub fn refuse(&mut self, why: String) {
        self.refused = Some(why);
        self.asked_at = None;
        self.rewinding = false;
        self.set_playing(false);
    }

    /// The worker has run on.
    pub fn heard(&mut self, frame: Frame) {
        self.asked_at = None;
        if self.rewinding {
            return;
        }
        self.reached_s = frame.time_s;
        self.picture.take(&frame);
        self.series.truncate(frame.windows_before);
        self.series.extend(frame.windows);
        if frame.summary.is_some() {
            self.summary = frame.summary;
        }
        self.totals = frame.totals;
        self.task_done_s = frame.task_done_s;
        self.violations = frame.violations;
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

    /// Goes to the next thing of a kind, and stops there.
    pub fn step(&mut self, sought: Sought) {
        self.set_playing(false);
        self.going = Going::Next(sought);
    }

    /// Goes back to the thing of a kind before, and stops there; to the start if there is none.
    pub fn step_back(&mut self, sought: Sought) {
        self.set_playing(false);
        let now_s = self.now_s();
        let before = self
            .picture
            .past()
            .find(|tick| tick.at_s < now_s && sought.is(&tick.what));
        let to_s = before.map_or(0.0, |tick| tick.at_s);
        self.picture.seek(to_s);
    }

    /// Goes to a moment, past or future, and stops there.
    pub fn seek(&mut self, to_s: f64) {
        self.set_playing(false);
        let to_s = to_s.clamp(0.0, self.scene.horizon_s);
        if to_s <= self.reached_s {
            self.picture.seek(to_s);
        } else {
            self.going = Going::To(to_s);
        }
    }

    /// Goes to the end as fast as the worker can.
    pub fn hurry(&mut self) {
        self.set_playing(true);
        self.going = Going::To(self.scene.horizon_s);
    }

    /// When the next thing of a kind happens, if that is known.
    fn next_s(&self, sought: Sought) -> Option<f64> {
        let mut future = self.picture.future();
        let next = future.find(|tick| sought.is(&tick.what));
        next.map(|tick| tick.at_s)
    }

    /// Up to where the run is known.
    pub fn reached_s(&self) -> f64 {
        self.reached_s
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
        markers
    }

    /// The moment from which a change is to take effect, if it is not where the run has come: then what came after is forgotten.
    pub fn rewind(&mut self) -> Option<f64> {
        let now_s = self.now_s();
        let back = self.reached_s - now_s > BACK_S * self.speed;
        back.then(|| {
            self.picture.cut();
            self.task_done_s = self.task_done_s.filter(|done| *done <= now_s);
            self.violations.retain(|found| found.at_s <= now_s);
            self.ended = None;
            self.reached_s = now_s;
            self.rewinding = true;
            now_s
        })
    }

    /// Stops or goes on.
    pub fn set_playing(&mut self, playing: bool) {
        self.playing = playing;
        self.going = Going::Nowhere;
    }

    /// `real_s` have passed on the page. Returns up to where the worker is to run, if it must.
    pub fn pass(&mut self, real_s: f64, clock_s: f64) -> Option<f64> {
        if self.setup != Setup::Done {
            return None;
        }
        self.picture.set_leg_s(LEG_S * self.speed);
        let now_s = self.now_s();
        match self.going {
            Going::Next(sought) => {
                let next = self.next_s(sought);
                if let Some(to_s) = next.or_else(|| self.ended.as_ref().map(|_| self.reached_s)) {
                    self.going = Going::Nowhere;
                    self.picture.seek(to_s);
                }
            }
            Going::To(to_s) => {
                self.picture.seek(self.reached_s.min(to_s).max(now_s));
                if self.now_s() >= to_s || self.is_over() {
                    self.set_playing(false);
                }
            }
            Going::Nowhere if self.playing => {
                self.picture
                    .seek((now_s + real_s * self.speed).min(self.reached_s));
            }
            Going::Nowhere => {}
        }
        if self.is_over() {
            self.set_playing(false);
        }
        let wanted = match self.going {
            Going::To(to_s) => to_s.min(self.reached_s + self.scene.horizon_s / 25.0),
            // Nothing may happen for a while: look further ahead each time.
            Going::Next(_) => self.reached_s + (self.reached_s - self.now_s()).max(0.01),
            Going::Nowhere if self.playing => {
                self.now_s() + self.picture.lead_s() + AHEAD_S * self.speed
            }
            Going::Nowhere => return None,
        };
        let must = self.asked_at.is_none() && self.ended.is_none() && wanted > self.reached_s;
        must.then(|| {
            self.asked_at = Some(clock_s);
            wanted
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::narration::Density;
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
                .narration(Density::Brief, None)
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
            player.step(Sought::Anything);
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

    /// Lets time pass on the page until nothing is under way.
    fn settle(player: &mut Player, session: &mut Session) {
        for _ in 0..200 {
            pass(player, session, 1.0 / 60.0);
        }
    }

    #[test]
    fn steps_back_lead_where_steps_on_came_from() {
        let (mut player, mut session) = playing(1.0);
        player.set_playing(false);
        let mut moments = Vec::new();
        for _ in 0..5 {
            player.step(Sought::Sent);
            settle(&mut player, &mut session);
            moments.push(player.now_s());
        }
        for moment in moments.iter().rev().skip(1) {
            player.step_back(Sought::Sent);
            assert!((player.now_s() - moment).abs() < 1e-12);
        }
        player.step_back(Sought::Sent);
        assert!(player.now_s().abs() < 1e-12, "{}", player.now_s());
        player.step(Sought::Lost);
        settle(&mut player, &mut session);
        assert_eq!(player.markers()[0].1, "loss");
        assert!((player.now_s() - player.markers()[0].0).abs() < 1e-12);
    }

    #[test]
    fn any_moment_can_be_sought_known_or_not() {
        let (mut player, mut session) = playing(1.0);
        player.seek(3.2);
        settle(&mut player, &mut session);
        assert!((player.now_s() - 3.2).abs() < 1e-9 && !player.playing);
        player.seek(0.7);
        assert!((player.now_s() - 0.7).abs() < 1e-9);
        player.seek(99.0);
        settle(&mut player, &mut session);
        assert!(player.is_over());
        player.seek(1.0);
        assert!(!player.is_over());
        player.set_playing(true);
        for _ in 0..300 {
            pass(&mut player, &mut session, 1.0 / 60.0);
        }
        assert!(player.is_over(), "it plays again what is known");
    }

    #[test]
    fn a_change_takes_effect_at_the_moment_shown() {
        let (mut player, mut session) = playing(1.0);
        player.seek(4.0);
        settle(&mut player, &mut session);
        assert_eq!(player.rewind(), None, "the run has come no further");
        player.seek(2.0);
        let at_s = player.rewind();
        assert_eq!(at_s, Some(2.0));
        let changed = session.handle(Command::Change {
            run: 1,
            at_s,
            scenario: SCENARIO.replace("100 }", "10 }"),
        });
        let Some(Reply::Ready(1, scene)) = changed else {
            panic!("{changed:?}")
        };
        player.ready(scene);
        player.seek(5.0);
        settle(&mut player, &mut session);
        // 200 in the first two seconds and 30 in the three after.
        let (sent, _) = player.picture.counts();
        assert_eq!((sent, player.totals[0]), (230, 230));
        let ends: Vec<f64> = player.series.iter().map(|window| window.to_s).collect();
        assert!(ends.is_sorted_by(|a, b| a < b), "{ends:?}");
        assert_eq!(ends.last(), Some(&5.0));
    }
}
