//! A folder with all the files in it.

use std::fs;
use std::path::{Path, PathBuf};

use super::integrity;
use crate::run::Failure;

/// A folder that is being finished.
pub struct Folder {
    place: PathBuf,
    /// Its files, sorted, with slashes between folders.
    pub files: Vec<String>,
}

impl Folder {
    /// All that is in a folder.
    ///
    /// # Errors
    ///
    /// If it cannot be listed.
    pub fn new(place: &Path) -> Result<Self, Failure> {
        let mut files = Vec::new();
        gather(place, "", &mut files)?;
        files.sort();
        let place = place.to_owned();
        Ok(Self { place, files })
    }

    /// What is in a file, as browsers check it.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn integrity(&self, file: &str) -> Result<String, Failure> {
        let place = self.place.join(file);
        fs::read(&place)
            .map(|bytes| integrity(&bytes))
            .map_err(|error| failed(&place, &error))
    }

    /// The text of a file.
    ///
    /// # Errors
    ///
    /// If it is not there, or is no text.
    pub fn text(&self, file: &str) -> Result<String, Failure> {
        read(&self.place.join(file))
    }

    /// Gives a file another text.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn rewrite(&self, file: &str, text: &str) -> Result<(), Failure> {
        write(&self.place.join(file), text)
    }

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// If it cannot be removed.
    pub fn remove(&mut self, file: &str) -> Result<(), Failure> {
        let place = self.place.join(file);
        fs::remove_file(&place).map_err(|error| failed(&place, &error))?;
        self.files.retain(|other| other != file);
        Ok(())
    }

    /// Moves a file within the folder, and takes away a folder that this leaves empty.
    ///
    /// # Errors
    ///
    /// If it cannot be moved.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), Failure> {
        let (old, new) = (self.place.join(from), self.place.join(to));
        let moved = || -> std::io::Result<()> {
            fs::create_dir_all(new.parent().unwrap_or(&self.place))?;
            fs::rename(&old, &new)
        };
        moved().map_err(|error| failed(&new, &error))?;
        for above in old.ancestors().skip(1) {
            // Fails, as it should, where something is left.
            if above == self.place || fs::remove_dir(above).is_err() {
                break;
            }
        }
        for file in self.files.iter_mut().filter(|file| **file == from) {
            to.clone_into(file);
        }
        Ok(())
    }
}

fn gather(place: &Path, above: &str, files: &mut Vec<String>) -> Result<(), Failure> {
    let entries = fs::read_dir(place).map_err(|error| failed(place, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| failed(place, &error))?;
        let name = entry.file_name();
        let name = name.to_str().ok_or_else(|| {
            Failure::new(format!("{}: a name is no text", entry.path().display()))
        })?;
        if entry.path().is_dir() {
            gather(&entry.path(), &format!("{above}{name}/"), files)?;
        } else {
            files.push(format!("{above}{name}"));
        }
    }
    Ok(())
}

/// The text of a file.
///
/// # Errors
///
/// If it is not there, or is no text.
pub fn read(place: &Path) -> Result<String, Failure> {
    fs::read_to_string(place).map_err(|error| failed(place, &error))
}

/// Writes a file.
///
/// # Errors
///
/// If it cannot be written.
pub fn write(place: &Path, text: &str) -> Result<(), Failure> {
    fs::write(place, text).map_err(|error| failed(place, &error))
}

fn failed(place: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {error}", place.display()))
}
