//! Any bytes at all as what a browser has kept: one message, or a design with its snapshots, each of which is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scale_design::keep::Kept;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    match Kept::read(text) {
        Ok(mut kept) => {
            let mut again = Kept::read(&kept.write()).expect("we wrote it");
            // A number of more digits than any clock gives may come back with another last bit.
            again.now.at_ms = kept.now.at_ms;
            for (again, before) in again.snapshots.iter_mut().zip(&kept.snapshots) {
                assert!((again.at_ms - before.at_ms).abs() <= before.at_ms.abs() * 1e-15);
                again.at_ms = before.at_ms;
            }
            assert_eq!(again, kept);
            for snapshot in &kept.snapshots {
                drop(snapshot.read());
            }
            if let Ok(design) = kept.now.read() {
                kept.keep(&design, 1.0, true);
                assert!(kept.now.read().is_ok_and(|again| again == design));
            }
        }
        Err(why) => assert!(!why.is_empty()),
    }
});
