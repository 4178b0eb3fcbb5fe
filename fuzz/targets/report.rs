//! Any bytes at all as a report of a sweep, or as a page with one in it: one message, or runs that can be made again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scale_capacity::{Made, plan, trial};
use scale_sim::{Engine, Files, Model, NoProbe, Scenario};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    let made = match Made::read(text) {
        Ok((made, _)) => made,
        Err(why) => return assert!(!why.is_empty()),
    };
    let design = match Scenario::from_value(&made.design) {
        Ok(design) => design,
        Err(problems) => return assert!(!problems.is_empty()),
    };
    let factors = made.factors();
    let trials = plan(&factors, made.seed, made.replications);
    assert_eq!(trials.len(), factors.len() * made.replications as usize);
    for factor in factors.iter().take(3) {
        let one = trials.iter().find(|trial| trial.factor.total_cmp(factor).is_eq());
        let scenario = trial(design.clone(), one.expect("it is one of them"));
        match scenario.and_then(|scenario| Model::new(&scenario, &Files::new())) {
            Ok(model) => {
                let horizon = model.horizon();
                Engine::new(model.into(), NoProbe).with_budget(500).run_until(horizon);
            }
            Err(problems) => assert!(!problems.is_empty()),
        }
    }
});
