//! Any bytes at all as a link: one message, or a design that is read again as it was written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scale_design::{file, link};

mod alike;
use alike::alike;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    match link::read(text) {
        Ok(design) => {
            if let Ok(text) = link::write(&design) {
                assert!(link::read(&text).is_ok_and(|again| alike(&file::tree(&again), &file::tree(&design))));
            }
        }
        Err(why) => assert!(!why.is_empty()),
    }
});
