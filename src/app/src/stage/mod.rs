//! stage
pub mod layout;
pub mod picture;
