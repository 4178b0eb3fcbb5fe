//! Any bytes at all as a scenario: refused with its problems, or run to a budget of events. Neither may panic or hang.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scale_sim::{Engine, Files, Model, Recorder, Scenario};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    let model = Scenario::from_json(text).and_then(|scenario| Model::new(&scenario, &Files::new()));
    match model {
        Ok(model) => {
            let horizon = model.horizon();
            let recorder = Recorder::new(&model);
            let mut engine = Engine::new(model.into(), recorder).with_budget(2_000);
            engine.run_until(horizon);
            let totals = engine.totals();
            assert_eq!(totals.sent, totals.completed + totals.lost + totals.under_way);
        }
        Err(problems) => assert!(!problems.is_empty()),
    }
});
