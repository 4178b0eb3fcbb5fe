//! What can be done in the sandbox, by hand, keyboard or menu.

use scale_design::{Align, Design, Edit};
use scale_sim::Kind;

use super::traffic::log::Log;
use crate::handle::Handle;

/// One thing that is done.
#[derive(Clone, PartialEq, Debug)]
pub enum Deed {
    /// Change the design.
    Edit(Edit),
    /// Change the design; with those of the same name just before it is one step.
    GoOn(Edit, String),
    /// A component is touched: selected, or, while something is being connected, connected.
    Touch {
        /// Which.
        name: String,
        /// Beside what is selected already.
        more: bool,
    },
    /// Select these and nothing else.
    Select(Vec<String>),
    /// Select a connection.
    SelectWire(String, String),
    /// Select everything.
    SelectAll,
    /// Whether what is touched is selected beside the rest.
    Several(bool),
    /// Move what is selected; or this one, if it is not.
    Walk {
        /// The component that has the keyboard's place.
        name: Option<String>,
        /// Columns and rows.
        by: [f64; 2],
    },
    /// A new component, called by the one that is selected if that can be.
    Place(Kind, Option<[f64; 2]>),
    /// Begin or leave off connecting; from this one, or from the selected.
    Connecting(Option<String>),
    /// Connect two.
    Connect(String, String),
    /// Delete what is selected; or this one, if it is not.
    Delete(Option<String>),
    /// Keep a copy of what is selected.
    Copy,
    /// Keep a copy and delete.
    Cut,
    /// Bring the copy in.
    Paste,
    /// Copy and bring in.
    Duplicate,
    /// What is selected belongs together.
    Group,
    /// It does not any more.
    Ungroup,
    /// Put what is selected in line.
    Align(Align),
    /// Undo.
    Undo,
    /// Do again.
    Redo,
    /// Bring everything in sight.
    Fit,
    /// Bring this one in sight.
    Reveal(String),
    /// The board so many times as large.
    Zoom(f64),
    /// Leave whatever is begun.
    Escape,
    /// Show another side of the design.
    Show(Side),
    /// Begin with something else; what was before is kept in the gallery.
    Open(Box<Design>, String),
    /// A log was brought, or is not to be used.
    Log(Option<Handle<Log>>),
    /// These gave first in runs: components, and what is said of each.
    Blame(Vec<(String, String)>),
    /// Tell something that was not done here.
    Tell(String),
    /// Tell why something could not be done.
    Refuse(String),
}

/// A side of the design.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Side {
    /// What it is made of.
    #[default]
    Build,
    /// What comes to it, and what goes wrong.
    Traffic,
    /// What it does.
    Run,
    /// How it takes ten times the load.
    Certificate,
    /// What it is challenged to do.
    Challenge,
}
