//! The budgets of bytes, compressed as a server would: what a first visit fetches, and the simulation, which comes when
//! something is first run.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::run::{Failure, root, step};
use crate::seal;

/// The most that a first visit to the home page may fetch: the home page's own stage, and with it the tools that every lesson reads
/// a run with (charts, tables, a component looked at closely), which are in the same Wasm.
const FIRST_VISIT: usize = 449_500;
/// The most that the simulation may weigh: it also tells, in words, what every policy knows and why it decided, and makes the runs of a sweep with what gives first in them. `tests/browser/looks.test.mjs` sees to it that no first visit fetches it.
const SIMULATION: usize = 665_000;
/// The most that the sandbox may weigh, which comes when somebody goes there: it reads and checks all that a scenario may hold,
/// has a form for each of it, and judges challenges.
const SANDBOX: usize = 1_040_000;
/// The most that the service worker may weigh, with its list of all files and what is in them.
const KEEPER: usize = 15_000;

/// Prints what a visitor fetches, and fails if it is more than the budgets.
pub fn check() -> Result<(), Failure> {
    step("weighing dist/");
    let dist = root().join("dist");
    let build = seal::build_in(&dist)
        .ok_or_else(|| Failure::new("dist/ has no build in it: `cargo xtask build` makes one"))?;
    let mut files = files_of(&build)?;
    // Beside the build, and of the lessons the one that every visit needs.
    files.extend(
        ["index.html", "manifest.webmanifest", "icons/icon.svg"].map(|name| dist.join(name)),
    );
    files.push(build.join("lessons/catalog.json"));
    files.sort();
    let (simulation, files): (Vec<_>, Vec<_>) =
        { files.into_iter() }.partition(|path| is_of("worker", path));
    let (sandbox, page) = files.into_iter().partition(|path| is_of("sandbox", path));
    println!("{:>10} {:>10}  file", "bytes", "gzipped");
    weigh(&dist, "a first visit", page, FIRST_VISIT)?;
    weigh(&dist, "the simulation", simulation, SIMULATION)?;
    weigh(&dist, "the sandbox", sandbox, SANDBOX)?;
    let worker = vec![dist.join("service-worker.js")];
    weigh(
        &dist,
        "what keeps all for offline use, after that",
        worker,
        KEEPER,
    )
}

/// The files right in a folder.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder)
        .map_err(|error| Failure::new(format!("{}: {error}", folder.display())))?;
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths.filter(|path| path.is_file()).collect())
}

/// Whether a file belongs to a part that is fetched later.
fn is_of(part: &str, path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(part))
}

fn weigh(dist: &Path, what: &str, files: Vec<PathBuf>, budget: usize) -> Result<(), Failure> {
    let mut total = 0;
    for path in files {
        let bytes = fs::read(&path)
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        let gzipped = gzipped(&bytes)?;
        total += gzipped;
        let name = path.strip_prefix(dist).unwrap_or(Path::new("?"));
        println!("{:>10} {:>10}  {}", bytes.len(), gzipped, name.display());
    }
    println!("{:>10} {total:>10}  {what}, of at most {budget}", "");
    if total > budget {
        return Err(Failure::new(format!(
            "{what} weighs {total} bytes gzipped: at most {budget} are allowed"
        )));
    }
    Ok(())
}

fn gzipped(bytes: &[u8]) -> Result<usize, Failure> {
    let compressed = || -> std::io::Result<usize> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes)?;
        Ok(encoder.finish()?.len())
    };
    compressed().map_err(|error| Failure::new(format!("a file could not be compressed: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_weighs_little() {
        let weight = gzipped(&vec![7; 100_000]).expect("memory does not fail");
        assert!(weight < 500, "{weight}");
    }
}
