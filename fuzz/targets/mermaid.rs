//! Any bytes at all as a chart: one message, or a design that can be drawn and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scale_design::mermaid;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    match mermaid::read(text) {
        Ok(read) => {
            let again = mermaid::read(&mermaid::write(&read.design)).expect("we wrote it");
            let count = |read: &mermaid::Read| read.design.scenario().components.len();
            assert_eq!(count(&again), count(&read));
        }
        Err(why) => assert!(!why.is_empty()),
    }
});
