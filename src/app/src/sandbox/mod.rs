//! The sandbox: designs of one's own. A Wasm of its own holds it, so the page does not.

pub mod inspector;
