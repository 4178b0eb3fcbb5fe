//! `index.html` with its policy, and the integrity of what it fetches.

use serde_json::{Map, Value};

use crate::run::Failure;

/// What the page may do: fetch and run its own files, and nothing else. `data:` and `blob:` pictures are diagrams on their way to a file.
pub const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; \
img-src 'self' data: blob:; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'; \
require-trusted-types-for 'script'; trusted-types default";
/// What `boot.js` fetches by itself and checks, by how the names begin: it is told their integrity.
const BY_BOOT: [&str; 3] = ["app-", "sandbox", "offline.js"];

/// The page of a build whose files are in `folder`.
///
/// # Errors
///
/// If the page lacks what has to be there.
pub fn finish(html: &str, folder: &str, parts: &[(String, String)]) -> Result<String, Failure> {
    let html = referring(html, folder, parts);
    let boot: Map<String, Value> = { parts.iter() }
        .filter(|(part, _)| BY_BOOT.iter().any(|begin| part.starts_with(begin)))
        .map(|(part, integrity)| (part.clone(), integrity.as_str().into()))
        .collect();
    // The module by which the Wasm is started. The Wasm itself is fetched when the first lines are there.
    let app = |part: &str| {
        part.starts_with("app-") && part.rsplit_once('.').is_some_and(|(_, end)| end == "js")
    };
    let early: String = { parts.iter().filter(|(part, _)| app(part)) }
        .flat_map(|(part, integrity)| {
            [
                "    <link rel=\"modulepreload\" href=\"",
                folder,
                part,
                "\" integrity=\"",
                integrity,
                "\" />\n",
            ]
        })
        .collect();
    let charset = "<meta charset=\"utf-8\" />";
    let sealed = Value::Object(boot);
    let head = format!(
        "{charset}\n    <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\" />\n{early}    <script type=\"application/json\" id=\"sealed\">{sealed}</script>"
    );
    let html = replaced(&html, charset, &head)?;
    replaced(&html, "<html ", &format!("<html data-folder=\"{folder}\" "))
}

/// Replaces what must be there once.
fn replaced(html: &str, old: &str, new: &str) -> Result<String, Failure> {
    if html.matches(old).count() == 1 {
        Ok(html.replacen(old, new, 1))
    } else {
        Err(Failure::new(format!(
            "index.html must have '{old}' exactly once"
        )))
    }
}

/// Every link and script that fetches a part gets its place in the folder, and its integrity.
fn referring(html: &str, folder: &str, parts: &[(String, String)]) -> String {
    let mut done = html.to_owned();
    for (part, integrity) in parts {
        for attribute in ["href", "src"] {
            let new = format!("{attribute}=\"{folder}{part}\" integrity=\"{integrity}\"");
            for dot in ["", "./"] {
                done = done.replace(&format!("{attribute}=\"{dot}{part}\""), &new);
            }
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r##"<html lang="en"><head><meta charset="utf-8" />
<link rel="icon" href="icons/icon.svg" /><link rel="stylesheet" href="scale-lab.css" />
<script src="boot.js" defer data-js="app-1.js" data-wasm="app-1_bg.wasm"></script></head><body><a href="#/">Home</a></body></html>"##;

    fn parts() -> Vec<(String, String)> {
        [
            "app-1.js",
            "app-1_bg.wasm",
            "boot.js",
            "scale-lab.css",
            "worker_loader.js",
        ]
        .map(|part| (part.to_owned(), format!("sha256-of-{part}")))
        .into()
    }

    #[test]
    fn what_the_page_fetches_has_its_place_and_integrity() {
        let html = finish(PAGE, "lab-0/", &parts()).expect("the page is whole");
        for found in [
            r#"<html data-folder="lab-0/" lang="en">"#,
            r#"href="lab-0/scale-lab.css" integrity="sha256-of-scale-lab.css""#,
            r#"<script src="lab-0/boot.js" integrity="sha256-of-boot.js" defer data-js="app-1.js""#,
            r#"rel="modulepreload" href="lab-0/app-1.js" integrity="sha256-of-app-1.js""#,
            r#"href="icons/icon.svg" />"#,
            r#"{"app-1.js":"sha256-of-app-1.js","app-1_bg.wasm":"sha256-of-app-1_bg.wasm"}"#,
        ] {
            assert!(html.contains(found), "{found} in {html}");
        }
    }

    #[test]
    fn the_policy_comes_before_anything_that_is_fetched() {
        let html = finish(PAGE, "lab-0/", &parts()).expect("the page is whole");
        let policy = html.find(POLICY).expect("it has a policy");
        assert!(html.find("<link").is_some_and(|link| policy < link));
        assert!(html.find("<script").is_some_and(|script| policy < script));
    }

    #[test]
    fn a_page_that_is_not_as_expected_is_refused() {
        let failure =
            finish("<html><head></head></html>", "lab-0/", &parts()).expect_err("it lacks all");
        assert!(failure.to_string().contains("charset"), "{failure}");
    }
}
