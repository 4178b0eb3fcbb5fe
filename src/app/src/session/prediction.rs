//! The moment from which on a run shows the answer to what was predicted of it.

use scale_course::{Answer, Guess};
use scale_sim::{Figures, Measure, Model};

/// What was predicted of a run, with the answer that the whole run came to.
#[derive(Clone, Debug)]
pub struct Predicted {
    kind: Guess,
    measures: Vec<Measure>,
    truth: Answer,
}

impl Predicted {
    /// A prediction of this kind, whose answer is known.
    pub fn new(kind: Guess, truth: Answer) -> Self {
        Self {
            measures: kind.measures(),
            kind,
            truth,
        }
    }

    /// Whether figures come to the answer, as nearly as a prediction must.
    pub fn is_answered(&self, model: &Model, figures: &Figures) -> bool {
        // What is measured while the warm-up lasts does not count in the answer.
        if figures.to_s <= model.warmup().secs() {
            return false;
        }
        let values = self.measures.iter();
        let values: Vec<_> = values.map(|m| m.value(model, figures)).collect();
        let so_far = self.kind.truth(&values);
        so_far.is_some_and(|so_far| self.kind.is_right(&so_far, &self.truth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Command, Frame, Reply};
    use crate::session::Session;
    use scale_sim::Metric;

    const SCENARIO: &str = r#"{ "version": 1, "horizon_s": 20, "warmup_s": 2, "components": {
        "users": { "client": { "operation": "buy", "target": "shop", "arrivals": { "constant": { "rate_per_s": 10 } } } },
        "shop": { "service": { "workers": 1, "queue": 5, "plans": { "*": [ { "call": { "to": "db" } } ] } } },
        "db": { "database": { "connections": 1, "queries": { "*": { "constant": { "mean_ms": 20 } } } } }
    }, "faults": [ { "what": { "slow": { "component": "db", "factor": 4 } }, "at_s": 8, "for_s": 100 } ] }"#;

    fn mean_latency() -> Guess {
        Guess::Number {
            measure: Metric::MeanMs,
            of: None,
            min: 0.0,
            max: 100.0,
            tolerance: 0.1,
        }
    }

    /// The last frame of a run that is asked for its answer, up to the end in steps of so many seconds.
    fn run(kind: Guess, truth: Answer, step_s: f64) -> Frame {
        let mut session = Session::default();
        let load = Command::Load {
            run: 1,
            beside: None,
            scenario: SCENARIO.to_owned(),
            task: "[]".to_owned(),
        };
        assert!(matches!(session.handle(load), Some(Reply::Ready(..))));
        let predicted = Command::Predicted {
            run: 1,
            kind,
            truth,
        };
        assert_eq!(session.handle(predicted), None);
        let mut to_s = 0.0;
        loop {
            to_s += step_s;
            match session.handle(Command::Advance { run: 1, to_s }) {
                Some(Reply::Frame(_, frame)) if frame.ended.is_some() => return *frame,
                Some(Reply::Frame(..)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn the_answer_shows_from_when_on_the_figures_come_to_it() {
        // 20 ms for six seconds, then 80 ms for twelve: 60 ms in all, within a tenth of it once 80 ms have lasted for 7.
        let at_s = run(mean_latency(), Answer::Number(60.0), 0.3).answer_s;
        let at_s = at_s.expect("the whole run comes to it");
        assert!((15.0..=18.0).contains(&at_s), "{at_s}");
        // However the page asks for it.
        assert_eq!(
            run(mean_latency(), Answer::Number(60.0), 20.0).answer_s,
            Some(at_s)
        );
        // What it comes to for a while only is not the answer.
        assert_eq!(
            run(mean_latency(), Answer::Number(20.0), 0.3).answer_s,
            None
        );
    }

    #[test]
    fn where_a_measure_is_greatest_shows_early() {
        let kind = Guess::Component {
            among: vec!["shop".to_owned(), "db".to_owned()],
            measure: Metric::OfferedPerS,
        };
        let truth = kind.truth(&[Some(1.0), Some(2.0)]).expect("one is greater");
        let busiest = Guess::Component {
            among: vec!["shop".to_owned(), "db".to_owned()],
            measure: Metric::Utilisation,
        };
        let at_s = run(busiest, truth, 1.0).answer_s;
        assert!(at_s.is_some_and(|at_s| at_s < 5.0), "{at_s:?}");
    }

    #[test]
    fn a_run_that_was_changed_is_not_the_one_predicted() {
        let mut session = Session::default();
        session.handle(Command::Load {
            run: 1,
            beside: None,
            scenario: SCENARIO.to_owned(),
            task: "[]".to_owned(),
        });
        session.handle(Command::Predicted {
            run: 1,
            kind: mean_latency(),
            truth: Answer::Number(20.0),
        });
        let mut answer_s = |command| match session.handle(command) {
            Some(Reply::Frame(_, frame)) => frame.answer_s,
            _ => None,
        };
        let advance = |to_s| Command::Advance { run: 1, to_s };
        assert!(answer_s(advance(6.0)).is_some());
        answer_s(Command::Change {
            run: 1,
            at_s: Some(5.5),
            scenario: SCENARIO.replace("\"factor\": 4", "\"factor\": 5"),
        });
        assert_eq!(answer_s(advance(7.0)), None);
    }

    #[test]
    fn what_comes_before_the_end_of_the_warm_up_shows_nothing() {
        // Ten a second from the start on: what is measured says so at once, but does not count for two seconds.
        let throughput = Guess::Number {
            measure: Metric::ThroughputPerS,
            of: None,
            min: 0.0,
            max: 20.0,
            tolerance: 0.1,
        };
        let at_s = run(throughput, Answer::Number(10.0), 0.3).answer_s;
        let at_s = at_s.expect("the run comes to it");
        assert!(at_s > 2.0 && at_s < 6.0, "{at_s}");
    }
}
