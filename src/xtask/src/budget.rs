//! The budget of bytes: what a first visit fetches, compressed as a server would.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::run::{Failure, root, step};

/// The most that a first visit may fetch, gzipped.
const BUDGET: usize = 350_000;

/// Prints what a first visit to the home page fetches, and fails if it is more than the budget.
pub fn check() -> Result<(), Failure> {
    step("weighing dist/");
    let dist = root().join("dist");
    let mut files = Vec::new();
    let entries = fs::read_dir(&dist)
        .map_err(|error| Failure::new(format!("{}: {error}", dist.display())))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_file() {
            files.push(path);
        }
    }
    // All of the page's own files, and of the lessons the one that every visit needs.
    files.push(dist.join("lessons/catalog.json"));
    files.sort();
    let mut total = 0;
    println!("{:>10} {:>10}  file", "bytes", "gzipped");
    for path in &files {
        let bytes =
            fs::read(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        let gzipped = gzipped(&bytes)?;
        total += gzipped;
        let name = path.strip_prefix(&dist).unwrap_or(Path::new("?"));
        println!("{:>10} {:>10}  {}", bytes.len(), gzipped, name.display());
    }
    println!("{:>10} {total:>10}  in all, of at most {BUDGET}", "");
    if total > BUDGET {
        return Err(Failure::new(format!(
            "a first visit fetches {total} bytes gzipped: at most {BUDGET} are allowed"
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
