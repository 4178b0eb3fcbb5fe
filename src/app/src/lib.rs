//! Scale Lab's page and its simulation worker.
pub mod protocol;
pub mod session;
pub mod stage;
