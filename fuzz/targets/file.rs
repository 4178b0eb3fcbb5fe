//! Any bytes at all as a file: one message, or a design of which each component can be deleted and renamed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scale_design::{Edit, file, wiring};

mod alike;
use alike::alike;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    let design = match file::read(text) {
        Ok(design) => design,
        Err(why) => return assert!(!why.is_empty()),
    };
    assert!(file::read(&file::write(&design)).is_ok_and(|again| alike(&file::tree(&again), &file::tree(&design))));
    let names = design.scenario().components.keys().cloned();
    for name in names.take(8) {
        let rename = Edit::Rename {
            name: name.clone(),
            label: "Fuzz".to_owned(),
        };
        rename.apply(&design).expect("it is there");
        let delete = Edit::Delete { names: vec![name] };
        delete.apply(&design).expect("it is there");
    }
    let wires = wiring::connections(design.scenario()).into_iter();
    for (from, to) in wires.take(8) {
        let (from, to) = (from.to_owned(), to.to_owned());
        Edit::Disconnect { from, to }.apply(&design).expect("they are there");
    }
    Edit::Arrange.apply(&design).expect("it can be arranged");
});
