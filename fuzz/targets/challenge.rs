//! Any bytes at all as a challenge's folder: refused with what is wrong, or a day on which its start and its attempts can be run.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scale_capacity::{Attempt, Challenge, cost, mechanisms};
use scale_sim::{Engine, Files, Model, NoProbe};

mod parts;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    let (brief, others) = parts::parts(text);
    let start = others.first().map_or("", |(_, text)| text);
    let challenge = match Challenge::read(brief, start) {
        Ok(challenge) => challenge,
        Err(found) => return assert!(!found.is_empty()),
    };
    let mut designs = vec![challenge.start.clone()];
    for (_, text) in others.iter().skip(1).take(4) {
        let attempt = Attempt::read(text).map_err(|problem| vec![problem]);
        match attempt.and_then(|attempt| attempt.design(&challenge)) {
            Ok(design) => designs.push(design),
            Err(problems) => assert!(!problems.is_empty()),
        }
    }
    for design in designs {
        drop(challenge.refusals(&design));
        drop(mechanisms(&design));
        assert!(!cost(&design, &challenge.prices()).per_hour.is_nan());
        let day = challenge.day(&design, 1);
        let model = day.and_then(|day| Model::new(&day, &Files::new()));
        match model {
            Ok(model) => {
                let horizon = model.horizon();
                Engine::new(model.into(), NoProbe).with_budget(1_000).run_until(horizon);
            }
            Err(problems) => assert!(!problems.is_empty()),
        }
    }
});
