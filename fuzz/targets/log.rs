//! Any bytes at all as an access log or a CSV: one message, or moments in order that a design can keep.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scale_design::log;
use scale_sim::{Arrivals, Time, read_moments};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    match log::read("some.log", text) {
        Ok(log) => {
            assert!(log.times.first() == Some(&Time::ZERO) && log.times.is_sorted());
            assert!(log.run_s() >= 1.0 && log.mean_per_s().is_finite());
            assert!((1..=log.times.len() as u64).contains(&log.most_per_s()));
            if let Some(Arrivals::Recording { times_s, .. }) = log.recording() {
                let again = read_moments(&times_s).expect("we wrote it");
                assert_eq!(again.len(), log.times.len());
            }
            if let Some(keys) = &log.keys {
                assert!((0.0..=1.0001).contains(&keys.share_of_hottest(1)));
            }
        }
        Err(why) => assert!(!why.is_empty() && !why.contains('\n')),
    }
});
