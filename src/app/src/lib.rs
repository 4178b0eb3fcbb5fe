//! Scale Lab's page and its simulation worker.
//!
//! The page knows what to draw and the worker what happens; they talk in [`protocol`]. Whatever touches the browser beyond
//! drawing (storage, downloads, media queries) is in [`browser`] and [`store`].

pub mod browser;
mod code;
pub mod content;
pub mod crash;
pub mod handle;
pub mod icon;
pub mod page;
pub mod prose;
pub mod protocol;
pub mod sandbox;
pub mod session;
pub mod simulator;
pub mod stage;
pub mod state;
pub mod store;
mod tape;
pub mod trust;
mod turns;
pub mod worker;
