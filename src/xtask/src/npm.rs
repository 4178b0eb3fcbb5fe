//! Node.js, and packages from npm: only what a lock file names, each with its checksum.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::{Failure, major, package_command, run_quietly, step, version};

/// The oldest Node.js that the browser suite's packages run on.
const OLDEST: u32 = 20;
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Node.js with npm must be there: the README asks for it.
pub fn node() -> Result<(), Failure> {
    let said = version("node").filter(|_| version(NPM).is_some());
    let Some(said) = said else {
        return Err(Failure::missing(
            "Node.js with npm",
            &package_command("nodejs npm", "nodejs npm", "node"),
        ));
    };
    too_old(&said).map_or(Ok(()), Err)
}

fn too_old(said: &str) -> Option<Failure> {
    major(said).is_none_or(|major| major < OLDEST).then(|| {
        Failure::new(format!(
            "Node.js {OLDEST} or newer is needed, and this is {said}.\nPlease run:\n\n    npm install --global n && n lts\n\n(with sudo before `npm` and `n` if Node.js was installed so; or see https://nodejs.org) and try again."
        ))
    })
}

/// Installs what the folder's lock file names, unless just that is there already.
pub fn install(folder: &Path, what: &str) -> Result<(), Failure> {
    let lock = folder.join("package-lock.json");
    let lock = fs::read(&lock).map_err(|error| Failure::file(&lock, &error))?;
    // Written last: an interrupted installation has none, and a changed lock file another one.
    let stamp = folder.join("node_modules/.installed-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    node()?;
    step(&format!("installing {what}: some seconds, once"));
    run_quietly(Command::new(NPM).arg("ci").current_dir(folder)).map_err(|_| {
        Failure::missing(what, &format!("npm ci --prefix \"{}\"", folder.display()))
    })?;
    fs::write(&stamp, lock).map_err(|error| Failure::file(&stamp, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::root;

    #[test]
    fn an_old_node_is_refused_by_name() {
        assert!(too_old("v20.0.0").is_none());
        assert!(too_old("v24.1.0").is_none());
        let failure = too_old("v18.20.4").expect("18 is too old");
        assert!(failure.to_string().contains("this is v18.20.4"), "{failure}");
    }

    #[test]
    fn lock_files_hold_checksums_and_no_addresses() {
        for folder in ["tests/browser", "src/xtask/npm"] {
            let path = root().join(folder).join("package-lock.json");
            let lock = fs::read_to_string(&path).expect("it is part of the workspace");
            let packages = lock.matches("\"node_modules/").count();
            assert!(packages > 0, "{folder}");
            assert_eq!(lock.matches("\"integrity\": \"sha512-").count(), packages, "{folder}");
            assert!(!lock.contains("\"resolved\""), "{folder}");
        }
    }
}
