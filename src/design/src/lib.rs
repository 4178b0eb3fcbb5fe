//! A design of one's own: what the sandbox edits.
//!
//! A [`Design`] is a scenario, perhaps not finished yet, with the groups that its author has made. An [`Edit`] makes another design
//! of it or says why not; [`History`] keeps them for undo and redo. [`wiring`] knows what can be connected and how a component
//! names what it calls; [`palette`] what a new one is like; [`arrange`] where things stand. [`link`], [`file`](mod@file) and
//! [`mermaid`] bring designs in and out, and [`log`] load, all of them with suspicion. Nothing here knows a browser.

pub mod arrange;
mod change;
mod design;
mod edit;
pub mod file;
mod history;
pub mod keep;
pub mod link;
pub mod log;
pub mod mermaid;
pub mod palette;
pub mod wiring;

pub use change::{Change, below, unescaped};
pub use design::{Design, Group, USUAL};
pub use edit::{Align, Edit, Edited, copied};
pub use history::History;
