//! The stage: a run to be watched, stopped, stepped and changed.
//!
//! [`Player`](player::Player) keeps the time of one or two [`Run`](run::Run)s, [`Picture`](picture::Picture) knows what is to be seen at a moment, [`flight`] what is on its way,
//! [`Layout`](layout::Layout) where it stands; [`painter`] and [`chart`] draw it; [`view`] is the component.

#[cfg(test)]
mod agreement;
mod apart;
mod canvas;
pub mod chart;
mod clock;
pub mod flight;
mod inside;
mod insides;
mod keep;
pub mod layout;
mod look;
mod narration;
pub mod painter;
mod pan;
mod pane;
mod parts;
pub mod picture;
pub mod player;
pub mod run;
mod task;
mod twin;
mod values;
pub mod view;
pub mod why;

pub use view::{Guessed, Predicted, Setting, Stage, Twin};
