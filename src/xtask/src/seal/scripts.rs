//! The scripts that wasm-bindgen writes, as the page's policy wants them.

use super::folder::Folder;
use crate::run::Failure;

/// What makes HTML or a script out of text: the page does neither.
const REFUSED: [&str; 6] = [
    ".innerHTML",
    ".outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "eval(",
    "new Function",
];
/// Yew can draw raw HTML, so its glue is there; nothing in the lab asks for it.
const RAW_HTML: &str = "arg0.innerHTML = getStringFromWasm0(arg1, arg2);";
const NO_RAW_HTML: &str = "throw new TypeError(\"raw HTML is not drawn here\");";
/// What trunk writes to start the worker.
pub(super) const LOADER: &str =
    "importScripts(\"./worker.js\");wasm_bindgen(\"./worker_bg.wasm\");";

/// Finishes the scripts.
///
/// # Errors
///
/// If one is not as it was expected, or makes HTML or a script out of text.
pub fn finish(folder: &mut Folder) -> Result<(), Failure> {
    worker(folder)?;
    let is_script = |file: &&String| file.rsplit_once('.').is_some_and(|(_, end)| end == "js");
    for file in folder.files.iter().filter(is_script) {
        let text = folder.text(file)?;
        let finished = text.replace(RAW_HTML, NO_RAW_HTML);
        if let Some(found) = refused(&finished) {
            return Err(Failure::new(format!("{file} contains '{found}'")));
        }
        if finished != text {
            folder.rewrite(file, &finished)?;
        }
    }
    Ok(())
}

fn refused(script: &str) -> Option<&'static str> {
    REFUSED.into_iter().find(|words| script.contains(words))
}

/// No browser checks the integrity of a worker's script. So it is but one script, which has its Wasm checked.
fn worker(folder: &mut Folder) -> Result<(), Failure> {
    let (glue, loader) = ("worker.js", "worker_loader.js");
    let told = folder.text(loader)?;
    if told.trim() != LOADER {
        return Err(Failure::new(format!(
            "{loader} is not as trunk wrote it before, but:\n{told}"
        )));
    }
    let integrity = folder.integrity("worker_bg.wasm")?;
    let start = format!(
        "wasm_bindgen({{ module_or_path: fetch(\"./worker_bg.wasm\", {{ integrity: \"{integrity}\" }}) }});\n"
    );
    folder.rewrite(loader, &format!("{}\n{start}", folder.text(glue)?))?;
    folder.remove(glue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_makes_html_out_of_text_is_known() {
        assert_eq!(refused("a.innerHTML = b"), Some(".innerHTML"));
        assert_eq!(refused("new Function(a)()"), Some("new Function"));
        assert_eq!(refused("__wbg_set_innerHTML: function() {}"), None);
        assert_eq!(refused(NO_RAW_HTML), None);
    }
}
