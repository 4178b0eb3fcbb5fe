//! What the lab is built of, held against `deny.toml`: licences, what is there twice, where it comes from, and what is known to be
//! unsafe.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::run::{Failure, root, run, run_within, step};
use crate::tools::deny;

/// How long fetching the list of advisories may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// Checks all. The list of advisories is the one part that has to be fetched each time; where it cannot be had, that is said.
pub fn check() -> Result<(), Failure> {
    run(quiet(&mut deny()?).args(["--offline", "check", "licenses", "bans", "sources"]))?;
    // What the fuzzers have twice weighs nothing in the lab.
    let mut fuzzers = deny()?;
    quiet(&mut fuzzers)
        .arg("--manifest-path")
        .arg(root().join("fuzz/Cargo.toml"));
    run(fuzzers.args(["check", "licenses", "sources"]))?;
    let mut fetch = deny()?;
    fetch.args(["fetch", "db"]).stderr(Stdio::null());
    if run_within(PATIENCE, &mut fetch).is_err() {
        step(
            "advisories: NOT CHECKED, for RustSec's list of them could not be fetched from github.com",
        );
        return Ok(());
    }
    run(quiet(&mut deny()?).args(["check", "--disable-fetch", "advisories"]))
}

/// Only what is wrong is told.
fn quiet(command: &mut Command) -> &mut Command {
    command.args(["--log-level", "error"])
}
