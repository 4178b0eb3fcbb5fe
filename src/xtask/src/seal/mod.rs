//! `cargo xtask seal`: what trunk does when it has built the folder, to finish it. The page's files go into a folder whose name says
//! what is in them, so that no two builds can ever mix; `index.html` gets a strict policy and the integrity of what it fetches; the
//! service worker gets the list of all files.

mod folder;
mod page;
mod scripts;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::run::{Failure, root};
use folder::{Folder, read, write};

/// By this a page is known that trunk serves and reloads: its script is inline, and speaks to trunk by a socket.
const SERVED: &str = ".well-known/trunk/ws";
/// What stands beside the build's folder, under addresses that never change.
const BESIDE: [&str; 3] = ["index.html", "manifest.webmanifest", "icons/"];
/// Of the page's parts, those that a reader needs first, by how their names begin; in this order they are kept for offline use.
const FIRST: [&str; 5] = [
    "first.js",
    "scale-lab.css",
    "boot.js",
    "app-",
    "lessons/catalog.json",
];
/// What the build's folder is called, with digits of its hash behind it. The service worker knows it by this.
const FOLDER: &str = "lab-";

/// Finishes the folder that trunk has just built.
///
/// # Errors
///
/// What could not be read or written, or is not as trunk makes it.
pub fn seal() -> Result<(), Failure> {
    let staging = env::var_os("TRUNK_STAGING_DIR").ok_or_else(|| {
        Failure::usage("`cargo xtask seal` is called by trunk, when it has built the folder")
    })?;
    seal_folder(Path::new(&staging))
}

fn seal_folder(staging: &Path) -> Result<(), Failure> {
    let index = staging.join("index.html");
    let html = read(&index)?;
    let worker = |name: &str| read(&root().join("static").join(name));
    let place = staging.join("service-worker.js");
    if html.contains(SERVED) {
        return write(&place, &worker("no-service-worker.js")?);
    }
    let mut folder = Folder::new(staging)?;
    scripts::finish(&mut folder)?;
    let worker = worker("service-worker.js")?;
    let name = name(&folder, &html, &worker)?;
    let parts: Vec<String> = { folder.files.iter() }
        .filter(|file| !BESIDE.iter().any(|beside| file.starts_with(beside)))
        .cloned()
        .collect();
    let integrity = { parts.iter() }
        .map(|part| Ok((part.clone(), folder.integrity(part)?)))
        .collect::<Result<Vec<_>, Failure>>()?;
    let html = page::finish(&html, &name, &integrity)?;
    write(&index, &html)?;
    for part in &parts {
        folder.rename(part, &format!("{name}{part}"))?;
    }
    let list = list(&folder, &name)?;
    write(&place, &filled(&worker, &name, &list)?)
}

/// The name of the build's folder: it differs if anything does.
fn name(folder: &Folder, html: &str, worker: &str) -> Result<String, Failure> {
    let mut hash = Sha256::new();
    for file in &folder.files {
        hash.update(format!("{file} {}\n", folder.integrity(file)?));
    }
    for text in [html, worker, page::POLICY] {
        hash.update(text);
    }
    let number = { hash.finalize().into_iter() }
        .take(8)
        .fold(0, |number, byte| (number << 8) | u64::from(byte));
    Ok(format!("{FOLDER}{number:016x}/"))
}

/// All files with what is in them, in the order in which they are needed.
fn list(folder: &Folder, name: &str) -> Result<Map<String, Value>, Failure> {
    let order = |file: &str| {
        let part = file.strip_prefix(name).unwrap_or(file);
        let first = FIRST.iter().position(|first| part.starts_with(first));
        (part != "index.html", first.unwrap_or(FIRST.len()))
    };
    let mut files = folder.files.clone();
    files.sort_by_key(|file| order(file));
    let entry = |file: String| Ok((file.clone(), folder.integrity(&file)?.into()));
    files.into_iter().map(entry).collect()
}

/// The service worker with its list.
fn filled(worker: &str, name: &str, files: &Map<String, Value>) -> Result<String, Failure> {
    const GAP: &str = "const BUILD = null;";
    if worker.matches(GAP).count() != 1 {
        return Err(Failure::new(format!(
            "static/service-worker.js has no `{GAP}`, where the list of files belongs"
        )));
    }
    let build = json!({ "folder": name, "files": files });
    Ok(worker.replace(GAP, &format!("const BUILD = {build};")))
}

/// What is in a file, as browsers check it.
fn integrity(bytes: &[u8]) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(bytes)))
}

/// The build's folder within `dist`, if that is finished.
pub fn build_in(dist: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(dist).ok()?.flatten();
    let mut found = entries.filter(|entry| {
        entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(FOLDER))
    });
    Some(found.next()?.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integrity_is_as_browsers_write_it() {
        // The example of the recommendation: `alert('Hello, world.');`.
        assert_eq!(
            integrity(b"alert('Hello, world.');"),
            "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="
        );
    }

    #[test]
    fn the_service_worker_has_a_place_for_its_list() {
        let worker = read(&root().join("static/service-worker.js")).expect("it is there");
        let files = Map::from_iter([("index.html".to_owned(), "sha256-x".into())]);
        let filled = filled(&worker, "lab-0/", &files).expect("it has one");
        let list = r#"const BUILD = {"folder":"lab-0/","files":{"index.html":"sha256-x"}};"#;
        assert!(filled.contains(list), "{filled}");
    }

    /// A folder as trunk builds it.
    fn built(extra: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let html = "<html lang=\"en\"><head><meta charset=\"utf-8\" /><link rel=\"stylesheet\" href=\"scale-lab.css\" /></head></html>";
        for (name, text) in [
            ("index.html", format!("{html}{extra}").as_str()),
            ("manifest.webmanifest", "{}"),
            ("icons/icon.svg", "<svg/>"),
            ("scale-lab.css", "p {}"),
            (
                "app-1.js",
                "arg0.innerHTML = getStringFromWasm0(arg1, arg2);",
            ),
            ("app-1_bg.wasm", "app"),
            ("worker.js", "let wasm_bindgen;"),
            ("worker_bg.wasm", "worker"),
            ("worker_loader.js", scripts::LOADER),
            ("lessons/catalog.json", "{}"),
        ] {
            let place = folder.path().join(name);
            let above = place.parent().expect("it lies in a folder");
            fs::create_dir_all(above).expect("there is room");
            write(&place, text).expect("there is room");
        }
        folder
    }

    #[test]
    fn a_build_is_moved_into_a_folder_of_its_own_and_listed() {
        let folder = built("");
        seal_folder(folder.path()).expect("it is as trunk builds it");
        let build = build_in(folder.path()).expect("it is there");
        let sealed = Folder::new(&build).expect("it can be listed");
        let parts = [
            "app-1.js",
            "app-1_bg.wasm",
            "lessons/catalog.json",
            "scale-lab.css",
            "worker_bg.wasm",
            "worker_loader.js",
        ];
        assert_eq!(sealed.files, parts);
        let name = build
            .file_name()
            .and_then(|name| name.to_str())
            .expect("it has a name");
        let worker = read(&folder.path().join("service-worker.js")).expect("it is there");
        for part in parts {
            let integrity = sealed.integrity(part).expect("it is there");
            assert!(
                worker.contains(&format!("\"{name}/{part}\":\"{integrity}\"")),
                "{part} in {worker}"
            );
        }
        let loader = sealed.text("worker_loader.js").expect("it is there");
        let integrity = sealed.integrity("worker_bg.wasm").expect("it is there");
        assert!(
            loader.contains(&integrity) && !loader.contains("importScripts"),
            "{loader}"
        );
        assert!(
            !sealed
                .text("app-1.js")
                .expect("it is there")
                .contains("innerHTML")
        );
        assert!(folder.path().join("icons/icon.svg").is_file());
        // The same folder gets the same name, another one another.
        let again = built("");
        seal_folder(again.path()).expect("it is as trunk builds it");
        assert_eq!(
            build_in(again.path())
                .and_then(|build| Some(build.file_name()?.to_owned()))
                .as_deref(),
            build.file_name()
        );
        let other = built("<p></p>");
        seal_folder(other.path()).expect("it is as trunk builds it");
        assert_ne!(
            build_in(other.path())
                .and_then(|build| Some(build.file_name()?.to_owned()))
                .as_deref(),
            build.file_name()
        );
    }

    #[test]
    fn what_trunk_serves_stays_as_it_is_and_keeps_nothing() {
        let folder = built("<script>'/.well-known/trunk/ws'</script>");
        let before = Folder::new(folder.path()).expect("it can be listed").files;
        let html = read(&folder.path().join("index.html")).expect("it is there");
        seal_folder(folder.path()).expect("there is nothing to do");
        let mut after = Folder::new(folder.path()).expect("it can be listed").files;
        after.retain(|file| file != "service-worker.js");
        assert_eq!(after, before);
        assert_eq!(
            read(&folder.path().join("index.html")).expect("it is there"),
            html
        );
        let worker = read(&folder.path().join("service-worker.js")).expect("it is there");
        assert!(worker.contains("unregister"), "{worker}");
    }
}
