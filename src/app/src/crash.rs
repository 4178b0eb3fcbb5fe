//! What happens when the page itself breaks: a message with a way back. Progress is in the storage already.

use gloo::events::EventListener;

use crate::browser;

/// Shows the crash panel of index.html when the Wasm panics.
///
/// # Panics
///
/// Only when a crash is asked for, to see the panel.
pub fn catch_panics() {
    std::panic::set_hook(Box::new(|panic| {
        web_sys::console::error_1(&panic.to_string().into());
        if let Some(panel) = browser::document().get_element_by_id("crash") {
            let _ = panel.remove_attribute("hidden");
        }
        if let Some(detail) = browser::document().get_element_by_id("crash-detail") {
            detail.set_text_content(Some(&panic.to_string()));
        }
    }));
    // Lets a test (or a curious reader) see the panel: document.dispatchEvent(new Event("scale-lab:crash")).
    EventListener::new(&browser::document(), "scale-lab:crash", |_| {
        panic!("a crash was asked for")
    })
    .forget();
}
