//! Any bytes at all as what a browser has kept: one message, or a design with its snapshots, each of which is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scale_design::{file, keep::Kept};

mod alike;
use alike::alike;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    match Kept::read(text) {
        Ok(mut kept) => {
            assert!(Kept::read(&kept.write()).is_ok_and(|again| alike(&again, &kept)));
            for snapshot in &kept.snapshots {
                drop(snapshot.read());
            }
            if let Ok(design) = kept.now.read() {
                kept.keep(&design, 1.0, true);
                assert!(kept.now.read().is_ok_and(|again| alike(&file::tree(&again), &file::tree(&design))));
            }
        }
        Err(why) => assert!(!why.is_empty()),
    }
});
