//! What an inspector asks to be changed in a design.

pub use scale_design::{Change, below, unescaped};
