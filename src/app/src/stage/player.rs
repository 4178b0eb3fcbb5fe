//! The player: keeps the time of what is shown, of one run or of two side by side, and asks the worker to run ahead of it.

use super::apart::Apart;
use super::run::Run;
use crate::protocol::{CacheTurn, MessageTurn, SagaTurn, Scene, What};

/// Speeds to choose from: simulated seconds a second.
pub const SPEEDS: [f64; 9] = [0.02, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0];
/// How long a leg takes on screen, in real seconds.
const LEG_S: f64 = 0.45;
/// How far ahead of what is shown the worker runs, in real seconds.
const AHEAD_S: f64 = 0.15;
/// How far from where the run has come, in real seconds at the speed of the moment, what is shown must be for a change to take
/// effect there: nearer than that the run has only gone ahead for what sets out early.
const BACK_S: f64 = 2.0 * LEG_S + 2.0 * AHEAD_S;

/// Up to this speed: at higher ones that would be many seconds of the run.
const UNSEEN: f64 = 2.0;

/// The state of playing a run, or two under the same arrivals and draws.
#[derive(Clone, Debug, Default)]
pub struct Player {
    /// The run that the reader changes.
    pub run: Run,
    /// The run beside it: another system, or how this one was.
    pub beside: Option<Run>,
    /// Where the two part.
    pub apart: Apart,
    /// Whether the worker has not yet said that the run of the reader is a branch of the one beside it: until then it is told
    /// of both at once.
    forking: bool,
    /// Whether time goes on.
    pub playing: bool,
    /// Simulated seconds a second.
    pub speed: f64,
    going: Going,
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
    pub fn is(self, what: &What) -> bool {
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
    /// A player that shows a scene before anyone runs it.
    pub fn at_rest(scene: Scene, speed: f64) -> Self {
        Self::new(Run::at_rest(scene), speed, false)
    }

    /// A player of one run.
    pub fn new(run: Run, speed: f64, playing: bool) -> Self {
        Self {
            run,
            playing,
            speed,
            ..Self::default()
        }
    }

    /// The runs on the stage.
    fn runs(&self) -> impl Iterator<Item = &Run> {
        core::iter::once(&self.run).chain(&self.beside)
    }

    fn runs_mut(&mut self) -> impl Iterator<Item = &mut Run> {
        core::iter::once(&mut self.run).chain(&mut self.beside)
    }

    /// The moment shown.
    pub fn now_s(&self) -> f64 {
        self.run.now_s()
    }

    /// Where time ends.
    pub fn horizon_s(&self) -> f64 {
        let ends = self.runs().map(|run| run.scene.horizon_s);
        ends.fold(0.0, f64::max)
    }

    /// Up to where all runs are known.
    pub fn reached_s(&self) -> f64 {
        let under_way = self.runs().filter(|run| run.ended.is_none());
        let known = under_way.map(Run::reached_s);
        let ends = self.runs().map(Run::reached_s).fold(0.0, f64::max);
        known.fold(ends, f64::min)
    }

    /// Whether everything there is has been shown.
    pub fn is_over(&self) -> bool {
        self.runs().all(Run::is_over)
    }

    /// Goes to the next thing of a kind, and stops there.
    pub fn step(&mut self, sought: Sought) {
        self.set_playing(false);
        self.going = Going::Next(sought);
    }

    /// Goes back to the thing of a kind before, and stops there; to the start if there is none.
    pub fn step_back(&mut self, sought: Sought) {
        self.set_playing(false);
        let before = self.runs().filter_map(|run| run.last_s(sought));
        let to_s = before.fold(0.0, f64::max);
        self.show(to_s);
    }

    /// Goes to a moment, past or future, and stops there.
    pub fn seek(&mut self, to_s: f64) {
        self.set_playing(false);
        let to_s = to_s.clamp(0.0, self.horizon_s());
        if to_s <= self.reached_s() {
            self.show(to_s);
        } else {
            self.going = Going::To(to_s);
        }
    }

    /// Goes to the end as fast as the worker can.
    pub fn hurry(&mut self) {
        self.set_playing(true);
        self.going = Going::To(self.horizon_s());
    }

    /// What is worth going to in the run that the reader changes, and where the two part.
    pub fn markers(&self) -> Vec<(f64, &'static str, String)> {
        let mut markers = self.run.markers();
        if let Some(at_s) = self.apart.at_s().filter(|_| self.beside.is_some()) {
            markers.push((at_s, "apart", "the two runs part".to_owned()));
        }
        markers
    }

    /// Something is to be changed at the moment shown. Returns how far the runs may have come already without being wound back:
    /// while time goes on, nobody sees the difference, unless there is nothing left to come.
    pub fn changed(&mut self) -> f64 {
        self.apart = Apart::default();
        if self.playing && self.speed <= UNSEEN && self.run.ended.is_none() {
            BACK_S * self.speed
        } else {
            0.0
        }
    }

    /// Goes on with two runs: the one that there is stays as it is, `id` is to be changed from here on.
    pub fn fork(&mut self, id: u32) {
        let mut branch = self.run.clone();
        branch.id = id;
        self.apart = Apart::default();
        self.forking = true;
        self.beside = Some(core::mem::replace(&mut self.run, branch));
    }

    /// Goes on with one run: that of the reader, or the one beside it.
    pub fn settle(&mut self, on_beside: bool) {
        if let Some(beside) = self.beside.take().filter(|_| on_beside) {
            self.run = beside;
        }
        self.forking = false;
    }

    /// The worker has told something of run `id`. Returns whether that is on the stage.
    pub fn told(&mut self, id: u32, tell: impl Fn(&mut Run)) -> bool {
        let both = self.forking && self.beside.as_ref().is_some_and(|run| run.id == id);
        let mut heard = false;
        for run in self.runs_mut().filter(|run| both || run.id == id) {
            tell(run);
            heard = true;
        }
        heard
    }

    /// Run `id` begins anew with `scene`; the one beside it is shown from its start again.
    pub fn anew(&mut self, id: u32, scene: &Scene) {
        let begun = self.told(id, |run| {
            *run = Run::new(run.id, 0.0, Scene::default());
            run.ready(scene.clone());
        });
        if begun {
            self.apart = Apart::default();
            self.going = Going::Nowhere;
            self.show(0.0);
        }
    }

    /// What run `id` is to play cannot be played.
    pub fn refused(&mut self, id: u32, why: &str) {
        if self.told(id, |run| run.refuse(why.to_owned())) {
            self.set_playing(false);
        }
    }

    /// The worker keeps run `id` apart from the one beside it now.
    pub fn forked(&mut self, id: u32) {
        self.forking &= self.run.id != id;
    }

    /// Stops or goes on.
    pub fn set_playing(&mut self, playing: bool) {
        self.playing = playing;
        self.going = Going::Nowhere;
    }

    /// Shows a moment that is known.
    fn show(&mut self, to_s: f64) {
        for run in self.runs_mut() {
            run.picture.seek(to_s);
        }
    }

    /// `real_s` have passed on the page. Returns for each run that must go on its number, and to where.
    pub fn pass(&mut self, real_s: f64, clock_s: f64) -> impl Iterator<Item = (u32, f64)> + use<> {
        if !self.runs().all(Run::is_set_up) {
            return [None, None].into_iter().flatten();
        }
        let (speed, now_s, reached_s) = (self.speed, self.now_s(), self.reached_s());
        for run in self.runs_mut() {
            run.picture.set_leg_s(LEG_S * speed);
        }
        match self.going {
            Going::Next(sought) => {
                let next = self.runs().filter_map(|run| run.next_s(sought));
                let next = next
                    .min_by(f64::total_cmp)
                    .filter(|next| *next <= reached_s);
                let end = self.runs().all(|run| run.ended.is_some());
                if let Some(to_s) = next.or(end.then_some(reached_s)) {
                    self.going = Going::Nowhere;
                    self.show(to_s);
                }
            }
            Going::To(to_s) => {
                self.show(reached_s.min(to_s).max(now_s));
                if self.now_s() >= to_s || self.is_over() {
                    self.set_playing(false);
                }
            }
            Going::Nowhere if self.playing => {
                self.show((now_s + real_s * speed).min(reached_s).max(now_s));
            }
            // What has become known of what is on its way.
            Going::Nowhere => self.show(now_s),
        }
        if self.is_over() {
            self.set_playing(false);
        }
        if let Some(beside) = &self.beside {
            self.apart.look(&self.run, beside);
        }
        let (now_s, horizon_s) = (self.now_s(), self.horizon_s());
        let lead_s = self.run.picture.lead_s();
        let wanted = match self.going {
            Going::To(to_s) => (to_s + lead_s).min(reached_s + horizon_s / 25.0),
            // Nothing may happen for a while: look further ahead each time.
            Going::Next(_) => reached_s + (reached_s - now_s).max(0.01),
            Going::Nowhere if self.playing => now_s + lead_s + AHEAD_S * speed,
            // What is about to arrive is on its way already, also where time stands still.
            Going::Nowhere if now_s > 0.0 => now_s + lead_s,
            Going::Nowhere => return [None, None].into_iter().flatten(),
        };
        let ask = |run: &mut Run| run.ask(wanted, clock_s).then_some((run.id, wanted));
        let own = ask(&mut self.run);
        [own, self.beside.as_mut().and_then(ask)]
            .into_iter()
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::Layout;
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
            beside: None,
            scenario: SCENARIO.to_owned(),
            task,
        });
        let run = Run::new(1, 0.0, Scene::default());
        let mut player = Player::new(run, speed, true);
        hear(&mut player, reply);
        (player, session)
    }

    fn hear(player: &mut Player, reply: Option<Reply>) {
        let heard = match reply {
            Some(Reply::Ready(run, scene)) => player.told(run, |run| run.ready(scene.clone())),
            Some(Reply::Frame(run, frame)) => player.told(run, |run| run.heard(&frame)),
            Some(Reply::Forked(run)) => {
                player.forked(run);
                true
            }
            other => panic!("{other:?}"),
        };
        assert!(heard);
    }

    fn pass(player: &mut Player, session: &mut Session, real_s: f64) {
        for (run, to_s) in player.pass(real_s, 0.0) {
            hear(player, session.handle(Command::Advance { run, to_s }));
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
        assert!(player.run.task_is_done());
        assert!(
            player
                .run
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
        other.run.heard(&frame);
        assert_eq!(player.run.picture.station(0), frame.stations[0]);
        assert_eq!(player.run.picture.counts().0, frame.totals[0]);
    }

    #[test]
    fn a_moment_gone_to_has_all_that_is_on_its_way() {
        let layout = Layout::new(&playing(1.0).0.run.scene, 800.0, 400.0, 1.0);
        let dots = |player: &Player| {
            let mut dots = player.run.picture.dots(&layout);
            dots.sort_by(|a, b| a.at.x.total_cmp(&b.at.x));
            dots
        };
        let (mut sought, mut session) = playing(0.25);
        sought.seek(1.5);
        for _ in 0..20 {
            pass(&mut sought, &mut session, 1.0 / 60.0);
        }
        // From the other side, where all of it is known.
        let (mut back, mut session) = playing(0.25);
        back.seek(3.0);
        for _ in 0..20 {
            pass(&mut back, &mut session, 1.0 / 60.0);
        }
        back.seek(1.5);
        pass(&mut back, &mut session, 1.0 / 60.0);
        assert!(dots(&sought).len() > 10, "{}", dots(&sought).len());
        assert_eq!(dots(&sought), dots(&back));
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
        assert_eq!(player.run.totals[0], 500);
        assert!(
            player.run.describe_all().contains("shop: "),
            "{}",
            player.run.describe_all()
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
        let back_s = player.changed();
        let at_s = player.run.rewind(back_s);
        // The run has come no further than what sets out by then takes.
        assert!(
            at_s.is_none_or(|at_s| (at_s - 4.0).abs() < 1e-9),
            "{at_s:?}"
        );
        player.seek(2.0);
        let at_s = player.run.rewind(back_s);
        assert_eq!(at_s, Some(2.0));
        let changed = session.handle(Command::Change {
            run: 1,
            at_s,
            scenario: SCENARIO.replace("100 }", "10 }"),
        });
        hear(&mut player, changed);
        player.seek(5.0);
        settle(&mut player, &mut session);
        // 200 in the first two seconds and 30 in the three after.
        let (sent, _) = player.run.picture.counts();
        assert_eq!((sent, player.run.totals[0]), (230, 230));
        let ends: Vec<f64> = player.run.series.iter().map(|window| window.to_s).collect();
        assert!(ends.is_sorted_by(|a, b| a < b), "{ends:?}");
        assert_eq!(ends.last(), Some(&5.0));
    }

    /// Goes on with the run of the reader changed.
    fn change(player: &mut Player, session: &mut Session, scenario: String) {
        let back_s = player.changed();
        let (run, at_s) = (player.run.id, player.run.rewind(back_s));
        let change = Command::Change {
            run,
            at_s,
            scenario,
        };
        hear(player, session.handle(change));
    }

    #[test]
    fn a_change_has_an_effect_soon_at_any_speed_and_up_to_the_end() {
        for (speed, at_s) in [(0.5, 2.0), (1.0, 3.5), (10.0, 2.0), (20.0, 2.0), (1.0, 4.8)] {
            let (mut player, mut session) = playing(speed);
            while player.now_s() < at_s {
                pass(&mut player, &mut session, 1.0 / 60.0);
            }
            let at_s = player.now_s();
            change(
                &mut player,
                &mut session,
                SCENARIO.replace("\"rate_per_s\": 100", "\"rate_per_s\": 0"),
            );
            player.seek(5.0);
            settle(&mut player, &mut session);
            let sent = { player.run.picture.ticks().iter() }
                .filter(|tick| matches!(tick.what, What::Sent { .. }))
                .map(|tick| tick.at_s);
            let last_s = sent.fold(0.0, f64::max);
            let soon = (at_s - 0.1)..(at_s + 1.2).min(4.98);
            assert!(soon.contains(&last_s), "{speed}: {at_s} to {last_s}");
        }
    }

    #[test]
    fn a_fork_leaves_the_past_as_it_was_and_parts_where_something_is_changed() {
        let (mut player, mut session) = playing(1.0);
        player.seek(2.0);
        settle(&mut player, &mut session);
        // An answer is on its way while the reader asks for the fork.
        player.set_playing(true);
        let asked: Vec<_> = player.pass(0.1, 0.0).collect();
        player.fork(2);
        for (run, to_s) in asked {
            hear(&mut player, session.handle(Command::Advance { run, to_s }));
        }
        let fork = Command::Fork { run: 1, branch: 2 };
        hear(&mut player, session.handle(fork));
        settle(&mut player, &mut session);
        let series = |player: &Player, own: bool| {
            let beside = player.beside.as_ref().expect("forked");
            let run = if own { &player.run } else { beside };
            (run.series.clone(), run.totals, run.picture.ticks().to_vec())
        };
        assert!(player.is_over());
        assert_eq!(series(&player, true), series(&player, false));
        assert_eq!(player.apart.parting(), None, "nothing was changed");

        player.seek(3.0);
        let was = series(&player, false);
        change(
            &mut player,
            &mut session,
            SCENARIO.replace("\"workers\": 1", "\"workers\": 2"),
        );
        player.seek(5.0);
        settle(&mut player, &mut session);
        assert_eq!(series(&player, false), was, "what was kept stays as it was");
        let apart_s = player.apart.at_s().expect("they part");
        assert!((3.0..3.1).contains(&apart_s), "{apart_s}");
        assert!(player.run.totals[2] < player.beside.as_ref().expect("forked").totals[2]);
        // Back to how it was.
        let kept = player.beside.as_ref().expect("forked").id;
        player.settle(true);
        assert_eq!((player.run.id, kept), (1, 1));
        assert!(player.beside.is_none() && player.is_over());
    }

    #[test]
    fn twins_keep_one_time_and_step_to_whatever_comes_first() {
        let (mut player, mut session) = playing(1.0);
        player.run.picture.seek(0.0);
        let twin = session.handle(Command::Load {
            run: 2,
            beside: Some(1),
            scenario: SCENARIO.replace("20", "5"),
            task: "[]".to_owned(),
        });
        player.beside = Some(Run::new(2, 0.0, Scene::default()));
        hear(&mut player, twin);
        player.set_playing(false);
        let mut moments = Vec::new();
        for _ in 0..4 {
            player.step(Sought::Answered);
            settle(&mut player, &mut session);
            let beside = player.beside.as_ref().expect("there");
            assert!((player.now_s() - beside.now_s()).abs() < 1e-12);
            moments.push((player.now_s() * 1000.0).round());
        }
        // The quick one answers 5 ms after each arrival, the other every 20 ms.
        assert_eq!(moments, [15.0, 25.0, 30.0, 35.0]);
        player.step_back(Sought::Answered);
        assert!((player.now_s() - 0.030).abs() < 1e-9);
        let parted = player.apart.parting().expect("they part");
        assert!((parted.at_s - 0.015).abs() < 1e-9, "{parted:?}");
    }
}
